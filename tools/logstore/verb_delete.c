/* `logstore delete`: a partition with all its files. */
#include <inttypes.h>

#include "human.h"
#include "report.h"
#include "session.h"

static int dry_run(struct tool *tool, const struct target *target)
{
	struct logstore_offsets offsets;
	struct session session;
	char size[HUMAN_MAX];
	int status = session_open_partition(&session, tool, target, SESSION_READ);

	if (status != 0)
		return status;
	logstore_partition_offsets(session.part, &offsets);
	out_format(&tool->out, "%s: would delete %s", target->name, human_size(size, offsets.size));
	if (offsets.log_end > offsets.log_start)
		out_format(&tool->out, ", offsets %" PRId64 "..%" PRId64, offsets.log_start,
		           offsets.log_end - 1);
	out_text(&tool->out, ". Nothing was changed.\n");
	return session_close(&session, 0);
}

int verb_delete(struct tool *tool)
{
	struct logstore_error error;
	struct session session;
	struct target target;
	int status = target_partition(tool->args.operands[0], true, &target);

	if (status != 0)
		return status;
	if (args_has(&tool->args, OPT_DRY_RUN))
		return dry_run(tool, &target);
	status = session_open(&session, tool, target.data_dir, SESSION_WRITE);
	if (status != 0)
		return status;
	if (logstore_partition_delete(session.store, target.listing.topic, target.listing.partition, &error) <
	    0)
		status = report_error(&error, target.path);
	status = session_close(&session, status);
	if (status == 0 && !tool->quiet)
		out_format(&tool->out, "%s: deleted\n", target.name);
	return status;
}
