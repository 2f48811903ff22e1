/*
 * From offsets and times to positions. Index entries are hints: what an entry points to must be what it
 * names, else the walk begins at the front.
 *
 * An offset index entry (O, P) says that an append begins at byte P and that O is the last offset of its
 * last batch. Since Kafka 4.0 every batch counts as one; before, an append of several batches (a follower
 * made nearly all like that) had one entry for all.
 */
#include <errno.h>

#include "base/crc.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/batch.h"
#include "segment/segment.h"

static int compare_offset(const uint8_t *entry, int64_t target)
{
	struct ls_offset_entry e;

	/* Searches use relative offsets; a damaged entry counts as above everything. */
	if (ls_offset_entry_read(entry, 0, &e, NULL) < 0)
		return 1;
	return (e.offset > target) - (e.offset < target);
}

static int compare_position(const uint8_t *entry, int64_t target)
{
	struct ls_offset_entry e;

	if (ls_offset_entry_read(entry, 0, &e, NULL) < 0)
		return 1;
	return ((int64_t)e.position > target) - ((int64_t)e.position < target);
}

static int compare_timestamp(const uint8_t *entry, int64_t target)
{
	struct ls_time_entry e;

	if (ls_time_entry_read(entry, 0, &e, NULL) < 0)
		return 1;
	return (e.timestamp > target) - (e.timestamp < target);
}

/* A search whose index got shorter meanwhile found nothing. */
static int search(struct ls_index_file *index, ls_index_compare_fn compare, int64_t target, uint64_t *ret_at,
                  uint8_t *ret_entry)
{
	int r = ls_index_file_search(index, ls_index_file_count(index), compare, target, ret_at, ret_entry);

	return r == -ENODATA ? 0 : r;
}

/* The greatest offset index entry at or below `offset`. Returns 1, 0 or -errno. */
static int offset_hint(struct ls_segment *seg, int64_t offset, struct ls_offset_entry *ret_entry)
{
	uint8_t bytes[LS_OFFSET_ENTRY_SIZE];
	uint64_t at;
	int r;

	r = search(&seg->offset_index, compare_offset, offset - seg->base, &at, bytes);
	if (r <= 0)
		return r;
	return ls_offset_entry_read(bytes, seg->base, ret_entry, NULL) < 0 ? 0 : 1;
}

/*
 * Whether a batch of the segment begins where an entry points, and one in a row with it ends with the
 * offset the entry names. Damage met on the way is the entry's: the walk from the front will tell whether
 * the log is whole.
 */
static bool entry_holds(struct ls_walk *walk, const struct ls_offset_entry *entry)
{
	struct logstore_batch_info info = {0};
	int64_t lowest = walk->seg->base;
	uint64_t position;

	do {
		if (ls_walk_next(walk, &info, &position, NULL) != 1 || info.base_offset < lowest)
			return false;
		lowest = info.last_offset;
	} while (info.last_offset < entry->offset);
	return info.last_offset == entry->offset;
}

/* Starts a walk where the hint leads, or at the front if the hint is wrong. */
static void walk_from_hint(struct ls_walk *walk, struct ls_segment *seg, const struct ls_offset_entry *hint,
                           uint64_t end)
{
	ls_walk_init(walk, seg, hint->position, end);
	if (entry_holds(walk, hint))
		walk->position = hint->position; /* what was read stays in its buffer */
	else
		ls_walk_init(walk, seg, 0, end);
}

static int start_walk(struct ls_walk *walk, struct ls_segment *seg, int64_t offset, uint64_t end)
{
	struct ls_offset_entry hint;
	int r;

	r = offset > seg->base ? offset_hint(seg, offset, &hint) : 0;
	if (r < 0)
		return r;
	if (r == 0)
		ls_walk_init(walk, seg, 0, end);
	else
		walk_from_hint(walk, seg, &hint, end);
	return 0;
}

static int read_error(struct ls_segment *seg, int code, const char *ending, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	ls_segment_path(seg, ending, path);
	return ls_error_io(ret_error, code, "cannot read", path);
}

