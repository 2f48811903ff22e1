/*
 * The entries of small files: what Kafka's classes hold after loading them, every file of every fixture,
 * each kind by hand, and every failure.
 */
#include "segment/entries.h"

#include <errno.h>
#include <jansson.h>

#include "segment_bench.h"

TestSuite(entries, .fini = ts_check_leaks, .timeout = 120);

struct seen {
	struct logstore_file_entry items[4000];
	size_t count;
	size_t stop_at; /* 1-based entry at which the walk is ended with `stop_with`; 0: never */
	int stop_with;
	char text[4096]; /* of text files: "name=value;" and the like */
};

static int see(void *arg, const struct logstore_file_entry *entry)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->text);

	cr_assert_lt(seen->count, sizeof seen->items / sizeof seen->items[0]);
	seen->items[seen->count++] = *entry;
	if (entry->kind == LOGSTORE_FILE_OFFSETS)
		snprintf(seen->text + used, sizeof seen->text - used, "%s %d %ld;", entry->u.checkpoint.topic,
		         entry->u.checkpoint.partition, (long)entry->u.checkpoint.offset);
	else if (entry->kind == LOGSTORE_FILE_EPOCHS)
		snprintf(seen->text + used, sizeof seen->text - used, "%d %ld;", entry->u.epoch.epoch,
		         (long)entry->u.epoch.start_offset);
	else if (entry->kind >= LOGSTORE_FILE_PROPERTIES)
		snprintf(seen->text + used, sizeof seen->text - used, "%s=%s;", entry->u.property.name,
		         entry->u.property.value);
	return seen->count == seen->stop_at ? seen->stop_with : 0;
}

static int walk(const struct ls_env *env, const char *path, struct seen *seen, struct logstore_error *error)
{
	seen->count = 0;
	seen->text[0] = '\0';
	return ls_file_entries(env, path, see, seen, error);
}

static struct ls_env disk_env(void)
{
	struct ls_env env;

	ls_env_resolve(NULL, &env);
	env.io = ls_io_threads();
	return env;
}

/* ---- Kafka's directories ---------------------------------------------------------------------------------- */

static int64_t field(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void check_pairs(const struct ls_env *env, const char *path, const json_t *pairs, struct seen *seen)
{
	int r = walk(env, path, seen, NULL);

	if (json_array_size(pairs) == 0 && r == -ENOENT)
		return;
	cr_assert_eq(r, 0, "%s", path);
	cr_assert_eq(seen->count, json_array_size(pairs), "%s", path);
	for (size_t i = 0; i < seen->count; i++) {
		const struct logstore_file_entry *entry = &seen->items[i];
		int64_t first = json_integer_value(json_array_get(json_array_get(pairs, i), 0));
		int64_t second = json_integer_value(json_array_get(json_array_get(pairs, i), 1));

		if (entry->kind == LOGSTORE_FILE_OFFSET_INDEX) {
			cr_assert_eq(entry->u.index.offset, first);
			cr_assert_eq((int64_t)entry->u.index.position, second);
			cr_assert_eq(entry->position, i * 8);
		} else {
			cr_assert_eq(entry->kind, LOGSTORE_FILE_TIME_INDEX);
			cr_assert_eq(entry->u.time_index.timestamp, first);
			cr_assert_eq(entry->u.time_index.offset, second);
			cr_assert_eq(entry->position, i * 12);
		}
	}
}

static void check_txns(const struct ls_env *env, const char *path, const json_t *txns, struct seen *seen)
{
	int r = walk(env, path, seen, NULL);

	if (json_array_size(txns) == 0 && r == -ENOENT)
		return;
	cr_assert_eq(r, 0, "%s", path);
	cr_assert_eq(seen->count, json_array_size(txns), "%s", path);
	for (size_t i = 0; i < seen->count; i++) {
		const struct logstore_txn_entry *entry = &seen->items[i].u.txn;
		const json_t *want = json_array_get(txns, i);

		cr_assert_eq(seen->items[i].position, i * 34);
		cr_assert_eq(entry->version, 0);
		cr_assert_eq(entry->producer_id, field(want, "producer_id"));
		cr_assert_eq(entry->first_offset, field(want, "first"));
		cr_assert_eq(entry->last_offset, field(want, "last"));
		cr_assert_eq(entry->last_stable_offset, field(want, "last_stable_offset"));
	}
}

/* state.jsonl is what Kafka holds after loading the directory: its last indexes are as they were on disk. */
Test(entries, indexes_are_what_kafka_reads)
{
	static const char *const fixtures[] = {
		"codecs", "epochs", "legacy", "plain", "timestamps", "transactions", "transactions-broker"};
	struct ls_env env = disk_env();
	static struct seen seen;
	size_t checked = 0;

	for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
		char path[256];
		json_t *state;
		FILE *f;

		snprintf(path, sizeof path, "kafka/%s/expected/state.jsonl", fixtures[i]);
		f = fopen(ts_data(path), "r");
		cr_assert_not_null(f);
		while ((state = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL))) {
			const json_t *segments = json_object_get(state, "segments");

			for (size_t k = 0; k < json_array_size(segments); k++) {
				const json_t *segment = json_array_get(segments, k);
				char stem[200];

				snprintf(stem, sizeof stem, "kafka/%s/logs/%s/%020ld", fixtures[i],
				         json_string_value(json_object_get(state, "partition")),
				         (long)field(segment, "base"));
				snprintf(path, sizeof path, "%s.index", stem);
				check_pairs(&env, ts_data(path), json_object_get(segment, "index"), &seen);
				snprintf(path, sizeof path, "%s.timeindex", stem);
				check_pairs(&env, ts_data(path), json_object_get(segment, "timeindex"),
				            &seen);
				snprintf(path, sizeof path, "%s.txnindex", stem);
				check_txns(&env, ts_data(path), json_object_get(segment, "txnindex"), &seen);
				checked++;
			}
			json_decref(state);
		}
		cr_assert_eq(fclose(f), 0);
	}
	cr_assert_gt(checked, 50);
}

