/*
 * Life of a data directory.
 *
 * Writing: take `.lock`, look for the clean-shutdown marker, read the checkpoints, then remove the marker
 * durably before anything else is written. A directory with partitions and without the marker was not
 * closed cleanly and is refused. Reading only: nothing is locked or written.
 *
 * Closing: every partition that was opened is shut (flushed, snapshot, synced), then the checkpoints are
 * written, then the marker, each durable before the next. The marker is left out if anything failed.
 *
 * Locks, in this order: lock (table of partitions), then checkpoint_lock (the checkpoint table and files);
 * a partition's append lock may be held when checkpoint_lock is taken, never the other way round.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/thread.h"
#include "format/names.h"
#include "io/io.h"
#include "partition/partition.h"
#include "store/checkpoints.h"

/* An open partition. Kept until the store is closed, also while nobody has it open. */
struct slot {
	logstore_partition *part;
	unsigned openings;
};

struct logstore {
	struct ls_env env;
	char *path;
	bool read_only;
	int lock_fd;
	bool owner_written;         /* the line in the lock file is ours */
	struct logstore_config *defaults;
	int64_t producer_expiration_ms;
	uint64_t max_decompressed_bytes;
	uint64_t max_batch_bytes;
	struct ls_partition_host host;

	struct ls_mutex lock;
	struct slot *slots;
	size_t slot_count;
	size_t slot_capacity;

	struct ls_mutex checkpoint_lock;
	struct ls_checkpoints checkpoints;
};

static int host_checkpoint(void *ctx, logstore_partition *part, int64_t recovery_point, int64_t log_start,
                           int64_t log_end, struct logstore_error *ret_error);

/* ---- open ---------------------------------------------------------------------------------------------- */

static void free_store(logstore *store)
{
	struct ls_env env = store->env;

	for (size_t i = 0; i < store->slot_count; i++)
		(void)ls_partition_free(store->slots[i].part);
	(void)ls_free(&env, store->slots);
	ls_checkpoints_fini(&store->checkpoints);
	(void)ls_config_free(store->defaults);
	if (store->lock_fd >= 0) {
		/* The owner's line must not speak for whoever comes next; Kafka does not write one. */
		if (store->owner_written)
			(void)env.io->truncate(env.io->ctx, store->lock_fd, 0);
		(void)env.io->close(env.io->ctx, store->lock_fd); /* releases the lock */
	}
	ls_mutex_fini(&store->lock);
	ls_mutex_fini(&store->checkpoint_lock);
	(void)ls_free(&env, store->path);
	(void)ls_free(&env, store);
}

static int new_store(const char *path, const struct logstore_options *options, const struct ls_env *env,
                     logstore **ret_store)
{
	logstore *store = ls_calloc(env, 1, sizeof *store);
	int r;

	if (!store)
		return -ENOMEM;
	store->env = *env;
	store->lock_fd = -1;
	store->read_only = options->read_only;
	store->producer_expiration_ms = options->producer_id_expiration_ms;
	store->max_decompressed_bytes = options->max_decompressed_bytes;
	store->max_batch_bytes = options->max_batch_bytes;
	store->host = (struct ls_partition_host){.ctx = store, .checkpoint = host_checkpoint};
	ls_checkpoints_init(&store->checkpoints, &store->env);
	r = ls_mutex_init(&store->lock);
	if (r < 0)
		goto undo_memory;
	r = ls_mutex_init(&store->checkpoint_lock);
	if (r < 0)
		goto undo_lock;
	store->path = ls_strdup(env, path);
	r = store->path ? 0 : -ENOMEM;
	if (r == 0 && options->defaults)
		r = ls_config_copy(&store->env, options->defaults, &store->defaults);
	if (r < 0) {
		free_store(store);
		return r;
	}
	*ret_store = store;
	return 0;

undo_lock:
	ls_mutex_fini(&store->lock);
undo_memory:
	(void)ls_free(env, store);
	return r;
}

/* An answer on its way to the caller: where memory ran out, nobody has filled in the error yet. */
static int answer(const logstore *store, int r, struct logstore_error *ret_error)
{
	return r == -ENOMEM ? ls_error_io(ret_error, r, "no memory for", store->path) : r;
}

static int store_path(const logstore *store, const char *name, char ret_path[LS_PATH_MAX],
                      struct logstore_error *ret_error)
{
	int r = ls_path_join(ret_path, store->path, name);

