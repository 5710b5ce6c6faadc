/*
 * look - opens a crash state as a restart would, believes nothing, and compares
 * it with what had been promised by then.
 */
#ifndef MTQ_TESTS_CRASH_LOOK_H
#define MTQ_TESTS_CRASH_LOOK_H

#include "tests/crash/promises.h"

enum look_result {
	LOOK_GOOD,
	LOOK_REFUSED, /* open or verify say that the file is damaged */
	LOOK_LOST,    /* the file says it is fine, but a promise is broken */
};

/* Runs in a process of its own: SIGBUS or a hang must not end the replay.  A
 * sentence goes to why[0..size).  drain: also settles what was claimed, sends
 * everything, and wants an empty queue at the end; the file is changed. */
enum look_result look(const char *file, const struct promises *p, bool drain,
		      char *why, size_t size);

#endif
