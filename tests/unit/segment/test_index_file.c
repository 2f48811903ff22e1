/*
 * The growing array under the indexes: counts with every kind of tail, reads over the border of file and
 * buffer, searches against a plain one, truncation, and every failure.
 */
#include "segment/index_file.h"

#include <errno.h>

#include "segment_bench.h"

#define PATH "/p/x.index"
#define SIZE 8u

TestSuite(index_file, .fini = ts_check_leaks, .timeout = 60);

static void entry_of(uint8_t *entry, int64_t value)
{
	ls_store_be64s(entry, value);
}

static int compare(const uint8_t *entry, int64_t target)
{
	int64_t value = ls_load_be64s(entry);

	return (value > target) - (value < target);
}

static void append(struct ls_index_file *index, int64_t value)
{
	uint8_t entry[SIZE];

	cr_assert_eq(ls_index_file_reserve(index, 1), 0);
	entry_of(entry, value);
	ls_index_file_append(index, entry);
}

static int64_t get(struct ls_index_file *index, uint64_t at)
{
	uint8_t entry[SIZE];

	cr_assert_eq(ls_index_file_get(index, at, entry), 0, "entry %lu", (unsigned long)at);
	return ls_load_be64s(entry);
}

/* Values first .. first + count - 1, written as a file. */
static void put_entries(struct bench *bench, int64_t first, size_t count, size_t zeros)
{
	uint8_t *bytes = calloc(count * SIZE + zeros + 1, 1);

	for (size_t i = 0; i < count; i++)
		entry_of(bytes + i * SIZE, first + (int64_t)i);
	bench_put(bench, PATH, bytes, count * SIZE + zeros);
	free(bytes);
}

Test(index_file, grows_through_buffer_and_file)
{
	struct ls_index_file index;
	struct bench bench;
	uint8_t all[300 * SIZE];

	bench_init(&bench);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	cr_assert_eq(ls_index_file_count(&index), 0);
	for (int64_t i = 0; i < 300; i++) {
		append(&index, 1000 + i);
		if (i == 99 || i == 250)
			cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
	}
	cr_assert_eq(ls_index_file_count(&index), 300);
	cr_assert_eq(ls_index_file_read(&index, 0, 300, all), 0);
	for (int64_t i = 0; i < 300; i++)
		cr_assert_eq(ls_load_be64s(all + i * SIZE), 1000 + i);
	cr_assert_eq(get(&index, 250), 1250);
	cr_assert_eq(get(&index, 251), 1251);
	cr_assert_eq(ls_index_file_read(&index, 250, 2, all), 0);
	cr_assert_eq(ls_load_be64s(all + SIZE), 1251);
	cr_assert_eq(ls_index_file_get(&index, 300, all), -ENODATA);
	cr_assert_eq(ls_index_file_read(&index, 299, 2, all), -ENODATA);
	cr_assert_eq(ls_index_file_read(&index, UINT64_MAX, 2, all), -ENODATA);
	cr_assert_eq(ls_index_file_read(&index, 1, UINT64_MAX, all), -ENODATA);
	cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
	ls_index_file_fini(&index);

	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	cr_assert_eq(ls_index_file_open(&index, PATH, true), 0);
	cr_assert_eq(ls_index_file_count(&index), 300);
	cr_assert_eq(ls_index_file_tail(&index), 0);
	cr_assert_eq(get(&index, 299), 1299);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

Test(index_file, counts_entries_before_every_kind_of_tail)
{
	static const struct {
		size_t entries, zeros;
		uint64_t count;
	} cases[] = {
		{0, 0, 0},
		{5, 0, 5},
		{5, 8, 5},
		{5, 3, 5},         /* a part of an entry */
		{5, 4096, 5},      /* preallocated */
		{5, 4099, 5},
		{1, 80000, 1},
		{4096, 80000, 4096},
		{0, 4096, 0},      /* preallocated, nothing written */
		{0, 16, 0},
		{0, 8, 1},         /* one entry that is zero by right */
		{0, 5, 0},
	};
	struct bench bench;

	bench_init(&bench);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_index_file index;

		put_entries(&bench, 1, cases[i].entries, cases[i].zeros);
		cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
		cr_assert_eq(ls_index_file_open(&index, PATH, i % 2 == 0), 0);
		cr_assert_eq(ls_index_file_count(&index), cases[i].count, "case %zu", i);
		cr_assert_eq(ls_index_file_tail(&index),
		             (cases[i].entries * SIZE + cases[i].zeros) - cases[i].count * SIZE, "case %zu",
		             i);
		ls_index_file_fini(&index);
	}
	bench_fini(&bench);
}

