/* Names of files and directories: those Kafka makes, those it trips over, and all of the test data. */
#include <criterion/criterion.h>

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/names.h"
#include "testlib.h"

TestSuite(names, .fini = ts_check_leaks);

Test(names, topics)
{
	static const char *const bad[] = {
		"",    ".",   "..",       "a b", "a/b", "a\\b", "a:b",  "a,b",
		"a\n", "a\t", "\xc3\xa4", "a+b", "a*",  "../a", "a%00",
	};
	static const char *const good[] = {"a",  "A.b_c-9", "...", "-", "_", "0", "__consumer_offsets",
	                                   ".a", "a.."};
	char longest[LOGSTORE_TOPIC_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert(!ls_topic_valid(bad[i]), "%s", bad[i]);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert(ls_topic_valid(good[i]), "%s", good[i]);
	memset(longest, 'x', sizeof longest);
	longest[LOGSTORE_TOPIC_NAME_MAX] = '\0';
	cr_assert(ls_topic_valid(longest), "249 characters");
	longest[LOGSTORE_TOPIC_NAME_MAX] = 'x';
	longest[LOGSTORE_TOPIC_NAME_MAX + 1] = '\0';
	cr_assert(!ls_topic_valid(longest), "250 characters");
	for (int c = 1; c < 256; c++) {
		char topic[2] = {(char)c, '\0'};
		bool want = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		            c == '_' || c == '-';

		cr_assert_eq(ls_topic_valid(topic), want, "%d", c);
	}
}

Test(names, partition_directories_are_written)
{
	char name[LS_DIRECTORY_NAME_MAX], topic[LOGSTORE_TOPIC_NAME_MAX + 1];

	cr_assert_eq(ls_partition_directory_name(name, "orders", 7), 8);
	cr_assert_str_eq(name, "orders-7");
	cr_assert_eq(ls_partition_directory_name(name, "a-b", INT32_MAX), 14);
	cr_assert_str_eq(name, "a-b-2147483647");
	memset(topic, 'x', LOGSTORE_TOPIC_NAME_MAX);
	topic[LOGSTORE_TOPIC_NAME_MAX] = '\0';
	cr_assert_eq(ls_partition_directory_name(name, topic, 99999), 255, "as long as a file name may be");
	strcpy(name, "untouched");
	cr_assert_eq(ls_partition_directory_name(name, topic, 100000), -1);
	cr_assert_str_eq(name, "untouched");
}

#define HEX "0123456789abcdef0123456789abcdef"

Test(names, directories)
{
	static const struct {
		const char *name;
		enum ls_directory_kind kind;
		const char *topic;
		int32_t partition;
	} cases[] = {
		{"orders-0", LS_DIRECTORY_PARTITION, "orders", 0},
		{"a-b-12", LS_DIRECTORY_PARTITION, "a-b", 12},
		{"a--1", LS_DIRECTORY_PARTITION, "a-", 1},
		{"--1", LS_DIRECTORY_PARTITION, "-", 1},
		{"a-+1", LS_DIRECTORY_PARTITION, "a", 1},
		{"a-007", LS_DIRECTORY_PARTITION, "a", 7},
		{"a.b-2147483647", LS_DIRECTORY_PARTITION, "a.b", INT32_MAX},
		{"__cluster_metadata-0", LS_DIRECTORY_PARTITION, "__cluster_metadata", 0},
		{"remote-log-index-cache-0", LS_DIRECTORY_PARTITION, "remote-log-index-cache", 0},
		{"calm-0." HEX "-delete", LS_DIRECTORY_DELETE, "calm", 0},
		{"calm-0." HEX "-future", LS_DIRECTORY_FUTURE, "calm", 0},
		{"old-7." HEX "-stray", LS_DIRECTORY_STRAY, "old", 7},
		{"a.b-c-3." HEX "-delete", LS_DIRECTORY_DELETE, "a.b-c", 3},
		{"a-3.x-delete", LS_DIRECTORY_DELETE, "a", 3},
		{"a-3.x-y-delete", LS_DIRECTORY_DELETE, "a", 3},
		{"a-delete-3", LS_DIRECTORY_PARTITION, "a-delete", 3},
		{"a-delete-3.x-delete", LS_DIRECTORY_DELETE, "a-delete", 3},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum ls_directory_kind kind = LS_DIRECTORY_INTERNAL;
		char topic[LOGSTORE_TOPIC_NAME_MAX + 1] = "";
		int32_t partition = -5;

		cr_assert_eq(ls_directory_name_parse(cases[i].name, &kind, topic, &partition), 0, "%s",
		             cases[i].name);
		cr_assert_eq(kind, cases[i].kind, "%s", cases[i].name);
		cr_assert_str_eq(topic, cases[i].topic, "%s", cases[i].name);
		cr_assert_eq(partition, cases[i].partition, "%s", cases[i].name);
	}
}

Test(names, the_directory_that_is_no_partition)
{
	enum ls_directory_kind kind = LS_DIRECTORY_PARTITION;
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1] = "before";
	int32_t partition = -5;

	cr_assert_eq(ls_directory_name_parse("remote-log-index-cache", &kind, topic, &partition), 0);
	cr_assert_eq(kind, LS_DIRECTORY_INTERNAL);
	cr_assert_str_eq(topic, "before");
	cr_assert_eq(partition, -5);
}

