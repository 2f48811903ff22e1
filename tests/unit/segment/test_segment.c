/*
 * A segment: its life, appends and index entries by Kafka's rule, look-ups that must not depend on what the
 * indexes say (S2), the end of a log nobody wrote here, transactions, cutting, and every failure.
 */
#include "segment/segment.h"

#include <errno.h>
#include <limits.h>

#include "base/crc.h"
#include "segment_bench.h"

#define LOG "/p/00000000000000000000.log"
#define MANY ((size_t)40)

TestSuite(segment, .fini = ts_check_leaks, .timeout = 300);

static struct ls_log_config config_with(int64_t interval)
{
	struct ls_log_config config;

	cr_assert_eq(ls_log_config_resolve(NULL, &config, NULL), 0);
	config.index_interval_bytes = interval;
	return config;
}

/* ---- a log made here -------------------------------------------------------------------------------------- */

/* One batch behind the data, with everything that belongs to an append. Returns 0 or -errno. */
static int append(struct ls_segment *seg, int64_t base, int32_t last_delta, int64_t timestamp, size_t content,
                  const struct ls_log_config *config)
{
	uint64_t position = atomic_load(&seg->size);
	struct logstore_batch_info info;
	struct logstore_iovec iov;
	uint8_t bytes[2048];
	int r;

	iov.size = make_batch(bytes, base, last_delta, timestamp, content);
	iov.base = bytes;
	cr_assert_eq(ls_batch_info(bytes, iov.size, &info, NULL), 0);
	r = ls_segment_reserve(seg, 1);
	if (r == 0)
		r = ls_segment_write(seg, &iov, 1, position);
	if (r < 0)
		return r;
	ls_segment_note_batch(seg, &info, position, config);
	ls_segment_publish(seg, position + iov.size);
	return 0;
}

/* MANY batches of 1 to 4 offsets with gaps between some; timestamps go up and down. */
static struct ls_segment *make_log(struct bench *bench, int64_t base, const struct ls_log_config *config)
{
	struct ls_segment *seg;
	int64_t offset = base;

	cr_assert_eq(ls_segment_create(bench->env, "/p", base, 0, &seg), 0);
	for (size_t i = 0; i < MANY; i++) {
		int32_t last_delta = (int32_t)(i % 4);

		cr_assert_eq(append(seg, offset, last_delta, 1000 + (int64_t)((i * 7) % 50),
		                    10 + i * 13 % 200, config),
		             0);
		offset += last_delta + 1 + (i % 5 == 0 ? 3 : 0);
	}
	return seg;
}

static struct plain_log plain_of(struct bench *bench, const char *path, int64_t base)
{
	struct plain_log log;
	size_t size;
	uint8_t *bytes = bench_get(bench, path, &size);

	cr_assert_not_null(bytes);
	log = plain_scan(bytes, size, base);
	free(bytes);
	return log;
}

static const struct plain_batch *plain_find(const struct plain_log *log, int64_t offset)
{
	for (size_t i = 0; i < log->count; i++) {
		if (log->items[i].info.last_offset >= offset)
			return &log->items[i];
	}
	return NULL;
}

static void check_find(struct ls_segment *seg, const struct plain_log *log, int64_t offset)
{
	const struct plain_batch *want = plain_find(log, offset);
	struct logstore_batch_info info;
	uint64_t position = UINT64_MAX;
	struct logstore_error error = {0};
	int r = ls_segment_find(seg, offset, log->end, &info, &position, &error);

	cr_assert_eq(r, want != NULL, "%s base %ld offset %ld: %d %s", seg->directory, (long)seg->base,
	             (long)offset, r, error.text);
	if (want) {
		cr_assert_eq(position, want->position, "base %ld offset %ld: position %lu, not %lu",
		             (long)seg->base, (long)offset, (unsigned long)position,
		             (unsigned long)want->position);
		cr_assert_eq(info.last_offset, want->info.last_offset);
		cr_assert_eq(info.size, want->info.size);
	}
}

/* Every offset, or the borders of every batch where offsets are far apart. */
static void check_finds(struct ls_segment *seg, const struct plain_log *log)
{
	int64_t last = log->count > 0 ? log->items[log->count - 1].info.last_offset : seg->base;

	if (last - seg->base < 300) {
		for (int64_t offset = seg->base - 1; offset <= last + 2; offset++)
			check_find(seg, log, offset);
		return;
	}
	for (size_t i = 0; i < log->count; i++) {
		const struct logstore_batch_info *info = &log->items[i].info;

		check_find(seg, log, info->base_offset - 1);
		check_find(seg, log, info->base_offset);
		check_find(seg, log, info->base_offset + (info->last_offset - info->base_offset) / 2);
		check_find(seg, log, info->last_offset);
		check_find(seg, log, info->last_offset + 1);
	}
}

/* From the position found on, the first batch that could hold the answer is the right one. */
static void check_time(struct ls_segment *seg, const struct plain_log *log, int64_t timestamp, int64_t start)
{
	const struct plain_batch *want = NULL, *found = NULL;
	uint64_t position = UINT64_MAX;
	struct logstore_error error = {0};

	cr_assert_eq(ls_segment_time_position(seg, timestamp, start, log->end, &position, &error), 0, "%s",
	             error.text);
	for (size_t i = 0; i < log->count; i++) {
		const struct plain_batch *batch = &log->items[i];

		if (batch->info.max_timestamp < timestamp || batch->info.last_offset < start)
			continue;
		if (!want)
			want = batch;
		if (!found && batch->position >= position)
			found = batch;
	}
	cr_assert_eq(found, want, "base %ld: timestamp %ld from %ld begins at %lu", (long)seg->base,
	             (long)timestamp, (long)start, (unsigned long)position);
	if (position > 0 && position < log->end) {
		bool border = false;

		for (size_t i = 0; i < log->count && !border; i++)
			border = log->items[i].position == position;
		cr_assert(border, "position %lu is inside a batch", (unsigned long)position);
	}
}

static void check_times(struct ls_segment *seg, const struct plain_log *log)
{
	size_t step = log->count / 40 + 1;

	check_time(seg, log, INT64_MIN, seg->base);
	check_time(seg, log, -1, seg->base);
	check_time(seg, log, INT64_MAX, seg->base);
	for (size_t i = 0; i < log->count; i += step) {
		int64_t timestamp = log->items[i].info.max_timestamp;
		int64_t middle = log->items[log->count / 2].info.last_offset;

		check_time(seg, log, timestamp, seg->base);
		check_time(seg, log, timestamp + 1, seg->base);
		check_time(seg, log, timestamp - 1, 0);
		check_time(seg, log, timestamp, middle);
	}
}

/* A bound may be higher than need be, never lower than what was read. */
static void check_bounds(struct ls_segment *seg, const struct plain_log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		for (uint64_t more = 0; more < 2; more++) {
			uint64_t end = log->items[i].position + more;
			int64_t bound = -7;
			int r = ls_segment_upper_bound(seg, end, &bound);

			cr_assert(r == 0 || r == 1);
			if (r == 0)
				continue;
			for (size_t j = 0; j < log->count && log->items[j].position < end; j++)
				cr_assert_gt(bound, log->items[j].info.last_offset,
				             "base %ld, read ends at %lu", (long)seg->base,
				             (unsigned long)end);
		}
	}
}

