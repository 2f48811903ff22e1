/*
 * What an append may contain, check by check: which error, in which order, at which record, and in which
 * form an accepted batch goes to the log.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error_text.h"
#include "format/control.h"
#include "partition/validate.h"
#include "testlib.h"

TestSuite(validate, .fini = ts_check_leaks);

#define NOW INT64_C(1700000000000)

/* Everything a validation needs. Tests change `config` and `v` before they run it. */
struct fixture {
	struct ts_alloc alloc;
	struct ls_log_config config;
	struct ls_validation v;
	struct ls_plan plan;
	struct ls_batch_builder *input;
	struct logstore_batch_options options; /* of the next batch that make() makes */
	uint8_t bytes[64 * 1024];
	size_t size;
	struct logstore_error error;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	ts_alloc_init(&f->alloc);
	cr_assert_eq(ls_log_config_resolve(NULL, &f->config, NULL), 0);
	f->v = (struct ls_validation){
		.origin = LOGSTORE_ORIGIN_CLIENT,
		.config = &f->config,
		.where = "t-0",
		.leader_epoch = LOGSTORE_NO_EPOCH,
		.now_ms = NOW,
		.max_batch_bytes = 1024 * 1024,
	};
	cr_assert_eq(ls_record_reader_new(&f->alloc.ls, 0, &f->v.reader), 0);
	cr_assert_eq(ls_batch_builder_new(&f->alloc.ls, &f->v.builder), 0);
	cr_assert_eq(ls_batch_builder_new(&f->alloc.ls, &f->input), 0);
	ls_plan_init(&f->plan, &f->alloc.ls);
	ls_plan_reset(&f->plan);
	f->options = (struct logstore_batch_options){
		.struct_size = sizeof f->options,
		.level = LOGSTORE_LEVEL_DEFAULT,
		.producer_id = LOGSTORE_NO_PRODUCER_ID,
		.producer_epoch = LOGSTORE_NO_EPOCH,
		.base_sequence = LOGSTORE_NO_SEQUENCE,
		.leader_epoch = LOGSTORE_NO_EPOCH,
		.log_append_time = LOGSTORE_NO_TIMESTAMP,
	};
}

static void tear_down(struct fixture *f)
{
	ls_plan_fini(&f->plan);
	f->v.reader = ls_record_reader_free(f->v.reader);
	f->v.builder = ls_batch_builder_free(f->v.builder);
	f->input = ls_batch_builder_free(f->input);
	cr_assert_eq(atomic_load(&f->alloc.outstanding), 0);
}

static struct logstore_record record_of(int i, int64_t timestamp)
{
	static char keys[8][8];

	(void)snprintf(keys[i % 8], sizeof keys[0], "k%d", i % 8);
	return (struct logstore_record){
		.timestamp = timestamp, .key = keys[i % 8], .key_size = 2,
		.value = "some value that is long enough to be worth compressing, compressing, compressing",
		.value_size = 80,
	};
}

/* Appends a batch of these records to the input. */
static uint8_t *make_of(struct fixture *f, const struct logstore_record *records, size_t count)
{
	uint8_t *at = f->bytes + f->size;
	const uint8_t *built;
	size_t size;

	cr_assert_eq(ls_batch_builder_start(f->input, &f->options, NULL), 0);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(ls_batch_builder_add(f->input, &records[i], false, NULL), 0);
	cr_assert_eq(ls_batch_builder_finish(f->input, &built, &size, NULL), 0);
	cr_assert_leq(size, sizeof f->bytes - f->size);
	memcpy(at, built, size);
	f->size += size;
	return at;
}

/* `count` records with timestamps NOW, NOW + 1, ... */
static uint8_t *make(struct fixture *f, size_t count)
{
	struct logstore_record records[16];

	cr_assert_leq(count, 16);
	for (size_t i = 0; i < count; i++)
		records[i] = record_of((int)i, NOW + (int64_t)i);
	return make_of(f, records, count);
}

static size_t size_of(const uint8_t *batch)
{
	uint32_t size;

	cr_assert_eq(ls_batch_size(batch, &size, NULL), 0);
	return size;
}

/* The checksum that a changed batch should have. */
static void seal(uint8_t *batch)
{
	ls_store_be32(batch + LS_BATCH_CRC, ls_batch_compute_crc(batch, size_of(batch)));
}

static int validate(struct fixture *f)
{
	ls_plan_reset(&f->plan);
	memset(&f->error, 0x5A, sizeof f->error);
	return ls_validate(&f->v, f->bytes, f->size, &f->plan, &f->error);
}

static void refused(struct fixture *f, int code)
{
	int r = validate(f);

	cr_assert_eq(r, code, "%s, not %s: %s", ls_error_name(r), ls_error_name(code),
	             r < 0 ? f->error.text : "");
	cr_assert_eq(f->error.code, code);
	cr_assert_neq(f->error.text[0], '\0');
	ls_plan_reset(&f->plan);
	cr_assert_eq(ls_validate(&f->v, f->bytes, f->size, &f->plan, NULL), code,
	             "without room for the error");
}

static void accepted(struct fixture *f, size_t count)
{
	int r = validate(f);

	cr_assert_eq(r, 0, "%s: %s", ls_error_name(r), r < 0 ? f->error.text : "");
	cr_assert_eq(f->plan.count, count);
}

