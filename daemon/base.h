/*
 * base - the few words every file speaks: must(), sizes, the limits that more
 * than one module must agree on.
 *
 * Errors   must() is for our own mistakes only; it stays on in release builds.
 *          Bytes from outside are refused, they never reach must().
 */
#ifndef MTQ_BASE_H
#define MTQ_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NORETURN     __attribute__((noreturn))
#define UNUSED       __attribute__((unused))

#define countof(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member)                                          \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

#define min_of(a, b) ((a) < (b) ? (a) : (b))
#define max_of(a, b) ((a) > (b) ? (a) : (b))

/* Ends the process with file, line and expression on stderr when `x` is not
 * true.  The supervisor starts us again and the queue remembers. */
#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__))
void must_failed(const char *what, const char *file, int line) NORETURN;

/* Allocation that never returns NULL: running out ends the process. */
void *must_alloc(size_t n) MUST_USE; /* zeroed */
void *must_realloc(void *p, size_t n) MUST_USE;
char *must_strdup(const char *s) MUST_USE;
/* A formatted string in memory of its own; the caller frees it. */
char *must_printf(const char *fmt, ...) PRINTF(1, 2) MUST_USE;

/* Exit codes (sysexits.h); DESIGN 2. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_NO = 1,         /* the answer is no */
	EXIT_USAGE = 64,     /* EX_USAGE */
	EXIT_NO_DAEMON = 69, /* EX_UNAVAILABLE: mtqd is not there */
	EXIT_SOFTWARE = 70,  /* EX_SOFTWARE: the database refuses */
	EXIT_AGAIN = 75,     /* EX_TEMPFAIL */
	EXIT_NOPERM = 77,    /* EX_NOPERM */
	EXIT_CONFIG = 78,    /* EX_CONFIG */
};

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

#endif
