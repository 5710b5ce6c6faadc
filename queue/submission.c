#include "queue/submission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/log.h"

enum {
	LINES_MOST = 100, /* of one reply */
};

struct talk {
	int fd;
	char *words;
	char in[4096];
	size_t n, at;
};

static bool
broke(struct talk *t, const char *why)
{
	snprintf(t->words, SUBMISSION_WORDS, "%s", why);
	return false;
}

static bool
put(struct talk *t, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = send(t->fd, at, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return broke(t, "the connection broke");
		at += k;
		n -= (size_t)k;
	}
	return true;
}

/* One line without its end, cut to size. */
static bool
line(struct talk *t, char *out, size_t size)
{
	size_t n = 0;

	for (;;) {
		if (t->at == t->n) {
			ssize_t k = recv(t->fd, t->in, sizeof t->in, 0);

			if (k < 0 && errno == EINTR)
				continue;
			if (k <= 0)
				return broke(t, k == 0 ? "the connection broke"
						       : "no reply in time");
			t->n = (size_t)k;
			t->at = 0;
		}
		if (t->in[t->at] == '\n')
			break;
		if (n + 1 < size)
			out[n++] = t->in[t->at];
		t->at++;
	}
	t->at++;
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return true;
}

/* The first digit of a reply's code; 0: there is none.  Its last line stays in
 * t->words. */
static int
reply(struct talk *t)
{
	char text[SUBMISSION_WORDS];

	for (int i = 0; i < LINES_MOST; i++) {
		if (!line(t, text, sizeof text))
			return 0;
		if (strlen(text) < 3 || text[0] < '2' || text[0] > '5')
			break;
		if (text[3] == '-')
			continue;
		log_safe(text, strlen(text), t->words, SUBMISSION_WORDS);
		return text[0] - '0';
	}
	broke(t, "a reply that is not SMTP");
	return 0;
}

static enum submission_answer
answer_of(int digit)
{
	return digit == 5 ? SUBMISSION_REFUSED : SUBMISSION_LATER;
}

/* A command and its reply; 0 when the connection broke. */
static int
command(struct talk *t, const char *verb, const char *path,
	const char *arguments)
{
	char text[2048];
	int n =
	    snprintf(text, sizeof text, "%s%s%s\r\n", verb, path, arguments);

	if (n < 0 || (size_t)n >= sizeof text) {
		snprintf(t->words, SUBMISSION_WORDS, "an address is too long");
		return 5;
	}
	return put(t, text, (size_t)n) ? reply(t) : 0;
}

/* With dots doubled (RFC 5321 4.5.2), and the end. */
static bool
put_message(struct talk *t, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;

	while (p < end) {
		const unsigned char *dot =
		    memmem(p, (size_t)(end - p), "\n.", 2);
		size_t k =
		    dot != NULL ? (size_t)(dot + 1 - p) : (size_t)(end - p);

		if ((*p == '.' && !put(t, ".", 1)) || !put(t, p, k))
			return false;
		p += k;
	}
	return put(t, ".\r\n", 3);
}

static int
envelope(struct talk *t, const struct submission *m)
{
	char end[1024];
	int digit;

	snprintf(end, sizeof end, ">%s", m->mail_arguments);
	digit = command(t, "MAIL FROM:<", m->sender, end);
	snprintf(end, sizeof end, ">%s", m->rcpt_arguments);
	for (size_t i = 0; digit == 2 && i < m->nrcpt; i++)
		digit = command(t, "RCPT TO:<", m->rcpt[i], end);
	/* Too many in one message: later they are as many (RFC 5321
	 * 4.5.3.1.10). */
	if (digit == 4 && strncmp(t->words, "452 4.5.3", 9) == 0)
		return 5;
	return digit;
}

/* Some may have been taken: what comes after is for nobody. */
static void
quit(struct talk *t)
{
	char words[SUBMISSION_WORDS];
	char *kept = t->words;

	t->words = words;
	(void)command(t, "QUIT", "", "");
	t->words = kept;
}

enum submission_answer
submission_talk(int fd, const char *helo, const struct submission *m,
		char words[SUBMISSION_WORDS])
{
	const struct timeval wait = {.tv_sec = SUBMISSION_WAIT_S};
	struct talk t = {.fd = fd, .words = words};
	int digit;

	/* Without them we would wait longer: no harm. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	words[0] = '\0';
	digit = reply(&t);
	if (digit == 2)
		digit = command(&t, "EHLO ", helo, "");
	if (digit == 2)
		digit = envelope(&t, m);
	if (digit == 2)
		digit = command(&t, "DATA", "", "");
	if (digit == 3)
		digit = put_message(&t, m->message, m->n) ? reply(&t) : 0;
	else if (digit == 2)
		digit = 4;
	if (digit == 0)
		return SUBMISSION_LATER;
	quit(&t);
	return digit == 2 ? SUBMISSION_DONE : answer_of(digit);
}
