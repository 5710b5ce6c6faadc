#include "delivery/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char LATE[] = "no answer in time";

static void
end(struct host *h)
{
	h->step = HOST_DONE;
	h->done(h);
}

/* A set with room for the data of a secure answer's first records behind it,
 * in one block. */
static struct tlsa_set *
set_make(const struct host *h, const struct answer *a)
{
	size_t n = min_of(a->n, (size_t)TLSA_MOST), octets = 0;
	struct tlsa_set *set;
	unsigned char *to;

	for (size_t i = 0; i < n; i++)
		octets += (size_t)a->size[i];
	set = must_alloc(sizeof *set + octets);
	to = (unsigned char *)(set + 1);
	snprintf(set->base, sizeof set->base, "%s", h->base);
	for (size_t i = 0; i < n; i++) {
		size_t size = (size_t)a->size[i];

		memcpy(to, a->data[i], size);
		if (tlsa_decode(to, size, &set->rr[set->n]))
			set->n++;
		to += size;
	}
	return set;
}

static void
tlsa_failed(struct host *h, const char *why)
{
	h->ttl_s = min_of(h->ttl_s, (uint32_t)HOST_FAILED_TTL_S);
	free(h->tlsa);
	h->tlsa = must_alloc(sizeof *h->tlsa);
	h->tlsa->state = TLSA_FAILED;
	snprintf(h->tlsa->base, sizeof h->tlsa->base, "%s",
		 h->base[0] != '\0' ? h->base : h->name);
	snprintf(h->tlsa->why, sizeof h->tlsa->why, "%.120s", why);
}

static void
ask_tlsa(struct host *h, const char *base)
{
	h->step = HOST_TLSA;
	snprintf(h->base, sizeof h->base, "%s", base);
	snprintf(h->owner, sizeof h->owner, "_%u._tcp.%s", h->wish->port, base);
	h->tlsa_query.name = h->owner;
	h->tlsa_query.type = RECORD_TLSA;
	validator_ask(h->validator, &h->tlsa_query);
}

static void
tlsa_answered(struct host *h, const struct answer *a)
{
	if (a->failed) {
		tlsa_failed(h, a->why);
		end(h);
		return;
	}
	h->ttl_s = min_of(h->ttl_s, a->ttl_s);
	if (a->secure && a->n > 0) {
		h->tlsa = set_make(h, a);
		tlsa_choose(h->tlsa);
		if (a->n > TLSA_MOST)
			snprintf(h->tlsa->why, sizeof h->tlsa->why,
				 "only %d of %zu records are looked at",
				 TLSA_MOST, a->n);
	} else if (!dns_same(h->base, h->name)) {
		ask_tlsa(h, h->name);
		return;
	} else {
		h->tlsa = must_alloc(sizeof *h->tlsa);
		h->tlsa->state = TLSA_NONE;
		snprintf(h->tlsa->base, sizeof h->tlsa->base, "%s", h->base);
	}
	end(h);
}

/* The addresses are insecure, since the CNAMEs lead out of what is signed: is
 * at least the first of them signed? */
static void
alias_answered(struct host *h, const struct answer *a)
{
	if (a->failed) {
		tlsa_failed(h, a->why);
		end(h);
	} else if (a->secure && a->n > 0) {
		ask_tlsa(h, h->name);
	} else {
		end(h);
	}
}

static void
third_answered(struct query *q, const struct answer *a)
{
	struct host *h = container_of(q, struct host, tlsa_query);

	if (h->step == HOST_ALIAS)
		alias_answered(h, a);
	else
		tlsa_answered(h, a);
}

static void
ask_further(struct host *h)
{
	if (h->n6 + h->n4 == 0 || !h->wish->tlsa) {
		end(h);
	} else if (h->secure) {
		ask_tlsa(h, h->canonical[0] != '\0' ? h->canonical : h->name);
	} else if (h->canonical[0] != '\0') {
		h->step = HOST_ALIAS;
		h->tlsa_query.name = h->name;
		h->tlsa_query.type = RECORD_CNAME;
		validator_ask(h->validator, &h->tlsa_query);
	} else {
		end(h);
	}
}

