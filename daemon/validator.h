/*
 * validator - one question to the DNS, answered with what DNSSEC says of it.
 * The only user of libunbound, which validates in a thread of its own.
 *
 * `failed` first: an answer that is bogus, a SERVFAIL or none at all is never
 * "no such record" (attacks.md F1); nothing else of it may be used.
 *
 * Owner    a query lives in the caller's memory until it was answered or
 *          cancelled; an answer is borrowed during the call.
 * Time     none: the caller has the deadline and cancels.
 * Source   RFC 4035 4.3; docs/decisions/0010-dnssec.md
 */
#ifndef MTQ_VALIDATOR_H
#define MTQ_VALIDATOR_H

#include "daemon/loop.h"
#include "daemon/settings.h"

enum {
	/* Questions with libunbound at a time; the pipe to its thread blocks
	 * when it is full.  More wait here. */
	VALIDATOR_ASKED_MOST = 1000,
	VALIDATOR_WHY = 128,
	VALIDATOR_REFRESH_MS = 3600 * 1000,
};

enum record_type {
	RECORD_A = 1,
	RECORD_CNAME = 5,
	RECORD_SOA = 6,
	RECORD_MX = 15,
	RECORD_TXT = 16,
	RECORD_AAAA = 28,
	RECORD_TLSA = 52,
};

struct answer {
	bool failed;    /* bogus, SERVFAIL, or not askable; `why` says it */
	bool secure;    /* signed from our anchor down, denial included */
	bool no_domain; /* NXDOMAIN */
	size_t n;       /* records */
	char *const *data;
	const int *size;
	const char *canonical; /* end of the CNAMEs; NULL: there were none */
	uint32_t ttl_s;
	char why[VALIDATOR_WHY]; /* cleaned */
};

enum query_state { QUERY_IDLE, QUERY_WAITS, QUERY_ASKED };
struct context;

struct query {
	/* in */
	void (*answered)(struct query *q, const struct answer *a);
	const char *name; /* borrowed until then */
	enum record_type type;
	/* our own */
	struct validator *validator;
	struct context *context;   /* libunbound's that has it */
	struct query *prev, *next; /* those that wait */
	enum query_state state;
	int id; /* libunbound's number */
};

/* If it can't be set up (logged), every question fails until settings or files
 * have changed. */
struct validator *validator_open(struct loop *l, const struct dns_settings *s);
/* New settings, or the same: where they or the files of the trust anchors have
 * changed, the next questions go to a new context with an empty cache; if that
 * can't be set up, the old one stays.  The files are looked at every hour. */
void validator_configure(struct validator *v, const struct dns_settings *s);
/* `answered` may be called before this returns. */
void validator_ask(struct validator *v, struct query *q);
/* No `answered` afterwards; fine for a query that is not under way. */
void validator_cancel(struct query *q);

#endif
