/* Reports: what one looks like, and what hostile octets become in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "queue/field.h"
#include "tests/queue/report.h"

static const struct dsn_recipient bob = {
    .address = {"bob@example.net", 15},
    .orcpt = {"rfc822;Bob+2Btag@example.net", 28},
    .status = {"5.1.1", 5},
    .reply = {"550 5.1.1 No such user (in reply to RCPT TO command)", 52},
    .remote = {"mx.example.net[192.0.2.1]:25", 28},
    .code = 550,
    .last_us = INT64_C(1795244543000000),
    .until_us = INT64_C(1795604544000000),
};

static struct dsn
plain(enum dsn_action a, const struct dsn_recipient *r, size_t n)
{
	return (struct dsn){
	    .action = a,
	    .hostname = text_of("mx1.example.com"),
	    .id = text_of("0M5RTX2BK7QD"),
	    .original = text_of("0M5RTX2BK7QC"),
	    .to = text_of("crm@example.com"),
	    .envid = text_of("QQ+2B314159"),
	    .subject = text_of("Your invoice"),
	    .client = text_of("crm.example.com"),
	    .now_us = INT64_C(1795244544000000),
	    .arrival_us = INT64_C(1795244484000000),
	    .recipient = r,
	    .n = n,
	};
}

static void
check(const char *name, const struct dsn *d)
{
	static struct report_reader r;

	if (report_wrong(d, (struct text){"", 0}, &r) != NULL)
		fail_msg("%s: %s: %s: [%s], planned [%s]", name, r.wrong,
			 r.name, r.value, r.plan);
}

/* What `d` reads like, and what it ends with. */
static char *
written(const struct dsn *d)
{
	struct bytes b = {0};

	dsn_head(d, &b);
	bytes_add_text(&b, "Subject: x\r\n\r\n");
	dsn_tail(d, &b);
	bytes_add(&b, "", 1);
	return (char *)b.data;
}

static void
test_golden(void **state)
{
	static const char want[] =
	    "From: \"Mail Delivery System\" <MAILER-DAEMON@mx1.example.com>\r\n"
	    "To: <crm@example.com>\r\n"
	    "Subject: Undelivered mail: Your invoice\r\n"
	    "Date: Sat, 21 Nov 2026 07:02:24 +0000\r\n"
	    "Message-ID: <0M5RTX2BK7QD@mx1.example.com>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    " boundary=\"=_mtq_0M5RTX2BK7QD_0M5RTX2BK7QC_000660c3f1548000\"\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\n"
	    "--=_mtq_0M5RTX2BK7QD_0M5RTX2BK7QC_000660c3f1548000\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\n"
	    "This is the mail server mx1.example.com.\r\n"
	    "\r\n"
	    "Your message could not be delivered to the recipients below. We "
	    "don't try\r\n"
	    "again for them.\r\n"
	    "\r\n"
	    "    Subject:  Your invoice\r\n"
	    "    Received: Sat, 21 Nov 2026 07:01:24 +0000\r\n"
	    "    Queue ID: 0M5RTX2BK7QC\r\n"
	    "\r\n"
	    "<bob@example.net>\r\n"
	    "    mx.example.net said: \"550 5.1.1 No such user (in reply to "
	    "RCPT TO\r\n"
	    "    command)\"\r\n"
	    "    There is no such mailbox. Look for a mistake in the address, "
	    "and don't\r\n"
	    "    write to it again if there is none.\r\n"
	    "\r\n"
	    "--=_mtq_0M5RTX2BK7QD_0M5RTX2BK7QC_000660c3f1548000\r\n"
	    "Content-Type: message/delivery-status\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\n"
	    "Original-Envelope-Id: QQ+314159\r\n"
	    "Reporting-MTA: dns; mx1.example.com\r\n"
	    "Received-From-MTA: dns; crm.example.com\r\n"
	    "Arrival-Date: Sat, 21 Nov 2026 07:01:24 +0000\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822; Bob+tag@example.net\r\n"
	    "Final-Recipient: rfc822; bob@example.net\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.example.net\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 No such user (in reply to RCPT "
	    "TO command)\r\n"
	    "Last-Attempt-Date: Sat, 21 Nov 2026 07:02:23 +0000\r\n"
	    "\r\n"
	    "--=_mtq_0M5RTX2BK7QD_0M5RTX2BK7QC_000660c3f1548000\r\n"
	    "Content-Type: text/rfc822-headers\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\n"
	    "Subject: x\r\n"
	    "\r\n"
	    "\r\n"
	    "--=_mtq_0M5RTX2BK7QD_0M5RTX2BK7QC_000660c3f1548000--\r\n";
	struct dsn d = plain(DSN_FAILED, &bob, 1);
	char *got = written(&d);

	(void)state;
	assert_string_equal(got, want);
	free(got);
}

