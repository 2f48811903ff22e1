/*
 * What only the simulated file system has: faults to order, short transfers, counts, repeatable choices.
 * That it behaves like a file system otherwise is tested in test_io.c.
 */
#include "io/sim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "testlib.h"

#define OP_COUNT (LOGSTORE_IO_OP_LOCK + 1)
#define BIT(op) (UINT32_C(1) << (op))
#define TRANSFERS (BIT(LOGSTORE_IO_OP_PREAD) | BIT(LOGSTORE_IO_OP_PWRITEV))

TestSuite(sim, .fini = ts_check_leaks, .timeout = 60);

static struct logstore_sim *new_sim(uint64_t seed)
{
	struct logstore_sim *sim = NULL;

	cr_assert_eq(ls_sim_new(seed, &sim), 0);
	return sim;
}

static int open_file(struct logstore_sim *sim, const char *path, unsigned flags)
{
	const struct logstore_io *io = ls_sim_io(sim);
	int fd = -1;

	cr_assert_eq(io->open(io->ctx, path, flags, &fd), 0);
	return fd;
}

static void close_file(struct logstore_sim *sim, int fd)
{
	const struct logstore_io *io = ls_sim_io(sim);

	cr_assert_eq(io->close(io->ctx, fd), 0);
}

static int new_file(struct logstore_sim *sim, const char *path, const char *text)
{
	int fd = open_file(sim, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE);

	cr_assert_eq(ls_io_write_full(ls_sim_io(sim), fd, text, strlen(text), 0), 0);
	return fd;
}

/* ---- every operation once ----------------------------------------------------------------------------- */

static int no_entry(void *arg, const char *name)
{
	(void)name;
	++*(unsigned *)arg;
	return 0;
}

static int64_t call_on_descriptor(const struct logstore_io *io, enum logstore_io_op op, int fd)
{
	const struct logstore_iovec piece = {"written", 7};
	struct logstore_io_stat st;
	char buffer[4];

	if (op == LOGSTORE_IO_OP_CLOSE)
		return io->close(io->ctx, fd);
	if (op == LOGSTORE_IO_OP_PREAD)
		return io->pread(io->ctx, fd, buffer, sizeof buffer, 0);
	if (op == LOGSTORE_IO_OP_PWRITEV)
		return io->pwritev(io->ctx, fd, &piece, 1, 3);
	if (op == LOGSTORE_IO_OP_DATASYNC)
		return io->datasync(io->ctx, fd);
	if (op == LOGSTORE_IO_OP_TRUNCATE)
		return io->truncate(io->ctx, fd, 2);
	if (op == LOGSTORE_IO_OP_FSTAT)
		return io->fstat(io->ctx, fd, &st);
	if (op == LOGSTORE_IO_OP_SET_MTIME)
		return io->set_mtime(io->ctx, fd, 77);
	if (op == LOGSTORE_IO_OP_DROP_CACHE)
		return io->drop_cache(io->ctx, fd, 0, 0);
	cr_assert_eq(op, LOGSTORE_IO_OP_LOCK);
	return io->lock(io->ctx, fd);
}

static int64_t call_on_path(const struct logstore_io *io, enum logstore_io_op op, unsigned *entries)
{
	struct logstore_io_stat st;
	int fd = -1;
	int r;

	if (op == LOGSTORE_IO_OP_OPEN) {
		r = io->open(io->ctx, "/d/new", LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE, &fd);
		cr_assert_eq(fd >= 0, r == 0);
		return r;
	}
	if (op == LOGSTORE_IO_OP_STAT)
		return io->stat(io->ctx, "/d/a", &st);
	if (op == LOGSTORE_IO_OP_RENAME)
		return io->rename(io->ctx, "/d/a", "/d/b");
	if (op == LOGSTORE_IO_OP_UNLINK)
		return io->unlink(io->ctx, "/d/b");
	if (op == LOGSTORE_IO_OP_MKDIR)
		return io->mkdir(io->ctx, "/d/sub");
	if (op == LOGSTORE_IO_OP_RMDIR)
		return io->rmdir(io->ctx, "/empty");
	if (op == LOGSTORE_IO_OP_LIST)
		return io->list(io->ctx, "/d", no_entry, entries);
	cr_assert_eq(op, LOGSTORE_IO_OP_SYNC_DIR);
	return io->sync_dir(io->ctx, "/d");
}

