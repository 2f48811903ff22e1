/*
 * Files as the library sees them: one table of operations, replaceable at open (struct logstore_env).
 * Two implementations are installed: plain system calls, and a simulated file system in memory with
 * faults to order, which hosts can use to test their own behaviour.
 *
 * Rules for every implementation
 * - Operations return 0 (or a count) or -errno. EINTR is handled inside. Short reads and writes are
 *   allowed and mean progress; the caller goes on. A read of 0 bytes is the end of the file.
 * - Paths are plain byte strings, at most PATH_MAX. Descriptors are small non-negative numbers.
 * - Operations may be called on any thread; two operations on one descriptor may run at once.
 * - A failed datasync or sync_dir says nothing about what reached the disk and is never retried.
 */
#ifndef LOGSTORE_IO_H
#define LOGSTORE_IO_H

#include <logstore/env.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LOGSTORE_IO_READ = 1u << 0,
	LOGSTORE_IO_WRITE = 1u << 1,     /* implies reading */
	LOGSTORE_IO_CREATE = 1u << 2,    /* create if missing, mode 0644 less the umask */
	LOGSTORE_IO_EXCLUSIVE = 1u << 3, /* with CREATE: -EEXIST if it is there */
	LOGSTORE_IO_TRUNCATE = 1u << 4,
};

enum logstore_io_kind {
	LOGSTORE_IO_FILE = 1,
	LOGSTORE_IO_DIRECTORY = 2,
	LOGSTORE_IO_OTHER = 3, /* socket, device, pipe */
};

struct logstore_io_stat {
	uint64_t size;    /* bytes */
	int64_t mtime_ms; /* ms since the epoch */
	uint64_t device;
	uint64_t inode;
	uint32_t kind;    /* enum logstore_io_kind, links followed */
	uint32_t mode;    /* permission bits */
	uint32_t uid;
	uint32_t reserved;
};

struct logstore_iovec {
	const void *base;
	size_t size;
};

/* Called per entry of a directory except "." and "..", in no order. Non-zero stops and is returned. */
typedef int (*logstore_io_list_fn)(void *arg, const char *name);

/* The table. `size` is sizeof(struct logstore_io) of the header it was compiled with. All are required. */
struct logstore_io {
	size_t size;
	const char *name; /* "threads", "sim", ... */
	void *ctx;        /* first argument of every operation */

	/* Opens a file. A directory or anything but a regular file is -EISDIR or -EINVAL. *ret_fd is the descriptor. */
	int (*open)(void *ctx, const char *path, unsigned flags, int *ret_fd);
	int (*close)(void *ctx, int fd);
	int64_t (*pread)(void *ctx, int fd, void *buffer, size_t size, uint64_t position);
	int64_t (*pwritev)(void *ctx, int fd, const struct logstore_iovec *iov, unsigned count, uint64_t position);
	/* Contents and size reach stable storage. */
	int (*datasync)(void *ctx, int fd);
	int (*truncate)(void *ctx, int fd, uint64_t size);
	int (*fstat)(void *ctx, int fd, struct logstore_io_stat *ret_stat);
	int (*stat)(void *ctx, const char *path, struct logstore_io_stat *ret_stat);
	int (*set_mtime)(void *ctx, int fd, int64_t mtime_ms);
	/* Asks the kernel to forget cached pages of the range; size 0 is "to the end". Best effort. */
	int (*drop_cache)(void *ctx, int fd, uint64_t position, uint64_t size);

	/* Replaces `to` if it exists (for a directory: only an empty one), atomically. */
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*unlink)(void *ctx, const char *path);
	/* Mode 0755 less the umask. */
	int (*mkdir)(void *ctx, const char *path);
	int (*rmdir)(void *ctx, const char *path);
	int (*list)(void *ctx, const char *path, logstore_io_list_fn fn, void *arg);
	/* The entries of the directory reach stable storage. */
	int (*sync_dir)(void *ctx, const char *path);

	/*
	 * Takes an exclusive lock on an open file until the descriptor is closed (an OFD lock, which excludes
	 * Java's FileChannel.tryLock as well). The descriptor must have been opened for writing. -EAGAIN if
	 * another owner holds it.
	 */
	int (*lock)(void *ctx, int fd);
};

