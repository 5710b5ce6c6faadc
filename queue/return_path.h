/*
 * return_path - the envelope sender that mail leaves with (relay key
 * return_path), and what an address of ours says when mail comes back to it.
 * Pure.
 *
 * An address of ours is "b+TOKEN@" and returns.domain.  The token names message
 * and recipient and is signed; it is in base32 of one case, since local parts
 * lose theirs on the way.  It depends on nothing but the recipient: all
 * attempts have the same one, or greylisting servers would see a new sender
 * each time.  It is good for returns.expires from the message's arrival.
 *
 * The null sender stays null in every mode: reports have no way back.
 *
 * Source   docs/return-paths.md; RFC 5321 4.5.3.1.1 (64 octets), RFC 4648 6.
 */
#ifndef MTQ_RETURN_PATH_H
#define MTQ_RETURN_PATH_H

#include "queue/address.h"
#include "queue/return_key.h"

enum {
	RETURN_PATH_TOKEN = 48,                    /* letters and digits */
	RETURN_PATH_LOCAL = RETURN_PATH_TOKEN + 2, /* with its "b+" */
};

/* Who a message comes back for. */
struct return_path {
	uint64_t message;
	uint32_t rcpt;
	int64_t arrival_us; /* of the message, cut to whole hours */
};

struct return_path_ask {
	const char *mode;   /* relay.return_path */
	const char *domain; /* returns.domain */
	struct text sender; /* as the client gave it; "" null */
	struct text author; /* of header From; "": none */
	bool utf8;          /* the message may have addresses beyond ASCII */
	struct return_path who;       /* verp */
	const struct return_key *key; /* verp; else NULL */
};

/* Mode verp and a sender that is not null: each recipient needs a transaction
 * of its own, and the key. */
bool return_path_single(const char *mode, struct text sender) MUST_USE;
/* NULL; or why the mode gives no address: then `out` is the client's sender,
 * and somebody should be told. */
const char *return_path_make(const struct return_path_ask *a,
			     char out[ADDRESS_MOST + 1]) MUST_USE;

enum return_path_answer {
	RETURN_PATH_OURS,    /* *out */
	RETURN_PATH_OLD,     /* ours, but it has expired; *out too */
	RETURN_PATH_FORGED,  /* it looks like ours, the signature is wrong */
	RETURN_PATH_FOREIGN, /* it does not look like ours at all */
};
/* A local part of returns.domain, in any case. */
enum return_path_answer return_path_parse(struct text local,
					  const struct return_key *key,
					  int64_t expires_us, int64_t now_us,
					  struct return_path *out) MUST_USE;

/* Salesforce's own: name=domain__token@x.bnc.salesforce.com.  Bounces to it
 * are how the CRM learns of them. */
bool return_path_is_crm(struct text address) MUST_USE;

#endif
