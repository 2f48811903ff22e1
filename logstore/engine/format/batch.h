/*
 * The header of a RecordBatch v2 (61 bytes) and of a legacy message, and what can be told from it.
 * docs/format/record-batch.md is normative. Pure functions over bytes.
 *
 *  at size field
 *   0  8   baseOffset              outside the CRC
 *   8  4   batchLength             bytes after this field; outside the CRC
 *  12  4   partitionLeaderEpoch    outside the CRC
 *  16  1   magic                   outside the CRC
 *  17  4   crc                     CRC-32C of 21..end
 *  21  2   attributes              0-2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon
 *  23  4   lastOffsetDelta
 *  27  8   baseTimestamp
 *  35  8   maxTimestamp
 *  43  8   producerId
 *  51  2   producerEpoch
 *  53  4   baseSequence
 *  57  4   recordsCount
 *  61      records
 */
#ifndef LS_FORMAT_BATCH_H
#define LS_FORMAT_BATCH_H

#include <assert.h>
#include <logstore/error.h>
#include <logstore/types.h>

enum {
	LS_BATCH_BASE_OFFSET = 0,
	LS_BATCH_LENGTH = 8,
	LS_BATCH_LEADER_EPOCH = 12,
	LS_BATCH_MAGIC = 16,
	LS_BATCH_CRC = 17,
	LS_BATCH_ATTRIBUTES = 21,
	LS_BATCH_LAST_OFFSET_DELTA = 23,
	LS_BATCH_BASE_TIMESTAMP = 27,
	LS_BATCH_MAX_TIMESTAMP = 35,
	LS_BATCH_PRODUCER_ID = 43,
	LS_BATCH_PRODUCER_EPOCH = 51,
	LS_BATCH_BASE_SEQUENCE = 53,
	LS_BATCH_RECORD_COUNT = 57,
	LS_BATCH_HEADER_SIZE = 61,
};
static_assert(LS_BATCH_HEADER_SIZE == LS_BATCH_RECORD_COUNT + 4, "header ends with the record count");

#define LS_BATCH_LOG_OVERHEAD 12u    /* baseOffset and batchLength */
#define LS_BATCH_PREFIX_SIZE 17u     /* what tells size and magic */
#define LS_LEGACY_MIN_LENGTH 14      /* smallest legacy message behind the overhead */

#define LS_ATTR_CODEC 0x07u
#define LS_ATTR_LOG_APPEND_TIME 0x08u
#define LS_ATTR_TRANSACTIONAL 0x10u
#define LS_ATTR_CONTROL 0x20u
#define LS_ATTR_DELETE_HORIZON 0x40u
#define LS_ATTR_KNOWN 0x7fu

/*
 * Size of the batch that begins at `bytes`, from its first 17 bytes (size of `bytes`: at least
 * LS_BATCH_PREFIX_SIZE). Returns 0; LOGSTORE_E_CORRUPT_MESSAGE for a length below the smallest message of
 * its magic or above 2^31-1; LOGSTORE_E_UNSUPPORTED_FORMAT for a magic other than 0, 1, 2.
 * Zero bytes are corrupt here; who may meet a preallocated tail checks for it first (ls_batch_is_zero).
 */
int ls_batch_size(const uint8_t *bytes, uint32_t *ret_size, struct logstore_error *ret_error);
/* Whether the first 17 bytes are all zero. */
bool ls_batch_is_zero(const uint8_t *bytes);

/*
 * Decodes a header of magic 2 (needs 61 bytes) or a legacy message header (needs ls_batch_header_need()
 * bytes, at most 26; a wrapper's base_offset is its last one, since only its content tells the first).
 * Returns 0; -ENODATA if `size` ends inside the header; LOGSTORE_E_CORRUPT_MESSAGE for a last offset below
 * the base or above 2^63-1, or a negative record count; what ls_batch_size() returns.
 */
int ls_batch_info(const uint8_t *bytes, size_t size, struct logstore_batch_info *ret_info,
                  struct logstore_error *ret_error);

/* Bytes of `bytes` that ls_batch_info() needs, by magic. */
size_t ls_batch_header_need(int magic);

/* CRC of a whole batch, computed as its magic demands, without comparing. `size` is the batch's. */
uint32_t ls_batch_compute_crc(const uint8_t *bytes, size_t size);
/* First byte the CRC covers (21, or 16 for a legacy message): for checking a batch piece by piece with ls_crc32c(). */
size_t ls_batch_crc_start(int magic);

/*
 * Whole check of one batch: header and CRC. Returns 0, LOGSTORE_E_CORRUPT_MESSAGE (both checksums in the
 * text), -ENODATA if it is not whole, or what ls_batch_info() returns.
 */
int ls_batch_check(const uint8_t *bytes, size_t size, struct logstore_error *ret_error);

/* Sequences and their wrap from 2^31-1 to 0. */
int32_t ls_sequence_add(int32_t sequence, int32_t delta);
int32_t ls_sequence_subtract(int32_t sequence, int32_t delta);

#endif
