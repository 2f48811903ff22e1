#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void ls_assert_failed(const char *expression, const char *file, int line)
{
	/* The one place that prints: the program is wrong, there is nobody left to return an error to. */
	(void)fprintf(stderr, "liblogstore: %s:%d: assertion failed: %s\n", file, line, expression);
	abort();
}
