#include "admin/explain.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "queue/relays_now.h"
#include "queue/retry.h"

/* Due for so long, and still here: somebody will wonder. */
static const int64_t OVERDUE_US = MINUTE_US;

const char *
choice_word(enum choice c)
{
	switch (c) {
	case CHOICE_GO:
		return "go";
	case CHOICE_WAIT:
		return "wait";
	case CHOICE_BOUNCE:
		return "bounce";
	}
	must_failed("a choice", __FILE__, __LINE__);
}

static const char *
relay_name(const struct explain_world *w, size_t relay)
{
	return w->s->relays[relay].title;
}

const struct relay_settings *
explained_relay(const struct settings *s, const struct explained *x)
{
	if (x->chosen.choice == CHOICE_GO)
		return &s->relays[x->chosen.relay];
	return x->chosen.nsteps > 0 ? &s->relays[x->chosen.step[0].relay]
				    : NULL;
}

/* --- the route ------------------------------------------------------------ */

static bool
is_for(const char *pattern, const char *domain)
{
	size_t n, all = strlen(domain);

	if (strncmp(pattern, "*.", 2) != 0)
		return strcmp(pattern, "*") == 0 ||
		       strcasecmp(pattern, domain) == 0;
	n = strlen(++pattern);
	return all > n && strcasecmp(domain + all - n, pattern) == 0;
}

/* The domain of the route's list that holds; "any" for an empty list. */
static const char *
which_domain(const struct texts *t, struct text address)
{
	char domain[ROUTING_DOMAIN];

	if (!routing_domain(address, domain))
		domain[0] = '\0';
	for (size_t i = 0; i < t->n; i++)
		if (is_for(t->item[i], domain))
			return strcmp(t->item[i], "*") == 0 ? "any"
							    : t->item[i];
	return "any";
}

static void
tell_route(const struct explain_world *w, const struct routing_ask *ask,
	   const struct routing_answer *a, struct sentence *out)
{
	const struct route_settings *r = a->route;
	const bool author = ask->author.n > 0;

	if (ask->only.p != NULL) { /* a sandbox's, or an archive's copy */
		sentence_add(out,
			     ask->only.n > 0
				 ? "no route counts: it is bound to relay "
				 : "no route counts: it is bound to a relay "
				   "that is not there");
		if (ask->only.n > 0)
			sentence_quote(out, ask->only);
		return;
	}
	if (r == NULL) {
		sentence_add(out, "no route claims this mail: no_match = %s",
			     w->s->no_match_relay->title);
		return;
	}
	sentence_add(
	    out, "priority %" PRIu64 ": from %s", r->priority,
	    which_domain(&r->from, author ? ask->author : ask->sender));
	if (r->from.n > 0)
		sentence_add(out,
			     author ? " (header From)" : " (envelope sender)");
	sentence_add(out, ", to %s", which_domain(&r->to, ask->recipient));
	if (r->source.n > 0) {
		sentence_add(out, ", source ");
		sentence_quote(out, ask->source);
	}
	if (r->type.n > 0)
		sentence_add(out, ", type %s", w->s->types[ask->type].title);
	if (way_list(&r->via, w->s->types[ask->type].title) == NULL)
		sentence_add(out, "; it has no list for %s: no_match = %s",
			     w->s->types[ask->type].title,
			     w->s->no_match_relay->title);
}

/* --- the decision --------------------------------------------------------- */

static struct relay_now
relay_now(void *arg, size_t relay, unsigned type)
{
	const struct explain_world *w = arg;

	return relays_now(w->s, w->b, relay, type, w->now_us);
}

/* A relay has room, but none so large. */
static void
tell_tight(const struct explain_world *w, const struct explain_mail *m,
	   struct explained *x)
{
	const size_t last = x->chosen.nsteps - 1;
	struct choose_step *step = &x->chosen.step[last];
	struct sentence *out = &x->step_words[last];
	struct explain_tight t;

	if (x->chosen.choice != CHOICE_GO ||
	    !explain_is_tight(w, step->relay, m->ask.type, m->size_bytes, &t))
		return;
	x->chosen.choice = CHOICE_WAIT;
	x->chosen.opens_us = t.opens_us;
	step->now = (struct relay_now){SHUT_SPENT, t.opens_us};
	*out = (struct sentence){.n = 0};
	sentence_add(out,
		     "quota %s: %" PRIu64 " bytes are %s (%" PRIu64
		     " bytes); no other relay is tried for that",
		     w->s->quotas[t.quota].title, m->size_bytes,
		     t.never ? "more than it ever lets through"
			     : "too many for what is left",
		     t.left_bytes);
}

