/*
 * maildrop - takes in what `mtq send` and sendmail left in the folder
 * `maildrop` while mtqd was not there.
 *
 * A file belongs to who wrote it: its message comes in by a session of our own,
 * as that user's over a Unix socket would, with all checks; only after its 250
 * the file goes.  One that is refused is kept under another name, for a person;
 * one that can't be taken now is tried again.
 *
 * Files are read, and the session talked to, on a pool thread, one at a time.
 *
 * Bounded  one file in memory, max_message_size and an envelope at most.
 * Source   docs/sendmail.md
 */
#ifndef MTQ_MAILDROP_H
#define MTQ_MAILDROP_H

#include "queue/listener.h"

enum {
	MAILDROP_EVERY_US = 2 * 1000 * 1000,
	MAILDROP_AGAIN_US = 10 * 1000 * 1000, /* when one has to wait */
	MAILDROP_LOOK = 1000,                 /* names looked at in one round */
};

struct maildrop;
struct maildrop *maildrop_open(struct listeners *l);
/* In the loop, now and then: begins what is due. */
void maildrop_tick(struct maildrop *d, int64_t steady_us);
/* True while a file is being taken in. */
bool maildrop_busy(const struct maildrop *d);

#endif
