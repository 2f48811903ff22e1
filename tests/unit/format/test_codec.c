/*
 * format/codec.h: what is written, byte for byte where Kafka's readers are picky; what is read, made by
 * the codecs' own libraries or by hand; caps, damage, failing allocations; and Kafka's own batches.
 */
#define ZLIB_CONST
#define XXH_INLINE_ALL
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/error_text.h"
#include "base/mem.h"
#include "format/batch.h"
#include "format/codec.h"
#include "testlib.h"

TestSuite(codec, .fini = ts_check_leaks, .timeout = 300);

#define DEFAULT LOGSTORE_LEVEL_DEFAULT
#define CORRUPT LOGSTORE_E_CORRUPT_MESSAGE
#define LIMIT LOGSTORE_E_LIMIT_EXCEEDED
#define NO_CAP UINT64_MAX
#define KIB ((size_t)1024)
#define MIB ((size_t)1 << 20)

enum {
	NONE = LOGSTORE_CODEC_NONE,
	GZIP = LOGSTORE_CODEC_GZIP,
	SNAPPY = LOGSTORE_CODEC_SNAPPY,
	LZ4 = LOGSTORE_CODEC_LZ4,
	ZSTD = LOGSTORE_CODEC_ZSTD,
	FIRST_CODEC = NONE,
	LAST_CODEC = ZSTD,
};

/* An environment that counts bytes, and remembers the most that were out at once. */
struct meter {
	struct logstore_env env;
	struct ls_env ls;
	size_t now;
	size_t peak;
};

#define METER_PREFIX 16u

static void *meter_realloc(void *ctx, void *memory, size_t size)
{
	struct meter *meter = ctx;
	uint8_t *p = memory ? (uint8_t *)memory - METER_PREFIX : NULL;

	if (p)
		meter->now -= ls_load_le64(p);
	p = realloc(p, size + METER_PREFIX);
	cr_assert_not_null(p);
	ls_store_le64(p, size);
	meter->now += size;
	if (meter->now > meter->peak)
		meter->peak = meter->now;
	return p + METER_PREFIX;
}

static void *meter_alloc(void *ctx, size_t size)
{
	return meter_realloc(ctx, NULL, size);
}

static void meter_free(void *ctx, void *memory)
{
	struct meter *meter = ctx;

	if (!memory)
		return;
	meter->now -= ls_load_le64((uint8_t *)memory - METER_PREFIX);
	free((uint8_t *)memory - METER_PREFIX);
}

static void meter_init(struct meter *meter)
{
	memset(meter, 0, sizeof *meter);
	meter->env.struct_size = sizeof meter->env;
	meter->env.allocator = (struct logstore_allocator){
		.alloc = meter_alloc,
		.realloc = meter_realloc,
		.free = meter_free,
		.ctx = meter,
	};
	ls_env_resolve(&meter->env, &meter->ls);
}

/* Never fails; its memory begins as a pattern, so that bytes nobody wrote show. */
static const struct ls_env *plain_env(void)
{
	static struct ts_alloc alloc;

	if (!alloc.ls.allocator.alloc)
		ts_alloc_init(&alloc);
	return &alloc.ls;
}

/* `size` bytes of words that repeat, or of noise. */
static uint8_t *make_data(size_t size, bool noise)
{
	static const char *const words[] = {"offset", "=", "\n", "timestamp", " ", "170000", "key", "value-"};
	struct ts_rng rng = {.state = size * 2 + noise + 1};
	uint8_t *data = malloc(size + 16);
	size_t at = 0;

	cr_assert_not_null(data);
	if (noise) {
		ts_rng_fill(&rng, data, size);
		return data;
	}
	while (at < size) {
		const char *word = words[ts_rng_below(&rng, sizeof words / sizeof words[0])];
		size_t n = strlen(word);

		memcpy(data + at, word, n);
		at += n;
	}
	return data;
}

/*
 * Memory whose end is the end of what can be accessed: the codecs' libraries are not instrumented, but they
 * meet this. It begins as a pattern.
 */
struct guarded {
	uint8_t *bytes;
	uint8_t *map;
	size_t map_size;
};

static struct guarded guarded_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (size / page + 1) * page;
	struct guarded memory = {.map_size = usable + page};

	memory.map = mmap(NULL, memory.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(memory.map, MAP_FAILED);
	cr_assert_eq(mprotect(memory.map + usable, page, PROT_NONE), 0);
	memory.bytes = memory.map + usable - size;
	memset(memory.bytes, 0xa5, size < 4096 ? size : 4096);
	return memory;
}

static struct guarded guarded_copy(const uint8_t *bytes, size_t size)
{
	struct guarded memory = guarded_new(size);

	if (size > 0)
		memcpy(memory.bytes, bytes, size);
	return memory;
}

static void guarded_free(struct guarded *memory)
{
	cr_assert_eq(munmap(memory->map, memory->map_size), 0);
}

static int encode_with(struct ls_encoder *encoder, int32_t level, const uint8_t *data, size_t size,
                       size_t piece, struct ls_buf *out)
{
	int r = ls_encoder_start(encoder, level, out);

	for (size_t at = 0; r == 0 && at < size; at += piece)
		r = ls_encoder_write(encoder, data + at, size - at < piece ? size - at : piece);
	return r < 0 ? r : ls_encoder_finish(encoder);
}

/* A fresh buffer with `data` encoded; it must work. */
static struct ls_buf encode(int codec, int32_t level, const uint8_t *data, size_t size)
{
	struct guarded input = guarded_copy(data, size);
	struct ls_encoder *encoder;
	struct ls_buf out;

	ls_buf_init(&out, plain_env());
	cr_assert_eq(ls_encoder_new(plain_env(), codec, &encoder), 0);
	cr_assert_eq(encode_with(encoder, level, input.bytes, size, SIZE_MAX / 2, &out), 0);
	cr_assert_null(ls_encoder_free(encoder));
	guarded_free(&input);
	return out;
}

/* Reads to the end or the failure, `room` at a time; what came out is in `out` either way. */
static int drain(struct ls_decoder *decoder, size_t room, struct ls_buf *out, struct logstore_error *error)
{
	struct guarded memory = guarded_new(room);
	size_t size;
	int r;

	do {
		size = SIZE_MAX;
		r = ls_decoder_read(decoder, memory.bytes, room, &size, error);
		if (r < 0) {
			cr_assert_eq(size, SIZE_MAX, "outputs are untouched on failure");
			break;
		}
		cr_assert_leq(size, room);
		cr_assert_eq(ls_buf_append(out, memory.bytes, size), 0);
	} while (size > 0);
	guarded_free(&memory);
	return r;
}

struct decoding {
	int codec;
	size_t room;     /* 0: 64 KiB */
	uint64_t cap;    /* 0: none */
	bool legacy_lz4;
};

static struct decoding plain(int codec)
{
	return (struct decoding){.codec = codec};
}

static int decode(struct decoding how, const uint8_t *bytes, size_t size, struct ls_buf *out,
                  struct logstore_error *error)
{
	struct guarded input = guarded_copy(bytes, size);
	struct ls_decoder *decoder;
	int r;

	ls_buf_init(out, plain_env());
	cr_assert_eq(ls_decoder_new(plain_env(), how.codec, &decoder), 0);
	r = ls_decoder_start(decoder, input.bytes, size, how.cap ? how.cap : NO_CAP, how.legacy_lz4);
	cr_assert_eq(r, 0);
	r = drain(decoder, how.room ? how.room : 64 * KIB, out, error);
	cr_assert_null(ls_decoder_free(decoder));
	guarded_free(&input);
	return r;
}

static void check_equal(const struct ls_buf *out, const uint8_t *data, size_t size, const char *what)
{
	cr_assert_eq(out->size, size, "%s: %zu bytes instead of %zu", what, out->size, size);
	cr_assert(size == 0 || memcmp(out->data, data, size) == 0, "%s: other bytes", what);
}

/* `bytes` decode to `data`, in several room sizes. */
static void check_decodes(int codec, const uint8_t *bytes, size_t size, const uint8_t *data, size_t data_size)
{
	static const size_t rooms[] = {1, 1000, 64 * 1024, 5 << 20};

	for (size_t i = data_size > MIB ? 1 : 0; i < sizeof rooms / sizeof rooms[0]; i++) {
		struct logstore_error error = {0};
		struct ls_buf out;
		struct decoding how = {.codec = codec, .room = rooms[i]};
		int r = decode(how, bytes, size, &out, &error);

		cr_assert_eq(r, 0, "%s, room %zu: %s", ls_codec_name(codec), rooms[i], error.text);
		check_equal(&out, data, data_size, ls_codec_name(codec));
		ls_buf_fini(&out);
	}
}

/* `bytes` are refused as corrupt, with a position inside them; returns how much came out before. */
static size_t check_corrupt(struct decoding how, const uint8_t *bytes, size_t size)
{
	struct logstore_error error = {0};
	struct ls_buf out;
	size_t out_size;
	int r = decode(how, bytes, size, &out, &error);

	cr_assert_eq(r, CORRUPT, "%s: %s", ls_codec_name(how.codec), ls_error_name(r));
	cr_assert_eq(error.code, CORRUPT);
	cr_assert(error.position >= 0 && (uint64_t)error.position <= size);
	cr_assert_eq(error.path[0], '\0');
	cr_assert_neq(error.text[0], '\0');
	out_size = out.size;
	ls_buf_fini(&out);
	return out_size;
}