static void
take(struct host *h, const struct answer *a, struct address *to, size_t *n,
     size_t octets)
{
	for (size_t i = 0; i < a->n && *n < HOST_FAMILY_MOST; i++) {
		if ((size_t)a->size[i] != octets)
			continue;
		memcpy(to[*n].octets, a->data[i], octets);
		to[*n].n = octets;
		if (h->wish->public_only && !dns_public(to[*n].octets, octets))
			h->private = true;
		else
			++*n;
	}
}

static void
take_alias(struct host *h, const char *canonical)
{
	size_t n = strlen(canonical);

	n -= n > 0 && canonical[n - 1] == '.';
	if (n < sizeof h->canonical)
		snprintf(h->canonical, sizeof h->canonical, "%.*s", (int)n,
			 canonical);
}

static void
address_failed(struct host *h, const char *what, const char *why)
{
	h->failed = true;
	h->ttl_s = min_of(h->ttl_s, (uint32_t)HOST_FAILED_TTL_S);
	snprintf(h->why, sizeof h->why, "%s%s", what, why);
}

static void
address_answered(struct host *h, const struct answer *a, bool six)
{
	h->open--;
	if (a->failed) {
		address_failed(h, "the address answer is ", a->why);
	} else {
		h->secure = h->secure && a->secure;
		if (a->n > 0)
			h->ttl_s = min_of(h->ttl_s, a->ttl_s);
		if (a->canonical != NULL)
			take_alias(h, a->canonical);
		if (a->canonical != NULL && h->wish->no_alias)
			snprintf(h->why, sizeof h->why, "an alias (CNAME)");
		else if (six)
			take(h, a, h->v6, &h->n6, 16);
		else
			take(h, a, h->v4, &h->n4, 4);
	}
	if (h->open == 0)
		ask_further(h);
}

static void
aaaa_answered(struct query *q, const struct answer *a)
{
	address_answered(container_of(q, struct host, aaaa), a, true);
}

static void
a_answered(struct query *q, const struct answer *a)
{
	address_answered(container_of(q, struct host, a), a, false);
}

void
host_start(struct host *h, struct validator *v, const struct host_wish *w)
{
	h->validator = v;
	h->wish = w;
	h->step = HOST_ADDRESSES;
	h->secure = true;
	h->ttl_s = UINT32_MAX;
	h->open = 2;
	h->aaaa = (struct query){
	    .answered = aaaa_answered, .name = h->name, .type = RECORD_AAAA};
	h->a = (struct query){
	    .answered = a_answered, .name = h->name, .type = RECORD_A};
	h->tlsa_query = (struct query){.answered = third_answered};
	validator_ask(v, &h->aaaa);
	validator_ask(v, &h->a);
}

static void
cancel(struct host *h)
{
	validator_cancel(&h->aaaa);
	validator_cancel(&h->a);
	validator_cancel(&h->tlsa_query);
}

/* Addresses that came in time may be used, but not as if a TLSA question had
 * been answered with "none" (RFC 7672 2.1.2). */
void
host_expire(struct host *h)
{
	enum host_step step = h->step;

	cancel(h);
	h->step = HOST_DONE;
	switch (step) {
	case HOST_DONE:
		return;
	case HOST_ADDRESSES:
		address_failed(h, "", LATE);
		break;
	case HOST_ALIAS:
	case HOST_TLSA:
		break;
	}
	if (h->wish->tlsa && h->n6 + h->n4 > 0 &&
	    (h->secure || h->canonical[0] != '\0'))
		tlsa_failed(h, LATE);
}

void
host_free(struct host *h)
{
	cancel(h);
	free(h->tlsa);
	h->tlsa = NULL;
}
