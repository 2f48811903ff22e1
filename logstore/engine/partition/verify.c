/*
 * The log is the evidence: every batch of every segment is read once, in order. That one pass yields the
 * end offsets, the transactions that were aborted and the epochs; each derived file is held against them.
 * Indexes are checked entry by entry while their segment is read: entries and batches both come in order
 * of offsets.
 *
 * A missing, stale or damaged derived file is REBUILDABLE; what the records themselves lost is DAMAGE: a
 * .log that does not read from end to end, or one that is gone while its index is there. Where the log is
 * damaged, what is derived from it is not complained about for that.
 *
 * One thread; memory grows with the indexes of one segment and the transactions open at one time. Failures
 * that end a run: no memory, no directory, the caller's word. All else is a finding.
 */
#include "partition/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/error_text.h"
#include "base/mem.h"
#include "format/control.h"
#include "format/names.h"
#include "io/io.h"
#include "segment/entries.h"
#include "segment/scan.h"

#define PROGRESS_BYTES (1024u * 1024)

/* A file with an offset in its name. */
struct numbered {
	int64_t offset;
	int64_t next_offset; /* of a log that was read: behind its last batch */
	uint64_t size;
};

struct numbered_list {
	struct numbered *items;
	size_t count;
	size_t capacity;
};

/* Entries of a small file, kept to be held against the log. */
struct entry_list {
	const struct ls_env *env;
	struct logstore_file_entry *items;
	size_t count;
	size_t capacity;
};

struct open_txn {
	int64_t producer_id;
	int64_t first_offset;
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

	struct numbered_list logs;
	struct numbered_list deleted_logs; /* <base>.log.deleted */
	struct numbered_list indexes;      /* .index */
	struct numbered_list snapshots;
	uint64_t bytes_total;
	uint64_t bytes_done;
	uint64_t bytes_told;
	int64_t log_end;           /* behind the last whole batch met so far */
	int64_t log_bound;         /* the same, damaged batches included */
	int32_t last_epoch;

	struct entry_list epochs;  /* leader-epoch-checkpoint */
	bool epochs_missing;
	bool epochs_readable;
	bool epochs_reported;

	struct open_txn *open;     /* by producer id */
	size_t open_count;
	size_t open_capacity;
	bool txns_uncertain; /* a marker may have been lost: nothing is said about transactions any more */

	const char *checkpoint;    /* the checkpoint of a data directory whose entries are walked */
	int64_t snapshot_offset;   /* the snapshot whose entries are walked */
	bool snapshot_reported;
};

/* Where something was found; -1 for what does not apply. */
struct place {
	const char *path;
	int64_t position;
	int64_t first_offset;
	int64_t last_offset;
};

static struct place file_place(const char *path)
{
	return (struct place){.path = path, .position = -1, .first_offset = -1, .last_offset = -1};
}

static struct place line_place(const char *path, int64_t position)
{
	return (struct place){.path = path, .position = position, .first_offset = -1, .last_offset = -1};
}

