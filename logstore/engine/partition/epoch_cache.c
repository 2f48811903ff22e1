/*
 * The table of leader epochs: a sorted array, because it grows by one entry per change of leader and is
 * shortened at either end. Invariant: epochs and start offsets are 0 or more, and both strictly increase.
 * Threads: the partition's lock covers it. Failure: out of memory only, and then nothing has changed.
 */
#include "partition/epoch_cache.h"

#include <errno.h>
#include <inttypes.h>

#include "base/assert.h"
#include "base/mem.h"
#include "format/checkpoint.h"

#define FIRST_CAPACITY 8u

void ls_epoch_cache_init(struct ls_epoch_cache *cache, const struct ls_env *env)
{
	*cache = (struct ls_epoch_cache){.env = env};
}

void ls_epoch_cache_fini(struct ls_epoch_cache *cache)
{
	if (cache->env)
		(void)ls_free(cache->env, cache->entries);
	*cache = (struct ls_epoch_cache){.env = cache->env};
}

int ls_epoch_cache_reserve(struct ls_epoch_cache *cache, size_t extra)
{
	struct ls_epoch *entries;
	size_t want, capacity;

	LS_ASSERT(cache->env != NULL);
	if (extra <= cache->capacity - cache->count)
		return 0;
	if (__builtin_add_overflow(cache->count, extra, &want))
		return -ENOMEM;
	capacity = cache->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : cache->capacity + cache->capacity / 2;
	if (capacity < want)
		capacity = want;
	entries = ls_realloc(cache->env, cache->entries, capacity, sizeof *entries);
	if (!entries)
		return -ENOMEM;
	cache->entries = entries;
	cache->capacity = capacity;
	return 0;
}

int ls_epoch_cache_copy(const struct ls_epoch_cache *cache, struct ls_epoch_cache *ret_copy)
{
	int r;

	ls_epoch_cache_init(ret_copy, cache->env);
	r = ls_epoch_cache_reserve(ret_copy, cache->count);
	if (r < 0)
		return r;
	if (cache->count > 0)
		memcpy(ret_copy->entries, cache->entries, cache->count * sizeof *cache->entries);
	ret_copy->count = cache->count;
	return 0;
}

static int add_line(void *arg, uint64_t line, int32_t epoch, int64_t start_offset)
{
	struct ls_epoch_cache *cache = arg;
	int r;

	(void)line; /* the parser has checked the order of the lines */
	r = ls_epoch_cache_reserve(cache, 1);
	if (r < 0)
		return r;
	cache->entries[cache->count++] = (struct ls_epoch){.epoch = epoch, .start_offset = start_offset};
	return 0;
}

int ls_epoch_cache_parse(struct ls_epoch_cache *cache, const char *text, size_t size,
                         struct logstore_error *ret_error)
{
	struct ls_epoch_cache fresh;
	int r;

	ls_epoch_cache_init(&fresh, cache->env);
	r = ls_epoch_checkpoint_parse(text, size, add_line, &fresh, ret_error);
	if (r < 0) {
		ls_epoch_cache_fini(&fresh);
		return r;
	}
	ls_epoch_cache_fini(cache);
	*cache = fresh;
	return 0;
}

int ls_epoch_cache_write(const struct ls_epoch_cache *cache, struct ls_buf *out)
{
	size_t size_before = out->size;
	int r = ls_checkpoint_write_head(out, cache->count);

	for (size_t i = 0; r == 0 && i < cache->count; i++)
		r = ls_buf_printf(out, "%" PRId32 " %" PRId64 "\n", cache->entries[i].epoch,
		                  cache->entries[i].start_offset);
	if (r < 0)
		out->size = size_before; /* no half a file behind what the buffer had */
	return r;
}

bool ls_epoch_cache_would_assign(const struct ls_epoch_cache *cache, int32_t epoch, int64_t offset)
{
	const struct ls_epoch *latest;

	if (cache->count == 0)
		return true;
	latest = &cache->entries[cache->count - 1];
	return latest->epoch != epoch || latest->start_offset > offset;
}

int ls_epoch_cache_assign(struct ls_epoch_cache *cache, int32_t epoch, int64_t offset)
{
	size_t kept = cache->count;

	LS_ASSERT(epoch >= 0);
	LS_ASSERT(offset >= 0);
	if (!ls_epoch_cache_would_assign(cache, epoch, offset))
		return 0;
	while (kept > 0 &&
	       (cache->entries[kept - 1].epoch >= epoch || cache->entries[kept - 1].start_offset >= offset))
		kept--;
	if (kept == cache->capacity) {
		int r = ls_epoch_cache_reserve(cache, 1);

		if (r < 0)
			return r;
	}
	cache->entries[kept] = (struct ls_epoch){.epoch = epoch, .start_offset = offset};
	cache->count = kept + 1;
	return 1;
}

int32_t ls_epoch_cache_latest(const struct ls_epoch_cache *cache)
{
	return cache->count > 0 ? cache->entries[cache->count - 1].epoch : LOGSTORE_NO_EPOCH;
}

/* Number of entries that start at or below an offset. They are the first ones. */
static size_t started_at(const struct ls_epoch_cache *cache, int64_t offset)
{
	size_t low = 0, high = cache->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cache->entries[middle].start_offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int32_t ls_epoch_cache_of_offset(const struct ls_epoch_cache *cache, int64_t offset)
{
	size_t started = started_at(cache, offset);

	return started > 0 ? cache->entries[started - 1].epoch : LOGSTORE_NO_EPOCH;
}

/* Index of the first entry above an epoch, or the number of entries. */
static size_t first_above(const struct ls_epoch_cache *cache, int32_t epoch)
{
	size_t low = 0, high = cache->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cache->entries[middle].epoch <= epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void ls_epoch_cache_end_offset(const struct ls_epoch_cache *cache, int32_t epoch, int64_t log_end,
                               int32_t *ret_epoch, int64_t *ret_end_offset)
{
	size_t above = first_above(cache, epoch);

	*ret_epoch = LOGSTORE_NO_EPOCH;
	*ret_end_offset = LOGSTORE_NO_OFFSET;
	if (epoch == LOGSTORE_NO_EPOCH)
		return;
	if (above < cache->count) {
		/* Below the first entry the asked epoch is answered as it is: its records are gone. */
		*ret_epoch = above > 0 ? cache->entries[above - 1].epoch : epoch;
		*ret_end_offset = cache->entries[above].start_offset;
	} else if (above > 0 && cache->entries[above - 1].epoch == epoch) {
		*ret_epoch = epoch;
		*ret_end_offset = log_end;
	}
}

bool ls_epoch_cache_truncate_from_end(struct ls_epoch_cache *cache, int64_t offset)
{
	size_t kept = offset > 0 ? started_at(cache, offset - 1) : 0;

	if (offset < 0 || kept == cache->count)
		return false;
	cache->count = kept;
	return true;
}

bool ls_epoch_cache_truncate_from_start(struct ls_epoch_cache *cache, int64_t offset)
{
	size_t started = started_at(cache, offset);
	bool changed;

	if (started == 0)
		return false;
	/* The last of them is the epoch of `offset`; it now starts there. */
	changed = started > 1 || cache->entries[0].start_offset != offset;
	memmove(cache->entries, cache->entries + (started - 1),
	        (cache->count - (started - 1)) * sizeof *cache->entries);
	cache->count -= started - 1;
	cache->entries[0].start_offset = offset;
	return changed;
}

void ls_epoch_cache_clear(struct ls_epoch_cache *cache)
{
	cache->count = 0;
}
