/*
 * `logstore stat`: one row per partition, and more about one. Opens read-only, also beside an owner.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "human.h"
#include "json_out.h"
#include "lock_owner.h"
#include "record_out.h"
#include "report.h"
#include "session.h"
#include "signals.h"
#include "stat.h"
#include "table.h"

struct stat_run {
	struct tool *tool;
	struct session session;
	struct table *table;
	uint64_t bytes;
	size_t partitions;
};

static void cell_records(struct table *table, const struct stat_partition *stat)
{
	char text[HUMAN_MAX];
	char bound[HUMAN_MAX + 8];

	if (stat->count.exact) {
		table_cell(table, human_count(text, (int64_t)stat->count.records));
		return;
	}
	(void)snprintf(bound, sizeof bound, "<= %s",
	               human_count(text, stat->offsets.log_end - stat->offsets.log_start));
	table_cell(table, bound);
}

static void cell_codecs(struct table *table, const struct stat_count *count)
{
	char text[64] = "";

	for (uint8_t codec = 0; codec < 8; codec++) {
		if (count->codecs >> codec & 1)
			(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
			               text[0] ? "," : "", codec_text(codec));
	}
	table_cell(table, text[0] ? text : "-");
}

static void cell_state(struct stat_run *run, const struct stat_partition *stat)
{
	char text[128];
	char age[HUMAN_MAX];

	if (stat->count.damaged) {
		table_cell_color(run->table, "damaged", "red");
	} else if (stat->open_transactions > 0) {
		human_duration(age, tool_now(run->tool) - stat->open_timestamp);
		(void)snprintf(text, sizeof text, "open transaction (producer %" PRId64 ", %s)%s",
		               stat->open_producer, age, stat->open_transactions > 1 ? " and more" : "");
		table_cell_color(run->table, text, "yellow");
	} else {
		table_cell(run->table, "ok");
	}
}

static void add_row(struct stat_run *run, const struct stat_partition *stat, const char *label)
{
	const struct logstore_offsets *offsets = &stat->offsets;
	char text[HUMAN_MAX];

	table_row(run->table);
	table_cell(run->table, label);
	cell_records(run->table, stat);
	table_cell(run->table, human_size(text, offsets->size));
	table_cell_int(run->table, (int64_t)offsets->segment_count);
	table_cell_int(run->table, offsets->log_start);
	table_cell_int(run->table, offsets->log_end);
	table_cell_int(run->table, offsets->last_stable);
	if (offsets->leader_epoch >= 0)
		table_cell_int(run->table, offsets->leader_epoch);
	else
		table_cell(run->table, "-");
	cell_codecs(run->table, &stat->count);
	table_cell(run->table, human_time(text, stat->last_record));
	cell_state(run, stat);
	run->bytes += offsets->size;
	run->partitions++;
}

/* A partition that cannot be opened has a row too. */
static void add_failed_row(struct stat_run *run, const char *label)
{
	if (args_has(&run->tool->args, OPT_JSON)) {
		struct json json = json_line(&run->tool->out);

		json_text(&json, "partition", label);
		json_text(&json, "error", "cannot be opened");
		json_line_end(&json);
		return;
	}
	table_row(run->table);
	table_cell(run->table, label);
	for (int i = 0; i < 9; i++)
		table_cell(run->table, "-");
	table_cell_color(run->table, "cannot be opened", "red");
	run->partitions++;
}

/* The partition that is open in the session. */
static int stat_open(struct stat_run *run, const char *label, struct stat_partition *ret_stat)
{
	int status;

	if (args_has(&run->tool->args, OPT_JSON))
		return stat_json(run->tool, run->session.part, label,
		                 args_has(&run->tool->args, OPT_INDEXES));
	status = stat_gather(run->tool, run->session.part, label, ret_stat);
	if (status == 0)
		add_row(run, ret_stat, label);
	return status;
}

static int print_parts(struct stat_run *run, const char *label)
{
	struct tool *tool = run->tool;
	int status = 0;

	if (args_has(&tool->args, OPT_SEGMENTS))
		status = stat_segments(tool, run->session.part, label);
	if (status == 0 && args_has(&tool->args, OPT_INDEXES))
		status = stat_indexes(tool, run->session.part, label);
	return status;
}

static bool wants_parts(const struct tool *tool)
{
	return !args_has(&tool->args, OPT_JSON) &&
	       (args_has(&tool->args, OPT_SEGMENTS) || args_has(&tool->args, OPT_INDEXES));
}

