/* The table of offset checkpoints: kept sorted, read from and written to Kafka's four files. */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/names.h"
#include "io/io.h"
#include "io/sim.h"
#include "store/checkpoints.h"
#include "testlib.h"

TestSuite(checkpoints, .fini = ts_check_leaks);

static const char *const file_names[LS_CHECKPOINT_COUNT] = {
	LS_NAME_RECOVERY_POINTS, LS_NAME_LOG_STARTS, LS_NAME_HIGH_WATERMARKS, LS_NAME_CLEANER_OFFSETS,
};

struct fixture {
	struct ts_alloc alloc;
	struct logstore_sim *sim;
	struct ls_checkpoints table;
	struct logstore_error error;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	ts_alloc_init(&f->alloc);
	cr_assert_eq(ls_sim_new(1, &f->sim), 0);
	f->alloc.ls.io = ls_sim_io(f->sim);
	cr_assert_eq(f->alloc.ls.io->mkdir(f->alloc.ls.io->ctx, "/d"), 0);
	ls_checkpoints_init(&f->table, &f->alloc.ls);
	memset(&f->error, 0x5A, sizeof f->error);
}

static void tear_down(struct fixture *f)
{
	ls_checkpoints_fini(&f->table);
	cr_assert_eq(atomic_load(&f->alloc.outstanding), 0);
	cr_assert_eq(ls_sim_open_descriptors(f->sim), 0);
	f->sim = ls_sim_free(f->sim);
}

static void put(struct fixture *f, enum ls_checkpoint_file file, const char *text)
{
	char path[LS_PATH_MAX];

	cr_assert_eq(ls_path_join(path, "/d", file_names[file]), 0);
	cr_assert_eq(ls_io_replace_file(&f->alloc.ls, path, text, strlen(text)), 0);
}

static void expect_file(struct fixture *f, enum ls_checkpoint_file file, const char *text)
{
	char path[LS_PATH_MAX];
	struct ls_buf got;

	cr_assert_eq(ls_path_join(path, "/d", file_names[file]), 0);
	ls_buf_init(&got, &f->alloc.ls);
	cr_assert_eq(ls_io_read_file(&f->alloc.ls, path, 100000, &got), 0);
	cr_assert_eq(ls_buf_append(&got, "", 1), 0);
	cr_assert_str_eq((const char *)got.data, text);
	ls_buf_fini(&got);
}

static int set(struct fixture *f, const char *topic, int32_t number, enum ls_checkpoint_file file,
               int64_t offset)
{
	return ls_checkpoints_set(&f->table, topic, number, file, offset);
}

Test(checkpoints, an_entry_has_a_value_per_file)
{
	const struct ls_checkpoint_row *row;
	struct fixture f;

	set_up(&f);
	cr_assert_null(ls_checkpoints_find(&f.table, "t", 0));
	cr_assert_eq(set(&f, "t", 0, LS_CHECKPOINT_LOG_START, 5), 0);
	row = ls_checkpoints_find(&f.table, "t", 0);
	cr_assert_not_null(row);
	cr_assert_eq(row->offsets[LS_CHECKPOINT_LOG_START], 5);
	cr_assert_eq(row->offsets[LS_CHECKPOINT_RECOVERY_POINT], LOGSTORE_NO_OFFSET);
	cr_assert_eq(row->offsets[LS_CHECKPOINT_HIGH_WATERMARK], LOGSTORE_NO_OFFSET);
	cr_assert_eq(row->offsets[LS_CHECKPOINT_CLEANER], LOGSTORE_NO_OFFSET);
	cr_assert_eq(set(&f, "t", 0, LS_CHECKPOINT_CLEANER, INT64_MAX), 0);
	cr_assert_eq(set(&f, "t", 0, LS_CHECKPOINT_LOG_START, LOGSTORE_NO_OFFSET), 0);
	row = ls_checkpoints_find(&f.table, "t", 0);
	cr_assert_eq(row->offsets[LS_CHECKPOINT_LOG_START], LOGSTORE_NO_OFFSET);
	cr_assert_eq(row->offsets[LS_CHECKPOINT_CLEANER], INT64_MAX);
	cr_assert_eq(f.table.count, 1);
	cr_assert_null(ls_checkpoints_find(&f.table, "t", 1));
	cr_assert_null(ls_checkpoints_find(&f.table, "T", 0));
	ls_checkpoints_remove(&f.table, "t", 1);
	cr_assert_eq(f.table.count, 1);
	ls_checkpoints_remove(&f.table, "t", 0);
	cr_assert_eq(f.table.count, 0);
	tear_down(&f);
}

