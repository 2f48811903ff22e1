/*
 * The LZ4 frame as Kafka writes and reads it. The frame is made and taken apart here, over liblz4's block
 * functions, because Kafka's rules are its own: it refuses dependent blocks and dictionaries, skips the
 * content size and does not look at the content checksum.
 *
 *  at size  field
 *   0  4    magic 04 22 4D 18
 *   4  1    FLG: version 01, then independent blocks, block checksums, content size, content checksum, 2 x 0
 *   5  1    BD: 0, largest block (4 to 7), 4 x 0
 *   6  8    content size, if FLG says so
 *      1    HC: second byte of xxHash32(FLG .. content size)
 *           blocks: uint32 length (high bit: stored as it is), bytes, uint32 xxHash32 if FLG says so
 *      4    end mark 0, then 4 bytes of content checksum if FLG says so
 *
 * A decoded block is at most 4 MiB; its buffer is made when the first compressed block needs it.
 */
#include <errno.h>
#include <lz4.h>
#include <lz4hc.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "format/codec_internal.h"

#define MAGIC 0x184D2204u
#define MAGIC_SIZE 4u
#define FLG_VERSION_MASK 0xc0u
#define FLG_VERSION 0x40u
#define FLG_INDEPENDENT 0x20u
#define FLG_BLOCK_CHECKSUM 0x10u
#define FLG_CONTENT_SIZE 0x08u
#define FLG_CONTENT_CHECKSUM 0x04u
#define FLG_RESERVED 0x03u
#define BD_RESERVED 0x8fu
#define BD_SHIFT 4
#define BD_SMALLEST 4u
#define CONTENT_SIZE_SIZE 8u
#define WORD_SIZE 4u          /* block length, end mark, checksums */
#define BLOCK_RAW 0x80000000u

#define WRITTEN_BLOCK ((size_t)64 << 10)
#define LEVEL_FAST 9

static const uint8_t header_bytes[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82};

struct lz4_decoder {
	struct ls_decoder base;
	bool header_read;
	uint8_t flg;
	size_t block_max;  /* decoded, from BD */
	uint8_t *buffer;   /* one decoded block */
	size_t capacity;
};

static const char *descriptor_error(uint8_t flg, uint8_t bd)
{
	if ((flg & FLG_VERSION_MASK) != FLG_VERSION)
		return "frame version is not 1";
	if (!(flg & FLG_INDEPENDENT))
		return "frame has dependent blocks, which Kafka does not support";
	if (flg & FLG_RESERVED)
		return "reserved bits of the frame flags are set";
	if ((bd & BD_RESERVED) || bd >> BD_SHIFT < BD_SMALLEST)
		return "unknown block size in the frame header";
	return NULL;
}

static int read_header(struct lz4_decoder *lz4, struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &lz4->base;
	const uint8_t *descriptor = decoder->input + MAGIC_SIZE;
	size_t size = 2;
	const char *what;

	if (decoder->input_size < MAGIC_SIZE + size)
		return ls_decoder_corrupt(decoder, ret_error, "data ends inside the frame header");
	if (ls_load_le32(decoder->input) != MAGIC)
		return ls_decoder_corrupt(decoder, ret_error, "no lz4 frame");
	what = descriptor_error(descriptor[0], descriptor[1]);
	if (what)
		return ls_decoder_corrupt(decoder, ret_error, what);
	if (descriptor[0] & FLG_CONTENT_SIZE)
		size += CONTENT_SIZE_SIZE;
	if (decoder->input_size - MAGIC_SIZE < size + 1)
		return ls_decoder_corrupt(decoder, ret_error, "data ends inside the frame header");
	if (!decoder->legacy_lz4 && ((XXH32(descriptor, size, 0) >> 8) & 0xff) != descriptor[size])
		return ls_decoder_corrupt(decoder, ret_error, "checksum of the frame header differs");
	lz4->header_read = true;
	lz4->flg = descriptor[0];
	lz4->block_max = (size_t)1 << (8 + 2 * (descriptor[1] >> BD_SHIFT));
	decoder->position = MAGIC_SIZE + size + 1;
	return 0;
}

