/*
 * relay_test_wire - one SMTP connection for somebody who looks: each call waits
 * until it is done or its time is over.
 *
 * A command of its own at a terminal has nothing else to do meanwhile; this
 * file is its main loop, and asks the clock.
 *
 * Owner    plain value; relay_test_wire_close closes what is open and is
 *          harmless when nothing is.
 * Errors   false with a cleaned sentence in `why`; the connection is of no use
 *          then.
 * Unit     microseconds.
 */
#ifndef MTQ_RELAY_TEST_WIRE_H
#define MTQ_RELAY_TEST_WIRE_H

#include "delivery/reply.h"
#include "delivery/resolve.h"
#include "delivery/tls.h"

enum { WIRE_WHY = 256, WIRE_IN = 16 * 1024 };

struct relay_test_wire {
	int fd;
	struct tls *tls; /* NULL: in clear */
	struct reply reply;
	unsigned char in[WIRE_IN];
	size_t at, n; /* what was read and not yet looked at */
	char why[WIRE_WHY];
};

bool relay_test_wire_open(struct relay_test_wire *w, const struct target *t,
			  int64_t within_us) MUST_USE;
/* One reply goes to w->reply, each of its lines to `line` (NULL: none).  `what`
 * is what a deadline that passed is told with: "the greeting". */
bool relay_test_wire_reply(struct relay_test_wire *w, const char *what,
			   void (*line)(void *arg, const char *p, size_t n),
			   void *arg, int64_t within_us) MUST_USE;
bool relay_test_wire_write(struct relay_test_wire *w, const void *p, size_t n,
			   int64_t within_us) MUST_USE;
/* A command line and the reply to it; its words never go to `why`. */
bool relay_test_wire_say(struct relay_test_wire *w, const char *command,
			 const char *what, int64_t within_us) MUST_USE;
/* The handshake.  Octets that came before it are refused (CVE-2011-0411). */
bool relay_test_wire_secure(struct relay_test_wire *w, struct tls_setup *setup,
			    const struct tls_wish *wish,
			    int64_t within_us) MUST_USE;
void relay_test_wire_close(struct relay_test_wire *w);

#endif