Test(names, what_is_no_directory_of_kafka)
{
	static const char *const bad[] = {
		"",
		"lost+found",
		"orders",
		"-0",
		"orders-",
		"orders-x",
		"orders-1x",
		"orders- 1",
		"orders-1 ",
		"orders-2147483648",
		"a b-0",
		"a/b-0",
		".-0",
		"..-0",
		".hidden",
		"remote-log-index-cachE",
		/* Marked, but not in the form that a mark needs. */
		"orders-delete",
		"orders-0-delete",
		"orders.x-delete",
		"-0.x-delete",
		"orders-.x-delete",
		"orders-0.-delete",
		"orders-0.x -delete",
		"orders-0. x-delete",
		"orders-a.x-delete",
		"orders-0.x.y-delete", /* what is before the last dot has no number at its end */
		"-delete",
		".-delete",
		"orders-0-future",
		"orders-0-stray",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enum ls_directory_kind kind = LS_DIRECTORY_STRAY;
		char topic[LOGSTORE_TOPIC_NAME_MAX + 1] = "before";
		int32_t partition = -5;

		cr_assert_eq(ls_directory_name_parse(bad[i], &kind, topic, &partition),
		             LOGSTORE_E_INVALID_NAME, "%s", bad[i]);
		cr_assert(kind == LS_DIRECTORY_STRAY && strcmp(topic, "before") == 0 && partition == -5);
	}
}

Test(names, long_directory_names)
{
	enum ls_directory_kind kind;
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1] = "";
	char name[LOGSTORE_TOPIC_NAME_MAX + 4];
	int32_t partition = -5;

	memset(name, 'x', sizeof name);
	memcpy(name + LOGSTORE_TOPIC_NAME_MAX, "-1", 3);
	cr_assert_eq(ls_directory_name_parse(name, &kind, topic, &partition), 0);
	cr_assert_eq(strlen(topic), LOGSTORE_TOPIC_NAME_MAX);
	name[LOGSTORE_TOPIC_NAME_MAX] = 'x';
	memcpy(name + LOGSTORE_TOPIC_NAME_MAX + 1, "-1", 3);
	cr_assert_eq(ls_directory_name_parse(name, &kind, topic, &partition), LOGSTORE_E_INVALID_NAME);
}

Test(names, files_are_written)
{
	char name[LS_FILE_NAME_MAX];

	ls_file_name(name, 42, ".log");
	cr_assert_str_eq(name, "00000000000000000042.log");
	ls_file_name(name, 0, ".timeindex.deleted");
	cr_assert_str_eq(name, "00000000000000000000.timeindex.deleted");
	ls_file_name(name, INT64_MAX, ".snapshot");
	cr_assert_str_eq(name, "09223372036854775807.snapshot");
}

Test(names, a_file_of_a_negative_offset_is_a_bug, .signal = SIGABRT)
{
	char name[LS_FILE_NAME_MAX];

	ls_file_name(name, -1, ".log");
}

