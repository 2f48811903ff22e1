/*
 * Answers of ls_driver about batches and records, in the words of batches.jsonl, records.jsonl and
 * read_committed.jsonl: what has its default is left out. The first two look at the .log files alone,
 * whether the directory is open or not.
 */
#include "ls_driver.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*scan_fn)(json_t *lines, const char *partition, const char *file, logstore_scan *scan,
                       const struct logstore_scan_item *item, struct logstore_error *error);

static bool has_producer_fields(const struct logstore_batch_info *info)
{
	return info->producer_id != LOGSTORE_NO_PRODUCER_ID || info->producer_epoch != LOGSTORE_NO_EPOCH ||
	       info->base_sequence != LOGSTORE_NO_SEQUENCE;
}

static void put_codec(json_t *line, const struct logstore_batch_info *info)
{
	const char *name = logstore_codec_name(info->codec);

	if (info->codec != LOGSTORE_CODEC_NONE)
		put_text(line, "codec", name ? name : "unknown");
}

static void put_timestamp_type(json_t *line, const struct logstore_batch_info *info)
{
	if (info->magic == 0)
		put_text(line, "timestamp_type", "NoTimestampType");
	else if (info->timestamp_type == LOGSTORE_LOG_APPEND_TIME)
		put_text(line, "timestamp_type", "LogAppendTime");
}

static int add_batch(json_t *lines, const char *partition, const char *file, logstore_scan *scan,
                     const struct logstore_scan_item *item, struct logstore_error *error)
{
	const struct logstore_batch_info *info = &item->info;
	json_t *line = must(json_object());

	(void)scan;
	(void)error;
	push(lines, line);
	put_text(line, "partition", partition);
	put_text(line, "file", file);
	put_int(line, "position", (int64_t)item->position);
	put_int(line, "size", info->size);
	put_int(line, "base_offset", info->base_offset);
	put_int(line, "last_offset", info->last_offset);
	if (info->magic < 2) {
		put_int(line, "magic", info->magic);
	} else {
		put_int(line, "count", info->record_count);
		put_int(line, "leader_epoch", info->leader_epoch);
	}
	if (item->status == LOGSTORE_SCAN_BAD_CRC)
		put_bool(line, "valid", false);
	if (has_producer_fields(info)) {
		put_int(line, "producer_id", info->producer_id);
		put_int(line, "producer_epoch", info->producer_epoch);
		put_int(line, "base_sequence", info->base_sequence);
	}
	if (info->transactional)
		put_bool(line, "transactional", true);
	if (info->control)
		put_bool(line, "control", true);
	if (info->has_delete_horizon)
		put_int(line, "delete_horizon_ms", info->base_timestamp);
	put_codec(line, info);
	put_timestamp_type(line, info);
	put_int(line, "max_timestamp", info->max_timestamp);
	put_int(line, "crc", info->crc);
	return 0;
}

static int put_control(json_t *line, const struct logstore_record *record, struct logstore_error *error)
{
	static const char *const names[] = {
		"ABORT",           "COMMIT",        "LEADER_CHANGE", "SNAPSHOT_HEADER",
		"SNAPSHOT_FOOTER", "KRAFT_VERSION", "KRAFT_VOTERS",
	};
	struct logstore_control control;
	int r = logstore_control_parse(record, &control, error);

	if (r < 0)
		return r;
	put_bool(line, "is_control", true);
	if (control.type >= 0 && (size_t)control.type < sizeof(names) / sizeof(names[0]))
		put_text(line, "control_type", names[control.type]);
	else
		put_text(line, "control_type", "UNKNOWN");
	if (control.type == LOGSTORE_CONTROL_ABORT || control.type == LOGSTORE_CONTROL_COMMIT)
		put_int(line, "coordinator_epoch", control.coordinator_epoch);
	return 0;
}

static void put_headers(json_t *line, const struct logstore_record *record)
{
	json_t *headers;

	if (record->header_count == 0)
		return;
	headers = must(json_array());
	put(line, "headers", headers);
	for (uint32_t i = 0; i < record->header_count; i++) {
		const struct logstore_header *header = &record->headers[i];
		json_t *node = must(json_object());

		put(node, "key", json_stringn(header->key, (size_t)header->key_size));
		put_bytes(node, "value", header->value, header->value_size);
		push(headers, node);
	}
}

