/*
 * Random sequences of operations on one partition (append of every kind, roll, flush, read, lookup,
 * truncate, delete records, leader epochs, close and reopen), on the simulated file system with short
 * reads and writes, against the model. After every step the bounds are compared, and now and then
 * everything: all records, the read_committed view, lookups by time.
 *
 * usage: test_model [SEQUENCES [SEED]]
 * A failure prints the seed of its sequence and, after shrinking, the shortest list of operations that
 * still fails; `test_model 1 SEED` runs that sequence again.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "model.h"
#include "testlib.h"

#define OPS_MAX 60

enum op_kind {
	OP_APPEND,
	OP_APPEND_IDEMPOTENT,
	OP_APPEND_TRANSACTIONAL,
	OP_MARKER,
	OP_APPEND_AS_FOLLOWER,
	OP_DUPLICATE,
	OP_BAD_SEQUENCE,
	OP_BAD_TIMESTAMP,
	OP_ROLL,
	OP_FLUSH,
	OP_TRUNCATE,
	OP_DELETE_RECORDS,
	OP_LEADER_EPOCH,
	OP_REOPEN,
	OP_READ,
	OP_LOOKUP,
	OP_CHECK,
	OP_COUNT,
};

static const char *const op_names[OP_COUNT] = {
	"append", "append_idempotent", "append_transactional", "marker", "append_as_follower", "duplicate",
	"bad_sequence", "bad_timestamp", "roll", "flush", "truncate", "delete_records", "leader_epoch", "reopen",
	"read", "lookup", "check",
};

/* How often each kind is drawn. */
static const uint8_t op_weights[OP_COUNT] = {10, 8, 8, 5, 4, 3, 2, 1, 3, 2, 3, 2, 2, 4, 5, 4, 3};

/* One operation: everything random in it comes from its own seed, so that dropping others keeps it. */
struct op {
	enum op_kind kind;
	uint64_t seed;
};

struct run {
	struct op ops[OPS_MAX];
	size_t op_count;
	size_t at;
	uint64_t sim_seed;

	logstore_sim *sim;
	struct logstore_env env;
	int64_t now_ms;
	logstore *store;
	logstore_partition *part;
	struct model model;
	struct ts_rng rng;          /* of the operation at hand */
	jmp_buf failed;
	char failure[512];
};

static void __attribute__((format(printf, 2, 3), noreturn)) fail(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->failure, sizeof run->failure, format, args);
	va_end(args);
	longjmp(run->failed, 1);
}

#define EXPECT(run, condition, ...) \
	do { \
		if (!(condition)) \
			fail(run, __VA_ARGS__); \
	} while (0)

static int64_t run_clock(void *ctx)
{
	return ((struct run *)ctx)->now_ms;
}

/* ---- opening and closing ----------------------------------------------------------------------------------- */

static void open_store(struct run *run, bool create)
{
	struct logstore_options options;
	struct logstore_error error;
	logstore_config *config;
	int r;

	logstore_options_init(&options);
	options.create = true;
	options.env = &run->env;
	EXPECT(run, logstore_config_new(&config) == 0, "no settings");
	EXPECT(run, logstore_config_set(config, "internal.segment.bytes", "2000", &error) == 0, "%s", error.text);
	EXPECT(run, logstore_config_set(config, "index.interval.bytes", "200", &error) == 0, "%s", error.text);
	EXPECT(run, logstore_config_set(config, "message.timestamp.after.max.ms", "1000000", &error) == 0, "%s",
	       error.text);
	options.defaults = config;
	r = logstore_open("/data", &options, &run->store, &error);
	logstore_config_free(config);
	EXPECT(run, r == 0, "open: %s (%s)", error.text, error.path);
	r = create ? logstore_partition_create(run->store, "t", 0, NULL, &run->part, &error)
	           : logstore_partition_open(run->store, "t", 0, &run->part, &error);
	EXPECT(run, r == 0, "open partition: %s (%s at %" PRId64 ")", error.text, error.path, error.position);
}

static void close_store(struct run *run)
{
	struct logstore_error error;

	run->part = logstore_partition_close(run->part);
	int r = logstore_close(run->store, &error);
	run->store = NULL;
	EXPECT(run, r == 0, "close: %s (%s)", error.text, error.path);
}

/* ---- the model's side of an append -------------------------------------------------------------------------- */

