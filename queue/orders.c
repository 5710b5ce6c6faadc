#include "queue/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

enum { WHO_MOST = 63, REASON_MOST = 255 };

struct order {
	uint64_t client;
	bool is_change;
	uint64_t message;
	uint32_t rcpt;
	enum ledger_order what;
	enum control_change_kind change;
	char name[65], type[65]; /* of the quota or relay; of mail */
	uint64_t limit;
	int64_t until_us;
	char who[WHO_MOST + 1];
	char why[REASON_MOST + 1];
	struct bytes entries; /* of the suppression list */
};

static struct order *
add(struct orders *o, uint64_t client, const char *who, struct text why)
{
	struct order *x;

	if (o->n == o->room) {
		o->room = max_of(o->room * 2, (size_t)16);
		o->item = must_realloc(o->item, o->room * sizeof o->item[0]);
	}
	x = &o->item[o->n++];
	*x = (struct order){.client = client};
	log_safe(why.p, why.n, x->why, sizeof x->why);
	snprintf(x->who, sizeof x->who, "%s", who);
	return x;
}

void
orders_add(struct orders *o, uint64_t client, const char *who,
	   const struct control_order *what)
{
	struct order *x = add(o, client, who, what->reason);

	x->message = what->message;
	x->rcpt = what->rcpt;
	x->what = (enum ledger_order)what->order;
}

void
orders_add_change(struct orders *o, uint64_t client, const char *who,
		  const struct control_change *what)
{
	struct order *x = add(o, client, who, what->reason);

	x->is_change = true;
	x->change = (enum control_change_kind)what->change;
	log_safe(what->name.p, what->name.n, x->name, sizeof x->name);
	log_safe(what->type.p, what->type.n, x->type, sizeof x->type);
	x->limit = what->limit;
	x->until_us = (int64_t)what->until_us;
	bytes_add(&x->entries, what->entries.p, what->entries.n);
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
	case LEDGER_BOUNCE:
		return "bounce";
	}
	must_failed("an order", __FILE__, __LINE__);
}

static bool
order_mail(const struct order *o, struct txn *t, int64_t now_us,
	   struct later *log, struct control_answer *a, struct err *e)
{
	char by[WHO_MOST + 2 + REASON_MOST + 1]; /* "who: reason" */
	enum ledger_answer answer;
	bool gone;

	snprintf(by, sizeof by, "%s%s%s", o->who, o->why[0] != '\0' ? ": " : "",
		 o->why);
	if (!ledger_order(t, o->message, o->rcpt, o->what, by, now_us, &answer,
			  &a->changed, &gone, e))
		return false;
	a->answer = (uint8_t)answer;
	if (answer != LEDGER_DONE)
		return true;
	later_add(log, EVENT_ADMIN, o->message, "%s by %s, %u recipients",
		  word(o->what), by, a->changed);
	if (gone)
		later_add(log, EVENT_REMOVED, o->message, "removed");
	return true;
}

static void
tell(struct later *log, const struct order *o, const char *what)
{
	later_add(log, EVENT_ADMIN, 0, "%s %s%s%s by %s%s%s", what, o->name,
		  o->type[0] != '\0' ? " " : "", o->type, o->who,
		  o->why[0] != '\0' ? ": " : "", o->why);
}

static bool
change_quota(const struct order *o, struct txn *t, struct book *b,
	     int64_t now_us, struct later *log, struct control_answer *a,
	     struct err *e)
{
	bool set = o->change == CHANGE_QUOTA_SET;

	e->kind = ERR_NONE;
	if (set ? book_override(b, t, o->name, o->type, o->limit, o->until_us,
				o->who, o->why, now_us, e)
		: book_unset(b, t, o->name, o->type, e)) {
		a->answer = LEDGER_DONE;
		a->changed = 1;
		tell(log, o, set ? "quota set:" : "quota unset:");
		return true;
	}
	a->answer = LEDGER_NOT_FOUND;
	return e->kind == ERR_NONE;
}

