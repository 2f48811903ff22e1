/*
 * A file system in memory that never loses anything, with faults to order.
 *
 * Objects: an inode is a file or a directory. A directory holds entries, each a name for one inode. An
 * inode lives as long as an entry or a descriptor refers to it. Contents change in content_write() and
 * content_resize() alone, names in entry_add(), entry_remove() and entry_redirect() alone: whoever wants
 * to model what has not reached the disk yet records it there.
 *
 * Invariants
 * I1  In the pages of a file, bytes at and beyond its size are zero. A missing page is all zeros.
 * I2  entries of a directory are sorted by name, and names are unique.
 * I3  links of an inode is the number of entries that name it; the root has one more. opens is the number
 *     of descriptors of it.
 * I4  A descriptor number below first_free is in use.
 * I5  lock_fd of an inode is the open descriptor that holds its lock, or -1.
 *
 * Threads: one mutex, taken by begin() and released by finish(), covers everything. Callbacks of list run
 * outside of it, over a copy of the names, and may call any operation.
 *
 * Failure: what fails changes nothing. Memory is acquired before the first change.
 */
#include "io/sim.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/thread.h"
#include "io/open_flags.h"

#define PAGE_BYTES ((uint64_t)4096)
#define OP_COUNT (LOGSTORE_IO_OP_LOCK + 1)

struct sim_entry {
	char *name;
	struct sim_inode *inode;
};

struct sim_inode {
	struct sim_inode *previous, *next; /* in the list of all */
	uint64_t number;
	int64_t mtime_ms;
	uint32_t kind; /* LOGSTORE_IO_FILE or LOGSTORE_IO_DIRECTORY */
	uint32_t links;
	uint32_t opens;
	int lock_fd;

	/* of a file */
	uint64_t size;
	uint8_t **pages; /* NULL where nothing was written */
	size_t page_count;

	/* of a directory */
	struct sim_inode *parent; /* of the root: itself */
	struct sim_entry *entries;
	size_t entry_count, entry_capacity;
};

struct sim_descriptor {
	struct sim_inode *inode; /* NULL: the number is free */
	bool writable;
};

struct sim_fault {
	uint64_t countdown; /* counted operations until it happens; 0: none ordered */
	int error;
	uint32_t op_mask;
};

struct logstore_sim {
	struct logstore_io io;
	struct ls_mutex mutex;
	uint32_t uid; /* whom everything belongs to */
	struct sim_inode *root;
	struct sim_inode *inodes; /* all of them, also those without a name */
	uint64_t next_number;
	int64_t modifications; /* the clock of mtime_ms */

	struct sim_descriptor *descriptors;
	size_t descriptor_count; /* size of the array */
	size_t first_free;
	uint64_t open_count;

	uint64_t operations[OP_COUNT];
	struct sim_fault fault;
	bool shorten; /* the operation under way was ordered to be short */
	uint32_t short_one_in;
	uint64_t random_state;
};

/* ---- the frame of every operation --------------------------------------------------------------------- */

/* Advances the order, if one is there and counts this operation. Returns 0 or the -errno ordered. */
static int deliver_fault(struct logstore_sim *sim, enum logstore_io_op op)
{
	struct sim_fault *fault = &sim->fault;

	sim->shorten = false;
	if (fault->countdown == 0 || !(fault->op_mask & UINT32_C(1) << op))
		return 0;
	if (--fault->countdown > 0)
		return 0;
	sim->shorten = fault->error == 0;
	return -fault->error;
}

/* Locks. Returns 0, or the -errno with which this operation is to fail. */
static int begin(struct logstore_sim *sim, enum logstore_io_op op)
{
	ls_mutex_lock(&sim->mutex);
	sim->operations[op]++;
	return deliver_fault(sim, op);
}

/* Unlocks and hands the result through. */
static int64_t finish(struct logstore_sim *sim, int64_t result)
{
	ls_mutex_unlock(&sim->mutex);
	return result;
}

