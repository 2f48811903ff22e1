/*
 * Judging an append against what is known of its producers, and staging what it changes.
 *
 * A batch is judged completely before anything of it is staged, so a refused one leaves the append as it
 * was. Staged producers are whole copies with the changes applied; commit puts them into the state. Texts of
 * refusals are Kafka's, word for word and blank for blank: clients and operators search for them.
 *
 * Kafka refuses nothing of a follower's append but a batch that does not belong to its open transaction; what
 * the leader has accepted is in the log already. That goes for REPLICATION and RAFT_LEADER here.
 * Threads: the partition's append lock. Failure: refusals, and out of memory; both change nothing.
 */
#include "partition/producer_state.h"

#include <errno.h>
#include <inttypes.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "partition/producer_state_internal.h"

#define FIRST_STAGED 4u
#define NO_STAGED UINT32_MAX

/*
 * One producer of the append. The array is a hash table too: element b also holds the head of chain b, so
 * that a large fetch of many producers is staged in linear time with no second allocation.
 */
struct staged {
	struct ls_producer producer;
	uint32_t next; /* of the chain this producer is on */
	uint32_t head; /* of the chain numbered like this element */
};

/* A batch with all that it is judged by. */
struct judged {
	const struct logstore_batch_info *batch;
	const struct logstore_control *control;
	const struct ls_producer *known;   /* before the append */
	const struct ls_producer *current; /* after the batches staged so far */
	enum logstore_origin origin;
	int txn_version;
	const char *where;
	struct logstore_error *error;
};

static bool has_open_txn(const struct ls_producer *producer)
{
	return producer->txn_first_offset != LOGSTORE_NO_OFFSET;
}

static bool is_marker(const struct logstore_control *control)
{
	return control->type == LOGSTORE_CONTROL_ABORT || control->type == LOGSTORE_CONTROL_COMMIT;
}

static bool was_judged_by_leader(enum logstore_origin origin)
{
	return origin == LOGSTORE_ORIGIN_REPLICATION || origin == LOGSTORE_ORIGIN_RAFT_LEADER;
}

/* ---- The staged producers --------------------------------------------------------------------------- */

static uint32_t *chain_head(const struct ls_producer_append *append, int64_t producer_id)
{
	return &append->staged[(size_t)ls_producer_hash(producer_id) & (append->staged_capacity - 1)].head;
}

static struct staged *find_staged(const struct ls_producer_append *append, int64_t producer_id)
{
	uint32_t index;

	if (append->staged_count == 0)
		return NULL;
	index = *chain_head(append, producer_id);
	while (index != NO_STAGED && append->staged[index].producer.producer_id != producer_id)
		index = append->staged[index].next;
	return index == NO_STAGED ? NULL : &append->staged[index];
}

static void link_staged(struct ls_producer_append *append, size_t index)
{
	struct staged *staged = &append->staged[index];
	uint32_t *head = chain_head(append, staged->producer.producer_id);

	staged->next = *head;
	*head = (uint32_t)index;
}

static int grow_staged(struct ls_producer_append *append)
{
	size_t capacity = append->staged_capacity ? append->staged_capacity * 2 : FIRST_STAGED;
	struct staged *staged;

	if (capacity > UINT32_MAX / 2)
		return -ENOMEM;
	staged = ls_realloc(append->state->env, append->staged, capacity, sizeof *staged);
	if (!staged)
		return -ENOMEM;
	append->staged = staged;
	append->staged_capacity = capacity;
	for (size_t i = 0; i < capacity; i++)
		staged[i].head = NO_STAGED;
	for (size_t i = 0; i < append->staged_count; i++)
		link_staged(append, i);
	return 0;
}

/* The staged copy of a producer, made from `current` if there is none yet; NULL without memory. */
static struct ls_producer *stage_producer(struct ls_producer_append *append,
                                          const struct ls_producer *current)
{
	struct staged *staged = find_staged(append, current->producer_id);

	if (staged)
		return &staged->producer;
	if (append->staged_count == append->staged_capacity && grow_staged(append) < 0)
		return NULL;
	staged = &append->staged[append->staged_count];
	staged->producer = *current;
	link_staged(append, append->staged_count);
	append->staged_count++;
	return &staged->producer;
}

