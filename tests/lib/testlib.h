/*
 * What several tests need: a counting allocator that fails on order, seeded random numbers that print
 * their seed, temporary directories, paths of test data. Link with testlib.c.
 */
#ifndef TESTS_LIB_TESTLIB_H
#define TESTS_LIB_TESTLIB_H

#include <logstore/env.h>
#include <stdatomic.h>

#include "base/env.h"

/* An allocator that counts what is out and fails the n-th request. Memory it hands out is filled with 0xA5. */
struct ts_alloc {
	atomic_long outstanding; /* blocks not freed */
	atomic_long requests;    /* alloc and realloc calls so far */
	atomic_long fail_at;     /* 1-based request that fails; 0: none */
	struct logstore_env env; /* defaults, with this allocator */
	struct ls_env ls;        /* the same, resolved */
};

void ts_alloc_init(struct ts_alloc *alloc);
/* Whether the ordered failure has happened (a sweep ends when it has not). */
bool ts_alloc_failed(const struct ts_alloc *alloc);

/*
 * For `.fini` of a test suite: aborts if the process leaked (address sanitizer builds). Criterion's workers
 * end without exit hooks, so leaks are looked for here or not at all.
 */
void ts_check_leaks(void);

/* Random numbers: splitmix64. The seed is LOGSTORE_TEST_SEED, or the given default; it is printed once. */
struct ts_rng {
	uint64_t state;
};
void ts_rng_init(struct ts_rng *rng, uint64_t default_seed);
uint64_t ts_rng_next(struct ts_rng *rng);
/* 0 .. bound-1 */
uint64_t ts_rng_below(struct ts_rng *rng, uint64_t bound);
void ts_rng_fill(struct ts_rng *rng, void *buffer, size_t size);

/* A fresh directory, removed with its content by ts_tempdir_remove(). */
void ts_tempdir(char ret_path[256]);
void ts_tempdir_remove(const char *path);

/* "<test data>/<relative>": LOGSTORE_TEST_DATA is set by meson. Static buffers, 8 of them in turn. */
const char *ts_data(const char *relative);
/* Reads a whole file with malloc; aborts the test if it cannot. */
uint8_t *ts_read_file(const char *path, size_t *ret_size);
/* Hex text to bytes (malloc). */
uint8_t *ts_hex(const char *hex, size_t *ret_size);
/* Copies a directory tree; aborts the test if it cannot. */
void ts_copy_tree(const char *from, const char *to);

#endif
