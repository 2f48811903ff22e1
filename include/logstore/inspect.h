/*
 * Second tier: looking inside. Everything that dump, stat and verify need to know about files and about
 * the state of a partition. Source-compatible within a minor version, but no promise on binary layout:
 * structs here may grow. Nothing in this header writes.
 *
 * Callbacks return 0 to go on; anything else ends the walk and is returned by it. Strings and structs
 * passed to a callback are valid during that call.
 */
#ifndef LOGSTORE_INSPECT_H
#define LOGSTORE_INSPECT_H

#include <logstore/batch.h>
#include <logstore/env.h>
#include <logstore/error.h>
#include <logstore/partition.h>
#include <logstore/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Names ------------------------------------------------------------------------------------------ */

enum logstore_file_kind {
	LOGSTORE_FILE_UNKNOWN = 0,
	LOGSTORE_FILE_LOG,             /* <base>.log, or a KRaft snapshot <offset>-<epoch>.checkpoint */
	LOGSTORE_FILE_OFFSET_INDEX,    /* <base>.index */
	LOGSTORE_FILE_TIME_INDEX,      /* <base>.timeindex */
	LOGSTORE_FILE_TXN_INDEX,       /* <base>.txnindex */
	LOGSTORE_FILE_SNAPSHOT,        /* <offset>.snapshot: producer state */
	LOGSTORE_FILE_EPOCHS,          /* leader-epoch-checkpoint */
	LOGSTORE_FILE_OFFSETS,         /* the four offset checkpoints of a data directory */
	LOGSTORE_FILE_PROPERTIES,      /* partition.metadata, meta.properties, logstore-config */
	LOGSTORE_FILE_CLEAN_SHUTDOWN,  /* .kafka_cleanshutdown */
	LOGSTORE_FILE_JSON,            /* quorum-state */
};

/* What a file is, by its name alone. */
struct logstore_file_name {
	enum logstore_file_kind kind;
	int64_t base_offset; /* number before the first dot, or LOGSTORE_NO_OFFSET */
	const char *suffix;  /* "" or ".deleted", ".cleaned", ".swap": static */
};

/**
 * logstore_file_name_parse() - what a file of a data directory is, by its name
 * @name: without a directory
 * @ret_name: kind, base offset and suffix
 *
 * Returns: 0; LOGSTORE_E_INVALID_NAME if it ends like one of Kafka's files but its stem is no offset (then
 *          @ret_name has the kind all the same). An unknown name is kind UNKNOWN and 0.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_file_name_parse(const char *name, struct logstore_file_name *ret_name);

struct logstore_listing;

/**
 * logstore_partition_name_parse() - split the name of a partition directory
 * @name: without a directory, for example "orders-0"
 * @ret_listing: topic and number
 *
 * Returns: 0; LOGSTORE_E_INVALID_NAME if it is not TOPIC-NUMBER. Directories marked -delete, -future or
 *          -stray are not partitions in this sense.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_partition_name_parse(const char *name, struct logstore_listing *ret_listing);

/* ---- One log file, batch by batch ------------------------------------------------------------------- */

/* What the scanner met at a position. */
enum logstore_scan_status {
	LOGSTORE_SCAN_OK = 0,
	LOGSTORE_SCAN_BAD_CRC = 1,     /* header readable, checksum wrong */
	LOGSTORE_SCAN_MALFORMED = 2,   /* the header cannot be right: magic, lengths, offsets */
	LOGSTORE_SCAN_TORN = 3,        /* the batch runs past the end of the file, or fewer bytes than a header */
	LOGSTORE_SCAN_ZEROS = 4,       /* zero bytes up to the end of the file (preallocated) */
};

struct logstore_scan_item {
	enum logstore_scan_status status;
	uint32_t computed_crc;           /* for OK and BAD_CRC, if checksums are verified */
	uint64_t position;
	uint64_t size;                   /* bytes of the batch; for the rest: bytes up to where the scan goes on */
	struct logstore_batch_info info; /* for OK, BAD_CRC and TORN with a whole header; else all zero */
	bool has_info;
	char text[160];                  /* for all but OK: what is wrong */
};

