/*
 * For every operation of the public API: its n-th call to the file system fails (no access, no space, or a
 * transfer that is short), then its n-th allocation, for every n it reaches. After each fault:
 *
 * - the answer is a code and struct logstore_error carries the same one; outputs are untouched;
 * - what was there is still there, to the byte; a refused append has changed nothing;
 * - after a failed write or fsync of the log the partition is offline and stays so; after "no space" it
 *   takes appends again; the other partition goes on;
 * - closing leaves no memory and no descriptor behind, and a clean marker only if nothing is in doubt;
 * - whoever opens the directory next, for writing or reading, finds everything acknowledged.
 *
 * usage: test_faults [OPERATION]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define UNTOUCHED 0x5A

enum stage {
	ON_NOTHING,    /* no directory yet */
	ON_DIRECTORY,  /* a directory that was closed cleanly */
	ON_STORE,      /* the store is open, no partition */
	ON_PARTITION,  /* both partitions are open for writing */
	ON_READER,     /* both are open for reading, and an owner has gone on writing */
};

/* What a failure may have done to the partition. */
enum effect {
	READS,         /* nothing at all, and it stays online */
	APPENDS,       /* nothing, or it is offline */
	CUTS_END,      /* nothing, or it is offline and records at or above CUT are gone */
	CUTS_START,    /* the log start may have moved to CUT */
	SMALL_FILE,    /* nothing visible; may go offline */
};

#define CUT_NONE (-1)

struct operation {
	const char *name;
	enum stage stage;
	enum effect effect;
	/* Prepares what should not be part of the sweep; may be NULL. */
	void (*prepare)(struct world *world);
	/* Returns what the library returned; checks outputs itself. */
	int (*act)(struct world *world);
	/* What holds after success; may be NULL. */
	void (*verify)(struct world *world);
};

struct fault {
	int op;           /* enum logstore_io_op, or -1: an allocation */
	int error;        /* errno, or 0: short */
	uint64_t nth;
};

static int64_t cut;   /* of the operation at hand, or CUT_NONE */
static uint8_t *encoded;
static size_t encoded_size;
static struct world_log seen;

static void fill_untouched(void *output, size_t size)
{
	memset(output, UNTOUCHED, size);
}

static bool is_untouched(const void *output, size_t size)
{
	const uint8_t *bytes = output;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != UNTOUCHED)
			return false;
	}
	return true;
}

