/*
 * Cutting the end of a segment, for followers that diverged and for tools. The whole batch that contains
 * the offset goes. Order: generation (slices become stale), indexes, log, sync; the size is published
 * before the file shrinks, so that no new reader starts beyond it.
 */
#include <errno.h>

#include "base/error.h"
#include "segment/segment.h"

/* Reads the offset of an entry. Returns 0 or an error. */
typedef int (*offset_of_fn)(const uint8_t *bytes, int64_t *ret_offset);

/* Relative offsets. A damaged hint counts as too high and goes. */
static int offset_entry_offset(const uint8_t *bytes, int64_t *ret_offset)
{
	struct ls_offset_entry entry;

	*ret_offset = ls_offset_entry_read(bytes, 0, &entry, NULL) < 0 ? INT64_MAX : entry.offset;
	return 0;
}

static int time_entry_offset(const uint8_t *bytes, int64_t *ret_offset)
{
	struct ls_time_entry entry;

	*ret_offset = ls_time_entry_read(bytes, 0, &entry, NULL) < 0 ? INT64_MAX : entry.offset;
	return 0;
}

/* Evidence is not dropped because it is damaged (S4). */
static int txn_entry_offset(const uint8_t *bytes, int64_t *ret_offset)
{
	struct logstore_txn_entry entry;
	int r = ls_txn_entry_read(bytes, &entry, NULL);

	if (r == 0)
		*ret_offset = entry.last_offset;
	return r;
}

/* Number of leading entries whose offset is below `offset`. Returns 0 or an error. */
static int count_below(struct ls_index_file *index, offset_of_fn offset_of, int64_t offset,
                       uint64_t *ret_count)
{
	uint64_t low = 0, high = ls_index_file_count(index);
	uint8_t entry[LS_INDEX_ENTRY_MAX];

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int64_t at = 0;
		int r = ls_index_file_get(index, middle, entry);

		if (r == 0)
			r = offset_of(entry, &at);
		if (r < 0)
			return r;
		if (at < offset)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_count = low;
	return 0;
}

/* How many entries of each index stay. */
struct keep {
	uint64_t offsets;
	uint64_t times;
	uint64_t txns;
};

static int count_kept(struct ls_segment *seg, int64_t offset, struct keep *keep,
                      struct logstore_error *ret_error)
{
	const char *ending = ".txnindex";
	char path[LS_PATH_MAX];
	int r;

	r = count_below(&seg->txn_index, txn_entry_offset, offset, &keep->txns);
	if (r == 0) {
		ending = ".index";
		r = count_below(&seg->offset_index, offset_entry_offset, offset - seg->base, &keep->offsets);
	}
	if (r == 0) {
		ending = ".timeindex";
		r = count_below(&seg->time_index, time_entry_offset, offset - seg->base, &keep->times);
	}
	if (r == 0)
		return 0;
	ls_segment_path(seg, ending, path);
	if (r > -4096)
		return ls_error_io(ret_error, r, "cannot read", path);
	return ls_corrupt(ret_error, r, path, -1, "an entry of the transaction index cannot be right");
}

static int truncate_indexes(struct ls_segment *seg, const struct keep *keep)
{
	int r = ls_index_file_truncate(&seg->offset_index, keep->offsets);

	if (r == 0)
		r = ls_index_file_truncate(&seg->time_index, keep->times);
	if (r == 0)
		r = ls_index_file_truncate(&seg->txn_index, keep->txns);
	if (r == 0)
		r = ls_segment_sync_indexes(seg);
	return r < 0 ? r : ls_segment_sync_txn_index(seg);
}

/* The last entry of the time index. Returns 1, 0 if there is none that can be read, or -errno. */
static int last_time_entry(struct ls_segment *seg, struct ls_time_entry *ret_entry)
{
	uint64_t count = ls_index_file_count(&seg->time_index);
	uint8_t bytes[LS_TIME_ENTRY_SIZE];
	int r;

	if (count == 0)
		return 0;
	r = ls_index_file_get(&seg->time_index, count - 1, bytes);
	if (r < 0)
		return r;
	return ls_time_entry_read(bytes, seg->base, ret_entry, NULL) < 0 ? 0 : 1;
}

int ls_segment_recompute_max_timestamp(struct ls_segment *seg, struct logstore_error *ret_error)
{
	uint64_t size = atomic_load(&seg->size), position = 0;
	struct ls_time_entry entry, max = {.timestamp = LOGSTORE_NO_TIMESTAMP, .offset = seg->base};
	struct logstore_batch_info info;
	struct ls_walk walk;
	char path[LS_PATH_MAX];
	int r;

	r = last_time_entry(seg, &entry);
	seg->last_time_entry = r == 1 ? entry.timestamp : LOGSTORE_NO_TIMESTAMP;
	if (r == 1)
		r = ls_segment_follow_time_entry(seg, &entry, size, &position);
	if (r < 0) {
		ls_segment_path(seg, ".timeindex", path);
		return ls_error_io(ret_error, r, "cannot follow the last entry of", path);
	}
	if (r == 1)
		max = entry;
	ls_walk_init(&walk, seg, position, size);
	while ((r = ls_walk_next(&walk, &info, &position, ret_error)) == 1) {
		if (info.max_timestamp > max.timestamp) {
			max.timestamp = info.max_timestamp;
			max.offset = info.last_offset;
		}
	}
	if (r < 0)
		return r;
	seg->max_timestamp_offset = max.offset;
	atomic_store(&seg->max_timestamp, max.timestamp);
	return 0;
}

int ls_segment_truncate(struct ls_segment *seg, int64_t offset, int64_t now_ms,
                        struct logstore_error *ret_error)
{
	uint64_t size = atomic_load(&seg->size), position;
	struct logstore_batch_info info;
	char path[LS_PATH_MAX];
	struct keep keep = {0};
	int r;

	r = ls_segment_find(seg, offset, size, &info, &position, ret_error);
	if (r < 0)
		return r;
	if (r == 0)
		position = size;
	else if (info.base_offset < offset)
		offset = info.base_offset;
	r = count_kept(seg, offset, &keep, ret_error);
	if (r < 0)
		return r;
	ls_segment_path(seg, ".log", path);
	atomic_fetch_add(&seg->generation, 1);
	atomic_store(&seg->sealed_synced, false); /* it is the active one again */
	atomic_store(&seg->size, position);
	r = truncate_indexes(seg, &keep);
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
