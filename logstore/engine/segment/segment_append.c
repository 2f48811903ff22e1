/*
 * Writing to the active segment. The partition decides what and when; here bytes go to the file, index
 * entries to their buffers, and the new end is published last.
 *
 * Index entries follow Kafka's rule (since 4.0 also within one append): before a batch is counted, if more
 * than index.interval.bytes came since the last entry, one is made for this batch.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/error.h"
#include "segment/segment.h"

int ls_segment_reserve(struct ls_segment *seg, uint32_t count)
{
	int r = ls_index_file_reserve(&seg->offset_index, count);

	/* One more for the closing entry. */
	return r < 0 ? r : ls_index_file_reserve(&seg->time_index, count + 1);
}

int ls_segment_write(struct ls_segment *seg, const struct logstore_iovec *iov, unsigned count,
                     uint64_t position)
{
	int fd = ls_segment_log_fd(seg);

	LS_ASSERT(!seg->read_only);
	LS_ASSERT(position >= atomic_load(&seg->size)); /* S3 */
	if (fd < 0)
		return fd;
	return ls_io_writev_full(seg->env->io, fd, iov, count, position);
}

int ls_segment_cut_back(struct ls_segment *seg)
{
	int fd = ls_segment_log_fd(seg);

	return fd < 0 ? fd : seg->env->io->truncate(seg->env->io->ctx, fd, atomic_load(&seg->size));
}

static void add_time_entry(struct ls_segment *seg)
{
	struct ls_time_entry entry = {
		.timestamp = atomic_load(&seg->max_timestamp),
		.offset = seg->max_timestamp_offset,
	};
	uint8_t bytes[LS_TIME_ENTRY_SIZE];

	if (entry.timestamp <= seg->last_time_entry)
		return;
	ls_time_entry_write(bytes, seg->base, &entry);
	ls_index_file_append(&seg->time_index, bytes);
	seg->last_time_entry = entry.timestamp;
}

void ls_segment_note_batch(struct ls_segment *seg, const struct logstore_batch_info *info, uint64_t position,
                           const struct ls_log_config *config)
{
	LS_ASSERT(info->last_offset >= seg->base && info->last_offset - seg->base <= INT32_MAX);
	if (!seg->first_batch_known && position == 0) {
		seg->first_batch_timestamp = info->max_timestamp;
		seg->first_batch_known = true;
	}
	if (info->max_timestamp > atomic_load(&seg->max_timestamp)) {
		atomic_store(&seg->max_timestamp, info->max_timestamp);
		seg->max_timestamp_offset = info->last_offset;
	}
	if (seg->bytes_since_entry > config->index_interval_bytes) {
		struct ls_offset_entry entry = {.offset = info->last_offset, .position = (uint32_t)position};
		uint8_t bytes[LS_OFFSET_ENTRY_SIZE];

		ls_offset_entry_write(bytes, seg->base, &entry);
		ls_index_file_append(&seg->offset_index, bytes);
		add_time_entry(seg);
		seg->bytes_since_entry = 0;
	}
	seg->bytes_since_entry += info->size;
}

void ls_segment_publish(struct ls_segment *seg, uint64_t size)
{
	LS_ASSERT(size >= atomic_load(&seg->size)); /* S1 */
	atomic_store(&seg->size, size);
}

void ls_segment_close_time_index(struct ls_segment *seg)
{
	add_time_entry(seg);
}

/* maxTimestamp of the first batch, read once. Returns 0 or a negative code. */
static int know_first_batch(struct ls_segment *seg, struct logstore_error *ret_error)
{
	struct logstore_batch_info info;
	struct ls_walk walk;
	uint64_t position;
	int r;

	if (seg->first_batch_known || atomic_load(&seg->size) == 0)
		return 0;
	ls_walk_init(&walk, seg, 0, atomic_load(&seg->size));
	r = ls_walk_next(&walk, &info, &position, ret_error);
	if (r < 0)
		return r;
	LS_ASSERT(r == 1);
	seg->first_batch_timestamp = info.max_timestamp;
	seg->first_batch_known = true;
	return 0;
}

/* How long the segment has been collecting, as Kafka counts it: in record time if it has any. */
static int64_t waited_ms(const struct ls_segment *seg, const struct ls_roll_question *question)
{
	int64_t from = seg->created_ms, to = question->now_ms, waited;

	if (seg->first_batch_known && seg->first_batch_timestamp >= 0) {
		from = seg->first_batch_timestamp;
		to = question->append_max_timestamp;
	}
	return __builtin_sub_overflow(to, from, &waited) ? INT64_MIN : waited;
}

static int64_t roll_age_ms(const struct ls_segment *seg, const struct ls_log_config *config)
{
	int64_t age = config->segment_ms;

	if ((config->cleanup_policy & LS_CLEANUP_COMPACT) && config->max_compaction_lag_ms < age)
		age = config->max_compaction_lag_ms;
	return age - seg->roll_jitter_ms;
}

static bool index_full(struct ls_segment *seg, const struct ls_log_config *config)
{
	uint64_t offset_capacity = (uint64_t)config->segment_index_bytes / LS_OFFSET_ENTRY_SIZE;
	uint64_t time_capacity = (uint64_t)config->segment_index_bytes / LS_TIME_ENTRY_SIZE;

	/* One slot of the time index is kept for the closing entry. */
	return ls_index_file_count(&seg->offset_index) >= offset_capacity ||
	       ls_index_file_count(&seg->time_index) + 1 >= time_capacity;
}

int ls_segment_should_roll(struct ls_segment *seg, const struct ls_log_config *config,
                           const struct ls_roll_question *question, struct logstore_error *ret_error)
{
	uint64_t size = atomic_load(&seg->size);
	uint64_t limit = (uint64_t)config->segment_bytes;
	int r;

	if (question->append_last_offset < seg->base || question->append_last_offset - seg->base > INT32_MAX)
		return 1; /* also of an empty segment: its base cannot reach the offset */
	if (question->append_bytes > limit || size > limit - question->append_bytes)
		return size > 0;
	if (size > LS_SEGMENT_MAX_SIZE - question->append_bytes)
		return 1;
	if (size == 0)
		return 0; /* nothing is gained by a new empty one, not even if its index has no room at all */
	if (index_full(seg, config))
		return 1;
	r = know_first_batch(seg, ret_error);
	if (r < 0)
		return r;
	return waited_ms(seg, question) > roll_age_ms(seg, config);
}
