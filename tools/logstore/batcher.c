/*
 * Batches for `logstore append`. A batch is finished when the next record does not fit its limits or comes
 * from another batch, and when the caller asks.
 */
#include "batcher.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "report.h"

#define DEFAULT_BATCH_RECORDS 10000
#define DEFAULT_BATCH_BYTES (256u * 1024)

/* Most bytes of a record beside its key, value and headers: lengths, attributes, deltas. */
#define RECORD_OVERHEAD 40
#define HEADER_OVERHEAD 10

static int codec_of_name(const char *name)
{
	for (int codec = 0; logstore_codec_name(codec); codec++) {
		if (strcmp(logstore_codec_name(codec), name) == 0)
			return codec;
	}
	return -1;
}

/* compression.<codec>.level of the topic, where it was set. */
static int32_t topic_level(const logstore_config *config, const char *codec)
{
	char name[64];
	const char *text;
	struct logstore_config_entry entry;
	int64_t level;

	(void)snprintf(name, sizeof name, "compression.%s.level", codec);
	text = logstore_config_get(config, name);
	for (size_t i = 0; text && logstore_config_at(config, i, &entry) == 1; i++) {
		if (strcmp(entry.name, name) == 0 && !entry.is_default && parse_int(text, &level))
			return (int32_t)level;
	}
	return LOGSTORE_LEVEL_DEFAULT;
}

static int choose_codec(struct batcher *batcher, const logstore_config *config)
{
	const struct args *args = &batcher->tool->args;
	const char *name = args_value(args, OPT_CODEC);
	const char *type = logstore_config_get(config, "compression.type");
	int64_t level = args_int(args, OPT_LEVEL, LOGSTORE_LEVEL_DEFAULT);
	int codec;

	if (level < INT32_MIN || level > INT32_MAX)
		return report_usage("append: --level: out of range");
	codec = codec_of_name(name ? name : type ? type : "none");
	batcher->options.codec =
		codec > 0 ? (uint8_t)codec : LOGSTORE_CODEC_NONE; /* "producer" and "uncompressed" too */
	batcher->options.level = (int32_t)level;
	if (!name && codec > 0 && !args_has(args, OPT_LEVEL))
		batcher->options.level = topic_level(config, type);
	return 0;
}

/* A batch that the partition would refuse is not made in the first place. */
static void limit_bytes(struct batcher *batcher, const logstore_config *config, const char *setting)
{
	const char *text = logstore_config_get(config, setting);
	int64_t limit;

	if (text && parse_int(text, &limit) && limit >= 0 && batcher->max_bytes > (uint64_t)limit)
		batcher->max_bytes = (uint64_t)limit;
}

static void choose_limits(struct batcher *batcher, const logstore_config *config)
{
	batcher->max_records =
		(uint64_t)args_int(&batcher->tool->args, OPT_BATCH_RECORDS, DEFAULT_BATCH_RECORDS);
	batcher->max_bytes = args_size(&batcher->tool->args, OPT_BATCH_BYTES, DEFAULT_BATCH_BYTES);
	limit_bytes(batcher, config, "max.message.bytes");
	limit_bytes(batcher, config, "segment.bytes");
	limit_bytes(batcher, config, "internal.segment.bytes");
}

int batcher_init(struct batcher *batcher, const struct tool *tool, const char *path, logstore_partition *part,
                 const logstore_config *config)
{
	*batcher = (struct batcher){
		.tool = tool,
		.path = path,
		.part = part,
		.keep_offsets = args_has(&tool->args, OPT_KEEP_OFFSETS),
		.first_offset = LOGSTORE_NO_OFFSET,
	};
	logstore_batch_options_init(&batcher->options);
	choose_limits(batcher, config);
	if (logstore_batch_builder_new(&tool->env, &batcher->builder) < 0)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	return choose_codec(batcher, config);
}

void batcher_fini(struct batcher *batcher)
{
	batcher->builder = logstore_batch_builder_free(batcher->builder);
}

static int report_refused(const struct batcher *batcher, const struct logstore_error *error)
{
	int status = report_error(error, batcher->path);
	uint64_t record =
		batcher->records + 1 + (error->record_index > 0 ? (uint64_t)error->record_index : 0);

	if (error->record_index >= 0)
		report_note("it is record %" PRIu64 " of the input", record);
	return status;
}

/* Base sequence of the batch that holds a record; sequences wrap from 2^31-1 to 0. */
static int32_t base_sequence(const struct logstore_record *record, int64_t base_offset)
{
	int64_t sequence = record->sequence;

	if (sequence == LOGSTORE_NO_SEQUENCE)
		return LOGSTORE_NO_SEQUENCE;
	sequence = (sequence - (record->offset - base_offset)) % (INT64_C(1) << 31);
	return (int32_t)(sequence < 0 ? sequence + (INT64_C(1) << 31) : sequence);
}

/* Header of a batch as it was, from its first record. */
static void fill_options(const struct batcher *batcher, const struct logstore_record *record,
                         struct logstore_batch_options *options)
{
	const struct json_batch *batch = &batcher->batch;
	const struct args *args = &batcher->tool->args;

