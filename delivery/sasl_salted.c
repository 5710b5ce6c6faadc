#include "delivery/sasl_salted.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/bytes.h"
#include "daemon/secret.h"

enum { PAGE = 4096 };

/* State of the process, against the habit of this code: a cache that changes
 * only how long the same answer takes, and that every relay shares.  A page of
 * its own, because pages are what can be locked. */
static union {
	struct {
		struct kept {
			unsigned char key[DIGEST_MOST];
			unsigned char salted[DIGEST_MOST];
			size_t n; /* 0: free */
		} at[SALTED_KEPT_MOST];
		size_t next; /* the oldest, replaced first */
		bool guarded;
		uint64_t computed;
	};
	_Alignas(PAGE) unsigned char page[PAGE];
} cache;
static_assert(sizeof cache == PAGE, "the cache is one page");

/* Not dumpable and without core files is what the jail does for the whole
 * process; this keeps the page out of the swap as well.  Where the kernel
 * refuses, the cache is as exposed as libgsasl's own copies are. */
static void
guard(void)
{
	if (cache.guarded)
		return;
	cache.guarded = true;
	(void)mlock(&cache, sizeof cache);
	(void)madvise(&cache, sizeof cache, MADV_DONTDUMP);
}

/* One hash over all that decides the result, the password included: relays
 * with the same salt must never get each other's. */
static void
key_of(enum digest_kind k, const char *password, const unsigned char *salt,
       size_t nsalt, unsigned rounds, unsigned char key[DIGEST_MOST])
{
	struct bytes b = {0};

	/* As much as it will hold: growing would leave a copy behind. */
	bytes_reserve(&b, 16 + nsalt + strlen(password));
	bytes_u8(&b, (uint8_t)k);
	bytes_u32(&b, rounds);
	bytes_u32(&b, (uint32_t)nsalt);
	bytes_add(&b, salt, nsalt);
	bytes_add(&b, password, strlen(password));
	memset(key, 0, DIGEST_MOST);
	(void)digest_of(DIGEST_SHA512, b.data, b.n, key);
	secret_wipe(b.data, b.n);
	bytes_free(&b);
}

size_t
sasl_salted(enum digest_kind k, const char *password, const unsigned char *salt,
	    size_t nsalt, unsigned rounds, unsigned char out[DIGEST_MOST])
{
	unsigned char key[DIGEST_MOST];
	struct kept *kept;

	must(nsalt <= SALTED_SALT_MOST);
	guard();
	key_of(k, password, salt, nsalt, rounds, key);
	for (size_t i = 0; i < SALTED_KEPT_MOST; i++) {
		kept = &cache.at[i];
		if (kept->n == 0 || memcmp(kept->key, key, sizeof key) != 0)
			continue;
		memcpy(out, kept->salted, kept->n);
		return kept->n;
	}
	kept = &cache.at[cache.next];
	cache.next = (cache.next + 1) % SALTED_KEPT_MOST;
	memcpy(kept->key, key, sizeof key);
	kept->n = digest_pbkdf2(k, password, strlen(password), salt, nsalt,
				rounds, kept->salted);
	cache.computed++;
	memcpy(out, kept->salted, kept->n);
	return kept->n;
}

uint64_t
sasl_salted_computed(void)
{
	return cache.computed;
}
