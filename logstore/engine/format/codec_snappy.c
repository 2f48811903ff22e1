/*
 * Snappy in the stream format of xerial's snappy-java: a 16-byte header, then chunks of a length and one
 * raw snappy block. Written: one header, chunks of up to 32 KiB of input. Read: that, headers repeated
 * between chunks, chunks of any size, and input without a header, which is one raw block.
 *
 * A raw block cannot be decoded in less memory than its output: its copies may reach back to its
 * beginning, and Kafka clients exist that write such. Blocks of up to 64 KiB use a fixed buffer; for a
 * longer one the length in the block is not believed but proven first, by a walk over the block without
 * output, and only then allocated, if the cap allows it. What was larger than BUFFER_KEEP is given back
 * before the next input.
 *
 * libsnappy's compressor allocates its hash table per block and ends the process if it cannot.
 */
#include <errno.h>
#include <snappy-c.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "format/codec_internal.h"

#define HEADER_SIZE 16u
#define MAGIC_SIZE 8u
#define VERSION_OLDEST 1
#define CHUNK_WORD_SIZE 4u
#define CHUNK_MAX (512u << 20)   /* compressed; snappy-java's limit */
#define CHUNK_INPUT (32u << 10)
#define BUFFER_FIXED ((size_t)64 << 10)
#define BUFFER_KEEP ((size_t)1 << 20)

/* Magic, version, oldest compatible version. */
static const uint8_t header_bytes[HEADER_SIZE] = {
	0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
};

struct snappy_decoder {
	struct ls_decoder base;
	bool begun;       /* the first header, or its absence, has been seen */
	uint8_t *buffer;  /* one decoded block */
	size_t capacity;
};

static int reserve_buffer(struct snappy_decoder *snappy, size_t size)
{
	const struct ls_env *env = snappy->base.env;

	if (size < BUFFER_FIXED)
		size = BUFFER_FIXED;
	if (size <= snappy->capacity)
		return 0;
	snappy->buffer = ls_free(env, snappy->buffer);
	snappy->capacity = 0;
	snappy->buffer = ls_alloc(env, size);
	if (!snappy->buffer)
		return -ENOMEM;
	snappy->capacity = size;
	return 0;
}

/*
 * Decodes the raw block at `bytes`, into `room` if it fits there. The position is still in front of it.
 * A declared size beyond the fixed buffer is allocated only when the block is known to yield as much.
 */
static int decode_block(struct snappy_decoder *snappy, const uint8_t *bytes, size_t block_size,
                        uint8_t *buffer, size_t room, size_t *size, struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &snappy->base;
	const char *block = (const char *)bytes;
	size_t output_size;
	int r;

	if (snappy_uncompressed_length(block, block_size, &output_size) != SNAPPY_OK)
		return ls_decoder_corrupt(decoder, ret_error, "a block without a length");
	if (output_size > BUFFER_FIXED) {
		if (snappy_validate_compressed_buffer(block, block_size) != SNAPPY_OK)
			return ls_decoder_corrupt(decoder, ret_error, "malformed block");
		if (output_size > decoder->cap_left)
			return ls_decoder_over_cap(decoder, ret_error);
	}
	if (output_size <= room) {
		if (snappy_uncompress(block, block_size, (char *)buffer, &output_size) != SNAPPY_OK)
			return ls_decoder_corrupt(decoder, ret_error, "malformed block");
		*size = output_size;
		return 0;
	}
	r = reserve_buffer(snappy, output_size);
	if (r < 0)
		return r;
	if (snappy_uncompress(block, block_size, (char *)snappy->buffer, &output_size) != SNAPPY_OK)
		return ls_decoder_corrupt(decoder, ret_error, "malformed block");
	decoder->pending = snappy->buffer;
	decoder->pending_size = output_size;
	return 0;
}

static bool is_header(const uint8_t *bytes, size_t size)
{
	return size >= HEADER_SIZE && memcmp(bytes, header_bytes, MAGIC_SIZE) == 0;
}

/* A header at the position; only its version can be wrong. */
static int skip_header(struct ls_decoder *decoder, struct logstore_error *ret_error)
{
	if (ls_load_be32s(decoder->input + decoder->position + MAGIC_SIZE) < VERSION_OLDEST)
		return ls_decoder_corrupt(decoder, ret_error, "stream version below 1");
	decoder->position += HEADER_SIZE;
	return 0;
}

/* The whole input is one raw block, unless it begins with a header. */
static int begin_stream(struct snappy_decoder *snappy, uint8_t *buffer, size_t room, size_t *size,
                        struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &snappy->base;
	int r;

	snappy->begun = true;
	if (is_header(decoder->input, decoder->input_size))
		return skip_header(decoder, ret_error);
	r = decode_block(snappy, decoder->input, decoder->input_size, buffer, room, size, ret_error);
	if (r < 0)
		return r;
	decoder->position = decoder->input_size;
	decoder->ended = true;
	return 0;
}

