/*
 * Producer snapshots.
 *
 * The first byte of the input is the mode, the rest is the file: an even one takes the file as it is, an odd
 * one makes the version and the checksum right first, so that mutations reach what lies behind them.
 *
 * A file is a typed error with a position in it, or entries that are written back byte for byte.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "format/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "snapshot: %s\n", what);
	abort();
}

static void seal(uint8_t *file, size_t size)
{
	if (size < LS_SNAPSHOT_HEADER_SIZE)
		return;
	ls_store_be16s(file, LS_SNAPSHOT_VERSION);
	ls_store_be32(file + 2, ls_crc32c(0, file + 6, size - 6));
}

static void write_back(const uint8_t *file, size_t size, uint32_t count)
{
	struct logstore_producer_entry *entries = calloc(count ? count : 1, sizeof *entries);
	struct ls_env env;
	struct ls_buf out;

	require(entries != NULL, "no memory");
	for (uint32_t i = 0; i < count; i++)
		ls_snapshot_entry(file, i, &entries[i]);
	ls_env_resolve(NULL, &env);
	ls_buf_init(&out, &env);
	require(ls_snapshot_write(&out, entries, count) == 0, "a snapshot cannot be written");
	require(out.size == size && memcmp(out.data, file, size) == 0, "a snapshot changed");
	ls_buf_fini(&out);
	free(entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct logstore_error err;
	uint32_t count;
	uint8_t *file;
	int r;

	if (size < 1)
		return 0;
	size--;
	file = malloc(size ? size : 1);
	require(file != NULL, "no memory");
	memcpy(file, input + 1, size);
	if (input[0] % 2 == 1)
		seal(file, size);
	r = ls_snapshot_check(file, size, &count, &err);
	if (r == 0) {
		write_back(file, size, count);
	} else {
		require(r == LOGSTORE_E_CORRUPT_FILE || r == LOGSTORE_E_UNSUPPORTED_VERSION,
		        "an untyped error");
		require(err.code == r, "the detail has another code");
		require(err.position >= 0 && (size_t)err.position <= size, "a position outside the file");
	}
	free(file);
	return 0;
}
