#include "admin/compose.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "queue/mailbox.h"

/* --- lines ------------------------------------------------------------------ */

/* The next line without its end, whatever that is. */
static bool
next_line(const unsigned char **p, const unsigned char *end, struct text *out)
{
	const unsigned char *at = *p;

	if (at == end)
		return false;
	while (at < end && *at != '\n' && *at != '\r')
		at++;
	*out = (struct text){(const char *)*p, (size_t)(at - *p)};
	if (at < end)
		at += at + 1 < end && at[0] == '\r' && at[1] == '\n' ? 2 : 1;
	*p = at;
	return true;
}

/* At most COMPOSE_LINE octets a line; what goes on in the header is folded. */
static void
put_line(struct bytes *out, struct text t, bool header)
{
	size_t most = COMPOSE_LINE;

	while (t.n > most) {
		size_t k = most;

		while (k > most / 2 && t.p[k] != ' ' && t.p[k] != '\t')
			k--;
		if (k == most / 2)
			k = most;
		bytes_add(out, t.p, k);
		bytes_add(out, "\r\n", 2);
		t = (struct text){t.p + k, t.n - k};
		if (header && t.p[0] != ' ' && t.p[0] != '\t')
			bytes_u8(out, ' ');
		most = COMPOSE_LINE - 1;
	}
	bytes_add(out, t.p, t.n);
	bytes_add(out, "\r\n", 2);
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the field's name; 0: it is no field. */
static size_t
name_of(struct text line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f &&
	       line.p[n] != ':')
		n++;
	return n > 0 && n < line.n && line.p[n] == ':' ? n : 0;
}

static bool
named(struct text line, const char *name)
{
	size_t n = name_of(line);

	return n == strlen(name) && strncasecmp(line.p, name, n) == 0;
}

/* --- recipients ------------------------------------------------------------- */

struct taking {
	const struct compose_ask *ask;
	struct composed *out;
	struct bytes field; /* unfolded; what follows the colon */
	char name[16];
	bool resent; /* Resent- fields count, To and its like don't */
	bool full;
};

static bool
take_address(void *arg, const char *address)
{
	struct taking *t = arg;

	if (t->out->nrecipients == COMPOSE_RECIPIENTS) {
		t->full = true;
		return false;
	}
	bytes_add(&t->out->recipients, address, strlen(address) + 1);
	t->out->nrecipients++;
	return true;
}

