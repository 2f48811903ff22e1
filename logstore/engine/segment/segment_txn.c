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

int ls_segment_collect_aborted(struct ls_segment *seg, int64_t from, int64_t upper, struct ls_aborted_list *list,
                               struct logstore_error *ret_error)
{
	uint64_t count = ls_index_file_count(&seg->txn_index);
	uint8_t bytes[READ_COUNT * LS_TXN_ENTRY_SIZE];
	char path[LS_PATH_MAX];

	for (uint64_t at = 0; at < count;) {
		uint64_t n = count - at < READ_COUNT ? count - at : READ_COUNT;
		int r = ls_index_file_read(&seg->txn_index, at, n, bytes);

		ls_segment_path(seg, ".txnindex", path);
		if (r < 0)
			return ls_error_io(ret_error, r, "cannot read the transaction index", path);
		for (uint64_t i = 0; i < n; i++) {
			struct logstore_txn_entry entry;

			r = ls_txn_entry_read(bytes + i * LS_TXN_ENTRY_SIZE, &entry, ret_error);
			if (r < 0)
				return ls_error_at(ret_error, r, path, (int64_t)((at + i) * LS_TXN_ENTRY_SIZE), -1);
			if (entry.last_offset >= from && entry.first_offset < upper) {
				r = add_aborted(list, &entry);
				if (r < 0)
					return r;
			}
			if (entry.last_stable_offset >= upper)
				return 1;
		}
		at += n;
	}
	return 0;
}
