/* mtq dkim: the keys that sign mail, what is to be published for them, and
 * whether the DNS has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/show.h"
#include "daemon/base64.h"
#include "daemon/pkey.h"
#include "daemon/secret.h"
#include "daemon/settings_dkim.h"
#include "daemon/validator.h"
#include "daemon/zone.h"
#include "queue/dkim_key.h"

enum {
	DNS_MS = 10 * 1000, /* one key's answer */
	RECORDS_MOST = 10,
	WORDS = 200,
};

/*	name, heading, kind */
#define DKIM_SHOWN(F)                                                          \
	F(name, "DKIM", TEXT)                                                  \
	F(domain, "DOMAIN", TEXT)                                              \
	F(selector, "SELECTOR", TEXT)                                          \
	F(key, "KEY", TEXT)                                                    \
	F(state, "STATE", TEXT)                                                \
	F(published, "PUBLISHED", TEXT)
#define DKIM_RECORD(F)                                                         \
	F(at, "AT", TEXT)                                                      \
	F(record, "TXT", TEXT)
#define F(name, heading, kind) AT_##name,
enum { DKIM_SHOWN(F) DKIM_RECORD(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field table[] = {DKIM_SHOWN(F)};
static const struct show_field card[] = {DKIM_SHOWN(F) DKIM_RECORD(F)};
#undef F

/* --- the DNS ---------------------------------------------------------------- */

struct ask {
	struct loop *loop;
	struct query query;
	struct timer timer;
	struct text wanted; /* p= as we would publish it */
	bool answered;
	char words[WORDS];
};

/* Does the record have this key?  Blanks in p= mean nothing (RFC 6376 3.6.1). */
static bool
has_key(struct text record, struct text wanted)
{
	const char *p = record.p, *end = record.p + record.n;
	size_t n = 0;

	while (p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		const char *next = stop != NULL ? stop : end;

		while (p < next && strchr(" \t\r\n", *p) != NULL)
			p++;
		if (next - p > 2 && p[0] == 'p' && p[1] == '=') {
			for (p += 2; p < next; p++) {
				if (strchr(" \t\r\n", *p) != NULL)
					continue;
				if (n == wanted.n || *p != wanted.p[n++])
					return false;
			}
			return n == wanted.n;
		}
		p = stop != NULL ? stop + 1 : end;
	}
	return false;
}

static void
answered(struct query *q, const struct answer *a)
{
	struct ask *x = container_of(q, struct ask, query);
	struct bytes record = {0};
	bool found = false;

	x->answered = true;
	for (size_t i = 0; i < a->n && i < RECORDS_MOST && !found; i++) {
		record.n = 0;
		found = dkim_key_join((const unsigned char *)a->data[i],
				      (size_t)a->size[i], &record) &&
			has_key((struct text){(char *)record.data, record.n},
				x->wanted);
	}
	if (a->failed)
		snprintf(x->words, sizeof x->words, "not known: %s", a->why);
	else if (a->n == 0)
		snprintf(x->words, sizeof x->words, "no");
	else if (!found)
		snprintf(x->words, sizeof x->words, "no, another record");
	else if (a->n > 1)
		snprintf(x->words, sizeof x->words, "yes, but not alone");
	else
		snprintf(x->words, sizeof x->words, "yes");
	bytes_free(&record);
	loop_stop(x->loop);
}

static void
too_late(struct timer *t)
{
	loop_stop(container_of(t, struct ask, timer)->loop);
}

/* One question, waited for.  Loop and validator stay until the process ends. */
static void
ask(struct ask *x, struct validator *v, const char *name)
{
	snprintf(x->words, sizeof x->words, "not known: no answer in %d s",
		 DNS_MS / 1000);
	x->answered = false;
	x->query = (struct query){
	    .answered = answered, .name = name, .type = RECORD_TXT};
	timer_start(&x->timer, DNS_MS);
	validator_ask(v, &x->query);
	if (!x->answered)
		loop_run(x->loop);
	validator_cancel(&x->query);
	timer_stop(&x->timer);
}

/* --- the keys --------------------------------------------------------------- */

static struct pkey *
load(const struct dkim_settings *d, struct err *e)
{
	struct bytes pem = {0};
	struct pkey *k = NULL;

	if (secret_fetch(d->key, true, &pem, e))
		k = pkey_private(pem.data, pem.n, e);
	if (pem.data != NULL)
		secret_wipe(pem.data, pem.room);
	bytes_free(&pem);
	return k;
}

static int64_t
moment(const struct settings *s, const char *date, int64_t otherwise)
{
	int64_t us;

	return *date != '\0' && zone_date(s->zone, date, &us) ? us : otherwise;
}

static void
state_of(const struct command *c, const struct settings *s,
	 const struct dkim_settings *d, char out[WORDS])
{
	if (moment(s, d->from, INT64_MIN) > c->now_us)
		snprintf(out, WORDS, "from %.10s", d->from);
	else if (moment(s, d->until, INT64_MAX) <= c->now_us)
		snprintf(out, WORDS, "over since %.10s", d->until);
	else if (*d->until != '\0')
		snprintf(out, WORDS, "until %.10s", d->until);
	else
		snprintf(out, WORDS, "signs");
}

/* A row of the table, or a card; false: the key is not published, or nobody
 * knows. */
static bool
show_one(struct command *c, const struct settings *s,
	 const struct dkim_settings *d, struct show *rows, struct ask *x,
	 struct validator *v)
{
	const char *domain = settings_dkim_domain(d), *kind = "ed25519";
	char *at = must_printf("%s._domainkey.%s", d->selector, domain);
	struct show_value value[AT_COUNT] = {[AT_name] = show_word(d->title),
					     [AT_domain] = show_word(domain),
					     [AT_selector] =
						 show_word(d->selector),
					     [AT_at] = show_word(at)};
	struct bytes public = {0}, p = {0}, record = {0};
	char key[WORDS], state[WORDS];
	struct err e;
	struct pkey *k = load(d, &e);

	if (k != NULL && pkey_published(k, &public)) {
		if (pkey_kind(k) == PKEY_RSA)
			kind = "rsa";
		base64_add(&p, public.data, public.n);
		bytes_printf(&record, "v=DKIM1; k=%s; p=", kind);
		bytes_add(&record, p.data, p.n);
		snprintf(key, sizeof key, "%s %u", kind, pkey_bits(k));
		x->wanted = (struct text){(char *)p.data, p.n};
		ask(x, v, at);
		value[AT_record] =
		    show_text((struct text){(char *)record.data, record.n});
	} else {
		snprintf(key, sizeof key, "unusable: %.180s",
			 k == NULL ? e.text : "no public half");
		snprintf(x->words, sizeof x->words, "not known");
	}
	state_of(c, s, d, state);
	value[AT_key] = show_word(key);
	value[AT_state] = show_word(state);
	value[AT_published] = show_word(x->words);
	if (rows != NULL)
		show_row(rows, value);
	else if (c->json)
		show_json(stdout, card, countof(card), value);
	else
		show_card(stdout, card, countof(card), value, c->now_us);
	free(at);
	pkey_free(k);
	bytes_free(&public);
	bytes_free(&p);
	bytes_free(&record);
	return strcmp(x->words, "yes") == 0;
}

int
cmd_dkim(struct command *c)
{
	static struct ask x;
	const struct settings *s = command_settings(c);
	struct validator *v;
	struct show *rows = NULL;
	bool found = false, good = true;

	if (s == NULL)
		return EXIT_CONFIG;
	if (c->argc > 1)
		return command_usage(c, NULL);
	x.loop = loop_open();
	timer_open(x.loop, &x.timer, too_late);
	v = validator_open(x.loop, &s->dns);
	if (c->argc == 0 && !c->json)
		rows =
		    show_open(stdout, false, table, countof(table), c->now_us);
	for (size_t i = 0; i < s->ndkims; i++) {
		const struct dkim_settings *d = &s->dkims[i];

		if (c->argc == 1 && strcmp(c->argv[0], d->title) != 0)
			continue;
		found = true;
		good &= show_one(c, s, d, rows, &x, v);
	}
	if (rows != NULL)
		show_close(rows);
	if (!found && c->argc == 1)
		return command_say(c, EXIT_NO, "there is no dkim %.64s",
				   c->argv[0]);
	return good ? 0 : EXIT_NO;
}
