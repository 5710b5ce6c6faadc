/* Orders to an mtqd that answers well, badly, late or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/order.h"

enum peer {
	ANSWERS,
	DENIES,
	HANGS_UP, /* at once */
	LEAVES,   /* after one answer */
	TOO_LONG, /* a frame over every limit */
	ANOTHER_TYPE,
	NONSENSE, /* an answer that does not decode */
};

static char path[64];

static void
put(int fd, uint8_t type, const void *p, uint32_t n)
{
	unsigned char head[5] = {[4] = type};

	put_le32(head, n);
	if (send(fd, head, sizeof head, MSG_NOSIGNAL) < 0 ||
	    (p != NULL && send(fd, p, n, MSG_NOSIGNAL) < 0))
		_exit(0);
}

static void
get(int fd, void *p, size_t n)
{
	if (recv(fd, p, n, MSG_WAITALL) != (ssize_t)n)
		_exit(0);
}

static void
answer(int fd, const struct control_order *o)
{
	const struct control_answer a = {
	    .message = o->message, .answer = LEDGER_DONE, .changed = o->rcpt};
	struct bytes b = {0};

	control_answer_encode(&b, &a);
	put(fd, CONTROL_ANSWER, b.data, (uint32_t)b.n);
	bytes_free(&b);
}

/* The other process: what mtqd would be. */
static void
play(int listener, enum peer kind)
{
	int fd = accept(listener, NULL, NULL);
	unsigned char head[5], body[1024];
	struct control_order o;

	for (int i = 0; i < 100000; i++) {
		if (kind == HANGS_UP || (kind == LEAVES && i == 1))
			_exit(0);
		get(fd, head, sizeof head);
		get(fd, body, get_le32(head));
		if (head[4] != CONTROL_ORDER ||
		    !control_order_decode(&o, body, get_le32(head)))
			_exit(1);
		switch (kind) {
		case DENIES:
			put(fd, CONTROL_DENIED, NULL, 0);
			break;
		case TOO_LONG:
			put(fd, CONTROL_ANSWER, NULL, UINT32_MAX);
			break;
		case ANOTHER_TYPE:
			put(fd, CONTROL_ORDER, body, get_le32(head));
			break;
		case NONSENSE:
			put(fd, CONTROL_ANSWER, "xyz", 3);
			break;
		case ANSWERS:
		case LEAVES:
		case HANGS_UP:
			answer(fd, &o);
			break;
		}
	}
	_exit(0);
}

static pid_t
begin(enum peer kind)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	snprintf(path, sizeof path, "/tmp/mtq-order-%d", (int)getpid());
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 5), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30);
		play(fd, kind);
	}
	close(fd);
	return pid;
}

static void
end(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	unlink(path);
}

static void
count(void *arg, const struct control_answer *a)
{
	uint32_t *n = arg;

	/* in the order of the orders */
	assert_int_equal(a->message, 1000 + *n);
	assert_int_equal(a->changed, *n);
	(*n)++;
}

static bool
send_many(struct order *o, uint32_t n, int *code, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct control_order what = {.order = LEDGER_HOLD,
						   .message = 1000 + i,
						   .rcpt = i,
						   .reason = text_of("why")};

		if (!order_send(o, &what, code, e))
			return false;
	}
	return order_finish(o, code, e);
}

static void
test_answers_come_in_order(void **state)
{
	static const uint32_t counts[] = {
	    0, 1, ORDER_AHEAD - 1, ORDER_AHEAD, ORDER_AHEAD + 1, 1000};

	(void)state;
	for (size_t i = 0; i < countof(counts); i++) {
		pid_t pid = begin(ANSWERS);
		uint32_t n = 0;
		struct err e;
		int code;
		struct order *o = order_open(path, &code, &e);

		assert_non_null(o);
		order_listen(o, count, &n);
		assert_true(send_many(o, counts[i], &code, &e));
		assert_int_equal(n, counts[i]);
		order_close(o);
		end(pid);
	}
}

static const struct {
	const char *name;
	enum peer peer;
	int code;
	const char *says;
} cases[] = {
    {"not allowed", DENIES, EXIT_NOPERM, "may change the queue"},
    {"hangs up", HANGS_UP, EXIT_NO_DAEMON, "not running"},
    {"leaves in the middle", LEAVES, EXIT_NO_DAEMON, "not running"},
    {"a frame over every limit", TOO_LONG, EXIT_AGAIN, "Protocol error"},
    {"a frame of another type", ANOTHER_TYPE, EXIT_AGAIN, "Protocol error"},
    {"an answer that is none", NONSENSE, EXIT_AGAIN, "Protocol error"},
};

static void
test_bad_peers(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		pid_t pid = begin(cases[i].peer);
		struct err e;
		int code = -1;
		struct order *o = order_open(path, &code, &e);

		assert_non_null(o);
		if (send_many(o, 300, &code, &e))
			fail_msg("%s: done", cases[i].name);
		if (code != cases[i].code ||
		    strstr(e.text, cases[i].says) == NULL)
			fail_msg("%s: %d, %s", cases[i].name, code, e.text);
		order_close(o);
		end(pid);
	}
}

static void
test_nobody_listens(void **state)
{
	char longer[200];
	struct err e;
	int code;

	(void)state;
	assert_null(order_open("/tmp/mtq-order-nobody", &code, &e));
	assert_int_equal(code, EXIT_NO_DAEMON);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_null(order_open(longer, &code, &e));
	assert_int_equal(code, EXIT_AGAIN);
	order_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers_come_in_order),
	    cmocka_unit_test(test_bad_peers),
	    cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
