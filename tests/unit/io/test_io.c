/*
 * How a table of file operations behaves: one suite of tests over every implementation. Each runs with
 * plain system calls in a temporary directory and with the simulated file system in "/". What only plain
 * system calls can meet (other processes, FIFOs, sockets, links, resource limits) follows at the end.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/io.h"
#include "io/sim.h"
#include "testlib.h"

enum {
	RD = LOGSTORE_IO_READ,
	WR = LOGSTORE_IO_WRITE,
	NEW = LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE,
	NEW_ONLY = LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE | LOGSTORE_IO_EXCLUSIVE,
	EMPTIED = LOGSTORE_IO_WRITE | LOGSTORE_IO_TRUNCATE,
};

struct fixture {
	const struct logstore_io *io;
	struct logstore_sim *sim;
	char root[256];
};

static void setup_threads(struct fixture *f)
{
	f->io = ls_io_threads();
	ts_tempdir(f->root);
}

static void teardown_threads(struct fixture *f)
{
	ts_tempdir_remove(f->root);
}

static void setup_sim(struct fixture *f)
{
	cr_assert_eq(ls_sim_new(1, &f->sim), 0);
	f->io = ls_sim_io(f->sim);
	strcpy(f->root, "/");
}

static void teardown_sim(struct fixture *f)
{
	cr_assert_eq(ls_sim_open_descriptors(f->sim), 0);
	cr_assert_null(ls_sim_free(f->sim));
}

static const struct implementation {
	const char *name;
	void (*setup)(struct fixture *f);
	void (*teardown)(struct fixture *f);
} implementations[] = {
	{"threads", setup_threads, teardown_threads},
	{"sim", setup_sim, teardown_sim},
};

static void run(const struct implementation *implementation, void (*body)(struct fixture *f))
{
	struct fixture f = {0};

	implementation->setup(&f);
	cr_assert_str_eq(f.io->name, implementation->name);
	cr_assert_eq(f.io->size, sizeof(struct logstore_io));
	body(&f);
	implementation->teardown(&f);
}

TestSuite(io, .fini = ts_check_leaks, .timeout = 60);

/* Defines a test of every implementation; the body follows, with `f` in scope. */
#define TEST_EACH(test_name) \
	static void body_##test_name(struct fixture *f); \
	Test(io, test_name##_threads) \
	{ \
		run(&implementations[0], body_##test_name); \
	} \
	Test(io, test_name##_sim) \
	{ \
		run(&implementations[1], body_##test_name); \
	} \
	static void body_##test_name(struct fixture *f)

/* Defines a test that only plain system calls can meet. */
#define TEST_THREADS(test_name) \
	static void body_##test_name(struct fixture *f); \
	Test(io, test_name##_threads) \
	{ \
		run(&implementations[0], body_##test_name); \
	} \
	static void body_##test_name(struct fixture *f)

/* A path in the directory of the test; static buffers, 8 of them in turn. */
static const char *at(const struct fixture *f, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", strcmp(f->root, "/") == 0 ? "" : f->root, name);
	return path;
}

static int try_open(const struct fixture *f, const char *name, unsigned flags)
{
	int fd = -12345;
	int r = f->io->open(f->io->ctx, at(f, name), flags, &fd);

	if (r < 0) {
		cr_assert_eq(fd, -12345, "an output changed on failure");
		return r;
	}
	cr_assert_eq(r, 0);
	cr_assert_geq(fd, 0);
	return fd;
}

static int must_open(const struct fixture *f, const char *name, unsigned flags)
{
	int fd = try_open(f, name, flags);

	cr_assert_geq(fd, 0, "open %s: %d", name, fd);
	return fd;
}

static void must_close(const struct fixture *f, int fd)
{
	cr_assert_eq(f->io->close(f->io->ctx, fd), 0);
}

static void must_write(const struct fixture *f, int fd, uint64_t position, const char *text)
{
	cr_assert_eq(ls_io_write_full(f->io, fd, text, strlen(text), position), 0);
}

/* A file with this text. */
static void make(const struct fixture *f, const char *name, const char *text)
{
	int fd = must_open(f, name, NEW | LOGSTORE_IO_TRUNCATE);

	must_write(f, fd, 0, text);
	must_close(f, fd);
}

static void expect_content(const struct fixture *f, int fd, const char *expected, size_t size)
{
	char *buffer = malloc(size + 16);
	size_t n = 0;

	cr_assert_eq(ls_io_read_full(f->io, fd, buffer, size + 16, 0, &n), 0);
	cr_assert_eq(n, size);
	cr_assert_eq(memcmp(buffer, expected, size), 0);
	free(buffer);
}

static void expect_text(const struct fixture *f, const char *name, const char *expected)
{
	int fd = must_open(f, name, RD);

	expect_content(f, fd, expected, strlen(expected));
	must_close(f, fd);
}

static int try_stat(const struct fixture *f, const char *name, struct logstore_io_stat *st)
{
	struct logstore_io_stat before;
	int r;

	memset(st, 0x5A, sizeof *st);
	before = *st;
	r = f->io->stat(f->io->ctx, at(f, name), st);
	if (r < 0)
		cr_assert_eq(memcmp(st, &before, sizeof before), 0, "an output changed on failure");
	return r;
}

static bool exists(const struct fixture *f, const char *name)
{
	struct logstore_io_stat st;
	int r = try_stat(f, name, &st);

	cr_assert(r == 0 || r == -ENOENT);
	return r == 0;
}

static int make_dir(const struct fixture *f, const char *name)
{
	return f->io->mkdir(f->io->ctx, at(f, name));
}

static int remove_dir(const struct fixture *f, const char *name)
{
	return f->io->rmdir(f->io->ctx, at(f, name));
}

static int unlink_file(const struct fixture *f, const char *name)
{
	return f->io->unlink(f->io->ctx, at(f, name));
}

static int rename_to(const struct fixture *f, const char *from, const char *to)
{
	return f->io->rename(f->io->ctx, at(f, from), at(f, to));
}

static int64_t write_at(const struct fixture *f, int fd, uint64_t position, const void *bytes, size_t size)
{
	const struct logstore_iovec piece = {bytes, size};

	return f->io->pwritev(f->io->ctx, fd, &piece, 1, position);
}

/* A name one byte longer than a name may be. */
static const char *long_name(void)
{
	static char name[NAME_MAX + 2];

	memset(name, 'n', NAME_MAX + 1);
	return name;
}

/* ---- open and close ----------------------------------------------------------------------------------- */

TEST_EACH(open_creates_only_when_asked)
{
	int fd;

	cr_assert_eq(try_open(f, "a", RD), -ENOENT);
	cr_assert_eq(try_open(f, "a", WR), -ENOENT);
	cr_assert_eq(try_open(f, "a", EMPTIED), -ENOENT);
	cr_assert_not(exists(f, "a"));
	fd = must_open(f, "a", RD | LOGSTORE_IO_CREATE);
	cr_assert(exists(f, "a"));
	must_close(f, fd);
	make(f, "a", "kept");
	must_close(f, must_open(f, "a", NEW));
	expect_text(f, "a", "kept");
}

TEST_EACH(open_exclusive)
{
	must_close(f, must_open(f, "a", NEW_ONLY));
	cr_assert_eq(try_open(f, "a", NEW_ONLY), -EEXIST);
	cr_assert_eq(try_open(f, "a", NEW_ONLY | LOGSTORE_IO_TRUNCATE), -EEXIST);
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(try_open(f, "d", NEW_ONLY), -EEXIST);
}

TEST_EACH(open_truncates)
{
	make(f, "a", "something");
	must_close(f, must_open(f, "a", EMPTIED));
	expect_text(f, "a", "");
	make(f, "a", "something");
	must_close(f, must_open(f, "a", EMPTIED | LOGSTORE_IO_CREATE));
	expect_text(f, "a", "");
}

TEST_EACH(open_refuses_flags)
{
	make(f, "a", "text");
	cr_assert_eq(try_open(f, "a", 0), -EINVAL);
	cr_assert_eq(try_open(f, "b", LOGSTORE_IO_CREATE), -EINVAL);
	cr_assert_eq(try_open(f, "b", WR | LOGSTORE_IO_EXCLUSIVE), -EINVAL);
	cr_assert_eq(try_open(f, "a", RD | LOGSTORE_IO_TRUNCATE), -EINVAL);
	cr_assert_eq(try_open(f, "a", RD | 1u << 5), -EINVAL);
	cr_assert_eq(try_open(f, "a", WR | 1u << 31), -EINVAL);
	cr_assert_not(exists(f, "b"));
	expect_text(f, "a", "text");
}

TEST_EACH(open_refuses_directories)
{
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(try_open(f, "d", RD), -EISDIR);
	cr_assert_eq(try_open(f, "d", WR), -EISDIR);
	cr_assert_eq(try_open(f, "d", NEW), -EISDIR);
	cr_assert_eq(try_open(f, "d", EMPTIED), -EISDIR);
	cr_assert_eq(try_open(f, "d/", RD), -EISDIR);
	cr_assert_eq(try_open(f, "", RD), -EISDIR);
}

TEST_EACH(open_bad_paths)
{
	char longest[PATH_MAX + 1];
	int fd = -1;

	make(f, "a", "");
	cr_assert_eq(try_open(f, "a/b", RD), -ENOTDIR);
	cr_assert_eq(try_open(f, "a/b", NEW), -ENOTDIR);
	cr_assert_eq(try_open(f, "a/", RD), -ENOTDIR);
	cr_assert_eq(try_open(f, "no/b", NEW), -ENOENT);
	cr_assert_eq(try_open(f, "b/", NEW), -EISDIR);
	cr_assert_eq(try_open(f, long_name(), NEW), -ENAMETOOLONG);
	cr_assert_eq(try_open(f, long_name() + 1, RD), -ENOENT);
	cr_assert_eq(f->io->open(f->io->ctx, "", RD, &fd), -ENOENT);
	memset(longest, '/', PATH_MAX);
	longest[PATH_MAX] = '\0';
	cr_assert_eq(f->io->open(f->io->ctx, longest, RD, &fd), -ENAMETOOLONG);
	cr_assert_eq(f->io->open(f->io->ctx, longest + 1, RD, &fd), -EISDIR);
	cr_assert_eq(fd, -1);
}

TEST_EACH(paths_have_dots_and_slashes)
{
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(make_dir(f, "d/e/"), 0);
	make(f, "d/e/a", "here");
	expect_text(f, "d//e///a", "here");
	expect_text(f, "./d/./e/../../d/e/a", "here");
	cr_assert_eq(try_open(f, "d/no/../e/a", RD), -ENOENT);
	cr_assert_eq(try_open(f, "d/e/a/..", RD), -ENOTDIR);
	cr_assert_eq(make_dir(f, "d/."), -EEXIST);
	cr_assert_eq(make_dir(f, "d/e/.."), -EEXIST);
	cr_assert_eq(remove_dir(f, "d/."), -EINVAL);
	cr_assert_eq(remove_dir(f, "d/e/.."), -ENOTEMPTY);
	cr_assert_eq(unlink_file(f, "d/."), -EISDIR);
	cr_assert_eq(rename_to(f, "d/e/.", "x"), -EBUSY);
	cr_assert_eq(rename_to(f, "d/e", "d/.."), -EBUSY);
	cr_assert_eq(f->io->rmdir(f->io->ctx, "/"), -EBUSY);
	cr_assert_eq(f->io->mkdir(f->io->ctx, "/"), -EEXIST);
}

TEST_EACH(closed_descriptors_are_refused)
{
	struct logstore_io_stat st;
	int fd = must_open(f, "a", NEW);
	const int bad[] = {-1, fd, 100000, INT_MAX, INT_MIN};
	char byte = 0;

	must_close(f, fd);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_assert_eq(f->io->close(f->io->ctx, bad[i]), -EBADF);
		cr_assert_eq(f->io->pread(f->io->ctx, bad[i], &byte, 1, 0), -EBADF);
		cr_assert_eq(write_at(f, bad[i], 0, &byte, 1), -EBADF);
		cr_assert_eq(f->io->datasync(f->io->ctx, bad[i]), -EBADF);
		cr_assert_eq(f->io->truncate(f->io->ctx, bad[i], 0), -EBADF);
		cr_assert_eq(f->io->fstat(f->io->ctx, bad[i], &st), -EBADF);
		cr_assert_eq(f->io->set_mtime(f->io->ctx, bad[i], 0), -EBADF);
		cr_assert_eq(f->io->drop_cache(f->io->ctx, bad[i], 0, 0), -EBADF);
		cr_assert_eq(f->io->lock(f->io->ctx, bad[i]), -EBADF);
	}
}

TEST_EACH(descriptors_are_reused_lowest_first)
{
	int fds[40];

	for (int i = 0; i < 40; i++)
		fds[i] = must_open(f, "a", NEW);
	for (int i = 1; i < 40; i++)
		cr_assert_gt(fds[i], fds[i - 1]);
	must_close(f, fds[7]);
	must_close(f, fds[31]);
	must_close(f, fds[3]);
	cr_assert_eq(must_open(f, "a", RD), fds[3]);
	cr_assert_eq(must_open(f, "a", RD), fds[7]);
	cr_assert_eq(must_open(f, "a", RD), fds[31]);
	for (int i = 0; i < 40; i++)
		must_close(f, fds[i]);
}

TEST_EACH(reading_descriptor_does_not_write)
{
	int fd;

	make(f, "a", "text");
	fd = must_open(f, "a", RD);
	cr_assert_eq(write_at(f, fd, 0, "x", 1), -EBADF);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, 0), -EINVAL);
	cr_assert_eq(f->io->lock(f->io->ctx, fd), -EBADF);
	cr_assert_eq(f->io->datasync(f->io->ctx, fd), 0);
	expect_content(f, fd, "text", 4);
	must_close(f, fd);
}

/* ---- contents ----------------------------------------------------------------------------------------- */

TEST_EACH(reads_end_at_the_end)
{
	char buffer[16];
	int fd = must_open(f, "a", NEW);

	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, sizeof buffer, 0), 0);
	must_write(f, fd, 0, "0123456789");
	memset(buffer, 'x', sizeof buffer);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, sizeof buffer, 4), 6);
	cr_assert_eq(memcmp(buffer, "456789xxxxxxxxxx", 16), 0);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, 3, 2), 3);
	cr_assert_eq(memcmp(buffer, "234789", 6), 0);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, 1, 9), 1);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, sizeof buffer, 10), 0);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, sizeof buffer, UINT64_C(1) << 33), 0);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, 0, 0), 0);
	must_close(f, fd);
}

