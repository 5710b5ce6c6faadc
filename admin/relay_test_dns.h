/*
 * relay_test_dns - a lookup as a worker makes it, waited for.
 *
 * Owner    relay_test_dns_open/close; what was found lives until close or the
 *          next question.  The resolver stays until the process ends.
 */
#ifndef MTQ_RELAY_TEST_DNS_H
#define MTQ_RELAY_TEST_DNS_H

#include "admin/sentence.h"
#include "delivery/resolve.h"

struct relay_test_dns {
	struct lookup l;
	struct loop *loop;
	struct resolver *resolver;
	bool done, gone;
	int64_t us; /* how long it took */
};
void relay_test_dns_open(struct relay_test_dns *d, const struct settings *s);
void relay_test_dns_close(struct relay_test_dns *d);
/* `domain`: of the recipient, for deliver = mx.  TLSA is asked for in any case,
 * whatever the relay's dane says.  The answer is in d->l. */
void relay_test_dns_ask(struct relay_test_dns *d, const struct settings *s,
			const struct relay_settings *r, const char *domain,
			bool strict_cname);
/* "the domain of" an address; false when there is none. */
bool relay_test_dns_domain(const char *address, char out[256]) MUST_USE;
/* The DNS step of the test.  False: there is nothing to connect to; `why` says
 * why. */
bool relay_test_dns(struct relay_test_dns *d, bool json,
		    const struct settings *s, const struct relay_settings *r,
		    const char *domain, struct sentence *why) MUST_USE;

#endif
