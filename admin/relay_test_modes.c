#include "admin/relay_test_modes.h"

#include <stdio.h>
#include <string.h>

const char *
relay_test_tls_word(enum tls_kind k)
{
#define W(id, word) [TLS_##id] = word,
	static const char *const words[TLS_COUNT] = {TLS_WORDS(W)};
#undef W

	return words[k];
}

const char *
relay_test_dane_word(enum dane_kind k)
{
#define W(id, word) [DANE_##id] = word,
	static const char *const words[DANE_COUNT] = {DANE_WORDS(W)};
#undef W

	return words[k];
}

static struct relay_test_mode
refused(enum status s, const char *detail)
{
	struct verdict v = verdict_of(s, STAGE_TLS, detail);
	struct relay_test_mode m = {.pass = false};

	snprintf(m.why, sizeof m.why, "%s %.180s", v.status, v.reply);
	return m;
}

/* Without TLS, which the mode allows. */
static struct relay_test_mode
in_clear(const char *why)
{
	struct relay_test_mode m = {.pass = true};

	snprintf(m.why, sizeof m.why, "without TLS: %s", why);
	return m;
}

static struct relay_test_mode
unverified(const struct certificate_verdict *v)
{
	char detail[MODES_WHY];

	snprintf(detail, sizeof detail, "%s%s%s", certificate_text(v->finding),
		 v->detail[0] != '\0' ? ": " : "", v->detail);
	return refused(STATUS_UNVERIFIED, detail);
}

static struct relay_test_mode
checked(const struct policy *p, const struct relay_test_seen *seen)
{
	struct relay_test_mode m = {.pass = true, .tls = true};

	switch (p->check) {
	case CHECK_NOTHING:
		snprintf(m.why, sizeof m.why,
			 "TLS, the certificate is not checked");
		return m;
	case CHECK_NAME:
		if (seen->by_name.finding != CERTIFICATE_GOOD)
			return unverified(&seen->by_name);
		snprintf(m.why, sizeof m.why,
			 "TLS, a known CA signed it for this name");
		break;
	case CHECK_DANE:
		if (seen->by_dane.finding != CERTIFICATE_GOOD)
			return unverified(&seen->by_dane);
		snprintf(m.why, sizeof m.why, "TLS, a TLSA record matches");
		break;
	}
	m.verified = true;
	return m;
}

static struct relay_test_mode
by_policy(const struct policy *p, const struct relay_test_seen *seen)
{
	/* What was asked of the port decides what can be said of the other
	 * way: one that begins with TLS never greets in clear. */
	if (seen->implicit && !p->implicit)
		return refused(STATUS_TIMEOUT,
			       "the port begins with TLS, this setting waits "
			       "for a greeting");
	if (!seen->implicit && p->implicit)
		return refused(STATUS_TLS_FAILED,
			       "the port greets in clear, this setting begins "
			       "with TLS");
	if (!p->tls)
		return in_clear("it is off");
	if (!seen->offered)
		return p->must ? refused(STATUS_NO_TLS, NULL)
			       : in_clear("the host offers none");
	if (!seen->shaken && p->may_clear)
		return in_clear("the handshake fails; mail that was put off "
				"for that goes in clear");
	if (!seen->shaken)
		return refused(STATUS_TLS_FAILED, seen->shaken_why);
	return checked(p, seen);
}

struct relay_test_mode
relay_test_mode(const struct relay_settings *r,
		const struct relay_test_seen *seen)
{
	struct relay_test_mode m;
	struct policy p;
	enum status s = policy_for(r, seen->tlsa, &p);

	if (s != STATUS_COUNT)
		return refused(s,
			       s == STATUS_TLSA_FAILED ? seen->tlsa_why : NULL);
	m = by_policy(&p, seen);
	if (m.pass && seen->auth && !policy_may_auth(&p, m.tls, m.verified))
		return refused(STATUS_NO_MECHANISM,
			       "a credential is used only where TLS is "
			       "verified");
	return m;
}

void
relay_test_modes(const struct relay_settings *r,
		 const struct relay_test_seen *seen,
		 struct relay_test_modes *out)
{
	struct relay_settings other = *r;

	for (int t = 0; t < TLS_COUNT; t++)
		for (int d = 0; d < DANE_COUNT; d++) {
			other.tls = (enum tls_kind)t;
			other.dane = (enum dane_kind)d;
			out->at[t][d] = relay_test_mode(&other, seen);
		}
}

bool
relay_test_modes_alike(const struct relay_test_modes *m, enum dane_kind dane)
{
	const struct relay_test_mode *first = &m->at[0][dane];

	for (int t = 1; t < TLS_COUNT; t++)
		if (m->at[t][dane].pass != first->pass ||
		    strcmp(m->at[t][dane].why, first->why) != 0)
			return false;
	return true;
}
