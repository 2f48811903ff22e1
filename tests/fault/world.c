#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_fail(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(world->failure, sizeof world->failure, format, args);
	va_end(args);
	longjmp(world->failed, 1);
}

static int64_t world_clock(void *ctx)
{
	return ((struct world *)ctx)->now_ms;
}

static int world_random(void *ctx, void *buffer, size_t size)
{
	uint8_t *bytes = buffer;

	(void)ctx;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(17 * i + 1);
	return 0;
}

void world_init(struct world *world)
{
	memset(world, 0, sizeof *world);
	world->now_ms = INT64_C(1700000000000);
	if (logstore_sim_new(1, &world->sim) != 0)
		abort();
	ts_alloc_init(&world->alloc);
	world->env = world->alloc.env;
	world->env.io = logstore_sim_io(world->sim);
	world->env.clock.wall_ms = world_clock;
	world->env.clock.ctx = world;
	world->env.random.bytes = world_random;
}

void world_fini(struct world *world)
{
	world->sim = logstore_sim_free(world->sim);
}

/* ---- opening and closing ------------------------------------------------------------------------------- */

int world_open_store(struct world *world, bool read_only, logstore **ret_store,
                     struct logstore_error *ret_error)
{
	static const char *const settings[][2] = {
		{"internal.segment.bytes", "1200"},
		{"index.interval.bytes", "150"},
		{"segment.index.bytes", "10240"},
	};
	struct logstore_options options;
	logstore_config *config;
	int r;

	if (logstore_config_new(&config) != 0)
		abort();
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (logstore_config_set(config, settings[i][0], settings[i][1], NULL) != 0)
			abort();
	}
	logstore_options_init(&options);
	options.create = !read_only;
	options.read_only = read_only;
	options.env = &world->env;
	options.defaults = config;
	r = logstore_open("/data", &options, ret_store, ret_error);
	(void)logstore_config_free(config);
	return r;
}

static void must(struct world *world, int r, const char *what, const struct logstore_error *error)
{
	EXPECT(world, r == 0, "%s without a fault: %s: %s", what, logstore_error_name(r), error->text);
}

int world_close(struct world *world, struct logstore_error *ret_error)
{
	logstore *store = world->store;

	world->part = logstore_partition_close(world->part);
	world->other = logstore_partition_close(world->other);
	world->store = NULL;
	return logstore_close(store, ret_error);
}

/* ---- content ------------------------------------------------------------------------------------------- */

void world_batch(const struct world *world, struct world_batch *batch, unsigned stamp, size_t count)
{
	batch->count = count;
	for (size_t i = 0; i < count; i++) {
		char *bytes = batch->bytes[i];
		int key = snprintf(bytes, 16, "key-%zu", i % 5);
		int value = snprintf(bytes + 16, 48, "value %u of batch %u, padded to some length",
		                     (unsigned)i, stamp);

		batch->records[i] = (struct logstore_record){
			.timestamp = world->now_ms + (int64_t)i,
			.key = bytes,
			.key_size = key,
			.value = bytes + 16,
			.value_size = value < 48 ? value : 47,
		};
	}
}

uint8_t *world_encode(struct world *world, const struct logstore_batch_options *options, unsigned stamp,
                      size_t count, size_t *ret_size)
{
	logstore_batch_builder *builder;
	struct world_batch batch;
	const void *bytes;
	uint8_t *copy;
	size_t size;

	world_batch(world, &batch, stamp, count);
	if (logstore_batch_builder_new(NULL, &builder) != 0 ||
	    logstore_batch_builder_start(builder, options, NULL) != 0)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (logstore_batch_builder_add(builder, &batch.records[i], false, NULL) != 0)
			abort();
	}
	if (logstore_batch_builder_finish(builder, &bytes, &size, NULL) != 0)
		abort();
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	(void)logstore_batch_builder_free(builder);
	*ret_size = size;
	return copy;
}

static void append(struct world *world, logstore_partition *part, unsigned stamp, size_t count,
                   int64_t producer_id, int32_t sequence, bool transactional)
{
	struct logstore_records_options options;
	struct logstore_append_result result;
	struct logstore_error error;
	struct world_batch batch;

	world_batch(world, &batch, stamp, count);
	logstore_records_options_init(&options);
	options.producer_id = producer_id;
	options.producer_epoch = producer_id >= 0 ? 0 : LOGSTORE_NO_EPOCH;
	options.base_sequence = sequence;
	options.transactional = transactional;
	options.codec = (int8_t)(stamp % 5);
	must(world, logstore_append_records(part, batch.records, count, &options, NULL, &result, &error),
	     "append", &error);
	world->now_ms += 100;
}

static void append_marker(struct world *world, logstore_partition *part, int64_t producer_id, bool commit)
{
	struct logstore_append_result result;
	struct logstore_marker marker;
	struct logstore_error error;

	logstore_marker_init(&marker);
	marker.producer_id = producer_id;
	marker.producer_epoch = 0;
	marker.commit = commit;
	must(world, logstore_append_marker(part, &marker, NULL, &result, &error), "marker", &error);
}

/* Plain and idempotent batches; committed, aborted and open transactions; over several segments. */
static void fill(struct world *world)
{
	struct logstore_error error;

	append(world, world->other, 1, 3, LOGSTORE_NO_PRODUCER_ID, LOGSTORE_NO_SEQUENCE, false);
	for (unsigned i = 0; i < 6; i++)
		append(world, world->part, i, 3, LOGSTORE_NO_PRODUCER_ID, LOGSTORE_NO_SEQUENCE, false);
	must(world, logstore_set_leader_epoch(world->part, 2, &error), "leader epoch", &error);
	append(world, world->part, 10, 2, 1, 0, false);
	append(world, world->part, 11, 2, 1, 2, false);
	append(world, world->part, 12, 2, 3, 0, true);
	append_marker(world, world->part, 3, true);
	append(world, world->part, 13, 2, 3, 2, true);
	append_marker(world, world->part, 3, false);
	append(world, world->part, 14, 4, LOGSTORE_NO_PRODUCER_ID, LOGSTORE_NO_SEQUENCE, false);
	append(world, world->part, 15, 2, 4, 0, true);
	append(world, world->part, 16, 3, LOGSTORE_NO_PRODUCER_ID, LOGSTORE_NO_SEQUENCE, false);
}

