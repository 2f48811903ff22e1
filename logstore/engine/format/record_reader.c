/*
 * The records of one batch after another.
 *
 * A window shows the records area: all of it where it is not compressed, else a sliding piece of the
 * decoder's output that holds at least one whole record. The window's buffer grows with what was really
 * decoded, never with a length that the bytes declare, so the cap on decompression bounds it (to twice the
 * cap and 128 KiB).
 *
 * A wrapper of magic 1 is decoded twice, both times in constant memory: the first pass checks its messages
 * and finds the offset of the last one, from which the offsets of all follow; the second yields the
 * records. Checksums of messages inside a wrapper are not looked at: the wrapper's own covers them.
 *
 * Invariants
 *   I1  begin <= next <= end in the window; bytes before `next` are used up.
 *   I2  a record handed out points between begin and end, which stay until the next call.
 *   I3  in PHASE_FAILED `failure` is the code that every call returns.
 *
 * Threads: a reader is used by one thread at a time. Failures: damage, the cap, memory; each ends the batch.
 */
#include "format/record_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/error_text.h"
#include "base/mem.h"
#include "base/varint.h"
#include "format/batch.h"
#include "format/codec.h"
#include "format/legacy.h"

#define CODEC_COUNT 5
#define DEFAULT_CAP (UINT64_C(1) << 30)
#define WINDOW_CHUNK ((size_t)64 * 1024) /* least room given to the decoder */
#define FIRST_HEADERS 16u

#define likely(condition) __builtin_expect(!!(condition), 1)

struct window {
	struct ls_decoder *decoder; /* NULL: all bytes are present from the start */
	uint8_t *buffer;            /* what the decoder fills; kept from batch to batch */
	size_t capacity;
	const uint8_t *begin;
	const uint8_t *next;
	const uint8_t *end;
	int64_t begin_position; /* of `begin` in the records area */
	bool ended;             /* the decoder has no more */
};

enum phase {
	PHASE_IDLE,          /* never started */
	PHASE_V2,            /* start -> this, for magic 2 */
	PHASE_MESSAGE,       /* start -> this, for a message that is no wrapper */
	PHASE_WRAPPER_BEGIN, /* start -> this, for a wrapper */
	PHASE_WRAPPER,       /* PHASE_WRAPPER_BEGIN -> this, once the messages inside can be yielded */
	PHASE_DONE,          /* after the last record */
	PHASE_FAILED,        /* after an error, of start() too */
};

struct ls_record_reader {
	struct ls_env env;
	uint64_t cap;
	enum phase phase;
	int failure;
	const uint8_t *bytes; /* the batch */
	struct logstore_batch_info info;
	struct window window;
	int64_t record_index; /* records met so far */
	struct ls_legacy_wrapper wrapper;
	struct ls_decoder *decoders[CODEC_COUNT]; /* by codec, made when first needed */
	struct logstore_header *headers;          /* of the record at hand; kept from batch to batch */
	uint32_t header_capacity;
	struct logstore_error error; /* of PHASE_FAILED */
};

int ls_record_reader_new(const struct ls_env *env, uint64_t cap, struct ls_record_reader **ret_reader)
{
	struct ls_record_reader *reader = ls_calloc(env, 1, sizeof *reader);

	if (!reader)
		return -ENOMEM;
	reader->env = *env;
	reader->cap = cap ? cap : DEFAULT_CAP;
	*ret_reader = reader;
	return 0;
}

struct ls_record_reader *ls_record_reader_free(struct ls_record_reader *reader)
{
	struct ls_env env;

	if (!reader)
		return NULL;
	env = reader->env;
	for (size_t i = 0; i < CODEC_COUNT; i++)
		reader->decoders[i] = ls_decoder_free(reader->decoders[i]);
	reader->window.buffer = ls_free(&env, reader->window.buffer);
	reader->headers = ls_free(&env, reader->headers);
	return ls_free(&env, reader);
}

const struct logstore_batch_info *ls_record_reader_batch(const struct ls_record_reader *reader)
{
	return &reader->info;
}

static int64_t window_position(const struct window *window, const uint8_t *p)
{
	return window->begin_position + (p - window->begin);
}

static void window_show(struct window *window, const uint8_t *bytes, size_t size)
{
	window->decoder = NULL;
	window->begin = window->next = bytes;
	window->end = bytes + size;
	window->begin_position = 0;
	window->ended = true;
}

