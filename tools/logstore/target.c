/*
 * Telling data directories, partitions and files apart. A directory called kafka-logs-1 can be either
 * kind by its name, so its content decides; a name alone counts for what does not exist or is empty.
 */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit_status.h"
#include "report.h"

/* Called per entry of a directory; false stops. */
typedef bool (*visit_fn)(void *arg, const char *directory, const char *name);

/* Returns 0 or -errno. */
static int visit_directory(const char *path, visit_fn visit, void *arg)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int error;

	if (!dir)
		return -errno;
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !visit(arg, path, entry->d_name))
			break;
		errno = 0;
	}
	error = entry ? 0 : errno;
	(void)closedir(dir); /* only read */
	return -error;
}

/* Whether @name is that of a partition as it is written: "orders-00" would be one that nobody else sees. */
static bool parse_name(const char *name, struct logstore_listing *ret_listing)
{
	char number[16];
	size_t size = strlen(name);
	size_t digits;

	if (logstore_partition_name_parse(name, ret_listing) != 0)
		return false;
	digits = (size_t)snprintf(number, sizeof number, "-%d", (int)ret_listing->partition);
	return size > digits && size - digits == strlen(ret_listing->topic) &&
	       strcmp(name + size - digits, number) == 0;
}

/* Says why @name is no partition's; @path is how it was given. */
static int report_name(const char *path, const char *directory, const char *name)
{
	struct logstore_listing listing;

	if (logstore_partition_name_parse(name, &listing) == 0 && !parse_name(name, &listing))
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: a partition number has no zeros before it; did you mean %s%s%s-%d?",
		                      path, strchr(path, '/') ? directory : "", strchr(path, '/') ? "/" : "",
		                      listing.topic, (int)listing.partition);
	return report_message(EXIT_STATUS_FAILED,
	                      "%s: not a partition directory: the name must be TOPIC-NUMBER (did you mean "
	                      "%s%s%s-0?)",
	                      path, strchr(path, '/') ? directory : "", strchr(path, '/') ? "/" : "", name);
}

static bool is_directory(const char *directory, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path &&
	       stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool note_content(void *arg, const char *directory, const char *name);

/* What a directory holds. */
struct content {
	bool inner; /* of a directory in another one: not looked into any further */
	bool anything;
	bool data_files; /* checkpoints of a data directory, the lock, the marker */
	bool partitions;
	bool partition_files; /* logs, indexes, snapshots, partition.metadata */
};

/* Other software has directories called dbus-1 and the like; what is inside tells. */
static bool may_be_partition(const char *directory, const char *name)
{
	struct content content = {.inner = true};
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path ||
	    visit_directory(path, note_content, &content) < 0)
		return true; /* whoever opens it will say what is wrong */
	return content.partition_files || !content.anything;
}

static bool note_content(void *arg, const char *directory, const char *name)
{
	struct content *content = arg;
	struct logstore_file_name file;
	struct logstore_listing listing;

	content->anything = true;
	(void)logstore_file_name_parse(name, &file); /* the kind is set also for a wrong stem */
	switch (file.kind) {
	case LOGSTORE_FILE_OFFSETS:
	case LOGSTORE_FILE_CLEAN_SHUTDOWN:
		content->data_files = true;
		break;
	case LOGSTORE_FILE_LOG:
	case LOGSTORE_FILE_OFFSET_INDEX:
	case LOGSTORE_FILE_TIME_INDEX:
	case LOGSTORE_FILE_TXN_INDEX:
	case LOGSTORE_FILE_SNAPSHOT:
	case LOGSTORE_FILE_EPOCHS:
		/* bootstrap.checkpoint looks like a KRaft snapshot and lies in the data directory. */
		if (file.kind != LOGSTORE_FILE_LOG || strcmp(name, "bootstrap.checkpoint") != 0)
			content->partition_files = true;
		break;
	case LOGSTORE_FILE_PROPERTIES:
		if (strcmp(name, "meta.properties") == 0)
			content->data_files = true;
		else
			content->partition_files = true;
		break;
	case LOGSTORE_FILE_UNKNOWN:
	case LOGSTORE_FILE_JSON:
		if (strcmp(name, ".lock") == 0)
			content->data_files = true;
		else if (!content->inner && !content->partitions && parse_name(name, &listing) &&
		         is_directory(directory, name))
			content->partitions = may_be_partition(directory, name);
		break;
	}
	return true;
}

