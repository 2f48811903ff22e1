/*
 * A reader beside a live owner, both in this process, on the simulated file system: what it sees at first,
 * what a refresh adds, and that a log start moved by the owner, a truncation and a roll reach it.
 */
#include <criterion/criterion.h>
#include <logstore/logstore.h>
#include <string.h>

#include "testlib.h"

struct pair {
	logstore_sim *sim;
	struct logstore_env env;
	logstore *owner;
	logstore *reader;
	logstore_partition *written;
	logstore_partition *read;
};

static void must(int r, const struct logstore_error *error)
{
	cr_assert(r == 0, "%s: %s (%s)", logstore_error_name(r), error->text, error->path);
}

static void append_records(struct pair *pair, int count)
{
	struct logstore_record record = {.timestamp = 1000, .key_size = -1, .value = "some value", .value_size = 10};
	struct logstore_append_result result;
	struct logstore_error error = {0};

	for (int i = 0; i < count; i++)
		must(logstore_append_records(pair->written, &record, 1, NULL, NULL, &result, &error), &error);
}

static void setup_pair(struct pair *pair)
{
	struct logstore_options options;
	struct logstore_error error = {0};

	memset(pair, 0, sizeof *pair);
	cr_assert(logstore_sim_new(1, &pair->sim) == 0);
	logstore_env_init(&pair->env);
	pair->env.io = logstore_sim_io(pair->sim);
	logstore_options_init(&options);
	options.env = &pair->env;
	options.create = true;
	must(logstore_open("/data", &options, &pair->owner, &error), &error);
	must(logstore_partition_create(pair->owner, "t", 0, NULL, &pair->written, &error), &error);
	append_records(pair, 10);
	options.create = false;
	options.read_only = true;
	must(logstore_open("/data", &options, &pair->reader, &error), &error);
	must(logstore_partition_open(pair->reader, "t", 0, &pair->read, &error), &error);
}

static void teardown_pair(struct pair *pair)
{
	struct logstore_error error = {0};

	logstore_partition_close(pair->read);
	logstore_partition_close(pair->written);
	must(logstore_close(pair->reader, &error), &error);
	must(logstore_close(pair->owner, &error), &error);
	cr_assert(logstore_sim_open_descriptors(pair->sim) == 0);
	logstore_sim_free(pair->sim);
}

static struct logstore_offsets refreshed(struct pair *pair)
{
	struct logstore_offsets offsets;
	struct logstore_error error = {0};

	must(logstore_partition_refresh(pair->read, &error), &error);
	logstore_partition_offsets(pair->read, &offsets);
	return offsets;
}

TestSuite(refresh, .fini = ts_check_leaks);

Test(refresh, sees_what_was_there_and_later_what_came)
{
	struct logstore_offsets offsets;
	struct pair pair;

	setup_pair(&pair);
	logstore_partition_offsets(pair.read, &offsets);
	cr_assert(offsets.log_start == 0 && offsets.log_end == 10);
	append_records(&pair, 5);
	logstore_partition_offsets(pair.read, &offsets);
	cr_assert(offsets.log_end == 10, "nothing changes without a refresh");
	cr_assert(refreshed(&pair).log_end == 15);
	teardown_pair(&pair);
}

Test(refresh, sees_rolls_deleted_records_and_truncations)
{
	struct logstore_read_options options;
	struct logstore_error error = {0};
	struct logstore_slice slice;
	int64_t log_start;
	struct pair pair;

	setup_pair(&pair);
	must(logstore_roll(pair.written, &error), &error);
	append_records(&pair, 5);
	cr_assert(refreshed(&pair).segment_count == 2);
	must(logstore_delete_records(pair.written, 12, &log_start, &error), &error);
	cr_assert(refreshed(&pair).log_start == 12, "a log start that the owner moved is seen");
	logstore_read_options_init(&options);
	cr_assert(logstore_read(pair.read, 11, &options, &slice, &error) == LOGSTORE_E_OFFSET_OUT_OF_RANGE);
	must(logstore_truncate(pair.written, 13, &error), &error);
	cr_assert(refreshed(&pair).log_end == 13);
	teardown_pair(&pair);
}

Test(refresh, of_an_owner_does_nothing)
{
	struct logstore_error error = {0};
	struct logstore_offsets offsets;
	struct pair pair;

	setup_pair(&pair);
	append_records(&pair, 1);
	must(logstore_partition_refresh(pair.written, &error), &error);
	logstore_partition_offsets(pair.written, &offsets);
	cr_assert(offsets.log_end == 11);
	teardown_pair(&pair);
}
