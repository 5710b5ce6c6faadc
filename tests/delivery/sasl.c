/* Our client against libgsasl's server: each mechanism, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsasl.h>
#include <string.h>

#include "delivery/sasl.h"
#include "delivery/sasl_salted.h"

enum { TURNS_MOST = 8 };

struct known {
	const char *user, *password;
	const char *rounds;
	const char *binding; /* base64; NULL: none */
};

struct server {
	struct known known;
	char authzid[64]; /* EXTERNAL: whom it was for */
};

static int
validate(struct server *v, Gsasl_session *x)
{
	const char *u = gsasl_property_fast(x, GSASL_AUTHID);
	const char *p = gsasl_property_fast(x, GSASL_PASSWORD);

	return u != NULL && p != NULL && strcmp(u, v->known.user) == 0 &&
		       strcmp(p, v->known.password) == 0
		   ? GSASL_OK
		   : GSASL_AUTHENTICATION_ERROR;
}

static int
serve(Gsasl *g, Gsasl_session *x, Gsasl_property p)
{
	struct server *v = gsasl_session_hook_get(x);
	const char *id;

	(void)g;
	if (p == GSASL_PASSWORD)
		return gsasl_property_set(x, p, v->known.password);
	if (p == GSASL_SCRAM_ITER)
		return gsasl_property_set(x, p, v->known.rounds);
	if (p == GSASL_SCRAM_SALT)
		return gsasl_property_set(x, p, "c2FsdHNhbHRzYWx0");
	if (p == GSASL_CB_TLS_EXPORTER && v->known.binding != NULL)
		return gsasl_property_set(x, p, v->known.binding);
	if (p == GSASL_VALIDATE_SIMPLE)
		return validate(v, x);
	if (p == GSASL_VALIDATE_EXTERNAL) {
		id = gsasl_property_fast(x, GSASL_AUTHZID);
		snprintf(v->authzid, sizeof v->authzid, "%s",
			 id == NULL ? "" : id);
		return GSASL_OK;
	}
	return GSASL_NO_CALLBACK;
}

/* As a server of SMTP: 235 (true), 535, or our side gave up. */
static bool
converse(struct sasl *s, Gsasl_session *x, bool first_empty, char why[160])
{
	struct bytes line = {0};
	char *challenge = NULL;
	bool ok = sasl_first(s, &line, why);
	int rc = GSASL_NEEDS_MORE;

	if (ok && line.n == 0 && first_empty)
		ok = sasl_next(s, "", 0, &line, why);
	for (int i = 0; ok && i < TURNS_MOST; i++) {
		bytes_add(&line, "", 1);
		if (rc == GSASL_NEEDS_MORE)
			rc = gsasl_step64(x,
					  strcmp((char *)line.data, "=") == 0
					      ? ""
					      : (char *)line.data,
					  &challenge);
		else
			break;
		line.n = 0;
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE) {
			snprintf(why, 160, "server: %s", gsasl_strerror(rc));
			ok = false;
		} else if (rc == GSASL_OK &&
			   (challenge == NULL || *challenge == '\0')) {
			i = TURNS_MOST;
		} else {
			ok = sasl_next(s, challenge, strlen(challenge), &line,
				       why);
		}
		gsasl_free(challenge);
		challenge = NULL;
	}
	bytes_free(&line);
	return ok && rc == GSASL_OK && sasl_proved(s, why);
}

