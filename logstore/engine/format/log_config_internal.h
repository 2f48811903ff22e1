/* The table of topic settings, and the check of one value against it. For log_config*.c and their test. */
#ifndef LS_FORMAT_LOG_CONFIG_INTERNAL_H
#define LS_FORMAT_LOG_CONFIG_INTERNAL_H

#include <logstore/error.h>

#include "base/buf.h"

/* In the order of the names. Not stored anywhere. */
enum {
	LS_SETTING_CLEANUP_POLICY,
	LS_SETTING_COMPRESSION_GZIP_LEVEL,
	LS_SETTING_COMPRESSION_LZ4_LEVEL,
	LS_SETTING_COMPRESSION_TYPE,
	LS_SETTING_COMPRESSION_ZSTD_LEVEL,
	LS_SETTING_DELETE_RETENTION_MS,
	LS_SETTING_ERRORS_DEADLETTERQUEUE_GROUP_ENABLE,
	LS_SETTING_FILE_DELETE_DELAY_MS,
	LS_SETTING_FLUSH_MESSAGES,
	LS_SETTING_FLUSH_MS,
	LS_SETTING_FOLLOWER_THROTTLED_REPLICAS,
	LS_SETTING_INDEX_INTERVAL_BYTES,
	LS_SETTING_INTERNAL_SEGMENT_BYTES,
	LS_SETTING_LEADER_THROTTLED_REPLICAS,
	LS_SETTING_LOCAL_RETENTION_BYTES,
	LS_SETTING_LOCAL_RETENTION_MS,
	LS_SETTING_MAX_COMPACTION_LAG_MS,
	LS_SETTING_MAX_MESSAGE_BYTES,
	LS_SETTING_TIMESTAMP_AFTER_MAX_MS,
	LS_SETTING_TIMESTAMP_BEFORE_MAX_MS,
	LS_SETTING_TIMESTAMP_TYPE,
	LS_SETTING_MIN_CLEANABLE_DIRTY_RATIO,
	LS_SETTING_MIN_COMPACTION_LAG_MS,
	LS_SETTING_MIN_INSYNC_REPLICAS,
	LS_SETTING_PREALLOCATE,
	LS_SETTING_REMOTE_COPY_LAG_BYTES,
	LS_SETTING_REMOTE_COPY_LAG_MS,
	LS_SETTING_REMOTE_LOG_COPY_DISABLE,
	LS_SETTING_REMOTE_LOG_DELETE_ON_DISABLE,
	LS_SETTING_REMOTE_STORAGE_ENABLE,
	LS_SETTING_RETENTION_BYTES,
	LS_SETTING_RETENTION_MS,
	LS_SETTING_SEGMENT_BYTES,
	LS_SETTING_SEGMENT_INDEX_BYTES,
	LS_SETTING_SEGMENT_JITTER_MS,
	LS_SETTING_SEGMENT_MS,
	LS_SETTING_UNCLEAN_LEADER_ELECTION_ENABLE,
	LS_SETTING_COUNT
};

enum ls_setting_type {
	LS_TYPE_INT,
	LS_TYPE_LONG,
	LS_TYPE_DOUBLE,
	LS_TYPE_BOOLEAN,
	LS_TYPE_STRING,
	LS_TYPE_LIST,
};

enum ls_setting_rule {
	LS_RULE_NONE,     /* what the type allows */
	LS_RULE_AT_LEAST, /* min or more */
	LS_RULE_BETWEEN,  /* min to max */
	LS_RULE_LEVEL,    /* min to max, or -1 */
	LS_RULE_CHOICE,   /* one of choices; a list: any of them, each once */
	LS_RULE_REPLICAS, /* a list: "*", or items like 0:1 */
};

struct ls_setting {
	const char *name;
	enum ls_setting_type type;
	enum ls_setting_rule rule;
	int64_t min;
	int64_t max;
	const char *const *choices; /* ends in NULL */
	const char *default_value;  /* in canonical form; NULL: none */
	const char *documentation;
};

extern const struct ls_setting ls_settings[LS_SETTING_COUNT];

/* "int", "long", "double", "boolean", "string" or "list". */
const char *ls_setting_type_name(enum ls_setting_type type);

/* Index of a setting in the table, or -1. */
int ls_setting_find(const char *name);

/*
 * Checks one value and appends its canonical form, terminated: trimmed, numbers as Java prints them, lists
 * joined by ",". Returns 0, LOGSTORE_E_INVALID_CONFIG with Kafka's message, or -ENOMEM.
 */
int ls_setting_check(const struct ls_setting *setting, const char *value, struct ls_buf *out,
                     struct logstore_error *ret_error);

/* The number that the canonical form of a double says. Returns 0 or -ENOMEM. */
int ls_setting_double(const char *text, double *ret_value);

#endif
