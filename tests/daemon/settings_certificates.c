/* Blocks tls and the TLS keys of listeners. */
#include "tests/daemon/expect.h"

#include "daemon/settings_certificates.h"

#define REST     NAMES SOURCE RELAY /* 4 lines */
#define IN(keys) REST "listen in { address = 127.0.0.1:25\n" keys " }\n"
#define CERT(n)  "tls " n " { cert = \"file:/c\"\nkey = \"file:/k\" }\n"

static void
mistakes(void **state)
{
	static const struct row table[] = {
	    {"TLS without a certificate", IN("tls = optional"),
	     "f:6: tls needs a certificate: a block tls with cert and key\n"},
	    {"which of two", IN("tls = required") CERT("a") CERT("b"),
	     "f:6: tls: there are 2 blocks tls; certificate says which of "
	     "them, the default one first\n"},
	    {"a block that is not there",
	     IN("tls = optional\ncertificate = [a, b]") CERT("a"),
	     "f:7: certificate: there is no tls b\n"},
	    {"one twice", IN("tls = optional\ncertificate = [a, a]") CERT("a"),
	     "f:7: certificate: a is there twice\n"},
	    {"a certificate of clients without TLS", IN("client_cert = log"),
	     "f:6: client_cert: a client can show none with tls = off\n"},
	    {"a relative path",
	     IN("tls = optional client_cert = log\nclient_ca = ca") CERT("a"),
	     "f:7: client_ca: 'ca' must begin with /\n"},
	    {"a path where a reference belongs",
	     IN("tls = optional") "tls a { cert = /c\nkey = \"file:/k\" }\n",
	     "f:7: cert is no reference: write file:/PATH, cred:NAME or "
	     "env:NAME; the secret itself never stands here\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
fine(void **state)
{
	static const struct row table[] = {
	    {"the only certificate is for all", IN("tls = optional") CERT("a"),
	     ""},
	    {"nobody shows the other one",
	     IN("tls = optional\ncertificate = a") CERT("a") CERT("b"),
	     "f:10: warning: no listener shows this certificate\n"},
	    {"prepared, but no TLS yet", IN("") CERT("a"), ""},
	    {"named and not used", IN("certificate = a") CERT("a"),
	     "f:6: warning: certificate: not used with tls = off\n"},
	    {"CAs for nobody", IN("tls = optional\nclient_ca = /ca") CERT("a"),
	     "f:7: warning: client_ca: not used with client_cert = off\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

/* The order of `certificate` is the order in which they are shown. */
static void
the_default_is_first(void **state)
{
	struct bytes report = {0};
	struct settings *s = parse(IN("tls = optional\ncertificate = [b, a]")
				       CERT("a") CERT("b"),
				   &report);
	const struct listen_settings *l = &s->listens[0];

	(void)state;
	assert_string_equal(settings_certificate(s, l, 0)->title, "b");
	assert_string_equal(settings_certificate(s, l, 1)->title, "a");
	assert_null(settings_certificate(s, l, 2));
	settings_free(s);
	bytes_free(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mistakes),
	    cmocka_unit_test(fine),
	    cmocka_unit_test(the_default_is_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
