#include "delivery/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/dns.h"
#include "delivery/host.h"
#include "delivery/idna.h"
#include "daemon/validator.h"

struct resolver {
	struct loop *loop;
	const struct dns_settings *settings;
	struct validator *validator; /* made at the first name */
	uint64_t salt;               /* shuffles hosts of equal preference */
};

struct search {
	struct lookup *lookup;
	struct resolver *resolver;
	struct timer deadline;
	uint32_t deadline_ms; /* of each of the two stages */
	struct query mx;
	char name[DNS_NAME_TEXT];
	char hostname[DNS_NAME_TEXT]; /* "": ours is not known */
	struct host_wish wish;
	bool direct, tlsa, mx_only;
	bool secure; /* the way to the hosts' names */
	struct host *host;
	size_t nhosts;
	size_t open; /* hosts not done; one more while they are started */
	uint32_t ttl_s;
};

struct resolver *
resolver_open(struct loop *l, const struct dns_settings *s)
{
	struct resolver *r = must_alloc(sizeof *r);

	r->loop = l;
	r->settings = s;
	must(getrandom(&r->salt, sizeof r->salt, 0) == sizeof r->salt);
	return r;
}

void
resolver_configure(struct resolver *r, const struct dns_settings *s)
{
	r->settings = s;
	if (r->validator != NULL)
		validator_configure(r->validator, s);
}

static void
timer_closed(struct timer *t)
{
	free(container_of(t, struct search, deadline));
}

static void
search_free(struct search *s)
{
	validator_cancel(&s->mx);
	for (size_t i = 0; i < s->nhosts; i++)
		host_free(&s->host[i]);
	free(s->host);
	s->host = NULL;
	s->nhosts = 0;
	timer_close(&s->deadline, timer_closed);
}

/* Targets of one host stand together and share its set. */
static void
targets_free(struct lookup *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || l->target[i].tlsa != l->target[i - 1].tlsa)
			free((void *)l->target[i].tlsa);
	free(l->target);
	l->target = NULL;
	l->n = 0;
}

static void
finish(struct search *s, enum status status, const char *detail)
{
	struct lookup *l = s->lookup;

	l->search = NULL;
	l->status = status;
	snprintf(l->detail, sizeof l->detail, "%s", detail);
	l->ttl_s = max_of(min_of(s->ttl_s, RESOLVE_TTL_MOST_S), 1U);
	search_free(s);
	l->done(l);
}

static void
target_set(struct target *t, const char *host, const struct address *a,
	   uint16_t port)
{
	int family = a->n == 4 ? AF_INET : AF_INET6;

	snprintf(t->host, sizeof t->host, "%s", host);
	if (family == AF_INET) {
		struct sockaddr_in *sa = (void *)&t->sa;

		sa->sin_family = AF_INET;
		sa->sin_port = htons(port);
		memcpy(&sa->sin_addr, a->octets, sizeof sa->sin_addr);
		t->len = sizeof *sa;
	} else {
		struct sockaddr_in6 *sa = (void *)&t->sa;

		sa->sin6_family = AF_INET6;
		sa->sin6_port = htons(port);
		memcpy(&sa->sin6_addr, a->octets, sizeof sa->sin6_addr);
		t->len = sizeof *sa;
	}
	must(inet_ntop(family, a->octets, t->text, sizeof t->text) != NULL);
}

static void
add_targets(struct search *s, struct host *h, size_t room)
{
	struct lookup *l = s->lookup;
	size_t n = min_of(h->n6 + h->n4, (size_t)RESOLVE_PER_HOST_MOST);

	n = min_of(n, room);
	for (size_t i = 0; i < n; i++) {
		struct target *t = &l->target[l->n++];

		target_set(t, h->name,
			   i < h->n6 ? &h->v6[i] : &h->v4[i - h->n6],
			   s->wish.port);
		t->secure = s->secure && h->secure;
		t->tlsa = h->tlsa;
	}
	if (n > 0)
		h->tlsa = NULL; /* the lookup's now */
	s->ttl_s = min_of(s->ttl_s, h->ttl_s);
}

