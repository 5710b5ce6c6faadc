/*
 * accounts - who may authenticate here: names and what proves a password, never
 * a password.
 *
 *	key: BASE64 of 32 octets
 *	NAME SCRAM-SHA-256$ROUNDS:SALT$STOREDKEY:SERVERKEY CREATED NOT_AFTER
 *
 * One line a password; a name has one, or two while it is changed, and both
 * have one salt and one number of rounds: so one computation serves both, and
 * SCRAM, which must name the salt before it sees a proof, takes either.  Times
 * are 2026-12-01T00:00:00Z; NOT_AFTER may be "-".  Lines that begin with '#' and
 * empty ones are skipped.
 *
 * A name that is not there gets a salt, keys and rounds that are made from it
 * and `key`: the same ones each time, and nobody knows their password.  Looking
 * a name up takes the same steps whether it is there or not.
 *
 * Owner    plain memory, never changed once it was read.
 * Bounded  ACCOUNTS_BYTES (what mtqd hands over), ACCOUNTS_MOST names.
 * Errors   "line N: ..." in a struct err, ERR_CONFIG.
 * Source   RFC 5802 3, 7677; the form of the verifier: RFC 5803 3.
 */
#ifndef MTQ_ACCOUNTS_H
#define MTQ_ACCOUNTS_H

#include "daemon/digest.h"
#include "daemon/err.h"
#include "daemon/mac.h"
#include "daemon/secret.h"

enum {
	ACCOUNTS_BYTES = SECRET_MOST,
	ACCOUNTS_MOST = 1000,
	ACCOUNT_NAME = 128,
	ACCOUNT_PASSWORD = 1024, /* octets */
	ACCOUNT_PASSWORDS = 2,
	ACCOUNT_SALT = 16,
	ACCOUNT_SALT_MOST = 64,
	ACCOUNT_ROUNDS_LEAST = 4096, /* RFC 7677 4 */
	/* 11 ms of a thread on the machine of docs/performance.md. */
	ACCOUNT_ROUNDS = 100000,
	ACCOUNT_ROUNDS_MOST = 1000000,
	ACCOUNT_STAMP = 21, /* "2026-12-01T00:00:00Z" */
};
#define ACCOUNT_FOREVER INT64_MAX

/* What proves that somebody knows a password. */
struct account_proof {
	unsigned char stored[MAC_SIZE];
	unsigned char server[MAC_SIZE];
};
struct account_password {
	struct account_proof proof;
	int64_t created_us;
	int64_t not_after_us; /* ACCOUNT_FOREVER: none */
};
struct account {
	char name[ACCOUNT_NAME + 1];
	unsigned char tag[MAC_SIZE]; /* of the name, to find it by */
	unsigned char salt[ACCOUNT_SALT_MOST];
	size_t nsalt;
	unsigned rounds;
	unsigned npasswords;
	struct account_password password[ACCOUNT_PASSWORDS];
};
struct accounts {
	unsigned char key[MAC_SIZE];
	size_t n;
	struct account *account; /* sorted by name */
};

/* NULL: the text is wrong. */
struct accounts *accounts_read(const char *p, size_t n, struct err *e) MUST_USE;
void accounts_free(struct accounts *a); /* NULL is fine */
/* Letters, digits and .-_@+ */
bool account_is_name(struct text t) MUST_USE;
/* NULL: there is none; not for who is asked by strangers. */
const struct account *accounts_find(const struct accounts *a, struct text name);

/* What an exchange needs; the same for a name that is not there. */
struct account_look {
	unsigned char salt[ACCOUNT_SALT_MOST];
	size_t nsalt;
	unsigned rounds;
	struct account_proof proof[ACCOUNT_PASSWORDS];
	/* For our log: */
	bool known;
	bool live; /* at least one password may be used now */
};
void accounts_look(const struct accounts *a, struct text name, int64_t now_us,
		   struct account_look *out);
/* Which of the proofs this (prepared) password is of; ACCOUNT_PASSWORDS: of
 * none.  As long for each answer. */
unsigned account_check(const struct account_look *l, struct text password);
/* The same for a client's proof of SCRAM (RFC 5802 3). */
unsigned account_check_scram(const struct account_look *l, struct text message,
			     const unsigned char proof[MAC_SIZE]);

/* The proof of a (prepared) password. */
void account_prove(struct text password, const unsigned char *salt,
		   size_t nsalt, unsigned rounds, struct account_proof *out);
/* One line of the file with its end. */
void account_line(const struct account *a, const struct account_password *p,
		  struct bytes *out);
void account_stamp(int64_t us, char out[ACCOUNT_STAMP]);

#endif
