/* Entries of the three index files: hand-made ones, each damaged field, and every index that Kafka wrote. */
#include <criterion/criterion.h>

#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/index_entry.h"
#include "format/names.h"
#include "testlib.h"

TestSuite(index_entry, .fini = ts_check_leaks);

static const struct logstore_error untouched = {.code = 77, .position = 88};

Test(index_entry, offset_entry_bytes)
{
	static const uint8_t want[LS_OFFSET_ENTRY_SIZE] = {0, 0, 0, 11, 0, 0, 3, 0x75};
	struct ls_offset_entry entry = {.offset = 1011, .position = 885}, back = {0};
	struct logstore_error err = untouched;
	uint8_t p[LS_OFFSET_ENTRY_SIZE];

	ls_offset_entry_write(p, 1000, &entry);
	cr_assert_arr_eq(p, want, sizeof want);
	cr_assert_eq(ls_offset_entry_read(p, 1000, &back, &err), 0);
	cr_assert_eq(back.offset, 1011);
	cr_assert_eq(back.position, 885u);
	cr_assert_eq(err.code, 77, "success leaves the error alone");
}

Test(index_entry, time_entry_bytes)
{
	static const uint8_t want[LS_TIME_ENTRY_SIZE] = {0,    0,    0x01, 0x8b, 0xcf, 0xe5,
	                                                 0x68, 0x05, 0,    0,    0,    2};
	struct ls_time_entry entry = {.timestamp = INT64_C(1700000000005), .offset = 7}, back = {0};
	uint8_t p[LS_TIME_ENTRY_SIZE];

	ls_time_entry_write(p, 5, &entry);
	cr_assert_arr_eq(p, want, sizeof want);
	cr_assert_eq(ls_time_entry_read(p, 5, &back, NULL), 0);
	cr_assert_eq(back.timestamp, INT64_C(1700000000005));
	cr_assert_eq(back.offset, 7);
}

/* The published vector: producer 1000, first 0, last 2, last stable offset 3. */
Test(index_entry, txn_entry_bytes)
{
	size_t size;
	uint8_t *want = ts_hex("000000000000000003e8"
	                       "0000000000000000"
	                       "0000000000000002"
	                       "0000000000000003",
	                       &size);
	struct logstore_txn_entry entry = {
		.version = 0,
		.producer_id = 1000,
		.first_offset = 0,
		.last_offset = 2,
		.last_stable_offset = 3,
	};
	struct logstore_txn_entry back = {.version = 9};
	uint8_t p[LS_TXN_ENTRY_SIZE];

	cr_assert_eq(size, LS_TXN_ENTRY_SIZE);
	ls_txn_entry_write(p, &entry);
	cr_assert_arr_eq(p, want, LS_TXN_ENTRY_SIZE);
	cr_assert_eq(ls_txn_entry_read(want, &back, NULL), 0);
	cr_assert_eq(back.version, 0);
	cr_assert_eq(back.producer_id, 1000);
	cr_assert_eq(back.first_offset, 0);
	cr_assert_eq(back.last_offset, 2);
	cr_assert_eq(back.last_stable_offset, 3);
	free(want);
}

Test(index_entry, zero_entries_are_entries)
{
	uint8_t zeros[LS_TXN_ENTRY_SIZE] = {0};
	struct ls_offset_entry offset = {.offset = 1, .position = 1};
	struct ls_time_entry time = {.timestamp = 1, .offset = 1};
	struct logstore_txn_entry txn = {.version = 1};

	cr_assert_eq(ls_offset_entry_read(zeros, 42, &offset, NULL), 0);
	cr_assert(offset.offset == 42 && offset.position == 0);
	cr_assert_eq(ls_time_entry_read(zeros, 42, &time, NULL), 0);
	cr_assert(time.offset == 42 && time.timestamp == 0);
	cr_assert_eq(ls_txn_entry_read(zeros, &txn, NULL), 0);
	cr_assert(txn.version == 0 && txn.last_offset == 0);
}

