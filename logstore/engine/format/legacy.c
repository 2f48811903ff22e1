/*
 * Messages of magic 0 and 1: layout, and the rules by which the messages inside a compressed wrapper get
 * their offsets and timestamps. Where the bytes of a wrapper come from is the record reader's business.
 *
 * Pure functions, callable on any thread. The only failure is LOGSTORE_E_CORRUPT_MESSAGE.
 */
#include "format/legacy.h"

#include <inttypes.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/error.h"
#include "format/batch.h"

/* Where the key length is, by magic. */
static size_t body_start(int magic)
{
	return magic == 0 ? LS_LEGACY_TIMESTAMP : LS_LEGACY_TIMESTAMP + sizeof(int64_t);
}

size_t ls_legacy_header_need(int magic)
{
	return body_start(magic);
}

void ls_legacy_info(const uint8_t *bytes, uint32_t size, struct logstore_batch_info *ret_info)
{
	uint8_t attributes = bytes[LS_LEGACY_ATTRIBUTES];
	int8_t magic = (int8_t)bytes[LS_BATCH_MAGIC];
	int64_t timestamp = LOGSTORE_NO_TIMESTAMP;
	int64_t offset = ls_load_be64s(bytes + LS_BATCH_BASE_OFFSET);
	bool append_time = magic == 1 && (attributes & LS_ATTR_LOG_APPEND_TIME);
	uint8_t codec = attributes & LS_ATTR_CODEC;

	LS_ASSERT(magic == 0 || magic == 1);
	if (magic == 1)
		timestamp = ls_load_be64s(bytes + LS_LEGACY_TIMESTAMP);
	*ret_info = (struct logstore_batch_info){
		.base_offset = offset,
		.last_offset = offset,
		.base_timestamp = timestamp,
		.max_timestamp = timestamp,
		.producer_id = LOGSTORE_NO_PRODUCER_ID,
		.size = size,
		.crc = ls_load_be32(bytes + LS_LEGACY_CRC),
		.leader_epoch = LOGSTORE_NO_EPOCH,
		.base_sequence = LOGSTORE_NO_SEQUENCE,
		.last_sequence = LOGSTORE_NO_SEQUENCE,
		.record_count = codec == LOGSTORE_CODEC_NONE ? 1 : -1,
		.producer_epoch = LOGSTORE_NO_EPOCH,
		.attributes = attributes,
		.magic = magic,
		.codec = codec,
		.timestamp_type = append_time ? LOGSTORE_LOG_APPEND_TIME : LOGSTORE_CREATE_TIME,
	};
}

/*
 * Key or value: an int32 and as many bytes, none if it is negative. Returns the first byte behind it, or
 * NULL if it runs past `end`.
 */
static const uint8_t *parse_field(const uint8_t *p, const uint8_t *end, const uint8_t **ret_bytes,
                                  int32_t *ret_size)
{
	int32_t size;

	if (end - p < (ptrdiff_t)sizeof size)
		return NULL;
	size = ls_load_be32s(p);
	p += sizeof size;
	if (size < 0) {
		*ret_bytes = NULL;
		*ret_size = -1;
		return p;
	}
	if (size > end - p)
		return NULL;
	*ret_bytes = p;
	*ret_size = size;
	return p + size;
}

int ls_legacy_parse(const uint8_t *bytes, size_t size, int64_t position,
                    struct ls_legacy_message *ret_message, struct logstore_error *ret_error)
{
	const uint8_t *end = bytes + size, *key_end, *value_end;
	struct ls_legacy_message message = {.timestamp = LOGSTORE_NO_TIMESTAMP};