/* The bytes of a planned batch in one piece; its header and checksum must hold. */
static uint8_t *written(const struct ls_planned_batch *planned)
{
	size_t size = LS_BATCH_HEADER_SIZE + planned->payload_size;
	struct logstore_batch_info info;
	uint8_t *bytes = malloc(size);

	cr_assert_not_null(bytes);
	memcpy(bytes, planned->header, LS_BATCH_HEADER_SIZE);
	if (planned->payload_size > 0)
		memcpy(bytes + LS_BATCH_HEADER_SIZE, planned->payload, planned->payload_size);
	cr_assert_eq(ls_batch_check(bytes, size, NULL), 0);
	cr_assert_eq(ls_batch_info(bytes, size, &info, NULL), 0);
	cr_assert_eq(info.size, planned->info.size);
	cr_assert_eq(info.size, size);
	cr_assert_eq(info.base_offset, planned->info.base_offset);
	cr_assert_eq(info.last_offset, planned->info.last_offset);
	cr_assert_eq(info.max_timestamp, planned->info.max_timestamp);
	cr_assert_eq(info.attributes, planned->info.attributes);
	cr_assert_eq(info.crc, planned->info.crc);
	cr_assert_eq(info.leader_epoch, planned->info.leader_epoch);
	return bytes;
}

static void expect_records(struct fixture *f, const uint8_t *batch, int count)
{
	struct logstore_record record;

	cr_assert_eq(ls_record_reader_start(f->v.reader, batch, size_of(batch), NULL), 0);
	for (int i = 0; i < count; i++) {
		struct logstore_record want = record_of(i, NOW + i);

		cr_assert_eq(ls_record_reader_next(f->v.reader, &record, NULL), 1);
		cr_assert_eq(record.offset, ls_record_reader_batch(f->v.reader)->base_offset + i);
		cr_assert_eq(record.key_size, want.key_size);
		cr_assert_arr_eq(record.key, want.key, 2);
		cr_assert_eq(record.value_size, want.value_size);
		cr_assert_arr_eq(record.value, want.value, 80);
	}
	cr_assert_eq(ls_record_reader_next(f->v.reader, &record, NULL), 0);
}

/* ---- what goes through --------------------------------------------------------------------------------- */

Test(validate, takes_a_batch_as_it_is)
{
	struct fixture f;
	uint8_t *batch, *out;

	set_up(&f);
	batch = make(&f, 3);
	accepted(&f, 1);
	cr_assert_arr_eq(f.plan.batches[0].header, batch, LS_BATCH_HEADER_SIZE);
	cr_assert_eq(f.plan.batches[0].payload, batch + LS_BATCH_HEADER_SIZE, "the payload was copied");
	cr_assert_eq(f.plan.batches[0].offsets_used, 3);
	cr_assert_not(f.plan.batches[0].is_control);
	cr_assert_eq(f.plan.bytes, f.size);
	cr_assert_eq(f.plan.max_timestamp, NOW + 2);
	cr_assert_eq(f.plan.log_append_time, LOGSTORE_NO_TIMESTAMP);

	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_CLIENT, 100, 7, "t-0", NULL), 0);
	out = written(&f.plan.batches[0]);
	cr_assert_eq(f.plan.batches[0].info.base_offset, 100);
	cr_assert_eq(f.plan.batches[0].info.last_offset, 102);
	cr_assert_eq(f.plan.batches[0].info.leader_epoch, 7);
	cr_assert_arr_eq(out + LS_BATCH_MAGIC, batch + LS_BATCH_MAGIC, f.size - LS_BATCH_MAGIC,
	                 "more than offset and epoch was changed");
	expect_records(&f, out, 3);
	free(out);
	tear_down(&f);
}

Test(validate, keeps_unknown_attributes_and_the_checksum_if_nothing_else_changes)
{
	struct fixture f;
	uint8_t *batch;

	set_up(&f);
	batch = make(&f, 2);
	batch[LS_BATCH_ATTRIBUTES] = 0x80;
	seal(batch);
	accepted(&f, 1);
	cr_assert_arr_eq(f.plan.batches[0].header, batch, LS_BATCH_HEADER_SIZE);
	tear_down(&f);
}

Test(validate, corrects_the_maximum_timestamp)
{
	struct fixture f;
	uint8_t *batch, *out;

	set_up(&f);
	batch = make(&f, 3);
	ls_store_be64s(batch + LS_BATCH_MAX_TIMESTAMP, NOW + 1000);
	batch[LS_BATCH_ATTRIBUTES] = 0x80; /* unknown bits go when the header is written anew */
	seal(batch);
	accepted(&f, 1);
	out = written(&f.plan.batches[0]);
	cr_assert_eq(f.plan.batches[0].info.max_timestamp, NOW + 2);
	cr_assert_eq(f.plan.max_timestamp, NOW + 2);
	cr_assert_eq(out[LS_BATCH_ATTRIBUTES], 0);
	expect_records(&f, out, 3);
	free(out);
	tear_down(&f);
}

Test(validate, a_maximum_without_timestamps_is_minus_one)
{
	struct logstore_record records[2] = {record_of(0, LOGSTORE_NO_TIMESTAMP),
	                                     record_of(1, LOGSTORE_NO_TIMESTAMP)};
	struct fixture f;
	uint8_t *batch;

	set_up(&f);
	batch = make_of(&f, records, 2);
	ls_store_be64s(batch + LS_BATCH_MAX_TIMESTAMP, 5);
	seal(batch);
	accepted(&f, 1);
	free(written(&f.plan.batches[0]));
	cr_assert_eq(f.plan.batches[0].info.max_timestamp, LOGSTORE_NO_TIMESTAMP);
	cr_assert_eq(f.plan.max_timestamp, LOGSTORE_NO_TIMESTAMP);
	tear_down(&f);
}

