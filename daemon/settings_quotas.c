#include "daemon/settings_quotas.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/rule.h"
#include "daemon/settings_types.h"
#include "daemon/zone.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)
#define here(s, q, key)       settings_place(s, BLOCK_quota, q, key)

static void
check_types(const struct settings *s, const struct quota_settings *q,
	    const char *key, const struct counts *c, struct report *r)
{
	for (size_t i = 0; i < c->n; i++)
		settings_types_known(s, BLOCK_quota, q, key, c->item[i].name,
				     r);
}

static const struct count_of *
count_of(const struct counts *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->item[i].name, name) == 0)
			return &c->item[i];
	return NULL;
}

/* Numbers that can't have their effect. */
static void
check_sums(const struct settings *s, const struct quota_settings *q,
	   struct report *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < q->cap.n; i++)
		if (q->cap.item[i].count > q->limit)
			warning_at(r, here(s, q, "cap"),
				   "cap: %s may have %" PRIu64
				   ", but the limit is %" PRIu64,
				   q->cap.item[i].name, q->cap.item[i].count,
				   q->limit);
	for (size_t i = 0; i < q->reserve.n; i++) {
		const struct count_of *v = &q->reserve.item[i];
		const struct count_of *cap = count_of(&q->cap, v->name);

		if (__builtin_add_overflow(sum, v->count, &sum))
			sum = UINT64_MAX;
		if (cap != NULL && v->count > cap->count)
			warning_at(r, here(s, q, "reserve"),
				   "reserve: %s keeps %" PRIu64
				   ", but its cap is %" PRIu64,
				   v->name, v->count, cap->count);
	}
	if (sum > q->limit)
		warning_at(r, here(s, q, "reserve"),
			   "reserve: the reserves add up to %" PRIu64
			   ", the limit is %" PRIu64,
			   sum, q->limit);
}

/* What a rolling window has, and what the calendar's have. */
static void
check_window(const struct settings *s, const struct quota_settings *q,
	     struct report *r)
{
	static const char only[] = "only with window = day or month";

	switch (q->window) {
	case WINDOW_ROLLING:
		if (q->period_us % MINUTE_US != 0)
			error_at(r, here(s, q, "period"),
				 "period: a rolling window has whole minutes");
		if (q->reserve.n > 0)
			error_at(r, here(s, q, "reserve"), "reserve: %s", only);
		if (q->release_percent != 25) /* the default */
			error_at(r, here(s, q, "release"), "release: %s", only);
		if (q->spread)
			error_at(r, here(s, q, "spread"), "spread: %s", only);
		if (*q->zone != '\0')
			error_at(r, here(s, q, "zone"), "zone: %s", only);
		break;
	case WINDOW_DAY:
	case WINDOW_MONTH:
		if (q->period_us != DAY_US) /* the default */
			error_at(r, here(s, q, "period"),
				 "period: only with window = rolling");
		break;
	case WINDOW_COUNT:
		break;
	}
}

/* One value of the ramp; NULL if it is not there, which is told. */
static const char *
ramp_value(const struct settings *s, const struct quota_settings *q,
	   const char *name, struct report *r)
{
	for (size_t i = 0; i < q->ramp.n; i++) {
		if (strcmp(q->ramp.item[i].name, name) != 0)
			continue;
		if (q->ramp.item[i].value.n == 1)
			return q->ramp.item[i].value.item[0];
		error_at(r, here(s, q, "ramp"), "ramp: %s takes one value",
			 name);
		return NULL;
	}
	error_at(r, here(s, q, "ramp"), "ramp: needs %s", name);
	return NULL;
}

static bool
ramp_number(const struct settings *s, const struct quota_settings *q,
	    enum value_kind kind, const char *name, void *out, struct report *r)
{
	const char *text = ramp_value(s, q, name, r);
	struct value_text one = {.item = (char *const *)&text, .n = 1};
	struct arena none = {0}; /* numbers need no memory */
	char why[VALUE_WHY];

	if (text == NULL)
		return false;
	if (value_parse(kind, &one, NULL, NULL, &none, out, why))
		return true;
	error_at(r, here(s, q, "ramp"), "ramp: %s: %s", name, why);
	return false;
}

