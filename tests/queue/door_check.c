#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "queue/door_check.h"

#define BASE                                                                   \
	"instance=a hostname=mtq.example accounts=file:/a\n"                   \
	"tls main {cert=file:/c key=file:/k}\n"                                \
	"listen l {address=127.0.0.1:1 tls=optional client_cert=log}\n"        \
	"relay r {host=c.d} relay sink {host=e.f} no_match=r\n"                \
	"source s {from_ip=192.0.2.0/24\n"
#define FROM  "From: a@good.example\n"
#define LK    "X-SFDC-LK: 00D5e000000AbCd\n"
#define ALLOW "allow_from=[good.example, \"*.good.example\"]"
#define WANT_LK                                                                \
	"require_header {X-SFDC-LK=00D5e000000AbCdEAK}" /* 18 characters */

struct row {
	const char *name, *source, *header;
	const char *sender, *account, *names, *type;
	bool tls, looked;
	enum dkim_kind dkim;
	const char *words; /* of its end */
	const char *reply; /* how it begins; NULL: it may come in */
};

/* --- each key -------------------------------------------------------------- */

static const struct row keys[] = {
    {"a source that asks for nothing", "", "", .words = "ip=ok"},
    {"not even for a From", "", "Subject: x\nSubject: y\n", .words = "ip=ok"},
    {"who authenticated is told", "", "", .account = "joe",
     .words = "ip=ok auth=joe"},
    {"TLS", "require_tls=yes", "", .tls = true, .words = "ip=ok tls=ok"},
    {"no TLS", "require_tls=yes", "", .words = "ip=ok tls=fail",
     .reply = "550 5.7.10 "},
    {"an account that must be", "auth_user=joe", "", .account = "joe",
     .words = "ip=ok auth=joe"},
    {"a reload took the account away", "auth_user=ann", "", .account = "joe",
     .words = "ip=ok auth=joe auth=fail", .reply = "451 4.7.1 "},
    {"a certificate", "client_cert=a.b", "", .names = "a.b",
     .words = "ip=ok cert=ok"},
    {"a reload asks for a certificate", "client_cert=a.b", "",
     .words = "ip=ok cert=fail", .reply = "451 4.7.1 "},

    {"an org's id of 15 characters", WANT_LK, LK FROM,
     .words = "header=ok X-SFDC-LK=ok"},
    {"of 18", WANT_LK, "X-SFDC-LK: 00D5e000000AbCdEAK\n" FROM,
     .words = "X-SFDC-LK=ok"},
    {"another checksum behind the 15 is the same org", WANT_LK,
     "X-SFDC-LK: 00D5e000000AbCdXYZ\n" FROM, .words = "X-SFDC-LK=ok"},
    {"written in 15, sent in 18", "require_header {X-SFDC-LK=00D5e000000AbCd}",
     "X-SFDC-LK: 00D5e000000AbCdEAK\n" FROM, .words = "X-SFDC-LK=ok"},
    {"the name in another case", WANT_LK, "x-sfdc-lk: 00D5e000000AbCd\n" FROM,
     .words = "X-SFDC-LK=ok"},
    {"the 15th character is another", WANT_LK,
     "X-SFDC-LK: 00D5e000000AbCe\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"the 11th character is another", WANT_LK,
     "X-SFDC-LK: 00D5e000001AbCd\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"another case is another org", WANT_LK,
     "X-SFDC-LK: 00D5e000000AbCD\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"14 characters", WANT_LK, "X-SFDC-LK: 00D5e000000AbC\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"no characters", WANT_LK, "X-SFDC-LK:\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"something in front of it", WANT_LK, "X-SFDC-LK: x 00D5e000000AbCd\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"it is missing", WANT_LK, FROM, .words = "X-SFDC-LK=fail(missing)",
     .reply = "550 5.7.1 Error: header field X-SFDC-LK is missing"},
    {"twice the right one", WANT_LK, LK LK FROM,
     .words = "X-SFDC-LK=fail(more than one) sandbox=fail(more than one "
	      "field)",
     .reply = "550 5.7.1 "},
    {"first the right one, then another", WANT_LK,
     LK "X-SFDC-LK: 00D5e000000XXXX\n" FROM, .words = "more than one field)",
     .reply = "550 5.7.1 "},
    {"it stands in the body only", WANT_LK, FROM "\n" LK,
     .words = "X-SFDC-LK=fail(missing)", .reply = "550 5.7.1 "},
    {"blanks around it", WANT_LK, "X-SFDC-LK: \t00D5e000000AbCd \n" FROM,
     .words = "X-SFDC-LK=ok"},
    {"folded before it", WANT_LK, "X-SFDC-LK:\n 00D5e000000AbCd\n" FROM,
     .words = "X-SFDC-LK=ok"},
    {"folded within it", WANT_LK, "X-SFDC-LK: 00D5e00\n 0000AbCd\n" FROM,
     .words = "X-SFDC-LK=fail(another value)", .reply = "550 5.7.1 "},
    {"the reply tells no org's id", WANT_LK, FROM "X-SFDC-LK: x\n",
     .words = "fail(another value)",
     .reply = "550 5.7.1 Error: header field X-SFDC-LK has not the value "
	      "that this source needs"},

    {"any value", "require_header {X-A=\"*\"}", "X-A: b\n" FROM,
     .words = "X-A=ok"},
    {"any value but none", "require_header {X-A=\"*\"}", "X-A:  \n" FROM,
     .words = "X-A=fail(another value)", .reply = "550 5.7.1 "},
    {"one of several", "require_header {X-A=[b, c]}", "X-A: c\n" FROM,
     .words = "X-A=ok"},
    {"the case of a value counts", "require_header {X-A=b}", "X-A: B\n" FROM,
     .words = "X-A=fail(another value)", .reply = "550 5.7.1 "},
    {"more than the value", "require_header {X-A=b}", "X-A: bb\n" FROM,
     .words = "X-A=fail(another value)", .reply = "550 5.7.1 "},
    {"two fields, one missing", "require_header {X-A=b X-B=c}", "X-A: b\n" FROM,
     .words = "X-A=ok X-B=fail(missing)",
     .reply = "550 5.7.1 Error: header field X-B is missing"},

    {"a domain that is allowed", ALLOW, FROM, .sender = "x@good.example",
     .words = "sender=ok from=ok"},
    {"its subdomain", ALLOW, "From: <a@sub.good.example>\n",
     .sender = "x@a.b.good.example", .words = "sender=ok from=ok"},
    {"the case of a domain", ALLOW, "From: <a@GOOD.example>\n",
     .sender = "x@Good.Example", .words = "sender=ok from=ok"},
    {"another domain in From", ALLOW, "From: b@evil.example\n",
     .sender = "x@good.example", .words = "from=fail(b@evil.example)",
     .reply = "550 5.7.1 <b@evil.example>: "},
    {"another domain in the envelope", ALLOW, FROM, .sender = "x@evil.example",
     .words = "sender=fail from=ok", .reply = "550 5.7.1 "},
    {"no sender, but a From", ALLOW, FROM, .sender = "",
     .words = "sender=ok from=ok"},
    {"no sender, and another From", ALLOW, "From: b@evil.example\n",
     .sender = "", .words = "from=fail(b@evil.example)", .reply = "550 5.7.1 "},
    {"a CRM's return path", ALLOW " allow_bounce_domains=\"*.bnc.crm.example\"",
     FROM, .sender = "a=b__1@x.bnc.crm.example", .words = "sender=ok from=ok"},
    {"a return path's domain is none for From",
     ALLOW " allow_bounce_domains=bnc.crm.example", "From: a@bnc.crm.example\n",
     .sender = "a@bnc.crm.example",
     .words = "sender=ok from=fail(a@bnc.crm.example)", .reply = "550 5.7.1 "},
    {"two authors, both of ours", ALLOW,
     "From: a@good.example, \"B\" <b@x.good.example>\n", .words = "from=ok"},
    {"the second author is another's", ALLOW,
     "From: a@good.example, b@evil.example\n",
     .words = "from=fail(b@evil.example)", .reply = "550 5.7.1 "},
    {"the third in a group", ALLOW,
     "From: g: a@good.example, c@good.example, d@evil.example;\n",
     .words = "from=fail(d@evil.example)", .reply = "550 5.7.1 "},
    {"an address of ours in the display name", ALLOW,
     "From: \"a@good.example\" <b@evil.example>\n",
     .words = "from=fail(b@evil.example)", .reply = "550 5.7.1 "},
    {"one in a comment", ALLOW, "From: b@evil.example (a@good.example)\n",
     .words = "from=fail(b@evil.example)", .reply = "550 5.7.1 "},
    {"a route through ours", ALLOW, "From: <@good.example:b@evil.example>\n",
     .words = "from=fail(b@evil.example)", .reply = "550 5.7.1 "},
    {"ours in the local part", ALLOW, "From: \"a@good.example\"@evil.example\n",
     .words = "@evil.example)", .reply = "550 5.7.1 "},
    {"which of the two is it?", ALLOW,
     "From: a@good.example <b@evil.example>\n",
     .words = "from=fail(no address)", .reply = "550 5.7.1 "},
    {"nobody", ALLOW, "From: undisclosed:;\n", .words = "from=fail(no address)",
     .reply = "550 5.7.1 "},
    {"a name without an address", ALLOW, "From: good.example\n",
     .words = "from=fail(no address)", .reply = "550 5.7.1 "},
    {"an encoded word for an address", ALLOW,
     "From: =?utf-8?Q?a=40good.example?=\n", .words = "from=fail(no address)",
     .reply = "550 5.7.1 "},
    {"a literal", ALLOW, "From: a@[192.0.2.1]\n", .sender = "a@[192.0.2.1]",
     .words = "sender=fail from=fail(a@[192.0.2.1])", .reply = "550 5.7.1 "},
    {"a label more", ALLOW, "From: a@good.example.evil.example\n",
     .words = "from=fail(a@good.example.evil.example)", .reply = "550 5.7.1 "},
    {"a label that ends like ours", ALLOW, "From: a@notgood.example\n",
     .words = "from=fail(a@notgood.example)", .reply = "550 5.7.1 "},
    {"octets beyond ASCII in it go", ALLOW, "From: \xc3\xa4@evil.example\n",
     .words = "from=fail(\xc3\xa4@evil.example)",
     .reply = "550 5.7.1 <\?\?@evil.example>: "},

    {"a signature that passes", "dkim=require", FROM, .looked = true,
     .dkim = DKIM_PASS, .words = "header=ok dkim=pass(good.example)"},
    {"none", "dkim=require", FROM, .looked = true, .dkim = DKIM_NONE,
     .words = "dkim=none(why)", .reply = "550 5.7.20 "},
    {"one that fails", "dkim=require", FROM, .looked = true, .dkim = DKIM_FAIL,
     .words = "dkim=fail(why)", .reply = "550 5.7.20 "},
    {"one that we don't take", "dkim=require", FROM, .looked = true,
     .dkim = DKIM_POLICY, .words = "dkim=policy(why)", .reply = "550 5.7.20 "},
    {"one that can't be read", "dkim=require", FROM, .looked = true,
     .dkim = DKIM_NEUTRAL, .words = "dkim=neutral(why)",
     .reply = "550 5.7.20 "},
    {"no DNS", "dkim=require", FROM, .looked = true, .dkim = DKIM_TEMPORARY,
     .words = "dkim=temperror(why)", .reply = "451 4.7.5 "},
    {"a reload asks for it, nobody has looked", "dkim=require", FROM,
     .words = "dkim=temperror(not looked for)", .reply = "451 4.7.5 "},
    {"authors of two domains, one signature", "dkim=require",
     "From: a@good.example, b@evil.example\n", .looked = true,
     .dkim = DKIM_PASS, .words = "dkim=policy(authors of several domains)",
     .reply = "550 5.7.20 "},
    {"it is only noted", "dkim=log", FROM, .looked = true, .dkim = DKIM_FAIL,
     .words = "ip=ok dkim=fail(why)"},
    {"no DNS and another's From is for good", "dkim=require " ALLOW,
     "From: b@evil.example\n", .looked = true, .dkim = DKIM_TEMPORARY,
     .words = "from=fail(b@evil.example) dkim=temperror(why)",
     .reply = "550 5.7.1 "},
    {"no DNS, then a wrong type, is for good", "dkim=require type=mass", FROM,
     .looked = true, .dkim = DKIM_TEMPORARY,
     .words = "dkim=temperror(why) type=fail(individual)",
     .reply = "550 5.7.1 "},

    {"a type of its own", "type=[mass, individual]", FROM,
     .words = "ip=ok type=ok"},
    {"a type of others", "type=mass", FROM, .words = "type=fail(individual)",
     .reply = "550 5.7.1 "},

    {"a sandbox without a relay", "", "X-SFDC-App: coreapp-sandbox\n",
     .words = "sandbox=fail", .reply = "550 5.7.1 "},
    {"a sandbox with its relay", "sandbox_relay=sink",
     "X-SFDC-App: coreapp-sandbox\n", .words = "sandbox=sink"},
    {"the case of the word", "sandbox_relay=sink",
     "x-sfdc-app:  CoreApp-Sandbox \n", .words = "sandbox=sink"},
    {"no sandbox", "sandbox_relay=sink", "X-SFDC-App: coreapp\n",
     .words = "ip=ok"},
    {"an org of a sandbox", "sandbox_relay=sink sandbox_org=00D5e000000AbCdEAK",
     LK, .words = "sandbox=sink"},
    {"an org of a sandbox without a relay", "sandbox_org=00D5e000000AbCd", LK,
     .words = "sandbox=fail", .reply = "550 5.7.1 "},
    {"another org", "sandbox_relay=sink sandbox_org=00D5e000000AbCeEAK", LK,
     .words = "ip=ok"},
    {"the sandbox's org is one of its source's",
     "sandbox_relay=sink sandbox_org=00D5e000000AbCd "
     "require_header {X-SFDC-LK=00DZZ0000000000}",
     LK FROM, .words = "X-SFDC-LK=ok sandbox=sink"},
    {"two words of which one is a sandbox's", "sandbox_relay=sink",
     "X-SFDC-App: coreapp\nX-SFDC-App: coreapp-sandbox\n",
     .words = "sandbox=fail(more than one field)", .reply = "550 5.7.1 "},
};