#define NAMES 40
#define NUMBERS 10

/* Against plain arrays, in random order. */
Test(checkpoints, behaves_like_a_map)
{
	static int64_t want[NAMES][NUMBERS];
	static bool there[NAMES][NUMBERS];
	struct ts_rng rng;
	struct fixture f;
	size_t count = 0;

	set_up(&f);
	ts_rng_init(&rng, 4);
	for (int step = 0; step < 5000; step++) {
		unsigned name = (unsigned)ts_rng_below(&rng, NAMES),
			 number = (unsigned)ts_rng_below(&rng, NUMBERS);
		const struct ls_checkpoint_row *row;
		char topic[16];

		(void)snprintf(topic, sizeof topic, "%c%u", 'a' + name % 3, name);
		if (ts_rng_below(&rng, 3) == 0) {
			ls_checkpoints_remove(&f.table, topic, (int32_t)number);
			count -= there[name][number];
			there[name][number] = false;
		} else {
			want[name][number] = step;
			cr_assert_eq(set(&f, topic, (int32_t)number, LS_CHECKPOINT_RECOVERY_POINT, step), 0);
			count += !there[name][number];
			there[name][number] = true;
		}
		cr_assert_eq(f.table.count, count);
		name = (unsigned)ts_rng_below(&rng, NAMES);
		(void)snprintf(topic, sizeof topic, "%c%u", 'a' + name % 3, name);
		row = ls_checkpoints_find(&f.table, topic, (int32_t)number);
		cr_assert_eq(row != NULL, there[name][number]);
		cr_assert(!row || row->offsets[LS_CHECKPOINT_RECOVERY_POINT] == want[name][number]);
	}
	for (size_t i = 1; i < f.table.count; i++) {
		int order = strcmp(f.table.rows[i - 1].topic, f.table.rows[i].topic);

		cr_assert(order < 0 || (order == 0 && f.table.rows[i - 1].number < f.table.rows[i].number));
	}
	tear_down(&f);
}

Test(checkpoints, reads_and_writes_the_four_files)
{
	static const char *const texts[LS_CHECKPOINT_COUNT] = {
		"0\n2\na 0 10\nb.c-d_e 12 9223372036854775807\n",
		"0\n1\nb.c-d_e 12 3\n",
		"0\n0\n",
		"0\n1\nonly-cleaner 2147483647 0\n",
	};
	struct fixture f;

	set_up(&f);
	for (int file = 0; file < LS_CHECKPOINT_COUNT; file++)
		put(&f, (enum ls_checkpoint_file)file, texts[file]);
	cr_assert_eq(ls_checkpoints_load(&f.table, "/d", false, &f.error), 0);
	cr_assert_eq(f.table.count, 3);
	cr_assert_eq(ls_checkpoints_find(&f.table, "b.c-d_e", 12)->offsets[LS_CHECKPOINT_LOG_START], 3);
	for (int file = 0; file < LS_CHECKPOINT_COUNT; file++) {
		put(&f, (enum ls_checkpoint_file)file, "gone");
		cr_assert_eq(ls_checkpoints_write(&f.table, "/d", (enum ls_checkpoint_file)file, &f.error),
		             0);
		expect_file(&f, (enum ls_checkpoint_file)file, texts[file]);
	}
	tear_down(&f);
}

Test(checkpoints, missing_and_empty_files_have_no_entries)
{
	struct fixture f;

	set_up(&f);
	cr_assert_eq(ls_checkpoints_load(&f.table, "/d", false, &f.error), 0);
	cr_assert_eq(f.table.count, 0);
	put(&f, LS_CHECKPOINT_LOG_START, "");
	cr_assert_eq(ls_checkpoints_load(&f.table, "/d", false, &f.error), 0);
	cr_assert_eq(f.table.count, 0);
	tear_down(&f);
}

