/*
 * Numbers and bytes as text, without printf: what the hot paths of dump and read are made of. The put_*
 * functions write at @to, add no terminator and return the end.
 */
#ifndef TOOL_ENCODE_H
#define TOOL_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Most characters of a 64-bit number, sign included. */
#define ENCODE_INT_MAX 20

char *put_uint(char *to, uint64_t value);
char *put_int(char *to, int64_t value);
/* Exactly 8 digits, lower case. */
char *put_hex32(char *to, uint32_t value);

/* Inline, so that constants are copied without looking for their end. */
static inline char *put_text(char *to, const char *text)
{
	size_t size = strlen(text);

	memcpy(to, text, size);
	return to + size;
}

/* Characters of the base64 form of @size bytes. */
static inline size_t base64_size(size_t size)
{
	return (size / 3 + (size % 3 != 0)) * 4;
}
char *put_base64(char *to, const uint8_t *bytes, size_t size);

/*
 * Decodes @size characters with padding into @to (3 bytes per 4 characters). Returns the bytes, or -1 if
 * it is not base64.
 */
int64_t get_base64(uint8_t *to, const char *text, size_t size);

/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const uint8_t *bytes, size_t size);

/* Length of the valid UTF-8 sequence at @bytes (1 to 4), or 0. @size is 1 or more. */
size_t utf8_sequence(const uint8_t *bytes, size_t size);

/* The inside of a JSON string: valid UTF-8 of @size bytes at @to, which has room for 6 times as much. */
#define ENCODE_JSON_GROWTH 6
char *put_json_escaped(char *to, const uint8_t *bytes, size_t size);

/*
 * Copies a run of up to @size bytes of printable ASCII to @to, which has room for @size bytes. Returns the
 * length of the run. Bytes of @to behind the run may be overwritten.
 */
size_t put_ascii_run(char *to, const uint8_t *bytes, size_t size);

#endif