/* --- header games (attacks.md C3) ------------------------------------------ */

#define GAME(what, text, says)                                                 \
	{                                                                      \
		.name = what, .source = ALLOW, .header = text, .words = says,  \
		.reply = "550 5.7.0 "                                          \
	}
#define FINE(what, text)                                                       \
	{                                                                      \
		.name = what, .source = ALLOW, .header = text,                 \
		.words = "header=ok sender=ok from=ok"                         \
	}
#define X10     "xxxxxxxxxx"
#define X100    X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000   X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define EVIL    "From: b@evil.example\n"
#define THEREST "header=fail(more than one field From)"

static const struct row games[] = {
    FINE("an ordinary one", FROM "Subject: x\nTo: a@b.c\nDate: y\n\nbody"),
    FINE("no blank line, no body", FROM "Subject: x\n"),
    FINE("From in another case", "fROM: a@good.example\n\n"),
    FINE("folded behind the colon", "From:\n a@good.example\n\n"),
    FINE("folded by a tab", "From: A\n\t<a@good.example>\n\n"),
    FINE("no blank behind the colon", "From:a@good.example\n\n"),
    FINE("From in the body", FROM "\n" EVIL),
    FINE("fields that may come often",
	 "Received: a\nReceived: b\nComments: a\nComments: b\n" FROM "\n"),
    FINE("signatures may come often",
	 "DKIM-Signature: a\nDKIM-Signature: b\n" FROM "\n"),
    FINE("Resent-From is another field",
	 FROM "Resent-From: b@evil.example\n\n"),
    FINE("so is X-From", FROM "X-From: b@evil.example\n\n"),
    FINE("a colon in the value", FROM "Subject: From: b@evil.example\n\n"),
    {"a second author before garbage", "dkim=require",
     "From: a@good.example, \"CEO\" <ceo@victim.example> x\n", .looked = true,
     .dkim = DKIM_PASS, .words = "dkim=policy(header From is not well-formed)",
     .reply = "550 5.7.20 "},
    {"a second author behind what is read of From", "dkim=require",
     "From: a@good.example, (" X1000 X1000 X1000 X1000 X100
     ") <ceo@victim.example>\n",
     .looked = true, .dkim = DKIM_PASS,
     .words = "dkim=policy(header From is not well-formed)",
     .reply = "550 5.7.20 "},
    {"such a From needs no DNS", "dkim=require", "From: a@good.example x\n",
     .words = "dkim=policy(header From is not well-formed)",
     .reply = "550 5.7.20 "},
    {"nor do authors of two domains", "dkim=require",
     "From: a@good.example, b@evil.example\n",
     .words = "dkim=policy(authors of several domains)",
     .reply = "550 5.7.20 "},
    {"garbage is only noted", "dkim=log", "From: a@good.example x\n",
     .looked = true, .dkim = DKIM_PASS,
     .words = "dkim=policy(header From is not well-formed)"},
    FINE("a long field before it", "X: " X1000 "\n" FROM "\n"),
    FINE("a long line behind it", FROM "X: " X1000 X1000 "\n\n"),
    FINE("a blank before the colon of what does not count",
	 FROM "X-Foo : b\n\n"),
    FINE("a field without a value", FROM "X-Foo:\n\n"),
    FINE("a name of odd octets", FROM "X!#$%&'*+-^_`|~1: x\n\n"),
    FINE("a line of blanks behind all that counts",
	 FROM "X-Foo: a\n  \n b\n\n"),
    GAME("two of them, ours first", FROM EVIL "\n",
	 THEREST " sender=ok "
		 "from=ok"),
    GAME("two of them, ours last", EVIL FROM "\n", THEREST),
    GAME("twice the same", FROM FROM "\n", THEREST),
    GAME("the second in another case", FROM "FROM: b@evil.example\n\n",
	 THEREST),
    GAME("the second far behind",
	 FROM "X: " X1000 "\nX: " X1000 "\nX: " X1000 "\n" EVIL "\n", THEREST),
    GAME("the second with a blank", FROM "From : b@evil.example\n\n", THEREST),
    GAME("the second with a tab", FROM "From\t: b@evil.example\n\n", THEREST),
    GAME("the only one with a blank", "From : a@good.example\n\n",
	 "header=fail(a blank before the colon of From)"),
    GAME("none", "Subject: x\n\n", "header=fail(no field From)"),
    GAME("nothing at all", "", "header=fail(no field From)"),
    GAME("a body and nothing else", "\n" FROM, "header=fail(no field From)"),
    GAME("Subject twice", FROM "Subject: a\nSubject: b\n\n",
	 "header=fail(more than one field Subject)"),
    GAME("Date twice", FROM "Date: a\nDate: b\n\n",
	 "header=fail(more than one field Date)"),
    GAME("Sender twice", FROM "Sender: a@b.c\nSender: b@b.c\n\n",
	 "header=fail(more than one field Sender)"),
    GAME("Reply-To twice", FROM "Reply-To: a@b.c\nreply-to: b@b.c\n\n",
	 "header=fail(more than one field Reply-To)"),
    GAME("To twice", FROM "To: a@b.c\nTo: b@b.c\n\n",
	 "header=fail(more than one field To)"),
    GAME("Cc twice", FROM "Cc: a@b.c\nCC: b@b.c\n\n",
	 "header=fail(more than one field Cc)"),
    GAME("Bcc twice", FROM "Bcc: a@b.c\nBcc: b@b.c\n\n",
	 "header=fail(more than one field Bcc)"),
    GAME("Message-ID twice", FROM "Message-Id: <a@b>\nMessage-ID: <c@d>\n\n",
	 "header=fail(more than one field Message-ID)"),
    GAME("In-Reply-To twice", FROM "In-Reply-To: a\nIn-Reply-To: b\n\n",
	 "header=fail(more than one field In-Reply-To)"),
    GAME("References twice", FROM "References: a\nReferences: b\n\n",
	 "header=fail(more than one field References)"),
    GAME("a blank before the colon of a signature",
	 FROM "DKIM-Signature : a\n\n",
	 "header=fail(a blank before the colon of DKIM-Signature)"),
    GAME("a line that is no field, then another From",
	 FROM "hello world\n" EVIL "\n",
	 "header=fail(a line that is no header field)"),
    GAME("a line that is no field before it", "hello\n" FROM "\n",
	 "header=fail(a line that is no header field)"),
    GAME("a mailbox's From line", "From a@good.example Mon\n" FROM "\n",
	 "header=fail(a line that is no header field)"),
    GAME("the first line is folded", " x\n" FROM "\n",
	 "header=fail(a line that is no header field)"),
    GAME("the first line is another From, folded", " " EVIL FROM "\n",
	 "header=fail(a line that is no header field)"),
    GAME("a name with a blank in it", FROM "X Foo: a\n\n",
	 "header=fail(a line that is no header field)"),
    GAME("a name beyond ASCII", FROM "Fr\xc3\xb6m: a\n\n",
	 "header=fail(a line that is no header field)"),
    GAME("a name with a control", FROM "X\x01: a\n\n",
	 "header=fail(a line that is no header field)"),
    GAME("a name of nothing", FROM ": a\n\n",
	 "header=fail(a line that is no header field)"),
    GAME("a byte order mark before it", "\xef\xbb\xbf" FROM FROM "\n",
	 "header=fail(a line that is no header field)"),
    GAME("a line of blanks before it", "X: a\n  \n" FROM "\n",
	 "header=fail(a line of blanks before From)"),
    GAME("a line of tabs before it", "X: a\n\t\n" FROM "\n",
	 "header=fail(a line of blanks before From)"),
    GAME("a field with a blank before its colon before it",
	 "X-Foo : a\n" FROM "\n",
	 "header=fail(a field with a blank before its colon before From)"),
    GAME("a line of blanks in front of all", "  \n" FROM "\n",
	 "header=fail(a line that is no header field)"),
    GAME("no blank line before the body", FROM "Hello,\nFrom: x\n",
	 "header=fail(a line that is no header field)"),
    {.name = "another From, unfolded by nobody",
     .source = ALLOW,
     .header = "From: a@good.example,\n b@evil.example\n\n",
     .words = "from=fail(b@evil.example)",
     .reply = "550 5.7.1 "},
    {.name = "a From that is too long",
     .source = ALLOW,
     .header = "From: " X1000 "\n " X1000 "\n " X1000 "\n " X1000 "\n " X1000
	       "\n <a@good.example>\n\n",
     .words = "from=fail(no address)",
     .reply = "550 5.7.1 "},
    {.name = "a From with a line that is too long",
     .source = ALLOW,
     .header = "From: " X1000 X1000 " <a@good.example>\n\n",
     .words = "from=fail(no address)",
     .reply = "550 5.7.1 "},
    {.name = "a value that goes on behind what is kept",
     .source = "require_header {X-A=" X100 "}",
     .header = FROM "X-A: " X100 X100 X100 "\n\n",
     .words = "X-A=fail(another value)",
     .reply = "550 5.7.1 "},
};

