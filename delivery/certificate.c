#include "delivery/certificate.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "delivery/identity.h"

static_assert((int)CHAIN_MOST <= (int)X509_CHAIN_MOST, "a chain fits");

const char *
certificate_text(enum certificate_finding f)
{
	static const char *const text[] = {
#define F(id, words) words,
	    CERTIFICATE_FINDINGS(F)
#undef F
	};

	must(f < CERTIFICATE_FINDING_COUNT);
	return text[f];
}

struct trust *
trust_open(const char *ca_file, struct err *e)
{
	return x509_trust_open(ca_file, e);
}

void
trust_free(struct trust *t)
{
	x509_trust_free(t);
}

/* A chain that could be read. */
struct certs {
	struct x509 *at[CHAIN_MOST];
	size_t n;
};

static void
unload(struct certs *s)
{
	for (size_t i = 0; i < s->n; i++)
		x509_free(s->at[i]);
	s->n = 0;
}

static bool
load(const struct chain *c, struct certs *s)
{
	must(c->n <= CHAIN_MOST);
	s->n = 0;
	for (size_t i = 0; i < c->n; i++) {
		s->at[s->n] = x509_load(c->at[i].der, c->at[i].n);
		if (s->at[s->n] == NULL) {
			unload(s);
			return false;
		}
		s->n++;
	}
	return true;
}

static bool
has_any_name(const struct x509 *x, const struct certificate_names *names)
{
	must(names->n <= CERTIFICATE_NAMES_MOST);
	for (size_t i = 0; i < names->n; i++)
		if (identity_is(x, names->name[i], names->allow_cn))
			return true;
	return false;
}

/* --- words ------------------------------------------------------------------ */

static struct certificate_verdict
verdict(enum certificate_finding f, const char *detail)
{
	struct certificate_verdict v = {.finding = f};

	log_safe(detail, strlen(detail), v.detail, sizeof v.detail);
	return v;
}

static void
day_words(int64_t s, char out[32])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, 32, "%F", &tm) == 0)
		snprintf(out, 32, "a day without a name");
}

/* The first certificate whose dates are wrong. */
static void
dates_words(const struct certs *s, int64_t now_s, char *out, size_t size)
{
	char subject[90], day[32];
	int64_t from, until;

	*out = '\0';
	for (size_t i = 0; i < s->n; i++) {
		x509_dates(s->at[i], &from, &until);
		if (now_s >= from && now_s <= until)
			continue;
		day_words(now_s < from ? from : until, day);
		x509_subject(s->at[i], subject, sizeof subject);
		snprintf(out, size, "%s: valid %s %s", subject,
			 now_s < from ? "from" : "until", day);
		return;
	}
}

/* The first that is weak; a CA of the list may be it, too. */
static void
weak_words(const struct certs *s, char *out, size_t size)
{
	char subject[90], words[80];

	snprintf(out, size, "the CA");
	for (size_t i = 0; i < s->n; i++)
		if (x509_weak(s->at[i], words, sizeof words)) {
			x509_subject(s->at[i], subject, sizeof subject);
			snprintf(out, size, "%s: %s", subject, words);
			return;
		}
}

/* The record that would fit, for who has to publish it. */
static void
key_words(const struct x509 *own, char *out, size_t size)
{
	struct tlsa t = {.usage = 3, .selector = 1, .matching = 1, .n = 32};
	unsigned char hash[32];
	char words[100];

	if (!x509_key_digest(own, hash))
		return;
	t.data = hash;
	tlsa_print(&t, words, sizeof words);
	snprintf(out, size, "its key is %s", words);
}

