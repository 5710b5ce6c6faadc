/* TLSA records: which are read, which count, which are dropped (RFC 7671 9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/dane.h"

enum { DATA_MOST = 70000 };
static unsigned char octets[DATA_MOST];

/* rdata of `n` octets that begins with these three. */
static void
decoding(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		bool read;
	} row[] = {
	    {"nothing at all", 0, false},
	    {"one octet", 1, false},
	    {"two octets", 2, false},
	    {"no data", 3, false},
	    {"one octet of data", 4, true},
	    {"a SHA-256", 35, true},
	    {"a SHA-512", 67, true},
	    {"the longest", 3 + TLSA_DATA_MOST, true},
	    {"one too long", 4 + TLSA_DATA_MOST, false},
	    {"the longest that DNS can carry", 65535, false},
	};

	(void)state;
	memset(octets, 0xaa, sizeof octets);
	memcpy(octets, "\3\1\2", 3);
	for (size_t i = 0; i < countof(row); i++) {
		struct tlsa t = {.n = 77};

		if (tlsa_decode(octets, row[i].n, &t) != row[i].read)
			fail_msg("%s", row[i].name);
		if (!row[i].read) {
			assert_int_equal(t.n, 77); /* written on success only */
			continue;
		}
		assert_int_equal(t.usage, 3);
		assert_int_equal(t.selector, 1);
		assert_int_equal(t.matching, 2);
		assert_int_equal(t.n, row[i].n - 3);
		assert_ptr_equal(t.data, octets + 3);
	}
}

