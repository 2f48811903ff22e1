/*
 * The scanner: every batch of Kafka's directories as Kafka lists it, a small log cut at every byte and with
 * every bit flipped, zero tails, batches larger than the window, searches that must neither miss a batch
 * nor invent one nor take long, and every failure.
 */
#include "segment/scan.h"

#include <errno.h>
#include <jansson.h>

#include "segment_bench.h"

#define LOG "/p/00000000000000000000.log"

TestSuite(scan, .fini = ts_check_leaks, .timeout = 300);

static struct logstore_scan_options options_with(bool skip_damaged, bool read_records)
{
	return (struct logstore_scan_options){
		.struct_size = sizeof(struct logstore_scan_options),
		.check_crc = true,
		.skip_damaged = skip_damaged,
		.read_records = read_records,
		.end_position = UINT64_MAX,
		.max_batch_bytes = UINT64_C(256) << 20,
		.max_decompressed_bytes = UINT64_C(1) << 30,
	};
}

/* The simulated files with the plain allocator: many short scans. */
static struct ls_env quick_env(struct bench *bench)
{
	struct ls_env env;

	ls_env_resolve(NULL, &env);
	env.io = bench->env->io;
	return env;
}

static struct ls_env disk_env(void)
{
	struct ls_env env;

	ls_env_resolve(NULL, &env);
	env.io = ls_io_threads();
	return env;
}

struct items {
	struct logstore_scan_item items[4000];
	size_t count;
	uint64_t records;
};

/* A whole scan; with read_records every record is asked for. Returns what ended it. */
static int scan_all(const struct ls_env *env, const char *path, const struct logstore_scan_options *options,
                    struct items *items)
{
	struct logstore_record record;
	struct logstore_error error;
	logstore_scan *scan;
	uint64_t at = options->position;
	int r;

	items->count = 0;
	items->records = 0;
	r = ls_scan_open(env, path, options, &scan, &error);
	if (r < 0)
		return r;
	while ((r = ls_scan_next(scan, &items->items[items->count], &error)) == 1) {
		const struct logstore_scan_item *item = &items->items[items->count++];

		cr_assert_lt(items->count, sizeof items->items / sizeof items->items[0]);
		cr_assert_eq(item->position, at, "items leave no gap");
		cr_assert_gt(item->size, 0);
		at += item->size;
		cr_assert_eq(item->status == LOGSTORE_SCAN_OK, item->text[0] == '\0');
		if (item->status == LOGSTORE_SCAN_OK || item->status == LOGSTORE_SCAN_BAD_CRC)
			cr_assert(item->has_info);
		while (options->read_records && (r = ls_scan_record(scan, &record, &error)) == 1)
			items->records++;
		if (r == -ENOMEM)
			break;
	}
	(void)ls_scan_close(scan);
	return r;
}

/* ---- Kafka's directories ---------------------------------------------------------------------------------- */

static int64_t number(const json_t *line, const char *name, int64_t missing)
{
	const json_t *value = json_object_get(line, name);

	return value ? json_integer_value(value) : missing;
}

static bool flag(const json_t *line, const char *name, bool missing)
{
	const json_t *value = json_object_get(line, name);

	return value ? json_is_true(value) : missing;
}

static void check_item(const struct logstore_scan_item *item, const json_t *line, const char *path)
{
	const struct logstore_batch_info *info = &item->info;
	bool valid = flag(line, "valid", true);

	cr_assert_eq(item->status, valid ? LOGSTORE_SCAN_OK : LOGSTORE_SCAN_BAD_CRC, "%s at %lu: %s", path,
	             (unsigned long)item->position, item->text);
	cr_assert_eq((int64_t)item->position, number(line, "position", -1), "%s", path);
	cr_assert_eq((int64_t)info->size, number(line, "size", -1), "%s", path);
	cr_assert_eq(info->last_offset, number(line, "last_offset", -1), "%s", path);
	cr_assert_eq((int64_t)info->crc, number(line, "crc", -1), "%s", path);
	cr_assert_eq(info->magic, number(line, "magic", 2), "%s", path);
	cr_assert_eq(info->max_timestamp, number(line, "max_timestamp", -2), "%s", path);
	if (info->magic == 2) {
		cr_assert_eq(info->base_offset, number(line, "base_offset", -1), "%s", path);
		cr_assert_eq(info->record_count, number(line, "count", -1), "%s", path);
		cr_assert_eq(info->leader_epoch, number(line, "leader_epoch", -1), "%s", path);
		cr_assert_eq(info->producer_id, number(line, "producer_id", -1), "%s", path);
		cr_assert_eq(info->producer_epoch, number(line, "producer_epoch", -1), "%s", path);
		cr_assert_eq(info->base_sequence, number(line, "base_sequence", -1), "%s", path);
		cr_assert_eq(info->transactional, flag(line, "transactional", false), "%s", path);
		cr_assert_eq(info->control, flag(line, "control", false), "%s", path);
	}
}

