/* A chain as it came, a list of CAs, names, a time: is this the host? */
#include "tests/delivery/certs.h"

#include "daemon/log.h"

static struct certificate_verdict
check(const char *chain, const char *ca, const struct certificate_names *names,
      int64_t now_s)
{
	struct certificate_verdict v;
	char path[160];
	struct trust *t;
	struct chain c;
	struct err e;

	snprintf(path, sizeof path, "%s/%s.crt", certs_dir, ca);
	t = trust_open(path, &e);
	if (t == NULL)
		fail_msg("%s", e.text);
	certs_chain(chain, &c);
	v = certificate_check(t, &c, names, now_s);
	trust_free(t);
	return v;
}

static const struct row {
	const char *name;
	const char *chain; /* as the host sends it */
	enum certificate_finding want;
	const char *host; /* NULL: CERTS_HOST */
	const char *ca;   /* NULL: root */
	bool allow_cn;
	const int64_t *now; /* NULL: certs_now */
} rows[] = {
    /* chains */
    {"good", "good inter", .want = CERTIFICATE_GOOD},
    {"RSA, 2048 bits", "rsa inter", .want = CERTIFICATE_GOOD},
    {"right below the root", "direct", .want = CERTIFICATE_GOOD},
    {"with the root", "good inter root", .want = CERTIFICATE_GOOD},
    {"out of order", "good root inter", .want = CERTIFICATE_GOOD},
    {"with others between", "good other wildcard inter",
     .want = CERTIFICATE_GOOD},
    {"an intermediate is trusted", "good inter", .want = CERTIFICATE_GOOD,
     .ca = "inter"},
    {"itself is trusted", "selfsigned", .want = CERTIFICATE_GOOD,
     .ca = "selfsigned"},
    {"the intermediate is missing", "good", .want = CERTIFICATE_UNKNOWN_CA},
    {"unknown CA", "unknown", .want = CERTIFICATE_UNKNOWN_CA},
    {"unknown CA, sent along", "unknown other", .want = CERTIFICATE_UNKNOWN_CA},
    {"our root sent along", "unknown other root",
     .want = CERTIFICATE_UNKNOWN_CA},
    {"good, but for another root", "good inter root",
     .want = CERTIFICATE_UNKNOWN_CA, .ca = "other"},
    {"self-signed", "selfsigned", .want = CERTIFICATE_SELF_SIGNED},
    {"self-signed and expired", "selfold", .want = CERTIFICATE_SELF_SIGNED},
    {"self-signed, of another name", "selfsigned",
     .want = CERTIFICATE_SELF_SIGNED, .host = "elsewhere.example"},
    {"self-signed, a chain of its name behind it", "selfsigned good inter root",
     .want = CERTIFICATE_INVALID},
    {"self-signed, a chain of another name behind it",
     "selfsigned wildcard inter root", .want = CERTIFICATE_SELF_SIGNED},
    {"signed with our root's name", "forged", .want = CERTIFICATE_UNKNOWN_CA},
    {"signed with our root's name, that sent along", "forged fake",
     .want = CERTIFICATE_UNKNOWN_CA},
    {"its issuer is no CA", "underleaf good inter",
     .want = CERTIFICATE_INVALID},
    {"outside of its CA's domain", "undernarrow narrow",
     .want = CERTIFICATE_INVALID},
    {"the intermediate twice", "good inter inter", .want = CERTIFICATE_GOOD},
    {"nothing sent", "", .want = CERTIFICATE_NONE},
    /* dates */
    {"expired", "expired inter", .want = CERTIFICATE_EXPIRED},
    {"not valid yet", "notyet inter", .want = CERTIFICATE_NOT_YET},
    {"expired and of another name", "expired inter",
     .want = CERTIFICATE_EXPIRED, .host = "elsewhere.example"},
    {"good then, now expired", "good inter", .want = CERTIFICATE_EXPIRED,
     .now = &certs_late},
    {"good now, before it began", "good inter", .want = CERTIFICATE_NOT_YET,
     .now = &certs_early},
    {"the intermediate has expired", "underold oldinter",
     .want = CERTIFICATE_EXPIRED},
    {"an expired one between that isn't needed", "good oldinter inter",
     .want = CERTIFICATE_GOOD},
    /* strength and use */
    {"RSA, 1024 bits", "weak inter", .want = CERTIFICATE_WEAK},
    {"SHA-1", "sha1 inter", .want = CERTIFICATE_WEAK},
    {"MD5", "md5 rsainter", .want = CERTIFICATE_WEAK},
    {"below RSA of 1024 bits", "underweak weakinter", .want = CERTIFICATE_WEAK},
    {"for clients", "client inter", .want = CERTIFICATE_WRONG_USE},
    {"for no use in particular", "nouse inter", .want = CERTIFICATE_GOOD},
    /* names */
    {"wrong name", "wrongname inter", .want = CERTIFICATE_WRONG_NAME},
    {"our final dot", "good inter", .want = CERTIFICATE_GOOD,
     .host = CERTS_HOST "."},
    {"our capitals", "good inter", .want = CERTIFICATE_GOOD,
     .host = "MX.mtq.EXAMPLE"},
    {"its capitals", "upper inter", .want = CERTIFICATE_GOOD},
    {"its final dot", "dotted inter", .want = CERTIFICATE_WRONG_NAME},
    {"NUL in its name", "nul inter", .want = CERTIFICATE_WRONG_NAME},
    {"control octets in its name", "rude inter",
     .want = CERTIFICATE_WRONG_NAME},
    {"the last of 101 names", "many inter", .want = CERTIFICATE_GOOD},
    {"wildcard", "wildcard inter", .want = CERTIFICATE_GOOD},
    {"wildcard, another label", "wildcard inter", .want = CERTIFICATE_GOOD,
     .host = "b.mtq.example"},
    {"wildcard, no label", "wildcard inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "mtq.example"},
    {"wildcard, two labels", "wildcard inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "a.b.mtq.example"},
    {"wildcard of a top-level domain", "barewild inter",
     .want = CERTIFICATE_WRONG_NAME, .host = "mtq.example"},
    {"wildcard of everything", "starwild inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "example"},
    {"wildcard in the middle", "midwild inter", .want = CERTIFICATE_WRONG_NAME},
    {"wildcard in a label", "partwild inter", .want = CERTIFICATE_WRONG_NAME},
    {"address", "ip inter", .want = CERTIFICATE_GOOD, .host = "127.0.0.1"},
    {"IPv6 address", "ip inter", .want = CERTIFICATE_GOOD, .host = "::1"},
    {"IPv6 address in brackets", "ip inter", .want = CERTIFICATE_GOOD,
     .host = "[0:0::1]"},
    {"another address", "ip inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "127.0.0.2"},
    {"address as a name", "iptext inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "127.0.0.1"},
    {"address as a name, common name allowed", "iptext inter",
     .want = CERTIFICATE_WRONG_NAME, .host = "127.0.0.1", .allow_cn = true},
    {"common name only", "cn inter", .want = CERTIFICATE_WRONG_NAME},
    {"common name only, allowed", "cn inter", .want = CERTIFICATE_GOOD,
     .allow_cn = true},
    {"another common name, allowed", "cn inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "elsewhere.example", .allow_cn = true},
    {"common name beside other names, allowed", "cnsan inter",
     .want = CERTIFICATE_WRONG_NAME, .allow_cn = true},
    {"two common names, allowed", "cntwo inter", .want = CERTIFICATE_WRONG_NAME,
     .allow_cn = true},
    {"address as common name", "cnip inter", .want = CERTIFICATE_WRONG_NAME,
     .host = "127.0.0.1"},
    {"address as common name, allowed", "cnip inter", .want = CERTIFICATE_GOOD,
     .host = "127.0.0.1", .allow_cn = true},
    {"no names at all, allowed", "nameless inter",
     .want = CERTIFICATE_WRONG_NAME, .allow_cn = true},
};

static void
verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct certificate_names names = {.n = 1,
						  .allow_cn = r->allow_cn};
		struct certificate_verdict v;

		names.name[0] = r->host != NULL ? r->host : CERTS_HOST;
		v = check(r->chain, r->ca != NULL ? r->ca : "root", &names,
			  r->now != NULL ? *r->now : certs_now);
		if (v.finding != r->want)
			fail_msg("%s: %s (%s)", r->name,
				 certificate_text(v.finding), v.detail);
	}
}

/* The second name will do; none never does. */
static void
several_names(void **state)
{
	struct certificate_names two = {{"a.example", CERTS_HOST}, .n = 2};
	struct certificate_names none = {.n = 0, .allow_cn = true};

	(void)state;
	assert_int_equal(check("good inter", "root", &two, certs_now).finding,
			 CERTIFICATE_GOOD);
	assert_int_equal(check("good inter", "root", &none, certs_now).finding,
			 CERTIFICATE_WRONG_NAME);
}

/* What a person reads after the finding. */
static void
details(void **state)
{
	static const struct {
		const char *chain, *detail;
	} row[] = {
	    {"good inter", CERTS_HOST},
	    {"wrongname inter", "elsewhere.example is not " CERTS_HOST},
	    {"nameless inter",
	     "a certificate without names is not " CERTS_HOST},
	    {"ip inter", "127.0.0.1, ::1 is not " CERTS_HOST},
	    {"cn inter", "common name " CERTS_HOST " is not " CERTS_HOST},
	    {"nul inter", CERTS_HOST "?.elsewhere.example is not " CERTS_HOST},
	    {"rude inter", "a?[31m??b? is not " CERTS_HOST},
	    {"expired inter", "CN=" CERTS_HOST ": valid until 2021-01-01"},
	    {"notyet inter", "CN=" CERTS_HOST ": valid from 2044-01-01"},
	    {"underold oldinter",
	     "CN=mtq test old intermediate: valid until 2021-01-01"},
	    {"weak inter", "CN=" CERTS_HOST ": RSA 1024 bits"},
	    {"sha1 inter", "CN=" CERTS_HOST ": signed with ECDSA-SHA1"},
	    {"md5 rsainter", "CN=" CERTS_HOST ": signed with RSA-MD5"},
	    {"underweak weakinter",
	     "CN=mtq test weak intermediate: RSA 1024 bits"},
	    {"unknown other", CERTS_HOST ", issued by CN=another root"},
	    {"good", CERTS_HOST ", issued by CN=mtq test intermediate"},
	};
	struct certificate_names names = {{CERTS_HOST}, .n = 1};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct certificate_verdict v =
		    check(row[i].chain, "root", &names, certs_now);

		if (strcmp(v.detail, row[i].detail) != 0)
			fail_msg("%s: %s", row[i].chain, v.detail);
	}
}

static void
malformed(void **state)
{
	struct certificate_names names = {{CERTS_HOST}, .n = 1};
	unsigned char der[CERTS_FILE_MOST];
	struct certificate_look look;
	char path[160];
	struct chain c, cut;
	struct trust *t;
	struct err e;

	(void)state;
	snprintf(path, sizeof path, "%s/root.crt", certs_dir);
	t = trust_open(path, &e);
	assert_non_null(t);
	certs_chain("good inter", &c);
	for (size_t at = 0; at < c.n; at++) { /* either of them, cut */
		cut = c;
		cut.at[at].n--;
		assert_int_equal(
		    certificate_check(t, &cut, &names, certs_now).finding,
		    CERTIFICATE_MALFORMED);
		cut.at[at].n = 0;
		assert_int_equal(
		    certificate_check(t, &cut, &names, certs_now).finding,
		    CERTIFICATE_MALFORMED);
	}
	/* One bit anywhere: never good, never read as another one. */
	memcpy(der, c.at[0].der, c.at[0].n);
	c.at[0].der = der;
	der[c.at[0].n - 1] ^= 1; /* of the signature */
	assert_int_equal(certificate_check(t, &c, &names, certs_now).finding,
			 CERTIFICATE_INVALID);
	der[c.at[0].n - 1] ^= 1;
	for (size_t i = 0; i < c.at[0].n; i++) {
		der[i] ^= 1;
		if (certificate_check(t, &c, &names, certs_now).finding ==
		    CERTIFICATE_GOOD)
			fail_msg("good with bit %zu turned", 8 * i);
		der[i] ^= 1;
	}
	assert_int_equal(certificate_check(t, &c, &names, certs_now).finding,
			 CERTIFICATE_GOOD);
	assert_false(certificate_look(der, 0, &look));
	assert_false(certificate_look(der, c.at[0].n - 1, &look));
	trust_free(t);
}

static void
looking(void **state)
{
	struct certificate_look look;
	struct chain c;

	(void)state;
	certs_chain("good ip rude many rsa", &c);
	assert_true(certificate_look(c.at[0].der, c.at[0].n, &look));
	assert_string_equal(look.subject, "CN=" CERTS_HOST);
	assert_string_equal(look.issuer, "CN=mtq test intermediate");
	assert_string_equal(look.names, CERTS_HOST);
	assert_string_equal(look.key, "EC/ECDSA 256 bits");
	assert_int_equal(look.from_s, 1577836800);
	assert_int_equal(look.until_s, 2366841600);
	assert_true(certificate_look(c.at[1].der, c.at[1].n, &look));
	assert_string_equal(look.names, "127.0.0.1, ::1");
	assert_true(certificate_look(c.at[2].der, c.at[2].n, &look));
	assert_string_equal(look.names, "a?[31m??b?");
	assert_true(certificate_look(c.at[3].der, c.at[3].n, &look));
	assert_true(strlen(look.names) < sizeof look.names);
	assert_string_equal(look.names + strlen(look.names) - 5, ", ...");
	assert_true(certificate_look(c.at[4].der, c.at[4].n, &look));
	assert_string_equal(look.key, "RSA 2048 bits");
}

static void
trusts(void **state)
{
	char path[160];
	struct trust *t;
	struct err e;

	(void)state;
	assert_null(trust_open("/nowhere/ca.pem", &e));
	assert_int_equal(e.kind, ERR_CONFIG);
	snprintf(path, sizeof path, "%s/good.key", certs_dir);
	assert_null(trust_open(path, &e));
	snprintf(path, sizeof path, "%s/good.pem", certs_dir);
	t = trust_open(path, &e);
	assert_non_null(t);
	trust_free(t);
	trust_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verdicts), cmocka_unit_test(several_names),
	    cmocka_unit_test(details),  cmocka_unit_test(malformed),
	    cmocka_unit_test(looking),  cmocka_unit_test(trusts),
	};

	return cmocka_run_group_tests(tests, certs_begin, certs_end);
}
