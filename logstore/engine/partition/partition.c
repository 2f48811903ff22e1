/*
 * Life of a partition object, its view and its settings. The view is the one thing readers and appenders
 * share: a set of segments and the bounds, copied and replaced under a lock that is never held over I/O.
 */
#include <errno.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/names.h"
#include "partition/append.h"
#include "partition/partition_internal.h"

/* ---- sets of segments -------------------------------------------------------------------------------- */

struct ls_segment_set *ls_segment_set_new(const struct ls_env *env, size_t count)
{
	struct ls_segment_set *set = ls_calloc(env, 1, sizeof *set + count * sizeof set->segments[0]);

	if (!set)
		return NULL;
	set->env = env;
	set->count = count;
	atomic_init(&set->references, 1);
	return set;
}

struct ls_segment_set *ls_segment_set_unref(struct ls_segment_set *set)
{
	if (!set || atomic_fetch_sub(&set->references, 1) != 1)
		return NULL;
	for (size_t i = 0; i < set->count; i++)
		(void)ls_segment_unpin(set->segments[i]);
	return ls_free(set->env, set);
}

ptrdiff_t ls_segment_set_find(const struct ls_segment_set *set, int64_t offset)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->segments[middle]->base <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return (ptrdiff_t)low - 1;
}

/* ---- views ------------------------------------------------------------------------------------------- */

void ls_view_get(logstore_partition *part, struct ls_view *ret_view)
{
	ls_mutex_lock(&part->view_lock);
	*ret_view = part->view;
	atomic_fetch_add(&ret_view->set->references, 1);
	ls_mutex_unlock(&part->view_lock);
}

void ls_view_put(struct ls_view *view)
{
	view->set = ls_segment_set_unref(view->set);
}

bool ls_view_is_cut(logstore_partition *part, const struct ls_view *view)
{
	bool cut;

	ls_mutex_lock(&part->view_lock);
	cut = part->view.cuts != view->cuts;
	ls_mutex_unlock(&part->view_lock);
	return cut;
}

bool ls_view_has_grown(logstore_partition *part, const struct ls_view *view)
{
	bool grown;

	ls_mutex_lock(&part->view_lock);
	grown = part->view.log_end > view->log_end;
	ls_mutex_unlock(&part->view_lock);
	return grown;
}

int64_t ls_view_bound(const struct ls_view *view, enum logstore_isolation isolation)
{
	switch (isolation) {
	case LOGSTORE_READ_LOG_END:
		return view->log_end;
	case LOGSTORE_READ_HIGH_WATERMARK:
		return view->high_watermark;
	case LOGSTORE_READ_COMMITTED:
		return view->last_stable;
	}
	return view->log_start; /* not reached: the API checked the value */
}

uint64_t ls_view_data_end(const struct ls_view *view, size_t i)
{
	return i + 1 == view->set->count ? view->end_position : atomic_load(&view->set->segments[i]->size);
}

/* Bounds follow from each other in one place (P2). */
static void derive_bounds(const logstore_partition *part, struct ls_view *view)
{
	int64_t first_unstable;

	if (!part->high_watermark_set || view->high_watermark > view->log_end)
		view->high_watermark = view->log_end;
	if (view->high_watermark < view->log_start)
		view->high_watermark = view->log_start;
	if (view->recovery_point > view->log_end)
		view->recovery_point = view->log_end;
	first_unstable = view->first_unstable;
	if (first_unstable != LOGSTORE_NO_OFFSET && first_unstable < view->log_start)
		first_unstable = view->log_start;
	view->first_unstable = first_unstable;
	view->last_stable = first_unstable != LOGSTORE_NO_OFFSET && first_unstable < view->high_watermark
	                            ? first_unstable
	                            : view->high_watermark;
}

void ls_partition_publish(logstore_partition *part, const struct ls_view *view)
{
	struct ls_view next = *view;
	struct ls_segment_set *old = NULL;

	/* A moving high watermark lets completed transactions become stable, which moves the stable offset. */
	derive_bounds(part, &next);
	ls_mutex_lock(&part->state_lock);
	ls_producer_state_high_watermark(part->producers, next.high_watermark);
	next.first_unstable = ls_producer_state_first_unstable(part->producers);
	ls_mutex_unlock(&part->state_lock);
	derive_bounds(part, &next);

	ls_mutex_lock(&part->view_lock);
	if (part->view.set != next.set)
		old = part->view.set;
	/* A flush may have moved the recovery point since the caller took its copy. */
	if (part->view.recovery_point > next.recovery_point && next.set == part->view.set &&
	    next.log_end >= part->view.log_end)
		next.recovery_point = part->view.recovery_point;
	part->view = next;
	ls_mutex_unlock(&part->view_lock);
	(void)ls_segment_set_unref(old);
}

