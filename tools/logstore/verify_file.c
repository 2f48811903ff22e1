/*
 * `logstore verify` for one file: a log is scanned with its records, anything else is decoded to its end.
 * How it fits the other files of its partition is left to the check of the whole directory.
 */
#include <inttypes.h>
#include <stdio.h>

#include "batch_out.h"
#include "report.h"
#include "signals.h"
#include "verify.h"

static void found(struct verify *verify, const struct target *target, const struct logstore_scan_item *item,
                  const char *kind, const char *text)
{
	bool tail = item->status == LOGSTORE_SCAN_TORN || item->status == LOGSTORE_SCAN_ZEROS;
	struct logstore_finding finding = {
		.severity = tail ? LOGSTORE_NOTE : LOGSTORE_DAMAGE,
		.kind = kind,
		.path = target->path,
		.position = (int64_t)item->position,
		.first_offset = item->has_info ? item->info.base_offset : -1,
		.last_offset = item->has_info ? item->info.last_offset : -1,
		.text = text,
	};

	(void)verify_finding(verify, &finding); /* never stops */
}

static void check_records(struct verify *verify, const struct target *target, logstore_scan *scan,
                          const struct logstore_scan_item *item, struct logstore_verify_result *result)
{
	struct logstore_record record;
	struct logstore_error error;
	int r;

	while ((r = logstore_scan_record(scan, &record, &error)) == 1)
		result->records++;
	if (r < 0)
		found(verify, target, item, "BAD_RECORDS", error.text);
}

static int verify_log(struct verify *verify, const struct target *target,
                      struct logstore_verify_result *result)
{
	bool records = !args_has(&verify->tool->args, OPT_QUICK);
	struct logstore_scan_options options;
	struct logstore_scan_item item;
	struct logstore_error error;
	logstore_scan *scan = NULL;
	int64_t next_offset = -1;
	int r = 0;

	logstore_scan_options_init(&options);
	options.skip_damaged = true;
	options.read_records = records;
	if (logstore_scan_open(&verify->tool->env, target->path, &options, &scan, &error) < 0)
		return report_error(&error, target->path);
	result->segments = 1;
	while (!signals_stop() && (r = logstore_scan_next(scan, &item, &error)) == 1) {
		result->bytes += item.size;
		if (item.status != LOGSTORE_SCAN_OK) {
			found(verify, target, &item, scan_status_name(item.status), item.text);
			continue;
		}
		result->batches++;
		if (item.info.base_offset < next_offset)
			found(verify, target, &item, "OFFSET_ORDER",
			      "the offsets go back behind those of the batch before");
		next_offset = item.info.last_offset + 1;
		if (records)
			check_records(verify, target, scan, &item, result);
		else if (item.info.record_count > 0)
			result->records += (uint64_t)item.info.record_count;
	}
	logstore_scan_close(scan);
	return r < 0 ? report_error(&error, target->path) : 0;
}

static int ignore_entry(void *arg, const struct logstore_file_entry *entry)
{
	(void)arg;
	(void)entry;
	return 0;
}

static bool is_damage(int code)
{
	return code == LOGSTORE_E_CORRUPT_FILE || code == LOGSTORE_E_UNSUPPORTED_VERSION ||
	       code == LOGSTORE_E_CORRUPT_MESSAGE;
}

static int verify_entries(struct verify *verify, const struct target *target)
{
	struct logstore_error error;
	struct logstore_finding finding = {.severity = LOGSTORE_REBUILDABLE, .path = target->path};
	int r = logstore_file_entries(&verify->tool->env, target->path, ignore_entry, NULL, &error);

	if (r == 0)
		return 0;
	if (!is_damage(r))
		return report_error(&error, target->path);
	/* Properties hold what no other file says. */
	if (target->file.kind == LOGSTORE_FILE_PROPERTIES)
		finding.severity = LOGSTORE_DAMAGE;
	finding.kind = logstore_error_name(r);
	finding.position = error.position;
	finding.first_offset = error.offset;
	finding.last_offset = error.offset;
	finding.text = error.text;
	(void)verify_finding(verify, &finding); /* never stops */
	return 0;
}

int verify_file(struct verify *verify, const struct target *target, struct logstore_verify_result *ret_result)
{
	*ret_result = (struct logstore_verify_result){.segments = 0};
	if (target->file.kind == LOGSTORE_FILE_UNKNOWN)
		return report_message(EXIT_STATUS_FAILED, "%s: not a file that Kafka writes, by its name",
		                      target->path);
	if (target->file.kind == LOGSTORE_FILE_LOG)
		return verify_log(verify, target, ret_result);
	return verify_entries(verify, target);
}
