/*
 * gate - one block `listen` while it has sessions, and the certificates it
 * shows.
 *
 * After a reload, or when a file has changed, new sessions get the new
 * certificates; those under way keep what they began with.
 *
 * Owner    a gate owns its setups, the list its gates.
 */
#ifndef MTQ_GATE_H
#define MTQ_GATE_H

#include "daemon/secret.h"
#include "daemon/settings.h"
#include "queue/tls_server.h"

/* Certificates of a moment. */
struct gate_tls {
	struct gate_tls *next;
	struct tls_server_setup *setup;
	uint64_t sessions;
};

/* One block `listen`; kept over reloads while it has sessions. */
struct gate {
	struct gate *next;
	char *title;
	struct listen_settings limits; /* only its numbers are used */
	uint64_t sessions;
	bool open;            /* it stands in the configuration in force */
	struct gate_tls *tls; /* for the next session; NULL: none */
	struct gate_tls *old; /* all, the newest first */
};

/* The gate of a listener, made if it is new. */
struct gate *gate_of(struct gate **list, const struct listen_settings *l);
/* What it shows from now on.  False: the one before stays. */
bool gate_certificates(struct gate *g, const struct settings *s,
		       const struct listen_settings *l,
		       const struct secrets *set, struct err *e) MUST_USE;
/* Frees what is no longer open and has no sessions. */
void gates_forget(struct gate **list);

#endif