/* splitmix64 */
static uint64_t next_random(struct logstore_sim *sim)
{
	uint64_t z = sim->random_state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* How many of `size` bytes a transfer moves. Never none of them: a read of 0 bytes means the end. */
static uint64_t transfer_size(struct logstore_sim *sim, uint64_t size)
{
	bool shorten = sim->shorten;

	if (size < 2)
		return size;
	if (sim->short_one_in > 0 && next_random(sim) % sim->short_one_in == 0)
		shorten = true;
	return shorten ? 1 + next_random(sim) % (size - 1) : size;
}

/* ---- inodes ------------------------------------------------------------------------------------------- */

static void touch(struct logstore_sim *sim, struct sim_inode *inode)
{
	inode->mtime_ms = ++sim->modifications;
}

static struct sim_inode *inode_new(struct logstore_sim *sim, uint32_t kind)
{
	struct sim_inode *inode = calloc(1, sizeof *inode);

	if (!inode)
		return NULL;
	inode->kind = kind;
	inode->number = ++sim->next_number;
	inode->lock_fd = -1;
	inode->next = sim->inodes;
	if (inode->next)
		inode->next->previous = inode;
	sim->inodes = inode;
	touch(sim, inode);
	return inode;
}

static void inode_free(struct logstore_sim *sim, struct sim_inode *inode)
{
	if (inode->previous)
		inode->previous->next = inode->next;
	else
		sim->inodes = inode->next;
	if (inode->next)
		inode->next->previous = inode->previous;
	for (size_t i = 0; i < inode->page_count; i++)
		free(inode->pages[i]);
	free(inode->pages);
	for (size_t i = 0; i < inode->entry_count; i++)
		free(inode->entries[i].name);
	free(inode->entries);
	free(inode);
}

static void inode_free_if_unused(struct logstore_sim *sim, struct sim_inode *inode)
{
	if (inode->links > 0 || inode->opens > 0)
		return;
	LS_ASSERT(inode->entry_count == 0 && inode->lock_fd < 0);
	inode_free(sim, inode);
}

static bool is_directory(const struct sim_inode *inode)
{
	return inode->kind == LOGSTORE_IO_DIRECTORY;
}

static struct logstore_io_stat inode_stat(const struct logstore_sim *sim, const struct sim_inode *inode)
{
	return (struct logstore_io_stat){
		.size = inode->size,
		.mtime_ms = inode->mtime_ms,
		.device = 1,
		.inode = inode->number,
		.kind = inode->kind,
		.mode = is_directory(inode) ? 0755 : 0644,
		.uid = sim->uid,
	};
}

/* ---- contents of files -------------------------------------------------------------------------------- */

/* Makes the pages of a range exist that is not empty. Returns 0 or -ENOMEM; pages made by then are zeros. */
static int content_reserve(struct sim_inode *inode, uint64_t position, uint64_t size)
{
	size_t end = (size_t)((position + size - 1) / PAGE_BYTES) + 1;

	if (end > inode->page_count) {
		size_t count = end < 2 * inode->page_count ? 2 * inode->page_count : end;
		uint8_t **pages = realloc(inode->pages, count * sizeof *pages);

		if (!pages)
			return -ENOMEM;
		memset(pages + inode->page_count, 0, (count - inode->page_count) * sizeof *pages);
		inode->pages = pages;
		inode->page_count = count;
	}
	for (size_t i = (size_t)(position / PAGE_BYTES); i < end; i++) {
		if (!inode->pages[i])
			inode->pages[i] = calloc(1, PAGE_BYTES);
		if (!inode->pages[i])
			return -ENOMEM;
	}
	return 0;
}

/* How much of a transfer falls into the page where it begins. */
static size_t size_in_page(uint64_t position, uint64_t size)
{
	uint64_t room = PAGE_BYTES - position % PAGE_BYTES;

	return (size_t)(size < room ? size : room);
}

/* The range lies within the file. */
static void content_read(const struct sim_inode *inode, uint64_t position, uint8_t *buffer, uint64_t size)
{
	while (size > 0) {
		size_t index = (size_t)(position / PAGE_BYTES);
		size_t n = size_in_page(position, size);

		if (index < inode->page_count && inode->pages[index])
			memcpy(buffer, inode->pages[index] + position % PAGE_BYTES, n);
		else
			memset(buffer, 0, n);
		buffer += n;
		position += n;
		size -= n;
	}
}

/* The pages were reserved. */
static void content_write(struct sim_inode *inode, uint64_t position, const uint8_t *bytes, uint64_t size)
{
	while (size > 0) {
		size_t n = size_in_page(position, size);

		memcpy(inode->pages[position / PAGE_BYTES] + position % PAGE_BYTES, bytes, n);
		bytes += n;
		position += n;
		size -= n;
		if (position > inode->size)
			inode->size = position;
	}
}

static void content_resize(struct sim_inode *inode, uint64_t size)
{
	size_t first_gone = (size_t)((size + PAGE_BYTES - 1) / PAGE_BYTES);
	size_t last = (size_t)(size / PAGE_BYTES);

	/* I1 */
	if (last < first_gone && last < inode->page_count && inode->pages[last])
		memset(inode->pages[last] + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
	for (size_t i = first_gone; i < inode->page_count; i++) {
		free(inode->pages[i]);
		inode->pages[i] = NULL;
	}
	inode->size = size;
}

/* ---- entries of directories --------------------------------------------------------------------------- */

/* Where a name stands, or where it would have to be inserted. */
static size_t entry_index(const struct sim_inode *directory, const char *name, bool *ret_found)
{
	size_t low = 0, high = directory->entry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(directory->entries[middle].name, name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

static struct sim_inode *entry_find(const struct sim_inode *directory, const char *name)
{
	bool found;
	size_t index = entry_index(directory, name, &found);

	return found ? directory->entries[index].inode : NULL;
}

static int entries_reserve_one(struct sim_inode *directory)
{
	size_t capacity = directory->entry_capacity ? 2 * directory->entry_capacity : 8;
	struct sim_entry *entries;

	if (directory->entry_count < directory->entry_capacity)
		return 0;
	entries = realloc(directory->entries, capacity * sizeof *entries);
	if (!entries)
		return -ENOMEM;
	directory->entries = entries;
	directory->entry_capacity = capacity;
	return 0;
}

/* Names an inode. The name is not in the directory yet. Returns 0 or -ENOMEM. */
static int entry_add(struct logstore_sim *sim, struct sim_inode *directory, const char *name,
                     struct sim_inode *inode)
{
	bool found;
	size_t index = entry_index(directory, name, &found);
	struct sim_entry *place;
	char *copy;
	int r;

	LS_ASSERT(!found); /* I2 */
	r = entries_reserve_one(directory);
	if (r < 0)
		return r;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	place = directory->entries + index;
	memmove(place + 1, place, (directory->entry_count - index) * sizeof *place);
	*place = (struct sim_entry){.name = copy, .inode = inode};
	directory->entry_count++;
	inode->links++;
	if (is_directory(inode))
		inode->parent = directory;
	touch(sim, directory);
	return 0;
}

/* The name is there. Its inode goes with it if nothing else refers to it. */
static void entry_remove(struct logstore_sim *sim, struct sim_inode *directory, const char *name)
{
	bool found;
	size_t index = entry_index(directory, name, &found);
	struct sim_entry *place = directory->entries + index;
	struct sim_inode *inode;

	LS_ASSERT(found);
	inode = place->inode;
	free(place->name);
	directory->entry_count--;
	memmove(place, place + 1, (directory->entry_count - index) * sizeof *place);
	inode->links--;
	touch(sim, directory);
	inode_free_if_unused(sim, inode);
}

/* Lets a name that is there mean another inode, in one step. */
static void entry_redirect(struct logstore_sim *sim, struct sim_inode *directory, const char *name,
                           struct sim_inode *inode)
{
	bool found;
	size_t index = entry_index(directory, name, &found);
	struct sim_inode *replaced;

	LS_ASSERT(found);
	replaced = directory->entries[index].inode;
	directory->entries[index].inode = inode;
	inode->links++;
	if (is_directory(inode))
		inode->parent = directory;
	replaced->links--;
	touch(sim, directory);
	inode_free_if_unused(sim, replaced);
}

/* ---- paths -------------------------------------------------------------------------------------------- */

/* What a path leads to. */
struct sim_target {
	struct sim_inode *inode;     /* NULL: there is no such entry */
	struct sim_inode *directory; /* where the entry is or would be; NULL behind ".", ".." and for "/" */
	char name[NAME_MAX + 1];     /* of the entry */
	bool slash;                  /* the path ends in one */
};

static void step(struct sim_target *target, const char *component, size_t size)
{
	struct sim_inode *directory = target->inode;

	memcpy(target->name, component, size);
	target->name[size] = '\0';
	target->directory = NULL;
	if (strcmp(target->name, ".") == 0)
		return;
	if (strcmp(target->name, "..") == 0) {
		target->inode = directory->parent;
		return;
	}
	target->directory = directory;
	target->inode = entry_find(directory, target->name);
}

/* Returns 0 also if only the last component is missing. */
static int resolve(struct logstore_sim *sim, const char *path, struct sim_target *ret_target)
{
	struct sim_target target = {.inode = sim->root};
	size_t size = strlen(path);

	if (size == 0)
		return -ENOENT;
	if (size >= PATH_MAX)
		return -ENAMETOOLONG;
	path += strspn(path, "/");
	while (*path != '\0') {
		size = strcspn(path, "/");
		if (!target.inode)
			return -ENOENT;
		if (!is_directory(target.inode))
			return -ENOTDIR;
		if (size > NAME_MAX)
			return -ENAMETOOLONG;
		step(&target, path, size);
		path += size;
		target.slash = *path == '/';
		path += strspn(path, "/");
	}
	*ret_target = target;
	return 0;
}

/* As resolve(), but the target is there, and is a directory if the path says so by its last slash. */
static int resolve_existing(struct logstore_sim *sim, const char *path, struct sim_target *ret_target)
{
	struct sim_target target;
	int r = resolve(sim, path, &target);

	if (r < 0)
		return r;
	if (!target.inode)
		return -ENOENT;
	if (target.slash && !is_directory(target.inode))
		return -ENOTDIR;
	*ret_target = target;
	return 0;
}

static int resolve_directory(struct logstore_sim *sim, const char *path, struct sim_inode **ret_directory)
{
	struct sim_target target;
	int r = resolve_existing(sim, path, &target);

	if (r < 0)
		return r;
	if (!is_directory(target.inode))
		return -ENOTDIR;
	*ret_directory = target.inode;
	return 0;
}

/* Whether a directory is `ancestor` or lies below it. */
static bool is_within(const struct sim_inode *directory, const struct sim_inode *ancestor)
{
	while (directory != ancestor && directory != directory->parent)
		directory = directory->parent;
	return directory == ancestor;
}

/* ---- descriptors -------------------------------------------------------------------------------------- */

/* The lowest free number, without taking it. Returns 0, -EMFILE or -ENOMEM. */
static int descriptor_reserve(struct logstore_sim *sim, size_t *ret_number)
{
	size_t number = sim->first_free;

	while (number < sim->descriptor_count && sim->descriptors[number].inode)
		number++;
	sim->first_free = number; /* I4 */
	if (number >= LS_SIM_DESCRIPTORS_MAX)
		return -EMFILE;
	if (number == sim->descriptor_count) {
		size_t count = number ? 2 * number : 16;
		struct sim_descriptor *descriptors = realloc(sim->descriptors, count * sizeof *descriptors);

		if (!descriptors)
			return -ENOMEM;
		memset(descriptors + number, 0, (count - number) * sizeof *descriptors);
		sim->descriptors = descriptors;
		sim->descriptor_count = count;
	}
	*ret_number = number;
	return 0;
}

static struct sim_descriptor *descriptor(struct logstore_sim *sim, int fd)
{
	if (fd < 0 || (size_t)fd >= sim->descriptor_count || !sim->descriptors[fd].inode)
		return NULL;
	return &sim->descriptors[fd];
}

static void descriptor_release(struct logstore_sim *sim, int fd)
{
	struct sim_inode *inode = sim->descriptors[fd].inode;

	sim->descriptors[fd] = (struct sim_descriptor){0};
	sim->open_count--;
	if ((size_t)fd < sim->first_free)
		sim->first_free = (size_t)fd; /* I4 */
	if (inode->lock_fd == fd)
		inode->lock_fd = -1; /* I5 */
	inode->opens--;
	inode_free_if_unused(sim, inode);
}

/* ---- operations on descriptors ------------------------------------------------------------------------ */

/* A new, empty, named inode. Returns 0 or -ENOMEM. */
static int create(struct logstore_sim *sim, const struct sim_target *target, uint32_t kind,
                  struct sim_inode **ret_inode)
{
	struct sim_inode *inode = inode_new(sim, kind);
	int r;

	if (!inode)
		return -ENOMEM;
	r = entry_add(sim, target->directory, target->name, inode);
	if (r < 0) {
		inode_free(sim, inode);
		return r;
	}
	*ret_inode = inode;
	return 0;
}

/* Whether what the path leads to may be opened or created like that. */
static int check_open(const struct sim_target *target, unsigned flags)
{
	bool creates = flags & LOGSTORE_IO_CREATE;

	if (!target->inode && !creates)
		return -ENOENT;
	if (target->inode && (flags & LOGSTORE_IO_EXCLUSIVE))
		return -EEXIST;
	if (target->inode && is_directory(target->inode))
		return -EISDIR;
	if (target->slash)
		return creates ? -EISDIR : -ENOTDIR;
	return 0;
}

static int open_locked(struct logstore_sim *sim, const char *path, unsigned flags, int *ret_fd)
{
	struct sim_target target;
	size_t number;
	int r;

	if (!ls_io_open_flags_valid(flags))
		return -EINVAL;
	r = resolve(sim, path, &target);
	if (r < 0)
		return r;
	r = check_open(&target, flags);
	if (r < 0)
		return r;
	r = descriptor_reserve(sim, &number);
	if (r < 0)
		return r;
	if (!target.inode) {
		r = create(sim, &target, LOGSTORE_IO_FILE, &target.inode);
		if (r < 0)
			return r;
	} else if (flags & LOGSTORE_IO_TRUNCATE) {
		content_resize(target.inode, 0);
		touch(sim, target.inode);
	}
	sim->descriptors[number] = (struct sim_descriptor){
		.inode = target.inode,
		.writable = flags & LOGSTORE_IO_WRITE,
	};
	sim->open_count++;
	target.inode->opens++;
	*ret_fd = (int)number;
	return 0;
}

static int sim_open(void *ctx, const char *path, unsigned flags, int *ret_fd)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_OPEN);

	if (r == 0)
		r = open_locked(sim, path, flags, ret_fd);
	return (int)finish(sim, r);
}

static int sim_close(void *ctx, int fd)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_CLOSE);

	if (!descriptor(sim, fd))
		r = r < 0 ? r : -EBADF;
	else
		descriptor_release(sim, fd); /* also when it is to fail: see sim.h */
	return (int)finish(sim, r);
}

