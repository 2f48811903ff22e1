/* `logstore truncate`: cuts the end of a log. */
#include <inttypes.h>

#include "human.h"
#include "report.h"
#include "session.h"

static void print_result(struct tool *tool, const struct target *target,
                         const struct logstore_offsets *before, const struct logstore_offsets *after)
{
	char size[HUMAN_MAX];

	if (tool->quiet)
		return;
	if (before->log_end == after->log_end)
		out_format(&tool->out, "%s: ends at offset %" PRId64 " already\n", target->name,
		           before->log_end);
	else
		out_format(&tool->out, "%s: cut, log end %" PRId64 " -> %" PRId64 ", %s freed\n",
		           target->name, before->log_end, after->log_end,
		           human_size(size, before->size - after->size));
}

static int plan(struct tool *tool, const struct target *target, const struct logstore_offsets *offsets,
                int64_t to)
{
	if (to >= offsets->log_end)
		out_format(&tool->out, "%s: ends at offset %" PRId64 " already. Nothing was changed.\n",
		           target->name, offsets->log_end);
	else
		out_format(&tool->out,
		           "%s: would remove offsets %" PRId64 "..%" PRId64 ", and the whole batch that "
		           "contains the first of them. Nothing was changed.\n",
		           target->name, to > offsets->log_start ? to : offsets->log_start,
		           offsets->log_end - 1);
	return 0;
}

static int truncate_open(struct tool *tool, const struct session *session, const struct target *target,
                         int64_t to)
{
	struct logstore_offsets before;
	struct logstore_offsets after;
	struct logstore_error error;

	logstore_partition_offsets(session->part, &before);
	if (args_has(&tool->args, OPT_DRY_RUN))
		return plan(tool, target, &before, to);
	if (logstore_truncate(session->part, to, &error) < 0)
		return report_error(&error, target->path);
	logstore_partition_offsets(session->part, &after);
	print_result(tool, target, &before, &after);
	return 0;
}

int verb_truncate(struct tool *tool)
{
	struct session session;
	struct target target;
	int status;

	if (!args_has(&tool->args, OPT_TO))
		return report_usage("truncate: --to OFFSET is missing");
	status = target_partition(tool->args.operands[0], true, &target);
	if (status == 0)
		status = session_open_partition(&session, tool, &target, session_write_mode(tool));
	if (status != 0)
		return status;
	return session_close(&session,
	                     truncate_open(tool, &session, &target, args_int(&tool->args, OPT_TO, 0)));
}