/* Grows the buffer to `capacity`; the bytes shown move along. */
static int window_grow(struct ls_record_reader *reader, size_t capacity)
{
	struct window *window = &reader->window;
	size_t shown = (size_t)(window->end - window->next);
	uint8_t *buffer = ls_realloc(&reader->env, window->buffer, capacity, 1);

	if (!buffer)
		return -ENOMEM;
	window->buffer = buffer;
	window->capacity = capacity;
	window->begin = window->next = buffer;
	window->end = buffer + shown;
	return 0;
}

static int window_decode(struct ls_record_reader *reader, const uint8_t *bytes, size_t size, bool legacy_lz4)
{
	struct window *window = &reader->window;
	struct ls_decoder *decoder = reader->decoders[reader->info.codec];
	int r;

	LS_ASSERT(decoder != NULL);
	r = ls_decoder_start(decoder, bytes, size, reader->cap, legacy_lz4);
	if (r < 0)
		return r;
	window->begin = window->next = window->end = window->buffer;
	if (!window->buffer) {
		r = window_grow(reader, 2 * WINDOW_CHUNK);
		if (r < 0)
			return r;
	}
	window->decoder = decoder;
	window->begin_position = 0;
	window->ended = false;
	return 0;
}

/* Drops what is used up and makes room for WINDOW_CHUNK more bytes. */
static int window_make_room(struct ls_record_reader *reader)
{
	struct window *window = &reader->window;
	size_t kept = (size_t)(window->end - window->next);

	if (window->next != window->begin) {
		window->begin_position += window->next - window->begin;
		memmove(window->buffer, window->next, kept);
		window->begin = window->next = window->buffer;
		window->end = window->buffer + kept;
	}
	if (window->capacity - kept >= WINDOW_CHUNK)
		return 0;
	/* Here capacity < kept + WINDOW_CHUNK, and kept bytes were really decoded. */
	return window_grow(reader, 2 * window->capacity);
}

static int window_fill(struct ls_record_reader *reader, size_t want)
{
	struct window *window = &reader->window;

	while ((size_t)(window->end - window->next) < want && !window->ended) {
		size_t used, size;
		int r;

		r = window_make_room(reader);
		if (r < 0)
			return r;
		used = (size_t)(window->end - window->begin);
		r = ls_decoder_read(window->decoder, window->buffer + used, window->capacity - used, &size,
		                    &reader->error);
		if (r < 0)
			return r;
		LS_ASSERT(size <= window->capacity - used);
		window->end += size;
		window->ended = size == 0;
	}
	return 0;
}

/* Shows `want` bytes from `next` on, or all that are left. Moves them: pointers into the window are void. */
static inline int window_want(struct ls_record_reader *reader, size_t want)
{
	const struct window *window = &reader->window;

	if (likely((size_t)(window->end - window->next) >= want))
		return 0;
	return window_fill(reader, want);
}

/* Damage at `p` of the window. */
static __attribute__((noinline, cold)) int corrupt(struct ls_record_reader *reader, const uint8_t *p,
                                                   const char *text)
{
	return ls_corrupt(&reader->error, LOGSTORE_E_CORRUPT_MESSAGE, NULL,
	                  window_position(&reader->window, p), "record %" PRId64 " of the batch: %s",
	                  reader->record_index, text);
}

/*
 * Most numbers in a record are one or two bytes long. Returns how many, or 0 for what the general functions
 * have to look at; a value that is returned is not zig-zag decoded yet.
 */
static inline size_t read_short(const uint8_t *p, const uint8_t *end, uint32_t *ret_bits)
{
	if (likely(end - p >= 2)) {
		if (p[0] < 0x80) {
			*ret_bits = p[0];
			return 1;
		}
		if (p[1] < 0x80) {
			*ret_bits = (p[0] & 0x7fu) | (uint32_t)p[1] << 7;
			return 2;
		}
	}
	return 0;
}

static inline const uint8_t *read_varint(const uint8_t *p, const uint8_t *end, int32_t *ret_value)
{
	uint32_t bits;
	size_t size = read_short(p, end, &bits);

	if (likely(size > 0)) {
		*ret_value = (int32_t)(bits >> 1) ^ -(int32_t)(bits & 1);
		return p + size;
	}
	return ls_varint_read(p, end, ret_value);
}

static inline const uint8_t *read_varlong(const uint8_t *p, const uint8_t *end, int64_t *ret_value)
{
	uint32_t bits;
	size_t size = read_short(p, end, &bits);

	if (likely(size > 0)) {
		*ret_value = (int32_t)(bits >> 1) ^ -(int32_t)(bits & 1);
		return p + size;
	}
	return ls_varlong_read(p, end, ret_value);
}