TEST_EACH(positions_beyond_any_file)
{
	const uint64_t too_far = (uint64_t)INT64_MAX + 1;
	char byte = 'b';
	int fd = must_open(f, "a", NEW);

	cr_assert_eq(f->io->pread(f->io->ctx, fd, &byte, 1, too_far), -EINVAL);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, &byte, 1, UINT64_MAX), -EINVAL);
	cr_assert_eq(write_at(f, fd, too_far, &byte, 1), -EINVAL);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, too_far), -EINVAL);
	cr_assert_eq(f->io->drop_cache(f->io->ctx, fd, too_far, 1), -EINVAL);
	cr_assert_eq(write_at(f, fd, (uint64_t)INT64_MAX - 1, &byte, 1), -EFBIG);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, INT64_MAX), -EFBIG);
	expect_content(f, fd, "", 0);
	must_close(f, fd);
}

TEST_EACH(writes_gather_pieces)
{
	const struct logstore_iovec pieces[] = {{"one", 3}, {NULL, 0}, {"", 0}, {"twothree", 8}, {"4", 1}};
	int fd = must_open(f, "a", NEW);

	cr_assert_eq(f->io->pwritev(f->io->ctx, fd, pieces, 5, 2), 12);
	expect_content(f, fd, "\0\0onetwothree4", 14);
	cr_assert_eq(f->io->pwritev(f->io->ctx, fd, pieces, 0, 50), 0);
	cr_assert_eq(f->io->pwritev(f->io->ctx, fd, pieces + 1, 2, 50), 0);
	expect_content(f, fd, "\0\0onetwothree4", 14);
	cr_assert_eq(f->io->pwritev(f->io->ctx, fd, pieces + 4, 1, 3), 1);
	expect_content(f, fd, "\0\0o4etwothree4", 14);
	must_close(f, fd);
}

