/*
 * One partition: create, open, append, read, look up, cut. All functions may be called on any thread and
 * at the same time, unless said otherwise: appends and cuts of one partition take turns, readers wait for
 * nobody.
 *
 * Bounds: log start <= high watermark <= log end (next offset to be written); the last stable offset is
 * the high watermark, or the first offset of an open transaction below it. Without a replicating host the
 * high watermark follows the log end; once a host sets it, it never passes what the host said.
 */
#ifndef LOGSTORE_PARTITION_H
#define LOGSTORE_PARTITION_H

#include <logstore/config.h>
#include <logstore/error.h>
#include <logstore/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How to create a partition. Set up with logstore_create_options_init(). */
struct logstore_create_options {
	uint32_t struct_size;
	uint32_t reserved0;
	struct logstore_uuid topic_id;  /* all zero (default): a random one */
	const logstore_config *config;  /* settings of its own, kept in the partition; copied; NULL: none */
	uint64_t reserved[6];
};

/**
 * logstore_create_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_create_options_init(struct logstore_create_options *options);

/**
 * logstore_partition_create() - create a partition and open it
 * @store: a store open for writing
 * @topic: 1 to 249 characters of [a-zA-Z0-9._-], not "." or ".."
 * @partition: 0 or more
 * @options: NULL means the defaults
 * @ret_partition: the open partition
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_PARTITION_EXISTS; LOGSTORE_E_INVALID_NAME; LOGSTORE_E_INVALID_CONFIG;
 *          LOGSTORE_E_READ_ONLY; LOGSTORE_E_FULL; -errno; -ENOMEM; -EINVAL.
 *          On failure a directory that was being made is removed again as far as possible.
 * Ownership: close with logstore_partition_close().
 * Threads: any thread.
 * Blocking: a few fsyncs.
 * Durable: the partition with its topic id and settings.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_create(logstore *store, const char *topic, int32_t partition,
                                           const struct logstore_create_options *options,
                                           logstore_partition **ret_partition, struct logstore_error *ret_error);

/**
 * logstore_partition_open() - open an existing partition
 * @store: the store
 * @topic: its topic
 * @partition: its number
 * @ret_partition: the open partition; a second opening yields the same one, counted
 * @ret_error: detail, or NULL
 *
 * Checks file names, sizes and the ends of log and indexes, loads the newest producer snapshot and what
 * follows it. Read-only, beside a live owner or after a crash, a batch at the end that is only half there
 * counts as not written; below what is checkpointed as flushed, and in a directory that was closed
 * cleanly, it is damage.
 *
 * Returns: 0; LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION; LOGSTORE_E_INVALID_NAME; LOGSTORE_E_NOT_A_PARTITION
 *          (a file, or a directory without any .log file); LOGSTORE_E_CORRUPT_FILE or
 *          LOGSTORE_E_CORRUPT_MESSAGE with file and position; LOGSTORE_E_UNSUPPORTED_VERSION; -errno;
 *          -ENOMEM; -EINVAL.
 * Ownership: close with logstore_partition_close(), once per opening.
 * Threads: any thread.
 * Blocking: reads the directory and the ends of a few files; without a usable producer snapshot also every
 *           batch header.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_open(logstore *store, const char *topic, int32_t partition,
                                         logstore_partition **ret_partition, struct logstore_error *ret_error);

/**
 * logstore_partition_close() - give an open partition back
 * @part: may be NULL
 *
 * The store keeps its state until logstore_close(); data is not flushed here.
 *
 * Returns: NULL.
 * Threads: any thread, once the caller's other calls on @part have ended.
 * Blocking: waits for another partition of the store that is being opened, created or deleted.
 * Since: 0.1
 */
LOGSTORE_API logstore_partition *logstore_partition_close(logstore_partition *part);

