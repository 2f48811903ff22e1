/*
 * Building batches: the bytes of the test vectors, header rules, refusals, limits, memory, and random
 * batches of every codec read back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/batch.h"
#include "format/batch_builder.h"
#include "format/control.h"
#include "format/record_reader.h"
#include "testlib.h"

TestSuite(batch_builder, .fini = ts_check_leaks);

#define T INT64_C(1700000000000)
#define CODEC_COUNT 5

static const char two_records[] =
	"00000000000000000000004900000000024109046f0000000000010000018bcfe568000000018bcfe56805"
	"ffffffffffffffffffffffffffff0000000214000000046b310476310018000a02046b32010202680278";
static const char abort_marker[] =
	"0000000000000002000000420000000302c6f85ce40030000000000000018bcfe568090000018bcfe56809"
	"00000000000003e80001ffffffff000000012000000008000000000c00000000000700";

static const struct logstore_batch_options plain = {
	.struct_size = sizeof plain,
	.level = LOGSTORE_LEVEL_DEFAULT,
	.producer_id = LOGSTORE_NO_PRODUCER_ID,
	.producer_epoch = LOGSTORE_NO_EPOCH,
	.base_sequence = LOGSTORE_NO_SEQUENCE,
	.leader_epoch = LOGSTORE_NO_EPOCH,
	.log_append_time = LOGSTORE_NO_TIMESTAMP,
};

/* No key, no value, timestamp T. */
static const struct logstore_record bare = {.timestamp = T, .key_size = -1, .value_size = -1};

static struct ls_batch_builder *new_builder(struct ts_alloc *alloc)
{
	struct ls_batch_builder *builder;

	ts_alloc_init(alloc);
	cr_assert_eq(ls_batch_builder_new(&alloc->ls, &builder), 0);
	return builder;
}

static void free_builder(struct ts_alloc *alloc, struct ls_batch_builder *builder)
{
	cr_assert_null(ls_batch_builder_free(builder));
	cr_assert_eq(atomic_load(&alloc->outstanding), 0);
}

static int add_bare(struct ls_batch_builder *builder, int64_t offset, bool offset_given)
{
	struct logstore_record record = bare;

	record.offset = offset;
	return ls_batch_builder_add(builder, &record, offset_given, NULL);
}

/* Finishes and decodes the header; the checksum has to be right. */
static struct logstore_batch_info finish(struct ls_batch_builder *builder)
{
	struct logstore_batch_info info;
	struct logstore_error error = {0};
	const uint8_t *bytes;
	size_t size;

	cr_assert_eq(ls_batch_builder_finish(builder, &bytes, &size, &error), 0, "%s", error.text);
	cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
	cr_assert_eq(ls_batch_info(bytes, size, &info, NULL), 0);
	cr_assert_eq(info.size, size);
	return info;
}

static void expect_hex(struct ls_batch_builder *builder, const char *hex)
{
	const uint8_t *bytes;
	size_t size, want_size;
	uint8_t *want = ts_hex(hex, &want_size);

	cr_expect_eq(ls_batch_builder_size(builder), want_size);
	cr_assert_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), 0);
	cr_assert_eq(size, want_size);
	cr_assert_arr_eq(bytes, want, size);
	free(want);
}

Test(batch_builder, vector_of_two_records)
{
	static const struct logstore_header header = {
		.key = "h", .value = "x", .key_size = 1, .value_size = 1};
	static const struct logstore_record records[] = {
		{.timestamp = T, .key = "k1", .key_size = 2, .value = "v1", .value_size = 2},
		{.timestamp = T + 5, .key = "k2", .key_size = 2, .value_size = -1, .headers = &header,
		 .header_count = 1},
	};
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_batch_options options = plain;

	options.leader_epoch = 0;
	/* Twice, for what a reused builder might keep. */
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		cr_assert_eq(ls_batch_builder_add(builder, &records[0], false, NULL), 0);
		cr_assert_eq(ls_batch_builder_add(builder, &records[1], false, NULL), 0);
		expect_hex(builder, two_records);
	}
	free_builder(&alloc, builder);
}

Test(batch_builder, vector_of_a_marker)
{
	uint8_t key[LS_CONTROL_KEY_SIZE], value[LS_MARKER_VALUE_SIZE];
	struct logstore_record record = {.timestamp = T + 9, .key = key, .key_size = sizeof key,
	                                 .value = value, .value_size = sizeof value};
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);

	ls_marker_write(false, 7, key, value);
	options.base_offset = 2;
	options.leader_epoch = 3;
	options.producer_id = 1000;
	options.producer_epoch = 1;
	options.transactional = true;
	options.control = true;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
	expect_hex(builder, abort_marker);
	free_builder(&alloc, builder);
}

