#include "admin/explain_print.h"

#include "admin/explain_after.h"
#include "admin/explain_way.h"
#include "admin/show.h"
#include "daemon/log.h"

enum { TO_SHOWN = 5 };

/*	name, kind */
#define STEP_SHOWN(F)                                                          \
	F(relay, TEXT)                                                         \
	F(state, TEXT)                                                         \
	F(why, TEXT)                                                           \
	F(opens_at, TIME)                                                      \
	F(by_trigger, FLAG)
#define HOST_SHOWN(F)                                                          \
	F(host, TEXT)                                                          \
	F(secure, FLAG)                                                        \
	F(tlsa, TEXT)                                                          \
	F(used, FLAG)                                                          \
	F(policy, TEXT)
#define EXPLAIN_SHOWN(F)                                                       \
	F(queue_id, TEXT)                                                      \
	F(sender, TEXT)                                                        \
	F(author, TEXT)                                                        \
	F(recipients, WORDS)                                                   \
	F(state, TEXT)                                                         \
	F(type, TEXT)                                                          \
	F(rule, TEXT)                                                          \
	F(source, TEXT)                                                        \
	F(route, TEXT)                                                         \
	F(route_why, TEXT)                                                     \
	F(moved, FLAG)                                                         \
	F(choice, TEXT)                                                        \
	F(relay, TEXT)                                                         \
	F(next, TIME)                                                          \
	F(expires, TIME)                                                       \
	F(verdict, TEXT)                                                       \
	F(security, TEXT)                                                      \
	F(return_path, TEXT)                                                   \
	F(in_doubt, TEXT)                                                      \
	F(suppressed, TEXT)                                                    \
	F(lookup, TEXT)                                                        \
	F(hosts, ROWS)                                                         \
	F(steps, ROWS)
