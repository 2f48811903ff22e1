/*
 * Records of batches: hand-made ones with every field wrong in turn, plain and through each codec, every
 * truncation and bit flip, limits on memory, and all records that Kafka wrote.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/varint.h"
#include "format/batch.h"
#include "format/batch_builder.h"
#include "format/codec.h"
#include "format/record_reader.h"
#include "testlib.h"

TestSuite(record_reader, .fini = ts_check_leaks);

#define T INT64_C(1700000000000)
#define CODEC_COUNT 5

/* Two records at offsets 0 and 1, timestamps T and T + 5: (k1, v1), (k2, null, header h = x). */
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

static struct ls_record_reader *new_reader(struct ts_alloc *alloc, uint64_t cap)
{
	struct ls_record_reader *reader;

	ts_alloc_init(alloc);
	cr_assert_eq(ls_record_reader_new(&alloc->ls, cap, &reader), 0);
	return reader;
}

static void free_reader(struct ts_alloc *alloc, struct ls_record_reader *reader)
{
	cr_assert_null(ls_record_reader_free(reader));
	cr_assert_eq(atomic_load(&alloc->outstanding), 0);
}

/* Reads to the end. Returns how the batch ended. */
static int drain(struct ls_record_reader *reader, size_t *ret_count, struct logstore_error *ret_error)
{
	struct logstore_record record;
	size_t count = 0;
	int r;

	while ((r = ls_record_reader_next(reader, &record, ret_error)) > 0)
		count++;
	*ret_count = count;
	return r;
}

/*
 * A batch of magic 2 around a records area, in a block of just its size. Base offset 100, base timestamp T,
 * maximum T + 50, base sequence 10; the checksum is 0, which the reader does not look at.
 */
static uint8_t *wrap(const uint8_t *area, size_t area_size, int codec, int32_t count, size_t *ret_size)
{
	struct ts_alloc alloc;
	struct ls_encoder *encoder;
	struct ls_buf packed;
	uint8_t *bytes;

	ts_alloc_init(&alloc);
	ls_buf_init(&packed, &alloc.ls);
	cr_assert_eq(ls_encoder_new(&alloc.ls, codec, &encoder), 0);
	cr_assert_eq(ls_encoder_start(encoder, LOGSTORE_LEVEL_DEFAULT, &packed), 0);
	cr_assert_eq(ls_encoder_write(encoder, area, area_size), 0);
	cr_assert_eq(ls_encoder_finish(encoder), 0);
	(void)ls_encoder_free(encoder);

	*ret_size = LS_BATCH_HEADER_SIZE + packed.size;
	bytes = calloc(1, *ret_size);
	cr_assert(bytes);
	ls_store_be64s(bytes + LS_BATCH_BASE_OFFSET, 100);
	ls_store_be32(bytes + LS_BATCH_LENGTH, (uint32_t)(*ret_size - LS_BATCH_LOG_OVERHEAD));
	bytes[LS_BATCH_MAGIC] = 2;
	ls_store_be16(bytes + LS_BATCH_ATTRIBUTES, (uint16_t)codec);
	ls_store_be32s(bytes + LS_BATCH_LAST_OFFSET_DELTA, count > 0 ? count - 1 : 0);
	ls_store_be64s(bytes + LS_BATCH_BASE_TIMESTAMP, T);
	ls_store_be64s(bytes + LS_BATCH_MAX_TIMESTAMP, T + 50);
	ls_store_be32s(bytes + LS_BATCH_BASE_SEQUENCE, 10);
	ls_store_be32s(bytes + LS_BATCH_RECORD_COUNT, count);
	if (packed.size > 0)
		memcpy(bytes + LS_BATCH_HEADER_SIZE, packed.data, packed.size);
	ls_buf_fini(&packed);
	return bytes;
}

static uint8_t *wrap_hex(const char *area_hex, int codec, int32_t count, size_t *ret_size)
{
	size_t area_size;
	uint8_t *area = ts_hex(area_hex, &area_size);
	uint8_t *bytes = wrap(area, area_size, codec, count, ret_size);

	free(area);
	return bytes;
}

static void expect_bytes(const void *bytes, int32_t size, const char *want)
{
	cr_assert_eq(size, (int32_t)strlen(want));
	cr_assert(bytes && memcmp(bytes, want, strlen(want)) == 0, "wanted %s", want);
}