Test(index_entry, largest_values)
{
	const int64_t base = INT64_MAX - INT32_MAX;
	struct ls_offset_entry offset = {.offset = INT64_MAX, .position = INT32_MAX}, offset_back = {0};
	struct ls_time_entry time = {.timestamp = INT64_MIN, .offset = INT64_MAX}, time_back = {0};
	uint8_t p[LS_TIME_ENTRY_SIZE];

	ls_offset_entry_write(p, base, &offset);
	cr_assert_eq(ls_offset_entry_read(p, base, &offset_back, NULL), 0);
	cr_assert_eq(offset_back.offset, INT64_MAX);
	cr_assert_eq(offset_back.position, (uint32_t)INT32_MAX);
	ls_time_entry_write(p, base, &time);
	cr_assert_eq(ls_time_entry_read(p, base, &time_back, NULL), 0);
	cr_assert_eq(time_back.offset, INT64_MAX);
	cr_assert_eq(time_back.timestamp, INT64_MIN, "the reader does not judge times");
}

Test(index_entry, damaged_offset_entries)
{
	static const struct {
		int64_t base;
		int32_t relative;
		int32_t position;
		int64_t at;
	} cases[] = {
		{0, -1, 0, 0}, {0, INT32_MIN, 0, 0}, {INT64_MAX, 1, 0, 0}, {INT64_MAX - 5, 6, 0, 0},
		{0, 0, -1, 4}, {0, 5, INT32_MIN, 4},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ls_offset_entry entry = {.offset = 123, .position = 456};
		struct logstore_error err;
		uint8_t p[LS_OFFSET_ENTRY_SIZE];

		ls_store_be32s(p, cases[i].relative);
		ls_store_be32s(p + 4, cases[i].position);
		cr_assert_eq(ls_offset_entry_read(p, cases[i].base, &entry, &err), LOGSTORE_E_CORRUPT_FILE,
		             "case %zu", i);
		cr_assert_eq(err.code, LOGSTORE_E_CORRUPT_FILE);
		cr_assert_eq(err.position, cases[i].at, "case %zu", i);
		cr_assert(err.text[0] != '\0');
		cr_assert(entry.offset == 123 && entry.position == 456, "output untouched");
		cr_assert_eq(ls_offset_entry_read(p, cases[i].base, &entry, NULL), LOGSTORE_E_CORRUPT_FILE);
	}
}

Test(index_entry, damaged_time_entries)
{
	static const struct {
		int64_t base;
		int32_t relative;
	} cases[] = {{0, -1}, {0, INT32_MIN}, {INT64_MAX, 1}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ls_time_entry entry = {.timestamp = 123, .offset = 456};
		struct logstore_error err;
		uint8_t p[LS_TIME_ENTRY_SIZE] = {0};

		ls_store_be32s(p + 8, cases[i].relative);
		cr_assert_eq(ls_time_entry_read(p, cases[i].base, &entry, &err), LOGSTORE_E_CORRUPT_FILE,
		             "case %zu", i);
		cr_assert_eq(err.position, 8);
		cr_assert(entry.timestamp == 123 && entry.offset == 456, "output untouched");
	}
}

Test(index_entry, damaged_txn_entries)
{
	static const struct {
		struct logstore_txn_entry entry;
		int code;
		int64_t at;
	} cases[] = {
		{{1, 1, 1, 2, 3}, LOGSTORE_E_UNSUPPORTED_VERSION, 0},
		{{INT16_MAX, -1, 9, 2, -3}, LOGSTORE_E_UNSUPPORTED_VERSION, 0},
		{{-1, 1, 1, 2, 3}, LOGSTORE_E_CORRUPT_FILE, 0},
		{{0, -1, 1, 2, 3}, LOGSTORE_E_CORRUPT_FILE, 2},
		{{0, INT64_MIN, 1, 2, 3}, LOGSTORE_E_CORRUPT_FILE, 2},
		{{0, 1, -1, 2, 3}, LOGSTORE_E_CORRUPT_FILE, 10},
		{{0, 1, 3, 2, 3}, LOGSTORE_E_CORRUPT_FILE, 18},
		{{0, 1, 0, -1, 3}, LOGSTORE_E_CORRUPT_FILE, 18},
		{{0, 1, 1, 2, -1}, LOGSTORE_E_CORRUPT_FILE, 26},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct logstore_txn_entry *bad = &cases[i].entry;
		struct logstore_txn_entry entry = {.version = 55, .producer_id = 66};
		struct logstore_error err;
		uint8_t p[LS_TXN_ENTRY_SIZE];

		ls_store_be16s(p, bad->version);
		ls_store_be64s(p + 2, bad->producer_id);
		ls_store_be64s(p + 10, bad->first_offset);
		ls_store_be64s(p + 18, bad->last_offset);
		ls_store_be64s(p + 26, bad->last_stable_offset);
		cr_assert_eq(ls_txn_entry_read(p, &entry, &err), cases[i].code, "case %zu", i);
		cr_assert_eq(err.code, cases[i].code);
		cr_assert_eq(err.position, cases[i].at, "case %zu", i);
		cr_assert(entry.version == 55 && entry.producer_id == 66, "output untouched");
	}
}

