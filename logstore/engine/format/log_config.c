/*
 * Sets of topic settings: the public logstore_config, its file, and what the engine reads.
 * docs/configuration.md and docs/format/logstore-config.md are normative.
 *
 * Invariants: a value in a set has passed the check of its setting and is in canonical form, so that reading
 * it back cannot fail; what is not set has the default of the table. Settings are checked against each other
 * only when a set is resolved, since they are set one by one.
 *
 * Threads: a set belongs to one thread at a time. Failure leaves it unchanged, but for ls_config_merge().
 */
#include "format/log_config.h"

#include <errno.h>
#include <inttypes.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/java_text.h"
#include "format/log_config_internal.h"
#include "format/properties.h"

#define FILE_HEAD "# logstore-config "
#define FILE_VERSION 1

struct logstore_config {
	struct ls_env env;
	char *values[LS_SETTING_COUNT]; /* NULL: not set */
};

int ls_config_new(const struct ls_env *env, struct logstore_config **ret_config)
{
	struct logstore_config *config = ls_calloc(env, 1, sizeof *config);

	if (!config)
		return -ENOMEM;
	config->env = *env;
	*ret_config = config;
	return 0;
}

struct logstore_config *ls_config_free(struct logstore_config *config)
{
	struct ls_env env;

	if (!config)
		return NULL;
	env = config->env;
	for (size_t i = 0; i < LS_SETTING_COUNT; i++)
		config->values[i] = ls_free(&env, config->values[i]);
	return ls_free(&env, config);
}

int ls_config_merge(struct logstore_config *config, const struct logstore_config *over)
{
	for (size_t i = 0; i < LS_SETTING_COUNT; i++) {
		char *value;

		if (!over->values[i])
			continue;
		value = ls_strdup(&config->env, over->values[i]);
		if (!value)
			return -ENOMEM;
		(void)ls_free(&config->env, config->values[i]);
		config->values[i] = value;
	}
	return 0;
}

int ls_config_copy(const struct ls_env *env, const struct logstore_config *config,
                   struct logstore_config **ret_copy)
{
	struct logstore_config *copy = NULL;
	int r = ls_config_new(env, &copy);

	if (r < 0)
		return r;
	r = ls_config_merge(copy, config);
	if (r < 0) {
		(void)ls_config_free(copy);
		return r;
	}
	*ret_copy = copy;
	return 0;
}

int ls_config_set(struct logstore_config *config, const char *name, const char *value,
                  struct logstore_error *ret_error)
{
	int setting = ls_setting_find(name);
	struct ls_buf text;
	char *copy;
	int r;

	if (setting < 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG, "Unknown topic config name: %s", name);
	if (!value) {
		config->values[setting] = ls_free(&config->env, config->values[setting]);
		return 0;
	}
	ls_buf_init(&text, &config->env);
	r = ls_setting_check(&ls_settings[setting], value, &text, ret_error);
	if (r == 0) {
		copy = ls_strdup(&config->env, (const char *)text.data);
		if (copy) {
			(void)ls_free(&config->env, config->values[setting]);
			config->values[setting] = copy;
		} else {
			r = -ENOMEM;
		}
	}
	ls_buf_fini(&text);
	if (r == -ENOMEM)
		return ls_error(ret_error, r, "no memory for setting %s", name);
	return r;
}

/* Value in force, in canonical form, or NULL. */
static const char *in_force(const struct logstore_config *config, int setting)
{
	const char *value = config ? config->values[setting] : NULL;

	return value ? value : ls_settings[setting].default_value;
}

const char *ls_config_get(const struct logstore_config *config, const char *name)
{
	int setting = ls_setting_find(name);

	return setting < 0 ? NULL : in_force(config, setting);
}

int ls_config_at(const struct logstore_config *config, size_t index, struct logstore_config_entry *ret_entry)
{
	const struct ls_setting *setting;
	const char *value;

	if (index >= LS_SETTING_COUNT)
		return 0;
	setting = &ls_settings[index];
	value = in_force(config, (int)index);
	*ret_entry = (struct logstore_config_entry){
		.name = setting->name,
		.value = value ? value : "",
		.default_value = setting->default_value ? setting->default_value : "",
		.type = ls_setting_type_name(setting->type),
		.documentation = setting->documentation,
		.is_default = !config->values[index],
	};
	return 1;
}

