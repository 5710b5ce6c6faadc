/* Which replies speak of the provider's limits, and which only sound so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pattern.h"
#include "queue/wall.h"

/* A reply as the worker reports it: "550-5.4.5 ..." gives code and status. */
static struct verdict
reply(const char *text)
{
	struct verdict v = {.kind = VERDICT_DEFER, .stage = STAGE_DOT};

	v.code = (uint16_t)atoi(text);
	if (v.code >= 500)
		v.kind = VERDICT_FAIL;
	if (strlen(text) > 6 && text[5] == '.')
		snprintf(v.status, sizeof v.status, "%.*s",
			 (int)strcspn(text + 4, " "), text + 4);
	else
		snprintf(v.status, sizeof v.status, "%u.0.0", v.code / 100U);
	snprintf(v.reply, sizeof v.reply, "%s", text);
	return v;
}

static const struct {
	const char *name;
	enum provider_kind provider;
	const char *reply;
	enum wall_kind kind;
	enum wall_until until;
	int64_t wait_s;
} known[] = {
    {"SES, the day", PROVIDER_SES,
     "454 Throttling failure: Daily message quota exceeded. (in reply to end "
     "of DATA command)",
     WALL_QUOTA, WALL_RESET, 900},
    {"SES, the second", PROVIDER_SES,
     "454 Throttling failure: Maximum sending rate exceeded.", WALL_RATE,
     WALL_WAIT, 2},
    {"SES's words from another relay", PROVIDER_NONE,
     "454 Throttling failure: Daily message quota exceeded.", WALL_NONE,
     WALL_RESET, 0},
    {"SES's words with another code", PROVIDER_SES,
     "554 Throttling failure: Daily message quota exceeded.", WALL_NONE,
     WALL_RESET, 0},
    {"Google, a user's day", PROVIDER_GOOGLE,
     "550 5.4.5 Daily user sending quota exceeded. - gsmtp", WALL_QUOTA,
     WALL_RESET, 86400},
    {"Google, a relay's day, in lines", PROVIDER_GOOGLE,
     "550-5.4.5 Daily SMTP relay limit 550-5.4.5 exceeded for user. For more "
     "550 5.4.5 information, visit x - gsmtp (in reply to RCPT TO command)",
     WALL_QUOTA, WALL_RESET, 86400},
    {"Google, a customer's day", PROVIDER_GOOGLE,
     "550-5.7.1 Daily SMTP relay limit 550 5.7.1 exceeded for customer.",
     WALL_QUOTA, WALL_RESET, 86400},
    {"Google, a policy", PROVIDER_GOOGLE,
     "550 5.7.1 This message violates the email policy.", WALL_NONE, WALL_RESET,
     0},
    {"Google, the peak", PROVIDER_GOOGLE,
     "450 4.2.1 Peak SMTP relay limit exceeded for customer.", WALL_QUOTA,
     WALL_WAIT, 900},
    {"Google, a busy recipient", PROVIDER_GOOGLE,
     "450-4.2.1 The user you are trying to contact is receiving mail at a rate "
     "450-4.2.1 that prevents additional messages from being delivered. 450 "
     "4.2.1 Try again in 10 minutes",
     WALL_NONE, WALL_RESET, 0},
    {"Google, a busy recipient, cut in the words", PROVIDER_GOOGLE,
     "450-4.2.1 The user you are trying to 450 4.2.1 contact is receiving "
     "mail too quickly.",
     WALL_NONE, WALL_RESET, 0},
    {"Exchange, tenant", PROVIDER_EXCHANGE,
     "550 5.7.232 Your message can't be sent because your trial tenant has "
     "exceeded its daily limit",
     WALL_QUOTA, WALL_RESET, 3600},
    {"Exchange, tenant too", PROVIDER_EXCHANGE,
     "550 5.7.233 Your message can't be sent because your tenant exceeded its "
     "daily limit for sending email to external recipients",
     WALL_QUOTA, WALL_RESET, 3600},
    {"Exchange by its preset's name", PROVIDER_M365,
     "550 5.7.233 Your message can't be sent because your tenant exceeded its "
     "daily limit for sending email to external recipients",
     WALL_QUOTA, WALL_RESET, 3600},
    {"Exchange, a neighbour of these numbers", PROVIDER_EXCHANGE,
     "550 5.7.23 SPF validation failed", WALL_NONE, WALL_RESET, 0},
    {"Exchange, mailbox submits too much", PROVIDER_EXCHANGE,
     "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException;"
     " Failed to process message",
     WALL_QUOTA, WALL_RESET, 3600},
    {"Exchange, the same with the number of a full mailbox", PROVIDER_EXCHANGE,
     "550 5.2.2 The sender's submission quota was exceeded", WALL_QUOTA,
     WALL_RESET, 3600},
    {"Exchange, connections", PROVIDER_EXCHANGE,
     "432 4.3.2 STOREDRV.ClientSubmit; concurrent connections limit exceeded",
     WALL_RATE, WALL_WAIT, 5},
    {"Exchange, threads of the sender", PROVIDER_EXCHANGE,
     "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", WALL_RATE,
     WALL_WAIT, 5},
    {"Exchange, threads of a recipient", PROVIDER_EXCHANGE,
     "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded", WALL_NONE,
     WALL_RESET, 0},
    {"Exchange, too many errors", PROVIDER_EXCHANGE,
     "550 5.2.251 Sender throttled due to continuous mailbox full errors.",
     WALL_QUOTA, WALL_WAIT, 3600},
    {"Exchange, basic authentication is off", PROVIDER_EXCHANGE,
     "550 5.7.30 Basic authentication is not supported for Client Submission.",
     WALL_NONE, WALL_RESET, 0},
    {"SendGrid, credits", PROVIDER_SENDGRID,
     "451 Authentication failed: Maximum credits exceeded", WALL_QUOTA,
     WALL_UTC_DAY, 0},
    {"SendGrid, a wrong password", PROVIDER_SENDGRID,
     "535 Authentication failed: Bad username / password", WALL_NONE,
     WALL_RESET, 0},
    {"Plesk", PROVIDER_NONE,
     "554 5.7.0 Your message could not be sent. The limit on the number of "
     "allowed outgoing messages was exceeded. Try again later.",
     WALL_QUOTA, WALL_WAIT, 3600},
    {"outMail", PROVIDER_SES,
     "554 5.7.1 <x@to.test>: You have exceeded your Outmail quota", WALL_QUOTA,
     WALL_WAIT, 3600},
    {"msndr", PROVIDER_NONE, "550 Too many messages. Try again in 92 seconds.",
     WALL_RATE, WALL_WAIT, 92},
    {"msndr, for long: shown as closed", PROVIDER_NONE,
     "550 Too many messages. Try again in 20 minutes.", WALL_QUOTA, WALL_WAIT,
     1200},
    {"no more than a day, whatever is said", PROVIDER_NONE,
     "550 Too many messages. Try again in 99999999999999999999 hours.",
     WALL_QUOTA, WALL_WAIT, 86400},
    {"no less than a minute for a limit", PROVIDER_NONE,
     "454 4.7.0 exceeded your outmail quota, try again in 1 second", WALL_QUOTA,
     WALL_WAIT, 60},
    {"a number without a unit says nothing", PROVIDER_NONE,
     "550 Too many messages. Try again in 92", WALL_RATE, WALL_WAIT, 5},
    {"any case", PROVIDER_SES,
     "454 THROTTLING FAILURE: daily MESSAGE Quota Exceeded", WALL_QUOTA,
     WALL_RESET, 900},
    {"a full mailbox", PROVIDER_GOOGLE, "452 4.2.2 mailbox full", WALL_NONE,
     WALL_RESET, 0},
    {"a full mailbox for good", PROVIDER_EXCHANGE,
     "552 5.2.2 over quota, daily", WALL_NONE, WALL_RESET, 0},
    {"a full mailbox without a number", PROVIDER_NONE,
     "552 mailbox is full: too many messages, try again in 9 hours", WALL_NONE,
     WALL_RESET, 0},
    {"success", PROVIDER_SES, "250 Daily message quota exceeded? No.",
     WALL_NONE, WALL_RESET, 0},
    {"nobody there", PROVIDER_SES, "550 5.1.1 no such user", WALL_NONE,
     WALL_RESET, 0},
};

