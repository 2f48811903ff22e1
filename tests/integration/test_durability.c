/*
 * What is on stable storage when: a table of operations that forwards to the simulated file system and
 * notes which files were written and which directories got new entries since they were last synced. When a
 * FLUSHED append or a flush returns, the log, the transaction index and the directory are clean; when the
 * clean-shutdown marker is about to be written, everything is. Over random sequences of operations.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <logstore/logstore.h>
#include <stdio.h>
#include <string.h>

#include "testlib.h"

#define FILES_MAX 512
#define DESCRIPTORS_MAX 256

struct tracked {
	char path[256];
	bool dirty;
};

struct watch {
	logstore_sim *sim;
	const struct logstore_io *below;
	struct logstore_io table;
	struct tracked files[FILES_MAX];
	size_t file_count;
	struct tracked directories[FILES_MAX];
	size_t directory_count;
	char open[DESCRIPTORS_MAX][256];
	bool writing[DESCRIPTORS_MAX];
	char complaint[512];
};

static struct tracked *track(struct tracked *list, size_t *count, const char *path)
{
	for (size_t i = 0; i < *count; i++) {
		if (strcmp(list[i].path, path) == 0)
			return &list[i];
	}
	cr_assert(*count < FILES_MAX);
	snprintf(list[*count].path, sizeof list[*count].path, "%s", path);
	list[*count].dirty = false;
	return &list[(*count)++];
}

static void touch_directory_of(struct watch *watch, const char *path)
{
	char directory[256];
	char *slash;

	snprintf(directory, sizeof directory, "%s", path);
	slash = strrchr(directory, '/');
	*slash = '\0';
	track(watch->directories, &watch->directory_count, directory)->dirty = true;
}

static bool is_temporary(const char *path)
{
	const char *end = path + strlen(path);

	return strcmp(end - 4, ".tmp") == 0 || strcmp(end - 5, ".lock") == 0;
}

/* Notes the first file or directory below /data that is not on stable storage. */
static void expect_all_clean(struct watch *watch, const char *when)
{
	for (size_t i = 0; i < watch->file_count && !watch->complaint[0]; i++) {
		if (watch->files[i].dirty && !is_temporary(watch->files[i].path))
			snprintf(watch->complaint, sizeof watch->complaint, "%s: %s is not synced", when,
			         watch->files[i].path);
	}
	for (size_t i = 0; i < watch->directory_count && !watch->complaint[0]; i++) {
		if (watch->directories[i].dirty && strstr(watch->directories[i].path, "/data/t-0") &&
		    !strstr(watch->directories[i].path, "-delete"))
			snprintf(watch->complaint, sizeof watch->complaint, "%s: the directory %s is not synced", when,
			         watch->directories[i].path);
	}
}

static int watch_open(void *ctx, const char *path, unsigned flags, int *ret_fd)
{
	struct watch *watch = ctx;
	struct logstore_io_stat st;
	bool fresh = watch->below->stat(watch->below->ctx, path, &st) == -ENOENT;
	int r;

	if (strstr(path, ".kafka_cleanshutdown.tmp"))
		expect_all_clean(watch, "before the marker");
	r = watch->below->open(watch->below->ctx, path, flags, ret_fd);
	if (r == 0) {
		cr_assert(*ret_fd < DESCRIPTORS_MAX);
		snprintf(watch->open[*ret_fd], sizeof watch->open[0], "%s", path);
		if (fresh)
			touch_directory_of(watch, path);
		if (fresh || (flags & LOGSTORE_IO_TRUNCATE))
			track(watch->files, &watch->file_count, path)->dirty = true;
	}
	return r;
}

static int watch_close(void *ctx, int fd)
{
	struct watch *watch = ctx;

	return watch->below->close(watch->below->ctx, fd);
}

static int64_t watch_pread(void *ctx, int fd, void *buffer, size_t size, uint64_t position)
{
	struct watch *watch = ctx;

	return watch->below->pread(watch->below->ctx, fd, buffer, size, position);
}

