/*
 * Decoded records one after another: reads a range of batches into a buffer, checks each, walks its
 * records, leaves out what the reader must not see, and counts what is missing in between.
 *
 * Aborted transactions: the range comes with the list of what was aborted. A producer's transactional
 * data from the first offset on is dropped until its ABORT marker. The list is merged range by range.
 *
 * Invariant: `next` is the lowest offset the next record can have; everything below was delivered or is
 * accounted for in the gap.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/batch.h"
#include "format/control.h"
#include "format/names.h"
#include "format/record_reader.h"
#include "partition/partition_internal.h"
#include "segment/scan.h"

struct logstore_cursor {
	logstore_partition *part;
	struct logstore_cursor_options options;
	int64_t next;              /* lowest offset the next record can have */
	int64_t delivered;         /* offset behind the last record delivered (or where it all began) */
	int64_t damaged;           /* offsets of damaged batches since then */

	struct ls_buf buffer;      /* a range of batches */
	size_t at;                 /* of the batch at hand */
	int64_t segment_base;      /* where the range came from */
	uint64_t position;
	struct ls_read_hint hint;  /* where the next range begins, if nothing is cut meanwhile */
	bool in_batch;
	bool skip_records;         /* aborted data: to be passed over */
	struct ls_record_reader *reader;

	/* Transactions of the range that were aborted, by first offset, and which of them are under way. */
	struct logstore_aborted *aborted;
	size_t aborted_count;
	size_t aborted_next;
	int64_t *active;
	size_t active_count;
	size_t active_capacity;
};

/* Where damage is looked for if not even the first range can be found. */
static int64_t first_segment_base(logstore_partition *part, int64_t offset)
{
	struct ls_view view;
	ptrdiff_t i;
	int64_t base;

	ls_view_get(part, &view);
	i = ls_segment_set_find(view.set, offset);
	base = view.set->segments[i < 0 ? 0 : i]->base;
	ls_view_put(&view);
	return base;
}

int ls_cursor_open(logstore_partition *part, int64_t offset, const struct logstore_cursor_options *options,
                   logstore_cursor **ret_cursor, struct logstore_error *ret_error)
{
	struct logstore_offsets offsets;
	logstore_cursor *cursor;
	int r;

	ls_partition_offsets(part, &offsets);
	if (offset < offsets.log_start || offset > offsets.log_end)
		return ls_error(ret_error, LOGSTORE_E_OFFSET_OUT_OF_RANGE,
		                "%s has offsets %lld to %lld, not %lld", part->name, (long long)offsets.log_start,
		                (long long)offsets.log_end, (long long)offset);
	cursor = ls_calloc(part->env, 1, sizeof *cursor);
	if (!cursor)
		return ls_partition_answer(part, -ENOMEM, ret_error);
	cursor->part = part;
	cursor->options = *options;
	cursor->next = offset;
	cursor->delivered = offset;
	cursor->hint.cuts = UINT64_MAX;
	cursor->segment_base = first_segment_base(part, offset);
	ls_buf_init(&cursor->buffer, part->env);
	r = ls_record_reader_new(part->env, part->max_decompressed_bytes, &cursor->reader);
	if (r < 0) {
		(void)ls_free(part->env, cursor);
		return ls_partition_answer(part, r, ret_error);
	}
	atomic_fetch_add(&part->pins, 1);
	*ret_cursor = cursor;
	return 0;
}

logstore_cursor *ls_cursor_close(logstore_cursor *cursor)
{
	logstore_partition *part;

	if (!cursor)
		return NULL;
	part = cursor->part;
	(void)ls_record_reader_free(cursor->reader);
	ls_buf_fini(&cursor->buffer);
	(void)ls_free(part->env, cursor->aborted);
	(void)ls_free(part->env, cursor->active);
	(void)ls_free(part->env, cursor);
	atomic_fetch_sub(&part->pins, 1);
	return NULL;
}

int64_t ls_cursor_offset(const logstore_cursor *cursor)
{
	return cursor->next;
}

/* ---- ranges ------------------------------------------------------------------------------------------------ */

static int compare_aborted(const void *a, const void *b)
{
	const struct logstore_aborted *x = a, *y = b;

	return (x->first_offset > y->first_offset) - (x->first_offset < y->first_offset);
}

