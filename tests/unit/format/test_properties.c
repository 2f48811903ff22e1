/* Java properties and partition.metadata: both ways, each kind of damage, and all that Kafka wrote. */
#include <criterion/criterion.h>

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/names.h"
#include "format/properties.h"
#include "format/uuid.h"
#include "testlib.h"

TestSuite(properties, .fini = ts_check_leaks);

#define PROPERTIES_MAX 32
#define WORD_MAX 256

struct seen {
	size_t count;
	size_t stop_at; /* property, from 1, at which the callback ends the walk; 0: never */
	int stop_code;
	struct {
		uint64_t line;
		char name[WORD_MAX];
		char value[WORD_MAX];
	} properties[PROPERTIES_MAX];
};

static int take(void *arg, uint64_t line, const char *name, const char *value)
{
	struct seen *seen = arg;

	cr_assert_lt(seen->count, PROPERTIES_MAX);
	cr_assert(strlen(name) < WORD_MAX && strlen(value) < WORD_MAX);
	seen->properties[seen->count].line = line;
	strcpy(seen->properties[seen->count].name, name);
	strcpy(seen->properties[seen->count].value, value);
	seen->count++;
	return seen->count == seen->stop_at ? seen->stop_code : 0;
}

/* Parses a copy that ends exactly where the text ends, so that reading past it is seen. */
static int parse(const char *text, size_t size, struct seen *seen, struct logstore_error *err)
{
	struct ts_alloc alloc;
	char *copy = malloc(size ? size : 1);
	int r;

	ts_alloc_init(&alloc);
	memcpy(copy, text, size);
	r = ls_properties_parse(&alloc.ls, copy, size, take, seen, err);
	free(copy);
	cr_assert_eq(alloc.outstanding, 0);
	return r;
}

static void assert_one(const char *text, const char *name, const char *value)
{
	struct logstore_error err;
	struct seen seen = {0};

	cr_assert_eq(parse(text, strlen(text), &seen, &err), 0, "%s: %s", text, err.text);
	cr_assert_eq(seen.count, 1, "%s", text);
	cr_assert_str_eq(seen.properties[0].name, name, "%s", text);
	cr_assert_str_eq(seen.properties[0].value, value, "%s", text);
}

Test(properties, separators)
{
	assert_one("a=b", "a", "b");
	assert_one("a=b\n", "a", "b");
	assert_one("a:b", "a", "b");
	assert_one("a b", "a", "b");
	assert_one("a\tb", "a", "b");
	assert_one("a\fb", "a", "b");
	assert_one("a = b", "a", "b");
	assert_one("a :b", "a", "b");
	assert_one("a  =  b c ", "a", "b c ");
	assert_one("a==b", "a", "=b");
	assert_one("a=:b", "a", ":b");
	assert_one("a = = b", "a", "= b");
	assert_one("a", "a", "");
	assert_one("a=", "a", "");
	assert_one("a ", "a", "");
	assert_one("=b", "", "b");
	assert_one(":", "", "");
	assert_one("  a=b", "a", "b");
	assert_one("\t\f a=b", "a", "b");
	assert_one("a=b#c", "a", "b#c");
	assert_one("a=b!c", "a", "b!c");
}

Test(properties, escapes)
{
	assert_one("a\\=b=c", "a=b", "c");
	assert_one("a\\:b c", "a:b", "c");
	assert_one("a\\ b c", "a b", "c");
	assert_one("\\#a=b", "#a", "b");
	assert_one("a=\\tb\\nc\\rd\\fe", "a", "\tb\nc\rd\fe");
	assert_one("a=\\b\\z\\\"\\'", "a", "bz\"'");
	assert_one("a=\\\\", "a", "\\");
	assert_one("a=\\ b", "a", " b");
	assert_one("a=\\u0041\\u00e4\\u20AC", "a", "A\xc3\xa4\xe2\x82\xac");
	assert_one("\\u0061=\\u0062c", "a", "bc");
	assert_one("a=\\ud83d\\ude00", "a", "\xf0\x9f\x98\x80");
	assert_one("a=\xe4\xff", "a", "\xc3\xa4\xc3\xbf"); /* ISO-8859-1 */
	assert_one("a=\\\xe4", "a", "\xc3\xa4");
	assert_one("a=\\u007f\\u07ff\\uffff", "a", "\x7f\xdf\xbf\xef\xbf\xbf");
}

