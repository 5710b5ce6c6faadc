/* mtq suppress list and export: straight from the database, in pages, each in a
 * short read transaction of its own. */
#include "admin/cmd_queue.h"
#include "admin/cmd_suppress.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PAGE = 100,   /* rows that are shown */
	LOOK = 20000, /* rows looked at in one transaction */
};

/*	name, heading, kind, cut */
#define SHOWN(F)                                                               \
	F(address, "ADDRESS", TEXT, 1)                                         \
	F(reason, "REASON", TEXT, 0)                                           \
	F(origin, "ORIGIN", TEXT, 0)                                           \
	F(since, "SINCE", TIME, 0)                                             \
	F(until, "UNTIL", TIME, 0)                                             \
	F(who, "WHO", TEXT, 0)                                                 \
	F(evidence, "EVIDENCE", TEXT, 1)
#define F(name, heading, kind, cut) AT_##name,
enum { SHOWN(F) AT_COUNT };
#undef F
static const struct show_field fields[AT_COUNT] = {
#define F(name, heading, kind, cut) {#name, heading, SHOW_##kind, cut},
    SHOWN(F)
#undef F
};

struct listing {
	struct command *c;
	const struct suppress_options *o;
	struct store *store;
	struct show *show; /* NULL: CSV */
	unsigned char from[SUPPRESS_KEY];
	size_t nfrom;
	unsigned char front[SUPPRESS_KEY]; /* of the keys of --domain */
	size_t nfront;
	bool skip; /* the row at `from` was seen */
	bool ended;
	struct bytes page; /* key, record; again and again */
	uint64_t shown;
};

static bool
is_wanted(const struct listing *l, const struct suppress_record *r)
{
	return !r->counting && !suppress_is_over(r, l->c->now_us) &&
	       (l->o->reason == NULL || text_is(r->reason, l->o->reason));
}

static bool
is_behind(const struct listing *l, const struct suppress_row *r)
{
	return r->nkey < l->nfront || memcmp(r->key, l->front, l->nfront) != 0;
}

static void
keep(struct bytes *page, const struct suppress_row *r)
{
	struct bytes b = {0};

	suppress_record_encode(&b, &r->record);
	bytes_text(page, r->key, r->nkey);
	bytes_text(page, (const char *)b.data, b.n);
	bytes_free(&b);
}

/* The next rows into l->page. */
static bool
read_page(struct listing *l, struct err *e)
{
	struct txn *t = store_begin(l->store, false, e);
	struct suppress_row r;
	unsigned n = 0;
	bool more;

	if (t == NULL)
		return false;
	l->page.n = 0;
	more = suppress_first(t, l->from, l->nfrom, &r, e);
	for (unsigned i = 0; more && i < LOOK && n < PAGE; i++) {
		bool again = l->skip && r.nkey == l->nfrom &&
			     memcmp(r.key, l->from, r.nkey) == 0;

		if (is_behind(l, &r))
			break;
		l->skip = true;
		l->nfrom = r.nkey;
		memcpy(l->from, r.key, r.nkey);
		if (!again && is_wanted(l, &r.record)) {
			keep(&l->page, &r);
			n++;
		}
		more = suppress_next(t, &r, e);
	}
	l->ended = !more || is_behind(l, &r);
	store_abort(t);
	return more || e->kind == ERR_NONE;
}

/* --- how a row looks --------------------------------------------------------
 */

/* RFC 4180; a cell never begins as a formula of a spreadsheet would. */
static void
print_quoted(struct text t, bool formula)
{
	bool quote = formula;

	for (size_t i = 0; i < t.n && !quote; i++)
		quote = strchr("\",\r\n", t.p[i]) != NULL;
	if (quote)
		putchar('"');
	if (formula)
		putchar('\'');
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '"')
			putchar('"');
		putchar(t.p[i]);
	}
	if (quote)
		putchar('"');
}

static void
print_cell(struct text t, bool last)
{
	print_quoted(t, suppress_form_formula(t, false));
	putchar(last ? '\n' : ',');
}