Test(validate, log_append_time_is_stamped_with_a_new_checksum)
{
	for (int codec = LOGSTORE_CODEC_NONE; codec <= LOGSTORE_CODEC_ZSTD; codec++) {
		struct logstore_record record;
		struct fixture f;
		uint8_t *out;

		set_up(&f);
		f.config.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
		f.v.now_ms = NOW + 777;
		f.options.codec = (uint8_t)codec;
		make(&f, 3);
		accepted(&f, 1);
		out = written(&f.plan.batches[0]);
		cr_assert_eq(f.plan.batches[0].info.timestamp_type, LOGSTORE_LOG_APPEND_TIME);
		cr_assert_eq(f.plan.batches[0].info.max_timestamp, NOW + 777);
		cr_assert_eq(f.plan.batches[0].info.codec, codec);
		cr_assert_eq(f.plan.max_timestamp, NOW + 777);
		cr_assert_eq(f.plan.log_append_time, NOW + 777);
		cr_assert_eq(ls_record_reader_start(f.v.reader, out, size_of(out), NULL), 0);
		cr_assert_eq(ls_record_reader_next(f.v.reader, &record, NULL), 1);
		cr_assert_eq(record.timestamp, NOW + 777);
		free(out);
		tear_down(&f);
	}
}

Test(validate, a_log_append_time_batch_becomes_create_time)
{
	struct fixture f;

	set_up(&f);
	f.options.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
	f.options.log_append_time = NOW + 50;
	make(&f, 3);
	accepted(&f, 1);
	free(written(&f.plan.batches[0]));
	cr_assert_eq(f.plan.batches[0].info.timestamp_type, LOGSTORE_CREATE_TIME);
	cr_assert_eq(f.plan.batches[0].info.max_timestamp, NOW + 50);
	cr_assert_eq(f.plan.log_append_time, LOGSTORE_NO_TIMESTAMP);
	tear_down(&f);
}

/* ---- the codec ----------------------------------------------------------------------------------------- */

Test(validate, encodes_anew_exactly_where_the_codec_differs)
{
	static const int targets[] = {LS_COMPRESSION_PRODUCER, LOGSTORE_CODEC_NONE, LOGSTORE_CODEC_GZIP,
	                              LOGSTORE_CODEC_SNAPPY, LOGSTORE_CODEC_LZ4, LOGSTORE_CODEC_ZSTD};

	for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
		for (int codec = LOGSTORE_CODEC_NONE; codec <= LOGSTORE_CODEC_ZSTD; codec++) {
			bool kept = targets[t] == LS_COMPRESSION_PRODUCER || targets[t] == codec;
			struct fixture f;
			uint8_t *batch, *out;

			set_up(&f);
			f.config.compression_type = targets[t];
			f.options.codec = (uint8_t)codec;
			f.options.producer_id = 9;
			f.options.producer_epoch = 3;
			f.options.base_sequence = 40;
			f.options.transactional = true;
			batch = make(&f, 5);
			accepted(&f, 1);
			cr_assert_eq(f.plan.batches[0].payload == batch + LS_BATCH_HEADER_SIZE, kept,
			             "%d to %d", codec, targets[t]);
			cr_assert_eq(f.plan.batches[0].info.codec, kept ? codec : targets[t]);
			cr_assert_eq(f.plan.batches[0].info.producer_id, 9);
			cr_assert_eq(f.plan.batches[0].info.producer_epoch, 3);
			cr_assert_eq(f.plan.batches[0].info.base_sequence, 40);
			cr_assert(f.plan.batches[0].info.transactional);
			cr_assert_eq(f.plan.batches[0].offsets_used, 5);
			cr_assert_eq(f.plan.bytes, f.plan.batches[0].info.size);
			cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_CLIENT, 10, 2, "t-0", NULL), 0);
			out = written(&f.plan.batches[0]);
			cr_assert_eq(f.plan.batches[0].info.base_offset, 10);
			cr_assert_eq(f.plan.batches[0].info.last_offset, 14);
			expect_records(&f, out, 5);
			free(out);
			tear_down(&f);
		}
	}
}

/* A record of the smallest form, with an offset delta of its own. */
static size_t tiny_record(uint8_t *bytes, uint8_t offset_delta)
{
	/* Of length 7: attributes, time and offset delta, key "k", null value, no headers; zigzag varints. */
	const uint8_t record[] = {14, 0, 0, (uint8_t)(offset_delta * 2), 2, 'k', 1, 0};

	memcpy(bytes, record, sizeof record);
	return sizeof record;
}

/* Replaces the records of a batch without compression by tiny ones with the deltas given. */
static void replace_records(struct fixture *f, uint8_t *batch, const uint8_t *deltas, size_t count)
{
	size_t size = LS_BATCH_HEADER_SIZE;

	for (size_t i = 0; i < count; i++)
		size += tiny_record(batch + size, deltas[i]);
	ls_store_be32(batch + LS_BATCH_LENGTH, (uint32_t)(size - LS_BATCH_LOG_OVERHEAD));
	ls_store_be64s(batch + LS_BATCH_MAX_TIMESTAMP, ls_load_be64s(batch + LS_BATCH_BASE_TIMESTAMP));
	seal(batch);
	f->size = (size_t)(batch - f->bytes) + size;
}

