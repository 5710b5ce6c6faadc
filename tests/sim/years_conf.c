/* years_conf - see tests/sim/years.h. */
#include <time.h>

#include "daemon/log.h"
#include "tests/sim/years.h"

const char *const years_type[TYPES] = {"individual", "workflow", "mass"};

static int64_t
some_limit(const struct cap *q)
{
	int64_t n = 3 + (int64_t)chance(30);

	if (chance(40) == 0)
		n = 0;
	if (q->window == WINDOW_MONTH)
		n *= 15;
	if (q->unit == UNIT_BYTES)
		n *= BODY_MOST / 2;
	return n;
}

/* Caps, reserves and what else hangs on the limit. */
static void
some_parts(struct cap *q)
{
	bool rolling = q->window == WINDOW_ROLLING;
	int64_t left = q->limit / 2;

	q->release_percent = (int64_t)chance(101);
	for (unsigned t = 0; t < TYPES; t++) {
		q->cap[t] = NO_CAP;
		q->reserve[t] = 0;
		if (chance(4) == 0)
			q->cap[t] = q->limit * (int64_t)(chance(4) + 1) / 4;
		if (chance(4) == 0 && q->cap[t] == NO_CAP && !rolling) {
			q->reserve[t] = left * (int64_t)chance(4) / 4;
			left -= q->reserve[t];
		}
	}
	q->spread = !rolling && chance(6) == 0;
	q->ramp_days = 0;
	if (!rolling && chance(6) == 0) {
		q->ramp_days = 2 + (int64_t)chance(20);
		q->ramp_from = (int64_t)chance((uint64_t)q->limit + 1);
		q->ramp_start_us = y.begun_us + (int64_t)chance(20) * DAY_US;
	}
}

static void
some_cap(struct cap *q)
{
	uint64_t w = chance(10);

	*q = (struct cap){.there = true};
	q->window = w < 6 ? WINDOW_DAY : w < 7 ? WINDOW_MONTH : WINDOW_ROLLING;
	w = chance(6);
	q->unit = w < 4 ? UNIT_RECIPIENTS : w < 5 ? UNIT_MESSAGES : UNIT_BYTES;
	q->zone = y.zone[chance(ZONES_A_WORLD)];
	q->period_us =
	    (int64_t)(chance(3) == 0 ? 24 * 60 : 1 + chance(600)) * MINUTE_US;
	q->limit = some_limit(q);
	some_parts(q);
}

static void
some_quotas(struct exit_ *r)
{
	r->nquotas = chance(ON_A_RELAY + 1);
	for (size_t i = 0; i < r->nquotas; i++) {
		size_t q = 0;
		bool twice = true;

		while (twice) {
			q = chance(QUOTAS);
			twice = false;
			for (size_t k = 0; k < i; k++)
				twice |= r->quota[k] == q;
		}
		r->quota[i] = q;
	}
}

static void
some_rate(struct exit_ *r)
{
	static const int64_t window[] = {SECOND_US, MINUTE_US, HOUR_US};
	size_t w = chance(3);

	r->rate = 0;
	if (chance(3) != 0)
		return;
	r->rate_window_us = window[w];
	r->rate = 1 + (unsigned)chance(w == 2 ? 40 : 10);
}

static void
some_path(struct path *p)
{
	p->exhausted =
	    (enum otherwise[]){WAIT, TO_CRM, BOUNCE, WAIT}[chance(4)];
	p->unreachable =
	    (enum otherwise[]){GO_ON, GO_ON, WAIT, TO_CRM}[chance(4)];
	p->bounced |= p->exhausted == BOUNCE;
	for (unsigned t = 0; t < TYPES; t++) {
		p->nvia[t] = 1 + chance(VIA);
		for (size_t i = 0; i < p->nvia[t]; i++) {
			bool twice = true;

			while (twice) {
				p->via[t][i] = 1 + chance(RELAYS - 1);
				twice = false;
				for (size_t k = 0; k < i; k++)
					twice |= p->via[t][k] == p->via[t][i];
			}
		}
	}
}