static void
print_time(uint64_t us)
{
	time_t s = (time_t)(us / (uint64_t)SECOND_US);
	char text[40] = "";
	struct tm tm;

	if (us != 0 && gmtime_r(&s, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	print_cell(text_of(text), false);
}

static void
print_csv(struct text address, const struct suppress_record *r)
{
	print_quoted(address, suppress_form_formula(address, true));
	putchar(',');
	print_cell(r->reason, false);
	print_cell(
	    text_of(suppress_origin_word((enum suppress_origin)r->origin)),
	    false);
	print_time(r->since_us);
	print_time(r->until_us);
	print_cell(r->who, false);
	print_cell(r->evidence, true);
}

static void
print_row(const struct listing *l, struct text address,
	  const struct suppress_record *r)
{
	struct show_value v[AT_COUNT] = {{0}};

	v[AT_address] = show_text(address);
	v[AT_reason] = show_text(r->reason);
	v[AT_origin] =
	    show_word(suppress_origin_word((enum suppress_origin)r->origin));
	v[AT_since] = show_time((int64_t)r->since_us);
	v[AT_until] =
	    r->until_us != 0 ? show_time((int64_t)r->until_us) : show_none();
	v[AT_who] = show_text(r->who);
	v[AT_evidence] = show_text(r->evidence);
	show_row(l->show, v);
}

/* The page's rows, up to the limit. */
static void
print_page(struct listing *l, uint64_t limit)
{
	struct reader r = reader_of(l->page.data, l->page.n);

	while (r.ok && r.p < r.end && l->shown < limit) {
		char address[SUPPRESS_ADDRESS + 1];
		struct suppress_record record;
		struct text key, value;

		must(wire_get_text(&r, &key, SUPPRESS_KEY) &&
		     wire_get_blob(&r, &value, UINT32_MAX) &&
		     suppress_record_decode(&record, value.p, value.n));
		l->shown++;
		if (!suppress_address(key.p, key.n, address))
			continue; /* mtq verify says so */
		if (l->show != NULL)
			print_row(l, text_of(address), &record);
		else
			print_csv(text_of(address), &record);
	}
	if (r.p < r.end)
		l->ended = true;
}

static bool
begin_at_domain(struct listing *l)
{
	char domain[SUPPRESS_ADDRESS + 1];

	if (l->o->domain == NULL)
		return true;
	snprintf(domain, sizeof domain, "@%.255s", l->o->domain);
	l->nfront = suppress_key(text_of(domain), l->front);
	l->nfrom = l->nfront;
	memcpy(l->from, l->front, l->nfront);
	return l->nfront > 0;
}

static int
run(struct command *c, const struct suppress_options *o, bool csv,
    uint64_t limit)
{
	struct listing l = {.c = c, .o = o};
	struct err e = {.kind = ERR_NONE};
	bool ok = true;
	int code;

	if (o->argc > 0)
		return command_usage(c, NULL);
	if (!begin_at_domain(&l))
		return command_say(c, EXIT_USAGE, "%.100s is no domain",
				   o->domain);
	l.store = queue_open(c, &code);
	if (l.store == NULL)
		return code;
	if (csv)
		puts("address,reason,origin,since,until,who,evidence");
	else
		l.show =
		    show_open(stdout, c->json, fields, AT_COUNT, c->now_us);
	while (ok && !l.ended && l.shown < limit && !ferror(stdout)) {
		ok = read_page(&l, &e);
		if (ok)
			print_page(&l, limit);
	}
	if (l.show != NULL)
		show_close(l.show);
	code = ok ? EXIT_DONE : command_fail(c, &e);
	if (ok && l.shown == limit)
		fprintf(stderr, "the first %llu (--limit 0 lists all)\n",
			(unsigned long long)limit);
	else if (ok && l.shown == 0 && !c->json && !csv)
		fprintf(stderr, "nothing is on the list%s\n",
			o->domain != NULL || o->reason != NULL ? " that matches"
							       : "");
	store_close(l.store);
	bytes_free(&l.page);
	return code;
}

int
suppress_list(struct command *c, const struct suppress_options *o)
{
	return run(c, o, false, o->limit == 0 ? UINT64_MAX : o->limit);
}

int
suppress_export(struct command *c, const struct suppress_options *o)
{
	if (o->form_given && o->form != SUPPRESS_FORM_csv &&
	    o->form != SUPPRESS_FORM_json)
		return command_say(c, EXIT_USAGE, "export writes csv or json");
	if (o->form == SUPPRESS_FORM_json)
		c->json = true;
	return run(c, o, !c->json, UINT64_MAX);
}
