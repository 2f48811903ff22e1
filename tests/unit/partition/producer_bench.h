/*
 * What the tests of producers share: a state with an append, short ways to feed it batches, and views of it
 * to compare.
 */
#ifndef TESTS_UNIT_PARTITION_PRODUCER_BENCH_H
#define TESTS_UNIT_PARTITION_PRODUCER_BENCH_H

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/batch.h"
#include "partition/producer_state.h"
#include "testlib.h"

#define WHERE "t-0"
#define NEVER INT64_MAX /* an expiration that nothing reaches */

struct bench {
	struct ts_alloc alloc;
	struct ls_producer_state *state;
	struct ls_producer_append append;
	struct ls_producer_duplicate duplicate;
	struct logstore_error error;
	int64_t log_end;
};

static inline void bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof *bench);
	ts_alloc_init(&bench->alloc);
	cr_assert_eq(ls_producer_state_new(&bench->alloc.ls, &bench->state), 0);
	ls_producer_append_init(&bench->append, bench->state);
}

static inline void bench_fini(struct bench *bench)
{
	ls_producer_append_fini(&bench->append);
	bench->state = ls_producer_state_free(bench->state);
	cr_assert_null(bench->state);
	cr_assert_eq(atomic_load(&bench->alloc.outstanding), 0);
}

/* A data batch at an offset. */
static inline struct logstore_batch_info data(int64_t producer_id, int epoch, int32_t sequence,
                                              int64_t offset, int32_t count)
{
	return (struct logstore_batch_info){
		.base_offset = offset,
		.last_offset = offset + count - 1,
		.max_timestamp = 1000 + offset,
		.producer_id = producer_id,
		.producer_epoch = (int16_t)epoch,
		.base_sequence = sequence,
		.last_sequence = sequence < 0 ? LOGSTORE_NO_SEQUENCE : ls_sequence_add(sequence, count - 1),
		.record_count = count,
		.magic = 2,
	};
}

static inline struct logstore_batch_info txn_data(int64_t producer_id, int epoch, int32_t sequence,
                                                  int64_t offset, int32_t count)
{
	struct logstore_batch_info batch = data(producer_id, epoch, sequence, offset, count);

	batch.transactional = true;
	return batch;
}

static inline struct logstore_batch_info marker(int64_t producer_id, int epoch, int64_t offset)
{
	struct logstore_batch_info batch = txn_data(producer_id, epoch, LOGSTORE_NO_SEQUENCE, offset, 1);

	batch.control = true;
	return batch;
}

static inline struct logstore_control control(bool commit, int32_t coordinator_epoch)
{
	return (struct logstore_control){
		.type = commit ? LOGSTORE_CONTROL_COMMIT : LOGSTORE_CONTROL_ABORT,
		.coordinator_epoch = coordinator_epoch,
	};
}

static inline int judge(struct bench *bench, struct logstore_batch_info batch,
                        const struct logstore_control *ctl, enum logstore_origin origin, int txn_version)
{
	return ls_producer_append_batch(&bench->append, &batch, ctl, origin, txn_version, WHERE,
	                                &bench->duplicate, &bench->error);
}

static inline int follow(struct bench *bench, struct logstore_batch_info batch,
                         const struct logstore_control *ctl)
{
	return judge(bench, batch, ctl, LOGSTORE_ORIGIN_REPLICATION, 0);
}

static inline void commit(struct bench *bench)
{
	cr_assert_eq(ls_producer_append_prepare(&bench->append), 0);
	ls_producer_append_commit(&bench->append);
}

/* One batch as an append of its own, committed if it is accepted. The log then ends behind it. */
static inline int feed(struct bench *bench, struct logstore_batch_info batch,
                       const struct logstore_control *ctl, enum logstore_origin origin, int txn_version)
{
	int r;

	ls_producer_append_reset(&bench->append);
	r = judge(bench, batch, ctl, origin, txn_version);
	if (r == 0) {
		commit(bench);
		bench->log_end = batch.last_offset + 1;
	}
	return r;
}

static inline int client(struct bench *bench, int64_t producer_id, int epoch, int32_t sequence, int32_t count)
{
	return feed(bench, data(producer_id, epoch, sequence, bench->log_end, count), NULL,
	            LOGSTORE_ORIGIN_CLIENT, 0);
}

static inline int client_txn(struct bench *bench, int64_t producer_id, int epoch, int32_t sequence,
                             int32_t count)
{
	return feed(bench, txn_data(producer_id, epoch, sequence, bench->log_end, count), NULL,
	            LOGSTORE_ORIGIN_CLIENT, 0);
}

static inline int end_txn(struct bench *bench, int64_t producer_id, int epoch, bool commits,
                          int32_t coordinator_epoch, int txn_version)
{
	struct logstore_control ctl = control(commits, coordinator_epoch);

	return feed(bench, marker(producer_id, epoch, bench->log_end), &ctl, LOGSTORE_ORIGIN_COORDINATOR,
	            txn_version);
}

static inline struct logstore_producer_info get(const struct bench *bench, int64_t producer_id)
{
	struct logstore_producer_info info;

	cr_assert(ls_producer_state_get(bench->state, producer_id, &info), "no producer %" PRId64,
	          producer_id);
	return info;
}

