/* What each mode makes of a host: everything that can be seen there, by five
 * modes, by three settings of DANE. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "admin/relay_test_modes.h"

/* A mode's answer as one letter. */
enum {
	CLEAR = 'c', /* would pass: without TLS */
	TLS = 't',   /* with TLS, unchecked */
	PROVED = 'v',
	/* would not pass: */
	NOT_OFFERED = 'N',
	NO_HANDSHAKE = 'H',
	UNVERIFIED = 'U',
	NO_RECORDS = 'R',
	NO_ANSWER = 'F', /* TLSA is bogus, or late */
	NO_AUTH = 'A',
	NO_GREETING = 'W',
};

static char
letter_of(const struct relay_test_mode *m)
{
	static const struct {
		const char *words;
		char letter;
	} failed[] = {
	    {"4.7.4 TLS is required and not offered", NOT_OFFERED},
	    {"4.7.5 TLS handshake failed", NO_HANDSHAKE},
	    {"4.7.5 certificate not verified", UNVERIFIED},
	    {"4.7.5 DANE is required, TLSA is missing", NO_RECORDS},
	    {"4.7.5 TLSA lookup failed", NO_ANSWER},
	    {"4.7.0 no way to authenticate", NO_AUTH},
	    {"4.4.2 timed out", NO_GREETING},
	};

	if (m->pass && m->verified)
		return m->tls ? PROVED : '?';
	if (m->pass)
		return m->tls ? TLS : CLEAR;
	for (size_t i = 0; i < countof(failed); i++)
		if (strncmp(m->why, failed[i].words, strlen(failed[i].words)) ==
		    0)
			return failed[i].letter;
	return '?';
}

enum way { IN_CLEAR, STARTTLS, BROKEN, IMPLICIT, IMPLICIT_BROKEN };
enum chain_is { GOOD, BAD };
enum credential { NONE, ASKED, INSECURE };