void
years_design(void)
{
	for (size_t i = 0; i < QUOTAS; i++)
		some_cap(&y.cap[i]);
	for (size_t i = 0; i < RELAYS; i++) {
		struct exit_ *r = &y.relay[i];

		*r = (struct exit_){.there = i < RELAYS_AT_ONCE, .crm = i == 0};
		r->mx = !r->crm && chance(3) == 0;
		r->connections = 1 + (uint32_t)chance(8);
		r->rcpts = 1 + (uint32_t)chance(3);
		some_rate(r);
		some_quotas(r);
	}
	for (size_t i = 0; i < ROUTES; i++)
		some_path(&y.path[i]);
	for (unsigned t = 0; t < TYPES; t++)
		y.weight[t] = 1 + (unsigned)chance(9);
}

/* A relay goes and another comes; none but the CRM's stays for good. */
static void
swap_relays(void)
{
	size_t gone = 1 + chance(RELAYS - 1), come = 1 + chance(RELAYS - 1);

	if (!y.relay[gone].there || y.relay[come].there)
		return;
	y.relay[gone].there = false;
	y.relay[come].there = true;
	if (chance(2) == 0) { /* renamed */
		y.relay[come].nquotas = y.relay[gone].nquotas;
		memcpy(y.relay[come].quota, y.relay[gone].quota,
		       sizeof y.relay[come].quota);
		for (size_t i = 0; i < ROUTES * TYPES * VIA; i++) {
			struct path *p = &y.path[i / TYPES / VIA];
			size_t *v = &p->via[i / VIA % TYPES][i % VIA];

			*v = *v == gone ? come : *v == come ? gone : *v;
		}
	}
}

void
years_redesign(void)
{
	struct cap *q = &y.cap[chance(QUOTAS)];
	struct exit_ *r = &y.relay[chance(RELAYS)];

	switch (chance(10)) {
	case 0:
	case 1:
	case 2:
		q->limit = some_limit(q);
		some_parts(q);
		break;
	case 3:
		some_parts(q);
		break;
	case 4:
		some_quotas(r);
		break;
	case 5:
		some_rate(r);
		break;
	case 6:
		swap_relays();
		break;
	case 7:
		some_path(&y.path[chance(ROUTES)]);
		break;
	case 8:
		q->zone = y.zone[chance(ZONES_A_WORLD)];
		break;
	case 9:
		r->mx = !r->mx && !r->crm;
		break;
	}
	years_configure();
	y.reloads++;
}

static void
print_counts(struct bytes *b, const char *key, const int64_t v[TYPES],
	     int64_t none)
{
	bool any = false;

	for (unsigned t = 0; t < TYPES; t++) {
		if (v[t] == none)
			continue;
		bytes_printf(b, "%s%s = %" PRId64, any ? "\n" : key,
			     years_type[t], v[t]);
		any = true;
	}
	if (any)
		bytes_add_text(b, " }\n");
}

static void
print_cap(struct bytes *b, size_t i)
{
	static const char *const unit[] = {"recipients", "messages", "bytes"};
	static const char *const window[] = {"day", "month", "rolling"};
	const struct cap *q = &y.cap[i];
	time_t start = (time_t)(q->ramp_start_us / SECOND_US);
	char date[16];
	struct tm tm;

	bytes_printf(b,
		     "quota \"q%zu\" { limit = %" PRId64 "\nunit = %s\n"
		     "window = %s\n",
		     i, q->limit, unit[q->unit], window[q->window]);
	if (q->window == WINDOW_ROLLING)
		bytes_printf(b, "period = %" PRId64 "min\n",
			     q->period_us / MINUTE_US);
	else
		bytes_printf(b, "zone = \"%s\"\nrelease = %" PRId64 "%%\n",
			     years_zone_name(q->zone), q->release_percent);
	print_counts(b, "cap { ", q->cap, NO_CAP);
	print_counts(b, "reserve { ", q->reserve, 0);
	if (q->spread)
		bytes_add_text(b, "spread = yes\n");
	must(gmtime_r(&start, &tm) != NULL);
	must(strftime(date, sizeof date, "%Y-%m-%d", &tm) == 10);
	if (q->ramp_days != 0)
		bytes_printf(b,
			     "ramp { from = %" PRId64 "\nto = %" PRId64
			     "\nover = %" PRId64 "d\nstart = %s }\n",
			     q->ramp_from, q->limit, q->ramp_days, date);
	bytes_add_text(b, "}\n");
}

