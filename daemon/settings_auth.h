/*
 * settings_auth - the auth { } of a relay as values.
 *
 * Owner    borrows from the settings.
 */
#ifndef MTQ_SETTINGS_AUTH_H
#define MTQ_SETTINGS_AUTH_H

#include "daemon/report.h"
#include "daemon/settings.h"

/* The order is the order of preference when the file names none; SCRAM-SHA-1,
 * CRAM-MD5 only where the file names them. */
#define MECHANISMS(M)                                                          \
	M(EXTERNAL, "EXTERNAL")                                                \
	M(SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS")                            \
	M(SCRAM_SHA_1_PLUS, "SCRAM-SHA-1-PLUS")                                \
	M(SCRAM_SHA_256, "SCRAM-SHA-256")                                      \
	M(OAUTHBEARER, "OAUTHBEARER")                                          \
	M(XOAUTH2, "XOAUTH2")                                                  \
	M(PLAIN, "PLAIN")                                                      \
	M(LOGIN, "LOGIN")                                                      \
	M(SCRAM_SHA_1, "SCRAM-SHA-1")                                          \
	M(CRAM_MD5, "CRAM-MD5")
enum mechanism {
#define M(id, word) MECHANISM_##id,
	MECHANISMS(M)
#undef M
	    MECHANISM_COUNT
};
const char *mechanism_name(enum mechanism m);
bool mechanism_parse(const char *word, size_t n, enum mechanism *out) MUST_USE;

/* What a mechanism can't do without. */
enum mechanism_needs {
	MECHANISM_NEEDS_PASSWORD,
	MECHANISM_NEEDS_TOKEN,
	MECHANISM_NEEDS_CERTIFICATE,
};
enum mechanism_needs mechanism_needs(enum mechanism m);

enum { AUTH_USER_MOST = 255, AUTH_PASSWORDS = 2 };

struct auth_settings {
	bool enabled;     /* use it; false: keep it unused */
	const char *user; /* "" only for EXTERNAL */
	const char *password[AUTH_PASSWORDS]; /* references, NULL: none */
	const char *token;                    /* reference, NULL: none */
	enum mechanism order[MECHANISM_COUNT];
	size_t norder;
};

/* False: the relay has no auth block (or a broken one). */
bool auth_of(const struct relay_settings *r,
	     struct auth_settings *out) MUST_USE;
/* Does the relay have what this mechanism needs? */
bool auth_can(const struct auth_settings *a, const struct relay_settings *r,
	      enum mechanism m) MUST_USE;
/* The errors and doubts of one relay's auth block; settings_tls has those of
 * tls and dane. */
void settings_auth_check(const struct settings *s,
			 const struct relay_settings *r, struct report *rep);

#endif