Test(index_file, entries_go_over_a_tail_and_truncation_cuts_it)
{
	struct ls_index_file index;
	struct bench bench;
	uint8_t *bytes;
	size_t size;

	bench_init(&bench);
	put_entries(&bench, 1, 3, 100);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	cr_assert_eq(ls_index_file_open(&index, PATH, false), 0);
	append(&index, 4);
	cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
	cr_assert_eq(ls_index_file_count(&index), 4);
	cr_assert_eq(ls_index_file_tail(&index), 100);
	append(&index, 5);
	append(&index, 6);
	/* Within the buffer, but the file loses its tail all the same. */
	cr_assert_eq(ls_index_file_truncate(&index, 5), 0);
	cr_assert_eq(ls_index_file_count(&index), 5);
	cr_assert_eq(ls_index_file_tail(&index), 0);
	cr_assert_eq(get(&index, 4), 5);
	bytes = bench_get(&bench, PATH, &size);
	cr_assert_eq(size, 4 * SIZE);
	free(bytes);
	/* Into the file. */
	cr_assert_eq(ls_index_file_truncate(&index, 2), 0);
	cr_assert_eq(ls_index_file_count(&index), 2);
	append(&index, 77);
	cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
	cr_assert_eq(get(&index, 1), 2);
	cr_assert_eq(get(&index, 2), 77);
	cr_assert_eq(ls_index_file_truncate(&index, 0), 0);
	bytes = bench_get(&bench, PATH, &size);
	cr_assert_eq(size, 0);
	free(bytes);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

Test(index_file, truncation_without_a_file)
{
	struct ls_index_file index;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	append(&index, 1);
	append(&index, 2);
	cr_assert_eq(ls_index_file_truncate(&index, 1), 0);
	cr_assert_eq(ls_index_file_count(&index), 1);
	cr_assert_eq(ls_index_file_sync(&index), 0);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

static void check_searches(struct ls_index_file *index, const int64_t *values, size_t count)
{
	for (int64_t target = -2; target <= (int64_t)count * 3 + 2; target++) {
		uint64_t at = UINT64_MAX, want = UINT64_MAX;
		uint8_t entry[SIZE];
		int r = ls_index_file_search(index, count, compare, target, &at, entry);

		for (size_t i = 0; i < count && values[i] <= target; i++)
			want = i;
		cr_assert_eq(r, want != UINT64_MAX, "%zu entries, %ld", count, (long)target);
		cr_assert_eq(at, want, "%zu entries, %ld", count, (long)target);
		if (r == 1)
			cr_assert_eq(ls_load_be64s(entry), values[want]);
	}
}

Test(index_file, searches_like_a_plain_search)
{
	static const size_t counts[] = {0, 1, 2, 3, 127, 128, 129, 130, 257, 400};
	struct ts_rng rng;
	struct bench bench;

	ts_rng_init(&rng, 11);
	bench_init(&bench);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		int64_t values[400], value = 0;
		struct ls_index_file index;

		cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
		for (size_t n = 0; n < counts[i]; n++) {
			value += (int64_t)ts_rng_below(&rng, 4); /* some twice */
			values[n] = value;
			append(&index, value);
			if (n == counts[i] / 2)
				cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
		}
		check_searches(&index, values, counts[i]);
		ls_index_file_fini(&index);
	}
	bench_fini(&bench);
}

Test(index_file, a_search_over_any_bytes_ends)
{
	struct ls_index_file index;
	struct ts_rng rng;
	struct bench bench;
	uint8_t bytes[SIZE * 1000];

	ts_rng_init(&rng, 12);
	bench_init(&bench);
	ts_rng_fill(&rng, bytes, sizeof bytes);
	bench_put(&bench, PATH, bytes, sizeof bytes);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	cr_assert_eq(ls_index_file_open(&index, PATH, true), 0);
	for (int i = 0; i < 2000; i++) {
		int64_t target = (int64_t)ts_rng_next(&rng);
		uint8_t entry[SIZE];
		uint64_t at;
		int r = ls_index_file_search(&index, 1000, compare, target, &at, entry);

		cr_assert(r == 0 || (r == 1 && at < 1000 && compare(entry, target) <= 0));
	}
	/* Counted before a truncation. */
	cr_assert_eq(
		ls_index_file_search(&index, 1001, compare, INT64_MAX, &(uint64_t){0}, (uint8_t[SIZE]){0}),
		-ENODATA);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

Test(index_file, a_file_that_is_not_there_and_one_that_gets_shorter)
{
	const struct logstore_io *io;
	struct ls_index_file index;
	struct bench bench;
	uint8_t entry[SIZE];
	int fd;

	bench_init(&bench);
	io = bench.env->io;
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	cr_assert_eq(ls_index_file_open(&index, PATH, true), -ENOENT);
	put_entries(&bench, 1, 9, 0);
	cr_assert_eq(ls_index_file_open(&index, PATH, true), 0);
	cr_assert_eq(io->open(io->ctx, PATH, LOGSTORE_IO_WRITE, &fd), 0);
	cr_assert_eq(io->truncate(io->ctx, fd, 4 * SIZE + 3), 0);
	cr_assert_eq(io->close(io->ctx, fd), 0);
	cr_assert_eq(ls_index_file_get(&index, 3, entry), 0);
	cr_assert_eq(ls_index_file_get(&index, 4, entry), -ENODATA);
	cr_assert_eq(ls_index_file_get(&index, 8, entry), -ENODATA);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

Test(index_file, syncs_only_what_was_written)
{
	struct ls_index_file index;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	append(&index, 1);
	cr_assert_eq(ls_index_file_sync(&index), 0);
	cr_assert_eq(ls_sim_operations(bench.sim, LOGSTORE_IO_OP_DATASYNC), 0);
	cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
	ls_sim_fail_nth(bench.sim, 1, EIO, UINT32_C(1) << LOGSTORE_IO_OP_DATASYNC);
	cr_assert_eq(ls_index_file_sync(&index), -EIO);
	cr_assert_eq(ls_index_file_sync(&index), 0);
	cr_assert_eq(ls_index_file_sync(&index), 0);
	cr_assert_eq(ls_sim_operations(bench.sim, LOGSTORE_IO_OP_DATASYNC), 2);
	cr_assert_eq(ls_index_file_flush(&index, PATH), 0); /* nothing to write */
	cr_assert_eq(ls_index_file_sync(&index), 0);
	cr_assert_eq(ls_sim_operations(bench.sim, LOGSTORE_IO_OP_DATASYNC), 2);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

Test(index_file, a_failed_flush_keeps_the_entries)
{
	struct ls_index_file index;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	append(&index, 5);
	append(&index, 6);
	for (uint64_t n = 1;; n++) {
		int r;

		ls_sim_fail_nth(bench.sim, n, ENOSPC, UINT32_MAX);
		r = ls_index_file_flush(&index, PATH);
		if (ls_sim_fault_pending(bench.sim)) {
			ls_sim_fail_nth(bench.sim, 0, 0, 0);
			cr_assert_eq(r, 0);
			break;
		}
		cr_assert_eq(r, -ENOSPC);
		cr_assert_eq(ls_index_file_count(&index), 2);
		cr_assert_eq(get(&index, 1), 6);
	}
	append(&index, 7);
	ls_sim_short_transfers(bench.sim, 1);
	cr_assert_eq(ls_index_file_flush(&index, PATH), 0);
	cr_assert_eq(get(&index, 0), 5);
	cr_assert_eq(get(&index, 2), 7);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}

Test(index_file, every_failure_of_opening_and_cutting)
{
	struct bench bench;

	bench_init(&bench);
	for (uint64_t n = 1;; n++) {
		struct ls_index_file index;
		bool pending;
		int r;

		put_entries(&bench, 1, 100, 4096);
		cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
		ls_sim_fail_nth(bench.sim, n, EIO, ~(UINT32_C(1) << LOGSTORE_IO_OP_CLOSE));
		r = ls_index_file_open(&index, PATH, false);
		if (r == 0)
			r = ls_index_file_truncate(&index, 50);
		if (r == 0)
			r = ls_index_file_sync(&index);
		pending = ls_sim_fault_pending(bench.sim);
		cr_assert_eq(r, pending ? 0 : -EIO, "failure %lu", (unsigned long)n);
		ls_sim_fail_nth(bench.sim, 0, 0, 0);
		ls_index_file_fini(&index);
		cr_assert_eq(ls_sim_open_descriptors(bench.sim), 0);
		if (pending)
			break;
	}
	bench_fini(&bench);
}

Test(index_file, memory_that_runs_out)
{
	struct ls_index_file index;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(ls_index_file_init(&index, bench.env, SIZE), 0);
	append(&index, 1);
	atomic_store(&bench.alloc.fail_at, atomic_load(&bench.alloc.requests) + 1);
	cr_assert_eq(ls_index_file_reserve(&index, LS_INDEX_FLUSH_COUNT + 1), -ENOMEM);
	cr_assert_eq(get(&index, 0), 1);
	cr_assert_eq(ls_index_file_reserve(&index, UINT32_MAX), -ENOMEM);
	cr_assert_eq(ls_index_file_reserve(&index, (UINT32_C(1) << 31) + 5), -ENOMEM);
	cr_assert_eq(ls_index_file_reserve(&index, 0), 0);
	cr_assert_eq(ls_index_file_reserve(&index, 1000), 0);
	cr_assert_eq(get(&index, 0), 1);
	ls_index_file_fini(&index);
	bench_fini(&bench);
}
