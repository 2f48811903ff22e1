/*
 * Numbers and lines of Kafka's text files, names and settings, read as the Java library reads them:
 * Integer.parseInt, Long.parseLong and BufferedReader.readLine. Digits are ASCII digits. Everything works
 * on counted bytes, never reads past them and allocates nothing.
 */
#ifndef LS_FORMAT_JAVA_TEXT_H
#define LS_FORMAT_JAVA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A sign, then one digit or more, and nothing else. Returns whether it is such a number within int64. */
static inline bool ls_java_long(const char *text, size_t size, int64_t *ret_value)
{
	size_t i = size > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
	bool negative = i == 1 && text[0] == '-';
	int64_t value = 0;

	if (i == size)
		return false;
	for (; i < size; i++) {
		int digit = text[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		/* Counted downwards, since -2^63 has no positive counterpart. */
		if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
		    __builtin_sub_overflow(value, (int64_t)digit, &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*ret_value = negative ? value : -value;
	return true;
}

static inline bool ls_java_int(const char *text, size_t size, int32_t *ret_value)
{
	int64_t value;

	if (!ls_java_long(text, size, &value) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*ret_value = (int32_t)value;
	return true;
}

/* What "\s" matches in a regular expression. */
static inline bool ls_java_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What String.trim() takes off: everything up to and including the blank, control characters too. */
static inline void ls_java_trim(const char **text, size_t *size)
{
	while (*size > 0 && (unsigned char)(*text)[0] <= ' ') {
		(*text)++;
		(*size)--;
	}
	while (*size > 0 && (unsigned char)(*text)[*size - 1] <= ' ')
		(*size)--;
}

/*
 * The next line from *position on, without its end, which is LF, CR, CR LF or the end of the text. Returns
 * false once nothing is left; a final line end does not begin another, empty line.
 */
static inline bool ls_java_line(const char *text, size_t size, size_t *position, const char **ret_line,
                                size_t *ret_size)
{
	size_t begin = *position, end = begin;

	if (begin >= size)
		return false;
	while (end < size && text[end] != '\n' && text[end] != '\r')
		end++;
	*ret_line = text + begin;
	*ret_size = end - begin;
	if (end < size && text[end] == '\r' && end + 1 < size && text[end + 1] == '\n')
		end++;
	*position = end < size ? end + 1 : size;
	return true;
}

#endif
