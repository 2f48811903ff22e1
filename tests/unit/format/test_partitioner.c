/* Hashes and partitions against values that Kafka's Java classes give. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "format/partitioner.h"
#include "testlib.h"

TestSuite(partitioner, .fini = ts_check_leaks);

Test(partitioner, murmur2)
{
	static const struct {
		const char *key;
		int32_t hash;
	} cases[] = {
		{"21", -973932308},
		{"foobar", -790332482},
		{"a-little-bit-long-string", -985981536},
		{"a-little-bit-longer-string", -1486304829},
		{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
		{"abc", 479470107},
		{"", 275646681},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t size = strlen(cases[i].key);
		uint8_t *exact = malloc(size ? size : 1);

		/* A block of just the key's size shows reads behind it. */
		memcpy(exact, cases[i].key, size);
		cr_expect_eq(ls_murmur2(exact, size), cases[i].hash, "%s", cases[i].key);
		free(exact);
	}
}

Test(partitioner, key)
{
	/* -973932308 & 0x7fffffff is 1173551340, -58897971 & 0x7fffffff is 2088585677. */
	cr_expect_eq(ls_partition_of_key("21", 2, 1), 0);
	cr_expect_eq(ls_partition_of_key("21", 2, 1000), 340);
	cr_expect_eq(ls_partition_of_key("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 48, 1000), 677);
	cr_expect_eq(ls_partition_of_key("abc", 3, 1000), 107);
	cr_expect_eq(ls_partition_of_key("abc", 3, INT32_MAX), 479470107);
	cr_expect_eq(ls_partition_of_key("abc", 3, 0), 0);
	cr_expect_eq(ls_partition_of_key("abc", 3, -5), 0);
}

Test(partitioner, java_string_hash)
{
	static const struct {
		const char *text;
		int32_t hash;
	} cases[] = {
		{"test-group", 627841412},
		{"my-group", -1906497762},
		{"console-consumer-12345", 158455506},
		{"polygenelubricants", INT32_MIN},
		{"", 0},
		{"\xc3\xa9", 0xe9},                                 /* e with acute */
		{"\xe2\x82\xac", 0x20ac},                           /* euro sign */
		{"\xef\xbf\xbf", 0xffff},                           /* the last of three bytes */
		{"\xf0\x9f\x98\x80", 31 * 0xd83d + 0xde00},         /* an emoji: a surrogate pair */
		{"\xf0\x90\x80\x80", 31 * 0xd800 + 0xdc00},         /* the first of four bytes */
		{"\xf4\x8f\xbf\xbf", 31 * 0xdbff + 0xdfff},         /* the last of all */
		{"a\xc3\xa9", 31 * 'a' + 0xe9},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_expect_eq(ls_java_string_hash(cases[i].text), cases[i].hash, "case %zu", i);
}

/* Every malformed byte is one U+FFFD. */
Test(partitioner, malformed_text)
{
	static const char *const cases[] = {
		"\x80",             /* a continuation alone */
		"\xc3",             /* cut after one of two */
		"\xe2\x82",         /* cut after two of three */
		"\xf0\x9f\x98",     /* cut after three of four */
		"\xc0\xaf",         /* over-long */
		"\xe0\x80\xaf",     /* over-long */
		"\xf0\x80\x80\xaf", /* over-long */
		"\xed\xa0\x80",     /* a surrogate */
		"\xf4\x90\x80\x80", /* above 10FFFF */
		"\xf5\x80\x80\x80", /* a lead that no sequence has */
		"\xff",
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t size = strlen(cases[i]) + 1;
		char *exact = malloc(size);
		uint32_t hash = 0;

		memcpy(exact, cases[i], size);
		for (size_t k = 1; k < size; k++)
			hash = 31 * hash + 0xfffd;
		cr_expect_eq(ls_java_string_hash(exact), (int32_t)hash, "case %zu", i);
		free(exact);
	}
	/* What follows a malformed byte counts as itself. */
	cr_expect_eq(ls_java_string_hash("\xc3z"), 31 * 0xfffd + 'z');
}

Test(partitioner, group)
{
	cr_expect_eq(ls_partition_of_group("test-group", 50), 12);
	cr_expect_eq(ls_partition_of_group("my-group", 50), 12);
	cr_expect_eq(ls_partition_of_group("console-consumer-12345", 50), 6);
	cr_expect_eq(ls_partition_of_group("polygenelubricants", 50), 0);
	cr_expect_eq(ls_partition_of_group("", 50), 0);
	cr_expect_eq(ls_partition_of_group("my-group", 1), 0);
	cr_expect_eq(ls_partition_of_group("my-group", 0), 0);
	cr_expect_eq(ls_partition_of_group("my-group", -1), 0);
}