/* One thing differs from the plain report; what must stand in it then. */
static const struct row {
	const char *name;
	struct {
		enum dsn_action action;
		const char *to, *envid, *subject, *client;
		bool full, eightbit, utf8;
	} d;
	struct {
		const char *address, *orcpt, *status, *reply, *remote;
		int code; /* -1: we speak ourselves */
	} r;
	const char *has[3];
} rows[] = {
    {"a delay",
     {.action = DSN_DELAYED},
     {.status = "4.2.0", .reply = "451 4.2.0 Greylisted", .code = 451},
     {"Subject: Delayed mail: Your invoice\r\n",
      "Will-Retry-Until: Wed, 25 Nov 2026 11:02:24 +0000\r\n",
      "    We try until Wed, 25 Nov 2026 11:02:24 +0000.\r\n"}},
    {"a delivery",
     {.action = DSN_DELIVERED},
     {.status = "2.0.0", .reply = "delivered to the Maildir", .code = -1},
     {"Action: delivered\r\nStatus: 2.0.0\r\n",
      "Diagnostic-Code: x-mtq; delivered to the Maildir\r\n",
      "    We found: delivered to the Maildir\r\n"}},
    {"passed on",
     {.action = DSN_RELAYED},
     {.status = "2.0.0", .reply = "250 2.0.0 Ok", .code = 250},
     {"Subject: Mail passed on: Your invoice\r\n",
      "Action: relayed\r\nStatus: 2.0.0\r\n",
      "Diagnostic-Code: smtp; 250 2.0.0 Ok\r\n"}},
    {"a message of eight bits, whole",
     {.full = true, .eightbit = true},
     {0},
     {"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--=_mtq",
      "us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n",
      "message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"}},
    {"SMTPUTF8",
     {.to = "j\xc3\xb6@x.y", .subject = "\xc3\x96l", .utf8 = true},
     {.address = "b\xc3\xbc@x.y"},
     {"To: <j\xc3\xb6@x.y>\r\nSubject: Undelivered mail: \xc3\x96l\r\n",
      "message/global-delivery-status\r\n",
      "Final-Recipient: utf-8; b\xc3\xbc@x.y\r\n"}},
    {"SMTPUTF8, whole",
     {.utf8 = true, .full = true},
     {0},
     {"message/global\r\nContent-Transfer-Encoding: 8bit\r\n"}},
    {"an address beyond ASCII in ASCII",
     {.subject = "x"},
     {.address = "b\xc3\xbc+1@b\xc3\xbc.x"},
     {"Final-Recipient: utf-8; b\\x{FC}\\x{2B}1@b\\x{FC}.x\r\n",
      "<b\\x{FC}\\x{2B}1@b\\x{FC}.x>\r\n"}},
    {"an address that turns text around",
     {.utf8 = true},
     {.address = "b\xe2\x80\xaeob@x.y"},
     {"Final-Recipient: utf-8; b\\x{202E}ob@x.y\r\n",
      "<b\\x{202E}ob@x.y>\r\n"}},
    {"an address of raw octets",
     {.utf8 = true},
     {.address = "b\xff\r\nX: \x1b@x.y"},
     {"Final-Recipient: rfc822; b???X: ?@x.y\r\n"}},
    {"an address in quotes, with blanks",
     {0},
     {.address = "\"b  b\"@x.y"},
     {"Final-Recipient: rfc822; \"b  b\"@x.y\r\n"}},
    {"an address like an encoded word",
     {0},
     {.address = "=?utf-8?q?x?=@x.y"},
     {"Final-Recipient: rfc822; =?utf-8?q?x?=@x.y\r\n"}},
    {"a sender that is none",
     {.to = "a>\r\nBcc: <b@c"},
     {0},
     {"To: undisclosed-recipients:;\r\nSubject: "}},
    {"a sender beyond ASCII in an ASCII report",
     {.to = "j\xc3\xb6@x.y"},
     {0},
     {"To: undisclosed-recipients:;\r\n"}},
    {"ORCPT with a line end",
     {0},
     {.orcpt = "rfc822;a+0D+0AStatus:+202.0.0@b"},
     {"Original-Recipient: rfc822; a??Status: 2.0.0@b\r\n"}},
    {"ORCPT without a type",
     {0},
     {.orcpt = "bob@example.net"},
     {"+0000\r\n\r\nFinal-Recipient: "}},
    {"ORCPT with a type of other signs",
     {0},
     {.orcpt = "rfc 822\r\n;bob@example.net"},
     {"+0000\r\n\r\nFinal-Recipient: "}},
    {"ORCPT with half an escape",
     {0},
     {.orcpt = "rfc822;bob+2"},
     {"+0000\r\n\r\nFinal-Recipient: "}},
    {"ORCPT of SMTPUTF8",
     {0},
     {.orcpt = "utf-8;b\\x{FC}@x.y"},
     {"Original-Recipient: utf-8; b\\x{FC}@x.y\r\n"}},
    {"ENVID with NUL, ESC and a line end",
     {.envid = "a+00+1B+0A+C3+BCb"},
     {0},
     {"\r\n\r\nOriginal-Envelope-Id: a????b\r\nReporting-MTA: "}},
    {"ENVID that is no xtext",
     {.envid = "a=b"},
     {0},
     {"7bit\r\n\r\nReporting-MTA: "}},
    {"HELO that is no name",
     {.client = "x y\r\nAction: delivered"},
     {0},
     {"Reporting-MTA: dns; mx1.example.com\r\nArrival-Date: "}},
    {"HELO that is an address",
     {.client = "[IPv6:2001:db8::1]"},
     {0},
     {"Received-From-MTA: dns; [IPv6:2001:db8::1]\r\n"}},
    {"a reply with lines of its own",
     {0},
     {.reply = "550 x\r\n\r\nFinal-Recipient: rfc822; z@z\r\nAction: "
	       "delivered\r\n"},
     {"smtp; 550 x????Final-Recipient: rfc822; z@z??Action:\r\n delivered??"
      "\r\nLast"}},
    {"a reply with ESC, Latin-1, RTL and UTF-8",
     {0},
     {.reply = "550 a\x1b[2J b\xfc \xe2\x80\xae \xc3\xbc"},
     {"smtp; 550 a?[2J b? ??? ?\r\n", "said: \"550 a?[2J b? ??? ?\"\r\n"}},
    {"a reply of UTF-8 in a report of UTF-8",
     {.utf8 = true},
     {.reply = "550 \xe2\x80\xae \xc3\xbc"},
     {"smtp; 550 ??? \xc3\xbc\r\n"}},
    {"a reply with an encoded word",
     {0},
     {.reply = "550 =?utf-8?q?=0D=0A?= x"},
     {"smtp; 550 ??utf-8?q?=0D=0A?= x\r\n"}},
    {"a reply without its code",
     {0},
     {.reply = "No such user"},
     {"smtp; 550 No such user\r\n"}},
    {"a reply of nothing", {0}, {.reply = ""}, {"smtp; 550\r\n"}},
    {"words of nothing",
     {0},
     {.reply = "", .code = -1},
     {"mx.example.net\r\nLast-Attempt-Date: ",
      "<bob@example.net>\r\n    There is no such"}},
    {"a status with more behind it",
     {0},
     {.status = "5.1.1\r\nX: y"},
     {"\r\nStatus: 5.0.0\r\nRemote"}},
    {"a status of large numbers",
     {0},
     {.status = "5.1.1234"},
     {"\r\nStatus: 5.0.0\r\n", "Show this report to your postmaster"}},
    {"a status that others begin with",
     {0},
     {.status = "5.1.12"},
     {"    Look for a mistake in the address, yours"}},
    {"a null MX",
     {0},
     {.status = "5.1.10", .reply = "the domain accepts no mail", .code = -1},
     {"    The domain in this address takes no mail at all."}},
    {"time is over",
     {0},
     {.status = "4.4.7", .reply = "the time allowed ran out", .code = -1},
     {"    The time allowed for delivery is over.", "Status: 4.4.7\r\n",
      "x-mtq; the time allowed ran out\r\n"}},
    {"a remote that is no name",
     {0},
     {.remote = "maildir:/var/mail/x"},
     {"5.1.1\r\nDiagnostic-Code: ", "The other side said: \"550"}},
    {"a remote without an address",
     {0},
     {.remote = "mx.example.net"},
     {"Remote-MTA: dns; mx.example.net\r\n"}},
    {"no subject",
     {.subject = ""},
     {0},
     {"Subject: Undelivered mail\r\n", "them.\r\n\r\n    Received:"}},
    {"a subject of a colon",
     {.subject = "Re:"},
     {0},
     {"Subject: Undelivered mail: Re:\r\n"}},
    {"a subject with fields of its own",
     {.subject = "a\r\nBcc: x@y\r\n\r\n\0b"},
     {0},
     {"Subject: Undelivered mail: a??Bcc: x@y????\r\n"}},
    {"encoded words",
     {.subject = "=?UTF-8?B?R3LDvMOfZQ==?= =?iso-8859-1?Q?aus_K=F6ln?="},
     {0},
     {"Subject: Undelivered mail: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"
      " =?iso-8859-1?Q?aus_K=F6ln?=\r\n",
      "them.\r\n\r\n    Received:"}},
    {"an encoded word that was cut",
     {.subject = "a =?UTF-8?B?R3LDvMOf"},
     {0},
     {"Subject: Undelivered mail: a\r\n"}},
    {"an encoded word that hides a line end",
     {.subject = "a =?utf-8?q?x=0D=0ABcc:_y?= =?utf-8?b?YQ0KYg==?= b"},
     {0},
     {"Subject: Undelivered mail: a b\r\n"}},
    {"an encoded word that hides a NUL",
     {.subject = "=?utf-8?q?=00?= =?utf-8?B?YQBi?= a"},
     {0},
     {"Subject: Undelivered mail: a\r\n"}},
    {"a subject in raw UTF-8",
     {.subject = "Gr\xc3\xbc\xc3\x9f"
		 "e an alle"},
     {0},
     {"Undelivered mail: "
      "=?UTF-8?Q?=47=72=C3=BC=C3=9F=65?= an alle\r\n"}},
    {"raw UTF-8 in a row",
     {.subject = "\xc3\xbc \xc3\xb6"},
     {0},
     {"=?UTF-8?Q?=C3=BC?= =?UTF-8?Q?_=C3=B6?=\r\n"}},
    {"raw UTF-8 between encoded words",
     {.subject = "=?x?q?a?= \xc3\xbc =?x?q?b?="},
     {0},
     {"=?x?q?a?= =?UTF-8?Q?_=C3=BC?= =?UTF-8?Q?_?=\r\n =?x?q?b?=\r\n"}},
    {"what only looks like one",
     {.subject = "is 1=?2"},
     {0},
     {"Undelivered mail: is 1??2\r\n"}},
};