Test(properties, continued_lines)
{
	assert_one("a=b\\\nc", "a", "bc");
	assert_one("a=b\\\n   c", "a", "bc");
	assert_one("a=b\\\r\n\tc\r\n", "a", "bc");
	assert_one("a=b\\\rc\r", "a", "bc");
	assert_one("a\\\n=b", "a", "b");
	assert_one("a=b\\\\\\\nc", "a", "b\\c");
	assert_one("a=b\\\n# c", "a", "b# c"); /* no comment: the line has begun */
	assert_one("a=b\\\n", "a", "b");
	assert_one("a=b\\", "a", "b");
	assert_one("a=b\\\n\n", "a", "b");
	assert_one("a=\\\n\\\n\\\nb", "a", "b");
}

Test(properties, lines_are_counted_and_comments_skipped)
{
	static const char text[] = "# first\n\n  ! second \\\na=1\r\n\r\nb=2\\\n2\n \t\nc=3\rd=4";
	static const struct {
		uint64_t line;
		const char *name;
		const char *value;
	} want[] = {{4, "a", "1"}, {6, "b", "22"}, {9, "c", "3"}, {10, "d", "4"}};
	struct seen seen = {0};

	cr_assert_eq(parse(text, sizeof text - 1, &seen, NULL), 0);
	cr_assert_eq(seen.count, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(seen.properties[i].line, want[i].line, "%zu: %" PRIu64, i,
		             seen.properties[i].line);
		cr_assert_str_eq(seen.properties[i].name, want[i].name);
		cr_assert_str_eq(seen.properties[i].value, want[i].value);
	}
}

Test(properties, nothing_to_deliver)
{
	static const char *const texts[] = {"",   "\n",   "# a=b",    "!",    "  \t\f\r\n\r",
	                                    "\\", "\\\n", "\\\n\\\n", "#\\\n"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct seen seen = {0};

		cr_assert_eq(parse(texts[i], strlen(texts[i]), &seen, NULL), 0, "case %zu", i);
		cr_assert_eq(seen.count, 0, "case %zu", i);
	}
}

