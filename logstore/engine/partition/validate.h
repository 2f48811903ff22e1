/*
 * What an append may contain, and in which form it goes to the log: Kafka's LogValidator and the checks of
 * UnifiedLog.append that need no state. Pure: bytes in, a plan out; offsets come later, under the lock.
 *
 * A planned batch is a header of its own (patched, 61 bytes) and a payload that stays where it is: the
 * caller's bytes, or the builder's if the batch had to be re-encoded.
 */
#ifndef LS_PARTITION_VALIDATE_H
#define LS_PARTITION_VALIDATE_H

#include <logstore/batch.h>
#include <logstore/partition.h>

#include "base/env.h"
#include "format/batch.h"
#include "format/batch_builder.h"
#include "format/log_config.h"
#include "format/record_reader.h"

struct ls_planned_batch {
	struct logstore_batch_info info; /* as it will be written; offsets are filled in by ls_plan_assign() */
	uint8_t header[LS_BATCH_HEADER_SIZE];
	const uint8_t *payload;          /* what follows the header */
	size_t payload_size;
	int32_t offsets_used;            /* CLIENT, COORDINATOR: how far the batch moves the log end */
	bool is_control;                 /* a control batch with a record */
	struct logstore_control control;
};

/* An append, ready but for its offsets. Reusable: ls_plan_reset() keeps the memory. */
struct ls_plan {
	const struct ls_env *env;
	struct ls_planned_batch *batches;
	size_t count;
	size_t capacity;
	uint64_t bytes;          /* of all batches */
	int64_t max_timestamp;   /* of the append, or LOGSTORE_NO_TIMESTAMP */
	int64_t log_append_time; /* or LOGSTORE_NO_TIMESTAMP */
};

void ls_plan_init(struct ls_plan *plan, const struct ls_env *env);
void ls_plan_fini(struct ls_plan *plan);
void ls_plan_reset(struct ls_plan *plan);

struct ls_validation {
	enum logstore_origin origin;
	const struct ls_log_config *config;
	const char *where;       /* partition name, for messages */
	int32_t leader_epoch;    /* own epoch: REPLICATION stops at newer ones, RAFT_LEADER demands it; or -1 */
	int64_t now_ms;
	uint64_t max_batch_bytes;
	struct ls_record_reader *reader;
	struct ls_batch_builder *builder;
};

/*
 * Judges `size` bytes of batches and plans them. Partial bytes at the end are ignored. REPLICATION: an
 * empty plan means that everything was from a newer epoch.
 * Returns 0 or an error as logstore_append_batches() lists them.
 */
int ls_validate(const struct ls_validation *validation, const uint8_t *bytes, size_t size, struct ls_plan *plan,
                struct logstore_error *ret_error);

/*
 * Gives the batches of a CLIENT or COORDINATOR append their offsets from `log_end` on and their leader epoch;
 * for given offsets checks that they continue the log.
 * Returns 0 or LOGSTORE_E_UNEXPECTED_OFFSET.
 */
int ls_plan_assign(struct ls_plan *plan, enum logstore_origin origin, int64_t log_end, int32_t leader_epoch,
                   const char *where, struct logstore_error *ret_error);

#endif
