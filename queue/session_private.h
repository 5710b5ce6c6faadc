/* session_private - what the files of the session share; nobody else's. */
#ifndef MTQ_SESSION_PRIVATE_H
#define MTQ_SESSION_PRIVATE_H

#include "queue/session.h"

enum {
	FIELD_MOST = 512, /* octets of a header line we look at */
	TEXT_KEPT = 255,  /* of Message-ID and Subject */
	REFUSAL_MOST = 768,
	SAME_LOOKED_MOST = 2000, /* recipients compared for doubles */
};

enum session_mode { MODE_COMMAND, MODE_DATA, MODE_BDAT, MODE_SWALLOW };
enum hello { HELLO_NONE, HELLO_HELO, HELLO_EHLO };

/* What makes a message unacceptable; the first one found counts. */
enum flaw { FLAW_NONE, FLAW_BIG, FLAW_LINE, FLAW_LOOP, FLAW_BARE };

struct session_rcpt { /* places in `texts` */
	uint32_t address, naddress;
	uint32_t orcpt, norcpt;
	uint32_t hash;
	uint8_t notify;
};

/* The header of the message as it streams by. */
struct header {
	bool inside;
	char line[FIELD_MOST];
	size_t n;
	char *keep; /* a field whose folded lines belong to it */
	unsigned received;
	char message_id[TEXT_KEPT + 1];
	char subject[TEXT_KEPT + 1];
};

struct session {
	struct session_config config;
	char client[64];
	char source[65]; /* our own: a reload frees the settings */
	char listener[65];
	struct bytes *out;
	enum session_mode mode;
	enum hello hello;
	char helo[ADDRESS_DOMAIN_MOST + 1];
	bool closing;
	bool abandon; /* SESSION_ABANDON is due */
	bool resync;  /* an over-long command runs on to its line end */
	unsigned errors;
	unsigned idle_commands;
	char refusal[REFUSAL_MOST];
	bool refused;

	/* the transaction */
	bool mail;
	struct bytes texts; /* sender, addresses, orcpts */
	uint32_t sender, nsender;
	char envid[101];
	uint32_t flags;
	struct session_rcpt *rcpt;
	uint32_t nrcpt, rcpt_room;
	struct ledger_recipient *given; /* for session_message */

	/* the message */
	uint64_t id;
	struct bytes chunk;
	uint32_t chunks;
	uint64_t size_bytes;    /* with our Received field */
	uint64_t content_bytes; /* without */
	uint32_t crc;
	enum flaw flaw;
	bool bdat; /* a BDAT has begun this message */
	bool last;
	uint64_t left; /* octets of the BDAT chunk still to come */
	size_t line_octets;
	bool at_start; /* of a line */
	bool dot;      /* it began with one, which is not kept */
	bool cr;       /* the last octet was CR */
	bool eightbit;
	struct header header;
	uint64_t next_id; /* as given by session_feed */
	int64_t now_us;
	enum session_room room;
};

/* session_reply.c */
void session_say(struct session *s, const char *fmt, ...) PRINTF(2, 3);
/* A refusal: counted, noted for the log.  Too many end the session. */
void session_refuse(struct session *s, const char *during, const char *fmt, ...)
    PRINTF(3, 4);
void session_close(struct session *s);
/* The transaction is over; the connection goes on. */
void session_reset(struct session *s);

/* session_mail.c: MAIL and RCPT.  `p` is what follows the verb. */
void session_mail(struct session *s, const char *p, size_t n);
void session_rcpt(struct session *s, const char *p, size_t n);

/* session_data.c */
void session_begin_message(struct session *s); /* makes the Received field */
/* Body octets: eats *n at most. */
enum session_step session_data(struct session *s, const unsigned char *p,
			       size_t *n);
enum session_step session_bdat(struct session *s, const unsigned char *p,
			       size_t *n);
void session_bdat_command(struct session *s, const char *p, size_t n);
enum session_step session_message_end(struct session *s);

#endif
