/* months_events - see tests/sim/months.h. */
#include <sys/resource.h>

#include "queue/verify.h"
#include "tests/sim/months.h"

enum {
	VERIFY_EVERY = 600, /* events */
	ALL_EVERY = 60,
	STEPS_MOST = 10, /* until all that came in is settled */
};

static void
pass(int64_t us)
{
	m.now_us += us;
	m.steady_us += us;
}

static void
step(void)
{
	uint64_t wake_ms;
	struct err e;

	m.step_us = m.now_us;
	CHECK(dispatch_step(m.dispatch, m.now_us, m.steady_us, &wake_ms, &e),
	      "%s", e.text);
	months_catch_up();
	pass(1000);
}

/* No page can be written: nothing of it may be seen anywhere. */
static void
failing_step(void)
{
	struct rlimit old, none;
	uint64_t wake_ms;
	struct err e;

	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0, "getrlimit");
	none = old;
	none.rlim_cur = 4096;
	m.step_us = m.now_us;
	m.disk_fails = true;
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0, "setrlimit");
	if (!dispatch_step(m.dispatch, m.now_us, m.steady_us, &wake_ms, &e)) {
		CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "setrlimit");
		CHECK(e.kind == ERR_FULL, "%s", e.text);
		m.failures++;
	}
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "setrlimit");
	m.disk_fails = false;
	pass(2 * SECOND_US); /* it is tried again after one */
}

static void
settle_all(void)
{
	for (int i = 0; i < STEPS_MOST && dispatch_busy(m.dispatch); i++) {
		step();
		pass(SECOND_US);
	}
	CHECK(!dispatch_busy(m.dispatch), "outcomes are not settled");
}

void
months_open(void)
{
	struct err e;
	uint64_t n;

	m.store = store_open(m.dir, STORE_WRITE, 1 << 30, "months", &e);
	CHECK(m.store != NULL, "%s", e.text);
	m.dispatch =
	    dispatch_open(m.store, m.settings, &months_ops, NULL, m.now_us, &e);
	CHECK(m.dispatch != NULL, "%s", e.text);
	m.step_us = m.now_us;
	CHECK(dispatch_recover(m.dispatch, m.now_us, m.steady_us, &n, &e), "%s",
	      e.text);
	months_catch_up();
	months_worker_comes();
}

static void
crash(void)
{
	months_crash();
	dispatch_close(m.dispatch);
	m.dispatch = NULL;
	store_close(m.store);
	pass(SECOND_US);
	months_open();
}

static void
order_letter(struct letter *l, enum ledger_order order)
{
	struct control_order o = {.order = (uint8_t)order,
				  .message = l->id,
				  .rcpt = UINT32_MAX,
				  .reason = text_of("because")};

	settle_all();
	dispatch_order(m.dispatch, 1, "sim", &o);
	for (uint32_t i = 0; i < l->n; i++) {
		struct person *p = &l->to[i];

		if (p->in_flight || p->gone)
			continue;
		p->waits_anew = true;
		/* What has failed may be forgotten before the order comes. */
		p->dropped =
		    order == LEDGER_DROP || p->state == RECIPIENT_FAILED;
		if (order == LEDGER_RETRY && p->state == RECIPIENT_FAILED)
			p->state = RECIPIENT_WAITING;
		if (p->state == RECIPIENT_HELD &&
		    (order == LEDGER_RETRY || order == LEDGER_RELEASE))
			p->deaths = 0;
	}
	months_touch(l);
	if (chance(10) == 0)
		failing_step();
	settle_all();
}

static void
order_some(void)
{
	enum ledger_order order = (enum ledger_order)chance(LEDGER_BOUNCE + 1);

	if (m.nletters == 0 || (order == LEDGER_DROP && chance(4) != 0))
		return;
	order_letter(
	    &m.letter[m.nletters - 1 - chance(min_of(m.nletters, (size_t)300))],
	    order);
}

static void
pause_relay(bool on)
{
	struct control_change c = {.change = on ? CHANGE_RELAY_PAUSE
						: CHANGE_RELAY_RESUME,
				   .name = text_of("out"),
				   .reason = text_of("because")};

	if (on == (m.paused_us != 0))
		return;
	settle_all();
	m.paused_us = on ? m.now_us : 0;
	dispatch_change(m.dispatch, 4, "sim", &c);
	settle_all();
}

