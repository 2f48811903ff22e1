/*
 * zstd (RFC 8878) by libzstd's streams. Written: one frame without content size, checksum or dictionary.
 * Read: frames one after another, skippable ones too, until the input ends between two of them.
 *
 * libzstd allocates for itself: a decoder up to the window that a frame asks for, which its default limit
 * keeps at 128 MiB; a larger window is refused as Kafka does. Pages of a window are touched only as far
 * as output fills them. Frames of the versions before 1.0 are not read: their decoders have no such limit.
 */
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "format/codec_internal.h"

#define MAGIC_SIZE 4u
/* Room made in the output before each call of the compressor. */
#define OUT_STEP ((size_t)8 << 10)
#define LEVEL_DEFAULT 3
#define LEVEL_MIN (-131072)
#define LEVEL_MAX 22

struct zstd_decoder {
	struct ls_decoder base;
	bool in_frame;
	ZSTD_DCtx *context;
};

static int zstd_decoder_init(struct ls_decoder *decoder)
{
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;

	zstd->context = ZSTD_createDCtx();
	return zstd->context ? 0 : -ENOMEM;
}

static void zstd_decoder_fini(struct ls_decoder *decoder)
{
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;

	(void)ZSTD_freeDCtx(zstd->context); /* 0 for every context, NULL too */
}

static void zstd_decoder_start(struct ls_decoder *decoder)
{
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
	size_t r = ZSTD_DCtx_reset(zstd->context, ZSTD_reset_session_only);

	LS_ASSERT(!ZSTD_isError(r));
	zstd->in_frame = false;
}

static int begin_frame(struct zstd_decoder *zstd, struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &zstd->base;
	uint32_t magic;

	if (ls_decoder_input_left(decoder) < MAGIC_SIZE)
		return ls_decoder_corrupt(decoder, ret_error, "data ends inside a frame header");
	magic = ls_load_le32(decoder->input + decoder->position);
	if (magic != ZSTD_MAGICNUMBER && (magic & ZSTD_MAGIC_SKIPPABLE_MASK) != ZSTD_MAGIC_SKIPPABLE_START)
		return ls_decoder_corrupt(decoder, ret_error, "no zstd frame");
	zstd->in_frame = true;
	return 0;
}

static int zstd_decoder_step(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *size,
                             struct logstore_error *ret_error)
{
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
	ZSTD_inBuffer in = {.src = decoder->input, .size = decoder->input_size, .pos = decoder->position};
	ZSTD_outBuffer out = {.dst = buffer, .size = room, .pos = 0};
	size_t hint;

	if (!zstd->in_frame) {
		int r;

		decoder->ended = ls_decoder_input_left(decoder) == 0;
		r = decoder->ended ? 0 : begin_frame(zstd, ret_error);
		if (r < 0 || decoder->ended)
			return r;
	}
	hint = ZSTD_decompressStream(zstd->context, &out, &in);
	if (ZSTD_isError(hint)) {
		if (ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation)
			return -ENOMEM;
		return ls_decoder_corrupt(decoder, ret_error, ZSTD_getErrorName(hint));
	}
	decoder->position = in.pos;
	*size = out.pos;
	zstd->in_frame = hint != 0;
	return 0;
}

struct zstd_encoder {
	struct ls_encoder base;
	ZSTD_CCtx *context;
};

static int zstd_encoder_init(struct ls_encoder *encoder)
{
	struct zstd_encoder *zstd = (struct zstd_encoder *)encoder;

	zstd->context = ZSTD_createCCtx();
	return zstd->context ? 0 : -ENOMEM;
}

static void zstd_encoder_fini(struct ls_encoder *encoder)
{
	struct zstd_encoder *zstd = (struct zstd_encoder *)encoder;

	(void)ZSTD_freeCCtx(zstd->context); /* 0 for every context, NULL too */
}

static int zstd_encoder_start(struct ls_encoder *encoder, int32_t level)
{
	struct zstd_encoder *zstd = (struct zstd_encoder *)encoder;
	size_t r = ZSTD_CCtx_reset(zstd->context, ZSTD_reset_session_only);

	LS_ASSERT(!ZSTD_isError(r));
	r = ZSTD_CCtx_setParameter(zstd->context, ZSTD_c_compressionLevel, level);
	LS_ASSERT(!ZSTD_isError(r));
	/* A small batch that ends with its first call would have its size written. */
	r = ZSTD_CCtx_setParameter(zstd->context, ZSTD_c_contentSizeFlag, 0);
	LS_ASSERT(!ZSTD_isError(r));
	return 0;
}

static int compress(struct zstd_encoder *zstd, ZSTD_inBuffer in, ZSTD_EndDirective directive)
{
	struct ls_buf *buf = zstd->base.out;
	size_t left;

	do {
		ZSTD_outBuffer out;
		int r = ls_buf_reserve(buf, OUT_STEP);

		if (r < 0)
			return r;
		out = (ZSTD_outBuffer){.dst = buf->data, .size = buf->capacity, .pos = buf->size};
		left = ZSTD_compressStream2(zstd->context, &out, &in, directive);
		if (ZSTD_isError(left)) {
			LS_ASSERT(ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation);
			return -ENOMEM;
		}
		buf->size = out.pos;
	} while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

static int zstd_encoder_write(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	struct zstd_encoder *zstd = (struct zstd_encoder *)encoder;

	return compress(zstd, (ZSTD_inBuffer){.src = bytes, .size = size, .pos = 0}, ZSTD_e_continue);
}

static int zstd_encoder_finish(struct ls_encoder *encoder)
{
	struct zstd_encoder *zstd = (struct zstd_encoder *)encoder;

	return compress(zstd, (ZSTD_inBuffer){.src = NULL, .size = 0, .pos = 0}, ZSTD_e_end);
}

const struct ls_codec_ops ls_codec_zstd = {
	.name = "zstd",
	.level_default = LEVEL_DEFAULT,
	.level_min = LEVEL_MIN,
	.level_max = LEVEL_MAX,
	.decoder_size = sizeof(struct zstd_decoder),
	.encoder_size = sizeof(struct zstd_encoder),
	.decoder_init = zstd_decoder_init,
	.decoder_fini = zstd_decoder_fini,
	.decoder_start = zstd_decoder_start,
	.decoder_step = zstd_decoder_step,
	.encoder_init = zstd_encoder_init,
	.encoder_fini = zstd_encoder_fini,
	.encoder_start = zstd_encoder_start,
	.encoder_write = zstd_encoder_write,
	.encoder_finish = zstd_encoder_finish,
};
