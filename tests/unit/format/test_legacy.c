/*
 * Messages of magic 0 and 1: fields, wrappers of every codec, the rules for offsets and timestamps inside
 * them, every damage. Logs that Kafka 2.8 wrote are read in test_record_reader.c.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "format/batch.h"
#include "format/codec.h"
#include "format/legacy.h"
#include "format/record_reader.h"
#include "testlib.h"

TestSuite(legacy, .fini = ts_check_leaks);

#define T INT64_C(1500000000000)

/* What to make a message of. Null key and value have size -1. */
struct model {
	int64_t offset;
	int64_t timestamp;
	const void *key;
	const void *value;
	int32_t key_size;
	int32_t value_size;
	int magic;
	uint8_t attributes;
};

static void append(struct ls_buf *buf, const void *bytes, size_t size)
{
	cr_assert_eq(ls_buf_append(buf, bytes, size), 0);
}

static void append_field(struct ls_buf *buf, const void *bytes, int32_t size)
{
	uint8_t length[4];

	ls_store_be32s(length, size);
	append(buf, length, sizeof length);
	if (size > 0)
		append(buf, bytes, (size_t)size);
}

/* Appends a message with its right size and checksum. */
static void append_message(struct ls_buf *buf, const struct model *model)
{
	size_t start = buf->size;
	uint8_t head[26] = {0};

	ls_store_be64s(head, model->offset);
	head[LS_BATCH_MAGIC] = (uint8_t)model->magic;
	head[LS_LEGACY_ATTRIBUTES] = model->attributes;
	ls_store_be64s(head + LS_LEGACY_TIMESTAMP, model->timestamp);
	append(buf, head, model->magic == 0 ? 18 : 26);
	append_field(buf, model->key, model->key_size);
	append_field(buf, model->value, model->value_size);
	ls_store_be32(buf->data + start + LS_BATCH_LENGTH,
	              (uint32_t)(buf->size - start - LS_BATCH_LOG_OVERHEAD));
	ls_store_be32(buf->data + start + LS_LEGACY_CRC,
	              ls_crc32(0, buf->data + start + LS_BATCH_MAGIC, buf->size - start - LS_BATCH_MAGIC));
}

/* A message alone, in a block of just its size. */
static uint8_t *make_message(const struct model *model, size_t *ret_size)
{
	struct ts_alloc alloc;
	struct ls_buf buf;
	uint8_t *bytes;

	ts_alloc_init(&alloc);
	ls_buf_init(&buf, &alloc.ls);
	append_message(&buf, model);
	bytes = malloc(buf.size);
	memcpy(bytes, buf.data, buf.size);
	*ret_size = buf.size;
	ls_buf_fini(&buf);
	return bytes;
}

/* A wrapper around the bytes of `inner`, compressed. */
static uint8_t *make_wrapper(const struct model *outer, const struct ls_buf *inner, size_t *ret_size)
{
	struct ts_alloc alloc;
	struct ls_encoder *encoder;
	struct model model = *outer;
	struct ls_buf packed;
	uint8_t *bytes;

	ts_alloc_init(&alloc);
	ls_buf_init(&packed, &alloc.ls);
	cr_assert_eq(ls_encoder_new(&alloc.ls, outer->attributes & LS_ATTR_CODEC, &encoder), 0);
	cr_assert_eq(ls_encoder_start(encoder, LOGSTORE_LEVEL_DEFAULT, &packed), 0);
	cr_assert_eq(ls_encoder_write(encoder, inner->size ? inner->data : (const uint8_t *)"", inner->size),
	             0);
	cr_assert_eq(ls_encoder_finish(encoder), 0);
	(void)ls_encoder_free(encoder);
	model.value = packed.data;
	model.value_size = (int32_t)packed.size;
	bytes = make_message(&model, ret_size);
	ls_buf_fini(&packed);
	return bytes;
}

static struct ls_record_reader *new_reader(struct ts_alloc *alloc, uint64_t cap)
{
	struct ls_record_reader *reader;

