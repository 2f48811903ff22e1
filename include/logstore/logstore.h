/*
 * A data directory: Kafka's log dir, with its lock, its clean-shutdown marker, its checkpoints and one
 * folder per partition. One process owns it for writing; any number may read beside the owner.
 *
 * Life: logstore_open() -> logstore_partition_open() ... logstore_partition_close() -> logstore_close().
 * This header includes all others but inspect.h.
 */
#ifndef LOGSTORE_LOGSTORE_H
#define LOGSTORE_LOGSTORE_H

#include <logstore/batch.h>
#include <logstore/config.h>
#include <logstore/cursor.h>
#include <logstore/env.h>
#include <logstore/error.h>
#include <logstore/io.h>
#include <logstore/partition.h>
#include <logstore/types.h>
#include <logstore/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How to open a data directory. Set up with logstore_options_init(). */
struct logstore_options {
	uint32_t struct_size;
	/* Create the directory (not its parents) if it is missing; ignored if read_only; default false. */
	bool create;
	bool read_only; /* take no lock, write nothing, also beside a live owner; default false */
	uint8_t reserved0[2];
	const struct logstore_env *env; /* copied; NULL means defaults */
	/*
	 * Topic settings that apply to partitions which have none of their own (a broker's log.* defaults);
	 * copied; NULL means Kafka's defaults.
	 */
	const logstore_config *defaults;
	/*
	 * Forget producers whose last record is this much older than the clock, when a partition is opened (as
	 * Kafka does): with timestamps of the past a retry after that is not recognised. Default 86400000, 1 or more.
	 */
	int64_t producer_id_expiration_ms;
	uint64_t max_decompressed_bytes;   /* per batch, on append and on read; default 1 GiB */
	uint64_t max_batch_bytes;          /* largest batch that is read into memory; default 256 MiB */
	uint64_t reserved[8];
};

/**
 * logstore_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_options_init(struct logstore_options *options);

/**
 * logstore_open() - open a data directory
 * @path: of the directory
 * @options: NULL means the defaults
 * @ret_store: the store
 * @ret_error: detail, or NULL
 *
 * For writing it takes the lock in `.lock`, reads the checkpoints and, if the directory was closed
 * cleanly (or never used), removes Kafka's clean-shutdown marker and fsyncs the directory before it
 * returns. Partitions are read when they are opened, not here.
 *
 * Returns: 0;
 *          LOGSTORE_E_LOCKED: another process owns it (open it read_only instead);
 *          LOGSTORE_E_UNCLEAN: it was not closed cleanly, for example because its owner was killed: its
 *          logs need recovery, which this version does not do yet (open it read_only and copy what it
 *          holds, or start and stop a Kafka on it);
 *          LOGSTORE_E_CORRUPT_FILE: a checkpoint file is malformed; path and position say where;
 *          LOGSTORE_E_INVALID_CONFIG: the defaults contradict each other;
 *          -ENOENT, -ENOTDIR, -EACCES and other -errno; -ENOMEM; -EINVAL for bad arguments.
 *          On failure nothing is held and nothing was changed, except that `create` may have made the
 *          empty directory and writing the file `.lock`.
 * Ownership: close with logstore_close().
 * Threads: any thread.
 * Blocking: reads a few small files; writing, two fsyncs.
 * Durable: the removal of the clean-shutdown marker.
 * Since: 0.1
 */
LOGSTORE_API int logstore_open(const char *path, const struct logstore_options *options, logstore **ret_store,
                               struct logstore_error *ret_error);

/**
 * logstore_close() - close a data directory cleanly
 * @store: may be NULL; freed in every case
 * @ret_error: detail, or NULL
 *
 * Flushes every log, index, producer snapshot and checkpoint, fsyncs the directories and writes Kafka's
 * clean-shutdown marker last. If anything failed, or a partition is offline, there is no marker and the
 * next opening needs recovery. A read-only store writes nothing.
 *
 * Returns: 0; LOGSTORE_E_BUSY if a partition or a cursor is still open (then nothing happened and @store
 *          is still valid); the first error otherwise (@store is freed all the same).
 * Threads: once no other call on the store is running.
 * Blocking: fsyncs everything that is dirty.
 * Durable: on 0, everything.
 * Since: 0.1
 */
LOGSTORE_API int logstore_close(logstore *store, struct logstore_error *ret_error);

/* One partition directory, for listing. */
struct logstore_listing {
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	uint8_t reserved0[2];
	int32_t partition;
	uint64_t reserved[4];
};

/**
 * logstore_list() - list the partitions of a data directory
 * @store: the store
 * @ret_listings: an array sorted by topic, then partition
 * @ret_count: its length
 * @ret_error: detail, or NULL
 *
 * Directories on their way out (-delete, -stray) or in (-future), files, and directories whose name is no
 * partition's are left out.
 *
 * Returns: 0, -ENOMEM or another -errno.
 * Ownership: free the array with logstore_free_listings().
 * Threads: any thread.
 * Blocking: reads the directory.
 * Since: 0.1
 */
LOGSTORE_API int logstore_list(logstore *store, struct logstore_listing **ret_listings, size_t *ret_count,
                               struct logstore_error *ret_error);

/**
 * logstore_free_listings() - free what logstore_list() returned
 * @store: the store that made it
 * @listings: may be NULL
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_free_listings(logstore *store, struct logstore_listing *listings);

/**
 * logstore_checkpoint() - write the checkpoint files now
 * @store: a store open for writing
 * @ret_error: detail, or NULL
 *
 * Writes recovery points, log start offsets and high watermarks of all partitions. Happens on close by
 * itself; a long-lived host calls it now and then (Kafka: every 60 s, high watermarks every 5 s).
 *
 * Returns: 0, LOGSTORE_E_READ_ONLY or -errno.
 * Threads: any thread.
 * Blocking: writes and fsyncs up to three small files and the directory.
 * Durable: the checkpoints, on 0.
 * Since: 0.1
 */
LOGSTORE_API int logstore_checkpoint(logstore *store, struct logstore_error *ret_error);

/**
 * logstore_version() - version of the library in use
 *
 * Returns: for example "0.1.0"; static.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const char *logstore_version(void);

#ifdef __cplusplus
}
#endif

#endif
