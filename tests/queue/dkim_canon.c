/* Canonical forms, octet for octet (RFC 6376 3.4), whatever the pieces are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue/dkim_canon.h"

static void
headers(void **state)
{
	static const struct {
		const char *name, *field, *simple, *relaxed;
	} row[] = {
	    {"RFC 6376 3.4.5, A", "A: X\r\n", "A: X\r\n", "a:X\r\n"},
	    {"RFC 6376 3.4.5, B", "B : Y\t\r\n\tZ  \r\n",
	     "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
	    {"no line end", "A: X", "A: X\r\n", "a:X\r\n"},
	    {"no value", "Subject:\r\n", "Subject:\r\n", "subject:\r\n"},
	    {"blanks alone", "Subject: \t \r\n", "Subject: \t \r\n",
	     "subject:\r\n"},
	    {"a fold first", "To:\r\n a\r\n", "To:\r\n a\r\n", "to:a\r\n"},
	    {"a fold of blanks", "To: a\r\n \t\r\n b\r\n",
	     "To: a\r\n \t\r\n b\r\n", "to:a b\r\n"},
	    {"colons and capitals", "X-Y:A: B:C\r\n", "X-Y:A: B:C\r\n",
	     "x-y:A: B:C\r\n"},
	    {"a bare CR and LF stay", "A: b\rc\nd\r\n", "A: b\rc\nd\r\n",
	     "a:b\rc\nd\r\n"},
	    {"no colon", "Abc d\r\n", "Abc d\r\n", "abc d\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		for (int c = DKIM_SIMPLE; c <= DKIM_RELAXED; c++) {
			const char *wanted =
			    c == DKIM_SIMPLE ? row[i].simple : row[i].relaxed;
			struct bytes out = {0};

			dkim_canon_header((enum dkim_canon)c, row[i].field,
					  strlen(row[i].field), true, &out);
			bytes_u8(&out, 0);
			if (strcmp((char *)out.data, wanted) != 0)
				fail_msg("%s: \"%s\"", row[i].name,
					 (char *)out.data);
			out.n = 0;
			dkim_canon_header((enum dkim_canon)c, row[i].field,
					  strlen(row[i].field), false, &out);
			assert_int_equal(out.n, strlen(wanted) - 2);
			bytes_free(&out);
		}
}

static void
hash_of(enum dkim_canon c, const char *p, size_t n, size_t piece,
	unsigned char out[DKIM_HASH])
{
	struct dkim_body b;

	dkim_body_begin(&b, c);
	for (size_t at = 0; at < n; at += piece)
		dkim_body_add(&b, (const unsigned char *)p + at,
			      min_of(piece, n - at));
	dkim_body_end(&b, out);
	dkim_body_drop(&b);
}

static void
bodies(void **state)
{
	static const struct {
		const char *name, *body, *simple, *relaxed;
	} row[] = {
	    {"RFC 6376 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
	     " C\r\nD E\r\n"},
	    {"nothing", "", "\r\n", ""},
	    {"empty lines", "\r\n\r\n\r\n", "\r\n", ""},
	    {"blanks alone", " \t", " \t\r\n", ""},
	    {"lines of blanks", " \r\n\t\r\n", " \r\n\t\r\n", ""},
	    {"no line end", "a", "a\r\n", "a\r\n"},
	    {"a blank and no line end", "a ", "a \r\n", "a\r\n"},
	    {"empty lines within", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n",
	     "a\r\n\r\n\r\nb\r\n"},
	    {"blanks before text", "\t a\r\n", "\t a\r\n", " a\r\n"},
	    {"a bare CR at the end", "a\r", "a\r\r\n", "a\r\r\n"},
	    {"bare CRs", "a\r\r\nb\r c\r\n", "a\r\r\nb\r c\r\n",
	     "a\r\r\nb\r c\r\n"},
	    {"a bare LF", "a\nb\r\n", "a\nb\r\n", "a\nb\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		for (size_t piece = 1; piece <= strlen(row[i].body) + 1;
		     piece++) {
			unsigned char got[DKIM_HASH], wanted[DIGEST_MOST];
			const char *p = row[i].simple;

			hash_of(DKIM_SIMPLE, row[i].body, strlen(row[i].body),
				piece, got);
			(void)digest_of(DIGEST_SHA256, p, strlen(p), wanted);
			if (memcmp(got, wanted, DKIM_HASH) != 0)
				fail_msg("%s, simple, %zu", row[i].name, piece);
			p = row[i].relaxed;
			hash_of(DKIM_RELAXED, row[i].body, strlen(row[i].body),
				piece, got);
			(void)digest_of(DIGEST_SHA256, p, strlen(p), wanted);
			if (memcmp(got, wanted, DKIM_HASH) != 0)
				fail_msg("%s, relaxed, %zu", row[i].name,
					 piece);
		}
}

/* Runs that fill the buffer, are longer than it, or end at its border. */
static void
long_runs(void **state)
{
	static char body[4 * DKIM_CANON_RUN];
	static const size_t run[] = {DKIM_CANON_RUN - 1, DKIM_CANON_RUN,
				     DKIM_CANON_RUN + 1,
				     2 * DKIM_CANON_RUN + 7};

	(void)state;
	for (size_t i = 0; i < countof(run); i++) {
		unsigned char got[DKIM_HASH], wanted[DIGEST_MOST];

		memset(body, 'x', run[i]);
		memcpy(body + run[i], "\r\ny\r\n", 5);
		(void)digest_of(DIGEST_SHA256, body, run[i] + 5, wanted);
		for (size_t piece = 1; piece < sizeof body;
		     piece = piece * 2 + 1) {
			hash_of(DKIM_RELAXED, body, run[i] + 5, piece, got);
			assert_memory_equal(got, wanted, DKIM_HASH);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(headers),
					   cmocka_unit_test(bodies),
					   cmocka_unit_test(long_runs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
