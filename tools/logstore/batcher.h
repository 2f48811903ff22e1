/*
 * Gathers records into batches and appends them: as a producer does, or with the offsets and batches they
 * had before (--keep-offsets), as a replica does. A dry run makes the same batches and drops them.
 */
#ifndef TOOL_BATCHER_H
#define TOOL_BATCHER_H

#include <logstore/logstore.h>

#include "json_record.h"
#include "tool.h"

struct batcher {
	const struct tool *tool;
	const char *path;         /* of the partition, for messages */
	logstore_partition *part; /* NULL: dry run */
	logstore_batch_builder *builder;
	struct logstore_batch_options options; /* of a batch of new records */
	uint64_t max_records;
	uint64_t max_bytes;
	bool keep_offsets;

	uint64_t count;             /* records in the batch being made */
	struct json_batch batch;    /* keep_offsets: where they come from */
	int64_t batch_first_offset; /* keep_offsets: of its first record */
	int64_t last_offset;        /* keep_offsets: of the record added last */

	bool refused;               /* the batch being made cannot be appended */

	uint64_t records; /* appended so far */
	uint64_t batches;
	uint64_t bytes;       /* of the batches, as made here */
	int64_t first_offset; /* LOGSTORE_NO_OFFSET: none yet */
	int64_t end_offset;
};

/*
 * @config: settings in force (codec and limits follow from it and from the command line). Like all
 * functions here: 0, or it has printed what is wrong and returns an exit status.
 */
int batcher_init(struct batcher *batcher, const struct tool *tool, const char *path, logstore_partition *part,
                 const logstore_config *config);
void batcher_fini(struct batcher *batcher);

/* Adds a record; @batch says where it comes from, or is NULL for a new one. */
int batcher_add(struct batcher *batcher, const struct logstore_record *record,
                const struct json_batch *batch);

/* Appends what has been gathered. */
int batcher_flush(struct batcher *batcher);

#endif
