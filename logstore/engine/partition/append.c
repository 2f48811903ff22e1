/*
 * The append path.
 *
 * Happy path: validate and plan (no lock) -> under the append lock: assign offsets, judge producers, make
 * room for everything that follows, roll if due, record a new leader epoch, one gathered write, transaction
 * index, then commit producers and publish the new end.
 *
 * Every check and every allocation comes before the first effect, so a refused append changes nothing.
 * After a failed write the file is cut back to the published end: no space is then an ordinary answer
 * (FULL), anything else, and a cut that fails, takes the partition offline.
 */
#include "partition/append.h"

#include <errno.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/control.h"
#include "partition/partition_internal.h"

/* ---- scratch ------------------------------------------------------------------------------------------- */

static void free_scratch(logstore_partition *part, struct ls_append_scratch *scratch)
{
	ls_plan_fini(&scratch->plan);
	scratch->producers.state = part->producers; /* the one it was made for may have been replaced */
	ls_producer_append_fini(&scratch->producers);
	(void)ls_record_reader_free(scratch->reader);
	(void)ls_batch_builder_free(scratch->builder);
	(void)ls_batch_builder_free(scratch->input_builder);
	(void)ls_free(part->env, scratch);
}

int ls_append_scratch_take(logstore_partition *part, struct ls_append_scratch **ret_scratch)
{
	struct ls_append_scratch *scratch;
	int r;

	ls_mutex_lock(&part->scratch_lock);
	scratch = part->scratch;
	if (scratch)
		part->scratch = scratch->next;
	ls_mutex_unlock(&part->scratch_lock);
	if (!scratch) {
		scratch = ls_calloc(part->env, 1, sizeof *scratch);
		if (!scratch)
			return -ENOMEM;
		ls_plan_init(&scratch->plan, part->env);
		ls_producer_append_init(&scratch->producers, NULL); /* bound to the state under its lock */
		r = ls_record_reader_new(part->env, part->max_decompressed_bytes, &scratch->reader);
		if (r == 0)
			r = ls_batch_builder_new(part->env, &scratch->builder);
		if (r == 0)
			r = ls_batch_builder_new(part->env, &scratch->input_builder);
		if (r < 0) {
			free_scratch(part, scratch);
			return r;
		}
	}
	ls_plan_reset(&scratch->plan);
	ls_producer_append_reset(&scratch->producers);
	*ret_scratch = scratch;
	return 0;
}

void ls_append_scratch_give(logstore_partition *part, struct ls_append_scratch *scratch)
{
	ls_mutex_lock(&part->scratch_lock);
	scratch->next = part->scratch;
	part->scratch = scratch;
	ls_mutex_unlock(&part->scratch_lock);
}

void ls_append_scratch_free_all(logstore_partition *part)
{
	while (part->scratch) {
		struct ls_append_scratch *scratch = part->scratch;

		part->scratch = scratch->next;
		free_scratch(part, scratch);
	}
}

/* ---- under the lock ------------------------------------------------------------------------------------ */

struct append {
	logstore_partition *part;
	const struct logstore_append_options *options;
	enum logstore_origin origin;
	struct ls_plan *plan;
	struct ls_producer_append *producers;
	int32_t leader_epoch;          /* stamped on assigned batches */
	struct ls_epoch_cache epochs;  /* the table after the append, if it changes */
	bool epochs_changed;
	struct ls_view view;           /* taken at the start, then brought forward */
};

/* Judges all batches. Returns 0, 1 for a duplicate, or an error. */
static int judge_producers(struct append *a, struct ls_producer_duplicate *ret_duplicate,
                           struct logstore_error *ret_error)
{
	logstore_partition *part = a->part;
	int r = 0;

