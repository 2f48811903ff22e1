/*
 * Scripts of ls_driver: applies the lines of a script (tests/data/kafka) to a partition, one change a
 * line, and answers each in the words of its results.jsonl.
 */
#include "ls_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one change came to. */
struct outcome {
	int code;
	struct logstore_error error;
	bool appended;                        /* the change was an append: result holds its answer */
	struct logstore_append_result result;
};

/* A line that makes a batch, and its records with the memory they point to. */
struct batch_line {
	const json_t *line;
	struct logstore_record *records;
	size_t count;
	int codec;
};

static void free_record(struct logstore_record *record)
{
	struct logstore_header *headers = (struct logstore_header *)record->headers;

	for (uint32_t i = 0; i < record->header_count; i++) {
		free((void *)headers[i].key);
		free((void *)headers[i].value);
	}
	free(headers);
	free((void *)record->key);
	free((void *)record->value);
}

static void free_batch_line(struct batch_line *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free_record(&batch->records[i]);
	free(batch->records);
	*batch = (struct batch_line){0};
}

static bool parse_headers(const json_t *headers, struct logstore_record *record)
{
	struct logstore_header *parsed;
	struct bytes value;

	if (json_array_size(headers) == 0)
		return true;
	parsed = must_alloc(json_array_size(headers) * sizeof(*parsed));
	record->headers = parsed;
	for (size_t i = 0; i < json_array_size(headers); i++) {
		const json_t *header = json_array_get(headers, i);
		const char *key = field_text(header, "key", "");

		if (!field_bytes(header, "value", &value))
			return false;
		parsed[i].key = must_copy(key);
		parsed[i].key_size = (int32_t)strlen(key);
		parsed[i].value = value.data;
		parsed[i].value_size = value.size;
		record->header_count++;
	}
	return true;
}

static bool parse_record(const json_t *line, struct logstore_record *record)
{
	struct bytes bytes;

	record->timestamp = field_int(line, "timestamp", LOGSTORE_NO_TIMESTAMP);
	if (!field_bytes(line, "key", &bytes))
		return false;
	record->key = bytes.data;
	record->key_size = bytes.size;
	if (!field_bytes(line, "value", &bytes))
		return false;
	record->value = bytes.data;
	record->value_size = bytes.size;
	return parse_headers(json_object_get(line, "headers"), record);
}

static int parse_codec(const char *name)
{
	for (int codec = LOGSTORE_CODEC_NONE; codec <= LOGSTORE_CODEC_ZSTD; codec++) {
		if (strcmp(logstore_codec_name(codec), name) == 0)
			return codec;
	}
	return -1;
}

static bool parse_batch_line(const json_t *line, struct batch_line *batch)
{
	const json_t *records = json_object_get(line, "records");
	size_t count = json_array_size(records);

	*batch = (struct batch_line){.line = line, .codec = parse_codec(field_text(line, "codec", "none"))};
	if (batch->codec < 0)
		return false;
	batch->records = must_alloc(count * sizeof(*batch->records));
	for (size_t i = 0; i < count; i++) {
		batch->count++;
		if (!parse_record(json_array_get(records, i), &batch->records[i])) {
			free_batch_line(batch);
			return false;
		}
	}
	return true;
}

static bool parse_origin(const char *name, uint8_t *ret_origin)
{
	static const struct {
		const char *name;
		uint8_t origin;
	} origins[] = {
		{"client", LOGSTORE_ORIGIN_CLIENT},
		{"coordinator", LOGSTORE_ORIGIN_COORDINATOR},
		{"replication", LOGSTORE_ORIGIN_REPLICATION},
		{"raft_leader", LOGSTORE_ORIGIN_RAFT_LEADER},
	};

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		if (strcmp(origins[i].name, name) == 0) {
			*ret_origin = origins[i].origin;
			return true;
		}
	}
	return false;
}

static bool append_options(const json_t *line, const char *usual_origin,
                           struct logstore_append_options *options)
{
	logstore_append_options_init(options);
	options->leader_epoch = (int32_t)field_int(line, "leader_epoch", LOGSTORE_NO_EPOCH);
	options->transaction_version = (int16_t)field_int(line, "txn_version", 0);
	return parse_origin(field_text(line, "origin", usual_origin), &options->origin);
}

static void append_bytes(struct open_part *part, const json_t *line, const void *bytes, size_t size,
                         struct outcome *outcome)
{
	struct logstore_append_options options;

	if (!append_options(line, "client", &options)) {
		outcome->code = -EINVAL;
		return;
	}
	outcome->appended = true;
	outcome->code = logstore_append_batches(part->part, bytes, size, &options, &outcome->result,
	                                        &outcome->error);
}

