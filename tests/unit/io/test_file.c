/*
 * The helpers over a table: whole transfers, whole files, atomic replacement, paths. Mostly over the
 * simulated file system, where every operation can be made to fail in turn.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "io/sim.h"
#include "testlib.h"

#define BIT(op) (UINT32_C(1) << (op))

TestSuite(file, .fini = ts_check_leaks, .timeout = 60);

/* An environment of a counting allocator and a simulated file system. */
struct world {
	struct ts_alloc alloc;
	struct logstore_sim *sim;
	struct ls_env env;
};

static void world_init(struct world *w)
{
	ts_alloc_init(&w->alloc);
	cr_assert_eq(ls_sim_new(11, &w->sim), 0);
	w->env = w->alloc.ls;
	w->env.io = ls_sim_io(w->sim);
}

static void world_fini(struct world *w)
{
	cr_assert_eq(atomic_load(&w->alloc.outstanding), 0);
	cr_assert_eq(ls_sim_open_descriptors(w->sim), 0);
	ls_sim_free(w->sim);
}

static void make(struct world *w, const char *path, const void *bytes, size_t size)
{
	const struct logstore_io *io = w->env.io;
	int fd = -1;

	cr_assert_eq(io->open(io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE, &fd), 0);
	cr_assert_eq(ls_io_write_full(io, fd, bytes, size, 0), 0);
	cr_assert_eq(io->close(io->ctx, fd), 0);
}

/* Whether the file has exactly this content; the fault must be delivered or cancelled. */
static bool has_content(struct world *w, const char *path, const char *expected)
{
	struct ls_buf buf;
	bool same;

	ls_buf_init(&buf, &w->env);
	cr_assert_eq(ls_io_read_file(&w->env, path, SIZE_MAX, &buf), 0);
	same = buf.size == strlen(expected) && memcmp(buf.data, expected, buf.size) == 0;
	ls_buf_fini(&buf);
	return same;
}

static bool exists(struct world *w, const char *path)
{
	struct logstore_io_stat st;

	return w->env.io->stat(w->env.io->ctx, path, &st) == 0;
}

static int open_new(struct world *w, const char *path)
{
	int fd = -1;

	cr_assert_eq(w->env.io->open(w->env.io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE, &fd), 0);
	return fd;
}

/* ---- whole transfers ---------------------------------------------------------------------------------- */

Test(file, read_full_stops_at_the_end)
{
	static const char content[] = "0123456789";
	struct world w;
	char buffer[20];
	size_t n = 99;
	int fd;

	world_init(&w);
	fd = open_new(&w, "/a");
	cr_assert_eq(ls_io_write_full(w.env.io, fd, content, 10, 0), 0);
	ls_sim_short_transfers(w.sim, 2);
	for (size_t position = 0; position <= 12; position++) {
		size_t there = position < 10 ? 10 - position : 0;

		for (size_t size = 0; size <= sizeof buffer; size++) {
			memset(buffer, 'x', sizeof buffer);
			cr_assert_eq(ls_io_read_full(w.env.io, fd, buffer, size, position, &n), 0);
			cr_assert_eq(n, size < there ? size : there);
			cr_assert_eq(memcmp(buffer, content + (position < 10 ? position : 10), n), 0);
			cr_assert(n == sizeof buffer || buffer[n] == 'x');
		}
	}
	cr_assert_eq(w.env.io->close(w.env.io->ctx, fd), 0);
	world_fini(&w);
}

Test(file, read_full_passes_errors_on)
{
	struct world w;
	char buffer[100];
	unsigned failed = 0;
	int fd;

	world_init(&w);
	fd = open_new(&w, "/a");
	memset(buffer, 'a', sizeof buffer);
	cr_assert_eq(ls_io_write_full(w.env.io, fd, buffer, sizeof buffer, 0), 0);
	ls_sim_short_transfers(w.sim, 1);
	for (uint64_t nth = 1;; nth++) {
		size_t n = 99;
		int r;

		ls_sim_fail_nth(w.sim, nth, EIO, UINT32_MAX);
		r = ls_io_read_full(w.env.io, fd, buffer, sizeof buffer, 0, &n);
		if (ls_sim_fault_pending(w.sim))
			break;
		if (r < 0) {
			cr_assert_eq(r, -EIO);
			cr_assert_eq(n, 99, "an output changed on failure");
			failed++;
		}
	}
	cr_assert_gt(failed, 1, "some failed after a first part");
	ls_sim_fail_nth(w.sim, 0, 0, 0);
	cr_assert_eq(w.env.io->close(w.env.io->ctx, fd), 0);
	cr_assert_eq(ls_io_read_full(w.env.io, fd, buffer, 1, 0, &(size_t){0}), -EBADF);
	world_fini(&w);
}