Test(validate, wrong_inner_offsets_pass_without_compression)
{
	static const uint8_t deltas[] = {0, 0, 0};
	struct fixture f;
	uint8_t *batch;

	set_up(&f);
	batch = make(&f, 3);
	replace_records(&f, batch, deltas, 3);
	accepted(&f, 1);
	cr_assert_arr_eq(f.plan.batches[0].header, batch, LS_BATCH_HEADER_SIZE);
	cr_assert_eq(f.plan.batches[0].payload, batch + LS_BATCH_HEADER_SIZE);
	cr_assert_eq(f.plan.batches[0].offsets_used, 3);
	tear_down(&f);
}

/* With the builder: offsets 0, 2, 5, but the header says three records from 0 to 2. */
Test(validate, wrong_inner_offsets_are_put_right_by_encoding_anew)
{
	static const int64_t offsets[] = {0, 2, 5};
	struct fixture f;
	const uint8_t *built;
	uint8_t *out;
	size_t size;

	set_up(&f);
	f.options.codec = LOGSTORE_CODEC_GZIP;
	cr_assert_eq(ls_batch_builder_start(f.input, &f.options, NULL), 0);
	for (int i = 0; i < 3; i++) {
		struct logstore_record record = record_of(i, NOW + i);

		record.offset = offsets[i];
		cr_assert_eq(ls_batch_builder_add(f.input, &record, true, NULL), 0);
	}
	cr_assert_eq(ls_batch_builder_finish(f.input, &built, &size, NULL), 0);
	memcpy(f.bytes, built, size);
	f.size = size;
	ls_store_be32(f.bytes + LS_BATCH_LAST_OFFSET_DELTA, 2);
	seal(f.bytes);
	accepted(&f, 1);
	cr_assert_neq(f.plan.batches[0].payload, f.bytes + LS_BATCH_HEADER_SIZE, "taken as it is");
	cr_assert_eq(f.plan.batches[0].info.codec, LOGSTORE_CODEC_GZIP);
	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_CLIENT, 4, 0, "t-0", NULL), 0);
	out = written(&f.plan.batches[0]);
	expect_records(&f, out, 3);
	free(out);
	tear_down(&f);
}

static void make_marker(struct fixture *f, bool commit, int32_t coordinator_epoch)
{
	uint8_t key[LS_CONTROL_KEY_SIZE], value[LS_MARKER_VALUE_SIZE];
	struct logstore_record record = {.timestamp = NOW, .key = key, .key_size = sizeof key, .value = value,
	                                 .value_size = sizeof value};

	ls_marker_write(commit, coordinator_epoch, key, value);
	f->options.control = true;
	f->options.transactional = true;
	f->options.producer_id = 5;
	f->options.producer_epoch = 1;
	make_of(f, &record, 1);
}

Test(validate, a_control_batch_is_never_compressed)
{
	struct fixture f;

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_COORDINATOR;
	f.config.compression_type = LOGSTORE_CODEC_ZSTD;
	make_marker(&f, true, 12);
	accepted(&f, 1);
	cr_assert_eq(f.plan.batches[0].info.codec, LOGSTORE_CODEC_NONE);
	cr_assert(f.plan.batches[0].is_control);
	cr_assert_eq(f.plan.batches[0].control.type, LOGSTORE_CONTROL_COMMIT);
	cr_assert_eq(f.plan.batches[0].control.coordinator_epoch, 12);
	tear_down(&f);
}

Test(validate, a_marker_is_decoded_for_followers_too)
{
	struct fixture f;

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
	make_marker(&f, false, 3);
	accepted(&f, 1);
	cr_assert(f.plan.batches[0].is_control);
	cr_assert_eq(f.plan.batches[0].control.type, LOGSTORE_CONTROL_ABORT);
	cr_assert_eq(f.plan.batches[0].control.coordinator_epoch, 3);
	tear_down(&f);
}