/* The first batch of a walk whose last offset is at or above `offset`. */
static int find_in_walk(struct ls_walk *walk, int64_t offset, struct logstore_batch_info *ret_info,
                        uint64_t *ret_position, struct logstore_error *ret_error)
{
	struct logstore_batch_info info;
	uint64_t position;
	int r;

	while ((r = ls_walk_next(walk, &info, &position, ret_error)) == 1) {
		if (info.last_offset >= offset) {
			*ret_info = info;
			*ret_position = position;
			return 1;
		}
	}
	return r;
}

int ls_segment_find(struct ls_segment *seg, int64_t offset, uint64_t end,
                    struct logstore_batch_info *ret_info, uint64_t *ret_position,
                    struct logstore_error *ret_error)
{
	struct ls_walk walk;
	int r;

	r = start_walk(&walk, seg, offset, end);
	if (r < 0)
		return read_error(seg, r, ".index", ret_error);
	return find_in_walk(&walk, offset, ret_info, ret_position, ret_error);
}

int ls_segment_find_from(struct ls_segment *seg, uint64_t position, int64_t offset, uint64_t end,
                         struct logstore_batch_info *ret_info, uint64_t *ret_position,
                         struct logstore_error *ret_error)
{
	struct ls_walk walk;

	ls_walk_init(&walk, seg, position, end);
	return find_in_walk(&walk, offset, ret_info, ret_position, ret_error);
}

/* Entries at the end of an index that Kafka probes first, to keep their pages warm. */
#define WARM_ENTRIES 1024u

/*
 * Kafka's search for the first entry at or behind a position, probe by probe: an entry exactly there is
 * the answer if a probe hits it, else the one after it is. Either bound is right (a higher one only lists
 * aborted transactions that begin behind the read); following the same probes gives the same lists.
 * Returns 1 with its index, 0 if there is none, or -errno.
 */
static int probe_upper_bound(struct ls_segment *seg, uint64_t count, int64_t position, uint64_t *ret_at)
{
	uint64_t warm = count - 1 > WARM_ENTRIES ? count - 1 - WARM_ENTRIES : 0;
	uint64_t low = 0, high = warm;
	uint8_t bytes[LS_OFFSET_ENTRY_SIZE];
	int r;

	r = ls_index_file_get(&seg->offset_index, warm, bytes);
	if (r < 0)
		return r;
	if (compare_position(bytes, position) < 0) {
		low = warm;
		high = count - 1;
	} else {
		r = ls_index_file_get(&seg->offset_index, 0, bytes);
		if (r < 0)
			return r;
		if (compare_position(bytes, position) > 0) {
			*ret_at = 0;
			return 1;
		}
	}
	while (low < high) {
		uint64_t middle = high - (high - low) / 2;
		int order;

		r = ls_index_file_get(&seg->offset_index, middle, bytes);
		if (r < 0)
			return r;
		order = compare_position(bytes, position);
		if (order == 0) {
			*ret_at = middle;
			return 1;
		}
		if (order > 0)
			high = middle - 1;
		else
			low = middle;
	}
	*ret_at = low + 1;
	return low + 1 < count;
}

int ls_segment_upper_bound(struct ls_segment *seg, uint64_t position, int64_t *ret_offset)
{
	uint64_t count = ls_index_file_count(&seg->offset_index), at;
	uint8_t bytes[LS_OFFSET_ENTRY_SIZE];
	struct ls_offset_entry entry;
	struct ls_walk walk;
	int r;

	if (count == 0)
		return 0;
	r = probe_upper_bound(seg, count, (int64_t)position, &at);
	if (r == 1)
		r = ls_index_file_get(&seg->offset_index, at, bytes);
	else if (r == 0)
		return 0;
	if (r < 0)
		return r == -ENODATA ? 0 : r; /* shorter by now: as if there were no entry */
	/* A bound that is too low would hide aborted transactions (S2). */
	if (ls_offset_entry_read(bytes, seg->base, &entry, NULL) < 0 || entry.position < position)
		return 0;
	ls_walk_init(&walk, seg, entry.position, atomic_load(&seg->size));
	if (!entry_holds(&walk, &entry))
		return 0;
	*ret_offset = entry.offset;
	return 1;
}