Test(file, write_full_goes_on_after_short_writes)
{
	static char bytes[5000], back[6000];
	struct world w;
	size_t n = 0;
	int fd;

	world_init(&w);
	fd = open_new(&w, "/a");
	memset(bytes, 'w', sizeof bytes);
	ls_sim_short_transfers(w.sim, 1);
	cr_assert_eq(ls_io_write_full(w.env.io, fd, bytes, sizeof bytes, 7), 0);
	cr_assert_gt(ls_sim_operations(w.sim, LOGSTORE_IO_OP_PWRITEV), 1);
	cr_assert_eq(ls_io_read_full(w.env.io, fd, back, sizeof back, 0, &n), 0);
	cr_assert_eq(n, 5007);
	cr_assert_eq(memcmp(back, "\0\0\0\0\0\0\0", 7), 0);
	cr_assert_eq(memcmp(back + 7, bytes, sizeof bytes), 0);
	cr_assert_eq(w.env.io->close(w.env.io->ctx, fd), 0);
	world_fini(&w);
}

Test(file, write_full_of_nothing_calls_nothing)
{
	const struct logstore_iovec empty[] = {{NULL, 0}, {"", 0}};
	struct world w;

	world_init(&w);
	cr_assert_eq(ls_io_write_full(w.env.io, 5, NULL, 0, 0), 0);
	cr_assert_eq(ls_io_writev_full(w.env.io, 5, empty, 2, 0), 0);
	cr_assert_eq(ls_io_writev_full(w.env.io, 5, NULL, 0, 0), 0);
	cr_assert_eq(ls_io_read_full(w.env.io, 5, NULL, 0, 0, &(size_t){9}), 0);
	cr_assert_eq(ls_sim_operations(w.sim, -1), 0);
	cr_assert_eq(ls_io_write_full(w.env.io, 5, "x", 1, 0), -EBADF);
	world_fini(&w);
}

/* 64 pieces of 0, 1, 2, ... bytes, over writes that are cut anywhere. */
Test(file, writev_full_resumes_inside_and_between_pieces)
{
	static uint8_t bytes[64 * 63 / 2], back[sizeof bytes];
	struct logstore_iovec pieces[64];
	struct ts_rng rng;
	size_t position = 0;

	ts_rng_init(&rng, 3);
	ts_rng_fill(&rng, bytes, sizeof bytes);
	for (size_t i = 0; i < 64; i++) {
		pieces[i] = (struct logstore_iovec){bytes + position, i};
		position += i;
	}
	for (uint32_t one_in = 0; one_in < 6; one_in++) {
		struct world w;
		size_t n = 0;
		int fd;

		world_init(&w);
		fd = open_new(&w, "/a");
		ls_sim_short_transfers(w.sim, one_in);
		cr_assert_eq(ls_io_writev_full(w.env.io, fd, pieces, 64, 0), 0);
		ls_sim_short_transfers(w.sim, 0);
		cr_assert_eq(ls_io_read_full(w.env.io, fd, back, sizeof back, 0, &n), 0);
		cr_assert_eq(n, sizeof bytes);
		cr_assert_eq(memcmp(back, bytes, sizeof bytes), 0);
		cr_assert_eq(pieces[63].size, 63, "the caller's pieces stay as they were");
		cr_assert_eq(w.env.io->close(w.env.io->ctx, fd), 0);
		world_fini(&w);
	}
}