/* What the finding is about, in the words of the certificates. */
static struct certificate_verdict
explain(enum certificate_finding f, const struct certs *s, const char *wanted,
	int64_t now_s)
{
	char words[100], who[80], detail[256] = "";

	switch (f) {
	case CERTIFICATE_GOOD:
		identity_print(s->at[0], detail, sizeof detail);
		break;
	case CERTIFICATE_WRONG_NAME:
		identity_print(s->at[0], words, sizeof words);
		snprintf(detail, sizeof detail, "%s is not %s",
			 *words != '\0' ? words : "a certificate without names",
			 wanted);
		break;
	case CERTIFICATE_EXPIRED:
	case CERTIFICATE_NOT_YET:
		dates_words(s, now_s, detail, sizeof detail);
		break;
	case CERTIFICATE_WEAK:
		weak_words(s, detail, sizeof detail);
		break;
	case CERTIFICATE_UNKNOWN_CA:
	case CERTIFICATE_SELF_SIGNED:
	case CERTIFICATE_INVALID:
	case CERTIFICATE_WRONG_USE:
		identity_print(s->at[0], words, sizeof words);
		x509_issuer(s->at[s->n - 1], who, sizeof who);
		snprintf(detail, sizeof detail, "%s, issued by %s", words, who);
		break;
	case CERTIFICATE_NO_MATCH:
		key_words(s->at[0], detail, sizeof detail);
		break;
	case CERTIFICATE_NONE:
	case CERTIFICATE_MALFORMED:
	case CERTIFICATE_FINDING_COUNT:
		break;
	}
	return verdict(f, detail);
}

/* --- PKIX ------------------------------------------------------------------- */

static enum certificate_finding
finding_of(enum x509_fault fault, const struct certs *s)
{
	switch (fault) {
	case X509_HOLDS:
		return CERTIFICATE_GOOD;
	case X509_UNKNOWN_CA:
		return x509_self_issued(s->at[0]) ? CERTIFICATE_SELF_SIGNED
						  : CERTIFICATE_UNKNOWN_CA;
	case X509_EXPIRED:
		return CERTIFICATE_EXPIRED;
	case X509_NOT_YET:
		return CERTIFICATE_NOT_YET;
	case X509_WEAK:
		return CERTIFICATE_WEAK;
	case X509_WRONG_USE:
		return CERTIFICATE_WRONG_USE;
	case X509_FORGED:
	case X509_BROKEN:
		break;
	}
	return CERTIFICATE_INVALID;
}

struct certificate_verdict
certificate_check(const struct trust *t, const struct chain *c,
		  const struct certificate_names *names, int64_t now_s)
{
	struct certificate_verdict v;
	enum certificate_finding f;
	struct certs s;

	if (c->n == 0)
		return verdict(CERTIFICATE_NONE, "");
	if (!load(c, &s))
		return verdict(CERTIFICATE_MALFORMED, "");
	f = finding_of(x509_verify(t, s.at, s.n, now_s, X509_FOR_SERVER), &s);
	if (f == CERTIFICATE_GOOD && !has_any_name(s.at[0], names))
		f = CERTIFICATE_WRONG_NAME;
	v = explain(f, &s, names->n > 0 ? names->name[0] : "", now_s);
	unload(&s);
	return v;
}

/* --- DANE ------------------------------------------------------------------- */

struct host { /* what DANE-TA asks of the certificate below the anchor */
	const char *base;
	const struct certificate_names *names;
	int64_t now_s;
};

/* `anchor` is the only one: the host's own certificate must lead to it. */
static enum certificate_finding
below(const struct x509 *anchor, const struct certs *s, const struct host *h)
{
	struct trust *t = x509_trust_one(anchor);
	enum x509_fault fault =
	    x509_verify(t, s->at, s->n, h->now_s, X509_FOR_SERVER);
	struct certificate_names names = *h->names;

	x509_trust_free(t);
	/* The anchor is known, but not what stands above our host. */
	if (fault == X509_UNKNOWN_CA)
		return CERTIFICATE_INVALID;
	if (fault != X509_HOLDS)
		return finding_of(fault, s);
	/* The common name counts when there is no other (RFC 7672 3.2.3). */
	names.allow_cn = true;
	if (*h->base != '\0' && identity_is(s->at[0], h->base, true))
		return CERTIFICATE_GOOD;
	return has_any_name(s->at[0], &names) ? CERTIFICATE_GOOD
					      : CERTIFICATE_WRONG_NAME;
}

