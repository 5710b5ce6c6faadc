#include "admin/entries.h"

static void
keep(struct arena *a, struct text *t)
{
	t->p = arena_text(a, t->p, t->n);
}

void
entry_keep(struct arena *a, struct journal_entry *x)
{
#define KEEP_u64(name)
#define KEEP_u32(name)
#define KEEP_u16(name)
#define KEEP_u8(name)
#define KEEP_text(name)     keep(a, &x->name);
#define F(kind, name, most) KEEP_##kind(name)
	ENTRY_FIELDS(F)
#undef F
}

static bool
read_page(struct entries *r, struct txn *t, struct err *e)
{
	r->removed = txn_state(t)->entry_removed;
	r->last = txn_state(t)->last_entry;
	for (unsigned i = 0; i < ENTRIES_LOOK && r->n < ENTRIES_PAGE; i++) {
		struct entry *x = &r->entry[r->n];

		if (!journal_next(t, r->at + 1, &x->number, &x->x, e)) {
			r->ended = true;
			return e->kind == ERR_NONE;
		}
		r->at = x->number;
		if (r->wanted != NULL && !r->wanted(r->arg, &x->x))
			continue;
		entry_keep(&r->memory, &x->x);
		r->n++;
	}
	return true;
}

bool
entries_page(struct entries *r, struct err *e)
{
	struct txn *t = store_begin(r->store, false, e);
	bool ok;

	r->n = 0;
	r->ended = false;
	arena_free(&r->memory);
	if (t == NULL)
		return false;
	ok = read_page(r, t, e);
	store_abort(t);
	return ok;
}

void
entries_done(struct entries *r)
{
	arena_free(&r->memory);
	r->n = 0;
}
