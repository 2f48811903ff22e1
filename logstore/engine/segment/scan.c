/*
 * Happy path: a window of 256 KiB slides over the file; batches inside it are checked in place. A larger
 * batch is checked piece by piece, or, if its records are wanted, the window grows to it (up to
 * max_batch_bytes).
 *
 * Where the bytes make no sense the scan ends, or, with skip_damaged, looks for the next byte from which a
 * whole batch with a right checksum begins. It also looks inside a batch with a wrong checksum unless what
 * follows continues it: the length is outside the checksum, and a wrong one would swallow whole batches.
 * All searches of a scan share one budget of bytes to look at, so that no content makes it slow.
 */
#include "segment/scan.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/batch.h"
#include "format/record_reader.h"
#include "io/io.h"

#define WINDOW_SIZE (256u * 1024)
/* How often searches may look at every byte, on average: once to find headers, the rest for checksums. */
#define SEARCH_SHARE 4u

struct logstore_scan {
	struct ls_env env;
	char *path;
	int fd;
	struct logstore_scan_options options;
	uint64_t position;         /* of the next item */
	uint64_t end;
	int64_t next_offset;       /* lowest base offset that continues what was met */
	uint64_t search_budget;    /* bytes that searches may still look at */
	int8_t magic;              /* of the last whole batch: formats only go up */
	bool done;

	struct ls_buf window;      /* bytes from window_position on */
	uint64_t window_position;

	struct ls_record_reader *reader;
	bool in_batch;             /* the reader is on the batch met last */
	int record_error;          /* why its records cannot be read, or 0 */
	uint64_t batch_position;
	int64_t batch_offset;
};

int ls_scan_open(const struct ls_env *env, const char *path, const struct logstore_scan_options *options,
                 logstore_scan **ret_scan, struct logstore_error *ret_error)
{
	logstore_scan *scan = ls_calloc(env, 1, sizeof *scan);
	struct logstore_io_stat st;
	int r;

	if (!scan)
		return -ENOMEM;
	scan->env = *env;
	scan->options = *options;
	scan->position = options->position;
	scan->next_offset = INT64_MIN;
	scan->fd = -1;
	ls_buf_init(&scan->window, &scan->env);
	scan->path = ls_strdup(&scan->env, path);
	r = scan->path ? ls_record_reader_new(&scan->env, options->max_decompressed_bytes, &scan->reader)
	               : -ENOMEM;
	if (r == 0)
		r = ls_buf_reserve(&scan->window, WINDOW_SIZE);
	if (r < 0) {
		(void)ls_scan_close(scan);
		return r;
	}
	r = env->io->open(env->io->ctx, path, LOGSTORE_IO_READ, &scan->fd);
	if (r == 0)
		r = env->io->fstat(env->io->ctx, scan->fd, &st);
	if (r < 0) {
		(void)ls_scan_close(scan);
		return ls_error_io(ret_error, r, "cannot open", path);
	}
	scan->end = st.size < options->end_position ? st.size : options->end_position;
	if (scan->position > scan->end)
		scan->position = scan->end;
	scan->search_budget = (scan->end - scan->position) * SEARCH_SHARE + WINDOW_SIZE;
	*ret_scan = scan;
	return 0;
}

logstore_scan *ls_scan_close(logstore_scan *scan)
{
	struct ls_env env;

	if (!scan)
		return NULL;
	env = scan->env;
	if (scan->fd >= 0)
		(void)env.io->close(env.io->ctx, scan->fd); /* only read from */
	(void)ls_record_reader_free(scan->reader);
	ls_buf_fini(&scan->window);
	(void)ls_free(&env, scan->path);
	return ls_free(&env, scan);
}

/* ---- the window ------------------------------------------------------------------------------------------ */

/*
 * Makes [at, at + need) available, as far as the file goes. Returns 0 with the bytes and how many there
 * are (more than needed if the window has them), or an error.
 */
static int window(logstore_scan *scan, uint64_t at, size_t need, const uint8_t **ret_bytes, size_t *ret_size,
                  struct logstore_error *ret_error)
{
	uint64_t left = scan->end - at;
	size_t want = need, n;
	int r;

