/*
 * The report of `logstore verify`: as JSON each finding at once, as text one line per partition with its
 * findings below. Progress goes to standard error, if that is a terminal and the run takes over a second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "human.h"
#include "json_out.h"
#include "signals.h"
#include "verify.h"

#define PROGRESS_AFTER_MS 1000
#define PROGRESS_INTERVAL_MS 200

static const char *severity_name(enum logstore_severity severity)
{
	static const char *const names[] = {"note", "rebuildable", "damage"};

	return (unsigned)severity < 3 ? names[severity] : "unknown";
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

static void print_colored(struct tool *tool, const char *text, const char *sequence)
{
	if (tool->color_out)
		out_text(&tool->out, sequence);
	out_text(&tool->out, text);
	if (tool->color_out)
		out_text(&tool->out, "\033[0m");
}

static void clear_progress(struct verify *verify)
{
	if (verify->progress_ms != 0)
		(void)!write(STDERR_FILENO, "\r\033[K", 4); /* only cosmetics */
}

/* ---- Findings ---- */

static void json_finding(struct verify *verify, const struct logstore_finding *finding)
{
	struct json json = json_line(&verify->tool->out);

	json_text(&json, "partition", verify->label);
	json_text(&json, "severity", severity_name(finding->severity));
	json_text(&json, "kind", finding->kind);
	json_text(&json, "file", base_name(finding->path));
	json_int_or_null(&json, "position", finding->position);
	json_int_or_null(&json, "first_offset", finding->first_offset);
	json_int_or_null(&json, "last_offset", finding->last_offset);
	json_text(&json, "message", finding->text);
	json_line_end(&json);
}

/* "00000000000000000000.log at byte 18,331,904, offsets 710200..710240: ..." */
static void keep_finding(struct verify *verify, const struct logstore_finding *finding)
{
	char number[HUMAN_MAX];
	char place[96] = "";
	char offsets[64] = "";
	char *line = NULL;

	if (finding->position >= 0)
		(void)snprintf(place, sizeof place, " at %s", human_count(number, finding->position));
	if (finding->first_offset >= 0 && finding->last_offset > finding->first_offset)
		(void)snprintf(offsets, sizeof offsets, ", offsets %" PRId64 "..%" PRId64,
		               finding->first_offset, finding->last_offset);
	else if (finding->first_offset >= 0)
		(void)snprintf(offsets, sizeof offsets, ", offset %" PRId64, finding->first_offset);
	if (asprintf(&line, "  %-12s%-20s%s%s%s: %s", severity_name(finding->severity), finding->kind,
	             base_name(finding->path), place, offsets, finding->text) < 0)
		return; /* counted all the same */
	verify->shown[verify->shown_count++] = line;
}

/* Something was left out; the report must not read as if all were well. */
static void note_unchecked(struct verify *verify, const char *file)
{
	size_t used = strlen(verify->unchecked_text);

	(void)snprintf(verify->unchecked_text + used, sizeof verify->unchecked_text - used, "%s%s%s%s",
	               used > 0 ? ", " : "", verify->label, file ? "/" : "", file ? file : "");
	verify->unchecked++;
	verify->status |= EXIT_STATUS_OPERATIONAL;
}

int verify_finding(void *arg, const struct logstore_finding *finding)
{
	struct verify *verify = arg;

	if ((unsigned)finding->severity < 3)
		verify->findings[finding->severity]++;
	if (strcmp(finding->kind, "UNREADABLE") == 0)
		note_unchecked(verify, base_name(finding->path));
	if (verify->json)
		json_finding(verify, finding);
	else if (verify->shown_count < VERIFY_FINDINGS_SHOWN)
		keep_finding(verify, finding);
	return 0;
}

/* ---- Progress ---- */

int verify_progress(void *arg, uint64_t done, uint64_t total)
{
	struct verify *verify = arg;
	int64_t now = tool_monotonic_ms();
	int64_t elapsed = now - verify->begun_ms;
	char done_text[HUMAN_MAX];
	char total_text[HUMAN_MAX];
	char rate_text[HUMAN_MAX];
	char eta[HUMAN_MAX];
	double rate;

	if (signals_stop())
		return 1;
	if (!verify->progress_on || elapsed < PROGRESS_AFTER_MS ||
	    now - verify->progress_ms < PROGRESS_INTERVAL_MS || total == 0 || done > total)
		return 0;
	verify->progress_ms = now;
	rate = (double)(verify->total_bytes + done) / (double)elapsed; /* bytes per ms */
	human_duration(eta, rate > 0 ? (int64_t)((double)(total - done) / rate) : 0);
	(void)fprintf(stderr, "\r%s  %" PRIu64 " %%  %s of %s  %s/s  ETA %s\033[K", verify->label,
	              (uint64_t)(100.0 * (double)done / (double)total), human_size(done_text, done),
	              human_size(total_text, total), human_size(rate_text, (uint64_t)(rate * 1000)), eta);
	return 0;
}

/* ---- Partitions ---- */

void verify_begin(struct verify *verify, const char *label)
{
	verify->label = label;
	verify->directory = false;
	verify->shown_count = 0;
	memset(verify->findings, 0, sizeof verify->findings);
}

static uint64_t finding_count(const uint64_t findings[3])
{
	return findings[LOGSTORE_NOTE] + findings[LOGSTORE_REBUILDABLE] + findings[LOGSTORE_DAMAGE];
}

