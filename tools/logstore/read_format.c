/*
 * Printing records by a format. A compiled format is a list of pieces: 'L' and a length in 4 bytes before
 * literal text, or the letter of a token.
 */
#include "read_format.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "parse.h"
#include "report.h"

#define LITERAL 'L'

static const char tokens[] = "okKsSTtphR";

static void add_token(struct read_format *format, char token)
{
	format->text[format->size++] = token;
}

static void add_literal(struct read_format *format, const char *bytes, size_t size)
{
	uint32_t length = (uint32_t)size;

	if (size == 0)
		return;
	format->text[format->size++] = LITERAL;
	memcpy(format->text + format->size, &length, sizeof length);
	memcpy(format->text + format->size + sizeof length, bytes, size);
	format->size += sizeof length + size;
}

/* Room for a format of @size bytes: each byte can become a literal of its own. */
static int allocate(struct read_format *format, size_t size)
{
	*format = (struct read_format){.text = calloc(size + 1, 2 + sizeof(uint32_t))};
	return format->text ? 0 : report_message(EXIT_STATUS_OPERATIONAL, "no memory");
}

/* The literal text from @begin to @end, with its escapes taken out. */
static bool add_escaped(struct read_format *format, const char *begin, const char *end)
{
	char *copy = strndup(begin, (size_t)(end - begin));
	size_t size = 0;
	bool ok = copy && parse_escapes(copy, copy, &size);

	if (ok)
		add_literal(format, copy, size);
	free(copy);
	return ok;
}

static int refuse(struct read_format *format, const char *text, const char *what)
{
	read_format_fini(format);
	return report_usage("read: --format: \"%s\": %s", text, what);
}

int read_format_init(struct read_format *format, const char *text)
{
	const char *at = text;
	int status = allocate(format, strlen(text));

	if (status != 0)
		return status;
	while (*at != '\0') {
		const char *percent = strchrnul(at, '%');

		if (!add_escaped(format, at, percent))
			return refuse(format, text, "a backslash stands before none of n, t, r, 0, \\, xHH");
		if (*percent == '\0')
			break;
		if (percent[1] == '%')
			add_literal(format, "%", 1);
		else if (percent[1] != '\0' && strchr(tokens, percent[1]))
			add_token(format, percent[1]);
		else
			return refuse(format, text,
			              "% stands before none of o, k, s, K, S, T, t, p, h, R, %");
		at = percent + 2;
	}
	return 0;
}

int read_format_init_lines(struct read_format *format, const char *key_delimiter, const char *delimiter)
{
	const char *key_end = key_delimiter ? key_delimiter : "";
	int status = allocate(format, strlen(key_end) + strlen(delimiter) + 2);

	if (status != 0)
		return status;
	if (key_delimiter) {
		add_token(format, 'k');
		if (!add_escaped(format, key_end, key_end + strlen(key_end)))
			return refuse(format, key_end,
			              "a backslash stands before none of n, t, r, 0, \\, xHH");
	}
	add_token(format, 's');
	if (!add_escaped(format, delimiter, delimiter + strlen(delimiter)))
		return refuse(format, delimiter, "a backslash stands before none of n, t, r, 0, \\, xHH");
	return 0;
}

void read_format_fini(struct read_format *format)
{
	free(format->text);
	format->text = NULL;
}

static void print_bytes(struct out *out, const void *bytes, int32_t size)
{
	if (size > 0)
		out_bytes(out, bytes, (size_t)size);
}

static void print_headers(struct out *out, const struct logstore_record *record)
{
	for (uint32_t i = 0; i < record->header_count; i++) {
		const struct logstore_header *header = &record->headers[i];

		if (i > 0)
			out_char(out, ',');
		print_bytes(out, header->key, header->key_size);
		out_char(out, '=');
		if (header->value_size < 0)
			out_text(out, "NULL");
		else
			print_bytes(out, header->value, header->value_size);
	}
}

static void print_token(const struct read_format *format, char token, struct out *out,
                        const struct logstore_record *record)
{
	uint32_t size;

	switch (token) {
	case 'o':
		out_int(out, record->offset);
		break;
	case 'k':
		print_bytes(out, record->key, record->key_size);
		break;
	case 's':
		print_bytes(out, record->value, record->value_size);
		break;
	case 'K':
		out_int(out, record->key_size);
		break;
	case 'S':
		out_int(out, record->value_size);
		break;
	case 'T':
		out_int(out, record->timestamp);
		break;
	case 't':
		out_text(out, format->topic);
		break;
	case 'p':
		out_int(out, format->partition);
		break;
	case 'h':
		print_headers(out, record);
		break;
	default: /* 'R' */
		size = htobe32((uint32_t)record->value_size);
		out_bytes(out, &size, sizeof size);
		break;
	}
}

void read_format_print(const struct read_format *format, struct out *out,
                       const struct logstore_record *record)
{
	size_t at = 0;

	while (at < format->size) {
		char piece = format->text[at++];
		uint32_t length;

		if (piece != LITERAL) {
			print_token(format, piece, out, record);
			continue;
		}
		memcpy(&length, format->text + at, sizeof length);
		out_bytes(out, format->text + at + sizeof length, length);
		at += sizeof length + length;
	}
}