/* Files that were damaged on purpose, by the end of their path. */
static const struct {
	const char *path;
	int code;
	int64_t position;
} damaged[] = {
	{"/bad-number-checkpoint/logs/recovery-point-offset-checkpoint", LOGSTORE_E_CORRUPT_FILE, 3},
	{"/bad-recovery-checkpoint/logs/recovery-point-offset-checkpoint", LOGSTORE_E_CORRUPT_FILE, 4},
	{"/index-garbage-active/logs/rec-0/00000000000000000130.index", LOGSTORE_E_CORRUPT_FILE, 0},
	{"/index-garbage-active/logs/rec-0/00000000000000000130.timeindex", LOGSTORE_E_CORRUPT_FILE, 0},
	{"/index-garbage-sealed/logs/rec-0/00000000000000000000.index", LOGSTORE_E_CORRUPT_FILE, 0},
	{"/index-garbage-sealed/logs/rec-0/00000000000000000000.timeindex", LOGSTORE_E_CORRUPT_FILE, 0},
	{"/index-truncated-sealed/logs/rec-0/00000000000000000000.index", LOGSTORE_E_CORRUPT_FILE, 16},
	{"/timeindex-truncated-sealed/logs/rec-0/00000000000000000000.timeindex", LOGSTORE_E_CORRUPT_FILE,
         24},
	{"/snapshot-corrupt/logs/rec-0/00000000000000000130.snapshot", LOGSTORE_E_CORRUPT_FILE, 2},
	{"/snapshot-corrupt/logs/rectx-0/00000000000000000088.snapshot", LOGSTORE_E_CORRUPT_FILE, 2},
	{"/snapshot-trailing-bytes/logs/rectx-0/00000000000000000088.snapshot", LOGSTORE_E_CORRUPT_FILE, 2},
	{"/txnindex-bad-version/logs/rectx-0/00000000000000000003.txnindex", LOGSTORE_E_UNSUPPORTED_VERSION,
         0},
	{"/txnindex-partial/logs/rectx-0/00000000000000000003.txnindex", LOGSTORE_E_CORRUPT_FILE, 68},
};

static size_t check_kind(const char *ending)
{
	struct path_list paths = list_files("kafka", ending);
	struct ls_env env = disk_env();
	static struct seen seen;
	size_t checked = 0, failed = 0;

	for (size_t i = 0; i < paths.count; i++) {
		struct logstore_error error = {0};
		int want = 0, r;

		/* What was put there by hand to be deleted has no content. */
		if (!strstr(paths.items[i], "/logs/") || strstr(paths.items[i], "/leftover-deleted/"))
			continue;
		r = walk(&env, paths.items[i], &seen, &error);
		for (size_t k = 0; k < sizeof damaged / sizeof damaged[0]; k++) {
			size_t size = strlen(paths.items[i]), end = strlen(damaged[k].path);

			if (size < end || strcmp(paths.items[i] + size - end, damaged[k].path) != 0)
				continue;
			want = damaged[k].code;
			cr_assert_eq(error.position, damaged[k].position, "%s: %ld", paths.items[i],
			             (long)error.position);
			failed++;
		}
		cr_assert_eq(r, want, "%s: %d %s", paths.items[i], r, error.text);
		if (want < 0) {
			cr_assert_eq(error.code, want);
			cr_assert_str_eq(error.path, paths.items[i]);
			cr_assert_neq(error.text[0], '\0');
		}
		checked++;
	}
	cr_assert_gt(checked, 0, "%s", ending);
	free(paths.items);
	return failed;
}

