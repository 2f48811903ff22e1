/*
 * base/varint.h: known encodings, the limits of both widths, what Kafka's reader accepts beyond the shortest
 * form, and every way a number can be cut short or too long.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/varint.h"
#include "testlib.h"

struct known {
	int64_t value;
	size_t size;
	uint8_t bytes[LS_VARLONG_MAX];
};

static const struct known both_widths[] = {
	{0, 1, {0x00}},
	{-1, 1, {0x01}},
	{1, 1, {0x02}},
	{63, 1, {0x7E}},
	{-64, 1, {0x7F}},
	{64, 2, {0x80, 0x01}},
	{-65, 2, {0x81, 0x01}},
	{8191, 2, {0xFE, 0x7F}},
	{-8192, 2, {0xFF, 0x7F}},
	{8192, 3, {0x80, 0x80, 0x01}},
	{1048575, 3, {0xFE, 0xFF, 0x7F}},
	{1048576, 4, {0x80, 0x80, 0x80, 0x01}},
	{134217727, 4, {0xFE, 0xFF, 0xFF, 0x7F}},
	{134217728, 5, {0x80, 0x80, 0x80, 0x80, 0x01}},
	{INT32_MAX, 5, {0xFE, 0xFF, 0xFF, 0xFF, 0x0F}},
	{INT32_MIN, 5, {0xFF, 0xFF, 0xFF, 0xFF, 0x0F}},
};

static const struct known long_only[] = {
	{INT64_C(1) + INT32_MAX, 5, {0x80, 0x80, 0x80, 0x80, 0x10}},
	{INT64_C(17179869183), 5, {0xFE, 0xFF, 0xFF, 0xFF, 0x7F}},
	{INT64_C(17179869184), 6, {0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},
	{INT64_C(4611686018427387903), 9, {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}},
	{INT64_MAX, 10, {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}},
	{INT64_MIN, 10, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}},
};

static void check_long(const struct known *known)
{
	uint8_t written[LS_VARLONG_MAX];
	const uint8_t *end = known->bytes + known->size;
	int64_t value = 12345;

	cr_assert_eq(ls_varlong_size(known->value), known->size);
	cr_assert_eq(ls_varlong_write(written, known->value), written + known->size);
	cr_assert_arr_eq(written, known->bytes, known->size);
	cr_assert_eq(ls_varlong_read(known->bytes, end, &value), end);
	cr_assert_eq(value, known->value);
	for (size_t cut = 0; cut < known->size; cut++) {
		value = 12345;
		cr_assert_null(ls_varlong_read(known->bytes, known->bytes + cut, &value));
		cr_assert_eq(value, 12345, "the output is untouched on failure");
	}
}

static void check_int(const struct known *known)
{
	uint8_t written[LS_VARLONG_MAX];
	const uint8_t *end = known->bytes + known->size;
	int32_t value = 12345;

	cr_assert_eq(ls_varint_write(written, (int32_t)known->value), written + known->size);
	cr_assert_arr_eq(written, known->bytes, known->size);
	cr_assert_eq(ls_varint_read(known->bytes, end, &value), end);
	cr_assert_eq(value, known->value);
	for (size_t cut = 0; cut < known->size; cut++) {
		value = 12345;
		cr_assert_null(ls_varint_read(known->bytes, known->bytes + cut, &value));
		cr_assert_eq(value, 12345, "the output is untouched on failure");
	}
}

Test(varint, known_encodings)
{
	for (size_t i = 0; i < sizeof both_widths / sizeof both_widths[0]; i++) {
		check_long(&both_widths[i]);
		check_int(&both_widths[i]);
	}
	for (size_t i = 0; i < sizeof long_only / sizeof long_only[0]; i++)
		check_long(&long_only[i]);
}

Test(varint, stops_behind_the_number)
{
	static const uint8_t bytes[] = {0x80, 0x01, 0x02};
	int32_t value;

	cr_assert_eq(ls_varint_read(bytes, bytes + sizeof bytes, &value), bytes + 2);
	cr_assert_eq(value, 64);
}

Test(varint, accepts_longer_forms_than_needed)
{
	static const uint8_t two[] = {0x82, 0x00};
	static const uint8_t five[] = {0x82, 0x80, 0x80, 0x80, 0x00};
	static const uint8_t ten[] = {0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
	int32_t small;
	int64_t large;

	cr_assert_eq(ls_varint_read(two, two + sizeof two, &small), two + sizeof two);
	cr_assert_eq(small, 1);
	cr_assert_eq(ls_varint_read(five, five + sizeof five, &small), five + sizeof five);
	cr_assert_eq(small, 1);
	cr_assert_eq(ls_varlong_read(ten, ten + sizeof ten, &large), ten + sizeof ten);
	cr_assert_eq(large, 1);
}

Test(varint, drops_bits_above_the_width)
{
	static const uint8_t five[] = {0x82, 0x80, 0x80, 0x80, 0x70};
	static const uint8_t ten[] = {0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7E};
	int32_t small;
	int64_t large;

	cr_assert_eq(ls_varint_read(five, five + sizeof five, &small), five + sizeof five);
	cr_assert_eq(small, 1);
	cr_assert_eq(ls_varlong_read(ten, ten + sizeof ten, &large), ten + sizeof ten);
	cr_assert_eq(large, 1);
}

Test(varint, refuses_one_byte_too_many)
{
	uint8_t bytes[LS_VARLONG_MAX + 1];
	int32_t small = 12345;
	int64_t large = 12345;

	memset(bytes, 0x80, sizeof bytes);
	bytes[LS_VARLONG_MAX] = 0;
	cr_assert_null(ls_varint_read(bytes, bytes + sizeof bytes, &small));
	cr_assert_null(ls_varlong_read(bytes, bytes + sizeof bytes, &large));
	cr_assert_eq(small, 12345);
	cr_assert_eq(large, 12345);
}

Test(varint, random_numbers_survive_the_round_trip)
{
	struct ts_rng rng;

	ts_rng_init(&rng, 20240229);
	for (int i = 0; i < 100000; i++) {
		uint8_t bytes[LS_VARLONG_MAX];
		/* Shifted by a random width, so that every length is met. */
		int64_t in = (int64_t)(ts_rng_next(&rng) >> ts_rng_below(&rng, 64));
		int64_t out;
		int32_t out32;
		const uint8_t *end;

		if (ts_rng_below(&rng, 2))
			in = -in;
		end = ls_varlong_write(bytes, in);
		cr_assert_eq((size_t)(end - bytes), ls_varlong_size(in));
		cr_assert_eq(ls_varlong_read(bytes, end, &out), end);
		cr_assert_eq(out, in);
		end = ls_varint_write(bytes, (int32_t)in);
		cr_assert_eq(ls_varint_read(bytes, end, &out32), end);
		cr_assert_eq(out32, (int32_t)in);
	}
}