static int64_t pread_locked(struct logstore_sim *sim, int fd, void *buffer, size_t size, uint64_t position)
{
	const struct sim_descriptor *d = descriptor(sim, fd);
	uint64_t n;

	if (position > INT64_MAX)
		return -EINVAL;
	if (!d)
		return -EBADF;
	if (position >= d->inode->size)
		return 0;
	n = d->inode->size - position;
	n = transfer_size(sim, size < n ? size : n);
	content_read(d->inode, position, buffer, n);
	return (int64_t)n;
}

static int64_t sim_pread(void *ctx, int fd, void *buffer, size_t size, uint64_t position)
{
	struct logstore_sim *sim = ctx;
	int64_t r = begin(sim, LOGSTORE_IO_OP_PREAD);

	if (r == 0)
		r = pread_locked(sim, fd, buffer, size, position);
	return finish(sim, r);
}

static uint64_t total_size(const struct logstore_iovec *iov, unsigned count)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < count; i++) {
		if (__builtin_add_overflow(total, (uint64_t)iov[i].size, &total))
			return UINT64_MAX;
	}
	return total;
}

/* Writes the first `size` bytes of the pieces. */
static void gather(struct sim_inode *inode, const struct logstore_iovec *iov, uint64_t position,
                   uint64_t size)
{
	while (size > 0) {
		uint64_t n = iov->size < size ? iov->size : size;

		content_write(inode, position, iov->base, n);
		position += n;
		size -= n;
		iov++;
	}
}