static bool is_on_path(enum logstore_io_op op)
{
	return op == LOGSTORE_IO_OP_OPEN || op == LOGSTORE_IO_OP_STAT ||
	       (op >= LOGSTORE_IO_OP_RENAME && op <= LOGSTORE_IO_OP_SYNC_DIR);
}

/* A world in which every operation can succeed: /d/a (open as `fd`), /d/b, /empty. */
static struct logstore_sim *small_world(int *ret_fd)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);

	cr_assert_eq(io->mkdir(io->ctx, "/d"), 0);
	cr_assert_eq(io->mkdir(io->ctx, "/empty"), 0);
	*ret_fd = new_file(sim, "/d/a", "content of a");
	close_file(sim, new_file(sim, "/d/b", "b"));
	return sim;
}

static int64_t call(struct logstore_sim *sim, enum logstore_io_op op, int fd, unsigned *entries)
{
	const struct logstore_io *io = ls_sim_io(sim);

	return is_on_path(op) ? call_on_path(io, op, entries) : call_on_descriptor(io, op, fd);
}

/* All names, attributes and contents below a directory, as text. */
struct picture {
	const struct logstore_io *io;
	const char *directory;
	char text[2000];
	size_t size;
};

static int paint(void *arg, const char *name)
{
	struct picture *p = arg;
	struct logstore_io_stat st;
	char path[100], content[100] = "";
	size_t n = 0;
	int fd = -1;

	snprintf(path, sizeof path, "%s/%s", p->directory, name);
	cr_assert_eq(p->io->stat(p->io->ctx, path, &st), 0);
	if (st.kind == LOGSTORE_IO_FILE) {
		cr_assert_eq(p->io->open(p->io->ctx, path, LOGSTORE_IO_READ, &fd), 0);
		cr_assert_eq(ls_io_read_full(p->io, fd, content, sizeof content - 1, 0, &n), 0);
		cr_assert_eq(p->io->close(p->io->ctx, fd), 0);
	}
	p->size += (size_t)snprintf(p->text + p->size, sizeof p->text - p->size,
	                            "%s %u %" PRIu64 " %" PRIu64 " %" PRId64 " %s\n", path, st.kind, st.inode,
	                            st.size, st.mtime_ms, content);
	cr_assert_lt(p->size, sizeof p->text);
	return 0;
}

static void take_picture(struct logstore_sim *sim, struct picture *p)
{
	static const char *const directories[] = {"", "/d", "/empty"};

	*p = (struct picture){.io = ls_sim_io(sim)};
	for (size_t i = 0; i < 3; i++) {
		int r;

		p->directory = directories[i];
		r = p->io->list(p->io->ctx, i == 0 ? "/" : directories[i], paint, p);
		cr_assert(r == 0 || r == -ENOENT);
	}
}

/* ---- ordered faults ----------------------------------------------------------------------------------- */

static void expect_fault(enum logstore_io_op op, int error, uint32_t op_mask)
{
	struct picture before, after;
	unsigned entries = 0;
	int fd, other;
	struct logstore_sim *sim = small_world(&fd);
	const struct logstore_io *io = ls_sim_io(sim);

	take_picture(sim, &before);
	ls_sim_fail_nth(sim, 1, error, op_mask);
	cr_assert(ls_sim_fault_pending(sim));
	cr_assert_eq(call(sim, op, fd, &entries), -error, "operation %d, errno %d", (int)op, error);
	cr_assert_not(ls_sim_fault_pending(sim));
	cr_assert_eq(entries, 0);
	take_picture(sim, &after);
	cr_assert_str_eq(after.text, before.text);

	if (op == LOGSTORE_IO_OP_CLOSE) {
		cr_assert_eq(ls_sim_open_descriptors(sim), 0, "a failed close has closed");
		cr_assert_eq(io->close(io->ctx, fd), -EBADF);
	} else {
		cr_assert_eq(ls_sim_open_descriptors(sim), 1);
		/* A lock that failed was not taken. */
		other = open_file(sim, "/d/a", LOGSTORE_IO_WRITE);
		cr_assert_eq(io->lock(io->ctx, other), 0);
		close_file(sim, other);
		/* Once only. */
		cr_assert_geq(call(sim, op, fd, &entries), 0);
		cr_assert_eq(entries, op == LOGSTORE_IO_OP_LIST ? 2 : 0);
	}
	cr_assert_null(ls_sim_free(sim));
}

