/*
 * Building a RecordBatch v2. Records are encoded (and compressed as they come), the header is written last.
 * Header rules: baseTimestamp = timestamp of the first record; maxTimestamp = largest of the records, or
 * -1; for LogAppendTime maxTimestamp = log_append_time and deltas are kept as given; lastOffsetDelta from
 * the last record. Attributes' high byte and bit 7 are 0. Shortest varints.
 */
#ifndef LS_FORMAT_BATCH_BUILDER_H
#define LS_FORMAT_BATCH_BUILDER_H

#include <logstore/batch.h>

#include "base/env.h"

struct ls_batch_builder;

int ls_batch_builder_new(const struct ls_env *env, struct ls_batch_builder **ret_builder);
struct ls_batch_builder *ls_batch_builder_free(struct ls_batch_builder *builder);

/* As the functions of the same name in <logstore/batch.h>. */
int ls_batch_builder_start(struct ls_batch_builder *builder, const struct logstore_batch_options *options,
                           struct logstore_error *ret_error);
int ls_batch_builder_add(struct ls_batch_builder *builder, const struct logstore_record *record, bool offset_given,
                         struct logstore_error *ret_error);
size_t ls_batch_builder_size(const struct ls_batch_builder *builder);
int ls_batch_builder_finish(struct ls_batch_builder *builder, const uint8_t **ret_bytes, size_t *ret_size,
                            struct logstore_error *ret_error);

/*
 * Keeps lastOffsetDelta at `delta` (at or above the last record's) instead of the last record's: for
 * re-encoding, where the last records of a batch may be gone. Call between start and finish.
 */
void ls_batch_builder_set_last_offset_delta(struct ls_batch_builder *builder, int32_t delta);

#endif
