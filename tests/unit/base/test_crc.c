/* base/crc.h: published check values of both polynomials, running checksums, every length and alignment. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "testlib.h"

TestSuite(crc, .fini = ts_check_leaks);

Test(crc, check_values)
{
	static const uint8_t zeros[32];
	uint8_t ones[32];

	memset(ones, 0xFF, sizeof ones);
	cr_assert_eq(ls_crc32c(0, "123456789", 9), 0xE3069283u);
	cr_assert_eq(ls_crc32(0, "123456789", 9), 0xCBF43926u);
	/* RFC 3720, B.4 */
	cr_assert_eq(ls_crc32c(0, zeros, sizeof zeros), 0x8A9136AAu);
	cr_assert_eq(ls_crc32c(0, ones, sizeof ones), 0x62A8AB43u);
	cr_assert_eq(ls_crc32(0, zeros, sizeof zeros), 0x190A55ADu);
}

Test(crc, nothing_changes_nothing)
{
	cr_assert_eq(ls_crc32c(0, "", 0), 0u);
	cr_assert_eq(ls_crc32(0, "", 0), 0u);
	cr_assert_eq(ls_crc32c(0xE3069283u, "", 0), 0xE3069283u);
	cr_assert_eq(ls_crc32(0xCBF43926u, "", 0), 0xCBF43926u);
}

/* A bit at a time, from the reflected polynomial. */
static uint32_t slow(uint32_t polynomial, const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (polynomial & (0u - (crc & 1)));
	}
	return ~crc;
}

Test(crc, every_length_and_alignment)
{
	enum { MOST = 300, SHIFTS = 16 };
	uint8_t *bytes = malloc(MOST + SHIFTS);
	struct ts_rng rng;

	cr_assert_not_null(bytes);
	ts_rng_init(&rng, 7);
	ts_rng_fill(&rng, bytes, MOST + SHIFTS);
	for (size_t shift = 0; shift < SHIFTS; shift++) {
		for (size_t size = 0; size <= MOST; size++) {
			cr_assert_eq(ls_crc32c(0, bytes + shift, size), slow(0x82F63B78u, bytes + shift, size));
			cr_assert_eq(ls_crc32(0, bytes + shift, size), slow(0xEDB88320u, bytes + shift, size));
		}
	}
	free(bytes);
}

Test(crc, pieces_make_the_whole)
{
	uint8_t bytes[1000];
	struct ts_rng rng;

	ts_rng_init(&rng, 8);
	ts_rng_fill(&rng, bytes, sizeof bytes);
	for (size_t cut = 0; cut <= sizeof bytes; cut += 7) {
		uint32_t c = ls_crc32c(ls_crc32c(0, bytes, cut), bytes + cut, sizeof bytes - cut);
		uint32_t g = ls_crc32(ls_crc32(0, bytes, cut), bytes + cut, sizeof bytes - cut);

		cr_assert_eq(c, ls_crc32c(0, bytes, sizeof bytes));
		cr_assert_eq(g, ls_crc32(0, bytes, sizeof bytes));
	}
}
