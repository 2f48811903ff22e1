/*
 * The transaction index: aborted transactions whose marker is in this segment, in order of their markers.
 * Entries go straight to the file. A reader must not miss one, so unlike the other indexes it is written
 * before the append is published, and a failure fails the append (S4).
 */
#include <errno.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "segment/segment.h"

#define READ_COUNT 64u

int ls_segment_append_txn(struct ls_segment *seg, const struct logstore_txn_entry *entry)
{
	uint8_t bytes[LS_TXN_ENTRY_SIZE];
	char path[LS_PATH_MAX];
	int r;

	r = ls_index_file_reserve(&seg->txn_index, 1);
	if (r < 0)
		return r;
	ls_txn_entry_write(bytes, entry);
	ls_index_file_append(&seg->txn_index, bytes);
	ls_segment_path(seg, ".txnindex", path);
	r = ls_index_file_flush(&seg->txn_index, path);
	if (r < 0) {
		int undo = ls_segment_undo_txn(seg, 1);

		return undo < 0 ? undo : r;
	}
	return 0;
}

int ls_segment_undo_txn(struct ls_segment *seg, uint64_t count)
{
	uint64_t have = ls_index_file_count(&seg->txn_index);

	LS_ASSERT(count <= have);
	return ls_index_file_truncate(&seg->txn_index, have - count);
}

static int add_aborted(struct ls_aborted_list *list, const struct logstore_txn_entry *entry)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 8;
		struct logstore_aborted *items = ls_realloc(list->env, list->items, capacity, sizeof *items);

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = (struct logstore_aborted){
		.producer_id = entry->producer_id,
		.first_offset = entry->first_offset,
	};
	return 0;
}

/* Takes what matters of `count` entries from number `first` on. Returns as ls_segment_collect_aborted(). */
static int collect_entries(const uint8_t *bytes, uint64_t first, uint64_t count, int64_t from, int64_t upper,
                           struct ls_aborted_list *list, const char *path, struct logstore_error *ret_error)
{
	for (uint64_t i = 0; i < count; i++) {
		int64_t position = (int64_t)((first + i) * LS_TXN_ENTRY_SIZE);
		struct logstore_txn_entry entry;
		int r = ls_txn_entry_read(bytes + i * LS_TXN_ENTRY_SIZE, &entry, ret_error);

		if (r < 0) {
			if (ret_error)
				ret_error->position = position;
			return ls_error_at(ret_error, r, path, position, -1);
		}
		if (entry.last_offset >= from && entry.first_offset < upper) {
			r = add_aborted(list, &entry);
			if (r < 0)
				return r;
		}
		if (entry.last_stable_offset >= upper)
			return 1;
	}
	return 0;
}

/* Whether the file has lost its end: less than an entry, or zeros that a crash left. */
static bool lost_end(struct ls_segment *seg)
{
	return ls_index_file_tail(&seg->txn_index) >= (seg->read_only ? LS_TXN_ENTRY_SIZE : 1);
}

int ls_segment_collect_aborted(struct ls_segment *seg, int64_t from, int64_t upper,
                               struct ls_aborted_list *list, struct logstore_error *ret_error)
{
	uint64_t count = ls_index_file_count(&seg->txn_index);
	uint8_t bytes[READ_COUNT * LS_TXN_ENTRY_SIZE];
	char path[LS_PATH_MAX];

	ls_segment_path(seg, ".txnindex", path);
	for (uint64_t at = 0; at < count; at += READ_COUNT) {
		uint64_t n = count - at < READ_COUNT ? count - at : READ_COUNT;
		int r = ls_index_file_read(&seg->txn_index, at, n, bytes);

		if (r < 0)
			return ls_error_io(ret_error, r, "cannot read the transaction index", path);
		r = collect_entries(bytes, at, n, from, upper, list, path, ret_error);
		if (r != 0)
			return r;
	}
	if (lost_end(seg))
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, path,
		                  (int64_t)(count * LS_TXN_ENTRY_SIZE),
		                  "the transaction index does not end with a whole entry");
	return 0;
}
