/*
 * Working memory of one append (plan, record reader, batch builder, staged producers): taken from the
 * partition's free list and given back, so that appending allocates nothing once it has warmed up.
 */
#ifndef LS_PARTITION_APPEND_H
#define LS_PARTITION_APPEND_H

#include "partition/producer_state.h"
#include "partition/validate.h"

struct ls_append_scratch {
	struct ls_append_scratch *next;
	struct ls_plan plan;
	struct ls_record_reader *reader;
	struct ls_batch_builder *builder;       /* re-encodes what validation must change */
	struct ls_batch_builder *input_builder; /* makes the batch of append_records and append_marker */
	struct ls_producer_append producers;
};

/* Returns 0 or -ENOMEM. */
int ls_append_scratch_take(logstore_partition *part, struct ls_append_scratch **ret_scratch);
void ls_append_scratch_give(logstore_partition *part, struct ls_append_scratch *scratch);
void ls_append_scratch_free_all(logstore_partition *part);

#endif
