/*
 * relay_test_private - what the steps of one `mtq relay test` share.
 *
 * Owner    relay_test() in relay_test.c.
 */
#ifndef MTQ_RELAY_TEST_PRIVATE_H
#define MTQ_RELAY_TEST_PRIVATE_H

#include "daemon/secret.h"
#include "daemon/settings_auth.h"
#include "delivery/tls.h"

enum { TEST_WHY = 1024 };

struct relay_test {
	const struct settings *s;
	const struct relay_settings *relay;
	const char *from, *to;        /* to: NULL, none was given */
	bool send, all, second, json; /* second: of two passwords */
	int64_t now_us;               /* wall clock at the start */

	bool has_auth; /* an auth block, perhaps one that is not enabled */
	struct auth_settings auth;
	bool auth_refused; /* the credential was: it is not tried again */
	struct secrets *secrets;
	bool secret_missing; /* workers would say NO_SECRET */
	struct trust *trust; /* NULL: no CA is known */
	struct tls_setup *setup;

	char why[TEST_WHY]; /* why mail would not go; or how it would */
};

/* What a host came to. */
enum relay_test_end {
	TEST_GOES,
	TEST_NEXT, /* the host is to blame: workers try the next one */
	TEST_OVER, /* the relay, the credential or the mail is */
};

#endif