static const struct row {
	const char *name;
	enum way way;
	enum chain_is by_name, by_dane;
	enum tlsa_state tlsa;
	enum credential auth;
	/* off, preferred, required, preferred-verify, required-verify */
	const char *no, *yes, *require;
} rows[] = {
    {"no TLS, no records", IN_CLEAR, GOOD, GOOD, TLSA_NONE, NONE, "ccNcN",
     "ccNcN", "RRRRR"},
    {"no TLS where records demand it", IN_CLEAR, GOOD, GOOD, TLSA_USABLE, NONE,
     "ccNcN", "cNNNN", "RNNNN"},
    {"no TLS where unusable records demand it", IN_CLEAR, GOOD, GOOD,
     TLSA_UNUSABLE, NONE, "ccNcN", "cNNNN", "RRRRR"},
    {"no TLS, records unknown", IN_CLEAR, GOOD, GOOD, TLSA_FAILED, NONE,
     "ccNcN", "cFFFF", "RFFFF"},
    {"a good certificate", STARTTLS, GOOD, GOOD, TLSA_NONE, NONE, "cttvv",
     "cttvv", "RRRRR"},
    {"a bad certificate", STARTTLS, BAD, GOOD, TLSA_NONE, NONE, "cttUU",
     "cttUU", "RRRRR"},
    {"a handshake that fails", BROKEN, GOOD, GOOD, TLSA_NONE, NONE, "ccHHH",
     "ccHHH", "RRRRR"},
    {"a handshake that fails where records demand it", BROKEN, GOOD, GOOD,
     TLSA_USABLE, NONE, "ccHHH", "cHHHH", "RHHHH"},
    {"a handshake that fails, unusable records", BROKEN, GOOD, GOOD,
     TLSA_UNUSABLE, NONE, "ccHHH", "cHHHH", "RRRRR"},
    {"a handshake that fails, records unknown", BROKEN, GOOD, GOOD, TLSA_FAILED,
     NONE, "ccHHH", "cFFFF", "RFFFF"},
    {"good, and a record matches", STARTTLS, GOOD, GOOD, TLSA_USABLE, NONE,
     "cttvv", "cvvvv", "Rvvvv"},
    {"good, and no record matches", STARTTLS, GOOD, BAD, TLSA_USABLE, NONE,
     "cttvv", "cUUUU", "RUUUU"},
    {"bad, and a record matches", STARTTLS, BAD, GOOD, TLSA_USABLE, NONE,
     "cttUU", "cvvvv", "Rvvvv"},
    {"bad, and no record matches", STARTTLS, BAD, BAD, TLSA_USABLE, NONE,
     "cttUU", "cUUUU", "RUUUU"},
    {"good, unusable records", STARTTLS, GOOD, GOOD, TLSA_UNUSABLE, NONE,
     "cttvv", "cttvv", "RRRRR"},
    {"bad, unusable records", STARTTLS, BAD, GOOD, TLSA_UNUSABLE, NONE, "cttUU",
     "cttUU", "RRRRR"},
    {"good, records unknown", STARTTLS, GOOD, GOOD, TLSA_FAILED, NONE, "cttvv",
     "cFFFF", "RFFFF"},
    {"bad, records unknown", STARTTLS, BAD, GOOD, TLSA_FAILED, NONE, "cttUU",
     "cFFFF", "RFFFF"},
    {"a credential and no TLS", IN_CLEAR, GOOD, GOOD, TLSA_NONE, ASKED, "AANAN",
     "AANAN", "RRRRR"},
    {"a credential and a good certificate", STARTTLS, GOOD, GOOD, TLSA_NONE,
     ASKED, "AAAvv", "AAAvv", "RRRRR"},
    {"a credential and a bad certificate", STARTTLS, BAD, GOOD, TLSA_NONE,
     ASKED, "AAAUU", "AAAUU", "RRRRR"},
    {"a credential and a handshake that fails", BROKEN, GOOD, GOOD, TLSA_NONE,
     ASKED, "AHHHH", "AHHHH", "RRRRR"},
    {"a credential and a record that matches", STARTTLS, BAD, GOOD, TLSA_USABLE,
     ASKED, "AAAUU", "Avvvv", "Rvvvv"},
    {"a credential and unusable records", STARTTLS, GOOD, GOOD, TLSA_UNUSABLE,
     ASKED, "AAAvv", "AAAvv", "RRRRR"},
    {"a credential that may go in clear", IN_CLEAR, GOOD, GOOD, TLSA_NONE,
     INSECURE, "ccNcN", "ccNcN", "RRRRR"},
    {"a credential that may go unverified", STARTTLS, BAD, GOOD, TLSA_NONE,
     INSECURE, "cttUU", "cttUU", "RRRRR"},
    {"implicit TLS", IMPLICIT, GOOD, GOOD, TLSA_NONE, NONE, "Wttvv", "Wttvv",
     "RRRRR"},
    {"implicit TLS, bad", IMPLICIT, BAD, GOOD, TLSA_NONE, NONE, "WttUU",
     "WttUU", "RRRRR"},
    {"implicit TLS, a record matches", IMPLICIT, BAD, GOOD, TLSA_USABLE, NONE,
     "WttUU", "Wvvvv", "Rvvvv"},
    {"implicit TLS, no record matches", IMPLICIT, GOOD, BAD, TLSA_USABLE, NONE,
     "Wttvv", "WUUUU", "RUUUU"},
    {"implicit TLS that fails", IMPLICIT_BROKEN, GOOD, GOOD, TLSA_NONE, NONE,
     "WHHHH", "WHHHH", "RRRRR"},
    {"implicit TLS, records unknown", IMPLICIT, GOOD, GOOD, TLSA_FAILED, NONE,
     "Wttvv", "WFFFF", "RFFFF"},
};

static struct relay_settings
relay_of(const struct row *r)
{
	static char name[] = "user";
	static struct list_of item = {.name = name};
	const bool implicit = r->way == IMPLICIT || r->way == IMPLICIT_BROKEN;
	struct relay_settings s = {.deliver = DELIVER_SMTP,
				   .port = implicit ? 465 : 587};

	s.insecure_auth = r->auth == INSECURE;
	if (r->auth != NONE)
		s.auth = (struct lists){&item, 1};
	return s;
}

