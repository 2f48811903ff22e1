/*
 * The table of producers: what is unstable, who expires, snapshots whole and damaged, memory that runs out.
 */
#include <malloc.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "format/snapshot.h"
#include "producer_bench.h"

TestSuite(producer_state, .fini = ts_check_leaks);

/* ---- Unstable offsets ---------------------------------------------------------------------------------- */

Test(producer_state, what_holds_back_the_last_stable_offset)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	cr_assert_eq(client_txn(&bench, 1, 0, 0, 10), 0); /* 0..9 */
	cr_assert_eq(client_txn(&bench, 2, 0, 0, 10), 0); /* 10..19 */
	cr_assert_eq(client_txn(&bench, 1, 0, 10, 5), 0); /* 20..24, the same transaction */
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 0);
	cr_assert_eq(end_txn(&bench, 1, 0, true, 0, 0), 0); /* 25 */
	cr_assert_eq(bench.append.completed[0].first_offset, 0);
	cr_assert_eq(bench.append.completed[0].last_offset, 25);
	cr_assert_eq(bench.append.completed[0].last_stable_offset, 10);
	cr_assert_not(bench.append.completed[0].aborted);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 0);
	ls_producer_state_high_watermark(bench.state, 25); /* the marker itself is not below it */
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 0);
	ls_producer_state_high_watermark(bench.state, 26);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 10);
	cr_assert_eq(end_txn(&bench, 2, 0, false, 0, 0), 0); /* 26 */
	cr_assert_eq(bench.append.completed[0].last_stable_offset, 27);
	cr_assert(bench.append.completed[0].aborted);
	/* The log start passes its first offset only; then its marker. */
	ls_producer_state_log_start(bench.state, 15);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 10);
	ls_producer_state_log_start(bench.state, 27);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	cr_assert_eq(ls_producer_state_count(bench.state), 2);
	ls_producer_state_clear(bench.state);
	cr_assert_eq(ls_producer_state_count(bench.state), 0);
	bench_fini(&bench);
}

/* Several completed transactions become stable out of order of their first offsets. */
Test(producer_state, completed_transactions_leave_by_their_marker)
{
	struct bench bench;

	bench_init(&bench);
	for (int64_t id = 0; id < 4; id++)
		cr_assert_eq(client_txn(&bench, id, 0, 0, 1), 0); /* 0..3 */
	cr_assert_eq(end_txn(&bench, 2, 0, true, 0, 0), 0); /* 4 */
	cr_assert_eq(end_txn(&bench, 0, 0, true, 0, 0), 0); /* 5 */
	cr_assert_eq(end_txn(&bench, 3, 0, true, 0, 0), 0); /* 6 */
	cr_assert_eq(end_txn(&bench, 1, 0, true, 0, 0), 0); /* 7 */
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 0);
	ls_producer_state_high_watermark(bench.state, 5);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 0);
	ls_producer_state_high_watermark(bench.state, 6);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 1);
	ls_producer_state_high_watermark(bench.state, 7);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 1);
	ls_producer_state_high_watermark(bench.state, 8);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	bench_fini(&bench);
}

/* ---- Expiry ----------------------------------------------------------------------------------------- */

Test(producer_state, idle_producers_expire)
{
	struct bench bench;
	struct logstore_producer_info info;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 0, 0, 1), 0);     /* timestamp 1000 */
	cr_assert_eq(client(&bench, 2, 0, 0, 1), 0);     /* 1001 */
	cr_assert_eq(client_txn(&bench, 3, 0, 0, 1), 0); /* 1002, open */
	cr_assert_eq(ls_producer_state_expire(bench.state, 1099, 100), 0);
	cr_assert_eq(ls_producer_state_expire(bench.state, 1100, 100), 1);
	cr_assert_not(ls_producer_state_get(bench.state, 1, &info));
	cr_assert_eq(ls_producer_state_expire(bench.state, INT64_MAX, 100), 1);
	cr_assert_eq(ls_producer_state_count(bench.state), 1);
	cr_assert_eq(get(&bench, 3).current_txn_first_offset, 2);
	cr_assert_eq(end_txn(&bench, 3, 0, true, 0, 0), 0);
	cr_assert_eq(ls_producer_state_expire(bench.state, INT64_MAX, 0), 1);
	/* Its completed transaction stays until the high watermark has passed. */
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 2);
	cr_assert_eq(client(&bench, 1, 0, 99, 1), 0); /* forgotten: any sequence */
	bench_fini(&bench);
}