Test(validate, a_control_record_without_a_key_is_corrupt)
{
	struct logstore_record record = {.timestamp = NOW, .key = "\0\0", .key_size = 2, .value_size = -1};

	for (int origin = LOGSTORE_ORIGIN_COORDINATOR; origin <= LOGSTORE_ORIGIN_REPLICATION; origin++) {
		struct fixture f;

		set_up(&f);
		f.v.origin = (enum logstore_origin)origin;
		f.options.control = true;
		f.options.producer_id = 5;
		f.options.producer_epoch = 1;
		make_of(&f, &record, 1);
		refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
		tear_down(&f);
	}
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

/* Faults of a batch, in the order in which they are looked for: the first one that is there is the answer. */
static void spoil(uint8_t *batch, int fault)
{
	switch (fault) {
	case 0:
		batch[LS_BATCH_MAGIC] = 1;
		break;
	case 1:
		batch[LS_BATCH_ATTRIBUTES + 1] |= 5;
		break;
	case 2:
		ls_store_be64s(batch + LS_BATCH_BASE_OFFSET, 1);
		break;
	case 3:
		break; /* the limit of the topic is lowered */
	case 4:
		batch[LS_BATCH_CRC] ^= 1;
		break;
	case 5:
		ls_store_be32(batch + LS_BATCH_RECORD_COUNT, 0);
		break;
	case 6:
		ls_store_be32(batch + LS_BATCH_LAST_OFFSET_DELTA, 4);
		break;
	case 7:
		batch[LS_BATCH_ATTRIBUTES + 1] |= LS_ATTR_CONTROL;
		break;
	case 8:
		ls_store_be64s(batch + LS_BATCH_PRODUCER_ID, 3);
		break;
	default:
		batch[size_of(batch) - 1] = 9; /* a header that is not there */
		break;
	}
}

Test(validate, refuses_in_kafkas_order)
{
	static const struct {
		int code;
		const char *text;
	} want[] = {
		{LOGSTORE_E_UNSUPPORTED_FORMAT, "magic 1"},
		{LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE, "codec 5"},
		{LOGSTORE_E_INVALID_RECORD, "baseOffset"},
		{LOGSTORE_E_MESSAGE_TOO_LARGE, "max.message.bytes"},
		{LOGSTORE_E_CORRUPT_MESSAGE, ""},
		{LOGSTORE_E_INVALID_RECORD, "Invalid reported count for record batch: 0"},
		{LOGSTORE_E_INVALID_RECORD, "Inconsistent batch offset range [0, 4] and count of records 3"},
		{LOGSTORE_E_INVALID_RECORD, "Clients are not allowed to write control records"},
		{LOGSTORE_E_INVALID_RECORD, "Invalid sequence number -1 in record batch with producerId 3"},
		{LOGSTORE_E_CORRUPT_MESSAGE, ""},
	};

	/* Alone, then together with every fault that is looked for later. */
	for (int first = 0; first < 10; first++) {
		for (int second = first; second < 10; second++) {
			struct fixture f;
			uint8_t *batch;

			set_up(&f);
			batch = make(&f, 3);
			if (second != first && second != 4)
				spoil(batch, second);
			if (first != 4)
				spoil(batch, first);
			if (first != 0 && second != 0)
				seal(batch);
			if (first == 4 || second == 4)
				spoil(batch, 4);
			if (first == 3 || second == 3)
				f.config.max_message_bytes = (int64_t)f.size - 1;
			refused(&f, want[first].code);
			cr_assert_not_null(strstr(f.error.text, want[first].text), "%d before %d: %s", first,
			                   second, f.error.text);
			tear_down(&f);
		}
	}
}

Test(validate, a_header_that_makes_no_sense_is_invalid_if_its_checksum_is_right)
{
	static const size_t fields[] = {LS_BATCH_LAST_OFFSET_DELTA, LS_BATCH_RECORD_COUNT};

	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		uint8_t *batch;

		set_up(&f);
		batch = make(&f, 3);
		ls_store_be32(batch + fields[i], (uint32_t)-1);
		refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
		seal(batch);
		refused(&f, LOGSTORE_E_INVALID_RECORD);
		cr_assert_eq(f.error.position, 0);
		f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
		refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
		tear_down(&f);
	}
}

Test(validate, refuses_a_wrong_checksum_of_every_origin)
{
	for (int origin = LOGSTORE_ORIGIN_CLIENT; origin <= LOGSTORE_ORIGIN_RAFT_LEADER; origin++) {
		struct fixture f;

		set_up(&f);
		f.v.origin = (enum logstore_origin)origin;
		make(&f, 3)[LS_BATCH_HEADER_SIZE + 7] ^= 1;
		refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
		cr_assert_eq(f.error.position, 0);
		tear_down(&f);
	}
}

Test(validate, refuses_unknown_codecs_and_old_formats_of_every_origin)
{
	for (int origin = LOGSTORE_ORIGIN_CLIENT; origin <= LOGSTORE_ORIGIN_RAFT_LEADER; origin++) {
		struct fixture f;
		uint8_t *batch;

		set_up(&f);
		f.v.origin = (enum logstore_origin)origin;
		batch = make(&f, 3);
		for (uint8_t codec = 5; codec <= 7; codec++) {
			batch[LS_BATCH_ATTRIBUTES + 1] = codec;
			seal(batch);
			refused(&f, LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE);
		}
		for (uint8_t magic = 0; magic <= 4; magic++) {
			batch[LS_BATCH_MAGIC] = magic;
			if (magic != 2)
				refused(&f, LOGSTORE_E_UNSUPPORTED_FORMAT);
		}
		tear_down(&f);
	}
}

Test(validate, a_length_below_the_smallest_batch_is_corrupt)
{
	struct fixture f;

	set_up(&f);
	ls_store_be32(make(&f, 3) + LS_BATCH_LENGTH, 48);
	refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
	tear_down(&f);
}

Test(validate, records_that_do_not_fit_their_batch_are_corrupt)
{
	struct fixture f;
	uint8_t *batch;

	set_up(&f);
	batch = make(&f, 3);
	/* One record more, and one fewer, than are there. */
	for (uint32_t count = 2; count <= 4; count += 2) {
		ls_store_be32(batch + LS_BATCH_RECORD_COUNT, count);
		ls_store_be32(batch + LS_BATCH_LAST_OFFSET_DELTA, count - 1);
		seal(batch);
		refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
	}
	tear_down(&f);
}

