/* years_change - see tests/sim/years.h. */
#include "tests/sim/years.h"

static void
end(struct changed *c)
{
	if (c->set && c->until_us != 0 && y.now_us >= c->until_us)
		c->set = false;
}

/* What is over stays over, also when the clock is set back. */
void
years_end_changes(void)
{
	for (size_t i = 0; i < QUOTAS; i++) {
		end(&y.cap[i].changed);
		for (unsigned t = 0; t < TYPES; t++)
			end(&y.cap[i].cap_changed[t]);
	}
	for (size_t i = 0; i < RELAYS; i++)
		if (y.relay[i].paused && !years_paused(&y.relay[i]))
			y.relay[i].paused = false;
}

/* `mtq quota set` and `unset`, of a limit or a cap. */
void
years_change_quota(void)
{
	char name[16];
	size_t i = chance(QUOTAS);
	struct cap *q = &y.cap[i];
	unsigned type = (unsigned)chance(2 * TYPES);
	struct changed *c = type < TYPES ? &q->cap_changed[type] : &q->changed;
	struct control_change change = {
	    .type = text_of(type < TYPES ? years_type[type] : ""),
	    .reason = text_of("because")};

	snprintf(name, sizeof name, "q%zu", i);
	change.name = text_of(name);
	if (c->set && chance(2) == 0) {
		*c = (struct changed){0};
		change.change = CHANGE_QUOTA_UNSET;
	} else {
		c->set = true;
		c->value =
		    (int64_t)chance(60) * (q->unit == UNIT_BYTES ? 500 : 1);
		c->until_us =
		    chance(2) == 0
			? 0
			: y.now_us + (int64_t)chance(3000) * MINUTE_US + 1;
		change.change = CHANGE_QUOTA_SET;
		change.limit = (uint64_t)c->value;
		change.until_us = (uint64_t)c->until_us;
	}
	y.lax = true;
	y.moved++;
	dispatch_change(y.dispatch, 1, "sim", &change);
	years_step();
}

void
years_resume(size_t i)
{
	struct control_change change = {.change = CHANGE_RELAY_RESUME,
					.reason = text_of("")};
	struct exit_ *r = &y.relay[i];
	char name[16];

	snprintf(name, sizeof name, "r%zu", i);
	change.name = text_of(name);
	r->paused = false;
	r->closed_until_us = 0;
	r->hit = false;
	y.lax = true;
	y.moved++;
	dispatch_change(y.dispatch, 1, "sim", &change);
	years_step();
}

void
years_change_relay(void)
{
	struct control_change change = {.change = CHANGE_RELAY_PAUSE,
					.reason = text_of("because")};
	size_t i = chance(RELAYS);
	struct exit_ *r = &y.relay[i];
	char name[16];

	if (!r->there)
		return;
	if (chance(3) == 0) {
		years_resume(i);
		return;
	}
	snprintf(name, sizeof name, "r%zu", i);
	change.name = text_of(name);
	r->paused_until_us =
	    chance(4) == 0 ? 0
			   : y.now_us + (int64_t)chance(600) * MINUTE_US + 1;
	change.until_us = (uint64_t)r->paused_until_us;
	y.lax = true;
	y.moved++;
	dispatch_change(y.dispatch, 1, "sim", &change);
	r->paused = true;
	years_step();
}
