/* auth { }: what may stand in it, what it asks of TLS, and its values. */
#include "tests/daemon/expect.h"

#include "daemon/settings_auth.h"

#define ONE(keys)                                                              \
	NAMES LISTEN SOURCE                                                    \
	    "relay out { host = mail.example tls = required-verify\n" keys     \
	    " }\n"
#define AUTH(words) ONE("auth { " words " }")
#define PW          "user = u\npassword = file:/p\n"

static void
wrong_words(void **state)
{
	static const struct row table[] = {
	    {"a word off by a letter", AUTH("user = u\npasword = file:/p"),
	     "f:7: auth: unknown word pasword (did you mean password?); there "
	     "are user, password, token, mechanism and enabled\n"},
	    {"a word from nowhere", AUTH("login = u"),
	     "f:6: auth: unknown word login; there are user, password, token, "
	     "mechanism and enabled\n"},
	    {"a list without names", ONE("auth = [a, b]"),
	     "f:6: auth: unknown word *; there are user, password, token, "
	     "mechanism and enabled\n"},
	    {"the password itself", AUTH("user = u\npassword = hunter2"),
	     "f:7: auth: password is no reference: write file:/PATH, cred:NAME "
	     "or env:NAME; the secret itself never stands here\n"},
	    {"a password by command", AUTH("user = u\npassword = cmd:/x"),
	     "f:7: auth: password is a command: only a token can come from "
	     "one\n"},
	    {"three passwords",
	     AUTH("user = u\npassword = [file:/a, file:/b, file:/c]"),
	     "f:7: auth: password takes one value or, during a rotation, "
	     "two\n"},
	    {"no password in the list", AUTH("user = u\npassword = []"),
	     "f:6: auth: password: the list is empty\n"},
	    {"two tokens", AUTH("user = u\ntoken = [file:/a, file:/b]"),
	     "f:7: auth: token takes one value\n"},
	    {"two users", AUTH("user = [a, b]\npassword = file:/p"),
	     "f:6: auth: user takes one value\n"},
	    {"an empty user", AUTH("user = \"\"\npassword = file:/p"),
	     "f:6: auth: user is empty or over 255 octets\n"},
	    {"a mechanism off by a letter", AUTH(PW "mechanism = PLANE"),
	     "f:8: auth: unknown mechanism PLANE (did you mean PLAIN?)\n"},
	    {"a mechanism we don't speak", AUTH(PW "mechanism = GSSAPI"),
	     "f:8: auth: unknown mechanism GSSAPI\n"},
	    {"a mechanism twice", AUTH(PW "mechanism = [PLAIN, plain]"),
	     "f:8: auth: mechanism PLAIN stands twice\n"},
	    {"no mechanism", AUTH(PW "mechanism = []"),
	     "f:6: auth: mechanism: the list is empty\n"},
	    {"enabled, perhaps", AUTH(PW "enabled = maybe"),
	     "f:8: auth: enabled is neither yes nor no\n"},
	    {"all mistakes at once", AUTH("usr = u\npassword = x"),
	     "f:6: auth: unknown word usr (did you mean user?); there are "
	     "user, password, token, mechanism and enabled\n"
	     "f:7: auth: password is no reference: write file:/PATH, cred:NAME "
	     "or env:NAME; the secret itself never stands here\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
wrong_credentials(void **state)
{
	static const struct row table[] = {
	    {"nothing to show", AUTH("user = u"),
	     "f:6: auth needs password or token, or client_cert beside it\n"},
	    {"no user", AUTH("password = file:/p"), "f:6: auth needs user\n"},
	    {"no user for a token", AUTH("token = file:/t"),
	     "f:6: auth needs user\n"},
	    {"PLAIN without a password",
	     AUTH("user = u\ntoken = file:/t\nmechanism = [XOAUTH2, PLAIN]"),
	     "f:8: auth: PLAIN needs password in auth\n"},
	    {"XOAUTH2 without a token", AUTH(PW "mechanism = XOAUTH2"),
	     "f:8: auth: XOAUTH2 needs token in auth\n"},
	    {"EXTERNAL without a certificate",
	     AUTH(PW "mechanism = [EXTERNAL, PLAIN]"),
	     "f:8: auth: EXTERNAL needs client_cert beside auth\n"},
	    {"deliver = mx",
	     NAMES LISTEN SOURCE
	     "relay out { deliver = mx\nauth { user = u password = file:/p "
	     "} }\n",
	     "f:6: auth: not with deliver = mx: the hosts there are whoever "
	     "the recipients' domains name\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

#define TLS(keys)                                                              \
	NAMES LISTEN SOURCE "relay out { host = mail.example " keys            \
			    "\nauth { user = u password = file:/p } }\n"
#define UNSAFE                                                                 \
	"f:6: auth: whoever answers there would get the password; set tls = "  \
	"required-verify or dane = require (or insecure_auth = yes)\n"

/* R12: a credential leaves only to a host that has proved who it is. */
static void
cover(void **state)
{
	static const struct {
		struct row row;
		bool good;
	} table[] = {
	    {{"the default", TLS(""), UNSAFE}, false},
	    {{"preferred", TLS("tls = preferred"), UNSAFE}, false},
	    {{"required", TLS("tls = required"), UNSAFE}, false},
	    {{"preferred-verify", TLS("tls = preferred-verify"), UNSAFE},
	     false},
	    {{"dane = yes is not enough", TLS("tls = required dane = yes"),
	      UNSAFE},
	     false},
	    {{"off", TLS("tls = off dane = no"),
	      "f:6: auth: everybody on the way would get the password; set tls "
	      "= required-verify or dane = require (or insecure_auth = yes)\n"},
	     false},
	    {{"required-verify", TLS("tls = required-verify"), ""}, true},
	    {{"dane = require", TLS("dane = require"), ""}, true},
	    {{"insecure, and told so", TLS("tls = off insecure_auth = yes"),
	      ""},
	     true},
	    {{"kept unused",
	      NAMES LISTEN SOURCE "relay out { host = mail.example auth { user "
				  "= u password = file:/p enabled = no } }\n",
	      ""},
	     true},
	    {{"a wrong tls is told once", TLS("tls = strict"),
	      "f:5: tls: 'strict' is none of off, preferred, required, "
	      "preferred-verify, required-verify\n"},
	     false},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].row.name, table[i].row.text, table[i].row.says,
		       table[i].good);
}

static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"passwords at Exchange Online",
	     ONE("provider = m365 auth { " PW "}"),
	     "f:7: warning: auth: Exchange Online is switching passwords off "
	     "for SMTP (550 5.7.30); use token with XOAUTH2\n"},
	    {"the same with its other name",
	     ONE("provider = exchange auth { " PW "}"),
	     "f:7: warning: auth: Exchange Online is switching passwords off "
	     "for SMTP (550 5.7.30); use token with XOAUTH2\n"},
	    {"a token there",
	     ONE("provider = m365 auth { user = u token = cmd:/t }"), ""},
	    {"a Maildir",
	     NAMES LISTEN SOURCE "relay out { deliver = maildir dir = /x "
				 "auth { user = u password = file:/p } }\n",
	     "f:5: warning: auth: only used with deliver = smtp\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

/* What the workers get of it. */
static void
values(void **state)
{
	static const struct {
		const char *name, *text;
		const char *is; /* user password password2 token, the order */
	} row[] = {
	    {"none", GOOD, ""},
	    {"the usual order", AUTH(PW),
	     "u file:/p - - EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS "
	     "SCRAM-SHA-256 OAUTHBEARER XOAUTH2 PLAIN LOGIN "},
	    {"an order of its own, in small letters",
	     AUTH(PW "mechanism = [login, scram-sha-1, CRAM-MD5]"),
	     "u file:/p - - LOGIN SCRAM-SHA-1 CRAM-MD5 "},
	    {"a rotation and a token",
	     AUTH("user = u password = [cred:a, env:B] token = cmd:\"/t -x\""
		  " mechanism = PLAIN"),
	     NULL},
	    {"a rotation",
	     AUTH("user = \"a b\"\npassword = [cred:a, env:B]\n"
		  "token = \"cmd:/t -x\"\nmechanism = [PLAIN]"),
	     "a b cred:a env:B cmd:/t -x PLAIN "},
	    {"kept unused", AUTH(PW "enabled = no\nmechanism = PLAIN"),
	     "u file:/p - - PLAIN unused "},
	    {"a certificate and no user",
	     ONE("client_cert = /c client_key = file:/k auth { mechanism = "
		 "EXTERNAL }"),
	     " - - - EXTERNAL "},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes report = {0}, out = {0};
		struct settings *s = parse(row[i].text, &report);
		struct auth_settings a;

		if (row[i].is == NULL) { /* quotes stand around a whole text */
			assert_null(s);
			bytes_free(&report);
			continue;
		}
		if (s == NULL)
			fail_msg("%s: %s", row[i].name, (char *)report.data);
		if (auth_of(&s->relays[0], &a)) {
			bytes_printf(&out, "%s %s %s %s ", a.user,
				     a.password[0] ? a.password[0] : "-",
				     a.password[1] ? a.password[1] : "-",
				     a.token ? a.token : "-");
			for (size_t j = 0; j < a.norder; j++)
				bytes_printf(&out, "%s ",
					     mechanism_name(a.order[j]));
			bytes_add_text(&out, a.enabled ? "" : "unused ");
		}
		bytes_u8(&out, 0);
		assert_string_equal((char *)out.data, row[i].is);
		settings_free(s);
		bytes_free(&report);
		bytes_free(&out);
	}
}

static void
names(void **state)
{
	enum mechanism m;

	(void)state;
	for (int i = 0; i < MECHANISM_COUNT; i++) {
		const char *name = mechanism_name((enum mechanism)i);

		assert_true(mechanism_parse(name, strlen(name), &m));
		assert_int_equal(m, i);
		assert_false(mechanism_parse(name, strlen(name) - 1, &m) &&
			     (int)m == i);
	}
	assert_false(mechanism_parse("PLAINER", 7, &m));
	assert_true(mechanism_parse("PLAINER", 5, &m));
	assert_false(mechanism_parse("", 0, &m));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_words), cmocka_unit_test(wrong_credentials),
	    cmocka_unit_test(cover),       cmocka_unit_test(doubts),
	    cmocka_unit_test(values),      cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