/* The reader has read up to some place. */
static void
acknowledge(void)
{
	struct control_change c = {.change = CHANGE_EVENTS_ACK,
				   .name = text_of("crm")};
	size_t back = chance(200);

	if (m.forgets_to_ack && m.now_us > m.begun_us + 20 * DAY_US)
		return;
	if (m.nnumbers <= back || m.number[m.nnumbers - 1 - back] < m.acked)
		return;
	settle_all();
	m.acked = m.number[m.nnumbers - 1 - back];
	c.limit = m.acked;
	dispatch_change(m.dispatch, 3, "crm", &c);
	settle_all();
}

static void
verify(void)
{
	struct verify_report report;
	struct err e;

	CHECK(verify_store(m.store, &report, NULL, NULL, &e), "%s", e.text);
}

static void
some_jump(uint64_t c)
{
	if (c < 400)
		pass((int64_t)chance(30) * MINUTE_US);
	else if (c < 470)
		pass((int64_t)chance(6 * 60) * MINUTE_US);
	else if (c < 473) { /* somebody sets the clock back */
		m.now_us -= (int64_t)chance(90) * MINUTE_US;
		memset(m.reported_us, 0, sizeof m.reported_us);
	}
}

static void
something_else(uint64_t c)
{
	if (c < 40)
		months_worker_comes();
	else if (c < 50)
		months_worker_dies((unsigned)chance(WORKERS));
	else if (c < 55)
		crash();
	else if (c < 60)
		failing_step();
	else if (c < 62)
		m.relay_down = true;
	else if (c < 70)
		m.relay_down = false;
	else if (c < 74)
		months_configure();
	else if (c < 90)
		months_list_change();
	else if (c < 130)
		order_some();
	else if (c < 138)
		pause_relay(c < 132); /* and on again sooner */
	else if (c < 145 && m.has_reader)
		acknowledge();
}

void
months_event(void)
{
	uint64_t c = chance(1000);

	if (c < 300)
		months_accept();
	for (uint64_t n = chance(6); n > 0; n--)
		months_some_job();
	something_else(chance(1000));
	some_jump(chance(1000));
	step();
	settle_all();
	m.events++;
	if (m.events % ALL_EVERY == 0)
		months_look_at_all();
	if (m.events % VERIFY_EVERY == 0)
		verify();
}

static bool
is_idle(void)
{
	const struct state_record *s;
	struct txn *t;
	struct err e;
	bool idle;

	t = store_begin(m.store, false, &e);
	CHECK(t != NULL, "%s", e.text);
	s = txn_state(t);
	idle = s->waiting == 0 && s->claimed == 0;
	store_abort(t);
	return idle;
}

/* All is well from now on: what is not held goes, or has failed; what is held is
 * let go, and goes too.  Then history grows old. */
void
months_drain(void)
{
	m.calm = true;
	m.relay_down = false;
	pause_relay(false);
	months_look_at_all();
	for (size_t i = 0; i < m.nletters; i++)
		for (uint32_t k = 0; k < m.letter[i].n; k++)
			if (m.letter[i].to[k].state == RECIPIENT_HELD) {
				order_letter(&m.letter[i], LEDGER_RELEASE);
				break;
			}
	for (int i = 0; !is_idle(); i++) {
		CHECK(i < 20000, "the queue does not drain");
		for (unsigned k = 0; k < WORKERS; k++)
			months_worker_comes();
		for (int k = 0; k < 16; k++)
			months_some_job();
		pass(MINUTE_US);
		step();
		settle_all();
	}
	months_look_at_all();
	verify();
	months_check_chains();
	for (int i = 0; i < 100; i++) {
		pass(2 * SECOND_US);
		step();
	}
	months_check_size();
	for (size_t i = 0; i < m.nletters; i++)
		for (uint32_t k = 0; k < m.letter[i].n; k++)
			CHECK(m.letter[i].to[k].ended,
			      "a recipient without an end");
	CHECK(m.poisoned > 0, "what kills its workers is never held");
	CHECK((m.withheld > 0) == m.limited, "%" PRIu64 " reports withheld",
	      m.withheld);
}
