/* Headers of batches: hand-made ones, every single-bit change, and all batches that Kafka wrote. */
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "format/batch.h"
#include "testlib.h"

TestSuite(batch, .fini = ts_check_leaks);

#define T INT64_C(1700000000000)

/* Two records at offsets 0 and 1, timestamps T and T + 5. */
static const char two_records[] =
	"00000000000000000000004900000000024109046f0000000000010000018bcfe568000000018bcfe56805"
	"ffffffffffffffffffffffffffff0000000214000000046b310476310018000a02046b32010202680278";
/* ABORT marker of producer 1000 at offset 2. */
static const char abort_marker[] =
	"0000000000000002000000420000000302c6f85ce40030000000000000018bcfe568090000018bcfe56809"
	"00000000000003e80001ffffffff000000012000000008000000000c00000000000700";
/* Empty, offsets 3 to 7, transactional, producer 1000. */
static const char empty_batch[] =
	"00000000000000030000003100000003028d9a3630001000000004ffffffffffffffff0000018bcfe56809"
	"00000000000003e800010000000500000000";

/* A header of magic 2 with the given length field, the rest zero. */
static void blank_header(uint8_t header[LS_BATCH_HEADER_SIZE], uint32_t length, int magic)
{
	memset(header, 0, LS_BATCH_HEADER_SIZE);
	ls_store_be32(header + LS_BATCH_LENGTH, length);
	header[LS_BATCH_MAGIC] = (uint8_t)magic;
}

Test(batch, two_records)
{
	struct logstore_batch_info info;
	size_t size;
	uint8_t *bytes = ts_hex(two_records, &size);

	cr_assert_eq(size, 85);
	cr_assert_eq(ls_batch_info(bytes, size, &info, NULL), 0);
	cr_expect_eq(info.base_offset, 0);
	cr_expect_eq(info.last_offset, 1);
	cr_expect_eq(info.base_timestamp, T);
	cr_expect_eq(info.max_timestamp, T + 5);
	cr_expect_eq(info.producer_id, -1);
	cr_expect_eq(info.producer_epoch, -1);
	cr_expect_eq(info.base_sequence, -1);
	cr_expect_eq(info.last_sequence, -1);
	cr_expect_eq(info.leader_epoch, 0);
	cr_expect_eq(info.record_count, 2);
	cr_expect_eq(info.size, 85);
	cr_expect_eq(info.crc, 0x4109046f);
	cr_expect_eq(info.attributes, 0);
	cr_expect_eq(info.magic, 2);
	cr_expect_eq(info.codec, LOGSTORE_CODEC_NONE);
	cr_expect_eq(info.timestamp_type, LOGSTORE_CREATE_TIME);
	cr_expect(!info.transactional && !info.control && !info.has_delete_horizon);
	cr_expect_eq(ls_batch_check(bytes, size, NULL), 0);
	cr_expect_eq(ls_batch_compute_crc(bytes, size), 0x4109046f);
	free(bytes);
}

Test(batch, marker_and_empty)
{
	struct logstore_batch_info info;
	size_t size;
	uint8_t *bytes = ts_hex(abort_marker, &size);

	cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
	cr_assert_eq(ls_batch_info(bytes, size, &info, NULL), 0);
	cr_expect_eq(info.size, 78);
	cr_expect(info.transactional && info.control);
	cr_expect_eq(info.producer_id, 1000);
	cr_expect_eq(info.producer_epoch, 1);
	cr_expect_eq(info.base_sequence, -1);
	cr_expect_eq(info.last_sequence, -1);
	cr_expect_eq(info.leader_epoch, 3);
	free(bytes);

	bytes = ts_hex(empty_batch, &size);
	cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
	cr_assert_eq(ls_batch_info(bytes, size, &info, NULL), 0);
	cr_expect_eq(info.size, 61);
	cr_expect_eq(info.record_count, 0);
	cr_expect_eq(info.base_offset, 3);
	cr_expect_eq(info.last_offset, 7);
	cr_expect_eq(info.base_sequence, 5);
	cr_expect_eq(info.last_sequence, 9);
	cr_expect_eq(info.base_timestamp, -1);
	cr_expect_eq(info.max_timestamp, T + 9);
	cr_expect(info.transactional && !info.control);
	free(bytes);
}

