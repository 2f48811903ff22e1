/*
 * Stores and partitions: arguments are checked here, the engine does the rest.
 */
#include <logstore/logstore.h>

#include <errno.h>

#include "api/api.h"
#include "base/error.h"
#include "base/error_text.h"
#include "partition/partition.h"
#include "store/store.h"

#define STRING(x) #x
#define VERSION(major, minor, patch) STRING(major) "." STRING(minor) "." STRING(patch)

static int missing(struct logstore_error *ret_error, const char *what)
{
	return ls_error(ret_error, -EINVAL, "%s is missing", what);
}

const char *logstore_version(void)
{
	return VERSION(LOGSTORE_VERSION_MAJOR, LOGSTORE_VERSION_MINOR, LOGSTORE_VERSION_PATCH);
}

const char *logstore_strerror(int code)
{
	return ls_error_text(code);
}

const char *logstore_error_name(int code)
{
	return ls_error_name(code);
}

int16_t logstore_error_kafka_code(int code)
{
	return ls_error_kafka_code(code);
}

/* ---- stores -------------------------------------------------------------------------------------------- */

int logstore_open(const char *path, const struct logstore_options *options, logstore **ret_store,
                  struct logstore_error *ret_error)
{
	struct logstore_options known;
	struct ls_env env;
	int r;

	if (!path || !path[0] || !ret_store)
		return missing(ret_error, "the path or the result");
	logstore_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_options", ret_error);
	if (r < 0)
		return r;
	if (known.producer_id_expiration_ms < 1 || known.max_batch_bytes < 1 || known.max_decompressed_bytes < 1)
		return ls_error(ret_error, -EINVAL, "limits and the expiration of producers are 1 or more");
	ls_api_env_resolve(known.env, &env);
	return ls_store_open(path, &known, &env, ret_store, ret_error);
}

int logstore_close(logstore *store, struct logstore_error *ret_error)
{
	return ls_store_close(store, ret_error);
}

int logstore_list(logstore *store, struct logstore_listing **ret_listings, size_t *ret_count,
                  struct logstore_error *ret_error)
{
	if (!store || !ret_listings || !ret_count)
		return missing(ret_error, "the store or the result");
	return ls_store_list(store, ret_listings, ret_count, ret_error);
}

void logstore_free_listings(logstore *store, struct logstore_listing *listings)
{
	if (store)
		ls_store_free_listings(store, listings);
}

int logstore_checkpoint(logstore *store, struct logstore_error *ret_error)
{
	return store ? ls_store_checkpoint(store, ret_error) : missing(ret_error, "the store");
}

/* ---- partitions ---------------------------------------------------------------------------------------- */

int logstore_partition_create(logstore *store, const char *topic, int32_t partition,
                              const struct logstore_create_options *options, logstore_partition **ret_partition,
                              struct logstore_error *ret_error)
{
	struct logstore_create_options known;
	int r;

	if (!store || !topic || !ret_partition)
		return missing(ret_error, "the store, the topic or the result");
	logstore_create_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_create_options", ret_error);
	if (r < 0)
		return r;
	return ls_store_create_partition(store, topic, partition, &known, ret_partition, ret_error);
}

int logstore_partition_open(logstore *store, const char *topic, int32_t partition,
                            logstore_partition **ret_partition, struct logstore_error *ret_error)
{
	if (!store || !topic || !ret_partition)
		return missing(ret_error, "the store, the topic or the result");
	return ls_store_open_partition(store, topic, partition, ret_partition, ret_error);
}

logstore_partition *logstore_partition_close(logstore_partition *part)
{
	if (part)
		ls_store_release_partition(part);
	return NULL;
}

int logstore_partition_delete(logstore *store, const char *topic, int32_t partition, struct logstore_error *ret_error)
{
	if (!store || !topic)
		return missing(ret_error, "the store or the topic");
	return ls_store_delete_partition(store, topic, partition, ret_error);
}

const char *logstore_partition_topic(const logstore_partition *part)
{
	return ls_partition_topic(part);
}

int32_t logstore_partition_number(const logstore_partition *part)
{
	return ls_partition_number(part);
}

void logstore_partition_topic_id(const logstore_partition *part, struct logstore_uuid *ret_id)
{
	*ret_id = *ls_partition_topic_id(part);
}

int logstore_partition_get_config(logstore_partition *part, logstore_config **ret_config,
                                  struct logstore_error *ret_error)
{
	int r;

	if (!part || !ret_config)
		return missing(ret_error, "the partition or the result");
	r = ls_partition_get_config(part, ret_config);
	return r < 0 ? ls_error(ret_error, r, "no memory for the settings") : 0;
}

