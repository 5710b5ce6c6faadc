/* months_list - see tests/sim/months.h. */
#include "tests/sim/months.h"

#define LISTED_FOR_US (10 * DAY_US) /* hard_bounce_ttl */

static bool
is_over(const struct listed *x, int64_t at_us)
{
	return x->until_us <= at_us;
}

bool
months_is_listed(size_t address, int64_t at_us)
{
	const struct listed *x = &m.list[address];

	return !is_over(x, at_us) &&
	       (x->manual || x->count >= m.bounces_to_list);
}

/* One more reply that there is no such mailbox. */
void
months_list_bounced(size_t address)
{
	struct listed *x = &m.list[address];

	if (m.bounces_to_list == 0 || (x->manual && !is_over(x, m.step_us)))
		return;
	if (x->manual || is_over(x, m.step_us))
		*x = (struct listed){.count = 0};
	x->count++;
	x->until_us = m.step_us + LISTED_FOR_US;
}

/* Somebody takes an address onto the list, or off. */
void
months_list_change(void)
{
	size_t at = chance(EVERYBODY - 1); /* not postmaster */
	bool on = chance(2) == 0;
	struct control_change c = {.change = on ? CHANGE_SUPPRESS_ADD
						: CHANGE_SUPPRESS_REMOVE};
	char name[MONTHS_ADDRESS];
	struct suppress_entry x = {.origin = SUPPRESS_MANUAL,
				   .until_us =
				       (uint64_t)(m.now_us + 3 * DAY_US),
				   .address = text_of(months_address(at, name)),
				   .reason = text_of("asked by phone")};
	struct bytes batch = {0};

	suppress_entry_add(&batch, &x);
	c.entries = (struct text){(const char *)batch.data, batch.n};
	dispatch_change(m.dispatch, 2, "sim", &c);
	bytes_free(&batch);
	/* Orders come before the claims of their step. */
	m.list[at] = (struct listed){.manual = on,
				     .until_us = on ? (int64_t)x.until_us : 0};
}