static int64_t watch_pwritev(void *ctx, int fd, const struct logstore_iovec *iov, unsigned count, uint64_t position)
{
	struct watch *watch = ctx;

	track(watch->files, &watch->file_count, watch->open[fd])->dirty = true;
	return watch->below->pwritev(watch->below->ctx, fd, iov, count, position);
}

static int watch_datasync(void *ctx, int fd)
{
	struct watch *watch = ctx;

	track(watch->files, &watch->file_count, watch->open[fd])->dirty = false;
	return watch->below->datasync(watch->below->ctx, fd);
}

static int watch_truncate(void *ctx, int fd, uint64_t size)
{
	struct watch *watch = ctx;

	track(watch->files, &watch->file_count, watch->open[fd])->dirty = true;
	return watch->below->truncate(watch->below->ctx, fd, size);
}

static int watch_fstat(void *ctx, int fd, struct logstore_io_stat *ret_stat)
{
	struct watch *watch = ctx;

	return watch->below->fstat(watch->below->ctx, fd, ret_stat);
}

static int watch_stat(void *ctx, const char *path, struct logstore_io_stat *ret_stat)
{
	struct watch *watch = ctx;

	return watch->below->stat(watch->below->ctx, path, ret_stat);
}

static int watch_rename(void *ctx, const char *from, const char *to)
{
	struct watch *watch = ctx;
	bool dirty = track(watch->files, &watch->file_count, from)->dirty;
	int r = watch->below->rename(watch->below->ctx, from, to);

	if (r == 0) {
		track(watch->files, &watch->file_count, from)->dirty = false;
		track(watch->files, &watch->file_count, to)->dirty = dirty;
		touch_directory_of(watch, from);
		touch_directory_of(watch, to);
	}
	return r;
}

static int watch_unlink(void *ctx, const char *path)
{
	struct watch *watch = ctx;
	int r = watch->below->unlink(watch->below->ctx, path);

	if (r == 0) {
		track(watch->files, &watch->file_count, path)->dirty = false;
		touch_directory_of(watch, path);
	}
	return r;
}

static int watch_mkdir(void *ctx, const char *path)
{
	struct watch *watch = ctx;

	return watch->below->mkdir(watch->below->ctx, path);
}

static int watch_list(void *ctx, const char *path, logstore_io_list_fn fn, void *arg)
{
	struct watch *watch = ctx;

	return watch->below->list(watch->below->ctx, path, fn, arg);
}

static int watch_sync_dir(void *ctx, const char *path)
{
	struct watch *watch = ctx;

	track(watch->directories, &watch->directory_count, path)->dirty = false;
	return watch->below->sync_dir(watch->below->ctx, path);
}

static int watch_lock(void *ctx, int fd)
{
	struct watch *watch = ctx;

	return watch->below->lock(watch->below->ctx, fd);
}

static void watch_init(struct watch *watch)
{
	memset(watch, 0, sizeof *watch);
	cr_assert(logstore_sim_new(1, &watch->sim) == 0);
	watch->below = logstore_sim_io(watch->sim);
	watch->table = *watch->below;
	watch->table.ctx = watch;
	watch->table.open = watch_open;
	watch->table.close = watch_close;
	watch->table.pread = watch_pread;
	watch->table.pwritev = watch_pwritev;
	watch->table.datasync = watch_datasync;
	watch->table.truncate = watch_truncate;
	watch->table.fstat = watch_fstat;
	watch->table.stat = watch_stat;
	watch->table.rename = watch_rename;
	watch->table.unlink = watch_unlink;
	watch->table.mkdir = watch_mkdir;
	watch->table.list = watch_list;
	watch->table.sync_dir = watch_sync_dir;
	watch->table.lock = watch_lock;
}

