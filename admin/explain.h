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

#include "admin/explain_step.h"
#include "queue/record.h"

/* Recipients of one message that are alike; or mail that is only thought of. */
struct explain_mail {
	struct routing_ask ask; /* with one of the recipients */
	uint64_t size_bytes;    /* 0: any */
	bool queued;            /* what follows is of queued mail */
	const char *id;
	enum recipient_state state;
	bool moved;     /* it lies where another configuration put it */
	unsigned tried; /* bits of its lane, if not moved */
	bool archive;   /* a copy: it has no lifetime */
	int64_t arrival_us;
	int64_t due_us, last_due_us; /* WAITING: from the first to the last */
	struct text relay;           /* of the last attempt; "": several */
	struct text reason;          /* the same of its words */
};
struct explained {
	const struct route_settings *route; /* NULL: none claims it */
	struct sentence route_words;        /* which conditions hold */
	struct chosen chosen;
	struct sentence step_words[ROUTING_VIA + 1];
	struct sentence verdict; /* what happens: "It ..." without the It */
	int64_t next_us;         /* when something is tried; INT64_MAX: nobody
				    knows */
	int64_t expires_us;      /* INT64_MAX: not queued */
	bool hopeless;           /* nothing is known that would let it go */
};
void explain(const struct explain_world *w, const struct explain_mail *m,
	     struct explained *out);
/* The relay it goes through, or the first that was looked at; NULL: none. */
const struct relay_settings *explained_relay(const struct settings *s,
					     const struct explained *x);
const char *choice_word(enum choice c); /* "go", "wait", "bounce" */

#endif
