/*
 * The log is the evidence: every batch of every segment is read once, in order. From that one pass come
 * the end offsets, the transactions that were aborted, the epochs; then each derived file is held against
 * them. Indexes are checked entry by entry while their segment is read: entries and batches both come in
 * order of offsets.
 *
 * A missing or damaged derived file is REBUILDABLE, whatever it is; only damage to a .log, and a segment
 * that is missing between two others, is DAMAGE.
 */
#include "partition/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "format/control.h"
#include "format/names.h"
#include "io/io.h"
#include "segment/entries.h"
#include "segment/scan.h"

struct offsets {
	int64_t *items;
	size_t count;
	size_t capacity;
};

struct verify {
	const struct ls_env *env;
	const char *directory;
	const struct logstore_verify_options *options;
	logstore_finding_fn fn;
	void *arg;
	struct logstore_verify_result result;
	struct logstore_error *ret_error;
	int failed;                /* what a callback returned, or an error that ends the run */

	struct offsets logs;
	struct offsets snapshots;
	uint64_t bytes_total;
	uint64_t bytes_done;
	uint64_t bytes_told;
	int64_t log_end;           /* behind the last batch met so far */
	int32_t last_epoch;
	int64_t last_epoch_offset; /* first offset of that epoch */
};

static int report(struct verify *v, enum logstore_severity severity, const char *kind, const char *path,
                  int64_t position,
                  int64_t first_offset, int64_t last_offset, const char *format, ...)
	__attribute__((format(printf, 8, 9)));

static int report(struct verify *v, enum logstore_severity severity, const char *kind, const char *path,
                  int64_t position,
                  int64_t first_offset, int64_t last_offset, const char *format, ...)
{
	char text[512];
	struct logstore_finding finding = {
		.severity = severity, .kind = kind, .path = path, .position = position, .first_offset = first_offset,
		.last_offset = last_offset, .text = text,
	};
	va_list args;
	int r;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args); /* a cut sentence will do */
	va_end(args);
	v->result.findings[severity]++;
	r = v->fn(v->arg, &finding);
	if (r != 0 && v->failed == 0)
		v->failed = r;
	return r;
}

static int progress(struct verify *v, uint64_t done)
{
	if (!v->options->progress || done - v->bytes_told < 1024 * 1024)
		return 0;
	v->bytes_told = done;
	if (v->options->progress(v->options->progress_arg, done, v->bytes_total) != 0) {
		v->failed = ls_error(v->ret_error, -ECANCELED, "stopped by the caller");
		return v->failed;
	}
	return 0;
}

/* ---- the directory ----------------------------------------------------------------------------------------- */

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