static int reserve_completed(struct ls_producer_append *append)
{
	size_t capacity = append->completed_capacity ? append->completed_capacity * 2 : FIRST_STAGED;
	struct ls_completed_txn *completed;

	if (append->completed_count < append->completed_capacity)
		return 0;
	completed = ls_realloc(append->state->env, append->completed, capacity, sizeof *completed);
	if (!completed)
		return -ENOMEM;
	append->completed = completed;
	append->completed_capacity = capacity;
	return 0;
}

void ls_producer_append_init(struct ls_producer_append *append, struct ls_producer_state *state)
{
	*append = (struct ls_producer_append){.state = state};
}

void ls_producer_append_reset(struct ls_producer_append *append)
{
	/* Only what was used: after one large append every small one would pay for its array. */
	for (size_t i = 0; i < append->staged_count; i++)
		*chain_head(append, append->staged[i].producer.producer_id) = NO_STAGED;
	append->staged_count = 0;
	append->completed_count = 0;
}

void ls_producer_append_fini(struct ls_producer_append *append)
{
	if (append->state) {
		(void)ls_free(append->state->env, append->staged);
		(void)ls_free(append->state->env, append->completed);
	}
	*append = (struct ls_producer_append){.state = append->state};
}

/* ---- Judging ---------------------------------------------------------------------------------------- */

static bool find_duplicate(const struct judged *judged, struct ls_producer_duplicate *ret_duplicate)
{
	const struct logstore_batch_info *batch = judged->batch;
	const struct ls_producer *known = judged->known;

	if (known->epoch != batch->producer_epoch || batch->base_sequence == LOGSTORE_NO_SEQUENCE)
		return false;
	for (size_t i = 0; i < known->batch_count; i++) {
		const struct ls_producer_batch *cached = &known->batches[i];

		if (cached->last_sequence != batch->last_sequence ||
		    ls_producer_batch_first_sequence(cached) != batch->base_sequence)
			continue;
		*ret_duplicate = (struct ls_producer_duplicate){
			.first_offset = cached->last_offset - cached->offset_delta,
			.last_offset = cached->last_offset,
			.timestamp = cached->timestamp,
		};
		return true;
	}
	return false;
}

static int refuse_epoch(const struct judged *judged, const char *comparison, int txn_version)
{
	return ls_error(judged->error, LOGSTORE_E_INVALID_PRODUCER_EPOCH,
	                "Epoch of producer %" PRId64 " at offset %" PRId64
	                " in %s is %d, which is %s the last seen epoch %d (TV%d)",
	                judged->batch->producer_id, judged->batch->base_offset, judged->where,
	                judged->batch->producer_epoch, comparison, judged->current->epoch, txn_version);
}

/* What a leader checks of everything transactional, markers too, before it looks closer. */
static int check_transactional(const struct judged *judged)
{
	const struct logstore_batch_info *batch = judged->batch;

	if (!batch->transactional || was_judged_by_leader(judged->origin))
		return 0;
	if (batch->producer_epoch >= judged->known->epoch)
		return 0;
	return ls_error(judged->error, LOGSTORE_E_INVALID_PRODUCER_EPOCH,
	                "Epoch of producer %" PRId64 " is %d, which is smaller than the last seen epoch %d",
	                batch->producer_id, batch->producer_epoch, judged->known->epoch);
}

static bool is_next_sequence(int32_t last, int32_t next)
{
	return last == INT32_MAX ? next == 0 : next == last + 1;
}

