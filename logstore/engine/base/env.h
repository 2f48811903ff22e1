/*
 * The environment with every gap filled: what the engine gets its memory, clock, log and files from.
 * Made once when a store (or a stand-alone tool object) is opened, then constant and shared.
 */
#ifndef LS_BASE_ENV_H
#define LS_BASE_ENV_H

#include <logstore/env.h>

struct ls_env {
	struct logstore_allocator allocator; /* all functions set */
	struct logstore_logger logger;       /* log may be null */
	struct logstore_clock clock;         /* all functions set */
	struct logstore_random random;       /* set */
	const struct logstore_io *io;        /* set by whoever knows a default; base never calls it */
};

/* Copies `env` (or nothing, if NULL) and fills in malloc, the system's clocks and getrandom. io stays as given. */
void ls_env_resolve(const struct logstore_env *env, struct ls_env *ret_env);

static inline int64_t ls_now_ms(const struct ls_env *env)
{
	return env->clock.wall_ms(env->clock.ctx);
}

static inline int64_t ls_monotonic_ns(const struct ls_env *env)
{
	return env->clock.monotonic_ns(env->clock.ctx);
}

/* One line to the host's logger, if there is one. Never call it under a lock. */
void ls_log(const struct ls_env *env, enum logstore_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