Test(batch_builder, header_fields)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_batch_info info;

	options.base_offset = INT64_MAX - 10;
	options.leader_epoch = INT32_MAX;
	options.producer_id = INT64_MAX;
	options.producer_epoch = INT16_MAX;
	options.base_sequence = INT32_MAX;
	options.transactional = true;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_assert_eq(add_bare(builder, 0, false), 0);
	cr_assert_eq(add_bare(builder, 0, false), 0);
	info = finish(builder);
	cr_expect_eq(info.base_offset, INT64_MAX - 10);
	cr_expect_eq(info.last_offset, INT64_MAX - 9);
	cr_expect_eq(info.leader_epoch, INT32_MAX);
	cr_expect_eq(info.producer_id, INT64_MAX);
	cr_expect_eq(info.producer_epoch, INT16_MAX);
	cr_expect_eq(info.base_sequence, INT32_MAX);
	cr_expect_eq(info.last_sequence, 0);
	cr_expect_eq(info.record_count, 2);
	cr_expect_eq(info.attributes, LS_ATTR_TRANSACTIONAL);
	free_builder(&alloc, builder);
}

static struct logstore_batch_info build_timestamps(const struct logstore_batch_options *options,
                                                   const int64_t *timestamps, size_t count)
{
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_batch_info info;

	cr_assert_eq(ls_batch_builder_start(builder, options, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		struct logstore_record record = bare;

		record.timestamp = timestamps[i];
		cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
	}
	info = finish(builder);
	free_builder(&alloc, builder);
	return info;
}

Test(batch_builder, timestamps)
{
	static const int64_t ascending[] = {T, T + 1, T + 2}, peak[] = {T, T + 9, T - 5}, none[] = {-1, -1};
	struct logstore_batch_options options = plain;
	struct logstore_batch_info info;

	info = build_timestamps(&options, ascending, 3);
	cr_expect_eq(info.base_timestamp, T);
	cr_expect_eq(info.max_timestamp, T + 2);
	info = build_timestamps(&options, peak, 3);
	cr_expect_eq(info.base_timestamp, T);
	cr_expect_eq(info.max_timestamp, T + 9);
	info = build_timestamps(&options, none, 2);
	cr_expect_eq(info.base_timestamp, -1);
	cr_expect_eq(info.max_timestamp, -1);
	options.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
	options.log_append_time = T + 1000;
	info = build_timestamps(&options, peak, 3);
	cr_expect_eq(info.timestamp_type, LOGSTORE_LOG_APPEND_TIME);
	cr_expect_eq(info.base_timestamp, T);
	cr_expect_eq(info.max_timestamp, T + 1000);
}

Test(batch_builder, offsets)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_batch_info info;

	options.base_offset = 100;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_expect_eq(add_bare(builder, 99, true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(add_bare(builder, INT64_MIN, true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(add_bare(builder, 100 + INT64_C(0x80000000), true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(add_bare(builder, INT64_MAX, true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(ls_batch_builder_size(builder), LS_BATCH_HEADER_SIZE);
	cr_expect_eq(add_bare(builder, 105, true), 0);
	cr_expect_eq(add_bare(builder, 105, true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(add_bare(builder, 104, true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(add_bare(builder, 12345, false), 0, "an offset not given is not looked at");
	cr_expect_eq(add_bare(builder, 106, true), LOGSTORE_E_INVALID_RECORD);
	cr_expect_eq(add_bare(builder, 100 + INT64_C(0x7fffffff), true), 0);
	cr_expect_eq(add_bare(builder, 0, false), LOGSTORE_E_INVALID_RECORD);
	info = finish(builder);
	cr_expect_eq(info.record_count, 3);
	cr_expect_eq(info.last_offset, 100 + INT64_C(0x7fffffff));

	/* The base is not given away when the first record leaves a gap. */
	options.base_offset = 7;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_expect_eq(add_bare(builder, 9, true), 0);
	info = finish(builder);
	cr_expect_eq(info.base_offset, 7);
	cr_expect_eq(info.last_offset, 9);

	/* 2^63-1 is the last offset there is. */
	options.base_offset = INT64_MAX;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_expect_eq(add_bare(builder, 0, false), 0);
	cr_expect_eq(add_bare(builder, 0, false), LOGSTORE_E_INVALID_RECORD);
	info = finish(builder);
	cr_expect_eq(info.last_offset, INT64_MAX);

	/* A difference that no int64 holds. */
	options.base_offset = INT64_MIN;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_expect_eq(add_bare(builder, INT64_MAX, true), LOGSTORE_E_INVALID_RECORD);
	free_builder(&alloc, builder);
}

Test(batch_builder, last_offset_delta)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_batch_info info;
	const uint8_t *bytes;
	size_t size;

	options.base_offset = 10;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	ls_batch_builder_set_last_offset_delta(builder, 6);
	cr_assert_eq(add_bare(builder, 13, true), 0);
	info = finish(builder);
	cr_expect_eq(info.last_offset, 16);
	cr_expect_eq(info.record_count, 1);

	/* It is of one batch only. */
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_assert_eq(add_bare(builder, 13, true), 0);
	info = finish(builder);
	cr_expect_eq(info.last_offset, 13);

	/* Below the last record's. */
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	ls_batch_builder_set_last_offset_delta(builder, 2);
	cr_assert_eq(add_bare(builder, 13, true), 0);
	cr_expect_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), LOGSTORE_E_INVALID_RECORD);
	ls_batch_builder_set_last_offset_delta(builder, 3);
	cr_expect_eq(finish(builder).last_offset, 13);

	/* Out of the range of offsets. */
	options.base_offset = INT64_MAX - 5;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	ls_batch_builder_set_last_offset_delta(builder, 6);
	cr_assert_eq(add_bare(builder, 0, false), 0);
	cr_expect_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), LOGSTORE_E_INVALID_RECORD);
	free_builder(&alloc, builder);
}

Test(batch_builder, records_refused)
{
	static const struct logstore_header no_key = {.value_size = -1};
	static const struct logstore_header negative_key = {.key = "h", .key_size = -1, .value_size = -1};
	static const struct logstore_header negative_value = {.key = "h", .key_size = 1, .value_size = -2};
	static const struct logstore_header no_value = {.key = "h", .key_size = 1, .value_size = 1};
	static const struct logstore_record records[] = {
		{.key_size = -2, .value_size = -1},
		{.key_size = INT32_MIN, .value_size = -1},
		{.key_size = -1, .value_size = -2},
		{.key_size = -1, .value_size = INT32_MIN},
		{.key_size = 1, .value_size = -1},
		{.key_size = -1, .value_size = 1},
		{.key_size = -1, .value_size = -1, .header_count = 1},
		{.key_size = -1, .value_size = -1, .header_count = 1, .headers = &no_key},
		{.key_size = -1, .value_size = -1, .header_count = 1, .headers = &negative_key},
		{.key_size = -1, .value_size = -1, .header_count = 1, .headers = &negative_value},
		{.key_size = -1, .value_size = -1, .header_count = 1, .headers = &no_value},
	};
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);

	for (options.codec = 0; options.codec < CODEC_COUNT; options.codec++) {
		size_t size;

		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		cr_assert_eq(add_bare(builder, 0, false), 0);
		size = ls_batch_builder_size(builder);
		for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
			struct logstore_error error = {0};

			cr_expect_eq(ls_batch_builder_add(builder, &records[i], false, &error),
			             LOGSTORE_E_INVALID_RECORD, "case %zu", i);
			cr_expect_eq(error.code, LOGSTORE_E_INVALID_RECORD, "case %zu", i);
			cr_expect_eq(ls_batch_builder_size(builder), size, "case %zu", i);
		}
		/* The batch is as it was before the refusals. */
		cr_assert_eq(add_bare(builder, 0, false), 0);
		cr_expect_eq(finish(builder).record_count, 2);
	}
	free_builder(&alloc, builder);
}

/* Nulls, empty and absent things are different. */
Test(batch_builder, null_and_empty)
{
	static const struct logstore_header headers[] = {
		{.key = "", .key_size = 0, .value_size = -1},
		{.key = "", .key_size = 0, .value_size = 0},
		{.key = "a", .key_size = 1, .value = "", .value_size = 0},
	};
	static const struct logstore_record records[] = {
		{.key_size = -1, .value_size = 0},
		{.key_size = 0, .value_size = -1},
		{.key = "", .key_size = 0, .value = "", .value_size = 0, .headers = headers,
		 .header_count = 3},
	};
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc, reader_alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct ls_record_reader *reader;
	struct logstore_record record;
	const uint8_t *bytes;
	size_t size;

	ts_alloc_init(&reader_alloc);
	cr_assert_eq(ls_record_reader_new(&reader_alloc.ls, 0, &reader), 0);
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(ls_batch_builder_add(builder, &records[i], false, NULL), 0);
	cr_assert_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), 0);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
		cr_expect_eq(record.key_size, records[i].key_size);
		cr_expect_eq(record.value_size, records[i].value_size);
		cr_expect_eq(record.header_count, records[i].header_count);
	}
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(record.headers[i].key_size, headers[i].key_size);
		cr_expect_eq(record.headers[i].value_size, headers[i].value_size);
	}
	(void)ls_record_reader_free(reader);
	free_builder(&alloc, builder);
}

Test(batch_builder, start_refuses)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_error error = {0};
	const uint8_t *bytes;
	size_t size;

	/* Nothing works before start. */
	cr_expect_eq(add_bare(builder, 0, false), -EINVAL);
	cr_expect_eq(ls_batch_builder_finish(builder, &bytes, &size, &error), -EINVAL);
	options.codec = 5;
	cr_expect_eq(ls_batch_builder_start(builder, &options, &error),
	             LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
	cr_expect_eq(error.code, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
	cr_expect_eq(add_bare(builder, 0, false), -EINVAL);
	options.codec = 255;
	cr_expect_eq(ls_batch_builder_start(builder, &options, NULL),
	             LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
	options.codec = LOGSTORE_CODEC_GZIP;
	options.level = 10;
	cr_expect_eq(ls_batch_builder_start(builder, &options, &error), LOGSTORE_E_INVALID_CONFIG);
	cr_expect(strstr(error.text, "gzip") && strstr(error.text, "10"), "%s", error.text);
	options.codec = LOGSTORE_CODEC_LZ4;
	options.level = 18;
	cr_expect_eq(ls_batch_builder_start(builder, &options, NULL), LOGSTORE_E_INVALID_CONFIG);
	options.codec = LOGSTORE_CODEC_ZSTD;
	options.level = 23;
	cr_expect_eq(ls_batch_builder_start(builder, &options, NULL), LOGSTORE_E_INVALID_CONFIG);
	/* A refused start leaves a builder that can be started. */
	options.level = 22;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_assert_eq(add_bare(builder, 0, false), 0);
	cr_expect_eq(finish(builder).codec, LOGSTORE_CODEC_ZSTD);
	free_builder(&alloc, builder);
}

Test(batch_builder, empty_and_finished)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);

	for (options.codec = 0; options.codec < CODEC_COUNT; options.codec++) {
		struct logstore_error error = {0};
		const uint8_t *bytes = NULL;
		size_t size = 7;

		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		cr_expect_eq(ls_batch_builder_size(builder), LS_BATCH_HEADER_SIZE);
		cr_expect_eq(ls_batch_builder_finish(builder, &bytes, &size, &error),
		             LOGSTORE_E_INVALID_RECORD);
		cr_expect_eq(error.code, LOGSTORE_E_INVALID_RECORD);
		cr_expect_null(bytes);
		cr_expect_eq(size, 7);
		/* It is still open. */
		cr_assert_eq(add_bare(builder, 0, false), 0);
		cr_expect_eq(finish(builder).codec, options.codec);
		/* And now it is not. */
		cr_expect_eq(add_bare(builder, 0, false), -EINVAL);
		cr_expect_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), -EINVAL);
	}
	free_builder(&alloc, builder);
}