static bool
is_record(const struct x509 *x, const struct tlsa *t)
{
	return x509_is(x, t->selector, t->matching, t->data, t->n);
}

/* The certificate and the match are tied: each certificate that the record
 * names is tried as the anchor, one at a time. */
static enum certificate_finding
through(const struct tlsa *t, const struct certs *s, const struct host *h)
{
	enum certificate_finding f = CERTIFICATE_NO_MATCH;
	struct x509 *anchor;

	for (size_t i = 1; i < s->n; i++) {
		if (!is_record(s->at[i], t))
			continue;
		f = below(s->at[i], s, h);
		if (f == CERTIFICATE_GOOD)
			return f;
	}
	if (f != CERTIFICATE_NO_MATCH || t->selector != 0 || t->matching != 0)
		return f;
	/* "2 0 0" is the anchor itself: the host need not send it (RFC 7671
	 * 5.2.2).  When nothing leads there, it is about another chain. */
	anchor = x509_load(t->data, t->n);
	if (anchor == NULL)
		return f;
	f = below(anchor, s, h);
	x509_free(anchor);
	return f == CERTIFICATE_INVALID ? CERTIFICATE_NO_MATCH : f;
}

/* DANE-EE asks for the record alone, so it looks at nothing but the first
 * certificate and needs none of the others. */
static const struct tlsa *
own_record(const struct tlsa_set *set, const struct x509 *own)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->rr[i].usage == 3 && is_record(own, &set->rr[i]))
			return &set->rr[i];
	return NULL;
}

static struct certificate_verdict
good(const struct tlsa *t)
{
	char words[200];

	tlsa_print(t, words, sizeof words);
	return verdict(CERTIFICATE_GOOD, words);
}

/* DANE-TA: the first record that holds, else the first that came closer than
 * "no match". */
static struct certificate_verdict
anchored(const struct tlsa_set *set, const struct certs *s,
	 const struct host *h)
{
	enum certificate_finding f = CERTIFICATE_NO_MATCH;
	const char *wanted = *h->base != '\0'  ? h->base
			     : h->names->n > 0 ? h->names->name[0]
					       : "";

	for (size_t i = 0; i < set->n; i++) {
		enum certificate_finding one;

		if (set->rr[i].usage != 2)
			continue;
		one = through(&set->rr[i], s, h);
		if (one == CERTIFICATE_GOOD)
			return good(&set->rr[i]);
		if (f == CERTIFICATE_NO_MATCH)
			f = one;
	}
	return explain(f, s, wanted, h->now_s);
}

struct certificate_verdict
certificate_dane(const struct tlsa_set *set, const struct chain *c,
		 const struct certificate_names *names, int64_t now_s)
{
	const struct host h = {set->base, names, now_s};
	struct certificate_verdict v;
	const struct tlsa *t;
	struct x509 *own;
	struct certs s;

	must(set->n <= TLSA_MOST);
	if (c->n == 0)
		return verdict(CERTIFICATE_NONE, "");
	own = x509_load(c->at[0].der, c->at[0].n);
	if (own == NULL)
		return verdict(CERTIFICATE_MALFORMED, "");
	t = own_record(set, own);
	x509_free(own);
	if (t != NULL)
		return good(t);
	if (!load(c, &s))
		return verdict(CERTIFICATE_MALFORMED, "");
	v = anchored(set, &s, &h);
	unload(&s);
	return v;
}

bool
certificate_look(const unsigned char *der, size_t n,
		 struct certificate_look *out)
{
	struct x509 *x = x509_load(der, n);
	struct certificate_look look = {0};

	if (x == NULL)
		return false;
	x509_subject(x, look.subject, sizeof look.subject);
	x509_issuer(x, look.issuer, sizeof look.issuer);
	identity_print(x, look.names, sizeof look.names);
	x509_key(x, look.key, sizeof look.key);
	x509_dates(x, &look.from_s, &look.until_s);
	/* A key we don't know has no digest: zeros. */
	if (!x509_key_digest(x, look.sha256))
		memset(look.sha256, 0, sizeof look.sha256);
	x509_free(x);
	*out = look;
	return true;
}