Test(file, writev_full_leaves_a_prefix_on_failure)
{
	const struct logstore_iovec pieces[] = {{"abc", 3}, {"defgh", 5}, {"ij", 2}};
	struct world w;
	uint64_t nth = 1;
	bool pending;

	world_init(&w);
	do {
		char back[20];
		size_t n = 0;
		int fd = open_new(&w, "/a");
		int r;

		ls_sim_short_transfers(w.sim, 1);
		ls_sim_fail_nth(w.sim, nth++, ENOSPC, BIT(LOGSTORE_IO_OP_PWRITEV));
		r = ls_io_writev_full(w.env.io, fd, pieces, 3, 0);
		pending = ls_sim_fault_pending(w.sim);
		ls_sim_fail_nth(w.sim, 0, 0, 0);
		ls_sim_short_transfers(w.sim, 0);
		cr_assert_eq(r, pending ? 0 : -ENOSPC);
		cr_assert_eq(ls_io_read_full(w.env.io, fd, back, sizeof back, 0, &n), 0);
		cr_assert(pending ? n == 10 : n < 10);
		cr_assert_eq(memcmp(back, "abcdefghij", n), 0);
		cr_assert_eq(w.env.io->close(w.env.io->ctx, fd), 0);
		cr_assert_eq(w.env.io->unlink(w.env.io->ctx, "/a"), 0);
	} while (!pending);
	cr_assert_gt(nth, 3);
	world_fini(&w);
}

static int64_t write_nothing(void *ctx, int fd, const struct logstore_iovec *iov, unsigned count,
                             uint64_t position)
{
	(void)ctx;
	(void)fd;
	(void)iov;
	(void)count;
	(void)position;
	return 0;
}

Test(file, write_without_progress_is_an_error)
{
	struct logstore_io stuck = *ls_io_threads();

	stuck.pwritev = write_nothing;
	cr_assert_eq(ls_io_write_full(&stuck, 0, "x", 1, 0), -EIO);
}

/* ---- whole files -------------------------------------------------------------------------------------- */

Test(file, read_file_appends)
{
	struct world w;
	struct ls_buf buf;

	world_init(&w);
	ls_buf_init(&buf, &w.env);
	make(&w, "/a", "content", 7);
	make(&w, "/empty", "", 0);
	cr_assert_eq(ls_io_read_file(&w.env, "/empty", 0, &buf), 0);
	cr_assert_eq(buf.size, 0);
	cr_assert_eq(ls_buf_append(&buf, "before ", 7), 0);
	cr_assert_eq(ls_io_read_file(&w.env, "/a", 7, &buf), 0);
	cr_assert_eq(ls_io_read_file(&w.env, "/empty", 0, &buf), 0);
	cr_assert_eq(ls_io_read_file(&w.env, "/a", SIZE_MAX, &buf), 0);
	cr_assert_eq(buf.size, 21);
	cr_assert_eq(memcmp(buf.data, "before contentcontent", 21), 0);
	ls_buf_fini(&buf);
	world_fini(&w);
}

Test(file, read_file_obeys_the_limit)
{
	struct world w;
	struct ls_buf buf;

	world_init(&w);
	ls_buf_init(&buf, &w.env);
	make(&w, "/a", "0123456789", 10);
	ls_sim_short_transfers(w.sim, 2);
	cr_assert_eq(ls_buf_append(&buf, "kept", 4), 0);
	for (size_t limit = 0; limit < 10; limit++) {
		cr_assert_eq(ls_io_read_file(&w.env, "/a", limit, &buf), LOGSTORE_E_LIMIT_EXCEEDED);
		cr_assert_eq(buf.size, 4);
		cr_assert_eq(memcmp(buf.data, "kept", 4), 0);
	}
	cr_assert_eq(ls_sim_operations(w.sim, LOGSTORE_IO_OP_PREAD), 0, "nothing is read");
	for (size_t limit = 10; limit < 13; limit++) {
		buf.size = 4;
		cr_assert_eq(ls_io_read_file(&w.env, "/a", limit, &buf), 0);
		cr_assert_eq(buf.size, 14);
		cr_assert_eq(memcmp(buf.data, "kept0123456789", 14), 0);
	}
	ls_buf_fini(&buf);
	world_fini(&w);
}

Test(file, read_file_errors)
{
	struct world w;
	struct ls_buf buf;

	world_init(&w);
	ls_buf_init(&buf, &w.env);
	make(&w, "/a", "x", 1);
	cr_assert_eq(ls_io_read_file(&w.env, "/no", 10, &buf), -ENOENT);
	cr_assert_eq(ls_io_read_file(&w.env, "/", 10, &buf), -EISDIR);
	cr_assert_eq(ls_io_read_file(&w.env, "/a/b", 10, &buf), -ENOTDIR);
	cr_assert_eq(buf.size, 0);
	ls_buf_fini(&buf);
	world_fini(&w);
}