static struct relay_test_seen
seen_of(const struct row *r)
{
	struct relay_test_seen s = {.tlsa = r->tlsa,
				    .tlsa_why = "SERVFAIL",
				    .shaken_why = "the host refused",
				    .auth = r->auth != NONE};

	s.implicit = r->way == IMPLICIT || r->way == IMPLICIT_BROKEN;
	s.offered = r->way != IN_CLEAR;
	s.shaken = r->way == STARTTLS || r->way == IMPLICIT;
	s.by_name.finding =
	    r->by_name == GOOD ? CERTIFICATE_GOOD : CERTIFICATE_EXPIRED;
	s.by_dane.finding =
	    r->by_dane == GOOD ? CERTIFICATE_GOOD : CERTIFICATE_NO_MATCH;
	return s;
}

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const char *const want[DANE_COUNT] = {[DANE_NO] = rows[i].no,
						      [DANE_YES] = rows[i].yes,
						      [DANE_REQUIRE] =
							  rows[i].require};
		const struct relay_settings r = relay_of(&rows[i]);
		const struct relay_test_seen seen = seen_of(&rows[i]);
		struct relay_test_modes m;

		relay_test_modes(&r, &seen, &m);
		for (int d = 0; d < DANE_COUNT; d++) {
			char got[TLS_COUNT + 1] = "";

			for (int t = 0; t < TLS_COUNT; t++)
				got[t] = letter_of(&m.at[t][d]);
			if (strcmp(got, want[d]) != 0)
				print_message(
				    "%s, dane = %s\n", rows[i].name,
				    relay_test_dane_word((enum dane_kind)d));
			assert_string_equal(got, want[d]);
		}
	}
}

/* Nothing is said of a mode that the way did not show. */
static void
test_another_way(void **state)
{
	struct relay_settings r = {
	    .tls = TLS_REQUIRED, .tls_start = TLS_START_IMPLICIT, .port = 587};
	struct relay_test_seen seen = {.offered = true, .shaken = true};
	struct relay_test_mode m = relay_test_mode(&r, &seen);

	(void)state;
	assert_int_equal(letter_of(&m), NO_HANDSHAKE);
	assert_non_null(strstr(m.why, "greets in clear"));
	r.tls_start = TLS_START_STARTTLS;
	m = relay_test_mode(&r, &seen);
	assert_int_equal(letter_of(&m), TLS);
}

/* What was seen stands in the reason. */
static void
test_reasons(void **state)
{
	struct relay_settings r = {.tls = TLS_REQUIRED_VERIFY, .port = 25};
	struct relay_test_seen seen = {
	    .offered = true,
	    .shaken = true,
	    .by_name = {CERTIFICATE_EXPIRED, "CN=mx ended 2021-01-01"}};
	struct relay_test_mode m = relay_test_mode(&r, &seen);

	(void)state;
	assert_non_null(strstr(m.why, "expired: CN=mx ended 2021-01-01"));
	seen.shaken = false;
	seen.shaken_why = "the host refused: bad";
	m = relay_test_mode(&r, &seen);
	assert_non_null(strstr(m.why, "the host refused: bad"));
	r.dane = DANE_YES;
	seen.tlsa = TLSA_FAILED;
	seen.tlsa_why = "SERVFAIL of _25._tcp.mx";
	m = relay_test_mode(&r, &seen);
	assert_non_null(strstr(m.why, "SERVFAIL of _25._tcp.mx"));
}

static void
test_alike(void **state)
{
	struct relay_settings r = {.port = 25};
	struct relay_test_seen seen = {.offered = true, .shaken = true};
	struct relay_test_modes m;

	(void)state;
	relay_test_modes(&r, &seen, &m);
	assert_true(relay_test_modes_alike(&m, DANE_REQUIRE));
	assert_false(relay_test_modes_alike(&m, DANE_NO));
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(relay_test_tls_word(TLS_PREFERRED_VERIFY),
			    "preferred-verify");
	assert_string_equal(relay_test_dane_word(DANE_REQUIRE), "require");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),   cmocka_unit_test(test_another_way),
	    cmocka_unit_test(test_reasons), cmocka_unit_test(test_alike),
	    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
