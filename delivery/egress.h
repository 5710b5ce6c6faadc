/*
 * egress - one relay as a worker has it: its settings, its CAs, certificate and
 * credential, and the connections all pools of it may have together.
 *
 * Owner    borrows the settings and secrets in force (egress_configure replaces
 *          them); TLS set-ups stay until their last connection has gone.
 */
#ifndef MTQ_EGRESS_H
#define MTQ_EGRESS_H

#include "delivery/connection.h"

struct pool;
struct setup; /* a tls_setup and who uses it */

enum { EGRESS_HOSTS = 256 }; /* lists that the hosts are spread over */

struct egress {
	struct outlet *outlet;
	char relay[65];
	const struct relay_settings *s; /* NULL: no longer configured */
	const struct secrets *secrets;
	struct setup *setup;     /* for new connections; NULL: not made yet */
	uint32_t share, nopen;   /* connections allowed, there */
	struct connection *open; /* all, through egress_next */
	struct connection *host[EGRESS_HOSTS]; /* by the host's name */
	/* Pools that have work and no place for a connection, in the order
	 * they came. */
	struct pool *hungry, **hungry_tail;
	/* A credential that has not been taken yet is tried by one connection
	 * at a time: a wrong one must not be burned. */
	bool proven;
	unsigned era;             /* counts replaced credentials */
	unsigned credential;      /* which of two passwords */
	bool refused[2];          /* since one was last taken */
	int64_t token_refused_us; /* steady; 0: it was not */
	bool token_spent;         /* and no other has come since */
	void (*fresh_token)(void *arg, const char *relay); /* asks mtqd */
	void *arg;
};

struct egress *egress_open(struct outlet *o, const char *relay);
/* NULL: no longer configured.  True: connections made before must not be used
 * for further mail. */
bool egress_configure(struct egress *g, const struct relay_settings *s,
		      const struct secrets *secrets);
/* New values of the same configuration. */
void egress_secrets(struct egress *g, const struct secrets *secrets);

/* A way to this target, or why it can't be used: `v`.  destination "": the
 * relay's own host.  clear: without TLS, after TLS has failed. */
bool egress_connect(struct egress *g, const struct target *t,
		    const char *destination, bool clear,
		    const struct connection_ops *ops, void *user,
		    struct task *task, int64_t steady_us,
		    struct connection **out, struct verdict *v) MUST_USE;
bool egress_may_clear(const struct egress *g, const struct target *t) MUST_USE;
/* It has gone: its place is free. */
void egress_gone(struct egress *g, struct connection *c);
/* May another connection be opened now, to this host? */
bool egress_has_room(const struct egress *g) MUST_USE;
bool egress_host_has_room(struct egress *g, const struct target *t) MUST_USE;

/* The set-up of a connection is through: its credential was taken. */
void egress_proved(struct egress *g);
/* The relay refused it.  True: there is something else to try at once. */
bool egress_refused(struct egress *g, unsigned credential, struct verdict *v,
		    int64_t steady_us) MUST_USE;

#endif