/* A table that lies about sizes, as a file does that changes while it is read. */
static uint64_t claimed_size;
static const struct logstore_io *honest;

static int claim_size(void *ctx, int fd, struct logstore_io_stat *ret_stat)
{
	int r = honest->fstat(ctx, fd, ret_stat);

	if (r == 0)
		ret_stat->size = claimed_size;
	return r;
}

Test(file, read_file_takes_what_is_really_there)
{
	static char content[10000], longer[14000];
	static const uint64_t claims[] = {0, 1, 9998, 9999, 10000, 10001, 14000};
	struct logstore_io table;
	struct world w;
	struct ls_buf buf;

	world_init(&w);
	ls_buf_init(&buf, &w.env);
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (char)('a' + i % 23);
	memcpy(longer, content, sizeof content);
	make(&w, "/a", content, sizeof content);
	honest = w.env.io;
	table = *honest;
	table.fstat = claim_size;
	w.env.io = &table;
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
		claimed_size = claims[i];
		ls_buf_clear(&buf);
		cr_assert_eq(ls_io_read_file(&w.env, "/a", 20000, &buf), 0);
		cr_assert_eq(buf.size, sizeof content);
		cr_assert_eq(memcmp(buf.data, longer, buf.size), 0);
		ls_buf_clear(&buf);
		cr_assert_eq(ls_io_read_file(&w.env, "/a", 9999, &buf), LOGSTORE_E_LIMIT_EXCEEDED);
		cr_assert_eq(buf.size, 0);
	}
	claimed_size = UINT64_MAX;
	cr_assert_eq(ls_io_read_file(&w.env, "/a", SIZE_MAX, &buf), LOGSTORE_E_LIMIT_EXCEEDED);
	claimed_size = UINT64_MAX - 1;
	atomic_store(&w.alloc.fail_at, atomic_load(&w.alloc.requests) + 1);
	cr_assert_eq(ls_io_read_file(&w.env, "/a", SIZE_MAX, &buf), -ENOMEM);
	ls_buf_fini(&buf);
	world_fini(&w);
}

Test(file, read_file_without_memory)
{
	static char content[3000];
	struct world w;
	bool failed = true;

	world_init(&w);
	make(&w, "/a", content, sizeof content);
	for (long nth = 1; failed; nth++) {
		struct ls_buf buf;
		int r;

		ls_buf_init(&buf, &w.env);
		w.env.allocator.ctx = &w.alloc;
		atomic_store(&w.alloc.requests, 0);
		atomic_store(&w.alloc.fail_at, nth);
		r = ls_io_read_file(&w.env, "/a", 5000, &buf);
		failed = ts_alloc_failed(&w.alloc);
		cr_assert_eq(r, failed ? -ENOMEM : 0);
		cr_assert_eq(buf.size, failed ? 0 : sizeof content);
		cr_assert_eq(ls_sim_open_descriptors(w.sim), 0);
		cr_assert(nth > 1 || failed, "the first request fails for certain");
		ls_buf_fini(&buf);
	}
	world_fini(&w);
}

Test(file, read_file_with_every_operation_failing)
{
	struct world w;
	unsigned failures = 0;
	bool pending = false;

	world_init(&w);
	make(&w, "/a", "0123456789", 10);
	ls_sim_short_transfers(w.sim, 2);
	for (uint64_t nth = 1; !pending; nth++) {
		struct ls_buf buf;
		uint64_t closes = ls_sim_operations(w.sim, LOGSTORE_IO_OP_CLOSE);
		int r;

		ls_buf_init(&buf, &w.env);
		ls_sim_fail_nth(w.sim, nth, EIO, UINT32_MAX & ~BIT(LOGSTORE_IO_OP_CLOSE));
		r = ls_io_read_file(&w.env, "/a", 100, &buf);
		pending = ls_sim_fault_pending(w.sim);
		cr_assert_eq(r, pending ? 0 : -EIO);
		cr_assert_eq(buf.size, pending ? 10 : 0);
		cr_assert_eq(ls_sim_operations(w.sim, LOGSTORE_IO_OP_CLOSE), closes + (nth > 1));
		cr_assert_eq(ls_sim_open_descriptors(w.sim), 0);
		failures += r < 0;
		ls_buf_fini(&buf);
	}
	ls_sim_fail_nth(w.sim, 0, 0, 0);
	cr_assert_geq(failures, 4);
	world_fini(&w);
}

