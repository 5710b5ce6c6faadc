#include "queue/door_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"

enum {
	LK_COUNTS = 15, /* of an org's id; longer forms repeat it (A07) */
	SHOWN_MOST = 120,
	REASON_MOST = 160,
};

bool
door_reads(const struct source_settings *source)
{
	return source->require_header.n > 0 || source->allow_from.n > 0 ||
	       source->dkim == DKIM_GATE_REQUIRE;
}

/* " name=result", without what could be taken for the next one. */
static void result(struct door_verdict *v, const char *name, const char *fmt,
		   ...) PRINTF(3, 4);
static void
result(struct door_verdict *v, const char *name, const char *fmt, ...)
{
	char raw[REASON_MOST], clean[REASON_MOST];
	size_t at = strlen(v->words);
	va_list ap;

	va_start(ap, fmt);
	must(vsnprintf(raw, sizeof raw, fmt, ap) >= 0);
	va_end(ap);
	log_safe(raw, strlen(raw), clean, sizeof clean);
	snprintf(v->words + at, sizeof v->words - at, "%s%s=%s",
		 at > 0 ? " " : "", name, clean);
}

static void fail(struct door_verdict *v, const char *fmt, ...) PRINTF(2, 3);
static void
fail(struct door_verdict *v, const char *fmt, ...)
{
	char raw[DOOR_REPLY];
	va_list ap;

	va_start(ap, fmt);
	must(vsnprintf(raw, sizeof raw, fmt, ap) >= 0);
	va_end(ap);
	if (v->reply[0] != '\0' && (v->reply[0] == '5' || raw[0] == '4'))
		return;
	log_safe(raw, strlen(raw), v->reply, sizeof v->reply);
	for (char *p = v->reply; *p != '\0'; p++) /* replies are ASCII */
		if ((unsigned char)*p >= 0x80)
			*p = '?';
}

/* --- the client ------------------------------------------------------------ */

/* They held when the message began; a reload may have changed them since. */
static void
check_client(const struct door_ask *a, struct door_verdict *v)
{
	const struct source_settings *s = a->source;
	struct door_fit fit;

	door_fits(s, a->client, &fit);
	if (s->from_ip.n > 0)
		result(v, "ip", fit.network ? "ok" : "fail");
	if (*a->client->account != '\0')
		result(v, "auth", "%s", a->client->account);
	if (s->auth_user.n > 0 && !fit.account)
		result(v, "auth", "fail");
	if (s->client_cert.n > 0)
		result(v, "cert", fit.certificate ? "ok" : "fail");
	if (!fit.network || !fit.account || !fit.certificate)
		fail(v, "451 4.7.1 Error: the source that this message began "
			"as has changed");
	if (!s->require_tls)
		return;
	result(v, "tls", a->client->tls ? "ok" : "fail");
	if (!a->client->tls)
		fail(v, "550 5.7.10 Error: this source needs TLS");
}

/* --- header fields --------------------------------------------------------- */

