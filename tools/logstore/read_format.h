/*
 * Format strings of `logstore read -f`, with kcat's tokens:
 * %o offset, %k key, %s value, %K %S their sizes, %T timestamp in ms, %t topic, %p partition, %h headers
 * as name=value with commas, %R size of the value as 4 bytes, %% a percent sign.
 */
#ifndef TOOL_READ_FORMAT_H
#define TOOL_READ_FORMAT_H

#include <logstore/types.h>

#include "out.h"

struct read_format {
	char *text;  /* compiled, see read_format.c */
	size_t size; /* of text, in bytes */
	const char *topic;
	int32_t partition;
};

/* Compiles a format. Returns 0, or prints what is wrong and returns an exit status. */
int read_format_init(struct read_format *format, const char *text);

/* "KEY<key_delimiter>VALUE<delimiter>", or without the key if @key_delimiter is NULL. Both with escapes. */
int read_format_init_lines(struct read_format *format, const char *key_delimiter, const char *delimiter);

void read_format_fini(struct read_format *format);

void read_format_print(const struct read_format *format, struct out *out,
                       const struct logstore_record *record);

#endif