void world_make(struct world *world)
{
	struct logstore_error error;

	must(world, world_open_store(world, false, &world->store, &error), "open", &error);
	must(world, logstore_partition_create(world->store, "t", 0, NULL, &world->part, &error), "create",
	     &error);
	must(world, logstore_partition_create(world->store, "u", 0, NULL, &world->other, &error), "create",
	     &error);
	fill(world);
	must(world, world_close(world, &error), "close", &error);
}

void world_open(struct world *world, bool read_only)
{
	struct logstore_error error;

	must(world, world_open_store(world, read_only, &world->store, &error), "open", &error);
	must(world, logstore_partition_open(world->store, "t", 0, &world->part, &error), "open partition",
	     &error);
	must(world, logstore_partition_open(world->store, "u", 0, &world->other, &error), "open partition",
	     &error);
	if (!read_only) {
		/* Something that no fsync has seen yet, and a transaction that is open. */
		append(world, world->part, 20, 3, LOGSTORE_NO_PRODUCER_ID, LOGSTORE_NO_SEQUENCE, false);
		append(world, world->part, 21, 2, 4, 2, true);
		append(world, world->part, 22, 1, 1, 4, false);
	}
	world_look(world, world->part, &world->before);
	world_look(world, world->other, &world->other_before);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, int64_t size)
{
	const uint8_t *p = bytes;

	hash = (hash ^ (uint64_t)size) * UINT64_C(0x100000001B3);
	for (int64_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001B3);
	return hash;
}

struct world_record world_record_of(const struct logstore_record *record)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	hash = hash_bytes(hash, record->key, record->key_size);
	hash = hash_bytes(hash, record->value, record->value_size);
	return (struct world_record){.offset = record->offset, .timestamp = record->timestamp, .hash = hash};
}

static int note_producer(void *arg, const struct logstore_producer_info *producer)
{
	struct world_log *log = arg;

	if (log->producer_count == WORLD_PRODUCERS_MAX)
		abort();
	log->producers[log->producer_count++] = *producer;
	return 0;
}

void world_look(struct world *world, logstore_partition *part, struct world_log *ret_log)
{
	struct logstore_cursor_options options;
	struct logstore_entry entry;
	struct logstore_error error;
	logstore_cursor *cursor;
	int r;

	memset(ret_log, 0, sizeof *ret_log);
	logstore_partition_offsets(part, &ret_log->offsets);
	logstore_cursor_options_init(&options);
	options.isolation = LOGSTORE_READ_LOG_END;
	options.control_records = true;
	options.buffer_bytes = 700;
	must(world, logstore_cursor_open(part, ret_log->offsets.log_start, &options, &cursor, &error),
	     "cursor", &error);
	while ((r = logstore_cursor_next(cursor, &entry, &error)) == 1) {
		if (ret_log->count == WORLD_RECORDS_MAX)
			abort();
		ret_log->records[ret_log->count++] = world_record_of(&entry.record);
	}
	(void)logstore_cursor_close(cursor);
	EXPECT(world, r == 0, "reading after record %zu: %s: %s", ret_log->count, logstore_error_name(r),
	       error.text);
	must(world, logstore_inspect_producers(part, note_producer, ret_log, &error), "producers", &error);
}

static bool same_records(const struct world_record *a, const struct world_record *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (a[i].offset != b[i].offset || a[i].timestamp != b[i].timestamp || a[i].hash != b[i].hash)
			return false;
	}
	return true;
}

/* A snapshot keeps the last batch of each producer only. */
static bool same_producer(const struct logstore_producer_info *a, const struct logstore_producer_info *b)
{
	if (a->producer_id != b->producer_id || a->epoch != b->epoch ||
	    a->current_txn_first_offset != b->current_txn_first_offset ||
	    (a->batch_count > 0) != (b->batch_count > 0))
		return false;
	return a->batch_count == 0 ||
	       (a->batches[a->batch_count - 1].last_offset == b->batches[b->batch_count - 1].last_offset &&
	        a->batches[a->batch_count - 1].last_sequence == b->batches[b->batch_count - 1].last_sequence);
}

bool world_same(const struct world_log *a, const struct world_log *b)
{
	if (a->offsets.log_start != b->offsets.log_start || a->offsets.log_end != b->offsets.log_end ||
	    a->offsets.high_watermark != b->offsets.high_watermark ||
	    a->offsets.last_stable != b->offsets.last_stable || a->offsets.size != b->offsets.size ||
	    a->count != b->count || a->producer_count != b->producer_count)
		return false;
	for (size_t i = 0; i < a->producer_count; i++) {
		if (!same_producer(&a->producers[i], &b->producers[i]))
			return false;
	}
	return same_records(a->records, b->records, a->count);
}

bool world_has(const struct world_log *log, const struct world_log *records, int64_t from, int64_t to)
{
	size_t at = 0, first = 0, end;

	while (first < records->count && records->records[first].offset < from)
		first++;
	for (end = first; end < records->count && records->records[end].offset < to; end++)
		;
	while (at < log->count && log->records[at].offset < from)
		at++;
	return end - first <= log->count - at &&
	       same_records(log->records + at, records->records + first, end - first);
}
