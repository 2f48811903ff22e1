/*
 * RecordBatch v2 in memory: look at headers, check checksums, walk records, build batches. Pure functions
 * over the caller's bytes; no files. Legacy messages (magic 0 and 1) can be read, not built.
 * Layout: docs/format/record-batch.md.
 */
#ifndef LOGSTORE_BATCH_H
#define LOGSTORE_BATCH_H

#include <logstore/env.h>
#include <logstore/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a batch before its records. */
#define LOGSTORE_BATCH_HEADER_SIZE 61

/**
 * logstore_batch_header() - decode the header of the first batch in a buffer
 * @bytes: at least @size bytes
 * @size: bytes present
 * @ret_info: the header
 * @ret_error: detail (position in @bytes), or NULL
 *
 * Checks that the lengths make sense, not the checksum, and does not need the records to be present.
 *
 * Returns: 0; LOGSTORE_E_CORRUPT_MESSAGE if the length field cannot be right;
 *          LOGSTORE_E_UNSUPPORTED_FORMAT for magic above 2; -ENODATA if @size ends inside the header.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_batch_header(const void *bytes, size_t size, struct logstore_batch_info *ret_info,
                                       struct logstore_error *ret_error);

/**
 * logstore_batch_check() - verify the checksum of one whole batch
 * @bytes: the batch
 * @size: bytes present; at least the batch
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_CORRUPT_MESSAGE with both checksums in the text; what logstore_batch_header()
 *          returns; -ENODATA if the batch is not whole.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_batch_check(const void *bytes, size_t size, struct logstore_error *ret_error);

/* A reusable reader of the records of one batch after another. Keeps its buffers between batches. */
typedef struct logstore_record_reader logstore_record_reader;

/**
 * logstore_record_reader_new() - a reader of records
 * @env: allocator to use; NULL means defaults; copied
 * @max_decompressed_bytes: cap on what one batch may decompress to; 0 means 1 GiB
 * @ret_reader: the reader
 *
 * Returns: 0 or -ENOMEM.
 * Ownership: free with logstore_record_reader_free().
 * Threads: any thread; one reader must not be used on two threads at once.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_record_reader_new(const struct logstore_env *env, uint64_t max_decompressed_bytes,
                                            logstore_record_reader **ret_reader);

/**
 * logstore_record_reader_free() - free a reader of records
 * @reader: may be NULL
 *
 * Returns: NULL.
 * Threads: any thread, once nobody uses it.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API logstore_record_reader *logstore_record_reader_free(logstore_record_reader *reader);

/**
 * logstore_record_reader_start() - begin with a batch
 * @reader: the reader; a batch it was in is dropped
 * @bytes: the whole batch; must stay until the reader is freed or started again
 * @size: bytes present
 * @ret_info: its header, or NULL
 * @ret_error: detail, or NULL
 *
 * The checksum is not verified (logstore_batch_check() does).
 *
 * Returns: 0; what logstore_batch_header() returns; LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE; -ENOMEM.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_record_reader_start(logstore_record_reader *reader, const void *bytes, size_t size,
                                              struct logstore_batch_info *ret_info,
                                              struct logstore_error *ret_error);

/**
 * logstore_record_reader_next() - the next record of the batch
 * @reader: a started reader
 * @ret_record: the record; what it points to is valid until the next call on @reader
 * @ret_error: detail (position in the decompressed records), or NULL
 *
 * Control batches yield their records like any other. Without compression nothing is copied.
 *
 * Returns: 1 and a record; 0 after the last one, when all bytes were used as declared;
 *          LOGSTORE_E_CORRUPT_MESSAGE; LOGSTORE_E_LIMIT_EXCEEDED at the cap on decompression; -ENOMEM.
 *          After an error the batch is over.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_record_reader_next(logstore_record_reader *reader, struct logstore_record *ret_record,
                                             struct logstore_error *ret_error);

/* What goes into the header of a batch to build. Set up with logstore_batch_options_init(). */
struct logstore_batch_options {
	uint32_t struct_size;
	int32_t level;                /* of the codec; default LOGSTORE_LEVEL_DEFAULT */
	uint8_t codec;                /* enum logstore_codec; default none */
	uint8_t timestamp_type;       /* enum logstore_timestamp_type; default CreateTime */
	bool transactional;           /* default false */
	bool control;                 /* default false */
	int16_t producer_epoch;       /* default LOGSTORE_NO_EPOCH */
	uint8_t reserved0[2];
	int32_t leader_epoch;         /* default LOGSTORE_NO_EPOCH */
	int32_t base_sequence;        /* default LOGSTORE_NO_SEQUENCE */
	int64_t producer_id;          /* default LOGSTORE_NO_PRODUCER_ID */
	int64_t base_offset;          /* default 0 */
	int64_t log_append_time;      /* maxTimestamp of a LogAppendTime batch; default LOGSTORE_NO_TIMESTAMP */
	uint64_t reserved[6];
};

