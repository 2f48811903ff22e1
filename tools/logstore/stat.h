/* What the parts of `logstore stat` share. */
#ifndef TOOL_STAT_H
#define TOOL_STAT_H

#include <logstore/inspect.h>
#include <logstore/logstore.h>

#include "tool.h"

/* Partitions up to this size have their batches counted without --exact. */
#define STAT_COUNT_BYTES ((uint64_t)64 << 20)

/* What a walk over batch headers tells. */
struct stat_count {
	bool exact;
	uint64_t records;
	uint8_t codecs;     /* bit per codec */
	int64_t first_time; /* of the first batch, or LOGSTORE_NO_TIMESTAMP */
	bool damaged;       /* the walk met something else than batches and zeros */
};

/* One partition, for tables. */
struct stat_partition {
	struct logstore_offsets offsets;
	struct stat_count count;
	int64_t last_record; /* largest timestamp in ms, or LOGSTORE_NO_TIMESTAMP */
	uint64_t open_transactions;
	int64_t open_producer; /* of the transaction that has been open longest */
	int64_t open_timestamp;
};

/* Adds the batches of one log file up to @size. */
int stat_count_log(const struct tool *tool, const char *path, uint64_t size, struct stat_count *count);

/* Gathers all of it. Like the other functions: 0, or it has printed what is wrong, and an exit status. */
int stat_gather(const struct tool *tool, logstore_partition *part, const char *label,
                struct stat_partition *ret_stat);

/* One JSON object, with the index entries of all segments if @indexes. */
int stat_json(struct tool *tool, logstore_partition *part, const char *label, bool indexes);

/* Tables of segments, index entries, producers and epochs of one partition. */
int stat_segments(struct tool *tool, logstore_partition *part, const char *label);
int stat_indexes(struct tool *tool, logstore_partition *part, const char *label);
int stat_details(struct tool *tool, logstore_partition *part, const struct stat_partition *stat,
                 const char *label);

#endif
