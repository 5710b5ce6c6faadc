/* Keys of signatures: between a session and the DNS. */
#include <stdlib.h>

#include "daemon/now.h"
#include "queue/client_private.h"

/* All keys of a message, with the CNAMEs in front of them.  Within the ten
 * minutes that a client waits for our reply (RFC 5321 4.5.3.2.6), and so short
 * that a CRM does not give us up for it. */
#define VERIFY_TIME_US (10 * SECOND_US)

struct client_verify {
	struct client *client;
	int64_t deadline_us;
	size_t n, left;
	bool asking; /* answers may come before all is asked */
	struct question {
		struct client_verify *of;
		struct query query;
	} question[DKIM_TRIED];
};

/* What has not answered counts as no answer. */
static void
finish(struct client *c)
{
	struct client_verify *v = c->verify;

	for (size_t i = 0; i < v->n; i++)
		validator_cancel(&v->question[i].query);
	free(v);
	c->verify = NULL;
	c->waits = SESSION_MORE;
	session_verified(c->session);
}

static void
answered(struct query *q, const struct answer *a)
{
	struct question *x = container_of(q, struct question, query);
	struct client_verify *v = x->of;
	struct client *c = v->client;

	dkim_answer(session_dkim(c->session), (size_t)(x - v->question), a);
	v->left--;
	if (v->left > 0 || v->asking)
		return;
	finish(c);
	client_go_on(c);
}

void
client_verify(struct client *c)
{
	struct dkim *d = session_dkim(c->session);
	struct client_verify *v = must_alloc(sizeof *v);

	v->client = c;
	v->deadline_us = now_steady_us() + VERIFY_TIME_US;
	v->n = v->left = dkim_questions(d);
	must(v->n > 0 && v->n <= countof(v->question));
	c->verify = v;
	c->waits = SESSION_VERIFY;
	if (c->all->validator == NULL)
		clients_dkim(c->all);
	v->asking = true;
	for (size_t i = 0; i < v->n; i++) {
		struct question *x = &v->question[i];

		x->of = v;
		x->query = (struct query){.answered = answered,
					  .name = dkim_name_at(d, i),
					  .type = RECORD_TXT};
		validator_ask(c->all->validator, &x->query);
	}
	v->asking = false;
	if (v->left == 0)
		finish(c); /* the session is fed again at once */
}

void
client_verify_tick(struct client *c, int64_t steady_us)
{
	if (c->verify == NULL || steady_us < c->verify->deadline_us)
		return;
	finish(c);
	client_go_on(c);
}

void
client_unverify(struct client *c)
{
	if (c->verify != NULL)
		finish(c);
}

void
clients_dkim(struct clients *all)
{
	const struct settings *s = all->settings;
	bool asked = all->validator != NULL;

	for (size_t i = 0; i < s->nsources && !asked; i++)
		asked = s->sources[i].dkim != DKIM_GATE_OFF;
	if (all->validator != NULL)
		validator_configure(all->validator, &s->dns);
	else if (asked)
		all->validator = validator_open(all->loop, &s->dns);
}