TEST_EACH(more_pieces_than_one_call_takes)
{
	enum { COUNT = IOV_MAX + 500 };
	static struct logstore_iovec pieces[COUNT];
	static char text[COUNT];
	unsigned done = 0;
	int fd = must_open(f, "a", NEW);

	for (unsigned i = 0; i < COUNT; i++) {
		text[i] = (char)('a' + i % 26);
		pieces[i] = (struct logstore_iovec){&text[i], 1};
	}
	while (done < COUNT) {
		int64_t n = f->io->pwritev(f->io->ctx, fd, pieces + done, COUNT - done, done);

		cr_assert_gt(n, 0);
		cr_assert_leq(n, COUNT - done);
		done += (unsigned)n;
	}
	expect_content(f, fd, text, COUNT);
	must_close(f, fd);
}

TEST_EACH(sparse_files_are_zeros)
{
	static char expected[3 * 4096 + 100];
	struct logstore_io_stat st;
	char buffer[10];
	int fd = must_open(f, "a", NEW);

	must_write(f, fd, 4094, "abcd");
	must_write(f, fd, sizeof expected - 3, "end");
	memcpy(expected + 4094, "abcd", 4);
	memcpy(expected + sizeof expected - 3, "end", 3);
	expect_content(f, fd, expected, sizeof expected);

	must_write(f, fd, (UINT64_C(1) << 32) + 5, "far");
	cr_assert_eq(f->io->fstat(f->io->ctx, fd, &st), 0);
	cr_assert_eq(st.size, (UINT64_C(1) << 32) + 8);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, 10, UINT64_C(1) << 32), 8);
	cr_assert_eq(memcmp(buffer, "\0\0\0\0\0far", 8), 0);
	cr_assert_eq(f->io->pread(f->io->ctx, fd, buffer, 10, UINT64_C(1) << 31), 10);
	cr_assert_eq(memcmp(buffer, "\0\0\0\0\0\0\0\0\0\0", 10), 0);
	must_close(f, fd);
}

