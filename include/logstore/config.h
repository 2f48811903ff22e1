/*
 * Settings of a topic, by Kafka's names, with Kafka's defaults and Kafka's words for what is wrong.
 * A logstore_config holds the values that were set; everything else has its default.
 */
#ifndef LOGSTORE_CONFIG_H
#define LOGSTORE_CONFIG_H

#include <logstore/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * logstore_config_new() - an empty set of settings
 * @ret_config: the set; everything at its default
 *
 * Returns: 0 or -ENOMEM.
 * Ownership: free with logstore_config_free().
 * Threads: any thread; one set must not be used on two threads at once.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_config_new(logstore_config **ret_config);

/**
 * logstore_config_free() - free a set of settings
 * @config: may be NULL
 *
 * Returns: NULL.
 * Threads: any thread, once nobody uses it.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API logstore_config *logstore_config_free(logstore_config *config);

/**
 * logstore_config_set() - set one setting
 * @config: the set
 * @name: Kafka's name of a topic setting, for example "segment.bytes"
 * @value: as Kafka writes it, for example "1048576", "compact,delete", "true"; NULL takes the setting back
 *         to its default
 * @ret_error: detail, or NULL
 *
 * The value is checked alone here and against the other settings when it is used (for example
 * min.compaction.lag.ms may not exceed max.compaction.lag.ms).
 *
 * Returns: 0; LOGSTORE_E_INVALID_CONFIG for an unknown name or a value outside its type or range, with
 *          Kafka's message; -ENOMEM. On failure the set is unchanged.
 * Ownership: both strings are copied.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_config_set(logstore_config *config, const char *name, const char *value,
                                     struct logstore_error *ret_error);

/**
 * logstore_config_get() - value of one setting
 * @config: the set
 * @name: Kafka's name of a topic setting
 *
 * Returns: the value in Kafka's form, or the default if it was not set, or NULL if there is no such
 *          setting or it has neither ("leader.replication.throttled.replicas" is "", not NULL).
 * Ownership: belongs to @config until it is changed or freed.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const char *logstore_config_get(const logstore_config *config, const char *name);

/* One setting, for listing. Strings are static except value. */
struct logstore_config_entry {
	const char *name;
	const char *value;         /* in force; "" if none */
	const char *default_value; /* "" if none */
	const char *type;          /* "int", "long", "double", "boolean", "string" or "list" */
	const char *documentation; /* one sentence */
	bool is_default;           /* not set in this set */
	uint8_t reserved[7];
};

/**
 * logstore_config_at() - list all settings
 * @config: the set
 * @index: 0, 1, ... in the order of the names
 * @ret_entry: the setting
 *
 * Returns: 1 and the entry, or 0 if @index is past the last one.
 * Ownership: the strings belong to @config until it is changed or freed.
 * Threads: one thread at a time.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int logstore_config_at(const logstore_config *config, size_t index,
                                    struct logstore_config_entry *ret_entry);

#ifdef __cplusplus
}
#endif

#endif