static struct text
or_plain(const char *s, struct text t)
{
	return s != NULL ? text_of(s) : t;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *w = &rows[i];
		struct dsn_recipient r = bob;
		struct dsn d = plain(w->d.action, &r, 1);
		char *got;

		d.full = w->d.full;
		d.eightbit = w->d.eightbit;
		d.utf8 = w->d.utf8;
		d.to = or_plain(w->d.to, d.to);
		d.envid = or_plain(w->d.envid, d.envid);
		d.subject = or_plain(w->d.subject, d.subject);
		d.client = or_plain(w->d.client, d.client);
		r.address = or_plain(w->r.address, r.address);
		r.orcpt = or_plain(w->r.orcpt, r.orcpt);
		r.status = or_plain(w->r.status, r.status);
		r.reply = or_plain(w->r.reply, r.reply);
		r.remote = or_plain(w->r.remote, r.remote);
		if (w->r.code != 0)
			r.code = w->r.code < 0 ? 0 : (uint16_t)w->r.code;
		check(w->name, &d);
		got = written(&d);
		for (size_t k = 0; k < countof(w->has); k++)
			if (w->has[k] != NULL && strstr(got, w->has[k]) == NULL)
				fail_msg("%s: no [%s] in\n%s", w->name,
					 w->has[k], got);
		free(got);
	}
}