static int report(struct verify *v, enum logstore_severity severity, const char *kind, struct place place,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

static int report(struct verify *v, enum logstore_severity severity, const char *kind, struct place place,
                  const char *format, ...)
{
	char text[512];
	struct logstore_finding finding = {
		.severity = severity, .kind = kind, .path = place.path, .position = place.position,
		.first_offset = place.first_offset, .last_offset = place.last_offset, .text = text,
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
	if (!v->options->progress)
		return 0;
	v->bytes_told = done;
	if (v->options->progress(v->options->progress_arg, done, v->bytes_total) != 0) {
		v->failed = ls_error(v->ret_error, -ECANCELED, "stopped by the caller");
		return v->failed;
	}
	return 0;
}

/* ---- lists ------------------------------------------------------------------------------------------------ */

/* Room for one more item. Returns the array, moved if need be, or NULL; then the old one stays. */
static void *grow(const struct ls_env *env, void *items, size_t count, size_t *capacity, size_t item_size)
{
	size_t wider = *capacity ? *capacity * 2 : 16;

	if (count < *capacity)
		return items;
	items = ls_realloc(env, items, wider, item_size);
	if (items)
		*capacity = wider;
	return items;
}

static int add_numbered(const struct ls_env *env, struct numbered_list *list, int64_t offset, uint64_t size)
{
	struct numbered *items = grow(env, list->items, list->count, &list->capacity, sizeof *items);

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = (struct numbered){.offset = offset, .next_offset = offset, .size = size};
	return 0;
}

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static void sort_numbered(struct numbered_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof *list->items, compare_numbered);
}

/* The item with an offset, or NULL. The list is sorted. */
static const struct numbered *find_numbered(const struct numbered_list *list, int64_t offset)
{
	struct numbered key = {.offset = offset};

	return list->count > 0 ? bsearch(&key, list->items, list->count, sizeof key, compare_numbered) : NULL;
}

static int collect_entry(void *arg, const struct logstore_file_entry *entry)
{
	struct entry_list *list = arg;
	struct logstore_file_entry *items = grow(list->env, list->items, list->count, &list->capacity,
	                                         sizeof *items);

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = *entry;
	return 0;
}

/* ---- the directory ----------------------------------------------------------------------------------------- */

static void path_of(const struct verify *v, const char *name, char path[LS_PATH_MAX])
{
	if (ls_path_join(path, v->directory, name) < 0)
		path[0] = '\0'; /* only for messages: such a file could not have been opened */
}

static bool ends_with(const char *name, const char *ending)
{
	size_t size = strlen(name), ending_size = strlen(ending);

	return size >= ending_size && strcmp(name + size - ending_size, ending) == 0;
}

static int note_leftover(struct verify *v, const char *path, const struct logstore_file_name *parsed)
{
	if (strcmp(parsed->suffix, ".swap") == 0)
		return report(
			v, LOGSTORE_REBUILDABLE, "UNFINISHED_SWAP", file_place(path),
			"a compacted segment that did not get its final name; what it replaces may be gone");
	return report(v, LOGSTORE_NOTE, "LEFTOVER", file_place(path),
	              "left by a deletion or an interrupted compaction (%s)", parsed->suffix);
}

/* A file whose name has the form <offset><ending>. */
static int note_numbered(struct verify *v, const char *name, const char *path,
                         const struct logstore_file_name *parsed, uint64_t size)
{
	static const struct {
		enum logstore_file_kind kind;
		const char *ending;
	} endings[] = {
		{LOGSTORE_FILE_LOG, ".log"}, {LOGSTORE_FILE_OFFSET_INDEX, ".index"},
		{LOGSTORE_FILE_TIME_INDEX, ".timeindex"}, {LOGSTORE_FILE_TXN_INDEX, ".txnindex"},
		{LOGSTORE_FILE_SNAPSHOT, ".snapshot"},
	};
	char canonical[LS_FILE_NAME_MAX];
	bool right = false;

	for (size_t i = 0; i < sizeof endings / sizeof endings[0] && !right; i++) {
		if (endings[i].kind != parsed->kind)
			continue;
		ls_file_name(canonical, parsed->base_offset, endings[i].ending);
		right = strcmp(canonical, name) == 0;
	}
	if (!right)
		return parsed->kind == LOGSTORE_FILE_LOG
		               ? report(v, LOGSTORE_DAMAGE, "BAD_NAME", file_place(path),
		                        "a segment is named by 20 digits; this one is not read")
		               : report(v, LOGSTORE_NOTE, "UNKNOWN_FILE", file_place(path),
		                        "files of a segment are named by 20 digits; ignored");
	if (parsed->kind == LOGSTORE_FILE_SNAPSHOT)
		return add_numbered(v->env, &v->snapshots, parsed->base_offset, size);
	if (parsed->kind == LOGSTORE_FILE_OFFSET_INDEX)
		return add_numbered(v->env, &v->indexes, parsed->base_offset, size);
	if (parsed->kind != LOGSTORE_FILE_LOG)
		return 0;
	v->bytes_total += size;
	return add_numbered(v->env, &v->logs, parsed->base_offset, size);
}

static int note_odd(struct verify *v, const char *name, const char *path)
{
	if (ends_with(name, ".tmp"))
		return report(v, LOGSTORE_NOTE, "LEFTOVER", file_place(path),
		              "left by a write that did not end; overwritten by the next one");
	return report(v, LOGSTORE_NOTE, "UNKNOWN_FILE", file_place(path), "not a file of Kafka's; ignored");
}

static int note_bad_name(struct verify *v, const char *name, const char *path)
{
	if (ends_with(name, ".deleted"))
		return report(v, LOGSTORE_NOTE, "LEFTOVER", file_place(path), "left by a deletion");
	return report(
		v, LOGSTORE_DAMAGE, "BAD_NAME", file_place(path),
		"ends like one of Kafka's files but begins with no offset; Kafka does not start with it");
}

/* What a name alone tells. */
static int note_file(void *arg, const char *name)
{
	char path[LS_PATH_MAX];
	struct logstore_file_name parsed;
	struct verify *v = arg;
	struct logstore_io_stat st;
	int r, named;

	path_of(v, name, path);
	r = v->env->io->stat(v->env->io->ctx, path, &st);
	if (r == -ENOENT)
		return 0; /* gone since: the owner is at work */
	if (r < 0)
		return r == -ENOMEM ? r : report(v, LOGSTORE_DAMAGE, "UNREADABLE", file_place(path),
		                                 "cannot look at it: %s", ls_error_text(r));
	named = ls_file_name_parse(name, &parsed);
	if (st.kind != LOGSTORE_IO_FILE)
		return named < 0 || parsed.kind == LOGSTORE_FILE_UNKNOWN || parsed.suffix[0] != '\0'
		               ? report(v, LOGSTORE_NOTE, "UNKNOWN_FILE", file_place(path),
		                        "not a file; ignored")
		               : report(v, LOGSTORE_DAMAGE, "NOT_A_FILE", file_place(path),
		                        "has the name of a file of the log but is none");
	if (named < 0)
		return note_bad_name(v, name, path);
	if (parsed.suffix[0] != '\0') {
		if (parsed.kind == LOGSTORE_FILE_LOG && strcmp(parsed.suffix, ".deleted") == 0) {
			r = add_numbered(v->env, &v->deleted_logs, parsed.base_offset, st.size);
			if (r < 0)
				return r;
		}
		return note_leftover(v, path, &parsed);
	}
	if (parsed.kind == LOGSTORE_FILE_UNKNOWN)
		return strncmp(name, "logstore-", 9) == 0 ? 0 : note_odd(v, name, path);
	if (parsed.base_offset < 0 || ends_with(name, ".checkpoint"))
		return 0; /* a file with a name of its own, or a KRaft snapshot */
	return note_numbered(v, name, path, &parsed, st.size);
}

/* ---- transactions ------------------------------------------------------------------------------------------ */

/* Where a producer is, or would be, among the open transactions. */
static size_t open_position(const struct verify *v, int64_t producer_id)
{
	size_t low = 0, high = v->open_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->open[middle].producer_id < producer_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int begin_txn(struct verify *v, int64_t producer_id, int64_t first_offset)
{
	size_t at = open_position(v, producer_id);
	struct open_txn *open;

	if (at < v->open_count && v->open[at].producer_id == producer_id)
		return 0;
	open = grow(v->env, v->open, v->open_count, &v->open_capacity, sizeof *open);
	if (!open)
		return -ENOMEM;
	v->open = open;
	memmove(open + at + 1, open + at, (v->open_count - at) * sizeof *open);
	open[at] = (struct open_txn){.producer_id = producer_id, .first_offset = first_offset};
	v->open_count++;
	return 0;
}

/* Ends a producer's transaction. Returns its first offset in the log, or LOGSTORE_NO_OFFSET if no data was met. */
static int64_t end_txn(struct verify *v, int64_t producer_id)
{
	size_t at = open_position(v, producer_id);
	int64_t first_offset;

	if (at == v->open_count || v->open[at].producer_id != producer_id)
		return LOGSTORE_NO_OFFSET;
	first_offset = v->open[at].first_offset;
	memmove(v->open + at, v->open + at + 1, (v->open_count - at - 1) * sizeof *v->open);
	v->open_count--;
	return first_offset;
}

/* ---- one segment ------------------------------------------------------------------------------------------- */

/* An index held against the batches as they come by. */
struct index_check {
	struct verify *v;
	char path[LS_PATH_MAX];
	struct entry_list entries;
	size_t at;         /* entries before this one were dealt with */
	const struct logstore_file_entry *pending; /* of the offset index: its last batch is still to come */
	bool present;
	bool reported;     /* one finding per index is enough */
};

struct segment_check {
	struct verify *v;
	int64_t base;
	uint64_t size;
	bool last;
	char path[LS_PATH_MAX];
	struct index_check offset_index;
	struct index_check time_index;
	struct index_check txn_index;
	int64_t max_timestamp;
	int64_t next_offset; /* behind the whole batch with the highest offsets */
	int64_t after_last;  /* behind the last whole batch: the same, unless offsets went back */
	int64_t bound;       /* the same, damaged batches included */
	bool damaged;        /* some batch could not be read: indexes may name it all the same */
};

static struct place batch_place(const struct segment_check *check, const struct logstore_scan_item *item)
{
	return (struct place){.path = check->path, .position = (int64_t)item->position,
	                      .first_offset = item->info.base_offset, .last_offset = item->info.last_offset};
}

/* Bytes that are no batch: what they were begins with the next offset. */
static struct place gap_place(const struct segment_check *check, const struct logstore_scan_item *item)
{
	return (struct place){.path = check->path, .position = (int64_t)item->position,
	                      .first_offset = check->next_offset, .last_offset = -1};
}

static int bad_index(struct index_check *index, const struct logstore_file_entry *entry, const char *what)
{
	if (index->reported)
		return 0;
	index->reported = true;
	return report(index->v, LOGSTORE_REBUILDABLE, index->present ? "STALE_INDEX" : "MISSING_INDEX",
	              line_place(index->path, entry ? (int64_t)entry->position : -1), "%s", what);
}

static int load_index(struct verify *v, int64_t base, const char *ending, bool required,
                      struct index_check *index)
{
	struct logstore_error detail = {0};
	char name[LS_FILE_NAME_MAX];
	int r;

	index->v = v;
	index->entries.env = v->env;
	ls_file_name(name, base, ending);
	path_of(v, name, index->path);
	r = ls_file_entries(v->env, index->path, collect_entry, &index->entries, &detail);
	if (r == -ENOMEM)
		return r;
	if (r == -ENOENT)
		return required ? report(v, LOGSTORE_REBUILDABLE, "MISSING_INDEX", file_place(index->path),
		                         "the file is missing") : 0;
	index->present = true;
	if (r < 0) {
		index->reported = true;
		return report(v, LOGSTORE_REBUILDABLE, "DAMAGED_INDEX",
		              line_place(index->path, detail.position), "%s", detail.text);
	}
	return 0;
}

static void free_index(struct index_check *index)
{
	(void)ls_free(index->v->env, index->entries.items);
}

/*
 * Every offset index entry (O, P) names the byte where an append begins and the last offset of its last
 * batch. Kafka makes one per batch since 4.0; before, an append of several batches had one for all.
 */
static int check_offset_entry(struct index_check *index, const struct logstore_scan_item *item)
{
	const struct entry_list *list = &index->entries;
	int64_t last_offset = item->info.last_offset;

	if (index->pending && last_offset >= index->pending->u.index.offset) {
		const struct logstore_file_entry *pending = index->pending;
		int r = 0;

		index->pending = NULL;
		if (last_offset > pending->u.index.offset)
			r = bad_index(index, pending, "an entry names an offset that no batch ends with");
		if (r != 0)
			return r;
	}
	for (; index->at < list->count && list->items[index->at].u.index.position <= item->position;
	     index->at++) {
		const struct logstore_file_entry *entry = &list->items[index->at];
		int r;

		if (entry->u.index.position == item->position && entry->u.index.offset >= last_offset) {
			if (entry->u.index.offset > last_offset)
				index->pending = entry;
			continue;
		}
		r = bad_index(index, entry, "an entry does not point to the batch it names");
		if (r != 0)
			return r;
	}
	return 0;
}

/* Entries that point into damaged bytes may be right. */
static void skip_offset_entries(struct index_check *index, const struct logstore_scan_item *item)
{
	const struct entry_list *list = &index->entries;

	index->pending = NULL;
	while (index->at < list->count && list->items[index->at].u.index.position >= item->position &&
	       list->items[index->at].u.index.position - item->position < item->size)
		index->at++;
}

/* A time index entry (T, O): the largest timestamp up to O is T, so that what is later lies behind O. */
static int check_time_entries(struct segment_check *check)
{
	struct index_check *index = &check->time_index;
	const struct entry_list *list = &index->entries;

	for (; index->at < list->count && list->items[index->at].u.time_index.offset < check->next_offset;
	     index->at++) {
		const struct logstore_file_entry *entry = &list->items[index->at];
		int r;

		if (check->damaged || entry->u.time_index.timestamp == check->max_timestamp)
			continue;
		r = bad_index(index, entry,
		              "an entry does not have the largest timestamp of the batches up to it");
		if (r != 0)
			return r;
	}
	return 0;
}

/*
 * An ABORT marker and its entry. A transaction whose data compaction removed needs none; its first offset,
 * and with it the last stable offset of others, can lie below what is left of it.
 */
static int check_abort(struct segment_check *check, const struct logstore_batch_info *marker,
                       int64_t first_offset)
{
	struct index_check *index = &check->txn_index;
	const struct entry_list *list = &index->entries;
	const struct verify *v = check->v;
	const struct logstore_file_entry *entry;
	int64_t stable = marker->last_offset < INT64_MAX ? marker->last_offset + 1 : INT64_MAX;

	for (size_t i = 0; i < v->open_count; i++) {
		if (v->open[i].first_offset < stable)
			stable = v->open[i].first_offset;
	}
	entry = index->at < list->count ? &list->items[index->at] : NULL;
	if (!entry || entry->u.txn.last_offset > marker->last_offset)
		return first_offset == LOGSTORE_NO_OFFSET
		               ? 0
		               : bad_index(index, entry,
		                           "an aborted transaction of the log is not in the index");
	if (entry->u.txn.last_offset < marker->last_offset)
		return bad_index(index, entry, "an entry names no marker of an aborted transaction");
	index->at++;
	if (entry->u.txn.producer_id != marker->producer_id)
		return bad_index(index, entry, "an entry names another producer than the marker");
	if (first_offset != LOGSTORE_NO_OFFSET && entry->u.txn.first_offset > first_offset)
		return bad_index(index, entry, "an entry begins behind the transaction it names");
	if (entry->u.txn.last_stable_offset > stable)
		return bad_index(index, entry,
		                 "an entry claims a last stable offset above an open transaction");
	return 0;
}

/* Follows transactions through the log. `marker`: type of the control record, or -1. */
static int check_transaction(struct segment_check *check, const struct logstore_batch_info *info, int marker)
{
	struct verify *v = check->v;
	int64_t first_offset;

	if (info->magic < 2 || info->producer_id < 0 || !info->transactional || v->txns_uncertain)
		return 0;
	if (!info->control)
		return begin_txn(v, info->producer_id, info->base_offset);
	if (marker != LOGSTORE_CONTROL_ABORT && marker != LOGSTORE_CONTROL_COMMIT)
		return 0;
	first_offset = end_txn(v, info->producer_id);
	return marker == LOGSTORE_CONTROL_ABORT ? check_abort(check, info, first_offset) : 0;
}

/* The records of a batch; of a control batch also its type. Returns 0 or what ends the run. */
static int check_records(struct segment_check *check, logstore_scan *scan,
                         const struct logstore_scan_item *item, int *ret_marker)
{
	int64_t max_timestamp = LOGSTORE_NO_TIMESTAMP, lowest = item->info.base_offset;
	struct logstore_error detail = {0};
	struct logstore_control control;
	struct logstore_record record;
	struct verify *v = check->v;
	int r;

	while ((r = ls_scan_record(scan, &record, &detail)) == 1) {
		v->result.records++;
		if (record.timestamp > max_timestamp)
			max_timestamp = record.timestamp;
		if (item->info.magic < 2)
			continue;
		if (record.offset < lowest || record.offset > item->info.last_offset)
			return report(v, LOGSTORE_DAMAGE, "BAD_RECORD", batch_place(check, item),
			              "a record has offset %" PRId64
			              ", outside its batch or not above the one before",
			              record.offset);
		lowest = record.offset < INT64_MAX ? record.offset + 1 : INT64_MAX;
		if (item->info.control && ls_control_parse(&record, &control, &detail) == 0)
			*ret_marker = control.type;
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return report(v, LOGSTORE_DAMAGE, r == LOGSTORE_E_LIMIT_EXCEEDED ? "TOO_LARGE" : "BAD_RECORD",
		              batch_place(check, item), "%s", detail.text);
	if (item->info.magic == 2 && max_timestamp > item->info.max_timestamp)
		return report(v, LOGSTORE_NOTE, "BATCH_TIMESTAMP", batch_place(check, item),
		              "a record is later than the header's maximum timestamp");
	return 0;
}

static int check_order(struct segment_check *check, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;
	int64_t first = info->magic == 2 ? info->base_offset : info->last_offset;
	struct verify *v = check->v;
	int r = 0;

	if (first < check->after_last) {
		v->txns_uncertain = true; /* whatever it is, it is not what comes next */
		r = report(v, LOGSTORE_DAMAGE, "OFFSETS_GO_BACK", batch_place(check, item),
		           "the batch begins at %" PRId64 ", below %" PRId64 " which comes next", first,
		           check->after_last);
	} else if (info->last_offset - check->base > INT32_MAX) {
		r = report(
			v, LOGSTORE_REBUILDABLE, "OFFSET_OVERFLOW", batch_place(check, item),
			"the offset is more than 2^31-1 above the segment's base: the segment must be split");
	}
	if (r == 0 && info->leader_epoch >= 0 && info->leader_epoch < v->last_epoch)
		r = report(v, LOGSTORE_NOTE, "EPOCH_GOES_BACK", batch_place(check, item),
		           "leader epoch %" PRId32 " after %" PRId32, info->leader_epoch, v->last_epoch);
	return r;
}

/* The epoch of a batch is the one the table has for its offset, unless the table begins later. */
static int check_epoch(struct segment_check *check, const struct logstore_scan_item *item)
{
	struct verify *v = check->v;
	const struct entry_list *table = &v->epochs;
	int32_t epoch = LOGSTORE_NO_EPOCH;
	size_t low = 0, high = table->count;
	char path[LS_PATH_MAX];

	if (item->info.leader_epoch < 0)
		return 0;
	if (item->info.leader_epoch > v->last_epoch)
		v->last_epoch = item->info.leader_epoch;
	if (!v->epochs_readable || v->epochs_reported)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->items[middle].u.epoch.start_offset <= item->info.base_offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0)
		epoch = table->items[low - 1].u.epoch.epoch;
	else if (table->count > 0)
		return 0; /* below the log start: cut off the table, not yet off the log */
	if (epoch == item->info.leader_epoch)
		return 0;
	v->epochs_reported = true;
	path_of(v, LS_NAME_EPOCHS, path);
	return report(v, LOGSTORE_REBUILDABLE, "STALE_EPOCHS",
	              (struct place){path, low > 0 ? (int64_t)table->items[low - 1].position : -1,
	                             item->info.base_offset, -1},
	              "the batch at %" PRId64 " has leader epoch %" PRId32 ", the file says %" PRId32,
	              item->info.base_offset, item->info.leader_epoch, epoch);
}

static void advance(struct segment_check *check, const struct logstore_batch_info *info)
{
	if (info->max_timestamp > check->max_timestamp)
		check->max_timestamp = info->max_timestamp;
	if (info->last_offset < INT64_MAX)
		check->after_last = info->last_offset + 1;
	if (check->next_offset < check->after_last)
		check->next_offset = check->after_last;
	if (check->bound < check->next_offset)
		check->bound = check->next_offset;
}

static int check_batch(struct segment_check *check, logstore_scan *scan,
                       const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;
	struct verify *v = check->v;
	int r, marker = -1;

	v->result.batches++;
	r = check_order(check, item);
	if (r == 0)
		r = check_offset_entry(&check->offset_index, item);
	if (r == 0 && (v->options->records || info->control))
		r = check_records(check, scan, item, &marker);
	if (r == 0 && info->control && info->record_count > 0 && marker < 0)
		v->txns_uncertain = true;
	if (r == 0)
		r = check_transaction(check, info, marker);
	if (r == 0)
		r = check_epoch(check, item);
	if (r != 0)
		return r;
	advance(check, info);
	return check_time_entries(check);
}

static int check_damage(struct segment_check *check, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;
	struct verify *v = check->v;

	v->txns_uncertain = true;
	switch (item->status) {
	case LOGSTORE_SCAN_BAD_CRC:
		check->damaged = true;
		skip_offset_entries(&check->offset_index, item);
		if (info->last_offset >= check->bound && info->last_offset - check->base <= INT32_MAX)
			check->bound = info->last_offset + 1;
		return report(v, LOGSTORE_DAMAGE, "BAD_CRC", batch_place(check, item),
		              "batch of %" PRId32 " records: %s",
		              info->record_count, item->text);
	case LOGSTORE_SCAN_MALFORMED:
		check->damaged = true;
		skip_offset_entries(&check->offset_index, item);
		return report(v, LOGSTORE_DAMAGE, "MALFORMED", gap_place(check, item),
		              "%s; %" PRIu64 " bytes are no batch",
		              item->text, item->size);
	case LOGSTORE_SCAN_TORN:
		return report(v, LOGSTORE_DAMAGE, check->last ? "TORN_TAIL" : "TRUNCATED",
		              gap_place(check, item), "%s; %" PRIu64 " bytes are left", item->text,
		              item->size);
	case LOGSTORE_SCAN_ZEROS:
		return report(v, check->last ? LOGSTORE_NOTE : LOGSTORE_DAMAGE, "ZERO_TAIL",
		              gap_place(check, item), "%" PRIu64 " zero bytes at the end (preallocated?)",
		              item->size);
	case LOGSTORE_SCAN_OK:
		break;
	}
	return 0;
}

/* Order and bounds of the transaction index, and entries that no marker was found for. */
static int check_txn_index(struct segment_check *check)
{
	struct index_check *index = &check->txn_index;
	const struct entry_list *list = &index->entries;
	int64_t last = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct logstore_txn_entry *txn = &list->items[i].u.txn;
		bool inside = txn->last_offset >= check->base &&
		              (check->damaged || txn->last_offset < check->bound);

		if (txn->last_offset <= last || !inside)
			return bad_index(index, &list->items[i],
			                 "an aborted transaction lies outside the segment");
		last = txn->last_offset;
	}
	if (!check->v->txns_uncertain && index->at < list->count)
		return bad_index(index, &list->items[index->at],
		                 "an entry names no marker of an aborted transaction");
	return 0;
}

static int check_index_ends(struct segment_check *check)
{
	struct index_check *offsets = &check->offset_index, *times = &check->time_index;
	const struct entry_list *list = &times->entries;
	int r = 0;

	if (offsets->pending)
		r = bad_index(offsets, offsets->pending, "an entry names an offset past the last batch");
	if (r == 0 && offsets->at < offsets->entries.count)
		r = bad_index(offsets, &offsets->entries.items[offsets->at],
		              "an entry points past the last batch");
	if (r == 0 && list->count > 0 && list->items[list->count - 1].u.time_index.offset >= check->bound)
		r = bad_index(times, &list->items[list->count - 1], "an entry lies past the last batch");
	if (r == 0 && !check->last && !check->damaged && times->present && check->max_timestamp >= 0 &&
	    (list->count == 0 || list->items[list->count - 1].u.time_index.timestamp != check->max_timestamp))
		r = bad_index(times, list->count > 0 ? &list->items[list->count - 1] : NULL,
		              "the last entry does not have the segment's largest timestamp");
	return r != 0 ? r : check_txn_index(check);
}

/* A file that cannot be read is a finding; that there is no memory is not. */
static int unreadable(struct segment_check *check, int code, const struct logstore_error *detail)
{
	if (code == -ENOMEM || code == -ENOENT)
		return code == -ENOENT ? 0 : code; /* gone since: the owner is at work */
	check->damaged = true;
	check->v->txns_uncertain = true;
	return report(check->v, LOGSTORE_DAMAGE, "UNREADABLE",
	              (struct place){check->path, detail->position, check->next_offset, -1}, "%s",
	              detail->text);
}

static int scan_items(struct segment_check *check, logstore_scan *scan)
{
	struct logstore_error detail = {0};
	struct logstore_scan_item item;
	struct verify *v = check->v;
	uint64_t done;
	int r;

	while ((r = ls_scan_next(scan, &item, &detail)) == 1) {
		r = item.status == LOGSTORE_SCAN_OK ? check_batch(check, scan, &item)
		                                    : check_damage(check, &item);
		done = v->bytes_done + item.position + item.size;
		if (r == 0 && done > v->bytes_told && done - v->bytes_told >= PROGRESS_BYTES)
			r = progress(v, done);
		if (r != 0)
			return r;
		v->result.bytes += item.size;
	}
	return r < 0 ? unreadable(check, r, &detail) : 0;
}

static int scan_segment(struct segment_check *check)
{
	struct verify *v = check->v;
	struct logstore_scan_options options = {
		.struct_size = sizeof options, .check_crc = true, .skip_damaged = true, .read_records = true,
		.end_position = UINT64_MAX, .max_batch_bytes = UINT64_C(256) << 20,
		.max_decompressed_bytes = v->options->max_decompressed_bytes,
	};
	struct logstore_error detail = {0};
	logstore_scan *scan;
	int r;

	r = ls_scan_open(v->env, check->path, &options, &scan, &detail);
	if (r < 0)
		return unreadable(check, r, &detail);
	v->result.segments++;
	r = scan_items(check, scan);
	(void)ls_scan_close(scan);
	return r;
}

static int load_and_scan(struct segment_check *check)
{
	struct verify *v = check->v;
	bool filled = check->size > 0; /* Kafka makes the indexes of a segment when it first needs them */
	int r;

	r = load_index(v, check->base, ".index", filled, &check->offset_index);
	if (r == 0)
		r = load_index(v, check->base, ".timeindex", filled, &check->time_index);
	if (r == 0)
		r = load_index(v, check->base, ".txnindex", false, &check->txn_index);
	if (r == 0)
		r = scan_segment(check);
	return r == 0 ? check_index_ends(check) : r;
}

static int verify_segment(struct verify *v, size_t i)
{
	struct numbered *log = &v->logs.items[i];
	struct segment_check check = {.v = v,
	                              .base = log->offset,
	                              .size = log->size,
	                              .last = i + 1 == v->logs.count,
	                              .next_offset = log->offset,
	                              .after_last = log->offset,
	                              .bound = log->offset,
	                              .max_timestamp = LOGSTORE_NO_TIMESTAMP,
	                              .offset_index = {.v = v},
	                              .time_index = {.v = v},
	                              .txn_index = {.v = v}};
	char name[LS_FILE_NAME_MAX];
	int r = 0;

	ls_file_name(name, check.base, ".log");
	path_of(v, name, check.path);
	if (i > 0 && check.base < v->log_end) {
		v->txns_uncertain = true;
		r = report(v, LOGSTORE_DAMAGE, "OFFSETS_GO_BACK",
		           (struct place){check.path, 0, check.base, -1},
		           "the segment begins below the end of the one before it, %" PRId64, v->log_end);
	}
	if (r == 0)
		r = load_and_scan(&check);
	free_index(&check.offset_index);
	free_index(&check.time_index);
	free_index(&check.txn_index);
	log->next_offset = check.next_offset;
	if (check.next_offset > v->log_end)
		v->log_end = check.next_offset;
	if (check.bound > v->log_bound)
		v->log_bound = check.bound;
	v->bytes_done += log->size;
	return r == 0 ? progress(v, v->bytes_done) : r;
}

/* ---- the rest ---------------------------------------------------------------------------------------------- */

/* An offset index without its log: a deletion that did not end, or a log that is lost. */
static int check_orphans(struct verify *v)
{
	for (size_t i = 0; i < v->indexes.count; i++) {
		const struct numbered *index = &v->indexes.items[i];
		char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
		bool covered = index->size == 0 || find_numbered(&v->deleted_logs, index->offset);
		int r;

		if (find_numbered(&v->logs, index->offset))
			continue;
		for (size_t j = 0; j < v->logs.count && v->logs.items[j].offset < index->offset && !covered;
		     j++)
			covered = v->logs.items[j].next_offset > index->offset;
		ls_file_name(name, index->offset, ".index");
		path_of(v, name, path);
		r = covered ? report(v, LOGSTORE_NOTE, "ORPHAN_INDEX", file_place(path),
		                     "the index of a segment that was deleted or replaced")
		            : report(v, LOGSTORE_DAMAGE, "MISSING_LOG",
		                     (struct place){path, -1, index->offset, -1}, "the index has no .log");
		if (r != 0)
			return r;
	}
	return 0;
}

static int ignore_entry(void *arg, const struct logstore_file_entry *entry)
{
	(void)arg;
	(void)entry;
	return 0;
}

/* A small file that must parse if it is there. Returns 0 or what ends the run. */
static int check_small(struct verify *v, const char *name, logstore_file_entry_fn fn, void *arg,
                       const char *kind, bool *ret_present)
{
	struct logstore_error detail = {0};
	char path[LS_PATH_MAX];
	int r;

	path_of(v, name, path);
	r = ls_file_entries(v->env, path, fn, arg, &detail);
	*ret_present = r != -ENOENT;
	if (v->failed != 0)
		return v->failed;
	if (r == -ENOENT)
		return 0;
	if (r == 0 || r == -ENOMEM)
		return r;
	return report(v, LOGSTORE_REBUILDABLE, kind, line_place(path, detail.position), "%s", detail.text);
}

/* A producer whose batches lie at or behind the offset that the snapshot describes. */
static int check_producer(void *arg, const struct logstore_file_entry *entry)
{
	const struct logstore_producer_entry *producer = &entry->u.producer;
	char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
	struct verify *v = arg;

	if (v->snapshot_reported || (producer->last_offset < v->snapshot_offset &&
	                             producer->current_txn_first_offset < v->snapshot_offset))
		return 0;
	v->snapshot_reported = true;
	ls_file_name(name, v->snapshot_offset, ".snapshot");
	path_of(v, name, path);
	return report(v, LOGSTORE_REBUILDABLE, "STALE_SNAPSHOT",
	              (struct place){path, (int64_t)entry->position, v->snapshot_offset, -1},
	              "producer %" PRId64 " has offsets behind the one the snapshot describes",
	              producer->producer_id);
}

static int check_snapshots(struct verify *v)
{
	for (size_t i = 0; i < v->snapshots.count; i++) {
		int64_t offset = v->snapshots.items[i].offset;
		char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
		bool present;
		int r;

		ls_file_name(name, offset, ".snapshot");
		path_of(v, name, path);
		v->snapshot_offset = offset;
		v->snapshot_reported = false;
		r = check_small(v, name, check_producer, v, "DAMAGED_SNAPSHOT", &present);
		if (r == 0 && v->logs.count > 0 && offset > v->log_bound)
			r = report(v, LOGSTORE_REBUILDABLE, "STALE_SNAPSHOT",
			           (struct place){path, -1, offset, -1},
			           "describes offset %" PRId64 ", the log ends at %" PRId64, offset,
			           v->log_end);
		if (r != 0)
			return r;
	}
	return 0;
}

static int load_epochs(struct verify *v)
{
	uint64_t found = v->result.findings[LOGSTORE_REBUILDABLE];
	bool present;
	int r;

	v->epochs.env = v->env;
	r = check_small(v, LS_NAME_EPOCHS, collect_entry, &v->epochs, "DAMAGED_EPOCHS", &present);
	v->epochs_readable = present && v->result.findings[LOGSTORE_REBUILDABLE] == found;
	v->epochs_missing = !present;
	return r;
}

/* The table against the end of the log; that it is missing matters once the log has epochs. */
static int check_epochs(struct verify *v)
{
	const struct logstore_file_entry *last;
	char path[LS_PATH_MAX];

	path_of(v, LS_NAME_EPOCHS, path);
	if (v->epochs_missing)
		return report(v, v->last_epoch >= 0 ? LOGSTORE_REBUILDABLE : LOGSTORE_NOTE, "MISSING_FILE",
		              file_place(path), "the file is missing");
	if (!v->epochs_readable || v->epochs_reported || v->epochs.count == 0 || v->logs.count == 0)
		return 0;
	last = &v->epochs.items[v->epochs.count - 1];
	if (last->u.epoch.start_offset <= v->log_bound)
		return 0;
	return report(v, LOGSTORE_REBUILDABLE, "STALE_EPOCHS",
	              (struct place){path, (int64_t)last->position, last->u.epoch.start_offset, -1},
	              "epoch %" PRId32 " begins at %" PRId64 ", the log ends at %" PRId64,
	              last->u.epoch.epoch, last->u.epoch.start_offset, v->log_end);
}

static int check_identity(struct verify *v)
{
	char path[LS_PATH_MAX];
	bool present;
	int r;

	r = check_small(v, LS_NAME_PARTITION_METADATA, ignore_entry, NULL, "DAMAGED_METADATA", &present);
	path_of(v, LS_NAME_PARTITION_METADATA, path);
	if (r == 0 && !present)
		r = report(v, LOGSTORE_NOTE, "MISSING_FILE", file_place(path),
		           "the file is missing; a broker of today takes the partition for a stray one");
	return r == 0 ? check_small(v, LS_NAME_CONFIG, ignore_entry, NULL, "DAMAGED_CONFIG", &present) : r;
}

static int verify_files(struct verify *v)
{
	int r = load_epochs(v);

	for (size_t i = 0; i < v->logs.count && r == 0; i++)
		r = verify_segment(v, i);
	if (r == 0)
		r = check_orphans(v);
	if (r == 0)
		r = check_snapshots(v);
	if (r == 0)
		r = check_epochs(v);
	return r == 0 ? check_identity(v) : r;
}

int ls_verify_partition(const struct ls_env *env, const char *path,
                        const struct logstore_verify_options *options, logstore_finding_fn fn, void *arg,
                        struct logstore_verify_result *ret_result, struct logstore_error *ret_error)
{
	struct verify v = {.env = env, .directory = path, .options = options, .fn = fn, .arg = arg,
	                   .ret_error = ret_error, .last_epoch = LOGSTORE_NO_EPOCH};
	int r;

	r = env->io->list(env->io->ctx, path, note_file, &v);
	if (r < 0 && r != -ENOMEM && v.failed == 0)
		r = ls_error_io(ret_error, r, "cannot list", path);
	sort_numbered(&v.logs);
	sort_numbered(&v.deleted_logs);
	sort_numbered(&v.indexes);
	sort_numbered(&v.snapshots);
	if (r == 0 && v.logs.count == 0)
		r = report(&v, LOGSTORE_DAMAGE, "NO_SEGMENTS", file_place(path),
		           "the directory holds no .log file");
	if (r == 0)
		r = verify_files(&v);
	(void)ls_free(env, v.logs.items);
	(void)ls_free(env, v.deleted_logs.items);
	(void)ls_free(env, v.indexes.items);
	(void)ls_free(env, v.snapshots.items);
	(void)ls_free(env, v.epochs.items);
	(void)ls_free(env, v.open);
	if (r == 0)
		*ret_result = v.result;
	return r;
}

/* ---- the data directory ------------------------------------------------------------------------------------- */

static int check_directory_entry(void *arg, const char *name)
{
	char path[LS_PATH_MAX], topic[LOGSTORE_TOPIC_NAME_MAX + 1], canonical[LS_DIRECTORY_NAME_MAX];
	enum ls_directory_kind kind;
	struct verify *v = arg;
	struct logstore_io_stat st;
	int32_t number;
	bool right;

	path_of(v, name, path);
	if (v->env->io->stat(v->env->io->ctx, path, &st) < 0 || st.kind != LOGSTORE_IO_DIRECTORY)
		return 0;
	right = ls_directory_name_parse(name, &kind, topic, &number) == 0;
	if (right && kind == LS_DIRECTORY_PARTITION)
		right = ls_partition_directory_name(canonical, topic, number) > 0 &&
		        strcmp(canonical, name) == 0;
	if (!right)
		return report(v, LOGSTORE_DAMAGE, "BAD_NAME", file_place(path),
		              "the name of the directory is not TOPIC-NUMBER; Kafka does not start with it");
	if (kind == LS_DIRECTORY_DELETE || kind == LS_DIRECTORY_STRAY)
		return report(v, LOGSTORE_NOTE, "LEFTOVER", file_place(path), "a partition on its way out");
	return 0;
}

/* An entry of a checkpoint whose partition is not there. */
static int check_checkpoint_entry(void *arg, const struct logstore_file_entry *entry)
{
	char name[LS_DIRECTORY_NAME_MAX], path[LS_PATH_MAX];
	const char *topic = entry->u.checkpoint.topic;
	struct verify *v = arg;
	struct logstore_io_stat st;

	if (ls_partition_directory_name(name, topic, entry->u.checkpoint.partition) > 0) {
		path_of(v, name, path);
		if (v->env->io->stat(v->env->io->ctx, path, &st) == 0 && st.kind == LOGSTORE_IO_DIRECTORY)
			return 0;
	}
	path_of(v, v->checkpoint, path);
	return report(v, LOGSTORE_NOTE, "STALE_CHECKPOINT",
	              (struct place){path, (int64_t)entry->position, entry->u.checkpoint.offset, -1},
	              "the line names %.300s-%" PRId32 ", which is not here", topic,
	              entry->u.checkpoint.partition);
}

/* The marker counts by being there; a broker takes its epoch from a text like {"version":0,"brokerEpoch":1}. */
static int check_marker(void *arg, const struct logstore_file_entry *entry)
{
	const char *text = entry->u.property.value;
	char path[LS_PATH_MAX];
	struct verify *v = arg;

	if (text[0] == '\0' || text[0] == '{')
		return 0;
	path_of(v, LS_NAME_CLEAN_SHUTDOWN, path);
	return report(v, LOGSTORE_NOTE, "BAD_MARKER", file_place(path),
	              "the text in the marker is no JSON object");
}

int ls_verify_directory(const struct ls_env *env, const char *path, logstore_finding_fn fn, void *arg,
                        struct logstore_error *ret_error)
{
	static const char *const checkpoints[] = {LS_NAME_RECOVERY_POINTS, LS_NAME_LOG_STARTS,
	                                          LS_NAME_HIGH_WATERMARKS,
	                                          LS_NAME_CLEANER_OFFSETS};
	struct verify v = {.env = env, .directory = path, .fn = fn, .arg = arg, .ret_error = ret_error};
	bool present;
	int r;

	r = env->io->list(env->io->ctx, path, check_directory_entry, &v);
	if (r < 0 && r != -ENOMEM && v.failed == 0)
		return ls_error_io(ret_error, r, "cannot list", path);
	for (size_t i = 0; i < sizeof checkpoints / sizeof checkpoints[0] && r == 0; i++) {
		v.checkpoint = checkpoints[i];
		r = check_small(&v, checkpoints[i], check_checkpoint_entry, &v, "DAMAGED_CHECKPOINT",
		                &present);
	}
	if (r == 0)
		r = check_small(&v, LS_NAME_META_PROPERTIES, ignore_entry, NULL, "DAMAGED_METADATA",
		                &present);
	if (r == 0)
		r = check_small(&v, LS_NAME_CLEAN_SHUTDOWN, check_marker, &v, "DAMAGED_MARKER", &present);
	return r;
}
