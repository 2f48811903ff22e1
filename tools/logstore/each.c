/*
 * From a PATH to its partitions.
 */
#include "each.h"

#include <errno.h>
#include <stdlib.h>

#include "report.h"
#include "signals.h"

static int each_of_session(const struct tool *tool, struct session *session, const struct target *target,
                           each_fn fn, void *arg)
{
	struct target_entry *partitions = NULL;
	size_t count = 0;
	int status = 0;
	int r = target_list_partitions(session->data_dir, &partitions, &count);

	if (r < 0)
		return report_errno(-r, session->data_dir);
	if (count == 0)
		status = target_report_no_partition(target);
	for (size_t i = 0; i < count && !out_failed(&tool->out) && !signals_stop(); i++) {
		int one = session_switch(session, &partitions[i].listing);

		if (one == 0)
			one = fn(arg, session, partitions[i].name);
		status = one > status ? one : status;
	}
	free(partitions);
	return status;
}

int each_partition(const struct tool *tool, const char *path, each_fn fn, void *arg)
{
	struct session session;
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
		return target_report_no_partition(&target);
	if (target.kind == TARGET_DATA_DIR) {
		status = session_open(&session, tool, target.data_dir, SESSION_READ);
		return status != 0 ? status
		                   : session_close(&session, each_of_session(tool, &session, &target, fn, arg));
	}
	status = session_open_partition(&session, tool, &target, SESSION_READ);
	return status != 0 ? status : session_close(&session, fn(arg, &session, target.name));
}