static void
print_relay(struct bytes *b, size_t i)
{
	const struct exit_ *r = &y.relay[i];

	if (!r->there)
		return;
	bytes_printf(b,
		     "relay \"r%zu\" { %s\nconnections = %u\n"
		     "recipients_per_message = %u\n%s"
		     "quota_replies = [\"554 *daily cap*\", "
		     "\"454 *daily cap*\"]\n",
		     i, r->mx ? "deliver = mx" : "host = 127.0.0.1",
		     r->connections, r->rcpts, r->crm ? "role = crm\n" : "");
	if (r->rate != 0)
		bytes_printf(b, "rate = %u/%s\n", r->rate,
			     r->rate_window_us == SECOND_US   ? "s"
			     : r->rate_window_us == MINUTE_US ? "min"
							      : "h");
	for (size_t k = 0; k < r->nquotas; k++)
		bytes_printf(b, "%sq%zu%s", k == 0 ? "quota = [" : ", ",
			     r->quota[k], k + 1 == r->nquotas ? "]\n" : "");
	bytes_add_text(b, "}\n");
}

static void
print_path(struct bytes *b, size_t i)
{
	static const char *const word[] = {"next", "wait", "bounce", "crm"};
	const struct path *p = &y.path[i];

	bytes_printf(b,
		     "route \"p%zu\" { priority = %zu\n"
		     "from = d%zu.example\non_exhausted = %s\n"
		     "on_unreachable = %s\nvia {",
		     i, i + 1, i, word[p->exhausted], word[p->unreachable]);
	for (unsigned t = 0; t < TYPES; t++) {
		size_t n = 0;

		bytes_printf(b, "\n%s = [", years_type[t]);
		for (size_t k = 0; k < p->nvia[t]; k++)
			if (y.relay[p->via[t][k]].there)
				bytes_printf(b, "%sr%zu", n++ ? ", " : "",
					     p->via[t][k]);
		bytes_printf(b, "%s]", n == 0 ? "r0" : "");
	}
	bytes_add_text(b, "}\n}\n");
}

/* What is written is what holds: the dispatcher gets it as a reload would. */
void
years_configure(void)
{
	struct bytes b = {0}, report = {0};
	struct settings *old = y.settings;
	struct err e;

	bytes_add_text(&b, "instance = years\nhostname = years.example.com\n"
			   "state_dir = /nowhere\nno_match = r0\n"
			   "bounce { enabled = no\nkeep_failed = 365d }\n"
			   "listen l { address = \"127.0.0.1:1\" }\n"
			   "source s { from_ip = 127.0.0.0/8 }\n"
			   "retry normal { intervals = [1min, 20min, 2h]\n"
			   "lifetime = 4d }\n");
	for (unsigned t = 0; t < TYPES; t++)
		bytes_printf(&b, "type \"%s\" { weight = %u }\n", years_type[t],
			     y.weight[t]);
	for (size_t i = 0; i < QUOTAS; i++)
		print_cap(&b, i);
	for (size_t i = 0; i < RELAYS; i++)
		print_relay(&b, i);
	for (size_t i = 0; i < ROUTES; i++)
		print_path(&b, i);
	y.settings = settings_parse("years.conf", (char *)b.data, b.n, &report);
	CHECK(y.settings != NULL, "%.*s\n%.*s", (int)report.n,
	      (char *)report.data, (int)b.n, (char *)b.data);
	CHECK(y.dispatch == NULL ||
		  dispatch_configure(y.dispatch, y.settings, y.now_us, &e),
	      "%s", e.text);
	settings_free(old);
	bytes_free(&b);
	bytes_free(&report);
}
