/*
 * Answers of ls_driver about an open partition, in the words of state.jsonl, lookups.jsonl, reads.jsonl and
 * epochs.jsonl.
 */
#include "ls_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_index_entry(void *arg, const struct logstore_file_entry *entry)
{
	push(arg, int_pair(entry->u.index.offset, (int64_t)entry->u.index.position));
	return 0;
}

static int add_time_index_entry(void *arg, const struct logstore_file_entry *entry)
{
	push(arg, int_pair(entry->u.time_index.timestamp, entry->u.time_index.offset));
	return 0;
}

static int add_txn_index_entry(void *arg, const struct logstore_file_entry *entry)
{
	json_t *transaction = must(json_object());

	put_int(transaction, "producer_id", entry->u.txn.producer_id);
	put_int(transaction, "first", entry->u.txn.first_offset);
	put_int(transaction, "last", entry->u.txn.last_offset);
	put_int(transaction, "last_stable_offset", entry->u.txn.last_stable_offset);
	push(arg, transaction);
	return 0;
}

/* Where the segments of a state are collected. */
struct segment_list {
	logstore_partition *part;
	json_t *segments;
	struct logstore_error error;
};

static int add_segment(void *arg, const struct logstore_segment_info *segment)
{
	static const struct {
		const char *name;
		enum logstore_file_kind kind;
		logstore_file_entry_fn add;
	} indexes[] = {
		{"index", LOGSTORE_FILE_OFFSET_INDEX, add_index_entry},
		{"timeindex", LOGSTORE_FILE_TIME_INDEX, add_time_index_entry},
		{"txnindex", LOGSTORE_FILE_TXN_INDEX, add_txn_index_entry},
	};
	struct segment_list *list = arg;
	json_t *node = must(json_object());

	push(list->segments, node);
	put_int(node, "base", segment->base_offset);
	put_int(node, "size", (int64_t)segment->size);
	put_int(node, "index_entries", (int64_t)segment->index_entries);
	put_int(node, "timeindex_entries", (int64_t)segment->time_index_entries);
	put_int_or_null(node, "largest_timestamp", segment->largest_timestamp, LOGSTORE_NO_TIMESTAMP);
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		json_t *entries = must(json_array());
		int r;

		put(node, indexes[i].name, entries);
		r = logstore_inspect_index(list->part, segment->base_offset, indexes[i].kind, indexes[i].add,
		                           entries, &list->error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_producer(void *arg, const struct logstore_producer_info *producer)
{
	json_t *node = must(json_object());
	json_t *batches = must(json_array());

	put_int(node, "producer_id", producer->producer_id);
	put_int(node, "epoch", producer->epoch);
	put_int(node, "coordinator_epoch", producer->coordinator_epoch);
	put_int(node, "last_timestamp", producer->last_timestamp);
	put_int_or_null(node, "current_txn_first_offset", producer->current_txn_first_offset,
	                LOGSTORE_NO_OFFSET);
	put(node, "batches", batches);
	for (uint32_t i = 0; i < producer->batch_count; i++) {
		json_t *batch = must(json_object());

		put_int(batch, "first_seq", producer->batches[i].first_sequence);
		put_int(batch, "last_seq", producer->batches[i].last_sequence);
		put_int(batch, "first_offset", producer->batches[i].first_offset);
		put_int(batch, "last_offset", producer->batches[i].last_offset);
		put_int(batch, "timestamp", producer->batches[i].timestamp);
		push(batches, batch);
	}
	push(arg, node);
	return 0;
}

static int add_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
	push(arg, int_pair(epoch, start_offset));
	return 0;
}

static void put_topic_id(json_t *state, logstore_partition *part)
{
	static const struct logstore_uuid none;
	struct logstore_uuid id;
	char text[23];

	logstore_partition_topic_id(part, &id);
	logstore_uuid_text(&id, text);
	put_text(state, "topic_id", memcmp(&id, &none, sizeof(id)) == 0 ? NULL : text);
}

static void put_offsets(json_t *state, logstore_partition *part)
{
	struct logstore_offsets offsets;

	logstore_partition_offsets(part, &offsets);
	put_int(state, "log_start_offset", offsets.log_start);
	put_int(state, "log_end_offset", offsets.log_end);
	put_int(state, "high_watermark", offsets.high_watermark);
	put_int(state, "last_stable_offset", offsets.last_stable);
	put_int_or_null(state, "first_unstable_offset", offsets.first_unstable, LOGSTORE_NO_OFFSET);
	put_int(state, "recovery_point", offsets.recovery_point);
	put_int(state, "size", (int64_t)offsets.size);
}

void report_state(struct open_part *part, const json_t *job, json_t *answer)
{
	struct segment_list list = {.part = part->part, .segments = must(json_array())};
	json_t *state = must(json_object());
	json_t *producers = must(json_array());
	json_t *epochs = must(json_array());
	json_t *lines = must(json_array());
	int r;

	(void)job;
	push(lines, state);
	put(answer, "lines", lines);
	put_text(state, "partition", part->name);
	put_offsets(state, part->part);
	put_topic_id(state, part->part);
	put(state, "segments", list.segments);
	put(state, "producers", producers);
	put(state, "epochs", epochs);
	r = logstore_inspect_segments(part->part, add_segment, &list, &list.error);
	if (r == 0)
		r = logstore_inspect_producers(part->part, add_producer, producers, &list.error);
	if (r == 0)
		r = logstore_inspect_epochs(part->part, add_epoch, epochs, &list.error);
	if (r < 0)
		fail_error(answer, "state", r, &list.error);
}

static bool never_tiered(int64_t timestamp)
{
	return timestamp == LOGSTORE_TIMESTAMP_LATEST_TIERED ||
	       timestamp == LOGSTORE_TIMESTAMP_EARLIEST_PENDING_UPLOAD;
}

void report_lookups(struct open_part *part, const json_t *job, json_t *answer)
{
	const json_t *timestamps = json_object_get(job, "timestamps");
	json_t *lines = must(json_array());

	put(answer, "lines", lines);
	for (size_t i = 0; i < json_array_size(timestamps); i++) {
		int64_t timestamp = json_integer_value(json_array_get(timestamps, i));
		struct logstore_timestamp_offset found;
		struct logstore_error error = {0};
		json_t *line = must(json_object());
		int r;

		push(lines, line);
		put_int(line, "timestamp", timestamp);
		r = logstore_offset_for_timestamp(part->part, timestamp, LOGSTORE_READ_LOG_END, &found,
		                                  &error);
		if (r < 0) {
			fail_error(answer, "lookup", r, &error);
			return;
		}
		put_text(line, "found_offset", NULL);
		if (r > 0) {
			put_int(line, "found_offset", found.offset);
			put_int(line, "found_timestamp", found.timestamp);
			put_int_or_null(line, "leader_epoch", found.leader_epoch,
			                never_tiered(timestamp) ? INT64_MIN : LOGSTORE_NO_EPOCH);
		}
		put_text(line, "partition", part->name);
	}
}

void report_epochs(struct open_part *part, const json_t *job, json_t *answer)
{
	const json_t *epochs = json_object_get(job, "epochs");
	json_t *lines = must(json_array());

	put(answer, "lines", lines);
	for (size_t i = 0; i < json_array_size(epochs); i++) {
		int32_t asked = (int32_t)json_integer_value(json_array_get(epochs, i));
		json_t *line = must(json_object());
		int64_t end;
		int32_t epoch;
		int r;

		push(lines, line);
		r = logstore_end_offset_for_epoch(part->part, asked, &epoch, &end);
		if (r < 0) {
			fail(answer, "epoch %d: %s", asked, logstore_error_name(r));
			return;
		}
		put_int(line, "epoch", asked);
		put(line, "result", end == LOGSTORE_NO_OFFSET ? json_null() : int_pair(epoch, end));
		put(line, "cache", int_pair(epoch, end));
		put_text(line, "partition", part->name);
	}
}

static bool parse_isolation(const char *name, uint8_t *ret_isolation)
{
	static const char *const names[] = {"end", "hw", "txn"};

	for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			*ret_isolation = i;
			return true;
		}
	}
	return false;
}

