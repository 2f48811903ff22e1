/*
 * Batches in memory and settings: the public names of the format layer.
 */
#include <logstore/batch.h>
#include <logstore/config.h>

#include <errno.h>

#include "api/api.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/batch.h"
#include "format/batch_builder.h"
#include "format/codec.h"
#include "format/control.h"
#include "format/log_config.h"
#include "format/partitioner.h"
#include "format/record_reader.h"
#include "format/uuid.h"

int logstore_batch_header(const void *bytes, size_t size, struct logstore_batch_info *ret_info,
                          struct logstore_error *ret_error)
{
	if (!bytes || !ret_info)
		return ls_error(ret_error, -EINVAL, "the bytes or the result is missing");
	return ls_batch_info(bytes, size, ret_info, ret_error);
}

int logstore_batch_check(const void *bytes, size_t size, struct logstore_error *ret_error)
{
	if (!bytes)
		return ls_error(ret_error, -EINVAL, "the bytes are missing");
	return ls_batch_check(bytes, size, ret_error);
}

/* The public objects bring their environment along, so that it outlives the caller's. */
struct logstore_record_reader {
	struct ls_env env;
	struct ls_record_reader *reader;
};

struct logstore_batch_builder {
	struct ls_env env;
	struct ls_batch_builder *builder;
};

int logstore_record_reader_new(const struct logstore_env *env, uint64_t max_decompressed_bytes,
                               logstore_record_reader **ret_reader)
{
	logstore_record_reader *reader;
	struct ls_env resolved;
	int r;

	if (!ret_reader)
		return -EINVAL;
	ls_api_env_resolve(env, &resolved);
	reader = ls_calloc(&resolved, 1, sizeof *reader);
	if (!reader)
		return -ENOMEM;
	reader->env = resolved;
	r = ls_record_reader_new(&reader->env, max_decompressed_bytes, &reader->reader);
	if (r < 0) {
		(void)ls_free(&resolved, reader);
		return r;
	}
	*ret_reader = reader;
	return 0;
}

logstore_record_reader *logstore_record_reader_free(logstore_record_reader *reader)
{
	struct ls_env env;

	if (!reader)
		return NULL;
	env = reader->env;
	(void)ls_record_reader_free(reader->reader);
	return ls_free(&env, reader);
}

int logstore_record_reader_start(logstore_record_reader *reader, const void *bytes, size_t size,
                                 struct logstore_batch_info *ret_info, struct logstore_error *ret_error)
{
	int r;

	if (!reader || !bytes)
		return ls_error(ret_error, -EINVAL, "the reader or the bytes are missing");
	r = ls_record_reader_start(reader->reader, bytes, size, ret_error);
	if (r == 0 && ret_info)
		*ret_info = *ls_record_reader_batch(reader->reader);
	return r;
}

int logstore_record_reader_next(logstore_record_reader *reader, struct logstore_record *ret_record,
                                struct logstore_error *ret_error)
{
	if (!reader || !ret_record)
		return ls_error(ret_error, -EINVAL, "the reader or the result is missing");
	return ls_record_reader_next(reader->reader, ret_record, ret_error);
}

int logstore_batch_builder_new(const struct logstore_env *env, logstore_batch_builder **ret_builder)
{
	logstore_batch_builder *builder;
	struct ls_env resolved;
	int r;

	if (!ret_builder)
		return -EINVAL;
	ls_api_env_resolve(env, &resolved);
	builder = ls_calloc(&resolved, 1, sizeof *builder);
	if (!builder)
		return -ENOMEM;
	builder->env = resolved;
	r = ls_batch_builder_new(&builder->env, &builder->builder);
	if (r < 0) {
		(void)ls_free(&resolved, builder);
		return r;
	}
	*ret_builder = builder;
	return 0;
}

logstore_batch_builder *logstore_batch_builder_free(logstore_batch_builder *builder)
{
	struct ls_env env;

	if (!builder)
		return NULL;
	env = builder->env;
	(void)ls_batch_builder_free(builder->builder);
	return ls_free(&env, builder);
}

int logstore_batch_builder_start(logstore_batch_builder *builder, const struct logstore_batch_options *options,
                                 struct logstore_error *ret_error)
{
	struct logstore_batch_options known;
	int r;

	if (!builder)
		return ls_error(ret_error, -EINVAL, "the builder is missing");
	logstore_batch_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_batch_options", ret_error);
	return r < 0 ? r : ls_batch_builder_start(builder->builder, &known, ret_error);
}

int logstore_batch_builder_add(logstore_batch_builder *builder, const struct logstore_record *record,
                               bool offset_given, struct logstore_error *ret_error)
{
	if (!builder || !record)
		return ls_error(ret_error, -EINVAL, "the builder or the record is missing");
	return ls_batch_builder_add(builder->builder, record, offset_given, ret_error);
}

size_t logstore_batch_builder_size(const logstore_batch_builder *builder)
{
	return ls_batch_builder_size(builder->builder);
}

int logstore_batch_builder_finish(logstore_batch_builder *builder, const void **ret_bytes, size_t *ret_size,
                                  struct logstore_error *ret_error)
{
	const uint8_t *bytes;
	int r;

	if (!builder || !ret_bytes || !ret_size)
		return ls_error(ret_error, -EINVAL, "the builder or the result is missing");
	r = ls_batch_builder_finish(builder->builder, &bytes, ret_size, ret_error);
	if (r == 0)
		*ret_bytes = bytes;
	return r;
}

int logstore_control_parse(const struct logstore_record *record, struct logstore_control *ret_control,
                           struct logstore_error *ret_error)
{
	if (!record || !ret_control)
		return ls_error(ret_error, -EINVAL, "the record or the result is missing");
	return ls_control_parse(record, ret_control, ret_error);
}

int32_t logstore_partition_of_key(const void *key, size_t key_size, int32_t partition_count)
{
	return ls_partition_of_key(key, key_size, partition_count);
}

int32_t logstore_partition_of_group(const char *id, int32_t partition_count)
{
	return ls_partition_of_group(id, partition_count);
}

const char *logstore_codec_name(int codec)
{
	return ls_codec_name(codec);
}

void logstore_uuid_text(const struct logstore_uuid *uuid, char ret_text[23])
{
	ls_uuid_text(uuid, ret_text);
}

int logstore_uuid_parse(const char *text, struct logstore_uuid *ret_uuid)
{
	return text && ret_uuid ? ls_uuid_parse(text, ret_uuid) : -EINVAL;
}
