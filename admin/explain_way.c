#include "admin/explain_way.h"

#include <stdio.h>
#include <string.h>

#include "admin/relay_test_dns.h"
#include "admin/relay_test_modes.h"
#include "daemon/settings_auth.h"
#include "delivery/policy.h"

static void
add_tls(const struct relay_settings *r, struct sentence *out)
{
	const char *name = r->tls_name;

	switch (r->tls) {
	case TLS_OFF:
		sentence_add(out, "without TLS");
		return;
	case TLS_PREFERRED:
	case TLS_REQUIRED:
		sentence_add(out, "TLS %s", relay_test_tls_word(r->tls));
		return;
	case TLS_PREFERRED_VERIFY:
	case TLS_REQUIRED_VERIFY:
	case TLS_COUNT:
		break;
	}
	sentence_add(out, "TLS %s, for %s", relay_test_tls_word(r->tls),
		     name[0] != '\0'            ? name
		     : r->deliver == DELIVER_MX ? "the mail exchanger"
						: r->host);
	if (name[0] == '\0' && r->deliver == DELIVER_SMTP &&
	    r->lookup != LOOKUP_HOST)
		sentence_add(out, " or its mail exchanger");
}

static void
add_dane(const struct relay_settings *r, struct sentence *out)
{
	switch (r->dane) {
	case DANE_NO:
		sentence_add(out, "; no DANE");
		return;
	case DANE_YES:
		if (r->tls != TLS_OFF)
			sentence_add(out, "; DANE where DNSSEC proves TLSA "
					  "records");
		return;
	case DANE_REQUIRE:
		sentence_add(out, "; no mail without DANE");
		return;
	case DANE_COUNT:
		break;
	}
}

void
explain_way(const struct relay_settings *r, struct sentence *out)
{
	struct auth_settings a;

	if (r->deliver == DELIVER_MAILDIR) {
		sentence_add(out, "into the Maildir %s", r->dir);
		return;
	}
	add_tls(r, out);
	add_dane(r, out);
	if (!auth_of(r, &a))
		return;
	if (!a.enabled)
		sentence_add(out, "; credential stored, not used");
	else if (a.user[0] != '\0')
		sentence_add(out, "; AUTH as %s", a.user);
	else
		sentence_add(out, "; AUTH by our certificate");
}

bool
explain_way_policy(const struct relay_settings *r, enum tlsa_state tlsa,
		   struct sentence *out)
{
	struct policy p;
	enum status s = policy_for(r, tlsa, &p);

	if (s != STATUS_COUNT) {
		struct verdict v = verdict_of(s, STAGE_LOOKUP, NULL);

		sentence_add(out, "it is not used: %s %s", v.status, v.reply);
		return false;
	}
	if (!p.tls) {
		sentence_add(out, "without TLS");
		return true;
	}
	sentence_add(out, p.must ? "TLS is a must" : "TLS if it is offered");
	switch (p.check) {
	case CHECK_NOTHING:
		sentence_add(out, ", any certificate will do");
		break;
	case CHECK_NAME:
		sentence_add(out, ", a known CA must have signed for the name");
		break;
	case CHECK_DANE:
		sentence_add(out, ", a TLSA record must match");
		break;
	}
	return true;
}

static void
take_host(const struct relay_settings *r, const struct target *g,
	  struct explain_way_host *out)
{
	snprintf(out->name, sizeof out->name, "%s [%s]", g->host, g->text);
	out->secure = g->secure;
	out->policy.n = 0;
	out->tlsa_why[0] = '\0';
	out->tlsa = TLSA_NONE;
	if (g->tlsa != NULL) {
		out->tlsa = g->tlsa->state;
		memcpy(out->tlsa_why, g->tlsa->why, sizeof out->tlsa_why);
	}
	out->used = explain_way_policy(r, out->tlsa, &out->policy);
}

void
explain_way_look(const struct settings *s, const struct relay_settings *r,
		 struct text recipient, struct explain_way_found *out)
{
	char address[400], domain[256] = "";
	struct relay_test_dns d;

	memset(out, 0, sizeof *out);
	text_copy(recipient, address, sizeof address);
	if (r->deliver == DELIVER_MAILDIR) {
		sentence_add(&out->trouble, "a Maildir needs no lookup");
		return;
	}
	if (r->deliver == DELIVER_MX &&
	    !relay_test_dns_domain(address, domain)) {
		sentence_add(&out->trouble, "the recipient is no address");
		return;
	}
	relay_test_dns_open(&d, s);
	relay_test_dns_ask(&d, s, r, domain, r->strict_cname);
	if (d.l.n == 0) {
		struct verdict v =
		    verdict_of(d.l.status, STAGE_LOOKUP, d.l.detail);

		sentence_add(&out->trouble, "%s %s", v.status, v.reply);
	}
	for (size_t i = 0; i < d.l.n && i < WAY_HOSTS_MOST; i++)
		take_host(r, &d.l.target[i], &out->host[out->n++]);
	out->left_out = d.l.n - out->n;
	relay_test_dns_close(&d);
}
