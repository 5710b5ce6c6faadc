/*
 * chain - what the journal has about one recipient, for tests.
 */
#ifndef MTQ_TESTS_CHAIN_H
#define MTQ_TESTS_CHAIN_H

#include "tests/queue/dispatcher.h"

enum { CHAIN_MOST = 64, CHAIN_TEXT = 512 };

/* The number of its last entry; 0: nothing is known of it. */
static inline uint64_t
chain_end(struct box *b, uint64_t id, uint32_t rcpt)
{
	struct recipient_record r;
	uint64_t number = 0;

	if (ledger_recipient(b->t, id, rcpt, &r, &b->e))
		return r.entry;
	assert_int_equal(b->e.kind, ERR_NONE);
	if (!journal_history(b->t, id, rcpt, &number, &b->e))
		assert_int_equal(b->e.kind, ERR_NONE);
	return number;
}

/* "accepted deferred delivered": oldest first, as the chain has them. */
static inline const char *
chain_of(struct world *w, uint64_t id, uint32_t rcpt, char out[CHAIN_TEXT])
{
	const char *word[CHAIN_MOST];
	struct journal_entry x;
	size_t n = 0;

	box_read(&w->box);
	for (uint64_t at = chain_end(&w->box, id, rcpt); at != 0;
	     at = x.previous) {
		assert_true(n < CHAIN_MOST);
		yes(&w->box, journal_get(w->box.t, at, &x, &w->box.e));
		assert_true(x.previous < at);
		assert_true(x.message == id);
		assert_true(x.kind == JOURNAL_ACCEPTED || x.rcpt == rcpt);
		word[n++] = journal_word((enum journal_kind)x.kind);
	}
	box_end(&w->box);
	out[0] = '\0';
	for (size_t used = 0; n-- > 0; used = strlen(out))
		snprintf(out + used, CHAIN_TEXT - used, "%s%s",
			 used > 0 ? " " : "", word[n]);
	return out;
}

static inline void
expect_chain(struct world *w, uint64_t id, uint32_t rcpt, const char *words)
{
	char got[CHAIN_TEXT];

	chain_of(w, id, rcpt, got);
	if (strcmp(got, words) != 0)
		fail_msg("\"%s\" instead of \"%s\"", got, words);
}

static inline uint8_t
claims_of(struct world *w, uint64_t id)
{
	struct recipient_record r;

	box_read(&w->box);
	yes(&w->box, ledger_recipient(w->box.t, id, 0, &r, &w->box.e));
	box_end(&w->box);
	return r.claims;
}

#endif
