/*
 * The records of one batch, one by one: magic 2, and legacy messages and wrappers. Without compression
 * records point into the batch; with it they point into a window that holds one record at a time and
 * grows to the largest one (never above the cap).
 *
 * Total: any bytes give records or a typed error. After `record_count` records nothing may remain, the
 * declared lengths must be used up exactly, header counts never exceed the bytes left.
 *
 * A LogAppendTime batch gives every record its maxTimestamp. Sequences wrap. Legacy: inner offsets of
 * magic 0 are absolute, of magic 1 relative to the wrapper's (the LAST inner message has the wrapper's
 * offset); magic 0 has timestamp -1; a magic 1 wrapper with LogAppendTime gives its own timestamp.
 */
#ifndef LS_FORMAT_RECORD_READER_H
#define LS_FORMAT_RECORD_READER_H

#include <logstore/error.h>
#include <logstore/types.h>

#include "base/env.h"

struct ls_record_reader;

/* `cap`: most bytes a batch may decompress to; 0 means 1 GiB. Returns 0 or -ENOMEM. */
int ls_record_reader_new(const struct ls_env *env, uint64_t cap, struct ls_record_reader **ret_reader);
struct ls_record_reader *ls_record_reader_free(struct ls_record_reader *reader);

/*
 * Begins with a whole batch that stays in memory until the reader is started again or freed. The CRC is
 * not checked. Returns 0; what ls_batch_info() returns; -ENODATA if `size` ends inside the batch;
 * LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE; -ENOMEM.
 */
int ls_record_reader_start(struct ls_record_reader *reader, const uint8_t *bytes, size_t size,
                           struct logstore_error *ret_error);

/* Header of the batch the reader was started with. For a legacy wrapper base_offset is right once known. */
const struct logstore_batch_info *ls_record_reader_batch(const struct ls_record_reader *reader);

/*
 * Returns 1 and a record; 0 after the last one; LOGSTORE_E_CORRUPT_MESSAGE (position in the decompressed
 * records area); LOGSTORE_E_LIMIT_EXCEEDED; -ENOMEM. After an error the batch is over (the same error
 * comes again).
 */
int ls_record_reader_next(struct ls_record_reader *reader, struct logstore_record *ret_record,
                          struct logstore_error *ret_error);

#endif