Test(codec, names)
{
	cr_assert_str_eq(ls_codec_name(NONE), "none");
	cr_assert_str_eq(ls_codec_name(GZIP), "gzip");
	cr_assert_str_eq(ls_codec_name(SNAPPY), "snappy");
	cr_assert_str_eq(ls_codec_name(LZ4), "lz4");
	cr_assert_str_eq(ls_codec_name(ZSTD), "zstd");
	cr_assert_null(ls_codec_name(5));
	cr_assert_null(ls_codec_name(7));
	cr_assert_null(ls_codec_name(-1));
}

Test(codec, unknown_codecs)
{
	static const int unknown[] = {-1, 5, 6, 7, INT32_MAX, INT32_MIN};

	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		struct ls_decoder *decoder = (void *)1;
		struct ls_encoder *encoder = (void *)1;

		cr_assert_eq(ls_decoder_new(plain_env(), unknown[i], &decoder),
		             LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
		cr_assert_eq(ls_encoder_new(plain_env(), unknown[i], &encoder),
		             LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
		cr_assert_eq(decoder, (void *)1);
		cr_assert_eq(encoder, (void *)1);
		cr_assert_not(ls_codec_level_valid(unknown[i], DEFAULT));
	}
	cr_assert_null(ls_decoder_free(NULL));
	cr_assert_null(ls_encoder_free(NULL));
}

Test(codec, objects_know_their_codec)
{
	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_decoder *decoder;
		struct ls_encoder *encoder;

		cr_assert_eq(ls_decoder_new(plain_env(), codec, &decoder), 0);
		cr_assert_eq(ls_encoder_new(plain_env(), codec, &encoder), 0);
		cr_assert_eq(ls_decoder_codec(decoder), codec);
		cr_assert_eq(ls_encoder_codec(encoder), codec);
		cr_assert_null(ls_decoder_free(decoder));
		cr_assert_null(ls_encoder_free(encoder));
	}
}

Test(codec, levels_that_kafka_accepts)
{
	static const struct {
		int codec;
		int32_t level;
		bool valid;
	} cases[] = {
		{NONE, DEFAULT, true},     {NONE, 0, false},
		{NONE, -1, false},         {NONE, 1, false},
		{GZIP, DEFAULT, true},     {GZIP, -1, true},
		{GZIP, 1, true},           {GZIP, 9, true},
		{GZIP, 0, false},          {GZIP, 10, false},
		{GZIP, -2, false},         {SNAPPY, DEFAULT, true},
		{SNAPPY, 0, false},        {SNAPPY, 1, false},
		{LZ4, DEFAULT, true},      {LZ4, 1, true},
		{LZ4, 17, true},           {LZ4, 0, false},
		{LZ4, -1, false},          {LZ4, 18, false},
		{ZSTD, DEFAULT, true},     {ZSTD, 0, true},
		{ZSTD, 22, true},          {ZSTD, -131072, true},
		{ZSTD, 23, false},         {ZSTD, -131073, false},
		{ZSTD, INT32_MAX, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_encoder *encoder;
		struct ls_buf out;

		cr_assert_eq(ls_codec_level_valid(cases[i].codec, cases[i].level), cases[i].valid, "%s %d",
		             ls_codec_name(cases[i].codec), cases[i].level);
		ls_buf_init(&out, plain_env());
		cr_assert_eq(ls_encoder_new(plain_env(), cases[i].codec, &encoder), 0);
		cr_assert_eq(ls_encoder_start(encoder, cases[i].level, &out),
		             cases[i].valid ? 0 : LOGSTORE_E_INVALID_CONFIG);
		cr_assert(cases[i].valid || out.size == 0);
		cr_assert_null(ls_encoder_free(encoder));
		ls_buf_fini(&out);
	}
}

static const size_t interesting_sizes[] = {
	0,         1,           2,         100,       32 * 1024 - 1,     32 * 1024,       32 * 1024 + 1,
	64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024, 5 * 1024 * 1024,
};

Test(codec, round_trip_of_every_size)
{
	for (size_t i = 0; i < sizeof interesting_sizes / sizeof interesting_sizes[0]; i++) {
		for (int noise = 0; noise <= 1; noise++) {
			size_t size = interesting_sizes[i];
			uint8_t *data = make_data(size, noise);

			for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
				struct ls_buf out = encode(codec, DEFAULT, data, size);

				check_decodes(codec, out.data, out.size, data, size);
				if (codec != NONE && !noise && size >= 1000)
					cr_assert_lt(out.size, size / 2, "%s", ls_codec_name(codec));
				cr_assert_lt(out.size, size + size / 100 + 100, "%s", ls_codec_name(codec));
				ls_buf_fini(&out);
			}
			free(data);
		}
	}
}

static void check_level(int codec, int32_t level, const uint8_t *data, size_t size)
{
	struct ls_buf out = encode(codec, level, data, size);
	struct ls_buf decoded;

	cr_assert_eq(decode(plain(codec), out.data, out.size, &decoded, NULL), 0);
	check_equal(&decoded, data, size, ls_codec_name(codec));
	ls_buf_fini(&decoded);
	ls_buf_fini(&out);
}

Test(codec, round_trip_of_every_level)
{
	size_t size = 70 * KIB + 3;
	uint8_t *data = make_data(size, false);

	for (int32_t level = -1; level <= 9; level++) {
		if (level != 0) {
			check_level(GZIP, level, data, size);
			check_level(GZIP, level, data, 0);
		}
	}
	for (int32_t level = 1; level <= 17; level++) {
		check_level(LZ4, level, data, size);
		check_level(LZ4, level, data, 0);
	}
	for (int32_t level = -7; level <= 22; level++)
		check_level(ZSTD, level, data, size);
	check_level(ZSTD, -131072, data, size);
	free(data);
}

Test(codec, levels_make_a_difference)
{
	static const struct {
		int codec;
		int32_t levels[3];
	} cases[] = {
		{GZIP, {1, 6, 7}},  /* two of igzip, one of zlib */
		{LZ4, {9, 1, 12}},  /* 9 is the fast one */
		{ZSTD, {-5, 3, 19}},
	};
	uint8_t *data = make_data(MIB, false);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t before = SIZE_MAX;

		for (size_t k = 0; k < 3; k++) {
			struct ls_buf out = encode(cases[i].codec, cases[i].levels[k], data, MIB);

			cr_assert_lt(out.size, before, "%s %d: %zu after %zu", ls_codec_name(cases[i].codec),
			              cases[i].levels[k], out.size, before);
			before = out.size;
			ls_buf_fini(&out);
		}
	}
	free(data);
}

Test(codec, levels_of_an_encoder_change)
{
	static const struct {
		int codec;
		int32_t levels[6];
	} cases[] = {
		{GZIP, {9, 7, 1, 9, -1, 8}},
		{LZ4, {9, 12, 1, 9, 3, 12}},
	};
	size_t size = 200 * KIB;
	uint8_t *data = make_data(size, false);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_encoder *encoder;

		cr_assert_eq(ls_encoder_new(plain_env(), cases[i].codec, &encoder), 0);
		for (size_t k = 0; k < 6; k++) {
			struct ls_buf fresh = encode(cases[i].codec, cases[i].levels[k], data, size), out;

			ls_buf_init(&out, plain_env());
			cr_assert_eq(encode_with(encoder, cases[i].levels[k], data, size, size, &out), 0);
			check_equal(&out, fresh.data, fresh.size, "an encoder that was used before");
			ls_buf_fini(&out);
			ls_buf_fini(&fresh);
		}
		cr_assert_null(ls_encoder_free(encoder));
	}
	free(data);
}

Test(codec, default_levels)
{
	static const struct {
		int codec;
		int32_t level;
	} cases[] = {
		{GZIP, -1}, {GZIP, 6}, {LZ4, 9}, {ZSTD, 3},
	};
	uint8_t *data = make_data(300 * KIB, false);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_buf named = encode(cases[i].codec, cases[i].level, data, 300 * KIB);
		struct ls_buf implied = encode(cases[i].codec, DEFAULT, data, 300 * KIB);

		check_equal(&implied, named.data, named.size, ls_codec_name(cases[i].codec));
		ls_buf_fini(&named);
		ls_buf_fini(&implied);
	}
	free(data);
}

static void check_pieces(int codec, int32_t level, const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 7, 4096, 32 * 1024, 65535, 65537, 1 << 20};
	struct ls_buf whole = encode(codec, level, data, size);
	struct ls_encoder *encoder;

	cr_assert_eq(ls_encoder_new(plain_env(), codec, &encoder), 0);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct ls_buf out;

		ls_buf_init(&out, plain_env());
		cr_assert_eq(encode_with(encoder, level, data, size, pieces[i], &out), 0);
		check_decodes(codec, out.data, out.size, data, size);
		cr_assert_leq(out.size, whole.size + whole.size / 50, "%s: %zu instead of %zu, pieces of %zu",
		              ls_codec_name(codec), out.size, whole.size, pieces[i]);
		if (codec != ZSTD)
			check_equal(&out, whole.data, whole.size, "the same blocks");
		ls_buf_fini(&out);
	}
	cr_assert_null(ls_encoder_free(encoder));
	ls_buf_fini(&whole);
}

Test(codec, pieces_of_any_size)
{
	static const size_t sizes[] = {4000, 200 * 1024 + 3};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint8_t *data = make_data(sizes[i], false);

		for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++)
			check_pieces(codec, DEFAULT, data, sizes[i]);
		check_pieces(GZIP, 1, data, sizes[i]);
		check_pieces(GZIP, 9, data, sizes[i]);
		free(data);
	}
}