/* After a FLUSHED append or a flush: what a reader after a power cut needs. */
static void expect_evidence_clean(struct watch *watch, const char *when)
{
	for (size_t i = 0; i < watch->file_count && !watch->complaint[0]; i++) {
		const char *path = watch->files[i].path;

		if (watch->files[i].dirty && (strstr(path, ".log") || strstr(path, ".txnindex")))
			snprintf(watch->complaint, sizeof watch->complaint, "%s: %s is not synced", when, path);
	}
	for (size_t i = 0; i < watch->directory_count && !watch->complaint[0]; i++) {
		if (watch->directories[i].dirty && strcmp(watch->directories[i].path, "/data/t-0") == 0)
			snprintf(watch->complaint, sizeof watch->complaint, "%s: the directory is not synced", when);
	}
}

static void step(struct watch *watch, logstore_partition *part, struct ts_rng *rng, int32_t *sequence)
{
	struct logstore_record record = {.timestamp = 1000, .key_size = -1, .value = "some value", .value_size = 10};
	struct logstore_records_options records;
	struct logstore_append_options options;
	struct logstore_append_result result;
	struct logstore_offsets offsets;
	struct logstore_marker marker;
	struct logstore_error error = {0};
	int64_t log_start;
	int r = 0;

	logstore_append_options_init(&options);
	options.durability = ts_rng_below(rng, 2) ? LOGSTORE_FLUSHED : LOGSTORE_WRITTEN;
	logstore_partition_offsets(part, &offsets);
	switch (ts_rng_below(rng, 8)) {
	case 0:
	case 1:
	case 2:
		logstore_records_options_init(&records);
		records.producer_id = 7;
		records.producer_epoch = 0;
		records.base_sequence = *sequence;
		records.transactional = true;
		r = logstore_append_records(part, &record, 1, &records, &options, &result, &error);
		*sequence += r == 0;
		break;
	case 3:
	case 4:
		logstore_marker_init(&marker);
		marker.producer_id = 7;
		marker.producer_epoch = 0;
		r = logstore_append_marker(part, &marker, &options, &result, &error);
		break;
	case 5:
		r = logstore_roll(part, &error);
		options.durability = LOGSTORE_WRITTEN;
		break;
	case 6:
		r = logstore_delete_records(part, offsets.log_start + (offsets.high_watermark - offsets.log_start) / 4,
		                            &log_start, &error);
		options.durability = LOGSTORE_WRITTEN;
		break;
	case 7:
		r = logstore_flush(part, &error);
		options.durability = LOGSTORE_FLUSHED;
		break;
	}
	cr_assert(r == 0, "%s: %s", logstore_error_name(r), error.text);
	if (options.durability == LOGSTORE_FLUSHED)
		expect_evidence_clean(watch, "after FLUSHED");
}

TestSuite(durability, .fini = ts_check_leaks);

Test(durability, is_as_promised_after_flushes_and_before_the_marker)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 20260301);
	for (int sequence_number = 0; sequence_number < 300; sequence_number++) {
		static struct watch watch;
		struct logstore_options options;
		struct logstore_env env;
		struct logstore_error error = {0};
		logstore_partition *part;
		int32_t sequence = 0;
		logstore *store;

		watch_init(&watch);
		logstore_env_init(&env);
		env.io = &watch.table;
		logstore_options_init(&options);
		options.create = true;
		options.env = &env;
		cr_assert(logstore_open("/data", &options, &store, &error) == 0, "%s", error.text);
		cr_assert(logstore_partition_create(store, "t", 0, NULL, &part, &error) == 0, "%s", error.text);
		for (uint64_t steps = 1 + ts_rng_below(&rng, 25); steps > 0; steps--)
			step(&watch, part, &rng, &sequence);
		logstore_partition_close(part);
		cr_assert(logstore_close(store, &error) == 0, "%s", error.text);
		cr_assert(watch.complaint[0] == '\0', "sequence %d: %s", sequence_number, watch.complaint);
		logstore_sim_free(watch.sim);
	}
}