/* As the session does: lines of up to 1,024 octets. */
static void
feed(struct door_header *h, const char *p)
{
	enum { LINE = 1024 };

	while (*p != '\0') {
		size_t n = strcspn(p, "\n");

		door_header_line(h, p, min_of(n, (size_t)LINE), n >= LINE);
		p += n + (p[n] == '\n');
	}
}

static bool
ends(const char *p, const char *end)
{
	size_t n = strlen(p), k = strlen(end);

	return n >= k && strcmp(p + n - k, end) == 0;
}

static void
judge(const struct row *r)
{
	struct bytes text = {0}, report = {0};
	struct door_client c = {.tls = r->tls,
				.names = r->names != NULL ? r->names : "",
				.account =
				    r->account != NULL ? r->account : ""};
	struct dkim_result d = {
	    .kind = r->dkim, .domain = "good.example", .words = "why"};
	struct door_header h;
	struct door_verdict v;
	struct door_ask ask = {.client = &c, .header = &h};
	struct settings *s;

	bytes_printf(&text, BASE "%s}\n", r->source);
	s = settings_parse("f", (char *)text.data, text.n, &report);
	if (s == NULL)
		fail_msg("%s: %.*s", r->name, (int)report.n,
			 (char *)report.data);
	c.listen = &s->listens[0];
	memcpy(c.peer, s->sources[0].from_ip.net[0].addr, sizeof c.peer);
	door_header_begin(&h, &s->sources[0]);
	feed(&h, r->header);
	ask.source = &s->sources[0];
	ask.type = r->type != NULL ? r->type : "individual";
	ask.sender = text_of(r->sender != NULL ? r->sender : "");
	ask.dkim = r->looked ? &d : NULL;
	door_check(&ask, &v);
	if (r->reply == NULL
		? v.reply[0] != '\0'
		: strncmp(v.reply, r->reply, strlen(r->reply)) != 0)
		fail_msg("%s: %s (%s)", r->name, v.reply, v.words);
	if (r->reply == NULL ? !ends(v.words, r->words)
			     : strstr(v.words, r->words) == NULL)
		fail_msg("%s: %s", r->name, v.words);
	assert_int_equal(v.sandbox, strstr(v.words, "sandbox=sink") != NULL);
	settings_free(s);
	bytes_free(&text);
	bytes_free(&report);
}

static void
each_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(keys); i++)
		judge(&keys[i]);
}

static void
header_games(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(games); i++)
		judge(&games[i]);
}

/* The longest names and values leave the words whole lines. */
static void
room(void **state)
{
	struct row r = {.name = "as long as can be",
			.source =
			    "require_header {" X10 X10 X10 X10 X10 X10 X10
			    "a=x " X10 X10 X10 X10 X10 X10 X10
			    "b=x " X10 X10 X10 X10 X10 X10 X10
			    "c=x " X10 X10 X10 X10 X10 X10 X10
			    "d=x " X10 X10 X10 X10 X10 X10 X10
			    "e=x " X10 X10 X10 X10 X10 X10 X10
			    "f=x " X10 X10 X10 X10 X10 X10 X10
			    "g=x " X10 X10 X10 X10 X10 X10 X10 "h=x} " ALLOW,
			.header = "From: " X10 X10 X10 "@" X10 X10 X10
				  "." X10 X10 X10 "." X10 X10 X10 ".evil\n",
			.account = X100 X100,
			.words = "from=fail(",
			.reply = "550 5.7.1 Error: header field " X10};

	(void)state;
	judge(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key),
	    cmocka_unit_test(header_games),
	    cmocka_unit_test(room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