Test(names, files)
{
	static const struct {
		const char *name;
		enum logstore_file_kind kind;
		int64_t base_offset;
		const char *suffix;
	} cases[] = {
		{"00000000000000000042.log", LOGSTORE_FILE_LOG, 42, ""},
		{"00000000000000000042.index", LOGSTORE_FILE_OFFSET_INDEX, 42, ""},
		{"00000000000000000042.timeindex", LOGSTORE_FILE_TIME_INDEX, 42, ""},
		{"00000000000000000042.txnindex", LOGSTORE_FILE_TXN_INDEX, 42, ""},
		{"00000000000000000042.snapshot", LOGSTORE_FILE_SNAPSHOT, 42, ""},
		{"09223372036854775807.log", LOGSTORE_FILE_LOG, INT64_MAX, ""},
		/* The stem is what stands before the first dot, as a number. */
		{"5.log", LOGSTORE_FILE_LOG, 5, ""},
		{"+5.log", LOGSTORE_FILE_LOG, 5, ""},
		{"-0.log", LOGSTORE_FILE_LOG, 0, ""},
		{"5.foo.log", LOGSTORE_FILE_LOG, 5, ""},
		{"5..log", LOGSTORE_FILE_LOG, 5, ""},
		{"0000000000000000000000000000000000000007.index", LOGSTORE_FILE_OFFSET_INDEX, 7, ""},
		/* On the way in or out. */
		{"00000000000000000042.log.deleted", LOGSTORE_FILE_LOG, 42, ".deleted"},
		{"00000000000000000042.index.cleaned", LOGSTORE_FILE_OFFSET_INDEX, 42, ".cleaned"},
		{"00000000000000000042.timeindex.swap", LOGSTORE_FILE_TIME_INDEX, 42, ".swap"},
		{"00000000000000000042.txnindex.swap", LOGSTORE_FILE_TXN_INDEX, 42, ".swap"},
		{"00000000000000000042.snapshot.deleted", LOGSTORE_FILE_SNAPSHOT, 42, ".deleted"},
		{"5.swap", LOGSTORE_FILE_UNKNOWN, 5, ".swap"},
		{"5.foo.cleaned", LOGSTORE_FILE_UNKNOWN, 5, ".cleaned"},
		{"5.log.deleted.swap", LOGSTORE_FILE_UNKNOWN, 5, ".swap"},
		/* KRaft. */
		{"00000000000000000123-0000000001.checkpoint", LOGSTORE_FILE_LOG, 123, ""},
		{"00000000000000000123-0000000001.checkpoint.part", LOGSTORE_FILE_LOG, 123, ".part"},
		{"00000000000000000123-2147483647.checkpoint.deleted", LOGSTORE_FILE_LOG, 123, ".deleted"},
		{"bootstrap.checkpoint", LOGSTORE_FILE_LOG, -1, ""},
		{"quorum-state", LOGSTORE_FILE_JSON, -1, ""},
		/* By their whole name. */
		{"leader-epoch-checkpoint", LOGSTORE_FILE_EPOCHS, -1, ""},
		{"recovery-point-offset-checkpoint", LOGSTORE_FILE_OFFSETS, -1, ""},
		{"log-start-offset-checkpoint", LOGSTORE_FILE_OFFSETS, -1, ""},
		{"replication-offset-checkpoint", LOGSTORE_FILE_OFFSETS, -1, ""},
		{"cleaner-offset-checkpoint", LOGSTORE_FILE_OFFSETS, -1, ""},
		{"partition.metadata", LOGSTORE_FILE_PROPERTIES, -1, ""},
		{"meta.properties", LOGSTORE_FILE_PROPERTIES, -1, ""},
		{"logstore-config", LOGSTORE_FILE_PROPERTIES, -1, ""},
		{".kafka_cleanshutdown", LOGSTORE_FILE_CLEAN_SHUTDOWN, -1, ""},
		/* Kafka ignores these. */
		{"", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{".", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"..", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{".lock", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"log", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"42", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"notes.txt", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"42.sidecar", LOGSTORE_FILE_UNKNOWN, 42, ""},
		{"42.LOG", LOGSTORE_FILE_UNKNOWN, 42, ""},
		{"00000000000000000042.log.tmp", LOGSTORE_FILE_UNKNOWN, 42, ""},
		{"partition.metadata.tmp", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"leader-epoch-checkpoint.tmp", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"logstore-times", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"logstore-durable", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"logstore-aside-5-1", LOGSTORE_FILE_UNKNOWN, -1, ""},
		{"logstore-config.tmp", LOGSTORE_FILE_UNKNOWN, -1, ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_file_name name;

		cr_assert_eq(ls_file_name_parse(cases[i].name, &name), 0, "%s", cases[i].name);
		cr_assert_eq(name.kind, cases[i].kind, "%s", cases[i].name);
		cr_assert_eq(name.base_offset, cases[i].base_offset, "%s", cases[i].name);
		cr_assert_str_eq(name.suffix, cases[i].suffix, "%s", cases[i].name);
	}
}

/* Endings of Kafka behind a stem that is no offset: the loader fails. The kind is known all the same. */
Test(names, files_that_kafka_trips_over)
{
	static const struct {
		const char *name;
		enum logstore_file_kind kind;
		const char *suffix;
	} cases[] = {
		{"abc.log", LOGSTORE_FILE_LOG, ""},
		{".log", LOGSTORE_FILE_LOG, ""},
		{"+.log", LOGSTORE_FILE_LOG, ""},
		{"-.log", LOGSTORE_FILE_LOG, ""},
		{"5 .log", LOGSTORE_FILE_LOG, ""},
		{" 5.log", LOGSTORE_FILE_LOG, ""},
		{"5x.log", LOGSTORE_FILE_LOG, ""},
		{"0x5.log", LOGSTORE_FILE_LOG, ""},
		{"-1.log", LOGSTORE_FILE_LOG, ""},
		{"-5.log", LOGSTORE_FILE_LOG, ""},
		{"09223372036854775808.log", LOGSTORE_FILE_LOG, ""},
		{"99999999999999999999.log", LOGSTORE_FILE_LOG, ""},
		{"abc.index", LOGSTORE_FILE_OFFSET_INDEX, ""},
		{"abc.timeindex", LOGSTORE_FILE_TIME_INDEX, ""},
		{"abc.txnindex", LOGSTORE_FILE_TXN_INDEX, ""},
		{"abc.snapshot", LOGSTORE_FILE_SNAPSHOT, ""},
		{"logstore-x.snapshot", LOGSTORE_FILE_SNAPSHOT, ""},
		{"abc.log.deleted", LOGSTORE_FILE_LOG, ".deleted"},
		{"abc.deleted", LOGSTORE_FILE_UNKNOWN, ".deleted"},
		{"abc.cleaned", LOGSTORE_FILE_UNKNOWN, ".cleaned"},
		{"abc.swap", LOGSTORE_FILE_UNKNOWN, ".swap"},
		{"partition.metadata.swap", LOGSTORE_FILE_UNKNOWN, ".swap"},
		{"abc.checkpoint", LOGSTORE_FILE_LOG, ""},
		{".checkpoint", LOGSTORE_FILE_LOG, ""},
		{"5.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"00000000000000000123.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"0000000000000000123-0000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"00000000000000000123-000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"00000000000000000123_0000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"0000000000000000012x-0000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"+0000000000000000123-0000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"00000000000000000123-+000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"09223372036854775808-0000000001.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"00000000000000000123-2147483648.checkpoint", LOGSTORE_FILE_LOG, ""},
		{"x.checkpoint.part", LOGSTORE_FILE_LOG, ".part"},
		{"x.checkpoint.deleted", LOGSTORE_FILE_LOG, ".deleted"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_file_name name;

		cr_assert_eq(ls_file_name_parse(cases[i].name, &name), LOGSTORE_E_INVALID_NAME, "%s",
		             cases[i].name);
		cr_assert_eq(name.kind, cases[i].kind, "%s", cases[i].name);
		cr_assert_eq(name.base_offset, LOGSTORE_NO_OFFSET, "%s", cases[i].name);
		cr_assert_str_eq(name.suffix, cases[i].suffix, "%s", cases[i].name);
	}
}

Test(names, written_names_are_read_back)
{
	static const char *const endings[] = {".log", ".index", ".timeindex", ".txnindex", ".snapshot"};
	static const char *const suffixes[] = {"", ".deleted", ".cleaned", ".swap"};
	struct ts_rng rng;

	ts_rng_init(&rng, 40);
	for (int i = 0; i < 10000; i++) {
		int64_t offset = (int64_t)(ts_rng_next(&rng) >> (1 + ts_rng_below(&rng, 63)));
		size_t kind = ts_rng_below(&rng, 5), suffix = ts_rng_below(&rng, 4);
		char ending[40], name[LS_FILE_NAME_MAX];
		struct logstore_file_name parsed;

		snprintf(ending, sizeof ending, "%s%s", endings[kind], suffixes[suffix]);
		ls_file_name(name, offset, ending);
		cr_assert_eq(ls_file_name_parse(name, &parsed), 0, "%s", name);
		cr_assert_eq(parsed.kind, (enum logstore_file_kind)(LOGSTORE_FILE_LOG + (int)kind), "%s",
		             name);
		cr_assert_eq(parsed.base_offset, offset, "%s", name);
		cr_assert_str_eq(parsed.suffix, suffixes[suffix], "%s", name);
	}
}

Test(names, written_directories_are_read_back)
{
	static const char characters[] = "abcXYZ019._-";
	struct ts_rng rng;

	ts_rng_init(&rng, 41);
	for (int i = 0; i < 10000; i++) {
		char topic[LOGSTORE_TOPIC_NAME_MAX + 1], back[LOGSTORE_TOPIC_NAME_MAX + 1];
		char name[LS_DIRECTORY_NAME_MAX];
		size_t length = 1 + ts_rng_below(&rng, 20);
		int32_t partition = (int32_t)(ts_rng_next(&rng) >> (33 + ts_rng_below(&rng, 31)));
		int32_t number = -1;
		enum ls_directory_kind kind;

		for (size_t c = 0; c < length; c++)
			topic[c] = characters[ts_rng_below(&rng, sizeof characters - 1)];
		topic[length] = '\0';
		if (!ls_topic_valid(topic))
			continue;
		cr_assert_gt(ls_partition_directory_name(name, topic, partition), 0);
		cr_assert_eq(ls_directory_name_parse(name, &kind, back, &number), 0, "%s", name);
		cr_assert_eq(kind, LS_DIRECTORY_PARTITION);
		cr_assert_str_eq(back, topic);
		cr_assert_eq(number, partition);
	}
}

/* ---- Kafka's directories ---------------------------------------------------------------------------- */

static struct {
	size_t root_length;
	size_t files;
	size_t directories;
	size_t bad_files;
} walk;

static bool ends_with(const char *text, const char *ending)
{
	return strlen(text) >= strlen(ending) && strcmp(text + strlen(text) - strlen(ending), ending) == 0;
}

static void visit_file(const char *path, int base)
{
	struct logstore_file_name name;
	int r = ls_file_name_parse(path + base, &name);

	walk.files++;
	if (strcmp(path + walk.root_length, "recovery/bad-stem-log/logs/rec-0/abc.log") == 0 ||
	    strcmp(path + walk.root_length, "recovery/leftover-deleted/logs/rec-0/anything.deleted") == 0) {
		cr_assert_eq(r, LOGSTORE_E_INVALID_NAME);
		walk.bad_files++;
		return;
	}
	cr_assert_eq(r, 0, "%s", path);
	/* All of Kafka's own names are known; what was strewn in is not. */
	cr_assert_eq(name.kind == LOGSTORE_FILE_UNKNOWN,
	             ends_with(path, ".tmp") || ends_with(path, ".sidecar") || ends_with(path, "/notes.txt"),
	             "%s", path);
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	enum ls_directory_kind kind;
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	int32_t partition;
	const char *slash;
	int r;

	(void)st;
	if (flag == FTW_F && strstr(path, "/logs/")) {
		visit_file(path, ftw->base);
		return 0;
	}
	slash = flag == FTW_D ? strstr(path, "/logs/") : NULL;
	if (!slash || strchr(slash + 6, '/'))
		return 0;
	walk.directories++;
	r = ls_directory_name_parse(path + ftw->base, &kind, topic, &partition);
	cr_assert_eq(r, 0, "%s", path);
	if (ends_with(path, "-delete"))
		cr_assert(kind == LS_DIRECTORY_DELETE && strcmp(topic, "calm") == 0 && partition == 0);
	else if (ends_with(path, "-stray"))
		cr_assert(kind == LS_DIRECTORY_STRAY && strcmp(topic, "old") == 0 && partition == 7);
	else
		cr_assert_eq(kind, LS_DIRECTORY_PARTITION, "%s", path);
	return 0;
}

Test(names, every_name_of_kafka)
{
	const char *root = ts_data("kafka");

	walk.root_length = strlen(root) + 1;
	cr_assert_eq(nftw(root, visit, 16, FTW_PHYS), 0);
	cr_assert_gt(walk.files, 2000);
	cr_assert_gt(walk.directories, 100);
	cr_assert_eq(walk.bad_files, 2);
}