	if (want > left)
		want = (size_t)left;
	if (at < scan->window_position || at - scan->window_position > scan->window.size ||
	    want > scan->window.size - (size_t)(at - scan->window_position)) {
		size_t room = want > WINDOW_SIZE ? want : WINDOW_SIZE;

		if (room > left)
			room = (size_t)left;
		ls_buf_clear(&scan->window);
		r = ls_buf_reserve(&scan->window, room);
		if (r < 0)
			return r;
		r = ls_io_read_full(scan->env.io, scan->fd, scan->window.data, room, at, &n);
		if (r < 0)
			return ls_error_io(ret_error, r, "cannot read", scan->path);
		scan->window_position = at;
		scan->window.size = n;
	}
	*ret_bytes = scan->window.data + (at - scan->window_position);
	*ret_size = scan->window.size - (size_t)(at - scan->window_position);
	return 0;
}

static int got_shorter(const logstore_scan *scan, struct logstore_error *ret_error)
{
	return ls_error_io(ret_error, -EIO, "the file got shorter while it was read", scan->path);
}

/* All the bytes of a batch. Returns 0 or an error. */
static int whole_window(logstore_scan *scan, uint64_t at, uint32_t size, const uint8_t **ret_bytes,
                        struct logstore_error *ret_error)
{
	size_t have;
	int r = window(scan, at, size, ret_bytes, &have, ret_error);

	if (r < 0)
		return r;
	return have < size ? got_shorter(scan, ret_error) : 0;
}

/* CRC of a batch, through the window. */
static int crc_by_pieces(logstore_scan *scan, uint64_t position, const struct logstore_batch_info *info,
                         uint32_t *ret_crc, struct logstore_error *ret_error)
{
	uint64_t from = position + ls_batch_crc_start(info->magic), to = position + info->size;
	uint32_t crc = 0;

	while (from < to) {
		size_t want = to - from < WINDOW_SIZE ? (size_t)(to - from) : WINDOW_SIZE, size;
		const uint8_t *bytes;
		int r = window(scan, from, 1, &bytes, &size, ret_error);

		if (r < 0)
			return r;
		if (size == 0)
			return got_shorter(scan, ret_error);
		if (size > want)
			size = want;
		crc = info->magic < 2 ? ls_crc32(crc, bytes, size) : ls_crc32c(crc, bytes, size);
		from += size;
	}
	*ret_crc = crc;
	return 0;
}

/* ---- one batch ------------------------------------------------------------------------------------------- */

static int compute_crc(logstore_scan *scan, uint64_t position, const struct logstore_batch_info *info,
                       uint32_t *ret_crc, struct logstore_error *ret_error)
{
	bool kept = scan->options.read_records && info->size <= scan->options.max_batch_bytes;
	const uint8_t *bytes;
	int r;

	if (info->size > WINDOW_SIZE && !kept)
		return crc_by_pieces(scan, position, info, ret_crc, ret_error);
	r = whole_window(scan, position, info->size, &bytes, ret_error);
	if (r == 0)
		*ret_crc = ls_batch_compute_crc(bytes, info->size);
	return r;
}

/* Readies the records of the batch met. What is wrong with them is told when they are asked for. */
static int prepare_records(logstore_scan *scan, const struct logstore_batch_info *info,
                           struct logstore_error *ret_error)
{
	const uint8_t *bytes;
	int r;

	scan->batch_position = scan->position;
	scan->batch_offset = info->base_offset;
	if (info->size > scan->options.max_batch_bytes) {
		scan->record_error = LOGSTORE_E_LIMIT_EXCEEDED;
		return 0;
	}
	r = whole_window(scan, scan->position, info->size, &bytes, ret_error);
	if (r < 0)
		return r;
	r = ls_record_reader_start(scan->reader, bytes, info->size, NULL);
	if (r == -ENOMEM)
		return r;
	scan->in_batch = r == 0;
	scan->record_error = r;
	return 0;
}

/* Only its content tells where a legacy wrapper begins. What is wrong inside is told by its records. */
static int find_wrapper_base(logstore_scan *scan, struct logstore_scan_item *item,
                             struct logstore_error *ret_error)
{
	struct logstore_record record;
	const uint8_t *bytes;
	int r;

