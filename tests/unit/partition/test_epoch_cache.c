/*
 * The table of leader epochs: Kafka's rules case by case, Kafka's answers for the directories it wrote, a
 * naive model under random operations, and memory that runs out.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "partition/epoch_cache.h"
#include "testlib.h"

TestSuite(epoch_cache, .fini = ts_check_leaks);

static void parse(struct ls_epoch_cache *cache, const char *text)
{
	cr_assert_eq(ls_epoch_cache_parse(cache, text, strlen(text), NULL), 0);
}

/* The table as "epoch:start epoch:start". */
static const char *show(const struct ls_epoch_cache *cache)
{
	static char text[1024];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < cache->count && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRId32 ":%" PRId64,
		                         i ? " " : "", cache->entries[i].epoch,
		                         cache->entries[i].start_offset);
	return text;
}

static void assert_end(const struct ls_epoch_cache *cache, int32_t epoch, int64_t log_end, int32_t want_epoch,
                       int64_t want_end)
{
	int32_t found = 12345;
	int64_t end_offset = 12345;

	ls_epoch_cache_end_offset(cache, epoch, log_end, &found, &end_offset);
	cr_assert_eq(found, want_epoch, "epoch %d: found %d, not %d", epoch, found, want_epoch);
	cr_assert_eq(end_offset, want_end, "epoch %d: ends at %" PRId64 ", not %" PRId64, epoch, end_offset,
	             want_end);
}

Test(epoch_cache, an_empty_table_knows_nothing)
{
	struct ts_alloc alloc;
	struct ls_epoch_cache cache, copy;

	ts_alloc_init(&alloc);
	ls_epoch_cache_init(&cache, &alloc.ls);
	cr_assert_eq(ls_epoch_cache_latest(&cache), LOGSTORE_NO_EPOCH);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, 0), LOGSTORE_NO_EPOCH);
	assert_end(&cache, -1, 10, -1, -1);
	assert_end(&cache, 0, 10, -1, -1);
	cr_assert_not(ls_epoch_cache_truncate_from_end(&cache, 0));
	cr_assert_not(ls_epoch_cache_truncate_from_start(&cache, 100));
	cr_assert(ls_epoch_cache_would_assign(&cache, 0, 0));
	cr_assert_eq(ls_epoch_cache_copy(&cache, &copy), 0);
	cr_assert_eq(copy.count, 0);
	ls_epoch_cache_fini(&copy);
	ls_epoch_cache_clear(&cache);
	cr_assert_eq(atomic_load(&alloc.requests), 0);
	ls_epoch_cache_fini(&cache);
}

Test(epoch_cache, assign_follows_kafkas_rule)
{
	static const struct {
		const char *before;
		int32_t epoch;
		int64_t offset;
		bool changed;
		const char *after;
	} cases[] = {
		{"0\n0\n", 3, 7, true, "3:7"},
		{"0\n1\n3 7\n", 3, 7, false, "3:7"},
		{"0\n1\n3 7\n", 3, 9, false, "3:7"},
		{"0\n1\n3 7\n", 3, 6, true, "3:6"},
		{"0\n1\n3 7\n", 4, 9, true, "3:7 4:9"},
		{"0\n1\n3 7\n", 4, 7, true, "4:7"},                   /* an epoch without records goes */
		{"0\n3\n1 0\n2 10\n3 20\n", 2, 30, true, "1:0 2:30"}, /* epochs go back */
		{"0\n3\n1 0\n2 10\n3 20\n", 4, 10, true, "1:0 4:10"}, /* offsets go back */
		{"0\n3\n1 0\n2 10\n3 20\n", 0, 0, true, "0:0"},
		{"0\n3\n1 0\n2 10\n3 20\n", 3, 5, true, "1:0 3:5"},
		{"0\n1\n3 20\n", INT32_MAX, INT64_MAX, true, "3:20 2147483647:9223372036854775807"},
	};
	struct ts_alloc alloc;

	ts_alloc_init(&alloc);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_epoch_cache cache;

		ls_epoch_cache_init(&cache, &alloc.ls);
		parse(&cache, cases[i].before);
		cr_assert_eq(ls_epoch_cache_would_assign(&cache, cases[i].epoch, cases[i].offset),
		             cases[i].changed);
		cr_assert_eq(ls_epoch_cache_assign(&cache, cases[i].epoch, cases[i].offset),
		             cases[i].changed ? 1 : 0);
		cr_assert_str_eq(show(&cache), cases[i].after, "case %zu: %s", i, show(&cache));
		cr_assert_eq(ls_epoch_cache_assign(&cache, cases[i].epoch, cases[i].offset), 0);
		ls_epoch_cache_fini(&cache);
	}
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

