#include "admin/relay_test_tls.h"

#include <stdio.h>
#include <string.h>

#include "admin/moment.h"
#include "admin/relay_test_step.h"
#include "daemon/now.h"
#include "delivery/reference.h"

/* A certificate that ends sooner is warned of. */
static const int64_t SOON_US = 14 * DAY_US;

/*	name, kind */
#define CERTIFICATE_SHOWN(F)                                                   \
	F(subject, TEXT)                                                       \
	F(issuer, TEXT)                                                        \
	F(names, TEXT)                                                         \
	F(key, TEXT)                                                           \
	F(from, TIME)                                                          \
	F(until, TIME)                                                         \
	F(spki_sha256, TEXT)
#define TLS_SHOWN(F)                                                           \
	F(version, TEXT)                                                       \
	F(cipher, TEXT)                                                        \
	F(resumed, FLAG)                                                       \
	F(by_name, TEXT)                                                       \
	F(by_dane, TEXT)                                                       \
	F(chain, ROWS)
#define MODE_SHOWN(F)                                                          \
	F(tls, TEXT)                                                           \
	F(dane, TEXT)                                                          \
	F(pass, FLAG)                                                          \
	F(encrypted, FLAG)                                                     \
	F(verified, FLAG)                                                      \
	F(why, TEXT)                                                           \
	F(set, FLAG)
#define F(name, kind) CERTIFICATE_AT_##name,
enum { CERTIFICATE_SHOWN(F) CERTIFICATE_AT_COUNT };
#undef F
#define F(name, kind) TLS_AT_##name,
enum { TLS_SHOWN(F) TLS_AT_COUNT };
#undef F
#define F(name, kind) MODE_AT_##name,
enum { MODE_SHOWN(F) MODE_AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field certificate_fields[] = {CERTIFICATE_SHOWN(F)};
static const struct show_field tls_fields[] = {TLS_SHOWN(F)};
static const struct show_field mode_fields[] = {MODE_SHOWN(F)};
#undef F

/* --- the chain ------------------------------------------------------------ */

struct seen_certificate {
	struct certificate_look look;
	char sha256[65];
	bool readable;
};

static void
look_at(const struct chain *c, struct seen_certificate *out)
{
	for (size_t i = 0; i < c->n; i++) {
		out[i].readable =
		    certificate_look(c->at[i].der, c->at[i].n, &out[i].look);
		for (size_t k = 0; out[i].readable && k < 32; k++)
			snprintf(out[i].sha256 + 2 * k, 3, "%02x",
				 out[i].look.sha256[k]);
	}
}

static void
tell_certificate(const struct relay_test *t, const struct seen_certificate *x,
		 size_t i, struct bytes *more)
{
	const struct certificate_look *l = &x->look;
	const int64_t until_us = l->until_s * SECOND_US;
	char from[MOMENT_TEXT], until[MOMENT_TEXT];

	if (!x->readable) {
		bytes_printf(more, "%zu. a certificate that can't be read\n",
			     i + 1);
		return;
	}
	bytes_printf(more, "%zu. %s\n", i + 1, l->subject);
	bytes_printf(more, "   issued by %s\n", l->issuer);
	if (l->names[0] != '\0')
		bytes_printf(more, "   for %s\n", l->names);
	bytes_printf(more, "   %s; from %s until %s\n", l->key,
		     moment_text(l->from_s * SECOND_US, from),
		     moment_text(until_us, until));
	bytes_printf(more, "   public key, SHA-256: %s\n", x->sha256);
	if (until_us > t->now_us && until_us - t->now_us < SOON_US)
		bytes_printf(more, "   it ends within 14 days\n");
}

static void
fill_certificate(const struct seen_certificate *x, struct show_value *v)
{
	if (!x->readable)
		return;
	v[CERTIFICATE_AT_subject] = show_word(x->look.subject);
	v[CERTIFICATE_AT_issuer] = show_word(x->look.issuer);
	v[CERTIFICATE_AT_names] = show_word(x->look.names);
	v[CERTIFICATE_AT_key] = show_word(x->look.key);
	v[CERTIFICATE_AT_from] = show_time(x->look.from_s * SECOND_US);
	v[CERTIFICATE_AT_until] = show_time(x->look.until_s * SECOND_US);
	v[CERTIFICATE_AT_spki_sha256] = show_word(x->sha256);
}

static void
add_verdict(struct sentence *s, const struct certificate_verdict *v)
{
	sentence_add(s, "%s%s%s", certificate_text(v->finding),
		     v->detail[0] != '\0' ? ": " : "", v->detail);
}

/* --- the handshake -------------------------------------------------------- */

static void
judge(const struct relay_test *t, const struct target *g, const char *domain,
      const struct chain *c, struct relay_test_seen *seen)
{
	const int64_t now_s = t->now_us / SECOND_US;
	struct certificate_names names;

	names = reference_names(t->relay, g, domain, CHECK_NAME);
	seen->by_name = certificate_check(t->trust, c, &names, now_s);
	if (seen->tlsa != TLSA_USABLE)
		return;
	names = reference_names(t->relay, g, domain, CHECK_DANE);
	seen->by_dane = certificate_dane(g->tlsa, c, &names, now_s);
}

static void
tell_tls(const struct relay_test *t, const struct relay_test_wire *w,
	 const struct chain *c, const struct relay_test_seen *seen,
	 struct relay_test_step *s)
{
	struct seen_certificate x[CHAIN_MOST] = {{.readable = false}};
	struct show_value row[CHAIN_MOST * CERTIFICATE_AT_COUNT] = {{0}};
	const struct show_rows rows = {certificate_fields, CERTIFICATE_AT_COUNT,
				       row, c->n};
	struct show_value v[TLS_AT_COUNT] = {{0}};
	struct sentence name = {.n = 0}, dane = {.n = 0};
	char cipher[64];

