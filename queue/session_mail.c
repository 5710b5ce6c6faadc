#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/session_private.h"

enum { ENVID_MOST = 100, ORCPT_MOST = 500, SHOWN_MOST = 200 };

struct argument {
	struct text key, value;
};

static bool
is(struct text t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

/* xtext (RFC 3461 4): printable ASCII but "+" and "=", or "+" and two capital
 * hexadecimal digits. */
static bool
xtext(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c == '+') {
			if (i + 2 >= t.n ||
			    strchr("0123456789ABCDEF", t.p[i + 1]) == NULL ||
			    strchr("0123456789ABCDEF", t.p[i + 2]) == NULL)
				return false;
			i += 2;
		} else if (c < 33 || c > 126 || c == '=') {
			return false;
		}
	}
	return t.n > 0;
}

/* "FROM:<path>" or "TO:<path>": the path without its brackets; what follows
 * goes to *rest. */
static bool
path(const char *p, size_t n, const char *word, struct text *out,
     struct text *rest)
{
	size_t k = strlen(word), i;
	bool quoted = false;

	if (n < k || strncasecmp(p, word, k) != 0)
		return false;
	p += k;
	n -= k;
	while (n > 0 && *p == ' ') { /* many clients write "FROM: <" */
		p++;
		n--;
	}
	if (n < 2 || *p != '<')
		return false;
	for (i = 1; i < n && (quoted || p[i] != '>'); i++) {
		if (p[i] == '"')
			quoted = !quoted;
		else if (p[i] == '\\' && quoted)
			i++;
	}
	if (i >= n || (i + 1 < n && p[i + 1] != ' '))
		return false;
	*out = (struct text){p + 1, i - 1};
	*rest = (struct text){p + i + 1, n - i - 1};
	return true;
}

/* The next "KEY" or "KEY=VALUE" of *rest; false at the end. */
static bool
next_argument(struct text *rest, struct argument *a)
{
	const char *p = rest->p, *end = rest->p + rest->n, *eq;

	while (p < end && *p == ' ')
		p++;
	if (p == end)
		return false;
	rest->p = p;
	while (p < end && *p != ' ')
		p++;
	eq = memchr(rest->p, '=', (size_t)(p - rest->p));
	a->key.p = rest->p;
	a->key.n = (size_t)((eq != NULL ? eq : p) - rest->p);
	a->value.p = eq != NULL ? eq + 1 : p;
	a->value.n = (size_t)(p - a->value.p);
	rest->n = (size_t)(end - p);
	rest->p = p;
	return true;
}

static bool
refuse(struct session *s, const char *during, const char *reply)
{
	session_refuse(s, during, "%s", reply);
	return false;
}

static bool
size_argument(struct session *s, struct text v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (!isdigit((unsigned char)v.p[i]) || n > UINT64_MAX / 100)
			return refuse(s, "MAIL", "501 5.5.4 SIZE is a number");
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	if (v.n == 0 || v.n > 20)
		return refuse(s, "MAIL", "501 5.5.4 SIZE is a number");
	if (n > s->config.listen->max_message_size_bytes)
		return refuse(s, "MAIL",
			      "552 5.3.4 the message is larger than we take");
	return true;
}

static bool
mail_argument(struct session *s, const struct argument *a)
{
	if (is(a->key, "SIZE"))
		return size_argument(s, a->value);
	if (is(a->key, "BODY")) {
		if (is(a->value, "8BITMIME"))
			s->flags |= MESSAGE_8BIT;
		else if (!is(a->value, "7BIT"))
			return refuse(s, "MAIL",
				      "501 5.5.4 BODY is 7BIT or 8BITMIME");
		return true;
	}
	if (is(a->key, "SMTPUTF8") && a->value.n == 0) {
		s->flags |= MESSAGE_SMTPUTF8;
		return true;
	}
	if (is(a->key, "RET") && is(a->value, "FULL")) {
		s->flags |= MESSAGE_RET_FULL;
		return true;
	}
	if (is(a->key, "RET") && is(a->value, "HDRS")) {
		s->flags |= MESSAGE_RET_HDRS;
		return true;
	}
	if (is(a->key, "ENVID") && a->value.n <= ENVID_MOST &&
	    xtext(a->value)) {
		text_copy(a->value, s->envid, sizeof s->envid);
		return true;
	}
	if (is(a->key, "RET") || is(a->key, "ENVID"))
		return refuse(s, "MAIL", "501 5.5.4 bad RET or ENVID");
	return refuse(s, "MAIL", "555 5.5.4 parameter not known");
}

