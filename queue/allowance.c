#include "queue/allowance.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint32_t
bucket_of(struct text t)
{
	char low[256];
	size_t n = min_of(t.n, sizeof low);

	for (size_t i = 0; i < n; i++)
		low[i] = (char)(t.p[i] >= 'A' && t.p[i] <= 'Z' ? t.p[i] + 32
							       : t.p[i]);
	return crc32c(0, low, n) % ALLOWANCE_BUCKETS;
}

static bool
over(const struct allowed *x, const struct rate *rate, int64_t now_us)
{
	return now_us < x->from_us || now_us - x->from_us >= rate->window_us;
}

static struct allowed *
find(struct allowance *a, struct text t, uint32_t bucket)
{
	/* at most as many rounds as there are senders */
	for (uint32_t i = a->bucket[bucket]; i != 0; i = a->sender[i - 1].next)
		if (a->sender[i - 1].n == t.n &&
		    strncasecmp(a->sender[i - 1].address, t.p, t.n) == 0)
			return &a->sender[i - 1];
	return NULL;
}

/* Out of its bucket. */
static void
leave(struct allowance *a, uint32_t place)
{
	struct allowed *x = &a->sender[place];
	uint32_t *at = &a->bucket[bucket_of((struct text){x->address, x->n})];

	while (*at != place + 1)
		at = &a->sender[*at - 1].next;
	*at = x->next;
}

static struct allowed *
enter(struct allowance *a, struct text t, uint32_t bucket, int64_t now_us)
{
	uint32_t place = a->n;
	struct allowed *x;

	if (a->sender == NULL)
		a->sender = must_alloc(ALLOWANCE_SENDERS * sizeof a->sender[0]);
	if (place < ALLOWANCE_SENDERS) {
		a->n++;
	} else {
		place = a->hand++ % ALLOWANCE_SENDERS;
		leave(a, place);
	}
	x = &a->sender[place];
	*x = (struct allowed){
	    .next = a->bucket[bucket], .n = (uint32_t)t.n, .from_us = now_us};
	memcpy(x->address, t.p, t.n);
	a->bucket[bucket] = place + 1;
	return x;
}

enum allowance_answer
allowance_take(struct allowance *a, const struct rate *rate,
	       struct text address, int64_t now_us)
{
	struct allowed *x;
	uint32_t bucket;

	if (rate->window_us == 0)
		return ALLOWANCE_YES;
	address.n = min_of(address.n, sizeof x->address);
	bucket = bucket_of(address);
	x = find(a, address, bucket);
	if (x == NULL)
		x = enter(a, address, bucket, now_us);
	a->open = true;
	if (over(x, rate, now_us)) {
		x->from_us = now_us;
		x->used = x->taken = x->refused = x->more = 0;
	}
	if (x->used + x->taken < rate->count) {
		x->taken++;
		return ALLOWANCE_YES;
	}
	return x->refused + x->more++ == 0 ? ALLOWANCE_FIRST_NO : ALLOWANCE_NO;
}

void
allowance_keep(struct allowance *a)
{
	if (!a->open)
		return;
	a->open = false;
	for (uint32_t i = 0; i < a->n; i++) {
		a->sender[i].used += a->sender[i].taken;
		a->sender[i].refused += a->sender[i].more;
		a->sender[i].taken = a->sender[i].more = 0;
	}
}

void
allowance_drop(struct allowance *a)
{
	a->open = false;
	for (uint32_t i = 0; i < a->n; i++)
		a->sender[i].taken = a->sender[i].more = 0;
}

void
allowance_free(struct allowance *a)
{
	free(a->sender);
	*a = (struct allowance){.n = 0};
}
