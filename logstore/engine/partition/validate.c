/*
 * Order of the checks (Kafka's): per batch size, checksum and shape; then every record; then the codec.
 * All records of a batch are looked at: an invalid timestamp wins over any other fault of a record.
 */
#include "partition/validate.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/codec.h"
#include "format/control.h"

void ls_plan_init(struct ls_plan *plan, const struct ls_env *env)
{
	*plan = (struct ls_plan){.env = env};
}

void ls_plan_fini(struct ls_plan *plan)
{
	(void)ls_free(plan->env, plan->batches);
	plan->batches = NULL;
}

void ls_plan_reset(struct ls_plan *plan)
{
	plan->count = 0;
	plan->bytes = 0;
	plan->max_timestamp = LOGSTORE_NO_TIMESTAMP;
	plan->log_append_time = LOGSTORE_NO_TIMESTAMP;
}

static struct ls_planned_batch *add_batch(struct ls_plan *plan)
{
	if (plan->count == plan->capacity) {
		size_t capacity = plan->capacity ? plan->capacity * 2 : 4;
		struct ls_planned_batch *batches =
			ls_realloc(plan->env, plan->batches, capacity, sizeof *batches);

		if (!batches)
			return NULL;
		plan->batches = batches;
		plan->capacity = capacity;
	}
	memset(&plan->batches[plan->count], 0, sizeof plan->batches[0]);
	return &plan->batches[plan->count];
}

static bool assigns_offsets(enum logstore_origin origin)
{
	return origin == LOGSTORE_ORIGIN_CLIENT || origin == LOGSTORE_ORIGIN_COORDINATOR;
}

/* ---- one batch ----------------------------------------------------------------------------------------- */

/* What a producer may send, beyond being well formed. */
static int check_client_batch(const struct ls_validation *v, const struct logstore_batch_info *info,
                              struct logstore_error *ret_error)
{
	int64_t span = info->last_offset - info->base_offset;

	if (info->record_count <= 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "Invalid reported count for record batch: %d in topic partition %s",
		                info->record_count, v->where);
	if (span + 1 != info->record_count)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "Inconsistent batch offset range [%lld, %lld] and count of records %d in topic "
		                "partition %s", (long long)info->base_offset, (long long)info->last_offset,
		                info->record_count, v->where);
	if (info->control)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "Clients are not allowed to write control records in topic partition %s", v->where);
	/* Kafka's own producers cannot make one; no marker could ever end its transaction. */
	if (info->transactional && info->producer_id < 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "a transactional record batch without a producer id in topic partition %s", v->where);
	if (info->producer_id >= 0 && info->base_sequence < 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "Invalid sequence number %d in record batch with producerId %lld in topic partition %s",
		                info->base_sequence, (long long)info->producer_id, v->where);
	return 0;
}

/* What the records of a batch turned out to be. */
struct record_facts {
	int32_t count;
	int64_t max_timestamp;
	bool offsets_in_order; /* inner offsets are 0..n-1 above the base */
	bool has_control;
	struct logstore_control control;
	int first_invalid_timestamp; /* record index, or -1 */
	int first_without_key;
};

static bool timestamp_in_range(const struct ls_log_config *config, int64_t timestamp, int64_t now_ms)
{
	int64_t before, after;

	if (__builtin_sub_overflow(now_ms, timestamp, &before))
		before = now_ms > timestamp ? INT64_MAX : INT64_MIN;
	if (__builtin_sub_overflow(timestamp, now_ms, &after))
		after = timestamp > now_ms ? INT64_MAX : INT64_MIN;
	return before <= config->timestamp_before_max_ms && after <= config->timestamp_after_max_ms;
}

static bool timestamp_valid(const struct ls_validation *v, const struct logstore_batch_info *info, int64_t timestamp)
{
	if (v->config->timestamp_type == LOGSTORE_CREATE_TIME && timestamp != LOGSTORE_NO_TIMESTAMP)
		return timestamp_in_range(v->config, timestamp, v->now_ms);
	return info->timestamp_type != LOGSTORE_LOG_APPEND_TIME;
}