static void
check_ramp(const struct settings *s, const struct quota_settings *q,
	   struct report *r)
{
	static const char *const names[] = {"from", "to", "over", "start"};
	uint64_t from, to;
	int64_t over_us;
	bool ok;

	if (q->ramp.n == 0)
		return;
	for (size_t i = 0; i < q->ramp.n; i++) {
		size_t j = 0;

		while (j < countof(names) &&
		       strcmp(q->ramp.item[i].name, names[j]) != 0)
			j++;
		if (j == countof(names))
			error_at(r, here(s, q, "ramp"),
				 "ramp: %.100s is none of from, to, over, "
				 "start",
				 q->ramp.item[i].name);
	}
	ok = ramp_number(s, q, VALUE_count, "from", &from, r);
	ok = ramp_number(s, q, VALUE_count, "to", &to, r) && ok;
	if (ok && from > to)
		error_at(r, here(s, q, "ramp"),
			 "ramp: from %" PRIu64 " is more than to %" PRIu64,
			 from, to);
	else if (ok && to != q->limit &&
		 !settings_broken(s, BLOCK_quota, q, "limit"))
		warning_at(r, here(s, q, "ramp"),
			   "ramp: ends at %" PRIu64
			   ", but the limit is %" PRIu64
			   ": with a ramp only the ramp holds",
			   to, q->limit);
	if (ramp_number(s, q, VALUE_duration, "over", &over_us, r) &&
	    (over_us == 0 || over_us % DAY_US != 0))
		error_at(r, here(s, q, "ramp"),
			 "ramp: over is whole days, as 30d");
	(void)ramp_value(s, q, "start", r); /* settings_quotas_zones */
}

void
settings_quotas_check(const struct settings *s, const char *name,
		      struct report *r)
{
	if (s->nquotas > SETTINGS_QUOTAS) {
		report_error(r, name, 0, "%zu quotas; there may be %d",
			     s->nquotas, SETTINGS_QUOTAS);
		return;
	}
	for (size_t i = 0; i < s->nquotas; i++) {
		const struct quota_settings *q = &s->quotas[i];

		if (!settings_broken(s, BLOCK_quota, q, "cap"))
			check_types(s, q, "cap", &q->cap, r);
		if (!settings_broken(s, BLOCK_quota, q, "reserve"))
			check_types(s, q, "reserve", &q->reserve, r);
		if (!settings_broken(s, BLOCK_quota, q, "limit") &&
		    !settings_broken(s, BLOCK_quota, q, "cap") &&
		    !settings_broken(s, BLOCK_quota, q, "reserve"))
			check_sums(s, q, r);
		if (!settings_broken(s, BLOCK_quota, q, "window"))
			check_window(s, q, r);
		if (!settings_broken(s, BLOCK_quota, q, "ramp"))
			check_ramp(s, q, r);
	}
}

static void
check_start(const struct settings *s, const struct quota_settings *q,
	    const char *zone, struct report *r)
{
	int64_t us;

	for (size_t i = 0; i < q->ramp.n; i++) {
		const struct list_of *v = &q->ramp.item[i];

		if (strcmp(v->name, "start") == 0 && v->value.n == 1 &&
		    !zone_date(zone, v->value.item[0], &us))
			error_at(r, here(s, q, "ramp"),
				 "ramp: start: '%.100s' is no date; write one "
				 "as 2026-11-01",
				 v->value.item[0]);
	}
}

void
settings_quotas_zones(const struct settings *s, struct report *r)
{
	static const char hint[] =
	    "tzdata has no such zone; write one as Europe/Berlin or Etc/UTC";
	const struct conf_node *n = settings_node(s, BLOCK_global, s, "zone");
	const char *zone = s->zone;

	if (n != NULL && !n->broken && !zone_known(zone)) {
		report_error(r, n->file, n->line, "zone: '%.100s': %s", zone,
			     hint);
		zone = "Etc/UTC";
	}
	for (size_t i = 0; i < s->nquotas; i++) {
		const struct quota_settings *q = &s->quotas[i];

		if (*q->zone != '\0' && !zone_known(q->zone))
			error_at(r, here(s, q, "zone"), "zone: '%.100s': %s",
				 q->zone, hint);
		else if (!settings_broken(s, BLOCK_quota, q, "ramp"))
			check_start(s, q, *q->zone ? q->zone : zone, r);
	}
}