/* Lines of one file follow each other in batches.jsonl, in the order of the file. */
static size_t check_fixture(const char *jsonl)
{
	struct ls_env env = disk_env();
	static struct items items;
	char fixture[512], path[1200] = "", line[8192];
	size_t checked = 0, at = 0;
	FILE *f = fopen(jsonl, "r");

	cr_assert_not_null(f);
	snprintf(fixture, sizeof fixture, "%.*s", (int)(strstr(jsonl, "/expected/") - jsonl), jsonl);
	while (fgets(line, sizeof line, f)) {
		json_t *batch = json_loads(line, 0, NULL);
		char next[1200];

		cr_assert_not_null(batch, "%s: %s", jsonl, line);
		snprintf(next, sizeof next, "%s/logs/%s/%s", fixture,
		         json_string_value(json_object_get(batch, "partition")),
		         json_string_value(json_object_get(batch, "file")));
		if (strcmp(next, path) != 0) {
			struct logstore_scan_options options = options_with(false, true);

			snprintf(path, sizeof path, "%s", next);
			at = 0;
			cr_assert_eq(scan_all(&env, path, &options, &items), 0, "%s", path);
		}
		cr_assert_lt(at, items.count, "%s", path);
		check_item(&items.items[at++], batch, path);
		checked++;
		json_decref(batch);
	}
	cr_assert_eq(fclose(f), 0);
	return checked;
}

Test(scan, batches_are_those_kafka_lists)
{
	struct path_list paths = list_files("kafka", "/expected/batches.jsonl");
	size_t checked = 0;

	for (size_t i = 0; i < paths.count; i++)
		checked += check_fixture(paths.items[i]);
	cr_assert_gt(checked, 2000, "only %zu batches", checked);
	free(paths.items);
}

/* Every .log there is, damaged or not: whole batches with the right status, then the end or the damage. */
Test(scan, every_log_of_every_fixture)
{
	struct path_list paths = list_files("kafka", ".log");
	struct ls_env env = disk_env();
	static struct items items, skipping;

	for (size_t i = 0; i < paths.count; i++) {
		struct logstore_scan_options options = options_with(false, false);
		size_t size;
		uint8_t *bytes = ts_read_file(paths.items[i], &size);
		struct plain_log log = plain_scan(bytes, size, 0);

		cr_assert_eq(scan_all(&env, paths.items[i], &options, &items), 0);
		cr_assert_eq(items.count, log.count + (log.end < size), "%s", paths.items[i]);
		for (size_t k = 0; k < log.count; k++) {
			const struct logstore_scan_item *item = &items.items[k];
			bool right = ls_batch_check(bytes + log.items[k].position, log.items[k].info.size,
			                            NULL) == 0;

			cr_assert_eq(item->position, log.items[k].position);
			cr_assert_eq(item->size, log.items[k].info.size);
			cr_assert_eq(item->status, right ? LOGSTORE_SCAN_OK : LOGSTORE_SCAN_BAD_CRC);
		}
		if (log.end < size)
			cr_assert(items.items[log.count].status >= LOGSTORE_SCAN_MALFORMED, "%s",
			          paths.items[i]);
		/* The same without checksums, but for them. */
		options.check_crc = false;
		cr_assert_eq(scan_all(&env, paths.items[i], &options, &skipping), 0);
		cr_assert_eq(skipping.count, items.count);
		/* On a whole log skip_damaged changes nothing. */
		options = options_with(true, false);
		cr_assert_eq(scan_all(&env, paths.items[i], &options, &skipping), 0);
		cr_assert_geq(skipping.count, items.count);
		if (skipping.count == items.count)
			cr_assert_eq(memcmp(skipping.items, items.items, items.count * sizeof items.items[0]),
			             0);
		free(log.items);
		free(bytes);
	}
	free(paths.items);
}

