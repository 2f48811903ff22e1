/*
 * Messages of magic 0 and 1, which are read and never written. A message is a batch of one record, or a
 * wrapper whose value is compressed messages of the same magic. docs/format/record-batch.md is normative.
 *
 *  at size field
 *   0  8   offset       of a wrapper: that of its last message
 *   8  4   size         bytes after this field, 14 (magic 0) or 22 (magic 1) at least
 *  12  4   crc          CRC-32 of 16..end
 *  16  1   magic
 *  17  1   attributes   0-2 codec, 3 timestamp type (magic 1)
 *  18  8   timestamp    magic 1 only
 *      4   key length   below 0: null
 *          key
 *      4   value length below 0: null
 *          value
 *
 * Pure functions over the caller's bytes.
 */
#ifndef LS_FORMAT_LEGACY_H
#define LS_FORMAT_LEGACY_H

#include <logstore/error.h>
#include <logstore/types.h>

enum {
	LS_LEGACY_CRC = 12,
	LS_LEGACY_ATTRIBUTES = 17,
	LS_LEGACY_TIMESTAMP = 18,
};

#define LS_LEGACY_V1_MIN_LENGTH 22

/* One message. Key and value point into the bytes it was parsed from. */
struct ls_legacy_message {
	int64_t offset;    /* as stored */
	int64_t timestamp; /* LOGSTORE_NO_TIMESTAMP in magic 0 */
	const uint8_t *key;
	const uint8_t *value;
	int32_t key_size;   /* -1: null */
	int32_t value_size; /* -1: null */
	uint8_t codec;
	int8_t magic;
};

/* What turns the messages inside a wrapper into records. */
struct ls_legacy_wrapper {
	int64_t offset;      /* of the wrapper */
	int64_t timestamp;   /* of the wrapper */
	int64_t offset_base; /* what magic 1 adds to the offsets inside: ls_legacy_wrapper_set_last() */
	int8_t magic;
	bool log_append_time;
};

/* Bytes that ls_legacy_info() looks at: up to the attributes, in magic 1 up to the timestamp. */
size_t ls_legacy_header_need(int magic);

/* Header of a message of `size` bytes, known to be of magic 0 or 1. Nothing in it can be wrong. */
void ls_legacy_info(const uint8_t *bytes, uint32_t size, struct logstore_batch_info *ret_info);

/*
 * The message that takes up exactly `size` bytes (12 or more). `position` is where `bytes` begin, for
 * errors. The checksum is not looked at. Returns 0 or LOGSTORE_E_CORRUPT_MESSAGE.
 */
int ls_legacy_parse(const uint8_t *bytes, size_t size, int64_t position,
                    struct ls_legacy_message *ret_message, struct logstore_error *ret_error);

/*
 * Size of the message inside a wrapper that begins with these 12 bytes, the 12 included.
 * Returns 0 or LOGSTORE_E_CORRUPT_MESSAGE.
 */
int ls_legacy_inner_size(const uint8_t *bytes, int64_t position, size_t *ret_size,
                         struct logstore_error *ret_error);

/* As ls_legacy_parse() for a message inside a wrapper: its magic is the wrapper's and it is no wrapper. */
int ls_legacy_inner_parse(const struct ls_legacy_wrapper *wrapper, const uint8_t *bytes, size_t size,
                          int64_t position, struct ls_legacy_message *ret_message,
                          struct logstore_error *ret_error);

/*
 * Says what offset the last message in a wrapper of magic 1 has, so that the others can be told.
 * Returns 0 or LOGSTORE_E_CORRUPT_MESSAGE if that is above the wrapper's own.
 */
int ls_legacy_wrapper_set_last(struct ls_legacy_wrapper *wrapper, int64_t last_inner_offset,
                               struct logstore_error *ret_error);

/* The record of a message that stands alone. */
void ls_legacy_record(const struct ls_legacy_message *message, struct logstore_record *ret_record);

/* The record of a message inside a wrapper. Returns 0 or LOGSTORE_E_CORRUPT_MESSAGE (offset above 2^63-1). */
int ls_legacy_inner_record(const struct ls_legacy_wrapper *wrapper, const struct ls_legacy_message *message,
                           int64_t position, struct logstore_record *ret_record,
                           struct logstore_error *ret_error);

#endif
