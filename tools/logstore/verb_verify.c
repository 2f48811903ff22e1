/*
 * `logstore verify`: every file of a partition or of a data directory against the others. Works on
 * directories in any state: nothing is opened as a store, so no damage can keep the rest from its turn.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report.h"
#include "signals.h"
#include "verify.h"

/* Notes a failure to check at all; a damaged partition counts as checked. */
static void failed(struct verify *verify, int status)
{
	if (!signals_stop())
		verify->status |= status == EXIT_STATUS_FAILED ? EXIT_STATUS_OPERATIONAL : status;
}

static void verify_partition(struct verify *verify, const char *path, const char *label)
{
	struct logstore_verify_options options;
	struct logstore_verify_result result = {.segments = 0};
	struct logstore_error error;
	int r;

	logstore_verify_options_init(&options);
	options.records = !args_has(&verify->tool->args, OPT_QUICK);
	options.progress = verify_progress;
	options.progress_arg = verify;
	verify_begin(verify, label);
	r = logstore_verify_partition(&verify->tool->env, path, &options, verify_finding, verify, &result,
	                              &error);
	if (r < 0 && !signals_stop())
		failed(verify, report_error(&error, path));
	verify_end(verify, r < 0 ? NULL : &result);
}

static void verify_data_dir(struct verify *verify, const char *path)
{
	struct logstore_verify_result result = {.segments = 0};
	struct target_entry *partitions = NULL;
	struct logstore_error error;
	size_t count = 0;
	int r = target_list_partitions(path, &partitions, &count);

	if (r < 0) {
		failed(verify, report_errno(-r, path));
		return;
	}
	for (size_t i = 0; i < count && !signals_stop() && !out_failed(&verify->tool->out); i++) {
		char directory[PATH_MAX];

		if (snprintf(directory, sizeof directory, "%s/%s", path, partitions[i].name) >=
		    (int)sizeof directory)
			failed(verify, report_errno(ENAMETOOLONG, path));
		else
			verify_partition(verify, directory, partitions[i].name);
	}
	free(partitions);
	if (signals_stop())
		return;
	verify_begin(verify, path);
	r = logstore_verify_directory(&verify->tool->env, path, verify_finding, verify, &error);
	if (r < 0)
		failed(verify, report_error(&error, path));
	verify_end(verify, r < 0 ? NULL : &result);
}

static void verify_path(struct verify *verify, const char *path)
{
	struct logstore_verify_result result;
	struct target target;
	int status = target_resolve(path, &target);

	if (status == 0 && !target.exists)
		status = report_errno(ENOENT, path);
	if (status != 0) {
		failed(verify, status);
		return;
	}
	switch (target.kind) {
	case TARGET_DATA_DIR:
		verify_data_dir(verify, target.path);
		break;
	case TARGET_PARTITION:
	case TARGET_LOG_DIR:
		verify_partition(verify, target.path, target.name);
		break;
	case TARGET_FILE:
		verify_begin(verify, target.name);
		status = verify_file(verify, &target, &result);
		if (status != 0)
			failed(verify, status);
		verify_end(verify, status != 0 ? NULL : &result);
		break;
	}
}

int verb_verify(struct tool *tool)
{
	struct verify verify = {
		.tool = tool,
		.json = args_has(&tool->args, OPT_JSON),
		.begun_ms = tool_monotonic_ms(),
		.progress_on = !tool->quiet && isatty(STDERR_FILENO),
	};

	for (int i = 0; i < tool->args.operand_count && !signals_stop(); i++)
		verify_path(&verify, tool->args.operands[i]);
	if (!signals_stop())
		verify_summary(&verify, tool->args.operands[0]);
	return verify.status;
}