	ls_mutex_lock(&part->state_lock);
	a->producers->state = part->producers; /* a truncation puts a new one in its place */
	for (size_t i = 0; i < a->plan->count && r == 0; i++) {
		const struct ls_planned_batch *planned = &a->plan->batches[i];

		if (planned->info.producer_id < 0)
			continue;
		/*
		 * Kafka holds data of a version 2 transaction to sequence 0 for a new producer only while it
		 * verifies the transaction with its coordinator; that is the host's business here.
		 */
		r = ls_producer_append_batch(a->producers, &planned->info,
		                             planned->is_control ? &planned->control : NULL, a->origin,
		                             planned->is_control ? a->options->transaction_version : 0, part->name,
		                             ret_duplicate, ret_error);
		if (r < 0 && r != -ENOMEM && ret_error && ret_error->offset < 0)
			ret_error->offset = planned->info.base_offset;
	}
	if (r == 0)
		r = ls_producer_append_prepare(a->producers);
	ls_mutex_unlock(&part->state_lock);
	return r;
}

/* The epoch table as it will be. A batch without an epoch leaves it alone. */
static int plan_epochs(struct append *a, struct logstore_error *ret_error)
{
	logstore_partition *part = a->part;
	bool change = false;
	int r = 0;

	/* Nobody else changes the table while the append lock is held. */
	for (size_t i = 0; i < a->plan->count && !change; i++) {
		const struct logstore_batch_info *info = &a->plan->batches[i].info;

		change = info->leader_epoch >= 0 &&
		         ls_epoch_cache_would_assign(&part->epochs, info->leader_epoch, info->base_offset);
	}
	if (!change)
		return 0;
	r = ls_epoch_cache_copy(&part->epochs, &a->epochs);
	for (size_t i = 0; i < a->plan->count && r >= 0; i++) {
		const struct logstore_batch_info *info = &a->plan->batches[i].info;

		if (info->leader_epoch < 0)
			continue;
		/* A follower takes what its leader has, also where that corrects what it knew. */
		if (info->leader_epoch < ls_epoch_cache_latest(&a->epochs) && a->origin != LOGSTORE_ORIGIN_REPLICATION)
			r = ls_error(ret_error, LOGSTORE_E_FENCED_LEADER_EPOCH,
			             "%s: leader epoch %d of the append is below the latest, %d", part->name,
			             info->leader_epoch, ls_epoch_cache_latest(&a->epochs));
		else
			r = ls_epoch_cache_assign(&a->epochs, info->leader_epoch, info->base_offset);
	}
	a->epochs_changed = r >= 0;
	return r < 0 ? r : 0;
}

static int commit_epochs(struct append *a, struct logstore_error *ret_error)
{
	logstore_partition *part = a->part;
	struct ls_epoch_cache old;
	int r;

	if (!a->epochs_changed)
		return 0;
	r = ls_partition_write_epochs(part, &a->epochs, ret_error);
	if (r < 0)
		return r;
	ls_mutex_lock(&part->state_lock);
	old = part->epochs;
	part->epochs = a->epochs;
	a->epochs = old;
	ls_mutex_unlock(&part->state_lock);
	return 0;
}

static int roll_if_due(struct append *a, struct logstore_error *ret_error)
{
	const struct ls_plan *plan = a->plan;
	const struct logstore_batch_info *first = &plan->batches[0].info;
	struct ls_roll_question question = {
		.append_bytes = plan->bytes,
		.append_max_timestamp = plan->max_timestamp,
		.append_last_offset = plan->batches[plan->count - 1].info.last_offset,
		.now_ms = ls_now_ms(a->part->env),
	};
	int64_t base = a->view.log_end;
	int r;

	r = ls_segment_should_roll(ls_view_active(&a->view), &a->part->config, &question, ret_error);
	if (r <= 0)
		return r;
	if (first->base_offset > base)
		base = first->base_offset;
	ls_view_put(&a->view);
	r = ls_partition_roll_at(a->part, base, ret_error);
	ls_view_get(a->part, &a->view);
	return r;
}

