/*
 * Buffered output. Invariants: used <= size; size >= 2 * OUT_RESERVE_MAX; after an error nothing is
 * written any more and the buffer is reused from its start, so that writers need no checks.
 */
#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "signals.h"

#define OUT_BUFFER_BYTES (256u * 1024)

int out_init(struct out *out, int fd)
{
	*out = (struct out){.fd = fd, .size = OUT_BUFFER_BYTES};
	out->buffer = malloc(out->size);
	return out->buffer ? 0 : -ENOMEM;
}

void out_init_memory(struct out *out, char *buffer, size_t size)
{
	*out = (struct out){.fd = -1, .size = size, .buffer = buffer};
}

void out_fini(struct out *out)
{
	free(out->buffer);
	out->buffer = NULL;
}

static void write_all(struct out *out, const char *bytes, size_t size)
{
	while (size > 0 && out->error == 0) {
		ssize_t written = write(out->fd, bytes, size);

		if (written >= 0) {
			bytes += written;
			size -= (size_t)written;
		} else if (errno != EINTR || signals_stop()) {
			/* A write that blocks when a signal asks to stop is given up. */
			out->error = errno;
		}
	}
}

int out_flush(struct out *out)
{
	write_all(out, out->buffer, out->used);
	out->used = 0;
	return -out->error;
}

char *out_reserve(struct out *out, size_t size)
{
	if (out->size - out->used < size)
		(void)out_flush(out); /* the error stays in out->error */
	return out->buffer + out->used;
}

void out_commit(struct out *out, const char *end)
{
	out->used = (size_t)(end - out->buffer);
}

void out_bytes(struct out *out, const void *bytes, size_t size)
{
	if (size > out->size - out->used) {
		(void)out_flush(out);
		if (size > out->size) {
			write_all(out, bytes, size);
			return;
		}
	}
	if (size > 0) {
		memcpy(out->buffer + out->used, bytes, size);
		out->used += size;
	}
}

void out_char(struct out *out, char c)
{
	*out_reserve(out, 1) = c;
	out->used++;
}

void out_spaces(struct out *out, size_t count)
{
	while (count > 0) {
		size_t part = count < 64 ? count : 64;

		memset(out_reserve(out, part), ' ', part);
		out->used += part;
		count -= part;
	}
}

void out_int(struct out *out, int64_t value)
{
	out_commit(out, put_int(out_reserve(out, ENCODE_INT_MAX), value));
}

void out_uint(struct out *out, uint64_t value)
{
	out_commit(out, put_uint(out_reserve(out, ENCODE_INT_MAX), value));
}

void out_format(struct out *out, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0) {
		out->error = out->error ? out->error : ENOMEM;
		return;
	}
	out_bytes(out, text, (size_t)size);
	free(text);
}

void out_base64(struct out *out, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	const size_t chunk = OUT_RESERVE_MAX / 4 * 3; /* a multiple of 3: no padding in the middle */

	while (size > 0) {
		size_t part = size < chunk ? size : chunk;

		out_commit(out, put_base64(out_reserve(out, base64_size(part)), from, part));
		from += part;
		size -= part;
	}
}

void out_json_escaped(struct out *out, const void *text, size_t size)
{
	const uint8_t *from = text;
	const size_t chunk = OUT_RESERVE_MAX / ENCODE_JSON_GROWTH;

	while (size > 0) {
		size_t part = size < chunk ? size : chunk;

		out_commit(out, put_json_escaped(out_reserve(out, part * ENCODE_JSON_GROWTH), from, part));
		from += part;
		size -= part;
	}
}

void out_json_text(struct out *out, const void *bytes, size_t size)
{
	if (utf8_valid(bytes, size)) {
		out_char(out, '"');
		out_json_escaped(out, bytes, size);
		out_char(out, '"');
	} else {
		out_text(out, "{\"base64\":\"");
		out_base64(out, bytes, size);
		out_text(out, "\"}");
	}
}

static char *put_printable_escape(char *to, uint8_t c)
{
	*to++ = '\\';
	if (c == '\n' || c == '\t' || c == '\r') {
		*to++ = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
		return to;
	}
	*to++ = 'x';
	*to++ = "0123456789abcdef"[c >> 4];
	*to++ = "0123456789abcdef"[c & 15];
	return to;
}

/* C0, DEL and C1 (0xc2 0x80..0x9f) can steer a terminal; bytes that are no UTF-8 say nothing. */
static bool is_printable(const uint8_t *bytes, size_t length)
{
	return length > 0 && *bytes >= 0x20 && *bytes != 0x7f &&
	       !(length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

void out_printable(struct out *out, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	const uint8_t *end = from + size;

	while (from < end) {
		size_t left = (size_t)(end - from);
		size_t part = left < OUT_RESERVE_MAX - 16 ? left : OUT_RESERVE_MAX - 16;
		char *to = out_reserve(out, part + 16);
		size_t run = put_ascii_run(to, from, part);
		size_t length;

		to += run;
		from += run;
		if (run < part) {
			length = utf8_sequence(from, (size_t)(end - from));
			if (is_printable(from, length)) {
				memcpy(to, from, length);
				to += length;
			} else {
				to = put_printable_escape(to, *from);
				length = 1;
			}
			from += length;
		}
		out_commit(out, to);
	}
}
