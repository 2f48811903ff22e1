/*
 * Reading decoded records, one after another, from an offset on. A cursor decompresses, verifies
 * checksums, leaves out control records and, where asked, what transactions aborted; and says how many
 * offsets are missing between two records.
 */
#ifndef LOGSTORE_CURSOR_H
#define LOGSTORE_CURSOR_H

#include <logstore/error.h>
#include <logstore/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to read. Set up with logstore_cursor_options_init(). */
struct logstore_cursor_options {
	uint32_t struct_size;
	uint8_t isolation;    /* enum logstore_isolation; default HIGH_WATERMARK; COMMITTED filters aborted data */
	bool control_records; /* yield control records too; default false */
	bool skip_damaged;    /* go on after a damaged batch and count it as a gap; default false: an error */
	bool check_crc;       /* default true */
	int64_t end_offset;   /* stop before this offset; default INT64_MAX */
	uint64_t buffer_bytes; /* read this much at a time; grows for a larger batch; default 256 KiB */
	uint64_t reserved[6];
};

/**
 * logstore_cursor_options_init() - default options
 * @options: set to the defaults named beside each member
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_cursor_options_init(struct logstore_cursor_options *options);

/**
 * logstore_cursor_open() - read records from an offset
 * @part: the partition; stays open as long as the cursor
 * @offset: log start to log end; the first record at or above it comes first
 * @options: NULL means the defaults
 * @ret_cursor: the cursor
 * @ret_error: detail, or NULL
 *
 * Returns: 0; LOGSTORE_E_OFFSET_OUT_OF_RANGE; -ENOMEM; -EINVAL.
 * Ownership: close with logstore_cursor_close().
 * Threads: any thread; one cursor must not be used on two threads at once.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_cursor_open(logstore_partition *part, int64_t offset,
                                      const struct logstore_cursor_options *options, logstore_cursor **ret_cursor,
                                      struct logstore_error *ret_error);

/**
 * logstore_cursor_close() - close a cursor
 * @cursor: may be NULL
 *
 * Returns: NULL.
 * Threads: any thread, once nobody uses it.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API logstore_cursor *logstore_cursor_close(logstore_cursor *cursor);

/* A record with the batch it stands in. */
struct logstore_entry {
	struct logstore_record record;
	const struct logstore_batch_info *batch;
	int64_t gap;       /* offsets passed over since the record before (compacted, control, aborted, damaged) */
	int64_t damaged;   /* of those, offsets of damaged batches (with skip_damaged) */
	uint64_t reserved[2];
};

/**
 * logstore_cursor_next() - the next record
 * @cursor: the cursor
 * @ret_entry: the record; what it points to is valid until the next call on @cursor
 * @ret_error: detail, or NULL
 *
 * In a read-only store the bound stays where it is until logstore_partition_refresh() looks what the owner
 * has added: a tail reader calls that, then this again.
 *
 * Returns: 1 and a record; 0 at the bound: more may come later, call again;
 *          LOGSTORE_E_OFFSET_OUT_OF_RANGE if the log start has passed the cursor, or a truncation has cut
 *          the log below it: open a new one, since offsets may have been written anew;
 *          LOGSTORE_E_CORRUPT_MESSAGE or LOGSTORE_E_LIMIT_EXCEEDED at a damaged batch: the same answer
 *          until logstore_cursor_skip_batch() is called; -errno; -ENOMEM.
 * Threads: one thread at a time.
 * Blocking: reads the file.
 * Since: 0.1
 */
LOGSTORE_API int logstore_cursor_next(logstore_cursor *cursor, struct logstore_entry *ret_entry,
                                      struct logstore_error *ret_error);

/**
 * logstore_cursor_skip_batch() - go on after the batch at hand, damaged or not
 * @cursor: the cursor
 * @ret_error: detail, or NULL
 *
 * If where the batch ends cannot be told, the next whole batch with a right checksum is looked for; if there
 * is none in the segment, the cursor goes on with the next segment. With READ_COMMITTED a skipped batch may
 * have been a marker: up to the next marker of its producer data may then be left out that was committed.
 *
 * Returns: 0; -errno; -ENOMEM.
 * Threads: one thread at a time.
 * Blocking: may read on to find the next batch.
 * Since: 0.1
 */
LOGSTORE_API int logstore_cursor_skip_batch(logstore_cursor *cursor, struct logstore_error *ret_error);

/**
 * logstore_cursor_offset() - where a cursor stands
 * @cursor: the cursor
 *
 * Returns: the lowest offset the next record can have.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int64_t logstore_cursor_offset(const logstore_cursor *cursor);

#ifdef __cplusplus
}
#endif

#endif
