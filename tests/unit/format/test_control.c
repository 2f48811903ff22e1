/* Control records: markers both ways, every short and negative field, unknown types and versions. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "format/control.h"
#include "testlib.h"

TestSuite(control, .fini = ts_check_leaks);

/* Parses key and value given in hex; NULL means null. */
static int parse(const char *key_hex, const char *value_hex, struct logstore_control *ret_control,
                 struct logstore_error *ret_error)
{
	struct logstore_record record = {.offset = 41, .key_size = -1, .value_size = -1};
	uint8_t *key = NULL, *value = NULL;
	size_t size;
	int r;

	if (key_hex) {
		record.key = key = ts_hex(key_hex, &size);
		record.key_size = (int32_t)size;
	}
	if (value_hex) {
		record.value = value = ts_hex(value_hex, &size);
		record.value_size = (int32_t)size;
	}
	r = ls_control_parse(&record, ret_control, ret_error);
	free(key);
	free(value);
	return r;
}

Test(control, accepted)
{
	static const struct {
		const char *key, *value;
		int16_t version, type;
		int32_t epoch;
	} cases[] = {
		{"00000000", "000000000007", 0, LOGSTORE_CONTROL_ABORT, 7},
		{"00000001", "00007fffffff", 0, LOGSTORE_CONTROL_COMMIT, INT32_MAX},
		{"00000001", "0000ffffffff", 0, LOGSTORE_CONTROL_COMMIT, -1},
		/* Higher versions are longer and read by the known prefix. */
		{"00010001aabb", "000100000009cc", 1, LOGSTORE_CONTROL_COMMIT, 9},
		{"7fff0000", "7fff00000003", INT16_MAX, LOGSTORE_CONTROL_ABORT, 3},
		/* The value of other types is not looked at. */
		{"00000002", NULL, 0, LOGSTORE_CONTROL_LEADER_CHANGE, -1},
		{"00000003", "", 0, LOGSTORE_CONTROL_SNAPSHOT_HEADER, -1},
		{"00000004", "ff", 0, LOGSTORE_CONTROL_SNAPSHOT_FOOTER, -1},
		{"00000005", "000000000001", 0, LOGSTORE_CONTROL_KRAFT_VERSION, -1},
		{"00000006", "ffff", 0, LOGSTORE_CONTROL_KRAFT_VOTERS, -1},
		{"00000007", NULL, 0, 7, -1},
		{"0000ffff", NULL, 0, -1, -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct logstore_control control;

		cr_assert_eq(parse(cases[i].key, cases[i].value, &control, NULL), 0, "case %zu", i);
		cr_expect_eq(control.version, cases[i].version, "case %zu", i);
		cr_expect_eq(control.type, cases[i].type, "case %zu", i);
		cr_expect_eq(control.coordinator_epoch, cases[i].epoch, "case %zu", i);
	}
}

Test(control, refused)
{
	static const struct {
		const char *key, *value, *text;
	} cases[] = {
		{NULL, "000000000007", "key"},        {"", "000000000007", "key"},
		{"000000", "000000000007", "key"},    {"ffff0001", "000000000007", "negative"},
		{"80000001", NULL, "negative"},       {"00000000", NULL, "value"},
		{"00000000", "", "value"},            {"00000001", "0000000000", "value"},
		{"00000001", "ffff00000007", "value"}, {"00000000", "800000000007", "negative"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct logstore_control control = {.type = 1234};
		struct logstore_error error = {0};

		cr_expect_eq(parse(cases[i].key, cases[i].value, &control, &error),
		             LOGSTORE_E_CORRUPT_MESSAGE, "case %zu", i);
		cr_expect_eq(control.type, 1234, "case %zu", i);
		cr_expect_eq(error.offset, 41, "case %zu", i);
		cr_expect(strstr(error.text, cases[i].text), "case %zu: %s", i, error.text);
	}
}

Test(control, marker_bytes)
{
	static const uint8_t abort_key[] = {0, 0, 0, 0}, commit_key[] = {0, 0, 0, 1};
	static const uint8_t value7[] = {0, 0, 0, 0, 0, 7}, value_max[] = {0, 0, 0x7f, 0xff, 0xff, 0xff};
	uint8_t key[LS_CONTROL_KEY_SIZE], value[LS_MARKER_VALUE_SIZE];

	memset(key, 0xee, sizeof key);
	memset(value, 0xee, sizeof value);
	ls_marker_write(false, 7, key, value);
	cr_expect_arr_eq(key, abort_key, sizeof key);
	cr_expect_arr_eq(value, value7, sizeof value);
	ls_marker_write(true, INT32_MAX, key, value);
	cr_expect_arr_eq(key, commit_key, sizeof key);
	cr_expect_arr_eq(value, value_max, sizeof value);
}
