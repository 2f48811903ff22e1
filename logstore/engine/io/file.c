/*
 * Helpers over any table: whole transfers, whole small files, atomic replacement, paths. No state and no
 * locks; two replacements of one path at a time are the caller's to prevent (they share the temporary
 * name).
 *
 * Replacement: write <path>.tmp, make its content durable, rename it over <path>, make the directory
 * durable. Whatever fails before the rename leaves the old file alone. When the last step fails the new
 * content is in place, but a crash may bring the old one back: the caller gets the error and must not
 * take either for granted.
 */
#include "io/io.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"

/* Most pieces of ls_io_writev_full(). */
#define PIECES_MAX 64

/* How much more room a file gets that turns out longer than it said. */
#define GROWTH_BYTES 4096

int ls_io_read_full(const struct logstore_io *io, int fd, void *buffer, size_t size, uint64_t position,
                    size_t *ret_size)
{
	uint8_t *bytes = buffer;
	size_t done = 0;

	while (done < size) {
		int64_t n = io->pread(io->ctx, fd, bytes + done, size - done, position + done);

		if (n < 0)
			return (int)n;
		LS_ASSERT((uint64_t)n <= size - done);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_size = done;
	return 0;
}

/* Takes `size` written bytes, and pieces that are empty, off the front. Returns the first piece left over. */
static unsigned advance(struct logstore_iovec *pieces, unsigned first, unsigned count, uint64_t size)
{
	while (first < count && pieces[first].size <= size) {
		size -= pieces[first].size;
		first++;
	}
	/* A table that claims more than it was given would make us write from behind the pieces. */
	LS_ASSERT(first < count || size == 0);
	if (first < count) {
		pieces[first].base = (const uint8_t *)pieces[first].base + size;
		pieces[first].size -= (size_t)size;
	}
	return first;
}

int ls_io_writev_full(const struct logstore_io *io, int fd, const struct logstore_iovec *iov, unsigned count,
                      uint64_t position)
{
	struct logstore_iovec pieces[PIECES_MAX];
	unsigned first;

	LS_ASSERT(count <= PIECES_MAX);
	for (unsigned i = 0; i < count; i++)
		pieces[i] = iov[i];
	first = advance(pieces, 0, count, 0);
	while (first < count) {
		int64_t n = io->pwritev(io->ctx, fd, pieces + first, count - first, position);

		if (n < 0)
			return (int)n;
		/* Neither progress nor an error: going on might never end. */
		if (n == 0)
			return -EIO;
		position += (uint64_t)n;
		first = advance(pieces, first, count, (uint64_t)n);
	}
	return 0;
}

int ls_io_write_full(const struct logstore_io *io, int fd, const void *bytes, size_t size, uint64_t position)
{
	const struct logstore_iovec piece = {.base = bytes, .size = size};

	return ls_io_writev_full(io, fd, &piece, 1, position);
}

/* Reads to the end of the file. `out` takes on the bytes only when all is well. */
static int read_to_end(const struct logstore_io *io, int fd, size_t limit, struct ls_buf *out)
{
	struct logstore_io_stat st;
	size_t done = 0, room, n;
	int r = io->fstat(io->ctx, fd, &st);

	if (r < 0)
		return r;
	if (st.size > limit || st.size == SIZE_MAX)
		return LOGSTORE_E_LIMIT_EXCEEDED;
	do {
		/* One byte more than the file is said to have shows that it really ends there. */
		room = done <= st.size ? (size_t)st.size - done + 1 : GROWTH_BYTES;
		r = ls_buf_reserve(out, done + room);
		if (r < 0)
			return r;
		r = ls_io_read_full(io, fd, out->data + out->size + done, room, done, &n);
		if (r < 0)
			return r;
		done += n;
		if (done > limit)
			return LOGSTORE_E_LIMIT_EXCEEDED;
	} while (n == room);
	out->size += done;
	return 0;
}

int ls_io_read_file(const struct ls_env *env, const char *path, size_t limit, struct ls_buf *out)
{
	const struct logstore_io *io = env->io;
	int fd, r;

	r = io->open(io->ctx, path, LOGSTORE_IO_READ, &fd);
	if (r < 0)
		return r;
	r = read_to_end(io, fd, limit, out);
	(void)io->close(io->ctx, fd); /* only read from: it has nothing to say about the bytes */
	return r;
}

/* A new file with this content, durable itself but not its name. May leave a part of it behind on failure. */
static int write_durable(const struct logstore_io *io, const char *path, const void *bytes, size_t size)
{
	int fd, r, close_r;

	r = io->open(io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE | LOGSTORE_IO_TRUNCATE, &fd);
	if (r < 0)
		return r;
	r = ls_io_write_full(io, fd, bytes, size, 0);
	if (r == 0)
		r = io->datasync(io->ctx, fd);
	close_r = io->close(io->ctx, fd);
	return r < 0 ? r : close_r;
}

int ls_io_replace_file(const struct ls_env *env, const char *path, const void *bytes, size_t size)
{
	static const char suffix[] = ".tmp";
	const struct logstore_io *io = env->io;
	char temporary[LS_PATH_MAX], directory[LS_PATH_MAX];
	size_t path_size = strlen(path);
	int r;

	if (path_size > sizeof temporary - sizeof suffix)
		return -ENAMETOOLONG;
	memcpy(temporary, path, path_size);
	memcpy(temporary + path_size, suffix, sizeof suffix);
	r = ls_path_directory(directory, path);
	if (r < 0)
		return r;
	r = write_durable(io, temporary, bytes, size);
	if (r == 0)
		r = io->rename(io->ctx, temporary, path);
	if (r < 0) {
		/* The first error counts. What stays behind is overwritten by the next replacement. */
		(void)io->unlink(io->ctx, temporary);
		return r;
	}
	return io->sync_dir(io->ctx, directory);
}

int ls_path_join(char ret_path[LS_PATH_MAX], const char *directory, const char *name)
{
	size_t directory_size = strlen(directory);
	size_t name_size = strlen(name);
	size_t slash = directory_size > 0 && directory[directory_size - 1] != '/';

	if (directory_size >= LS_PATH_MAX || name_size >= LS_PATH_MAX - directory_size - slash)
		return -ENAMETOOLONG;
	memcpy(ret_path, directory, directory_size);
	if (slash)
		ret_path[directory_size] = '/';
	memcpy(ret_path + directory_size + slash, name, name_size + 1);
	return 0;
}

int ls_path_directory(char ret_directory[LS_PATH_MAX], const char *path)
{
	size_t size = (size_t)(ls_path_name(path) - path);

	if (size == 0) {
		memcpy(ret_directory, ".", 2);
		return 0;
	}
	/* The slashes before the name are no part of it, except that of the root. */
	while (size > 1 && path[size - 1] == '/')
		size--;
	if (size >= LS_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret_directory, path, size);
	ret_directory[size] = '\0';
	return 0;
}

const char *ls_path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
