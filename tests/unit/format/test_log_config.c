/* Topic settings: table, messages, sets, their file, resolving, and the table in the documentation. */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/log_config.h"
#include "format/log_config_internal.h"
#include "testlib.h"

TestSuite(log_config, .fini = ts_check_leaks);

static struct ts_alloc alloc;

static struct logstore_config *new_config(void)
{
	struct logstore_config *config = NULL;

	ts_alloc_init(&alloc);
	cr_assert_eq(ls_config_new(&alloc.ls, &config), 0);
	return config;
}

static void free_config(struct logstore_config *config)
{
	cr_assert_null(ls_config_free(config));
	cr_assert_eq(alloc.outstanding, 0);
}

/* ---- The table -------------------------------------------------------------------------------------- */

Test(log_config, table_is_sorted_and_consistent)
{
	struct ls_buf out;

	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	for (int i = 0; i < LS_SETTING_COUNT; i++) {
		const struct ls_setting *setting = &ls_settings[i];

		cr_assert(setting->name && setting->documentation, "row %d is there", i);
		cr_assert(i == 0 || strcmp(ls_settings[i - 1].name, setting->name) < 0, "%s", setting->name);
		cr_assert_eq(ls_setting_find(setting->name), i);
		cr_assert_eq(setting->documentation[strlen(setting->documentation) - 1], '.', "%s",
		             setting->name);
		if (!setting->default_value)
			continue;
		ls_buf_clear(&out);
		cr_assert_eq(ls_setting_check(setting, setting->default_value, &out, NULL), 0, "%s",
		             setting->name);
		cr_assert_str_eq((const char *)out.data, setting->default_value, "canonical: %s",
		                 setting->name);
	}
	cr_assert_eq(ls_setting_find("cleanup.policies"), -1);
	cr_assert_eq(ls_setting_find(""), -1);
	ls_buf_fini(&out);
}

/* Kafka 4.4's types and defaults, written down here a second time. */
Test(log_config, types_and_defaults_are_kafkas)
{
	static const struct {
		const char *name;
		const char *type;
		const char *default_value;
	} want[] = {
		{"cleanup.policy", "list", "delete"},
		{"compression.gzip.level", "int", "-1"},
		{"compression.lz4.level", "int", "9"},
		{"compression.type", "string", "producer"},
		{"compression.zstd.level", "int", "3"},
		{"delete.retention.ms", "long", "86400000"},
		{"errors.deadletterqueue.group.enable", "boolean", "false"},
		{"file.delete.delay.ms", "long", "60000"},
		{"flush.messages", "long", "9223372036854775807"},
		{"flush.ms", "long", "9223372036854775807"},
		{"follower.replication.throttled.replicas", "list", ""},
		{"index.interval.bytes", "int", "4096"},
		{"internal.segment.bytes", "int", NULL},
		{"leader.replication.throttled.replicas", "list", ""},
		{"local.retention.bytes", "long", "-2"},
		{"local.retention.ms", "long", "-2"},
		{"max.compaction.lag.ms", "long", "9223372036854775807"},
		{"max.message.bytes", "int", "1048588"},
		{"message.timestamp.after.max.ms", "long", "3600000"},
		{"message.timestamp.before.max.ms", "long", "9223372036854775807"},
		{"message.timestamp.type", "string", "CreateTime"},
		{"min.cleanable.dirty.ratio", "double", "0.5"},
		{"min.compaction.lag.ms", "long", "0"},
		{"min.insync.replicas", "int", "1"},
		{"preallocate", "boolean", "false"},
		{"remote.copy.lag.bytes", "long", "-1"},
		{"remote.copy.lag.ms", "long", "0"},
		{"remote.log.copy.disable", "boolean", "false"},
		{"remote.log.delete.on.disable", "boolean", "false"},
		{"remote.storage.enable", "boolean", "false"},
		{"retention.bytes", "long", "-1"},
		{"retention.ms", "long", "604800000"},
		{"segment.bytes", "int", "1073741824"},
		{"segment.index.bytes", "int", "10485760"},
		{"segment.jitter.ms", "long", "0"},
		{"segment.ms", "long", "604800000"},
		{"unclean.leader.election.enable", "boolean", "false"},
	};
	struct logstore_config *config = new_config();
	struct logstore_config_entry entry;
	size_t count = sizeof want / sizeof *want;

	for (size_t i = 0; i < count; i++) {
		const char *value = want[i].default_value;

		cr_assert_eq(ls_config_at(config, i, &entry), 1);
		cr_assert_str_eq(entry.name, want[i].name);
		cr_assert_str_eq(entry.type, want[i].type, "%s", entry.name);
		cr_assert_str_eq(entry.default_value, value ? value : "", "%s", entry.name);
		cr_assert_str_eq(entry.value, entry.default_value);
		cr_assert(entry.is_default);
		cr_assert_neq(entry.documentation[0], '\0');
		if (value)
			cr_assert_str_eq(ls_config_get(config, want[i].name), value);
		else
			cr_assert_null(ls_config_get(config, want[i].name));
	}
	cr_assert_eq(ls_config_at(config, count, &entry), 0);
	cr_assert_eq(ls_config_at(config, SIZE_MAX, &entry), 0);
	cr_assert_null(ls_config_get(config, "no.such.setting"));
	free_config(config);
}

/* ---- Setting and getting ---------------------------------------------------------------------------- */

