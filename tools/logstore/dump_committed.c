/*
 * `logstore dump --records --committed`: the records that a read_committed consumer gets, through a cursor
 * instead of the file scanner, since the transaction index decides.
 */
#include <stdlib.h>

#include "dump.h"
#include "report.h"
#include "session.h"

static int print_records(struct dump *dump, logstore_cursor *cursor, const char *label)
{
	struct logstore_entry entry;
	struct logstore_error error;
	int r = 0;

	while (!dump_done(dump) && (r = logstore_cursor_next(cursor, &entry, &error)) == 1) {
		if (dump->json)
			record_out_json(&dump->record_out, entry.batch, &entry.record);
		else
			record_out_text(&dump->record_out, entry.batch, &entry.record);
		dump->left--;
	}
	return r < 0 ? report_error(&error, label) : EXIT_STATUS_OK;
}

static int dump_open_partition(struct dump *dump, struct session *session, const char *label)
{
	struct logstore_cursor_options options;
	struct logstore_offsets offsets;
	struct logstore_error error;
	logstore_cursor *cursor = NULL;
	int64_t from;
	int status;

	logstore_partition_offsets(session->part, &offsets);
	from = dump->from > offsets.log_start ? dump->from : offsets.log_start;
	if (from > offsets.log_end)
		return EXIT_STATUS_OK;
	logstore_cursor_options_init(&options);
	options.isolation = LOGSTORE_READ_COMMITTED;
	options.skip_damaged = dump->skip_damaged;
	if (logstore_cursor_open(session->part, from, &options, &cursor, &error) < 0)
		return report_error(&error, label);
	if (dump->many)
		dump_heading(dump, label, NULL);
	record_out_partition(&dump->record_out, label);
	status = print_records(dump, cursor, label);
	logstore_cursor_close(cursor);
	return status;
}

static int dump_all(struct dump *dump, struct session *session)
{
	struct target_entry *partitions = NULL;
	size_t count = 0;
	int status = EXIT_STATUS_OK;
	int r = target_list_partitions(session->data_dir, &partitions, &count);

	if (r < 0)
		return report_errno(-r, session->data_dir);
	dump->many |= count > 1;
	for (size_t i = 0; i < count && !dump_done(dump); i++) {
		int one = session_switch(session, &partitions[i].listing);

		if (one == 0)
			one = dump_open_partition(dump, session, partitions[i].name);
		status = one > status ? one : status;
	}
	free(partitions);
	return status;
}

int dump_committed(struct dump *dump, const struct target *target)
{
	struct session session;
	int status;

	if (target->kind == TARGET_FILE || target->kind == TARGET_LOG_DIR)
		return report_message(
			EXIT_STATUS_FAILED,
			"%s: --committed needs a whole partition, TOPIC-NUMBER: one file does not say what "
			"was aborted",
			target->path);
	if (target->foreign) {
		(void)target_report_no_partition(target);
		return EXIT_STATUS_FAILED;
	}
	if (target->kind == TARGET_DATA_DIR) {
		status = session_open(&session, dump->tool, target->data_dir, SESSION_READ);
		return status != 0 ? status : session_close(&session, dump_all(dump, &session));
	}
	status = session_open_partition(&session, dump->tool, target, SESSION_READ);
	if (status != 0)
		return status;
	return session_close(&session, dump_open_partition(dump, &session, target->name));
}
