/* Keys by what others made of them: RFC 6376 C (RSA), RFC 8032 7.1 (Ed25519),
 * and signatures of SHA-256("abc") by OpenSSL and libsodium. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/digest.h"
#include "daemon/pkey.h"

static const char rsa_pem[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXwIBAAKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC\n"
    "jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gb\n"
    "to/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB\n"
    "AoGBALmn+XwWk7akvkUlqb+dOxyLB9i5VBVfje89Teolwc9YJT36BGN/l4e0l6QX\n"
    "/1//6DWUTB3KI6wFcm7TWJcxbS0tcKZX7FsJvUz1SbQnkS54DJck1EZO/BLa5ckJ\n"
    "gAYIaqlA9C0ZwM6i58lLlPadX/rtHb7pWzeNcZHjKrjM461ZAkEA+itss2nRlmyO\n"
    "n1/5yDyCluST4dQfO8kAB3toSEVc7DeFeDhnC1mZdjASZNvdHS4gbLIA1hUGEF9m\n"
    "3hKsGUMMPwJBAPW5v/U+AWTADFCS22t72NUurgzeAbzb1HWMqO4y4+9Hpjk5wvL/\n"
    "eVYizyuce3/fGke7aRYw/ADKygMJdW8H/OcCQQDz5OQb4j2QDpPZc0Nc4QlbvMsj\n"
    "7p7otWRO5xRa6SzXqqV3+F0VpqvDmshEBkoCydaYwc2o6WQ5EBmExeV8124XAkEA\n"
    "qZzGsIxVP+sEVRWZmW6KNFSdVUpk3qzK0Tz/WjQMe5z0UunY9Ax9/4PVhp/j61bf\n"
    "eAYXunajbBSOLlx4D+TunwJBANkPI5S9iylsbLs6NkaMHV6k5ioHBBmgCak95JGX\n"
    "GMot/L2x0IYyMLAz6oLWh2hm7zwtb0CgOrPo1ke44hFYnfc=\n"
    "-----END RSA PRIVATE KEY-----\n";
static const char ed_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

#define RSA_INTEGERS                                                           \
	"02818100f02113ff502dd206c1261aa67d6495b7fc390ca0678b9d08357d69fbff"   \
	"362d2313764a71428f1382286f6fddbe2361f713361e628d2b2aeb7d6e048b4b6b"   \
	"ba1dfaffd1b5d0b65332759564fde3ba91f9171a73681bb68fcd32a2747f37d58c"   \
	"7e0eb8a862b5d63db5fea67301a368d05c593a083263d23c37503cd518724710d9"
#define RSA_BARE "308189" RSA_INTEGERS "0203010001"
#define RSA_SPKI "30819f300d06092a864886f70d010101050003818d00" RSA_BARE
#define ED_PUBLIC                                                              \
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define RSA_ABC                                                                \
	"87f0abc8bc3cd3de1a1611c23dff596e21e8f1f4ff307b0b7527e64bdee39ac68e"   \
	"6d7841bce80edb21f13e549e2e05132c9d342e82447bde153183cc437b74e4263e"   \
	"b5d259918ee4d0ea84ec0015cd3672f7ce0a77b02517683963bf06c0f51fef8add"   \
	"1958512cf38470dab3c446ef0842d47492ae036d163bf93e7a32a25172"
#define ED_ABC                                                                 \
	"096f5569d807ee8ac7b1913da70cf0aab335c258f4b94c8f210dd141e9743927"     \
	"c8d1a6b378872a72c9446c1f75e6dc7b2def98bd0c214be6706d48791f57680a"

static size_t
octets(const char *hex, unsigned char out[2048])
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		const char *digits = "0123456789abcdef";
		size_t high = (size_t)(strchr(digits, hex[2 * i]) - digits);
		size_t low = (size_t)(strchr(digits, hex[2 * i + 1]) - digits);

		out[i] = (unsigned char)(high << 4 | low);
	}
	return n;
}

/* A public key of which only its header says how long it is. */
static void
public_keys(void **state)
{
	static const struct {
		const char *name;
		enum pkey_kind kind;
		const char *hex;
		unsigned bits; /* 0: it is none */
	} row[] = {
	    {"RSA in a SubjectPublicKeyInfo", PKEY_RSA, RSA_SPKI, 1024},
	    {"a bare RSAPublicKey", PKEY_RSA, RSA_BARE, 1024},
	    {"Ed25519", PKEY_ED25519, ED_PUBLIC, 256},
	    {"no octets", PKEY_RSA, "", 0},
	    {"Ed25519, an octet short", PKEY_ED25519,
	     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751",
	     0},
	    {"RSA said to be Ed25519", PKEY_ED25519, RSA_SPKI, 0},
	    {"Ed25519 said to be RSA", PKEY_RSA, ED_PUBLIC, 0},
	    {"Ed25519's SubjectPublicKeyInfo said to be RSA", PKEY_RSA,
	     "302a300506032b6570032100" ED_PUBLIC, 0},
	    {"an integer alone", PKEY_RSA, "0203010001", 0},
	    {"cut short", PKEY_RSA, "308189" RSA_INTEGERS "02030100", 0},
	    {"an exponent of 6 octets", PKEY_RSA,
	     "30818c" RSA_INTEGERS "0206010000000001", 0},
	    {"an even exponent", PKEY_RSA, "308189" RSA_INTEGERS "0203010000",
	     0},
	    {"a modulus of 8 bits", PKEY_RSA, "3008020200b10202010001", 0},
	};
	unsigned char p[2048];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = octets(row[i].hex, p);
		struct pkey *k = pkey_public(row[i].kind, p, n);

		if ((k != NULL) != (row[i].bits != 0))
			fail_msg("%s: %s", row[i].name,
				 k ? "taken" : "refused");
		if (k != NULL && (pkey_bits(k) != row[i].bits ||
				  pkey_kind(k) != row[i].kind))
			fail_msg("%s: %u bits", row[i].name, pkey_bits(k));
		pkey_free(k);
	}
}