	if (size < LS_BATCH_PREFIX_SIZE || bytes[LS_BATCH_MAGIC] > 1)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position + LS_BATCH_MAGIC,
		                  "message is not of magic 0 or 1");
	message.magic = (int8_t)bytes[LS_BATCH_MAGIC];
	if (size < body_start(message.magic))
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position + LS_BATCH_LENGTH,
		                  "message of %zu bytes is too short for magic %d", size, message.magic);
	message.offset = ls_load_be64s(bytes + LS_BATCH_BASE_OFFSET);
	message.codec = bytes[LS_LEGACY_ATTRIBUTES] & LS_ATTR_CODEC;
	if (message.magic == 1)
		message.timestamp = ls_load_be64s(bytes + LS_LEGACY_TIMESTAMP);
	bytes += body_start(message.magic);
	position += (int64_t)body_start(message.magic);

	key_end = parse_field(bytes, end, &message.key, &message.key_size);
	if (!key_end)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position,
		                  "key runs past the end of its message");
	value_end = parse_field(key_end, end, &message.value, &message.value_size);
	if (!value_end)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position + (key_end - bytes),
		                  "value runs past the end of its message");
	if (value_end != end)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position + (value_end - bytes),
		                  "%td bytes are left behind the value of a message", end - value_end);
	*ret_message = message;
	return 0;
}

int ls_legacy_inner_size(const uint8_t *bytes, int64_t position, size_t *ret_size,
                         struct logstore_error *ret_error)
{
	int32_t length = ls_load_be32s(bytes + LS_BATCH_LENGTH);

	if (length < LS_LEGACY_MIN_LENGTH)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position + LS_BATCH_LENGTH,
		                  "message in a compressed message has impossible length %" PRId32, length);
	*ret_size = LS_BATCH_LOG_OVERHEAD + (size_t)length;
	return 0;
}

int ls_legacy_inner_parse(const struct ls_legacy_wrapper *wrapper, const uint8_t *bytes, size_t size,
                          int64_t position, struct ls_legacy_message *ret_message,
                          struct logstore_error *ret_error)
{
	struct ls_legacy_message message;
	int r = ls_legacy_parse(bytes, size, position, &message, ret_error);

	if (r < 0)
		return r;
	if (message.magic != wrapper->magic)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position + LS_BATCH_MAGIC,
		                  "message of magic %d in a compressed message of magic %d", message.magic,
		                  wrapper->magic);
	if (message.codec != LOGSTORE_CODEC_NONE)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL,
		                  position + LS_LEGACY_ATTRIBUTES,
		                  "compressed message in a compressed message");
	*ret_message = message;
	return 0;
}

int ls_legacy_wrapper_set_last(struct ls_legacy_wrapper *wrapper, int64_t last_inner_offset,
                               struct logstore_error *ret_error)
{
	int64_t offset_base;

	LS_ASSERT(wrapper->magic == 1);
	if (wrapper->offset == 0) {
		/* Some producers leave the wrapper's offset at 0; its messages then count from 0. */
		wrapper->offset_base = 0;
		return 0;
	}
	if (wrapper->offset < last_inner_offset ||
	    __builtin_sub_overflow(wrapper->offset, last_inner_offset, &offset_base))
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, LS_BATCH_BASE_OFFSET,
		                  "offset %" PRId64 " of a compressed message does not fit %" PRId64
		                  ", that of the last message in it",
		                  wrapper->offset, last_inner_offset);
	wrapper->offset_base = offset_base;
	return 0;
}

void ls_legacy_record(const struct ls_legacy_message *message, struct logstore_record *ret_record)
{
	*ret_record = (struct logstore_record){
		.offset = message->offset,
		.timestamp = message->timestamp,
		.key = message->key,
		.value = message->value,
		.key_size = message->key_size,
		.value_size = message->value_size,
		.sequence = LOGSTORE_NO_SEQUENCE,
	};
}

int ls_legacy_inner_record(const struct ls_legacy_wrapper *wrapper, const struct ls_legacy_message *message,
                           int64_t position, struct logstore_record *ret_record,
                           struct logstore_error *ret_error)
{
	int64_t offset = message->offset;

	if (wrapper->magic == 1 && __builtin_add_overflow(wrapper->offset_base, offset, &offset))
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, position,
		                  "relative offset %" PRId64
		                  " does not fit a compressed message at offset %" PRId64,
		                  message->offset, wrapper->offset);
	ls_legacy_record(message, ret_record);
	ret_record->offset = offset;
	if (wrapper->log_append_time)
		ret_record->timestamp = wrapper->timestamp;
	return 0;
}