Test(properties, damage)
{
	static const struct {
		const char *text;
		size_t size;
		int64_t line;
		size_t delivered;
		const char *words;
	} cases[] = {
		{"a=1\nb=\\u", 8, 2, 1, "hexadecimal"},
		{"a=\\u12", 6, 1, 0, "hexadecimal"},
		{"a=\\u123", 7, 1, 0, "hexadecimal"},
		{"a=\\u123g\n", 9, 1, 0, "hexadecimal"},
		{"a=\\u 123\n", 9, 1, 0, "hexadecimal"},
		{"\n\na\\uwxyz=1", 11, 3, 0, "hexadecimal"},
		{"a=1\\\n\\u12", 9, 1, 0, "hexadecimal"}, /* the logical line begins in line 1 */
		{"a=\\ud83d", 8, 1, 0, "surrogate"},
		{"a=\\ud83dx", 9, 1, 0, "surrogate"},
		{"a=\\ude00", 8, 1, 0, "surrogate"},
		{"a=\\ud83d\\u0041", 14, 1, 0, "surrogate"},
		{"a=\\ud83d\\ud83d\\ude00", 20, 1, 0, "surrogate"},
		{"a=\\u0000", 8, 1, 0, "\\u0000"},
		{"a=1\nb=\0\n", 8, 2, 1, "NUL"},
		{"a=1\n#\0\n", 7, 2, 1, "NUL"},
		{"\0\0\0\0\0\0", 6, 1, 0, "NUL"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_error err;
		struct seen seen = {0};

		cr_assert_eq(parse(cases[i].text, cases[i].size, &seen, &err), LOGSTORE_E_CORRUPT_FILE,
		             "case %zu", i);
		cr_assert_eq(err.position, cases[i].line, "case %zu", i);
		cr_assert(strstr(err.text, cases[i].words), "case %zu: %s", i, err.text);
		cr_assert_eq(seen.count, cases[i].delivered, "case %zu", i);
	}
}

Test(properties, the_callback_ends_the_walk)
{
	struct logstore_error err = {.code = 77};
	struct seen seen = {.stop_at = 2, .stop_code = -ECANCELED};

	cr_assert_eq(parse("a=1\nb=2\nc=\\u\n", 13, &seen, &err), -ECANCELED);
	cr_assert_eq(seen.count, 2);
	cr_assert_eq(err.code, 77);
	seen = (struct seen){.stop_at = 1, .stop_code = 3};
	cr_assert_eq(parse("a=1\nb=2\n", 8, &seen, &err), 3, "positive results too");
}

Test(properties, written_forms)
{
	static const struct {
		const char *name;
		const char *value;
		const char *want;
	} cases[] = {
		{"a", "b", "a=b\n"},
		{"a b", "c d", "a\\ b=c d\n"},
		{" a", "  b", "\\ a=\\  b\n"},
		{"a=b:c#d!e\\", "f=g:h#i!j\\", "a\\=b\\:c\\#d\\!e\\\\=f\\=g\\:h\\#i\\!j\\\\\n"},
		{"", "", "=\n"},
		{"a", "\t\n\r\f", "a=\\t\\n\\r\\f\n"},
		{"a", "\x01\x1f\x7f", "a=\\u0001\\u001F\\u007F\n"},
		{"\xc3\xa4", "\xe2\x82\xac", "\\u00E4=\\u20AC\n"},
		{"a", "\xf0\x9f\x98\x80", "a=\\uD83D\\uDE00\n"},
		{"leader.replication.throttled.replicas", "0:1,1:2",
		 "leader.replication.throttled.replicas=0\\:1,1\\:2\n"},
		/* No UTF-8: each byte counts as the character of its number. */
		{"a", "\xff\xc3", "a=\\u00FF\\u00C3\n"},
		{"a", "\xc3(", "a=\\u00C3(\n"},
		{"a", "\xed\xa0\x80", "a=\\u00ED\\u00A0\\u0080\n"},
		{"a", "\xc0\x80", "a=\\u00C0\\u0080\n"},
		{"a", "\xf4\x90\x80\x80", "a=\\u00F4\\u0090\\u0080\\u0080\n"},
		{"a", "\x80", "a=\\u0080\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ts_alloc alloc;
		struct ls_buf out;

		ts_alloc_init(&alloc);
		ls_buf_init(&out, &alloc.ls);
		cr_assert_eq(ls_property_write(&out, cases[i].name, cases[i].value), 0);
		cr_assert_eq(out.size, strlen(cases[i].want), "case %zu: %.*s", i, (int)out.size,
		             (char *)out.data);
		cr_assert_arr_eq(out.data, cases[i].want, out.size, "case %zu: %.*s", i, (int)out.size,
		                 (char *)out.data);
		ls_buf_fini(&out);
	}
}

/* Random text of every length of UTF-8, often with characters that need an escape. */
static void random_word(struct ts_rng *rng, char word[WORD_MAX])
{
	static const char *const pieces[] = {"a",
	                                     "Z",
	                                     "0",
	                                     ".",
	                                     "-",
	                                     " ",
	                                     "=",
	                                     ":",
	                                     "#",
	                                     "!",
	                                     "\\",
	                                     "\t",
	                                     "\n",
	                                     "\r",
	                                     "\f",
	                                     "\x01",
	                                     "u1",
	                                     "\"",
	                                     "\xc3\xa4",
	                                     "\xe2\x82\xac",
	                                     "\xf0\x9f\x98\x80",
	                                     "\x7f"};
	size_t count = ts_rng_below(rng, 12);

	word[0] = '\0';
	for (size_t i = 0; i < count; i++)
		strcat(word, pieces[ts_rng_below(rng, sizeof pieces / sizeof *pieces)]);
}

Test(properties, round_trips)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 60);
	for (int i = 0; i < 3000; i++) {
		size_t count = 1 + ts_rng_below(&rng, 5);
		struct seen want = {.count = count}, seen = {0};
		struct ts_alloc alloc;
		struct ls_buf out;

		ts_alloc_init(&alloc);
		ls_buf_init(&out, &alloc.ls);
		for (size_t p = 0; p < count; p++) {
			random_word(&rng, want.properties[p].name);
			random_word(&rng, want.properties[p].value);
			cr_assert_eq(
				ls_property_write(&out, want.properties[p].name, want.properties[p].value),
				0);
		}
		cr_assert_eq(parse((const char *)out.data, out.size, &seen, NULL), 0);
		cr_assert_eq(seen.count, count);
		for (size_t p = 0; p < count; p++) {
			cr_assert_eq(seen.properties[p].line, p + 1);
			cr_assert_str_eq(seen.properties[p].name, want.properties[p].name);
			cr_assert_str_eq(seen.properties[p].value, want.properties[p].value);
		}
		ls_buf_fini(&out);
	}
}

