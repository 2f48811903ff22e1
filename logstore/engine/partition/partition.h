/*
 * One partition: segments, bounds, producers, epochs. What <logstore/partition.h> promises is done here.
 *
 * partition.c   life, views, publishing            append.c     the append path
 * load.c        opening an existing directory      validate.c   what an append may contain (pure)
 * create.c      making and deleting a directory    roll.c       next segment, flush, close
 * read.c        offsets to slices                  lookup.c     timestamps, epochs
 * truncate.c    cutting the end and the start      cursor.c     decoded records
 * producer_*.c, epoch_cache.c                      pure state
 */
#ifndef LS_PARTITION_PARTITION_H
#define LS_PARTITION_PARTITION_H

#include <logstore/cursor.h>
#include <logstore/inspect.h>
#include <logstore/partition.h>

#include "base/env.h"
#include "format/log_config.h"

/* What the owner of a partition (the store) provides. Lives as long as the partition. */
struct ls_partition_host {
	void *ctx;
	/*
	 * Makes recovery points, log starts and high watermarks of all partitions durable, with the given
	 * recovery point, log start and log end for this one (which its own getters do not show yet). Returns 0
	 * or an error.
	 */
	int (*checkpoint)(void *ctx, logstore_partition *part, int64_t recovery_point, int64_t log_start,
	                  int64_t log_end, struct logstore_error *ret_error);
};

/* What the data directory says of a partition. */
struct ls_partition_checkpoints {
	int64_t recovery_point; /* or LOGSTORE_NO_OFFSET */
	int64_t log_start;      /* or LOGSTORE_NO_OFFSET */
	int64_t high_watermark; /* or LOGSTORE_NO_OFFSET */
	bool clean;             /* closed cleanly and owned by nobody: half a batch at the end is damage */
};

struct ls_partition_params {
	const struct ls_env *env;
	const struct ls_partition_host *host;
	const char *directory;            /* path of the partition directory; copied */
	const char *topic;                /* copied */
	int32_t number;
	bool read_only;
	const struct logstore_config *defaults; /* may be NULL */
	struct ls_partition_checkpoints checkpoints;
	int64_t producer_expiration_ms;
	uint64_t max_decompressed_bytes;
	uint64_t max_batch_bytes;
};

/* ---- life -------------------------------------------------------------------------------------------- */

/* Opens an existing directory. Errors as logstore_partition_open(). */
int ls_partition_load(const struct ls_partition_params *params, logstore_partition **ret_part,
                      struct logstore_error *ret_error);
/* Makes the directory with its metadata, settings and first segment, durable; then opens it. */
int ls_partition_create(const struct ls_partition_params *params, const struct logstore_uuid *topic_id,
                        const struct logstore_config *own, logstore_partition **ret_part,
                        struct logstore_error *ret_error);
/*
 * Renames the directory to a `-delete` one, durably, and removes that as far as possible. Returns 0 or
 * -errno; on failure the partition is still there.
 */
int ls_partition_delete_directory(const struct ls_env *env, const char *data_directory, const char *directory,
                                  const char *topic, int32_t number);
/* Frees it without writing anything. All slices and cursors must be gone. Returns NULL. */
logstore_partition *ls_partition_free(logstore_partition *part);
/* Slices and cursors that are out. */
unsigned ls_partition_pins(logstore_partition *part);
/* Looks again at a directory that somebody else writes, with what its checkpoints say by now. */
int ls_partition_refresh(logstore_partition *part, const struct ls_partition_checkpoints *checkpoints,
                         struct logstore_error *ret_error);
/*
 * Clean close: closing index entries, everything flushed, snapshot at the log end, directory fsynced.
 * Appends fail afterwards. Errors as logstore_close().
 */
int ls_partition_shut(logstore_partition *part, struct logstore_error *ret_error);

/* The store an open partition belongs to; the engine below does not look at it. */
void ls_partition_set_owner(logstore_partition *part, logstore *owner);
logstore *ls_partition_get_owner(const logstore_partition *part);
const char *ls_partition_topic(const logstore_partition *part);
int32_t ls_partition_number(const logstore_partition *part);
const struct logstore_uuid *ls_partition_topic_id(const logstore_partition *part);
bool ls_partition_is_offline(logstore_partition *part);
/* What belongs into the checkpoints: the log start only if it is above the first segment's base. */
void ls_partition_get_checkpoints(logstore_partition *part, struct ls_partition_checkpoints *ret_checkpoints);