/* A length and as many bytes; any length below 0 is null. Returns NULL if it runs past `end`. */
static inline const uint8_t *read_nullable(const uint8_t *p, const uint8_t *end, const void **ret_bytes,
                                           int32_t *ret_size)
{
	int32_t size;

	p = read_varint(p, end, &size);
	if (!p || size > end - p)
		return NULL;
	if (size < 0) {
		*ret_bytes = NULL;
		*ret_size = -1;
		return p;
	}
	*ret_bytes = p;
	*ret_size = size;
	return p + size;
}

static int grow_headers(struct ls_record_reader *reader)
{
	uint32_t capacity = reader->header_capacity ? 2 * reader->header_capacity : FIRST_HEADERS;
	struct logstore_header *headers;

	headers = ls_realloc(&reader->env, reader->headers, capacity, sizeof *headers);
	if (!headers)
		return -ENOMEM;
	reader->headers = headers;
	reader->header_capacity = capacity;
	return 0;
}

/*
 * `count` headers, which end the record. The array grows as headers are met, not by their declared count;
 * that one is below 2^31, so doubling the capacity cannot overflow.
 */
static int parse_headers(struct ls_record_reader *reader, const uint8_t *p, const uint8_t *end, int32_t count)
{
	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		struct logstore_header header;
		const void *key;
		const uint8_t *next;

		next = read_nullable(p, end, &key, &header.key_size);
		if (!next || !key)
			return corrupt(reader, p,
			               "key of a header is null or runs past the end of the record");
		header.key = key;
		p = next;
		next = read_nullable(p, end, &header.value, &header.value_size);
		if (!next)
			return corrupt(reader, p, "value of a header runs past the end of the record");
		p = next;
		if (i == reader->header_capacity) {
			int r = grow_headers(reader);

			if (r < 0)
				return r;
		}
		reader->headers[i] = header;
	}
	if (p != end)
		return corrupt(reader, p, "bytes are left behind its last header");
	return 0;
}

/* The record between `p` (behind its length) and `end`. */
static inline int parse_record(struct ls_record_reader *reader, const uint8_t *p, const uint8_t *end,
                               struct logstore_record *ret_record)
{
	const struct logstore_batch_info *info = &reader->info;
	struct logstore_record record;
	int32_t offset_delta, header_count;
	int64_t timestamp_delta;
	const uint8_t *next;

	if (p == end)
		return corrupt(reader, p, "it is empty");
	p++; /* attributes: no bit has a meaning */
	next = read_varlong(p, end, &timestamp_delta);
	if (!next)
		return corrupt(reader, p, "timestamp delta is no number");
	p = next;
	next = read_varint(p, end, &offset_delta);
	if (!next || __builtin_add_overflow(info->base_offset, offset_delta, &record.offset))
		return corrupt(reader, p, "offset delta is no number or leads out of the range of offsets");
	p = next;
	next = read_nullable(p, end, &record.key, &record.key_size);
	if (!next)
		return corrupt(reader, p, "key runs past the end of the record");
	p = next;
	next = read_nullable(p, end, &record.value, &record.value_size);
	if (!next)
		return corrupt(reader, p, "value runs past the end of the record");
	p = next;
	next = read_varint(p, end, &header_count);
	if (!next || header_count < 0 || header_count > end - next)
		return corrupt(reader, p, "header count is impossible");
	if (header_count > 0) {
		int r = parse_headers(reader, next, end, header_count);

		if (r < 0)
			return r;
	} else if (next != end) {
		return corrupt(reader, next, "bytes are left behind its value");
	}

	/* The sum wraps around, as Kafka's does. */
	record.timestamp = (int64_t)((uint64_t)info->base_timestamp + (uint64_t)timestamp_delta);
	if (info->timestamp_type == LOGSTORE_LOG_APPEND_TIME)
		record.timestamp = info->max_timestamp;
	record.headers = header_count > 0 ? reader->headers : NULL;
	record.header_count = (uint32_t)header_count;
	record.sequence = LOGSTORE_NO_SEQUENCE;
	if (info->base_sequence != LOGSTORE_NO_SEQUENCE)
		record.sequence = ls_sequence_add(info->base_sequence, offset_delta);
	*ret_record = record;
	return 0;
}

/*
 * After the last record nothing may be left. Asking for one more byte also shows that compressed data is cut
 * behind its last record.
 */
static int end_records(struct ls_record_reader *reader)
{
	int r = window_want(reader, 1);

	if (r < 0)
		return r;
	if (reader->window.next != reader->window.end)
		return corrupt(reader, reader->window.next,
		               "it lies behind the last one that the header counts");
	reader->phase = PHASE_DONE;
	return 0;
}

