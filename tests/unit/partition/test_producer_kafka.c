/*
 * Producers against Kafka: its answers to the scripts of the transactions fixture, step by step, and its
 * state and snapshots rebuilt from the headers of the batches it wrote.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error_text.h"
#include "producer_bench.h"

TestSuite(producer_kafka, .fini = ts_check_leaks);

#define DAY_MS INT64_C(86400000) /* Kafka's default expiration */
#define SCRIPT_CLOCK_MS INT64_C(1700000000000)

/* ---- Kafka's answers -------------------------------------------------------------------------------- */

static int64_t number(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

__attribute__((format(printf, 1, 2))) static FILE *open_data(const char *format, ...)
{
	char path[256];
	va_list args;
	FILE *file;

	va_start(args, format);
	(void)vsnprintf(path, sizeof path, format, args);
	va_end(args);
	file = fopen(ts_data(path), "r");
	cr_assert_not_null(file, "%s", path);
	return file;
}

/* What Kafka holds for a partition after loading it, from expected/state.jsonl. */
static json_t *expected_state(const char *fixture, const char *partition)
{
	FILE *file = open_data("kafka/%s/expected/state.jsonl", fixture);
	json_t *line, *found = NULL;

	while (!found && (line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		if (strcmp(text(line, "partition"), partition) == 0)
			found = line;
		else
			json_decref(line);
	}
	(void)fclose(file);
	cr_assert_not_null(found, "%s %s", fixture, partition);
	return found;
}

static void assert_producers(const struct ls_producer_state *state, const json_t *expected)
{
	struct logstore_producer_info infos[16];

	cr_assert_eq(ls_producer_state_count(state), json_array_size(expected));
	cr_assert_leq(ls_producer_state_count(state), 16);
	ls_producer_state_list(state, infos);
	for (size_t i = 0; i < json_array_size(expected); i++) {
		const json_t *producer = json_array_get(expected, i);
		const json_t *batches = json_object_get(producer, "batches");
		struct logstore_producer_info want = {
			.producer_id = number(producer, "producer_id", -1),
			.epoch = (int16_t)number(producer, "epoch", -1),
			.coordinator_epoch = (int32_t)number(producer, "coordinator_epoch", -1),
			.last_timestamp = number(producer, "last_timestamp", -1),
			.current_txn_first_offset = number(producer, "current_txn_first_offset", -1),
			.batch_count = (uint32_t)json_array_size(batches),
		};

		for (size_t b = 0; b < want.batch_count; b++) {
			const json_t *batch = json_array_get(batches, b);

			want.batches[b].first_sequence = (int32_t)number(batch, "first_seq", -1);
			want.batches[b].last_sequence = (int32_t)number(batch, "last_seq", -1);
			want.batches[b].first_offset = number(batch, "first_offset", -1);
			want.batches[b].last_offset = number(batch, "last_offset", -1);
			want.batches[b].timestamp = number(batch, "timestamp", -1);
		}
		assert_same_info(&infos[i], &want);
	}
}

/* Writes a snapshot and loads it into a second state: it must be what Kafka had after loading at `now_ms`. */
static void assert_reloaded(const struct bench *bench, const json_t *expected, int64_t now_ms)
{
	struct ls_buf out = snapshot_of(bench->state, &bench->alloc.ls);
	struct ls_producer_state *loaded;

	cr_assert_eq(ls_producer_state_new(&bench->alloc.ls, &loaded), 0);
	cr_assert_eq(ls_producer_state_load(loaded, out.data, out.size, now_ms, DAY_MS, NULL), 0);
	assert_producers(loaded, json_object_get(expected, "producers"));
	cr_assert_eq(ls_producer_state_first_unstable(loaded), number(expected, "first_unstable_offset", -1));
	cr_assert_null(ls_producer_state_free(loaded));
	ls_buf_fini(&out);
}

/* Kafka wrote a snapshot whenever it rolled: the state at such a log end must say the same. */
static size_t assert_kafkas_snapshot(const struct bench *bench, const char *fixture, const char *partition)
{
	struct ls_producer_state *kafkas;
	struct ls_buf ours, theirs;
	char path[256];
	uint8_t *bytes;
	size_t size;

	(void)snprintf(path, sizeof path, "kafka/%s/logs/%s/%020" PRId64 ".snapshot", fixture, partition,
	               bench->log_end);
	if (access(ts_data(path), R_OK) != 0)
		return 0;
	bytes = ts_read_file(ts_data(path), &size);
	cr_assert_eq(ls_producer_state_new(&bench->alloc.ls, &kafkas), 0);
	cr_assert_eq(ls_producer_state_load(kafkas, bytes, size, 0, NEVER, NULL), 0);
	ours = snapshot_of(bench->state, &bench->alloc.ls);
	theirs = snapshot_of(kafkas, &bench->alloc.ls); /* the same entries in order of producer id */
	cr_assert_eq(theirs.size, size);
	cr_assert_eq(ours.size, size, "%s", path);
	cr_assert_arr_eq(ours.data, theirs.data, size, "%s", path);
	ls_buf_fini(&ours);
	ls_buf_fini(&theirs);
	cr_assert_null(ls_producer_state_free(kafkas));
	free(bytes);
	return 1;
}

/* Aborted transactions in the order of their markers, against those of all segments. */
struct aborted_list {
	struct ls_completed_txn entries[64];
	size_t count;
};

static void note_aborted(struct aborted_list *list, const struct ls_producer_append *append)
{
	for (size_t i = 0; i < append->completed_count; i++) {
		if (append->completed[i].aborted) {
			cr_assert_lt(list->count, 64);
			list->entries[list->count++] = append->completed[i];
		}
	}
}

static void assert_aborted(const struct aborted_list *list, const json_t *expected)
{
	const json_t *segments = json_object_get(expected, "segments");
	size_t index = 0;

	for (size_t s = 0; s < json_array_size(segments); s++) {
		const json_t *entries = json_object_get(json_array_get(segments, s), "txnindex");

		for (size_t i = 0; i < json_array_size(entries); i++, index++) {
			const json_t *entry = json_array_get(entries, i);
			const struct ls_completed_txn *txn = &list->entries[index];

			cr_assert_lt(index, list->count);
			cr_assert_eq(txn->producer_id, number(entry, "producer_id", -1));
			cr_assert_eq(txn->first_offset, number(entry, "first", -1));
			cr_assert_eq(txn->last_offset, number(entry, "last", -1));
			cr_assert_eq(txn->last_stable_offset, number(entry, "last_stable_offset", -1));
		}
	}
	cr_assert_eq(index, list->count);
}

struct replay {
	struct bench bench;
	const char *partition;
	int64_t log_start;
	struct aborted_list aborted;
	size_t refused, duplicates, snapshots;
};

static struct logstore_batch_info scripted_data(const json_t *step, int64_t offset)
{
	const json_t *records = json_object_get(step, "records");
	int32_t count = (int32_t)json_array_size(records);
	struct logstore_batch_info batch =
		data(number(step, "producer_id", -1), (int)number(step, "producer_epoch", -1),
	             (int32_t)number(step, "base_sequence", -1), offset, count);

	batch.transactional = flag(step, "transactional");
	batch.max_timestamp = LOGSTORE_NO_TIMESTAMP;
	for (size_t i = 0; i < json_array_size(records); i++) {
		int64_t timestamp = number(json_array_get(records, i), "timestamp", -1);

		if (timestamp > batch.max_timestamp)
			batch.max_timestamp = timestamp;
	}
	return batch;
}

static void assert_refused(struct replay *replay, int r, const json_t *result)
{
	cr_assert_lt(r, 0, "offset %" PRId64 ": %d", replay->bench.log_end, r);
	cr_assert_str_eq(ls_error_name(r), text(result, "error"));
	cr_assert_eq(replay->bench.error.code, r);
	cr_assert_str_eq(replay->bench.error.text, text(result, "message"));
	cr_assert_eq(replay->bench.error.offset, replay->bench.log_end);
	replay->refused++;
}

static void assert_appended(struct replay *replay, const struct logstore_batch_info *batch, int r,
                            const json_t *result)
{
	const struct ls_producer_duplicate *duplicate = &replay->bench.duplicate;

	if (flag(result, "duplicate")) {
		cr_assert_eq(r, 1);
		cr_assert_eq(duplicate->first_offset, number(result, "first_offset", -1));
		cr_assert_eq(duplicate->last_offset, number(result, "last_offset", -1));
		cr_assert_eq(duplicate->timestamp, number(result, "log_append_time", -1));
		replay->duplicates++;
		return;
	}
	cr_assert_eq(r, 0, "offset %" PRId64 ": %s", batch->base_offset, replay->bench.error.text);
	cr_assert_eq(batch->base_offset, number(result, "first_offset", -1));
	cr_assert_eq(batch->last_offset, number(result, "last_offset", -1));
	commit(&replay->bench);
	note_aborted(&replay->aborted, &replay->bench.append);
	replay->bench.log_end = batch->last_offset + 1;
}

/*
 * Verification of transactions was off when Kafka answered. Only with it does Kafka know the version of a
 * data batch's transaction, so data goes in as version 0 whatever the script says. Markers bring theirs.
 */
static void replay_append(struct replay *replay, const json_t *step, const json_t *result)
{
	struct bench *bench = &replay->bench;
	bool is_marker = strcmp(text(step, "op"), "marker") == 0;
	struct logstore_control ctl = control(strcmp(text(step, "type"), "commit") == 0,
	                                      (int32_t)number(step, "coordinator_epoch", 0));
	struct logstore_batch_info batch;
	struct ls_buf before;
	int r;

	if (strcmp(text(step, "origin"), "client") == 0) {
		cr_assert_str_eq(text(result, "error"), "INVALID_RECORD"); /* before producers matter */
		return;
	}
	before = snapshot_of(bench->state, &bench->alloc.ls);
	if (is_marker) {
		batch = marker(number(step, "producer_id", -1), (int)number(step, "producer_epoch", -1),
		               bench->log_end);
		batch.max_timestamp = number(step, "now", -1);
	} else {
		batch = scripted_data(step, bench->log_end);
	}
	ls_producer_append_reset(&bench->append);
	r = ls_producer_append_batch(&bench->append, &batch, is_marker ? &ctl : NULL,
	                             is_marker ? LOGSTORE_ORIGIN_COORDINATOR : LOGSTORE_ORIGIN_CLIENT,
	                             is_marker ? (int)number(step, "txn_version", 0) : 0, replay->partition,
	                             &bench->duplicate, &bench->error);
	if (json_is_null(json_object_get(result, "error")))
		assert_appended(replay, &batch, r, result);
	else
		assert_refused(replay, r, result);
	if (r != 0) {
		struct ls_buf after = snapshot_of(bench->state, &bench->alloc.ls);

		cr_assert_eq(bench->append.staged_count, 0);
		cr_assert_eq(after.size, before.size);
		cr_assert_arr_eq(after.data, before.data, before.size);
		ls_buf_fini(&after);
	}
	ls_buf_fini(&before);
}

static void replay_step(struct replay *replay, const json_t *step, const json_t *result)
{
	struct bench *bench = &replay->bench;
	const char *op = text(step, "op");
	int64_t stable;

	if (strcmp(op, "batch") == 0 || strcmp(op, "marker") == 0) {
		replay_append(replay, step, result);
	} else if (strcmp(op, "log_start") == 0) {
		replay->log_start = number(step, "offset", -1);
		ls_producer_state_log_start(bench->state, replay->log_start);
	} else {
		cr_assert(strcmp(op, "roll") == 0 || strcmp(op, "leader_epoch") == 0, "%s", op);
	}
	cr_assert_eq(bench->log_end, number(result, "log_end_offset", -1));
	ls_producer_state_high_watermark(bench->state, bench->log_end);
	stable = ls_producer_state_first_unstable(bench->state);
	if (stable == LOGSTORE_NO_OFFSET)
		stable = bench->log_end;
	if (stable < replay->log_start)
		stable = replay->log_start;
	cr_assert_eq(stable, number(result, "last_stable_offset", -1), "%s before %" PRId64 ": %" PRId64, op,
	             bench->log_end, stable);
	replay->snapshots += assert_kafkas_snapshot(bench, "transactions", replay->partition);
}

static void replay_script(struct replay *replay, const char *partition)
{
	FILE *script = open_data("kafka/transactions/scripts/%s.jsonl", partition);
	FILE *results = open_data("kafka/transactions/scripts/%s.results.jsonl", partition);
	json_t *step, *result, *expected = expected_state("transactions", partition);

	memset(replay, 0, sizeof *replay);
	bench_init(&replay->bench);
	replay->partition = partition;
	while ((step = json_loadf(script, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		result = json_loadf(results, JSON_DISABLE_EOF_CHECK, NULL);
		cr_assert_not_null(result);
		cr_assert_str_eq(text(result, "op"), text(step, "op"));
		replay_step(replay, step, result);
		json_decref(step);
		json_decref(result);
	}
	cr_assert_eq(replay->bench.log_end, number(expected, "log_end_offset", -1));
	assert_aborted(&replay->aborted, expected);
	assert_reloaded(&replay->bench, expected, SCRIPT_CLOCK_MS);
	cr_assert_gt(replay->snapshots, 1);
	json_decref(expected);
	(void)fclose(script);
	(void)fclose(results);
	bench_fini(&replay->bench);
}

Test(producer_kafka, answers_as_kafka_does_interleaved)
{
	struct replay replay;

	replay_script(&replay, "interleaved-0");
	cr_assert_gt(replay.aborted.count, 10);
}

Test(producer_kafka, answers_as_kafka_does_hanging)
{
	struct replay replay;

	replay_script(&replay, "hanging-0");
	cr_assert_gt(replay.aborted.count, 10);
}

Test(producer_kafka, answers_as_kafka_does_refusals)
{
	struct replay replay;

	replay_script(&replay, "refusals-0");
	cr_assert_eq(replay.refused, 13);
	cr_assert_eq(replay.duplicates, 4);
}

Test(producer_kafka, answers_as_kafka_does_epochs)
{
	struct replay replay;

	replay_script(&replay, "epochs-0");
}

Test(producer_kafka, answers_as_kafka_does_longabort)
{
	struct replay replay;

	replay_script(&replay, "longabort-0");
	cr_assert_eq(replay.aborted.count, 1);
}

/* ---- Kafka's logs, as a follower or recovery meets them --------------------------------------------- */

/* The marker record of a control batch, from expected/records.jsonl. */
static struct logstore_control marker_at(const char *fixture, const char *partition, int64_t offset)
{
	FILE *file = open_data("kafka/%s/expected/records.jsonl", fixture);
	struct logstore_control ctl = {.coordinator_epoch = -2};
	json_t *line;

	while (ctl.coordinator_epoch == -2 &&
	       (line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		if (strcmp(text(line, "partition"), partition) == 0 && number(line, "offset", -1) == offset)
			ctl = control(strcmp(text(line, "control_type"), "COMMIT") == 0,
			              (int32_t)number(line, "coordinator_epoch", -1));
		json_decref(line);
	}
	(void)fclose(file);
	cr_assert_neq(ctl.coordinator_epoch, -2, "no record at %" PRId64, offset);
	return ctl;
}

/* A partition whose batches are fed as a follower or recovery gets them. */
struct rebuilt {
	const char *fixture;
	const char *partition;
	int64_t loaded_ms; /* when Kafka loaded it for expected/state.jsonl */
	struct bench bench;
	struct aborted_list aborted;
	size_t snapshots;
};

static void finish_append(struct rebuilt *rebuilt)
{
	struct bench *bench = &rebuilt->bench;

	commit(bench);
	note_aborted(&rebuilt->aborted, &bench->append);
	ls_producer_append_reset(&bench->append);
	ls_producer_state_high_watermark(bench->state, bench->log_end);
	rebuilt->snapshots += assert_kafkas_snapshot(bench, rebuilt->fixture, rebuilt->partition);
}

static void feed_header(struct rebuilt *rebuilt, const json_t *line)
{
	int64_t offset = number(line, "base_offset", -1);
	struct logstore_control ctl = {.type = LOGSTORE_CONTROL_ABORT};
	struct logstore_batch_info batch =
		data(number(line, "producer_id", -1), (int)number(line, "producer_epoch", -1),
	             (int32_t)number(line, "base_sequence", -1), offset,
	             (int32_t)(number(line, "last_offset", -1) - offset) + 1);

	batch.transactional = flag(line, "transactional");
	batch.control = flag(line, "control");
	batch.max_timestamp = number(line, "max_timestamp", -1);
	if (batch.control)
		ctl = marker_at(rebuilt->fixture, rebuilt->partition, offset);
	cr_assert_eq(follow(&rebuilt->bench, batch, batch.control ? &ctl : NULL), 0);
	rebuilt->bench.log_end = batch.last_offset + 1;
}

/*
 * Rebuilds a partition from the headers of its batches, `group` batches an append. With one a group the
 * aborted transactions are also as Kafka has them: it wrote batch by batch.
 */
static void rebuild(struct rebuilt *rebuilt, size_t group)
{
	FILE *file = open_data("kafka/%s/expected/batches.jsonl", rebuilt->fixture);
	json_t *line, *expected = expected_state(rebuilt->fixture, rebuilt->partition);
	size_t waiting = 0;

	bench_init(&rebuilt->bench);
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		if (strcmp(text(line, "partition"), rebuilt->partition) == 0) {
			feed_header(rebuilt, line);
			waiting = (waiting + 1) % group;
			if (waiting == 0)
				finish_append(rebuilt);
		}
		json_decref(line);
	}
	finish_append(rebuilt);
	(void)fclose(file);
	cr_assert_eq(rebuilt->bench.log_end, number(expected, "log_end_offset", -1));
	cr_assert_gt(rebuilt->snapshots, group == 1 ? 2 : 0);
	if (group == 1)
		assert_aborted(&rebuilt->aborted, expected);
	assert_reloaded(&rebuilt->bench, expected, rebuilt->loaded_ms);
	json_decref(expected);
	bench_fini(&rebuilt->bench);
}

Test(producer_kafka, rebuilds_what_kafka_had)
{
	/* The broker's directory was looked at long after its records: who is idle has expired. */
	static const struct {
		const char *fixture, *partition;
		int64_t loaded_ms;
	} logs[] = {
		{"transactions", "interleaved-0", SCRIPT_CLOCK_MS},
		{"transactions", "hanging-0", SCRIPT_CLOCK_MS},
		{"transactions", "refusals-0", SCRIPT_CLOCK_MS},
		{"transactions", "epochs-0", SCRIPT_CLOCK_MS},
		{"transactions", "longabort-0", SCRIPT_CLOCK_MS},
		{"transactions-broker", "txn-0", 2 * SCRIPT_CLOCK_MS},
		{"transactions-broker", "txn-1", 2 * SCRIPT_CLOCK_MS},
	};
	static const size_t groups[] = {1, 7, SIZE_MAX};

	for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
		for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
			struct rebuilt rebuilt = {
				.fixture = logs[i].fixture,
				.partition = logs[i].partition,
				.loaded_ms = logs[i].loaded_ms,
			};

			rebuild(&rebuilt, groups[g]);
		}
	}
}
