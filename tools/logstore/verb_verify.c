/*
 * `logstore verify`: every file of a partition or of a data directory against the others. Works on
 * directories in any state: nothing is opened as a store, so no damage can keep the rest from its turn.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lock_owner.h"
#include "report.h"
#include "signals.h"
#include "verify.h"

/* Where nothing could be checked; why has been said. */
static void failed(struct verify *verify, const char *label)
{
	verify_begin(verify, label);
	verify_end(verify, NULL);
}

/* Without the marker and without an owner at work, the last one did not get to its end. */
static bool is_unclean(const char *path)
{
	char marker[PATH_MAX];
	char owner[128];

	return snprintf(marker, sizeof marker, "%s/.kafka_cleanshutdown", path) < (int)sizeof marker &&
	       access(marker, F_OK) < 0 && errno == ENOENT &&
	       !lock_owner_describe(path, owner, sizeof owner);
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
		(void)report_error(&error, path);
	verify_end(verify, r < 0 ? NULL : &result);
}

static void verify_data_dir(struct verify *verify, const struct target *target)
{
	const char *path = target->path;
	struct logstore_verify_result result = {.segments = 0};
	struct target_entry *partitions = NULL;
	struct logstore_error error;
	size_t count = 0;
	int r = target_list_partitions(path, &partitions, &count);

	if (r < 0 || target->foreign) {
		(void)(r < 0 ? report_errno(-r, path) : target_report_no_partition(target));
		free(partitions);
		failed(verify, path);
		return;
	}
	for (size_t i = 0; i < count && !signals_stop() && !out_failed(&verify->tool->out); i++) {
		char directory[PATH_MAX];

		if (snprintf(directory, sizeof directory, "%s/%s", path, partitions[i].name) >=
		    (int)sizeof directory) {
			(void)report_errno(ENAMETOOLONG, path);
			failed(verify, partitions[i].name);
		} else {
			verify_partition(verify, directory, partitions[i].name);
		}
	}
	free(partitions);
	if (signals_stop())
		return;
	verify_begin(verify, path);
	verify->directory = true;
	r = logstore_verify_directory(&verify->tool->env, path, verify_finding, verify, &error);
	if (r < 0)
		(void)report_error(&error, path);
	verify_end(verify, r < 0 ? NULL : &result);
	if (count > 0 && is_unclean(path))
		memcpy(verify->unclean, path, strlen(path) + 1);
}

static void verify_path(struct verify *verify, const char *path)
{
	struct logstore_verify_result result;
	struct target target;
	int status = target_resolve(path, &target);

	if (status == 0 && !target.exists)
		status = report_errno(ENOENT, path);
	if (status != 0) {
		failed(verify, path);
		return;
	}
	switch (target.kind) {
	case TARGET_DATA_DIR:
		verify_data_dir(verify, &target);
		break;
	case TARGET_PARTITION:
	case TARGET_LOG_DIR:
		verify_partition(verify, target.path, target.name);
		break;
	case TARGET_FILE:
		verify_begin(verify, target.name);
		status = verify_file(verify, &target, &result);
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
