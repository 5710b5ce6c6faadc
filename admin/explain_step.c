#include "admin/explain_step.h"

#include <inttypes.h>

#include "admin/human.h"
#include "admin/moment.h"
#include "admin/quota_row.h"

void
explain_when(const struct explain_world *w, int64_t us, struct sentence *out)
{
	char at[MOMENT_TEXT], in[HUMAN_TEXT];

	sentence_add(out, "%s (%s)", moment_text(us, at),
		     human_when(us, w->now_us, in));
}

static const char *
unit_of(const struct quota_terms *t)
{
	switch (t->block->unit) {
	case UNIT_RECIPIENTS:
		return "recipients";
	case UNIT_MESSAGES:
		return "messages";
	case UNIT_BYTES:
		return "bytes";
	case UNIT_COUNT:
		break;
	}
	must_failed("a unit", __FILE__, __LINE__);
}

/* Which of the relay's quotas has no room, and by which number. */
static void
tell_spent(const struct explain_world *w, const struct choose_step *step,
	   unsigned type, struct sentence *out)
{
	const struct quota_terms *t;
	const struct quota_use *u;
	uint64_t limit, used = 0;
	size_t quota = 0;
	struct span span;

	(void)book_opens_us(w->b, step->relay, type, w->now_us, &quota);
	t = book_terms(w->b, quota);
	u = book_use(w->b, quota);
	span = book_window(w->b, quota);
	limit = quota_limit(t, &span, w->now_us);
	for (size_t i = 0; i < w->s->ntypes; i++)
		used += u->used[i];
	used += u->used_other;
	sentence_add(out, "quota %s: ", t->block->title);
	switch (quota_why(t, u, &span, type, w->now_us)) {
	case QUOTA_CAP:
		sentence_add(out,
			     "%" PRIu64 " of the cap of %" PRIu64
			     " %s for %s (%" PRIu64 " used, %" PRIu64
			     " in flight)",
			     u->used[type] + u->in_flight[type], t->cap[type],
			     unit_of(t), w->s->types[type].title, u->used[type],
			     u->in_flight[type]);
		return;
	case QUOTA_OPEN:
	case QUOTA_LIMIT:
	case QUOTA_RESERVE:
		sentence_add(out,
			     "%" PRIu64 " of %" PRIu64 " %s (%" PRIu64
			     " used, %" PRIu64 " in flight)",
			     quota_total(u), limit, unit_of(t), used,
			     quota_total(u) - used);
		break;
	}
	if (quota_why(t, u, &span, type, w->now_us) == QUOTA_RESERVE)
		sentence_add(out, ", and the rest is reserved for other types");
}

static void
tell_paused(const struct gate *g, struct sentence *out)
{
	sentence_add(out, "by ");
	sentence_quote(out, text_of(g->paused_who));
	if (g->paused_why[0] != '\0') {
		sentence_add(out, ": ");
		sentence_quote(out, text_of(g->paused_why));
	}
	if (g->paused_until_us == 0)
		sentence_add(out, "; until somebody resumes it");
}

static void
tell_unreachable(const struct explain_world *w, const struct choose_step *step,
		 const struct gate *g, struct sentence *out)
{
	const int64_t every_us = w->s->relays[step->relay].breaker_open_for_us;
	char span[HUMAN_TEXT];

	sentence_add(out, "since ");
	explain_when(w, g->failed_us, out);
	sentence_add(out, ": ");
	sentence_quote(out, text_of(g->last_error));
	sentence_add(out, "; one message tries again after 1s, 2s, ... %s",
		     human_span(every_us, span));
}

void
explain_step(const struct explain_world *w, const struct choose_step *step,
	     unsigned type, struct sentence *out)
{
	const struct gate *g = book_gate(w->b, step->relay);

	switch (step->now.shut) {
	case SHUT_SPENT:
		tell_spent(w, step, type, out);
		break;
	case SHUT_PAUSED:
		tell_paused(g, out);
		break;
	case SHUT_CLOSED:
		sentence_add(out, "its provider said: ");
		sentence_quote(out, text_of(g->closed_reply));
		break;
	case SHUT_UNREACHABLE:
		tell_unreachable(w, step, g, out);
		return;
	case SHUT_NOT:
	case SHUT_TRIED:
	case SHUT_DISABLED:
		sentence_add(out, "%s", relay_shut_text(step->now.shut));
		return;
	case SHUT_COUNT:
		must_failed("a reason", __FILE__, __LINE__);
	}
	if (step->now.opens_us != INT64_MAX) {
		sentence_add(out, "; opens ");
		explain_when(w, step->now.opens_us, out);
	} else if (step->now.shut == SHUT_SPENT) {
		sentence_add(out, "; no room is to come");
	}
}

static const char *
new_window(const struct quota_terms *t)
{
	switch (t->block->window) {
	case WINDOW_DAY:
		return "begins a new day";
	case WINDOW_MONTH:
		return "begins a new month";
	case WINDOW_ROLLING:
	case WINDOW_COUNT:
		break;
	}
	return "has room again";
}

void
explain_opening(const struct explain_world *w, const struct choose_step *step,
		unsigned type, struct sentence *out)
{
	const char *relay = w->s->relays[step->relay].title;
	size_t quota = 0;

	switch (step->now.shut) {
	case SHUT_PAUSED:
		sentence_add(out, "the pause of relay %s ends", relay);
		return;
	case SHUT_CLOSED:
		sentence_add(out,
			     "the limit of relay %s's provider should be "
			     "over",
			     relay);
		return;
	case SHUT_SPENT:
		if (book_opens_us(w->b, step->relay, type, w->now_us, &quota) ==
		    book_window(w->b, quota).to_us)
			sentence_add(out, "quota %s %s",
				     w->s->quotas[quota].title,
				     new_window(book_terms(w->b, quota)));
		else
			sentence_add(out, "quota %s has room again",
				     w->s->quotas[quota].title);
		return;
	case SHUT_NOT:
	case SHUT_TRIED:
	case SHUT_DISABLED:
	case SHUT_UNREACHABLE:
	case SHUT_COUNT:
		break;
	}
	sentence_add(out, "relay %s takes mail again", relay);
}

/* The most that a quota lets through in any window. */
static uint64_t
most_of(const struct quota_terms *t, unsigned type)
{
	uint64_t most = t->limit;

	if (!t->limit_set && t->ramp_over_days != 0)
		most = max_of(t->ramp_from, t->ramp_to);
	return min_of(most, t->cap[type]);
}

bool
explain_is_tight(const struct explain_world *w, size_t relay, unsigned type,
		 uint64_t size_bytes, struct explain_tight *out)
{
	*out = (struct explain_tight){.quota = SIZE_MAX};
	if (book_room(w->b, relay, type, max_of(size_bytes, UINT64_C(1)), 1,
		      w->now_us) > 0)
		return false;
	for (size_t i = 0; i < w->s->nquotas; i++) {
		const struct quota_terms *t = book_terms(w->b, i);
		struct span span = book_window(w->b, i);
		uint64_t left =
		    quota_room(t, book_use(w->b, i), &span, type, w->now_us);

		if (t->block->unit != UNIT_BYTES || left >= size_bytes ||
		    !quota_row_charged(&w->s->relays[relay], t->block->title))
			continue;
		out->never = out->never || size_bytes > most_of(t, type);
		if (out->quota == SIZE_MAX || left < out->left_bytes) {
			out->quota = i;
			out->left_bytes = left;
		}
	}
	out->opens_us = out->never
			    ? INT64_MAX
			    : book_opens_us(w->b, relay, type, w->now_us, NULL);
	return out->quota != SIZE_MAX;
}