/* ---- look-ups over Kafka's logs (S2) ---------------------------------------------------------------------- */

enum index_variant { AS_IT_IS, DELETED, RANDOM, ZERO_TAIL, LEADING, EMPTY, STALE, VARIANTS };

static void put_index(struct bench *bench, const char *path, const uint8_t *bytes, size_t size,
                      uint32_t entry_size, enum index_variant variant, struct ts_rng *rng)
{
	uint8_t *changed = calloc(size + 4096 + 64, 1);
	size_t changed_size = size;

	bench_remove(bench, path);
	if (size > 0)
		memcpy(changed, bytes, size);
	switch (variant) {
	case RANDOM:
		changed_size = size + 5 * entry_size;
		ts_rng_fill(rng, changed, changed_size);
		/* Numbers that can be: no negative ones, and many that are near. */
		for (size_t at = 0; at + entry_size <= changed_size; at += entry_size) {
			for (uint32_t i = 0; i < entry_size; i += 4)
				changed[at + i] = changed[at + i + 1] = changed[at + i + 2] = 0;
		}
		break;
	case ZERO_TAIL:
		changed_size = (size / entry_size) * entry_size + 4092;
		break;
	case LEADING:
		for (uint8_t *entry = changed + size; entry < changed + size + 3 * entry_size;
		     entry += entry_size) {
			ls_store_be32(entry + entry_size - 8, 0);
			ls_store_be32(entry + entry_size - 4, INT32_MAX);
			if (entry_size == 12)
				ls_store_be64(entry, INT64_MAX / 2);
			else
				ls_store_be32(entry, INT32_MAX);
		}
		changed_size = size + 3 * entry_size;
		break;
	case STALE: /* of another log: every entry a little off */
		for (size_t at = entry_size - 1; at < size; at += entry_size)
			changed[at] ^= 5;
		break;
	case EMPTY:
		changed_size = 0;
		break;
	case AS_IT_IS:
	case DELETED:
	case VARIANTS:
		break;
	}
	if (variant != DELETED && (bytes || variant != AS_IT_IS))
		bench_put(bench, path, changed, changed_size);
	free(changed);
}

static uint32_t file_crc(const uint8_t *bytes, size_t size, uint32_t crc)
{
	return bytes ? ls_crc32c(crc, bytes, size) : crc;
}

Test(segment, answers_do_not_depend_on_the_indexes)
{
	struct path_list paths = list_files("kafka", ".log");
	uint32_t *seen = calloc(paths.count, sizeof *seen);
	size_t seen_count = 0, checked = 0;
	struct ts_rng rng;
	struct bench bench;

	ts_rng_init(&rng, 21);
	bench_init(&bench);
	for (size_t i = 0; i < paths.count; i++) {
		int64_t base = log_base(paths.items[i]);
		size_t size = 0, index_size, time_size;
		uint8_t *bytes, *index, *times;
		struct plain_log log;
		char path[64], index_path[64], time_path[64];
		bool known = false;
		uint32_t crc;

		if (base < 0)
			continue;
		bytes = ts_read_file(paths.items[i], &size);
		index = read_beside(paths.items[i], ".index", &index_size);
		times = read_beside(paths.items[i], ".timeindex", &time_size);
		log = plain_scan(bytes, size, base);
		crc = file_crc(times, time_size, file_crc(index, index_size, file_crc(bytes, size, 0)));
		for (size_t k = 0; k < seen_count && !known; k++)
			known = seen[k] == crc;
		seen[seen_count] = crc;
		/* Where offsets go back "the first" depends on where one begins: such a log is damaged. */
		if (!known && log.ordered) {
			seen_count++;
			snprintf(path, sizeof path, "/p/%020ld.log", (long)base);
			snprintf(index_path, sizeof index_path, "/p/%020ld.index", (long)base);
			snprintf(time_path, sizeof time_path, "/p/%020ld.timeindex", (long)base);
			bench_put(&bench, path, bytes, size);
			for (int variant = AS_IT_IS; variant < VARIANTS; variant++) {
				struct ls_segment *seg;

				put_index(&bench, index_path, index, index_size, 8,
				          (enum index_variant)variant, &rng);
				put_index(&bench, time_path, times, time_size, 12,
				          (enum index_variant)variant, &rng);
				cr_assert_eq(ls_segment_open(bench.env, "/p", base, true, 0, &seg), 0);
				atomic_store(&seg->size, log.end);
				check_finds(seg, &log);
				check_times(seg, &log);
				check_bounds(seg, &log);
				(void)ls_segment_unpin(seg);
			}
			bench_remove(&bench, path);
			bench_remove(&bench, index_path);
			bench_remove(&bench, time_path);
			checked++;
		}
		free(log.items);
		free(bytes);
		free(index);
		free(times);
	}
	cr_assert_gt(checked, 100, "only %zu segments", checked);
	free(seen);
	free(paths.items);
	bench_fini(&bench);
}

/* A good index saves the walk: otherwise S2 would hold for an index that is never used. */
Test(segment, a_right_index_is_used)
{
	static const char *const logs[] = {
		"kafka/codecs/logs/java-none-0/00000000000000000000.log",
		"kafka/legacy/logs/v0-none-0/00000000000000000000.log", /* entries for appends of several batches */
		"kafka/legacy/logs/upgraded-0/00000000000000000052.log",
	};

	for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
		size_t size, index_size, hits = 0;
		uint8_t *bytes = ts_read_file(ts_data(logs[i]), &size);
		uint8_t *index = read_beside(ts_data(logs[i]), ".index", &index_size);
		int64_t base = log_base(logs[i]);
		char path[64];
		struct ls_segment *seg;
		struct bench bench;

		bench_init(&bench);
		snprintf(path, sizeof path, "/p/%020ld.log", (long)base);
		bench_put(&bench, path, bytes, size);
		snprintf(path, sizeof path, "/p/%020ld.index", (long)base);
		bench_put(&bench, path, index, index_size);
		cr_assert_eq(ls_segment_open(bench.env, "/p", base, true, 0, &seg), 0);
		atomic_store(&seg->size, size);
		for (size_t at = 0; at < index_size; at += 8) {
			int64_t offset = base + ls_load_be32s(index + at);
			uint32_t position = ls_load_be32(index + at + 4);
			struct logstore_batch_info info;
			uint64_t found;

			cr_assert_eq(ls_segment_find(seg, offset, size, &info, &found, NULL), 1);
			cr_assert_geq(found, position);
			/* From the front a batch this far would not be in the first piece that is read. */
			if (position > LS_WALK_BUFFER) {
				uint64_t before = ls_sim_operations(bench.sim, LOGSTORE_IO_OP_PREAD);

				cr_assert_eq(ls_segment_find(seg, offset, size, &info, &found, NULL), 1);
				cr_assert_leq(ls_sim_operations(bench.sim, LOGSTORE_IO_OP_PREAD) - before, 4);
				hits++;
			}
		}
		cr_assert_gt(index_size, 0);
		cr_assert(hits > 0 || size < 2 * LS_WALK_BUFFER, "%s", logs[i]);
		(void)ls_segment_unpin(seg);
		free(bytes);
		free(index);
		bench_fini(&bench);
	}
}