Test(sim, fault_of_every_operation_has_no_effect)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, EACCES, EINTR};

	for (int op = 0; op < OP_COUNT; op++) {
		for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
			expect_fault((enum logstore_io_op)op, errors[i], BIT(op));
			expect_fault((enum logstore_io_op)op, errors[i], UINT32_MAX);
		}
	}
}

Test(sim, fault_counts_only_what_the_mask_names)
{
	for (int op = 0; op < OP_COUNT; op++) {
		unsigned entries = 0;
		int fd;
		struct logstore_sim *sim = small_world(&fd);

		ls_sim_fail_nth(sim, 1, EIO, ~BIT(op));
		cr_assert_geq(call(sim, (enum logstore_io_op)op, fd, &entries), 0);
		cr_assert(ls_sim_fault_pending(sim));
		ls_sim_free(sim);
	}
}

Test(sim, fault_happens_at_the_nth_counted_operation)
{
	struct logstore_io_stat st;

	for (uint64_t n = 1; n < 20; n++) {
		struct logstore_sim *sim = new_sim(1);
		const struct logstore_io *io = ls_sim_io(sim);

		ls_sim_fail_nth(sim, n, EIO, BIT(LOGSTORE_IO_OP_STAT));
		for (uint64_t i = 1; i < 30; i++) {
			int expected = i % 2 ? 0 : -ENOENT;

			cr_assert_eq(io->sync_dir(io->ctx, "/"), 0);
			cr_assert_eq(ls_sim_fault_pending(sim), i <= n);
			/* An operation that fails by itself counts too, and the order goes first. */
			cr_assert_eq(io->stat(io->ctx, i % 2 ? "/" : "/no", &st), i == n ? -EIO : expected);
		}
		ls_sim_free(sim);
	}
}

Test(sim, fault_is_cancelled_and_replaced)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);

	cr_assert_not(ls_sim_fault_pending(sim));
	ls_sim_fail_nth(sim, 1, EIO, UINT32_MAX);
	ls_sim_fail_nth(sim, 0, EIO, UINT32_MAX);
	cr_assert_not(ls_sim_fault_pending(sim));
	cr_assert_eq(io->mkdir(io->ctx, "/a"), 0);
	ls_sim_fail_nth(sim, 1, EIO, UINT32_MAX);
	ls_sim_fail_nth(sim, 2, ENOSPC, UINT32_MAX);
	cr_assert_eq(io->mkdir(io->ctx, "/b"), 0);
	cr_assert_eq(io->mkdir(io->ctx, "/c"), -ENOSPC);
	cr_assert_eq(io->mkdir(io->ctx, "/c"), 0);
	ls_sim_free(sim);
}

/* ---- short transfers ---------------------------------------------------------------------------------- */

Test(sim, ordered_short_write_writes_a_prefix)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct logstore_sim *sim = new_sim(seed);
		const struct logstore_io *io = ls_sim_io(sim);
		const struct logstore_iovec pieces[] = {{"0123", 4}, {"456789", 6}};
		char buffer[20];
		size_t size = 0;
		int64_t n;
		int fd = new_file(sim, "/a", "");

		ls_sim_fail_nth(sim, 1, 0, TRANSFERS);
		n = io->pwritev(io->ctx, fd, pieces, 2, 0);
		cr_assert(n >= 1 && n <= 9);
		cr_assert_not(ls_sim_fault_pending(sim));
		cr_assert_eq(ls_io_read_full(io, fd, buffer, sizeof buffer, 0, &size), 0);
		cr_assert_eq((int64_t)size, n);
		cr_assert_eq(memcmp(buffer, "0123456789", size), 0);
		cr_assert_eq(io->pwritev(io->ctx, fd, pieces, 2, 0), 10, "once only");
		ls_sim_free(sim);
	}
}