	ts_alloc_init(alloc);
	cr_assert_eq(ls_record_reader_new(&alloc->ls, cap, &reader), 0);
	return reader;
}

static void free_reader(struct ts_alloc *alloc, struct ls_record_reader *reader)
{
	(void)ls_record_reader_free(reader);
	cr_assert_eq(atomic_load(&alloc->outstanding), 0);
}

/* Starts and reads to the end. Returns how it ended. */
static int read_all(struct ls_record_reader *reader, const uint8_t *bytes, size_t size, size_t *ret_count,
                    struct logstore_error *ret_error)
{
	struct logstore_record record;
	size_t count = 0;
	int r = ls_record_reader_start(reader, bytes, size, ret_error);

	if (r < 0)
		return r;
	while ((r = ls_record_reader_next(reader, &record, ret_error)) > 0)
		count++;
	*ret_count = count;
	return r;
}

static void expect_failure(const uint8_t *bytes, size_t size, int code, const char *text)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct logstore_record record;
	struct logstore_error error = {0};
	size_t count;
	int r = read_all(reader, bytes, size, &count, &error);

	cr_expect_eq(r, code, "%s: %d", text, r);
	cr_expect_eq(error.code, code, "%s", text);
	cr_expect(strstr(error.text, text), "wanted '%s', got '%s'", text, error.text);
	cr_expect_eq(ls_record_reader_next(reader, &record, NULL), code);
	free_reader(&alloc, reader);
}

Test(legacy, header)
{
	struct model model = {.offset = 42, .timestamp = T, .key_size = -1, .value_size = -1};

	for (model.magic = 0; model.magic <= 1; model.magic++) {
		for (unsigned attributes = 0; attributes <= 0xff; attributes++) {
			struct logstore_batch_info info;
			int64_t timestamp = model.magic == 0 ? -1 : T;
			size_t size;
			uint8_t *bytes;

			model.attributes = (uint8_t)attributes;
			bytes = make_message(&model, &size);
			cr_assert_eq(size, model.magic == 0 ? 26 : 34);
			cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
			cr_assert_eq(ls_batch_info(bytes, ls_batch_header_need(model.magic), &info, NULL), 0);
			cr_assert_eq(info.base_offset, 42);
			cr_assert_eq(info.last_offset, 42);
			cr_assert_eq(info.base_timestamp, timestamp);
			cr_assert_eq(info.max_timestamp, timestamp);
			cr_assert_eq(info.producer_id, -1);
			cr_assert_eq(info.producer_epoch, -1);
			cr_assert_eq(info.base_sequence, -1);
			cr_assert_eq(info.last_sequence, -1);
			cr_assert_eq(info.leader_epoch, -1);
			cr_assert_eq(info.size, size);
			cr_assert_eq(info.crc, ls_load_be32(bytes + LS_LEGACY_CRC));
			cr_assert_eq(info.magic, model.magic);
			cr_assert_eq(info.attributes, attributes);
			cr_assert_eq(info.codec, attributes % 8);
			cr_assert_eq(info.record_count, attributes % 8 ? -1 : 1);
			cr_assert_eq(info.timestamp_type, model.magic == 1 && attributes / 8 % 2);
			cr_assert(!info.transactional && !info.control && !info.has_delete_horizon);
			free(bytes);
		}
	}
}

