/* Signatures that RFCs print hold, each of their octets counts, and there is an
 * end to what is looked at.  Ways around the gate: dkim_gate.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/queue/dkim_signer.h"

/* --- the RFCs ---------------------------------------------------------------- */

static void
rfcs(void **state)
{
	static const struct {
		const char *name, *message, *key;
		unsigned bits;
	} row[] = {
	    {"RFC 6376 A", rfc6376, RFC6376_KEY, 1024},
	    {"RFC 8463 A, ed25519", rfc8463_ed, RFC8463_ED, 256},
	    {"RFC 8463 A, rsa", rfc8463_rsa, RFC8463_RSA, 1024},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes m = {0};
		struct rdata r;

		bytes_add_text(&m, row[i].message);
		rdata_of(&r, row[i].key, 1);
		for (size_t cut = 1; cut < m.n + 50; cut += cut < 5 ? 1 : 97) {
			struct dkim_result got;

			check(&m, cut, "football.example.com", &r.a, &got);
			if (got.kind != DKIM_PASS || got.bits != row[i].bits)
				fail_msg("%s in pieces of %zu: %s (%s)",
					 row[i].name, cut, dkim_word(got.kind),
					 got.words);
		}
		bytes_free(&r.text);
		bytes_free(&m);
	}
}

/* Every octet of it counts, also those of the signature itself. */
static void
octets(void **state)
{
	struct bytes m = {0};
	struct rdata r;

	(void)state;
	bytes_add_text(&m, rfc8463_ed);
	rdata_of(&r, RFC8463_ED, 1);
	for (size_t i = 0; i < m.n; i++) {
		struct dkim_result got;

		m.data[i] ^= 1;
		check(&m, m.n, "football.example.com", &r.a, &got);
		if (got.kind == DKIM_PASS)
			fail_msg("octet %zu, now %c", i, m.data[i]);
		m.data[i] ^= 1;
	}
	bytes_free(&r.text);
	bytes_free(&m);
}

/* --- many of something ------------------------------------------------------- */

/* Ten are tried: the one that holds is the last or the first too many. */
static void
many_signatures(void **state)
{
	static const struct row good = {.name = "good"};
	struct err e;
	struct pkey *key =
	    pkey_private(dkim_ed25519, sizeof dkim_ed25519 - 1, &e);
	struct bytes record = {0}, signed_one = {0};
	struct rdata r;

	(void)state;
	assert_non_null(key);
	record_of(&good, key, &record);
	rdata_of(&r, (char *)record.data, 1);
	sign(&good, key, &signed_one);
	for (unsigned n = 9; n <= 1000; n += n < 10 ? 1 : 495) {
		struct dkim_result got;
		struct bytes m = {0};

		for (unsigned i = 0; i < n; i++)
			bytes_add_text(&m, "DKIM-Signature: v=1; a=rsa-sha256;"
					   "d=example.com;s=x;h=from;"
					   "bh=;b=\r\n");
		bytes_add(&m, signed_one.data, signed_one.n);
		check(&m, m.n, "example.com", &r.a, &got);
		if ((got.kind == DKIM_PASS) != (n == 9))
			fail_msg("%u: %s (%s)", n, dkim_word(got.kind),
				 got.words);
		bytes_free(&m);
	}
	bytes_free(&signed_one);
	bytes_free(&record);
	bytes_free(&r.text);
	pkey_free(key);
}

static void
large_header(void **state)
{
	struct bytes m = {0};
	struct dkim_result got;

	(void)state;
	while (m.n < DKIM_HEADER_MOST)
		bytes_add_text(&m, "X-Large: octets and octets\r\n");
	bytes_add_text(&m, rfc8463_ed);
	check(&m, 4096, "football.example.com", NULL, &got);
	assert_int_equal(got.kind, DKIM_NEUTRAL);
	assert_string_equal(got.words, "the header is too long");
	bytes_free(&m);
	for (unsigned i = 0; i <= DKIM_FIELDS_MOST; i++)
		bytes_add_text(&m, "X: y\r\n");
	check(&m, 4096, "football.example.com", NULL, &got);
	assert_string_equal(got.words, "the header can't be read");
	bytes_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rfcs), cmocka_unit_test(octets),
	    cmocka_unit_test(many_signatures), cmocka_unit_test(large_header)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
