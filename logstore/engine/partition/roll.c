/*
 * Sealing and flushing: the next segment, producer snapshots, the epoch file, fsyncs, the clean close.
 *
 * A roll syncs nothing. What it leaves dirty (the sealed segment, its snapshot, the new directory entry)
 * is synced by the next flush, before the recovery point passes it. A failed sync is final: the kernel
 * has dropped the pages, so the partition goes offline and nothing is retried.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "format/names.h"
#include "partition/partition_internal.h"

/* ---- small files --------------------------------------------------------------------------------------- */

/* Whether a small file holds what is in file_buffer. When in doubt it does. */
static bool holds_new_content(logstore_partition *part, const char *path)
{
	struct ls_buf now;
	bool same;
	int r;

	ls_buf_init(&now, part->env);
	r = ls_io_read_file(part->env, path, part->file_buffer.size, &now);
	same = r == 0 ? now.size == part->file_buffer.size &&
	                        memcmp(now.data, part->file_buffer.data, now.size) == 0
	              : r != -ENOENT && r != LOGSTORE_E_LIMIT_EXCEEDED;
	ls_buf_fini(&now);
	return same;
}

/*
 * A failed replacement leaves the old file and the old table; unless only its last step failed, the fsync
 * of the directory. Then file and table differ, and an epoch that was refused would be believed after the
 * log has grown past its start: the partition goes offline, as after a failed write.
 */
int ls_partition_write_epochs(logstore_partition *part, const struct ls_epoch_cache *epochs,
                              struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int r;

	ls_partition_path(part, LS_NAME_EPOCHS, path);
	ls_buf_clear(&part->file_buffer);
	r = ls_epoch_cache_write(epochs, &part->file_buffer);
	if (r < 0)
		return r;
	r = ls_io_replace_file(part->env, path, part->file_buffer.data, part->file_buffer.size);
	if (r < 0 && part->view.set && (r == -EIO || holds_new_content(part, path))) /* not while it is loaded */
		return ls_partition_go_offline(part, r, "writing", path, ret_error);
	return r < 0 ? ls_error_io(ret_error, r, "cannot write the leader epochs", path) : 0;
}

static int write_fresh_file(logstore_partition *part, const char *path, bool sync)
{
	const struct logstore_io *io = part->env->io;
	int fd, r, closed;

	r = io->open(io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE | LOGSTORE_IO_TRUNCATE, &fd);
	if (r < 0)
		return r;
	r = ls_io_write_full(io, fd, part->file_buffer.data, part->file_buffer.size, 0);
	if (r == 0 && sync)
		r = io->datasync(io->ctx, fd);
	closed = io->close(io->ctx, fd);
	return r < 0 ? r : closed;
}

static int sync_snapshot(logstore_partition *part, int64_t offset)
{
	const struct logstore_io *io = part->env->io;
	char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
	int fd, r;

	ls_file_name(name, offset, ".snapshot");
	ls_partition_path(part, name, path);
	r = io->open(io->ctx, path, LOGSTORE_IO_WRITE, &fd);
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* there need not be one at every base */
	r = io->datasync(io->ctx, fd);
	(void)io->close(io->ctx, fd); /* nothing was written through this descriptor */
	return r;
}

int ls_partition_write_snapshot(logstore_partition *part, int64_t offset, bool sync,
                                struct logstore_error *ret_error)
{
	char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
	int r;

	ls_file_name(name, offset, ".snapshot");
	ls_partition_path(part, name, path);
	if (part->snapshot_offset == offset && !part->producers_changed) {
		r = sync ? sync_snapshot(part, offset) : 0;
		return r < 0 ? ls_error_io(ret_error, r, "cannot fsync the producer snapshot", path) : 0;
	}
	ls_buf_clear(&part->file_buffer);
	ls_mutex_lock(&part->state_lock);
	r = ls_producer_state_snapshot(part->producers, &part->file_buffer);
	ls_mutex_unlock(&part->state_lock);
	if (r == 0)
		r = write_fresh_file(part, path, sync);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot write the producer snapshot", path);
	part->snapshot_offset = offset;
	part->producers_changed = false;
	if (!sync && offset < atomic_load(&part->unsynced_snapshot))
		atomic_store(&part->unsynced_snapshot, offset);
	atomic_store(&part->directory_dirty, true);
	return 0;
}

/* ---- roll ---------------------------------------------------------------------------------------------- */

/* The set with one more segment behind the others, which takes over the caller's pin on it. */
static struct ls_segment_set *set_with(const struct ls_segment_set *set, struct ls_segment *seg)
{
	struct ls_segment_set *next = ls_segment_set_new(set->env, set->count + 1);

