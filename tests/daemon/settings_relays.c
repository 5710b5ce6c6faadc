#include "tests/daemon/expect.h"

#define ONE(keys)                                                              \
	NAMES LISTEN SOURCE "relay out { host = mail.example " keys " }\n"
#define QUOTAS                                                                 \
	"quota a { limit = 1 } quota b { limit = 1 } quota c { limit = 1 }\n"  \
	"quota d { limit = 1 } quota e { limit = 1 } quota f { limit = 1 }\n"  \
	"quota g { limit = 1 } quota h { limit = 1 } quota i { limit = 1 }\n"

static void
wrong_relays(void **state)
{
	static const struct row table[] = {
	    {"a quota that is not there", ONE("quota = [a, z]") QUOTAS,
	     "f:5: quota: there is no quota z\n"},
	    {"a quota twice", ONE("quota = [a, b, a]") QUOTAS,
	     "f:5: quota: a stands twice; a message is charged to it once\n"},
	    {"nine quotas", ONE("quota = [a, b, c, d, e, f, g, h, i]") QUOTAS,
	     "f:5: quota: 9 quotas; a relay may have 8\n"},
	    {"no rate", ONE("rate = 14"),
	     "f:5: rate: '14' is not a rate; write one as 14/s, 30/min or "
	     "1000/h\n"},
	    {"a rate of nothing", ONE("rate = 0/s"),
	     "f:5: rate: '0/s' is too small; the least is 1\n"},
	    {"a rate a day", ONE("rate = 5/d"),
	     "f:5: rate: '5/d' is not a rate; write one as 14/s, 30/min or "
	     "1000/h\n"},
	    {"a rate too large", ONE("rate = 101k/s"),
	     "f:5: rate: '101k/s' is too large; the most is 100k\n"},
	    {"no role", ONE("role = zoho"),
	     "f:5: role: 'zoho' is none of relay, crm\n"},
	    {"no provider", ONE("provider = gmail"),
	     "f:5: provider: 'gmail' is none of none, m365, google, ses, "
	     "sendgrid, mailgun, postmark, exchange\n"},
	    {"patterns",
	     ONE("quota_replies = [\"550 *daily*\", \"250 ok\", 550, "
		 "\"55x a\", \"550-a\", \"421 4.7.0 *\"]\n"
		 "rate_replies = \"slow down\""),
	     "f:5: quota_replies: '250 ok' is not a code from 400 to 599 and "
	     "words, as \"550 *daily limit*\"\n"
	     "f:5: quota_replies: '550' is not a code from 400 to 599 and "
	     "words, as \"550 *daily limit*\"\n"
	     "f:5: quota_replies: '55x a' is not a code from 400 to 599 and "
	     "words, as \"550 *daily limit*\"\n"
	     "f:5: quota_replies: '550-a' is not a code from 400 to 599 and "
	     "words, as \"550 *daily limit*\"\n"
	     "f:6: rate_replies: 'slow down' is not a code from 400 to 599 "
	     "and words, as \"550 *daily limit*\"\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"eight quotas", ONE("quota = [a, b, c, d, e, f, g, h]") QUOTAS,
	     "f:8: warning: quota i is not used: no relay is charged to it\n"},
	    {"a Maildir with the keys of SMTP",
	     NAMES LISTEN SOURCE "relay out { deliver = maildir dir = /x\n"
				 "rate = 5/s\nprovider = ses }\n",
	     "f:7: warning: provider: only used with deliver = smtp\n"},
	    {"a Maildir with a quota",
	     NAMES LISTEN SOURCE
	     "relay out { deliver = maildir dir = /x quota = a }\n"
	     "quota a { limit = 1 }\n",
	     ""},
	    {"a retry of a type",
	     GOOD "retry slow { }\ntype mail { retry = slow }\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_relays),
	    cmocka_unit_test(doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
