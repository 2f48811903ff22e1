/*
 * Batches: header, checksum, records, control records, building.
 *
 * The first byte of the input says what is made of the rest: its low 2 bits are the mode, the next 2 the
 * codec of MODE_PACK.
 *
 * MODE_AS_IS  the rest is the batch
 * MODE_SEAL   the length field and the checksum are made right first, so that mutations reach the records
 * MODE_PACK   what follows the header is compressed first, then as MODE_SEAL: mutations reach the records
 *             behind the codec; for magic 0 and 1 the rest are the messages inside a wrapper
 *
 * Every outcome must be a typed error or records that lie in memory; an error must come again. A batch of
 * magic 2 whose records can be built anew must then yield the same records.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "format/batch.h"
#include "format/batch_builder.h"
#include "format/codec.h"
#include "format/control.h"
#include "format/legacy.h"
#include "format/record_reader.h"

#define CAP (UINT64_C(1) << 20)

enum mode {
	MODE_AS_IS,
	MODE_SEAL,
	MODE_PACK,
	MODE_COUNT,
};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Keeps the reads of record bytes alive. */
static volatile uint8_t sink;

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "batch: %s\n", what);
	abort();
}

static bool typed_error(int r)
{
	return r == LOGSTORE_E_CORRUPT_MESSAGE || r == LOGSTORE_E_LIMIT_EXCEEDED || r == -ENODATA ||
	       r == LOGSTORE_E_UNSUPPORTED_FORMAT || r == LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE;
}

static void touch(const void *bytes, int32_t size)
{
	const uint8_t *p = bytes;

	require((bytes == NULL) == (size < 0) && size >= -1, "null and size do not agree");
	for (int32_t i = 0; i < size; i++)
		sink ^= p[i];
}

static void touch_record(const struct logstore_record *record)
{
	touch(record->key, record->key_size);
	touch(record->value, record->value_size);
	for (uint32_t i = 0; i < record->header_count; i++) {
		require(record->headers[i].key_size >= 0, "header without key");
		touch(record->headers[i].key, record->headers[i].key_size);
		touch(record->headers[i].value, record->headers[i].value_size);
	}
}

static bool same_bytes(const void *a, int32_t a_size, const void *b, int32_t b_size)
{
	return a_size == b_size && (a == NULL) == (b == NULL) &&
	       (a_size <= 0 || memcmp(a, b, (size_t)a_size) == 0);
}

static bool same_record(const struct logstore_record *a, const struct logstore_record *b)
{
	if (a->offset != b->offset || a->timestamp != b->timestamp || a->header_count != b->header_count ||
	    !same_bytes(a->key, a->key_size, b->key, b->key_size) ||
	    !same_bytes(a->value, a->value_size, b->value, b->value_size))
		return false;
	for (uint32_t i = 0; i < a->header_count; i++) {
		const struct logstore_header *x = &a->headers[i], *y = &b->headers[i];

		if (!same_bytes(x->key, x->key_size, y->key, y->key_size) ||
		    !same_bytes(x->value, x->value_size, y->value, y->value_size))
			return false;
	}
	return true;
}

/* Walks all records. Returns 0, or how it failed, and their number. */
static int walk(struct ls_record_reader *reader, const uint8_t *bytes, size_t size, size_t *ret_count)
{
	struct logstore_error error = {0}, again = {0};
	struct logstore_record record;
	struct logstore_control control;
	size_t count = 0;
	int r = ls_record_reader_start(reader, bytes, size, &error);

	if (r == 0) {
		while ((r = ls_record_reader_next(reader, &record, &error)) > 0) {
			touch_record(&record);
			(void)ls_control_parse(&record, &control, NULL); /* any outcome is fine */
			count++;
		}
	}
	require(r == 0 || typed_error(r), "untyped error");
	require(r == error.code, "error without detail");
	require(ls_record_reader_next(reader, &record, &again) == r, "another outcome the second time");
	require(memcmp(&error, &again, sizeof error) == 0, "another detail the second time");
	*ret_count = count;
	return r;
}

/* Builds a batch of the same records without compression. Returns whether the builder takes them. */
static bool rebuild(struct ls_record_reader *reader, struct ls_batch_builder *builder, const uint8_t *bytes,
                    size_t size, const uint8_t **ret_built, size_t *ret_built_size)
{
	struct logstore_batch_options options = {.level = LOGSTORE_LEVEL_DEFAULT};
	struct logstore_record record;
	int r;

	require(ls_record_reader_start(reader, bytes, size, NULL) == 0, "no second start");
	options.base_offset = ls_record_reader_batch(reader)->base_offset;
	options.base_sequence = LOGSTORE_NO_SEQUENCE;
	require(ls_batch_builder_start(builder, &options, NULL) == 0, "no start of the builder");
	while ((r = ls_record_reader_next(reader, &record, NULL)) > 0) {
		/* Offsets on disk need not ascend, those of a new batch have to. */
		r = ls_batch_builder_add(builder, &record, true, NULL);
		if (r == LOGSTORE_E_INVALID_RECORD)
			return false;
		require(r == 0, "record is refused");
	}
	require(r == 0, "other records the second time");
	r = ls_batch_builder_finish(builder, ret_built, ret_built_size, NULL);
	require(r == 0 || r == LOGSTORE_E_INVALID_RECORD, "finish");
	return r == 0;
}

static void compare(struct ls_record_reader *reader, const uint8_t *bytes, size_t size,
                    struct ls_record_reader *built_reader, const uint8_t *built, size_t built_size)
{
	struct logstore_record record, built_record;
	int r;

