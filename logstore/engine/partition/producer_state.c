/*
 * The producers of a partition: a dense array with a hash table of indexes into it, and the transactions
 * that hold back the last stable offset.
 *
 * Invariants
 *  S1 A slot holds the index of a producer or LS_PRODUCER_NO_INDEX; every producer has exactly one slot, and
 *     from its home slot to that one no slot is empty (linear probing; removal moves followers back).
 *  S2 `open` has one entry for every producer with an open transaction, and no other.
 * Memory: 152 bytes a producer and 4 a slot; with the spare room of growing at most about 250 in all.
 * Threads: the partition's lock covers everything. Failure: out of memory, and a snapshot that is damaged;
 * both leave the state as it was.
 */
#include "partition/producer_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/batch.h"
#include "format/snapshot.h"
#include "partition/producer_state_internal.h"

#define FIRST_CAPACITY 8u

/* ---- Transactions ----------------------------------------------------------------------------------- */

static int compare_txns(const void *left, const void *right)
{
	const struct ls_txn *a = left, *b = right;

	if (a->first_offset != b->first_offset)
		return a->first_offset < b->first_offset ? -1 : 1;
	return (a->producer_id > b->producer_id) - (a->producer_id < b->producer_id);
}

/* Index of the first entry that is not before `txn`. */
static size_t txn_place(const struct ls_txn_list *list, const struct ls_txn *txn)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_txns(ls_txn_list_at(list, middle), txn) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int ls_txn_list_reserve(const struct ls_env *env, struct ls_txn_list *list, size_t extra)
{
	struct ls_txn *array;
	size_t want, capacity;

	if (extra <= list->capacity - list->begin - list->count)
		return 0;
	if (__builtin_add_overflow(list->count, extra, &want))
		return -ENOMEM;
	/* A gap of half the array pays for moving what is behind it. */
	if (want <= list->capacity && list->begin >= list->capacity / 2) {
		memmove(list->array, list->array + list->begin, list->count * sizeof *list->array);
		list->begin = 0;
		return 0;
	}
	capacity = list->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : list->capacity + list->capacity / 2;
	if (capacity < want)
		capacity = want;
	array = ls_realloc(env, NULL, capacity, sizeof *array);
	if (!array)
		return -ENOMEM;
	if (list->count > 0)
		memcpy(array, list->array + list->begin, list->count * sizeof *array);
	(void)ls_free(env, list->array);
	*list = (struct ls_txn_list){.array = array, .count = list->count, .capacity = capacity};
	return 0;
}

void ls_txn_list_append(struct ls_txn_list *list, const struct ls_txn *txn)
{
	LS_ASSERT(list->count < list->capacity - list->begin);
	*ls_txn_list_at(list, list->count) = *txn;
	list->count++;
}

void ls_txn_list_sort(struct ls_txn_list *list)
{
	if (list->count > 1)
		qsort(ls_txn_list_at(list, 0), list->count, sizeof *list->array, compare_txns);
}

void ls_txn_list_insert(struct ls_txn_list *list, const struct ls_txn *txn)
{
	size_t place = txn_place(list, txn);
	struct ls_txn *entry;

	LS_ASSERT(list->count < list->capacity - list->begin);
	entry = ls_txn_list_at(list, place);
	memmove(entry + 1, entry, (list->count - place) * sizeof *entry);
	*entry = *txn;
	list->count++;
}

static bool find_txn(const struct ls_txn_list *list, int64_t first_offset, int64_t producer_id,
                     size_t *ret_index)
{
	struct ls_txn wanted = {.first_offset = first_offset, .producer_id = producer_id};
	size_t place = txn_place(list, &wanted);

	if (place == list->count || compare_txns(ls_txn_list_at(list, place), &wanted) != 0)
		return false;
	*ret_index = place;
	return true;
}

bool ls_txn_list_contains(const struct ls_txn_list *list, int64_t first_offset, int64_t producer_id)
{
	size_t index;

	return find_txn(list, first_offset, producer_id, &index);
}