Test(segment, finds_nothing_below_an_earlier_end)
{
	struct ls_log_config config = config_with(100);
	struct logstore_batch_info info;
	struct ls_segment *seg;
	struct plain_log log;
	struct bench bench;
	uint64_t position;

	bench_init(&bench);
	seg = make_log(&bench, 0, &config);
	log = plain_of(&bench, LOG, 0);
	for (size_t i = 0; i < log.count; i++) {
		int64_t first = log.items[i].info.base_offset;

		cr_assert_eq(ls_segment_find(seg, first, log.items[i].position, &info, &position, NULL), 0);
		cr_assert_eq(ls_segment_find(seg, first, log.items[i].position + 1, &info, &position, NULL),
		             LOGSTORE_E_CORRUPT_MESSAGE);
	}
	cr_assert_eq(ls_segment_find(seg, 0, 0, &info, &position, NULL), 0);
	free(log.items);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

Test(segment, create_replaces_leftovers)
{
	static const char *const endings[] = {".log", ".index", ".timeindex", ".txnindex"};
	struct logstore_io_stat st;
	struct ls_segment *seg;
	struct bench bench;
	char path[LS_PATH_MAX];

	bench_init(&bench);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "/p/00000000000000000042%s", endings[i]);
		bench_put(&bench, path, "old", 3);
	}
	cr_assert_eq(ls_segment_create(bench.env, "/p", 42, 5, &seg), 0);
	for (size_t i = 0; i < 4; i++) {
		int r;

		snprintf(path, sizeof path, "/p/00000000000000000042%s", endings[i]);
		r = bench.env->io->stat(bench.env->io->ctx, path, &st);
		cr_assert_eq(r, i == 0 ? 0 : -ENOENT);
	}
	ls_segment_path(seg, ".log", path);
	cr_assert_str_eq(path, "/p/00000000000000000042.log");
	cr_assert_eq(atomic_load(&seg->size), 0);
	cr_assert_eq(atomic_load(&seg->max_timestamp), LOGSTORE_NO_TIMESTAMP);
	cr_assert_eq(seg->roll_jitter_ms, 5);
	/* Indexes come with the first flush. */
	cr_assert_eq(ls_segment_flush_indexes(seg), 0);
	cr_assert_eq(bench.env->io->stat(bench.env->io->ctx, "/p/00000000000000000042.index", &st), 0);
	cr_assert_eq(bench.env->io->stat(bench.env->io->ctx, "/p/00000000000000000042.timeindex", &st), 0);
	cr_assert_eq(bench.env->io->stat(bench.env->io->ctx, "/p/00000000000000000042.txnindex", &st),
	             -ENOENT);
	cr_assert_null(ls_segment_unpin(seg));
	cr_assert_null(ls_segment_unpin(NULL));
	bench_fini(&bench);
}

Test(segment, removed_files_stay_readable_through_a_pin)
{
	struct ls_log_config config = config_with(100);
	struct ls_segment *seg, *pin;
	struct bench bench;
	uint8_t byte;

	bench_init(&bench);
	seg = make_log(&bench, 0, &config);
	cr_assert_eq(ls_segment_flush_indexes(seg), 0);
	pin = ls_segment_pin(seg);
	cr_assert_eq(ls_segment_remove_files(seg), 0);
	cr_assert_eq(ls_segment_remove_files(seg), 0); /* nothing left is no failure */
	(void)ls_segment_unpin(seg);
	cr_assert_eq(ls_segment_read(pin, LS_BATCH_MAGIC, &byte, 1), 0);
	cr_assert_eq(byte, 2);
	cr_assert_eq(ls_segment_read(pin, atomic_load(&pin->size) - 1, (uint8_t[2]){0}, 2), -ENODATA);
	(void)ls_segment_unpin(pin);
	bench_fini(&bench);
}

Test(segment, a_log_outlives_its_offset_index_and_not_its_transaction_index)
{
	struct ls_log_config config = config_with(0);
	struct bench bench;

	bench_init(&bench);
	for (uint64_t n = 1; n <= 4; n++) {
		struct ls_segment *seg = make_log(&bench, 0, &config);
		struct logstore_txn_entry entry = {.producer_id = 1, .first_offset = 0, .last_offset = 2,
		                                   .last_stable_offset = 3};
		struct logstore_io_stat st;
		const struct logstore_io *io = bench.env->io;

		cr_assert_eq(ls_segment_flush_indexes(seg), 0);
		cr_assert_eq(ls_segment_append_txn(seg, &entry), 0);
		ls_sim_fail_nth(bench.sim, n, EIO, UINT32_C(1) << LOGSTORE_IO_OP_UNLINK);
		cr_assert_eq(ls_segment_remove_files(seg), -EIO);
		/* The rest is gone: one failure does not keep the others. */
		cr_assert_eq((io->stat(io->ctx, "/p/00000000000000000000.timeindex", &st) == 0), n == 1);
		cr_assert_eq((io->stat(io->ctx, "/p/00000000000000000000.index", &st) == 0), n == 2);
		cr_assert_eq((io->stat(io->ctx, LOG, &st) == 0), n == 3);
		cr_assert_eq((io->stat(io->ctx, "/p/00000000000000000000.txnindex", &st) == 0), n == 4);
		cr_assert_eq(ls_segment_remove_files(seg), 0);
		(void)ls_segment_unpin(seg);
	}
	bench_fini(&bench);
}

