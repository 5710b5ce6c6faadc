/* years_look - see tests/sim/years.h. */
#include "daemon/log.h"
#include "tests/sim/years.h"

static char reason[200]; /* of the record that was read last */

static struct recipient_record
record_of(const struct letter *l, uint32_t rcpt, bool *there)
{
	struct recipient_record r = {.state = 0};
	struct err e;
	struct txn *t = store_begin(y.store, false, &e);

	CHECK(t != NULL, "%s", e.text);
	*there = ledger_recipient(t, l->id, rcpt, &r, &e);
	CHECK(*there || e.kind == ERR_NONE, "%s", e.text);
	log_safe(r.reason.p, r.reason.n, reason, sizeof reason);
	store_abort(t);
	r.address = r.orcpt = r.relay = r.reason = text_of("");
	return r;
}

/* Workers die of nothing here: who was with three of them in a row is held, and
 * let go again. */
static void
release(const struct letter *l, const struct person *p)
{
	struct control_order o = {.order = LEDGER_RELEASE,
				  .message = l->id,
				  .rcpt = (uint32_t)(p - l->to),
				  .reason = text_of("innocent")};

	CHECK(p->deaths >= DEATHS_TO_HOLD, "held after %u deaths: %s",
	      p->deaths, reason);
	dispatch_order(y.dispatch, 1, "sim", &o);
}

/* True: it waits and is due; there must be a reason why it is still here. */
bool
years_is_due(struct letter *l, uint32_t rcpt)
{
	struct person *p = &l->to[rcpt];
	struct recipient_record r;
	bool there;

	if (p->over || p->failed || p->in_flight)
		return false;
	r = record_of(l, rcpt, &there);
	CHECK(there, "a recipient is lost");
	if (r.state == RECIPIENT_FAILED) {
		CHECK(p->refused || y.path[l->path].bounced ||
			  y.latest_us - l->arrival_us >= LIFETIME_US,
		      "given up without a reason: %s", reason);
		p->failed = true;
		return false;
	}
	if (r.state == RECIPIENT_HELD) {
		release(l, p);
		return false;
	}
	CHECK(r.state == RECIPIENT_WAITING, "neither waiting nor claimed");
	return (int64_t)r.due_us <= y.now_us && lane_unpack(r.lane).tried == 0;
}

/* What could keep mail from this relay, for who has to find it. */
static void
explain(const struct letter *l, size_t at)
{
	const struct exit_ *r = &y.relay[at];

	printf("years: %s, %u octets, arrived %s; r%zu: %s, closed until "
	       "%" PRId64 ", connections %u, shares",
	       years_type[l->type], l->size, years_time(l->arrival_us), at,
	       years_paused(r) ? "paused" : "not paused", r->closed_until_us,
	       r->connections);
	for (unsigned w = 0; w < WORKERS; w++)
		printf(" %u", y.up[w] ? y.share[w][at] : 0);
	printf("\n");
	for (size_t i = 0; i < r->nquotas; i++)
		years_explain(r->quota[i]);
}

/* The first relay of the way that is not shut takes the mail, if its rate lets
 * it; true: this one is shut, look at the next. */
static bool
check_shut(const struct letter *l, size_t at, const size_t jobs[RELAYS])
{
	const struct exit_ *r = &y.relay[at];

	if (!r->there || years_paused(r) || y.now_us < r->closed_until_us ||
	    !years_room(at, l->type, false))
		return true;
	if (r->rate != 0 || jobs[at] > 0 || !years_room(at, l->type, true))
		return false;
	explain(l, at);
	CHECK(false, "mail is due and r%zu has room, yet it waits", at);
}

/* With remotes that take everything: mail that is due and has an open relay
 * with room is not left lying. */
void
years_look(void)
{
	size_t jobs[RELAYS], n = years_tasks(RELAYS);

	y.calm = true;
	for (size_t i = 0; i < RELAYS; i++)
		y.relay[i].down = y.relay[i].wall = false;
	for (unsigned i = 0; i < WORKERS; i++)
		years_worker_comes();
	for (int i = 0; i < 70; i++) { /* any breaker has been probed */
		for (size_t k = 0; k < 3 * n + 30; k++)
			years_some_job();
		years_pass(SECOND_US + SECOND_US / 10);
		years_step();
		n = years_tasks(RELAYS);
	}
	y.calm = false;
	for (size_t i = 0; i < RELAYS; i++)
		jobs[i] = years_tasks(i);
	for (size_t i = 0; i < y.nletters; i++) {
		struct letter *l = &y.letter[i];
		const struct path *p = &y.path[l->path];

		for (uint32_t k = 0; k < l->n; k++) {
			if (!years_is_due(l, k))
				continue;
			for (size_t v = 0; v < p->nvia[l->type]; v++)
				if (!check_shut(l, p->via[l->type][v], jobs))
					break;
		}
	}
	y.looks++;
}

void
years_must_be_over(struct letter *l, uint32_t rcpt)
{
	struct person *p = &l->to[rcpt];
	struct recipient_record r;
	struct lane lane;
	bool there;

	(void)years_is_due(l, rcpt);
	if (p->over || p->failed)
		return;
	r = record_of(l, rcpt, &there);
	lane = lane_unpack(r.lane);
	printf(
	    "years: recipient %u is %s, due %s, tried %x, way %u, route p%u, "
	    "attempts %u, rounds %u\n",
	    rcpt, recipient_state_word((enum recipient_state)r.state),
	    years_time((int64_t)r.due_us), lane.tried, lane.way, l->path,
	    r.attempts, r.rounds);
	for (size_t v = 0; v < y.path[l->path].nvia[l->type]; v++)
		explain(l, y.path[l->path].via[l->type][v]);
	CHECK(false, "mail is left after its lifetime");
}