bool ls_txn_list_remove(struct ls_txn_list *list, int64_t first_offset, int64_t producer_id)
{
	struct ls_txn *front, *entry;
	size_t index;

	if (!find_txn(list, first_offset, producer_id, &index))
		return false;
	entry = ls_txn_list_at(list, index);
	if (index < list->count / 2) {
		front = ls_txn_list_at(list, 0);
		memmove(front + 1, front, index * sizeof *front);
		list->begin++;
	} else {
		memmove(entry, entry + 1, (list->count - index - 1) * sizeof *entry);
	}
	list->count--;
	if (list->count == 0)
		list->begin = 0;
	return true;
}

static void free_txns(const struct ls_env *env, struct ls_txn_list *list)
{
	(void)ls_free(env, list->array);
	*list = (struct ls_txn_list){0};
}

/* ---- The table -------------------------------------------------------------------------------------- */

static size_t home_slot(const struct ls_producer_state *state, int64_t producer_id)
{
	return (size_t)ls_producer_hash(producer_id) & (state->slot_count - 1);
}

static size_t next_slot(const struct ls_producer_state *state, size_t slot)
{
	return (slot + 1) & (state->slot_count - 1);
}

/* The slot of a producer, or the empty one where it would go. There always is an empty one. */
static size_t find_slot(const struct ls_producer_state *state, int64_t producer_id)
{
	size_t slot = home_slot(state, producer_id);

	while (state->slots[slot] != LS_PRODUCER_NO_INDEX &&
	       state->producers[state->slots[slot]].producer_id != producer_id)
		slot = next_slot(state, slot);
	return slot;
}

struct ls_producer *ls_producer_find(const struct ls_producer_state *state, int64_t producer_id)
{
	uint32_t index;

	if (state->count == 0)
		return NULL;
	index = state->slots[find_slot(state, producer_id)];
	return index == LS_PRODUCER_NO_INDEX ? NULL : &state->producers[index];
}

static void fill_slots(struct ls_producer_state *state)
{
	memset(state->slots, 0xFF, state->slot_count * sizeof *state->slots); /* LS_PRODUCER_NO_INDEX */
	for (size_t i = 0; i < state->count; i++)
		state->slots[find_slot(state, state->producers[i].producer_id)] = (uint32_t)i;
}

