/* When the final dot leaves, and what is said of it: dot_sent is true when the
 * server may have the message, and never when it can't. */
#include "tests/delivery/place.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

#include "delivery/connection.h"

enum { SMALL = 300, LARGE = BOX_BODY_MOST, SOME = 20000, PATIENCE_MS = 5000 };

/* What a server does that takes one message so far. */
struct manner {
	size_t octets;    /* of the message; SIZE_MAX: up to its end */
	const char *then; /* what it says; NULL: nothing */
	bool hangs_up;    /* else it waits for the client to do so */
};
struct server {
	struct manner manner;
	int listener;
	uint16_t port;
	pthread_t thread;
	/* what it saw */
	bool dot;
	int64_t dot_us;
	struct bytes in;
};

static void
say(int fd, const char *words)
{
	(void)!send(fd, words, strlen(words), MSG_NOSIGNAL);
}

static bool
read_more(struct server *s, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	unsigned char buffer[4096];
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		return false;
	n = recv(fd, buffer, sizeof buffer, 0);
	if (n > 0)
		bytes_add(&s->in, buffer, (size_t)n);
	return n > 0;
}

static bool
ends_in_dot(const struct bytes *b)
{
	return b->n >= 5 && memcmp(b->data + b->n - 5, "\r\n.\r\n", 5) == 0;
}

/* One command and its answer, without pipelining. */
static void
answer(struct server *s, int fd, const char *words)
{
	while (s->in.n == 0 || s->in.data[s->in.n - 1] != '\n')
		if (!read_more(s, fd))
			return;
	s->in.n = 0;
	say(fd, words);
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	struct pollfd hangs_up = {.fd = fd, .events = POLLRDHUP};

	say(fd, "220 peer\r\n");
	answer(s, fd, "250 peer\r\n");
	answer(s, fd, "250 2.1.0 Ok\r\n");
	answer(s, fd, "250 2.1.5 Ok\r\n");
	answer(s, fd, "354 go\r\n");
	while (s->in.n < s->manner.octets && !s->dot && read_more(s, fd))
		s->dot = ends_in_dot(&s->in);
	s->dot_us = now_steady_us();
	if (s->manner.then != NULL)
		say(fd, s->manner.then);
	if (!s->manner.hangs_up) {
		poll(&hangs_up, 1, PATIENCE_MS);
		while (read_more(s, fd))
			s->dot |= ends_in_dot(&s->in);
	}
	close(fd);
	return NULL;
}

