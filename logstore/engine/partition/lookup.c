/*
 * Timestamps to offsets (ListOffsets) and leader epochs to end offsets (OffsetForLeaderEpoch), with
 * Kafka's answers, also where they surprise: the first segment whose largest timestamp is high enough is
 * the only one searched.
 */
#include <errno.h>

#include "base/error.h"
#include "base/mem.h"
#include "partition/append.h"
#include "partition/partition_internal.h"

static int32_t epoch_of(logstore_partition *part, int64_t offset)
{
	int32_t epoch;

	ls_mutex_lock(&part->state_lock);
	epoch = ls_epoch_cache_of_offset(&part->epochs, offset);
	ls_mutex_unlock(&part->state_lock);
	return epoch;
}

/* Largest timestamp of a segment; without one, when its file was last written. */
static int64_t largest_timestamp(struct ls_segment *seg)
{
	int64_t timestamp = atomic_load(&seg->max_timestamp);
	struct logstore_io_stat st;
	int fd;

	if (timestamp >= 0)
		return timestamp;
	fd = ls_segment_log_fd(seg);
	if (fd < 0 || seg->env->io->fstat(seg->env->io->ctx, fd, &st) < 0)
		return LOGSTORE_NO_TIMESTAMP;
	return st.mtime_ms;
}

/* What to look for in the records of a batch. */
struct target {
	int64_t timestamp;
	int64_t start_offset;
	bool exact; /* the first record that has the batch's maximum, for -3; else the first not below */
};

static int read_batch(logstore_partition *part, struct ls_segment *seg, uint64_t position,
                      const struct logstore_batch_info *info, struct ls_buf *buffer,
                      struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int r;

	ls_segment_path(seg, ".log", path);
	if (info->size > part->max_batch_bytes)
		return ls_corrupt(ret_error, LOGSTORE_E_LIMIT_EXCEEDED, path, (int64_t)position,
		                  "a batch of %u bytes is above max_batch_bytes", info->size);
	ls_buf_clear(buffer);
	r = ls_buf_reserve(buffer, info->size);
	if (r == 0)
		r = ls_segment_read(seg, position, buffer->data, info->size);
	if (r < 0)
		return ls_error_io(ret_error, r == -ENODATA ? -EIO : r, "cannot read a batch", path);
	buffer->size = info->size;
	return 0;
}

/* The record of one batch that answers the question. Returns 1, 0 if it has none, or an error. */
static int search_batch(logstore_partition *part, struct ls_segment *seg, uint64_t position,
                        const struct logstore_batch_info *info, const struct target *target,
                        struct ls_record_reader *reader, struct ls_buf *buffer,
                        struct logstore_timestamp_offset *found, struct logstore_error *ret_error)
{
	struct logstore_record record;
	char path[LS_PATH_MAX];
	int r;

	r = read_batch(part, seg, position, info, buffer, ret_error);
	if (r == 0)
		r = ls_record_reader_start(reader, buffer->data, buffer->size, ret_error);
	while (r >= 0 && (r = ls_record_reader_next(reader, &record, ret_error)) == 1) {
		bool match = target->exact ? record.timestamp == target->timestamp
		                           : record.timestamp >= target->timestamp;

		if (match && record.offset >= target->start_offset) {
			found->offset = record.offset;
			found->timestamp = record.timestamp;
			return 1;
		}
	}
	if (r < 0 && r != -ENOMEM) {
		ls_segment_path(seg, ".log", path);
		return ls_error_at(ret_error, r, path, (int64_t)position, info->base_offset);
	}
	return r;
}

static int search_segment(logstore_partition *part, struct ls_segment *seg, uint64_t end, const struct target *target,
                          struct logstore_timestamp_offset *found, struct logstore_error *ret_error)
{
	struct ls_append_scratch *scratch;
	struct logstore_batch_info info;
	struct ls_buf buffer;
	struct ls_walk walk;
	uint64_t position;
	int r;

	r = ls_segment_time_position(seg, target->timestamp, target->start_offset, end, &position, ret_error);
	if (r < 0)
		return r;
	r = ls_append_scratch_take(part, &scratch);
	if (r < 0)
		return r;
	ls_buf_init(&buffer, part->env);
	ls_walk_init(&walk, seg, position, end);
	while ((r = ls_walk_next(&walk, &info, &position, ret_error)) == 1) {
		/* Bit 3 or not, no record of a batch is later than the header says. */
		if (info.max_timestamp < target->timestamp || info.last_offset < target->start_offset)
			continue;
		/* Kafka finds no maximum among messages of magic 0, which have no times at all. */
		if (target->exact && (info.max_timestamp != target->timestamp || info.magic == 0))
			continue;
		r = search_batch(part, seg, position, &info, target, scratch->reader, &buffer, found, ret_error);
		if (r != 0)
			break;
	}
	ls_buf_fini(&buffer);
	ls_append_scratch_give(part, scratch);
	return r;
}