static struct model_batch *draw_batch(struct run *run)
{
	struct model_batch *batch = &run->model.batches[run->model.count];

	memset(batch, 0, sizeof *batch);
	batch->count = 1 + (uint32_t)ts_rng_below(&run->rng, MODEL_RECORDS_MAX);
	for (uint32_t i = 0; i < batch->count; i++) {
		batch->records[i] = (struct model_record){
			.timestamp = run->now_ms - 500 + (int64_t)ts_rng_below(&run->rng, 1000),
			.stamp = (uint32_t)ts_rng_next(&run->rng),
			.value_size = (uint16_t)ts_rng_below(&run->rng, 200),
			.has_key = ts_rng_below(&run->rng, 3) != 0,
		};
	}
	batch->producer_id = LOGSTORE_NO_PRODUCER_ID;
	batch->producer_epoch = LOGSTORE_NO_EPOCH;
	batch->base_sequence = LOGSTORE_NO_SEQUENCE;
	return batch;
}

static void commit_batch(struct run *run, struct model_batch *batch, const struct logstore_append_result *result)
{
	EXPECT(run, !result->duplicate, "taken for a duplicate");
	EXPECT(run, result->last_offset - result->first_offset + 1 == batch->count, "offsets %" PRId64 "..%" PRId64
	       " for %u records", result->first_offset, result->last_offset, batch->count);
	batch->base = result->first_offset;
	batch->last = result->last_offset;
	batch->leader_epoch = run->model.leader_epoch;
	run->model.log_end = batch->last + 1;
	run->model.count++;
}

static void append_options(struct run *run, struct logstore_append_options *options)
{
	logstore_append_options_init(options);
	options->leader_epoch = run->model.leader_epoch;
	if (ts_rng_below(&run->rng, 4) == 0)
		options->durability = LOGSTORE_FLUSHED;
}

/* Keys and values of up to MODEL_RECORDS_MAX records at once. */
static void make_records(const struct model_batch *batch, struct logstore_record *records, char *memory)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		records[i] = model_make_record(&batch->records[i]);
		if (records[i].key_size >= 0) {
			memcpy(memory, records[i].key, (size_t)records[i].key_size);
			records[i].key = memory;
			memory += records[i].key_size;
		}
		memcpy(memory, records[i].value, (size_t)records[i].value_size);
		records[i].value = memory;
		memory += records[i].value_size;
	}
}

static int append(struct run *run, const struct model_batch *batch, struct logstore_append_result *result,
                  struct logstore_error *error)
{
	char memory[MODEL_RECORDS_MAX * 1100];
	struct logstore_record records[MODEL_RECORDS_MAX];
	struct logstore_records_options records_options;
	struct logstore_append_options options;

	make_records(batch, records, memory);
	logstore_records_options_init(&records_options);
	records_options.codec = (int8_t)ts_rng_below(&run->rng, 5);
	records_options.producer_id = batch->producer_id;
	records_options.producer_epoch = batch->producer_epoch;
	records_options.base_sequence = batch->base_sequence;
	records_options.transactional = batch->transactional;
	append_options(run, &options);
	return logstore_append_records(run->part, records, batch->count, &records_options, &options, result, error);
}

static void must_append(struct run *run, struct model_batch *batch)
{
	struct logstore_append_result result;
	struct logstore_error error;
	int r = append(run, batch, &result, &error);

	EXPECT(run, r == 0, "append: %s: %s", logstore_error_name(r), error.text);
	commit_batch(run, batch, &result);
}

/* ---- producers ----------------------------------------------------------------------------------------------- */

struct find {
	int64_t producer_id;
	struct logstore_producer_info info;
	bool found;
};

static int find_one(void *arg, const struct logstore_producer_info *producer)
{
	struct find *find = arg;

	if (producer->producer_id == find->producer_id) {
		find->info = *producer;
		find->found = true;
	}
	return 0;
}

static struct find find_producer(struct run *run, int64_t producer_id)
{
	struct find find = {.producer_id = producer_id};

	EXPECT(run, logstore_inspect_producers(run->part, find_one, &find, NULL) == 0, "no producers");
	return find;
}

/* The library's next sequence of a producer; held against the model by check_producers(). */
static int32_t next_sequence(const struct find *find)
{
	return find->found && find->info.batch_count > 0
	               ? (find->info.batches[find->info.batch_count - 1].last_sequence + 1) & INT32_MAX
	               : 0;
}