	require(ls_batch_check(built, built_size, NULL) == 0, "built batch fails its check");
	require(ls_record_reader_start(reader, bytes, size, NULL) == 0, "no third start");
	require(ls_record_reader_start(built_reader, built, built_size, NULL) == 0,
	        "no start of the built batch");
	while ((r = ls_record_reader_next(reader, &record, NULL)) > 0) {
		require(ls_record_reader_next(built_reader, &built_record, NULL) == 1,
		        "built batch has fewer records");
		require(same_record(&record, &built_record), "built batch has other records");
	}
	require(r == 0 && ls_record_reader_next(built_reader, &built_record, NULL) == 0,
	        "built batch has more records");
}

static void examine(const struct ls_env *env, const uint8_t *bytes, size_t size)
{
	struct ls_record_reader *reader, *built_reader;
	struct ls_batch_builder *builder;
	struct logstore_batch_info info;
	const uint8_t *built;
	size_t count, built_size;
	int r, checked;

	r = ls_batch_info(bytes, size, &info, NULL);
	require(r == 0 || typed_error(r), "untyped error of the header");
	require(r < 0 || info.magic < 2 || info.last_offset >= info.base_offset, "offsets of the header");
	checked = ls_batch_check(bytes, size, NULL);
	require(checked == 0 || typed_error(checked), "untyped error of the check");
	require(r == 0 || checked == r, "the check passes what the header does not");

	require(ls_record_reader_new(env, CAP, &reader) == 0, "no reader");
	require(ls_record_reader_new(env, CAP, &built_reader) == 0, "no second reader");
	require(ls_batch_builder_new(env, &builder) == 0, "no builder");
	if (walk(reader, bytes, size, &count) == 0 && count > 0 &&
	    rebuild(reader, builder, bytes, size, &built, &built_size))
		compare(reader, bytes, size, built_reader, built, built_size);
	(void)ls_batch_builder_free(builder);      /* always NULL */
	(void)ls_record_reader_free(built_reader); /* always NULL */
	(void)ls_record_reader_free(reader);       /* always NULL */
}

/* Makes length and checksum right. Leaves alone what is too short for them. */
static void seal(uint8_t *bytes, size_t size)
{
	uint32_t batch_size;
	size_t crc_at;

	if (size < LS_BATCH_PREFIX_SIZE)
		return;
	ls_store_be32(bytes + LS_BATCH_LENGTH, (uint32_t)(size - LS_BATCH_LOG_OVERHEAD));
	if (ls_batch_size(bytes, &batch_size, NULL) < 0)
		return;
	crc_at = bytes[LS_BATCH_MAGIC] < 2 ? LS_LEGACY_CRC : LS_BATCH_CRC;
	ls_store_be32(bytes + crc_at, ls_batch_compute_crc(bytes, size));
}

static void compress(const struct ls_env *env, int codec, const uint8_t *bytes, size_t size,
                     struct ls_buf *out)
{
	struct ls_encoder *encoder;

	require(ls_encoder_new(env, codec, &encoder) == 0, "no encoder");
	require(ls_encoder_start(encoder, LOGSTORE_LEVEL_DEFAULT, out) == 0, "no start of the encoder");
	require(ls_encoder_write(encoder, bytes, size) == 0, "write");
	require(ls_encoder_finish(encoder) == 0, "finish of the encoder");
	(void)ls_encoder_free(encoder); /* always NULL */
}

/* A copy of the header, then everything behind it compressed. */
static void pack(const struct ls_env *env, int codec, const uint8_t *bytes, size_t size, struct ls_buf *out)
{
	int magic = (int8_t)bytes[LS_BATCH_MAGIC];
	size_t header = ls_batch_header_need(magic);
	size_t attributes = magic < 2 ? LS_LEGACY_ATTRIBUTES : LS_BATCH_ATTRIBUTES + 1;

	if (size < header) {
		require(ls_buf_append(out, bytes, size) == 0, "memory");
		return;
	}
	require(ls_buf_append(out, bytes, header) == 0, "memory");
	if (header > attributes)
		out->data[attributes] = (uint8_t)((out->data[attributes] & ~LS_ATTR_CODEC) | (unsigned)codec);
	if (magic == 0 || magic == 1) {
		size_t value_size_at = out->size + 4;

		require(ls_buf_append(out, "\xff\xff\xff\xff\0\0\0\0", 8) == 0, "memory"); /* null key */
		compress(env, codec, bytes + header, size - header, out);
		ls_store_be32(out->data + value_size_at, (uint32_t)(out->size - value_size_at - 4));
		return;
	}
	compress(env, codec, bytes + header, size - header, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct ls_buf batch;
	struct ls_env env;
	unsigned mode;
	uint8_t *exact;

	if (size == 0)
		return 0;
	ls_env_resolve(NULL, &env);
	ls_buf_init(&batch, &env);
	mode = (input[0] & 3u) % MODE_COUNT;
	if (mode == MODE_PACK && size > LS_BATCH_PREFIX_SIZE)
		pack(&env, 1 + (input[0] >> 2 & 3), input + 1, size - 1, &batch);
	else
		require(ls_buf_append(&batch, input + 1, size - 1) == 0, "memory");
	/* A block of just its size shows a sanitizer reads behind the end. */
	exact = malloc(batch.size ? batch.size : 1);
	require(exact != NULL, "memory");
	if (batch.size > 0)
		memcpy(exact, batch.data, batch.size);
	if (mode != MODE_AS_IS)
		seal(exact, batch.size);
	examine(&env, exact, batch.size);
	free(exact);
	ls_buf_fini(&batch);
	return 0;
}
