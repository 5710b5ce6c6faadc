#include "daemon/digest.h"

#include <stdlib.h>

#include <gnutls/crypto.h>

struct digest {
	gnutls_hash_hd_t h;
	enum digest_kind kind;
};

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

struct digest *
digest_begin(enum digest_kind k)
{
	struct digest *d = must_alloc(sizeof *d);

	d->kind = k;
	must(gnutls_hash_init(&d->h, hash_of(k)) == 0);
	return d;
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	if (n > 0)
		must(gnutls_hash(d->h, p, n) == 0);
}

size_t
digest_end(struct digest *d, unsigned char out[DIGEST_MOST])
{
	size_t n = gnutls_hash_get_len(hash_of(d->kind));

	gnutls_hash_deinit(d->h, out);
	free(d);
	return n;
}

void
digest_drop(struct digest *d)
{
	if (d == NULL)
		return;
	gnutls_hash_deinit(d->h, NULL);
	free(d);
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