Test(index_entry, round_trips)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 20);
	for (int i = 0; i < 10000; i++) {
		int64_t base = (int64_t)(ts_rng_next(&rng) >> (2 + ts_rng_below(&rng, 60)));
		int64_t relative = (int64_t)(ts_rng_next(&rng) >> (33 + ts_rng_below(&rng, 31)));
		struct ls_offset_entry offset = {
			.offset = base + relative,
			.position = (uint32_t)(ts_rng_next(&rng) >> 33),
		};
		struct ls_time_entry time = {
			.timestamp = (int64_t)ts_rng_next(&rng),
			.offset = base + relative,
		};
		struct logstore_txn_entry txn = {
			.producer_id = (int64_t)(ts_rng_next(&rng) >> 1),
			.first_offset = base,
			.last_offset = base + relative,
			.last_stable_offset = (int64_t)(ts_rng_next(&rng) >> 1),
		};
		struct ls_offset_entry offset_back;
		struct ls_time_entry time_back;
		struct logstore_txn_entry txn_back;
		uint8_t p[LS_TXN_ENTRY_SIZE];

		ls_offset_entry_write(p, base, &offset);
		cr_assert_eq(ls_offset_entry_read(p, base, &offset_back, NULL), 0);
		cr_assert(offset_back.offset == offset.offset && offset_back.position == offset.position);
		ls_time_entry_write(p, base, &time);
		cr_assert_eq(ls_time_entry_read(p, base, &time_back, NULL), 0);
		cr_assert(time_back.offset == time.offset && time_back.timestamp == time.timestamp);
		ls_txn_entry_write(p, &txn);
		cr_assert_eq(ls_txn_entry_read(p, &txn_back, NULL), 0);
		cr_assert(txn_back.version == 0 && txn_back.producer_id == txn.producer_id);
		cr_assert(txn_back.first_offset == txn.first_offset &&
		          txn_back.last_offset == txn.last_offset);
		cr_assert_eq(txn_back.last_stable_offset, txn.last_stable_offset);
	}
}

Test(index_entry, writing_below_the_base_is_a_bug, .signal = SIGABRT)
{
	uint8_t p[LS_OFFSET_ENTRY_SIZE];

	ls_offset_entry_write(p, 10, &(struct ls_offset_entry){.offset = 9});
}

Test(index_entry, writing_too_far_above_the_base_is_a_bug, .signal = SIGABRT)
{
	uint8_t p[LS_TIME_ENTRY_SIZE];

	ls_time_entry_write(p, 10, &(struct ls_time_entry){.offset = INT64_C(11) + INT32_MAX});
}

Test(index_entry, writing_a_large_position_is_a_bug, .signal = SIGABRT)
{
	uint8_t p[LS_OFFSET_ENTRY_SIZE];

	ls_offset_entry_write(p, 0, &(struct ls_offset_entry){.position = (uint32_t)INT32_MAX + 1});
}

Test(index_entry, writing_a_backward_transaction_is_a_bug, .signal = SIGABRT)
{
	uint8_t p[LS_TXN_ENTRY_SIZE];

	ls_txn_entry_write(p, &(struct logstore_txn_entry){.first_offset = 5, .last_offset = 4});
}

/* ---- Kafka's files ---------------------------------------------------------------------------------- */

struct walk {
	size_t root_length;
	size_t files[3]; /* offset, time, transaction indexes */
	size_t entries[3];
	size_t findings;
};

static struct walk walk;

