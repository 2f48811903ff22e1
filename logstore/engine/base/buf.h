/* A growable byte buffer. Zero is a valid empty one once env is set. Appends either succeed or change nothing. */
#ifndef LS_BASE_BUF_H
#define LS_BASE_BUF_H

#include "base/env.h"

struct ls_buf {
	const struct ls_env *env;
	uint8_t *data;
	size_t size;
	size_t capacity;
};

void ls_buf_init(struct ls_buf *buf, const struct ls_env *env);
void ls_buf_fini(struct ls_buf *buf);

/* Room for `extra` more bytes behind data + size. Returns 0 or -ENOMEM. */
int ls_buf_reserve(struct ls_buf *buf, size_t extra);
int ls_buf_append(struct ls_buf *buf, const void *bytes, size_t size);
int ls_buf_printf(struct ls_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void ls_buf_clear(struct ls_buf *buf)
{
	buf->size = 0;
}

#endif
