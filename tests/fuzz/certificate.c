/* Any octets as a chain and as the data of a TLSA record.  Oracles: what is
 * kept for people is clean; a chain that nobody we know signed is never good;
 * DANE-EE holds for the certificate it was made from, and for no other. */
#include <string.h>

#include "delivery/certificate.h"
#include "daemon/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
clean(const char *text, size_t size)
{
	must(memchr(text, '\0', size) != NULL);
	for (const char *c = text; *c != '\0'; c++)
		must((unsigned char)*c >= ' ' && *c != 0x7f);
}

/* Cuts at ASN.1 lengths, as a peer does that sends whole certificates. */
static size_t
first(const uint8_t *p, size_t n)
{
	if (n >= 4 && p[0] == 0x30 && p[1] == 0x82)
		return min_of((size_t)4 + ((size_t)p[2] << 8 | p[3]), n);
	return n;
}

static void
as_record(const struct chain *c, const struct certificate_names *names)
{
	static struct tlsa_set s;
	unsigned char hash[DIGEST_MOST];
	bool read;

	/* an anchor of any octets: never good, unless it is the chain's own */
	memset(&s, 0, sizeof s);
	s.rr[0] = (struct tlsa){2, 0, 0, 0, c->at[c->n - 1].der};
	s.rr[0].n = (uint16_t)min_of(c->at[c->n - 1].n, TLSA_DATA_MOST);
	s.n = 1;
	s.state = TLSA_USABLE;
	clean(certificate_dane(&s, c, names, 1780272000).detail,
	      sizeof((struct certificate_verdict *)0)->detail);

	s.rr[0] = (struct tlsa){3, 0, 1, 32, hash};
	digest_of(DIGEST_SHA256, c->at[0].der, c->at[0].n, hash);
	read = certificate_dane(&s, c, names, 1780272000).finding !=
	       CERTIFICATE_MALFORMED;
	must(!read ||
	     certificate_dane(&s, c, names, 0).finding == CERTIFICATE_GOOD);
	hash[0] ^= 1;
	must(certificate_dane(&s, c, names, 0).finding != CERTIFICATE_GOOD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct trust *trust;
	struct certificate_names names = {
	    {"mx.mtq.example", "127.0.0.1"}, .n = 2, .allow_cn = true};
	struct certificate_verdict v;
	struct certificate_look look;
	struct chain c = {.n = 0};
	struct err e;

	if (trust == NULL)
		trust = trust_open("", &e);
	must(trust != NULL); /* the system's CAs (ca-certificates) */
	for (size_t at = 0; at < n && c.n < CHAIN_MOST; c.n++) {
		c.at[c.n].der = p + at;
		c.at[c.n].n = first(p + at, n - at);
		at += c.at[c.n].n;
	}
	v = certificate_check(trust, &c, &names, 1780272000);
	must(v.finding != CERTIFICATE_GOOD);
	clean(v.detail, sizeof v.detail);
	if (c.n == 0)
		return 0;
	if (certificate_look(c.at[0].der, c.at[0].n, &look)) {
		clean(look.subject, sizeof look.subject);
		clean(look.issuer, sizeof look.issuer);
		clean(look.names, sizeof look.names);
		clean(look.key, sizeof look.key);
	}
	as_record(&c, &names);
	return 0;
}