/**
 * logstore_partition_delete() - delete a partition with its files
 * @store: a store open for writing
 * @topic: its topic
 * @partition: its number
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION; LOGSTORE_E_INVALID_NAME; LOGSTORE_E_READ_ONLY;
 *          LOGSTORE_E_BUSY while it is open; -errno.
 * Threads: any thread.
 * Blocking: renames the directory, fsyncs, rewrites the checkpoints, unlinks the files.
 * Durable: on 0 the partition does not come back. A crash in between leaves a `-delete` directory, which
 *          every opening ignores.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_delete(logstore *store, const char *topic, int32_t partition,
                                           struct logstore_error *ret_error);

/**
 * logstore_partition_topic() - topic of an open partition
 * @part: the partition
 *
 * Returns: the name, valid while @part is open.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const char *logstore_partition_topic(const logstore_partition *part);

/**
 * logstore_partition_number() - number of an open partition
 * @part: the partition
 *
 * Returns: 0 or more.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int32_t logstore_partition_number(const logstore_partition *part);

/**
 * logstore_partition_topic_id() - topic id of an open partition
 * @part: the partition
 * @ret_id: the id; all zero if the directory has no partition.metadata
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_partition_topic_id(const logstore_partition *part, struct logstore_uuid *ret_id);

/**
 * logstore_partition_get_config() - settings in force
 * @part: the partition
 * @ret_config: a copy of its own settings over the store's defaults
 * @ret_error: detail, or NULL
 *
 * Returns: 0 or -ENOMEM.
 * Ownership: free with logstore_config_free().
 * Threads: any thread.
 * Blocking: waits for an append or a cut in progress.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_get_config(logstore_partition *part, logstore_config **ret_config,
                                               struct logstore_error *ret_error);

/**
 * logstore_partition_set_config() - replace a partition's own settings
 * @part: a partition open for writing
 * @config: all of its own settings; what is not set there has the store's default; copied
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_INVALID_CONFIG if they contradict each other; LOGSTORE_E_READ_ONLY; -errno.
 *          On failure the old settings stay in force.
 * Threads: any thread.
 * Blocking: writes and fsyncs one small file and the directory.
 * Durable: the settings, on 0.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_set_config(logstore_partition *part, const logstore_config *config,
                                               struct logstore_error *ret_error);

/**
 * logstore_partition_override_config() - settings for this opening only
 * @part: the partition, also one opened for reading
 * @config: laid over the partition's own settings until the store is closed; copied
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_INVALID_CONFIG if they contradict each other; -ENOMEM.
 * Threads: any thread.
 * Blocking: waits for an append or a cut in progress.
 * Durable: nothing.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_override_config(logstore_partition *part, const logstore_config *config,
                                                    struct logstore_error *ret_error);

/* The bounds of a partition. */
struct logstore_offsets {
	int64_t log_start;
	int64_t log_end;         /* next offset to be written */
	int64_t high_watermark;
	int64_t last_stable;
	int64_t first_unstable;  /* or LOGSTORE_NO_OFFSET */
	int64_t recovery_point;  /* everything below is known to be on stable storage */
	int32_t leader_epoch;    /* the latest, or LOGSTORE_NO_EPOCH */
	uint32_t reserved0;
	uint64_t size;           /* bytes of all .log files up to the log end */
	uint64_t segment_count;
	uint64_t reserved[4];
};

/**
 * logstore_partition_offsets() - the bounds of a partition
 * @part: the partition
 * @ret_offsets: the bounds of one moment; size and leader_epoch may be of one shortly after
 *
 * Read-only beside a live owner they are those of the moment of logstore_partition_open() or of the last
 * logstore_partition_refresh().
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_partition_offsets(logstore_partition *part, struct logstore_offsets *ret_offsets);

/**
 * logstore_partition_refresh() - look what a live owner has added or removed since
 * @part: a partition of a read-only store; for one open for writing this does nothing
 * @ret_error: detail, or NULL
 *
 * Returns: 0, or what logstore_partition_open() returns; then the old view stays.
 * Threads: any thread.
 * Blocking: reads the directory and the end of the log.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_refresh(logstore_partition *part, struct logstore_error *ret_error);

/* How to append. Set up with logstore_append_options_init(). */
struct logstore_append_options {
	uint32_t struct_size;
	uint8_t origin;              /* enum logstore_origin; default CLIENT */
	uint8_t durability;          /* enum logstore_durability; default WRITTEN */
	int16_t transaction_version; /* of a marker's request (WriteTxnMarkers), 0 to 2; default 0 */
	/*
	 * CLIENT, COORDINATOR: stamped on the batches; default LOGSTORE_NO_EPOCH: the partition's latest, or 0
	 * in a new one. REPLICATION: the follower's own epoch; batches from the first newer one on are ignored;
	 * default: any epoch is accepted. RAFT_LEADER: every batch must carry it.
	 */
	int32_t leader_epoch;
	uint32_t reserved0;
	uint64_t reserved[6];
};