static void
change_relay(const struct order *o, const struct settle_world *w,
	     int64_t now_us, struct control_answer *a)
{
	const struct relay_settings *r = settings_relay(w->settings, o->name);
	size_t relay;
	struct gate g;

	a->answer = LEDGER_NOT_FOUND;
	if (r == NULL)
		return;
	relay = (size_t)(r - w->settings->relays);
	g = *book_gate(w->book, relay);
	a->answer = LEDGER_ALREADY;
	if (o->change == CHANGE_RELAY_RESUME) {
		if (!g.paused && g.closed_until_us == 0)
			return;
		g.paused = false;
		g.closed_until_us = 0;
	} else {
		if (g.paused && g.paused_until_us == o->until_us)
			return;
		g.paused = true;
		g.paused_us = now_us;
		g.paused_until_us = o->until_us;
		snprintf(g.paused_who, sizeof g.paused_who, "%s", o->who);
		snprintf(g.paused_why, sizeof g.paused_why, "%s", o->why);
	}
	book_set_gate(w->book, relay, &g);
	a->answer = LEDGER_DONE;
	a->changed = 1;
	tell(w->log, o, g.paused ? "relay paused:" : "relay resumed:");
}

/* One line for a lone address; of an import, how many there were. */
static void
tell_suppress(struct later *log, const struct order *o, bool add, uint32_t n)
{
	struct reader r = reader_of(o->entries.data, o->entries.n);
	char shown[SUPPRESS_ADDRESS + 1];
	struct suppress_entry s;

	if (!suppress_entry_take(&r, &s))
		return;
	if (r.p != r.end)
		later_add(log, EVENT_ADMIN, 0,
			  "suppression list: %u addresses %s by %s", n,
			  add ? "added" : "removed", o->who);
	else
		later_add(
		    log, EVENT_ADMIN, 0, "suppression list: %s %s by %s",
		    log_safe(s.address.p, s.address.n, shown, sizeof shown),
		    add ? "added" : "removed", o->who);
}

static bool
change_suppress(const struct order *o, struct txn *t, int64_t now_us,
		struct later *log, struct control_answer *a, struct err *e)
{
	struct text batch = {(const char *)o->entries.data, o->entries.n};
	bool add = o->change == CHANGE_SUPPRESS_ADD;

	a->answer = LEDGER_NOT_FOUND;
	if (!suppress_batch_valid(batch))
		return true;
	if (add ? !suppress_add(t, batch, o->who, now_us, &a->changed, e)
		: !suppress_remove(t, batch, &a->changed, e))
		return false;
	a->answer = a->changed > 0 ? LEDGER_DONE : LEDGER_ALREADY;
	if (a->changed > 0)
		tell_suppress(log, o, add, a->changed);
	return true;
}

static bool
carry_out(const struct order *o, struct txn *t, const struct settle_world *w,
	  int64_t now_us, struct control_answer *a, struct err *e)
{
	*a = (struct control_answer){.message = o->message};
	if (!o->is_change)
		return order_mail(o, t, now_us, w->log, a, e);
	switch (o->change) {
	case CHANGE_QUOTA_SET:
	case CHANGE_QUOTA_UNSET:
		return change_quota(o, t, w->book, now_us, w->log, a, e);
	case CHANGE_RELAY_PAUSE:
	case CHANGE_RELAY_RESUME:
		change_relay(o, w, now_us, a);
		return true;
	case CHANGE_SUPPRESS_ADD:
	case CHANGE_SUPPRESS_REMOVE:
		return change_suppress(o, t, now_us, w->log, a, e);
	case CHANGE_EVENTS_ACK:
		a->answer = LEDGER_NOT_FOUND;
		return true;
	}
	must_failed("a change", __FILE__, __LINE__);
}

bool
orders_carry_out(struct orders *o, struct txn *t, const struct settle_world *w,
		 int64_t now_us, struct control_answer *out, size_t *n,
		 struct err *e)
{
	size_t most = min_of(o->n, (size_t)ORDERS_MOST);
	uint64_t changed = 0;

	for (*n = 0; *n < most && changed < ORDERS_CHANGES; ++*n) {
		if (!carry_out(&o->item[*n], t, w, now_us, &out[*n], e))
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
	for (size_t i = 0; i < n; i++)
		bytes_free(&o->item[i].entries);
	o->n -= n;
	if (n > 0 && o->n > 0)
		memmove(o->item, o->item + n, o->n * sizeof o->item[0]);
}

void
orders_clear(struct orders *o)
{
	for (size_t i = 0; i < o->n; i++)
		bytes_free(&o->item[i].entries);
	free(o->item);
	*o = (struct orders){.n = 0};
}