static inline int next_v2(struct ls_record_reader *reader, struct logstore_record *ret_record)
{
	struct window *window = &reader->window;
	const uint8_t *p;
	int32_t length;
	size_t prefix;
	int r;

	if (reader->record_index == reader->info.record_count)
		return end_records(reader);
	r = window_want(reader, LS_VARINT_MAX);
	if (r < 0)
		return r;
	p = read_varint(window->next, window->end, &length);
	if (!p || length < 0)
		return corrupt(reader, window->next, "length is no number, or negative");
	prefix = (size_t)(p - window->next);
	r = window_want(reader, prefix + (size_t)length);
	if (r < 0)
		return r;
	p = window->next + prefix;
	if (length > window->end - p)
		return corrupt(reader, window->next, "it runs past the end of the batch");
	r = parse_record(reader, p, p + length, ret_record);
	if (r < 0)
		return r;
	window->next = p + length;
	reader->record_index++;
	return 1;
}

/* The next message inside the wrapper. Returns 1, 0 after the last one, or an error. */
static int next_inner(struct ls_record_reader *reader, struct ls_legacy_message *ret_message,
                      int64_t *ret_position)
{
	struct window *window = &reader->window;
	int64_t position;
	size_t size;
	int r;

	r = window_want(reader, LS_BATCH_LOG_OVERHEAD);
	if (r < 0)
		return r;
	if (window->next == window->end)
		return 0;
	if ((size_t)(window->end - window->next) < LS_BATCH_LOG_OVERHEAD)
		return corrupt(reader, window->next, "its message is cut");
	position = window_position(window, window->next);
	r = ls_legacy_inner_size(window->next, position, &size, &reader->error);
	if (r < 0)
		return r;
	r = window_want(reader, size);
	if (r < 0)
		return r;
	if ((size_t)(window->end - window->next) < size)
		return corrupt(reader, window->next, "its message runs past the end of the compressed ones");
	r = ls_legacy_inner_parse(&reader->wrapper, window->next, size, position, ret_message,
	                          &reader->error);
	if (r < 0)
		return r;
	window->next += size;
	reader->record_index++;
	*ret_position = position;
	return 1;
}

/* First pass over a wrapper of magic 1: checks all messages, finds the offset of the last one. */
static int scan_wrapper(struct ls_record_reader *reader)
{
	int64_t last_inner_offset = LOGSTORE_NO_OFFSET, position;
	struct ls_legacy_message message;
	int r;

	while ((r = next_inner(reader, &message, &position)) > 0)
		last_inner_offset = message.offset;
	if (r < 0 || reader->record_index == 0)
		return r;
	return ls_legacy_wrapper_set_last(&reader->wrapper, last_inner_offset, &reader->error);
}

static int begin_wrapper(struct ls_record_reader *reader)
{
	const struct logstore_batch_info *info = &reader->info;
	bool legacy_lz4 = info->magic == 0;
	struct ls_legacy_message message;
	int r;

	r = ls_legacy_parse(reader->bytes, info->size, 0, &message, &reader->error);
	if (r < 0)
		return r;
	if (!message.value)
		return ls_corrupt(&reader->error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, 0,
		                  "compressed message has a null value");
	reader->wrapper = (struct ls_legacy_wrapper){
		.offset = message.offset,
		.timestamp = message.timestamp,
		.magic = message.magic,
		.log_append_time = info->timestamp_type == LOGSTORE_LOG_APPEND_TIME,
	};
	r = window_decode(reader, message.value, (size_t)message.value_size, legacy_lz4);
	if (r < 0 || message.magic == 0)
		return r;
	r = scan_wrapper(reader);
	if (r < 0)
		return r;
	reader->record_index = 0;
	return window_decode(reader, message.value, (size_t)message.value_size, legacy_lz4);
}

static int next_in_wrapper(struct ls_record_reader *reader, struct logstore_record *ret_record)
{
	struct ls_legacy_message message;
	int64_t position;
	int r;

	r = next_inner(reader, &message, &position);
	if (r < 0)
		return r;
	if (r == 0) {
		if (reader->record_index == 0)
			return ls_corrupt(&reader->error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, 0,
			                  "compressed message holds no messages");
		reader->phase = PHASE_DONE;
		return 0;
	}
	r = ls_legacy_inner_record(&reader->wrapper, &message, position, ret_record, &reader->error);
	if (r < 0)
		return r;
	if (reader->record_index == 1)
		reader->info.base_offset = ret_record->offset;
	return 1;
}

static int next_message(struct ls_record_reader *reader, struct logstore_record *ret_record)
{
	struct ls_legacy_message message;
	int r = ls_legacy_parse(reader->bytes, reader->info.size, 0, &message, &reader->error);

	if (r < 0)
		return r;
	ls_legacy_record(&message, ret_record);
	reader->phase = PHASE_DONE;
	return 1;
}