Test(entries, every_small_file_of_every_fixture)
{
	static const char *const endings[] = {
		".index",
		".timeindex",
		".txnindex",
		".snapshot",
		".index.deleted",
		".timeindex.deleted",
		".txnindex.deleted",
		".snapshot.deleted",
		".index.swap",
		".timeindex.swap",
		"/leader-epoch-checkpoint",
		"/replication-offset-checkpoint",
		"/recovery-point-offset-checkpoint",
		"/log-start-offset-checkpoint",
		"/cleaner-offset-checkpoint",
		"/partition.metadata",
		"/meta.properties",
		"/.kafka_cleanshutdown",
		"/quorum-state",
	};
	size_t failed = 0;

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
		failed += check_kind(endings[i]);
	cr_assert_eq(failed, sizeof damaged / sizeof damaged[0]);
}

/* ---- by hand ---------------------------------------------------------------------------------------------- */

static int walk_bytes(struct bench *bench, const char *path, const void *bytes, size_t size,
                      struct seen *seen, struct logstore_error *error)
{
	bench_put(bench, path, bytes, size);
	return walk(bench->env, path, seen, error);
}

static int walk_text(struct bench *bench, const char *path, const char *text, struct seen *seen,
                     struct logstore_error *error)
{
	return walk_bytes(bench, path, text, strlen(text), seen, error);
}

