/* Overflows a signed integer: must fail where the sanitizer of undefined behaviour is on and may not recover. */
#include <criterion/criterion.h>
#include <limits.h>

static volatile int largest = INT_MAX;

Test(canary, overflow)
{
	volatile int sum = largest + 1;

	cr_assert_neq(sum, 0);
}
