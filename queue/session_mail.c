#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/session_args.h"
#include "queue/session_private.h"

enum { SHOWN_MOST = 200 };

static bool
refuse(struct session *s, const char *during, const char *reply)
{
	session_refuse(s, during, "%s", reply);
	return false;
}

static bool
size_argument(struct session *s, struct text v)
{
	bool number = v.n > 0 && v.n <= 20; /* RFC 1870 3 */
	uint64_t n = 0;

	for (size_t i = 0; number && i < v.n; i++) {
		number = v.p[i] >= '0' && v.p[i] <= '9';
		n = min_of(n, UINT64_MAX / 10 - 9) * 10 +
		    (uint64_t)(v.p[i] - '0');
	}
	if (!number)
		return refuse(s, "MAIL", "501 5.5.4 SIZE is a number");
	if (n > s->limits.size_bytes)
		return refuse(s, "MAIL",
			      "552 5.3.4 Message size exceeds our limit");
	return true;
}

/* The word of a set that `a` is; its flag joins s->flags.  A parameter may
 * come once. */
static bool
flag_argument(struct session *s, const struct session_arg *a, uint32_t *seen)
{
	static const struct {
		const char *key, *value;
		uint32_t flag, group;
	} row[] = {
	    {"BODY", "7BIT", 0, 1},
	    {"BODY", "8BITMIME", MESSAGE_8BIT, 1},
	    {"SMTPUTF8", "", MESSAGE_SMTPUTF8, 2},
	    {"RET", "FULL", MESSAGE_RET_FULL, 4},
	    {"RET", "HDRS", MESSAGE_RET_HDRS, 4},
	};

	for (size_t i = 0; i < countof(row); i++) {
		if (!session_args_is(a->key, row[i].key) ||
		    !session_args_is(a->value, row[i].value) ||
		    (*seen & row[i].group) != 0)
			continue;
		*seen |= row[i].group;
		s->flags |= row[i].flag;
		return true;
	}
	return false;
}

static bool
mail_argument(struct session *s, const struct session_arg *a, uint32_t *seen)
{
	static const char *const known[] = {"BODY", "SMTPUTF8", "RET", "ENVID",
					    "SIZE"};
	enum { SEEN_ENVID = 8, SEEN_SIZE = 16, SEEN_AUTH = 32 };

	if (flag_argument(s, a, seen))
		return true;
	if (session_args_is(a->key, "SIZE") && (*seen & SEEN_SIZE) == 0) {
		*seen |= SEEN_SIZE;
		return size_argument(s, a->value);
	}
	if (session_args_is(a->key, "ENVID") && (*seen & SEEN_ENVID) == 0 &&
	    a->value.n <= SESSION_ARGS_ENVID && session_args_xtext(a->value)) {
		*seen |= SEEN_ENVID;
		text_copy(a->value, s->envid, sizeof s->envid);
		return true;
	}
	/* Who the author says it is to: nobody here asks (RFC 4954 5). */
	if (session_args_is(a->key, "AUTH") && *s->settings->accounts != '\0') {
		if ((*seen & SEEN_AUTH) != 0 || !session_args_xtext(a->value))
			return refuse(s, "MAIL",
				      "501 5.5.4 Bad value of a parameter");
		*seen |= SEEN_AUTH;
		return true;
	}
	for (size_t i = 0; i < countof(known); i++)
		if (session_args_is(a->key, known[i]))
			return refuse(s, "MAIL",
				      "501 5.5.4 Bad value of a parameter");
	return refuse(s, "MAIL", "555 5.5.4 Unsupported parameter");
}

uint32_t
session_keep(struct session *s, struct text t)
{
	uint32_t at = (uint32_t)s->texts.n;

	bytes_add(&s->texts, t.p, t.n);
	return at;
}

