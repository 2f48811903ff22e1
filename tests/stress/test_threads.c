/*
 * One store, many threads at once: appenders, readers by cursor and by slice, and whoever rolls, flushes,
 * truncates, deletes records, looks up, lists, checkpoints, changes settings, makes and removes partitions.
 *
 * Every record tells its appender, its number among that appender's records and a checksum of the rest, so
 * whatever a reader gets can be judged by itself: intact, in order, below the bound, and for read_committed
 * not of a transaction that was to be aborted. A slice is right or stale.
 *
 * Partition "steady-0" is never truncated: there every acknowledged record must be found, in one row from
 * the log start on, at the end and after closing and opening again. "cut-0" is truncated all the time.
 *
 * usage: test_threads [MILLISECONDS [SEED]]
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <logstore/inspect.h>
#include <logstore/logstore.h>

#include "testlib.h"

#define APPENDERS 3
#define BATCH_MAX 8
#define PADDING_MAX 300

/* The value of a record. */
struct stamp {
	uint64_t checksum; /* of what follows */
	uint32_t appender;
	uint32_t aborted;  /* its transaction is going to be aborted */
	uint64_t number;   /* 0, 1, 2, ... per appender and partition */
	uint32_t size;     /* of the whole value */
	uint8_t padding[PADDING_MAX];
};

#define STAMP_FIXED ((size_t)offsetof(struct stamp, padding))

struct stage {
	char directory[256];
	logstore *store;
	logstore_partition *steady;
	logstore_partition *cut;
	uint64_t seed;
	int64_t deadline_ms;
	atomic_bool stop;
	atomic_uint failures;
	atomic_uint started;                       /* gives threads their numbers */
	atomic_ullong operations;
	uint64_t steady_numbers[APPENDERS];        /* next number; each written by its appender alone */
	uint64_t cut_numbers[APPENDERS];
};

static int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void __attribute__((format(printf, 2, 3))) fail(struct stage *stage, const char *format, ...)
{
	char text[900];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(stderr, "%s\n", text);
	atomic_fetch_add(&stage->failures, 1);
	atomic_store(&stage->stop, true);
}

static bool goes_on(struct stage *stage)
{
	atomic_fetch_add_explicit(&stage->operations, 1, memory_order_relaxed);
	return !atomic_load(&stage->stop) && clock_ms() < stage->deadline_ms;
}

static struct ts_rng own_rng(struct stage *stage)
{
	return (struct ts_rng){.state = stage->seed +
	                                UINT64_C(7919) * (1 + atomic_fetch_add(&stage->started, 1))};
}

/* ---- records ------------------------------------------------------------------------------------------- */

static uint64_t checksum(const struct stamp *stamp)
{
	const uint8_t *bytes = (const uint8_t *)stamp + sizeof stamp->checksum;
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < stamp->size - sizeof stamp->checksum; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
	return hash;
}

static void make_stamp(struct stamp *stamp, struct ts_rng *rng, uint32_t appender, uint64_t number,
                       bool aborted)
{
	size_t padding = ts_rng_below(rng, PADDING_MAX);

	stamp->appender = appender;
	stamp->aborted = aborted;
	stamp->number = number;
	stamp->size = (uint32_t)(STAMP_FIXED + padding);
	memset(stamp->padding, (int)('a' + number % 26), padding);
	stamp->checksum = checksum(stamp);
}

/* What one reader has seen on its way. */
struct sight {
	int64_t last_offset;
	bool any[APPENDERS];
	uint64_t number[APPENDERS];
	uint64_t count;
	bool gapless;   /* numbers of an appender must follow each other */
	bool committed;
};

static void begin_sight(struct sight *sight, int64_t offset)
{
	*sight = (struct sight){.last_offset = offset - 1};
}