int logstore_partition_set_config(logstore_partition *part, const logstore_config *config,
                                  struct logstore_error *ret_error)
{
	if (!part || !config)
		return missing(ret_error, "the partition or the settings");
	return ls_partition_set_config(part, config, ret_error);
}

int logstore_partition_override_config(logstore_partition *part, const logstore_config *config,
                                       struct logstore_error *ret_error)
{
	if (!part || !config)
		return missing(ret_error, "the partition or the settings");
	return ls_partition_override_config(part, config, ret_error);
}

void logstore_partition_offsets(logstore_partition *part, struct logstore_offsets *ret_offsets)
{
	ls_partition_offsets(part, ret_offsets);
}

int logstore_partition_refresh(logstore_partition *part, struct logstore_error *ret_error)
{
	return part ? ls_store_refresh_partition(part, ret_error) : missing(ret_error, "the partition");
}

/* ---- appending ----------------------------------------------------------------------------------------- */

static int append_options(struct logstore_append_options *known, const struct logstore_append_options *options,
                          struct logstore_error *ret_error)
{
	int r;

	logstore_append_options_init(known);
	r = ls_api_options(known, sizeof *known, options, "struct logstore_append_options", ret_error);
	if (r < 0)
		return r;
	if (known->origin > LOGSTORE_ORIGIN_RAFT_LEADER || known->durability > LOGSTORE_FLUSHED ||
	    known->transaction_version < 0 || known->transaction_version > 2)
		return ls_error(ret_error, -EINVAL, "origin, durability or transaction_version is out of range");
	return 0;
}

int logstore_append_batches(logstore_partition *part, const void *batches, size_t size,
                            const struct logstore_append_options *options, struct logstore_append_result *ret_result,
                            struct logstore_error *ret_error)
{
	struct logstore_append_options known;
	int r;

	if (!part || (!batches && size > 0) || !ret_result)
		return missing(ret_error, "the partition, the batches or the result");
	r = append_options(&known, options, ret_error);
	return r < 0 ? r : ls_partition_append_batches(part, batches, size, &known, ret_result, ret_error);
}

int logstore_append_records(logstore_partition *part, const struct logstore_record *records, size_t count,
                            const struct logstore_records_options *records_options,
                            const struct logstore_append_options *options, struct logstore_append_result *ret_result,
                            struct logstore_error *ret_error)
{
	struct logstore_records_options known_records;
	struct logstore_append_options known;
	int r;

	if (!part || !records || count == 0 || !ret_result)
		return missing(ret_error, "the partition, a record or the result");
	logstore_records_options_init(&known_records);
	r = ls_api_options(&known_records, sizeof known_records, records_options, "struct logstore_records_options",
	                ret_error);
	if (r == 0)
		r = append_options(&known, options, ret_error);
	if (r < 0)
		return r;
	if (known.origin != LOGSTORE_ORIGIN_CLIENT && known.origin != LOGSTORE_ORIGIN_COORDINATOR)
		return ls_error(ret_error, -EINVAL, "records are appended as CLIENT or COORDINATOR");
	return ls_partition_append_records(part, records, count, &known_records, &known, ret_result, ret_error);
}

int logstore_append_marker(logstore_partition *part, const struct logstore_marker *marker,
                           const struct logstore_append_options *options, struct logstore_append_result *ret_result,
                           struct logstore_error *ret_error)
{
	struct logstore_append_options known;
	struct logstore_marker known_marker;
	int r;

	if (!part || !marker || !ret_result)
		return missing(ret_error, "the partition, the marker or the result");
	logstore_marker_init(&known_marker);
	r = ls_api_options(&known_marker, sizeof known_marker, marker, "struct logstore_marker", ret_error);
	if (r == 0)
		r = append_options(&known, options, ret_error);
	if (r < 0)
		return r;
	if (known_marker.producer_id < 0 || known_marker.producer_epoch < 0 || known_marker.coordinator_epoch < 0)
		return ls_error(ret_error, -EINVAL,
		                "a marker needs a producer id, its epoch and a coordinator epoch");
	return ls_partition_append_marker(part, &known_marker, &known, ret_result, ret_error);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

int logstore_read(logstore_partition *part, int64_t offset, const struct logstore_read_options *options,
                  struct logstore_slice *ret_slice, struct logstore_error *ret_error)
{
	struct logstore_read_options known;
	int r;

