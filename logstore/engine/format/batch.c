/*
 * Headers of batches: sizes, fields, checksums (docs/format/record-batch.md).
 *
 * Pure functions over the caller's bytes, callable on any thread. Every field is checked before it is used;
 * the failures are those that batch.h names.
 */
#include "format/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/error.h"
#include "format/legacy.h"

#define MAGIC_V2 2
#define SEQUENCE_SPAN (INT64_C(1) << 31) /* sequences are 0 .. 2^31-1 */

/* Smallest value of the length field, by magic. An unknown magic gets the smallest of all. */
static uint32_t smallest_length(int magic)
{
	switch (magic) {
	case MAGIC_V2:
		return LS_BATCH_HEADER_SIZE - LS_BATCH_LOG_OVERHEAD;
	case 1:
		return LS_LEGACY_V1_MIN_LENGTH;
	default:
		return LS_LEGACY_MIN_LENGTH;
	}
}

bool ls_batch_is_zero(const uint8_t *bytes)
{
	static const uint8_t zeros[LS_BATCH_PREFIX_SIZE];

	return memcmp(bytes, zeros, sizeof zeros) == 0;
}

int ls_batch_size(const uint8_t *bytes, uint32_t *ret_size, struct logstore_error *ret_error)
{
	uint32_t length = ls_load_be32(bytes + LS_BATCH_LENGTH);
	int magic = (int8_t)bytes[LS_BATCH_MAGIC];

	if (length < smallest_length(magic) || length > INT32_MAX)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, LS_BATCH_LENGTH,
		                  "batch length %" PRId32 " is impossible for magic %d", (int32_t)length,
		                  magic);
	if (magic < 0 || magic > MAGIC_V2)
		return ls_error(ret_error, LOGSTORE_E_UNSUPPORTED_FORMAT,
		                "batch has magic %d; 0, 1 and 2 are known", magic);
	*ret_size = LS_BATCH_LOG_OVERHEAD + length;
	return 0;
}

size_t ls_batch_header_need(int magic)
{
	switch (magic) {
	case 0:
	case 1:
		return ls_legacy_header_need(magic);
	case MAGIC_V2:
		return LS_BATCH_HEADER_SIZE;
	default:
		return LS_BATCH_PREFIX_SIZE;
	}
}

static void decode_attributes(uint16_t attributes, struct logstore_batch_info *info)
{
	info->attributes = attributes;
	info->codec = attributes & LS_ATTR_CODEC;
	info->timestamp_type =
		attributes & LS_ATTR_LOG_APPEND_TIME ? LOGSTORE_LOG_APPEND_TIME : LOGSTORE_CREATE_TIME;
	info->transactional = attributes & LS_ATTR_TRANSACTIONAL;
	info->control = attributes & LS_ATTR_CONTROL;
	info->has_delete_horizon = attributes & LS_ATTR_DELETE_HORIZON;
}

static int decode_v2(const uint8_t *bytes, uint32_t size, struct logstore_batch_info *ret_info,
                     struct logstore_error *ret_error)
{
	int32_t last_offset_delta = ls_load_be32s(bytes + LS_BATCH_LAST_OFFSET_DELTA);
	struct logstore_batch_info info = {
		.base_offset = ls_load_be64s(bytes + LS_BATCH_BASE_OFFSET),
		.base_timestamp = ls_load_be64s(bytes + LS_BATCH_BASE_TIMESTAMP),
		.max_timestamp = ls_load_be64s(bytes + LS_BATCH_MAX_TIMESTAMP),
		.producer_id = ls_load_be64s(bytes + LS_BATCH_PRODUCER_ID),
		.size = size,
		.crc = ls_load_be32(bytes + LS_BATCH_CRC),
		.leader_epoch = ls_load_be32s(bytes + LS_BATCH_LEADER_EPOCH),
		.base_sequence = ls_load_be32s(bytes + LS_BATCH_BASE_SEQUENCE),
		.last_sequence = LOGSTORE_NO_SEQUENCE,
		.record_count = ls_load_be32s(bytes + LS_BATCH_RECORD_COUNT),
		.producer_epoch = ls_load_be16s(bytes + LS_BATCH_PRODUCER_EPOCH),
		.magic = MAGIC_V2,
	};