static int build_batch(const struct batch_line *batch, logstore_batch_builder *builder,
                       const void **ret_bytes, size_t *ret_size, struct logstore_error *error)
{
	const json_t *line = batch->line;
	struct logstore_batch_options options;
	int r;

	logstore_batch_options_init(&options);
	options.codec = (uint8_t)batch->codec;
	options.transactional = field_bool(line, "transactional", false);
	options.control = field_bool(line, "control", false);
	options.base_offset = field_int(line, "base_offset", 0);
	options.leader_epoch = (int32_t)field_int(line, "leader_epoch", LOGSTORE_NO_EPOCH);
	options.producer_id = field_int(line, "producer_id", LOGSTORE_NO_PRODUCER_ID);
	options.producer_epoch = (int16_t)field_int(line, "producer_epoch", LOGSTORE_NO_EPOCH);
	options.base_sequence = (int32_t)field_int(line, "base_sequence", LOGSTORE_NO_SEQUENCE);
	r = logstore_batch_builder_start(builder, &options, error);
	for (size_t i = 0; r == 0 && i < batch->count; i++)
		r = logstore_batch_builder_add(builder, &batch->records[i], false, error);
	if (r < 0)
		return r;
	return logstore_batch_builder_finish(builder, ret_bytes, ret_size, error);
}

/* The batch is made here, as a producer makes it. */
static void append_built(struct open_part *part, const struct batch_line *batch, struct outcome *outcome)
{
	logstore_batch_builder *builder;
	const void *bytes;
	size_t size;

	if (logstore_batch_builder_new(NULL, &builder) < 0)
		abort();
	outcome->code = build_batch(batch, builder, &bytes, &size, &outcome->error);
	if (outcome->code == 0)
		append_bytes(part, batch->line, bytes, size, outcome);
	(void)logstore_batch_builder_free(builder);
}

/* The library makes the batch. */
static void append_records(struct open_part *part, const struct batch_line *batch, struct outcome *outcome)
{
	const json_t *line = batch->line;
	struct logstore_records_options records_options;
	struct logstore_append_options options;

	if (!append_options(line, "client", &options)) {
		outcome->code = -EINVAL;
		return;
	}
	logstore_records_options_init(&records_options);
	records_options.codec = (int8_t)batch->codec;
	records_options.transactional = field_bool(line, "transactional", false);
	records_options.producer_id = field_int(line, "producer_id", LOGSTORE_NO_PRODUCER_ID);
	records_options.producer_epoch = (int16_t)field_int(line, "producer_epoch", LOGSTORE_NO_EPOCH);
	records_options.base_sequence = (int32_t)field_int(line, "base_sequence", LOGSTORE_NO_SEQUENCE);
	outcome->appended = true;
	outcome->code = logstore_append_records(part->part, batch->records, batch->count, &records_options,
	                                        &options, &outcome->result, &outcome->error);
}

static void op_batch(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	struct batch_line batch;

	if (!parse_batch_line(line, &batch)) {
		outcome->code = -EINVAL;
		return;
	}
	if (strcmp(field_text(line, "api", "batches"), "records") == 0)
		append_records(part, &batch, outcome);
	else
		append_built(part, &batch, outcome);
	free_batch_line(&batch);
}

static void op_bytes(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	struct bytes bytes;

	if (!field_bytes(line, "bytes", &bytes) || bytes.size < 0) {
		outcome->code = -EINVAL;
		return;
	}
	append_bytes(part, line, bytes.data, (size_t)bytes.size, outcome);
	free(bytes.data);
}

static void put_be(uint8_t *p, uint64_t value, size_t size)
{
	while (size > 0) {
		p[--size] = (uint8_t)value;
		value >>= 8;
	}
}

/* A marker as a client would forge one: the library's own function never has that origin. */
static void append_forged_marker(struct open_part *part, const json_t *line,
                                 const struct logstore_marker *marker, struct outcome *outcome)
{
	uint8_t key[4] = {0}, value[6] = {0};
	struct logstore_record record = {.key = key, .key_size = sizeof(key), .value = value,
	                                 .value_size = sizeof(value), .timestamp = part->dir->now_ms};
	json_t *forged = must(json_deep_copy(line));
	struct batch_line batch = {.line = forged, .records = &record, .count = 1};

	put_be(key + 2, marker->commit ? LOGSTORE_CONTROL_COMMIT : LOGSTORE_CONTROL_ABORT, 2);
	put_be(value + 2, (uint32_t)marker->coordinator_epoch, 4);
	put_bool(forged, "control", true);
	put_bool(forged, "transactional", true);
	append_built(part, &batch, outcome);
	json_decref(forged);
}

