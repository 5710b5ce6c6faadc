#include "queue/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/give_up.h"

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
order_mail(const struct order *o, struct txn *t, const struct settle_world *w,
	   int64_t now_us, struct control_answer *a, struct err *e)
{
	char by[WHO_MOST + 2 + REASON_MOST + 1]; /* "who: reason" */
	enum ledger_answer answer;
	bool gone = false;

	snprintf(by, sizeof by, "%s%s%s", o->who, o->why[0] != '\0' ? ": " : "",
		 o->why);
	if (o->what == LEDGER_BOUNCE
		? !give_up_mail(t, w, o->message, o->rcpt, o->who, o->why,
				now_us, &answer, &a->changed, e)
		: !ledger_order(t, o->message, o->rcpt, o->what, by, now_us,
				&answer, &a->changed, &gone, e))
		return false;
	a->answer = (uint8_t)answer;
	if (answer != LEDGER_DONE)
		return true;
	later_add(w->log, EVENT_ADMIN, o->message, "%s by %s, %u recipients",
		  word(o->what), by, a->changed);
	if (gone)
		later_add(w->log, EVENT_REMOVED, o->message, "removed");
	return true;
}

/* A change that is of no message, in the journal. */
static bool
note(struct txn *t, const struct order *o, struct journal_entry x,
     int64_t now_us, struct err *e)
{
	uint64_t number;

	x.at_us = (uint64_t)now_us;
	x.who = text_of(o->who);
	if (x.reply.n == 0)
		x.reply = text_of(o->why);
	return journal_add(t, &x, &number, e);
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
	char detail[32] = "unset"; /* "set" and a number */

	e->kind = ERR_NONE;
	a->answer = LEDGER_NOT_FOUND;
	if (!(set ? book_override(b, t, o->name, o->type, o->limit, o->until_us,
				  o->who, o->why, now_us, e)
		  : book_unset(b, t, o->name, o->type, e)))
		return e->kind == ERR_NONE;
	a->answer = LEDGER_DONE;
	a->changed = 1;
	tell(log, o, set ? "quota set:" : "quota unset:");
	if (set)
		snprintf(detail, sizeof detail, "set %llu",
			 (unsigned long long)o->limit);
	return note(t, o,
		    (struct journal_entry){
			.kind = JOURNAL_QUOTA,
			.relay = text_of(o->name),
			.type = text_of(o->type),
			.next_us = (uint64_t)max_of(o->until_us, (int64_t)0),
			.detail = text_of(detail)},
		    now_us, e);
}

static bool
change_relay(const struct order *o, struct txn *t, const struct settle_world *w,
	     int64_t now_us, struct control_answer *a, struct err *e)
{
	const struct relay_settings *r = settings_relay(w->settings, o->name);
	size_t relay;
	struct gate g;

	a->answer = LEDGER_NOT_FOUND;
	if (r == NULL)
		return true;
	relay = (size_t)(r - w->settings->relays);
	g = *book_gate(w->book, relay);
	a->answer = LEDGER_ALREADY;
	if (o->change == CHANGE_RELAY_RESUME) {
		if (!g.paused && g.closed_until_us == 0)
			return true;
		g.paused = false;
		g.closed_until_us = 0;
	} else {
		if (g.paused && g.paused_until_us == o->until_us)
			return true;
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
	return note(t, o,
		    (struct journal_entry){
			.kind = JOURNAL_RELAY,
			.relay = text_of(o->name),
			.next_us = (uint64_t)max_of(
			    g.paused ? g.paused_until_us : 0, (int64_t)0),
			.detail = text_of(g.paused ? "paused" : "resumed")},
		    now_us, e);
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

/* One entry for a lone address; an import would push all else out of the
 * journal, so each of its batches is one, too. */
static bool
note_suppress(struct txn *t, const struct order *o, bool add, uint32_t n,
	      int64_t now_us, struct err *e)
{
	struct reader r = reader_of(o->entries.data, o->entries.n);
	struct journal_entry x = {.kind = add ? JOURNAL_SUPPRESSED
					      : JOURNAL_UNSUPPRESSED};
	struct suppress_entry s;
	char many[32];

	if (!suppress_entry_take(&r, &s))
		return true;
	if (r.p == r.end) {
		x.address = s.address;
		x.reply = s.reason;
		x.next_us = s.until_us;
	} else {
		snprintf(many, sizeof many, "%u addresses", n);
		x.detail = text_of(many);
	}
	return note(t, o, x, now_us, e);
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
	if (a->changed == 0)
		return true;
	tell_suppress(log, o, add, a->changed);
	return note_suppress(t, o, add, a->changed, now_us, e);
}

/* A reader of the journal has read up to the entry `limit`. */
static bool
change_reader(const struct order *o, struct txn *t, int64_t now_us,
	      struct control_answer *a, struct err *e)
{
	bool done = false;

	a->answer = LEDGER_NOT_FOUND;
	if (!journal_reader_valid(text_of(o->name)))
		return true;
	if (!journal_ack(t, text_of(o->name), o->limit, o->who, now_us, &done,
			 e))
		return false;
	a->changed = done;
	if (done)
		a->answer = LEDGER_DONE;
	return true;
}

static bool
carry_out(const struct order *o, struct txn *t, const struct settle_world *w,
	  int64_t now_us, struct control_answer *a, struct err *e)
{
	*a = (struct control_answer){.message = o->message};
	if (!o->is_change)
		return order_mail(o, t, w, now_us, a, e);
	switch (o->change) {
	case CHANGE_QUOTA_SET:
	case CHANGE_QUOTA_UNSET:
		return change_quota(o, t, w->book, now_us, w->log, a, e);
	case CHANGE_RELAY_PAUSE:
	case CHANGE_RELAY_RESUME:
		return change_relay(o, t, w, now_us, a, e);
	case CHANGE_SUPPRESS_ADD:
	case CHANGE_SUPPRESS_REMOVE:
		return change_suppress(o, t, now_us, w->log, a, e);
	case CHANGE_EVENTS_ACK:
		return change_reader(o, t, now_us, a, e);
	}
	must_failed("a change", __FILE__, __LINE__);
}

bool
orders_carry_out(struct orders *o, struct txn *t, const struct settle_world *w,
		 size_t most, int64_t now_us, struct control_answer *out,
		 size_t *n, struct err *e)
{
	uint64_t changed = 0;

	most = min_of(o->n, min_of(most, (size_t)ORDERS_MOST));
	for (*n = 0;
	     *n < most && changed < ORDERS_CHANGES && !bounces_full(w->bounces);
	     ++*n) {
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
