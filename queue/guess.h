/*
 * guess - how often somebody may be wrong: budgets of failed AUTH for each
 * address, and for each account from addresses that never did it right.
 *
 * Only failures are paid for.  A try that could be more than the budget if all
 * that run now fail has to wait for one of them, so many at once are never
 * more, and what is right is not refused because of the others.  Whether an
 * account exists makes no difference.
 *
 * Who fails from everywhere can lock an account for strangers only: an address
 * that has authenticated as it before is not asked for the account's budget.
 *
 * Unit     one failure; microseconds of the steady clock.  A window is counted
 *          in GUESS_PARTS parts and one more, so it is never too short and at
 *          most an eighth too long.
 * Owner    plain memory of the process.
 * Bounded  GUESS_CELLS of each kind; the oldest of a set gives way.  Keys are
 *          salted: nobody can aim at another's.
 * Source   attacks.md A6.
 */
#ifndef MTQ_GUESS_H
#define MTQ_GUESS_H

#include "daemon/mac.h"
#include "daemon/settings.h"

enum {
	GUESS_PARTS = 8,
	GUESS_WAYS = 8, /* cells of a set */
	GUESS_CELLS = 4096,
	GUESS_KEY = 16,
	GUESS_ADDRESS = 16, /* as crowd_key gives it */
};

struct guess_cell {
	unsigned char key[GUESS_KEY];
	int64_t part; /* the newest counted; 0: the cell is free */
	uint32_t count[GUESS_PARTS + 1];
};
struct guess_table {
	struct guess_cell cell[GUESS_CELLS];
};
struct guess {
	unsigned char salt[MAC_SIZE];
	struct guess_table address;
	struct guess_table account;
	struct guess_table right; /* address and account: only `part` */
};

enum guess_answer {
	GUESS_GO,
	GUESS_WAIT, /* until one that runs is done; then ask again */
	GUESS_ADDRESS_SPENT,
	GUESS_ACCOUNT_SPENT,
};

/* One that may be tried; `account` "" while it is not known. */
struct guess_who {
	const unsigned char *address;
	const char *account;
};

/* `salt` is random. */
struct guess *guess_open(const unsigned char salt[MAC_SIZE]);
void guess_free(struct guess *g); /* NULL is fine */
/* May it be tried, while these `n` run?  With n 0 it never waits. */
enum guess_answer guess_ask(struct guess *g, const struct guard_settings *s,
			    const struct guess_who *w,
			    const struct guess_who *runs, size_t n,
			    int64_t now_us);
/* It was tried. */
void guess_wrong(struct guess *g, const struct guard_settings *s,
		 const struct guess_who *w, int64_t now_us);
void guess_right(struct guess *g, const struct guess_who *w, int64_t now_us);

#endif