	if (!next)
		return NULL;
	for (size_t i = 0; i < set->count; i++)
		next->segments[i] = ls_segment_pin(set->segments[i]);
	next->segments[set->count] = seg;
	return next;
}

/* Closing entry and index buffers of a segment that gets no more appends. */
static int seal(logstore_partition *part, struct ls_segment *seg)
{
	int r = ls_segment_reserve(seg, 1);

	if (r < 0)
		return r;
	if (ls_segment_lacks_index_files(seg))
		atomic_store(&part->directory_dirty, true);
	ls_segment_close_time_index(seg);
	return ls_segment_flush_indexes(seg);
}

int ls_partition_roll_at(logstore_partition *part, int64_t base, struct logstore_error *ret_error)
{
	struct ls_segment_set *set = NULL;
	struct ls_segment *active, *seg = NULL;
	char path[LS_PATH_MAX];
	struct ls_view view;
	int r;

	ls_view_get(part, &view);
	active = ls_view_active(&view);
	LS_ASSERT(base > active->base);
	ls_segment_path(active, ".log", path);
	r = seal(part, active);
	if (r == 0)
		r = ls_partition_write_snapshot(part, base, false, ret_error);
	if (r == 0)
		r = ls_segment_create(part->env, part->directory, base, ls_partition_draw_jitter(part), &seg);
	if (r == 0) {
		set = set_with(view.set, seg);
		if (!set) {
			(void)ls_segment_remove_files(seg); /* a stray empty segment would do no harm */
			(void)ls_segment_unpin(seg);
			r = -ENOMEM;
		}
	}
	if (r == 0) {
		struct ls_view next = view;

		next.set = set;
		next.end_position = 0;
		atomic_store(&part->directory_dirty, true);
		ls_partition_publish(part, &next);
	}
	ls_view_put(&view);
	if (r == -EIO)
		return ls_partition_go_offline(part, r, "beginning a new segment after", path, ret_error);
	return r < 0 ? ls_error_io(ret_error, r, "cannot begin a new segment after", path) : 0;
}

int ls_partition_roll(logstore_partition *part, struct logstore_error *ret_error)
{
	struct ls_view view;
	int r;

	ls_mutex_lock(&part->append_lock);
	r = ls_partition_check_writable(part, ret_error);
	ls_view_get(part, &view);
	if (r == 0 && view.end_position > 0)
		r = ls_partition_roll_at(part, view.log_end, ret_error);
	ls_view_put(&view);
	ls_mutex_unlock(&part->append_lock);
	return r;
}

/* ---- flush --------------------------------------------------------------------------------------------- */

static int sync_failed(logstore_partition *part, int code, struct ls_segment *seg, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	ls_segment_path(seg, ".log", path);
	return ls_partition_go_offline(part, code, "fsync of", path, ret_error);
}

/*
 * Syncs every segment that is not on stable storage as a whole: the active one, and those that were sealed
 * since the last flush, also if the recovery point has passed their data (their indexes and the snapshot
 * came with the roll). The offset and time index of the active segment are left unless it is being
 * `closed`: they are hints. The transaction index is evidence.
 */
static int sync_segments(logstore_partition *part, const struct ls_view *view, bool closed,
                         struct logstore_error *ret_error)
{
	int64_t snapshots_from = atomic_exchange(&part->unsynced_snapshot, INT64_MAX);
	size_t first = view->set->count - 1;

	while (first > 0 && !atomic_load(&view->set->segments[first - 1]->sealed_synced))
		first--;
	for (size_t i = first; i < view->set->count; i++) {
		struct ls_segment *seg = view->set->segments[i];
		bool sealed = i + 1 < view->set->count;
		int r;

		r = ls_segment_sync_log(seg);
		if (r == 0)
			r = ls_segment_sync_txn_index(seg);
		if (r == 0 && (sealed || closed))
			r = ls_segment_sync_indexes(seg);
		if (r == 0 && seg->base >= snapshots_from)
			r = sync_snapshot(part, seg->base);
		if (r < 0)
			return sync_failed(part, r, seg, ret_error);
		atomic_store(&seg->sealed_synced, sealed);
	}
	return 0;
}

static int sync_directory(logstore_partition *part, struct logstore_error *ret_error)
{
	int r;

	if (!atomic_exchange(&part->directory_dirty, false))
		return 0;
	r = part->env->io->sync_dir(part->env->io->ctx, part->directory);
	return r < 0 ? ls_partition_go_offline(part, r, "fsync of", part->directory, ret_error) : 0;
}

