/*
 * session_private - what the files of the session share; nobody else's.
 *
 *	session_reply.c		replies, refusals, the end of a transaction
 *	session_tls.c		STARTTLS, and what TLS has told
 *	session_auth.c		AUTH
 *	session_door.c		who the client is, and what it must prove
 *	session_dkim.c		signatures of the message
 *	session_returned.c	mail that comes back
 *	session_mail.c		MAIL and RCPT
 *	session_header.c	the header as it streams by
 *	session_sort.c		author, type and lanes of a message
 *	session_load.c		what it costs, and what has to wait
 *	session_data.c		the octets of DATA and BDAT
 *	session_verb.c		what each command does
 *	session_line.c		octets into commands
 *	session.c		the calls of session.h
 */
#ifndef MTQ_SESSION_PRIVATE_H
#define MTQ_SESSION_PRIVATE_H

#include "queue/archive.h"
#include "queue/classify.h"
#include "queue/door_check.h"
#include "queue/mailbox.h"
#include "queue/sasl_server.h"
#include "queue/session.h"
#include "queue/session_args.h"

enum {
	FIELD_MOST = 1024,          /* octets of a header line we look at */
	TEXT_KEPT = CLASSIFY_VALUE, /* of each field that is kept */
	REFUSAL_MOST = 1024,        /* octets of one refusal in the log */
	REFUSALS_MOST = 8192,       /* octets of refusals not yet logged */
	TITLE_MOST = 64,
	HOST_MOST = 255,
	CLIENT_MOST = 63,
	KEPT_ROOM = 4096, /* of texts, between two messages */
	/* A message that is refused already is read on to its end, so far: */
	DRAIN_MOST = 64 << 20,
};

/* The commands we know (RFC 5321 4.1, RFC 3030 2). */
#define SESSION_VERBS(V)                                                       \
	V(EHLO)                                                                \
	V(HELO)                                                                \
	V(MAIL)                                                                \
	V(RCPT)                                                                \
	V(DATA)                                                                \
	V(BDAT)                                                                \
	V(RSET)                                                                \
	V(NOOP)                                                                \
	V(VRFY)                                                                \
	V(EXPN)                                                                \
	V(HELP)                                                                \
	V(AUTH)                                                                \
	V(STARTTLS)                                                            \
	V(QUIT)
enum session_verb {
#define V(id) VERB_##id,
	SESSION_VERBS(V)
#undef V
	    VERB_COUNT
};
extern const char *const session_verb_word[VERB_COUNT];

/* What of the settings holds for this session: a copy, so that a reload can't
 * take it away while the committer reads our texts. */
struct session_limits {
	uint64_t size_bytes;
	uint64_t recipients;
	uint64_t line;
	uint64_t received;
	uint64_t errors;
	uint64_t idle_commands;
	enum listen_tls_kind tls;
	enum client_cert_kind client_cert;
};

enum session_mode {
	MODE_COMMAND,
	MODE_DATA,
	MODE_BDAT,
	MODE_SWALLOW,   /* octets of a BDAT that was refused */
	MODE_WAIT,      /* SESSION_ACCEPT or SESSION_RETURNED was given */
	MODE_SECURE,    /* SESSION_STARTTLS was given */
	MODE_SASL,      /* a line of an AUTH exchange */
	MODE_SASL_WAIT, /* SESSION_SASL was given */
};
enum hello { HELLO_NONE, HELLO_HELO, HELLO_EHLO };

/* What makes a message unacceptable; the first one found counts. */
enum flaw {
	FLAW_NONE,
	FLAW_BIG,
	FLAW_LINE,
	FLAW_LOOP,
	FLAW_FULL,  /* a chunk could not be stored: no room */
	FLAW_STORE, /* the same, another reason */
};

struct session_rcpt { /* places in `texts` */
	uint32_t address, naddress, nlocal;
	uint32_t orcpt, norcpt;
	uint8_t notify;
};

/* The fields that classify rules look at. */
struct watched {
	size_t n;
	struct watched_field {
		const char *name; /* in the settings */
		size_t nname;
		bool seen;
		char value[TEXT_KEPT + 1];
	} field[]; /* CLASSIFY_FIELDS at most */
};

/* A transaction to return paths of ours, and the report in it. */
struct back {
	struct return_path who[SESSION_RETURNS_MOST];
	unsigned n;        /* 0: an ordinary transaction */
	bool forward;      /* it is kept too: a person may have written it */
	struct bytes copy; /* its first RETURNED_OCTETS */
	struct returned *report;
};

