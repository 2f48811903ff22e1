/* base/buf.h: growth, what failure leaves behind, and that nothing leaks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "testlib.h"

TestSuite(buf, .fini = ts_check_leaks);

Test(buf, begins_empty_and_ends_empty)
{
	struct ts_alloc alloc;
	struct ls_buf buf;

	ts_alloc_init(&alloc);
	ls_buf_init(&buf, &alloc.ls);
	cr_assert_eq(buf.size, 0);
	cr_assert_null(buf.data);
	cr_assert_eq(ls_buf_append(&buf, "abc", 3), 0);
	ls_buf_fini(&buf);
	cr_assert_eq(buf.size, 0);
	cr_assert_eq(buf.capacity, 0);
	cr_assert_null(buf.data);
	cr_assert_eq(ls_buf_append(&buf, "d", 1), 0, "usable again after _fini");
	cr_assert_eq(buf.data[0], 'd');
	ls_buf_fini(&buf);
	ls_buf_fini(&buf);
	cr_assert_eq(alloc.outstanding, 0);
}

Test(buf, fini_of_all_zero)
{
	struct ls_buf buf = {0};

	ls_buf_fini(&buf);
	cr_assert_null(buf.data);
}

Test(buf, appends_keep_what_is_there)
{
	struct ts_alloc alloc;
	struct ls_buf buf;

	ts_alloc_init(&alloc);
	ls_buf_init(&buf, &alloc.ls);
	for (unsigned i = 0; i < 5000; i++) {
		uint8_t byte = (uint8_t)(i * 31);

		cr_assert_eq(ls_buf_append(&buf, &byte, 1), 0);
		cr_assert_leq(buf.size, buf.capacity);
	}
	cr_assert_eq(buf.size, 5000);
	for (unsigned i = 0; i < 5000; i++)
		cr_assert_eq(buf.data[i], (uint8_t)(i * 31));
	cr_assert_leq(alloc.requests, 16, "capacity doubles");
	cr_assert_eq(ls_buf_append(&buf, NULL, 0), 0);
	cr_assert_eq(buf.size, 5000);
	ls_buf_fini(&buf);
	cr_assert_eq(alloc.outstanding, 0);
}

Test(buf, clear_keeps_the_memory)
{
	struct ts_alloc alloc;
	struct ls_buf buf;
	size_t capacity;

	ts_alloc_init(&alloc);
	ls_buf_init(&buf, &alloc.ls);
	cr_assert_eq(ls_buf_reserve(&buf, 1000), 0);
	capacity = buf.capacity;
	cr_assert_geq(capacity, 1000);
	cr_assert_eq(buf.size, 0);
	cr_assert_eq(ls_buf_append(&buf, "xyz", 3), 0);
	ls_buf_clear(&buf);
	cr_assert_eq(buf.size, 0);
	cr_assert_eq(buf.capacity, capacity);
	cr_assert_eq(alloc.requests, 1);
	ls_buf_fini(&buf);
}

Test(buf, formats_behind_what_is_there)
{
	struct ts_alloc alloc;
	struct ls_buf buf;
	char longer[1000];

	ts_alloc_init(&alloc);
	ls_buf_init(&buf, &alloc.ls);
	cr_assert_eq(ls_buf_append(&buf, "a=", 2), 0);
	cr_assert_eq(ls_buf_printf(&buf, "%d %s", -7, "x"), 0);
	cr_assert_eq(buf.size, 6);
	cr_assert_arr_eq(buf.data, "a=-7 x", 6);
	memset(longer, 'l', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	cr_assert_eq(ls_buf_printf(&buf, "%s", longer), 0);
	cr_assert_eq(buf.size, 6 + sizeof longer - 1);
	cr_assert_eq(buf.data[buf.size - 1], 'l');
	ls_buf_fini(&buf);
	cr_assert_eq(alloc.outstanding, 0);
}

Test(buf, refuses_what_does_not_fit_an_address_space)
{
	struct ts_alloc alloc;
	struct ls_buf buf;

	ts_alloc_init(&alloc);
	ls_buf_init(&buf, &alloc.ls);
	cr_assert_eq(ls_buf_append(&buf, "abc", 3), 0);
	cr_assert_eq(ls_buf_reserve(&buf, SIZE_MAX), -ENOMEM);
	cr_assert_eq(buf.size, 3);
	cr_assert_arr_eq(buf.data, "abc", 3);
	ls_buf_fini(&buf);
}

Test(buf, failed_allocation_changes_nothing)
{
	bool finished = false;

	for (long n = 1; !finished; n++) {
		struct ts_alloc alloc;
		struct ls_buf buf;
		size_t appended = 0;
		int r = 0;

		ts_alloc_init(&alloc);
		alloc.fail_at = n;
		ls_buf_init(&buf, &alloc.ls);
		for (int i = 0; i < 100 && r == 0; i++) {
			r = i % 2 ? ls_buf_printf(&buf, "%032d", i) : ls_buf_append(&buf, "0123456789abcdef", 16);
			if (r == 0)
				appended += i % 2 ? 32 : 16;
		}
		finished = !ts_alloc_failed(&alloc);
		cr_assert_eq(r, finished ? 0 : -ENOMEM);
		cr_assert_eq(buf.size, appended);
		if (appended > 0)
			cr_assert_arr_eq(buf.data, "0123456789abcdef", 16);
		ls_buf_fini(&buf);
		cr_assert_eq(alloc.outstanding, 0);
	}
}
