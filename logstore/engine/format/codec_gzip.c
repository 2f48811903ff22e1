/*
 * gzip (RFC 1952). Reading: the header here, the deflate data and the trailer by ISA-L, one member after
 * another. Writing: one member; header and trailer here, raw deflate data by ISA-L's igzip or, for the
 * levels it has nothing for, by zlib. docs/format/compression.md has the mapping of levels and the figures.
 *
 * Failure modes: malformed data and a wrong trailer are corrupt; bytes behind a member that do not begin
 * another one are the end, as they are to Java.
 */
#define ZLIB_CONST
#include <assert.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/mem.h"
#include "format/codec_internal.h"

#define HEADER_SIZE 10u
#define TRAILER_SIZE 8u
/* Header, an empty deflate block and trailer need two bytes more than this: Java looks no further. */
#define TAIL_IGNORED 18u

#define FLAG_HEADER_CRC 0x02u
#define FLAG_EXTRA 0x04u
#define FLAG_NAME 0x08u
#define FLAG_COMMENT 0x10u

/* Most that a library gets at once: their counters have 32 bits. */
#define PIECE_MAX ((size_t)1 << 30)
/* Room made in the output before each call of a compressor. */
#define OUT_STEP ((size_t)8 << 10)
/* igzip finds next to no matches in a short input that comes in small pieces, so it gets it in blocks. */
#define BLOCK_SIZE ((size_t)64 << 10)

/* Levels above are zlib's. */
#define IGZIP_LEVEL_LAST 6
#define LEVEL_DEFAULT (-1)

static const uint8_t header_bytes[HEADER_SIZE] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

struct gzip_decoder {
	struct ls_decoder base;
	bool in_member;
	bool later_member; /* the first one has been read */
	struct inflate_state inflate;
};

static_assert(_Alignof(struct gzip_decoder) <= 16, "fits the allocator's alignment");

/* Size of the text with its final zero, or 0 if there is no zero. */
static size_t text_size(const uint8_t *bytes, size_t size)
{
	const uint8_t *zero = memchr(bytes, 0, size);

	return zero ? (size_t)(zero - bytes) + 1 : 0;
}

/* Size of the member header at `bytes`, or 0 if it is not one that Java takes. */
static size_t header_size(const uint8_t *bytes, size_t size)
{
	size_t at = HEADER_SIZE;
	unsigned flags;

	if (size < HEADER_SIZE || memcmp(bytes, header_bytes, 3) != 0)
		return 0;
	flags = bytes[3];
	if (flags & FLAG_EXTRA) {
		size_t extra;

		if (size - at < 2)
			return 0;
		extra = ls_load_le16(bytes + at);
		at += 2;
		if (extra > size - at)
			return 0;
		at += extra;
	}
	for (unsigned flag = FLAG_NAME; flag <= FLAG_COMMENT; flag <<= 1) {
		size_t n = flags & flag ? text_size(bytes + at, size - at) : 0;

		if ((flags & flag) && n == 0)
			return 0;
		at += n;
	}
	if (flags & FLAG_HEADER_CRC) {
		if (size - at < 2 || ls_load_le16(bytes + at) != (ls_crc32(0, bytes, at) & 0xffff))
			return 0;
		at += 2;
	}
	return at;
}

static int begin_member(struct gzip_decoder *gzip, struct logstore_error *ret_error)
{
	struct ls_decoder *decoder = &gzip->base;
	size_t left = ls_decoder_input_left(decoder);
	size_t size = 0;

	if (!gzip->later_member || left > TAIL_IGNORED)
		size = header_size(decoder->input + decoder->position, left);
	if (size == 0 && gzip->later_member) {
		decoder->ended = true;
		return 0;
	}
	if (size == 0)
		return ls_decoder_corrupt(decoder, ret_error, "no gzip header, or a damaged one");
	decoder->position += size;
	gzip->in_member = true;
	isal_inflate_reset(&gzip->inflate);
	return 0;
}

static const char *inflate_error(int code)
{
	switch (code) {
	case ISAL_INVALID_BLOCK:
		return "invalid deflate block";
	case ISAL_INVALID_SYMBOL:
		return "invalid deflate symbol";
	case ISAL_INVALID_LOOKBACK:
		return "deflate distance reaches before the beginning";
	case ISAL_INCORRECT_CHECKSUM:
		return "checksum or size in the trailer differs";
	default:
		return "invalid deflate data";
	}
}

