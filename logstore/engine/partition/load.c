/*
 * Opening an existing partition directory.
 *
 * Happy path: list the directory -> settings, topic id, epochs -> segments by base -> the end of the last
 * one -> producer state from the newest snapshot and what follows it.
 *
 * Two modes. For writing (the directory was closed cleanly) everything must be whole: what is not is
 * LOGSTORE_E_UNCLEAN with file and position, and nothing is changed. For reading only, also beside a live
 * owner, derived files are hints and half a batch at the end is one that was not written yet; nothing is
 * written, and files may vanish between the listing and the opening (the caller looks again).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/checkpoint.h"
#include "format/control.h"
#include "format/names.h"
#include "format/properties.h"
#include "format/record_reader.h"
#include "partition/partition_internal.h"

#define SMALL_FILE_MAX (16u * 1024 * 1024)
#define SNAPSHOT_MAX (1024u * 1024 * 1024)

/* ---- the directory --------------------------------------------------------------------------------------- */

struct offsets {
	int64_t *items;
	size_t count;
	size_t capacity;
};

struct listing {
	logstore_partition *part;
	struct offsets logs;
	struct offsets snapshots;
	bool temporary_log;  /* .cleaned, .swap: an interrupted compaction */
	struct logstore_error *ret_error;
};

static int add_offset(const struct ls_env *env, struct offsets *offsets, int64_t offset)
{
	if (offsets->count == offsets->capacity) {
		size_t capacity = offsets->capacity ? offsets->capacity * 2 : 16;
		int64_t *items = ls_realloc(env, offsets->items, capacity, sizeof *items);

		if (!items)
			return -ENOMEM;
		offsets->items = items;
		offsets->capacity = capacity;
	}
	offsets->items[offsets->count++] = offset;
	return 0;
}

static bool is_kraft_snapshot(const char *name)
{
	return strstr(name, ".checkpoint") != NULL;
}

static int note_file(void *arg, const char *name)
{
	struct listing *listing = arg;
	logstore_partition *part = listing->part;
	struct logstore_file_name parsed;

	if (ls_file_name_parse(name, &parsed) < 0) {
		if (part->read_only)
			return 0; /* verify reports it */
		return ls_corrupt(listing->ret_error, LOGSTORE_E_INVALID_NAME, part->directory, -1,
		                  "the file %.200s ends like one of Kafka's but begins with no offset; Kafka does not "
		                  "start with it: move it away", name);
	}
	if (parsed.suffix[0] != '\0') {
		if (strcmp(parsed.suffix, ".deleted") != 0)
			listing->temporary_log = true;
		return 0;
	}
	if (parsed.kind == LOGSTORE_FILE_LOG && !is_kraft_snapshot(name)) {
		char canonical[LS_FILE_NAME_MAX];

		if (parsed.base_offset < 0)
			return ls_corrupt(listing->ret_error, LOGSTORE_E_INVALID_NAME, part->directory, -1,
			                  "the file %.200s has a negative offset", name);
		ls_file_name(canonical, parsed.base_offset, ".log");
		if (strcmp(canonical, name) != 0)
			return ls_corrupt(listing->ret_error, LOGSTORE_E_INVALID_NAME, part->directory, -1,
			                  "the file %.200s is not named %s; rename it", name, canonical);
		return add_offset(part->env, &listing->logs, parsed.base_offset);
	}
	if (parsed.kind == LOGSTORE_FILE_SNAPSHOT && parsed.base_offset >= 0)
		return add_offset(part->env, &listing->snapshots, parsed.base_offset);
	return 0;
}

static int compare_offsets(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void free_listing(struct listing *listing)
{
	(void)ls_free(listing->part->env, listing->logs.items);
	(void)ls_free(listing->part->env, listing->snapshots.items);
}

static int list_directory(logstore_partition *part, struct listing *listing, struct logstore_error *ret_error)
{
	const struct logstore_io *io = part->env->io;
	int r;

	*listing = (struct listing){.part = part, .ret_error = ret_error};
	r = io->list(io->ctx, part->directory, note_file, listing);
	if (r == 0 && listing->logs.count == 0)
		r = ls_corrupt(ret_error, LOGSTORE_E_NOT_A_PARTITION, part->directory, -1,
		               "the directory holds no .log file");
	if (r == 0 && listing->temporary_log && !part->read_only)
		r = ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, part->directory, -1,
		               "files of an interrupted compaction (.cleaned or .swap) are left; open it for reading "
		               "only, or let its Kafka finish");
	if (r < 0) {
		free_listing(listing);
		return r > -4096 && r != -ENOMEM ? ls_error_io(ret_error, r, "cannot list", part->directory) : r;
	}
	qsort(listing->logs.items, listing->logs.count, sizeof(int64_t), compare_offsets);
	if (listing->snapshots.count > 1)
		qsort(listing->snapshots.items, listing->snapshots.count, sizeof(int64_t), compare_offsets);
	return 0;
}