static const struct row {
	const char *name;
	enum mechanism m;
	const char *user, *password;
	const char *binding; /* ours, text */
	struct known server;
	const char *want; /* NULL: yes; else a piece of why */
} row[] = {
#define V(...)                                                                 \
	{                                                                      \
		"crm", "s3cret", "4096", __VA_ARGS__                           \
	}
#define N                                                                      \
	{                                                                      \
		"crm", "s3cret", "4096", NULL                                  \
	}
#define R(r)                                                                   \
	{                                                                      \
		"crm", "s3cret", r, NULL                                       \
	}
    {"PLAIN", MECHANISM_PLAIN, "crm", "s3cret", NULL, N, NULL},
    {"PLAIN, wrong password", MECHANISM_PLAIN, "crm", "wrong", NULL, N,
     "server:"},
    {"LOGIN", MECHANISM_LOGIN, "crm", "s3cret", NULL, N, NULL},
    {"LOGIN, wrong user", MECHANISM_LOGIN, "crn", "s3cret", NULL, N, "server:"},
    {"CRAM-MD5", MECHANISM_CRAM_MD5, "crm", "s3cret", NULL, N, NULL},
    {"CRAM-MD5, wrong password", MECHANISM_CRAM_MD5, "crm", "wrong", NULL, N,
     "server:"},
    {"SCRAM-SHA-1", MECHANISM_SCRAM_SHA_1, "crm", "s3cret", NULL, N, NULL},
    {"SCRAM-SHA-1, wrong password", MECHANISM_SCRAM_SHA_1, "crm", "wrong", NULL,
     N, "server:"},
    {"SCRAM-SHA-256", MECHANISM_SCRAM_SHA_256, "crm", "s3cret", NULL, N, NULL},
    {"SCRAM-SHA-256, wrong password", MECHANISM_SCRAM_SHA_256, "crm", "wrong",
     NULL, N, "server:"},
    {"SCRAM-SHA-256, other salted password cached", MECHANISM_SCRAM_SHA_256,
     "crm", "s3cret", NULL, N, NULL},
    {"SCRAM-SHA-256, 100,000 rounds", MECHANISM_SCRAM_SHA_256, "crm", "s3cret",
     NULL, R("100000"), NULL},
    {"SCRAM-SHA-256, too few rounds", MECHANISM_SCRAM_SHA_256, "crm", "s3cret",
     NULL, R("4095"), "4095 rounds"},
    {"SCRAM-SHA-256, too many rounds", MECHANISM_SCRAM_SHA_256, "crm", "s3cret",
     NULL, R("1000001"), "1000001 rounds"},
    {"SCRAM-SHA-256, with a binding at hand", MECHANISM_SCRAM_SHA_256, "crm",
     "s3cret", "channel-1", N, NULL},
    {"SCRAM-SHA-256, a name with a comma", MECHANISM_SCRAM_SHA_256, "c,r=m",
     "s3cret", NULL, N, NULL},
    {"SCRAM-SHA-256, a password of UTF-8",
     MECHANISM_SCRAM_SHA_256,
     "crm",
     "pa\xc3\x9fwort",
     NULL,
     {"crm", "pa\xc3\x9fwort", "4096", NULL},
     NULL},
    {"SCRAM-SHA-256, a password that is no UTF-8", MECHANISM_SCRAM_SHA_256,
     "crm", "pa\xdfwort", NULL, N, "no text"},
    {"SCRAM-SHA-256-PLUS", MECHANISM_SCRAM_SHA_256_PLUS, "crm", "s3cret",
     "channel-1", V("Y2hhbm5lbC0x"), NULL},
    {"SCRAM-SHA-256-PLUS, another channel", MECHANISM_SCRAM_SHA_256_PLUS, "crm",
     "s3cret", "channel-1", V("Y2hhbm5lbC0y"), "server:"},
    {"SCRAM-SHA-256-PLUS, no binding here", MECHANISM_SCRAM_SHA_256_PLUS, "crm",
     "s3cret", NULL, V("Y2hhbm5lbC0x"), "SCRAM-SHA-256-PLUS: "},
    {"SCRAM-SHA-256-PLUS, no binding there", MECHANISM_SCRAM_SHA_256_PLUS,
     "crm", "s3cret", "channel-1", N, "server:"},
    {"SCRAM-SHA-1-PLUS", MECHANISM_SCRAM_SHA_1_PLUS, "crm", "s3cret",
     "channel-1", V("Y2hhbm5lbC0x"), NULL},
    {"SCRAM-SHA-1-PLUS, another channel", MECHANISM_SCRAM_SHA_1_PLUS, "crm",
     "s3cret", "channel-1", V("Y2hhbm5lbC0y"), "server:"},
    {"EXTERNAL", MECHANISM_EXTERNAL, "", NULL, NULL, N, NULL},
    {"EXTERNAL for a user", MECHANISM_EXTERNAL, "crm", NULL, NULL, N, NULL},
    {"PLAIN, empty user", MECHANISM_PLAIN, "", "s3cret", NULL, N, "a user"},
    {"SCRAM, empty user", MECHANISM_SCRAM_SHA_256, "", "s3cret", NULL, N,
     "a user"},
    {"PLAIN, no password", MECHANISM_PLAIN, "crm", NULL, NULL, N, "a password"},
    {"PLAIN, empty password", MECHANISM_PLAIN, "crm", "", NULL, N,
     "a password"},
#undef V
#undef N
#undef R
};

