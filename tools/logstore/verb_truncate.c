/*
 * `logstore truncate`: cuts the end of a log. The library takes the whole batch that holds the offset; here
 * that needs --whole-batch, so that nobody loses records below the offset they named.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "human.h"
#include "report.h"
#include "session.h"

/*
 * Bounds of the batch at a position of a log file. The header of a compressed wrapper of the old formats has
 * only its last offset; its first record tells where it begins.
 */
static int read_bounds(const struct tool *tool, const char *path, uint64_t position,
                       struct logstore_batch_info *ret_info)
{
	struct logstore_scan_options options;
	struct logstore_scan_item item;
	struct logstore_record record;
	struct logstore_error error;
	logstore_scan *scan = NULL;
	int r;

	logstore_scan_options_init(&options);
	options.position = position;
	options.read_records = true;
	r = logstore_scan_open(&tool->env, path, &options, &scan, &error);
	if (r < 0)
		return report_error(&error, path);
	r = logstore_scan_next(scan, &item, &error);
	if (r == 1 && !item.has_info)
		r = 0;
	if (r == 1 && item.info.record_count < 0) {
		r = logstore_scan_record(scan, &record, &error);
		if (r == 1)
			item.info.base_offset = record.offset;
	}
	if (r == 1)
		*ret_info = item.info;
	logstore_scan_close(scan);
	if (r < 0)
		return report_error(&error, path);
	return r == 1 ? 0 : report_message(EXIT_STATUS_FAILED, "%s: no batch at byte %" PRIu64, path, position);
}

/* The batch that holds offset @to, or the next one after a gap. */
static int find_batch(const struct tool *tool, const struct session *session, const struct target *target,
                      int64_t to, struct logstore_batch_info *ret_info)
{
	struct logstore_read_options options;
	struct logstore_slice slice;
	struct logstore_error error;
	char path[PATH_MAX];
	int status;

	logstore_read_options_init(&options);
	options.isolation = LOGSTORE_READ_LOG_END;
	if (logstore_read(session->part, to, &options, &slice, &error) < 0)
		return report_error(&error, target->path);
	if (slice.size == 0) /* a gap up to the end of the log */
		*ret_info = (struct logstore_batch_info){.base_offset = to};
	if (snprintf(path, sizeof path, "%s/%020" PRId64 ".log", target->path, slice.segment_base) >=
	    (int)sizeof path)
		status = report_errno(ENAMETOOLONG, target->path);
	else
		status = slice.size > 0 ? read_bounds(tool, path, slice.position, ret_info) : 0;
	logstore_slice_release(&slice);
	return status;
}

/* Where the log is really cut for --to: at the start of a batch. */
static int choose_cut(const struct tool *tool, const struct session *session, const struct target *target,
                      const struct logstore_offsets *offsets, int64_t *to)
{
	struct logstore_batch_info info;
	int status;

	if (*to < offsets->log_start || *to >= offsets->log_end)
		return 0;
	status = find_batch(tool, session, target, *to, &info);
	if (status != 0 || info.base_offset >= *to)
		return status;
	if (!args_has(&tool->args, OPT_WHOLE_BATCH))
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: offset %" PRId64 " lies inside the batch of offsets %" PRId64
		                      "..%" PRId64 ", which cannot be cut in two; --to %" PRId64
		                      " or --whole-batch removes all of it, --to %" PRId64 " keeps it",
		                      target->path, *to, info.base_offset, info.last_offset,
		                      info.base_offset, info.last_offset + 1);
	*to = info.base_offset;
	return 0;
}

static void print_result(struct tool *tool, const struct target *target,
                         const struct logstore_offsets *before, const struct logstore_offsets *after,
                         int64_t to)
{
	char size[HUMAN_MAX];

	if (tool->quiet)
		return;
	if (before->log_end == after->log_end)
		out_format(&tool->out, "%s: ends at offset %" PRId64 " already\n", target->name,
		           before->log_end);
	else
		out_format(&tool->out,
		           "%s: removed offsets %" PRId64 "..%" PRId64 ", log end %" PRId64 " -> %" PRId64
		           ", %s freed\n",
		           target->name, to > before->log_start ? to : before->log_start, before->log_end - 1,
		           before->log_end, after->log_end, human_size(size, before->size - after->size));
}

static int plan(struct tool *tool, const struct target *target, const struct logstore_offsets *offsets,
                int64_t to)
{
	if (to >= offsets->log_end)
		out_format(&tool->out, "%s: ends at offset %" PRId64 " already. Nothing was changed.\n",
		           target->name, offsets->log_end);
	else
		out_format(&tool->out,
		           "%s: would remove offsets %" PRId64 "..%" PRId64 ". Nothing was changed.\n",
		           target->name, to > offsets->log_start ? to : offsets->log_start,
		           offsets->log_end - 1);
	return 0;
}

static int truncate_open(struct tool *tool, const struct session *session, const struct target *target,
                         int64_t to)
{
	struct logstore_offsets before;
	struct logstore_offsets after;
	struct logstore_error error;
	int status;

	logstore_partition_offsets(session->part, &before);
	status = choose_cut(tool, session, target, &before, &to);
	if (status != 0)
		return status;
	if (args_has(&tool->args, OPT_DRY_RUN))
		return plan(tool, target, &before, to);
	if (logstore_truncate(session->part, to, &error) < 0)
		return report_error(&error, target->path);
	logstore_partition_offsets(session->part, &after);
	print_result(tool, target, &before, &after, to);
	return 0;
}

int verb_truncate(struct tool *tool)
{
	struct session session;
	struct target target;
	int status;

	if (!args_has(&tool->args, OPT_TO))
		return report_usage("truncate: --to OFFSET is missing");
	status = target_partition(tool->args.operands[0], true, &target);
	if (status == 0)
		status = session_open_partition(&session, tool, &target, session_write_mode(tool));
	if (status != 0)
		return status;
	return session_close(&session,
	                     truncate_open(tool, &session, &target, args_int(&tool->args, OPT_TO, 0)));
}
