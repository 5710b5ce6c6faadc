#include "queue/recover.h"

#include "queue/category.h"
#include "queue/ledger.h"
#include "queue/settle.h"

static enum in_doubt_kind
policy_of(struct txn *t, const struct settings *s, uint64_t message)
{
	struct message_record m;
	struct err e;
	struct text type =
	    ledger_message(t, message, &m, &e) ? m.type : text_of("");

	return s->types[routing_type(s, type)].in_doubt;
}

/* Whether a final dot had left, nobody knows.  So what may be assumed to have
 * arrived after a lost reply may not be here: it would be lost. */
static bool
release(struct txn *t, const struct settings *s, struct book *b,
	const struct ledger_due *due, int64_t now_us, bool *held, struct err *e)
{
	struct verdict v = verdict_of(STATUS_WORKER_DIED, STAGE_NONE,
				      "the system stopped: possible duplicate");
	struct ledger_again again = {.at_us = now_us,
				     .attempt = true,
				     .round = true,
				     .entry.kind = JOURNAL_IN_DOUBT};
	struct recipient_record r;
	enum ledger_answer answer;
	struct ledger_settled out;
	uint64_t job;

	if (!ledger_recipient(t, due->id, due->rcpt, &r, e))
		return false;
	job = r.job;
	/* All have died, not a worker of this message. */
	again.claims = (uint8_t)(r.claims - (r.claims > 0));
	*held = policy_of(t, s, due->id) == IN_DOUBT_HOLD;
	if (*held) {
		again.hold = again.in_doubt = true;
		again.entry.kind = JOURNAL_HELD;
		v = verdict_of(STATUS_WORKER_DIED, STAGE_NONE,
			       "held, it may have arrived: the system stopped");
	}
	category_judge(s, "", &v);
	if (!ledger_settle(t, due->id, due->rcpt, &v, "", now_us, &again,
			   &answer, &out, e))
		return false;
	bytes_free(&out.memory);
	if (answer == LEDGER_DONE)
		return job == 0 ||
		       book_settle(b, t, job, BOOK_TAKEN, now_us, e);
	err_set(e, ERR_DAMAGED, "a claim without its recipient");
	return false;
}

/* Each of them is an entry of the journal, which has its limit here, too. */
static bool
make_room(struct txn *t, struct store *s, const struct settings *settings,
	  unsigned most, int64_t now_us, struct err *e)
{
	uint64_t map_bytes;
	bool more;

	return store_map_bytes(s, &map_bytes, e) &&
	       journal_prune(t, settings->history.keep_us,
			     settings_history_bytes(settings, map_bytes),
			     now_us, 2 * most, &more, e);
}

/* One commit. */
static bool
recover_some(struct store *s, const struct settings *settings, struct book *b,
	     unsigned most, int64_t now_us, uint64_t *n, struct later *log,
	     struct err *e)
{
	struct ledger_due from = {.id = 0}, due;
	const uint64_t before = *n;
	bool held;
	struct txn *t = store_begin(s, true, e);

	if (t == NULL)
		return false;
	for (unsigned i = 0; i < most; i++) {
		e->kind = ERR_NONE;
		if (!ledger_claimed(t, &from, &due, e)) {
			if (e->kind != ERR_NONE)
				goto fail;
			break;
		}
		if (!release(t, settings, b, &due, now_us, &held, e))
			goto fail;
		if (*n < RECOVER_NAMED)
			later_add(log, EVENT_IN_DOUBT, due.id,
				  "was with a worker when the system stopped; "
				  "%s",
				  held ? "held"
				       : "sent again, possible duplicate");
		++*n;
	}
	if (!make_room(t, s, settings, most, now_us, e) ||
	    !book_flush(b, t, now_us, e))
		goto fail;
	if (store_commit(t, e)) {
		book_committed(b);
		return true;
	}
	t = NULL;
fail:
	book_undo(b);
	store_abort(t);
	later_forget(log);
	*n = before;
	return false;
}

bool
recover_claims(struct store *s, const struct settings *settings, struct book *b,
	       int64_t now_us, uint64_t *n, struct err *e)
{
	struct later log = {.lines = {0}};
	unsigned most = RECOVER_MOST;
	uint64_t before;
	bool ok;

	*n = 0;
	do {
		before = *n;
		ok = recover_some(s, settings, b, most, now_us, n, &log, e);
		if (ok)
			later_log(&log);
		else if (e->kind == ERR_FULL && most > 1 && store_turn(s, e))
			most /= 4; /* less has room */
		else
			break;
	} while (!ok || *n - before == most);
	bytes_free(&log.lines);
	return ok;
}
