/* dsn_words - a report in plain English: which message, which recipients, what
 * the other side said, what to do. */
#include <string.h>

#include "daemon/now.h"
#include "queue/dsn_private.h"
#include "queue/field.h"

#define INDENT "    "

/* What follows the class of a status (RFC 3463 3), and what the sender of the
 * message can do about it; the first that fits. */
static const struct {
	const char *begins, *advice;
} advice[] = {
    {"1.1", "There is no such mailbox. Look for a mistake in the address, "
	    "and don't write to it again if there is none."},
    {"1.2", "The part behind the @ does not exist. Look for a mistake in it."},
    {"1.10", "The domain in this address takes no mail at all. Look for a "
	     "mistake in it."},
    {"1.", "Look for a mistake in the address, yours or the recipient's."},
    {"2.2", "The mailbox is full. Send the message again in some days, or "
	    "tell the recipient in another way."},
    {"2.3", "The message is too large for this mailbox. Send it in parts, or "
	    "a link to what is in it."},
    {"2.", "The mailbox takes no mail. Tell the recipient in another way."},
    {"3.4", "The message is too large for the other side. Send it in parts, "
	    "or a link to what is in it."},
    {"4.7", "The time allowed for delivery is over. Send the message again "
	    "later; should that fail too, show this report to your "
	    "postmaster."},
    {"4.", "The other side could not be reached, or not found. Look for a "
	   "mistake behind the @, and send the message again later."},
    {"6.", "The message is in a form that the other side does not take. Send "
	   "it as plain text, with the characters A to Z in the address."},
    {"7.", "The other side's rules refuse this message. Its words tell why; "
	   "your postmaster needs them to do something about it."},
    {"", "Show this report to your postmaster if the words above don't help "
	 "you."},
};

static const char *
advice_for(struct text status)
{
	size_t i = 0, n;

	for (;; i++) {
		n = strlen(advice[i].begins);
		if (status.n >= n + 2 &&
		    memcmp(status.p + 2, advice[i].begins, n) == 0 &&
		    (n == 0 || advice[i].begins[n - 1] == '.' ||
		     status.n == n + 2))
			return advice[i].advice;
	}
}

/* What holds for all recipients. */
static const char *
opening(const struct dsn *d)
{
	switch (d->action) {
	case DSN_FAILED:
		if (d->foreign)
			return "A message without a sender, most often a "
			       "report, could not be delivered to the "
			       "recipients below. We don't try again for "
			       "them. You are told as the postmaster.";
		return "Your message could not be delivered to the recipients "
		       "below. We don't try again for them.";
	case DSN_DELAYED:
		return "Your message has not reached the recipients below "
		       "yet. We keep trying: you need not send it again.";
	case DSN_DELIVERED:
		return "Your message was delivered to the recipients below. "
		       "You asked to be told.";
	case DSN_RELAYED:
		return "Your message was passed on towards the recipients "
		       "below, to a server that sends no reports on delivery. "
		       "You asked to be told; this is the last you hear of it "
		       "unless it fails.";
	}
	return "";
}

static void
paragraph(struct bytes *out, const char *indent, struct text words)
{
	bytes_add_text(out, indent);
	field_fold(out, strlen(indent), indent, words);
	bytes_add_text(out, "\r\n");
}

static void
labelled(struct bytes *out, const char *label, struct text words)
{
	bytes_printf(out, INDENT "%-10s", label);
	field_fold(out, strlen(INDENT) + 10, INDENT "          ", words);
	bytes_add_text(out, "\r\n");
}

static bool
readable(struct text subject, bool utf8)
{
	for (size_t i = 0; i < subject.n; i++)
		if ((!utf8 && (unsigned char)subject.p[i] >= 0x80) ||
		    (subject.p[i] == '=' && i + 1 < subject.n &&
		     subject.p[i + 1] == '?'))
			return false;
	return true;
}

static void
put_message(const struct dsn *d, struct bytes *out)
{
	char room[FIELD_ROOM], date[NOW_RFC5322_SIZE];
	struct text subject = d->subject, shown;

	/* where it is encoded, only the report's own Subject shows it */
	subject.n = min_of(subject.n, (size_t)FIELD_SUBJECT_MOST);
	shown = field_words(subject, d->utf8, room);
	if (readable(subject, d->utf8) && shown.n > 0)
		labelled(out, "Subject:", shown);
	if (d->arrival_us > 0) {
		now_rfc5322(d->arrival_us, date);
		labelled(out, "Received:", text_of(date));
	}
	labelled(out, "Queue ID:", d->original);
}

static void
put_said(const struct dsn *d, const struct dsn_recipient *r, struct bytes *out)
{
	struct text remote = dsn_remote_name(r), t;
	char room[FIELD_ROOM], said[DSN_SAID_ROOM];
	struct bytes line = {0};

	t = field_words(dsn_said(r, said), d->utf8, room);
	if (t.n == 0)
		return;
	if (r->code == 0)
		bytes_add_text(&line, "We found: ");
	else if (remote.n == 0)
		bytes_add_text(&line, "The other side said: \"");
	else
		bytes_printf(&line, "%.*s said: \"", (int)remote.n, remote.p);
	bytes_add(&line, t.p, t.n);
	bytes_add_text(&line, r->code == 0 ? "" : "\"");
	paragraph(out, INDENT, (struct text){(char *)line.data, line.n});
	bytes_free(&line);
}

static void
put_recipient(const struct dsn *d, const struct dsn_recipient *r,
	      struct bytes *out)
{
	char room[FIELD_ROOM], date[NOW_RFC5322_SIZE];
	const char *type;

	(void)field_address(r->address, d->utf8, room);
	type = strchr(room, ';'); /* "rfc822; a@b" */
	must(type != NULL);
	bytes_printf(out, "\r\n<%s>\r\n", type + 2);
	put_said(d, r, out);
	if (d->action == DSN_FAILED)
		paragraph(out, INDENT, text_of(advice_for(dsn_status(d, r))));
	if (d->action == DSN_DELAYED && r->until_us > 0) {
		now_rfc5322(r->until_us, date);
		bytes_printf(out, INDENT "We try until %s.\r\n", date);
	}
}

void
dsn_words(const struct dsn *d, struct bytes *out)
{
	bytes_printf(out, "This is the mail server %.*s.\r\n\r\n",
		     (int)d->hostname.n, d->hostname.p);
	paragraph(out, "", text_of(opening(d)));
	bytes_add_text(out, "\r\n");
	put_message(d, out);
	for (size_t i = 0; i < d->n; i++)
		put_recipient(d, &d->recipient[i], out);
}