	return r < 0 ? ls_error_io(ret_error, r, "the path is too long", store->path) : 0;
}

static int check_directory(logstore *store, bool create, struct logstore_error *ret_error)
{
	const struct logstore_io *io = store->env.io;
	struct logstore_io_stat st;
	int r = io->stat(io->ctx, store->path, &st);

	if (r == -ENOENT && create) {
		char parent[LS_PATH_MAX];

		r = io->mkdir(io->ctx, store->path);
		if (r == 0)
			r = ls_path_directory(parent, store->path);
		if (r == 0)
			r = io->sync_dir(io->ctx, parent);
		return r < 0 ? ls_error_io(ret_error, r, "cannot create", store->path) : 0;
	}
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot open the data directory", store->path);
	if (st.kind != LOGSTORE_IO_DIRECTORY)
		return ls_error_io(ret_error, -ENOTDIR, "cannot open the data directory", store->path);
	return 0;
}

/* The line that tells others who owns the directory. A courtesy: failures do not matter. */
static void write_owner(logstore *store)
{
	const struct logstore_io *io = store->env.io;
	struct ls_buf line;

	store->owner_written = true;
	ls_buf_init(&line, &store->env);
	if (ls_buf_printf(&line, "pid=%ld started=%lld liblogstore %d.%d.%d\n", (long)getpid(),
	                  (long long)ls_now_ms(&store->env), LOGSTORE_VERSION_MAJOR, LOGSTORE_VERSION_MINOR,
	                  LOGSTORE_VERSION_PATCH) == 0 &&
	    io->truncate(io->ctx, store->lock_fd, 0) == 0)
		(void)ls_io_write_full(io, store->lock_fd, line.data, line.size, 0);
	ls_buf_fini(&line);
}

/* Who holds the lock, if it says so. */
static int locked(logstore *store, int fd, const char *path, struct logstore_error *ret_error)
{
	char owner[160];
	size_t n = 0;

	if (ls_io_read_full(store->env.io, fd, owner, sizeof owner - 1, 0, &n) < 0)
		n = 0;
	owner[n] = '\0';
	owner[strcspn(owner, "\r\n")] = '\0';
	return ls_corrupt(ret_error, LOGSTORE_E_LOCKED, path, -1,
	                  "the data directory is in use by another process (%s); stop it, or open it for reading only",
	                  owner[0] ? owner : "it does not say which, as Kafka does not");
}

static int take_lock(logstore *store, struct logstore_error *ret_error)
{
	const struct logstore_io *io = store->env.io;
	char path[LS_PATH_MAX];
	int fd, r;

	r = store_path(store, LS_NAME_LOCK, path, ret_error);
	if (r < 0)
		return r;
	r = io->open(io->ctx, path, LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE, &fd);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot open the lock file", path);
	r = io->lock(io->ctx, fd);
	if (r < 0) {
		r = r == -EAGAIN || r == -EACCES ? locked(store, fd, path, ret_error)
		                                 : ls_error_io(ret_error, r, "cannot lock", path);
		(void)io->close(io->ctx, fd); /* nothing was written */
		return r;
	}
	store->lock_fd = fd;
	return 0;
}

/* Whether a path is a directory. What vanished meanwhile is none. Returns 1, 0 or -errno. */
static int is_directory(const logstore *store, const char *path)
{
	struct logstore_io_stat st;
	int r = store->env.io->stat(store->env.io->ctx, path, &st);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return st.kind == LOGSTORE_IO_DIRECTORY;
}

/* Whether the directory holds a partition that has to be clean. */
static int find_partition(void *arg, const char *name)
{
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	enum ls_directory_kind kind;
	logstore *store = arg;
	char path[LS_PATH_MAX];
	int32_t number;

	if (ls_directory_name_parse(name, &kind, topic, &number) < 0 || kind != LS_DIRECTORY_PARTITION ||
	    ls_path_join(path, store->path, name) < 0)
		return 0;
	return is_directory(store, path);
}

static int write_marker(logstore *store, struct logstore_error *ret_error)
{
	static const char content[] = "{\"version\":0,\"brokerEpoch\":-1}";
	char path[LS_PATH_MAX];
	int r;

	r = store_path(store, LS_NAME_CLEAN_SHUTDOWN, path, ret_error);
	if (r < 0)
		return r;
	r = ls_io_replace_file(&store->env, path, content, sizeof content - 1);
	return r < 0 ? ls_error_io(ret_error, r, "cannot write the clean-shutdown marker", path) : 0;
}