Test(entries, text_files)
{
	struct logstore_error error;
	static struct seen seen;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(walk_text(&bench, "/p/replication-offset-checkpoint", "0\n2\na-b 3 42\nc 0 -1\n", &seen,
	                       NULL),
	             0);
	cr_assert_str_eq(seen.text, "a-b 3 42;c 0 -1;");
	cr_assert_eq(seen.items[0].position, 3);
	cr_assert_eq(seen.items[1].position, 4);
	cr_assert_eq(walk_text(&bench, "/p/leader-epoch-checkpoint", "0\n2\n0 0\n5 100\n", &seen, NULL), 0);
	cr_assert_str_eq(seen.text, "0 0;5 100;");
	cr_assert_eq(walk_text(&bench, "/p/leader-epoch-checkpoint", "", &seen, NULL), 0);
	cr_assert_eq(seen.count, 0);
	cr_assert_eq(walk_text(&bench, "/p/partition.metadata",
	                       "version: 0\ntopic_id: Nuh6qrVRRjCmZIT3QuQF0g", &seen, NULL),
	             0);
	cr_assert_str_eq(seen.text, "version=0;topic_id=Nuh6qrVRRjCmZIT3QuQF0g;");
	cr_assert_eq(
		walk_text(&bench, "/p/meta.properties", "# comment\nversion=1\nnode.id=7\n", &seen, NULL), 0);
	cr_assert_str_eq(seen.text, "version=1;node.id=7;");
	cr_assert_eq(walk_text(&bench, "/p/logstore-config", "segment.bytes=100\n", &seen, NULL), 0);
	cr_assert_str_eq(seen.text, "segment.bytes=100;");
	cr_assert_eq(walk_text(&bench, "/p/.kafka_cleanshutdown", "{\"version\":0}", &seen, NULL), 0);
	cr_assert_str_eq(seen.text, "={\"version\":0};");
	cr_assert_eq(walk_text(&bench, "/p/quorum-state", "{}", &seen, NULL), 0);
	cr_assert_str_eq(seen.text, "={};");

	/* Entries before the damage are delivered; the line is told. */
	cr_assert_eq(walk_text(&bench, "/p/leader-epoch-checkpoint", "0\n2\n0 0\nfive 100\n", &seen, &error),
	             LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(seen.count, 1);
	cr_assert_eq(error.position, 4);
	cr_assert_str_eq(error.path, "/p/leader-epoch-checkpoint");
	cr_assert_eq(walk_text(&bench, "/p/leader-epoch-checkpoint", "1\n0\n", &seen, &error),
	             LOGSTORE_E_UNSUPPORTED_VERSION);
	cr_assert_eq(walk_text(&bench, "/p/partition.metadata", "version: 0\n", &seen, &error),
	             LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(error.position, 2);
	cr_assert_eq(walk_bytes(&bench, "/p/meta.properties", "a=\0", 3, &seen, &error),
	             LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(walk_text(&bench, "/p/meta.properties", "a=\\u12", &seen, NULL),
	             LOGSTORE_E_CORRUPT_FILE);
	bench_fini(&bench);
}

Test(entries, binary_files)
{
	struct logstore_error error;
	uint8_t bytes[8192] = {0};
	static struct seen seen;
	struct bench bench;

	bench_init(&bench);
	for (uint32_t i = 0; i < 1024; i++) { /* exactly one block, then one entry more */
		ls_store_be32(bytes + i * 8, i + 1);
		ls_store_be32(bytes + i * 8 + 4, i * 10);
	}
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000001000.index", bytes, 8192, &seen, NULL), 0);
	cr_assert_eq(seen.count, 1024);
	cr_assert_eq(seen.items[1023].u.index.offset, 2024);
	cr_assert_eq(seen.items[1023].u.index.position, 10230);
	cr_assert_eq(seen.items[1023].position, 1023 * 8);
	/* A preallocated tail is left out, one that is no multiple of an entry is told. */
	memset(bytes + 800, 0, sizeof bytes - 800);
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000001000.index", bytes, 8192, &seen, NULL), 0);
	cr_assert_eq(seen.count, 100);
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000001000.index", bytes, 805, &seen, &error),
	             LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(seen.count, 100);
	cr_assert_eq(error.position, 800);
	/* Damage in the middle. */
	bytes[8 * 50] = 0x80;
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000001000.index.deleted", bytes, 800, &seen, &error),
	             LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(seen.count, 50);
	cr_assert_eq(error.position, 400);
	cr_assert_str_eq(error.path, "/p/00000000000000001000.index.deleted");
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000000000.snapshot", bytes, 5, &seen, &error),
	             LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000000000.timeindex", bytes, 0, &seen, &error), 0);
	cr_assert_eq(seen.count, 0);
	bench_fini(&bench);
}

Test(entries, a_snapshot_by_its_test_vector)
{
	size_t size;
	uint8_t *bytes = ts_hex("0001a48c19ef0000000100000000000003e8000100000009000000000000000700000004"
	                        "0000018bcfe5680900000007ffffffffffffffff", &size);
	const struct logstore_producer_entry *entry;
	static struct seen seen;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(walk_bytes(&bench, "/p/00000000000000000008.snapshot", bytes, size, &seen, NULL), 0);
	cr_assert_eq(seen.count, 1);
	entry = &seen.items[0].u.producer;
	cr_assert_eq(seen.items[0].position, 10);
	cr_assert_eq(entry->producer_id, 1000);
	cr_assert_eq(entry->producer_epoch, 1);
	cr_assert_eq(entry->last_sequence, 9);
	cr_assert_eq(entry->last_offset, 7);
	cr_assert_eq(entry->offset_delta, 4);
	cr_assert_eq(entry->timestamp, 1700000000009);
	cr_assert_eq(entry->coordinator_epoch, 7);
	cr_assert_eq(entry->current_txn_first_offset, -1);
	free(bytes);
	bench_fini(&bench);
}

Test(entries, names_that_have_no_entries)
{
	static const char *const names[] = {"/p/00000000000000000000.log", "/p/notes.txt", "/p/abc.index",
	                                    "/p/00000000000000000000.log.deleted", "/p/bootstrap.checkpoint"};
	struct logstore_error error;
	static struct seen seen;
	struct bench bench;

	bench_init(&bench);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		uint64_t before;

		bench_put(&bench, names[i], "x", 1);
		before = ls_sim_operations(bench.sim, -1);
		cr_assert_eq(walk(bench.env, names[i], &seen, &error), LOGSTORE_E_INVALID_NAME, "%s",
		             names[i]);
		cr_assert_str_eq(error.path, names[i]);
		cr_assert_eq(ls_sim_operations(bench.sim, -1), before); /* not even opened */
		cr_assert_eq(walk(bench.env, names[i], &seen, NULL), LOGSTORE_E_INVALID_NAME);
	}
	cr_assert_eq(walk(bench.env, "/p/00000000000000000000.index", &seen, &error), -ENOENT);
	cr_assert_eq(walk(bench.env, "/p/meta.properties", &seen, &error), -ENOENT);
	cr_assert_str_eq(error.path, "/p/meta.properties");
	bench_fini(&bench);
}

Test(entries, a_file_larger_than_any_small_one)
{
	const struct logstore_io *io;
	struct logstore_error error;
	static struct seen seen;
	struct bench bench;
	int fd;

	bench_init(&bench);
	io = bench.env->io;
	cr_assert_eq(io->open(io->ctx, "/p/meta.properties", LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE, &fd), 0);
	cr_assert_eq(io->truncate(io->ctx, fd, (UINT64_C(256) << 20) + 1), 0);
	cr_assert_eq(io->close(io->ctx, fd), 0);
	memset(&error, 0x55, sizeof error);
	cr_assert_eq(walk(bench.env, "/p/meta.properties", &seen, &error), LOGSTORE_E_LIMIT_EXCEEDED);
	cr_assert_eq(error.code, LOGSTORE_E_LIMIT_EXCEEDED);
	cr_assert_str_eq(error.path, "/p/meta.properties");
	bench_remove(&bench, "/p/meta.properties");
	bench_fini(&bench);
}

/* ---- the caller's word and failures ----------------------------------------------------------------------- */

static const struct {
	const char *path;
	const char *text;
} texts[] = {
	{"/p/replication-offset-checkpoint", "0\n2\na 0 1\nb 0 2\n"},
	{"/p/leader-epoch-checkpoint", "0\n2\n0 0\n5 100\n"},
	{"/p/partition.metadata", "version: 0\ntopic_id: Nuh6qrVRRjCmZIT3QuQF0g"},
	{"/p/meta.properties", "a=1\nb=2\n"},
	{"/p/00000000000000000000.index", "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4"},
};

static void put_texts(struct bench *bench)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		bench_put(bench, texts[i].path, texts[i].text,
		          strstr(texts[i].path, ".index") ? 16 : strlen(texts[i].text));
}

Test(entries, the_callback_ends_the_walk)
{
	static const int words[] = {7, -1, LOGSTORE_E_CORRUPT_FILE, -ENOMEM};
	static struct seen seen;
	struct bench bench;

	bench_init(&bench);
	put_texts(&bench);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
			for (seen.stop_at = 1; seen.stop_at <= 2; seen.stop_at++) {
				struct logstore_error error;

				seen.stop_with = words[k];
				memset(&error, 0x55, sizeof error);
				cr_assert_eq(walk(bench.env, texts[i].path, &seen, &error), words[k], "%s",
				             texts[i].path);
				cr_assert_eq(seen.count, seen.stop_at);
				cr_assert_eq(error.code, 0x55555555); /* not the library's error */
				cr_assert_eq(walk(bench.env, texts[i].path, &seen, NULL), words[k]);
			}
		}
	}
	bench_fini(&bench);
}