static int repeated_header(struct ls_decoder *decoder, struct logstore_error *ret_error)
{
	size_t left = ls_decoder_input_left(decoder);

	if (left < HEADER_SIZE)
		return ls_decoder_corrupt(decoder, ret_error, "data ends inside a repeated stream header");
	if (is_header(decoder->input + decoder->position, left))
		return skip_header(decoder, ret_error);
	decoder->ended = true; /* snappy-java stops here without a word */
	return 0;
}

static int snappy_decoder_step(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *size,
                               struct logstore_error *ret_error)
{
	struct snappy_decoder *snappy = (struct snappy_decoder *)decoder;
	const uint8_t *at = decoder->input + decoder->position;
	size_t left = ls_decoder_input_left(decoder);
	uint32_t chunk_size;
	int r;

	if (!snappy->begun)
		return begin_stream(snappy, buffer, room, size, ret_error);
	if (left < CHUNK_WORD_SIZE) {
		decoder->ended = true;
		return 0;
	}
	chunk_size = ls_load_be32(at);
	if (chunk_size == ls_load_be32(header_bytes))
		return repeated_header(decoder, ret_error);
	if (chunk_size > CHUNK_MAX)
		return ls_decoder_corrupt(decoder, ret_error, "chunk length is negative or above 512 MiB");
	if (chunk_size > left - CHUNK_WORD_SIZE)
		return ls_decoder_corrupt(decoder, ret_error, "data ends inside a chunk");
	r = decode_block(snappy, at + CHUNK_WORD_SIZE, chunk_size, buffer, room, size, ret_error);
	if (r < 0)
		return r;
	decoder->position += CHUNK_WORD_SIZE + chunk_size;
	return 0;
}

static void snappy_decoder_start(struct ls_decoder *decoder)
{
	struct snappy_decoder *snappy = (struct snappy_decoder *)decoder;

	snappy->begun = false;
	if (snappy->capacity > BUFFER_KEEP) {
		snappy->buffer = ls_free(decoder->env, snappy->buffer);
		snappy->capacity = 0;
	}
}

static void snappy_decoder_fini(struct ls_decoder *decoder)
{
	struct snappy_decoder *snappy = (struct snappy_decoder *)decoder;

	snappy->buffer = ls_free(decoder->env, snappy->buffer);
}

struct snappy_encoder {
	struct ls_encoder base;
	struct ls_block block;
};

static int snappy_encoder_init(struct ls_encoder *encoder)
{
	struct snappy_encoder *snappy = (struct snappy_encoder *)encoder;

	snappy->block.block_size = CHUNK_INPUT;
	snappy->block.bytes = ls_alloc(encoder->env, CHUNK_INPUT);
	return snappy->block.bytes ? 0 : -ENOMEM;
}

static void snappy_encoder_fini(struct ls_encoder *encoder)
{
	struct snappy_encoder *snappy = (struct snappy_encoder *)encoder;

	snappy->block.bytes = ls_free(encoder->env, snappy->block.bytes);
}

static int snappy_encoder_start(struct ls_encoder *encoder, int32_t level)
{
	struct snappy_encoder *snappy = (struct snappy_encoder *)encoder;

	(void)level;
	snappy->block.size = 0;
	return ls_buf_append(encoder->out, header_bytes, sizeof header_bytes);
}

static int write_chunk(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	struct ls_buf *out = encoder->out;
	size_t chunk_size = snappy_max_compressed_length(size);
	snappy_status status;
	uint8_t *at;
	int r = ls_buf_reserve(out, CHUNK_WORD_SIZE + chunk_size);

	if (r < 0)
		return r;
	at = out->data + out->size;
	status = snappy_compress((const char *)bytes, size, (char *)at + CHUNK_WORD_SIZE, &chunk_size);
	LS_ASSERT(status == SNAPPY_OK);
	ls_store_be32(at, (uint32_t)chunk_size);
	out->size += CHUNK_WORD_SIZE + chunk_size;
	return 0;
}

static int snappy_encoder_write(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	struct snappy_encoder *snappy = (struct snappy_encoder *)encoder;

	return ls_block_write(&snappy->block, encoder, write_chunk, bytes, size);
}

static int snappy_encoder_finish(struct ls_encoder *encoder)
{
	struct snappy_encoder *snappy = (struct snappy_encoder *)encoder;

	return ls_block_flush(&snappy->block, encoder, write_chunk);
}

const struct ls_codec_ops ls_codec_snappy = {
	.name = "snappy",
	.level_default = LOGSTORE_LEVEL_DEFAULT,
	.level_min = 0,
	.level_max = -1,
	.decoder_size = sizeof(struct snappy_decoder),
	.encoder_size = sizeof(struct snappy_encoder),
	.decoder_fini = snappy_decoder_fini,
	.decoder_start = snappy_decoder_start,
	.decoder_step = snappy_decoder_step,
	.encoder_init = snappy_encoder_init,
	.encoder_fini = snappy_encoder_fini,
	.encoder_start = snappy_encoder_start,
	.encoder_write = snappy_encoder_write,
	.encoder_finish = snappy_encoder_finish,
};