TEST_EACH(truncate_both_ways)
{
	static char expected[10000];
	struct logstore_io_stat st;
	int fd = must_open(f, "a", NEW);

	memset(expected, 'x', sizeof expected);
	cr_assert_eq(ls_io_write_full(f->io, fd, expected, sizeof expected, 0), 0);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, 5000), 0);
	expect_content(f, fd, expected, 5000);
	/* What was cut off does not come back. */
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, sizeof expected), 0);
	memset(expected + 5000, 0, sizeof expected - 5000);
	expect_content(f, fd, expected, sizeof expected);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, 4096), 0);
	must_write(f, fd, 4100, "y");
	memcpy(expected + 4096, "\0\0\0\0y", 5);
	expect_content(f, fd, expected, 4101);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, 4101), 0);
	expect_content(f, fd, expected, 4101);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, 0), 0);
	expect_content(f, fd, "", 0);
	cr_assert_eq(f->io->truncate(f->io->ctx, fd, UINT64_C(1) << 33), 0);
	cr_assert_eq(f->io->fstat(f->io->ctx, fd, &st), 0);
	cr_assert_eq(st.size, UINT64_C(1) << 33);
	must_close(f, fd);
}

/* The same random writes, cuts and reads on a file and on an array. */
TEST_EACH(contents_follow_a_model)
{
	enum { MODEL_BYTES = 40000, STEPS = 2000 };
	static uint8_t model[MODEL_BYTES], chunk[9000], back[MODEL_BYTES];
	int fd = must_open(f, "a", NEW);
	struct ts_rng rng;
	size_t size = 0;

	memset(model, 0, sizeof model);
	ts_rng_init(&rng, 20240611);
	for (int i = 0; i < STEPS; i++) {
		size_t position = ts_rng_below(&rng, MODEL_BYTES - sizeof chunk);
		size_t n = ts_rng_below(&rng, sizeof chunk);
		size_t got = 0;

		if (ts_rng_below(&rng, 4) == 0) {
			cr_assert_eq(f->io->truncate(f->io->ctx, fd, position), 0);
			if (position < size)
				memset(model + position, 0, size - position);
			size = position;
		} else {
			ts_rng_fill(&rng, chunk, n);
			cr_assert_eq(ls_io_write_full(f->io, fd, chunk, n, position), 0);
			memcpy(model + position, chunk, n);
			if (n > 0 && position + n > size)
				size = position + n;
		}
		cr_assert_eq(ls_io_read_full(f->io, fd, back, sizeof back, 0, &got), 0);
		cr_assert_eq(got, size);
		cr_assert_eq(memcmp(back, model, size), 0);
	}
	must_close(f, fd);
}

TEST_EACH(descriptors_of_one_file_share_it)
{
	int first = must_open(f, "a", NEW);
	int second = must_open(f, "a", RD);

	must_write(f, first, 0, "shared");
	expect_content(f, second, "shared", 6);
	cr_assert_eq(f->io->datasync(f->io->ctx, first), 0);
	cr_assert_eq(f->io->drop_cache(f->io->ctx, second, 0, 0), 0);
	cr_assert_eq(f->io->drop_cache(f->io->ctx, second, 2, 3), 0);
	cr_assert_eq(f->io->drop_cache(f->io->ctx, second, 1, UINT64_MAX), 0);
	expect_content(f, second, "shared", 6);
	must_close(f, first);
	expect_content(f, second, "shared", 6);
	must_close(f, second);
}

/* ---- attributes --------------------------------------------------------------------------------------- */

TEST_EACH(stat_tells_kinds_apart)
{
	struct logstore_io_stat by_path, by_fd, other;
	int fd;

	make(f, "a", "12345");
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(try_stat(f, "a", &by_path), 0);
	fd = must_open(f, "a", RD);
	cr_assert_eq(f->io->fstat(f->io->ctx, fd, &by_fd), 0);
	cr_assert_eq(by_path.size, 5);
	cr_assert_eq(by_path.kind, LOGSTORE_IO_FILE);
	cr_assert_eq(by_path.mode & 0700, 0600);
	cr_assert_eq(by_path.mode & ~0644u, 0);
	cr_assert_eq(by_path.uid, geteuid());
	cr_assert_eq(by_path.reserved, 0);
	cr_assert_eq(by_fd.size, 5);
	cr_assert_eq(by_fd.kind, LOGSTORE_IO_FILE);
	cr_assert_eq(by_fd.mode, by_path.mode);
	cr_assert_eq(by_fd.inode, by_path.inode);
	cr_assert_eq(by_fd.device, by_path.device);
	cr_assert_eq(by_fd.mtime_ms, by_path.mtime_ms);
	cr_assert_eq(try_stat(f, "d", &other), 0);
	cr_assert_eq(other.kind, LOGSTORE_IO_DIRECTORY);
	cr_assert_eq(other.mode & 0700, 0700);
	cr_assert_eq(other.device, by_path.device);
	cr_assert_neq(other.inode, by_path.inode);
	cr_assert_eq(try_stat(f, "", &other), 0);
	cr_assert_eq(other.kind, LOGSTORE_IO_DIRECTORY);
	must_close(f, fd);
}

TEST_EACH(stat_errors)
{
	struct logstore_io_stat st;

	make(f, "a", "");
	cr_assert_eq(try_stat(f, "no", &st), -ENOENT);
	cr_assert_eq(try_stat(f, "no/a", &st), -ENOENT);
	cr_assert_eq(try_stat(f, "a/b", &st), -ENOTDIR);
	cr_assert_eq(try_stat(f, "a/", &st), -ENOTDIR);
	cr_assert_eq(try_stat(f, long_name(), &st), -ENAMETOOLONG);
	cr_assert_eq(f->io->stat(f->io->ctx, "", &st), -ENOENT);
}

TEST_EACH(mtime_is_kept_in_ms)
{
	static const int64_t times[] = {
		0, 1, 999, 1000, 1700000000123, 4102444800999, -1, -999, -1000, -86400001,
	};
	struct logstore_io_stat st;
	int fd = must_open(f, "a", NEW);

	must_write(f, fd, 0, "text");
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		cr_assert_eq(f->io->set_mtime(f->io->ctx, fd, times[i]), 0);
		cr_assert_eq(f->io->fstat(f->io->ctx, fd, &st), 0);
		cr_assert_eq(st.mtime_ms, times[i]);
		cr_assert_eq(try_stat(f, "a", &st), 0);
		cr_assert_eq(st.mtime_ms, times[i]);
	}
	must_close(f, fd);
	cr_assert_eq(try_stat(f, "a", &st), 0);
	cr_assert_eq(st.mtime_ms, -86400001);
	fd = must_open(f, "a", WR);
	must_write(f, fd, 0, "new");
	cr_assert_eq(f->io->fstat(f->io->ctx, fd, &st), 0);
	cr_assert_gt(st.mtime_ms, 0, "a write sets the time");
	must_close(f, fd);
}

