/*
 * Names of files and directories. docs/format/directory.md is normative. Reading follows Kafka's loader
 * (the stem is what stands before the FIRST dot, a signed decimal int64); writing is always 20 digits.
 */
#ifndef LS_FORMAT_NAMES_H
#define LS_FORMAT_NAMES_H

#include <logstore/inspect.h>

#define LS_FILE_NAME_MAX 64 /* <20 digits>.<longest ending> and its null */
#define LS_DIRECTORY_NAME_MAX 256

#define LS_NAME_LOCK ".lock"
#define LS_NAME_CLEAN_SHUTDOWN ".kafka_cleanshutdown"
#define LS_NAME_META_PROPERTIES "meta.properties"
#define LS_NAME_RECOVERY_POINTS "recovery-point-offset-checkpoint"
#define LS_NAME_LOG_STARTS "log-start-offset-checkpoint"
#define LS_NAME_HIGH_WATERMARKS "replication-offset-checkpoint"
#define LS_NAME_CLEANER_OFFSETS "cleaner-offset-checkpoint"
#define LS_NAME_EPOCHS "leader-epoch-checkpoint"
#define LS_NAME_PARTITION_METADATA "partition.metadata"
#define LS_NAME_CONFIG "logstore-config"

/* Kafka's grammar: 1..249 of [a-zA-Z0-9._-], not "." or "..". */
bool ls_topic_valid(const char *topic);

/* <topic>-<partition>. Returns the length, or -1 if it does not fit LS_DIRECTORY_NAME_MAX. */
int ls_partition_directory_name(char ret_name[LS_DIRECTORY_NAME_MAX], const char *topic, int32_t partition);

enum ls_directory_kind {
	LS_DIRECTORY_PARTITION,
	LS_DIRECTORY_DELETE, /* <topic>-<partition>.<32 hex>-delete */
	LS_DIRECTORY_FUTURE,
	LS_DIRECTORY_STRAY,
	LS_DIRECTORY_INTERNAL, /* remote-log-index-cache */
};

/*
 * What a directory of a data directory is. The LAST '-' separates topic and number. ret_topic (at least
 * LOGSTORE_TOPIC_NAME_MAX + 1 bytes) and ret_partition are set for all kinds but INTERNAL.
 * Returns 0 or LOGSTORE_E_INVALID_NAME.
 */
int ls_directory_name_parse(const char *name, enum ls_directory_kind *ret_kind, char *ret_topic,
                            int32_t *ret_partition);

/* "<20 digits><ending>", for example ls_file_name(name, 42, ".log"). offset is 0 or more (asserted). */
void ls_file_name(char ret_name[LS_FILE_NAME_MAX], int64_t offset, const char *ending);

/* As logstore_file_name_parse(). */
int ls_file_name_parse(const char *name, struct logstore_file_name *ret_name);

#endif