/* size() tells the size without compression, record by record. */
Test(batch_builder, size)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_record record = bare;
	char value[1000] = {0};

	record.value = value;
	for (options.codec = 0; options.codec < CODEC_COUNT; options.codec++) {
		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		/* Length, attributes, deltas, lengths of key and value, header count: 7 bytes. */
		record.value_size = 10;
		cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
		cr_expect_eq(ls_batch_builder_size(builder), 61 + 17);
		record.value_size = 1000; /* record and value lengths of 2 bytes */
		cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
		cr_expect_eq(ls_batch_builder_size(builder), 61 + 17 + 1009);
		if (options.codec == LOGSTORE_CODEC_NONE)
			cr_expect_eq(finish(builder).size, 61 + 17 + 1009);
		else
			cr_expect_lt(finish(builder).size, 61 + 17 + 1009);
	}
	free_builder(&alloc, builder);
}

/*
 * The limit of 2^31-1 bytes. A record that would just fit asks for memory, which is refused here, so
 * nothing of that size is ever written.
 */
Test(batch_builder, too_large)
{
	/* Length 5, attributes, deltas and null key 4, value length 5, header count 1. */
	const int32_t largest = INT32_MAX - LS_BATCH_HEADER_SIZE - 15;
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_record record = bare;
	struct logstore_error error = {0};

	record.value = "";
	for (options.codec = 0; options.codec < CODEC_COUNT; options.codec++) {
		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		record.value_size = largest + 1;
		cr_expect_eq(ls_batch_builder_add(builder, &record, false, &error),
		             LOGSTORE_E_MESSAGE_TOO_LARGE);
		cr_expect_eq(error.code, LOGSTORE_E_MESSAGE_TOO_LARGE);
		record.value_size = INT32_MAX;
		cr_expect_eq(ls_batch_builder_add(builder, &record, false, NULL),
		             LOGSTORE_E_MESSAGE_TOO_LARGE);
		record.key = "";
		record.key_size = INT32_MAX;
		cr_expect_eq(ls_batch_builder_add(builder, &record, false, NULL),
		             LOGSTORE_E_MESSAGE_TOO_LARGE);
		record.key_size = -1;
		record.value_size = largest;
		atomic_store(&alloc.fail_at, atomic_load(&alloc.requests) + 1);
		cr_expect_eq(ls_batch_builder_add(builder, &record, false, NULL), -ENOMEM);
		cr_expect(ts_alloc_failed(&alloc));
		atomic_store(&alloc.fail_at, 0);
		/* Nothing was lost. */
		cr_expect_eq(ls_batch_builder_size(builder), LS_BATCH_HEADER_SIZE);
		cr_assert_eq(add_bare(builder, 0, false), 0);
		cr_expect_eq(finish(builder).record_count, 1);
	}
	free_builder(&alloc, builder);
}

