/*
 * bounce_sums - failures of mail summed up: by domain, by relay or by category.
 *
 * Names are compared without case.  Bounded: SUMS_MOST names, what comes then is
 * in a sum of its own whose name is "".
 *
 * Owner    zeroed memory is empty; bounce_sums_free.
 * Pure.
 */
#ifndef MTQ_BOUNCE_SUMS_H
#define MTQ_BOUNCE_SUMS_H

#include "queue/journal.h"

#define BOUNCE_BYS(B)                                                          \
	B(DOMAIN, "domain")                                                    \
	B(CATEGORY, "category")                                                \
	B(RELAY, "relay")                                                      \
	B(TYPE, "type")
enum bounce_by {
#define B(id, word) BOUNCE_BY_##id,
	BOUNCE_BYS(B)
#undef B
	    BOUNCE_BY_COUNT
};
const char *bounce_by_word(enum bounce_by by);

enum { SUMS_MOST = 65536, SUM_WORDS = 200 };

struct bounce_sum {
	char name[ADDRESS_DOMAIN_MOST + 1];
	uint64_t failures; /* all of these: */
	uint64_t bounced;
	uint64_t expired;
	uint64_t returned;
	uint64_t complaints;
	uint64_t category[CATEGORY_COUNT];
	int64_t last_us; /* the newest, and what was said then */
	char status[12];
	char words[SUM_WORDS];
};
struct bounce_sums {
	struct bounce_sum **at; /* in no order, until sorted */
	size_t n;
	size_t room;
	uint32_t *slot; /* 1 + index; 0: free */
	size_t nslots;  /* a power of two, at least twice n */
};
/* Is it of those this is about? */
bool bounce_is_one(enum journal_kind kind);
/* What stands behind the last @. */
struct text bounce_domain(struct text address);
void bounce_sums_add(struct bounce_sums *s, enum bounce_by by,
		     const struct journal_entry *x);
/* The most failures first; then nothing may be added. */
void bounce_sums_sort(struct bounce_sums *s);
void bounce_sums_free(struct bounce_sums *s);

#endif
