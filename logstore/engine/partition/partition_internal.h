/*
 * The inside of a partition, shared by the files of this folder only.
 *
 * Locks, in this order
 *  append_lock  appends, roll, cuts, settings: whoever changes the log. Held over the one write of an append.
 *  flush_lock   one flush at a time; held over fsyncs, never waited for by an append
 *  state_lock   producer state and epoch table: changed under both locks, read under this one.
 *  view_lock    the view (set of segments and bounds): taken for copies of a few words, never over I/O.
 *
 * Invariants
 *  P1 The view's set, log end and end position change together, after the bytes are written.
 *  P2 log start <= high watermark <= log end; recovery point <= log end.
 *  P3 Once offline, nothing is written any more; what was published stays readable.
 *  P4 Segment i ends at or below the base of segment i + 1; the last one is the active one.
 */
#ifndef LS_PARTITION_PARTITION_INTERNAL_H
#define LS_PARTITION_PARTITION_INTERNAL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/thread.h"
#include "partition/epoch_cache.h"
#include "partition/partition.h"
#include "partition/producer_state.h"
#include "segment/segment.h"

/* An immutable array of segments, each pinned, behind a counted reference. */
struct ls_segment_set {
	const struct ls_env *env;
	atomic_uint references;
	size_t count;
	struct ls_segment *segments[]; /* by base offset; the last one is active */
};

/* The bounds at one moment, with the set they belong to. */
struct ls_view {
	struct ls_segment_set *set;
	uint64_t end_position;   /* end of data in the active segment */
	int64_t log_start;
	int64_t log_end;
	int64_t high_watermark;
	int64_t first_unstable;  /* or LOGSTORE_NO_OFFSET */
	int64_t last_stable;
	int64_t recovery_point;
	uint64_t cuts;           /* raised by every truncation: a reader of an older view that failed starts over */
};

struct ls_append_scratch;

struct logstore_partition {
	const struct ls_env *env;
	const struct ls_partition_host *host;
	logstore *owner;
	char *directory;
	char *topic;
	int32_t number;
	bool read_only;
	struct logstore_uuid topic_id;
	int64_t producer_expiration_ms;
	uint64_t max_decompressed_bytes;
	uint64_t max_batch_bytes;
	char name[LOGSTORE_TOPIC_NAME_MAX + 16]; /* topic-number, for messages */

	struct ls_mutex append_lock;
	struct logstore_config *defaults;  /* a copy; may be NULL */
	struct logstore_config *own;       /* may be NULL */
	struct logstore_config *overrides; /* may be NULL */
	struct ls_log_config config;       /* resolved; under append_lock */
	int64_t loaded_log_end;            /* when it was opened */
	int64_t loaded_high_watermark;     /* as checkpointed then, or LOGSTORE_NO_OFFSET */
	int64_t snapshot_offset;           /* of the newest producer snapshot, or LOGSTORE_NO_OFFSET */
	_Atomic int64_t unsynced_snapshot; /* lowest offset of those written since the last flush, or INT64_MAX */
	bool producers_changed;            /* since the newest snapshot */
	bool high_watermark_set;           /* by the host: does not follow the log end any more */
	atomic_bool shut;                  /* closed for appending */
	atomic_bool directory_dirty;       /* entries made or removed since the last sync of the directory */
	struct ls_buf file_buffer;         /* for small files, under append_lock */

	struct ls_mutex flush_lock;

	struct ls_mutex state_lock;
	struct ls_producer_state *producers;
	struct ls_epoch_cache epochs;

	struct ls_mutex view_lock;
	struct ls_view view;
	atomic_int offline;                /* 0, or the negative code that took it offline */
	atomic_uint pins;                  /* slices and cursors */

	struct ls_mutex scratch_lock;
	struct ls_append_scratch *scratch; /* free list */
};

/* ---- partition.c ------------------------------------------------------------------------------------- */

int ls_partition_new(const struct ls_partition_params *params, logstore_partition **ret_part,
                     struct logstore_error *ret_error);

/* A copy of the view with a reference on its set; give it back with ls_view_put(). */
void ls_view_get(logstore_partition *part, struct ls_view *ret_view);
void ls_view_put(struct ls_view *view);