int ls_segment_follow_time_entry(struct ls_segment *seg, const struct ls_time_entry *entry, uint64_t end,
                                 uint64_t *ret_position)
{
	struct logstore_batch_info info;
	uint64_t position;
	int r;

	r = ls_segment_find(seg, entry->offset, end, &info, &position, NULL);
	if (r <= 0)
		return r > -4096 ? r : 0;
	/* The offset is the batch's last one; Kafka before 4.0 also wrote that of a record inside. */
	if (info.max_timestamp != entry->timestamp || (info.magic == 2 && info.base_offset > entry->offset))
		return 0;
	*ret_position = position;
	return 1;
}

int ls_segment_time_position(struct ls_segment *seg, int64_t timestamp, int64_t start_offset, uint64_t end,
                             uint64_t *ret_position, struct logstore_error *ret_error)
{
	uint8_t bytes[LS_TIME_ENTRY_SIZE];
	struct ls_time_entry entry;
	struct ls_walk walk;
	uint64_t at, position;
	int r;

	/*
	 * Below the timestamp, not at it: where several batches have the same one, an entry can be wrong
	 * about which was the first, and its batch would not tell.
	 */
	r = timestamp > INT64_MIN ? search(&seg->time_index, compare_timestamp, timestamp - 1, &at, bytes)
	                          : 0;
	if (r < 0)
		return read_error(seg, r, ".timeindex", ret_error);
	/* An entry that lies would leave records out; one below start_offset is of no use. */
	if (r == 1 && ls_time_entry_read(bytes, seg->base, &entry, NULL) == 0 &&
	    entry.offset >= start_offset) {
		r = ls_segment_follow_time_entry(seg, &entry, end, &position);
		if (r < 0)
			return read_error(seg, r, ".log", ret_error);
		if (r == 1) {
			*ret_position = position;
			return 0;
		}
	}
	r = start_walk(&walk, seg, start_offset, end);
	if (r < 0)
		return read_error(seg, r, ".index", ret_error);
	*ret_position = walk.position;
	return 0;
}

/* ---- the end of a log that was not written through this object ---------------------------------------- */

/* Last entry of an index whose batch lies before `end`. Returns 1, 0 or -errno. */
static int last_offset_hint(struct ls_segment *seg, uint64_t end, struct ls_offset_entry *ret_entry)
{
	uint8_t bytes[LS_OFFSET_ENTRY_SIZE];
	uint64_t at;
	int r;

	if (end == 0)
		return 0;
	r = search(&seg->offset_index, compare_position, (int64_t)end - 1, &at, bytes);
	if (r <= 0)
		return r;
	return ls_offset_entry_read(bytes, seg->base, ret_entry, NULL) < 0 ? 0 : 1;
}

/* CRC of one batch, read piece by piece. Returns 1 if it is right, 0 if not, or -errno. */
static int crc_matches(struct ls_segment *seg, uint64_t position, const struct logstore_batch_info *info)
{
	uint64_t end = position + info->size;
	uint64_t at = position + ls_batch_crc_start(info->magic);
	size_t room = 64 * 1024;
	uint8_t *buffer;
	uint32_t crc = 0;
	int r = 0;

	if (info->magic < 2)
		return 1; /* legacy messages are not written any more: no tail of theirs is in doubt */
	buffer = ls_alloc(seg->env, room);
	if (!buffer)
		return -ENOMEM;
	while (at < end && r == 0) {
		size_t n = end - at < room ? (size_t)(end - at) : room;

		r = ls_segment_read(seg, at, buffer, n);
		if (r == 0)
			crc = ls_crc32c(crc, buffer, n);
		at += n;
	}
	(void)ls_free(seg->env, buffer);
	if (r < 0)
		return r;
	return crc == info->crc ? 1 : 0;
}

static int unclean_tail(struct ls_segment *seg, uint64_t position, const char *what,
                        struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];

	ls_segment_path(seg, ".log", path);
	return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, path, (int64_t)position, "%s", what);
}