Test(epoch_cache, lookups)
{
	struct ts_alloc alloc;
	struct ls_epoch_cache cache;

	ts_alloc_init(&alloc);
	ls_epoch_cache_init(&cache, &alloc.ls);
	parse(&cache, "0\n3\n2 5\n4 10\n7 20\n");
	cr_assert_eq(ls_epoch_cache_latest(&cache), 7);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, 4), LOGSTORE_NO_EPOCH);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, 5), 2);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, 9), 2);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, 10), 4);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, 19), 4);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, INT64_MAX), 7);
	cr_assert_eq(ls_epoch_cache_of_offset(&cache, -1), LOGSTORE_NO_EPOCH);
	assert_end(&cache, -1, 25, -1, -1);
	assert_end(&cache, 0, 25, 0, 5);   /* below the first: the asked epoch and the first start */
	assert_end(&cache, 1, 25, 1, 5);
	assert_end(&cache, 2, 25, 2, 10);
	assert_end(&cache, 3, 25, 2, 10);  /* between two: the one below */
	assert_end(&cache, 4, 25, 4, 20);
	assert_end(&cache, 6, 25, 4, 20);
	assert_end(&cache, 7, 25, 7, 25);  /* the latest: the log end */
	assert_end(&cache, 8, 25, -1, -1); /* not known yet */
	assert_end(&cache, INT32_MAX, 25, -1, -1);
	ls_epoch_cache_fini(&cache);
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

Test(epoch_cache, truncations)
{
	static const struct {
		bool from_start;
		int64_t offset;
		bool changed;
		const char *after;
	} cases[] = {
		{false, 21, false, "2:5 4:10 7:20"}, {false, 20, true, "2:5 4:10"},
		{false, 11, true, "2:5 4:10"},       {false, 10, true, "2:5"},
		{false, 5, true, ""},                {false, 0, true, ""},
		{false, -1, false, "2:5 4:10 7:20"}, {true, -1, false, "2:5 4:10 7:20"},
		{true, 4, false, "2:5 4:10 7:20"},   {true, 5, false, "2:5 4:10 7:20"},
		{true, 6, true, "2:6 4:10 7:20"},    {true, 9, true, "2:9 4:10 7:20"},
		{true, 10, true, "4:10 7:20"},       {true, 15, true, "4:15 7:20"},
		{true, 20, true, "7:20"},            {true, 99, true, "7:99"},
	};
	struct ts_alloc alloc;

	ts_alloc_init(&alloc);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ls_epoch_cache cache;
		bool changed;

		ls_epoch_cache_init(&cache, &alloc.ls);
		parse(&cache, "0\n3\n2 5\n4 10\n7 20\n");
		changed = cases[i].from_start ? ls_epoch_cache_truncate_from_start(&cache, cases[i].offset)
		                              : ls_epoch_cache_truncate_from_end(&cache, cases[i].offset);
		cr_assert_eq(changed, cases[i].changed, "case %zu", i);
		cr_assert_str_eq(show(&cache), cases[i].after, "case %zu: %s", i, show(&cache));
		ls_epoch_cache_fini(&cache);
	}
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

Test(epoch_cache, writes_what_kafka_writes)
{
	static const char *const files[] = {
		"kafka/epochs/logs/epochs-0/leader-epoch-checkpoint",
		"kafka/epochs/logs/epochs-1/leader-epoch-checkpoint",
		"kafka/transactions/logs/epochs-0/leader-epoch-checkpoint",
		"kafka/transactions/logs/longabort-0/leader-epoch-checkpoint",
	};
	struct ts_alloc alloc;

	ts_alloc_init(&alloc);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct ls_epoch_cache cache;
		struct ls_buf out;
		uint8_t *bytes;
		size_t size;

		bytes = ts_read_file(ts_data(files[i]), &size);
		ls_epoch_cache_init(&cache, &alloc.ls);
		ls_buf_init(&out, &alloc.ls);
		cr_assert_eq(ls_epoch_cache_parse(&cache, (const char *)bytes, size, NULL), 0);
		cr_assert_eq(ls_epoch_cache_write(&cache, &out), 0);
		cr_assert_eq(out.size, size);
		cr_assert_arr_eq(out.data, bytes, size);
		ls_buf_fini(&out);
		ls_epoch_cache_fini(&cache);
		free(bytes);
	}
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

