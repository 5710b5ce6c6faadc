/*
 * judge - a server's reply as a verdict.
 *
 * Owner    plain values.
 * Source   RFC 5321 4.2.1: the first digit decides; RFC 3463.
 */
#ifndef MTQ_JUDGE_H
#define MTQ_JUDGE_H

#include "delivery/reply.h"

/* The server's words as a verdict of the kind its code says. */
struct verdict judge_reply(const struct reply *r, enum stage stage,
			   enum verdict_blame blame, const char *remote);
/* A refusal that concerns the host, not the mail: never permanent. */
struct verdict judge_host(const struct reply *r, enum stage stage,
			  const char *remote);

#endif