static void
known_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(known); i++) {
		struct relay_settings r = {.provider = known[i].provider};
		struct verdict v = reply(known[i].reply);
		struct wall w = wall_of(&r, &v);

		if (w.kind != known[i].kind ||
		    (w.kind != WALL_NONE && (w.until != known[i].until ||
					     w.wait_s != known[i].wait_s)))
			fail_msg("%s: kind %d until %d wait %lld",
				 known[i].name, w.kind, w.until,
				 (long long)w.wait_s);
	}
}

static const struct {
	const char *name, *pattern, *reply;
	bool found;
} own[] = {
    {"words in the middle", "550 *daily limit*",
     "550 5.7.0 your daily limit is reached", true},
    {"without stars too", "550 daily limit",
     "550 5.7.0 your daily limit is reached", true},
    {"with its status", "550 5.4.5 *daily*", "550 5.4.5 your daily limit",
     true},
    {"in order only", "550 *limit*daily*", "550 5.4.5 your daily limit", false},
    {"another code", "550 *daily*", "551 your daily limit", false},
    {"a number is whole", "550 5.4.5 *daily*", "550 5.4.53 your daily limit",
     false},
    {"a number is whole in front", "550 *2 mails*", "550 12 mails a day",
     false},
    {"any reply of this code", "450 *", "450 whatever", true},
    {"not what we add", "550 *command*",
     "550 no (in reply to MAIL FROM command)", false},
    {"over the end of a line", "450 *sending limit*",
     "450-4.7.1 your sending 450 4.7.1 limit was reached", true},
    {"case", "450 *Sending LIMIT*", "450 sendiNg limiT", true},
    {"two blanks are one", "450 *sending limit*", "450 sending  limit", true},
    {"never a full mailbox", "552 *", "552 5.2.2 the mailbox is full", false},
    {"not a pattern", "x50 daily", "450 daily", false},
};

