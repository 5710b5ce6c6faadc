/*
 * host - the addresses of one mail host and its TLSA records.
 *
 * A and AAAA are asked for together.  TLSA only where the caller's way to the
 * name was secure and the addresses are: at the end of the CNAMEs, then at the
 * name itself; where the CNAMEs lead out of what is signed, at the name itself
 * if its own CNAME is signed (RFC 7672 2.2.2).  TLSA answers that fail make the
 * state FAILED; an insecure one counts as none.
 *
 * Owner    the host is in the caller's memory and stays until `done` or
 *          host_cancel; host_free frees the TLSA set unless it was taken.
 * Source   RFC 6698, RFC 7672 2.2
 */
#ifndef MTQ_HOST_H
#define MTQ_HOST_H

#include "delivery/dane.h"
#include "daemon/dns.h"
#include "daemon/validator.h"

enum {
	HOST_FAMILY_MOST = 10,  /* A records, and as many AAAA */
	HOST_FAILED_TTL_S = 30, /* what failed is soon asked for again */
};

struct host_wish {
	uint16_t port;
	bool tlsa;        /* the way to the name was secure; DANE counts */
	bool no_alias;    /* a host whose name is a CNAME is not used */
	bool public_only; /* drop addresses that aren't of the Internet */
};

struct address {
	size_t n; /* 4 or 16 octets */
	unsigned char octets[16];
};

enum host_step { HOST_ADDRESSES, HOST_ALIAS, HOST_TLSA, HOST_DONE };

struct host {
	char name[DNS_NAME_TEXT];
	void (*done)(struct host *h);
	void *user;
	/* out */
	struct address v6[HOST_FAMILY_MOST], v4[HOST_FAMILY_MOST];
	size_t n6, n4;
	bool secure;           /* all address answers, and the CNAMEs to them */
	bool failed;           /* some address answer was bogus or missing */
	bool private;          /* addresses were dropped for that */
	struct tlsa_set *tlsa; /* NULL: none was asked for */
	uint32_t ttl_s;
	char why[VALIDATOR_WHY + 32]; /* failed, or an alias */
	/* our own */
	const struct host_wish *wish;
	struct validator *validator;
	enum host_step step;
	struct query aaaa, a, tlsa_query;
	unsigned open;                 /* address questions without an answer */
	char canonical[DNS_NAME_TEXT]; /* "": no alias */
	char base[DNS_NAME_TEXT];      /* the name TLSA is asked for */
	char owner[DNS_NAME_TEXT + 16];
};

/* name, done and user are set, the rest is zero. */
void host_start(struct host *h, struct validator *v, const struct host_wish *w);
/* Too late: what is still open has failed.  No `done` is called. */
void host_expire(struct host *h);
void host_free(struct host *h); /* and cancels */

#endif
