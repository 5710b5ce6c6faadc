/* months_journal - see tests/sim/months.h. */
#include "tests/sim/months.h"

static bool
is_end(enum journal_kind k)
{
	return k == JOURNAL_DELIVERED || k == JOURNAL_BOUNCED ||
	       k == JOURNAL_EXPIRED || k == JOURNAL_DROPPED;
}

/* What may stand behind the end: what its sender was told, and what its address
 * is known for now, and a person who wants it tried once more. */
static bool
is_after_end(enum journal_kind k)
{
	return k == JOURNAL_REPORTED || k == JOURNAL_WITHHELD ||
	       k == JOURNAL_SUPPRESSED || k == JOURNAL_DROPPED ||
	       k == JOURNAL_RELEASED || k == JOURNAL_HELD;
}

/* ACCEPTED is the first entry of each recipient. */
static void
read_accepted(const struct journal_entry *x, uint64_t number)
{
	struct letter *l = months_letter(x->message);
	char sender[MONTHS_ADDRESS];

	CHECK(l != NULL && x->rcpt == l->n && x->previous == 0 &&
		  x->arrival_us == (uint64_t)l->arrival_us &&
		  text_is(x->sender, months_address(l->sender, sender)) &&
		  text_is(x->type, months_type[l->type]),
	      "an acceptance that was none");
	for (uint32_t i = 0; i < l->n; i++) {
		CHECK(l->to[i].entry == 0, "accepted twice");
		l->to[i].entry = number;
		l->to[i].chain = 1;
		l->to[i].seen[JOURNAL_ACCEPTED]++;
	}
	months_touch(l);
}

static void
read_about(const struct journal_entry *x, uint64_t number)
{
	struct letter *l = months_letter(x->message);
	enum journal_kind kind = (enum journal_kind)x->kind;
	char address[MONTHS_ADDRESS];
	struct person *p;

	CHECK(l != NULL && x->rcpt < l->n, "an entry about nobody");
	p = &l->to[x->rcpt];
	CHECK(x->previous == p->entry, "a chain is broken at '%s'",
	      journal_word(kind));
	CHECK(text_is(x->address, months_address(p->address, address)),
	      "an entry about somebody else: %.*s", (int)x->address.n,
	      x->address.p);
	CHECK(!p->ended || is_after_end(kind), "'%s' after the end",
	      journal_word(kind));
	CHECK(x->at_us <= (uint64_t)m.step_us, "an entry of the future");
	p->ended = is_end(kind) || (p->ended && kind != JOURNAL_RELEASED &&
				    kind != JOURNAL_HELD);
	p->seen[kind]++;
	m.withheld += kind == JOURNAL_WITHHELD;
	p->entry = number;
	p->chain++;
	months_touch(l);
}

/* A reader that goes on behind the last entry it had. */
void
months_read_journal(struct txn *t)
{
	uint64_t from = m.nnumbers > 0 ? m.number[m.nnumbers - 1] + 1 : 1;
	struct journal_entry x;
	uint64_t number, there = 0;
	struct err e;

	for (;;) {
		e.kind = ERR_NONE;
		if (!journal_next(t, from, &number, &x, &e)) {
			CHECK(e.kind == ERR_NONE, "%s", e.text);
			break;
		}
		CHECK(number >= from && m.nnumbers < ENTRIES,
		      "an entry %" PRIu64, number);
		m.number[m.nnumbers++] = number;
		from = number + 1;
		if (x.kind == JOURNAL_ACCEPTED)
			read_accepted(&x, number);
		else if (x.message != 0)
			read_about(&x, number);
	}
	for (size_t i = m.nnumbers;
	     i > 0 && m.number[i - 1] > txn_state(t)->entry_removed; i--)
		there++;
	CHECK(txn_state(t)->entries == there,
	      "%" PRIu64 " entries are counted, %" PRIu64
	      " of those that were read are left",
	      txn_state(t)->entries, there);
}

/* How often since the last look. */
static unsigned
newly(const struct person *p, enum journal_kind k)
{
	return (unsigned)(p->seen[k] - p->looked[k]);
}

static unsigned
put_off(const struct person *p)
{
	return newly(p, JOURNAL_DEFERRED) + newly(p, JOURNAL_EXPIRED);
}

/* What may have arrived follows the policy of its type.  After a crash of
 * everything nobody knows whether a dot had left: to assume it would lose mail. */
static bool
tells_doubt(const struct letter *l, const struct person *p)
{
	const char *type = months_type[l->type];
	bool hold = strcmp(type, "kept") == 0;
	bool assume = strcmp(type, "sure") == 0 && p->fact == FACT_DOUBT;

	return newly(p, JOURNAL_IN_DOUBT) == 1 &&
	       newly(p, JOURNAL_DEFERRED) == 0 &&
	       (newly(p, JOURNAL_HELD) == hold || p->deaths >= POISON_DEATHS) &&
	       newly(p, JOURNAL_DELIVERED) == assume;
}