Test(batch, size)
{
	static const struct {
		int magic;
		uint32_t length;
		int result;
	} cases[] = {
		{2, 49, 0},
		{2, 48, LOGSTORE_E_CORRUPT_MESSAGE},
		{2, INT32_MAX, 0},
		{2, UINT32_C(1) << 31, LOGSTORE_E_CORRUPT_MESSAGE},
		{2, UINT32_MAX, LOGSTORE_E_CORRUPT_MESSAGE},
		{1, 22, 0},
		{1, 21, LOGSTORE_E_CORRUPT_MESSAGE},
		{0, 14, 0},
		{0, 13, LOGSTORE_E_CORRUPT_MESSAGE},
		{0, 0, LOGSTORE_E_CORRUPT_MESSAGE},
		{3, 49, LOGSTORE_E_UNSUPPORTED_FORMAT},
		{3, 13, LOGSTORE_E_CORRUPT_MESSAGE},
		{127, 49, LOGSTORE_E_UNSUPPORTED_FORMAT},
		{128, 49, LOGSTORE_E_UNSUPPORTED_FORMAT},
		{255, 49, LOGSTORE_E_UNSUPPORTED_FORMAT},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t header[LS_BATCH_HEADER_SIZE];
		struct logstore_error error = {0};
		uint32_t size = 7;
		int r;

		blank_header(header, cases[i].length, cases[i].magic);
		r = ls_batch_size(header, &size, &error);
		cr_expect_eq(r, cases[i].result, "case %zu: %d", i, r);
		cr_expect_eq(error.code, r, "case %zu", i);
		cr_expect_eq(size, r == 0 ? cases[i].length + 12 : 7, "case %zu: size %u", i, size);
		if (r == LOGSTORE_E_CORRUPT_MESSAGE)
			cr_expect_eq(error.position, LS_BATCH_LENGTH, "case %zu", i);
	}
}

Test(batch, zero)
{
	uint8_t bytes[LS_BATCH_PREFIX_SIZE + 1] = {0};

	bytes[LS_BATCH_PREFIX_SIZE] = 1;
	cr_expect(ls_batch_is_zero(bytes));
	for (size_t i = 0; i < LS_BATCH_PREFIX_SIZE; i++) {
		bytes[i] = 0x10;
		cr_expect(!ls_batch_is_zero(bytes), "byte %zu", i);
		bytes[i] = 0;
	}
}

Test(batch, header_need)
{
	cr_expect_eq(ls_batch_header_need(0), 18);
	cr_expect_eq(ls_batch_header_need(1), 26);
	cr_expect_eq(ls_batch_header_need(2), 61);
	cr_expect_eq(ls_batch_header_need(3), LS_BATCH_PREFIX_SIZE);
	cr_expect_eq(ls_batch_header_need(-1), LS_BATCH_PREFIX_SIZE);
	cr_expect_eq(ls_batch_crc_start(0), 16);
	cr_expect_eq(ls_batch_crc_start(1), 16);
	cr_expect_eq(ls_batch_crc_start(2), 21);
}

/* The header is asked for with every size below what its magic needs, in a block of just that size. */
Test(batch, cut_header)
{
	for (int magic = 0; magic <= 2; magic++) {
		uint8_t header[LS_BATCH_HEADER_SIZE];
		size_t need = ls_batch_header_need(magic);
		struct logstore_batch_info info, before;

		blank_header(header, 49, magic);
		memset(&info, 0x5a, sizeof info);
		before = info;
		for (size_t size = 0; size < need; size++) {
			uint8_t *cut = malloc(size ? size : 1);
			struct logstore_error error = {0};

			memcpy(cut, header, size);
			cr_expect_eq(ls_batch_info(cut, size, &info, &error), -ENODATA, "magic %d, size %zu",
			             magic, size);
			cr_expect_eq(error.code, -ENODATA);
			cr_expect_eq(memcmp(&info, &before, sizeof info), 0);
			free(cut);
		}
		cr_expect_eq(ls_batch_info(header, need, &info, NULL), 0, "magic %d", magic);
	}
}

