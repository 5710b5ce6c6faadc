/*
 * choose - the relay a lane's mail takes now, and why not the others.  Pure:
 * the scheduler, explain and forecast ask the same function.
 *
 * In the route's order; skipped are relays tried in this round, paused, closed
 * by the provider, spent and out of service.  Then the route's triggers:
 * on_unreachable at the first relay out of service (next: the list goes on),
 * on_exhausted when the list is through and a relay of it was spent, closed or
 * paused.  Else mail waits for the earliest moment one of them opens.
 */
#ifndef MTQ_CHOOSE_H
#define MTQ_CHOOSE_H

#include "daemon/routing.h"

/*	why		word		what people read */
#define RELAY_SHUTS(S)                                                         \
	S(NOT, "open", "takes mail")                                           \
	S(TRIED, "tried", "already tried in this round")                       \
	S(DISABLED, "disabled", "enabled = no in the configuration")           \
	S(PAUSED, "paused", "paused by an administrator")                      \
	S(CLOSED, "closed", "the provider says its limit is reached")          \
	S(SPENT, "spent", "a quota has no room")                               \
	S(UNREACHABLE, "unreachable", "it can't be reached")
enum relay_shut {
#define S(id, word, what) SHUT_##id,
	RELAY_SHUTS(S)
#undef S
	    SHUT_COUNT
};
const char *relay_shut_word(enum relay_shut s);
const char *relay_shut_text(enum relay_shut s);

/* What a relay is for mail of one type now. */
struct relay_now {
	enum relay_shut shut;
	int64_t opens_us; /* wall clock; INT64_MAX: nobody knows */
};
/* Asked for each relay that is looked at. */
struct choose_ops {
	struct relay_now (*relay)(void *arg, size_t relay, unsigned type);
	void *arg;
};
enum choice {
	CHOICE_GO,
	CHOICE_WAIT,
	CHOICE_BOUNCE,
};
struct choose_step { /* one relay that was looked at, in order */
	size_t relay;
	struct relay_now now;
	bool by_trigger; /* the CRM relay of a trigger */
};
struct chosen {
	enum choice choice;
	size_t relay;     /* of CHOICE_GO */
	int64_t opens_us; /* of CHOICE_WAIT; INT64_MAX: nobody knows */
	struct choose_step step[ROUTING_VIA + 1];
	size_t nsteps;
};
void choose_relay(const struct way *way, unsigned type, unsigned tried,
		  const struct choose_ops *ops, struct chosen *out);
/* The bit of `tried` for a relay of this way. */
unsigned choose_bit(const struct way *way, size_t relay);

#endif