void ls_partition_offsets(logstore_partition *part, struct logstore_offsets *ret_offsets)
{
	struct logstore_offsets offsets = {0};
	struct ls_view view;

	ls_view_get(part, &view);
	offsets.log_start = view.log_start;
	offsets.log_end = view.log_end;
	offsets.high_watermark = view.high_watermark;
	offsets.last_stable = view.last_stable;
	offsets.first_unstable = view.first_unstable;
	offsets.recovery_point = view.recovery_point;
	offsets.segment_count = view.set->count;
	for (size_t i = 0; i + 1 < view.set->count; i++)
		offsets.size += atomic_load(&view.set->segments[i]->size);
	offsets.size += view.end_position;
	ls_view_put(&view);
	ls_mutex_lock(&part->state_lock);
	offsets.leader_epoch = ls_epoch_cache_latest(&part->epochs);
	ls_mutex_unlock(&part->state_lock);
	*ret_offsets = offsets;
}

int ls_partition_set_high_watermark(logstore_partition *part, int64_t offset, struct logstore_error *ret_error)
{
	struct ls_view view;

	if (part->read_only)
		return ls_error(ret_error, LOGSTORE_E_READ_ONLY, "%s: opened for reading only", part->name);
	if (offset < 0)
		return ls_error(ret_error, -EINVAL, "%s: a high watermark is 0 or more", part->name);
	ls_mutex_lock(&part->append_lock);
	part->high_watermark_set = true;
	ls_view_get(part, &view);
	view.high_watermark = offset;
	ls_partition_publish(part, &view);
	ls_view_put(&view);
	ls_mutex_unlock(&part->append_lock);
	return 0;
}

/* ---- state of health --------------------------------------------------------------------------------- */

int ls_partition_go_offline(logstore_partition *part, int code, const char *what, const char *path,
                            struct logstore_error *ret_error)
{
	int online = 0;

	if (atomic_compare_exchange_strong(&part->offline, &online, code))
		ls_log(part->env, LOGSTORE_LOG_ERROR, "%s is offline: %s %s failed (%d)", part->name, what, path,
		       code);
	(void)ls_error_io(ret_error, code, what, path);
	if (ret_error)
		ret_error->code = LOGSTORE_E_OFFLINE;
	return LOGSTORE_E_OFFLINE;
}

int ls_partition_answer(const logstore_partition *part, int r, struct logstore_error *ret_error)
{
	/* A file got shorter than it was a moment ago: beside an owner that is a cut. */
	if (r == -ENODATA && part->read_only)
		return ls_corrupt(ret_error, LOGSTORE_E_STALE, part->directory, -1,
		                  "the owner has cut the log meanwhile; refresh the partition and look again");
	return r == -ENOMEM ? ls_error_io(ret_error, r, "no memory for", part->directory) : r;
}

bool ls_partition_is_offline(logstore_partition *part)
{
	return atomic_load(&part->offline) != 0;
}

int ls_partition_check_writable(logstore_partition *part, struct logstore_error *ret_error)
{
	int cause = atomic_load(&part->offline);

	if (part->read_only)
		return ls_error(ret_error, LOGSTORE_E_READ_ONLY, "%s: opened for reading only", part->name);
	if (cause != 0) {
		(void)ls_error(ret_error, LOGSTORE_E_OFFLINE,
		               "%s: offline after an I/O error (%d); what was appended can still be read; the "
		               "directory needs recovery once it is closed", part->name,
		               cause);
		if (ret_error)
			ret_error->sys_errno = cause > -4096 ? -cause : 0;
		return LOGSTORE_E_OFFLINE;
	}
	if (atomic_load(&part->shut))
		return ls_error(ret_error, LOGSTORE_E_READ_ONLY, "%s: the store is being closed", part->name);
	return 0;
}

/* ---- settings ---------------------------------------------------------------------------------------- */