int ls_config_file_write(struct ls_buf *out, const struct logstore_config *config)
{
	size_t size = out->size;
	int r = ls_buf_printf(out, FILE_HEAD "%d\n", FILE_VERSION);

	for (size_t i = 0; r == 0 && i < LS_SETTING_COUNT; i++) {
		if (config->values[i])
			r = ls_property_write(out, ls_settings[i].name, config->values[i]);
	}
	if (r < 0)
		out->size = size;
	return r;
}

static int check_file_head(const char *text, size_t size, struct logstore_error *ret_error)
{
	size_t head_size = strlen(FILE_HEAD), line_size, position = 0;
	const char *line;
	int32_t version;

	if (!ls_java_line(text, size, &position, &line, &line_size) || line_size < head_size ||
	    memcmp(line, FILE_HEAD, head_size) != 0 ||
	    !ls_java_int(line + head_size, line_size - head_size, &version) || version < FILE_VERSION)
		return ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, NULL, 1,
		                  "line 1: expected \"" FILE_HEAD "%d\"", FILE_VERSION);
	if (version > FILE_VERSION)
		return ls_corrupt(ret_error, LOGSTORE_E_UNSUPPORTED_VERSION, NULL, 1,
		                  "settings have version %" PRId32 ", not %d", version, FILE_VERSION);
	return 0;
}

struct file_walk {
	struct logstore_config *config;
	struct logstore_error *error;
};

static int set_property(void *arg, uint64_t line, const char *name, const char *value)
{
	struct file_walk *walk = arg;
	int r = ls_config_set(walk->config, name, value, walk->error);

	if (r < 0 && walk->error)
		walk->error->position = (int64_t)line;
	return r;
}

int ls_config_file_parse(const struct ls_env *env, const char *text, size_t size,
                         struct logstore_config **ret_config, struct logstore_error *ret_error)
{
	struct file_walk walk = {.error = ret_error};
	int r = check_file_head(text, size, ret_error);

	if (r < 0)
		return r;
	r = ls_config_new(env, &walk.config);
	if (r < 0)
		return ls_error(ret_error, r, "no memory for settings");
	r = ls_properties_parse(env, text, size, set_property, &walk, ret_error);
	if (r < 0) {
		(void)ls_config_free(walk.config);
		return r;
	}
	*ret_config = walk.config;
	return 0;
}

static int64_t get_number(const struct logstore_config *config, int setting)
{
	const char *text = in_force(config, setting);
	int64_t value = 0;
	bool is_number = text && ls_java_long(text, strlen(text), &value);

	LS_ASSERT(is_number);
	return value;
}

static bool get_boolean(const struct logstore_config *config, int setting)
{
	return strcmp(in_force(config, setting), "true") == 0;
}

static unsigned get_cleanup_policy(const struct logstore_config *config)
{
	/* Canonical: the two words, each at most once, with a comma between them. */
	const char *text = in_force(config, LS_SETTING_CLEANUP_POLICY);
	unsigned policy = 0;

	if (strstr(text, "delete"))
		policy |= LS_CLEANUP_DELETE;
	if (strstr(text, "compact"))
		policy |= LS_CLEANUP_COMPACT;
	return policy;
}

static int get_compression_type(const struct logstore_config *config)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {
		{"uncompressed", LOGSTORE_CODEC_NONE},
		{"gzip", LOGSTORE_CODEC_GZIP},
		{"snappy", LOGSTORE_CODEC_SNAPPY},
		{"lz4", LOGSTORE_CODEC_LZ4},
		{"zstd", LOGSTORE_CODEC_ZSTD},
	};
	const char *text = in_force(config, LS_SETTING_COMPRESSION_TYPE);

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(text, types[i].name) == 0)
			return types[i].type;
	}
	return LS_COMPRESSION_PRODUCER;
}

