/*
 * explain_door - what our door would say to a client and its message, said
 * beforehand: a real session (queue/session.h) is fed the client's words, so
 * the answers are those of the receiver.
 *
 * Differs  nobody authenticates or shakes hands: both are taken as done where
 *          the listener offers them.  Who is suppressed, and whose return path
 *          an address is, nobody asks.
 * Owner    explain_door_close; texts of `record` are valid until then.
 */
#ifndef MTQ_EXPLAIN_DOOR_H
#define MTQ_EXPLAIN_DOOR_H

#include "admin/sentence.h"
#include "queue/door.h"
#include "queue/session.h"

enum {
	EXPLAIN_DOOR_STEPS = 10, /* CONNECT to the message */
	EXPLAIN_DOOR_REPLY = 300,
	EXPLAIN_DOOR_BEGIN = 64 * 1024, /* octets kept of the message */
};

struct explain_door_ask {
	const struct settings *s;
	const struct listen_settings *listen;
	unsigned char peer[16];
	const char *client;     /* the same as text */
	const char *account;    /* "": it does not authenticate */
	const char *no_account; /* why that fails; NULL: it would not */
	bool unknown_account;   /* nobody could look whether there is one */
	const char *names;      /* of its certificate; "": it shows none */
	bool tls;               /* it uses STARTTLS where that is offered */
	const char *helo;
	struct text sender, to; /* envelope */
	/* with CRLF at each line's end; no octets: there is no message */
	struct text message;
	/* Answers what the session asks the DNS; NULL: nobody does. */
	void (*look_up)(void *arg, struct dkim *d);
	void *arg;
	int64_t now_us;
};

struct explain_door_step {
	const char *command; /* "MAIL" */
	char reply[EXPLAIN_DOOR_REPLY];
	bool ok;
};
struct explain_door {
	bool accepted;  /* the message; without one: the recipient */
	bool report;    /* it is taken as mail that comes back */
	bool asked;     /* the session wanted keys of the DNS */
	bool looked_up; /* and got what there was */
	bool tls;
	char account[SESSION_ACCOUNT + 1]; /* as it went on */
	const struct source_settings *source;
	struct explain_door_step step[EXPLAIN_DOOR_STEPS];
	size_t nsteps;
	char words[DOOR_VERDICT + 1]; /* "": it did not come so far */
	struct message_record record; /* when a message was accepted */
	struct bytes begin;           /* of the message as it would be stored */
	struct session *session;
	struct bytes out;
};
void explain_door(const struct explain_door_ask *a, struct explain_door *out);
void explain_door_close(struct explain_door *d);

/* Is this client one of the source?  Why, or why not, in words. */
bool explain_door_fits(const struct explain_door_ask *a,
		       const struct explain_door *d,
		       const struct source_settings *source,
		       struct sentence *why);

#endif
