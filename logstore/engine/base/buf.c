#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

void ls_buf_init(struct ls_buf *buf, const struct ls_env *env)
{
	*buf = (struct ls_buf){.env = env};
}

void ls_buf_fini(struct ls_buf *buf)
{
	if (buf->env)
		(void)ls_free(buf->env, buf->data);
	*buf = (struct ls_buf){.env = buf->env};
}

int ls_buf_reserve(struct ls_buf *buf, size_t extra)
{
	size_t want, capacity;
	uint8_t *data;

	LS_ASSERT(buf->env != NULL);
	if (extra <= buf->capacity - buf->size)
		return 0;
	if (__builtin_add_overflow(buf->size, extra, &want))
		return -ENOMEM;
	capacity = buf->capacity ? buf->capacity : 256;
	while (capacity < want) {
		if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
			capacity = want;
	}
	data = ls_realloc(buf->env, buf->data, capacity, 1);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int ls_buf_append(struct ls_buf *buf, const void *bytes, size_t size)
{
	int r = ls_buf_reserve(buf, size);

	if (r < 0)
		return r;
	if (size > 0)
		memcpy(buf->data + buf->size, bytes, size);
	buf->size += size;
	return 0;
}

int ls_buf_printf(struct ls_buf *buf, const char *format, ...)
{
	va_list args;
	int n, r;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	r = ls_buf_reserve(buf, (size_t)n + 1);
	if (r < 0)
		return r;
	va_start(args, format);
	(void)vsnprintf((char *)buf->data + buf->size, (size_t)n + 1, format, args); /* measured above */
	va_end(args);
	buf->size += (size_t)n;
	return 0;
}
