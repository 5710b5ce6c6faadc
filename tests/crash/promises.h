/*
 * promises - what the world has been told so far: "queued as ID" binds us until
 * as many recipients have been "delivered as ID".
 */
#ifndef MTQ_TESTS_CRASH_PROMISES_H
#define MTQ_TESTS_CRASH_PROMISES_H

#include "daemon/base.h"

enum { PROMISES_MOST = 8192 };

struct promise {
	uint64_t id;
	uint32_t recipients; /* 0: not promised yet */
	uint32_t delivered;
};
struct promises {
	struct promise open[PROMISES_MOST]; /* not kept yet */
	size_t n;
	unsigned long made;
};

/* Takes every "queued as ID", "queued as ID for N" and "delivered as ID" of a
 * reply; false when there are too many. */
bool promises_hear(struct promises *p, const char *text, size_t n) MUST_USE;

#endif