Test(sim, ordered_short_read_reads_a_prefix)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct logstore_sim *sim = new_sim(seed);
		const struct logstore_io *io = ls_sim_io(sim);
		char buffer[20];
		int64_t n;
		int fd = new_file(sim, "/a", "0123456789");

		memset(buffer, 'x', sizeof buffer);
		ls_sim_fail_nth(sim, 1, 0, TRANSFERS);
		n = io->pread(io->ctx, fd, buffer, sizeof buffer, 0);
		/* Shorter than what is there, not just than what was asked for, and not the end. */
		cr_assert(n >= 1 && n <= 9);
		cr_assert_eq(memcmp(buffer, "0123456789", (size_t)n), 0);
		cr_assert_eq(buffer[n], 'x');
		cr_assert_eq(io->pread(io->ctx, fd, buffer, sizeof buffer, 0), 10, "once only");
		ls_sim_free(sim);
	}
}

Test(sim, ordered_short_transfer_of_something_else_succeeds)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	const struct logstore_iovec one = {"b", 1};
	char byte = 0;
	int fd = new_file(sim, "/a", "a");

	ls_sim_fail_nth(sim, 1, 0, UINT32_MAX);
	cr_assert_eq(io->mkdir(io->ctx, "/d"), 0);
	cr_assert_not(ls_sim_fault_pending(sim));
	/* It was meant for that operation alone. */
	cr_assert_eq(io->pwritev(io->ctx, fd, &(struct logstore_iovec){"0123456789", 10}, 1, 0), 10);
	/* One byte cannot be moved in part. */
	ls_sim_fail_nth(sim, 1, 0, TRANSFERS);
	cr_assert_eq(io->pwritev(io->ctx, fd, &one, 1, 0), 1);
	cr_assert_not(ls_sim_fault_pending(sim));
	ls_sim_fail_nth(sim, 1, 0, TRANSFERS);
	cr_assert_eq(io->pread(io->ctx, fd, &byte, 1, 0), 1);
	cr_assert_eq(byte, 'b');
	ls_sim_fail_nth(sim, 1, 0, TRANSFERS);
	cr_assert_eq(io->pread(io->ctx, fd, &byte, 1, 10), 0);
	cr_assert_not(ls_sim_fault_pending(sim));
	ls_sim_free(sim);
}

static void fill_pattern(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256);
}

Test(sim, helpers_complete_over_short_transfers)
{
	static uint8_t bytes[20000], back[20000];
	struct logstore_sim *sim = new_sim(5);
	const struct logstore_io *io = ls_sim_io(sim);
	const struct logstore_iovec pieces[] = {
		{bytes, 1},
		{bytes + 1, 0},
		{bytes + 1, 12000},
		{bytes + 12001, 7999},
	};
	uint64_t writes, reads;
	size_t n = 0;
	int fd = new_file(sim, "/a", "");

	fill_pattern(bytes, sizeof bytes);
	ls_sim_short_transfers(sim, 1);
	writes = ls_sim_operations(sim, LOGSTORE_IO_OP_PWRITEV);
	cr_assert_eq(ls_io_writev_full(io, fd, pieces, 4, 0), 0);
	writes = ls_sim_operations(sim, LOGSTORE_IO_OP_PWRITEV) - writes;
	reads = ls_sim_operations(sim, LOGSTORE_IO_OP_PREAD);
	cr_assert_eq(ls_io_read_full(io, fd, back, sizeof back, 0, &n), 0);
	reads = ls_sim_operations(sim, LOGSTORE_IO_OP_PREAD) - reads;
	cr_assert_eq(n, sizeof back);
	cr_assert_eq(memcmp(back, bytes, sizeof back), 0);
	cr_assert_gt(writes, 2, "it was short indeed");
	cr_assert_gt(reads, 2, "it was short indeed");
	ls_sim_free(sim);
}

/* How many of 10000 writes of 100 bytes are short; and each moves between 1 and 99 bytes then. */
static unsigned count_short(struct logstore_sim *sim, unsigned *log)
{
	static const char bytes[100];
	const struct logstore_io *io = ls_sim_io(sim);
	const struct logstore_iovec piece = {bytes, sizeof bytes};
	unsigned count = 0;
	int fd = new_file(sim, "/count", "");

	for (unsigned i = 0; i < 10000; i++) {
		int64_t n = io->pwritev(io->ctx, fd, &piece, 1, 0);

		cr_assert(n >= 1 && n <= 100);
		count += n < 100;
		log[i] = (unsigned)n;
	}
	close_file(sim, fd);
	return count;
}

