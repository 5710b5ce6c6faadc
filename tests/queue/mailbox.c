#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/bytes.h"
#include "queue/mailbox.h"

/* What follows "From:", unfolded, and whose mail it is. */
static const struct {
	const char *name, *field, *address;
} row[] = {
    /* RFC 5322 3.4 and its appendix A */
    {"an address alone", " jdoe@example.com", "jdoe@example.com"},
    {"in brackets", "<jdoe@example.com>", "jdoe@example.com"},
    {"a name of words", "John Doe <jdoe@example.com>", "jdoe@example.com"},
    {"a name in quotes", "\"Doe, John\" <jdoe@x.y>", "jdoe@x.y"},
    {"brackets within quotes", "\"a <b@c> d\" <e@f>", "e@f"},
    {"an escaped quote", "\"Joe \\\"x\\\" <b@c>\" <e@f>", "e@f"},
    {"an initial with a dot", "Joe Q. Public <john.q@x.y>", "john.q@x.y"},
    {"an encoded word", "=?UTF-8?Q?J=C3=B6rg?= <j@x.y>", "j@x.y"},
    {"encoded words in a row", "=?utf-8?B?w7Y=?= =?utf-8?B?w7Y=?= <j@x.y>",
     "j@x.y"},
    {"a name beyond ASCII", "J\xc3\xb6rg <j@x.y>", "j@x.y"},
    {"a name in Latin-1", "J\xf6rg <j@x.y>", "j@x.y"},
    {"tabs and blanks", "\t John \t <\tj@x.y > ", "j@x.y"},
    {"letter case stays", "J.Doe@EXAMPLE.Com", "J.Doe@EXAMPLE.Com"},
    /* comments: 3.2.2, A.5 */
    {"a comment behind", "j@x.y (John <a@b>)", "j@x.y"},
    {"a comment in front", "(a@b, \"<c@d>\") j@x.y", "j@x.y"},
    {"comments in comments", "(a (b (c@d)) e) j@x.y", "j@x.y"},
    {"an escaped parenthesis", "(a \\) <c@d>) j@x.y", "j@x.y"},
    {"comments everywhere", "Pete(A nice \\) chap) <pete(his)@silly.test(x)>",
     "pete@silly.test"},
    {"blanks around dots", "j . doe @ x . y", "j.doe@x.y"},
    {"comments around dots", "j(1).(2)doe(3)@(4)x(5).y", "j.doe@x.y"},
    {"no end of a comment", "j@x.y (John", ""},
    {"an end without a comment", "j@x.y ) ", ""},
    /* several: 3.6.2, obs-mbox-list, groups (RFC 6854) */
    {"the first of several", "a@x.y, b@x.y", "a@x.y"},
    {"the first named one", "A <a@x.y>, B <b@x.y>", "a@x.y"},
    {"garbage behind the first", "a@x.y, <<>>", "a@x.y"},
    {"empty places first", " , ,(x), a@x.y", "a@x.y"},
    {"a group", "News: a@x.y, b@x.y;", "a@x.y"},
    {"a group in quotes", "\"The: news\" : N <a@x.y>;", "a@x.y"},
    {"an empty group, then one", "Nobody:; , a@x.y", "a@x.y"},
    {"an empty group", "Undisclosed senders:;", ""},
    {"no comma behind a group", "Nobody:; a@x.y", ""},
    {"a group without an end", "News: a@x.y", ""},
    {"a group in a group", "A: B: a@x.y;;", ""},
    {"a group without a name", ": a@x.y;", ""},
    {"an end without a group", "; a@x.y", ""},
    {"an end of a group that is none", "a@x.y;", ""},
    /* obsolete routes: 4.4 */
    {"a route", "<@a.b,@c.d:j@x.y>", "j@x.y"},
    {"a route with holes", "John <, @a.b , ,@ c . d (x) : j@x.y>", "j@x.y"},
    {"a route without a colon", "<@a.b,@c.d j@x.y>", ""},
    {"a route to nobody", "<@a.b:>", ""},
    {"a route without brackets", "@a.b:j@x.y", ""},
    {"a route without a comma", "<@a.b @c.d:j@x.y>", ""},
    {"a route of nothing", "<,:j@x.y>", ""},
    /* local parts */
    {"quotes that are not needed", "\"j.doe\"@x.y", "j.doe@x.y"},
    {"quotes around one word", "j.\"doe\"@x.y", "j.doe@x.y"},
    {"quotes that are needed", "\"j doe\"@x.y", "\"j doe\"@x.y"},
    {"an at sign in quotes", "\"a@b\"@x.y", "\"a@b\"@x.y"},
    {"escapes that are not needed", "\"\\j\\d\"@x.y", "jd@x.y"},
    {"escapes that are needed", "\"a\\\"b\\\\c\"@x.y", "\"a\\\"b\\\\c\"@x.y"},
    {"quotes in quotes", "\"\\\"ab\\\"\"@x.y", "\"\\\"ab\\\"\"@x.y"},
    {"dots that need quotes", "\"a..b\"@x.y", "\"a..b\"@x.y"},
    {"an empty local part", "\"\"@x.y", "\"\"@x.y"},
    {"a local part beyond ASCII", "j\xc3\xb6@x.y", "j\xc3\xb6@x.y"},
    {"a local part in Latin-1", "j\xf6@x.y", ""},
    {"a tab in a local part", "\"a\tb\"@x.y", ""},
    {"two dots", "a..b@x.y", ""},
    {"a dot in front", ".a@x.y", ""},
    {"a dot behind", "a.@x.y", ""},
    {"two words", "a b@x.y", ""},
    {"quotes that do not end", "\"a@x.y", ""},
    {"an escape of nothing", "\"a\\", ""},
    /* domains */
    {"a domain beyond ASCII",
     "j@b\xc3\xbc"
     "cher.example",
     "j@b\xc3\xbc"
     "cher.example"},
    {"an IPv4 literal", "j@[192.0.2.1]", "j@[192.0.2.1]"},
    {"an IPv6 literal", "j@[IPv6:2001:db8::1]", "j@[IPv6:2001:db8::1]"},
    {"blanks in a literal", "j@[ 192.0.2.1 ] (x)", "j@[192.0.2.1]"},
    {"a literal of something", "j@[example]", ""},
    {"a literal without an end", "j@[192.0.2.1", ""},
    {"no domain", "j@", ""},
    {"a dot at its end", "j@x.y.", ""},
    {"two dots in a domain", "j@x..y", ""},
    {"a domain in quotes", "j@\"x.y\"", ""},
    {"two domains", "j@x.y@z", ""},
    {"a bad domain", "j@x_-.y", ""},
    /* which of them?  Nobody guesses. */
    {"nothing", "", ""},
    {"blanks", " \t ", ""},
    {"a name alone", "John Doe", ""},
    {"an empty address", "John <>", ""},
    {"an address as the name", "a@x.y <b@x.y>", ""},
    {"two in a row", "a@x.y b@x.y", ""},
    {"two in brackets", "<a@x.y> <b@x.y>", ""},
    {"words behind brackets", "<a@x.y> John", ""},
    {"brackets in brackets", "<<a@x.y>>", ""},
    {"brackets that do not end", "<a@x.y", ""},
    {"brackets that do not begin", "a@x.y>", ""},
    {"a name with a bracket", "John [Sales] <a@x.y>", ""},
    {"a comma in an encoded word", "=?utf-8?Q?a@b.c,?= <d@x.y>", ""},
    {"a control character", "a\x01@x.y", ""},
    {"a line end", "a@x.y\r\n", ""},
    {"a name with a line end", "a\nb <a@x.y>", ""},
};

