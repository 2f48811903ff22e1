/*
 * Decoders of compressed data. FUZZ_CODEC (1 to 4, an enum logstore_codec) chooses the codec at compile time.
 *
 * The first byte of the input says how: its low 7 bits the room of a read, its high bit whether it is an lz4
 * frame of magic 0. The rest is decoded twice, with that room and with a large one, below a cap of 16 MiB.
 * Both must agree; what they yield is encoded again, and that must decode to the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/codec.h"

#ifndef FUZZ_CODEC
#error "compile with -DFUZZ_CODEC=1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)"
#endif

#define CAP (UINT64_C(16) << 20)
#define LARGE_ROOM ((size_t)5 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Each read goes to its end, so that an overrun is noticed. */
static uint8_t scratch[LARGE_ROOM];

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s: %s\n", ls_codec_name(FUZZ_CODEC), what);
	abort();
}

/* Returns what the decoder returned; all that came out is in `out`. */
static int decode(const struct ls_env *env, const uint8_t *bytes, size_t size, bool legacy_lz4, size_t room,
                  struct ls_buf *out)
{
	struct logstore_error error = {0};
	uint8_t *buffer = scratch + sizeof scratch - room;
	struct ls_decoder *decoder;
	size_t n;
	int r;

	ls_buf_init(out, env);
	require(ls_decoder_new(env, FUZZ_CODEC, &decoder) == 0, "no decoder");
	r = ls_decoder_start(decoder, bytes, size, CAP, legacy_lz4);
	require(r == 0, "no start");
	do {
		n = 0;
		r = ls_decoder_read(decoder, buffer, room, &n, &error);
		require(n <= room, "more bytes than asked for");
		require(ls_buf_append(out, buffer, n) == 0, "no memory");
	} while (n > 0);
	require(out->size <= CAP, "more bytes than the cap");
	require(r == 0 || r == LOGSTORE_E_CORRUPT_MESSAGE || r == LOGSTORE_E_LIMIT_EXCEEDED, "untyped error");
	require(r == error.code, "error without detail");
	require(r != LOGSTORE_E_CORRUPT_MESSAGE || (error.position >= 0 && (uint64_t)error.position <= size),
	        "position outside the input");
	(void)ls_decoder_free(decoder); /* always NULL */
	return r;
}

static void require_equal(const struct ls_buf *a, const struct ls_buf *b, const char *what)
{
	require(a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0), what);
}

static void encode_again(const struct ls_env *env, const struct ls_buf *data, size_t piece)
{
	struct ls_encoder *encoder;
	struct ls_buf encoded, decoded;

	ls_buf_init(&encoded, env);
	require(ls_encoder_new(env, FUZZ_CODEC, &encoder) == 0, "no encoder");
	require(ls_encoder_start(encoder, LOGSTORE_LEVEL_DEFAULT, &encoded) == 0, "no start of the encoder");
	for (size_t at = 0; at < data->size; at += piece) {
		size_t left = data->size - at;

		if (left > piece)
			left = piece;
		require(ls_encoder_write(encoder, data->data + at, left) == 0, "write");
	}
	require(ls_encoder_finish(encoder) == 0, "finish");
	require(decode(env, encoded.data, encoded.size, false, LARGE_ROOM, &decoded) == 0,
	        "own output is refused");
	require_equal(data, &decoded, "own output decodes to other bytes");
	(void)ls_encoder_free(encoder); /* always NULL */
	ls_buf_fini(&encoded);
	ls_buf_fini(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct ls_buf small, large;
	bool legacy_lz4;
	size_t room;
	struct ls_env env;
	int r;

	if (size == 0)
		return 0;
	ls_env_resolve(NULL, &env);
	room = 1 + (input[0] & 0x7fu);
	legacy_lz4 = input[0] & 0x80;
	r = decode(&env, input + 1, size - 1, legacy_lz4, room, &small);
	require((decode(&env, input + 1, size - 1, legacy_lz4, LARGE_ROOM, &large) == 0) == (r == 0),
	        "the room makes a difference");
	if (r == 0) {
		require_equal(&small, &large, "the room makes a difference to the bytes");
		encode_again(&env, &small, room * 1000);
	}
	ls_buf_fini(&small);
	ls_buf_fini(&large);
	return 0;
}
