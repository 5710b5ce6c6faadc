/* A chain as it came against TLSA records: the table of what holds, with the
 * rows where libgnutls-dane lets a stranger in. */
#include "tests/delivery/certs.h"

#include "daemon/digest.h"

/* One record, "2 0 1 root": its data comes from root.der or root.spki, which
 * the maker of the certificates cut out of the DER itself. */
static void
record(const char *text, struct tlsa *out, unsigned char *data)
{
	unsigned usage, selector, matching;
	const unsigned char *p;
	char name[32], file[48];
	size_t n;

	assert_int_equal(sscanf(text, "%u %u %u %31[a-z0-9]", &usage, &selector,
				&matching, name),
			 4);
	snprintf(file, sizeof file, "%s.%s", name, selector ? "spki" : "der");
	p = certs_read(file, &n);
	*out = (struct tlsa){(uint8_t)usage, (uint8_t)selector,
			     (uint8_t)matching, (uint16_t)n, p};
	if (matching == 0)
		return;
	out->n = (uint16_t)digest_of(
	    matching == 1 ? DIGEST_SHA256 : DIGEST_SHA512, p, n, data);
	out->data = data;
}

/* "3 1 1 good, 2 0 1 root", as DNS has them. */
static void
records(const char *text, const char *base, struct tlsa_set *s)
{
	static unsigned char data[TLSA_MOST][DIGEST_MOST];

	memset(s, 0, sizeof *s);
	snprintf(s->base, sizeof s->base, "%s", base);
	while (*text != '\0') {
		assert_true(s->n < TLSA_MOST);
		record(text, &s->rr[s->n], data[s->n]);
		s->n++;
		text += strcspn(text, ",");
		text += strspn(text, ", ");
	}
	tlsa_choose(s);
}

