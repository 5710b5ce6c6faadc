#include "tests/crash/look.h"

#include <stdio.h>
#include <string.h>

#include "queue/ledger.h"
#include "queue/verify.h"

static const int64_t LATER = INT64_C(4000000000000000); /* of any due time */
enum { ROUNDS_MOST = 100000, BATCH = 50 };

static enum look_result
say(enum look_result r, char *why, size_t size, const char *what, uint64_t id)
{
	char words[ID_TEXT + 1] = "";

	if (id != 0)
		id_text(id, words);
	snprintf(why, size, "%s%s%s", words, id != 0 ? ": " : "", what);
	return r;
}

/* What became of it must be known: its last entry is there, unless it was
 * forgotten for its age (numbers of entries and of messages are times). */
static enum look_result
know_fate(struct txn *t, uint64_t id, uint32_t rcpt, uint64_t entry, char *why,
	  size_t size)
{
	struct journal_entry x;
	struct err e;

	if (id <= txn_state(t)->entry_removed)
		return LOOK_GOOD;
	if ((entry == 0 && !journal_history(t, id, rcpt, &entry, &e)) ||
	    !journal_get(t, entry, &x, &e))
		return say(LOOK_LOST, why, size,
			   e.kind == ERR_NONE
			       ? "nobody knows what became of a recipient"
			       : e.text,
			   id);
	if (x.message != id || (x.rcpt != rcpt && x.kind != JOURNAL_ACCEPTED))
		return say(LOOK_LOST, why, size, "an entry of another's", id);
	return LOOK_GOOD;
}

/* Every recipient that was promised and is not known to be delivered. */
static enum look_result
keep_promise(struct txn *t, const struct promise *p, char *why, size_t size)
{
	struct recipient_record r;
	struct message_record m;
	uint32_t there = 0;
	enum look_result fate = LOOK_GOOD;
	struct err e;

	if (!ledger_message(t, p->id, &m, &e))
		return say(e.kind == ERR_NONE ? LOOK_LOST : LOOK_REFUSED, why,
			   size, e.kind == ERR_NONE ? "lost" : e.text, p->id);
	for (uint32_t i = 0; i < p->recipients && fate == LOOK_GOOD; i++) {
		bool waits = ledger_recipient(t, p->id, i, &r, &e);

		there += waits;
		if (!waits && e.kind != ERR_NONE)
			return say(LOOK_REFUSED, why, size, e.text, p->id);
		fate = know_fate(t, p->id, i, waits ? r.entry : 0, why, size);
	}
	if (fate != LOOK_GOOD)
		return fate;
	if (there + p->delivered < p->recipients)
		return say(LOOK_LOST, why, size, "a recipient is lost", p->id);
	return LOOK_GOOD;
}

static enum look_result
believe_nothing(struct store *s, const struct promises *p, char *why,
		size_t size)
{
	enum look_result result = LOOK_GOOD;
	struct verify_report report;
	struct txn *t;
	struct err e;

	if (!verify_store(s, &report, NULL, NULL, &e))
		return say(LOOK_REFUSED, why, size, e.text, 0);
	t = store_begin(s, false, &e);
	if (t == NULL)
		return say(LOOK_REFUSED, why, size, e.text, 0);
	for (size_t i = 0; i < p->n && result == LOOK_GOOD; i++)
		if (p->open[i].recipients > p->open[i].delivered)
			result = keep_promise(t, &p->open[i], why, size);
	store_abort(t);
	return result;
}

/* One recipient leaves CLAIMED: back to the queue, or to its reader. */
static bool
settle(struct txn *t, const struct ledger_due *d, enum verdict_kind kind,
       struct err *e)
{
	struct verdict v = {.kind = kind, .status = "2.0.0"};
	struct ledger_settled out;
	enum ledger_answer a;
	struct ledger_again again = {.at_us = LATER, .attempt = true};
	bool ok = ledger_settle(t, d->id, d->rcpt, &v, "sink", LATER, &again,
				&a, &out, e);

	if (ok)
		bytes_free(&out.memory);
	return ok;
}

static bool
drop_failed(struct txn *t, struct err *e)
{
	struct due_key k = {.state = RECIPIENT_FAILED};
	unsigned char key[KEY_DUE];
	const void *found, *v;
	enum ledger_answer a;
	uint32_t changed;
	size_t nk, nv;
	bool gone;

	key_due(key, &k);
	return txn_seek(t, STORE_DUE, key, sizeof key, &found, &nk, &v, &nv,
			e) &&
	       key_due_parse(found, nk, &k) &&
	       ledger_order(t, k.id, k.rcpt, LEDGER_DROP, "look", LATER, &a,
			    &changed, &gone, e);
}

/* Some work of a restarted system; *idle when there is none left. */
static bool
one_round(struct txn *t, bool *idle, struct err *e)
{
	struct ledger_due from = {0}, d, first = {0};
	uint64_t id, lane = 0;
	bool more;

	*idle = false;
	if (ledger_claimed(t, &from, &d, e))
		return settle(t, &d, VERDICT_DEFER, e);
	if (e->kind != ERR_NONE)
		return false;
	if (ledger_waiting(t, &lane, &first, e))
		return ledger_claim(t, lane, &first, 0, NULL, LATER, e) &&
		       settle(t, &first, VERDICT_SENT, e);
	if (e->kind != ERR_NONE)
		return false;
	if (ledger_partial(t, 0, &id, e))
		return ledger_abandon(t, id, BATCH, &more, e);
	if (e->kind != ERR_NONE)
		return false;
	*idle = true;
	while (txn_state(t)->failed > 0) /* kept for a person: dropped */
		if (!drop_failed(t, e))
			return false;
	return true;
}

static enum look_result
drain_all(struct store *s, char *why, size_t size)
{
	struct verify_report r;
	bool idle = false;
	struct err e;

	for (unsigned i = 0; i < ROUNDS_MOST && !idle; i++) {
		struct txn *t = store_begin(s, true, &e);

		for (unsigned j = 0; t != NULL && j < BATCH && !idle; j++)
			if (!one_round(t, &idle, &e)) {
				store_abort(t);
				t = NULL;
			}
		if (t == NULL || !store_commit(t, &e))
			return say(LOOK_REFUSED, why, size, e.text, 0);
	}
	if (!verify_store(s, &r, NULL, NULL, &e))
		return say(LOOK_REFUSED, why, size, e.text, 0);
	if (r.messages + r.chunks + r.recipients + r.partials != 0)
		return say(LOOK_LOST, why, size, "it does not drain", 0);
	return LOOK_GOOD;
}

enum look_result
look(const char *file, const struct promises *p, bool drain, char *why,
     size_t size)
{
	enum look_result r;
	struct err e;
	struct store *s = store_open(file, STORE_COPY, 0, NULL, &e);

	if (s == NULL)
		return say(LOOK_REFUSED, why, size, e.text, 0);
	r = believe_nothing(s, p, why, size);
	store_close(s);
	if (r != LOOK_GOOD || !drain)
		return r;
	s = store_open(file, STORE_WRITE, 0, NULL, &e);
	if (s == NULL)
		return say(LOOK_REFUSED, why, size, e.text, 0);
	r = drain_all(s, why, size);
	store_close(s);
	return r;
}