static void check_producers(struct run *run)
{
	const struct model *model = &run->model;

	for (int64_t id = 1; id <= 4; id++) {
		const struct model_batch *last = NULL;
		struct find find = find_producer(run, id);

		for (size_t i = 0; i < model->count; i++) {
			if (model->batches[i].producer_id == id && model->batches[i].base >= model->log_start)
				last = &model->batches[i];
		}
		if (!last)
			continue;
		EXPECT(run, find.found, "producer %" PRId64 " is forgotten", id);
		if (last->control)
			continue;
		EXPECT(run, find.info.batch_count > 0, "no batch of producer %" PRId64, id);
		EXPECT(run, find.info.batches[find.info.batch_count - 1].last_offset == last->last,
		       "last offset of producer %" PRId64, id);
		EXPECT(run, find.info.batches[find.info.batch_count - 1].last_sequence ==
		               last->base_sequence + (int32_t)last->count - 1,
		       "last sequence of producer %" PRId64, id);
	}
}

/* ---- operations ----------------------------------------------------------------------------------------------- */

static void op_append_producer(struct run *run, bool transactional)
{
	int64_t id = (transactional ? 3 : 1) + (int64_t)ts_rng_below(&run->rng, 2);
	struct model_batch *batch = draw_batch(run);
	struct find find = find_producer(run, id);

	batch->producer_id = id;
	batch->producer_epoch = find.found ? find.info.epoch : 0;
	batch->base_sequence = next_sequence(&find);
	batch->transactional = transactional;
	must_append(run, batch);
}

static void op_marker(struct run *run)
{
	struct model_batch *batch = draw_batch(run);
	struct logstore_append_options options;
	struct logstore_append_result result;
	struct logstore_marker marker;
	struct logstore_error error;
	struct find find;
	int r;

	logstore_marker_init(&marker);
	marker.producer_id = 3 + (int64_t)ts_rng_below(&run->rng, 2);
	find = find_producer(run, marker.producer_id);
	marker.producer_epoch = find.found ? find.info.epoch : 0;
	marker.commit = ts_rng_below(&run->rng, 2) != 0;
	append_options(run, &options);
	r = logstore_append_marker(run->part, &marker, &options, &result, &error);
	EXPECT(run, r == 0, "marker: %s: %s", logstore_error_name(r), error.text);
	batch->producer_id = marker.producer_id;
	batch->producer_epoch = marker.producer_epoch;
	batch->control = batch->transactional = true;
	batch->commit = marker.commit;
	batch->count = 1;
	commit_batch(run, batch, &result);
}

static void op_follower(struct run *run)
{
	struct model_batch *batch = draw_batch(run);
	char memory[MODEL_RECORDS_MAX * 1100];
	struct logstore_record records[MODEL_RECORDS_MAX];
	struct logstore_batch_options batch_options;
	struct logstore_append_options options;
	struct logstore_append_result result;
	logstore_batch_builder *builder;
	struct logstore_error error;
	const void *bytes;
	size_t size;
	int r;

	make_records(batch, records, memory);
	logstore_batch_options_init(&batch_options);
	batch_options.base_offset = run->model.log_end + (int64_t)ts_rng_below(&run->rng, 3);
	batch_options.leader_epoch = run->model.leader_epoch;
	batch_options.codec = (uint8_t)ts_rng_below(&run->rng, 5);
	EXPECT(run, logstore_batch_builder_new(NULL, &builder) == 0, "no builder");
	r = logstore_batch_builder_start(builder, &batch_options, &error);
	for (uint32_t i = 0; i < batch->count && r == 0; i++)
		r = logstore_batch_builder_add(builder, &records[i], false, &error);
	if (r == 0)
		r = logstore_batch_builder_finish(builder, &bytes, &size, &error);
	if (r == 0) {
		logstore_append_options_init(&options);
		options.origin = LOGSTORE_ORIGIN_REPLICATION;
		r = logstore_append_batches(run->part, bytes, size, &options, &result, &error);
	}
	logstore_batch_builder_free(builder);
	EXPECT(run, r == 0, "follower: %s: %s", logstore_error_name(r), error.text);
	EXPECT(run, result.first_offset == batch_options.base_offset, "follower's offset was changed");
	commit_batch(run, batch, &result);
}