static int gzip_decoder_step(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *size,
                             struct logstore_error *ret_error)
{
	struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;
	struct inflate_state *inflate = &gzip->inflate;
	size_t left = ls_decoder_input_left(decoder);
	uint32_t avail_in = (uint32_t)(left < PIECE_MAX ? left : PIECE_MAX);
	uint32_t avail_out = (uint32_t)(room < PIECE_MAX ? room : PIECE_MAX);
	uint32_t consumed;
	int r;

	if (!gzip->in_member)
		return begin_member(gzip, ret_error);
	inflate->next_in = (uint8_t *)decoder->input + decoder->position; /* only read */
	inflate->avail_in = avail_in;
	inflate->next_out = buffer;
	inflate->avail_out = avail_out;
	r = isal_inflate(inflate);
	LS_ASSERT(inflate->avail_out <= avail_out);
	*size = avail_out - inflate->avail_out;
	/* Where the last symbol is cut off, ISA-L may count missing bits as read before it fails. */
	consumed = avail_in - inflate->avail_in;
	decoder->position += consumed < avail_in ? consumed : avail_in;
	if (r < 0 || r == ISAL_NEED_DICT || consumed > avail_in)
		return ls_decoder_corrupt(decoder, ret_error, inflate_error(r));
	if (inflate->block_state == ISAL_BLOCK_FINISH) {
		gzip->in_member = false;
		gzip->later_member = true;
	}
	return 0;
}

static int gzip_decoder_init(struct ls_decoder *decoder)
{
	struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;

	isal_inflate_init(&gzip->inflate);
	gzip->inflate.crc_flag = ISAL_GZIP_NO_HDR_VER;
	return 0;
}

static void gzip_decoder_start(struct ls_decoder *decoder)
{
	struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;

	gzip->in_member = false;
	gzip->later_member = false;
}

struct gzip_encoder {
	struct ls_encoder base;
	bool use_zlib;
	bool zlib_ready;    /* zlib's state exists: made for the first level that needs it */
	uint32_t crc;
	uint32_t size;      /* of the input, modulo 2^32 as in the trailer */
	struct ls_block block;
	uint8_t *level_buf;
	z_stream zlib;
	struct isal_zstream igzip;
};

static_assert(_Alignof(struct gzip_encoder) <= 16, "fits the allocator's alignment");

static voidpf zlib_alloc(voidpf opaque, uInt count, uInt size)
{
	return ls_realloc(opaque, NULL, count, size);
}

static void zlib_free(voidpf opaque, voidpf memory)
{
	(void)ls_free(opaque, memory); /* always NULL */
}