static int by_timestamp(logstore_partition *part, const struct ls_view *view, int64_t timestamp,
                        struct logstore_timestamp_offset *found, struct logstore_error *ret_error)
{
	struct target target = {.timestamp = timestamp, .start_offset = view->log_start};

	for (size_t i = 0; i < view->set->count; i++) {
		struct ls_segment *seg = view->set->segments[i];

		if (largest_timestamp(seg) >= timestamp)
			return search_segment(part, seg, ls_view_data_end(view, i), &target, found, ret_error);
	}
	return 0;
}

static int by_max_timestamp(logstore_partition *part, const struct ls_view *view,
                            struct logstore_timestamp_offset *found, struct logstore_error *ret_error)
{
	struct target target = {.exact = true, .start_offset = view->log_start, .timestamp = LOGSTORE_NO_TIMESTAMP};
	size_t best = 0;

	for (size_t i = 0; i < view->set->count; i++) {
		int64_t timestamp = atomic_load(&view->set->segments[i]->max_timestamp);

		if (timestamp > target.timestamp) {
			target.timestamp = timestamp;
			best = i;
		}
	}
	return search_segment(part, view->set->segments[best], ls_view_data_end(view, best), &target, found,
	                      ret_error);
}

static int lookup(logstore_partition *part, const struct ls_view *view, int64_t timestamp, int64_t bound,
                  struct logstore_timestamp_offset *found, struct logstore_error *ret_error)
{
	int r;

	found->timestamp = LOGSTORE_NO_TIMESTAMP;
	switch (timestamp) {
	case LOGSTORE_TIMESTAMP_LATEST:
		found->offset = bound;
		ls_mutex_lock(&part->state_lock);
		found->leader_epoch = ls_epoch_cache_latest(&part->epochs);
		ls_mutex_unlock(&part->state_lock);
		return 1;
	case LOGSTORE_TIMESTAMP_EARLIEST:
	case LOGSTORE_TIMESTAMP_EARLIEST_LOCAL:
		found->offset = view->log_start;
		found->leader_epoch = epoch_of(part, view->log_start);
		return 1;
	case LOGSTORE_TIMESTAMP_LATEST_TIERED:
	case LOGSTORE_TIMESTAMP_EARLIEST_PENDING_UPLOAD:
		found->offset = LOGSTORE_NO_OFFSET;
		found->leader_epoch = LOGSTORE_NO_EPOCH;
		return 1;
	case LOGSTORE_TIMESTAMP_MAX:
		r = by_max_timestamp(part, view, found, ret_error);
		break;
	default:
		if (timestamp < 0)
			return ls_error(ret_error, -EINVAL, "%s: timestamp %lld has no meaning", part->name,
			                (long long)timestamp);
		r = by_timestamp(part, view, timestamp, found, ret_error);
		break;
	}
	if (r == 1) {
		found->leader_epoch = epoch_of(part, found->offset);
		return found->offset < bound;
	}
	return r;
}

int ls_partition_offset_for_timestamp(logstore_partition *part, int64_t timestamp, enum logstore_isolation isolation,
                                      struct logstore_timestamp_offset *ret_found,
                                      struct logstore_error *ret_error)
{
	struct logstore_timestamp_offset found = {0};
	struct ls_view view;
	bool again;
	int r;

	do {
		ls_view_get(part, &view);
		r = lookup(part, &view, timestamp, ls_view_bound(&view, isolation), &found, ret_error);
		/* An answer too may come from bytes that were cut and written anew under the search. */
		again = ls_view_is_cut(part, &view);
		/* The largest timestamp may be of an append that is past this view: take a newer one. */
		if (r == 0 && timestamp == LOGSTORE_TIMESTAMP_MAX)
			again = again || ls_view_has_grown(part, &view);
		ls_view_put(&view);
	} while (again);
	if (r == 1)
		*ret_found = found;
	return ls_partition_answer(part, r, ret_error);
}

void ls_partition_end_offset_for_epoch(logstore_partition *part, int32_t epoch, int32_t *ret_epoch,
                                       int64_t *ret_end_offset)
{
	struct ls_view view;

	ls_view_get(part, &view);
	ls_mutex_lock(&part->state_lock);
	ls_epoch_cache_end_offset(&part->epochs, epoch, view.log_end, ret_epoch, ret_end_offset);
	ls_mutex_unlock(&part->state_lock);
	ls_view_put(&view);
}
