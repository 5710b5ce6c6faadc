/* How a connection begins: what it copies of its terms, its socket. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/now.h"
#include "delivery/connection_private.h"

/* Secrets are our own copy: they may change while we use them. */
static void
take_account(struct connection *c, const struct target *t, uint16_t port,
	     const struct connection_terms *x)
{
	struct sasl_account *a = &c->terms.account;

	if (x->auth == NULL)
		return;
	c->terms.wants_auth = true;
	c->terms.auth = *x->auth;
	snprintf(c->account, sizeof c->account, "%s", x->user);
	*a = (struct sasl_account){
	    .user = c->account, .host = c->host, .port = port};
	snprintf(c->host, sizeof c->host, "%s", t->host);
	c->terms.auth.user = c->account;
	c->secrets = secrets_open();
	if (x->password != NULL)
		secrets_put(c->secrets, "", "password", x->password->value,
			    x->password->n);
	if (x->token != NULL)
		secrets_put(c->secrets, "", "token", x->token->value,
			    x->token->n);
	/* Putting moves what was found before. */
	a->password = secret_find(c->secrets, "", "password");
	a->token = secret_find(c->secrets, "", "token");
}

static void
prepare(struct connection *c, const struct connection_terms *x)
{
	struct tls_wish wish = x->wish;

	if (!x->policy.tls)
		return;
	wish.key = c->remote;
	wish.now_s = now_us() / SECOND_US;
	c->prepared = tls_open(x->setup, c->fd, &wish);
	c->certificate = tls_setup_has_certificate(x->setup);
}

struct connection *
connection_open(struct outlet *o, const struct target *t, uint16_t port,
		const struct connection_terms *terms,
		const struct connection_ops *ops, void *user, struct task *task,
		int64_t steady_us)
{
	struct connection *c = must_alloc(sizeof *c);
	int one = 1, rc;

	c->fd = socket(t->sa.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		free(c);
		return NULL;
	}
	c->outlet = o;
	c->outgoing.go = connection_go;
	c->ops = ops;
	c->user = user;
	c->times = terms->times;
	c->terms.policy = terms->policy;
	snprintf(c->host, sizeof c->host, "%s", t->host);
	take_account(c, t, port, terms);
	snprintf(c->remote, sizeof c->remote, "%.200s[%s]:%u", t->host, t->text,
		 port);
	prepare(c, terms);
	reply_begin(&c->reply);
	dialogue_init(&c->dialogue, o->hostname, c->remote, &c->terms, &c->out);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch_open(o->loop, &c->watch, c->fd, connection_event);
	c->began_us = steady_us;
	c->deadline_us = steady_us + c->times.connect_us;
	connection_take(c, task, steady_us);
	rc = connect(c->fd, (const struct sockaddr *)&t->sa, t->len);
	c->connecting = true;
	/* Told in the loop, also when it failed at once. */
	if (rc != 0 && errno != EINPROGRESS)
		c->connect_error = errno;
	watch_for(&c->watch, LOOP_WRITE);
	return c;
}