Test(checkpoints, says_which_line_is_wrong)
{
	static const struct {
		const char *text;
		int code;
		int64_t line;
		size_t kept; /* entries before it, for whoever only reads */
	} cases[] = {
		{"1\n0\n", LOGSTORE_E_UNSUPPORTED_VERSION, 1, 0},
		{"x\n", LOGSTORE_E_CORRUPT_FILE, 1, 0},
		{"0\n2\na 0 1\nb 0\n", LOGSTORE_E_CORRUPT_FILE, 4, 1},
		{"0\n2\na 0 1\nb -1 5\n", LOGSTORE_E_CORRUPT_FILE, 4, 1},
		{"0\n1\na zero 1\n", LOGSTORE_E_CORRUPT_FILE, 3, 0},
		{"0\n1\na 0 99999999999999999999\n", LOGSTORE_E_CORRUPT_FILE, 3, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int file = 0; file < LS_CHECKPOINT_COUNT; file++) {
			struct fixture f;
			char path[LS_PATH_MAX];

			set_up(&f);
			put(&f, (enum ls_checkpoint_file)file, cases[i].text);
			cr_assert_eq(ls_path_join(path, "/d", file_names[file]), 0);
			cr_assert_eq(ls_checkpoints_load(&f.table, "/d", false, &f.error), cases[i].code,
			             "case %zu", i);
			cr_assert_eq(f.error.code, cases[i].code);
			cr_assert_eq(f.error.position, cases[i].line, "case %zu: line %" PRId64, i,
			             f.error.position);
			cr_assert_str_eq(f.error.path, path);
			ls_checkpoints_fini(&f.table);
			cr_assert_eq(ls_checkpoints_load(&f.table, "/d", false, NULL), cases[i].code);
			ls_checkpoints_fini(&f.table);
			cr_assert_eq(ls_checkpoints_load(&f.table, "/d", true, &f.error), 0);
			cr_assert_eq(f.table.count, cases[i].kept, "case %zu", i);
			tear_down(&f);
		}
	}
}

Test(checkpoints, tells_every_failing_call)
{
	for (uint64_t n = 1;; n++) {
		struct fixture f;
		bool failed;
		int r;

		set_up(&f);
		put(&f, LS_CHECKPOINT_LOG_START, "0\n1\na 0 1\n");
		ls_sim_fail_nth(f.sim, n, EIO, ~(UINT32_C(1) << LOGSTORE_IO_OP_CLOSE));
		r = ls_checkpoints_load(&f.table, "/d", false, &f.error);
		if (r == 0)
			r = ls_checkpoints_write(&f.table, "/d", LS_CHECKPOINT_LOG_START, &f.error);
		failed = !ls_sim_fault_pending(f.sim);
		ls_sim_fail_nth(f.sim, 0, 0, 0);
		cr_assert_eq(r, failed ? -EIO : 0, "the %" PRIu64 "th call: %d", n, r);
		if (failed) {
			cr_assert_eq(f.error.code, -EIO);
			cr_assert_eq(f.error.sys_errno, EIO);
		}
		expect_file(&f, LS_CHECKPOINT_LOG_START, "0\n1\na 0 1\n");
		tear_down(&f);
		if (!failed)
			break;
	}
}

Test(checkpoints, survives_every_failing_allocation)
{
	for (long n = 1;; n++) {
		struct fixture f;
		bool failed;
		int r;

		set_up(&f);
		put(&f, LS_CHECKPOINT_RECOVERY_POINT, "0\n2\na 0 1\nb 7 2\n");
		atomic_store(&f.alloc.fail_at, atomic_load(&f.alloc.requests) + n);
		r = ls_checkpoints_load(&f.table, "/d", true,
		                        &f.error); /* lenient is about damage, not about this */
		for (int i = 0; i < 40 && r == 0; i++)
			r = set(&f, "c", i, LS_CHECKPOINT_LOG_START, i);
		if (r == 0)
			r = ls_checkpoints_write(&f.table, "/d", LS_CHECKPOINT_RECOVERY_POINT, &f.error);
		failed = ts_alloc_failed(&f.alloc);
		atomic_store(&f.alloc.fail_at, 0);
		cr_assert_eq(r, failed ? -ENOMEM : 0, "the %ldth: %d", n, r);
		expect_file(&f, LS_CHECKPOINT_RECOVERY_POINT, "0\n2\na 0 1\nb 7 2\n");
		tear_down(&f);
		if (!failed)
			break;
	}
}

Test(checkpoints, refuses_paths_that_are_too_long)
{
	struct fixture f;
	char *path = malloc(LS_PATH_MAX);

	set_up(&f);
	cr_assert_not_null(path);
	memset(path, 'a', LS_PATH_MAX - 1);
	path[LS_PATH_MAX - 1] = '\0';
	cr_assert_eq(ls_checkpoints_load(&f.table, path, false, &f.error), -ENAMETOOLONG);
	cr_assert_eq(f.error.code, -ENAMETOOLONG);
	cr_assert_eq(ls_checkpoints_write(&f.table, path, LS_CHECKPOINT_LOG_START, &f.error), -ENAMETOOLONG);
	free(path);
	tear_down(&f);
}