static void print_footer(struct stat_run *run, const char *data_dir)
{
	struct out *out = &run->tool->out;
	char marker[PATH_MAX];
	char owner[128];
	char size[HUMAN_MAX];

	out_format(out, "%zu partition%s, %s, ", run->partitions, run->partitions == 1 ? "" : "s",
	           human_size(size, run->bytes));
	if (lock_owner_describe(data_dir, owner, sizeof owner))
		out_format(out, "in use by %s.", owner);
	else if (snprintf(marker, sizeof marker, "%s/.kafka_cleanshutdown", data_dir) < (int)sizeof marker &&
	         access(marker, F_OK) == 0)
		out_text(out, "last stop: clean.");
	else
		out_text(out, "last stop: unclean.");
	out_text(out, "  Details: logstore stat DIR/TOPIC-NUMBER; checks: logstore verify DIR\n");
}

static int stat_one(struct stat_run *run, const char *label)
{
	struct stat_partition stat;
	int status;

	if (wants_parts(run->tool))
		return print_parts(run, label);
	status = stat_open(run, label, &stat);
	if (status != 0 || args_has(&run->tool->args, OPT_JSON))
		return status;
	status = table_print(run->table, run->tool);
	return status != 0 ? status : stat_details(run->tool, run->session.part, &stat, label);
}

static int stat_all(struct stat_run *run, const struct target *target)
{
	struct target_entry *partitions = NULL;
	size_t count = 0;
	int status = 0;
	int r = target_list_partitions(run->session.data_dir, &partitions, &count);

	if (r < 0)
		return report_errno(-r, run->session.data_dir);
	if (count == 0)
		status = target_report_no_partition(target);
	for (size_t i = 0; i < count && !out_failed(&run->tool->out) && !signals_stop(); i++) {
		struct stat_partition stat;
		int one = session_switch(&run->session, &partitions[i].listing);

		if (one != 0) {
			add_failed_row(run, partitions[i].name);
		} else if (wants_parts(run->tool)) {
			out_format(&run->tool->out, "%s%s\n", i > 0 ? "\n" : "", partitions[i].name);
			one = print_parts(run, partitions[i].name);
		} else {
			one = stat_open(run, partitions[i].name, &stat);
		}
		status = one > status ? one : status;
	}
	free(partitions);
	if (!args_has(&run->tool->args, OPT_JSON) && !wants_parts(run->tool)) {
		int printed = run->partitions > 0 ? table_print(run->table, run->tool) : 0;

		status = printed > status ? printed : status;
		print_footer(run, target->data_dir);
	}
	return status;
}

/* A directory where nobody was yet, or one of something else. */
static int stat_foreign(const struct stat_run *run, const struct target *target)
{
	int status = target_report_no_partition(target);

	if (status == 0 && !args_has(&run->tool->args, OPT_JSON) && !wants_parts(run->tool))
		out_text(&run->tool->out, "0 partitions\n");
	return status;
}

static int stat_path(struct stat_run *run, const char *path)
{
	struct target target;
	int status = target_resolve(path, &target);

	if (status != 0)
		return status;
	if (!target.exists)
		return report_errno(ENOENT, path);
	if (target.kind == TARGET_FILE || target.kind == TARGET_LOG_DIR)
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: not a data directory or a partition (logstore dump shows files)",
		                      path);
	if (target.foreign)
		return stat_foreign(run, &target);
	run->bytes = 0;
	run->partitions = 0;
	if (target.kind == TARGET_DATA_DIR) {
		status = session_open(&run->session, run->tool, target.data_dir, SESSION_READ);
		return status != 0 ? status : session_close(&run->session, stat_all(run, &target));
	}
	status = session_open_partition(&run->session, run->tool, &target, SESSION_READ);
	return status != 0 ? status : session_close(&run->session, stat_one(run, target.name));
}

int verb_stat(struct tool *tool)
{
	static const struct table_column columns[] = {
		{"PARTITION", false}, {"RECORDS", true},     {"BYTES", true},  {"SEGMENTS", true},
		{"START", true},      {"END", true},         {"STABLE", true}, {"EPOCH", true},
		{"CODECS", false},    {"LAST RECORD", false}, {"STATE", false},
	};
	struct stat_run run = {.tool = tool};
	int status = 0;

	run.table = table_new(tool, columns, sizeof columns / sizeof *columns);
	if (!run.table)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	for (int i = 0; i < tool->args.operand_count && !out_failed(&tool->out); i++) {
		int one = stat_path(&run, tool->args.operands[i]);

		status = one > status ? one : status;
	}
	table_free(run.table);
	return status;
}