Test(codec, output_is_appended)
{
	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_encoder *encoder;
		struct ls_buf out;

		ls_buf_init(&out, plain_env());
		cr_assert_eq(ls_buf_append(&out, "before", 6), 0);
		cr_assert_eq(ls_encoder_new(plain_env(), codec, &encoder), 0);
		cr_assert_eq(ls_encoder_start(encoder, DEFAULT, &out), 0);
		cr_assert_eq(ls_encoder_write(encoder, NULL, 0), 0);
		cr_assert_eq(ls_encoder_write(encoder, "records", 7), 0);
		cr_assert_eq(ls_encoder_finish(encoder), 0);
		cr_assert_arr_eq(out.data, "before", 6);
		check_decodes(codec, out.data + 6, out.size - 6, (const uint8_t *)"records", 7);
		cr_assert_null(ls_encoder_free(encoder));
		ls_buf_fini(&out);
	}
}

Test(codec, an_abandoned_encoding_leaves_no_trace)
{
	static const uint8_t second[] = "second";
	uint8_t *data = make_data(100 * KIB, true);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		static const int32_t levels[] = {DEFAULT, 9};

		for (size_t i = 0; i < 2 && ls_codec_level_valid(codec, levels[i]); i++) {
			struct ls_encoder *encoder;
			struct ls_buf out;

			ls_buf_init(&out, plain_env());
			cr_assert_eq(ls_encoder_new(plain_env(), codec, &encoder), 0);
			cr_assert_eq(ls_encoder_start(encoder, levels[i], &out), 0);
			cr_assert_eq(ls_encoder_write(encoder, data, 90 * KIB), 0);
			ls_buf_clear(&out);
			cr_assert_eq(encode_with(encoder, levels[i], second, 6, 6, &out), 0);
			check_decodes(codec, out.data, out.size, second, 6);
			cr_assert_null(ls_encoder_free(encoder));
			ls_buf_fini(&out);
		}
	}
	free(data);
}

/* What is written, seen by the codecs' own readers. */

static void check_with_zlib(const struct ls_buf *out, const uint8_t *data, size_t size)
{
	uint8_t *decoded = malloc(size + 1);
	z_stream zlib = {0};

	cr_assert_eq(inflateInit2(&zlib, MAX_WBITS + 16), Z_OK);
	zlib.next_in = out->data;
	zlib.avail_in = (uInt)out->size;
	zlib.next_out = decoded;
	zlib.avail_out = (uInt)size + 1;
	cr_assert_eq(inflate(&zlib, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(zlib.avail_in, 0);
	cr_assert_eq(zlib.total_out, size);
	cr_assert(size == 0 || memcmp(decoded, data, size) == 0);
	cr_assert_eq(inflateEnd(&zlib), Z_OK);
	free(decoded);
}

Test(codec, gzip_as_written)
{
	static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
	static const size_t sizes[] = {0, 1, 100000};

	for (int32_t level = -1; level <= 9; level++) {
		for (size_t i = 0; level != 0 && i < sizeof sizes / sizeof sizes[0]; i++) {
			uint8_t *data = make_data(sizes[i], false);
			struct ls_buf out = encode(GZIP, level, data, sizes[i]);

			cr_assert_geq(out.size, 20);
			cr_assert_arr_eq(out.data, header, sizeof header);
			cr_assert_eq(ls_load_le32(out.data + out.size - 8), ls_crc32(0, data, sizes[i]));
			cr_assert_eq(ls_load_le32(out.data + out.size - 4), sizes[i]);
			check_with_zlib(&out, data, sizes[i]);
			ls_buf_fini(&out);
			free(data);
		}
	}
}

Test(codec, snappy_as_written)
{
	static const uint8_t header[] = {0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1};

	for (size_t i = 0; i < sizeof interesting_sizes / sizeof interesting_sizes[0]; i++) {
		size_t size = interesting_sizes[i];
		uint8_t *data = make_data(size, false);
		struct ls_buf out = encode(SNAPPY, DEFAULT, data, size);
		size_t at = sizeof header, done = 0;
		char chunk[32 * 1024];

		cr_assert_arr_eq(out.data, header, sizeof header);
		while (at < out.size) {
			size_t chunk_size = ls_load_be32(out.data + at), n = sizeof chunk;
			const char *block = (const char *)out.data + at + 4;

			cr_assert_leq(chunk_size, out.size - at - 4);
			cr_assert_eq(snappy_uncompress(block, chunk_size, chunk, &n), SNAPPY_OK);
			cr_assert_eq(n, size - done < sizeof chunk ? size - done : sizeof chunk);
			cr_assert_arr_eq(chunk, data + done, n);
			done += n;
			at += 4 + chunk_size;
		}
		cr_assert_eq(at, out.size);
		cr_assert_eq(done, size);
		ls_buf_fini(&out);
		free(data);
	}
}

static void check_with_lz4f(const struct ls_buf *out, const uint8_t *data, size_t size)
{
	uint8_t *decoded = malloc(size + 1);
	LZ4F_dctx *context;
	size_t decoded_size = size + 1, consumed = out->size;

	cr_assert_not(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
	cr_assert_eq(LZ4F_decompress(context, decoded, &decoded_size, out->data, &consumed, NULL), 0,
	             "the frame is complete");
	cr_assert_eq(consumed, out->size);
	cr_assert_eq(decoded_size, size);
	cr_assert(size == 0 || memcmp(decoded, data, size) == 0);
	cr_assert_not(LZ4F_isError(LZ4F_freeDecompressionContext(context)));
	free(decoded);
}

/* Returns how many blocks are stored as they are. */
static unsigned check_lz4_frame(const struct ls_buf *out, size_t size)
{
	static const uint8_t header[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82};
	size_t at = sizeof header, blocks = 0;
	unsigned raw = 0;

	cr_assert_arr_eq(out->data, header, sizeof header);
	for (;; blocks++) {
		uint32_t word = ls_load_le32(out->data + at), block_size = word & 0x7fffffff;
		size_t input = size - blocks * 65536 < 65536 ? size - blocks * 65536 : 65536;

		at += 4;
		if (word == 0)
			break;
		cr_assert(word >> 31 ? block_size == input : block_size < input);
		raw += word >> 31;
		at += block_size;
	}
	cr_assert_eq(at, out->size, "ends at the end mark");
	cr_assert_eq(blocks, (size + 65535) / 65536);
	return raw;
}

Test(codec, lz4_as_written)
{
	static const int32_t levels[] = {DEFAULT, 1, 12, 17};

	for (size_t i = 0; i < sizeof interesting_sizes / sizeof interesting_sizes[0] - 1; i++) {
		for (size_t k = 0; k < sizeof levels / sizeof levels[0]; k++) {
			for (int noise = 0; noise <= 1; noise++) {
				size_t size = interesting_sizes[i];
				uint8_t *data = make_data(size, noise);
				struct ls_buf out = encode(LZ4, levels[k], data, size);
				unsigned raw = check_lz4_frame(&out, size);

				if (noise)
					cr_assert_eq(raw, (size + 65535) / 65536, "noise is stored as it is");
				check_with_lz4f(&out, data, size);
				ls_buf_fini(&out);
				free(data);
			}
		}
	}
}

Test(codec, zstd_as_written)
{
	static const size_t sizes[] = {0, 1, 100, 300000};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint8_t *data = make_data(sizes[i], false);
		uint8_t *decoded = malloc(sizes[i] + 1);
		struct ls_buf out = encode(ZSTD, DEFAULT, data, sizes[i]);

		cr_assert_eq(ls_load_le32(out.data), 0xFD2FB528u);
		cr_assert_eq(out.data[4], 0, "no content size, checksum or dictionary");
		cr_assert_eq(ZSTD_getFrameContentSize(out.data, out.size), ZSTD_CONTENTSIZE_UNKNOWN);
		cr_assert_eq(ZSTD_findFrameCompressedSize(out.data, out.size), out.size, "one frame");
		cr_assert_eq(ZSTD_decompress(decoded, sizes[i] + 1, out.data, out.size), sizes[i]);
		cr_assert(sizes[i] == 0 || memcmp(decoded, data, sizes[i]) == 0);
		ls_buf_fini(&out);
		free(decoded);
		free(data);
	}
}

/* Damage. */

/* Prefixes of what an encoder writes that are themselves complete, in Kafka's reading. */
static bool is_clean_prefix(int codec, const struct ls_buf *out, size_t size)
{
	size_t at = 16;

	if (codec == NONE)
		return true;
	if (codec == ZSTD)
		return size == 0;
	if (codec != SNAPPY)
		return false;
	while (at < size && size - at >= 4)
		at += 4 + ls_load_be32(out->data + at);
	return size >= 16 && at <= size; /* up to 3 bytes behind a chunk are nothing */
}

Test(codec, truncation_anywhere)
{
	size_t size = 70 * KIB;
	uint8_t *data = make_data(size, false);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_buf out = encode(codec, DEFAULT, data, size);

		for (size_t cut = 0; cut < out.size; cut += out.size - cut < 300 || cut < 300 ? 1 : 97) {
			struct ls_buf decoded;
			int r = decode(plain(codec), out.data, cut, &decoded, NULL);

			cr_assert_eq(r, is_clean_prefix(codec, &out, cut) ? 0 : CORRUPT,
			             "%s cut at %zu of %zu: %d", ls_codec_name(codec), cut, out.size, r);
			cr_assert_leq(decoded.size, size);
			cr_assert(decoded.size == 0 || memcmp(decoded.data, data, decoded.size) == 0,
			          "%s: what comes out is a prefix", ls_codec_name(codec));
			ls_buf_fini(&decoded);
		}
		ls_buf_fini(&out);
	}
	free(data);
}

static void flip_every_bit(int codec, struct ls_buf *out, const uint8_t *data, size_t size)
{
	unsigned refused = 0, unnoticed = 0;

	for (size_t bit = 0; bit < out->size * 8; bit++) {
		struct decoding how = {.codec = codec, .room = 1 + bit % 700, .cap = MIB};
		struct logstore_error error = {0};
		struct ls_buf decoded;
		int r;

		out->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = decode(how, out->data, out->size, &decoded, &error);
		out->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_assert(r == 0 || r == CORRUPT || r == LIMIT, "%s, bit %zu: %d", ls_codec_name(codec), bit,
		          r);
		cr_assert_eq(r, error.code);
		cr_assert_leq(decoded.size, MIB);
		refused += r < 0;
		unnoticed += r == 0 && decoded.size == size && memcmp(decoded.data, data, size) == 0;
		ls_buf_fini(&decoded);
	}
	/* gzip has a checksum: all that it does not cover is 7 bytes and 7 flags of the header. */
	if (codec == GZIP)
		cr_assert_eq(refused + unnoticed, out->size * 8);
	cr_assert(codec == NONE || refused > 0);
}

Test(codec, every_flipped_bit)
{
	uint8_t *data = make_data(600, false);
	uint8_t *noise = make_data(100, true);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_buf out = encode(codec, DEFAULT, data, 600);

		flip_every_bit(codec, &out, data, 600);
		ls_buf_fini(&out);
		out = encode(codec, DEFAULT, noise, 100);
		flip_every_bit(codec, &out, noise, 100);
		ls_buf_fini(&out);
	}
	free(data);
	free(noise);
}