static struct text
trimmed(const struct door_field *f)
{
	struct text t = {f->value, f->n};

	while (t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t')) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
		t.n--;
	return t;
}

/* On the first `most` octets of both. */
static bool
value_is(const struct door_field *f, const char *value, size_t most)
{
	const struct text v = trimmed(f);
	size_t k = strlen(value);

	if (strcmp(value, "*") == 0)
		return v.n > 0;
	if (f->cut && v.n <= most)
		return false; /* who knows how it goes on */
	return min_of(v.n, most) == min_of(k, most) &&
	       memcmp(v.p, value, min_of(v.n, most)) == 0;
}

static bool
among(const struct door_field *f, const struct texts *values, size_t most)
{
	for (size_t i = 0; i < values->n; i++)
		if (value_is(f, values->item[i], most))
			return true;
	return false;
}

/* An org of the source's sandboxes is one of its orgs. */
static bool
has_value(const struct source_settings *s, const struct list_of *want,
	  const struct door_field *f)
{
	if (strcasecmp(want->name, DOOR_LK) != 0)
		return among(f, &want->value, DOOR_VALUE);
	return among(f, &want->value, LK_COUNTS) ||
	       among(f, &s->sandbox_org, LK_COUNTS);
}

static void
check_fields(const struct door_ask *a, struct door_verdict *v)
{
	const struct lists *want = &a->source->require_header;

	for (size_t i = 0; i < want->n; i++) {
		const char *name = want->item[i].name;
		const struct door_field *f = door_header_field(a->header, name);

		if (f == NULL) { /* a reload asks for it since */
			result(v, name, "unknown");
			fail(v, "451 4.7.1 Error: what this source asks for "
				"has changed");
		} else if (f->seen == 1 &&
			   has_value(a->source, &want->item[i], f)) {
			result(v, name, "ok");
		} else {
			result(v, name, "fail(%s)",
			       f->seen == 0  ? "missing"
			       : f->seen > 1 ? "more than one"
					     : "another value");
			fail(v, "550 5.7.1 Error: header field %.76s %s", name,
			     f->seen == 0 ? "is missing"
			     : f->seen > 1
				 ? "is there more than once"
				 : "has not the value that this source needs");
		}
	}
}

static void
check_form(const struct door_ask *a, struct door_verdict *v)
{
	const char *odd = a->header->odd;

	if (!door_reads(a->source))
		return;
	if (odd[0] == '\0' && a->header->single[DOOR_FROM] == 1) {
		result(v, "header", "ok");
		return;
	}
	if (odd[0] == '\0')
		odd = "no field From";
	result(v, "header", "fail(%s)", odd);
	fail(v, "550 5.7.0 Error: the header has %s", odd);
}

/* --- who wrote it ---------------------------------------------------------- */

static bool
domain_among(const struct texts *patterns, struct text address)
{
	const char *at =
	    address.n > 0 ? memrchr(address.p, '@', address.n) : NULL;

	for (size_t i = 0; at != NULL && i < patterns->n; i++)
		if (door_domain_is(patterns->item[i], at + 1,
				   (size_t)(address.p + address.n - at) - 1))
			return true;
	return false;
}

bool
door_sender(const struct source_settings *source, struct text sender)
{
	return source->allow_from.n == 0 || sender.n == 0 ||
	       domain_among(&source->allow_from, sender) ||
	       domain_among(&source->allow_bounce_domains, sender);
}

/* The authors of a message. */
struct authors {
	const struct source_settings *source;
	char wrong[ADDRESS_MOST + 1];  /* of no domain that is allowed */
	char domain[ADDRESS_MOST + 1]; /* of the first one */
	bool several;                  /* domains */
	size_t n;                      /* 0: who else there is can't be read */
};

static bool
see_author(void *arg, const char *address)
{
	struct authors *x = arg;
	const char *domain = strrchr(address, '@') + 1; /* mailbox.h */

	if (x->source->allow_from.n > 0 && x->wrong[0] == '\0' &&
	    !domain_among(&x->source->allow_from, text_of(address)))
		snprintf(x->wrong, sizeof x->wrong, "%s", address);
	if (x->domain[0] == '\0')
		snprintf(x->domain, sizeof x->domain, "%s", domain);
	else if (strcasecmp(x->domain, domain) != 0)
		x->several = true;
	return true;
}

static void
check_from(const struct door_ask *a, struct authors *x, struct door_verdict *v)
{
	const struct door_header *h = a->header;

	x->n = mailbox_all((struct text){h->from, h->nfrom}, !h->from_cut,
			   see_author, x);
	if (a->source->allow_from.n == 0)
		return;
	if (door_sender(a->source, a->sender)) {
		result(v, "sender", "ok");
	} else {
		result(v, "sender", "fail");
		fail(v, "550 5.7.1 Error: this source may not send with that "
			"envelope sender");
	}
	if (x->n > 0 && x->wrong[0] == '\0') {
		result(v, "from", "ok");
		return;
	}
	if (x->n == 0) {
		result(v, "from", "fail(no address)");
		fail(v, "550 5.7.1 Error: header From has no address, or is "
			"not well-formed");
		return;
	}
	result(v, "from", "fail(%.*s)", SHOWN_MOST, x->wrong);
	fail(v,
	     "550 5.7.1 <%.*s>: this source may not send with that header "
	     "From",
	     SHOWN_MOST, x->wrong);
}

/* Why no signature can be enough.  Readers of mail may show an author behind
 * what can't be read. */
static const char *
flaw_of(const struct authors *x)
{
	if (x->n == 0)
		return "header From is not well-formed";
	return x->several ? "authors of several domains" : NULL;
}

static void
check_dkim(const struct door_ask *a, const struct authors *x,
	   struct door_verdict *v)
{
	static const struct dkim_result unseen = {.kind = DKIM_TEMPORARY,
						  .words = "not looked for"};
	const struct dkim_result *d = a->dkim != NULL ? a->dkim : &unseen;
	const char *why = d->kind == DKIM_PASS ? d->domain : d->words;
	const char *flaw = flaw_of(x);
	enum dkim_kind kind = d->kind;
	bool good = kind == DKIM_PASS && flaw == NULL;
	char weak[DKIM_NAME + 32];

	if (good && d->weak) { /* it will not be enough for ever */
		snprintf(weak, sizeof weak, "%s, only %u bits", d->domain,
			 d->bits);
		why = weak;
	}
	if (a->source->dkim == DKIM_GATE_OFF)
		return;
	/* No key would change it: that is for good. */
	if (flaw != NULL && (kind == DKIM_PASS || kind == DKIM_TEMPORARY)) {
		kind = DKIM_POLICY;
		why = flaw;
	}
	result(v, "dkim", *why != '\0' ? "%s(%.*s)" : "%s", dkim_word(kind),
	       SHOWN_MOST, why);
	if (a->source->dkim == DKIM_GATE_LOG || good)
		return;
	if (kind == DKIM_TEMPORARY)
		fail(v, "451 4.7.5 Error: the DKIM key can't be looked up now");
	else
		fail(v,
		     "550 5.7.20 Error: no passing DKIM signature of header "
		     "From's domain: %.*s",
		     SHOWN_MOST, why);
}

/* --- what it is ------------------------------------------------------------ */

static void
check_type(const struct door_ask *a, struct door_verdict *v)
{
	const struct texts *types = &a->source->type;

	if (types->n == 0)
		return;
	for (size_t i = 0; i < types->n; i++) {
		if (strcmp(types->item[i], a->type) != 0)
			continue;
		result(v, "type", "ok");
		return;
	}
	result(v, "type", "fail(%s)", a->type);
	fail(v, "550 5.7.1 Error: this source may not send mail of type %s",
	     a->type);
}

/* A test must never write to customers (O07): whatever the source is, such mail
 * needs a relay of its own. */
static void
check_sandbox(const struct door_ask *a, struct door_verdict *v)
{
	static const char word[] = "coreapp-sandbox";
	const struct door_field *app = door_header_field(a->header, DOOR_APP);
	const struct door_field *lk = door_header_field(a->header, DOOR_LK);
	struct text is;

	must(app != NULL && lk != NULL);
	if (app->seen > 1 || lk->seen > 1) {
		result(v, "sandbox", "fail(more than one field)");
		fail(v, "550 5.7.1 Error: more than one header field %s",
		     app->seen > 1 ? DOOR_APP : DOOR_LK);
		return;
	}
	is = trimmed(app);
	if ((is.n != sizeof word - 1 || strncasecmp(is.p, word, is.n) != 0) &&
	    !(lk->seen > 0 && among(lk, &a->source->sandbox_org, LK_COUNTS)))
		return;
	if (*a->source->sandbox_relay == '\0') {
		result(v, "sandbox", "fail");
		fail(v, "550 5.7.1 Error: mail of a sandbox, which has no "
			"sandbox_relay here");
		return;
	}
	result(v, "sandbox", "%s", a->source->sandbox_relay);
	v->sandbox = true;
}

void
door_check(const struct door_ask *a, struct door_verdict *out)
{
	struct authors x = {.source = a->source};

	memset(out, 0, sizeof *out);
	check_client(a, out);
	check_form(a, out);
	check_fields(a, out);
	check_from(a, &x, out);
	check_dkim(a, &x, out);
	check_type(a, out);
	check_sandbox(a, out);
}
