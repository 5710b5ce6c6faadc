/* Sizes and times as people say them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/human.h"

static void
test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
	    {0, "0"},
	    {1023, "1023"},
	    {1024, "1.0kb"},
	    {1536, "1.5kb"},
	    {10239, "10kb"},
	    {1048575, "1.0mb"},
	    {3000000, "2.9mb"},
	    {UINT64_C(64) << 30, "64gb"},
	    {UINT64_MAX, "16777216tb"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		char out[HUMAN_TEXT];

		assert_string_equal(human_size(cases[i].bytes, out),
				    cases[i].text);
	}
}

static void
test_span(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
	    {-5, "0s"},
	    {999999, "0s"},
	    {59 * SECOND_US, "59s"},
	    {MINUTE_US, "1min"},
	    {59 * MINUTE_US + 59 * SECOND_US, "59min"},
	    {HOUR_US + 5 * MINUTE_US, "1h 05min"},
	    {DAY_US, "1d 0h"},
	    {3 * DAY_US + 4 * HOUR_US, "3d 4h"},
	    {INT64_MAX, "106751991d 4h"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		char out[HUMAN_TEXT];

		assert_string_equal(human_span(cases[i].us, out),
				    cases[i].text);
	}
}

static void
test_when(void **state)
{
	char out[HUMAN_TEXT];
	const int64_t now = 1000 * DAY_US;

	(void)state;
	assert_string_equal(human_when(now, now, out), "now");
	assert_string_equal(human_when(now + 4 * MINUTE_US, now, out),
			    "in 4min");
	assert_string_equal(human_when(now - 2 * DAY_US, now, out),
			    "2d 0h ago");
	assert_string_equal(human_when(now - 1500000, now, out), "1s ago");
	/* records from a damaged or hostile file */
	human_when(INT64_MAX, 0, out);
	human_when(0, INT64_MAX, out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_span),
	    cmocka_unit_test(test_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
