/*
 * Cutting the end of a segment, for followers that diverged and for tools. The whole batch that contains
 * the offset goes. Order: generation (slices become stale), indexes, log, sync; the size is published
 * before the file shrinks, so that no new reader starts beyond it.
 */
#include <errno.h>

#include "base/error.h"
#include "segment/segment.h"

/* Number of leading entries whose offset is below `offset`. Returns 0 or -errno. */
static int count_below(struct ls_index_file *index, int64_t (*offset_of)(const uint8_t *), int64_t offset,
                       uint64_t *ret_count)
{
	uint64_t low = 0, high = ls_index_file_count(index);
	uint8_t entry[LS_INDEX_ENTRY_MAX];

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int r = ls_index_file_get(index, middle, entry);

		if (r < 0)
			return r;
		if (offset_of(entry) < offset)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_count = low;
	return 0;
}

/* Relative offsets; a damaged entry counts as too high and goes. */
static int64_t offset_entry_offset(const uint8_t *bytes)
{
	struct ls_offset_entry entry;

	return ls_offset_entry_read(bytes, 0, &entry, NULL) < 0 ? INT64_MAX : entry.offset;
}

static int64_t time_entry_offset(const uint8_t *bytes)
{
	struct ls_time_entry entry;

	return ls_time_entry_read(bytes, 0, &entry, NULL) < 0 ? INT64_MAX : entry.offset;
}

static int64_t txn_entry_offset(const uint8_t *bytes)
{
	struct logstore_txn_entry entry;

	return ls_txn_entry_read(bytes, &entry, NULL) < 0 ? INT64_MAX : entry.last_offset;
}

static int truncate_index(struct ls_index_file *index, int64_t (*offset_of)(const uint8_t *), int64_t offset)
{
	uint64_t count;
	int r;

	r = count_below(index, offset_of, offset, &count);
	if (r < 0)
		return r;
	r = ls_index_file_truncate(index, count);
	return r < 0 ? r : ls_index_file_sync(index);
}

static int truncate_indexes(struct ls_segment *seg, int64_t offset)
{
	uint8_t bytes[LS_OFFSET_ENTRY_SIZE];
	struct ls_offset_entry entry;
	uint64_t count;
	int r;

	r = truncate_index(&seg->offset_index, offset_entry_offset, offset - seg->base);
	if (r == 0)
		r = truncate_index(&seg->time_index, time_entry_offset, offset - seg->base);
	if (r == 0)
		r = truncate_index(&seg->txn_index, txn_entry_offset, offset);
	if (r < 0)
		return r;
	count = ls_index_file_count(&seg->offset_index);
	seg->last_offset_entry = LOGSTORE_NO_OFFSET;
	if (count > 0) {
		r = ls_index_file_get(&seg->offset_index, count - 1, bytes);
		if (r == 0 && ls_offset_entry_read(bytes, seg->base, &entry, NULL) == 0)
			seg->last_offset_entry = entry.offset;
	}
	return r;
}

int ls_segment_recompute_max_timestamp(struct ls_segment *seg, struct logstore_error *ret_error)
{
	uint64_t size = atomic_load(&seg->size), count = ls_index_file_count(&seg->time_index), position = 0;
	struct ls_time_entry entry = {.timestamp = LOGSTORE_NO_TIMESTAMP, .offset = seg->base};
	uint8_t bytes[LS_TIME_ENTRY_SIZE];
	struct logstore_batch_info info;
	struct ls_walk walk;
	int r;

	if (count > 0) {
		r = ls_index_file_get(&seg->time_index, count - 1, bytes);
		if (r < 0)
			return r;
		if (ls_time_entry_read(bytes, seg->base, &entry, NULL) < 0)
			entry = (struct ls_time_entry){.timestamp = LOGSTORE_NO_TIMESTAMP, .offset = seg->base};
	}
	seg->last_time_entry = entry.timestamp;
	if (count > 0) {
		r = ls_segment_find(seg, entry.offset, size, &info, &position, ret_error);
		if (r < 0)
			return r;
		if (r == 0)
			position = size;
	}
	ls_walk_init(&walk, seg, position, size);
	while ((r = ls_walk_next(&walk, &info, &position, ret_error)) == 1) {
		if (info.max_timestamp > entry.timestamp) {
			entry.timestamp = info.max_timestamp;
			entry.offset = info.last_offset;
		}
	}
	if (r < 0)
		return r;
	seg->max_timestamp_offset = entry.offset;
	atomic_store(&seg->max_timestamp, entry.timestamp);
	return 0;
}

int ls_segment_truncate(struct ls_segment *seg, int64_t offset, int64_t now_ms, struct logstore_error *ret_error)
{
	uint64_t size = atomic_load(&seg->size), position;
	struct logstore_batch_info info;
	char path[LS_PATH_MAX];
	int r;

	r = ls_segment_find(seg, offset, size, &info, &position, ret_error);
	if (r < 0)
		return r;
	if (r == 0)
		position = size;
	else if (info.base_offset < offset)
		offset = info.base_offset;
	ls_segment_path(seg, ".log", path);
	atomic_fetch_add(&seg->generation, 1);
	atomic_store(&seg->size, position);
	r = truncate_indexes(seg, offset);
	if (r == 0)
		r = ls_segment_cut_back(seg);
	if (r == 0)
		r = ls_segment_sync_log(seg);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot cut the segment", path);
	seg->bytes_since_entry = 0;
	if (position == 0) {
		seg->first_batch_known = false;
		seg->created_ms = now_ms;
	}
	return ls_segment_recompute_max_timestamp(seg, ret_error);
}