static int check_sequence(const struct judged *judged)
{
	const struct logstore_batch_info *batch = judged->batch;
	const struct ls_producer *current = judged->current;
	int32_t last = LOGSTORE_NO_SEQUENCE;

	if (judged->txn_version >= 2 && batch->transactional && batch->base_sequence != 0 &&
	    judged->known->batch_count == 0)
		return ls_error(judged->error, LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER,
		                "Invalid sequence number for producer %" PRId64 " at offset %" PRId64
		                " in partition %s: %" PRId32 " (incoming seq. number). Expected sequence 0 "
		                "for transactions v2 idempotent producer with no existing state.",
		                batch->producer_id, batch->base_offset, judged->where, batch->base_sequence);
	if (batch->producer_epoch != current->epoch) {
		if (batch->base_sequence == 0 || current->epoch == LOGSTORE_NO_EPOCH)
			return 0;
		/* Kafka has no blank before "at". */
		return ls_error(judged->error, LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER,
		                "Invalid sequence number for new epoch of producer %" PRId64
		                "at offset %" PRId64 " in partition %s: %d (request epoch), %" PRId32
		                " (seq. number), %d (current producer epoch)",
		                batch->producer_id, batch->base_offset, judged->where, batch->producer_epoch,
		                batch->base_sequence, current->epoch);
	}
	if (current->batch_count > 0)
		last = current->batches[current->batch_count - 1].last_sequence;
	if (judged->known->epoch == LOGSTORE_NO_EPOCH || is_next_sequence(last, batch->base_sequence))
		return 0;
	return ls_error(judged->error, LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER,
	                "Out of order sequence number for producer %" PRId64 " at offset %" PRId64
	                " in partition %s: %" PRId32 " (incoming seq. number), %" PRId32
	                " (current end sequence number)",
	                batch->producer_id, batch->base_offset, judged->where, batch->base_sequence, last);
}

static int check_data(const struct judged *judged)
{
	const struct logstore_batch_info *batch = judged->batch;

	/* Data does not say its transaction's version: Kafka prints its "unknown", -1. */
	if (batch->producer_epoch < judged->current->epoch && !was_judged_by_leader(judged->origin))
		return refuse_epoch(judged, "<", -1);
	if (judged->origin == LOGSTORE_ORIGIN_CLIENT) {
		int r = check_sequence(judged);

		if (r < 0)
			return r;
	}
	if (has_open_txn(judged->current) && !batch->transactional)
		return ls_error(judged->error, LOGSTORE_E_INVALID_TXN_STATE,
		                "Expected transactional write from producer %" PRId64
		                " at offset (offset=%" PRId64 ", segment=[-1:-1]) in partition %s",
		                batch->producer_id, batch->base_offset, judged->where);
	return 0;
}

/*
 * Under version 2 the coordinator raises the epoch with every transaction, so a marker of the current epoch
 * is late, unless it repeats the one that ended the transaction. The last epoch cannot be raised.
 */
static bool is_marker_epoch_fine(const struct judged *judged)
{
	int16_t epoch = judged->batch->producer_epoch;
	int16_t current = judged->current->epoch;

	if (epoch != current)
		return epoch > current;
	return judged->txn_version < 2 || !has_open_txn(judged->current) || epoch == INT16_MAX;
}

static int check_marker(const struct judged *judged)
{
	const struct logstore_batch_info *batch = judged->batch;

	if (was_judged_by_leader(judged->origin))
		return 0;
	if (!is_marker_epoch_fine(judged))
		return refuse_epoch(judged, judged->txn_version >= 2 ? "<=" : "<", judged->txn_version);
	if (judged->control->coordinator_epoch >= judged->current->coordinator_epoch)
		return 0;
	return ls_error(judged->error, LOGSTORE_E_TRANSACTION_COORDINATOR_FENCED,
	                "Invalid coordinator epoch for producerId %" PRId64 " at offset %" PRId64
	                " in partition %s: %" PRId32 " (zombie), %" PRId32 " (current)",
	                batch->producer_id, batch->base_offset, judged->where,
	                judged->control->coordinator_epoch, judged->current->coordinator_epoch);
}

/* ---- Staging ---------------------------------------------------------------------------------------- */

static void set_epoch(struct ls_producer *producer, int16_t epoch)
{
	if (producer->epoch == epoch)
		return;
	producer->epoch = epoch;
	producer->batch_count = 0; /* I1 */
}