Test(epoch_cache, refused_files_leave_the_table)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"1\n1\n0 0\n", LOGSTORE_E_UNSUPPORTED_VERSION},
		{"x\n1\n0 0\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\nx\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n2\n0 0\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n0 0\n1 1\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n0\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n0 0 0\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n-1 0\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n0 -1\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n2\n1 0\n1 5\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n2\n2 0\n1 5\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n2\n1 5\n2 5\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n2\n1 5\n2 4\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n0 9223372036854775808\n", LOGSTORE_E_CORRUPT_FILE},
		{"0\n1\n2147483648 0\n", LOGSTORE_E_CORRUPT_FILE},
	};
	struct ts_alloc alloc;
	struct ls_epoch_cache cache;

	ts_alloc_init(&alloc);
	ls_epoch_cache_init(&cache, &alloc.ls);
	parse(&cache, "0\n2\n3 7\n5 9\n");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct logstore_error error;
		int r = ls_epoch_cache_parse(&cache, cases[i].text, strlen(cases[i].text), &error);

		cr_assert_eq(r, cases[i].code, "case %zu: %d", i, r);
		cr_assert_eq(error.code, r);
		cr_assert_str_eq(show(&cache), "3:7 5:9");
	}
	parse(&cache, "");
	cr_assert_eq(cache.count, 0);
	ls_epoch_cache_fini(&cache);
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

/* ---- Kafka's answers -------------------------------------------------------------------------------- */

static int64_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	cr_assert(json_is_integer(value), "no number %s", key);
	return json_integer_value(value);
}

/* As the partition does when it loads: Kafka's file, then both truncations. */
static void load_fixture(struct ls_epoch_cache *cache, const char *fixture, const json_t *state)
{
	char path[256];
	uint8_t *bytes;
	size_t size;

	(void)snprintf(path, sizeof path, "kafka/%s/logs/%s/leader-epoch-checkpoint", fixture,
	               json_string_value(json_object_get(state, "partition")));
	bytes = ts_read_file(ts_data(path), &size);
	cr_assert_eq(ls_epoch_cache_parse(cache, (const char *)bytes, size, NULL), 0);
	free(bytes);
	(void)ls_epoch_cache_truncate_from_end(cache, number(state, "log_end_offset"));
	(void)ls_epoch_cache_truncate_from_start(cache, number(state, "log_start_offset"));
}

static void assert_entries(const struct ls_epoch_cache *cache, const json_t *epochs)
{
	cr_assert_eq(cache->count, json_array_size(epochs));
	for (size_t i = 0; i < cache->count; i++) {
		const json_t *entry = json_array_get(epochs, i);

		cr_assert_eq(cache->entries[i].epoch, json_integer_value(json_array_get(entry, 0)));
		cr_assert_eq(cache->entries[i].start_offset, json_integer_value(json_array_get(entry, 1)));
	}
}

/* Compares with the lines of expected/epochs.jsonl of one partition; returns how many there were. */
static size_t assert_answers(const struct ls_epoch_cache *cache, const char *fixture, const json_t *state)
{
	const char *partition = json_string_value(json_object_get(state, "partition"));
	char path[256];
	size_t answers = 0;
	json_t *line;
	FILE *file;

	(void)snprintf(path, sizeof path, "kafka/%s/expected/epochs.jsonl", fixture);
	file = fopen(ts_data(path), "r");
	cr_assert_not_null(file);
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		if (strcmp(json_string_value(json_object_get(line, "partition")), partition) == 0) {
			const json_t *answer = json_object_get(line, "cache");

			assert_end(cache, (int32_t)number(line, "epoch"), number(state, "log_end_offset"),
			           (int32_t)json_integer_value(json_array_get(answer, 0)),
			           json_integer_value(json_array_get(answer, 1)));
			answers++;
		}
		json_decref(line);
	}
	(void)fclose(file);
	return answers;
}