static bool judge(struct stage *stage, struct sight *sight, const struct logstore_record *record)
{
	struct stamp stamp;
	uint32_t who;

	if (record->value_size < (int32_t)STAMP_FIXED || record->value_size > (int32_t)sizeof stamp) {
		fail(stage, "record %" PRId64 " has %d bytes", record->offset, record->value_size);
		return false;
	}
	memcpy(&stamp, record->value, (size_t)record->value_size);
	if (stamp.size != (uint32_t)record->value_size || stamp.checksum != checksum(&stamp) ||
	    stamp.appender >= APPENDERS) {
		fail(stage, "record %" PRId64 " is damaged", record->offset);
		return false;
	}
	who = stamp.appender;
	if (record->offset <= sight->last_offset || (sight->any[who] && stamp.number <= sight->number[who]) ||
	    (sight->gapless && sight->any[who] && stamp.number != sight->number[who] + 1)) {
		fail(stage,
		     "record %" PRId64 ", number %" PRIu64 " of %u, comes after offset %" PRId64
		     " and number %" PRIu64,
		     record->offset, stamp.number, who, sight->last_offset, sight->number[who]);
		return false;
	}
	if (sight->committed && stamp.aborted) {
		fail(stage, "record %" PRId64 " of an aborted transaction", record->offset);
		return false;
	}
	sight->last_offset = record->offset;
	sight->any[who] = true;
	sight->number[who] = stamp.number;
	sight->count++;
	return true;
}

/* ---- appending ----------------------------------------------------------------------------------------- */

struct appender {
	struct stage *stage;
	uint32_t id;
	struct ts_rng rng;
	int32_t sequence;        /* of its producer in "steady" */
	unsigned left;           /* batches until its transaction ends */
	bool aborts;
};

static bool append(struct appender *appender, logstore_partition *part, uint64_t *number, bool transactional)
{
	struct logstore_record records[BATCH_MAX] = {0};
	struct logstore_records_options records_options;
	struct logstore_append_options options;
	struct logstore_append_result result;
	struct stamp stamps[BATCH_MAX];
	struct logstore_error error;
	size_t count = 1 + ts_rng_below(&appender->rng, BATCH_MAX);
	int r;

	for (size_t i = 0; i < count; i++) {
		make_stamp(&stamps[i], &appender->rng, appender->id, *number + i,
		           transactional && appender->aborts);
		records[i].timestamp = LOGSTORE_NO_TIMESTAMP;
		records[i].key_size = -1;
		records[i].value = &stamps[i];
		records[i].value_size = (int32_t)stamps[i].size;
	}
	logstore_records_options_init(&records_options);
	records_options.codec = (int8_t)ts_rng_below(&appender->rng, 5);
	if (transactional) {
		records_options.producer_id = appender->id;
		records_options.producer_epoch = 0;
		records_options.base_sequence = appender->sequence;
		records_options.transactional = true;
	}
	logstore_append_options_init(&options);
	options.durability = ts_rng_below(&appender->rng, 50) == 0 ? LOGSTORE_FLUSHED : LOGSTORE_WRITTEN;
	r = logstore_append_records(part, records, count, &records_options, &options, &result, &error);
	if (r < 0 || result.duplicate || result.last_offset - result.first_offset + 1 != (int64_t)count) {
		fail(appender->stage, "append: %s: %s", logstore_error_name(r),
		     r < 0 ? error.text : "wrong offsets");
		return false;
	}
	*number += count;
	if (transactional)
		appender->sequence += (int32_t)count;
	return true;
}

static bool end_transaction(struct appender *appender)
{
	struct logstore_append_result result;
	struct logstore_marker marker;
	struct logstore_error error;
	int r;

	logstore_marker_init(&marker);
	marker.producer_id = appender->id;
	marker.producer_epoch = 0;
	marker.commit = !appender->aborts;
	r = logstore_append_marker(appender->stage->steady, &marker, NULL, &result, &error);
	if (r < 0)
		fail(appender->stage, "marker: %s: %s", logstore_error_name(r), error.text);
	return r == 0;
}

