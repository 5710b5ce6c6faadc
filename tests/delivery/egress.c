/* What a relay's connections share: CAs once for all relays, a credential that
 * is tried once, and never one that was replaced. */
#include "tests/delivery/certs.h"
#include "tests/delivery/place.h"

#include <netinet/in.h>

#include "delivery/egress.h"

static char empty[] = "", host[] = "127.0.0.1", user[] = "user",
	    password[] = "password", token[] = "token", file[] = "file:/x",
	    command[] = "cmd:/x", file2[] = "file:/y";

struct world {
	struct place place; /* first */
	struct egress *g[2];
	struct relay_settings s;
	struct list_of auth[3];
	struct secrets *secrets;
	struct target target;
	struct verdict v;
	unsigned asked; /* for a fresh token */
};

static void
done(struct connection *c, struct task *t)
{
	(void)c;
	(void)t;
}

static void
quiet(struct connection *c)
{
	(void)c;
}

static void
refused(struct connection *c, struct task *t, const struct verdict *v)
{
	(void)c;
	(void)t;
	(void)v;
}

static void
gone(struct connection *c)
{
	struct world *w = c->user;

	egress_gone(w->g[c->credential], c);
	w->place.over = w->g[0]->nopen + w->g[1]->nopen == 0;
}

static const struct connection_ops ops = {done, quiet, quiet, refused, gone};

static void
fresh_token(void *arg, const char *relay)
{
	struct world *w = arg;

	(void)relay;
	w->asked++;
}

static void
open_world(struct world *w, const char *first, char *const *second)
{
	static char *users[] = {user}, *files[] = {file, file2},
		    *commands[] = {command};
	struct sockaddr_in *sa = (void *)&w->target.sa;

	*w = (struct world){.asked = 0};
	place_open(&w->place, NO_PERMIT, 300);
	w->target = (struct target){
	    .host = "127.0.0.1", .text = "127.0.0.1", .len = sizeof *sa};
	sa->sin_family = AF_INET;
	sa->sin_port = htons(1); /* nobody listens */
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->s = (struct relay_settings){.title = host,
				       .deliver = DELIVER_SMTP,
				       .host = host,
				       .port = 1,
				       .tls = TLS_REQUIRED_VERIFY,
				       .dane = DANE_NO,
				       .tls_name = empty,
				       .ca_file = empty,
				       .client_cert = empty,
				       .client_key = empty,
				       .connections_per_host = 100,
				       .auth = {w->auth, first ? 2 : 0},
				       .connect_timeout_us = SECOND_US};
	w->auth[0] = (struct list_of){user, {users, 1}};
	w->auth[1] = (struct list_of){
	    first == token ? token : password,
	    {first == token ? commands : files, second != NULL ? 2 : 1}};
	w->secrets = secrets_open();
	for (size_t i = 0; i < 2; i++) {
		const char *name = i == 0 ? "a" : "b";

		secrets_put(w->secrets, name, "token", "t0ken", 5);
		secrets_put(w->secrets, name, "password", "one", 3);
		secrets_put(w->secrets, name, "password2", "two", 3);
		w->g[i] = egress_open(&w->place.outlet, name);
		w->g[i]->fresh_token = fresh_token;
		w->g[i]->arg = w;
		w->g[i]->share = 5;
		(void)egress_configure(w->g[i], &w->s, w->secrets);
	}
}

static bool
connect_now(struct world *w, size_t i, int64_t steady_us)
{
	struct connection *c = NULL;

	if (!egress_connect(w->g[i], &w->target, "", false, &ops, w,
			    w->place.task, steady_us, &c, &w->v))
		return false;
	c->credential = (unsigned)i; /* `gone` finds it by that */
	return true;
}

static void
close_world(struct world *w)
{
	if (w->g[0]->nopen + w->g[1]->nopen > 0)
		place_run(&w->place);
	for (size_t i = 0; i < 2; i++) {
		(void)egress_configure(w->g[i], NULL, NULL);
		assert_int_equal(w->g[i]->nopen, 0);
		assert_null(w->g[i]->open);
		free(w->g[i]);
	}
	assert_null(w->place.outlet.trusted);
	secrets_free(w->secrets);
	place_close(&w->place);
}

