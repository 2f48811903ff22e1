/*
 * base/error.h and base/error_text.h: what each way to raise an error fills in, that a null detail is fine,
 * cut texts and paths, and the three lookups over the one table.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/error_text.h"
#include "testlib.h"

TestSuite(error, .fini = ts_check_leaks);

/* A detail full of remains of an earlier use. */
static struct logstore_error dirty(void)
{
	struct logstore_error err;

	memset(&err, 0x77, sizeof err);
	err.path[sizeof err.path - 1] = '\0';
	err.text[sizeof err.text - 1] = '\0';
	return err;
}

Test(error, plain_error_fills_in_everything)
{
	struct logstore_error err = dirty();

	cr_assert_eq(ls_error(&err, LOGSTORE_E_INVALID_NAME, "name \"%s\" is odd", "a b"), LOGSTORE_E_INVALID_NAME);
	cr_assert_eq(err.code, LOGSTORE_E_INVALID_NAME);
	cr_assert_eq(err.sys_errno, 0);
	cr_assert_eq(err.offset, -1);
	cr_assert_eq(err.position, -1);
	cr_assert_eq(err.record_index, -1);
	cr_assert_eq(err.reserved[0] | err.reserved[1] | err.reserved[2], 0);
	cr_assert_str_eq(err.path, "");
	cr_assert_str_eq(err.text, "name \"a b\" is odd");
}

Test(error, errno_is_kept_beside_the_code)
{
	struct logstore_error err = dirty();

	cr_assert_eq(ls_error(&err, -EINVAL, "no"), -EINVAL);
	cr_assert_eq(err.sys_errno, EINVAL);
}

