/*
 * relays_now - whether a relay takes mail of a type now, from what the database
 * says: the configuration, gates and quotas.  Pure but for reading the book.
 *
 * The scheduler, `mtq explain`, `mtq relay` and `mtq forecast` all ask here.
 * SHUT_UNREACHABLE comes from the gate; the scheduler, which knows its breakers
 * better, puts them in its place.
 */
#ifndef MTQ_RELAYS_NOW_H
#define MTQ_RELAYS_NOW_H

#include "queue/book.h"
#include "queue/choose.h"

/* In this order: DISABLED, PAUSED, CLOSED, SPENT, UNREACHABLE; opens_us of the
 * one that is said. */
struct relay_now relays_now(const struct settings *s, const struct book *b,
			    size_t relay, unsigned type, int64_t now_us);
/* The same of what no mail changes: DISABLED, PAUSED, CLOSED or NOT. */
struct relay_now relays_gate(const struct settings *s, const struct book *b,
			     size_t relay, int64_t now_us);

#endif