Test(log_config, values_take_their_canonical_form)
{
	static const struct {
		const char *name;
		const char *value;
		const char *want;
	} cases[] = {
		{"segment.bytes", "1048576", "1048576"},
		{"segment.bytes", " \t+2000000\n", "2000000"},
		{"segment.bytes", "0002147483647", "2147483647"},
		{"segment.ms", "9223372036854775807", "9223372036854775807"},
		{"segment.ms", "1", "1"},
		{"segment.jitter.ms", "-0", "0"},
		{"segment.index.bytes", "4", "4"},
		{"index.interval.bytes", "0", "0"},
		{"max.message.bytes", "0", "0"},
		{"internal.segment.bytes", "1", "1"},
		{"retention.ms", "-1", "-1"},
		{"retention.bytes", "-9223372036854775808", "-9223372036854775808"},
		{"retention.bytes", "-5", "-5"},
		{"local.retention.ms", "-2", "-2"},
		{"local.retention.bytes", "-2", "-2"},
		{"remote.copy.lag.ms", "-1", "-1"},
		{"remote.copy.lag.bytes", "0", "0"},
		{"compression.gzip.level", "-1", "-1"},
		{"compression.gzip.level", "1", "1"},
		{"compression.gzip.level", "9", "9"},
		{"compression.lz4.level", "1", "1"},
		{"compression.lz4.level", "17", "17"},
		{"compression.zstd.level", "-131072", "-131072"},
		{"compression.zstd.level", "22", "22"},
		{"preallocate", "TRUE", "true"},
		{"preallocate", " False ", "false"},
		{"compression.type", " zstd ", "zstd"},
		{"compression.type", "uncompressed", "uncompressed"},
		{"message.timestamp.type", "LogAppendTime", "LogAppendTime"},
		{"cleanup.policy", "compact", "compact"},
		{"cleanup.policy", "compact,delete", "compact,delete"},
		{"cleanup.policy", " delete , compact ", "delete,compact"},
		{"cleanup.policy", "delete\t,\ncompact", "delete,compact"},
		{"cleanup.policy", "", ""},
		{"cleanup.policy", "  ", ""},
		{"leader.replication.throttled.replicas", "*", "*"},
		{"leader.replication.throttled.replicas", "0:1", "0:1"},
		{"leader.replication.throttled.replicas", "0:1, 1:2 ,10:20", "0:1,1:2,10:20"},
		{"leader.replication.throttled.replicas", "", ""},
		{"leader.replication.throttled.replicas", "0:1,", "0:1,"},
		{"leader.replication.throttled.replicas", ",*", ",*"},
		{"follower.replication.throttled.replicas", "0:1,0:1", "0:1,0:1"},
		{"min.cleanable.dirty.ratio", "0", "0.0"},
		{"min.cleanable.dirty.ratio", "-0", "-0.0"},
		{"min.cleanable.dirty.ratio", "1", "1.0"},
		{"min.cleanable.dirty.ratio", " 0.5 ", "0.5"},
		{"min.cleanable.dirty.ratio", ".25", "0.25"},
		{"min.cleanable.dirty.ratio", "1.", "1.0"},
		{"min.cleanable.dirty.ratio", "+1e-1", "0.1"},
		{"min.cleanable.dirty.ratio", "10E-2d", "0.1"},
		{"min.cleanable.dirty.ratio", "0.3f", "0.3"},
		{"min.cleanable.dirty.ratio", "0.001", "0.001"},
		{"min.cleanable.dirty.ratio", "0.00123", "0.00123"},
		{"min.cleanable.dirty.ratio", "0.0001", "1.0E-4"},
		{"min.cleanable.dirty.ratio", "0.000123", "1.23E-4"},
		{"min.cleanable.dirty.ratio", "1e-400", "0.0"},
		{"min.cleanable.dirty.ratio", "4.9e-324", "4.9E-324"},
		{"min.cleanable.dirty.ratio", "0.1000000000000000055511151231257827", "0.1"},
		{"min.cleanable.dirty.ratio", "0.30000000000000004", "0.30000000000000004"},
		{"min.cleanable.dirty.ratio", "0.9999999999999999", "0.9999999999999999"},
	};
	struct logstore_config *config = new_config();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_error err = {.code = 77};

		cr_assert_eq(ls_config_set(config, cases[i].name, cases[i].value, &err), 0, "%s=%s: %s",
		             cases[i].name, cases[i].value, err.text);
		cr_assert_eq(err.code, 77);
		cr_assert_str_eq(ls_config_get(config, cases[i].name), cases[i].want);
		cr_assert_eq(ls_config_set(config, cases[i].name, ls_config_get(config, cases[i].name), &err),
		             0);
		cr_assert_str_eq(ls_config_get(config, cases[i].name), cases[i].want, "stays as it is");
	}
	free_config(config);
}