static void op_marker(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	struct logstore_append_options options;
	struct logstore_marker marker;

	if (!append_options(line, "coordinator", &options)) {
		outcome->code = -EINVAL;
		return;
	}
	logstore_marker_init(&marker);
	marker.commit = strcmp(field_text(line, "type", "abort"), "commit") == 0;
	marker.producer_id = field_int(line, "producer_id", LOGSTORE_NO_PRODUCER_ID);
	marker.producer_epoch = (int16_t)field_int(line, "producer_epoch", LOGSTORE_NO_EPOCH);
	marker.timestamp = field_int(line, "timestamp", LOGSTORE_NO_TIMESTAMP);
	marker.coordinator_epoch = (int32_t)field_int(line, "coordinator_epoch", 0);
	if (options.origin != LOGSTORE_ORIGIN_COORDINATOR) {
		append_forged_marker(part, line, &marker, outcome);
		return;
	}
	outcome->appended = true;
	outcome->code = logstore_append_marker(part->part, &marker, &options, &outcome->result,
	                                       &outcome->error);
}

static void op_leader_epoch(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	int32_t epoch = (int32_t)field_int(line, "epoch", 0);

	outcome->code = logstore_set_leader_epoch(part->part, epoch, &outcome->error);
}

static void op_roll(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	(void)line;
	outcome->code = logstore_roll(part->part, &outcome->error);
}

static void op_flush(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	(void)line;
	outcome->code = logstore_flush(part->part, &outcome->error);
}

static void op_log_start(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	int64_t offset = field_int(line, "offset", 0), start;

	outcome->code = logstore_delete_records(part->part, offset, &start, &outcome->error);
}

/* Kafka removes whole segments below the log start later, by a task; here they are gone already. */
static void op_delete_segments(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	(void)part;
	(void)line;
	outcome->code = 0;
}

static void op_truncate(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	outcome->code = logstore_truncate(part->part, field_int(line, "offset", 0), &outcome->error);
}

static void op_truncate_fully(struct open_part *part, const json_t *line, struct outcome *outcome)
{
	outcome->code = logstore_truncate_fully(part->part, field_int(line, "offset", 0), &outcome->error);
}

static const struct {
	const char *name;
	void (*run)(struct open_part *part, const json_t *line, struct outcome *outcome);
} ops[] = {
	{"batch", op_batch},       {"bytes", op_bytes},
	{"marker", op_marker},     {"leader_epoch", op_leader_epoch},
	{"roll", op_roll},         {"flush", op_flush},
	{"log_start", op_log_start}, {"delete_segments", op_delete_segments},
	{"truncate", op_truncate}, {"truncate_fully", op_truncate_fully},
};

static void put_outcome(json_t *result, const struct outcome *outcome)
{
	const struct logstore_append_result *append = &outcome->result;
	const char *text = outcome->error.text[0] ? outcome->error.text : logstore_strerror(outcome->code);

	if (outcome->code < 0) {
		put_text(result, "error", logstore_error_name(outcome->code));
		put_text(result, "message", text);
	} else {
		put_text(result, "error", NULL);
		if (outcome->appended) {
			put_int(result, "first_offset", append->first_offset);
			put_int(result, "last_offset", append->last_offset);
			put_int(result, "log_append_time", append->log_append_time);
			put_int(result, "max_timestamp", append->max_timestamp);
		}
	}
	put_bool(result, "duplicate", outcome->code == 0 && outcome->appended && append->duplicate);
}

/* The answer to one line; null if there is no such op. */
static json_t *apply_line(struct open_part *part, const json_t *line)
{
	const char *name = field_text(line, "op", "");
	struct logstore_offsets before, after;

	part->dir->now_ms = field_int(line, "now", part->dir->now_ms);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct outcome outcome = {0};
		json_t *result;

		if (strcmp(ops[i].name, name) != 0)
			continue;
		logstore_partition_offsets(part->part, &before);
		ops[i].run(part, line, &outcome);
		logstore_partition_offsets(part->part, &after);
		result = must(json_object());
		put_text(result, "op", name);
		put_outcome(result, &outcome);
		if (ops[i].run == op_log_start && outcome.code == 0)
			put_bool(result, "changed", after.log_start != before.log_start);
		put_int(result, "log_end_offset", after.log_end);
		put_int(result, "last_stable_offset", after.last_stable);
		return result;
	}
	return NULL;
}

void apply_script(struct open_part *part, const json_t *job, json_t *answer)
{
	json_t *lines = must(json_array());
	const json_t *script = json_object_get(job, "ops");

	for (size_t i = 0; i < json_array_size(script); i++) {
		json_t *result = apply_line(part, json_array_get(script, i));

		if (!result) {
			fail(answer, "line %zu: no such op", i);
			break;
		}
		push(lines, result);
	}
	put(answer, "lines", lines);
}
