/*
 * notice - one report in the making: the original's record and octets, the
 * recipients it is about, and the message that comes of them.
 *
 * Texts of the original are copied: what the ledger returns is gone with the
 * next write.
 *
 * Owner    zeroed memory is an empty one; notice_done, original_free.
 * Errors   false: the transaction must be aborted.
 */
#ifndef MTQ_NOTICE_H
#define MTQ_NOTICE_H

#include "daemon/settings.h"
#include "queue/dsn.h"
#include "queue/ledger.h"

/* What a report needs of a message that will be gone when it is written. */
struct original {
	struct original *next;
	uint64_t message;
	struct message_record m; /* texts in `memory` */
	struct bytes memory;
	struct bytes header;
	struct bytes texts; /* of recipients */
};
enum { ORIGINAL_HEADER_MOST = 64 * 1024, ORIGINAL_SMALL = 2048 };

/* The message's record with texts of its own; false with ERR_NONE: gone. */
bool original_record(struct txn *t, uint64_t message, struct message_record *m,
		     struct bytes *memory, struct err *e) MUST_USE;
/* NULL: an error. */
struct original *original_keep(struct txn *t, uint64_t message,
			       const struct settings *s, struct err *e);
void original_free(struct original *o); /* takes NULL */

struct notice {
	struct message_record m; /* the original */
	struct bytes memory;
	const struct original *original; /* NULL: it is in the queue */
	uint64_t about, id;
	bool small; /* the start of the original's header will do */
	struct dsn dsn;
	struct dsn_recipient *rcpt;
	uint32_t *number; /* of each of them */
	struct bytes texts;
	struct bytes copied; /* of the original */
	struct bytes body;
	char original_id[ID_TEXT + 1], own_id[ID_TEXT + 1];
	char from[ADDRESS_MOST + 1], message_id[ID_TEXT + 258];
};

/* `most` recipients at most.  False with ERR_NONE: the message is gone. */
bool notice_begin(struct notice *p, struct txn *t, uint64_t about,
		  const struct original *original, size_t most,
		  struct err *e) MUST_USE;
void notice_add(struct notice *p, uint32_t rcpt, struct text address,
		struct text orcpt, const struct verdict *v, int64_t last_us,
		int64_t until_us);
/* When all are there: only now their texts can be read. */
void notice_settle(struct notice *p);
/* The report as message `id`, to `to`. */
bool notice_enter(struct notice *p, struct txn *t, const struct settings *s,
		  enum dsn_action action, struct text to, uint64_t id,
		  int64_t now_us, struct err *e) MUST_USE;
void notice_done(struct notice *p);

#endif
