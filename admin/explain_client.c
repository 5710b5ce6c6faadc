#include "admin/explain_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/change.h"
#include "admin/explain_after.h"
#include "admin/explain_dkim.h"
#include "admin/explain_door_print.h"
#include "admin/explain_print.h"
#include "admin/explain_type.h"
#include "daemon/file.h"
#include "queue/accounts.h"
#include "queue/lane.h"
#include "queue/mailbox.h"

/* What is known before the session begins. */
struct client {
	struct explain_door_ask ask;
	struct bytes name;    /* the address as text */
	struct bytes message; /* with CRLF */
	char sender[ADDRESS_MOST + 1], to[ADDRESS_MOST + 1];
	char no_account[200];
};

/* --- who it is ------------------------------------------------------------ */

static bool
take_address(struct command *c, const char *text, struct client *x)
{
	struct network net;
	char why[NET_WHY];

	if (!net_parse_network(text, &net, why) || net.bits != 128) {
		command_say(c, EXIT_USAGE, "--client %.80s: not an address",
			    text);
		return false;
	}
	memcpy(x->ask.peer, net.addr, sizeof x->ask.peer);
	net_print_network(&net, &x->name);
	bytes_u8(&x->name, '\0');
	x->ask.client = (const char *)x->name.data;
	return true;
}

static bool
has_port(const struct listen_settings *l, const char *port)
{
	char *end;
	unsigned long n = strtoul(port, &end, 10);

	for (size_t i = 0; *end == '\0' && i < l->address.n; i++)
		if (net_port(&l->address.at[i]) == n)
			return true;
	return false;
}

static bool
take_listener(struct command *c, const struct explain_client_ask *a,
	      struct client *x)
{
	const struct settings *s = c->settings;

	for (size_t i = 0; i < s->nlistens && x->ask.listen == NULL; i++) {
		const struct listen_settings *l = &s->listens[i];

		if ((a->listener == NULL ||
		     strcmp(l->title, a->listener) == 0) &&
		    (a->port == NULL || has_port(l, a->port)))
			x->ask.listen = l;
	}
	if (x->ask.listen == NULL)
		command_say(c, EXIT_USAGE, "there is no listener %.64s%s%.16s",
			    a->listener != NULL ? a->listener : "",
			    a->port != NULL ? " on port " : "",
			    a->port != NULL ? a->port : "");
	return x->ask.listen != NULL;
}

/* Would AUTH be answered with 535, whatever the password is? */
static void
check_account(const struct settings *s, int64_t now_us, struct client *x)
{
	static const char mark[] = "file:";
	const char *name = x->ask.account, *why = NULL;
	struct accounts *all = NULL;
	const struct account *one;
	struct err e;
	bool live = false;
	size_t n;
	char *text;

	if (*name == '\0' || strncmp(s->accounts, mark, strlen(mark)) != 0)
		return;
	text = file_read(s->accounts + strlen(mark), ACCOUNTS_BYTES, &n);
	x->ask.unknown_account = text == NULL;
	if (text == NULL)
		return; /* not ours to read: mtqd has it */
	all = accounts_read(text, n, &e);
	one = all != NULL ? accounts_find(all, text_of(name)) : NULL;
	for (unsigned i = 0; one != NULL && i < one->npasswords; i++)
		live = live || one->password[i].not_after_us > now_us;
	if (all == NULL)
		why = "the accounts file is wrong";
	else if (one == NULL)
		why = "there is no such account";
	else if (!live)
		why = "its passwords are over";
	if (why != NULL) {
		snprintf(x->no_account, sizeof x->no_account, "%s", why);
		x->ask.no_account = x->no_account;
	}
	accounts_free(all);
	secret_wipe(text, n);
	free(text);
}

/* --- what it sends -------------------------------------------------------- */

/* As a client would send it: each line's end is CRLF. */
static void
add_lines(const char *p, size_t n, struct bytes *out)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			bytes_u8(out, '\r');
		bytes_u8(out, (uint8_t)p[i]);
	}
	if (n > 0 && p[n - 1] != '\n')
		bytes_add_text(out, "\r\n");
}

static bool
take_message(struct command *c, const char *path, struct client *x)
{
	size_t n;
	char *text;

	if (path == NULL)
		return true;
	text = file_read(path, EXPLAIN_CLIENT_MESSAGE, &n);
	if (text == NULL) {
		command_say(c, EXIT_USAGE, "%.200s: can't read: %s", path,
			    errno == EFBIG    ? "over 64 MB"
			    : errno == EINVAL ? "not a file"
					      : strerror(errno));
		return false;
	}
	add_lines(text, n, &x->message);
	free(text);
	if (x->message.n == 0)
		bytes_add_text(&x->message, "\r\n");
	x->ask.message =
	    (struct text){(const char *)x->message.data, x->message.n};
	return true;
}

/* The first address of the first field of this name. */
static void
first_address(struct text m, const char *name, char out[ADDRESS_MOST + 1])
{
	size_t k = strlen(name);
	struct bytes value = {0};
	bool inside = false;

	out[0] = '\0';
	for (size_t at = 0; at < m.n;) {
		const char *p = m.p + at;
		const char *end = memchr(p, '\n', m.n - at);
		size_t n = end != NULL ? (size_t)(end - p) + 1 : m.n - at;
		bool more = *p == ' ' || *p == '\t';

		at += n;
		while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
			n--;
		if (n == 0 || (inside && !more))
			break;
		if (inside || (!more && n > k && p[k] == ':' &&
			       strncasecmp(p, name, k) == 0)) {
			size_t skip = inside ? 0 : k + 1;

			inside = true;
			bytes_add(&value, p + skip, n - skip);
		}
		if (value.n > MAILBOX_FIELD)
			break;
	}
	mailbox_first((struct text){(const char *)value.data,
				    min_of(value.n, (size_t)MAILBOX_FIELD)},
		      value.n <= MAILBOX_FIELD, out);
	bytes_free(&value);
}

