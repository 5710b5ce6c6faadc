#include "queue/dsn.h"

#include <stdio.h>
#include <string.h>

#include "daemon/now.h"
#include "queue/dsn_private.h"
#include "queue/field.h"

enum { BOUNDARY_SIZE = 64, MESSAGE_ID_MOST = 255 };

/*
 * The original is copied unread, so the boundary must be a line that is not in
 * it.  Its author wrote it before two things were known: when we would take it
 * and when we would give up on it, each to the microsecond (a queue id is a
 * time).  Who knew both to within a second would have to write 10^12 lines to
 * end our part in the place of his choice.  "=_" is in no base64 and no
 * quoted-printable (RFC 2045 6.7), and since the length is always the same, no
 * boundary of another report begins with ours (RFC 2046 5.1.1).
 */
static void
boundary(const struct dsn *d, char out[BOUNDARY_SIZE])
{
	must(d->id.n == ID_TEXT && d->original.n == ID_TEXT);
	snprintf(out, BOUNDARY_SIZE, "=_mtq_%.*s_%.*s_%016llx", ID_TEXT,
		 d->id.p, ID_TEXT, d->original.p,
		 (unsigned long long)d->now_us);
}

static bool
digits(const char **p, const char *end, size_t most)
{
	size_t n = 0;

	while (*p < end && n < most && **p >= '0' && **p <= '9') {
		(*p)++;
		n++;
	}
	return n > 0;
}

static bool
dot(const char **p, const char *end)
{
	return *p < end && *(*p)++ == '.';
}

/* RFC 3463 2: class "." subject "." detail */
static bool
status_valid(struct text t, const char *classes)
{
	const char *p = t.p, *end = t.p + t.n;

	return p < end && *p != '\0' && strchr(classes, *p) != NULL &&
	       digits(&p, end, 1) && dot(&p, end) && digits(&p, end, 3) &&
	       dot(&p, end) && digits(&p, end, 3) && p == end;
}

/* A class that contradicts the action would be believed by some programs: a 5xx
 * that is tried again is no failure.  4.4.7 is one (RFC 3464 2.3.4). */
struct text
dsn_status(const struct dsn *d, const struct dsn_recipient *r)
{
	const char *classes = "2", *general = "2.0.0";

	switch (d->action) {
	case DSN_FAILED:
		classes = "45";
		general = "5.0.0";
		break;
	case DSN_DELAYED:
		classes = "4";
		general = "4.0.0";
		break;
	case DSN_DELIVERED:
	case DSN_RELAYED:
		break;
	}
	return status_valid(r->status, classes) ? r->status : text_of(general);
}

struct text
dsn_said(const struct dsn_recipient *r, char room[DSN_SAID_ROOM])
{
	char code[8];
	int most = (int)min_of(r->reply.n, (size_t)DSN_SAID_ROOM - 8), n;

	if (r->code == 0)
		return r->reply;
	n = snprintf(code, sizeof code, "%03u", r->code);
	if (r->reply.n >= (size_t)n && memcmp(r->reply.p, code, (size_t)n) == 0)
		return r->reply;
	memcpy(room, code, (size_t)n);
	room[n++] = ' ';
	memcpy(room + n, most > 0 ? r->reply.p : "", (size_t)most);
	return (struct text){room, (size_t)(n + most)};
}

struct text
dsn_remote_name(const struct dsn_recipient *r)
{
	size_t n = 0;

	while (n < r->remote.n && r->remote.p[n] != '[')
		n++;
	if (!address_domain(r->remote.p, n, false))
		n = 0;
	return (struct text){r->remote.p, n};
}

/* "Name: type; token" */
static void
put_typed(struct bytes *out, const char *name, const char *type,
	  struct text token)
{
	bytes_printf(out, "%s: %s; ", name, type);
	bytes_add(out, token.p, token.n);
	bytes_add_text(out, "\r\n");
}

static void
put_date(struct bytes *out, const char *name, int64_t us)
{
	char date[NOW_RFC5322_SIZE];

	if (us <= 0)
		return;
	now_rfc5322(us, date);
	field_put_token(out, name, text_of(date));
}

