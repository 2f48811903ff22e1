/*
 * The reading side of record_out.c. Fields that are left out have their default; unknown fields are
 * ignored, so that more can be added; a field of the wrong type is an error.
 */
#include "json_record.h"

#include <limits.h>
#include <logstore/batch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

/* One line being parsed: the record, and where to say what is wrong. */
struct parser {
	struct json_record *out;
	bool base64;
	char *text;
	size_t text_size;
};

void json_record_init(struct json_record *record)
{
	memset(record, 0, sizeof *record);
}

void json_record_fini(struct json_record *record)
{
	json_decref(record->root);
	free(record->scratch);
	free(record->headers);
	memset(record, 0, sizeof *record);
}

static int refuse(const struct parser *parser, const char *name, const char *what)
{
	(void)snprintf(parser->text, parser->text_size, "\"%s\" %s", name, what);
	return -1;
}

/* A whole number within bounds; @ret_value keeps its default if there is none. */
static int take_int(const struct parser *parser, const char *name, int64_t least, int64_t most,
                    int64_t *ret_value)
{
	const json_t *value = json_object_get(parser->out->root, name);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > most)
		return refuse(parser, name, "is no number in its range");
	*ret_value = json_integer_value(value);
	return 0;
}

static int take_bool(const struct parser *parser, const char *name, bool *ret_value)
{
	const json_t *value = json_object_get(parser->out->root, name);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return refuse(parser, name, "is neither true nor false");
	*ret_value = json_is_true(value);
	return 0;
}

/* Base64 text into the scratch buffer, which has room for all text of the line. */
static int take_base64(const struct parser *parser, const char *name, const json_t *text,
                       const void **ret_bytes, int32_t *ret_size)
{
	struct json_record *out = parser->out;
	uint8_t *to = out->scratch + out->scratch_used;
	int64_t size;

	if (!json_is_string(text))
		return refuse(parser, name, "has a base64 form that is no string");
	size = get_base64(to, json_string_value(text), json_string_length(text));
	if (size < 0 || size > INT32_MAX)
		return refuse(parser, name, "is not base64");
	out->scratch_used += json_string_length(text) / 4 * 3; /* with what padding stands for */
	*ret_bytes = to;
	*ret_size = (int32_t)size;
	return 0;
}

/* A string, {"base64":"..."} or null. */
static int take_bytes(const struct parser *parser, const char *name, const json_t *value,
                      const void **ret_bytes, int32_t *ret_size)
{
	if (!value || json_is_null(value)) {
		*ret_bytes = NULL;
		*ret_size = -1;
		return 0;
	}
	if (json_is_object(value)) {
		const json_t *text = json_object_get(value, "base64");

		if (!text)
			return refuse(parser, name,
			              "is an object without \"base64\": the bytes are not there");
		return take_base64(parser, name, text, ret_bytes, ret_size);
	}
	if (!json_is_string(value))
		return refuse(parser, name, "is neither a string nor null");
	if (parser->base64)
		return take_base64(parser, name, value, ret_bytes, ret_size);
	if (json_string_length(value) > INT32_MAX)
		return refuse(parser, name, "is too long");
	*ret_bytes = json_string_value(value);
	*ret_size = (int32_t)json_string_length(value);
	return 0;
}

/* Names of headers are text also with --bytes base64. */
static int take_header_name(const struct parser *parser, const json_t *value, struct logstore_header *header)
{
	const struct parser as_text = {
		.out = parser->out, .text = parser->text, .text_size = parser->text_size};
	const void *bytes = NULL;

	if (!value || json_is_null(value))
		return refuse(parser, "headers", "has one without \"key\"");
	if (take_bytes(&as_text, "headers", value, &bytes, &header->key_size) < 0)
		return -1;
	header->key = bytes;
	return 0;
}

static int take_headers(const struct parser *parser)
{
	struct json_record *out = parser->out;
	const json_t *headers = json_object_get(out->root, "headers");
	size_t count = json_array_size(headers);

	if (headers && !json_is_array(headers))
		return refuse(parser, "headers", "is no array");
	if (count > out->header_room) {
		struct logstore_header *grown = reallocarray(out->headers, count, sizeof *grown);

		if (!grown)
			return -2;
		out->headers = grown;
		out->header_room = count;
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *header = json_array_get(headers, i);
		struct logstore_header *to = &out->headers[i];

		if (!json_is_object(header))
			return refuse(parser, "headers", "has an element that is no object");
		if (take_header_name(parser, json_object_get(header, "key"), to) < 0 ||
		    take_bytes(parser, "headers", json_object_get(header, "value"), &to->value,
		               &to->value_size) < 0)
			return -1;
	}
	out->record.headers = out->headers;
	out->record.header_count = (uint32_t)count;
	return 0;
}

