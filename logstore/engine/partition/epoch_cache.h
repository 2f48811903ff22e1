/*
 * Leader epochs of a partition: epoch -> first offset, both increasing. Kafka's LeaderEpochFileCache as a
 * pure table; the partition writes its text (`leader-epoch-checkpoint`).
 */
#ifndef LS_PARTITION_EPOCH_CACHE_H
#define LS_PARTITION_EPOCH_CACHE_H

#include <logstore/error.h>

#include "base/buf.h"
#include "base/env.h"

struct ls_epoch {
	int32_t epoch;
	int64_t start_offset;
};

struct ls_epoch_cache {
	const struct ls_env *env;
	struct ls_epoch *entries;
	size_t count;
	size_t capacity;
};

void ls_epoch_cache_init(struct ls_epoch_cache *cache, const struct ls_env *env);
void ls_epoch_cache_fini(struct ls_epoch_cache *cache);
/* Returns 0 or -ENOMEM (then ret_copy is empty). */
int ls_epoch_cache_copy(const struct ls_epoch_cache *cache, struct ls_epoch_cache *ret_copy);

/* Replaces the table by a file's. Returns 0, LOGSTORE_E_CORRUPT_FILE, LOGSTORE_E_UNSUPPORTED_VERSION, -ENOMEM. */
int ls_epoch_cache_parse(struct ls_epoch_cache *cache, const char *text, size_t size,
                         struct logstore_error *ret_error);
int ls_epoch_cache_write(const struct ls_epoch_cache *cache, struct ls_buf *out);

/* Whether assign(epoch, offset) would change the table. */
bool ls_epoch_cache_would_assign(const struct ls_epoch_cache *cache, int32_t epoch, int64_t offset);
/*
 * epoch and offset are 0 or more. Nothing if the latest entry has this epoch and starts at or below offset;
 * else entries with epoch >= `epoch` or start >= `offset` go (from the end), then it is added.
 * Returns 1 if the table changed, 0 if not, -ENOMEM (unchanged). After ls_epoch_cache_reserve() it cannot fail.
 */
int ls_epoch_cache_assign(struct ls_epoch_cache *cache, int32_t epoch, int64_t offset);
int ls_epoch_cache_reserve(struct ls_epoch_cache *cache, size_t extra);

/* Latest epoch, or LOGSTORE_NO_EPOCH. */
int32_t ls_epoch_cache_latest(const struct ls_epoch_cache *cache);
/* Epoch of an offset: of the last entry with start <= offset, or LOGSTORE_NO_EPOCH. */
int32_t ls_epoch_cache_of_offset(const struct ls_epoch_cache *cache, int64_t offset);
/* Kafka's endOffsetFor: see docs/format/checkpoints.md. (-1, -1) where unknown. */
void ls_epoch_cache_end_offset(const struct ls_epoch_cache *cache, int32_t epoch, int64_t log_end,
                               int32_t *ret_epoch, int64_t *ret_end_offset);
/* Both return whether the table changed. */
bool ls_epoch_cache_truncate_from_end(struct ls_epoch_cache *cache, int64_t offset);
bool ls_epoch_cache_truncate_from_start(struct ls_epoch_cache *cache, int64_t offset);
void ls_epoch_cache_clear(struct ls_epoch_cache *cache);

#endif