	if (item->info.size > scan->options.max_batch_bytes)
		return 0;
	r = whole_window(scan, scan->position, item->info.size, &bytes, ret_error);
	if (r < 0)
		return r;
	r = ls_record_reader_start(scan->reader, bytes, item->info.size, NULL);
	if (r == 0)
		r = ls_record_reader_next(scan->reader, &record, NULL);
	if (r == -ENOMEM)
		return r;
	if (r == 1)
		item->info.base_offset = record.offset;
	return 0;
}

/* ---- what is no batch ------------------------------------------------------------------------------------- */

/* Whether only zero bytes follow. Returns 1, 0 or an error. */
static int only_zeros(logstore_scan *scan, struct logstore_error *ret_error)
{
	for (uint64_t at = scan->position; at < scan->end;) {
		const uint8_t *bytes;
		size_t size;
		int r = window(scan, at, 1, &bytes, &size, ret_error);

		if (r < 0)
			return r;
		if (size == 0)
			return 0; /* shorter by now: nothing is there */
		for (size_t i = 0; i < size; i++) {
			if (bytes[i] != 0)
				return 0;
		}
		at += size;
	}
	return 1;
}

/* What a search takes for a batch: offsets in [low, high), whole before the end of the file. */
struct wanted {
	int64_t low;
	int64_t high;
};

/* A header that could continue the log; its checksum decides. */
static bool plausible(const logstore_scan *scan, const uint8_t *bytes, size_t size, uint64_t left,
                      const struct wanted *wanted, struct logstore_batch_info *info)
{
	if (size < LS_BATCH_PREFIX_SIZE || bytes[LS_BATCH_MAGIC] > 2 || bytes[LS_BATCH_MAGIC] < scan->magic)
		return false;
	if (ls_batch_info(bytes, size, info, NULL) < 0 || info->size > left)
		return false;
	if (info->base_offset < wanted->low || info->base_offset >= wanted->high || info->leader_epoch < -1)
		return false;
	if (info->magic < 2)
		return info->attributes <= (LS_ATTR_CODEC | LS_ATTR_LOG_APPEND_TIME) &&
		       info->codec <= LOGSTORE_CODEC_LZ4;
	return info->attributes <= LS_ATTR_KNOWN && info->codec <= LOGSTORE_CODEC_ZSTD;
}

/* Whether a wanted batch begins at a byte. Returns 1 with its header, 0 or an error. */
static int batch_at(logstore_scan *scan, uint64_t at, const struct wanted *wanted,
                    struct logstore_batch_info *ret_info, struct logstore_error *ret_error)
{
	struct logstore_batch_info info;
	const uint8_t *bytes;
	uint32_t crc;
	size_t size;
	int r = window(scan, at, LS_BATCH_HEADER_SIZE, &bytes, &size, ret_error);

	if (r < 0)
		return r;
	if (!plausible(scan, bytes, size, scan->end - at, wanted, &info) || info.size > scan->search_budget)
		return 0;
	scan->search_budget -= info.size;
	r = crc_by_pieces(scan, at, &info, &crc, ret_error);
	if (r < 0)
		return r;
	*ret_info = info;
	return crc == info.crc;
}

/* Looks for a batch that begins in [from, to). Returns 1 with its position, 0 if there is none, or an error. */
static int find_batch(logstore_scan *scan, uint64_t from, uint64_t to, const struct wanted *wanted,
                      uint64_t *ret_position, struct logstore_error *ret_error)
{
	for (uint64_t at = from; at < to && scan->search_budget > 0; at++) {
		struct logstore_batch_info info;
		int r = batch_at(scan, at, wanted, &info, ret_error);

		if (r == 1)
			*ret_position = at;
		if (r != 0)
			return r;
		if (scan->search_budget > 0)
			scan->search_budget--;
	}
	return 0;
}

/*
 * Where the scan goes on behind a batch with a wrong checksum. Its length is believed if it leads to a
 * batch that continues it, or if nothing better is found. Returns 0 or an error.
 */
