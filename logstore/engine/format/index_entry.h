/*
 * Entries of the three index files. docs/format/indexes.md is normative.
 * .index 8 bytes: int32 offset - base, int32 position. .timeindex 12: int64 timestamp, int32 offset - base.
 * .txnindex 34: int16 version, int64 producerId, firstOffset, lastOffset, lastStableOffset.
 */
#ifndef LS_FORMAT_INDEX_ENTRY_H
#define LS_FORMAT_INDEX_ENTRY_H

#include <logstore/inspect.h>

#define LS_OFFSET_ENTRY_SIZE 8u
#define LS_TIME_ENTRY_SIZE 12u
#define LS_TXN_ENTRY_SIZE 34u
#define LS_TXN_ENTRY_VERSION 0

struct ls_offset_entry {
	int64_t offset;     /* absolute: last offset of the batch */
	uint32_t position;  /* where that batch starts */
};

struct ls_time_entry {
	int64_t timestamp;
	int64_t offset;     /* absolute */
};

/* Writers: offset - base is within 0..2^31-1 (asserted). */
void ls_offset_entry_write(uint8_t p[LS_OFFSET_ENTRY_SIZE], int64_t base, const struct ls_offset_entry *entry);
void ls_time_entry_write(uint8_t p[LS_TIME_ENTRY_SIZE], int64_t base, const struct ls_time_entry *entry);
void ls_txn_entry_write(uint8_t p[LS_TXN_ENTRY_SIZE], const struct logstore_txn_entry *entry);

/*
 * Readers. A negative relative offset or position, or an offset beyond 2^63-1, is LOGSTORE_E_CORRUPT_FILE;
 * for the transaction index also firstOffset > lastOffset and a negative producer id; a version above 0 is
 * LOGSTORE_E_UNSUPPORTED_VERSION. An all-zero entry is read like any other.
 */
int ls_offset_entry_read(const uint8_t p[LS_OFFSET_ENTRY_SIZE], int64_t base, struct ls_offset_entry *ret_entry,
                         struct logstore_error *ret_error);
int ls_time_entry_read(const uint8_t p[LS_TIME_ENTRY_SIZE], int64_t base, struct ls_time_entry *ret_entry,
                       struct logstore_error *ret_error);
int ls_txn_entry_read(const uint8_t p[LS_TXN_ENTRY_SIZE], struct logstore_txn_entry *ret_entry,
                      struct logstore_error *ret_error);

#endif