Test(validate, timestamps_are_held_to_their_limits)
{
	struct fixture f;
	const struct {
		int64_t timestamp;
		bool accepted;
	} cases[] = {
		{NOW, true}, {NOW - 1000, true}, {NOW - 1001, false}, {NOW + 500, true}, {NOW + 501, false},
		{LOGSTORE_NO_TIMESTAMP, true}, {0, false}, {-2, false}, {INT64_MAX / 2, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct logstore_record records[3] = {record_of(0, NOW), record_of(1, cases[i].timestamp),
		                                     record_of(2, 0)};

		records[2].timestamp = cases[i].timestamp;
		set_up(&f);
		f.config.timestamp_before_max_ms = 1000;
		f.config.timestamp_after_max_ms = 500;
		make_of(&f, records, 3);
		if (cases[i].accepted) {
			accepted(&f, 1);
		} else {
			refused(&f, LOGSTORE_E_INVALID_TIMESTAMP);
			refused(&f, LOGSTORE_E_INVALID_TIMESTAMP);
			cr_assert_eq(validate(&f), LOGSTORE_E_INVALID_TIMESTAMP);
			cr_assert_eq(f.error.record_index, 1, "the first bad record is 1, not %d",
			             f.error.record_index);
		}
		/* A LogAppendTime topic does not look at them. */
		f.config.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
		accepted(&f, 1);
		tear_down(&f);
	}
}

Test(validate, limits_that_are_off_accept_extremes)
{
	static const int64_t extremes[] = {INT64_MAX, INT64_MIN, INT64_MIN + 1};

	for (size_t i = 0; i < 3; i++) {
		struct logstore_record record = record_of(0, extremes[i]);
		struct fixture f;

		set_up(&f);
		f.config.timestamp_before_max_ms = INT64_MAX;
		f.config.timestamp_after_max_ms = INT64_MAX;
		make_of(&f, &record, 1);
		accepted(&f, 1);
		f.config.timestamp_before_max_ms = INT64_MAX - 1;
		f.config.timestamp_after_max_ms = 1000;
		refused(&f, LOGSTORE_E_INVALID_TIMESTAMP);
		tear_down(&f);
	}
}

Test(validate, a_producer_may_not_say_log_append_time)
{
	struct logstore_record record = record_of(0, NOW);
	struct fixture f;

	set_up(&f);
	f.options.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
	f.options.log_append_time = NOW;
	make_of(&f, &record, 1);
	f.config.timestamp_type = LOGSTORE_LOG_APPEND_TIME;
	refused(&f, LOGSTORE_E_INVALID_TIMESTAMP);
	cr_assert_eq(validate(&f), LOGSTORE_E_INVALID_TIMESTAMP);
	cr_assert_eq(f.error.record_index, 0);
	f.config.timestamp_type = LOGSTORE_CREATE_TIME;
	accepted(&f, 1);
	/* Without a time at all it is refused there too. */
	f.size = 0;
	f.options.log_append_time = LOGSTORE_NO_TIMESTAMP;
	make_of(&f, &record, 1);
	refused(&f, LOGSTORE_E_INVALID_TIMESTAMP);
	tear_down(&f);
}

Test(validate, a_compacted_topic_wants_keys)
{
	struct logstore_record records[4];
	struct fixture f;

	set_up(&f);
	for (int i = 0; i < 4; i++)
		records[i] = record_of(i, NOW);
	records[2].key_size = -1;
	records[2].key = NULL;
	records[3].key_size = -1;
	records[3].key = NULL;
	make_of(&f, records, 4);
	accepted(&f, 1);
	f.config.cleanup_policy = LS_CLEANUP_COMPACT;
	refused(&f, LOGSTORE_E_INVALID_RECORD);
	cr_assert_eq(validate(&f), LOGSTORE_E_INVALID_RECORD);
	cr_assert_eq(f.error.record_index, 2);
	f.config.cleanup_policy = LS_CLEANUP_COMPACT | LS_CLEANUP_DELETE;
	refused(&f, LOGSTORE_E_INVALID_RECORD);
	f.v.origin = LOGSTORE_ORIGIN_COORDINATOR;
	refused(&f, LOGSTORE_E_INVALID_RECORD);
	f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
	accepted(&f, 1);

	/* An empty key is one; and a timestamp that is wrong elsewhere is the graver fault. */
	f.v.origin = LOGSTORE_ORIGIN_CLIENT;
	records[2].key_size = 0;
	records[3].key_size = 0;
	f.size = 0;
	make_of(&f, records, 4);
	accepted(&f, 1);
	records[1].key_size = -1;
	records[3].timestamp = 0;
	f.config.timestamp_before_max_ms = 1000;
	f.size = 0;
	make_of(&f, records, 4);
	refused(&f, LOGSTORE_E_INVALID_TIMESTAMP);
	cr_assert_eq(validate(&f), LOGSTORE_E_INVALID_TIMESTAMP);
	cr_assert_eq(f.error.record_index, 3);
	tear_down(&f);
}

/* ---- sizes --------------------------------------------------------------------------------------------- */

Test(validate, max_message_bytes_counts_the_whole_batch)
{
	struct fixture f;

	set_up(&f);
	make(&f, 3);
	f.config.max_message_bytes = (int64_t)f.size;
	accepted(&f, 1);
	f.config.max_message_bytes--;
	for (int origin = LOGSTORE_ORIGIN_CLIENT; origin <= LOGSTORE_ORIGIN_RAFT_LEADER; origin++) {
		f.v.origin = (enum logstore_origin)origin;
		if (origin == LOGSTORE_ORIGIN_REPLICATION)
			accepted(&f, 1);
		else
			refused(&f, LOGSTORE_E_MESSAGE_TOO_LARGE);
	}
	tear_down(&f);
}

Test(validate, max_message_bytes_holds_for_what_is_written)
{
	struct fixture f;

	set_up(&f);
	f.options.codec = LOGSTORE_CODEC_ZSTD;
	make(&f, 16);
	f.config.max_message_bytes = (int64_t)f.size;
	accepted(&f, 1);
	f.config.compression_type = LOGSTORE_CODEC_NONE;
	refused(&f, LOGSTORE_E_MESSAGE_TOO_LARGE);
	f.config.max_message_bytes = 100000;
	accepted(&f, 1);
	cr_assert_gt(f.plan.batches[0].info.size, f.size);
	f.config.max_message_bytes = f.plan.batches[0].info.size;
	accepted(&f, 1);
	tear_down(&f);
}

Test(validate, a_batch_above_the_hosts_limit_is_refused_of_every_origin)
{
	for (int origin = LOGSTORE_ORIGIN_CLIENT; origin <= LOGSTORE_ORIGIN_RAFT_LEADER; origin++) {
		struct fixture f;

		set_up(&f);
		f.v.origin = (enum logstore_origin)origin;
		make(&f, 3);
		f.v.max_batch_bytes = f.size;
		accepted(&f, 1);
		f.v.max_batch_bytes--;
		refused(&f, LOGSTORE_E_LIMIT_EXCEEDED);
		tear_down(&f);
	}
}

/* ---- several batches, pieces of batches ---------------------------------------------------------------- */

Test(validate, a_partial_batch_at_the_end_is_ignored)
{
	struct fixture f;
	size_t whole;

	set_up(&f);
	make(&f, 3);
	whole = f.size;
	make(&f, 2);
	for (size_t size = whole; size < f.size; size++) {
		f.error.code = 0;
		ls_plan_reset(&f.plan);
		cr_assert_eq(ls_validate(&f.v, f.bytes, size, &f.plan, &f.error), 0, "%zu bytes", size);
		cr_assert_eq(f.plan.count, 1);
		cr_assert_eq(f.plan.bytes, whole);
	}
	tear_down(&f);
}

Test(validate, nothing_whole_is_invalid_but_of_a_leader)
{
	struct fixture f;
	size_t whole;

	set_up(&f);
	make(&f, 3);
	whole = f.size;
	for (f.size = 0; f.size < whole; f.size++) {
		f.v.origin = LOGSTORE_ORIGIN_CLIENT;
		refused(&f, LOGSTORE_E_INVALID_RECORD);
		f.v.origin = LOGSTORE_ORIGIN_RAFT_LEADER;
		refused(&f, LOGSTORE_E_INVALID_RECORD);
		f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
		accepted(&f, 0);
	}
	tear_down(&f);
}

Test(validate, offsets_are_assigned_to_one_batch_only)
{
	struct fixture f;
	size_t first;

	set_up(&f);
	make(&f, 3);
	first = f.size;
	make(&f, 2);
	refused(&f, LOGSTORE_E_INVALID_RECORD);
	cr_assert_eq(validate(&f), LOGSTORE_E_INVALID_RECORD);
	cr_assert_eq(f.error.position, (int64_t)first);
	f.v.origin = LOGSTORE_ORIGIN_COORDINATOR;
	refused(&f, LOGSTORE_E_INVALID_RECORD);
	f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
	accepted(&f, 2);
	tear_down(&f);
}

Test(validate, many_batches_of_a_leader)
{
	struct fixture f;
	size_t positions[40];

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
	for (int i = 0; i < 40; i++) {
		positions[i] = f.size;
		f.options.base_offset = 100 + 10 * i;
		f.options.leader_epoch = i / 10;
		make(&f, 2);
	}
	accepted(&f, 40);
	cr_assert_eq(f.plan.bytes, f.size);
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(f.plan.batches[i].info.base_offset, 100 + 10 * i);
		cr_assert_eq(f.plan.batches[i].payload, f.bytes + positions[i] + LS_BATCH_HEADER_SIZE);
	}
	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_REPLICATION, 100, 3, "t-0", &f.error), 0);
	cr_assert_eq(f.plan.batches[3].info.leader_epoch, 0, "a follower takes the leader's epochs");
	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_REPLICATION, 101, 3, "t-0", &f.error),
	             LOGSTORE_E_UNEXPECTED_OFFSET);
	f.bytes[positions[7] + LS_BATCH_CRC] ^= 1;
	refused(&f, LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_eq(validate(&f), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_eq(f.error.position, (int64_t)positions[7]);
	tear_down(&f);
}

Test(validate, a_follower_stops_at_the_first_newer_epoch)
{
	struct fixture f;

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
	for (int32_t epoch = 4; epoch <= 7; epoch++) {
		f.options.leader_epoch = epoch == 7 ? 4 : epoch;
		make(&f, 1);
	}
	accepted(&f, 4);
	f.v.leader_epoch = 6;
	accepted(&f, 4);
	f.v.leader_epoch = 5;
	accepted(&f, 2); /* also the last batch, whose epoch is old, comes after a newer one */
	f.v.leader_epoch = 4;
	accepted(&f, 1);
	f.v.leader_epoch = 3;
	accepted(&f, 0);
	tear_down(&f);
}

Test(validate, every_batch_of_a_raft_leader_has_its_epoch)
{
	struct fixture f;

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_RAFT_LEADER;
	f.v.leader_epoch = 6;
	f.options.leader_epoch = 6;
	f.options.base_offset = 20;
	make(&f, 2);
	accepted(&f, 1);
	f.options.leader_epoch = 5;
	make(&f, 2);
	refused(&f, LOGSTORE_E_FENCED_LEADER_EPOCH);
	f.size = 0;
	f.options.leader_epoch = 7;
	make(&f, 2);
	refused(&f, LOGSTORE_E_FENCED_LEADER_EPOCH);
	tear_down(&f);
}

/* ---- offsets ------------------------------------------------------------------------------------------- */

Test(validate, a_coordinators_batch_keeps_its_span)
{
	struct fixture f;
	uint8_t *batch;

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_COORDINATOR;
	f.options.base_offset = 77;
	batch = make(&f, 3);
	accepted(&f, 1);
	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_COORDINATOR, 10, 1, "t-0", NULL), 0);
	cr_assert_eq(f.plan.batches[0].info.base_offset, 10);
	cr_assert_eq(f.plan.batches[0].info.last_offset, 12);
	ls_store_be32(batch + LS_BATCH_LAST_OFFSET_DELTA, 5);
	seal(batch);
	refused(&f, LOGSTORE_E_INVALID_RECORD);
	tear_down(&f);
}

