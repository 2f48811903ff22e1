/*
 * Topic settings: one table of Kafka's names, types, ranges, defaults and messages; a set of given values;
 * and the resolved struct that the engine reads. docs/configuration.md is made from the table.
 */
#ifndef LS_FORMAT_LOG_CONFIG_H
#define LS_FORMAT_LOG_CONFIG_H

#include <logstore/config.h>

#include "base/buf.h"
#include "base/env.h"

/* A set of given values (the public logstore_config). */
struct logstore_config;

int ls_config_new(const struct ls_env *env, struct logstore_config **ret_config);
struct logstore_config *ls_config_free(struct logstore_config *config);
int ls_config_copy(const struct ls_env *env, const struct logstore_config *config, struct logstore_config **ret_copy);
int ls_config_set(struct logstore_config *config, const char *name, const char *value,
                  struct logstore_error *ret_error);
const char *ls_config_get(const struct logstore_config *config, const char *name);
int ls_config_at(const struct logstore_config *config, size_t index, struct logstore_config_entry *ret_entry);
/* Lays what is set in `over` on top of `config`. Returns 0 or -ENOMEM (then `config` may be partly changed). */
int ls_config_merge(struct logstore_config *config, const struct logstore_config *over);

/*
 * logstore-config, our own file in a partition: Java properties, first line "# logstore-config 1", then
 * what is set. docs/format/logstore-config.md is normative. Unknown names are LOGSTORE_E_INVALID_CONFIG.
 */
int ls_config_file_write(struct ls_buf *out, const struct logstore_config *config);
int ls_config_file_parse(const struct ls_env *env, const char *text, size_t size, struct logstore_config **ret_config,
                         struct logstore_error *ret_error);

enum {
	LS_CLEANUP_DELETE = 1u << 0,
	LS_CLEANUP_COMPACT = 1u << 1,
};

/* compression.type: a codec, or this for "producer". ("uncompressed" is LOGSTORE_CODEC_NONE.) */
#define LS_COMPRESSION_PRODUCER (-1)

/* Resolved values, ready to use. Units as in Kafka. */
struct ls_log_config {
	int64_t segment_bytes;          /* internal.segment.bytes if set */
	int64_t segment_ms;
	int64_t segment_jitter_ms;
	int64_t segment_index_bytes;
	int64_t index_interval_bytes;
	int64_t flush_messages;
	int64_t flush_ms;
	int64_t retention_bytes;        /* -1: unlimited */
	int64_t retention_ms;           /* -1: unlimited */
	int64_t max_message_bytes;
	int64_t delete_retention_ms;
	int64_t min_compaction_lag_ms;
	int64_t max_compaction_lag_ms;
	double min_cleanable_dirty_ratio;
	int64_t file_delete_delay_ms;
	unsigned cleanup_policy;        /* LS_CLEANUP_* */
	int compression_type;           /* enum logstore_codec or LS_COMPRESSION_PRODUCER */
	int32_t compression_level[5];   /* by codec; LOGSTORE_LEVEL_DEFAULT where it has none */
	enum logstore_timestamp_type timestamp_type;
	int64_t timestamp_before_max_ms;
	int64_t timestamp_after_max_ms;
	bool preallocate;
};

/*
 * Resolves a set (NULL: all defaults) and checks values against each other. Returns 0 or
 * LOGSTORE_E_INVALID_CONFIG with Kafka's message.
 */
int ls_log_config_resolve(const struct logstore_config *config, struct ls_log_config *ret_config,
                          struct logstore_error *ret_error);

#endif
