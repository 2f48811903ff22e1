/* base/assert.h: a false assertion ends the program, a true one costs one evaluation and nothing else. */
#include <criterion/criterion.h>
#include <signal.h>

#include "base/assert.h"

Test(assert, false_aborts, .signal = SIGABRT)
{
	volatile int two = 2;

	LS_ASSERT(two == 3);
}

Test(assert, true_goes_on)
{
	int evaluations = 0;

	LS_ASSERT(++evaluations == 1);
	cr_assert_eq(evaluations, 1);
}

Test(assert, debug_form_is_off_in_release)
{
	int evaluations = 0;

	LS_DEBUG_ASSERT(++evaluations == 1);
#ifdef NDEBUG
	cr_assert_eq(evaluations, 0);
#else
	cr_assert_eq(evaluations, 1);
#endif
}
