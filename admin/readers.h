/*
 * readers - who reads the journal, and how far behind its end.
 *
 * Bounded  JOURNAL_READERS_MOST readers; READERS_COUNT events are counted.
 * Owner    plain values; texts are cleaned.
 */
#ifndef MTQ_READERS_H
#define MTQ_READERS_H

#include "queue/journal.h"

enum { READERS_COUNT = 100000 };

struct reader_line {
	char name[65];
	char who[64];
	uint64_t entry;  /* 0: it has acknowledged none yet */
	int64_t at_us;   /* when it acknowledged that one */
	int64_t next_us; /* of its next event; 0: there is none */
	bool lost;       /* events behind it have gone */
	uint64_t behind; /* events it has not acknowledged */
	bool counted;    /* that is all of them, not at least so many */
};
struct readers {
	struct reader_line reader[JOURNAL_READERS_MOST];
	size_t n;
};
/* count: also `behind`, which looks at each of those events. */
bool readers_read(struct store *s, bool count, struct readers *out,
		  struct err *e) MUST_USE;

#endif