Test(codec, noise_is_no_data)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 20240601);
	for (unsigned round = 0; round < 3000; round++) {
		uint8_t bytes[64];
		size_t size = ts_rng_below(&rng, sizeof bytes);

		ts_rng_fill(&rng, bytes, size);
		for (int codec = GZIP; codec <= LAST_CODEC; codec++) {
			struct ls_buf decoded;
			struct decoding how = {.codec = codec, .cap = MIB};
			int r = decode(how, bytes, size, &decoded, NULL);

			cr_assert(r == CORRUPT || r == LIMIT || codec == SNAPPY ||
			          (codec == ZSTD && size == 0));
			ls_buf_fini(&decoded);
		}
	}
}

Test(codec, empty_input)
{
	struct ls_buf out;

	cr_assert_eq(decode(plain(NONE), NULL, 0, &out, NULL), 0);
	cr_assert_eq(out.size, 0);
	cr_assert_eq(decode(plain(ZSTD), NULL, 0, &out, NULL), 0);
	cr_assert_eq(out.size, 0);
	check_corrupt(plain(GZIP), NULL, 0);
	check_corrupt(plain(SNAPPY), NULL, 0);
	check_corrupt(plain(LZ4), NULL, 0);
}

Test(codec, null_without_bytes)
{
	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_decoder *decoder;
		uint8_t byte;
		size_t size = 7;
		int r;

		cr_assert_eq(ls_decoder_new(plain_env(), codec, &decoder), 0);
		cr_assert_eq(ls_decoder_start(decoder, NULL, 0, 10, false), 0);
		r = ls_decoder_read(decoder, &byte, 1, &size, NULL);
		cr_assert(r == CORRUPT || (r == 0 && size == 0));
		cr_assert_null(ls_decoder_free(decoder));
	}
}

Test(codec, failure_stays_until_the_next_start)
{
	uint8_t *data = make_data(100 * KIB, false);

	for (int codec = GZIP; codec <= LAST_CODEC; codec++) {
		struct ls_buf out = encode(codec, DEFAULT, data, 100 * KIB);
		struct logstore_error error;
		struct ls_decoder *decoder;
		struct ls_buf decoded;
		uint8_t byte;
		size_t size = 7;

		ls_buf_init(&decoded, plain_env());
		cr_assert_eq(ls_decoder_new(plain_env(), codec, &decoder), 0);
		cr_assert_eq(ls_decoder_start(decoder, out.data, out.size - 1, NO_CAP, false), 0);
		cr_assert_eq(drain(decoder, 4096, &decoded, &error), CORRUPT);
		cr_assert_eq(ls_decoder_read(decoder, &byte, 1, &size, &error), CORRUPT);
		cr_assert_eq(ls_decoder_read(decoder, &byte, 1, &size, NULL), CORRUPT);
		cr_assert_eq(size, 7);
		cr_assert_eq(ls_decoder_start(decoder, out.data, out.size, 100 * KIB - 1, false), 0);
		cr_assert_eq(drain(decoder, 4096, &decoded, &error), LIMIT);
		cr_assert_eq(ls_decoder_read(decoder, &byte, 1, &size, &error), LIMIT);
		cr_assert_eq(error.code, LIMIT);
		cr_assert_eq(size, 7);
		ls_buf_clear(&decoded);
		cr_assert_eq(ls_decoder_start(decoder, out.data, out.size, NO_CAP, false), 0);
		cr_assert_eq(drain(decoder, 4096, &decoded, &error), 0);
		check_equal(&decoded, data, 100 * KIB, ls_codec_name(codec));
		cr_assert_eq(ls_decoder_read(decoder, &byte, 1, &size, NULL), 0);
		cr_assert_eq(size, 0, "the end stays the end");
		cr_assert_null(ls_decoder_free(decoder));
		ls_buf_fini(&decoded);
		ls_buf_fini(&out);
	}
	free(data);
}

/* Caps. */

Test(codec, cap)
{
	size_t size = 150 * KIB;
	uint8_t *data = make_data(size, false);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		static const size_t rooms[] = {1, 1000, 1 << 20};
		struct ls_buf out = encode(codec, DEFAULT, data, size);

		for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
			struct decoding how = {.codec = codec, .room = rooms[i], .cap = size};
			struct logstore_error error = {0};
			struct ls_buf decoded;

			cr_assert_eq(decode(how, out.data, out.size, &decoded, NULL), 0, "exactly the cap");
			check_equal(&decoded, data, size, ls_codec_name(codec));
			ls_buf_fini(&decoded);
			for (how.cap = size - 1; how.cap > 1000; how.cap -= how.cap / 3) {
				cr_assert_eq(decode(how, out.data, out.size, &decoded, &error), LIMIT);
				cr_assert_eq(error.code, LIMIT);
				check_equal(&decoded, data, how.cap, "all that the cap allows");
				ls_buf_fini(&decoded);
			}
		}
		ls_buf_fini(&out);
	}
	free(data);
}

Test(codec, cap_of_zero)
{
	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		for (size_t size = 0; size <= 1; size++) {
			struct ls_buf out = encode(codec, DEFAULT, (const uint8_t *)"x", size);
			struct ls_decoder *decoder;
			uint8_t byte = 'u';
			size_t got = 7;

			cr_assert_eq(ls_decoder_new(plain_env(), codec, &decoder), 0);
			cr_assert_eq(ls_decoder_start(decoder, out.data, out.size, 0, false), 0);
			cr_assert_eq(ls_decoder_read(decoder, &byte, 1, &got, NULL), size == 0 ? 0 : LIMIT);
			cr_assert_eq(got, size == 0 ? 0 : 7);
			cr_assert_eq(byte, 'u');
			cr_assert_null(ls_decoder_free(decoder));
			ls_buf_fini(&out);
		}
	}
}

static struct ls_buf make_bomb(int codec, size_t mebibytes)
{
	struct ls_encoder *encoder;
	struct ls_buf out;
	uint8_t *zeros = calloc(1, MIB);

	ls_buf_init(&out, plain_env());
	cr_assert_eq(ls_encoder_new(plain_env(), codec, &encoder), 0);
	cr_assert_eq(ls_encoder_start(encoder, DEFAULT, &out), 0);
	for (size_t i = 0; i < mebibytes; i++)
		cr_assert_eq(ls_encoder_write(encoder, zeros, MIB), 0);
	cr_assert_eq(ls_encoder_finish(encoder), 0);
	cr_assert_null(ls_encoder_free(encoder));
	free(zeros);
	return out;
}

/* What a decoder may hold in a test with small blocks: its state and a block. zstd's own is not seen. */
#define SMALL_MEMORY (256 * KIB)

Test(codec, bombs_stop_at_the_cap)
{
	for (int codec = GZIP; codec <= LAST_CODEC; codec++) {
		struct ls_buf bomb = make_bomb(codec, 64), decoded;
		struct ls_decoder *decoder;
		struct meter meter;

		cr_assert_lt(bomb.size, 4 * MIB);
		meter_init(&meter);
		ls_buf_init(&decoded, plain_env());
		cr_assert_eq(ls_decoder_new(&meter.ls, codec, &decoder), 0);
		cr_assert_eq(ls_decoder_start(decoder, bomb.data, bomb.size, 3 * MIB + 5, false), 0);
		cr_assert_eq(drain(decoder, 10000, &decoded, NULL), LIMIT);
		cr_assert_eq(decoded.size, 3 * MIB + 5);
		cr_assert_leq(meter.peak, SMALL_MEMORY, "%s: %zu", ls_codec_name(codec), meter.peak);
		cr_assert_null(ls_decoder_free(decoder));
		cr_assert_eq(meter.now, 0);
		ls_buf_fini(&decoded);
		ls_buf_fini(&bomb);
	}
}

/* Memory. */

static int32_t other_level(int codec)
{
	return codec == GZIP ? 9 : codec == LZ4 ? 12 : DEFAULT;
}