Test(log_config, refusals_in_kafkas_words)
{
	static const struct {
		const char *name;
		const char *value;
		const char *want;
	} cases[] = {
		{"foo", "1", "Unknown topic config name: foo"},
		{"message.downconversion.enable", "true",
		 "Unknown topic config name: message.downconversion.enable"},
		{"message.format.version", "2.0", "Unknown topic config name: message.format.version"},
		{"Segment.bytes", "1048576", "Unknown topic config name: Segment.bytes"},
		{"segment.bytes", "14",
		 "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576"},
		{"segment.bytes", " +014 ",
		 "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576"},
		{"segment.bytes", "2147483648",
		 "Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT"},
		{"segment.bytes", "",
		 "Invalid value  for configuration segment.bytes: Not a number of type INT"},
		{"segment.ms", "abc",
		 "Invalid value abc for configuration segment.ms: Not a number of type LONG"},
		{"segment.ms", " 1 2 ",
		 "Invalid value  1 2  for configuration segment.ms: Not a number of type LONG"},
		{"segment.ms", "1.0",
		 "Invalid value 1.0 for configuration segment.ms: Not a number of type LONG"},
		{"segment.ms", "1L",
		 "Invalid value 1L for configuration segment.ms: Not a number of type LONG"},
		{"segment.ms", "0x10",
		 "Invalid value 0x10 for configuration segment.ms: Not a number of type LONG"},
		{"segment.ms", "9223372036854775808",
		 "Invalid value 9223372036854775808 for configuration segment.ms: Not a number of type LONG"},
		{"segment.ms", "0", "Invalid value 0 for configuration segment.ms: Value must be at least 1"},
		{"segment.jitter.ms", "-1",
		 "Invalid value -1 for configuration segment.jitter.ms: Value must be at least 0"},
		{"segment.index.bytes", "3",
		 "Invalid value 3 for configuration segment.index.bytes: Value must be at least 4"},
		{"index.interval.bytes", "-1",
		 "Invalid value -1 for configuration index.interval.bytes: Value must be at least 0"},
		{"internal.segment.bytes", "0",
		 "Invalid value 0 for configuration internal.segment.bytes: Value must be at least 1"},
		{"flush.messages", "0",
		 "Invalid value 0 for configuration flush.messages: Value must be at least 1"},
		{"flush.ms", "-1", "Invalid value -1 for configuration flush.ms: Value must be at least 0"},
		{"retention.ms", "-2",
		 "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
		{"retention.bytes", "x",
		 "Invalid value x for configuration retention.bytes: Not a number of type LONG"},
		{"max.message.bytes", "-1",
		 "Invalid value -1 for configuration max.message.bytes: Value must be at least 0"},
		{"delete.retention.ms", "-1",
		 "Invalid value -1 for configuration delete.retention.ms: Value must be at least 0"},
		{"min.compaction.lag.ms", "-1",
		 "Invalid value -1 for configuration min.compaction.lag.ms: Value must be at least 0"},
		{"max.compaction.lag.ms", "0",
		 "Invalid value 0 for configuration max.compaction.lag.ms: Value must be at least 1"},
		{"file.delete.delay.ms", "-1",
		 "Invalid value -1 for configuration file.delete.delay.ms: Value must be at least 0"},
		{"min.insync.replicas", "0",
		 "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"},
		{"message.timestamp.before.max.ms", "-1",
		 "Invalid value -1 for configuration message.timestamp.before.max.ms: Value must be at least "
		 "0"},
		{"message.timestamp.after.max.ms", "-1",
		 "Invalid value -1 for configuration message.timestamp.after.max.ms: Value must be at least "
		 "0"},
		{"local.retention.ms", "-3",
		 "Invalid value -3 for configuration local.retention.ms: Value must be at least -2"},
		{"local.retention.bytes", "-3",
		 "Invalid value -3 for configuration local.retention.bytes: Value must be at least -2"},
		{"remote.copy.lag.ms", "-2",
		 "Invalid value -2 for configuration remote.copy.lag.ms: Value must be at least -1"},
		{"remote.copy.lag.bytes", "-2",
		 "Invalid value -2 for configuration remote.copy.lag.bytes: Value must be at least -1"},
		{"compression.gzip.level", "0",
		 "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or "
		 "equal to -1"},
		{"compression.gzip.level", "10",
		 "Invalid value 10 for configuration compression.gzip.level: Value must be between 1 and 9 "
		 "or equal to -1"},
		{"compression.gzip.level", "-2",
		 "Invalid value -2 for configuration compression.gzip.level: Value must be between 1 and 9 "
		 "or equal to -1"},
		{"compression.lz4.level", "0",
		 "Invalid value 0 for configuration compression.lz4.level: Value must be at least 1"},
		{"compression.lz4.level", "18",
		 "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17"},
		{"compression.zstd.level", "-131073",
		 "Invalid value -131073 for configuration compression.zstd.level: Value must be at least "
		 "-131072"},
		{"compression.zstd.level", "23",
		 "Invalid value 23 for configuration compression.zstd.level: Value must be no more than 22"},
		{"compression.type", "none",
		 "Invalid value none for configuration compression.type: String must be one of: "
		 "uncompressed, zstd, lz4, "
		 "snappy, gzip, producer"},
		{"compression.type", "GZIP",
		 "Invalid value GZIP for configuration compression.type: String must be one of: "
		 "uncompressed, zstd, lz4, "
		 "snappy, gzip, producer"},
		{"compression.type", "",
		 "Invalid value  for configuration compression.type: String must be one of: uncompressed, "
		 "zstd, lz4, "
		 "snappy, gzip, producer"},
		{"message.timestamp.type", " createtime ",
		 "Invalid value createtime for configuration message.timestamp.type: String must be one of: "
		 "CreateTime, "
		 "LogAppendTime"},
		{"cleanup.policy", "foo",
		 "Invalid value foo for configuration cleanup.policy: String must be one of: compact, "
		 "delete"},
		{"cleanup.policy", "delete,foo",
		 "Invalid value foo for configuration cleanup.policy: String must be one of: compact, "
		 "delete"},
		{"cleanup.policy", "Delete",
		 "Invalid value Delete for configuration cleanup.policy: String must be one of: compact, "
		 "delete"},
		{"cleanup.policy", "delete,delete",
		 "Configuration 'cleanup.policy' values must not be duplicated."},
		{"cleanup.policy", "foo, foo",
		 "Configuration 'cleanup.policy' values must not be duplicated."},
		{"cleanup.policy", ",,", "Configuration 'cleanup.policy' values must not be duplicated."},
		{"cleanup.policy", "delete,", "Configuration 'cleanup.policy' values must not be empty."},
		{"cleanup.policy", " ,compact", "Configuration 'cleanup.policy' values must not be empty."},
		{"preallocate", "yes",
		 "Invalid value yes for configuration preallocate: Expected value to be either true or "
		 "false"},
		{"preallocate", "truth",
		 "Invalid value truth for configuration preallocate: Expected value to be either true or "
		 "false"},
		{"preallocate", "",
		 "Invalid value  for configuration preallocate: Expected value to be either true or false"},
		{"remote.storage.enable", "1",
		 "Invalid value 1 for configuration remote.storage.enable: Expected value to be either true "
		 "or false"},
		{"leader.replication.throttled.replicas", "0:1 ,x",
		 "Invalid value [0:1, x] for configuration leader.replication.throttled.replicas: "
		 "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the "
		 "following "
		 "format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."},
		{"leader.replication.throttled.replicas", "**", NULL},
		{"leader.replication.throttled.replicas", "*,*", NULL},
		{"leader.replication.throttled.replicas", "*,0:1", NULL},
		{"leader.replication.throttled.replicas", "0", NULL},
		{"leader.replication.throttled.replicas", "0:", NULL},
		{"leader.replication.throttled.replicas", ":0", NULL},
		{"leader.replication.throttled.replicas", "0:1:2", NULL},
		{"follower.replication.throttled.replicas", "-1:0", NULL},
		{"follower.replication.throttled.replicas", "0 :1", NULL},
		{"min.cleanable.dirty.ratio", "1.5",
		 "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than "
		 "1"},
		{"min.cleanable.dirty.ratio", "2",
		 "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than "
		 "1"},
		{"min.cleanable.dirty.ratio", "12345678",
		 "Invalid value 1.2345678E7 for configuration min.cleanable.dirty.ratio: Value must be no "
		 "more than 1"},
		{"min.cleanable.dirty.ratio", "1234567",
		 "Invalid value 1234567.0 for configuration min.cleanable.dirty.ratio: Value must be no more "
		 "than 1"},
		{"min.cleanable.dirty.ratio", "1000000",
		 "Invalid value 1000000.0 for configuration min.cleanable.dirty.ratio: Value must be no more "
		 "than 1"},
		{"min.cleanable.dirty.ratio", "1e7",
		 "Invalid value 1.0E7 for configuration min.cleanable.dirty.ratio: Value must be no more "
		 "than 1"},
		{"min.cleanable.dirty.ratio", "-12.25",
		 "Invalid value -12.25 for configuration min.cleanable.dirty.ratio: Value must be at least "
		 "0"},
		{"min.cleanable.dirty.ratio", "Infinity",
		 "Invalid value Infinity for configuration min.cleanable.dirty.ratio: Value must be no more "
		 "than 1"},
		{"min.cleanable.dirty.ratio", "-1e999",
		 "Invalid value -Infinity for configuration min.cleanable.dirty.ratio: Value must be at "
		 "least 0"},
		{"min.cleanable.dirty.ratio", "half",
		 "Invalid value half for configuration min.cleanable.dirty.ratio: Not a number of type "
		 "DOUBLE"},
		{"min.cleanable.dirty.ratio", "NaN",
		 "Invalid value NaN for configuration min.cleanable.dirty.ratio: Not a number of type "
		 "DOUBLE"},
		{"min.cleanable.dirty.ratio", "inf", NULL},
		{"min.cleanable.dirty.ratio", "0x1p-1", NULL},
		{"min.cleanable.dirty.ratio", "", NULL},
		{"min.cleanable.dirty.ratio", ".", NULL},
		{"min.cleanable.dirty.ratio", "+", NULL},
		{"min.cleanable.dirty.ratio", "0,5", NULL},
		{"min.cleanable.dirty.ratio", "0.5e", NULL},
		{"min.cleanable.dirty.ratio", "0.5e+", NULL},
		{"min.cleanable.dirty.ratio", "0.5x", NULL},
		{"min.cleanable.dirty.ratio", "0.5ff", NULL},
		{"min.cleanable.dirty.ratio", "0.5 5", NULL},
		{"min.cleanable.dirty.ratio", "--0.5", NULL},
	};
	struct logstore_config *config = new_config();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_error err = {0};
		const char *before = ls_config_get(config, cases[i].name);

		cr_assert_eq(ls_config_set(config, cases[i].name, cases[i].value, &err),
		             LOGSTORE_E_INVALID_CONFIG, "%s=%s", cases[i].name, cases[i].value);
		cr_assert_eq(err.code, LOGSTORE_E_INVALID_CONFIG);
		if (cases[i].want)
			cr_assert_str_eq(err.text, cases[i].want);
		cr_assert_eq(ls_config_get(config, cases[i].name), before, "unchanged");
		cr_assert_eq(ls_config_set(config, cases[i].name, cases[i].value, NULL),
		             LOGSTORE_E_INVALID_CONFIG);
	}
	free_config(config);
}

