/*
 * Walking batch headers. One read of 4 KiB usually holds many headers of small batches, or one header of
 * a large one; what lies between headers is not read.
 */
#include <errno.h>

#include "base/error.h"
#include "format/batch.h"
#include "segment/segment.h"

void ls_walk_init(struct ls_walk *walk, struct ls_segment *seg, uint64_t position, uint64_t end)
{
	walk->seg = seg;
	walk->position = position;
	walk->end = end;
	walk->buffer_position = 0;
	walk->buffer_size = 0;
}

/* Makes `need` bytes at the current position available, fewer if the walk ends before. */
static int fill(struct ls_walk *walk, size_t need, const uint8_t **ret_bytes, size_t *ret_size)
{
	uint64_t left = walk->end - walk->position;
	uint64_t at = walk->position - walk->buffer_position;

	if (need > left)
		need = (size_t)left;
	if (walk->position < walk->buffer_position || at > walk->buffer_size ||
	    need > walk->buffer_size - at) {
		size_t size = left < sizeof walk->buffer ? (size_t)left : sizeof walk->buffer;
		int r;

		walk->buffer_size = 0;
		r = ls_segment_read(walk->seg, walk->position, walk->buffer, size);
		if (r < 0)
			return r;
		walk->buffer_position = walk->position;
		walk->buffer_size = size;
		at = 0;
	}
	*ret_bytes = walk->buffer + at;
	*ret_size = walk->buffer_size - (size_t)at;
	return 0;
}

/* The path is made here, on the way out: a walk passes many headers for one that is damaged. */
static int damaged(const struct ls_walk *walk, int code, const struct logstore_batch_info *info,
                   struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	ls_segment_path(walk->seg, ".log", path);
	if (code == -ENODATA)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, path, (int64_t)walk->position,
		                  "the file ends inside the header of a batch");
	if (code == 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, path, (int64_t)walk->position,
		                  "a batch of %u bytes runs past the end of the data at %llu", info->size,
		                  (unsigned long long)walk->end);
	if (ret_error)
		ret_error->position = (int64_t)walk->position;
	return ls_error_at(ret_error, code, path, (int64_t)walk->position, -1);
}

static int unreadable(const struct ls_walk *walk, int code, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	ls_segment_path(walk->seg, ".log", path);
	return ls_error_io(ret_error, code, "cannot read a batch header", path);
}

int ls_walk_next(struct ls_walk *walk, struct logstore_batch_info *ret_info, uint64_t *ret_position,
                 struct logstore_error *ret_error)
{
	struct logstore_batch_info info;
	const uint8_t *bytes;
	size_t size;
	int r;

	if (walk->position >= walk->end)
		return 0;
	r = fill(walk, LS_BATCH_HEADER_SIZE, &bytes, &size);
	if (r < 0)
		return unreadable(walk, r, ret_error);
	r = ls_batch_info(bytes, size, &info, ret_error);
	if (r < 0 || info.size > walk->end - walk->position)
		return damaged(walk, r, &info, ret_error);
	*ret_info = info;
	*ret_position = walk->position;
	walk->position += info.size;
	return 1;
}