Test(scan, damage_of_the_recovery_fixtures)
{
	static const struct {
		const char *folder;
		int64_t base;
		enum logstore_scan_status status;
		uint64_t position;
		size_t after; /* whole batches behind it with skip_damaged */
	} cases[] = {
		{"flip-crc", 130, LOGSTORE_SCAN_BAD_CRC, 1438, 3},
		{"flip-payload", 130, LOGSTORE_SCAN_BAD_CRC, 1438, 3},
		{"flip-codec-bits", 130, LOGSTORE_SCAN_BAD_CRC, 1438, 3},
		{"flip-length-small", 130, LOGSTORE_SCAN_BAD_CRC, 1438, 3},
		{"flip-length-up", 130, LOGSTORE_SCAN_MALFORMED, 1438, 3},
		{"flip-magic", 130, LOGSTORE_SCAN_MALFORMED, 1438, 3},
		{"flip-magic-legacy", 130, LOGSTORE_SCAN_BAD_CRC, 1438, 3},
		{"garbage-12", 130, LOGSTORE_SCAN_TORN, 3782, 0},
		{"garbage-tail", 130, LOGSTORE_SCAN_MALFORMED, 3782, 0},
		{"zero-tail-17", 130, LOGSTORE_SCAN_ZEROS, 3782, 0},
		{"zero-tail-18", 130, LOGSTORE_SCAN_ZEROS, 3782, 0},
		{"zero-tail-4096", 130, LOGSTORE_SCAN_ZEROS, 3782, 0},
		{"torn-half", 130, LOGSTORE_SCAN_TORN, 3156, 0},
		{"torn-1-byte-missing", 130, LOGSTORE_SCAN_TORN, 3156, 0},
		{"torn-17-bytes-left", 130, LOGSTORE_SCAN_TORN, 3156, 0},
		{"torn-18-bytes-left", 130, LOGSTORE_SCAN_TORN, 3156, 0},
		{"torn-61-bytes-left", 130, LOGSTORE_SCAN_TORN, 3156, 0},
		{"torn-1-byte-left", 130, LOGSTORE_SCAN_ZEROS, 3156, 0}, /* its first byte is zero */
		{"flip-last-record-of-first-segment", 0, LOGSTORE_SCAN_TORN, 3389, 0},
	};
	struct ls_env env = disk_env();
	static struct items items;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct logstore_scan_options options = options_with(true, true);
		size_t damaged = SIZE_MAX, after = 0;
		char path[256];

		snprintf(path, sizeof path, "kafka/recovery/%s/logs/rec-0/%020ld.log", cases[i].folder,
		         (long)cases[i].base);
		cr_assert_eq(scan_all(&env, ts_data(path), &options, &items), 0);
		for (size_t k = 0; k < items.count; k++) {
			if (items.items[k].status == LOGSTORE_SCAN_OK) {
				after += damaged != SIZE_MAX;
				continue;
			}
			cr_assert_eq(damaged, SIZE_MAX, "%s: one place", cases[i].folder);
			damaged = k;
			cr_assert_eq(items.items[k].status, cases[i].status, "%s: %s", cases[i].folder,
			             items.items[k].text);
			cr_assert_eq(items.items[k].position, cases[i].position, "%s", cases[i].folder);
			if (items.items[k].status == LOGSTORE_SCAN_MALFORMED)
				cr_assert_not(items.items[k].has_info);
		}
		cr_assert_neq(damaged, SIZE_MAX, "%s", cases[i].folder);
		cr_assert_eq(after, cases[i].after, "%s: %zu", cases[i].folder, after);
	}
}

/* ---- a small log, damaged everywhere ---------------------------------------------------------------------- */

static uint8_t *small_log(size_t *ret_size)
{
	uint8_t *bytes =
		ts_read_file(ts_data("kafka/recovery/as-is/logs/rec-0/00000000000000000130.log"), ret_size);

	cr_assert_gt(*ret_size, 3000);
	return bytes;
}

Test(scan, a_log_cut_at_every_byte)
{
	struct logstore_scan_options options = options_with(false, true), skip = options_with(true, true);
	static struct items items, skipping;
	struct plain_log log;
	struct ls_env env;
	struct bench bench;
	size_t size, whole = 0;
	uint8_t *bytes = small_log(&size);

	bench_init(&bench);
	env = quick_env(&bench);
	log = plain_scan(bytes, size, 130);
	for (size_t cut = 0; cut <= size; cut++) {
		uint64_t rest;

		while (whole < log.count && log.items[whole].position + log.items[whole].info.size <= cut)
			whole++;
		rest = cut - (whole ? log.items[whole - 1].position + log.items[whole - 1].info.size : 0);
		bench_put(&bench, LOG, bytes, cut);
		cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
		cr_assert_eq(items.count, whole + (rest > 0), "cut at %zu", cut);
		for (size_t i = 0; i < whole; i++)
			cr_assert_eq(items.items[i].status, LOGSTORE_SCAN_OK);
		if (rest > 0) {
			const struct logstore_scan_item *item = &items.items[whole];

			/* The first bytes of an offset are zero. */
			cr_assert_eq(item->status, rest < 8 ? LOGSTORE_SCAN_ZEROS : LOGSTORE_SCAN_TORN,
			             "cut at %zu", cut);
			cr_assert_eq(item->size, rest);
			cr_assert_eq(item->has_info, rest >= LS_BATCH_HEADER_SIZE);
		}
		cr_assert_eq(scan_all(&env, LOG, &skip, &skipping), 0);
		cr_assert_eq(skipping.count, items.count);
		cr_assert_eq(skipping.records, items.records);
		cr_assert_eq(memcmp(skipping.items, items.items, items.count * sizeof items.items[0]), 0);
	}
	free(log.items);
	free(bytes);
	bench_fini(&bench);
}