Test(record_reader, two_records)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record;
	size_t size;
	uint8_t *bytes = ts_hex(two_records, &size);

	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_expect_eq(ls_record_reader_batch(reader)->record_count, 2);
	cr_expect_eq(ls_record_reader_batch(reader)->last_offset, 1);

	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_expect_eq(record.offset, 0);
	cr_expect_eq(record.timestamp, T);
	cr_expect_eq(record.sequence, -1);
	expect_bytes(record.key, record.key_size, "k1");
	expect_bytes(record.value, record.value_size, "v1");
	cr_expect_eq(record.header_count, 0);
	cr_expect_null(record.headers);
	/* Without compression nothing is copied. */
	cr_expect_eq(record.key, bytes + 66);

	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_expect_eq(record.offset, 1);
	cr_expect_eq(record.timestamp, T + 5);
	expect_bytes(record.key, record.key_size, "k2");
	cr_expect_null(record.value);
	cr_expect_eq(record.value_size, -1);
	cr_assert_eq(record.header_count, 1);
	expect_bytes(record.headers[0].key, record.headers[0].key_size, "h");
	expect_bytes(record.headers[0].value, record.headers[0].value_size, "x");

	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
	free(bytes);
	free_reader(&alloc, reader);
}

Test(record_reader, marker_and_empty)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record;
	size_t size;
	uint8_t *bytes = ts_hex(abort_marker, &size);

	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_expect_eq(record.offset, 2);
	cr_expect_eq(record.timestamp, T + 9);
	cr_expect_eq(record.key_size, 4);
	cr_expect_eq(record.value_size, 6);
	cr_expect_eq(record.sequence, -1);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
	free(bytes);

	bytes = ts_hex(empty_batch, &size);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
	/* Codec bits over nothing at all ask for no decompression. */
	bytes[LS_BATCH_ATTRIBUTES + 1] |= LOGSTORE_CODEC_GZIP;
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
	free(bytes);
	free_reader(&alloc, reader);
}

/* A record is: length, attributes, timestamp delta, offset delta, key, value, headers. */
#define K1_V1 "14000000046b3104763100"

static const struct {
	const char *area;
	int32_t count;
	int64_t position;
	const char *text;
} damaged[] = {
	{"", 1, 0, "length"},
	{"80", 1, 0, "length"},
	{"808080808000", 1, 0, "length"},
	{"01", 1, 0, "length"},
	{"16000000046b3104763100", 1, 0, "past the end of the batch"},
	{"feffffff0f", 1, 0, "past the end of the batch"},
	{"00", 1, 1, "empty"},
	{"0200", 1, 2, "timestamp"},
	{"18008080808080808080808000", 1, 2, "timestamp"},
	{"040000", 1, 3, "offset"},
	{"0e0000808080808000", 1, 3, "offset"},
	{"06000000", 1, 4, "key"},
	{"0800000014", 1, 4, "key"},
	{"10000000feffffff0f", 1, 4, "key"},
	{"0800000001", 1, 5, "value"},
	{"0a0000000102", 1, 5, "value"},
	{"0a0000000101", 1, 6, "header count"},
	{"0c000000010101", 1, 6, "header count"},
	{"0c000000010102", 1, 6, "header count"},
	{"140000000101feffffff0f", 1, 6, "header count"},
	{"0e00000001010000", 1, 7, "left behind its value"},
	{"1000000001010201" "01", 1, 7, "key of a header"},
	{"1000000001010204" "61", 1, 7, "key of a header"},
	{"1000000001010202" "61", 1, 9, "value of a header"},
	{"1200000001010202" "6102", 1, 9, "value of a header"},
	{"1200000001010402" "6101", 1, 10, "key of a header"},
	{"1400000001010202" "610100", 1, 10, "left behind its last header"},
	{K1_V1 "00", 1, 11, "behind the last one"},
	{K1_V1 K1_V1, 1, 11, "behind the last one"},
	{K1_V1 K1_V1, 3, 22, "length"},
	{K1_V1, 0, 0, "behind the last one"},
};

/* The same damage gives the same error at the same place, whatever the codec. */
Test(record_reader, every_field_damaged)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
		for (int codec = 0; codec < CODEC_COUNT; codec++) {
			struct logstore_error error = {0};
			size_t size, count;
			uint8_t *bytes = wrap_hex(damaged[i].area, codec, damaged[i].count, &size);
			int r;

			cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0, "case %zu", i);
			r = drain(reader, &count, &error);
			cr_expect_eq(r, LOGSTORE_E_CORRUPT_MESSAGE, "case %zu, codec %d: %d", i, codec, r);
			cr_expect_eq(error.code, r, "case %zu", i);
			cr_expect_eq(error.position, damaged[i].position, "case %zu, codec %d: at %lld", i,
			             codec, (long long)error.position);
			cr_expect_eq(error.offset, 100, "case %zu", i);
			cr_expect(strstr(error.text, damaged[i].text), "case %zu: %s", i, error.text);
			free(bytes);
		}
	}
	free_reader(&alloc, reader);
}

