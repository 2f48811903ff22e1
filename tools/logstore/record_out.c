/*
 * Records as text. The order and the names of the JSON fields are those that append --json reads back;
 * fields at their default are left out.
 */
#include "record_out.h"

#include <string.h>

#include "encode.h"

const char *control_type_name(int type)
{
	static const char *const names[] = {"ABORT",           "COMMIT",          "LEADER_CHANGE",
	                                    "SNAPSHOT_HEADER", "SNAPSHOT_FOOTER", "KRAFT_VERSION",
	                                    "KRAFT_VOTERS"};

	return type >= 0 && type < (int)(sizeof names / sizeof *names) ? names[type] : "UNKNOWN";
}

const char *timestamp_type_name(const struct logstore_batch_info *batch)
{
	if (batch->magic == 0)
		return "NoTimestampType";
	return batch->timestamp_type == LOGSTORE_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime";
}

const char *codec_text(uint8_t codec)
{
	static const char *const numbers[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
	const char *name = logstore_codec_name(codec);

	return name ? name : numbers[codec & 7];
}

void record_out_init(struct record_out *writer, struct out *out, bool base64)
{
	memset(writer, 0, sizeof *writer);
	writer->out = out;
	writer->base64 = base64;
}

void record_out_partition(struct record_out *writer, const char *label)
{
	char buffer[OUT_RESERVE_MAX + sizeof writer->prefix];
	struct out prefix;

	/* A name has at most 255 bytes, each 6 as JSON. */
	out_init_memory(&prefix, buffer, sizeof buffer);
	out_text(&prefix, "{\"partition\":");
	out_json_text(&prefix, label, strlen(label));
	out_text(&prefix, ",\"offset\":");
	memcpy(writer->prefix, buffer, prefix.used);
	writer->prefix_size = prefix.used;
	writer->batch_known = false;
}

static void prepare_batch(struct record_out *writer, const struct logstore_batch_info *batch)
{
	char *to = writer->timestamp_type;

	writer->batch = *batch;
	writer->batch_known = true;
	if (batch->magic == 0 || batch->timestamp_type != LOGSTORE_CREATE_TIME) {
		to = put_text(to, ",\"timestamp_type\":\"");
		to = put_text(to, timestamp_type_name(batch));
		*to++ = '"';
	}
	*to = '\0';
	to = writer->producer;
	if (batch->producer_id != LOGSTORE_NO_PRODUCER_ID || batch->producer_epoch != LOGSTORE_NO_EPOCH ||
	    batch->base_sequence != LOGSTORE_NO_SEQUENCE) {
		to = put_int(put_text(to, ",\"producer_id\":"), batch->producer_id);
		to = put_int(put_text(to, ",\"producer_epoch\":"), batch->producer_epoch);
		to = put_text(to, ",\"sequence\":");
	}
	*to = '\0';
	to = put_int(put_text(writer->flags, ",\"leader_epoch\":"), batch->leader_epoch);
	if (batch->control)
		to = put_text(to, ",\"is_control\":true");
	if (batch->transactional)
		to = put_text(to, ",\"is_transactional\":true");
	*to = '\0';
	to = writer->tail;
	if (batch->codec != LOGSTORE_CODEC_NONE) {
		to = put_text(to, ",\"codec\":\"");
		to = put_text(to, codec_text(batch->codec));
		*to++ = '"';
	}
	if (batch->magic != 2)
		to = put_int(put_text(to, ",\"magic\":"), batch->magic);
	to = put_int(put_text(to, ",\"batch_base_offset\":"), batch->base_offset);
	to = put_text(to, "}\n");
	*to = '\0';
}

static void use_batch(struct record_out *writer, const struct logstore_batch_info *batch)
{
	if (!writer->batch_known || memcmp(&writer->batch, batch, sizeof *batch) != 0)
		prepare_batch(writer, batch);
}

static void json_bytes(struct record_out *writer, const void *bytes, int32_t size)
{
	struct out *out = writer->out;

	if (size < 0) {
		out_text(out, "null");
	} else if (writer->base64) {
		out_char(out, '"');
		out_base64(out, bytes, (size_t)size);
		out_char(out, '"');
	} else {
		out_json_text(out, bytes, (size_t)size);
	}
}

static void json_headers(struct record_out *writer, const struct logstore_record *record)
{
	struct out *out = writer->out;

	out_text(out, ",\"headers\":[");
	for (uint32_t i = 0; i < record->header_count; i++) {
		const struct logstore_header *header = &record->headers[i];

		out_text(out, i > 0 ? ",{\"key\":" : "{\"key\":");
		out_json_text(out, header->key, (size_t)header->key_size);
		out_text(out, ",\"value\":");
		json_bytes(writer, header->value, header->value_size);
		out_char(out, '}');
	}
	out_char(out, ']');
}

static void json_control(struct record_out *writer, const struct logstore_record *record)
{
	struct logstore_control control = {.type = -1, .coordinator_epoch = LOGSTORE_NO_EPOCH};
	struct out *out = writer->out;

	if (logstore_control_parse(record, &control, NULL) < 0)
		control.type = -1; /* key and value are printed all the same */
	out_text(out, ",\"control_type\":\"");
	out_text(out, control_type_name(control.type));
	out_char(out, '"');
	if (control.type == LOGSTORE_CONTROL_ABORT || control.type == LOGSTORE_CONTROL_COMMIT) {
		out_text(out, ",\"coordinator_epoch\":");
		out_int(out, control.coordinator_epoch);
	}
}

void record_out_json(struct record_out *writer, const struct logstore_batch_info *batch,
                     const struct logstore_record *record)
{
	struct out *out = writer->out;
	char *to;

	use_batch(writer, batch);
	to = out_reserve(out, sizeof writer->prefix + 256);
	memcpy(to, writer->prefix, writer->prefix_size);
	to = put_int(to + writer->prefix_size, record->offset);
	to = put_int(put_text(to, ",\"timestamp\":"), record->timestamp);
	to = put_text(put_text(to, writer->timestamp_type), ",\"key\":");
	out_commit(out, to);
	json_bytes(writer, record->key, record->key_size);
	out_text(out, ",\"value\":");
	json_bytes(writer, record->value, record->value_size);
	if (record->header_count > 0)
		json_headers(writer, record);
	to = out_reserve(out, 512);
	if (writer->producer[0] != '\0')
		to = put_int(put_text(to, writer->producer), record->sequence);
	to = put_text(to, writer->flags);
	out_commit(out, to);
	if (batch->control)
		json_control(writer, record);
	out_text(out, writer->tail);
}

static void text_bytes(struct out *out, const void *bytes, int32_t size, bool quoted)
{
	if (size < 0) {
		out_text(out, "null");
		return;
	}
	if (quoted)
		out_char(out, '"');
	out_printable(out, bytes, (size_t)size);
	if (quoted)
		out_char(out, '"');
}

static void text_headers(struct out *out, const struct logstore_record *record)
{
	out_text(out, "  headers");
	for (uint32_t i = 0; i < record->header_count; i++) {
		const struct logstore_header *header = &record->headers[i];

		out_char(out, ' ');
		out_printable(out, header->key, (size_t)header->key_size);
		out_char(out, '=');
		text_bytes(out, header->value, header->value_size, false);
	}
}

static void text_control(struct out *out, const struct logstore_batch_info *batch,
                         const struct logstore_record *record)
{
	struct logstore_control control;

	if (logstore_control_parse(record, &control, NULL) < 0) {
		out_text(out, "control record that is malformed\n");
		return;
	}
	out_format(out, "control %s", control_type_name(control.type));
	if (batch->producer_id != LOGSTORE_NO_PRODUCER_ID)
		out_format(out, "  producer %lld:%d", (long long)batch->producer_id, batch->producer_epoch);
	if (control.coordinator_epoch != LOGSTORE_NO_EPOCH)
		out_format(out, "  coordinator epoch %d", control.coordinator_epoch);
	out_char(out, '\n');
}

void record_out_text(struct record_out *writer, const struct logstore_batch_info *batch,
                     const struct logstore_record *record)
{
	struct out *out = writer->out;
	char *to = out_reserve(out, 128);

	to = put_text(put_int(to, record->offset), "  ");
	to = put_text(human_clock_put(&writer->clock, to, record->timestamp), "  ");
	out_commit(out, to);
	if (batch->control) {
		text_control(out, batch, record);
		return;
	}
	out_text(out, "key ");
	text_bytes(out, record->key, record->key_size, true);
	out_text(out, "  value ");
	text_bytes(out, record->value, record->value_size, false);
	if (record->header_count > 0)
		text_headers(out, record);
	out_char(out, '\n');
}