/* ---- small files ------------------------------------------------------------------------------------------ */

/* Reads a small file of the partition into file_buffer. Returns 1, 0 if there is none, or an error. */
static int read_small(logstore_partition *part, const char *name, size_t limit, char path[LS_PATH_MAX],
                      struct logstore_error *ret_error)
{
	int r;

	ls_partition_path(part, name, path);
	ls_buf_clear(&part->file_buffer);
	r = ls_io_read_file(part->env, path, limit, &part->file_buffer);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? ls_error_io(ret_error, r, "cannot read", path) : 1;
}

static int load_topic_id(logstore_partition *part, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int r = read_small(part, LS_NAME_PARTITION_METADATA, SMALL_FILE_MAX, path, ret_error);

	if (r <= 0)
		return r;
	r = ls_partition_metadata_parse((const char *)part->file_buffer.data, part->file_buffer.size, &part->topic_id,
	                                ret_error);
	if (r < 0 && part->read_only && r != -ENOMEM)
		return 0;
	if (r < 0)
		return ls_error_at(ret_error, r, path, ret_error ? ret_error->position : -1, -1);
	return 0;
}

static int load_config(logstore_partition *part, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int r = read_small(part, LS_NAME_CONFIG, SMALL_FILE_MAX, path, ret_error);

	if (r == 1) {
		r = ls_config_file_parse(part->env, (const char *)part->file_buffer.data, part->file_buffer.size,
		                         &part->own, ret_error);
		if (r < 0)
			return ls_error_at(ret_error, r, path, ret_error ? ret_error->position : -1, -1);
	}
	return r < 0 ? r : ls_partition_resolve_config(part, ret_error);
}

static int load_epochs(logstore_partition *part, struct ls_epoch_cache *epochs, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int r = read_small(part, LS_NAME_EPOCHS, SMALL_FILE_MAX, path, ret_error);

	if (r <= 0)
		return r;
	r = ls_epoch_cache_parse(epochs, (const char *)part->file_buffer.data, part->file_buffer.size, ret_error);
	if (r < 0 && part->read_only && r != -ENOMEM)
		return 0; /* a hint to a reader; verify reports it */
	return r < 0 ? ls_error_at(ret_error, r, path, ret_error ? ret_error->position : -1, -1) : 0;
}

/* ---- producers -------------------------------------------------------------------------------------------- */

/* Loads the snapshot at an offset. Returns 1, 0 if it is missing or damaged (the next older one will do),
or an error. */
static int load_snapshot(logstore_partition *part, struct ls_producer_state *state, int64_t offset,
                         struct logstore_error *ret_error)
{
	char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
	struct logstore_error detail;
	int r;

	ls_file_name(name, offset, ".snapshot");
	r = read_small(part, name, SNAPSHOT_MAX, path, ret_error);
	if (r <= 0)
		return r;
	r = ls_producer_state_load(state, part->file_buffer.data, part->file_buffer.size,
	                           ls_now_ms(part->env), part->producer_expiration_ms, &detail);
	if (r == 0 && ls_producer_state_last_open(state) >= offset) {
		ls_producer_state_clear(state);
		r = ls_error(&detail, LOGSTORE_E_CORRUPT_FILE, "it knows of a transaction that begins past its offset");
	}
	if (r == 0)
		return 1;
	if (r > -4096)
		return r;
	ls_log(part->env, LOGSTORE_LOG_WARNING, "%s: %s is not used: %s", part->name, name, detail.text);
	return 0;
}