/**
 * logstore_append_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_append_options_init(struct logstore_append_options *options);

/* What an append did. */
struct logstore_append_result {
	int64_t first_offset;     /* LOGSTORE_NO_OFFSET if nothing was appended */
	int64_t last_offset;
	int64_t max_timestamp;    /* of the append, or LOGSTORE_NO_TIMESTAMP */
	int64_t log_append_time;  /* ms, or LOGSTORE_NO_TIMESTAMP for CreateTime; of the original if duplicate */
	int64_t log_start_offset;
	bool duplicate;           /* the producer sent this before: offsets are the original's, nothing was written */
	uint8_t reserved0[7];
	uint64_t reserved[4];
};

/**
 * logstore_append_batches() - append ready-made batches
 * @part: a partition open for writing
 * @batches: one or more whole batches of magic 2, one after another; not changed
 * @size: their bytes; a trailing partial batch is ignored
 * @options: NULL means the defaults
 * @ret_result: what was appended
 * @ret_error: detail (record_index of a refused record, position in @batches), or NULL
 *
 * Validates as Kafka does for the origin, assigns offsets (CLIENT, COORDINATOR), re-encodes where
 * compression.type demands it, rolls the segment where due. Every check comes before any effect: a
 * refused append changes nothing (one that fails for want of space or memory may have rolled the segment
 * and noted its leader epoch). CLIENT takes exactly one batch.
 *
 * Returns: 0;
 *          LOGSTORE_E_CORRUPT_MESSAGE, LOGSTORE_E_INVALID_RECORD, LOGSTORE_E_INVALID_TIMESTAMP,
 *          LOGSTORE_E_MESSAGE_TOO_LARGE, LOGSTORE_E_RECORD_LIST_TOO_LARGE, LOGSTORE_E_UNSUPPORTED_FORMAT,
 *          LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE, LOGSTORE_E_LIMIT_EXCEEDED: the batch is refused;
 *          LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER, LOGSTORE_E_INVALID_PRODUCER_EPOCH,
 *          LOGSTORE_E_INVALID_TXN_STATE, LOGSTORE_E_TRANSACTION_COORDINATOR_FENCED: its producer is;
 *          LOGSTORE_E_UNEXPECTED_OFFSET, LOGSTORE_E_FENCED_LEADER_EPOCH: its offsets or epoch are;
 *          LOGSTORE_E_READ_ONLY; LOGSTORE_E_FULL: no space, nothing was appended, may be tried again;
 *          LOGSTORE_E_OFFLINE: after an I/O error, now or before; if the fsync of a FLUSHED append failed,
 *          its records can be read but may not survive a power cut; -ENOMEM; -EINVAL.
 * Ownership: @batches is only read during the call.
 * Threads: any thread; appends to one partition take turns.
 * Blocking: one write into the page cache; FLUSHED or flush.messages reached: an fsync; now and then a
 *           new segment is made.
 * Durable: WRITTEN: survives the end of the process. FLUSHED: survives a power cut.
 * Since: 0.1
 */
LOGSTORE_API int logstore_append_batches(logstore_partition *part, const void *batches, size_t size,
                                         const struct logstore_append_options *options,
                                         struct logstore_append_result *ret_result,
                                         struct logstore_error *ret_error);

/* How the batch of logstore_append_records() is made. Set up with logstore_records_options_init(). */
struct logstore_records_options {
	uint32_t struct_size;
	int32_t level;          /* default LOGSTORE_LEVEL_DEFAULT; compression.<codec>.level if the topic has it */
	int8_t codec;           /* enum logstore_codec; default -1: compression.type, or none for "producer" */
	bool transactional;     /* default false */
	int16_t producer_epoch; /* default LOGSTORE_NO_EPOCH */
	int32_t base_sequence;  /* default LOGSTORE_NO_SEQUENCE */
	int64_t producer_id;    /* default LOGSTORE_NO_PRODUCER_ID */
	uint64_t reserved[6];
};

/**
 * logstore_records_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_records_options_init(struct logstore_records_options *options);

/**
 * logstore_append_records() - append records; the library makes the batch
 * @part: a partition open for writing
 * @records: timestamp, key, value and headers are used; a timestamp of LOGSTORE_NO_TIMESTAMP means now
 * @count: 1 or more; they become one batch
 * @records_options: of the batch; NULL means the defaults
 * @options: of the append; NULL means the defaults; origin CLIENT or COORDINATOR
 * @ret_result: what was appended
 * @ret_error: detail, or NULL
 *
 * Returns: as logstore_append_batches().
 * Ownership: everything is only read during the call.
 * Threads: any thread; batches are made outside the partition's lock.
 * Blocking: as logstore_append_batches().
 * Durable: as logstore_append_batches().
 * Since: 0.1
 */
