/*
 * err - why something of the world failed, as one sentence.
 *
 * A function that can fail returns false or NULL and fills a struct err; each
 * caller may add a clause in front ("open the queue: ..."); only the top logs.
 *
 * Owner    plain value on the caller's stack; nothing to free.
 * Errors   text too long is cut; it never fails.
 */
#ifndef MTQ_ERR_H
#define MTQ_ERR_H

#include "daemon/base.h"

enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,  /* a system call said no */
	ERR_CONFIG,  /* the configuration is wrong: exit 78 */
	ERR_STORE,   /* the database refuses: exit 70 */
	ERR_FULL,    /* no room on the disk or in the map: 452 4.3.1 */
	ERR_DAMAGED, /* a checksum, a reference or a counter lies */
	ERR_PEER,    /* a process at the other end broke the protocol */
};

struct err {
	enum err_kind kind;
	char text[512];
};

/* Sets kind and text; `fmt` may use %m. */
void err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    PRINTF(3, 4);
/* Puts a clause and ": " in front of what is there. */
void err_add(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* The exit code a program ends with for this kind. */
int err_exit(const struct err *e);

#endif