static int64_t pwritev_locked(struct logstore_sim *sim, int fd, const struct logstore_iovec *iov,
                              unsigned count, uint64_t position)
{
	const struct sim_descriptor *d = descriptor(sim, fd);
	uint64_t n = total_size(iov, count);
	int r;

	if (position > INT64_MAX)
		return -EINVAL;
	if (!d || !d->writable)
		return -EBADF;
	if (n == 0)
		return 0;
	if (position >= LS_SIM_FILE_SIZE_MAX)
		return -EFBIG;
	if (n > LS_SIM_FILE_SIZE_MAX - position)
		n = LS_SIM_FILE_SIZE_MAX - position;
	n = transfer_size(sim, n);
	r = content_reserve(d->inode, position, n);
	if (r < 0)
		return r;
	gather(d->inode, iov, position, n);
	touch(sim, d->inode);
	return (int64_t)n;
}

static int64_t sim_pwritev(void *ctx, int fd, const struct logstore_iovec *iov, unsigned count,
                           uint64_t position)
{
	struct logstore_sim *sim = ctx;
	int64_t r = begin(sim, LOGSTORE_IO_OP_PWRITEV);

	if (r == 0)
		r = pwritev_locked(sim, fd, iov, count, position);
	return finish(sim, r);
}

static int sim_datasync(void *ctx, int fd)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_DATASYNC);

	if (r == 0 && !descriptor(sim, fd))
		r = -EBADF;
	return (int)finish(sim, r);
}