LOGSTORE_API int logstore_append_records(logstore_partition *part, const struct logstore_record *records,
                                         size_t count, const struct logstore_records_options *records_options,
                                         const struct logstore_append_options *options,
                                         struct logstore_append_result *ret_result,
                                         struct logstore_error *ret_error);

/* The end of a transaction in one partition. Set up with logstore_marker_init(). */
struct logstore_marker {
	uint32_t struct_size;
	bool commit;               /* default false: abort */
	uint8_t reserved0;
	int16_t producer_epoch;    /* default LOGSTORE_NO_EPOCH; must be set */
	int64_t producer_id;       /* default LOGSTORE_NO_PRODUCER_ID; must be set */
	int64_t timestamp;         /* ms; default LOGSTORE_NO_TIMESTAMP: now */
	int32_t coordinator_epoch; /* 0 or more; default 0 */
	uint32_t reserved1;
	uint64_t reserved[4];
};

/**
 * logstore_marker_init() - default marker
 * @marker: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_marker_init(struct logstore_marker *marker);

/**
 * logstore_append_marker() - commit or abort a producer's transaction in this partition
 * @part: a partition open for writing
 * @marker: what to write
 * @options: of the append; the origin is COORDINATOR whatever it says; NULL means the defaults
 * @ret_result: the marker's offset
 * @ret_error: detail, or NULL
 *
 * Returns: as logstore_append_batches().
 * Threads: any thread.
 * Blocking: as logstore_append_batches(); an abort also appends to the transaction index.
 * Durable: as logstore_append_batches().
 * Since: 0.1
 */
LOGSTORE_API int logstore_append_marker(logstore_partition *part, const struct logstore_marker *marker,
                                        const struct logstore_append_options *options,
                                        struct logstore_append_result *ret_result,
                                        struct logstore_error *ret_error);

/* A transaction that a read_committed reader has to leave out, from first_offset to its ABORT marker. */
struct logstore_aborted {
	int64_t producer_id;
	int64_t first_offset;
};

/* What to read. Set up with logstore_read_options_init(). */
struct logstore_read_options {
	uint32_t struct_size;
	uint8_t isolation;      /* enum logstore_isolation; default HIGH_WATERMARK */
	bool at_least_one_batch; /* return the first batch whole even if it is larger than max_bytes; default true */
	uint8_t reserved0[2];
	uint64_t max_bytes;     /* default 1 MiB */
	uint64_t reserved[6];
};

/**
 * logstore_read_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_read_options_init(struct logstore_read_options *options);

/*
 * A range of bytes of one segment, pinned against deletion until logstore_slice_release(). It begins at a
 * batch, perhaps before the offset asked for, and may end inside one (max_bytes).
 */
struct logstore_slice {
	int64_t segment_base;      /* base offset of the segment */
	uint64_t position;         /* of the first byte in the segment's .log */
	uint64_t size;             /* bytes; 0: nothing to read at that offset yet */
	int64_t log_start;         /* bounds at the moment of the read */
	int64_t log_end;
	int64_t high_watermark;
	int64_t last_stable;
	const struct logstore_aborted *aborted; /* READ_COMMITTED only; sorted as in the transaction index */
	size_t aborted_count;
	bool first_batch_incomplete; /* size is below that of the first batch */
	uint8_t reserved0[7];
	void *owner;               /* this and the next two: of the library */
	void *pin;
	uint64_t generation;
	uint64_t reserved[4];
};

/**
 * logstore_read() - find the bytes to serve from an offset
 * @part: the partition
 * @offset: log start to log end; the slice begins with the batch that holds it, or the next one after a gap
 * @options: NULL means the defaults
 * @ret_slice: the range; size 0 at the bound
 * @ret_error: detail, or NULL
 *
 * Bytes are not read here, and their checksums are not verified.
 *
 * Returns: 0; LOGSTORE_E_OFFSET_OUT_OF_RANGE; LOGSTORE_E_CORRUPT_MESSAGE if batch headers on the way are
 *          damaged; -errno; -ENOMEM; -EINVAL.
 * Ownership: on 0 release with logstore_slice_release(), also if size is 0.
 * Threads: any thread; never waits for an append.
 * Blocking: reads index entries and batch headers.
 * Since: 0.1
 */
