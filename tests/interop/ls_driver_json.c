/*
 * JSON of ls_driver: fields with defaults, bytes as base64, the answer to a job that failed.
 */
#include "ls_driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void *must_alloc(size_t size)
{
	void *memory = calloc(1, size > 0 ? size : 1);

	if (!memory)
		abort();
	return memory;
}

char *must_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

json_t *must(json_t *value)
{
	if (!value)
		abort();
	return value;
}

bool has_field(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value && !json_is_null(value);
}

int64_t field_int(const json_t *object, const char *name, int64_t otherwise)
{
	return has_field(object, name) ? json_integer_value(json_object_get(object, name)) : otherwise;
}

bool field_bool(const json_t *object, const char *name, bool otherwise)
{
	return has_field(object, name) ? json_is_true(json_object_get(object, name)) : otherwise;
}

const char *field_text(const json_t *object, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : otherwise;
}

/* Decodes padded base64; false if it is none. `ret_data` has room for 3 bytes per 4 digits. */
static bool base64_decode(const char *text, size_t length, uint8_t *ret_data, size_t *ret_size)
{
	uint32_t bits = 0;
	size_t size = 0;
	unsigned int count = 0;

	if (length % 4 != 0)
		return false;
	while (length > 0 && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++) {
		const char *digit = text[i] ? strchr(base64_digits, text[i]) : NULL;

		if (!digit)
			return false;
		bits = (bits << 6) | (uint32_t)(digit - base64_digits);
		count += 6;
		if (count >= 8) {
			count -= 8;
			ret_data[size++] = (uint8_t)(bits >> count);
		}
	}
	*ret_size = size;
	return true;
}

bool field_bytes(const json_t *object, const char *name, struct bytes *ret_bytes)
{
	char text_name[64];
	const json_t *value = json_object_get(object, name);
	struct bytes bytes = {.size = -1};
	size_t length, size;

	(void)snprintf(text_name, sizeof(text_name), "%s_s", name);
	if (json_is_string(value)) {
		length = json_string_length(value);
		bytes.data = must_alloc(length / 4 * 3);
		if (!base64_decode(json_string_value(value), length, bytes.data, &size) || size > INT32_MAX) {
			free(bytes.data);
			return false;
		}
		bytes.size = (int32_t)size;
	} else if (has_field(object, text_name)) {
		value = json_object_get(object, text_name);
		length = json_string_length(value);
		bytes.data = must_alloc(length);
		if (length > 0)
			memcpy(bytes.data, json_string_value(value), length);
		bytes.size = (int32_t)length;
	}
	*ret_bytes = bytes;
	return true;
}

void put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, must(value)) < 0)
		abort();
}

void put_int(json_t *object, const char *name, int64_t value)
{
	put(object, name, json_integer(value));
}

void put_int_or_null(json_t *object, const char *name, int64_t value, int64_t null_value)
{
	put(object, name, value == null_value ? json_null() : json_integer(value));
}

void put_bool(json_t *object, const char *name, bool value)
{
	put(object, name, json_boolean(value));
}

void put_text(json_t *object, const char *name, const char *value)
{
	put(object, name, value ? json_string(value) : json_null());
}

void put_bytes(json_t *object, const char *name, const void *data, int64_t size)
{
	const uint8_t *p = data;
	size_t left, length = 0;
	char *text;

	if (size < 0) {
		put(object, name, json_null());
		return;
	}
	left = (size_t)size;
	text = must_alloc((left + 2) / 3 * 4);
	while (left > 0) {
		uint32_t bits = (uint32_t)p[0] << 16;

		if (left > 1)
			bits |= (uint32_t)p[1] << 8;
		if (left > 2)
			bits |= p[2];
		text[length++] = base64_digits[bits >> 18];
		text[length++] = base64_digits[(bits >> 12) & 63];
		text[length++] = left > 1 ? base64_digits[(bits >> 6) & 63] : '=';
		text[length++] = left > 2 ? base64_digits[bits & 63] : '=';
		p += left > 2 ? 3 : left;
		left -= left > 2 ? 3 : left;
	}
	put(object, name, json_stringn(text, length));
	free(text);
}

void push(json_t *array, json_t *value)
{
	if (json_array_append_new(array, must(value)) < 0)
		abort();
}

json_t *int_pair(int64_t first, int64_t second)
{
	json_t *pair = must(json_array());

	push(pair, json_integer(first));
	push(pair, json_integer(second));
	return pair;
}

void fail(json_t *answer, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(answer, "failed", text);
}

void fail_error(json_t *answer, const char *what, int code, const struct logstore_error *error)
{
	fail(answer, "%s: %s: %s (path \"%s\", position %lld, offset %lld)", what, logstore_error_name(code),
	     error->text[0] ? error->text : logstore_strerror(code), error->path, (long long)error->position,
	     (long long)error->offset);
}