/* RFC 3464 2.2 */
static void
put_message(const struct dsn *d, struct bytes *out)
{
	char room[FIELD_ROOM];
	struct text envid = field_xtext(d->envid, d->utf8, room);

	if (envid.n > 0)
		field_put_token(out, "Original-Envelope-Id", envid);
	put_typed(out, "Reporting-MTA", "dns", d->hostname);
	/* a HELO that is no name says nothing: no field is better */
	if (address_domain(d->client.p, d->client.n, d->utf8))
		put_typed(out, "Received-From-MTA", "dns", d->client);
	put_date(out, "Arrival-Date", d->arrival_us);
}

/* RFC 3461 6.3: as the sender gave it, decoded. */
static void
put_original(const struct dsn *d, const struct dsn_recipient *r,
	     struct bytes *out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	enum { TYPE_MOST = 63 }; /* octets; those in use have five or six */
	const char *p = r->orcpt.p;
	char type[TYPE_MOST + 1], room[FIELD_ROOM];
	struct text t;
	size_t n = 0;

	while (n < r->orcpt.n && n < TYPE_MOST && p[n] != '\0' &&
	       strchr(letters, p[n]) != NULL)
		n++;
	if (n == 0 || n >= r->orcpt.n || p[n] != ';')
		return;
	memcpy(type, p, n);
	type[n] = '\0';
	t = field_xtext((struct text){p + n + 1, r->orcpt.n - n - 1}, d->utf8,
			room);
	if (t.n > 0)
		put_typed(out, "Original-Recipient", type, t);
}

/* RFC 3464 2.3.6; words of our own have a type of our own. */
static void
put_diagnostic(const struct dsn *d, const struct dsn_recipient *r,
	       struct bytes *out)
{
	static const char name[] = "Diagnostic-Code";
	const char *type = r->code != 0 ? "smtp; " : "x-mtq; ";
	char room[FIELD_ROOM], said[DSN_SAID_ROOM];
	struct text t = field_words(dsn_said(r, said), d->utf8, room);

	if (t.n == 0)
		return;
	bytes_printf(out, "%s: %s", name, type);
	field_fold(out, strlen(name) + 2 + strlen(type), " ", t);
	bytes_add_text(out, "\r\n");
}

/* RFC 3464 2.3 */
static void
put_recipient(const struct dsn *d, const struct dsn_recipient *r,
	      struct bytes *out)
{
	static const char *const action[] = {
#define A(id, word) [DSN_##id] = word,
	    DSN_ACTIONS(A)
#undef A
	};
	char room[FIELD_ROOM];
	struct text remote = dsn_remote_name(r);

	put_original(d, r, out);
	field_put_token(out, "Final-Recipient",
			field_address(r->address, d->utf8, room));
	field_put_token(out, "Action", text_of(action[d->action]));
	field_put_token(out, "Status", dsn_status(d, r));
	if (remote.n > 0)
		put_typed(out, "Remote-MTA", "dns", remote);
	put_diagnostic(d, r, out);
	put_date(out, "Last-Attempt-Date", r->last_us);
	if (d->action == DSN_DELAYED)
		put_date(out, "Will-Retry-Until", r->until_us);
}

const char *
dsn_subject(enum dsn_action a)
{
	switch (a) {
	case DSN_FAILED:
		return "Undelivered mail";
	case DSN_DELAYED:
		return "Delayed mail";
	case DSN_DELIVERED:
		return "Delivered mail";
	case DSN_RELAYED:
		break;
	}
	return "Mail passed on";
}

/* "<left@right>" (RFC 5322 3.6.4) without what has a meaning of its own to some
 * parser: what else somebody has written there does not stand in our header. */
static bool
message_id_valid(struct text t)
{
	size_t ats = 0;

	if (t.n < 5 || t.n > MESSAGE_ID_MOST || t.p[0] != '<' ||
	    t.p[t.n - 1] != '>' || memmem(t.p, t.n, "=?", 2) != NULL)
		return false;
	for (size_t i = 1; i < t.n - 1; i++) {
		if (t.p[i] <= ' ' || t.p[i] >= 0x7f ||
		    strchr("<>()\\\",;", t.p[i]) != NULL)
			return false;
		ats += t.p[i] == '@';
	}
	return ats == 1 && t.p[1] != '@' && t.p[t.n - 2] != '@';
}