/* What failed may have an address tomorrow: then nothing final is said. */
static void
no_targets(struct search *s)
{
	const struct host *failed = NULL, *alias = NULL, *tell;
	bool private = false;
	char detail[512];

	for (size_t i = 0; i < s->nhosts; i++) {
		const struct host *h = &s->host[i];

		private |= h->private;
		if (h->failed && failed == NULL)
			failed = h;
		else if (h->why[0] != '\0' && alias == NULL)
			alias = h;
	}
	tell = failed != NULL ? failed : alias != NULL ? alias : &s->host[0];
	snprintf(detail, sizeof detail, "%s%s%s", tell->name,
		 tell->why[0] != '\0' ? ": " : "", tell->why);
	finish(s,
	       failed != NULL ? STATUS_DNS_FAILED
	       : private      ? STATUS_PRIVATE
			      : STATUS_NO_HOST,
	       detail);
}

static void
all_hosts(struct search *s)
{
	struct lookup *l = s->lookup;
	size_t n = 0;

	for (size_t i = 0; i < s->nhosts; i++)
		n += min_of(s->host[i].n6 + s->host[i].n4,
			    (size_t)RESOLVE_PER_HOST_MOST);
	n = min_of(n, (size_t)RESOLVE_ADDRESSES_MOST);
	if (n == 0) {
		no_targets(s);
		return;
	}
	l->target = must_alloc(n * sizeof *l->target);
	for (size_t i = 0; i < s->nhosts; i++)
		add_targets(s, &s->host[i], n - l->n);
	finish(s, STATUS_COUNT, "");
}

static void
host_done(struct host *h)
{
	struct search *s = h->user;

	if (--s->open == 0)
		all_hosts(s);
}

static void
ask_hosts(struct search *s, const struct dns_hosts *list)
{
	timer_start(&s->deadline, s->deadline_ms);
	s->wish.tlsa = s->tlsa && s->secure;
	s->nhosts = list->n;
	s->host = must_alloc(list->n * sizeof *s->host);
	s->open = list->n + 1;
	for (size_t i = 0; i < list->n; i++) {
		struct host *h = &s->host[i];

		snprintf(h->name, sizeof h->name, "%s", list->mx[i].host);
		h->done = host_done;
		h->user = s;
		host_start(h, s->resolver->validator, &s->wish);
	}
	if (--s->open == 0)
		all_hosts(s);
}

static void
only_host(struct search *s, struct dns_hosts *list)
{
	list->n = 1;
	snprintf(list->mx[0].host, sizeof list->mx[0].host, "%s", s->name);
}

/* The domain has no MX: itself, or nobody. */
static void
no_mx(struct search *s, const struct answer *a, struct dns_hosts *list)
{
	if (s->direct && a->no_domain) {
		finish(s, STATUS_NO_DOMAIN, s->name);
	} else if (s->direct && list->null > 0) {
		finish(s, STATUS_NULL_MX, s->name);
	} else if (s->mx_only || (a->n > 0 && list->null == 0)) {
		/* RFC 5321 5.1: MX records that are of no use are an error. */
		finish(s, STATUS_NO_HOST,
		       a->n > 0 ? "no MX record is usable" : "no MX record");
	} else {
		only_host(s, list);
		/* The administrator named the host: whether it has an MX
		 * record makes it no less meant. */
		s->secure = s->secure || !s->direct;
		if (s->direct && dns_same(s->name, s->hostname))
			finish(s, STATUS_OWN_MX, s->name);
		else
			ask_hosts(s, list);
	}
}