Test(batch_builder, too_large_by_headers)
{
	static const struct logstore_header headers[] = {
		{.key = "", .key_size = INT32_MAX, .value = "", .value_size = INT32_MAX},
		{.key = "", .key_size = INT32_MAX, .value = "", .value_size = INT32_MAX},
	};
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_record record = bare;

	record.headers = headers;
	record.header_count = 2;
	cr_assert_eq(ls_batch_builder_start(builder, &plain, NULL), 0);
	cr_expect_eq(ls_batch_builder_add(builder, &record, false, NULL), LOGSTORE_E_MESSAGE_TOO_LARGE);
	free_builder(&alloc, builder);
}

struct random_batch {
	struct logstore_record *records;
	struct logstore_header *headers;
	uint8_t *bytes;
	int32_t count;
};

/* Sizes: mostly small, some around powers of two, few large; -1 at times. */
static int32_t random_size(struct ts_rng *rng, bool nullable)
{
	switch (ts_rng_below(rng, 12)) {
	case 0:
		return nullable ? -1 : 0;
	case 1:
		return 0;
	case 2:
		return (int32_t)(62 + ts_rng_below(rng, 4));
	case 3:
		return (int32_t)(8190 + ts_rng_below(rng, 4));
	case 4:
		return (int32_t)ts_rng_below(rng, 20000);
	default:
		return (int32_t)ts_rng_below(rng, 100);
	}
}

