/* Offset and epoch checkpoints: odd forms that Java reads, each kind of damage, and all that Kafka wrote. */
#include <criterion/criterion.h>

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/checkpoint.h"
#include "format/names.h"
#include "testlib.h"

TestSuite(checkpoint, .fini = ts_check_leaks);

#define ENTRIES_MAX 64

/* What was delivered. */
struct seen {
	size_t count;
	int stop_at; /* entry, from 1, at which the callback ends the walk; 0: never */
	int stop_code;
	struct {
		uint64_t line;
		char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
		int32_t number; /* partition or epoch */
		int64_t offset;
	} entries[ENTRIES_MAX];
};

static int take_offset(void *arg, uint64_t line, const char *topic, int32_t partition, int64_t offset)
{
	struct seen *seen = arg;

	cr_assert_lt(seen->count, ENTRIES_MAX);
	seen->entries[seen->count].line = line;
	strcpy(seen->entries[seen->count].topic, topic);
	seen->entries[seen->count].number = partition;
	seen->entries[seen->count].offset = offset;
	seen->count++;
	return seen->stop_at && seen->count == (size_t)seen->stop_at ? seen->stop_code : 0;
}

static int take_epoch(void *arg, uint64_t line, int32_t epoch, int64_t start_offset)
{
	return take_offset(arg, line, "", epoch, start_offset);
}

/* Parses a copy that ends exactly where the text ends, so that reading past it is seen. */
static int parse(bool epochs, const char *text, size_t size, struct seen *seen, struct logstore_error *err)
{
	char *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, text, size);
	if (epochs)
		r = ls_epoch_checkpoint_parse(copy, size, take_epoch, seen, err);
	else
		r = ls_offset_checkpoint_parse(copy, size, take_offset, seen, err);
	free(copy);
	return r;
}

static int parse_offsets(const char *text, struct seen *ret_seen, struct logstore_error *err)
{
	memset(ret_seen, 0, sizeof *ret_seen);
	return parse(false, text, strlen(text), ret_seen, err);
}

static int parse_epochs(const char *text, struct seen *ret_seen, struct logstore_error *err)
{
	memset(ret_seen, 0, sizeof *ret_seen);
	return parse(true, text, strlen(text), ret_seen, err);
}

Test(checkpoint, offsets)
{
	struct logstore_error err = {.code = 77};
	struct seen seen;

	cr_assert_eq(parse_offsets("0\n3\nrec 0 43\na-b.c_d 2147483647 9223372036854775807\nx 5 -1\n", &seen,
	                           &err),
	             0);
	cr_assert_eq(seen.count, 3);
	cr_assert_str_eq(seen.entries[0].topic, "rec");
	cr_assert(seen.entries[0].line == 3 && seen.entries[0].number == 0 && seen.entries[0].offset == 43);
	cr_assert_str_eq(seen.entries[1].topic, "a-b.c_d");
	cr_assert(seen.entries[1].line == 4 && seen.entries[1].number == INT32_MAX);
	cr_assert_eq(seen.entries[1].offset, INT64_MAX);
	cr_assert(seen.entries[2].line == 5 && seen.entries[2].offset == -1,
	          "any int64 is an offset to Kafka");
	cr_assert_eq(err.code, 77, "success leaves the error alone");
}

Test(checkpoint, epochs)
{
	struct seen seen;

	cr_assert_eq(parse_epochs("0\n2\n0 0\n2147483647 9223372036854775807\n", &seen, NULL), 0);
	cr_assert_eq(seen.count, 2);
	cr_assert(seen.entries[0].line == 3 && seen.entries[0].number == 0 && seen.entries[0].offset == 0);
	cr_assert(seen.entries[1].line == 4 && seen.entries[1].number == INT32_MAX);
	cr_assert_eq(seen.entries[1].offset, INT64_MAX);
}

Test(checkpoint, forms_of_nothing)
{
	static const char *const texts[] = {"",     "0",      "0\n",      "0\r\n",  "0\r",
	                                    "0\n0", "0\n0\n", "+0\n-0\n", "000\n00"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct seen seen;

		cr_assert_eq(parse_offsets(texts[i], &seen, NULL), 0, "case %zu", i);
		cr_assert_eq(seen.count, 0);
		cr_assert_eq(parse_epochs(texts[i], &seen, NULL), 0, "case %zu", i);
		cr_assert_eq(seen.count, 0);
	}
}

