/*
 * Between codec.c and codec_*.c: the tables of functions that make a codec, and what codec.c keeps for
 * all of them. codec.c owns the cap, the sticky failure and the handing out of pending bytes; a codec_*.c
 * knows its format alone.
 */
#ifndef LS_FORMAT_CODEC_INTERNAL_H
#define LS_FORMAT_CODEC_INTERNAL_H

#include "format/codec.h"

struct ls_decoder {
	const struct ls_env *env;
	const struct ls_codec_ops *ops;
	int codec;
	bool started;
	bool legacy_lz4;
	bool ended;             /* set by ops: nothing follows the pending bytes */
	int failure;            /* what an earlier read returned */
	const uint8_t *input;   /* never null once started */
	size_t input_size;
	size_t position;        /* set by ops: input consumed so far; the place of an error */
	const uint8_t *pending; /* set by ops: decoded bytes, there until the next step */
	size_t pending_size;
	uint64_t cap_left;      /* bytes that may still come out */
};

struct ls_encoder {
	const struct ls_env *env;
	const struct ls_codec_ops *ops;
	int codec;
	struct ls_buf *out;     /* null unless started */
	size_t out_begin;       /* its size at the start, restored by a failure */
};

struct ls_codec_ops {
	const char *name;

	/* Levels beside the default one; none if min > max. */
	int32_t level_default;
	int32_t level_min;
	int32_t level_max;

	/* Sizes of the structs that begin with struct ls_decoder and struct ls_encoder. They start zeroed. */
	size_t decoder_size;
	size_t encoder_size;

	/* Each may be null if there is nothing to do. fini is called even after a failed init. */
	int (*decoder_init)(struct ls_decoder *decoder);
	void (*decoder_fini)(struct ls_decoder *decoder);
	void (*decoder_start)(struct ls_decoder *decoder);

	/*
	 * One step, called while nothing is pending and the end has not come. It writes up to `room` bytes
	 * and says how many in *size (0 before the call), or sets pending, or sets ended, or at least
	 * consumes input: a step without any of these tells codec.c that the data ends too early. The rest
	 * of `buffer` may be overwritten.
	 */
	int (*decoder_step)(struct ls_decoder *decoder, uint8_t *buffer, size_t room, size_t *size,
	                    struct logstore_error *ret_error);

	int (*encoder_init)(struct ls_encoder *encoder);
	void (*encoder_fini)(struct ls_encoder *encoder);
	/* `level` is valid and never LOGSTORE_LEVEL_DEFAULT unless that is the only one. */
	int (*encoder_start)(struct ls_encoder *encoder, int32_t level);
	int (*encoder_write)(struct ls_encoder *encoder, const uint8_t *bytes, size_t size);
	int (*encoder_finish)(struct ls_encoder *encoder);
};

extern const struct ls_codec_ops ls_codec_gzip;
extern const struct ls_codec_ops ls_codec_snappy;
extern const struct ls_codec_ops ls_codec_lz4;
extern const struct ls_codec_ops ls_codec_zstd;

/* LOGSTORE_E_CORRUPT_MESSAGE at the decoder's position. */
int ls_decoder_corrupt(const struct ls_decoder *decoder, struct logstore_error *ret_error, const char *what);
/* LOGSTORE_E_LIMIT_EXCEEDED. */
int ls_decoder_over_cap(const struct ls_decoder *decoder, struct logstore_error *ret_error);

static inline size_t ls_decoder_input_left(const struct ls_decoder *decoder)
{
	return decoder->input_size - decoder->position;
}

/*
 * Input of an encoder gathered into blocks of one size, whatever the sizes of the pieces it comes in.
 * `emit` gets a whole block, or in ls_block_flush() what is left; it may lie in the caller's piece.
 */
struct ls_block {
	uint8_t *bytes; /* block_size of them */
	size_t size;
	size_t block_size;
};

typedef int (*ls_block_emit_fn)(struct ls_encoder *encoder, const uint8_t *bytes, size_t size);

int ls_block_write(struct ls_block *block, struct ls_encoder *encoder, ls_block_emit_fn emit,
                   const uint8_t *bytes, size_t size);
int ls_block_flush(struct ls_block *block, struct ls_encoder *encoder, ls_block_emit_fn emit);

#endif
