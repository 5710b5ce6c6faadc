/* years_life - see tests/sim/years.h. */
#include "tests/sim/years.h"

/* The commit is done: what was told is settled. */
void
years_settle_told(void)
{
	for (size_t i = 0; i < y.ntasks; i++) {
		struct task *t = &y.task[i];

		if (t->state == TASK_FREE)
			continue;
		for (uint32_t k = t->n; k-- > 0;) {
			struct person *p = &y.letter[t->letter].to[t->rcpt[k]];

			if (!t->end[k].told)
				continue;
			p->in_flight = false;
			p->over = t->end[k].kind == VERDICT_SENT;
			p->refused = t->end[k].kind == VERDICT_FAIL;
			y.sent += p->over;
			if (!t->end[k].all)
				p->deaths = t->end[k].died ? p->deaths + 1 : 0;
			years_settled(t, k, t->end[k].used);
		}
		if (t->n == 0)
			t->state = TASK_FREE;
	}
}

/* Its worker or the scheduler died.  by_dot: the scheduler knows whether the dot
 * may have left; else all that was claimed counts as used. */
static void
forget(struct task *t, bool by_dot)
{
	bool left = t->state == TASK_ALLOWED || t->state == TASK_TAKEN, truly;

	/* Without a permit the dot has not left. */
	truly = (by_dot ? t->state == TASK_ALLOWED
			: t->state == TASK_ALLOWED ||
			      (t->state == TASK_HELD && !t->permit)) &&
		chance(2) == 0;
	for (uint32_t i = 0; i < t->n; i++)
		truly &= !t->end[i].told; /* it ended already */
	if (truly)
		years_taken(t);
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->end[i].told && by_dot)
			continue; /* its outcome stands */
		t->end[i].told = true;
		t->end[i].kind = VERDICT_DEFER;
		t->end[i].used = left || !by_dot;
		t->end[i].died = by_dot;
		t->end[i].all = !by_dot;
		y.doubts += t->end[i].used;
	}
}

void
years_worker_dies(void)
{
	unsigned worker = (unsigned)chance(WORKERS);

	if (!y.up[worker])
		return;
	y.up[worker] = false;
	for (size_t i = 0; i < y.ntasks; i++)
		if (y.task[i].state != TASK_FREE && y.task[i].worker == worker)
			forget(&y.task[i], true);
	dispatch_worker_gone(y.dispatch, worker);
	y.crashes++;
}

void
years_worker_comes(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (!y.up[i]) {
			y.up[i] = true;
			dispatch_worker_up(y.dispatch, i);
			return;
		}
}

void
years_open(void)
{
	struct err e;
	uint64_t n;

	y.store = store_open(y.dir, STORE_WRITE, 64 << 20, "years", &e);
	CHECK(y.store != NULL, "%s", e.text);
	y.dispatch =
	    dispatch_open(y.store, y.settings, &years_ops, NULL, y.now_us, &e);
	CHECK(y.dispatch != NULL, "%s", e.text);
	CHECK(dispatch_recover(y.dispatch, y.now_us, y.steady_us, &n, &e), "%s",
	      e.text);
	years_settle_told();
	for (unsigned i = 0; i < WORKERS; i++)
		y.up[i] = false;
	years_worker_comes();
}

void
years_crash(void)
{
	for (size_t i = 0; i < y.ntasks; i++)
		if (y.task[i].state != TASK_FREE)
			forget(&y.task[i], false);
	for (size_t i = 0; i < RELAYS; i++)
		y.relay[i].hit = false;
	dispatch_close(y.dispatch);
	y.dispatch = NULL;
	store_close(y.store);
	if (chance(4) == 0)
		years_redesign();
	y.now_us += SECOND_US / 10;
	y.steady_us += SECOND_US / 10;
	years_open();
	y.crashes++;
}
