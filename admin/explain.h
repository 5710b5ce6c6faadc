/*
 * explain - why mail goes where it goes, or waits: the decision that the
 * scheduler makes, made once more step by step and kept in words.
 *
 * The same functions as the scheduler's: routing_find, choose_relay, relays_now,
 * the book.  What only the scheduler knows (free connections, a breaker's next
 * probe) is not part of it.
 *
 * Owner    plain values; texts are cleaned for a terminal.
 */
#ifndef MTQ_EXPLAIN_H
#define MTQ_EXPLAIN_H

#include "queue/book.h"
#include "queue/choose.h"

enum { EXPLAIN_WORDS = 700 };

struct explained {
	const struct route_settings *route; /* NULL: no_match */
	char route_words[EXPLAIN_WORDS];    /* which conditions hold */
	struct chosen chosen;
	char step_words[ROUTING_VIA + 1][EXPLAIN_WORDS];
	char verdict[EXPLAIN_WORDS]; /* what happens, as a sentence */
};
/* tried: bits of the lane, 0 for mail that is not in the queue. */
void explain(const struct settings *s, const struct book *b,
	     const struct routing_ask *ask, unsigned tried, int64_t now_us,
	     struct explained *out);
const char *choice_word(enum choice c); /* "go", "wait", "bounce" */

#endif
