/*
 * Making a partition directory, in an order that leaves nothing half-made: a directory under a temporary
 * name with metadata, settings and an empty first segment, all synced, is renamed into place. A crash
 * before the rename leaves a `-delete` directory, which every loader (Kafka's too) throws away.
 */
#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "format/names.h"
#include "format/properties.h"
#include "format/uuid.h"
#include "partition/partition_internal.h"

static int write_small(const struct ls_env *env, const char *directory, const char *name,
                       const struct ls_buf *content)
{
	char path[LS_PATH_MAX];
	int r = ls_path_join(path, directory, name);

	return r < 0 ? r : ls_io_replace_file(env, path, content->data, content->size);
}

static int write_metadata(const struct ls_env *env, const char *directory, const struct logstore_uuid *topic_id,
                          const struct logstore_config *own)
{
	struct ls_buf buffer;
	int r;

	ls_buf_init(&buffer, env);
	r = ls_partition_metadata_write(&buffer, topic_id);
	if (r == 0)
		r = write_small(env, directory, LS_NAME_PARTITION_METADATA, &buffer);
	if (r == 0 && own) {
		ls_buf_clear(&buffer);
		r = ls_config_file_write(&buffer, own);
		if (r == 0)
			r = write_small(env, directory, LS_NAME_CONFIG, &buffer);
	}
	if (r == 0) {
		/* Kafka makes an empty epoch file with the partition. */
		ls_buf_clear(&buffer);
		r = write_small(env, directory, LS_NAME_EPOCHS, &buffer);
	}
	ls_buf_fini(&buffer);
	return r;
}

/* Log and indexes of a new partition, empty. */
static int write_first_segment(const struct ls_env *env, const char *directory)
{
	struct ls_segment *seg;
	int r;

	r = ls_segment_create(env, directory, 0, 0, &seg);
	if (r < 0)
		return r;
	r = ls_segment_flush_indexes(seg);
	if (r == 0)
		r = ls_segment_sync_log(seg);
	if (r == 0)
		r = ls_segment_sync_indexes(seg);
	(void)ls_segment_unpin(seg);
	return r;
}

struct removal {
	const struct ls_env *env;
	const char *directory;
};

static int remove_entry(void *arg, const char *name)
{
	struct removal *removal = arg;
	char path[LS_PATH_MAX];

	if (ls_path_join(path, removal->directory, name) == 0)
		(void)removal->env->io->unlink(removal->env->io->ctx, path); /* what stays is reported by rmdir */
	return 0;
}

/* Removes a directory of plain files. Undoing as far as it goes. */
static void remove_directory(const struct ls_env *env, const char *directory)
{
	struct removal removal = {.env = env, .directory = directory};

	(void)env->io->list(env->io->ctx, directory, remove_entry, &removal);
	(void)env->io->rmdir(env->io->ctx, directory);
}

/*
 * "<topic>-<number>.<32 hex digits>-delete" in the data directory: the name of what is not there yet or not
 * any more. The topic is cut where the name would be longer than a file name may be.
 */
static int doomed_path(const struct ls_env *env, const char *data_directory, const char *topic, int32_t number,
                       char ret_path[LS_PATH_MAX])
{
	static const char digits[] = "0123456789abcdef";
	struct logstore_uuid unique;
	char hex[2 * sizeof unique.bytes + 1], name[LS_DIRECTORY_NAME_MAX];
	int r, ending, n;

	r = ls_uuid_random(env, &unique);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof unique.bytes; i++) {
		hex[2 * i] = digits[unique.bytes[i] >> 4];
		hex[2 * i + 1] = digits[unique.bytes[i] & 15];
	}
	hex[2 * sizeof unique.bytes] = '\0';
	ending = snprintf(NULL, 0, "-%d.%s-delete", number, hex);
	n = snprintf(name, sizeof name, "%.*s-%d.%s-delete", LS_DIRECTORY_NAME_MAX - 1 - ending, topic, number, hex);
	if (n < 0 || n >= (int)sizeof name)
		return -ENAMETOOLONG;
	return ls_path_join(ret_path, data_directory, name);
}