static uint32_t
keep(struct session *s, struct text t)
{
	uint32_t at = (uint32_t)s->texts.n;

	bytes_add(&s->texts, t.p, t.n);
	return at;
}

static bool
mailbox(struct session *s, const char *during, struct text t)
{
	bool utf8 = (s->flags & MESSAGE_SMTPUTF8) != 0;
	char shown[SHOWN_MOST];
	struct address a;
	const char *why;

	if (address_parse(t.p, t.n, utf8, &a, &why))
		return true;
	log_safe(t.p, t.n, shown, sizeof shown);
	for (char *p = shown; *p != '\0'; p++) /* replies are ASCII */
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	if (!utf8 && strstr(why, "SMTPUTF8") != NULL)
		session_refuse(s, during, "553 5.6.7 <%s>: %s", shown, why);
	else
		session_refuse(s, during, "501 5.1.%d <%s>: %s",
			       during[0] == 'M' ? 7 : 3, shown, why);
	return false;
}

void
session_mail(struct session *s, const char *p, size_t n)
{
	struct text from, rest;
	struct argument a;

	if (s->hello == HELLO_NONE) {
		session_refuse(s, "MAIL", "503 5.5.1 say EHLO first");
		return;
	}
	if (s->mail) {
		session_refuse(s, "MAIL", "503 5.5.1 nested MAIL command");
		return;
	}
	if (!path(p, n, "FROM:", &from, &rest)) {
		session_refuse(s, "MAIL",
			       "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	session_reset(s);
	if (s->hello == HELLO_HELO && rest.n > 0) {
		session_refuse(s, "MAIL", "555 5.5.4 parameters need EHLO");
		return;
	}
	while (next_argument(&rest, &a))
		if (!mail_argument(s, &a)) {
			session_reset(s);
			return;
		}
	if (from.n > 0 && !mailbox(s, "MAIL", from)) {
		session_reset(s);
		return;
	}
	if (s->room == SESSION_NO_ROOM) {
		session_reset(s);
		session_refuse(s, "MAIL",
			       "452 4.3.1 Insufficient system storage");
		s->errors--; /* it is ours, not the client's */
		return;
	}
	s->mail = true;
	s->sender = keep(s, from);
	s->nsender = (uint32_t)from.n;
	session_say(s, "250 2.1.0 Ok");
}

/* NOTIFY=NEVER or a list of the others (RFC 3461 4.1). */
static bool
notify(struct text v, uint8_t *out)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} row[] = {{"SUCCESS", NOTIFY_SUCCESS},
		   {"FAILURE", NOTIFY_FAILURE},
		   {"DELAY", NOTIFY_DELAY}};

	*out = NOTIFY_NEVER;
	if (is(v, "NEVER"))
		return true;
	*out = 0;
	while (v.n > 0) {
		const char *comma = memchr(v.p, ',', v.n);
		size_t k = comma != NULL ? (size_t)(comma - v.p) : v.n, i;

		for (i = 0; i < countof(row); i++)
			if (is((struct text){v.p, k}, row[i].word))
				break;
		if (i == countof(row))
			return false;
		*out |= row[i].bit;
		v.p += k + (comma != NULL);
		v.n -= k + (comma != NULL);
		if (comma != NULL && v.n == 0)
			return false;
	}
	return *out != 0;
}

