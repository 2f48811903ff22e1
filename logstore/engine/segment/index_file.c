#include "segment/index_file.h"

#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"

/* A search narrows by single entries down to this many, then reads them at once. */
#define SEARCH_BLOCK 128u
/* Far above what any append needs; keeps the doubling of the buffer within 32 bits. */
#define BUFFER_COUNT_MAX (UINT32_C(1) << 30)

int ls_index_file_init(struct ls_index_file *index, const struct ls_env *env, uint32_t entry_size)
{
	LS_ASSERT(entry_size > 0 && entry_size <= LS_INDEX_ENTRY_MAX);
	*index = (struct ls_index_file){.env = env, .entry_size = entry_size, .fd = -1};
	return ls_mutex_init(&index->lock);
}

void ls_index_file_fini(struct ls_index_file *index)
{
	if (index->fd >= 0)
		(void)index->env->io->close(index->env->io->ctx, index->fd); /* nothing to lose: a hint */
	(void)ls_free(index->env, index->buffer);
	ls_mutex_fini(&index->lock);
}

static bool entry_is_zero(const uint8_t *entry, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		if (entry[i] != 0)
			return false;
	}
	return true;
}

/*
 * Number of entries before the zero tail. Zero entries are all at the end, so the border is found by
 * bisection. One that is zero by right (timestamp 0 at the base) is always the first; alone in its file it
 * is told from a preallocated tail by the size, before such a tail it is lost, which costs time only.
 */
static int count_entries(struct ls_index_file *index, uint64_t total, uint64_t *ret_count)
{
	uint64_t low = 0, high = total;
	uint8_t entry[LS_INDEX_ENTRY_MAX];
	int r;

	if (total == 1) {
		*ret_count = 1;
		return 0;
	}
	while (low < high) {
		uint64_t middle = high == total ? total - 1 : low + (high - low) / 2;
		size_t n;

		r = ls_io_read_full(index->env->io, index->fd, entry, index->entry_size,
		                    middle * index->entry_size, &n);
		if (r < 0)
			return r;
		if (n < index->entry_size || entry_is_zero(entry, index->entry_size))
			high = middle;
		else
			low = middle + 1;
	}
	*ret_count = low;
	return 0;
}

int ls_index_file_open(struct ls_index_file *index, const char *path, bool read_only)
{
	const struct logstore_io *io = index->env->io;
	struct logstore_io_stat st;
	uint64_t count = 0;
	int r;

	LS_ASSERT(index->fd < 0);
	r = io->open(io->ctx, path, read_only ? LOGSTORE_IO_READ : LOGSTORE_IO_WRITE, &index->fd);
	if (r < 0)
		return r;
	r = io->fstat(io->ctx, index->fd, &st);
	if (r == 0)
		r = count_entries(index, st.size / index->entry_size, &count);
	if (r < 0) {
		(void)io->close(io->ctx, index->fd); /* the error at hand is the one to tell */
		index->fd = -1;
		return r;
	}
	index->file_count = count;
	index->tail_size = st.size - count * index->entry_size;
	return 0;
}

uint64_t ls_index_file_tail(struct ls_index_file *index)
{
	uint64_t size;

	ls_mutex_lock(&index->lock);
	size = index->tail_size;
	ls_mutex_unlock(&index->lock);
	return size;
}

uint64_t ls_index_file_count(struct ls_index_file *index)
{
	uint64_t count;

	ls_mutex_lock(&index->lock);
	count = index->file_count + index->buffer_count;
	ls_mutex_unlock(&index->lock);
	return count;
}

int ls_index_file_read(struct ls_index_file *index, uint64_t at, uint64_t count, uint8_t *ret_entries)
{
	uint64_t in_file;
	size_t n;
	int r;

	/* What is in the buffer is copied under the lock, what is in the file does not change any more. */
	ls_mutex_lock(&index->lock);
	if (count > index->file_count + index->buffer_count ||
	    at > index->file_count + index->buffer_count - count) {
		/* The reader counted before a truncation. */
		ls_mutex_unlock(&index->lock);
		return -ENODATA;
	}
	in_file = at < index->file_count ? index->file_count - at : 0;
	if (in_file > count)
		in_file = count;
	if (in_file < count) {
		uint64_t first = at + in_file - index->file_count;

		memcpy(ret_entries + in_file * index->entry_size, index->buffer + first * index->entry_size,
		       (count - in_file) * index->entry_size);
	}
	ls_mutex_unlock(&index->lock);
	if (in_file == 0)
		return 0;
	r = ls_io_read_full(index->env->io, index->fd, ret_entries, in_file * index->entry_size,
	                    at * index->entry_size, &n);
	if (r < 0)
		return r;
	return n < in_file * index->entry_size ? -ENODATA : 0;
}

int ls_index_file_get(struct ls_index_file *index, uint64_t at, uint8_t *ret_entry)
{
	return ls_index_file_read(index, at, 1, ret_entry);
}