Test(sim, short_transfers_come_as_often_as_asked)
{
	static unsigned log[10000];
	struct logstore_sim *sim = new_sim(7);
	unsigned count;

	cr_assert_eq(count_short(sim, log), 0);
	ls_sim_short_transfers(sim, 10);
	count = count_short(sim, log);
	cr_assert(count > 800 && count < 1200, "%u", count);
	ls_sim_short_transfers(sim, 1);
	cr_assert_eq(count_short(sim, log), 10000);
	ls_sim_short_transfers(sim, 0);
	cr_assert_eq(count_short(sim, log), 0);
	ls_sim_free(sim);
}

Test(sim, the_same_seed_gives_the_same_run)
{
	static unsigned logs[3][10000];
	static const uint64_t seeds[3] = {42, 42, 43};

	for (size_t i = 0; i < 3; i++) {
		struct logstore_sim *sim = new_sim(seeds[i]);

		ls_sim_short_transfers(sim, 3);
		count_short(sim, logs[i]);
		ls_sim_free(sim);
	}
	cr_assert_eq(memcmp(logs[0], logs[1], sizeof logs[0]), 0);
	cr_assert_neq(memcmp(logs[0], logs[2], sizeof logs[0]), 0);
}

/* ---- counts ------------------------------------------------------------------------------------------- */

Test(sim, operations_are_counted_one_by_one)
{
	unsigned entries = 0;
	int fd;
	struct logstore_sim *sim = small_world(&fd);

	for (int op = 0; op < OP_COUNT; op++) {
		uint64_t before[OP_COUNT], all = ls_sim_operations(sim, -1), sum = 0;

		if (op == LOGSTORE_IO_OP_CLOSE)
			continue;
		for (int i = 0; i < OP_COUNT; i++) {
			before[i] = ls_sim_operations(sim, i);
			sum += before[i];
		}
		cr_assert_eq(sum, all);
		call(sim, (enum logstore_io_op)op, fd, &entries);
		ls_sim_fail_nth(sim, 1, EIO, UINT32_MAX);
		cr_assert_eq(call(sim, (enum logstore_io_op)op, fd, &entries), -EIO);
		for (int i = 0; i < OP_COUNT; i++)
			cr_assert_eq(ls_sim_operations(sim, i), before[i] + (i == op ? 2 : 0));
		cr_assert_eq(ls_sim_operations(sim, -1), all + 2);
	}
	cr_assert_eq(ls_sim_operations(sim, LOGSTORE_IO_OP_CLOSE), 1);
	cr_assert_eq(ls_sim_operations(sim, OP_COUNT), 0);
	cr_assert_eq(ls_sim_operations(sim, -2), 0);
	ls_sim_free(sim);
}

Test(sim, refused_operations_are_counted)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	int fd = -1;

	cr_assert_eq(ls_sim_operations(sim, -1), 0);
	cr_assert_eq(io->close(io->ctx, 3), -EBADF);
	cr_assert_eq(io->open(io->ctx, "/a", 0, &fd), -EINVAL);
	cr_assert_eq(io->rmdir(io->ctx, "/a"), -ENOENT);
	cr_assert_eq(ls_sim_operations(sim, LOGSTORE_IO_OP_CLOSE), 1);
	cr_assert_eq(ls_sim_operations(sim, LOGSTORE_IO_OP_OPEN), 1);
	cr_assert_eq(ls_sim_operations(sim, LOGSTORE_IO_OP_RMDIR), 1);
	cr_assert_eq(ls_sim_operations(sim, -1), 3);
	ls_sim_free(sim);
}

