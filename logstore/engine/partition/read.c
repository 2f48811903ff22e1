/*
 * From an offset to a slice: which segment, which position, how many bytes, and for read_committed which
 * transactions to leave out. Readers take one copy of the view and work on it; they wait for nobody.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "partition/partition_internal.h"

/* Where a read of segment i must end so that nothing at or above the bound is served. */
static int limit_position(const struct ls_view *view, size_t i, int64_t bound, uint64_t *ret_limit,
                          struct logstore_error *ret_error)
{
	struct ls_segment *seg = view->set->segments[i];
	struct logstore_batch_info info;
	uint64_t end = ls_view_data_end(view, i), position;
	int r;

	if (bound >= view->log_end || (i + 1 < view->set->count && bound >= view->set->segments[i + 1]->base)) {
		*ret_limit = end;
		return 0;
	}
	r = ls_segment_find(seg, bound, end, &info, &position, ret_error);
	if (r < 0)
		return r;
	*ret_limit = r == 1 ? position : end;
	return 0;
}

/* The first batch at or after an offset, in this segment or a later one. Returns 1, 0 at the log end, or an error. */
static int find_batch(const struct ls_view *view, int64_t offset, const struct ls_read_hint *hint,
                      size_t *ret_segment, uint64_t *ret_position, struct logstore_batch_info *ret_info,
                      struct logstore_error *ret_error)
{
	ptrdiff_t first = ls_segment_set_find(view->set, offset);

	for (size_t i = first < 0 ? 0 : (size_t)first; i < view->set->count; i++) {
		struct ls_segment *seg = view->set->segments[i];
		uint64_t end = ls_view_data_end(view, i);
		int r;

		if (hint->cuts == view->cuts && hint->segment_base == seg->base)
			r = ls_segment_find_from(seg, hint->position, offset, end, ret_info, ret_position, ret_error);
		else
			r = ls_segment_find(seg, offset, end, ret_info, ret_position, ret_error);

		if (r != 0) {
			*ret_segment = i;
			return r;
		}
	}
	return 0;
}

static int collect_aborted(const struct ls_view *view, size_t i, uint64_t end_position, int64_t from,
                           struct ls_aborted_list *list, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int64_t upper;
	int r;

	r = ls_segment_upper_bound(view->set->segments[i], end_position, &upper);
	if (r < 0) {
		ls_segment_path(view->set->segments[i], ".index", path);
		return ls_error_io(ret_error, r, "cannot read an index entry", path);
	}
	if (r == 0)
		upper = i + 1 < view->set->count ? view->set->segments[i + 1]->base : view->log_end;
	for (r = 0; r == 0 && i < view->set->count; i++)
		r = ls_segment_collect_aborted(view->set->segments[i], from, upper, list, ret_error);
	return r < 0 ? r : 0;
}

static uint64_t slice_size(const struct logstore_read_options *options, uint64_t position, uint64_t limit,
                           const struct logstore_batch_info *first)
{
	uint64_t size = options->max_bytes;

	if (options->at_least_one_batch && size < first->size)
		size = first->size;
	if (limit <= position)
		return 0;
	return size < limit - position ? size : limit - position;
}

/* An empty slice. Its position is that of the offset, or the end of the data, as Kafka answers. */
static void empty_at(const struct ls_view *view, size_t i, uint64_t position, struct logstore_slice *slice)
{
	slice->segment_base = view->set->segments[i]->base;
	slice->position = position;
	slice->size = 0;
}

static int fill_slice(const struct ls_view *view, int64_t offset, int64_t bound,
                      const struct ls_read_hint *hint, const struct logstore_read_options *options,
                      struct ls_aborted_list *aborted, struct logstore_slice *slice,
                      struct logstore_error *ret_error)
{
	struct logstore_batch_info first;
	uint64_t position, limit = 0;
	struct ls_segment *seg;
	size_t i = view->set->count - 1;
	int r;

	r = offset < view->log_end ? find_batch(view, offset, hint, &i, &position, &first, ret_error) : 0;
	if (r < 0)
		return r;
	if (r == 0) {
		empty_at(view, view->set->count - 1, view->end_position, slice);
		return 0;
	}
	if (offset >= bound) {
		empty_at(view, i, position, slice);
		return 0;
	}
	r = limit_position(view, i, bound, &limit, ret_error);
	if (r < 0)
		return r;
	seg = view->set->segments[i];
	slice->segment_base = seg->base;
	slice->position = position;
	slice->size = slice_size(options, position, limit, &first);
	slice->first_batch_incomplete = slice->size > 0 && slice->size < first.size;
	slice->generation = atomic_load(&seg->generation);
	if (options->isolation == LOGSTORE_READ_COMMITTED) {
		r = collect_aborted(view, i, position + slice->size, offset, aborted, ret_error);
		if (r < 0)
			return r;
	}
	slice->pin = ls_segment_pin(seg);
	return 0;
}