	options->codec = args_has(args, OPT_CODEC) ? batcher->options.codec : batch->codec;
	options->level = args_has(args, OPT_LEVEL) ? batcher->options.level : LOGSTORE_LEVEL_DEFAULT;
	options->timestamp_type = batch->timestamp_type;
	options->transactional = batch->transactional;
	options->control = batch->control;
	options->producer_id = batch->producer_id;
	options->producer_epoch = batch->producer_epoch;
	options->leader_epoch = batch->leader_epoch;
	options->base_offset = batch->base_offset != LOGSTORE_NO_OFFSET ? batch->base_offset : record->offset;
	options->base_sequence = base_sequence(record, options->base_offset);
	if (batch->timestamp_type == LOGSTORE_LOG_APPEND_TIME)
		options->log_append_time = record->timestamp;
}

/* A log that is still empty begins where the copy does. */
static int move_empty_log(const struct batcher *batcher, int64_t base_offset)
{
	struct logstore_offsets offsets;
	struct logstore_error error;

	if (!batcher->part || batcher->records > 0)
		return 0;
	logstore_partition_offsets(batcher->part, &offsets);
	if (offsets.log_start != offsets.log_end || offsets.log_end >= base_offset)
		return 0;
	if (logstore_truncate_fully(batcher->part, base_offset, &error) < 0)
		return report_error(&error, batcher->path);
	return 0;
}

static int start_batch(struct batcher *batcher, const struct logstore_record *record,
                       const struct json_batch *batch)
{
	struct logstore_batch_options options = batcher->options;
	struct logstore_error error;
	int status = 0;

	if (batcher->keep_offsets) {
		batcher->batch = *batch;
		batcher->batch_first_offset = record->offset;
		fill_options(batcher, record, &options);
		status = move_empty_log(batcher, options.base_offset);
	}
	if (status == 0 && logstore_batch_builder_start(batcher->builder, &options, &error) < 0)
		return report_refused(batcher, &error);
	return status;
}

static size_t size_of(int32_t size)
{
	return size > 0 ? (size_t)size : 0;
}

/* An upper bound of what a record adds to a batch. */
static uint64_t record_bytes(const struct logstore_record *record)
{
	uint64_t bytes = RECORD_OVERHEAD + size_of(record->key_size) + size_of(record->value_size);

	for (uint32_t i = 0; i < record->header_count; i++)
		bytes += HEADER_OVERHEAD + size_of(record->headers[i].key_size) +
		         size_of(record->headers[i].value_size);
	return bytes;
}

/* Whether the batch at hand takes another record. */
static bool fits(const struct batcher *batcher, const struct logstore_record *record,
                 const struct json_batch *batch)
{
	if (batcher->keep_offsets) {
		if (memcmp(&batcher->batch, batch, sizeof *batch) != 0 ||
		    record->offset <= batcher->last_offset)
			return false;
		if (batch->base_offset != LOGSTORE_NO_OFFSET)
			return true; /* as large as it was */
	}
	return batcher->count < batcher->max_records &&
	       logstore_batch_builder_size(batcher->builder) + record_bytes(record) <= batcher->max_bytes;
}

int batcher_add(struct batcher *batcher, const struct logstore_record *record, const struct json_batch *batch)
{
	struct logstore_record stamped = *record;
	struct logstore_error error;
	int status = 0;

	if (!batcher->keep_offsets && record->timestamp == LOGSTORE_NO_TIMESTAMP)
		stamped.timestamp = tool_now(batcher->tool);
	if (batcher->count > 0 && !fits(batcher, record, batch))
		status = batcher_flush(batcher);
	if (status == 0 && batcher->count == 0)
		status = start_batch(batcher, record, batch);
	if (status != 0)
		return status;
	if (logstore_batch_builder_add(batcher->builder, &stamped, batcher->keep_offsets, &error) < 0)
		return report_refused(batcher, &error);
	batcher->count++;
	batcher->last_offset = record->offset;
	return 0;
}

static int append_batch(struct batcher *batcher, const void *bytes, size_t size)
{
	struct logstore_append_options options;
	struct logstore_append_result result;
	struct logstore_error error;

	if (!batcher->part)
		return 0;
	logstore_append_options_init(&options);
	options.origin = batcher->keep_offsets ? LOGSTORE_ORIGIN_REPLICATION : LOGSTORE_ORIGIN_CLIENT;
	if (logstore_append_batches(batcher->part, bytes, size, &options, &result, &error) < 0)
		return report_refused(batcher, &error);
	if (batcher->first_offset == LOGSTORE_NO_OFFSET)
		batcher->first_offset =
			batcher->keep_offsets ? batcher->batch_first_offset : result.first_offset;
	batcher->end_offset = result.last_offset;
	return 0;
}

int batcher_flush(struct batcher *batcher)
{
	struct logstore_error error;
	const void *bytes;
	size_t size;
	int status;

	if (batcher->count == 0)
		return 0;
	batcher->refused = true; /* until it is in */
	if (logstore_batch_builder_finish(batcher->builder, &bytes, &size, &error) < 0)
		return report_refused(batcher, &error);
	status = append_batch(batcher, bytes, size);
	if (status != 0)
		return status;
	batcher->refused = false;
	batcher->records += batcher->count;
	batcher->batches++;
	batcher->bytes += size;
	batcher->count = 0;
	return 0;
}
