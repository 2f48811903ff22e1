/* What the PATH on the command line is: a data directory, a partition or a file. */
#ifndef TOOL_TARGET_H
#define TOOL_TARGET_H

#include <limits.h>
#include <logstore/inspect.h>
#include <logstore/logstore.h>

enum target_kind {
	TARGET_DATA_DIR,
	TARGET_PARTITION, /* its name is TOPIC-NUMBER; it may not exist */
	TARGET_LOG_DIR, /* a directory with logs whose name is no partition's, for example orders-0.x-delete */
	TARGET_FILE,
};

struct target {
	enum target_kind kind;
	bool exists;
	bool empty;                      /* a directory with nothing in it */
	bool foreign;                    /* DATA_DIR: neither a partition nor a file of a data directory in it */
	char path[PATH_MAX];             /* as given, without slashes at the end */
	char data_dir[PATH_MAX];         /* PARTITION: the directory it is in; DATA_DIR: path */
	char name[NAME_MAX + 1];         /* last part of the path */
	char label[NAME_MAX + 1];        /* FILE: name of the directory it is in; else name */
	struct logstore_listing listing; /* PARTITION */
	struct logstore_file_name file;  /* FILE; a wrong stem leaves base_offset at LOGSTORE_NO_OFFSET */
};

/* Finds out what @path is. Returns 0, or prints what is wrong and returns an exit status. */
int target_resolve(const char *path, struct target *ret_target);

/* The same, for verbs that need a partition. @must_exist: it has to be there. */
int target_partition(const char *path, bool must_exist, struct target *ret_target);

/*
 * Says that @target, a DATA_DIR, has no partition in it. Returns 0 for a data directory without partitions
 * and for an empty directory, which can become one; EXIT_STATUS_FAILED for any other.
 */
int target_report_no_partition(const struct target *target);

/* One entry of a directory listing made by target_list_*(). */
struct target_entry {
	char name[NAME_MAX + 1];
	struct logstore_listing listing;
	int64_t base_offset;
};

/*
 * The partitions of a data directory by topic and number, or the logs of a partition directory by base
 * offset (only live ones: no .deleted, .cleaned or .swap). Free *ret_entries with free(3). Returns 0 or
 * -errno.
 */
int target_list_partitions(const char *path, struct target_entry **ret_entries, size_t *ret_count);
int target_list_logs(const char *path, struct target_entry **ret_entries, size_t *ret_count);

#endif
