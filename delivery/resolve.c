#include "delivery/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include "daemon/log.h"
#include "delivery/dns.h"

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28, CLASS_IN = 1, SERVFAIL = 2 };
static const char DEBIAN_ANCHOR[] = "/usr/share/dns/root.key";

const char *const resolve_files[] = {"/etc/resolv.conf", "/etc/hosts",
				     "/usr/share/dns", "/dev/urandom", NULL};

struct resolver {
	struct loop *loop;
	const struct dns_settings *settings;
	struct ub_ctx *ctx; /* made at the first name */
	struct watch watch;
	bool broken;
};

struct resolver *
resolver_open(struct loop *l, const struct dns_settings *s)
{
	struct resolver *r = must_alloc(sizeof *r);

	r->loop = l;
	r->settings = s;
	return r;
}

void
resolver_configure(struct resolver *r, const struct dns_settings *s)
{
	r->settings = s;
	r->broken = false;
}

static void
answers(struct watch *w, int events)
{
	struct resolver *r = container_of(w, struct resolver, watch);
	int rc = ub_process(r->ctx);

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
set_anchors(struct resolver *r)
{
	const struct texts *t = &r->settings->trust_anchor;
	bool ok = true;

	for (size_t i = 0; ok && i < t->n; i++)
		/* libunbound says nothing of a missing file until later. */
		ok = access(t->item[i], R_OK) == 0 &&
		     try_call(ub_ctx_add_ta_file(r->ctx, t->item[i]),
			      t->item[i]);
	if (t->n == 0 && access(DEBIAN_ANCHOR, R_OK) == 0)
		ok = try_call(ub_ctx_add_ta_file(r->ctx, DEBIAN_ANCHOR),
			      DEBIAN_ANCHOR);
	return ok;
}

static bool
set_servers(struct resolver *r)
{
	const struct texts *t = &r->settings->forward;

	for (size_t i = 0; i < t->n; i++)
		if (!try_call(ub_ctx_set_fwd(r->ctx, t->item[i]), t->item[i]))
			return false;
	if (t->n == 0 && access("/etc/resolv.conf", R_OK) == 0)
		(void)ub_ctx_resolvconf(r->ctx, NULL);
	if (access("/etc/hosts", R_OK) == 0)
		(void)ub_ctx_hosts(r->ctx, NULL);
	return true;
}

/* The context is finished by its first query; everything is set before. */
static bool
ready(struct resolver *r)
{
	static const struct {
		const char *name, *value;
	} option[] = {{"do-not-query-localhost:", "no"},
		      {"num-queries-per-thread:", "1024"},
		      {"harden-dnssec-stripped:", "yes"},
		      {"module-config:", "validator iterator"}};

	if (r->ctx != NULL || r->broken)
		return !r->broken;
	r->ctx = ub_ctx_create();
	must(r->ctx != NULL);
	r->broken = !try_call(ub_ctx_async(r->ctx, 1), "thread");
	for (size_t i = 0; !r->broken && i < countof(option); i++)
		r->broken = !try_call(
		    ub_ctx_set_option(r->ctx, option[i].name, option[i].value),
		    option[i].name);
	if (!r->broken)
		r->broken = !set_anchors(r) || !set_servers(r);
	if (r->broken)
		return false;
	watch_open(r->loop, &r->watch, ub_fd(r->ctx), answers);
	watch_for(&r->watch, LOOP_READ);
	return true;
}

static void next_query(struct lookup *l);

static void
finish(struct lookup *l)
{
	if (l->n == 0 && l->status == STATUS_NO_HOST && l->failed)
		l->status = STATUS_DNS_FAILED;
	l->ttl_s = max_of(min_of(l->ttl_s, RESOLVE_TTL_MOST_S), 1U);
	timer_stop(&l->deadline);
	l->done(l);
}

static void
fail(struct lookup *l, enum status s, const char *detail)
{
	l->n = 0;
	l->status = s;
	l->failed = s == STATUS_DNS_FAILED;
	snprintf(l->detail, sizeof l->detail, "%s", detail);
	finish(l);
}

static void
add_target(struct lookup *l, const char *host, int family, const void *addr)
{
	struct target *t;

	if (l->n == RESOLVE_ADDRESSES_MOST)
		return;
	if (l->target == NULL)
		l->target =
		    must_alloc(RESOLVE_ADDRESSES_MOST * sizeof *l->target);
	t = &l->target[l->n++];
	*t = (struct target){.len = 0};
	snprintf(t->host, sizeof t->host, "%s", host);
	if (family == AF_INET) {
		struct sockaddr_in *sa = (void *)&t->sa;

		sa->sin_family = AF_INET;
		sa->sin_port = htons(l->port);
		memcpy(&sa->sin_addr, addr, sizeof sa->sin_addr);
		t->len = sizeof *sa;
	} else {
		struct sockaddr_in6 *sa = (void *)&t->sa;

		sa->sin6_family = AF_INET6;
		sa->sin6_port = htons(l->port);
		memcpy(&sa->sin6_addr, addr, sizeof sa->sin6_addr);
		t->len = sizeof *sa;
	}
	must(inet_ntop(family, addr, t->text, sizeof t->text) != NULL);
}

static bool
literal(struct lookup *l, const char *host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;
	size_t n = strlen(host);

	if (inet_pton(AF_INET, host, &four) == 1) {
		add_target(l, host, AF_INET, &four);
		return true;
	}
	if (n < 3 || host[0] != '[' || host[n - 1] != ']' ||
	    n - 2 >= sizeof text)
		return false;
	memcpy(text, host + 1, n - 2);
	text[n - 2] = '\0';
	if (inet_pton(AF_INET6, text, &six) != 1)
		return false;
	add_target(l, text, AF_INET6, &six);
	return true;
}

/* Addresses of the host now asked for. */
static void
take_addresses(struct lookup *l, const struct ub_result *r)
{
	size_t want = l->family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < RESOLVE_PER_HOST_MOST && r->data[i] != NULL; i++)
		if ((size_t)r->len[i] == want)
			add_target(l, l->mx[l->next_mx], l->family, r->data[i]);
	l->ttl_s = min_of(l->ttl_s, (uint32_t)max_of(r->ttl, 0));
}