/* Takes over the aborted list of a slice. What is under way from earlier ranges is in it again. */
static int take_aborted(logstore_cursor *cursor, const struct logstore_slice *slice)
{
	const struct ls_env *env = cursor->part->env;
	struct logstore_aborted *list = NULL;

	if (slice->aborted_count > 0) {
		list = ls_calloc(env, slice->aborted_count, sizeof *list);
		if (!list)
			return -ENOMEM;
		memcpy(list, slice->aborted, slice->aborted_count * sizeof *list);
		qsort(list, slice->aborted_count, sizeof *list, compare_aborted);
	}
	(void)ls_free(env, cursor->aborted);
	cursor->aborted = list;
	cursor->aborted_count = slice->aborted_count;
	cursor->aborted_next = 0;
	cursor->active_count = 0;
	return 0;
}

static int read_slice(logstore_cursor *cursor, const struct logstore_slice *slice, struct logstore_error *ret_error)
{
	size_t n;
	int r;

	if (slice->size > cursor->part->max_batch_bytes && slice->size > cursor->options.buffer_bytes)
		return ls_error(ret_error, LOGSTORE_E_LIMIT_EXCEEDED,
		                "%s: a batch of %llu bytes is above max_batch_bytes",
		                cursor->part->name, (unsigned long long)slice->size);
	r = ls_buf_reserve(&cursor->buffer, (size_t)slice->size);
	if (r == 0)
		r = take_aborted(cursor, slice);
	if (r == 0)
		r = ls_slice_read(slice, 0, cursor->buffer.data, (size_t)slice->size, &n, ret_error);
	if (r == 0)
		cursor->buffer.size = n;
	return r;
}

/* Reads on from `next`. Returns 1, 0 at the bound, or an error. */
static int next_range(logstore_cursor *cursor, struct logstore_error *ret_error)
{
	struct logstore_read_options options = {
		.struct_size = sizeof options,
		.isolation = cursor->options.isolation,
		.at_least_one_batch = true,
		.max_bytes = cursor->options.buffer_bytes,
	};
	struct logstore_slice slice;
	int r;

	r = ls_partition_read_on(cursor->part, cursor->next, &cursor->hint, &options, &slice, ret_error);
	if (r < 0)
		return r;
	if (slice.size > 0) {
		/* Also if reading fails: what is to be skipped then begins here. */
		cursor->segment_base = cursor->hint.segment_base = slice.segment_base;
		cursor->position = cursor->hint.position = slice.position;
		ls_buf_clear(&cursor->buffer);
		cursor->at = 0;
		cursor->in_batch = false;
		r = read_slice(cursor, &slice, ret_error);
		if (r == 0)
			r = 1;
	}
	ls_slice_release(&slice);
	/* Truncated between the two: the next step reads the log as it is now. */
	return r == LOGSTORE_E_STALE ? 1 : r;
}

/* ---- batches ----------------------------------------------------------------------------------------------- */

static void path_of(const logstore_cursor *cursor, char ret_path[LS_PATH_MAX])
{
	char name[LS_FILE_NAME_MAX];

	ls_file_name(name, cursor->segment_base, ".log");
	ls_partition_path(cursor->part, name, ret_path);
}

static int damaged(logstore_cursor *cursor, int code, const struct logstore_batch_info *info,
                   struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	if (code > -4096)
		return code;
	path_of(cursor, path);
	if (ret_error) {
		ret_error->position = (int64_t)(cursor->position + cursor->at);
		ret_error->path[0] = '\0';
	}
	return ls_error_at(ret_error, code, path, (int64_t)(cursor->position + cursor->at),
	                   info ? info->base_offset : cursor->next);
}

static int begin_aborted(logstore_cursor *cursor, int64_t producer_id)
{
	for (size_t i = 0; i < cursor->active_count; i++) {
		if (cursor->active[i] == producer_id)
			return 0;
	}
	if (cursor->active_count == cursor->active_capacity) {
		size_t capacity = cursor->active_capacity ? cursor->active_capacity * 2 : 8;
		int64_t *active = ls_realloc(cursor->part->env, cursor->active, capacity, sizeof *active);

		if (!active)
			return -ENOMEM;
		cursor->active = active;
		cursor->active_capacity = capacity;
	}
	cursor->active[cursor->active_count++] = producer_id;
	return 0;
}

static void end_aborted(logstore_cursor *cursor, int64_t producer_id)
{
	for (size_t i = 0; i < cursor->active_count; i++) {
		if (cursor->active[i] == producer_id) {
			cursor->active[i] = cursor->active[--cursor->active_count];
			return;
		}
	}
}

static bool is_aborted(const logstore_cursor *cursor, const struct logstore_batch_info *info)
{
	if (!info->transactional || info->control)
		return false;
	for (size_t i = 0; i < cursor->active_count; i++) {
		if (cursor->active[i] == info->producer_id)
			return true;
	}
	return false;
}

