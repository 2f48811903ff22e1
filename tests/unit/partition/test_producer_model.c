/*
 * Producers against a naive model, under random appends of all origins, expiry, reloads and moves of the high
 * watermark and the log start. A failure names the seed of its sequence.
 */
#include "producer_bench.h"

TestSuite(producer_model, .fini = ts_check_leaks);

#define MODEL_PRODUCERS 5
#define MODEL_APPEND 8 /* batches */
#define MODEL_TXNS 512

struct model_producer {
	bool known;
	struct logstore_producer_info info;
};

/* Kafka's three maps, as arrays without order. */
struct model {
	struct model_producer producers[MODEL_PRODUCERS];
	struct ls_completed_txn open[MODEL_TXNS];
	struct ls_completed_txn completed[MODEL_TXNS];
	size_t open_count;
	size_t completed_count;
	int64_t log_end;
	int64_t high_watermark;
};

/* What an append does to the model: producers as they will be, transactions begun and ended in order. */
struct model_append {
	struct model_producer producers[MODEL_PRODUCERS];
	struct ls_completed_txn started[MODEL_APPEND];
	struct ls_completed_txn ended[MODEL_APPEND];
	size_t started_count;
	size_t ended_count;
	size_t staged; /* batches */
};

/* Which sequence is running, for the message of a failed comparison. */
static char model_run[64];

static int64_t model_id(size_t index)
{
	static const int64_t ids[MODEL_PRODUCERS] = {0, 1, 4000, INT64_C(1) << 40, INT64_MAX};

	return ids[index];
}

static void model_init(struct model *model)
{
	memset(model, 0, sizeof *model);
	for (size_t i = 0; i < MODEL_PRODUCERS; i++)
		model->producers[i].info = (struct logstore_producer_info){
			.producer_id = model_id(i),
			.epoch = -1,
			.coordinator_epoch = -1,
			.last_timestamp = -1,
			.current_txn_first_offset = -1,
		};
}

struct event {
	size_t producer;
	struct logstore_batch_info batch;
	struct logstore_control ctl;
	enum logstore_origin origin;
	int txn_version;
};

static int model_check_data(const struct event *event, const struct logstore_producer_info *before,
                            const struct logstore_producer_info *now)
{
	const struct logstore_batch_info *batch = &event->batch;
	bool leader = event->origin == LOGSTORE_ORIGIN_CLIENT || event->origin == LOGSTORE_ORIGIN_COORDINATOR;

	if (leader && batch->producer_epoch < now->epoch)
		return LOGSTORE_E_INVALID_PRODUCER_EPOCH;
	if (event->origin == LOGSTORE_ORIGIN_CLIENT) {
		int64_t expected = 0;
		bool same_epoch = batch->producer_epoch == now->epoch;
		bool free_choice = same_epoch ? before->epoch == -1 : now->epoch == -1;

		if (event->txn_version == 2 && batch->transactional && !before->batch_count)
			free_choice = false;
		if (same_epoch && now->batch_count)
			expected = (int64_t)now->batches[now->batch_count - 1].last_sequence + 1;
		if (expected > INT32_MAX)
			expected = 0;
		if (!free_choice && batch->base_sequence != expected)
			return LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER;
	}
	if (now->current_txn_first_offset >= 0 && !batch->transactional)
		return LOGSTORE_E_INVALID_TXN_STATE;
	return 0;
}

static int model_check_marker(const struct event *event, const struct logstore_producer_info *now)
{
	int16_t epoch = event->batch.producer_epoch;
	bool open = now->current_txn_first_offset >= 0;

	if (event->origin != LOGSTORE_ORIGIN_COORDINATOR)
		return 0;
	if (epoch < now->epoch)
		return LOGSTORE_E_INVALID_PRODUCER_EPOCH;
	if (event->txn_version == 2 && epoch == now->epoch && open && epoch != 32767)
		return LOGSTORE_E_INVALID_PRODUCER_EPOCH;
	if (event->ctl.coordinator_epoch < now->coordinator_epoch)
		return LOGSTORE_E_TRANSACTION_COORDINATOR_FENCED;
	return 0;
}

