/*
 * A file of fixed-size entries that only grows: .index, .timeindex, .txnindex. New entries go to a small
 * buffer, the buffer to the file; lookups see both. Files are never mapped and never preallocated, but a
 * zero tail (Kafka's preallocation, when its broker was killed or is running) is recognised at open.
 *
 * Threads: one appender (the partition's append lock), any number of readers. `lock` covers the counts and
 * the buffer and is never held over I/O. Entries below file_count never change, except by truncation.
 *
 * Failure: an entry is a hint that can be rebuilt. Appending never fails once room was reserved; a failed
 * write leaves the entries in the buffer.
 */
#ifndef LS_SEGMENT_INDEX_FILE_H
#define LS_SEGMENT_INDEX_FILE_H

#include "base/env.h"
#include "base/thread.h"
#include "io/io.h"

#define LS_INDEX_ENTRY_MAX 34u
#define LS_INDEX_FLUSH_COUNT 64u /* entries gathered before they are written */

struct ls_index_file {
	const struct ls_env *env;
	struct ls_mutex lock;
	uint32_t entry_size;
	int fd;                  /* -1 until opened or created */
	uint64_t file_count;     /* entries in the file */
	uint64_t tail_size;      /* bytes behind them when it was opened: zeros, or a part of an entry */
	uint32_t buffer_count;   /* entries in the buffer, behind those in the file */
	uint32_t buffer_capacity;
	uint8_t *buffer;
	bool dirty;              /* written since the last sync */
};

/* Returns 0 or -errno of the lock. */
int ls_index_file_init(struct ls_index_file *index, const struct ls_env *env, uint32_t entry_size);
/* Closes the file; entries still in the buffer are lost. */
void ls_index_file_fini(struct ls_index_file *index);

/*
 * Opens an existing file. The count is the number of whole entries before a tail of zero entries (an entry
 * that is all zero, and everything behind it; a single entry counts, zero or not).
 * Returns 0, -ENOENT, other -errno.
 */
int ls_index_file_open(struct ls_index_file *index, const char *path, bool read_only);

uint64_t ls_index_file_count(struct ls_index_file *index);
/* Bytes of the file that were no entries when it was opened, until a truncation cuts them off. */
uint64_t ls_index_file_tail(struct ls_index_file *index);
/* Entry `at`. Returns 0; -ENODATA if there are not that many (any more: a truncation came first); other -errno. */
int ls_index_file_get(struct ls_index_file *index, uint64_t at, uint8_t *ret_entry);
/* Entries [at, at + count) into an array; for walks and the last step of a search. */
int ls_index_file_read(struct ls_index_file *index, uint64_t at, uint64_t count, uint8_t *ret_entries);

/* Room for `count` more entries in the buffer. Returns 0 or -ENOMEM. */
int ls_index_file_reserve(struct ls_index_file *index, uint32_t count);
/* Needs reserved room. */
void ls_index_file_append(struct ls_index_file *index, const uint8_t *entry);
/* Writes the buffer to the file, creating it if need be. Returns 0 or -errno; then the buffer is as before. */
int ls_index_file_flush(struct ls_index_file *index, const char *path);
/* Brings the file to stable storage, if it was written. Returns 0 or -errno. */
int ls_index_file_sync(struct ls_index_file *index);
/* Keeps the first `count` entries and cuts the rest off the file. Returns 0 or -errno. */
int ls_index_file_truncate(struct ls_index_file *index, uint64_t count);

/* Compares entry bytes with the target of a search: < 0, 0, > 0 as the entry is below, at, above it. */
typedef int (*ls_index_compare_fn)(const uint8_t *entry, int64_t target);

/*
 * The last of the first `count` entries that is not above the target, by binary search.
 * Returns 1 with *ret_at and its bytes, 0 if every entry is above, or -errno.
 */
int ls_index_file_search(struct ls_index_file *index, uint64_t count, ls_index_compare_fn compare,
                         int64_t target, uint64_t *ret_at, uint8_t *ret_entry);

#endif