static int encode_two_levels(struct ts_alloc *alloc, int codec, const uint8_t *data, size_t size)
{
	struct ls_encoder *encoder = NULL;
	struct ls_buf out;
	int r;

	ls_buf_init(&out, &alloc->ls);
	r = ls_encoder_new(&alloc->ls, codec, &encoder);
	for (int round = 0; r == 0 && round < 2; round++) {
		size_t before = out.size;

		r = encode_with(encoder, round ? other_level(codec) : DEFAULT, data, size, 10000, &out);
		if (r < 0)
			cr_assert_eq(out.size, before, "a failed encoding leaves nothing behind");
	}
	if (r < 0 && encoder) {
		ls_buf_clear(&out);
		cr_assert_eq(encode_with(encoder, DEFAULT, data, size, 10000, &out), 0, "starts again");
		check_decodes(codec, out.data, out.size, data, size);
	}
	cr_assert_null(ls_encoder_free(encoder));
	ls_buf_fini(&out);
	return r;
}

Test(codec, encoder_with_failing_allocations)
{
	size_t size = 150 * KIB;
	uint8_t *data = make_data(size, true);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		for (long n = 1;; n++) {
			struct ts_alloc alloc;
			int r;

			ts_alloc_init(&alloc);
			alloc.fail_at = n;
			r = encode_two_levels(&alloc, codec, data, size);
			cr_assert_eq(alloc.outstanding, 0, "%s, request %ld", ls_codec_name(codec), n);
			if (!ts_alloc_failed(&alloc)) {
				cr_assert_eq(r, 0);
				cr_assert_gt(n, 3, "the sweep met some allocations");
				break;
			}
			cr_assert_eq(r, -ENOMEM, "%s, request %ld: %d", ls_codec_name(codec), n, r);
		}
	}
	free(data);
}

/* The result is in no buffer of `alloc`: only the decoder's requests count. */
static int decode_with(struct ts_alloc *alloc, int codec, const struct ls_buf *bytes, struct ls_buf *out)
{
	struct logstore_error error = {0};
	struct ls_decoder *decoder;
	int r = ls_decoder_new(&alloc->ls, codec, &decoder);

	ls_buf_init(out, plain_env());
	if (r < 0)
		return r;
	r = ls_decoder_start(decoder, bytes->data, bytes->size, NO_CAP, false);
	if (r == 0)
		r = drain(decoder, 1000, out, &error);
	cr_assert_eq(error.code, r);
	cr_assert_null(ls_decoder_free(decoder));
	return r;
}

static struct ls_buf raw_snappy(const uint8_t *data, size_t size)
{
	size_t block_size = snappy_max_compressed_length(size);
	struct ls_buf out;

	ls_buf_init(&out, plain_env());
	cr_assert_eq(ls_buf_reserve(&out, block_size), 0);
	cr_assert_eq(snappy_compress((const char *)data, size, (char *)out.data, &block_size), SNAPPY_OK);
	out.size = block_size;
	return out;
}

Test(codec, decoder_with_failing_allocations)
{
	size_t size = 150 * KIB;
	uint8_t *data = make_data(size, false);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_buf bytes = codec == SNAPPY ? raw_snappy(data, size)
		                                                     : encode(codec, DEFAULT, data, size);

		for (long n = 1;; n++) {
			struct ts_alloc alloc;
			struct ls_buf out;
			int r;

			ts_alloc_init(&alloc);
			alloc.fail_at = n;
			r = decode_with(&alloc, codec, &bytes, &out);
			cr_assert_eq(alloc.outstanding, 0);
			if (!ts_alloc_failed(&alloc)) {
				cr_assert_eq(r, 0);
				check_equal(&out, data, size, ls_codec_name(codec));
				ls_buf_fini(&out);
				cr_assert_gt(n, 1);
				break;
			}
			cr_assert_eq(r, -ENOMEM);
			ls_buf_fini(&out);
		}
		ls_buf_fini(&bytes);
	}
	free(data);
}

Test(codec, no_allocation_per_batch)
{
	size_t size = 150 * KIB;
	uint8_t *data = make_data(size, false);

	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++) {
		struct ls_buf out, decoded;
		struct ls_encoder *encoder;
		struct ls_decoder *decoder;
		struct ts_alloc alloc;
		long after_first = 0;

		ts_alloc_init(&alloc);
		ls_buf_init(&out, &alloc.ls);
		ls_buf_init(&decoded, &alloc.ls);
		cr_assert_eq(ls_encoder_new(&alloc.ls, codec, &encoder), 0);
		cr_assert_eq(ls_decoder_new(&alloc.ls, codec, &decoder), 0);
		for (unsigned batch = 0; batch < 6; batch++) {
			int32_t level = batch % 2 ? other_level(codec) : DEFAULT;

			ls_buf_clear(&out);
			ls_buf_clear(&decoded);
			cr_assert_eq(encode_with(encoder, level, data, size, 9999, &out), 0);
			cr_assert_eq(ls_decoder_start(decoder, out.data, out.size, NO_CAP, false), 0);
			cr_assert_eq(drain(decoder, 5000, &decoded, NULL), 0);
			check_equal(&decoded, data, size, ls_codec_name(codec));
			if (batch < 2)
				after_first = alloc.requests;
		}
		cr_assert_eq(alloc.requests, after_first, "%s", ls_codec_name(codec));
		cr_assert_null(ls_encoder_free(encoder));
		cr_assert_null(ls_decoder_free(decoder));
		ls_buf_fini(&out);
		ls_buf_fini(&decoded);
		cr_assert_eq(alloc.outstanding, 0);
	}
	free(data);
}

/* gzip as others write it. */

static void append(struct ls_buf *buf, const void *bytes, size_t size)
{
	cr_assert_eq(ls_buf_append(buf, bytes, size), 0);
}

Test(codec, gzip_members_one_after_another)
{
	size_t size = 100 * KIB;
	uint8_t *data = make_data(size, false);
	struct ls_buf one = encode(GZIP, DEFAULT, data, 60 * KIB);
	struct ls_buf empty = encode(GZIP, 9, data, 0);
	struct ls_buf two = encode(GZIP, 9, data + 60 * KIB, size - 60 * KIB);
	struct ls_buf all;

	ls_buf_init(&all, plain_env());
	append(&all, one.data, one.size);
	append(&all, empty.data, empty.size);
	append(&all, empty.data, empty.size);
	append(&all, two.data, two.size);
	append(&all, empty.data, empty.size);
	check_decodes(GZIP, all.data, all.size, data, size);

	/* A later member that has a header is read, and has to be right. */
	all.size = one.size + empty.size * 2 + two.size - 1;
	cr_assert_gt(check_corrupt(plain(GZIP), all.data, all.size), 60 * KIB - 1);
	all.data[one.size + 9 + 1] ^= 0xff;
	check_corrupt(plain(GZIP), all.data, all.size);
	ls_buf_fini(&all);
	ls_buf_fini(&one);
	ls_buf_fini(&empty);
	ls_buf_fini(&two);
	free(data);
}

Test(codec, gzip_ignores_what_is_no_member)
{
	uint8_t *data = make_data(1000, false);
	uint8_t *noise = make_data(100, true);
	struct ls_buf all = encode(GZIP, DEFAULT, data, 1000);
	struct ls_buf member = encode(GZIP, DEFAULT, data, 1000);
	size_t size = all.size;

	noise[0] = 0;
	append(&all, noise, 100);
	for (size_t tail = 0; tail <= 100; tail++)
		check_decodes(GZIP, all.data, size + tail, data, 1000);
	all.size = size;
	append(&all, (uint8_t[64]){0}, 64);
	check_decodes(GZIP, all.data, all.size, data, 1000);

	/* The beginning of a member: up to 18 bytes are too few to be looked at. */
	all.size = size;
	append(&all, member.data, member.size);
	for (size_t tail = 0; tail <= 18; tail++)
		check_decodes(GZIP, all.data, size + tail, data, 1000);
	check_corrupt(plain(GZIP), all.data, size + 19);

	/* A magic with something else behind it is no header. */
	all.data[size + 2] = 7;
	check_decodes(GZIP, all.data, all.size, data, 1000);
	ls_buf_fini(&all);
	ls_buf_fini(&member);
	free(data);
	free(noise);
}

enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16 };

/* A gzip member with optional header fields; *ret_header is the size of its header. */
static struct ls_buf member_with(unsigned flags, const uint8_t *data, size_t size, size_t *ret_header)
{
	struct ls_buf plain = encode(GZIP, DEFAULT, data, size), out;
	uint8_t crc[2];

	ls_buf_init(&out, plain_env());
	append(&out, plain.data, 10);
	out.data[3] = (uint8_t)flags;
	if (flags & FEXTRA)
		append(&out, "\x05\x00" "extra", 7);
	if (flags & FNAME)
		append(&out, "name", 5);
	if (flags & FCOMMENT)
		append(&out, "", 1);
	ls_store_le16(crc, (uint16_t)ls_crc32(0, out.data, out.size));
	if (flags & FHCRC)
		append(&out, crc, 2);
	*ret_header = out.size;
	append(&out, plain.data + 10, plain.size - 10);
	ls_buf_fini(&plain);
	return out;
}

Test(codec, gzip_header_fields)
{
	static const uint8_t data[] = "some records";

	for (unsigned flags = 0; flags < 32; flags++) {
		size_t header;
		struct ls_buf out = member_with(flags, data, sizeof data, &header);

		check_decodes(GZIP, out.data, out.size, data, sizeof data);
		for (size_t cut = 0; cut < header; cut++)
			check_corrupt(plain(GZIP), out.data, cut);
		if (flags & FHCRC) {
			out.data[header - 1] ^= 1;
			check_corrupt(plain(GZIP), out.data, out.size);
		}
		ls_buf_fini(&out);
	}
}