static int ignore(void *arg, uint64_t line, const char *name, const char *value)
{
	(void)line;
	(void)name;
	(void)value;
	*(size_t *)arg += 1;
	return 0;
}

Test(properties, allocation_failures)
{
	struct ts_alloc alloc;
	char text[2100];
	long n = 0;
	int r;

	memset(text, 'x', sizeof text);
	memcpy(text, "a=1\nb=\\\n", 8);
	do {
		struct logstore_error err = {0};
		size_t count = 0;

		ts_alloc_init(&alloc);
		alloc.fail_at = ++n;
		r = ls_properties_parse(&alloc.ls, text, sizeof text, ignore, &count, &err);
		cr_assert_eq(r, ts_alloc_failed(&alloc) ? -ENOMEM : 0);
		cr_assert_eq(err.code, r);
		cr_assert_eq(count < 2, r < 0);
		cr_assert_eq(alloc.outstanding, 0);
	} while (r < 0);
	cr_assert_gt(n, 3);

	n = 0;
	do {
		struct ls_buf out;

		ts_alloc_init(&alloc);
		alloc.fail_at = ++n;
		ls_buf_init(&out, &alloc.ls);
		text[sizeof text - 1] = '\0';
		r = ls_property_write(&out, text, text);
		cr_assert_eq(r, ts_alloc_failed(&alloc) ? -ENOMEM : 0);
		cr_assert_eq(out.size == 0, r < 0, "all or nothing");
		ls_buf_fini(&out);
		cr_assert_eq(alloc.outstanding, 0);
	} while (r < 0);
	cr_assert_gt(n, 3);
}

/* ---- partition.metadata ----------------------------------------------------------------------------- */

#define ID "Nuh6qrVRRjCmZIT3QuQF0g"

static int parse_metadata(const char *text, size_t size, struct logstore_uuid *ret_id,
                          struct logstore_error *err)
{
	char *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, text, size);
	r = ls_partition_metadata_parse(copy, size, ret_id, err);
	free(copy);
	return r;
}

Test(properties, metadata_both_ways)
{
	static const char text[] = "version: 0\ntopic_id: " ID;
	struct logstore_uuid id, want;
	struct ts_alloc alloc;
	struct ls_buf out;

	cr_assert_eq(ls_uuid_parse(ID, &want), 0);
	cr_assert_eq(parse_metadata(text, sizeof text - 1, &id, NULL), 0);
	cr_assert_arr_eq(id.bytes, want.bytes, sizeof id.bytes);
	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_partition_metadata_write(&out, &id), 0);
	cr_assert_eq(out.size, sizeof text - 1, "no final newline");
	cr_assert_arr_eq(out.data, text, out.size);
	ls_buf_fini(&out);
	ts_alloc_init(&alloc);
	alloc.fail_at = 1;
	cr_assert_eq(ls_partition_metadata_write(&out, &id), -ENOMEM);
	cr_assert_eq(out.size, 0);
}