static bool
orcpt(struct text v)
{
	const char *semi = memchr(v.p, ';', v.n);
	size_t k = semi != NULL ? (size_t)(semi - v.p) : 0;

	for (size_t i = 0; i < k; i++)
		if (!isalnum((unsigned char)v.p[i]) && v.p[i] != '-')
			return false;
	return k > 0 && v.n <= ORCPT_MOST &&
	       xtext((struct text){semi + 1, v.n - k - 1});
}

static bool
rcpt_arguments(struct session *s, struct text rest, struct session_rcpt *r)
{
	struct argument a;

	if (s->hello == HELLO_HELO && rest.n > 0)
		return refuse(s, "RCPT", "555 5.5.4 parameters need EHLO");
	while (next_argument(&rest, &a)) {
		if (is(a.key, "NOTIFY") && notify(a.value, &r->notify))
			continue;
		if (is(a.key, "ORCPT") && orcpt(a.value)) {
			r->orcpt = keep(s, a.value);
			r->norcpt = (uint32_t)a.value.n;
			continue;
		}
		if (is(a.key, "NOTIFY") || is(a.key, "ORCPT"))
			return refuse(s, "RCPT",
				      "501 5.5.4 bad NOTIFY or ORCPT");
		return refuse(s, "RCPT", "555 5.5.4 parameter not known");
	}
	return true;
}

/* The same mailbox: local parts octet for octet, domains without case. */
static bool
same(const struct session *s, const struct session_rcpt *r, struct text t)
{
	const char *a = (const char *)s->texts.data + r->address;
	const char *at = t.p + t.n;

	if (r->naddress != t.n)
		return false;
	while (at > t.p && *at != '@')
		at--;
	return memcmp(a, t.p, (size_t)(at - t.p)) == 0 &&
	       strncasecmp(a + (at - t.p), at, t.n - (size_t)(at - t.p)) == 0;
}

static uint32_t
hash_of(struct text t)
{
	uint32_t h = 0;

	for (size_t i = 0; i < t.n; i++)
		h = h * 31 + (uint32_t)tolower((unsigned char)t.p[i]);
	return h;
}

static bool
known(const struct session *s, struct text t, uint32_t hash)
{
	uint32_t most = min_of(s->nrcpt, (uint32_t)SAME_LOOKED_MOST);

	for (uint32_t i = 0; i < most; i++)
		if (s->rcpt[i].hash == hash && same(s, &s->rcpt[i], t))
			return true;
	return false;
}

static void
add(struct session *s, struct session_rcpt r, struct text t)
{
	r.address = keep(s, t);
	r.naddress = (uint32_t)t.n;
	if (s->nrcpt == s->rcpt_room) {
		s->rcpt_room = max_of(s->rcpt_room * 2, 8U);
		s->rcpt =
		    must_realloc(s->rcpt, s->rcpt_room * sizeof s->rcpt[0]);
	}
	s->rcpt[s->nrcpt++] = r;
}

void
session_rcpt(struct session *s, const char *p, size_t n)
{
	struct session_rcpt r = {.notify = 0};
	char postmaster[ADDRESS_MOST + 1];
	struct text to, rest;

	if (!s->mail || s->bdat) {
		session_refuse(s, "RCPT", "503 5.5.1 need MAIL command");
		return;
	}
	if (!path(p, n, "TO:", &to, &rest)) {
		session_refuse(s, "RCPT",
			       "501 5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	if (is(to, "postmaster")) { /* RFC 5321 4.5.1 */
		snprintf(postmaster, sizeof postmaster, "postmaster@%.200s",
			 s->config.settings->hostname);
		to = text_of(postmaster);
	}
	if (!mailbox(s, "RCPT", to) || !rcpt_arguments(s, rest, &r))
		return;
	r.hash = hash_of(to);
	if (known(s, to, r.hash)) {
		session_say(s, "250 2.1.5 Ok");
		return;
	}
	if (s->nrcpt >= s->config.listen->max_recipients) {
		session_refuse(s, "RCPT",
			       "452 4.5.3 Error: too many recipients");
		s->errors--; /* RFC 5321 4.5.3.1.10: not an error of the client */
		return;
	}
	add(s, r, to);
	session_say(s, "250 2.1.5 Ok");
}