/* Gives the table room for `capacity` producers, which is no less than there are. */
static int resize_table(struct ls_producer_state *state, size_t capacity)
{
	struct ls_producer *producers;
	size_t slot_count = 1;
	uint32_t *slots;

	LS_ASSERT(capacity > 0 && capacity >= state->count);
	if (capacity > UINT32_MAX / 4)
		return -ENOMEM;
	while (slot_count < capacity + capacity / 2) /* at most two thirds are taken */
		slot_count *= 2;
	slots = ls_calloc(state->env, slot_count, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	producers = ls_realloc(state->env, state->producers, capacity, sizeof *producers);
	if (!producers) {
		(void)ls_free(state->env, slots);
		return -ENOMEM;
	}
	(void)ls_free(state->env, state->slots);
	state->producers = producers;
	state->capacity = capacity;
	state->slots = slots;
	state->slot_count = slot_count;
	fill_slots(state);
	return 0;
}

int ls_producer_reserve(struct ls_producer_state *state, size_t extra)
{
	size_t want, capacity;

	if (extra <= state->capacity - state->count)
		return 0;
	if (__builtin_add_overflow(state->count, extra, &want))
		return -ENOMEM;
	capacity = state->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : state->capacity + state->capacity / 2;
	return resize_table(state, capacity < want ? want : capacity);
}

void ls_producer_put(struct ls_producer_state *state, const struct ls_producer *producer)
{
	struct ls_producer *known = ls_producer_find(state, producer->producer_id);

	if (known) {
		*known = *producer;
		return;
	}
	LS_ASSERT(state->producers != NULL && state->count < state->capacity);
	state->slots[find_slot(state, producer->producer_id)] = (uint32_t)state->count;
	state->producers[state->count++] = *producer;
}

/* Empties a slot and moves back what was pushed past it (S1). */
static void clear_slot(struct ls_producer_state *state, size_t hole)
{
	size_t mask = state->slot_count - 1;

	for (size_t slot = next_slot(state, hole); state->slots[slot] != LS_PRODUCER_NO_INDEX;
	     slot = next_slot(state, slot)) {
		size_t home = home_slot(state, state->producers[state->slots[slot]].producer_id);

		if (((slot - home) & mask) >= ((slot - hole) & mask)) {
			state->slots[hole] = state->slots[slot];
			hole = slot;
		}
	}
	state->slots[hole] = LS_PRODUCER_NO_INDEX;
}

/* The last producer of the array takes the place of the removed one. */
static void remove_producer(struct ls_producer_state *state, size_t index)
{
	size_t last = state->count - 1;

	LS_ASSERT(state->producers[index].txn_first_offset == LOGSTORE_NO_OFFSET); /* S2 */
	clear_slot(state, find_slot(state, state->producers[index].producer_id));
	if (index != last) {
		state->slots[find_slot(state, state->producers[last].producer_id)] = (uint32_t)index;
		state->producers[index] = state->producers[last];
	}
	state->count = last;
}

int ls_producer_state_new(const struct ls_env *env, struct ls_producer_state **ret_state)
{
	struct ls_producer_state *state = ls_alloc(env, sizeof *state);

	if (!state)
		return -ENOMEM;
	*state = (struct ls_producer_state){.env = env};
	*ret_state = state;
	return 0;
}

void ls_producer_state_clear(struct ls_producer_state *state)
{
	const struct ls_env *env = state->env;

	(void)ls_free(env, state->producers);
	(void)ls_free(env, state->slots);
	free_txns(env, &state->open);
	free_txns(env, &state->completed);
	free_txns(env, &state->scratch);
	*state = (struct ls_producer_state){.env = env};
}

struct ls_producer_state *ls_producer_state_free(struct ls_producer_state *state)
{
	const struct ls_env *env;

	if (!state)
		return NULL;
	env = state->env;
	ls_producer_state_clear(state);
	return ls_free(env, state);
}

size_t ls_producer_state_count(const struct ls_producer_state *state)
{
	return state->count;
}

/* ---- Snapshots and expiry --------------------------------------------------------------------------- */

static bool is_expired(int64_t timestamp, int64_t txn_first_offset, int64_t now_ms, int64_t expiration_ms)
{
	int64_t age;

	if (txn_first_offset >= 0)
		return false;
	if (__builtin_sub_overflow(now_ms, timestamp, &age))
		return timestamp < 0; /* further apart than numbers go */
	return age >= expiration_ms;
}

static int refuse_entry(struct logstore_error *error, uint32_t index, int64_t producer_id, const char *what)
{
	uint64_t position = LS_SNAPSHOT_HEADER_SIZE + (uint64_t)index * LS_SNAPSHOT_ENTRY_SIZE;

	return ls_corrupt(error, LOGSTORE_E_CORRUPT_FILE, NULL, (int64_t)position,
	                  "entry of producer %" PRId64 ": %s", producer_id, what);
}

/* Values that no writer produces, although the checksum is right; arithmetic relies on their absence. */
static int check_entry(const struct logstore_producer_entry *entry, uint32_t index,
                       struct logstore_error *ret_error)
{
	if (entry->producer_id < 0)
		return refuse_entry(ret_error, index, entry->producer_id, "its id is negative");
	if (entry->last_offset < 0)
		return 0;
	if (entry->offset_delta < 0 || entry->offset_delta > entry->last_offset)
		return refuse_entry(ret_error, index, entry->producer_id,
		                    "its last batch begins below offset 0 or behind its end");
	if (entry->last_sequence < LOGSTORE_NO_SEQUENCE)
		return refuse_entry(ret_error, index, entry->producer_id, "its last sequence is negative");
	return 0;
}

static struct ls_producer from_entry(const struct logstore_producer_entry *entry)
{
	struct ls_producer producer = ls_producer_unknown(entry->producer_id);

	producer.epoch = entry->producer_epoch;
	producer.coordinator_epoch = entry->coordinator_epoch;
	producer.last_timestamp = entry->timestamp;
	if (entry->current_txn_first_offset >= 0)
		producer.txn_first_offset = entry->current_txn_first_offset;
	if (entry->last_offset >= 0) {
		producer.batch_count = 1;
		producer.batches[0] = (struct ls_producer_batch){
			.last_offset = entry->last_offset,
			.timestamp = entry->timestamp,
			.last_sequence = entry->last_sequence,
			.offset_delta = entry->offset_delta,
		};
	}
	return producer;
}

static int load_entry(struct ls_producer_state *state, const struct logstore_producer_entry *entry,
                      uint32_t index, struct logstore_error *ret_error)
{
	struct ls_producer producer = from_entry(entry);
	struct ls_txn txn = {
		.first_offset = producer.txn_first_offset,
		.last_offset = LOGSTORE_NO_OFFSET,
		.producer_id = producer.producer_id,
	};

	if (ls_producer_find(state, producer.producer_id))
		return refuse_entry(ret_error, index, producer.producer_id, "there is another one");
	if (ls_producer_reserve(state, 1) < 0 || ls_txn_list_reserve(state->env, &state->open, 1) < 0)
		return ls_error(ret_error, -ENOMEM, "no memory for the producers of a snapshot");
	ls_producer_put(state, &producer);
	if (producer.txn_first_offset != LOGSTORE_NO_OFFSET)
		ls_txn_list_append(&state->open, &txn);
	return 0;
}

int ls_producer_state_load(struct ls_producer_state *state, const uint8_t *bytes, size_t size,
                           int64_t now_ms, int64_t expiration_ms, struct logstore_error *ret_error)
{
	struct ls_producer_state fresh = {.env = state->env};
	uint32_t count = 0;
	int r;

	r = ls_snapshot_check(bytes, size, &count, ret_error);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct logstore_producer_entry entry;

		ls_snapshot_entry(bytes, i, &entry);
		r = check_entry(&entry, i, ret_error);
		if (r == 0 &&
		    !is_expired(entry.timestamp, entry.current_txn_first_offset, now_ms, expiration_ms))
			r = load_entry(&fresh, &entry, i, ret_error);
	}
	if (r < 0) {
		ls_producer_state_clear(&fresh);
		return r;
	}
	ls_txn_list_sort(&fresh.open);
	ls_producer_state_clear(state);
	*state = fresh;
	return 0;
}

