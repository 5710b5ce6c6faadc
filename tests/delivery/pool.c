/* A relay's jobs and what its hosts do: every job gets exactly one verdict in
 * bounded time, no more connections than allowed, nothing in clear or with a
 * credential that was not meant.  The resolver is a table, the steady clock may
 * run fast. */
#include "tests/delivery/place.h"

#include <time.h>

#include "delivery/pool.h"
#include "tests/delivery/hosts.h"

enum { POOLS_MOST = 3, SMALL = 300 };

/* --- the clock -------------------------------------------------------------- */

static int64_t speed = 1;

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	must(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

int64_t
now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
now_steady_us(void)
{
	static int64_t began_us;

	if (began_us == 0)
		began_us = read_clock(CLOCK_BOOTTIME);
	return began_us + speed * (read_clock(CLOCK_BOOTTIME) - began_us);
}

void
now_rfc3339(int64_t us, char out[NOW_RFC3339_SIZE])
{
	snprintf(out, NOW_RFC3339_SIZE, "%lld", (long long)us);
}

void
now_rfc5322(int64_t us, char out[NOW_RFC5322_SIZE])
{
	snprintf(out, NOW_RFC5322_SIZE, "%lld", (long long)us);
}

/* --- the world -------------------------------------------------------------- */

enum auth { NO_AUTH, OLD_PASSWORD, OLD_THEN_NEW };

struct world;
struct row {
	const char *name;
	enum manner manner[HOSTS_MOST];
	size_t hosts;
	unsigned tasks;
	uint32_t share;
	/* what must come of it */
	unsigned sent;
	const char *status; /* of who was not sent; NULL: nobody */
	/* 0: the usual */
	enum tls_kind tls;
	enum auth auth;
	unsigned pools, retried, per_connection, per_host, connections;
	int64_t speed;
	uint32_t ttl_s;
	unsigned lookup_ms;
	int64_t timeout_s;
	void (*event)(struct world *w); /* each tick */
};

struct search {
	int unused;
};
struct world {
	struct place place; /* first */
	const struct row *row;
	struct mail_hosts hosts;
	struct relay_settings settings[2];
	struct list_of auth[3];
	char *text[3];
	struct secrets *secrets, *later;
	struct egress *egress;
	struct pool *pool[POOLS_MOST];
	struct timer answer;
	struct lookup *asked;
	char asked_host[64];
	unsigned lookups, given, done, sent, ticks, happened;
	char status[VERDICT_REPLY_MOST];
	bool closing, answering;
	uint32_t peak;
};
static struct world *the_world;

/* --- the resolver: host "relay" is everybody, "second" the second host ------ */

static void
add_target(struct world *w, struct lookup *l, size_t i)
{
	struct target *t = &l->target[l->n++];
	struct sockaddr_in *sa = (void *)&t->sa;

	*t = (struct target){.len = sizeof *sa};
	sa->sin_family = AF_INET;
	sa->sin_port = htons(w->hosts.port);
	must(inet_pton(AF_INET, w->hosts.host[i].address, &sa->sin_addr) == 1);
	snprintf(t->host, sizeof t->host, "host%zu", i);
	snprintf(t->text, sizeof t->text, "%s", w->hosts.host[i].address);
}

static void
answer(struct world *w)
{
	struct lookup *l = w->asked;
	const char *second = "second";

	w->asked = NULL;
	l->search = NULL;
	l->status = STATUS_DNS_FAILED;
	l->ttl_s = w->row->ttl_s > 0 ? w->row->ttl_s : 300;
	l->target = must_alloc(HOSTS_MOST * sizeof *l->target);
	for (size_t i = 0; i < w->hosts.n; i++)
		if (strcmp(w->asked_host, second) == 0
			? i == 1
			: strcmp(w->asked_host, "first") != 0 || i == 0)
			add_target(w, l, i);
	l->done(l);
}

static void
answer_later(struct timer *t)
{
	answer(container_of(t, struct world, answer));
}

void
resolve_start(struct resolver *r, struct lookup *l, const struct question *q)
{
	struct world *w = the_world;

	(void)r;
	must(w->asked == NULL && l->search == NULL);
	free(l->target);
	l->target = NULL;
	l->n = 0;
	l->search = (struct search *)w;
	w->asked = l;
	w->lookups++;
	snprintf(w->asked_host, sizeof w->asked_host, "%s", q->host);
	if (w->row->lookup_ms > 0)
		timer_start(&w->answer, w->row->lookup_ms);
	else
		answer(w);
}

void
resolve_drop(struct lookup *l, void (*gone)(struct lookup *l))
{
	free(l->target);
	*l = (struct lookup){.n = 0};
	if (gone != NULL)
		gone(l);
}

/* --- settings --------------------------------------------------------------- */

static void
set_auth(struct world *w, struct relay_settings *s, enum auth a)
{
	static char user[] = "user", password[] = "password",
		    file[] = "file:/x", file2[] = "file:/y";
	static char *users[] = {user}, *one[] = {file}, *two[] = {file, file2};

	if (a == NO_AUTH)
		return;
	w->auth[0] = (struct list_of){user, {users, 1}};
	w->auth[1] = (struct list_of){password, a == OLD_THEN_NEW
						    ? (struct texts){two, 2}
						    : (struct texts){one, 1}};
	s->auth = (struct lists){w->auth, 2};
	s->insecure_auth = true;
}

static void
set_up(struct world *w)
{
	static char empty[] = "", relay[] = "relay";
	const struct row *r = w->row;
	int64_t timeout_us = (r->timeout_s > 0 ? r->timeout_s : 5) * SECOND_US;
	struct relay_settings *s = &w->settings[0];

	*s = (struct relay_settings){
	    .title = relay,
	    .deliver = r->pools > 1 ? DELIVER_MX : DELIVER_SMTP,
	    .host = relay,
	    .port = w->hosts.port,
	    .tls = r->tls,
	    .dane = DANE_NO,
	    .tls_name = empty,
	    .ca_file = empty,
	    .client_cert = empty,
	    .client_key = empty,
	    .dir = empty,
	    .connections_per_host = r->per_host > 0 ? r->per_host : 100,
	    .messages_per_connection =
		r->per_connection > 0 ? r->per_connection : 100,
	    .connect_timeout_us = timeout_us,
	    .tls_timeout_us = timeout_us,
	    .command_timeout_us = timeout_us,
	    .data_timeout_us = timeout_us,
	    .idle_timeout_us = SECOND_US / 5};
	set_auth(w, s, r->auth);
	w->settings[1] = *s;
	w->secrets = secrets_open();
	secrets_put(w->secrets, relay, "password", "old", 3);
	secrets_put(w->secrets, relay, "password2", "new", 3);
	w->later = secrets_open();
	secrets_put(w->later, relay, "password", "new", 3);
}

/* --- tasks ------------------------------------------------------------------ */

static void
done(void *arg, struct task *t)
{
	struct world *w = arg;

	assert_true(t->judged[0]);
	w->done++;
	if (t->verdict[0].kind == VERDICT_SENT)
		w->sent++;
	else
		snprintf(w->status, sizeof w->status, "%s %.99s %.255s",
			 t->verdict[0].status, t->verdict[0].remote,
			 t->verdict[0].reply);
}

static const struct pool_ops ops = {.done = done};

static void
give(struct world *w)
{
	struct task *t = place_task(&w->place, SMALL);

	t->job.retried = w->given < w->row->retried;
	pool_add(w->pool[w->given++ % max_of(w->row->pools, 1U)], t,
		 now_steady_us());
}

static void
ticked(struct place *p)
{
	struct world *w = container_of(p, struct world, place);

	w->ticks++;
	w->peak = max_of(w->peak, w->egress->nopen);
	if (w->row->event != NULL)
		w->row->event(w);
	for (unsigned i = 0; i < max_of(w->row->pools, 1U); i++)
		pool_tick(w->pool[i], now_steady_us());
	pool_feed(w->egress, now_steady_us());
	if (w->done < w->row->tasks)
		return;
	if (!w->closing)
		for (unsigned i = 0; i < max_of(w->row->pools, 1U); i++)
			pool_stop(w->pool[i]);
	w->closing = true;
	if (w->egress->nopen == 0 && w->asked == NULL)
		p->over = true;
}

static void
open_world(struct world *w, const struct row *r)
{
	*w = (struct world){.row = r};
	the_world = w;
	speed = max_of(r->speed, (int64_t)1);
	hosts_open(&w->hosts, r->manner, r->hosts);
	place_open(&w->place, NO_PERMIT, SMALL);
	w->place.ticked = ticked;
	timer_open(w->place.loop, &w->answer, answer_later);
	set_up(w);
	w->egress = egress_open(&w->place.outlet, "relay");
	(void)egress_configure(w->egress, &w->settings[0], w->secrets);
	w->egress->share = r->share;
	for (unsigned i = 0; i < max_of(r->pools, 1U); i++) {
		char destination[16] = "";

		if (r->pools > 1)
			snprintf(destination, sizeof destination, "d%u", i);
		w->pool[i] = pool_open(w->egress, NULL, &ops, w, destination);
	}
	for (unsigned i = 0; i < r->tasks; i++)
		give(w);
}

static void
close_world(struct world *w)
{
	for (unsigned i = 0; i < max_of(w->row->pools, 1U); i++)
		pool_free(w->pool[i]);
	(void)egress_configure(w->egress, NULL, NULL);
	free(w->egress);
	timer_close(&w->answer, NULL);
	place_close(&w->place);
	hosts_close(&w->hosts);
	secrets_free(w->secrets);
	secrets_free(w->later);
}

/* --- what happens on the way ------------------------------------------------ */

static bool
once(struct world *w, unsigned tick)
{
	return w->ticks == tick && w->happened++ == 0;
}

/* The host is another one now, and so is the credential. */
static void
moves(struct world *w)
{
	static char second[] = "second";

	if (!once(w, 2))
		return;
	w->settings[1].host = second;
	pool_configured(w->pool[0],
			egress_configure(w->egress, &w->settings[1], w->later));
}

static void
share_none(struct world *w)
{
	if (!once(w, 2))
		return;
	w->egress->share = 0;
	pool_work(w->pool[0], now_steady_us());
}

static void
removed(struct world *w)
{
	if (once(w, 2))
		pool_configured(w->pool[0],
				egress_configure(w->egress, NULL, w->secrets));
}

static void
stops(struct world *w)
{
	if (once(w, 1))
		pool_stop(w->pool[0]);
}

/* Before anything could happen. */
static void
stops_soon(struct world *w)
{
	if (w->happened++ == 0)
		pool_stop(w->pool[0]);
}

/* New values come while the first connection waits for its greeting. */
static void
new_secrets(struct world *w)
{
	if (once(w, 2))
		egress_secrets(w->egress, w->later);
}

/* clang-format off */
static const struct row rows[] = {
	{"one host, one job", {UP}, 1, 1, 1, 1, NULL, .connections = 1},
	{"jobs share a connection", {UP}, 1, 12, 1, 12, NULL, .connections = 1},
	{"many connections", {UP}, 1, 200, 8, 200, NULL, .connections = 8},
	{"two messages a connection", {UP}, 1, 6, 1, 6, NULL, .per_connection = 2, .connections = 3},
	{"nobody listens", {GONE}, 1, 3, 2, 0, "4.4.1", .tls = TLS_OFF},
	{"421 as greeting", {BUSY}, 1, 3, 2, 0, "4.3.2", .tls = TLS_OFF},
	{"hangs up", {HANGS_UP}, 1, 3, 2, 0, "4.4.2", .tls = TLS_OFF},
	{"never says a word", {SILENT}, 1, 2, 1, 0, "4.4.2", .speed = 50},
	{"one octet now and then", {DRIPS}, 1, 1, 1, 0, "4.4.2", .speed = 50},
	{"the first host is down", {GONE, UP}, 2, 5, 2, 5, NULL, .tls = TLS_OFF},
	{"all but the last", {GONE, BUSY, HANGS_UP, GONE, UP}, 5, 5, 2, 5, NULL, .tls = TLS_OFF},
	{"all are down", {GONE, BUSY, GONE}, 3, 4, 2, 0, NULL, .tls = TLS_OFF},
	{"silent ones, slower than a rest", {SILENT, SILENT, SILENT, SILENT, UP}, 5, 3, 1, 3, NULL,
	    .speed = 500, .timeout_s = 100},
	{"silent ones, slower than the answer lives", {SILENT, SILENT, UP}, 3, 3, 1, 3, NULL,
	    .speed = 100, .timeout_s = 20, .ttl_s = 5},
	{"all silent, slower than all", {SILENT, SILENT, SILENT}, 3, 1, 1, 0, "4.4.2", .speed = 500,
	    .timeout_s = 150, .ttl_s = 5},
	{"one connection only, by the host", {FULL}, 1, 12, 4, 12, NULL, .tls = TLS_OFF},
	{"one message a connection, says the host", {ONE_ONLY}, 1, 6, 1, 6, NULL, .connections = 6},
	{"leaves after each message", {LEAVES}, 1, 6, 1, 6, NULL, .connections = 6},
	{"nobody answers QUIT", {MUTE_QUIT}, 1, 6, 1, 6, NULL, .per_connection = 1, .speed = 100,
	    .timeout_s = 600},
	{"too large for this server", {SMALL_SIZE}, 1, 60, 1, 0, "5.3.4", .tls = TLS_OFF},
	{"TLS is required and not offered", {UP}, 1, 2, 2, 0, "4.7.4", .tls = TLS_REQUIRED},
	{"TLS is required and broken", {TLS_BROKEN}, 1, 2, 2, 0, "4.7.5", .tls = TLS_REQUIRED},
	{"required and refused", {TLS_454}, 1, 2, 2, 0, "4.7.0", .tls = TLS_REQUIRED},
	{"the answer to STARTTLS comes before it", {TLS_EARLY}, 1, 1, 1, 0, "4.7.5",
	    .tls = TLS_REQUIRED},
	{"preferred, not offered", {UP}, 1, 2, 2, 2, NULL, .tls = TLS_PREFERRED},
	{"preferred and broken: new mail waits", {TLS_454}, 1, 3, 2, 0, "4.7.0",
	    .tls = TLS_PREFERRED},
	{"preferred and broken: the retried go", {TLS_454}, 1, 5, 2, 3, "4.7.0",
	    .tls = TLS_PREFERRED, .retried = 3},
	{"preferred, the next host has TLS in order", {TLS_454, UP}, 2, 4, 2, 4, NULL,
	    .tls = TLS_PREFERRED, .retried = 2},
	{"preferred-verify and broken: nobody goes", {TLS_454}, 1, 3, 2, 0, "4.7.0",
	    .tls = TLS_PREFERRED_VERIFY, .retried = 3},
	{"the password is right", {WANTS_OLD}, 1, 12, 4, 12, NULL, .auth = OLD_PASSWORD},
	{"the password is wrong", {WANTS_NEW}, 1, 12, 4, 0, "4.7.8", .auth = OLD_PASSWORD},
	{"the second password is right", {WANTS_NEW}, 1, 12, 4, 12, NULL, .auth = OLD_THEN_NEW},
	{"AUTH is put off", {AUTH_454}, 1, 3, 2, 0, "4.7.0", .auth = OLD_PASSWORD},
	{"AUTH is put off by one host", {AUTH_454, WANTS_OLD}, 2, 3, 2, 3, NULL,
	    .auth = OLD_PASSWORD},
	{"three domains, one connection", {UP}, 1, 30, 1, 30, NULL, .pools = 3},
	{"three domains, two to a host", {UP, UP}, 2, 30, 10, 30, NULL, .pools = 3, .per_host = 2},
	{"the share has gone", {SILENT}, 1, 5, 1, 0, "4.4.4", .event = share_none, .speed = 50},
	{"the relay has gone", {SILENT}, 1, 5, 1, 0, "4.4.4", .event = removed, .speed = 50},
	{"another host while the old is looked up", {WANTS_OLD, WANTS_NEW}, 2, 5, 2, 5, NULL,
	    .auth = OLD_PASSWORD, .lookup_ms = 30, .event = moves},
	{"another host while connected to the old", {SILENT, WANTS_NEW}, 2, 5, 2, 5, NULL,
	    .auth = OLD_PASSWORD, .event = moves, .speed = 50},
	{"stopped with jobs", {UP}, 1, 200, 1, 200, NULL, .connections = 1, .per_connection = 1000,
	    .event = stops_soon},
	{"stopped while looking up", {UP}, 1, 3, 1, 3, NULL, .lookup_ms = 30, .event = stops},
	{"the password changes during the set-up", {NEW_SLOWLY}, 1, 6, 3, 6, NULL,
	    .auth = OLD_PASSWORD, .event = new_secrets},
};
/* clang-format on */

static void
check(const struct world *w)
{
	const struct row *r = w->row;
	unsigned connections = 0, auths = 0, messages = 0;

	for (size_t i = 0; i < w->hosts.n; i++) {
		connections += w->hosts.host[i].connections;
		auths += w->hosts.host[i].auths;
		messages += w->hosts.host[i].messages;
		assert_int_equal(w->hosts.host[i].wrong, 0);
	}
	if (w->done != r->tasks || w->sent != r->sent || messages != r->sent)
		fail_msg("%s: %u of %u done, %u sent, %u seen: %s", r->name,
			 w->done, r->tasks, w->sent, messages, w->status);
	if (r->status != NULL &&
	    strncmp(w->status, r->status, strlen(r->status)) != 0)
		fail_msg("%s: %s", r->name, w->status);
	if (w->peak > max_of(r->share, 2U))
		fail_msg("%s: %u connections", r->name, w->peak);
	if (r->connections > 0 && connections != r->connections)
		fail_msg("%s: %u connections, not %u", r->name, connections,
			 r->connections);
	if (r->auth == OLD_PASSWORD && r->sent == 0 &&
	    r->manner[0] == WANTS_NEW && auths != 1)
		fail_msg("%s: %u times", r->name, auths);
	if (r->auth == OLD_THEN_NEW && auths > r->share + 2)
		fail_msg("%s: %u times", r->name, auths);
	if (r->event == moves && w->hosts.host[0].auths > 0)
		fail_msg("%s: the old host got a credential", r->name);
}

static void
each_job_ends(void **state)
{
	const char *only = getenv("ROW");
	static struct world w;

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		if (only != NULL && strstr(rows[i].name, only) == NULL)
			continue;
		open_world(&w, &rows[i]);
		place_run(&w.place);
		check(&w);
		close_world(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_job_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
