/* How mail is protected on its way, in words: by settings, and by what DNS said
 * of a host. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "admin/explain_way.h"
#include "admin/relay_test_dns.h"

/* The relay block of a whole configuration. */
static void
test_settings(void **state)
{
	static const struct {
		const char *keys, *words;
	} cases[] = {
	    {"host = mx.test", "TLS preferred; DANE where DNSSEC proves TLSA "
			       "records"},
	    {"host = mx.test  tls = off", "without TLS"},
	    {"host = mx.test  tls = required  dane = no",
	     "TLS required; no DANE"},
	    {"host = mx.test  dane = require",
	     "TLS preferred; no mail without DANE"},
	    {"host = mx.test  tls = required-verify  dane = no",
	     "TLS required-verify, for mx.test or its mail exchanger; no DANE"},
	    {"host = mx.test  lookup = host  tls = preferred-verify  dane = no",
	     "TLS preferred-verify, for mx.test; no DANE"},
	    {"host = mx.test  tls_name = a.test  tls = required-verify  dane = "
	     "no",
	     "TLS required-verify, for a.test; no DANE"},
	    {"deliver = mx  tls = required-verify  dane = no",
	     "TLS required-verify, for the mail exchanger; no DANE"},
	    {"deliver = maildir  dir = /var/box", "into the Maildir /var/box"},
	    {"host = mx.test  tls = required-verify  dane = no  lookup = host\n"
	     "auth { user = crm  password = \"file:/etc/mtq/pw\" }",
	     "TLS required-verify, for mx.test; no DANE; AUTH as crm"},
	    {"host = mx.test  tls = required-verify  dane = no  lookup = host\n"
	     "auth { user = crm  password = \"file:/etc/mtq/pw\"  enabled = no "
	     "}",
	     "TLS required-verify, for mx.test; no DANE; credential stored, "
	     "not used"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct bytes text = {0}, report = {0};
		struct sentence got = {.n = 0};
		struct settings *s;

		bytes_printf(&text,
			     "instance = t\nhostname = mtq.test\n"
			     "listen \"in\" { address = \"127.0.0.1:10025\" }\n"
			     "source \"s\" { from_ip = 127.0.0.1 }\n"
			     "relay \"r\" {\n%s\n}\n",
			     cases[i].keys);
		s = settings_parse("test", (const char *)text.data, text.n,
				   &report);
		if (s == NULL)
			print_message("%.*s\n", (int)report.n,
				      (const char *)report.data);
		assert_non_null(s);
		explain_way(&s->relays[0], &got);
		assert_string_equal(got.text, cases[i].words);
		settings_free(s);
		bytes_free(&text);
		bytes_free(&report);
	}
}

static void
test_policy(void **state)
{
	static const struct {
		enum tls_kind tls;
		enum dane_kind dane;
		enum tlsa_state tlsa;
		const char *words;
	} cases[] = {
	    {TLS_OFF, DANE_YES, TLSA_USABLE, "without TLS"},
	    {TLS_PREFERRED, DANE_YES, TLSA_NONE,
	     "TLS if it is offered, any certificate will do"},
	    {TLS_PREFERRED, DANE_YES, TLSA_USABLE,
	     "TLS is a must, a TLSA record must match"},
	    {TLS_PREFERRED, DANE_YES, TLSA_UNUSABLE,
	     "TLS is a must, any certificate will do"},
	    {TLS_PREFERRED, DANE_YES, TLSA_FAILED,
	     "it is not used: 4.7.5 TLSA lookup failed"},
	    {TLS_PREFERRED, DANE_NO, TLSA_FAILED,
	     "TLS if it is offered, any certificate will do"},
	    {TLS_REQUIRED_VERIFY, DANE_NO, TLSA_USABLE,
	     "TLS is a must, a known CA must have signed for the name"},
	    {TLS_PREFERRED_VERIFY, DANE_NO, TLSA_NONE,
	     "TLS if it is offered, a known CA must have signed for the name"},
	    {TLS_REQUIRED, DANE_REQUIRE, TLSA_NONE,
	     "it is not used: 4.7.5 DANE is required, TLSA is missing"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const struct relay_settings r = {
		    .tls = cases[i].tls, .dane = cases[i].dane, .port = 25};
		struct sentence got = {.n = 0};
		bool used = explain_way_policy(&r, cases[i].tlsa, &got);

		assert_string_equal(got.text, cases[i].words);
		assert_int_equal(used, strstr(got.text, "not used") == NULL);
	}
}

static void
test_domain(void **state)
{
	static const struct {
		const char *address, *domain; /* NULL: none */
	} cases[] = {
	    {"b@Example.COM", "example.com"},
	    {"\"a@b\"@c.test", "c.test"},
	    {"b@[192.0.2.1]", "[192.0.2.1]"},
	    {"b", NULL},
	    {"b@", NULL},
	    {"", NULL},
	    {"b@c.test\r\nRSET", NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		char out[256];
		bool ok = relay_test_dns_domain(cases[i].address, out);

		assert_int_equal(ok, cases[i].domain != NULL);
		if (ok)
			assert_string_equal(out, cases[i].domain);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