	tls_cipher(w->tls, cipher, sizeof cipher);
	look_at(c, x);
	add_verdict(&name, &seen->by_name);
	if (seen->tlsa == TLSA_USABLE)
		add_verdict(&dane, &seen->by_dane);
	for (size_t i = 0; i < c->n; i++) {
		tell_certificate(t, &x[i], i, &s->more);
		fill_certificate(&x[i], &row[i * CERTIFICATE_AT_COUNT]);
	}
	bytes_printf(&s->more, "by CA and name: %s\n", name.text);
	if (dane.n > 0)
		bytes_printf(&s->more, "by TLSA records: %s\n", dane.text);
	v[TLS_AT_version] = show_word(tls_version(w->tls));
	v[TLS_AT_cipher] = show_word(cipher);
	v[TLS_AT_resumed] = show_flag(tls_resumed(w->tls));
	v[TLS_AT_by_name] = show_word(name.text);
	v[TLS_AT_by_dane] = dane.n > 0 ? show_word(dane.text) : show_none();
	v[TLS_AT_chain] = show_rows(&rows);
	if (s->how == STEP_OK)
		sentence_add(&s->said, "%s, %s%s", tls_version(w->tls), cipher,
			     tls_resumed(w->tls) ? ", resumed" : "");
	s->field = tls_fields;
	s->value = v;
	s->n = TLS_AT_COUNT;
	relay_test_step(t->json, s);
}

bool
relay_test_tls(struct relay_test *t, struct relay_test_wire *w,
	       const struct target *g, const char *domain,
	       enum policy_check check, struct relay_test_seen *seen)
{
	const int64_t began_us = now_steady_us();
	struct relay_test_step s = {.name = "tls", .how = STEP_OK};
	struct tls_wish wish = {.check = check,
				.tlsa = g->tlsa,
				.key = g->text,
				.now_s = t->now_us / SECOND_US};
	struct chain c = {.n = 0};
	bool ok;