/* Whether a batch is among the items, whole and right. */
static bool delivered(const struct items *items, const struct plain_batch *batch)
{
	for (size_t i = 0; i < items->count; i++) {
		const struct logstore_scan_item *item = &items->items[i];

		if (item->position == batch->position && item->status == LOGSTORE_SCAN_OK &&
		    item->info.last_offset == batch->info.last_offset && item->size == batch->info.size)
			return true;
	}
	return false;
}

static void flip_bits(bool skip_damaged, bool read_records)
{
	struct logstore_scan_options options = options_with(skip_damaged, read_records);
	static struct items items;
	struct plain_log log;
	struct ls_env env;
	struct bench bench;
	size_t size, hit = 0;
	uint8_t *bytes = small_log(&size);
	int fd;

	bench_init(&bench);
	env = quick_env(&bench);
	log = plain_scan(bytes, size, 130);
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(env.io->open(env.io->ctx, LOG, LOGSTORE_IO_WRITE, &fd), 0);
	for (size_t bit = 0; bit < size * 8; bit++) {
		uint8_t flipped = (uint8_t)(bytes[bit / 8] ^ (1u << bit % 8));
		size_t others = 0;

		while (log.items[hit].position + log.items[hit].info.size <= bit / 8)
			hit++;
		cr_assert_eq(ls_io_write_full(env.io, fd, &flipped, 1, bit / 8), 0);
		cr_assert_eq(scan_all(&env, LOG, &options, &items), 0, "bit %zu", bit);
		for (size_t i = 0; i < log.count; i++) {
			if (i < hit || (i > hit && skip_damaged))
				cr_assert(delivered(&items, &log.items[i]), "bit %zu, batch %zu of %zu", bit,
				          i, log.count);
			others += i != hit && delivered(&items, &log.items[i]);
		}
		/* Nothing is made up: what is OK is one of the batches, or the one that was hit. */
		for (size_t i = 0; i < items.count; i++) {
			if (items.items[i].status == LOGSTORE_SCAN_OK)
				others--;
		}
		cr_assert(others == 0 || others == SIZE_MAX, "bit %zu", bit);
		cr_assert_eq(ls_io_write_full(env.io, fd, bytes + bit / 8, 1, bit / 8), 0);
	}
	cr_assert_eq(env.io->close(env.io->ctx, fd), 0);
	free(log.items);
	free(bytes);
	bench_fini(&bench);
}

Test(scan, every_bit_flipped)
{
	flip_bits(false, false);
}

Test(scan, every_bit_flipped_and_skipped)
{
	flip_bits(true, true);
}

/* Random damage of several places: never a crash, always to the end of the file. */
Test(scan, many_bytes_wrong)
{
	struct logstore_scan_options options = options_with(true, true);
	static struct items items;
	struct ls_env env;
	struct ts_rng rng;
	struct bench bench;
	size_t size;
	uint8_t *bytes = small_log(&size), *damaged = malloc(size);

	ts_rng_init(&rng, 31);
	bench_init(&bench);
	env = quick_env(&bench);
	for (int round = 0; round < 3000; round++) {
		size_t count = ts_rng_below(&rng, 30) + 1;

		memcpy(damaged, bytes, size);
		for (size_t i = 0; i < count; i++)
			damaged[ts_rng_below(&rng, size)] = (uint8_t)ts_rng_next(&rng);
		bench_put(&bench, LOG, damaged, size);
		options.read_records = round % 2;
		options.skip_damaged = round % 3 != 0;
		cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
		if (options.skip_damaged)
			cr_assert_eq(items.items[items.count - 1].position +
			                     items.items[items.count - 1].size,
			             size);
	}
	free(damaged);
	free(bytes);
	bench_fini(&bench);
}