Test(legacy, message)
{
	static const struct model models[] = {
		{.offset = 7, .key = "key", .key_size = 3, .value = "value", .value_size = 5, .magic = 0},
		{.offset = 7, .key_size = -1, .value_size = -1, .magic = 0},
		{.offset = 7, .key_size = 0, .value_size = 0, .magic = 0},
		{.offset = INT64_MAX, .timestamp = T, .key = "k", .key_size = 1, .value_size = -1,
		 .magic = 1},
		{.offset = 0, .timestamp = -1, .key_size = -1, .value = "v", .value_size = 1, .magic = 1},
		/* A message that stands alone keeps its own timestamp whatever its type. */
		{.offset = 3, .timestamp = T, .key_size = -1, .value_size = -1, .magic = 1, .attributes = 8},
		/* Any length below 0 is null. */
		{.offset = 7, .key_size = -2, .value_size = INT32_MIN, .magic = 1},
	};
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
		const struct model *model = &models[i];
		struct logstore_record record;
		size_t size;
		uint8_t *bytes = make_message(model, &size);

		cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0, "case %zu", i);
		cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1, "case %zu", i);
		cr_expect_eq(record.offset, model->offset, "case %zu", i);
		cr_expect_eq(record.timestamp, model->magic == 0 ? -1 : model->timestamp, "case %zu", i);
		cr_expect_eq(record.sequence, -1);
		cr_expect_eq(record.header_count, 0);
		cr_expect_null(record.headers);
		cr_expect_eq(record.key_size, model->key_size < 0 ? -1 : model->key_size, "case %zu", i);
		cr_expect_eq(record.key == NULL, model->key_size < 0, "case %zu", i);
		cr_expect_eq(record.value_size, model->value_size < 0 ? -1 : model->value_size,
		             "case %zu", i);
		cr_expect_eq(record.value == NULL, model->value_size < 0, "case %zu", i);
		if (model->key_size > 0)
			cr_expect_arr_eq(record.key, model->key, (size_t)model->key_size);
		if (model->value_size > 0)
			cr_expect_arr_eq(record.value, model->value, (size_t)model->value_size);
		cr_expect_eq(ls_record_reader_next(reader, &record, NULL), 0, "case %zu", i);
		cr_expect_eq(ls_record_reader_next(reader, &record, NULL), 0, "case %zu", i);
		free(bytes);
	}
	free_reader(&alloc, reader);
}

/* Lengths of key and value in a message, wrong in every way; `at` is the field's place. */
Test(legacy, message_damaged)
{
	static const struct {
		size_t at;
		int32_t length;
		const char *text;
	} cases[] = {
		{0, 7, "3 bytes are left behind"}, /* the beginning of the value reads as a length of 0 */
		{0, 11, "value runs past"},        /* leaves 3 bytes for the length */
		{0, 14, "value runs past"},
		{0, 15, "key runs past"},
		{0, INT32_MAX, "key runs past"},
		{0, -1, "value runs past"}, /* the key reads as the value's length */
		{7, 8, "value runs past"},
		{7, INT32_MAX, "value runs past"},
		{7, 6, "1 bytes are left behind"},
		{7, -1, "7 bytes are left behind"},
	};

	for (int magic = 0; magic <= 1; magic++) {
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
			struct model model = {.key = "abc", .key_size = 3, .value = "\0\0\0\0xyz",
			                      .value_size = 7, .magic = magic};
			size_t size;
			uint8_t *bytes = make_message(&model, &size);

			ls_store_be32s(bytes + ls_legacy_header_need(magic) + cases[i].at, cases[i].length);
			expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, cases[i].text);
			free(bytes);
		}
	}
}

Test(legacy, cut)
{
	struct model model = {.key = "abc", .key_size = 3, .value = "value", .value_size = 5};

	for (model.magic = 0; model.magic <= 1; model.magic++) {
		size_t size;
		uint8_t *bytes = make_message(&model, &size);

		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1);

			memcpy(copy, bytes, cut);
			expect_failure(copy, cut, -ENODATA, "present");
			/* The same with a length field that agrees. */
			if (cut >= ls_legacy_header_need(model.magic) + 8) {
				ls_store_be32(copy + LS_BATCH_LENGTH, (uint32_t)cut - LS_BATCH_LOG_OVERHEAD);
				expect_failure(copy, cut, LOGSTORE_E_CORRUPT_MESSAGE, "runs past");
			}
			free(copy);
		}
		free(bytes);
	}
}

static const int wrapper_codecs[] = {LOGSTORE_CODEC_GZIP, LOGSTORE_CODEC_SNAPPY, LOGSTORE_CODEC_LZ4};