/* What Kafka checks for every topic. */
static int check_lags(const struct logstore_config *config, struct logstore_error *ret_error)
{
	int64_t least = get_number(config, LS_SETTING_MIN_COMPACTION_LAG_MS);
	int64_t most = get_number(config, LS_SETTING_MAX_COMPACTION_LAG_MS);

	if (least <= most)
		return 0;
	return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
	                "conflict topic config setting min.compaction.lag.ms (%" PRId64
	                ") > max.compaction.lag.ms (%" PRId64 ")",
	                least, most);
}

/* The three settings of a tiered topic that limit the same thing, in bytes or in time. */
struct tier {
	int retention;
	int local_retention;
	int copy_lag;
};

static int check_local_retention(const struct logstore_config *config, const struct tier *tier,
                                 struct logstore_error *ret_error)
{
	int64_t total = get_number(config, tier->retention);
	int64_t local = get_number(config, tier->local_retention);
	const char *total_name = ls_settings[tier->retention].name;
	const char *local_name = ls_settings[tier->local_retention].name;

	if (total < 0 || local == -2)
		return 0;
	if (local == -1)
		return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
		                "Invalid value -1 for configuration %s: Value must not be -1 as %s value is "
		                "set as %" PRId64 ".",
		                local_name, total_name, total);
	if (local > total)
		return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
		                "Invalid value %" PRId64
		                " for configuration %s: Value must not be more than %s property "
		                "value: %" PRId64,
		                local, local_name, total_name, total);
	return 0;
}

static int check_copy_lag(const struct logstore_config *config, const struct tier *tier,
                          struct logstore_error *ret_error)
{
	int64_t local = get_number(config, tier->local_retention), lag = get_number(config, tier->copy_lag);

	if (local == -2)
		local = get_number(config, tier->retention);
	if (lag <= 0 || local < 0 || lag <= local)
		return 0;
	return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
	                "Invalid value %" PRId64
	                " for configuration %s: Value must not exceed %s (effective value: %" PRId64 ")",
	                lag, ls_settings[tier->copy_lag].name, ls_settings[tier->local_retention].name,
	                local);
}

static int check_copy_disabled(const struct logstore_config *config, const struct tier *tier,
                               struct logstore_error *ret_error)
{
	int64_t total = get_number(config, tier->retention);
	int64_t local = get_number(config, tier->local_retention);

	if (local == -2 || local == total)
		return 0;
	return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
	                "When `remote.log.copy.disable` is set to true, the `%s` and `%s` must be set to the "
	                "identical "
	                "value because there will be no more logs copied to the remote storage.",
	                ls_settings[tier->local_retention].name, ls_settings[tier->retention].name);
}

/* What Kafka checks for a tiered topic, in its order: bytes before time. */
static int check_tiering(const struct logstore_config *config, struct logstore_error *ret_error)
{
	static const struct tier tiers[] = {
		{
			.retention = LS_SETTING_RETENTION_BYTES,
			.local_retention = LS_SETTING_LOCAL_RETENTION_BYTES,
			.copy_lag = LS_SETTING_REMOTE_COPY_LAG_BYTES,
		},
		{
			.retention = LS_SETTING_RETENTION_MS,
			.local_retention = LS_SETTING_LOCAL_RETENTION_MS,
			.copy_lag = LS_SETTING_REMOTE_COPY_LAG_MS,
		},
	};
	int r = 0;

	if (!get_boolean(config, LS_SETTING_REMOTE_STORAGE_ENABLE))
		return 0;
	if (get_cleanup_policy(config) & LS_CLEANUP_COMPACT)
		return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
		                "Remote log storage only supports topics with cleanup.policy=delete or "
		                "cleanup.policy being "
		                "an empty list.");
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = check_local_retention(config, &tiers[i], ret_error);
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = check_copy_lag(config, &tiers[i], ret_error);
	if (!get_boolean(config, LS_SETTING_REMOTE_LOG_COPY_DISABLE))
		return r;
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = check_copy_disabled(config, &tiers[i], ret_error);
	return r;
}

