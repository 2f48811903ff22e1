/*
 * Happy path: a window of 256 KiB slides over the file; batches inside it are checked in place. A larger
 * batch is checked piece by piece, or, if its records are wanted, the window grows to it (up to
 * max_batch_bytes).
 *
 * Where the bytes make no sense the scan ends, or, with skip_damaged, looks for the next byte from which a
 * whole batch with a right checksum begins. That search is bounded by a budget of bytes to checksum, so
 * that no content makes it slow.
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

struct logstore_scan {
	struct ls_env env;
	char *path;
	int fd;
	struct logstore_scan_options options;
	uint64_t position;         /* of the next item */
	uint64_t end;
	int64_t next_offset;       /* lowest base offset that continues what was met */
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
	r = scan->path ? ls_record_reader_new(&scan->env, options->max_decompressed_bytes, &scan->reader) : -ENOMEM;
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

/* CRC of [from, to), through the window. */
static int crc_range(logstore_scan *scan, uint64_t from, uint64_t to, uint32_t *ret_crc,
                     struct logstore_error *ret_error)
{
	uint32_t crc = 0;

	while (from < to) {
		size_t want = to - from < WINDOW_SIZE ? (size_t)(to - from) : WINDOW_SIZE, size;
		const uint8_t *bytes;
		int r = window(scan, from, 1, &bytes, &size, ret_error);

		if (r < 0)
			return r;
		if (size == 0)
			return ls_error_io(ret_error, -EIO, "the file got shorter while it was read", scan->path);
		if (size > want)
			size = want;
		crc = ls_crc32c(crc, bytes, size);
		from += size;
	}
	*ret_crc = crc;
	return 0;
}

/* ---- one batch ------------------------------------------------------------------------------------------- */

static int compute_crc(logstore_scan *scan, uint64_t position, const struct logstore_batch_info *info,
                       uint32_t *ret_crc,
                       struct logstore_error *ret_error)
{
	bool fits = info->size <= WINDOW_SIZE || info->size <= scan->options.max_batch_bytes;
	const uint8_t *bytes;
	size_t size;
	int r;

	if (info->magic == 2 && info->size > WINDOW_SIZE && !(scan->options.read_records && fits))
		return crc_range(scan, position + ls_batch_crc_start(2), position + info->size, ret_crc, ret_error);
	if (!fits)
		return ls_corrupt(ret_error, LOGSTORE_E_LIMIT_EXCEEDED, scan->path, (int64_t)position,
		                  "a legacy message of %u bytes is above max_batch_bytes", info->size);
	r = window(scan, position, info->size, &bytes, &size, ret_error);
	if (r < 0)
		return r;
	if (size < info->size)
		return ls_error_io(ret_error, -EIO, "the file got shorter while it was read", scan->path);
	*ret_crc = ls_batch_compute_crc(bytes, info->size);
	return 0;
}

/* Readies the records of the batch met. What is wrong with them is told when they are asked for. */
static int prepare_records(logstore_scan *scan, const struct logstore_batch_info *info,
                           struct logstore_error *ret_error)
{
	const uint8_t *bytes;
	size_t size;
	int r;

	scan->batch_offset = info->base_offset;
	if (info->size > scan->options.max_batch_bytes) {
		scan->record_error = LOGSTORE_E_LIMIT_EXCEEDED;
		return 0;
	}
	r = window(scan, scan->batch_position, info->size, &bytes, &size, ret_error);
	if (r < 0)
		return r;
	r = ls_record_reader_start(scan->reader, bytes, info->size, ret_error);
	if (r == -ENOMEM)
		return r;
	scan->in_batch = r == 0;
	scan->record_error = r;
	return 0;
}