/* `count` messages with offsets from `first` on and timestamps T + i. */
static void append_messages(struct ls_buf *inner, int magic, int64_t first, int count)
{
	for (int i = 0; i < count; i++) {
		char value[32];
		struct model model = {
			.offset = first + i, .timestamp = T + i, .key = "k", .key_size = 1, .magic = magic};

		snprintf(value, sizeof value, "value %d", i);
		model.value = value;
		model.value_size = (int32_t)strlen(value);
		append_message(inner, &model);
	}
}

/*
 * Reads a wrapper of `count` messages made by append_messages(). Expects offsets from `first` on, and the
 * timestamp `timestamp`, or those of the messages if that is 0.
 */
static void expect_records(struct ls_record_reader *reader, const uint8_t *bytes, size_t size, int64_t first,
                           int count, int64_t timestamp)
{
	struct logstore_record record;
	struct logstore_error error = {0};

	cr_assert_eq(ls_record_reader_start(reader, bytes, size, &error), 0, "%s", error.text);
	for (int i = 0; i < count; i++) {
		char value[32];
		int r = ls_record_reader_next(reader, &record, &error);

		cr_assert_eq(r, 1, "record %d: %s", i, error.text);
		snprintf(value, sizeof value, "value %d", i);
		cr_assert_eq(record.offset, first + i, "record %d", i);
		cr_assert_eq(record.timestamp, timestamp ? timestamp : T + i, "record %d", i);
		cr_assert_eq(record.value_size, (int32_t)strlen(value), "record %d", i);
		cr_assert_arr_eq(record.value, value, strlen(value), "record %d", i);
		cr_assert_eq(record.sequence, -1);
		cr_assert_eq(ls_record_reader_batch(reader)->base_offset, first);
	}
	cr_assert_eq(ls_record_reader_next(reader, &record, &error), 0);
}

Test(legacy, wrappers)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (size_t i = 0; i < 3; i++) {
		struct model outer = {.offset = 109, .timestamp = T + 99, .key_size = -1};
		struct ls_buf inner;
		size_t size;
		uint8_t *bytes;

		outer.attributes = (uint8_t)wrapper_codecs[i];
		/* Magic 0: offsets are absolute, there is no timestamp. */
		ls_buf_init(&inner, &alloc.ls);
		append_messages(&inner, 0, 100, 10);
		bytes = make_wrapper(&outer, &inner, &size);
		expect_records(reader, bytes, size, 100, 10, -1);
		cr_expect_eq(ls_record_reader_batch(reader)->last_offset, 109);
		cr_expect_eq(ls_record_reader_batch(reader)->record_count, -1);
		free(bytes);

		/* Magic 1: relative offsets, the last of which is the wrapper's. */
		ls_buf_clear(&inner);
		append_messages(&inner, 1, 0, 10);
		outer.magic = 1;
		bytes = make_wrapper(&outer, &inner, &size);
		expect_records(reader, bytes, size, 100, 10, 0);
		free(bytes);

		/* LogAppendTime: all have the wrapper's timestamp. */
		outer.attributes |= LS_ATTR_LOG_APPEND_TIME;
		bytes = make_wrapper(&outer, &inner, &size);
		expect_records(reader, bytes, size, 100, 10, T + 99);
		free(bytes);

		/* Magic 0 has no timestamp type. */
		ls_buf_clear(&inner);
		append_messages(&inner, 0, 100, 10);
		outer.magic = 0;
		bytes = make_wrapper(&outer, &inner, &size);
		expect_records(reader, bytes, size, 100, 10, -1);
		free(bytes);
		ls_buf_fini(&inner);
	}
	free_reader(&alloc, reader);
}

