/*
 * `logstore read`: records of one partition through a cursor, as values, by a format, or as JSON. The
 * partition is opened read-only, so a writer may be at work; --follow looks again and again for what it
 * has added.
 */
#include <inttypes.h>
#include <logstore/logstore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "parse.h"
#include "read_format.h"
#include "record_out.h"
#include "report.h"
#include "session.h"
#include "signals.h"

/* Between two looks at the end of the log. */
#define FOLLOW_INTERVAL_MS 50

struct read {
	struct tool *tool;
	struct session session;
	const struct target *target;
	logstore_cursor *cursor;
	enum logstore_isolation isolation;
	bool json;
	bool follow;
	uint64_t left;
	int64_t damaged; /* offsets passed over */
	struct read_format format;
	struct record_out record_out;
};

static bool read_done(const struct read *read)
{
	return read->left == 0 || out_failed(&read->tool->out) || signals_stop();
}

struct mark {
	const struct logstore_listing *listing;
	int64_t offset;
};

static int note_mark(void *arg, const struct logstore_file_entry *entry)
{
	struct mark *mark = arg;

	if (entry->u.checkpoint.partition == mark->listing->partition &&
	    strcmp(entry->u.checkpoint.topic, mark->listing->topic) == 0)
		mark->offset = entry->u.checkpoint.offset;
	return 0;
}

/* The high watermark as last checkpointed; without one nothing is known to be committed. */
static int64_t checkpointed_mark(const struct read *read)
{
	struct mark mark = {.listing = &read->target->listing, .offset = 0};
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/replication-offset-checkpoint", read->target->data_dir) <
	    (int)sizeof path)
		(void)logstore_file_entries(NULL, path, note_mark, &mark, NULL); /* as far as it can be read */
	return mark.offset;
}

/* Upper bound of what this reader sees. */
static int64_t end_of(const struct read *read, const struct logstore_offsets *offsets)
{
	int64_t mark;

	switch (read->isolation) {
	case LOGSTORE_READ_HIGH_WATERMARK:
		mark = checkpointed_mark(read);
		if (mark < offsets->log_start)
			return offsets->log_start;
		return mark < offsets->log_end ? mark : offsets->log_end;
	case LOGSTORE_READ_COMMITTED:
		return offsets->last_stable;
	case LOGSTORE_READ_LOG_END:
		break;
	}
	return offsets->log_end;
}

/* The offset to begin with. */
static int find_start(struct read *read, int64_t *ret_offset)
{
	const char *from = args_value(&read->tool->args, OPT_FROM);
	struct logstore_timestamp_offset found;
	struct logstore_offsets offsets;
	struct logstore_error error;
	struct place place = {.kind = PLACE_BEGINNING};
	int64_t end;
	int r;

	if (from && !parse_place(from, &place))
		return report_usage("read: --from: \"%s\" is none of an offset, -N, @TIME, beginning, end",
		                    from);
	logstore_partition_offsets(read->session.part, &offsets);
	end = end_of(read, &offsets);
	switch (place.kind) {
	case PLACE_OFFSET:
		*ret_offset = place.value;
		return 0;
	case PLACE_BEGINNING:
		*ret_offset = offsets.log_start;
		return 0;
	case PLACE_END:
		*ret_offset = end;
		return 0;
	case PLACE_BEFORE_END:
		*ret_offset = place.value < end - offsets.log_start ? end - place.value : offsets.log_start;
		return 0;
	case PLACE_TIME:
		break;
	}
	r = logstore_offset_for_timestamp(read->session.part, place.value, read->isolation, &found, &error);
	if (r < 0)
		return report_error(&error, read->target->path);
	*ret_offset = r == 1 ? found.offset : end;
	return 0;
}

static int open_cursor(struct read *read, int64_t offset)
{
	struct logstore_cursor_options options;
	struct logstore_offsets offsets;
	struct logstore_error error;

	logstore_cursor_options_init(&options);
	options.isolation = (uint8_t)read->isolation;
	if (read->isolation == LOGSTORE_READ_HIGH_WATERMARK) {
		logstore_partition_offsets(read->session.part, &offsets);
		options.end_offset = end_of(read, &offsets);
	}
	options.skip_damaged = args_has(&read->tool->args, OPT_SKIP_DAMAGED);
	read->cursor = logstore_cursor_close(read->cursor);
	if (logstore_cursor_open(read->session.part, offset, &options, &read->cursor, &error) < 0)
		return report_error(&error, read->target->path);
	return 0;
}