static int merged_config(logstore_partition *part, const struct logstore_config *own,
                         const struct logstore_config *over, struct logstore_config **ret_config)
{
	const struct logstore_config *layers[] = {part->defaults, own, over};
	struct logstore_config *config;
	int r;

	r = ls_config_new(part->env, &config);
	for (size_t i = 0; r == 0 && i < sizeof layers / sizeof layers[0]; i++) {
		if (layers[i])
			r = ls_config_merge(config, layers[i]);
		if (r < 0)
			config = ls_config_free(config);
	}
	if (r == 0)
		*ret_config = config;
	return r;
}

static int resolve(logstore_partition *part, const struct logstore_config *own, const struct logstore_config *over,
                   struct ls_log_config *ret_config, struct logstore_error *ret_error)
{
	struct logstore_config *config;
	int r;

	r = merged_config(part, own, over, &config);
	if (r < 0)
		return r;
	r = ls_log_config_resolve(config, ret_config, ret_error);
	(void)ls_config_free(config);
	return r;
}

int ls_partition_resolve_config(logstore_partition *part, struct logstore_error *ret_error)
{
	return resolve(part, part->own, part->overrides, &part->config, ret_error);
}

int ls_partition_get_config(logstore_partition *part, struct logstore_config **ret_config)
{
	int r;

	ls_mutex_lock(&part->append_lock);
	r = merged_config(part, part->own, part->overrides, ret_config);
	ls_mutex_unlock(&part->append_lock);
	return r;
}

static int write_config(logstore_partition *part, const struct logstore_config *own, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	int r;

	ls_partition_path(part, LS_NAME_CONFIG, path);
	ls_buf_clear(&part->file_buffer);
	r = ls_config_file_write(&part->file_buffer, own);
	if (r == 0)
		r = ls_io_replace_file(part->env, path, part->file_buffer.data, part->file_buffer.size);
	return r < 0 ? ls_error_io(ret_error, r, "cannot write the settings", path) : 0;
}

int ls_partition_set_config(logstore_partition *part, const struct logstore_config *own,
                            struct logstore_error *ret_error)
{
	struct logstore_config *copy = NULL;
	struct ls_log_config config;
	int r;

	ls_mutex_lock(&part->append_lock);
	r = ls_partition_check_writable(part, ret_error);
	if (r == 0)
		r = ls_config_copy(part->env, own, &copy);
	if (r == 0)
		r = resolve(part, copy, part->overrides, &config, ret_error);
	if (r == 0)
		r = write_config(part, copy, ret_error);
	if (r == 0) {
		(void)ls_config_free(part->own);
		part->own = copy;
		part->config = config;
		copy = NULL;
	}
	ls_mutex_unlock(&part->append_lock);
	(void)ls_config_free(copy);
	return ls_partition_answer(part, r, ret_error);
}

int ls_partition_override_config(logstore_partition *part, const struct logstore_config *over,
                                 struct logstore_error *ret_error)
{
	struct logstore_config *copy = NULL;
	struct ls_log_config config;
	int r;

	ls_mutex_lock(&part->append_lock);
	r = ls_config_copy(part->env, over, &copy);
	if (r == 0)
		r = resolve(part, part->own, copy, &config, ret_error);
	if (r == 0) {
		(void)ls_config_free(part->overrides);
		part->overrides = copy;
		part->config = config;
		copy = NULL;
	}
	ls_mutex_unlock(&part->append_lock);
	(void)ls_config_free(copy);
	return ls_partition_answer(part, r, ret_error);
}

int64_t ls_partition_draw_jitter(logstore_partition *part)
{
	int64_t limit = part->config.segment_jitter_ms;
	uint32_t random = 0;

	if (limit > part->config.segment_ms)
		limit = part->config.segment_ms;
	if (limit <= 0)
		return 0;
	if (part->env->random.bytes(part->env->random.ctx, &random, sizeof random) < 0)
		return 0; /* jitter is a courtesy */
	return (int64_t)(random & INT32_MAX) % limit;
}

/* ---- life -------------------------------------------------------------------------------------------- */

void ls_partition_path(const logstore_partition *part, const char *name, char ret_path[LS_PATH_MAX])
{
	int r = ls_path_join(ret_path, part->directory, name);

	LS_ASSERT(r == 0); /* checked when the partition was made */
}

static int init_locks(logstore_partition *part)
{
	struct ls_mutex *const locks[] = {&part->append_lock, &part->flush_lock, &part->state_lock,
	                                  &part->view_lock, &part->scratch_lock};
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof locks / sizeof locks[0] && r == 0; i++)
		r = ls_mutex_init(locks[i]);
	if (r < 0) {
		for (i--; i > 0; i--)
			ls_mutex_fini(locks[i - 1]);
	}
	return r;
}