static void add_data(struct ls_producer *producer, const struct logstore_batch_info *batch)
{
	set_epoch(producer, batch->producer_epoch);
	if (producer->batch_count == LOGSTORE_PRODUCER_BATCHES) {
		memmove(&producer->batches[0], &producer->batches[1],
		        (LOGSTORE_PRODUCER_BATCHES - 1) * sizeof producer->batches[0]);
		producer->batch_count--;
	}
	producer->batches[producer->batch_count++] = (struct ls_producer_batch){
		.last_offset = batch->last_offset,
		.timestamp = batch->max_timestamp,
		.last_sequence = batch->last_sequence,
		.offset_delta = (int32_t)(batch->last_offset - batch->base_offset),
	};
	producer->last_timestamp = batch->max_timestamp;
	if (batch->transactional && !has_open_txn(producer))
		producer->txn_first_offset = batch->base_offset;
}

/* A marker without a transaction changes the producer but completes nothing. */
static void add_marker(struct ls_producer_append *append, struct ls_producer *producer,
                       const struct judged *judged)
{
	const struct logstore_batch_info *batch = judged->batch;

	if (has_open_txn(producer)) {
		append->completed[append->completed_count++] = (struct ls_completed_txn){
			.producer_id = producer->producer_id,
			.first_offset = producer->txn_first_offset,
			.last_offset = batch->base_offset,
			.last_stable_offset = LOGSTORE_NO_OFFSET,
			.aborted = judged->control->type == LOGSTORE_CONTROL_ABORT,
		};
		producer->txn_first_offset = LOGSTORE_NO_OFFSET;
	}
	set_epoch(producer, batch->producer_epoch);
	producer->coordinator_epoch = judged->control->coordinator_epoch;
	producer->last_timestamp = batch->max_timestamp;
}

static int stage(struct ls_producer_append *append, const struct judged *judged)
{
	struct ls_producer *producer;

	if (judged->control && reserve_completed(append) < 0)
		return ls_error(judged->error, -ENOMEM, "no memory to stage a marker");
	producer = stage_producer(append, judged->current);
	if (!producer)
		return ls_error(judged->error, -ENOMEM, "no memory to stage a producer");
	if (judged->control)
		add_marker(append, producer, judged);
	else
		add_data(producer, judged->batch);
	return 0;
}

static int judge(const struct judged *judged)
{
	int r = check_transactional(judged);

	if (r == 0)
		r = judged->control ? check_marker(judged) : check_data(judged);
	return ls_error_at(judged->error, r, NULL, -1, judged->batch->base_offset);
}

int ls_producer_append_batch(struct ls_producer_append *append, const struct logstore_batch_info *batch,
                             const struct logstore_control *control, enum logstore_origin origin,
                             int txn_version, const char *where,
                             struct ls_producer_duplicate *ret_duplicate, struct logstore_error *ret_error)
{
	const struct ls_producer unknown = ls_producer_unknown(batch->producer_id);
	const struct ls_producer *known;
	const struct staged *staged;
	struct judged judged = {
		.batch = batch,
		.control = batch->control ? control : NULL,
		.origin = origin,
		.txn_version = txn_version,
		.where = where,
		.error = ret_error,
	};
	int r;

	if (batch->producer_id < 0)
		return 0;
	/* Control records that end no transaction (KRaft's, later kinds) say nothing about a producer. */
	if (batch->control && !(control && is_marker(control)))
		return 0;
	known = ls_producer_find(append->state, batch->producer_id);
	staged = find_staged(append, batch->producer_id);
	judged.known = known ? known : &unknown;
	judged.current = staged ? &staged->producer : judged.known;
	if (origin == LOGSTORE_ORIGIN_CLIENT && append->staged_count == 0 && !batch->control &&
	    find_duplicate(&judged, ret_duplicate))
		return 1;
	r = judge(&judged);
	return r < 0 ? r : stage(append, &judged);
}

/* ---- Prepare and commit ----------------------------------------------------------------------------- */

static struct ls_txn completed_txn(const struct ls_completed_txn *completed)
{
	return (struct ls_txn){
		.first_offset = completed->first_offset,
		.last_offset = completed->last_offset,
		.producer_id = completed->producer_id,
	};
}

/* The transaction that a staged producer has opened in this append and left open, if there is one. */
static bool find_opened(const struct ls_producer_append *append, size_t index, struct ls_txn *ret_txn)
{
	const struct ls_producer *producer = &append->staged[index].producer;

	if (!has_open_txn(producer) ||
	    ls_txn_list_contains(&append->state->open, producer->txn_first_offset, producer->producer_id))
		return false;
	*ret_txn = (struct ls_txn){
		.first_offset = producer->txn_first_offset,
		.last_offset = LOGSTORE_NO_OFFSET,
		.producer_id = producer->producer_id,
	};
	return true;
}

