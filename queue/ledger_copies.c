#include "queue/ledger_copies.h"
#include "queue/ledger.h"
#include "queue/ledger_row.h"

/* Can it still change, before `end`? */
static bool
any_open(struct txn *t, uint64_t id, uint32_t from, uint32_t end, bool *open,
	 struct err *e)
{
	struct recipient_record r;

	*open = false;
	for (uint32_t i = from; i < end && !*open; i++) {
		if (!ledger_next(t, id, &i, &r, e))
			return e->kind == ERR_NONE;
		*open = i < end && r.state != RECIPIENT_FAILED;
	}
	return true;
}

static bool
release(struct txn *t, uint64_t id, uint32_t first, uint32_t end,
	int64_t now_us, struct err *e)
{
	struct recipient_record from, to;

	for (uint32_t i = first; i < end; i++) {
		if (!ledger_next(t, id, &i, &from, e))
			return e->kind == ERR_NONE;
		if (from.state != RECIPIENT_PARKED)
			continue;
		to = from;
		to.state = RECIPIENT_WAITING;
		to.due_us = to.changed_us = (uint64_t)now_us;
		if (!row_move(t, id, i, &from, &to, e))
			return false;
	}
	return true;
}

/* Recipients end more or less in their order: the one behind is the likeliest
 * to be open, and the look is over. */
bool
copies_release(struct txn *t, uint64_t id, uint32_t ended,
	       const struct message_record *m, int64_t now_us, struct err *e)
{
	const uint32_t n = m->recipients - m->copies;
	bool open;

	if (m->copies == 0 || ended >= n)
		return true;
	if (!any_open(t, id, ended + 1, n, &open, e))
		return false;
	if (!open && !any_open(t, id, 0, ended, &open, e))
		return false;
	return open || release(t, id, n, m->recipients, now_us, e);
}
