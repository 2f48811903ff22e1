/*
 * The table of plain system calls. Each operation blocks the calling thread; there is no state, so any
 * number of threads may use it.
 *
 * - A descriptor is always a regular file, close-on-exec, and never 0, 1 or 2: a host that closed its
 *   standard streams must not print into a log.
 * - Interrupted calls are made again, close alone excepted: Linux has released the number by then, and
 *   another thread may own it already.
 * - Other errors are passed on as they are. The exceptions: an open that the kernel refuses because the
 *   file is a socket or a device without a driver is -EINVAL like every other file that is not regular,
 *   and a lock held elsewhere is always -EAGAIN.
 */
#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/open_flags.h"

/* The kernel moves no more than this in one call; asking for more could even be refused. */
#define TRANSFER_MAX ((size_t)0x7ffff000)

static bool position_valid(uint64_t position)
{
	return position <= INT64_MAX;
}

static int native_flags(unsigned flags)
{
	int native = O_CLOEXEC | O_NOCTTY;

	/* Opening a FIFO would wait for its other end. */
	native |= O_NONBLOCK;
	native |= flags & LOGSTORE_IO_WRITE ? O_RDWR : O_RDONLY;
	if (flags & LOGSTORE_IO_CREATE)
		native |= O_CREAT;
	if (flags & LOGSTORE_IO_EXCLUSIVE)
		native |= O_EXCL;
	if (flags & LOGSTORE_IO_TRUNCATE)
		native |= O_TRUNC;
	return native;
}

