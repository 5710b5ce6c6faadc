/*
 * dsn - a delivery status notification as text: what became of some recipients
 * of one message, for its sender.  Pure.
 *
 * The report is multipart/report: words for a person, message/delivery-status
 * for a program, and the original or its header.  dsn_head writes everything up
 * to where the original's octets begin, dsn_tail what follows them.  Every value
 * from outside goes through one encoder: no octet of it can end a field, begin
 * another or change what the report means.
 *
 * Owner    plain values; texts are borrowed for the call.
 * Unit     microseconds of the wall clock.
 * Source   RFC 3461 6, RFC 3462 (6522), RFC 3464 2, RFC 6533, RFC 3834 5.
 */
#ifndef MTQ_DSN_H
#define MTQ_DSN_H

#include "daemon/bytes.h"
#include "queue/record.h"
#include "queue/status.h"

#define DSN_ACTIONS(A)                                                         \
	A(FAILED, "failed")                                                    \
	A(DELAYED, "delayed")                                                  \
	A(DELIVERED, "delivered")                                              \
	A(RELAYED, "relayed")
enum dsn_action {
#define A(id, word) DSN_##id,
	DSN_ACTIONS(A)
#undef A
};

struct dsn_recipient {
	struct text address;
	struct text orcpt;  /* xtext as received, with its addr-type; "" none */
	struct text status; /* "5.1.1" */
	struct text reply;  /* the remote's words, or ours when code is 0 */
	struct text remote; /* "host[address]:port", "" none */
	uint16_t code;      /* SMTP reply code; 0: we speak ourselves */
	int64_t last_us;    /* of the last attempt; 0: there was none */
	int64_t until_us;   /* DELAYED: when we give up */
};

struct dsn {
	enum dsn_action action; /* of all its recipients */
	struct text hostname;   /* ours: Reporting-MTA, MAILER-DAEMON@ */
	struct text id;         /* queue id of the report itself */
	struct text original;   /* queue id of the message it is about */
	struct text to;         /* its sender */
	struct text envid;      /* xtext as received; "" none */
	struct text subject;    /* raw, of the original */
	struct text message_id; /* of the original, "<a@b>"; "" none */
	struct text client;     /* Received-From-MTA: HELO name; "" none */
	int64_t now_us, arrival_us;
	bool foreign;  /* `to` did not send the original: postmaster */
	bool full;     /* the whole original follows, else its header */
	bool eightbit; /* the original has octets above 127 */
	bool utf8;     /* SMTPUTF8: addresses may be beyond ASCII (RFC 6533) */
	const struct dsn_recipient *recipient;
	size_t n;
};
enum { DSN_RECIPIENTS_MOST = 1000 };

/* What its Subject begins with: "Undelivered mail". */
const char *dsn_subject(enum dsn_action a);
void dsn_head(const struct dsn *d, struct bytes *out);
void dsn_tail(const struct dsn *d, struct bytes *out);
/* How much of p[0..n) is header (with the empty line); n if it has no end
 * there. */
size_t dsn_header_octets(const unsigned char *p, size_t n);

#endif