static int take_codec(const struct parser *parser)
{
	const json_t *value = json_object_get(parser->out->root, "codec");

	if (!value)
		return 0;
	for (int codec = 0; json_is_string(value) && logstore_codec_name(codec); codec++) {
		if (strcmp(json_string_value(value), logstore_codec_name(codec)) == 0) {
			parser->out->batch.codec = (uint8_t)codec;
			return 0;
		}
	}
	return refuse(parser, "codec", "is none of none, gzip, snappy, lz4, zstd");
}

static int take_timestamp_type(const struct parser *parser)
{
	const json_t *value = json_object_get(parser->out->root, "timestamp_type");
	const char *name = json_string_value(value);

	if (!value)
		return 0;
	if (name && strcmp(name, "LogAppendTime") == 0)
		parser->out->batch.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
	else if (!name || (strcmp(name, "CreateTime") != 0 && strcmp(name, "NoTimestampType") != 0))
		return refuse(parser, "timestamp_type",
		              "is none of CreateTime, LogAppendTime, NoTimestampType");
	return 0;
}

static int take_batch(const struct parser *parser)
{
	struct json_batch *batch = &parser->out->batch;
	int64_t producer_epoch = LOGSTORE_NO_EPOCH;
	int64_t leader_epoch = LOGSTORE_NO_EPOCH;

	batch->base_offset = LOGSTORE_NO_OFFSET;
	batch->producer_id = LOGSTORE_NO_PRODUCER_ID;
	if (take_int(parser, "batch_base_offset", 0, INT64_MAX, &batch->base_offset) < 0 ||
	    take_int(parser, "producer_id", INT64_MIN, INT64_MAX, &batch->producer_id) < 0 ||
	    take_int(parser, "producer_epoch", INT16_MIN, INT16_MAX, &producer_epoch) < 0 ||
	    take_int(parser, "leader_epoch", INT32_MIN, INT32_MAX, &leader_epoch) < 0 ||
	    take_bool(parser, "is_transactional", &batch->transactional) < 0 ||
	    take_bool(parser, "is_control", &batch->control) < 0 || take_codec(parser) < 0 ||
	    take_timestamp_type(parser) < 0)
		return -1;
	batch->producer_epoch = (int16_t)producer_epoch;
	batch->leader_epoch = (int32_t)leader_epoch;
	return 0;
}

static int take_record(const struct parser *parser)
{
	struct json_record *out = parser->out;
	struct logstore_record *record = &out->record;
	const json_t *key = json_object_get(out->root, "key");
	const json_t *value = json_object_get(out->root, "value");
	int64_t sequence = LOGSTORE_NO_SEQUENCE;

	if (!key && !value)
		return refuse(parser, "value", "is missing, and so is \"key\"");
	record->offset = LOGSTORE_NO_OFFSET;
	record->timestamp = LOGSTORE_NO_TIMESTAMP;
	if (take_int(parser, "offset", 0, INT64_MAX, &record->offset) < 0 ||
	    take_int(parser, "timestamp", INT64_MIN, INT64_MAX, &record->timestamp) < 0 ||
	    take_int(parser, "sequence", -1, INT32_MAX, &sequence) < 0 ||
	    take_bytes(parser, "key", key, &record->key, &record->key_size) < 0 ||
	    take_bytes(parser, "value", value, &record->value, &record->value_size) < 0)
		return -1;
	record->sequence = (int32_t)sequence;
	return take_headers(parser);
}

static int reserve_scratch(struct json_record *record, size_t size)
{
	uint8_t *grown;

	record->scratch_used = 0;
	if (record->scratch_size >= size)
		return 0;
	grown = realloc(record->scratch, size);
	if (!grown)
		return -2;
	record->scratch = grown;
	record->scratch_size = size;
	return 0;
}

int json_record_parse(struct json_record *record, const char *line, size_t size, bool base64, char *ret_text,
                      size_t text_size)
{
	struct parser parser = {.out = record, .base64 = base64, .text = ret_text, .text_size = text_size};
	json_error_t error;
	int r;

	json_decref(record->root);
	record->root = json_loadb(line, size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	memset(&record->record, 0, sizeof record->record);
	memset(&record->batch, 0, sizeof record->batch);
	record->damaged = false;
	if (!record->root) {
		(void)snprintf(ret_text, text_size, "no JSON object: %s at character %d", error.text,
		               error.position);
		return -1;
	}
	if (!json_is_object(record->root)) {
		(void)snprintf(ret_text, text_size, "no JSON object");
		return -1;
	}
	if (json_object_get(record->root, "error")) {
		record->damaged = true;
		return 0;
	}
	/* Base64 text is part of the line and its bytes are fewer. */
	r = reserve_scratch(record, size);
	if (r == 0)
		r = take_batch(&parser);
	return r < 0 ? r : take_record(&parser);
}
