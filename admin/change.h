/*
 * change - what `mtq quota` and `mtq relay` have in common: the words of a
 * change, asking mtqd for it, and the book as it stands in the database.
 */
#ifndef MTQ_CHANGE_H
#define MTQ_CHANGE_H

#include "admin/command.h"
#include "queue/book.h"
#include "queue/control.h"

enum { CHANGE_WORDS = 3, CHANGE_REASON_MOST = 200 };

/* Behind the verb: words, --until and --reason in any order. */
struct change_words {
	const char *word[CHANGE_WORDS];
	int n;
	int64_t until_us; /* 0: for good */
	const char *reason;
};
/* False: usage was printed. */
bool change_read(struct command *c, struct change_words *w) MUST_USE;
/* Asks mtqd and waits; *answer is set when the result is EXIT_DONE. */
int change_ask(struct command *c, const struct control_change *what,
	       enum ledger_answer *answer);

/* The database for reading, and the book in it; NULL: *code. */
struct ledger_view {
	struct store *store;
	struct txn *txn;
	struct book *book;
};
bool change_open_view(struct command *c, struct ledger_view *v,
		      int *code) MUST_USE;
void change_close_view(struct ledger_view *v);

#endif
