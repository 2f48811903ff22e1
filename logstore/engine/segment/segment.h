/*
 * One segment: <base>.log with its offset, time and transaction index. Append, find, walk, cut, sync.
 *
 * The bytes [0, size) of the log are whole batches; size is published after the bytes are written, and
 * never includes a half-written batch. A segment belongs to one partition, which serialises appends and
 * cuts; readers work beside them on pins (counted references): the last one to let go closes the files.
 *
 * Invariants
 *  S1 size only grows, except in ls_segment_truncate, which raises `generation` first.
 *  S2 An index entry is a hint: whoever follows one checks it at its batch and walks from the front if it
 *     is wrong. Lost, stale or damaged entries cost time, never data.
 *  S3 Nothing is ever written below size.
 *  S4 The transaction index is evidence: a failed write to it fails the append.
 *
 * Threads: `lock` covers the opening of the log; index files have locks of their own; size and generation
 * are atomics. The fields marked "appender" are read and written under the partition's append lock only.
 *
 * segment.c         life, files, sync            segment_append.c  append, closing entry, roll predicate
 * segment_walk.c    batch headers from a position  segment_find.c    offset and time to position
 * segment_txn.c     aborted transactions         segment_truncate.c  cut
 */
#ifndef LS_SEGMENT_SEGMENT_H
#define LS_SEGMENT_SEGMENT_H

#include <logstore/inspect.h>
#include <stdatomic.h>

#include "base/env.h"
#include "base/thread.h"
#include "format/index_entry.h"
#include "format/log_config.h"
#include "segment/index_file.h"

/* Kafka opens no larger file; positions are int32 in its indexes. */
#define LS_SEGMENT_MAX_SIZE ((uint64_t)INT32_MAX)

struct ls_segment {
	const struct ls_env *env;
	const char *directory;          /* of the partition; outlives the segment */
	int64_t base;
	atomic_uint pins;
	struct ls_mutex lock;
	_Atomic int log_fd;             /* -1 until opened */
	_Atomic uint64_t size;          /* published end of data */
	_Atomic uint64_t generation;    /* raised by truncation and removal: older slices are stale */
	_Atomic int64_t max_timestamp;  /* largest of the batches, or LOGSTORE_NO_TIMESTAMP */
	struct ls_index_file offset_index;
	struct ls_index_file time_index;
	struct ls_index_file txn_index;
	atomic_bool sealed_synced;      /* gets no more appends, and all its files are on stable storage */
	bool read_only;

	int64_t max_timestamp_offset; /* appender: last offset of the first batch that reached max_timestamp */
	int64_t last_time_entry;        /* appender: timestamp of the last time index entry, or -1 */
	int64_t bytes_since_entry;      /* appender */
	int64_t created_ms;             /* appender: when the object was made */
	int64_t roll_jitter_ms;         /* appender: drawn when the object was made */
	int64_t first_batch_timestamp; /* appender: maxTimestamp of the first batch; valid if first_batch_known */
	bool first_batch_known;
};

/* ---- life (segment.c) -------------------------------------------------------------------------------- */

/*
 * A new, empty segment on disk. Leftovers with its names are replaced. The directory is not fsynced.
 * Returns 0, -errno or -ENOMEM.
 */
int ls_segment_create(const struct ls_env *env, const char *directory, int64_t base, int64_t roll_jitter_ms,
                      struct ls_segment **ret_segment);

/*
 * Opens an existing one. Missing index files are taken as empty; the log is opened at its first use. The
 * size is 0 and no timestamp is known: the caller finds out (ls_segment_find_tail()) and stores them.
 * Entries that lead past the size are ignored at look-up. Returns 0, -errno or -ENOMEM.
 */
int ls_segment_open(const struct ls_env *env, const char *directory, int64_t base, bool read_only,
                    int64_t roll_jitter_ms, struct ls_segment **ret_segment);

struct ls_segment *ls_segment_pin(struct ls_segment *seg);
/* Lets go of a pin; the last one closes and frees. Returns NULL. */
struct ls_segment *ls_segment_unpin(struct ls_segment *seg);

/* "<directory>/<base20><ending>" into ret_path. */
void ls_segment_path(const struct ls_segment *seg, const char *ending, char ret_path[LS_PATH_MAX]);

/* Opens the log if it is not open yet. Returns the descriptor or -errno. */
int ls_segment_log_fd(struct ls_segment *seg);