/* How to scan. Set up with logstore_scan_options_init(). */
struct logstore_scan_options {
	uint32_t struct_size;
	bool check_crc;         /* default true */
	bool skip_damaged;      /* after MALFORMED look for the next whole, valid batch; default false: end there */
	bool read_records;      /* keep each batch for logstore_scan_records(); default false */
	uint8_t reserved0;
	uint64_t position;      /* where to begin; default 0 */
	uint64_t end_position;  /* where to end; default: the size of the file when opened */
	uint64_t max_batch_bytes; /* largest batch kept for its records; default 256 MiB */
	uint64_t max_decompressed_bytes; /* per batch; default 1 GiB */
	uint64_t reserved[4];
};

/**
 * logstore_scan_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_scan_options_init(struct logstore_scan_options *options);

/* One walk over a log file. Keeps one read buffer and, with read_records, the batch at hand. */
typedef struct logstore_scan logstore_scan;

/**
 * logstore_scan_open() - scan a .log file (or a KRaft snapshot) from front to back
 * @env: NULL means defaults
 * @path: of the file
 * @options: NULL means the defaults
 * @ret_scan: the scan
 * @ret_error: detail, or NULL
 *
 * Memory stays constant: one read buffer, and the largest batch with read_records.
 *
 * Returns: 0; -errno; -ENOMEM; -EINVAL.
 * Ownership: free with logstore_scan_close().
 * Threads: any thread; one scan must not be used on two threads at once.
 * Blocking: opens the file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_scan_open(const struct logstore_env *env, const char *path,
                                    const struct logstore_scan_options *options, logstore_scan **ret_scan,
                                    struct logstore_error *ret_error);

/**
 * logstore_scan_close() - end a scan
 * @scan: may be NULL; freed with the records it handed out
 *
 * Returns: NULL.
 * Threads: any thread, once nobody uses it.
 * Blocking: closes the file.
 * Since: 0.1
 */
LOGSTORE_API logstore_scan *logstore_scan_close(logstore_scan *scan);

/**
 * logstore_scan_next() - the next batch, or what stands in its place
 * @scan: the scan
 * @ret_item: what was met
 * @ret_error: detail, or NULL
 *
 * Returns: 1 and an item; 0 at the end (after MALFORMED without skip_damaged, TORN and ZEROS too); -errno;
 *          -ENOMEM.
 * Threads: one thread at a time.
 * Blocking: reads the file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_scan_next(logstore_scan *scan, struct logstore_scan_item *ret_item,
                                    struct logstore_error *ret_error);

/**
 * logstore_scan_record() - the next record of the batch met last
 * @scan: a scan with read_records, after an item OK (or BAD_CRC, at the caller's risk)
 * @ret_record: the record; valid until the next call on @scan
 * @ret_error: detail with file and position of the batch, or NULL
 *
 * Returns: as logstore_record_reader_next(); LOGSTORE_E_LIMIT_EXCEEDED for a batch above max_batch_bytes.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_scan_record(logstore_scan *scan, struct logstore_record *ret_record,
                                      struct logstore_error *ret_error);

/* ---- Any other file, entry by entry ----------------------------------------------------------------- */

/* An aborted transaction, as in .txnindex. */
struct logstore_txn_entry {
	int16_t version;
	int64_t producer_id;
	int64_t first_offset;
	int64_t last_offset;        /* of the marker */
	int64_t last_stable_offset;
};

/* A producer, as in .snapshot. */
struct logstore_producer_entry {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t last_sequence;
	int64_t last_offset;
	int32_t offset_delta;
	int64_t timestamp;
	int32_t coordinator_epoch;
	int64_t current_txn_first_offset; /* or LOGSTORE_NO_OFFSET */
};

struct logstore_file_entry {
	enum logstore_file_kind kind;
	uint64_t position; /* byte (binary files) or line from 1 (text files) */
	union {
		struct { int64_t offset; uint64_t position; } index;       /* OFFSET_INDEX; offset absolute */
		struct { int64_t timestamp; int64_t offset; } time_index;  /* TIME_INDEX; offset absolute */
		struct logstore_txn_entry txn;                             /* TXN_INDEX */
		struct logstore_producer_entry producer;                   /* SNAPSHOT */
		struct { int32_t epoch; int64_t start_offset; } epoch;     /* EPOCHS */
		struct { const char *topic; int32_t partition; int64_t offset; } checkpoint; /* OFFSETS */
		struct { const char *name; const char *value; } property;  /* PROPERTIES, CLEAN_SHUTDOWN, JSON */
	} u;
};

