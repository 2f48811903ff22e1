/*
 * Kafka's text checkpoints: a version line (0), a line with the number of entries, one line per entry.
 * docs/format/checkpoints.md is normative. Parsers are total and name the line that is wrong.
 * An empty file, and one with only the version line, is a valid empty checkpoint.
 */
#ifndef LS_FORMAT_CHECKPOINT_H
#define LS_FORMAT_CHECKPOINT_H

#include <logstore/error.h>
#include <logstore/types.h>

#include "base/buf.h"

/* Called per entry; non-zero ends the walk and is returned. `topic` is terminated and valid during the call. */
typedef int (*ls_offset_line_fn)(void *arg, uint64_t line, const char *topic, int32_t partition, int64_t offset);
typedef int (*ls_epoch_line_fn)(void *arg, uint64_t line, int32_t epoch, int64_t start_offset);

/*
 * `<topic> <partition> <offset>` lines. Returns 0; LOGSTORE_E_CORRUPT_FILE with the line as position (entry
 * count that does not match, wrong field count, bad numbers, negative partition); LOGSTORE_E_UNSUPPORTED_VERSION;
 * or what fn returned. Entries before the damaged line are delivered.
 */
int ls_offset_checkpoint_parse(const char *text, size_t size, ls_offset_line_fn fn, void *arg,
                               struct logstore_error *ret_error);
/* `<epoch> <startOffset>` lines; both must be 0 or more and increase. */
int ls_epoch_checkpoint_parse(const char *text, size_t size, ls_epoch_line_fn fn, void *arg,
                              struct logstore_error *ret_error);

/* The first two lines; the caller then appends entries with ls_buf_printf ("%s %d %lld\n", "%d %lld\n"). */
int ls_checkpoint_write_head(struct ls_buf *out, size_t count);

#endif
