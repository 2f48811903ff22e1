/* Leaks a block: must fail where the address sanitizer is on, through ts_check_leaks(). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "testlib.h"

TestSuite(canary, .fini = ts_check_leaks);

/* Volatile, so that the compiler cannot drop the allocation; overwritten, so that nothing points to it. */
static void *volatile block;

Test(canary, leak)
{
	block = malloc(4242);
	cr_assert_not_null(block);
	block = NULL;
}
