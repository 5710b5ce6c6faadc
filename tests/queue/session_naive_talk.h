/*
 * session_naive_talk - the naive session goes on: messages, and what each
 * command does.
 */
#ifndef MTQ_TESTS_SESSION_NAIVE_TALK_H
#define MTQ_TESTS_SESSION_NAIVE_TALK_H

#include "tests/queue/session_naive.h"

/* Is the line one of a header?  A folded one is, and "name:". */
static inline bool
naive_field(const char *p, size_t n)
{
	size_t k = 0;

	if (n > 0 && (p[0] == ' ' || p[0] == '\t'))
		return true;
	while (k < n && p[k] > ' ' && p[k] < 0x7f && p[k] != ':')
		k++;
	return k > 0 && k < n && p[k] == ':';
}

/* Of the message in m->body, which has only whole lines: every reply that one
 * of its flaws may bring; false: it has none. */
static inline bool
naive_flaws(const struct naive *m, char replies[120])
{
	bool header = true, line = false;
	unsigned received = 0;
	size_t start = 0, n = m->n;

	if (n > 0 && m->body[n - 1] == '\r')
		n--; /* its LF has not come yet */

	replies[0] = '\0';
	for (size_t i = 0; i + 1 < m->n; i++) {
		const char *p = (const char *)m->body + start;

		if (m->body[i] != '\r')
			continue;
		line = line || i - start > m->limits->max_line;
		header = header && naive_field(p, i - start);
		if (header && i - start >= 9 && naive_starts(p, "Received:"))
			received++;
		start = i + 2;
	}
	line = line || n - start > m->limits->max_line;
	if (n > m->limits->max_message_size_bytes)
		strcat(replies, "552 5.3.4|");
	if (line)
		strcat(replies, "550 5.6.0|");
	if (received > m->limits->max_received)
		strcat(replies, "554 5.4.6|");
	if (m->chunk_failed)
		strcat(replies,
		       m->chunk == ERR_FULL ? "452 4.3.1|" : "451 4.3.0|");
	return replies[0] != '\0';
}

/* The type of the test's rule: mass mail says so in its header. */
static inline bool
naive_is_mass(const struct naive *m)
{
	static const char mark[] = "X-Type: mass\r\n";
	const size_t n = sizeof mark - 1;
	size_t start = 0;

	for (size_t i = 0; i + 1 < m->n; i++) {
		const char *p = (const char *)m->body + start;

		if (m->body[i] != '\r')
			continue;
		if (!naive_field(p, i - start))
			return false;
		/* A folded line behind it makes it another value. */
		if (m->n - start >= n && memcmp(p, mark, n) == 0)
			return m->n - start == n ||
			       (p[n] != ' ' && p[n] != '\t');
		start = i + 2;
	}
	return false;
}

/* The message is whole. */
static inline void
naive_end(struct naive *m)
{
	char replies[120];

	if (naive_flaws(m, replies)) {
		if (m->errors >= m->limits->max_errors && replies[0] == '5') {
			naive_close(m, "421 4.7.0");
			return;
		}
		if (replies[0] == '5')
			m->errors++;
		naive_expect(m, replies);
		naive_forget(m);
		return;
	}
	if (m->room != SESSION_ROOM && naive_is_mass(m)) {
		naive_expect(m, "451 4.3.2");
		naive_forget(m);
		return;
	}
	naive_expect(m, "");
	m->offered = m->n;
	m->noffered = m->nrcpt;
	if (m->commit == ERR_NONE) {
		m->idle = 0;
		m->messages++;
		naive_expect(m, "250 2.0.0");
	} else {
		naive_refuse(m,
			     m->commit == ERR_FULL ? "452 4.3.1" : "451 4.3.0");
	}
	naive_forget(m);
}