/* ---- zeros ------------------------------------------------------------------------------------------------ */

Test(scan, zero_tails)
{
	static const size_t zeros[] = {1, 16, 17, 18, 100, 4096, 300 * 1024};
	struct logstore_scan_options options = options_with(false, true);
	static struct items items;
	struct ls_env env;
	struct bench bench;
	size_t size;
	uint8_t *bytes = small_log(&size), *tailed = calloc(size + 300 * 1024, 1);

	bench_init(&bench);
	env = quick_env(&bench);
	memcpy(tailed, bytes, size);
	for (size_t i = 0; i < 2 * sizeof zeros / sizeof zeros[0]; i++) {
		const struct logstore_scan_item *last;
		size_t tail = zeros[i / 2];

		options.skip_damaged = i % 2;
		bench_put(&bench, LOG, tailed, size + tail);
		cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
		last = &items.items[items.count - 1];
		cr_assert_eq(last->status, LOGSTORE_SCAN_ZEROS);
		cr_assert_eq(last->position, size);
		cr_assert_eq(last->size, tail);
		cr_assert_not(last->has_info);
		/* Something behind the zeros: no preallocated tail any more. */
		tailed[size + tail - 1] = 1;
		bench_put(&bench, LOG, tailed, size + tail);
		cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
		last = &items.items[items.count - 1];
		cr_assert_eq(last->status, tail < 17 ? LOGSTORE_SCAN_TORN : LOGSTORE_SCAN_MALFORMED, "%zu",
		             tail);
		cr_assert_eq(last->size, tail);
		tailed[size + tail - 1] = 0;
	}
	/* Zeros in the middle. */
	memmove(tailed + 200, tailed, size);
	memset(tailed, 0, 200);
	bench_put(&bench, LOG, tailed, size + 200);
	options.skip_damaged = true;
	cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
	cr_assert_eq(items.items[0].status, LOGSTORE_SCAN_MALFORMED);
	cr_assert_eq(items.items[0].size, 200);
	cr_assert_eq(items.items[1].status, LOGSTORE_SCAN_OK);
	/* Nothing at all. */
	bench_put(&bench, LOG, tailed, 0);
	cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 0);
	free(tailed);
	free(bytes);
	bench_fini(&bench);
}

/* ---- batches larger than the window ----------------------------------------------------------------------- */

static void scan_large(bool read_records, uint64_t max_batch_bytes, int want)
{
	struct logstore_scan_options options = options_with(false, read_records);
	const char *path = ts_data("kafka/codecs/logs/java-none-0/00000000000000000000.log");
	struct ls_env env = disk_env();
	struct logstore_scan_item item;
	struct logstore_record record;
	struct logstore_error error;
	logstore_scan *scan;
	size_t large = 0;
	int r;

	options.max_batch_bytes = max_batch_bytes;
	cr_assert_eq(ls_scan_open(&env, path, &options, &scan, NULL), 0);
	while ((r = ls_scan_next(scan, &item, NULL)) == 1) {
		int records = 0;

		cr_assert_eq(item.status, LOGSTORE_SCAN_OK);
		cr_assert_eq(item.computed_crc, item.info.crc);
		while ((r = ls_scan_record(scan, &record, &error)) == 1)
			records++;
		if (item.info.size <= 256u * 1024) {
			cr_assert_eq(records, read_records && item.info.size <= max_batch_bytes
			                              ? item.info.record_count
			                              : 0);
			continue;
		}
		large++;
		cr_assert_eq(r, want);
		cr_assert_eq(records, read_records && want == 0 ? item.info.record_count : 0);
		if (want < 0) {
			cr_assert_eq(error.code, want);
			cr_assert_eq(error.position, (int64_t)item.position);
			cr_assert_str_eq(error.path, path);
			cr_assert_eq(ls_scan_record(scan, &record, NULL), want); /* and again */
		}
	}
	cr_assert_eq(r, 0);
	cr_assert_gt(large, 0);
	(void)ls_scan_close(scan);
}

Test(scan, batches_larger_than_the_window)
{
	scan_large(false, UINT64_C(256) << 20, 0);
	scan_large(true, UINT64_C(256) << 20, 0);
	scan_large(false, 1000, 0); /* checked piece by piece, in constant memory */
	scan_large(true, 300000, LOGSTORE_E_LIMIT_EXCEEDED);
	scan_large(true, 0, LOGSTORE_E_LIMIT_EXCEEDED);
}