/* Base of the first, last offset of the last and number of the whole batches in some bytes. */
/* Where a batch begins. Of a legacy wrapper only its first message tells. */
static int64_t first_offset(const uint8_t *data, size_t size, const struct logstore_batch_info *info)
{
	int64_t offset = info->base_offset;
	logstore_record_reader *reader;
	struct logstore_record record;

	if (info->magic == 2 || info->codec == LOGSTORE_CODEC_NONE)
		return offset;
	if (logstore_record_reader_new(NULL, 0, &reader) < 0)
		abort();
	if (logstore_record_reader_start(reader, data, size, NULL, NULL) == 0 &&
	    logstore_record_reader_next(reader, &record, NULL) == 1)
		offset = record.offset;
	logstore_record_reader_free(reader);
	return offset;
}

static void put_whole_batches(json_t *line, const uint8_t *data, size_t size)
{
	struct logstore_batch_info info;
	int64_t first = LOGSTORE_NO_OFFSET, last = LOGSTORE_NO_OFFSET, count = 0;

	for (size_t at = 0; at < size; at += info.size) {
		if (logstore_batch_header(data + at, size - at, &info, NULL) < 0 || info.size > size - at)
			break;
		first = count == 0 ? first_offset(data + at, size - at, &info) : first;
		last = info.last_offset;
		count++;
	}
	put_int_or_null(line, "first_batch_base", first, LOGSTORE_NO_OFFSET);
	put_int_or_null(line, "last_complete_offset", last, LOGSTORE_NO_OFFSET);
	put_int(line, "complete_batches", count);
}