static void
own_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(own); i++) {
		char *item = must_strdup(own[i].pattern);
		struct relay_settings r = {.quota_replies = {&item, 1}};
		struct verdict v = reply(own[i].reply);

		if ((wall_of(&r, &v).kind == WALL_QUOTA) != own[i].found)
			fail_msg("%s", own[i].name);
		r.rate_replies = r.quota_replies;
		r.quota_replies.n = 0;
		if ((wall_of(&r, &v).kind == WALL_RATE) != own[i].found)
			fail_msg("%s, rate", own[i].name);
		free(item);
	}
}

static const struct {
	const char *text;
	bool good;
} pattern[] = {
    {"550 *daily*", true}, {"450 x", true}, {"250 ok", false}, {"55 x", false},
    {"550", false},        {"550 ", false}, {"", false},       {"5x0 a", false},
    {"550-a", false},      {"550 *", true}, {"650 *x", false},
};

static void
what_a_pattern_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(pattern); i++)
		if (pattern_is(pattern[i].text) != pattern[i].good)
			fail_msg("'%s'", pattern[i].text);
}

/* Before MAIL a refusal concerns the host: its class is 4, whatever it said. */
static void
at_the_greeting(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(known); i++) {
		struct relay_settings r = {.provider = known[i].provider};
		struct verdict v = reply(known[i].reply);

		if (v.code < 400)
			continue;
		v.kind = VERDICT_DEFER;
		v.status[0] = '4';
		if (wall_of(&r, &v).kind != known[i].kind)
			fail_msg("%s", known[i].name);
	}
}

/* Our own words are no provider's. */
static void
our_own_words(void **state)
{
	char all[] = "450 *", *item = all;
	struct relay_settings r = {.quota_replies = {&item, 1}};
	struct verdict v = verdict_of(STATUS_LOST, STAGE_DOT, "450 x");

	(void)state;
	assert_int_equal(wall_of(&r, &v).kind, WALL_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_replies),
	    cmocka_unit_test(at_the_greeting),
	    cmocka_unit_test(own_patterns),
	    cmocka_unit_test(what_a_pattern_is),
	    cmocka_unit_test(our_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