/* The last batch of a producer that the library still has in its window, sent again. */
static void op_duplicate(struct run *run)
{
	const struct model *model = &run->model;

	for (size_t i = model->count; i > 0; i--) {
		const struct model_batch *batch = &model->batches[i - 1];
		struct logstore_append_result result;
		struct logstore_error error;
		struct find find;
		int r;

		if (batch->producer_id < 0 || batch->control)
			continue;
		find = find_producer(run, batch->producer_id);
		if (!find.found || find.info.batch_count == 0 ||
		    find.info.batches[find.info.batch_count - 1].last_offset != batch->last)
			continue;
		r = append(run, batch, &result, &error);
		EXPECT(run, r == 0 && result.duplicate, "a repeated batch: %s, duplicate %d", logstore_error_name(r),
		       r == 0 && result.duplicate);
		EXPECT(run, result.first_offset == batch->base && result.last_offset == batch->last,
		       "a duplicate at %" PRId64 " is said to be at %" PRId64, batch->base, result.first_offset);
		return;
	}
}

static void op_bad_sequence(struct run *run)
{
	struct model_batch *batch = draw_batch(run);
	struct logstore_append_result result;
	struct find find = find_producer(run, 1);
	struct logstore_error error;
	int r;

	if (!find.found || find.info.batch_count == 0)
		return;
	batch->producer_id = 1;
	batch->producer_epoch = find.info.epoch;
	batch->base_sequence = next_sequence(&find) + 7;
	r = append(run, batch, &result, &error);
	EXPECT(run, r == LOGSTORE_E_OUT_OF_ORDER_SEQUENCE_NUMBER, "a gap in the sequence: %s", logstore_error_name(r));
}

static void op_bad_timestamp(struct run *run)
{
	struct model_batch *batch = draw_batch(run);
	struct logstore_append_result result;
	struct logstore_error error;
	int r;

	batch->records[batch->count - 1].timestamp = run->now_ms + 2000000;
	r = append(run, batch, &result, &error);
	EXPECT(run, r == LOGSTORE_E_INVALID_TIMESTAMP, "a record of the future: %s", logstore_error_name(r));
	EXPECT(run, error.record_index == (int32_t)batch->count - 1, "record index %d", error.record_index);
}

static void op_truncate(struct run *run)
{
	struct model *model = &run->model;
	struct logstore_error error;
	int64_t offset;
	int r;

	if (model->count == 0)
		return;
	/* At a batch, mostly near the end; never below the start. */
	offset = model->batches[model->count - 1 - ts_rng_below(&run->rng, model->count < 6 ? model->count : 6)].base;
	if (offset < model->log_start)
		return;
	r = logstore_truncate(run->part, offset, &error);
	EXPECT(run, r == 0, "truncate: %s", error.text);
	model_truncate(model, offset);
	if (offset < model->log_end)
		model->log_end = offset;
}

static void op_delete_records(struct run *run)
{
	struct model *model = &run->model;
	int64_t span = model->log_end - model->log_start, offset, log_start;
	struct logstore_error error;
	int r;

	offset = model->log_start + (int64_t)ts_rng_below(&run->rng, (uint64_t)span + 1);
	r = logstore_delete_records(run->part, offset, &log_start, &error);
	EXPECT(run, r == 0, "delete records: %s", error.text);
	EXPECT(run, log_start == offset, "log start %" PRId64 " after deleting before %" PRId64, log_start, offset);
	model->log_start = offset;
	r = logstore_delete_records(run->part, model->log_end + 1, &log_start, &error);
	EXPECT(run, r == LOGSTORE_E_OFFSET_OUT_OF_RANGE, "deleting past the end: %s", logstore_error_name(r));
}

static void op_leader_epoch(struct run *run)
{
	struct logstore_error error;
	int r;

	r = logstore_set_leader_epoch(run->part, run->model.leader_epoch + 1, &error);
	EXPECT(run, r == 0, "leader epoch: %s", error.text);
	run->model.leader_epoch++;
}

static void op_reopen(struct run *run)
{
	struct model *model = &run->model;

	close_store(run);
	EXPECT(run, logstore_sim_open_descriptors(run->sim) == 0, "descriptors are left open");
	open_store(run, false);
	/* An epoch that began at the end and has no records yet is forgotten. */
	while (model->leader_epoch > 0) {
		int32_t epoch;
		int64_t ignored;

		EXPECT(run, logstore_end_offset_for_epoch(run->part, model->leader_epoch, &epoch, &ignored) == 0,
		       "epochs");
		if (epoch == model->leader_epoch)
			break;
		model->leader_epoch--;
	}
}

