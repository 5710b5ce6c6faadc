#include "admin/quota_row.h"

#include <stdio.h>
#include <string.h>

#include "admin/human.h"
#include "admin/moment.h"

#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
const struct show_field quota_type_fields[] = {QUOTA_TYPE_SHOWN(F)};
const struct show_field quota_fields[] = {QUOTA_SHOWN(F)};
#undef F

static const char *
unit_word(enum unit_kind u)
{
	static const char *const words[] = {"recipients", "messages", "bytes"};

	return words[u];
}

/* "day, Europe/Berlin", "rolling 24h" */
static void
window_text(const struct quota_terms *t, char out[QUOTA_TEXT])
{
	char span[HUMAN_TEXT];

	switch (t->block->window) {
	case WINDOW_DAY:
		snprintf(out, QUOTA_TEXT, "day, %s", t->zone);
		break;
	case WINDOW_MONTH:
		snprintf(out, QUOTA_TEXT, "month, %s", t->zone);
		break;
	case WINDOW_ROLLING:
		snprintf(out, QUOTA_TEXT, "rolling, %s",
			 human_span(t->block->period_us, span));
		break;
	case WINDOW_COUNT:
		break;
	}
}

/* Where the limit comes from: the file, or somebody at run time. */
static void
origin_text(const struct book *b, const struct quota_settings *q,
	    char out[QUOTA_TEXT])
{
	snprintf(out, QUOTA_TEXT, "%.150s:%u", q->file, q->line);
	for (size_t i = 0; i < book_overrides(b); i++) {
		struct override o = book_override_at(b, i);
		char when[MOMENT_TEXT];

		if (strcmp(o.quota, q->title) != 0 || *o.type != '\0')
			continue;
		snprintf(out, QUOTA_TEXT, "%s%s%s%s%s", o.who,
			 o.until_us != 0 ? " until " : "",
			 o.until_us != 0 ? moment_text(o.until_us, when) : "",
			 *o.why != '\0' ? ": " : "", o.why);
	}
}

static void
fill_types(const struct command *c, const struct book *b, size_t quota,
	   struct quota_row *r)
{
	const struct quota_terms *t = book_terms(b, quota);
	const struct quota_use *u = book_use(b, quota);
	const struct span w = book_window(b, quota);
	size_t n = c->settings->ntypes;

	for (unsigned i = 0; i < n; i++) {
		struct show_value *v = &r->type[i * QUOTA_TYPE_COUNT];

		v[QUOTA_TYPE_type] = show_word(c->settings->types[i].title);
		v[QUOTA_TYPE_used] = show_count(u->used[i]);
		v[QUOTA_TYPE_in_flight] = show_count(u->in_flight[i]);
		v[QUOTA_TYPE_free] =
		    show_count(quota_room(t, u, &w, i, c->now_us));
		v[QUOTA_TYPE_cap] = t->cap[i] == QUOTA_NO_CAP
					? show_none()
					: show_count(t->cap[i]);
		v[QUOTA_TYPE_reserve] = t->reserve[i] == 0
					    ? show_none()
					    : show_count(t->reserve[i]);
	}
	r->types =
	    (struct show_rows){quota_type_fields, QUOTA_TYPE_COUNT, r->type, n};
}

/* When the window ends; rolling: when its oldest place comes back. */
static struct show_value
resets(const struct command *c, const struct book *b, size_t quota)
{
	struct span w = book_window(b, quota);

	if (book_terms(b, quota)->block->window != WINDOW_ROLLING)
		return show_time(w.to_us);
	if (quota_total(book_use(b, quota)) == 0)
		return show_none();
	w.to_us = book_quota_next_us(b, quota, c->now_us);
	return w.to_us == INT64_MAX ? show_none() : show_time(w.to_us);
}

bool
quota_row_charged(const struct relay_settings *r, const char *quota)
{
	for (size_t i = 0; i < r->quota.n; i++)
		if (strcmp(r->quota.item[i], quota) == 0)
			return true;
	return false;
}

/* Its relays whose provider says that the limit is reached, whatever we have
 * counted. */
static void
closed_text(const struct command *c, const struct book *b, const char *quota,
	    char out[QUOTA_TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->settings->nrelays; i++) {
		const struct gate *g = book_gate(b, i);
		char when[HUMAN_TEXT];

		if (g->closed_until_us <= c->now_us || n >= QUOTA_TEXT ||
		    !quota_row_charged(&c->settings->relays[i], quota))
			continue;
		n += (size_t)snprintf(
		    out + n, QUOTA_TEXT - n, "%s%s, opens %s", n ? "; " : "",
		    c->settings->relays[i].title,
		    human_when(g->closed_until_us, c->now_us, when));
	}
}

void
quota_row_fill(const struct command *c, const struct book *b, size_t quota,
	       struct quota_row *r)
{
	const struct quota_settings *q = &c->settings->quotas[quota];
	const struct quota_terms *t = book_terms(b, quota);
	const struct quota_use *u = book_use(b, quota);
	const struct span w = book_window(b, quota);
	uint64_t limit = quota_limit(t, &w, c->now_us);
	uint64_t used = u->used_other, flying = u->in_flight_other;
	struct show_value *v = r->value;

	for (size_t i = 0; i < SETTINGS_TYPES; i++) {
		used += u->used[i];
		flying += u->in_flight[i];
	}
	window_text(t, r->window);
	origin_text(b, q, r->origin);
	fill_types(c, b, quota, r);
	v[QUOTA_name] = show_word(q->title);
	v[QUOTA_unit] = show_word(unit_word(q->unit));
	v[QUOTA_window] = show_word(r->window);
	v[QUOTA_limit] = show_count(limit);
	v[QUOTA_used] = show_count(used);
	v[QUOTA_in_flight] = show_count(flying);
	v[QUOTA_free] =
	    show_count(limit > used + flying ? limit - used - flying : 0);
	v[QUOTA_resets_at] = resets(c, b, quota);
	v[QUOTA_types] = show_rows(&r->types);
	closed_text(c, b, q->title, r->closed);
	v[QUOTA_closed] =
	    r->closed[0] != '\0' ? show_word(r->closed) : show_none();
	v[QUOTA_origin] = show_word(r->origin);
}