static int read_slice(const struct logstore_slice *slice, uint8_t *data, struct logstore_error *error)
{
	uint64_t at = 0;
	size_t n;
	int r;

	while (at < slice->size) {
		r = logstore_slice_read(slice, at, data + at, (size_t)(slice->size - at), &n, error);
		if (r < 0)
			return r;
		if (n == 0)
			return -EIO;
		at += n;
	}
	return 0;
}

static json_t *aborted_of(const struct logstore_slice *slice)
{
	json_t *aborted = must(json_array());

	for (size_t i = 0; i < slice->aborted_count; i++)
		push(aborted, int_pair(slice->aborted[i].producer_id, slice->aborted[i].first_offset));
	return aborted;
}

static int put_slice(json_t *line, const struct logstore_slice *slice, bool committed,
                     struct logstore_error *error)
{
	uint8_t *data = must_alloc((size_t)slice->size);
	int r = read_slice(slice, data, error);

	put_int(line, "bytes", (int64_t)slice->size);
	put_int(line, "segment", slice->segment_base);
	put_int(line, "position", (int64_t)slice->position);
	put_bool(line, "first_entry_incomplete", slice->first_batch_incomplete);
	put_whole_batches(line, data, (size_t)slice->size);
	if (slice->size > 0)
		put_bytes(line, "data", data, (int64_t)slice->size);
	free(data);
	put(line, "aborted", committed ? aborted_of(slice) : json_null());
	return r;
}

/* One read; an error of the log is part of the answer. */
static json_t *read_line(struct open_part *part, const json_t *question)
{
	int64_t offset = field_int(question, "offset", 0);
	const char *isolation = field_text(question, "isolation", "hw");
	json_t *line = must(json_object());
	struct logstore_read_options options;
	struct logstore_error error = {0};
	struct logstore_slice slice;
	int r;

	logstore_read_options_init(&options);
	options.max_bytes = (uint64_t)field_int(question, "max_bytes", (int64_t)options.max_bytes);
	options.at_least_one_batch = field_bool(question, "min_one", true);
	put_int(line, "offset", offset);
	put_int(line, "max_bytes", (int64_t)options.max_bytes);
	put_text(line, "isolation", isolation);
	put_bool(line, "min_one", options.at_least_one_batch);
	r = parse_isolation(isolation, &options.isolation) ? 0 : -EINVAL;
	if (r == 0)
		r = logstore_read(part->part, offset, &options, &slice, &error);
	if (r == 0) {
		r = put_slice(line, &slice, options.isolation == LOGSTORE_READ_COMMITTED, &error);
		logstore_slice_release(&slice);
	}
	if (r < 0) {
		put_text(line, "error", logstore_error_name(r));
		put_text(line, "message", error.text[0] ? error.text : logstore_strerror(r));
	}
	put_text(line, "partition", part->name);
	return line;
}

void report_reads(struct open_part *part, const json_t *job, json_t *answer)
{
	const json_t *reads = json_object_get(job, "reads");
	json_t *lines = must(json_array());

	for (size_t i = 0; i < json_array_size(reads); i++)
		push(lines, read_line(part, json_array_get(reads, i)));
	put(answer, "lines", lines);
}