/* Snapshots of the directory at or below `end`, in order. */
static int list_snapshots(logstore_partition *part, struct listing *listing, struct logstore_error *ret_error)
{
	const struct logstore_io *io = part->env->io;
	int r;

	*listing = (struct listing){.part = part, .ret_error = ret_error};
	r = io->list(io->ctx, part->directory, note_file, listing);
	if (r < 0) {
		free_listing(listing);
		return r > -4096 && r != -ENOMEM ? ls_error_io(ret_error, r, "cannot list", part->directory) : r;
	}
	if (listing->snapshots.count > 1)
		qsort(listing->snapshots.items, listing->snapshots.count, sizeof(int64_t), compare_offsets);
	return 0;
}

/* Applies one batch behind the snapshot, by the rules of replication. */
struct replay {
	logstore_partition *part;
	struct ls_record_reader *reader;
	struct ls_producer_append append;
	struct ls_buf buffer;
};

/* The control record of a marker batch. Returns 0 or an error. */
static int read_control(struct replay *replay, struct ls_segment *seg, const struct logstore_batch_info *info,
                        uint64_t position, struct logstore_control *ret_control, struct logstore_error *ret_error)
{
	struct logstore_record record;
	int r;

	if (info->size > replay->part->max_batch_bytes)
		return ls_corrupt(ret_error, LOGSTORE_E_LIMIT_EXCEEDED, NULL, -1, "a control batch of %u bytes",
		                  info->size);
	ls_buf_clear(&replay->buffer);
	r = ls_buf_reserve(&replay->buffer, info->size);
	if (r == 0)
		r = ls_segment_read(seg, position, replay->buffer.data, info->size);
	if (r == 0)
		r = ls_record_reader_start(replay->reader, replay->buffer.data, info->size, ret_error);
	if (r == 0)
		r = ls_record_reader_next(replay->reader, &record, ret_error);
	return r == 1 ? ls_control_parse(&record, ret_control, ret_error) : r;
}

static int replay_batch(struct replay *replay, struct ls_segment *seg, const struct logstore_batch_info *info,
                        uint64_t position, struct logstore_error *ret_error)
{
	bool has_control = info->control && info->record_count > 0;
	struct logstore_control control;
	char path[LS_PATH_MAX];
	int r = 0;

	if (info->producer_id < 0)
		return 0;
	if (has_control)
		r = read_control(replay, seg, info, position, &control, ret_error);
	if (r == 0) {
		ls_producer_append_reset(&replay->append);
		r = ls_producer_append_batch(&replay->append, info, has_control ? &control : NULL,
		                             LOGSTORE_ORIGIN_REPLICATION, 0, replay->part->name, NULL, ret_error);
	}
	if (r == 0)
		r = ls_producer_append_prepare(&replay->append);
	if (r < 0) {
		ls_segment_path(seg, ".log", path);
		return ls_error_at(ret_error, r, path, (int64_t)position, info->base_offset);
	}
	ls_producer_append_commit(&replay->append);
	return 0;
}

/* Batches of one segment that begin in [from, end). */
static int replay_segment(struct replay *replay, struct ls_segment *seg, int64_t from, int64_t end,
                          struct logstore_error *ret_error)
{
	uint64_t position = 0, size = atomic_load(&seg->size);
	struct logstore_batch_info info;
	struct ls_walk walk;
	int r = 1;

