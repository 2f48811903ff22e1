/*
 * Life of a segment: making and opening it, its pins, its files. Nothing here decides when.
 */
#include "segment/segment.h"

#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"
#include "format/names.h"

static void free_segment(struct ls_segment *seg)
{
	int fd = atomic_load(&seg->log_fd);

	if (fd >= 0)
		(void)seg->env->io->close(seg->env->io->ctx,
		                          fd); /* what had to be durable was synced before */
	ls_index_file_fini(&seg->offset_index);
	ls_index_file_fini(&seg->time_index);
	ls_index_file_fini(&seg->txn_index);
	ls_mutex_fini(&seg->lock);
	(void)ls_free(seg->env, seg);
}

static int init_locks(struct ls_segment *seg)
{
	const struct ls_env *env = seg->env;
	int r;

	r = ls_mutex_init(&seg->lock);
	if (r < 0)
		return r;
	r = ls_index_file_init(&seg->offset_index, env, LS_OFFSET_ENTRY_SIZE);
	if (r < 0)
		goto undo_lock;
	r = ls_index_file_init(&seg->time_index, env, LS_TIME_ENTRY_SIZE);
	if (r < 0)
		goto undo_offset_index;
	r = ls_index_file_init(&seg->txn_index, env, LS_TXN_ENTRY_SIZE);
	if (r < 0)
		goto undo_time_index;
	return 0;

undo_time_index:
	ls_index_file_fini(&seg->time_index);
undo_offset_index:
	ls_index_file_fini(&seg->offset_index);
undo_lock:
	ls_mutex_fini(&seg->lock);
	return r;
}

static int new_segment(const struct ls_env *env, const char *directory, int64_t base, bool read_only,
                       int64_t roll_jitter_ms, struct ls_segment **ret_segment)
{
	struct ls_segment *seg = ls_calloc(env, 1, sizeof *seg);
	int r;

	if (!seg)
		return -ENOMEM;
	seg->env = env;
	seg->directory = directory;
	seg->base = base;
	seg->read_only = read_only;
	seg->roll_jitter_ms = roll_jitter_ms;
	seg->created_ms = ls_now_ms(env);
	seg->max_timestamp_offset = base;
	seg->last_time_entry = LOGSTORE_NO_TIMESTAMP;
	atomic_init(&seg->pins, 1);
	atomic_init(&seg->log_fd, -1);
	atomic_init(&seg->max_timestamp, LOGSTORE_NO_TIMESTAMP);
	r = init_locks(seg);
	if (r < 0) {
		(void)ls_free(env, seg);
		return r;
	}
	*ret_segment = seg;
	return 0;
}

void ls_segment_path(const struct ls_segment *seg, const char *ending, char ret_path[LS_PATH_MAX])
{
	char name[LS_FILE_NAME_MAX];
	int r;

	ls_file_name(name, seg->base, ending);
	r = ls_path_join(ret_path, seg->directory, name);
	LS_ASSERT(r == 0); /* the partition checked that its directory leaves room for names */
}

static int remove_file(struct ls_segment *seg, const char *ending)
{
	char path[LS_PATH_MAX];
	int r;

	ls_segment_path(seg, ending, path);
	r = seg->env->io->unlink(seg->env->io->ctx, path);
	return r == -ENOENT ? 0 : r;
}