/* What Java's reader, split and number parsing let pass. */
Test(checkpoint, odd_but_accepted)
{
	static const char *const texts[] = {
		"0\n1\na 1 2\n",       "0\n1\na 1 2",
		"0\r\n1\r\na 1 2\r\n", "0\r1\ra 1 2\r",
		"0\n1\r\na 1 2",       "0\n1\na \t 1\v\f2 \t\n",
		"0\n1\na +1 +2\n",     "+0\n+1\na 0000000000000001 02\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct seen seen;

		cr_assert_eq(parse_offsets(texts[i], &seen, NULL), 0, "case %zu", i);
		cr_assert_eq(seen.count, 1);
		cr_assert_str_eq(seen.entries[0].topic, "a");
		cr_assert(seen.entries[0].line == 3 && seen.entries[0].number == 1 &&
		          seen.entries[0].offset == 2);
	}
}

struct damage {
	const char *text;
	uint64_t line;
	size_t delivered;
	const char *words; /* of the message */
};

static void assert_damage(bool epochs, const struct damage *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct logstore_error err;
		struct seen seen = {0};
		int r = parse(epochs, cases[i].text, strlen(cases[i].text), &seen, &err);

		cr_assert_eq(r, LOGSTORE_E_CORRUPT_FILE, "%s", cases[i].text);
		cr_assert_eq(err.code, LOGSTORE_E_CORRUPT_FILE);
		cr_assert_eq(err.position, (int64_t)cases[i].line, "%s: %s", cases[i].text, err.text);
		cr_assert(strstr(err.text, cases[i].words), "%s: %s", cases[i].text, err.text);
		cr_assert_eq(seen.count, cases[i].delivered, "%s", cases[i].text);
	}
}

Test(checkpoint, damaged_heads)
{
	static const struct damage cases[] = {
		{"\n", 1, 0, "version"},
		{" 0\n0\n", 1, 0, "version"},
		{"0 \n0\n", 1, 0, "version"},
		{"x\n0\n", 1, 0, "version"},
		{"-\n0\n", 1, 0, "version"},
		{"0x0\n0\n", 1, 0, "version"},
		{"2147483648\n0\n", 1, 0, "version"},
		{"0\n\n", 2, 0, "number of entries"},
		{"0\nx\n", 2, 0, "number of entries"},
		{"0\n 1\na 1 2\n", 2, 0, "number of entries"},
		{"0\n1 \na 1 2\n", 2, 0, "number of entries"},
		{"0\n-1\n", 2, 0, "number of entries"},
		{"0\n2147483648\n", 2, 0, "number of entries"},
		{"0\n2147483647\n", 3, 0, "ends before"},
		{"0\n1\n", 3, 0, "ends before"},
		{"0\n1", 3, 0, "ends before"},
	};

	assert_damage(false, cases, sizeof cases / sizeof *cases);
	assert_damage(true, cases, sizeof cases / sizeof *cases);
}

Test(checkpoint, damaged_offsets)
{
	static const struct damage cases[] = {
		{"0\n2\na 1 2\n", 4, 1, "ends before"},
		{"0\n1\na 1 2\nb 1 2\n", 4, 1, "more entries"},
		{"0\n0\na 1 2\n", 3, 0, "more entries"},
		{"0\n1\na 1 2\n\n", 4, 1, "more entries"},
		{"0\n2\na 1 2\n\n", 4, 1, "a topic, a partition and an offset"},
		{"0\n1\na 1\n", 3, 0, "a topic, a partition and an offset"},
		{"0\n1\na\n", 3, 0, "a topic, a partition and an offset"},
		{"0\n1\na 1 2 3\n", 3, 0, "a topic, a partition and an offset"},
		{"0\n1\n a 1 2\n", 3, 0, "a topic, a partition and an offset"},
		{"0\n1\n   \n", 3, 0, "a topic, a partition and an offset"},
		{"0\n1\n 1 2\n", 3, 0, "topic"},
		{"0\n1\na/b 1 2\n", 3, 0, "grammar"},
		{"0\n1\n.. 1 2\n", 3, 0, "grammar"},
		{"0\n1\n\xc3\xa4 1 2\n", 3, 0, "grammar"},
		{"0\n1\na x 2\n", 3, 0, "partition"},
		{"0\n1\na -1 2\n", 3, 0, "partition"},
		{"0\n1\na 2147483648 2\n", 3, 0, "partition"},
		{"0\n1\na 1.0 2\n", 3, 0, "partition"},
		{"0\n1\na 1 many\n", 3, 0, "offset"},
		{"0\n1\na 1 -\n", 3, 0, "offset"},
		{"0\n1\na 1 9223372036854775808\n", 3, 0, "offset"},
		{"0\n1\na 1 -9223372036854775809\n", 3, 0, "offset"},
		{"0\n1\na 1 2L\n", 3, 0, "offset"},
	};

	assert_damage(false, cases, sizeof cases / sizeof *cases);
}