static const struct {
	const char *area;
	int32_t key_size, value_size;
	uint32_t header_count;
} tolerated[] = {
	{"0c000000010100", -1, -1, 0},
	{"0cff0000010100", -1, -1, 0},             /* attributes */
	{"0c000000030100", -1, -1, 0},             /* key length -2 */
	{"0c000000010500", -1, -1, 0},             /* value length -3 */
	{"14000000ffffffff0f0100", -1, -1, 0},     /* key length -2^31 */
	{"0e00000080000100", 0, -1, 0},            /* over-long zero */
	{"14000000808080800001" "00", 0, -1, 0},   /* over-long zero in five bytes */
	{"14000000808080807001" "00", 0, -1, 0},   /* bits above 32 are dropped */
	{"8c00000000010100", -1, -1, 0},           /* over-long length */
	{"1000000001010200" "01", -1, -1, 1},      /* header with empty key and null value */
	{"1000000001010200" "07", -1, -1, 1},      /* header value length -4 */
	{"0c000000000000", 0, 0, 0},
};

Test(record_reader, tolerated)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (size_t i = 0; i < sizeof tolerated / sizeof tolerated[0]; i++) {
		struct logstore_record record;
		size_t size;
		uint8_t *bytes = wrap_hex(tolerated[i].area, LOGSTORE_CODEC_NONE, 1, &size);

		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0, "case %zu", i);
		cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1, "case %zu", i);
		cr_expect_eq(record.key_size, tolerated[i].key_size, "case %zu", i);
		cr_expect_eq(record.key == NULL, tolerated[i].key_size < 0, "case %zu", i);
		cr_expect_eq(record.value_size, tolerated[i].value_size, "case %zu", i);
		cr_expect_eq(record.value == NULL, tolerated[i].value_size < 0, "case %zu", i);
		cr_assert_eq(record.header_count, tolerated[i].header_count, "case %zu", i);
		if (record.header_count == 1) {
			cr_expect_eq(record.headers[0].key_size, 0);
			cr_expect_not_null(record.headers[0].key);
			cr_expect_eq(record.headers[0].value_size, -1);
			cr_expect_null(record.headers[0].value);
		}
		cr_expect_eq(ls_record_reader_next(reader, &record, NULL), 0, "case %zu", i);
		free(bytes);
	}
	free_reader(&alloc, reader);
}

Test(record_reader, derived_values)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record;
	size_t size;
	/* Timestamp delta 1, offset delta 7, nulls. */
	uint8_t *bytes = wrap_hex("0c00020e010100", LOGSTORE_CODEC_NONE, 1, &size);

	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_expect_eq(record.offset, 107);
	cr_expect_eq(record.timestamp, T + 1);
	cr_expect_eq(record.sequence, 17);

	/* LogAppendTime: the deltas count for nothing. */
	bytes[LS_BATCH_ATTRIBUTES + 1] |= LS_ATTR_LOG_APPEND_TIME;
	/* Sequences wrap. */
	ls_store_be32s(bytes + LS_BATCH_BASE_SEQUENCE, INT32_MAX - 2);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_expect_eq(record.timestamp, T + 50);
	cr_expect_eq(record.sequence, 4);

	/* Timestamps wrap, as in Kafka; no sequence stays none. */
	bytes[LS_BATCH_ATTRIBUTES + 1] = 0;
	ls_store_be64s(bytes + LS_BATCH_BASE_TIMESTAMP, INT64_MAX);
	ls_store_be32s(bytes + LS_BATCH_BASE_SEQUENCE, -1);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_expect_eq(record.timestamp, INT64_MIN);
	cr_expect_eq(record.sequence, -1);
	free(bytes);
	free_reader(&alloc, reader);
}

Test(record_reader, offset_out_of_range)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record = {.offset = 55};
	struct logstore_error error = {0};
	size_t size;
	uint8_t *bytes = wrap_hex("0c00000e010100", LOGSTORE_CODEC_NONE, 1, &size);

	ls_store_be64s(bytes + LS_BATCH_BASE_OFFSET, INT64_MAX - 6);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, &error), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.position, 3);
	cr_expect_eq(record.offset, 55, "touched on failure");
	ls_store_be64s(bytes + LS_BATCH_BASE_OFFSET, INT64_MAX - 7);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, &error), 1);
	cr_expect_eq(record.offset, INT64_MAX);
	free(bytes);
	free_reader(&alloc, reader);
}

