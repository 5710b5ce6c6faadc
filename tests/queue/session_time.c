/*
 * No input costs more than its length (attacks.md E5): 10,000 and 40,000 pieces
 * of what a parser might look at again and again.  Four times as much may take
 * four times as long, not sixteen times, and an octet at most 10 us.  Time is
 * that of our process alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "tests/queue/talker.h"

enum {
	PIECES = 10000,
	MORE = 4,
	GROWTH_MOST = 14, /* of the time, when there is MORE times as much */
	OCTET_MOST_NS = 10000,
	COUNTS_FROM_US = 20000, /* less is noise */
};

static const char conf[] =
    "instance=a hostname=mtq.example\n"
    "listen l {address=127.0.0.1:1 max_received=1000 max_recipients=50k\n"
    " max_line=64k max_errors=1000 max_idle_commands=100k}\n"
    "source s {from_ip=192.0.2.0/24 dkim=log allow_from=[b.c, \"*.d.e\"]}\n"
    "relay r {host=c.d}\n"
    "classify {priority=1 by_header=X-Type map {a=mass}}\n"
    "classify {priority=2 type=mass header {X-A=a X-B=b X-C=c X-D=d}}\n"
    "classify {priority=3 type=mass header {To=x Subject=y}}\n";

static const struct row {
	const char *name;
	const char *first; /* of the message; NULL: it is of commands */
	const char *piece; /* %u: its number */
	const char *last;
	bool slowly; /* an octet at a time */
} row[] = {
    {"Received", "", "Received: by x\r\n", "\r\n", false},
    {"fields of many names", "", "X-%u: y\r\n", "\r\n", false},
    {"one field again and again", "", "X-A: y\r\n", "\r\n", false},
    {"commas in To", "To: a", ",\r\n a@b.c", "\r\n\r\n", false},
    {"commas in From", "From: a", ",\r\n a@b.c", "\r\n\r\n", false},
    {"commas in one line", "From: a", ",", "\r\n\r\n", false},
    {"brackets in From", "From: ", "(", "\r\n\r\n", false},
    {"brackets over lines", "From: ", "(\r\n (", "\r\n\r\n", false},
    {"quotes in From", "From: ", "\"\\\"\" ", "\r\n\r\n", false},
    {"encoded words", "Subject: ", "=?utf-8?q?=41?=\r\n ", "\r\n\r\n", false},
    {"folds of a watched field", "X-Type: a", "\r\n \t", "\r\n\r\n", false},
    {"From again and again", "", "From: a%u@b.c\r\n", "\r\n", false},
    {"signatures", "From: a@b.c\r\n",
     "DKIM-Signature: v=1; a=rsa-sha256; d=b.c; s=s; h=From; b=AA; bh=AA\r\n",
     "\r\nx\r\n", false},
    {"tags of a signature", "DKIM-Signature: v=1; ", "a%u=b;\r\n ", "\r\n\r\n",
     false},
    {"names that are signed", "DKIM-Signature: v=1; h=from", ":x%u\r\n ",
     "\r\n\r\n", false},
    {"empty lines", "\r\n", "\r\n", "", false},
    {"blanks at line ends", "From: a@b.c\r\n\r\n", " \t \t \t\r\n", "", false},
    {"dots", "\r\n", "..\r\n", "", false},
    {"an octet a packet", "Subject: x\r\n\r\n", "text\r\n", "", true},
    {"recipients", NULL, "RCPT TO:<r%u@d.example>\r\n", "", false},
    {"recipients backwards", NULL, "RCPT TO:<%u@d.example>\r\n", "", false},
    {"the same recipient", NULL, "RCPT TO:<r@d.example>\r\n", "", false},
    {"chunks of one octet", NULL, "BDAT 1\r\nx", "", false},
};

static int64_t
cpu_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
make(const struct row *r, unsigned pieces, struct bytes *b)
{
	const char *hole = strstr(r->piece, "%u");
	/* The last ones first: each is put in front of all others. */
	bool back = strstr(r->name, "backwards") != NULL;

	b->n = 0;
	bytes_add_text(b, r->first != NULL ? r->first : "");
	for (unsigned i = 0; i < pieces; i++) {
		bytes_add(b, r->piece,
			  hole != NULL ? (size_t)(hole - r->piece)
				       : strlen(r->piece));
		if (hole == NULL)
			continue;
		bytes_printf(b, "%u%s", back ? 99999 - i : i, hole + 2);
	}
	bytes_add_text(b, r->last);
	if (r->first != NULL)
		bytes_add_text(b, ".\r\n");
}

/* The list of recipients is sorted by moving it: max_recipients, which the
 * administrator gives, bounds that. */
static bool
is_bounded(const struct row *r)
{
	return strstr(r->name, "backwards") != NULL;
}

/* Pieces of what a client sends at once, as the receiver reads it. */
static int64_t
time_of(const struct settings *s, const struct row *r, const struct bytes *b)
{
	enum { READ = 64 * 1024 };
	static const char *const opening[] = {
	    "EHLO c.d\r\n", "MAIL FROM:<a@b.c>\r\n", "RCPT TO:<c@d>\r\n"};
	const size_t piece = r->slowly ? 1 : READ;
	struct talker t;
	int64_t begun;

	talker_open(&t, s);
	for (size_t i = 0; i < countof(opening); i++)
		talker_feed(&t, opening[i], strlen(opening[i]));
	if (r->first != NULL)
		talker_feed(&t, "DATA\r\n", 6);
	begun = cpu_ns();
	for (size_t at = 0; at < b->n; at += piece)
		talker_feed(&t, b->data + at, min_of(piece, b->n - at));
	begun = cpu_ns() - begun;
	if (t.closed || (r->first != NULL && session_in_data(t.session)))
		fail_msg("%s: %.*s", r->name,
			 (int)min_of(t.said.n, (size_t)200),
			 (char *)t.said.data);
	talker_close(&t);
	return begun;
}

static void
linear(void **state)
{
	struct settings *s = talker_settings(conf);
	struct bytes b = {0};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		int64_t one, more;

		make(&row[i], PIECES, &b);
		one = time_of(s, &row[i], &b);
		make(&row[i], PIECES * MORE, &b);
		more = time_of(s, &row[i], &b);
		printf("%-28s %6lld us, %6lld us, %4lld ns an octet\n",
		       row[i].name, (long long)one / 1000,
		       (long long)more / 1000, (long long)more / (int64_t)b.n);
		if (more > OCTET_MOST_NS * (int64_t)b.n ||
		    (!is_bounded(&row[i]) &&
		     more > COUNTS_FROM_US * INT64_C(1000) &&
		     more > GROWTH_MOST * one))
			fail_msg("%s: %lld ns, then %lld ns", row[i].name,
				 (long long)one, (long long)more);
	}
	bytes_free(&b);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(linear)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