Test(sim, descriptors_are_counted_and_limited)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	int fd = -1;

	for (unsigned i = 0; i < LS_SIM_DESCRIPTORS_MAX; i++) {
		cr_assert_eq(ls_sim_open_descriptors(sim), i);
		cr_assert_eq(open_file(sim, "/a", LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE), (int)i);
	}
	cr_assert_eq(io->open(io->ctx, "/b", LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE, &fd), -EMFILE);
	cr_assert_eq(fd, -1);
	cr_assert_eq(io->unlink(io->ctx, "/b"), -ENOENT);
	close_file(sim, 1234);
	cr_assert_eq(ls_sim_open_descriptors(sim), LS_SIM_DESCRIPTORS_MAX - 1);
	cr_assert_eq(open_file(sim, "/b", LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE), 1234);
	/* Freed with everything still open. */
	ls_sim_free(sim);
}

/* ---- its own choices ---------------------------------------------------------------------------------- */

struct names {
	char text[200];
};

static int append_name(void *arg, const char *name)
{
	struct names *names = arg;

	strcat(names->text, name);
	strcat(names->text, " ");
	return 0;
}

Test(sim, lists_are_sorted)
{
	static const char *const made[] = {"b", "a", "\xC3\xA9", "Z", "00", "0", "aa", "~", "B"};
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	struct names names = {""};

	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
		cr_assert_eq(io->mkdir(io->ctx, made[i]), 0);
	cr_assert_eq(io->list(io->ctx, "/", append_name, &names), 0);
	cr_assert_str_eq(names.text, "0 00 B Z a aa b ~ \xC3\xA9 ");
	cr_assert_eq(io->rename(io->ctx, "aa", "A"), 0);
	cr_assert_eq(io->rmdir(io->ctx, "00"), 0);
	names.text[0] = '\0';
	cr_assert_eq(io->list(io->ctx, ".", append_name, &names), 0);
	cr_assert_str_eq(names.text, "0 A B Z a b ~ \xC3\xA9 ");
	ls_sim_free(sim);
}

static int64_t mtime_of(struct logstore_sim *sim, const char *path)
{
	const struct logstore_io *io = ls_sim_io(sim);
	struct logstore_io_stat st;

	cr_assert_eq(io->stat(io->ctx, path, &st), 0);
	return st.mtime_ms;
}

Test(sim, modifications_are_the_clock)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	int64_t last, now;
	char byte;
	int fd;

	cr_assert_eq(mtime_of(sim, "/"), 1);
	fd = open_file(sim, "/a", LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE);
	cr_assert_eq(mtime_of(sim, "/a"), 2);
	cr_assert_eq(mtime_of(sim, "/"), 3);
	cr_assert_eq(ls_io_write_full(io, fd, "text", 4, 0), 0);
	cr_assert_eq(mtime_of(sim, "/a"), 4);
	cr_assert_eq(mtime_of(sim, "/"), 3);
	cr_assert_eq(io->truncate(io->ctx, fd, 4), 0);
	cr_assert_eq(mtime_of(sim, "/a"), 5);
	cr_assert_eq(io->pread(io->ctx, fd, &byte, 1, 0), 1);
	cr_assert_eq(io->datasync(io->ctx, fd), 0);
	cr_assert_eq(io->pwritev(io->ctx, fd, NULL, 0, 0), 0);
	cr_assert_eq(mtime_of(sim, "/a"), 5);
	cr_assert_eq(io->set_mtime(io->ctx, fd, INT64_MIN), 0);
	cr_assert_eq(mtime_of(sim, "/a"), INT64_MIN);
	close_file(sim, fd);
	close_file(sim, open_file(sim, "/a", LOGSTORE_IO_WRITE | LOGSTORE_IO_TRUNCATE));
	cr_assert_eq(mtime_of(sim, "/a"), 6);
	last = mtime_of(sim, "/");
	cr_assert_eq(io->rename(io->ctx, "/a", "/b"), 0);
	now = mtime_of(sim, "/");
	cr_assert_gt(now, last);
	cr_assert_eq(io->unlink(io->ctx, "/b"), 0);
	cr_assert_gt(mtime_of(sim, "/"), now);
	ls_sim_free(sim);
}

