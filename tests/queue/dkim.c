/*
 * Signatures: those of the RFCs hold, and each way around the gate is closed
 * (attacks.md C4).  What dkimpy makes of the same: tests/system/test_dkim_gate.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base64.h"
#include "queue/dkim.h"
#include "queue/dkim_header.h"
#include "tests/queue/dkim_keys.h"
#include "tests/queue/dkim_rfcs.h"

enum { NOW_S = 1800000000 };

/* What is said of the whole message; octets go in pieces of `cut`. */
static void
check(const struct bytes *message, size_t cut, const char *from,
      const struct answer *a, struct dkim_result *out)
{
	struct dkim *v = dkim_open();
	size_t n;

	for (size_t at = 0; at < message->n; at += cut)
		dkim_add(v, message->data + at, min_of(cut, message->n - at));
	n = dkim_end(v, text_of(from), NOW_S);
	for (size_t i = 0; i < n; i++)
		dkim_answer(v, i, a);
	dkim_judge(v, out);
	dkim_close(v);
}

/* --- the RFCs ---------------------------------------------------------------- */

static void
rfcs(void **state)
{
	static const struct {
		const char *name, *message, *key;
		unsigned bits;
	} row[] = {
	    {"RFC 6376 A", rfc6376, RFC6376_KEY, 1024},
	    {"RFC 8463 A, ed25519", rfc8463_ed, RFC8463_ED, 256},
	    {"RFC 8463 A, rsa", rfc8463_rsa, RFC8463_RSA, 1024},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes m = {0};
		struct rdata r;

		bytes_add_text(&m, row[i].message);
		rdata_of(&r, row[i].key, 1);
		for (size_t cut = 1; cut < m.n + 50; cut += cut < 5 ? 1 : 97) {
			struct dkim_result got;

			check(&m, cut, "football.example.com", &r.a, &got);
			if (got.kind != DKIM_PASS || got.bits != row[i].bits)
				fail_msg("%s in pieces of %zu: %s (%s)",
					 row[i].name, cut, dkim_word(got.kind),
					 got.words);
		}
		bytes_free(&r.text);
		bytes_free(&m);
	}
}

/* Every octet of it counts, also those of the signature itself. */
static void
octets(void **state)
{
	struct bytes m = {0};
	struct rdata r;

	(void)state;
	bytes_add_text(&m, rfc8463_ed);
	rdata_of(&r, RFC8463_ED, 1);
	for (size_t i = 0; i < m.n; i++) {
		struct dkim_result got;

		m.data[i] ^= 1;
		check(&m, m.n, "football.example.com", &r.a, &got);
		if (got.kind == DKIM_PASS)
			fail_msg("octet %zu, now %c", i, m.data[i]);
		m.data[i] ^= 1;
	}
	bytes_free(&r.text);
	bytes_free(&m);
}

/* --- the gate ---------------------------------------------------------------- */

enum say {
	SAY_KEY,     /* `record`, or the key's own */
	SAY_TWICE,   /* two records */
	SAY_NOTHING, /* no such name */
	SAY_FAILURE,
	SAY_SILENCE,
};
struct row {
	const char *name;
	const char *tags; /* behind "v=1; a=; c=; d=; s=;" */
	const char *a, *c, *d, *s, *h;
	const char *header, *body; /* what is signed */
	const char *from;          /* whose mail it is */
	const char *top;           /* put above, once it is signed */
	const char *old, *new;     /* changed, once it is signed */
	const char *pem;
	const char *record; /* "K": the public half, base64 */
	enum say say;
	enum dkim_kind kind;
	const char *words; /* the beginning of them */
};

static const char header[] = "From: a@example.com\r\nTo: b@example.net\r\n"
			     "Subject: s\r\n";

static const char *
or_else(const char *p, const char *usual)
{
	return p != NULL ? p : usual;
}

/* Changes the first `old` to `new`. */
static void
change(struct bytes *m, const char *old, const char *new)
{
	char *at = memmem(m->data, m->n, old, strlen(old));
	struct bytes b = {0};
	size_t k;

	assert_non_null(at);
	k = (size_t)(at - (char *)m->data);
	bytes_add(&b, m->data, k);
	bytes_add_text(&b, new);
	bytes_add(&b, m->data + k + strlen(old), m->n - k - strlen(old));
	bytes_free(m);
	*m = b;
}

static void
body_hash(struct bytes *out, enum dkim_canon c, const char *body)
{
	unsigned char hash[DKIM_HASH];
	struct dkim_body b;

	dkim_body_begin(&b, c);
	dkim_body_add(&b, (const unsigned char *)body, strlen(body));
	dkim_body_end(&b, hash);
	base64_add(out, hash, sizeof hash);
}