/* The content checksum has to be there, but Kafka does not compare it. */
static int read_end_mark(struct lz4_decoder *lz4, struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &lz4->base;
	size_t size = WORD_SIZE + (lz4->flg & FLG_CONTENT_CHECKSUM ? WORD_SIZE : 0);

	if (ls_decoder_input_left(decoder) < size)
		return ls_decoder_corrupt(decoder, ret_error, "data ends before the content checksum");
	decoder->position += size;
	decoder->ended = true;
	return 0;
}

static int reserve_buffer(struct lz4_decoder *lz4)
{
	const struct ls_env *env = lz4->base.env;

	if (lz4->capacity >= lz4->block_max)
		return 0;
	lz4->buffer = ls_free(env, lz4->buffer);
	lz4->capacity = 0;
	lz4->buffer = ls_alloc(env, lz4->block_max);
	if (!lz4->buffer)
		return -ENOMEM;
	lz4->capacity = lz4->block_max;
	return 0;
}

/* A compressed block, into the caller's `buffer` if every possible one fits there. */
static int decode_block(struct lz4_decoder *lz4, const uint8_t *bytes, uint32_t block_size,
                        uint8_t *buffer, size_t room, size_t *size, struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &lz4->base;
	bool in_place = room >= lz4->block_max;
	int n;

	if (!in_place) {
		int r = reserve_buffer(lz4);

		if (r < 0)
			return r;
		buffer = lz4->buffer;
	}
	n = LZ4_decompress_safe((const char *)bytes, (char *)buffer, (int)block_size, (int)lz4->block_max);
	if (n < 0)
		return ls_decoder_corrupt(decoder, ret_error, "malformed block");
	if (in_place) {
		*size = (size_t)n;
	} else {
		decoder->pending = buffer;
		decoder->pending_size = (size_t)n;
	}
	return 0;
}

static int read_block(struct lz4_decoder *lz4, uint8_t *buffer, size_t room, size_t *size,
                      struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &lz4->base;
	const uint8_t *bytes = decoder->input + decoder->position + WORD_SIZE;
	size_t checksum_size = lz4->flg & FLG_BLOCK_CHECKSUM ? WORD_SIZE : 0;
	uint32_t word = ls_load_le32(decoder->input + decoder->position);
	uint32_t block_size = word & ~BLOCK_RAW;

	if (block_size > lz4->block_max)
		return ls_decoder_corrupt(decoder, ret_error, "block is larger than the frame header allows");
	if (ls_decoder_input_left(decoder) - WORD_SIZE < block_size + checksum_size)
		return ls_decoder_corrupt(decoder, ret_error, "data ends inside a block");
	if (checksum_size > 0 && XXH32(bytes, block_size, 0) != ls_load_le32(bytes + block_size))
		return ls_decoder_corrupt(decoder, ret_error, "checksum of a block differs");
	if (word & BLOCK_RAW) {
		decoder->pending = bytes;
		decoder->pending_size = block_size;
	} else {
		int r = decode_block(lz4, bytes, block_size, buffer, room, size, ret_error);

		if (r < 0)
			return r;
	}
	decoder->position += WORD_SIZE + block_size + checksum_size;
	return 0;
}

static int lz4_decoder_step(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *size,
                            struct logstore_error *ret_error)
{
	struct lz4_decoder *lz4 = (struct lz4_decoder *)decoder;

	if (!lz4->header_read)
		return read_header(lz4, ret_error);
	if (ls_decoder_input_left(decoder) < WORD_SIZE)
		return ls_decoder_corrupt(decoder, ret_error, "data ends before the end mark");
	if ((ls_load_le32(decoder->input + decoder->position) & ~BLOCK_RAW) == 0)
		return read_end_mark(lz4, ret_error);
	return read_block(lz4, buffer, room, size, ret_error);
}

static void lz4_decoder_start(struct ls_decoder *decoder)
{
	struct lz4_decoder *lz4 = (struct lz4_decoder *)decoder;

	lz4->header_read = false;
}