/* What was damaged on purpose; every other file must be whole. `tail` counts bytes behind the last entry. */
static const struct {
	const char *path;
	int code; /* of the first entry that fails */
	size_t tail;
} damaged_files[] = {
	{"recovery/timeindex-truncated-sealed/logs/rec-0/00000000000000000000.timeindex", 0, 5},
	{"recovery/index-truncated-sealed/logs/rec-0/00000000000000000000.index", 0, 3},
	{"recovery/txnindex-partial/logs/rectx-0/00000000000000000003.txnindex", 0, 24},
	{"recovery/index-garbage-sealed/logs/rec-0/00000000000000000000.index", LOGSTORE_E_CORRUPT_FILE, 0},
	{"recovery/index-garbage-sealed/logs/rec-0/00000000000000000000.timeindex", LOGSTORE_E_CORRUPT_FILE,
	 0},
	{"recovery/index-garbage-active/logs/rec-0/00000000000000000130.index", LOGSTORE_E_CORRUPT_FILE, 0},
	{"recovery/index-garbage-active/logs/rec-0/00000000000000000130.timeindex", LOGSTORE_E_CORRUPT_FILE,
	 0},
	{"recovery/txnindex-bad-version/logs/rectx-0/00000000000000000003.txnindex",
	 LOGSTORE_E_UNSUPPORTED_VERSION, 0},
};

static int read_any(enum logstore_file_kind kind, const uint8_t *p, int64_t base)
{
	struct ls_offset_entry offset;
	struct ls_time_entry time;
	struct logstore_txn_entry txn;

	if (kind == LOGSTORE_FILE_OFFSET_INDEX)
		return ls_offset_entry_read(p, base, &offset, NULL);
	if (kind == LOGSTORE_FILE_TIME_INDEX)
		return ls_time_entry_read(p, base, &time, NULL);
	return ls_txn_entry_read(p, &txn, NULL);
}

static void check_damage(const char *path, int code, size_t tail)
{
	for (size_t i = 0; i < sizeof damaged_files / sizeof *damaged_files; i++) {
		if (strcmp(path, damaged_files[i].path) != 0)
			continue;
		cr_assert_eq(code, damaged_files[i].code, "%s", path);
		cr_assert_eq(tail, damaged_files[i].tail, "%s: %zu", path, tail);
		walk.findings++;
		return;
	}
	cr_assert(code == 0 && tail == 0, "%s: code %d, %zu bytes left over", path, code, tail);
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	static const size_t sizes[] = {LS_OFFSET_ENTRY_SIZE, LS_TIME_ENTRY_SIZE, LS_TXN_ENTRY_SIZE};
	struct logstore_file_name name;
	size_t index, size, at;
	uint8_t *bytes;
	int r = 0;

	(void)st;
	if (flag != FTW_F || ls_file_name_parse(path + ftw->base, &name) != 0 ||
	    name.kind < LOGSTORE_FILE_OFFSET_INDEX || name.kind > LOGSTORE_FILE_TXN_INDEX)
		return 0;
	index = (size_t)name.kind - LOGSTORE_FILE_OFFSET_INDEX;
	bytes = ts_read_file(path, &size);
	for (at = 0; r == 0 && at + sizes[index] <= size; at += sizes[index]) {
		r = read_any(name.kind, bytes + at, name.base_offset);
		walk.entries[index] += r == 0;
	}
	check_damage(path + walk.root_length, r, r == 0 ? size - at : 0);
	walk.files[index]++;
	free(bytes);
	return 0;
}

Test(index_entry, every_file_of_kafka)
{
	const char *root = ts_data("kafka");

	walk = (struct walk){.root_length = strlen(root) + 1};
	cr_assert_eq(nftw(root, visit, 16, FTW_PHYS), 0);
	cr_assert_eq(walk.findings, sizeof damaged_files / sizeof *damaged_files);
	for (size_t i = 0; i < 3; i++)
		cr_assert(walk.files[i] >= 100 && walk.entries[i] >= 100, "kind %zu: %zu files, %zu entries",
		          i, walk.files[i], walk.entries[i]);
}

static uint8_t *read_segment_file(const char *folder, const char *partition, int64_t base, const char *ending,
                                  size_t *ret_size)
{
	char name[LS_FILE_NAME_MAX], path[256];

	ls_file_name(name, base, ending);
	snprintf(path, sizeof path, "kafka/%s/logs/%s/%s", folder, partition, name);
	return ts_read_file(ts_data(path), ret_size);
}

static int64_t number_at(const json_t *array, size_t index)
{
	return (int64_t)json_integer_value(json_array_get(array, index));
}

static int64_t number_of(const json_t *object, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(object, key));
}

