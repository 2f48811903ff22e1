/*
 * Standard output with one large buffer. Writers do not check every call: the first error stays, further
 * bytes are dropped, and main() looks at it at the end (a long loop asks out_failed() to stop early).
 *
 * Hot paths reserve room and write into it by hand (encode.h); everything else uses out_text() and others.
 */
#ifndef TOOL_OUT_H
#define TOOL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Most that out_reserve() grants. */
#define OUT_RESERVE_MAX 4096

struct out {
	int fd;
	int error; /* 0, or the errno of the first failed write */
	size_t used;
	size_t size;
	char *buffer;
};

/* Returns 0 or -ENOMEM. */
int out_init(struct out *out, int fd);
void out_fini(struct out *out);

/*
 * Output into the caller's memory, for short texts: @size is at least OUT_RESERVE_MAX more than what is
 * written. The text is in buffer, used bytes of it.
 */
void out_init_memory(struct out *out, char *buffer, size_t size);

/* Writes what is buffered. Returns 0 or the errno of the first failure as -errno. */
int out_flush(struct out *out);

static inline bool out_failed(const struct out *out)
{
	return out->error != 0;
}

/* Room for @size bytes (at most OUT_RESERVE_MAX); end with out_commit(). Never NULL. */
char *out_reserve(struct out *out, size_t size);
void out_commit(struct out *out, const char *end);

void out_bytes(struct out *out, const void *bytes, size_t size);
/* Inline, so that constants are copied without looking for their end. */
static inline void out_text(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}
void out_char(struct out *out, char c);
void out_spaces(struct out *out, size_t count);
void out_int(struct out *out, int64_t value);
void out_uint(struct out *out, uint64_t value);
void out_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Standard base64 with padding. */
void out_base64(struct out *out, const void *bytes, size_t size);

/* The inside of a JSON string; @text must be valid UTF-8. */
void out_json_escaped(struct out *out, const void *text, size_t size);

/* A JSON string if the bytes are UTF-8, else {"base64":"..."}. */
void out_json_text(struct out *out, const void *bytes, size_t size);

/* Bytes for people: UTF-8 as it is, control characters and everything else as \n, \t, \xHH. */
void out_printable(struct out *out, const void *bytes, size_t size);

#endif
