/*
 * Building a batch: records are encoded behind room for the header, without compression straight into the
 * output, with it into a small buffer from which the encoder is fed. finish() writes the header.
 *
 * Invariants
 *   I1  output holds the 61 bytes of the header (written by finish) and the records, as far as encoded.
 *   I2  raw_size is the size of the batch without compression, header included, at most 2^31-1.
 *   I3  with compression, `gathered` holds encoded records that the encoder has not got yet.
 *
 * Threads: a builder is used by one thread at a time. Failures: a record that does not fit leaves the batch
 * as it was. An encoder that runs out of memory loses what it was given, so the batch is then over:
 * STATE_BROKEN, every call but start() returns -ENOMEM.
 */
#include "format/batch_builder.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/varint.h"
#include "format/batch.h"
#include "format/codec.h"

#define CODEC_COUNT 5
#define GATHER_BYTES ((size_t)16 * 1024) /* the encoder is fed at least this much at a time */
#define LARGEST_BATCH ((size_t)INT32_MAX)
#define NO_DELTA (-1)

enum state {
	STATE_IDLE,     /* never started, or start() failed */
	STATE_OPEN,     /* start -> this */
	STATE_FINISHED, /* finish -> this */
	STATE_BROKEN,   /* the encoder failed */
};

struct ls_batch_builder {
	struct ls_env env;
	enum state state;
	struct logstore_batch_options options;
	struct ls_buf output;
	struct ls_buf gathered;
	struct ls_encoder *encoders[CODEC_COUNT]; /* by codec, made when first needed */
	struct ls_encoder *encoder;               /* of this batch; NULL without compression */
	size_t raw_size;
	int32_t record_count;
	int32_t last_offset_delta; /* of the last record; NO_DELTA before the first */
	int32_t kept_offset_delta; /* set_last_offset_delta(), or NO_DELTA */
	int64_t base_timestamp;
	int64_t max_timestamp;
};

int ls_batch_builder_new(const struct ls_env *env, struct ls_batch_builder **ret_builder)
{
	struct ls_batch_builder *builder = ls_calloc(env, 1, sizeof *builder);

	if (!builder)
		return -ENOMEM;
	builder->env = *env;
	ls_buf_init(&builder->output, &builder->env);
	ls_buf_init(&builder->gathered, &builder->env);
	*ret_builder = builder;
	return 0;
}

struct ls_batch_builder *ls_batch_builder_free(struct ls_batch_builder *builder)
{
	struct ls_env env;

	if (!builder)
		return NULL;
	env = builder->env;
	for (size_t i = 0; i < CODEC_COUNT; i++)
		builder->encoders[i] = ls_encoder_free(builder->encoders[i]);
	ls_buf_fini(&builder->output);
	ls_buf_fini(&builder->gathered);
	return ls_free(&env, builder);
}

static int out_of_memory(struct logstore_error *ret_error)
{
	return ls_error(ret_error, -ENOMEM, "out of memory for a batch");
}

static int start_encoder(struct ls_batch_builder *builder, struct logstore_error *ret_error)
{
	uint8_t codec = builder->options.codec;
	int r;

	builder->encoder = NULL;
	if (codec == LOGSTORE_CODEC_NONE)
		return 0;
	if (codec >= CODEC_COUNT)
		return ls_error(ret_error, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE, "codec %u is unknown",
		                codec);
	if (!builder->encoders[codec]) {
		r = ls_encoder_new(&builder->env, codec, &builder->encoders[codec]);
		if (r < 0)
			return ls_error(ret_error, r, "no encoder for codec %u", codec);
	}
	r = ls_encoder_start(builder->encoders[codec], builder->options.level, &builder->output);
	if (r == LOGSTORE_E_INVALID_CONFIG)
		return ls_error(ret_error, r, "codec %s has no level %" PRId32, ls_codec_name(codec),
		                builder->options.level);
	if (r < 0)
		return ls_error(ret_error, r, "codec %s cannot be started", ls_codec_name(codec));
	builder->encoder = builder->encoders[codec];
	return 0;
}