/* A set of `count` segments, for the caller to fill in with pinned ones. Returns NULL without memory. */
struct ls_segment_set *ls_segment_set_new(const struct ls_env *env, size_t count);
struct ls_segment_set *ls_segment_set_unref(struct ls_segment_set *set);
/* Index of the segment with the greatest base <= offset, or -1. */
ptrdiff_t ls_segment_set_find(const struct ls_segment_set *set, int64_t offset);

/*
 * Publishes a changed view. `view` carries the new values; its set's reference is taken over if it differs
 * from the present one. High watermark and last stable offset are derived here.
 */
void ls_partition_publish(logstore_partition *part, const struct ls_view *view);

static inline struct ls_segment *ls_view_active(const struct ls_view *view)
{
	return view->set->segments[view->set->count - 1];
}

/* The offset a reader of this isolation must stay below. */
int64_t ls_view_bound(const struct ls_view *view, enum logstore_isolation isolation);
/* End of data of segment i of a view. The active one may have grown since; that is not this view's. */
uint64_t ls_view_data_end(const struct ls_view *view, size_t i);

/* Whether a truncation has been published since this view was taken. */
bool ls_view_is_cut(logstore_partition *part, const struct ls_view *view);

/* Whether something was appended since this view was taken. */
bool ls_view_has_grown(logstore_partition *part, const struct ls_view *view);

/* First failure wins: marks the partition offline. Returns LOGSTORE_E_OFFLINE with the cause in ret_error. */
int ls_partition_go_offline(logstore_partition *part, int code, const char *what, const char *path,
                            struct logstore_error *ret_error);
/*
 * An answer on its way to the caller: where memory ran out nobody has filled in the error yet, and a file
 * that got shorter under a reader is the owner's doing (STALE).
 */
int ls_partition_answer(const logstore_partition *part, int r, struct logstore_error *ret_error);
/* 0, or the error for whoever wants to write: read-only, shut, offline. */
int ls_partition_check_writable(logstore_partition *part, struct logstore_error *ret_error);

/* Resolves defaults, own settings and overrides into part->config. */
int ls_partition_resolve_config(logstore_partition *part, struct logstore_error *ret_error);
/* A random segment.jitter.ms. */
int64_t ls_partition_draw_jitter(logstore_partition *part);

/* "<directory>/<name>". */
void ls_partition_path(const logstore_partition *part, const char *name, char ret_path[LS_PATH_MAX]);

/* ---- read.c ------------------------------------------------------------------------------------------ */

/* Where a sequential reader stands: a batch begins there, unless the log was cut since. */
struct ls_read_hint {
	int64_t segment_base;
	uint64_t position;
	uint64_t cuts;       /* of the view that told it; UINT64_MAX: no hint */
};

/* ls_partition_read() for a reader that goes on where it stopped; the hint's `cuts` is brought up to date. */
int ls_partition_read_on(logstore_partition *part, int64_t offset, struct ls_read_hint *hint,
                         const struct logstore_read_options *options, struct logstore_slice *ret_slice,
                         struct logstore_error *ret_error);

/* ---- roll.c ------------------------------------------------------------------------------------------ */

/* Seals the active segment and starts one at `base`. Append lock held. `view` is updated and published. */
int ls_partition_roll_at(logstore_partition *part, int64_t base, struct logstore_error *ret_error);
/* Writes the producer snapshot at `offset` unless there is one and nothing changed. Append lock held. */
int ls_partition_write_snapshot(logstore_partition *part, int64_t offset, bool sync,
                                struct logstore_error *ret_error);
/* Rewrites leader-epoch-checkpoint from the table given. */
int ls_partition_write_epochs(logstore_partition *part, const struct ls_epoch_cache *epochs,
                              struct logstore_error *ret_error);

/* ---- load.c ------------------------------------------------------------------------------------------ */

/*
 * Producer state as of `end`: the newest usable snapshot at or below it, then the batches behind it.
 * State lock not held; append lock held or nobody else knows the partition yet.
 */
int ls_partition_rebuild_producers(logstore_partition *part, const struct ls_segment_set *set, int64_t log_start,
                                   int64_t end, struct logstore_error *ret_error);

#endif
