/*
 * record - what lies in the queue database: fixed little-endian layouts, a
 * version octet first, a CRC-32C of all that follows it in octets 1..4.
 *
 * Keys are big-endian, so that LMDB's order is ours:
 *	message		id
 *	body		id, chunk
 *	recipient	id, rcpt
 *	due		state, lane, due_us, id, rcpt	(no value)
 *	partial		id				(receive begun_us)
 *	charge		job
 *	spent		quota, minute_us, type, relay	(queue/book.h)
 *	counter		quota
 *	override	quota, type
 *	gate		relay
 *	suppress	domain, "@", local part; none for a whole domain
 *	journal		entry				(queue/journal.h)
 *	history		id, rcpt			(its last entry)
 *	reader		name of a reader of the journal
 *	state		"state", "returns"		(queue/return_key.h)
 *
 * A recipient has exactly one row in `due`, and the row's state octet is its
 * state: there is no second place to disagree.
 *
 * Source   docs/queue.md
 */
#ifndef MTQ_RECORD_H
#define MTQ_RECORD_H

#include "daemon/err.h"
#include "daemon/wire.h"
#include "queue/address.h"
#include "queue/status.h"

enum {
	RECORD_VERSION = 4,
	CHUNK_MOST = 65512, /* body octets of one record: + header = 65520,
			       which with LMDB's page header fills 16 pages */
	ID_TEXT = 12,       /* letters and digits of a queue id */
	LANE_DEFAULT = 1,
	RECORD_SEAL = 5, /* octets before the fields: version, checksum */
};

/* The state of one recipient of one message (docs/queue.md). */
#define RECIPIENT_STATES(S)                                                    \
	S(WAITING, "waiting", "due at the time in its row")                    \
	S(CLAIMED, "active", "with a worker")                                  \
	S(HELD, "held", "an administrator keeps it back")                      \
	S(FAILED, "failed", "refused or expired; kept to be looked at")        \
	S(PARKED, "parked", "for an archive: waits for the others' end")
enum recipient_state {
#define S(id, word, what) RECIPIENT_##id,
	RECIPIENT_STATES(S)
#undef S
	    RECIPIENT_STATE_COUNT
};
const char *recipient_state_word(enum recipient_state s);

/* Message flags. */
enum {
	MESSAGE_8BIT = 1,      /* BODY=8BITMIME was declared */
	MESSAGE_SMTPUTF8 = 2,  /* SMTPUTF8 was declared */
	MESSAGE_RET_FULL = 4,  /* RET=FULL (RFC 3461 4.3) */
	MESSAGE_RET_HDRS = 8,  /* RET=HDRS */
	MESSAGE_HAS_8BIT = 16, /* an octet above 127 was seen in the body */
	MESSAGE_SANDBOX = 32,  /* goes to its source's sandbox_relay only */
};

/* Written once, never changed. */
#define MESSAGE_FIELDS(F)                                                      \
	F(u64, arrival_us, INT64_MAX)                                          \
	F(u64, size_bytes, UINT64_MAX) /* body with our Received */            \
	F(u32, chunks, UINT32_MAX)                                             \
	F(u32, body_crc, UINT32_MAX) /* CRC-32C of the whole body */           \
	F(u32, recipients, 50100)    /* at acceptance */                       \
	F(u8, copies, 8)             /* the last so many are archives */       \
	F(u32, flags, 63)                                                      \
	F(text, sender, 254) /* "" is the null sender */                       \
	F(text, author, 254) /* address of header From; "" if there is none */ \
	F(text, type, 64)                                                      \
	F(text, source, 64)                                                    \
	F(text, listener, 64)                                                  \
	F(text, client, 64) /* address */                                      \
	F(text, helo, 255)                                                     \
	F(text, envid, 100) /* xtext as received, RFC 3461 4.4 */              \
	F(text, message_id, 255)                                               \
	F(text, subject, 255)  /* raw, unfolded, cut; for people */            \
	F(text, account, 255)  /* "" is not authenticated */                   \
	F(text, verdict, 1023) /* each check of the door (queue/door.h) */
