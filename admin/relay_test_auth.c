#include "admin/relay_test_auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admin/relay_test_step.h"
#include "daemon/log.h"
#include "daemon/now.h"

/*	name, kind */
#define AUTH_SHOWN(F)                                                          \
	F(offered, WORDS)                                                      \
	F(mechanism, TEXT)                                                     \
	F(user, TEXT)                                                          \
	F(code, COUNT)                                                         \
	F(reply, TEXT)
#define F(name, kind) AT_##name,
enum { AUTH_SHOWN(F) AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field fields[] = {AUTH_SHOWN(F)};
#undef F

/* What the exchange came to. */
struct result {
	enum relay_test_end end;
	struct sentence said;
	bool asked; /* the host has spoken about the credential */
};

static void end(struct result *r, enum relay_test_end how, const char *fmt, ...)
    PRINTF(3, 4);

static void
end(struct result *r, enum relay_test_end how, const char *fmt, ...)
{
	char text[SENTENCE_MOST];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->end = how;
	sentence_add(&r->said, "%s", text);
}

/* One of our lines and the reply to it; the line may be a secret and is wiped. */
static bool
say(const struct relay_test *t, struct relay_test_wire *w, struct bytes *line)
{
	bool ok;

	bytes_add(line, "", 1);
	ok = relay_test_wire_say(w, (const char *)line->data,
				 "the reply to AUTH",
				 t->relay->command_timeout_us);
	secret_wipe(line->data, line->room);
	line->n = 0;
	return ok;
}

/* After the last word of the host. */
static void
judge(const struct relay_test_wire *w, struct sasl *s, struct result *r)
{
	const char *told = sasl_error(s);
	char why[160];

	r->asked = true;
	if (w->reply.code == 235 && sasl_proved(s, why))
		end(r, TEST_GOES, "%s", w->reply.text);
	else if (w->reply.code == 235)
		end(r, TEST_OVER, "the host did not prove itself: %s", why);
	else
		end(r, w->reply.code / 100 == 4 ? TEST_NEXT : TEST_OVER,
		    "%s%s%s", w->reply.text, *told != '\0' ? "; " : "", told);
}

static void
exchange(const struct relay_test *t, struct relay_test_wire *w, struct sasl *s,
	 enum mechanism m, struct bytes *line, struct result *r)
{
	struct bytes out = {0};
	char why[160];

	if (!sasl_first(s, &out, why)) {
		end(r, TEST_OVER, "%s", why);
		goto out;
	}
	bytes_printf(line, "AUTH %s%s", mechanism_name(m),
		     out.n > 0 ? " " : "");
	for (int i = 0; i <= SASL_STEPS_MOST; i++) {
		if (out.n > 0)
			bytes_add(line, out.data, out.n);
		if (!say(t, w, line)) {
			end(r, TEST_NEXT, "%s", w->why);
			goto out;
		}
		if (w->reply.code != 334) {
			judge(w, s, r);
			goto out;
		}
		secret_wipe(out.data, out.room);
		out.n = 0;
		if (!sasl_next(s, w->reply.line, w->reply.nline, &out, why)) {
			bytes_add_text(line, "*"); /* RFC 4954 4: we give up */
			(void)say(t, w, line);
			end(r, TEST_OVER, "%s", why);
			goto out;
		}
	}
	end(r, TEST_OVER, "the host asks on and on");
out:
	secret_wipe(out.data, out.room);
	bytes_free(&out);
}

static struct sasl_account
account_of(const struct relay_test *t, const struct relay_test_wire *w,
	   const struct target *g)
{
	struct sasl_account a = {
	    .user = t->auth.user,
	    .password = secret_find(t->secrets, t->relay->title,
				    t->second ? "password2" : "password"),
	    .token = secret_find(t->secrets, t->relay->title, "token"),
	    .host = g->host,
	    .port = (uint16_t)t->relay->port,
	    .certificate = tls_setup_has_certificate(t->setup)};

	if (w->tls != NULL)
		a.nbinding = tls_binding(w->tls, a.binding, sizeof a.binding);
	return a;
}

/* The mechanism of the relay's order, then the exchange. */
static void
authenticate(const struct relay_test *t, struct relay_test_wire *w,
	     const struct target *g, const struct relay_test_offer *offer,
	     enum mechanism *m, bool *chosen, struct result *r)
{
	const struct sasl_account a = account_of(t, w, g);
	struct bytes line = {0};
	struct sasl *s;
	char why[160];

