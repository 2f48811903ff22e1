/*
 * The environment of a store: memory, log messages, time, randomness and files, all replaceable by the
 * host. Nothing in the library calls malloc, a clock or a file system other than through it (codec
 * libraries allocate their own contexts).
 */
#ifndef LOGSTORE_ENV_H
#define LOGSTORE_ENV_H

#include <logstore/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct logstore_io;

/* Memory. realloc(ctx, NULL, n) allocates; free(ctx, NULL) does nothing; failure is NULL. Any thread. */
struct logstore_allocator {
	void *(*alloc)(void *ctx, size_t size);
	void *(*realloc)(void *ctx, void *memory, size_t size);
	void (*free)(void *ctx, void *memory);
	void *ctx;
};

enum logstore_log_level {
	LOGSTORE_LOG_ERROR = 0,
	LOGSTORE_LOG_WARNING = 1,
	LOGSTORE_LOG_INFO = 2,
	LOGSTORE_LOG_DEBUG = 3,
};

/*
 * Messages for an operator. The library never writes to stderr; without a logger messages are dropped.
 * `message` is one line without a newline, valid during the call. Called on any thread, never under a
 * lock that a public function takes.
 */
struct logstore_logger {
	void (*log)(void *ctx, enum logstore_log_level level, const char *message);
	void *ctx;
};

/* Time. wall_ms is used for timestamps, monotonic_ns for durations. Any thread. */
struct logstore_clock {
	int64_t (*wall_ms)(void *ctx);
	int64_t (*monotonic_ns)(void *ctx);
	void *ctx;
};

/* Random bytes, for topic ids and segment.jitter.ms. Returns 0 or -errno. Any thread. */
struct logstore_random {
	int (*bytes)(void *ctx, void *buffer, size_t size);
	void *ctx;
};

/* All of them. A null function pointer, or a null io, means the default. Copied when a store is opened. */
struct logstore_env {
	uint32_t struct_size;
	uint32_t reserved0;
	struct logstore_allocator allocator; /* default: malloc(3) */
	struct logstore_logger logger;       /* default: none */
	struct logstore_clock clock;         /* default: clock_gettime(2) */
	struct logstore_random random;       /* default: getrandom(2) */
	const struct logstore_io *io;        /* default: logstore_io_threads() of io.h; outlives the store */
	uint64_t reserved[6];
};

/**
 * logstore_env_init() - an environment of defaults
 * @env: set to the defaults described above
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_env_init(struct logstore_env *env);

#ifdef __cplusplus
}
#endif

#endif
