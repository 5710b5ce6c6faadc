/*
 * return_key - the secret that our return paths are signed with: made with the
 * queue, kept in it (table `state`, row "returns"), copied by `mtq backup`,
 * shown by nothing.  There is one; to replace it makes every address that is
 * out there worthless, so nothing does.
 *
 * Owner    plain memory of the caller, who wipes it.
 * Errors   as queue/txn.h; a queue without the row is damaged.
 */
#ifndef MTQ_RETURN_KEY_H
#define MTQ_RETURN_KEY_H

#include "queue/txn.h"

enum { RETURN_KEY_SIZE = 32 };

struct return_key {
	unsigned char octets[RETURN_KEY_SIZE];
};

/* Of a queue that is being made. */
bool return_key_make(struct txn *t, struct err *e) MUST_USE;
bool return_key_read(struct txn *t, struct return_key *out,
		     struct err *e) MUST_USE;
void return_key_wipe(struct return_key *k);

#endif
