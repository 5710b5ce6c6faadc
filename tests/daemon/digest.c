/* Published test vectors: FIPS 180-2 B and C, RFC 6070; and what
 * an SMTP server's SCRAM asks for (RFC 5802 5, RFC 7677 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/digest.h"

static void
is(const char *name, const unsigned char *p, size_t n, const char *want)
{
	char hex[2 * DIGEST_MOST + 1] = "";

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", p[i]);
	if (strcmp(hex, want) != 0)
		fail_msg("%s: %s", name, hex);
}

static void
hashes(void **state)
{
	static const struct {
		const char *name;
		enum digest_kind kind;
		const char *text, *want;
	} row[] = {
	    {"SHA-1 of nothing", DIGEST_SHA1, "",
	     "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	    {"SHA-1", DIGEST_SHA1, "abc",
	     "a9993e364706816aba3e25717850c26c9cd0d89d"},
	    {"SHA-256 of nothing", DIGEST_SHA256, "",
	     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852"
	     "b855"},
	    {"SHA-256", DIGEST_SHA256, "abc",
	     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200"
	     "15ad"},
	    {"SHA-512", DIGEST_SHA512, "abc",
	     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55"
	     "d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94f"
	     "a54ca49f"},
	};
	unsigned char out[DIGEST_MOST];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = digest_of(row[i].kind, row[i].text,
				     strlen(row[i].text), out);

		is(row[i].name, out, n, row[i].want);
	}
	is("no octets at all", out, digest_of(DIGEST_SHA1, NULL, 0, out),
	   "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

/* However the octets are cut, the hash is the same. */
static void
streamed(void **state)
{
	unsigned char out[DIGEST_MOST];

	(void)state;
	for (size_t cut = 0; cut <= 3; cut++) {
		struct digest *d = digest_begin(DIGEST_SHA256);

		digest_add(d, "abc", cut);
		digest_add(d, "abc" + cut, 3 - cut);
		is("SHA-256 in two parts", out, digest_end(d, out),
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2"
		   "0015ad");
	}
	digest_drop(digest_begin(DIGEST_SHA1));
	digest_drop(NULL);
}

static void
derived(void **state)
{
	static const struct {
		const char *name;
		enum digest_kind kind;
		const char *password, *salt;
		size_t nsalt;
		unsigned rounds;
		const char *want;
	} row[] = {
	    {"one round", DIGEST_SHA1, "password", "salt", 4, 1,
	     "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
	    {"two rounds", DIGEST_SHA1, "password", "salt", 4, 2,
	     "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
	    {"4096 rounds", DIGEST_SHA1, "password", "salt", 4, 4096,
	     "4b007901b765489abead49d926f721d065a429c1"},
	    {"SCRAM-SHA-1", DIGEST_SHA1, "pencil",
	     "\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76", 12, 4096,
	     "1d96ee3a529b5a5f9e47c01f229a2cb8a6e15f7d"},
	    {"SCRAM-SHA-256", DIGEST_SHA256, "pencil",
	     "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81",
	     16, 4096,
	     "c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc"
	     "615d"},
	};
	unsigned char out[DIGEST_MOST];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = digest_pbkdf2(row[i].kind, row[i].password,
					 strlen(row[i].password), row[i].salt,
					 row[i].nsalt, row[i].rounds, out);

		is(row[i].name, out, n, row[i].want);
	}
	assert_int_equal(digest_pbkdf2(DIGEST_SHA512, "", 0, "s", 1, 1, out),
			 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(hashes),
					   cmocka_unit_test(streamed),
					   cmocka_unit_test(derived)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
