/*
 * Numbers for the tables of `logstore stat`. Everything but the count of records and the codecs is known
 * to the open partition; those two need a walk over the batch headers, which large partitions get on
 * demand only.
 */
#include "stat.h"

#include "report.h"
#include "signals.h"

int stat_count_log(const struct tool *tool, const char *path, uint64_t size, struct stat_count *count)
{
	struct logstore_scan_options options;
	struct logstore_scan_item item;
	struct logstore_error error;
	logstore_scan *scan = NULL;
	int r = 0;

	logstore_scan_options_init(&options);
	options.check_crc = false;
	options.end_position = size;
	if (logstore_scan_open(&tool->env, path, &options, &scan, &error) < 0)
		return report_error(&error, path);
	while (!signals_stop() && (r = logstore_scan_next(scan, &item, &error)) == 1) {
		if (item.status != LOGSTORE_SCAN_OK) {
			count->damaged |= item.status != LOGSTORE_SCAN_ZEROS;
			continue;
		}
		if (item.info.record_count >= 0)
			count->records += (uint64_t)item.info.record_count;
		else /* a compressed wrapper of the old formats: one record per offset, unless it was compacted */
			count->records += (uint64_t)(item.info.last_offset - item.info.base_offset + 1);
		count->codecs |= (uint8_t)(1u << (item.info.codec & 7));
		if (count->first_time == LOGSTORE_NO_TIMESTAMP)
			count->first_time = item.info.has_delete_horizon ? item.info.max_timestamp
			                                                 : item.info.base_timestamp;
	}
	logstore_scan_close(scan);
	return r < 0 ? report_error(&error, path) : 0;
}

struct gather {
	const struct tool *tool;
	struct stat_partition *stat;
	int status;
};

static int gather_segment(void *arg, const struct logstore_segment_info *segment)
{
	struct gather *gather = arg;
	struct stat_partition *stat = gather->stat;

	if (segment->largest_timestamp > stat->last_record)
		stat->last_record = segment->largest_timestamp;
	if (stat->count.exact && segment->size > 0)
		gather->status = stat_count_log(gather->tool, segment->path, segment->size, &stat->count);
	return gather->status != 0;
}

static int gather_producer(void *arg, const struct logstore_producer_info *producer)
{
	struct stat_partition *stat = arg;

	if (producer->current_txn_first_offset < 0)
		return 0;
	if (stat->open_transactions == 0 || producer->last_timestamp < stat->open_timestamp) {
		stat->open_producer = producer->producer_id;
		stat->open_timestamp = producer->last_timestamp;
	}
	stat->open_transactions++;
	return 0;
}

int stat_gather(const struct tool *tool, logstore_partition *part, const char *label,
                struct stat_partition *ret_stat)
{
	struct gather gather = {.tool = tool, .stat = ret_stat};
	struct logstore_error error;
	int r;

	*ret_stat = (struct stat_partition){
		.last_record = LOGSTORE_NO_TIMESTAMP,
		.count.first_time = LOGSTORE_NO_TIMESTAMP,
	};
	logstore_partition_offsets(part, &ret_stat->offsets);
	ret_stat->count.exact =
		ret_stat->offsets.size <= STAT_COUNT_BYTES || args_has(&tool->args, OPT_EXACT);
	r = logstore_inspect_segments(part, gather_segment, &gather, &error);
	if (gather.status != 0)
		return gather.status;
	if (r >= 0)
		r = logstore_inspect_producers(part, gather_producer, ret_stat, &error);
	return r < 0 ? report_error(&error, label) : 0;
}