typedef int (*logstore_file_entry_fn)(void *arg, const struct logstore_file_entry *entry);

/**
 * logstore_file_entries() - walk the entries of any file but a log
 * @env: NULL means defaults
 * @path: of the file; its kind follows from its name
 * @fn: called per entry, in file order; zero entries of a preallocated tail are left out
 * @arg: passed to @fn
 * @ret_error: detail with file and position, or NULL
 *
 * Entries before a damaged place are delivered, then the error is returned. JSON files and the marker are
 * one entry with name "" and the text as value.
 *
 * Returns: 0; LOGSTORE_E_CORRUPT_FILE; LOGSTORE_E_UNSUPPORTED_VERSION; LOGSTORE_E_INVALID_NAME for a kind
 *          that has no entries (logs, unknown files); -errno; -ENOMEM; or what @fn returned.
 * Threads: any thread; @fn runs on the calling one.
 * Blocking: reads the file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_file_entries(const struct logstore_env *env, const char *path, logstore_file_entry_fn fn,
                                       void *arg, struct logstore_error *ret_error);

/* ---- State of an open partition --------------------------------------------------------------------- */

struct logstore_segment_info {
	int64_t base_offset;
	int64_t next_offset;         /* base of the next segment, or the log end */
	uint64_t size;               /* bytes of the .log up to its last batch */
	uint64_t index_entries;
	uint64_t time_index_entries;
	uint64_t txn_index_entries;
	int64_t largest_timestamp;   /* or LOGSTORE_NO_TIMESTAMP */
	int64_t mtime_ms;
	bool active;
	char path[LOGSTORE_ERROR_PATH_MAX]; /* of the .log */
};

typedef int (*logstore_segment_fn)(void *arg, const struct logstore_segment_info *segment);

/**
 * logstore_inspect_segments() - the segments of a partition, in order
 * @part: the partition
 * @fn: called per segment
 * @arg: passed to @fn
 * @ret_error: detail, or NULL
 *
 * Returns: 0, -errno, -ENOMEM, or what @fn returned.
 * Threads: any thread; @fn runs on the calling one and may call other functions on @part.
 * Blocking: reads sizes.
 * Since: 0.1
 */
LOGSTORE_API int logstore_inspect_segments(logstore_partition *part, logstore_segment_fn fn, void *arg,
                                           struct logstore_error *ret_error);

/**
 * logstore_inspect_index() - the index entries of one segment, also those not yet in a file
 * @part: the partition
 * @segment_base: base offset of the segment
 * @kind: LOGSTORE_FILE_OFFSET_INDEX, _TIME_INDEX or _TXN_INDEX
 * @fn: called per entry, in order
 * @arg: passed to @fn
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_OFFSET_OUT_OF_RANGE if there is no such segment; LOGSTORE_E_CORRUPT_FILE; -errno;
 *          -EINVAL; or what @fn returned.
 * Threads: any thread; @fn runs on the calling one.
 * Blocking: reads the file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_inspect_index(logstore_partition *part, int64_t segment_base,
                                        enum logstore_file_kind kind, logstore_file_entry_fn fn, void *arg,
                                        struct logstore_error *ret_error);

#define LOGSTORE_PRODUCER_BATCHES 5

/* A producer as the partition knows it. */
struct logstore_producer_info {
	int64_t producer_id;
	int16_t epoch;
	int32_t coordinator_epoch;
	int64_t last_timestamp;
	int64_t current_txn_first_offset; /* or LOGSTORE_NO_OFFSET */
	uint32_t batch_count;             /* cached, oldest first */
	struct {
		int32_t first_sequence;
		int32_t last_sequence;
		int64_t first_offset;
		int64_t last_offset;
		int64_t timestamp;
	} batches[LOGSTORE_PRODUCER_BATCHES];
};

typedef int (*logstore_producer_fn)(void *arg, const struct logstore_producer_info *producer);

