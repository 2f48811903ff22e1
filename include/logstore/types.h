/*
 * Words shared by every public header: the export macro, handles, enumerations whose values are Kafka's
 * own, and the plain records that callers fill in or read.
 *
 * Conventions of the whole API
 * - `offset` is the number of a record (int64), `position` a byte in a file (uint64), `size` bytes,
 *   `count` things. Times are milliseconds since the Unix epoch unless a name ends in another unit.
 * - Functions return 0 or a negative number: -errno for a failed system call, LOGSTORE_E_* for the rest
 *   (error.h). Iterators also return 1 for "one more". Outputs come last and are untouched on failure.
 * - Option structs are set up by their _init() function and carry their size, so that a program compiled
 *   against an older header keeps working. Reserved members stay zero.
 */
#ifndef LOGSTORE_TYPES_H
#define LOGSTORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LOGSTORE_API __attribute__((visibility("default")))
#else
#define LOGSTORE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A data directory: a set of partitions under one owner. See logstore.h. */
typedef struct logstore logstore;
/* One open partition. See partition.h. */
typedef struct logstore_partition logstore_partition;
/* A reader of decoded records. See cursor.h. */
typedef struct logstore_cursor logstore_cursor;
/* A set of topic settings by Kafka's names. See config.h. */
typedef struct logstore_config logstore_config;

/* Longest topic name, Kafka's limit. */
#define LOGSTORE_TOPIC_NAME_MAX 249

/* "No offset", "no timestamp", "no epoch", "no producer", "no sequence": Kafka's -1. */
#define LOGSTORE_NO_OFFSET INT64_C(-1)
#define LOGSTORE_NO_TIMESTAMP INT64_C(-1)
#define LOGSTORE_NO_EPOCH (-1)
#define LOGSTORE_NO_PRODUCER_ID INT64_C(-1)
#define LOGSTORE_NO_SEQUENCE (-1)

/* Attribute bits 0 to 2 of a batch. Values are on disk. */
enum logstore_codec {
	LOGSTORE_CODEC_NONE = 0,
	LOGSTORE_CODEC_GZIP = 1,
	LOGSTORE_CODEC_SNAPPY = 2,
	LOGSTORE_CODEC_LZ4 = 3,
	LOGSTORE_CODEC_ZSTD = 4,
};

/* A level that means "the codec's default": gzip 6, lz4 9 (the fast compressor), zstd 3. */
#define LOGSTORE_LEVEL_DEFAULT INT32_MIN

/* Attribute bit 3 of a batch. Values are on disk. */
enum logstore_timestamp_type {
	LOGSTORE_CREATE_TIME = 0,
	LOGSTORE_LOG_APPEND_TIME = 1,
};

/* Who appends, and so which checks apply (Kafka's AppendOrigin). */
enum logstore_origin {
	LOGSTORE_ORIGIN_CLIENT = 0,      /* a producer: every check, offsets assigned */
	LOGSTORE_ORIGIN_COORDINATOR = 1, /* offset commits and markers: no sequence check, offsets assigned */
	LOGSTORE_ORIGIN_REPLICATION = 2, /* a follower: offsets, epochs and bytes are taken as they are */
	LOGSTORE_ORIGIN_RAFT_LEADER = 3, /* offsets given, every batch carries the leader's epoch */
};

/* How far a read may go. */
enum logstore_isolation {
	LOGSTORE_READ_LOG_END = 0,        /* up to the log end */
	LOGSTORE_READ_HIGH_WATERMARK = 1, /* up to the high watermark (Kafka's read_uncommitted) */
	LOGSTORE_READ_COMMITTED = 2,      /* up to the last stable offset, with the aborted list */
};

/* What an append waits for. */
enum logstore_durability {
	LOGSTORE_WRITTEN = 0, /* in the page cache: survives the end of the process, not a power cut */
	LOGSTORE_FLUSHED = 1, /* on stable storage: survives a power cut */
};

/* Type of a control record, in its key. Values are on disk. Others may appear and are passed through. */
enum logstore_control_type {
	LOGSTORE_CONTROL_ABORT = 0,
	LOGSTORE_CONTROL_COMMIT = 1,
	LOGSTORE_CONTROL_LEADER_CHANGE = 2,
	LOGSTORE_CONTROL_SNAPSHOT_HEADER = 3,
	LOGSTORE_CONTROL_SNAPSHOT_FOOTER = 4,
	LOGSTORE_CONTROL_KRAFT_VERSION = 5,
	LOGSTORE_CONTROL_KRAFT_VOTERS = 6,
};

/* A topic id: 16 bytes, most significant first. All zero means "none". */
struct logstore_uuid {
	uint8_t bytes[16];
};

/* A header of a record. */
struct logstore_header {
	const char *key;    /* UTF-8, not terminated; never null */
	const void *value;  /* null when value_size is -1 */
	int32_t key_size;   /* bytes, 0 or more */
	int32_t value_size; /* bytes; -1 is Kafka's null */
};

/*
 * One record. Filled in by the caller for an append (then only timestamp, key, value and headers count; all
 * zero is a record of 1970 with an empty key and value: set timestamp to LOGSTORE_NO_TIMESTAMP for "now"
 * and key_size to -1 for "no key"), or by a reader (then everything is set; pointers are valid until the
 * next call on that reader).
 */
struct logstore_record {
	int64_t offset;
	int64_t timestamp;    /* ms; LOGSTORE_NO_TIMESTAMP if there is none */
	const void *key;      /* null when key_size is -1 */
	const void *value;    /* null when value_size is -1 */
	int32_t key_size;     /* bytes; -1 is Kafka's null */
	int32_t value_size;   /* bytes; -1 is Kafka's null */
	const struct logstore_header *headers;
	uint32_t header_count;
	int32_t sequence;     /* of the producer, or LOGSTORE_NO_SEQUENCE */
};

/* The header of a batch, decoded (61 bytes for magic 2). A legacy message counts as a batch of one or more. */
struct logstore_batch_info {
	int64_t base_offset;
	int64_t last_offset;
	int64_t base_timestamp;    /* ms; the delete horizon if has_delete_horizon */
	int64_t max_timestamp;     /* ms, or LOGSTORE_NO_TIMESTAMP */
	int64_t producer_id;       /* or LOGSTORE_NO_PRODUCER_ID */
	uint32_t size;             /* bytes, header included */
	uint32_t crc;              /* as stored */
	int32_t leader_epoch;      /* or LOGSTORE_NO_EPOCH */
	int32_t base_sequence;     /* or LOGSTORE_NO_SEQUENCE */
	int32_t last_sequence;     /* or LOGSTORE_NO_SEQUENCE; wraps from 2^31-1 to 0 */
	int32_t record_count;      /* as stored; -1 for a compressed legacy wrapper, which does not say */
	int16_t producer_epoch;    /* or LOGSTORE_NO_EPOCH */
	uint16_t attributes;       /* as stored */
	int8_t magic;              /* 0, 1 or 2 */
	uint8_t codec;             /* enum logstore_codec; 5 to 7 are no codec */
	uint8_t timestamp_type;    /* enum logstore_timestamp_type */
	bool transactional;
	bool control;
	bool has_delete_horizon;
	uint8_t reserved[6];
};

#ifdef __cplusplus
}
#endif

#endif