static int read_records(const struct ls_validation *v, const uint8_t *bytes, const struct logstore_batch_info *info,
                        struct record_facts *facts, struct logstore_error *ret_error)
{
	bool compacted = (v->config->cleanup_policy & LS_CLEANUP_COMPACT) != 0;
	struct logstore_record record;
	int r;

	*facts = (struct record_facts){.max_timestamp = LOGSTORE_NO_TIMESTAMP, .offsets_in_order = true,
	                               .first_invalid_timestamp = -1, .first_without_key = -1};
	r = ls_record_reader_start(v->reader, bytes, info->size, ret_error);
	if (r < 0)
		return r;
	while ((r = ls_record_reader_next(v->reader, &record, ret_error)) == 1) {
		if (facts->count == 0 && info->control) {
			r = ls_control_parse(&record, &facts->control, ret_error);
			if (r < 0)
				return r;
			facts->has_control = true;
		}
		if (compacted && record.key_size < 0 && facts->first_without_key < 0)
			facts->first_without_key = facts->count;
		else if (!timestamp_valid(v, info, record.timestamp) && facts->first_invalid_timestamp < 0)
			facts->first_invalid_timestamp = facts->count;
		if (record.offset - info->base_offset != facts->count)
			facts->offsets_in_order = false;
		if (record.timestamp > facts->max_timestamp)
			facts->max_timestamp = record.timestamp;
		facts->count++;
	}
	return r;
}

static int refuse_records(const struct ls_validation *v, const struct record_facts *facts,
                          struct logstore_error *ret_error)
{
	int code = 0, index = -1;

	if (facts->first_invalid_timestamp >= 0) {
		index = facts->first_invalid_timestamp;
		code = ls_error(ret_error, LOGSTORE_E_INVALID_TIMESTAMP,
		                "One or more records have been rejected due to invalid timestamp: record %d of the "
		                "append to %s is outside message.timestamp.before.max.ms and .after.max.ms, or says "
		                "LogAppendTime", index, v->where);
	} else if (facts->first_without_key >= 0) {
		index = facts->first_without_key;
		code = ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "Compacted topic cannot accept message without key in topic partition %s: record %d",
		                v->where, index);
	}
	if (code < 0 && ret_error)
		ret_error->record_index = index;
	return code;
}

/* Takes the batch as it is: a copy of its header in front of the caller's bytes. */
static void plan_as_is(struct ls_planned_batch *planned, const uint8_t *bytes, const struct logstore_batch_info *info)
{
	planned->info = *info;
	memcpy(planned->header, bytes, LS_BATCH_HEADER_SIZE);
	planned->payload = bytes + LS_BATCH_HEADER_SIZE;
	planned->payload_size = info->size - LS_BATCH_HEADER_SIZE;
}

/* Timestamp type and maximum of the header, and with them the checksum, if they are not what they must be. */
static void patch_timestamps(struct ls_planned_batch *planned, enum logstore_timestamp_type type,
                             int64_t max_timestamp)
{
	uint8_t *header = planned->header;
	uint16_t attributes;
	uint32_t crc;

	if (planned->info.timestamp_type == type && planned->info.max_timestamp == max_timestamp)
		return;
	attributes = planned->info.attributes & LS_ATTR_KNOWN & ~LS_ATTR_LOG_APPEND_TIME;
	if (type == LOGSTORE_LOG_APPEND_TIME)
		attributes |= LS_ATTR_LOG_APPEND_TIME;
	ls_store_be16(header + LS_BATCH_ATTRIBUTES, attributes);
	ls_store_be64s(header + LS_BATCH_MAX_TIMESTAMP, max_timestamp);
	crc = ls_crc32c(0, header + LS_BATCH_ATTRIBUTES, LS_BATCH_HEADER_SIZE - LS_BATCH_ATTRIBUTES);
	crc = ls_crc32c(crc, planned->payload, planned->payload_size);
	ls_store_be32(header + LS_BATCH_CRC, crc);
	planned->info.attributes = attributes;
	planned->info.timestamp_type = (uint8_t)type;
	planned->info.max_timestamp = max_timestamp;
	planned->info.crc = crc;
}