	wish.names = reference_names(t->relay, g, domain, check);
	/* Who we are is shown to a host that has proved itself, no other; where
	 * there is nothing to show, any host is looked at to the end. */
	wish.unchecked = !tls_setup_has_certificate(t->setup);
	ok = relay_test_wire_secure(w, t->setup, &wish,
				    t->relay->tls_timeout_us);
	s.us = now_steady_us() - began_us;
	if (w->tls != NULL)
		tls_chain(w->tls, &c);
	/* A handshake that ended because of the certificate came so far. */
	seen->shaken = ok || (w->tls != NULL && c.n > 0 &&
			      tls_finding(w->tls)->finding != CERTIFICATE_GOOD);
	seen->shaken_why = w->why;
	if (!ok) {
		s.how = STEP_NOT;
		sentence_add(&s.said, "%s", w->why);
	}
	if (seen->shaken) {
		judge(t, g, domain, &c, seen);
		tell_tls(t, w, &c, seen, &s);
	} else {
		relay_test_step(t->json, &s);
	}
	return ok;
}

/* --- the modes ------------------------------------------------------------ */

static void
tell_mode(const struct relay_test *t, const struct relay_test_modes *m,
	  enum tls_kind k, enum dane_kind d, struct bytes *more)
{
	const struct relay_test_mode *x = &m->at[k][d];
	const bool set = t->relay->tls == k && t->relay->dane == d;

	bytes_printf(more, "%s %-16s %s: %s\n", set ? "*" : " ",
		     relay_test_tls_word(k),
		     x->pass ? "would pass" : "WOULD NOT", x->why);
}

/* One setting of DANE: five lines, or one where they say the same. */
static void
tell_dane(const struct relay_test *t, const struct relay_test_modes *m,
	  enum dane_kind d, struct bytes *more)
{
	const char *word = relay_test_dane_word(d);

	if (relay_test_modes_alike(m, d)) {
		const struct relay_test_mode *x = &m->at[0][d];

		bytes_printf(more, "%s dane = %s, any mode %s: %s\n",
			     t->relay->dane == d ? "*" : " ", word,
			     x->pass ? "would pass" : "WOULD NOT", x->why);
		return;
	}
	bytes_printf(more, "dane = %s:\n", word);
	for (int k = 0; k < TLS_COUNT; k++)
		tell_mode(t, m, (enum tls_kind)k, d, more);
}

void
relay_test_tell_modes(const struct relay_test *t,
		      const struct relay_test_seen *seen)
{
	struct relay_test_step s = {.name = "modes", .us = -1};
	struct relay_test_modes m;
	struct show_value row[TLS_COUNT * DANE_COUNT * MODE_AT_COUNT] = {{0}};
	struct show_rows rows = {mode_fields, MODE_AT_COUNT, row,
				 (size_t)TLS_COUNT * DANE_COUNT};
	const struct show_field field = {"modes", NULL, SHOW_ROWS, false};
	const struct show_value value = show_rows(&rows);
	const struct relay_test_mode *now;

	relay_test_modes(t->relay, seen, &m);
	now = &m.at[t->relay->tls][t->relay->dane];
	s.how = now->pass ? STEP_OK : STEP_NOT;
	sentence_add(&s.said, "tls = %s, dane = %s: %s",
		     relay_test_tls_word(t->relay->tls),
		     relay_test_dane_word(t->relay->dane), now->why);
	for (int d = 0; d < DANE_COUNT; d++) {
		tell_dane(t, &m, (enum dane_kind)d, &s.more);
		for (int k = 0; k < TLS_COUNT; k++) {
			const struct relay_test_mode *x = &m.at[k][d];
			struct show_value *v =
			    &row[(d * TLS_COUNT + k) * MODE_AT_COUNT];

			v[MODE_AT_tls] =
			    show_word(relay_test_tls_word((enum tls_kind)k));
			v[MODE_AT_dane] =
			    show_word(relay_test_dane_word((enum dane_kind)d));
			v[MODE_AT_pass] = show_flag(x->pass);
			v[MODE_AT_encrypted] = show_flag(x->tls);
			v[MODE_AT_verified] = show_flag(x->verified);
			v[MODE_AT_why] = show_word(x->why);
			v[MODE_AT_set] = show_flag(x == now);
		}
	}
	s.field = &field;
	s.value = &value;
	s.n = 1;
	relay_test_step(t->json, &s);
}