static void model_add_data(struct model_append *append, const struct event *event)
{
	const struct logstore_batch_info *batch = &event->batch;
	struct logstore_producer_info *info = &append->producers[event->producer].info;

	if (info->epoch != batch->producer_epoch)
		info->batch_count = 0;
	info->epoch = batch->producer_epoch;
	if (info->batch_count == 5) {
		for (size_t i = 0; i < 4; i++)
			info->batches[i] = info->batches[i + 1];
		info->batch_count = 4;
	}
	info->batches[info->batch_count].first_sequence = batch->base_sequence;
	info->batches[info->batch_count].last_sequence = batch->last_sequence;
	info->batches[info->batch_count].first_offset = batch->base_offset;
	info->batches[info->batch_count].last_offset = batch->last_offset;
	info->batches[info->batch_count].timestamp = batch->max_timestamp;
	info->batch_count++;
	info->last_timestamp = batch->max_timestamp;
	if (batch->transactional && info->current_txn_first_offset < 0) {
		info->current_txn_first_offset = batch->base_offset;
		append->started[append->started_count++] = (struct ls_completed_txn){
			.producer_id = info->producer_id, .first_offset = batch->base_offset};
	}
}

static void model_add_marker(struct model_append *append, const struct event *event)
{
	struct logstore_producer_info *info = &append->producers[event->producer].info;

	if (info->current_txn_first_offset >= 0)
		append->ended[append->ended_count++] = (struct ls_completed_txn){
			.producer_id = info->producer_id,
			.first_offset = info->current_txn_first_offset,
			.last_offset = event->batch.base_offset,
			.aborted = event->ctl.type == LOGSTORE_CONTROL_ABORT,
		};
	info->current_txn_first_offset = -1;
	if (info->epoch != event->batch.producer_epoch)
		info->batch_count = 0;
	info->epoch = event->batch.producer_epoch;
	info->coordinator_epoch = event->ctl.coordinator_epoch;
	info->last_timestamp = event->batch.max_timestamp;
}

/* The answer, with the duplicate if it is one; changes only the append. */
static int model_judge(const struct model *model, struct model_append *append, const struct event *event,
                       struct ls_producer_duplicate *ret_duplicate)
{
	const struct logstore_producer_info *before = &model->producers[event->producer].info;
	const struct logstore_producer_info *now = &append->producers[event->producer].info;
	int r;

	if (event->origin == LOGSTORE_ORIGIN_CLIENT && append->staged == 0 &&
	    before->epoch == event->batch.producer_epoch) {
		for (size_t i = 0; i < before->batch_count; i++) {
			if (before->batches[i].first_sequence == event->batch.base_sequence &&
			    before->batches[i].last_sequence == event->batch.last_sequence) {
				ret_duplicate->first_offset = before->batches[i].first_offset;
				ret_duplicate->last_offset = before->batches[i].last_offset;
				ret_duplicate->timestamp = before->batches[i].timestamp;
				return 1;
			}
		}
	}
	r = event->batch.control ? model_check_marker(event, now) : model_check_data(event, before, now);
	if (r < 0)
		return r;
	append->producers[event->producer].known = true;
	append->staged++;
	if (event->batch.control)
		model_add_marker(append, event);
	else
		model_add_data(append, event);
	return 0;
}

/* Kafka's order: all producers and all transactions begun, then the ended ones, one after the other. */
static void model_commit(struct model *model, struct model_append *append)
{
	memcpy(model->producers, append->producers, sizeof model->producers);
	for (size_t i = 0; i < append->started_count; i++)
		model->open[model->open_count++] = append->started[i];
	for (size_t i = 0; i < append->ended_count; i++) {
		struct ls_completed_txn *txn = &append->ended[i];
		size_t own = SIZE_MAX;
		int64_t oldest = INT64_MAX;

		for (size_t o = 0; o < model->open_count; o++) {
			const struct ls_completed_txn *open = &model->open[o];

			if (open->first_offset == txn->first_offset)
				own = o;
			if (open->producer_id != txn->producer_id && open->first_offset < oldest)
				oldest = open->first_offset;
		}
		txn->last_stable_offset = oldest != INT64_MAX ? oldest : txn->last_offset + 1;
		cr_assert_neq(own, SIZE_MAX);
		model->open[own] = model->open[--model->open_count];
		cr_assert_lt(model->completed_count, MODEL_TXNS);
		model->completed[model->completed_count++] = *txn;
	}
}

static void model_drop_completed(struct model *model, int64_t offset)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->completed_count; i++) {
		if (model->completed[i].last_offset >= offset)
			model->completed[kept++] = model->completed[i];
	}
	model->completed_count = kept;
}

static int64_t model_first_unstable(const struct model *model)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < model->open_count; i++)
		first = model->open[i].first_offset < first ? model->open[i].first_offset : first;
	for (size_t i = 0; i < model->completed_count; i++)
		first = model->completed[i].first_offset < first ? model->completed[i].first_offset : first;
	return first == INT64_MAX ? -1 : first;
}

