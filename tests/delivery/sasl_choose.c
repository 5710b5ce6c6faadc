/* Which mechanism: offers, our order and what the account has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/sasl.h"

enum { U = 1, P = 2, T = 4, C = 8, B = 16 };

#define ALL                                                                    \
	"EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "          \
	"OAUTHBEARER XOAUTH2 PLAIN LOGIN SCRAM-SHA-1 CRAM-MD5"
/* What the file's silence means. */
#define USUAL                                                                  \
	"EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "          \
	"OAUTHBEARER XOAUTH2 PLAIN LOGIN"

static const struct row {
	const char *name;
	const char *offers;
	const char *order;
	unsigned has;
	const char *want; /* the mechanism, or a piece of `why` in brackets */
} row[] = {
    {"everything on both sides", ALL, USUAL, U | P | T | C | B, "EXTERNAL"},
    {"no certificate", ALL, USUAL, U | P | T | B, "SCRAM-SHA-256-PLUS"},
    {"no binding", ALL, USUAL, U | P | T, "SCRAM-SHA-256"},
    {"no password", ALL, USUAL, U | T | B, "OAUTHBEARER"},
    {"no password, XOAUTH2 only", "XOAUTH2 PLAIN", USUAL, U | T, "XOAUTH2"},
    {"SHA-1-PLUS above SHA-256", "SCRAM-SHA-256 SCRAM-SHA-1-PLUS", USUAL,
     U | P | B, "SCRAM-SHA-1-PLUS"},
    {"PLUS offered, no TLS", "SCRAM-SHA-256-PLUS SCRAM-SHA-256", USUAL, U | P,
     "SCRAM-SHA-256"},
    {"PLUS alone, no TLS", "SCRAM-SHA-256-PLUS", USUAL, U | P,
     "(SCRAM-SHA-256-PLUS needs channel binding)"},
    {"the server's order does not matter", "LOGIN PLAIN", USUAL, U | P,
     "PLAIN"},
    {"the file's order does", "PLAIN LOGIN", "LOGIN PLAIN", U | P, "LOGIN"},
    {"the file names one", ALL, "PLAIN", U | P | T | C | B, "PLAIN"},
    {"the file names one that is not offered", "PLAIN LOGIN", "SCRAM-SHA-256",
     U | P, "(the server offers PLAIN LOGIN, we may use SCRAM-SHA-256)"},
    {"the file allows none", "PLAIN LOGIN", "", U | P, "(we may use none)"},
    {"CRAM-MD5 only where it is named", "CRAM-MD5", USUAL, U | P,
     "(the server offers CRAM-MD5)"},
    {"CRAM-MD5 is named", "CRAM-MD5 PLAIN", "CRAM-MD5 PLAIN", U | P,
     "CRAM-MD5"},
    {"SCRAM-SHA-1 only where it is named", "SCRAM-SHA-1 PLAIN", USUAL, U | P,
     "PLAIN"},
    {"SCRAM-SHA-1 is named", "SCRAM-SHA-1 PLAIN", "SCRAM-SHA-1 PLAIN", U | P,
     "SCRAM-SHA-1"},
    {"nothing offered", "", USUAL, U | P, "(offers nothing we know)"},
    {"only what we don't use", "GSSAPI NTLM DIGEST-MD5 GS2-KRB5 ANONYMOUS",
     USUAL, U | P, "(offers nothing we know)"},
    {"lower case", "plain login", USUAL, U | P, "PLAIN"},
    {"more than one blank between", "  LOGIN   PLAIN ", USUAL, U | P, "PLAIN"},
    {"a tab between", "LOGIN\tPLAIN", USUAL, U | P, "PLAIN"},
    {"a name that begins like one", "PLAINER LOGIN", USUAL, U | P, "LOGIN"},
    {"a name that ends like one", "XPLAIN LOGIN", USUAL, U | P, "LOGIN"},
    {"octets that are no name", "\x01\xff PLAIN", USUAL, U | P, "PLAIN"},
    {"a token and no user", "XOAUTH2", USUAL, T, "(XOAUTH2 needs a user)"},
    {"a password and no user", "PLAIN", USUAL, P, "(PLAIN needs a user)"},
    {"a user alone", "PLAIN LOGIN XOAUTH2", USUAL, U,
     "(XOAUTH2 needs a token; PLAIN needs a password; LOGIN needs)"},
    {"nothing alone", "PLAIN", USUAL, 0, "(PLAIN needs a user)"},
    {"a certificate alone", "EXTERNAL PLAIN", USUAL, C, "EXTERNAL"},
    {"a certificate, EXTERNAL not offered", "PLAIN", USUAL, C | U | P, "PLAIN"},
    {"EXTERNAL without a certificate", "EXTERNAL", USUAL, U | P,
     "(EXTERNAL needs a client certificate)"},
    {"a token first where it is named first", "PLAIN XOAUTH2", "XOAUTH2 PLAIN",
     U | P | T, "XOAUTH2"},
    {"the token is missing, the password is next", "PLAIN XOAUTH2",
     "XOAUTH2 PLAIN", U | P, "PLAIN"},
    {"the binding is there, PLUS is not offered", "SCRAM-SHA-256 PLAIN", USUAL,
     U | P | B, "SCRAM-SHA-256"},
    {"a long list of what is missing is cut", ALL, ALL, 0, "(EXTERNAL needs)"},
};

