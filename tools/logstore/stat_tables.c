/*
 * Tables of `logstore stat` about one partition: segments, index entries, producers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "human.h"
#include "report.h"
#include "stat.h"
#include "table.h"

/* Producers listed before "and N more". */
#define PRODUCERS_SHOWN 20

struct rows {
	struct tool *tool;
	logstore_partition *part;
	struct table *table;
	uint64_t left;
	uint64_t more;
	int status;
	int64_t segment;
};

/* ---- Segments ---- */

static int add_segment(void *arg, const struct logstore_segment_info *segment)
{
	struct rows *rows = arg;
	struct stat_count count = {.first_time = LOGSTORE_NO_TIMESTAMP};
	bool counted = segment->size <= STAT_COUNT_BYTES || args_has(&rows->tool->args, OPT_EXACT);
	char text[2 * HUMAN_MAX + 8];
	char time[HUMAN_MAX];

	if (counted && segment->size > 0)
		rows->status = stat_count_log(rows->tool, segment->path, segment->size, &count);
	if (rows->status != 0)
		return 1;
	table_row(rows->table);
	(void)snprintf(text, sizeof text, "%020" PRId64, segment->base_offset);
	table_cell(rows->table, text);
	table_cell(rows->table, human_size(time, segment->size));
	table_cell(rows->table, counted ? human_count(time, (int64_t)count.records) : "-");
	(void)snprintf(text, sizeof text, "%" PRId64 "..%" PRId64, segment->base_offset,
	               segment->next_offset - 1);
	table_cell(rows->table, segment->next_offset > segment->base_offset ? text : "empty");
	(void)snprintf(text, sizeof text, "%s .. ", human_time(time, count.first_time));
	(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s",
	               human_time(time, segment->largest_timestamp));
	table_cell(rows->table, text);
	table_cell_int(rows->table, (int64_t)segment->index_entries);
	table_cell_int(rows->table, (int64_t)segment->time_index_entries);
	table_cell_int(rows->table, (int64_t)segment->txn_index_entries);
	table_cell(rows->table, segment->active ? "active" : "-");
	return 0;
}

int stat_segments(struct tool *tool, logstore_partition *part, const char *label)
{
	static const struct table_column columns[] = {
		{"SEGMENT", false},  {"BYTES", true},      {"RECORDS", true},
		{"OFFSETS", false},  {"TIME SPAN", false}, {"INDEX", true},
		{"TIMEINDEX", true}, {"TXNINDEX", true},   {"STATE", false},
	};
	struct rows rows = {
		.tool = tool,
		.part = part,
		.table = table_new(tool, columns, sizeof columns / sizeof *columns),
	};
	struct logstore_error error;
	int r;

	if (!rows.table)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	r = logstore_inspect_segments(part, add_segment, &rows, &error);
	if (r < 0)
		rows.status = report_error(&error, label);
	if (rows.status == 0)
		rows.status = table_print(rows.table, tool);
	table_free(rows.table);
	return rows.status;
}

/* ---- Index entries ---- */

static int print_index_entry(void *arg, const struct logstore_file_entry *entry)
{
	struct rows *rows = arg;
	struct out *out = &rows->tool->out;
	char time[HUMAN_MAX];

	out_format(out, "%020" PRId64 "  ", rows->segment);
	if (entry->kind == LOGSTORE_FILE_OFFSET_INDEX)
		out_format(out, "offset %" PRId64 " at byte %" PRIu64 "\n", entry->u.index.offset,
		           entry->u.index.position);
	else if (entry->kind == LOGSTORE_FILE_TIME_INDEX)
		out_format(out, "time %s up to offset %" PRId64 "\n",
		           human_time(time, entry->u.time_index.timestamp), entry->u.time_index.offset);
	else
		out_format(out,
		           "aborted offsets %" PRId64 "..%" PRId64 " of producer %" PRId64
		           ", last stable %" PRId64 "\n",
		           entry->u.txn.first_offset, entry->u.txn.last_offset, entry->u.txn.producer_id,
		           entry->u.txn.last_stable_offset);
	return out_failed(out);
}