	*chosen = sasl_choose(&t->auth, &offer->sasl, &a, m, why);
	if (!*chosen) {
		end(r, TEST_OVER, "%s", why);
		return;
	}
	/* A buffer that grows would leave copies behind. */
	bytes_reserve(&line, SASL_LINE_MOST + 64);
	s = sasl_open(*m, &a);
	if (s == NULL) {
		end(r, TEST_OVER, "libgsasl refuses %s", mechanism_name(*m));
	} else {
		exchange(t, w, s, *m, &line, r);
		sasl_close(s);
	}
	secret_wipe(line.data, line.room);
	bytes_free(&line);
}

static size_t
offered(const struct relay_test_offer *o, struct text *word)
{
	size_t n = 0;

	for (int i = 0; i < MECHANISM_COUNT; i++)
		if (o->sasl.has[i])
			word[n++] = text_of(mechanism_name((enum mechanism)i));
	return n;
}

/* Why no credential is used; NULL: it is. */
static const char *
unused(const struct relay_test *t)
{
	if (!t->has_auth)
		return "no credential is configured";
	if (!t->auth.enabled)
		return "the credential is stored, not used (enabled = no)";
	if (t->auth_refused)
		return "the credential was refused before; it is not tried "
		       "again";
	return NULL;
}

static void
show(const struct relay_test *t, const struct relay_test_wire *w,
     const struct relay_test_offer *offer, const struct result *r,
     const enum mechanism *m, struct relay_test_step *s)
{
	struct text word[MECHANISM_COUNT];
	struct show_value v[AT_COUNT] = {{0}};

	v[AT_offered] = show_words(word, offered(offer, word));
	if (m != NULL) {
		v[AT_mechanism] = show_word(mechanism_name(*m));
		v[AT_user] = show_word(t->auth.user);
		sentence_add(&s->said, "%s as %s: ", mechanism_name(*m),
			     t->auth.user[0] != '\0' ? t->auth.user
						     : "the certificate says");
	}
	if (r->asked) {
		v[AT_code] = show_count(w->reply.code);
		v[AT_reply] = show_word(w->reply.text);
	}
	sentence_add(&s->said, "%s", r->said.text);
	bytes_printf(&s->more, "offered:");
	for (size_t i = 0; i < v[AT_offered].nwords; i++)
		bytes_printf(&s->more, " %s", word[i].p);
	bytes_printf(&s->more, "%s\n",
		     v[AT_offered].nwords > 0 ? "" : " nothing that we know");
	s->field = fields;
	s->value = v;
	s->n = AT_COUNT;
	relay_test_step(t->json, s);
}

enum relay_test_end
relay_test_auth(struct relay_test *t, struct relay_test_wire *w,
		const struct target *g, const struct relay_test_offer *offer,
		char how[128])
{
	struct relay_test_step s = {.name = "auth", .how = STEP_NOTE, .us = -1};
	struct result r = {.end = TEST_GOES};
	const int64_t began_us = now_steady_us();
	const char *not = unused(t);
	bool chosen = false;
	enum mechanism m = MECHANISM_PLAIN;

	how[0] = '\0';
	if (not != NULL) {
		sentence_add(&r.said, "%s", not );
		show(t, w, offer, &r, NULL, &s);
		if (!t->auth_refused)
			return TEST_GOES;
		snprintf(t->why, sizeof t->why, "AUTH: %s", not );
		return TEST_OVER;
	}
	authenticate(t, w, g, offer, &m, &chosen, &r);
	s.us = now_steady_us() - began_us;
	s.how = r.end == TEST_GOES ? STEP_OK : STEP_NOT;
	show(t, w, offer, &r, chosen ? &m : NULL, &s);
	if (r.end == TEST_GOES) {
		snprintf(how, 128, "AUTH %s as %.80s", mechanism_name(m),
			 t->auth.user);
	} else {
		t->auth_refused = t->auth_refused || r.asked;
		snprintf(t->why, sizeof t->why, "AUTH: %.900s%s", r.said.text,
			 r.asked && !t->second && t->auth.password[1] != NULL
			     ? " (workers then try the second password; "
			       "--second tests it)"
			     : "");
	}
	return r.end;
}