static int compare_offsets(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void path_of(const struct verify *v, const char *name, char path[LS_PATH_MAX])
{
	if (ls_path_join(path, v->directory, name) < 0)
		path[0] = '\0'; /* only for messages: such a file could not have been opened */
}

static bool known_name(enum logstore_file_kind kind, const char *name)
{
	return kind != LOGSTORE_FILE_UNKNOWN || strncmp(name, "logstore-", 9) == 0;
}

/* What a name alone tells. */
static int note_file(void *arg, const char *name)
{
	char path[LS_PATH_MAX], canonical[LS_FILE_NAME_MAX];
	struct logstore_file_name parsed;
	struct verify *v = arg;
	struct logstore_io_stat st;

	path_of(v, name, path);
	if (ls_file_name_parse(name, &parsed) < 0)
		return report(v, LOGSTORE_DAMAGE, "BAD_NAME", path, -1, -1, -1,
		              "ends like one of Kafka's files but begins with no offset; Kafka does not start with it");
	if (v->env->io->stat(v->env->io->ctx, path, &st) < 0)
		return 0; /* gone since: the owner is at work */
	if (st.kind != LOGSTORE_IO_FILE)
		return parsed.kind == LOGSTORE_FILE_UNKNOWN
		               ? report(v, LOGSTORE_NOTE, "UNKNOWN_FILE", path, -1, -1, -1, "not a file; ignored")
		               : report(v, LOGSTORE_DAMAGE, "NOT_A_FILE", path, -1, -1, -1,
		                        "has the name of a file of the log but is none");
	if (parsed.suffix[0] != '\0')
		return report(v, LOGSTORE_NOTE, "LEFTOVER", path, -1, -1, -1,
		              "left by a deletion or an interrupted compaction (%s)", parsed.suffix);
	if (!known_name(parsed.kind, name))
		return report(v, LOGSTORE_NOTE, "UNKNOWN_FILE", path, -1, -1, -1, "not a file of Kafka's; ignored");
	if (parsed.kind == LOGSTORE_FILE_SNAPSHOT && parsed.base_offset >= 0)
		return add_offset(v->env, &v->snapshots, parsed.base_offset);
	if (parsed.kind != LOGSTORE_FILE_LOG || strstr(name, ".checkpoint"))
		return 0;
	if (parsed.base_offset >= 0)
		ls_file_name(canonical, parsed.base_offset, ".log");
	if (parsed.base_offset < 0 || strcmp(canonical, name) != 0)
		return report(v, LOGSTORE_DAMAGE, "BAD_NAME", path, -1, -1, -1,
		              "a segment is named by 20 digits; this one is not read");
	v->bytes_total += st.size;
	return add_offset(v->env, &v->logs, parsed.base_offset);
}

/* ---- one segment ------------------------------------------------------------------------------------------- */

/* An index held against the batches as they come by. */
struct index_check {
	struct verify *v;
	enum logstore_file_kind kind;
	char path[LS_PATH_MAX];
	struct logstore_file_entry *entries;
	size_t count;
	size_t capacity;
	size_t at;
	bool reported;     /* one finding per index is enough */
};

static int collect_entry(void *arg, const struct logstore_file_entry *entry)
{
	struct index_check *check = arg;

	if (check->count == check->capacity) {
		size_t capacity = check->capacity ? check->capacity * 2 : 64;
		struct logstore_file_entry *entries =
			ls_realloc(check->v->env, check->entries, capacity, sizeof *entries);

		if (!entries)
			return -ENOMEM;
		check->entries = entries;
		check->capacity = capacity;
	}
	check->entries[check->count++] = *entry;
	return 0;
}

static int bad_index(struct index_check *check, const struct logstore_file_entry *entry, const char *what)
{
	if (check->reported)
		return 0;
	check->reported = true;
	return report(check->v, LOGSTORE_REBUILDABLE, "STALE_INDEX", check->path, (int64_t)entry->position, -1,
	              -1, "%s",
	              what);
}

static int load_index(struct verify *v, int64_t base, enum logstore_file_kind kind, const char *ending, bool required,
                      struct index_check *check)
{
	struct logstore_error detail;
	char name[LS_FILE_NAME_MAX];
	int r;

	check->kind = kind;
	ls_file_name(name, base, ending);
	path_of(v, name, check->path);
	r = ls_file_entries(v->env, check->path, collect_entry, check, &detail);
	if (r == -ENOENT)
		return required ? report(v, LOGSTORE_REBUILDABLE, "MISSING_INDEX", check->path, -1, -1, -1,
		                         "the file is missing") : 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		check->reported = true;
		return report(v, LOGSTORE_REBUILDABLE, "DAMAGED_INDEX", check->path, detail.position, -1, -1, "%s",
		              detail.text);
	}
	return 0;
}

static void free_index(struct index_check *check)
{
	(void)ls_free(check->v->env, check->entries);
}

/* Every offset index entry names the last offset of a batch and the byte where it begins. */
static int check_offset_entry(struct index_check *check, const struct logstore_scan_item *item)
{
	while (check->at < check->count && check->entries[check->at].u.index.position <= item->position) {
		const struct logstore_file_entry *entry = &check->entries[check->at++];

		if (entry->u.index.position != item->position || entry->u.index.offset != item->info.last_offset) {
			int r = bad_index(check, entry, "an entry does not point to the batch it names");

			if (r != 0)
				return r;
		}
	}
	return 0;
}

struct segment_check {
	struct verify *v;
	int64_t base;
	bool last;
	char path[LS_PATH_MAX];
	struct index_check offset_index;
	struct index_check time_index;
	struct index_check txn_index;
	int64_t max_timestamp;
	int64_t max_timestamp_offset;
	int64_t next_offset;
	bool damaged;      /* some batch could not be read: indexes may name it all the same */
};