Test(file, read_file_has_its_bytes_whatever_close_says)
{
	struct world w;
	struct ls_buf buf;

	world_init(&w);
	ls_buf_init(&buf, &w.env);
	make(&w, "/a", "text", 4);
	ls_sim_fail_nth(w.sim, 1, EIO, BIT(LOGSTORE_IO_OP_CLOSE));
	cr_assert_eq(ls_io_read_file(&w.env, "/a", 100, &buf), 0);
	cr_assert_not(ls_sim_fault_pending(w.sim));
	cr_assert_eq(buf.size, 4);
	ls_buf_fini(&buf);
	world_fini(&w);
}

/* ---- replacement -------------------------------------------------------------------------------------- */

Test(file, replace_file_creates_and_replaces)
{
	struct world w;

	world_init(&w);
	cr_assert_eq(w.env.io->mkdir(w.env.io->ctx, "/d"), 0);
	cr_assert_eq(ls_io_replace_file(&w.env, "/d/a", "first and longer", 16), 0);
	cr_assert(has_content(&w, "/d/a", "first and longer"));
	cr_assert_eq(ls_io_replace_file(&w.env, "/d/a", "second", 6), 0);
	cr_assert(has_content(&w, "/d/a", "second"));
	cr_assert_eq(ls_io_replace_file(&w.env, "/d/a", NULL, 0), 0);
	cr_assert(has_content(&w, "/d/a", ""));
	cr_assert_eq(ls_io_replace_file(&w.env, "relative", "third", 5), 0);
	cr_assert(has_content(&w, "/relative", "third"));
	cr_assert_not(exists(&w, "/d/a.tmp"));
	cr_assert_not(exists(&w, "/relative.tmp"));
	world_fini(&w);
}

Test(file, replace_file_over_what_a_crash_left)
{
	struct world w;

	world_init(&w);
	make(&w, "/a.tmp", "a longer leftover of an earlier attempt", 39);
	cr_assert_eq(ls_io_replace_file(&w.env, "/a", "new", 3), 0);
	cr_assert(has_content(&w, "/a", "new"));
	cr_assert_not(exists(&w, "/a.tmp"));
	world_fini(&w);
}

static const enum logstore_io_op replace_steps[] = {
	LOGSTORE_IO_OP_OPEN,  LOGSTORE_IO_OP_PWRITEV, LOGSTORE_IO_OP_DATASYNC,
	LOGSTORE_IO_OP_CLOSE, LOGSTORE_IO_OP_RENAME,  LOGSTORE_IO_OP_SYNC_DIR,
};
#define REPLACE_STEPS (sizeof replace_steps / sizeof replace_steps[0])

/* When step n fails, the steps before it were made and those after it were not. */
Test(file, replace_file_keeps_the_order)
{
	for (size_t failing = 0; failing <= REPLACE_STEPS; failing++) {
		struct world w;
		int r;

		world_init(&w);
		ls_sim_fail_nth(w.sim, failing + 1, EIO, UINT32_MAX);
		r = ls_io_replace_file(&w.env, "/a", "new", 3);
		cr_assert_eq(r, failing < REPLACE_STEPS ? -EIO : 0);
		cr_assert_eq(ls_sim_fault_pending(w.sim), failing == REPLACE_STEPS);
		for (size_t i = 0; i < REPLACE_STEPS; i++) {
			enum logstore_io_op op = replace_steps[i];
			/* What was opened is closed in any case. */
			bool made = i <= failing || (op == LOGSTORE_IO_OP_CLOSE && failing > 0);

			cr_assert_eq(ls_sim_operations(w.sim, (int)op), made, "step %zu of %zu", i, failing);
		}
		world_fini(&w);
	}
}