static void
order_of(const char *words, struct auth_settings *a)
{
	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		assert_true(mechanism_parse(words, n, &a->order[a->norder++]));
		words += n + (words[n] == ' ');
	}
}

static bool
as_wanted(const struct row *r, bool ok, enum mechanism m, const char *why)
{
	char piece[160];

	if (r->want[0] != '(')
		return ok && strcmp(mechanism_name(m), r->want) == 0;
	strcpy(piece, r->want + 1);
	piece[strlen(piece) - 1] = '\0';
	return !ok && strlen(why) < 160 && strstr(why, piece) != NULL;
}

static void
choice(void **state)
{
	static const struct secret secret = {(char *)(uintptr_t) "s3cret", 6};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		const struct row *r = &row[i];
		struct auth_settings a = {.enabled = true};
		struct sasl_offer o = {0};
		struct sasl_account account = {
		    .user = r->has & U ? "crm" : "",
		    .password = r->has & P ? &secret : NULL,
		    .token = r->has & T ? &secret : NULL,
		    .certificate = (r->has & C) != 0,
		    .nbinding = r->has & B ? 32 : 0};
		enum mechanism m = MECHANISM_COUNT;
		char why[160] = "";
		bool ok;

		order_of(r->order, &a);
		sasl_offer_line(&o, r->offers, strlen(r->offers));
		ok = sasl_choose(&a, &o, &account, &m, why);
		if (!as_wanted(r, ok, m, why))
			fail_msg("%s: %s", r->name,
				 ok ? mechanism_name(m) : why);
	}
}

/* Two lines of an EHLO ("AUTH" and the old "AUTH=") add up. */
static void
two_lines(void **state)
{
	struct sasl_offer o = {0};

	(void)state;
	sasl_offer_line(&o, "PLAIN", 5);
	sasl_offer_line(&o, "LOGIN", 5);
	assert_true(o.has[MECHANISM_PLAIN] && o.has[MECHANISM_LOGIN]);
	assert_false(o.has[MECHANISM_CRAM_MD5]);
}

/* An empty secret is none. */
static void
empty_secret(void **state)
{
	static const struct secret empty = {(char *)(uintptr_t) "", 0};
	struct auth_settings a = {.norder = 1, .order = {MECHANISM_PLAIN}};
	struct sasl_offer o = {.has[MECHANISM_PLAIN] = true};
	struct sasl_account account = {.user = "crm", .password = &empty};
	enum mechanism m;
	char why[160];

	(void)state;
	assert_false(sasl_choose(&a, &o, &account, &m, why));
	assert_non_null(strstr(why, "PLAIN needs a password"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(choice),
	    cmocka_unit_test(two_lines),
	    cmocka_unit_test(empty_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
