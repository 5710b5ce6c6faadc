/*
 * book_row - keys and inner lists of the book's tables.  Only queue/book*.c,
 * audit and verify use it.  Pure.
 *
 *	charge	 job
 *	spent	 quota NUL minute_us type NUL relay
 *	counter	 quota
 *	override quota NUL type
 *	gate	 relay
 *
 * Errors   a key or list that makes no sense is false; the caller says so.
 */
#ifndef MTQ_BOOK_ROW_H
#define MTQ_BOOK_ROW_H

#include "daemon/settings.h"
#include "queue/record.h"

enum {
	BOOK_NAME = 64, /* octets of a name, as in the records */
	BOOK_KEY = 3 * BOOK_NAME + 16,
	KEY_JOB = 8,
};

struct spent_key {
	struct text quota, type, relay;
	int64_t minute_us;
};
size_t spent_key(unsigned char k[BOOK_KEY], const struct spent_key *s);
/* The first key of the quota at or after this minute. */
size_t spent_key_from(unsigned char k[BOOK_KEY], struct text quota,
		      int64_t minute_us);
bool spent_key_parse(const void *k, size_t n, struct spent_key *out) MUST_USE;

size_t override_key(unsigned char k[BOOK_KEY], struct text quota,
		    struct text type);
bool override_key_parse(const void *k, size_t n, struct text *quota,
			struct text *type) MUST_USE;
bool name_key_parse(const void *k, size_t n, struct text *name) MUST_USE;

/* The quotas of a charge: each a name and the unit it was charged in, so that
 * it is settled in that unit whatever the configuration says by then. */
struct charged {
	struct text quota;
	enum unit_kind unit;
};
void charged_add(struct bytes *b, const struct charged *c);
/* False at the end, or when malformed (then r->ok is false). */
bool charged_take(struct reader *r, struct charged *out) MUST_USE;
/* Places that a charge has in flight. */
uint64_t charged_places(const struct charge_record *c, enum unit_kind unit);

/* The types of a counter. "": all that were not in the configuration. */
struct counted {
	struct text type;
	uint64_t used, in_flight;
};
void counted_add(struct bytes *b, const struct counted *c);
bool counted_take(struct reader *r, struct counted *out) MUST_USE;

/* Places of a counter's quota that have no row in `spent` yet. */
enum { RECENT_MOST = 24 }; /* in one counter */
struct recent {
	int64_t minute_us;
	struct text type, relay;
	uint64_t places;
};
void recent_add(struct bytes *b, const struct recent *r);
bool recent_take(struct reader *r, struct recent *out) MUST_USE;

#endif
