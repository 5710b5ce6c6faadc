/* Commands: what becomes of each way to end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/run.h"

#define S(s) ((int64_t)(s)*SECOND_US)

/* Polls at the same moment until it is over; the kernel wakes us whenever it
 * prints or ends. */
static enum run_state
finish(struct run *r, int64_t now_us, struct err *e)
{
	enum run_state s;

	while ((s = run_poll(r, now_us, e)) == RUN_BUSY) {
		struct pollfd p = {.fd = r->fd, .events = POLLIN};

		assert_int_equal(poll(&p, 1, 10000), 1);
	}
	return s;
}

static void
ends(void **state)
{
	static const struct {
		const char *name, *command;
		enum run_state is;
		const char *says; /* the output, or of the error */
	} row[] = {
	    {"words", "/bin/echo a  b ", RUN_OK, "a b\n"},
	    {"no shell", "/bin/echo $HOME;ls|x", RUN_OK, "$HOME;ls|x\n"},
	    {"stdin is empty", "/bin/cat", RUN_OK, ""},
	    {"stderr is dropped", "/bin/ls /none/such", RUN_FAILED, "code 2"},
	    {"a code", "/bin/false", RUN_FAILED, "code 1"},
	    {"no such program", "/none/such", RUN_FAILED, "can't be started"},
	    {"no program", "/etc/passwd", RUN_FAILED, "can't be started"},
	    {"too much", "/usr/bin/yes", RUN_FAILED, "over 65536 octets"},
	    {"as much as may be", "/usr/bin/head -c 65536 /dev/zero", RUN_OK,
	     NULL},
	    {"one more", "/usr/bin/head -c 65537 /dev/zero", RUN_FAILED,
	     "over 65536 octets"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct run r;
		struct err e = {0};
		enum run_state is;

		if (!run_start(&r, row[i].command, S(1), &e))
			fail_msg("%s: %s", row[i].name, e.text);
		is = finish(&r, S(1), &e);
		if (is != row[i].is)
			fail_msg("%s: %d %s", row[i].name, is, e.text);
		if (is == RUN_OK && row[i].says == NULL)
			assert_int_equal(r.n, RUN_OUTPUT_MOST);
		else if (is == RUN_OK && (r.n != strlen(row[i].says) ||
					  memcmp(r.out, row[i].says, r.n) != 0))
			fail_msg("%s: %.*s", row[i].name, (int)r.n, r.out);
		if (is == RUN_FAILED && strstr(e.text, row[i].says) == NULL)
			fail_msg("%s: %s", row[i].name, e.text);
		run_done(&r);
		run_done(&r);
	}
}

/* At the deadline it is killed, and what it started with it. */
static void
deadline(void **state)
{
	struct run r;
	struct err e;

	(void)state;
	assert_true(run_start(&r, "/bin/sleep 1000", S(1), &e));
	assert_int_equal(run_poll(&r, S(1) + S(RUN_WITHIN_S) - 1, &e),
			 RUN_BUSY);
	assert_int_equal(finish(&r, S(1) + S(RUN_WITHIN_S), &e), RUN_FAILED);
	assert_string_equal(e.text, "it took over 30 s");
	run_done(&r);
}

/* Whoever has enough of it need not wait. */
static void
given_up(void **state)
{
	struct run r;
	struct err e;
	pid_t pid;

	(void)state;
	assert_true(run_start(&r, "/bin/sleep 1000", S(1), &e));
	pid = r.pid;
	run_done(&r);
	assert_int_equal(kill(pid, 0), -1);
}

static void
words(void **state)
{
	struct {
		char text[256];
	} many = {"/bin/echo"};
	struct run r;
	struct err e;

	(void)state;
	for (int i = 1; i < RUN_WORDS_MOST; i++)
		strcat(many.text, " x");
	assert_true(run_start(&r, many.text, S(1), &e));
	assert_int_equal(finish(&r, S(1), &e), RUN_OK);
	run_done(&r);
	strcat(many.text, " x");
	assert_false(run_start(&r, many.text, S(1), &e));
	assert_string_equal(e.text, "it has over 32 words");
	run_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ends),
	    cmocka_unit_test(deadline),
	    cmocka_unit_test(given_up),
	    cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
