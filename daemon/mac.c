#include "daemon/mac.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "daemon/secret.h"

static_assert((int)MAC_SIZE == (int)SHA256_DIGEST_SIZE, "nettle agrees");

void
mac_make(struct text key, struct text what, unsigned char out[MAC_SIZE])
{
	struct hmac_sha256_ctx c;

	hmac_sha256_set_key(&c, key.n, (const unsigned char *)key.p);
	hmac_sha256_update(&c, what.n, (const unsigned char *)what.p);
	hmac_sha256_digest(&c, MAC_SIZE, out);
	secret_wipe(&c, sizeof c); /* it holds what the key makes */
}

bool
mac_equal(const void *a, const void *b, size_t n)
{
	return nettle_memeql_sec(a, b, n) != 0;
}
