/*
 * The five codecs behind one interface: what is common to all is here, the formats are in codec_*.c.
 *
 * Invariants of a decoder
 * I1  at most `cap` bytes reach the caller; the byte that would be one too many goes into a probe
 * I2  a step that neither consumes input nor produces output is the last one, so a read terminates
 * I3  after a failure every read fails alike until the next start
 * An encoder that fails leaves its output buffer as long as it was when the encoding began.
 *
 * Threads: an object belongs to one thread at a time. Memory comes from the environment, except what
 * libzstd and libsnappy allocate for themselves.
 */
#include "format/codec.h"

#include <errno.h>
#include <inttypes.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/codec_internal.h"

static int none_decoder_step(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *size,
                             struct logstore_error *ret_error)
{
	(void)buffer;
	(void)room;
	(void)size;
	(void)ret_error;
	decoder->pending = decoder->input;
	decoder->pending_size = decoder->input_size;
	decoder->position = decoder->input_size;
	decoder->ended = true;
	return 0;
}

static int none_encoder_write(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	return ls_buf_append(encoder->out, bytes, size);
}

static const struct ls_codec_ops codec_none = {
	.name = "none",
	.level_default = LOGSTORE_LEVEL_DEFAULT,
	.level_min = 0,
	.level_max = -1,
	.decoder_size = sizeof(struct ls_decoder),
	.encoder_size = sizeof(struct ls_encoder),
	.decoder_step = none_decoder_step,
	.encoder_write = none_encoder_write,
};

static const struct ls_codec_ops *const codecs[] = {
	[LOGSTORE_CODEC_NONE] = &codec_none,
	[LOGSTORE_CODEC_GZIP] = &ls_codec_gzip,
	[LOGSTORE_CODEC_SNAPPY] = &ls_codec_snappy,
	[LOGSTORE_CODEC_LZ4] = &ls_codec_lz4,
	[LOGSTORE_CODEC_ZSTD] = &ls_codec_zstd,
};

static const struct ls_codec_ops *codec_ops(int codec)
{
	if (codec < 0 || (size_t)codec >= sizeof codecs / sizeof codecs[0])
		return NULL;
	return codecs[codec];
}

const char *ls_codec_name(int codec)
{
	const struct ls_codec_ops *ops = codec_ops(codec);

	return ops ? ops->name : NULL;
}

bool ls_codec_level_valid(int codec, int32_t level)
{
	const struct ls_codec_ops *ops = codec_ops(codec);

	if (!ops)
		return false;
	return level == LOGSTORE_LEVEL_DEFAULT || level == ops->level_default ||
	       (level >= ops->level_min && level <= ops->level_max);
}

int ls_decoder_new(const struct ls_env *env, int codec, struct ls_decoder **ret_decoder)
{
	const struct ls_codec_ops *ops = codec_ops(codec);
	struct ls_decoder *decoder;
	int r;

	if (!ops)
		return LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE;
	decoder = ls_calloc(env, 1, ops->decoder_size);
	if (!decoder)
		return -ENOMEM;
	decoder->env = env;
	decoder->ops = ops;
	decoder->codec = codec;
	r = ops->decoder_init ? ops->decoder_init(decoder) : 0;
	if (r < 0) {
		(void)ls_decoder_free(decoder); /* always NULL */
		return r;
	}
	*ret_decoder = decoder;
	return 0;
}

struct ls_decoder *ls_decoder_free(struct ls_decoder *decoder)
{
	if (!decoder)
		return NULL;
	if (decoder->ops->decoder_fini)
		decoder->ops->decoder_fini(decoder);
	return ls_free(decoder->env, decoder);
}

int ls_decoder_codec(const struct ls_decoder *decoder)
{
	return decoder->codec;
}

int ls_decoder_start(struct ls_decoder *decoder, const void *bytes, size_t size, uint64_t cap,
                     bool legacy_lz4)
{
	static const uint8_t nothing[1];

	decoder->started = true;
	decoder->legacy_lz4 = legacy_lz4;
	decoder->ended = false;
	decoder->failure = 0;
	decoder->input = size > 0 ? bytes : nothing;
	decoder->input_size = size;
	decoder->position = 0;
	decoder->pending = NULL;
	decoder->pending_size = 0;
	decoder->cap_left = cap;
	if (decoder->ops->decoder_start)
		decoder->ops->decoder_start(decoder);
	return 0;
}

int ls_decoder_corrupt(const struct ls_decoder *decoder, struct logstore_error *ret_error, const char *what)
{
	LS_ASSERT(decoder->position <= decoder->input_size);
	return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, (int64_t)decoder->position,
	                  "%s data: %s", decoder->ops->name, what);
}

int ls_decoder_over_cap(const struct ls_decoder *decoder, struct logstore_error *ret_error)
{
	return ls_error(ret_error, LOGSTORE_E_LIMIT_EXCEEDED,
	                "%zu bytes of %s data decompress to more bytes than the limit allows",
	                decoder->input_size, decoder->ops->name);
}

/* The next bytes, without regard to the cap. *ret_size 0 is the end. */
static int next_bytes(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *ret_size,
                      struct logstore_error *ret_error)
{
	size_t size = 0;

