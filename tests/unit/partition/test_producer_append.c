/*
 * Judging and staging: every rule by itself with its refusal's text, appends of several batches, and memory
 * that runs out in each step.
 */
#include "producer_bench.h"

TestSuite(producer_append, .fini = ts_check_leaks);

#define STALE_5 "Epoch of producer 1 is 4, which is smaller than the last seen epoch 5"
#define STALE_5_AT(comparison, version) \
	"Epoch of producer 1 at offset 1 in t-0 is 4, which is " comparison \
	" the last seen epoch 5 (" version ")"

/* ---- Duplicates and sequences ----------------------------------------------------------------------- */

Test(producer_append, duplicates_of_the_last_five_batches)
{
	struct bench bench;

	bench_init(&bench);
	for (int32_t i = 0; i < 6; i++)
		cr_assert_eq(client(&bench, 1, 0, i * 2, 2), 0);
	cr_assert_eq(get(&bench, 1).batch_count, 5);
	for (int32_t i = 1; i < 6; i++) {
		cr_assert_eq(client(&bench, 1, 0, i * 2, 2), 1);
		cr_assert_eq(bench.duplicate.first_offset, i * 2);
		cr_assert_eq(bench.duplicate.last_offset, i * 2 + 1);
		cr_assert_eq(bench.duplicate.timestamp, 1000 + i * 2);
	}
	/* The sixth is forgotten, and neither a part of a batch nor two in one is a duplicate. */
	cr_assert_eq(client(&bench, 1, 0, 0, 2), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 1, 0, 2, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 1, 0, 2, 4), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 1, 0, 3, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	/* Another producer, and another epoch, have not sent it. */
	cr_assert_eq(client(&bench, 2, 0, 4, 2), 0);
	cr_assert_eq(client(&bench, 1, 1, 4, 2), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(bench.log_end, 14);
	bench_fini(&bench);
}

/* Before all else: a stale-looking, non-transactional repeat inside an open transaction is still a repeat. */
Test(producer_append, a_duplicate_is_recognised_before_all_else)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 0, 0, 3), 0);
	cr_assert_eq(client_txn(&bench, 1, 0, 3, 1), 0);
	cr_assert_eq(client(&bench, 1, 0, 0, 3), 1);
	cr_assert_eq(bench.duplicate.last_offset, 2);
	cr_assert_eq(get(&bench, 1).current_txn_first_offset, 3);
	bench_fini(&bench);
}