Test(validate, offsets_run_out)
{
	struct fixture f;

	set_up(&f);
	make(&f, 3);
	accepted(&f, 1);
	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_CLIENT, INT64_MAX - 4, 0, "t-0", NULL), 0);
	cr_assert_eq(f.plan.batches[0].info.last_offset, INT64_MAX - 2);
	accepted(&f, 1);
	cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_CLIENT, INT64_MAX - 3, 0, "t-0", &f.error),
	             LOGSTORE_E_UNEXPECTED_OFFSET);
	cr_assert_eq(f.error.code, LOGSTORE_E_UNEXPECTED_OFFSET);
	tear_down(&f);
}

Test(validate, given_offsets_rise)
{
	static const struct {
		int64_t bases[2];
		int64_t log_end;
		int result;
	} cases[] = {
		{{10, 13}, 10, 0},
		{{10, 20}, 5, 0},   /* gaps are what compaction leaves */
		{{10, 13}, 11, LOGSTORE_E_UNEXPECTED_OFFSET},
		{{10, 12}, 10, LOGSTORE_E_UNEXPECTED_OFFSET},
		{{10, 9}, 0, LOGSTORE_E_UNEXPECTED_OFFSET},
		{{10, INT64_MAX - 3}, 10, 0},
		{{10, INT64_MAX - 2}, 10, LOGSTORE_E_UNEXPECTED_OFFSET},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;

		set_up(&f);
		f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
		for (int k = 0; k < 2; k++) {
			f.options.base_offset = 0;
			ls_store_be64s(make(&f, 3) + LS_BATCH_BASE_OFFSET, cases[i].bases[k]);
		}
		accepted(&f, 2);
		cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_REPLICATION, cases[i].log_end, 0, "t-0",
		                            &f.error),
		             cases[i].result, "case %zu", i);
		cr_assert_eq(ls_plan_assign(&f.plan, LOGSTORE_ORIGIN_RAFT_LEADER, cases[i].log_end, 0, "t-0",
		                            NULL),
		             cases[i].result);
		tear_down(&f);
	}
}