Test(legacy, wrapper_offsets)
{
	static const struct {
		int64_t outer, first_inner, first; /* first: of the records; -1: refused */
	} cases[] = {
		{2, 0, 0},
		{1000, 0, 998},
		{1000, 500, 998},       /* only the distance to the last one counts */
		{502, 500, 500},
		{501, 500, -1},         /* below the last inner offset */
		{0, 0, 0},              /* not set by the producer */
		{0, 500, 500},
		{INT64_MAX, 0, INT64_MAX - 2},
		{2, INT64_MIN, -1},     /* the difference overflows */
		{-5, 0, -1},
	};
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct model outer = {.offset = cases[i].outer, .key_size = -1, .magic = 1,
		                      .attributes = LOGSTORE_CODEC_GZIP};
		struct ls_buf inner;
		size_t size;
		uint8_t *bytes;

		ls_buf_init(&inner, &alloc.ls);
		append_messages(&inner, 1, cases[i].first_inner, 3);
		bytes = make_wrapper(&outer, &inner, &size);
		if (cases[i].first >= 0)
			expect_records(reader, bytes, size, cases[i].first, 3, 0);
		else
			expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, "does not fit");
		free(bytes);
		ls_buf_fini(&inner);
	}
	free_reader(&alloc, reader);
}

/* Offsets inside need not ascend; one that leads out of the range of offsets is damage. */
Test(legacy, wrapper_relative_offset_overflows)
{
	struct model outer = {
		.offset = INT64_MAX, .key_size = -1, .magic = 1, .attributes = LOGSTORE_CODEC_GZIP};
	struct model message = {.offset = 10, .key_size = -1, .value_size = -1, .magic = 1};
	struct ts_alloc alloc;
	struct ls_buf inner;
	size_t size;
	uint8_t *bytes;

	ts_alloc_init(&alloc);
	ls_buf_init(&inner, &alloc.ls);
	append_message(&inner, &message);
	message.offset = 9;
	append_message(&inner, &message);
	bytes = make_wrapper(&outer, &inner, &size);
	expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, "relative offset 10");
	free(bytes);
	ls_buf_fini(&inner);
}

/* Messages larger than the reader's window, in both passes. */
Test(legacy, wrapper_of_large_messages)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	uint8_t *value = calloc(1, 400000);

	for (int magic = 0; magic <= 1; magic++) {
		for (size_t i = 0; i < 3; i++) {
			struct model outer = {.offset = 4, .key_size = -1, .magic = magic};
			struct logstore_record record;
			struct ls_buf inner;
			size_t size;
			uint8_t *bytes;

			outer.attributes = (uint8_t)wrapper_codecs[i];
			ls_buf_init(&inner, &alloc.ls);
			for (int k = 0; k < 5; k++) {
				struct model model = {
					.offset = k, .key_size = -1, .value = value, .magic = magic};

				value[0] = (uint8_t)k;
				model.value_size = 100000 * k;
				append_message(&inner, &model);
			}
			bytes = make_wrapper(&outer, &inner, &size);
			cr_assert_eq(ls_record_reader_start(reader, bytes, size, NULL), 0);
			for (int k = 0; k < 5; k++) {
				cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 1);
				cr_assert_eq(record.offset, k);
				cr_assert_eq(record.value_size, 100000 * k);
				if (k > 0)
					cr_assert_eq(*(const uint8_t *)record.value, k);
			}
			cr_assert_eq(ls_record_reader_next(reader, &record, NULL), 0);
			free(bytes);
			ls_buf_fini(&inner);
		}
	}
	free(value);
	free_reader(&alloc, reader);
}

/* Compresses what `inner` holds into a wrapper at offset 100 and expects it to be refused. */
static void expect_wrapper_failure(struct ls_buf *inner, int magic, const char *text)
{
	struct model outer = {
		.offset = 100, .key_size = -1, .magic = magic, .attributes = LOGSTORE_CODEC_GZIP};
	size_t size;
	uint8_t *bytes = make_wrapper(&outer, inner, &size);

	expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, text);
	free(bytes);
	ls_buf_clear(inner);
}

