/*
 * `logstore config`: the settings of a partition. Shows what differs from the defaults, or everything;
 * --set and --unset keep changes in the partition.
 */
#include <inttypes.h>
#include <string.h>

#include "each.h"
#include "json_out.h"
#include "report.h"
#include "table.h"

struct config_run {
	struct tool *tool;
	struct table *table;
	size_t rows;
};

static void show_entry(struct config_run *run, const struct logstore_config_entry *entry, const char *label)
{
	struct json json;

	if (!args_has(&run->tool->args, OPT_JSON)) {
		table_row(run->table);
		table_cell(run->table, label);
		table_cell(run->table, entry->name);
		table_cell_color(run->table, entry->value, entry->is_default ? NULL : "yellow");
		table_cell(run->table, entry->default_value);
		run->rows++;
		return;
	}
	json = json_line(&run->tool->out);
	json_text(&json, "partition", label);
	json_text(&json, "name", entry->name);
	json_text(&json, "value", entry->value);
	json_text(&json, "default", entry->default_value);
	json_text(&json, "type", entry->type);
	json_bool(&json, "is_default", entry->is_default);
	json_line_end(&json);
}

static int show(void *arg, struct session *session, const char *label)
{
	struct config_run *run = arg;
	struct logstore_config_entry entry;
	struct logstore_error error;
	logstore_config *config = NULL;
	int status = session_override(session, run->tool);

	if (status != 0)
		return status;
	if (logstore_partition_get_config(session->part, &config, &error) < 0)
		return report_error(&error, label);
	for (size_t i = 0; logstore_config_at(config, i, &entry) == 1; i++) {
		if (args_has(&run->tool->args, OPT_ALL) || !entry.is_default)
			show_entry(run, &entry, label);
	}
	logstore_config_free(config);
	return 0;
}

static int show_all(struct tool *tool)
{
	static const struct table_column columns[] = {
		{"PARTITION", false},
		{"NAME", false},
		{"VALUE", false},
		{"DEFAULT", false},
	};
	struct config_run run = {
		.tool = tool,
		.table = table_new(tool, columns, sizeof columns / sizeof *columns),
	};
	int status;

	if (!run.table)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	status = each_partition(tool, tool->args.operands[0], show, &run);
	if (run.rows > 0) {
		int printed = table_print(run.table, tool);

		status = printed > status ? printed : status;
	} else if (status == 0 && !args_has(&tool->args, OPT_JSON)) {
		out_text(&tool->out, "Every setting has its default (--all shows them).\n");
	}
	table_free(run.table);
	return status;
}

/* ---- Changes ---- */

static int change(struct tool *tool, logstore_config *config)
{
	struct logstore_error error;
	const char *text;
	size_t at = 0;
	int status = 0;

	while (status == 0 && (text = args_next(&tool->args, OPT_SET, &at)) != NULL)
		status = session_config_set(tool, config, "--set", text);
	at = 0;
	while (status == 0 && (text = args_next(&tool->args, OPT_UNSET, &at)) != NULL) {
		if (logstore_config_set(config, text, NULL, &error) < 0)
			status = report_usage("config: --unset %s: %s", text, error.text);
	}
	return status;
}

/* Says what differs between two sets of settings. */
static void print_changes(struct tool *tool, const logstore_config *before, const logstore_config *after)
{
	struct logstore_config_entry old;
	struct logstore_config_entry new;
	size_t changes = 0;

	for (size_t i = 0;
	     logstore_config_at(before, i, &old) == 1 && logstore_config_at(after, i, &new) == 1; i++) {
		if (old.is_default == new.is_default && strcmp(old.value, new.value) == 0)
			continue;
		out_format(&tool->out, "%s: %s -> %s%s\n", old.name, old.value, new.value,
		           new.is_default ? " (default)" : "");
		changes++;
	}
	if (changes == 0)
		out_text(&tool->out, "No setting changes.\n");
}

static int change_open(struct tool *tool, const struct session *session, const struct target *target)
{
	struct logstore_error error;
	logstore_config *before = NULL;
	logstore_config *after = NULL;
	int status = 0;

	if (logstore_partition_get_config(session->part, &before, &error) < 0 ||
	    logstore_partition_get_config(session->part, &after, &error) < 0)
		status = report_error(&error, target->path);
	if (status == 0)
		status = change(tool, after);
	if (status == 0 && !args_has(&tool->args, OPT_DRY_RUN) &&
	    logstore_partition_set_config(session->part, after, &error) < 0)
		status = report_error(&error, target->path);
	if (status == 0 && !tool->quiet)
		print_changes(tool, before, after);
	if (status == 0 && args_has(&tool->args, OPT_DRY_RUN))
		out_text(&tool->out, "Nothing was changed.\n");
	logstore_config_free(before);
	logstore_config_free(after);
	return status;
}

int verb_config(struct tool *tool)
{
	struct session session;
	struct target target;
	int status;

	if (!args_has(&tool->args, OPT_SET) && !args_has(&tool->args, OPT_UNSET))
		return show_all(tool);
	if (args_has(&tool->args, OPT_CONFIG))
		return report_usage(
			"config: -c shows settings, --set and --unset keep them: give one or the other");
	status = target_partition(tool->args.operands[0], true, &target);
	if (status == 0)
		status = session_open_partition(&session, tool, &target, session_write_mode(tool));
	if (status != 0)
		return status;
	return session_close(&session, change_open(tool, &session, &target));
}