static int print_indexes(void *arg, const struct logstore_segment_info *segment)
{
	static const enum logstore_file_kind kinds[] = {LOGSTORE_FILE_OFFSET_INDEX, LOGSTORE_FILE_TIME_INDEX,
	                                                LOGSTORE_FILE_TXN_INDEX};
	struct rows *rows = arg;
	struct logstore_error error;

	rows->segment = segment->base_offset;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && rows->status == 0; i++) {
		int r = logstore_inspect_index(rows->part, segment->base_offset, kinds[i], print_index_entry,
		                               rows, &error);

		if (r < 0)
			rows->status = report_error(&error, segment->path);
	}
	return rows->status != 0;
}

int stat_indexes(struct tool *tool, logstore_partition *part, const char *label)
{
	struct rows rows = {.tool = tool, .part = part};
	struct logstore_error error;

	if (logstore_inspect_segments(part, print_indexes, &rows, &error) < 0)
		return report_error(&error, label);
	return rows.status;
}

/* ---- Producers, epochs and the rest ---- */

static int add_producer(void *arg, const struct logstore_producer_info *producer)
{
	struct rows *rows = arg;
	const uint32_t last = producer->batch_count;
	char text[HUMAN_MAX];

	if (rows->left == 0) {
		rows->more++;
		return 0;
	}
	rows->left--;
	table_row(rows->table);
	table_cell_int(rows->table, producer->producer_id);
	table_cell_int(rows->table, producer->epoch);
	table_cell_int(rows->table,
	               last > 0 ? producer->batches[last - 1].last_sequence : LOGSTORE_NO_SEQUENCE);
	table_cell_int(rows->table, last > 0 ? producer->batches[last - 1].last_offset : LOGSTORE_NO_OFFSET);
	if (producer->current_txn_first_offset >= 0)
		table_cell_int(rows->table, producer->current_txn_first_offset);
	else
		table_cell(rows->table, "-");
	table_cell(rows->table, human_time(text, producer->last_timestamp));
	return 0;
}

static int print_producers(struct tool *tool, logstore_partition *part, const char *label)
{
	static const struct table_column columns[] = {
		{"PRODUCER", true},    {"EPOCH", true},      {"LAST SEQUENCE", true},
		{"LAST OFFSET", true}, {"OPEN SINCE", true}, {"LAST WRITE", false},
	};
	struct rows rows = {
		.tool = tool,
		.table = table_new(tool, columns, sizeof columns / sizeof *columns),
		.left = PRODUCERS_SHOWN,
	};
	struct logstore_error error;

	if (!rows.table)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	if (logstore_inspect_producers(part, add_producer, &rows, &error) < 0)
		rows.status = report_error(&error, label);
	if (rows.status == 0 && rows.left < PRODUCERS_SHOWN) {
		out_char(&tool->out, '\n');
		rows.status = table_print(rows.table, tool);
		if (rows.more > 0)
			out_format(&tool->out, "and %" PRIu64 " more (--json shows all)\n", rows.more);
	}
	table_free(rows.table);
	return rows.status;
}

static int print_epoch(void *arg, int32_t epoch, int64_t start_offset)
{
	out_format(arg, "  %d from %" PRId64, epoch, start_offset);
	return 0;
}

int stat_details(struct tool *tool, logstore_partition *part, const struct stat_partition *stat,
                 const char *label)
{
	const struct logstore_offsets *offsets = &stat->offsets;
	struct out *out = &tool->out;
	struct logstore_uuid id;
	struct logstore_error error;
	char text[23];
	bool has_id = false;

	logstore_partition_topic_id(part, &id);
	logstore_uuid_text(&id, text);
	for (size_t i = 0; i < sizeof id.bytes; i++)
		has_id |= id.bytes[i] != 0;
	out_format(out,
	           "\ntopic id        %s\nhigh watermark  %" PRId64 "\nlast stable     %" PRId64 "\n"
	           "recovery point  %" PRId64 "\nleader epochs ",
	           has_id ? text : "-", offsets->high_watermark, offsets->last_stable, offsets->recovery_point);
	if (logstore_inspect_epochs(part, print_epoch, out, &error) < 0)
		return report_error(&error, label);
	out_text(out, offsets->leader_epoch < 0 ? "  none\n" : "\n");
	return print_producers(tool, part, label);
}