/* A time index entry (T, O): the largest timestamp up to O is T. */
static int check_time_entries(struct segment_check *check)
{
	struct index_check *index = &check->time_index;

	while (index->at < index->count && index->entries[index->at].u.time_index.offset < check->next_offset) {
		const struct logstore_file_entry *entry = &index->entries[index->at++];
		int r = 0;

		if (!check->damaged && (entry->u.time_index.timestamp > check->max_timestamp ||
		    entry->u.time_index.offset < check->base))
			r = bad_index(index, entry,
			              "an entry claims a larger timestamp than the records up to it have");
		if (r != 0)
			return r;
	}
	return 0;
}

static int check_records(struct segment_check *check, logstore_scan *scan, const struct logstore_scan_item *item)
{
	struct verify *v = check->v;
	struct logstore_error detail;
	struct logstore_record record;
	int64_t max_timestamp = LOGSTORE_NO_TIMESTAMP;
	int r;

	while ((r = ls_scan_record(scan, &record, &detail)) == 1) {
		v->result.records++;
		if (record.timestamp > max_timestamp)
			max_timestamp = record.timestamp;
		if (item->info.magic == 2 &&
		    (record.offset < item->info.base_offset || record.offset > item->info.last_offset))
			return report(v, LOGSTORE_DAMAGE, "BAD_RECORD", check->path, (int64_t)item->position,
			              item->info.base_offset, item->info.last_offset,
			              "a record has offset %" PRId64 ", outside its batch", record.offset);
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		check->damaged = true;
		return report(v, LOGSTORE_DAMAGE, r == LOGSTORE_E_LIMIT_EXCEEDED ? "TOO_LARGE" : "BAD_RECORD",
		              check->path,
		              (int64_t)item->position, item->info.base_offset, item->info.last_offset, "%s",
		              detail.text);
	}
	if (item->info.magic == 2 && max_timestamp > item->info.max_timestamp)
		return report(v, LOGSTORE_NOTE, "BATCH_TIMESTAMP", check->path, (int64_t)item->position,
		              item->info.base_offset, item->info.last_offset,
		              "a record is later than the header's maximum timestamp");
	return 0;
}

static int check_order(struct segment_check *check, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;
	struct verify *v = check->v;
	int64_t first = info->magic == 2 ? info->base_offset : info->last_offset;

	if (first < check->next_offset)
		return report(v, LOGSTORE_DAMAGE, "OFFSETS_GO_BACK", check->path, (int64_t)item->position,
		              info->base_offset,
		              info->last_offset,
		              "the batch begins at %" PRId64 ", below %" PRId64 " which comes next",
		              first, check->next_offset);
	if (info->last_offset - check->base > INT32_MAX)
		return report(v, LOGSTORE_DAMAGE, "OFFSET_OVERFLOW", check->path, (int64_t)item->position,
		              info->base_offset, info->last_offset,
		              "the offset is more than 2^31-1 above the segment's base: the segment must be split");
	if (info->leader_epoch >= 0 && info->leader_epoch < v->last_epoch)
		return report(v, LOGSTORE_NOTE, "EPOCH_GOES_BACK", check->path, (int64_t)item->position,
		              info->base_offset,
		              info->last_offset, "leader epoch %d after %d", info->leader_epoch, v->last_epoch);
	return 0;
}

static int check_batch(struct segment_check *check, logstore_scan *scan, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;
	struct verify *v = check->v;
	int r;

	v->result.batches++;
	r = check_order(check, item);
	if (r == 0)
		r = check_offset_entry(&check->offset_index, item);
	if (r == 0 && v->options->records)
		r = check_records(check, scan, item);
	if (info->max_timestamp > check->max_timestamp) {
		check->max_timestamp = info->max_timestamp;
		check->max_timestamp_offset = info->last_offset;
	}
	if (info->last_offset >= check->next_offset && info->last_offset < INT64_MAX)
		check->next_offset = info->last_offset + 1;
	if (info->leader_epoch > v->last_epoch) {
		v->last_epoch = info->leader_epoch;
		v->last_epoch_offset = info->base_offset;
	}
	return r != 0 ? r : check_time_entries(check);
}

