#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "queue/control.h"
#include "queue/job.h"

enum { LONG_MOST = (1 << 20) + 1 };
static char *longest; /* LONG_MOST octets; main makes and frees it */

/* One field at `value`, the others zero: is it taken? */
#define SET_u8(f, v)  (f) = (uint8_t)(v)
#define SET_u16(f, v) (f) = (uint16_t)(v)
#define SET_u32(f, v) (f) = (uint32_t)(v)
#define SET_u64(f, v) (f) = (uint64_t)(v)
#define SET_text(f, v)                                                         \
	(f) = (struct text)                                                    \
	{                                                                      \
		longest, (size_t)(v)                                           \
	}
#define SET_blob(f, v)                                                         \
	(f) = (struct text)                                                    \
	{                                                                      \
		longest, (size_t)(v)                                           \
	}
#define WIDEST_u8   UINT8_MAX
#define WIDEST_u16  UINT16_MAX
#define WIDEST_u32  UINT32_MAX
#define WIDEST_u64  UINT64_MAX
#define WIDEST_text LONG_MOST
#define WIDEST_blob LONG_MOST

/* Each field at its limit is taken; one over is refused, where the type can
 * hold it.  Anything cut short or with more behind it is refused. */
#define LIMIT(kind, name, most)                                                \
	memset(&s, 0, sizeof s);                                               \
	SET_##kind(s.name, most);                                              \
	b.n = 0;                                                               \
	STRUCT(encode)(&b, &s);                                                \
	assert_true(STRUCT(decode)(&d, b.data, b.n));                          \
	assert_false(STRUCT(decode)(&d, b.data, b.n - 1));                     \
	bytes_u8(&b, 0);                                                       \
	assert_false(STRUCT(decode)(&d, b.data, b.n));                         \
	if ((uint64_t)(most) < (uint64_t)WIDEST_##kind) {                      \
		SET_##kind(s.name, (uint64_t)(most) + 1);                      \
		b.n = 0;                                                       \
		STRUCT(encode)(&b, &s);                                        \
		if (STRUCT(decode)(&d, b.data, b.n))                           \
			fail_msg("%s is over its limit", #name);               \
	}
#define LIMITS(test, type, FIELDS)                                             \
	static void test(void **state)                                         \
	{                                                                      \
		struct bytes b = {0};                                          \
		struct type s, d;                                              \
                                                                               \
		(void)state;                                                   \
		FIELDS(LIMIT)                                                  \
		bytes_free(&b);                                                \
	}

#define STRUCT(what) job_hello_##what
LIMITS(hello, job_hello, HELLO_FIELDS)
#undef STRUCT
#define STRUCT(what) job_share_##what
LIMITS(share, job_share, SHARE_FIELDS)
#undef STRUCT
#define STRUCT(what) job_##what
LIMITS(job, job, JOB_FIELDS)
#undef STRUCT
#define STRUCT(what) job_recipient_##what
LIMITS(recipient, job_recipient, JOB_RECIPIENT_FIELDS)
#undef STRUCT
#define STRUCT(what) job_dot_##what
LIMITS(dot, job_dot, DOT_FIELDS)
#undef STRUCT
#define STRUCT(what) job_outcome_##what
LIMITS(outcome, job_outcome, OUTCOME_FIELDS)
#undef STRUCT
#define STRUCT(what) control_order_##what
LIMITS(order, control_order, ORDER_FIELDS)
#undef STRUCT
#define STRUCT(what) control_answer_##what
LIMITS(answer, control_answer, ANSWER_FIELDS)
#undef STRUCT

/* Recipients come back one by one; a cut blob is noticed. */
static void
recipients(void **state)
{
	struct job_recipient in = {.notify = 3, .orcpt = text_of("rfc822;x")};
	struct job_recipient out;
	struct bytes b = {0};
	struct reader r;

	(void)state;
	in.address = text_of("reader@example.net");
	for (in.rcpt = 0; in.rcpt < 3; in.rcpt++)
		job_recipient_add(&b, &in);
	r = reader_of(b.data, b.n);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(job_recipient_take(&r, &out));
		assert_int_equal(out.rcpt, i);
		assert_true(text_is(out.address, "reader@example.net"));
		assert_true(text_is(out.orcpt, "rfc822;x"));
	}
	assert_false(job_recipient_take(&r, &out));
	assert_true(r.ok);
	r = reader_of(b.data, b.n - 1);
	while (job_recipient_take(&r, &out))
		assert_true(out.rcpt < 2);
	assert_false(r.ok);
	bytes_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hello),      cmocka_unit_test(share),
	    cmocka_unit_test(job),        cmocka_unit_test(recipient),
	    cmocka_unit_test(dot),        cmocka_unit_test(outcome),
	    cmocka_unit_test(order),      cmocka_unit_test(answer),
	    cmocka_unit_test(recipients),
	};
	int rc;

	longest = must_alloc(LONG_MOST);
	memset(longest, 'x', LONG_MOST);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	free(longest);
	return rc;
}