static void
each_mechanism(void **state)
{
	Gsasl *g;

	(void)state;
	assert_int_equal(gsasl_init(&g), GSASL_OK);
	gsasl_callback_set(g, serve);
	for (size_t i = 0; i < countof(row); i++) {
		const struct row *r = &row[i];
		struct secret secret = {
		    (char *)(uintptr_t)r->password,
		    r->password == NULL ? 0 : strlen(r->password)};
		struct sasl_account a = {
		    .user = r->user,
		    .password = r->password == NULL ? NULL : &secret};
		struct server v = {.known = r->server};
		Gsasl_session *x = NULL;
		struct sasl *s;
		char why[160] = "";
		bool ok;

		if (r->binding != NULL) {
			a.nbinding = strlen(r->binding);
			memcpy(a.binding, r->binding, a.nbinding);
		}
		if (gsasl_server_start(g, mechanism_name(r->m), &x) != GSASL_OK)
			fail_msg("%s: no server", r->name);
		gsasl_session_hook_set(x, &v);
		s = sasl_open(r->m, &a);
		assert_non_null(s);
		ok = converse(
		    s, x, r->m != MECHANISM_LOGIN && r->m != MECHANISM_CRAM_MD5,
		    why);
		if (ok != (r->want == NULL) ||
		    (!ok && strstr(why, r->want) == NULL))
			fail_msg("%s: %s", r->name, ok ? "yes" : why);
		if (r->m == MECHANISM_EXTERNAL)
			assert_string_equal(v.authzid, r->user);
		sasl_close(s);
		gsasl_finish(x);
	}
	gsasl_done(g);
}

/* One more connection to the same server costs no second PBKDF2, another
 * password does. */
static void
salted_once(void **state)
{
	unsigned char one[DIGEST_MOST], two[DIGEST_MOST], other[DIGEST_MOST];
	const unsigned char *salt = (const unsigned char *)"0123456789";
	uint64_t before;

	(void)state;
	assert_int_equal(
	    sasl_salted(DIGEST_SHA256, "s3cret", salt, 10, 5000, one), 32);
	before = sasl_salted_computed();
	assert_int_equal(
	    sasl_salted(DIGEST_SHA256, "s3cret", salt, 10, 5000, two), 32);
	assert_int_equal(sasl_salted_computed(), before);
	assert_memory_equal(one, two, 32);
	(void)sasl_salted(DIGEST_SHA256, "s3creT", salt, 10, 5000, other);
	assert_memory_not_equal(one, other, 32);
	(void)sasl_salted(DIGEST_SHA256, "s3cret", salt, 9, 5000, other);
	assert_memory_not_equal(one, other, 32);
	(void)sasl_salted(DIGEST_SHA256, "s3cret", salt, 10, 5001, other);
	assert_memory_not_equal(one, other, 32);
	assert_int_equal(
	    sasl_salted(DIGEST_SHA1, "s3cret", salt, 10, 5000, other), 20);
	assert_memory_not_equal(one, other, 20);
	assert_int_equal(sasl_salted_computed(), before + 4);
	for (unsigned i = 0; i < 3 * SALTED_KEPT_MOST; i++)
		(void)sasl_salted(DIGEST_SHA1, "x", salt, 10, 4096 + i, other);
	(void)sasl_salted(DIGEST_SHA256, "s3cret", salt, 10, 5000, two);
	assert_memory_equal(one, two, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_mechanism),
	    cmocka_unit_test(salted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