static void resolve_segments(const struct logstore_config *config, struct ls_log_config *resolved)
{
	bool internal = in_force(config, LS_SETTING_INTERNAL_SEGMENT_BYTES) != NULL;

	resolved->segment_bytes =
		get_number(config, internal ? LS_SETTING_INTERNAL_SEGMENT_BYTES : LS_SETTING_SEGMENT_BYTES);
	resolved->segment_ms = get_number(config, LS_SETTING_SEGMENT_MS);
	resolved->segment_jitter_ms = get_number(config, LS_SETTING_SEGMENT_JITTER_MS);
	resolved->segment_index_bytes = get_number(config, LS_SETTING_SEGMENT_INDEX_BYTES);
	resolved->index_interval_bytes = get_number(config, LS_SETTING_INDEX_INTERVAL_BYTES);
	resolved->flush_messages = get_number(config, LS_SETTING_FLUSH_MESSAGES);
	resolved->flush_ms = get_number(config, LS_SETTING_FLUSH_MS);
	resolved->file_delete_delay_ms = get_number(config, LS_SETTING_FILE_DELETE_DELAY_MS);
	resolved->preallocate = get_boolean(config, LS_SETTING_PREALLOCATE);
}

static int resolve_cleanup(const struct logstore_config *config, struct ls_log_config *resolved)
{
	int64_t bytes = get_number(config, LS_SETTING_RETENTION_BYTES);

	resolved->cleanup_policy = get_cleanup_policy(config);
	resolved->retention_bytes = bytes < 0 ? -1 : bytes;
	resolved->retention_ms = get_number(config, LS_SETTING_RETENTION_MS);
	resolved->delete_retention_ms = get_number(config, LS_SETTING_DELETE_RETENTION_MS);
	resolved->min_compaction_lag_ms = get_number(config, LS_SETTING_MIN_COMPACTION_LAG_MS);
	resolved->max_compaction_lag_ms = get_number(config, LS_SETTING_MAX_COMPACTION_LAG_MS);
	return ls_setting_double(in_force(config, LS_SETTING_MIN_CLEANABLE_DIRTY_RATIO),
	                         &resolved->min_cleanable_dirty_ratio);
}

static void resolve_batches(const struct logstore_config *config, struct ls_log_config *resolved)
{
	int64_t gzip_level = get_number(config, LS_SETTING_COMPRESSION_GZIP_LEVEL);

	resolved->max_message_bytes = get_number(config, LS_SETTING_MAX_MESSAGE_BYTES);
	resolved->compression_type = get_compression_type(config);
	for (int codec = LOGSTORE_CODEC_NONE; codec <= LOGSTORE_CODEC_ZSTD; codec++)
		resolved->compression_level[codec] = LOGSTORE_LEVEL_DEFAULT;
	if (gzip_level != -1)
		resolved->compression_level[LOGSTORE_CODEC_GZIP] = (int32_t)gzip_level;
	resolved->compression_level[LOGSTORE_CODEC_LZ4] =
		(int32_t)get_number(config, LS_SETTING_COMPRESSION_LZ4_LEVEL);
	resolved->compression_level[LOGSTORE_CODEC_ZSTD] =
		(int32_t)get_number(config, LS_SETTING_COMPRESSION_ZSTD_LEVEL);
	resolved->timestamp_type = strcmp(in_force(config, LS_SETTING_TIMESTAMP_TYPE), "LogAppendTime") == 0
	                                   ? LOGSTORE_LOG_APPEND_TIME
	                                   : LOGSTORE_CREATE_TIME;
	resolved->timestamp_before_max_ms = get_number(config, LS_SETTING_TIMESTAMP_BEFORE_MAX_MS);
	resolved->timestamp_after_max_ms = get_number(config, LS_SETTING_TIMESTAMP_AFTER_MAX_MS);
}

int ls_log_config_resolve(const struct logstore_config *config, struct ls_log_config *ret_config,
                          struct logstore_error *ret_error)
{
	struct ls_log_config resolved = {0};
	int r = check_lags(config, ret_error);

	if (r == 0)
		r = check_tiering(config, ret_error);
	if (r < 0)
		return r;
	resolve_segments(config, &resolved);
	resolve_batches(config, &resolved);
	r = resolve_cleanup(config, &resolved);
	if (r < 0)
		return ls_error(ret_error, r, "no memory for settings");
	*ret_config = resolved;
	return 0;
}
