#include "queue/rate.h"

#include <stdlib.h>

void
rate_init(struct rate_log *l, struct rate rate, int64_t last_us)
{
	must(rate.count > 0 && rate.window_us > 0);
	*l = (struct rate_log){.rate = rate};
	l->start = must_alloc(rate.count * sizeof l->start[0]);
	for (; l->n < rate.count; l->n++)
		l->start[l->n] = last_us;
}

void
rate_done(struct rate_log *l)
{
	free(l->start);
	*l = (struct rate_log){.n = 0};
}

/* The i-th oldest start. */
static int64_t
start_at(const struct rate_log *l, size_t i)
{
	return l->start[(l->first + i) % l->rate.count];
}

/* The newest starts stay; of older ones than we know, where there is room for
 * more, we know only that they were not later than the oldest. */
void
rate_change(struct rate_log *l, struct rate rate, int64_t now_us)
{
	struct rate_log new;
	size_t kept = min_of(l->n, (size_t)rate.count), unknown;

	if (rate.count == l->rate.count && rate.window_us == l->rate.window_us)
		return;
	rate_init(&new, rate, min_of(start_at(l, 0), now_us));
	new.slow_until_us = l->slow_until_us;
	unknown = new.n - kept;
	for (size_t i = 0; i < kept; i++)
		new.start[unknown + i] = start_at(l, l->n - kept + i);
	rate_done(l);
	*l = new;
}

int64_t
rate_at(const struct rate_log *l, uint32_t n, int64_t now_us)
{
	int64_t at;

	must(n > 0 && n <= l->rate.count);
	at = start_at(l, n - 1) + l->rate.window_us + RATE_GUARD_US;
	return max_of(max_of(at, l->slow_until_us), now_us);
}

void
rate_take(struct rate_log *l, uint32_t n, int64_t now_us)
{
	must(n <= l->rate.count);
	for (uint32_t i = 0; i < n; i++) {
		l->start[l->first] = now_us;
		l->first = (l->first + 1) % l->rate.count;
	}
}

void
rate_slow(struct rate_log *l, int64_t until_us)
{
	l->slow_until_us = max_of(l->slow_until_us, until_us);
}
