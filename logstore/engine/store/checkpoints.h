/*
 * Kafka's offset checkpoints of a data directory as one table: what each file says of each partition.
 * Entries of partitions that nobody opened are kept and written back.
 */
#ifndef LS_STORE_CHECKPOINTS_H
#define LS_STORE_CHECKPOINTS_H

#include <logstore/error.h>
#include <logstore/types.h>

#include "base/env.h"

enum ls_checkpoint_file {
	LS_CHECKPOINT_RECOVERY_POINT,
	LS_CHECKPOINT_LOG_START,
	LS_CHECKPOINT_HIGH_WATERMARK,
	LS_CHECKPOINT_CLEANER,
	LS_CHECKPOINT_COUNT,
};

struct ls_checkpoint_row {
	char *topic;
	int32_t number;
	int64_t offsets[LS_CHECKPOINT_COUNT]; /* or LOGSTORE_NO_OFFSET: no entry */
};

struct ls_checkpoints {
	const struct ls_env *env;
	struct ls_checkpoint_row *rows; /* by topic, then number */
	size_t count;
	size_t capacity;
};

void ls_checkpoints_init(struct ls_checkpoints *checkpoints, const struct ls_env *env);
void ls_checkpoints_fini(struct ls_checkpoints *checkpoints);

/*
 * Reads the files of a directory. A missing file has no entries. `lenient` (readers): a malformed file
 * counts as far as it could be read. Returns 0; LOGSTORE_E_CORRUPT_FILE; LOGSTORE_E_UNSUPPORTED_VERSION;
 * -errno; -ENOMEM.
 */
int ls_checkpoints_load(struct ls_checkpoints *checkpoints, const char *directory, bool lenient,
                        struct logstore_error *ret_error);

/* The row of a partition, or NULL. Valid until the next change. */
const struct ls_checkpoint_row *ls_checkpoints_find(const struct ls_checkpoints *checkpoints, const char *topic,
                                                    int32_t number);
/* Sets one value; LOGSTORE_NO_OFFSET takes it out. Returns 0 or -ENOMEM. */
int ls_checkpoints_set(struct ls_checkpoints *checkpoints, const char *topic, int32_t number,
                       enum ls_checkpoint_file file, int64_t offset);
void ls_checkpoints_remove(struct ls_checkpoints *checkpoints, const char *topic, int32_t number);

/* Replaces one file, durably. Returns 0 or -errno. */
int ls_checkpoints_write(const struct ls_checkpoints *checkpoints, const char *directory,
                         enum ls_checkpoint_file file, struct logstore_error *ret_error);

#endif