Test(producer_state, timestamps_far_apart)
{
	struct bench bench;
	struct logstore_batch_info old = data(1, 0, 0, 0, 1);
	struct logstore_batch_info coming = data(2, 0, 0, 1, 1);
	struct logstore_batch_info none = data(3, 0, 0, 2, 1);

	bench_init(&bench);
	old.max_timestamp = INT64_MIN;
	coming.max_timestamp = INT64_MAX;
	none.max_timestamp = LOGSTORE_NO_TIMESTAMP;
	cr_assert_eq(feed(&bench, old, NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(feed(&bench, coming, NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(feed(&bench, none, NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(ls_producer_state_expire(bench.state, 5000, INT64_MAX), 1);
	cr_assert_eq(ls_producer_state_expire(bench.state, -10, 1), 0);
	cr_assert_eq(get(&bench, 2).last_timestamp, INT64_MAX);
	cr_assert_eq(ls_producer_state_expire(bench.state, 5000, 5001), 1);
	cr_assert_eq(ls_producer_state_count(bench.state), 1);
	bench_fini(&bench);
}

/* Removal from the middle of a crowd: everybody else is still found, nobody twice. */
Test(producer_state, a_crowd_comes_and_goes)
{
	struct bench bench;
	struct logstore_producer_info *infos;
	struct logstore_producer_info info;
	const int64_t crowd = 3000;
	size_t index = 0;

	bench_init(&bench);
	for (int64_t id = 0; id < crowd; id++) {
		struct logstore_batch_info batch = data(id * 7, 0, 0, id, 1);

		batch.max_timestamp = id % 3;
		cr_assert_eq(feed(&bench, batch, NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	}
	cr_assert_eq(ls_producer_state_expire(bench.state, 11, 11), (size_t)crowd / 3);
	for (int64_t id = 0; id < crowd; id++)
		cr_assert_eq(ls_producer_state_get(bench.state, id * 7, &info), id % 3 != 0);
	infos = calloc(ls_producer_state_count(bench.state), sizeof *infos);
	cr_assert_not_null(infos);
	ls_producer_state_list(bench.state, infos);
	for (int64_t id = 0; id < crowd; id++) {
		if (id % 3 != 0)
			cr_assert_eq(infos[index++].producer_id, id * 7);
	}
	cr_assert_eq(index, ls_producer_state_count(bench.state));
	free(infos);
	cr_assert_eq(ls_producer_state_expire(bench.state, 12, 11), (size_t)crowd / 3);
	for (int64_t id = 0; id < crowd; id++)
		cr_assert_eq(ls_producer_state_get(bench.state, id * 7, &info), id % 3 == 2);
	cr_assert_eq(ls_producer_state_expire(bench.state, 13, 11), (size_t)crowd / 3);
	cr_assert_eq(ls_producer_state_count(bench.state), 0);
	cr_assert_eq(client(&bench, 14, 0, 5, 1), 0);
	cr_assert_eq(get(&bench, 14).batch_count, 1);
	bench_fini(&bench);
}

/* Giving memory back is a favour: expiry works without the memory for it. */
Test(producer_state, expiry_without_memory)
{
	struct bench bench;
	struct logstore_producer_info info;

	bench_init(&bench);
	for (int64_t id = 0; id < 100; id++)
		cr_assert_eq(client(&bench, id, 0, 0, 1), 0);
	atomic_store(&bench.alloc.fail_at, atomic_load(&bench.alloc.requests) + 1);
	cr_assert_eq(ls_producer_state_expire(bench.state, 1098, 0), 99);
	cr_assert(ts_alloc_failed(&bench.alloc));
	cr_assert(ls_producer_state_get(bench.state, 99, &info));
	atomic_store(&bench.alloc.fail_at, 0);
	cr_assert_eq(ls_producer_state_expire(bench.state, 1098, 0), 0);
	cr_assert(ls_producer_state_get(bench.state, 99, &info));
	bench_fini(&bench);
}

static size_t bytes_in_use;

static void *measured_realloc(void *ctx, void *memory, size_t size)
{
	(void)ctx;
	bytes_in_use -= malloc_usable_size(memory);
	memory = realloc(memory, size);
	bytes_in_use += malloc_usable_size(memory);
	return memory;
}

static void *measured_alloc(void *ctx, size_t size)
{
	return measured_realloc(ctx, NULL, size);
}

static void measured_free(void *ctx, void *memory)
{
	(void)ctx;
	bytes_in_use -= malloc_usable_size(memory);
	free(memory);
}

Test(producer_state, memory_of_a_producer)
{
	struct logstore_env env = {
		.struct_size = sizeof env,
		.allocator = {.alloc = measured_alloc, .realloc = measured_realloc, .free = measured_free},
	};
	struct ls_env ls;
	struct ls_producer_state *state;
	struct ls_producer_append append;

	ls_env_resolve(&env, &ls);
	cr_assert_eq(ls_producer_state_new(&ls, &state), 0);
	ls_producer_append_init(&append, state);
	for (int64_t id = 0; id < 100000; id++) {
		struct logstore_batch_info batch = data(id, 0, 0, id, 1);
		struct ls_producer_duplicate duplicate;

		ls_producer_append_reset(&append);
		cr_assert_eq(ls_producer_append_batch(&append, &batch, NULL, LOGSTORE_ORIGIN_CLIENT, 0, WHERE,
		                                      &duplicate, NULL), 0);
		cr_assert_eq(ls_producer_append_prepare(&append), 0);
		ls_producer_append_commit(&append);
		if (id > 1000)
			cr_assert_leq(bytes_in_use, (size_t)(id + 1) * 250, "%" PRId64 " producers", id + 1);
	}
	cr_assert_eq(ls_producer_state_expire(state, INT64_MAX, 0), 100000);
	cr_assert_lt(bytes_in_use, 10000);
	ls_producer_append_fini(&append);
	cr_assert_null(ls_producer_state_free(state));
	cr_assert_eq(bytes_in_use, 0);
}

/* ---- Snapshots -------------------------------------------------------------------------------------- */

Test(producer_state, a_snapshot_keeps_the_last_batch)
{
	struct bench bench;
	struct ls_buf out;
	struct logstore_producer_info before[6], after[6];
	struct logstore_producer_entry entry;

	bench_init(&bench);
	populate(&bench);
	ls_producer_state_list(bench.state, before);
	out = snapshot_of(bench.state, &bench.alloc.ls);
	cr_assert_eq(out.size, LS_SNAPSHOT_HEADER_SIZE + 6 * LS_SNAPSHOT_ENTRY_SIZE);
	for (uint32_t i = 0; i < 6; i++) {
		ls_snapshot_entry(out.data, i, &entry);
		cr_assert_eq(entry.producer_id, before[i].producer_id); /* in order */
	}
	ls_snapshot_entry(out.data, 1, &entry); /* producer 10 has no batch */
	cr_assert_eq(entry.last_sequence, -1);
	cr_assert_eq(entry.last_offset, -1);
	cr_assert_eq(entry.offset_delta, 0);
	cr_assert_eq(entry.current_txn_first_offset, -1);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 3);
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 1000, NEVER, &bench.error), 0);
	ls_producer_state_list(bench.state, after);
	for (size_t i = 0; i < 6; i++) {
		if (before[i].batch_count > 0) {
			before[i].batches[0] = before[i].batches[before[i].batch_count - 1];
			before[i].batches[0].timestamp = before[i].last_timestamp;
			before[i].batch_count = 1;
		}
		assert_same_info(&after[i], &before[i]);
	}
	/* Open transactions are there again, in order; completed ones are taken as stable. */
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 3);
	cr_assert_eq(end_txn(&bench, 20, 2, true, 0, 0), 0);
	cr_assert_eq(bench.append.completed[0].last_stable_offset, before[0].current_txn_first_offset);
	ls_producer_state_high_watermark(bench.state, bench.log_end);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), before[0].current_txn_first_offset);
	ls_buf_fini(&out);
	bench_fini(&bench);
}

Test(producer_state, an_empty_snapshot)
{
	struct bench bench;
	struct ls_buf out;

	bench_init(&bench);
	out = snapshot_of(bench.state, &bench.alloc.ls);
	cr_assert_eq(out.size, LS_SNAPSHOT_HEADER_SIZE);
	populate(&bench);
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 0, NEVER, NULL), 0);
	cr_assert_eq(ls_producer_state_count(bench.state), 0);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	ls_buf_fini(&out);
	bench_fini(&bench);
}