/* A legacy message above the limit is still checked. */
Test(scan, a_large_legacy_message)
{
	struct logstore_scan_options options = options_with(false, false);
	size_t size = 400 * 1024;
	uint8_t *bytes = calloc(size, 1);
	static struct items items;
	struct bench bench;

	bench_init(&bench);
	ls_store_be32(bytes + LS_BATCH_LENGTH, (uint32_t)size - 12);
	bytes[LS_BATCH_MAGIC] = 1;
	ls_store_be32(bytes + 26, UINT32_MAX);                  /* null key */
	ls_store_be32(bytes + 30, (uint32_t)size - 34);
	memset(bytes + 34, 7, size - 34);
	ls_store_be32(bytes + 12, ls_batch_compute_crc(bytes, size));
	bench_put(&bench, LOG, bytes, size);
	options.max_batch_bytes = 1000;
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 1);
	cr_assert_eq(items.items[0].status, LOGSTORE_SCAN_OK);
	bytes[size - 1] = 8;
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.items[0].status, LOGSTORE_SCAN_BAD_CRC);
	free(bytes);
	bench_fini(&bench);
}

/* ---- searches --------------------------------------------------------------------------------------------- */

Test(scan, neighbours_with_wrong_checksums_are_told_apart)
{
	struct logstore_scan_options options = options_with(true, false);
	static struct items items;
	struct bench bench;
	uint8_t bytes[500];
	size_t size = 0;

	bench_init(&bench);
	for (int64_t i = 0; i < 5; i++)
		size += make_batch(bytes + size, i * 2, 1, 5, 39);
	bytes[199] ^= 1;
	bytes[299] ^= 1;
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 5);
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(items.items[i].position, i * 100);
		cr_assert_eq(items.items[i].status,
		             i == 1 || i == 2 ? LOGSTORE_SCAN_BAD_CRC : LOGSTORE_SCAN_OK);
	}
	bench_fini(&bench);
}

/* A length that leads exactly to a later batch must not swallow those before it. */
Test(scan, a_wrong_length_swallows_nothing)
{
	struct logstore_scan_options options = options_with(true, true);
	static struct items items;
	struct bench bench;
	uint8_t bytes[600];
	size_t size = 0;

	bench_init(&bench);
	for (int64_t i = 0; i < 6; i++)
		size += make_batch(bytes + size, i * 2, 1, 5, 39);
	ls_store_be32(bytes + 100 + LS_BATCH_LENGTH, 300 - 12);
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 6);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_eq(items.items[i].position, i * 100);
		cr_assert_eq(items.items[i].status, i == 1 ? LOGSTORE_SCAN_BAD_CRC : LOGSTORE_SCAN_OK);
		cr_assert_eq(items.items[i].size, 100);
	}
	/* Without skip_damaged the length is taken as it is. */
	options.skip_damaged = false;
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 4);
	cr_assert_eq(items.items[1].size, 300);
	bench_fini(&bench);
}

/* Whole batches inside a record are its content, not the log's. */
Test(scan, batches_inside_records_are_not_taken_for_the_log)
{
	struct logstore_scan_options options = options_with(true, false);
	static struct items items;
	struct bench bench;
	uint8_t bytes[1200];
	size_t first = make_batch(bytes, 100, 9, 5, 400), size;

	bench_init(&bench);
	(void)make_batch(bytes + 80, 0, 3, 5, 100);  /* as a producer sends them */
	(void)make_batch(bytes + 300, 105, 1, 5, 20);
	size = first + make_batch(bytes + first, 110, 0, 5, 100);
	/* The checksum of the outer batch was made before: it is wrong now, its length is right. */
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 2);
	cr_assert_eq(items.items[0].status, LOGSTORE_SCAN_BAD_CRC);
	cr_assert_eq(items.items[0].size, first);
	cr_assert_eq(items.items[1].status, LOGSTORE_SCAN_OK);
	/* A torn tail. */
	bench_put(&bench, LOG, bytes, first - 1);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 1);
	cr_assert_eq(items.items[0].status, LOGSTORE_SCAN_TORN);
	cr_assert_eq(items.items[0].size, first - 1);
	bench_fini(&bench);
}