/* After an error the same comes again, with its detail, until the reader is started anew. */
Test(record_reader, error_is_sticky)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record;
	struct logstore_error error = {0};
	size_t size, count;
	uint8_t *bytes = wrap_hex(K1_V1 "00", LOGSTORE_CODEC_NONE, 2, &size);

	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
	cr_assert_eq(ls_record_reader_next(reader, &record, NULL), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_eq(ls_record_reader_next(reader, &record, &error), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.code, LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.position, 12);
	free(bytes);

	bytes = wrap_hex(K1_V1, LOGSTORE_CODEC_NONE, 1, &size);
	cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
	cr_expect_eq(drain(reader, &count, NULL), 0);
	cr_expect_eq(count, 1);
	free(bytes);
	free_reader(&alloc, reader);
}

static void expect_start_fails(const uint8_t *bytes, size_t size, int code)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record;
	struct logstore_error error = {0};
	int r = ls_record_reader_start(reader, bytes, size, &error);

	cr_expect_eq(r, code, "size %zu: %d", size, r);
	cr_expect_eq(error.code, code, "size %zu", size);
	cr_expect_eq(ls_record_reader_next(reader, &record, NULL), code, "size %zu", size);
	free_reader(&alloc, reader);
}

Test(record_reader, start_refuses)
{
	size_t size;
	uint8_t *bytes = wrap_hex(K1_V1, LOGSTORE_CODEC_NONE, 1, &size);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		expect_start_fails(copy, cut, -ENODATA);
		free(copy);
	}
	for (int codec = 5; codec <= 7; codec++) {
		bytes[LS_BATCH_ATTRIBUTES + 1] = (uint8_t)codec;
		expect_start_fails(bytes, size, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
	}
	bytes[LS_BATCH_ATTRIBUTES + 1] = 0;
	ls_store_be32s(bytes + LS_BATCH_RECORD_COUNT, -1);
	expect_start_fails(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE);
	ls_store_be32s(bytes + LS_BATCH_LENGTH, 48);
	expect_start_fails(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE);
	ls_store_be32s(bytes + LS_BATCH_LENGTH, (int32_t)size - 12);
	bytes[LS_BATCH_MAGIC] = 3;
	expect_start_fails(bytes, size, LOGSTORE_E_UNSUPPORTED_FORMAT);
	free(bytes);
}

/* What the batch is followed by is nobody's record. */
Test(record_reader, bytes_behind_the_batch)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	size_t size, count;
	uint8_t *bytes = wrap_hex(K1_V1, LOGSTORE_CODEC_NONE, 1, &size);
	uint8_t *longer = malloc(size + 11);

	memcpy(longer, bytes, size);
	memset(longer + size, 0, 11);
	cr_assert_eq(ls_record_reader_start(reader, longer, size + 11, NULL), 0);
	cr_expect_eq(drain(reader, &count, NULL), 0);
	cr_expect_eq(count, 1);
	free(longer);
	free(bytes);
	free_reader(&alloc, reader);
}

/* Appends a record with a value of `value_size` bytes, without headers. */
static void append_record(struct ls_buf *area, int32_t offset_delta, int32_t value_size)
{
	uint8_t head[64], *p;
	size_t body = 1 + 1 + ls_varlong_size(offset_delta) + 1 + ls_varlong_size(value_size) +
	              (size_t)value_size + 1;

	p = ls_varint_write(head, (int32_t)body);
	*p++ = 0;
	*p++ = 0;
	p = ls_varint_write(p, offset_delta);
	*p++ = 1; /* null key */
	p = ls_varint_write(p, value_size);
	cr_assert_eq(ls_buf_append(area, head, (size_t)(p - head)), 0);
	cr_assert_eq(ls_buf_reserve(area, (size_t)value_size + 1), 0);
	for (int32_t i = 0; i < value_size; i++)
		area->data[area->size++] = (uint8_t)(offset_delta * 7 + i * 31 + (i >> 8));
	area->data[area->size++] = 0; /* no headers */
}

/* Sizes around the window's: many small records, some larger than the window, some as large as its chunk. */
static int32_t sliding_value_size(int32_t index)
{
	static const int32_t sizes[] = {65536, 131072, 131073, 300000, 65523, 1, 0, 131060};

	return index % 100 == 99 ? sizes[index / 100 % 8] : index % 250;
}

static bool value_is_right(const struct logstore_record *record, int32_t index)
{
	const uint8_t *value = record->value;

	if (record->value_size != sliding_value_size(index) || record->offset != 100 + index)
		return false;
	for (int32_t i = 0; i < record->value_size; i++) {
		if (value[i] != (uint8_t)(index * 7 + i * 31 + (i >> 8)))
			return false;
	}
	return true;
}