static int classify_directory(struct target *target)
{
	struct content content = {.data_files = false};
	bool named = parse_name(target->name, &target->listing);
	int r = visit_directory(target->path, note_content, &content);

	if (r < 0)
		return report_errno(-r, target->path);
	if (content.data_files)
		target->kind = TARGET_DATA_DIR;
	else if (content.partition_files)
		target->kind = named ? TARGET_PARTITION : TARGET_LOG_DIR;
	else
		target->kind = named && !content.partitions ? TARGET_PARTITION : TARGET_DATA_DIR;
	target->empty = !content.anything;
	target->foreign = target->kind == TARGET_DATA_DIR && !content.data_files && !content.partitions;
	return 0;
}

int target_report_no_partition(const struct target *target)
{
	if (target->foreign && !target->empty)
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: not a data directory: there is no partition in it", target->path);
	report_note("%s: there is no partition in it", target->path);
	return EXIT_STATUS_OK;
}

/* Cuts slashes at the end, and takes the real path of one that ends in "." or "..". */
static int normalise(const char *path, char *to)
{
	size_t size = strlen(path);
	const char *last;

	if (size == 0 || size >= PATH_MAX)
		return size == 0 ? -ENOENT : -ENAMETOOLONG;
	memcpy(to, path, size + 1);
	while (size > 1 && to[size - 1] == '/')
		to[--size] = '\0';
	last = strrchr(to, '/');
	last = last ? last + 1 : to;
	if ((strcmp(last, ".") == 0 || strcmp(last, "..") == 0) && !realpath(path, to))
		return -errno;
	return 0;
}