static int check_damage(struct segment_check *check, const struct logstore_scan_item *item)
{
	struct verify *v = check->v;
	int64_t position = (int64_t)item->position;

	switch (item->status) {
	case LOGSTORE_SCAN_BAD_CRC:
		check->damaged = true;
		if (item->info.last_offset >= check->next_offset && item->info.last_offset < INT64_MAX)
			check->next_offset = item->info.last_offset + 1;
		return report(v, LOGSTORE_DAMAGE, "BAD_CRC", check->path, position, item->info.base_offset,
		              item->info.last_offset, "batch of %d records: %s", item->info.record_count, item->text);
	case LOGSTORE_SCAN_MALFORMED:
		check->damaged = true;
		return report(v, LOGSTORE_DAMAGE, "MALFORMED", check->path, position, check->next_offset, -1,
		              "%s; %" PRIu64 " bytes are no batch", item->text, item->size);
	case LOGSTORE_SCAN_TORN:
		return report(v, LOGSTORE_DAMAGE, check->last ? "TORN_TAIL" : "TRUNCATED", check->path, position,
		              check->next_offset, -1, "%s; %" PRIu64 " bytes are left", item->text, item->size);
	case LOGSTORE_SCAN_ZEROS:
		return report(v, check->last ? LOGSTORE_NOTE : LOGSTORE_DAMAGE, "ZERO_TAIL", check->path, position,
		              check->next_offset, -1, "%" PRIu64 " zero bytes at the end (preallocated?)",
		              item->size);
	case LOGSTORE_SCAN_OK:
		break;
	}
	return 0;
}

/* Aborted transactions as the index has them, held against nothing but themselves: order and bounds. */
static int check_txn_index(struct segment_check *check)
{
	struct index_check *index = &check->txn_index;
	int64_t last = -1;

	for (size_t i = 0; i < index->count; i++) {
		const struct logstore_txn_entry *txn = &index->entries[i].u.txn;
		int r = 0;

		if (txn->last_offset <= last || txn->last_offset < check->base ||
		    (!check->damaged && txn->last_offset >= check->next_offset))
			r = bad_index(index, &index->entries[i], "an aborted transaction lies outside the segment");
		last = txn->last_offset;
		if (r != 0)
			return r;
	}
	return 0;
}

static int check_index_ends(struct segment_check *check)
{
	struct index_check *offsets = &check->offset_index, *times = &check->time_index;
	int r = 0;

	if (offsets->at < offsets->count)
		r = bad_index(offsets, &offsets->entries[offsets->at], "an entry points past the last batch");
	if (r == 0 && times->at < times->count)
		r = bad_index(times, &times->entries[times->at], "an entry lies past the last batch");
	if (r == 0 && !check->last && !check->damaged && check->max_timestamp >= 0 && times->count > 0 &&
	    times->entries[times->count - 1].u.time_index.timestamp != check->max_timestamp)
		r = bad_index(times, &times->entries[times->count - 1],
		              "the last entry is not the segment's largest timestamp");
	return r != 0 ? r : check_txn_index(check);
}

static int scan_segment(struct segment_check *check)
{
	struct logstore_scan_options options = {
		.struct_size = sizeof options, .check_crc = true, .skip_damaged = true, .end_position = UINT64_MAX,
		.read_records = check->v->options->records, .max_batch_bytes = UINT64_C(256) << 20,
		.max_decompressed_bytes = check->v->options->max_decompressed_bytes,
	};
	struct verify *v = check->v;
	struct logstore_scan_item item;
	logstore_scan *scan;
	int r;

	r = ls_scan_open(v->env, check->path, &options, &scan, v->ret_error);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	v->result.segments++;
	while ((r = ls_scan_next(scan, &item, v->ret_error)) == 1) {
		r = item.status == LOGSTORE_SCAN_OK ? check_batch(check, scan, &item) : check_damage(check, &item);
		if (r == 0)
			r = progress(v, v->bytes_done + item.position);
		if (r != 0)
			break;
		v->result.bytes += item.size;
	}
	(void)ls_scan_close(scan);
	return r;
}