static void
next_address(struct lookup *l)
{
	if (l->family == AF_INET6) {
		l->family = AF_INET;
	} else {
		l->family = AF_INET6;
		l->next_mx++;
	}
	if (l->next_mx < l->nmx)
		next_query(l);
	else
		finish(l);
}

/* The MX answer: hosts in order, or the name itself (implicit MX). */
static void
take_mx(struct lookup *l, const struct ub_result *r)
{
	struct dns_mx mx[RESOLVE_HOSTS_MOST];
	size_t n = 0;

	for (size_t i = 0;
	     n < RESOLVE_HOSTS_MOST && r->havedata && r->data[i] != NULL; i++)
		if (dns_mx((const unsigned char *)r->data[i], (size_t)r->len[i],
			   &mx[n]))
			n++;
	if (n == 1 && mx[0].host[0] == '\0') {
		fail(l, STATUS_NULL_MX, "null MX");
		return;
	}
	if (n > 0) {
		dns_mx_sort(mx, n, (uint64_t)(uintptr_t)l);
		l->nmx = 0;
		for (size_t i = 0; i < n; i++)
			if (mx[i].host[0] != '\0')
				snprintf(l->mx[l->nmx++], sizeof l->mx[0],
					 "%.255s", mx[i].host);
		l->ttl_s = min_of(l->ttl_s, (uint32_t)max_of(r->ttl, 0));
	} else if (l->mx_only) {
		fail(l, STATUS_NO_HOST, "no MX record");
		return;
	}
	l->next_mx = 0;
	l->family = AF_INET6;
	next_query(l);
}

static void
answered(void *arg, int rc, struct ub_result *r)
{
	struct lookup *l = arg;
	/* `bogus` before anything else: the data is there, and forged. */
	bool bad = rc != 0 || r == NULL || r->bogus || r->rcode == SERVFAIL;

	l->query = -1;
	timer_stop(&l->deadline);
	l->failed |= bad;
	if (l->family == AF_UNSPEC) {
		if (bad)
			fail(l, STATUS_DNS_FAILED,
			     rc == 0 && r != NULL && r->bogus
				 ? "the MX answer is bogus"
				 : "no answer for the MX record");
		else
			take_mx(l, r);
	} else {
		if (!bad && r->havedata)
			take_addresses(l, r);
		next_address(l);
	}
	if (r != NULL)
		ub_resolve_free(r);
}

static void
too_late(struct timer *t)
{
	struct lookup *l = container_of(t, struct lookup, deadline);

	ub_cancel(l->resolver->ctx, l->query); /* no callback afterwards */
	l->query = -1;
	l->failed = true;
	if (l->family == AF_UNSPEC)
		fail(l, STATUS_DNS_FAILED, "no answer for the MX record");
	else
		next_address(l);
}

static void
next_query(struct lookup *l)
{
	int type = l->family == AF_UNSPEC  ? TYPE_MX
		   : l->family == AF_INET6 ? TYPE_AAAA
					   : TYPE_A;
	int rc = ub_resolve_async(l->resolver->ctx, l->mx[l->next_mx], type,
				  CLASS_IN, l, answered, &l->query);

	if (rc != 0) {
		fail(l, STATUS_DNS_FAILED, ub_strerror(rc));
		return;
	}
	timer_start(&l->deadline, RESOLVE_DEADLINE_MS);
}

void
resolve_start(struct resolver *r, struct lookup *l, const struct question *q)
{
	if (l->resolver == NULL)
		timer_open(r->loop, &l->deadline, too_late);
	l->resolver = r;
	l->n = l->nmx = l->next_mx = 0;
	l->status = STATUS_NO_HOST;
	l->detail[0] = '\0';
	l->failed = false;
	l->port = q->port;
	l->query = -1;
	l->ttl_s = RESOLVE_TTL_MOST_S;
	l->mx_only = q->how == LOOKUP_MX;
	if (literal(l, q->host)) {
		finish(l);
		return;
	}
	if (!ready(r)) {
		fail(l, STATUS_DNS_FAILED, "the resolver can't be set up");
		return;
	}
	snprintf(l->mx[l->nmx++], sizeof l->mx[0], "%s", q->host);
	l->family = q->how == LOOKUP_HOST ? AF_INET6 : AF_UNSPEC;
	next_query(l);
}