static int truncate_locked(struct logstore_sim *sim, int fd, uint64_t size)
{
	const struct sim_descriptor *d = descriptor(sim, fd);

	if (size > INT64_MAX)
		return -EINVAL;
	if (!d)
		return -EBADF;
	if (!d->writable)
		return -EINVAL;
	if (size > LS_SIM_FILE_SIZE_MAX)
		return -EFBIG;
	content_resize(d->inode, size);
	touch(sim, d->inode);
	return 0;
}

static int sim_truncate(void *ctx, int fd, uint64_t size)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_TRUNCATE);

	if (r == 0)
		r = truncate_locked(sim, fd, size);
	return (int)finish(sim, r);
}

static int sim_fstat(void *ctx, int fd, struct logstore_io_stat *ret_stat)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_FSTAT);
	const struct sim_descriptor *d = descriptor(sim, fd);

	if (r == 0 && !d)
		r = -EBADF;
	if (r == 0)
		*ret_stat = inode_stat(sim, d->inode);
	return (int)finish(sim, r);
}

static int sim_set_mtime(void *ctx, int fd, int64_t mtime_ms)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_SET_MTIME);
	const struct sim_descriptor *d = descriptor(sim, fd);

	if (r == 0 && !d)
		r = -EBADF;
	if (r == 0)
		d->inode->mtime_ms = mtime_ms;
	return (int)finish(sim, r);
}