/* Sweeps over the operations. Returns how many times the replacement failed. */
static unsigned sweep_replace(int error, uint32_t one_in, const char *old)
{
	unsigned failures = 0;
	bool pending = false;

	for (uint64_t nth = 1; !pending; nth++) {
		struct world w;
		int r;

		world_init(&w);
		if (old)
			make(&w, "/a", old, strlen(old));
		ls_sim_short_transfers(w.sim, one_in);
		ls_sim_fail_nth(w.sim, nth, error, UINT32_MAX);
		r = ls_io_replace_file(&w.env, "/a", "the new content", 15);
		pending = ls_sim_fault_pending(w.sim);
		ls_sim_fail_nth(w.sim, 0, 0, 0);
		cr_assert_eq(r, pending || error == 0 ? 0 : -error);
		failures += r < 0;
		cr_assert_eq(ls_sim_open_descriptors(w.sim), 0);
		cr_assert_not(exists(&w, "/a.tmp"));
		if (r == 0 || ls_sim_operations(w.sim, LOGSTORE_IO_OP_SYNC_DIR) > 0)
			cr_assert(has_content(&w, "/a", "the new content"));
		else if (old)
			cr_assert(has_content(&w, "/a", old));
		else
			cr_assert_not(exists(&w, "/a"));
		world_fini(&w);
	}
	return failures;
}

Test(file, replace_file_with_every_operation_failing)
{
	static const int errors[] = {EIO, ENOSPC, EMFILE};

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		cr_assert_eq(sweep_replace(errors[i], 0, "the old content, which is longer"), REPLACE_STEPS);
		cr_assert_eq(sweep_replace(errors[i], 0, NULL), REPLACE_STEPS);
		cr_assert_gt(sweep_replace(errors[i], 1, "old"), REPLACE_STEPS);
	}
	cr_assert_eq(sweep_replace(0, 0, "old"), 0);
	cr_assert_eq(sweep_replace(0, 1, NULL), 0);
}

/* Two faults: the rename cannot succeed, and the removal of the temporary file is ordered to fail. */
Test(file, replace_file_reports_the_first_error)
{
	struct world w;

	world_init(&w);
	cr_assert_eq(w.env.io->mkdir(w.env.io->ctx, "/a"), 0);
	cr_assert_eq(ls_io_replace_file(&w.env, "/a", "new", 3), -EISDIR);
	cr_assert_not(exists(&w, "/a.tmp"));
	ls_sim_fail_nth(w.sim, 1, EROFS, BIT(LOGSTORE_IO_OP_UNLINK));
	cr_assert_eq(ls_io_replace_file(&w.env, "/a", "new", 3), -EISDIR);
	cr_assert_not(ls_sim_fault_pending(w.sim));
	cr_assert(has_content(&w, "/a.tmp", "new"));
	cr_assert_eq(ls_io_replace_file(&w.env, "/a", "new", 3), -EISDIR);
	cr_assert_not(exists(&w, "/a.tmp"));
	world_fini(&w);
}

Test(file, replace_file_errors)
{
	struct world w;
	char path[LS_PATH_MAX + 1];

	world_init(&w);
	cr_assert_eq(ls_io_replace_file(&w.env, "/no/a", "x", 1), -ENOENT);
	cr_assert_eq(w.env.io->mkdir(w.env.io->ctx, "/b.tmp"), 0);
	cr_assert_eq(ls_io_replace_file(&w.env, "/b", "x", 1), -EISDIR);
	cr_assert(exists(&w, "/b.tmp"));
	/* The longest path that leaves room for ".tmp", and one byte more. */
	memset(path, '/', sizeof path);
	path[LS_PATH_MAX - 5] = '\0';
	path[LS_PATH_MAX - 6] = 'a';
	cr_assert_eq(ls_io_replace_file(&w.env, path, "x", 1), 0);
	cr_assert(has_content(&w, "/a", "x"));
	path[LS_PATH_MAX - 6] = '/';
	path[LS_PATH_MAX - 5] = 'a';
	path[LS_PATH_MAX - 4] = '\0';
	cr_assert_eq(ls_io_replace_file(&w.env, path, "y", 1), -ENAMETOOLONG);
	cr_assert(has_content(&w, "/a", "x"));
	world_fini(&w);
}