static void
choose(const struct explain_world *w, const struct explain_mail *m,
       uint32_t way, struct explained *x)
{
	struct explain_world world = *w;
	struct choose_ops ops = {relay_now, &world};

	choose_relay(routing_way(w->s, way), m->ask.type, m->tried, &ops,
		     &x->chosen);
	for (size_t i = 0; i < x->chosen.nsteps; i++)
		explain_step(w, &x->chosen.step[i], m->ask.type,
			     &x->step_words[i]);
	tell_tight(w, m, x);
}

/* --- what happens --------------------------------------------------------- */

/* "until Sunday, when quota edition begins a new day, or until relay corp is
 * resumed" */
static void
tell_wait(const struct explain_world *w, const struct explain_mail *m,
	  struct explained *x)
{
	const struct chosen *c = &x->chosen;
	struct sentence *out = &x->verdict;
	const char *until = " until";
	bool first = true, told = false;

	sentence_add(out, "waits");
	for (size_t i = 0; i < c->nsteps; i++) {
		const struct choose_step *s = &c->step[i];
		const char *name = relay_name(w, s->relay);

		if (first && s->now.opens_us == c->opens_us &&
		    c->opens_us != INT64_MAX) {
			first = false;
			sentence_add(out, "%s ", until);
			explain_when(w, c->opens_us, out);
			sentence_add(out, ", when ");
			explain_opening(w, s, m->ask.type, out);
		} else if (s->now.opens_us != INT64_MAX) {
			continue;
		} else if (s->now.shut == SHUT_PAUSED) {
			sentence_add(out, "%s relay %s is resumed", until,
				     name);
		} else if (s->now.shut == SHUT_UNREACHABLE) {
			sentence_add(out, "%s relay %s can be reached", until,
				     name);
		} else {
			continue;
		}
		until = ", or until";
		told = true;
	}
	if (told)
		return;
	if (m->tried != 0)
		sentence_add(out, " for its next round, which begins with the "
				  "first relay, by the retry schedule");
	else
		sentence_add(out, ", and nothing is known that would let it "
				  "go: a relay, a limit or a route has to be "
				  "changed");
}

/* Which trigger ended the walk. */
static void
tell_bounce(struct explained *x)
{
	const struct chosen *c = &x->chosen;
	const bool unreachable =
	    c->nsteps > 0 &&
	    c->step[c->nsteps - 1].now.shut == SHUT_UNREACHABLE &&
	    x->route != NULL && strcmp(x->route->on_unreachable, "bounce") == 0;

	sentence_add(&x->verdict, "is given up: the route says %s = bounce",
		     unreachable ? "on_unreachable" : "on_exhausted");
}

static void
tell_choice(const struct explain_world *w, const struct explain_mail *m,
	    struct explained *x)
{
	switch (x->chosen.choice) {
	case CHOICE_GO:
		sentence_add(&x->verdict, "goes through relay %s",
			     relay_name(w, x->chosen.relay));
		return;
	case CHOICE_WAIT:
		tell_wait(w, m, x);
		return;
	case CHOICE_BOUNCE:
		tell_bounce(x);
		return;
	}
}

/* Waiting for the time of its next attempt. */
static void
tell_deferred(const struct explain_world *w, const struct explain_mail *m,
	      struct explained *x)
{
	struct sentence *out = &x->verdict;

	sentence_add(out, "is tried again ");
	explain_when(w, m->due_us, out);
	if (m->last_due_us > m->due_us) {
		sentence_add(out, ", the last of them ");
		explain_when(w, m->last_due_us, out);
	}
	if (x->chosen.choice == CHOICE_GO)
		sentence_add(out, "; relay %s would take it now",
			     relay_name(w, x->chosen.relay));
	if (m->reason.n > 0) {
		sentence_add(out, "; last time: ");
		sentence_quote(out, m->reason);
	}
}

static void
tell_lifetime(const struct explain_world *w, struct explained *x)
{
	struct sentence *out = &x->verdict;

	if (x->chosen.choice != CHOICE_WAIT || x->next_us < x->expires_us ||
	    x->expires_us == INT64_MAX)
		return;
	if (x->expires_us <= w->now_us) {
		sentence_add(out, "; its lifetime is over: it is given up");
		return;
	}
	sentence_add(out, x->next_us == INT64_MAX ? "; its lifetime ends "
						  : ", but is given up before: "
						    "its lifetime ends ");
	explain_when(w, x->expires_us, out);
}