LOGSTORE_API int logstore_read(logstore_partition *part, int64_t offset, const struct logstore_read_options *options,
                               struct logstore_slice *ret_slice, struct logstore_error *ret_error);

/**
 * logstore_slice_read() - read bytes of a slice
 * @slice: from logstore_read()
 * @at: first byte, 0 to slice->size
 * @buffer: room for @size bytes
 * @size: bytes wanted; cut at the end of the slice
 * @ret_size: bytes read
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_STALE if the range was truncated meanwhile; -errno; -EINVAL.
 * Threads: any thread.
 * Blocking: reads the file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_slice_read(const struct logstore_slice *slice, uint64_t at, void *buffer, size_t size,
                                     size_t *ret_size, struct logstore_error *ret_error);

/**
 * logstore_slice_release() - unpin a slice
 * @slice: from logstore_read(), or all zero; zeroed afterwards
 *
 * Threads: any thread.
 * Blocking: never, except that the last pin on a deleted segment closes its files.
 * Since: 0.1
 */
LOGSTORE_API void logstore_slice_release(struct logstore_slice *slice);

/* Timestamps with a meaning of their own for logstore_offset_for_timestamp(), Kafka's ListOffsets. */
enum {
	LOGSTORE_TIMESTAMP_LATEST = -1,
	LOGSTORE_TIMESTAMP_EARLIEST = -2,
	LOGSTORE_TIMESTAMP_MAX = -3,            /* the record with the largest timestamp */
	LOGSTORE_TIMESTAMP_EARLIEST_LOCAL = -4,
	LOGSTORE_TIMESTAMP_LATEST_TIERED = -5,  /* always offset -1 here */
	LOGSTORE_TIMESTAMP_EARLIEST_PENDING_UPLOAD = -6, /* always offset -1 here */
};

/* The answer of a lookup. */
struct logstore_timestamp_offset {
	int64_t offset;
	int64_t timestamp;    /* of that record, or LOGSTORE_NO_TIMESTAMP */
	int32_t leader_epoch; /* of that offset, or LOGSTORE_NO_EPOCH */
	uint32_t reserved;
};

/**
 * logstore_offset_for_timestamp() - the first record at or after a time
 * @part: the partition
 * @timestamp: ms since the epoch, or LOGSTORE_TIMESTAMP_*
 * @isolation: the bound; at LOG_END, LATEST is the log end; a result at or above the bound counts as none
 * @ret_found: the answer
 * @ret_error: detail, or NULL
 *
 * As in Kafka the answer is the first such record of the first segment whose largest timestamp is not
 * smaller: with timestamps out of order an earlier record in a later segment may be passed over.
 *
 * Returns: 1 and an answer; 0 if there is no such record; LOGSTORE_E_CORRUPT_MESSAGE; -errno; -EINVAL.
 * Threads: any thread.
 * Blocking: reads index entries and batches.
 * Since: 0.1
 */
LOGSTORE_API int logstore_offset_for_timestamp(logstore_partition *part, int64_t timestamp,
                                               enum logstore_isolation isolation,
                                               struct logstore_timestamp_offset *ret_found,
                                               struct logstore_error *ret_error);

/**
 * logstore_end_offset_for_epoch() - where a leader epoch ends (OffsetForLeaderEpoch)
 * @part: the partition
 * @epoch: the epoch asked for
 * @ret_epoch: the greatest known epoch not above it (as in Kafka @epoch itself if it is below all known
 *             ones), or LOGSTORE_NO_EPOCH
 * @ret_end_offset: first offset after that epoch, or LOGSTORE_NO_OFFSET
 *
 * Returns: 0, or -EINVAL.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_end_offset_for_epoch(logstore_partition *part, int32_t epoch, int32_t *ret_epoch,
                                               int64_t *ret_end_offset);

/**
 * logstore_set_leader_epoch() - a new leader epoch begins at the log end
 * @part: a partition open for writing
 * @epoch: 0 or more
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_FENCED_LEADER_EPOCH if a greater epoch is known; LOGSTORE_E_READ_ONLY; -errno.
 * Threads: any thread.
 * Blocking: writes and fsyncs the epoch file.
 * Durable: the epoch, on 0.
 * Since: 0.1
 */
