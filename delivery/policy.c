#include "delivery/policy.h"

const char *
policy_check_word(enum policy_check c)
{
	switch (c) {
	case CHECK_NOTHING:
		return "no";
	case CHECK_NAME:
		return "name";
	case CHECK_DANE:
		return "dane";
	}
	return "";
}

static bool
verifies(enum tls_kind mode)
{
	return mode == TLS_PREFERRED_VERIFY || mode == TLS_REQUIRED_VERIFY;
}

static bool
uses_auth(const struct relay_settings *r)
{
	return r->auth.n > 0;
}

static void
by_mode(const struct relay_settings *r, struct policy *p)
{
	p->tls = r->tls != TLS_OFF;
	p->must = r->tls == TLS_REQUIRED || r->tls == TLS_REQUIRED_VERIFY;
	p->check = verifies(r->tls) ? CHECK_NAME : CHECK_NOTHING;
	/* Where TLS may be missing, a broken one is no better protection than
	 * none; but a credential or a promise never goes that way. */
	p->may_clear = r->tls == TLS_PREFERRED && !uses_auth(r);
}

enum status
policy_for(const struct relay_settings *r, enum tlsa_state tlsa,
	   struct policy *out)
{
	struct policy p = {.insecure_auth = r->insecure_auth};

	by_mode(r, &p);
	p.implicit = p.tls && (r->tls_start == TLS_START_IMPLICIT ||
			       (r->tls_start == TLS_START_AUTO &&
				r->port == 465 && r->deliver == DELIVER_SMTP));
	if (p.implicit) {
		p.must = true; /* there is no clear text to fall back to */
		p.may_clear = false;
	}
	if (r->dane == DANE_NO || !p.tls)
		tlsa = TLSA_NONE;
	switch (tlsa) {
	case TLSA_FAILED: /* never "no record" (RFC 7672 2.1.3) */
		return STATUS_TLSA_FAILED;
	case TLSA_USABLE:
		p.must = true;
		p.may_clear = false;
		p.check = CHECK_DANE;
		break;
	case TLSA_UNUSABLE: /* RFC 7672 2.2: TLS, but nothing to check */
		p.must = true;
		p.may_clear = false;
		if (r->dane == DANE_REQUIRE)
			return STATUS_NO_TLSA;
		break;
	case TLSA_NONE:
		if (r->dane == DANE_REQUIRE)
			return STATUS_NO_TLSA;
		break;
	}
	*out = p;
	return STATUS_COUNT;
}

bool
policy_may_auth(const struct policy *p, bool tls, bool verified)
{
	return p->insecure_auth ||
	       (tls && verified && p->check != CHECK_NOTHING);
}