static int sim_drop_cache(void *ctx, int fd, uint64_t position, uint64_t size)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_DROP_CACHE);

	(void)size; /* any size is fine, and there is no cache */
	if (r == 0 && position > INT64_MAX)
		r = -EINVAL;
	if (r == 0 && !descriptor(sim, fd))
		r = -EBADF;
	return (int)finish(sim, r);
}

static int lock_locked(struct logstore_sim *sim, int fd)
{
	const struct sim_descriptor *d = descriptor(sim, fd);

	if (!d || !d->writable)
		return -EBADF;
	if (d->inode->lock_fd >= 0 && d->inode->lock_fd != fd)
		return -EAGAIN;
	d->inode->lock_fd = fd;
	return 0;
}

static int sim_lock(void *ctx, int fd)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_LOCK);

	if (r == 0)
		r = lock_locked(sim, fd);
	return (int)finish(sim, r);
}

/* ---- operations on names ------------------------------------------------------------------------------ */

static int sim_stat(void *ctx, const char *path, struct logstore_io_stat *ret_stat)
{
	struct logstore_sim *sim = ctx;
	struct sim_target target;
	int r = begin(sim, LOGSTORE_IO_OP_STAT);

	if (r == 0)
		r = resolve_existing(sim, path, &target);
	if (r == 0)
		*ret_stat = inode_stat(sim, target.inode);
	return (int)finish(sim, r);
}

