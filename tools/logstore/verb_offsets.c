/*
 * `logstore offsets`: the bounds of partitions, or with --time what Kafka's ListOffsets would answer.
 */
#include <logstore/logstore.h>

#include "each.h"
#include "human.h"
#include "json_out.h"
#include "parse.h"
#include "report.h"
#include "table.h"

struct offsets_run {
	struct tool *tool;
	struct table *table;
	enum logstore_isolation isolation;
	bool json;
};

static void json_bounds(struct tool *tool, const struct logstore_offsets *offsets, const char *label)
{
	struct json json = json_line(&tool->out);

	json_text(&json, "partition", label);
	json_int(&json, "log_start_offset", offsets->log_start);
	json_int(&json, "log_end_offset", offsets->log_end);
	json_int(&json, "last_stable_offset", offsets->last_stable);
	json_int(&json, "high_watermark", offsets->high_watermark);
	json_int(&json, "leader_epoch", offsets->leader_epoch);
	json_line_end(&json);
}

static int show_bounds(void *arg, struct session *session, const char *label)
{
	struct offsets_run *run = arg;
	struct logstore_offsets offsets;

	logstore_partition_offsets(session->part, &offsets);
	if (run->json) {
		json_bounds(run->tool, &offsets, label);
		return 0;
	}
	table_row(run->table);
	table_cell(run->table, label);
	table_cell_int(run->table, offsets.log_start);
	table_cell_int(run->table, offsets.log_end);
	table_cell_int(run->table, offsets.last_stable);
	table_cell_int(run->table, offsets.high_watermark);
	return 0;
}

/* Kafka has no epoch for an offset it does not know one of, but a definite -1 for what is never tiered. */
static bool has_epoch(int64_t timestamp, const struct logstore_timestamp_offset *found)
{
	return found->leader_epoch >= 0 || timestamp == LOGSTORE_TIMESTAMP_LATEST_TIERED ||
	       timestamp == LOGSTORE_TIMESTAMP_EARLIEST_PENDING_UPLOAD;
}

static void json_found(struct tool *tool, int64_t timestamp, const struct logstore_timestamp_offset *found,
                       const char *label)
{
	struct json json = json_line(&tool->out);

	json_int(&json, "timestamp", timestamp);
	if (found) {
		json_int(&json, "found_offset", found->offset);
		json_int(&json, "found_timestamp", found->timestamp);
		if (has_epoch(timestamp, found))
			json_int(&json, "leader_epoch", found->leader_epoch);
		else
			json_null(&json, "leader_epoch");
	} else {
		json_null(&json, "found_offset");
	}
	json_text(&json, "partition", label);
	json_line_end(&json);
}

static void row_found(struct table *table, const char *asked, const struct logstore_timestamp_offset *found,
                      const char *label)
{
	char text[HUMAN_MAX];

	table_row(table);
	table_cell(table, label);
	table_cell(table, asked);
	if (!found) {
		table_cell(table, "none");
		return;
	}
	table_cell_int(table, found->offset);
	table_cell(table, human_time(text, found->timestamp));
	if (found->leader_epoch >= 0)
		table_cell_int(table, found->leader_epoch);
	else
		table_cell(table, "-");
}

static int show_times(void *arg, struct session *session, const char *label)
{
	struct offsets_run *run = arg;
	struct logstore_timestamp_offset found;
	struct logstore_error error;
	const char *text;
	size_t at = 0;

	while ((text = args_next(&run->tool->args, OPT_TIME, &at)) != NULL) {
		int64_t timestamp = 0;
		int r;

		(void)parse_time(text, &timestamp); /* checked by verb_offsets() */
		r = logstore_offset_for_timestamp(session->part, timestamp, run->isolation, &found, &error);
		if (r < 0)
			return report_error(&error, label);
		if (run->json)
			json_found(run->tool, timestamp, r == 1 ? &found : NULL, label);
		else
			row_found(run->table, text, r == 1 ? &found : NULL, label);
	}
	return 0;
}

static int check_times(const struct args *args)
{
	const char *text;
	size_t at = 0;
	int64_t timestamp;

	while ((text = args_next(args, OPT_TIME, &at)) != NULL) {
		if (!parse_time(text, &timestamp))
			return report_usage(
				"offsets: --time: \"%s\" is neither ms since 1970 nor a time such as "
				"2026-03-01T12:00:00Z",
				text);
		if (timestamp < LOGSTORE_TIMESTAMP_EARLIEST_PENDING_UPLOAD)
			return report_usage("offsets: --time: \"%s\": Kafka's special times are -1 to -6",
			                    text);
	}
	return 0;
}

int verb_offsets(struct tool *tool)
{
	static const struct table_column bounds[] = {
		{"PARTITION", false}, {"START", true},          {"END", true},
		{"STABLE", true},     {"HIGH WATERMARK", true},
	};
	static const struct table_column times[] = {
		{"PARTITION", false}, {"ASKED", false}, {"OFFSET", true}, {"TIME", false}, {"EPOCH", true},
	};
	const struct args *args = &tool->args;
	bool by_time = args_has(args, OPT_TIME);
	struct offsets_run run = {
		.tool = tool,
		.json = args_has(args, OPT_JSON),
		.isolation = args_has(args, OPT_COMMITTED) ? LOGSTORE_READ_COMMITTED
	                     : args_has(args, OPT_HW)      ? LOGSTORE_READ_HIGH_WATERMARK
	                                                   : LOGSTORE_READ_LOG_END,
	};
	int status = check_times(args);

	if (status != 0)
		return status;
	run.table = table_new(tool, by_time ? times : bounds, 5);
	if (!run.table)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	for (int i = 0; i < args->operand_count && !out_failed(&tool->out); i++) {
		int one = each_partition(tool, args->operands[i], by_time ? show_times : show_bounds, &run);

		status = one > status ? one : status;
	}
	if (!run.json) {
		int printed = table_print(run.table, tool);

		status = printed > status ? printed : status;
	}
	table_free(run.table);
	return status;
}