Test(file, helpers_work_on_real_files)
{
	struct ts_alloc alloc;
	struct ls_env env;
	struct ls_buf buf;
	char root[256], path[LS_PATH_MAX], temporary[LS_PATH_MAX];
	struct logstore_io_stat st;

	ts_alloc_init(&alloc);
	env = alloc.ls;
	env.io = ls_io_threads();
	ts_tempdir(root);
	ls_buf_init(&buf, &env);
	cr_assert_eq(ls_path_join(path, root, "checkpoint"), 0);
	cr_assert_eq(ls_path_join(temporary, root, "checkpoint.tmp"), 0);
	cr_assert_eq(ls_io_replace_file(&env, path, "first", 5), 0);
	cr_assert_eq(ls_io_replace_file(&env, path, "2nd", 3), 0);
	cr_assert_eq(ls_io_read_file(&env, path, 3, &buf), 0);
	cr_assert_eq(buf.size, 3);
	cr_assert_eq(memcmp(buf.data, "2nd", 3), 0);
	cr_assert_eq(ls_io_read_file(&env, path, 2, &buf), LOGSTORE_E_LIMIT_EXCEEDED);
	cr_assert_eq(ls_io_read_file(&env, temporary, 2, &buf), -ENOENT);
	cr_assert_eq(env.io->stat(env.io->ctx, temporary, &st), -ENOENT);
	ls_buf_clear(&buf);
	/* A file of the kernel's that claims to be empty. */
	cr_assert_eq(ls_io_read_file(&env, "/proc/self/status", 65536, &buf), 0);
	cr_assert_gt(buf.size, 100);
	ls_buf_fini(&buf);
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
	ts_tempdir_remove(root);
}

/* ---- paths -------------------------------------------------------------------------------------------- */

Test(file, path_join)
{
	static const struct {
		const char *directory, *name, *joined;
	} cases[] = {
		{"/data", "a", "/data/a"},
		{"/data/", "a", "/data/a"},
		{"/", "a", "/a"},
		{"", "a", "a"},
		{"data", "a/b", "data/a/b"},
		{".", "a", "./a"},
		{"/data", "", "/data/"},
		{"", "", ""},
	};
	char path[LS_PATH_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_assert_eq(ls_path_join(path, cases[i].directory, cases[i].name), 0);
		cr_assert_str_eq(path, cases[i].joined);
	}
}

/* Lengths around the limit: the result takes at most 4095 bytes and the terminator. */
Test(file, path_join_too_long)
{
	char part[LS_PATH_MAX + 10], path[LS_PATH_MAX];

	memset(part, 'p', sizeof part);
	part[sizeof part - 1] = '\0';
	for (size_t size = LS_PATH_MAX - 10; size < sizeof part - 1; size++) {
		const char *directory = part + (sizeof part - 1 - size);

		strcpy(path, "before");
		if (size + 1 + 3 < LS_PATH_MAX) {
			cr_assert_eq(ls_path_join(path, directory, "abc"), 0);
			cr_assert_eq(strlen(path), size + 4);
			cr_assert_eq(ls_path_join(path, "abc", directory), 0);
			cr_assert_eq(strlen(path), size + 4);
		} else {
			cr_assert_eq(ls_path_join(path, directory, "abc"), -ENAMETOOLONG);
			cr_assert_eq(ls_path_join(path, "abc", directory), -ENAMETOOLONG);
			cr_assert_str_eq(path, "before");
		}
	}
}

Test(file, path_directory_and_name)
{
	static const struct {
		const char *path, *directory, *name;
	} cases[] = {
		{"/data/topic-0/a.log", "/data/topic-0", "a.log"},
		{"data/a", "data", "a"},
		{"a", ".", "a"},
		{"/a", "/", "a"},
		{"//a", "/", "a"},
		{"data//a", "data", "a"},
		{"./a", ".", "a"},
		{"../a", "..", "a"},
		{"", ".", ""},
		{"/", "/", ""},
		{"data/", "data", ""},
	};
	char directory[LS_PATH_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_assert_eq(ls_path_directory(directory, cases[i].path), 0);
		cr_assert_str_eq(directory, cases[i].directory);
		cr_assert_str_eq(ls_path_name(cases[i].path), cases[i].name);
	}
}

Test(file, path_directory_too_long)
{
	char path[LS_PATH_MAX + 10], directory[LS_PATH_MAX] = "before";

	memset(path, 'p', sizeof path);
	strcpy(path + LS_PATH_MAX, "/name");
	cr_assert_eq(ls_path_directory(directory, path), -ENAMETOOLONG);
	cr_assert_str_eq(directory, "before");
	strcpy(path + LS_PATH_MAX - 1, "/name");
	cr_assert_eq(ls_path_directory(directory, path), 0);
	cr_assert_eq(strlen(directory), LS_PATH_MAX - 1);
	cr_assert_eq(memcmp(directory, path, LS_PATH_MAX - 1), 0);
}