static void
server_open(struct server *s, struct target *t)
{
	struct sockaddr_in *sa = (struct sockaddr_in *)(void *)&t->sa;
	int small = 4096;

	*t = (struct target){.host = "peer", .text = "127.0.0.1"};
	sa->sin_family = AF_INET;
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->len = sizeof *sa;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(setsockopt(s->listener, SOL_SOCKET, SO_RCVBUF, &small,
				    sizeof small),
			 0);
	assert_int_equal(
	    bind(s->listener, (const struct sockaddr *)sa, sizeof *sa), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(
	    getsockname(s->listener, (struct sockaddr *)sa, &t->len), 0);
	s->port = ntohs(sa->sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
done(struct connection *c, struct task *t)
{
	struct place *p = c->user;

	assert_ptr_equal(t, p->task);
	if (c->dialogue.state != DIALOGUE_READY)
		p->arg = NULL; /* it goes by itself */
}

static void
ready(struct connection *c)
{
	if (c->messages > 0)
		connection_quit(c);
}

static void
opened(struct connection *c)
{
	(void)c;
}

static void
refused(struct connection *c, struct task *t, const struct verdict *v)
{
	(void)c;
	(void)t;
	fail_msg("%s", v->reply);
}

static void
gone(struct connection *c)
{
	struct place *p = c->user;

	p->arg = NULL;
	p->over = true;
}

static void
ticked(struct place *p)
{
	if (p->arg != NULL)
		connection_tick(p->arg, now_steady_us());
}

static const struct connection_ops ops = {done, opened, ready, refused, gone};

#define ALL SIZE_MAX
static const struct row {
	const char *name;
	enum permits permits;
	size_t body;
	struct manner server;
	enum verdict_kind kind;
	bool dot_sent;
	uint16_t code;
	bool dot_seen;
} rows[] = {
    {"taken",
     NO_PERMIT,
     SMALL,
     {ALL, "250 2.0.0 ok\r\n", true},
     VERDICT_SENT,
     true,
     250,
     true},
    {"taken, large",
     NO_PERMIT,
     LARGE,
     {ALL, "250 2.0.0 ok\r\n", true},
     VERDICT_SENT,
     true,
     250,
     true},
    {"refused",
     NO_PERMIT,
     SMALL,
     {ALL, "554 5.7.1 no\r\n", true},
     VERDICT_FAIL,
     true,
     554,
     true},
    {"put off",
     NO_PERMIT,
     SMALL,
     {ALL, "451 4.3.0 later\r\n", true},
     VERDICT_DEFER,
     true,
     451,
     true},
    {"421 to the dot",
     NO_PERMIT,
     SMALL,
     {ALL, "421 4.3.2 bye\r\n", true},
     VERDICT_DEFER,
     true,
     421,
     true},
    {"lost after the dot",
     NO_PERMIT,
     SMALL,
     {ALL, NULL, true},
     VERDICT_DEFER,
     true,
     0,
     true},
    {"half a reply to the dot",
     NO_PERMIT,
     SMALL,
     {ALL, "250-2.0.0 o\r\n", true},
     VERDICT_DEFER,
     true,
     0,
     true},
    {"silent after the dot",
     NO_PERMIT,
     SMALL,
     {ALL, NULL, false},
     VERDICT_DEFER,
     true,
     0,
     true},
    {"lost in the message",
     NO_PERMIT,
     LARGE,
     {SOME, NULL, true},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"silent in the message",
     NO_PERMIT,
     LARGE,
     {SOME, NULL, false},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"refused in the message",
     NO_PERMIT,
     LARGE,
     {SOME, "552 5.3.4 enough\r\n", false},
     VERDICT_DEFER,
     false,
     552,
     false},
    {"a success in the message is none",
     NO_PERMIT,
     LARGE,
     {SOME, "250 2.0.0 ok\r\n", false},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"not before DOT is known",
     DOT_UNREAD,
     SMALL,
     {ALL, "250 2.0.0 ok\r\n", true},
     VERDICT_SENT,
     true,
     250,
     true},
    {"permitted",
     PERMIT_SOON,
     SMALL,
     {ALL, "250 2.0.0 ok\r\n", true},
     VERDICT_SENT,
     true,
     250,
     true},
    {"permitted, large",
     PERMIT_SOON,
     LARGE,
     {ALL, "250 2.0.0 ok\r\n", true},
     VERDICT_SENT,
     true,
     250,
     true},
    {"permitted later",
     PERMIT_LATER,
     SMALL,
     {ALL, "250 2.0.0 ok\r\n", true},
     VERDICT_SENT,
     true,
     250,
     true},
    {"permitted, then lost",
     PERMIT_LATER,
     SMALL,
     {ALL, NULL, true},
     VERDICT_DEFER,
     true,
     0,
     true},
    {"no permit",
     PERMIT_NEVER,
     SMALL,
     {ALL, NULL, false},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"permits of others",
     PERMIT_OTHERS,
     SMALL,
     {ALL, NULL, false},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"lost before the permit",
     PERMIT_NEVER,
     SMALL,
     {SMALL, NULL, true},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"421 before the permit",
     PERMIT_NEVER,
     SMALL,
     {SMALL, "421 4.4.2 timeout\r\n", true},
     VERDICT_DEFER,
     false,
     421,
     false},
    {"a success before the permit is none",
     PERMIT_NEVER,
     SMALL,
     {SMALL, "250 2.0.0 ok\r\n", false},
     VERDICT_DEFER,
     false,
     0,
     false},
    {"lost in the message, permits",
     PERMIT_SOON,
     LARGE,
     {SOME, NULL, true},
     VERDICT_DEFER,
     false,
     0,
     false},
};

static void
check(const struct row *r, const struct place *p, const struct server *s)
{
	const struct verdict *v = &p->task->verdict[0];

	if (!p->task->judged[0] || v->kind != r->kind ||
	    p->task->dot_sent != r->dot_sent || v->code != r->code ||
	    s->dot != r->dot_seen)
		fail_msg("%s: %s, dot %s, %u, %s at the server: %s", r->name,
			 verdict_word(v->kind),
			 p->task->dot_sent ? "sent" : "not sent", v->code,
			 s->dot ? "seen" : "not seen", v->reply);
	if (r->dot_seen && p->dots != 1)
		fail_msg("%s: %u DOT frames", r->name, p->dots);
	if (p->allowed_us != 0 && s->dot && s->dot_us < p->allowed_us)
		fail_msg("%s: the dot left too early", r->name);
}

/* Else the kernel takes the largest message whole, and for all we know it is on
 * its way. */
static void
keep_little(struct connection *c)
{
	int little = 8192;

	assert_non_null(c);
	assert_int_equal(
	    setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little),
	    0);
}

static void
when_the_dot_leaves(void **state)
{
	const struct connection_terms terms = {
	    .times = {.connect_us = 5 * SECOND_US,
		      .command_us = 5 * SECOND_US,
		      .data_us = SECOND_US / 4}};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct server s = {.manner = rows[i].server};
		struct target t;
		struct place p;

		server_open(&s, &t);
		place_open(&p, rows[i].permits, rows[i].body);
		p.ticked = ticked;
		p.arg = connection_open(&p.outlet, &t, s.port, &terms, &ops, &p,
					p.task, now_steady_us());
		keep_little(p.arg);
		place_run(&p);
		assert_int_equal(pthread_join(s.thread, NULL), 0);
		check(&rows[i], &p, &s);
		place_close(&p);
		close(s.listener);
		bytes_free(&s.in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(when_the_dot_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