Test(codec, gzip_damage_by_field)
{
	static const struct {
		size_t at; /* from the end if above 100 */
		const char *text;
	} cases[] = {
		{0, "header"},     {1, "header"},     {2, "header"},     {1008, "trailer"},
		{1005, "trailer"}, {1004, "trailer"}, {1001, "trailer"},
	};
	uint8_t *data = make_data(1000, false);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_buf out = encode(GZIP, DEFAULT, data, 1000), decoded;
		size_t at = cases[i].at < 100 ? cases[i].at : out.size - (cases[i].at - 1000);
		struct logstore_error error = {0};

		out.data[at] ^= 0x10;
		cr_assert_eq(decode(plain(GZIP), out.data, out.size, &decoded, &error),
		             CORRUPT);
		cr_assert_not_null(strstr(error.text, cases[i].text), "%s", error.text);
		ls_buf_fini(&decoded);
		ls_buf_fini(&out);
	}
	free(data);
}

Test(codec, gzip_broken_deflate_data)
{
	static const struct {
		const char *body;
		const char *text;
	} cases[] = {
		{"07", "block"},           /* block type 3 */
		{"010100ffff00", "block"}, /* stored, complement wrong */
		{"030200", "distance"},    /* fixed: a match before any byte */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct logstore_error error = {0};
		struct ls_buf out = encode(GZIP, DEFAULT, NULL, 0), decoded;
		size_t size;
		uint8_t *body = ts_hex(cases[i].body, &size);

		out.size = 10;
		append(&out, body, size);
		append(&out, (uint8_t[16]){0}, 16);
		cr_assert_eq(decode(plain(GZIP), out.data, out.size, &decoded, &error),
		             CORRUPT);
		cr_assert_geq(error.position, 10);
		cr_assert_not_null(strstr(error.text, cases[i].text), "%s", error.text);
		ls_buf_fini(&decoded);
		ls_buf_fini(&out);
		free(body);
	}
}

/* A symbol is wrong and cut off at once: the position must not pass the end. */
Test(codec, gzip_broken_at_the_very_end)
{
	size_t size;
	uint8_t *bytes = ts_hex("1f8b08000000000000ffcb49cc2d00720c1040213bb5d2ab4a59a5000000", &size);

	for (size_t room = 1; room <= 100; room++)
		check_corrupt((struct decoding){.codec = GZIP, .room = room}, bytes, size);
	free(bytes);
}

/* Snappy as others write it. */

Test(codec, snappy_without_a_header)
{
	for (size_t i = 0; i < sizeof interesting_sizes / sizeof interesting_sizes[0]; i++) {
		for (int noise = 0; noise <= 1; noise++) {
			size_t size = interesting_sizes[i];
			uint8_t *data = make_data(size, noise);
			struct ls_buf out = raw_snappy(data, size);

			check_decodes(SNAPPY, out.data, out.size, data, size);
			append(&out, "\xff", 1);
			check_corrupt(plain(SNAPPY), out.data, out.size);
			ls_buf_fini(&out);
			free(data);
		}
	}
}

/* A block whose copy reaches back `distance`, as encoders with a large window make it. */
static struct ls_buf far_copy(const uint8_t *data, size_t distance)
{
	struct ls_buf out;
	uint8_t bytes[8];
	size_t n = 0;

	ls_buf_init(&out, plain_env());
	for (size_t left = distance + 64; left > 0 || n == 0; left >>= 7)
		bytes[n++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
	append(&out, bytes, n);
	bytes[0] = 62 << 2; /* a literal with a length of three bytes */
	ls_store_le32(bytes + 1, (uint32_t)distance - 1);
	append(&out, bytes, 4);
	append(&out, data, distance);
	bytes[0] = 63 << 2 | 3; /* a copy of 64 bytes with an offset of four */
	ls_store_le32(bytes + 1, (uint32_t)distance);
	append(&out, bytes, 5);
	return out;
}

Test(codec, snappy_copies_from_far_away)
{
	size_t distance = 3 * MIB;
	uint8_t *data = make_data(distance + 64, true);
	struct ls_buf out = far_copy(data, distance);

	memcpy(data + distance, data, 64);
	check_decodes(SNAPPY, out.data, out.size, data, distance + 64);
	ls_store_le32(out.data + out.size - 4, (uint32_t)distance + 1);
	check_corrupt(plain(SNAPPY), out.data, out.size);
	ls_buf_fini(&out);
	free(data);
}

static const uint8_t xerial[] = {0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1};

static void append_chunk(struct ls_buf *out, const uint8_t *data, size_t size)
{
	struct ls_buf block = raw_snappy(data, size);
	uint8_t word[4];

	ls_store_be32(word, (uint32_t)block.size);
	append(out, word, 4);
	append(out, block.data, block.size);
	ls_buf_fini(&block);
}

Test(codec, snappy_headers_between_chunks)
{
	size_t size = 500 * KIB;
	uint8_t *data = make_data(size, false);
	struct ls_buf out;

	ls_buf_init(&out, plain_env());
	append(&out, xerial, 16);
	append(&out, xerial, 16);
	append_chunk(&out, data, 1);
	append_chunk(&out, data, 0);
	append(&out, xerial, 16);
	append_chunk(&out, data + 1, 400 * KIB);
	append_chunk(&out, data + 1 + 400 * KIB, 33 * KIB);
	append(&out, xerial, 16);
	append_chunk(&out, data + 1 + 433 * KIB, size - 1 - 433 * KIB);
	check_decodes(SNAPPY, out.data, out.size, data, size);

	append(&out, xerial, 15);
	cr_assert_eq(check_corrupt(plain(SNAPPY), out.data, out.size), size);
	append(&out, "\1", 1);
	check_decodes(SNAPPY, out.data, out.size, data, size);
	out.data[out.size - 16 + 7] = 1; /* not the magic: the end, whatever follows */
	append_chunk(&out, data, 1000);
	check_decodes(SNAPPY, out.data, out.size, data, size);
	ls_buf_fini(&out);
	free(data);
}

Test(codec, snappy_versions)
{
	for (int at = 0; at <= 1; at++) {
		for (int32_t version = -1; version <= 2; version++) {
			struct ls_buf out;

			ls_buf_init(&out, plain_env());
			append(&out, xerial, 16);
			if (at == 1)
				append(&out, xerial, 16);
			ls_store_be32(out.data + at * 16 + 8, (uint32_t)version);
			ls_store_be32(out.data + at * 16 + 12, 77); /* lowest compatible: not looked at */
			append_chunk(&out, (const uint8_t *)"abc", 3);
			if (version >= 1)
				check_decodes(SNAPPY, out.data, out.size, (const uint8_t *)"abc", 3);
			else
				check_corrupt(plain(SNAPPY), out.data, out.size);
			ls_buf_fini(&out);
		}
	}
}

Test(codec, snappy_chunk_lengths)
{
	static const uint32_t lengths[] = {
		0xffffffff, 0x80000000, (512u << 20) + 1, 512u << 20, 100, 6, 4, 0,
	};
	struct ls_buf out;

	ls_buf_init(&out, plain_env());
	append(&out, xerial, 16);
	append_chunk(&out, (const uint8_t *)"abc", 3);
	cr_assert_eq(ls_load_be32(out.data + 16), 5);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		ls_store_be32(out.data + 16, lengths[i]);
		check_corrupt(plain(SNAPPY), out.data, out.size);
	}
	ls_store_be32(out.data + 16, 5);
	for (size_t extra = 0; extra <= 3; extra++) {
		check_decodes(SNAPPY, out.data, out.size, (const uint8_t *)"abc", 3);
		append(&out, "\xff", 1);
	}
	check_corrupt(plain(SNAPPY), out.data, out.size);
	ls_buf_fini(&out);
}

static int metered_snappy(struct meter *meter, const uint8_t *bytes, size_t size, uint64_t cap,
                          size_t *ret_size)
{
	struct ls_decoder *decoder;
	struct ls_buf out;
	int r;

	meter_init(meter);
	ls_buf_init(&out, plain_env());
	cr_assert_eq(ls_decoder_new(&meter->ls, SNAPPY, &decoder), 0);
	cr_assert_eq(ls_decoder_start(decoder, bytes, size, cap, false), 0);
	r = drain(decoder, 1000, &out, NULL);
	*ret_size = out.size;
	ls_buf_fini(&out);
	/* The memory of a large block goes with the next start. */
	cr_assert_eq(ls_decoder_start(decoder, bytes, 0, cap, false), 0);
	cr_assert_leq(meter->now, MIB + KIB);
	cr_assert_null(ls_decoder_free(decoder));
	cr_assert_eq(meter->now, 0);
	return r;
}

Test(codec, snappy_lengths_are_not_believed)
{
	static const uint8_t liar[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 'x'};
	size_t size = 8 * MIB, out_size;
	uint8_t *data = calloc(1, size);
	struct ls_buf block = raw_snappy(data, size);
	struct meter meter;

	cr_assert_eq(metered_snappy(&meter, liar, sizeof liar, NO_CAP, &out_size), CORRUPT);
	cr_assert_lt(meter.peak, KIB);
	cr_assert_eq(metered_snappy(&meter, block.data, block.size - 1, NO_CAP, &out_size), CORRUPT);
	cr_assert_lt(meter.peak, KIB, "malformed, seen before it is allocated");
	cr_assert_eq(metered_snappy(&meter, block.data, block.size, size - 1, &out_size), LIMIT);
	cr_assert_lt(meter.peak, KIB, "above the cap, seen before it is allocated");
	cr_assert_eq(out_size, 0);
	cr_assert_eq(metered_snappy(&meter, block.data, block.size, size, &out_size), 0);
	cr_assert_eq(out_size, size);
	cr_assert_lt(meter.peak, size + KIB);
	ls_buf_fini(&block);
	free(data);
}

