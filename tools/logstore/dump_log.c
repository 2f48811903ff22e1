/*
 * One log file for `logstore dump`. Without --skip-damaged, batches with a wrong checksum are shown as
 * such and the scan goes on by their length, but records are shown only up to the first damage. What is
 * behind the last whole batch of the last file is not an error: a running owner may be writing it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "dump.h"
#include "report.h"

/* One file being dumped. */
struct log_dump {
	struct dump *dump;
	logstore_scan *scan;
	const char *path;
	bool tail;
};

static bool is_tail_status(enum logstore_scan_status status)
{
	return status == LOGSTORE_SCAN_TORN || status == LOGSTORE_SCAN_ZEROS;
}

/* "commit", "abort" or the name of another control record, in lower case. */
static const char *marker_name(logstore_scan *scan)
{
	static const char *const names[] = {"abort",           "commit",          "leader-change",
	                                    "snapshot-header", "snapshot-footer", "kraft-version",
	                                    "kraft-voters"};
	struct logstore_record record;
	struct logstore_control control;

	if (logstore_scan_record(scan, &record, NULL) != 1 ||
	    logstore_control_parse(&record, &control, NULL) < 0 || control.type < 0 ||
	    control.type >= (int)(sizeof names / sizeof *names))
		return NULL;
	return names[control.type];
}

/* Messages come after the rows they are about, also where both go to one terminal. */
static void note_tail(const struct log_dump *log, const struct logstore_scan_item *item)
{
	(void)out_flush(&log->dump->tool->out); /* the error stays */
	report_note("%s: no whole batch from byte %" PRIu64 " on (%" PRIu64 " more): %s", log->path,
	            item->position, item->size,
	            item->status == LOGSTORE_SCAN_ZEROS ? "zeros, as in a preallocated file"
	                                                : "not written yet, or torn");
}

/* What ends a dump of records, or of batches where no next one can be told. */
static int report_damage(const struct log_dump *log, const struct logstore_scan_item *item, int code,
                         const char *what)
{
	char where[64] = "";

	log->dump->stopped = true;
	(void)out_flush(&log->dump->tool->out); /* the error stays */
	if (item->has_info)
		(void)snprintf(where, sizeof where, " (offset %" PRId64 ")", item->info.base_offset);
	return report_message(report_status_of(code),
	                      "%s: batch at byte %" PRIu64 "%s: %s; --skip-damaged goes on "
	                      "after it",
	                      log->path, item->position, where, what);
}

static void show_batch(struct log_dump *log, const struct logstore_scan_item *item)
{
	struct dump *dump = log->dump;
	const char *marker = NULL;

	if (dump->json) {
		if (batch_out_has_header(item))
			batch_out_json(&dump->batch_out, item);
		else
			batch_out_json_error(&dump->batch_out, item, scan_status_name(item->status),
			                     item->text);
		return;
	}
	if (!dump->heading_done && dump->headings)
		batch_out_heading(&dump->tool->out);
	dump->heading_done = true;
	if (item->status == LOGSTORE_SCAN_OK && item->info.control)
		marker = marker_name(log->scan);
	batch_out_text(&dump->batch_out, item, marker);
}

/* The records of a whole batch. */
static int show_records(struct log_dump *log, const struct logstore_scan_item *item)
{
	struct dump *dump = log->dump;
	struct logstore_record record;
	struct logstore_error error;
	int r = 0;

	while (dump->left > 0 && (r = logstore_scan_record(log->scan, &record, &error)) == 1) {
		if (record.offset < dump->from)
			continue;
		if (dump->json)
			record_out_json(&dump->record_out, &item->info, &record);
		else
			record_out_text(&dump->record_out, &item->info, &record);
		dump->left--;
	}
	if (r >= 0)
		return EXIT_STATUS_OK;
	dump->damaged++;
	if (dump->json)
		batch_out_json_error(&dump->batch_out, item, logstore_error_name(r), error.text);
	return dump->skip_damaged ? EXIT_STATUS_OK : report_damage(log, item, r, error.text);
}

static int show_damaged_records(struct log_dump *log, const struct logstore_scan_item *item)
{
	struct dump *dump = log->dump;

	if (dump->json)
		batch_out_json_error(&dump->batch_out, item, scan_status_name(item->status), item->text);
	if (dump->skip_damaged)
		return EXIT_STATUS_OK;
	return report_damage(log, item, LOGSTORE_E_CORRUPT_MESSAGE, item->text);
}

/* Half a batch where --max-bytes ends. */
static bool is_cut(const struct dump *dump, const struct logstore_scan_item *item)
{
	return is_tail_status(item->status) && item->position + item->size >= dump->max_bytes;
}

static int show_item(struct log_dump *log, const struct logstore_scan_item *item)
{
	struct dump *dump = log->dump;

	if (is_cut(dump, item))
		return EXIT_STATUS_OK;
	if (is_tail_status(item->status) && log->tail) {
		note_tail(log, item);
		if (dump->records)
			return EXIT_STATUS_OK;
	} else if (item->status != LOGSTORE_SCAN_OK) {
		dump->damaged++;
	}
	if (dump->records)
		return item->status == LOGSTORE_SCAN_OK ? show_records(log, item)
		                                        : show_damaged_records(log, item);
	show_batch(log, item);
	dump->left--;
	if (item->status == LOGSTORE_SCAN_MALFORMED && !dump->skip_damaged)
		return report_damage(log, item, LOGSTORE_E_CORRUPT_MESSAGE, item->text);
	return EXIT_STATUS_OK;
}

static int walk(struct log_dump *log)
{
	struct dump *dump = log->dump;
	struct logstore_scan_item item;
	struct logstore_error error;
	int status = EXIT_STATUS_OK;
	int r = 0;

	while (status == EXIT_STATUS_OK && !dump_done(dump) &&
	       (r = logstore_scan_next(log->scan, &item, &error)) == 1) {
		if (item.has_info && item.status == LOGSTORE_SCAN_OK && item.info.last_offset < dump->from)
			continue;
		status = show_item(log, &item);
	}
	return status == EXIT_STATUS_OK && r < 0 ? report_error(&error, log->path) : status;
}

int dump_log(struct dump *dump, const char *label, const char *path, const char *name, bool tail)
{
	struct log_dump log = {.dump = dump, .path = path, .tail = tail};
	struct logstore_scan_options options;
	struct logstore_error error;
	int status;

	logstore_scan_options_init(&options);
	options.skip_damaged = dump->skip_damaged;
	/* The table names the kind of a marker, which stands in its record. */
	options.read_records = dump->records || !dump->json;
	if (dump->max_bytes != UINT64_MAX)
		options.end_position = dump->max_bytes;
	if (logstore_scan_open(&dump->tool->env, path, &options, &log.scan, &error) < 0)
		return report_error(&error, path);
	record_out_partition(&dump->record_out, label);
	dump->batch_out.label = label;
	dump->batch_out.file = name;
	status = walk(&log);
	logstore_scan_close(log.scan);
	return status;
}
