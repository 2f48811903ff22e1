/* base/bytes.h: byte order at any alignment, in both directions, and the signed forms. */
#include <criterion/criterion.h>

#include "base/bytes.h"

static const uint8_t pattern[9] = {0xEE, 0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};

Test(bytes, loads_big_endian_unaligned)
{
	cr_assert_eq(ls_load_be16(pattern + 1), 0x8102);
	cr_assert_eq(ls_load_be32(pattern + 1), 0x81020304u);
	cr_assert_eq(ls_load_be64(pattern + 1), UINT64_C(0x8102030405060788));
}

Test(bytes, loads_little_endian_unaligned)
{
	cr_assert_eq(ls_load_le16(pattern + 1), 0x0281);
	cr_assert_eq(ls_load_le32(pattern + 1), 0x04030281u);
	cr_assert_eq(ls_load_le64(pattern + 1), UINT64_C(0x8807060504030281));
}

Test(bytes, loads_signed_values)
{
	static const uint8_t ones[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
	static const uint8_t least[8] = {0x80};

	cr_assert_eq(ls_load_be16s(ones), -1);
	cr_assert_eq(ls_load_be32s(ones), -1);
	cr_assert_eq(ls_load_be64s(ones), -1);
	cr_assert_eq(ls_load_be16s(least), INT16_MIN);
	cr_assert_eq(ls_load_be32s(least), INT32_MIN);
	cr_assert_eq(ls_load_be64s(least), INT64_MIN);
}

/* Each store writes exactly its width, in the stated order, and leaves the neighbours alone. */
#define CHECK_STORE(store, value, ...) \
	do { \
		static const uint8_t want[] = {__VA_ARGS__}; \
		uint8_t got[sizeof want + 3]; \
\
		memset(got, 0x5A, sizeof got); \
		store(got + 1, value); \
		cr_assert_eq(got[0], 0x5A); \
		cr_assert_arr_eq(got + 1, want, sizeof want); \
		cr_assert_eq(got[1 + sizeof want], 0x5A); \
	} while (0)

Test(bytes, stores_big_endian)
{
	CHECK_STORE(ls_store_be16, 0x8102, 0x81, 0x02);
	CHECK_STORE(ls_store_be32, 0x81020304u, 0x81, 0x02, 0x03, 0x04);
	CHECK_STORE(ls_store_be64, UINT64_C(0x8102030405060788), 0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88);
}

Test(bytes, stores_little_endian)
{
	CHECK_STORE(ls_store_le16, 0x8102, 0x02, 0x81);
	CHECK_STORE(ls_store_le32, 0x81020304u, 0x04, 0x03, 0x02, 0x81);
	CHECK_STORE(ls_store_le64, UINT64_C(0x8102030405060788), 0x88, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x81);
}

Test(bytes, stores_signed_values)
{
	CHECK_STORE(ls_store_be16s, INT16_C(-2), 0xFF, 0xFE);
	CHECK_STORE(ls_store_be32s, INT32_MIN, 0x80, 0, 0, 0);
	CHECK_STORE(ls_store_be64s, INT64_C(-1), 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
}