Test(producer_state, loading_leaves_out_idle_producers)
{
	struct bench bench;
	struct ls_buf out;
	struct logstore_producer_info infos[6];

	bench_init(&bench);
	populate(&bench);
	out = snapshot_of(bench.state, &bench.alloc.ls);
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 1000000, 1, NULL), 0);
	cr_assert_eq(ls_producer_state_count(bench.state), 2);
	ls_producer_state_list(bench.state, infos);
	cr_assert_eq(infos[0].producer_id, 5); /* the two with an open transaction */
	cr_assert_eq(infos[1].producer_id, 20);
	/* The boundary: an age of exactly the expiration is too old. Producer 40 has timestamp 1007. */
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 1107, 100, NULL), 0);
	cr_assert_not(ls_producer_state_get(bench.state, 40, &infos[0]));
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 1107, 101, NULL), 0);
	cr_assert(ls_producer_state_get(bench.state, 40, &infos[0]));
	ls_buf_fini(&out);
	bench_fini(&bench);
}

static void seal(uint8_t *bytes, size_t size)
{
	ls_store_be32(bytes + 2, ls_crc32c(0, bytes + 6, size - 6));
}

static void assert_load_refused(struct bench *bench, const uint8_t *bytes, size_t size, int code,
                                int64_t position)
{
	struct ls_buf before = snapshot_of(bench->state, &bench->alloc.ls), after;
	int64_t unstable = ls_producer_state_first_unstable(bench->state);

	memset(&bench->error, 0, sizeof bench->error);
	cr_assert_eq(ls_producer_state_load(bench->state, bytes, size, 0, NEVER, &bench->error), code);
	cr_assert_eq(bench->error.code, code);
	cr_assert_eq(bench->error.position, position, "position %" PRId64, bench->error.position);
	cr_assert_neq(bench->error.text[0], '\0');
	after = snapshot_of(bench->state, &bench->alloc.ls);
	cr_assert_eq(after.size, before.size);
	cr_assert_arr_eq(after.data, before.data, before.size);
	cr_assert_eq(ls_producer_state_first_unstable(bench->state), unstable);
	ls_buf_fini(&before);
	ls_buf_fini(&after);
}

