#include "daemon/digest.h"

#include <gnutls/crypto.h>

static gnutls_digest_algorithm_t
hash_of(enum digest_kind k)
{
	switch (k) {
	case DIGEST_SHA1:
		return GNUTLS_DIG_SHA1;
	case DIGEST_SHA256:
		return GNUTLS_DIG_SHA256;
	case DIGEST_SHA512:
		return GNUTLS_DIG_SHA512;
	}
	must(false);
	return GNUTLS_DIG_UNKNOWN;
}

static gnutls_mac_algorithm_t
hmac_of(enum digest_kind k)
{
	switch (k) {
	case DIGEST_SHA1:
		return GNUTLS_MAC_SHA1;
	case DIGEST_SHA256:
		return GNUTLS_MAC_SHA256;
	case DIGEST_SHA512:
		return GNUTLS_MAC_SHA512;
	}
	must(false);
	return GNUTLS_MAC_UNKNOWN;
}

size_t
digest_of(enum digest_kind k, const void *p, size_t n,
	  unsigned char out[DIGEST_MOST])
{
	/* The library has all three built in: a failure is ours. */
	must(gnutls_hash_fast(hash_of(k), n > 0 ? p : "", n, out) == 0);
	return gnutls_hash_get_len(hash_of(k));
}

size_t
digest_pbkdf2(enum digest_kind k, const void *password, size_t npassword,
	      const void *salt, size_t nsalt, unsigned rounds,
	      unsigned char out[DIGEST_MOST])
{
	size_t n = gnutls_hmac_get_len(hmac_of(k));
	gnutls_datum_t key, grain;

	/* The server names salt and rounds: the caller has bounded both. */
	must(rounds > 0 && npassword <= UINT32_MAX && nsalt <= UINT32_MAX);
	key.data = (unsigned char *)(uintptr_t)password;
	key.size = (unsigned)npassword;
	grain.data = (unsigned char *)(uintptr_t)salt;
	grain.size = (unsigned)nsalt;
	must(gnutls_pbkdf2(hmac_of(k), &key, &grain, rounds, out, n) == 0);
	return n;
}