Test(error, null_detail_is_fine)
{
	cr_assert_eq(ls_error(NULL, -EINVAL, "%d", 1), -EINVAL);
	cr_assert_eq(ls_error_io(NULL, -EIO, "read", "/x"), -EIO);
	cr_assert_eq(ls_error_io(NULL, -ENOSPC, "write", "/x"), LOGSTORE_E_FULL);
	cr_assert_eq(ls_corrupt(NULL, LOGSTORE_E_CORRUPT_FILE, "/x", 1, "bad"), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(ls_error_at(NULL, -EIO, "/x", 1, 2), -EIO);
}

Test(error, long_text_is_cut_and_terminated)
{
	struct logstore_error err = dirty();
	char text[2 * LOGSTORE_ERROR_TEXT_MAX];

	memset(text, 't', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	cr_assert_eq(ls_error(&err, -EINVAL, "%s", text), -EINVAL);
	cr_assert_eq(strlen(err.text), LOGSTORE_ERROR_TEXT_MAX - 1);
}

Test(error, io_error_names_call_cause_and_path)
{
	struct logstore_error err = dirty();

	cr_assert_eq(ls_error_io(&err, -EACCES, "open", "/data/a-0/x.log"), -EACCES);
	cr_assert_eq(err.code, -EACCES);
	cr_assert_eq(err.sys_errno, EACCES);
	cr_assert_eq(err.position, -1);
	cr_assert_str_eq(err.path, "/data/a-0/x.log");
	cr_assert_str_eq(err.text, "open: Permission denied");
}

Test(error, no_space_is_a_state_of_its_own)
{
	static const int codes[] = {ENOSPC, EDQUOT, EFBIG};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct logstore_error err = dirty();

		cr_assert_eq(ls_error_io(&err, -codes[i], "write", "/x"), LOGSTORE_E_FULL);
		cr_assert_eq(err.code, LOGSTORE_E_FULL);
		cr_assert_eq(err.sys_errno, codes[i]);
	}
}

Test(error, io_error_hands_on_library_codes)
{
	struct logstore_error err = dirty();

	(void)ls_error(&err, LOGSTORE_E_LIMIT_EXCEEDED, "too long");
	cr_assert_eq(ls_error_io(&err, LOGSTORE_E_LIMIT_EXCEEDED, "read", "/x"), LOGSTORE_E_LIMIT_EXCEEDED);
	cr_assert_str_eq(err.path, "/x");
	cr_assert_str_eq(err.text, "too long");
}

Test(error, corruption_has_a_place)
{
	struct logstore_error err = dirty();

	cr_assert_eq(ls_corrupt(&err, LOGSTORE_E_CORRUPT_MESSAGE, "/x.log", 4096, "CRC is %08x", 0xabcu),
	             LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_eq(err.code, LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_eq(err.sys_errno, 0);
	cr_assert_eq(err.position, 4096);
	cr_assert_eq(err.offset, -1);
	cr_assert_str_eq(err.path, "/x.log");
	cr_assert_str_eq(err.text, "CRC is 00000abc");
	cr_assert_eq(ls_corrupt(&err, LOGSTORE_E_CORRUPT_MESSAGE, NULL, 7, "in memory"), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_str_eq(err.path, "");
	cr_assert_eq(err.position, 7);
}

Test(error, place_is_added_once)
{
	struct logstore_error err = dirty();

	(void)ls_error(&err, LOGSTORE_E_CORRUPT_MESSAGE, "bad");
	cr_assert_eq(ls_error_at(&err, LOGSTORE_E_CORRUPT_MESSAGE, "/inner", 10, 20), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_eq(ls_error_at(&err, LOGSTORE_E_CORRUPT_MESSAGE, "/outer", 11, 21), LOGSTORE_E_CORRUPT_MESSAGE);
	cr_assert_str_eq(err.path, "/inner");
	cr_assert_eq(err.position, 10);
	cr_assert_eq(err.offset, 20);
	cr_assert_str_eq(err.text, "bad");
}

Test(error, success_is_left_alone)
{
	struct logstore_error err = dirty();
	struct logstore_error before = err;

	cr_assert_eq(ls_error_at(&err, 0, "/x", 1, 2), 0);
	cr_assert_eq(memcmp(&err, &before, sizeof err), 0);
}

Test(error, long_path_keeps_its_end)
{
	struct logstore_error err = dirty();
	char path[LOGSTORE_ERROR_PATH_MAX + 100];

	memset(path, 'd', sizeof path);
	strcpy(path + sizeof path - 6, "/name");
	cr_assert_eq(ls_error_io(&err, -EIO, "read", path), -EIO);
	cr_assert_eq(strlen(err.path), LOGSTORE_ERROR_PATH_MAX - 1);
	cr_assert_eq(strncmp(err.path, "...d", 4), 0);
	cr_assert_str_eq(err.path + strlen(err.path) - 6, "d/name");
	/* The longest path that fits is kept whole, one more byte is not. */
	path[LOGSTORE_ERROR_PATH_MAX - 1] = '\0';
	(void)ls_error_io(&err, -EIO, "read", path);
	cr_assert_str_eq(err.path, path);
	memset(path, 'd', LOGSTORE_ERROR_PATH_MAX);
	path[LOGSTORE_ERROR_PATH_MAX] = '\0';
	(void)ls_error_io(&err, -EIO, "read", path);
	cr_assert_eq(strlen(err.path), LOGSTORE_ERROR_PATH_MAX - 1);
	cr_assert_eq(strncmp(err.path, "...d", 4), 0);
}

Test(error, table_has_distinct_codes_below_errno)
{
	static const struct {
		int code;
		const char *name;
		int kafka;
		const char *text;
	} rows[] = {
#define ROW(name, value, kafka, text) {LOGSTORE_E_##name, #name, (kafka), (text)},
		LOGSTORE_ERROR_TABLE(ROW)
#undef ROW
	};
	size_t count = sizeof rows / sizeof rows[0];

	for (size_t i = 0; i < count; i++) {
		cr_assert_lt(rows[i].code, -4096);
		cr_assert_str_eq(ls_error_name(rows[i].code), rows[i].name);
		cr_assert_str_eq(ls_error_text(rows[i].code), rows[i].text);
		cr_assert_eq(ls_error_kafka_code(rows[i].code), rows[i].kafka);
		for (size_t j = 0; j < i; j++) {
			cr_assert_neq(rows[j].code, rows[i].code);
			cr_assert_str_neq(rows[j].name, rows[i].name);
		}
	}
}

Test(error, codes_of_the_system)
{
	cr_assert_str_eq(ls_error_name(0), "NONE");
	cr_assert_str_eq(ls_error_text(0), "success");
	cr_assert_eq(ls_error_kafka_code(0), 0);
	cr_assert_str_eq(ls_error_name(-ENOENT), "ENOENT");
	cr_assert_str_eq(ls_error_text(-ENOENT), "No such file or directory");
	cr_assert_eq(ls_error_kafka_code(-ENOENT), 56);
}

Test(error, codes_of_nobody)
{
	static const int codes[] = {1, INT32_MAX, -4095, -4096, -4097, -5000, -5999, INT32_MIN};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		cr_assert_str_eq(ls_error_name(codes[i]), "UNKNOWN");
		cr_assert_str_eq(ls_error_text(codes[i]), "unknown error");
	}
	cr_assert_eq(ls_error_kafka_code(1), -1);
	cr_assert_eq(ls_error_kafka_code(-5999), -1);
}