Test(producer_state, damaged_snapshots_are_refused)
{
	/* Of the second entry: byte within it, width, value. */
	static const struct {
		size_t at, width;
		uint64_t value;
	} faults[] = {
		{0, 8, UINT64_MAX},                /* producer id -1 */
		{0, 8, 5},                         /* the id of the first entry */
		{10, 4, 0xFFFFFFFE},               /* last sequence -2 */
		{22, 4, 0xFFFFFFFF},               /* offset delta -1 */
		{22, 4, 0x7FFFFFFF},               /* offset delta above the last offset */
		{14, 8, 1},                        /* last offset below its delta */
	};
	struct bench bench;
	struct ls_buf out;

	bench_init(&bench);
	populate(&bench);
	ls_producer_append_reset(&bench.append);
	cr_assert_eq(feed(&bench, txn_data(6, 0, 0, bench.log_end, 3), NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	out = snapshot_of(bench.state, &bench.alloc.ls); /* 5, 6, 10, ... */
	for (size_t size = 0; size < LS_SNAPSHOT_HEADER_SIZE; size++)
		assert_load_refused(&bench, out.data, size, LOGSTORE_E_CORRUPT_FILE, (int64_t)size);
	assert_load_refused(&bench, out.data, out.size - 1, LOGSTORE_E_CORRUPT_FILE, 2);
	out.data[1] = 2;
	assert_load_refused(&bench, out.data, out.size, LOGSTORE_E_UNSUPPORTED_VERSION, 0);
	out.data[1] = 1;
	out.data[out.size - 1] ^= 1;
	assert_load_refused(&bench, out.data, out.size, LOGSTORE_E_CORRUPT_FILE, 2);
	out.data[out.size - 1] ^= 1;
	out.data[9]++;
	seal(out.data, out.size);
	assert_load_refused(&bench, out.data, out.size, LOGSTORE_E_CORRUPT_FILE, 6);
	out.data[9]--;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		const size_t entry = LS_SNAPSHOT_HEADER_SIZE + LS_SNAPSHOT_ENTRY_SIZE;
		uint8_t kept[LS_SNAPSHOT_ENTRY_SIZE];

		memcpy(kept, out.data + entry, sizeof kept);
		if (faults[i].width == 8)
			ls_store_be64(out.data + entry + faults[i].at, faults[i].value);
		else
			ls_store_be32(out.data + entry + faults[i].at, (uint32_t)faults[i].value);
		seal(out.data, out.size);
		assert_load_refused(&bench, out.data, out.size, LOGSTORE_E_CORRUPT_FILE, (int64_t)entry);
		memcpy(out.data + entry, kept, sizeof kept);
	}
	seal(out.data, out.size);
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 0, NEVER, NULL), 0);
	ls_buf_fini(&out);
	bench_fini(&bench);
}