Test(legacy, wrapper_damaged)
{
	struct ts_alloc alloc;
	struct ls_buf inner;

	ts_alloc_init(&alloc);
	ls_buf_init(&inner, &alloc.ls);
	for (int magic = 0; magic <= 1; magic++) {
		size_t message_size;

		expect_wrapper_failure(&inner, magic, "holds no messages");

		append_messages(&inner, magic, 0, 2);
		append_messages(&inner, 1 - magic, 2, 1);
		expect_wrapper_failure(&inner, magic, "magic");

		append_messages(&inner, magic, 0, 3);
		message_size = inner.size / 3;
		inner.data[message_size + LS_LEGACY_ATTRIBUTES] = LOGSTORE_CODEC_SNAPPY;
		expect_wrapper_failure(&inner, magic, "compressed message in a compressed message");

		append_messages(&inner, magic, 0, 3);
		inner.data[2 * message_size + LS_BATCH_MAGIC] = 2;
		expect_wrapper_failure(&inner, magic, "not of magic 0 or 1");

		/* Lengths: 13 and -1 never fit, 14 is too small for these, one more reaches past the end. */
		append_messages(&inner, magic, 0, 3);
		ls_store_be32s(inner.data + message_size + LS_BATCH_LENGTH, 13);
		expect_wrapper_failure(&inner, magic, "impossible length 13");

		append_messages(&inner, magic, 0, 3);
		ls_store_be32s(inner.data + message_size + LS_BATCH_LENGTH, -1);
		expect_wrapper_failure(&inner, magic, "impossible length -1");

		append_messages(&inner, magic, 0, 3);
		ls_store_be32s(inner.data + LS_BATCH_LENGTH, 14);
		expect_wrapper_failure(&inner, magic, magic == 1 ? "runs past" : "past");

		append_messages(&inner, magic, 0, 3);
		ls_store_be32s(inner.data + 2 * message_size + LS_BATCH_LENGTH,
		               (int32_t)(message_size - LS_BATCH_LOG_OVERHEAD + 1));
		expect_wrapper_failure(&inner, magic, "runs past the end of the compressed ones");

		/* A key length that leaves too little for the value. */
		append_messages(&inner, magic, 0, 3);
		ls_store_be32s(inner.data + 2 * message_size + ls_legacy_header_need(magic), INT32_MAX);
		expect_wrapper_failure(&inner, magic, "key runs past");

		/* Cut at every place. */
		for (size_t cut = 1; cut < message_size; cut++) {
			append_messages(&inner, magic, 0, 2);
			inner.size -= cut;
			expect_wrapper_failure(&inner, magic, cut > message_size - 12 ? "cut" : "runs past");
		}
	}
	ls_buf_fini(&inner);
}

/* An error in the messages says where in the decompressed bytes it is. */
Test(legacy, wrapper_error_position)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct model outer = {.offset = 100, .key_size = -1, .magic = 1, .attributes = LOGSTORE_CODEC_LZ4};
	struct logstore_error error;
	struct ls_buf inner;
	size_t size, count, message_size;
	uint8_t *bytes;

	ls_buf_init(&inner, &alloc.ls);
	append_messages(&inner, 1, 0, 3);
	message_size = inner.size / 3;
	ls_store_be32s(inner.data + 2 * message_size + LS_BATCH_LENGTH, 3);
	bytes = make_wrapper(&outer, &inner, &size);
	cr_assert_eq(read_all(reader, bytes, size, &count, &error), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_expect_eq(error.position, (int64_t)(2 * message_size + LS_BATCH_LENGTH));
	cr_expect_eq(error.offset, 100);
	/* All messages of magic 1 are looked at before the first record is given out. */
	cr_expect_eq(count, 0);
	free(bytes);
	ls_buf_fini(&inner);
	free_reader(&alloc, reader);
}

Test(legacy, wrapper_without_value)
{
	for (int magic = 0; magic <= 1; magic++) {
		struct model outer = {.key_size = -1, .value_size = -1, .magic = magic, .attributes = 1};
		size_t size;
		uint8_t *bytes = make_message(&outer, &size);

		expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, "null value");
		free(bytes);
		outer.value_size = 0;
		bytes = make_message(&outer, &size);
		expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, "gzip");
		free(bytes);
		outer.key_size = 0;
		bytes = make_message(&outer, &size);
		ls_store_be32s(bytes + ls_legacy_header_need(magic), 90);
		expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, "key runs past");
		free(bytes);
	}
}

