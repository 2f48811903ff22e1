/*
 * The data directory through the public API, on real files: who may own it, when it is clean, which names
 * there are, what its checkpoints keep, and what stands in the way of closing it.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <logstore/inspect.h>
#include <logstore/logstore.h>

#include "testlib.h"

#define MARKER ".kafka_cleanshutdown"

static char root[256];

static void enter(void)
{
	ts_tempdir(root);
}

static void leave(void)
{
	ts_tempdir_remove(root);
	ts_check_leaks();
}

TestSuite(store, .init = enter, .fini = leave);

/* ---- helpers ------------------------------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
	static char paths[4][2048];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s/%s", root, name);
	return path;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(path_of(name), &st) == 0;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "wb");

	cr_assert_not_null(file, "%s", name);
	cr_assert_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	cr_assert_eq(fclose(file), 0);
}

static void expect_content(const char *name, const char *text)
{
	size_t size;
	char *got = (char *)ts_read_file(path_of(name), &size);

	cr_assert_str_eq(got, text, "%s: %s", name, got);
	free(got);
}

static int open_at(const char *path, bool read_only, logstore **ret_store, struct logstore_error *ret_error)
{
	struct logstore_options options;

	logstore_options_init(&options);
	options.read_only = read_only;
	return logstore_open(path, &options, ret_store, ret_error);
}

static logstore *must_open(bool read_only)
{
	struct logstore_error error;
	logstore *store;
	int r = open_at(root, read_only, &store, &error);

	cr_assert_eq(r, 0, "%s: %s", logstore_error_name(r), error.text);
	return store;
}

static void must_close(logstore *store)
{
	struct logstore_error error;
	int r = logstore_close(store, &error);

	cr_assert_eq(r, 0, "%s: %s", logstore_error_name(r), error.text);
}

static logstore_partition *must_create(logstore *store, const char *topic, int32_t number)
{
	struct logstore_error error;
	logstore_partition *part;
	int r = logstore_partition_create(store, topic, number, NULL, &part, &error);

	cr_assert_eq(r, 0, "%s: %s", logstore_error_name(r), error.text);
	return part;
}

static logstore_partition *must_open_partition(logstore *store, const char *topic, int32_t number)
{
	struct logstore_error error;
	logstore_partition *part;
	int r = logstore_partition_open(store, topic, number, &part, &error);

	cr_assert_eq(r, 0, "%s: %s", logstore_error_name(r), error.text);
	return part;
}

static void must_append(logstore_partition *part, size_t count)
{
	struct logstore_record record = {
		.timestamp = LOGSTORE_NO_TIMESTAMP, .key_size = -1, .value = "v", .value_size = 1};
	struct logstore_append_result result;
	struct logstore_error error;

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(logstore_append_records(part, &record, 1, NULL, NULL, &result, &error), 0, "%s",
		             error.text);
}

static struct logstore_offsets offsets_of(logstore_partition *part)
{
	struct logstore_offsets offsets;

	logstore_partition_offsets(part, &offsets);
	return offsets;
}

/* A refused opening of a partition, with its detail. */
static void expect_no_partition(logstore *store, const char *topic, int32_t number, int code)
{
	logstore_partition *part = NULL;
	struct logstore_error error;

	cr_assert_eq(logstore_partition_open(store, topic, number, &part, &error), code, "%s-%d", topic,
	             number);
	cr_assert_eq(error.code, code);
	cr_assert_neq(error.text[0], '\0');
	cr_assert_null(part);
}

static void expect_not_opened(const char *path, bool read_only, int code)
{
	struct logstore_error error;
	logstore *store = NULL;
	int r = open_at(path, read_only, &store, &error);

	cr_assert_eq(r, code, "%s", logstore_error_name(r));
	cr_assert_eq(error.code, code);
	cr_assert_neq(error.text[0], '\0');
	cr_assert_null(store);
	cr_assert_eq(open_at(path, read_only, &store, NULL), code);
}

