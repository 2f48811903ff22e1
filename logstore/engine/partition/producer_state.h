/*
 * What a partition knows of its idempotent and transactional producers: epochs, the last five batches of
 * each, open transactions, and completed ones that are not yet below the high watermark. Kafka's
 * ProducerStateManager as a pure state machine: no files, no clock, no locks.
 *
 * An append is judged and prepared as a whole (struct ls_producer_append), without touching the state;
 * once its bytes are written, commit applies it and cannot fail. That is how a refused append changes
 * nothing.
 *
 * Invariants
 *  I1 Cached batches of a producer have increasing offsets and are all of its current epoch.
 *  I2 A producer has at most one open transaction; its first offset is below every later one's data.
 *  I3 Between prepare and commit nobody else changes the state (the partition's append lock).
 */
#ifndef LS_PARTITION_PRODUCER_STATE_H
#define LS_PARTITION_PRODUCER_STATE_H

#include <logstore/inspect.h>

#include "base/buf.h"
#include "base/env.h"

struct ls_producer_state;

int ls_producer_state_new(const struct ls_env *env, struct ls_producer_state **ret_state);
struct ls_producer_state *ls_producer_state_free(struct ls_producer_state *state);
/* Forgets everything. */
void ls_producer_state_clear(struct ls_producer_state *state);

/*
 * Replaces the state by the entries of a snapshot file (whole content, checked here). Entries without an
 * open transaction whose timestamp is `expiration_ms` or more before `now_ms` are left out.
 * Returns 0; LOGSTORE_E_CORRUPT_FILE; LOGSTORE_E_UNSUPPORTED_VERSION; -ENOMEM. On failure it is unchanged.
 */
int ls_producer_state_load(struct ls_producer_state *state, const uint8_t *bytes, size_t size, int64_t now_ms,
                           int64_t expiration_ms, struct logstore_error *ret_error);
/* Appends the file that describes the state. Entries in order of producer id. Returns 0 or -ENOMEM. */
int ls_producer_state_snapshot(const struct ls_producer_state *state, struct ls_buf *out);
/* Drops idle producers by the same rule as load; returns how many. */
size_t ls_producer_state_expire(struct ls_producer_state *state, int64_t now_ms, int64_t expiration_ms);

/* First offset of the oldest unstable transaction, or LOGSTORE_NO_OFFSET. */
int64_t ls_producer_state_first_unstable(const struct ls_producer_state *state);
/* First offset of the youngest open transaction, or LOGSTORE_NO_OFFSET. */
int64_t ls_producer_state_last_open(const struct ls_producer_state *state);
/* Completed transactions whose marker is below it become stable. */
void ls_producer_state_high_watermark(struct ls_producer_state *state, int64_t high_watermark);
/* Completed transactions whose marker is below it are forgotten; producers stay. */
void ls_producer_state_log_start(struct ls_producer_state *state, int64_t log_start);

size_t ls_producer_state_count(const struct ls_producer_state *state);
/* Copies all producers in order of their id into an array of ls_producer_state_count() elements. */
void ls_producer_state_list(const struct ls_producer_state *state, struct logstore_producer_info *ret_producers);
/* The one producer, or false. */
bool ls_producer_state_get(const struct ls_producer_state *state, int64_t producer_id,
                           struct logstore_producer_info *ret_producer);

/* A transaction that a marker ended. */
struct ls_completed_txn {
	int64_t producer_id;
	int64_t first_offset;
	int64_t last_offset;        /* of the marker */
	int64_t last_stable_offset; /* for .txnindex: first offset of the oldest transaction still open of another
	                             * producer, else last_offset + 1 */
	bool aborted;
};

/* A prepared append: staged changes of some producers. Zero-initialised by _init, reusable after _reset. */
struct ls_producer_append {
	struct ls_producer_state *state;
	struct staged *staged;      /* private */
	size_t staged_count;
	size_t staged_capacity;
	struct ls_completed_txn *completed;
	size_t completed_count;
	size_t completed_capacity;
};

void ls_producer_append_init(struct ls_producer_append *append, struct ls_producer_state *state);
void ls_producer_append_reset(struct ls_producer_append *append);
void ls_producer_append_fini(struct ls_producer_append *append);

/* The batch that a duplicate repeats. */
struct ls_producer_duplicate {
	int64_t first_offset;
	int64_t last_offset;
	int64_t timestamp;
};

/*
 * Judges one batch with final offsets and stages what it changes, on top of what was staged before it.
 * Batches without a producer id do nothing. `control` is set for control batches that have a record (NULL
 * for data and for empty control batches, which do nothing). `txn_version` is the protocol's (0 to 2).
 * Checks by origin: reference table in docs/format/producer-snapshot.md; messages in Kafka's words, with
 * `where` as the partition's name.
 *
 * Returns 0; 1 if the batch is a duplicate (CLIENT only, first batch of the append): *ret_duplicate is
 * set and nothing was staged; LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER; LOGSTORE_E_INVALID_PRODUCER_EPOCH;
 * LOGSTORE_E_INVALID_TXN_STATE; LOGSTORE_E_TRANSACTION_COORDINATOR_FENCED; -ENOMEM.
 */
int ls_producer_append_batch(struct ls_producer_append *append, const struct logstore_batch_info *batch,
                             const struct logstore_control *control, enum logstore_origin origin, int txn_version,
                             const char *where, struct ls_producer_duplicate *ret_duplicate,
                             struct logstore_error *ret_error);

/*
 * Makes room for everything commit will do (which may move the state's arrays, so hold its lock) and
 * computes last_stable_offset of the completed transactions.
 * Returns 0 or -ENOMEM. After it commit cannot fail.
 */
int ls_producer_append_prepare(struct ls_producer_append *append);
void ls_producer_append_commit(struct ls_producer_append *append);

#endif
