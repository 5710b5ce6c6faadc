/*
 * body - a message's octets from the queue, one chunk at a time.  Each chunk is
 * read in a transaction of its own, so that none is held while a peer is slow;
 * its checksum is verified by the ledger, the whole body's and its size here,
 * before the caller may end the message.
 *
 * Errors   ERR_DAMAGED or what the store says: the message must not be ended.
 */
#ifndef MTQ_BODY_H
#define MTQ_BODY_H

#include "queue/job.h"
#include "queue/ledger.h"

struct body {
	struct store *store;
	uint64_t id;
	uint64_t size_bytes; /* as the job says */
	uint32_t chunks;
	uint32_t next;
	uint64_t seen_bytes;
	uint32_t crc;
};

struct body body_of(struct store *s, const struct job *j);
/* The next chunk through `put`; *more: there is another.  After the last one
 * everything has been verified. */
bool body_next(struct body *b,
	       void (*put)(void *arg, const unsigned char *p, size_t n),
	       void *arg, bool *more, struct err *e) MUST_USE;

/* The wire form (RFC 5321 4.5.2): a dot at the start of a line is doubled.
 * `line_start` is carried from call to call; true at the beginning. */
void body_stuff(struct bytes *out, const unsigned char *p, size_t n,
		bool *line_start);

#endif
