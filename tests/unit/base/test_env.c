/* base/env.h and base/mem.h: every gap is filled, nothing given is replaced, sizes are multiplied with a check. */
#include <criterion/criterion.h>
#include <logstore/io.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "testlib.h"

TestSuite(env, .fini = ts_check_leaks);

Test(env, nothing_given_means_all_defaults)
{
	struct ls_env env;
	uint8_t first[16] = {0}, second[16] = {0};
	char *p;

	ls_env_resolve(NULL, &env);
	p = ls_alloc(&env, 10);
	cr_assert_not_null(p);
	memset(p, 1, 10);
	p = ls_realloc(&env, p, 1000, 10);
	cr_assert_not_null(p);
	cr_assert_eq(p[9], 1);
	cr_assert_null(ls_free(&env, p));
	cr_assert_gt(ls_now_ms(&env), INT64_C(1600000000000));
	cr_assert_gt(ls_monotonic_ns(&env), 0);
	cr_assert_eq(env.random.bytes(env.random.ctx, first, sizeof first), 0);
	cr_assert_eq(env.random.bytes(env.random.ctx, second, sizeof second), 0);
	cr_assert_neq(memcmp(first, second, sizeof first), 0);
	cr_assert_null(env.logger.log);
	cr_assert_null(env.io);
}

Test(env, monotonic_time_does_not_go_back)
{
	struct ls_env env;
	int64_t before;

	ls_env_resolve(NULL, &env);
	before = ls_monotonic_ns(&env);
	for (int i = 0; i < 1000; i++) {
		int64_t now = ls_monotonic_ns(&env);

		cr_assert_geq(now, before);
		before = now;
	}
}

struct host {
	char line[600];
	int lines;
	enum logstore_log_level level;
};

static void host_log(void *ctx, enum logstore_log_level level, const char *message)
{
	struct host *host = ctx;

	host->lines++;
	host->level = level;
	(void)snprintf(host->line, sizeof host->line, "%s", message);
}

static int64_t host_wall_ms(void *ctx)
{
	(void)ctx;
	return 42;
}

static int64_t host_monotonic_ns(void *ctx)
{
	(void)ctx;
	return 43;
}

static int host_random(void *ctx, void *buffer, size_t size)
{
	(void)ctx;
	memset(buffer, 9, size);
	return 0;
}

Test(env, what_the_host_gives_is_used)
{
	struct ts_alloc alloc;
	struct host host = {.lines = 0};
	struct ls_env env;
	uint8_t bytes[4];
	static const struct logstore_io io = {.size = sizeof(struct logstore_io), .name = "mine"};

	ts_alloc_init(&alloc);
	alloc.env.logger = (struct logstore_logger){.log = host_log, .ctx = &host};
	alloc.env.clock = (struct logstore_clock){.wall_ms = host_wall_ms, .monotonic_ns = host_monotonic_ns};
	alloc.env.random = (struct logstore_random){.bytes = host_random};
	alloc.env.io = &io;
	ls_env_resolve(&alloc.env, &env);
	cr_assert_eq(ls_now_ms(&env), 42);
	cr_assert_eq(ls_monotonic_ns(&env), 43);
	cr_assert_eq(env.random.bytes(env.random.ctx, bytes, sizeof bytes), 0);
	cr_assert_eq(bytes[3], 9);
	cr_assert_eq(env.io, &io);
	cr_assert_null(ls_free(&env, ls_alloc(&env, 5)));
	cr_assert_eq(alloc.requests, 1);
	cr_assert_eq(alloc.outstanding, 0);
	ls_log(&env, LOGSTORE_LOG_WARNING, "%s %d", "segment", 7);
	cr_assert_eq(host.lines, 1);
	cr_assert_eq(host.level, LOGSTORE_LOG_WARNING);
	cr_assert_str_eq(host.line, "segment 7");
}

Test(env, a_clock_may_be_given_in_part)
{
	struct logstore_env half = {.struct_size = sizeof half};
	struct ls_env env;

	half.clock.wall_ms = host_wall_ms;
	ls_env_resolve(&half, &env);
	cr_assert_eq(ls_now_ms(&env), 42);
	cr_assert_gt(ls_monotonic_ns(&env), 43);
}

Test(env, an_allocator_is_taken_whole_or_not_at_all)
{
	struct ts_alloc alloc;
	struct ls_env env;

	ts_alloc_init(&alloc);
	alloc.env.allocator.free = NULL;
	ls_env_resolve(&alloc.env, &env);
	cr_assert_null(ls_free(&env, ls_alloc(&env, 5)));
	cr_assert_eq(alloc.requests, 0);
}

Test(env, log_without_a_logger_is_silent_and_long_lines_are_cut)
{
	struct ls_env env;
	struct host host = {.lines = 0};
	char text[2000];

	ls_env_resolve(NULL, &env);
	ls_log(&env, LOGSTORE_LOG_ERROR, "%s", "nobody listens");
	env.logger = (struct logstore_logger){.log = host_log, .ctx = &host};
	memset(text, 'm', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ls_log(&env, LOGSTORE_LOG_ERROR, "%s", text);
	cr_assert_eq(host.lines, 1);
	cr_assert_eq(strlen(host.line), 511);
}

Test(env, memory_sizes_do_not_wrap)
{
	struct ts_alloc alloc;
	char *kept;

	ts_alloc_init(&alloc);
	cr_assert_null(ls_calloc(&alloc.ls, SIZE_MAX / 2, 3));
	kept = ls_alloc(&alloc.ls, 0);
	cr_assert_not_null(kept, "zero bytes are an address too");
	cr_assert_null(ls_realloc(&alloc.ls, kept, SIZE_MAX / 2, 3));
	cr_assert_eq(alloc.outstanding, 1, "the old block stays");
	cr_assert_null(ls_free(&alloc.ls, kept));
	cr_assert_null(ls_free(&alloc.ls, NULL));
	cr_assert_eq(alloc.outstanding, 0);
}

Test(env, cleared_memory_and_copied_text)
{
	struct ts_alloc alloc;
	uint8_t *zeros;
	char *copy;

	ts_alloc_init(&alloc);
	zeros = ls_calloc(&alloc.ls, 10, 10);
	cr_assert_not_null(zeros);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(zeros[i], 0);
	copy = ls_strdup(&alloc.ls, "text");
	cr_assert_str_eq(copy, "text");
	alloc.fail_at = alloc.requests + 1;
	cr_assert_null(ls_strdup(&alloc.ls, "text"));
	alloc.fail_at = alloc.requests + 1;
	cr_assert_null(ls_calloc(&alloc.ls, 1, 1));
	cr_assert_null(ls_free(&alloc.ls, copy));
	cr_assert_null(ls_free(&alloc.ls, zeros));
	cr_assert_eq(alloc.outstanding, 0);
}
