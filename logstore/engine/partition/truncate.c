/*
 * Cutting a log at its end (truncate) and at its start (delete-records).
 *
 * Order of a cut at the end: the lowered recovery point is made durable; the lowered end is published, so
 * that no new reader goes there; later segments go, highest first; the segment at the cut is cut and
 * synced; the directory is synced; only then may anything be appended again. After a crash at any of these
 * steps the recovery point is at or below the cut, so recovery looks at what is there.
 *
 * The log end is then the offset asked for, as in Kafka, also if the batch that contained it went as a
 * whole and left a gap below.
 *
 * A failure after the publication leaves files that do not match the view: the partition goes offline.
 */
#include <errno.h>

#include "base/error.h"
#include "format/names.h"
#include "partition/partition_internal.h"

/* `count` segments of a set. */
static struct ls_segment_set *subset(const struct ls_segment_set *set, size_t first, size_t count)
{
	struct ls_segment_set *next = ls_segment_set_new(set->env, count);

	if (!next)
		return NULL;
	for (size_t i = 0; i < count; i++)
		next->segments[i] = ls_segment_pin(set->segments[first + i]);
	return next;
}

static int remove_snapshot(logstore_partition *part, int64_t offset)
{
	char name[LS_FILE_NAME_MAX], path[LS_PATH_MAX];
	int r;

	ls_file_name(name, offset, ".snapshot");
	ls_partition_path(part, name, path);
	r = part->env->io->unlink(part->env->io->ctx, path);
	return r == -ENOENT ? 0 : r;
}

struct snapshot_walk {
	logstore_partition *part;
	int64_t from; /* snapshots at offsets in [from, to) go */
	int64_t to;
	int result;
};

static int remove_matching_snapshot(void *arg, const char *name)
{
	struct snapshot_walk *walk = arg;
	struct logstore_file_name parsed;

	if (ls_file_name_parse(name, &parsed) == 0 && parsed.kind == LOGSTORE_FILE_SNAPSHOT &&
	    parsed.suffix[0] == '\0' && parsed.base_offset >= walk->from && parsed.base_offset < walk->to) {
		int r = remove_snapshot(walk->part, parsed.base_offset);

		if (r < 0 && walk->result == 0)
			walk->result = r;
	}
	return 0;
}

/* Producer snapshots in a range of offsets. */
static int remove_snapshots(logstore_partition *part, int64_t from, int64_t to)
{
	struct snapshot_walk walk = {.part = part, .from = from, .to = to};
	const struct logstore_io *io = part->env->io;
	int r = io->list(io->ctx, part->directory, remove_matching_snapshot, &walk);

	return r < 0 ? r : walk.result;
}

static int store_epochs(logstore_partition *part, int64_t from_end, int64_t from_start,
                        struct logstore_error *ret_error)
{
	struct ls_epoch_cache next, old;
	bool changed = false;
	int r;

	r = ls_epoch_cache_copy(&part->epochs, &next);
	if (r < 0)
		return r;
	if (from_end >= 0)
		changed = ls_epoch_cache_truncate_from_end(&next, from_end);
	if (from_start >= 0 && ls_epoch_cache_truncate_from_start(&next, from_start))
		changed = true;
	if (changed)
		r = ls_partition_write_epochs(part, &next, ret_error);
	if (changed && r == 0) {
		ls_mutex_lock(&part->state_lock);
		old = part->epochs;
		part->epochs = next;
		next = old;
		ls_mutex_unlock(&part->state_lock);
	}
	ls_epoch_cache_fini(&next);
	return r;
}

/* ---- the end --------------------------------------------------------------------------------------------- */

/*
 * Sets the recovery point of the view. Called before the checkpoint is written with it, so that another
 * writer of the checkpoints, who asks the view, does not put the old one back. Both locks held.
 */
static void set_recovery_point(logstore_partition *part, int64_t recovery_point)
{
	ls_mutex_lock(&part->view_lock);
	part->view.recovery_point = recovery_point;
	ls_mutex_unlock(&part->view_lock);
}

struct cut {
	logstore_partition *part;
	int64_t offset;             /* new log end */
	bool empties;               /* everything goes, and the log begins again at the offset */
	struct ls_view old;
	struct ls_segment_set *set; /* what stays, with a reference for the view */
	size_t first;               /* segments of the old set that stay: `count` from here on */
	size_t count;               /* 0: the set has a new, empty segment instead */
	uint64_t end_position;      /* in the last one that stays */
	uint64_t cuts;
};