	if (from > seg->base)
		r = ls_segment_find(seg, from, size, &info, &position, ret_error);
	if (r <= 0)
		return r;
	ls_walk_init(&walk, seg, position, size);
	while ((r = ls_walk_next(&walk, &info, &position, ret_error)) == 1 && info.base_offset < end) {
		r = replay_batch(replay, seg, &info, position, ret_error);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static int replay_from(logstore_partition *part, struct ls_producer_state *state, const struct ls_segment_set *set,
                       int64_t from, int64_t end, struct logstore_error *ret_error)
{
	ptrdiff_t first = ls_segment_set_find(set, from);
	struct replay replay = {.part = part};
	int r;

	if (from >= end)
		return 0;
	r = ls_record_reader_new(part->env, part->max_decompressed_bytes, &replay.reader);
	if (r < 0)
		return r;
	ls_producer_append_init(&replay.append, state);
	ls_buf_init(&replay.buffer, part->env);
	for (size_t i = first < 0 ? 0 : (size_t)first; i < set->count && r == 0; i++)
		r = replay_segment(&replay, set->segments[i], from, end, ret_error);
	ls_buf_fini(&replay.buffer);
	ls_producer_append_fini(&replay.append);
	(void)ls_record_reader_free(replay.reader);
	return r;
}

static int rebuild_from(logstore_partition *part, struct ls_producer_state *state, const struct listing *listing,
                        const struct ls_segment_set *set, int64_t log_start, int64_t end, int64_t *ret_snapshot,
                        struct logstore_error *ret_error)
{
	int64_t from = set->segments[0]->base, snapshot = LOGSTORE_NO_OFFSET;
	int r = 0;

	if (from < log_start)
		from = log_start;
	for (size_t i = listing->snapshots.count; i > 0 && r == 0; i--) {
		int64_t offset = listing->snapshots.items[i - 1];

		if (offset > end || offset <= log_start)
			continue;
		r = load_snapshot(part, state, offset, ret_error);
		if (r == 1)
			from = snapshot = offset;
	}
	if (r >= 0)
		r = replay_from(part, state, set, from, end, ret_error);
	if (r < 0)
		return r;
	ls_producer_state_log_start(state, log_start);
	*ret_snapshot = snapshot;
	return 0;
}

int ls_partition_rebuild_producers(logstore_partition *part, const struct ls_segment_set *set, int64_t log_start,
                                   int64_t end, struct logstore_error *ret_error)
{
	struct ls_producer_state *state, *old;
	struct listing listing;
	int64_t snapshot = LOGSTORE_NO_OFFSET;
	int r;

	r = ls_producer_state_new(part->env, &state);
	if (r < 0)
		return r;
	r = list_snapshots(part, &listing, ret_error);
	if (r == 0) {
		r = rebuild_from(part, state, &listing, set, log_start, end, &snapshot, ret_error);
		free_listing(&listing);
	}
	if (r < 0) {
		(void)ls_producer_state_free(state);
		return r;
	}
	ls_mutex_lock(&part->state_lock);
	old = part->producers;
	part->producers = state;
	ls_mutex_unlock(&part->state_lock);
	(void)ls_producer_state_free(old);
	part->snapshot_offset = snapshot;
	part->producers_changed = snapshot != end;
	return 0;
}

/* ---- segments --------------------------------------------------------------------------------------------- */

static int64_t last_time_entry(struct ls_segment *seg, int64_t *ret_offset)
{
	uint64_t count = ls_index_file_count(&seg->time_index);
	uint8_t bytes[LS_TIME_ENTRY_SIZE];
	struct ls_time_entry entry;

	*ret_offset = seg->base;
	if (count == 0 || ls_index_file_get(&seg->time_index, count - 1, bytes) < 0 ||
	    ls_time_entry_read(bytes, seg->base, &entry, NULL) < 0)
		return LOGSTORE_NO_TIMESTAMP;
	*ret_offset = entry.offset;
	return entry.timestamp;
}

/*
 * Size and largest timestamp of a segment from its indexes; for the last one also its end. `lenient`: what
 * is not whole there was not written yet.
 */
static int survey_segment(logstore_partition *part, struct ls_segment *seg, bool last, bool lenient,
                          int64_t *ret_next_offset, struct logstore_error *ret_error)
{
	struct logstore_io_stat st;
	struct ls_tail tail = {.max_timestamp = LOGSTORE_NO_TIMESTAMP};
	int64_t time_offset, timestamp;
	char path[LS_PATH_MAX];
	int fd, r;

	ls_segment_path(seg, ".log", path);
	fd = ls_segment_log_fd(seg);
	r = fd < 0 ? fd : part->env->io->fstat(part->env->io->ctx, fd, &st);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot open", path);
	timestamp = last_time_entry(seg, &time_offset);
	seg->last_time_entry = timestamp;
	if (last) {
		r = ls_segment_find_tail(seg, st.size, lenient, &tail, ret_error);
		if (r < 0)
			return r;
		if (!tail.exact && !lenient)
			return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, path, (int64_t)tail.size,
			                  "the log does not end with a whole batch");
		atomic_store(&seg->size, tail.size);
		*ret_next_offset = tail.next_offset;
	} else {
		atomic_store(&seg->size, st.size);
		/* Where the time index is missing a reader has to look; what is damaged there it will meet. */
		if (part->read_only && timestamp == LOGSTORE_NO_TIMESTAMP) {
			r = ls_segment_find_tail(seg, st.size, true, &tail, ret_error);
			if (r < 0)
				return r;
		}
	}
	if (tail.max_timestamp > timestamp) {
		timestamp = tail.max_timestamp;
		time_offset = tail.max_timestamp_offset;
	}
	atomic_store(&seg->max_timestamp, timestamp);
	seg->max_timestamp_offset = time_offset;
	return 0;
}

/* An index that leads its log would be believed by Kafka: a writer does not take such a segment over. */
static int check_index_end(struct ls_segment *seg, struct logstore_error *ret_error)
{
	uint64_t count = ls_index_file_count(&seg->offset_index);
	uint8_t bytes[LS_OFFSET_ENTRY_SIZE];
	struct ls_offset_entry entry = {0};
	char path[LS_PATH_MAX];
	int r;

	ls_segment_path(seg, ".index", path);
	if (seg->offset_index.fd < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, path, -1,
		                  "the offset index is missing although the log was closed cleanly");
	if (count == 0)
		return 0;
	r = ls_index_file_get(&seg->offset_index, count - 1, bytes);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot read", path);
	r = ls_offset_entry_read(bytes, seg->base, &entry, ret_error);
	if (r == 0 && entry.position < atomic_load(&seg->size))
		return 0;
	return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, path, (int64_t)((count - 1) * LS_OFFSET_ENTRY_SIZE),
	                  "the last index entry points past the end of the log");
}