static int unclean(const logstore *store, struct logstore_error *ret_error)
{
	return ls_corrupt(ret_error, LOGSTORE_E_UNCLEAN, store->path, -1,
	                  "the data directory was not closed cleanly (%s is missing), so its logs need recovery, which "
	                  "this version leaves to Kafka; open it for reading only, copy what it holds (logstore dump "
	                  "-rJ OLD | logstore append -J --keep-offsets --create NEW), or start and stop a Kafka on it",
	                  LS_NAME_CLEAN_SHUTDOWN);
}

/* Judges the marker and removes it, durably. */
static int begin_writing(logstore *store, struct logstore_error *ret_error)
{
	const struct logstore_io *io = store->env.io;
	struct logstore_io_stat st;
	char path[LS_PATH_MAX];
	int r;

	r = store_path(store, LS_NAME_CLEAN_SHUTDOWN, path, ret_error);
	if (r < 0)
		return r;
	r = io->stat(io->ctx, path, &st);
	if (r == -ENOENT) {
		r = io->list(io->ctx, store->path, find_partition, store);
		if (r == 1)
			return unclean(store, ret_error);
		return r < 0 ? ls_error_io(ret_error, r, "cannot list", store->path) : 0;
	}
	if (r == 0)
		r = io->unlink(io->ctx, path);
	if (r == 0) {
		r = io->sync_dir(io->ctx, store->path);
		/* Nothing was written yet, so the directory is as clean as before. */
		if (r < 0)
			(void)write_marker(store, NULL);
	}
	return r < 0 ? ls_error_io(ret_error, r, "cannot remove the clean-shutdown marker", path) : 0;
}

static int check_defaults(const logstore *store, struct logstore_error *ret_error)
{
	struct ls_log_config config;

	return ls_log_config_resolve(store->defaults, &config, ret_error);
}