/* Whether `from` may take the place that `to` names; `to` need not be there. */
static int check_rename(const struct sim_target *from, const struct sim_target *to)
{
	if (!from->directory || !to->directory)
		return -EBUSY;
	if (!from->inode)
		return -ENOENT;
	if (!is_directory(from->inode) && (from->slash || to->slash))
		return -ENOTDIR;
	if (is_directory(from->inode) && is_within(to->directory, from->inode))
		return -EINVAL;
	if (!to->inode || to->inode == from->inode)
		return 0;
	if (is_directory(to->inode) && is_within(from->directory, to->inode))
		return -ENOTEMPTY;
	if (is_directory(from->inode) && !is_directory(to->inode))
		return -ENOTDIR;
	if (!is_directory(from->inode) && is_directory(to->inode))
		return -EISDIR;
	return to->inode->entry_count > 0 ? -ENOTEMPTY : 0;
}

static int rename_locked(struct logstore_sim *sim, const char *from_path, const char *to_path)
{
	struct sim_target from, to;
	int r = resolve(sim, from_path, &from);

	if (r < 0)
		return r;
	r = resolve(sim, to_path, &to);
	if (r < 0)
		return r;
	r = check_rename(&from, &to);
	if (r < 0 || from.inode == to.inode)
		return r;
	/* For a moment it has both names, so that it is never without one. */
	if (to.inode) {
		entry_redirect(sim, to.directory, to.name, from.inode);
	} else {
		r = entry_add(sim, to.directory, to.name, from.inode);
		if (r < 0)
			return r;
	}
	entry_remove(sim, from.directory, from.name);
	return 0;
}

static int sim_rename(void *ctx, const char *from, const char *to)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_RENAME);

	if (r == 0)
		r = rename_locked(sim, from, to);
	return (int)finish(sim, r);
}

static int unlink_locked(struct logstore_sim *sim, const char *path)
{
	struct sim_target target;
	int r = resolve_existing(sim, path, &target);

	if (r < 0)
		return r;
	if (is_directory(target.inode))
		return -EISDIR;
	entry_remove(sim, target.directory, target.name);
	return 0;
}

static int sim_unlink(void *ctx, const char *path)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_UNLINK);

	if (r == 0)
		r = unlink_locked(sim, path);
	return (int)finish(sim, r);
}

static int mkdir_locked(struct logstore_sim *sim, const char *path)
{
	struct sim_target target;
	struct sim_inode *inode;
	int r = resolve(sim, path, &target);

	if (r < 0)
		return r;
	if (target.inode)
		return -EEXIST;
	return create(sim, &target, LOGSTORE_IO_DIRECTORY, &inode);
}

static int sim_mkdir(void *ctx, const char *path)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_MKDIR);

	if (r == 0)
		r = mkdir_locked(sim, path);
	return (int)finish(sim, r);
}

static int rmdir_locked(struct logstore_sim *sim, const char *path)
{
	struct sim_target target;
	int r = resolve_existing(sim, path, &target);

	if (r < 0)
		return r;
	if (!is_directory(target.inode))
		return -ENOTDIR;
	if (target.inode == sim->root)
		return -EBUSY;
	if (!target.directory)
		return strcmp(target.name, ".") == 0 ? -EINVAL : -ENOTEMPTY;
	if (target.inode->entry_count > 0)
		return -ENOTEMPTY;
	entry_remove(sim, target.directory, target.name);
	return 0;
}

static int sim_rmdir(void *ctx, const char *path)
{
	struct logstore_sim *sim = ctx;
	int r = begin(sim, LOGSTORE_IO_OP_RMDIR);

	if (r == 0)
		r = rmdir_locked(sim, path);
	return (int)finish(sim, r);
}

/* The names of a directory, one after the other with their terminators, in memory of the caller's to free. */
static int copy_names(struct logstore_sim *sim, const char *path, char **ret_names, size_t *ret_size)
{
	struct sim_inode *directory;
	size_t size = 0;
	char *names, *p;
	int r = resolve_directory(sim, path, &directory);

	if (r < 0)
		return r;
	for (size_t i = 0; i < directory->entry_count; i++)
		size += strlen(directory->entries[i].name) + 1;
	names = malloc(size > 0 ? size : 1);
	if (!names)
		return -ENOMEM;
	p = names;
	for (size_t i = 0; i < directory->entry_count; i++)
		p = stpcpy(p, directory->entries[i].name) + 1;
	*ret_names = names;
	*ret_size = size;
	return 0;
}