TEST_EACH(mtime_survives_rename_and_reading)
{
	struct logstore_io_stat st;
	int fd;

	make(f, "a", "text");
	fd = must_open(f, "a", RD);
	cr_assert_eq(f->io->set_mtime(f->io->ctx, fd, 1234567), 0);
	expect_content(f, fd, "text", 4);
	must_close(f, fd);
	cr_assert_eq(rename_to(f, "a", "b"), 0);
	cr_assert_eq(try_stat(f, "b", &st), 0);
	cr_assert_eq(st.mtime_ms, 1234567);
}

/* ---- rename ------------------------------------------------------------------------------------------- */

TEST_EACH(rename_moves_files)
{
	struct logstore_io_stat before, after;

	make(f, "a", "text");
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(try_stat(f, "a", &before), 0);
	cr_assert_eq(rename_to(f, "a", "b"), 0);
	cr_assert_not(exists(f, "a"));
	cr_assert_eq(rename_to(f, "b", "d/c"), 0);
	cr_assert_not(exists(f, "b"));
	expect_text(f, "d/c", "text");
	cr_assert_eq(try_stat(f, "d/c", &after), 0);
	cr_assert_eq(after.inode, before.inode);
	cr_assert_eq(rename_to(f, "d/c", "d/c"), 0);
	expect_text(f, "d/c", "text");
}

TEST_EACH(rename_replaces_an_open_file)
{
	int old_fd, new_fd;

	make(f, "a", "new");
	make(f, "b", "old content");
	old_fd = must_open(f, "b", WR);
	new_fd = must_open(f, "a", WR);
	cr_assert_eq(rename_to(f, "a", "b"), 0);
	cr_assert_not(exists(f, "a"));
	expect_text(f, "b", "new");
	expect_content(f, old_fd, "old content", 11);
	must_write(f, old_fd, 0, "OLD");
	must_write(f, new_fd, 3, "er");
	expect_content(f, old_fd, "OLD content", 11);
	expect_text(f, "b", "newer");
	must_close(f, old_fd);
	must_close(f, new_fd);
	expect_text(f, "b", "newer");
}

TEST_EACH(rename_moves_directories)
{
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(make_dir(f, "d/sub"), 0);
	make(f, "d/sub/a", "text");
	cr_assert_eq(make_dir(f, "e"), 0);
	cr_assert_eq(rename_to(f, "d", "e/moved/"), 0);
	cr_assert_not(exists(f, "d"));
	expect_text(f, "e/moved/sub/a", "text");
	expect_text(f, "e/moved/sub/../../moved/sub/a", "text");
	/* Over an empty one, and over itself. */
	cr_assert_eq(make_dir(f, "empty"), 0);
	cr_assert_eq(rename_to(f, "e/moved", "empty"), 0);
	expect_text(f, "empty/../empty/sub/a", "text");
	cr_assert_eq(rename_to(f, "empty", "empty"), 0);
	expect_text(f, "empty/sub/../sub/a", "text");
	cr_assert_eq(remove_dir(f, "e"), 0);
}

TEST_EACH(rename_errors)
{
	make(f, "a", "file");
	cr_assert_eq(make_dir(f, "d"), 0);
	make(f, "d/inside", "");
	cr_assert_eq(make_dir(f, "empty"), 0);
	cr_assert_eq(rename_to(f, "no", "b"), -ENOENT);
	cr_assert_eq(rename_to(f, "no/a", "b"), -ENOENT);
	cr_assert_eq(rename_to(f, "a", "no/b"), -ENOENT);
	cr_assert_eq(rename_to(f, "a", "d"), -EISDIR);
	cr_assert_eq(rename_to(f, "a", "empty"), -EISDIR);
	cr_assert_eq(rename_to(f, "d", "a"), -ENOTDIR);
	cr_assert_eq(rename_to(f, "a", "d/inside/b"), -ENOTDIR);
	cr_assert_eq(rename_to(f, "a/x", "b"), -ENOTDIR);
	cr_assert_eq(rename_to(f, "a/", "b"), -ENOTDIR);
	cr_assert_eq(rename_to(f, "a", "b/"), -ENOTDIR);
	cr_assert_eq(rename_to(f, "empty", "d"), -ENOTEMPTY);
	cr_assert_eq(rename_to(f, "d/inside", "d"), -ENOTEMPTY);
	cr_assert_eq(rename_to(f, "d", "d/sub"), -EINVAL);
	cr_assert_eq(rename_to(f, "a", long_name()), -ENAMETOOLONG);
	cr_assert_eq(f->io->rename(f->io->ctx, "", at(f, "b")), -ENOENT);
	cr_assert_eq(f->io->rename(f->io->ctx, at(f, "a"), ""), -ENOENT);
	expect_text(f, "a", "file");
	cr_assert(exists(f, "d/inside"));
	cr_assert(exists(f, "empty"));
	cr_assert_not(exists(f, "b"));
}

/* ---- unlink, mkdir, rmdir, list, sync_dir ------------------------------------------------------------- */

TEST_EACH(unlink_leaves_open_files_alive)
{
	int fd, again;

	make(f, "a", "first");
	fd = must_open(f, "a", WR);
	again = must_open(f, "a", RD);
	cr_assert_eq(unlink_file(f, "a"), 0);
	cr_assert_not(exists(f, "a"));
	must_write(f, fd, 5, " life");
	must_close(f, fd);
	expect_content(f, again, "first life", 10);
	make(f, "a", "second");
	expect_content(f, again, "first life", 10);
	expect_text(f, "a", "second");
	must_close(f, again);
}

TEST_EACH(unlink_errors)
{
	make(f, "a", "");
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(unlink_file(f, "no"), -ENOENT);
	cr_assert_eq(unlink_file(f, "no/a"), -ENOENT);
	cr_assert_eq(unlink_file(f, "d"), -EISDIR);
	cr_assert_eq(unlink_file(f, "a/b"), -ENOTDIR);
	cr_assert_eq(unlink_file(f, "a/"), -ENOTDIR);
	cr_assert_eq(unlink_file(f, long_name()), -ENAMETOOLONG);
	cr_assert(exists(f, "a"));
	cr_assert(exists(f, "d"));
	cr_assert_eq(unlink_file(f, "a"), 0);
	cr_assert_eq(unlink_file(f, "a"), -ENOENT);
}