static int verify_segment(struct verify *v, size_t i)
{
	struct segment_check check = {.v = v, .base = v->logs.items[i], .last = i + 1 == v->logs.count,
	                              .max_timestamp = LOGSTORE_NO_TIMESTAMP,
	                              .offset_index = {.v = v}, .time_index = {.v = v}, .txn_index = {.v = v}};
	char name[LS_FILE_NAME_MAX];
	uint64_t before = v->result.bytes;
	int r;

	check.next_offset = check.base;
	ls_file_name(name, check.base, ".log");
	path_of(v, name, check.path);
	if (i > 0 && check.base < v->log_end) {
		r = report(v, LOGSTORE_DAMAGE, "OFFSETS_GO_BACK", check.path, 0, check.base, -1,
		           "the segment begins below the end of the one before it, %" PRId64, v->log_end);
		if (r != 0)
			return r;
	}
	r = load_index(v, check.base, LOGSTORE_FILE_OFFSET_INDEX, ".index", true, &check.offset_index);
	if (r == 0)
		r = load_index(v, check.base, LOGSTORE_FILE_TIME_INDEX, ".timeindex", true, &check.time_index);
	if (r == 0)
		r = load_index(v, check.base, LOGSTORE_FILE_TXN_INDEX, ".txnindex", false, &check.txn_index);
	if (r == 0)
		r = scan_segment(&check);
	if (r == 0)
		r = check_index_ends(&check);
	free_index(&check.offset_index);
	free_index(&check.time_index);
	free_index(&check.txn_index);
	if (check.next_offset > v->log_end)
		v->log_end = check.next_offset;
	v->bytes_done += v->result.bytes - before;
	return r;
}

/* ---- the rest ---------------------------------------------------------------------------------------------- */

static int ignore_entry(void *arg, const struct logstore_file_entry *entry)
{
	(void)arg;
	(void)entry;
	return 0;
}

/* A small file must parse; what it is rebuilt from is the log. */
static int check_small(struct verify *v, const char *name, bool required, logstore_file_entry_fn fn, const char *kind)
{
	struct logstore_error detail;
	char path[LS_PATH_MAX];
	int r;

	path_of(v, name, path);
	r = ls_file_entries(v->env, path, fn, v, &detail);
	if (r == -ENOENT)
		return required ? report(v, LOGSTORE_NOTE, "MISSING_FILE", path, -1, -1, -1,
		                         "the file is missing") : 0;
	if (r == -ENOMEM || v->failed != 0)
		return r;
	return r < 0 ? report(v, LOGSTORE_REBUILDABLE, kind, path, detail.position, -1, -1, "%s", detail.text) : 0;
}

static int check_snapshots(struct verify *v)
{
	for (size_t i = 0; i < v->snapshots.count; i++) {
		int64_t offset = v->snapshots.items[i];
		char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
		int r;

		ls_file_name(name, offset, ".snapshot");
		path_of(v, name, path);
		r = check_small(v, name, false, ignore_entry, "DAMAGED_SNAPSHOT");
		if (r == 0 && v->logs.count > 0 && offset > v->log_end)
			r = report(v, LOGSTORE_REBUILDABLE, "STALE_SNAPSHOT", path, -1, offset, -1,
			           "describes offset %" PRId64 ", the log ends at %" PRId64, offset, v->log_end);
		if (r != 0)
			return r;
	}
	return 0;
}

static int check_epoch_entry(void *arg, const struct logstore_file_entry *entry)
{
	struct verify *v = arg;
	char path[LS_PATH_MAX];

	if (v->logs.count == 0 || entry->u.epoch.start_offset <= v->log_end)
		return 0;
	path_of(v, LS_NAME_EPOCHS, path);
	return report(v, LOGSTORE_REBUILDABLE, "STALE_EPOCHS", path, (int64_t)entry->position,
	              entry->u.epoch.start_offset, -1, "epoch %d begins at %" PRId64 ", the log ends at %" PRId64,
	              entry->u.epoch.epoch, entry->u.epoch.start_offset, v->log_end);
}

static int verify_files(struct verify *v)
{
	int r = 0;

	for (size_t i = 0; i < v->logs.count && r == 0; i++)
		r = verify_segment(v, i);
	if (r == 0)
		r = check_snapshots(v);
	if (r == 0)
		r = check_small(v, LS_NAME_EPOCHS, true, check_epoch_entry, "DAMAGED_EPOCHS");
	if (r == 0)
		r = check_small(v, LS_NAME_PARTITION_METADATA, true, ignore_entry, "DAMAGED_METADATA");
	if (r == 0)
		r = check_small(v, LS_NAME_CONFIG, false, ignore_entry, "DAMAGED_CONFIG");
	return r;
}