Test(batch, impossible_fields)
{
	static const struct {
		int64_t base;
		int32_t delta;
		int32_t count;
		int result;
		int64_t position;
	} cases[] = {
		{0, -1, 1, LOGSTORE_E_CORRUPT_MESSAGE, LS_BATCH_LAST_OFFSET_DELTA},
		{0, INT32_MIN, 1, LOGSTORE_E_CORRUPT_MESSAGE, LS_BATCH_LAST_OFFSET_DELTA},
		{INT64_MAX, 1, 1, LOGSTORE_E_CORRUPT_MESSAGE, LS_BATCH_LAST_OFFSET_DELTA},
		{INT64_MAX - INT32_MAX + 1, INT32_MAX, 1, LOGSTORE_E_CORRUPT_MESSAGE,
		 LS_BATCH_LAST_OFFSET_DELTA},
		{INT64_MAX - INT32_MAX, INT32_MAX, 1, 0, 0},
		{INT64_MAX, 0, 1, 0, 0},
		{0, 0, -1, LOGSTORE_E_CORRUPT_MESSAGE, LS_BATCH_RECORD_COUNT},
		{0, 0, INT32_MIN, LOGSTORE_E_CORRUPT_MESSAGE, LS_BATCH_RECORD_COUNT},
		{0, 0, INT32_MAX, 0, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t header[LS_BATCH_HEADER_SIZE];
		struct logstore_error error = {0};
		struct logstore_batch_info info = {.base_offset = 77};
		int r;

		blank_header(header, 49, 2);
		ls_store_be64s(header + LS_BATCH_BASE_OFFSET, cases[i].base);
		ls_store_be32s(header + LS_BATCH_LAST_OFFSET_DELTA, cases[i].delta);
		ls_store_be32s(header + LS_BATCH_RECORD_COUNT, cases[i].count);
		r = ls_batch_info(header, sizeof header, &info, &error);
		cr_expect_eq(r, cases[i].result, "case %zu: %d", i, r);
		if (r < 0) {
			cr_expect_eq(error.position, cases[i].position, "case %zu", i);
			cr_expect_eq(info.base_offset, 77, "case %zu", i);
		} else {
			cr_expect_eq(info.last_offset, cases[i].base + cases[i].delta, "case %zu", i);
		}
	}
}

Test(batch, attributes)
{
	for (unsigned attributes = 0; attributes <= 0xffff; attributes++) {
		uint8_t header[LS_BATCH_HEADER_SIZE];
		struct logstore_batch_info info;

		blank_header(header, 49, 2);
		ls_store_be16(header + LS_BATCH_ATTRIBUTES, (uint16_t)attributes);
		cr_assert_eq(ls_batch_info(header, sizeof header, &info, NULL), 0);
		cr_assert_eq(info.attributes, attributes);
		cr_assert_eq(info.codec, attributes % 8);
		cr_assert_eq(info.timestamp_type, attributes / 8 % 2);
		cr_assert_eq(info.transactional, attributes / 16 % 2);
		cr_assert_eq(info.control, attributes / 32 % 2);
		cr_assert_eq(info.has_delete_horizon, attributes / 64 % 2);
	}
}

Test(batch, last_sequence_wraps)
{
	uint8_t header[LS_BATCH_HEADER_SIZE];
	struct logstore_batch_info info;

	blank_header(header, 49, 2);
	ls_store_be32s(header + LS_BATCH_LAST_OFFSET_DELTA, 3);
	ls_store_be32s(header + LS_BATCH_BASE_SEQUENCE, INT32_MAX - 1);
	cr_assert_eq(ls_batch_info(header, sizeof header, &info, NULL), 0);
	cr_expect_eq(info.base_sequence, INT32_MAX - 1);
	cr_expect_eq(info.last_sequence, 1);
}

Test(batch, sequences)
{
	static const struct {
		int32_t first, delta, last;
	} cases[] = {
		{0, 0, 0},
		{5, 4, 9},
		{INT32_MAX, 0, INT32_MAX},
		{INT32_MAX, 1, 0},
		{INT32_MAX - 2, 5, 2},
		{INT32_MAX, INT32_MAX, INT32_MAX - 1},
		{1, INT32_MAX, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_expect_eq(ls_sequence_add(cases[i].first, cases[i].delta), cases[i].last, "case %zu", i);
		cr_expect_eq(ls_sequence_subtract(cases[i].last, cases[i].delta), cases[i].first,
		             "case %zu", i);
	}
}

Test(batch, check_every_truncation)
{
	size_t size;
	uint8_t *bytes = ts_hex(two_records, &size);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		cr_expect_eq(ls_batch_check(copy, cut, NULL), -ENODATA, "size %zu", cut);
		free(copy);
	}
	free(bytes);
}

/* What a changed bit of byte `at` may give. */
static bool flip_is_fine(size_t at, int r)
{
	if (at < LS_BATCH_LENGTH || (at >= LS_BATCH_LEADER_EPOCH && at < LS_BATCH_MAGIC))
		return r == 0; /* outside the checksum */
	if (at < LS_BATCH_LEADER_EPOCH)
		return r == LOGSTORE_E_CORRUPT_MESSAGE || r == -ENODATA;
	if (at == LS_BATCH_MAGIC)
		return r == LOGSTORE_E_CORRUPT_MESSAGE || r == LOGSTORE_E_UNSUPPORTED_FORMAT;
	return r == LOGSTORE_E_CORRUPT_MESSAGE;
}

Test(batch, check_every_bit)
{
	size_t size;
	uint8_t *bytes = ts_hex(two_records, &size);

	for (size_t bit = 0; bit < 8 * size; bit++) {
		int r;

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		r = ls_batch_check(bytes, size, NULL);
		cr_expect(flip_is_fine(bit / 8, r), "bit %zu: %d", bit, r);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bytes);
}

Test(batch, check_names_both_checksums)
{
	struct logstore_error error;
	size_t size;
	uint8_t *bytes = ts_hex(abort_marker, &size);

	bytes[size - 1] ^= 1;
	cr_assert_eq(ls_batch_check(bytes, size, &error), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.code, LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.position, LS_BATCH_CRC);
	cr_expect_eq(error.offset, 2);
	cr_expect(strstr(error.text, "c6f85ce4"), "%s", error.text);
	cr_expect(strstr(error.text, "checksum"), "%s", error.text);
	free(bytes);
}

Test(batch, check_legacy)
{
	struct logstore_error error;
	uint8_t message[26] = {0};

	ls_store_be64s(message, 9);
	ls_store_be32(message + LS_BATCH_LENGTH, 14);
	memset(message + 18, 0xff, 8); /* null key, null value */
	ls_store_be32(message + 12, ls_crc32(0, message + 16, 10));
	cr_expect_eq(ls_batch_check(message, sizeof message, NULL), 0);
	cr_expect_eq(ls_batch_compute_crc(message, sizeof message), ls_load_be32(message + 12));
	message[25] ^= 1;
	cr_expect_eq(ls_batch_check(message, sizeof message, &error), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.position, 12);
	cr_expect_eq(error.offset, 9);
	cr_expect_eq(ls_batch_check(message, sizeof message - 1, NULL), -ENODATA);
}

/* A whole batch may be followed by others. */
Test(batch, check_ignores_what_follows)
{
	size_t size;
	uint8_t *bytes = ts_hex(two_records, &size);
	uint8_t *longer = malloc(size + 3);

	memcpy(longer, bytes, size);
	memset(longer + size, 0xff, 3);
	cr_expect_eq(ls_batch_check(longer, size + 3, NULL), 0);
	free(longer);
	free(bytes);
}

static int64_t number(const json_t *object, const char *name, int64_t missing)
{
	const json_t *value = json_object_get(object, name);

	return value ? json_integer_value(value) : missing;
}

static int codec_number(const json_t *object)
{
	static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
	const char *name = json_string_value(json_object_get(object, "codec"));

	for (int i = 0; name && i < 5; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	cr_assert(!name, "codec %s", name);
	return 0;
}

static void compare_header(const json_t *want, const struct logstore_batch_info *info, const char *where)
{
	const char *timestamp_type = json_string_value(json_object_get(want, "timestamp_type"));
	bool append_time = timestamp_type && strcmp(timestamp_type, "LogAppendTime") == 0;
	bool wrapper = info->magic < 2 && info->codec != LOGSTORE_CODEC_NONE;

	cr_assert_eq(info->size, number(want, "size", 0), "%s", where);
	cr_assert_eq(info->magic, number(want, "magic", 2), "%s", where);
	cr_assert_eq(info->last_offset, number(want, "last_offset", 0), "%s", where);
	cr_assert_eq(info->max_timestamp, number(want, "max_timestamp", 0), "%s", where);
	cr_assert_eq(info->crc, number(want, "crc", 0), "%s", where);
	cr_assert_eq(info->codec, codec_number(want), "%s", where);
	cr_assert_eq(info->timestamp_type, append_time, "%s", where);
	cr_assert_eq(info->producer_id, number(want, "producer_id", -1), "%s", where);
	cr_assert_eq(info->producer_epoch, number(want, "producer_epoch", -1), "%s", where);
	cr_assert_eq(info->base_sequence, number(want, "base_sequence", -1), "%s", where);
	cr_assert_eq(info->leader_epoch, number(want, "leader_epoch", -1), "%s", where);
	cr_assert_eq(info->transactional, json_is_true(json_object_get(want, "transactional")), "%s", where);
	cr_assert_eq(info->control, json_is_true(json_object_get(want, "control")), "%s", where);
	cr_assert_eq(info->has_delete_horizon, json_object_get(want, "delete_horizon_ms") != NULL, "%s",
	             where);
	if (info->has_delete_horizon)
		cr_assert_eq(info->base_timestamp, number(want, "delete_horizon_ms", 0), "%s", where);
	if (info->magic == 2)
		cr_assert_eq(info->record_count, number(want, "count", -1), "%s", where);
	else
		cr_assert_eq(info->record_count, wrapper ? -1 : 1, "%s", where);
	/* Kafka decompresses a wrapper to tell its base offset. */
	cr_assert_eq(info->base_offset, wrapper ? info->last_offset : number(want, "base_offset", -2), "%s",
	             where);
}

/* One batches.jsonl against the log dir it describes. Returns how many batches were compared. */
static size_t compare_headers(const char *list, const char *logs)
{
	FILE *lines = fopen(list, "r");
	char *line = NULL, path[2048], open_path[2048] = "";
	uint8_t *log = NULL;
	size_t capacity = 0, log_size = 0, count = 0;

	cr_assert(lines, "%s", list);
	while (getline(&line, &capacity, lines) > 0) {
		json_t *want = json_loads(line, 0, NULL);
		size_t position = (size_t)number(want, "position", 0);
		struct logstore_batch_info info;

		cr_assert(want, "%s", line);
		snprintf(path, sizeof path, "%s/%s/%s", logs,
		         json_string_value(json_object_get(want, "partition")),
		         json_string_value(json_object_get(want, "file")));
		if (strcmp(path, open_path) != 0) {
			free(log);
			log = ts_read_file(path, &log_size);
			strcpy(open_path, path);
		}
		cr_assert_lt(position, log_size, "%s", line);
		cr_assert_eq(ls_batch_info(log + position, log_size - position, &info, NULL), 0, "%s", line);
		compare_header(want, &info, line);
		cr_assert_eq(ls_batch_check(log + position, log_size - position, NULL), 0, "%s", line);
		json_decref(want);
		count++;
	}
	free(log);
	free(line);
	fclose(lines);
	return count;
}

static size_t compare_all_headers(const char *pattern, const char *to_logs)
{
	size_t count = 0;
	glob_t found;

	cr_assert_eq(glob(ts_data(pattern), 0, NULL, &found), 0, "%s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char logs[1024];

		snprintf(logs, sizeof logs, "%s", found.gl_pathv[i]);
		strcpy(strrchr(logs, '/'), to_logs);
		count += compare_headers(found.gl_pathv[i], logs);
	}
	globfree(&found);
	return count;
}

Test(batch, headers_written_by_kafka)
{
	cr_expect_eq(compare_all_headers("kafka/*/expected/batches.jsonl", "/../logs"), 2585);
	cr_expect_eq(compare_all_headers("kafka/compaction/*/expected/batches.jsonl", "/../logs"), 459);
	cr_expect_eq(compare_all_headers("kafka/compaction/*/expected/pass*/batches.jsonl", "/logs"), 395);
}