static bool
mailbox(struct session *s, const char *during, struct text t, struct address *a)
{
	bool utf8 = (s->flags & MESSAGE_SMTPUTF8) != 0;
	char shown[SHOWN_MOST];
	const char *why;

	if (address_parse(t.p, t.n, true, a, &why) && (utf8 || !a->utf8))
		return true;
	log_safe(t.p, t.n, shown, sizeof shown);
	if (address_parse(t.p, t.n, true, a, &why)) {
		for (char *p = shown; *p != '\0'; p++) /* replies are ASCII */
			if ((unsigned char)*p >= 0x80)
				*p = '?';
		session_refuse(s, during, "553 5.6.7 <%s>: needs SMTPUTF8",
			       shown);
		return false;
	}
	for (char *p = shown; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	session_refuse(s, during, "501 5.1.%d <%s>: %s",
		       during[0] == 'M' ? 7 : 3, shown, why);
	return false;
}

/* True when all is well with the parameters and the address of MAIL. */
static bool
take_mail(struct session *s, struct text from, struct text rest)
{
	struct session_arg arg;
	struct address a;
	uint32_t seen = 0;

	if (s->hello == HELLO_HELO && rest.n > 0)
		return refuse(s, "MAIL", "555 5.5.4 Parameters need EHLO");
	while (session_args_next(&rest, &arg))
		if (!mail_argument(s, &arg, &seen))
			return false;
	if (from.n > 0 && !mailbox(s, "MAIL", from, &a))
		return false;
	if (!session_door_sender(s, from))
		return false;
	if (s->room == SESSION_NO_ROOM || s->room == SESSION_NO_MEMORY)
		return refuse(s, "MAIL",
			      "452 4.3.1 Insufficient system storage");
	return true;
}

void
session_mail(struct session *s, const char *p, size_t n)
{
	struct text from, rest;

	if (s->hello == HELLO_NONE) {
		session_refuse(s, "MAIL", "503 5.5.1 Error: send EHLO first");
		return;
	}
	if (s->mail) {
		session_refuse(s, "MAIL",
			       "503 5.5.1 Error: nested MAIL "
			       "command");
		return;
	}
	if (!session_args_path(p, n, "FROM:", &from, &rest)) {
		session_refuse(s, "MAIL",
			       "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	session_reset(s);
	if (!session_door_mail(s))
		return;
	if (!take_mail(s, from, rest)) {
		session_reset(s);
		return;
	}
	s->mail = true;
	s->sender = session_keep(s, from);
	s->nsender = (uint32_t)from.n;
	session_say(s, "250 2.1.0 Ok");
}

static bool
rcpt_arguments(struct session *s, struct text rest, struct session_rcpt *r,
	       struct text *as_sent)
{
	struct session_arg a;

	if (s->hello == HELLO_HELO && rest.n > 0)
		return refuse(s, "RCPT", "555 5.5.4 Parameters need EHLO");
	while (session_args_next(&rest, &a)) {
		if (session_args_is(a.key, "NOTIFY") && r->notify == 0 &&
		    session_args_notify(a.value, &r->notify))
			continue;
		if (session_args_is(a.key, "ORCPT") && as_sent->n == 0 &&
		    session_args_orcpt(a.value)) {
			*as_sent = a.value;
			continue;
		}
		if (session_args_is(a.key, "NOTIFY") ||
		    session_args_is(a.key, "ORCPT"))
			return refuse(s, "RCPT",
				      "501 5.5.4 Bad value of a parameter");
		return refuse(s, "RCPT", "555 5.5.4 Unsupported parameter");
	}
	return true;
}

/* Order of mailboxes: local parts octet for octet, domains without case. */
static int
compare(const struct session *s, const struct session_rcpt *r,
	const struct address *a)
{
	const char *p = (const char *)s->texts.data + r->address;
	size_t ndomain = r->naddress - r->nlocal - 1;

	if (r->nlocal != a->local.n)
		return r->nlocal < a->local.n ? -1 : 1;
	if (ndomain != a->domain.n)
		return ndomain < a->domain.n ? -1 : 1;
	if (memcmp(p, a->local.p, a->local.n) != 0)
		return memcmp(p, a->local.p, a->local.n);
	return strncasecmp(p + r->nlocal + 1, a->domain.p, ndomain);
}

/* Where in s->order the mailbox stands or should stand. */
static uint32_t
place_of(const struct session *s, const struct address *a, bool *there)
{
	uint32_t low = 0, high = s->nrcpt;

	*there = false;
	while (low < high && !*there) {
		uint32_t mid = low + (high - low) / 2;
		int c = compare(s, &s->rcpt[s->order[mid]], a);

		*there = c == 0;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
add(struct session *s, struct session_rcpt r, const struct address *a,
    uint32_t place)
{
	const uint32_t n = s->nrcpt;

	/* local.p begins the mailbox: "local@domain" lies in one piece */
	r.naddress = (uint32_t)(a->local.n + 1 + a->domain.n);
	r.address = session_keep(s, (struct text){a->local.p, r.naddress});
	r.nlocal = (uint32_t)a->local.n;
	if (n == s->rcpt_room) {
		s->rcpt_room = max_of(n * 2, 4U);
		s->rcpt =
		    must_realloc(s->rcpt, s->rcpt_room * sizeof s->rcpt[0]);
		s->order =
		    must_realloc(s->order, s->rcpt_room * sizeof s->order[0]);
	}
	memmove(s->order + place + 1, s->order + place,
		(n - place) * sizeof s->order[0]);
	s->order[place] = n;
	s->rcpt[s->nrcpt++] = r;
}

/* A list of ours is no mistake of the client: a mass mail may have hundreds of
 * such recipients, and its session goes on. */
static bool
is_declined(struct session *s, const struct address *a)
{
	struct text whole = {a->local.p, a->local.n + 1 + a->domain.n};
	char shown[SHOWN_MOST];

	if (s->suppressed == NULL ||
	    s->settings->suppress.at_rcpt != AT_RCPT_REFUSE ||
	    !s->suppressed(s->arg, whole, s->now_us))
		return false;
	log_safe(whole.p, whole.n, shown, sizeof shown);
	for (char *p = shown; *p != '\0'; p++) /* replies are ASCII */
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	s->ndeclined++;
	session_decline(s, "RCPT",
			"550 5.7.1 <%s>: the address is on our suppression "
			"list",
			shown);
	return true;
}

/* The mailbox is well-formed: is there a place for it? */
static void
take_rcpt(struct session *s, struct session_rcpt r, const struct address *a,
	  struct text as_sent)
{
	uint32_t place;
	bool there;

	place = place_of(s, a, &there);
	if (there) {
		/* Once is enough (RFC 5321 4.1.1.3); asking for ever is not. */
		s->idle_commands++;
		session_say(s, "250 2.1.5 Ok");
		return;
	}
	if (s->nrcpt + s->ndeclined >= s->limits.recipients) {
		session_refuse(s, "RCPT",
			       "452 4.5.3 Error: too many recipients");
		return;
	}
	/* What one transaction can ask for: mostly its recipients. */
	if (s->room == SESSION_NO_MEMORY) {
		session_refuse(s, "RCPT",
			       "452 4.3.1 Insufficient system storage");
		return;
	}
	if (is_declined(s, a))
		return;
	r.orcpt = session_keep(s, as_sent);
	r.norcpt = (uint32_t)as_sent.n;
	add(s, r, a, place);
	session_say(s, "250 2.1.5 Ok");
}

void
session_rcpt(struct session *s, const char *p, size_t n)
{
	char postmaster[ADDRESS_MOST + 1];
	struct session_rcpt r = {.notify = 0};
	struct text to, rest, as_sent = {"", 0};
	struct address a;

	if (!s->mail || s->bdat) {
		session_refuse(s, "RCPT", "503 5.5.1 Error: need MAIL command");
		return;
	}
	if (!session_args_path(p, n, "TO:", &to, &rest)) {
		session_refuse(s, "RCPT",
			       "501 5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	if (session_args_is(to, "postmaster")) { /* RFC 5321 4.5.1 */
		snprintf(postmaster, sizeof postmaster, "postmaster@%.200s",
			 s->hostname);
		to = text_of(postmaster);
	}
	if (!mailbox(s, "RCPT", to, &a) ||
	    !rcpt_arguments(s, rest, &r, &as_sent))
		return;
	if (session_back_rcpt(s, &a))
		return;
	if (a.literal) {
		session_refuse(s, "RCPT",
			       "550 5.1.2 Error: no mail to an address "
			       "literal");
		return;
	}
	take_rcpt(s, r, &a, as_sent);
}