int ls_store_open(const char *path, const struct logstore_options *options, const struct ls_env *env,
                  logstore **ret_store, struct logstore_error *ret_error)
{
	logstore *store = NULL;
	int r;

	r = new_store(path, options, env, &store);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot open the data directory", path);
	r = check_defaults(store, ret_error);
	if (r == 0)
		r = check_directory(store, options->create && !options->read_only, ret_error);
	if (r == 0 && !store->read_only)
		r = take_lock(store, ret_error);
	if (r == 0)
		r = ls_checkpoints_load(&store->checkpoints, store->path, store->read_only, ret_error);
	if (r == 0 && !store->read_only)
		r = begin_writing(store, ret_error);
	if (r == 0 && !store->read_only)
		write_owner(store);
	if (r < 0) {
		r = answer(store, r, ret_error);
		free_store(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

/* ---- checkpoints ---------------------------------------------------------------------------------------- */

/* Brings the rows of one partition up to date. */
static int note_partition(logstore *store, logstore_partition *part, const struct ls_partition_checkpoints *values)
{
	const char *topic = ls_partition_topic(part);
	int32_t number = ls_partition_number(part);
	int r;

	r = ls_checkpoints_set(&store->checkpoints, topic, number, LS_CHECKPOINT_RECOVERY_POINT,
	                       values->recovery_point);
	if (r == 0)
		r = ls_checkpoints_set(&store->checkpoints, topic, number, LS_CHECKPOINT_LOG_START,
		                       values->log_start);
	if (r == 0)
		r = ls_checkpoints_set(&store->checkpoints, topic, number, LS_CHECKPOINT_HIGH_WATERMARK,
		                       values->high_watermark);
	return r;
}

static int write_checkpoints(logstore *store, struct logstore_error *ret_error)
{
	int r;

	/*
	 * The log start first: where both rise, a recovery point must not stand alone above data that was never
	 * synced; where both fall, no file has been touched yet.
	 */
	r = ls_checkpoints_write(&store->checkpoints, store->path, LS_CHECKPOINT_LOG_START, ret_error);
	if (r == 0)
		r = ls_checkpoints_write(&store->checkpoints, store->path, LS_CHECKPOINT_RECOVERY_POINT, ret_error);
	if (r == 0)
		r = ls_checkpoints_write(&store->checkpoints, store->path, LS_CHECKPOINT_HIGH_WATERMARK, ret_error);
	return r;
}

/*
 * What a cleaner had looked at and is cut away must be looked at again when it is written anew. A lower
 * offset than need be costs only work.
 */
static int lower_cleaner_offset(logstore *store, logstore_partition *part, int64_t offset,
                                struct logstore_error *ret_error)
{
	const char *topic = ls_partition_topic(part);
	int32_t number = ls_partition_number(part);
	const struct ls_checkpoint_row *row = ls_checkpoints_find(&store->checkpoints, topic, number);
	int r;

	if (!row || row->offsets[LS_CHECKPOINT_CLEANER] <= offset)
		return 0;
	r = ls_checkpoints_set(&store->checkpoints, topic, number, LS_CHECKPOINT_CLEANER, offset);
	return r < 0 ? r : ls_checkpoints_write(&store->checkpoints, store->path, LS_CHECKPOINT_CLEANER, ret_error);
}

static int host_checkpoint(void *ctx, logstore_partition *part, int64_t recovery_point, int64_t log_start,
                           int64_t log_end, struct logstore_error *ret_error)
{
	struct ls_partition_checkpoints values;
	logstore *store = ctx;
	int r;

	ls_partition_get_checkpoints(part, &values);
	values.recovery_point = recovery_point;
	values.log_start = log_start;
	if (values.high_watermark > log_end)
		values.high_watermark = log_end;
	if (values.high_watermark < log_start)
		values.high_watermark = log_start;
	ls_mutex_lock(&store->checkpoint_lock);
	r = note_partition(store, part, &values);
	if (r == 0)
		r = lower_cleaner_offset(store, part, recovery_point, ret_error);
	if (r == 0)
		r = write_checkpoints(store, ret_error);
	ls_mutex_unlock(&store->checkpoint_lock);
	return r;
}

/* Lock held. */
static int checkpoint_all(logstore *store, struct logstore_error *ret_error)
{
	int r = 0;

	ls_mutex_lock(&store->checkpoint_lock);
	for (size_t i = 0; i < store->slot_count && r == 0; i++) {
		struct ls_partition_checkpoints values;

		ls_partition_get_checkpoints(store->slots[i].part, &values);
		r = note_partition(store, store->slots[i].part, &values);
	}
	if (r == 0)
		r = write_checkpoints(store, ret_error);
	ls_mutex_unlock(&store->checkpoint_lock);
	return r;
}

int ls_store_checkpoint(logstore *store, struct logstore_error *ret_error)
{
	int r;

	if (store->read_only)
		return ls_error(ret_error, LOGSTORE_E_READ_ONLY, "%s: opened for reading only", store->path);
	ls_mutex_lock(&store->lock);
	r = checkpoint_all(store, ret_error);
	ls_mutex_unlock(&store->lock);
	return answer(store, r, ret_error);
}

/* ---- close ---------------------------------------------------------------------------------------------- */

static int shut_partitions(logstore *store, struct logstore_error *ret_error)
{
	int first = 0;

	/* One that fails does not keep the others from being flushed. */
	for (size_t i = 0; i < store->slot_count; i++) {
		int r = ls_partition_shut(store->slots[i].part, first == 0 ? ret_error : NULL);

		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

static bool in_use(const logstore *store)
{
	for (size_t i = 0; i < store->slot_count; i++) {
		if (store->slots[i].openings > 0 || ls_partition_pins(store->slots[i].part) > 0)
			return true;
	}
	return false;
}

int ls_store_close(logstore *store, struct logstore_error *ret_error)
{
	int r = 0;

	if (!store)
		return 0;
	if (in_use(store))
		return ls_error(ret_error, LOGSTORE_E_BUSY,
		                "%s: a partition, a cursor or a slice is still open; close it first", store->path);
	if (!store->read_only) {
		r = shut_partitions(store, ret_error);
		if (r == 0)
			r = checkpoint_all(store, ret_error);
		if (r == 0)
			r = write_marker(store, ret_error);
	}
	r = answer(store, r, ret_error);
	free_store(store);
	return r;
}

/* ---- partitions ------------------------------------------------------------------------------------------ */

static struct slot *find_slot(logstore *store, const char *topic, int32_t number)
{
	for (size_t i = 0; i < store->slot_count; i++) {
		logstore_partition *part = store->slots[i].part;

		if (ls_partition_number(part) == number && strcmp(ls_partition_topic(part), topic) == 0)
			return &store->slots[i];
	}
	return NULL;
}

static int reserve_slot(logstore *store)
{
	size_t capacity = store->slot_capacity ? store->slot_capacity * 2 : 8;
	struct slot *slots;

	if (store->slot_count < store->slot_capacity)
		return 0;
	slots = ls_realloc(&store->env, store->slots, capacity, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	store->slots = slots;
	store->slot_capacity = capacity;
	return 0;
}

static int check_name(const char *topic, int32_t number, struct logstore_error *ret_error)
{
	if (!ls_topic_valid(topic) || number < 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_NAME,
		                "\"%.255s-%d\" is no partition: a topic has 1 to %d characters of [a-zA-Z0-9._-] and "
		                "is not \".\" or \"..\", a number is 0 or more", topic, number,
		                LOGSTORE_TOPIC_NAME_MAX);
	return 0;
}

/* Whether nobody has written since a clean close. A writer has seen to it before it removed the marker. */
static bool is_clean(const logstore *store)
{
	char path[LS_PATH_MAX];
	struct logstore_io_stat st;

	if (!store->read_only)
		return true;
	return ls_path_join(path, store->path, LS_NAME_CLEAN_SHUTDOWN) == 0 &&
	       store->env.io->stat(store->env.io->ctx, path, &st) == 0;
}

static void look_up_checkpoints(logstore *store, const char *topic, int32_t number,
                                struct ls_partition_checkpoints *ret_checkpoints)
{
	const struct ls_checkpoint_row *row;

	*ret_checkpoints = (struct ls_partition_checkpoints){
		.recovery_point = LOGSTORE_NO_OFFSET, .log_start = LOGSTORE_NO_OFFSET,
		.high_watermark = LOGSTORE_NO_OFFSET, .clean = is_clean(store),
	};
	ls_mutex_lock(&store->checkpoint_lock);
	row = ls_checkpoints_find(&store->checkpoints, topic, number);
	if (row) {
		ret_checkpoints->recovery_point = row->offsets[LS_CHECKPOINT_RECOVERY_POINT];
		ret_checkpoints->log_start = row->offsets[LS_CHECKPOINT_LOG_START];
		ret_checkpoints->high_watermark = row->offsets[LS_CHECKPOINT_HIGH_WATERMARK];
	}
	ls_mutex_unlock(&store->checkpoint_lock);
}

/* Fills in what a partition needs to know; `directory` is the caller's buffer. */
static int partition_params(logstore *store, const char *topic, int32_t number, char directory[LS_PATH_MAX],
                            struct ls_partition_params *params, struct logstore_error *ret_error)
{
	char name[LS_DIRECTORY_NAME_MAX];
	int r;

	if (ls_partition_directory_name(name, topic, number) < 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_NAME, "the name %s-%d is too long", topic, number);
	r = store_path(store, name, directory, ret_error);
	if (r < 0)
		return r;
	*params = (struct ls_partition_params){
		.env = &store->env, .host = &store->host, .directory = directory, .topic = topic, .number = number,
		.read_only = store->read_only, .defaults = store->defaults,
		.producer_expiration_ms = store->producer_expiration_ms,
		.max_decompressed_bytes = store->max_decompressed_bytes, .max_batch_bytes = store->max_batch_bytes,
	};
	look_up_checkpoints(store, topic, number, &params->checkpoints);
	return 0;
}

static void add_slot(logstore *store, logstore_partition *part)
{
	LS_ASSERT(store->slot_count < store->slot_capacity);
	ls_partition_set_owner(part, store);
	store->slots[store->slot_count++] = (struct slot){.part = part, .openings = 1};
}

int ls_store_open_partition(logstore *store, const char *topic, int32_t number, logstore_partition **ret_part,
                            struct logstore_error *ret_error)
{
	struct ls_partition_params params;
	char directory[LS_PATH_MAX];
	logstore_partition *part;
	struct slot *slot;
	int r;

	r = check_name(topic, number, ret_error);
	if (r < 0)
		return r;
	ls_mutex_lock(&store->lock);
	slot = find_slot(store, topic, number);
	if (slot) {
		slot->openings++;
		*ret_part = slot->part;
		ls_mutex_unlock(&store->lock);
		return 0;
	}
	r = reserve_slot(store);
	if (r == 0)
		r = partition_params(store, topic, number, directory, &params, ret_error);
	if (r == 0)
		r = ls_partition_load(&params, &part, ret_error);
	if (r == 0) {
		add_slot(store, part);
		*ret_part = part;
	}
	ls_mutex_unlock(&store->lock);
	return answer(store, r, ret_error);
}

static int forget_checkpoints(logstore *store, const char *topic, int32_t number, struct logstore_error *ret_error)
{
	int r;

	ls_mutex_lock(&store->checkpoint_lock);
	ls_checkpoints_remove(&store->checkpoints, topic, number);
	r = write_checkpoints(store, ret_error);
	if (r == 0)
		r = ls_checkpoints_write(&store->checkpoints, store->path, LS_CHECKPOINT_CLEANER, ret_error);
	ls_mutex_unlock(&store->checkpoint_lock);
	return r;
}

/*
 * What the checkpoints say of an earlier partition of that name is not about the one to be made; of one
 * that is still there it must stay.
 */
static int forget_predecessor(logstore *store, struct ls_partition_params *params, struct logstore_error *ret_error)
{
	const struct logstore_io *io = store->env.io;
	struct logstore_io_stat st;
	bool known;

	if (io->stat(io->ctx, params->directory, &st) != -ENOENT)
		return 0; /* creating it will fail */
	params->checkpoints.recovery_point = LOGSTORE_NO_OFFSET;
	params->checkpoints.log_start = LOGSTORE_NO_OFFSET;
	params->checkpoints.high_watermark = LOGSTORE_NO_OFFSET;
	ls_mutex_lock(&store->checkpoint_lock);
	known = ls_checkpoints_find(&store->checkpoints, params->topic, params->number) != NULL;
	ls_mutex_unlock(&store->checkpoint_lock);
	return known ? forget_checkpoints(store, params->topic, params->number, ret_error) : 0;
}

int ls_store_create_partition(logstore *store, const char *topic, int32_t number,
                              const struct logstore_create_options *options, logstore_partition **ret_part,
                              struct logstore_error *ret_error)
{
	struct ls_partition_params params;
	char directory[LS_PATH_MAX];
	logstore_partition *part;
	int r;

	if (store->read_only)
		return ls_error(ret_error, LOGSTORE_E_READ_ONLY, "%s: opened for reading only", store->path);
	r = check_name(topic, number, ret_error);
	if (r < 0)
		return r;
	ls_mutex_lock(&store->lock);
	r = reserve_slot(store);
	if (r == 0)
		r = partition_params(store, topic, number, directory, &params, ret_error);
	if (r == 0)
		r = forget_predecessor(store, &params, ret_error);
	if (r == 0)
		r = ls_partition_create(&params, &options->topic_id, options->config, &part, ret_error);
	if (r == 0) {
		add_slot(store, part);
		*ret_part = part;
	}
	ls_mutex_unlock(&store->lock);
	return answer(store, r, ret_error);
}

void ls_store_release_partition(logstore_partition *part)
{
	logstore *store = ls_partition_get_owner(part);
	struct slot *slot;

	ls_mutex_lock(&store->lock);
	slot = find_slot(store, ls_partition_topic(part), ls_partition_number(part));
	LS_ASSERT(slot && slot->part == part && slot->openings > 0);
	slot->openings--;
	ls_mutex_unlock(&store->lock);
}

int ls_store_refresh_partition(logstore_partition *part, struct logstore_error *ret_error)
{
	logstore *store = ls_partition_get_owner(part);
	struct ls_partition_checkpoints checkpoints;
	struct ls_checkpoints fresh, old;
	int r;

	if (!store->read_only)
		return 0;
	ls_checkpoints_init(&fresh, &store->env);
	r = ls_checkpoints_load(&fresh, store->path, true, ret_error);
	if (r == 0) {
		ls_mutex_lock(&store->checkpoint_lock);
		old = store->checkpoints;
		store->checkpoints = fresh;
		fresh = old;
		ls_mutex_unlock(&store->checkpoint_lock);
		look_up_checkpoints(store, ls_partition_topic(part), ls_partition_number(part), &checkpoints);
		r = ls_partition_refresh(part, &checkpoints, ret_error);
	}
	ls_checkpoints_fini(&fresh);
	return answer(store, r, ret_error);
}

static int check_idle(logstore *store, const char *topic, int32_t number, struct logstore_error *ret_error)
{
	struct slot *slot = find_slot(store, topic, number);

	if (slot && (slot->openings > 0 || ls_partition_pins(slot->part) > 0))
		return ls_error(ret_error, LOGSTORE_E_BUSY, "%s-%d is still open; close it first", topic, number);
	return 0;
}

/* Lets go of an idle open partition, if it is one, whose files are gone. */
static void drop_slot(logstore *store, const char *topic, int32_t number)
{
	struct slot *slot = find_slot(store, topic, number);

	if (!slot)
		return;
	(void)ls_partition_free(slot->part);
	*slot = store->slots[--store->slot_count];
}

int ls_store_delete_partition(logstore *store, const char *topic, int32_t number, struct logstore_error *ret_error)
{
	const struct logstore_io *io = store->env.io;
	char name[LS_DIRECTORY_NAME_MAX], directory[LS_PATH_MAX];
	struct logstore_io_stat st;
	int r;

	if (store->read_only)
		return ls_error(ret_error, LOGSTORE_E_READ_ONLY, "%s: opened for reading only", store->path);
	r = check_name(topic, number, ret_error);
	if (r < 0)
		return r;
	if (ls_partition_directory_name(name, topic, number) < 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_NAME, "the name %s-%d is too long", topic, number);
	r = store_path(store, name, directory, ret_error);
	if (r < 0)
		return r;
	ls_mutex_lock(&store->lock);
	r = io->stat(io->ctx, directory, &st);
	if (r == -ENOENT || (r == 0 && st.kind != LOGSTORE_IO_DIRECTORY))
		r = ls_corrupt(ret_error, LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION, directory, -1,
		               "there is no partition %s-%d", topic, number);
	else if (r < 0)
		r = ls_error_io(ret_error, r, "cannot look at", directory);
	if (r == 0)
		r = check_idle(store, topic, number, ret_error);
	if (r == 0) {
		/* What it has not written yet is needed if it stays: the open partition is dropped only then. */
		r = ls_partition_delete_directory(&store->env, store->path, directory, topic, number);
		if (r == 0)
			drop_slot(store, topic, number);
		r = r < 0 ? ls_error_io(ret_error, r, "cannot delete", directory)
		          : forget_checkpoints(store, topic, number, ret_error);
	}
	ls_mutex_unlock(&store->lock);
	return answer(store, r, ret_error);
}

/* ---- listing --------------------------------------------------------------------------------------------- */

struct list {
	logstore *store;
	struct logstore_listing *items;
	size_t count;
	size_t capacity;
};

static int list_entry(void *arg, const char *name)
{
	struct list *list = arg;
	struct logstore_listing item = {0};
	enum ls_directory_kind kind;
	char path[LS_PATH_MAX];
	int r;

	if (ls_directory_name_parse(name, &kind, item.topic, &item.partition) < 0 || kind != LS_DIRECTORY_PARTITION ||
	    ls_path_join(path, list->store->path, name) < 0)
		return 0;
	r = is_directory(list->store, path);
	if (r <= 0)
		return r;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct logstore_listing *items =
			ls_realloc(&list->store->env, list->items, capacity, sizeof *items);

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = item;
	return 0;
}

static int compare_listings(const void *a, const void *b)
{
	const struct logstore_listing *x = a, *y = b;
	int c = strcmp(x->topic, y->topic);

	return c != 0 ? c : (x->partition > y->partition) - (x->partition < y->partition);
}

int ls_store_list(logstore *store, struct logstore_listing **ret_listings, size_t *ret_count,
                  struct logstore_error *ret_error)
{
	struct list list = {.store = store};
	int r = store->env.io->list(store->env.io->ctx, store->path, list_entry, &list);

	if (r < 0) {
		(void)ls_free(&store->env, list.items);
		return ls_error_io(ret_error, r, "cannot list", store->path);
	}
	if (list.count > 1)
		qsort(list.items, list.count, sizeof list.items[0], compare_listings);
	*ret_listings = list.items;
	*ret_count = list.count;
	return 0;
}

void ls_store_free_listings(logstore *store, struct logstore_listing *listings)
{
	(void)ls_free(&store->env, listings);
}
