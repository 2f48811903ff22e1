/*
 * Assertions. LS_ASSERT stays on in release builds: cheap preconditions, state transitions, numbered
 * invariants. LS_DEBUG_ASSERT is for checks that cost more than O(1). Both are for programmer errors only,
 * never for input, disk content or the wire.
 */
#ifndef LS_BASE_ASSERT_H
#define LS_BASE_ASSERT_H

_Noreturn void ls_assert_failed(const char *expression, const char *file, int line);

#define LS_ASSERT(expression) \
	((expression) ? (void)0 : ls_assert_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define LS_DEBUG_ASSERT(expression) ((void)sizeof(expression))
#else
#define LS_DEBUG_ASSERT(expression) LS_ASSERT(expression)
#endif

#endif
