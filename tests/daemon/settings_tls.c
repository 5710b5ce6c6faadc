/* tls, dane and their files: what can't work, and what is of no use. */
#include "tests/daemon/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE(keys)                                                              \
	NAMES LISTEN SOURCE "relay out { host = mail.example\n" keys " }\n"
#define AT(h, keys) NAMES LISTEN SOURCE "relay out { host = " h "\n" keys " }\n"
#define MX(keys)    NAMES LISTEN SOURCE "relay out { deliver = mx\n" keys " }\n"

static void
mistakes(void **state)
{
	static const struct row table[] = {
	    {"an address can't be verified",
	     AT("192.0.2.1", "tls = required-verify"),
	     "f:6: tls: 192.0.2.1 is an address; to verify a certificate give "
	     "the host's name, or tls_name\n"},
	    {"nor in the other mode",
	     AT("\"[2001:db8::1]\"", "tls = preferred-verify"),
	     "f:6: tls: [2001:db8::1] is an address; to verify a certificate "
	     "give the host's name, or tls_name\n"},
	    {"nor has it TLSA records", AT("192.0.2.1", "dane = require"),
	     "f:6: dane: 192.0.2.1 is an address; TLSA records belong to "
	     "names: give the host's name\n"},
	    {"DANE is TLS", ONE("tls = off\ndane = require"),
	     "f:7: dane = require needs TLS; tls is off\n"},
	    {"DANE is TLS with deliver = mx", MX("tls = off\ndane = require"),
	     "f:7: dane = require needs TLS; tls is off\n"},
	    {"TLS at once, but off", ONE("tls = off\ntls_start = implicit"),
	     "f:7: tls_start = implicit is TLS from the first octet; tls is "
	     "off\n"},
	    {"a certificate without its key", ONE("client_cert = /c"),
	     "f:6: client_cert needs client_key\n"},
	    {"a key without its certificate", ONE("client_key = file:/k"),
	     "f:6: client_key needs client_cert\n"},
	    {"a key that is a path", ONE("client_cert = /c\nclient_key = /k"),
	     "f:7: client_key is no reference: write file:/PATH, cred:NAME or "
	     "env:NAME; the secret itself never stands here\n"},
	    {"relative files",
	     ONE("client_cert = c\nclient_key = file:/k\n"
		 "ca_file = ca"),
	     "f:8: ca_file: 'ca' must begin with /\n"
	     "f:6: client_cert: 'c' must begin with /\n"},
	    {"a name that is none", ONE("tls_name = \"a b\""),
	     "f:6: tls_name: 'a b' is not a name, an IPv4 address or an IPv6 "
	     "address in brackets\n"},
	    {"a wrong value is told once", AT("192.0.2.1", "tls = verify"),
	     "f:6: tls: 'verify' is none of off, preferred, required, "
	     "preferred-verify, required-verify\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
fine(void **state)
{
	static const struct row table[] = {
	    {"an address and a name for it",
	     AT("192.0.2.1", "tls = required-verify tls_name = mail.example"),
	     ""},
	    {"an address without a check", AT("192.0.2.1", "tls = required"),
	     ""},
	    {"an address has never DANE", AT("192.0.2.1", "dane = yes"), ""},
	    {"a verified host", ONE("tls = required-verify dane = require"),
	     ""},
	    {"a certificate of ours",
	     ONE("client_cert = /c client_key = cred:k"), ""},
	    {"465", ONE("port = 465"), ""},
	    {"465 without TLS", ONE("port = 465\ntls = off"),
	     "f:6: warning: port: 465 speaks TLS from the first octet; with "
	     "tls = off nobody will answer\n"},
	    {"a certificate that is not shown",
	     ONE("tls = off\nclient_cert = /c client_key = file:/k"),
	     "f:7: warning: client_cert: not used with tls = off\n"},
	    {"deliver = mx", MX("tls = required dane = require"), ""},
	    {"deliver = mx to a place",
	     MX("host = mail.example\nport = 587\nlookup = host\n"
		"tls_name = mail.example"),
	     "f:6: warning: host: only used with deliver = smtp\n"
	     "f:7: warning: port: only used with deliver = smtp\n"
	     "f:8: warning: lookup: only used with deliver = smtp\n"
	     "f:9: warning: tls_name: only used with deliver = smtp\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

/* Only who reads the file looks whether certificates are there. */
static void
files(void **state)
{
	char folder[] = "/tmp/mtq-tls-XXXXXX";
	char *path, *text, *want;
	struct bytes report = {0};
	struct settings *s;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path = must_printf("%s/conf", folder);
	text =
	    must_printf(NAMES LISTEN SOURCE
			"relay out { host = mail.example\nca_file = /none/ca\n"
			"client_cert = %s\nclient_key = file:/none/key }\n",
			folder);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	assert_null(settings_load(path, &report));
	bytes_u8(&report, 0);
	want = must_printf("%s:6: ca_file: /none/ca: No such file or "
			   "directory\n%s:7: client_cert: %s is not a file\n",
			   path, path, folder);
	assert_string_equal((char *)report.data, want);
	report.n = 0;
	s = settings_parse("f", text, strlen(text), &report);
	assert_non_null(s);
	assert_int_equal(report.n, 0);
	settings_free(s);
	unlink(path);
	rmdir(folder);
	free(want);
	free(text);
	free(path);
	bytes_free(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mistakes),
	    cmocka_unit_test(fine),
	    cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
