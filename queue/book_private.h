/*
 * book_private - what the files of the book share.
 *
 *	book.c		questions: room, openings, what stands in it
 *	book_load.c	makes one from the rows; other settings
 *	book_turn.c	windows and minutes
 *	book_change.c	charges and settlements
 *	book_flush.c	what a commit writes, and what its failure undoes
 *	book_set.c	run-time changes
 *	book_gate.c	why a relay is shut
 *
 * Names    slots, relays and types are numbers: first those of the settings in
 *          their order, then those only rows still speak of, as they are met.
 * Undo     the first change of a slot in a step keeps what it was; `spend`
 *          knows what the step booked.  book_committed forgets both.
 */
#ifndef MTQ_BOOK_PRIVATE_H
#define MTQ_BOOK_PRIVATE_H

#include "queue/book.h"
#include "queue/book_row.h"
#include "queue/names.h"

enum {
	BOOK_WHO = 64, /* with NUL; as in the records */
	BOOK_WHY = 256,
};

/* Places used in one minute of a rolling window, of one type. */
struct minute {
	int64_t at_us;
	size_t type; /* number; of the settings or not */
	uint64_t places;
};
struct minutes {
	struct minute *item; /* by time, then type */
	size_t first;        /* the window begins here */
	size_t n, room;
};
/* Used, and not in the table `spent` yet: in the counter's row. */
struct spend {
	int64_t minute_us;
	size_t type, relay; /* numbers */
	uint64_t places;
	uint64_t booked; /* of those: in this step */
	uint64_t was;    /* places before this step */
};
struct slot {
	const char *name;
	struct quota_terms terms; /* block NULL: not in the settings */
	struct quota_use use;
	struct span window;
	struct minutes minutes; /* rolling only */
	struct spend *spend;
	size_t nspend, spend_room;
	bool dirty;  /* the counter row is to be written */
	bool stored; /* there is a counter row, or will be */
	bool summed; /* while loading: the counter row stands */
	bool touched;
	struct quota_use use_was; /* when touched */
	struct span window_was;
	int64_t oldest_us; /* no row of `spent` is older; for book_prune */
};
/* One override. */
struct amend {
	char quota[BOOK_NAME + 1];
	char type[BOOK_NAME + 1];
	uint64_t limit;
	int64_t until_us, set_us; /* until 0: for good */
	char who[BOOK_WHO];
	char why[BOOK_WHY];
	bool over; /* its time is up; the row goes with the next flush */
};
struct amends {
	struct amend *item;
	size_t n;
};
/* One relay of the settings: what a charge through it names. */
struct carrier {
	size_t slot[SETTINGS_RELAY_QUOTAS];
	size_t n;
	struct bytes charged; /* the record's `quotas` */
};
struct gated {
	struct gate gate, was;
	bool touched; /* `was` holds what to go back to */
	bool dirty, dirty_was;
	bool stored; /* there is a row */
};

struct book {
	const struct settings *settings;
	struct names quotas, relays, types;
	struct slot **slot; /* by number; the settings' come first */
	size_t nslots;
	struct carrier *carrier; /* by relay of the settings */
	struct gated *gated;
	struct amends amends, amends_were;
	bool amends_touched;
	int64_t turned_us; /* the last book_turn */
	int64_t steady_us; /* the clock has made no jump since */
	struct bytes scratch, types_list, recent_list;
};

/* The slot of this name, made when it is met first. */
struct slot *book_slot(struct book *b, struct text name);
/* Of this minute, type and relay; made if there is none. */
struct spend *book_spend(struct slot *s, int64_t minute_us, size_t type,
			 size_t relay);
bool book_booked(const struct slot *s); /* anything in this step? */
/* Where a type counts. */
uint64_t *book_used(const struct book *b, struct quota_use *u, size_t type);
uint64_t *book_in_flight(const struct book *b, struct quota_use *u,
			 size_t type);
/* Before any change of a slot. */
void book_touch(struct slot *s);
bool book_rolls(const struct slot *s);

/* book_turn.c: used, minutes and oldest_us from `spent`, for s->window. */
bool book_sum(struct book *b, struct txn *t, struct slot *s,
	      struct err *e) MUST_USE;
int64_t book_minute(int64_t now_us);
void minutes_add(struct minutes *m, int64_t at_us, size_t type,
		 uint64_t places);
void minutes_take(struct minutes *m, int64_t at_us, size_t type,
		  uint64_t places);
/* The window begins at from_us; compact: what lies before it is dropped. */
void minutes_begin(struct minutes *m, int64_t from_us, bool compact);

/* book_set.c: overrides */
bool book_load_amends(struct book *b, struct txn *t, int64_t now_us,
		      struct err *e) MUST_USE;
bool book_flush_amends(struct book *b, struct txn *t, struct err *e) MUST_USE;
void book_undo_amends(struct book *b);
/* Terms: the file's, then the overrides'. */
void book_terms_again(struct book *b, int64_t now_us);
bool book_ends(struct book *b, int64_t now_us); /* did any override end? */

/* book_gate.c */
bool book_load_gates(struct book *b, struct txn *t, struct err *e) MUST_USE;
bool book_flush_gates(struct book *b, struct txn *t, struct err *e) MUST_USE;
void book_undo_gates(struct book *b);

#endif