/*
 * The transactions that count for last_stable_offset: Kafka first merges the producers of the whole append,
 * so that also transactions begun behind a marker are open when that marker is looked at, and then takes the
 * completed ones out one by one. Of those that were open before, more than completed_count + 1 are never
 * looked at: fewer than completed_count are taken out before, and one may be the asking producer's own.
 */
static int collect_open(const struct ls_producer_append *append, struct ls_txn_list *list)
{
	const struct ls_txn_list *open = &append->state->open;
	size_t old_count = append->completed_count + 1;
	struct ls_txn txn;
	int r;

	if (old_count > open->count)
		old_count = open->count;
	list->begin = 0;
	list->count = 0;
	r = ls_txn_list_reserve(append->state->env, list,
	                        old_count + append->completed_count + append->staged_count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < old_count; i++)
		ls_txn_list_append(list, ls_txn_list_at(open, i));
	for (size_t i = 0; i < append->completed_count; i++) {
		txn = completed_txn(&append->completed[i]);
		if (!ls_txn_list_contains(open, txn.first_offset, txn.producer_id))
			ls_txn_list_append(list, &txn);
	}
	for (size_t i = 0; i < append->staged_count; i++) {
		if (find_opened(append, i, &txn))
			ls_txn_list_append(list, &txn);
	}
	ls_txn_list_sort(list);
	return 0;
}

static int64_t first_of_others(const struct ls_txn_list *list, int64_t producer_id)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct ls_txn *txn = ls_txn_list_at(list, i);

		if (txn->producer_id != producer_id)
			return txn->first_offset;
	}
	return LOGSTORE_NO_OFFSET;
}

static int compute_last_stable_offsets(struct ls_producer_append *append)
{
	struct ls_txn_list *list = &append->state->scratch;
	int r;

	if (append->completed_count == 0)
		return 0;
	r = collect_open(append, list);
	if (r < 0)
		return r;
	for (size_t i = 0; i < append->completed_count; i++) {
		struct ls_completed_txn *txn = &append->completed[i];
		int64_t open = first_of_others(list, txn->producer_id);

		txn->last_stable_offset = open != LOGSTORE_NO_OFFSET ? open : txn->last_offset + 1;
		/* It is not there if it lies behind the ones collected. */
		(void)ls_txn_list_remove(list, txn->first_offset, txn->producer_id);
	}
	return 0;
}

/* May move the state's arrays (their content stays), so readers are kept out here as they are at commit. */
int ls_producer_append_prepare(struct ls_producer_append *append)
{
	struct ls_producer_state *state = append->state;
	size_t added = 0;
	int r;

	for (size_t i = 0; i < append->staged_count; i++) {
		if (!ls_producer_find(state, append->staged[i].producer.producer_id))
			added++;
	}
	r = ls_producer_reserve(state, added);
	if (r == 0)
		r = ls_txn_list_reserve(state->env, &state->open, append->staged_count);
	if (r == 0)
		r = ls_txn_list_reserve(state->env, &state->completed, append->completed_count);
	if (r == 0)
		r = compute_last_stable_offsets(append);
	return r;
}

void ls_producer_append_commit(struct ls_producer_append *append)
{
	struct ls_producer_state *state = append->state;
	struct ls_txn txn;

	for (size_t i = 0; i < append->completed_count; i++) {
		LS_ASSERT(append->completed[i].last_stable_offset != LOGSTORE_NO_OFFSET); /* prepared */
		txn = completed_txn(&append->completed[i]);
		/* It is not there if it was opened by this append too. */
		(void)ls_txn_list_remove(&state->open, txn.first_offset, txn.producer_id);
		ls_txn_list_insert(&state->completed, &txn);
	}
	for (size_t i = 0; i < append->staged_count; i++) {
		if (find_opened(append, i, &txn))
			ls_txn_list_insert(&state->open, &txn);
		ls_producer_put(state, &append->staged[i].producer);
	}
}