/* Follows transactions at the start of a batch: those that begin by its end, the one its marker ends. */
static int follow_transactions(logstore_cursor *cursor, const struct logstore_batch_info *info,
                               struct logstore_error *ret_error)
{
	struct logstore_control control;
	struct logstore_record record;
	int r;

	if (cursor->options.isolation != LOGSTORE_READ_COMMITTED)
		return 0;
	while (cursor->aborted_next < cursor->aborted_count &&
	       cursor->aborted[cursor->aborted_next].first_offset <= info->last_offset) {
		r = begin_aborted(cursor, cursor->aborted[cursor->aborted_next].producer_id);
		if (r < 0)
			return r;
		cursor->aborted_next++;
	}
	if (!info->control || info->record_count == 0)
		return 0;
	r = ls_record_reader_next(cursor->reader, &record, ret_error);
	if (r == 1)
		r = ls_control_parse(&record, &control, ret_error);
	if (r < 0)
		return r;
	if (control.type == LOGSTORE_CONTROL_ABORT)
		end_aborted(cursor, info->producer_id);
	return ls_record_reader_start(cursor->reader, cursor->buffer.data + cursor->at, info->size, ret_error);
}

/* Starts on the batch at `at`. Returns 1, 0 if the rest of the buffer holds no whole batch, or an error. */
static int start_batch(logstore_cursor *cursor, struct logstore_error *ret_error)
{
	const uint8_t *bytes = cursor->buffer.data + cursor->at;
	size_t size = cursor->buffer.size - cursor->at;
	const struct logstore_batch_info *info;
	uint32_t batch_size;
	int r;

	if (size < LS_BATCH_PREFIX_SIZE)
		return 0;
	r = ls_batch_size(bytes, &batch_size, ret_error);
	if (r < 0)
		return damaged(cursor, r, NULL, ret_error);
	if (batch_size > size)
		return 0;
	r = ls_record_reader_start(cursor->reader, bytes, size, ret_error);
	if (r < 0)
		return damaged(cursor, r, NULL, ret_error);
	info = ls_record_reader_batch(cursor->reader);
	if (cursor->options.check_crc) {
		r = ls_batch_check(bytes, batch_size, ret_error);
		if (r < 0)
			return damaged(cursor, r, info, ret_error);
	}
	r = follow_transactions(cursor, info, ret_error);
	if (r < 0)
		return damaged(cursor, r, info, ret_error);
	cursor->skip_records = is_aborted(cursor, info) || (info->control && !cursor->options.control_records);
	cursor->in_batch = true;
	return 1;
}

static void end_batch(logstore_cursor *cursor)
{
	const struct logstore_batch_info *info = ls_record_reader_batch(cursor->reader);

	if (cursor->next <= info->last_offset)
		cursor->next = info->last_offset + 1;
	cursor->at += info->size;
	cursor->hint.position = cursor->position + cursor->at;
	cursor->in_batch = false;
}

/* The next record of the batch at hand that is to be delivered. Returns 1, 0 at its end, or an error. */
static int next_in_batch(logstore_cursor *cursor, struct logstore_record *record, struct logstore_error *ret_error)
{
	const struct logstore_batch_info *info = ls_record_reader_batch(cursor->reader);
	int r;

	while ((r = ls_record_reader_next(cursor->reader, record, ret_error)) == 1) {
		if (!cursor->skip_records && record->offset >= cursor->next)
			return 1;
	}
	return r < 0 ? damaged(cursor, r, info, ret_error) : 0;
}

/* ---- damage ------------------------------------------------------------------------------------------------ */

/* Base of the segment behind the one at hand, or the log end. */
static int64_t next_segment_base(logstore_cursor *cursor)
{
	struct ls_view view;
	ptrdiff_t i;
	int64_t base;

	ls_view_get(cursor->part, &view);
	i = ls_segment_set_find(view.set, cursor->segment_base);
	base = (size_t)(i + 1) < view.set->count ? view.set->segments[i + 1]->base : view.log_end;
	ls_view_put(&view);
	return base;
}

/*
 * Where the log goes on behind the batch at hand: at the next whole, valid batch of the segment, else at the
 * next segment. A scan of the file looks for it; what it finds past the bounds is not read yet.
 */