/* Any "none" below zero reads as none: without a batch the other fields of it say nothing. */
Test(producer_state, fields_that_say_none)
{
	struct logstore_producer_entry entry = {
		.producer_id = 1,
		.producer_epoch = 2,
		.last_sequence = -77,
		.last_offset = -5,
		.offset_delta = -9,
		.timestamp = 123,
		.coordinator_epoch = -1,
		.current_txn_first_offset = -3,
	};
	struct bench bench;
	struct ls_buf out;

	bench_init(&bench);
	ls_buf_init(&out, &bench.alloc.ls);
	cr_assert_eq(ls_snapshot_write(&out, &entry, 1), 0);
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 0, NEVER, NULL), 0);
	cr_assert_eq(get(&bench, 1).batch_count, 0);
	cr_assert_eq(get(&bench, 1).current_txn_first_offset, LOGSTORE_NO_OFFSET);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	ls_buf_fini(&out);
	bench_fini(&bench);
}

/* Many open transactions: a snapshot is in order of producers, what is open is found by first offset. */
Test(producer_state, many_open_transactions)
{
	struct logstore_control aborts = control(false, 0);
	const int64_t crowd = 500;
	struct bench bench;
	struct ls_buf out;

	bench_init(&bench);
	for (int64_t i = 0; i < crowd; i++)
		cr_assert_eq(client_txn(&bench, i * 37 % crowd, 0, 0, 1), 0);
	out = snapshot_of(bench.state, &bench.alloc.ls);
	cr_assert_eq(ls_producer_state_load(bench.state, out.data, out.size, 0, NEVER, NULL), 0);
	for (int64_t i = 0; i < crowd; i++) {
		/* The older half oldest first, the others newest first. */
		int64_t first = i < crowd / 2 ? i : crowd - 1 - (i - crowd / 2);

		cr_assert_eq(ls_producer_state_first_unstable(bench.state), i < crowd / 2 ? i : crowd / 2);
		cr_assert_eq(feed(&bench, marker(first * 37 % crowd, 0, bench.log_end), &aborts,
		                  LOGSTORE_ORIGIN_COORDINATOR, 0), 0);
		cr_assert_eq(bench.append.completed[0].first_offset, first);
		ls_producer_state_high_watermark(bench.state, bench.log_end);
	}
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	ls_buf_fini(&out);
	bench_fini(&bench);
}

/* ---- Memory that runs out ------------------------------------------------------------------------------ */

Test(producer_state, no_memory_for_a_state)
{
	struct ls_producer_state *state = NULL;
	struct ts_alloc alloc;

	ts_alloc_init(&alloc);
	atomic_store(&alloc.fail_at, 1);
	cr_assert_eq(ls_producer_state_new(&alloc.ls, &state), -ENOMEM);
	cr_assert_null(state);
	cr_assert_null(ls_producer_state_free(NULL));
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

Test(producer_state, no_memory_for_loading)
{
	struct bench source;
	struct ls_buf out;
	bool failed = true;
	long sweeps = 0;

	bench_init(&source);
	for (int64_t id = 0; id < 30; id++)
		cr_assert_eq(client_txn(&source, id, 0, 0, 1), 0);
	out = snapshot_of(source.state, &source.alloc.ls);
	while (failed) {
		struct bench bench;
		struct view before;
		int r;

		bench_init(&bench);
		populate(&bench);
		view_init(&before, &bench);
		fail_later(&bench, ++sweeps);
		r = ls_producer_state_load(bench.state, out.data, out.size, 0, NEVER, &bench.error);
		failed = has_failed(&bench);
		cr_assert_eq(r, failed ? -ENOMEM : 0);
		if (failed) {
			cr_assert_eq(bench.error.code, -ENOMEM);
			assert_unchanged(&before, &bench);
		} else {
			cr_assert_eq(ls_producer_state_count(bench.state), 30);
		}
		ls_buf_fini(&before.snapshot);
		bench_fini(&bench);
	}
	cr_assert_gt(sweeps, 6);
	ls_buf_fini(&out);
	bench_fini(&source);
}

Test(producer_state, no_memory_for_a_snapshot)
{
	bool failed = true;
	long sweeps = 0;

	while (failed) {
		struct bench bench;
		struct view before;
		struct ls_buf out;
		int r;

		bench_init(&bench);
		populate(&bench);
		view_init(&before, &bench);
		ls_buf_init(&out, &bench.alloc.ls);
		cr_assert_eq(ls_buf_append(&out, "abc", 3), 0);
		fail_later(&bench, ++sweeps);
		r = ls_producer_state_snapshot(bench.state, &out);
		failed = has_failed(&bench);
		cr_assert_eq(r, failed ? -ENOMEM : 0);
		cr_assert_eq(out.size, failed ? 3 : 3 + before.snapshot.size);
		assert_unchanged(&before, &bench);
		ls_buf_fini(&out);
		ls_buf_fini(&before.snapshot);
		bench_fini(&bench);
	}
	cr_assert_eq(sweeps, 3); /* the entries, the buffer, none */
}