TEST_EACH(mkdir_and_rmdir)
{
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(make_dir(f, "d"), -EEXIST);
	cr_assert_eq(make_dir(f, "d/"), -EEXIST);
	cr_assert_eq(make_dir(f, "no/d"), -ENOENT);
	make(f, "d/a", "");
	cr_assert_eq(make_dir(f, "d/a"), -EEXIST);
	cr_assert_eq(make_dir(f, "d/a/b"), -ENOTDIR);
	cr_assert_eq(make_dir(f, long_name()), -ENAMETOOLONG);
	cr_assert_eq(remove_dir(f, "d"), -ENOTEMPTY);
	cr_assert_eq(remove_dir(f, "d/a"), -ENOTDIR);
	cr_assert_eq(remove_dir(f, "no"), -ENOENT);
	cr_assert_eq(remove_dir(f, "d/a/b"), -ENOTDIR);
	cr_assert_eq(unlink_file(f, "d/a"), 0);
	cr_assert_eq(make_dir(f, "d/e"), 0);
	cr_assert_eq(remove_dir(f, "d"), -ENOTEMPTY);
	cr_assert_eq(remove_dir(f, "d/e/"), 0);
	cr_assert_eq(remove_dir(f, "d"), 0);
	cr_assert_not(exists(f, "d"));
}

struct listing {
	const struct fixture *f;
	unsigned seen[300]; /* how often each number was listed */
	unsigned calls;
	unsigned stop_after;
	int stop_with;
};

static int note_name(void *arg, const char *name)
{
	struct listing *listing = arg;
	unsigned number = 0;

	cr_assert_eq(sscanf(name, "n%u", &number), 1, "%s", name);
	cr_assert_lt(number, 300);
	listing->seen[number]++;
	listing->calls++;
	return listing->calls == listing->stop_after ? listing->stop_with : 0;
}

static int unlink_name(void *arg, const char *name)
{
	struct listing *listing = arg;
	char path[64];

	snprintf(path, sizeof path, "d/%s", name);
	cr_assert_eq(unlink_file(listing->f, path), 0);
	return note_name(arg, name);
}

TEST_EACH(list_calls_for_each_entry)
{
	struct listing listing = {.f = f};
	char name[64];

	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(f->io->list(f->io->ctx, at(f, "d"), note_name, &listing), 0);
	cr_assert_eq(listing.calls, 0);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "d/n%u", i * 7 % 300);
		if (i % 10 == 0)
			cr_assert_eq(make_dir(f, name), 0);
		else
			make(f, name, "");
	}
	cr_assert_eq(f->io->list(f->io->ctx, at(f, "d/"), note_name, &listing), 0);
	cr_assert_eq(listing.calls, 300);
	for (unsigned i = 0; i < 300; i++)
		cr_assert_eq(listing.seen[i], 1);
}

TEST_EACH(list_stops_when_told)
{
	static const int answers[] = {1, -ECANCELED, LOGSTORE_E_CORRUPT_FILE};
	char name[64];

	cr_assert_eq(make_dir(f, "d"), 0);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "d/n%u", i);
		make(f, name, "");
	}
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct listing listing = {.f = f, .stop_after = 3, .stop_with = answers[i]};

		cr_assert_eq(f->io->list(f->io->ctx, at(f, "d"), note_name, &listing), answers[i]);
		cr_assert_eq(listing.calls, 3);
	}
}

TEST_EACH(list_allows_operations_inside)
{
	struct listing listing = {.f = f};
	char name[64];

	cr_assert_eq(make_dir(f, "d"), 0);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "d/n%u", i);
		make(f, name, "");
	}
	cr_assert_eq(f->io->list(f->io->ctx, at(f, "d"), unlink_name, &listing), 0);
	cr_assert_eq(listing.calls, 100);
	cr_assert_eq(remove_dir(f, "d"), 0);
}

TEST_EACH(list_and_sync_dir_errors)
{
	struct listing listing = {.f = f};

	make(f, "a", "");
	cr_assert_eq(f->io->list(f->io->ctx, at(f, "no"), note_name, &listing), -ENOENT);
	cr_assert_eq(f->io->list(f->io->ctx, at(f, "a"), note_name, &listing), -ENOTDIR);
	cr_assert_eq(f->io->list(f->io->ctx, at(f, "a/b"), note_name, &listing), -ENOTDIR);
	cr_assert_eq(f->io->list(f->io->ctx, "", note_name, &listing), -ENOENT);
	cr_assert_eq(listing.calls, 0);
	cr_assert_eq(f->io->sync_dir(f->io->ctx, at(f, "no")), -ENOENT);
	cr_assert_eq(f->io->sync_dir(f->io->ctx, at(f, "a")), -ENOTDIR);
	cr_assert_eq(f->io->sync_dir(f->io->ctx, at(f, "a/b")), -ENOTDIR);
	cr_assert_eq(f->io->sync_dir(f->io->ctx, ""), -ENOENT);
	cr_assert_eq(f->io->sync_dir(f->io->ctx, at(f, "")), 0);
}

/* ---- lock --------------------------------------------------------------------------------------------- */

TEST_EACH(lock_excludes_other_descriptors)
{
	int first = must_open(f, ".lock", NEW);
	int second = must_open(f, ".lock", NEW);
	int elsewhere = must_open(f, "other", NEW);
	int third;

	cr_assert_eq(f->io->lock(f->io->ctx, first), 0);
	cr_assert_eq(f->io->lock(f->io->ctx, first), 0, "the owner has it already");
	cr_assert_eq(f->io->lock(f->io->ctx, second), -EAGAIN);
	cr_assert_eq(f->io->lock(f->io->ctx, elsewhere), 0);
	/* Closing another descriptor of the file does not give the lock away, unlike with POSIX locks. */
	must_close(f, second);
	third = must_open(f, ".lock", WR);
	cr_assert_eq(f->io->lock(f->io->ctx, third), -EAGAIN);
	/* It does not keep others from writing, and belongs to the file, not to its name or its bytes. */
	must_write(f, third, 0, "owner");
	cr_assert_eq(f->io->truncate(f->io->ctx, first, 0), 0);
	cr_assert_eq(rename_to(f, ".lock", "renamed"), 0);
	cr_assert_eq(f->io->lock(f->io->ctx, third), -EAGAIN);
	must_close(f, first);
	cr_assert_eq(f->io->lock(f->io->ctx, third), 0);
	must_close(f, third);
	must_close(f, elsewhere);
}

