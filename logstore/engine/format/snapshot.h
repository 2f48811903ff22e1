/*
 * Producer snapshots, `<offset20>.snapshot`: int16 version 1, uint32 CRC-32C of bytes 6 to the end of the
 * FILE, int32 count, then 46 bytes a producer. docs/format/producer-snapshot.md is normative.
 */
#ifndef LS_FORMAT_SNAPSHOT_H
#define LS_FORMAT_SNAPSHOT_H

#include <logstore/inspect.h>

#include "base/buf.h"

#define LS_SNAPSHOT_HEADER_SIZE 10u
#define LS_SNAPSHOT_ENTRY_SIZE 46u
#define LS_SNAPSHOT_VERSION 1

/* Appends a whole file to `out`. Returns 0 or -ENOMEM. */
int ls_snapshot_write(struct ls_buf *out, const struct logstore_producer_entry *entries, size_t count);

/*
 * Checks a whole file and returns its count. Entry i is then read by ls_snapshot_entry().
 * Returns 0; LOGSTORE_E_UNSUPPORTED_VERSION; LOGSTORE_E_CORRUPT_FILE (size, CRC, count, with position).
 */
int ls_snapshot_check(const uint8_t *bytes, size_t size, uint32_t *ret_count, struct logstore_error *ret_error);
void ls_snapshot_entry(const uint8_t *bytes, uint32_t index, struct logstore_producer_entry *ret_entry);

#endif