static const struct row {
	const char *name;
	const char *records, *chain;
	enum certificate_finding want;
	const char *base;   /* NULL: CERTS_HOST */
	const char *host;   /* NULL: none but the base */
	const int64_t *now; /* NULL: certs_now */
} rows[] = {
    /* DANE-EE: the record alone */
    {"EE key", "3 1 1 good", "good inter", .want = CERTIFICATE_GOOD},
    {"EE key, SHA-512", "3 1 2 good", "good inter", .want = CERTIFICATE_GOOD},
    {"EE key in full", "3 1 0 good", "good inter", .want = CERTIFICATE_GOOD},
    {"EE certificate", "3 0 1 good", "good inter", .want = CERTIFICATE_GOOD},
    {"EE certificate, SHA-512", "3 0 2 good", "good inter",
     .want = CERTIFICATE_GOOD},
    {"EE certificate in full", "3 0 0 good", "good inter",
     .want = CERTIFICATE_GOOD},
    {"EE RSA key", "3 1 1 rsa", "rsa inter", .want = CERTIFICATE_GOOD},
    {"EE, sent alone", "3 1 1 good", "good", .want = CERTIFICATE_GOOD},
    {"EE, wrong name", "3 1 1 wrongname", "wrongname inter",
     .want = CERTIFICATE_GOOD},
    {"EE, no name", "3 1 1 nameless", "nameless", .want = CERTIFICATE_GOOD},
    {"EE, expired", "3 1 1 expired", "expired inter", .want = CERTIFICATE_GOOD},
    {"EE, not valid yet", "3 1 1 notyet", "notyet", .want = CERTIFICATE_GOOD},
    {"EE, self-signed", "3 1 1 selfsigned", "selfsigned",
     .want = CERTIFICATE_GOOD},
    {"EE, unknown CA", "3 1 1 unknown", "unknown other",
     .want = CERTIFICATE_GOOD},
    {"EE, for clients", "3 1 1 client", "client inter",
     .want = CERTIFICATE_GOOD},
    {"EE, RSA 1024", "3 1 1 weak", "weak inter", .want = CERTIFICATE_GOOD},
    {"EE, SHA-1 signature", "3 0 1 sha1", "sha1", .want = CERTIFICATE_GOOD},
    {"EE, a CA's certificate", "3 1 1 root", "root", .want = CERTIFICATE_GOOD},
    {"EE, another key", "3 1 1 good", "direct inter",
     .want = CERTIFICATE_NO_MATCH},
    {"EE, another certificate", "3 0 1 good", "direct",
     .want = CERTIFICATE_NO_MATCH},
    {"EE, attacker's chain", "3 1 1 good", "unknown other",
     .want = CERTIFICATE_NO_MATCH},
    {"EE, attacker appends the real one", "3 1 1 good", "unknown good inter",
     .want = CERTIFICATE_NO_MATCH},
    {"EE names the intermediate", "3 1 1 inter", "good inter",
     .want = CERTIFICATE_NO_MATCH},
    {"EE, the second record", "3 1 1 wildcard, 3 1 1 good", "good inter",
     .want = CERTIFICATE_GOOD},
    {"EE, a weaker digest doesn't count", "3 1 1 good, 3 1 2 wildcard",
     "good inter", .want = CERTIFICATE_NO_MATCH},
    {"EE, a weaker digest of another selector", "3 0 1 good, 3 1 2 wildcard",
     "good inter", .want = CERTIFICATE_GOOD},
    {"EE, nothing sent", "3 1 1 good", "", .want = CERTIFICATE_NONE},
    /* DANE-TA: the matched one is the only anchor */
    {"TA root, sent", "2 0 1 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"TA root's key, sent", "2 1 1 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"TA root, SHA-512", "2 0 2 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"TA root, not sent", "2 0 1 root", "good inter",
     .want = CERTIFICATE_NO_MATCH},
    {"TA root's key in full, sent", "2 1 0 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"TA root in full, not sent", "2 0 0 root", "good inter",
     .want = CERTIFICATE_GOOD},
    {"TA root in full, sent", "2 0 0 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"TA intermediate in full, not sent", "2 0 0 inter", "good",
     .want = CERTIFICATE_GOOD},
    {"TA in full, another chain", "2 0 0 root", "unknown other",
     .want = CERTIFICATE_NO_MATCH},
    {"TA in full, the wrong name", "2 0 0 root", "wrongname inter",
     .want = CERTIFICATE_WRONG_NAME},
    {"TA in full, forged", "2 0 0 root", "forged",
     .want = CERTIFICATE_NO_MATCH},
    {"TA intermediate, root not sent", "2 0 1 inter", "good inter",
     .want = CERTIFICATE_GOOD},
    {"TA intermediate's key, whole chain", "2 1 1 inter", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"TA of a private CA", "2 0 1 other", "unknown other",
     .want = CERTIFICATE_GOOD},
    {"TA, out of order", "2 0 1 root", "good root inter",
     .want = CERTIFICATE_GOOD},
    {"TA, attacker appends the real root", "2 0 1 root", "unknown other root",
     .want = CERTIFICATE_INVALID},
    {"TA, attacker appends the whole chain", "2 0 1 root",
     "unknown other good inter root", .want = CERTIFICATE_INVALID},
    {"TA, attacker's self-signed, then ours", "2 1 1 inter", "selfsigned inter",
     .want = CERTIFICATE_INVALID},
    {"TA, attacker with the root's name", "2 1 1 root", "forged root",
     .want = CERTIFICATE_INVALID},
    {"TA names the host's own", "2 0 1 selfsigned", "selfsigned",
     .want = CERTIFICATE_NO_MATCH},
    {"TA, intermediate missing", "2 0 1 root", "good root",
     .want = CERTIFICATE_INVALID},
    {"TA, wrong name", "2 0 1 root", "wrongname inter root",
     .want = CERTIFICATE_WRONG_NAME},
    {"TA, no name", "2 0 1 root", "nameless inter root",
     .want = CERTIFICATE_WRONG_NAME},
    {"TA, wildcard", "2 0 1 root", "wildcard inter root",
     .want = CERTIFICATE_GOOD},
    {"TA, common name", "2 0 1 root", "cn inter root",
     .want = CERTIFICATE_GOOD},
    {"TA, common name beside another name", "2 0 1 root", "cnsan inter root",
     .want = CERTIFICATE_WRONG_NAME},
    {"TA, another common name", "2 0 1 root", "cn inter root",
     .want = CERTIFICATE_WRONG_NAME, .base = "elsewhere.example"},
    {"TA, expired", "2 0 1 root", "expired inter root",
     .want = CERTIFICATE_EXPIRED},
    {"TA, not valid yet", "2 0 1 root", "notyet inter root",
     .want = CERTIFICATE_NOT_YET},
    {"TA, expired by then", "2 0 1 root", "good inter root",
     .want = CERTIFICATE_EXPIRED, .now = &certs_late},
    {"TA, the intermediate expired", "2 0 1 root", "underold oldinter root",
     .want = CERTIFICATE_EXPIRED},
    {"TA, for clients", "2 0 1 root", "client inter root",
     .want = CERTIFICATE_WRONG_USE},
    {"TA, RSA 1024", "2 0 1 root", "weak inter root", .want = CERTIFICATE_WEAK},
    {"TA, SHA-1", "2 0 1 root", "sha1 inter root", .want = CERTIFICATE_WEAK},
    {"TA, MD5", "2 0 1 root", "md5 rsainter root", .want = CERTIFICATE_WEAK},
    {"TA below a weak key", "2 0 1 weakinter", "underweak weakinter",
     .want = CERTIFICATE_WEAK},
    {"TA that is no CA", "2 0 1 good", "underleaf good inter",
     .want = CERTIFICATE_INVALID},
    {"TA, outside of its CA's domain", "2 0 1 narrow", "undernarrow narrow",
     .want = CERTIFICATE_INVALID},
    {"TA of another CA", "2 0 1 other", "good inter root",
     .want = CERTIFICATE_NO_MATCH},
    /* whose names: the TLSA base and what the caller adds (RFC 7672 3.2.2) */
    {"the MX's target is the base", "2 0 1 root", "wrongname inter root",
     .want = CERTIFICATE_GOOD, .base = "elsewhere.example"},
    {"the recipient's domain", "2 0 1 root", "wrongname inter root",
     .want = CERTIFICATE_GOOD, .host = "elsewhere.example"},
    {"the base, while the caller has another", "2 0 1 root", "good inter root",
     .want = CERTIFICATE_GOOD, .host = "a.example"},
    {"neither", "2 0 1 root", "good inter root", .want = CERTIFICATE_WRONG_NAME,
     .base = "a.example", .host = "b.example"},
    {"no base, the caller's", "2 0 1 root", "good inter root",
     .want = CERTIFICATE_GOOD, .base = "", .host = CERTS_HOST},
    {"no names to look for", "2 0 1 root", "good inter root",
     .want = CERTIFICATE_WRONG_NAME, .base = ""},
    {"the base with a final dot", "2 0 1 root", "good inter root",
     .want = CERTIFICATE_GOOD, .base = "MX.mtq.example."},
    /* several records */
    {"TA fails, EE holds", "2 0 1 other, 3 1 1 good", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"EE fails, TA holds", "3 1 1 wildcard, 2 0 1 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"EE holds where TA has the wrong name", "2 0 1 root, 3 1 1 wrongname",
     "wrongname inter root", .want = CERTIFICATE_GOOD},
    {"the second anchor holds", "2 0 1 other, 2 0 1 root", "good inter root",
     .want = CERTIFICATE_GOOD},
    {"the closest failure is said", "2 0 1 other, 2 0 1 root",
     "expired inter root", .want = CERTIFICATE_EXPIRED},
    {"PKIX-EE alone never holds", "1 1 1 good", "good inter root",
     .want = CERTIFICATE_NO_MATCH},
    {"PKIX-TA alone never holds", "0 0 1 root", "good inter root",
     .want = CERTIFICATE_NO_MATCH},
    {"PKIX-EE beside a failing EE", "1 1 1 good, 3 1 1 wildcard", "good inter",
     .want = CERTIFICATE_NO_MATCH},
    {"no record at all", "", "good inter root", .want = CERTIFICATE_NO_MATCH},
};