TEST_EACH(lock_of_an_unlinked_file_is_another)
{
	int old_fd = must_open(f, ".lock", NEW);
	int new_fd;

	cr_assert_eq(f->io->lock(f->io->ctx, old_fd), 0);
	cr_assert_eq(unlink_file(f, ".lock"), 0);
	new_fd = must_open(f, ".lock", NEW);
	cr_assert_eq(f->io->lock(f->io->ctx, new_fd), 0);
	must_close(f, old_fd);
	must_close(f, new_fd);
}

/* ---- threads of one process --------------------------------------------------------------------------- */

struct worker {
	const struct fixture *f;
	pthread_t thread;
	int shared_fd;
	unsigned number;
	unsigned failures;
};

/* Writes its own stripe of a shared file, and makes, renames and removes files of its own. */
static void *work(void *arg)
{
	struct worker *w = arg;
	const struct logstore_io *io = w->f->io;
	char mine[300], renamed[300], stripe[64], back[64];

	snprintf(mine, sizeof mine, "%s/t%u", w->f->root, w->number);
	snprintf(renamed, sizeof renamed, "%s/r%u", w->f->root, w->number);
	memset(stripe, (int)('A' + w->number), sizeof stripe);
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t position = (i * 8 + w->number) * sizeof stripe;
		size_t n = 0;
		int fd = -1;

		w->failures += ls_io_write_full(io, w->shared_fd, stripe, sizeof stripe, position) != 0;
		w->failures += ls_io_read_full(io, w->shared_fd, back, sizeof back, position, &n) != 0;
		w->failures += n != sizeof back || memcmp(back, stripe, sizeof back) != 0;
		w->failures += io->open(io->ctx, mine, NEW_ONLY, &fd) != 0;
		w->failures += ls_io_write_full(io, fd, stripe, sizeof stripe, 0) != 0;
		w->failures += io->close(io->ctx, fd) != 0;
		w->failures += io->rename(io->ctx, mine, renamed) != 0;
		w->failures += io->unlink(io->ctx, renamed) != 0;
	}
	return NULL;
}

TEST_EACH(threads_share_a_table)
{
	struct worker workers[8];
	struct logstore_io_stat st;
	int fd = must_open(f, "shared", NEW);

	for (unsigned i = 0; i < 8; i++) {
		workers[i] = (struct worker){.f = f, .shared_fd = fd, .number = i};
		cr_assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		cr_assert_eq(pthread_join(workers[i].thread, NULL), 0);
		cr_assert_eq(workers[i].failures, 0);
	}
	cr_assert_eq(f->io->fstat(f->io->ctx, fd, &st), 0);
	cr_assert_eq(st.size, 200 * 8 * 64);
	for (uint64_t i = 0; i < 200 * 8; i++) {
		char byte = 0;

		cr_assert_eq(f->io->pread(f->io->ctx, fd, &byte, 1, i * 64 + 63), 1);
		cr_assert_eq(byte, (char)('A' + i % 8));
	}
	must_close(f, fd);
}

/* ---- plain system calls only -------------------------------------------------------------------------- */

/* A child process that ran a function and waits for the other end of `release` to be closed. */
struct child {
	pid_t pid;
	int answer;  /* read end: the child's result */
	int release; /* write end: closing it ends the child */
};

static struct child start_child(int (*body)(const char *path), const char *path)
{
	int answer[2], release[2];
	struct child child;

	cr_assert_eq(pipe2(answer, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(release, O_CLOEXEC), 0);
	child.pid = fork();
	cr_assert_geq(child.pid, 0);
	if (child.pid == 0) {
		char byte;
		int r;

		close(release[1]);
		r = body(path);
		if (write(answer[1], &r, sizeof r) != sizeof r || read(release[0], &byte, 1) != 0)
			_exit(1);
		/* Not by an exit, at which a leak checker would judge what was inherited from the parent. */
		raise(SIGKILL);
	}
	close(answer[1]);
	close(release[0]);
	child.answer = answer[0];
	child.release = release[1];
	return child;
}

static int child_answer(const struct child *child)
{
	int r = 12345;

	cr_assert_eq(read(child->answer, &r, sizeof r), sizeof r);
	return r;
}

static void end_child(const struct child *child)
{
	int status = -1;

	close(child->release);
	cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(child->answer);
}

static int lock_through_table(const char *path)
{
	const struct logstore_io *io = ls_io_threads();
	int fd = -1;
	int r = io->open(io->ctx, path, WR, &fd);

	return r < 0 ? r : io->lock(io->ctx, fd);
}

/* What Java's FileChannel.tryLock() does. */
static int lock_classic(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 ? -errno : 0;
}

static int lock_classic_last_byte(const char *path)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 ? -errno : 0;
}

/* A child takes the lock first, then we do, then both once more with the roles exchanged. */
static void lock_against(const struct fixture *f, int (*lock_of_child)(const char *path))
{
	struct child child;
	int fd = must_open(f, ".lock", NEW);
	int r;

	child = start_child(lock_of_child, at(f, ".lock"));
	cr_assert_eq(child_answer(&child), 0);
	cr_assert_eq(f->io->lock(f->io->ctx, fd), -EAGAIN);
	end_child(&child);
	cr_assert_eq(f->io->lock(f->io->ctx, fd), 0, "the lock ended with its owner");

	child = start_child(lock_of_child, at(f, ".lock"));
	r = child_answer(&child);
	cr_assert(r == -EAGAIN || r == -EACCES, "%d", r);
	end_child(&child);
	must_close(f, fd);
	child = start_child(lock_of_child, at(f, ".lock"));
	cr_assert_eq(child_answer(&child), 0);
	end_child(&child);
}

TEST_THREADS(lock_excludes_another_process)
{
	lock_against(f, lock_through_table);
}

TEST_THREADS(lock_excludes_a_classic_lock)
{
	lock_against(f, lock_classic);
}

TEST_THREADS(lock_covers_the_whole_file)
{
	lock_against(f, lock_classic_last_byte);
}