static void print_entry(struct read *read, const struct logstore_entry *entry)
{
	if (entry->damaged > 0) {
		read->damaged += entry->damaged;
		if (!read->tool->quiet)
			report_note("%s: offsets before %" PRId64 " are damaged: %" PRId64 " missing",
			            read->target->path, entry->record.offset, entry->damaged);
	}
	if (read->json)
		record_out_json(&read->record_out, entry->batch, &entry->record);
	else
		read_format_print(&read->format, &read->tool->out, &entry->record);
	read->left--;
}

/* Deleted under a follower: goes on with what is left. */
static int resume_at_start(struct read *read)
{
	int64_t before = logstore_cursor_offset(read->cursor);
	struct logstore_offsets offsets;

	logstore_partition_offsets(read->session.part, &offsets);
	if (!read->tool->quiet)
		report_note("%s: offsets %" PRId64 "..%" PRId64 " were deleted meanwhile", read->target->path,
		            before, offsets.log_start - 1);
	return open_cursor(read, offsets.log_start);
}

/* Prints up to the bound. */
static int read_to_bound(struct read *read)
{
	struct logstore_entry entry;
	struct logstore_error error;
	int r = 0;

	while (!read_done(read) && (r = logstore_cursor_next(read->cursor, &entry, &error)) == 1)
		print_entry(read, &entry);
	if (r == LOGSTORE_E_OFFSET_OUT_OF_RANGE && read->follow)
		return resume_at_start(read);
	return r < 0 ? report_error(&error, read->target->path) : EXIT_STATUS_OK;
}

static int read_all(struct read *read)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_INTERVAL_MS * 1000000L};
	struct logstore_error error;
	int status = read_to_bound(read);

	while (read->follow && status == EXIT_STATUS_OK && !read_done(read)) {
		(void)out_flush(&read->tool->out); /* the error stays and ends the loop */
		(void)nanosleep(&pause, NULL);     /* a signal may cut it short */
		if (read_done(read))
			break;
		if (logstore_partition_refresh(read->session.part, &error) < 0)
			return report_error(&error, read->target->path);
		/* A cursor keeps its end: a mark that moved takes a new one. */
		if (read->isolation == LOGSTORE_READ_HIGH_WATERMARK)
			status = open_cursor(read, logstore_cursor_offset(read->cursor));
		if (status == EXIT_STATUS_OK)
			status = read_to_bound(read);
	}
	return status;
}

static int setup_output(struct read *read)
{
	const struct args *args = &read->tool->args;
	const char *format = args_value(args, OPT_FORMAT);
	const char *key_delimiter = args_value(args, OPT_KEY_DELIMITER);
	const char *delimiter = args_value(args, OPT_DELIMITER);
	const char *bytes = args_value(args, OPT_BYTES);
	int status;

	if (args_has(args, OPT_NULL_DATA))
		delimiter = "\\0";
	if ((read->json || format) && (key_delimiter || delimiter))
		return report_usage(
			"read: --key-delimiter, --delimiter and --null-data go with neither --json nor "
			"--format");
	if (read->json && format)
		return report_usage("read: --json and --format exclude each other");
	record_out_init(&read->record_out, &read->tool->out, bytes && strcmp(bytes, "base64") == 0);
	record_out_partition(&read->record_out, read->target->name);
	if (format)
		status = read_format_init(&read->format, format);
	else
		status = read_format_init_lines(&read->format, key_delimiter, delimiter ? delimiter : "\\n");
	read->format.topic = read->target->listing.topic;
	read->format.partition = read->target->listing.partition;
	return status;
}

static int read_partition(struct read *read)
{
	int64_t offset = 0;
	int status = session_open_partition(&read->session, read->tool, read->target, SESSION_READ);

	if (status != 0)
		return status;
	status = find_start(read, &offset);
	if (status == 0)
		status = open_cursor(read, offset);
	if (status == 0)
		status = read_all(read);
	logstore_cursor_close(read->cursor);
	return session_close(&read->session, status);
}

int verb_read(struct tool *tool)
{
	const struct args *args = &tool->args;
	struct target target;
	struct read read = {
		.tool = tool,
		.target = &target,
		.json = args_has(args, OPT_JSON),
		.follow = args_has(args, OPT_FOLLOW),
		.left = (uint64_t)args_int(args, OPT_COUNT, INT64_MAX),
		.isolation = args_has(args, OPT_COMMITTED) ? LOGSTORE_READ_COMMITTED
	                     : args_has(args, OPT_HW)      ? LOGSTORE_READ_HIGH_WATERMARK
	                                                   : LOGSTORE_READ_LOG_END,
	};
	int status;

	if (args_has(args, OPT_COMMITTED) && args_has(args, OPT_HW))
		return report_usage("read: --committed and --hw exclude each other");
	status = target_partition(args->operands[0], true, &target);
	if (status == 0)
		status = setup_output(&read);
	if (status == 0)
		status = read_partition(&read);
	read_format_fini(&read.format);
	return status;
}
