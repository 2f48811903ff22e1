/* Reads behind a block of the heap: must fail where the address sanitizer is on. */
#include <criterion/criterion.h>
#include <stdlib.h>

static volatile size_t behind = 16;

Test(canary, overrun)
{
	volatile unsigned char *block = calloc(16, 1);
	int sum = block[0] + block[behind];

	cr_assert_geq(sum, 0);
	free((void *)block);
}
