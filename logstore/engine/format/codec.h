/*
 * Compression of the records area of a batch: gzip, snappy (xerial), lz4 (frame), zstd; none is a copy.
 * docs/format/compression.md is normative.
 *
 * Both directions stream in constant memory: the input of a decoder is whole in memory (a batch), its
 * output comes in pieces; an encoder takes pieces and appends to a buffer. Decoders are total: any bytes
 * give output or a typed error with the position in the input; no size that the input declares is ever
 * allocated. A codec object is reused for one batch after another and never used on two threads at once.
 */
#ifndef LS_FORMAT_CODEC_H
#define LS_FORMAT_CODEC_H

#include <logstore/error.h>
#include <logstore/types.h>

#include "base/buf.h"
#include "base/env.h"

struct ls_decoder;

/* Returns 0, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE or -ENOMEM. */
int ls_decoder_new(const struct ls_env *env, int codec, struct ls_decoder **ret_decoder);
struct ls_decoder *ls_decoder_free(struct ls_decoder *decoder);
int ls_decoder_codec(const struct ls_decoder *decoder);

/*
 * Begins with new input, which must stay until the decoder is started again or freed. `cap` is the most
 * bytes that may come out. `legacy_lz4` is set for messages of magic 0 only, whose lz4 frames have a
 * header checksum made the wrong way: it is then not looked at.
 * Returns 0 or -ENOMEM.
 */
int ls_decoder_start(struct ls_decoder *decoder, const void *bytes, size_t size, uint64_t cap, bool legacy_lz4);

/*
 * Up to `room` (1 or more) further bytes. *ret_size 0 is the end of the data. Fewer bytes than `room` is
 * not the end. Bytes of the input behind the end of the data are ignored where Kafka ignores them.
 * Returns 0; LOGSTORE_E_CORRUPT_MESSAGE (position in the input); LOGSTORE_E_LIMIT_EXCEEDED once more than
 * `cap` bytes would come out; -ENOMEM.
 */
int ls_decoder_read(struct ls_decoder *decoder, void *buffer, size_t room, size_t *ret_size,
                    struct logstore_error *ret_error);

struct ls_encoder;

/* Returns 0, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE or -ENOMEM. */
int ls_encoder_new(const struct ls_env *env, int codec, struct ls_encoder **ret_encoder);
struct ls_encoder *ls_encoder_free(struct ls_encoder *encoder);
int ls_encoder_codec(const struct ls_encoder *encoder);

/* Whether `level` is one that Kafka accepts for the codec (or LOGSTORE_LEVEL_DEFAULT). */
bool ls_codec_level_valid(int codec, int32_t level);

/*
 * Begins new output, appended to `out`, which must outlive the encoding.
 * Returns 0, LOGSTORE_E_INVALID_CONFIG for a level outside the codec's range, or -ENOMEM.
 */
int ls_encoder_start(struct ls_encoder *encoder, int32_t level, struct ls_buf *out);
/* Returns 0 or -ENOMEM. After a failure the encoder must be started again. */
int ls_encoder_write(struct ls_encoder *encoder, const void *bytes, size_t size);
int ls_encoder_finish(struct ls_encoder *encoder);

/* "none", "gzip", ...; NULL for another number. */
const char *ls_codec_name(int codec);

#endif
