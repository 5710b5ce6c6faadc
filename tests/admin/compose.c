#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "admin/compose.h"

#define ADDED "From: <me@h>\r\nDate: D\r\nMessage-ID: <M>\r\n"

/* The message, then its recipients. */
static void
messages(void **state)
{
	static const struct {
		const char *name, *in;
		bool dots, take;
		const char *out; /* NULL: it can't be read */
		const char *rcpt;
	} row[] = {
	    {"nothing at all", "", false, false, ADDED "\r\n", ""},
	    {"no header", "hello\nyou", false, false,
	     ADDED "\r\nhello\r\nyou\r\n", ""},
	    {"a header", "Subject: s\n\nx\n", false, false,
	     ADDED "Subject: s\r\n\r\nx\r\n", ""},
	    {"it has what is needed", "from: a\ndate: b\nmessage-id: c\n\nx\n",
	     false, false, "from: a\r\ndate: b\r\nmessage-id: c\r\n\r\nx\r\n",
	     ""},
	    {"a header and no line between", "Subject: s\nhello\n", false,
	     false, ADDED "Subject: s\r\n\r\nhello\r\n", ""},
	    {"CR, LF and CRLF", "Subject: s\r\n\ra\rb\nc\r\n", false, false,
	     ADDED "Subject: s\r\n\r\na\r\nb\r\nc\r\n", ""},
	    {"a dot is a line", "\na\n.\nb\n", false, false,
	     ADDED "\r\na\r\n.\r\nb\r\n", ""},
	    {"a dot is the end", "S: s\n\na\n.\nb\n", true, false,
	     ADDED "S: s\r\n\r\na\r\n", ""},
	    {"recipients are taken only if asked", "To: a@b.c\n\n", false,
	     false, ADDED "To: a@b.c\r\n\r\n", ""},
	    {"To, Cc, Bcc over lines",
	     "To: a@b.c,\n \"x, y\" <d@e.f>\nBCC: s@t.u,\n\tv@w.x\ncc: g@h.i\n"
	     "\n",
	     false, true,
	     ADDED "To: a@b.c,\r\n \"x, y\" <d@e.f>\r\ncc: g@h.i\r\n\r\n",
	     "a@b.c d@e.f s@t.u v@w.x g@h.i "},
	    {"Resent- fields alone count", "To: a@b.c\nResent-To: d@e.f\n\n",
	     false, true, ADDED "To: a@b.c\r\nResent-To: d@e.f\r\n\r\n",
	     "d@e.f "},
	    {"Bcc goes, asked for or not", "Bcc: a@b.c,\n d@e.f\nS: s\n\n",
	     false, false, ADDED "S: s\r\n\r\n", ""},
	    {"and with Resent- fields", "Bcc: a@b.c\nResent-To: d@e.f\n\n",
	     false, true, ADDED "Resent-To: d@e.f\r\n\r\n", "d@e.f "},
	    {"a mailbox's line", "From ann Sat Nov 21 08:00\nTo: a@b.c\n\nx\n",
	     false, true, ADDED "To: a@b.c\r\n\r\nx\r\n", "a@b.c "},
	    {"a user of this host", "To: root\n\n", false, true,
	     ADDED "To: root\r\n\r\n", "root@h "},
	    {"a name that is none", "To: root.\n\n", false, true, NULL, ""},
	    {"an empty field", "To: \nCc: a@b.c\n\n", false, true,
	     ADDED "To: \r\nCc: a@b.c\r\n\r\n", "a@b.c "},
	    {"no recipient in the body", "Subject: s\n\nTo: a@b.c\n", false,
	     true, ADDED "Subject: s\r\n\r\nTo: a@b.c\r\n", ""},
	    {"an address that is none", "To: <a@b.c\n\n", false, true, NULL,
	     ""},
	    {"one of two that is none", "To: a@b.c, x y\n\n", false, true, NULL,
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct compose_ask a = {.p = (const unsigned char *)row[i].in,
					.n = strlen(row[i].in),
					.dot_ends = row[i].dots,
					.take_recipients = row[i].take,
					.from = "me@h",
					.full_name = "",
					.domain = "h",
					.date = "D",
					.message_id = "<M>"};
		struct composed m;
		bool ok = compose(&a, &m);

		print_message("%s\n", row[i].name);
		assert_int_equal(ok, row[i].out != NULL);
		if (ok) {
			for (size_t k = 0; k < m.recipients.n; k++)
				if (m.recipients.data[k] == '\0')
					m.recipients.data[k] = ' ';
			bytes_u8(&m.message, 0);
			bytes_u8(&m.recipients, 0);
			assert_string_equal((char *)m.message.data, row[i].out);
			assert_string_equal((char *)m.recipients.data,
					    row[i].rcpt);
		} else {
			assert_true(m.why[0] != '\0');
		}
		composed_free(&m);
	}
}

/* At a blank where there is one; nothing but blanks is added, in the header. */
static void
long_lines(void **state)
{
	char in[3000];
	struct compose_ask a = {.from = "f@h",
				.full_name = "",
				.domain = "h",
				.date = "D",
				.message_id = "<M>"};
	struct composed m;
	size_t line = 0, most = 0;

	(void)state;
	memset(in, 'x', sizeof in);
	memcpy(in, "S: ", 3);
	in[1500] = '\n';
	in[1501] = '\n';
	in[2400] = ' ';
	a.p = (unsigned char *)in;
	a.n = sizeof in;
	assert_true(compose(&a, &m));
	for (size_t i = 0; i < m.message.n; i++) {
		line = m.message.data[i] == '\n' ? 0 : line + 1;
		most = line > most ? line : most;
	}
	assert_true(most <= COMPOSE_LINE + 1); /* with its CR */
	bytes_u8(&m.message, 0);
	assert_non_null(strstr((char *)m.message.data, "x\r\n x"));
	composed_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages),
	    cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