static int remove_segments(struct cut *cut)
{
	for (size_t i = cut->old.set->count; i > 0; i--) {
		struct ls_segment *seg = cut->old.set->segments[i - 1];
		int r;

		if (i - 1 >= cut->first && i - 1 - cut->first < cut->count)
			continue;
		atomic_fetch_add(&seg->generation, 1);
		r = ls_segment_remove_files(seg);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Publishes bounds that end at the cut. Each time counts as a cut of its own: a reader that took the first
 * of these views may have met the file before and after it was cut.
 */
static void publish_cut(struct cut *cut)
{
	struct ls_view next = cut->old;

	next.set = cut->set;
	next.cuts = ++cut->cuts;
	next.log_end = cut->offset;
	next.end_position = cut->end_position;
	if (next.recovery_point > cut->offset)
		next.recovery_point = cut->offset;
	if (next.log_start > cut->offset || cut->empties)
		next.log_start = cut->offset;
	if (next.high_watermark > cut->offset)
		next.high_watermark = cut->offset;
	ls_partition_publish(cut->part, &next);
}

static int cut_files(struct cut *cut, struct logstore_error *ret_error)
{
	logstore_partition *part = cut->part;
	int r;

	r = remove_segments(cut);
	if (r == 0 && cut->count > 0)
		r = ls_segment_truncate(cut->set->segments[cut->count - 1], cut->offset, ls_now_ms(part->env),
		                        ret_error);
	if (r == 0)
		r = remove_snapshots(part, cut->empties ? 0 : cut->offset + 1, INT64_MAX);
	if (r == 0)
		r = part->env->io->sync_dir(part->env->io->ctx, part->directory);
	return r;
}

static int carry_out(struct cut *cut, struct logstore_error *ret_error)
{
	logstore_partition *part = cut->part;
	int r;

	publish_cut(cut);
	r = cut_files(cut, ret_error);
	if (r == 0) {
		part->snapshot_offset = LOGSTORE_NO_OFFSET;
		part->producers_changed = true;
		r = store_epochs(part, cut->empties ? 0 : cut->offset, -1, ret_error);
	}
	if (r == 0)
		r = ls_partition_rebuild_producers(part, cut->set, cut->empties ? cut->offset : cut->old.log_start,
		                                   cut->offset, ret_error);
	if (r < 0)
		return ls_partition_go_offline(part, r, "cutting", part->directory, ret_error);
	/* As Kafka does, so that a later cut begins from here. A hint: without it more is read again. */
	if (ls_partition_write_snapshot(part, cut->offset, false, NULL) < 0)
		ls_log(part->env, LOGSTORE_LOG_WARNING, "%s: no producer snapshot at the cut", part->name);
	publish_cut(cut);
	return 0;
}

/* The new segment of a log that is emptied. No file has its name: one that had would be kept and cut. */
static int prepare_fresh(struct cut *cut)
{
	logstore_partition *part = cut->part;
	struct ls_segment *fresh;
	int r;

	cut->set = ls_segment_set_new(part->env, 1);
	if (!cut->set)
		return -ENOMEM;
	cut->set->count = 0;
	r = ls_segment_create(part->env, part->directory, cut->offset, ls_partition_draw_jitter(part), &fresh);
	if (r < 0) {
		cut->set = ls_segment_set_unref(cut->set);
		return r;
	}
	cut->set->segments[cut->set->count++] = fresh;
	return 0;
}

/* Where the data ends after the cut: before the batch that contains the offset. */
static int find_end(struct cut *cut, struct logstore_error *ret_error)
{
	size_t last = cut->first + cut->count - 1;
	struct ls_segment *seg = cut->old.set->segments[last];
	struct logstore_batch_info info;
	int r;

	cut->end_position = 0;
	if (cut->offset <= seg->base)
		return 0;
	r = ls_segment_find(seg, cut->offset, ls_view_data_end(&cut->old, last), &info, &cut->end_position, ret_error);
	if (r == 0)
		cut->end_position = ls_view_data_end(&cut->old, last);
	return r < 0 ? r : 0;
}

/* Chooses what stays. A cut at or below the first base empties the log. */
static int prepare_cut(struct cut *cut, bool fully, struct logstore_error *ret_error)
{
	ptrdiff_t at = ls_segment_set_find(cut->old.set, cut->offset);
	int r;

	cut->cuts = cut->old.cuts;
	cut->empties = fully || at < 0;
	if (!fully && at >= 0) {
		cut->count = (size_t)at + 1;
	} else if (at >= 0 && cut->old.set->segments[at]->base == cut->offset) {
		cut->first = (size_t)at;
		cut->count = 1;
	} else {
		return prepare_fresh(cut);
	}
	r = find_end(cut, ret_error);
	if (r < 0)
		return r;
	cut->set = subset(cut->old.set, cut->first, cut->count);
	return cut->set ? 0 : -ENOMEM;
}

static int truncate_locked(logstore_partition *part, int64_t offset, bool fully, struct logstore_error *ret_error)
{
	struct cut cut = {.part = part, .offset = offset};
	int64_t recovery_point, log_start;
	int r;

	ls_view_get(part, &cut.old);
	if (!fully && offset >= cut.old.log_end) {
		ls_view_put(&cut.old);
		return store_epochs(part, offset, -1, ret_error);
	}
	recovery_point = cut.old.recovery_point < offset ? cut.old.recovery_point : offset;
	log_start = cut.old.log_start < offset && !fully ? cut.old.log_start : offset;
	set_recovery_point(part, recovery_point);
	r = part->host->checkpoint(part->host->ctx, part, recovery_point, log_start, offset, ret_error);
	if (r == 0) {
		r = prepare_cut(&cut, fully, ret_error);
		if (r < 0)
			r = ls_error_io(ret_error, r, "cannot prepare the cut of", part->directory);
	}
	if (r == 0)
		r = carry_out(&cut, ret_error);
	ls_view_put(&cut.old);
	return r;
}

static int truncate_with(logstore_partition *part, int64_t offset, bool fully, struct logstore_error *ret_error)
{
	int r;

	if (offset < 0)
		return ls_error(ret_error, -EINVAL, "%s: an offset is 0 or more", part->name);
	ls_mutex_lock(&part->append_lock);
	ls_mutex_lock(&part->flush_lock); /* no flush while files go away */
	r = ls_partition_check_writable(part, ret_error);
	if (r == 0)
		r = truncate_locked(part, offset, fully, ret_error);
	ls_mutex_unlock(&part->flush_lock);
	ls_mutex_unlock(&part->append_lock);
	return ls_partition_answer(part, r, ret_error);
}

int ls_partition_truncate(logstore_partition *part, int64_t offset, struct logstore_error *ret_error)
{
	return truncate_with(part, offset, false, ret_error);
}

int ls_partition_truncate_fully(logstore_partition *part, int64_t offset, struct logstore_error *ret_error)
{
	return truncate_with(part, offset, true, ret_error);
}

/* ---- the start ------------------------------------------------------------------------------------------- */

/* Removes segments that lie below the start as a whole; a failure is told but the start has moved. */
static int drop_front(logstore_partition *part, struct ls_view *view)
{
	size_t first = 0;
	struct ls_view next = *view;
	int r = 0;

	while (first + 1 < view->set->count && view->set->segments[first + 1]->base <= view->log_start)
		first++;
	if (first == 0)
		return 0;
	next.set = subset(view->set, first, view->set->count - first);
	if (!next.set)
		return -ENOMEM;
	ls_partition_publish(part, &next);
	for (size_t i = 0; i < first && r == 0; i++) {
		(void)ls_segment_log_fd(view->set->segments[i]); /* slices keep reading what is unlinked */
		r = ls_segment_remove_files(view->set->segments[i]);
	}
	if (r == 0)
		r = remove_snapshots(part, 0, next.set->segments[0]->base);
	if (r == 0)
		r = part->env->io->sync_dir(part->env->io->ctx, part->directory);
	return r;
}

/*
 * The start is published before it is durable, so that another writer of the checkpoints does not put the
 * old one back, and taken back if it cannot be made durable: else a second attempt would find it done.
 */
static int raise_start(logstore_partition *part, struct ls_view *view, int64_t offset,
                       struct logstore_error *ret_error)
{
	struct ls_view old = *view;
	int r;

	view->log_start = offset;
	if (view->recovery_point < offset)
		view->recovery_point = offset;
	ls_partition_publish(part, view);
	r = part->host->checkpoint(part->host->ctx, part, view->recovery_point, offset, view->log_end, ret_error);
	if (r < 0) {
		set_recovery_point(part, old.recovery_point);
		ls_partition_publish(part, &old);
		*view = old;
		return r;
	}
	ls_mutex_lock(&part->state_lock);
	ls_producer_state_log_start(part->producers, offset);
	ls_mutex_unlock(&part->state_lock);
	ls_partition_publish(part, view);
	r = store_epochs(part, -1, offset, ret_error);
	if (r < 0)
		return r;
	r = drop_front(part, view);
	return r < 0 ? ls_error_io(ret_error, r, "cannot remove old segments of", part->directory) : 0;
}

int ls_partition_delete_records(logstore_partition *part, int64_t offset, int64_t *ret_log_start,
                                struct logstore_error *ret_error)
{
	struct ls_view view;
	int r;

	ls_mutex_lock(&part->append_lock);
	ls_mutex_lock(&part->flush_lock);
	ls_view_get(part, &view);
	r = ls_partition_check_writable(part, ret_error);
	if (offset == -1)
		offset = view.high_watermark;
	if (r == 0 && (offset < 0 || offset > view.high_watermark))
		r = ls_error(ret_error, LOGSTORE_E_OFFSET_OUT_OF_RANGE,
		             "%s: records cannot be deleted before %lld: the high watermark is %lld", part->name,
		             (long long)offset, (long long)view.high_watermark);
	if (r == 0 && offset > view.log_start)
		r = raise_start(part, &view, offset, ret_error);
	if (r == 0)
		*ret_log_start = offset > view.log_start ? offset : view.log_start;
	ls_view_put(&view);
	ls_mutex_unlock(&part->flush_lock);
	ls_mutex_unlock(&part->append_lock);
	return ls_partition_answer(part, r, ret_error);
}
