/* Numbers, times, bytes and places on the command line. */
#ifndef TOOL_PARSE_H
#define TOOL_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal, nothing else around it. */
bool parse_int(const char *text, int64_t *ret_value);
/* Decimal with an optional K, M, G (powers of 1024). */
bool parse_size(const char *text, uint64_t *ret_bytes);
/*
 * Milliseconds since the epoch, or 2026-03-01[T12:00[:03[.120]]][Z|+01:00] (a space may stand for the T);
 * without a zone it is local time.
 */
bool parse_time(const char *text, int64_t *ret_ms);

/* Escapes \n \t \r \0 \\ \xHH. @ret_bytes has room for strlen(text). Returns false for a bad escape. */
bool parse_escapes(const char *text, char *ret_bytes, size_t *ret_size);

enum place_kind {
	PLACE_OFFSET,     /* a number */
	PLACE_BEFORE_END, /* -N: N records before the end */
	PLACE_TIME,       /* @TIME: the first record at or after it */
	PLACE_BEGINNING,
	PLACE_END,
};

/* Where to begin. */
struct place {
	enum place_kind kind;
	int64_t value; /* offset, distance or ms */
};

/* N, -N, @TIME, s@MS, beginning, end. */
bool parse_place(const char *text, struct place *ret_place);

#endif