int ls_index_file_reserve(struct ls_index_file *index, uint32_t count)
{
	uint32_t capacity = index->buffer_capacity ? index->buffer_capacity : LS_INDEX_FLUSH_COUNT;
	uint8_t *buffer;

	if (count <= index->buffer_capacity - index->buffer_count)
		return 0;
	if (count > BUFFER_COUNT_MAX - index->buffer_count)
		return -ENOMEM;
	while (capacity - index->buffer_count < count)
		capacity *= 2;
	buffer = ls_alloc(index->env, (size_t)capacity * index->entry_size);
	if (!buffer)
		return -ENOMEM;
	ls_mutex_lock(&index->lock);
	if (index->buffer_count > 0)
		memcpy(buffer, index->buffer, (size_t)index->buffer_count * index->entry_size);
	(void)ls_free(index->env, index->buffer);
	index->buffer = buffer;
	index->buffer_capacity = capacity;
	ls_mutex_unlock(&index->lock);
	return 0;
}

void ls_index_file_append(struct ls_index_file *index, const uint8_t *entry)
{
	ls_mutex_lock(&index->lock);
	LS_ASSERT(index->buffer_count < index->buffer_capacity);
	memcpy(index->buffer + (size_t)index->buffer_count * index->entry_size, entry, index->entry_size);
	index->buffer_count++;
	ls_mutex_unlock(&index->lock);
}

static void set_dirty(struct ls_index_file *index)
{
	ls_mutex_lock(&index->lock);
	index->dirty = true;
	ls_mutex_unlock(&index->lock);
}

int ls_index_file_flush(struct ls_index_file *index, const char *path)
{
	const struct logstore_io *io = index->env->io;
	int r;

	if (index->fd < 0) {
		r = io->open(io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE | LOGSTORE_IO_TRUNCATE,
		             &index->fd);
		if (r < 0)
			return r;
		set_dirty(index);
	}
	if (index->buffer_count == 0)
		return 0;
	/* Only the appender changes the buffer, so it can be read here without the lock. */
	r = ls_io_write_full(io, index->fd, index->buffer, (size_t)index->buffer_count * index->entry_size,
	                     index->file_count * index->entry_size);
	if (r < 0)
		return r;
	ls_mutex_lock(&index->lock);
	index->file_count += index->buffer_count;
	index->buffer_count = 0;
	index->dirty = true;
	ls_mutex_unlock(&index->lock);
	return 0;
}

int ls_index_file_sync(struct ls_index_file *index)
{
	bool dirty;
	int r;

	/* Cleared first: what is written during the call is for the next one. */
	ls_mutex_lock(&index->lock);
	dirty = index->dirty;
	index->dirty = false;
	ls_mutex_unlock(&index->lock);
	if (!dirty)
		return 0;
	r = index->env->io->datasync(index->env->io->ctx, index->fd);
	if (r < 0)
		set_dirty(index);
	return r;
}

int ls_index_file_truncate(struct ls_index_file *index, uint64_t count)
{
	bool cut_file;
	int r;

	ls_mutex_lock(&index->lock);
	LS_ASSERT(count <= index->file_count + index->buffer_count);
	cut_file = count < index->file_count;
	if (cut_file) {
		index->file_count = count;
		index->buffer_count = 0;
	} else {
		index->buffer_count = (uint32_t)(count - index->file_count);
	}
	ls_mutex_unlock(&index->lock);
	if (index->fd < 0)
		return 0;
	/* Also when nothing goes: a zero tail must not outlive a truncation. */
	r = index->env->io->truncate(index->env->io->ctx, index->fd, index->file_count * index->entry_size);
	set_dirty(index);
	if (r < 0)
		return r;
	ls_mutex_lock(&index->lock);
	index->tail_size = 0;
	ls_mutex_unlock(&index->lock);
	return 0;
}

int ls_index_file_search(struct ls_index_file *index, uint64_t count, ls_index_compare_fn compare,
                         int64_t target, uint64_t *ret_at, uint8_t *ret_entry)
{
	uint8_t block[(SEARCH_BLOCK + 1) * LS_INDEX_ENTRY_MAX];
	/* Entries below low are not above the target, from high on they are. */
	uint64_t low = 0, high = count;
	uint64_t first;
	int r;

	while (high - low > SEARCH_BLOCK) {
		uint64_t middle = low + (high - low) / 2;

		r = ls_index_file_get(index, middle, block);
		if (r < 0)
			return r;
		if (compare(block, target) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* The block begins one entry early: that one may be the answer. */
	first = low > 0 ? low - 1 : 0;
	if (high == first)
		return 0;
	r = ls_index_file_read(index, first, high - first, block);
	if (r < 0)
		return r;
	for (uint64_t at = high; at > first; at--) {
		const uint8_t *entry = block + (at - 1 - first) * index->entry_size;

		if (compare(entry, target) <= 0) {
			memcpy(ret_entry, entry, index->entry_size);
			*ret_at = at - 1;
			return 1;
		}
	}
	return 0;
}
