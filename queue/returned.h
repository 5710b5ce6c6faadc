/*
 * returned - what a message that came back has to say.
 *
 * Octets in, values out: reports of RFC 3464 in any folding and encoding, those
 * of servers that write prose instead (qmail, Exim, Postfix and Sendmail without
 * fields, Exchange, Gmail, Yahoo), complaints of RFC 5965, and what is no report
 * at all.
 *
 * Nothing in it is proof: whom it is about is what the signed address says that
 * it came to.  The report only says why.
 *
 * Pure, linear in the octets.
 * Bounded  RETURNED_OCTETS of a message, RETURNED_RECIPIENTS of a report.
 * Source   RFC 3462, 3464, 5337, 6522, 6533 (reports), 5965, 6650 (complaints),
 *          3834 (automatic replies); QSBMF (cr.yp.to/proto/qsbmf.txt);
 *          docs/returns.md.
 */
#ifndef MTQ_RETURNED_H
#define MTQ_RETURNED_H

#include "daemon/bytes.h"
#include "queue/status.h"

enum {
	RETURNED_OCTETS = 256 << 10,
	RETURNED_RECIPIENTS = 16,
	RETURNED_TEXT = 255,
};

/* Id, word, what it is. */
#define RETURNED_KINDS(K)                                                      \
	K(OTHER, "other", "a person, or a report that we don't know")          \
	K(BOUNCE, "bounce", "it was not delivered")                            \
	K(DELAYED, "delayed", "it waits somewhere")                            \
	K(DELIVERED, "delivered", "it was delivered, or passed on")            \
	K(COMPLAINT, "complaint", "its recipient calls it unwanted")           \
	K(AUTO, "auto-reply", "a program answers: out of office, a receipt")
enum returned_kind {
#define K(id, word, what) RETURNED_##id,
	RETURNED_KINDS(K)
#undef K
	    RETURNED_KIND_COUNT
};
const char *returned_word(enum returned_kind k);

/* All texts are made safe (log_safe). */
struct returned_rcpt {
	enum returned_kind kind; /* never OTHER, AUTO */
	char final[RETURNED_TEXT + 1];
	char original[RETURNED_TEXT + 1];
	char remote[RETURNED_TEXT + 1]; /* the host that answered */
	char status[12];                /* "5.1.1"; "" if there is none */
	uint16_t code;                  /* 0: none */
	char reply[VERDICT_REPLY_MOST]; /* the words; "" if there are none */
};

struct returned {
	enum returned_kind kind;
	char reporter[RETURNED_TEXT + 1]; /* the server that wrote it */
	char envid[RETURNED_TEXT + 1];    /* Original-Envelope-Id */
	char feedback[RETURNED_TEXT + 1]; /* COMPLAINT: "abuse", "fraud" ... */
	char subject[RETURNED_TEXT + 1];
	/* of the message that comes back, if a copy is there */
	char message_id[RETURNED_TEXT + 1];
	uint64_t id; /* our queue id, from our own Received; 0: none */
	unsigned nrcpt;
	struct returned_rcpt rcpt[RETURNED_RECIPIENTS];
};

/* Looks at RETURNED_OCTETS of it at most. */
void returned_parse(struct text message, struct returned *out);
/* Whose report it is: of this address, else the first that failed, else the
 * first; NULL: it names nobody.  *named: it is this address. */
const struct returned_rcpt *returned_about(const struct returned *r,
					   struct text address, bool *named);

#endif