/* The header of the message as it streams by. */
struct header {
	bool inside;
	char line[FIELD_MOST];
	size_t n;
	/* the field whose folded lines come now */
	char *keep;        /* where its value is kept; NULL: nowhere */
	char *watch;       /* the same in `watched` */
	bool in_from;      /* it is the first From */
	struct bytes from; /* unfolded; MAILBOX_FIELD at most */
	bool from_seen, from_cut;
	unsigned received;
	char message_id[TEXT_KEPT + 1];
	char subject[TEXT_KEPT + 1];
};

/* What the log has still to be told. */
struct notes {
	struct bytes texts; /* with their NULs */
	size_t told;
};

/* What the door makes of the message. */
struct session_door {
	struct door_header header;
	struct door_verdict verdict;
};

/* What of AUTH may be, and the exchange that is going on. */
struct session_auth {
	unsigned offered; /* 1u << enum mechanism */
	bool insecure;    /* without TLS too */
	uint64_t failures, failures_most;
	struct sasl_server *exchange; /* NULL: none */
	bool proved; /* only the client's empty line is missing */
	bool gone;   /* the account is no more */
	char method[24];
};

struct session {
	const struct settings *settings; /* until session_reconfigure */
	struct session_limits limits;
	char hostname[HOST_MOST + 1];
	char listener[TITLE_MOST + 1];
	char source[TITLE_MOST + 1]; /* "": it may only send to return paths */
	char client[CLIENT_MOST + 1];
	unsigned char peer[16];
	bool could_secure, could_authenticate; /* struct door_answer */
	bool who_due; /* the settings were replaced: session_who at MAIL */
	struct session_tls tls;
	bool tls_ready; /* there is a certificate to show */
	bool greeted;
	char account[SESSION_ACCOUNT + 1]; /* "": not authenticated */
	struct session_auth auth;
	bool (*suppressed)(void *arg, struct text address, int64_t now_us);
	enum return_path_answer (*returns)(void *arg, struct text local,
					   int64_t now_us,
					   struct return_path *out);
	void *arg;
	struct bytes *out;
	enum session_mode mode;
	enum hello hello;
	char helo[ADDRESS_DOMAIN_MOST + 1];
	bool closing;
	bool quit;
	bool stopping;  /* closes when no transaction is open */
	bool resync;    /* an over-long command runs on to its line end */
	bool resync_cr; /* its last octet was CR */
	uint64_t errors;
	uint64_t idle_commands;
	struct notes refusals, verdicts;
	uint64_t abandon_id; /* SESSION_ABANDON is due; 0: nothing is */

	/* the transaction */
	bool mail;
	struct bytes texts; /* sender, addresses, orcpts */
	uint32_t sender, nsender;
	char envid[SESSION_ARGS_ENVID + 1];
	uint32_t flags;
	struct session_rcpt *rcpt;
	uint32_t *order; /* rcpt sorted by address, to find doubles */
	uint32_t nrcpt, rcpt_room;
	uint32_t ndeclined; /* recipients that the suppression list has */
	struct ledger_recipient *given; /* for session_message */
	struct back back;

	/* the message */
	uint64_t id;
	struct bytes chunk;
	uint32_t chunks;
	uint64_t size_bytes;    /* with our Received field */
	uint64_t content_bytes; /* without */
	uint32_t crc;
	enum flaw flaw;
	bool bdat;     /* a BDAT has begun this message */
	bool last;     /* the BDAT under way is the last one */
	uint64_t left; /* its octets still to come */
	uint64_t bdat_bytes;
	uint64_t line_octets;
	bool at_start; /* of a line */
	bool dot;      /* it began with one, which is not kept */
	bool cr;       /* the last octet was CR */
	bool eightbit;
	struct header header;
	struct session_door *door;
	struct dkim *dkim; /* NULL: nobody asks whether it is signed */
	struct dkim_result dkim_result;
	bool dkim_looked;        /* dkim_result says what was found */
	bool dkim_answered;      /* session_dkim_go_on is due */
	struct watched *watched; /* NULL: no rule looks at a field */
	char author[ADDRESS_MOST + 1];
	char type[TITLE_MOST + 1];
	unsigned type_place; /* in the settings, while it is sorted */
	uint64_t next_id;    /* as given by session_feed */
	int64_t now_us;
	enum session_room room;
};

void session_say(struct session *s, const char *fmt, ...) PRINTF(2, 3);
/* A reply that says no: noted for the log, and counted if it begins with 5.
 * Too many end the session.  `during` is the command's word. */
void session_refuse(struct session *s, const char *during, const char *fmt, ...)
    PRINTF(3, 4);
/* The same for what is no mistake of the client: never counted. */
void session_decline(struct session *s, const char *during, const char *fmt,
		     ...) PRINTF(3, 4);
/* As session_refuse, then the session ends. */
void session_refuse_close(struct session *s, const char *during,
			  const char *fmt, ...) PRINTF(3, 4);
