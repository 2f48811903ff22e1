/*
 * What the test of verify stands on: a simulated file system with a counting allocator, batches made by
 * hand, and the paths of Kafka's logs.
 */
#ifndef TESTS_UNIT_PARTITION_VERIFY_BENCH_H
#define TESTS_UNIT_PARTITION_VERIFY_BENCH_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/batch.h"
#include "io/io.h"
#include "io/sim.h"
#include "testlib.h"

struct bench {
	struct ts_alloc alloc;
	struct logstore_sim *sim;
	const struct ls_env *env;
};

static inline void bench_init(struct bench *bench)
{
	ts_alloc_init(&bench->alloc);
	cr_assert_eq(ls_sim_new(7, &bench->sim), 0);
	bench->alloc.ls.io = ls_sim_io(bench->sim);
	bench->env = &bench->alloc.ls;
	cr_assert_eq(bench->env->io->mkdir(bench->env->io->ctx, "/p"), 0);
}

/* Everything was given back. */
static inline void bench_fini(struct bench *bench)
{
	cr_assert_eq(ls_sim_open_descriptors(bench->sim), 0);
	cr_assert_eq(atomic_load(&bench->alloc.outstanding), 0);
	bench->sim = ls_sim_free(bench->sim);
}

static inline void bench_put(struct bench *bench, const char *path, const void *bytes, size_t size)
{
	const struct logstore_io *io = bench->env->io;
	int fd;

	cr_assert_eq(
		io->open(io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE | LOGSTORE_IO_TRUNCATE, &fd),
		0);
	cr_assert_eq(ls_io_write_full(io, fd, bytes, size, 0), 0);
	cr_assert_eq(io->close(io->ctx, fd), 0);
}

static inline void bench_remove(struct bench *bench, const char *path)
{
	const struct logstore_io *io = bench->env->io;
	int r = io->unlink(io->ctx, path);

	cr_assert(r == 0 || r == -2, "cannot remove %s: %d", path, r);
}

/* A batch without codec whose records are one run of bytes: good for headers and checksums. */
static inline size_t make_batch(uint8_t *bytes, int64_t base, int32_t last_delta, int64_t max_timestamp,
                                size_t content_size)
{
	size_t size = LS_BATCH_HEADER_SIZE + content_size;

	memset(bytes, 0, LS_BATCH_HEADER_SIZE);
	memset(bytes + LS_BATCH_HEADER_SIZE, 0x5a, content_size);
	ls_store_be64s(bytes + LS_BATCH_BASE_OFFSET, base);
	ls_store_be32(bytes + LS_BATCH_LENGTH, (uint32_t)(size - LS_BATCH_LOG_OVERHEAD));
	bytes[LS_BATCH_MAGIC] = 2;
	ls_store_be32s(bytes + LS_BATCH_LAST_OFFSET_DELTA, last_delta);
	ls_store_be64s(bytes + LS_BATCH_BASE_TIMESTAMP, max_timestamp);
	ls_store_be64s(bytes + LS_BATCH_MAX_TIMESTAMP, max_timestamp);
	ls_store_be64s(bytes + LS_BATCH_PRODUCER_ID, -1);
	ls_store_be16s(bytes + LS_BATCH_PRODUCER_EPOCH, -1);
	ls_store_be32s(bytes + LS_BATCH_BASE_SEQUENCE, -1);
	ls_store_be32s(bytes + LS_BATCH_RECORD_COUNT, last_delta + 1);
	ls_store_be32(bytes + LS_BATCH_CRC, ls_batch_compute_crc(bytes, size));
	return size;
}

/* ---- Kafka's files ---------------------------------------------------------------------------------------- */

struct path_list {
	char (*items)[512];
	size_t count;
};

static struct path_list *collecting;
static const char *collected_ending;

static inline int collect_path(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	size_t size = strlen(path), ending_size = strlen(collected_ending);

	(void)st;
	(void)ftw;
	if (flag != FTW_F || size < ending_size || strcmp(path + size - ending_size, collected_ending) != 0)
		return 0;
	collecting->items = realloc(collecting->items, (collecting->count + 1) * sizeof collecting->items[0]);
	snprintf(collecting->items[collecting->count++], sizeof collecting->items[0], "%s", path);
	return 0;
}

static inline int compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Files below a folder of the test data whose names end so, in order. */
static inline struct path_list list_files(const char *relative, const char *ending)
{
	struct path_list list = {0};

	collecting = &list;
	collected_ending = ending;
	cr_assert_eq(nftw(ts_data(relative), collect_path, 32, FTW_PHYS), 0);
	cr_assert_gt(list.count, 0, "no %s below %s", ending, relative);
	qsort(list.items, list.count, sizeof list.items[0], compare_paths);
	return list;
}

#endif