/* Encodes the records anew with the topic's codec, offsets 0..n-1. */
static int rebuild(const struct ls_validation *v, const uint8_t *bytes, const struct logstore_batch_info *info,
                   int codec, struct ls_planned_batch *planned, struct logstore_error *ret_error)
{
	struct logstore_batch_options options;
	struct logstore_record record;
	const uint8_t *built;
	size_t built_size;
	int r;

	memset(&options, 0, sizeof options);
	options.struct_size = sizeof options;
	options.codec = (uint8_t)codec;
	options.level = v->config->compression_level[codec];
	options.timestamp_type = (uint8_t)v->config->timestamp_type;
	options.log_append_time =
		v->config->timestamp_type == LOGSTORE_LOG_APPEND_TIME ? v->now_ms : LOGSTORE_NO_TIMESTAMP;
	options.transactional = info->transactional;
	options.control = info->control;
	options.producer_id = info->producer_id;
	options.producer_epoch = info->producer_epoch;
	options.base_sequence = info->base_sequence;
	options.leader_epoch = info->leader_epoch;
	r = ls_batch_builder_start(v->builder, &options, ret_error);
	if (r == 0)
		r = ls_record_reader_start(v->reader, bytes, info->size, ret_error);
	while (r >= 0 && (r = ls_record_reader_next(v->reader, &record, ret_error)) == 1) {
		r = ls_batch_builder_add(v->builder, &record, false, ret_error);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = ls_batch_builder_finish(v->builder, &built, &built_size, ret_error);
	if (r < 0)
		return r;
	r = ls_batch_info(built, built_size, &planned->info, ret_error);
	LS_ASSERT(r == 0); /* our own builder made it */
	plan_as_is(planned, built, &planned->info);
	return 0;
}

static int too_large(const struct ls_validation *v, uint32_t size, struct logstore_error *ret_error)
{
	return ls_error(ret_error, LOGSTORE_E_MESSAGE_TOO_LARGE,
	                "The record batch size in the append to %s is %u bytes which exceeds the maximum configured "
	                "value of %lld (max.message.bytes).", v->where, size,
	                (long long)v->config->max_message_bytes);
}

/* A batch that gets its offsets here (CLIENT, COORDINATOR). */
static int plan_assigned(const struct ls_validation *v, const uint8_t *bytes, const struct logstore_batch_info *info,
                         struct ls_planned_batch *planned, struct logstore_error *ret_error)
{
	bool append_time = v->config->timestamp_type == LOGSTORE_LOG_APPEND_TIME;
	int codec = v->config->compression_type;
	struct record_facts facts;
	int r;

	if (codec == LS_COMPRESSION_PRODUCER || (info->control && info->codec == LOGSTORE_CODEC_NONE))
		codec = info->codec;
	r = read_records(v, bytes, info, &facts, ret_error);
	if (r == 0)
		r = refuse_records(v, &facts, ret_error);
	if (r < 0)
		return r;
	if (info->last_offset - info->base_offset + 1 != facts.count)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "%s: a batch of %d records claims %lld offsets", v->where, facts.count,
		                (long long)(info->last_offset - info->base_offset + 1));
	if (codec == info->codec && (codec == LOGSTORE_CODEC_NONE || facts.offsets_in_order)) {
		plan_as_is(planned, bytes, info);
		patch_timestamps(planned, v->config->timestamp_type, append_time ? v->now_ms : facts.max_timestamp);
	} else {
		r = rebuild(v, bytes, info, codec, planned, ret_error);
		if (r < 0)
			return r;
		if ((int64_t)planned->info.size > v->config->max_message_bytes)
			return too_large(v, planned->info.size, ret_error);
	}
	planned->offsets_used = facts.count;
	planned->is_control = facts.has_control;
	planned->control = facts.control;
	return 0;
}

/* A batch that comes with its offsets (REPLICATION, RAFT_LEADER). Only markers are looked into. */
static int plan_given(const struct ls_validation *v, const uint8_t *bytes, const struct logstore_batch_info *info,
                      struct ls_planned_batch *planned, struct logstore_error *ret_error)
{
	struct logstore_record record;
	int r;

	plan_as_is(planned, bytes, info);
	if (!info->control || info->producer_id < 0 || info->record_count == 0)
		return 0;
	r = ls_record_reader_start(v->reader, bytes, info->size, ret_error);
	if (r == 0)
		r = ls_record_reader_next(v->reader, &record, ret_error);
	if (r < 0)
		return r;
	if (r == 0)
		return 0;
	planned->is_control = true;
	return ls_control_parse(&record, &planned->control, ret_error);
}

