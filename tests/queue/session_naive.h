/*
 * session_naive - what the session must do, written a second time from
 * docs/smtp.md: one whole command or message at a time, without a thought of
 * speed or of where TCP cuts.
 *
 * What must come is a list of events: the reply's code and status, or a message
 * that is offered for the commit.  Where several flaws of a message may each be
 * the first one found, the event has all their replies.
 */
#ifndef MTQ_TESTS_SESSION_NAIVE_H
#define MTQ_TESTS_SESSION_NAIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/settings.h"
#include "queue/session.h"

enum {
	NAIVE_TEXT = 300,
	NAIVE_RCPT = 128,
	NAIVE_EVENTS = 512,
	NAIVE_LINE = 4096,
	NAIVE_BODY = 512 * 1024,
};

struct naive_event {
	char reply[120]; /* "552 5.3.4|550 5.6.0"; "": a message is offered */
};

struct naive {
	/* what it is told */
	const struct listen_settings *limits;
	enum session_room room;
	enum err_kind commit; /* how the next commit ends */
	bool chunk_failed;    /* one of this message's chunks did */
	enum err_kind chunk;  /* and how */
	bool tls_ready;
	bool accounts; /* there are some */

	/* what it knows */
	bool closed, stopping, tls;
	enum { NAIVE_NOBODY, NAIVE_HELO, NAIVE_EHLO } hello;
	bool mail, utf8;
	char sender[NAIVE_TEXT];
	char rcpt[NAIVE_RCPT][NAIVE_TEXT];
	unsigned nrcpt;
	bool data; /* 354 was said */
	bool bdat;
	size_t n; /* octets of `body` */
	unsigned errors, idle, failures;
	bool account; /* it has authenticated */

	struct naive_event event[NAIVE_EVENTS];
	unsigned nevents;
	unsigned messages; /* that are ours */
	/* Of the last offer, whose texts stay until the next MAIL. */
	size_t offered;
	unsigned noffered;
	unsigned char body[NAIVE_BODY]; /* last: it need not be zeroed */
};

static inline void
naive_expect(struct naive *m, const char *reply)
{
	must(m->nevents < NAIVE_EVENTS);
	snprintf(m->event[m->nevents++].reply, sizeof m->event[0].reply, "%s",
		 reply);
}

static inline void
naive_forget(struct naive *m)
{
	m->mail = m->utf8 = m->data = m->bdat = false;
	m->nrcpt = 0;
	m->n = 0;
	m->chunk_failed = false;
}

static inline void
naive_close(struct naive *m, const char *reply)
{
	naive_expect(m, reply);
	naive_forget(m);
	m->closed = true;
}

/* Too many replies 5xx end the session. */
static inline void
naive_refuse(struct naive *m, const char *reply)
{
	if (reply[0] == '5' && m->errors >= m->limits->max_errors) {
		naive_close(m, "421 4.7.0");
		return;
	}
	if (reply[0] == '5')
		m->errors++;
	naive_expect(m, reply);
}

/* The sessions that stop do so when no transaction is open. */
static inline void
naive_rest(struct naive *m)
{
	if (m->stopping && !m->closed && !m->mail)
		naive_close(m, "421 4.3.2");
}

static inline bool
naive_starts(const char *p, const char *word)
{
	return strncasecmp(p, word, strlen(word)) == 0;
}

/* local@domain of plain words, as all good addresses of the test are. */
static inline bool
naive_address(const char *a, bool *eightbit)
{
	const char *at = strrchr(a, '@');
	bool good = at != NULL && at != a && at[1] != '\0' && at[1] != '-';

	*eightbit = false;
	for (const char *p = a; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || *p == '-' ||
			     (*p >= 'A' && *p <= 'Z') || *p == '.' ||
			     (*p >= '0' && *p <= '9') || p == at;

		*eightbit = *eightbit || (unsigned char)*p >= 0x80;
		good = good && (plain || (unsigned char)*p >= 0x80);
	}
	return good && strstr(a, "..") == NULL;
}

/* "<path> rest" behind FROM: or TO:; false: bad syntax. */
static inline bool
naive_path(const char *p, const char *word, char path[NAIVE_TEXT],
	   const char **rest)
{
	const char *end;

	if (!naive_starts(p, word))
		return false;
	p += strlen(word);
	while (*p == ' ')
		p++;
	end = *p == '<' ? strchr(p, '>') : NULL;
	if (end == NULL || (end[1] != '\0' && end[1] != ' '))
		return false;
	must((size_t)(end - p) < NAIVE_TEXT);
	memcpy(path, p + 1, (size_t)(end - p - 1));
	path[end - p - 1] = '\0';
	*rest = end + 1;
	return true;
}

