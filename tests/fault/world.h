/*
 * A data directory on a simulated file system with a partition "t-0" of several segments and "u-0" beside
 * it, and what is known to be in them: the stage on which the fault sweep lets one call fail.
 */
#ifndef TESTS_FAULT_WORLD_H
#define TESTS_FAULT_WORLD_H

#include <logstore/inspect.h>
#include <logstore/logstore.h>
#include <setjmp.h>

#include "testlib.h"

#define WORLD_RECORDS_MAX 512
#define WORLD_PRODUCERS_MAX 8

/* One record, as far as it has to survive. */
struct world_record {
	int64_t offset;
	int64_t timestamp;
	uint64_t hash;    /* of key, value and headers */
};

/* What a partition shows: bounds, records (control records included), producers. */
struct world_log {
	struct logstore_offsets offsets;
	size_t count;
	struct world_record records[WORLD_RECORDS_MAX];
	size_t producer_count;
	struct logstore_producer_info producers[WORLD_PRODUCERS_MAX];
};

struct world {
	logstore_sim *sim;
	struct ts_alloc alloc;
	struct logstore_env env;
	int64_t now_ms;
	logstore *store;
	logstore_partition *part;    /* t-0 */
	logstore_partition *other;   /* u-0 */
	logstore *owner;             /* a second store, for readers beside a live owner */
	logstore_partition *owned;
	struct world_log before;     /* t-0 just before the fault */
	struct world_log other_before;
	struct logstore_error error; /* of the operation under test; 0x5A where nobody wrote */
	int64_t added;               /* records that the operation appends when it succeeds */
	jmp_buf failed;
	char failure[512];
};

/* Ends the case at hand as failed. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

#define EXPECT(world, condition, ...) \
	do { \
		if (!(condition)) \
			world_fail(world, __VA_ARGS__); \
	} while (0)

void world_init(struct world *world);
void world_fini(struct world *world);

/* Opens the store. `ret_error` as the public function. */
int world_open_store(struct world *world, bool read_only, logstore **ret_store,
                     struct logstore_error *ret_error);
/* Makes the directory with both partitions and closes it. */
void world_make(struct world *world);
/* Opens the store and both partitions for writing (or reading), and notes what they hold. */
void world_open(struct world *world, bool read_only);
/* Gives all handles back and closes the store. Returns what closing returned. */
int world_close(struct world *world, struct logstore_error *ret_error);

/* Records of one batch: `count` of them, told apart by `stamp`. */
#define WORLD_BATCH_MAX 64
struct world_batch {
	struct logstore_record records[WORLD_BATCH_MAX];
	char bytes[WORLD_BATCH_MAX][64];
	size_t count;
};
void world_batch(const struct world *world, struct world_batch *batch, unsigned stamp, size_t count);
/* A batch of records in wire form, with malloc. */
uint8_t *world_encode(struct world *world, const struct logstore_batch_options *options, unsigned stamp,
                      size_t count, size_t *ret_size);

/* Reads everything from the log start on; fails the case if that fails. */
void world_look(struct world *world, logstore_partition *part, struct world_log *ret_log);
/* Whether two looks agree; leader epochs and the layout in segments are left out. */
bool world_same(const struct world_log *a, const struct world_log *b);
/* Whether `log` begins with the records of `prefix` in [from, to). */
bool world_has(const struct world_log *log, const struct world_log *records, int64_t from, int64_t to);
/* A record, as far as it is compared. */
struct world_record world_record_of(const struct logstore_record *record);

#endif