static int out_of_range(logstore_partition *part, const struct ls_view *view, int64_t offset,
                        struct logstore_error *ret_error)
{
	if (offset > view->log_end)
		(void)ls_error(ret_error, LOGSTORE_E_OFFSET_OUT_OF_RANGE,
		               "Received request for offset %lld for partition %s, but we only have log segments upto "
		               "%lld.", (long long)offset, part->name, (long long)view->log_end);
	else
		(void)ls_error(ret_error, LOGSTORE_E_OFFSET_OUT_OF_RANGE,
		               "Received request for offset %lld for partition %s, but we only have log segments "
		               "starting from offset: %lld.", (long long)offset, part->name,
		               (long long)view->log_start);
	if (ret_error)
		ret_error->offset = offset;
	return LOGSTORE_E_OFFSET_OUT_OF_RANGE;
}

/* One attempt, on one view. */
static int read_view(logstore_partition *part, const struct ls_view *view, int64_t offset,
                     const struct ls_read_hint *hint, const struct logstore_read_options *options,
                     struct logstore_slice *ret_slice, struct logstore_error *ret_error)
{
	struct ls_aborted_list aborted = {.env = part->env};
	struct logstore_slice slice = {0};
	int r = 0;

	if (offset < view->log_start || offset > view->log_end)
		r = out_of_range(part, view, offset, ret_error);
	if (r == 0)
		r = fill_slice(view, offset, ls_view_bound(view, options->isolation), hint, options, &aborted, &slice,
		               ret_error);
	if (r < 0) {
		(void)ls_free(part->env, aborted.items);
		return r;
	}
	slice.log_start = view->log_start;
	slice.log_end = view->log_end;
	slice.high_watermark = view->high_watermark;
	slice.last_stable = view->last_stable;
	slice.aborted = aborted.items;
	slice.aborted_count = aborted.count;
	slice.owner = part;
	*ret_slice = slice;
	return 0;
}

/* Frees what a slice holds. The API hands the list out as const; it is this file's to free. */
static void drop_range(const logstore_partition *part, struct logstore_slice *slice)
{
	(void)ls_free(part->env, (void *)(uintptr_t)slice->aborted);
	(void)ls_segment_unpin(slice->pin);
}

int ls_partition_read_on(logstore_partition *part, int64_t offset, struct ls_read_hint *hint,
                         const struct logstore_read_options *options, struct logstore_slice *ret_slice,
                         struct logstore_error *ret_error)
{
	struct logstore_slice slice;
	struct ls_view view;
	bool again;
	int r;

	do {
		ls_view_get(part, &view);
		r = read_view(part, &view, offset, hint, options, &slice, ret_error);
		hint->cuts = view.cuts;
		/*
		 * Also after success: the range was bounded by a view from before the cut, but carries the
		 * generation from after it, so slice_read would not notice that other bytes are there by now.
		 */
		again = ls_view_is_cut(part, &view);
		if (again && r == 0)
			drop_range(part, &slice);
		ls_view_put(&view);
	} while (again);
	if (r < 0)
		return ls_partition_answer(part, r, ret_error);
	atomic_fetch_add(&part->pins, 1);
	*ret_slice = slice;
	return 0;
}

int ls_partition_read(logstore_partition *part, int64_t offset, const struct logstore_read_options *options,
                      struct logstore_slice *ret_slice, struct logstore_error *ret_error)
{
	struct ls_read_hint none = {.cuts = UINT64_MAX};

	return ls_partition_read_on(part, offset, &none, options, ret_slice, ret_error);
}

int ls_slice_read(const struct logstore_slice *slice, uint64_t at, void *buffer, size_t size, size_t *ret_size,
                  struct logstore_error *ret_error)
{
	const logstore_partition *part = slice->owner;
	struct ls_segment *seg = slice->pin;
	char path[LS_PATH_MAX];
	int r;

	if (at > slice->size)
		return ls_error(ret_error, -EINVAL, "byte %llu is past the end of the slice", (unsigned long long)at);
	if (size > slice->size - at)
		size = (size_t)(slice->size - at);
	if (size == 0) {
		*ret_size = 0;
		return 0;
	}
	r = ls_segment_read(seg, slice->position + at, buffer, size);
	/* Looked at after the read: bytes of a cut file may have been read in between. */
	if (atomic_load(&seg->generation) != slice->generation)
		return ls_error(ret_error, LOGSTORE_E_STALE, "%s: the bytes were truncated meanwhile", part->name);
	if (r < 0) {
		ls_segment_path(seg, ".log", path);
		return ls_error_io(ret_error, r == -ENODATA ? -EIO : r, "cannot read", path);
	}
	*ret_size = size;
	return 0;
}

void ls_slice_release(struct logstore_slice *slice)
{
	logstore_partition *part = slice->owner;

	if (part) {
		drop_range(part, slice);
		atomic_fetch_sub(&part->pins, 1);
	}
	*slice = (struct logstore_slice){0};
}