#define RANDOM_BYTES 32768
#define RANDOM_RECORDS 60
#define RANDOM_HEADERS 20

static struct random_batch make_random_batch(struct ts_rng *rng, int64_t base_offset)
{
	struct random_batch batch = {
		.records = calloc(RANDOM_RECORDS, sizeof *batch.records),
		.headers = calloc(RANDOM_RECORDS * RANDOM_HEADERS, sizeof *batch.headers),
		.bytes = calloc(1, RANDOM_BYTES),
		.count = (int32_t)(1 + ts_rng_below(rng, RANDOM_RECORDS)),
	};
	int64_t offset = base_offset - 1;

	ts_rng_fill(rng, batch.bytes, RANDOM_BYTES / (1 + ts_rng_below(rng, 4)));
	for (int32_t i = 0; i < batch.count; i++) {
		struct logstore_record *record = &batch.records[i];
		struct logstore_header *headers = &batch.headers[i * RANDOM_HEADERS];

		offset += (int64_t)(1 + ts_rng_below(rng, 3) * ts_rng_below(rng, 1000));
		record->offset = offset;
		record->timestamp = ts_rng_below(rng, 10) ? T + (int64_t)ts_rng_below(rng, 100000)
		                                          : (int64_t)ts_rng_next(rng);
		record->key = batch.bytes + ts_rng_below(rng, 1000);
		record->key_size = random_size(rng, true);
		record->value = batch.bytes + ts_rng_below(rng, 1000);
		record->value_size = random_size(rng, true);
		record->headers = headers;
		record->header_count = ts_rng_below(rng, 3) ? 0 : (uint32_t)ts_rng_below(rng, RANDOM_HEADERS);
		for (uint32_t k = 0; k < record->header_count; k++)
			headers[k] = (struct logstore_header){
				.key = (const char *)batch.bytes + ts_rng_below(rng, 1000),
				.key_size = random_size(rng, false) % 100,
				.value = batch.bytes + ts_rng_below(rng, 1000),
				.value_size = random_size(rng, true) % 1000,
			};
	}
	return batch;
}

