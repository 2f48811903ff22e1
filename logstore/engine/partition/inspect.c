/*
 * Looking inside an open partition: segments, index entries, producers, epochs. Callbacks run without any
 * lock held, on copies.
 */
#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "partition/partition_internal.h"
#include "segment/entries.h"

static void fill_segment(const struct ls_view *view, size_t i, struct logstore_segment_info *info)
{
	struct ls_segment *seg = view->set->segments[i];
	struct logstore_io_stat st;
	char path[LS_PATH_MAX];
	int fd = ls_segment_log_fd(seg);

	*info = (struct logstore_segment_info){
		.base_offset = seg->base,
		.active = i + 1 == view->set->count,
		.size = ls_view_data_end(view, i),
		.index_entries = ls_index_file_count(&seg->offset_index),
		.time_index_entries = ls_index_file_count(&seg->time_index),
		.txn_index_entries = ls_index_file_count(&seg->txn_index),
		.largest_timestamp = atomic_load(&seg->max_timestamp),
	};
	info->next_offset = info->active ? view->log_end : view->set->segments[i + 1]->base;
	if (fd >= 0 && seg->env->io->fstat(seg->env->io->ctx, fd, &st) == 0)
		info->mtime_ms = st.mtime_ms;
	ls_segment_path(seg, ".log", path);
	(void)snprintf(info->path, sizeof info->path, "%.*s", (int)sizeof info->path - 1, path);
}

int ls_partition_inspect_segments(logstore_partition *part, logstore_segment_fn fn, void *arg,
                                  struct logstore_error *ret_error)
{
	struct ls_view view;
	int r = 0;

	(void)ret_error;
	ls_view_get(part, &view);
	for (size_t i = 0; i < view.set->count && r == 0; i++) {
		struct logstore_segment_info info;

		fill_segment(&view, i, &info);
		r = fn(arg, &info);
	}
	ls_view_put(&view);
	return r;
}

static int walk_index(struct ls_segment *seg, struct ls_index_file *index, enum logstore_file_kind kind,
                      const char *ending, logstore_file_entry_fn fn, void *arg, struct logstore_error *ret_error)
{
	uint64_t count = ls_index_file_count(index);
	uint8_t bytes[LS_INDEX_ENTRY_MAX];
	char path[LS_PATH_MAX];
	int r = 0;

	ls_segment_path(seg, ending, path);
	for (uint64_t at = 0; at < count && r == 0; at++) {
		struct logstore_file_entry entry = {.position = at * index->entry_size};

		r = ls_index_file_get(index, at, bytes);
		if (r < 0)
			return ls_error_io(ret_error, r, "cannot read", path);
		r = ls_file_entry_decode(kind, seg->base, bytes, &entry, ret_error);
		if (r < 0)
			return ls_error_at(ret_error, r, path, (int64_t)entry.position, -1);
		r = fn(arg, &entry);
	}
	return r;
}

int ls_partition_inspect_index(logstore_partition *part, int64_t segment_base, enum logstore_file_kind kind,
                               logstore_file_entry_fn fn, void *arg, struct logstore_error *ret_error)
{
	struct ls_view view;
	ptrdiff_t i;
	int r;

	ls_view_get(part, &view);
	i = ls_segment_set_find(view.set, segment_base);
	if (i < 0 || view.set->segments[i]->base != segment_base) {
		r = ls_error(ret_error, LOGSTORE_E_OFFSET_OUT_OF_RANGE, "%s has no segment %lld", part->name,
		             (long long)segment_base);
	} else {
		struct ls_segment *seg = view.set->segments[i];

		if (kind == LOGSTORE_FILE_OFFSET_INDEX)
			r = walk_index(seg, &seg->offset_index, kind, ".index", fn, arg, ret_error);
		else if (kind == LOGSTORE_FILE_TIME_INDEX)
			r = walk_index(seg, &seg->time_index, kind, ".timeindex", fn, arg, ret_error);
		else
			r = walk_index(seg, &seg->txn_index, kind, ".txnindex", fn, arg, ret_error);
	}
	ls_view_put(&view);
	return r;
}

int ls_partition_inspect_producers(logstore_partition *part, logstore_producer_fn fn, void *arg,
                                   struct logstore_error *ret_error)
{
	struct logstore_producer_info *producers;
	size_t count;
	int r = 0;

	ls_mutex_lock(&part->state_lock);
	count = ls_producer_state_count(part->producers);
	producers = ls_calloc(part->env, count ? count : 1, sizeof *producers);
	if (producers)
		ls_producer_state_list(part->producers, producers);
	ls_mutex_unlock(&part->state_lock);
	if (!producers)
		return ls_partition_answer(part, -ENOMEM, ret_error);
	for (size_t i = 0; i < count && r == 0; i++)
		r = fn(arg, &producers[i]);
	(void)ls_free(part->env, producers);
	return r;
}

int ls_partition_inspect_epochs(logstore_partition *part, logstore_epoch_fn fn, void *arg,
                                struct logstore_error *ret_error)
{
	struct ls_epoch_cache epochs;
	int r;

	ls_mutex_lock(&part->state_lock);
	r = ls_epoch_cache_copy(&part->epochs, &epochs);
	ls_mutex_unlock(&part->state_lock);
	if (r < 0)
		return ls_partition_answer(part, r, ret_error);
	for (size_t i = 0; r == 0 && i < epochs.count; i++)
		r = fn(arg, epochs.entries[i].epoch, epochs.entries[i].start_offset);
	ls_epoch_cache_fini(&epochs);
	return r;
}