/* Every octet, alone and many times, in each place. */
static void
test_octets(void **state)
{
	static const size_t length[] = {0, 1, 2, 64, 253, 2000};
	static char many[2000];

	(void)state;
	for (size_t i = 0; i < 256 * countof(length); i++) {
		struct dsn_recipient r = bob;
		struct text t = {many, length[i % countof(length)]};

		memset(many, (int)(i / countof(length)), sizeof many);
		for (unsigned place = 0; place < 9; place++)
			for (unsigned utf8 = 0; utf8 < 2; utf8++) {
				struct dsn d = plain(DSN_FAILED, &r, 1);
				struct text *const at[] = {
				    &d.to,     &d.envid,   &d.subject,
				    &d.client, &r.address, &r.orcpt,
				    &r.status, &r.reply,   &r.remote};

				r = bob;
				d.utf8 = utf8 == 1;
				*at[place] = t;
				check("one octet many times", &d);
			}
	}
}

/* As many recipients as a report may have, in one. */
static void
test_many(void **state)
{
	static struct dsn_recipient r[DSN_RECIPIENTS_MOST];
	struct dsn d = plain(DSN_FAILED, r, countof(r));

	(void)state;
	for (size_t i = 0; i < countof(r); i++)
		r[i] = bob;
	check("1000 recipients", &d);
}

/* The boundary differs from that of every other report. */
static void
test_boundary(void **state)
{
	struct dsn d = plain(DSN_FAILED, &bob, 1);
	struct bytes one = {0}, two = {0};

	(void)state;
	dsn_tail(&d, &one);
	d.now_us++;
	dsn_tail(&d, &two);
	assert_int_equal(one.n, two.n);
	assert_memory_not_equal(one.data, two.data, one.n);
	bytes_free(&one);
	bytes_free(&two);
}

static void
test_header_octets(void **state)
{
	static const struct {
		const char *name, *message;
		size_t n;
	} row[] = {
	    {"nothing", "", 0},
	    {"a header and a body", "A: b\r\n\r\nc\r\n", 8},
	    {"two empty lines", "A: b\r\n\r\n\r\n", 8},
	    {"no header", "\r\nbody\r\n\r\n", 2},
	    {"no end", "A: b\r\n", 6},
	    {"half an end", "A: b\r\n\r", 7},
	    {"line feeds alone", "A: b\n\nc", 7},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		if (dsn_header_octets((const unsigned char *)row[i].message,
				      strlen(row[i].message)) != row[i].n)
			fail_msg("%s", row[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_octets),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_boundary),
	    cmocka_unit_test(test_header_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