int ls_partition_get_config(logstore_partition *part, struct logstore_config **ret_config);
int ls_partition_set_config(logstore_partition *part, const struct logstore_config *own,
                            struct logstore_error *ret_error);
int ls_partition_override_config(logstore_partition *part, const struct logstore_config *over,
                                 struct logstore_error *ret_error);

/*
 * ---- the functions of <logstore/partition.h>, <logstore/cursor.h>, <logstore/inspect.h> by their names
 * Options are never NULL and of this version's size: the API sees to that.
 */

void ls_partition_offsets(logstore_partition *part, struct logstore_offsets *ret_offsets);
int ls_partition_append_batches(logstore_partition *part, const void *batches, size_t size,
                                const struct logstore_append_options *options,
                                struct logstore_append_result *ret_result, struct logstore_error *ret_error);
int ls_partition_append_records(logstore_partition *part, const struct logstore_record *records, size_t count,
                                const struct logstore_records_options *records_options,
                                const struct logstore_append_options *options,
                                struct logstore_append_result *ret_result, struct logstore_error *ret_error);
int ls_partition_append_marker(logstore_partition *part, const struct logstore_marker *marker,
                               const struct logstore_append_options *options,
                               struct logstore_append_result *ret_result, struct logstore_error *ret_error);
int ls_partition_read(logstore_partition *part, int64_t offset, const struct logstore_read_options *options,
                      struct logstore_slice *ret_slice, struct logstore_error *ret_error);
int ls_slice_read(const struct logstore_slice *slice, uint64_t at, void *buffer, size_t size, size_t *ret_size,
                  struct logstore_error *ret_error);
void ls_slice_release(struct logstore_slice *slice);
int ls_partition_offset_for_timestamp(logstore_partition *part, int64_t timestamp, enum logstore_isolation isolation,
                                      struct logstore_timestamp_offset *ret_found,
                                      struct logstore_error *ret_error);
void ls_partition_end_offset_for_epoch(logstore_partition *part, int32_t epoch, int32_t *ret_epoch,
                                       int64_t *ret_end_offset);
int ls_partition_set_leader_epoch(logstore_partition *part, int32_t epoch, struct logstore_error *ret_error);
int ls_partition_set_high_watermark(logstore_partition *part, int64_t offset, struct logstore_error *ret_error);
int ls_partition_truncate(logstore_partition *part, int64_t offset, struct logstore_error *ret_error);
int ls_partition_truncate_fully(logstore_partition *part, int64_t offset, struct logstore_error *ret_error);
int ls_partition_delete_records(logstore_partition *part, int64_t offset, int64_t *ret_log_start,
                                struct logstore_error *ret_error);
int ls_partition_roll(logstore_partition *part, struct logstore_error *ret_error);
int ls_partition_flush(logstore_partition *part, struct logstore_error *ret_error);

int ls_cursor_open(logstore_partition *part, int64_t offset, const struct logstore_cursor_options *options,
                   logstore_cursor **ret_cursor, struct logstore_error *ret_error);
logstore_cursor *ls_cursor_close(logstore_cursor *cursor);
int ls_cursor_next(logstore_cursor *cursor, struct logstore_entry *ret_entry, struct logstore_error *ret_error);
int ls_cursor_skip_batch(logstore_cursor *cursor, struct logstore_error *ret_error);
int64_t ls_cursor_offset(const logstore_cursor *cursor);

int ls_partition_inspect_segments(logstore_partition *part, logstore_segment_fn fn, void *arg,
                                  struct logstore_error *ret_error);
int ls_partition_inspect_index(logstore_partition *part, int64_t segment_base, enum logstore_file_kind kind,
                               logstore_file_entry_fn fn, void *arg, struct logstore_error *ret_error);
int ls_partition_inspect_producers(logstore_partition *part, logstore_producer_fn fn, void *arg,
                                   struct logstore_error *ret_error);
int ls_partition_inspect_epochs(logstore_partition *part, logstore_epoch_fn fn, void *arg,
                                struct logstore_error *ret_error);

#endif
