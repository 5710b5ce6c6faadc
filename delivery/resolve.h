/*
 * resolve - from a relay's host or a recipient's domain to the addresses to
 * try, with what DNSSEC and DANE say of them.
 *
 * An answer that is bogus, a SERVFAIL or our own deadline is "failed": never "no
 * such record" (attacks.md F1).  A host that failed is left out; none left:
 * DNS_FAILED.  A host whose TLSA answer failed stays, marked so: policy.h says
 * that it isn't used.  Address literals need no lookup and no resolver: the
 * context is made at the first name.
 *
 * Owner    the caller's `struct lookup`, zeroed before its first use; it may be
 *          started again after `done`, also inside it, which frees what it
 *          found before.
 * Source   RFC 5321 5.1, RFC 7505, RFC 7672 2; docs/decisions/0010-dnssec.md
 */
#ifndef MTQ_RESOLVE_H
#define MTQ_RESOLVE_H

#include <sys/socket.h>

#include "daemon/loop.h"
#include "daemon/settings.h"
#include "delivery/dane.h"
#include "queue/status.h"

enum {
	RESOLVE_ADDRESSES_MOST = 40, /* of all hosts together */
	RESOLVE_PER_HOST_MOST = 10,
	/* Of the MX question, and again of all questions about the hosts
	 * together, which are asked at once: 30 s for a lookup. */
	RESOLVE_DEADLINE_MS = 15 * 1000,
	RESOLVE_TTL_MOST_S = 300,
};

struct target {
	char host[256]; /* as people see it: the MX host or the name given */
	struct sockaddr_storage sa;
	socklen_t len;
	char text[64]; /* the address */
	/* Every answer that led here was DNSSEC-secure, the MX included. */
	bool secure;
	const struct tlsa_set *tlsa; /* of its host; NULL: none was asked for */
};

struct question {
	/* A name (beyond ASCII: its A-labels are asked for), an IPv4 address
	 * or [IPv6]. */
	const char *host;
	uint16_t port;
	enum lookup_kind how;
	bool tlsa;   /* TLSA records too, where they may count */
	bool direct; /* `host` is the domain of recipients: null MX and
				   an MX that is us are final, private
				   addresses are refused */
	bool allow_private;
	bool strict_cname;
	const char *hostname; /* ours, to know ourselves in an MX list */
	uint32_t deadline_ms; /* 0: RESOLVE_DEADLINE_MS */
};

struct resolver;
struct search; /* a lookup's work in progress; freed before `done` */
struct lookup {
	/* in */
	void (*done)(struct lookup *l);
	/* out: targets in the order to try, or why there are none */
	struct target *target;
	size_t n;
	enum status status; /* when n is 0 */
	char detail[128];
	uint32_t ttl_s;
	/* our own */
	struct search *search;
};

struct resolver *resolver_open(struct loop *l, const struct dns_settings *s);
/* New settings hold from the next question on, in lookups under way too.
 * Changed anchor files are found by themselves, within an hour. */
void resolver_configure(struct resolver *r, const struct dns_settings *s);
/* What `q` points to is copied.  `done` may be called before this returns. */
void resolve_start(struct resolver *r, struct lookup *l,
		   const struct question *q);
/* Cancels what is under way (without `done`) and frees what was found; the
 * lookup is as zeroed when `gone` is called, perhaps before this returns. */
void resolve_drop(struct lookup *l, void (*gone)(struct lookup *l));

#endif