/* ---- looking --------------------------------------------------------------------------------------------------- */

static void check_bounds(struct run *run)
{
	const struct model *model = &run->model;
	int64_t open = model_first_open(model);
	struct logstore_offsets offsets;

	logstore_partition_offsets(run->part, &offsets);
	EXPECT(run, offsets.log_start == model->log_start, "log start %" PRId64 ", model %" PRId64, offsets.log_start,
	       model->log_start);
	EXPECT(run, offsets.log_end == model->log_end, "log end %" PRId64 ", model %" PRId64, offsets.log_end,
	       model->log_end);
	EXPECT(run, offsets.high_watermark == model->log_end, "high watermark %" PRId64, offsets.high_watermark);
	EXPECT(run, offsets.recovery_point <= offsets.log_end, "recovery point %" PRId64, offsets.recovery_point);
	if (open == LOGSTORE_NO_OFFSET)
		EXPECT(run, offsets.last_stable == model->log_end, "last stable %" PRId64 ", nothing is open",
		       offsets.last_stable);
	else if (open >= model->log_start)
		EXPECT(run, offsets.last_stable == open, "last stable %" PRId64 ", model %" PRId64,
		       offsets.last_stable, open);
	else
		EXPECT(run, offsets.last_stable >= model->log_start && offsets.last_stable <= model->log_end,
		       "last stable %" PRId64 " of a transaction cut at the start", offsets.last_stable);
}

static void compare_record(struct run *run, const struct logstore_record *got, const struct model_batch *batch,
                           uint32_t index)
{
	struct logstore_record want = model_make_record(&batch->records[index]);

	EXPECT(run, got->offset == batch->base + index, "offset %" PRId64 ", model %" PRId64, got->offset,
	       batch->base + index);
	EXPECT(run, got->timestamp == want.timestamp, "timestamp at %" PRId64, got->offset);
	EXPECT(run, got->key_size == want.key_size && (want.key_size < 0 ||
	       memcmp(got->key, want.key, (size_t)want.key_size) == 0), "key at %" PRId64, got->offset);
	EXPECT(run, got->value_size == want.value_size &&
	       memcmp(got->value, want.value, (size_t)want.value_size) == 0, "value at %" PRId64, got->offset);
}

/* All records of a view, in order, against the model. */
static void check_view(struct run *run, bool committed)
{
	const struct model *model = &run->model;
	struct logstore_cursor_options options;
	struct logstore_offsets offsets;
	struct logstore_entry entry;
	struct logstore_error error;
	logstore_cursor *cursor;
	int r;

	logstore_partition_offsets(run->part, &offsets);
	logstore_cursor_options_init(&options);
	options.isolation = committed ? LOGSTORE_READ_COMMITTED : LOGSTORE_READ_LOG_END;
	options.buffer_bytes = 1 + ts_rng_below(&run->rng, 3000);
	r = logstore_cursor_open(run->part, model->log_start, &options, &cursor, &error);
	EXPECT(run, r == 0, "cursor: %s", error.text);
	for (size_t i = 0; i < model->count; i++) {
		const struct model_batch *batch = &model->batches[i];

		if (batch->control || (committed && (batch->last >= offsets.last_stable ||
		    (batch->transactional && model_is_aborted(model, i)))))
			continue;
		for (uint32_t k = 0; k < batch->count; k++) {
			if (batch->base + k < model->log_start)
				continue;
			r = logstore_cursor_next(cursor, &entry, &error);
			if (r != 1) {
				logstore_cursor_close(cursor);
				fail(run, "cursor before %" PRId64 ": %s %s", batch->base + k, logstore_error_name(r),
				     r < 0 ? error.text : "");
			}
			compare_record(run, &entry.record, batch, k);
		}
	}
	r = logstore_cursor_next(cursor, &entry, &error);
	logstore_cursor_close(cursor);
	EXPECT(run, r == 0, "%s record behind the last one: %" PRId64, committed ? "committed" : "any",
	       r == 1 ? entry.record.offset : (int64_t)r);
}

