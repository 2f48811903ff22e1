#include "base/env.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static void *default_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void *default_realloc(void *ctx, void *memory, size_t size)
{
	(void)ctx;
	return realloc(memory, size);
}

static void default_free(void *ctx, void *memory)
{
	(void)ctx;
	free(memory);
}

static int64_t default_wall_ms(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail with a valid clock id */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t default_monotonic_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with a valid clock id */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int default_random(void *ctx, void *buffer, size_t size)
{
	unsigned char *p = buffer;

	(void)ctx;
	while (size > 0) {
		ssize_t n = getrandom(p, size, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

void ls_env_resolve(const struct logstore_env *env, struct ls_env *ret_env)
{
	struct ls_env e = {0};

	if (env) {
		e.allocator = env->allocator;
		e.logger = env->logger;
		e.clock = env->clock;
		e.random = env->random;
		e.io = env->io;
	}
	if (!e.allocator.alloc || !e.allocator.realloc || !e.allocator.free) {
		e.allocator.alloc = default_alloc;
		e.allocator.realloc = default_realloc;
		e.allocator.free = default_free;
		e.allocator.ctx = NULL;
	}
	if (!e.clock.wall_ms) {
		e.clock.wall_ms = default_wall_ms;
		e.clock.ctx = NULL;
	}
	if (!e.clock.monotonic_ns)
		e.clock.monotonic_ns = default_monotonic_ns;
	if (!e.random.bytes) {
		e.random.bytes = default_random;
		e.random.ctx = NULL;
	}
	*ret_env = e;
}

void ls_log(const struct ls_env *env, enum logstore_log_level level, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!env->logger.log)
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args); /* a cut message is still a message */
	va_end(args);
	env->logger.log(env->logger.ctx, level, line);
}
