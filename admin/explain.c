#include "admin/explain.h"

#include <stdio.h>
#include <string.h>

#include "admin/human.h"
#include "admin/moment.h"
#include "daemon/log.h"
#include "queue/relays_now.h"

struct look {
	const struct settings *s;
	const struct book *b;
	int64_t now_us;
};

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

static struct relay_now
relay_now(void *arg, size_t relay, unsigned type)
{
	const struct look *l = arg;

	return relays_now(l->s, l->b, relay, type, l->now_us);
}

/* "Sun 2026-11-22 00:00 UTC (in 12h 30min)" */
static const char *
when(const struct look *l, int64_t us, char out[MOMENT_TEXT + HUMAN_TEXT])
{
	char at[MOMENT_TEXT], in[HUMAN_TEXT];

	snprintf(out, MOMENT_TEXT + HUMAN_TEXT, "%s (%s)", moment_text(us, at),
		 human_when(us, l->now_us, in));
	return out;
}

static bool
one_of(const struct texts *t, struct text name)
{
	for (size_t i = 0; i < t->n; i++)
		if (text_is(name, t->item[i]))
			return true;
	return false;
}

static const char *
listed(const struct texts *t, char *out, size_t size)
{
	size_t n = 0;

	snprintf(out, size, "any");
	for (size_t i = 0; i < t->n && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "",
				      t->item[i]);
	return out;
}

/* Why this route and no other: its conditions, all of which hold. */
static void
tell_route(const struct look *l, const struct routing_ask *ask,
	   struct explained *out)
{
	const struct route_settings *r = out->route;
	char from[200], to[200];

	if (r == NULL) {
		snprintf(out->route_words, sizeof out->route_words,
			 "no route claims this mail: no_match = %s",
			 l->s->no_match_relay->title);
		return;
	}
	snprintf(out->route_words, sizeof out->route_words,
		 "priority %llu; from %s; to %s%s%s",
		 (unsigned long long)r->priority,
		 listed(&r->from, from, sizeof from),
		 listed(&r->to, to, sizeof to),
		 one_of(&r->source, ask->source) ? "; this source" : "",
		 r->type.n > 0 ? "; this type" : "");
}

/* Which of the relay's quotas has no room, and by which number. */
static void
tell_spent(const struct look *l, size_t relay, unsigned type, int64_t opens_us,
	   char out[EXPLAIN_WORDS])
{
	char at[MOMENT_TEXT + HUMAN_TEXT];
	const struct quota_terms *t;
	const struct quota_use *u;
	size_t quota = 0;
	struct span w;
	int n;

	(void)book_opens_us(l->b, relay, type, l->now_us, &quota);
	t = book_terms(l->b, quota);
	u = book_use(l->b, quota);
	w = book_window(l->b, quota);
	n = snprintf(out, EXPLAIN_WORDS, "quota %s: ", t->block->title);
	switch (quota_why(t, u, &w, type, l->now_us)) {
	case QUOTA_LIMIT:
		n +=
		    snprintf(out + n, EXPLAIN_WORDS - (size_t)n,
			     "%llu of %llu used or in flight",
			     (unsigned long long)quota_total(u),
			     (unsigned long long)quota_limit(t, &w, l->now_us));
		break;
	case QUOTA_CAP:
		n += snprintf(
		    out + n, EXPLAIN_WORDS - (size_t)n,
		    "%llu of the type's cap of %llu",
		    (unsigned long long)(u->used[type] + u->in_flight[type]),
		    (unsigned long long)t->cap[type]);
		break;
	case QUOTA_RESERVE:
		n += snprintf(out + n, EXPLAIN_WORDS - (size_t)n,
			      "what is left is reserved for other types");
		break;
	case QUOTA_OPEN:
		n += snprintf(out + n, EXPLAIN_WORDS - (size_t)n,
			      "too little is left");
		break;
	}
	snprintf(out + n, EXPLAIN_WORDS - (size_t)n, "; %s%s",
		 opens_us == INT64_MAX ? "no room is to come" : "room from ",
		 opens_us == INT64_MAX ? "" : when(l, opens_us, at));
}

static void
tell_step(const struct look *l, const struct choose_step *s, unsigned type,
	  char out[EXPLAIN_WORDS])
{
	const struct gate *g = book_gate(l->b, s->relay);
	char at[MOMENT_TEXT + HUMAN_TEXT];
	bool known = s->now.opens_us != INT64_MAX;

	switch (s->now.shut) {
	case SHUT_SPENT:
		tell_spent(l, s->relay, type, s->now.opens_us, out);
		return;
	case SHUT_PAUSED:
		snprintf(out, EXPLAIN_WORDS, "by %s%s%s%s%s", g->paused_who,
			 g->paused_why[0] != '\0' ? ": " : "", g->paused_why,
			 known ? "; until " : "; until somebody resumes it",
			 known ? when(l, s->now.opens_us, at) : "");
		return;
	case SHUT_CLOSED:
		snprintf(out, EXPLAIN_WORDS, "by its provider until %s: %s",
			 when(l, s->now.opens_us, at), g->closed_reply);
		return;
	case SHUT_UNREACHABLE:
		snprintf(out, EXPLAIN_WORDS,
			 "%s; one message tries again and again",
			 g->last_error);
		return;
	case SHUT_NOT:
	case SHUT_TRIED:
	case SHUT_DISABLED:
	case SHUT_COUNT:
		break;
	}
	snprintf(out, EXPLAIN_WORDS, "%s", relay_shut_text(s->now.shut));
}

/* The relay that opens first. */
static const char *
first_to_open(const struct look *l, const struct chosen *c)
{
	for (size_t i = 0; i < c->nsteps; i++)
		if (c->step[i].now.opens_us == c->opens_us)
			return l->s->relays[c->step[i].relay].title;
	return "one of them";
}

static void
tell_verdict(const struct look *l, struct explained *x)
{
	const struct chosen *c = &x->chosen;
	char at[MOMENT_TEXT + HUMAN_TEXT];

	switch (c->choice) {
	case CHOICE_GO:
		snprintf(x->verdict, sizeof x->verdict,
			 "goes through relay %s now",
			 l->s->relays[c->relay].title);
		return;
	case CHOICE_BOUNCE:
		snprintf(x->verdict, sizeof x->verdict,
			 "is given up now: the route says bounce");
		return;
	case CHOICE_WAIT:
		break;
	}
	if (c->opens_us == INT64_MAX)
		snprintf(x->verdict, sizeof x->verdict,
			 "waits, and nobody knows until when: something has "
			 "to be changed, or its lifetime ends");
	else
		snprintf(x->verdict, sizeof x->verdict,
			 "waits until %s, when relay %s takes mail again",
			 when(l, c->opens_us, at), first_to_open(l, c));
}

void
explain(const struct settings *s, const struct book *b,
	const struct routing_ask *ask, unsigned tried, int64_t now_us,
	struct explained *out)
{
	struct look l = {s, b, now_us};
	struct choose_ops ops = {relay_now, &l};
	struct routing_answer a;

	*out = (struct explained){.route = NULL};
	routing_find(s, ask, &a);
	out->route = a.route;
	tell_route(&l, ask, out);
	choose_relay(routing_way(s, a.way), ask->type, tried, &ops,
		     &out->chosen);
	for (size_t i = 0; i < out->chosen.nsteps; i++)
		tell_step(&l, &out->chosen.step[i], ask->type,
			  out->step_words[i]);
	tell_verdict(&l, out);
}
