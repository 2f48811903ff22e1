/*
 * Entries of the index files.
 *
 * The first byte of the input says what the rest is: 0 .index, 1 .timeindex, 2 .txnindex (modulo 3). The next
 * eight bytes are the base offset, made positive. What follows are entries.
 *
 * Every entry must be a typed error whose position lies within it, or be written back byte for byte.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/index_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "index: %s\n", what);
	abort();
}

static void check_error(int r, const struct logstore_error *err, size_t entry_size)
{
	require(r == LOGSTORE_E_CORRUPT_FILE || r == LOGSTORE_E_UNSUPPORTED_VERSION, "an untyped error");
	require(err->code == r, "the detail has another code");
	require(err->position >= 0 && (size_t)err->position < entry_size, "a position outside the entry");
}

static void offset_entry(const uint8_t *p, int64_t base)
{
	struct ls_offset_entry entry;
	struct logstore_error err;
	uint8_t back[LS_OFFSET_ENTRY_SIZE];
	int r = ls_offset_entry_read(p, base, &entry, &err);

	if (r < 0) {
		check_error(r, &err, sizeof back);
		return;
	}
	require(entry.offset >= base && entry.position <= INT32_MAX, "an offset entry out of range");
	ls_offset_entry_write(back, base, &entry);
	require(memcmp(p, back, sizeof back) == 0, "an offset entry changed");
}

static void time_entry(const uint8_t *p, int64_t base)
{
	struct ls_time_entry entry;
	struct logstore_error err;
	uint8_t back[LS_TIME_ENTRY_SIZE];
	int r = ls_time_entry_read(p, base, &entry, &err);

	if (r < 0) {
		check_error(r, &err, sizeof back);
		return;
	}
	require(entry.offset >= base, "a time entry out of range");
	ls_time_entry_write(back, base, &entry);
	require(memcmp(p, back, sizeof back) == 0, "a time entry changed");
}

static void txn_entry(const uint8_t *p)
{
	struct logstore_txn_entry entry;
	struct logstore_error err;
	uint8_t back[LS_TXN_ENTRY_SIZE];
	int r = ls_txn_entry_read(p, &entry, &err);

	if (r < 0) {
		check_error(r, &err, sizeof back);
		return;
	}
	require(entry.first_offset <= entry.last_offset, "a transaction that ends before it begins");
	ls_txn_entry_write(back, &entry);
	require(memcmp(p, back, sizeof back) == 0, "a transaction entry changed");
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const size_t entry_sizes[] = {LS_OFFSET_ENTRY_SIZE, LS_TIME_ENTRY_SIZE, LS_TXN_ENTRY_SIZE};
	unsigned kind;
	int64_t base;

	if (size < 9)
		return 0;
	kind = input[0] % 3;
	base = (int64_t)(ls_load_be64(input + 1) & INT64_MAX);
	for (size_t at = 9; entry_sizes[kind] <= size - at; at += entry_sizes[kind]) {
		if (kind == 0)
			offset_entry(input + at, base);
		else if (kind == 1)
			time_entry(input + at, base);
		else
			txn_entry(input + at);
	}
	return 0;
}