/* zstd is younger than magic 1. */
Test(legacy, unknown_codec)
{
	for (int magic = 0; magic <= 1; magic++) {
		for (uint8_t codec = LOGSTORE_CODEC_ZSTD; codec <= 7; codec++) {
			struct model outer = {.key_size = -1, .value = "x", .value_size = 1, .magic = magic};
			size_t size;
			uint8_t *bytes;

			outer.attributes = codec;
			bytes = make_message(&outer, &size);
			expect_failure(bytes, size, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE, "unknown");
			free(bytes);
		}
	}
}

/* The wrapper's checksum covers the messages; their own are not looked at. */
Test(legacy, inner_checksum_is_ignored)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 0);
	struct model outer = {.offset = 2, .key_size = -1, .magic = 1, .attributes = LOGSTORE_CODEC_SNAPPY};
	struct ls_buf inner;
	size_t size;
	uint8_t *bytes;

	ls_buf_init(&inner, &alloc.ls);
	append_messages(&inner, 1, 0, 3);
	inner.data[LS_LEGACY_CRC] ^= 0xff;
	bytes = make_wrapper(&outer, &inner, &size);
	expect_records(reader, bytes, size, 0, 3, 0);
	free(bytes);
	ls_buf_fini(&inner);
	free_reader(&alloc, reader);
}

/* lz4 frames of magic 0 have a header checksum made over the wrong bytes; those of magic 1 do not. */
Test(legacy, lz4_header_checksum)
{
	for (int magic = 0; magic <= 1; magic++) {
		struct ts_alloc alloc;
		struct ls_record_reader *reader = new_reader(&alloc, 0);
		struct model outer = {
			.offset = 2, .key_size = -1, .magic = magic, .attributes = LOGSTORE_CODEC_LZ4};
		struct ls_buf inner;
		size_t size;
		uint8_t *bytes, *frame;

		ls_buf_init(&inner, &alloc.ls);
		append_messages(&inner, magic, 0, 3);
		bytes = make_wrapper(&outer, &inner, &size);
		frame = bytes + ls_legacy_header_need(magic) + 8;
		cr_assert_eq(frame[6], 0x82);
		frame[6] = 0x1a;
		if (magic == 0)
			expect_records(reader, bytes, size, 0, 3, -1);
		else
			expect_failure(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, "lz4");
		free(bytes);
		ls_buf_fini(&inner);
		free_reader(&alloc, reader);
	}
}

Test(legacy, cap)
{
	for (int magic = 0; magic <= 1; magic++) {
		for (size_t i = 0; i < 3; i++) {
			struct model outer = {.offset = 19, .key_size = -1, .magic = magic};
			struct ts_alloc alloc;
			struct ls_buf inner;
			size_t size, count;
			uint8_t *bytes;

			ts_alloc_init(&alloc);
			outer.attributes = (uint8_t)wrapper_codecs[i];
			ls_buf_init(&inner, &alloc.ls);
			append_messages(&inner, magic, 0, 20);
			bytes = make_wrapper(&outer, &inner, &size);
			for (uint64_t cap = inner.size - 3; cap <= inner.size + 1; cap++) {
				struct ts_alloc reader_alloc;
				struct ls_record_reader *reader = new_reader(&reader_alloc, cap);
				int r = read_all(reader, bytes, size, &count, NULL);

				cr_expect_eq(r, cap < inner.size ? LOGSTORE_E_LIMIT_EXCEEDED : 0,
				             "codec %d, cap %llu: %d", wrapper_codecs[i],
				             (unsigned long long)cap, r);
				free_reader(&reader_alloc, reader);
			}
			free(bytes);
			ls_buf_fini(&inner);
		}
	}
}

/* Reads with the n-th allocation failing. Returns false once none failed. */
static bool read_with_failure(const uint8_t *bytes, size_t size, long fail_at)
{
	struct ls_record_reader *reader = NULL;
	struct ts_alloc alloc;
	size_t count = 0;
	bool failed;
	int r;

	ts_alloc_init(&alloc);
	atomic_store(&alloc.fail_at, fail_at);
	r = ls_record_reader_new(&alloc.ls, 0, &reader);
	if (r == 0)
		r = read_all(reader, bytes, size, &count, NULL);
	failed = ts_alloc_failed(&alloc);
	cr_assert_eq(r, failed ? -ENOMEM : 0, "allocation %ld: %d", fail_at, r);
	if (failed && reader) {
		cr_assert_eq(read_all(reader, bytes, size, &count, NULL), 0);
		cr_expect_eq(count, 3);
	}
	free_reader(&alloc, reader);
	return failed;
}