static void free_random_batch(struct random_batch *batch)
{
	free(batch->records);
	free(batch->headers);
	free(batch->bytes);
}

static void expect_same_bytes(const void *got, int32_t got_size, const void *want, int32_t want_size)
{
	cr_assert_eq(got_size, want_size);
	cr_assert_eq(got == NULL, want_size < 0);
	if (want_size > 0)
		cr_assert_eq(memcmp(got, want, (size_t)want_size), 0);
}

static void expect_same_record(const struct logstore_record *got, const struct logstore_record *want)
{
	cr_assert_eq(got->offset, want->offset);
	cr_assert_eq(got->timestamp, want->timestamp);
	expect_same_bytes(got->key, got->key_size, want->key, want->key_size);
	expect_same_bytes(got->value, got->value_size, want->value, want->value_size);
	cr_assert_eq(got->header_count, want->header_count);
	for (uint32_t i = 0; i < got->header_count; i++) {
		expect_same_bytes(got->headers[i].key, got->headers[i].key_size, want->headers[i].key,
		                  want->headers[i].key_size);
		expect_same_bytes(got->headers[i].value, got->headers[i].value_size, want->headers[i].value,
		                  want->headers[i].value_size);
	}
}

/* Random batches of every codec come back as they went in; both objects are reused throughout. */
Test(batch_builder, random_batches_are_read_back)
{
	struct ts_alloc alloc, reader_alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct ls_record_reader *reader;
	struct ts_rng rng;

	ts_rng_init(&rng, 20240517);
	ts_alloc_init(&reader_alloc);
	cr_assert_eq(ls_record_reader_new(&reader_alloc.ls, 0, &reader), 0);
	for (int round = 0; round < 250; round++) {
		struct logstore_batch_options options = plain;
		struct random_batch batch;
		struct logstore_record record;
		const uint8_t *bytes;
		size_t size;

		options.codec = (uint8_t)(round % CODEC_COUNT);
		options.base_offset = (int64_t)ts_rng_below(&rng, UINT64_C(1) << 62);
		batch = make_random_batch(&rng, options.base_offset);
		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		for (int32_t i = 0; i < batch.count; i++)
			cr_assert_eq(ls_batch_builder_add(builder, &batch.records[i], true, NULL), 0);
		cr_assert_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), 0);
		cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
		for (int32_t i = 0; i < batch.count; i++) {
			cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
			expect_same_record(&record, &batch.records[i]);
		}
		cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
		free_random_batch(&batch);
	}
	(void)ls_record_reader_free(reader);
	cr_assert_eq(atomic_load(&reader_alloc.outstanding), 0);
	free_builder(&alloc, builder);
}

/* Three hundred records of 500 random bytes: enough to feed an encoder several times. */
static int build_many(struct ls_batch_builder *builder, const struct logstore_batch_options *options,
                      const uint8_t *value, const uint8_t **ret_bytes, size_t *ret_size)
{
	struct logstore_record record = bare;
	int r = ls_batch_builder_start(builder, options, NULL);

	record.value = value;
	record.value_size = 500;
	for (int i = 0; r == 0 && i < 300; i++)
		r = ls_batch_builder_add(builder, &record, false, NULL);
	return r == 0 ? ls_batch_builder_finish(builder, ret_bytes, ret_size, NULL) : r;
}