static void op_read(struct run *run)
{
	const struct model *model = &run->model;
	struct logstore_batch_info info;
	struct logstore_read_options options;
	struct logstore_slice slice;
	struct logstore_error error;
	uint8_t header[LOGSTORE_BATCH_HEADER_SIZE];
	const struct model_batch *want = NULL;
	int64_t offset;
	size_t n;
	int r;

	offset = model->log_start + (int64_t)ts_rng_below(&run->rng, (uint64_t)(model->log_end - model->log_start) + 1);
	for (size_t i = 0; i < model->count && !want; i++) {
		if (model->batches[i].last >= offset)
			want = &model->batches[i];
	}
	logstore_read_options_init(&options);
	options.isolation = LOGSTORE_READ_LOG_END;
	options.max_bytes = ts_rng_below(&run->rng, 1000);
	options.at_least_one_batch = true;
	r = logstore_read(run->part, offset, &options, &slice, &error);
	EXPECT(run, r == 0, "read: %s", error.text);
	if (!want) {
		r = slice.size == 0;
	} else {
		r = slice.size >= sizeof header &&
		    logstore_slice_read(&slice, 0, header, sizeof header, &n, &error) == 0 && n == sizeof header &&
		    logstore_batch_header(header, n, &info, &error) == 0 && info.base_offset == want->base &&
		    info.last_offset == want->last && info.leader_epoch == want->leader_epoch;
	}
	logstore_slice_release(&slice);
	EXPECT(run, r, "read at %" PRId64 " does not begin with the batch that holds it", offset);
	r = logstore_read(run->part, model->log_end + 1, &options, &slice, &error);
	EXPECT(run, r == LOGSTORE_E_OFFSET_OUT_OF_RANGE, "read past the end: %s", logstore_error_name(r));
}

/* By time: an answer is a record that is late enough, and in its segment none before it is. */
static void op_lookup(struct run *run)
{
	const struct model *model = &run->model;
	int64_t timestamp = run->now_ms - 600 + (int64_t)ts_rng_below(&run->rng, 1200);
	struct logstore_timestamp_offset found;
	struct logstore_error error;
	bool any = false;
	int r;

	r = logstore_offset_for_timestamp(run->part, timestamp, LOGSTORE_READ_LOG_END, &found, &error);
	EXPECT(run, r >= 0, "lookup: %s", error.text);
	for (size_t i = 0; i < model->count; i++) {
		for (uint32_t k = 0; k < model->batches[i].count && !model->batches[i].control; k++) {
			int64_t offset = model->batches[i].base + k;

			if (offset < model->log_start || model->batches[i].records[k].timestamp < timestamp)
				continue;
			any = true;
			if (r == 1 && offset == found.offset)
				EXPECT(run, found.timestamp == model->batches[i].records[k].timestamp,
				       "lookup: timestamp of %" PRId64, offset);
		}
	}
	if (r == 1)
		EXPECT(run, found.timestamp >= timestamp && found.offset >= model->log_start, "lookup: %" PRId64
		       " is too early", found.offset);
	/* Markers have times too, so "none" is checked only where there is no record at all. */
	EXPECT(run, r == 1 || !any || model->log_start > 0, "lookup finds nothing at %" PRId64, timestamp);
}

static void op_check(struct run *run)
{
	check_view(run, false);
	check_view(run, true);
	check_producers(run);
}

