/* Memory through the environment's allocator. Sizes of arrays are multiplied with a check. */
#ifndef LS_BASE_MEM_H
#define LS_BASE_MEM_H

#include <string.h>

#include "base/env.h"

static inline void *ls_alloc(const struct ls_env *env, size_t size)
{
	return env->allocator.alloc(env->allocator.ctx, size ? size : 1);
}

static inline void *ls_calloc(const struct ls_env *env, size_t count, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	p = ls_alloc(env, total);
	if (p)
		memset(p, 0, total);
	return p;
}

/* Resizes an array of `count` elements of `size` bytes; on failure the old one stays. */
static inline void *ls_realloc(const struct ls_env *env, void *memory, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return env->allocator.realloc(env->allocator.ctx, memory, total ? total : 1);
}

/* Frees (NULL is fine) and returns NULL: p = ls_free(env, p). */
static inline void *ls_free(const struct ls_env *env, void *memory)
{
	if (memory)
		env->allocator.free(env->allocator.ctx, memory);
	return NULL;
}

static inline char *ls_strdup(const struct ls_env *env, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = ls_alloc(env, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

#endif