int ls_batch_builder_start(struct ls_batch_builder *builder, const struct logstore_batch_options *options,
                           struct logstore_error *ret_error)
{
	int r;

	builder->state = STATE_IDLE;
	builder->options = *options;
	ls_buf_clear(&builder->output);
	ls_buf_clear(&builder->gathered);
	builder->raw_size = LS_BATCH_HEADER_SIZE;
	builder->record_count = 0;
	builder->last_offset_delta = NO_DELTA;
	builder->kept_offset_delta = NO_DELTA;
	builder->base_timestamp = LOGSTORE_NO_TIMESTAMP;
	builder->max_timestamp = LOGSTORE_NO_TIMESTAMP;
	if (ls_buf_reserve(&builder->output, LS_BATCH_HEADER_SIZE) < 0)
		return out_of_memory(ret_error);
	builder->output.size = LS_BATCH_HEADER_SIZE;
	r = start_encoder(builder, ret_error);
	if (r < 0)
		return r;
	builder->state = STATE_OPEN;
	return 0;
}

size_t ls_batch_builder_size(const struct ls_batch_builder *builder)
{
	return builder->raw_size;
}

void ls_batch_builder_set_last_offset_delta(struct ls_batch_builder *builder, int32_t delta)
{
	LS_ASSERT(builder->state == STATE_OPEN);
	LS_ASSERT(delta >= 0);
	builder->kept_offset_delta = delta;
}

/* Whether a record may still be added, or the batch finished. */
static int check_open(const struct ls_batch_builder *builder, struct logstore_error *ret_error)
{
	if (builder->state == STATE_BROKEN)
		return out_of_memory(ret_error);
	if (builder->state != STATE_OPEN)
		return ls_error(ret_error, -EINVAL, "no batch is started");
	return 0;
}

static int check_headers(const struct logstore_record *record, struct logstore_error *ret_error)
{
	if (record->header_count > 0 && !record->headers)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD, "record counts headers and has none");
	for (uint32_t i = 0; i < record->header_count; i++) {
		const struct logstore_header *header = &record->headers[i];

		if (!header->key || header->key_size < 0)
			return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
			                "header %" PRIu32 " has no key", i);
		if (header->value_size < -1 || (header->value_size > 0 && !header->value))
			return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
			                "header %" PRIu32 " has a value of impossible size %" PRId32, i,
			                header->value_size);
	}
	return 0;
}

static int check_record(const struct logstore_record *record, struct logstore_error *ret_error)
{
	if (record->key_size < -1 || (record->key_size > 0 && !record->key))
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "record has a key of impossible size %" PRId32, record->key_size);
	if (record->value_size < -1 || (record->value_size > 0 && !record->value))
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "record has a value of impossible size %" PRId32, record->value_size);
	return check_headers(record, ret_error);
}

/* Offset delta of the next record. */
static int choose_delta(const struct ls_batch_builder *builder, const struct logstore_record *record,
                        bool offset_given, int32_t *ret_delta, struct logstore_error *ret_error)
{
	int64_t base = builder->options.base_offset;
	int64_t delta = (int64_t)builder->last_offset_delta + 1, offset;
	int64_t smallest = delta;

	if (offset_given && __builtin_sub_overflow(record->offset, base, &delta))
		delta = INT64_MIN;
	if (delta < smallest || delta > INT32_MAX || __builtin_add_overflow(base, delta, &offset))
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "offset does not fit the batch: base offset %" PRId64 ", last delta %" PRId32
		                ", new delta %" PRId64,
		                base, builder->last_offset_delta, delta);
	*ret_delta = (int32_t)delta;
	return 0;
}

static size_t nullable_size(int32_t size)
{
	return ls_varlong_size(size) + (size > 0 ? (size_t)size : 0);
}

/*
 * Bytes of a record behind its length; above LARGEST_BATCH if it is larger than that. Sums stay far below
 * 2^64, since they stop at the first header that leads above the limit.
 */
