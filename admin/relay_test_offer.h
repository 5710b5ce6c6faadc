/*
 * relay_test_offer - what a host says to EHLO, and the step that tells of it.
 */
#ifndef MTQ_RELAY_TEST_OFFER_H
#define MTQ_RELAY_TEST_OFFER_H

#include "admin/relay_test_private.h"
#include "admin/relay_test_wire.h"
#include "delivery/ehlo.h"

enum { OFFER_WORDS = 32, OFFER_WORD = 160 };

struct relay_test_offer {
	struct sasl_offer sasl;
	struct ehlo ehlo;
	bool starttls, utf8;
	char word[OFFER_WORDS][OFFER_WORD]; /* cleaned; the first line is the
					       host's name for itself */
	size_t n;
};
/* EHLO and its step.  False: t->why. */
bool relay_test_offer(struct relay_test *t, struct relay_test_wire *w,
		      struct relay_test_offer *out) MUST_USE;

#endif