/* An append must fit one segment: its positions are int32 and its offsets lie within 2^31-1 of the base. */
static int check_extent(const struct append *a, struct logstore_error *ret_error)
{
	const struct ls_plan *plan = a->plan;
	int64_t first = plan->batches[0].info.base_offset, last = plan->batches[plan->count - 1].info.last_offset;

	if (plan->bytes > LS_SEGMENT_MAX_SIZE ||
	    (a->origin != LOGSTORE_ORIGIN_REPLICATION && (int64_t)plan->bytes > a->part->config.segment_bytes))
		return ls_error(ret_error, LOGSTORE_E_RECORD_LIST_TOO_LARGE,
		                "Message batch size is %llu bytes in append to partition %s, which exceeds the maximum "
		                "configured segment size of %lld.", (unsigned long long)plan->bytes, a->part->name,
		                (long long)a->part->config.segment_bytes);
	if (last - first > INT32_MAX)
		return ls_error(ret_error, LOGSTORE_E_UNEXPECTED_OFFSET,
		                "%s: one append spans %lld offsets; append the batches one by one", a->part->name,
		                (long long)(last - first));
	return 0;
}

/* Up to this many batches leave in one vectored write. */
#define BATCHES_PER_WRITE 32u

static int write_batches(struct append *a, struct ls_segment *seg, uint64_t position)
{
	struct logstore_iovec iov[2 * BATCHES_PER_WRITE];
	const struct ls_plan *plan = a->plan;

	for (size_t i = 0; i < plan->count;) {
		unsigned n = 0;
		uint64_t bytes = 0;
		int r;

		for (; i < plan->count && n < 2 * BATCHES_PER_WRITE; i++) {
			const struct ls_planned_batch *planned = &plan->batches[i];

			iov[n++] = (struct logstore_iovec){planned->header, LS_BATCH_HEADER_SIZE};
			if (planned->payload_size > 0)
				iov[n++] = (struct logstore_iovec){planned->payload, planned->payload_size};
			bytes += planned->info.size;
			if (n + 2 > 2 * BATCHES_PER_WRITE) {
				i++;
				break;
			}
		}
		r = ls_segment_write(seg, iov, n, position);
		if (r < 0)
			return r;
		position += bytes;
	}
	return 0;
}

static int write_aborted(struct append *a, struct ls_segment *seg, uint64_t *ret_written)
{
	const struct ls_producer_append *producers = a->producers;

	for (size_t i = 0; i < producers->completed_count; i++) {
		const struct ls_completed_txn *txn = &producers->completed[i];
		struct logstore_txn_entry entry = {
			.version = LS_TXN_ENTRY_VERSION,
			.producer_id = txn->producer_id,
			.first_offset = txn->first_offset,
			.last_offset = txn->last_offset,
			.last_stable_offset = txn->last_stable_offset,
		};
		int r;

		if (!txn->aborted)
			continue;
		if (ls_index_file_count(&seg->txn_index) == 0)
			atomic_store(&a->part->directory_dirty, true); /* the file may be made now */
		r = ls_segment_append_txn(seg, &entry);
		if (r < 0)
			return r;
		++*ret_written;
	}
	return 0;
}

static bool is_no_space(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -EFBIG || code == LOGSTORE_E_FULL;
}

/* Data, then evidence. On failure both are as before, or the partition is offline. */
static int write_all(struct append *a, struct ls_segment *seg, struct logstore_error *ret_error)
{
	uint64_t position = atomic_load(&seg->size), txns = 0;
	char path[LS_PATH_MAX];
	int r, undo;

	r = write_batches(a, seg, position);
	if (r == 0)
		r = write_aborted(a, seg, &txns);
	if (r == 0)
		return 0;
	ls_segment_path(seg, ".log", path);
	undo = ls_segment_undo_txn(seg, txns);
	if (undo == 0)
		undo = ls_segment_cut_back(seg);
	if (undo < 0)
		return ls_partition_go_offline(a->part, undo, "taking back a failed write to", path, ret_error);
	if (!is_no_space(r) && r != -ENOMEM)
		return ls_partition_go_offline(a->part, r, "writing", path, ret_error);
	return ls_error_io(ret_error, r, "cannot append", path);
}

