/*
 * session_steps - what a client does in one session of the model test, made
 * from a seed.  The steps stand for themselves: whatever is left out, the rest
 * still has a meaning.
 */
#ifndef MTQ_TESTS_SESSION_STEPS_H
#define MTQ_TESTS_SESSION_STEPS_H

#include <stdio.h>
#include <string.h>

#include "daemon/bytes.h"

enum {
	STEPS_MOST = 120,
	STEPS_OCTETS = 512 * 1024, /* of all steps */
	STEPS_SHOWN = 300,         /* octets of one that are printed */
};

#define DO_KINDS(D)                                                            \
	D(LINE)  /* one command line, with its end */                          \
	D(GROUP) /* several, pipelined */                                      \
	D(DATA)  /* a message behind 354 */                                    \
	D(BDAT)                                                                \
	D(TIMEOUT)                                                             \
	D(STOP)                                                                \
	D(RELOAD)                                                              \
	D(ROOM)   /* how much room there is from now on */                     \
	D(COMMIT) /* how commits end from now on */                            \
	D(AUTH)   /* one of AUTHS */                                           \
	D(CHUNK)  /* how chunks are stored from now on */                      \
	D(CERTIFICATE)
enum do_kind {
#define D(id) DO_##id,
	DO_KINDS(D)
#undef D
};

struct doing {
	enum do_kind kind;
	const unsigned char *octets;
	uint32_t n;
	uint32_t cuts; /* where it is cut */
	uint32_t value;
	bool whole; /* GROUP: one piece; DATA: a command follows */
	bool last;  /* of BDAT */
};

struct doings {
	struct doing one[STEPS_MOST];
	unsigned n;
	unsigned char octets[STEPS_OCTETS];
	size_t used;
	uint64_t random;
};

