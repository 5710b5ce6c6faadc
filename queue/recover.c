#include "queue/recover.h"
#include "queue/ledger.h"
#include "queue/settle.h"

static bool
release(struct txn *t, struct book *b, const struct ledger_due *due,
	int64_t now_us, struct err *e)
{
	struct ledger_again again = {
	    .at_us = now_us, .attempt = true, .round = true};
	struct recipient_record r;
	uint64_t job;

	struct verdict v = verdict_of(STATUS_WORKER_DIED, STAGE_NONE,
				      "the system stopped: possible duplicate");
	enum ledger_answer answer;
	struct ledger_settled out;

	if (!ledger_recipient(t, due->id, due->rcpt, &r, e))
		return false;
	job = r.job;
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

/* One commit. */
static bool
recover_some(struct store *s, struct book *b, int64_t now_us, uint64_t *n,
	     struct later *log, struct err *e)
{
	struct ledger_due from = {.id = 0}, due;
	struct txn *t = store_begin(s, true, e);

	if (t == NULL)
		return false;
	for (unsigned i = 0; i < RECOVER_MOST; i++) {
		e->kind = ERR_NONE;
		if (!ledger_claimed(t, &from, &due, e)) {
			if (e->kind != ERR_NONE)
				goto fail;
			break;
		}
		if (!release(t, b, &due, now_us, e))
			goto fail;
		if (*n < RECOVER_NAMED)
			later_add(log, EVENT_IN_DOUBT, due.id,
				  "was with a worker when the system stopped; "
				  "sent again, possible duplicate");
		++*n;
	}
	if (!book_flush(b, t, now_us, e))
		goto fail;
	if (!store_commit(t, e)) {
		book_undo(b);
		return false;
	}
	book_committed(b);
	return true;
fail:
	book_undo(b);
	store_abort(t);
	return false;
}

bool
recover_claims(struct store *s, struct book *b, int64_t now_us, uint64_t *n,
	       struct err *e)
{
	struct later log = {.lines = {0}};
	uint64_t before;
	bool ok;

	*n = 0;
	do {
		before = *n;
		ok = recover_some(s, b, now_us, n, &log, e);
		if (ok)
			later_log(&log);
	} while (ok && *n - before == RECOVER_MOST);
	bytes_free(&log.lines);
	return ok;
}