WIRE_STRUCT(message_record, MESSAGE_FIELDS)

enum {
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8
};

/* Rewritten at every deferral: small. */
#define RECIPIENT_FIELDS(F)                                                              \
	F(u8, state, RECIPIENT_STATE_COUNT - 1)                                          \
	F(u8, notify, 15)        /* RFC 3461 4.1; 0: not given */                        \
	F(u64, lane, UINT64_MAX) /* queue/lane.h */                                      \
	F(u64, job, UINT64_MAX)  /* while CLAIMED: whose charge it is on */              \
	F(u32, attempts, UINT32_MAX)                                                     \
	F(u32, rounds, UINT32_MAX) /* through all relays it may take */                  \
	F(u8, claims, UINT8_MAX)   /* without an outcome, one after another */           \
	F(u8, told, 1)             /* its sender knows of the delay */                   \
	F(u8, archive, 1) /* it gets a copy when the others have ended */                \
	F(u8, category, CATEGORY_COUNT - 1) /* of the last attempt */                    \
	F(u64, entry, UINT64_MAX) /* the journal's last one about it */                  \
	F(u64, due_us, INT64_MAX) /* while WAITING; see key_due_of */                    \
	F(u64, changed_us, INT64_MAX)                                                    \
	F(text, address, 254)                                                            \
	/* xtext as received, with its addr-type; of an archive: the one relay         \
	 * that leads there, "" as the routes say */ \
	F(text, orcpt, 500)                                                              \
	F(text, relay, 64)    /* of the last attempt */                                  \
	F(text, status, 11)   /* of the last attempt, "4.2.1" */                         \
	F(text, reason, 1024) /* the remote's words, or who held it and why */           \
	/* how the way of the last attempt was secured (queue/job.h); ""        \
	 * there was no connection */        \
	F(tail, security, 159)
WIRE_STRUCT(recipient_record, RECIPIENT_FIELDS)

/* One claimed transaction through a relay with quotas (queue/book.h). */
#define CHARGE_FIELDS(F)                                                       \
	F(text, relay, 64)                                                     \
	F(text, type, 64)                                                      \
	F(u64, size_bytes, UINT64_MAX)                                         \
	F(u64, claimed_us, INT64_MAX)                                          \
	F(u32, recipients, UINT32_MAX) /* at the claim */                      \
	F(u32, open, UINT32_MAX)       /* still CLAIMED */                     \
	F(u32, taken, UINT32_MAX)      /* the remote has, or may have */       \
	F(blob, quotas, 1024)          /* queue/book_row.h, charged_take */
WIRE_STRUCT(charge_record, CHARGE_FIELDS)

/* Places of one quota used in one minute, by type and relay. */
#define SPENT_FIELDS(F) F(u64, places, UINT64_MAX)
WIRE_STRUCT(spent_record, SPENT_FIELDS)

/* Sums for one quota: of `spent` and `recent` in its window, and of `charge`;
 * and the places of the last minute, which come into `spent` when it is over.
 */
#define COUNTER_FIELDS(F)                                                      \
	F(u64, from_us, INT64_MAX)                                             \
	F(u64, to_us, INT64_MAX)                                               \
	F(blob, types, 4096)  /* queue/book_row.h, counted_take */             \
	F(rest, recent, 4096) /* the same, recent_take */
WIRE_STRUCT(counter_record, COUNTER_FIELDS)

#define OVERRIDE_FIELDS(F)                                                     \
	F(u64, limit, UINT64_MAX)                                              \
	F(u64, until_us, INT64_MAX) /* 0: for good */                          \
	F(u64, set_us, INT64_MAX)                                              \
	F(text, who, 63)                                                       \
	F(text, why, 255)
WIRE_STRUCT(override_record, OVERRIDE_FIELDS)