int ls_partition_new(const struct ls_partition_params *params, logstore_partition **ret_part,
                     struct logstore_error *ret_error)
{
	const struct ls_env *env = params->env;
	logstore_partition *part;
	int r;

	/* Room for "/", the longest file name and ".tmp". */
	if (strlen(params->directory) + LS_FILE_NAME_MAX + 8 > LS_PATH_MAX)
		return ls_error(ret_error, -ENAMETOOLONG, "the path of partition %s-%d is too long", params->topic,
		                params->number);
	part = ls_calloc(env, 1, sizeof *part);
	if (!part)
		return -ENOMEM;
	part->env = env;
	r = init_locks(part);
	if (r < 0) {
		(void)ls_free(env, part);
		return r;
	}
	part->host = params->host;
	part->number = params->number;
	part->read_only = params->read_only;
	part->producer_expiration_ms = params->producer_expiration_ms;
	part->max_decompressed_bytes = params->max_decompressed_bytes;
	part->max_batch_bytes = params->max_batch_bytes;
	part->snapshot_offset = LOGSTORE_NO_OFFSET;
	atomic_init(&part->unsynced_snapshot, INT64_MAX);
	(void)snprintf(part->name, sizeof part->name, "%s-%d", params->topic, params->number); /* fits: 249 + 11 */
	ls_buf_init(&part->file_buffer, env);
	ls_epoch_cache_init(&part->epochs, env);
	part->directory = ls_strdup(env, params->directory);
	part->topic = ls_strdup(env, params->topic);
	r = part->directory && part->topic ? ls_producer_state_new(env, &part->producers) : -ENOMEM;
	if (r == 0 && params->defaults)
		r = ls_config_copy(env, params->defaults, &part->defaults);
	if (r < 0) {
		(void)ls_partition_free(part);
		return r;
	}
	*ret_part = part;
	return 0;
}

logstore_partition *ls_partition_free(logstore_partition *part)
{
	const struct ls_env *env;

	if (!part)
		return NULL;
	env = part->env;
	LS_ASSERT(atomic_load(&part->pins) == 0);
	(void)ls_segment_set_unref(part->view.set);
	ls_append_scratch_free_all(part);
	part->producers = ls_producer_state_free(part->producers);
	ls_epoch_cache_fini(&part->epochs);
	ls_buf_fini(&part->file_buffer);
	(void)ls_config_free(part->defaults);
	(void)ls_config_free(part->own);
	(void)ls_config_free(part->overrides);
	(void)ls_free(env, part->directory);
	(void)ls_free(env, part->topic);
	ls_mutex_fini(&part->append_lock);
	ls_mutex_fini(&part->flush_lock);
	ls_mutex_fini(&part->state_lock);
	ls_mutex_fini(&part->view_lock);
	ls_mutex_fini(&part->scratch_lock);
	return ls_free(env, part);
}

unsigned ls_partition_pins(logstore_partition *part)
{
	return atomic_load(&part->pins);
}

void ls_partition_set_owner(logstore_partition *part, logstore *owner)
{
	part->owner = owner;
}

logstore *ls_partition_get_owner(const logstore_partition *part)
{
	return part->owner;
}

const char *ls_partition_topic(const logstore_partition *part)
{
	return part->topic;
}

int32_t ls_partition_number(const logstore_partition *part)
{
	return part->number;
}

const struct logstore_uuid *ls_partition_topic_id(const logstore_partition *part)
{
	return &part->topic_id;
}

void ls_partition_get_checkpoints(logstore_partition *part, struct ls_partition_checkpoints *ret_checkpoints)
{
	struct ls_view view;

	ls_view_get(part, &view);
	ret_checkpoints->recovery_point = view.recovery_point;
	ret_checkpoints->high_watermark = view.high_watermark;
	/* A log that only was opened and closed keeps the mark it came with: other replicas may go by it. */
	if (!part->high_watermark_set && view.log_end == part->loaded_log_end &&
	    part->loaded_high_watermark >= view.log_start && part->loaded_high_watermark < view.log_end)
		ret_checkpoints->high_watermark = part->loaded_high_watermark;
	ret_checkpoints->log_start =
		view.log_start > view.set->segments[0]->base ? view.log_start : LOGSTORE_NO_OFFSET;
	ls_view_put(&view);
}
