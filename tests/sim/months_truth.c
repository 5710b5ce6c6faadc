/* months_truth - see tests/sim/months.h. */
#include "tests/sim/months.h"

static bool
may_expire(const struct letter *l)
{
	return m.step_us - l->arrival_us >= LIFETIME_US - MINUTE_US;
}

static const char *
policy(const struct letter *l)
{
	const char *type = months_type[l->type];

	return strcmp(type, "kept") == 0   ? "hold"
	       : strcmp(type, "sure") == 0 ? "assume-sent"
					   : "resend";
}

/* It failed: was there a reason, and who is told? */
static void
failed(struct letter *l, struct person *p, const char *words)
{
	if (p->fact == FACT_REFUSED)
		m.refused++;
	else if (months_is_listed(p->address, m.step_us))
		m.suppressed++;
	else if (may_expire(l))
		m.expired++;
	else
		CHECK(p->waits_anew,
		      "%016" PRIx64 ", recipient %d to %u: given up without a "
		      "reason after %d, %" PRId64 " min old: %s",
		      l->id, (int)(p - l->to), p->address, (int)p->fact,
		      (m.step_us - l->arrival_us) / MINUTE_US, words);
	p->owed[TOLD_FAILED] += months_is_owed(l, p, TOLD_FAILED);
}

static void
waits(struct letter *l, struct person *p)
{
	CHECK(p->fact != FACT_SENT && p->fact != FACT_REFUSED,
	      "it has ended, yet it waits");
	CHECK(p->fact != FACT_DOUBT || p->waits_anew ||
		  strcmp(policy(l), "resend") == 0,
	      "in doubt, %s, yet it waits", policy(l));
	CHECK(p->fact != FACT_CRASH || p->waits_anew ||
		  strcmp(policy(l), "hold") != 0,
	      "in doubt after a crash, %s, yet it waits", policy(l));
}

static void
held(const struct letter *l, struct person *p)
{
	bool doubt = p->fact == FACT_DOUBT || p->fact == FACT_CRASH;

	if (p->state == RECIPIENT_HELD)
		return;
	CHECK(p->waits_anew || (doubt && strcmp(policy(l), "hold") == 0) ||
		  p->deaths >= POISON_DEATHS,
	      "held for no reason");
	m.poisoned += l->poison && p->deaths >= POISON_DEATHS;
	p->was_held = true;
}

static void
gone(struct letter *l, struct person *p)
{
	bool assumed = (p->fact == FACT_DOUBT || p->fact == FACT_CRASH) &&
		       strcmp(policy(l), "assume-sent") == 0;

	CHECK(p->fact == FACT_SENT || assumed || p->dropped ||
		  p->state == RECIPIENT_FAILED,
	      "%016" PRIx64 ", recipient %d is lost after %d", l->id,
	      (int)(p - l->to), (int)p->fact);
	if (p->fact == FACT_SENT) {
		m.sent++;
		p->owed[TOLD_SENT] += months_is_owed(l, p, TOLD_SENT);
	}
	p->gone = true;
}

/* Who must have been told was told in the transaction that ended it. */
static void
check_told(const struct letter *l, const struct person *p)
{
	for (enum told w = 0; w < TOLD_COUNT; w++) {
		unsigned lost = w == TOLD_DELAYED || !m.limited
				    ? 0
				    : p->seen[JOURNAL_WITHHELD];

		if (w == TOLD_DELAYED) /* owed when it is, not how often */
			continue;
		if (p->told[w] != p->owed[w] && lost == 0)
			months_explain(l, (uint32_t)(p - l->to));
		CHECK(p->told[w] <= p->owed[w] &&
			  p->told[w] + lost >= p->owed[w],
		      "%016" PRIx64 ", recipient %d: %u reports of kind %d, "
		      "%u are owed",
		      l->id, (int)(p - l->to), p->told[w], (int)w, p->owed[w]);
	}
}

static void
must_be_told(const struct letter *l, const struct person *p)
{
	if (p->told[TOLD_DELAYED] == 1 || m.limited ||
	    !months_is_owed(l, p, TOLD_DELAYED))
		return;
	months_explain(l, (uint32_t)(p - l->to));
	CHECK(false,
	      "%016" PRIx64 ", recipient %d: its sender was not told of the "
	      "delay",
	      l->id, (int)(p - l->to));
}

/* An attempt failed, and it is so old: its sender knows now. */
static void
check_delay(const struct letter *l, const struct person *p)
{
	if ((p->fact == FACT_DEFERRED || p->fact == FACT_DIED) &&
	    p->state == RECIPIENT_WAITING && !p->waits_anew &&
	    m.step_us - l->arrival_us >= m.delay_after_us)
		must_be_told(l, p);
}