	while (size == 0 && decoder->pending_size == 0 && !decoder->ended) {
		size_t before = decoder->position;
		int r = decoder->ops->decoder_step(decoder, buffer, room, &size, ret_error);

		if (r < 0)
			return r;
		if (size == 0 && decoder->pending_size == 0 && !decoder->ended && decoder->position == before)
			return ls_decoder_corrupt(decoder, ret_error, "it ends too early"); /* I2 */
	}
	if (size == 0 && decoder->pending_size > 0) {
		size = room < decoder->pending_size ? room : decoder->pending_size;
		memcpy(buffer, decoder->pending, size);
		decoder->pending += size;
		decoder->pending_size -= size;
	}
	LS_ASSERT(size <= room);
	*ret_size = size;
	return 0;
}

int ls_decoder_read(struct ls_decoder *decoder, void *buffer, size_t room, size_t *ret_size,
                    struct logstore_error *ret_error)
{
	size_t size;
	uint8_t probe;
	int r;

	LS_ASSERT(decoder->started && room > 0);
	if (decoder->failure < 0)
		return ls_error(ret_error, decoder->failure, "%s data: reading it failed before",
		                decoder->ops->name);
	if (decoder->cap_left == 0) {
		r = next_bytes(decoder, &probe, 1, &size, ret_error);
		if (r == 0 && size > 0)
			r = ls_decoder_over_cap(decoder, ret_error); /* I1 */
	} else {
		if (room > decoder->cap_left)
			room = (size_t)decoder->cap_left;
		r = next_bytes(decoder, buffer, room, &size, ret_error);
	}
	if (r == -ENOMEM)
		r = ls_error(ret_error, r, "no memory to decompress %s data", decoder->ops->name);
	if (r < 0) {
		decoder->failure = r; /* I3 */
		return r;
	}
	decoder->cap_left -= size;
	*ret_size = size;
	return 0;
}

int ls_encoder_new(const struct ls_env *env, int codec, struct ls_encoder **ret_encoder)
{
	const struct ls_codec_ops *ops = codec_ops(codec);
	struct ls_encoder *encoder;
	int r;

	if (!ops)
		return LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE;
	encoder = ls_calloc(env, 1, ops->encoder_size);
	if (!encoder)
		return -ENOMEM;
	encoder->env = env;
	encoder->ops = ops;
	encoder->codec = codec;
	r = ops->encoder_init ? ops->encoder_init(encoder) : 0;
	if (r < 0) {
		(void)ls_encoder_free(encoder); /* always NULL */
		return r;
	}
	*ret_encoder = encoder;
	return 0;
}

struct ls_encoder *ls_encoder_free(struct ls_encoder *encoder)
{
	if (!encoder)
		return NULL;
	if (encoder->ops->encoder_fini)
		encoder->ops->encoder_fini(encoder);
	return ls_free(encoder->env, encoder);
}

int ls_encoder_codec(const struct ls_encoder *encoder)
{
	return encoder->codec;
}

/* After a failure nothing of the encoding stays behind. */
static int encoder_done(struct ls_encoder *encoder, int r)
{
	if (r < 0) {
		encoder->out->size = encoder->out_begin;
		encoder->out = NULL;
	}
	return r;
}

int ls_encoder_start(struct ls_encoder *encoder, int32_t level, struct ls_buf *out)
{
	const struct ls_codec_ops *ops = encoder->ops;

	encoder->out = NULL;
	if (!ls_codec_level_valid(encoder->codec, level))
		return LOGSTORE_E_INVALID_CONFIG;
	encoder->out = out;
	encoder->out_begin = out->size;
	if (!ops->encoder_start)
		return 0;
	if (level == LOGSTORE_LEVEL_DEFAULT)
		level = ops->level_default;
	return encoder_done(encoder, ops->encoder_start(encoder, level));
}

int ls_encoder_write(struct ls_encoder *encoder, const void *bytes, size_t size)
{
	LS_ASSERT(encoder->out != NULL);
	if (size == 0)
		return 0;
	return encoder_done(encoder, encoder->ops->encoder_write(encoder, bytes, size));
}

int ls_encoder_finish(struct ls_encoder *encoder)
{
	int r;

	LS_ASSERT(encoder->out != NULL);
	r = encoder->ops->encoder_finish ? encoder->ops->encoder_finish(encoder) : 0;
	r = encoder_done(encoder, r);
	encoder->out = NULL;
	return r;
}

int ls_block_write(struct ls_block *block, struct ls_encoder *encoder, ls_block_emit_fn emit,
                   const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		size_t part = block->block_size - block->size;
		int r;

		if (block->size == 0 && size >= block->block_size) {
			r = emit(encoder, bytes, part);
			if (r < 0)
				return r;
		} else {
			if (part > size)
				part = size;
			memcpy(block->bytes + block->size, bytes, part);
			block->size += part;
			r = block->size == block->block_size ? ls_block_flush(block, encoder, emit) : 0;
			if (r < 0)
				return r;
		}
		bytes += part;
		size -= part;
	}
	return 0;
}

int ls_block_flush(struct ls_block *block, struct ls_encoder *encoder, ls_block_emit_fn emit)
{
	size_t size = block->size;

	block->size = 0;
	return size > 0 ? emit(encoder, block->bytes, size) : 0;
}