/* What the walk over a tail has met. */
struct tail_walk {
	struct ls_tail tail;
	struct ls_tail before; /* the tail without its last batch */
	struct logstore_batch_info last;
	uint64_t last_position;
	uint64_t count;
};

/* Why a batch cannot stand behind the tail, or NULL. */
static const char *misfit(const struct ls_segment *seg, const struct ls_tail *tail,
                          const struct logstore_batch_info *info, bool lenient)
{
	if (info->last_offset < tail->next_offset ||
	    (info->magic == 2 && info->base_offset < tail->next_offset))
		return "offsets go back from one batch to the next";
	if (info->last_offset == INT64_MAX)
		return "no offset can follow the last one of the batch";
	/* Only a writer cares: it could not make index entries here. */
	if (!lenient && info->last_offset - seg->base > INT32_MAX)
		return "the offset is more than 2^31-1 above the segment's base: the segment must be split";
	return NULL;
}

static void note_tail_batch(struct tail_walk *met, const struct logstore_batch_info *info, uint64_t position)
{
	met->before = met->tail;
	if (info->max_timestamp > met->tail.max_timestamp) {
		met->tail.max_timestamp = info->max_timestamp;
		met->tail.max_timestamp_offset = info->last_offset;
	}
	met->tail.next_offset = info->last_offset + 1;
	met->tail.size = position + info->size;
	met->last = *info;
	met->last_position = position;
	met->count++;
}

/* Walks to where the batches end. Returns 0 or an error; if `lenient`, damage is an end like any other. */
static int walk_tail(struct ls_segment *seg, struct ls_walk *walk, bool lenient, struct tail_walk *met,
                     struct logstore_error *ret_error)
{
	struct logstore_error *detail = lenient ? NULL : ret_error;
	struct logstore_batch_info info;
	uint64_t position;
	int r;

	*met = (struct tail_walk){
		.tail = {.next_offset = seg->base, .max_timestamp = LOGSTORE_NO_TIMESTAMP,
		         .max_timestamp_offset = seg->base},
	};
	while ((r = ls_walk_next(walk, &info, &position, detail)) == 1) {
		const char *why = misfit(seg, &met->tail, &info, lenient);

		if (why) {
			r = unclean_tail(seg, position, why, detail);
			break;
		}
		note_tail_batch(met, &info, position);
	}
	if (!lenient || r == 0)
		return r;
	return r > -4096 ? read_error(seg, r, ".log", ret_error) : 0;
}

/* The last batch has a wrong checksum: the tail ends before it. */
static int drop_last(struct ls_segment *seg, struct tail_walk *met, struct logstore_error *ret_error)
{
	struct ls_walk walk;

	if (met->count > 1) {
		met->tail = met->before;
		return 0;
	}
	/* The walk began with it: only one from the front tells what comes before. */
	ls_walk_init(&walk, seg, 0, met->last_position);
	return walk_tail(seg, &walk, true, met, ret_error);
}

int ls_segment_find_tail(struct ls_segment *seg, uint64_t file_size, bool lenient, struct ls_tail *ret_tail,
                         struct logstore_error *ret_error)
{
	struct ls_offset_entry hint;
	struct tail_walk met;
	struct ls_walk walk;
	int r;

	r = last_offset_hint(seg, file_size, &hint);
	if (r < 0)
		return read_error(seg, r, ".index", ret_error);
	if (r == 1)
		walk_from_hint(&walk, seg, &hint, file_size);
	else
		ls_walk_init(&walk, seg, 0, file_size);
	r = walk_tail(seg, &walk, lenient, &met, ret_error);
	if (r < 0)
		return r;
	r = met.count > 0 ? crc_matches(seg, met.last_position, &met.last) : 1;
	if (r == 0 && !lenient)
		return unclean_tail(seg, met.last_position, "the last batch has a wrong checksum", ret_error);
	if (r < 0)
		return read_error(seg, r, ".log", ret_error);
	if (r == 0) {
		r = drop_last(seg, &met, ret_error);
		if (r < 0)
			return r;
	}
	met.tail.exact = met.tail.size == file_size;
	*ret_tail = met.tail;
	return 0;
}