Test(properties, metadata_forms_that_kafka_reads)
{
	static const char *const texts[] = {
		"version: 0\ntopic_id: " ID "\n",     "version: 0\r\ntopic_id: " ID "\r\n",
		"version: 0\rtopic_id: " ID,          "version: 1\ntopic_id: " ID,
		"version: 2147483647\ntopic_id: " ID, "version: +0\ntopic_id: " ID "==",
		"version:\t \v\f0\ntopic_id:  " ID,   "version: 0\ntopic_id: " ID "\nmore: lines\n\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct logstore_error err;
		struct logstore_uuid id;
		char back[LS_UUID_TEXT_SIZE];

		cr_assert_eq(parse_metadata(texts[i], strlen(texts[i]), &id, &err), 0, "case %zu: %s", i,
		             err.text);
		ls_uuid_text(&id, back);
		cr_assert_str_eq(back, ID);
	}
}

Test(properties, damaged_metadata)
{
	static const struct {
		const char *text;
		int code;
		int64_t line;
	} cases[] = {
		{"", LOGSTORE_E_CORRUPT_FILE, 1},
		{"\n", LOGSTORE_E_CORRUPT_FILE, 1},
		{"version", LOGSTORE_E_CORRUPT_FILE, 1},
		{"version:", LOGSTORE_E_CORRUPT_FILE, 1},
		{"version: ", LOGSTORE_E_CORRUPT_FILE, 1},
		{"version:0\ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 1},
		{"version 0\ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 1},
		{"version: x\ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 1},
		{"version: 0 \ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 1},
		{"version: 2147483648\ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 1},
		{" version: 0\ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 1},
		{"topic_id: " ID "\nversion: 0", LOGSTORE_E_CORRUPT_FILE, 1},
		{"version: -1\ntopic_id: " ID, LOGSTORE_E_UNSUPPORTED_VERSION, 1},
		{"version: -2147483648\n", LOGSTORE_E_UNSUPPORTED_VERSION, 1},
		{"version: 0", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\n", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\n\ntopic_id: " ID, LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id:" ID, LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic-id: " ID, LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: ", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: " ID " ", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: " ID "A", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: " ID "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		 LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: Nuh6qrVRRjCmZIT3QuQF0", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: Nuh6qrVRRjCmZIT3QuQF0!", LOGSTORE_E_CORRUPT_FILE, 2},
		{"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", LOGSTORE_E_CORRUPT_FILE, 2},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_uuid id;
		struct logstore_error err;

		memset(&id, 0x44, sizeof id);
		cr_assert_eq(parse_metadata(cases[i].text, strlen(cases[i].text), &id, &err), cases[i].code,
		             "%s", cases[i].text);
		cr_assert_eq(err.position, cases[i].line, "%s", cases[i].text);
		cr_assert(id.bytes[0] == 0x44 && id.bytes[15] == 0x44, "output untouched");
	}
}

Test(properties, metadata_with_a_nul_byte)
{
	static const char text[] = "version: 0\ntopic_id: Nuh6qrVRRjCmZIT3QuQF0g\0\0";
	struct logstore_uuid id;
	struct logstore_error err;

	cr_assert_eq(parse_metadata(text, sizeof text - 1, &id, &err), LOGSTORE_E_CORRUPT_FILE);
	cr_assert_eq(err.position, 2);
}

Test(properties, every_truncation_of_metadata)
{
	static const char text[] = "version: 0\ntopic_id: " ID;

	for (size_t size = 0; size < sizeof text - 1; size++) {
		struct logstore_uuid id;

		cr_assert_eq(parse_metadata(text, size, &id, NULL), LOGSTORE_E_CORRUPT_FILE, "%zu", size);
	}
}

/* ---- Kafka's files ---------------------------------------------------------------------------------- */

static size_t property_files, metadata_files;

static const char *value_of(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (strcmp(seen->properties[i].name, name) == 0)
			return seen->properties[i].value;
	}
	return "";
}

static void check_meta_properties(const char *path)
{
	struct logstore_uuid id;
	struct seen seen = {0};
	size_t size;
	uint8_t *bytes = ts_read_file(path, &size);

	cr_assert_eq(parse((const char *)bytes, size, &seen, NULL), 0, "%s", path);
	if (strcmp(value_of(&seen, "version"), "1") == 0) {
		cr_assert_str_eq(value_of(&seen, "node.id"), "1", "%s", path);
		cr_assert_eq(ls_uuid_parse(value_of(&seen, "directory.id"), &id), 0, "%s", path);
	} else {
		cr_assert_str_eq(value_of(&seen, "version"), "0", "%s", path);
		cr_assert_str_neq(value_of(&seen, "broker.id"), "", "%s", path);
	}
	cr_assert_str_neq(value_of(&seen, "cluster.id"), "", "%s", path);
	property_files++;
	free(bytes);
}

static void check_metadata(const char *path)
{
	struct logstore_error err = {0};
	struct logstore_uuid id;
	struct ts_alloc alloc;
	struct ls_buf out;
	size_t size;
	uint8_t *bytes = ts_read_file(path, &size);

	cr_assert_eq(ls_partition_metadata_parse((const char *)bytes, size, &id, &err), 0, "%s: %s", path,
	             err.text);
	ts_alloc_init(&alloc);
	ls_buf_init(&out, &alloc.ls);
	cr_assert_eq(ls_partition_metadata_write(&out, &id), 0);
	cr_assert(out.size == size && memcmp(out.data, bytes, size) == 0, "%s is written back", path);
	ls_buf_fini(&out);
	metadata_files++;
	free(bytes);
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	if (flag == FTW_F && strcmp(path + ftw->base, LS_NAME_META_PROPERTIES) == 0)
		check_meta_properties(path);
	else if (flag == FTW_F && strcmp(path + ftw->base, LS_NAME_PARTITION_METADATA) == 0)
		check_metadata(path);
	return 0;
}

Test(properties, every_file_of_kafka)
{
	cr_assert_eq(nftw(ts_data("kafka"), visit, 16, FTW_PHYS), 0);
	cr_assert_geq(property_files, 80);
	cr_assert_geq(metadata_files, 120);
}

/* Topic ids are those that Kafka's classes report. */
Test(properties, topic_ids_are_those_that_kafka_sees)
{
	static const char *const folders[] = {"plain", "codecs", "epochs", "transactions-broker",
	                                      "internal-topics"};
	size_t compared = 0;

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[256], *line = NULL;
		size_t capacity = 0;
		FILE *f;

		snprintf(path, sizeof path, "kafka/%s/expected/state.jsonl", folders[i]);
		f = fopen(ts_data(path), "r");
		cr_assert(f, "%s", path);
		while (getline(&line, &capacity, f) > 0) {
			json_t *state = json_loads(line, 0, NULL);
			const char *want = json_string_value(json_object_get(state, "topic_id"));
			struct logstore_uuid id;
			char text[LS_UUID_TEXT_SIZE];
			size_t size;
			uint8_t *bytes;

			if (want) {
				snprintf(path, sizeof path, "kafka/%s/logs/%s/partition.metadata", folders[i],
				         json_string_value(json_object_get(state, "partition")));
				bytes = ts_read_file(ts_data(path), &size);
				cr_assert_eq(ls_partition_metadata_parse((char *)bytes, size, &id, NULL), 0);
				ls_uuid_text(&id, text);
				cr_assert_str_eq(text, want);
				free(bytes);
				compared++;
			}
			json_decref(state);
		}
		free(line);
		fclose(f);
	}
	cr_assert_gt(compared, 20);
}
