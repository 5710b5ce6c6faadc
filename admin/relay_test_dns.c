#include "admin/relay_test_dns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/relay_test_step.h"
#include "daemon/now.h"
#include "queue/address.h"

enum { TLSA_TEXT = 200 };

/*	name, kind */
#define TARGET_SHOWN(F)                                                        \
	F(host, TEXT)                                                          \
	F(address, TEXT)                                                       \
	F(secure, FLAG)                                                        \
	F(tlsa, TEXT)                                                          \
	F(tlsa_why, TEXT)                                                      \
	F(tlsa_base, TEXT)                                                     \
	F(tlsa_records, WORDS)
#define DNS_SHOWN(F)                                                           \
	F(asked, TEXT)                                                         \
	F(status, TEXT)                                                        \
	F(ttl_s, COUNT)                                                        \
	F(alias, FLAG)                                                         \
	F(targets, ROWS)
#define F(name, kind) TARGET_AT_##name,
enum { TARGET_SHOWN(F) TARGET_AT_COUNT };
#undef F
#define F(name, kind) AT_##name,
enum { DNS_SHOWN(F) AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field target_fields[] = {TARGET_SHOWN(F)};
static const struct show_field dns_fields[] = {DNS_SHOWN(F)};
#undef F

/* What is shown of one target, and the memory of its texts. */
struct shown {
	struct show_value value[TARGET_AT_COUNT];
	char record[TLSA_MOST][TLSA_TEXT];
	struct text records[TLSA_MOST];
};

/* --- the lookup ----------------------------------------------------------- */

static void
on_done(struct lookup *l)
{
	struct relay_test_dns *d = container_of(l, struct relay_test_dns, l);

	d->done = true;
	loop_stop(d->loop);
}

static void
on_gone(struct lookup *l)
{
	struct relay_test_dns *d = container_of(l, struct relay_test_dns, l);

	d->gone = true;
	loop_stop(d->loop);
}

void
relay_test_dns_open(struct relay_test_dns *d, const struct settings *s)
{
	*d = (struct relay_test_dns){.gone = true};
	d->loop = loop_open();
	d->resolver = resolver_open(d->loop, &s->dns);
}

void
relay_test_dns_close(struct relay_test_dns *d)
{
	if (d->gone)
		return;
	resolve_drop(&d->l, on_gone);
	while (!d->gone)
		loop_run(d->loop);
}

void
relay_test_dns_ask(struct relay_test_dns *d, const struct settings *s,
		   const struct relay_settings *r, const char *domain,
		   bool strict_cname)
{
	const int64_t began_us = now_steady_us();
	const bool direct = r->deliver == DELIVER_MX;
	const struct question q = {.host = direct ? domain : r->host,
				   .port = (uint16_t)r->port,
				   .how = direct ? LOOKUP_AUTO : r->lookup,
				   .tlsa = true,
				   .direct = direct,
				   .allow_private = r->allow_private,
				   .strict_cname = strict_cname,
				   .hostname = s->hostname};

	relay_test_dns_close(d);
	memset(&d->l, 0, sizeof d->l);
	d->l.done = on_done;
	d->done = d->gone = false;
	resolve_start(d->resolver, &d->l, &q);
	while (!d->done)
		loop_run(d->loop);
	d->us = now_steady_us() - began_us;
}

bool
relay_test_dns_domain(const char *address, char out[256])
{
	struct address a;
	const char *why;

	if (!address_parse(address, strlen(address), true, &a, &why) ||
	    a.domain.n > 255)
		return false;
	for (size_t i = 0; i < a.domain.n; i++)
		out[i] = (char)tolower((unsigned char)a.domain.p[i]);
	out[a.domain.n] = '\0';
	return true;
}

/* --- the step ------------------------------------------------------------- */

static void
tell_target(const struct target *g, struct bytes *more)
{
	const struct tlsa_set *set = g->tlsa;
	char record[TLSA_TEXT];

	bytes_printf(more, "%s [%s]: %s", g->host, g->text,
		     g->secure ? "secure" : "insecure");
	if (set == NULL || set->state == TLSA_NONE)
		bytes_printf(more, ", no TLSA record counts\n");
	else
		bytes_printf(more, ", TLSA %s%s%s%s%s\n", tlsa_word(set->state),
			     set->base[0] != '\0' ? " of " : "", set->base,
			     set->why[0] != '\0' ? ": " : "", set->why);
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		tlsa_print(&set->rr[i], record, sizeof record);
		bytes_printf(more, "  TLSA %s\n", record);
	}
}

