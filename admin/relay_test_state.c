#include "admin/relay_test_state.h"

#include <stdio.h>

#include "admin/change.h"
#include "admin/explain_step.h"
#include "admin/relay_test_step.h"
#include "queue/relays_now.h"
#include "queue/store.h"

/* What ends it.  NULL: nothing to tell; mail itself finds out whether the relay
 * can be reached again, and which type has room is for `mtq relay NAME`. */
static const char *
remedy(enum relay_shut shut)
{
	switch (shut) {
	case SHUT_PAUSED:
	case SHUT_CLOSED:
		return "mtq relay resume lets mail go again";
	case SHUT_DISABLED:
		return "enabled = yes lets mail go";
	case SHUT_UNREACHABLE:
		return "the next message that gets through opens it";
	case SHUT_NOT:
	case SHUT_SPENT:
	case SHUT_TRIED:
	case SHUT_COUNT:
		break;
	}
	return NULL;
}

void
relay_test_state(struct command *c, const struct relay_settings *r)
{
	struct choose_step step = {.relay = (size_t)(r - c->settings->relays)};
	struct sentence words = {.n = 0};
	struct explain_world w;
	struct ledger_view v;
	const char *then;
	int code;

	if (!store_exists(c->settings->state_dir) ||
	    !change_open_view(c, &v, &code))
		return;
	w = (struct explain_world){c->settings, v.book, c->now_us};
	step.now = relays_now(c->settings, v.book, step.relay, 0, c->now_us);
	then = remedy(step.now.shut);
	if (then != NULL) {
		explain_step(&w, &step, 0, &words);
		relay_test_tell(c->json, "state", STEP_NOTE, -1,
				"the relay is %s now (%s); %s",
				relay_shut_word(step.now.shut), words.text,
				then);
	}
	change_close_view(&v);
}