Test(record_reader, window_slides)
{
	const int32_t record_count = 1600;
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct ls_buf area;
	size_t last_position = 0;

	ls_buf_init(&area, &alloc.ls);
	for (int32_t i = 0; i < record_count; i++) {
		last_position = area.size;
		append_record(&area, i, sliding_value_size(i));
	}
	for (int codec = 0; codec < CODEC_COUNT; codec++) {
		struct logstore_record record;
		struct logstore_error error;
		size_t size;
		uint8_t *bytes = wrap(area.data, area.size, codec, record_count, &size);

		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
		for (int32_t i = 0; i < record_count; i++) {
			cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1, "codec %d, record %d",
			             codec, i);
			cr_assert(value_is_right(&record, i), "codec %d, record %d", codec, i);
		}
		cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0, "codec %d", codec);

		/* One record too many is found, at its place in the decompressed records. */
		ls_store_be32s(bytes + LS_BATCH_RECORD_COUNT, record_count - 1);
		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
		for (int32_t i = 0; i < record_count - 1; i++)
			cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
		cr_assert_eq(ls_record_reader_next(reader, &record, &error), LOGSTORE_E_CORRUPT_MESSAGE);
		cr_expect_eq(error.position, (int64_t)last_position, "codec %d", codec);
		free(bytes);
	}
	ls_buf_fini(&area);
	free_reader(&alloc, reader);
}

Test(record_reader, cap)
{
	struct ts_alloc alloc, area_alloc;
	struct ls_buf area;

	ts_alloc_init(&area_alloc);
	ls_buf_init(&area, &area_alloc.ls);
	for (int32_t i = 0; i < 100; i++)
		append_record(&area, i, 100);
	for (int codec = 0; codec < CODEC_COUNT; codec++) {
		size_t size;
		uint8_t *bytes = wrap(area.data, area.size, codec, 100, &size);

		for (uint64_t cap = 1; cap <= area.size + 1; cap += cap < area.size - 2 ? 997 : 1) {
			struct ls_record_reader *reader = new_reader(&alloc, cap);
			bool fits = codec == LOGSTORE_CODEC_NONE || cap >= area.size;
			struct logstore_error error = {0};
			size_t count;
			int r;

			cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
			r = drain(reader, &count, &error);
			cr_expect_eq(r, fits ? 0 : LOGSTORE_E_LIMIT_EXCEEDED, "codec %d, cap %llu: %d", codec,
			             (unsigned long long)cap, r);
			cr_expect_eq(error.code, r);
			if (fits)
				cr_expect_eq(count, 100);
			free_reader(&alloc, reader);
		}
		free(bytes);
	}
	ls_buf_fini(&area);
}

static void *small_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return size > 256 * 1024 ? NULL : malloc(size);
}

static void *small_realloc(void *ctx, void *memory, size_t size)
{
	(void)ctx;
	return size > 256 * 1024 ? NULL : realloc(memory, size);
}

static void small_free(void *ctx, void *memory)
{
	(void)ctx;
	free(memory);
}

/* Memory follows what was decoded: declared lengths and counts of 2^31-1 ask for nothing. */
Test(record_reader, declared_sizes_are_not_allocated)
{
	static const char *const areas[] = {"feffffff0f00", "140000000101feffffff0f", "10000000feffffff0f"};
	struct logstore_env env = {.allocator = {small_alloc, small_realloc, small_free, NULL}};
	struct ls_record_reader *reader;
	struct ls_env resolved;

	ls_env_resolve(&env, &resolved);
	cr_assert_eq(ls_record_reader_new(&resolved, 0, &reader), 0);
	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
		for (int codec = 0; codec <= LOGSTORE_CODEC_SNAPPY; codec++) {
			size_t size, count;
			uint8_t *bytes = wrap_hex(areas[i], codec, 1, &size);

			cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
			cr_expect_eq(drain(reader, &count, NULL), LOGSTORE_E_CORRUPT_MESSAGE, "area %zu", i);
			free(bytes);
		}
	}
	(void)ls_record_reader_free(reader);
}

/* A batch that makes every buffer grow: 40 headers, a record larger than the window. */
static uint8_t *growing_batch(int codec, size_t *ret_size)
{
	struct logstore_batch_options options = {
		.codec = (uint8_t)codec,
		.level = LOGSTORE_LEVEL_DEFAULT,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	struct logstore_header headers[40];
	uint8_t *value = calloc(1, 300000), *bytes;
	struct logstore_record record = {
		.key_size = -1, .value = value, .value_size = 300000, .headers = headers, .header_count = 40};
	struct ls_batch_builder *builder;
	struct ts_alloc alloc;
	const uint8_t *built;

	ts_alloc_init(&alloc);
	for (size_t i = 0; i < 40; i++)
		headers[i] = (struct logstore_header){
			.key = "header", .key_size = 6, .value = value, .value_size = (int)i};
	cr_assert_eq(ls_batch_builder_new(&alloc.ls, &builder), 0);
	cr_assert_eq(ls_batch_builder_start(builder, &options, NULL), 0);
	cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
	cr_assert_eq(ls_batch_builder_add(builder, &record, false, NULL), 0);
	cr_assert_eq(ls_batch_builder_finish(builder, &built, ret_size, NULL), 0);
	bytes = malloc(*ret_size);
	memcpy(bytes, built, *ret_size);
	(void)ls_batch_builder_free(builder);
	free(value);
	return bytes;
}

Test(record_reader, headers_and_growth)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (int codec = 0; codec < CODEC_COUNT; codec++) {
		struct logstore_record record;
		size_t size;
		uint8_t *bytes = growing_batch(codec, &size);

		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
		for (int i = 0; i < 2; i++) {
			cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
			cr_assert_eq(record.header_count, 40);
			for (int k = 0; k < 40; k++) {
				expect_bytes(record.headers[k].key, record.headers[k].key_size, "header");
				cr_assert_eq(record.headers[k].value_size, k);
			}
			cr_assert_eq(record.value_size, 300000);
		}
		cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
		free(bytes);
	}
	free_reader(&alloc, reader);
}