static void
mx_answered(struct query *q, const struct answer *a)
{
	struct search *s = container_of(q, struct search, mx);
	struct dns_hosts list = {.salt =
				     s->resolver->salt++ * 0x9e3779b97f4a7c15};
	struct dns_mx mx;

	if (a->failed) {
		char detail[VALIDATOR_WHY + 32];

		snprintf(detail, sizeof detail, "the MX answer is %s", a->why);
		finish(s, STATUS_DNS_FAILED, detail);
		return;
	}
	s->secure = a->secure;
	if (a->n > 0)
		s->ttl_s = min_of(s->ttl_s, a->ttl_s);
	for (size_t i = 0; i < a->n; i++)
		if (dns_mx((const unsigned char *)a->data[i],
			   (size_t)a->size[i], &mx))
			dns_hosts_add(&list, &mx);
	if (list.n == 0)
		no_mx(s, a, &list);
	else if (s->direct && s->hostname[0] != '\0' &&
		 dns_hosts_without(&list, s->hostname) && list.n == 0)
		finish(s, STATUS_OWN_MX, s->hostname);
	else
		ask_hosts(s, &list);
}

static void
too_late(struct timer *t)
{
	struct search *s = container_of(t, struct search, deadline);

	if (s->nhosts == 0) {
		finish(s, STATUS_DNS_FAILED, "no answer for the MX record");
		return;
	}
	for (size_t i = 0; i < s->nhosts; i++)
		host_expire(&s->host[i]);
	all_hosts(s);
}

static void
take_literal(struct lookup *l, const struct question *q,
	     const struct address *a)
{
	l->ttl_s = RESOLVE_TTL_MOST_S;
	if (q->direct && !q->allow_private && !dns_public(a->octets, a->n)) {
		l->status = STATUS_PRIVATE;
	} else {
		l->target = must_alloc(sizeof *l->target);
		l->n = 1;
		target_set(l->target, "", a, q->port);
		snprintf(l->target->host, sizeof l->target->host, "%s",
			 l->target->text);
	}
	l->done(l);
}

static struct search *
search_open(struct resolver *r, struct lookup *l, const struct question *q)
{
	struct search *s = must_alloc(sizeof *s);

	s->lookup = l;
	s->resolver = r;
	timer_open(r->loop, &s->deadline, too_late);
	/* "": it can't be asked for: too long, the root, or no name. */
	if (!idna_ascii(q->host, s->name, sizeof s->name))
		s->name[0] = '\0';
	if (q->hostname != NULL)
		snprintf(s->hostname, sizeof s->hostname, "%s", q->hostname);
	s->wish = (struct host_wish){
	    .port = q->port,
	    .no_alias = q->strict_cname,
	    .public_only = q->direct && !q->allow_private,
	};
	s->deadline_ms =
	    q->deadline_ms > 0 ? q->deadline_ms : RESOLVE_DEADLINE_MS;
	s->direct = q->direct;
	s->tlsa = q->tlsa;
	s->mx_only = q->how == LOOKUP_MX && !q->direct;
	s->ttl_s = RESOLVE_TTL_MOST_S;
	return s;
}

void
resolve_start(struct resolver *r, struct lookup *l, const struct question *q)
{
	struct address a;
	struct search *s;

	must(l->search == NULL);
	targets_free(l);
	l->status = STATUS_COUNT;
	l->detail[0] = '\0';
	a.n = dns_literal(q->host, a.octets);
	if (a.n > 0) {
		take_literal(l, q, &a);
		return;
	}
	s = l->search = search_open(r, l, q);
	if (r->validator == NULL)
		r->validator = validator_open(r->loop, r->settings);
	if (s->name[0] == '\0') {
		finish(s, s->direct ? STATUS_NO_DOMAIN : STATUS_NO_HOST,
		       "a name that can't be asked for");
	} else if (q->how == LOOKUP_HOST && !q->direct) {
		struct dns_hosts list = {.n = 0};

		s->secure = true; /* the administrator named it */
		only_host(s, &list);
		ask_hosts(s, &list);
	} else {
		timer_start(&s->deadline, s->deadline_ms);
		s->mx = (struct query){.answered = mx_answered,
				       .name = s->name,
				       .type = RECORD_MX};
		validator_ask(r->validator, &s->mx);
	}
}

void
resolve_drop(struct lookup *l, void (*gone)(struct lookup *l))
{
	if (l->search != NULL)
		search_free(l->search);
	targets_free(l);
	*l = (struct lookup){.n = 0};
	if (gone != NULL)
		gone(l);
}