/* The reason stands behind the value and must not be cut off with it. */
Test(log_config, long_values)
{
	struct logstore_config *config = new_config();
	struct logstore_error err;
	char *value = malloc(40000);

	memset(value, 'x', 40000);
	value[32767] = '\0';
	cr_assert_eq(ls_config_set(config, "segment.ms", value, &err), LOGSTORE_E_INVALID_CONFIG);
	cr_assert(strstr(err.text, "xxx for configuration segment.ms: Not a number of type LONG"), "%s",
	          err.text);
	cr_assert_eq(ls_config_set(config, "leader.replication.throttled.replicas", value, &err),
	             LOGSTORE_E_INVALID_CONFIG);
	cr_assert(strstr(err.text, "must be the literal '*'"), "%s", err.text);
	memset(value, '7', 32767);
	memcpy(value, "0.", 2);
	cr_assert_eq(ls_config_set(config, "min.cleanable.dirty.ratio", value, &err), 0);
	cr_assert_str_eq(ls_config_get(config, "min.cleanable.dirty.ratio"), "0.7777777777777778");
	memset(value, ',', 32767);
	cr_assert_eq(ls_config_set(config, "leader.replication.throttled.replicas", value, &err), 0);
	cr_assert_str_eq(ls_config_get(config, "leader.replication.throttled.replicas"), value);
	cr_assert_eq(ls_config_set(config, "cleanup.policy", value, &err), LOGSTORE_E_INVALID_CONFIG);

	value[32767] = ',';
	value[32768] = '\0';
	cr_assert_eq(ls_config_set(config, "leader.replication.throttled.replicas", value, &err),
	             LOGSTORE_E_INVALID_CONFIG);
	cr_assert(strstr(err.text, "exceeds the maximum value size of 32767 bytes"), "%s", err.text);
	free(value);
	free_config(config);
}

Test(log_config, numbers_do_not_depend_on_the_locale)
{
	static const char *const comma_locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
	struct logstore_config *config = new_config();
	struct ls_log_config resolved;
	bool found = false;

	for (size_t i = 0; i < 4 && !found; i++)
		found = setlocale(LC_ALL, comma_locales[i]) != NULL;
	if (!found) {
		free_config(config);
		cr_skip("no locale with a decimal comma is installed");
	}
	cr_assert_eq(ls_config_set(config, "min.cleanable.dirty.ratio", "0.25", NULL), 0);
	cr_assert_str_eq(ls_config_get(config, "min.cleanable.dirty.ratio"), "0.25");
	cr_assert_eq(ls_log_config_resolve(config, &resolved, NULL), 0);
	cr_assert_eq(resolved.min_cleanable_dirty_ratio, 0.25);
	free_config(config);
}

Test(log_config, doubles_survive_as_text)
{
	struct ts_rng rng;
	struct ls_buf out;

	ts_alloc_init(&alloc);
	ts_rng_init(&rng, 70);
	ls_buf_init(&out, &alloc.ls);
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = ts_rng_next(&rng) & UINT64_C(0x3fefffffffffffff); /* 0 to just below 1 */
		char text[64];
		double value, back;

		memcpy(&value, &bits, sizeof value);
		snprintf(text, sizeof text, "%.17g", value);
		ls_buf_clear(&out);
		cr_assert_eq(ls_setting_check(&ls_settings[LS_SETTING_MIN_CLEANABLE_DIRTY_RATIO], text, &out,
		                              NULL),
		             0);
		cr_assert_eq(ls_setting_double((const char *)out.data, &back), 0);
		cr_assert(memcmp(&value, &back, sizeof value) == 0, "%s became %s", text,
		          (const char *)out.data);
		cr_assert_leq(strlen((const char *)out.data), 24);
	}
	ls_buf_fini(&out);
}

Test(log_config, taking_back_to_the_default)
{
	struct logstore_config *config = new_config();
	struct logstore_config_entry entry;
	struct logstore_error err;

	cr_assert_eq(ls_config_set(config, "retention.ms", "1000", NULL), 0);
	cr_assert_eq(ls_config_at(config, LS_SETTING_RETENTION_MS, &entry), 1);
	cr_assert(!entry.is_default && strcmp(entry.value, "1000") == 0);
	cr_assert_str_eq(entry.default_value, "604800000");
	cr_assert_eq(ls_config_set(config, "retention.ms", NULL, NULL), 0);
	cr_assert_str_eq(ls_config_get(config, "retention.ms"), "604800000");
	cr_assert_eq(ls_config_at(config, LS_SETTING_RETENTION_MS, &entry), 1);
	cr_assert(entry.is_default);
	cr_assert_eq(ls_config_set(config, "retention.ms", NULL, NULL), 0, "also when it is at its default");
	cr_assert_eq(ls_config_set(config, "foo", NULL, &err), LOGSTORE_E_INVALID_CONFIG);
	/* The default, given, is given. */
	cr_assert_eq(ls_config_set(config, "retention.ms", "604800000", NULL), 0);
	cr_assert_eq(ls_config_at(config, LS_SETTING_RETENTION_MS, &entry), 1);
	cr_assert(!entry.is_default);
	free_config(config);
}

