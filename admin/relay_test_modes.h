/*
 * relay_test_modes - what each of the five TLS modes, without and with DANE,
 * would make of a host as it was seen.  Pure.
 *
 * The rules are those of the workers (delivery/policy.h); here they are asked
 * for settings that are not in force too.
 *
 * Owner    plain values.
 */
#ifndef MTQ_RELAY_TEST_MODES_H
#define MTQ_RELAY_TEST_MODES_H

#include "delivery/certificate.h"
#include "delivery/policy.h"

enum { MODES_WHY = 200 };

/* What was seen at one host. */
struct relay_test_seen {
	bool implicit;          /* the connection began with TLS */
	bool offered;           /* STARTTLS was, or implicit */
	bool shaken;            /* a handshake was finished */
	const char *shaken_why; /* what went wrong with it, cleaned */
	enum tlsa_state tlsa;
	const char *tlsa_why; /* TLSA_FAILED */
	struct certificate_verdict by_name, by_dane;
	bool auth; /* a credential is to be used */
};

struct relay_test_mode {
	bool pass;     /* mail would go */
	bool tls;      /* encrypted */
	bool verified; /* the check was made, and passed */
	char why[MODES_WHY];
};
/* With the relay's tls, tls_start and dane. */
struct relay_test_mode relay_test_mode(const struct relay_settings *r,
				       const struct relay_test_seen *seen);
/* The same for all: [tls][dane]. */
struct relay_test_modes {
	struct relay_test_mode at[TLS_COUNT][DANE_COUNT];
};
void relay_test_modes(const struct relay_settings *r,
		      const struct relay_test_seen *seen,
		      struct relay_test_modes *out);
/* All five modes say the same with this setting of dane. */
bool relay_test_modes_alike(const struct relay_test_modes *m,
			    enum dane_kind dane) MUST_USE;
const char *relay_test_tls_word(enum tls_kind k);
const char *relay_test_dane_word(enum dane_kind k);

#endif