int ls_segment_remove_files(struct ls_segment *seg)
{
	static const char *const endings[] = {".timeindex", ".index", ".log", ".txnindex"};
	int first = 0;

	/* After a crash in between a log without offset index gets a new one from every loader, and a
	 * transaction index without log is dropped. A log without its transaction index would show aborted
	 * data as committed, and an offset index without log would look like a lost log. */
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		int r = remove_file(seg, endings[i]);

		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int ls_segment_create(const struct ls_env *env, const char *directory, int64_t base, int64_t roll_jitter_ms,
                      struct ls_segment **ret_segment)
{
	char path[LS_PATH_MAX];
	struct ls_segment *seg;
	int fd, r;

	r = new_segment(env, directory, base, false, roll_jitter_ms, &seg);
	if (r < 0)
		return r;
	r = ls_segment_remove_files(seg);
	if (r < 0)
		goto fail;
	ls_segment_path(seg, ".log", path);
	r = env->io->open(env->io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE | LOGSTORE_IO_EXCLUSIVE,
	                  &fd);
	if (r < 0)
		goto fail;
	atomic_store(&seg->log_fd, fd);
	*ret_segment = seg;
	return 0;

fail:
	(void)ls_segment_unpin(seg);
	return r;
}

static int open_index(struct ls_segment *seg, struct ls_index_file *index, const char *ending)
{
	char path[LS_PATH_MAX];
	int r;

	ls_segment_path(seg, ending, path);
	r = ls_index_file_open(index, path, seg->read_only);
	return r == -ENOENT ? 0 : r;
}

int ls_segment_open(const struct ls_env *env, const char *directory, int64_t base, bool read_only,
                    int64_t roll_jitter_ms, struct ls_segment **ret_segment)
{
	struct ls_segment *seg;
	int r;

	r = new_segment(env, directory, base, read_only, roll_jitter_ms, &seg);
	if (r < 0)
		return r;
	r = open_index(seg, &seg->offset_index, ".index");
	if (r == 0)
		r = open_index(seg, &seg->time_index, ".timeindex");
	if (r == 0)
		r = open_index(seg, &seg->txn_index, ".txnindex");
	if (r < 0) {
		(void)ls_segment_unpin(seg);
		return r;
	}
	*ret_segment = seg;
	return 0;
}

struct ls_segment *ls_segment_pin(struct ls_segment *seg)
{
	unsigned pins = atomic_fetch_add(&seg->pins, 1);

	LS_ASSERT(pins > 0);
	return seg;
}

struct ls_segment *ls_segment_unpin(struct ls_segment *seg)
{
	unsigned pins;

	if (!seg)
		return NULL;
	pins = atomic_fetch_sub(&seg->pins, 1);
	LS_ASSERT(pins > 0);
	if (pins == 1)
		free_segment(seg);
	return NULL;
}

int ls_segment_log_fd(struct ls_segment *seg)
{
	int fd = atomic_load(&seg->log_fd);
	char path[LS_PATH_MAX];
	int r;

	if (fd >= 0)
		return fd;
	ls_mutex_lock(&seg->lock);
	fd = atomic_load(&seg->log_fd);
	if (fd < 0) {
		ls_segment_path(seg, ".log", path);
		r = seg->env->io->open(seg->env->io->ctx, path,
		                       seg->read_only ? LOGSTORE_IO_READ : LOGSTORE_IO_WRITE, &fd);
		if (r < 0)
			fd = r;
		else
			atomic_store(&seg->log_fd, fd);
	}
	ls_mutex_unlock(&seg->lock);
	return fd;
}

int ls_segment_read(struct ls_segment *seg, uint64_t position, void *buffer, size_t size)
{
	int fd = ls_segment_log_fd(seg);
	size_t n;
	int r;

	if (fd < 0)
		return fd;
	r = ls_io_read_full(seg->env->io, fd, buffer, size, position, &n);
	if (r < 0)
		return r;
	return n < size ? -ENODATA : 0;
}

int ls_segment_flush_indexes(struct ls_segment *seg)
{
	char path[LS_PATH_MAX];
	int r;

	ls_segment_path(seg, ".index", path);
	r = ls_index_file_flush(&seg->offset_index, path);
	if (r < 0)
		return r;
	ls_segment_path(seg, ".timeindex", path);
	return ls_index_file_flush(&seg->time_index, path);
}

int ls_segment_sync_log(struct ls_segment *seg)
{
	int fd = ls_segment_log_fd(seg);

	if (fd < 0)
		return fd;
	return seg->env->io->datasync(seg->env->io->ctx, fd);
}

int ls_segment_sync_indexes(struct ls_segment *seg)
{
	int r;

	r = ls_index_file_sync(&seg->offset_index);
	return r < 0 ? r : ls_index_file_sync(&seg->time_index);
}

int ls_segment_sync_txn_index(struct ls_segment *seg)
{
	return ls_index_file_sync(&seg->txn_index);
}

bool ls_segment_lacks_index_files(const struct ls_segment *seg)
{
	return seg->offset_index.fd < 0 || seg->time_index.fd < 0;
}