static void
fill_target(const struct target *g, struct shown *x)
{
	const struct tlsa_set *set = g->tlsa;

	x->value[TARGET_AT_host] = show_word(g->host);
	x->value[TARGET_AT_address] = show_word(g->text);
	x->value[TARGET_AT_secure] = show_flag(g->secure);
	x->value[TARGET_AT_tlsa] =
	    show_word(tlsa_word(set != NULL ? set->state : TLSA_NONE));
	if (set == NULL)
		return;
	if (set->why[0] != '\0')
		x->value[TARGET_AT_tlsa_why] = show_word(set->why);
	if (set->base[0] != '\0')
		x->value[TARGET_AT_tlsa_base] = show_word(set->base);
	for (size_t i = 0; i < set->n; i++) {
		tlsa_print(&set->rr[i], x->record[i], sizeof x->record[i]);
		x->records[i] = text_of(x->record[i]);
	}
	x->value[TARGET_AT_tlsa_records] = show_words(x->records, set->n);
}

static void
print_json(const struct relay_test_dns *d, struct relay_test_step *step,
	   const char *asked, const char *status, bool alias)
{
	const struct lookup *l = &d->l;
	struct shown *x = must_alloc((l->n + 1) * sizeof *x);
	struct show_value *rows =
	    must_alloc((l->n + 1) * TARGET_AT_COUNT * sizeof *rows);
	struct show_rows targets = {target_fields, TARGET_AT_COUNT, rows, l->n};
	struct show_value v[AT_COUNT] = {{0}};

	for (size_t i = 0; i < l->n; i++) {
		fill_target(&l->target[i], &x[i]);
		memcpy(&rows[i * TARGET_AT_COUNT], x[i].value,
		       sizeof x[i].value);
	}
	v[AT_asked] = show_word(asked);
	v[AT_status] = show_word(status);
	v[AT_ttl_s] = show_count(l->ttl_s);
	v[AT_alias] = show_flag(alias);
	v[AT_targets] = show_rows(&targets);
	step->field = dns_fields;
	step->value = v;
	step->n = AT_COUNT;
	relay_test_step(true, step);
	free(rows);
	free(x);
}

/* Asked once more with aliases refused: what was found before and is not found
 * now stood behind one.  The answers are in libunbound's cache. */
static bool
is_alias(struct relay_test_dns *d, const struct settings *s,
	 const struct relay_settings *r, const char *domain)
{
	struct relay_test_dns strict;
	bool alias;

	if (r->strict_cname || d->l.n == 0)
		return false;
	strict = (struct relay_test_dns){
	    .loop = d->loop, .resolver = d->resolver, .gone = true};
	relay_test_dns_ask(&strict, s, r, domain, true);
	alias = strict.l.n < d->l.n;
	relay_test_dns_close(&strict);
	return alias;
}

bool
relay_test_dns(struct relay_test_dns *d, bool json, const struct settings *s,
	       const struct relay_settings *r, const char *domain,
	       struct sentence *why)
{
	const char *asked = r->deliver == DELIVER_MX ? domain : r->host;
	struct relay_test_step step = {.name = "dns", .how = STEP_OK};
	struct verdict v = {.status = ""};
	bool alias;

	relay_test_dns_ask(d, s, r, domain, r->strict_cname);
	alias = is_alias(d, s, r, domain);
	step.us = d->us;
	if (d->l.n == 0) {
		v = verdict_of(d->l.status, STAGE_LOOKUP, d->l.detail);
		step.how = STEP_NOT;
		sentence_add(why, "%s %s", v.status, v.reply);
		sentence_add(&step.said, "%s: %s", asked, why->text);
	} else {
		sentence_add(&step.said, "%s: %zu address%s to try, for %us",
			     asked, d->l.n, d->l.n == 1 ? "" : "es",
			     (unsigned)d->l.ttl_s);
	}
	for (size_t i = 0; i < d->l.n; i++)
		tell_target(&d->l.target[i], &step.more);
	if (alias)
		bytes_printf(&step.more,
			     "a name on the way is an alias (CNAME): some CRMs "
			     "refuse that; strict_cname = yes does too\n");
	if (json)
		print_json(d, &step, asked, d->l.n == 0 ? v.status : NULL,
			   alias);
	else
		relay_test_step(false, &step);
	return d->l.n > 0;
}