static void
tell_waiting(const struct explain_world *w, const struct explain_mail *m,
	     struct explained *x)
{
	const struct chosen *c = &x->chosen;
	const bool later = m->due_us > w->now_us;

	if (c->choice != CHOICE_BOUNCE)
		x->next_us = max_of(m->due_us, w->now_us);
	if (c->choice == CHOICE_WAIT)
		x->next_us = max_of(x->next_us, c->opens_us);
	if (later && c->choice != CHOICE_BOUNCE && x->next_us == m->due_us)
		tell_deferred(w, m, x);
	else
		tell_choice(w, m, x);
	if (!later && c->choice == CHOICE_GO)
		sentence_add(&x->verdict, " now");
	if (c->choice == CHOICE_GO && w->now_us - m->due_us > OVERDUE_US) {
		sentence_add(&x->verdict, "; it should have gone ");
		explain_when(w, m->due_us, &x->verdict);
		sentence_add(&x->verdict, ": mtqd doesn't run, or other mail "
					  "keeps the relay busy");
	}
	tell_lifetime(w, x);
}

/* What nothing happens to without somebody. */
static void
tell_kept(const char *what, const char *order, const struct explain_world *w,
	  const struct explain_mail *m, struct explained *x)
{
	struct sentence *out = &x->verdict;

	sentence_add(out, "%s", what);
	if (m->reason.n > 0) {
		sentence_add(out, " (");
		sentence_quote(out, m->reason);
		sentence_add(out, ")");
	}
	sentence_add(out, " and stays until `mtq queue %s %s`; then it ", order,
		     m->id);
	tell_choice(w, m, x);
	x->hopeless = true;
}

static void
tell_state(const struct explain_world *w, const struct explain_mail *m,
	   struct explained *x)
{
	switch (m->state) {
	case RECIPIENT_WAITING:
		tell_waiting(w, m, x);
		return;
	case RECIPIENT_CLAIMED:
		sentence_add(&x->verdict, "is with a worker now");
		if (m->relay.n > 0) {
			sentence_add(&x->verdict, ", for relay ");
			sentence_quote(&x->verdict, m->relay);
		}
		sentence_add(&x->verdict, "; asked anew, it ");
		tell_choice(w, m, x);
		return;
	case RECIPIENT_HELD:
		tell_kept("is held back", "release", w, m, x);
		return;
	case RECIPIENT_FAILED:
		tell_kept("has failed for good", "retry", w, m, x);
		return;
	case RECIPIENT_PARKED:
		sentence_add(&x->verdict,
			     "is a copy for an archive and goes when all other "
			     "recipients have ended; then it ");
		tell_choice(w, m, x);
		return;
	case RECIPIENT_STATE_COUNT:
		break;
	}
	must_failed("a state", __FILE__, __LINE__);
}

static bool
is_hopeless(const struct explain_mail *m, const struct explained *x)
{
	if (m->queued && m->state == RECIPIENT_CLAIMED)
		return false;
	switch (x->chosen.choice) {
	case CHOICE_GO:
		return false;
	case CHOICE_BOUNCE:
		return true;
	case CHOICE_WAIT:
		break;
	}
	return x->next_us == INT64_MAX ? m->tried == 0
				       : x->next_us >= x->expires_us;
}

void
explain(const struct explain_world *w, const struct explain_mail *m,
	struct explained *out)
{
	struct routing_answer a;

	*out =
	    (struct explained){.next_us = INT64_MAX, .expires_us = INT64_MAX};
	routing_find(w->s, &m->ask, &a);
	out->route = a.route;
	tell_route(w, &m->ask, &a, &out->route_words);
	choose(w, m, a.way, out);
	if (m->queued) {
		if (!m->archive)
			out->expires_us =
			    m->arrival_us +
			    retry_of(w->s, m->ask.type).lifetime_us;
		tell_state(w, m, out);
	} else {
		tell_choice(w, m, out);
		if (out->chosen.choice == CHOICE_GO) {
			out->next_us = w->now_us;
			sentence_add(&out->verdict, " now");
		} else if (out->chosen.choice == CHOICE_WAIT) {
			out->next_us = out->chosen.opens_us;
		}
	}
	out->hopeless = out->hopeless || is_hopeless(m, out);
}
