#include "daemon/validator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/anchor.h"
#include "daemon/dns.h"

enum { CLASS_IN = 1, RCODE_OK = 0, RCODE_NXDOMAIN = 3 };
static const char DEBIAN_ANCHOR[] = "/usr/share/dns/root.key";

/* A context is finished by its first question: another anchor or server needs
 * another context, and the old one goes when its last question is answered. */
struct context {
	struct validator *validator;
	struct ub_ctx *ctx;
	struct watch watch;
	size_t asked;
	bool retired;
	struct query probe;
};

struct validator {
	struct loop *loop;
	const struct dns_settings *settings;
	struct context *now;
	uint64_t stamp; /* of what `now` was made from */
	struct timer refresh;
	size_t asked;               /* of all contexts */
	struct query *first, *last; /* wait for a free place */
};

static void
process(struct watch *w, int events)
{
	struct context *c = container_of(w, struct context, watch);
	int rc = ub_process(c->ctx);

	(void)events;
	if (rc != 0)
		log_event(EVENT_NOTE, NULL, "lookups: %s", ub_strerror(rc));
}

static bool
try_call(int rc, const char *what)
{
	if (rc != 0)
		log_event(EVENT_NOTE, NULL, "lookups: %s: %s", what,
			  ub_strerror(rc));
	return rc == 0;
}

static bool
add_key(void *arg, const char *record)
{
	struct context *c = arg;

	return try_call(ub_ctx_add_ta(c->ctx, record), "trust anchor");
}

/* libunbound says nothing of a missing file until the first question, and
 * takes the keys an RFC 5011 file holds on trial for good ones; so the file is
 * read here. */
static bool
add_anchors(struct context *c, const char *path)
{
	char why[ANCHOR_WHY];

	if (anchor_read(path, add_key, c, why))
		return true;
	log_event(EVENT_NOTE, NULL, "lookups: trust anchors in %s: %s", path,
		  why);
	return false;
}

static bool
set_anchors(struct context *c, const struct texts *t)
{
	bool ok = true;

	for (size_t i = 0; ok && i < t->n; i++)
		ok = add_anchors(c, t->item[i]);
	if (t->n == 0 && access(DEBIAN_ANCHOR, R_OK) == 0)
		ok = add_anchors(c, DEBIAN_ANCHOR);
	else if (t->n == 0)
		log_event(EVENT_NOTE, NULL,
			  "lookups: no trust anchor (%s is missing): no "
			  "answer counts as secure, so there is no DANE",
			  DEBIAN_ANCHOR);
	return ok;
}

static bool
set_servers(struct context *c, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!try_call(ub_ctx_set_fwd(c->ctx, t->item[i]), t->item[i]))
			return false;
	/* A jailed process may not see a file that took its place: never the
	 * root servers instead, without a word. */
	if (t->n == 0 && access("/etc/resolv.conf", R_OK) == 0 &&
	    !try_call(ub_ctx_resolvconf(c->ctx, NULL), "/etc/resolv.conf"))
		return false;
	if (access("/etc/hosts", R_OK) == 0)
		(void)ub_ctx_hosts(c->ctx, NULL);
	return true;
}

/* EDNS size: no fragments on any path (DNS flag day 2020). */
static bool
set_options(struct context *c)
{
	static const struct {
		const char *name, *value;
	} option[] = {{"do-not-query-localhost:", "no"},
		      {"outgoing-range:", "512"},
		      {"num-queries-per-thread:", "4096"},
		      {"edns-buffer-size:", "1232"},
		      {"harden-glue:", "yes"},
		      {"harden-dnssec-stripped:", "yes"},
		      {"harden-below-nxdomain:", "yes"},
		      {"harden-short-bufsize:", "yes"},
		      {"harden-large-queries:", "yes"},
		      {"qname-minimisation:", "yes"},
		      {"module-config:", "validator iterator"}};

	for (size_t i = 0; i < countof(option); i++)
		if (!try_call(ub_ctx_set_option(c->ctx, option[i].name,
						option[i].value),
			      option[i].name))
			return false;
	return true;
}

/* Says once what everything else depends on. */
static void
probed(struct query *q, const struct answer *a)
{
	(void)q;
	if (a->failed)
		log_event(EVENT_NOTE, NULL,
			  "lookups: the root zone can't be validated (%s): if "
			  "this lasts, the trust anchor is wrong or the "
			  "resolver strips DNSSEC, and mail is put off",
			  a->why);
	else
		log_event(EVENT_NOTE, NULL, "lookups: answers are %s",
			  a->secure ? "validated with DNSSEC"
				    : "not DNSSEC-secure: no DANE");
}

static struct context *
context_open(struct validator *v)
{
	const struct dns_settings *s = v->settings;
	struct context *c = must_alloc(sizeof *c);

	c->validator = v;
	c->ctx = ub_ctx_create();
	must(c->ctx != NULL);
	if (!try_call(ub_ctx_async(c->ctx, 1), "thread") || !set_options(c) ||
	    !set_anchors(c, &s->trust_anchor) || !set_servers(c, &s->forward)) {
		ub_ctx_delete(c->ctx);
		free(c);
		return NULL;
	}
	watch_open(v->loop, &c->watch, ub_fd(c->ctx), process);
	watch_for(&c->watch, LOOP_READ);
	c->probe =
	    (struct query){.answered = probed, .name = ".", .type = RECORD_SOA};
	return c;
}

static void
context_closed(struct watch *w)
{
	struct context *c = container_of(w, struct context, watch);

	ub_ctx_delete(c->ctx);
	free(c);
}