/* Parameters of MAIL; NULL: all are good. */
static inline const char *
naive_parameters(struct naive *m, const char *rest)
{
	bool size = false, body = false;
	char word[NAIVE_TEXT];
	int n;

	if (m->hello == NAIVE_HELO && rest[strspn(rest, " ")] != '\0')
		return "555 5.5.4";
	for (; sscanf(rest, "%250s%n", word, &n) == 1; rest += n) {
		if (naive_starts(word, "SIZE=")) {
			if (size || word[5] == '\0' ||
			    word[5 + strspn(word + 5, "0123456789")] != '\0')
				return "501 5.5.4";
			size = true;
			if (strtoull(word + 5, NULL, 10) >
			    m->limits->max_message_size_bytes)
				return "552 5.3.4";
		} else if (strcasecmp(word, "SMTPUTF8") == 0 && !m->utf8) {
			m->utf8 = true;
		} else if (naive_starts(word, "BODY=")) {
			if (body || (strcasecmp(word + 5, "7BIT") != 0 &&
				     strcasecmp(word + 5, "8BITMIME") != 0))
				return "501 5.5.4";
			body = true;
		} else {
			return naive_starts(word, "SMTPUTF8") ? "501 5.5.4"
							      : "555 5.5.4";
		}
	}
	return NULL;
}

static inline void
naive_mail(struct naive *m, const char *p)
{
	char path[NAIVE_TEXT];
	const char *rest, *bad;
	bool eightbit;

	if (m->hello == NAIVE_NOBODY || m->mail) {
		naive_refuse(m, "503 5.5.1");
		return;
	}
	if (!naive_path(p, "FROM:", path, &rest)) {
		naive_refuse(m, "501 5.5.4");
		return;
	}
	naive_forget(m);
	if (m->limits->tls == LISTEN_TLS_REQUIRED && !m->tls) {
		naive_refuse(m, "530 5.7.0");
		return;
	}
	bad = naive_parameters(m, rest);
	if (bad == NULL && path[0] != '\0') {
		if (!naive_address(path, &eightbit))
			bad = "501 5.1.7";
		else if (eightbit && !m->utf8)
			bad = "553 5.6.7";
	}
	if (bad == NULL &&
	    (m->room == SESSION_NO_ROOM || m->room == SESSION_NO_MEMORY))
		bad = "452 4.3.1";
	if (bad != NULL) {
		naive_refuse(m, bad);
		naive_forget(m);
		return;
	}
	m->mail = true;
	snprintf(m->sender, sizeof m->sender, "%s", path);
	naive_expect(m, "250 2.1.0");
}

/* Local parts octet for octet, domains without case. */
static inline bool
naive_same(const char *a, const char *b)
{
	size_t na = (size_t)(strrchr(a, '@') - a);
	size_t nb = (size_t)(strrchr(b, '@') - b);

	return na == nb && memcmp(a, b, na) == 0 &&
	       strcasecmp(a + na, b + nb) == 0;
}

static inline void
naive_rcpt(struct naive *m, const char *p)
{
	char path[NAIVE_TEXT];
	const char *rest;
	bool eightbit = false, literal;

	if (!m->mail || m->bdat) {
		naive_refuse(m, "503 5.5.1");
		return;
	}
	if (!naive_path(p, "TO:", path, &rest)) {
		naive_refuse(m, "501 5.5.4");
		return;
	}
	if (strcasecmp(path, "postmaster") == 0)
		snprintf(path, sizeof path, "postmaster@mtq.example");
	literal = strcmp(path, "x@[192.0.2.1]") == 0;
	if (!literal && !naive_address(path, &eightbit)) {
		naive_refuse(m, "501 5.1.3");
		return;
	}
	if (!literal && eightbit && !m->utf8) {
		naive_refuse(m, "553 5.6.7");
		return;
	}
	if (rest[strspn(rest, " ")] != '\0') {
		naive_refuse(m, "555 5.5.4");
		return;
	}
	if (literal) {
		naive_refuse(m, "550 5.1.2");
		return;
	}
	for (unsigned i = 0; i < m->nrcpt; i++)
		if (naive_same(m->rcpt[i], path)) {
			m->idle++;
			naive_expect(m, "250 2.1.5");
			return;
		}
	if (m->nrcpt >= m->limits->max_recipients) {
		naive_refuse(m, "452 4.5.3");
	} else if (m->room == SESSION_NO_MEMORY) {
		naive_refuse(m, "452 4.3.1");
	} else {
		must(m->nrcpt < NAIVE_RCPT);
		snprintf(m->rcpt[m->nrcpt++], NAIVE_TEXT, "%s", path);
		naive_expect(m, "250 2.1.5");
	}
}

#endif