/* Reads a batch with the n-th allocation failing. Returns false once none failed. */
static bool read_with_failure(const uint8_t *bytes, size_t size, long fail_at)
{
	struct ls_record_reader *reader = NULL;
	struct logstore_record record;
	struct logstore_error error = {0};
	struct ts_alloc alloc;
	size_t count = 0;
	bool failed;
	int r;

	ts_alloc_init(&alloc);
	atomic_store(&alloc.fail_at, fail_at);
	r = ls_record_reader_new(&alloc.ls, 0, &reader);
	if (r == 0)
		r = ls_record_reader_start(reader, bytes, size, &error);
	if (r == 0)
		r = drain(reader, &count, &error);
	failed = ts_alloc_failed(&alloc);
	cr_assert_eq(r, failed ? -ENOMEM : 0, "allocation %ld: %d", fail_at, r);
	if (failed && reader) {
		cr_expect_eq(error.code, -ENOMEM);
		cr_expect_eq(ls_record_reader_next(reader, &record, NULL), -ENOMEM);
		/* With memory back the reader reads again. */
		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
		cr_assert_eq(drain(reader, &count, NULL), 0);
		cr_expect_eq(count, 2);
	}
	free_reader(&alloc, reader);
	return failed;
}

Test(record_reader, every_allocation_fails)
{
	for (int codec = 0; codec < CODEC_COUNT; codec++) {
		size_t size;
		uint8_t *bytes = growing_batch(codec, &size);
		long fail_at = 1;

		while (read_with_failure(bytes, size, fail_at))
			fail_at++;
		cr_expect_gt(fail_at, codec == LOGSTORE_CODEC_NONE ? 3 : 4, "codec %d: %ld", codec, fail_at);
		free(bytes);
	}
}

/* Two records, one with a header, through each codec. */
static uint8_t *small_batch(int codec, size_t *ret_size)
{
	return wrap_hex("14000000046b3104763100" "18000a02046b32010202680278", codec, 2, ret_size);
}

/* Cut at every size, with the length field made to agree. */
Test(record_reader, every_truncation)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (int codec = 0; codec < CODEC_COUNT; codec++) {
		size_t size;
		uint8_t *bytes = small_batch(codec, &size);

		for (size_t cut = LS_BATCH_HEADER_SIZE; cut < size; cut++) {
			uint8_t *copy = malloc(cut);
			size_t count;
			int r;

			memcpy(copy, bytes, cut);
			ls_store_be32(copy + LS_BATCH_LENGTH, (uint32_t)cut - LS_BATCH_LOG_OVERHEAD);
			cr_assert_eq(ls_record_reader_start(reader, copy, cut, NULL), 0);
			r = drain(reader, &count, NULL);
			cr_expect_eq(r, LOGSTORE_E_CORRUPT_MESSAGE, "codec %d, size %zu: %d", codec, cut, r);
			free(copy);
		}
		free(bytes);
	}
	free_reader(&alloc, reader);
}

static bool known_outcome(int r)
{
	return r == 0 || r == -ENODATA || r == LOGSTORE_E_CORRUPT_MESSAGE || r == LOGSTORE_E_LIMIT_EXCEEDED ||
	       r == LOGSTORE_E_UNSUPPORTED_FORMAT || r == LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE;
}