Test(legacy, every_allocation_fails)
{
	uint8_t *value = calloc(1, 300000);

	for (int magic = 0; magic <= 1; magic++) {
		for (size_t i = 0; i < 3; i++) {
			struct model outer = {.offset = 2, .key_size = -1, .magic = magic};
			struct model large = {.offset = 2, .key_size = -1, .value = value,
			                      .value_size = 300000, .magic = magic};
			struct ts_alloc alloc;
			struct ls_buf inner;
			long fail_at = 1;
			size_t size;
			uint8_t *bytes;

			ts_alloc_init(&alloc);
			outer.attributes = (uint8_t)wrapper_codecs[i];
			ls_buf_init(&inner, &alloc.ls);
			append_messages(&inner, magic, 0, 2);
			append_message(&inner, &large);
			bytes = make_wrapper(&outer, &inner, &size);
			while (read_with_failure(bytes, size, fail_at))
				fail_at++;
			cr_expect_gt(fail_at, 4);
			free(bytes);
			ls_buf_fini(&inner);
		}
	}
	free(value);
}

/* Every bit of plain messages and wrappers: a known end, no byte read outside. */
Test(legacy, every_bit_flip)
{
	struct ts_alloc alloc;
	struct ls_record_reader *reader = new_reader(&alloc, 1 << 20);

	for (int magic = 0; magic <= 1; magic++) {
		for (int codec = 0; codec <= LOGSTORE_CODEC_LZ4; codec++) {
			struct model outer = {.offset = 2, .key = "key", .key_size = 3, .value = "value",
			                      .value_size = 5, .magic = magic};
			struct ls_buf inner;
			size_t size, count;
			uint8_t *bytes;

			outer.attributes = (uint8_t)codec;
			ls_buf_init(&inner, &alloc.ls);
			append_messages(&inner, magic, 0, 3);
			bytes = codec == 0 ? make_message(&outer, &size)
			                   : make_wrapper(&outer, &inner, &size);
			for (size_t bit = 0; bit < 8 * size; bit++) {
				uint8_t *copy = malloc(size);
				int r;

				memcpy(copy, bytes, size);
				copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
				r = read_all(reader, copy, size, &count, NULL);
				cr_assert(r == 0 || r == -ENODATA || r == LOGSTORE_E_CORRUPT_MESSAGE ||
				                  r == LOGSTORE_E_LIMIT_EXCEEDED ||
				                  r == LOGSTORE_E_UNSUPPORTED_FORMAT ||
				                  r == LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE,
				          "magic %d, codec %d, bit %zu: %d", magic, codec, bit, r);
				free(copy);
			}
			free(bytes);
			ls_buf_fini(&inner);
		}
	}
	free_reader(&alloc, reader);
}

/* ls_legacy_parse() by itself, with sizes that no batch of a right length can have. */
Test(legacy, parse_short)
{
	struct model model = {.key_size = -1, .value_size = -1};

	for (model.magic = 0; model.magic <= 1; model.magic++) {
		size_t size;
		uint8_t *bytes = make_message(&model, &size);

		for (size_t cut = 12; cut < size; cut++) {
			struct ls_legacy_message message = {.offset = 77};
			struct logstore_error error;
			uint8_t *copy = malloc(cut);

			memcpy(copy, bytes, cut);
			cr_expect_eq(ls_legacy_parse(copy, cut, 1000, &message, &error),
			             LOGSTORE_E_CORRUPT_MESSAGE);
			cr_expect_geq(error.position, 1000);
			cr_expect_leq(error.position, 1000 + (int64_t)size);
			cr_expect_eq(message.offset, 77);
			free(copy);
		}
		free(bytes);
	}
}