TEST_THREADS(open_refuses_a_fifo_at_once)
{
	struct logstore_io_stat st;

	cr_assert_eq(mkfifo(at(f, "fifo"), 0600), 0);
	cr_assert_eq(try_open(f, "fifo", RD), -EINVAL);
	cr_assert_eq(try_open(f, "fifo", WR), -EINVAL);
	cr_assert_eq(try_open(f, "fifo", NEW | LOGSTORE_IO_TRUNCATE), -EINVAL);
	cr_assert_eq(try_open(f, "fifo", NEW_ONLY), -EEXIST);
	cr_assert_eq(try_stat(f, "fifo", &st), 0);
	cr_assert_eq(st.kind, LOGSTORE_IO_OTHER);
}

TEST_THREADS(open_refuses_sockets_and_devices)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = -1;

	cr_assert_geq(s, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%.90s/socket", f->root);
	cr_assert_eq(bind(s, (const struct sockaddr *)&address, sizeof address), 0);
	cr_assert_eq(try_open(f, "socket", RD), -EINVAL);
	cr_assert_eq(try_open(f, "socket", WR), -EINVAL);
	close(s);
	cr_assert_eq(f->io->open(f->io->ctx, "/dev/null", RD, &fd), -EINVAL);
	cr_assert_eq(f->io->open(f->io->ctx, "/dev/null", NEW, &fd), -EINVAL);
	cr_assert_eq(fd, -1);
}

TEST_THREADS(links_are_followed)
{
	struct logstore_io_stat st;

	make(f, "a", "text");
	cr_assert_eq(make_dir(f, "d"), 0);
	cr_assert_eq(symlink("a", at(f, "to-file")), 0);
	cr_assert_eq(symlink("d", at(f, "to-dir")), 0);
	cr_assert_eq(symlink("loop", at(f, "loop")), 0);
	expect_text(f, "to-file", "text");
	cr_assert_eq(try_stat(f, "to-file", &st), 0);
	cr_assert_eq(st.kind, LOGSTORE_IO_FILE);
	cr_assert_eq(try_open(f, "to-dir", RD), -EISDIR);
	cr_assert_eq(try_open(f, "loop", RD), -ELOOP);
}

TEST_THREADS(descriptors_are_plain_and_close_on_exec)
{
	int fd = must_open(f, "a", NEW);

	cr_assert_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_assert_eq(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND | O_DIRECT), 0);
	cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	must_close(f, fd);
	fd = must_open(f, "a", RD);
	cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	must_close(f, fd);
}

TEST_THREADS(new_files_obey_the_umask)
{
	struct logstore_io_stat st;
	mode_t before = umask(0);

	must_close(f, must_open(f, "open", NEW));
	cr_assert_eq(make_dir(f, "open-dir"), 0);
	umask(077);
	must_close(f, must_open(f, "closed", NEW));
	cr_assert_eq(make_dir(f, "closed-dir"), 0);
	umask(before);
	cr_assert_eq(try_stat(f, "open", &st), 0);
	cr_assert_eq(st.mode, 0644);
	cr_assert_eq(try_stat(f, "open-dir", &st), 0);
	cr_assert_eq(st.mode, 0755);
	cr_assert_eq(try_stat(f, "closed", &st), 0);
	cr_assert_eq(st.mode, 0600);
	cr_assert_eq(try_stat(f, "closed-dir", &st), 0);
	cr_assert_eq(st.mode, 0700);
}

static int open_without_standard_streams(const char *path)
{
	const struct logstore_io *io = ls_io_threads();
	int fd = -1;
	int r;

	close(0);
	close(2);
	r = io->open(io->ctx, path, NEW, &fd);
	/* The numbers it passed through on the way are free again, and the promises hold for the new one. */
	if (r < 0)
		return r;
	if (fcntl(0, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return -ESTALE;
	return fd;
}

TEST_THREADS(standard_streams_are_never_files)
{
	struct child child = start_child(open_without_standard_streams, at(f, "a"));

	cr_assert_geq(child_answer(&child), 3);
	end_child(&child);
}

/* The type is what glibc declares getrlimit() with. */
static void set_soft_limit(__rlimit_resource_t resource, rlim_t limit)
{
	struct rlimit r;

	cr_assert_eq(getrlimit(resource, &r), 0);
	r.rlim_cur = limit;
	cr_assert_eq(setrlimit(resource, &r), 0);
}

static int open_with_no_numbers_above(const char *path)
{
	const struct logstore_io *io = ls_io_threads();
	int fd = -1;
	int r;

	close(0);
	set_soft_limit(RLIMIT_NOFILE, 3);
	if (fcntl(1, F_DUPFD_CLOEXEC, 3) != -1)
		return -ENOTSUP;
	r = io->open(io->ctx, path, NEW, &fd);
	return fcntl(0, F_GETFD) != -1 ? -ESTALE : r;
}

TEST_THREADS(standard_streams_are_not_taken_for_want_of_others)
{
	struct child child = start_child(open_with_no_numbers_above, at(f, "a"));
	int r = child_answer(&child);

	end_child(&child);
	if (r == -ENOTSUP) {
		teardown_threads(f);
		cr_skip_test("the limit on descriptors is not enforced here (valgrind)");
	}
	cr_assert_eq(r, -EMFILE);
}

TEST_THREADS(descriptors_run_out)
{
	struct rlimit before;
	int fd = must_open(f, "a", NEW);
	int r;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	set_soft_limit(RLIMIT_NOFILE, (rlim_t)fd + 1);
	r = try_open(f, "b", NEW);
	set_soft_limit(RLIMIT_NOFILE, before.rlim_cur);
	cr_assert_eq(r, -EMFILE);
	must_close(f, fd);
}

TEST_THREADS(file_size_limit_gives_a_short_write_then_an_error)
{
	struct rlimit before;
	int fd = must_open(f, "a", NEW);
	int64_t first, second;
	int full;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	set_soft_limit(RLIMIT_FSIZE, 10);
	first = write_at(f, fd, 4, "0123456789", 10);
	second = write_at(f, fd, 10, "6789", 4);
	full = ls_io_write_full(f->io, fd, "abcdefghijkl", 12, 0);
	set_soft_limit(RLIMIT_FSIZE, before.rlim_cur);
	cr_assert_eq(first, 6);
	cr_assert_eq(second, -EFBIG);
	cr_assert_eq(full, -EFBIG);
	expect_content(f, fd, "abcdefghij", 10);
	must_close(f, fd);
}