/* RFC 3834 3.1.5: the report is shown with the message that it is about. */
static void
put_thread(const struct dsn *d, struct bytes *out)
{
	if (!message_id_valid(d->message_id))
		return;
	field_put_token(out, "In-Reply-To", d->message_id);
	field_put_token(out, "References", d->message_id);
}

/* The report's own header. */
static void
put_header(const struct dsn *d, const char *mark, struct bytes *out)
{
	int host = (int)d->hostname.n, id = (int)d->id.n;
	struct address to;
	const char *why;

	bytes_printf(out,
		     "From: \"Mail Delivery System\" <MAILER-DAEMON@%.*s>\r\n",
		     host, d->hostname.p);
	/* an address that is none is not made one: the envelope knows */
	if (address_parse(d->to.p, d->to.n, d->utf8, &to, &why))
		bytes_printf(out, "To: <%.*s>\r\n", (int)d->to.n, d->to.p);
	else
		bytes_add_text(out, "To: undisclosed-recipients:;\r\n");
	field_put_subject(out, dsn_subject(d->action), d->subject, d->utf8);
	put_date(out, "Date", d->now_us);
	bytes_printf(out, "Message-ID: <%.*s@%.*s>\r\n", id, d->id.p, host,
		     d->hostname.p);
	put_thread(d, out);
	bytes_printf(out,
		     "Auto-Submitted: auto-replied\r\n"
		     "MIME-Version: 1.0\r\n"
		     "Content-Type: multipart/report;"
		     " report-type=delivery-status;\r\n"
		     " boundary=\"%s\"\r\n"
		     "Content-Transfer-Encoding: %s\r\n\r\n",
		     mark, d->utf8 || d->eightbit ? "8bit" : "7bit");
}

/* The beginning of a part.  `eightbit`: it may have octets above 127. */
static void
put_part(struct bytes *out, const char *mark, const char *type, bool eightbit)
{
	bytes_printf(out,
		     "--%s\r\n"
		     "Content-Type: %s\r\n"
		     "Content-Transfer-Encoding: %s\r\n\r\n",
		     mark, type, eightbit ? "8bit" : "7bit");
}

void
dsn_head(const struct dsn *d, struct bytes *out)
{
	char mark[BOUNDARY_SIZE];
	const char *original =
	    d->full ? "message/rfc822" : "text/rfc822-headers";

	must(d->n > 0 && d->n <= DSN_RECIPIENTS_MOST);
	if (d->utf8) /* RFC 6533 5, 6 */
		original =
		    d->full ? "message/global" : "message/global-headers";
	boundary(d, mark);
	put_header(d, mark, out);
	put_part(out, mark,
		 d->utf8 ? "text/plain; charset=utf-8"
			 : "text/plain; charset=us-ascii",
		 d->utf8);
	dsn_words(d, out);
	bytes_add_text(out, "\r\n");
	put_part(out, mark,
		 d->utf8 ? "message/global-delivery-status"
			 : "message/delivery-status",
		 d->utf8);
	put_message(d, out);
	for (size_t i = 0; i < d->n; i++) {
		bytes_add_text(out, "\r\n");
		put_recipient(d, &d->recipient[i], out);
	}
	bytes_add_text(out, "\r\n");
	put_part(out, mark, original, d->utf8 || d->eightbit);
}

void
dsn_tail(const struct dsn *d, struct bytes *out)
{
	char mark[BOUNDARY_SIZE];

	boundary(d, mark);
	/* the first line end belongs to the boundary (RFC 2046 5.1.1), so that
	 * the original ends as it ended */
	bytes_printf(out, "\r\n--%s--\r\n", mark);
}

size_t
dsn_header_octets(const unsigned char *p, size_t n)
{
	const unsigned char *end;

	if (n >= 2 && memcmp(p, "\r\n", 2) == 0)
		return 2;
	end = n > 0 ? memmem(p, n, "\r\n\r\n", 4) : NULL;
	return end != NULL ? (size_t)(end - p) + 4 : n;
}