Test(entries, every_failure)
{
	static struct seen seen;
	struct bench bench;

	bench_init(&bench);
	put_texts(&bench);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct logstore_error error;
		int r;

		for (long n = 1;; n++) {
			atomic_store(&bench.alloc.requests, 0);
			atomic_store(&bench.alloc.fail_at, n);
			r = walk(bench.env, texts[i].path, &seen, &error);
			if (!ts_alloc_failed(&bench.alloc))
				break;
			cr_assert_eq(r, -ENOMEM);
			cr_assert_eq(atomic_load(&bench.alloc.outstanding), 0);
		}
		cr_assert_eq(r, 0);
		atomic_store(&bench.alloc.fail_at, 0);
		for (uint64_t n = 1;; n++) {
			ls_sim_fail_nth(bench.sim, n, EIO, ~(UINT32_C(1) << LOGSTORE_IO_OP_CLOSE));
			r = walk(bench.env, texts[i].path, &seen, &error);
			if (ls_sim_fault_pending(bench.sim))
				break;
			cr_assert_eq(r, -EIO);
			cr_assert_eq(error.code, -EIO);
			cr_assert_str_eq(error.path, texts[i].path);
			cr_assert_eq(ls_sim_open_descriptors(bench.sim), 0);
		}
		ls_sim_fail_nth(bench.sim, 0, 0, 0);
		cr_assert_eq(r, 0);
		cr_assert_eq(seen.count, 2);
	}
	bench_fini(&bench);
}