static int compare_entries(const void *left, const void *right)
{
	const struct logstore_producer_entry *a = left, *b = right;

	return (a->producer_id > b->producer_id) - (a->producer_id < b->producer_id);
}

static struct logstore_producer_entry to_entry(const struct ls_producer *producer)
{
	struct logstore_producer_entry entry = {
		.producer_id = producer->producer_id,
		.producer_epoch = producer->epoch,
		.last_sequence = LOGSTORE_NO_SEQUENCE,
		.last_offset = LOGSTORE_NO_OFFSET,
		.timestamp = producer->last_timestamp,
		.coordinator_epoch = producer->coordinator_epoch,
		.current_txn_first_offset = producer->txn_first_offset,
	};

	if (producer->batch_count > 0) {
		const struct ls_producer_batch *last = &producer->batches[producer->batch_count - 1];

		entry.last_sequence = last->last_sequence;
		entry.last_offset = last->last_offset;
		entry.offset_delta = last->offset_delta;
	}
	return entry;
}

int ls_producer_state_snapshot(const struct ls_producer_state *state, struct ls_buf *out)
{
	struct logstore_producer_entry *entries;
	int r;

	entries = ls_calloc(state->env, state->count, sizeof *entries);
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < state->count; i++)
		entries[i] = to_entry(&state->producers[i]);
	qsort(entries, state->count, sizeof *entries, compare_entries);
	r = ls_snapshot_write(out, entries, state->count);
	(void)ls_free(state->env, entries);
	return r;
}