static size_t compare_offset_index(const char *folder, const char *partition, const json_t *segment)
{
	const json_t *want = json_object_get(segment, "index");
	int64_t base = number_of(segment, "base");
	size_t size;
	uint8_t *bytes = read_segment_file(folder, partition, base, ".index", &size);

	cr_assert_eq(size, json_array_size(want) * LS_OFFSET_ENTRY_SIZE, "%s %" PRId64, partition, base);
	for (size_t i = 0; i < json_array_size(want); i++) {
		struct ls_offset_entry entry;
		uint8_t p[LS_OFFSET_ENTRY_SIZE];

		cr_assert_eq(ls_offset_entry_read(bytes + i * sizeof p, base, &entry, NULL), 0);
		cr_assert_eq(entry.offset, number_at(json_array_get(want, i), 0));
		cr_assert_eq((int64_t)entry.position, number_at(json_array_get(want, i), 1));
		ls_offset_entry_write(p, base, &entry);
		cr_assert_arr_eq(p, bytes + i * sizeof p, sizeof p);
	}
	free(bytes);
	return json_array_size(want);
}

static size_t compare_time_index(const char *folder, const char *partition, const json_t *segment)
{
	const json_t *want = json_object_get(segment, "timeindex");
	int64_t base = number_of(segment, "base");
	size_t size;
	uint8_t *bytes = read_segment_file(folder, partition, base, ".timeindex", &size);

	cr_assert_eq(size, json_array_size(want) * LS_TIME_ENTRY_SIZE, "%s %" PRId64, partition, base);
	for (size_t i = 0; i < json_array_size(want); i++) {
		struct ls_time_entry entry;
		uint8_t p[LS_TIME_ENTRY_SIZE];

		cr_assert_eq(ls_time_entry_read(bytes + i * sizeof p, base, &entry, NULL), 0);
		cr_assert_eq(entry.timestamp, number_at(json_array_get(want, i), 0));
		cr_assert_eq(entry.offset, number_at(json_array_get(want, i), 1));
		ls_time_entry_write(p, base, &entry);
		cr_assert_arr_eq(p, bytes + i * sizeof p, sizeof p);
	}
	free(bytes);
	return json_array_size(want);
}

static size_t compare_txn_index(const char *folder, const char *partition, const json_t *segment)
{
	const json_t *want = json_object_get(segment, "txnindex");
	int64_t base = number_of(segment, "base");
	size_t size;
	uint8_t *bytes;

	if (json_array_size(want) == 0)
		return 0;
	bytes = read_segment_file(folder, partition, base, ".txnindex", &size);
	cr_assert_eq(size, json_array_size(want) * LS_TXN_ENTRY_SIZE, "%s %" PRId64, partition, base);
	for (size_t i = 0; i < json_array_size(want); i++) {
		const json_t *aborted = json_array_get(want, i);
		struct logstore_txn_entry entry;
		uint8_t p[LS_TXN_ENTRY_SIZE];

		cr_assert_eq(ls_txn_entry_read(bytes + i * sizeof p, &entry, NULL), 0);
		cr_assert_eq(entry.producer_id, number_of(aborted, "producer_id"));
		cr_assert_eq(entry.first_offset, number_of(aborted, "first"));
		cr_assert_eq(entry.last_offset, number_of(aborted, "last"));
		cr_assert_eq(entry.last_stable_offset, number_of(aborted, "last_stable_offset"));
		ls_txn_entry_write(p, &entry);
		cr_assert_arr_eq(p, bytes + i * sizeof p, sizeof p);
	}
	free(bytes);
	return json_array_size(want);
}

/* Every entry is what Kafka's classes see after loading, and is written back byte for byte. */
Test(index_entry, entries_are_those_that_kafka_sees)
{
	static const char *const folders[] = {"plain", "transactions"};
	size_t offsets = 0, times = 0, aborted = 0;

	for (size_t i = 0; i < 2; i++) {
		char path[64], *line = NULL;
		size_t capacity = 0;
		FILE *f;

		snprintf(path, sizeof path, "kafka/%s/expected/state.jsonl", folders[i]);
		f = fopen(ts_data(path), "r");
		cr_assert(f);
		while (getline(&line, &capacity, f) > 0) {
			json_t *state = json_loads(line, 0, NULL), *segment;
			const char *partition = json_string_value(json_object_get(state, "partition"));
			size_t index;

			json_array_foreach(json_object_get(state, "segments"), index, segment)
			{
				offsets += compare_offset_index(folders[i], partition, segment);
				times += compare_time_index(folders[i], partition, segment);
				aborted += compare_txn_index(folders[i], partition, segment);
			}
			json_decref(state);
		}
		free(line);
		fclose(f);
	}
	cr_assert(offsets > 300 && times > 300 && aborted > 30, "%zu %zu %zu", offsets, times, aborted);
}