/* LZ4 as others write it. */

static struct ls_buf lz4_frame(const LZ4F_preferences_t *preferences, const uint8_t *data, size_t size)
{
	struct ls_buf out;
	size_t n;

	ls_buf_init(&out, plain_env());
	cr_assert_eq(ls_buf_reserve(&out, LZ4F_compressFrameBound(size, preferences)), 0);
	n = LZ4F_compressFrame(out.data, out.capacity, data, size, preferences);
	cr_assert_not(LZ4F_isError(n));
	out.size = n;
	return out;
}

Test(codec, lz4_frames_of_other_clients)
{
	static const LZ4F_blockSizeID_t sizes[] = {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB};
	size_t size = 5 * MIB + 7;
	uint8_t *data = make_data(size, false);

	for (size_t i = 0; i < 4; i++) {
		for (unsigned flags = 0; flags < 8; flags++) {
			LZ4F_preferences_t preferences = {
				.frameInfo = {
					.blockSizeID = sizes[i],
					.blockMode = LZ4F_blockIndependent,
					.contentChecksumFlag = flags & 1,
					.blockChecksumFlag = flags >> 1 & 1,
					.contentSize = flags >> 2 ? size : 0,
				},
			};
			struct ls_buf out = lz4_frame(&preferences, data, size);

			cr_assert_eq(out.data[5], (4 + i) << 4);
			cr_assert_eq(out.data[4],
			             0x60 | (flags & 1) << 2 | (flags >> 1 & 1) << 4 | flags >> 2 << 3);
			check_decodes(LZ4, out.data, out.size, data, size);
			preferences.frameInfo.blockMode = LZ4F_blockLinked;
			ls_buf_fini(&out);
			out = lz4_frame(&preferences, data, size);
			if (!(out.data[4] & 0x20))
				check_corrupt(plain(LZ4), out.data, out.size);
			else
				cr_assert_eq(i, 4, "more than one block");
			ls_buf_fini(&out);
		}
	}
	free(data);
}

Test(codec, lz4_memory_follows_the_block_size)
{
	static const LZ4F_blockSizeID_t sizes[] = {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB};
	size_t size = 5 * MIB;

	for (int noise = 0; noise <= 1; noise++) {
		uint8_t *data = make_data(size, noise);

		for (size_t i = 0; i < 4; i++) {
			LZ4F_preferences_t preferences = {
				.frameInfo = {.blockSizeID = sizes[i], .blockMode = LZ4F_blockIndependent},
			};
			struct ls_buf out = lz4_frame(&preferences, data, size), decoded;
			struct ls_decoder *decoder;
			struct meter meter;

			meter_init(&meter);
			ls_buf_init(&decoded, plain_env());
			cr_assert_eq(ls_decoder_new(&meter.ls, LZ4, &decoder), 0);
			cr_assert_eq(ls_decoder_start(decoder, out.data, out.size, NO_CAP, false), 0);
			cr_assert_eq(drain(decoder, 10000, &decoded, NULL), 0);
			check_equal(&decoded, data, size, "lz4");
			/* Stored blocks need no buffer. */
			cr_assert_leq(meter.peak, KIB + (noise ? 0 : (64 * KIB) << 2 * i));
			cr_assert_null(ls_decoder_free(decoder));
			ls_buf_fini(&decoded);
			ls_buf_fini(&out);
		}
		free(data);
	}
}

/* Gives a frame header that was edited its right checksum. */
static void fix_header_checksum(uint8_t *frame)
{
	size_t size = frame[4] & 8 ? 10 : 2;

	frame[4 + size] = (uint8_t)(XXH32(frame + 4, size, 0) >> 8);
}

Test(codec, lz4_header_fields)
{
	struct decoding how = plain(LZ4);
	struct ls_buf out = encode(LZ4, DEFAULT, (const uint8_t *)"abc", 3);

	for (unsigned flg = 0; flg < 256; flg++) {
		bool right = (flg & 0xe3) == 0x60;

		if (flg & 0x1c)
			continue; /* another layout: lz4_frames_of_other_clients */
		out.data[4] = (uint8_t)flg;
		fix_header_checksum(out.data);
		if (right)
			check_decodes(LZ4, out.data, out.size, (const uint8_t *)"abc", 3);
		else
			check_corrupt(how, out.data, out.size);
	}
	out.data[4] = 0x60;
	for (unsigned bd = 0; bd < 256; bd++) {
		out.data[5] = (uint8_t)bd;
		fix_header_checksum(out.data);
		if (bd == 0x40 || bd == 0x50 || bd == 0x60 || bd == 0x70)
			check_decodes(LZ4, out.data, out.size, (const uint8_t *)"abc", 3);
		else
			check_corrupt(how, out.data, out.size);
	}
	out.data[5] = 0x40;
	fix_header_checksum(out.data);
	for (unsigned bit = 0; bit < 32; bit++) {
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_corrupt(how, out.data, out.size);
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ls_buf_fini(&out);
}

Test(codec, lz4_header_checksum)
{
	struct decoding how = plain(LZ4);
	struct ls_buf out = encode(LZ4, DEFAULT, (const uint8_t *)"abc", 3), decoded;

	/* The one that covers the magic too. */
	cr_assert_eq((XXH32(out.data, 6, 0) >> 8 & 0xff), 0x1a);
	out.data[6] = 0x1a;
	check_corrupt(how, out.data, out.size);
	how.legacy_lz4 = true;
	cr_assert_eq(decode(how, out.data, out.size, &decoded, NULL), 0);
	check_equal(&decoded, (const uint8_t *)"abc", 3, "legacy");
	ls_buf_fini(&decoded);
	out.data[6] = 0x82;
	cr_assert_eq(decode(how, out.data, out.size, &decoded, NULL), 0, "the right one too");
	ls_buf_fini(&decoded);
	check_corrupt(how, out.data, 6);
	ls_buf_fini(&out);
}

Test(codec, lz4_checksums_of_blocks_and_content)
{
	LZ4F_preferences_t preferences = {
		.frameInfo = {
			.blockMode = LZ4F_blockIndependent,
			.contentChecksumFlag = 1,
			.blockChecksumFlag = 1,
		},
	};
	struct decoding how = plain(LZ4);
	uint8_t *data = make_data(1000, false);

	for (int noise = 0; noise <= 1; noise++) {
		uint8_t *content = make_data(1000, noise);
		struct ls_buf out = lz4_frame(&preferences, content, 1000);
		size_t block_size = ls_load_le32(out.data + 7) & 0x7fffffff;

		for (size_t at = 11; at < 11 + block_size + 4; at++) {
			out.data[at] ^= 0x40;
			cr_assert_eq(check_corrupt(how, out.data, out.size), 0);
			out.data[at] ^= 0x40;
		}
		out.data[out.size - 1] ^= 1;
		check_decodes(LZ4, out.data, out.size, content, 1000);
		for (size_t cut = 1; cut <= 8; cut++)
			check_corrupt(how, out.data, out.size - cut);
		ls_buf_fini(&out);
		free(content);
	}
	free(data);
}

Test(codec, lz4_content_size_is_skipped)
{
	LZ4F_preferences_t preferences = {
		.frameInfo = {.blockMode = LZ4F_blockIndependent, .contentSize = 1000},
	};
	uint8_t *data = make_data(1000, false);
	struct ls_buf out = lz4_frame(&preferences, data, 1000);

	memset(out.data + 6, 0xff, 8);
	check_corrupt(plain(LZ4), out.data, out.size);
	fix_header_checksum(out.data);
	check_decodes(LZ4, out.data, out.size, data, 1000);
	for (size_t cut = 0; cut < 15; cut++)
		check_corrupt(plain(LZ4), out.data, cut);
	ls_buf_fini(&out);
	free(data);
}

Test(codec, lz4_blocks_and_end_marks)
{
	struct decoding how = plain(LZ4);
	static const uint8_t raw_block[] = {3, 0, 0, 0x80, 'a', 'b', 'c'};
	static const uint8_t empty_block[] = {1, 0, 0, 0, 0};
	static const uint8_t raw_end_mark[] = {0, 0, 0, 0x80};
	struct ls_buf out = encode(LZ4, DEFAULT, NULL, 0), decoded;
	size_t header = out.size - 4;

	check_decodes(LZ4, out.data, out.size, NULL, 0);
	append(&out, "behind the end", 14);
	check_decodes(LZ4, out.data, out.size, NULL, 0);

	out.size = header;
	append(&out, empty_block, sizeof empty_block);
	append(&out, raw_block, sizeof raw_block);
	append(&out, empty_block, sizeof empty_block);
	cr_assert_eq(check_corrupt(how, out.data, out.size), 3, "no end mark");
	append(&out, raw_end_mark, 4);
	append(&out, raw_block, sizeof raw_block);
	check_decodes(LZ4, out.data, out.size, (const uint8_t *)"abc", 3);

	/* One byte more than a block may have, stored or compressed; all the bytes are there. */
	out.size = header;
	cr_assert_eq(ls_buf_reserve(&out, 70000), 0);
	memset(out.data + header, 0, 70000);
	out.size = header + 70000;
	ls_store_le32(out.data + header, 0x80000000u | 65537);
	check_corrupt(how, out.data, out.size);
	ls_store_le32(out.data + header, 65537);
	check_corrupt(how, out.data, out.size);
	ls_store_le32(out.data + header, 0x80000000u | 65536);
	cr_assert_eq(decode(how, out.data, header + 4 + 65536 + 4, &decoded, NULL), 0);
	cr_assert_eq(decoded.size, 65536);
	ls_buf_fini(&decoded);
	ls_buf_fini(&out);
}

Test(codec, lz4_malformed_blocks)
{
	static const char *const blocks[] = {
		"10",             /* a literal that is not there */
		"1061ffff",       /* a distance before the beginning */
		"10610100",       /* a match at the end of the block */
		"f0ffffffffff",   /* a length without an end */
	};

	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
		struct ls_buf out = encode(LZ4, DEFAULT, NULL, 0);
		size_t size;
		uint8_t *block = ts_hex(blocks[i], &size), word[4];

		out.size -= 4;
		ls_store_le32(word, (uint32_t)size);
		append(&out, word, 4);
		append(&out, block, size);
		append(&out, (uint8_t[4]){0}, 4);
		check_corrupt(plain(LZ4), out.data, out.size);
		check_corrupt((struct decoding){.codec = LZ4, .room = MIB}, out.data, out.size);
		ls_buf_fini(&out);
		free(block);
	}
}