static void lz4_decoder_fini(struct ls_decoder *decoder)
{
	struct lz4_decoder *lz4 = (struct lz4_decoder *)decoder;

	lz4->buffer = ls_free(decoder->env, lz4->buffer);
}

struct lz4_encoder {
	struct ls_encoder base;
	int32_t level;
	void *fast_state;
	void *hc_state;    /* made for the first level that needs it */
	struct ls_block block;
};

static int lz4_encoder_init(struct ls_encoder *encoder)
{
	struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;

	lz4->fast_state = ls_alloc(encoder->env, (size_t)LZ4_sizeofState());
	lz4->block.block_size = WRITTEN_BLOCK;
	lz4->block.bytes = ls_alloc(encoder->env, WRITTEN_BLOCK);
	return lz4->fast_state && lz4->block.bytes ? 0 : -ENOMEM;
}

static void lz4_encoder_fini(struct ls_encoder *encoder)
{
	struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;

	lz4->fast_state = ls_free(encoder->env, lz4->fast_state);
	lz4->hc_state = ls_free(encoder->env, lz4->hc_state);
	lz4->block.bytes = ls_free(encoder->env, lz4->block.bytes);
}

static int lz4_encoder_start(struct ls_encoder *encoder, int32_t level)
{
	struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;

	lz4->level = level;
	lz4->block.size = 0;
	if (level != LEVEL_FAST && !lz4->hc_state) {
		lz4->hc_state = ls_alloc(encoder->env, (size_t)LZ4_sizeofStateHC());
		if (!lz4->hc_state)
			return -ENOMEM;
	}
	return ls_buf_append(encoder->out, header_bytes, sizeof header_bytes);
}

static int write_block(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;
	struct ls_buf *out = encoder->out;
	int bound = LZ4_compressBound((int)size);
	uint8_t *at;
	char *block;
	int n;
	int r = ls_buf_reserve(out, WORD_SIZE + (size_t)bound);

	if (r < 0)
		return r;
	at = out->data + out->size;
	block = (char *)at + WORD_SIZE;
	if (lz4->level == LEVEL_FAST)
		n = LZ4_compress_fast_extState(lz4->fast_state, (const char *)bytes, block, (int)size, bound,
		                               1);
	else
		n = LZ4_compress_HC_extStateHC(lz4->hc_state, (const char *)bytes, block, (int)size, bound,
		                               lz4->level);
	LS_ASSERT(n > 0);
	if ((size_t)n < size) {
		ls_store_le32(at, (uint32_t)n);
	} else {
		memcpy(block, bytes, size);
		n = (int)size;
		ls_store_le32(at, (uint32_t)size | BLOCK_RAW);
	}
	out->size += WORD_SIZE + (size_t)n;
	return 0;
}

static int lz4_encoder_write(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;

	return ls_block_write(&lz4->block, encoder, write_block, bytes, size);
}

static int lz4_encoder_finish(struct ls_encoder *encoder)
{
	static const uint8_t end_mark[WORD_SIZE];
	struct lz4_encoder *lz4 = (struct lz4_encoder *)encoder;
	int r = ls_block_flush(&lz4->block, encoder, write_block);

	if (r < 0)
		return r;
	return ls_buf_append(encoder->out, end_mark, sizeof end_mark);
}

const struct ls_codec_ops ls_codec_lz4 = {
	.name = "lz4",
	.level_default = LEVEL_FAST,
	.level_min = 1,
	.level_max = 17,
	.decoder_size = sizeof(struct lz4_decoder),
	.encoder_size = sizeof(struct lz4_encoder),
	.decoder_fini = lz4_decoder_fini,
	.decoder_start = lz4_decoder_start,
	.decoder_step = lz4_decoder_step,
	.encoder_init = lz4_encoder_init,
	.encoder_fini = lz4_encoder_fini,
	.encoder_start = lz4_encoder_start,
	.encoder_write = lz4_encoder_write,
	.encoder_finish = lz4_encoder_finish,
};
