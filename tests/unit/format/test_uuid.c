/* Ids as text and back, and new ones from good and bad random sources. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/uuid.h"
#include "testlib.h"

TestSuite(uuid, .fini = ts_check_leaks);

static struct logstore_uuid from_hex(const char *hex)
{
	struct logstore_uuid uuid;
	size_t size;
	uint8_t *bytes = ts_hex(hex, &size);

	cr_assert_eq(size, sizeof uuid.bytes);
	memcpy(uuid.bytes, bytes, size);
	free(bytes);
	return uuid;
}

Test(uuid, text_both_ways)
{
	static const struct {
		const char *hex;
		const char *text;
	} cases[] = {
		{"00000000000000000000000000000000", "AAAAAAAAAAAAAAAAAAAAAA"},
		{"00000000000000000000000000000001", "AAAAAAAAAAAAAAAAAAAAAQ"},
		{"ffffffffffffffffffffffffffffffff", "_____________________w"},
		{"fbefbefbefbefbefbefbefbefbefbefb", "---------------------w"},
		/* Ids of fixtures: made by Kafka, decoded with Python's base64 module. */
		{"36e87aaab5514630a66484f742e405d2", "Nuh6qrVRRjCmZIT3QuQF0g"},
		{"9f8edc577aa0491082a5df9214a049de", "n47cV3qgSRCCpd-SFKBJ3g"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logstore_uuid uuid = from_hex(cases[i].hex), back;
		char text[LS_UUID_TEXT_SIZE], padded[32];

		ls_uuid_text(&uuid, text);
		cr_assert_str_eq(text, cases[i].text);
		memset(&back, 0x55, sizeof back);
		cr_assert_eq(ls_uuid_parse(text, &back), 0);
		cr_assert_arr_eq(back.bytes, uuid.bytes, sizeof back.bytes);
		snprintf(padded, sizeof padded, "%s==", text);
		memset(&back, 0x55, sizeof back);
		cr_assert_eq(ls_uuid_parse(padded, &back), 0, "padding is tolerated");
		cr_assert_arr_eq(back.bytes, uuid.bytes, sizeof back.bytes);
	}
}

Test(uuid, unused_bits_of_the_last_character_are_ignored)
{
	struct logstore_uuid one = from_hex("00000000000000000000000000000001"), back;

	cr_assert_eq(ls_uuid_parse("AAAAAAAAAAAAAAAAAAAAAf", &back), 0);
	cr_assert_arr_eq(back.bytes, one.bytes, sizeof back.bytes);
}

Test(uuid, what_is_no_id)
{
	static const char *const cases[] = {
		"",
		"A",
		"AAAAAAAAAAAAAAAAAAAAA",    /* 21 */
		"AAAAAAAAAAAAAAAAAAAAAAA",  /* 23: 17 bytes */
		"AAAAAAAAAAAAAAAAAAAAAAAA", /* 24: 18 bytes */
		"AAAAAAAAAAAAAAAAAAAAAA=",  /* half a padding */
		"AAAAAAAAAAAAAAAAAAAAAA=A",
		"AAAAAAAAAAAAAAAAAAAAAA===", /* 25 */
		"AAAAAAAAAAAAAAAAAAAAA=",
		"AAAAAAAAAAAAAAAAAAAA==",
		"AAAAAAAAAAAAAAAAAAAAA+", /* of the other base64 */
		"AAAAAAAAAAAAAAAAAAAAA/",
		"AAAAAAAAAA AAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAA\n",
		"AAAAAAAAAAAAAAAAAAAAA\xff",
		"                      ",
	};
	struct logstore_uuid uuid, before;

	memset(&uuid, 0x33, sizeof uuid);
	before = uuid;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_assert_eq(ls_uuid_parse(cases[i], &uuid), -EINVAL, "case %zu", i);
	cr_assert_arr_eq(uuid.bytes, before.bytes, sizeof uuid.bytes, "output untouched");
}

Test(uuid, zero_is_none)
{
	struct logstore_uuid zero = {{0}};

	cr_assert(ls_uuid_is_zero(&zero));
	for (size_t i = 0; i < sizeof zero.bytes; i++) {
		struct logstore_uuid other = zero;

		other.bytes[i] = 1;
		cr_assert(!ls_uuid_is_zero(&other));
	}
}

Test(uuid, round_trips)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 30);
	for (int i = 0; i < 10000; i++) {
		struct logstore_uuid uuid, back;
		char text[LS_UUID_TEXT_SIZE];

		ts_rng_fill(&rng, uuid.bytes, sizeof uuid.bytes);
		ls_uuid_text(&uuid, text);
		cr_assert_eq(strlen(text), LS_UUID_TEXT_SIZE - 1);
		cr_assert_eq(ls_uuid_parse(text, &back), 0);
		cr_assert_arr_eq(back.bytes, uuid.bytes, sizeof back.bytes);
	}
}

static int seeded_bytes(void *ctx, void *buffer, size_t size)
{
	ts_rng_fill(ctx, buffer, size);
	return 0;
}

static int same_bytes(void *ctx, void *buffer, size_t size)
{
	memset(buffer, *(uint8_t *)ctx, size);
	return 0;
}

static int failing_bytes(void *ctx, void *buffer, size_t size)
{
	(void)ctx;
	(void)buffer;
	(void)size;
	return -EPERM;
}

static struct ls_env with_random(int (*bytes)(void *ctx, void *buffer, size_t size), void *ctx)
{
	struct logstore_env env = {.struct_size = sizeof env, .random = {.bytes = bytes, .ctx = ctx}};
	struct ls_env resolved;

	ls_env_resolve(&env, &resolved);
	return resolved;
}

Test(uuid, random_ids_are_version_4_without_a_dash)
{
	struct ts_rng rng;
	struct ls_env env = with_random(seeded_bytes, &rng);

	ts_rng_init(&rng, 31);
	for (int i = 0; i < 10000; i++) {
		struct logstore_uuid uuid;
		char text[LS_UUID_TEXT_SIZE];

		cr_assert_eq(ls_uuid_random(&env, &uuid), 0);
		cr_assert_eq(uuid.bytes[6] >> 4, 4);
		cr_assert_eq(uuid.bytes[8] >> 6, 2);
		ls_uuid_text(&uuid, text);
		cr_assert_null(strchr(text, '-'), "%s", text);
	}
}

Test(uuid, random_sources_that_fail)
{
	uint8_t dashes = 0xfb, zeros = 0;
	struct ls_env failing = with_random(failing_bytes, NULL);
	struct ls_env constant = with_random(same_bytes, &dashes);
	struct ls_env zero = with_random(same_bytes, &zeros);
	struct logstore_uuid uuid = from_hex("000102030405060708090a0b0c0d0e0f"), before = uuid;

	cr_assert_eq(ls_uuid_random(&failing, &uuid), -EPERM);
	cr_assert_eq(ls_uuid_random(&constant, &uuid), -EIO, "comes to an end");
	cr_assert_arr_eq(uuid.bytes, before.bytes, sizeof uuid.bytes, "output untouched");
	cr_assert_eq(ls_uuid_random(&zero, &uuid), 0);
	cr_assert(!ls_uuid_is_zero(&uuid), "version and variant keep it from being none");
}