int ls_verify_partition(const struct ls_env *env, const char *path, const struct logstore_verify_options *options,
                        logstore_finding_fn fn, void *arg, struct logstore_verify_result *ret_result,
                        struct logstore_error *ret_error)
{
	struct verify v = {.env = env, .directory = path, .options = options, .fn = fn, .arg = arg,
	                   .ret_error = ret_error, .last_epoch = LOGSTORE_NO_EPOCH};
	int r;

	r = env->io->list(env->io->ctx, path, note_file, &v);
	if (r < 0 && r != -ENOMEM && v.failed == 0)
		r = ls_error_io(ret_error, r, "cannot list", path);
	if (r == 0) {
		if (v.logs.count > 1)
			qsort(v.logs.items, v.logs.count, sizeof(int64_t), compare_offsets);
		if (v.logs.count == 0)
			r = report(&v, LOGSTORE_DAMAGE, "NO_SEGMENTS", path, -1, -1, -1,
			           "the directory holds no .log file");
	}
	if (r == 0)
		r = verify_files(&v);
	(void)ls_free(env, v.logs.items);
	(void)ls_free(env, v.snapshots.items);
	if (r == 0)
		*ret_result = v.result;
	return r;
}

/* ---- the data directory ------------------------------------------------------------------------------------- */

static int check_directory_entry(void *arg, const char *name)
{
	char path[LS_PATH_MAX], topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	enum ls_directory_kind kind;
	struct verify *v = arg;
	struct logstore_io_stat st;
	int32_t number;

	path_of(v, name, path);
	if (v->env->io->stat(v->env->io->ctx, path, &st) < 0 || st.kind != LOGSTORE_IO_DIRECTORY)
		return 0;
	if (ls_directory_name_parse(name, &kind, topic, &number) < 0)
		return report(v, LOGSTORE_DAMAGE, "BAD_NAME", path, -1, -1, -1,
		              "the name of the directory is not TOPIC-NUMBER; Kafka does not start with it");
	if (kind == LS_DIRECTORY_DELETE || kind == LS_DIRECTORY_STRAY)
		return report(v, LOGSTORE_NOTE, "LEFTOVER", path, -1, -1, -1, "a partition on its way out");
	return 0;
}

/* An entry of a checkpoint whose partition is not there. */
static int check_checkpoint_entry(void *arg, const struct logstore_file_entry *entry)
{
	char name[LS_DIRECTORY_NAME_MAX], path[LS_PATH_MAX];
	struct verify *v = arg;
	struct logstore_io_stat st;

	if (ls_partition_directory_name(name, entry->u.checkpoint.topic, entry->u.checkpoint.partition) < 0)
		return 0;
	path_of(v, name, path);
	if (v->env->io->stat(v->env->io->ctx, path, &st) == 0)
		return 0;
	return report(v, LOGSTORE_NOTE, "STALE_CHECKPOINT", path, (int64_t)entry->position,
	              entry->u.checkpoint.offset, -1,
	              "a checkpoint names this partition, which is not here");
}

int ls_verify_directory(const struct ls_env *env, const char *path, logstore_finding_fn fn, void *arg,
                        struct logstore_error *ret_error)
{
	static const char *const checkpoints[] = {LS_NAME_RECOVERY_POINTS, LS_NAME_LOG_STARTS,
	                                          LS_NAME_HIGH_WATERMARKS,
	                                          LS_NAME_CLEANER_OFFSETS};
	struct verify v = {.env = env, .directory = path, .fn = fn, .arg = arg, .ret_error = ret_error};
	int r;

	r = env->io->list(env->io->ctx, path, check_directory_entry, &v);
	if (r < 0 && v.failed == 0)
		return ls_error_io(ret_error, r, "cannot list", path);
	for (size_t i = 0; i < sizeof checkpoints / sizeof checkpoints[0] && r == 0; i++)
		r = check_small(&v, checkpoints[i], false, check_checkpoint_entry, "DAMAGED_CHECKPOINT");
	if (r == 0)
		r = check_small(&v, LS_NAME_META_PROPERTIES, false, ignore_entry, "DAMAGED_METADATA");
	return r;
}
