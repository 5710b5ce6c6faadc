#include "queue/forget.h"

void
forget_init(struct forget *f)
{
	f->from = (struct ledger_due){.id = 0};
	f->n = 0;
}

/* False with ERR_NONE: it is not there any more. */
static bool
is_old(struct txn *t, const struct ledger_due *d, int64_t keep_us,
       int64_t now_us, bool *old, struct err *e)
{
	struct recipient_record r;

	*old = false;
	if (!ledger_recipient(t, d->id, d->rcpt, &r, e))
		return false;
	*old = r.state == RECIPIENT_FAILED &&
	       now_us - (int64_t)r.changed_us >= keep_us;
	return true;
}

bool
forget_look(struct forget *f, struct store *s, int64_t keep_us, int64_t now_us,
	    struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	struct ledger_due d;
	bool ok = t != NULL, old;

	f->n = 0;
	for (unsigned i = 0; ok && i < FORGET_LOOK; i++) {
		e->kind = ERR_NONE;
		if (!ledger_failed(t, &f->from, &d, e)) {
			f->from = (struct ledger_due){.id = 0}; /* again */
			ok = e->kind == ERR_NONE;
			break;
		}
		ok = is_old(t, &d, keep_us, now_us, &old, e);
		if (ok && old)
			f->found[f->n++] = d;
		f->from = d;
		f->from.rcpt++; /* the row behind it */
	}
	store_abort(t);
	return ok;
}

bool
forget_found(struct forget *f, struct txn *t, int64_t keep_us, int64_t now_us,
	     struct later *log, struct err *e)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct ledger_due *d = &f->found[i];
		enum ledger_answer answer;
		uint32_t changed;
		bool old, gone = false;

		e->kind = ERR_NONE;
		if (!is_old(t, d, keep_us, now_us, &old, e)) {
			if (e->kind != ERR_NONE)
				return false;
			continue;
		}
		if (old && !ledger_order(t, d->id, d->rcpt, LEDGER_DROP, "",
					 now_us, &answer, &changed, &gone, e))
			return false;
		if (gone)
			later_add(log, EVENT_REMOVED, d->id, "removed");
	}
	f->n = 0;
	return true;
}