size_t ls_producer_state_expire(struct ls_producer_state *state, int64_t now_ms, int64_t expiration_ms)
{
	size_t count_before = state->count;
	size_t i = 0;

	while (i < state->count) {
		const struct ls_producer *producer = &state->producers[i];

		if (is_expired(producer->last_timestamp, producer->txn_first_offset, now_ms, expiration_ms))
			remove_producer(state, i);
		else
			i++;
	}
	/* After a crowd has gone its memory is given back, if there is any to move to; else the next time. */
	if (state->capacity > FIRST_CAPACITY && state->count < state->capacity / 4)
		(void)resize_table(state, state->count < FIRST_CAPACITY ? FIRST_CAPACITY : state->count);
	return count_before - state->count;
}

/* ---- Unstable offsets ------------------------------------------------------------------------------- */

int64_t ls_producer_state_first_unstable(const struct ls_producer_state *state)
{
	int64_t first = LOGSTORE_NO_OFFSET;

	if (state->open.count > 0)
		first = ls_txn_list_at(&state->open, 0)->first_offset;
	if (state->completed.count > 0) {
		int64_t completed = ls_txn_list_at(&state->completed, 0)->first_offset;

		if (first == LOGSTORE_NO_OFFSET || completed < first)
			first = completed;
	}
	return first;
}

int64_t ls_producer_state_last_open(const struct ls_producer_state *state)
{
	return state->open.count > 0 ? ls_txn_list_at(&state->open, state->open.count - 1)->first_offset
	                             : LOGSTORE_NO_OFFSET;
}

static void forget_completed_below(struct ls_producer_state *state, int64_t offset)
{
	struct ls_txn_list *list = &state->completed;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct ls_txn *txn = ls_txn_list_at(list, i);

		if (txn->last_offset >= offset)
			*ls_txn_list_at(list, kept++) = *txn;
	}
	list->count = kept;
	if (kept == 0)
		list->begin = 0;
}

void ls_producer_state_high_watermark(struct ls_producer_state *state, int64_t high_watermark)
{
	forget_completed_below(state, high_watermark);
}

void ls_producer_state_log_start(struct ls_producer_state *state, int64_t log_start)
{
	/* One that began below but ended above it still holds back what is left of it. */
	forget_completed_below(state, log_start);
}

/* ---- Looking at producers --------------------------------------------------------------------------- */

int32_t ls_producer_batch_first_sequence(const struct ls_producer_batch *batch)
{
	if (batch->last_sequence == LOGSTORE_NO_SEQUENCE)
		return LOGSTORE_NO_SEQUENCE;
	return ls_sequence_subtract(batch->last_sequence, batch->offset_delta);
}

static void describe(const struct ls_producer *producer, struct logstore_producer_info *ret_producer)
{
	*ret_producer = (struct logstore_producer_info){
		.producer_id = producer->producer_id,
		.epoch = producer->epoch,
		.coordinator_epoch = producer->coordinator_epoch,
		.last_timestamp = producer->last_timestamp,
		.current_txn_first_offset = producer->txn_first_offset,
		.batch_count = producer->batch_count,
	};
	for (size_t i = 0; i < producer->batch_count; i++) {
		const struct ls_producer_batch *batch = &producer->batches[i];

		ret_producer->batches[i].first_sequence = ls_producer_batch_first_sequence(batch);
		ret_producer->batches[i].last_sequence = batch->last_sequence;
		ret_producer->batches[i].first_offset = batch->last_offset - batch->offset_delta;
		ret_producer->batches[i].last_offset = batch->last_offset;
		ret_producer->batches[i].timestamp = batch->timestamp;
	}
}

static int compare_infos(const void *left, const void *right)
{
	const struct logstore_producer_info *a = left, *b = right;

	return (a->producer_id > b->producer_id) - (a->producer_id < b->producer_id);
}

void ls_producer_state_list(const struct ls_producer_state *state,
                            struct logstore_producer_info *ret_producers)
{
	for (size_t i = 0; i < state->count; i++)
		describe(&state->producers[i], &ret_producers[i]);
	if (state->count > 1)
		qsort(ret_producers, state->count, sizeof *ret_producers, compare_infos);
}

bool ls_producer_state_get(const struct ls_producer_state *state, int64_t producer_id,
                           struct logstore_producer_info *ret_producer)
{
	const struct ls_producer *producer = ls_producer_find(state, producer_id);

	if (!producer)
		return false;
	describe(producer, ret_producer);
	return true;
}
