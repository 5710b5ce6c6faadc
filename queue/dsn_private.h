/* Between dsn.c and dsn_words.c: the part of a report that a person reads. */
#ifndef MTQ_DSN_PRIVATE_H
#define MTQ_DSN_PRIVATE_H

#include "queue/dsn.h"

/* Room for "550 " before the remote's words. */
enum { DSN_SAID_ROOM = VERDICT_REPLY_MOST + 1024 };

/* The remote's words with their code in front, or ours; not cleaned. */
struct text dsn_said(const struct dsn_recipient *r, char room[DSN_SAID_ROOM]);
/* The name in "name[address]:port"; empty if there is none that could stand in
 * a field. */
struct text dsn_remote_name(const struct dsn_recipient *r);
/* "5.1.1"; a general one for the action if it is none. */
struct text dsn_status(const struct dsn *d, const struct dsn_recipient *r);
/* The body of the first part. */
void dsn_words(const struct dsn *d, struct bytes *out);

#endif