	decode_attributes(ls_load_be16(bytes + LS_BATCH_ATTRIBUTES), &info);
	if (last_offset_delta < 0 ||
	    __builtin_add_overflow(info.base_offset, last_offset_delta, &info.last_offset))
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, LS_BATCH_LAST_OFFSET_DELTA,
		                  "last offset delta %" PRId32 " is impossible for base offset %" PRId64,
		                  last_offset_delta, info.base_offset);
	if (info.record_count < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, LS_BATCH_RECORD_COUNT,
		                  "record count %" PRId32 " is negative", info.record_count);
	if (info.base_sequence != LOGSTORE_NO_SEQUENCE)
		info.last_sequence = ls_sequence_add(info.base_sequence, last_offset_delta);
	*ret_info = info;
	return 0;
}

int ls_batch_info(const uint8_t *bytes, size_t size, struct logstore_batch_info *ret_info,
                  struct logstore_error *ret_error)
{
	uint32_t batch_size = 0;
	size_t need;
	int r;

	if (size < LS_BATCH_PREFIX_SIZE)
		return ls_error(ret_error, -ENODATA, "only %zu bytes of a batch are present", size);
	r = ls_batch_size(bytes, &batch_size, ret_error);
	if (r < 0)
		return r;
	need = ls_batch_header_need(bytes[LS_BATCH_MAGIC]);
	if (size < need)
		return ls_error(ret_error, -ENODATA, "only %zu of the %zu bytes of the header are present",
		                size, need);
	if (bytes[LS_BATCH_MAGIC] == MAGIC_V2)
		return decode_v2(bytes, batch_size, ret_info, ret_error);
	ls_legacy_info(bytes, batch_size, ret_info);
	return 0;
}

size_t ls_batch_crc_start(int magic)
{
	return magic < MAGIC_V2 ? LS_BATCH_MAGIC : LS_BATCH_ATTRIBUTES;
}

uint32_t ls_batch_compute_crc(const uint8_t *bytes, size_t size)
{
	int magic = (int8_t)bytes[LS_BATCH_MAGIC];
	size_t start = ls_batch_crc_start(magic);

	LS_ASSERT(size >= start);
	if (magic < MAGIC_V2)
		return ls_crc32(0, bytes + start, size - start);
	return ls_crc32c(0, bytes + start, size - start);
}

int ls_batch_check(const uint8_t *bytes, size_t size, struct logstore_error *ret_error)
{
	struct logstore_batch_info info;
	uint32_t computed;
	int r;

	r = ls_batch_info(bytes, size, &info, ret_error);
	if (r < 0)
		return r;
	if (size < info.size)
		return ls_error(ret_error, -ENODATA,
		                "only %zu of the %" PRIu32 " bytes of the batch are present", size,
		                info.size);
	computed = ls_batch_compute_crc(bytes, info.size);
	if (computed != info.crc) {
		r = ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL,
		               info.magic < MAGIC_V2 ? LS_LEGACY_CRC : LS_BATCH_CRC,
		               "batch says checksum %08" PRIx32 ", its bytes give %08" PRIx32, info.crc,
		               computed);
		return ls_error_at(ret_error, r, NULL, -1, info.base_offset);
	}
	return 0;
}

int32_t ls_sequence_add(int32_t sequence, int32_t delta)
{
	int64_t sum = (int64_t)sequence + delta;

	return (int32_t)(sum > INT32_MAX ? sum - SEQUENCE_SPAN : sum);
}

int32_t ls_sequence_subtract(int32_t sequence, int32_t delta)
{
	int64_t difference = (int64_t)sequence - delta;

	return (int32_t)(difference < 0 ? difference + SEQUENCE_SPAN : difference);
}