LOGSTORE_API int logstore_set_leader_epoch(logstore_partition *part, int32_t epoch, struct logstore_error *ret_error);

/**
 * logstore_set_high_watermark() - what the replicating host knows to be committed
 * @part: a partition open for writing
 * @offset: kept within log start and log end
 * @ret_error: detail, or NULL
 *
 * From the first call on the mark no longer follows the log end by itself.
 *
 * Returns: 0, LOGSTORE_E_READ_ONLY or -EINVAL.
 * Threads: any thread.
 * Blocking: waits for an append or a cut in progress.
 * Durable: nothing; logstore_checkpoint() and logstore_close() write it.
 * Since: 0.1
 */
LOGSTORE_API int logstore_set_high_watermark(logstore_partition *part, int64_t offset,
                                             struct logstore_error *ret_error);

/**
 * logstore_truncate() - cut the end of a log
 * @part: a partition open for writing
 * @offset: records at or above it go, and the whole batch that contains it; nothing happens at or past the end
 * @ret_error: detail, or NULL
 *
 * The log end is then @offset. Cut at batch boundaries (slices and entries tell them): if @offset lies
 * inside a batch, its records below @offset are gone too. If even the first segment begins above @offset,
 * the log is emptied and starts again at @offset.
 *
 * Returns: 0; LOGSTORE_E_READ_ONLY; LOGSTORE_E_OFFLINE; -errno; -EINVAL for a negative offset.
 * Threads: any thread; slices of the bytes that went are stale from then on.
 * Blocking: lowers the checkpoint, removes files and fsyncs.
 * Durable: the cut, on 0.
 * Since: 0.1
 */
LOGSTORE_API int logstore_truncate(logstore_partition *part, int64_t offset, struct logstore_error *ret_error);

/**
 * logstore_truncate_fully() - empty a log and start it at a given offset
 * @part: a partition open for writing
 * @offset: the new start and end, 0 or more, above or below the present ones
 * @ret_error: detail, or NULL
 *
 * What a follower does when the leader's log start has passed its own end.
 *
 * Returns: as logstore_truncate().
 * Threads: any thread; slices of the old bytes are stale from then on.
 * Blocking: lowers the checkpoint, removes files and fsyncs.
 * Durable: the cut, on 0.
 * Since: 0.1
 */
LOGSTORE_API int logstore_truncate_fully(logstore_partition *part, int64_t offset, struct logstore_error *ret_error);

/**
 * logstore_delete_records() - move the start of a log forward
 * @part: a partition open for writing
 * @offset: the new start, or -1 for the high watermark; at or below the start nothing happens
 * @ret_log_start: the start afterwards
 * @ret_error: detail, or NULL
 *
 * Segments that lie below it as a whole are removed.
 *
 * Returns: 0; LOGSTORE_E_OFFSET_OUT_OF_RANGE above the high watermark; LOGSTORE_E_READ_ONLY;
 *          LOGSTORE_E_OFFLINE; -errno.
 * Threads: any thread.
 * Blocking: writes and fsyncs the log-start checkpoint.
 * Durable: the new start, on 0.
 * Since: 0.1
 */
LOGSTORE_API int logstore_delete_records(logstore_partition *part, int64_t offset, int64_t *ret_log_start,
                                         struct logstore_error *ret_error);

/**
 * logstore_roll() - begin a new segment now
 * @part: a partition open for writing
 * @ret_error: detail, or NULL
 *
 * Nothing happens while the active segment is empty.
 *
 * Returns: 0; LOGSTORE_E_READ_ONLY; LOGSTORE_E_OFFLINE; LOGSTORE_E_FULL; -errno.
 * Threads: any thread.
 * Blocking: creates a few files; no fsync.
 * Since: 0.1
 */
LOGSTORE_API int logstore_roll(logstore_partition *part, struct logstore_error *ret_error);

/**
 * logstore_flush() - bring everything appended so far to stable storage
 * @part: a partition open for writing
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_READ_ONLY; LOGSTORE_E_OFFLINE after a failed fsync, now or before.
 * Threads: any thread; appends go on meanwhile.
 * Blocking: fsyncs the dirty files and, after a roll, the directory.
 * Durable: on 0, every record whose append had returned before the call.
 * Since: 0.1
 */
LOGSTORE_API int logstore_flush(logstore_partition *part, struct logstore_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
