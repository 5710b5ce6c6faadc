/*
 * ledger_row - the steps that the ledger's arrows are made of.  Only the
 * queue/ledger*.c and verify use it; everybody else calls the arrows.
 *
 * Errors   ERR_DAMAGED names the message whose rows contradict each other.
 */
#ifndef MTQ_LEDGER_ROW_H
#define MTQ_LEDGER_ROW_H

#include "queue/store.h"

/* Fills e and returns false. */
bool row_damaged(struct err *e, uint64_t id, const char *what);
/* As row_damaged if e says "no such row"; else e stays. */
bool row_missing(struct err *e, uint64_t id, const char *what);
/* *count -= n; a counter that would go below zero is damage. */
bool row_take(uint64_t *count, uint64_t n, uint64_t id, struct err *e) MUST_USE;

/* A recipient of a message that is just being made: b holds its octets
 * afterwards. */
bool row_add(struct txn *t, uint64_t id, uint32_t rcpt,
	     const struct recipient_record *r, struct bytes *b,
	     struct err *e) MUST_USE;
/* The same recipient in another state.  Texts of `to` may be those of `from`,
 * inside the map. */
bool row_move(struct txn *t, uint64_t id, uint32_t rcpt,
	      const struct recipient_record *from,
	      const struct recipient_record *to, struct err *e) MUST_USE;
/* The same recipient in the same state, lane and time; texts as row_move. */
bool row_keep(struct txn *t, uint64_t id, uint32_t rcpt,
	      const struct recipient_record *r, struct err *e) MUST_USE;
/* The recipient is done.  With the last one the message goes, with its body:
 * *message_gone. */
bool row_remove(struct txn *t, uint64_t id, uint32_t rcpt,
		const struct recipient_record *r, bool *message_gone,
		struct err *e) MUST_USE;

/* One row of `body`: *p, *n are its octets, the checksum verified. */
bool row_chunk(uint64_t id, uint32_t chunk, const void *val, size_t nval,
	       const unsigned char **p, size_t *n, struct err *e) MUST_USE;
uint32_t row_chunk_crc(const unsigned char k[KEY_BODY], const void *p,
		       size_t n);
enum { CHUNK_HEADER = 8 }; /* version, checksum, three zeros */

#endif