/* Only its content tells where a legacy wrapper begins. What is wrong inside is told by its records. */
static int find_wrapper_base(logstore_scan *scan, struct logstore_scan_item *item, struct logstore_error *ret_error)
{
	struct logstore_record record;
	const uint8_t *bytes;
	size_t size;
	int r;

	r = window(scan, scan->position, item->info.size, &bytes, &size, ret_error);
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

static int meet_batch(logstore_scan *scan, const struct logstore_batch_info *info, struct logstore_scan_item *item,
                      struct logstore_error *ret_error)
{
	int r;

	item->info = *info;
	item->has_info = true;
	item->size = info->size;
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
	scan->batch_position = scan->position;
	if (scan->options.read_records) {
		r = prepare_records(scan, info, ret_error);
		if (r < 0)
			return r;
	}
	scan->position += info->size;
	if (item->status == LOGSTORE_SCAN_OK && info->last_offset < INT64_MAX)
		scan->next_offset = info->last_offset + 1;
	return 1;
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
			break;
		if (size > scan->end - at)
			size = (size_t)(scan->end - at);
		for (size_t i = 0; i < size; i++) {
			if (bytes[i] != 0)
				return 0;
		}
		at += size;
	}
	return 1;
}

/* A header that could continue the log; its checksum decides. */
static bool plausible(const logstore_scan *scan, const uint8_t *bytes, size_t size, uint64_t left,
                      struct logstore_batch_info *info)
{
	if (size < LS_BATCH_HEADER_SIZE || bytes[LS_BATCH_MAGIC] != 2 || bytes[LS_BATCH_ATTRIBUTES] != 0)
		return false;
	if (ls_batch_info(bytes, size, info, NULL) < 0 || info->codec > LOGSTORE_CODEC_ZSTD || info->size > left)
		return false;
	return info->base_offset >= scan->next_offset && info->leader_epoch >= -1 &&
	       info->size <= scan->options.max_batch_bytes;
}

/* Looks for the next whole batch behind `from`. Returns 1 with its position, 0 if there is none, or an error. */
static int find_next_batch(logstore_scan *scan, uint64_t from, uint64_t *ret_position,
                           struct logstore_error *ret_error)
{
	uint64_t budget = (scan->end - from) * 2 + WINDOW_SIZE;

	for (uint64_t at = from; scan->end - at >= LS_BATCH_HEADER_SIZE; at++) {
		struct logstore_batch_info info;
		const uint8_t *bytes;
		uint32_t crc;
		size_t size;
		int r = window(scan, at, LS_BATCH_HEADER_SIZE, &bytes, &size, ret_error);

		if (r < 0)
			return r;
		if (!plausible(scan, bytes, size, scan->end - at, &info))
			continue;
		if (info.size > budget)
			return 0;
		budget -= info.size;
		r = crc_range(scan, at + ls_batch_crc_start(2), at + info.size, &crc, ret_error);
		if (r < 0)
			return r;
		if (crc == info.crc) {
			*ret_position = at;
			return 1;
		}
	}
	return 0;
}

/* The bytes at hand are no batch: ends the scan, or goes on where the next batch begins. */
static int meet_damage(logstore_scan *scan, struct logstore_scan_item *item, struct logstore_error *ret_error)
{
	uint64_t next;
	int r = 0;

	if (scan->options.skip_damaged)
		r = find_next_batch(scan, scan->position + 1, &next, ret_error);
	if (r < 0)
		return r;
	if (r == 1) {
		if (item->status == LOGSTORE_SCAN_TORN)
			item->status = LOGSTORE_SCAN_MALFORMED; /* whole batches follow: no end of the log */
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
	if (size > scan->end - scan->position)
		size = (size_t)(scan->end - scan->position);
	if (size < LS_BATCH_PREFIX_SIZE) {
		r = only_zeros(scan, ret_error) == 1
			? meet_zeros(scan, &item, ret_error)
			: meet_torn(scan, &item, "fewer bytes than the header of a batch", ret_error);
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
			(void)snprintf(item.text, sizeof item.text, "%.*s", (int)sizeof item.text - 1, detail.text);
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
		                  scan->record_error == LOGSTORE_E_LIMIT_EXCEEDED ? "it is above max_batch_bytes"
		                                                                  : "its codec is unknown");
	}
	r = ls_record_reader_next(scan->reader, ret_record, ret_error);
	if (r < 0 && r != -ENOMEM) {
		if (ret_error)
			ret_error->position = (int64_t)scan->batch_position;
		return ls_error_at(ret_error, r, scan->path, (int64_t)scan->batch_position, scan->batch_offset);
	}
	return r;
}