/* ---- the whole append ---------------------------------------------------------------------------------- */

static int check_batch(const struct ls_validation *v, const uint8_t *bytes, const struct logstore_batch_info *info,
                       struct logstore_error *ret_error)
{
	int r;

	if (info->magic != 2)
		return ls_error(ret_error, LOGSTORE_E_UNSUPPORTED_FORMAT,
		                "%s: a batch of magic %d cannot be appended; convert it to magic 2", v->where,
		                info->magic);
	if (info->codec > LOGSTORE_CODEC_ZSTD)
		return ls_error(ret_error, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE, "%s: codec %u is unknown",
		                v->where,
		                info->codec);
	if (v->origin == LOGSTORE_ORIGIN_CLIENT && info->base_offset != 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
		                "The baseOffset of the record batch in the append to %s should be 0, but it is %lld",
		                v->where, (long long)info->base_offset);
	if (v->origin != LOGSTORE_ORIGIN_REPLICATION && (int64_t)info->size > v->config->max_message_bytes)
		return too_large(v, info->size, ret_error);
	if (v->origin == LOGSTORE_ORIGIN_RAFT_LEADER && info->leader_epoch != v->leader_epoch)
		return ls_error(ret_error, LOGSTORE_E_FENCED_LEADER_EPOCH,
		                "%s: a batch carries leader epoch %d, the leader has %d", v->where,
		                info->leader_epoch, v->leader_epoch);
	r = ls_batch_check(bytes, info->size, ret_error);
	if (r < 0 || v->origin != LOGSTORE_ORIGIN_CLIENT)
		return r;
	return check_client_batch(v, info, ret_error);
}

static void note_timestamps(const struct ls_validation *v, struct ls_plan *plan,
                            const struct ls_planned_batch *planned)
{
	if (planned->info.max_timestamp > plan->max_timestamp)
		plan->max_timestamp = planned->info.max_timestamp;
	if (assigns_offsets(v->origin) && v->config->timestamp_type == LOGSTORE_LOG_APPEND_TIME)
		plan->log_append_time = v->now_ms;
}

static int plan_one(const struct ls_validation *v, const uint8_t *bytes, const struct logstore_batch_info *info,
                    struct ls_plan *plan, struct logstore_error *ret_error)
{
	struct ls_planned_batch *planned;
	int r;

	r = check_batch(v, bytes, info, ret_error);
	if (r < 0)
		return r;
	planned = add_batch(plan);
	if (!planned)
		return ls_error(ret_error, -ENOMEM, "%s: no memory for another batch", v->where);
	r = assigns_offsets(v->origin) ? plan_assigned(v, bytes, info, planned, ret_error)
	                               : plan_given(v, bytes, info, planned, ret_error);
	if (r < 0)
		return r;
	plan->count++;
	plan->bytes += planned->info.size;
	note_timestamps(v, plan, planned);
	return 0;
}

/*
 * A header that makes no sense under a checksum that is right was meant so: the producer must not try again,
 * as it would after damage on the way.
 */
static int judge_bad_header(const struct ls_validation *v, const uint8_t *bytes, uint32_t size,
                            struct logstore_error *ret_error)
{
	if (bytes[LS_BATCH_MAGIC] != 2 || size < LS_BATCH_HEADER_SIZE ||
	    ls_batch_compute_crc(bytes, size) != ls_load_be32(bytes + LS_BATCH_CRC))
		return LOGSTORE_E_CORRUPT_MESSAGE; /* ret_error says so already */
	return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD,
	                "Invalid offset range or count of the record batch in the append to %s: base offset %lld, "
	                "last offset delta %d, %d records", v->where,
	                (long long)ls_load_be64s(bytes + LS_BATCH_BASE_OFFSET),
	                ls_load_be32s(bytes + LS_BATCH_LAST_OFFSET_DELTA),
	                ls_load_be32s(bytes + LS_BATCH_RECORD_COUNT));
}

/*
 * The batch that begins at `bytes`. Returns 1 and its size, 0 if nothing is to be taken from here on, or an
 * error.
 */
