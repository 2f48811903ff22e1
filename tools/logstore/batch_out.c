/*
 * Batches as rows and as JSON, written by hand: a log can hold millions of small ones.
 */
#include "batch_out.h"

#include <string.h>

#include "encode.h"
#include "json_out.h"
#include "record_out.h"

/* Columns of the table: where each ends, and whether its text leans to that end. */
struct column {
	const char *name;
	uint8_t width;
	bool right;
};

static const struct column columns[] = {
	{"OFFSETS", 23, false}, {"TIME", 29, false}, {"COUNT", 6, true},      {"BYTES", 8, true},
	{"CODEC", 6, false},    {"EPOCH", 5, true},  {"PRODUCER", 22, false}, {"FLAGS", 11, false},
	{"POSITION", 11, true}, {"CRC", 8, false},
};

#define ROW_MAX 512

/* A row that is being put together. */
struct row {
	char text[ROW_MAX];
	char *to;
	size_t column;
};

/* Ends a cell whose text runs from @begin to row->to. */
static void row_end_cell(struct row *row, char *begin)
{
	const struct column *column = &columns[row->column++];
	size_t size = (size_t)(row->to - begin);
	size_t fill = size < column->width ? column->width - size : 0;

	if (column->right)
		memmove(begin + fill, begin, size);
	memset(column->right ? begin : begin + size, ' ', fill);
	row->to += fill;
	*row->to++ = ' ';
	*row->to++ = ' ';
}

static void row_text(struct row *row, const char *text)
{
	char *begin = row->to;

	row->to = put_text(row->to, text);
	row_end_cell(row, begin);
}

static void row_int(struct row *row, int64_t value)
{
	char *begin = row->to;

	row->to = put_int(row->to, value);
	row_end_cell(row, begin);
}

static void row_print(struct row *row, struct out *out)
{
	while (row->to > row->text && row->to[-1] == ' ')
		row->to--;
	*row->to++ = '\n';
	out_bytes(out, row->text, (size_t)(row->to - row->text));
}

void batch_out_heading(struct out *out)
{
	struct row row = {.column = 0};

	row.to = row.text;
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		row_text(&row, columns[i].name);
	row_print(&row, out);
}

const char *scan_status_name(enum logstore_scan_status status)
{
	switch (status) {
	case LOGSTORE_SCAN_OK:
		return "OK";
	case LOGSTORE_SCAN_BAD_CRC:
		return "BAD_CRC";
	case LOGSTORE_SCAN_MALFORMED:
		return "MALFORMED";
	case LOGSTORE_SCAN_TORN:
		return "TORN";
	case LOGSTORE_SCAN_ZEROS:
		return "ZEROS";
	}
	return "UNKNOWN";
}

static void row_producer(struct row *row, const struct logstore_batch_info *info)
{
	char *begin = row->to;

	if (info->producer_id == LOGSTORE_NO_PRODUCER_ID) {
		row_text(row, "-");
		return;
	}
	row->to = put_int(row->to, info->producer_id);
	*row->to++ = ':';
	row->to = put_int(row->to, info->producer_epoch);
	if (info->base_sequence != LOGSTORE_NO_SEQUENCE)
		row->to = put_int(put_text(row->to, " seq "), info->base_sequence);
	row_end_cell(row, begin);
}

static const char *transaction_flag(const struct logstore_batch_info *info, const char *marker)
{
	if (info->control)
		return marker ? marker : "control";
	return info->transactional ? "txn" : NULL;
}

/* "txn,appendtime", or "-" */
static void row_flags(struct row *row, const struct logstore_batch_info *info, const char *marker)
{
	bool append_time = info->magic > 0 && info->timestamp_type == LOGSTORE_LOG_APPEND_TIME;
	const char *const flags[] = {
		info->magic == 0 ? "v0" : NULL,
		info->magic == 1 ? "v1" : NULL,
		transaction_flag(info, marker),
		append_time ? "appendtime" : NULL,
		info->has_delete_horizon ? "horizon" : NULL,
	};
	char *begin = row->to;

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (!flags[i])
			continue;
		if (row->to > begin)
			*row->to++ = ',';
		row->to = put_text(row->to, flags[i]);
	}
	if (row->to == begin)
		*row->to++ = '-';
	row_end_cell(row, begin);
}

static void row_offsets(struct row *row, const struct logstore_batch_info *info)
{
	char *begin = row->to;

	row->to = put_int(row->to, info->base_offset);
	if (info->last_offset != info->base_offset)
		row->to = put_int(put_text(row->to, ".."), info->last_offset);
	row_end_cell(row, begin);
}

