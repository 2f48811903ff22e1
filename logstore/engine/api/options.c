/*
 * Defaults of every option struct, and how a struct from an older or newer program is read.
 */
#include <logstore/inspect.h>

#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/error.h"

int ls_api_options(void *known, size_t known_size, const void *given, const char *what,
                   struct logstore_error *ret_error)
{
	const uint8_t *bytes = given;
	uint32_t size;

	if (!given)
		return 0;
	memcpy(&size, given, sizeof size);
	if (size < 2 * sizeof size || size > 4096)
		return ls_error(ret_error, -EINVAL, "%s: struct_size is %u; call its _init() function first", what,
		                size);
	for (size_t i = known_size; i < size; i++) {
		if (bytes[i] != 0)
			return ls_error(ret_error, -EINVAL, "%s sets members that this version does not know", what);
	}
	memcpy(known, given, size < known_size ? size : known_size);
	memcpy(known, &(uint32_t){(uint32_t)known_size}, sizeof size);
	return 0;
}

void logstore_options_init(struct logstore_options *options)
{
	*options = (struct logstore_options){
		.struct_size = sizeof *options,
		.producer_id_expiration_ms = 86400000,
		.max_decompressed_bytes = UINT64_C(1) << 30,
		.max_batch_bytes = UINT64_C(256) << 20,
	};
}

void logstore_create_options_init(struct logstore_create_options *options)
{
	*options = (struct logstore_create_options){.struct_size = sizeof *options};
}

void logstore_append_options_init(struct logstore_append_options *options)
{
	*options = (struct logstore_append_options){
		.struct_size = sizeof *options,
		.leader_epoch = LOGSTORE_NO_EPOCH,
	};
}

void logstore_records_options_init(struct logstore_records_options *options)
{
	*options = (struct logstore_records_options){
		.struct_size = sizeof *options,
		.level = LOGSTORE_LEVEL_DEFAULT,
		.codec = -1,
		.producer_epoch = LOGSTORE_NO_EPOCH,
		.base_sequence = LOGSTORE_NO_SEQUENCE,
		.producer_id = LOGSTORE_NO_PRODUCER_ID,
	};
}

void logstore_marker_init(struct logstore_marker *marker)
{
	*marker = (struct logstore_marker){
		.struct_size = sizeof *marker,
		.producer_epoch = LOGSTORE_NO_EPOCH,
		.producer_id = LOGSTORE_NO_PRODUCER_ID,
		.timestamp = LOGSTORE_NO_TIMESTAMP,
	};
}

void logstore_read_options_init(struct logstore_read_options *options)
{
	*options = (struct logstore_read_options){
		.struct_size = sizeof *options,
		.isolation = LOGSTORE_READ_HIGH_WATERMARK,
		.at_least_one_batch = true,
		.max_bytes = 1024 * 1024,
	};
}

void logstore_cursor_options_init(struct logstore_cursor_options *options)
{
	*options = (struct logstore_cursor_options){
		.struct_size = sizeof *options,
		.isolation = LOGSTORE_READ_HIGH_WATERMARK,
		.check_crc = true,
		.end_offset = INT64_MAX,
		.buffer_bytes = 256 * 1024,
	};
}

void logstore_batch_options_init(struct logstore_batch_options *options)
{
	*options = (struct logstore_batch_options){
		.struct_size = sizeof *options,
		.level = LOGSTORE_LEVEL_DEFAULT,
		.producer_epoch = LOGSTORE_NO_EPOCH,
		.leader_epoch = LOGSTORE_NO_EPOCH,
		.base_sequence = LOGSTORE_NO_SEQUENCE,
		.producer_id = LOGSTORE_NO_PRODUCER_ID,
		.log_append_time = LOGSTORE_NO_TIMESTAMP,
	};
}

void logstore_scan_options_init(struct logstore_scan_options *options)
{
	*options = (struct logstore_scan_options){
		.struct_size = sizeof *options,
		.check_crc = true,
		.end_position = UINT64_MAX,
		.max_batch_bytes = UINT64_C(256) << 20,
		.max_decompressed_bytes = UINT64_C(1) << 30,
	};
}

void logstore_verify_options_init(struct logstore_verify_options *options)
{
	*options = (struct logstore_verify_options){
		.struct_size = sizeof *options,
		.records = true,
		.max_decompressed_bytes = UINT64_C(1) << 30,
	};
}