static void commit(struct append *a, struct ls_segment *seg)
{
	logstore_partition *part = a->part;
	uint64_t position = atomic_load(&seg->size);

	for (size_t i = 0; i < a->plan->count; i++) {
		const struct logstore_batch_info *info = &a->plan->batches[i].info;

		ls_segment_note_batch(seg, info, position, &part->config);
		position += info->size;
		a->view.log_end = info->last_offset + 1;
	}
	ls_segment_publish(seg, position);
	a->view.end_position = position;
	ls_mutex_lock(&part->state_lock);
	ls_producer_append_commit(a->producers);
	ls_mutex_unlock(&part->state_lock);
	part->producers_changed = true;
	ls_partition_publish(part, &a->view);
}

/* Index entries beyond a handful go to their files. A failure here loses no data and is told later. */
static void flush_index_buffers(logstore_partition *part, struct ls_segment *seg)
{
	char path[LS_PATH_MAX];
	int r;

	if (seg->offset_index.buffer_count < LS_INDEX_FLUSH_COUNT &&
	    seg->time_index.buffer_count < LS_INDEX_FLUSH_COUNT)
		return;
	if (ls_segment_lacks_index_files(seg))
		atomic_store(&part->directory_dirty, true);
	r = ls_segment_flush_indexes(seg);
	if (r < 0 && !is_no_space(r)) {
		ls_segment_path(seg, ".index", path);
		(void)ls_partition_go_offline(part, r, "writing", path, NULL);
	}
}

/* Everything under the append lock. Returns 0, 1 for a duplicate, or an error. */
static int append_locked(struct append *a, struct ls_producer_duplicate *ret_duplicate,
                         struct logstore_error *ret_error)
{
	struct ls_segment *seg;
	int r;

	r = ls_partition_check_writable(a->part, ret_error);
	if (r == 0)
		r = ls_plan_assign(a->plan, a->origin, a->view.log_end, a->leader_epoch, a->part->name, ret_error);
	if (r == 0)
		r = judge_producers(a, ret_duplicate, ret_error);
	if (r != 0)
		return r;
	r = check_extent(a, ret_error);
	if (r == 0)
		r = plan_epochs(a, ret_error);
	if (r == 0)
		r = roll_if_due(a, ret_error);
	if (r < 0)
		return r;
	seg = ls_view_active(&a->view);
	r = ls_segment_reserve(seg, (uint32_t)a->plan->count);
	if (r == 0)
		r = commit_epochs(a, ret_error);
	if (r == 0)
		r = write_all(a, seg, ret_error);
	if (r < 0)
		return r;
	commit(a, seg);
	flush_index_buffers(a->part, seg);
	return 0;
}

/* ---- around the lock ----------------------------------------------------------------------------------- */

static void fill_result(const struct append *a, struct logstore_append_result *ret_result)
{
	const struct ls_plan *plan = a->plan;
	struct logstore_append_result result = {
		.first_offset = LOGSTORE_NO_OFFSET,
		.last_offset = LOGSTORE_NO_OFFSET,
		.max_timestamp = plan->max_timestamp,
		.log_append_time = plan->log_append_time,
		.log_start_offset = a->view.log_start,
	};

	if (plan->count > 0) {
		result.first_offset = plan->batches[0].info.base_offset;
		result.last_offset = plan->batches[plan->count - 1].info.last_offset;
	}
	*ret_result = result;
}

static int32_t stamped_epoch(logstore_partition *part, const struct logstore_append_options *options)
{
	int32_t latest;

	if (options->leader_epoch >= 0)
		return options->leader_epoch;
	ls_mutex_lock(&part->state_lock);
	latest = ls_epoch_cache_latest(&part->epochs);
	ls_mutex_unlock(&part->state_lock);
	return latest >= 0 ? latest : 0;
}

/* FLUSHED, or flush.messages reached. */
static int flush_if_due(logstore_partition *part, const struct logstore_append_options *options,
                        int64_t flush_messages, struct logstore_error *ret_error)
{
	struct ls_view view;
	int64_t unflushed;

	if (options->durability == LOGSTORE_FLUSHED)
		return ls_partition_flush(part, ret_error);
	if (flush_messages == INT64_MAX)
		return 0;
	ls_view_get(part, &view);
	unflushed = view.log_end - view.recovery_point;
	ls_view_put(&view);
	return unflushed >= flush_messages ? ls_partition_flush(part, ret_error) : 0;
}