static void
verdicts(void **state)
{
	struct tlsa_set set;
	struct chain c;

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct certificate_names names = {.n = 0};
		struct certificate_verdict v;

		if (r->host != NULL)
			names.name[names.n++] = r->host;
		records(r->records, r->base != NULL ? r->base : CERTS_HOST,
			&set);
		certs_chain(r->chain, &c);
		v = certificate_dane(&set, &c, &names,
				     r->now != NULL ? *r->now : certs_now);
		if (v.finding != r->want)
			fail_msg("%s: %s (%s)", r->name,
				 certificate_text(v.finding), v.detail);
	}
}

/* DANE-EE needs no other certificate, not even a readable one. */
static void
malformed(void **state)
{
	struct certificate_names names = {.n = 0};
	struct certificate_verdict v;
	struct tlsa_set set;
	struct chain c;

	(void)state;
	records("3 1 1 good", CERTS_HOST, &set);
	certs_chain("good inter", &c);
	c.at[1].n--;
	v = certificate_dane(&set, &c, &names, certs_now);
	assert_int_equal(v.finding, CERTIFICATE_GOOD);
	assert_memory_equal(v.detail, "3 1 1 ", 6);
	records("2 0 1 inter", CERTS_HOST, &set);
	v = certificate_dane(&set, &c, &names, certs_now);
	assert_int_equal(v.finding, CERTIFICATE_MALFORMED);
	certs_chain("good inter", &c);
	c.at[0].n--;
	v = certificate_dane(&set, &c, &names, certs_now);
	assert_int_equal(v.finding, CERTIFICATE_MALFORMED);
}