/* Puts a signature in front of header and body. */
static void
sign(const struct row *r, struct pkey *key, struct bytes *out)
{
	const char *c = or_else(r->c, "relaxed/relaxed");
	const char *slash = strchr(c, '/');
	const char *body = or_else(r->body, "Hello\r\n");
	struct dkim_field f = {0};
	unsigned char hash[DKIM_HASH], sig[PKEY_SIGNATURE_MOST];
	struct bytes b64 = {0};
	struct dkim_header h;
	const char *twice;

	bytes_printf(out, "DKIM-Signature: v=1; a=%s; c=%s; d=%s; s=%s;\r\n\t",
		     or_else(r->a, pkey_kind(key) == PKEY_RSA
				       ? "rsa-sha256"
				       : "ed25519-sha256"),
		     c, or_else(r->d, "example.com"), or_else(r->s, "s1"));
	f.header = strncmp(c, "relaxed", 7) == 0 ? DKIM_RELAXED : DKIM_SIMPLE;
	f.names = text_of(or_else(r->h, "from:to:subject"));
	bytes_printf(out, "h=%.*s; %s; bh=", (int)f.names.n, f.names.p,
		     or_else(r->tags, "q=dns/txt"));
	body_hash(out,
		  slash != NULL && strcmp(slash, "/relaxed") == 0 ? DKIM_RELAXED
								  : DKIM_SIMPLE,
		  body);
	bytes_add_text(out, "; b=AAAA\r\n");
	bytes_add_text(out, or_else(r->header, header));
	assert_true(dkim_header_read(
	    (struct text){(const char *)out->data, out->n}, &h));
	(void)!dkim_header_hash(&h, 0, &f, hash, &twice);
	base64_add(&b64, sig, pkey_sign(key, hash, sig));
	bytes_u8(&b64, 0);
	dkim_header_free(&h);
	bytes_add_text(out, "\r\n");
	bytes_add_text(out, body);
	change(out, "AAAA", (const char *)b64.data);
	bytes_free(&b64);
}

static void
record_of(const struct row *r, const struct pkey *key, struct bytes *out)
{
	const char *t = or_else(r->record, pkey_kind(key) == PKEY_RSA
					       ? "v=DKIM1; k=rsa; p=K"
					       : "v=DKIM1; k=ed25519; p=K");
	const char *k = strstr(t, "p=K");
	struct bytes p = {0}, b64 = {0};

	assert_true(pkey_published(key, &p));
	base64_add(&b64, p.data, p.n);
	if (k == NULL)
		bytes_add_text(out, t);
	else
		bytes_printf(out, "%.*sp=%.*s%s", (int)(k - t), t, (int)b64.n,
			     (char *)b64.data, k + 3);
	bytes_u8(out, 0);
	bytes_free(&p);
	bytes_free(&b64);
}

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

/* --- many of something ------------------------------------------------------- */

/* Ten are tried: the one that holds is the last or the first too many. */
static void
many_signatures(void **state)
{
	static const struct row good = {.name = "good"};
	struct err e;
	struct pkey *key =
	    pkey_private(dkim_ed25519, sizeof dkim_ed25519 - 1, &e);
	struct bytes record = {0}, signed_one = {0};
	struct rdata r;

	(void)state;
	assert_non_null(key);
	record_of(&good, key, &record);
	rdata_of(&r, (char *)record.data, 1);
	sign(&good, key, &signed_one);
	for (unsigned n = 9; n <= 1000; n += n < 10 ? 1 : 495) {
		struct dkim_result got;
		struct bytes m = {0};

		for (unsigned i = 0; i < n; i++)
			bytes_add_text(&m, "DKIM-Signature: v=1; a=rsa-sha256;"
					   "d=example.com;s=x;h=from;"
					   "bh=;b=\r\n");
		bytes_add(&m, signed_one.data, signed_one.n);
		check(&m, m.n, "example.com", &r.a, &got);
		if ((got.kind == DKIM_PASS) != (n == 9))
			fail_msg("%u: %s (%s)", n, dkim_word(got.kind),
				 got.words);
		bytes_free(&m);
	}
	bytes_free(&signed_one);
	bytes_free(&record);
	bytes_free(&r.text);
	pkey_free(key);
}

static void
large_header(void **state)
{
	struct bytes m = {0};
	struct dkim_result got;

	(void)state;
	while (m.n < DKIM_HEADER_MOST)
		bytes_add_text(&m, "X-Large: octets and octets\r\n");
	bytes_add_text(&m, rfc8463_ed);
	check(&m, 4096, "football.example.com", NULL, &got);
	assert_int_equal(got.kind, DKIM_NEUTRAL);
	assert_string_equal(got.words, "the header is too long");
	bytes_free(&m);
	for (unsigned i = 0; i <= DKIM_FIELDS_MOST; i++)
		bytes_add_text(&m, "X: y\r\n");
	check(&m, 4096, "football.example.com", NULL, &got);
	assert_string_equal(got.words, "the header can't be read");
	bytes_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rfcs), cmocka_unit_test(octets),
	    cmocka_unit_test(gate), cmocka_unit_test(many_signatures),
	    cmocka_unit_test(large_header)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
