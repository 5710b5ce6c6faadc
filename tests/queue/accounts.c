#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/queue/account_box.h"

#define KEY      "key: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"
#define SALT     "AAAAAAAAAAAAAAAAAAAAAA=="
#define K        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define VERIFIER "SCRAM-SHA-256$4096:" SALT "$" K ":" K
#define STAMP    "2026-11-21T20:00:00Z"
#define LINE     "a " VERIFIER " " STAMP " -\n"

/* Who edits the file by hand learns which line is wrong, and why. */
static void
wrong_files(void **state)
{
	static const struct {
		const char *name, *text, *says;
	} table[] = {
	    {"an empty file", "", "there is no line key:"},
	    {"no key", LINE, "there is no line key:"},
	    {"two keys", KEY KEY,
	     "line 2: key: is there once, 32 octets in base64"},
	    {"a short key", "key: QUJD\n",
	     "line 1: key: is there once, 32 octets in base64"},
	    {"a password", KEY "a secret " STAMP " -\n",
	     "line 2: the password is not kept as SCRAM-SHA-256$..."},
	    {"another hash",
	     KEY "a SCRAM-SHA-1$4096:" SALT "$" K ":" K " " STAMP " -\n",
	     "line 2: the password is not kept as SCRAM-SHA-256$..."},
	    {"half a verifier", KEY "a SCRAM-SHA-256$4096:" SALT " x -\n",
	     "line 2: it should be SCRAM-SHA-256$ROUNDS:SALT$KEY:KEY"},
	    {"few rounds",
	     KEY "a SCRAM-SHA-256$4095:" SALT "$" K ":" K " " STAMP " -\n",
	     "line 2: rounds are a number from 4096 to 1000000"},
	    {"rounds without end",
	     KEY "a SCRAM-SHA-256$99999999999:" SALT "$" K ":" K " " STAMP
		 " -\n",
	     "line 2: rounds are a number from 4096 to 1000000"},
	    {"a short salt",
	     KEY "a SCRAM-SHA-256$4096:AAAA$" K ":" K " " STAMP " -\n",
	     "line 2: the salt is 16 to 64 octets in base64"},
	    {"a short key of a password",
	     KEY "a SCRAM-SHA-256$4096:" SALT "$AAAA:" K " " STAMP " -\n",
	     "line 2: each key is 32 octets in base64"},
	    {"a name with a colon", KEY "a:b " VERIFIER " " STAMP " -\n",
	     "line 2: a name has letters, digits and .-_@+, 128 at most"},
	    {"February 30", KEY "a " VERIFIER " 2026-02-30T00:00:00Z -\n",
	     "line 2: times are as 2026-12-01T00:00:00Z"},
	    {"a time with blanks", KEY "a " VERIFIER " 2026-2-3T00:00:00Z. -\n",
	     "line 2: times are as 2026-12-01T00:00:00Z"},
	    {"a word too few", KEY "a " VERIFIER " " STAMP "\n",
	     "line 2: it should be: name, password's keys, created, not "
	     "after"},
	    {"a word too many", KEY "a " VERIFIER " " STAMP " - -\n",
	     "line 2: it should be: name, password's keys, created, not "
	     "after"},
	    {"three passwords", KEY LINE LINE LINE,
	     "line 4: this account has two passwords already"},
	    {"two salts",
	     KEY LINE "a SCRAM-SHA-256$4097:" SALT "$" K ":" K " " STAMP " -\n",
	     "line 3: both passwords of an account have the same salt and "
	     "rounds"},
	    {"a tab", KEY "a\t" VERIFIER " " STAMP " -\n",
	     "line 2: only printable ASCII"},
	    {"line ends of Windows", KEY "a " VERIFIER " " STAMP " -\r\n",
	     "line 2: only printable ASCII"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct accounts *a =
		    accounts_read(table[i].text, strlen(table[i].text), &e);

		if (a != NULL)
			fail_msg("%s: taken", table[i].name);
		if (strcmp(e.text, table[i].says) != 0)
			fail_msg("%s: it says %s", table[i].name, e.text);
	}
}

static void
good_files(void **state)
{
	static const struct {
		const char *name, *text;
		size_t n;
	} table[] = {
	    {"nobody yet", KEY, 0},
	    {"one", KEY LINE, 1},
	    {"the key last", LINE KEY, 1},
	    {"no line end at the end", KEY "a " VERIFIER " " STAMP " -", 1},
	    {"comments and empty lines", "# x\n\n" KEY "#\xc3\xa4\n" LINE, 1},
	    {"two passwords", KEY LINE LINE, 1},
	    {"two accounts",
	     KEY "b@c.d " VERIFIER " " STAMP " " STAMP "\n" LINE, 2},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct accounts *a =
		    accounts_read(table[i].text, strlen(table[i].text), &e);

		if (a == NULL)
			fail_msg("%s: %s", table[i].name, e.text);
		assert_int_equal(a->n, table[i].n);
		accounts_free(a);
	}
}

static void
a_file_is_bounded(void **state)
{
	struct bytes b = {0};
	struct err e;

	(void)state;
	bytes_add_text(&b, KEY);
	while (b.n <= ACCOUNTS_BYTES)
		bytes_add_text(&b, "# filled\n");
	assert_null(accounts_read((char *)b.data, b.n, &e));
	bytes_free(&b);
}

/* What is written can be read, to the same values. */
static void
a_line_comes_back(void **state)
{
	struct accounts *a = account_box_accounts(4096), *again;
	struct bytes b = {0};

	(void)state;
	account_box_begin(&b);
	for (size_t i = 0; i < a->n; i++)
		for (unsigned j = 0; j < a->account[i].npasswords; j++)
			account_line(&a->account[i], &a->account[i].password[j],
				     &b);
	again = account_box_read(&b);
	assert_int_equal(a->n, again->n);
	for (size_t i = 0; i < a->n; i++)
		assert_memory_equal(&a->account[i], &again->account[i],
				    sizeof a->account[i]);
	accounts_free(a);
	accounts_free(again);
	bytes_free(&b);
}

/* RFC 7677 3: its password, salt and rounds give its proof and signature. */
static void
vector_of_rfc_7677(void **state)
{
	static const char message[] =
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	struct account_look l = {.rounds = 4096};
	unsigned char proof[MAC_SIZE], server[MAC_SIZE], want[MAC_SIZE];
	size_t n;

	(void)state;
	assert_true(base64_read(text_of("W22ZaJ0SNY7soEsUEjb6gQ=="), l.salt,
				sizeof l.salt, &l.nsalt));
	account_prove(text_of("pencil"), l.salt, l.nsalt, l.rounds,
		      &l.proof[1]);
	assert_true(
	    base64_read(text_of("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
			proof, sizeof proof, &n));
	assert_int_equal(account_check_scram(&l, text_of(message), proof), 1);
	mac_make((struct text){(char *)l.proof[1].server, MAC_SIZE},
		 text_of(message), server);
	assert_true(
	    base64_read(text_of("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
			want, sizeof want, &n));
	assert_memory_equal(server, want, sizeof want);
	proof[0] ^= 1;
	assert_int_equal(account_check_scram(&l, text_of(message), proof),
			 ACCOUNT_PASSWORDS);
}

static void
passwords(void **state)
{
	static const struct {
		const char *name, *account, *password;
		bool right, known, live;
	} table[] = {
	    {"the first", "app", "first password", true, true, true},
	    {"the second", "app", "second password", true, true, true},
	    {"that of another", "app", "x's password", false, true, true},
	    {"a part of it", "app", "first passwor", false, true, true},
	    {"more than it", "app", "first password ", false, true, true},
	    {"nothing", "app", "", false, true, true},
	    {"one that is over", "old", "over and out", false, true, false},
	    {"a stranger", "nobody", "first password", false, false, false},
	    {"a part of a name", "ap", "first password", false, false, false},
	    {"another case", "App", "first password", false, false, false},
	    {"no name", "", "", false, false, false},
	};
	struct accounts *a = account_box_accounts(4096);
	struct account_look l;

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		accounts_look(a, text_of(table[i].account), BOX_NOW, &l);
		if ((account_check(&l, text_of(table[i].password)) <
		     ACCOUNT_PASSWORDS) != table[i].right ||
		    l.known != table[i].known || l.live != table[i].live)
			fail_msg("%s", table[i].name);
	}
	/* The first one's time is over, the second one's never. */
	accounts_look(a, text_of("app"), BOX_NOW + 2 * HOUR_US, &l);
	assert_int_equal(account_check(&l, text_of("first password")),
			 ACCOUNT_PASSWORDS);
	assert_int_equal(account_check(&l, text_of("second password")), 1);
	accounts_free(a);
}

/* A stranger sees the same of a name that is not there each time, and nothing
 * that two names share. */
static void
invented_names(void **state)
{
	struct accounts *a = account_box_accounts(5000);
	struct account_look one, again, other;

	(void)state;
	accounts_look(a, text_of("nobody"), BOX_NOW, &one);
	accounts_look(a, text_of("nobody"), BOX_NOW + 9, &again);
	accounts_look(a, text_of("no-one"), BOX_NOW, &other);
	assert_memory_equal(&one, &again, sizeof one);
	assert_memory_not_equal(one.salt, other.salt, ACCOUNT_SALT);
	assert_memory_not_equal(one.proof, other.proof, sizeof one.proof);
	assert_int_equal(one.rounds, 5000);
	assert_int_equal(one.nsalt, ACCOUNT_SALT);
	assert_memory_not_equal(one.proof[0].stored, one.proof[1].stored,
				MAC_SIZE);
	accounts_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_files),
	    cmocka_unit_test(good_files),
	    cmocka_unit_test(a_file_is_bounded),
	    cmocka_unit_test(a_line_comes_back),
	    cmocka_unit_test(vector_of_rfc_7677),
	    cmocka_unit_test(passwords),
	    cmocka_unit_test(invented_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