/* Moves a descriptor out of the range of the standard streams. On failure it is closed. */
static int above_standard_streams(int fd)
{
	int moved, r;

	if (fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	r = moved;
	if (moved < 0)
		r = errno == EINVAL ? -EMFILE : -errno; /* EINVAL: the limit allows no number that high */
	(void)close(fd); /* nothing was written through it */
	return r;
}

static int native_fstat(int fd, struct stat *ret_st)
{
	int r;

	do {
		r = fstat(fd, ret_st);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

/* Lets regular files pass. Also ends non-blocking mode, which was for the open alone. */
static int accept_regular(int fd)
{
	struct stat st;
	int r = native_fstat(fd, &st);

	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return fcntl(fd, F_SETFL, 0) != 0 ? -errno : 0;
}

static int threads_open(void *ctx, const char *path, unsigned flags, int *ret_fd)
{
	int fd, r;

	(void)ctx;
	if (!ls_io_open_flags_valid(flags))
		return -EINVAL;
	do {
		fd = open(path, native_flags(flags), 0644);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno == ENXIO || errno == ENODEV ? -EINVAL : -errno;
	fd = above_standard_streams(fd);
	if (fd < 0)
		return fd;
	r = accept_regular(fd);
	if (r < 0) {
		(void)close(fd); /* nothing was written through it */
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int threads_close(void *ctx, int fd)
{
	(void)ctx;
	if (close(fd) != 0 && errno != EINTR)
		return -errno;
	return 0;
}

static int64_t threads_pread(void *ctx, int fd, void *buffer, size_t size, uint64_t position)
{
	ssize_t n;

	(void)ctx;
	if (!position_valid(position))
		return -EINVAL;
	if (size > TRANSFER_MAX)
		size = TRANSFER_MAX;
	do {
		n = pread(fd, buffer, size, (off_t)position);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Copies as many pieces as one call can take, the last one shortened if need be. Returns their number. */
static int native_pieces(const struct logstore_iovec *iov, unsigned count, struct iovec pieces[IOV_MAX])
{
	size_t room = TRANSFER_MAX;
	int n = 0;

	for (unsigned i = 0; i < count && n < IOV_MAX && room > 0; i++, n++) {
		size_t size = iov[i].size < room ? iov[i].size : room;

		/* The kernel only reads from it; its struct serves both directions. */
		pieces[n] = (struct iovec){.iov_base = (void *)(uintptr_t)iov[i].base, .iov_len = size};
		room -= size;
	}
	return n;
}

static int64_t threads_pwritev(void *ctx, int fd, const struct logstore_iovec *iov, unsigned count,
                               uint64_t position)
{
	struct iovec pieces[IOV_MAX];
	int piece_count = native_pieces(iov, count, pieces);
	ssize_t n;

	(void)ctx;
	if (!position_valid(position))
		return -EINVAL;
	do {
		n = pwritev(fd, pieces, piece_count, (off_t)position);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int threads_datasync(void *ctx, int fd)
{
	int r;

	(void)ctx;
	/* An interrupted call has reported nothing yet, so going on is not the retry that must not be. */
	do {
		r = fdatasync(fd);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

static int threads_truncate(void *ctx, int fd, uint64_t size)
{
	int r;

	(void)ctx;
	if (!position_valid(size))
		return -EINVAL;
	do {
		r = ftruncate(fd, (off_t)size);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

/* Rounds down, also before 1970. Times that some file systems store do not fit: the nearest that does. */
static int64_t to_ms(const struct timespec *time)
{
	int64_t ms;

	if (__builtin_mul_overflow((int64_t)time->tv_sec, (int64_t)1000, &ms) ||
	    __builtin_add_overflow(ms, (int64_t)(time->tv_nsec / 1000000), &ms))
		return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ms;
}

static struct timespec from_ms(int64_t ms)
{
	int64_t seconds = ms / 1000;
	int64_t rest = ms % 1000;

	if (rest < 0) {
		seconds--;
		rest += 1000;
	}
	return (struct timespec){.tv_sec = seconds, .tv_nsec = rest * 1000000};
}

static struct logstore_io_stat from_native(const struct stat *st)
{
	uint32_t kind = LOGSTORE_IO_OTHER;

	if (S_ISREG(st->st_mode))
		kind = LOGSTORE_IO_FILE;
	else if (S_ISDIR(st->st_mode))
		kind = LOGSTORE_IO_DIRECTORY;
	return (struct logstore_io_stat){
		.size = (uint64_t)st->st_size,
		.mtime_ms = to_ms(&st->st_mtim),
		.device = st->st_dev,
		.inode = st->st_ino,
		.kind = kind,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
	};
}

static int threads_fstat(void *ctx, int fd, struct logstore_io_stat *ret_stat)
{
	struct stat st;
	int r = native_fstat(fd, &st);

	(void)ctx;
	if (r < 0)
		return r;
	*ret_stat = from_native(&st);
	return 0;
}

static int threads_stat(void *ctx, const char *path, struct logstore_io_stat *ret_stat)
{
	struct stat st;
	int r;

	(void)ctx;
	do {
		r = stat(path, &st);
	} while (r != 0 && errno == EINTR);
	if (r != 0)
		return -errno;
	*ret_stat = from_native(&st);
	return 0;
}

static int threads_set_mtime(void *ctx, int fd, int64_t mtime_ms)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, from_ms(mtime_ms)};
	int r;

	(void)ctx;
	do {
		r = futimens(fd, times);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

static int threads_drop_cache(void *ctx, int fd, uint64_t position, uint64_t size)
{
	(void)ctx;
	if (!position_valid(position))
		return -EINVAL;
	/* A range that passes the largest file goes to the end, which is what 0 asks for. */
	if (!position_valid(size))
		size = 0;
	return -posix_fadvise(fd, (off_t)position, (off_t)size, POSIX_FADV_DONTNEED);
}

static int threads_rename(void *ctx, const char *from, const char *to)
{
	int r;

	(void)ctx;
	do {
		r = rename(from, to);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

static int threads_unlink(void *ctx, const char *path)
{
	int r;

	(void)ctx;
	do {
		r = unlink(path);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

static int threads_mkdir(void *ctx, const char *path)
{
	int r;

	(void)ctx;
	do {
		r = mkdir(path, 0755);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

static int threads_rmdir(void *ctx, const char *path)
{
	int r;

	(void)ctx;
	do {
		r = rmdir(path);
	} while (r != 0 && errno == EINTR);
	return r != 0 ? -errno : 0;
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int list_entries(DIR *stream, logstore_io_list_fn fn, void *arg)
{
	for (;;) {
		const struct dirent *entry;
		int r;

		errno = 0; /* the only way to tell the end from an error */
		entry = readdir(stream);
		if (!entry && errno == EINTR)
			continue;
		if (!entry)
			return -errno;
		if (is_dot(entry->d_name))
			continue;
		r = fn(arg, entry->d_name);
		if (r != 0)
			return r;
	}
}

static int threads_list(void *ctx, const char *path, logstore_io_list_fn fn, void *arg)
{
	DIR *stream;
	int r;

	(void)ctx;
	do {
		stream = opendir(path);
	} while (!stream && errno == EINTR);
	if (!stream)
		return -errno;
	r = list_entries(stream, fn, arg);
	(void)closedir(stream); /* only read from */
	return r;
}

static int threads_sync_dir(void *ctx, const char *path)
{
	int fd, r;

	(void)ctx;
	do {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	do {
		r = fsync(fd);
	} while (r != 0 && errno == EINTR);
	r = r != 0 ? -errno : 0;
	(void)close(fd); /* nothing was written through it */
	return r;
}

static int threads_lock(void *ctx, int fd)
{
	struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int r;

	(void)ctx;
	do {
		r = fcntl(fd, F_OFD_SETLK, &whole_file);
	} while (r != 0 && errno == EINTR);
	if (r != 0)
		return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

const struct logstore_io *ls_io_threads(void)
{
	static const struct logstore_io table = {
		.size = sizeof table,
		.name = "threads",
		.open = threads_open,
		.close = threads_close,
		.pread = threads_pread,
		.pwritev = threads_pwritev,
		.datasync = threads_datasync,
		.truncate = threads_truncate,
		.fstat = threads_fstat,
		.stat = threads_stat,
		.set_mtime = threads_set_mtime,
		.drop_cache = threads_drop_cache,
		.rename = threads_rename,
		.unlink = threads_unlink,
		.mkdir = threads_mkdir,
		.rmdir = threads_rmdir,
		.list = threads_list,
		.sync_dir = threads_sync_dir,
		.lock = threads_lock,
	};

	return &table;
}
