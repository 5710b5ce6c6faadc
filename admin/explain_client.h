/*
 * explain_client - `mtq explain --client`: what would happen to a client, and
 * to its message, at our door; and where the message would go.
 */
#ifndef MTQ_EXPLAIN_CLIENT_H
#define MTQ_EXPLAIN_CLIENT_H

#include "admin/command.h"

enum { EXPLAIN_CLIENT_MESSAGE = 64 << 20 }; /* octets of a file */

/* From the command line; NULL: not given. */
struct explain_client_ask {
	const char *client;   /* address */
	const char *listener; /* its name */
	const char *port;
	const char *account;
	const char *names; /* of its certificate */
	const char *helo;
	const char *from, *to;
	const char *message; /* a file */
	bool tls;
	bool no_dns;
};
/* The exit code; why is on stderr. */
int explain_client(struct command *c, const struct explain_client_ask *a);

#endif
