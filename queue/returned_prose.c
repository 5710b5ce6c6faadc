/* The parts that programs write for people. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/returned_private.h"

enum {
	PROSE_LINES = 1000, /* of the text that are looked at */
	REASON_LINES = 12,  /* behind an address */
};

/* What servers call their own reports: qmail, Postfix, Exim, Sendmail, Exchange,
 * Google, Yahoo, Courier, OpenSMTPD. */
static const char *const report_word[] = {
    "this is the qmail-send program",
    "this is the mail system at host",
    "mail delivery software",
    "mail delivery system",
    "mailer-daemon program",
    "be delivered",
    "wasn't delivered",
    "was not delivered",
    "weren't delivered",
    "undeliver",
    "delivery failed",
    "delivery has failed",
    "delivery failure",
    "delivery error",
    "delivery to the following",
    "delivery status notification",
    "failed permanently",
    "failure notice",
    "returned mail",
    "returned to sender",
    "fatal errors",
    "did not reach",
    "unable to deliver",
    "nicht zugestellt",
    "unzustellbar",
    "non remis",
    "no se ha podido entregar",
};

static const char *const delay_word[] = {
    "not yet been delivered",
    "not been delivered yet",
    "will be retried",
    "still being retried",
    "will continue to",
    "will keep trying",
    "will try again",
    "will retry",
    "delivery is delayed",
    "been delayed",
    "delivery delayed",
    "(delay)",
    "warning: message",
    "warning: could not send",
    "could not send message for",
    "do not need to resend",
    "no action is required",
    "delivery incomplete",
};

/* Behind such a line comes what we once sent. */
static const char *const copy_word[] = {
    "below this line is a copy",
    "this is a copy of",
    "original message follows",
    "original message header",
    "original message -",
    "-original message",
    "header of the original message",
    "message header follows",
    "message headers follow",
    "unsent message follows",
    "the original message was:",
    "returned message follows",
};

/* In front of an address within a sentence. */
static const char *const lead[] = {"message to ", "delivered to ",
				   "deliver to ", "delivery to ",
				   "recipient: ", "address: "};

struct prose {
	struct returned *out;
	struct returned_prose *found;
	struct returned_rcpt *x;        /* whose reason is read now */
	unsigned reasons;               /* its lines so far */
	char reply[VERDICT_REPLY_MOST]; /* of nobody in particular */
};

static void
append(char *out, size_t size, struct text line)
{
	size_t at = strlen(out);

	if (at > 0 && at + 2 < size) {
		out[at++] = ' ';
		out[at] = '\0';
	}
	log_safe(line.p, line.n, out + at, size - at);
}

static bool
says_why(const char *reply)
{
	char status[12];

	return returned_code(text_of(reply)) != 0 ||
	       returned_status(text_of(reply), status);
}

static bool
is_daemon(const char *address)
{
	return strncasecmp(address, "mailer-daemon@", 14) == 0 ||
	       strncasecmp(address, "postmaster@", 11) == 0;
}

/* A line that begins with an address and goes on as such lines do. */
static bool
address_line(struct text line, char out[RETURNED_TEXT + 1], struct text *rest)
{
	const char first = *line.p;
	char status[12];

	if (!returned_address(line, out, rest) || is_daemon(out))
		return false;
	*rest = mime_trim(*rest);
	if (first != '<' && first != '\'' && first != '"' && rest->n > 0 &&
	    strchr(":(;", *rest->p) == NULL && !returned_status(*rest, status))
		return false;
	while (rest->n > 0 && strchr(":; \t", *rest->p) != NULL) {
		rest->p++;
		rest->n--;
	}
	return true;
}

static bool
address_inside(struct text line, char out[RETURNED_TEXT + 1])
{
	char copy[MIME_VALUE];
	struct text rest;

	text_copy(line, copy, sizeof copy);
	for (size_t i = 0; i < countof(lead); i++) {
		const char *p = strcasestr(copy, lead[i]);

		if (p != NULL &&
		    returned_address(text_of(p + strlen(lead[i])), out,
				     &rest) &&
		    !is_daemon(out))
			return true;
	}
	return false;
}

static void
begin(struct prose *w, const char *address, struct text rest)
{
	w->x = returned_rcpt(w->out, address);
	w->reasons = 0;
	if (w->x != NULL && rest.n > 0)
		append(w->x->reply, sizeof w->x->reply, rest);
}

static void
reason(struct prose *w, struct text line)
{
	if (line.n == 0) {
		/* Google leaves empty lines in between. */
		if (says_why(w->x->reply))
			w->x = NULL;
		return;
	}
	append(w->x->reply, sizeof w->x->reply, line);
	if (++w->reasons == REASON_LINES)
		w->x = NULL;
}

static void
one_line(struct prose *w, struct text line)
{
	char address[RETURNED_TEXT + 1];
	struct text rest;

	if (line.n > 0 && *line.p == '>') /* a quotation, or a dialogue */
		return;
	if (line.n > 0) {
		w->found->report =
		    w->found->report ||
		    returned_has(line, report_word, countof(report_word));
		w->found->delayed =
		    w->found->delayed ||
		    returned_has(line, delay_word, countof(delay_word));
		if (address_line(line, address, &rest)) {
			begin(w, address, rest);
			return;
		}
		if (w->out->nrcpt == 0 && address_inside(line, address)) {
			begin(w, address, (struct text){NULL, 0});
			return;
		}
	}
	if (w->x != NULL)
		reason(w, line);
	else if (line.n > 0 && w->reply[0] == '\0' && returned_code(line) != 0)
		append(w->reply, sizeof w->reply, line);
}

static void
conclude(struct returned_rcpt *x, const char *general, bool delayed)
{
	if (!says_why(x->reply) && general[0] != '\0')
		append(x->reply, sizeof x->reply, text_of(general));
	x->kind = delayed ? RETURNED_DELAYED : RETURNED_BOUNCE;
	x->code = returned_code(text_of(x->reply));
	if (!returned_status(text_of(x->reply), x->status) && x->code != 0)
		snprintf(x->status, sizeof x->status, "%u.0.0", x->code / 100U);
}

void
returned_prose(struct text t, struct returned *out,
	       struct returned_prose *found)
{
	struct prose w = {.out = out, .found = found};
	struct text line;

	for (unsigned i = 0; i < PROSE_LINES && mime_line(&t, &line); i++) {
		line = mime_trim(line);
		if (line.n > 3 &&
		    returned_has(line, copy_word, countof(copy_word))) {
			while (t.n > 0 && (*t.p == '\r' || *t.p == '\n')) {
				t.p++;
				t.n--;
			}
			returned_original(t, out);
			break;
		}
		one_line(&w, line);
	}
	/* Who has no reason of his own has the one of all. */
	for (unsigned i = 0; i < out->nrcpt; i++)
		conclude(&out->rcpt[i], w.reply, found->delayed);
	if (out->nrcpt == 0 && w.reply[0] != '\0') {
		out->rcpt[0] = (struct returned_rcpt){.kind = RETURNED_BOUNCE};
		conclude(&out->rcpt[0], w.reply, found->delayed);
		out->nrcpt = 1;
	}
	for (unsigned i = 0; i < out->nrcpt; i++)
		found->reply = found->reply || out->rcpt[i].code != 0 ||
			       out->rcpt[i].status[0] != '\0';
}
