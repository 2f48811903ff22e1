/*
 * Producer snapshots as whole files in memory. docs/format/producer-snapshot.md is normative.
 *
 * Invariants: a file that passes ls_snapshot_check() has exactly 10 + 46 * count bytes, so that entry
 * `index` < count lies within it; the checksum covers everything from byte 6 to the end of the file, so
 * bytes after the last entry are damage, not slack. Nothing is allocated on account of a count that was read.
 *
 * Threads: pure functions.
 */
#include "format/snapshot.h"

#include <inttypes.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/error.h"

enum {
	AT_VERSION = 0,
	AT_CRC = 2,
	AT_COUNT = 6,

	ENTRY_AT_PRODUCER_ID = 0,
	ENTRY_AT_PRODUCER_EPOCH = 8,
	ENTRY_AT_LAST_SEQUENCE = 10,
	ENTRY_AT_LAST_OFFSET = 14,
	ENTRY_AT_OFFSET_DELTA = 22,
	ENTRY_AT_TIMESTAMP = 26,
	ENTRY_AT_COORDINATOR_EPOCH = 34,
	ENTRY_AT_TXN_FIRST_OFFSET = 38,
};

_Static_assert(AT_COUNT + 4 == LS_SNAPSHOT_HEADER_SIZE, "the count is the last field of the header");
_Static_assert(ENTRY_AT_TXN_FIRST_OFFSET + 8 == LS_SNAPSHOT_ENTRY_SIZE, "the first offset is the last field");

static void write_entry(uint8_t *p, const struct logstore_producer_entry *entry)
{
	ls_store_be64s(p + ENTRY_AT_PRODUCER_ID, entry->producer_id);
	ls_store_be16s(p + ENTRY_AT_PRODUCER_EPOCH, entry->producer_epoch);
	ls_store_be32s(p + ENTRY_AT_LAST_SEQUENCE, entry->last_sequence);
	ls_store_be64s(p + ENTRY_AT_LAST_OFFSET, entry->last_offset);
	ls_store_be32s(p + ENTRY_AT_OFFSET_DELTA, entry->offset_delta);
	ls_store_be64s(p + ENTRY_AT_TIMESTAMP, entry->timestamp);
	ls_store_be32s(p + ENTRY_AT_COORDINATOR_EPOCH, entry->coordinator_epoch);
	ls_store_be64s(p + ENTRY_AT_TXN_FIRST_OFFSET, entry->current_txn_first_offset);
}

int ls_snapshot_write(struct ls_buf *out, const struct logstore_producer_entry *entries, size_t count)
{
	size_t size;
	uint8_t *file;
	int r;

	LS_ASSERT(count <= INT32_MAX);
	size = LS_SNAPSHOT_HEADER_SIZE + count * LS_SNAPSHOT_ENTRY_SIZE;
	r = ls_buf_reserve(out, size);
	if (r < 0)
		return r;
	file = out->data + out->size;
	ls_store_be16s(file + AT_VERSION, LS_SNAPSHOT_VERSION);
	ls_store_be32(file + AT_COUNT, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		write_entry(file + LS_SNAPSHOT_HEADER_SIZE + i * LS_SNAPSHOT_ENTRY_SIZE, &entries[i]);
	ls_store_be32(file + AT_CRC, ls_crc32c(0, file + AT_COUNT, size - AT_COUNT));
	out->size += size;
	return 0;
}

int ls_snapshot_check(const uint8_t *bytes, size_t size, uint32_t *ret_count,
                      struct logstore_error *ret_error)
{
	uint32_t stored, computed;
	int16_t version;
	int32_t count;
	size_t room;

	if (size < LS_SNAPSHOT_HEADER_SIZE)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, (int64_t)size,
		                  "snapshot ends after %zu bytes, within its header", size);
	version = ls_load_be16s(bytes + AT_VERSION);
	if (version != LS_SNAPSHOT_VERSION)
		return ls_corrupt(ret_error, LOGSTORE_E_UNSUPPORTED_VERSION, NULL, AT_VERSION,
		                  "snapshot has version %d, not %d", version, LS_SNAPSHOT_VERSION);
	stored = ls_load_be32(bytes + AT_CRC);
	computed = ls_crc32c(0, bytes + AT_COUNT, size - AT_COUNT);
	if (stored != computed)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, AT_CRC,
		                  "snapshot has checksum %08" PRIx32 ", its bytes give %08" PRIx32, stored,
		                  computed);
	count = ls_load_be32s(bytes + AT_COUNT);
	room = size - LS_SNAPSHOT_HEADER_SIZE;
	if (count < 0 || room % LS_SNAPSHOT_ENTRY_SIZE != 0 || (size_t)count != room / LS_SNAPSHOT_ENTRY_SIZE)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, AT_COUNT,
		                  "snapshot announces %" PRId32 " producers in %zu bytes", count, size);
	*ret_count = (uint32_t)count;
	return 0;
}

void ls_snapshot_entry(const uint8_t *bytes, uint32_t index, struct logstore_producer_entry *ret_entry)
{
	const uint8_t *p = bytes + LS_SNAPSHOT_HEADER_SIZE + (size_t)index * LS_SNAPSHOT_ENTRY_SIZE;

	LS_ASSERT(index < ls_load_be32(bytes + AT_COUNT));
	*ret_entry = (struct logstore_producer_entry){
		.producer_id = ls_load_be64s(p + ENTRY_AT_PRODUCER_ID),
		.producer_epoch = ls_load_be16s(p + ENTRY_AT_PRODUCER_EPOCH),
		.last_sequence = ls_load_be32s(p + ENTRY_AT_LAST_SEQUENCE),
		.last_offset = ls_load_be64s(p + ENTRY_AT_LAST_OFFSET),
		.offset_delta = ls_load_be32s(p + ENTRY_AT_OFFSET_DELTA),
		.timestamp = ls_load_be64s(p + ENTRY_AT_TIMESTAMP),
		.coordinator_epoch = ls_load_be32s(p + ENTRY_AT_COORDINATOR_EPOCH),
		.current_txn_first_offset = ls_load_be64s(p + ENTRY_AT_TXN_FIRST_OFFSET),
	};
}
