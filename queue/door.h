/*
 * door - which source a client is, and whether a message may come in: all that
 * a block `source` asks for.  Pure; the same code answers the session and
 * `mtq explain --client --auth --message`.
 *
 * A source's conditions on the client (listener, from_ip, auth_user,
 * client_cert) must all hold.  Of several sources the one with auth_user comes
 * first, then the one with client_cert, then the narrowest network; position
 * has no meaning, and two that could tie are an error of the configuration.
 *
 * Verdict  every check that a source asks for has a result, also behind the
 *          first that fails; they are one line for the log, the queue and
 *          people: "ip=ok auth=sf-relay tls=ok header=ok from=ok
 *          dkim=pass(example.com)".
 * Source   facts: A01 to A16, O07; attacks.md C3, D1.
 */
#ifndef MTQ_DOOR_H
#define MTQ_DOOR_H

#include "daemon/settings.h"

enum { DOOR_VERDICT = 1023, DOOR_REPLY = 256 };

/* What is known of a client. */
struct door_client {
	const struct listen_settings *listen;
	unsigned char peer[16]; /* as net_address gives it */
	bool tls;
	const char *names;   /* as in struct session_tls */
	const char *account; /* "": not authenticated */
};

struct door_answer {
	const struct source_settings *source; /* NULL: nobody */
	/* It could be a source if it authenticated (or used TLS first). */
	bool could_authenticate;
	bool could_secure;
};
/* Which of its conditions hold; one that a source does not state does. */
struct door_fit {
	bool network, account, certificate;
	unsigned bits; /* of the narrowest network that holds the client */
};
void door_fits(const struct source_settings *source,
	       const struct door_client *c, struct door_fit *out);
void door_who(const struct settings *s, const struct door_client *c,
	      struct door_answer *out);
/* Of a Unix socket: the account is "unix:" and the user's name, which the kernel
 * has told; there is no password. */
bool door_is_local(const char *account) MUST_USE;
/* "example.com": that domain; "*.example.com": its subdomains.  ASCII case does
 * not count. */
bool door_domain_is(const char *pattern, const char *domain, size_t n) MUST_USE;

#endif