/* Every bit, and every byte at its extremes: the reader ends in a known way and reads no byte outside. */
Test(record_reader, every_bit_flip)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 1 << 20);

	for (int codec = 0; codec < CODEC_COUNT; codec++) {
		size_t size, count, bad = 0;
		uint8_t *bytes = small_batch(codec, &size);

		for (size_t i = 0; i < 10 * size; i++) {
			uint8_t *copy = malloc(size);
			unsigned change = (unsigned)(i % 10);
			int r;

			memcpy(copy, bytes, size);
			if (change < 8)
				copy[i / 10] ^= (uint8_t)(1u << change);
			else
				copy[i / 10] = change == 8 ? 0 : 0xff;
			r = ls_record_reader_start(reader, copy, size, NULL);
			if (r == 0)
				r = drain(reader, &count, NULL);
			cr_assert(known_outcome(r), "codec %d, change %zu: %d", codec, i, r);
			bad += r < 0;
			free(copy);
		}
		cr_expect_gt(bad, size, "codec %d", codec);
		free(bytes);
	}
	free_reader(&alloc, reader);
}

/* What Kafka says of a log dir: one object per line of records.jsonl, taken in order. */
struct expectation {
	json_t **lines;
	bool *met;
	size_t count;
	size_t met_count;
};

static void load_expectation(const char *path, struct expectation *ret)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t capacity = 0, room = 0;

	*ret = (struct expectation){0};
	cr_assert(file, "%s", path);
	while (getline(&line, &capacity, file) > 0) {
		if (ret->count == room) {
			room = room ? 2 * room : 256;
			ret->lines = realloc(ret->lines, room * sizeof ret->lines[0]);
		}
		ret->lines[ret->count] = json_loads(line, 0, NULL);
		cr_assert(ret->lines[ret->count++], "%s: %s", path, line);
	}
	ret->met = calloc(ret->count + 1, sizeof ret->met[0]);
	free(line);
	fclose(file);
}

static void free_expectation(struct expectation *expectation)
{
	for (size_t i = 0; i < expectation->count; i++)
		json_decref(expectation->lines[i]);
	free(expectation->lines);
	free(expectation->met);
}

/* The partition's next object behind *at, or NULL. */
static const json_t *next_expected(struct expectation *expectation, const char *partition, size_t *at)
{
	while (*at < expectation->count) {
		size_t i = (*at)++;
		const json_t *line = expectation->lines[i];

		if (strcmp(json_string_value(json_object_get(line, "partition")), partition) == 0) {
			expectation->met[i] = true;
			expectation->met_count++;
			return line;
		}
	}
	return NULL;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Whether `text` is base64 of exactly these bytes. */
static bool base64_equals(const char *text, const uint8_t *bytes, size_t size)
{
	unsigned bits = 0, bit_count = 0;
	size_t done = 0;

	for (; *text && *text != '='; text++) {
		int digit = base64_digit(*text);

		cr_assert_geq(digit, 0, "base64 %s", text);
		bits = bits << 6 | (unsigned)digit;
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			if (done == size || bytes[done] != (uint8_t)(bits >> bit_count))
				return false;
			done++;
		}
	}
	return done == size;
}

/* null, base64, or of long ones the size and how they begin. */
static bool bytes_equal(const json_t *want, const void *bytes, int32_t size)
{
	if (json_is_null(want))
		return !bytes && size == -1;
	if (!bytes || size < 0)
		return false;
	if (json_is_object(want)) {
		const char *head = json_string_value(json_object_get(want, "head"));

		return size == json_integer_value(json_object_get(want, "len")) &&
		       base64_equals(head, bytes, 48);
	}
	return base64_equals(json_string_value(want), bytes, (size_t)size);
}

static bool headers_equal(const json_t *want, const struct logstore_record *record)
{
	if (record->header_count != json_array_size(want))
		return false;
	for (uint32_t i = 0; i < record->header_count; i++) {
		const json_t *header = json_array_get(want, i);
		const json_t *key = json_object_get(header, "key");

		if (json_string_length(key) != (size_t)record->headers[i].key_size ||
		    memcmp(json_string_value(key), record->headers[i].key, json_string_length(key)) != 0 ||
		    !bytes_equal(json_object_get(header, "value"), record->headers[i].value,
		                 record->headers[i].value_size))
			return false;
	}
	return true;
}

static int64_t number(const json_t *object, const char *name, int64_t missing)
{
	const json_t *value = json_object_get(object, name);

	return value ? json_integer_value(value) : missing;
}

static bool is_text(const json_t *object, const char *name, const char *missing, const char *want)
{
	const json_t *value = json_object_get(object, name);

	return strcmp(value ? json_string_value(value) : missing, want) == 0;
}