static void
signatures(void **state)
{
	static const struct {
		const char *name, *pem, *public, *signature;
		enum pkey_kind kind;
	} row[] = {
	    {"RSA", rsa_pem, RSA_SPKI, RSA_ABC, PKEY_RSA},
	    {"Ed25519", ed_pem, ED_PUBLIC, ED_ABC, PKEY_ED25519},
	};
	unsigned char hash[DIGEST_MOST], want[2048], p[2048];
	unsigned char got[PKEY_SIGNATURE_MOST];

	(void)state;
	digest_of(DIGEST_SHA256, "abc", 3, hash);
	for (size_t i = 0; i < countof(row); i++) {
		struct err e;
		struct pkey *mine =
		    pkey_private(row[i].pem, strlen(row[i].pem), &e);
		size_t npublic = octets(row[i].public, p);
		struct pkey *theirs = pkey_public(row[i].kind, p, npublic);
		size_t n = octets(row[i].signature, want);
		struct bytes published = {0};

		assert_non_null(mine);
		assert_non_null(theirs);
		assert_int_equal(pkey_kind(mine), row[i].kind);
		assert_int_equal(pkey_bits(mine), pkey_bits(theirs));
		assert_int_equal(pkey_sign(mine, hash, got), n);
		assert_memory_equal(got, want, n);
		assert_true(pkey_published(mine, &published));
		assert_int_equal(published.n, npublic);
		assert_memory_equal(published.data, p, npublic);
		assert_true(pkey_verify(theirs, hash, want, n));
		assert_true(pkey_verify(mine, hash, want, n));
		for (size_t at = 0; at < n; at++) {
			want[at] ^= 1;
			if (pkey_verify(theirs, hash, want, n))
				fail_msg("%s: octet %zu", row[i].name, at);
			want[at] ^= 1;
		}
		assert_false(pkey_verify(theirs, hash, want, n - 1));
		assert_false(pkey_verify(theirs, hash, want, 0));
		hash[0] ^= 1;
		assert_false(pkey_verify(theirs, hash, want, n));
		hash[0] ^= 1;
		bytes_free(&published);
		pkey_free(mine);
		pkey_free(theirs);
	}
}

static void
no_private_key(void **state)
{
	static const struct {
		const char *name, *pem;
	} row[] = {
	    {"nothing", ""},
	    {"words", "secret"},
	    {"a header alone", "-----BEGIN PRIVATE KEY-----\n"},
	    {"a public key",
	     "-----BEGIN PUBLIC KEY-----\n"
	     "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	     "-----END PUBLIC KEY-----\n"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		if (pkey_private(row[i].pem, strlen(row[i].pem), &e) != NULL)
			fail_msg("%s: taken", row[i].name);
	pkey_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(public_keys),
					   cmocka_unit_test(signatures),
					   cmocka_unit_test(no_private_key)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