static void json_result(struct verify *verify, const struct logstore_verify_result *result)
{
	struct json json = json_line(&verify->tool->out);

	json_text(&json, "partition", verify->label);
	json_text(&json, "result",
	          !result                                      ? "failed"
	          : verify->findings[LOGSTORE_DAMAGE] > 0      ? "damaged"
	          : verify->findings[LOGSTORE_REBUILDABLE] > 0 ? "rebuildable"
	                                                       : "ok");
	if (result) {
		json_uint(&json, "segments", result->segments);
		json_uint(&json, "bytes", result->bytes);
		json_uint(&json, "batches", result->batches);
		json_uint(&json, "records", result->records);
	}
	json_uint(&json, "damage", verify->findings[LOGSTORE_DAMAGE]);
	json_uint(&json, "rebuildable", verify->findings[LOGSTORE_REBUILDABLE]);
	json_uint(&json, "notes", verify->findings[LOGSTORE_NOTE]);
	json_line_end(&json);
}

/* File names and texts can hold anything. */
static void print_line(struct out *out, const char *line)
{
	out_printable(out, line, strlen(line));
	out_char(out, '\n');
}

static void print_result(struct verify *verify, const struct logstore_verify_result *result)
{
	struct out *out = &verify->tool->out;
	uint64_t count = finding_count(verify->findings);
	bool wrong = verify->findings[LOGSTORE_DAMAGE] + verify->findings[LOGSTORE_REBUILDABLE] > 0;
	char size[HUMAN_MAX];
	char records[HUMAN_MAX];
	char text[64];

	if (verify->directory)
		out_format(out, "%s (files of the directory itself)", verify->label);
	else
		out_format(out, "%-20s", verify->label);
	if (result && result->segments > 0)
		out_format(out, "  %" PRIu64 " segment%s, %s, %s record%s", result->segments,
		           result->segments == 1 ? "" : "s", human_size(size, result->bytes),
		           human_count(records, (int64_t)result->records), result->records == 1 ? "" : "s");
	out_text(out, "  ");
	(void)snprintf(text, sizeof text, "%" PRIu64 " finding%s", count, count == 1 ? "" : "s");
	if (!result)
		print_colored(verify->tool, "could not be checked", "\033[31m");
	else if (wrong)
		print_colored(verify->tool, text, "\033[31m");
	else
		print_colored(verify->tool, count > 0 ? text : "ok", "\033[32m");
	out_char(out, '\n');
	for (size_t i = 0; i < verify->shown_count; i++)
		print_line(out, verify->shown[i]);
	if (count > verify->shown_count)
		out_format(out, "  and %" PRIu64 " more (--json shows all)\n", count - verify->shown_count);
}

void verify_end(struct verify *verify, const struct logstore_verify_result *result)
{
	clear_progress(verify);
	if (!result && !signals_stop())
		note_unchecked(verify, NULL);
	/* What a signal cut short has no result. */
	if (verify->json && !signals_stop())
		json_result(verify, result);
	else if (!signals_stop() && (!verify->tool->quiet || finding_count(verify->findings) > 0))
		print_result(verify, result);
	for (size_t i = 0; i < verify->shown_count; i++)
		free(verify->shown[i]);
	verify->shown_count = 0;
	for (size_t i = 0; i < 3; i++)
		verify->total_findings[i] += verify->findings[i];
	verify->total_bytes += result ? result->bytes : 0;
	if (verify->findings[LOGSTORE_DAMAGE] + verify->findings[LOGSTORE_REBUILDABLE] > 0)
		verify->status |= EXIT_STATUS_DAMAGE;
}

void verify_summary(struct verify *verify, const char *path)
{
	struct out *out = &verify->tool->out;
	int64_t elapsed = tool_monotonic_ms() - verify->begun_ms;
	char size[HUMAN_MAX];
	char time[HUMAN_MAX];
	char rate[HUMAN_MAX];

	if (verify->json || verify->tool->quiet)
		return;
	out_format(out, "Checked %s in %s (%s/s).", human_size(size, verify->total_bytes),
	           human_duration(time, elapsed),
	           human_size(rate, verify->total_bytes * 1000 / (uint64_t)(elapsed > 0 ? elapsed : 1)));
	if (finding_count(verify->total_findings) > 0)
		out_format(out, " %" PRIu64 " damaged, %" PRIu64 " rebuildable, %" PRIu64 " note%s.\n",
		           verify->total_findings[LOGSTORE_DAMAGE],
		           verify->total_findings[LOGSTORE_REBUILDABLE],
		           verify->total_findings[LOGSTORE_NOTE],
		           verify->total_findings[LOGSTORE_NOTE] == 1 ? "" : "s");
	else if (verify->unchecked > 0)
		out_text(out, verify->total_bytes > 0 ? " No damage in what was checked.\n" : "\n");
	else
		out_text(out, " Nothing is wrong.\n");
	if (verify->unchecked > 0)
		out_format(out, "%" PRIu64 " could not be checked: %s\n", verify->unchecked,
		           verify->unchecked_text);
	if (verify->unclean[0] != '\0')
		out_format(out,
		           "Note: %s was not closed cleanly. Next: open it with its owner; reading works.\n",
		           verify->unclean);
	if (verify->total_findings[LOGSTORE_DAMAGE] > 0)
		out_format(out,
		           "Next: logstore dump --records --skip-damaged %s   shows what can still be read\n",
		           path);
}