/* A transaction index that ends inside an entry, or in zeros, may have lost an aborted transaction (S4). */
static int check_txn_index_end(struct ls_segment *seg, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	if (ls_index_file_tail(&seg->txn_index) == 0)
		return 0;
	ls_segment_path(seg, ".txnindex", path);
	return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, path,
	                  (int64_t)(ls_index_file_count(&seg->txn_index) * LS_TXN_ENTRY_SIZE),
	                  "the transaction index does not end with a whole entry");
}

/* P4. A writer whose log goes back would acknowledge records that a reader of the whole never sees. */
static int check_next_base(struct ls_segment *seg, int64_t next_base, struct logstore_error *ret_error)
{
	struct ls_tail tail;
	char path[LS_PATH_MAX];
	int r;

	r = ls_segment_find_tail(seg, atomic_load(&seg->size), true, &tail, ret_error);
	if (r < 0 || tail.next_offset <= next_base)
		return r;
	ls_segment_path(seg, ".log", path);
	return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, path, -1,
	                  "the segment ends at offset %lld, above the base %lld of the next one",
	                  (long long)tail.next_offset, (long long)next_base);
}

/*
 * A reader takes what is missing at the end for not written yet, but not below what is checkpointed as
 * flushed: that was there once.
 */
static int check_flushed(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints, int64_t log_end,
                         struct logstore_error *ret_error)
{
	if (!part->read_only || checkpoints->recovery_point <= log_end)
		return 0;
	(void)ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, part->directory, -1,
	                 "the log can be read up to offset %lld only, but was flushed up to %lld: the end of its last "
	                 "segment is damaged; look at the files themselves (logstore verify, logstore dump)",
	                 (long long)log_end, (long long)checkpoints->recovery_point);
	if (ret_error)
		ret_error->offset = log_end;
	return LOGSTORE_E_CORRUPT_MESSAGE;
}