static int zlib_start(struct gzip_encoder *gzip, int level)
{
	int r;

	if (gzip->zlib_ready) {
		r = deflateReset(&gzip->zlib);
		LS_ASSERT(r == Z_OK);
		r = deflateParams(&gzip->zlib, level, Z_DEFAULT_STRATEGY);
		LS_ASSERT(r == Z_OK);
		return 0;
	}
	gzip->zlib.zalloc = zlib_alloc;
	gzip->zlib.zfree = zlib_free;
	gzip->zlib.opaque = (void *)gzip->base.env; /* handed back to the two functions, which only read it */
	r = deflateInit2(&gzip->zlib, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	LS_ASSERT(r == Z_OK);
	gzip->zlib_ready = true;
	return 0;
}

static void igzip_start(struct gzip_encoder *gzip, int32_t level)
{
	isal_deflate_init(&gzip->igzip);
	gzip->igzip.level = (uint32_t)level;
	gzip->igzip.level_buf = gzip->level_buf;
	gzip->igzip.level_buf_size = ISAL_DEF_LVL3_DEFAULT;
}

static int gzip_encoder_start(struct ls_encoder *encoder, int32_t level)
{
	struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;

	gzip->crc = 0;
	gzip->size = 0;
	gzip->block.size = 0;
	gzip->use_zlib = level > IGZIP_LEVEL_LAST;
	if (gzip->use_zlib) {
		int r = zlib_start(gzip, level);

		if (r < 0)
			return r;
	} else {
		if (level == LEVEL_DEFAULT || level > ISAL_DEF_MAX_LEVEL)
			level = ISAL_DEF_MAX_LEVEL;
		igzip_start(gzip, level);
	}
	return ls_buf_append(encoder->out, header_bytes, sizeof header_bytes);
}

/* One call of zlib into `room` bytes of output. Returns whether another one is needed. */
static bool zlib_step(struct gzip_encoder *gzip, uint8_t *buffer, uint32_t room, bool finish,
                      size_t *ret_size)
{
	z_stream *zlib = &gzip->zlib;
	int r;

	zlib->next_out = buffer;
	zlib->avail_out = room;
	r = deflate(zlib, finish ? Z_FINISH : Z_NO_FLUSH);
	LS_ASSERT(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR);
	*ret_size = room - zlib->avail_out;
	if (finish)
		return r != Z_STREAM_END;
	return zlib->avail_in > 0 || zlib->avail_out == 0;
}

static bool igzip_step(struct gzip_encoder *gzip, uint8_t *buffer, uint32_t room, bool finish,
                       size_t *ret_size)
{
	struct isal_zstream *igzip = &gzip->igzip;
	int r;

	igzip->next_out = buffer;
	igzip->avail_out = room;
	igzip->end_of_stream = finish;
	r = isal_deflate(igzip);
	LS_ASSERT(r == COMP_OK);
	*ret_size = room - igzip->avail_out;
	if (finish)
		return igzip->internal_state.state != ZSTATE_END;
	return igzip->avail_in > 0 || igzip->avail_out == 0;
}

static int deflate_block(struct gzip_encoder *gzip, const uint8_t *bytes, size_t size, bool finish)
{
	struct ls_buf *out = gzip->base.out;
	bool more;

	LS_ASSERT(size <= BLOCK_SIZE);
	gzip->crc = ls_crc32(gzip->crc, bytes, size);
	gzip->size += (uint32_t)size;
	gzip->zlib.next_in = bytes;
	gzip->zlib.avail_in = (uInt)size;
	gzip->igzip.next_in = (uint8_t *)bytes; /* only read */
	gzip->igzip.avail_in = (uint32_t)size;
	do {
		size_t free_bytes, n;
		uint32_t room;
		int r = ls_buf_reserve(out, OUT_STEP);

		if (r < 0)
			return r;
		free_bytes = out->capacity - out->size;
		room = (uint32_t)(free_bytes < PIECE_MAX ? free_bytes : PIECE_MAX);
		more = gzip->use_zlib ? zlib_step(gzip, out->data + out->size, room, finish, &n)
		                      : igzip_step(gzip, out->data + out->size, room, finish, &n);
		out->size += n;
	} while (more);
	return 0;
}

static int write_block(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	return deflate_block((struct gzip_encoder *)encoder, bytes, size, false);
}

static int gzip_encoder_write(struct ls_encoder *encoder, const uint8_t *bytes, size_t size)
{
	struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;

	return ls_block_write(&gzip->block, encoder, write_block, bytes, size);
}

static int gzip_encoder_finish(struct ls_encoder *encoder)
{
	struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;
	uint8_t trailer[TRAILER_SIZE];
	int r = deflate_block(gzip, gzip->block.bytes, gzip->block.size, true);

	if (r < 0)
		return r;
	ls_store_le32(trailer, gzip->crc);
	ls_store_le32(trailer + 4, gzip->size);
	return ls_buf_append(encoder->out, trailer, sizeof trailer);
}

static int gzip_encoder_init(struct ls_encoder *encoder)
{
	struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;

	gzip->block.block_size = BLOCK_SIZE;
	gzip->block.bytes = ls_alloc(encoder->env, BLOCK_SIZE);
	gzip->level_buf = ls_alloc(encoder->env, ISAL_DEF_LVL3_DEFAULT);
	return gzip->block.bytes && gzip->level_buf ? 0 : -ENOMEM;
}

static void gzip_encoder_fini(struct ls_encoder *encoder)
{
	struct gzip_encoder *gzip = (struct gzip_encoder *)encoder;

	if (gzip->zlib_ready)
		(void)deflateEnd(&gzip->zlib); /* Z_DATA_ERROR only says that an encoding was not finished */
	gzip->level_buf = ls_free(encoder->env, gzip->level_buf);
	gzip->block.bytes = ls_free(encoder->env, gzip->block.bytes);
}

const struct ls_codec_ops ls_codec_gzip = {
	.name = "gzip",
	.level_default = LEVEL_DEFAULT,
	.level_min = 1,
	.level_max = 9,
	.decoder_size = sizeof(struct gzip_decoder),
	.encoder_size = sizeof(struct gzip_encoder),
	.decoder_init = gzip_decoder_init,
	.decoder_start = gzip_decoder_start,
	.decoder_step = gzip_decoder_step,
	.encoder_init = gzip_encoder_init,
	.encoder_fini = gzip_encoder_fini,
	.encoder_start = gzip_encoder_start,
	.encoder_write = gzip_encoder_write,
	.encoder_finish = gzip_encoder_finish,
};
