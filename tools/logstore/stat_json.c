/*
 * `logstore stat --json`: what an open partition knows, one object per partition.
 */
#include "json_out.h"
#include "report.h"
#include "stat.h"

struct writer {
	struct json *json;
	logstore_partition *part;
	struct logstore_error *error;
	bool indexes;
};

static int write_index_entry(void *arg, const struct logstore_file_entry *entry)
{
	struct json *json = arg;

	if (entry->kind == LOGSTORE_FILE_TXN_INDEX) {
		json_object(json, NULL);
		json_int(json, "producer_id", entry->u.txn.producer_id);
		json_int(json, "first", entry->u.txn.first_offset);
		json_int(json, "last", entry->u.txn.last_offset);
		json_int(json, "last_stable_offset", entry->u.txn.last_stable_offset);
		json_object_end(json);
		return 0;
	}
	json_array(json, NULL);
	if (entry->kind == LOGSTORE_FILE_OFFSET_INDEX) {
		json_int(json, NULL, entry->u.index.offset);
		json_uint(json, NULL, entry->u.index.position);
	} else {
		json_int(json, NULL, entry->u.time_index.timestamp);
		json_int(json, NULL, entry->u.time_index.offset);
	}
	json_array_end(json);
	return 0;
}

static int write_index(struct writer *writer, const struct logstore_segment_info *segment, const char *name,
                       enum logstore_file_kind kind)
{
	int r;

	json_array(writer->json, name);
	r = logstore_inspect_index(writer->part, segment->base_offset, kind, write_index_entry, writer->json,
	                           writer->error);
	json_array_end(writer->json);
	return r;
}

static int write_segment(void *arg, const struct logstore_segment_info *segment)
{
	struct writer *writer = arg;
	struct json *json = writer->json;
	int r = 0;

	json_object(json, NULL);
	json_int(json, "base", segment->base_offset);
	json_uint(json, "size", segment->size);
	json_uint(json, "index_entries", segment->index_entries);
	json_uint(json, "timeindex_entries", segment->time_index_entries);
	json_int_or_null(json, "largest_timestamp", segment->largest_timestamp);
	if (writer->indexes) {
		r = write_index(writer, segment, "index", LOGSTORE_FILE_OFFSET_INDEX);
		if (r == 0)
			r = write_index(writer, segment, "timeindex", LOGSTORE_FILE_TIME_INDEX);
		if (r == 0)
			r = write_index(writer, segment, "txnindex", LOGSTORE_FILE_TXN_INDEX);
	}
	json_object_end(json);
	return r;
}

static int write_producer(void *arg, const struct logstore_producer_info *producer)
{
	struct json *json = arg;

	json_object(json, NULL);
	json_int(json, "producer_id", producer->producer_id);
	json_int(json, "epoch", producer->epoch);
	json_int(json, "coordinator_epoch", producer->coordinator_epoch);
	json_int(json, "last_timestamp", producer->last_timestamp);
	json_int_or_null(json, "current_txn_first_offset", producer->current_txn_first_offset);
	json_array(json, "batches");
	for (uint32_t i = 0; i < producer->batch_count; i++) {
		json_object(json, NULL);
		json_int(json, "first_seq", producer->batches[i].first_sequence);
		json_int(json, "last_seq", producer->batches[i].last_sequence);
		json_int(json, "first_offset", producer->batches[i].first_offset);
		json_int(json, "last_offset", producer->batches[i].last_offset);
		json_int(json, "timestamp", producer->batches[i].timestamp);
		json_object_end(json);
	}
	json_array_end(json);
	json_object_end(json);
	return 0;
}

static int write_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
	struct json *json = arg;

	json_array(json, NULL);
	json_int(json, NULL, epoch);
	json_int(json, NULL, start_offset);
	json_array_end(json);
	return 0;
}

static void write_bounds(struct json *json, logstore_partition *part, const char *label)
{
	struct logstore_offsets offsets;
	struct logstore_uuid id;
	char text[23];
	bool has_id = false;

	logstore_partition_offsets(part, &offsets);
	logstore_partition_topic_id(part, &id);
	for (size_t i = 0; i < sizeof id.bytes; i++)
		has_id |= id.bytes[i] != 0;
	logstore_uuid_text(&id, text);
	json_text(json, "partition", label);
	json_int(json, "log_start_offset", offsets.log_start);
	json_int(json, "log_end_offset", offsets.log_end);
	json_int(json, "high_watermark", offsets.high_watermark);
	json_int(json, "last_stable_offset", offsets.last_stable);
	json_int_or_null(json, "first_unstable_offset", offsets.first_unstable);
	json_int(json, "recovery_point", offsets.recovery_point);
	json_uint(json, "size", offsets.size);
	json_text(json, "topic_id", has_id ? text : NULL);
}

int stat_json(struct tool *tool, logstore_partition *part, const char *label, bool indexes)
{
	struct json json = json_line(&tool->out);
	struct logstore_error error = {.offset = -1, .position = -1};
	struct writer writer = {.json = &json, .part = part, .error = &error, .indexes = indexes};
	int r;

	write_bounds(&json, part, label);
	json_array(&json, "segments");
	r = logstore_inspect_segments(part, write_segment, &writer, &error);
	json_array_end(&json);
	json_array(&json, "producers");
	if (r == 0)
		r = logstore_inspect_producers(part, write_producer, &json, &error);
	json_array_end(&json);
	json_array(&json, "epochs");
	if (r == 0)
		r = logstore_inspect_epochs(part, write_epoch, &json, &error);
	json_array_end(&json);
	if (r < 0)
		json_text(&json, "error", logstore_error_name(r));
	json_line_end(&json);
	return r < 0 ? report_error(&error, label) : 0;
}