static int open_segments(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints,
                         const struct offsets *bases, struct ls_view *view, struct logstore_error *ret_error)
{
	bool lenient = part->read_only && !checkpoints->clean;
	struct ls_segment_set *set = ls_segment_set_new(part->env, bases->count);
	int64_t next_offset = 0;
	int r = 0;

	if (!set)
		return -ENOMEM;
	set->count = 0; /* grows as segments are opened, so that undoing lets go of those */
	for (size_t i = 0; i < bases->count && r == 0; i++) {
		struct ls_segment *seg;
		bool last = i + 1 == bases->count;

		r = ls_segment_open(part->env, part->directory, bases->items[i], part->read_only,
		                    ls_partition_draw_jitter(part), &seg);
		if (r < 0) {
			r = ls_error_io(ret_error, r, "cannot open a segment of", part->directory);
			break;
		}
		set->segments[set->count++] = seg;
		atomic_store(&seg->sealed_synced, !last); /* it was closed cleanly, or is only read */
		r = survey_segment(part, seg, last, lenient, &next_offset, ret_error);
		if (r == 0 && last && !part->read_only)
			r = check_index_end(seg, ret_error);
		if (r == 0 && !last && !part->read_only)
			r = check_next_base(seg, bases->items[i + 1], ret_error);
		if (r == 0 && !part->read_only)
			r = check_txn_index_end(seg, ret_error);
	}
	if (r == 0)
		r = check_flushed(part, checkpoints, next_offset, ret_error);
	if (r < 0) {
		(void)ls_segment_set_unref(set);
		return r;
	}
	view->set = set;
	view->log_end = next_offset;
	view->end_position = atomic_load(&set->segments[set->count - 1]->size);
	return 0;
}

/* ---- putting it together ---------------------------------------------------------------------------------- */

static void set_bounds(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints,
                       struct ls_view *view)
{
	int64_t first = view->set->segments[0]->base;

	view->log_start = checkpoints->log_start > first ? checkpoints->log_start : first;
	if (view->log_start > view->log_end)
		view->log_start = view->log_end;
	view->recovery_point = part->read_only ? checkpoints->recovery_point : view->log_end;
	if (view->recovery_point < view->log_start)
		view->recovery_point = view->log_start;
	view->high_watermark = view->log_end;
	view->first_unstable = LOGSTORE_NO_OFFSET;
}

/*
 * The epoch table of the file, within the bounds of the log. A writer puts a table that had to be cut back
 * at once: an epoch that lay past the end would come to life again when the log has grown over it.
 */
static int look_at_epochs(logstore_partition *part, const struct ls_view *view, struct ls_epoch_cache *epochs,
                          struct logstore_error *ret_error)
{
	int r = load_epochs(part, epochs, ret_error);
	bool changed;

	if (r < 0)
		return r;
	changed = ls_epoch_cache_truncate_from_end(epochs, view->log_end);
	if (ls_epoch_cache_truncate_from_start(epochs, view->log_start))
		changed = true;
	return changed && !part->read_only ? ls_partition_write_epochs(part, epochs, ret_error) : 0;
}

/*
 * Producer state. Damage on the way does not keep a reader out: it may want what is sound, and what it
 * reads is checked again. Its last stable offset is then only as good as what could be read.
 */
static int look_at_producers(logstore_partition *part, const struct ls_view *view, struct logstore_error *ret_error)
{
	struct logstore_error detail;
	int r;

	if (!part->read_only)
		return ls_partition_rebuild_producers(part, view->set, view->log_start, view->log_end, ret_error);
	r = ls_partition_rebuild_producers(part, view->set, view->log_start, view->log_end, &detail);
	if (r > -4096)
		return r < 0 && ret_error ? (*ret_error = detail, r) : r;
	ls_log(part->env, LOGSTORE_LOG_WARNING, "%s: producer state is not complete: %s", part->name, detail.text);
	return 0;
}

/* Everything a look at the directory yields, into `view` and, if all went well, into `part`. */
static int look(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints, struct ls_view *view,
                struct logstore_error *ret_error)
{
	struct ls_epoch_cache epochs, old;
	struct listing listing;
	int r;

	r = list_directory(part, &listing, ret_error);
	if (r < 0)
		return r;
	r = open_segments(part, checkpoints, &listing.logs, view, ret_error);
	free_listing(&listing);
	if (r < 0)
		return r;
	ls_epoch_cache_init(&epochs, part->env);
	if (checkpoints->log_start > view->log_end && !part->read_only)
		r = ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, part->directory, -1,
		               "the checkpointed log start %lld is past the log end %lld",
		               (long long)checkpoints->log_start, (long long)view->log_end);
	if (r == 0) {
		set_bounds(part, checkpoints, view);
		r = look_at_epochs(part, view, &epochs, ret_error);
	}
	if (r == 0)
		r = look_at_producers(part, view, ret_error);
	if (r == 0) {
		ls_mutex_lock(&part->state_lock);
		old = part->epochs;
		part->epochs = epochs;
		epochs = old;
		ls_mutex_unlock(&part->state_lock);
	} else {
		view->set = ls_segment_set_unref(view->set);
	}
	ls_epoch_cache_fini(&epochs);
	return r;
}

