/*
 * dkim - is a message signed by the domain of its header From?  One verifier a
 * message: octets stream by, then keys are asked for, then there is a result.
 * Pure: the caller asks the DNS.
 *
 *	dkim_open, dkim_add ..., dkim_end
 *	each question: dkim_name_at, then dkim_answer
 *	dkim_judge
 *
 * Only signatures aligned with From cost a question: d= is From's domain or a
 * parent of it with two labels at least.  The first DKIM_TRIED signatures
 * count; a good one behind ten bad ones is not found.
 *
 * Bounded  the header is kept until dkim_end, up to DKIM_HEADER_MOST.
 * Source   RFC 6376, 8301, 8463; where we are stricter: docs/decisions/0016-dkim.md
 */
#ifndef MTQ_DKIM_H
#define MTQ_DKIM_H

#include "daemon/validator.h"

enum {
	DKIM_HEADER_MOST = 64 * 1024, /* octets; a longer one is not verified */
	DKIM_TRIED = 10,              /* signatures of a message */
	DKIM_NAME = 254,              /* a domain or selector with its NUL */
	DKIM_WORDS = 160,
};

/*	what is said in a verdict (RFC 8601 2.7.1) */
#define DKIM_KINDS(X)                                                          \
	X(NONE, "none") /* not signed */                                       \
	X(PASS, "pass")                                                        \
	X(FAIL, "fail")           /* it does not hold, or has no key */        \
	X(POLICY, "policy")       /* it may hold; we don't take it */          \
	X(NEUTRAL, "neutral")     /* it can't be read */                       \
	X(TEMPORARY, "temperror") /* the DNS did not say */
enum dkim_kind {
#define X(id, word) DKIM_##id,
	DKIM_KINDS(X)
#undef X
};
const char *dkim_word(enum dkim_kind k);

struct dkim_result {
	enum dkim_kind kind;
	char domain[DKIM_NAME]; /* d= of the signature that decided; "" */
	char selector[DKIM_NAME];
	char algorithm[16];     /* "rsa-sha256" */
	unsigned bits;          /* of its key; 0: not known */
	bool weak;              /* fewer than 2048 bits of RSA */
	char words[DKIM_WORDS]; /* for people: why it is no pass; cleaned */
};

struct dkim;
struct dkim *dkim_open(void);
void dkim_close(struct dkim *v); /* NULL too */
/* Octets of the message as it will leave again, in pieces of any size. */
void dkim_add(struct dkim *v, const unsigned char *p, size_t n);
/* The message is whole.  `from`: the domain of its author; no octets: it has
 * none.  How many keys are to be asked for. */
size_t dkim_end(struct dkim *v, struct text from, int64_t now_s);
size_t dkim_questions(const struct dkim *v); /* the same number */
size_t dkim_memory(const struct dkim *v);    /* octets; NULL: 0 */
/* Where key i < dkim_end(...) is published (RFC 6376 3.6.2.1): TXT records. */
const char *dkim_name_at(const struct dkim *v, size_t i);
/* `a` NULL: no answer in time. */
void dkim_answer(struct dkim *v, size_t i, const struct answer *a);
/* After the last answer. */
void dkim_judge(const struct dkim *v, struct dkim_result *out);
/* Does this domain sign for mail from that one? */
bool dkim_aligned(struct text signer, struct text from);

#endif