int ls_partition_delete_directory(const struct ls_env *env, const char *data_directory, const char *directory,
                                  const char *topic, int32_t number)
{
	char doomed[LS_PATH_MAX];
	int r;

	r = doomed_path(env, data_directory, topic, number, doomed);
	if (r == 0)
		r = env->io->rename(env->io->ctx, directory, doomed);
	if (r < 0)
		return r;
	r = env->io->sync_dir(env->io->ctx, data_directory);
	if (r < 0) {
		(void)env->io->rename(env->io->ctx, doomed, directory); /* still there, as far as can be told */
		return r;
	}
	/* Gone for every loader from here on; what cannot be unlinked now is unlinked by whoever finds it. */
	remove_directory(env, doomed);
	return 0;
}

static int fill_directory(const struct ls_env *env, const char *directory, const struct logstore_uuid *topic_id,
                          const struct logstore_config *own)
{
	int r;

	r = write_metadata(env, directory, topic_id, own);
	if (r == 0)
		r = write_first_segment(env, directory);
	return r < 0 ? r : env->io->sync_dir(env->io->ctx, directory);
}

/* Removes what was made, as far as possible: whoever asked for it was told that it failed. */
static void take_back(const struct ls_partition_params *params)
{
	char parent[LS_PATH_MAX];

	if (ls_path_directory(parent, params->directory) == 0)
		(void)ls_partition_delete_directory(params->env, parent, params->directory, params->topic,
		                                    params->number);
}

static int make_directory(const struct ls_partition_params *params, const struct logstore_uuid *topic_id,
                          const struct logstore_config *own)
{
	const struct ls_env *env = params->env;
	char temporary[LS_PATH_MAX], parent[LS_PATH_MAX];
	int r;

	r = ls_path_directory(parent, params->directory);
	if (r == 0)
		r = doomed_path(env, parent, params->topic, params->number, temporary);
	if (r == 0)
		r = env->io->mkdir(env->io->ctx, temporary);
	if (r < 0)
		return r;
	r = fill_directory(env, temporary, topic_id, own);
	if (r == 0)
		r = env->io->rename(env->io->ctx, temporary, params->directory);
	if (r < 0) {
		remove_directory(env, temporary);
		return r;
	}
	r = env->io->sync_dir(env->io->ctx, parent);
	if (r < 0)
		take_back(params);
	return r;
}

/* Settings must make sense before anything is made. */
static int check_config(const struct ls_partition_params *params, const struct logstore_config *own,
                        struct logstore_error *ret_error)
{
	struct logstore_config *config;
	struct ls_log_config resolved;
	int r;

	r = ls_config_new(params->env, &config);
	if (r < 0)
		return r;
	if (params->defaults)
		r = ls_config_merge(config, params->defaults);
	if (r == 0 && own)
		r = ls_config_merge(config, own);
	if (r == 0)
		r = ls_log_config_resolve(config, &resolved, ret_error);
	(void)ls_config_free(config);
	return r;
}

int ls_partition_create(const struct ls_partition_params *params, const struct logstore_uuid *topic_id,
                        const struct logstore_config *own, logstore_partition **ret_part,
                        struct logstore_error *ret_error)
{
	const struct logstore_io *io = params->env->io;
	struct logstore_uuid id = *topic_id;
	struct logstore_io_stat st;
	int r;

	r = check_config(params, own, ret_error);
	if (r < 0)
		return r;
	r = io->stat(io->ctx, params->directory, &st);
	if (r == 0)
		return ls_corrupt(ret_error, LOGSTORE_E_PARTITION_EXISTS, params->directory, -1,
		                  "partition %s-%d exists already", params->topic, params->number);
	if (r != -ENOENT)
		return ls_error_io(ret_error, r, "cannot look at", params->directory);
	r = ls_uuid_is_zero(&id) ? ls_uuid_random(params->env, &id) : 0;
	if (r == 0)
		r = make_directory(params, &id, own);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot create", params->directory);
	r = ls_partition_load(params, ret_part, ret_error);
	if (r < 0)
		take_back(params);
	return r;
}
