/*
 * Entries of `.index`, `.timeindex` and `.txnindex`, one at a time. docs/format/indexes.md is normative.
 *
 * Invariants: a writer is never given what its reader would refuse (asserted); a reader is total: any
 * bytes are an entry or a typed error whose position is that of the wrong field within the entry. Order
 * between entries is the business of whoever reads a whole file.
 *
 * Threads: pure functions. Nothing is allocated.
 */
#include "format/index_entry.h"

#include <inttypes.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/error.h"

/* Where the fields of an entry are. */
enum {
	OFFSET_AT_RELATIVE = 0,
	OFFSET_AT_POSITION = 4,

	TIME_AT_TIMESTAMP = 0,
	TIME_AT_RELATIVE = 8,

	TXN_AT_VERSION = 0,
	TXN_AT_PRODUCER_ID = 2,
	TXN_AT_FIRST_OFFSET = 10,
	TXN_AT_LAST_OFFSET = 18,
	TXN_AT_LAST_STABLE_OFFSET = 26,
};

_Static_assert(OFFSET_AT_POSITION + 4 == LS_OFFSET_ENTRY_SIZE, "the position is the last field");
_Static_assert(TIME_AT_RELATIVE + 4 == LS_TIME_ENTRY_SIZE, "the offset is the last field");
_Static_assert(TXN_AT_LAST_STABLE_OFFSET + 8 == LS_TXN_ENTRY_SIZE, "the stable offset is the last field");

static void write_relative(uint8_t *p, int64_t base, int64_t offset)
{
	LS_ASSERT(offset >= base);
	LS_ASSERT((uint64_t)offset - (uint64_t)base <= INT32_MAX);
	ls_store_be32(p, (uint32_t)((uint64_t)offset - (uint64_t)base));
}

static int read_relative(const uint8_t *p, int64_t at, int64_t base, int64_t *ret_offset,
                         struct logstore_error *ret_error)
{
	int32_t relative = ls_load_be32s(p + at);
	int64_t offset;

	if (relative < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, at,
		                  "relative offset %" PRId32 " is negative", relative);
	if (__builtin_add_overflow(base, (int64_t)relative, &offset))
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, at,
		                  "relative offset %" PRId32 " is too large for base offset %" PRId64,
		                  relative, base);
	*ret_offset = offset;
	return 0;
}

void ls_offset_entry_write(uint8_t p[LS_OFFSET_ENTRY_SIZE], int64_t base, const struct ls_offset_entry *entry)
{
	LS_ASSERT(entry->position <= INT32_MAX);
	write_relative(p + OFFSET_AT_RELATIVE, base, entry->offset);
	ls_store_be32(p + OFFSET_AT_POSITION, entry->position);
}

int ls_offset_entry_read(const uint8_t p[LS_OFFSET_ENTRY_SIZE], int64_t base,
                         struct ls_offset_entry *ret_entry, struct logstore_error *ret_error)
{
	int32_t position = ls_load_be32s(p + OFFSET_AT_POSITION);
	int64_t offset = 0;
	int r = read_relative(p, OFFSET_AT_RELATIVE, base, &offset, ret_error);

	if (r < 0)
		return r;
	if (position < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, OFFSET_AT_POSITION,
		                  "position %" PRId32 " is negative", position);
	*ret_entry = (struct ls_offset_entry){.offset = offset, .position = (uint32_t)position};
	return 0;
}

void ls_time_entry_write(uint8_t p[LS_TIME_ENTRY_SIZE], int64_t base, const struct ls_time_entry *entry)
{
	ls_store_be64s(p + TIME_AT_TIMESTAMP, entry->timestamp);
	write_relative(p + TIME_AT_RELATIVE, base, entry->offset);
}

int ls_time_entry_read(const uint8_t p[LS_TIME_ENTRY_SIZE], int64_t base, struct ls_time_entry *ret_entry,
                       struct logstore_error *ret_error)
{
	int64_t offset = 0;
	int r = read_relative(p, TIME_AT_RELATIVE, base, &offset, ret_error);

	if (r < 0)
		return r;
	*ret_entry = (struct ls_time_entry){
		.timestamp = ls_load_be64s(p + TIME_AT_TIMESTAMP),
		.offset = offset,
	};
	return 0;
}

void ls_txn_entry_write(uint8_t p[LS_TXN_ENTRY_SIZE], const struct logstore_txn_entry *entry)
{
	LS_ASSERT(entry->version == LS_TXN_ENTRY_VERSION);
	LS_ASSERT(entry->producer_id >= 0);
	LS_ASSERT(entry->first_offset >= 0 && entry->first_offset <= entry->last_offset);
	LS_ASSERT(entry->last_stable_offset >= 0);
	ls_store_be16s(p + TXN_AT_VERSION, entry->version);
	ls_store_be64s(p + TXN_AT_PRODUCER_ID, entry->producer_id);
	ls_store_be64s(p + TXN_AT_FIRST_OFFSET, entry->first_offset);
	ls_store_be64s(p + TXN_AT_LAST_OFFSET, entry->last_offset);
	ls_store_be64s(p + TXN_AT_LAST_STABLE_OFFSET, entry->last_stable_offset);
}

static int check_txn_entry(const struct logstore_txn_entry *entry, struct logstore_error *ret_error)
{
	if (entry->producer_id < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, TXN_AT_PRODUCER_ID,
		                  "producer id %" PRId64 " is negative", entry->producer_id);
	if (entry->first_offset < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, TXN_AT_FIRST_OFFSET,
		                  "first offset %" PRId64 " is negative", entry->first_offset);
	if (entry->last_offset < entry->first_offset)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, TXN_AT_LAST_OFFSET,
		                  "last offset %" PRId64 " is below first offset %" PRId64,
		                  entry->last_offset, entry->first_offset);
	if (entry->last_stable_offset < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, TXN_AT_LAST_STABLE_OFFSET,
		                  "last stable offset %" PRId64 " is negative", entry->last_stable_offset);
	return 0;
}

int ls_txn_entry_read(const uint8_t p[LS_TXN_ENTRY_SIZE], struct logstore_txn_entry *ret_entry,
                      struct logstore_error *ret_error)
{
	struct logstore_txn_entry entry = {.version = ls_load_be16s(p + TXN_AT_VERSION)};
	int r;

	/* What the other fields of a newer version mean is not known: the version decides first. */
	if (entry.version > LS_TXN_ENTRY_VERSION)
		return ls_corrupt(ret_error, LOGSTORE_E_UNSUPPORTED_VERSION, NULL, TXN_AT_VERSION,
		                  "entry has version %d, not %d", entry.version, LS_TXN_ENTRY_VERSION);
	if (entry.version < LS_TXN_ENTRY_VERSION)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, TXN_AT_VERSION,
		                  "entry has the negative version %d", entry.version);
	entry.producer_id = ls_load_be64s(p + TXN_AT_PRODUCER_ID);
	entry.first_offset = ls_load_be64s(p + TXN_AT_FIRST_OFFSET);
	entry.last_offset = ls_load_be64s(p + TXN_AT_LAST_OFFSET);
	entry.last_stable_offset = ls_load_be64s(p + TXN_AT_LAST_STABLE_OFFSET);
	r = check_txn_entry(&entry, ret_error);
	if (r < 0)
		return r;
	*ret_entry = entry;
	return 0;
}