static int next_batch(const struct ls_validation *v, const uint8_t *bytes, size_t size, struct ls_plan *plan,
                      uint32_t *ret_size, struct logstore_error *ret_error)
{
	struct logstore_batch_info info;
	uint32_t batch_size;
	int r;

	r = ls_batch_size(bytes, &batch_size, ret_error);
	if (r < 0)
		return r;
	if (batch_size > size)
		return 0; /* a batch that was cut by the transport */
	if (batch_size > v->max_batch_bytes)
		return ls_error(ret_error, LOGSTORE_E_LIMIT_EXCEEDED,
		                "%s: a batch of %u bytes is above max_batch_bytes", v->where, batch_size);
	r = ls_batch_info(bytes, batch_size, &info, ret_error);
	if (r == LOGSTORE_E_CORRUPT_MESSAGE && v->origin == LOGSTORE_ORIGIN_CLIENT)
		r = judge_bad_header(v, bytes, batch_size, ret_error);
	if (r < 0)
		return r;
	if (v->origin == LOGSTORE_ORIGIN_REPLICATION && v->leader_epoch >= 0 && info.leader_epoch > v->leader_epoch)
		return 0; /* written by a leader that this follower does not know yet */
	if (assigns_offsets(v->origin) && plan->count > 0)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD, "%s: an append takes exactly one record batch",
		                v->where);
	r = plan_one(v, bytes, &info, plan, ret_error);
	if (r < 0)
		return r;
	*ret_size = batch_size;
	return 1;
}

int ls_validate(const struct ls_validation *v, const uint8_t *bytes, size_t size, struct ls_plan *plan,
                struct logstore_error *ret_error)
{
	size_t at = 0;

	while (size - at >= LS_BATCH_PREFIX_SIZE) {
		uint32_t batch_size = 0;
		int r = next_batch(v, bytes + at, size - at, plan, &batch_size, ret_error);

		if (r == 0)
			break;
		if (r < 0) {
			if (r != -ENOMEM && ret_error)
				ret_error->position = (int64_t)at;
			return r;
		}
		at += batch_size;
	}
	if (plan->count == 0 && v->origin != LOGSTORE_ORIGIN_REPLICATION)
		return ls_error(ret_error, LOGSTORE_E_INVALID_RECORD, "%s: the append holds no whole record batch",
		                v->where);
	return 0;
}

static int check_given_offsets(const struct ls_plan *plan, int64_t log_end, const char *where,
                               struct logstore_error *ret_error)
{
	int64_t next = log_end;

	for (size_t i = 0; i < plan->count; i++) {
		const struct logstore_batch_info *info = &plan->batches[i].info;

		if (info->base_offset < next || info->last_offset == INT64_MAX)
			return ls_error(ret_error, LOGSTORE_E_UNEXPECTED_OFFSET,
			                "Unexpected offset in append to %s. First offset %lld is less than the next "
			                "offset %lld.", where, (long long)info->base_offset, (long long)next);
		next = info->last_offset + 1;
	}
	return 0;
}

int ls_plan_assign(struct ls_plan *plan, enum logstore_origin origin, int64_t log_end, int32_t leader_epoch,
                   const char *where, struct logstore_error *ret_error)
{
	if (!assigns_offsets(origin))
		return check_given_offsets(plan, log_end, where, ret_error);
	for (size_t i = 0; i < plan->count; i++) {
		struct ls_planned_batch *planned = &plan->batches[i];
		int64_t span = planned->info.last_offset - planned->info.base_offset;

		if (log_end > INT64_MAX - 1 - planned->offsets_used)
			return ls_error(ret_error, LOGSTORE_E_UNEXPECTED_OFFSET, "%s: offsets are used up", where);
		log_end += planned->offsets_used;
		planned->info.last_offset = log_end - 1;
		planned->info.base_offset = planned->info.last_offset - span;
		planned->info.leader_epoch = leader_epoch;
		ls_store_be64s(planned->header + LS_BATCH_BASE_OFFSET, planned->info.base_offset);
		ls_store_be32s(planned->header + LS_BATCH_LEADER_EPOCH, leader_epoch);
	}
	return 0;
}
