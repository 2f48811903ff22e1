/* Producer snapshots: the published vector, every truncation and flipped bit, and all that Kafka wrote. */
#include <criterion/criterion.h>

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"
#include "format/names.h"
#include "format/snapshot.h"
#include "testlib.h"

TestSuite(snapshot, .fini = ts_check_leaks);

/* The published vector, as a file and as an entry. */
static const char vector_hex[] = "0001a48c19ef00000001"
				 "00000000000003e80001000000090000000000000007000000040000018bcfe56809"
				 "00000007ffffffffffffffff";
static const struct logstore_producer_entry vector_entry = {
	.producer_id = 1000,
	.producer_epoch = 1,
	.last_sequence = 9,
	.last_offset = 7,
	.offset_delta = 4,
	.timestamp = INT64_C(1700000000009),
	.coordinator_epoch = 7,
	.current_txn_first_offset = LOGSTORE_NO_OFFSET,
};

static void assert_same(const struct logstore_producer_entry *a, const struct logstore_producer_entry *b)
{
	cr_assert_eq(a->producer_id, b->producer_id);
	cr_assert_eq(a->producer_epoch, b->producer_epoch);
	cr_assert_eq(a->last_sequence, b->last_sequence);
	cr_assert_eq(a->last_offset, b->last_offset);
	cr_assert_eq(a->offset_delta, b->offset_delta);
	cr_assert_eq(a->timestamp, b->timestamp);
	cr_assert_eq(a->coordinator_epoch, b->coordinator_epoch);
	cr_assert_eq(a->current_txn_first_offset, b->current_txn_first_offset);
}

static void fix_crc(uint8_t *bytes, size_t size)
{
	ls_store_be32(bytes + 2, ls_crc32c(0, bytes + 6, size - 6));
}

Test(snapshot, vector_both_ways)
{
	struct ts_alloc alloc;
	struct ls_buf out;
	size_t size;
	uint8_t *want = ts_hex(vector_hex, &size);
	struct logstore_producer_entry entry;
	uint32_t count = 99;

	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(size, 56);
	cr_assert_eq(ls_snapshot_write(&out, &vector_entry, 1), 0);
	cr_assert_eq(out.size, size);
	cr_assert_arr_eq(out.data, want, size);
	cr_assert_eq(ls_snapshot_check(want, size, &count, NULL), 0);
	cr_assert_eq(count, 1);
	ls_snapshot_entry(want, 0, &entry);
	assert_same(&entry, &vector_entry);
	ls_buf_fini(&out);
	free(want);
	cr_assert_eq(alloc.outstanding, 0);
}

Test(snapshot, without_producers)
{
	struct ts_alloc alloc;
	struct ls_buf out;
	uint32_t count = 99;

	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_buf_append(&out, "abc", 3), 0);
	cr_assert_eq(ls_snapshot_write(&out, NULL, 0), 0);
	cr_assert_eq(out.size, 3 + LS_SNAPSHOT_HEADER_SIZE, "appended to what was there");
	cr_assert_eq(ls_snapshot_check(out.data + 3, LS_SNAPSHOT_HEADER_SIZE, &count, NULL), 0);
	cr_assert_eq(count, 0);
	ls_buf_fini(&out);
}

static void random_entry(struct ts_rng *rng, struct logstore_producer_entry *ret_entry)
{
	*ret_entry = (struct logstore_producer_entry){
		.producer_id = (int64_t)ts_rng_next(rng),
		.producer_epoch = (int16_t)ts_rng_next(rng),
		.last_sequence = (int32_t)ts_rng_next(rng),
		.last_offset = (int64_t)ts_rng_next(rng),
		.offset_delta = (int32_t)ts_rng_next(rng),
		.timestamp = (int64_t)ts_rng_next(rng),
		.coordinator_epoch = (int32_t)ts_rng_next(rng),
		.current_txn_first_offset = (int64_t)ts_rng_next(rng),
	};
}

