#include "delivery/validator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include "daemon/log.h"
#include "delivery/anchor.h"
#include "delivery/dns.h"

enum { CLASS_IN = 1, RCODE_OK = 0, RCODE_NXDOMAIN = 3 };
static const char DEBIAN_ANCHOR[] = "/usr/share/dns/root.key";

struct validator {
	struct ub_ctx *ctx;
	struct watch watch;
	size_t asked;
	struct query *first, *last; /* wait for a free place */
	struct query probe;
};

static void
process(struct watch *w, int events)
{
	struct validator *v = container_of(w, struct validator, watch);
	int rc = ub_process(v->ctx);

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
	struct validator *v = arg;

	return try_call(ub_ctx_add_ta(v->ctx, record), "trust anchor");
}

/* libunbound says nothing of a missing file until the first question, and
 * takes the keys an RFC 5011 file holds on trial for good ones; so the file is
 * read here. */
static bool
add_anchors(struct validator *v, const char *path)
{
	char why[ANCHOR_WHY];

	if (anchor_read(path, add_key, v, why))
		return true;
	log_event(EVENT_NOTE, NULL, "lookups: trust anchors in %s: %s", path,
		  why);
	return false;
}

static bool
set_anchors(struct validator *v, const struct texts *t)
{
	bool ok = true;

	for (size_t i = 0; ok && i < t->n; i++)
		ok = add_anchors(v, t->item[i]);
	if (t->n == 0 && access(DEBIAN_ANCHOR, R_OK) == 0)
		ok = add_anchors(v, DEBIAN_ANCHOR);
	else if (t->n == 0)
		log_event(EVENT_NOTE, NULL,
			  "lookups: no trust anchor (%s is missing): no "
			  "answer counts as secure, so there is no DANE",
			  DEBIAN_ANCHOR);
	return ok;
}

static bool
set_servers(struct validator *v, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!try_call(ub_ctx_set_fwd(v->ctx, t->item[i]), t->item[i]))
			return false;
	if (t->n == 0 && access("/etc/resolv.conf", R_OK) == 0)
		(void)ub_ctx_resolvconf(v->ctx, NULL);
	if (access("/etc/hosts", R_OK) == 0)
		(void)ub_ctx_hosts(v->ctx, NULL);
	return true;
}

/* EDNS size: no fragments on any path (DNS flag day 2020). */
static bool
set_options(struct validator *v)
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
		if (!try_call(ub_ctx_set_option(v->ctx, option[i].name,
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

struct validator *
validator_open(struct loop *l, const struct dns_settings *s)
{
	struct validator *v = must_alloc(sizeof *v);

	v->ctx = ub_ctx_create();
	must(v->ctx != NULL);
	/* The context is finished by its first question: all is set before. */
	if (!try_call(ub_ctx_async(v->ctx, 1), "thread") || !set_options(v) ||
	    !set_anchors(v, &s->trust_anchor) || !set_servers(v, &s->forward)) {
		ub_ctx_delete(v->ctx);
		free(v);
		return NULL;
	}
	watch_open(l, &v->watch, ub_fd(v->ctx), process);
	watch_for(&v->watch, LOOP_READ);
	v->probe =
	    (struct query){.answered = probed, .name = ".", .type = RECORD_SOA};
	validator_ask(v, &v->probe);
	return v;
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
	v->asked--;
	q->answered(q, &a); /* q may be gone */
	if (r != NULL)
		ub_resolve_free(r);
	ask_waiting(v);
}

static void
ask_now(struct validator *v, struct query *q)
{
	struct answer a;
	int rc;

	q->state = QUERY_ASKED;
	v->asked++;
	rc = ub_resolve_async(v->ctx, q->name, (int)q->type, CLASS_IN, q,
			      answered, &q->id);
	if (rc == 0)
		return;
	v->asked--;
	q->state = QUERY_IDLE;
	read_result(q, rc, NULL, &a);
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
		ub_cancel(v->ctx, q->id); /* no callback afterwards */
		v->asked--;
		break;
	}
	q->state = QUERY_IDLE;
}