/**
 * logstore_batch_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_batch_options_init(struct logstore_batch_options *options);

/* A reusable builder of batches. Keeps its buffers between batches. */
typedef struct logstore_batch_builder logstore_batch_builder;

/**
 * logstore_batch_builder_new() - a builder of batches
 * @env: allocator to use; NULL means defaults; copied
 * @ret_builder: the builder
 *
 * Returns: 0 or -ENOMEM.
 * Ownership: free with logstore_batch_builder_free().
 * Threads: any thread; one builder must not be used on two threads at once.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_batch_builder_new(const struct logstore_env *env, logstore_batch_builder **ret_builder);

/**
 * logstore_batch_builder_free() - free a builder
 * @builder: may be NULL
 *
 * Returns: NULL.
 * Threads: any thread, once nobody uses it.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API logstore_batch_builder *logstore_batch_builder_free(logstore_batch_builder *builder);

/**
 * logstore_batch_builder_start() - begin a batch
 * @builder: the builder; an unfinished batch is dropped
 * @options: copied
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE; LOGSTORE_E_INVALID_CONFIG for a level outside the
 *          codec's range; -ENOMEM.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_batch_builder_start(logstore_batch_builder *builder,
                                              const struct logstore_batch_options *options,
                                              struct logstore_error *ret_error);

/**
 * logstore_batch_builder_add() - add one record
 * @builder: a started builder
 * @record: timestamp, key, value and headers are taken, and the offset if @offset_given
 * @offset_given: false: the next offset (base, base + 1, ...); true: record->offset, which must be at or
 *                above the base and above that of the record before
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_INVALID_RECORD for sizes below -1, a header without key or an offset that does
 *          not fit; LOGSTORE_E_MESSAGE_TOO_LARGE past 2^31-1 bytes; -ENOMEM. On failure the batch is as
 *          before.
 * Ownership: everything is copied.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_batch_builder_add(logstore_batch_builder *builder, const struct logstore_record *record,
                                            bool offset_given, struct logstore_error *ret_error);

/**
 * logstore_batch_builder_size() - bytes of the batch so far
 * @builder: a started builder
 *
 * Returns: the size without compression, header included.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API size_t logstore_batch_builder_size(const logstore_batch_builder *builder);

/**
 * logstore_batch_builder_finish() - compress, checksum and hand out the batch
 * @builder: a started builder with at least one record
 * @ret_bytes: the batch
 * @ret_size: its size in bytes
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_INVALID_RECORD without records; LOGSTORE_E_MESSAGE_TOO_LARGE; -ENOMEM.
 * Ownership: the bytes belong to @builder until it is started again or freed.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_batch_builder_finish(logstore_batch_builder *builder, const void **ret_bytes,
                                               size_t *ret_size, struct logstore_error *ret_error);

/* A transaction marker or another control record, decoded from its key and value. */
struct logstore_control {
	int16_t type;              /* enum logstore_control_type, or another number */
	int16_t version;           /* of the key */
	int32_t coordinator_epoch; /* of an ABORT or COMMIT marker, else LOGSTORE_NO_EPOCH */
};

/**
 * logstore_control_parse() - decode a control record
 * @record: a record of a control batch
 * @ret_control: what it says
 * @ret_error: detail, or NULL
 *
 * Returns: 0 or LOGSTORE_E_CORRUPT_MESSAGE for a key of less than 4 bytes or a marker whose value is short.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_control_parse(const struct logstore_record *record, struct logstore_control *ret_control,
                                        struct logstore_error *ret_error);

/**
 * logstore_partition_of_key() - the partition Kafka's default producer chooses for a key
 * @key: the key
 * @key_size: bytes
 * @partition_count: 1 or more
 *
 * Returns: murmur2 of the key, made positive, modulo @partition_count; 0 if @partition_count is below 1.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int32_t logstore_partition_of_key(const void *key, size_t key_size, int32_t partition_count);

/**
 * logstore_partition_of_group() - the partition of a group or transactional id
 * @id: UTF-8, terminated
 * @partition_count: of __consumer_offsets or __transaction_state, by default 50; 1 or more
 *
 * Returns: Java's String.hashCode of @id, made positive, modulo @partition_count; 0 if that is below 1.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int32_t logstore_partition_of_group(const char *id, int32_t partition_count);

/**
 * logstore_codec_name() - Kafka's name of a codec
 * @codec: enum logstore_codec
 *
 * Returns: "none", "gzip", "snappy", "lz4" or "zstd"; NULL for another number.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const char *logstore_codec_name(int codec);

/**
 * logstore_uuid_text() - a topic id as Kafka writes it
 * @uuid: the id
 * @ret_text: base64url, 22 characters and a terminating null
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_uuid_text(const struct logstore_uuid *uuid, char ret_text[23]);

/**
 * logstore_uuid_parse() - read a topic id
 * @text: base64url with or without padding
 * @ret_uuid: the id
 *
 * Returns: 0, or -EINVAL if it is not 16 bytes in base64url.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_uuid_parse(const char *text, struct logstore_uuid *ret_uuid);

#ifdef __cplusplus
}
#endif

#endif