#define GATE_FIELDS(F)                                                         \
	F(u8, paused, 1)                                                       \
	F(u64, paused_until_us, INT64_MAX)                                     \
	F(u64, paused_us, INT64_MAX)                                           \
	F(text, paused_who, 63)                                                \
	F(text, paused_why, 255)                                               \
	F(u64, closed_until_us, INT64_MAX)                                     \
	F(u64, closed_us, INT64_MAX)                                           \
	F(text, closed_reply, 255)                                             \
	F(u64, failed_us, INT64_MAX)                                           \
	F(text, last_error, 255)                                               \
	F(u64, last_error_us, INT64_MAX)                                       \
	F(u64, last_rated_us, INT64_MAX)                                       \
	F(u64, last_rated_steady_us, INT64_MAX)
WIRE_STRUCT(gate_record, GATE_FIELDS)

/* Who said that an address is not to be written to; the later one outranks those
 * above it. */
#define SUPPRESS_ORIGINS(O)                                                    \
	O(BOUNCE, "bounce")                                                    \
	O(COMPLAINT, "complaint") O(IMPORT, "import") O(MANUAL, "manual")
enum suppress_origin {
#define O(id, word) SUPPRESS_##id,
	SUPPRESS_ORIGINS(O)
#undef O
	    SUPPRESS_ORIGIN_COUNT
};
enum { SUPPRESS_REASON = 63, SUPPRESS_WHO = 63, SUPPRESS_EVIDENCE = 511 };
#define SUPPRESS_FIELDS(F)                                                     \
	F(u8, origin, SUPPRESS_MANUAL)                                         \
	F(u8, counting, 1) /* bounces are counted, mail still goes */          \
	F(u32, bounces, UINT32_MAX)                                            \
	F(u64, since_us, INT64_MAX)                                            \
	F(u64, until_us, INT64_MAX) /* 0: for good */                          \
	F(text, reason, SUPPRESS_REASON)                                       \
	F(text, who, SUPPRESS_WHO)                                             \
	F(text, evidence, SUPPRESS_EVIDENCE) /* the remote's words, cleaned */
WIRE_STRUCT(suppress_record, SUPPRESS_FIELDS)

/* Of one reader of the journal: up to where it has read. */
#define READER_FIELDS(F)                                                       \
	F(u64, entry, UINT64_MAX)                                              \
	F(u64, at_us, INT64_MAX) /* when it said so */                         \
	F(text, who, 63)
WIRE_STRUCT(reader_record, READER_FIELDS)

/* What a recipient that has ended is found by. */
#define HISTORY_FIELDS(F) F(u64, entry, UINT64_MAX)
WIRE_STRUCT(history_record, HISTORY_FIELDS)

/* Written by every commit that changes something; compared at open. */
#define STATE_FIELDS(F)                                                        \
	F(u64, format, RECORD_VERSION)                                         \
	F(u64, txn, UINT64_MAX) /* mdb_txn_id of the commit */                 \
	F(u64, last_id, UINT64_MAX)                                            \
	F(u64, created_us, INT64_MAX)                                          \
	F(u64, messages, UINT64_MAX)                                           \
	F(u64, body_bytes, UINT64_MAX)                                         \
	F(u64, waiting, UINT64_MAX)                                            \
	F(u64, claimed, UINT64_MAX)                                            \
	F(u64, held, UINT64_MAX)                                               \
	F(u64, failed, UINT64_MAX)                                             \
	F(u64, parked, UINT64_MAX)                                             \
	F(u64, partials, UINT64_MAX)                                           \
	F(u64, accepted_total, UINT64_MAX) /* recipients, ever */              \
	F(u64, sent_total, UINT64_MAX)                                         \
	F(u64, dropped_total, UINT64_MAX)                                      \
	F(u64, last_entry, UINT64_MAX)    /* of the journal, ever */           \
	F(u64, entry_removed, UINT64_MAX) /* the last one that went */         \
	F(u64, entries, UINT64_MAX)                                            \
	F(u64, entry_bytes, UINT64_MAX)    /* keys and rows */                 \
	F(u64, withheld_total, UINT64_MAX) /* reports not sent, ever */        \
	F(text, instance, 64)
WIRE_STRUCT(state_record, STATE_FIELDS)

/* Appends version, checksum and encoded record to b. */
void record_seal(struct bytes *b, const struct bytes *encoded);
/* The same without a copy: what is appended to b between the two is sealed.
 * begin returns `at`. */