static bool batch_equals(const json_t *want, const struct logstore_batch_info *info)
{
	const char *timestamp_type = "CreateTime";

	if (info->magic == 0)
		timestamp_type = "NoTimestampType";
	else if (info->timestamp_type == LOGSTORE_LOG_APPEND_TIME)
		timestamp_type = "LogAppendTime";
	return number(want, "batch_base_offset", -2) == info->base_offset &&
	       number(want, "leader_epoch", -2) == info->leader_epoch &&
	       number(want, "producer_id", -1) == info->producer_id &&
	       number(want, "producer_epoch", -1) == info->producer_epoch &&
	       number(want, "magic", 2) == info->magic &&
	       json_is_true(json_object_get(want, "is_control")) == info->control &&
	       json_is_true(json_object_get(want, "is_transactional")) == info->transactional &&
	       is_text(want, "codec", "none", ls_codec_name(info->codec)) &&
	       is_text(want, "timestamp_type", "CreateTime", timestamp_type);
}

static bool record_equals(const json_t *want, const struct logstore_record *record)
{
	return number(want, "offset", -2) == record->offset &&
	       number(want, "timestamp", -2) == record->timestamp &&
	       number(want, "sequence", -1) == record->sequence &&
	       bytes_equal(json_object_get(want, "key"), record->key, record->key_size) &&
	       bytes_equal(json_object_get(want, "value"), record->value, record->value_size) &&
	       headers_equal(json_object_get(want, "headers"), record);
}

/* All records of one .log file against the next objects of its partition. */
static void compare_file(struct ls_record_reader *reader, const char *path, const char *partition,
                         struct expectation *expectation, size_t *at)
{
	size_t size, position = 0;
	uint8_t *log = ts_read_file(path, &size);

	while (position < size) {
		struct logstore_error error = {0};
		struct logstore_record record;
		int r = ls_record_reader_start(reader, log + position, size - position, &error);

		cr_assert_eq(r, 0, "%s at %zu: %s", path, position, error.text);
		while ((r = ls_record_reader_next(reader, &record, &error)) > 0) {
			const json_t *want = next_expected(expectation, partition, at);

			cr_assert(want, "%s: offset %lld is too many", path, (long long)record.offset);
			cr_assert(record_equals(want, &record), "%s: offset %lld, wanted %s", path,
			          (long long)record.offset, json_dumps(want, 0));
			cr_assert(batch_equals(want, ls_record_reader_batch(reader)),
			          "%s: offset %lld, wanted %s", path, (long long)record.offset,
			          json_dumps(want, 0));
		}
		cr_assert_eq(r, 0, "%s at %zu: %s", path, position, error.text);
		position += ls_record_reader_batch(reader)->size;
	}
	free(log);
}

/* One records.jsonl against the log dir it describes. Returns how many records were compared. */
static size_t compare_log_dir(struct ls_record_reader *reader, const char *list, const char *logs)
{
	struct expectation expectation;
	char pattern[2048];
	size_t count, at = 0;
	glob_t files;
	const char *last = "";

	load_expectation(list, &expectation);
	snprintf(pattern, sizeof pattern, "%s/*/*.log", logs);
	cr_assert_eq(glob(pattern, 0, NULL, &files), 0, "%s", pattern);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char *path = files.gl_pathv[i], partition[256];
		const char *name, *slash = strrchr(path, '/');

		for (name = slash; name[-1] != '/'; name--)
			;
		snprintf(partition, sizeof partition, "%.*s", (int)(slash - name), name);
		if (strncmp(last, path, (size_t)(slash - path) + 1) != 0)
			at = 0; /* the first segment of a partition */
		last = path;
		compare_file(reader, path, partition, &expectation, &at);
	}
	for (size_t i = 0; i < expectation.count; i++)
		cr_assert(expectation.met[i], "%s: line %zu was not found in the logs", list, i + 1);
	cr_assert_eq(expectation.met_count, expectation.count, "%s", list);
	count = expectation.count;
	globfree(&files);
	free_expectation(&expectation);
	return count;
}

static size_t compare_all(const char *pattern, const char *to_logs)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	size_t count = 0;
	glob_t lists;

	cr_assert_eq(glob(ts_data(pattern), 0, NULL, &lists), 0, "%s", pattern);
	for (size_t i = 0; i < lists.gl_pathc; i++) {
		char logs[1024];

		snprintf(logs, sizeof logs, "%s", lists.gl_pathv[i]);
		strcpy(strrchr(logs, '/'), to_logs);
		count += compare_log_dir(reader, lists.gl_pathv[i], logs);
	}
	globfree(&lists);
	free_reader(&alloc, reader);
	return count;
}

/* codecs, legacy, internal-topics, transactions and the other fixtures that have one log dir. */
Test(record_reader, records_written_by_kafka)
{
	cr_expect_eq(compare_all("kafka/*/expected/records.jsonl", "/../logs"), 6844);
}

Test(record_reader, records_compacted_by_kafka)
{
	cr_expect_eq(compare_all("kafka/compaction/*/expected/records.jsonl", "/../logs"), 1107);
	cr_expect_eq(compare_all("kafka/compaction/*/expected/pass*/records.jsonl", "/logs"), 537);
}