static inline bool
naive_bare(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' ||
		    (p[i] == '\n' && (i == 0 || p[i - 1] != '\r')) ||
		    (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')))
			return true;
	return false;
}

/* A message behind 354, without dots and end; it was sent with them. */
static inline void
naive_data(struct naive *m, const unsigned char *p, size_t n)
{
	must(m->data && n <= NAIVE_BODY);
	memcpy(m->body, p, n);
	m->n = n;
	if (naive_bare(p, n))
		naive_close(m, "550 5.5.2");
	else
		naive_end(m);
}

static inline void
naive_hello(struct naive *m, bool ehlo, const char *arg)
{
	if (*arg == '\0' || strlen(arg) > 255) {
		naive_refuse(m, "501 5.5.4");
		return;
	}
	naive_forget(m);
	m->hello = ehlo ? NAIVE_EHLO : NAIVE_HELO;
	naive_expect(m, "250");
}

static inline void
naive_data_command(struct naive *m, const char *arg)
{
	if (*arg != '\0') {
		naive_refuse(m, "501 5.5.4");
	} else if (!m->mail || m->bdat) {
		naive_refuse(m, "503 5.5.1");
	} else if (m->nrcpt == 0) {
		naive_refuse(m, m->room == SESSION_NO_MEMORY ? "452 4.3.1"
							     : "554 5.5.1");
	} else {
		naive_expect(m, "354");
		m->data = true;
	}
}

/* BDAT with its octets. */
static inline void
naive_bdat(struct naive *m, const unsigned char *p, size_t n, bool last)
{
	char replies[120];
	bool cut;

	if (m->idle > m->limits->max_idle_commands) {
		naive_close(m, "421 4.7.0");
		return;
	}
	if (!m->mail || m->nrcpt == 0) {
		naive_refuse(m, "503 5.5.1");
		return;
	}
	must(m->n + n + 2 <= NAIVE_BODY);
	m->bdat = true;
	memcpy(m->body + m->n, p, n);
	m->n += n;
	/* A CR at its end may be half of a line end, if more comes. */
	cut = !last && m->n > 0 && m->body[m->n - 1] == '\r';
	if (naive_bare(m->body, m->n - cut)) {
		naive_close(m, "550 5.5.2");
		return;
	}
	if (!last && naive_flaws(m, replies)) {
		naive_end(m); /* RFC 3030 2: only RSET helps now */
		return;
	}
	if (!last) {
		naive_expect(m, "250 2.0.0");
		return;
	}
	if (m->n > 0 && m->body[m->n - 1] != '\n') {
		memcpy(m->body + m->n, "\r\n", 2);
		m->n += 2;
	}
	naive_end(m);
}

static inline void
naive_starttls(struct naive *m, const char *arg)
{
	if (m->limits->tls == LISTEN_TLS_OFF) {
		naive_refuse(m, "502 5.5.1");
	} else if (*arg != '\0') {
		naive_refuse(m, "501 5.5.4");
	} else if (m->tls || m->mail) {
		naive_refuse(m, "503 5.5.1");
	} else if (!m->tls_ready) {
		naive_refuse(m, "454 4.7.0");
	} else {
		naive_expect(m, "220 2.0.0");
		naive_forget(m);
		m->tls = true;
		m->account = false;
		m->hello = NAIVE_NOBODY;
	}
}

/*
 * AUTH, and what the client says to each 334 ("" after the last one that it has
 * to say).  Which of what it says is right, the test knows.
 */
static inline void
naive_auth(struct naive *m, const char *reply, bool failure)
{
	const char *early = NULL;

	m->idle++;
	if (m->idle > m->limits->max_idle_commands) {
		naive_close(m, "421 4.7.0");
		return;
	}
	if (!m->accounts)
		early = "502 5.5.1";
	else if (m->hello != NAIVE_EHLO || m->mail || m->account)
		early = "503 5.5.1";
	else if (!m->tls && m->limits->tls == LISTEN_TLS_OFF)
		early = "502 5.5.1";
	else if (!m->tls)
		early = "538 5.7.11";
	if (early != NULL) {
		naive_refuse(m, early);
		return;
	}
	if (m->failures >= 3) { /* guard.auth_failures_per_session */
		naive_close(m, "421 4.7.0");
		return;
	}
	m->failures += failure;
	m->account = reply[0] == '2';
	if (strncmp(reply, "535", 3) == 0) {
		m->errors++;
		naive_expect(m, reply);
	} else {
		naive_refuse(m, reply);
	}
}

/* One line without its CRLF; `more`: octets came behind it at once. */
static inline void
naive_command(struct naive *m, const unsigned char *line, size_t n, bool more)
{
	static const char *const words[] = {
	    "EHLO", "HELO", "MAIL", "RCPT", "DATA",     "RSET", "NOOP",
	    "VRFY", "EXPN", "HELP", "QUIT", "STARTTLS", "BDAT", NULL};
	char text[NAIVE_LINE], *arg;
	int v = 0;

	must(n < sizeof text);
	if (n + 2 > SESSION_LINE_MOST) {
		naive_refuse(m, "500 5.5.2");
		return;
	}
	if (naive_bare(line, n)) {
		naive_close(m, "521 5.5.2");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] == 0x7f) {
			naive_refuse(m, "501 5.5.2");
			return;
		}
	memcpy(text, line, n);
	text[n] = '\0';
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	arg = text + strcspn(text, " ");
	if (*arg != '\0')
		*arg++ = '\0';
	arg += strspn(arg, " ");
	if (strcasecmp(text, "GET") == 0 || strcasecmp(text, "Host:") == 0) {
		naive_close(m, "500 5.5.1");
		return;
	}
	while (words[v] != NULL && strcasecmp(text, words[v]) != 0)
		v++;
	if (more &&
	    (m->hello != NAIVE_EHLO || v == 0 || v == 1 || v == 4 || v == 11) &&
	    v != 10) {
		naive_close(m, "503 5.5.1");
		return;
	}
	if (words[v] == NULL) {
		naive_refuse(m, strcasecmp(text, "ETRN") == 0 ? "502 5.5.1"
							      : "500 5.5.2");
		return;
	}
	if (v != 2 && v != 3 && v != 4 && v != 10 && v != 12)
		m->idle++;
	if (m->idle > m->limits->max_idle_commands) {
		naive_close(m, "421 4.7.0");
		return;
	}
	switch (v) {
	case 0:
	case 1:
		naive_hello(m, v == 0, arg);
		break;
	case 2:
		naive_mail(m, arg);
		break;
	case 3:
		naive_rcpt(m, arg);
		break;
	case 4:
		naive_data_command(m, arg);
		break;
	case 5:
		naive_forget(m);
		naive_expect(m, "250 2.0.0");
		break;
	case 6:
		naive_expect(m, "250 2.0.0");
		break;
	case 7:
		naive_expect(m, "252 2.0.0");
		break;
	case 8:
		naive_refuse(m, "502 5.5.1");
		break;
	case 9:
		naive_expect(m, "214 2.0.0");
		break;
	case 10:
		naive_close(m, "221 2.0.0");
		break;
	case 11:
		naive_starttls(m, arg);
		break;
	case 12: /* the test's others don't come this way */
		naive_close(m, "501 5.5.4");
		break;
	}
}

#endif