Test(checkpoint, damaged_epochs)
{
	static const struct damage cases[] = {
		{"0\n1\n1\n", 3, 0, "an epoch and a start offset"},
		{"0\n1\n1 2 3\n", 3, 0, "an epoch and a start offset"},
		{"0\n1\n 1 2\n", 3, 0, "an epoch and a start offset"},
		{"0\n1\n\n", 3, 0, "an epoch and a start offset"},
		{"0\n1\nx 2\n", 3, 0, "epoch"},
		{"0\n1\n-1 2\n", 3, 0, "epoch"},
		{"0\n1\n2147483648 2\n", 3, 0, "epoch"},
		{"0\n1\n1 x\n", 3, 0, "start offset"},
		{"0\n1\n1 -1\n", 3, 0, "start offset"},
		{"0\n1\n1 9223372036854775808\n", 3, 0, "start offset"},
		{"0\n2\n1 2\n1 3\n", 4, 1, "epoch is not above"},
		{"0\n2\n1 2\n0 3\n", 4, 1, "epoch is not above"},
		{"0\n2\n1 2\n2 2\n", 4, 1, "start offset is not above"},
		{"0\n3\n1 2\n2 3\n3 1\n", 5, 2, "start offset is not above"},
	};

	assert_damage(true, cases, sizeof cases / sizeof *cases);
}

Test(checkpoint, other_versions)
{
	static const char *const texts[] = {"1\n0\n", "-1\n0\n", "2147483647\n", "1"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct logstore_error err;
		struct seen seen;

		cr_assert_eq(parse_offsets(texts[i], &seen, &err), LOGSTORE_E_UNSUPPORTED_VERSION);
		cr_assert_eq(err.position, 1);
		cr_assert_eq(parse_epochs(texts[i], &seen, &err), LOGSTORE_E_UNSUPPORTED_VERSION);
		cr_assert_eq(err.position, 1);
	}
}