static int sim_list(void *ctx, const char *path, logstore_io_list_fn fn, void *arg)
{
	struct logstore_sim *sim = ctx;
	char *names = NULL;
	size_t size = 0;
	int r = begin(sim, LOGSTORE_IO_OP_LIST);

	if (r == 0)
		r = copy_names(sim, path, &names, &size);
	r = (int)finish(sim, r);
	for (size_t i = 0; i < size && r == 0; i += strlen(names + i) + 1)
		r = fn(arg, names + i);
	free(names);
	return r;
}

static int sim_sync_dir(void *ctx, const char *path)
{
	struct logstore_sim *sim = ctx;
	struct sim_inode *directory;
	int r = begin(sim, LOGSTORE_IO_OP_SYNC_DIR);

	if (r == 0)
		r = resolve_directory(sim, path, &directory);
	return (int)finish(sim, r);
}

/* ---- the simulation as a whole ------------------------------------------------------------------------ */

static const struct logstore_io table = {
	.size = sizeof table,
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.pread = sim_pread,
	.pwritev = sim_pwritev,
	.datasync = sim_datasync,
	.truncate = sim_truncate,
	.fstat = sim_fstat,
	.stat = sim_stat,
	.set_mtime = sim_set_mtime,
	.drop_cache = sim_drop_cache,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.mkdir = sim_mkdir,
	.rmdir = sim_rmdir,
	.list = sim_list,
	.sync_dir = sim_sync_dir,
	.lock = sim_lock,
};

int ls_sim_new(uint64_t seed, struct logstore_sim **ret_sim)
{
	struct logstore_sim *sim = calloc(1, sizeof *sim);

	if (!sim)
		return -ENOMEM;
	sim->io = table;
	sim->io.ctx = sim;
	sim->random_state = seed;
	sim->uid = geteuid();
	sim->root = inode_new(sim, LOGSTORE_IO_DIRECTORY);
	if (!sim->root || ls_mutex_init(&sim->mutex) < 0) {
		free(sim->root);
		free(sim);
		return -ENOMEM;
	}
	sim->root->parent = sim->root;
	sim->root->links = 1; /* I3 */
	*ret_sim = sim;
	return 0;
}

struct logstore_sim *ls_sim_free(struct logstore_sim *sim)
{
	if (!sim)
		return NULL;
	while (sim->inodes) {
		LS_ASSERT(!sim->inodes->previous);
		inode_free(sim, sim->inodes);
	}
	free(sim->descriptors);
	ls_mutex_fini(&sim->mutex);
	free(sim);
	return NULL;
}

const struct logstore_io *ls_sim_io(struct logstore_sim *sim)
{
	return &sim->io;
}

void ls_sim_fail_nth(struct logstore_sim *sim, uint64_t countdown, int error, uint32_t op_mask)
{
	LS_ASSERT(error >= 0);
	ls_mutex_lock(&sim->mutex);
	sim->fault = (struct sim_fault){.countdown = countdown, .error = error, .op_mask = op_mask};
	ls_mutex_unlock(&sim->mutex);
}

void ls_sim_short_transfers(struct logstore_sim *sim, uint32_t one_in)
{
	ls_mutex_lock(&sim->mutex);
	sim->short_one_in = one_in;
	ls_mutex_unlock(&sim->mutex);
}

/* Looking takes the mutex too. Every simulation comes from ls_sim_new(), so none is really constant. */
static struct logstore_sim *lock_for_reading(const struct logstore_sim *sim)
{
	struct logstore_sim *locked = (struct logstore_sim *)(uintptr_t)sim;

	ls_mutex_lock(&locked->mutex);
	return locked;
}

bool ls_sim_fault_pending(const struct logstore_sim *sim)
{
	struct logstore_sim *locked = lock_for_reading(sim);

	return finish(locked, locked->fault.countdown > 0);
}

uint64_t ls_sim_operations(const struct logstore_sim *sim, int op)
{
	struct logstore_sim *locked = lock_for_reading(sim);
	uint64_t count = 0;

	for (int i = 0; i < OP_COUNT; i++) {
		if (op == -1 || op == i)
			count += locked->operations[i];
	}
	ls_mutex_unlock(&locked->mutex);
	return count;
}

uint64_t ls_sim_open_descriptors(const struct logstore_sim *sim)
{
	struct logstore_sim *locked = lock_for_reading(sim);
	uint64_t count = locked->open_count;

	ls_mutex_unlock(&locked->mutex);
	return count;
}