static void
first(struct text t, bool whole, const char *want, const char *name)
{
	char out[ADDRESS_MOST + 1];

	memset(out, 'x', sizeof out);
	mailbox_first(t, whole, out);
	if (strcmp(out, want) != 0)
		fail_msg("%s: got <%s>, not <%s>", name, out, want);
}

static void
table(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		first(text_of(row[i].field), true, row[i].address, row[i].name);
}

/* A mailbox may be longer than we look, the address may not. */
static void
cut(void **state)
{
	char field[MAILBOX_FIELD + 64], want[ADDRESS_MOST + 1];
	const size_t at = MAILBOX_FIELD - 8;

	(void)state;
	memset(field, ' ', sizeof field);
	memcpy(field + at, "a@x.y,b@", 8);
	first((struct text){field, sizeof field}, true, "a@x.y",
	      "the next one is cut");
	memcpy(field + at, "<ab@x.y>", 8);
	first((struct text){field, MAILBOX_FIELD}, true, "ab@x.y",
	      "all of it is seen");
	first((struct text){field, MAILBOX_FIELD}, false, "",
	      "something follows that is not seen");
	first((struct text){field, sizeof field}, true, "",
	      "something follows too far behind");
	first((struct text){"a@x.y", 5}, false, "", "cut in its domain");
	first((struct text){"a@x.y", 0}, true, "", "no octets");

	memset(field, 'a', 64);
	memcpy(field + 64, "@x.y", 5);
	memcpy(want, field, 69);
	first(text_of(field), true, want, "64 octets of a local part");
	field[64] = 'a';
	memcpy(field + 65, "@x.y", 5);
	first(text_of(field), true, "", "65 octets of a local part");
	memset(field, 'a', 300);
	memcpy(field + 300, " <a@x.y>", 9);
	first(text_of(field), true, "a@x.y", "a long name");
	field[0] = '@';
	first(text_of(field), true, "", "a long domain");
	field[0] = 'a';
	field[1] = '@';
	memset(field + 2, 'd', 300);
	field[302] = '\0';
	first(text_of(field), true, "", "a domain that does not fit");
	memset(field, '(', sizeof field);
	first((struct text){field, sizeof field}, true, "", "only depth");
}

