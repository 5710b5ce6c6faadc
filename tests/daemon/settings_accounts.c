#include "tests/daemon/expect.h"

#define ACCOUNTS(value) GOOD "accounts = " value "\n"
#define LISTENS(keys)                                                          \
	NAMES "listen in { address = 127.0.0.1:25 " keys " }\n" SOURCE RELAY   \
	      "accounts = file:/a\n"

static void
wrong(void **state)
{
	static const struct row table[] = {
	    {"a path alone", ACCOUNTS("/etc/mtq/accounts"),
	     "f:6: accounts: '/etc/mtq/accounts' is not file:/path or "
	     "cred:NAME\n"},
	    {"the environment", ACCOUNTS("env:ACCOUNTS"),
	     "f:6: accounts: 'env:ACCOUNTS' is not file:/path or cred:NAME\n"},
	    {"a mechanism that needs the password itself",
	     LISTENS("insecure_auth = yes mechanism = [PLAIN, CRAM-MD5]"),
	     "f:3: mechanism: 'CRAM-MD5' is not PLAIN, LOGIN, SCRAM-SHA-256 or "
	     "SCRAM-SHA-256-PLUS\n"},
	    {"twice", LISTENS("insecure_auth = yes mechanism = [PLAIN, plain]"),
	     "f:3: mechanism: plain stands here twice\n"},
	    {"none", LISTENS("insecure_auth = yes mechanism = []"),
	     "f:3: mechanism: the list is empty\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
good(void **state)
{
	static const struct row table[] = {
	    {"a file", LISTENS("insecure_auth = yes"), ""},
	    {"one mechanism", LISTENS("insecure_auth = yes mechanism = PLAIN"),
	     ""},
	    {"nobody can", LISTENS(""),
	     "f:6: warning: accounts: no listener has tls, so nobody can "
	     "authenticate\n"},
	    {"no accounts",
	     NAMES "listen in { address = 127.0.0.1:25 insecure_auth = yes\n"
		   "mechanism = PLAIN }\n" SOURCE RELAY,
	     "f:3: warning: insecure_auth: only used with accounts\n"
	     "f:4: warning: mechanism: only used with accounts\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(wrong),
						  cmocka_unit_test(good)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
