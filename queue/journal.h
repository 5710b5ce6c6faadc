/*
 * journal - what became of all mail, in order: what `mtq events`, `mtq history`
 * and `mtq bounces` read.
 *
 * An entry is written in the transaction of the change that it tells of: both
 * are durable or neither is.  Its number is made like a queue id, larger than
 * all before it in the order of the commits, so a reader that goes on behind the
 * last one it had misses nothing and gets nothing twice.
 *
 * The entries about one recipient are a chain: each has the number of the one
 * before, the first is the message's ACCEPTED.  While the recipient is in the
 * queue its record has the last one, afterwards a row of the table `history`
 * has it.
 *
 * Bounded  `history { keep max_size }`: what is older or too much goes, oldest
 *          first, with its history row.  A reader that has not acknowledged it
 *          keeps it longer than `keep`, never above max_size; that it has lost
 *          something, it is told.
 * Owner    texts of an entry read point into the map, as txn.h says.
 * Errors   as txn.h; "it is not there" is an answer.
 * Source   issue 5, points 5 and 7; docs/decisions/0013-journal.md
 */
#ifndef MTQ_JOURNAL_H
#define MTQ_JOURNAL_H

#include "queue/record.h"
#include "queue/store.h"

/* Id, word in JSON, what it tells. */
#define JOURNAL_KINDS(K)                                                       \
	K(ACCEPTED, "accepted", "a message is ours; rcpt: how many")           \
	K(DELIVERED, "delivered", "the next hop has it")                       \
	K(DEFERRED, "deferred", "an attempt failed; next_us: the next one")    \
	K(BOUNCED, "bounced", "it failed for good")                            \
	K(EXPIRED, "expired", "it failed: its lifetime was over")              \
	K(IN_DOUBT, "in_doubt", "no reply after the final dot")                \
	K(HELD, "held", "kept back, by a person or as poison")                 \
	K(RELEASED, "released", "it waits again")                              \
	K(DROPPED, "dropped", "removed by a person")                           \
	K(DELAYED, "delayed", "its sender was told of the delay")              \
	K(REPORTED, "reported", "its sender was told; detail: the report")     \
	K(WITHHELD, "withheld", "its sender was told too much already")        \
	K(RETURNED, "returned", "it came back after it was delivered")         \
	K(COMPLAINT, "complaint", "its recipient called it unwanted")          \
	K(SUPPRESSED, "suppressed", "an address gets no more mail")            \
	K(UNSUPPRESSED, "unsuppressed", "it may get mail again")               \
	K(QUOTA, "quota", "a quota was set, unset or spent")                   \
	K(RELAY, "relay", "a relay was paused, closed, opened ...")
enum journal_kind {
#define K(id, word, what) JOURNAL_##id,
	JOURNAL_KINDS(K)
#undef K
	    JOURNAL_KIND_COUNT
};
const char *journal_word(enum journal_kind k);

/* What a row has no use for is 0 or empty. */
#define ENTRY_FIELDS(F)                                                        \
	F(u8, kind, JOURNAL_KIND_COUNT - 1)                                    \
	F(u8, category, CATEGORY_COUNT - 1)                                    \
	F(u16, code, 599)                                                      \
	F(u64, at_us, INT64_MAX)                                               \
	F(u64, message, UINT64_MAX) /* 0: of no message */                     \
	F(u32, rcpt, UINT32_MAX)    /* ACCEPTED: how many */                   \
	F(u64, previous, UINT64_MAX)                                           \
	F(u64, arrival_us, INT64_MAX)                                          \
	F(u64, next_us, INT64_MAX) /* next attempt; or until when */           \
	F(u64, size_bytes, UINT64_MAX)                                         \
	F(u32, attempts, UINT32_MAX)                                           \
	F(u64, queued_us, INT64_MAX) /* arrival to the claim */                \
	F(u32, in_worker_us, UINT32_MAX)                                       \
	F(u32, connect_us, UINT32_MAX)                                         \
	F(u32, transmit_us, UINT32_MAX)                                        \
	F(text, sender, 254)                                                   \
	F(text, address, 254) /* the recipient, or the suppressed one */       \
	F(text, message_id, 255)                                               \
	F(text, type, 64)                                                      \
	F(text, source, 64)                                                    \
	F(text, relay, 64) /* or quota: its name */                            \
	F(text, remote, VERDICT_REMOTE_MOST)                                   \
	F(text, status, 11)                                                    \
	F(text, reply, VERDICT_REPLY_MOST) /* the remote's words, or ours */   \
	F(text, security, 159)                                                 \
	F(text, who, 63) /* the person */                                      \
	F(text, detail, 255)
