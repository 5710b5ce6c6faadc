/*
 * returned_store - what came back, in the queue: an entry in the chain of its
 * recipient, and the suppression list.
 *
 * Looked at and judged in the receiver's loop (returned_look), written by the
 * committer (returned_store): in between nothing of it changes, since the
 * address and the relay of a recipient that has gone are what they were.
 *
 * Only the address that the mail went to can get onto the list, and only by its
 * own signed address: a report can say of itself what it likes.
 *
 * Bounded  RETURNED_ENTRIES_MOST entries for a recipient: who has one signed
 *          address could else fill the journal, and drive out what it knows.
 * Owner    a job is plain memory of the caller; its texts are copies.
 * Errors   as queue/txn.h.
 * Source   issue 5, point 4; docs/returns.md
 */
#ifndef MTQ_RETURNED_STORE_H
#define MTQ_RETURNED_STORE_H

#include "queue/address.h"
#include "queue/ledger.h"
#include "queue/return_path.h"
#include "queue/returned.h"
#include "queue/suppress.h"

enum {
	RETURNED_ENTRIES_MOST = 8,
	RETURNED_CHAIN_MOST = 64, /* entries of a chain that are looked at */
};

struct returned_job {
	struct return_path who;
	enum returned_kind kind; /* of the report about this recipient */
	bool known;              /* the journal knows the recipient */
	bool null_sender;        /* what we don't understand may be a report */
	bool counts;             /* the report is about its very address */
	char address[ADDRESS_MOST + 1]; /* unknown: "" */
	char relay[64 + 1];
	char detail[RETURNED_TEXT + 32];
	struct verdict verdict;
	struct suppress_settings suppress; /* its numbers */

	/* out */
	bool suppressed; /* the address got onto the list */
	bool again;   /* the recipient has come back with this status before */
	bool dropped; /* there are RETURNED_ENTRIES_MOST: nothing is written */
};

/* The report about this recipient, judged.  null_sender: it came from `<>`. */
bool returned_look(struct txn *t, const struct settings *s,
		   const struct return_path *who, const struct returned *report,
		   bool null_sender, struct returned_job *out,
		   struct err *e) MUST_USE;
/* Delays, good news, people and programs that answer change nothing: they are
 * not written. */
bool returned_store(struct txn *t, struct returned_job *j, int64_t now_us,
		    struct err *e) MUST_USE;

#endif