/* DER of one SEQUENCE for the rows with matching type 0. */
static void
usability(void **state)
{
	static const struct {
		const char *name;
		uint8_t usage, selector, matching;
		uint16_t n;
		char data[6]; /* what it begins with; zeros follow */
		bool usable;
	} row[] = {
	    {"EE key SHA-256", 3, 1, 1, 32, "", true},
	    {"EE key SHA-512", 3, 1, 2, 64, "", true},
	    {"EE certificate SHA-256", 3, 0, 1, 32, "", true},
	    {"EE certificate SHA-512", 3, 0, 2, 64, "", true},
	    {"TA key SHA-256", 2, 1, 1, 32, "", true},
	    {"TA key SHA-512", 2, 1, 2, 64, "", true},
	    {"TA certificate SHA-256", 2, 0, 1, 32, "", true},
	    {"TA certificate SHA-512", 2, 0, 2, 64, "", true},
	    {"PKIX-TA", 0, 0, 1, 32, "", false},
	    {"PKIX-EE", 1, 1, 1, 32, "", false},
	    {"PKIX-EE in full", 1, 0, 0, 2, "\x30\0", false},
	    {"usage 4", 4, 1, 1, 32, "", false},
	    {"PrivCert", 255, 1, 1, 32, "", false},
	    {"selector 2", 3, 2, 1, 32, "", false},
	    {"PrivSel", 3, 255, 1, 32, "", false},
	    {"matching type 3", 3, 1, 3, 32, "", false},
	    {"PrivMatch", 3, 1, 255, 32, "", false},
	    {"SHA-256 of 31 octets", 3, 1, 1, 31, "", false},
	    {"SHA-256 of 33 octets", 3, 1, 1, 33, "", false},
	    {"SHA-256 of one octet", 3, 1, 1, 1, "", false},
	    {"SHA-256 that is a SHA-512", 3, 1, 1, 64, "", false},
	    {"SHA-512 that is a SHA-256", 3, 1, 2, 32, "", false},
	    {"SHA-512 of 63 octets", 2, 0, 2, 63, "", false},
	    {"SHA-512 of 65 octets", 2, 0, 2, 65, "", false},
	    {"full: short SEQUENCE", 3, 1, 0, 4, "\x30\2ab", true},
	    {"full: empty SEQUENCE", 3, 1, 0, 2, "\x30\0", true},
	    {"full: length in one octet", 2, 0, 0, 131, "\x30\x81\x80", true},
	    {"full: length in two octets", 2, 0, 0, 260, "\x30\x82\1\0", true},
	    {"full: length in three", 2, 0, 0, 261, "\x30\x83\0\1\0", true},
	    {"full: cut by one", 2, 0, 0, 259, "\x30\x82\1\0", false},
	    {"full: one too many", 2, 0, 0, 261, "\x30\x82\1\0", false},
	    {"full: no SEQUENCE", 3, 1, 0, 4, "\x31\2ab", false},
	    {"full: a tag alone", 3, 1, 0, 1, "\x30", false},
	    {"full: length cut", 3, 1, 0, 3, "\x30\x82\1", false},
	    {"full: indefinite length", 3, 1, 0, 4, "\x30\x80\0\0", false},
	    {"full: length in four", 3, 1, 0, 6, "\x30\x84\0\0\0\0", false},
	    {"full: text", 3, 0, 0, 27, "-----", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct tlsa t = {row[i].usage, row[i].selector, row[i].matching,
				 row[i].n, octets};

		memset(octets, 0, 300);
		memcpy(octets, row[i].data, sizeof row[i].data);
		if (tlsa_usable(&t) != row[i].usable)
			fail_msg("%s", row[i].name);
	}
}

/* Records as "usage selector matching" with one letter that tells them apart; a
 * capital is malformed (one octet short). */
static void
set_of(const char *text, struct tlsa_set *s)
{
	static unsigned char data[TLSA_MOST][64];

	memset(s, 0, sizeof *s);
	for (const char *p = text; *p != '\0'; p += p[4] == ' ' ? 5 : 4) {
		struct tlsa *t = &s->rr[s->n];
		bool cut = p[3] >= 'A' && p[3] <= 'Z';

		t->usage = (uint8_t)(p[0] - '0');
		t->selector = (uint8_t)(p[1] - '0');
		t->matching = (uint8_t)(p[2] - '0');
		t->n = (uint16_t)((t->matching == 0   ? 2
				   : t->matching == 1 ? 32
						      : 64) -
				  cut);
		memset(data[s->n], p[3], 64);
		if (t->matching == 0)
			memcpy(data[s->n], "\x30\0", 2);
		t->data = data[s->n++];
	}
}

static void
text_of_set(const struct tlsa_set *s, char *out, size_t size)
{
	size_t at = 0;

	*out = '\0';
	for (size_t i = 0; i < s->n; i++)
		at += (size_t)snprintf(
		    out + at, size - at, "%s%u%u%u%c", at > 0 ? " " : "",
		    s->rr[i].usage, s->rr[i].selector, s->rr[i].matching,
		    s->rr[i].matching == 0 ? 'f' : s->rr[i].data[0]);
}

static void
agility(void **state)
{
	static const struct {
		const char *name, *records, *left;
	} row[] = {
	    {"no record", "", ""},
	    {"one", "311a", "311a"},
	    {"two of one digest", "311a 311b", "311a 311b"},
	    {"SHA-512 drops SHA-256", "311a 312b", "312b"},
	    {"in the other order", "312b 311a", "312b"},
	    {"one stronger, three weaker", "311a 311b 312c 311d", "312c"},
	    {"two stronger", "312a 311b 312c", "312a 312c"},
	    {"not of another selector", "311a 302b", "311a 302b"},
	    {"not of another usage", "311a 212b", "311a 212b"},
	    {"each usage and selector by itself",
	     "311a 312b 201c 202d 211e 301g", "312b 202d 211e 301g"},
	    {"full data counts always", "310f 311a 312b", "310f 312b"},
	    {"full data drops nothing", "310f 311a", "310f 311a"},
	    {"a malformed stronger one drops nothing", "311a 312B", "311a"},
	    {"a malformed weaker one is gone", "311A 312b", "312b"},
	    {"PKIX with a stronger digest drops nothing", "311a 112b", "311a"},
	    {"only PKIX", "011a 112b", ""},
	    {"only malformed", "311A 312B", ""},
	    {"unknown matching type drops nothing", "311a 313b", "311a"},
	    {"unknown selector drops nothing", "311a 322b", "311a"},
	    {"sixteen",
	     "311a 311b 311c 311d 311e 311g 311h 311i 311j 311k 311l 311m 311n "
	     "311o 311p 312q",
	     "312q"},
	};
	struct tlsa_set s;
	char left[200];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		set_of(row[i].records, &s);
		tlsa_choose(&s);
		text_of_set(&s, left, sizeof left);
		if (strcmp(left, row[i].left) != 0)
			fail_msg("%s: %s", row[i].name, left);
		assert_int_equal(s.state, *row[i].left != '\0' ? TLSA_USABLE
							       : TLSA_UNUSABLE);
		tlsa_choose(&s); /* once more changes nothing */
		text_of_set(&s, left, sizeof left);
		assert_string_equal(left, row[i].left);
	}
}