/**
 * logstore_inspect_producers() - the producers of a partition, by producer id
 * @part: the partition
 * @fn: called per producer
 * @arg: passed to @fn
 * @ret_error: detail, or NULL
 *
 * Returns: 0, -ENOMEM, or what @fn returned.
 * Threads: any thread; @fn runs on the calling one and may call other functions on @part.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_inspect_producers(logstore_partition *part, logstore_producer_fn fn, void *arg,
                                            struct logstore_error *ret_error);

typedef int (*logstore_epoch_fn)(void *arg, int32_t epoch, int64_t start_offset);

/**
 * logstore_inspect_epochs() - the leader epochs of a partition, in order
 * @part: the partition
 * @fn: called per epoch
 * @arg: passed to @fn
 * @ret_error: detail, or NULL
 *
 * Returns: 0, -ENOMEM, or what @fn returned.
 * Threads: any thread; @fn runs on the calling one and may call other functions on @part.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_inspect_epochs(logstore_partition *part, logstore_epoch_fn fn, void *arg,
                                         struct logstore_error *ret_error);

/* ---- Verify ------------------------------------------------------------------------------------------ */

enum logstore_severity {
	LOGSTORE_NOTE = 0,       /* odd, harmless */
	LOGSTORE_REBUILDABLE = 1, /* a derived file is missing, stale or damaged; the log has all it needs */
	LOGSTORE_DAMAGE = 2,     /* data is damaged or missing */
};

struct logstore_finding {
	enum logstore_severity severity;
	const char *kind;      /* short and stable: "BAD_CRC", "TORN_TAIL", "STALE_INDEX", ...; docs/findings.md */
	const char *path;      /* of the file */
	int64_t position;      /* byte or line, or -1 */
	int64_t first_offset;  /* records concerned, or -1 */
	int64_t last_offset;
	const char *text;      /* one sentence */
};

typedef int (*logstore_finding_fn)(void *arg, const struct logstore_finding *finding);
/* Called now and then with bytes done and bytes to do; non-zero stops the run with -ECANCELED. */
typedef int (*logstore_progress_fn)(void *arg, uint64_t done, uint64_t total);

/* How to verify. Set up with logstore_verify_options_init(). */
struct logstore_verify_options {
	uint32_t struct_size;
	bool records;                 /* also decompress and parse every record; default true */
	uint8_t reserved0[3];
	logstore_progress_fn progress; /* default none */
	void *progress_arg;
	uint64_t max_decompressed_bytes; /* per batch; default 1 GiB */
	uint64_t reserved[4];
};

/**
 * logstore_verify_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_verify_options_init(struct logstore_verify_options *options);

struct logstore_verify_result {
	uint64_t segments;
	uint64_t bytes;
	uint64_t batches;
	uint64_t records;
	uint64_t findings[3]; /* by severity */
};

/**
 * logstore_verify_partition() - check a partition directory against itself
 * @env: NULL means defaults
 * @path: of the partition directory
 * @options: NULL means the defaults
 * @fn: called per finding
 * @arg: passed to @fn
 * @ret_result: what was checked
 * @ret_error: detail, or NULL
 *
 * Every batch (checksum, structure, records, order of offsets), every index entry against its batch, the
 * transaction index against the markers, snapshots, epochs, names. Works on any directory in any state,
 * also beside a live owner, and writes nothing.
 *
 * Returns: 0 however many findings there were; -errno if the directory cannot be read at all; -ENOMEM;
 *          -ECANCELED; or what @fn returned.
 * Threads: any thread; @fn runs on the calling one.
 * Blocking: reads every file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_verify_partition(const struct logstore_env *env, const char *path,
                                           const struct logstore_verify_options *options, logstore_finding_fn fn,
                                           void *arg, struct logstore_verify_result *ret_result,
                                           struct logstore_error *ret_error);

/**
 * logstore_verify_directory() - check the files of a data directory that belong to no partition
 * @env: NULL means defaults
 * @path: of the data directory
 * @fn: called per finding
 * @arg: passed to @fn
 * @ret_error: detail, or NULL
 *
 * Checkpoints (format, entries without a partition), meta.properties, the marker, names of directories.
 *
 * Returns: as logstore_verify_partition().
 * Threads: any thread; @fn runs on the calling one.
 * Blocking: reads a few small files.
 * Since: 0.1
 */
LOGSTORE_API int logstore_verify_directory(const struct logstore_env *env, const char *path, logstore_finding_fn fn,
                                           void *arg, struct logstore_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