/* ---- memory -------------------------------------------------------------------------------------------- */

Test(validate, survives_every_failing_allocation)
{
	for (int origin = LOGSTORE_ORIGIN_CLIENT; origin <= LOGSTORE_ORIGIN_REPLICATION; origin += 2) {
		for (long n = 1;; n++) {
			struct fixture f;
			bool failed;
			int r;

			set_up(&f);
			f.v.origin = (enum logstore_origin)origin;
			f.config.compression_type = LOGSTORE_CODEC_LZ4;
			f.options.codec = LOGSTORE_CODEC_ZSTD;
			for (int i = 0; i < (origin == LOGSTORE_ORIGIN_CLIENT ? 1 : 9); i++)
				make(&f, 8);
			atomic_store(&f.alloc.fail_at, atomic_load(&f.alloc.requests) + n);
			r = validate(&f);
			failed = ts_alloc_failed(&f.alloc);
			atomic_store(&f.alloc.fail_at, 0);
			cr_assert_eq(r, failed ? -ENOMEM : 0, "the %ldth: %d", n, r);
			accepted(&f, origin == LOGSTORE_ORIGIN_CLIENT
			                     ? 1
			                     : 9); /* and everything can be used again */
			tear_down(&f);
			if (!failed)
				break;
		}
	}
}

Test(validate, a_plan_keeps_its_memory)
{
	struct fixture f;
	long requests;

	set_up(&f);
	f.v.origin = LOGSTORE_ORIGIN_REPLICATION;
	for (int i = 0; i < 9; i++)
		make(&f, 1);
	accepted(&f, 9);
	requests = atomic_load(&f.alloc.requests);
	accepted(&f, 9);
	cr_assert_eq(atomic_load(&f.alloc.requests), requests, "a second validation allocates");
	tear_down(&f);
}
