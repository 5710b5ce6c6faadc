/*
 * relay_test_mail - MAIL, RCPT and RSET, or one real message that says it is a
 * test.
 */
#ifndef MTQ_RELAY_TEST_MAIL_H
#define MTQ_RELAY_TEST_MAIL_H

#include "admin/relay_test_offer.h"

/* The steps "mail", "rcpt" and "rset", or "data".  Without t->to one note. */
enum relay_test_end
relay_test_mail(struct relay_test *t, struct relay_test_wire *w,
		const struct relay_test_offer *offer) MUST_USE;

#endif