/* Reads bytes of the log. Returns 0, or -errno; -ENODATA if the file ends before. */
int ls_segment_read(struct ls_segment *seg, uint64_t position, void *buffer, size_t size);

/* Writes out index buffers. Returns 0 or -errno. */
int ls_segment_flush_indexes(struct ls_segment *seg);
/* fdatasync of the log. Returns 0 or -errno. */
int ls_segment_sync_log(struct ls_segment *seg);
/* fdatasync of offset and time index, after ls_segment_flush_indexes(). Returns 0 or -errno. */
int ls_segment_sync_indexes(struct ls_segment *seg);
/* fdatasync of the transaction index; also beside appends, which write its file whole entries at a time. */
int ls_segment_sync_txn_index(struct ls_segment *seg);
/* Whether an index file has to be created at the next flush: then the directory needs a sync as well. */
bool ls_segment_lacks_index_files(const struct ls_segment *seg);

/*
 * Removes the files; pins keep the open log readable. Goes on after a failure, and can be called again.
 * Returns 0 or the first -errno (ENOENT is none).
 */
int ls_segment_remove_files(struct ls_segment *seg);

/* ---- walking (segment_walk.c) ------------------------------------------------------------------------ */

/* A walk over batch headers. On the stack; nothing to release. */
#define LS_WALK_BUFFER 4096u
struct ls_walk {
	struct ls_segment *seg;
	uint64_t position; /* of the next batch */
	uint64_t end;      /* exclusive; at most the published size */
	uint64_t buffer_position;
	size_t buffer_size;
	uint8_t buffer[LS_WALK_BUFFER];
};

void ls_walk_init(struct ls_walk *walk, struct ls_segment *seg, uint64_t position, uint64_t end);
/*
 * The next header. Returns 1 with the header and its position; 0 at the end; LOGSTORE_E_CORRUPT_MESSAGE or
 * LOGSTORE_E_UNSUPPORTED_FORMAT with file and position (a batch that runs past the end is corrupt); -errno
 * (-ENODATA: the file got shorter than `end`; beside an owner that is a cut, so look again).
 */
int ls_walk_next(struct ls_walk *walk, struct logstore_batch_info *ret_info, uint64_t *ret_position,
                 struct logstore_error *ret_error);

/* ---- finding (segment_find.c) ------------------------------------------------------------------------ */

/*
 * The first batch below `end` whose last offset is at or above `offset`. Returns 1 with its header and
 * position, 0 if there is none, or as ls_walk_next().
 */
int ls_segment_find(struct ls_segment *seg, int64_t offset, uint64_t end,
                    struct logstore_batch_info *ret_info, uint64_t *ret_position,
                    struct logstore_error *ret_error);

/* The same from a known batch on, without the index. `position` must be where a batch begins. */
int ls_segment_find_from(struct ls_segment *seg, uint64_t position, int64_t offset, uint64_t end,
                         struct logstore_batch_info *ret_info, uint64_t *ret_position,
                         struct logstore_error *ret_error);

/*
 * Offset of the first index entry at or above `position` (or the one after it): the exclusive upper bound
 * of the offsets of a read that ends there. Returns 1 with the offset; 0 if there is none, or if it is
 * wrong (the end of the segment is right then); or -errno.
 */
int ls_segment_upper_bound(struct ls_segment *seg, uint64_t position, int64_t *ret_offset);

/*
 * Whether a time index entry holds against the batch below `end` it names. Returns 1 and where that batch
 * begins, 0, or -errno. Damage to the log counts as "no": a walk from the front will tell it. That an
 * earlier batch is later than the entry says is not noticed: only a walk over all of them would.
 */
int ls_segment_follow_time_entry(struct ls_segment *seg, const struct ls_time_entry *entry, uint64_t end,
                                 uint64_t *ret_position);

/*
 * Where to begin looking for a record with a timestamp at or above the given one: the time index entry
 * below it, then the offset index. Returns 0 and a position, or -errno.
 */
int ls_segment_time_position(struct ls_segment *seg, int64_t timestamp, int64_t start_offset, uint64_t end,
                             uint64_t *ret_position, struct logstore_error *ret_error);