/*
 * Removes producer snapshots that stand at no segment's base, but the newest: what a clean close leaves
 * at the log end stays until the next one. A leftover does no harm, so a failure is only noted.
 */
static void remove_stray_snapshots(logstore_partition *part, const struct ls_segment_set *set)
{
	const struct logstore_io *io = part->env->io;
	char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
	struct listing listing;

	LS_ASSERT(set != NULL);
	if (list_snapshots(part, &listing, NULL) < 0)
		return;
	for (size_t i = 0; i + 1 < listing.snapshots.count; i++) {
		ptrdiff_t at = ls_segment_set_find(set, listing.snapshots.items[i]);

		if (at >= 0 && set->segments[at]->base == listing.snapshots.items[i])
			continue;
		ls_file_name(name, listing.snapshots.items[i], ".snapshot");
		ls_partition_path(part, name, path);
		if (io->unlink(io->ctx, path) < 0)
			ls_log(part->env, LOGSTORE_LOG_WARNING, "%s: cannot remove the old %s", part->name, name);
		atomic_store(&part->directory_dirty, true);
	}
	free_listing(&listing);
}

static int check_directory(const struct ls_partition_params *params, struct logstore_error *ret_error)
{
	const struct logstore_io *io = params->env->io;
	struct logstore_io_stat st;
	int r = io->stat(io->ctx, params->directory, &st);

	if (r == -ENOENT)
		return ls_corrupt(ret_error, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION, params->directory, -1,
		                  "there is no partition %s-%d", params->topic, params->number);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot look at", params->directory);
	if (st.kind != LOGSTORE_IO_DIRECTORY)
		return ls_corrupt(ret_error, LOGSTORE_E_NOT_A_PARTITION, params->directory, -1,
		                  "not a directory");
	return 0;
}

/*
 * Beside a live owner a file may be renamed, removed or cut between listing and reading: look again, a few
 * times. What is still wrong then is wrong.
 */
#define LOOK_ATTEMPTS 5

static int look_patiently(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints,
                          struct ls_view *view, struct logstore_error *ret_error)
{
	struct logstore_error detail; /* what an attempt met that a later one did not is not told */
	int r = -EAGAIN;

	if (!part->read_only)
		return look(part, checkpoints, view, ret_error);
	for (int i = 0; i < LOOK_ATTEMPTS && r != 0 && r != -ENOMEM; i++) {
		detail.code = 0;
		r = look(part, checkpoints, view, &detail);
	}
	if (r < 0 && ret_error && detail.code != 0)
		*ret_error = detail;
	return r;
}

int ls_partition_load(const struct ls_partition_params *params, logstore_partition **ret_part,
                      struct logstore_error *ret_error)
{
	logstore_partition *part;
	struct ls_view view = {0};
	int r;

	r = check_directory(params, ret_error);
	if (r < 0)
		return r;
	r = ls_partition_new(params, &part, ret_error);
	if (r < 0)
		return r;
	r = load_config(part, ret_error);
	if (r == 0)
		r = load_topic_id(part, ret_error);
	if (r == 0)
		r = look_patiently(part, &params->checkpoints, &view, ret_error);
	if (r < 0) {
		(void)ls_partition_free(part);
		return r;
	}
	part->loaded_log_end = view.log_end;
	part->loaded_high_watermark = params->checkpoints.high_watermark;
	if (!part->read_only)
		remove_stray_snapshots(part, view.set);
	ls_partition_publish(part, &view);
	*ret_part = part;
	return 0;
}

int ls_partition_refresh(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints,
                         struct logstore_error *ret_error)
{
	struct ls_view view = {0}, old;
	int r;

	ls_mutex_lock(&part->append_lock);
	r = look_patiently(part, checkpoints, &view, ret_error);
	if (r == 0) {
		ls_view_get(part, &old);
		view.cuts = old.cuts + 1; /* the owner may have cut the log and written on */
		ls_partition_publish(part, &view);
		ls_view_put(&old);
	}
	ls_mutex_unlock(&part->append_lock);
	return ls_partition_answer(part, r, ret_error);
}