/* Builds with the n-th allocation failing. Returns false once none failed. */
static bool build_with_failure(const struct logstore_batch_options *options, const uint8_t *value,
                               long fail_at)
{
	struct ls_batch_builder *builder = NULL;
	struct logstore_batch_info info;
	struct ts_alloc alloc;
	const uint8_t *bytes = NULL;
	size_t size;
	bool failed;
	int r;

	ts_alloc_init(&alloc);
	atomic_store(&alloc.fail_at, fail_at);
	r = ls_batch_builder_new(&alloc.ls, &builder);
	if (r == 0)
		r = build_many(builder, options, value, &bytes, &size);
	failed = ts_alloc_failed(&alloc);
	cr_assert_eq(r, failed ? -ENOMEM : 0, "allocation %ld: %d", fail_at, r);
	if (failed && builder) {
		cr_expect_null(bytes);
		/* With memory back the builder builds again. */
		cr_assert_eq(build_many(builder, options, value, &bytes, &size), 0);
	}
	if (builder) {
		cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
		cr_assert_eq(ls_batch_info(bytes, size, &info, NULL), 0);
		cr_assert_eq(info.record_count, 300);
	}
	free_builder(&alloc, builder);
	return failed;
}

Test(batch_builder, every_allocation_fails)
{
	struct logstore_batch_options options = plain;
	uint8_t value[500];
	struct ts_rng rng;

	ts_rng_init(&rng, 7);
	ts_rng_fill(&rng, value, sizeof value);
	for (options.codec = 0; options.codec < CODEC_COUNT; options.codec++) {
		long fail_at = 1;

		while (build_with_failure(&options, value, fail_at))
			fail_at++;
		cr_expect_gt(fail_at, 4, "codec %u", options.codec);
	}
}

/* A failed add that concerns no encoder can be repeated. */
Test(batch_builder, add_is_repeatable)
{
	struct logstore_batch_options options = plain;
	struct logstore_record record = bare;
	uint8_t *value = calloc(1, 100000);

	record.value = value;
	record.value_size = 100000;
	for (options.codec = 0; options.codec < CODEC_COUNT; options.codec++) {
		struct ts_alloc alloc;
		struct ls_batch_builder *builder = new_builder(&alloc);
		struct logstore_error error = {0};
		size_t size;

		cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
		cr_assert_eq(add_bare(builder, 0, false), 0);
		size = ls_batch_builder_size(builder);
		atomic_store(&alloc.fail_at, atomic_load(&alloc.requests) + 1);
		cr_expect_eq(ls_batch_builder_add(builder, &record, false, &error), -ENOMEM);
		cr_expect_eq(error.code, -ENOMEM);
		cr_expect_eq(ls_batch_builder_size(builder), size);
		cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
		cr_expect_eq(finish(builder).record_count, 2);
		free_builder(&alloc, builder);
	}
	free(value);
}

/* An encoder that ran out of memory has lost what it was given: the batch stays failed until start. */
Test(batch_builder, failed_encoder_ends_the_batch)
{
	struct logstore_batch_options options = plain;
	struct ts_alloc alloc;
	struct ls_batch_builder *builder = new_builder(&alloc);
	struct logstore_record record = bare;
	struct ts_rng rng;
	const uint8_t *bytes;
	uint8_t value[10000];
	size_t size;
	int r = 0;

	ts_rng_init(&rng, 11);
	options.codec = LOGSTORE_CODEC_SNAPPY;
	record.value = value;
	record.value_size = sizeof value;
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	/* Until both buffers have grown enough that only the output asks for memory. */
	for (int i = 0; i < 8; i++) {
		ts_rng_fill(&rng, value, sizeof value);
		cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
	}
	atomic_store(&alloc.fail_at, atomic_load(&alloc.requests) + 1);
	for (int i = 0; i < 100 && r == 0; i++) {
		ts_rng_fill(&rng, value, sizeof value);
		r = ls_batch_builder_add(builder, &record, false, NULL);
	}
	cr_assert_eq(r, -ENOMEM);
	cr_expect_eq(ls_batch_builder_add(builder, &record, false, NULL), -ENOMEM);
	cr_expect_eq(ls_batch_builder_finish(builder, &bytes, &size, NULL), -ENOMEM);
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
	cr_expect_eq(finish(builder).record_count, 1);
	free_builder(&alloc, builder);
}