static size_t model_expire(struct model *model, int64_t now_ms, int64_t expiration_ms)
{
	size_t expired = 0;

	for (size_t i = 0; i < MODEL_PRODUCERS; i++) {
		struct logstore_producer_info *info = &model->producers[i].info;

		if (!model->producers[i].known || info->current_txn_first_offset >= 0 ||
		    now_ms - info->last_timestamp < expiration_ms)
			continue;
		*info = (struct logstore_producer_info){.producer_id = model_id(i), .epoch = -1,
			.coordinator_epoch = -1, .last_timestamp = -1, .current_txn_first_offset = -1};
		model->producers[i].known = false;
		expired++;
	}
	return expired;
}

/* What a snapshot does not carry is gone. */
static void model_reload(struct model *model)
{
	for (size_t i = 0; i < MODEL_PRODUCERS; i++) {
		struct logstore_producer_info *info = &model->producers[i].info;

		if (info->batch_count == 0)
			continue;
		info->batches[0] = info->batches[info->batch_count - 1];
		info->batches[0].timestamp = info->last_timestamp;
		info->batch_count = 1;
	}
	model->completed_count = 0;
}

static void assert_like_model(const struct bench *bench, const struct model *model)
{
	struct logstore_producer_info infos[MODEL_PRODUCERS];
	size_t count = 0;

	for (size_t i = 0; i < MODEL_PRODUCERS; i++)
		count += model->producers[i].known;
	cr_assert_eq(ls_producer_state_count(bench->state), count, "%s", model_run);
	ls_producer_state_list(bench->state, infos);
	count = 0;
	for (size_t i = 0; i < MODEL_PRODUCERS; i++) {
		if (!model->producers[i].known)
			continue;
		cr_assert(same_info(&infos[count], &model->producers[i].info), "%s: %s, not %s", model_run,
		          show(&infos[count]), show(&model->producers[i].info));
		count++;
	}
	cr_assert_eq(ls_producer_state_first_unstable(bench->state), model_first_unstable(model), "%s",
	             model_run);
}

static bool one_in(struct ts_rng *rng, uint64_t bound)
{
	return ts_rng_below(rng, bound) == 0;
}

/* Mostly what a producer would send next, now and then something else. */
static struct event random_event(struct ts_rng *rng, const struct model_append *append,
                                 enum logstore_origin origin, int64_t offset)
{
	struct event event = {
		.producer = (size_t)ts_rng_below(rng, MODEL_PRODUCERS),
		.origin = origin,
		.txn_version = (int)ts_rng_below(rng, 3),
	};
	const struct logstore_producer_info *info = &append->producers[event.producer].info;
	int32_t count = 1 + (int32_t)ts_rng_below(rng, 3), sequence = 0;
	int epoch = info->epoch < 0 ? 0 : info->epoch;
	bool open = info->current_txn_first_offset >= 0;

	if (one_in(rng, 8) && epoch < INT16_MAX)
		epoch++;
	else if (one_in(rng, 12) && epoch > 0)
		epoch--;
	else if (one_in(rng, 200))
		epoch = INT16_MAX;
	if (info->batch_count > 0) {
		size_t cached = (size_t)ts_rng_below(rng, info->batch_count);

		sequence = ls_sequence_add(info->batches[info->batch_count - 1].last_sequence, 1);
		if (one_in(rng, 6)) { /* a repeat */
			sequence = info->batches[cached].first_sequence;
			count = 1 + (int32_t)(info->batches[cached].last_offset -
			                      info->batches[cached].first_offset);
		}
	}
	if (epoch != info->epoch)
		sequence = 0;
	if (one_in(rng, 20))
		sequence = (int32_t)ts_rng_below(rng, 20);
	else if (one_in(rng, 20))
		sequence = INT32_MAX - (int32_t)ts_rng_below(rng, 3);
	if (origin != LOGSTORE_ORIGIN_CLIENT && one_in(rng, open ? 2 : 5)) {
		event.batch = marker(model_id(event.producer), epoch, offset);
		event.ctl = control(one_in(rng, 2), info->coordinator_epoch + (one_in(rng, 6) ? 1 : 0) -
		                                    (one_in(rng, 10) ? 1 : 0));
	} else {
		event.batch = data(model_id(event.producer), epoch, sequence, offset, count);
		event.batch.transactional = open ? !one_in(rng, 10) : one_in(rng, 3);
	}
	event.batch.max_timestamp = (int64_t)ts_rng_below(rng, 1000) - 1;
	return event;
}