Test(producer_append, only_a_clients_first_batch_can_be_a_duplicate)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 0, 0, 1), 0);
	cr_assert_eq(feed(&bench, data(1, 0, 0, 1, 1), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0), 0);
	cr_assert_eq(feed(&bench, data(1, 0, 0, 2, 1), NULL, LOGSTORE_ORIGIN_REPLICATION, 0), 0);
	cr_assert_eq(feed(&bench, data(1, 0, 0, 3, 1), NULL, LOGSTORE_ORIGIN_RAFT_LEADER, 0), 0);
	cr_assert_eq(get(&bench, 1).batch_count, 4);
	ls_producer_append_reset(&bench.append);
	cr_assert_eq(judge(&bench, data(2, 0, 0, 4, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(judge(&bench, data(1, 0, 0, 5, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 0),
	             LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	bench_fini(&bench);
}

/* A coordinator's batches carry no sequences; a client's batch never repeats one of them. */
Test(producer_append, batches_without_sequences)
{
	struct bench bench;
	struct logstore_producer_info info;

	bench_init(&bench);
	cr_assert_eq(feed(&bench, txn_data(1, 0, -1, 0, 3), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0), 0);
	info = get(&bench, 1);
	cr_assert_eq(info.batches[0].first_sequence, LOGSTORE_NO_SEQUENCE);
	cr_assert_eq(info.batches[0].last_sequence, LOGSTORE_NO_SEQUENCE);
	cr_assert_eq(info.batches[0].first_offset, 0);
	cr_assert_eq(info.batches[0].last_offset, 2);
	cr_assert_eq(feed(&bench, txn_data(1, 0, -1, 3, 3), NULL, LOGSTORE_ORIGIN_CLIENT, 0),
	             LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client_txn(&bench, 1, 0, 0, 1), 0);
	bench_fini(&bench);
}

Test(producer_append, sequences_wrap)
{
	struct bench bench;
	struct logstore_producer_info info;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 0, INT32_MAX - 1, 4), 0); /* ends at sequence 1 */
	info = get(&bench, 1);
	cr_assert_eq(info.batches[0].first_sequence, INT32_MAX - 1);
	cr_assert_eq(info.batches[0].last_sequence, 1);
	cr_assert_eq(client(&bench, 1, 0, INT32_MAX - 1, 4), 1);
	cr_assert_eq(client(&bench, 1, 0, 1, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 1, 0, 2, 1), 0);
	cr_assert_eq(client(&bench, 2, 0, INT32_MAX, 1), 0); /* ends at the last one */
	cr_assert_eq(client(&bench, 2, 0, 1, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 2, 0, 0, 1), 0);
	bench_fini(&bench);
}

Test(producer_append, where_a_sequence_may_begin)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 0, 77, 1), 0); /* an unknown producer anywhere */
	cr_assert_eq(client(&bench, 1, 3, 5, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_str_eq(bench.error.text,
	                 "Invalid sequence number for new epoch of producer 1at offset 1 in partition t-0: "
	                 "3 (request epoch), 5 (seq. number), 0 (current producer epoch)");
	cr_assert_eq(client(&bench, 1, 3, 0, 2), 0); /* a new epoch at 0 */
	cr_assert_eq(get(&bench, 1).batch_count, 1);
	cr_assert_eq(get(&bench, 1).epoch, 3);
	cr_assert_eq(client(&bench, 1, 3, 3, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 1, 3, 2, 1), 0);
	/* A marker at a higher epoch leaves no batch: 0 is next, under that epoch and under a later one. */
	cr_assert_eq(end_txn(&bench, 1, 4, false, 0, 0), 0);
	cr_assert_eq(get(&bench, 1).batch_count, 0);
	cr_assert_eq(client(&bench, 1, 4, 3, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_str_eq(bench.error.text,
	                 "Out of order sequence number for producer 1 at offset 5 in partition t-0: "
	                 "3 (incoming seq. number), -1 (current end sequence number)");
	cr_assert_eq(client(&bench, 1, 4, 0, 1), 0);
	/* A marker at the same epoch keeps the batches. */
	cr_assert_eq(end_txn(&bench, 1, 4, false, 0, 0), 0);
	cr_assert_eq(get(&bench, 1).batch_count, 1);
	cr_assert_eq(client(&bench, 1, 4, 1, 1), 0);
	bench_fini(&bench);
}

/* Until the append is committed its producer stays unknown, so a second batch may begin anywhere as well. */
Test(producer_append, an_unknown_producers_second_batch)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(judge(&bench, data(1, 0, 7, 0, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(judge(&bench, data(1, 0, 50, 1, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	commit(&bench);
	cr_assert_eq(get(&bench, 1).batch_count, 2);
	ls_producer_append_reset(&bench.append);
	cr_assert_eq(judge(&bench, data(1, 0, 70, 2, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 0),
	             LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	bench_fini(&bench);
}

Test(producer_append, only_clients_are_asked_for_sequences)
{
	static const enum logstore_origin origins[] = {
		LOGSTORE_ORIGIN_COORDINATOR, LOGSTORE_ORIGIN_REPLICATION, LOGSTORE_ORIGIN_RAFT_LEADER,
	};
	struct bench bench;

	bench_init(&bench);
	for (size_t i = 0; i < 3; i++) {
		int64_t producer_id = (int64_t)i;

		cr_assert_eq(client(&bench, producer_id, 0, 0, 1), 0);
		cr_assert_eq(feed(&bench, data(producer_id, 0, 50, bench.log_end, 1), NULL, origins[i], 2),
		             0);
		cr_assert_eq(feed(&bench, data(producer_id, 1, 9, bench.log_end, 1), NULL, origins[i], 2), 0);
		cr_assert_eq(get(&bench, producer_id).batches[0].last_sequence, 9);
	}
	bench_fini(&bench);
}

Test(producer_append, version_2_begins_at_sequence_0)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(feed(&bench, txn_data(1, 0, 5, 0, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 2),
	             LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_str_eq(bench.error.text,
	                 "Invalid sequence number for producer 1 at offset 0 in partition t-0: 5 (incoming "
	                 "seq. number). Expected sequence 0 for transactions v2 idempotent producer with no "
	                 "existing state.");
	cr_assert_eq(bench.error.offset, 0);
	cr_assert_eq(ls_producer_state_count(bench.state), 0);
	cr_assert_eq(feed(&bench, txn_data(2, 0, 5, 0, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 1), 0);
	cr_assert_eq(feed(&bench, data(3, 0, 5, 1, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 2), 0); /* plain */
	cr_assert_eq(feed(&bench, txn_data(1, 0, 0, 2, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 2), 0);
	cr_assert_eq(feed(&bench, txn_data(1, 0, 1, 3, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 2), 0);
	bench_fini(&bench);
}

/* ---- Epochs ----------------------------------------------------------------------------------------- */

Test(producer_append, data_of_a_stale_epoch)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 5, 0, 1), 0);
	cr_assert_eq(client(&bench, 1, 4, 1, 1), LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_str_eq(bench.error.text, STALE_5_AT("<", "TV-1"));
	cr_assert_eq(client_txn(&bench, 1, 4, 1, 1), LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_str_eq(bench.error.text, STALE_5);
	cr_assert_eq(feed(&bench, data(1, 4, -1, 1, 1), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0),
	             LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_str_eq(bench.error.text, STALE_5_AT("<", "TV-1"));
	cr_assert_eq(feed(&bench, txn_data(1, 4, -1, 1, 1), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0),
	             LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_eq(get(&bench, 1).epoch, 5);
	/* The leader took it: a follower takes it too, and then has the lower epoch. */
	cr_assert_eq(feed(&bench, data(1, 4, 1, 1, 1), NULL, LOGSTORE_ORIGIN_REPLICATION, 0), 0);
	cr_assert_eq(get(&bench, 1).epoch, 4);
	cr_assert_eq(get(&bench, 1).batch_count, 1);
	cr_assert_eq(feed(&bench, data(1, 3, 1, 2, 1), NULL, LOGSTORE_ORIGIN_RAFT_LEADER, 0), 0);
	cr_assert_eq(get(&bench, 1).epoch, 3);
	bench_fini(&bench);
}

/* Markers of epochs around the current one, with and without an open transaction, per version and origin. */
Test(producer_append, epochs_of_markers)
{
	static const struct {
		int current, epoch, txn_version;
		bool open, accepted;
		const char *refusal;
	} cases[] = {
		{5, 6, 0, true, true, NULL},       {5, 5, 0, true, true, NULL},  {5, 5, 1, true, true, NULL},
		{5, 5, 0, false, true, NULL},      {5, 5, 1, false, true, NULL},
		{5, 4, 0, true, false, STALE_5},
		{5, 4, 1, false, false, STALE_5},
		{5, 6, 2, true, true, NULL},       {5, 6, 2, false, true, NULL}, {5, 5, 2, false, true, NULL},
		{5, 5, 2, true, false,
		 "Epoch of producer 1 at offset 1 in t-0 is 5, which is <= the last seen epoch 5 (TV2)"},
		{5, 4, 2, true, false, STALE_5},
		{5, 4, 2, false, false, STALE_5},
		{INT16_MAX, INT16_MAX, 2, true, true, NULL},
		{INT16_MAX, INT16_MAX, 2, false, true, NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench bench;
		int r;

		bench_init(&bench);
		r = cases[i].open ? client_txn(&bench, 1, cases[i].current, 0, 1)
		                  : client(&bench, 1, cases[i].current, 0, 1);
		cr_assert_eq(r, 0);
		r = end_txn(&bench, 1, cases[i].epoch, true, 0, cases[i].txn_version);
		cr_assert_eq(r, cases[i].accepted ? 0 : LOGSTORE_E_INVALID_PRODUCER_EPOCH, "case %zu: %d", i,
		             r);
		if (!cases[i].accepted) {
			cr_assert_str_eq(bench.error.text, cases[i].refusal);
			cr_assert_eq(get(&bench, 1).epoch, cases[i].current);
			cr_assert_eq(get(&bench, 1).current_txn_first_offset,
			             cases[i].open ? 0 : LOGSTORE_NO_OFFSET);
		} else {
			cr_assert_eq(get(&bench, 1).epoch, cases[i].epoch);
			cr_assert_eq(get(&bench, 1).current_txn_first_offset, LOGSTORE_NO_OFFSET);
			cr_assert_eq(bench.append.completed_count, cases[i].open ? 1 : 0);
		}
		bench_fini(&bench);
	}
}

/* A stale marker that does not say it is transactional is caught by the second check. */
Test(producer_append, a_stale_marker_without_the_transactional_bit)
{
	struct logstore_control ctl = control(true, 0);
	struct logstore_batch_info batch = marker(1, 4, 1);
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client(&bench, 1, 5, 0, 1), 0);
	batch.transactional = false;
	cr_assert_eq(feed(&bench, batch, &ctl, LOGSTORE_ORIGIN_COORDINATOR, 1),
	             LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_str_eq(bench.error.text, STALE_5_AT("<", "TV1"));
	cr_assert_eq(feed(&bench, batch, &ctl, LOGSTORE_ORIGIN_COORDINATOR, 2),
	             LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_str_eq(bench.error.text, STALE_5_AT("<=", "TV2"));
	bench_fini(&bench);
}

Test(producer_append, followers_take_any_marker)
{
	static const enum logstore_origin origins[] = {
		LOGSTORE_ORIGIN_REPLICATION, LOGSTORE_ORIGIN_RAFT_LEADER,
	};

	for (size_t i = 0; i < 2; i++) {
		struct logstore_control stale = control(false, 3);
		struct bench bench;

		bench_init(&bench);
		cr_assert_eq(client_txn(&bench, 1, 5, 0, 1), 0);
		cr_assert_eq(end_txn(&bench, 1, 5, true, 9, 0), 0);
		cr_assert_eq(client_txn(&bench, 1, 5, 1, 1), 0);
		cr_assert_eq(feed(&bench, marker(1, 4, 3), &stale, origins[i], 2), 0);
		cr_assert_eq(bench.append.completed_count, 1);
		cr_assert(bench.append.completed[0].aborted);
		cr_assert_eq(get(&bench, 1).epoch, 4);
		cr_assert_eq(get(&bench, 1).coordinator_epoch, 3);
		cr_assert_eq(get(&bench, 1).batch_count, 0);
		bench_fini(&bench);
	}
}

Test(producer_append, coordinator_epochs)
{
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client_txn(&bench, 1, 0, 0, 1), 0);
	cr_assert_eq(get(&bench, 1).coordinator_epoch, LOGSTORE_NO_EPOCH);
	cr_assert_eq(end_txn(&bench, 1, 0, true, 5, 0), 0);
	cr_assert_eq(get(&bench, 1).coordinator_epoch, 5);
	cr_assert_eq(client_txn(&bench, 1, 0, 1, 1), 0);
	cr_assert_eq(end_txn(&bench, 1, 0, true, 4, 0), LOGSTORE_E_TRANSACTION_COORDINATOR_FENCED);
	cr_assert_str_eq(bench.error.text, "Invalid coordinator epoch for producerId 1 at offset 3 in "
	                                   "partition t-0: 4 (zombie), 5 (current)");
	cr_assert_eq(get(&bench, 1).current_txn_first_offset, 2);
	cr_assert_eq(end_txn(&bench, 1, 0, true, 5, 0), 0);
	cr_assert_eq(end_txn(&bench, 1, 1, true, 7, 2), 0);
	cr_assert_eq(get(&bench, 1).coordinator_epoch, 7);
	bench_fini(&bench);
}

/* ---- Transactions ----------------------------------------------------------------------------------- */

Test(producer_append, a_plain_batch_within_a_transaction_is_refused_of_everyone)
{
	static const enum logstore_origin origins[] = {
		LOGSTORE_ORIGIN_CLIENT, LOGSTORE_ORIGIN_COORDINATOR, LOGSTORE_ORIGIN_REPLICATION,
		LOGSTORE_ORIGIN_RAFT_LEADER,
	};
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client_txn(&bench, 1, 0, 0, 2), 0);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(feed(&bench, data(1, 0, 2, 2, 1), NULL, origins[i], 0),
		             LOGSTORE_E_INVALID_TXN_STATE);
		cr_assert_str_eq(bench.error.text, "Expected transactional write from producer 1 at offset "
		                                   "(offset=2, segment=[-1:-1]) in partition t-0");
		cr_assert_eq(bench.error.offset, 2);
	}
	/* Sequence and epoch are looked at before. */
	cr_assert_eq(client(&bench, 1, 0, 9, 1), LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
	cr_assert_eq(client(&bench, 1, -1, 9, 1), LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	/* Also under a new epoch. */
	cr_assert_eq(client(&bench, 1, 1, 0, 1), LOGSTORE_E_INVALID_TXN_STATE);
	cr_assert_eq(get(&bench, 1).batch_count, 1);
	bench_fini(&bench);
}

Test(producer_append, what_says_nothing_about_a_producer)
{
	struct logstore_control kraft = {.type = LOGSTORE_CONTROL_LEADER_CHANGE, .coordinator_epoch = -1};
	struct logstore_control commits = control(true, 0);
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(feed(&bench, data(-1, -1, -1, 0, 1), NULL, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(feed(&bench, marker(-1, -1, 1), &kraft, LOGSTORE_ORIGIN_RAFT_LEADER, 0), 0);
	cr_assert_eq(feed(&bench, marker(-1, -1, 1), &commits, LOGSTORE_ORIGIN_COORDINATOR, 0), 0);
	cr_assert_eq(feed(&bench, marker(1, 0, 2), &kraft, LOGSTORE_ORIGIN_REPLICATION, 0), 0);
	cr_assert_eq(feed(&bench, marker(1, 0, 3), NULL, LOGSTORE_ORIGIN_REPLICATION, 0), 0); /* cleaned */
	cr_assert_eq(ls_producer_state_count(bench.state), 0);
	cr_assert_eq(bench.append.staged_count, 0);
	/* Not even a stale epoch is noticed then. */
	cr_assert_eq(client(&bench, 1, 5, 0, 1), 0);
	cr_assert_eq(feed(&bench, marker(1, 0, 5), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0), 0);
	cr_assert_eq(get(&bench, 1).epoch, 5);
	bench_fini(&bench);
}

/* Clients send no markers, but should one come in as theirs, it is no repeat of data. */
Test(producer_append, a_clients_marker_is_no_duplicate)
{
	struct logstore_control commits = control(true, 0);
	struct logstore_batch_info batch = marker(1, 0, 1);
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(client_txn(&bench, 1, 0, 0, 1), 0);
	batch.base_sequence = 0;
	batch.last_sequence = 0;
	cr_assert_eq(feed(&bench, batch, &commits, LOGSTORE_ORIGIN_CLIENT, 0), 0);
	cr_assert_eq(bench.append.completed_count, 1);
	bench_fini(&bench);
}

Test(producer_append, an_append_never_used)
{
	struct ls_producer_append append = {.state = NULL};

	ls_producer_append_fini(&append);
	cr_assert_null(append.staged);
	cr_assert_null(append.completed);
}

Test(producer_append, a_marker_without_a_transaction)
{
	struct bench bench;
	struct logstore_producer_info info;

	bench_init(&bench);
	cr_assert_eq(end_txn(&bench, 1, 3, false, 2, 0), 0);
	cr_assert_eq(bench.append.completed_count, 0);
	info = get(&bench, 1);
	cr_assert_eq(info.epoch, 3);
	cr_assert_eq(info.coordinator_epoch, 2);
	cr_assert_eq(info.last_timestamp, 1000);
	cr_assert_eq(info.batch_count, 0);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), LOGSTORE_NO_OFFSET);
	bench_fini(&bench);
}

/* ---- Appends of several batches --------------------------------------------------------------------- */

Test(producer_append, batches_of_one_append_build_on_each_other)
{
	struct logstore_control aborts = control(false, 1);
	struct bench bench;
	struct logstore_producer_info info;

	bench_init(&bench);
	for (int32_t i = 0; i < 7; i++)
		cr_assert_eq(follow(&bench, txn_data(1, 0, i, i, 1), NULL), 0);
	cr_assert_eq(follow(&bench, data(1, 0, 7, 7, 1), NULL),
	             LOGSTORE_E_INVALID_TXN_STATE);
	cr_assert_eq(follow(&bench, marker(1, 0, 7), &aborts), 0);
	cr_assert_eq(follow(&bench, data(1, 0, 7, 8, 1), NULL), 0);
	cr_assert_eq(follow(&bench, txn_data(2, 0, 0, 9, 1), NULL), 0);
	cr_assert_eq(ls_producer_state_count(bench.state), 0);
	cr_assert_eq(bench.append.staged_count, 2);
	commit(&bench);
	info = get(&bench, 1);
	cr_assert_eq(info.batch_count, 5);
	cr_assert_eq(info.batches[0].first_sequence, 3);
	cr_assert_eq(info.batches[4].last_offset, 8);
	cr_assert_eq(info.coordinator_epoch, 1);
	cr_assert_eq(get(&bench, 2).current_txn_first_offset, 9);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 0);
	ls_producer_state_high_watermark(bench.state, 8);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 9);
	bench_fini(&bench);
}

/* A coordinator's second batch is held against the first one, not against the state before. */
Test(producer_append, staged_epochs_and_coordinators_count)
{
	struct logstore_control first = control(true, 5), second = control(true, 4);
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(judge(&bench, txn_data(1, 3, -1, 0, 1), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0), 0);
	cr_assert_eq(judge(&bench, txn_data(1, 2, -1, 1, 1), NULL, LOGSTORE_ORIGIN_COORDINATOR, 0),
	             LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_eq(judge(&bench, marker(1, 3, 1), &first, LOGSTORE_ORIGIN_COORDINATOR, 2),
	             LOGSTORE_E_INVALID_PRODUCER_EPOCH);
	cr_assert_eq(judge(&bench, marker(1, 4, 1), &first, LOGSTORE_ORIGIN_COORDINATOR, 2), 0);
	cr_assert_eq(judge(&bench, marker(1, 4, 2), &second, LOGSTORE_ORIGIN_COORDINATOR, 2),
	             LOGSTORE_E_TRANSACTION_COORDINATOR_FENCED);
	cr_assert_eq(bench.append.completed_count, 1);
	ls_producer_append_reset(&bench.append);
	cr_assert_eq(bench.append.staged_count, 0);
	cr_assert_eq(bench.append.completed_count, 0);
	commit(&bench);
	cr_assert_eq(ls_producer_state_count(bench.state), 0); /* nothing of it is left */
	bench_fini(&bench);
}

/*
 * Kafka merges all producers of an append before it looks at the completed transactions, in order, and takes
 * each out after looking: so one completed later still counts, and so does one begun behind the marker.
 */
Test(producer_append, last_stable_offsets_of_one_append)
{
	struct logstore_control aborts = control(false, 0);
	struct bench bench;
	const struct ls_completed_txn *done;

	bench_init(&bench);
	cr_assert_eq(client_txn(&bench, 9, 0, 0, 1), 0); /* 0: stays open */
	cr_assert_eq(client_txn(&bench, 1, 0, 0, 1), 0); /* 1 */
	cr_assert_eq(client_txn(&bench, 2, 0, 0, 1), 0); /* 2 */
	ls_producer_append_reset(&bench.append);
	cr_assert_eq(follow(&bench, marker(9, 0, 3), &aborts), 0);
	cr_assert_eq(follow(&bench, marker(2, 0, 4), &aborts), 0);
	cr_assert_eq(follow(&bench, txn_data(3, 0, 0, 5, 1), NULL), 0);
	cr_assert_eq(follow(&bench, marker(3, 0, 6), &aborts), 0);
	cr_assert_eq(follow(&bench, marker(1, 0, 7), &aborts), 0);
	cr_assert_eq(follow(&bench, data(8, 0, 0, 8, 2), NULL), 0);
	cr_assert_eq(follow(&bench, txn_data(3, 0, 1, 10, 1), NULL), 0);
	commit(&bench);
	done = bench.append.completed;
	cr_assert_eq(bench.append.completed_count, 4);
	cr_assert_eq(done[0].producer_id, 9);
	cr_assert_eq(done[0].last_stable_offset, 1); /* 1 is open still, though it ends in this append */
	cr_assert_eq(done[1].producer_id, 2);
	cr_assert_eq(done[1].last_stable_offset, 1);
	cr_assert_eq(done[2].producer_id, 3);
	cr_assert_eq(done[2].first_offset, 5);
	cr_assert_eq(done[2].last_stable_offset, 1);
	cr_assert_eq(done[3].producer_id, 1);
	cr_assert_eq(done[3].last_stable_offset, 10); /* begun behind its marker; not 8 */
	ls_producer_state_high_watermark(bench.state, 11);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 10);
	bench_fini(&bench);
}

/* A producer's own next transaction is not "of another". */
Test(producer_append, last_stable_offset_ignores_the_same_producer)
{
	struct logstore_control aborts = control(false, 0);
	struct bench bench;

	bench_init(&bench);
	for (int64_t offset = 0; offset < 20; offset += 2) {
		cr_assert_eq(follow(&bench, txn_data(1, 0, 0, offset, 1), NULL), 0);
		cr_assert_eq(follow(&bench, marker(1, 0, offset + 1), &aborts), 0);
	}
	cr_assert_eq(follow(&bench, txn_data(1, 0, 0, 20, 1), NULL), 0);
	commit(&bench);
	cr_assert_eq(bench.append.completed_count, 10);
	for (size_t i = 0; i < 10; i++) {
		cr_assert_eq(bench.append.completed[i].first_offset, (int64_t)i * 2);
		cr_assert_eq(bench.append.completed[i].last_stable_offset, (int64_t)i * 2 + 2);
	}
	ls_producer_state_high_watermark(bench.state, 15);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 14);
	ls_producer_state_high_watermark(bench.state, 21);
	cr_assert_eq(ls_producer_state_first_unstable(bench.state), 20);
	bench_fini(&bench);
}

/* ---- Memory that runs out ------------------------------------------------------------------------------ */

/*
 * A long append: 12 new producers, each of which ends one transaction and begins another, and the end of two
 * that were open. Each batch that finds no memory is tried again, as nothing of it may have stayed.
 */
static int long_append(struct bench *bench, bool try_again)
{
	struct logstore_control commits = control(true, 7);
	int64_t offset = bench->log_end;

	for (int64_t i = 0; i < 38; i++, offset++) {
		struct logstore_batch_info batch;
		size_t staged = bench->append.staged_count, completed = bench->append.completed_count;
		int r;

		if (i >= 36)
			batch = marker(i == 36 ? 20 : 5, 9, offset);
		else if (i % 3 == 1)
			batch = marker(100 + i / 3, 0, offset);
		else
			batch = txn_data(100 + i / 3, 0, 0, offset, 1);
		r = follow(bench, batch, batch.control ? &commits : NULL);
		if (r < 0) {
			cr_assert_eq(r, -ENOMEM);
			cr_assert_eq(bench->error.code, -ENOMEM);
			cr_assert_eq(bench->append.staged_count, staged);
			cr_assert_eq(bench->append.completed_count, completed);
			if (!try_again)
				return r;
			r = follow(bench, batch, batch.control ? &commits : NULL);
			cr_assert_eq(r, 0);
		}
	}
	return 0;
}

static void assert_long_append_done(const struct bench *bench)
{
	cr_assert_eq(ls_producer_state_count(bench->state), 18);
	cr_assert_eq(bench->append.completed_count, 14);
	for (int64_t id = 100; id < 112; id++) {
		cr_assert_eq(get(bench, id).batch_count, 2);
		cr_assert_eq(get(bench, id).coordinator_epoch, 7);
		cr_assert_eq(get(bench, id).current_txn_first_offset, bench->log_end + (id - 100) * 3 + 2);
	}
	cr_assert_eq(get(bench, 5).current_txn_first_offset, LOGSTORE_NO_OFFSET);
	cr_assert_eq(get(bench, 20).epoch, 9);
}

static void sweep_append(bool try_again)
{
	bool failed = true;
	long sweeps = 0;

	while (failed) {
		struct bench bench;
		struct view before;
		int r;

		bench_init(&bench);
		populate(&bench);
		view_init(&before, &bench);
		ls_producer_append_fini(&bench.append); /* so that also its first arrays are asked for */
		ls_producer_append_init(&bench.append, bench.state);
		fail_later(&bench, ++sweeps);
		r = long_append(&bench, try_again);
		if (r == 0) {
			assert_unchanged(&before, &bench);
			r = ls_producer_append_prepare(&bench.append);
		}
		if (r < 0) {
			cr_assert_eq(r, -ENOMEM);
			assert_unchanged(&before, &bench);
			ls_producer_append_reset(&bench.append);
			cr_assert_eq(long_append(&bench, true), 0);
			cr_assert_eq(ls_producer_append_prepare(&bench.append), 0);
		}
		failed = has_failed(&bench);
		fail_later(&bench, 1); /* commit needs nothing */
		ls_producer_append_commit(&bench.append);
		cr_assert_not(has_failed(&bench));
		assert_long_append_done(&bench);
		ls_buf_fini(&before.snapshot);
		bench_fini(&bench);
	}
	cr_assert_gt(sweeps, 8);
}

Test(producer_append, no_memory_for_an_append)
{
	sweep_append(false);
}

Test(producer_append, no_memory_for_one_batch_of_an_append)
{
	sweep_append(true);
}