/* ---- the lock ------------------------------------------------------------------------------------------ */

Test(store, one_owner_in_a_process)
{
	logstore *first = must_open(false), *reader, *second = NULL;
	struct logstore_error error;
	char owner[64];

	(void)snprintf(owner, sizeof owner, "pid=%ld", (long)getpid());
	cr_assert_eq(open_at(root, false, &second, &error), LOGSTORE_E_LOCKED);
	cr_assert_eq(error.code, LOGSTORE_E_LOCKED);
	cr_assert_not_null(strstr(error.text, owner), "%s", error.text);
	cr_assert_null(second);
	reader = must_open(true);
	must_close(reader);
	cr_assert_eq(open_at(root, false, &second, &error), LOGSTORE_E_LOCKED,
	             "a reader has let go of the lock");
	must_close(first);
	must_close(must_open(false));
}

Test(store, a_lock_file_that_names_nobody_is_still_a_lock)
{
	logstore *first = must_open(false), *second = NULL;
	struct logstore_error error;

	cr_assert_eq(truncate(path_of(".lock"), 0), 0);
	cr_assert_eq(open_at(root, false, &second, &error), LOGSTORE_E_LOCKED);
	cr_assert_neq(error.text[0], '\0');
	must_close(first);
	must_close(must_open(false)); /* what a dead owner left behind is no lock */
}