/* One attempt, one entry about its outcome. */
static bool
tells_fact(const struct letter *l, const struct person *p)
{
	switch (p->fact) {
	case FACT_NONE:
		return newly(p, JOURNAL_DELIVERED) == 0 &&
		       newly(p, JOURNAL_DEFERRED) == 0 &&
		       newly(p, JOURNAL_IN_DOUBT) == 0;
	case FACT_SENT:
		return newly(p, JOURNAL_DELIVERED) == 1 && put_off(p) == 0;
	case FACT_REFUSED:
		return newly(p, JOURNAL_BOUNCED) == 1 && put_off(p) == 0;
	case FACT_DEFERRED:
		return put_off(p) == 1 && newly(p, JOURNAL_DELIVERED) == 0;
	case FACT_DIED:
		return put_off(p) + newly(p, JOURNAL_HELD) == 1;
	case FACT_DOUBT:
	case FACT_CRASH:
		break;
	}
	return tells_doubt(l, p);
}

void
months_check_fact(const struct letter *l, struct person *p)
{
	CHECK(tells_fact(l, p),
	      "%016" PRIx64 ", recipient %d: after %d: %u delivered, "
	      "%u deferred, %u bounced, %u expired, %u in doubt, %u held",
	      l->id, (int)(p - l->to), (int)p->fact,
	      newly(p, JOURNAL_DELIVERED), newly(p, JOURNAL_DEFERRED),
	      newly(p, JOURNAL_BOUNCED), newly(p, JOURNAL_EXPIRED),
	      newly(p, JOURNAL_IN_DOUBT), newly(p, JOURNAL_HELD));
	CHECK(p->seen[JOURNAL_REPORTED] ==
		      p->told[TOLD_FAILED] + p->told[TOLD_SENT] &&
		  p->seen[JOURNAL_DELAYED] == p->told[TOLD_DELAYED],
	      "what its sender was told is not what the journal says");
	CHECK(p->ended == (p->gone || p->state == RECIPIENT_FAILED),
	      "%016" PRIx64 ", recipient %d: its chain %s ended, it %s", l->id,
	      (int)(p - l->to), p->ended ? "has" : "has not",
	      p->gone ? "has" : "has not");
	memcpy(p->looked, p->seen, sizeof p->looked);
}

/* For who has to find out: its chain, the last entry first. */
void
months_explain(const struct letter *l, uint32_t rcpt)
{
	uint64_t number = l->to[rcpt].entry;
	struct journal_entry x;
	struct txn *t;
	struct err e;

	t = store_begin(m.store, false, &e);
	for (; t != NULL && number != 0; number = x.previous) {
		if (!journal_get(t, number, &x, &e))
			break;
		printf("months: after %6" PRId64
		       " min: %s, attempts %u, %.*s\n",
		       ((int64_t)x.at_us - l->arrival_us) / MINUTE_US,
		       journal_word((enum journal_kind)x.kind), x.attempts,
		       (int)x.reply.n, x.reply.p);
	}
	store_abort(t);
}

/* From the end back to the acceptance, or to what is forgotten. */
static void
walk(struct txn *t, const struct letter *l, uint32_t rcpt)
{
	const struct person *p = &l->to[rcpt];
	uint64_t removed = txn_state(t)->entry_removed, number;
	struct journal_entry x;
	unsigned n = 0;
	struct err e;

	if (p->entry <= removed || !p->ended)
		return;
	CHECK(journal_history(t, l->id, rcpt, &number, &e) &&
		  number == p->entry,
	      "the history of %016" PRIx64 " does not lead to its end", l->id);
	for (; number > removed; number = x.previous) {
		CHECK(journal_get(t, number, &x, &e) && x.message == l->id,
		      "a chain leads to nothing");
		n++;
		if (x.kind == JOURNAL_ACCEPTED)
			break;
		CHECK(x.rcpt == rcpt, "a chain leads to somebody else");
	}
	CHECK(n == p->chain || (number <= removed && n < p->chain),
	      "a chain of %u entries has %u", p->chain, n);
}

void
months_check_chains(void)
{
	struct txn *t;
	struct err e;

	t = store_begin(m.store, false, &e);
	CHECK(t != NULL, "%s", e.text);
	for (size_t i = 0; i < m.nletters; i++)
		for (uint32_t k = 0; k < m.letter[i].n; k++)
			walk(t, &m.letter[i], k);
	store_abort(t);
}

/* Nothing is due to be forgotten now: what is there is neither too much nor too
 * old, but for what the reader has not acknowledged. */
void
months_check_size(void)
{
	const struct state_record *s;
	struct journal_entry x;
	uint64_t number;
	struct txn *t;
	struct err e;

	t = store_begin(m.store, false, &e);
	CHECK(t != NULL, "%s", e.text);
	s = txn_state(t);
	CHECK(s->entry_bytes <= m.max_bytes, "%" PRIu64 " octets of history",
	      s->entry_bytes);
	m.pruned = 0;
	while (m.pruned < m.nnumbers && m.number[m.pruned] <= s->entry_removed)
		m.pruned++;
	CHECK(s->entry_removed <= m.acked || m.acked == 0 || !m.big,
	      "forgotten before its reader had it");
	e.kind = ERR_NONE;
	if (journal_next(t, 0, &number, &x, &e)) {
		CHECK((m.acked != 0 && number > m.acked) ||
			  (int64_t)x.at_us >= m.step_us - m.keep_us - DAY_US,
		      "history is kept too long");
	} else {
		CHECK(e.kind == ERR_NONE, "%s", e.text);
	}
	store_abort(t);
}
