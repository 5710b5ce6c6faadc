/* Presets: what a provider's name fills in, and what the file keeps. */
#include "tests/daemon/expect.h"

#define ONE(keys) NAMES LISTEN SOURCE "relay out { " keys " }\n"

/* Lines of the configuration in force, each with where it came from. */
static void
shows(void **state)
{
	static const struct {
		const char *name, *text;
		const char *lines[8];
	} row[] = {
	    {"Exchange Online with a token",
	     ONE("provider = m365 auth { user = u token = cmd:/t }"),
	     {"host = smtp.office365.com # provider m365", "port = 587 # prov",
	      "lookup = host # provider m365",
	      "tls = required-verify # provider m365",
	      "connections = 3 # provider m365",
	      "rate = 30/min # provider m365",
	      "auth { user = [u]; token = [cmd:/t]; mechanism = [XOAUTH2] } "
	      "# f:5, provider m365"}},
	    {"Exchange Online with a password",
	     ONE("provider = m365 auth { user = u password = file:/p }"),
	     {"mechanism = [LOGIN] } # f:5, provider m365"}},
	    {"what is given stays",
	     ONE("provider = m365 host = a.example port = 25 connections = 2 "
		 "tls = required auth { user = u password = file:/p mechanism "
		 "= PLAIN } insecure_auth = yes"),
	     {"host = a.example # f:5", "port = 25 # f:5",
	      "connections = 2 # f:5", "tls = required # f:5",
	      "rate = 30/min # provider m365",
	      "mechanism = [PLAIN] } # f:5\n"}},
	    {"Google",
	     ONE("provider = google"),
	     {"host = smtp-relay.gmail.com # provider google",
	      "port = 587 # provider google",
	      "recipients_per_message = 100 # provider google",
	      "auth {} # default", "rate = \"\" # default"}},
	    {"Google with both",
	     ONE("provider = google auth { user = u password = file:/p token = "
		 "file:/t }"),
	     {"mechanism = [OAUTHBEARER, XOAUTH2, PLAIN, LOGIN] } # f:5, "
	      "provider google"}},
	    {"SES",
	     ONE("provider = ses host = email-smtp.eu-west-1.amazonaws."
		 "com"),
	     {"recipients_per_message = 50 # provider ses",
	      "tls = required-verify # provider ses"}},
	    {"SendGrid",
	     ONE("provider = sendgrid"),
	     {"host = smtp.sendgrid.net # provider sendgrid"}},
	    {"Mailgun",
	     ONE("provider = mailgun"),
	     {"host = smtp.mailgun.org # provider mailgun"}},
	    {"Postmark",
	     ONE("provider = postmark"),
	     {"host = smtp.postmarkapp.com # provider postmark"}},
	    {"only the replies",
	     ONE("provider = exchange host = a.example"),
	     {"port = 25 # default", "tls = preferred # default"}},
	    {"not for a Maildir",
	     ONE("provider = m365 deliver = maildir dir = /x"),
	     {"host = \"\" # default", "port = 25 # default"}},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes report = {0}, out = {0}, flat = {0};
		struct settings *s = parse(row[i].text, &report);

		if (s == NULL)
			fail_msg("%s: %s", row[i].name, (char *)report.data);
		settings_print(s, true, &out);
		for (size_t j = 0; j < out.n; j++) /* blanks once */
			if (out.data[j] != ' ' || out.data[j - 1] != ' ')
				bytes_u8(&flat, out.data[j]);
		bytes_u8(&flat, 0);
		for (size_t j = 0; j < 8 && row[i].lines[j]; j++)
			if (!strstr((char *)flat.data, row[i].lines[j]))
				fail_msg("%s: no '%s' in\n%s", row[i].name,
					 row[i].lines[j], (char *)flat.data);
		settings_free(s);
		bytes_free(&report);
		bytes_free(&out);
		bytes_free(&flat);
	}
}

/* The roles read what was printed, and get the same. */
static void
again(void **state)
{
	const char *text =
	    ONE("provider = m365 auth { user = u token = cmd:/t }");
	struct bytes report = {0}, one = {0}, two = {0};
	struct settings *s = parse(text, &report), *t;

	(void)state;
	assert_non_null(s);
	settings_print(s, false, &one);
	bytes_u8(&one, 0);
	report.n = 0;
	t = parse((char *)one.data, &report);
	assert_non_null(t);
	settings_print(t, false, &two);
	bytes_u8(&two, 0);
	assert_string_equal((char *)one.data, (char *)two.data);
	settings_free(s);
	settings_free(t);
	bytes_free(&report);
	bytes_free(&one);
	bytes_free(&two);
}

static void
mistakes(void **state)
{
	static const struct row table[] = {
	    {"SES has a host for each region", ONE("provider = ses"),
	     "f:5: relay out needs host, as email-smtp.REGION.amazonaws.com\n"},
	    {"no host at all", ONE(""), "f:5: relay out needs host\n"},
	    {"an auth without a credential",
	     ONE("provider = m365 auth { user = u }"),
	     "f:5: auth needs password or token, or client_cert beside it\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows),
	    cmocka_unit_test(again),
	    cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