Test(store, one_owner_among_processes)
{
	logstore *store = must_open(false);
	int status;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		struct logstore_error error;
		logstore *second;

		_exit(open_at(root, false, &second, &error) == LOGSTORE_E_LOCKED ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* That the child is gone, with its copy of our descriptor, changes nothing. */
	expect_not_opened(root, false, LOGSTORE_E_LOCKED);
	must_close(store);
	must_close(must_open(false));
}

Test(store, the_lock_of_another_process_ends_with_it)
{
	int ready[2], done[2], status;
	char byte = 0;
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(done), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		logstore_partition *part = NULL;
		struct logstore_error error;
		logstore *store;

		(void)close(done[1]);
		if (open_at(root, false, &store, &error) != 0 ||
		    logstore_partition_create(store, "t", 0, NULL, &part, &error) != 0 ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(read(done[0], &byte, 1) == 1 ? 0 : 1); /* without closing anything */
	}
	(void)close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	expect_not_opened(root, false, LOGSTORE_E_LOCKED);
	must_close(must_open(true));
	cr_assert_eq(write(done[1], "d", 1), 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	expect_not_opened(root, false, LOGSTORE_E_UNCLEAN);
	(void)close(ready[0]);
	(void)close(done[0]);
	(void)close(done[1]);
}

/* ---- the marker ---------------------------------------------------------------------------------------- */

Test(store, the_marker_stands_while_nobody_writes)
{
	logstore *store = must_open(false), *reader;

	cr_assert_not(exists(MARKER));
	must_close(store);
	expect_content(MARKER, "{\"version\":0,\"brokerEpoch\":-1}");
	reader = must_open(true);
	cr_assert(exists(MARKER), "a reader has removed it");
	must_close(reader);
	cr_assert(exists(MARKER));
	store = must_open(false);
	cr_assert_not(exists(MARKER));
	reader = must_open(true);
	must_close(reader);
	cr_assert_not(exists(MARKER), "a reader has written it");
	must_close(store);
	cr_assert(exists(MARKER));
}

Test(store, an_unclean_directory_is_only_read)
{
	logstore *store = must_open(false), *reader;
	struct logstore_cursor_options options;
	logstore_partition *part;
	struct logstore_error error;
	struct logstore_entry entry;
	logstore_cursor *cursor;
	char copy[256];
	int64_t count = 0;

	part = must_create(store, "t", 0);
	must_append(part, 5);
	/* What another machine would find if this one stopped now. */
	ts_tempdir(copy);
	ts_copy_tree(root, copy);
	part = logstore_partition_close(part);
	must_close(store);

	expect_not_opened(copy, false, LOGSTORE_E_UNCLEAN);
	expect_not_opened(copy, false, LOGSTORE_E_UNCLEAN); /* and stays so */
	cr_assert_eq(open_at(copy, true, &reader, &error), 0, "%s", error.text);
	part = must_open_partition(reader, "t", 0);
	logstore_cursor_options_init(&options);
	cr_assert_eq(logstore_cursor_open(part, 0, &options, &cursor, &error), 0, "%s", error.text);
	while (logstore_cursor_next(cursor, &entry, &error) == 1)
		cr_assert_eq(entry.record.offset, count++);
	cr_assert_eq(count, 5);
	cursor = logstore_cursor_close(cursor);
	part = logstore_partition_close(part);
	must_close(reader);
	ts_tempdir_remove(copy);
}

Test(store, without_partitions_nothing_can_be_unclean)
{
	put("a-file-0", "not a partition");
	cr_assert_eq(mkdir(path_of("lost+found"), 0755), 0);
	cr_assert_eq(mkdir(path_of("t-0.0123456789abcdef0123456789abcdef-delete"), 0755), 0);
	must_close(must_open(false));
	cr_assert_eq(unlink(path_of(MARKER)), 0);
	must_close(must_open(false));
	cr_assert_eq(unlink(path_of(MARKER)), 0);
	cr_assert_eq(mkdir(path_of("t-0"), 0755), 0);
	expect_not_opened(root, false, LOGSTORE_E_UNCLEAN);
}

/* ---- the directory ------------------------------------------------------------------------------------- */

Test(store, a_directory_is_made_only_when_asked_for)
{
	struct logstore_options options;
	struct logstore_error error;
	char path[512];
	logstore *store;

	(void)snprintf(path, sizeof path, "%s", path_of("new"));
	expect_not_opened(path, false, -ENOENT);
	expect_not_opened(path, true, -ENOENT);
	logstore_options_init(&options);
	options.create = true;
	options.read_only = true;
	cr_assert_eq(logstore_open(path, &options, &store, &error), -ENOENT, "a reader makes nothing");
	options.read_only = false;
	cr_assert_eq(logstore_open(path_of("no/parent"), &options, &store, &error), -ENOENT);
	cr_assert_not(exists("new"));
	cr_assert_eq(logstore_open(path, &options, &store, &error), 0, "%s", error.text);
	must_close(store);
	cr_assert(exists("new/" MARKER));
	cr_assert_eq(logstore_open(path, &options, &store, &error), 0, "it is there by now: %s", error.text);
	must_close(store);
}

Test(store, a_file_is_no_directory)
{
	put("file", "");
	expect_not_opened(path_of("file"), false, -ENOTDIR);
	expect_not_opened(path_of("file"), true, -ENOTDIR);
	expect_not_opened(path_of("file/below"), false, -ENOTDIR);
}

Test(store, arguments_are_checked)
{
	logstore *store = NULL;
	struct logstore_options options;
	struct logstore_error error;

	cr_assert_eq(logstore_open("", NULL, &store, &error), -EINVAL);
	cr_assert_eq(error.code, -EINVAL);
	cr_assert_eq(logstore_open(NULL, NULL, &store, NULL), -EINVAL);
	cr_assert_eq(logstore_open(root, NULL, NULL, NULL), -EINVAL);
	logstore_options_init(&options);
	options.producer_id_expiration_ms = 0;
	cr_assert_eq(logstore_open(root, &options, &store, &error), -EINVAL);
	logstore_options_init(&options);
	options.max_batch_bytes = 0;
	cr_assert_eq(logstore_open(root, &options, &store, &error), -EINVAL);
	logstore_options_init(&options);
	options.max_decompressed_bytes = 0;
	cr_assert_eq(logstore_open(root, &options, &store, &error), -EINVAL);
	cr_assert_null(store);
	cr_assert_eq(logstore_close(NULL, &error), 0);
}

Test(store, defaults_that_contradict_each_other_are_refused)
{
	struct logstore_options options;
	struct logstore_error error;
	logstore_config *config;
	logstore *store = NULL;

	cr_assert_eq(logstore_config_new(&config), 0);
	cr_assert_eq(logstore_config_set(config, "min.compaction.lag.ms", "100", &error), 0);
	cr_assert_eq(logstore_config_set(config, "max.compaction.lag.ms", "99", &error), 0);
	logstore_options_init(&options);
	options.create = true;
	options.defaults = config;
	cr_assert_eq(logstore_open(path_of("new"), &options, &store, &error), LOGSTORE_E_INVALID_CONFIG);
	cr_assert_eq(error.code, LOGSTORE_E_INVALID_CONFIG);
	cr_assert_not(exists("new"));
	config = logstore_config_free(config);
}

Test(store, a_directory_that_forbids_writing)
{
	logstore *store = must_open(false);
	logstore_partition *part = must_create(store, "t", 0);

	if (geteuid() == 0) {
		part = logstore_partition_close(part);
		must_close(store);
		cr_skip_test("root may write everywhere");
	}
	must_append(part, 2);
	part = logstore_partition_close(part);
	must_close(store);
	cr_assert_eq(chmod(root, 0500), 0);
	cr_assert_eq(chmod(path_of(".lock"), 0400), 0);
	expect_not_opened(root, false, -EACCES);
	store = must_open(true);
	part = must_open_partition(store, "t", 0);
	cr_assert_eq(offsets_of(part).log_end, 2);
	part = logstore_partition_close(part);
	must_close(store);
	cr_assert_eq(chmod(root, 0700), 0);
}

/* ---- names --------------------------------------------------------------------------------------------- */

Test(store, names_outside_the_grammar)
{
	logstore *store = must_open(false);
	char longest[251];
	const struct {
		const char *topic;
		int32_t number;
	} cases[] = {
		{"", 0},          {".", 0},     {"..", 0},  {"a/b", 0},       {"../t", 0},         {"/t", 0},
		{"a b", 0},       {"a\n", 0},   {"a:b", 0}, {"t\xc3\xa9", 0}, {"\xe2\x82\xac", 0}, {"t", -1},
		{"t", INT32_MIN}, {longest, 0},
	};
	struct logstore_error error;
	logstore_partition *part = NULL;

	memset(longest, 'x', 250);
	longest[250] = '\0';
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		expect_no_partition(store, cases[i].topic, cases[i].number, LOGSTORE_E_INVALID_NAME);
		cr_assert_eq(logstore_partition_create(store, cases[i].topic, cases[i].number, NULL, &part,
		                                       &error),
		             LOGSTORE_E_INVALID_NAME);
		cr_assert_eq(error.code, LOGSTORE_E_INVALID_NAME);
		cr_assert_eq(logstore_partition_delete(store, cases[i].topic, cases[i].number, &error),
		             LOGSTORE_E_INVALID_NAME);
		cr_assert_eq(error.code, LOGSTORE_E_INVALID_NAME);
	}
	/* 249 characters are a topic; with ten digits the directory's name is too long for a file name. */
	longest[249] = '\0';
	expect_no_partition(store, longest, 0, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	expect_no_partition(store, longest, INT32_MAX, LOGSTORE_E_INVALID_NAME);
	cr_assert_eq(logstore_partition_create(store, longest, INT32_MAX, NULL, &part, &error),
	             LOGSTORE_E_INVALID_NAME);
	cr_assert_eq(logstore_partition_delete(store, longest, INT32_MAX, &error), LOGSTORE_E_INVALID_NAME);
	cr_assert_null(part);
	must_close(store);
}

Test(store, names_inside_the_grammar)
{
	static const char *const topics[] = {"a", "...", "-", "_", "a-b", "a-1", "A.b_c-9", "-delete"};
	logstore *store = must_open(false);
	struct logstore_listing *listings;
	size_t count;

	for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
		logstore_partition *part = must_create(store, topics[i], INT32_MAX);

		cr_assert_str_eq(logstore_partition_topic(part), topics[i]);
		cr_assert_eq(logstore_partition_number(part), INT32_MAX);
		part = logstore_partition_close(part);
	}
	cr_assert_eq(logstore_list(store, &listings, &count, NULL), 0);
	cr_assert_eq(count, sizeof topics / sizeof topics[0]);
	logstore_free_listings(store, listings);
	must_close(store);
	store = must_open(false);
	for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
		(void)logstore_partition_close(must_open_partition(store, topics[i], INT32_MAX));
	must_close(store);
}

Test(store, the_longest_topic_comes_and_goes)
{
	logstore *store = must_open(false);
	logstore_partition *part;
	struct logstore_error error;
	struct logstore_uuid first, second;
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	int64_t log_start;

	memset(topic, 'x', sizeof topic - 1);
	topic[sizeof topic - 1] = '\0';
	part = must_create(store, topic, 0);
	logstore_partition_topic_id(part, &first);
	must_append(part, 7);
	cr_assert_eq(logstore_delete_records(part, 5, &log_start, &error), 0, "%s", error.text);
	cr_assert_eq(logstore_partition_delete(store, topic, 0, &error), LOGSTORE_E_BUSY);
	cr_assert_eq(error.code, LOGSTORE_E_BUSY);
	part = logstore_partition_close(part);
	cr_assert_eq(logstore_partition_delete(store, topic, 0, &error), 0, "%s", error.text);
	cr_assert_eq(logstore_partition_delete(store, topic, 0, &error),
	             LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	expect_no_partition(store, topic, 0, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	expect_content("log-start-offset-checkpoint", "0\n0\n");

	part = must_create(store, topic, 0);
	logstore_partition_topic_id(part, &second);
	cr_assert_arr_neq(first.bytes, second.bytes, sizeof first.bytes, "the topic id came back");
	cr_assert_eq(offsets_of(part).log_start, 0);
	cr_assert_eq(offsets_of(part).log_end, 0);
	must_append(part, 1);
	part = logstore_partition_close(part);
	must_close(store);
	store = must_open(false);
	part = must_open_partition(store, topic, 0);
	cr_assert_eq(offsets_of(part).log_start, 0);
	cr_assert_eq(offsets_of(part).log_end, 1);
	part = logstore_partition_close(part);
	must_close(store);
}

Test(store, the_list_has_partitions_only)
{
	static const char *const others[] = {
		"t-0.0123456789abcdef0123456789abcdef-delete",
		"t-1.0123456789abcdef0123456789abcdef-stray",
		"t-2.0123456789abcdef0123456789abcdef-future",
		"no-number",
		"remote-log-index-cache",
		"snapshots",
		"t-x1",
	};
	logstore *store = must_open(false), *reader;
	struct logstore_listing *listings;
	struct logstore_error error;
	size_t count;

	cr_assert_eq(logstore_list(store, &listings, &count, &error), 0);
	cr_assert_eq(count, 0);
	logstore_free_listings(store, listings);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		cr_assert_eq(mkdir(path_of(others[i]), 0755), 0);
	put("file-7", "");
	(void)logstore_partition_close(must_create(store, "b", 10));
	(void)logstore_partition_close(must_create(store, "b", 9));
	(void)logstore_partition_close(must_create(store, "a", 3));
	reader = must_open(true);
	cr_assert_eq(logstore_list(reader, &listings, &count, &error), 0);
	cr_assert_eq(count, 3);
	cr_assert_str_eq(listings[0].topic, "a");
	cr_assert_eq(listings[0].partition, 3);
	cr_assert_str_eq(listings[1].topic, "b");
	cr_assert_eq(listings[1].partition, 9);
	cr_assert_eq(listings[2].partition, 10);
	logstore_free_listings(reader, listings);
	must_close(reader);
	must_close(store);
}

/* ---- partitions that are none -------------------------------------------------------------------------- */

Test(store, what_is_not_a_partition)
{
	logstore *store = must_open(false);
	logstore_partition *part = must_create(store, "t", 0);
	struct logstore_error error;
	char target[512];

	must_append(part, 3);
	part = logstore_partition_close(part);
	put("file-0", "not a directory");
	cr_assert_eq(mkdir(path_of("empty-0"), 0755), 0);
	cr_assert_eq(mkdir(path_of("other-0"), 0755), 0);
	put("other-0/readme", "no log");
	cr_assert_eq(symlink("nowhere", path_of("dangling-0")), 0);
	(void)snprintf(target, sizeof target, "%s", path_of("t-0"));
	cr_assert_eq(symlink(target, path_of("link-0")), 0);

	expect_no_partition(store, "missing", 0, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	expect_no_partition(store, "t", 1, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	expect_no_partition(store, "dangling", 0, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	expect_no_partition(store, "file", 0, LOGSTORE_E_NOT_A_PARTITION);
	expect_no_partition(store, "empty", 0, LOGSTORE_E_NOT_A_PARTITION);
	expect_no_partition(store, "other", 0, LOGSTORE_E_NOT_A_PARTITION);
	cr_assert_eq(logstore_partition_delete(store, "file", 0, &error),
	             LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION);
	cr_assert_eq(logstore_partition_create(store, "file", 0, NULL, &part, &error),
	             LOGSTORE_E_PARTITION_EXISTS);
	cr_assert_eq(logstore_partition_create(store, "empty", 0, NULL, &part, &error),
	             LOGSTORE_E_PARTITION_EXISTS);
	must_close(store);

	/* A link to a partition is one, for whoever reads. */
	store = must_open(true);
	part = must_open_partition(store, "link", 0);
	cr_assert_eq(offsets_of(part).log_end, 3);
	part = logstore_partition_close(part);
	must_close(store);
}

Test(store, a_partition_is_not_made_twice)
{
	logstore *store = must_open(false);
	logstore_partition *part = must_create(store, "t", 0), *again = NULL;
	struct logstore_error error;
	int64_t log_start;

	must_append(part, 9);
	cr_assert_eq(logstore_delete_records(part, 4, &log_start, &error), 0);
	cr_assert_eq(logstore_partition_create(store, "t", 0, NULL, &again, &error),
	             LOGSTORE_E_PARTITION_EXISTS);
	part = logstore_partition_close(part);
	cr_assert_eq(logstore_partition_create(store, "t", 0, NULL, &again, &error),
	             LOGSTORE_E_PARTITION_EXISTS);
	must_close(store);
	/* Also where nobody has opened it: and what the checkpoints say of it stays. */
	store = must_open(false);
	cr_assert_eq(logstore_partition_create(store, "t", 0, NULL, &again, &error),
	             LOGSTORE_E_PARTITION_EXISTS);
	cr_assert_eq(error.code, LOGSTORE_E_PARTITION_EXISTS);
	cr_assert_null(again);
	must_close(store);
	expect_content("log-start-offset-checkpoint", "0\n1\nt 0 4\n");
	store = must_open(false);
	part = must_open_partition(store, "t", 0);
	cr_assert_eq(offsets_of(part).log_start, 4, "deleted records are back");
	part = logstore_partition_close(part);
	must_close(store);
}

Test(store, checkpoints_of_a_predecessor_do_not_count)
{
	logstore *store;
	logstore_partition *part;

	put("log-start-offset-checkpoint", "0\n2\nother 1 5\nt 0 1000\n");
	put("recovery-point-offset-checkpoint", "0\n1\nt 0 2000\n");
	store = must_open(false);
	part = must_create(store, "t", 0);
	cr_assert_eq(offsets_of(part).log_start, 0);
	/* Not only here: whoever finds the directory after a crash must not believe them either. */
	expect_content("log-start-offset-checkpoint", "0\n1\nother 1 5\n");
	expect_content("recovery-point-offset-checkpoint", "0\n0\n");
	part = logstore_partition_close(part);
	must_close(store);
}

Test(store, readers_change_nothing)
{
	logstore *store = must_open(false);
	logstore_partition *part = must_create(store, "t", 0), *none = NULL;
	struct logstore_append_result result;
	struct logstore_record record = {.key_size = -1, .value_size = -1};
	struct logstore_error error;
	logstore_config *config;
	int64_t log_start;

	must_append(part, 3);
	part = logstore_partition_close(part);
	must_close(store);
	store = must_open(true);
	part = must_open_partition(store, "t", 0);
	cr_assert_eq(logstore_config_new(&config), 0);
	cr_assert_eq(logstore_append_records(part, &record, 1, NULL, NULL, &result, &error),
	             LOGSTORE_E_READ_ONLY);
	cr_assert_eq(error.code, LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_truncate(part, 1, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_truncate_fully(part, 1, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_delete_records(part, 1, &log_start, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_roll(part, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_flush(part, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_set_leader_epoch(part, 1, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_set_high_watermark(part, 1, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_partition_set_config(part, config, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_checkpoint(store, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_partition_create(store, "u", 0, NULL, &none, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(logstore_partition_delete(store, "t", 0, &error), LOGSTORE_E_READ_ONLY);
	cr_assert_eq(error.code, LOGSTORE_E_READ_ONLY);
	cr_assert_null(none);
	cr_assert_eq(offsets_of(part).log_end, 3);
	config = logstore_config_free(config);
	part = logstore_partition_close(part);
	must_close(store);
}

/* ---- checkpoints --------------------------------------------------------------------------------------- */

Test(store, checkpoints_of_others_are_kept)
{
	logstore *store;
	logstore_partition *part;
	struct logstore_error error;
	int64_t log_start;

	put("recovery-point-offset-checkpoint", "0\n3\nz 1 11\nb 0 22\nb 10 33\n");
	put("log-start-offset-checkpoint", "0\n1\nb 0 2\n");
	put("replication-offset-checkpoint", "0\n2\nb 0 22\nz 1 9223372036854775807\n");
	put("cleaner-offset-checkpoint", "0\n1\nb 10 5\n");
	store = must_open(false);
	part = must_create(store, "m", 4);
	must_append(part, 6);
	cr_assert_eq(logstore_flush(part, &error), 0, "%s", error.text);
	cr_assert_eq(logstore_delete_records(part, 1, &log_start, &error), 0, "%s", error.text);
	must_append(part, 1);
	cr_assert_eq(logstore_checkpoint(store, &error), 0, "%s", error.text);
	expect_content("recovery-point-offset-checkpoint", "0\n4\nb 0 22\nb 10 33\nm 4 6\nz 1 11\n");
	expect_content("log-start-offset-checkpoint", "0\n2\nb 0 2\nm 4 1\n");
	expect_content("replication-offset-checkpoint", "0\n3\nb 0 22\nm 4 7\nz 1 9223372036854775807\n");
	part = logstore_partition_close(part);
	must_close(store);
	expect_content("recovery-point-offset-checkpoint", "0\n4\nb 0 22\nb 10 33\nm 4 7\nz 1 11\n");
	expect_content("cleaner-offset-checkpoint", "0\n1\nb 10 5\n");

	store = must_open(false);
	cr_assert_eq(logstore_partition_delete(store, "m", 4, &error), 0, "%s", error.text);
	expect_content("recovery-point-offset-checkpoint", "0\n3\nb 0 22\nb 10 33\nz 1 11\n");
	expect_content("log-start-offset-checkpoint", "0\n1\nb 0 2\n");
	expect_content("replication-offset-checkpoint", "0\n2\nb 0 22\nz 1 9223372036854775807\n");
	expect_content("cleaner-offset-checkpoint", "0\n1\nb 10 5\n");
	must_close(store);
}

Test(store, a_malformed_checkpoint_keeps_writers_out)
{
	static const char *const names[] = {"recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
	                                    "replication-offset-checkpoint", "cleaner-offset-checkpoint"};
	logstore *store = must_open(false);

	(void)logstore_partition_close(must_create(store, "t", 0));
	must_close(store);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct logstore_error error;

		put(names[i], "0\n2\nt 0 0\nu 0 x\n");
		cr_assert_eq(open_at(root, false, &store, &error), LOGSTORE_E_CORRUPT_FILE);
		cr_assert_eq(error.code, LOGSTORE_E_CORRUPT_FILE);
		cr_assert_eq(error.position, 4);
		cr_assert_str_eq(error.path, path_of(names[i]));
		cr_assert(exists(MARKER), "it is as clean as before");
		store = must_open(true);
		(void)logstore_partition_close(must_open_partition(store, "t", 0));
		must_close(store);
		put(names[i], "7\n");
		expect_not_opened(root, false, LOGSTORE_E_UNSUPPORTED_VERSION);
		cr_assert_eq(unlink(path_of(names[i])), 0);
		must_close(must_open(false));
	}
}

/* ---- openings ------------------------------------------------------------------------------------------ */

Test(store, two_openings_share_one_partition)
{
	logstore *store = must_open(false);
	logstore_partition *first = must_create(store, "t", 0), *second = must_open_partition(store, "t", 0);
	struct logstore_error error;

	cr_assert_eq(first, second);
	must_append(first, 2);
	cr_assert_eq(offsets_of(second).log_end, 2);
	first = logstore_partition_close(first);
	must_append(second, 1);
	cr_assert_eq(logstore_close(store, &error), LOGSTORE_E_BUSY);
	second = logstore_partition_close(second);
	/* Its state is kept while nobody has it open. */
	second = must_open_partition(store, "t", 0);
	cr_assert_eq(offsets_of(second).log_end, 3);
	cr_assert_eq(offsets_of(second).recovery_point, 0);
	second = logstore_partition_close(second);
	must_close(store);
	cr_assert_null(logstore_partition_close(NULL));
}

Test(store, open_handles_keep_it_open)
{
	logstore *store = must_open(false);
	logstore_partition *part = must_create(store, "t", 0);
	struct logstore_error error;
	struct logstore_slice slice;
	logstore_cursor *cursor;

	must_append(part, 2);
	cr_assert_eq(logstore_close(store, &error), LOGSTORE_E_BUSY);
	cr_assert_eq(error.code, LOGSTORE_E_BUSY);
	cr_assert_not(exists(MARKER));
	cr_assert_eq(logstore_cursor_open(part, 0, NULL, &cursor, &error), 0);
	cr_assert_eq(logstore_read(part, 0, NULL, &slice, &error), 0);
	must_append(part, 1);
	part = logstore_partition_close(part);
	cr_assert_eq(logstore_close(store, &error), LOGSTORE_E_BUSY, "a cursor and a slice are open");
	cr_assert_eq(logstore_partition_delete(store, "t", 0, &error), LOGSTORE_E_BUSY);
	cursor = logstore_cursor_close(cursor);
	cr_assert_eq(logstore_close(store, &error), LOGSTORE_E_BUSY, "a slice is open");
	cr_assert_eq(logstore_partition_delete(store, "t", 0, &error), LOGSTORE_E_BUSY);
	logstore_slice_release(&slice);
	must_close(store);
	cr_assert(exists(MARKER));
}