static int find_behind(logstore_scan *scan, const struct logstore_batch_info *info, uint64_t *ret_position,
                       struct logstore_error *ret_error)
{
	uint64_t landing = scan->position + info->size, to = scan->end;
	struct wanted wanted = {.low = scan->next_offset, .high = INT64_MAX};
	struct logstore_batch_info next;
	const uint8_t *bytes;
	size_t size;
	int r;

	*ret_position = landing;
	if (landing == scan->end)
		return 0;
	r = window(scan, landing, LS_BATCH_HEADER_SIZE, &bytes, &size, ret_error);
	if (r < 0)
		return r;
	if (ls_batch_info(bytes, size, &next, NULL) == 0 && next.base_offset > info->last_offset &&
	    next.base_offset - 1 == info->last_offset)
		return 0;
	r = batch_at(scan, landing, &wanted, &next, ret_error);
	if (r == 1) {
		/* Whole, but there is a gap: are the batches that fill it in between? */
		wanted.high = next.base_offset;
		to = landing;
	}
	if (r >= 0)
		r = find_batch(scan, scan->position + 1, to, &wanted, ret_position, ret_error);
	return r < 0 ? r : 0;
}

/*
 * Lowest offset of what follows something that is no batch. If only the length of a header is wrong, what
 * follows is above its offsets; batches below that are the content of its records.
 */
static int64_t lowest_behind(const logstore_scan *scan, const struct logstore_scan_item *item)
{
	const struct logstore_batch_info *info = &item->info;

	if (item->has_info && info->base_offset >= scan->next_offset && info->last_offset < INT64_MAX &&
	    info->attributes <= LS_ATTR_KNOWN && info->codec <= LOGSTORE_CODEC_ZSTD)
		return info->last_offset + 1;
	return scan->next_offset;
}

/* The bytes at hand are no batch: ends the scan, or goes on where the next batch begins. */
static int meet_damage(logstore_scan *scan, struct logstore_scan_item *item, struct logstore_error *ret_error)
{
	struct wanted wanted = {.low = lowest_behind(scan, item), .high = INT64_MAX};
	uint64_t next;
	int r = 0;

	if (scan->options.skip_damaged)
		r = find_batch(scan, scan->position + 1, scan->end, &wanted, &next, ret_error);
	if (r < 0)
		return r;
	if (r == 1) {
		/* Whole batches follow: this is not the end of the log. */
		item->status = LOGSTORE_SCAN_MALFORMED;
		item->info = (struct logstore_batch_info){0};
		item->has_info = false;
		item->size = next - scan->position;
		scan->position = next;
		return 1;
	}
	item->size = scan->end - scan->position;
	scan->position = scan->end;
	scan->done = true;
	return 1;
}

static int meet_zeros(logstore_scan *scan, struct logstore_scan_item *item, struct logstore_error *ret_error)
{
	int r = only_zeros(scan, ret_error);

	if (r < 0)
		return r;
	if (r == 0) {
		item->status = LOGSTORE_SCAN_MALFORMED;
		(void)snprintf(item->text, sizeof item->text,
		               "zero bytes where a batch should begin, data behind them");
		return meet_damage(scan, item, ret_error);
	}
	item->status = LOGSTORE_SCAN_ZEROS;
	item->size = scan->end - scan->position;
	(void)snprintf(item->text, sizeof item->text, "zero bytes up to the end of the file");
	scan->position = scan->end;
	scan->done = true;
	return 1;
}

static int meet_torn(logstore_scan *scan, struct logstore_scan_item *item, const char *why,
                     struct logstore_error *ret_error)
{
	item->status = LOGSTORE_SCAN_TORN;
	(void)snprintf(item->text, sizeof item->text, "%s", why);
	return meet_damage(scan, item, ret_error);
}

static int meet_batch(logstore_scan *scan, const struct logstore_batch_info *info,
                      struct logstore_scan_item *item, struct logstore_error *ret_error)
{
	uint64_t next = scan->position + info->size;
	int r;

