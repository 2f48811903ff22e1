/*
 * Verify: Kafka's clean directories give nothing to complain about, each damaged one gives exactly its
 * findings; directories made by hand for the kinds Kafka's do not have; the caller's word; every failure.
 */
#include "partition/verify.h"

#include <dirent.h>
#include <errno.h>

#include "format/control.h"
#include "format/index_entry.h"
#include "format/snapshot.h"
#include "verify_bench.h"

TestSuite(verify, .fini = ts_check_leaks, .timeout = 300);

#define FINDINGS_MAX 200

struct findings {
	size_t root_size; /* of the directory, cut off the paths */
	char lines[FINDINGS_MAX][160];
	size_t count;
	size_t by_severity[3];
	size_t stop_at; /* 1-based finding at which the run is ended with `stop_with`; 0: never */
	int stop_with;
};

/* "D TORN_TAIL 130.log @3156": severity, kind, file without leading zeros, position if there is one. */
static int note(void *arg, const struct logstore_finding *finding)
{
	struct findings *findings = arg;
	const char *name = finding->path + findings->root_size;
	char *line = findings->lines[findings->count];
	int used;

	cr_assert_lt(findings->count + 1, FINDINGS_MAX);
	while (*name == '/')
		name++;
	if (strspn(name, "0123456789") == 20) {
		for (int i = 0; i < 19 && *name == '0'; i++)
			name++;
	}
	cr_assert_neq(finding->text[0], '\0');
	used = snprintf(line, sizeof findings->lines[0], "%c %s %s", "NRD"[finding->severity],
	                finding -> kind, name);
	if (finding->position >= 0)
		snprintf(line + used, sizeof findings->lines[0] - (size_t)used, " @%ld",
		         (long)finding->position);
	findings->count++;
	findings->by_severity[finding->severity]++;
	return findings->count == findings->stop_at ? findings->stop_with : 0;
}

static const struct logstore_verify_options defaults = {
	.struct_size = sizeof(struct logstore_verify_options),
	.records = true,
	.max_decompressed_bytes = UINT64_C(1) << 30,
};

