/*
 * explain_step - one relay that was looked at: for or against, by which
 * numbers, and what it waits for, in words.
 *
 * Owner    plain values; texts are cleaned for a terminal.
 */
#ifndef MTQ_EXPLAIN_STEP_H
#define MTQ_EXPLAIN_STEP_H

#include "admin/sentence.h"
#include "queue/book.h"
#include "queue/choose.h"

struct explain_world {
	const struct settings *s;
	const struct book *b;
	int64_t now_us;
};
/* "Sun 2026-11-22 00:00 UTC (in 12h 30min)" */
void explain_when(const struct explain_world *w, int64_t us,
		  struct sentence *out);
/* Why the step says what it says. */
void explain_step(const struct explain_world *w, const struct choose_step *step,
		  unsigned type, struct sentence *out);
/* "quota edition begins a new day": what happens at the step's opens_us. */
void explain_opening(const struct explain_world *w,
		     const struct choose_step *step, unsigned type,
		     struct sentence *out);

/* A relay that takes mail, but none so large: a quota in bytes has too little
 * left.  The scheduler then looks again later; no other relay is tried. */
struct explain_tight {
	size_t quota;
	uint64_t left_bytes;
	bool never;       /* the quota never lets so much through */
	int64_t opens_us; /* INT64_MAX: see never */
};
bool explain_is_tight(const struct explain_world *w, size_t relay,
		      unsigned type, uint64_t size_bytes,
		      struct explain_tight *out) MUST_USE;

#endif