Test(scan, legacy_messages_behind_damage)
{
	static const char *const logs[] = {"v0-none-0", "v1-none-0", "v0-gzip-0",
	                                   "v1-gzip-0", "v1-lz4-0",  "upgraded-0"};
	struct logstore_scan_options options = options_with(true, false);
	static struct items items;
	struct bench bench;

	bench_init(&bench);
	for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
		struct plain_log log;
		struct ls_env env = quick_env(&bench);
		char path[256];
		uint8_t *bytes;
		size_t size;

		snprintf(path, sizeof path, "kafka/legacy/logs/%s/00000000000000000000.log", logs[i]);
		bytes = ts_read_file(ts_data(path), &size);
		log = plain_scan(bytes, size, 0);
		cr_assert_gt(log.count, 3);
		for (size_t hit = 0; hit < log.count; hit++) {
			uint8_t *length = bytes + log.items[hit].position + LS_BATCH_LENGTH;

			length[0] ^= 0x40; /* runs past the end */
			bench_put(&bench, LOG, bytes, size);
			length[0] ^= 0x40;
			cr_assert_eq(scan_all(&env, LOG, &options, &items), 0);
			for (size_t k = 0; k < log.count; k++)
				cr_assert_eq(delivered(&items, &log.items[k]), k != hit,
				             "%s: batch %zu, damaged %zu", logs[i], k, hit);
		}
		free(log.items);
		free(bytes);
	}
	bench_fini(&bench);
}

/* Headers that each promise half the file: the budget ends the search. */
Test(scan, no_content_makes_a_search_slow)
{
	struct logstore_scan_options options = options_with(true, false);
	size_t size = 1024 * 1024;
	uint8_t *bytes = calloc(size, 1);
	static struct items items;
	struct bench bench;

	bench_init(&bench);
	for (int kind = 0; kind < 2; kind++) {
		uint64_t before = ls_sim_operations(bench.sim, LOGSTORE_IO_OP_PREAD);
		struct ls_env env = quick_env(&bench);

		for (size_t at = 0; at + 64 <= size; at += 64) {
			(void)make_batch(bytes + at, (int64_t)at * 100, 0, 5, 3);
			ls_store_be32(bytes + at + LS_BATCH_CRC, 12345);
			if (at + 512 * 1024 <= size)
				ls_store_be32(bytes + at + LS_BATCH_LENGTH, 512 * 1024 - 12);
		}
		if (kind == 0)
			bytes[LS_BATCH_MAGIC] = 77;
		bench_put(&bench, LOG, bytes, size);
		options.end_position = UINT64_MAX;
		if (kind == 1)
			options.end_position = 600 * 1024; /* many items, each with a wrong checksum */
		cr_assert_geq(scan_all(&env, LOG, &options, &items), 0);
		cr_assert_lt(ls_sim_operations(bench.sim, LOGSTORE_IO_OP_PREAD) - before, 2000, "kind %d",
		             kind);
		cr_assert_eq(items.items[0].status,
		             kind == 0 ? LOGSTORE_SCAN_MALFORMED : LOGSTORE_SCAN_BAD_CRC);
	}
	free(bytes);
	bench_fini(&bench);
}

/* ---- options and errors ----------------------------------------------------------------------------------- */

Test(scan, begins_and_ends_where_it_is_told)
{
	struct logstore_scan_options options = options_with(false, false);
	static struct items items;
	struct plain_log log;
	struct bench bench;
	size_t size;
	uint8_t *bytes = small_log(&size);

	bench_init(&bench);
	bench_put(&bench, LOG, bytes, size);
	log = plain_scan(bytes, size, 130);
	options.position = log.items[2].position;
	options.end_position = log.items[4].position;
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 2);
	cr_assert_eq(items.items[0].info.base_offset, log.items[2].info.base_offset);
	options.end_position++;
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 3);
	cr_assert_eq(items.items[2].size, 1);
	options.position = size + 5;
	options.end_position = UINT64_MAX;
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, 0);
	free(log.items);
	free(bytes);
	bench_fini(&bench);
}

Test(scan, a_file_that_is_missing_and_one_that_gets_shorter)
{
	struct logstore_scan_options options = options_with(false, true);
	struct logstore_scan_item item;
	struct logstore_error error;
	logstore_scan *scan;
	uint8_t *bytes = calloc(1, 700 * 1024);
	struct bench bench;
	size_t size;
	int fd, r;

	bench_init(&bench);
	cr_assert_eq(ls_scan_open(bench.env, LOG, &options, &scan, &error), -ENOENT);
	cr_assert_str_eq(error.path, LOG);
	size = make_batch(bytes, 0, 0, 1, 300 * 1024);
	size += make_batch(bytes + size, 1, 0, 1, 300 * 1024);
	bench_put(&bench, LOG, bytes, size);
	for (int crc = 0; crc < 2; crc++) {
		options.check_crc = crc;
		cr_assert_eq(ls_scan_open(bench.env, LOG, &options, &scan, &error), 0);
		cr_assert_eq(ls_scan_next(scan, &item, &error), 1);
		cr_assert_eq(bench.env->io->open(bench.env->io->ctx, LOG, LOGSTORE_IO_WRITE, &fd), 0);
		cr_assert_eq(bench.env->io->truncate(bench.env->io->ctx, fd, size - 1000), 0);
		r = ls_scan_next(scan, &item, &error);
		cr_assert_eq(r, -EIO);
		cr_assert_str_eq(error.path, LOG);
		(void)ls_scan_close(scan);
		cr_assert_eq(bench.env->io->truncate(bench.env->io->ctx, fd, 0), 0);
		cr_assert_eq(bench.env->io->close(bench.env->io->ctx, fd), 0);
		bench_put(&bench, LOG, bytes, size);
	}
	cr_assert_null(ls_scan_close(NULL));
	free(bytes);
	bench_fini(&bench);
}