	item->info = *info;
	item->has_info = true;
	if (scan->options.check_crc) {
		r = compute_crc(scan, scan->position, info, &item->computed_crc, ret_error);
		if (r < 0)
			return r;
		if (item->computed_crc != info->crc) {
			item->status = LOGSTORE_SCAN_BAD_CRC;
			(void)snprintf(item->text, sizeof item->text, "CRC is %08x, header says %08x",
			               item->computed_crc, info->crc);
		}
	}
	if (info->magic < 2 && info->codec != LOGSTORE_CODEC_NONE && item->status == LOGSTORE_SCAN_OK) {
		r = find_wrapper_base(scan, item, ret_error);
		if (r < 0)
			return r;
	}
	if (item->status == LOGSTORE_SCAN_BAD_CRC && scan->options.skip_damaged) {
		r = find_behind(scan, info, &next, ret_error);
		if (r < 0)
			return r;
	}
	if (scan->options.read_records) {
		r = prepare_records(scan, info, ret_error);
		if (r < 0)
			return r;
	}
	item->size = next - scan->position;
	scan->position = next;
	if (item->status == LOGSTORE_SCAN_OK) {
		scan->next_offset = info->last_offset < INT64_MAX ? info->last_offset + 1 : INT64_MAX;
		scan->magic = info->magic;
	}
	return 1;
}

/* ---- the scan --------------------------------------------------------------------------------------------- */

int ls_scan_next(logstore_scan *scan, struct logstore_scan_item *ret_item, struct logstore_error *ret_error)
{
	struct logstore_scan_item item = {0};
	struct logstore_error detail;
	const uint8_t *bytes;
	size_t size;
	int r;

	scan->in_batch = false;
	scan->record_error = 0;
	if (scan->done || scan->position >= scan->end)
		return 0;
	item.position = scan->position;
	r = window(scan, scan->position, LS_BATCH_HEADER_SIZE, &bytes, &size, ret_error);
	if (r < 0)
		return r;
	if (size < LS_BATCH_PREFIX_SIZE) {
		r = only_zeros(scan, ret_error);
		if (r == 1)
			r = meet_zeros(scan, &item, ret_error);
		else if (r == 0)
			r = meet_torn(scan, &item, "fewer bytes than the header of a batch", ret_error);
	} else if (ls_batch_is_zero(bytes)) {
		r = meet_zeros(scan, &item, ret_error);
	} else {
		r = ls_batch_info(bytes, size, &item.info, &detail);
		if (r == 0 && item.info.size <= scan->end - scan->position) {
			struct logstore_batch_info info = item.info;

			r = meet_batch(scan, &info, &item, ret_error);
		} else if (r == 0) {
			item.has_info = true;
			r = meet_torn(scan, &item, "the batch runs past the end of the file", ret_error);
		} else if (r == -ENODATA) {
			r = meet_torn(scan, &item, "the file ends inside the header of a batch", ret_error);
		} else {
			item.status = LOGSTORE_SCAN_MALFORMED;
			(void)snprintf(item.text, sizeof item.text, "%.*s", (int)sizeof item.text - 1,
			               detail.text);
			item.info = (struct logstore_batch_info){0};
			r = meet_damage(scan, &item, ret_error);
		}
	}
	if (r == 1)
		*ret_item = item;
	return r;
}

int ls_scan_record(logstore_scan *scan, struct logstore_record *ret_record, struct logstore_error *ret_error)
{
	int r;

	if (!scan->in_batch) {
		if (scan->record_error == 0)
			return 0;
		return ls_corrupt(ret_error, scan->record_error, scan->path, (int64_t)scan->batch_position,
		                  "the records of the batch at offset %lld cannot be read: %s",
		                  (long long)scan->batch_offset,
		                  scan->record_error == LOGSTORE_E_LIMIT_EXCEEDED
		                          ? "it is above max_batch_bytes"
		                          : "its codec is unknown");
	}
	r = ls_record_reader_next(scan->reader, ret_record, ret_error);
	if (r < 0 && r != -ENOMEM) {
		if (ret_error)
			ret_error->position = (int64_t)scan->batch_position;
		return ls_error_at(ret_error, r, scan->path, (int64_t)scan->batch_position,
		                   scan->batch_offset);
	}
	return r;
}
