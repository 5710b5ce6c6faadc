/*
 * status - how an attempt for one recipient ended, as a value.
 *
 * Source   RFC 5321 4.2, RFC 3463.
 */
#ifndef MTQ_STATUS_H
#define MTQ_STATUS_H

#include "daemon/values.h"

enum {
	VERDICT_REPLY_MOST = 512, /* octets of the remote's words we keep */
	VERDICT_REMOTE_MOST = 300 /* "host[address]:port" */
};

/* What to do with the recipient. */
enum verdict_kind {
	VERDICT_SENT,  /* the next hop has taken responsibility */
	VERDICT_DEFER, /* try again later */
	VERDICT_FAIL,  /* permanent */
	VERDICT_COUNT
};

/* Whom it blames: decides what else may be tried at once. */
enum verdict_blame {
	BLAME_NOBODY,
	BLAME_RECIPIENT,
	BLAME_MESSAGE,
	BLAME_HOST,  /* this address of the relay: connect, timeout, 421 */
	BLAME_RELAY, /* the relay as a whole: DNS, policy */
	BLAME_US,    /* a worker died, the queue was unreadable */
	BLAME_COUNT
};

/* Where in the dialogue it ended. */
#define STAGES(S)                                                              \
	S(NONE, "before the connection")                                       \
	S(LOOKUP, "looking up the host")                                       \
	S(CONNECT, "connecting")                                               \
	S(GREETING, "reply to the connection")                                 \
	S(EHLO, "reply to EHLO")                                               \
	S(HELO, "reply to HELO")                                               \
	S(MAIL, "reply to MAIL FROM")                                          \
	S(RCPT, "reply to RCPT TO")                                            \
	S(DATA, "reply to DATA")                                               \
	S(BODY, "sending the message")                                         \
	S(DOT, "reply to end of DATA")                                         \
	S(RSET, "reply to RSET")                                               \
	S(QUIT, "reply to QUIT")                                               \
	S(FILE, "writing the file")                                            \
	S(STARTTLS, "reply to STARTTLS")                                       \
	S(TLS, "TLS handshake")                                                \
	S(AUTH, "reply to AUTH")
enum stage {
#define S(id, text) STAGE_##id,
	STAGES(S)
#undef S
	    STAGE_COUNT
};
const char *stage_text(enum stage s);

/* Our own words for what no remote said.  Name, RFC 3463 code, kind, blame,
 * category, text; `reply` is built from it. */
#define STATUSES(S)                                                            \
	S(DNS_FAILED, "4.4.3", DEFER, RELAY, NETWORK, "host lookup failed")    \
	S(NO_HOST, "4.4.4", DEFER, RELAY, NETWORK, "the host has no address")  \
	S(NULL_MX, "5.1.10", FAIL, RELAY, BAD_ADDRESS,                         \
	  "the domain accepts no mail")                                        \
	S(NO_DOMAIN, "5.1.2", FAIL, RECIPIENT, BAD_ADDRESS,                    \
	  "the domain does not exist")                                         \
	S(NO_CONNECT, "4.4.1", DEFER, HOST, NETWORK, "connection failed")      \
	S(LOST, "4.4.2", DEFER, HOST, NETWORK, "connection lost")              \
	S(TIMEOUT, "4.4.2", DEFER, HOST, NETWORK, "timed out")                 \
	S(BAD_REPLY, "4.5.0", DEFER, HOST, NETWORK, "reply that is not SMTP")  \
	S(NO_TLS, "4.7.4", DEFER, HOST, POLICY,                                \
	  "TLS is required and not offered")                                   \
	S(TLS_FAILED, "4.7.5", DEFER, HOST, NETWORK, "TLS handshake failed")   \
	S(UNVERIFIED, "4.7.5", DEFER, HOST, POLICY,                            \
	  "certificate not verified")                                          \
	S(TLSA_FAILED, "4.7.5", DEFER, HOST, NETWORK, "TLSA lookup failed")    \
	S(NO_TLSA, "4.7.5", DEFER, HOST, POLICY,                               \
	  "DANE is required, TLSA is missing")                                 \
	S(EARLY, "4.7.5", DEFER, HOST, NETWORK,                                \
	  "octets before the TLS handshake")                                   \
	S(NO_MECHANISM, "4.7.0", DEFER, RELAY, AUTHENTICATION,                 \
	  "no way to authenticate")                                            \
	S(AUTH_FAILED, "4.7.8", DEFER, RELAY, AUTHENTICATION,                  \
	  "authentication failed")                                             \
	S(NO_SECRET, "4.3.5", DEFER, RELAY, AUTHENTICATION,                    \
	  "a secret is missing")                                               \
	S(OWN_MX, "5.4.6", FAIL, RECIPIENT, NETWORK,                           \
	  "mail would come back to us")                                        \
	S(PRIVATE, "5.4.4", FAIL, RECIPIENT, BAD_ADDRESS,                      \
	  "the domain has private addresses only")                             \
	S(NO_8BIT, "5.6.3", FAIL, MESSAGE, CONTENT,                            \
	  "the relay takes no 8-bit mail")                                     \
	S(NO_UTF8, "5.6.7", FAIL, MESSAGE, CONTENT,                            \
	  "the relay takes no SMTPUTF8")                                       \
	S(TOO_BIG, "5.3.4", FAIL, MESSAGE, CONTENT,                            \
	  "larger than the relay's SIZE")                                      \
	S(EXPIRED, "4.4.7", FAIL, NOBODY, EXPIRED, "the time allowed ran out") \
	S(WORKER_DIED, "4.3.0", DEFER, US, SYSTEM,                             \
	  "our delivery process ended")                                        \
	S(DAMAGED, "4.3.0", DEFER, US, SYSTEM,                                 \
	  "checksum of the stored message")                                    \
	S(NO_FILE, "4.3.0", DEFER, RELAY, SYSTEM,                              \
	  "writing to the Maildir failed")                                     \
	S(UNSIGNED, "4.7.5", DEFER, US, SYSTEM, "a DKIM key is not usable")    \
	S(NO_ROUTE, "4.4.4", DEFER, US, SYSTEM, "no relay for this message")   \
	S(SUPPRESSED, "5.7.1", FAIL, RECIPIENT, SUPPRESSED,                    \
	  "the address is on our suppression list")                            \
	S(NO_RELAY, "5.4.4", FAIL, US, POLICY, "no relay may take it now")     \
	S(DELIVERED, "2.0.0", SENT, NOBODY, NONE, "delivered to the Maildir")
enum status {
#define S(id, code, kind, blame, category, text) STATUS_##id,
	STATUSES(S)
#undef S
	    STATUS_COUNT
};

struct verdict {
	enum verdict_kind kind;
	enum verdict_blame blame;
	enum stage stage;
	uint16_t code;   /* SMTP reply code, 0 when we speak ourselves */
	char status[12]; /* "4.2.1" (RFC 3463); NUL-terminated */
	char reply[VERDICT_REPLY_MOST]; /* cleaned; NUL-terminated */
	char remote[VERDICT_REMOTE_MOST];
	enum category_kind category; /* NONE: not judged yet */
};

/* A verdict in our own words; `detail` may be NULL, else goes into brackets. */
struct verdict verdict_of(enum status s, enum stage stage, const char *detail);
/* Of a verdict in our own words, also when it came over a wire; NONE: these are
 * not ours. */
enum category_kind status_category(const struct verdict *v);
const char *verdict_word(enum verdict_kind k); /* "sent" "deferred" "bounced" */

#endif