Test(scan, a_codec_that_is_none)
{
	struct logstore_scan_options options = options_with(false, true);
	struct logstore_scan_item item;
	struct logstore_record record;
	struct logstore_error error;
	logstore_scan *scan;
	struct bench bench;
	uint8_t bytes[100];
	size_t size = make_batch(bytes, 0, 0, 1, 10);

	bench_init(&bench);
	bytes[LS_BATCH_ATTRIBUTES + 1] = 6;
	ls_store_be32(bytes + LS_BATCH_CRC, ls_batch_compute_crc(bytes, size));
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(ls_scan_open(bench.env, LOG, &options, &scan, &error), 0);
	cr_assert_eq(ls_scan_record(scan, &record, &error), 0); /* no batch yet */
	memset(&error, 0x55, sizeof error);
	cr_assert_eq(ls_scan_next(scan, &item, &error), 1);
	cr_assert_eq(error.code, 0x55555555); /* a success leaves the detail alone */
	cr_assert_eq(ls_scan_record(scan, &record, &error), LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
	cr_assert_eq(error.position, 0);
	(void)ls_scan_close(scan);
	bench_fini(&bench);
}

/* One log with everything: whole batches, a damaged one, a gap, a torn tail. */
static size_t rough_log(uint8_t *bytes)
{
	size_t size = 0, legacy_size;
	uint8_t *legacy =
		ts_read_file(ts_data("kafka/legacy/logs/v1-gzip-0/00000000000000000000.log"), &legacy_size);

	memcpy(bytes, legacy, legacy_size);
	free(legacy);
	size = legacy_size;
	size += make_batch(bytes + size, 1000, 1, 5, 39);
	bytes[size - 1] ^= 1;
	memset(bytes + size, 0xee, 77);
	size += 77;
	size += make_batch(bytes + size, 1010, 1, 5, 270 * 1024);
	size += make_batch(bytes + size, 1012, 1, 5, 39) - 1;
	return size;
}

Test(scan, every_failure)
{
	struct logstore_scan_options options = options_with(true, true);
	uint8_t *bytes = malloc(400 * 1024);
	size_t size = rough_log(bytes), count;
	static struct items items;
	struct bench bench;
	long n;
	int r;

	bench_init(&bench);
	bench_put(&bench, LOG, bytes, size);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	count = items.count;
	for (n = 1;; n++) {
		atomic_store(&bench.alloc.requests, 0);
		atomic_store(&bench.alloc.fail_at, n);
		r = scan_all(bench.env, LOG, &options, &items);
		if (!ts_alloc_failed(&bench.alloc))
			break;
		cr_assert_eq(r, -ENOMEM, "allocation %ld: %d", n, r);
		cr_assert_eq(atomic_load(&bench.alloc.outstanding), 0);
		cr_assert_eq(ls_sim_open_descriptors(bench.sim), 0);
	}
	cr_assert_eq(r, 0);
	cr_assert_eq(items.count, count);
	cr_assert_gt(n, 5);
	atomic_store(&bench.alloc.fail_at, 0);
	for (n = 1;; n++) {
		ls_sim_fail_nth(bench.sim, (uint64_t)n, EIO, ~(UINT32_C(1) << LOGSTORE_IO_OP_CLOSE));
		r = scan_all(bench.env, LOG, &options, &items);
		if (ls_sim_fault_pending(bench.sim))
			break;
		cr_assert_eq(r, -EIO, "operation %ld: %d", n, r);
		cr_assert_eq(ls_sim_open_descriptors(bench.sim), 0);
	}
	ls_sim_fail_nth(bench.sim, 0, 0, 0);
	cr_assert_eq(r, 0);
	ls_sim_short_transfers(bench.sim, 2);
	cr_assert_eq(scan_all(bench.env, LOG, &options, &items), 0);
	cr_assert_eq(items.count, count);
	free(bytes);
	bench_fini(&bench);
}
