/*
 * secret - passwords, tokens and private keys: only a reference stands in the
 * configuration, the value lives in locked memory that no core holds and that
 * is wiped before it goes.
 *
 * A reference is file:/path (its first line; whole for a key), cred:NAME
 * ($CREDENTIALS_DIRECTORY/NAME), env:NAME, or, for tokens, cmd:/path (what the
 * command prints).  mtqd resolves them and hands each role what it needs; nobody
 * else has them, nobody prints them.
 *
 * Owner    a set owns its values; secret_find borrows.
 * Source   docs/decisions/0008-secrets.md
 */
#ifndef MTQ_SECRET_H
#define MTQ_SECRET_H

#include "daemon/bytes.h"
#include "daemon/err.h"

enum {
	SECRET_MOST = 512 * 1024, /* octets of one; a file of accounts or CAs */
	SECRETS_MOST = 1024,      /* of one set */
};

struct secret {
	char *value; /* NUL-terminated; may hold no NUL before n */
	size_t n;
};

struct secrets;
struct secrets *secrets_open(void);
void secrets_free(struct secrets *s); /* wipes; NULL is fine */
/* Copies; replaces what was there under this name. */
void secrets_put(struct secrets *s, const char *relay, const char *what,
		 const void *value, size_t n);
/* Forgets one; nothing happens if it is not there. */
void secrets_drop(struct secrets *s, const char *relay, const char *what);
/* False: RLIMIT_MEMLOCK was too low for some; these may reach the swap. */
bool secrets_locked(const struct secrets *s) MUST_USE;
/* what: "password", "password2", "token", "client_key" of a relay; "dkim_key" of
 * a block dkim; "tls_cert" and "tls_key" of a block tls, "client_ca" of a
 * listener; "accounts" of "".  NULL: not there. */
const struct secret *secret_find(const struct secrets *s, const char *relay,
				 const char *what);
/* To and from a sealed memfd, as mtqd hands them to a worker. */
int secrets_write(const struct secrets *s, struct err *e) MUST_USE;
/* Only those that `wanted` says. */
int secrets_write_some(const struct secrets *s,
		       bool (*wanted)(const char *what),
		       struct err *e) MUST_USE;
struct secrets *secrets_read(int fd, struct err *e) MUST_USE;

/* Is it file:, cred:, env: or (token) cmd: with something sensible behind it? */
bool secret_reference(const char *ref, bool token, char why[160]) MUST_USE;
/* The value of a file:, cred: or env: reference; a file that others than its
 * owner and group may read is refused. */
bool secret_fetch(const char *ref, bool whole, struct bytes *out,
		  struct err *e) MUST_USE;
/* The same, whole, for what everybody may read: a certificate. */
bool secret_fetch_public(const char *ref, struct bytes *out,
			 struct err *e) MUST_USE;
/* Takes an env: reference out of our environment, which children would inherit;
 * does nothing for others. */
void secret_forget(const char *ref);
void secret_wipe(void *p, size_t n);

#endif
