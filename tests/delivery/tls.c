/* TLS against a GnuTLS server in a thread: what a resumed session is held to,
 * and when the end of a message may have left. */
#include "tests/delivery/certs.h"
#include "tests/delivery/place.h"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

#include "delivery/connection.h"
#include "delivery/tls.h"

enum { LARGE = BOX_BODY_MOST, SOME = 20000, PATIENCE_MS = 5000 };

struct server {
	const char *priority;
	size_t octets; /* of a message, then it hangs up; 0: a greeting only */
	gnutls_certificate_credentials_t cred;
	gnutls_datum_t ticket;
	int listener;
	uint16_t port;
	pthread_t thread;
	bool dot;
};

static void
server_open(struct server *s)
{
	char cert[96], key[96];

	snprintf(cert, sizeof cert, "%s/good.pem", certs_dir);
	snprintf(key, sizeof key, "%s/good.key", certs_dir);
	must(gnutls_certificate_allocate_credentials(&s->cred) == 0);
	must(gnutls_certificate_set_x509_key_file(s->cred, cert, key,
						  GNUTLS_X509_FMT_PEM) >= 0);
	must(gnutls_session_ticket_key_generate(&s->ticket) == 0);
}

static void
server_close(struct server *s)
{
	gnutls_certificate_free_credentials(s->cred);
	gnutls_free(s->ticket.data);
}

static ssize_t
say(gnutls_session_t x, const char *words)
{
	return gnutls_record_send(x, words, strlen(words));
}

/* Reads up to `most` octets, at least one. */
static ssize_t
take(gnutls_session_t x, char *to, size_t most)
{
	ssize_t n;

	do
		n = gnutls_record_recv(x, to, most);
	while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED);
	return n;
}

static void
take_message(struct server *s, gnutls_session_t x)
{
	static const char *const says[] = {"250 peer\r\n", "250 2.1.0 Ok\r\n",
					   "250 2.1.5 Ok\r\n", "354 go\r\n"};
	char line[512], buffer[1024], last[5] = "";
	size_t had = 0;

	for (size_t i = 0; i < countof(says); i++)
		if (take(x, line, sizeof line) <= 0 || say(x, says[i]) < 0)
			return;
	while (had < s->octets && !s->dot) {
		ssize_t n = take(x, buffer, sizeof buffer);

		if (n <= 0)
			return;
		had += (size_t)n;
		if (n >= 5)
			memcpy(last, buffer + n - 5, 5);
		s->dot = (n >= 5 && memcmp(last, "\r\n.\r\n", 5) == 0) ||
			 (n == 3 && memcmp(buffer, ".\r\n", 3) == 0);
	}
	if (s->dot)
		say(x, "250 2.0.0 taken\r\n");
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL), rc;
	struct pollfd leaves = {.fd = fd, .events = POLLRDHUP};
	gnutls_session_t x;

	must(gnutls_init(&x, GNUTLS_SERVER | GNUTLS_NO_SIGNAL) == 0);
	must(gnutls_priority_set_direct(x, s->priority, NULL) == 0);
	must(gnutls_credentials_set(x, GNUTLS_CRD_CERTIFICATE, s->cred) == 0);
	must(gnutls_session_ticket_enable_server(x, &s->ticket) == 0);
	gnutls_transport_set_int(x, fd);
	do
		rc = gnutls_handshake(x);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc == 0 && say(x, "220 peer\r\n") > 0 && s->octets > 0)
		take_message(s, x);
	if (s->octets == 0 || s->dot)
		poll(&leaves, 1, PATIENCE_MS);
	gnutls_deinit(x);
	close(fd);
	return NULL;
}