Test(epoch_cache, answers_as_kafka_does)
{
	static const char *const fixtures[] = {"epochs", "transactions"};
	size_t partitions = 0, answers = 0;
	struct ts_alloc alloc;

	ts_alloc_init(&alloc);
	for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
		char path[256];
		json_t *state;
		FILE *file;

		(void)snprintf(path, sizeof path, "kafka/%s/expected/state.jsonl", fixtures[i]);
		file = fopen(ts_data(path), "r");
		cr_assert_not_null(file);
		while ((state = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
			struct ls_epoch_cache cache;

			ls_epoch_cache_init(&cache, &alloc.ls);
			load_fixture(&cache, fixtures[i], state);
			assert_entries(&cache, json_object_get(state, "epochs"));
			answers += assert_answers(&cache, fixtures[i], state);
			partitions++;
			ls_epoch_cache_fini(&cache);
			json_decref(state);
		}
		(void)fclose(file);
	}
	cr_assert_eq(partitions, 7);
	cr_assert_geq(answers, 40);
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

/* ---- A naive model ---------------------------------------------------------------------------------- */

#define MODEL_EPOCHS 40

/* start[e] is where epoch e starts, or -1. */
struct model {
	int64_t start[MODEL_EPOCHS];
};

static void model_assign(struct model *model, int32_t epoch, int64_t offset)
{
	int32_t latest = MODEL_EPOCHS - 1;

	while (latest >= 0 && model->start[latest] < 0)
		latest--;
	if (latest == epoch && model->start[latest] <= offset)
		return;
	for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
		if (e >= epoch || model->start[e] >= offset)
			model->start[e] = -1;
	}
	model->start[epoch] = offset;
}

static void model_truncate_start(struct model *model, int64_t offset)
{
	int32_t last = -1;

	for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
		if (model->start[e] < 0 || model->start[e] > offset)
			continue;
		model->start[e] = -1;
		last = e;
	}
	if (last >= 0)
		model->start[last] = offset;
}

static void model_end_offset(const struct model *model, int32_t epoch, int64_t log_end, int32_t *ret_epoch,
                             int64_t *ret_end)
{
	int32_t floor = -1, higher = -1;

	*ret_epoch = -1;
	*ret_end = -1;
	for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
		if (model->start[e] < 0)
			continue;
		if (e <= epoch)
			floor = e;
		else if (higher < 0)
			higher = e;
	}
	if (higher >= 0) {
		*ret_epoch = floor >= 0 ? floor : epoch;
		*ret_end = model->start[higher];
	} else if (floor == epoch) {
		*ret_epoch = epoch;
		*ret_end = log_end;
	}
}

static void assert_like_model(const struct ls_epoch_cache *cache, const struct model *model)
{
	int32_t latest = -1;
	size_t index = 0;

	for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
		if (model->start[e] < 0)
			continue;
		cr_assert_lt(index, cache->count);
		cr_assert_eq(cache->entries[index].epoch, e);
		cr_assert_eq(cache->entries[index].start_offset, model->start[e]);
		latest = e;
		index++;
	}
	cr_assert_eq(index, cache->count);
	cr_assert_eq(ls_epoch_cache_latest(cache), latest);
	for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
		int32_t epoch;
		int64_t end;

		model_end_offset(model, e, 1000, &epoch, &end);
		assert_end(cache, e, 1000, epoch, end);
	}
	for (int64_t offset = 0; offset < 100; offset++) {
		int32_t epoch = -1;

		for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
			if (model->start[e] >= 0 && model->start[e] <= offset)
				epoch = e;
		}
		cr_assert_eq(ls_epoch_cache_of_offset(cache, offset), epoch);
	}
}