static void run_op(struct run *run, const struct op *op)
{
	struct logstore_error error;

	run->rng.state = op->seed;
	run->now_ms += (int64_t)ts_rng_below(&run->rng, 50);
	if (run->model.count + 2 >= MODEL_BATCHES_MAX)
		return;
	switch (op->kind) {
	case OP_APPEND:
		must_append(run, draw_batch(run));
		break;
	case OP_APPEND_IDEMPOTENT:
		op_append_producer(run, false);
		break;
	case OP_APPEND_TRANSACTIONAL:
		op_append_producer(run, true);
		break;
	case OP_MARKER:
		op_marker(run);
		break;
	case OP_APPEND_AS_FOLLOWER:
		op_follower(run);
		break;
	case OP_DUPLICATE:
		op_duplicate(run);
		break;
	case OP_BAD_SEQUENCE:
		op_bad_sequence(run);
		break;
	case OP_BAD_TIMESTAMP:
		op_bad_timestamp(run);
		break;
	case OP_ROLL:
		EXPECT(run, logstore_roll(run->part, &error) == 0, "roll: %s", error.text);
		break;
	case OP_FLUSH:
		EXPECT(run, logstore_flush(run->part, &error) == 0, "flush: %s", error.text);
		break;
	case OP_TRUNCATE:
		op_truncate(run);
		break;
	case OP_DELETE_RECORDS:
		op_delete_records(run);
		break;
	case OP_LEADER_EPOCH:
		op_leader_epoch(run);
		break;
	case OP_REOPEN:
		op_reopen(run);
		break;
	case OP_READ:
		op_read(run);
		break;
	case OP_LOOKUP:
		op_lookup(run);
		break;
	case OP_CHECK:
		op_check(run);
		break;
	case OP_COUNT:
		abort();
	}
	check_bounds(run);
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* Runs a sequence from scratch. Returns whether it held; otherwise `failure` and `at` say what and where. */
static bool run_sequence(struct run *run)
{
	bool held;

	memset(&run->model, 0, sizeof run->model);
	run->store = NULL;
	run->part = NULL;
	run->now_ms = INT64_C(1700000000000);
	run->at = 0;
	if (logstore_sim_new(run->sim_seed, &run->sim) != 0)
		abort();
	logstore_sim_short_transfers(run->sim, 5);
	logstore_env_init(&run->env);
	run->env.io = logstore_sim_io(run->sim);
	run->env.clock.wall_ms = run_clock;
	run->env.clock.ctx = run;
	held = setjmp(run->failed) == 0;
	if (held) {
		open_store(run, true);
		for (run->at = 0; run->at < run->op_count; run->at++)
			run_op(run, &run->ops[run->at]);
		op_check(run);
		close_store(run);
		EXPECT(run, logstore_sim_open_descriptors(run->sim) == 0, "descriptors are left open");
	} else if (run->store) {
		struct logstore_error error;

		run->part = logstore_partition_close(run->part);
		(void)logstore_close(run->store, &error);
	}
	run->sim = logstore_sim_free(run->sim);
	return held;
}

static void draw_sequence(struct run *run, uint64_t seed)
{
	struct ts_rng rng = {.state = seed};
	uint64_t total = 0;

	for (int i = 0; i < OP_COUNT; i++)
		total += op_weights[i];
	run->sim_seed = ts_rng_next(&rng);
	run->op_count = 5 + ts_rng_below(&rng, OPS_MAX - 5);
	for (size_t i = 0; i < run->op_count; i++) {
		uint64_t draw = ts_rng_below(&rng, total);
		int kind = 0;

		while (draw >= op_weights[kind])
			draw -= op_weights[kind++];
		run->ops[i] = (struct op){.kind = (enum op_kind)kind, .seed = ts_rng_next(&rng)};
	}
}

/* Drops operations one by one as long as the sequence still fails. */
static void shrink(struct run *run)
{
	bool smaller = true;

	run->op_count = run->at < run->op_count ? run->at + 1 : run->op_count;
	while (smaller) {
		smaller = false;
		for (size_t i = run->op_count; i > 0; i--) {
			struct run without = *run;

			memmove(&without.ops[i - 1], &without.ops[i], (run->op_count - i) * sizeof without.ops[0]);
			without.op_count--;
			if (!run_sequence(&without)) {
				memcpy(run->ops, without.ops, sizeof run->ops);
				run->op_count = without.op_count;
				smaller = true;
			}
		}
	}
	(void)run_sequence(run);
}

/* A seed nobody chose: each run looks elsewhere. */
static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		abort();
	return seed >> 16;
}

int main(int argc, char **argv)
{
	static struct run run;
	unsigned long sequences = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : random_seed();

	printf("%lu sequences, first seed %" PRIu64 "\n", sequences, first);
	for (unsigned long i = 0; i < sequences; i++) {
		draw_sequence(&run, first + i);
		if (run_sequence(&run))
			continue;
		printf("seed %" PRIu64 " fails at operation %zu: %s\n", first + i, run.at, run.failure);
		shrink(&run);
		printf("shortest: %s\n", run.failure);
		for (size_t k = 0; k < run.op_count; k++)
			printf("  %s seed %" PRIu64 "\n", op_names[run.ops[k].kind], run.ops[k].seed);
		return 1;
	}
	printf("all held\n");
	return 0;
}