/* Nothing goes for so long that the cursor has been everywhere. */
static void
check_waiting(const struct letter *l, const struct person *p)
{
	if (m.paused_us != 0 && m.now_us - m.paused_us > LOOKED_AROUND_US &&
	    p->state == RECIPIENT_WAITING && !p->in_flight &&
	    m.now_us - l->arrival_us > m.delay_after_us + LOOKED_AROUND_US)
		must_be_told(l, p);
}

/* A living worker's outcome clears the message of all suspicion. */
static void
count_deaths(struct person *p)
{
	if (p->fact == FACT_NONE || p->fact == FACT_CRASH)
		return;
	p->deaths = p->died ? p->deaths + 1 : 0;
}

static void
look(struct txn *t, struct letter *l, uint32_t rcpt)
{
	struct person *p = &l->to[rcpt];
	struct recipient_record r;
	char words[256];
	bool there;
	struct err e;

	if (p->gone)
		return;
	there = ledger_recipient(t, l->id, rcpt, &r, &e);
	CHECK(there || e.kind == ERR_NONE, "%s", e.text);
	count_deaths(p);
	if (!there) {
		gone(l, p);
	} else {
		enum recipient_state state = (enum recipient_state)r.state;

		switch (state) {
		case RECIPIENT_WAITING:
		case RECIPIENT_CLAIMED:
			waits(l, p);
			state = RECIPIENT_WAITING; /* until its job comes */
			break;
		case RECIPIENT_HELD:
			held(l, p);
			break;
		case RECIPIENT_FAILED:
			if (p->state != RECIPIENT_FAILED)
				failed(
				    l, p,
				    text_copy(r.reason, words, sizeof words));
			break;
		case RECIPIENT_PARKED: /* there is no archive */
		case RECIPIENT_STATE_COUNT:
			CHECK(false, "a state of no kind");
		}
		/* It may have failed and been taken up again in one step. */
		if (p->waits_anew && state != RECIPIENT_FAILED &&
		    p->seen[JOURNAL_EXPIRED] > p->looked[JOURNAL_EXPIRED])
			failed(l, p, "");
		if (!p->in_flight)
			p->state = state;
		CHECK(r.entry == p->entry,
		      "the record's last entry is not the journal's");
	}
	months_check_fact(l, p);
	check_told(l, p);
	check_delay(l, p);
	p->fact = FACT_NONE;
	p->waits_anew = p->dropped = false;
}

/* What failed without an attempt, nobody has told us of. */
static void
look_at_failed(struct txn *t)
{
	struct ledger_due from = {.id = 0}, d;
	struct err e;

	for (;;) {
		struct letter *l;

		e.kind = ERR_NONE;
		if (!ledger_failed(t, &from, &d, &e)) {
			CHECK(e.kind == ERR_NONE, "%s", e.text);
			return;
		}
		l = months_letter(d.id);
		CHECK(l != NULL && d.rcpt < l->n, "nobody's recipient");
		if (l->to[d.rcpt].state != RECIPIENT_FAILED)
			months_touch(l);
		from = d;
		from.rcpt++;
	}
}

/* What the list learns comes first: it holds for the claims of that step. */
static void
look_at_touched(struct txn *t)
{
	for (size_t i = 0; i < m.ntouched; i++) {
		const struct letter *l = &m.letter[m.touched[i]];

		for (uint32_t k = 0; k < l->n; k++)
			if (l->to[k].fact == FACT_REFUSED &&
			    months_is_dead(l->to[k].address))
				months_list_bounced(l->to[k].address);
	}
	while (m.ntouched > 0) {
		struct letter *l = &m.letter[m.touched[--m.ntouched]];

		l->touched = false;
		for (uint32_t i = 0; i < l->n; i++)
			look(t, l, i);
	}
}

void
months_catch_up(void)
{
	struct txn *t;
	struct err e;

	if (dispatch_outcomes(m.dispatch) > 0)
		return; /* the commit is yet to come */
	t = store_begin(m.store, false, &e);
	CHECK(t != NULL, "%s", e.text);
	if (txn_state(t)->txn != m.last_txn) {
		m.last_txn = txn_state(t)->txn;
		months_read_reports(t);
		months_read_journal(t);
		look_at_failed(t);
		look_at_touched(t);
	}
	store_abort(t);
}

void
months_look_at_all(void)
{
	for (size_t i = 0; i < m.nletters; i++)
		for (uint32_t k = 0; k < m.letter[i].n; k++)
			if (!m.letter[i].to[k].gone) {
				months_touch(&m.letter[i]);
				check_waiting(&m.letter[i], &m.letter[i].to[k]);
			}
	m.last_txn = 0;
	months_catch_up();
}