size_t record_seal_begin(struct bytes *b);
void record_seal_end(struct bytes *b, size_t at);
/* Checks version and checksum; the payload goes to *p, *n.  `what` names the
 * record in the error (ERR_DAMAGED). */
bool record_open(const void *data, size_t size, const char *what,
		 const unsigned char **p, size_t *n, struct err *e) MUST_USE;
/* seal(encode()) and decode(open()) of each kind: b is replaced. */
void message_seal(struct bytes *b, const struct message_record *m);
void recipient_seal(struct bytes *b, const struct recipient_record *r);
void state_seal(struct bytes *b, const struct state_record *s);
void charge_seal(struct bytes *b, const struct charge_record *c);
void spent_seal(struct bytes *b, const struct spent_record *s);
void counter_seal(struct bytes *b, const struct counter_record *c);
void override_seal(struct bytes *b, const struct override_record *o);
void gate_seal(struct bytes *b, const struct gate_record *g);
void suppress_seal(struct bytes *b, const struct suppress_record *s);
void reader_seal(struct bytes *b, const struct reader_record *r);
void history_seal(struct bytes *b, const struct history_record *h);
bool charge_open(const void *data, size_t size, struct charge_record *c,
		 struct err *e) MUST_USE;
bool spent_open(const void *data, size_t size, struct spent_record *s,
		struct err *e) MUST_USE;
bool counter_open(const void *data, size_t size, struct counter_record *c,
		  struct err *e) MUST_USE;
bool override_open(const void *data, size_t size, struct override_record *o,
		   struct err *e) MUST_USE;
bool gate_open(const void *data, size_t size, struct gate_record *g,
	       struct err *e) MUST_USE;
bool suppress_open(const void *data, size_t size, struct suppress_record *s,
		   struct err *e) MUST_USE;
bool reader_open(const void *data, size_t size, struct reader_record *r,
		 struct err *e) MUST_USE;
bool history_open(const void *data, size_t size, struct history_record *h,
		  struct err *e) MUST_USE;
bool message_open(const void *data, size_t size, struct message_record *m,
		  struct err *e) MUST_USE;
bool recipient_open(const void *data, size_t size, struct recipient_record *r,
		    struct err *e) MUST_USE;
bool state_open(const void *data, size_t size, struct state_record *s,
		struct err *e) MUST_USE;

enum { KEY_MESSAGE = 8, KEY_BODY = 12, KEY_RECIPIENT = 12, KEY_DUE = 29 };
void key_message(unsigned char k[KEY_MESSAGE], uint64_t id);
void key_body(unsigned char k[KEY_BODY], uint64_t id, uint32_t chunk);
void key_recipient(unsigned char k[KEY_RECIPIENT], uint64_t id, uint32_t rcpt);
struct due_key {
	enum recipient_state state;
	uint64_t lane;
	int64_t due_us;
	uint64_t id;
	uint32_t rcpt;
};
void key_due(unsigned char k[KEY_DUE], const struct due_key *d);
/* The one row in `due` of this recipient.  Only WAITING rows are ordered by
 * lane and time; the others have zeros there, so they lie in the order of id
 * and recipient, whatever lane they came from. */
void key_due_of(unsigned char k[KEY_DUE], uint64_t id, uint32_t rcpt,
		const struct recipient_record *r);
bool key_due_parse(const void *k, size_t n, struct due_key *d) MUST_USE;

/* A queue id as people see it: 12 capital letters and digits without vowels,
 * sortable by time.  id_next: never the same twice, never going back. */
void id_text(uint64_t id, char out[ID_TEXT + 1]);
bool id_parse(const char *p, size_t n, uint64_t *id) MUST_USE;
bool id_valid(uint64_t id); /* can be written as text, and is not 0 */
/* writer: 0 the receiver, 1 the scheduler, 2 the journal, whoever writes it:
 * their ids never meet. */
enum { ID_WRITERS = 4 };
uint64_t id_next(uint64_t last, int64_t now_us, unsigned writer);

#endif