/* A user's name alone, as cron has it. */
static bool
take_bare(struct taking *t)
{
	const char *p = (const char *)t->field.data;
	size_t n = t->field.n;
	char address[ADDRESS_MOST + 1];
	struct address a;
	const char *why;
	int k;

	while (n > 0 && blank(*p)) {
		p++;
		n--;
	}
	while (n > 0 && blank(p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f ||
		    strchr("()<>[]:;@\\,\"", p[i]) != NULL)
			return false;
	k = snprintf(address, sizeof address, "%.*s@%s",
		     (int)min_of(n, (size_t)64), p, t->ask->domain);
	return n > 0 && n <= 64 && k > 0 && (size_t)k < sizeof address &&
	       address_parse(address, (size_t)k, true, &a, &why) &&
	       take_address(t, address);
}

/* The field is whole: its addresses. */
static bool
take_field(struct taking *t)
{
	const struct text f = {(const char *)t->field.data, t->field.n};
	const size_t before = t->out->nrecipients;
	const size_t at = t->out->recipients.n;
	bool empty = true;

	for (size_t i = 0; i < f.n; i++)
		empty = empty && blank(f.p[i]);
	if (t->name[0] == '\0' || empty)
		return true;
	if (mailbox_all(f, true, take_address, t) > 0 && !t->full)
		return true;
	t->out->nrecipients = before;
	t->out->recipients.n = at;
	if (!t->full && take_bare(t))
		return true;
	snprintf(t->out->why, sizeof t->out->why,
		 t->full ? "%s names more than %d recipients"
			 : "%s has an address that can't be read",
		 t->name, COMPOSE_RECIPIENTS);
	return false;
}

/* A line of the header; a field that is over is taken. */
static bool
see_line(struct taking *t, struct text line)
{
	static const char *const plain[] = {"To", "Cc", "Bcc"};
	static const char *const resent[] = {"Resent-To", "Resent-Cc",
					     "Resent-Bcc"};
	const char *const *list = t->resent ? resent : plain;

	if (line.n > 0 && blank(line.p[0])) { /* the field goes on */
		bytes_add(&t->field, line.p, line.n);
		return true;
	}
	if (!take_field(t))
		return false;
	t->field.n = 0;
	t->name[0] = '\0';
	for (size_t i = 0; i < countof(plain); i++) {
		if (!named(line, list[i]))
			continue;
		snprintf(t->name, sizeof t->name, "%s", list[i]);
		bytes_add(&t->field, line.p + strlen(list[i]) + 1,
			  line.n - strlen(list[i]) - 1);
	}
	return true;
}

/* --- the message ------------------------------------------------------------ */

struct header {
	bool from, date, message_id, resent;
};

/* The fields it has; *lines: how many lines are its header. */
static void
look(const struct compose_ask *a, struct header *h, size_t *lines)
{
	const unsigned char *p = a->p, *end = a->p + a->n;
	struct text line;

	*h = (struct header){.from = false};
	for (*lines = 0; next_line(&p, end, &line); (*lines)++) {
		if (line.n == 0 ||
		    (name_of(line) == 0 && (*lines == 0 || !blank(line.p[0]))))
			return;
		h->from = h->from || named(line, "From");
		h->date = h->date || named(line, "Date");
		h->message_id = h->message_id || named(line, "Message-ID");
		h->resent = h->resent || named(line, "Resent-To") ||
			    named(line, "Resent-Cc") ||
			    named(line, "Resent-Bcc");
	}
}

/* A display name as a quoted string; what has no place in one goes. */
static void
put_from(struct bytes *out, const struct compose_ask *a)
{
	bytes_add_text(out, "From: ");
	if (*a->full_name != '\0') {
		bytes_u8(out, '"');
		for (const char *c = a->full_name; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				bytes_u8(out, '\\');
			if ((unsigned char)*c >= ' ' && *c != 0x7f)
				bytes_u8(out, (uint8_t)*c);
		}
		bytes_add_text(out, "\" ");
	}
	bytes_printf(out, "<%s>\r\n", a->from);
}

static void
put_missing(struct bytes *out, const struct compose_ask *a,
	    const struct header *h)
{
	if (!h->from)
		put_from(out, a);
	if (!h->date)
		bytes_printf(out, "Date: %s\r\n", a->date);
	if (!h->message_id)
		bytes_printf(out, "Message-ID: %s\r\n", a->message_id);
}

/* Who gets a message without the others knowing stands in no field of it. */
static bool
is_blind(struct text line)
{
	return named(line, "Bcc") || named(line, "Resent-Bcc");
}

static bool
put_header(const struct compose_ask *a, const unsigned char **p, size_t lines,
	   bool resent, struct composed *out)
{
	struct taking t = {.ask = a, .out = out, .resent = resent};
	struct text line;
	bool ok = true, keep = true;

	while (ok && lines-- > 0 && next_line(p, a->p + a->n, &line)) {
		if (line.n == 0 || !blank(line.p[0]))
			keep = !is_blind(line);
		if (a->take_recipients)
			ok = see_line(&t, line);
		if (ok && keep)
			put_line(&out->message, line, true);
	}
	ok = ok && (!a->take_recipients || take_field(&t));
	bytes_free(&t.field);
	return ok;
}

/* What SMTP does not take becomes a blank; above 127 it needs 8BITMIME. */
static void
clean(struct composed *out)
{
	for (size_t i = 0; i < out->message.n; i++) {
		if (out->message.data[i] == '\0')
			out->message.data[i] = ' ';
		out->eightbit = out->eightbit || out->message.data[i] >= 0x80;
	}
}

/* Octets of a first line as mailboxes have it: "From ann Sat Nov 21 ...". */
static size_t
envelope_line(const struct compose_ask *a)
{
	const unsigned char *p = a->p;
	struct text line;

	if (!next_line(&p, a->p + a->n, &line) || line.n < 5 ||
	    memcmp(line.p, "From ", 5) != 0)
		return 0;
	return (size_t)(p - a->p);
}

bool
compose(const struct compose_ask *a, struct composed *out)
{
	const size_t skip = envelope_line(a);
	struct compose_ask without = *a;
	const unsigned char *p = a->p + skip, *end = a->p + a->n;
	struct header h;
	struct text line;
	size_t lines;

	*out = (struct composed){.nrecipients = 0};
	without.n -= skip;
	without.p += skip;
	a = &without;
	look(a, &h, &lines);
	put_missing(&out->message, a, &h);
	if (!put_header(a, &p, lines, h.resent, out))
		return false;
	bytes_add(&out->message, "\r\n", 2);
	if (p < end) { /* the line between, if it is one */
		const unsigned char *body = p;

		if (next_line(&body, end, &line) && line.n == 0)
			p = body;
	}
	while (next_line(&p, end, &line)) {
		if (a->dot_ends && line.n == 1 && line.p[0] == '.')
			break;
		put_line(&out->message, line, false);
	}
	clean(out);
	return true;
}

void
composed_free(struct composed *c)
{
	bytes_free(&c->message);
	bytes_free(&c->recipients);
}