Test(segment, opens_without_indexes_and_without_a_log)
{
	struct logstore_batch_info info;
	struct logstore_error error;
	struct ls_segment *seg;
	struct bench bench;
	uint64_t position;

	bench_init(&bench);
	cr_assert_eq(ls_segment_open(bench.env, "/p", 0, true, 0, &seg), 0);
	cr_assert_eq(ls_segment_log_fd(seg), -ENOENT);
	cr_assert_eq(ls_segment_read(seg, 0, &position, 1), -ENOENT);
	cr_assert_eq(ls_segment_sync_log(seg), -ENOENT);
	atomic_store(&seg->size, 100);
	cr_assert_eq(ls_segment_find(seg, 0, 100, &info, &position, &error), -ENOENT);
	cr_assert_str_eq(error.path, LOG);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

/* ---- appending -------------------------------------------------------------------------------------------- */

/* The indexes a replay makes are those Kafka made: same interval, same bytes. */
Test(segment, index_entries_follow_kafkas_rule)
{
	struct path_list paths = list_files("kafka/plain/logs", ".log");
	struct ls_log_config config = config_with(512);
	size_t checked = 0;

	for (size_t i = 0; i < paths.count; i++) {
		int64_t base = log_base(paths.items[i]);
		size_t size, want_size, got_size;
		uint8_t *bytes = ts_read_file(paths.items[i], &size), *want, *got;
		struct plain_log log = plain_scan(bytes, size, base);
		struct ls_segment *seg;
		struct bench bench;
		char path[64];

		bench_init(&bench);
		cr_assert_eq(ls_segment_create(bench.env, "/p", base, 0, &seg), 0);
		for (size_t k = 0; k < log.count; k++) {
			struct logstore_iovec iov = {.base = bytes + log.items[k].position,
			                             .size = log.items[k].info.size};

			cr_assert_eq(ls_segment_reserve(seg, 1), 0);
			cr_assert_eq(ls_segment_write(seg, &iov, 1, log.items[k].position), 0);
			ls_segment_note_batch(seg, &log.items[k].info, log.items[k].position, &config);
			ls_segment_publish(seg, log.items[k].position + iov.size);
		}
		cr_assert_eq(ls_segment_reserve(seg, 1), 0);
		ls_segment_close_time_index(seg);
		ls_segment_close_time_index(seg); /* a second time adds nothing */
		cr_assert_eq(ls_segment_flush_indexes(seg), 0);
		snprintf(path, sizeof path, "/p/%020ld.index", (long)base);
		want = read_beside(paths.items[i], ".index", &want_size);
		got = bench_get(&bench, path, &got_size);
		cr_assert_eq(got_size, want_size, "%s", paths.items[i]);
		cr_assert(want_size == 0 || memcmp(got, want, want_size) == 0, "%s", paths.items[i]);
		free(want);
		free(got);
		snprintf(path, sizeof path, "/p/%020ld.timeindex", (long)base);
		want = read_beside(paths.items[i], ".timeindex", &want_size);
		got = bench_get(&bench, path, &got_size);
		cr_assert_eq(got_size, want_size, "%s", paths.items[i]);
		cr_assert(want_size == 0 || memcmp(got, want, want_size) == 0, "%s", paths.items[i]);
		free(want);
		free(got);
		(void)ls_segment_unpin(seg);
		free(log.items);
		free(bytes);
		bench_fini(&bench);
		checked++;
	}
	cr_assert_gt(checked, 3);
	free(paths.items);
}

Test(segment, what_was_appended_is_found_after_reopening)
{
	struct ls_log_config config = config_with(0);
	struct ls_segment *seg;
	struct plain_log log;
	struct ls_tail tail;
	struct bench bench;

	bench_init(&bench);
	seg = make_log(&bench, 500, &config);
	log = plain_of(&bench, "/p/00000000000000000500.log", 500);
	cr_assert_eq(log.count, MANY);
	cr_assert_eq(log.end, atomic_load(&seg->size));
	check_finds(seg, &log);
	check_times(seg, &log);
	check_bounds(seg, &log);
	cr_assert_eq(atomic_load(&seg->max_timestamp), 1049);
	cr_assert_eq(ls_segment_reserve(seg, 1), 0);
	ls_segment_close_time_index(seg);
	cr_assert_eq(ls_segment_flush_indexes(seg), 0);
	cr_assert_eq(ls_segment_sync_log(seg), 0);
	cr_assert_eq(ls_segment_sync_indexes(seg), 0);
	(void)ls_segment_unpin(seg);

	cr_assert_eq(ls_segment_open(bench.env, "/p", 500, false, 0, &seg), 0);
	cr_assert_eq(ls_index_file_count(&seg->offset_index),
	             MANY - 1); /* the first batch never has an entry */
	cr_assert_eq(ls_segment_find_tail(seg, log.end, false, &tail, NULL), 0);
	cr_assert_eq(tail.size, log.end);
	cr_assert(tail.exact);
	cr_assert_eq(tail.next_offset, log.items[MANY - 1].info.last_offset + 1);
	atomic_store(&seg->size, tail.size);
	check_finds(seg, &log);
	check_times(seg, &log);
	cr_assert_eq(ls_segment_recompute_max_timestamp(seg, NULL), 0);
	cr_assert_eq(atomic_load(&seg->max_timestamp), 1049);
	(void)ls_segment_unpin(seg);
	free(log.items);
	bench_fini(&bench);
}

Test(segment, a_failed_write_is_cut_back)
{
	struct ls_log_config config = config_with(100);
	struct logstore_iovec iov = {.base = "half a batch", .size = 12};
	struct ls_segment *seg;
	struct bench bench;
	uint8_t *bytes;
	uint64_t end;
	size_t size;

	bench_init(&bench);
	seg = make_log(&bench, 0, &config);
	end = atomic_load(&seg->size);
	cr_assert_eq(ls_segment_write(seg, &iov, 1, end), 0);
	cr_assert_eq(atomic_load(&seg->size), end); /* not published */
	cr_assert_eq(ls_segment_cut_back(seg), 0);
	bytes = bench_get(&bench, LOG, &size);
	cr_assert_eq(size, end);
	free(bytes);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

/* ---- the roll predicate ----------------------------------------------------------------------------------- */

struct roll_case {
	const char *what;
	int64_t size_limit, age, jitter, index_bytes, lag;
	bool compact;
	uint64_t bytes;
	int64_t timestamp, last_offset, now;
	int want;
};

/* The segment: base 100, one batch of 161 bytes with timestamp 1000, made at `now` 0 of the case. */
Test(segment, rolls_as_kafka_does)
{
	static const struct roll_case cases[] = {
		{"nothing", 1 << 20, 1000, 0, 4096, INT64_MAX, false, 100, 1500, 200, 0, 0},
		{"just fits", 261, 1000, 0, 4096, INT64_MAX, false, 100, 1500, 200, 0, 0},
		{"one byte too many", 260, 1000, 0, 4096, INT64_MAX, false, 100, 1500, 200, 0, 1},
		{"larger than any segment", 99, 1000, 0, 4096, INT64_MAX, false, 100, 1500, 200, 0, 1},
		{"at the age", 1 << 20, 500, 0, 4096, INT64_MAX, false, 100, 1500, 200, 0, 0},
		{"older", 1 << 20, 499, 0, 4096, INT64_MAX, false, 100, 1500, 200, 0, 1},
		{"older by the jitter", 1 << 20, 500, 1, 4096, INT64_MAX, false, 100, 1500, 200, 0, 1},
		{"lag of a compacted topic", 1 << 20, 5000, 0, 4096, 499, true, 100, 1500, 200, 0, 1},
		{"lag of another topic", 1 << 20, 5000, 0, 4096, 499, false, 100, 1500, 200, 0, 0},
		{"no timestamp never waits", 1 << 20, 0, 0, 4096, INT64_MAX, false, 100, -1, 200, 1 << 30, 0},
		{"the clock does not count", 1 << 20, 500, 0, 4096, INT64_MAX, false, 100, 1500, 200, 1 << 30,
	         0},
		{"far time", 1 << 20, INT64_MAX, 0, 4096, INT64_MAX, false, 100, INT64_MAX, 200, 0, 0},
		{"offset below the base", 1 << 20, 1000, 0, 4096, INT64_MAX, false, 100, 1500, 99, 0, 1},
		{"last offset that fits", 1 << 20, 1000, 0, 4096, INT64_MAX, false, 100, 1500,
	         100 + (int64_t)INT32_MAX, 0, 0},
		{"offset too far", 1 << 20, 1000, 0, 4096, INT64_MAX, false, 100, 1500,
	         101 + (int64_t)INT32_MAX, 0, 1},
		{"index without room", 1 << 20, 1000, 0, 7, INT64_MAX, false, 100, 1500, 200, 0, 1},
		{"time index keeps a slot", 1 << 20, 1000, 0, 12, INT64_MAX, false, 100, 1500, 200, 0, 1},
		{"room for both", 1 << 20, 1000, 0, 24, INT64_MAX, false, 100, 1500, 200, 0, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct roll_case *c = &cases[i];
		struct ls_log_config config = config_with(4096);
		struct ls_roll_question question = {.append_bytes = c->bytes,
		                                    .append_max_timestamp = c->timestamp,
		                                    .append_last_offset = c->last_offset,
		                                    .now_ms = c->now};
		struct ls_segment *seg;
		struct bench bench;
		int empty;

		config.segment_bytes = c->size_limit;
		config.segment_ms = c->age;
		config.segment_index_bytes = c->index_bytes;
		config.max_compaction_lag_ms = c->lag;
		config.cleanup_policy = c->compact ? LS_CLEANUP_COMPACT : LS_CLEANUP_DELETE;
		bench_init(&bench);
		cr_assert_eq(ls_segment_create(bench.env, "/p", 100, c->jitter, &seg), 0);
		/* An empty one rolls only for its offsets. */
		empty = ls_segment_should_roll(seg, &config, &question, NULL);
		cr_assert_eq(empty, c->last_offset < 100 || c->last_offset - 100 > INT32_MAX, "%s, empty",
		             c->what);
		cr_assert_eq(append(seg, 100, 0, 1000, 100, &config), 0);
		cr_assert_eq(ls_segment_should_roll(seg, &config, &question, NULL), c->want, "%s", c->what);
		/* The same when the first batch has to be read. */
		seg->first_batch_known = false;
		cr_assert_eq(ls_segment_should_roll(seg, &config, &question, NULL), c->want, "%s, read",
		             c->what);
		(void)ls_segment_unpin(seg);
		bench_fini(&bench);
	}
}

Test(segment, rolls_by_the_clock_without_timestamps)
{
	struct ls_log_config config = config_with(4096);
	struct ls_roll_question question = {
		.append_bytes = 10, .append_max_timestamp = -1, .append_last_offset = 5};
	struct logstore_error error;
	struct ls_segment *seg;
	struct bench bench;

	bench_init(&bench);
	config.segment_ms = 100;
	cr_assert_eq(ls_segment_create(bench.env, "/p", 0, 0, &seg), 0);
	cr_assert_eq(append(seg, 0, 0, -1, 100, &config), 0);
	question.now_ms = seg->created_ms + 100;
	cr_assert_eq(ls_segment_should_roll(seg, &config, &question, NULL), 0);
	question.now_ms++;
	cr_assert_eq(ls_segment_should_roll(seg, &config, &question, NULL), 1);
	/* Near the end of what positions can say. */
	config.segment_bytes = INT32_MAX;
	atomic_store(&seg->size, LS_SEGMENT_MAX_SIZE - 9);
	cr_assert_eq(ls_segment_should_roll(seg, &config, &question, NULL), 1);
	/* The first batch cannot be read. */
	atomic_store(&seg->size, 161);
	seg->first_batch_known = false;
	ls_sim_fail_nth(bench.sim, 1, EIO, UINT32_C(1) << LOGSTORE_IO_OP_PREAD);
	cr_assert_eq(ls_segment_should_roll(seg, &config, &question, &error), -EIO);
	cr_assert_str_eq(error.path, LOG);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

/* ---- the end of a log ------------------------------------------------------------------------------------- */

/* Three batches of 100 bytes with offsets 10-11, 12-13, 14-15 and timestamps 7, 9, 8; the index names the last one. */
static size_t tail_log(uint8_t *bytes)
{
	size_t size = 0;

	size += make_batch(bytes + size, 10, 1, 7, 39);
	size += make_batch(bytes + size, 12, 1, 9, 39);
	size += make_batch(bytes + size, 14, 1, 8, 39);
	return size;
}

static struct ls_segment *open_tail(struct bench *bench, const uint8_t *bytes, size_t size, bool indexed)
{
	static const uint8_t last_entry[8] = {0, 0, 0, 5, 0, 0, 0, 200};
	struct ls_segment *seg;

	bench_put(bench, "/p/00000000000000000010.log", bytes, size);
	bench_remove(bench, "/p/00000000000000000010.index");
	if (indexed)
		bench_put(bench, "/p/00000000000000000010.index", last_entry, sizeof last_entry);
	cr_assert_eq(ls_segment_open(bench->env, "/p", 10, true, 0, &seg), 0);
	return seg;
}

static void check_tail(const uint8_t *bytes, size_t size, int strict, uint64_t end, int64_t next_offset)
{
	struct logstore_error error;
	struct ls_segment *seg;
	struct ls_tail tail;
	struct bench bench;

	bench_init(&bench);
	for (int indexed = 0; indexed < 2; indexed++) {
		seg = open_tail(&bench, bytes, size, indexed);
		memset(&error, 0x55, sizeof error);
		cr_assert_eq(ls_segment_find_tail(seg, size, false, &tail, &error), strict, "%zu bytes",
		             size);
		if (strict < 0) {
			cr_assert_eq(error.code, strict);
			cr_assert_str_eq(error.path, "/p/00000000000000000010.log");
			cr_assert_geq(error.position, 0);
		}
		cr_assert_eq(ls_segment_find_tail(seg, size, true, &tail, &error), 0);
		cr_assert_eq(tail.size, end, "%zu bytes: %lu", size, (unsigned long)tail.size);
		cr_assert_eq(tail.next_offset, next_offset, "%zu bytes: %ld", size, (long)tail.next_offset);
		cr_assert_eq(tail.exact, end == size);
		(void)ls_segment_unpin(seg);
	}
	bench_fini(&bench);
}

Test(segment, the_tail_of_a_log)
{
	uint8_t bytes[8192] = {0};
	size_t size = tail_log(bytes);

	cr_assert_eq(size, 300);
	check_tail(bytes, 300, 0, 300, 16);
	check_tail(bytes, 0, 0, 0, 10);
	for (size_t cut = 1; cut < 300; cut++) {
		size_t whole = cut / 100;

		check_tail(bytes, cut, cut % 100 == 0 ? 0 : LOGSTORE_E_CORRUPT_MESSAGE, whole * 100,
		           10 + (int64_t)whole * 2);
	}
	check_tail(bytes, 301, LOGSTORE_E_CORRUPT_MESSAGE, 300, 16);
	check_tail(bytes, 317, LOGSTORE_E_CORRUPT_MESSAGE, 300, 16);
	check_tail(bytes, 318, LOGSTORE_E_CORRUPT_MESSAGE, 300, 16);
	check_tail(bytes, 8192, LOGSTORE_E_CORRUPT_MESSAGE, 300, 16);
}

Test(segment, a_tail_that_is_not_as_it_should_be)
{
	uint8_t bytes[512];
	size_t size = tail_log(bytes);

	/* A wrong checksum of the last batch, to which the last index entry points: the offsets before it stay. */
	bytes[299] ^= 1;
	check_tail(bytes, size, LOGSTORE_E_UNCLEAN, 200, 14);
	(void)tail_log(bytes);
	bytes[99] ^= 1; /* not the last one: not looked at here */
	check_tail(bytes, size, 0, 300, 16);
	/* Offsets that go back. */
	(void)tail_log(bytes);
	(void)make_batch(bytes + 200, 13, 1, 8, 39);
	check_tail(bytes, size, LOGSTORE_E_UNCLEAN, 200, 14);
	(void)tail_log(bytes);
	(void)make_batch(bytes, 9, 1, 8, 39); /* below the base */
	bytes[8] = 0;
	check_tail(bytes, 100, LOGSTORE_E_UNCLEAN, 0, 10);
	/* Nothing can follow the last offset there is. */
	(void)tail_log(bytes);
	(void)make_batch(bytes + 200, INT64_MAX - 1, 1, 8, 39);
	check_tail(bytes, size, LOGSTORE_E_UNCLEAN, 200, 14);
	(void)make_batch(bytes + 200, INT64_MAX, 1, 8, 39); /* past it */
	check_tail(bytes, size, LOGSTORE_E_CORRUPT_MESSAGE, 200, 14);
	/* A format of tomorrow. */
	(void)tail_log(bytes);
	bytes[200 + LS_BATCH_MAGIC] = 3;
	check_tail(bytes, size, LOGSTORE_E_UNSUPPORTED_FORMAT, 200, 14);
	/* Too far for the segment: readers do not mind. */
	(void)make_batch(bytes + 200, 10 + (int64_t)INT32_MAX, 0, 8, 39);
	check_tail(bytes, size, 0, 300, 11 + (int64_t)INT32_MAX);
	(void)make_batch(bytes + 200, 11 + (int64_t)INT32_MAX, 0, 8, 39);
	check_tail(bytes, size, LOGSTORE_E_UNCLEAN, 300, 12 + (int64_t)INT32_MAX);
}

Test(segment, the_tail_tells_the_largest_timestamp)
{
	struct ls_segment *seg;
	uint8_t bytes[512];
	struct ls_tail tail;
	struct bench bench;

	bench_init(&bench);
	seg = open_tail(&bench, bytes, tail_log(bytes), false);
	cr_assert_eq(ls_segment_find_tail(seg, 300, false, &tail, NULL), 0);
	cr_assert_eq(tail.max_timestamp, 9);
	cr_assert_eq(tail.max_timestamp_offset, 13);
	bytes[150] ^= 1;
	cr_assert_eq(ls_segment_find_tail(seg, 200, false, &tail, NULL), 0);
	(void)ls_segment_unpin(seg);
	seg = open_tail(&bench, bytes, 200, false);
	cr_assert_eq(ls_segment_find_tail(seg, 200, true, &tail, NULL), 0);
	cr_assert_eq(tail.max_timestamp, 7); /* that of the batch with the wrong checksum does not count */
	cr_assert_eq(tail.max_timestamp_offset, 11);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

/* Beside an owner who cuts it: what was there a moment ago is no evidence, so the caller looks again. */
Test(segment, a_file_that_gets_shorter_is_no_damage)
{
	struct logstore_batch_info info;
	struct logstore_error error;
	struct ls_segment *seg;
	uint8_t bytes[512];
	struct ls_tail tail;
	struct bench bench;
	uint64_t position;

	bench_init(&bench);
	seg = open_tail(&bench, bytes, tail_log(bytes), false);
	atomic_store(&seg->size, 5000);
	cr_assert_eq(ls_segment_find(seg, 99, 5000, &info, &position, &error), -ENODATA);
	cr_assert_str_eq(error.path, "/p/00000000000000000010.log");
	for (int lenient = 0; lenient < 2; lenient++) {
		memset(&error, 0x55, sizeof error);
		cr_assert_eq(ls_segment_find_tail(seg, 5000, lenient, &tail, &error), -ENODATA);
		cr_assert_eq(error.code, -ENODATA);
		cr_assert_str_eq(error.path, "/p/00000000000000000010.log");
	}
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

/* ---- transactions ----------------------------------------------------------------------------------------- */

static struct logstore_txn_entry txn(int64_t producer_id, int64_t first, int64_t last, int64_t stable)
{
	return (struct logstore_txn_entry){.producer_id = producer_id,
	                                   .first_offset = first,
	                                   .last_offset = last,
	                                   .last_stable_offset = stable};
}

/* Collects and shows as "producer:first producer:first", with the return value before it. */
static const char *collect(struct ls_segment *seg, int64_t from, int64_t upper)
{
	struct ls_aborted_list list = {.env = seg->env};
	static char text[4096];
	size_t used = (size_t)snprintf(text, sizeof text, "%d",
	                               ls_segment_collect_aborted(seg, from, upper, &list, NULL));

	for (size_t i = 0; i < list.count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, " %ld:%ld",
		                         (long)list.items[i].producer_id, (long)list.items[i].first_offset);
	if (list.items)
		seg->env->allocator.free(seg->env->allocator.ctx, list.items);
	return text;
}

Test(segment, collects_aborted_transactions)
{
	struct logstore_txn_entry entries[] = {txn(1, 10, 20, 12), txn(2, 12, 25, 26), txn(1, 30, 32, 27),
	                                       txn(3, 27, 40, 41)};
	struct ls_segment *seg;
	struct bench bench;

	bench_init(&bench);
	cr_assert_eq(ls_segment_create(bench.env, "/p", 0, 0, &seg), 0);
	cr_assert_str_eq(collect(seg, 0, 100), "0");
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(ls_segment_append_txn(seg, &entries[i]), 0);
	cr_assert_str_eq(collect(seg, 0, 100), "0 1:10 2:12 1:30 3:27");
	cr_assert_str_eq(collect(seg, 20, 100), "0 1:10 2:12 1:30 3:27");
	cr_assert_str_eq(collect(seg, 21, 100), "0 2:12 1:30 3:27");
	cr_assert_str_eq(collect(seg, 0, 10), "1"); /* the first entry says that nothing before 12 is open */
	cr_assert_str_eq(collect(seg, 0, 12), "1 1:10");
	cr_assert_str_eq(collect(seg, 0, 13), "1 1:10 2:12");
	cr_assert_str_eq(collect(seg, 0, 27), "1 1:10 2:12");
	cr_assert_str_eq(collect(seg, 0, 28), "1 1:10 2:12 3:27");
	cr_assert_str_eq(collect(seg, 26, 33), "1 1:30 3:27");
	cr_assert_str_eq(collect(seg, 26, 34), "1 1:30 3:27");
	cr_assert_str_eq(collect(seg, 41, 42), "0");
	cr_assert_eq(ls_segment_undo_txn(seg, 3), 0);
	cr_assert_str_eq(collect(seg, 0, 100), "0 1:10");
	cr_assert_eq(ls_segment_undo_txn(seg, 0), 0);
	cr_assert_eq(ls_segment_sync_indexes(seg), 0);
	(void)ls_segment_unpin(seg);

	cr_assert_eq(ls_segment_open(bench.env, "/p", 0, true, 0, &seg), 0);
	cr_assert_str_eq(collect(seg, 0, 100), "0 1:10");
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

Test(segment, collects_more_than_one_block)
{
	struct ls_segment *seg;
	struct bench bench;
	char want[4096] = "0";

	bench_init(&bench);
	cr_assert_eq(ls_segment_create(bench.env, "/p", 0, 0, &seg), 0);
	for (int64_t i = 0; i < 200; i++) {
		struct logstore_txn_entry entry = txn(i, 2 * i, 2 * i + 1, 2 * i + 2);

		cr_assert_eq(ls_segment_append_txn(seg, &entry), 0);
		snprintf(want + strlen(want), sizeof want - strlen(want), " %ld:%ld", (long)i, (long)(2 * i));
	}
	cr_assert_str_eq(collect(seg, 0, INT64_MAX), want);
	cr_assert_str_eq(collect(seg, 258, 260), "1 129:258");
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

Test(segment, a_damaged_transaction_index_is_an_error)
{
	struct logstore_txn_entry entry = txn(1, 10, 20, 21);
	uint8_t bytes[34 * 5] = {0};
	struct logstore_error error;
	struct ls_segment *seg;
	struct bench bench;

	bench_init(&bench);
	for (size_t i = 0; i < 3; i++) {
		entry.last_offset = 20 + (int64_t)i;
		entry.last_stable_offset = 21 + (int64_t)i;
		ls_txn_entry_write(bytes + i * 34, &entry);
	}
	for (size_t size = 34 * 2 + 1; size <= 34 * 5; size++) {
		/* A writer lost evidence; a reader may see the half of an entry that is being written. */
		for (int read_only = 0; read_only < 2; read_only++) {
			struct ls_aborted_list list = {.env = bench.env};
			bool lost = read_only ? size >= 34 * 4 : size != 34 * 3;

			bench_put(&bench, "/p/00000000000000000000.txnindex", bytes, size);
			cr_assert_eq(ls_segment_open(bench.env, "/p", 0, read_only, 0, &seg), 0);
			cr_assert_eq(ls_segment_collect_aborted(seg, 0, 100, &list, &error),
			             lost ? LOGSTORE_E_CORRUPT_FILE : 0, "%zu bytes", size);
			cr_assert_eq(list.count, size < 34 * 3 ? 2 : 3);
			if (lost)
				cr_assert_eq(error.position, size < 34 * 3 ? 68 : 102);
			/* What lies before the loss can still be told. */
			cr_assert_eq(ls_segment_collect_aborted(seg, 0, 21, &list, &error), 1);
			bench.env->allocator.free(bench.env->allocator.ctx, list.items);
			(void)ls_segment_unpin(seg);
		}
	}
	bytes[34 + 1] = 9; /* a version of tomorrow */
	bench_put(&bench, "/p/00000000000000000000.txnindex", bytes, 34 * 3);
	cr_assert_eq(ls_segment_open(bench.env, "/p", 0, true, 0, &seg), 0);
	{
		struct ls_aborted_list list = {.env = bench.env};

		cr_assert_eq(ls_segment_collect_aborted(seg, 0, 100, &list, &error),
		             LOGSTORE_E_UNSUPPORTED_VERSION);
		cr_assert_eq(error.position, 34);
		cr_assert_str_eq(error.path, "/p/00000000000000000000.txnindex");
		bench.env->allocator.free(bench.env->allocator.ctx, list.items);
	}
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

Test(segment, a_failed_transaction_entry_leaves_nothing)
{
	struct logstore_txn_entry entry = txn(1, 10, 20, 21);
	struct bench bench;

	bench_init(&bench);
	for (uint64_t n = 1;; n++) {
		struct ls_segment *seg;
		bool pending;
		int r;

		cr_assert_eq(ls_segment_create(bench.env, "/p", 0, 0, &seg), 0);
		ls_sim_fail_nth(bench.sim, n, ENOSPC, UINT32_MAX);
		r = ls_segment_append_txn(seg, &entry);
		pending = ls_sim_fault_pending(bench.sim);
		ls_sim_fail_nth(bench.sim, 0, 0, 0);
		cr_assert_eq(r, pending ? 0 : -ENOSPC);
		cr_assert_str_eq(collect(seg, 0, 100), pending ? "0 1:10" : "0");
		/* And it can be written again. */
		if (!pending) {
			cr_assert_eq(ls_segment_append_txn(seg, &entry), 0);
			cr_assert_str_eq(collect(seg, 0, 100), "0 1:10");
		}
		(void)ls_segment_unpin(seg);
		if (pending)
			break;
	}
	bench_fini(&bench);
}

/* ---- cutting ---------------------------------------------------------------------------------------------- */

static int64_t largest(const struct plain_log *log, size_t count)
{
	int64_t max = LOGSTORE_NO_TIMESTAMP;

	for (size_t i = 0; i < count; i++) {
		if (log->items[i].info.max_timestamp > max)
			max = log->items[i].info.max_timestamp;
	}
	return max;
}

static void check_cut(int64_t interval, int64_t offset, const struct plain_log *before, bool flushed)
{
	struct ls_log_config config = config_with(interval);
	struct ls_segment *seg;
	struct plain_log log;
	struct bench bench;
	size_t kept = 0;

	bench_init(&bench);
	seg = make_log(&bench, 0, &config);
	for (int64_t last = 2; last < 90; last += 10) {
		struct logstore_txn_entry entry = txn(1, last - 2, last, last + 1);

		cr_assert_eq(ls_segment_append_txn(seg, &entry), 0);
	}
	if (flushed)
		cr_assert_eq(ls_segment_flush_indexes(seg), 0);
	while (kept < before->count && before->items[kept].info.last_offset < offset)
		kept++;
	cr_assert_eq(ls_segment_truncate(seg, offset, 77, NULL), 0);
	log = plain_of(&bench, LOG, 0);
	cr_assert_eq(log.count, kept, "offset %ld", (long)offset);
	cr_assert_eq(atomic_load(&seg->size), log.end);
	cr_assert_eq(atomic_load(&seg->generation), 1);
	cr_assert_eq(atomic_load(&seg->max_timestamp), largest(before, kept), "offset %ld", (long)offset);
	check_finds(seg, &log);
	check_times(seg, &log);
	check_bounds(seg, &log);
	for (uint64_t i = 0; i < ls_index_file_count(&seg->offset_index); i++) {
		struct ls_offset_entry entry;
		uint8_t bytes[8];

		cr_assert_eq(ls_index_file_get(&seg->offset_index, i, bytes), 0);
		cr_assert_eq(ls_offset_entry_read(bytes, 0, &entry, NULL), 0);
		cr_assert_lt(entry.position, log.end);
	}
	for (uint64_t i = 0; i < ls_index_file_count(&seg->txn_index); i++) {
		struct logstore_txn_entry entry;
		uint8_t bytes[34];

		cr_assert_eq(ls_index_file_get(&seg->txn_index, i, bytes), 0);
		cr_assert_eq(ls_txn_entry_read(bytes, &entry, NULL), 0);
		cr_assert_lt(entry.last_offset, offset);
	}
	if (kept == 0) {
		cr_assert_eq(seg->created_ms, 77);
		cr_assert_not(seg->first_batch_known);
	}
	/* It goes on. */
	cr_assert_eq(append(seg, kept ? log.items[kept - 1].info.last_offset + 1 : 0, 2, 2000, 60, &config),
	             0);
	free(log.items);
	log = plain_of(&bench, LOG, 0);
	cr_assert_eq(log.count, kept + 1);
	check_finds(seg, &log);
	check_times(seg, &log);
	free(log.items);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

Test(segment, cuts_at_every_offset)
{
	struct ls_log_config config = config_with(0);
	struct ls_segment *seg;
	struct plain_log log;
	struct bench bench;
	int64_t last;

	bench_init(&bench);
	seg = make_log(&bench, 0, &config);
	log = plain_of(&bench, LOG, 0);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
	last = log.items[log.count - 1].info.last_offset;
	for (int64_t offset = 0; offset <= last + 2; offset++) {
		check_cut(0, offset, &log, true);
		check_cut(300, offset, &log, offset % 2);
	}
	free(log.items);
}

Test(segment, a_wrong_time_index_does_not_survive_as_the_largest_timestamp)
{
	uint8_t entry[12] = {0, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 3};
	struct ls_segment *seg;
	uint8_t bytes[512];
	struct bench bench;

	bench_init(&bench);
	bench_put(&bench, "/p/00000000000000000010.timeindex", entry, sizeof entry);
	seg = open_tail(&bench, bytes, tail_log(bytes), true);
	atomic_store(&seg->size, 300);
	cr_assert_eq(ls_segment_recompute_max_timestamp(seg, NULL), 0);
	cr_assert_eq(atomic_load(&seg->max_timestamp), 9);
	cr_assert_eq(seg->max_timestamp_offset, 13);
	(void)ls_segment_unpin(seg);
	/* A right one is taken, and the walk begins there. */
	ls_store_be64(entry, 9);
	bench_put(&bench, "/p/00000000000000000010.timeindex", entry, sizeof entry);
	seg = open_tail(&bench, bytes, 300, true);
	atomic_store(&seg->size, 300);
	cr_assert_eq(ls_segment_recompute_max_timestamp(seg, NULL), 0);
	cr_assert_eq(atomic_load(&seg->max_timestamp), 9);
	cr_assert_eq(seg->last_time_entry, 9);
	/* Negative: the walk tells. */
	(void)ls_segment_unpin(seg);
	entry[8] = 0xff;
	bench_put(&bench, "/p/00000000000000000010.timeindex", entry, sizeof entry);
	seg = open_tail(&bench, bytes, 300, true);
	atomic_store(&seg->size, 300);
	cr_assert_eq(ls_segment_recompute_max_timestamp(seg, NULL), 0);
	cr_assert_eq(atomic_load(&seg->max_timestamp), 9);
	cr_assert_eq(seg->last_time_entry, LOGSTORE_NO_TIMESTAMP);
	(void)ls_segment_unpin(seg);
	bench_fini(&bench);
}

Test(segment, a_cut_does_not_drop_damaged_evidence)
{
	struct ls_log_config config = config_with(0);
	uint8_t bytes[34 * 3] = {0};
	struct logstore_txn_entry entry = txn(1, 0, 2, 3);
	struct logstore_error error;
	struct ls_segment *seg;
	struct plain_log log;
	struct bench bench;

	bench_init(&bench);
	seg = make_log(&bench, 0, &config);
	(void)ls_segment_unpin(seg);
	log = plain_of(&bench, LOG, 0);
	for (size_t i = 0; i < 3; i++)
		ls_txn_entry_write(bytes + i * 34, &entry);
	bytes[34] = 0x80; /* a negative version in the middle */
	bench_put(&bench, "/p/00000000000000000000.txnindex", bytes, sizeof bytes);
	cr_assert_eq(ls_segment_open(bench.env, "/p", 0, false, 0, &seg), 0);
	atomic_store(&seg->size, log.end);
	cr_assert_eq(ls_segment_truncate(seg, 20, 0, &error), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_str_eq(error.path, "/p/00000000000000000000.txnindex");
	cr_assert_eq(atomic_load(&seg->size), log.end);
	cr_assert_eq(atomic_load(&seg->generation), 0);
	(void)ls_segment_unpin(seg);
	free(log.items);
	bench_fini(&bench);
}

/* ---- failures --------------------------------------------------------------------------------------------- */

/* Everything a segment can do, in one run. Returns the first error, or 0. */
static int whole_life(struct bench *bench)
{
	struct ls_log_config config = config_with(0);
	struct logstore_txn_entry entry = txn(1, 0, 2, 3);
	struct ls_aborted_list list = {.env = bench->env};
	struct logstore_batch_info info;
	struct ls_segment *seg = NULL;
	struct logstore_error error;
	uint64_t position, size = 0;
	struct ls_tail tail;
	int64_t bound;
	int r;

	r = ls_segment_create(bench->env, "/p", 0, 0, &seg);
	for (int64_t i = 0; i < 70 && r == 0; i++)
		r = append(seg, i * 2, 1, 1000 + i, 20, &config);
	if (r == 0)
		r = ls_segment_append_txn(seg, &entry);
	if (r == 0)
		r = ls_segment_flush_indexes(seg);
	if (r == 0)
		r = ls_segment_sync_log(seg);
	if (r == 0)
		r = ls_segment_sync_indexes(seg);
	if (r == 0)
		r = ls_segment_find(seg, 99, atomic_load(&seg->size), &info, &position, &error) < 0 ? -EIO
		                                                                                    : 0;
	if (r == 0)
		r = ls_segment_time_position(seg, 1050, 0, atomic_load(&seg->size), &position, &error);
	if (r == 0)
		r = ls_segment_truncate(seg, 81, 0, &error);
	if (r == 0)
		size = atomic_load(&seg->size);
	seg = ls_segment_unpin(seg);
	if (r == 0)
		r = ls_segment_open(bench->env, "/p", 0, true, 0, &seg);
	if (r == 0)
		r = ls_segment_find_tail(seg, size, true, &tail, &error);
	if (r == 0) {
		cr_assert_eq(tail.size, size);
		cr_assert_eq(tail.next_offset, 80);
		atomic_store(&seg->size, size);
		r = ls_segment_find_tail(seg, size, false, &tail, &error);
	}
	if (r == 0) {
		r = ls_segment_upper_bound(seg, 81 * 20, &bound);
		if (r == 1)
			cr_assert_eq(bound, 41);
		r = r < 0 ? r : 0;
	}
	if (r == 0)
		r = ls_segment_collect_aborted(seg, 0, 100, &list, &error);
	if (r == 0)
		r = ls_segment_remove_files(seg);
	if (list.items)
		bench->env->allocator.free(bench->env->allocator.ctx, list.items);
	(void)ls_segment_unpin(seg);
	return r;
}

Test(segment, every_allocation_can_fail)
{
	long n;

	for (n = 1;; n++) {
		struct bench bench;
		int r;

		bench_init(&bench);
		atomic_store(&bench.alloc.requests, 0);
		atomic_store(&bench.alloc.fail_at, n);
		r = whole_life(&bench);
		cr_assert_eq(r, ts_alloc_failed(&bench.alloc) ? -ENOMEM : 0, "allocation %ld: %d", n, r);
		bench_fini(&bench);
		if (r == 0)
			break;
	}
	cr_assert_gt(n, 8);
}

Test(segment, every_operation_can_fail)
{
	static const int errors[] = {EIO, ENOSPC};

	for (size_t e = 0; e < 2; e++) {
		for (uint64_t n = 1;; n++) {
			struct bench bench;
			bool pending;
			int r;

			bench_init(&bench);
			ls_sim_fail_nth(bench.sim, n, errors[e], ~(UINT32_C(1) << LOGSTORE_IO_OP_CLOSE));
			r = whole_life(&bench);
			pending = ls_sim_fault_pending(bench.sim);
			/* A hint that cannot be read may be done without: then the run goes on. */
			cr_assert(r == 0 || (!pending &&
			                     (r == -errors[e] || r == -EIO || r == LOGSTORE_E_FULL)),
			          "operation %lu: %d", (unsigned long)n, r);
			bench_fini(&bench);
			if (pending) {
				cr_assert_gt(n, 100);
				break;
			}
		}
	}
}

Test(segment, short_transfers_change_nothing)
{
	struct bench bench;

	bench_init(&bench);
	ls_sim_short_transfers(bench.sim, 2);
	cr_assert_eq(whole_life(&bench), 0);
	bench_fini(&bench);
}