static void
server_listen(struct server *s, struct target *t)
{
	struct sockaddr_in *sa = (struct sockaddr_in *)(void *)&t->sa;
	int small = 4096;

	*t = (struct target){.host = CERTS_HOST, .text = "127.0.0.1"};
	sa->sin_family = AF_INET;
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->len = sizeof *sa;
	s->dot = false;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(setsockopt(s->listener, SOL_SOCKET, SO_RCVBUF, &small,
			sizeof small) == 0);
	must(bind(s->listener, (const struct sockaddr *)sa, t->len) == 0);
	must(listen(s->listener, 1) == 0);
	must(getsockname(s->listener, (struct sockaddr *)sa, &t->len) == 0);
	s->port = ntohs(sa->sin_port);
	must(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void
server_end(struct server *s)
{
	must(pthread_join(s->thread, NULL) == 0);
	close(s->listener);
}

/* --- sessions ---------------------------------------------------------------
 */

static bool
wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* One connection, up to the greeting. */
static bool
once(struct server *s, struct tls_setup *setup, int64_t now_s, bool *resumed)
{
	struct tls_wish w = {.check = CHECK_NAME,
			     .names = {.name = {CERTS_HOST}, .n = 1},
			     .key = "host[127.0.0.1]:25",
			     .now_s = now_s};
	struct target t;
	enum tls_step step;
	struct tls *x;
	char line[64];
	int fd;

	server_listen(s, &t);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(connect(fd, (const struct sockaddr *)&t.sa, t.len) == 0);
	must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	x = tls_open(setup, fd, &w);
	while ((step = tls_handshake(x)) == TLS_STEP_READ ||
	       step == TLS_STEP_WRITE)
		assert_true(
		    wait_for(fd, step == TLS_STEP_READ ? POLLIN : POLLOUT));
	*resumed = tls_resumed(x);
	while (step == TLS_STEP_DONE && tls_recv(x, line, sizeof line) < 0)
		assert_true(wait_for(fd, POLLIN));
	tls_close(x);
	close(fd);
	server_end(s);
	return step == TLS_STEP_DONE;
}

#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
static const struct {
	const char *name;
	const char *priority;
	struct {
		bool late; /* the certificate has ended */
		bool ok;
		bool resumed;
	} time[4];
} sessions[] = {
    {"kept, 1.3", TLS13, {{false, true, false}, {false, true, true}}},
    {"kept, 1.2", TLS12, {{false, true, false}, {false, true, true}}},
    /* Else the host could never show its new one. */
    {"one whose certificate has ended is not kept, 1.3",
     TLS13,
     {{false, true, false},
      {true, false, true},
      {true, false, false},
      {false, true, false}}},
    {"one whose certificate has ended is not kept, 1.2",
     TLS12,
     {{false, true, false},
      {true, false, true},
      {true, false, false},
      {false, true, false}}},
};

/* 0, or the number of the first connection that was not as it should be. */
static size_t
try_row(size_t i)
{
	struct server s = {.priority = sessions[i].priority};
	struct trust *trust;
	struct tls_setup *setup;
	size_t wrong = 0, n = sessions[i].time[2].late ? 4 : 2;
	char root[96];
	struct err e;

	snprintf(root, sizeof root, "%s/root.crt", certs_dir);
	trust = trust_open(root, &e);
	assert_non_null(trust);
	setup = tls_setup_open(trust, "", NULL, &e);
	server_open(&s);
	for (size_t j = 0; j < n && wrong == 0; j++) {
		bool late = sessions[i].time[j].late, resumed;
		bool ok =
		    once(&s, setup, late ? certs_late : certs_now, &resumed);

		if (ok != sessions[i].time[j].ok ||
		    resumed != sessions[i].time[j].resumed)
			wrong = j + 1;
	}
	server_close(&s);
	tls_setup_free(setup);
	trust_free(trust);
	return wrong;
}

static void
what_is_resumed(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(sessions); i++) {
		size_t wrong = 0;

		/* The server's own key turns now and then, and its ticket is
		 * good for nothing (seen in one of ten). */
		for (int tries = 0; tries < 8; tries++) {
			wrong = try_row(i);
			if (wrong == 0)
				break;
		}
		if (wrong > 0)
			fail_msg("%s: connection %zu", sessions[i].name, wrong);
	}
}

/* --- the dot ----------------------------------------------------------------
 */

static void
done(struct connection *c, struct task *t)
{
	struct place *p = c->user;

	assert_ptr_equal(t, p->task);
	if (c->dialogue.state != DIALOGUE_READY)
		p->arg = NULL;
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

static const struct row {
	const char *name;
	const char *priority;
	size_t octets;
	bool dot_sent;
} dots[] = {
    {"taken, 1.3", TLS13, SIZE_MAX, true},
    {"taken, 1.2", TLS12, SIZE_MAX, true},
    /* The record that is stuck is not the one with the dot. */
    {"lost in the message, 1.3", TLS13, SOME, false},
    {"lost in the message, 1.2", TLS12, SOME, false},
};

static void
send_to(struct place *p, struct server *s, struct tls_setup *setup)
{
	const struct connection_terms terms = {
	    .times = {5 * SECOND_US, 5 * SECOND_US, 5 * SECOND_US,
		      5 * SECOND_US},
	    .policy = {.tls = true, .must = true, .implicit = true},
	    .setup = setup};
	int little = 8192;
	struct connection *c;
	struct target t;

	server_listen(s, &t);
	c = connection_open(&p->outlet, &t, s->port, &terms, &ops, p, p->task,
			    now_steady_us());
	assert_non_null(c);
	p->arg = c;
	p->ticked = ticked;
	assert_int_equal(
	    setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little),
	    0);
	place_run(p);
	server_end(s);
}

static void
when_the_dot_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(dots); i++) {
		struct server s = {.priority = dots[i].priority,
				   .octets = dots[i].octets};
		struct tls_setup *setup;
		struct place p;
		struct err e;

		server_open(&s);
		setup = tls_setup_open(NULL, "", NULL, &e);
		place_open(&p, NO_PERMIT, LARGE);
		send_to(&p, &s, setup);
		if (!p.task->judged[0] ||
		    p.task->dot_sent != dots[i].dot_sent ||
		    s.dot != dots[i].dot_sent ||
		    (p.task->verdict[0].kind == VERDICT_SENT) !=
			dots[i].dot_sent)
			fail_msg("%s: dot %s, %s at the server: %s",
				 dots[i].name,
				 p.task->dot_sent ? "sent" : "not sent",
				 s.dot ? "seen" : "not seen",
				 p.task->verdict[0].reply);
		place_close(&p);
		tls_setup_free(setup);
		server_close(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_resumed),
	    cmocka_unit_test(when_the_dot_leaves),
	};

	return cmocka_run_group_tests(tests, certs_begin, certs_end);
}
