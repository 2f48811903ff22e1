/* `logstore delete-records`: moves the start of a log forward. */
#include <inttypes.h>
#include <string.h>

#include "human.h"
#include "parse.h"
#include "report.h"
#include "session.h"

static int plan(struct tool *tool, const struct target *target, const struct logstore_offsets *offsets,
                int64_t before)
{
	if (before > offsets->high_watermark)
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: offset %" PRId64 " is above the high watermark %" PRId64,
		                      target->path, before, offsets->high_watermark);
	if (before <= offsets->log_start)
		out_format(&tool->out, "%s: begins at offset %" PRId64 " already. Nothing was changed.\n",
		           target->name, offsets->log_start);
	else
		out_format(&tool->out,
		           "%s: would delete offsets %" PRId64 "..%" PRId64 ". Nothing was changed.\n",
		           target->name, offsets->log_start, before - 1);
	return 0;
}

static int delete_open(struct tool *tool, const struct session *session, const struct target *target,
                       int64_t before)
{
	struct logstore_offsets old;
	struct logstore_offsets now;
	struct logstore_error error;
	int64_t log_start;
	char size[HUMAN_MAX];

	logstore_partition_offsets(session->part, &old);
	if (args_has(&tool->args, OPT_DRY_RUN))
		return plan(tool, target, &old, before < 0 ? old.high_watermark : before);
	if (logstore_delete_records(session->part, before, &log_start, &error) < 0)
		return report_error(&error, target->path);
	logstore_partition_offsets(session->part, &now);
	if (!tool->quiet)
		out_format(&tool->out, "%s: log start %" PRId64 " -> %" PRId64 ", %s freed\n", target->name,
		           old.log_start, log_start, human_size(size, old.size - now.size));
	return 0;
}

int verb_delete_records(struct tool *tool)
{
	const char *text = args_value(&tool->args, OPT_BEFORE);
	struct session session;
	struct target target;
	int64_t before = -1;
	int status;

	if (!text)
		return report_usage("delete-records: --before OFFSET is missing");
	if (strcmp(text, "hw") != 0 && (!parse_int(text, &before) || before < -1))
		return report_usage("delete-records: --before: \"%s\" is none of an offset, -1, hw", text);
	status = target_partition(tool->args.operands[0], true, &target);
	if (status == 0)
		status = session_open_partition(&session, tool, &target, session_write_mode(tool));
	if (status != 0)
		return status;
	return session_close(&session, delete_open(tool, &session, &target, before));
}