Test(snapshot, round_trips)
{
	struct logstore_producer_entry entries[40], back;
	struct ts_alloc alloc;
	struct ts_rng rng;
	struct ls_buf out;
	uint32_t count = 0;

	ts_alloc_init(&alloc);
	ts_rng_init(&rng, 21);
	ls_buf_init(&out, &alloc.ls);
	for (size_t n = 0; n <= 40; n++) {
		for (size_t i = 0; i < n; i++)
			random_entry(&rng, &entries[i]);
		ls_buf_clear(&out);
		cr_assert_eq(ls_snapshot_write(&out, entries, n), 0);
		cr_assert_eq(ls_snapshot_check(out.data, out.size, &count, NULL), 0);
		cr_assert_eq(count, n);
		for (uint32_t i = 0; i < n; i++) {
			ls_snapshot_entry(out.data, i, &back);
			assert_same(&back, &entries[i]);
		}
	}
	ls_buf_fini(&out);
}

Test(snapshot, every_truncation_and_every_flipped_bit_is_found)
{
	struct logstore_producer_entry entries[3];
	struct ts_alloc alloc;
	struct ts_rng rng;
	struct ls_buf out;
	uint32_t count = 99;

	ts_alloc_init(&alloc);
	ts_rng_init(&rng, 22);
	ls_buf_init(&out, &alloc.ls);
	for (size_t i = 0; i < 3; i++)
		random_entry(&rng, &entries[i]);
	cr_assert_eq(ls_snapshot_write(&out, entries, 3), 0);
	for (size_t size = 0; size < out.size; size++) {
		uint8_t *cut = malloc(size ? size : 1); /* its own block, so that reading past it is seen */

		memcpy(cut, out.data, size);
		cr_assert_eq(ls_snapshot_check(cut, size, &count, NULL), LOGSTORE_E_CORRUPT_FILE, "%zu",
		             size);
		free(cut);
	}
	for (size_t bit = 0; bit < out.size * 8; bit++) {
		int want = bit < 16 ? LOGSTORE_E_UNSUPPORTED_VERSION : LOGSTORE_E_CORRUPT_FILE;

		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(ls_snapshot_check(out.data, out.size, &count, NULL), want, "bit %zu", bit);
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(count, 99, "output untouched");
	cr_assert_eq(ls_snapshot_check(out.data, out.size, &count, NULL), 0);
	ls_buf_fini(&out);
}

Test(snapshot, damage_is_named)
{
	size_t size;
	uint8_t *bytes = ts_hex(vector_hex, &size);
	uint8_t longer[57];
	struct logstore_error err;
	uint32_t count = 99;

	cr_assert_eq(ls_snapshot_check(bytes, 9, &count, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 9);
	cr_assert_eq(ls_snapshot_check(bytes, 0, &count, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 0);

	bytes[20] ^= 1;
	cr_assert_eq(ls_snapshot_check(bytes, size, &count, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 2, "the checksum");
	cr_assert(strstr(err.text, "a48c19ef"), "%s", err.text);
	bytes[20] ^= 1;

	/* One byte too many, once with the checksum of Kafka's file and once with one that covers it. */
	memcpy(longer, bytes, size);
	longer[size] = 0;
	cr_assert_eq(ls_snapshot_check(longer, size + 1, &count, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 2);
	fix_crc(longer, size + 1);
	cr_assert_eq(ls_snapshot_check(longer, size + 1, &count, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 6, "the count");

	for (int16_t version = -1; version <= 2; version++) {
		ls_store_be16s(bytes, version);
		cr_assert_eq(ls_snapshot_check(bytes, size, &count, &err),
		             version == 1 ? 0 : LOGSTORE_E_UNSUPPORTED_VERSION);
		cr_assert(version == 1 || err.position == 0);
	}
	free(bytes);
}

Test(snapshot, a_count_that_lies_is_found)
{
	static const int32_t lies[] = {-1,        0,         2,       3,
	                               INT32_MAX, INT32_MIN, 93368855 /* times 46 is 2^32 + 34 */};
	size_t size;
	uint8_t *bytes = ts_hex(vector_hex, &size);
	struct logstore_error err;
	uint32_t count = 99;

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		ls_store_be32s(bytes + 6, lies[i]);
		fix_crc(bytes, size);
		cr_assert_eq(ls_snapshot_check(bytes, size, &count, &err), LOGSTORE_E_CORRUPT_FILE,
		             "%" PRId32, lies[i]);
		cr_assert_eq(err.position, 6);
		cr_assert_eq(count, 99);
	}
	free(bytes);
}

Test(snapshot, allocation_failures)
{
	struct logstore_producer_entry entries[20] = {0};
	struct ts_alloc alloc;
	long n = 0;
	int r;

	do {
		struct ls_buf out;

		ts_alloc_init(&alloc);
		alloc.fail_at = ++n;
		ls_buf_init(&out, &alloc.ls);
		r = ls_snapshot_write(&out, entries, 20);
		cr_assert_eq(r, ts_alloc_failed(&alloc) ? -ENOMEM : 0);
		cr_assert_eq(out.size, r < 0 ? 0 : LS_SNAPSHOT_HEADER_SIZE + 20 * LS_SNAPSHOT_ENTRY_SIZE);
		ls_buf_fini(&out);
		cr_assert_eq(alloc.outstanding, 0);
	} while (r < 0);
	cr_assert_eq(n, 2, "one allocation, whatever the count");
}

Test(snapshot, an_entry_behind_the_last_one_is_a_bug, .signal = SIGABRT)
{
	struct logstore_producer_entry entry;
	size_t size;

	ls_snapshot_entry(ts_hex(vector_hex, &size), 1, &entry);
}

/* ---- Kafka's files ---------------------------------------------------------------------------------- */

static size_t root_length, files, findings;

/* Damaged on purpose: a flipped bit, a byte too many, and a file that never was a snapshot. */
static const struct {
	const char *path;
	int64_t position;
} damaged_files[] = {
	{"recovery/snapshot-corrupt/logs/rec-0/00000000000000000130.snapshot", 2},
	{"recovery/snapshot-corrupt/logs/rectx-0/00000000000000000088.snapshot", 2},
	{"recovery/snapshot-trailing-bytes/logs/rectx-0/00000000000000000088.snapshot", 2},
	{"recovery/leftover-deleted/logs/rec-0/00000000000000000000.snapshot.deleted", 2 /* its size */},
};

/* Where the damage of a file is, or -1. */
static int64_t damage_position(const char *path)
{
	for (size_t i = 0; i < sizeof damaged_files / sizeof *damaged_files; i++) {
		if (strcmp(path, damaged_files[i].path) == 0)
			return damaged_files[i].position;
	}
	return -1;
}

static void assert_written_back(const char *path, const uint8_t *bytes, size_t size, uint32_t count)
{
	struct logstore_producer_entry *entries = calloc(count ? count : 1, sizeof *entries);
	struct ts_alloc alloc;
	struct ls_buf out;

	for (uint32_t i = 0; i < count; i++)
		ls_snapshot_entry(bytes, i, &entries[i]);
	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_snapshot_write(&out, entries, count), 0);
	cr_assert(out.size == size && memcmp(out.data, bytes, size) == 0, "%s", path);
	ls_buf_fini(&out);
	free(entries);
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	struct logstore_file_name name;
	struct logstore_error err;
	uint32_t count = 0;
	size_t size;
	uint8_t *bytes;
	int r;

	(void)st;
	if (flag != FTW_F || ls_file_name_parse(path + ftw->base, &name) != 0 ||
	    name.kind != LOGSTORE_FILE_SNAPSHOT)
		return 0;
	bytes = ts_read_file(path, &size);
	r = ls_snapshot_check(bytes, size, &count, &err);
	if (damage_position(path + root_length) >= 0) {
		cr_assert_eq(r, LOGSTORE_E_CORRUPT_FILE, "%s", path);
		cr_assert_eq(err.position, damage_position(path + root_length), "%s", path);
		findings++;
	} else {
		cr_assert_eq(r, 0, "%s: %s", path, err.text);
		assert_written_back(path, bytes, size, count);
	}
	files++;
	free(bytes);
	return 0;
}

Test(snapshot, every_file_of_kafka)
{
	const char *root = ts_data("kafka");

	root_length = strlen(root) + 1;
	cr_assert_eq(nftw(root, visit, 16, FTW_PHYS), 0);
	cr_assert_eq(findings, sizeof damaged_files / sizeof *damaged_files);
	cr_assert_gt(files, 500);
}

static int64_t field(const char *line, const char *key)
{
	const char *at = strstr(line, key);
	char rest[32] = "";

	cr_assert(at, "%s in %s", key, line);
	cr_assert_eq(sscanf(at + strlen(key), " %31s", rest), 1);
	if (strcmp(rest, "OptionalLong.empty") == 0)
		return LOGSTORE_NO_OFFSET;
	if (strncmp(rest, "OptionalLong[", 13) == 0)
		return strtoll(rest + 13, NULL, 10);
	return strtoll(rest, NULL, 10);
}

/* One line of Kafka's dump against the entry of the same producer. */
static void compare_line(const uint8_t *bytes, uint32_t count, const char *line)
{
	struct logstore_producer_entry entry = {.producer_id = LOGSTORE_NO_PRODUCER_ID};
	int64_t producer_id = field(line, "producerId:");

	for (uint32_t i = 0; i < count && entry.producer_id != producer_id; i++)
		ls_snapshot_entry(bytes, i, &entry);
	cr_assert_eq(entry.producer_id, producer_id);
	cr_assert_eq(entry.producer_epoch, field(line, "producerEpoch:"));
	cr_assert_eq(entry.coordinator_epoch, field(line, "coordinatorEpoch:"));
	cr_assert_eq(entry.current_txn_first_offset, field(line, "currentTxnFirstOffset:"));
	cr_assert_eq(entry.timestamp, field(line, "lastTimestamp:"));
	if (!strstr(line, "lastSequence:")) {
		cr_assert(entry.last_sequence == -1 && entry.last_offset == -1 && entry.offset_delta == 0);
		return;
	}
	cr_assert_eq(entry.last_sequence, field(line, "lastSequence:"));
	cr_assert_eq(entry.last_offset, field(line, "lastOffset:"));
	cr_assert_eq(entry.offset_delta, field(line, "offsetDelta:"));
}

static void compare_dump(const char *folder, size_t *producers, size_t *open_transactions,
                         size_t *without_batch)
{
	char path[256], *line = NULL;
	uint8_t *bytes = NULL;
	uint32_t count = 0, seen = 0;
	size_t capacity = 0, size;
	FILE *f;

	snprintf(path, sizeof path, "kafka/%s/expected/dump.txt", folder);
	f = fopen(ts_data(path), "r");
	cr_assert(f);
	while (getline(&line, &capacity, f) > 0) {
		if (strncmp(line, "Dumping ", 8) == 0) {
			cr_assert_eq(seen, count, "every entry is in the dump before %s", line);
			free(bytes);
			bytes = NULL;
			count = seen = 0;
			line[strcspn(line, "\n")] = '\0';
			if (!strstr(line, ".snapshot"))
				continue;
			snprintf(path, sizeof path, "kafka/%s/logs/%s", folder, line + 8);
			bytes = ts_read_file(ts_data(path), &size);
			cr_assert_eq(ls_snapshot_check(bytes, size, &count, NULL), 0);
		} else if (bytes && strncmp(line, "producerId: ", 12) == 0) {
			compare_line(bytes, count, line);
			seen++;
			*producers += 1;
			*open_transactions += field(line, "currentTxnFirstOffset:") >= 0;
			*without_batch += !strstr(line, "lastSequence:");
		}
	}
	cr_assert_eq(seen, count);
	free(bytes);
	free(line);
	fclose(f);
}

/* Against what Kafka's own dump tool prints. */
Test(snapshot, entries_are_those_that_kafka_dumps)
{
	size_t producers = 0, open_transactions = 0, without_batch = 0;

	compare_dump("plain", &producers, &open_transactions, &without_batch);
	cr_assert_gt(producers, 10);
	compare_dump("transactions", &producers, &open_transactions, &without_batch);
	cr_assert_gt(producers, 50);
	cr_assert_gt(open_transactions, 5);
	cr_assert_gt(without_batch, 0);
}