	if (!part || !ret_slice)
		return missing(ret_error, "the partition or the result");
	logstore_read_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_read_options", ret_error);
	if (r < 0)
		return r;
	if (known.isolation > LOGSTORE_READ_COMMITTED)
		return ls_error(ret_error, -EINVAL, "isolation is out of range");
	return ls_partition_read(part, offset, &known, ret_slice, ret_error);
}

int logstore_slice_read(const struct logstore_slice *slice, uint64_t at, void *buffer, size_t size, size_t *ret_size,
                        struct logstore_error *ret_error)
{
	if (!slice || !slice->owner || (!buffer && size > 0) || !ret_size)
		return missing(ret_error, "the slice, the buffer or the result");
	return ls_slice_read(slice, at, buffer, size, ret_size, ret_error);
}

void logstore_slice_release(struct logstore_slice *slice)
{
	if (slice)
		ls_slice_release(slice);
}

int logstore_offset_for_timestamp(logstore_partition *part, int64_t timestamp, enum logstore_isolation isolation,
                                  struct logstore_timestamp_offset *ret_found, struct logstore_error *ret_error)
{
	if (!part || !ret_found)
		return missing(ret_error, "the partition or the result");
	if ((unsigned)isolation > LOGSTORE_READ_COMMITTED)
		return ls_error(ret_error, -EINVAL, "isolation is out of range");
	return ls_partition_offset_for_timestamp(part, timestamp, isolation, ret_found, ret_error);
}

int logstore_end_offset_for_epoch(logstore_partition *part, int32_t epoch, int32_t *ret_epoch,
                                  int64_t *ret_end_offset)
{
	if (!part || !ret_epoch || !ret_end_offset)
		return -EINVAL;
	ls_partition_end_offset_for_epoch(part, epoch, ret_epoch, ret_end_offset);
	return 0;
}

int logstore_cursor_open(logstore_partition *part, int64_t offset, const struct logstore_cursor_options *options,
                         logstore_cursor **ret_cursor, struct logstore_error *ret_error)
{
	struct logstore_cursor_options known;
	int r;

	if (!part || !ret_cursor)
		return missing(ret_error, "the partition or the result");
	logstore_cursor_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_cursor_options", ret_error);
	if (r < 0)
		return r;
	if (known.isolation > LOGSTORE_READ_COMMITTED || known.buffer_bytes == 0)
		return ls_error(ret_error, -EINVAL, "isolation or buffer_bytes is out of range");
	return ls_cursor_open(part, offset, &known, ret_cursor, ret_error);
}

logstore_cursor *logstore_cursor_close(logstore_cursor *cursor)
{
	return ls_cursor_close(cursor);
}

int logstore_cursor_next(logstore_cursor *cursor, struct logstore_entry *ret_entry, struct logstore_error *ret_error)
{
	if (!cursor || !ret_entry)
		return missing(ret_error, "the cursor or the result");
	return ls_cursor_next(cursor, ret_entry, ret_error);
}

int logstore_cursor_skip_batch(logstore_cursor *cursor, struct logstore_error *ret_error)
{
	return cursor ? ls_cursor_skip_batch(cursor, ret_error) : missing(ret_error, "the cursor");
}

int64_t logstore_cursor_offset(const logstore_cursor *cursor)
{
	return ls_cursor_offset(cursor);
}

/* ---- bounds -------------------------------------------------------------------------------------------- */

int logstore_set_leader_epoch(logstore_partition *part, int32_t epoch, struct logstore_error *ret_error)
{
	return part ? ls_partition_set_leader_epoch(part, epoch, ret_error) : missing(ret_error, "the partition");
}

int logstore_set_high_watermark(logstore_partition *part, int64_t offset, struct logstore_error *ret_error)
{
	return part ? ls_partition_set_high_watermark(part, offset, ret_error) : missing(ret_error, "the partition");
}

int logstore_truncate(logstore_partition *part, int64_t offset, struct logstore_error *ret_error)
{
	return part ? ls_partition_truncate(part, offset, ret_error) : missing(ret_error, "the partition");
}

int logstore_truncate_fully(logstore_partition *part, int64_t offset, struct logstore_error *ret_error)
{
	return part ? ls_partition_truncate_fully(part, offset, ret_error) : missing(ret_error, "the partition");
}

int logstore_delete_records(logstore_partition *part, int64_t offset, int64_t *ret_log_start,
                            struct logstore_error *ret_error)
{
	if (!part || !ret_log_start)
		return missing(ret_error, "the partition or the result");
	return ls_partition_delete_records(part, offset, ret_log_start, ret_error);
}

int logstore_roll(logstore_partition *part, struct logstore_error *ret_error)
{
	return part ? ls_partition_roll(part, ret_error) : missing(ret_error, "the partition");
}

int logstore_flush(logstore_partition *part, struct logstore_error *ret_error)
{
	return part ? ls_partition_flush(part, ret_error) : missing(ret_error, "the partition");
}