static int verify(const struct ls_env *env, const char *path, struct findings *findings,
                  struct logstore_verify_result *result)
{
	findings->root_size = strlen(path);
	findings->count = 0;
	memset(findings->by_severity, 0, sizeof findings->by_severity);
	return ls_verify_partition(env, path, &defaults, note, findings, result, NULL);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All lines in order of the alphabet, each with a newline. */
static const char *show(struct findings *findings)
{
	static char text[FINDINGS_MAX * 161];
	size_t used = 0;

	qsort(findings->lines, findings->count, sizeof findings->lines[0], compare_lines);
	text[0] = '\0';
	for (size_t i = 0; i < findings->count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", findings->lines[i]);
	return text;
}

static struct ls_env disk_env(void)
{
	struct ls_env env;

	ls_env_resolve(NULL, &env);
	env.io = ls_io_threads();
	return env;
}

/* ---- Kafka's directories ---------------------------------------------------------------------------------- */

/* Directories that hold a log, outside of recovery. */
Test(verify, clean_directories)
{
	struct path_list paths = list_files("kafka", ".log");
	struct ls_env env = disk_env();
	static struct findings findings;
	char last[512] = "";
	size_t checked = 0;

	for (size_t i = 0; i < paths.count; i++) {
		struct logstore_verify_result result;
		char *path = paths.items[i];

		*strrchr(path, '/') = '\0';
		if (strstr(path, "/recovery/") || strcmp(path, last) == 0)
			continue;
		snprintf(last, sizeof last, "%s", path);
		cr_assert_eq(verify(&env, path, &findings, &result), 0);
		cr_assert_eq(findings.by_severity[LOGSTORE_REBUILDABLE] +
		                     findings.by_severity[LOGSTORE_DAMAGE],
		             0, "%s:\n%s", path, show(&findings));
		cr_assert_gt(result.segments, 0);
		cr_assert_eq(result.findings[LOGSTORE_NOTE], findings.by_severity[LOGSTORE_NOTE]);
		checked++;
	}
	cr_assert_gt(checked, 80, "only %zu partitions", checked);
	free(paths.items);
}

/* N: note, R: rebuildable, D: damage. */
static const struct {
	const char *path;
	const char *findings;
} recovery[] = {
	{"active-log-empty/rec-0",
	 "R STALE_INDEX 130.index @0\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"as-is/calm-0", ""},
	{"as-is/rec-0", ""},
	{"as-is/rectx-0", ""},
	{"bad-number-checkpoint/rec-0", ""},
	{"bad-recovery-checkpoint/rec-0", ""},
	{"bad-stem-log/rec-0",
	 "D BAD_NAME abc.log\n"},
	{"clean-but-index-empty/rec-0",
	 "R STALE_INDEX 0.timeindex\n"
	 "R STALE_INDEX 43.timeindex\n"
	 "R STALE_INDEX 90.timeindex\n"},
	{"clean-but-index-empty/rectx-0",
	 "R STALE_INDEX 0.timeindex\n"
	 "R STALE_INDEX 3.timeindex\n"
	 "R STALE_INDEX 41.timeindex\n"
	 "R STALE_INDEX 45.timeindex\n"},
	{"clean-but-index-leads/rec-0",
	 "R STALE_INDEX 130.index @48\n"},
	{"clean-but-index-missing/rec-0",
	 "R MISSING_INDEX 130.index\n"},
	{"clean-but-no-snapshots/rectx-0", ""},
	{"clean-but-torn/rec-0",
	 "D TORN_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"
	 "R STALE_SNAPSHOT 174.snapshot\n"},
	{"clean-but-zero-tail/rec-0",
	 "N ZERO_TAIL 130.log @3782\n"},
	{"clean-start/rec-0", ""},
	{"clean-start/rectx-0", ""},
	{"duplicate-tail/rec-0",
	 "D OFFSETS_GO_BACK 130.log @3782\n"},
	{"empty-checkpoints/rec-0", ""},
	{"empty-checkpoints/rectx-0", ""},
	{"epoch-checkpoint-ahead/rec-0",
	 "R STALE_EPOCHS leader-epoch-checkpoint @4\n"},
	{"epoch-checkpoint-missing/rec-0",
	 "R MISSING_FILE leader-epoch-checkpoint\n"},
	{"expired-producers/rectx-0", ""},
	{"far-offset-tail/rec-0",
	 "R OFFSET_OVERFLOW 130.log @3782\n"},
	{"flip-base-offset/rec-0",
	 "D OFFSETS_GO_BACK 130.log @2253\n"
	 "R STALE_INDEX 130.index @16\n"
	 "R STALE_INDEX 130.timeindex @36\n"},
	{"flip-below-recovery-point/rec-0",
	 "D BAD_CRC 0.log @941\n"},
	{"flip-codec-bits/rec-0",
	 "D BAD_CRC 130.log @1438\n"},
	{"flip-crc/rec-0",
	 "D BAD_CRC 130.log @1438\n"},
	{"flip-epoch/rec-0",
	 "N EPOCH_GOES_BACK 130.log @2253\n"
	 "N EPOCH_GOES_BACK 130.log @2760\n"
	 "N EPOCH_GOES_BACK 130.log @3156\n"
	 "R STALE_EPOCHS leader-epoch-checkpoint @3\n"},
	{"flip-first-segment/rec-0",
	 "D BAD_CRC 0.log @1134\n"},
	{"flip-last-record-of-first-segment/rec-0",
	 "D TRUNCATED 0.log @3389\n"
	 "R STALE_INDEX 0.index @32\n"
	 "R STALE_INDEX 0.timeindex @48\n"},
	{"flip-length-small/rec-0",
	 "D BAD_CRC 130.log @1438\n"},
	{"flip-length-up/rec-0",
	 "D MALFORMED 130.log @1438\n"},
	{"flip-magic-legacy/rec-0",
	 "D BAD_CRC 130.log @1438\n"},
	{"flip-magic/rec-0",
	 "D MALFORMED 130.log @1438\n"},
	{"flip-payload/rec-0",
	 "D BAD_CRC 130.log @1438\n"},
	{"gap-tail/rec-0", ""},
	{"garbage-12/rec-0",
	 "D TORN_TAIL 130.log @3782\n"},
	{"garbage-tail/rec-0",
	 "D MALFORMED 130.log @3782\n"},
	{"index-garbage-active/rec-0",
	 "R DAMAGED_INDEX 130.index @0\n"
	 "R DAMAGED_INDEX 130.timeindex @0\n"},
	{"index-garbage-sealed/rec-0",
	 "R DAMAGED_INDEX 0.index @0\n"
	 "R DAMAGED_INDEX 0.timeindex @0\n"},
	{"index-missing-active/rec-0",
	 "R MISSING_INDEX 130.index\n"},
	{"index-missing-sealed/rec-0",
	 "R MISSING_INDEX 0.index\n"},
	{"index-truncated-sealed/rec-0",
	 "R DAMAGED_INDEX 0.index @16\n"},
	{"leftover-checkpoint-tmp/rec-0",
	 "N LEFTOVER leader-epoch-checkpoint.tmp\n"
	 "N LEFTOVER partition.metadata.tmp\n"},
	{"leftover-cleaned/rec-0",
	 "N LEFTOVER 0.index.cleaned\n"
	 "N LEFTOVER 0.log.cleaned\n"
	 "N LEFTOVER 0.timeindex.cleaned\n"
	 "N LEFTOVER 0.txnindex.cleaned\n"},
	{"leftover-delete-directory/rec-0", ""},
	{"leftover-deleted/rec-0",
	 "N LEFTOVER 0.index.deleted\n"
	 "N LEFTOVER 0.log.deleted\n"
	 "N LEFTOVER 0.snapshot.deleted\n"
	 "N LEFTOVER 0.timeindex.deleted\n"
	 "N LEFTOVER anything.deleted\n"},
	{"leftover-swap-and-cleaned/rec-0",
	 "N LEFTOVER 0.log.cleaned\n"
	 "R UNFINISHED_SWAP 43.log.swap\n"},
	{"leftover-swap-old-deleted/rec-0",
	 "N LEFTOVER 0.index.deleted\n"
	 "N LEFTOVER 0.log.deleted\n"
	 "N LEFTOVER 0.timeindex.deleted\n"
	 "N LEFTOVER 43.index.deleted\n"
	 "N LEFTOVER 43.log.deleted\n"
	 "N LEFTOVER 43.timeindex.deleted\n"
	 "R UNFINISHED_SWAP 0.index.swap\n"
	 "R UNFINISHED_SWAP 0.log.swap\n"
	 "R UNFINISHED_SWAP 0.timeindex.swap\n"},
	{"leftover-swap-without-index/rec-0",
	 "R UNFINISHED_SWAP 0.log.swap\n"},
	{"leftover-swap/rec-0",
	 "N UNKNOWN_FILE 130.sidecar\n"
	 "N UNKNOWN_FILE 43.sidecar\n"
	 "R UNFINISHED_SWAP 0.index.swap\n"
	 "R UNFINISHED_SWAP 0.log.swap\n"
	 "R UNFINISHED_SWAP 0.timeindex.swap\n"},
	{"log-missing/rec-0",
	 "D MISSING_LOG 0.index\n"},
	{"log-start-beyond-end/rec-0", ""},
	{"log-start-mid/rec-0", ""},
	{"no-checkpoints/rec-0", ""},
	{"no-checkpoints/rectx-0", ""},
	{"old-batch-tail/rec-0",
	 "D OFFSETS_GO_BACK 130.log @3782\n"},
	{"partition-metadata-missing/rec-0",
	 "N MISSING_FILE partition.metadata\n"},
	{"recovery-point-beyond-end/rec-0", ""},
	{"snapshot-corrupt/rec-0",
	 "R DAMAGED_SNAPSHOT 130.snapshot @2\n"},
	{"snapshot-corrupt/rectx-0",
	 "R DAMAGED_SNAPSHOT 88.snapshot @2\n"},
	{"snapshot-missing/rec-0", ""},
	{"snapshot-missing/rectx-0", ""},
	{"snapshot-stray/rec-0",
	 "R STALE_SNAPSHOT 125.snapshot @56\n"
	 "R STALE_SNAPSHOT 99999.snapshot\n"},
	{"snapshot-trailing-bytes/rectx-0",
	 "R DAMAGED_SNAPSHOT 88.snapshot @2\n"},
	{"snapshots-missing-all/rec-0", ""},
	{"snapshots-missing-all/rectx-0", ""},
	{"timeindex-missing-sealed/rec-0",
	 "R MISSING_INDEX 0.timeindex\n"},
	{"timeindex-truncated-sealed/rec-0",
	 "R DAMAGED_INDEX 0.timeindex @24\n"},
	{"torn-1-byte-left/rec-0",
	 "N ZERO_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"torn-1-byte-missing/rec-0",
	 "D TORN_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"torn-17-bytes-left/rec-0",
	 "D TORN_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"torn-18-bytes-left/rec-0",
	 "D TORN_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"torn-61-bytes-left/rec-0",
	 "D TORN_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"torn-half/rec-0",
	 "D TORN_TAIL 130.log @3156\n"
	 "R STALE_INDEX 130.index @40\n"
	 "R STALE_INDEX 130.timeindex @60\n"},
	{"txnindex-bad-version/rectx-0",
	 "R DAMAGED_INDEX 3.txnindex @0\n"},
	{"txnindex-missing/rectx-0",
	 "R MISSING_INDEX 3.txnindex\n"
	 "R MISSING_INDEX 45.txnindex\n"
	 "R MISSING_INDEX 88.txnindex\n"},
	{"txnindex-partial/rectx-0",
	 "R DAMAGED_INDEX 3.txnindex @68\n"},
	{"unknown-directory/rec-0", ""},
	{"unknown-files/rec-0",
	 "N UNKNOWN_FILE 131.sidecar\n"
	 "N UNKNOWN_FILE notes.txt\n"
	 "N UNKNOWN_FILE sub\n"},
	{"zero-tail-17/rec-0",
	 "N ZERO_TAIL 130.log @3782\n"},
	{"zero-tail-18/rec-0",
	 "N ZERO_TAIL 130.log @3782\n"},
	{"zero-tail-4096/rec-0",
	 "N ZERO_TAIL 130.log @3782\n"},
};

Test(verify, damaged_directories)
{
	struct ls_env env = disk_env();
	static struct findings findings;

	for (size_t i = 0; i < sizeof recovery / sizeof recovery[0]; i++) {
		struct logstore_verify_result result;
		char path[256];
		const char *slash = strchr(recovery[i].path, '/');

		snprintf(path, sizeof path, "kafka/recovery/%.*s/logs%s", (int)(slash - recovery[i].path),
		         recovery[i].path, slash);
		cr_assert_eq(verify(&env, ts_data(path), &findings, &result), 0);
		cr_assert_str_eq(show(&findings), recovery[i].findings, "%s:\n%s", recovery[i].path,
		                 show(&findings));
		for (int severity = 0; severity < 3; severity++)
			cr_assert_eq(result.findings[severity], findings.by_severity[severity]);
	}
}

/* Every folder of recovery is in the table. */
Test(verify, no_folder_is_left_out)
{
	DIR *directory = opendir(ts_data("kafka/recovery"));
	struct dirent *entry;

	cr_assert_not_null(directory);
	while ((entry = readdir(directory))) {
		size_t size = strlen(entry->d_name);
		bool found = entry->d_name[0] == '.';

		for (size_t i = 0; i < sizeof recovery / sizeof recovery[0] && !found; i++)
			found = strncmp(recovery[i].path, entry->d_name, size) == 0 &&
			        recovery[i].path[size] == '/';
		cr_assert(found, "%s", entry->d_name);
	}
	cr_assert_eq(closedir(directory), 0);
}

/* Without records: the same, but for what only records tell; transactions are followed all the same. */
Test(verify, without_records)
{
	struct logstore_verify_options options = defaults;
	struct logstore_verify_result result;
	struct ls_env env = disk_env();
	static struct findings findings;
	const char *path = ts_data("kafka/recovery/txnindex-missing/logs/rectx-0");

	options.records = false;
	findings.root_size = strlen(path);
	cr_assert_eq(ls_verify_partition(&env, path, &options, note, &findings, &result, NULL), 0);
	cr_assert_str_eq(show(&findings), "R MISSING_INDEX 3.txnindex\n"
	                                  "R MISSING_INDEX 45.txnindex\n"
	                                  "R MISSING_INDEX 88.txnindex\n");
	cr_assert_gt(result.batches, result.records); /* markers only */
}

Test(verify, counts_what_it_read)
{
	struct logstore_verify_result result;
	struct ls_env env = disk_env();
	static struct findings findings;
	struct logstore_error error;

	cr_assert_eq(verify(&env, ts_data("kafka/recovery/as-is/logs/rec-0"), &findings, &result), 0);
	cr_assert_eq(result.segments, 4);
	cr_assert_eq(result.records, 174);
	cr_assert_gt(result.batches, 20);
	cr_assert_gt(result.bytes, 10000);
	memset(&result, 0x55, sizeof result);
	cr_assert_eq(ls_verify_partition(&env, ts_data("kafka/nowhere"), &defaults, note, &findings, &result,
	                                 &error),
	             -ENOENT);
	cr_assert_eq(result.segments, UINT64_C(0x5555555555555555)); /* untouched */
	cr_assert_str_eq(error.path, ts_data("kafka/nowhere"));
}

/* ---- made by hand ----------------------------------------------------------------------------------------- */

#define METADATA "version: 0\ntopic_id: Nuh6qrVRRjCmZIT3QuQF0g"

/* Builds a log batch by batch. */
struct log {
	uint8_t bytes[8192];
	size_t size;
};

/* One batch with real records: no keys, no values, offsets base .. base + count - 1. */
static uint8_t *add(struct log *log, int64_t base, int32_t count, int64_t timestamp, int32_t epoch)
{
	uint8_t *batch = log->bytes + log->size;
	size_t size = make_batch(batch, base, count - 1, timestamp, (size_t)count * 7);

	for (int32_t i = 0; i < count; i++) {
		/* length 6: attributes, timestamp delta, offset delta, null key, null value, no headers */
		const uint8_t record[7] = {12, 0, 0, (uint8_t)(2 * i), 1, 1, 0};

		memcpy(batch + LS_BATCH_HEADER_SIZE + i * 7, record, sizeof record);
	}
	ls_store_be32s(batch + LS_BATCH_LEADER_EPOCH, epoch);
	ls_store_be32(batch + LS_BATCH_CRC, ls_batch_compute_crc(batch, size));
	log->size += size;
	return batch;
}

static void seal(uint8_t *batch)
{
	ls_store_be32(batch + LS_BATCH_CRC,
	              ls_batch_compute_crc(batch, ls_load_be32(batch + LS_BATCH_LENGTH) + 12));
}

/* Data of a transaction. */
static void add_data(struct log *log, int64_t base, int32_t count, int64_t producer_id)
{
	uint8_t *batch = add(log, base, count, 5, 0);

	batch[LS_BATCH_ATTRIBUTES + 1] = LS_ATTR_TRANSACTIONAL;
	ls_store_be64s(batch + LS_BATCH_PRODUCER_ID, producer_id);
	ls_store_be16s(batch + LS_BATCH_PRODUCER_EPOCH, 0);
	ls_store_be32s(batch + LS_BATCH_BASE_SEQUENCE, 0);
	seal(batch);
}

static void add_marker(struct log *log, int64_t offset, int64_t producer_id, bool commit)
{
	uint8_t *batch = log->bytes + log->size;
	size_t size = make_batch(batch, offset, 0, 5, 17);
	/* length 16: attributes, timestamp delta, offset delta, key length 4, key, value length 6, value, no headers */
	uint8_t record[17] = {32, 0, 0, 0, 8, 0, 0, 0, 0, 12};

	ls_marker_write(commit, 3, record + 5, record + 10);
	memcpy(batch + LS_BATCH_HEADER_SIZE, record, sizeof record);
	ls_store_be32s(batch + LS_BATCH_LEADER_EPOCH, 0);
	batch[LS_BATCH_ATTRIBUTES + 1] = LS_ATTR_TRANSACTIONAL | LS_ATTR_CONTROL;
	ls_store_be64s(batch + LS_BATCH_PRODUCER_ID, producer_id);
	ls_store_be16s(batch + LS_BATCH_PRODUCER_EPOCH, 0);
	seal(batch);
	log->size += size;
}

/* A partition "/p" with its text files. */
static void put_partition(struct bench *bench, const char *epochs)
{
	bench_put(bench, "/p/partition.metadata", METADATA, strlen(METADATA));
	bench_put(bench, "/p/leader-epoch-checkpoint", epochs, strlen(epochs));
}

static void put_segment(struct bench *bench, int64_t base, const struct log *log)
{
	char path[64];

	snprintf(path, sizeof path, "/p/%020ld.log", (long)base);
	bench_put(bench, path, log->bytes, log->size);
	snprintf(path, sizeof path, "/p/%020ld.index", (long)base);
	bench_put(bench, path, "", 0);
	snprintf(path, sizeof path, "/p/%020ld.timeindex", (long)base);
	bench_put(bench, path, "", 0);
}

static void expect(struct bench *bench, const char *what, const char *want)
{
	struct logstore_verify_result result;
	static struct findings findings;

	cr_assert_eq(verify(bench->env, "/p", &findings, &result), 0);
	cr_assert_str_eq(show(&findings), want, "%s:\n%s", what, show(&findings));
}

Test(verify, names)
{
	const struct logstore_io *io;
	struct log log = {0};
	struct bench bench;

	bench_init(&bench);
	io = bench.env->io;
	expect(&bench, "nothing", "D NO_SEGMENTS \nN MISSING_FILE leader-epoch-checkpoint\n"
	                          "N MISSING_FILE partition.metadata\n");
	put_partition(&bench, "0\n1\n0 0\n");
	(void)add(&log, 0, 3, 5, 0);
	put_segment(&bench, 0, &log);
	expect(&bench, "clean", "");
	bench_put(&bench, "/p/abc.index", "", 0);
	bench_put(&bench, "/p/5.log", "", 0);
	bench_put(&bench, "/p/5.index", "", 0);
	bench_put(&bench, "/p/-7.log", "", 0);
	bench_put(&bench, "/p/xyz.log.deleted", "", 0);
	bench_put(&bench, "/p/00000000000000000009.txnindex.cleaned", "", 0);
	bench_put(&bench, "/p/00000000000000000009.log.swap", "", 0);
	bench_put(&bench, "/p/notes", "", 0);
	bench_put(&bench, "/p/leader-epoch-checkpoint.tmp", "", 0);
	bench_put(&bench, "/p/logstore-journal", "", 0);
	bench_put(&bench, "/p/00000000000000000009-0000000003.checkpoint", "", 0);
	bench_put(&bench, "/p/00000000000000000009-0000000003.checkpoint.part", "", 0);
	cr_assert_eq(io->mkdir(io->ctx, "/p/sub"), 0);
	cr_assert_eq(io->mkdir(io->ctx, "/p/abc.log"), 0);
	cr_assert_eq(io->mkdir(io->ctx, "/p/00000000000000000003.index"), 0);
	expect(&bench, "odd names", "D BAD_NAME -7.log\n"
	                            "D BAD_NAME 5.log\n"
	                            "D BAD_NAME abc.index\n"
	                            "D NOT_A_FILE 3.index\n"
	                            "N LEFTOVER 9-0000000003.checkpoint.part\n"
	                            "N LEFTOVER 9.txnindex.cleaned\n"
	                            "N LEFTOVER leader-epoch-checkpoint.tmp\n"
	                            "N LEFTOVER xyz.log.deleted\n"
	                            "N UNKNOWN_FILE 5.index\n"
	                            "N UNKNOWN_FILE abc.log\n"
	                            "N UNKNOWN_FILE notes\n"
	                            "N UNKNOWN_FILE sub\n"
	                            "R UNFINISHED_SWAP 9.log.swap\n");
	bench_fini(&bench);
}

Test(verify, indexes_without_a_log)
{
	struct log log = {0};
	struct bench bench;

	bench_init(&bench);
	put_partition(&bench, "0\n1\n0 0\n");
	(void)add(&log, 10, 5, 5, 0);
	put_segment(&bench, 10, &log);
	bench_put(&bench, "/p/00000000000000000020.timeindex", "", 0); /* of no interest alone */
	bench_put(&bench, "/p/00000000000000000000.index", "\0\0\0\5\0\0\0\1", 8);
	bench_put(&bench, "/p/00000000000000000012.index", "\0\0\0\5\0\0\0\1", 8);
	bench_put(&bench, "/p/00000000000000000015.index", "\0\0\0\5\0\0\0\1", 8);
	bench_put(&bench, "/p/00000000000000000004.index", "", 0);
	bench_put(&bench, "/p/00000000000000000007.index", "\0\0\0\5\0\0\0\1", 8);
	bench_put(&bench, "/p/00000000000000000007.log.deleted", "", 0);
	expect(&bench, "orphans", "D MISSING_LOG 0.index\n"
	                          "D MISSING_LOG 15.index\n"
	                          "N LEFTOVER 7.log.deleted\n"
	                          "N ORPHAN_INDEX 12.index\n"
	                          "N ORPHAN_INDEX 4.index\n"
	                          "N ORPHAN_INDEX 7.index\n");
	bench_fini(&bench);
}

Test(verify, offsets_and_epochs)
{
	struct log log = {0}, second = {0}, far = {0};
	struct bench bench;

	bench_init(&bench);
	put_partition(&bench, "0\n2\n0 0\n3 6\n");
	(void)add(&log, 0, 3, 5, 0);
	(void)add(&log, 3, 3, 4, 0);
	(void)add(&log, 6, 2, 4, 3);
	put_segment(&bench, 0, &log);
	expect(&bench, "clean", "");
	/* Epochs that do not fit: one finding, at the line that is wrong. */
	put_partition(&bench, "0\n2\n0 0\n2 6\n");
	expect(&bench, "epoch", "R STALE_EPOCHS leader-epoch-checkpoint @4\n");
	put_partition(&bench, "0\n0\n");
	expect(&bench, "no epochs", "R STALE_EPOCHS leader-epoch-checkpoint\n");
	put_partition(&bench, "0\n1\n3 6\n"); /* cut off at the log start */
	expect(&bench, "later epochs", "");
	put_partition(&bench, "0\n3\n0 0\n3 6\n4 9\n");
	expect(&bench, "epoch above the end", "R STALE_EPOCHS leader-epoch-checkpoint @5\n");
	put_partition(&bench, "0\n3\n0 0\n3 6\n4 8\n");
	expect(&bench, "epoch at the end", "");
	put_partition(&bench, "0\n5\n0 0\n");
	expect(&bench, "damaged epochs", "R DAMAGED_EPOCHS leader-epoch-checkpoint @4\n");
	bench_remove(&bench, "/p/leader-epoch-checkpoint");
	expect(&bench, "missing epochs", "R MISSING_FILE leader-epoch-checkpoint\n");
	put_partition(&bench, "0\n2\n0 0\n3 6\n");
	bench_put(&bench, "/p/partition.metadata", "version: 0\n", 11);
	expect(&bench, "damaged id", "R DAMAGED_METADATA partition.metadata @2\n");
	put_partition(&bench, "0\n2\n0 0\n3 6\n");
	bench_put(&bench, "/p/logstore-config", "a=\\u1", 5);
	expect(&bench, "damaged settings", "R DAMAGED_CONFIG logstore-config @1\n");
	bench_remove(&bench, "/p/logstore-config");

	/* A second segment: the first one's time index is closed. */
	bench_put(&bench, "/p/00000000000000000000.timeindex", "\0\0\0\0\0\0\0\5\0\0\0\2", 12);
	(void)add(&second, 7, 1, 4, 3);
	put_segment(&bench, 7, &second);
	expect(&bench, "overlap", "D OFFSETS_GO_BACK 7.log @0\n");
	bench_remove(&bench, "/p/00000000000000000007.log");
	bench_remove(&bench, "/p/00000000000000000007.index");
	bench_remove(&bench, "/p/00000000000000000007.timeindex");
	(void)add(&far, 100 + (int64_t)INT32_MAX, 1, 4, 3);
	(void)add(&far, 100 + (int64_t)INT32_MAX, 2, 4, 3); /* once more */
	(void)add(&far, 102 + (int64_t)INT32_MAX, 2, 4, 0);
	put_segment(&bench, 99, &far);
	expect(&bench, "far", "D OFFSETS_GO_BACK 99.log @68\n"
	                      "N EPOCH_GOES_BACK 99.log @143\n"
	                      "R OFFSET_OVERFLOW 99.log @0\n"
	                      "R OFFSET_OVERFLOW 99.log @143\n"
	                      "R STALE_EPOCHS leader-epoch-checkpoint @4\n");
	bench_fini(&bench);
}

Test(verify, records)
{
	struct log log = {0};
	struct bench bench;
	uint8_t *batch;

	bench_init(&bench);
	put_partition(&bench, "0\n1\n0 0\n");
	batch = add(&log, 0, 3, 5, 0);
	batch[LS_BATCH_HEADER_SIZE + 7 + 3] = 0; /* offset delta of the second record: that of the first */
	seal(batch);
	batch = add(&log, 3, 3, 5, 0);
	batch[LS_BATCH_HEADER_SIZE + 14 + 3] = 20; /* past the batch */
	seal(batch);
	batch = add(&log, 6, 3, 5, 0);
	batch[LS_BATCH_HEADER_SIZE] = 14; /* a length that does not fit */
	seal(batch);
	batch = add(&log, 9, 1, 5, 0);
	batch[LS_BATCH_HEADER_SIZE + 2] = 2; /* later than the header says */
	seal(batch);
	put_segment(&bench, 0, &log);
	expect(&bench, "records", "D BAD_RECORD 0.log @0\n"
	                          "D BAD_RECORD 0.log @164\n"
	                          "D BAD_RECORD 0.log @82\n"
	                          "N BATCH_TIMESTAMP 0.log @246\n");
	bench_fini(&bench);
}

/* Sealed: 0-2 at byte 0 (timestamp 5), 3-5 at 82 (7), 6-8 at 164 (6); then an empty segment. */
static void put_sealed(struct bench *bench)
{
	struct log log = {0}, empty = {0};

	put_partition(bench, "0\n1\n0 0\n");
	(void)add(&log, 0, 3, 5, 0);
	(void)add(&log, 3, 3, 7, 0);
	(void)add(&log, 6, 3, 6, 0);
	put_segment(bench, 0, &log);
	put_segment(bench, 9, &empty);
}

static void index_case(const char *what, const char *ending, const void *bytes, size_t size, const char *want)
{
	struct bench bench;
	char path[64];

	bench_init(&bench);
	put_sealed(&bench);
	bench_put(&bench, "/p/00000000000000000000.timeindex", "\0\0\0\0\0\0\0\7\0\0\0\5", 12);
	snprintf(path, sizeof path, "/p/00000000000000000000%s", ending);
	bench_put(&bench, path, bytes, size);
	expect(&bench, what, want);
	bench_fini(&bench);
}

Test(verify, index_entries)
{
	index_case("right", ".index", "\0\0\0\5\0\0\0\x52\0\0\0\x8\0\0\0\xa4", 16, "");
	index_case("two batches in one append", ".index", "\0\0\0\x8\0\0\0\x52", 8, "");
	index_case("an offset no batch ends with", ".index", "\0\0\0\7\0\0\0\x52", 8,
	           "R STALE_INDEX 0.index @0\n");
	index_case("an offset past the last batch", ".index", "\0\0\0\5\0\0\0\x52\0\0\0\x9\0\0\0\xa4", 16,
	           "R STALE_INDEX 0.index @8\n");
	index_case("another position", ".index", "\0\0\0\5\0\0\0\x53", 8, "R STALE_INDEX 0.index @0\n");
	index_case("an earlier offset", ".index", "\0\0\0\4\0\0\0\x52", 8, "R STALE_INDEX 0.index @0\n");
	index_case("a position past the end", ".index", "\0\0\0\5\0\0\1\0", 8, "R STALE_INDEX 0.index @0\n");
	index_case("half an entry", ".index", "\0\0\0\5\0\0", 6, "R DAMAGED_INDEX 0.index @0\n");
	index_case("a zero tail", ".index", "\0\0\0\5\0\0\0\x52\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "");
	index_case("right", ".timeindex", "\0\0\0\0\0\0\0\5\0\0\0\2\0\0\0\0\0\0\0\7\0\0\0\5", 24, "");
	index_case("a record inside the batch", ".timeindex", "\0\0\0\0\0\0\0\7\0\0\0\4", 12, "");
	index_case("too large", ".timeindex", "\0\0\0\0\0\0\0\x8\0\0\0\5", 12,
	           "R STALE_INDEX 0.timeindex @0\n");
	index_case("too small", ".timeindex", "\0\0\0\0\0\0\0\6\0\0\0\5\0\0\0\0\0\0\0\7\0\0\0\6", 24,
	           "R STALE_INDEX 0.timeindex @0\n");
	index_case("not closed", ".timeindex", "\0\0\0\0\0\0\0\5\0\0\0\2", 12,
	           "R STALE_INDEX 0.timeindex @0\n");
	index_case("empty", ".timeindex", "", 0, "R STALE_INDEX 0.timeindex\n");
	index_case("past the last batch", ".timeindex", "\0\0\0\0\0\0\0\7\0\0\0\5\0\0\0\0\0\0\0\x9\0\0\0\x9",
	           24, "R STALE_INDEX 0.timeindex @12\n");
	index_case("no transactions", ".txnindex", "", 0, "");
	index_case("damaged", ".txnindex", "\0\1", 2, "R DAMAGED_INDEX 0.txnindex @0\n");
}

/*
 * Producer 1: 0-1, aborted at 5; producer 2: 2-3, aborted at 6; producer 3: a marker alone at 7; producer 4:
 * 8, committed at 9.
 */
static void txn_case(const char *what, const struct logstore_txn_entry *entries, size_t count,
                     const char *want)
{
	uint8_t bytes[LS_TXN_ENTRY_SIZE * 8];
	struct log log = {0};
	struct bench bench;

	bench_init(&bench);
	put_partition(&bench, "0\n1\n0 0\n");
	add_data(&log, 0, 2, 1);
	add_data(&log, 2, 2, 2);
	(void)add(&log, 4, 1, 5, 0);
	add_marker(&log, 5, 1, false);
	add_marker(&log, 6, 2, false);
	add_marker(&log, 7, 3, false);
	add_data(&log, 8, 1, 4);
	add_marker(&log, 9, 4, true);
	put_segment(&bench, 0, &log);
	for (size_t i = 0; i < count; i++)
		ls_txn_entry_write(bytes + i * LS_TXN_ENTRY_SIZE, &entries[i]);
	if (count > 0)
		bench_put(&bench, "/p/00000000000000000000.txnindex", bytes, count * LS_TXN_ENTRY_SIZE);
	expect(&bench, what, want);
	bench_fini(&bench);
}

static struct logstore_txn_entry txn(int64_t producer_id, int64_t first, int64_t last, int64_t stable)
{
	return (struct logstore_txn_entry){.producer_id = producer_id,
	                                   .first_offset = first,
	                                   .last_offset = last,
	                                   .last_stable_offset = stable};
}

Test(verify, transactions)
{
	struct logstore_txn_entry e[4] = {txn(1, 0, 5, 2), txn(2, 2, 6, 7)};

	txn_case("right", e, 2, "");
	e[2] = txn(3, 7, 7, 8);
	txn_case("an entry for a marker alone", e, 3, "");
	e[2] = txn(4, 8, 9, 10);
	txn_case("an entry for a commit", e, 3, "R STALE_INDEX 0.txnindex @68\n");
	e[2] = txn(4, 8, 10, 11);
	txn_case("past the end", e, 3, "R STALE_INDEX 0.txnindex @68\n");
	txn_case("no file", e, 0, "R MISSING_INDEX 0.txnindex\n");
	txn_case("the last one missing", e, 1, "R STALE_INDEX 0.txnindex\n");
	txn_case("the first one missing", e + 1, 1, "R STALE_INDEX 0.txnindex @0\n");
	e[0] = txn(7, 0, 5, 2);
	txn_case("another producer", e, 2, "R STALE_INDEX 0.txnindex @0\n");
	e[0] = txn(1, 1, 5, 2);
	txn_case("begins too late", e, 2, "R STALE_INDEX 0.txnindex @0\n");
	e[0] = txn(1, 0, 5, 6);
	txn_case("stable offset above an open transaction", e, 2, "R STALE_INDEX 0.txnindex @0\n");
	e[0] = txn(1, 0, 4, 2);
	txn_case("no marker there", e, 2, "R STALE_INDEX 0.txnindex @0\n");
	e[0] = txn(1, 0, 5, 2);
	e[1] = txn(1, 0, 5, 2);
	txn_case("twice", e, 2, "R STALE_INDEX 0.txnindex @34\n");
}

/* A marker that cannot be read: nothing is said about transactions any more. */
Test(verify, damage_is_not_told_twice)
{
	struct log log = {0};
	struct bench bench;
	size_t marker;

	bench_init(&bench);
	put_partition(&bench, "0\n1\n0 0\n");
	add_data(&log, 0, 2, 1);
	marker = log.size;
	add_marker(&log, 2, 1, true);
	add_data(&log, 3, 1, 1);
	add_marker(&log, 4, 1, false);
	put_segment(&bench, 0, &log);
	expect(&bench, "clean but for the index", "R MISSING_INDEX 0.txnindex\n");
	log.bytes[marker + LS_BATCH_CRC] ^= 1;
	put_segment(&bench, 0, &log);
	bench_put(&bench, "/p/00000000000000000000.index", "\0\0\0\2\0\0\0\x4b",
	          8); /* leads to the damaged batch */
	bench_put(&bench, "/p/00000000000000000000.timeindex", "\0\0\0\0\0\0\0\x63\0\0\0\2", 12);
	expect(&bench, "damaged", "D BAD_CRC 0.log @75\n");
	bench_fini(&bench);
}

Test(verify, snapshots)
{
	struct logstore_producer_entry producer = {
		.producer_id = 5, .last_offset = 2, .current_txn_first_offset = -1};
	struct log log = {0};
	struct ls_buf file;
	struct bench bench;

	bench_init(&bench);
	put_partition(&bench, "0\n1\n0 0\n");
	(void)add(&log, 0, 3, 5, 0);
	put_segment(&bench, 0, &log);
	ls_buf_init(&file, bench.env);
	cr_assert_eq(ls_snapshot_write(&file, &producer, 1), 0);
	bench_put(&bench, "/p/00000000000000000003.snapshot", file.data, file.size);
	expect(&bench, "right", "");
	bench_put(&bench, "/p/00000000000000000002.snapshot", file.data, file.size);
	expect(&bench, "behind its offset", "R STALE_SNAPSHOT 2.snapshot @10\n");
	bench_remove(&bench, "/p/00000000000000000002.snapshot");
	bench_put(&bench, "/p/00000000000000000004.snapshot", file.data, file.size);
	expect(&bench, "past the log", "R STALE_SNAPSHOT 4.snapshot\n");
	bench_put(&bench, "/p/00000000000000000004.snapshot", file.data, file.size - 1);
	bench_remove(&bench, "/p/00000000000000000003.snapshot");
	expect(&bench, "cut and past the log",
	       "R DAMAGED_SNAPSHOT 4.snapshot @2\nR STALE_SNAPSHOT 4.snapshot\n");
	ls_buf_fini(&file);
	bench_fini(&bench);
}

/* ---- the data directory ----------------------------------------------------------------------------------- */

static const char *verify_directory(const struct ls_env *env, const char *path)
{
	static struct findings findings;

	findings.count = 0;
	findings.root_size = strlen(path);
	cr_assert_eq(ls_verify_directory(env, path, note, &findings, NULL), 0);
	return show(&findings);
}

Test(verify, kafkas_data_directories)
{
	static const struct {
		const char *path;
		const char *findings;
	} cases[] = {
		{"kafka/recovery/as-is/logs", ""},
		{"kafka/recovery/clean-start/logs", ""},
		{"kafka/recovery/empty-checkpoints/logs", ""},
		{"kafka/recovery/no-checkpoints/logs", ""},
		{"kafka/recovery/leftover-checkpoint-tmp/logs", ""},
		{"kafka/internal-topics/logs", ""},
		{"kafka/codecs/logs", ""},
		{"kafka/legacy/logs", ""},
		{"kafka/recovery/bad-number-checkpoint/logs",
	         "R DAMAGED_CHECKPOINT recovery-point-offset-checkpoint @3\n"},
		{"kafka/recovery/bad-recovery-checkpoint/logs",
	         "R DAMAGED_CHECKPOINT recovery-point-offset-checkpoint @4\n"},
		{"kafka/recovery/leftover-delete-directory/logs",
	         "N LEFTOVER calm-0.0123456789abcdef0123456789abcdef-delete\n"
	         "N LEFTOVER old-7.fedcba9876543210fedcba9876543210-stray\n"},
	};
	struct ls_env env = disk_env();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *found = verify_directory(&env, ts_data(cases[i].path));

		cr_assert_str_eq(found, cases[i].findings, "%s:\n%s", cases[i].path, found);
	}
}

Test(verify, a_data_directory_by_hand)
{
	static const char *const directories[] = {
		"/p/orders-0",
		"/p/lost+found",
		"/p/orders",
		"/p/orders-x",
		"/p/orders-007",
		"/p/a-1.x-future",
		"/p/remote-log-index-cache",
		"/p/a-1.0123456789abcdef0123456789abcdef-delete",
		"/p/-delete",
	};
	static const char checkpoint[] =
		"0\n5\norders 0 7\norders 1 8\norders 7 9\nplain 0 4\n../p/orders 0 1\n";
	static struct findings findings;
	struct logstore_error error;
	struct bench bench;

	bench_init(&bench);
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		cr_assert_eq(bench.env->io->mkdir(bench.env->io->ctx, directories[i]), 0);
	bench_put(&bench, "/p/plain-0", "", 0); /* a file, no partition */
	bench_put(&bench, "/p/anything", "", 0);
	bench_put(&bench, "/p/replication-offset-checkpoint", checkpoint, strlen(checkpoint));
	bench_put(&bench, "/p/cleaner-offset-checkpoint", "0\n1\norders 2 7\n", 15);
	bench_put(&bench, "/p/log-start-offset-checkpoint", "x", 1);
	bench_put(&bench, "/p/meta.properties", "\\u", 2);
	bench_put(&bench, "/p/.kafka_cleanshutdown", "oops", 4);
	cr_assert_str_eq(verify_directory(bench.env, "/p"),
	                 "D BAD_NAME -delete\n"
	                 "D BAD_NAME lost+found\n"
	                 "D BAD_NAME orders\n"
	                 "D BAD_NAME orders-007\n"
	                 "D BAD_NAME orders-x\n"
	                 "N BAD_MARKER .kafka_cleanshutdown\n"
	                 "N LEFTOVER a-1.0123456789abcdef0123456789abcdef-delete\n"
	                 "N STALE_CHECKPOINT cleaner-offset-checkpoint @3\n"
	                 "N STALE_CHECKPOINT replication-offset-checkpoint @4\n"
	                 "N STALE_CHECKPOINT replication-offset-checkpoint @5\n"
	                 "N STALE_CHECKPOINT replication-offset-checkpoint @6\n"
	                 "R DAMAGED_CHECKPOINT log-start-offset-checkpoint @1\n"
	                 "R DAMAGED_CHECKPOINT replication-offset-checkpoint @7\n"
	                 "R DAMAGED_METADATA meta.properties @1\n");
	bench_put(&bench, "/p/.kafka_cleanshutdown", "", 0);
	bench_remove(&bench, "/p/meta.properties");
	cr_assert_eq(ls_verify_directory(bench.env, "/nowhere", note, &findings, &error), -ENOENT);
	cr_assert_str_eq(error.path, "/nowhere");
	/* The caller's word ends it, at every finding. */
	findings.root_size = 2;
	for (findings.stop_at = 1; findings.stop_at <= 11; findings.stop_at++) {
		findings.stop_with = findings.stop_at % 2 ? 5 : -7;
		findings.count = 0;
		cr_assert_eq(ls_verify_directory(bench.env, "/p", note, &findings, NULL), findings.stop_with,
		             "%zu", findings.stop_at);
		cr_assert_eq(findings.count, findings.stop_at);
	}
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		cr_assert_eq(bench.env->io->rmdir(bench.env->io->ctx, directories[i]), 0);
	bench_fini(&bench);
}

/* ---- the caller's word and failures ----------------------------------------------------------------------- */

Test(verify, the_callback_ends_the_run)
{
	static const char *const folders[] = {
		"flip-base-offset/logs/rec-0", "leftover-swap-old-deleted/logs/rec-0",
		"clean-but-torn/logs/rec-0",   "txnindex-missing/logs/rectx-0",
		"snapshot-stray/logs/rec-0",   "epoch-checkpoint-missing/logs/rec-0",
		"log-missing/logs/rec-0",      "index-garbage-active/logs/rec-0",
		"flip-epoch/logs/rec-0",       "partition-metadata-missing/logs/rec-0"};
	struct logstore_verify_result result;
	static struct findings findings;
	struct ts_alloc alloc;

	ts_alloc_init(&alloc);
	alloc.ls.io = ls_io_threads();
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char path[200];
		size_t count;

		snprintf(path, sizeof path, "kafka/recovery/%s", folders[i]);
		findings.stop_at = 0;
		cr_assert_eq(verify(&alloc.ls, ts_data(path), &findings, &result), 0);
		count = findings.count;
		cr_assert_gt(count, 0);
		for (findings.stop_at = 1; findings.stop_at <= count; findings.stop_at++) {
			static const int words[] = {1, 99, -5, -ENOMEM, -ENOENT};

			for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
				findings.stop_with = words[k];
				cr_assert_eq(verify(&alloc.ls, ts_data(path), &findings, &result), words[k],
				             "%s: %zu", folders[i], findings.stop_at);
				cr_assert_eq(findings.count, findings.stop_at);
				cr_assert_eq(atomic_load(&alloc.outstanding), 0);
			}
		}
	}
}

struct told {
	uint64_t calls, done, total, stop_at;
};

static int progress(void *arg, uint64_t done, uint64_t total)
{
	struct told *told = arg;

	cr_assert_geq(done, told->done);
	cr_assert_leq(done, total);
	told->done = done;
	told->total = total;
	return ++told->calls == told->stop_at;
}

Test(verify, tells_how_far_it_is)
{
	struct logstore_verify_options options = defaults;
	struct logstore_verify_result result;
	static struct findings findings;
	struct ls_env env = disk_env();
	struct told told = {0};
	struct logstore_error error;

	options.progress = progress;
	options.progress_arg = &told;
	cr_assert_eq(ls_verify_partition(&env, ts_data("kafka/recovery/as-is/logs/rec-0"), &options, note,
	                                 &findings, &result, &error),
	             0);
	cr_assert_eq(told.calls, 4); /* once a segment at least */
	cr_assert_eq(told.done, told.total);
	cr_assert_eq(told.total, result.bytes);
	told = (struct told){.stop_at = 2};
	cr_assert_eq(ls_verify_partition(&env, ts_data("kafka/recovery/as-is/logs/rec-0"), &options, note,
	                                 &findings, &result, &error),
	             -ECANCELED);
	cr_assert_eq(error.code, -ECANCELED);
	cr_assert_eq(told.calls, 2);
}

/* Kafka's directory in the simulated file system. */
static void load_directory(struct bench *bench, const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	cr_assert_not_null(directory);
	while ((entry = readdir(directory))) {
		char from[600], to[300];
		uint8_t *bytes;
		size_t size;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(from, sizeof from, "%s/%s", path, entry->d_name);
		snprintf(to, sizeof to, "/p/%s", entry->d_name);
		bytes = ts_read_file(from, &size);
		bench_put(bench, to, bytes, size);
		free(bytes);
	}
	cr_assert_eq(closedir(directory), 0);
}

Test(verify, memory_that_runs_out)
{
	struct logstore_verify_result result;
	static struct findings findings;
	struct bench bench;
	long n;
	int r;

	bench_init(&bench);
	load_directory(&bench, ts_data("kafka/recovery/as-is/logs/rectx-0"));
	for (n = 1;; n++) {
		atomic_store(&bench.alloc.requests, 0);
		atomic_store(&bench.alloc.fail_at, n);
		r = verify(bench.env, "/p", &findings, &result);
		if (!ts_alloc_failed(&bench.alloc))
			break;
		cr_assert_eq(r, -ENOMEM, "allocation %ld: %d", n, r);
		cr_assert_eq(atomic_load(&bench.alloc.outstanding), 0);
		cr_assert_eq(ls_sim_open_descriptors(bench.sim), 0);
	}
	cr_assert_eq(r, 0);
	cr_assert_gt(n, 20);
	bench_fini(&bench);
}

/* A file that cannot be read is a finding, and the others are still looked at. */
Test(verify, files_that_cannot_be_read)
{
	struct logstore_verify_result result;
	static struct findings findings;
	struct bench bench;
	uint64_t n, unreadable = 0;
	int r;

	bench_init(&bench);
	load_directory(&bench, ts_data("kafka/recovery/as-is/logs/rectx-0"));
	for (n = 1;; n++) {
		ls_sim_fail_nth(bench.sim, n, EIO, ~(UINT32_C(1) << LOGSTORE_IO_OP_CLOSE));
		r = verify(bench.env, "/p", &findings, &result);
		if (ls_sim_fault_pending(bench.sim))
			break;
		cr_assert(r == 0 || (r == -EIO && n == 1), "operation %lu: %d", (unsigned long)n, r);
		if (r == 0)
			cr_assert_gt(findings.by_severity[LOGSTORE_REBUILDABLE] +
			                     findings.by_severity[LOGSTORE_DAMAGE],
			             0, "operation %lu went unnoticed", (unsigned long)n);
		for (size_t i = 0; i < findings.count; i++)
			unreadable += strncmp(findings.lines[i], "D UNREADABLE", 12) == 0;
		cr_assert_eq(atomic_load(&bench.alloc.outstanding), 0);
		cr_assert_eq(ls_sim_open_descriptors(bench.sim), 0);
	}
	ls_sim_fail_nth(bench.sim, 0, 0, 0);
	cr_assert_eq(r, 0);
	cr_assert_eq(findings.count, 0, "%s", show(&findings));
	cr_assert_gt(unreadable, 10);
	bench_fini(&bench);
}
