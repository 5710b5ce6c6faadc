#include "queue/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

enum { WHO_MOST = 64, REASON_MOST = 255 };

struct order {
	uint64_t client;
	uint64_t message;
	uint32_t rcpt;
	enum ledger_order what;
	char who[WHO_MOST + 2 + REASON_MOST + 1]; /* "who: reason" */
};

void
orders_add(struct orders *o, uint64_t client, const char *who,
	   const struct control_order *what)
{
	char reason[REASON_MOST + 1];
	struct order *x;

	if (o->n == o->room) {
		o->room = max_of(o->room * 2, (size_t)16);
		o->item = must_realloc(o->item, o->room * sizeof o->item[0]);
	}
	x = &o->item[o->n++];
	*x = (struct order){.client = client,
			    .message = what->message,
			    .rcpt = what->rcpt,
			    .what = (enum ledger_order)what->order};
	log_safe(what->reason.p, what->reason.n, reason, sizeof reason);
	snprintf(x->who, sizeof x->who, "%.*s%s%s", WHO_MOST, who,
		 reason[0] != '\0' ? ": " : "", reason);
}

static const char *
word(enum ledger_order o)
{
	switch (o) {
	case LEDGER_HOLD:
		return "hold";
	case LEDGER_RELEASE:
		return "release";
	case LEDGER_RETRY:
		return "retry";
	case LEDGER_DROP:
		return "drop";
	}
	must_failed("an order", __FILE__, __LINE__);
}

static bool
carry_out(const struct order *o, struct txn *t, int64_t now_us,
	  struct later *log, struct control_answer *a, struct err *e)
{
	enum ledger_answer answer;
	bool gone;

	*a = (struct control_answer){.message = o->message};
	if (!ledger_order(t, o->message, o->rcpt, o->what, o->who, now_us,
			  &answer, &a->changed, &gone, e))
		return false;
	a->answer = (uint8_t)answer;
	if (answer != LEDGER_DONE)
		return true;
	later_add(log, EVENT_ADMIN, o->message, "%s by %s, %u recipients",
		  word(o->what), o->who, a->changed);
	if (gone)
		later_add(log, EVENT_REMOVED, o->message, "removed");
	return true;
}

bool
orders_carry_out(struct orders *o, struct txn *t, int64_t now_us,
		 struct later *log, struct control_answer *out, size_t *n,
		 struct err *e)
{
	size_t most = min_of(o->n, (size_t)ORDERS_MOST);
	uint64_t changed = 0;

	for (*n = 0; *n < most && changed < ORDERS_CHANGES; ++*n) {
		if (!carry_out(&o->item[*n], t, now_us, log, &out[*n], e))
			return false;
		changed += out[*n].changed;
	}
	return true;
}

uint64_t
orders_client(const struct orders *o, size_t i)
{
	must(i < o->n);
	return o->item[i].client;
}

void
orders_done(struct orders *o, size_t n)
{
	must(n <= o->n);
	o->n -= n;
	if (n > 0 && o->n > 0)
		memmove(o->item, o->item + n, o->n * sizeof o->item[0]);
}

void
orders_clear(struct orders *o)
{
	free(o->item);
	*o = (struct orders){.n = 0};
}