static size_t body_size(const struct logstore_record *record, int64_t timestamp_delta, int32_t offset_delta)
{
	size_t size = 1 + ls_varlong_size(timestamp_delta) + ls_varlong_size(offset_delta) +
	              nullable_size(record->key_size) + nullable_size(record->value_size) +
	              ls_varlong_size(record->header_count);

	for (uint32_t i = 0; i < record->header_count && size <= LARGEST_BATCH; i++)
		size += nullable_size(record->headers[i].key_size) +
		        nullable_size(record->headers[i].value_size);
	return size;
}

static uint8_t *write_nullable(uint8_t *p, const void *bytes, int32_t size)
{
	p = ls_varint_write(p, size);
	if (size > 0) {
		memcpy(p, bytes, (size_t)size);
		p += size;
	}
	return p;
}

static uint8_t *write_record(uint8_t *p, const struct logstore_record *record, size_t body,
                             int64_t timestamp_delta, int32_t offset_delta)
{
	p = ls_varint_write(p, (int32_t)body);
	*p++ = 0; /* attributes */
	p = ls_varlong_write(p, timestamp_delta);
	p = ls_varint_write(p, offset_delta);
	p = write_nullable(p, record->key, record->key_size);
	p = write_nullable(p, record->value, record->value_size);
	p = ls_varint_write(p, (int32_t)record->header_count);
	for (uint32_t i = 0; i < record->header_count; i++) {
		const struct logstore_header *header = &record->headers[i];

		p = write_nullable(p, header->key, header->key_size);
		p = write_nullable(p, header->value, header->value_size);
	}
	return p;
}

/* Gives the encoder what was gathered. */
static int feed(struct ls_batch_builder *builder)
{
	int r;

	if (builder->gathered.size == 0)
		return 0;
	r = ls_encoder_write(builder->encoder, builder->gathered.data, builder->gathered.size);
	if (r < 0)
		builder->state = STATE_BROKEN;
	ls_buf_clear(&builder->gathered);
	return r;
}

int ls_batch_builder_add(struct ls_batch_builder *builder, const struct logstore_record *record,
                         bool offset_given, struct logstore_error *ret_error)
{
	struct ls_buf *to = builder->encoder ? &builder->gathered : &builder->output;
	int64_t base_timestamp = builder->record_count > 0 ? builder->base_timestamp : record->timestamp;
	/* Wraps around, as the sum does that gives the timestamp back. */
	int64_t timestamp_delta = (int64_t)((uint64_t)record->timestamp - (uint64_t)base_timestamp);
	int32_t offset_delta = 0;
	size_t body, size;
	int r;

	r = check_open(builder, ret_error);
	if (r == 0)
		r = check_record(record, ret_error);
	if (r == 0)
		r = choose_delta(builder, record, offset_given, &offset_delta, ret_error);
	if (r < 0)
		return r;
	body = body_size(record, timestamp_delta, offset_delta);
	size = body <= LARGEST_BATCH ? ls_varlong_size((int64_t)body) + body : body;
	if (size > LARGEST_BATCH - builder->raw_size) /* I2 */
		return ls_error(ret_error, LOGSTORE_E_MESSAGE_TOO_LARGE,
		                "batch of %zu bytes has no room for the record below 2^31 bytes",
		                builder->raw_size);
	/* Before the record is taken: a failure to feed concerns those before it. */
	if (builder->gathered.size >= GATHER_BYTES && feed(builder) < 0)
		return out_of_memory(ret_error);
	if (ls_buf_reserve(to, size) < 0)
		return out_of_memory(ret_error);
	/* What it returns is known: it writes `size` bytes. */
	(void)write_record(to->data + to->size, record, body, timestamp_delta, offset_delta);
	to->size += size;
	builder->raw_size += size;
	builder->record_count++;
	builder->last_offset_delta = offset_delta;
	builder->base_timestamp = base_timestamp;
	if (record->timestamp > builder->max_timestamp)
		builder->max_timestamp = record->timestamp;
	return 0;
}