#define EXPECT_UNTOUCHED(world, output) \
	EXPECT(world, is_untouched(&(output), sizeof(output)), "an output was touched: " #output)

/* ---- opening and making -------------------------------------------------------------------------------- */

static int act_open(struct world *world)
{
	logstore *store;
	int r;

	fill_untouched(&store, sizeof store);
	r = world_open_store(world, false, &store, &world->error);
	if (r == 0)
		world->store = store;
	else
		EXPECT_UNTOUCHED(world, store);
	return r;
}

static int act_open_read_only(struct world *world)
{
	logstore *store;
	int r;

	fill_untouched(&store, sizeof store);
	r = world_open_store(world, true, &store, &world->error);
	if (r == 0)
		world->store = store;
	else
		EXPECT_UNTOUCHED(world, store);
	return r;
}

static int act_open_partition(struct world *world)
{
	logstore_partition *part;
	int r;

	fill_untouched(&part, sizeof part);
	r = logstore_partition_open(world->store, "t", 0, &part, &world->error);
	if (r == 0)
		world->part = part;
	else
		EXPECT_UNTOUCHED(world, part);
	return r;
}

static int act_create(struct world *world)
{
	struct logstore_create_options options;
	logstore_partition *part;
	logstore_config *config;
	int r;

	if (logstore_config_new(&config) != 0 ||
	    logstore_config_set(config, "retention.ms", "1000", NULL) != 0)
		abort();
	logstore_create_options_init(&options);
	options.config = config;
	fill_untouched(&part, sizeof part);
	r = logstore_partition_create(world->store, "new", 3, &options, &part, &world->error);
	(void)logstore_config_free(config);
	if (r == 0)
		part = logstore_partition_close(part);
	else
		EXPECT_UNTOUCHED(world, part);
	return r;
}

static bool is_listed(struct world *world, const char *topic)
{
	struct logstore_listing *listings;
	bool found = false;
	size_t count;

	EXPECT(world, logstore_list(world->store, &listings, &count, NULL) == 0,
	       "the directory cannot be listed");
	for (size_t i = 0; i < count; i++)
		found = found || strcmp(listings[i].topic, topic) == 0;
	logstore_free_listings(world->store, listings);
	return found;
}

static void verify_created(struct world *world)
{
	EXPECT(world, is_listed(world, "new"), "a created partition is not there");
}

static int act_list(struct world *world)
{
	struct logstore_listing *listings;
	size_t count;
	int r;

	fill_untouched(&listings, sizeof listings);
	fill_untouched(&count, sizeof count);
	r = logstore_list(world->store, &listings, &count, &world->error);
	if (r == 0) {
		EXPECT(world, count == 2, "%zu partitions are listed", count);
		logstore_free_listings(world->store, listings);
	} else {
		EXPECT_UNTOUCHED(world, listings);
		EXPECT_UNTOUCHED(world, count);
	}
	return r;
}

static int act_delete(struct world *world)
{
	return logstore_partition_delete(world->store, "u", 0, &world->error);
}

static void prepare_delete_opened(struct world *world)
{
	struct logstore_append_result result;
	struct world_batch batch;

	EXPECT(world, logstore_partition_open(world->store, "u", 0, &world->other, NULL) == 0, "open u");
	world_batch(world, &batch, 30, 4);
	EXPECT(world, logstore_append_records(world->other, batch.records, 4, NULL, NULL, &result, NULL) == 0,
	       "append");
	world->other = logstore_partition_close(world->other);
}

static void verify_deleted(struct world *world)
{
	EXPECT(world, !is_listed(world, "u"), "a deleted partition is still there");
}

/* ---- appending ----------------------------------------------------------------------------------------- */

static int judge_append(struct world *world, int r, const struct logstore_append_result *result, size_t count)
{
	if (r < 0) {
		EXPECT_UNTOUCHED(world, *result);
		return r;
	}
	EXPECT(world, !result->duplicate && result->first_offset == world->before.offsets.log_end,
	       "first offset %" PRId64, result->first_offset);
	EXPECT(world, result->last_offset == result->first_offset + (int64_t)count - 1,
	       "last offset %" PRId64, result->last_offset);
	world->added = (int64_t)count;
	return r;
}

static int append_records(struct world *world, size_t count,
                          const struct logstore_records_options *records_options,
                          const struct logstore_append_options *options)
{
	struct logstore_append_result result;
	struct world_batch batch;

	world_batch(world, &batch, 40, count);
	fill_untouched(&result, sizeof result);
	return judge_append(world,
	                    logstore_append_records(world->part, batch.records, count, records_options,
	                                            options, &result, &world->error),
	                    &result, count);
}

static int act_append(struct world *world)
{
	return append_records(world, 3, NULL, NULL);
}

static int act_append_flushed(struct world *world)
{
	struct logstore_append_options options;

	logstore_append_options_init(&options);
	options.durability = LOGSTORE_FLUSHED;
	return append_records(world, 3, NULL, &options);
}

static int act_append_transactional(struct world *world)
{
	struct logstore_records_options records_options;

	logstore_records_options_init(&records_options);
	records_options.producer_id = 7;
	records_options.producer_epoch = 0;
	records_options.base_sequence = 0;
	records_options.transactional = true;
	records_options.codec = LOGSTORE_CODEC_ZSTD;
	return append_records(world, 2, &records_options, NULL);
}

static int act_append_new_epoch(struct world *world)
{
	struct logstore_append_options options;

	logstore_append_options_init(&options);
	options.leader_epoch = 5;
	return append_records(world, 3, NULL, &options);
}

/* The active segment is nearly full, so the next append begins a new one. */
static void prepare_full_segment(struct world *world)
{
	struct logstore_offsets offsets;
	uint64_t segments;

	logstore_partition_offsets(world->part, &offsets);
	segments = offsets.segment_count;
	while (offsets.segment_count == segments) {
		struct logstore_append_result result;
		struct world_batch batch;

		world_batch(world, &batch, 41, 9);
		EXPECT(world,
		       logstore_append_records(world->part, batch.records, 9, NULL, NULL, &result, NULL) == 0,
		       "append");
		logstore_partition_offsets(world->part, &offsets);
	}
}

static int act_append_rolling(struct world *world)
{
	struct logstore_append_options options;

	logstore_append_options_init(&options);
	options.durability = LOGSTORE_FLUSHED;
	return append_records(world, 14, NULL, &options);
}

static void verify_rolled(struct world *world)
{
	struct logstore_offsets offsets;

	logstore_partition_offsets(world->part, &offsets);
	EXPECT(world, offsets.segment_count == world->before.offsets.segment_count + 1,
	       "no new segment was made");
}

/* Batches of a leader, more than go into one write. */
static void prepare_follower(struct world *world)
{
	struct logstore_batch_options options;
	struct logstore_offsets offsets;
	size_t room = 0;

	logstore_partition_offsets(world->part, &offsets);
	encoded = NULL;
	encoded_size = 0;
	for (int i = 0; i < 40; i++) {
		uint8_t *batch;
		size_t size;

		logstore_batch_options_init(&options);
		options.base_offset = offsets.log_end + i;
		options.leader_epoch = 2;
		batch = world_encode(world, &options, (unsigned)i, 1, &size);
		if (encoded_size + size > room) {
			room = 2 * (encoded_size + size);
			encoded = realloc(encoded, room);
			if (!encoded)
				abort();
		}
		memcpy(encoded + encoded_size, batch, size);
		encoded_size += size;
		free(batch);
	}
}

static int act_append_follower(struct world *world)
{
	struct logstore_append_options options;
	struct logstore_append_result result;

	logstore_append_options_init(&options);
	options.origin = LOGSTORE_ORIGIN_REPLICATION;
	fill_untouched(&result, sizeof result);
	return judge_append(
		world,
		logstore_append_batches(world->part, encoded, encoded_size, &options, &result, &world->error),
		&result, 40);
}

/* A batch of a producer that has to be compressed on the way. */
static void prepare_compressing(struct world *world)
{
	struct logstore_batch_options options;
	logstore_config *config;

	if (logstore_config_new(&config) != 0 ||
	    logstore_config_set(config, "compression.type", "lz4", NULL) != 0)
		abort();
	EXPECT(world, logstore_partition_override_config(world->part, config, NULL) == 0, "override");
	(void)logstore_config_free(config);
	logstore_batch_options_init(&options);
	options.codec = LOGSTORE_CODEC_GZIP;
	encoded = world_encode(world, &options, 50, 5, &encoded_size);
}

static int act_append_batch(struct world *world)
{
	struct logstore_append_result result;

	fill_untouched(&result, sizeof result);
	return judge_append(world, logstore_append_batches(world->part, encoded, encoded_size, NULL, &result,
	                                                   &world->error), &result, 5);
}

static int append_marker(struct world *world, bool commit, enum logstore_durability durability)
{
	struct logstore_append_options options;
	struct logstore_append_result result;
	struct logstore_marker marker;

	logstore_append_options_init(&options);
	options.durability = (uint8_t)durability;
	logstore_marker_init(&marker);
	marker.producer_id = 4;
	marker.producer_epoch = 0;
	marker.commit = commit;
	fill_untouched(&result, sizeof result);
	return judge_append(world,
	                    logstore_append_marker(world->part, &marker, &options, &result, &world->error),
	                    &result, 1);
}

static int act_commit(struct world *world)
{
	return append_marker(world, true, LOGSTORE_WRITTEN);
}

static int act_abort(struct world *world)
{
	return append_marker(world, false, LOGSTORE_WRITTEN);
}

static int act_abort_flushed(struct world *world)
{
	return append_marker(world, false, LOGSTORE_FLUSHED);
}

/* A long transaction of single batches, so that index entries reach the size at which they are written. */
static void prepare_many_entries(struct world *world)
{
	struct logstore_append_result result;
	struct world_batch batch;
	logstore_config *config;

	if (logstore_config_new(&config) != 0 ||
	    logstore_config_set(config, "internal.segment.bytes", "1000000", NULL) != 0 ||
	    logstore_config_set(config, "index.interval.bytes", "0", NULL) != 0)
		abort();
	EXPECT(world, logstore_partition_override_config(world->part, config, NULL) == 0, "override");
	(void)logstore_config_free(config);
	EXPECT(world, logstore_roll(world->part, NULL) == 0, "roll");
	for (int i = 0; i < 128; i++) {
		world_batch(world, &batch, 60, 1);
		EXPECT(world,
		       logstore_append_records(world->part, batch.records, 1, NULL, NULL, &result, NULL) == 0,
		       "append");
	}
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int act_read(struct world *world)
{
	struct logstore_read_options options;
	struct logstore_slice slice;
	uint8_t bytes[2000];
	size_t n;
	int r;

	logstore_read_options_init(&options);
	options.isolation = LOGSTORE_READ_COMMITTED;
	options.max_bytes = sizeof bytes;
	fill_untouched(&slice, sizeof slice);
	r = logstore_read(world->part, 20, &options, &slice, &world->error);
	if (r < 0) {
		EXPECT_UNTOUCHED(world, slice);
		return r;
	}
	fill_untouched(&n, sizeof n);
	r = logstore_slice_read(&slice, 0, bytes, sizeof bytes, &n, &world->error);
	if (r < 0)
		EXPECT_UNTOUCHED(world, n);
	else if (n != slice.size)
		r = -ENODATA;
	logstore_slice_release(&slice);
	EXPECT(world, r != -ENODATA, "%zu bytes were read", n);
	return r;
}

/* Reads all there is with one cursor, going on after an error: nothing may be missing or come twice. */
static int read_all(struct world *world, enum logstore_isolation isolation, size_t *ret_count)
{
	struct logstore_cursor_options options;
	struct logstore_entry entry;
	struct logstore_error later;
	logstore_cursor *cursor;
	int r, first = 0;
	size_t count = 0;

	logstore_cursor_options_init(&options);
	options.isolation = (uint8_t)isolation;
	options.control_records = isolation == LOGSTORE_READ_LOG_END;
	options.buffer_bytes = 500;
	fill_untouched(&cursor, sizeof cursor);
	r = logstore_cursor_open(world->part, world->before.offsets.log_start, &options, &cursor,
	                         &world->error);
	if (r < 0) {
		EXPECT_UNTOUCHED(world, cursor);
		return r;
	}
	for (;;) {
		fill_untouched(&entry, sizeof entry);
		r = logstore_cursor_next(cursor, &entry, first == 0 ? &world->error : &later);
		if (r == 0)
			break;
		if (r == 1) {
			seen.records[count++] = world_record_of(&entry.record);
			continue;
		}
		if (!is_untouched(&entry, sizeof entry) || first < 0) {
			(void)logstore_cursor_close(cursor);
			world_fail(world, "after %zu records: %s again, or an entry was touched", count,
			           logstore_error_name(r));
		}
		first = r;
	}
	(void)logstore_cursor_close(cursor);
	*ret_count = count;
	return first;
}

static size_t committed_count;

static void prepare_committed(struct world *world)
{
	EXPECT(world, read_all(world, LOGSTORE_READ_COMMITTED, &committed_count) == 0, "reading");
	EXPECT(world, committed_count > 10 && committed_count < world->before.count, "%zu committed records",
	       committed_count);
	fill_untouched(&world->error, sizeof world->error);
}

static int act_cursor_all(struct world *world)
{
	size_t count = SIZE_MAX;
	int r = read_all(world, LOGSTORE_READ_LOG_END, &count);

	if (count == SIZE_MAX)
		return r; /* it did not even open */
	seen.count = count;
	EXPECT(world, count == world->before.count && world_has(&seen, &world->before, 0, INT64_MAX),
	       "the cursor delivered %zu records, not %zu, or others", count, world->before.count);
	return r;
}

static int act_cursor_committed(struct world *world)
{
	size_t count = SIZE_MAX;
	int r = read_all(world, LOGSTORE_READ_COMMITTED, &count);

	EXPECT(world, count == SIZE_MAX || count == committed_count,
	       "the cursor delivered %zu records, not %zu", count, committed_count);
	return r;
}

static int lookup(struct world *world, int64_t timestamp)
{
	struct logstore_timestamp_offset found;
	int r;

	fill_untouched(&found, sizeof found);
	r = logstore_offset_for_timestamp(world->part, timestamp, LOGSTORE_READ_LOG_END, &found,
	                                  &world->error);
	if (r < 0) {
		EXPECT_UNTOUCHED(world, found);
		return r;
	}
	EXPECT(world, r == 1 && found.timestamp >= timestamp, "no record at %" PRId64, timestamp);
	return 0;
}

static int act_lookup(struct world *world)
{
	return lookup(world, INT64_C(1700000000000) + 701);
}

static int act_lookup_max(struct world *world)
{
	return lookup(world, LOGSTORE_TIMESTAMP_MAX);
}

static int count_producer(void *arg, const struct logstore_producer_info *producer)
{
	(void)producer;
	++*(size_t *)arg;
	return 0;
}

static int act_producers(struct world *world)
{
	size_t count = 0;
	int r = logstore_inspect_producers(world->part, count_producer, &count, &world->error);

	EXPECT(world, count == (r == 0 ? world->before.producer_count : 0), "%zu producers", count);
	return r;
}

static int count_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
	(void)epoch;
	(void)start_offset;
	++*(size_t *)arg;
	return 0;
}

static int act_epochs(struct world *world)
{
	size_t count = 0;
	int r = logstore_inspect_epochs(world->part, count_epoch, &count, &world->error);

	EXPECT(world, count == (r == 0 ? 2u : 0u), "%zu epochs", count);
	return r;
}

static int count_entry(void *arg, const struct logstore_file_entry *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

static int act_index(struct world *world)
{
	size_t count = 0;
	int r = logstore_inspect_index(world->part, 0, LOGSTORE_FILE_OFFSET_INDEX, count_entry, &count,
	                               &world->error);

	EXPECT(world, r < 0 || count > 0, "no index entry");
	return r;
}

static int act_get_config(struct world *world)
{
	logstore_config *config;
	int r;

	fill_untouched(&config, sizeof config);
	r = logstore_partition_get_config(world->part, &config, &world->error);
	if (r == 0)
		config = logstore_config_free(config);
	else
		EXPECT_UNTOUCHED(world, config);
	return r;
}

/* The owner goes on: appends, begins segments, drops old ones. */
static void prepare_owner(struct world *world)
{
	struct logstore_append_result result;
	struct world_batch batch;
	int64_t log_start;

	for (unsigned i = 0; i < 6; i++) {
		world_batch(world, &batch, 70 + i, 5);
		EXPECT(world,
		       logstore_append_records(world->owned, batch.records, 5, NULL, NULL, &result, NULL) ==
		               0,
		       "append of the owner");
	}
	EXPECT(world, logstore_delete_records(world->owned, 4, &log_start, NULL) == 0,
	       "delete records of the owner");
}

static int act_refresh(struct world *world)
{
	return logstore_partition_refresh(world->part, &world->error);
}

static void verify_refreshed(struct world *world)
{
	struct world_log now;

	world_look(world, world->part, &now);
	EXPECT(world, now.offsets.log_end == world->before.offsets.log_end + 30,
	       "the refreshed end is %" PRId64, now.offsets.log_end);
}

/* ---- cutting and settings ------------------------------------------------------------------------------ */

static int act_flush(struct world *world)
{
	return logstore_flush(world->part, &world->error);
}

static void verify_flushed(struct world *world)
{
	struct logstore_offsets offsets;

	logstore_partition_offsets(world->part, &offsets);
	EXPECT(world, offsets.recovery_point == offsets.log_end, "recovery point %" PRId64 " after a flush",
	       offsets.recovery_point);
}

static int act_roll(struct world *world)
{
	return logstore_roll(world->part, &world->error);
}

static int act_truncate(struct world *world)
{
	cut = 6; /* the beginning of a batch in the first segment */
	return logstore_truncate(world->part, cut, &world->error);
}

static void verify_truncated(struct world *world)
{
	struct world_log now;

	world_look(world, world->part, &now);
	EXPECT(world, now.offsets.log_end == cut && now.count == (size_t)cut, "the log ends at %" PRId64,
	       now.offsets.log_end);
	EXPECT(world, world_has(&now, &world->before, 0, cut), "records below the cut are gone");
}

static int act_truncate_tail(struct world *world)
{
	cut = world->before.offsets.log_end - 1;
	return logstore_truncate(world->part, cut, &world->error);
}

static void verify_truncated_tail(struct world *world)
{
	struct world_log now;

	world_look(world, world->part, &now);
	EXPECT(world, now.offsets.log_end == cut && world_has(&now, &world->before, 0, cut),
	       "the log ends at %" PRId64, now.offsets.log_end);
}

static int act_truncate_fully(struct world *world)
{
	cut = 1000;
	return logstore_truncate_fully(world->part, cut, &world->error);
}

/* To the base of a segment that is there. */
static int act_truncate_to_base(struct world *world)
{
	cut = 0;
	return logstore_truncate_fully(world->part, cut, &world->error);
}

static void prepare_moved_start(struct world *world)
{
	int64_t log_start;

	EXPECT(world, logstore_delete_records(world->part, 20, &log_start, NULL) == 0, "delete records");
}

/* Below the first segment. */
static int act_truncate_below(struct world *world)
{
	cut = 3;
	return logstore_truncate(world->part, cut, &world->error);
}

static void verify_emptied(struct world *world)
{
	struct world_log now;

	world_look(world, world->part, &now);
	EXPECT(world, now.producer_count == 0, "the producers are not forgotten");
	EXPECT(world, now.offsets.log_start == cut && now.offsets.log_end == cut && now.count == 0,
	       "the log goes from %" PRId64 " to %" PRId64, now.offsets.log_start, now.offsets.log_end);
}

static int act_delete_records(struct world *world)
{
	int64_t log_start;
	int r;

	cut = 22;
	fill_untouched(&log_start, sizeof log_start);
	r = logstore_delete_records(world->part, cut, &log_start, &world->error);
	if (r < 0)
		EXPECT_UNTOUCHED(world, log_start);
	else
		EXPECT(world, log_start == cut, "the start is said to be %" PRId64, log_start);
	return r;
}

static void verify_deleted_records(struct world *world)
{
	struct world_log now;

	world_look(world, world->part, &now);
	EXPECT(world, now.offsets.log_start == cut && world_has(&now, &world->before, cut, INT64_MAX),
	       "the log begins at %" PRId64, now.offsets.log_start);
	EXPECT(world, now.offsets.segment_count < world->before.offsets.segment_count,
	       "no segment was removed");
}

static int act_set_config(struct world *world)
{
	logstore_config *config;
	int r;

	if (logstore_config_new(&config) != 0 ||
	    logstore_config_set(config, "retention.ms", "12345", NULL) != 0)
		abort();
	r = logstore_partition_set_config(world->part, config, &world->error);
	(void)logstore_config_free(config);
	return r;
}

static void expect_retention(struct world *world, const char *value)
{
	logstore_config *config;

	EXPECT(world, logstore_partition_get_config(world->part, &config, NULL) == 0, "get config");
	if (strcmp(logstore_config_get(config, "retention.ms"), value) != 0) {
		(void)logstore_config_free(config);
		world_fail(world, "retention.ms is not %s", value);
	}
	(void)logstore_config_free(config);
}

static void verify_set_config(struct world *world)
{
	expect_retention(world, "12345");
}

static int act_override_config(struct world *world)
{
	logstore_config *config;
	int r;

	if (logstore_config_new(&config) != 0 ||
	    logstore_config_set(config, "retention.ms", "12345", NULL) != 0)
		abort();
	r = logstore_partition_override_config(world->part, config, &world->error);
	(void)logstore_config_free(config);
	return r;
}

static int act_set_leader_epoch(struct world *world)
{
	return logstore_set_leader_epoch(world->part, 9, &world->error);
}

static void verify_leader_epoch(struct world *world)
{
	struct logstore_offsets offsets;

	logstore_partition_offsets(world->part, &offsets);
	EXPECT(world, offsets.leader_epoch == 9, "the leader epoch is %d", offsets.leader_epoch);
}

static int act_checkpoint(struct world *world)
{
	return logstore_checkpoint(world->store, &world->error);
}

static int act_close(struct world *world)
{
	return world_close(world, &world->error);
}

static const struct operation operations[] = {
	{"open_new", ON_NOTHING, READS, NULL, act_open, NULL},
	{"open", ON_DIRECTORY, READS, NULL, act_open, NULL},
	{"open_read_only", ON_DIRECTORY, READS, NULL, act_open_read_only, NULL},
	{"open_partition", ON_STORE, READS, NULL, act_open_partition, NULL},
	{"create", ON_STORE, READS, NULL, act_create, verify_created},
	{"list", ON_STORE, READS, NULL, act_list, NULL},
	{"delete", ON_STORE, READS, NULL, act_delete, verify_deleted},
	{"delete_opened", ON_STORE, READS, prepare_delete_opened, act_delete, verify_deleted},
	{"append", ON_PARTITION, APPENDS, NULL, act_append, NULL},
	{"append_flushed", ON_PARTITION, APPENDS, NULL, act_append_flushed, verify_flushed},
	{"append_transactional", ON_PARTITION, APPENDS, NULL, act_append_transactional, NULL},
	{"append_new_epoch", ON_PARTITION, APPENDS, NULL, act_append_new_epoch, NULL},
	{"append_rolling", ON_PARTITION, APPENDS, prepare_full_segment, act_append_rolling, verify_rolled},
	{"append_follower", ON_PARTITION, APPENDS, prepare_follower, act_append_follower, NULL},
	{"append_compressing", ON_PARTITION, APPENDS, prepare_compressing, act_append_batch, NULL},
	{"append_many_entries", ON_PARTITION, APPENDS, prepare_many_entries, act_append, NULL},
	{"commit", ON_PARTITION, APPENDS, NULL, act_commit, NULL},
	{"abort", ON_PARTITION, APPENDS, NULL, act_abort, NULL},
	{"abort_flushed", ON_PARTITION, APPENDS, NULL, act_abort_flushed, verify_flushed},
	{"read", ON_PARTITION, READS, NULL, act_read, NULL},
	{"cursor", ON_PARTITION, READS, NULL, act_cursor_all, NULL},
	{"cursor_committed", ON_PARTITION, READS, prepare_committed, act_cursor_committed, NULL},
	{"lookup", ON_PARTITION, READS, NULL, act_lookup, NULL},
	{"lookup_max", ON_PARTITION, READS, NULL, act_lookup_max, NULL},
	{"producers", ON_PARTITION, READS, NULL, act_producers, NULL},
	{"epochs", ON_PARTITION, READS, NULL, act_epochs, NULL},
	{"index", ON_PARTITION, READS, NULL, act_index, NULL},
	{"get_config", ON_PARTITION, READS, NULL, act_get_config, NULL},
	{"reader", ON_READER, READS, NULL, act_cursor_all, NULL},
	{"reader_lookup", ON_READER, READS, NULL, act_lookup, NULL},
	{"refresh", ON_READER, READS, prepare_owner, act_refresh, verify_refreshed},
	{"flush", ON_PARTITION, APPENDS, NULL, act_flush, verify_flushed},
	{"roll", ON_PARTITION, APPENDS, NULL, act_roll, verify_rolled},
	{"truncate", ON_PARTITION, CUTS_END, NULL, act_truncate, verify_truncated},
	{"truncate_tail", ON_PARTITION, CUTS_END, NULL, act_truncate_tail, verify_truncated_tail},
	{"truncate_below", ON_PARTITION, CUTS_END, prepare_moved_start, act_truncate_below, verify_emptied},
	{"truncate_fully", ON_PARTITION, CUTS_END, NULL, act_truncate_fully, verify_emptied},
	{"truncate_to_base", ON_PARTITION, CUTS_END, NULL, act_truncate_to_base, verify_emptied},
	{"delete_records", ON_PARTITION, CUTS_START, NULL, act_delete_records, verify_deleted_records},
	{"set_config", ON_PARTITION, SMALL_FILE, NULL, act_set_config, verify_set_config},
	{"override_config", ON_PARTITION, SMALL_FILE, NULL, act_override_config, verify_set_config},
	{"set_leader_epoch", ON_PARTITION, SMALL_FILE, NULL, act_set_leader_epoch, verify_leader_epoch},
	{"checkpoint", ON_PARTITION, READS, NULL, act_checkpoint, NULL},
	{"close", ON_PARTITION, READS, NULL, act_close, NULL},
};

/* ---- after the fault ----------------------------------------------------------------------------------- */

static bool is_offline(struct world *world)
{
	struct logstore_error error;

	return logstore_flush(world->part, &error) == LOGSTORE_E_OFFLINE;
}

static bool is_no_space(int r)
{
	return r == LOGSTORE_E_FULL;
}

/* The answer itself. */
static void check_answer(struct world *world, const struct fault *fault, int r)
{
	const struct logstore_error *error = &world->error;

	if (r == 0) {
		EXPECT(world, is_untouched(error, sizeof *error), "success, but the error says: %s",
		       error->text);
		return;
	}
	EXPECT(world, fault->op < 0 || fault->error != 0, "a short transfer is taken for an error: %s",
	       logstore_error_name(r));
	EXPECT(world, error->code == r, "%s was returned, the error says %s: %.60s", logstore_error_name(r),
	       logstore_error_name(error->code), is_untouched(error->text, 8) ? "(unset)" : error->text);
	EXPECT(world, memchr(error->text, 0, sizeof error->text) && error->text[0], "the error has no text");
	EXPECT(world, memchr(error->path, 0, sizeof error->path), "the path has no end");
	if (fault->op < 0)
		EXPECT(world, r == -ENOMEM || r == LOGSTORE_E_OFFLINE, "no memory, but the answer is %s",
		       logstore_error_name(r));
	else
		EXPECT(world, error->sys_errno == fault->error || r != -fault->error,
		       "errno %d, but the error has %d", fault->error, error->sys_errno);
	if (fault->error == ENOSPC)
		EXPECT(world, is_no_space(r) || r == LOGSTORE_E_OFFLINE, "no space, but the answer is %s",
		       logstore_error_name(r));
}

/* Where the fault must be final, and where it must not. */
static void check_health(struct world *world, const struct operation *operation, const struct fault *fault,
                         int r)
{
	bool offline = is_offline(world);

	EXPECT(world, r != LOGSTORE_E_OFFLINE || offline, "said to be offline, but it is not");
	if (r == 0) /* index entries may fail behind an append that is told about its own bytes only */
		EXPECT(world,
		       !offline || (operation->effect == APPENDS && fault->op == LOGSTORE_IO_OP_PWRITEV),
		       "offline after success");
	if (operation->effect == READS)
		EXPECT(world, !offline, "offline after reading");
	if (fault->op < 0)
		EXPECT(world, !offline || operation->effect == CUTS_END, "offline for want of memory");
	if (operation->effect == APPENDS && r < 0) {
		/* A replacement of the epoch file that was not finished leaves the old one. */
		if (fault->op == LOGSTORE_IO_OP_DATASYNC && operation->act != act_append_new_epoch)
			EXPECT(world, offline, "online after a failed fsync");
		if (fault->op == LOGSTORE_IO_OP_PWRITEV && fault->error == EIO)
			EXPECT(world, offline, "online after a failed write");
		if (fault->op == LOGSTORE_IO_OP_PWRITEV && fault->error == ENOSPC)
			EXPECT(world, !offline, "offline for want of space");
	}
}

/* What the partition shows now. */
static void check_content(struct world *world, const struct operation *operation, int r, bool offline)
{
	const struct world_log *before = &world->before;
	int64_t from = before->offsets.log_start, to = INT64_MAX;
	struct world_log now;

	world_look(world, world->part, &now);
	if (operation->effect == CUTS_START && now.offsets.log_start != from) {
		EXPECT(world, now.offsets.log_start == cut, "the log begins at %" PRId64,
		       now.offsets.log_start);
		from = cut;
	}
	if (operation->effect == CUTS_END && (r == 0 || offline)) {
		to = cut;
		if (now.offsets.log_start > from)
			from = now.offsets.log_start;
	}
	EXPECT(world, world_has(&now, before, from, to), "records have changed (%zu, then %zu)",
	       before->count, now.count);
	if (r < 0 && !offline && operation->effect != CUTS_START)
		EXPECT(world, world_same(&now, before),
		       "a refused operation has changed something (end %" PRId64 ", then %" PRId64 ")",
		       before->offsets.log_end, now.offsets.log_end);
	if (r == 0 && operation->effect == APPENDS)
		EXPECT(world, now.offsets.log_end == before->offsets.log_end + world->added,
		       "the log ends at %" PRId64, now.offsets.log_end);
	if (operation->act == act_set_config && r < 0)
		expect_retention(world, "604800000");
}

/* Appends work again, or are refused for good; beside it everything goes on. */
static void check_going_on(struct world *world, bool offline)
{
	struct logstore_append_result result;
	struct logstore_error error;
	struct world_batch batch;
	int r;

	world_batch(world, &batch, 90, 2);
	r = logstore_append_records(world->part, batch.records, 2, NULL, NULL, &result, &error);
	EXPECT(world, r == (offline ? LOGSTORE_E_OFFLINE : 0), "an append afterwards: %s: %s",
	       logstore_error_name(r), error.text);
	r = logstore_append_records(world->other, batch.records, 2, NULL, NULL, &result, &error);
	EXPECT(world, r == 0, "an append to another partition: %s: %s", logstore_error_name(r), error.text);
	r = logstore_flush(world->other, &error);
	EXPECT(world, r == 0, "a flush of another partition: %s: %s", logstore_error_name(r), error.text);
}

/* The directory as the next one finds it. `last` is what t-0 showed last, u-0 is compared by its records. */
static void check_reopened(struct world *world, const struct operation *operation,
                           const struct world_log *last, bool clean, bool acted)
{
	struct logstore_error error;
	struct world_log now;
	int64_t from, to = INT64_MAX;
	int r;

	r = world_open_store(world, false, &world->store, &error);
	EXPECT(world, r == 0 || (!clean && r == LOGSTORE_E_UNCLEAN), "opening again: %s: %s",
	       logstore_error_name(r), error.text);
	if (r < 0) {
		r = world_open_store(world, true, &world->store, &error);
		EXPECT(world, r == 0, "opening for reading: %s: %s", logstore_error_name(r), error.text);
	}
	r = logstore_partition_open(world->store, "t", 0, &world->part, &error);
	EXPECT(world, r == 0, "opening t-0 again: %s: %s (%s)", logstore_error_name(r), error.text,
	       error.path);
	world_look(world, world->part, &now);
	from = last->offsets.log_start;
	if (operation->effect == CUTS_START && now.offsets.log_start > from && now.offsets.log_start <= cut)
		from = now.offsets.log_start;
	if (operation->effect == CUTS_END && acted) {
		to = cut;
		if (now.offsets.log_start > from)
			from = now.offsets.log_start;
	}
	EXPECT(world, world_has(&now, last, from, to), "acknowledged records are gone: %zu, then %zu (%s)",
	       last->count, now.count, clean ? "clean" : "unclean");
	/* Segments below the start that could not be removed are back, out of sight. */
	if (operation->effect == CUTS_START && now.offsets.size > last->offsets.size)
		now.offsets.size = last->offsets.size;
	if (clean)
		EXPECT(world, world_same(&now, last),
		       "after a clean close it is not as before: %" PRId64 "-%" PRId64 " then %" PRId64
		       "-%" PRId64 ", producers %zu then %zu, size %" PRIu64 " then %" PRIu64,
		       last->offsets.log_start, last->offsets.log_end, now.offsets.log_start,
		       now.offsets.log_end, last->producer_count, now.producer_count, last->offsets.size,
		       now.offsets.size);
	r = logstore_partition_open(world->store, "u", 0, &world->other, &error);
	if (r == LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION && operation->act == act_delete)
		r = 0;
	else if (r == 0)
		world_look(world, world->other, &now);
	EXPECT(world, r == 0, "opening u-0 again: %s: %s", logstore_error_name(r), error.text);
	if (world->other)
		EXPECT(world, world_has(&now, &world->other_before, 0, INT64_MAX), "u-0 has lost records");
	(void)world_close(world, &error);
}

static void check_nothing_left(struct world *world)
{
	EXPECT(world, logstore_sim_open_descriptors(world->sim) == 0, "%" PRIu64 " descriptors are open",
	       logstore_sim_open_descriptors(world->sim));
	EXPECT(world, atomic_load(&world->alloc.outstanding) == 0, "%ld blocks of memory are left",
	       atomic_load(&world->alloc.outstanding));
}

/* ---- one case ------------------------------------------------------------------------------------------ */

static void set_up(struct world *world, const struct operation *operation)
{
	cut = CUT_NONE;
	if (operation->stage != ON_NOTHING)
		world_make(world);
	/* What is known to be there, for stages in which nobody has the partitions open. */
	if (operation->stage == ON_DIRECTORY || operation->stage == ON_STORE) {
		world_open(world, true);
		EXPECT(world, world_close(world, NULL) == 0, "closing a reader");
	}
	if (operation->stage == ON_STORE)
		EXPECT(world, world_open_store(world, false, &world->store, NULL) == 0, "open");
	if (operation->stage == ON_PARTITION)
		world_open(world, false);
	if (operation->stage == ON_READER) {
		EXPECT(world, world_open_store(world, false, &world->owner, NULL) == 0, "open the owner");
		EXPECT(world, logstore_partition_open(world->owner, "t", 0, &world->owned, NULL) == 0,
		       "open the owner");
		world_open(world, true);
	}
	fill_untouched(&world->error, sizeof world->error);
	if (operation->prepare)
		operation->prepare(world);
	if (operation->stage == ON_PARTITION)
		world_look(world, world->part, &world->before);
	if (operation->act == act_delete && operation->prepare) {
		EXPECT(world, logstore_partition_open(world->store, "u", 0, &world->other, NULL) == 0,
		       "open u-0");
		world_look(world, world->other, &world->other_before);
		world->other = logstore_partition_close(world->other);
	}
}

static void order(struct world *world, const struct fault *fault)
{
	if (fault->op >= 0)
		logstore_sim_fail_nth(world->sim, fault->nth, fault->error, UINT32_C(1) << fault->op);
	else
		atomic_store(&world->alloc.fail_at, atomic_load(&world->alloc.requests) + (long)fault->nth);
}

/* Takes the order back. Returns whether the fault had happened. */
static bool was_delivered(struct world *world, const struct fault *fault)
{
	bool delivered =
		fault->op >= 0 ? !logstore_sim_fault_pending(world->sim) : ts_alloc_failed(&world->alloc);

	logstore_sim_fail_nth(world->sim, 0, 0, 0);
	atomic_store(&world->alloc.fail_at, 0);
	return delivered;
}

/* What failed can be done now: nothing half-made is in the way. */
static void check_again(struct world *world, const struct operation *operation)
{
	int r;

	EXPECT(world, operation->act != act_create || !is_listed(world, "new"), "half a partition is left");
	r = operation->act(world);
	/* Deleting may have failed after the partition was gone, at the checkpoints. */
	EXPECT(world, r == 0 || (operation->act == act_delete && r == LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION),
	       "the second time: %s: %s", logstore_error_name(r), world->error.text);
	if (operation->verify)
		operation->verify(world);
}

static void after_fault(struct world *world, const struct operation *operation, const struct fault *fault,
                        int r)
{
	bool offline = false, clean = true;
	struct logstore_error error;
	struct world_log last = world->before;
	int closed;

	check_answer(world, fault, r);
	if (operation->stage == ON_STORE && r < 0)
		check_again(world, operation);
	if (operation->stage == ON_PARTITION && world->store) {
		offline = is_offline(world);
		check_health(world, operation, fault, r);
		check_content(world, operation, r, offline);
		if (r == 0 && operation->verify)
			operation->verify(world);
		if (operation->effect != CUTS_END || !offline)
			check_going_on(world, offline);
		world_look(world, world->part, &last);
	} else if (r == 0 && operation->verify) {
		operation->verify(world);
	}
	if (operation->stage == ON_READER) {
		if (operation->act != act_refresh || r < 0)
			check_content(world, operation, r, false);
		EXPECT(world, logstore_partition_refresh(world->part, &error) == 0, "a later refresh: %s",
		       error.text);
		if (operation->verify)
			operation->verify(world);
		world_look(world, world->owned, &last);
		world->owned = logstore_partition_close(world->owned);
	}
	if (operation->stage == ON_READER) {
		closed = logstore_close(world->owner, &error);
		EXPECT(world, closed == 0, "closing the owner: %s", error.text);
		world->owner = NULL;
	}
	if (world->store) {
		if (operation->stage == ON_STORE && !world->part)
			EXPECT(world,
			       logstore_partition_open(world->store, "t", 0, &world->part, &error) == 0,
			       "opening a partition later: %s", error.text);
		closed = world_close(world, &error);
		clean = closed == 0;
		EXPECT(world, clean != offline, "closing: %s (the partition is %s)",
		       clean ? "0" : error.text, offline ? "offline" : "online");
	} else {
		/* Opening or closing failed. A failed opening leaves a clean directory clean. */
		clean = r == 0 || operation->act == act_open || operation->act == act_open_read_only;
	}
	check_nothing_left(world);
	if (operation->stage != ON_NOTHING)
		check_reopened(world, operation, &last, clean, r < 0 || operation->effect == CUTS_END);
	else
		EXPECT(world,
		       world_open_store(world, false, &world->store, &error) == 0 &&
		               world_close(world, &error) == 0,
		       "opening a new directory again: %s", error.text);
	check_nothing_left(world);
}

enum outcome {
	HELD,
	NOT_REACHED,
	BROKEN,
	BROKEN_WITHOUT, /* and there was no fault */
};

static enum outcome run_case(const struct operation *operation, const struct fault *fault)
{
	static struct world world;
	static bool delivered;
	int r;

	delivered = false;
	world_init(&world);
	encoded = NULL;
	if (setjmp(world.failed) != 0) {
		printf("%s, fault %d %s, the %" PRIu64 "th: %s\n", operation->name, fault->op,
		       fault->op < 0  ? "no memory"
		       : fault->error ? strerror(fault->error)
		                      : "short",
		       fault->nth, world.failure);
		free(encoded);
		/* What was open stays open: nothing can be relied on any more. */
		return delivered ? BROKEN : BROKEN_WITHOUT;
	}
	set_up(&world, operation);
	order(&world, fault);
	r = operation->act(&world);
	delivered = was_delivered(&world, fault);
	EXPECT(&world, delivered || r == 0, "without a fault: %s: %s", logstore_error_name(r),
	       world.error.text);
	after_fault(&world, operation, fault, r);
	free(encoded);
	world_fini(&world);
	return delivered ? HELD : NOT_REACHED;
}

/* ---- sweeps -------------------------------------------------------------------------------------------- */

struct tally {
	unsigned long cases;
	unsigned long broken;
};

static void sweep(const struct operation *operation, int op, int error, struct tally *tally)
{
	struct fault fault = {.op = op, .error = error, .nth = 1};

	for (;; fault.nth++) {
		enum outcome outcome = run_case(operation, &fault);

		tally->cases++;
		tally->broken += outcome == BROKEN || outcome == BROKEN_WITHOUT;
		if (outcome == NOT_REACHED || outcome == BROKEN_WITHOUT)
			return;
	}
}

/* Operations that may want space. */
#define WANTS_SPACE (UINT32_C(1) << LOGSTORE_IO_OP_OPEN | UINT32_C(1) << LOGSTORE_IO_OP_CLOSE | \
                     UINT32_C(1) << LOGSTORE_IO_OP_PWRITEV | UINT32_C(1) << LOGSTORE_IO_OP_DATASYNC | \
                     UINT32_C(1) << LOGSTORE_IO_OP_TRUNCATE | UINT32_C(1) << LOGSTORE_IO_OP_RENAME | \
                     UINT32_C(1) << LOGSTORE_IO_OP_UNLINK | UINT32_C(1) << LOGSTORE_IO_OP_MKDIR | \
                     UINT32_C(1) << LOGSTORE_IO_OP_SYNC_DIR)

static void sweep_operation(const struct operation *operation, struct tally *tally)
{
	for (int op = LOGSTORE_IO_OP_OPEN; op <= LOGSTORE_IO_OP_LOCK; op++) {
		sweep(operation, op, EIO, tally);
		if (WANTS_SPACE & UINT32_C(1) << op)
			sweep(operation, op, ENOSPC, tally);
	}
	sweep(operation, LOGSTORE_IO_OP_PREAD, 0, tally);
	sweep(operation, LOGSTORE_IO_OP_PWRITEV, 0, tally);
	sweep(operation, -1, 0, tally);
}

int main(int argc, char **argv)
{
	struct tally tally = {0};
	bool found = false;

	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		unsigned long cases = tally.cases;

		if (argc > 1 && strcmp(argv[1], operations[i].name) != 0)
			continue;
		found = true;
		sweep_operation(&operations[i], &tally);
		printf("%-22s %lu cases\n", operations[i].name, tally.cases - cases);
		(void)fflush(stdout);
	}
	if (!found) {
		printf("there is no operation %s\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	printf("%lu cases, %lu broken\n", tally.cases, tally.broken);
	return tally.broken ? 1 : 0;
}