/* Each octet of a good field gone, doubled or another: never more than an
 * address, or nothing. */
static void
damaged(void **state)
{
	char field[256], out[ADDRESS_MOST + 1];
	struct address a;
	const char *why;

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = strlen(row[i].field);

		for (size_t at = 0; at < n; at++)
			for (unsigned c = 0; c < 256; c++) {
				memcpy(field, row[i].field, n);
				field[at] = (char)c;
				mailbox_first((struct text){field, n}, true,
					      out);
				if (out[0] != '\0' &&
				    !address_parse(out, strlen(out), true, &a,
						   &why))
					fail_msg("%s: %s", row[i].name, out);
			}
	}
}

static bool
join(void *arg, const char *address)
{
	struct bytes *b = arg;

	bytes_printf(b, "%s%s", b->n > 0 ? " " : "", address);
	return strcmp(address, "stop@x.y") != 0;
}

/* All of them, or none: a list that can't be read to its end has no authors. */
static void
all_of_them(void **state)
{
	static const struct {
		const char *field, *all;
		size_t n;
	} table[] = {
	    {"a@x.y", "a@x.y", 1},
	    {"a@x.y, B <b@x.y>,\"c\"<c@x.y>", "a@x.y b@x.y c@x.y", 3},
	    {"a@x.y,", "a@x.y", 1},
	    {", a@x.y,, b@x.y ,", "a@x.y b@x.y", 2},
	    {"g: a@x.y, b@x.y;", "a@x.y b@x.y", 2},
	    {"g: a@x.y;, h:;, b@x.y", "a@x.y b@x.y", 2},
	    {"g: a@x.y (c), ; (d)", "a@x.y", 1},
	    {"g:;", "", 0},
	    {"", "", 0},
	    {" ", "", 0},
	    {"(a@x.y)", "", 0},
	    {"a@x.y b@x.y", "", 0},
	    {"a@x.y, b", "a@x.y", 0},
	    {"a@x.y, b@", "a@x.y", 0},
	    {"a@x.y; b@x.y", "", 0},
	    {"g: a@x.y", "a@x.y", 0},
	    {"g: a@x.y; b@x.y", "a@x.y", 0},
	    {"g: h: a@x.y;;", "", 0},
	    {"a@x.y, <b@x.y", "a@x.y", 0},
	    {"a@x.y, b@x.y (", "a@x.y", 0},
	    {"a@x.y <b@x.y>", "", 0},
	    {"stop@x.y, b@x.y, c", "stop@x.y", 1},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		const struct text t = text_of(table[i].field);
		struct bytes b = {0};
		size_t n = mailbox_all(t, true, join, &b);

		bytes_u8(&b, 0);
		if (n != table[i].n)
			fail_msg("<%s>: %zu (%s)", table[i].field, n,
				 (char *)b.data);
		if (n > 0 && strcmp((char *)b.data, table[i].all) != 0)
			fail_msg("<%s>: %s", table[i].field, (char *)b.data);
		b.n = 0;
		assert_int_equal(mailbox_all(t, false, join, &b), 0);
		bytes_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table),
	    cmocka_unit_test(all_of_them),
	    cmocka_unit_test(cut),
	    cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