void batch_out_text(struct batch_out *writer, const struct logstore_scan_item *item, const char *marker)
{
	const struct logstore_batch_info *info = &item->info;
	struct row row = {.column = 0};
	char *begin;

	row.to = row.text;
	if (!batch_out_has_header(item)) {
		out_format(writer->out, "-  %s: %llu bytes at position %llu: %s\n",
		           scan_status_name(item->status), (unsigned long long)item->size,
		           (unsigned long long)item->position, item->text);
		return;
	}
	row_offsets(&row, info);
	begin = row.to;
	row.to = human_clock_put(&writer->clock, row.to, info->max_timestamp);
	row_end_cell(&row, begin);
	if (info->record_count >= 0)
		row_int(&row, info->record_count);
	else
		row_text(&row, "-");
	row_int(&row, info->size);
	row_text(&row, codec_text(info->codec));
	if (info->leader_epoch >= 0)
		row_int(&row, info->leader_epoch);
	else
		row_text(&row, "-");
	row_producer(&row, info);
	row_flags(&row, info, marker);
	row_int(&row, (int64_t)item->position);
	row_text(&row, item->status == LOGSTORE_SCAN_OK ? "ok" : "BAD");
	row_print(&row, writer->out);
}

/* {"partition":...,"file":...,"position":...,"size":... */
static void json_place(struct batch_out *writer, const struct logstore_scan_item *item)
{
	struct out *out = writer->out;
	char *to;

	out_text(out, "{\"partition\":");
	out_json_text(out, writer->label, strlen(writer->label));
	out_text(out, ",\"file\":");
	out_json_text(out, writer->file, strlen(writer->file));
	to = out_reserve(out, 128);
	to = put_uint(put_text(to, ",\"position\":"), item->position);
	to = put_uint(put_text(to, ",\"size\":"), item->size);
	out_commit(out, to);
}

static char *put_producer(char *to, const struct logstore_batch_info *info)
{
	if (info->producer_id == LOGSTORE_NO_PRODUCER_ID && info->producer_epoch == LOGSTORE_NO_EPOCH &&
	    info->base_sequence == LOGSTORE_NO_SEQUENCE)
		return to;
	to = put_int(put_text(to, ",\"producer_id\":"), info->producer_id);
	to = put_int(put_text(to, ",\"producer_epoch\":"), info->producer_epoch);
	return put_int(put_text(to, ",\"base_sequence\":"), info->base_sequence);
}

/* What is left out at its default, between leader_epoch and max_timestamp. */
static char *put_optional(char *to, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;

	if (item->status != LOGSTORE_SCAN_OK)
		to = put_text(to, ",\"valid\":false");
	to = put_producer(to, info);
	if (info->transactional)
		to = put_text(to, ",\"transactional\":true");
	if (info->control)
		to = put_text(to, ",\"control\":true");
	if (info->has_delete_horizon)
		to = put_int(put_text(to, ",\"delete_horizon_ms\":"), info->base_timestamp);
	if (info->magic != 2)
		to = put_int(put_text(to, ",\"magic\":"), info->magic);
	if (info->codec != LOGSTORE_CODEC_NONE) {
		to = put_text(to, ",\"codec\":\"");
		to = put_text(put_text(to, codec_text(info->codec)), "\"");
	}
	if (info->magic == 0 || info->timestamp_type != LOGSTORE_CREATE_TIME) {
		to = put_text(to, ",\"timestamp_type\":\"");
		to = put_text(put_text(to, timestamp_type_name(info)), "\"");
	}
	return to;
}

void batch_out_json(struct batch_out *writer, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;
	struct out *out = writer->out;
	char *to;

	json_place(writer, item);
	to = out_reserve(out, 1024);
	to = put_int(put_text(to, ",\"base_offset\":"), info->base_offset);
	to = put_int(put_text(to, ",\"last_offset\":"), info->last_offset);
	if (info->magic == 2) {
		to = put_int(put_text(to, ",\"count\":"), info->record_count);
		to = put_int(put_text(to, ",\"leader_epoch\":"), info->leader_epoch);
	}
	to = put_optional(to, item);
	to = put_int(put_text(to, ",\"max_timestamp\":"), info->max_timestamp);
	to = put_uint(put_text(to, ",\"crc\":"), info->crc);
	to = put_text(to, "}\n");
	out_commit(out, to);
}

void batch_out_json_error(struct batch_out *writer, const struct logstore_scan_item *item, const char *error,
                          const char *message)
{
	struct json json = {.out = writer->out, .comma = true};

	json_place(writer, item);
	if (item->has_info) {
		json_int(&json, "batch_base_offset", item->info.base_offset);
		json_int(&json, "last_offset", item->info.last_offset);
	}
	json_text(&json, "error", error);
	json_text(&json, "message", message);
	json_line_end(&json);
}
