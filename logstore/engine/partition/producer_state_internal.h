/*
 * What producer_state.c (the table and the transactions) and producer_append.c (judging and staging) share.
 * Include it nowhere else.
 */
#ifndef LS_PARTITION_PRODUCER_STATE_INTERNAL_H
#define LS_PARTITION_PRODUCER_STATE_INTERNAL_H

#include <assert.h>

#include "partition/producer_state.h"

/* A cached batch. Its first sequence and first offset follow from the delta. */
struct ls_producer_batch {
	int64_t last_offset;
	int64_t timestamp;
	int32_t last_sequence; /* or LOGSTORE_NO_SEQUENCE: a coordinator's batches have none */
	int32_t offset_delta;
};

struct ls_producer {
	int64_t producer_id;
	int64_t last_timestamp;
	int64_t txn_first_offset; /* of the open transaction, or LOGSTORE_NO_OFFSET */
	int32_t coordinator_epoch;
	int16_t epoch;
	uint16_t batch_count;
	struct ls_producer_batch batches[LOGSTORE_PRODUCER_BATCHES]; /* oldest first */
};
static_assert(sizeof(struct ls_producer) == 152, "a busy partition has many of them");

/* A producer of which nothing is known. */
static inline struct ls_producer ls_producer_unknown(int64_t producer_id)
{
	return (struct ls_producer){
		.producer_id = producer_id,
		.last_timestamp = LOGSTORE_NO_TIMESTAMP,
		.txn_first_offset = LOGSTORE_NO_OFFSET,
		.coordinator_epoch = LOGSTORE_NO_EPOCH,
		.epoch = LOGSTORE_NO_EPOCH,
	};
}

/* Spreads producer ids, which are handed out in blocks, over a table of 2^n places. */
static inline uint64_t ls_producer_hash(int64_t producer_id)
{
	uint64_t hash = (uint64_t)producer_id;

	hash = (hash ^ (hash >> 33)) * UINT64_C(0xFF51AFD7ED558CCD);
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xC4CEB9FE1A85EC53);
	return hash ^ (hash >> 33);
}

/* The sequence it begins with, or LOGSTORE_NO_SEQUENCE. */
int32_t ls_producer_batch_first_sequence(const struct ls_producer_batch *batch);

struct ls_txn {
	int64_t first_offset;
	int64_t last_offset; /* of the marker, or LOGSTORE_NO_OFFSET while it is open */
	int64_t producer_id;
};

/*
 * Transactions in order of (first offset, producer id). They come at the end and mostly leave at the front,
 * so the array has a gap at its front and closes holes from the nearer side.
 */
struct ls_txn_list {
	struct ls_txn *array;
	size_t begin;
	size_t count;
	size_t capacity;
};

static inline struct ls_txn *ls_txn_list_at(const struct ls_txn_list *list, size_t index)
{
	return &list->array[list->begin + index];
}

/* Room for `extra` more. Returns 0 or -ENOMEM. */
int ls_txn_list_reserve(const struct ls_env *env, struct ls_txn_list *list, size_t extra);
/* Adds at the end, in reserved room; ls_txn_list_sort() puts the list in order again. */
void ls_txn_list_append(struct ls_txn_list *list, const struct ls_txn *txn);
void ls_txn_list_sort(struct ls_txn_list *list);
/* Adds at its place, in reserved room. */
void ls_txn_list_insert(struct ls_txn_list *list, const struct ls_txn *txn);
bool ls_txn_list_contains(const struct ls_txn_list *list, int64_t first_offset, int64_t producer_id);
/* Returns whether it was there. */
bool ls_txn_list_remove(struct ls_txn_list *list, int64_t first_offset, int64_t producer_id);

struct ls_producer_state {
	const struct ls_env *env;
	struct ls_producer *producers; /* dense, in no order */
	size_t count;
	size_t capacity;
	uint32_t *slots;               /* hash table: index of a producer, or LS_PRODUCER_NO_INDEX */
	size_t slot_count;             /* a power of two */
	struct ls_txn_list open;       /* the open transactions of all producers */
	struct ls_txn_list completed;  /* their marker is not below the high watermark */
	struct ls_txn_list scratch;    /* for prepare */
};

#define LS_PRODUCER_NO_INDEX UINT32_MAX

/* The producer, or NULL. Valid until the table changes. */
struct ls_producer *ls_producer_find(const struct ls_producer_state *state, int64_t producer_id);
/* Room for `extra` more producers. Returns 0 or -ENOMEM. */
int ls_producer_reserve(struct ls_producer_state *state, size_t extra);
/* Replaces the producer of that id, or adds it in reserved room. */
void ls_producer_put(struct ls_producer_state *state, const struct ls_producer *producer);

#endif