static inline uint32_t
doings_random(struct doings *a, uint32_t below)
{
	uint64_t x = (a->random += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((x ^ x >> 31) % below);
}

static inline void
doings_put(struct doings *a, const void *p, size_t n)
{
	if (a->used + n > STEPS_OCTETS)
		return;
	memcpy(a->octets + a->used, p, n);
	a->used += n;
}

static inline void
doings_text(struct doings *a, const char *s)
{
	doings_put(a, s, strlen(s));
}

/* The step whose octets begin at `from`. */
static inline struct doing *
doings_add(struct doings *a, enum do_kind kind, size_t from)
{
	struct doing *d = &a->one[a->n];

	if (a->n < STEPS_MOST - 1)
		a->n++;
	*d = (struct doing){.kind = kind,
			    .octets = a->octets + from,
			    .n = (uint32_t)(a->used - from),
			    .cuts = doings_random(a, UINT32_MAX),
			    .value = doings_random(a, 1000),
			    .whole = doings_random(a, 4) == 0,
			    .last = doings_random(a, 2) == 0};
	return d;
}

#define ANY(a, list) list[doings_random(a, countof(list))]

#define MAIL "MAIL FROM:<a@b.c>"

static inline void
doings_mail(struct doings *a)
{
	static const char *const good[] = {
	    MAIL, "mail from: <x@y.example> SIZE=100", MAIL " BODY=8BITMIME",
	    MAIL " SMTPUTF8", "MAIL FROM:<> SIZE=1"};
	static const char *const bad[] = {"MAIL FROM:<a..b@c.d>",
					  "MAIL FROM:<\xc3\xa9@b.c>",
					  "MAIL FROM:<\xc3\xa9@b.c> SMTPUTF8",
					  MAIL " SIZE=1 SIZE=1",
					  MAIL " BODY=BINARY",
					  "MAIL TO:<a@b.c>"};

	doings_text(a, doings_random(a, 8) > 0 ? ANY(a, good) : ANY(a, bad));
	doings_text(a, "\r\n");
}

static inline void
doings_rcpt(struct doings *a)
{
	static const char *const good[] = {
	    "RCPT TO:<c@d.e>", "RCPT TO:<C@d.e>", "RCPT TO:<c@D.E>",
	    "rcpt to: <f@g.h>", "RCPT TO:<postmaster>"};
	static const char *const bad[] = {"RCPT TO:<>", "RCPT TO:<c@d.e> FOO=1",
					  "RCPT TO:<x@[192.0.2.1]>",

					  "RCPT TO:<\xc3\xa9@d.e>",

					  "RCPT FROM:<c@d.e>"};
	char many[64];
	uint32_t r = doings_random(a, 10);

	snprintf(many, sizeof many, "RCPT TO:<r%u@many.example>",
		 doings_random(a, 150));
	doings_text(a, r == 0 ? ANY(a, bad) : r < 5 ? many : ANY(a, good));
	doings_text(a, "\r\n");
}

static inline void
doings_other(struct doings *a)
{
	static const char *const line[] = {
	    "EHLO c.d", "EHLO c.d",     "HELO c.d", "EHLO",      "RSET",
	    "NOOP",     "NOOP x",       "VRFY a",   "EXPN a",    "HELP",
	    "DATA",     "DATA x",       "STARTTLS", "STARTTLS ", "STARTTLS x",
	    "BLAH",     "ETRN a",       "",         " ",         "NO\tOP",
	    "noop  ",   "\xc3\xa9\xff", "MAIL",     "RCPT"};
	static const char *const end[] = {"QUIT",   "GET / HTTP/1.1", "Host: x",
					  "NO\rOP", "NOOP\r",         "BDAT",
					  "BDAT x", "BDAT 1 FIRST"};
	uint32_t r = doings_random(a, 60);

	if (r == 0) {
		for (int i = 0; i < 60; i++)
			doings_text(a, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		doings_text(a, "\r\n");
	} else if (r == 1) {
		doings_put(a, "NO\0P\r\n", 6);
	} else if (r == 2) {
		doings_text(a, "NOOP\n");
	} else {
		doings_text(a, r < 6 ? ANY(a, end) : ANY(a, line));
		doings_text(a, "\r\n");
	}
}

/* As much of one as it takes for DNS to be asked. */
#define SIGNATURE                                                              \
	"DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=b.c; s=s; "    \
	"h=From; "                                                             \
	"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"

/* Whole lines of a message, some of which some server would take for its
 * end. */
static inline void
doings_body(struct doings *a)
{
	static const char *const line[] = {"Subject: x",
					   "X-Type: mass",
					   "Received: by x",
					   "Received: by y",
					   " folded",
					   "\tReceived: x",
					   "X-Received: x",
					   SIGNATURE,
					   "",
					   "",
					   ".",
					   "..",
					   "...",
					   ".x",
					   ". ",
					   "text",
					   "From: <a@b.c>",
					   "QUIT",
					   "\xc3\xa9",
					   "\x1a",
					   "received: z",
					   "BDAT 1 LAST",
					   "MAIL FROM:<e@f.g>"};
	static char long_line[2100];
	uint32_t lines = doings_random(a, 12);

	if (long_line[0] == '\0')
		memset(long_line, 'y', sizeof long_line);
	if (doings_random(a, 20) == 0) { /* signed, and with an empty body */
		doings_text(a, "From: <a@b.c>\r\n" SIGNATURE "\r\n\r\n");
		return;
	}
	if (doings_random(a, 300) == 0)
		lines = 60 + doings_random(a, 170);
	for (uint32_t i = 0; i < lines; i++) {
		uint32_t r = lines > 50 ? 0 : doings_random(a, 60);
		bool good = lines > 50 || doings_random(a, 12) > 0;

		if (r == 0)
			doings_put(a, long_line,
				   990 + doings_random(a, good ? 9 : 1100));
		else
			doings_text(a, ANY(a, line));
		doings_text(a, "\r\n");
	}
}

/* Octets that must not be in a message, somewhere in it. */
static inline void
doings_spoil(struct doings *a, size_t from)
{
	static const char *const end[] = {"\n.\n",   "\n.\r\n", "\r.\r",
					  "\r.\r\n", "\r\n.\n", "\r\n.\r",
					  "\r\r\n",  "\r",      "\n"};
	static const char nul[] = "\r\n\0.\r\n";
	size_t n = a->used - from,
	       at = n > 0 ? doings_random(a, (uint32_t)n) : 0;
	char rest[256];
	size_t k = n - at < sizeof rest ? n - at : sizeof rest;

	memcpy(rest, a->octets + a->used - k, k);
	a->used -= k;
	if (doings_random(a, 5) == 0)
		doings_put(a, nul, sizeof nul - 1);
	else
		doings_text(a, ANY(a, end));
	doings_put(a, rest, k);
}

static inline void
doings_bdats(struct doings *a)
{
	for (uint32_t left = 1 + doings_random(a, 3); left > 0; left--) {
		size_t from = a->used;
		struct doing *d;

		doings_body(a);
		if (doings_random(a, 3) == 0)
			doings_text(a, "no end");
		if (doings_random(a, 12) == 0)
			doings_text(a, "\r"); /* and its LF in the next one */
		if (doings_random(a, 12) == 0)
			doings_spoil(a, from);
		d = doings_add(a, DO_BDAT, from);
		d->last = left == 1 ? doings_random(a, 20) > 0
				    : doings_random(a, 20) == 0;
		if (doings_random(a, 10) == 0) {
			from = a->used;
			doings_other(a);
			(void)doings_add(a, DO_LINE, from);
		}
	}
}

static inline void
doings_line(struct doings *a, void (*make)(struct doings *a))
{
	size_t from = a->used;

	make(a);
	(void)doings_add(a, DO_LINE, from);
}

/* A transaction as clients do it, with a mistake now and then. */
static inline void
doings_transaction(struct doings *a)
{
	uint32_t r = 1 + doings_random(a, doings_random(a, 30) == 0 ? 40 : 4);
	bool bdat = doings_random(a, 3) == 0, group = doings_random(a, 2) == 0;
	size_t from = a->used;
	struct doing *d = NULL;
	bool odd = false;

	doings_mail(a);
	if (!group)
		(void)doings_add(a, DO_LINE, from);
	while (r-- > 0) {
		if (!group)
			from = a->used;
		doings_rcpt(a);
		if (!group)
			(void)doings_add(a, DO_LINE, from);
		if (group && doings_random(a, 60) == 0) {
			doings_other(a);
			odd = true;
		}
	}
	if (!bdat) {
		if (!group)
			from = a->used;
		doings_text(a, "DATA\r\n");
	}
	if (group || !bdat)
		d = doings_add(a, group ? DO_GROUP : DO_LINE, from);
	if (odd) /* it may have to be the last of its group */
		d->whole = true;
	if (doings_random(a, 20) == 0)
		doings_line(a, doings_other);
	if (bdat) {
		doings_bdats(a);
		return;
	}
	from = a->used;
	doings_body(a);
	if (doings_random(a, 30) == 0)
		doings_spoil(a, from);
	(void)doings_add(a, DO_DATA, from);
}

static inline void
doings_word(struct doings *a, const char *line)
{
	size_t from = a->used;

	doings_text(a, line);
	(void)doings_add(a, DO_LINE, from);
}

static inline void
doings_make(struct doings *a, uint64_t seed)
{
	static const enum do_kind other[] = {
	    DO_RELOAD, DO_ROOM,    DO_ROOM, DO_COMMIT,      DO_COMMIT, DO_CHUNK,
	    DO_RELOAD, DO_TIMEOUT, DO_STOP, DO_CERTIFICATE, DO_AUTH};
	const size_t from = 0;
	uint32_t want;

	a->n = 0;
	a->used = 0;
	a->random = seed;
	want = 5 + doings_random(a, STEPS_MOST - 60);
	if (doings_random(a, 3) == 0) {
		(void)doings_add(a, DO_CERTIFICATE, from);
		doings_word(a, "EHLO c.d\r\n");
		doings_word(a, "STARTTLS\r\n");
	}
	doings_word(a,
		    doings_random(a, 10) > 0 ? "EHLO c.d\r\n" : "HELO c.d\r\n");
	if (doings_random(a, 6) == 0)
		(void)doings_add(a, DO_AUTH, a->used);
	while (a->n < want && a->used < STEPS_OCTETS / 4) {
		uint32_t r = doings_random(a, 20);

		if (r < 13)
			doings_transaction(a);
		else if (r < 18)
			doings_line(a, doings_other);
		else
			(void)doings_add(a, ANY(a, other), a->used);
	}
}

static inline void
doings_print(const struct doings *a)
{
	static const char *const name[] = {
#define D(id) #id,
	    DO_KINDS(D)
#undef D
	};

	for (unsigned i = 0; i < a->n; i++) {
		const struct doing *d = &a->one[i];

		fprintf(stderr, "%2u %s%s%s value=%u cuts=%u n=%u: ", i,
			name[d->kind], d->whole ? " whole" : "",
			d->last ? " last" : "", d->value, d->cuts, d->n);
		for (uint32_t k = 0; k < d->n && k < STEPS_SHOWN; k++) {
			unsigned char c = d->octets[k];

			if (c >= ' ' && c < 0x7f)
				fputc(c, stderr);
			else
				fprintf(stderr, "\\x%02x", c);
		}
		fputc('\n', stderr);
	}
}

#endif
