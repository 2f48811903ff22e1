/*
 * `logstore dump`: walks data directories, partitions and single files. Logs are read by the file scanner
 * of the library, which needs neither lock nor index, so the order is that of the files and nothing that
 * lies in them is hidden: control records, aborted data, records below the log start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"
#include "report.h"
#include "signals.h"

bool dump_done(const struct dump *dump)
{
	return dump->left == 0 || out_failed(&dump->tool->out) || signals_stop();
}

void dump_heading(struct dump *dump, const char *label, const char *name)
{
	if (dump->json || !dump->headings)
		return;
	out_format(&dump->tool->out, "%s%s%s%s\n", dump->named ? "\n" : "", label, name ? "/" : "",
	           name ? name : "");
	dump->named = true;
	dump->heading_done = false;
}

static int dump_directory(struct dump *dump, const char *path, const char *label)
{
	struct target_entry *logs = NULL;
	size_t count = 0;
	size_t first = 0;
	int status = EXIT_STATUS_OK;
	int r = target_list_logs(path, &logs, &count);

	if (r < 0)
		return report_errno(-r, path);
	if (dump->records && dump->many)
		dump_heading(dump, label, NULL);
	while (first + 1 < count && logs[first + 1].base_offset <= dump->from)
		first++;
	for (size_t i = first; i < count && status == EXIT_STATUS_OK && !dump_done(dump); i++) {
		char file[PATH_MAX];

		if (snprintf(file, sizeof file, "%s/%s", path, logs[i].name) >= (int)sizeof file) {
			status = report_errno(ENAMETOOLONG, path);
			break;
		}
		if (access(file, F_OK) < 0 && errno == ENOENT)
			continue; /* retention was faster */
		if (!dump->records && (count > 1 || dump->many))
			dump_heading(dump, label, logs[i].name);
		status = dump_log(dump, label, file, logs[i].name, i + 1 == count);
	}
	free(logs);
	return status;
}

static int dump_data_dir(struct dump *dump, const struct target *target)
{
	const char *path = target->path;
	struct target_entry *partitions = NULL;
	size_t count = 0;
	int status = EXIT_STATUS_OK;
	int r = 0;

	if (target->foreign) {
		(void)target_report_no_partition(target);
		return EXIT_STATUS_FAILED;
	}
	r = target_list_partitions(path, &partitions, &count);
	if (r < 0)
		return report_errno(-r, path);
	dump->many |= count > 1;
	if (count == 0)
		status = target_report_no_partition(target);
	for (size_t i = 0; i < count && !dump_done(dump); i++) {
		char directory[PATH_MAX];
		int one;

		if (snprintf(directory, sizeof directory, "%s/%s", path, partitions[i].name) >=
		    (int)sizeof directory)
			one = report_errno(ENAMETOOLONG, path);
		else
			one = dump_directory(dump, directory, partitions[i].name);
		status = one > status ? one : status;
	}
	free(partitions);
	return status;
}

static int dump_file(struct dump *dump, const struct target *target)
{
	if (dump->many)
		dump_heading(dump, target->label, target->name);
	if (target->file.kind == LOGSTORE_FILE_LOG)
		return dump_log(dump, target->label, target->path, target->name, true);
	if (target->file.kind == LOGSTORE_FILE_UNKNOWN)
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: not a file that Kafka writes, by its name (expected for example "
		                      "00000000000000000000.log, .index or leader-epoch-checkpoint)",
		                      target->path);
	return dump_entries(dump, target);
}

static int dump_path(struct dump *dump, const char *path)
{
	struct target target;
	int status = target_resolve(path, &target);

	if (status != 0)
		return status;
	if (!target.exists)
		return report_errno(ENOENT, path);
	if (args_has(&dump->tool->args, OPT_COMMITTED))
		return dump_committed(dump, &target);
	switch (target.kind) {
	case TARGET_DATA_DIR:
		return dump_data_dir(dump, &target);
	case TARGET_PARTITION:
	case TARGET_LOG_DIR:
		return dump_directory(dump, target.path, target.name);
	case TARGET_FILE:
		return dump_file(dump, &target);
	}
	return EXIT_STATUS_FAILED;
}

/* The paths in "a,b,c", one after another. */
static int dump_file_list(struct dump *dump, const char *list)
{
	int status = EXIT_STATUS_OK;
	char *copy = strdup(list);
	char *rest = copy;
	char *path;

	if (!copy)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	dump->many |= strchr(list, ',') != NULL;
	while ((path = strsep(&rest, ",")) != NULL && !dump_done(dump)) {
		int one = path[0] != '\0' ? dump_path(dump, path) : EXIT_STATUS_OK;

		status = one > status ? one : status;
	}
	free(copy);
	return status;
}

static int dump_setup(struct dump *dump, struct tool *tool)
{
	const struct args *args = &tool->args;
	const char *bytes = args_value(args, OPT_BYTES);

	*dump = (struct dump){
		.tool = tool,
		.json = args_has(args, OPT_JSON),
		.records = args_has(args, OPT_RECORDS),
		.skip_damaged = args_has(args, OPT_SKIP_DAMAGED),
		.headings = !args_has(args, OPT_NO_HEADINGS),
		.many = args->operand_count > 1,
		.from = args_int(args, OPT_FROM, INT64_MIN),
		.left = (uint64_t)args_int(args, OPT_COUNT, INT64_MAX),
		.max_bytes = args_size(args, OPT_MAX_BYTES, UINT64_MAX),
		.batch_out = {.out = &tool->out},
	};
	record_out_init(&dump->record_out, &tool->out, bytes && strcmp(bytes, "base64") == 0);
	if (args_has(args, OPT_COMMITTED) && !dump->records)
		return report_usage("dump: --committed needs --records: batches cannot be taken apart");
	return 0;
}

int verb_dump(struct tool *tool)
{
	struct dump dump;
	const char *list;
	size_t at = 0;
	int status = dump_setup(&dump, tool);

	if (status != 0)
		return status;
	while ((list = args_next(&tool->args, OPT_FILES, &at)) != NULL && !dump_done(&dump)) {
		int one = dump_file_list(&dump, list);

		status = one > status ? one : status;
	}
	for (int i = 0; i < tool->args.operand_count && !dump_done(&dump); i++) {
		int one = dump_path(&dump, tool->args.operands[i]);

		status = one > status ? one : status;
	}
	(void)out_flush(&tool->out); /* the error stays */
	if (dump.damaged > 0 && !dump.stopped)
		report_note("damaged batches: %llu (logstore verify lists all damage)",
		            (unsigned long long)dump.damaged);
	if (status == EXIT_STATUS_OK && dump.damaged > 0 && !dump.skip_damaged)
		status = EXIT_STATUS_FAILED;
	return status;
}