/* Splits @path into the directory it is in and its name. */
static bool split(const char *path, char directory[PATH_MAX], char name[NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;

	if (strlen(last) > NAME_MAX)
		return false;
	memcpy(name, last, strlen(last) + 1);
	if (!slash)
		memcpy(directory, ".", 2);
	else if (slash == path)
		memcpy(directory, "/", 2);
	else
		(void)snprintf(directory, PATH_MAX, "%.*s", (int)(slash - path), path);
	return true;
}

/* The name of the directory a file is in, also for "x.log" in the working directory. */
static void find_label(struct target *target)
{
	char real[PATH_MAX];
	char parent[PATH_MAX];

	if (!realpath(target->data_dir, real) || !split(real, parent, target->label))
		target->label[0] = '\0';
}

static int resolve_missing(struct target *target, int error)
{
	target->exists = false;
	struct logstore_listing listing;

	if (error == ENOENT && logstore_partition_name_parse(target->name, &listing) == 0 &&
	    !parse_name(target->name, &target->listing))
		return report_name(target->path, target->data_dir, target->name);
	if (error != ENOENT || !parse_name(target->name, &target->listing))
		return report_errno(error, target->path);
	target->kind = TARGET_PARTITION;
	return 0;
}

int target_resolve(const char *path, struct target *ret_target)
{
	struct target *target = ret_target;
	struct stat st;
	int r;

	memset(target, 0, sizeof *target);
	r = normalise(path, target->path);
	if (r == 0 && !split(target->path, target->data_dir, target->name))
		r = -ENAMETOOLONG;
	if (r < 0)
		return report_errno(-r, path);
	memcpy(target->label, target->name, sizeof target->label);
	if (stat(target->path, &st) < 0)
		return resolve_missing(target, errno);
	target->exists = true;
	if (!S_ISDIR(st.st_mode)) {
		target->kind = TARGET_FILE;
		if (logstore_file_name_parse(target->name, &target->file) != 0)
			target->file.base_offset = LOGSTORE_NO_OFFSET;
		find_label(target);
		return 0;
	}
	r = classify_directory(target);
	if (r == 0 && target->kind == TARGET_DATA_DIR)
		memcpy(target->data_dir, target->path, sizeof target->data_dir);
	return r;
}

int target_partition(const char *path, bool must_exist, struct target *ret_target)
{
	struct stat st;
	int r;

	/* A name that is no partition's is the likelier mistake than a missing directory. */
	if (!must_exist && stat(path, &st) < 0 && errno == ENOENT) {
		r = normalise(path, ret_target->path);
		if (r == 0 && split(ret_target->path, ret_target->data_dir, ret_target->name) &&
		    !parse_name(ret_target->name, &ret_target->listing))
			return report_name(path, ret_target->data_dir, ret_target->name);
	}
	r = target_resolve(path, ret_target);
	if (r != 0)
		return r;
	if (ret_target->kind != TARGET_PARTITION &&
	    logstore_partition_name_parse(ret_target->name, &ret_target->listing) == 0 &&
	    !parse_name(ret_target->name, &ret_target->listing)) {
		(void)split(ret_target->path, ret_target->data_dir, ret_target->name); /* it was split before */
		return report_name(path, ret_target->data_dir, ret_target->name);
	}
	if (ret_target->kind == TARGET_DATA_DIR)
		return report_message(
			EXIT_STATUS_FAILED,
			"%s: not a partition directory: name one of its partitions, %s/TOPIC-NUMBER "
			"(logstore stat %s lists them)",
			path, ret_target->path, path);
	if (ret_target->kind != TARGET_PARTITION)
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: not a partition directory: the name must be TOPIC-NUMBER", path);
	if (must_exist && !ret_target->exists)
		return report_errno(ENOENT, path);
	return 0;
}

/* ---- Listings ---- */

struct listing_state {
	struct target_entry *entries;
	size_t count;
	size_t room;
	int error;
};

static bool add_entry(struct listing_state *state, const struct target_entry *entry)
{
	if (state->count == state->room) {
		size_t room = state->room ? 2 * state->room : 64;
		struct target_entry *grown = reallocarray(state->entries, room, sizeof *grown);

		if (!grown) {
			state->error = -ENOMEM;
			return false;
		}
		state->entries = grown;
		state->room = room;
	}
	state->entries[state->count++] = *entry;
	return true;
}

static bool add_partition(void *arg, const char *directory, const char *name)
{
	struct target_entry entry = {.base_offset = 0};

	if (!parse_name(name, &entry.listing) || !is_directory(directory, name))
		return true;
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	return add_entry(arg, &entry);
}

static bool add_log(void *arg, const char *directory, const char *name)
{
	struct target_entry entry = {.base_offset = 0};
	struct logstore_file_name file;
	size_t size = strlen(name);

	(void)directory;
	if (logstore_file_name_parse(name, &file) != 0 || file.kind != LOGSTORE_FILE_LOG ||
	    file.suffix[0] != '\0' || size < 4 || strcmp(name + size - 4, ".log") != 0)
		return true;
	entry.base_offset = file.base_offset;
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	return add_entry(arg, &entry);
}

static int by_partition(const void *a, const void *b)
{
	const struct target_entry *left = a;
	const struct target_entry *right = b;
	int order = strcmp(left->listing.topic, right->listing.topic);

	if (order != 0)
		return order;
	return (left->listing.partition > right->listing.partition) -
	       (left->listing.partition < right->listing.partition);
}

static int by_base_offset(const void *a, const void *b)
{
	const struct target_entry *left = a;
	const struct target_entry *right = b;

	return (left->base_offset > right->base_offset) - (left->base_offset < right->base_offset);
}

static int list_entries(const char *path, visit_fn visit, int (*order)(const void *, const void *),
                        struct target_entry **ret_entries, size_t *ret_count)
{
	struct listing_state state = {.entries = NULL};
	int r = visit_directory(path, visit, &state);

	if (r == 0)
		r = state.error;
	if (r < 0) {
		free(state.entries);
		return r;
	}
	if (state.count > 1)
		qsort(state.entries, state.count, sizeof *state.entries, order);
	*ret_entries = state.entries;
	*ret_count = state.count;
	return 0;
}

int target_list_partitions(const char *path, struct target_entry **ret_entries, size_t *ret_count)
{
	return list_entries(path, add_partition, by_partition, ret_entries, ret_count);
}

int target_list_logs(const char *path, struct target_entry **ret_entries, size_t *ret_count)
{
	return list_entries(path, add_log, by_base_offset, ret_entries, ret_count);
}