static int find_next_batch(logstore_cursor *cursor, int64_t *ret_offset, uint64_t *ret_position,
                           struct logstore_error *ret_error)
{
	struct logstore_scan_options options = {
		.struct_size = sizeof options, .check_crc = true, .skip_damaged = true,
		.position = cursor->position + cursor->at, .end_position = UINT64_MAX,
		.max_batch_bytes = cursor->part->max_batch_bytes,
		.max_decompressed_bytes = cursor->part->max_decompressed_bytes,
	};
	struct logstore_scan_item item;
	char path[LS_PATH_MAX];
	logstore_scan *scan;
	int r;

	path_of(cursor, path);
	r = ls_scan_open(cursor->part->env, path, &options, &scan, ret_error);
	if (r < 0)
		return r;
	r = ls_scan_next(scan, &item, ret_error); /* the one to skip */
	while (r == 1 && (r = ls_scan_next(scan, &item, ret_error)) == 1) {
		if (item.has_info && item.info.last_offset >= cursor->next) {
			*ret_offset = item.info.base_offset > cursor->next ? item.info.base_offset : cursor->next;
			*ret_position = item.position;
			break;
		}
	}
	(void)ls_scan_close(scan);
	if (r == 0)
		*ret_offset = next_segment_base(cursor);
	return r;
}

/* Goes on behind a damaged batch. Returns 0 or an error. */
static int skip_damaged(logstore_cursor *cursor, struct logstore_error *ret_error)
{
	int64_t from = cursor->next, offset = from;
	uint64_t position = 0;
	int r;

	r = find_next_batch(cursor, &offset, &position, ret_error);
	if (r < 0)
		return r;
	cursor->hint.segment_base = cursor->segment_base;
	cursor->hint.position = position;
	if (r == 0)
		cursor->hint.cuts = UINT64_MAX; /* nothing more in this segment */
	ls_buf_clear(&cursor->buffer);
	cursor->at = 0;
	cursor->in_batch = false;
	if (offset > from) {
		cursor->next = offset;
		cursor->damaged += offset - from;
	}
	return 0;
}

int ls_cursor_skip_batch(logstore_cursor *cursor, struct logstore_error *ret_error)
{
	int r;

	if (cursor->at >= cursor->buffer.size) {
		r = next_range(cursor, ret_error);
		if (r == 0 || (r < 0 && r != LOGSTORE_E_LIMIT_EXCEEDED))
			return ls_partition_answer(cursor->part, r, ret_error);
	}
	r = skip_damaged(cursor, ret_error);
	return ls_partition_answer(cursor->part, r, ret_error);
}

/* ---- next -------------------------------------------------------------------------------------------------- */

static void deliver(logstore_cursor *cursor, const struct logstore_record *record, struct logstore_entry *ret_entry)
{
	ret_entry->record = *record;
	ret_entry->batch = ls_record_reader_batch(cursor->reader);
	ret_entry->gap = record->offset - cursor->delivered;
	ret_entry->damaged = cursor->damaged;
	cursor->damaged = 0;
	cursor->next = record->offset + 1;
	cursor->delivered = cursor->next;
}

/* One step. Returns 1 with a record, 0 at the bound, 2 to go on, or an error. */
static int step(logstore_cursor *cursor, struct logstore_record *record, struct logstore_error *ret_error)
{
	int r;

	if (cursor->in_batch) {
		r = next_in_batch(cursor, record, ret_error);
		if (r == 0) {
			end_batch(cursor);
			return 2;
		}
		return r;
	}
	if (cursor->at < cursor->buffer.size) {
		r = start_batch(cursor, ret_error);
		if (r != 0)
			return r == 1 ? 2 : r;
	}
	r = next_range(cursor, ret_error);
	return r == 1 ? 2 : r;
}

int ls_cursor_next(logstore_cursor *cursor, struct logstore_entry *ret_entry, struct logstore_error *ret_error)
{
	struct logstore_record record;
	int r = 2;

	while (cursor->next < cursor->options.end_offset && r == 2) {
		r = step(cursor, &record, ret_error);
		if (r < 0)
			cursor->in_batch = false; /* the same batch comes again */
		if (r == LOGSTORE_E_CORRUPT_MESSAGE || r == LOGSTORE_E_LIMIT_EXCEEDED ||
		    r == LOGSTORE_E_UNSUPPORTED_FORMAT || r == LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE) {
			if (cursor->options.skip_damaged && skip_damaged(cursor, NULL) == 0)
				r = 2;
		}
	}
	if (r != 1)
		return r == 2 ? 0 : ls_partition_answer(cursor->part, r, ret_error);
	if (record.offset >= cursor->options.end_offset) {
		cursor->next = cursor->options.end_offset;
		return 0;
	}
	deliver(cursor, &record, ret_entry);
	return 1;
}