Test(sim, two_simulations_share_nothing)
{
	struct logstore_sim *first = new_sim(1);
	struct logstore_sim *second = new_sim(1);
	const struct logstore_io *io = ls_sim_io(second);
	int fd;

	cr_assert_neq(ls_sim_io(first), ls_sim_io(second));
	close_file(first, new_file(first, "/a", "text"));
	ls_sim_fail_nth(first, 1, EIO, UINT32_MAX);
	cr_assert_eq(io->unlink(io->ctx, "/a"), -ENOENT);
	fd = new_file(second, "/a", "");
	cr_assert_eq(ls_sim_open_descriptors(first), 0);
	cr_assert_eq(ls_sim_open_descriptors(second), 1);
	cr_assert(ls_sim_fault_pending(first));
	close_file(second, fd);
	ls_sim_free(first);
	ls_sim_free(second);
}

Test(sim, relative_paths_begin_at_the_root)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);

	cr_assert_eq(io->mkdir(io->ctx, "d"), 0);
	close_file(sim, new_file(sim, "d/a", ""));
	cr_assert_eq(io->unlink(io->ctx, "/../d/./a"), 0);
	ls_sim_free(sim);
}

Test(sim, files_end_at_the_largest_size)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	const struct logstore_iovec huge[] = {{"12345", 5}, {"6789", 4}};
	struct logstore_io_stat st;
	char buffer[8];
	int fd = new_file(sim, "/a", "");

	cr_assert_eq(io->truncate(io->ctx, fd, LS_SIM_FILE_SIZE_MAX + 1), -EFBIG);
	cr_assert_eq(io->truncate(io->ctx, fd, LS_SIM_FILE_SIZE_MAX), 0);
	cr_assert_eq(io->pwritev(io->ctx, fd, huge, 2, LS_SIM_FILE_SIZE_MAX), -EFBIG);
	cr_assert_eq(io->pwritev(io->ctx, fd, huge, 2, LS_SIM_FILE_SIZE_MAX - 6), 6);
	cr_assert_eq(io->pread(io->ctx, fd, buffer, sizeof buffer, LS_SIM_FILE_SIZE_MAX - 7), 7);
	cr_assert_eq(memcmp(buffer, "\0" "123456", 7), 0);
	cr_assert_eq(io->fstat(io->ctx, fd, &st), 0);
	cr_assert_eq(st.size, LS_SIM_FILE_SIZE_MAX);
	ls_sim_free(sim);
}

Test(sim, free_takes_everything_along)
{
	struct logstore_sim *sim = new_sim(1);
	const struct logstore_io *io = ls_sim_io(sim);
	char path[2100] = "";

	for (int i = 0; i < 1000; i++) {
		strcat(path, "/d");
		cr_assert_eq(io->mkdir(io->ctx, path), 0);
	}
	new_file(sim, "/unlinked", "still open");
	cr_assert_eq(io->unlink(io->ctx, "/unlinked"), 0);
	cr_assert_null(ls_sim_free(sim));
	cr_assert_null(ls_sim_free(NULL));
}

/* ---- threads ------------------------------------------------------------------------------------------ */

static void *stat_often(void *arg)
{
	struct logstore_sim *sim = arg;
	const struct logstore_io *io = ls_sim_io(sim);
	struct logstore_io_stat st;
	uintptr_t failures = 0;

	for (int i = 0; i < 1000; i++) {
		failures += io->stat(io->ctx, "/", &st) == -EIO;
		(void)ls_sim_fault_pending(sim);
		(void)ls_sim_open_descriptors(sim);
		(void)ls_sim_operations(sim, -1);
		ls_sim_short_transfers(sim, (uint32_t)i);
	}
	return (void *)failures;
}

Test(sim, fault_hits_one_of_many_threads)
{
	struct logstore_sim *sim = new_sim(1);
	pthread_t threads[8];
	uintptr_t failures = 0;

	ls_sim_fail_nth(sim, 4321, EIO, BIT(LOGSTORE_IO_OP_STAT));
	for (size_t i = 0; i < 8; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, stat_often, sim), 0);
	for (size_t i = 0; i < 8; i++) {
		void *result = NULL;

		cr_assert_eq(pthread_join(threads[i], &result), 0);
		failures += (uintptr_t)result;
	}
	cr_assert_eq(failures, 1);
	cr_assert_not(ls_sim_fault_pending(sim));
	cr_assert_eq(ls_sim_operations(sim, LOGSTORE_IO_OP_STAT), 8000);
	ls_sim_free(sim);
}