static __attribute__((noinline)) int next_legacy(struct ls_record_reader *reader,
                                                 struct logstore_record *ret_record)
{
	int r;

	LS_ASSERT(reader->phase != PHASE_IDLE);
	switch (reader->phase) {
	case PHASE_MESSAGE:
		return next_message(reader, ret_record);
	case PHASE_WRAPPER_BEGIN:
		r = begin_wrapper(reader);
		if (r < 0)
			return r;
		reader->phase = PHASE_WRAPPER;
		return next_in_wrapper(reader, ret_record);
	case PHASE_WRAPPER:
		return next_in_wrapper(reader, ret_record);
	case PHASE_DONE:
		return 0;
	case PHASE_FAILED:
	case PHASE_IDLE:
	case PHASE_V2:
		break;
	}
	return reader->failure; /* I3 */
}

/* Enters PHASE_FAILED: the one way into it. */
static __attribute__((noinline, cold)) int fail(struct ls_record_reader *reader, int code,
                                                struct logstore_error *ret_error)
{
	if (reader->phase != PHASE_FAILED) {
		/* Not every source of -ENOMEM says a word. */
		if (reader->error.code != code)
			(void)ls_error(&reader->error, code, "%s", ls_error_text(code)); /* returns code */
		(void)ls_error_at(&reader->error, code, NULL, -1, reader->info.base_offset); /* likewise */
		reader->phase = PHASE_FAILED;
		reader->failure = code;
	}
	if (ret_error)
		*ret_error = reader->error;
	return code;
}

int ls_record_reader_next(struct ls_record_reader *reader, struct logstore_record *ret_record,
                          struct logstore_error *ret_error)
{
	int r;

	if (likely(reader->phase == PHASE_V2))
		r = next_v2(reader, ret_record);
	else
		r = next_legacy(reader, ret_record);
	if (likely(r >= 0))
		return r;
	return fail(reader, r, ret_error);
}

/* The decoder of the batch's codec exists afterwards. Wrappers never have zstd, which is younger. */
static int need_decoder(struct ls_record_reader *reader)
{
	uint8_t codec = reader->info.codec;
	int newest = reader->info.magic < 2 ? LOGSTORE_CODEC_LZ4 : LOGSTORE_CODEC_ZSTD;

	if (codec > newest)
		return ls_error(&reader->error, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE,
		                "codec %u is unknown in magic %d", codec, reader->info.magic);
	if (reader->decoders[codec])
		return 0;
	return ls_decoder_new(&reader->env, codec, &reader->decoders[codec]);
}

static int start_v2(struct ls_record_reader *reader)
{
	const uint8_t *records = reader->bytes + LS_BATCH_HEADER_SIZE;
	size_t size = reader->info.size - LS_BATCH_HEADER_SIZE;
	int r;

	reader->phase = PHASE_V2;
	/* An empty batch has nothing to decompress, whatever its codec bits say. */
	if (reader->info.codec == LOGSTORE_CODEC_NONE || (reader->info.record_count == 0 && size == 0)) {
		window_show(&reader->window, records, size);
		return 0;
	}
	r = need_decoder(reader);
	if (r < 0)
		return r;
	return window_decode(reader, records, size, false);
}

static int start_legacy(struct ls_record_reader *reader)
{
	window_show(&reader->window, reader->bytes, reader->info.size);
	reader->phase = PHASE_MESSAGE;
	if (reader->info.codec == LOGSTORE_CODEC_NONE)
		return 0;
	reader->phase = PHASE_WRAPPER_BEGIN;
	return need_decoder(reader);
}

int ls_record_reader_start(struct ls_record_reader *reader, const uint8_t *bytes, size_t size,
                           struct logstore_error *ret_error)
{
	int r;

	reader->phase = PHASE_IDLE;
	reader->record_index = 0;
	reader->error.code = 0;
	reader->info = (struct logstore_batch_info){.base_offset = LOGSTORE_NO_OFFSET};
	reader->bytes = bytes;
	r = ls_batch_info(bytes, size, &reader->info, &reader->error);
	if (r < 0)
		return fail(reader, r, ret_error);
	if (size < reader->info.size) {
		r = ls_error(&reader->error, -ENODATA,
		             "only %zu of the %" PRIu32 " bytes of the batch are present", size,
		             reader->info.size);
		return fail(reader, r, ret_error);
	}
	r = reader->info.magic < 2 ? start_legacy(reader) : start_v2(reader);
	return r < 0 ? fail(reader, r, ret_error) : 0;
}