static int append_with(logstore_partition *part, struct ls_append_scratch *scratch, const void *batches, size_t size,
                       enum logstore_origin origin, const struct logstore_append_options *options,
                       struct logstore_append_result *ret_result, struct logstore_error *ret_error)
{
	struct append a = {.part = part, .options = options, .origin = origin, .plan = &scratch->plan,
	                   .producers = &scratch->producers};
	struct ls_producer_duplicate duplicate;
	struct logstore_append_result result;
	struct ls_log_config config;
	struct ls_validation validation = {
		.origin = origin, .config = &config, .where = part->name, .leader_epoch = options->leader_epoch,
		.now_ms = ls_now_ms(part->env), .max_batch_bytes = part->max_batch_bytes,
		.reader = scratch->reader, .builder = scratch->builder,
	};
	int r;

	ls_mutex_lock(&part->append_lock);
	config = part->config; /* settings may change meanwhile; this append is judged by these */
	ls_mutex_unlock(&part->append_lock);
	r = ls_validate(&validation, batches, size, a.plan, ret_error);
	if (r < 0)
		return r;
	ls_epoch_cache_init(&a.epochs, part->env);
	ls_mutex_lock(&part->append_lock);
	a.leader_epoch = stamped_epoch(part, options);
	ls_view_get(part, &a.view);
	if (a.plan->count == 0)
		r = ls_partition_check_writable(part, ret_error); /* nothing of this epoch to append */
	else
		r = append_locked(&a, &duplicate, ret_error);
	if (r >= 0)
		fill_result(&a, &result);
	ls_view_put(&a.view);
	ls_mutex_unlock(&part->append_lock);
	ls_epoch_cache_fini(&a.epochs);
	if (r < 0)
		return r;
	if (r == 1) {
		result.duplicate = true;
		result.first_offset = duplicate.first_offset;
		result.last_offset = duplicate.last_offset;
		result.log_append_time = duplicate.timestamp;
	}
	/* A duplicate too must be as durable as its sender asks. */
	r = flush_if_due(part, options, config.flush_messages, ret_error);
	if (r == 0)
		*ret_result = result;
	return r;
}

int ls_partition_append_batches(logstore_partition *part, const void *batches, size_t size,
                                const struct logstore_append_options *options,
                                struct logstore_append_result *ret_result, struct logstore_error *ret_error)
{
	struct ls_append_scratch *scratch;
	int r;

	r = ls_append_scratch_take(part, &scratch);
	if (r < 0)
		return ls_partition_answer(part, r, ret_error);
	r = append_with(part, scratch, batches, size, options->origin, options, ret_result, ret_error);
	ls_append_scratch_give(part, scratch);
	return ls_partition_answer(part, r, ret_error);
}

static int32_t level_of(const logstore_partition *part, int codec, int32_t asked)
{
	return asked != LOGSTORE_LEVEL_DEFAULT ? asked : part->config.compression_level[codec];
}

/* The batch options of append_records, from what was asked and the topic's settings. */
static void records_batch_options(logstore_partition *part, const struct logstore_records_options *asked,
                                  struct logstore_batch_options *options)
{
	int codec;

	ls_mutex_lock(&part->append_lock);
	codec = part->config.compression_type;
	if (asked->codec >= 0)
		codec = asked->codec;
	if (codec == LS_COMPRESSION_PRODUCER)
		codec = LOGSTORE_CODEC_NONE;
	options->codec = (uint8_t)codec;
	options->level = codec <= LOGSTORE_CODEC_ZSTD
	                         ? level_of(part, codec, asked->level)
	                         : LOGSTORE_LEVEL_DEFAULT;
	ls_mutex_unlock(&part->append_lock);
	options->leader_epoch = LOGSTORE_NO_EPOCH;
	options->producer_id = asked->producer_id;
	options->producer_epoch = asked->producer_epoch;
	options->base_sequence = asked->base_sequence;
	options->transactional = asked->transactional;
	options->log_append_time = LOGSTORE_NO_TIMESTAMP;
}