static uint64_t
print_of(const char *records, const char *base, enum tlsa_state state)
{
	struct tlsa_set s;

	set_of(records, &s);
	s.state = state;
	snprintf(s.base, sizeof s.base, "%s", base);
	return tlsa_fingerprint(&s);
}

/* Against "311a 302b 212c" of mx.example. */
static void
fingerprints(void **state)
{
	static const struct {
		const char *name, *records, *base;
		enum tlsa_state state;
		bool same;
	} row[] = {
	    {"itself", "311a 302b 212c", "mx.example", TLSA_USABLE, true},
	    {"turned", "302b 212c 311a", "mx.example", TLSA_USABLE, true},
	    {"reversed", "212c 302b 311a", "mx.example", TLSA_USABLE, true},
	    {"in capitals", "311a 302b 212c", "MX.Example", TLSA_USABLE, true},
	    {"other data", "311a 302b 212d", "mx.example", TLSA_USABLE, false},
	    {"other usage", "311a 302b 312c", "mx.example", TLSA_USABLE, false},
	    {"other selector", "311a 302b 202c", "mx.example", TLSA_USABLE,
	     false},
	    {"other digest", "311a 301b 212c", "mx.example", TLSA_USABLE,
	     false},
	    {"one fewer", "311a 302b", "mx.example", TLSA_USABLE, false},
	    {"one more", "311a 302b 212c 311d", "mx.example", TLSA_USABLE,
	     false},
	    {"one twice", "311a 302b 212c 212c", "mx.example", TLSA_USABLE,
	     false},
	    {"data swapped between records", "311b 302a 212c", "mx.example",
	     TLSA_USABLE, false},
	    {"other host", "311a 302b 212c", "my.example", TLSA_USABLE, false},
	    {"other state", "311a 302b 212c", "mx.example", TLSA_UNUSABLE,
	     false},
	    {"none", "", "mx.example", TLSA_NONE, false},
	};
	uint64_t want = print_of("311a 302b 212c", "mx.example", TLSA_USABLE);

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		if ((print_of(row[i].records, row[i].base, row[i].state) ==
		     want) != row[i].same)
			fail_msg("%s", row[i].name);
}

static void
printing(void **state)
{
	struct tlsa t = {3, 1, 0, 3, (const unsigned char *)"\0\xab\x7f"};
	char out[200], small[8];

	(void)state;
	tlsa_print(&t, out, sizeof out);
	assert_string_equal(out, "3 1 0 00ab7f");
	tlsa_print(&t, small, sizeof small);
	assert_string_equal(small, "3 1 0 0");
	t = (struct tlsa){2, 0, 2, 64, octets};
	tlsa_print(&t, out, sizeof out);
	assert_int_equal(strlen(out), 6 + 128);
	t = (struct tlsa){255, 255, 255, 65, octets};
	tlsa_print(&t, out, sizeof out);
	assert_int_equal(strlen(out), 12 + 128 + 3);
	assert_string_equal(out + 12 + 128, "...");
	assert_string_equal(tlsa_word(TLSA_NONE), "none");
	assert_string_equal(tlsa_word(TLSA_USABLE), "usable");
	assert_string_equal(tlsa_word(TLSA_UNUSABLE), "unusable");
	assert_string_equal(tlsa_word(TLSA_FAILED), "failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decoding), cmocka_unit_test(usability),
	    cmocka_unit_test(agility),  cmocka_unit_test(fingerprints),
	    cmocka_unit_test(printing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