Test(checkpoint, nul_bytes_and_long_lines)
{
	char text[2048] = "0\n1\n";
	struct logstore_error err;
	struct seen seen = {0};
	size_t size;

	cr_assert_eq(parse(false, "0\n1\na\0b 1 2\n", 12, &seen, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert(err.position == 3 && strstr(err.text, "NUL"), "%s", err.text);
	cr_assert_eq(parse(false, "\0\0\0\0", 4, &seen, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 1);
	cr_assert_eq(parse(true, "0\n0\n\0", 5, &seen, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 3);

	memset(text + 4, 'x', LOGSTORE_TOPIC_NAME_MAX);
	strcpy(text + 4 + LOGSTORE_TOPIC_NAME_MAX, " 1 2\n");
	cr_assert_eq(parse(false, text, strlen(text), &seen, &err), 0, "the longest topic");
	memset(text + 4, 'x', LOGSTORE_TOPIC_NAME_MAX + 1);
	strcpy(text + 5 + LOGSTORE_TOPIC_NAME_MAX, " 1 2\n");
	cr_assert_eq(parse(false, text, strlen(text), &seen, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert(err.position == 3 && strstr(err.text, "too long"), "%s", err.text);

	/* 1024 bytes are a line, 1025 are not. */
	for (size = 1024; size <= 1025; size++) {
		memset(text, ' ', sizeof text);
		memcpy(text, "0\n1\na 1 2", 9);
		text[4 + size] = '\n';
		cr_assert_eq(parse(false, text, 5 + size, &seen, &err),
		             size > 1024 ? LOGSTORE_E_CORRUPT_FILE : 0);
	}
	cr_assert(err.position == 3 && strstr(err.text, "too long"), "%s", err.text);
}

Test(checkpoint, the_callback_ends_the_walk)
{
	struct logstore_error err = {.code = 77};
	struct seen seen = {.stop_at = 2, .stop_code = -ECANCELED};

	cr_assert_eq(parse(false, "0\n3\na 1 2\nb 1 2\nc x y\n", 22, &seen, &err), -ECANCELED);
	cr_assert_eq(seen.count, 2);
	seen = (struct seen){.stop_at = 1, .stop_code = 5};
	cr_assert_eq(parse(true, "0\n2\n1 2\n2 3\n", 12, &seen, &err), 5, "positive results too");
	cr_assert_eq(seen.count, 1);
	cr_assert_eq(err.code, 77);
}

/* Every prefix of a file is either whole or found to be cut; nothing is delivered twice or made up. */
Test(checkpoint, every_truncation)
{
	static const char text[] = "0\n3\nrec 0 43\nrectx 0 45\ncalm 0 0\n";

	for (size_t size = 0; size < sizeof text - 1; size++) {
		struct logstore_error err;
		struct seen seen = {0};
		/* Without its very end the file is the same; within its last number it cannot be told. */
		bool whole = size <= 2 || size >= sizeof text - 2;
		int r = parse(false, text, size, &seen, &err);

		cr_assert_eq(r, whole ? 0 : LOGSTORE_E_CORRUPT_FILE, "%zu", size);
		cr_assert_leq(seen.count, 3);
	}
}

static void write_entries(struct ls_buf *out, const struct seen *seen, bool epochs)
{
	cr_assert_eq(ls_checkpoint_write_head(out, seen->count), 0);
	for (size_t i = 0; i < seen->count; i++) {
		long long offset = seen->entries[i].offset;
		int number = seen->entries[i].number;

		if (epochs)
			cr_assert_eq(ls_buf_printf(out, "%d %lld\n", number, offset), 0);
		else
			cr_assert_eq(
				ls_buf_printf(out, "%s %d %lld\n", seen->entries[i].topic, number, offset),
				0);
	}
}

static void assert_written_back(const struct seen *seen, bool epochs)
{
	struct seen again = {0};
	struct ts_alloc alloc;
	struct ls_buf out;

	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	write_entries(&out, seen, epochs);
	cr_assert_eq(parse(epochs, (const char *)out.data, out.size, &again, NULL), 0);
	cr_assert_eq(again.count, seen->count);
	for (size_t i = 0; i < seen->count; i++) {
		cr_assert_str_eq(again.entries[i].topic, seen->entries[i].topic);
		cr_assert_eq(again.entries[i].number, seen->entries[i].number);
		cr_assert_eq(again.entries[i].offset, seen->entries[i].offset);
	}
	ls_buf_fini(&out);
}

Test(checkpoint, round_trips)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 50);
	for (int i = 0; i < 2000; i++) {
		struct seen offsets = {.count = ts_rng_below(&rng, ENTRIES_MAX)},
			    epochs = {.count = offsets.count};

		for (size_t e = 0; e < offsets.count; e++) {
			snprintf(offsets.entries[e].topic, 32, "t-%" PRIu64, ts_rng_below(&rng, 1000));
			offsets.entries[e].number = (int32_t)ts_rng_below(&rng, INT64_C(1) << 31);
			offsets.entries[e].offset = (int64_t)(ts_rng_next(&rng) >> 1);
			epochs.entries[e].number = (int32_t)(e * 1000 + ts_rng_below(&rng, 1000));
			epochs.entries[e].offset = (int64_t)(e * 100000 + ts_rng_below(&rng, 100000));
		}
		assert_written_back(&offsets, false);
		assert_written_back(&epochs, true);
	}
}

Test(checkpoint, head_bytes_and_allocation_failure)
{
	struct ts_alloc alloc;
	struct ls_buf out;

	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_checkpoint_write_head(&out, 12), 0);
	cr_assert_eq(out.size, 5);
	cr_assert_arr_eq(out.data, "0\n12\n", 5);
	ls_buf_fini(&out);
	ts_alloc_init(&alloc);
	alloc.fail_at = 1;
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_checkpoint_write_head(&out, 12), -ENOMEM);
	cr_assert_eq(out.size, 0);
	ls_buf_fini(&out);
}

Test(checkpoint, more_entries_than_java_can_count_are_a_bug, .signal = SIGABRT)
{
	struct ts_alloc alloc;
	struct ls_buf out;

	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	(void)ls_checkpoint_write_head(&out, (size_t)INT32_MAX + 1);
}

/* ---- Kafka's files ---------------------------------------------------------------------------------- */

static size_t root_length, files, entries, findings;

/* Damaged on purpose. */
static const struct {
	const char *path;
	int64_t line;
} damaged_files[] = {
	{"recovery/bad-number-checkpoint/logs/recovery-point-offset-checkpoint", 3},
	{"recovery/bad-recovery-checkpoint/logs/recovery-point-offset-checkpoint", 4},
};

static int visit(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	struct logstore_file_name name;
	struct logstore_error err;
	struct seen seen = {0};
	int64_t want = 0;
	size_t size;
	uint8_t *bytes;
	int r;

	(void)st;
	if (flag != FTW_F || ls_file_name_parse(path + ftw->base, &name) != 0 ||
	    (name.kind != LOGSTORE_FILE_EPOCHS && name.kind != LOGSTORE_FILE_OFFSETS))
		return 0;
	for (size_t i = 0; i < sizeof damaged_files / sizeof *damaged_files; i++) {
		if (strcmp(path + root_length, damaged_files[i].path) == 0)
			want = damaged_files[i].line;
	}
	bytes = ts_read_file(path, &size);
	r = parse(name.kind == LOGSTORE_FILE_EPOCHS, (const char *)bytes, size, &seen, &err);
	if (want > 0) {
		cr_assert_eq(r, LOGSTORE_E_CORRUPT_FILE, "%s", path);
		cr_assert_eq(err.position, want, "%s", path);
		findings++;
	} else {
		cr_assert_eq(r, 0, "%s: %s", path, err.text);
		assert_written_back(&seen, name.kind == LOGSTORE_FILE_EPOCHS);
	}
	files++;
	entries += seen.count;
	free(bytes);
	return 0;
}

Test(checkpoint, every_file_of_kafka)
{
	const char *root = ts_data("kafka");

	root_length = strlen(root) + 1;
	cr_assert_eq(nftw(root, visit, 16, FTW_PHYS), 0);
	cr_assert_eq(findings, sizeof damaged_files / sizeof *damaged_files);
	cr_assert_gt(files, 600);
	cr_assert_gt(entries, 600);
}

static void compare_epochs(const char *folder, const json_t *state, size_t *compared)
{
	const char *partition = json_string_value(json_object_get(state, "partition"));
	const json_t *want = json_object_get(state, "epochs");
	int64_t log_end = json_integer_value(json_object_get(state, "log_end_offset"));
	struct seen seen = {0};
	char path[256];
	size_t size;
	uint8_t *bytes;

	snprintf(path, sizeof path, "kafka/%s/logs/%s/leader-epoch-checkpoint", folder, partition);
	bytes = ts_read_file(ts_data(path), &size);
	cr_assert_eq(parse(true, (const char *)bytes, size, &seen, NULL), 0, "%s", path);
	/* Loading drops what starts at or above the log end: an epoch without records. */
	while (seen.count > 0 && seen.entries[seen.count - 1].offset >= log_end)
		seen.count--;
	cr_assert_eq(seen.count, json_array_size(want), "%s", path);
	for (size_t i = 0; i < seen.count; i++) {
		const json_t *epoch = json_array_get(want, i);

		cr_assert_eq(seen.entries[i].number, json_integer_value(json_array_get(epoch, 0)));
		cr_assert_eq(seen.entries[i].offset, json_integer_value(json_array_get(epoch, 1)));
		*compared += 1;
	}
	free(bytes);
}

/* Cleanly closed directories: what the files say is what Kafka's classes hold after loading them. */
Test(checkpoint, epochs_are_those_that_kafka_sees)
{
	static const char *const folders[] = {"plain", "transactions", "epochs", "codecs"};
	size_t compared = 0;

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[64], *line = NULL;
		size_t capacity = 0;
		FILE *f;

		snprintf(path, sizeof path, "kafka/%s/expected/state.jsonl", folders[i]);
		f = fopen(ts_data(path), "r");
		cr_assert(f);
		while (getline(&line, &capacity, f) > 0) {
			json_t *state = json_loads(line, 0, NULL);

			compare_epochs(folders[i], state, &compared);
			json_decref(state);
		}
		free(line);
		fclose(f);
	}
	cr_assert_gt(compared, 25);
}