/* What the door says of a message that is refused, for the log. */
void session_note_verdict(struct session *s, const char *words);
void session_close(struct session *s);
/* The transaction is over; what was stored of its message is to be removed. */
void session_reset(struct session *s);

/* Octets that should be a command line; eats *n at most, nothing while the line
 * is not whole. */
enum session_step session_command_line(struct session *s,
				       const unsigned char *p, size_t *n);
/* One command; p is what follows its verb. */
enum session_step session_execute(struct session *s, enum session_verb v,
				  const char *p, size_t n);

/* RCPT to returns.domain, or by who may send nowhere else: answered, true. */
bool session_back_rcpt(struct session *s, const struct address *a);
/* Octets of the message; false: they are not to be kept elsewhere. */
bool session_back_keep(struct session *s, const unsigned char *p, size_t n);
/* It is whole and good. */
enum session_step session_back_end(struct session *s);
void session_back_reset(struct session *s);
/* Copies a text to where those of the transaction are; where it begins. */
uint32_t session_keep(struct session *s, struct text t);

/* MAIL and RCPT; `p` is what follows the verb. */
void session_mail(struct session *s, const char *p, size_t n);
void session_rcpt(struct session *s, const char *p, size_t n);

/* The greeting, or why there is none. */
void session_greet(struct session *s);
/* STARTTLS; `n` octets of argument. */
enum session_step session_starttls(struct session *s, size_t n);
/* What of AUTH holds for this listener and client now. */
void session_auth_configure(struct session *s, const struct settings *all);
/* EHLO's line, if there is one. */
void session_auth_offer(struct session *s);
enum session_step session_auth(struct session *s, const char *p, size_t n);
/* A line of an exchange; eats nothing while it is not whole. */
enum session_step session_auth_line(struct session *s, const unsigned char *p,
				    size_t *n);
/* The transaction is over: an account that is gone goes now. */
void session_auth_reset(struct session *s);
void session_auth_free(struct session *s);
/* "ESMTPS" ... for Received (RFC 3848, RFC 6531 4.3). */
const char *session_protocol(const struct session *s);

/* The header: it begins; octets of a line; the line's end. */
void session_header_begin(struct session *s);
void session_header_octets(struct session *s, const unsigned char *p, size_t n);
void session_header_line(struct session *s);

/* TLS, account or settings have changed: which source the client is. */
void session_who(struct session *s);
/* Its block; NULL: nobody, or a source that a reload took away. */
const struct source_settings *session_source(const struct session *s);
/* A MAIL that is well-formed: may this client send at all?  Answered: false. */
bool session_door_mail(struct session *s) MUST_USE;
bool session_door_sender(struct session *s, struct text sender) MUST_USE;
/* Only somebody may do that: what would make this client somebody. */
void session_refuse_nobody(struct session *s, const char *during);
/* Could this client send anything, now or later? */
bool session_welcome(const struct session *s) MUST_USE;
void session_door_begin(struct session *s);
void session_door_reset(struct session *s);
/* The message is whole and without a flaw: what its source asks for. */
enum session_step session_door_end(struct session *s);
/* Before anybody is asked for keys: is it refused for good whatever they are?
 * It is answered then, and the transaction over. */
bool session_door_shuts(struct session *s) MUST_USE;

/* A message begins; is over; is whole and without a flaw: session_door_end
 * follows, now or behind SESSION_VERIFY. */
void session_dkim_begin(struct session *s);
void session_dkim_reset(struct session *s);
enum session_step session_dkim_end(struct session *s);
/* session_verified was called: what is next; MORE: it was not. */
enum session_step session_dkim_go_on(struct session *s);
/* NULL: nobody has looked. */
const struct dkim_result *session_dkim_result(const struct session *s);

/* The settings have changed: which fields are watched. */
void session_watch(struct session *s);
/* The message is whole: fills in author and type. */
void session_type(struct session *s);
/* The same, and s->given's lanes. */
void session_sort(struct session *s);
/* Archives that get a copy, behind the recipients in s->given: how many. */
uint8_t session_copies(struct session *s);
/* It is sorted: true when the load is high and its type has to wait; 451 4.3.2
 * was said. */
bool session_shed(struct session *s);

void session_spoil(struct session *s, enum flaw flaw);
void session_begin_message(struct session *s); /* makes the Received field */
/* Body octets: eats *n at most. */
enum session_step session_data(struct session *s, const unsigned char *p,
			       size_t *n);
enum session_step session_bdat(struct session *s, const unsigned char *p,
			       size_t *n);
enum session_step session_bdat_command(struct session *s, const char *p,
				       size_t n);

#endif