static int build(struct ls_batch_builder *builder, const struct logstore_batch_options *options,
                 const struct logstore_record *records, size_t count, int64_t now_ms, const uint8_t **ret_bytes,
                 size_t *ret_size, struct logstore_error *ret_error)
{
	int r = ls_batch_builder_start(builder, options, ret_error);

	for (size_t i = 0; i < count && r == 0; i++) {
		struct logstore_record record = records[i];

		if (record.timestamp == LOGSTORE_NO_TIMESTAMP)
			record.timestamp = now_ms;
		if (record.timestamp < 0)
			r = ls_error(ret_error, LOGSTORE_E_INVALID_TIMESTAMP, "record %zu has timestamp %lld", i,
			             (long long)record.timestamp);
		else
			r = ls_batch_builder_add(builder, &record, false, ret_error);
		if (r < 0 && ret_error && r != -ENOMEM)
			ret_error->record_index = (int32_t)i;
	}
	return r < 0 ? r : ls_batch_builder_finish(builder, ret_bytes, ret_size, ret_error);
}

int ls_partition_append_records(logstore_partition *part, const struct logstore_record *records, size_t count,
                                const struct logstore_records_options *records_options,
                                const struct logstore_append_options *options,
                                struct logstore_append_result *ret_result, struct logstore_error *ret_error)
{
	struct logstore_batch_options batch_options = {.struct_size = sizeof batch_options};
	struct ls_append_scratch *scratch;
	const uint8_t *bytes;
	size_t size;
	int r;

	r = ls_append_scratch_take(part, &scratch);
	if (r < 0)
		return ls_partition_answer(part, r, ret_error);
	records_batch_options(part, records_options, &batch_options);
	r = build(scratch->input_builder, &batch_options, records, count, ls_now_ms(part->env), &bytes, &size,
	          ret_error);
	if (r == 0)
		r = append_with(part, scratch, bytes, size, options->origin, options, ret_result, ret_error);
	ls_append_scratch_give(part, scratch);
	return ls_partition_answer(part, r, ret_error);
}

int ls_partition_append_marker(logstore_partition *part, const struct logstore_marker *marker,
                               const struct logstore_append_options *options,
                               struct logstore_append_result *ret_result, struct logstore_error *ret_error)
{
	uint8_t key[LS_CONTROL_KEY_SIZE], value[LS_MARKER_VALUE_SIZE];
	struct logstore_record record = {.timestamp = marker->timestamp, .key = key, .key_size = sizeof key,
	                                 .value = value, .value_size = sizeof value};
	struct logstore_batch_options batch_options = {
		.struct_size = sizeof batch_options, .level = LOGSTORE_LEVEL_DEFAULT, .transactional = true,
		.control = true, .producer_id = marker->producer_id, .producer_epoch = marker->producer_epoch,
		.base_sequence = LOGSTORE_NO_SEQUENCE, .leader_epoch = LOGSTORE_NO_EPOCH,
		.log_append_time = LOGSTORE_NO_TIMESTAMP,
	};
	struct ls_append_scratch *scratch;
	const uint8_t *bytes;
	size_t size;
	int r;

	r = ls_append_scratch_take(part, &scratch);
	if (r < 0)
		return ls_partition_answer(part, r, ret_error);
	ls_marker_write(marker->commit, marker->coordinator_epoch, key, value);
	r = build(scratch->input_builder, &batch_options, &record, 1, ls_now_ms(part->env), &bytes, &size, ret_error);
	if (r == 0)
		r = append_with(part, scratch, bytes, size, LOGSTORE_ORIGIN_COORDINATOR, options, ret_result,
		                ret_error);
	ls_append_scratch_give(part, scratch);
	return ls_partition_answer(part, r, ret_error);
}