Test(log_config, free_takes_nothing)
{
	cr_assert_null(ls_config_free(NULL));
}

Test(log_config, copy_and_merge)
{
	struct logstore_config *config = new_config(), *copy = NULL, *over = NULL;

	cr_assert_eq(ls_config_set(config, "retention.ms", "1", NULL), 0);
	cr_assert_eq(ls_config_set(config, "segment.ms", "2", NULL), 0);
	cr_assert_eq(ls_config_copy(&alloc.ls, config, &copy), 0);
	cr_assert_eq(ls_config_set(config, "retention.ms", "3", NULL), 0);
	cr_assert_str_eq(ls_config_get(copy, "retention.ms"), "1", "a copy stands alone");
	cr_assert_str_eq(ls_config_get(copy, "segment.ms"), "2");

	cr_assert_eq(ls_config_new(&alloc.ls, &over), 0);
	cr_assert_eq(ls_config_set(over, "segment.ms", "4", NULL), 0);
	cr_assert_eq(ls_config_set(over, "cleanup.policy", "", NULL), 0);
	cr_assert_eq(ls_config_merge(copy, over), 0);
	cr_assert_str_eq(ls_config_get(copy, "retention.ms"), "1", "what is not set in the upper one stays");
	cr_assert_str_eq(ls_config_get(copy, "segment.ms"), "4");
	cr_assert_str_eq(ls_config_get(copy, "cleanup.policy"), "", "an empty list is set");
	(void)ls_config_free(over);
	(void)ls_config_free(copy);
	free_config(config);
}

/* ---- logstore-config -------------------------------------------------------------------------------- */

static int parse_file(const char *text, size_t size, struct logstore_config **ret_config,
                      struct logstore_error *err)
{
	char *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, text, size);
	r = ls_config_file_parse(&alloc.ls, copy, size, ret_config, err);
	free(copy);
	return r;
}

Test(log_config, file_both_ways)
{
	static const char want[] = "# logstore-config 1\n"
				   "cleanup.policy=compact,delete\n"
				   "leader.replication.throttled.replicas=0\\:1,1\\:2\n"
				   "min.cleanable.dirty.ratio=0.1\n"
				   "retention.ms=-1\n";
	struct logstore_config *config = new_config(), *back = NULL;
	struct ls_buf out;

	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_config_set(config, "retention.ms", "-1", NULL), 0);
	cr_assert_eq(ls_config_set(config, "cleanup.policy", "compact, delete", NULL), 0);
	cr_assert_eq(ls_config_set(config, "min.cleanable.dirty.ratio", "1e-1", NULL), 0);
	cr_assert_eq(ls_config_set(config, "leader.replication.throttled.replicas", "0:1,1:2", NULL), 0);
	cr_assert_eq(ls_config_file_write(&out, config), 0);
	cr_assert_eq(out.size, sizeof want - 1, "%.*s", (int)out.size, (char *)out.data);
	cr_assert_arr_eq(out.data, want, out.size);
	cr_assert_eq(parse_file(want, sizeof want - 1, &back, NULL), 0);
	for (size_t i = 0; i < LS_SETTING_COUNT; i++) {
		struct logstore_config_entry a, b;

		cr_assert_eq(ls_config_at(config, i, &a), 1);
		cr_assert_eq(ls_config_at(back, i, &b), 1);
		cr_assert_str_eq(a.value, b.value);
		cr_assert_eq(a.is_default, b.is_default);
	}
	(void)ls_config_free(back);
	ls_buf_fini(&out);
	free_config(config);
}

Test(log_config, file_without_settings)
{
	struct logstore_config *config = new_config(), *back = NULL;
	struct ls_buf out;

	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_config_file_write(&out, config), 0);
	cr_assert_eq(out.size, strlen("# logstore-config 1\n"));
	cr_assert_eq(parse_file((char *)out.data, out.size, &back, NULL), 0);
	(void)ls_config_free(back);
	back = NULL;
	cr_assert_eq(parse_file("# logstore-config 1", 19, &back, NULL), 0,
	             "the final newline may be missing");
	(void)ls_config_free(back);
	back = NULL;
	cr_assert_eq(parse_file("# logstore-config 1\r\n! x\r\nretention.ms : 5\r\nretention.ms 6\r\n", 59,
	                        &back, NULL),
	             0);
	cr_assert_str_eq(ls_config_get(back, "retention.ms"), "6", "the last one counts");
	(void)ls_config_free(back);
	ls_buf_fini(&out);
	free_config(config);
}