/**
 * logstore_io_threads() - plain system calls
 *
 * Returns: the default table; static, never freed.
 * Threads: any thread.
 * Blocking: its operations block the calling thread.
 * Since: 0.1
 */
LOGSTORE_API const struct logstore_io *logstore_io_threads(void);

/* Operations of the table, for choosing where the simulated file system fails. Values never change. */
enum logstore_io_op {
	LOGSTORE_IO_OP_OPEN = 0,
	LOGSTORE_IO_OP_CLOSE = 1,
	LOGSTORE_IO_OP_PREAD = 2,
	LOGSTORE_IO_OP_PWRITEV = 3,
	LOGSTORE_IO_OP_DATASYNC = 4,
	LOGSTORE_IO_OP_TRUNCATE = 5,
	LOGSTORE_IO_OP_FSTAT = 6,
	LOGSTORE_IO_OP_STAT = 7,
	LOGSTORE_IO_OP_SET_MTIME = 8,
	LOGSTORE_IO_OP_DROP_CACHE = 9,
	LOGSTORE_IO_OP_RENAME = 10,
	LOGSTORE_IO_OP_UNLINK = 11,
	LOGSTORE_IO_OP_MKDIR = 12,
	LOGSTORE_IO_OP_RMDIR = 13,
	LOGSTORE_IO_OP_LIST = 14,
	LOGSTORE_IO_OP_SYNC_DIR = 15,
	LOGSTORE_IO_OP_LOCK = 16,
};

/* A simulated file system in memory. */
typedef struct logstore_sim logstore_sim;

/**
 * logstore_sim_new() - create an empty simulated file system
 * @seed: of its random choices (short reads and writes); the same seed gives the same run
 * @ret_sim: the file system
 *
 * It holds one root directory "/"; relative paths are taken from there. Without orders it never fails.
 *
 * Returns: 0 or -ENOMEM.
 * Ownership: free with logstore_sim_free() after every store on it was closed.
 * Threads: any thread; the table it yields may be used on any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_sim_new(uint64_t seed, logstore_sim **ret_sim);

/**
 * logstore_sim_free() - free a simulated file system with all its files
 * @sim: may be NULL
 *
 * Returns: NULL.
 * Threads: any thread, once nobody uses it.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API logstore_sim *logstore_sim_free(logstore_sim *sim);

/**
 * logstore_sim_io() - the operations of a simulated file system
 * @sim: the file system
 *
 * Returns: a table that lives as long as @sim.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const struct logstore_io *logstore_sim_io(logstore_sim *sim);

/**
 * logstore_sim_fail_nth() - let one operation fail
 * @sim: the file system
 * @countdown: 1 fails the next counted operation, 2 the one after it; 0 cancels the order
 * @error: positive errno to answer, or 0 for a short transfer (of a read or write; others then succeed)
 * @op_mask: bits 1 << enum logstore_io_op that count; UINT32_MAX for all
 *
 * The order is carried out once; the failing operation has no effect (a short transfer has a partial one; a
 * close that fails gives the descriptor up all the same, as Linux does).
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_sim_fail_nth(logstore_sim *sim, uint64_t countdown, int error, uint32_t op_mask);

/**
 * logstore_sim_fault_pending() - whether an ordered fault has not happened yet
 * @sim: the file system
 *
 * Returns: true from logstore_sim_fail_nth() until the fault was delivered: a sweep over n ends when it
 *          is still true after the work.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API bool logstore_sim_fault_pending(const logstore_sim *sim);

/**
 * logstore_sim_short_transfers() - make reads and writes short at random
 * @sim: the file system
 * @one_in: on average every @one_in-th read or write of two bytes or more moves fewer bytes; 0 for never
 *
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API void logstore_sim_short_transfers(logstore_sim *sim, uint32_t one_in);

/**
 * logstore_sim_operations() - how many operations were carried out
 * @sim: the file system
 * @op: which; or -1 for all
 *
 * Returns: the count since logstore_sim_new(), failed ones included.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API uint64_t logstore_sim_operations(const logstore_sim *sim, int op);

/**
 * logstore_sim_open_descriptors() - how many descriptors are open
 * @sim: the file system
 *
 * Returns: the count; 0 after everything was closed, else there is a leak.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API uint64_t logstore_sim_open_descriptors(const logstore_sim *sim);

#ifdef __cplusplus
}
#endif

#endif
