/*
 * sign - DKIM-Signature fields of ours: which keys sign a message, and what the
 * fields say.  Pure but for the arithmetic of the keys; runs on any thread.
 *
 * The message streams by: its header is kept, its body only hashed.  What signs
 * is decided at the end of the header: the keys of the domain of header From, or
 * else of the closest domain above it, whose days have come and not gone; of one
 * kind (RSA, Ed25519) the one that began last.
 *
 * Owner    sign_begin borrows the keys until sign_done.
 * Errors   a key that should sign and can't is ERR_CONFIG: such mail waits, it
 *          never leaves without its signature.
 * Source   RFC 6376 3.5, 3.7, 5; RFC 8463; RFC 8616 4;
 *          docs/decisions/0017-signing.md
 */
#ifndef MTQ_SIGN_H
#define MTQ_SIGN_H

#include "daemon/err.h"
#include "daemon/pkey.h"
#include "daemon/settings.h"
#include "queue/dkim_canon.h"

enum {
	SIGN_KEYS_MOST = 4096,      /* blocks dkim */
	SIGN_CHOSEN_MOST = 2,       /* signatures of one message: one a kind */
	SIGN_HEADER_MOST = 1 << 20, /* octets of a header that is signed */
	SIGN_LISTED_MOST = 100,     /* names in h= */
};

struct sign_key {
	char *domain, *selector;
	char *title;      /* of its block */
	struct pkey *key; /* NULL: unusable; `why` says what is wrong */
	char why[120];
	enum sign_when_kind when;
	int64_t from_us, until_us; /* first moment, first moment after */
};

struct sign_keys {
	struct sign_key *key;
	size_t n;
};

struct sign {
	const struct sign_keys *keys;
	int64_t now_us; /* wall clock */
	bool rewritten; /* the relay puts in a Date and Message-ID of its own */
	struct bytes header; /* with the empty line behind it */
	bool inside;         /* the header */
	bool too_large;
	const struct sign_key *chosen[SIGN_CHOSEN_MOST];
	size_t nchosen;
	struct dkim_body body;
	/* Why a message that a key might have signed has no signature of ours;
	 * "": there is nothing to say. */
	const char *note;
};

void sign_begin(struct sign *s, const struct sign_keys *k, int64_t now_us,
		bool rewritten);
/* False: nothing signs this message, the rest need not come. */
bool sign_add(struct sign *s, const unsigned char *p, size_t n) MUST_USE;
/* The message was whole: the fields that go in front of it, perhaps none. */
bool sign_end(struct sign *s, struct bytes *out, struct err *e) MUST_USE;
void sign_done(struct sign *s);

/* The next moment after now at which other keys sign; INT64_MAX: never. */
int64_t sign_next_change(const struct sign_keys *k, int64_t now_us);

#endif