#define F(name, kind) STEP_AT_##name,
enum { STEP_SHOWN(F) STEP_AT_COUNT };
#undef F
#define F(name, kind) HOST_AT_##name,
enum { HOST_SHOWN(F) HOST_AT_COUNT };
#undef F
#define F(name, kind) AT_##name,
enum { EXPLAIN_SHOWN(F) AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field step_fields[] = {STEP_SHOWN(F)};
static const struct show_field host_fields[] = {HOST_SHOWN(F)};
static const struct show_field explain_fields_shown[] = {EXPLAIN_SHOWN(F)};
#undef F

static struct show_value
known(int64_t us)
{
	return us != INT64_MAX ? show_time(us) : show_none();
}

static struct show_value
filled(struct text t)
{
	return t.n > 0 ? show_text(t) : show_none();
}

static void
fill_steps(const struct settings *s, const struct explained *x,
	   struct show_value *step)
{
	for (size_t i = 0; i < x->chosen.nsteps; i++) {
		const struct choose_step *c = &x->chosen.step[i];
		struct show_value *o = &step[i * STEP_AT_COUNT];

		o[STEP_AT_relay] = show_word(s->relays[c->relay].title);
		o[STEP_AT_state] = show_word(relay_shut_word(c->now.shut));
		o[STEP_AT_why] = show_word(x->step_words[i].text);
		if (c->now.shut != SHUT_NOT)
			o[STEP_AT_opens_at] = known(c->now.opens_us);
		o[STEP_AT_by_trigger] = show_flag(c->by_trigger);
	}
}

static void
fill_hosts(const struct explain_way_found *f, struct show_value *host)
{
	for (size_t i = 0; i < f->n; i++) {
		struct show_value *v = &host[i * HOST_AT_COUNT];

		v[HOST_AT_host] = show_word(f->host[i].name);
		v[HOST_AT_secure] = show_flag(f->host[i].secure);
		v[HOST_AT_tlsa] = show_word(tlsa_word(f->host[i].tlsa));
		v[HOST_AT_used] = show_flag(f->host[i].used);
		v[HOST_AT_policy] = show_word(f->host[i].policy.text);
	}
}

static void
fill_after(const struct settings *s, const struct explain_group *g,
	   const struct explained *x, struct explain_after *after,
	   struct show_value *v)
{
	explain_after(s, explained_relay(s, x), &g->mail.ask, g->assumed,
		      after);
	if (after->sender.n > 0)
		v[AT_return_path] = show_word(after->sender.text);
	v[AT_in_doubt] = show_word(after->doubt.text);
	if (g->suppressed.n > 0)
		v[AT_suppressed] = show_word(g->suppressed.text);
}

static void
print_json(const struct settings *s, const struct explain_group *g,
	   const struct explained *x)
{
	struct show_value step[(ROUTING_VIA + 1) * STEP_AT_COUNT] = {{0}};
	struct show_rows steps = {step_fields, STEP_AT_COUNT, step,
				  x->chosen.nsteps};
	const struct explain_mail *m = &g->mail;
	struct show_value host[WAY_HOSTS_MOST * HOST_AT_COUNT] = {{0}};
	struct show_rows hosts = {host_fields, HOST_AT_COUNT, host, 0};
	const struct relay_settings *relay = explained_relay(s, x);
	struct sentence way = {.n = 0};
	struct explain_after after;
	struct show_value v[AT_COUNT] = {{0}};

	fill_steps(s, x, step);
	if (relay != NULL) {
		explain_way(relay, &way);
		v[AT_security] = show_word(way.text);
	}
	if (g->found != NULL) {
		fill_hosts(g->found, host);
		hosts.nrows = g->found->n;
		v[AT_hosts] = show_rows(&hosts);
		if (g->found->n == 0)
			v[AT_lookup] = show_word(g->found->trouble.text);
	}
	fill_after(s, g, x, &after, v);
	if (m->queued) {
		v[AT_queue_id] = show_word(m->id);
		v[AT_state] = show_word(recipient_state_word(m->state));
		v[AT_moved] = show_flag(m->moved);
		v[AT_expires] = known(x->expires_us);
	}
	if (!g->assumed)
		v[AT_sender] = show_text(m->ask.sender);
	v[AT_author] = filled(m->ask.author);
	v[AT_recipients] = show_words(g->to, g->nto);
	v[AT_type] = show_word(s->types[m->ask.type].title);
	v[AT_rule] = show_word(g->rule);
	v[AT_source] = filled(m->ask.source);
	v[AT_route] = show_word(x->route != NULL ? x->route->title : NULL);
	v[AT_route_why] = show_word(x->route_words.text);
	v[AT_choice] = show_word(choice_word(x->chosen.choice));
	if (x->chosen.choice == CHOICE_GO)
		v[AT_relay] = show_word(s->relays[x->chosen.relay].title);
	v[AT_next] = known(x->next_us);
	v[AT_verdict] = show_word(x->verdict.text);
	v[AT_steps] = show_rows(&steps);
	show_json(stdout, explain_fields_shown, AT_COUNT, v);
}

static void
print_to(const struct explain_group *g)
{
	char to[ADDRESS_MOST * 3 + 1];

	printf("%-10s ", "To");
	for (size_t i = 0; i < g->nto && i < TO_SHOWN; i++)
		printf("%s%s", i ? ", " : "",
		       log_safe(g->to[i].p, g->to[i].n, to, sizeof to));
	if (g->nto > TO_SHOWN)
		printf(" and %zu more that are alike", g->nto - TO_SHOWN);
	printf("\n");
}

static void
print_assumed(const struct explain_mail *m)
{
	char from[ADDRESS_MOST * 3 + 1];

	printf("%-10s none was given: judged as from <%s>; --from '' is the "
	       "null sender\n",
	       "From",
	       log_safe(m->ask.sender.p, m->ask.sender.n, from, sizeof from));
}

static void
print_found(const struct explain_way_found *f)
{
	if (f->n == 0)
		printf("%-10s %s\n", "DNS", f->trouble.text);
	for (size_t i = 0; i < f->n; i++) {
		const struct explain_way_host *h = &f->host[i];

		printf("%-10s %s: %s, TLSA %s%s%s: %s\n", i == 0 ? "DNS" : "",
		       h->name, h->secure ? "secure" : "insecure",
		       tlsa_word(h->tlsa), h->tlsa_why[0] != '\0' ? ", " : "",
		       h->tlsa_why, h->policy.text);
	}
	if (f->left_out > 0)
		printf("%-10s and %zu more addresses\n", "", f->left_out);
}

static void
print_way(const struct settings *s, const struct explain_group *g,
	  const struct explained *x)
{
	const struct relay_settings *relay = explained_relay(s, x);
	struct sentence way = {.n = 0};

	if (relay == NULL)
		return;
	explain_way(relay, &way);
	printf("%-10s %s: %s\n", "Security", relay->title, way.text);
	if (g->found != NULL)
		print_found(g->found);
}

static void
print_after(const struct settings *s, const struct explain_group *g,
	    const struct explained *x)
{
	struct explain_after after;

	explain_after(s, explained_relay(s, x), &g->mail.ask, g->assumed,
		      &after);
	if (after.sender.n > 0)
		printf("%-10s %s\n", "Sender", after.sender.text);
	printf("%-10s %s\n", "In doubt", after.doubt.text);
	if (g->suppressed.n > 0)
		printf("%-10s %s: it gets no mail\n", "But",
		       g->suppressed.text);
}

static void
print_text(const struct settings *s, const struct explain_group *g,
	   const struct explained *x)
{
	const struct explain_mail *m = &g->mail;

	if (g->assumed)
		print_assumed(m);
	print_to(g);
	if (m->queued)
		printf("%-10s %s\n", "State", recipient_state_word(m->state));
	printf("%-10s %s: %s\n", "Type", s->types[m->ask.type].title, g->rule);
	printf("%-10s %s%s%s\n", "Route",
	       x->route != NULL ? x->route->title : "",
	       x->route != NULL ? ": " : "", x->route_words.text);
	if (m->moved)
		printf("%-10s another configuration sorted it; what follows "
		       "holds once mtqd has read the present one\n",
		       "");
	for (size_t i = 0; i < x->chosen.nsteps; i++) {
		const struct choose_step *p = &x->chosen.step[i];

		printf("%-10s %zu. %s%s: %s, %s\n", i == 0 ? "Relays" : "",
		       i + 1, s->relays[p->relay].title,
		       p->by_trigger ? " (by the route's trigger)" : "",
		       relay_shut_word(p->now.shut), x->step_words[i].text);
	}
	print_way(s, g, x);
	print_after(s, g, x);
	printf("%-10s it %s\n", "So", x->verdict.text);
}

void
explain_print(const struct command *c, const struct explain_group *g,
	      const struct explained *x)
{
	if (c->json)
		print_json(c->settings, g, x);
	else
		print_text(c->settings, g, x);
}