/* One bit of the signature: DANE-EE asks for the key alone, DANE-TA for all. */
static void
forged(void **state)
{
	static const struct {
		const char *records;
		enum certificate_finding want;
	} row[] = {
	    {"3 1 1 good", CERTIFICATE_GOOD},
	    {"3 0 1 good", CERTIFICATE_NO_MATCH},
	    {"2 0 1 root", CERTIFICATE_INVALID},
	    {"2 1 1 inter", CERTIFICATE_INVALID},
	    {"2 0 0 root", CERTIFICATE_INVALID},
	};
	struct certificate_names names = {.n = 0};
	unsigned char der[CERTS_FILE_MOST];
	struct tlsa_set set;
	struct chain c;

	(void)state;
	certs_chain("good inter root", &c);
	memcpy(der, c.at[0].der, c.at[0].n);
	der[c.at[0].n - 1] ^= 1;
	c.at[0].der = der;
	for (size_t i = 0; i < countof(row); i++) {
		records(row[i].records, CERTS_HOST, &set);
		if (certificate_dane(&set, &c, &names, certs_now).finding !=
		    row[i].want)
			fail_msg("%s", row[i].records);
	}
}

/* "2 0 0" whose data is a SEQUENCE, but no certificate. */
static void
anchor_of_nothing(void **state)
{
	struct certificate_names names = {.n = 0};
	struct tlsa_set set;
	struct chain c;

	(void)state;
	records("2 0 0 root", CERTS_HOST, &set);
	set.rr[0].data = (const unsigned char *)"\x30\0";
	set.rr[0].n = 2;
	certs_chain("good inter root", &c);
	assert_int_equal(certificate_dane(&set, &c, &names, certs_now).finding,
			 CERTIFICATE_NO_MATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verdicts),
	    cmocka_unit_test(malformed),
	    cmocka_unit_test(forged),
	    cmocka_unit_test(anchor_of_nothing),
	};

	return cmocka_run_group_tests(tests, certs_begin, certs_end);
}