/* The first appender writes transactions, the others plain batches; all to both partitions. */
static void *run_appender(void *arg)
{
	struct appender *appender = arg;
	struct stage *stage = appender->stage;
	bool ok = true;

	appender->rng = own_rng(stage);
	while (ok && goes_on(stage)) {
		if (appender->id == 0 && appender->left == 0) {
			appender->left = 1 + (unsigned)ts_rng_below(&appender->rng, 4);
			appender->aborts = ts_rng_below(&appender->rng, 2) != 0;
		}
		ok = append(appender, stage->steady, &stage->steady_numbers[appender->id],
		            appender->id == 0) &&
		     append(appender, stage->cut, &stage->cut_numbers[appender->id], false);
		if (ok && appender->id == 0 && --appender->left == 0)
			ok = end_transaction(appender);
	}
	if (ok && appender->id == 0 && appender->left > 0)
		(void)end_transaction(appender);
	return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int64_t some_offset(logstore_partition *part, struct ts_rng *rng)
{
	struct logstore_offsets offsets;

	logstore_partition_offsets(part, &offsets);
	return offsets.log_start +
	       (int64_t)ts_rng_below(rng, (uint64_t)(offsets.log_end - offsets.log_start) + 1);
}

static logstore_partition *some_partition(struct stage *stage, struct ts_rng *rng)
{
	return ts_rng_below(rng, 2) ? stage->steady : stage->cut;
}

static void read_cursor(struct stage *stage, struct ts_rng *rng)
{
	logstore_partition *part = some_partition(stage, rng);
	int64_t offset = some_offset(part, rng);
	struct logstore_cursor_options options;
	struct logstore_entry entry;
	struct logstore_error error;
	logstore_cursor *cursor;
	struct sight sight;
	int r;

	logstore_cursor_options_init(&options);
	options.isolation = (uint8_t)ts_rng_below(rng, 3);
	options.buffer_bytes = 1 + ts_rng_below(rng, 20000);
	r = logstore_cursor_open(part, offset, &options, &cursor, &error);
	if (r == LOGSTORE_E_OFFSET_OUT_OF_RANGE)
		return;
	if (r < 0) {
		fail(stage, "cursor: %s: %s", logstore_error_name(r), error.text);
		return;
	}
	begin_sight(&sight, offset);
	sight.committed = options.isolation == LOGSTORE_READ_COMMITTED;
	sight.gapless = part == stage->steady && !sight.committed;
	for (int i = 0; i < 300 && (r = logstore_cursor_next(cursor, &entry, &error)) == 1; i++) {
		if (!judge(stage, &sight, &entry.record))
			break;
	}
	if (r < 0 && r != LOGSTORE_E_OFFSET_OUT_OF_RANGE)
		fail(stage, "cursor at %" PRId64 " of %s: %s: %s (%s)", logstore_cursor_offset(cursor),
		     logstore_partition_topic(part), logstore_error_name(r), error.text, error.path);
	(void)logstore_cursor_close(cursor);
}

/* The whole batches of a slice: intact, in order, at or after the offset, and below the bound. */
static void judge_slice(struct stage *stage, const struct logstore_slice *slice, int64_t offset,
                        int64_t bound, const uint8_t *bytes, size_t size, logstore_record_reader *reader)
{
	struct logstore_batch_info info;
	struct logstore_record record;
	struct logstore_error error;
	struct sight sight;
	size_t at = 0;
	int r = 0;

	begin_sight(&sight, 0);
	while (size - at >= LOGSTORE_BATCH_HEADER_SIZE) {
		r = logstore_batch_header(bytes + at, size - at, &info, &error);
		if (r < 0 || info.size > size - at)
			break;
		r = logstore_batch_check(bytes + at, info.size, &error);
		if (r < 0)
			break;
		if (info.last_offset < offset || info.last_offset >= bound) {
			fail(stage,
			     "a slice from %" PRId64 " to %" PRId64 " has a batch %" PRId64 "-%" PRId64,
			     offset, bound, info.base_offset, info.last_offset);
			return;
		}
		r = logstore_record_reader_start(reader, bytes + at, info.size, NULL, &error);
		while (r >= 0 && !info.control &&
		       (r = logstore_record_reader_next(reader, &record, &error)) == 1) {
			if (!judge(stage, &sight, &record))
				return;
		}
		if (r < 0)
			break;
		at += info.size;
	}
	if (r < 0)
		fail(stage,
		     "a slice from %" PRId64 " (%" PRId64 " at %" PRIu64 ", %" PRIu64
		     " bytes) at byte %zu: %s: %s",
		     offset, slice->segment_base, slice->position, slice->size, at, logstore_error_name(r),
		     error.text);
}

static void read_slice(struct stage *stage, struct ts_rng *rng, logstore_record_reader *reader)
{
	logstore_partition *part = some_partition(stage, rng);
	int64_t offset = some_offset(part, rng);
	struct logstore_read_options options;
	struct logstore_slice slice;
	struct logstore_error error;
	uint8_t bytes[16384];
	size_t n;
	int r;

	logstore_read_options_init(&options);
	options.isolation = (uint8_t)ts_rng_below(rng, 3);
	options.max_bytes = ts_rng_below(rng, sizeof bytes);
	r = logstore_read(part, offset, &options, &slice, &error);
	if (r == LOGSTORE_E_OFFSET_OUT_OF_RANGE)
		return;
	if (r < 0) {
		fail(stage, "read: %s: %s", logstore_error_name(r), error.text);
		return;
	}
	r = logstore_slice_read(&slice, 0, bytes, sizeof bytes, &n, &error);
	if (r == 0)
		judge_slice(stage, &slice, offset,
		            options.isolation == LOGSTORE_READ_COMMITTED        ? slice.last_stable
		            : options.isolation == LOGSTORE_READ_HIGH_WATERMARK ? slice.high_watermark
		                                                                : slice.log_end,
		            bytes, n, reader);
	else if (r != LOGSTORE_E_STALE || part == stage->steady)
		fail(stage, "slice: %s: %s", logstore_error_name(r), error.text);
	logstore_slice_release(&slice);
}

static void look_up(struct stage *stage, struct ts_rng *rng, int64_t from_ms)
{
	logstore_partition *part = some_partition(stage, rng);
	int64_t timestamp = from_ms + (int64_t)ts_rng_below(rng, 6000), end_offset;
	struct logstore_timestamp_offset found;
	struct logstore_offsets offsets;
	struct logstore_error error;
	int32_t epoch;
	int r;

	if (ts_rng_below(rng, 4) == 0)
		timestamp = LOGSTORE_TIMESTAMP_MAX;
	r = logstore_offset_for_timestamp(part, timestamp, (enum logstore_isolation)ts_rng_below(rng, 3),
	                                  &found, &error);
	if (r < 0)
		fail(stage, "lookup in %s: %s: %s", logstore_partition_topic(part), logstore_error_name(r),
		     error.text);
	else if (r == 1 && found.timestamp < timestamp)
		fail(stage, "lookup of %" PRId64 " finds %" PRId64 " at %" PRId64, timestamp, found.timestamp,
		     found.offset);
	(void)logstore_end_offset_for_epoch(part, (int32_t)ts_rng_below(rng, 3), &epoch, &end_offset);
	logstore_partition_offsets(part, &offsets);
	if (offsets.log_start > offsets.last_stable || offsets.last_stable > offsets.high_watermark ||
	    offsets.high_watermark > offsets.log_end || offsets.recovery_point > offsets.log_end)
		fail(stage, "bounds %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, offsets.log_start,
		     offsets.last_stable, offsets.high_watermark, offsets.log_end);
}

static void *run_reader(void *arg)
{
	struct stage *stage = arg;
	struct ts_rng rng = own_rng(stage);
	logstore_record_reader *reader;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (logstore_record_reader_new(NULL, 0, &reader) != 0)
		abort();
	while (goes_on(stage)) {
		switch (ts_rng_below(&rng, 4)) {
		case 0:
			read_cursor(stage, &rng);
			break;
		case 1:
			look_up(stage, &rng, (int64_t)now.tv_sec * 1000);
			break;
		default:
			read_slice(stage, &rng, reader);
			break;
		}
	}
	(void)logstore_record_reader_free(reader);
	return NULL;
}

/* ---- everybody else ------------------------------------------------------------------------------------ */

static void expect_ok(struct stage *stage, int r, const char *what, const struct logstore_error *error)
{
	if (r < 0)
		fail(stage, "%s: %s: %s (%s)", what, logstore_error_name(r), error->text, error->path);
}

/* Cuts a little off the end, now and then everything, and moves the starts. */
static void *run_cutter(void *arg)
{
	struct stage *stage = arg;
	struct ts_rng rng = own_rng(stage);

	while (goes_on(stage)) {
		struct logstore_offsets offsets;
		struct logstore_error error;
		int64_t offset, start, span;

		logstore_partition_offsets(stage->cut, &offsets);
		span = offsets.log_end - offsets.log_start;
		offset = offsets.log_end - (int64_t)ts_rng_below(&rng, (uint64_t)(span < 60 ? span : 60) + 1);
		switch (ts_rng_below(&rng, 40)) {
		case 0:
			expect_ok(stage, logstore_truncate_fully(stage->cut, offsets.log_end + 5, &error),
			          "truncate fully", &error);
			break;
		case 1:
			expect_ok(stage, logstore_truncate_fully(stage->cut, offsets.log_start, &error),
			          "truncate fully", &error);
			break;
		case 2:
			expect_ok(stage,
			          logstore_delete_records(stage->steady, some_offset(stage->steady, &rng),
			                                  &start, &error),
			          "delete records", &error);
			break;
		case 3:
			expect_ok(stage,
			          logstore_delete_records(stage->cut, offsets.log_start + span / 2, &start,
			                                  &error),
			          "delete records", &error);
			break;
		default:
			expect_ok(stage, logstore_truncate(stage->cut, offset, &error), "truncate", &error);
			break;
		}
	}
	return NULL;
}

static int look_at_segment(void *arg, const struct logstore_segment_info *info)
{
	struct stage *stage = arg;

	if (info->next_offset < info->base_offset)
		fail(stage, "segment %" PRId64 " ends at %" PRId64, info->base_offset, info->next_offset);
	return 0;
}

static int look_at_producer(void *arg, const struct logstore_producer_info *producer)
{
	struct stage *stage = arg;

	if (producer->producer_id < 0 || producer->producer_id >= APPENDERS)
		fail(stage, "producer %" PRId64, producer->producer_id);
	return 0;
}

static void change_settings(struct stage *stage, struct ts_rng *rng)
{
	logstore_partition *part = some_partition(stage, rng);
	struct logstore_error error;
	logstore_config *config;

	if (logstore_config_new(&config) != 0 ||
	    logstore_config_set(config, "flush.messages", ts_rng_below(rng, 2) ? "1000" : "5000", &error) !=
	            0)
		abort();
	expect_ok(stage, logstore_partition_set_config(part, config, &error), "set config", &error);
	config = logstore_config_free(config);
	expect_ok(stage, logstore_partition_get_config(part, &config, &error), "get config", &error);
	(void)logstore_config_free(config);
}

/* A partition of this thread's own comes and goes; the shared ones are opened a second time. */
static void come_and_go(struct stage *stage, int32_t number)
{
	struct logstore_listing *listings;
	struct logstore_error error;
	logstore_partition *part;
	size_t count;
	int r;

	r = logstore_partition_create(stage->store, "passing", number, NULL, &part, &error);
	expect_ok(stage, r, "create", &error);
	if (r == 0) {
		part = logstore_partition_close(part);
		r = logstore_list(stage->store, &listings, &count, &error);
		expect_ok(stage, r, "list", &error);
		if (r == 0)
			logstore_free_listings(stage->store, listings);
		expect_ok(stage, logstore_partition_delete(stage->store, "passing", number, &error), "delete",
		          &error);
	}
	r = logstore_partition_open(stage->store, "steady", 0, &part, &error);
	expect_ok(stage, r, "open", &error);
	if (r == 0)
		part = logstore_partition_close(part);
}

static void *run_keeper(void *arg)
{
	struct stage *stage = arg;
	struct ts_rng rng = own_rng(stage);
	int32_t number = (int32_t)ts_rng_below(&rng, 1000000);

	while (goes_on(stage)) {
		logstore_partition *part = some_partition(stage, &rng);
		struct logstore_error error;

		switch (ts_rng_below(&rng, 8)) {
		case 0:
			expect_ok(stage, logstore_roll(part, &error), "roll", &error);
			break;
		case 1:
		case 2:
			expect_ok(stage, logstore_flush(part, &error), "flush", &error);
			break;
		case 3:
			expect_ok(stage, logstore_checkpoint(stage->store, &error), "checkpoint", &error);
			break;
		case 4:
			change_settings(stage, &rng);
			break;
		case 5:
			expect_ok(stage, logstore_inspect_segments(part, look_at_segment, stage, &error),
			          "segments", &error);
			break;
		case 6:
			expect_ok(stage, logstore_inspect_producers(part, look_at_producer, stage, &error),
			          "producers", &error);
			break;
		default:
			come_and_go(stage, number);
			break;
		}
	}
	return NULL;
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

static bool open_stage(struct stage *stage, bool create)
{
	static const char *const settings[][2] = {
		{"internal.segment.bytes", "100000"},
		{"index.interval.bytes", "500"},
		{"retention.ms", "-1"},
	};
	struct logstore_options options;
	struct logstore_error error;
	logstore_config *config;
	int r;

	if (logstore_config_new(&config) != 0)
		abort();
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (logstore_config_set(config, settings[i][0], settings[i][1], &error) != 0)
			abort();
	}
	logstore_options_init(&options);
	options.defaults = config;
	r = logstore_open(stage->directory, &options, &stage->store, &error);
	(void)logstore_config_free(config);
	if (r == 0)
		r = create ? logstore_partition_create(stage->store, "steady", 0, NULL, &stage->steady,
		                                       &error)
		           : logstore_partition_open(stage->store, "steady", 0, &stage->steady, &error);
	if (r == 0)
		r = create ? logstore_partition_create(stage->store, "cut", 0, NULL, &stage->cut, &error)
		           : logstore_partition_open(stage->store, "cut", 0, &stage->cut, &error);
	if (r < 0)
		fail(stage, "opening: %s: %s (%s)", logstore_error_name(r), error.text, error.path);
	return r == 0;
}

static bool close_stage(struct stage *stage)
{
	struct logstore_error error;
	int r;

	stage->steady = logstore_partition_close(stage->steady);
	stage->cut = logstore_partition_close(stage->cut);
	r = logstore_close(stage->store, &error);
	if (r < 0)
		fail(stage, "closing: %s: %s (%s)", logstore_error_name(r), error.text, error.path);
	return r == 0;
}

/* Reads a whole partition. */
static bool survey(struct stage *stage, logstore_partition *part, struct sight *ret_sight)
{
	struct logstore_cursor_options options;
	struct logstore_offsets offsets;
	struct logstore_entry entry;
	struct logstore_error error;
	logstore_cursor *cursor;
	int r;

	logstore_partition_offsets(part, &offsets);
	logstore_cursor_options_init(&options);
	options.isolation = LOGSTORE_READ_LOG_END;
	r = logstore_cursor_open(part, offsets.log_start, &options, &cursor, &error);
	expect_ok(stage, r, "cursor", &error);
	if (r < 0)
		return false;
	begin_sight(ret_sight, offsets.log_start);
	ret_sight->gapless = part == stage->steady;
	while ((r = logstore_cursor_next(cursor, &entry, &error)) == 1) {
		if (!judge(stage, ret_sight, &entry.record))
			break;
	}
	expect_ok(stage, r, "reading all", &error);
	(void)logstore_cursor_close(cursor);
	return r == 0;
}

/* Everything acknowledged is there. */
static void survey_both(struct stage *stage, struct sight *steady, struct sight *cut)
{
	if (!survey(stage, stage->steady, steady) || !survey(stage, stage->cut, cut))
		return;
	for (unsigned i = 0; i < APPENDERS; i++) {
		if (steady->any[i] && steady->number[i] + 1 != stage->steady_numbers[i])
			fail(stage, "appender %u: %" PRIu64 " is the last of %" PRIu64 " records", i,
			     steady->number[i], stage->steady_numbers[i]);
	}
}

static void run_threads(struct stage *stage)
{
	static void *(*const others[])(void *) = {run_reader, run_reader, run_reader,
	                                          run_cutter, run_keeper, run_keeper};
	pthread_t threads[APPENDERS + sizeof others / sizeof others[0]];
	struct appender appenders[APPENDERS] = {0};
	size_t count = 0;

	for (uint32_t i = 0; i < APPENDERS; i++) {
		appenders[i].stage = stage;
		appenders[i].id = i;
		if (pthread_create(&threads[count++], NULL, run_appender, &appenders[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (pthread_create(&threads[count++], NULL, others[i], stage) != 0)
			abort();
	}
	while (count > 0)
		(void)pthread_join(threads[--count], NULL);
}

int main(int argc, char **argv)
{
	static struct stage stage;
	struct sight steady, cut, steady_again, cut_again;

	ts_tempdir(stage.directory);
	stage.seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)clock_ms();
	printf("seed %" PRIu64 "\n", stage.seed);
	if (!open_stage(&stage, true))
		return 1;
	stage.deadline_ms = clock_ms() + (argc > 1 ? strtol(argv[1], NULL, 0) : 5000);
	run_threads(&stage);
	survey_both(&stage, &steady, &cut);
	if (close_stage(&stage) && open_stage(&stage, false)) {
		survey_both(&stage, &steady_again, &cut_again);
		if (atomic_load(&stage.failures) == 0 &&
		    (steady.count != steady_again.count || cut.count != cut_again.count ||
		     steady.last_offset != steady_again.last_offset ||
		     cut.last_offset != cut_again.last_offset))
			fail(&stage,
			     "after opening again: %" PRIu64 " and %" PRIu64 " records, then %" PRIu64
			     " and %" PRIu64,
			     steady.count, cut.count, steady_again.count, cut_again.count);
		(void)close_stage(&stage);
	}
	printf("%llu operations, %" PRIu64 " and %" PRIu64 " records at the end, %u failures\n",
	       (unsigned long long)atomic_load(&stage.operations), steady.count, cut.count,
	       atomic_load(&stage.failures));
	if (atomic_load(&stage.failures) > 0) {
		printf("left as it was: %s\n", stage.directory);
		return 1;
	}
	ts_tempdir_remove(stage.directory);
	return 0;
}
