/*
 * now - the one place that asks the clock.  Only a process's main loop calls
 * it; everything else gets the time as an argument.
 *
 * Unit     microseconds.
 */
#ifndef MTQ_NOW_H
#define MTQ_NOW_H

#include "daemon/base.h"

/* Wall clock since 1970-01-01 UTC. */
int64_t now_us(void);
/* CLOCK_BOOTTIME: never jumps, counts suspend; for deadlines and retries. */
int64_t now_steady_us(void);

enum { NOW_RFC3339_SIZE = 32, NOW_RFC5322_SIZE = 40 };
/* "2026-11-21T07:12:24.123Z" */
void now_rfc3339(int64_t us, char out[NOW_RFC3339_SIZE]);
/* "Sat, 21 Nov 2026 07:12:24 +0000" (RFC 5322 3.3), always in UTC. */
void now_rfc5322(int64_t us, char out[NOW_RFC5322_SIZE]);

#endif
