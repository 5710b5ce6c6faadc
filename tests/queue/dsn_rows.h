/* The rows of tests/queue/dsn.c. */
#ifndef MTQ_TESTS_DSN_ROWS_H
#define MTQ_TESTS_DSN_ROWS_H

#include "queue/dsn.h"

/* The plain report. */
static const char golden[] =
    "From: \"Mail Delivery System\" <MAILER-DAEMON@mx1.example.com>\r\n"
    "To: <crm@example.com>\r\n"
    "Subject: Undelivered mail: Your invoice\r\n"
    "Date: Sat, 21 Nov 2026 07:02:24 +0000\r\n"
    "Message-ID: <0M5RTX2BK7QD@mx1.example.com>\r\n"
    "In-Reply-To: <1@crm.example.com>\r\n"
    "References: <1@crm.example.com>\r\n"
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

/* One thing differs from the plain report; what must stand in it then. */
static const struct row {
	const char *name;
	struct {
		enum dsn_action action;
		const char *to, *envid, *subject, *client, *message_id;
		bool full, eightbit, utf8, foreign;
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
    {"a delay by a reply that says otherwise",
     {.action = DSN_DELAYED},
     {.status = "5.7.1", .reply = "550 5.7.1 Later", .code = 550},
     {"Action: delayed\r\nStatus: 4.0.0\r\n"}},
    {"a failure by time",
     {0},
     {.status = "4.4.7"},
     {"Action: failed\r\nStatus: 4.4.7\r\n"}},
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
    {"for postmaster",
     {.foreign = true},
     {0},
     {"A message without a sender, most often a report, could not be "
      "delivered to\r\n",
      "You are told as the\r\npostmaster.\r\n"}},
    {"a Message-ID with lines of its own",
     {.message_id = "<a@b>\r\nBcc: <c@d>"},
     {0},
     {"@mx1.example.com>\r\nAuto-Submitted: "}},
    {"a Message-ID that is an encoded word",
     {.message_id = "<=?utf-8?q?=0D=0A?=@b>"},
     {0},
     {"@mx1.example.com>\r\nAuto-Submitted: "}},
    {"a Message-ID without its brackets",
     {.message_id = "a@b"},
     {0},
     {"@mx1.example.com>\r\nAuto-Submitted: "}},
    {"a Message-ID of many signs",
     {.message_id = "<a$b%c=d/e@[IPv6:::1]>"},
     {0},
     {"In-Reply-To: <a$b%c=d/e@[IPv6:::1]>\r\nReferences: <a$b%c"}},
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
    {"a reply with more than an encoded word",
     {0},
     {.reply = "550 ==?utf-8?q?x?= ==?="},
     {"smtp; 550 ???utf-8?q?x?= ??\?=\r\n"}},
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
    {"an encoded word with raw UTF-8",
     {.subject = "=?utf-8?q?\xc3\xbc?= a"},
     {0},
     {"Subject: Undelivered mail: a\r\n"}},
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
    {"what looks like one behind a sign",
     {.subject = "==?utf-8?q?x?="},
     {0},
     {"Undelivered mail: ???utf-8?q?x?=\r\n"}},
};

#endif
