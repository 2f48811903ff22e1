/*
 * Files, through the table of <logstore/io.h>: the implementations, and helpers that every user of the
 * table needs (whole reads and writes, whole small files, atomic replacement).
 *
 * threads.c  plain system calls (default)
 * sim.c      files in memory with faults to order
 * file.c     helpers over any table
 */
#ifndef LS_IO_IO_H
#define LS_IO_IO_H

#include <logstore/error.h>
#include <logstore/io.h>

#include "base/buf.h"
#include "base/env.h"

/* The table of plain system calls. */
const struct logstore_io *ls_io_threads(void);

/* ---- helpers (file.c); `io` is env->io ---------------------------------------------------------------- */

/* Reads exactly `size` bytes unless the file ends: *ret_size is what there was. Returns 0 or -errno. */
int ls_io_read_full(const struct logstore_io *io, int fd, void *buffer, size_t size, uint64_t position,
                    size_t *ret_size);
/* Writes all of it, going on after short writes. On failure a prefix may have been written. Returns 0 or -errno. */
int ls_io_write_full(const struct logstore_io *io, int fd, const void *bytes, size_t size, uint64_t position);
/* The same for several pieces (at most 64). */
int ls_io_writev_full(const struct logstore_io *io, int fd, const struct logstore_iovec *iov, unsigned count,
                      uint64_t position);

/*
 * Reads a whole small file, appended to `out`. `limit`: most bytes accepted.
 * Returns 0; LOGSTORE_E_LIMIT_EXCEEDED; -ENOENT and other -errno; -ENOMEM.
 */
int ls_io_read_file(const struct ls_env *env, const char *path, size_t limit, struct ls_buf *out);

/*
 * Replaces a file: `<path>.tmp` is written and fsynced, renamed over `path`, and the directory fsynced.
 * After a crash there is the old content or the new, never a mixture. Returns 0 or -errno; on failure
 * before the rename the old file stays and the temporary one is removed as far as possible.
 */
int ls_io_replace_file(const struct ls_env *env, const char *path, const void *bytes, size_t size);

/*
 * "<directory>/<name>" into ret_path (the bare name for an empty directory). Returns 0 or -ENAMETOOLONG.
 * All three split at the last slash: "data/" is the directory "data" and an empty name.
 */
#define LS_PATH_MAX 4096
int ls_path_join(char ret_path[LS_PATH_MAX], const char *directory, const char *name);
/* The directory part of a path ("." if it has none). Returns 0 or -ENAMETOOLONG. */
int ls_path_directory(char ret_directory[LS_PATH_MAX], const char *path);
/* The last component of a path. */
const char *ls_path_name(const char *path);

#endif
