/*
 * recover - claims of an earlier life are given back.
 *
 * Whoever held them is gone with the scheduler that gave them out: what became
 * of the mail nobody knows, so it is sent again and may arrive twice (RFC 1047),
 * or, where its type says in_doubt = hold, is held; its places stay used.
 *
 * Bounded  RECOVER_MOST recipients a commit, RECOVER_NAMED of them in the log.
 */
#ifndef MTQ_RECOVER_H
#define MTQ_RECOVER_H

#include "queue/book.h"

enum { RECOVER_MOST = 256, RECOVER_NAMED = 20 };

/* All of them; *n: how many there were. */
bool recover_claims(struct store *s, const struct settings *settings,
		    struct book *b, int64_t now_us, uint64_t *n,
		    struct err *e) MUST_USE;

#endif
