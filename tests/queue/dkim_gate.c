/*
 * Each way around the gate is closed (attacks.md C4).  What dkimpy makes of the
 * same: tests/system/test_dkim_gate.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/queue/dkim_signer.h"

static void
one(const struct row *r)
{
	static const struct answer nothing = {.no_domain = true};
	static const struct answer failure = {.failed = true,
					      .why = "bogus: x"};
	const char *pem = or_else(r->pem, dkim_ed25519);
	struct bytes m = {0}, record = {0}, all = {0};
	const struct answer *a = NULL;
	struct dkim_result got;
	struct rdata rdata;
	struct err e;
	struct pkey *key = pkey_private(pem, strlen(pem), &e);

	assert_non_null(key);
	sign(r, key, &m);
	if (r->old != NULL)
		change(&m, r->old, r->new);
	record_of(r, key, &record);
	rdata_of(&rdata, (char *)record.data, r->say == SAY_TWICE ? 2 : 1);
	switch (r->say) {
	case SAY_KEY:
	case SAY_TWICE:
		a = &rdata.a;
		break;
	case SAY_NOTHING:
		a = &nothing;
		break;
	case SAY_FAILURE:
		a = &failure;
		break;
	case SAY_SILENCE:
		break;
	}
	bytes_add_text(&all, or_else(r->top, ""));
	bytes_add(&all, m.data, m.n);
	check(&all, 7, or_else(r->from, "example.com"), a, &got);
	if (got.kind != r->kind || strncmp(got.words, or_else(r->words, ""),
					   strlen(or_else(r->words, ""))) != 0)
		fail_msg("%s: %s (%s)\n%.*s", r->name, dkim_word(got.kind),
			 got.words, (int)all.n, (char *)all.data);
	if (got.kind == DKIM_PASS)
		assert_int_equal(got.weak, pem == dkim_rsa_1024);
	bytes_free(&rdata.text);
	bytes_free(&record);
	bytes_free(&all);
	bytes_free(&m);
	pkey_free(key);
}

#define BAD .kind = DKIM_FAIL, .words = "a signed field was changed"

static void
gate(void **state)
{
	static const struct row row[] = {
	    {"a good one", .kind = DKIM_PASS},
	    {"simple/simple", .c = "simple/simple", .kind = DKIM_PASS},
	    {"simple/relaxed", .c = "simple/relaxed", .kind = DKIM_PASS},
	    {"relaxed/simple", .c = "relaxed/simple", .kind = DKIM_PASS},
	    {"relaxed alone means relaxed/simple", .c = "relaxed",
	     .kind = DKIM_PASS},
	    {"RSA of 2048 bits", .pem = dkim_rsa_2048, .kind = DKIM_PASS},
	    {"RSA of 1024 bits is weak", .pem = dkim_rsa_1024,
	     .kind = DKIM_PASS},
	    {"RSA of 768 bits", .pem = dkim_rsa_768, .kind = DKIM_POLICY,
	     .words = "RSA key shorter than 1024"},
	    {"no body", .body = "", .kind = DKIM_PASS},
	    {"no body, simple", .body = "", .c = "simple/simple",
	     .kind = DKIM_PASS},
	    {"a body of empty lines", .body = "\r\n\r\n", .kind = DKIM_PASS},
	    /* what is signed */
	    {"an octet of the body", .old = "Hello", .new = "Hallo",
	     .kind = DKIM_FAIL, .words = "the body was changed"},
	    {"a line more", .old = "Hello\r\n", .new = "Hello\r\nx\r\n",
	     .kind = DKIM_FAIL, .words = "the body was changed"},
	    {"an empty line more counts for nothing", .old = "Hello\r\n",
	     .new = "Hello\r\n\r\n", .kind = DKIM_PASS},
	    {"blanks at the end, relaxed", .old = "Hello", .new = "Hello \t",
	     .kind = DKIM_PASS},
	    {"blanks at the end, simple", .c = "relaxed/simple", .old = "Hello",
	     .new = "Hello ", .kind = DKIM_FAIL,
	     .words = "the body was changed"},
	    {"an octet of From", .old = "a@", .new = "x@", BAD},
	    {"an octet of Subject", .old = "Subject: s", .new = "Subject: t",
	     BAD},
	    {"another fold, relaxed", .old = "Subject: s",
	     .new = "Subject:\r\n\t s", .kind = DKIM_PASS},
	    {"another fold, simple", .c = "simple/relaxed", .old = "Subject: s",
	     .new = "Subject:\r\n s", BAD},
	    {"a name in other case, relaxed", .old = "Subject",
	     .new = "sUBJECT", .kind = DKIM_PASS},
	    {"a name in other case, simple", .c = "simple/relaxed",
	     .old = "Subject", .new = "sUBJECT", BAD},
	    {"a blank in front of the colon, relaxed",
	     .old = "Subject:", .new = "Subject :", .kind = DKIM_PASS},
	    {"another field is free", .top = "X-Other: y\r\n",
	     .kind = DKIM_PASS},
	    {"our own Received above", .top = "Received: from x\r\n\tby y\r\n",
	     .kind = DKIM_PASS},
	    {"a signed field is gone", .old = "Subject: s\r\n", .new = "", BAD},
	    {"h= was cut", .old = ":subject", .new = "", BAD},
	    {"b= was changed", .old = "b=", .new = "b=AAAA", BAD},
	    {"bh= is of another body", .old = "bh=", .new = "bh=AAAA",
	     .kind = DKIM_NEUTRAL},
	    {"no bh=", .old = "bh=", .new = "zh=", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"no b=", .old = "; b=", .new = "; z=", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"b= that is no base64", .old = "; b=", .new = "; b=!",
	     .kind = DKIM_NEUTRAL, .words = "malformed"},
	    /* fields that were added */
	    {"a second From above", .top = "From: boss@example.com\r\n",
	     .kind = DKIM_POLICY, .words = "a second From is not signed"},
	    {"a second From below", .old = "To: ",
	     .new = "From: boss@example.com\r\nTo: ", .kind = DKIM_POLICY,
	     .words = "a second From is not signed"},
	    {"a second From with a blank", .top = "From : boss@example.com\r\n",
	     .kind = DKIM_POLICY, .words = "a second From is not signed"},
	    {"a second From in capitals", .top = "FROM: boss@example.com\r\n",
	     .kind = DKIM_POLICY, .words = "a second From is not signed"},
	    {"From signed once too often", .h = "from:from:to:subject",
	     .kind = DKIM_PASS},
	    {"then a second one changes what is signed",
	     .h = "from:from:to:subject", .top = "From: boss@example.com\r\n",
	     BAD},
	    {"a second Subject", .top = "Subject: other\r\n",
	     .kind = DKIM_POLICY, .words = "a second Subject is not signed"},
	    {"a Subject where none was", .h = "from:to:subject:subject",
	     .top = "Subject: other\r\n", BAD},
	    {"From is not signed", .h = "to:subject", .kind = DKIM_POLICY,
	     .words = "From is not signed"},
	    {"only From is", .h = "from", .kind = DKIM_PASS},
	    {"no name in h=", .h = "", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"a name without octets in h=", .h = "from::to",
	     .kind = DKIM_NEUTRAL, .words = "malformed"},
	    {"blanks in h=", .h = "from :\r\n\tto : subject",
	     .kind = DKIM_PASS},
	    /* tags */
	    {"l= of all of the body", .tags = "l=7", .kind = DKIM_POLICY,
	     .words = "l= leaves"},
	    {"l= of nothing", .tags = "l=0", .old = "Hello", .new = "Buy",
	     .kind = DKIM_POLICY, .words = "l= leaves"},
	    {"expired a second ago", .tags = "x=1799999999", .kind = DKIM_FAIL,
	     .words = "expired"},
	    {"expires now", .tags = "x=1800000000", .kind = DKIM_PASS},
	    {"signed in an hour", .tags = "t=1800003600", .kind = DKIM_FAIL,
	     .words = "signed in the future"},
	    {"signed in five minutes", .tags = "t=1800000300",
	     .kind = DKIM_PASS},
	    {"expires before it was made", .tags = "t=1799999000; x=1799998000",
	     .kind = DKIM_NEUTRAL, .words = "malformed"},
	    {"a date of 13 digits", .tags = "x=1800000000000",
	     .kind = DKIM_NEUTRAL, .words = "malformed"},
	    {"a date with a sign", .tags = "x=-1", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"a tag twice", .tags = "d=example.net", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"a tag twice, of those unknown", .tags = "y=1; y=1",
	     .kind = DKIM_NEUTRAL, .words = "malformed"},
	    {"an unknown tag", .tags = "zz=1", .kind = DKIM_PASS},
	    {"a semicolon too many", .tags = "zz=1;", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"i= in a subdomain", .tags = "i=@mail.example.com",
	     .kind = DKIM_PASS},
	    {"i= elsewhere", .tags = "i=a@example.net", .kind = DKIM_NEUTRAL,
	     .words = "i= is not in d="},
	    {"i= that only ends so", .tags = "i=a@badexample.com",
	     .kind = DKIM_NEUTRAL, .words = "i= is not in d="},
	    {"i= without an @", .tags = "i=example.com", .kind = DKIM_NEUTRAL,
	     .words = "i= is not in d="},
	    {"q= of tomorrow", .tags = "q=dns/https", .kind = DKIM_NEUTRAL,
	     .words = "no known way"},
	    {"q= of today and tomorrow", .tags = "q=dns/https:dns/txt",
	     .kind = DKIM_PASS},
	    {"version 2", .old = "v=1", .new = "v=2", .kind = DKIM_NEUTRAL,
	     .words = "unknown version"},
	    {"rsa-sha1", .a = "rsa-sha1", .kind = DKIM_POLICY,
	     .words = "rsa-sha1"},
	    {"an algorithm of nobody", .a = "rsa-md5", .kind = DKIM_NEUTRAL,
	     .words = "unknown algorithm"},
	    {"Ed25519 that says rsa", .a = "rsa-sha256", .kind = DKIM_FAIL,
	     .words = "key is of another kind"},
	    {"c= of nobody", .c = "nofws", .kind = DKIM_NEUTRAL,
	     .words = "unknown canon"},
	    {"c= with two slashes", .c = "relaxed/relaxed/x",
	     .kind = DKIM_NEUTRAL, .words = "unknown canon"},
	    {"a selector of two labels", .s = "s1.eu", .kind = DKIM_PASS},
	    {"a selector with a blank", .s = "s 1", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"no selector", .s = "", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    /* whose signature */
	    {"a parent's", .from = "mail.example.com", .kind = DKIM_PASS},
	    {"a parent's parent's", .from = "a.mail.example.com",
	     .kind = DKIM_PASS},
	    {"From in other case", .from = "EXAMPLE.Com", .kind = DKIM_PASS},
	    {"a subdomain's", .d = "mail.example.com", .kind = DKIM_POLICY,
	     .words = "signed by another domain"},
	    {"another domain's", .d = "example.net", .kind = DKIM_POLICY,
	     .words = "signed by another domain"},
	    {"one that only ends so", .from = "badexample.com",
	     .kind = DKIM_POLICY, .words = "signed by another domain"},
	    {"a top-level domain's", .d = "com", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"d= with a final dot", .d = "example.com.", .kind = DKIM_NEUTRAL,
	     .words = "malformed"},
	    {"d= that begins with a dot", .d = ".example.com",
	     .kind = DKIM_NEUTRAL, .words = "malformed"},
	    {"From without an address", .from = "", .kind = DKIM_NEUTRAL,
	     .words = "From has no address"},
	    /* records */
	    {"a record without v=", .record = "k=ed25519; p=K",
	     .kind = DKIM_PASS},
	    {"v= that is not the first", .record = "k=ed25519; v=DKIM1; p=K",
	     .kind = DKIM_FAIL, .words = "unknown version"},
	    {"another v=", .record = "v=DKIM2; k=ed25519; p=K",
	     .kind = DKIM_FAIL, .words = "unknown version"},
	    {"v= in small letters", .record = "v=dkim1; k=ed25519; p=K",
	     .kind = DKIM_FAIL, .words = "unknown version"},
	    {"no k= means rsa", .record = "v=DKIM1; p=K", .kind = DKIM_FAIL,
	     .words = "key is of another kind"},
	    {"no k= is rsa", .pem = dkim_rsa_2048, .record = "v=DKIM1; p=K",
	     .kind = DKIM_PASS},
	    {"revoked", .record = "v=DKIM1; k=ed25519; p=", .kind = DKIM_FAIL,
	     .words = "key revoked"},
	    {"no p=", .record = "v=DKIM1; k=ed25519", .kind = DKIM_FAIL,
	     .words = "malformed key record"},
	    {"p= that is no base64", .record = "v=DKIM1; k=ed25519; p=?",
	     .kind = DKIM_FAIL, .words = "no such public key"},
	    {"p= of another length", .record = "v=DKIM1; k=ed25519; p=AAAA",
	     .kind = DKIM_FAIL, .words = "no such public key"},
	    {"another key",
	     .record = "v=DKIM1; k=ed25519; "
		       "p=yi50DjK5O9pqbFpNHklsv9lqaS0ArSYu02qp1S0DW1Y=",
	     BAD},
	    {"only for sha1", .record = "v=DKIM1; h=sha1; k=ed25519; p=K",
	     .kind = DKIM_FAIL, .words = "key is not for sha256"},
	    {"for sha1 and sha256",
	     .record = "v=DKIM1; h=sha1 : sha256; k=ed25519; p=K",
	     .kind = DKIM_PASS},
	    {"only for another service",
	     .record = "v=DKIM1; s=tlsrpt; k=ed25519; p=K", .kind = DKIM_FAIL,
	     .words = "key is not for mail"},
	    {"for mail", .record = "v=DKIM1; s=email; k=ed25519; p=K",
	     .kind = DKIM_PASS},
	    {"being tested", .record = "v=DKIM1; t=y; k=ed25519; p=K",
	     .kind = DKIM_POLICY, .words = "key is being tested"},
	    {"t=s, no i=", .record = "v=DKIM1; t=s; k=ed25519; p=K",
	     .kind = DKIM_PASS},
	    {"t=s, i= in a subdomain", .tags = "i=@mail.example.com",
	     .record = "v=DKIM1; t=s; k=ed25519; p=K", .kind = DKIM_FAIL,
	     .words = "key is not for subdomains"},
	    {"a note and unknown tags",
	     .record = "v=DKIM1; n=hi there; zz=; k=ed25519; p=K;",
	     .kind = DKIM_PASS},
	    {"p= twice", .record = "v=DKIM1; k=ed25519; p=K; p=",
	     .kind = DKIM_FAIL, .words = "malformed key record"},
	    {"another record altogether", .record = "v=spf1 -all",
	     .kind = DKIM_FAIL, .words = "unknown version of the key record"},
	    {"a record of words", .record = "hello", .kind = DKIM_FAIL,
	     .words = "malformed key record"},
	    /* the DNS */
	    {"two records", .say = SAY_TWICE, .kind = DKIM_FAIL,
	     .words = "several key records"},
	    {"no record", .say = SAY_NOTHING, .kind = DKIM_FAIL,
	     .words = "no key"},
	    {"a failure", .say = SAY_FAILURE, .kind = DKIM_TEMPORARY,
	     .words = "the DNS gave bogus"},
	    {"no answer", .say = SAY_SILENCE, .kind = DKIM_TEMPORARY,
	     .words = "no answer"},
	    /* headers that nobody can read */
	    {"a line that is no field", .top = "hello\r\n",
	     .kind = DKIM_NEUTRAL, .words = "the header can't be read"},
	    {"a fold of nothing", .top = " hello\r\n", .kind = DKIM_NEUTRAL,
	     .words = "the header can't be read"},
	    {"a blank in a name", .top = "From me: x\r\n", .kind = DKIM_NEUTRAL,
	     .words = "the header can't be read"},
	    {"an empty line in front", .top = "\r\n", .kind = DKIM_NONE,
	     .words = "not signed"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		one(&row[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gate)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