/* The state's snapshot, in a buffer of the bench's environment. */
static inline struct ls_buf snapshot_of(const struct ls_producer_state *state, const struct ls_env *env)
{
	struct ls_buf out;

	ls_buf_init(&out, env);
	cr_assert_eq(ls_producer_state_snapshot(state, &out), 0);
	return out;
}

static inline bool same_info(const struct logstore_producer_info *a, const struct logstore_producer_info *b)
{
	bool same = a->producer_id == b->producer_id && a->epoch == b->epoch &&
	            a->coordinator_epoch == b->coordinator_epoch && a->last_timestamp == b->last_timestamp &&
	            a->current_txn_first_offset == b->current_txn_first_offset &&
	            a->batch_count == b->batch_count;

	for (size_t i = 0; same && i < a->batch_count; i++)
		same = a->batches[i].first_sequence == b->batches[i].first_sequence &&
		       a->batches[i].last_sequence == b->batches[i].last_sequence &&
		       a->batches[i].first_offset == b->batches[i].first_offset &&
		       a->batches[i].last_offset == b->batches[i].last_offset &&
		       a->batches[i].timestamp == b->batches[i].timestamp;
	return same;
}

/* All of a producer, for the message of a failed comparison. */
static const char *show(const struct logstore_producer_info *info)
{
	static char texts[2][512];
	static size_t turn;
	char *shown = texts[turn++ % 2];
	int used = snprintf(shown, sizeof texts[0],
	                    "producer %" PRId64 ": epoch %d coordinator %" PRId32 " timestamp %" PRId64
	                    " open %" PRId64,
	                    info->producer_id, info->epoch, info->coordinator_epoch, info->last_timestamp,
	                    info->current_txn_first_offset);

	for (size_t i = 0; i < info->batch_count && (size_t)used < sizeof texts[0]; i++)
		used += snprintf(shown + used, sizeof texts[0] - (size_t)used,
		                 " [%" PRId32 "-%" PRId32 " at %" PRId64 "-%" PRId64 " %" PRId64 "]",
		                 info->batches[i].first_sequence, info->batches[i].last_sequence,
		                 info->batches[i].first_offset, info->batches[i].last_offset,
		                 info->batches[i].timestamp);
	return shown;
}

static inline void assert_same_info(const struct logstore_producer_info *found,
                                    const struct logstore_producer_info *want)
{
	cr_assert(same_info(found, want), "%s, not %s", show(found), show(want));
}

/* Some of everything: an open transaction, a marker-only producer, no sequences, a wrapped sequence. */
static inline void populate(struct bench *bench)
{
	cr_assert_eq(client(bench, 30, 0, 7, 2), 0);
	cr_assert_eq(client(bench, 30, 0, 9, 1), 0);
	cr_assert_eq(client_txn(bench, 20, 2, 0, 3), 0);
	cr_assert_eq(end_txn(bench, 10, 4, true, 6, 0), 0);
	cr_assert_eq(client(bench, 40, 0, INT32_MAX, 3), 0);
	cr_assert_eq(feed(bench, txn_data(5, 1, -1, bench->log_end, 2), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0),
	             0);
	cr_assert_eq(client_txn(bench, 50, 0, 0, 1), 0);
	cr_assert_eq(end_txn(bench, 50, 0, false, 1, 0), 0);
}

/* ---- Memory that runs out --------------------------------------------------------------------------- */

/* Everything that can be seen of a state. */
struct view {
	struct logstore_producer_info producers[32];
	size_t count;
	int64_t first_unstable;
	struct ls_buf snapshot;
};

static inline void view_init(struct view *view, struct bench *bench)
{
	long fail_at = atomic_exchange(&bench->alloc.fail_at, 0);

	memset(view, 0, sizeof *view);
	view->count = ls_producer_state_count(bench->state);
	cr_assert_leq(view->count, 32);
	ls_producer_state_list(bench->state, view->producers);
	view->first_unstable = ls_producer_state_first_unstable(bench->state);
	view->snapshot = snapshot_of(bench->state, &bench->alloc.ls);
	atomic_store(&bench->alloc.fail_at, fail_at);
}

static inline void assert_unchanged(struct view *before, struct bench *bench)
{
	struct view after;

	view_init(&after, bench);
	cr_assert_eq(after.count, before->count);
	for (size_t i = 0; i < after.count; i++)
		assert_same_info(&after.producers[i], &before->producers[i]);
	cr_assert_eq(after.first_unstable, before->first_unstable);
	cr_assert_eq(after.snapshot.size, before->snapshot.size);
	cr_assert_arr_eq(after.snapshot.data, before->snapshot.data, after.snapshot.size);
	ls_buf_fini(&after.snapshot);
}

/* Lets the n-th request from now on fail. */
static inline void fail_later(struct bench *bench, long n)
{
	atomic_store(&bench->alloc.requests, 0);
	atomic_store(&bench->alloc.fail_at, n);
}

/* The sweep is over when nothing failed; failing is switched off again. */
static inline bool has_failed(struct bench *bench)
{
	bool failed = ts_alloc_failed(&bench->alloc);

	atomic_store(&bench->alloc.fail_at, 0);
	return failed;
}

#endif