WIRE_STRUCT(journal_entry, ENTRY_FIELDS)

/* Writes it; *number is its number.  at_us is the caller's. */
bool journal_add(struct txn *t, const struct journal_entry *x, uint64_t *number,
		 struct err *e) MUST_USE;
/* The recipient's last entry, from the table `history`: it has ended.  Replaces
 * a row that is there (what came back later). */
bool journal_ended(struct txn *t, uint64_t message, uint32_t rcpt,
		   uint64_t number, struct err *e) MUST_USE;
/* False with ERR_NONE: it has not ended, or is forgotten. */
bool journal_history(struct txn *t, uint64_t message, uint32_t rcpt,
		     uint64_t *number, struct err *e) MUST_USE;
/* The next ended recipient of a message, at or after *rcpt. */
bool journal_history_next(struct txn *t, uint64_t message, uint32_t *rcpt,
			  uint64_t *number, struct err *e) MUST_USE;
bool journal_get(struct txn *t, uint64_t number, struct journal_entry *out,
		 struct err *e) MUST_USE;
/* The first at or after `from`. */
bool journal_next(struct txn *t, uint64_t from, uint64_t *number,
		  struct journal_entry *out, struct err *e) MUST_USE;
/* The smallest number an entry of that moment can have. */
uint64_t journal_from(int64_t at_us);
bool journal_number_valid(uint64_t number); /* could be one of ours */

/* Would journal_prune remove something now? */
bool journal_may_prune(struct txn *t, int64_t keep_us, uint64_t max_bytes,
		       int64_t now_us, bool *may, struct err *e) MUST_USE;
/* Of the oldest ones, at most `most`, what may go.  Cheap when nothing may.
 * *more: there is more of it. */
bool journal_prune(struct txn *t, int64_t keep_us, uint64_t max_bytes,
		   int64_t now_us, unsigned most, bool *more,
		   struct err *e) MUST_USE;

/* --- readers: names of 1 to 64 letters, digits, '-', '_', '.' --------------
 */
enum {
	JOURNAL_READERS_MOST = 16,
	/* The place of a reader that needs them all; no entry's number. */
	JOURNAL_BEFORE_ALL = 1,
};
bool journal_reader_valid(struct text name);
/* It has read up to `number` and needs none of them again; a new name is a new
 * reader, JOURNAL_BEFORE_ALL makes one that has read nothing.  0: it is a
 * reader no more.  *done: false: too many readers, or there is no such reader to
 * remove, or it acknowledges what was never written. */
bool journal_ack(struct txn *t, struct text name, uint64_t number,
		 const char *who, int64_t now_us, bool *done,
		 struct err *e) MUST_USE;
/* Was there ever an entry of this number? */
bool journal_was_written(struct txn *t, uint64_t number, bool *was,
			 struct err *e) MUST_USE;
bool journal_reader(struct txn *t, struct text name, struct reader_record *out,
		    struct err *e) MUST_USE;
/* The reader behind this name ("" the first); name points into the map. */
bool journal_reader_next(struct txn *t, struct text after, struct text *name,
			 struct reader_record *out, struct err *e) MUST_USE;

/* Every row of the three tables, and their sums in the state record. */
bool journal_verify(struct txn *t, uint64_t *entries, struct err *e) MUST_USE;

#endif
