/* The five modes with DANE above them: every combination, as docs/security.md
 * has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "delivery/policy.h"

/* What is asked for, in four letters: TLS is [-] never used, [o]pportunistic,
 * [m]ust; [c] may go on in clear; the check is [n]othing, n[a]me, [d]ane.  "F":
 * TLSA_FAILED, "N": NO_TLSA. */
static const struct row {
	enum tls_kind mode;
	enum dane_kind dane;
	const char *none, *usable, *unusable, *failed;
} rows[] = {
    {TLS_OFF, DANE_NO, "--n", "--n", "--n", "--n"},
    {TLS_OFF, DANE_YES, "--n", "--n", "--n", "--n"},
    {TLS_OFF, DANE_REQUIRE, "N", "N", "N", "N"},
    {TLS_PREFERRED, DANE_NO, "ocn", "ocn", "ocn", "ocn"},
    {TLS_PREFERRED, DANE_YES, "ocn", "m-d", "m-n", "F"},
    {TLS_PREFERRED, DANE_REQUIRE, "N", "m-d", "N", "F"},
    {TLS_REQUIRED, DANE_NO, "m-n", "m-n", "m-n", "m-n"},
    {TLS_REQUIRED, DANE_YES, "m-n", "m-d", "m-n", "F"},
    {TLS_REQUIRED, DANE_REQUIRE, "N", "m-d", "N", "F"},
    {TLS_PREFERRED_VERIFY, DANE_NO, "o-a", "o-a", "o-a", "o-a"},
    {TLS_PREFERRED_VERIFY, DANE_YES, "o-a", "m-d", "m-a", "F"},
    {TLS_PREFERRED_VERIFY, DANE_REQUIRE, "N", "m-d", "N", "F"},
    {TLS_REQUIRED_VERIFY, DANE_NO, "m-a", "m-a", "m-a", "m-a"},
    {TLS_REQUIRED_VERIFY, DANE_YES, "m-a", "m-d", "m-a", "F"},
    {TLS_REQUIRED_VERIFY, DANE_REQUIRE, "N", "m-d", "N", "F"},
};

static void
letters(enum status s, const struct policy *p, char out[4])
{
	if (s != STATUS_COUNT) {
		snprintf(out, 4, "%s",
			 s == STATUS_TLSA_FAILED ? "F"
			 : s == STATUS_NO_TLSA   ? "N"
						 : "?");
		return;
	}
	out[0] = !p->tls ? '-' : p->must ? 'm' : 'o';
	out[1] = p->may_clear ? 'c' : '-';
	out[2] = p->check == CHECK_NAME   ? 'a'
		 : p->check == CHECK_DANE ? 'd'
					  : 'n';
	out[3] = '\0';
}

static void
every_mode_with_every_answer(void **state)
{
	(void)state;
	assert_int_equal(countof(rows), TLS_COUNT * DANE_COUNT);
	for (size_t i = 0; i < countof(rows); i++) {
		const char *want[] = {
		    [TLSA_NONE] = rows[i].none,
		    [TLSA_USABLE] = rows[i].usable,
		    [TLSA_UNUSABLE] = rows[i].unusable,
		    [TLSA_FAILED] = rows[i].failed,
		};

		for (int t = TLSA_NONE; t <= TLSA_FAILED; t++) {
			struct relay_settings r = {.tls = rows[i].mode,
						   .dane = rows[i].dane,
						   .port = 25};
			struct policy p;
			char got[4];

			letters(policy_for(&r, (enum tlsa_state)t, &p), &p,
				got);
			if (strcmp(got, want[t]) != 0)
				fail_msg("row %zu, TLSA %s: %s, not %s", i,
					 tlsa_word((enum tlsa_state)t), got,
					 want[t]);
		}
	}
}

/* There is no clear text to fall back to on a port that speaks TLS only. */
static void
implicit(void **state)
{
	static const struct {
		const char *name;
		enum tls_kind mode;
		enum tls_start_kind start;
		enum deliver_kind deliver;
		uint64_t port;
		bool implicit, must;
	} row[] = {
	    {"465", TLS_PREFERRED, TLS_START_AUTO, DELIVER_SMTP, 465, true,
	     true},
	    {"465 to mail exchangers", TLS_PREFERRED, TLS_START_AUTO,
	     DELIVER_MX, 465, false, false},
	    {"587", TLS_PREFERRED, TLS_START_AUTO, DELIVER_SMTP, 587, false,
	     false},
	    {"587, said so", TLS_PREFERRED, TLS_START_IMPLICIT, DELIVER_SMTP,
	     587, true, true},
	    {"465, said not to", TLS_REQUIRED, TLS_START_STARTTLS, DELIVER_SMTP,
	     465, false, true},
	    {"off", TLS_OFF, TLS_START_IMPLICIT, DELIVER_SMTP, 465, false,
	     false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct relay_settings r = {.tls = row[i].mode,
					   .tls_start = row[i].start,
					   .deliver = row[i].deliver,
					   .port = row[i].port,
					   .dane = DANE_YES};
		struct policy p;

		assert_int_equal(policy_for(&r, TLSA_NONE, &p), STATUS_COUNT);
		if (p.implicit != row[i].implicit || p.must != row[i].must ||
		    (p.implicit && p.may_clear))
			fail_msg("%s", row[i].name);
	}
}

/* A credential needs a channel that was checked; only a word in the
 * configuration changes that. */
static void
credentials(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		struct policy p = {.check = (enum policy_check)(i / 8),
				   .insecure_auth = (i & 1) != 0};
		bool tls = (i & 2) != 0, verified = (i & 4) != 0;
		bool want = p.insecure_auth ||
			    (tls && verified && p.check != CHECK_NOTHING);

		assert_int_equal(policy_may_auth(&p, tls, verified), want);
	}
}

/* Mail with a credential never goes on in clear. */
static void
never_clear_with_a_credential(void **state)
{
	struct list_of user = {.name = (char *)(uintptr_t) "user"};
	struct relay_settings r = {.tls = TLS_PREFERRED,
				   .port = 25,
				   .insecure_auth = true,
				   .auth = {&user, 1}};
	struct policy p;

	(void)state;
	assert_int_equal(policy_for(&r, TLSA_NONE, &p), STATUS_COUNT);
	assert_false(p.may_clear);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_mode_with_every_answer),
	    cmocka_unit_test(implicit),
	    cmocka_unit_test(credentials),
	    cmocka_unit_test(never_clear_with_a_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