static void assert_completed(const struct ls_producer_append *append, const struct model_append *model)
{
	cr_assert_eq(append->completed_count, model->ended_count, "%s", model_run);
	for (size_t i = 0; i < append->completed_count; i++) {
		const struct ls_completed_txn *found = &append->completed[i], *want = &model->ended[i];

		cr_assert_eq(found->producer_id, want->producer_id, "%s", model_run);
		cr_assert_eq(found->first_offset, want->first_offset, "%s", model_run);
		cr_assert_eq(found->last_offset, want->last_offset, "%s", model_run);
		cr_assert_eq(found->last_stable_offset, want->last_stable_offset, "%s", model_run);
		cr_assert_eq(found->aborted, want->aborted, "%s", model_run);
	}
}

/* A whole append, of which refused batches leave no trace; one in eight is given up before its commit. */
static void random_append(struct ts_rng *rng, struct bench *bench, struct model *model)
{
	enum logstore_origin origin = (enum logstore_origin)ts_rng_below(rng, 4);
	size_t batches = origin == LOGSTORE_ORIGIN_CLIENT ? 1 : 1 + (size_t)ts_rng_below(rng, MODEL_APPEND);
	struct model_append trial = {.started_count = 0};
	int64_t offset = model->log_end;

	memcpy(trial.producers, model->producers, sizeof trial.producers);
	ls_producer_append_reset(&bench->append);
	for (size_t i = 0; i < batches; i++) {
		struct event event = random_event(rng, &trial, origin, offset);
		struct ls_producer_duplicate duplicate = {0};
		int want = model_judge(model, &trial, &event, &duplicate);
		int r = judge(bench, event.batch, event.batch.control ? &event.ctl : NULL, origin,
		              event.txn_version);

		cr_assert_eq(r, want, "%s: offset %" PRId64 ": %d, not %d", model_run, offset, r, want);
		if (r == 1) {
			cr_assert_eq(bench->duplicate.first_offset, duplicate.first_offset, "%s", model_run);
			cr_assert_eq(bench->duplicate.last_offset, duplicate.last_offset, "%s", model_run);
			cr_assert_eq(bench->duplicate.timestamp, duplicate.timestamp, "%s", model_run);
		}
		if (r == 0)
			offset = event.batch.last_offset + 1;
	}
	if (one_in(rng, 8))
		return;
	model_commit(model, &trial);
	model->log_end = offset + (int64_t)ts_rng_below(rng, 2); /* batches without a producer lie between */
	commit(bench);
	assert_completed(&bench->append, &trial);
}

static void random_step(struct ts_rng *rng, struct bench *bench, struct model *model)
{
	int64_t now_ms = (int64_t)ts_rng_below(rng, 1500), log_start;
	struct ls_buf out;
	uint64_t above;
	size_t expired;

	switch (ts_rng_below(rng, 16)) {
	case 0:
		above = (uint64_t)(model->log_end - model->high_watermark);
		model->high_watermark += (int64_t)ts_rng_below(rng, above + 1);
		model_drop_completed(model, model->high_watermark);
		ls_producer_state_high_watermark(bench->state, model->high_watermark);
		break;
	case 1:
		log_start = (int64_t)ts_rng_below(rng, (uint64_t)model->log_end + 1);
		model_drop_completed(model, log_start);
		ls_producer_state_log_start(bench->state, log_start);
		break;
	case 2:
		expired = model_expire(model, now_ms, 700);
		cr_assert_eq(ls_producer_state_expire(bench->state, now_ms, 700), expired, "%s", model_run);
		break;
	case 3:
		out = snapshot_of(bench->state, &bench->alloc.ls);
		(void)model_expire(model, now_ms, 700);
		model_reload(model);
		cr_assert_eq(ls_producer_state_load(bench->state, out.data, out.size, now_ms, 700, NULL), 0);
		ls_buf_fini(&out);
		break;
	default:
		random_append(rng, bench, model);
		break;
	}
	assert_like_model(bench, model);
}

/* The seed that a failure names, given as LOGSTORE_TEST_SEED, makes that sequence the first one. */
Test(producer_model, like_a_naive_model, .timeout = 600)
{
	static struct model model;
	struct ts_rng master;

	ts_rng_init(&master, 41);
	for (int sequence = 0; sequence < 20000; sequence++) {
		struct ts_rng rng = {.state = sequence == 0 ? master.state : ts_rng_next(&master)};
		struct bench bench;

		(void)snprintf(model_run, sizeof model_run, "sequence %d, seed %" PRIu64, sequence,
		               rng.state);
		model_init(&model);
		bench_init(&bench);
		for (int step = 0; step < 25; step++)
			random_step(&rng, &bench, &model);
		bench_fini(&bench);
	}
}