/*
 * A distance of zero copies bytes from where they are about to be written. They must be zeros, never what
 * the buffer held before.
 */
Test(codec, lz4_distance_of_zero)
{
	for (size_t match = 4; match < 300; match++) {
		for (size_t last = 5; last < 40; last += 7) {
			struct ls_buf out = encode(LZ4, DEFAULT, NULL, 0);
			uint8_t block[128] = {0}, expected[512] = {0}, word[4];
			size_t n = 0;

			block[n++] = match - 4 < 15 ? (uint8_t)(1 << 4 | (match - 4)) : 0x1f;
			block[n++] = 'x';
			n += 2;
			if (match - 4 >= 15 + 255)
				block[n++] = 255;
			if (match - 4 >= 15)
				block[n++] = (uint8_t)((match - 4 - 15) % 255);
			block[n++] = (uint8_t)((last < 15 ? last : 15) << 4);
			if (last >= 15)
				block[n++] = (uint8_t)(last - 15);
			memset(block + n, 'y', last);
			expected[0] = 'x';
			memset(expected + 1 + match, 'y', last);
			out.size -= 4;
			ls_store_le32(word, (uint32_t)(n + last));
			append(&out, word, 4);
			append(&out, block, n + last);
			append(&out, (uint8_t[4]){0}, 4);
			check_decodes(LZ4, out.data, out.size, expected, 1 + match + last);
			ls_buf_fini(&out);
		}
	}
}

/* A block that would decode to more than the frame's block size, into a caller's buffer with more room. */
Test(codec, lz4_block_that_grows_too_large)
{
	uint8_t *zeros = calloc(1, 256 * KIB);
	LZ4F_preferences_t preferences = {
		.frameInfo = {.blockSizeID = LZ4F_max256KB, .blockMode = LZ4F_blockIndependent},
	};
	struct ls_buf out = lz4_frame(&preferences, zeros, 256 * KIB);

	out.data[5] = 0x40;
	fix_header_checksum(out.data);
	check_corrupt((struct decoding){.codec = LZ4, .room = MIB}, out.data, out.size);
	check_corrupt((struct decoding){.codec = LZ4, .room = 100}, out.data, out.size);
	ls_buf_fini(&out);
	free(zeros);
}

/* zstd as others write it. */

struct zstd_options {
	int content_size;
	int checksum;
	int window_log;
};

static void set_parameter(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value)
{
	cr_assert_not(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)));
}

static struct ls_buf zstd_frame(struct zstd_options options, const uint8_t *data, size_t size)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = {.src = data, .size = size, .pos = 0};
	ZSTD_outBuffer to;
	struct ls_buf out;

	ls_buf_init(&out, plain_env());
	cr_assert_eq(ls_buf_reserve(&out, ZSTD_compressBound(size) + 64), 0);
	to = (ZSTD_outBuffer){.dst = out.data, .size = out.capacity, .pos = 0};
	set_parameter(context, ZSTD_c_contentSizeFlag, options.content_size);
	set_parameter(context, ZSTD_c_checksumFlag, options.checksum);
	set_parameter(context, ZSTD_c_windowLog, options.window_log);
	cr_assert_eq(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
	out.size = to.pos;
	(void)ZSTD_freeCCtx(context);
	return out;
}

Test(codec, zstd_frames_of_other_clients)
{
	static const size_t sizes[] = {0, 1, 1000, 3 * 1024 * 1024};
	static const int window_logs[] = {0, 10, 20};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint8_t *data = make_data(sizes[i], false);

		for (unsigned k = 0; k < 12; k++) {
			struct zstd_options options = {
				.content_size = k & 1,
				.checksum = k >> 1 & 1,
				.window_log = window_logs[k >> 2],
			};
			struct ls_buf out = zstd_frame(options, data, sizes[i]);

			check_decodes(ZSTD, out.data, out.size, data, sizes[i]);
			if (options.checksum) {
				out.data[out.size - 1] ^= 1;
				check_corrupt(plain(ZSTD), out.data, out.size);
			}
			ls_buf_fini(&out);
		}
		free(data);
	}
}

Test(codec, zstd_frames_one_after_another)
{
	static const uint8_t skippable[] = {0x57, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
	struct decoding how = plain(ZSTD);
	size_t size = 100 * KIB;
	uint8_t *data = make_data(size, false);
	struct ls_buf one = encode(ZSTD, DEFAULT, data, 60 * KIB);
	struct zstd_options sized = {.content_size = 1, .checksum = 1};
	struct ls_buf two = zstd_frame(sized, data + 60 * KIB, size - 60 * KIB);
	struct ls_buf all;

	ls_buf_init(&all, plain_env());
	append(&all, skippable, sizeof skippable);
	append(&all, one.data, one.size);
	append(&all, skippable, sizeof skippable);
	append(&all, two.data, two.size);
	append(&all, skippable, sizeof skippable);
	check_decodes(ZSTD, all.data, all.size, data, size);
	for (size_t cut = 1; cut < sizeof skippable; cut++)
		cr_assert_eq(check_corrupt(how, all.data, all.size - cut), size);
	for (size_t garbage = 1; garbage <= 8; garbage++) {
		append(&all, "\0", 1);
		cr_assert_eq(check_corrupt(how, all.data, all.size), size, "%zu bytes more", garbage);
	}
	ls_buf_fini(&all);
	ls_buf_fini(&one);
	ls_buf_fini(&two);
	free(data);
}

Test(codec, zstd_frames_that_are_refused)
{
	static const struct {
		const char *what;
		const char *hex;
	} cases[] = {
		{"a window of 256 MiB", "28b52ffd0090010000"},
		{"a content size of 2^63 in a single segment", "28b52ffde00000000000000080010000"},
		{"a dictionary", "28b52ffd01580501" "0000"},
		{"a reserved bit", "28b52ffd0858010000"},
		{"the format of version 0.7", "27b52ffd0058400003616263c00000"},
		{"a dictionary instead of a frame", "37a430ec0058010000"},
		{"a reserved block type", "28b52ffd0058070000"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t size;
		uint8_t *bytes = ts_hex(cases[i].hex, &size);

		check_corrupt(plain(ZSTD), bytes, size);
		free(bytes);
	}
}

/* The largest window that Kafka reads, with little in it. */
Test(codec, zstd_window_of_128_mib)
{
	size_t size;
	uint8_t *bytes = ts_hex("28b52ffd0088190000616263", &size);

	check_decodes(ZSTD, bytes, size, (const uint8_t *)"abc", 3);
	free(bytes);
}

/* Kafka's own batches. */

static unsigned decode_log(const char *path, unsigned counts[LAST_CODEC + 1])
{
	size_t size, at = 0;
	uint8_t *log = ts_read_file(path, &size);
	unsigned batches = 0;

	while (at < size) {
		const uint8_t *batch = log + at;
		size_t batch_size = LS_BATCH_LOG_OVERHEAD + ls_load_be32(batch + LS_BATCH_LENGTH);
		int codec = ls_load_be16(batch + LS_BATCH_ATTRIBUTES) & LS_ATTR_CODEC;
		struct decoding how = {.codec = codec, .room = 1 + at % 5000};
		struct logstore_error error = {0};
		struct ls_buf out;
		int r;

		cr_assert_eq(batch[LS_BATCH_MAGIC], 2);
		cr_assert_leq(batch_size, size - at);
		r = decode(how, batch + LS_BATCH_HEADER_SIZE, batch_size - LS_BATCH_HEADER_SIZE, &out,
		           &error);
		cr_assert_eq(r, 0, "%s at %zu: %s", path, at, error.text);
		/* A record takes at least 7 bytes: length, attributes, two deltas, key, value, headers. */
		cr_assert_geq(out.size, 7 * ls_load_be32(batch + LS_BATCH_RECORD_COUNT));
		ls_buf_fini(&out);
		counts[codec]++;
		batches++;
		at += batch_size;
	}
	free(log);
	return batches;
}

Test(codec, batches_of_kafka)
{
	const char *folder = ts_data("kafka/codecs/logs");
	DIR *dir = opendir(folder);
	unsigned counts[LAST_CODEC + 1] = {0};
	unsigned logs = 0;

	cr_assert_not_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		char path[1024];
		size_t length = strlen(entry->d_name);

		if (length < 3 || strcmp(entry->d_name + length - 2, "-0") != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s/00000000000000000000.log", folder, entry->d_name);
		cr_assert_gt(decode_log(path, counts), 0);
		logs++;
	}
	cr_assert_eq(closedir(dir), 0);
	cr_assert_geq(logs, 15);
	for (int codec = FIRST_CODEC; codec <= LAST_CODEC; codec++)
		cr_assert_gt(counts[codec], 5, "%s", ls_codec_name(codec));
}