/* Walks the tail after the last index entry: end of data, largest timestamp. See segment_find.c. */
struct ls_tail {
	uint64_t size;       /* end of the last whole batch */
	int64_t next_offset; /* behind it; the base if there is none */
	int64_t max_timestamp;
	int64_t max_timestamp_offset;
	bool exact;          /* the file ends there */
};
/*
 * Finds the end of data of a log file that nobody wrote through this object: reads headers from the last
 * index entry on, and checks the last batch's checksum. Timestamps are those of the batches it met.
 * `lenient` (readers beside an owner): where batches end or make no sense is the end of the data.
 * Otherwise, for who will write: half a batch, zeros and other damage are what ls_walk_next() says; offsets
 * that go back or leave the segment's range, and a wrong checksum of the last batch, LOGSTORE_E_UNCLEAN.
 * Also -errno and -ENOMEM.
 */
int ls_segment_find_tail(struct ls_segment *seg, uint64_t file_size, bool lenient, struct ls_tail *ret_tail,
                         struct logstore_error *ret_error);

/* ---- appending (segment_append.c) -------------------------------------------------------------------- */

/* Room for the index entries of `count` batches. Returns 0 or -ENOMEM. */
int ls_segment_reserve(struct ls_segment *seg, uint32_t count);
/* Writes bytes behind the data without publishing them. Returns 0 or -errno (cut back with ls_segment_cut_back). */
int ls_segment_write(struct ls_segment *seg, const struct logstore_iovec *iov, unsigned count,
                     uint64_t position);
/* Cuts the file back to the published size after a failed write. Returns 0 or -errno. */
int ls_segment_cut_back(struct ls_segment *seg);
/*
 * Takes note of one batch that was written at `position`: largest timestamp, index entries by the rule of
 * index.interval.bytes. `max_timestamp` is the batch's. Needs reserved room.
 */
void ls_segment_note_batch(struct ls_segment *seg, const struct logstore_batch_info *info, uint64_t position,
                           const struct ls_log_config *config);
/* Publishes the new end of data. */
void ls_segment_publish(struct ls_segment *seg, uint64_t size);
/* The closing time index entry, at roll and close. Needs reserved room. */
void ls_segment_close_time_index(struct ls_segment *seg);

/* What the roll predicate looks at. */
struct ls_roll_question {
	uint64_t append_bytes;
	int64_t append_max_timestamp; /* or LOGSTORE_NO_TIMESTAMP */
	int64_t append_last_offset;
	int64_t now_ms;
};
/* Kafka's LogSegment.shouldRoll. Returns 1, 0, or -errno if the first batch could not be read. */
int ls_segment_should_roll(struct ls_segment *seg, const struct ls_log_config *config,
                           const struct ls_roll_question *question, struct logstore_error *ret_error);

/* ---- transactions (segment_txn.c) -------------------------------------------------------------------- */

/* Appends an aborted transaction to the index file. Returns 0 or -errno; then nothing was appended. */
int ls_segment_append_txn(struct ls_segment *seg, const struct logstore_txn_entry *entry);
/* Takes the last `count` entries back. Returns 0 or -errno; the entries are gone for readers all the same. */
int ls_segment_undo_txn(struct ls_segment *seg, uint64_t count);

/* A growing list of aborted transactions. */
struct ls_aborted_list {
	const struct ls_env *env;
	struct logstore_aborted *items;
	size_t count;
	size_t capacity;
};
/*
 * Collects what a read of [from, upper) must leave out. Returns 1 if the search is complete, 0 if the next
 * segment's index has to be searched too, LOGSTORE_E_CORRUPT_FILE, LOGSTORE_E_UNSUPPORTED_VERSION, -errno
 * or -ENOMEM. A file that lost its end is corrupt: what it does not say any more would be read as
 * committed. (A reader beside an owner may see half an entry, which is being written.)
 */
int ls_segment_collect_aborted(struct ls_segment *seg, int64_t from, int64_t upper,
                               struct ls_aborted_list *list, struct logstore_error *ret_error);

/* ---- cutting (segment_truncate.c) -------------------------------------------------------------------- */

/*
 * Cuts everything from the batch that contains `offset` on, indexes first, then the log; fsyncs them.
 * Returns 0, LOGSTORE_E_CORRUPT_FILE, -errno, or as ls_walk_next(). After an error the segment must not be
 * used for appending any more; if the log or the transaction index is damaged, nothing was cut.
 */
int ls_segment_truncate(struct ls_segment *seg, int64_t offset, int64_t now_ms,
                        struct logstore_error *ret_error);

/*
 * Largest timestamp and its offset from the last time index entry and the batches behind it; from all
 * batches if the entry is wrong. Returns 0 or as ls_walk_next().
 */
int ls_segment_recompute_max_timestamp(struct ls_segment *seg, struct logstore_error *ret_error);

#endif
