/*
 * Text forms of numbers and bytes. Words of 8 bytes are looked at in one go: the usual tricks that mark
 * the bytes of a word which are zero or below a bound; the lowest mark is exact, which is all that is used.
 */
#include "encode.h"

#include <endian.h>
#include <string.h>

/* One byte each, eight times. */
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
				  "2021222324252627282930313233343536373839"
				  "4041424344454647484950515253545556575859"
				  "6061626364656667686970717273747576777879"
				  "8081828384858687888990919293949596979899";

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *put_uint(char *to, uint64_t value)
{
	char digits[ENCODE_INT_MAX];
	size_t at = sizeof digits;
	size_t size;

	while (value >= 100) {
		at -= 2;
		memcpy(digits + at, digit_pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(digits + at, digit_pairs + 2 * value, 2);
	} else {
		digits[--at] = (char)('0' + (char)value);
	}
	size = sizeof digits - at;
	memcpy(to, digits + at, size);
	return to + size;
}

char *put_int(char *to, int64_t value)
{
	if (value >= 0)
		return put_uint(to, (uint64_t)value);
	*to++ = '-';
	return put_uint(to, UINT64_C(0) - (uint64_t)value);
}

char *put_hex32(char *to, uint32_t value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[value >> shift & 15];
	return to;
}

char *put_base64(char *to, const uint8_t *bytes, size_t size)
{
	uint32_t bits;

	for (; size >= 3; size -= 3, bytes += 3, to += 4) {
		bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
		to[0] = base64_alphabet[bits >> 18];
		to[1] = base64_alphabet[bits >> 12 & 63];
		to[2] = base64_alphabet[bits >> 6 & 63];
		to[3] = base64_alphabet[bits & 63];
	}
	if (size == 0)
		return to;
	bits = (uint32_t)bytes[0] << 16 | (size == 2 ? (uint32_t)bytes[1] << 8 : 0);
	to[0] = base64_alphabet[bits >> 18];
	to[1] = base64_alphabet[bits >> 12 & 63];
	to[2] = size == 2 ? base64_alphabet[bits >> 6 & 63] : '=';
	to[3] = '=';
	return to + 4;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int64_t get_base64(uint8_t *to, const char *text, size_t size)
{
	uint8_t *begin = to;
	size_t padding = 0;

	if (size % 4 != 0)
		return -1;
	while (padding < 2 && size > padding && text[size - 1 - padding] == '=')
		padding++;
	for (size_t at = 0; at < size; at += 4) {
		uint32_t bits = 0;

		for (size_t i = at; i < at + 4; i++) {
			int digit = i < size - padding ? base64_digit(text[i]) : 0;

			if (digit < 0)
				return -1;
			bits = bits << 6 | (uint32_t)digit;
		}
		*to++ = (uint8_t)(bits >> 16);
		*to++ = (uint8_t)(bits >> 8);
		*to++ = (uint8_t)bits;
	}
	return to - begin - (int64_t)padding;
}

static uint64_t load_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof word);
	return le64toh(word);
}

size_t utf8_sequence(const uint8_t *bytes, size_t size)
{
	uint8_t lead = bytes[0];
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	size_t length;

	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (length > size)
		return 0;
	/* The second byte rules out overlong forms, surrogates and what is above U+10FFFF. */
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

bool utf8_valid(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t length;

		if (size - at >= 16 && ((load_word(bytes + at) | load_word(bytes + at + 8)) & TOPS) == 0) {
			at += 16;
			continue;
		}
		length = utf8_sequence(bytes + at, size - at);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

/* Marks the bytes of a word that a JSON string cannot hold: below 0x20, quote, backslash. */
static uint64_t marks_json(uint64_t word)
{
	uint64_t quote = word ^ ONES * '"';
	uint64_t backslash = word ^ ONES * '\\';

	return (((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) |
	        ((backslash - ONES) & ~backslash)) &
	       TOPS;
}

/* Marks the bytes of a word outside 0x20 to 0x7e. */
static uint64_t marks_ascii(uint64_t word)
{
	uint64_t del = word ^ ONES * 0x7f;

	return (((word - ONES * 0x20) & ~word) | ((del - ONES) & ~del) | word) & TOPS;
}

static char *put_json_escape(char *to, uint8_t c)
{
	static const char shorts[] = "btnvfr"; /* \b is 8, \v (11) has no short form in JSON */

	*to++ = '\\';
	if (c == '"' || c == '\\') {
		*to++ = (char)c;
	} else if (c >= 8 && c <= 13 && c != 11) {
		*to++ = shorts[c - 8];
	} else {
		memcpy(to, "u00", 3);
		to[3] = "0123456789abcdef"[c >> 4];
		to[4] = "0123456789abcdef"[c & 15];
		to += 5;
	}
	return to;
}

char *put_json_escaped(char *to, const uint8_t *bytes, size_t size)
{
	const uint8_t *end = bytes + size;

	/* Quotes stand close together in JSON inside JSON: two words at once save a branch per run. */
	while (end - bytes >= 16) {
		uint64_t low = marks_json(load_word(bytes));
		uint64_t high = marks_json(load_word(bytes + 8));
		size_t run;

		memcpy(to, bytes, 16); /* what is behind the run is overwritten next */
		if ((low | high) == 0) {
			to += 16;
			bytes += 16;
			continue;
		}
		run = (size_t)__builtin_ctzll(low ? low : high) / 8 + (low ? 0 : 8);
		to = put_json_escape(to + run, bytes[run]);
		bytes += run + 1;
	}
	for (; bytes < end; bytes++) {
		if (*bytes >= 0x20 && *bytes != '"' && *bytes != '\\')
			*to++ = (char)*bytes;
		else
			to = put_json_escape(to, *bytes);
	}
	return to;
}

size_t put_ascii_run(char *to, const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (size - at >= 8) {
		uint64_t marks = marks_ascii(load_word(bytes + at));

		memcpy(to + at, bytes + at, 8);
		if (marks != 0)
			return at + (size_t)__builtin_ctzll(marks) / 8;
		at += 8;
	}
	while (at < size && bytes[at] >= 0x20 && bytes[at] < 0x7f) {
		to[at] = (char)bytes[at];
		at++;
	}
	return at;
}