static bool
copy_address(struct command *c, const char *option, const char *from,
	     char out[ADDRESS_MOST + 1])
{
	struct text t = text_of(from);
	struct address a;
	const char *why = NULL;

	if (t.n >= 2 && t.p[0] == '<' && t.p[t.n - 1] == '>')
		t = (struct text){t.p + 1, t.n - 2};
	if (t.n > 0 && !address_parse(t.p, t.n, true, &a, &why)) {
		command_say(c, EXIT_USAGE, "%s %.80s: %s", option, from, why);
		return false;
	}
	text_copy(t, out, ADDRESS_MOST + 1);
	return true;
}

/* What nobody said stands in the message: header From and To. */
static bool
take_envelope(struct command *c, const struct explain_client_ask *a,
	      struct client *x)
{
	if (a->from == NULL)
		first_address(x->ask.message, "From", x->sender);
	else if (!copy_address(c, "--from", a->from, x->sender))
		return false;
	if (a->to == NULL)
		first_address(x->ask.message, "To", x->to);
	else if (!copy_address(c, "--to", a->to, x->to))
		return false;
	if (x->to[0] == '\0')
		snprintf(x->to, sizeof x->to, "somebody@example.net");
	x->ask.sender = text_of(x->sender);
	x->ask.to = text_of(x->to);
	return true;
}

/* --- what follows --------------------------------------------------------- */

static void
find_rule(const struct settings *s, const struct explain_door *d,
	  struct sentence *rule)
{
	struct explain_fields *f = must_alloc(sizeof *f);
	const struct message_record *r = &d->record;
	const struct classify_ask ask = {.field = f->field,
					 .author = r->author,
					 .sender = r->sender,
					 .source = r->source,
					 .listener = r->listener,
					 .account = r->account,
					 .size_bytes = r->size_bytes};
	struct classify_ask full = ask;

	explain_fields(s, d->begin.data, d->begin.n, f);
	full.nfields = f->n;
	explain_type(s, &full, rule);
	free(f);
}

/* Where it goes, as `mtq explain --to` says it. */
static int
explain_route(struct command *c, const struct client *x,
	      const struct explain_door *d, const char *rule)
{
	const struct recipient_record rcpt = {.address = x->ask.to};
	const struct text to = x->ask.to;
	struct explain_group g = {.to = &to, .nto = 1, .rule = rule};
	struct ledger_view view;
	struct explain_world w;
	struct explained why;
	struct err e;
	bool ok;
	int code;

	if (!change_open_view(c, &view, &code))
		return code;
	w = (struct explain_world){c->settings, view.book, c->now_us};
	g.mail.ask = lane_ask(c->settings, &d->record, &rcpt);
	g.mail.size_bytes = d->record.size_bytes;
	explain(&w, &g.mail, &why);
	ok = explain_suppressed(view.txn, &to, 1, c->now_us, &g.suppressed, &e);
	change_close_view(&view);
	if (!ok)
		return command_fail(c, &e);
	explain_print(c, &g, &why);
	return why.hopeless || g.suppressed.n > 0 ? EXIT_NO : EXIT_DONE;
}

static int
look(struct command *c, const struct explain_client_ask *a, struct client *x)
{
	struct explain_door d;
	struct sentence rule = {.n = 0};
	bool sorted;
	int code;

	if (!a->no_dns) {
		x->ask.look_up = explain_dkim;
		x->ask.arg = &c->settings->dns;
	}
	explain_door(&x->ask, &d);
	sorted = d.accepted && !d.report && x->ask.message.n > 0;
	if (sorted)
		find_rule(c->settings, &d, &rule);
	explain_door_print(c, &x->ask, &d, sorted ? rule.text : NULL);
	code = d.accepted ? EXIT_DONE : EXIT_NO;
	if (sorted)
		code = explain_route(c, x, &d, rule.text);
	explain_door_close(&d);
	return code;
}

int
explain_client(struct command *c, const struct explain_client_ask *a)
{
	struct client x = {.name = {0}};
	int code = EXIT_USAGE;

	if (command_settings(c) == NULL)
		return EXIT_CONFIG;
	x.ask.s = c->settings;
	x.ask.account = a->account != NULL ? a->account : "";
	x.ask.names = a->names != NULL ? a->names : "";
	x.ask.helo = a->helo != NULL ? a->helo : "client.example";
	x.ask.now_us = c->now_us;
	if (take_address(c, a->client, &x) && take_listener(c, a, &x) &&
	    take_message(c, a->message, &x) && take_envelope(c, a, &x)) {
		/* Nobody sends a password in clear, nor has a certificate
		 * there. */
		x.ask.tls = a->tls || *x.ask.account || *x.ask.names;
		check_account(c->settings, c->now_us, &x);
		code = look(c, a, &x);
	}
	bytes_free(&x.name);
	bytes_free(&x.message);
	return code;
}