Test(epoch_cache, like_a_naive_model)
{
	struct ts_alloc alloc;
	struct ts_rng rng;

	ts_alloc_init(&alloc);
	ts_rng_init(&rng, 20250131);
	for (int sequence = 0; sequence < 1000; sequence++) {
		struct ls_epoch_cache cache;
		struct model model;

		ls_epoch_cache_init(&cache, &alloc.ls);
		memset(&model, 0xFF, sizeof model);
		for (int step = 0; step < 30; step++) {
			int32_t epoch = (int32_t)ts_rng_below(&rng, MODEL_EPOCHS);
			int64_t offset = (int64_t)ts_rng_below(&rng, 100);
			struct model before = model;
			bool changed;

			switch (ts_rng_below(&rng, 8)) {
			case 0:
				for (int32_t e = 0; e < MODEL_EPOCHS; e++) {
					if (model.start[e] >= offset)
						model.start[e] = -1;
				}
				changed = ls_epoch_cache_truncate_from_end(&cache, offset);
				break;
			case 1:
				model_truncate_start(&model, offset);
				changed = ls_epoch_cache_truncate_from_start(&cache, offset);
				break;
			default:
				model_assign(&model, epoch, offset);
				changed = ls_epoch_cache_would_assign(&cache, epoch, offset);
				cr_assert_eq(ls_epoch_cache_assign(&cache, epoch, offset), changed ? 1 : 0);
			}
			cr_assert_eq(changed, memcmp(&before, &model, sizeof model) != 0,
			             "sequence %d step %d", sequence, step);
			assert_like_model(&cache, &model);
		}
		ls_epoch_cache_fini(&cache);
	}
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

/* ---- Memory ----------------------------------------------------------------------------------------- */

static int fill(struct ls_epoch_cache *cache, int32_t count)
{
	for (int32_t e = 0; e < count; e++) {
		int r = ls_epoch_cache_assign(cache, e, e * 10);

		if (r < 0) {
			cr_assert_eq(cache->count, (size_t)e);
			return r;
		}
	}
	return 0;
}

Test(epoch_cache, after_reserve_assign_needs_no_memory)
{
	struct ts_alloc alloc;
	struct ls_epoch_cache cache;
	long requests;

	ts_alloc_init(&alloc);
	ls_epoch_cache_init(&cache, &alloc.ls);
	cr_assert_eq(ls_epoch_cache_reserve(&cache, 100), 0);
	requests = atomic_load(&alloc.requests);
	cr_assert_eq(fill(&cache, 100), 0);
	cr_assert_eq(atomic_load(&alloc.requests), requests);
	cr_assert_eq(cache.count, 100);
	cr_assert_eq(ls_epoch_cache_reserve(&cache, SIZE_MAX), -ENOMEM);
	cr_assert_eq(ls_epoch_cache_reserve(&cache, SIZE_MAX / 4), -ENOMEM);
	cr_assert_eq(cache.count, 100);
	ls_epoch_cache_fini(&cache);
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

/* A full table whose last entries make room for the new one asks for no memory. */
Test(epoch_cache, assign_reuses_the_room_of_what_goes)
{
	struct ts_alloc alloc;
	struct ls_epoch_cache cache;

	ts_alloc_init(&alloc);
	ls_epoch_cache_init(&cache, &alloc.ls);
	cr_assert_eq(fill(&cache, 8), 0);
	cr_assert_eq(cache.capacity, cache.count);
	atomic_store(&alloc.fail_at, atomic_load(&alloc.requests) + 1);
	cr_assert_eq(ls_epoch_cache_assign(&cache, 5, 10), 1);
	cr_assert_str_eq(show(&cache), "0:0 5:10");
	ls_epoch_cache_fini(&cache);
	cr_assert_eq(atomic_load(&alloc.outstanding), 0);
}

static int everything(struct ls_epoch_cache *cache, struct ls_epoch_cache *copy, struct ls_buf *out)
{
	int r = fill(cache, 50);

	if (r < 0)
		return r;
	r = ls_epoch_cache_copy(cache, copy);
	if (r < 0) {
		cr_assert_eq(copy->count, 0);
		return r;
	}
	r = ls_epoch_cache_write(copy, out);
	if (r < 0) {
		cr_assert_eq(out->size, 0);
		return r;
	}
	r = ls_epoch_cache_parse(copy, (const char *)out->data, out->size, NULL);
	if (r < 0)
		cr_assert_eq(copy->count, 50);
	return r;
}

Test(epoch_cache, every_allocation_may_fail)
{
	struct ts_alloc alloc;
	bool failed = true;
	long sweeps = 0;

	ts_alloc_init(&alloc);
	while (failed) {
		struct ls_epoch_cache cache, copy;
		struct ls_buf out;
		int r;

		ls_epoch_cache_init(&cache, &alloc.ls);
		ls_epoch_cache_init(&copy, &alloc.ls);
		ls_buf_init(&out, &alloc.ls);
		atomic_store(&alloc.requests, 0);
		atomic_store(&alloc.fail_at, ++sweeps);
		r = everything(&cache, &copy, &out);
		failed = ts_alloc_failed(&alloc);
		cr_assert_eq(r, failed ? -ENOMEM : 0);
		if (!failed) {
			cr_assert_eq(copy.count, cache.count);
			for (size_t i = 0; i < cache.count; i++) {
				cr_assert_eq(copy.entries[i].epoch, cache.entries[i].epoch);
				cr_assert_eq(copy.entries[i].start_offset, cache.entries[i].start_offset);
			}
		}
		ls_buf_fini(&out);
		ls_epoch_cache_fini(&copy);
		ls_epoch_cache_fini(&cache);
		cr_assert_eq(atomic_load(&alloc.outstanding), 0);
	}
	cr_assert_gt(sweeps, 10);
}