Test(log_config, damaged_files)
{
	static const struct {
		const char *text;
		int code;
		int64_t position;
		const char *words;
	} cases[] = {
		{"", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"\n# logstore-config 1\n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config \n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config x\n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config 1 \n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config 0\n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config -1\n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"#logstore-config 1\n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"retention.ms=1\n", LOGSTORE_E_CORRUPT_FILE, 1, "line 1"},
		{"# logstore-config 2\nfrom.the.future=1\n", LOGSTORE_E_UNSUPPORTED_VERSION, 1, "version 2"},
		{"# logstore-config 1\n\nfoo=1\n", LOGSTORE_E_INVALID_CONFIG, 3,
		 "Unknown topic config name: foo"},
		{"# logstore-config 1\nretention.ms=-2\n", LOGSTORE_E_INVALID_CONFIG, 2, "at least -1"},
		{"# logstore-config 1\nretention.ms=1\nretention.ms\n", LOGSTORE_E_INVALID_CONFIG, 3,
		 "type LONG"},
		{"# logstore-config 1\nretention.ms=\\u00\n", LOGSTORE_E_CORRUPT_FILE, 2, "hexadecimal"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_config *config = NULL;
		struct logstore_error err;

		ts_alloc_init(&alloc);
		cr_assert_eq(parse_file(cases[i].text, strlen(cases[i].text), &config, &err), cases[i].code,
		             "%s", cases[i].text);
		cr_assert_eq(err.code, cases[i].code);
		cr_assert_eq(err.position, cases[i].position, "%s", cases[i].text);
		cr_assert(strstr(err.text, cases[i].words), "%s: %s", cases[i].text, err.text);
		cr_assert_null(config);
		cr_assert_eq(parse_file(cases[i].text, strlen(cases[i].text), &config, NULL), cases[i].code);
		cr_assert_eq(alloc.outstanding, 0);
	}
}

Test(log_config, a_file_of_zeros)
{
	struct logstore_config *config = NULL;
	struct logstore_error err;
	char text[64] = "# logstore-config 1\n";

	ts_alloc_init(&alloc);
	cr_assert_eq(parse_file(text, sizeof text, &config, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 2);
	memset(text, 0, sizeof text);
	cr_assert_eq(parse_file(text, sizeof text, &config, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 1);
	cr_assert_eq(alloc.outstanding, 0);
}

/* ---- Resolved --------------------------------------------------------------------------------------- */

Test(log_config, resolved_defaults)
{
	struct logstore_config *config = new_config();
	struct ls_log_config from_set, d;

	cr_assert_eq(ls_log_config_resolve(NULL, &d, NULL), 0);
	cr_assert_eq(d.segment_bytes, INT64_C(1) << 30);
	cr_assert_eq(d.segment_ms, INT64_C(7) * 24 * 3600 * 1000);
	cr_assert_eq(d.segment_jitter_ms, 0);
	cr_assert_eq(d.segment_index_bytes, 10 << 20);
	cr_assert_eq(d.index_interval_bytes, 4096);
	cr_assert_eq(d.flush_messages, INT64_MAX);
	cr_assert_eq(d.flush_ms, INT64_MAX);
	cr_assert_eq(d.retention_bytes, -1);
	cr_assert_eq(d.retention_ms, INT64_C(7) * 24 * 3600 * 1000);
	cr_assert_eq(d.max_message_bytes, (1 << 20) + 12);
	cr_assert_eq(d.delete_retention_ms, 24 * 3600 * 1000);
	cr_assert_eq(d.min_compaction_lag_ms, 0);
	cr_assert_eq(d.max_compaction_lag_ms, INT64_MAX);
	cr_assert_eq(d.min_cleanable_dirty_ratio, 0.5);
	cr_assert_eq(d.file_delete_delay_ms, 60000);
	cr_assert_eq(d.cleanup_policy, LS_CLEANUP_DELETE);
	cr_assert_eq(d.compression_type, LS_COMPRESSION_PRODUCER);
	cr_assert_eq(d.compression_level[LOGSTORE_CODEC_NONE], LOGSTORE_LEVEL_DEFAULT);
	cr_assert_eq(d.compression_level[LOGSTORE_CODEC_GZIP], LOGSTORE_LEVEL_DEFAULT);
	cr_assert_eq(d.compression_level[LOGSTORE_CODEC_SNAPPY], LOGSTORE_LEVEL_DEFAULT);
	cr_assert_eq(d.compression_level[LOGSTORE_CODEC_LZ4], 9);
	cr_assert_eq(d.compression_level[LOGSTORE_CODEC_ZSTD], 3);
	cr_assert_eq(d.timestamp_type, LOGSTORE_CREATE_TIME);
	cr_assert_eq(d.timestamp_before_max_ms, INT64_MAX);
	cr_assert_eq(d.timestamp_after_max_ms, 3600000);
	cr_assert(!d.preallocate);
	cr_assert_eq(ls_log_config_resolve(config, &from_set, NULL), 0);
	cr_assert_eq(from_set.segment_bytes, d.segment_bytes);
	cr_assert_eq(from_set.retention_ms, d.retention_ms);
	free_config(config);
}

Test(log_config, every_resolved_value_comes_from_its_setting)
{
	static const char *const settings[][2] = {
		{"segment.bytes", "1048577"},
		{"segment.ms", "102"},
		{"segment.jitter.ms", "103"},
		{"segment.index.bytes", "104"},
		{"index.interval.bytes", "105"},
		{"flush.messages", "106"},
		{"flush.ms", "107"},
		{"retention.bytes", "108"},
		{"retention.ms", "109"},
		{"max.message.bytes", "110"},
		{"delete.retention.ms", "111"},
		{"min.compaction.lag.ms", "112"},
		{"max.compaction.lag.ms", "113"},
		{"min.cleanable.dirty.ratio", "0.114"},
		{"file.delete.delay.ms", "115"},
		{"cleanup.policy", "compact,delete"},
		{"compression.type", "lz4"},
		{"compression.gzip.level", "7"},
		{"compression.lz4.level", "12"},
		{"compression.zstd.level", "-5"},
		{"message.timestamp.type", "LogAppendTime"},
		{"message.timestamp.before.max.ms", "116"},
		{"message.timestamp.after.max.ms", "117"},
		{"preallocate", "true"},
	};
	struct logstore_config *config = new_config();
	struct ls_log_config c;

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		cr_assert_eq(ls_config_set(config, settings[i][0], settings[i][1], NULL), 0, "%s",
		             settings[i][0]);
	cr_assert_eq(ls_log_config_resolve(config, &c, NULL), 0);
	cr_assert_eq(c.segment_bytes, 1048577);
	cr_assert_eq(c.segment_ms, 102);
	cr_assert_eq(c.segment_jitter_ms, 103);
	cr_assert_eq(c.segment_index_bytes, 104);
	cr_assert_eq(c.index_interval_bytes, 105);
	cr_assert_eq(c.flush_messages, 106);
	cr_assert_eq(c.flush_ms, 107);
	cr_assert_eq(c.retention_bytes, 108);
	cr_assert_eq(c.retention_ms, 109);
	cr_assert_eq(c.max_message_bytes, 110);
	cr_assert_eq(c.delete_retention_ms, 111);
	cr_assert_eq(c.min_compaction_lag_ms, 112);
	cr_assert_eq(c.max_compaction_lag_ms, 113);
	cr_assert_eq(c.min_cleanable_dirty_ratio, 0.114);
	cr_assert_eq(c.file_delete_delay_ms, 115);
	cr_assert_eq(c.cleanup_policy, (unsigned)LS_CLEANUP_DELETE | LS_CLEANUP_COMPACT);
	cr_assert_eq(c.compression_type, LOGSTORE_CODEC_LZ4);
	cr_assert_eq(c.compression_level[LOGSTORE_CODEC_GZIP], 7);
	cr_assert_eq(c.compression_level[LOGSTORE_CODEC_LZ4], 12);
	cr_assert_eq(c.compression_level[LOGSTORE_CODEC_ZSTD], -5);
	cr_assert_eq(c.timestamp_type, LOGSTORE_LOG_APPEND_TIME);
	cr_assert_eq(c.timestamp_before_max_ms, 116);
	cr_assert_eq(c.timestamp_after_max_ms, 117);
	cr_assert(c.preallocate);

	cr_assert_eq(ls_config_set(config, "internal.segment.bytes", "4200", NULL), 0);
	cr_assert_eq(ls_config_set(config, "retention.bytes", "-7", NULL), 0);
	cr_assert_eq(ls_log_config_resolve(config, &c, NULL), 0);
	cr_assert_eq(c.segment_bytes, 4200, "wins over segment.bytes");
	cr_assert_eq(c.retention_bytes, -1, "any negative number is unlimited");
	free_config(config);
}

Test(log_config, words_become_values)
{
	static const struct {
		const char *name;
		int type;
	} codecs[] = {
		{"producer", LS_COMPRESSION_PRODUCER}, {"uncompressed", LOGSTORE_CODEC_NONE},
		{"gzip", LOGSTORE_CODEC_GZIP},         {"snappy", LOGSTORE_CODEC_SNAPPY},
		{"lz4", LOGSTORE_CODEC_LZ4},           {"zstd", LOGSTORE_CODEC_ZSTD},
	};
	static const struct {
		const char *text;
		unsigned policy;
	} policies[] = {
		{"", 0},
		{"delete", LS_CLEANUP_DELETE},
		{"compact", LS_CLEANUP_COMPACT},
		{"delete,compact", LS_CLEANUP_DELETE | LS_CLEANUP_COMPACT},
	};
	struct logstore_config *config = new_config();
	struct ls_log_config resolved;

	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
		cr_assert_eq(ls_config_set(config, "compression.type", codecs[i].name, NULL), 0);
		cr_assert_eq(ls_log_config_resolve(config, &resolved, NULL), 0);
		cr_assert_eq(resolved.compression_type, codecs[i].type);
	}
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		cr_assert_eq(ls_config_set(config, "cleanup.policy", policies[i].text, NULL), 0);
		cr_assert_eq(ls_log_config_resolve(config, &resolved, NULL), 0);
		cr_assert_eq(resolved.cleanup_policy, policies[i].policy);
	}
	free_config(config);
}

struct pair {
	const char *name;
	const char *value;
};

/* Settings that are each fine; what resolving them says, or NULL if they agree. */
static void assert_agreement(const struct pair *pairs, const char *want)
{
	struct logstore_config *config = new_config();
	struct ls_log_config resolved = {.segment_ms = -77};
	struct logstore_error err = {0};
	int r;

	for (size_t i = 0; pairs[i].name; i++)
		cr_assert_eq(ls_config_set(config, pairs[i].name, pairs[i].value, NULL), 0, "%s",
		             pairs[i].name);
	r = ls_log_config_resolve(config, &resolved, &err);
	cr_assert_eq(r, want ? LOGSTORE_E_INVALID_CONFIG : 0, "%s: %s", pairs[0].name, err.text);
	cr_assert_eq(err.code, r);
	cr_assert_str_eq(err.text, want ? want : "");
	cr_assert_eq(resolved.segment_ms == -77, want != NULL, "output untouched on failure");
	free_config(config);
}

#define PAIRS(...) ((const struct pair[]){__VA_ARGS__, {NULL, NULL}})

Test(log_config, lags_against_each_other)
{
	assert_agreement(PAIRS({"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "10"}), NULL);
	assert_agreement(
		PAIRS({"min.compaction.lag.ms", "11"}, {"max.compaction.lag.ms", "10"}),
		"conflict topic config setting min.compaction.lag.ms (11) > max.compaction.lag.ms (10)");
}

#define TIERED                                                                                               \
	{                                                                                                    \
		"remote.storage.enable", "true"                                                              \
	}

Test(log_config, local_retention_against_retention)
{
	/* Without tiering nobody asks. */
	assert_agreement(PAIRS({"retention.ms", "10"}, {"local.retention.ms", "11"}), NULL);
	assert_agreement(PAIRS(TIERED), NULL);
	assert_agreement(PAIRS(TIERED, {"retention.ms", "10"}, {"local.retention.ms", "10"}), NULL);
	assert_agreement(PAIRS(TIERED, {"retention.ms", "-1"}, {"local.retention.ms", "-1"}), NULL);
	assert_agreement(PAIRS(TIERED, {"retention.ms", "-1"}, {"local.retention.ms", "11"}), NULL);
	assert_agreement(PAIRS(TIERED, {"retention.ms", "10"}, {"local.retention.ms", "11"}),
	                 "Invalid value 11 for configuration local.retention.ms: Value must not be more than "
	                 "retention.ms "
	                 "property value: 10");
	assert_agreement(
		PAIRS(TIERED, {"retention.ms", "10"}, {"local.retention.ms", "-1"}),
		"Invalid value -1 for configuration local.retention.ms: Value must not be -1 as retention.ms "
		"value is set as 10.");
	assert_agreement(PAIRS(TIERED, {"retention.bytes", "10"}, {"local.retention.bytes", "10"}), NULL);
	assert_agreement(
		PAIRS(TIERED, {"retention.bytes", "10"}, {"local.retention.bytes", "11"}),
		"Invalid value 11 for configuration local.retention.bytes: Value must not be more than "
		"retention.bytes property value: 10");
	assert_agreement(PAIRS(TIERED, {"retention.bytes", "10"}, {"local.retention.bytes", "-1"}),
	                 "Invalid value -1 for configuration local.retention.bytes: Value must not be -1 as "
	                 "retention.bytes value is set as 10.");
}

Test(log_config, other_rules_of_tiering)
{
	static const char policy[] = "Remote log storage only supports topics with cleanup.policy=delete or "
				     "cleanup.policy being an empty list.";

	assert_agreement(PAIRS(TIERED, {"cleanup.policy", ""}), NULL);
	assert_agreement(PAIRS(TIERED, {"cleanup.policy", "compact"}), policy);
	assert_agreement(PAIRS(TIERED, {"cleanup.policy", "delete,compact"}), policy);

	assert_agreement(PAIRS(TIERED, {"remote.copy.lag.ms", "604800000"}), NULL);
	assert_agreement(
		PAIRS(TIERED, {"remote.copy.lag.ms", "604800001"}),
		"Invalid value 604800001 for configuration remote.copy.lag.ms: Value must not exceed "
		"local.retention.ms (effective value: 604800000)");
	assert_agreement(PAIRS(TIERED, {"remote.copy.lag.ms", "6"}, {"local.retention.ms", "5"}),
	                 "Invalid value 6 for configuration remote.copy.lag.ms: Value must not exceed "
	                 "local.retention.ms "
	                 "(effective value: 5)");
	assert_agreement(PAIRS(TIERED, {"remote.copy.lag.ms", "-1"}, {"local.retention.ms", "5"}), NULL);
	assert_agreement(PAIRS(TIERED, {"remote.copy.lag.bytes", "6"}), NULL);
	assert_agreement(PAIRS(TIERED, {"remote.copy.lag.bytes", "6"}, {"local.retention.bytes", "5"}),
	                 "Invalid value 6 for configuration remote.copy.lag.bytes: Value must not exceed "
	                 "local.retention.bytes (effective value: 5)");

	assert_agreement(PAIRS(TIERED, {"remote.log.copy.disable", "true"}), NULL);
	assert_agreement(
		PAIRS(TIERED, {"remote.log.copy.disable", "true"}, {"local.retention.ms", "604800000"}),
		NULL);
	assert_agreement(
		PAIRS(TIERED, {"remote.log.copy.disable", "true"}, {"local.retention.ms", "5"}),
		"When `remote.log.copy.disable` is set to true, the `local.retention.ms` and `retention.ms` "
	        "must "
		"be set to the identical value because there will be no more logs copied to the remote "
		"storage.");
	assert_agreement(PAIRS(TIERED, {"remote.log.copy.disable", "true"}, {"local.retention.bytes", "5"}),
	                 "When `remote.log.copy.disable` is set to true, the `local.retention.bytes` and "
	                 "`retention.bytes` must be set to the identical value because there will be no more "
	                 "logs copied "
	                 "to the remote storage.");
}

/* ---- Memory ----------------------------------------------------------------------------------------- */

static int run_everything(void)
{
	static const char text[] = "# logstore-config 1\nretention.ms=5\nmin.cleanable.dirty.ratio=0.25\n";
	struct logstore_config *config = NULL, *copy = NULL;
	struct logstore_error err = {0};
	struct ls_buf out;
	int r;

	ls_buf_init(&out, &alloc.ls);
	r = ls_config_file_parse(&alloc.ls, text, sizeof text - 1, &config, &err);
	if (r == 0)
		r = ls_config_set(config, "segment.ms", "1", &err);
	if (r == 0)
		r = ls_config_set(config, "segment.ms", "22", &err);
	cr_assert(r == 0 || err.code == r, "an error says what it is");
	if (r == 0)
		r = ls_config_copy(&alloc.ls, config, &copy);
	if (r == 0)
		r = ls_config_merge(copy, config);
	if (r == 0) {
		r = ls_config_file_write(&out, copy);
		cr_assert(r == 0 || out.size == 0, "all or nothing");
	}
	ls_buf_fini(&out);
	(void)ls_config_free(copy);
	(void)ls_config_free(config);
	return r;
}

Test(log_config, allocation_failures)
{
	long n = 0;
	int r;

	do {
		ts_alloc_init(&alloc);
		alloc.fail_at = ++n;
		r = run_everything();
		cr_assert_eq(r, ts_alloc_failed(&alloc) ? -ENOMEM : 0, "request %ld", n);
		cr_assert_eq(alloc.outstanding, 0, "request %ld", n);
	} while (r < 0);
	cr_assert_gt(n, 15);
}

Test(log_config, a_failed_set_changes_nothing)
{
	struct logstore_config *config = new_config();
	struct logstore_error err;

	cr_assert_eq(ls_config_set(config, "segment.ms", "5", NULL), 0);
	for (long n = 1; n <= 2; n++) {
		alloc.fail_at = alloc.requests + n;
		cr_assert_eq(ls_config_set(config, "segment.ms", "6", &err), -ENOMEM);
		cr_assert_str_eq(ls_config_get(config, "segment.ms"), "5");
	}
	alloc.fail_at = 0;
	cr_assert_eq(ls_config_set(config, "segment.ms", "6", &err), 0);
	free_config(config);
}

/* ---- docs/configuration.md -------------------------------------------------------------------------- */

static void range_text(const struct ls_setting *setting, char text[128])
{
	size_t length = 0;

	text[0] = '\0';
	switch (setting->rule) {
	case LS_RULE_NONE:
		break;
	case LS_RULE_AT_LEAST:
		snprintf(text, 128, "%" PRId64 " or more", setting->min);
		break;
	case LS_RULE_BETWEEN:
		snprintf(text, 128, "%" PRId64 " to %" PRId64, setting->min, setting->max);
		break;
	case LS_RULE_LEVEL:
		snprintf(text, 128, "%" PRId64 " to %" PRId64 ", or -1", setting->min, setting->max);
		break;
	case LS_RULE_CHOICE:
		for (size_t i = 0; setting->choices[i]; i++)
			length += (size_t)snprintf(text + length, 128 - length, "%s%s", i > 0 ? ", " : "",
			                           setting->choices[i]);
		break;
	case LS_RULE_REPLICAS:
		snprintf(text, 128, "`*`, or partition:broker items");
		break;
	}
}

/* The table in the documentation says what the table in the code says. */
Test(log_config, documentation)
{
	const char *root = getenv("LOGSTORE_SOURCE_ROOT");
	char path[512], row[1024];
	size_t size, rows = 0;
	char *text;

	if (!root)
		cr_skip("LOGSTORE_SOURCE_ROOT is not set");
	snprintf(path, sizeof path, "%s/docs/configuration.md", root);
	text = (char *)ts_read_file(path, &size);
	for (int i = 0; i < LS_SETTING_COUNT; i++) {
		const struct ls_setting *setting = &ls_settings[i];
		const char *value = setting->default_value;
		char range[128], shown[64];

		range_text(setting, range);
		if (!value)
			snprintf(shown, sizeof shown, "not set");
		else if (value[0] == '\0')
			snprintf(shown, sizeof shown, "empty");
		else
			snprintf(shown, sizeof shown, "`%s`", value);
		snprintf(row, sizeof row, "| `%s` | %s | %s | %s | %s |\n", setting->name,
		         ls_setting_type_name(setting->type), range, shown, setting->documentation);
		cr_assert(strstr(text, row), "missing: %s", row);
	}
	for (const char *p = strstr(text, "\n| `"); p; p = strstr(p + 1, "\n| `"))
		rows++;
	cr_assert_eq(rows, LS_SETTING_COUNT, "no other rows");
	free(text);
}
