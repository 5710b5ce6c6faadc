/*
 * suppress - addresses and whole domains that get no mail: asked for each
 * recipient when it is accepted (key at_rcpt) and before each attempt.
 *
 * One row each in the table `suppress`, found by its key: no list in memory, two
 * look-ups for an answer.  The key is the domain, "@", the local part, all with
 * ASCII letters in lower case, so that a domain's rows lie together and the row
 * of the whole domain is the first of them.  A domain stands for itself, not for
 * its subdomains.
 *
 * Who outranks whom: what a person said is changed only by a person; an import
 * replaces what complaints and bounces have taught, a complaint what bounces
 * have.  A row whose time is over counts as absent.
 *
 * Owner    texts of a record point into the map, as txn.h says.
 * Errors   as txn.h; "it is not there" is an answer.
 * Source   issue 5, point 6; docs/bounces.md.
 */
#ifndef MTQ_SUPPRESS_H
#define MTQ_SUPPRESS_H

#include "daemon/settings.h"
#include "queue/record.h"
#include "queue/status.h"
#include "queue/txn.h"

enum {
	SUPPRESS_ADDRESS = ADDRESS_DOMAIN_MOST + 1, /* "@" and a domain */
	SUPPRESS_KEY = SUPPRESS_ADDRESS,
	SUPPRESS_LOOK = 256,           /* rows of one look for old ones */
	SUPPRESS_BATCH = 256,          /* entries of one change */
	SUPPRESS_BATCH_BYTES = 1 << 18 /* their octets */
};

/* "bob@example.com" or "@example.com"; 0: it is neither. */
size_t suppress_key(struct text address, unsigned char key[SUPPRESS_KEY]);
/* And back, as people write it; false: no key of ours. */
bool suppress_address(const void *key, size_t n,
		      char out[SUPPRESS_ADDRESS + 1]) MUST_USE;
const char *suppress_origin_word(enum suppress_origin o);

/* Its time is over: it counts as absent. */
bool suppress_is_over(const struct suppress_record *r, int64_t now_us);
/* Does it hold now?  *found is meant for a person: the row may be the
 * domain's. */
bool suppress_find(struct txn *t, struct text address, int64_t now_us,
		   bool *found, struct suppress_record *out,
		   struct err *e) MUST_USE;

/* An entry on its way into the list. */
#define SUPPRESS_ENTRY_FIELDS(F)                                               \
	F(u8, origin, SUPPRESS_MANUAL)                                         \
	F(u64, since_us, INT64_MAX) /* 0: now */                               \
	F(u64, until_us, INT64_MAX) /* 0: for good */                          \
	F(text, address, SUPPRESS_ADDRESS)                                     \
	F(text, reason, SUPPRESS_REASON)                                       \
	F(text, evidence, SUPPRESS_EVIDENCE)
WIRE_STRUCT(suppress_entry, SUPPRESS_ENTRY_FIELDS)
void suppress_entry_add(struct bytes *batch, const struct suppress_entry *s);
/* The next one of a batch; false at its end or where it makes no sense. */
bool suppress_entry_take(struct reader *batch,
			 struct suppress_entry *s) MUST_USE;
/* A batch that is none (an address that is none, a length that lies, more than
 * SUPPRESS_BATCH entries) is refused whole. */
bool suppress_batch_valid(struct text batch) MUST_USE;

/* Of a valid batch: *changed is how many rows are new, other, or gone. */
bool suppress_add(struct txn *t, struct text batch, const char *who,
		  int64_t now_us, uint32_t *changed, struct err *e) MUST_USE;
bool suppress_remove(struct txn *t, struct text batch, uint32_t *changed,
		     struct err *e) MUST_USE;

/* A recipient has failed: is it a reply that says that there is no such
 * mailbox?  Never for words about us, our reputation, a policy or a quota, nor
 * if the category is another (a block `reply` can say so). */
bool suppress_is_hard(const struct verdict *v);
/* Such a failure is counted, and enough of them suppress the address: *added. */
bool suppress_bounced(struct txn *t, const struct settings *s,
		      struct text address, const struct verdict *v,
		      int64_t now_us, bool *added, struct err *e) MUST_USE;
/* The same with the block `suppress` alone, whose numbers are looked at. */
bool suppress_failed(struct txn *t, const struct suppress_settings *s,
		     struct text address, const struct verdict *v,
		     int64_t now_us, bool *added, struct err *e) MUST_USE;
/* Its owner complains of our mail: no more of it; v->reply is what he said. */
bool suppress_complained(struct txn *t, const struct suppress_settings *s,
			 struct text address, const struct verdict *v,
			 int64_t now_us, bool *added, struct err *e) MUST_USE;

/* --- suppress_table.c ------------------------------------------------------
 */

/* The next row at or behind key[0..n); then the one after it.  False with
 * ERR_NONE: there is none. */
struct suppress_row {
	const void *key;
	size_t nkey;
	struct suppress_record record;
};
bool suppress_first(struct txn *t, const unsigned char *key, size_t n,
		    struct suppress_row *out, struct err *e) MUST_USE;
bool suppress_next(struct txn *t, struct suppress_row *out,
		   struct err *e) MUST_USE;

/* Rows whose time is over go.  A cursor goes round the table, SUPPRESS_LOOK rows
 * a look; zeroed memory is a new one. */
struct suppress_old {
	unsigned char from[SUPPRESS_KEY];
	size_t nfrom; /* 0: the table's start */
	size_t n;
	struct {
		unsigned char key[SUPPRESS_KEY];
		size_t n;
	} found[SUPPRESS_LOOK];
};
bool suppress_look(struct suppress_old *o, struct txn *t, int64_t now_us,
		   struct err *e) MUST_USE;
/* Removes what the last look has found and is still old. */
bool suppress_forget(struct suppress_old *o, struct txn *t, int64_t now_us,
		     struct err *e) MUST_USE;

/* Every row: its checksum, its key; *rows is how many. */
bool suppress_verify(struct txn *t, uint64_t *rows, struct err *e) MUST_USE;

#endif