static uint16_t attributes(const struct logstore_batch_options *options)
{
	unsigned bits = options->codec;

	if (options->timestamp_type == LOGSTORE_LOG_APPEND_TIME)
		bits |= LS_ATTR_LOG_APPEND_TIME;
	if (options->transactional)
		bits |= LS_ATTR_TRANSACTIONAL;
	if (options->control)
		bits |= LS_ATTR_CONTROL;
	return (uint16_t)bits;
}

static void write_header(const struct ls_batch_builder *builder, uint8_t *bytes, size_t size,
                         int32_t last_offset_delta)
{
	const struct logstore_batch_options *options = &builder->options;
	bool append_time = options->timestamp_type == LOGSTORE_LOG_APPEND_TIME;

	ls_store_be64s(bytes + LS_BATCH_BASE_OFFSET, options->base_offset);
	ls_store_be32(bytes + LS_BATCH_LENGTH, (uint32_t)(size - LS_BATCH_LOG_OVERHEAD));
	ls_store_be32s(bytes + LS_BATCH_LEADER_EPOCH, options->leader_epoch);
	bytes[LS_BATCH_MAGIC] = 2;
	ls_store_be16(bytes + LS_BATCH_ATTRIBUTES, attributes(options));
	ls_store_be32s(bytes + LS_BATCH_LAST_OFFSET_DELTA, last_offset_delta);
	ls_store_be64s(bytes + LS_BATCH_BASE_TIMESTAMP, builder->base_timestamp);
	ls_store_be64s(bytes + LS_BATCH_MAX_TIMESTAMP,
	               append_time ? options->log_append_time : builder->max_timestamp);
	ls_store_be64s(bytes + LS_BATCH_PRODUCER_ID, options->producer_id);
	ls_store_be16s(bytes + LS_BATCH_PRODUCER_EPOCH, options->producer_epoch);
	ls_store_be32s(bytes + LS_BATCH_BASE_SEQUENCE, options->base_sequence);
	ls_store_be32s(bytes + LS_BATCH_RECORD_COUNT, builder->record_count);
	ls_store_be32(bytes + LS_BATCH_CRC,
	              ls_crc32c(0, bytes + LS_BATCH_ATTRIBUTES, size - LS_BATCH_ATTRIBUTES));
}

/* lastOffsetDelta of the header. One that was set may come from a damaged batch, so it is checked. */
static int choose_last_delta(const struct ls_batch_builder *builder, int32_t *ret_delta,
                             struct logstore_error *ret_error)
{
	int32_t delta = builder->last_offset_delta;
	int64_t last_offset;

	if (builder->record_count == 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD, "batch has no records");
	if (builder->kept_offset_delta != NO_DELTA)
		delta = builder->kept_offset_delta;
	if (delta < builder->last_offset_delta ||
	    __builtin_add_overflow(builder->options.base_offset, delta, &last_offset))
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "last offset delta %" PRId32 " does not fit base offset %" PRId64
		                " and the last record's delta %" PRId32,
		                delta, builder->options.base_offset, builder->last_offset_delta);
	*ret_delta = delta;
	return 0;
}

int ls_batch_builder_finish(struct ls_batch_builder *builder, const uint8_t **ret_bytes, size_t *ret_size,
                            struct logstore_error *ret_error)
{
	struct ls_buf *output = &builder->output;
	int32_t last_offset_delta = NO_DELTA;
	int r;

	r = check_open(builder, ret_error);
	if (r == 0)
		r = choose_last_delta(builder, &last_offset_delta, ret_error);
	if (r < 0)
		return r;
	if (builder->encoder) {
		builder->state = STATE_BROKEN;
		r = feed(builder);
		if (r == 0)
			r = ls_encoder_finish(builder->encoder);
		if (r < 0)
			return out_of_memory(ret_error);
	}
	builder->state = STATE_FINISHED;
	if (output->size > LARGEST_BATCH)
		return ls_error(ret_error, LOGSTORE_E_MESSAGE_TOO_LARGE,
		                "batch of %zu bytes is not below 2^31 bytes", output->size);
	write_header(builder, output->data, output->size, last_offset_delta);
	*ret_bytes = output->data;
	*ret_size = output->size;
	return 0;
}