/* They are 4 MB. */
static void
relays_share_their_cas(void **state)
{
	struct world w;
	char root[96];
	const struct trusted *first;

	(void)state;
	snprintf(root, sizeof root, "%s/root.crt", certs_dir);
	open_world(&w, NULL, NULL);
	w.s.ca_file = root;
	assert_true(connect_now(&w, 0, 1));
	first = w.place.outlet.trusted;
	assert_non_null(first);
	/* The second relay's first job. */
	free(w.g[1]);
	w.g[1] = egress_open(&w.place.outlet, "b");
	w.g[1]->share = 5;
	(void)egress_configure(w.g[1], &w.s, w.secrets);
	assert_true(connect_now(&w, 1, 1));
	assert_ptr_equal(w.place.outlet.trusted, first);
	/* A reload reads the file again, also if nothing has changed in ours. */
	assert_false(egress_configure(w.g[0], &w.s, w.secrets));
	assert_false(egress_configure(w.g[1], &w.s, w.secrets));
	assert_true(connect_now(&w, 0, 1));
	assert_ptr_not_equal(w.place.outlet.trusted, first);
	first = w.place.outlet.trusted;
	assert_true(connect_now(&w, 1, 1));
	assert_ptr_equal(w.place.outlet.trusted, first);
	close_world(&w);
}

static struct verdict
said_535(void)
{
	struct verdict v = verdict_of(STATUS_AUTH_FAILED, STAGE_AUTH, NULL);

	v.code = 535;
	return v;
}

static void
a_refused_token_waits_for_another(void **state)
{
	struct verdict v = said_535();
	struct world w;

	(void)state;
	open_world(&w, token, NULL);
	w.s.tls = TLS_OFF;
	w.s.insecure_auth = true;
	assert_true(connect_now(&w, 0, SECOND_US));
	assert_false(egress_refused(w.g[0], 0, &v, 2 * SECOND_US));
	assert_int_equal(v.code, 0); /* not the relay's last word */
	assert_int_equal(w.asked, 1);
	/* Not again, until there is another. */
	assert_false(connect_now(&w, 0, 30 * SECOND_US));
	assert_string_equal(w.v.status, "4.7.8");
	egress_secrets(w.g[0], w.secrets);
	assert_true(connect_now(&w, 0, 31 * SECOND_US));
	assert_false(egress_refused(w.g[0], 0, &v, 32 * SECOND_US));
	assert_int_equal(w.asked, 2);
	/* None came: then the relay says so itself. */
	assert_true(connect_now(&w, 0, 100 * SECOND_US));
	v = said_535();
	assert_false(egress_refused(w.g[0], 0, &v, 101 * SECOND_US));
	assert_int_equal(v.code, 535);
	close_world(&w);
}

static void
each_password_once(void **state)
{
	struct verdict v = said_535();
	char *second[] = {file2};
	struct world w;
	unsigned era;

	(void)state;
	open_world(&w, password, second);
	assert_int_equal(w.g[0]->credential, 0);
	assert_true(egress_refused(w.g[0], 0, &v, 1));
	assert_int_equal(w.g[0]->credential, 1);
	assert_false(egress_refused(w.g[0], 1, &v, 2));
	assert_int_equal(v.code, 535);
	/* New values: from the first one on, and unproven. */
	egress_proved(w.g[0]);
	era = w.g[0]->era;
	egress_secrets(w.g[0], w.secrets);
	assert_int_not_equal(w.g[0]->era, era);
	assert_int_equal(w.g[0]->credential, 0);
	assert_false(w.g[0]->proven);
	close_world(&w);
}

/* Until it was taken, one connection at a time. */
static void
room(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, password, NULL);
	w.s.tls = TLS_OFF;
	w.s.insecure_auth = true;
	assert_true(egress_has_room(w.g[0]));
	assert_true(connect_now(&w, 0, 1));
	assert_false(egress_has_room(w.g[0]));
	assert_true(egress_has_room(w.g[1]));
	egress_proved(w.g[0]);
	assert_true(egress_has_room(w.g[0]));
	w.g[0]->share = 1;
	assert_false(egress_has_room(w.g[0]));
	close_world(&w);
}

static void
room_of_a_host(void **state)
{
	struct target other;
	struct world w;

	(void)state;
	open_world(&w, NULL, NULL);
	w.s.tls = TLS_OFF;
	w.s.deliver = DELIVER_MX;
	w.s.connections_per_host = 2;
	other = w.target;
	snprintf(other.host, sizeof other.host, "other");
	assert_true(egress_host_has_room(w.g[0], &w.target));
	assert_true(connect_now(&w, 0, 1));
	assert_true(connect_now(&w, 0, 1));
	assert_false(egress_host_has_room(w.g[0], &w.target));
	assert_true(egress_host_has_room(w.g[0], &other));
	assert_true(egress_host_has_room(w.g[1], &w.target));
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(relays_share_their_cas),
	    cmocka_unit_test(a_refused_token_waits_for_another),
	    cmocka_unit_test(each_password_once),
	    cmocka_unit_test(room),
	    cmocka_unit_test(room_of_a_host),
	};

	return cmocka_run_group_tests(tests, certs_begin, certs_end);
}