static int flush_view(logstore_partition *part, const struct ls_view *view, bool closed,
                      struct logstore_error *ret_error)
{
	int r = sync_segments(part, view, closed, ret_error);

	if (r == 0)
		r = sync_directory(part, ret_error);
	if (r < 0)
		return r;
	ls_mutex_lock(&part->view_lock);
	/* A truncation during the flush has lowered the end, and the recovery point with it. */
	if (view->log_end > part->view.recovery_point && view->log_end <= part->view.log_end)
		part->view.recovery_point = view->log_end;
	ls_mutex_unlock(&part->view_lock);
	return 0;
}

int ls_partition_flush(logstore_partition *part, struct logstore_error *ret_error)
{
	struct ls_view view;
	int r;

	ls_mutex_lock(&part->flush_lock);
	r = ls_partition_check_writable(part, ret_error);
	if (r == 0) {
		ls_view_get(part, &view);
		if (view.recovery_point < view.log_end || atomic_load(&part->directory_dirty))
			r = flush_view(part, &view, false, ret_error);
		ls_view_put(&view);
	}
	ls_mutex_unlock(&part->flush_lock);
	return r;
}

/* ---- clean close --------------------------------------------------------------------------------------- */

/*
 * A truncation can leave the log end above the last batch that is left. Files tell the end by their last
 * batch, or by the base of an empty last segment: so such an end gets a segment of its own.
 */
static int keep_log_end(logstore_partition *part, struct logstore_error *ret_error)
{
	struct ls_tail tail;
	struct ls_view view;
	int r;

	ls_view_get(part, &view);
	r = ls_segment_find_tail(ls_view_active(&view), view.end_position, false, &tail, ret_error);
	if (r == 0 && tail.next_offset < view.log_end)
		r = ls_partition_roll_at(part, view.log_end, ret_error);
	ls_view_put(&view);
	return r;
}

static int shut_locked(logstore_partition *part, struct logstore_error *ret_error)
{
	struct ls_segment *active;
	char path[LS_PATH_MAX];
	struct ls_view view;
	int r;

	r = keep_log_end(part, ret_error);
	if (r < 0)
		return r;
	ls_view_get(part, &view);
	active = ls_view_active(&view);
	ls_segment_path(active, ".log", path);
	r = seal(part, active);
	if (r < 0)
		r = ls_error_io(ret_error, r, "cannot finish the indexes of", path);
	if (r == 0)
		r = ls_partition_write_snapshot(part, view.log_end, true, ret_error);
	if (r == 0) {
		ls_mutex_lock(&part->flush_lock);
		r = flush_view(part, &view, true, ret_error);
		ls_mutex_unlock(&part->flush_lock);
	}
	ls_view_put(&view);
	return r;
}

int ls_partition_shut(logstore_partition *part, struct logstore_error *ret_error)
{
	int r;

	ls_mutex_lock(&part->append_lock);
	r = ls_partition_check_writable(part, ret_error);
	if (r == 0)
		r = shut_locked(part, ret_error);
	atomic_store(&part->shut, true);
	ls_mutex_unlock(&part->append_lock);
	return r;
}

/* ---- epochs -------------------------------------------------------------------------------------------- */

int ls_partition_set_leader_epoch(logstore_partition *part, int32_t epoch, struct logstore_error *ret_error)
{
	struct ls_epoch_cache next, old;
	struct ls_view view;
	int r;

	if (epoch < 0)
		return ls_error(ret_error, -EINVAL, "%s: a leader epoch is 0 or more", part->name);
	ls_epoch_cache_init(&next, part->env);
	ls_mutex_lock(&part->append_lock);
	ls_view_get(part, &view);
	r = ls_partition_check_writable(part, ret_error);
	if (r == 0 && epoch < ls_epoch_cache_latest(&part->epochs))
		r = ls_error(ret_error, LOGSTORE_E_FENCED_LEADER_EPOCH, "%s: leader epoch %d is below the latest, %d",
		             part->name, epoch, ls_epoch_cache_latest(&part->epochs));
	if (r == 0)
		r = ls_epoch_cache_copy(&part->epochs, &next);
	if (r == 0)
		r = ls_epoch_cache_assign(&next, epoch, view.log_end);
	if (r == 1) {
		r = ls_partition_write_epochs(part, &next, ret_error);
		if (r == 0) {
			ls_mutex_lock(&part->state_lock);
			old = part->epochs;
			part->epochs = next;
			next = old;
			ls_mutex_unlock(&part->state_lock);
		}
	}
	ls_view_put(&view);
	ls_mutex_unlock(&part->append_lock);
	ls_epoch_cache_fini(&next);
	return ls_partition_answer(part, r, ret_error);
}