static int add_record(json_t *lines, const char *partition, const struct logstore_batch_info *info,
                      const struct logstore_record *record, struct logstore_error *error)
{
	json_t *line = must(json_object());
	int r = 0;

	push(lines, line);
	put_text(line, "partition", partition);
	put_int(line, "offset", record->offset);
	put_int(line, "timestamp", record->timestamp);
	put_timestamp_type(line, info);
	put_bytes(line, "key", record->key, record->key_size);
	put_bytes(line, "value", record->value, record->value_size);
	put_headers(line, record);
	if (has_producer_fields(info)) {
		put_int(line, "producer_id", info->producer_id);
		put_int(line, "producer_epoch", info->producer_epoch);
		put_int(line, "sequence", record->sequence);
	}
	put_int(line, "leader_epoch", info->leader_epoch);
	if (info->control)
		r = put_control(line, record, error);
	if (info->transactional)
		put_bool(line, "is_transactional", true);
	put_codec(line, info);
	if (info->magic < 2)
		put_int(line, "magic", info->magic);
	put_int(line, "batch_base_offset", info->base_offset);
	return r;
}

static int add_records(json_t *lines, const char *partition, const char *file, logstore_scan *scan,
                       const struct logstore_scan_item *item, struct logstore_error *error)
{
	struct logstore_record record;
	int r;

	(void)file;
	if (item->status == LOGSTORE_SCAN_BAD_CRC) {
		json_t *line = must(json_object());

		put_text(line, "partition", partition);
		put_int(line, "batch_base_offset", item->info.base_offset);
		put_text(line, "error", "checksum");
		push(lines, line);
		return 0;
	}
	while ((r = logstore_scan_record(scan, &record, error)) > 0) {
		r = add_record(lines, partition, &item->info, &record, error);
		if (r < 0)
			return r;
	}
	return r;
}

/* Walks one file. A torn batch at the end counts as not written, anything else that is none is an error. */
static int scan_file(const char *path, const char *partition, const char *file, scan_fn add, json_t *lines,
                     struct logstore_error *error)
{
	struct logstore_scan_options options;
	struct logstore_scan_item item;
	logstore_scan *scan;
	int r;

	logstore_scan_options_init(&options);
	options.read_records = add == add_records;
	r = logstore_scan_open(NULL, path, &options, &scan, error);
	if (r < 0)
		return r;
	while ((r = logstore_scan_next(scan, &item, error)) > 0) {
		if (item.status == LOGSTORE_SCAN_TORN) {
			r = 0;
			break;
		}
		if (item.status == LOGSTORE_SCAN_OK || item.status == LOGSTORE_SCAN_BAD_CRC) {
			r = add(lines, partition, file, scan, &item, error);
		} else {
			r = LOGSTORE_E_CORRUPT_MESSAGE;
			(void)snprintf(error->text, sizeof(error->text), "%s at %llu: %s", file,
			               (unsigned long long)item.position, item.text);
		}
		if (r < 0)
			break;
	}
	(void)logstore_scan_close(scan);
	return r;
}

static int is_log(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && strcmp(entry->d_name + length - 4, ".log") == 0;
}

static void report_files(const char *dir, const char *partition, scan_fn add, json_t *answer)
{
	json_t *lines = must(json_array());
	struct logstore_error error = {0};
	struct dirent **entries;
	char path[4096];
	int count, r = 0;

	put(answer, "lines", lines);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, partition);
	count = scandir(path, &entries, is_log, alphasort);
	if (count < 0) {
		fail(answer, "%s: %s", path, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", dir, partition, entries[i]->d_name);
		if (r == 0)
			r = scan_file(path, partition, entries[i]->d_name, add, lines, &error);
		free(entries[i]);
	}
	free(entries);
	if (r < 0)
		fail_error(answer, partition, r, &error);
}

void report_batches(const char *dir, const char *name, json_t *answer)
{
	report_files(dir, name, add_batch, answer);
}

void report_records(const char *dir, const char *name, json_t *answer)
{
	report_files(dir, name, add_records, answer);
}

void report_committed(struct open_part *part, const json_t *job, json_t *answer)
{
	struct logstore_cursor_options options;
	struct logstore_error error = {0};
	struct logstore_offsets offsets;
	struct logstore_entry entry;
	json_t *lines = must(json_array());
	logstore_cursor *cursor;
	int r;

	(void)job;
	put(answer, "lines", lines);
	logstore_partition_offsets(part->part, &offsets);
	logstore_cursor_options_init(&options);
	options.isolation = LOGSTORE_READ_COMMITTED;
	r = logstore_cursor_open(part->part, offsets.log_start, &options, &cursor, &error);
	if (r < 0) {
		fail_error(answer, "committed", r, &error);
		return;
	}
	while ((r = logstore_cursor_next(cursor, &entry, &error)) > 0) {
		r = add_record(lines, part->name, entry.batch, &entry.record, &error);
		if (r < 0)
			break;
	}
	(void)logstore_cursor_close(cursor);
	if (r < 0)
		fail_error(answer, "committed", r, &error);
}