/* One question less; never frees at once: libunbound may be our caller. */
static void
context_less(struct context *c)
{
	c->asked--;
	c->validator->asked--;
	if (c->retired && c->asked == 0)
		watch_close(&c->watch, context_closed);
}

static void
context_retire(struct context *c)
{
	validator_cancel(&c->probe);
	c->retired = true;
	if (c->asked == 0)
		watch_close(&c->watch, context_closed);
}

static uint64_t
stamp_of(const struct dns_settings *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s->forward.n; i++)
		for (const char *p = s->forward.item[i]; *p != '\0'; p++)
			h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < s->trust_anchor.n; i++)
		h = anchor_stamp(s->trust_anchor.item[i], h);
	return s->trust_anchor.n == 0 ? anchor_stamp(DEBIAN_ANCHOR, h) : h;
}

/* A stamp that did not work is kept too: it is tried again when something has
 * changed once more. */
static void
refresh(struct validator *v)
{
	uint64_t stamp = stamp_of(v->settings);
	struct context *old = v->now, *c;

	timer_start(&v->refresh, VALIDATOR_REFRESH_MS);
	if (old != NULL && stamp == v->stamp)
		return;
	v->stamp = stamp;
	c = context_open(v);
	if (c == NULL)
		return;
	v->now = c;
	validator_ask(v, &c->probe);
	if (old != NULL) {
		log_event(EVENT_NOTE, NULL,
			  "lookups: servers or trust anchors have changed");
		context_retire(old);
	}
}

static void
look_again(struct timer *t)
{
	refresh(container_of(t, struct validator, refresh));
}

struct validator *
validator_open(struct loop *l, const struct dns_settings *s)
{
	struct validator *v = must_alloc(sizeof *v);

	v->loop = l;
	v->settings = s;
	timer_open(l, &v->refresh, look_again);
	refresh(v);
	return v;
}

void
validator_configure(struct validator *v, const struct dns_settings *s)
{
	v->settings = s;
	refresh(v);
}

static void
read_result(const struct query *q, int rc, const struct ub_result *r,
	    struct answer *a)
{
	char clean[VALIDATOR_WHY - 10];

	*a = (struct answer){.failed = true};
	if (rc != 0 || r == NULL) {
		snprintf(a->why, sizeof a->why, "an error: %s",
			 ub_strerror(rc));
	} else if (r->bogus) { /* the data is there, and forged */
		const char *why = r->why_bogus != NULL ? r->why_bogus : "";

		log_safe(why, strlen(why), clean, sizeof clean);
		snprintf(a->why, sizeof a->why, "bogus: %s", clean);
	} else if (r->rcode != RCODE_OK && r->rcode != RCODE_NXDOMAIN) {
		snprintf(a->why, sizeof a->why, "a server failure (rcode %d)",
			 r->rcode);
	} else {
		a->failed = false;
		a->secure = r->secure;
		a->no_domain = r->rcode == RCODE_NXDOMAIN;
		a->data = r->data;
		a->size = r->len;
		while (r->havedata && r->data[a->n] != NULL)
			a->n++;
		a->ttl_s = (uint32_t)max_of(r->ttl, 0);
		if (r->canonname != NULL && !dns_same(r->canonname, q->name))
			a->canonical = r->canonname;
	}
}

static void ask_waiting(struct validator *v);

static void
answered(void *arg, int rc, struct ub_result *r)
{
	struct query *q = arg;
	struct validator *v = q->validator;
	struct answer a;

	read_result(q, rc, r, &a);
	q->state = QUERY_IDLE;
	context_less(q->context);
	q->answered(q, &a); /* q may be gone */
	if (r != NULL)
		ub_resolve_free(r);
	ask_waiting(v);
}

static void
ask_now(struct validator *v, struct query *q)
{
	struct context *c = v->now;
	struct answer a = {.failed = true,
			   .why = "an error: lookups can't be set up"};
	int rc;

	if (c != NULL) {
		q->state = QUERY_ASKED;
		q->context = c;
		c->asked++;
		v->asked++;
		rc = ub_resolve_async(c->ctx, q->name, (int)q->type, CLASS_IN,
				      q, answered, &q->id);
		if (rc == 0)
			return;
		context_less(c);
		q->state = QUERY_IDLE;
		read_result(q, rc, NULL, &a);
	}
	q->answered(q, &a);
}

static void
unlink_query(struct validator *v, struct query *q)
{
	*(q->prev != NULL ? &q->prev->next : &v->first) = q->next;
	*(q->next != NULL ? &q->next->prev : &v->last) = q->prev;
	q->prev = q->next = NULL;
}

static void
ask_waiting(struct validator *v)
{
	while (v->first != NULL && v->asked < VALIDATOR_ASKED_MOST) {
		struct query *q = v->first;

		unlink_query(v, q);
		ask_now(v, q);
	}
}

void
validator_ask(struct validator *v, struct query *q)
{
	must(q->state == QUERY_IDLE);
	q->validator = v;
	if (v->asked < VALIDATOR_ASKED_MOST) {
		ask_now(v, q);
		return;
	}
	q->state = QUERY_WAITS;
	q->prev = v->last;
	q->next = NULL;
	*(v->last != NULL ? &v->last->next : &v->first) = q;
	v->last = q;
}

void
validator_cancel(struct query *q)
{
	struct validator *v = q->validator;

	switch (q->state) {
	case QUERY_IDLE:
		return;
	case QUERY_WAITS:
		unlink_query(v, q);
		break;
	case QUERY_ASKED:
		/* No callback afterwards. */
		ub_cancel(q->context->ctx, q->id);
		context_less(q->context);
		break;
	}
	q->state = QUERY_IDLE;
}
