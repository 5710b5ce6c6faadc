#include "queue/choose.h"

#include "queue/lane.h"

const char *
relay_shut_word(enum relay_shut s)
{
	switch (s) {
#define S(id, word, what)                                                      \
	case SHUT_##id:                                                        \
		return word;
		RELAY_SHUTS(S)
#undef S
	case SHUT_COUNT:
		break;
	}
	must_failed("a reason", __FILE__, __LINE__);
}

const char *
relay_shut_text(enum relay_shut s)
{
	switch (s) {
#define S(id, word, what)                                                      \
	case SHUT_##id:                                                        \
		return what;
		RELAY_SHUTS(S)
#undef S
	case SHUT_COUNT:
		break;
	}
	must_failed("a reason", __FILE__, __LINE__);
}

unsigned
choose_bit(const struct way *way, size_t relay)
{
	for (unsigned i = 0; i < way->n; i++)
		if (way->relay[i] == relay)
			return 1U << i;
	return LANE_TRIED_CRM;
}

/* What a relay says; it is chosen if it is open. */
static enum relay_shut
look(size_t relay, unsigned type, bool tried, bool by_trigger,
     const struct choose_ops *ops, struct chosen *out)
{
	struct relay_now now = {.shut = SHUT_TRIED, .opens_us = INT64_MAX};

	if (!tried)
		now = ops->relay(ops->arg, relay, type);
	out->step[out->nsteps++] = (struct choose_step){relay, now, by_trigger};
	if (now.shut == SHUT_NOT) {
		out->choice = CHOICE_GO;
		out->relay = relay;
	} else {
		out->opens_us = min_of(out->opens_us, now.opens_us);
	}
	return now.shut;
}

/* Its relay may stand in the list too: one bit, whoever names it. */
static void
fire(enum trigger t, const struct way *way, size_t relay, unsigned type,
     unsigned tried, const struct choose_ops *ops, struct chosen *out)
{
	switch (t) {
	case TRIGGER_NEXT:
	case TRIGGER_WAIT:
		break;
	case TRIGGER_BOUNCE:
		out->choice = CHOICE_BOUNCE;
		break;
	case TRIGGER_RELAY:
		(void)look(relay, type, (tried & choose_bit(way, relay)) != 0,
			   true, ops, out);
		break;
	}
}

void
choose_relay(const struct way *way, unsigned type, unsigned tried,
	     const struct choose_ops *ops, struct chosen *out)
{
	bool exhausted = false;

	*out = (struct chosen){.choice = CHOICE_WAIT, .opens_us = INT64_MAX};
	for (unsigned i = 0; i < way->n; i++) {
		switch (look(way->relay[i], type, (tried & 1U << i) != 0, false,
			     ops, out)) {
		case SHUT_NOT:
			return;
		case SHUT_DISABLED:
		case SHUT_PAUSED:
		case SHUT_CLOSED:
		case SHUT_SPENT:
			exhausted = true;
			break;
		case SHUT_UNREACHABLE:
			if (way->unreachable == TRIGGER_NEXT)
				break;
			fire(way->unreachable, way, way->unreachable_relay,
			     type, tried, ops, out);
			return;
		case SHUT_TRIED:
		case SHUT_COUNT:
			break;
		}
	}
	if (exhausted)
		fire(way->exhausted, way, way->exhausted_relay, type, tried,
		     ops, out);
}
