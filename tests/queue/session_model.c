/*
 * The session against a naive one (session_naive.h).  A seed makes what a
 * client might do, good and bad, cut wherever TCP may cut it; after each step
 * both must have said the same, and what is offered for the commit must be the
 * octets of the naive one's message.
 *
 * A session that goes wrong is run again with steps left out, as long as it
 * still goes wrong; the steps that are left are printed.
 *
 *	MODEL_STEPS	steps in all; default 1,000,000
 *	MODEL_SEED	default 1
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/queue/session_pair.h"
#include "tests/queue/session_steps.h"

static struct settings *settings[2];

/* The octets of DATA: dots doubled where a line begins with one. */
static void
stuff(const unsigned char *p, size_t n, struct bytes *out)
{
	for (size_t i = 0; i < n; i++) {
		bool begins =
		    i == 0 || (i >= 2 && p[i - 1] == '\n' && p[i - 2] == '\r');

		if (begins && p[i] == '.')
			bytes_add(out, ".", 1);
		bytes_add(out, p + i, 1);
	}
	bytes_add(out, ".\r\n", 3);
}

static void
do_lines(const struct doing *d)
{
	const unsigned char *p = d->octets, *end = p + d->n;
	/* Cut anywhere only where that can't change what is meant. */
	bool loose =
	    d->kind == DO_LINE || (!d->whole && model->hello == NAIVE_EHLO);

	feed_cut(p, d->n, loose ? d->cuts : 0);
	while (p < end && !model->closed) {
		const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)(lf - p);

		must(lf != NULL);
		if (n > 0 && lf[-1] == '\r')
			naive_command(model, p, n - 1, !loose && lf + 1 < end);
		else
			naive_close(model, "521 5.5.2");
		naive_rest(model);
		p = lf + 1;
	}
}

static void
do_data(const struct doing *d)
{
	static const char noop[] = "NOOP\r\n";
	struct bytes wire = {0};

	stuff(d->octets, d->n, &wire);
	if (d->whole) /* a command behind the message, in the same packet */
		bytes_add_text(&wire, noop);
	feed_cut(wire.data, wire.n, d->cuts);
	bytes_free(&wire);
	naive_data(model, d->octets, d->n);
	naive_rest(model);
	if (d->whole && !model->closed) {
		naive_command(model, (const unsigned char *)noop, 4, false);
		naive_rest(model);
	}
}

static void
do_bdat(const struct doing *d)
{
	struct bytes wire = {0};

	bytes_printf(&wire, "BDAT %u%s\r\n", d->n, d->last ? " LAST" : "");
	if (model->hello != NAIVE_EHLO) { /* no groups then */
		feed(wire.data, wire.n);
		wire.n = 0;
	}
	bytes_add(&wire, d->octets, d->n);
	feed_cut(wire.data, wire.n, d->cuts);
	bytes_free(&wire);
	naive_bdat(model, d->octets, d->n, d->last);
	naive_rest(model);
}

/* What the client says, one line to each 334, and what must come of it. */
static const struct {
	const char *name;
	const char *line[3];
	const char *reply;
	bool failure;
} auths[] = {
    {"right",
     {"AUTH PLAIN AGFwcABzZWNvbmQgcGFzc3dvcmQ=", NULL, NULL},
     "235 2.7.0",
     false},
    {"wrong",
     {"auth plain AGFwcABubyBwYXNzd29yZA==", NULL, NULL},
     "535 5.7.8",
     true},
    {"nobody",
     {"AUTH PLAIN AG5vYm9keQBzZWNvbmQgcGFzc3dvcmQ=", NULL, NULL},
     "535 5.7.8",
     true},
    {"over",
     {"AUTH PLAIN AG9sZABvdmVyIGFuZCBvdXQ=", NULL, NULL},
     "535 5.7.8",
     true},
    {"given up", {"AUTH PLAIN", "*", NULL}, "501 5.7.0", true},
    {"no base64", {"AUTH PLAIN !!!", NULL, NULL}, "501 5.5.2", false},
    {"empty", {"AUTH PLAIN =", NULL, NULL}, "501 5.5.2", false},
    {"not offered", {"AUTH CRAM-MD5", NULL, NULL}, "504 5.5.4", false},
    {"which one", {"AUTH", NULL, NULL}, "501 5.5.4", false},
    {"LOGIN",
     {"AUTH LOGIN", "YXBw", "c2Vjb25kIHBhc3N3b3Jk"},
     "235 2.7.0",
     false},
    {"LOGIN, wrong", {"AUTH LOGIN", "YXBw", "d2hhdA=="}, "535 5.7.8", true},
    {"no base64 later", {"AUTH LOGIN", "YXBw", "!"}, "501 5.5.2", false},
};

static void
do_auth(const struct doing *d)
{
	const unsigned i = d->value % countof(auths);

	for (unsigned k = 0;
	     k < countof(auths[i].line) && auths[i].line[k] != NULL; k++) {
		struct bytes line = {0};

		/* The next one only when it was asked for. */
		if (k > 0 && !pair_asks())
			break;
		bytes_printf(&line, "%s\r\n", auths[i].line[k]);
		feed_cut(line.data, line.n, d->cuts);
		bytes_free(&line);
	}
	naive_auth(model, auths[i].reply, auths[i].failure);
	naive_rest(model);
}

static void
do_other(const struct doing *d)
{
	switch (d->kind) {
	case DO_LINE:
	case DO_GROUP:
	case DO_DATA:
	case DO_BDAT:
		break;
	case DO_AUTH:
		if (!model->data)
			do_auth(d);
		break;
	case DO_TIMEOUT:
		session_timeout(pair.session);
		feed("", 0);
		naive_close(model, "421 4.4.2");
		break;
	case DO_STOP:
		session_stop(pair.session);
		feed("", 0);
		model->stopping = true;
		naive_rest(model);
		break;
	case DO_RELOAD:
		if (model->bdat) /* which limit then holds is not told */
			break;
		session_reconfigure(pair.session, settings[d->value % 2],
				    &settings[d->value % 2]->listens[0]);
		model->accounts = d->value % 2 == 0;
		model->limits = &settings[d->value % 2]->listens[0];
		break;
	case DO_ROOM:
		pair.room = model->room = (enum session_room)(d->value % 4);
		break;
	case DO_COMMIT:
		pair.commit = model->commit = d->value % 3 == 0   ? ERR_FULL
					      : d->value % 3 == 1 ? ERR_STORE
								  : ERR_NONE;
		break;
	case DO_CHUNK:
		model->chunk = d->value % 3 == 0   ? ERR_FULL
			       : d->value % 3 == 1 ? ERR_STORE
						   : ERR_NONE;
		break;
	case DO_CERTIFICATE:
		model->tls_ready = d->value % 2 == 0;
		session_offer_tls(pair.session, model->tls_ready);
		break;
	}
}

static bool
do_one(const struct doing *d)
{
	const bool octets =
	    d->kind == DO_LINE || d->kind == DO_GROUP || d->kind == DO_BDAT;

	if (model->data ? octets : d->kind == DO_DATA)
		return true; /* it would mean something else */
	if (octets && d->kind == DO_GROUP && !d->whole &&
	    model->hello != NAIVE_EHLO)
		return true;
	if (d->kind == DO_LINE || d->kind == DO_GROUP)
		do_lines(d);
	else if (d->kind == DO_DATA)
		do_data(d);
	else if (d->kind == DO_BDAT)
		do_bdat(d);
	else
		do_other(d);
	return compare();
}

/* True when both agree to the end. */
static bool
run(const struct doings *all)
{
	struct session_config c = {.settings = settings[0],
				   .listen = &settings[0]->listens[0],
				   .client = "192.0.2.7"};
	static const unsigned char peer[16] = {
	    [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7};

	memcpy(c.peer, peer, sizeof peer);
	memset(model, 0, offsetof(struct naive, body));
	model->limits = c.listen;
	model->accounts = true;
	pair.fault[0] = '\0';
	pair.closed = false;
	pair.stored = pair.steps = 0;
	pair.room = SESSION_ROOM;
	pair.commit = ERR_NONE;
	pair.id = 4 * (uint64_t)PAIR_NOW;
	pair.heard.n = pair.rest.n = pair.out.n = pair.body.n = 0;
	pair.session = session_open(&c, &pair.out);
	naive_expect(model, "220");
	feed("", 0);
	if (compare())
		for (; pair.steps < all->n && !model->closed; pair.steps++)
			if (!do_one(&all->one[pair.steps]))
				break;
	if (pair.fault[0] == '\0' && pair.closed && pair.stored > 0)
		fault("closed", "chunks were left behind");
	session_free(pair.session);
	return pair.fault[0] == '\0';
}

/* Steps are left out as long as what is left still goes wrong. */
static void
shrink(struct doings *all)
{
	bool less = true;

	while (less) {
		less = false;
		for (unsigned i = all->n; i-- > 0;) {
			struct doing gone = all->one[i];

			memmove(all->one + i, all->one + i + 1,
				(all->n - i - 1) * sizeof gone);
			all->n--;
			if (!run(all)) {
				less = true;
				continue;
			}
			memmove(all->one + i + 1, all->one + i,
				(all->n - i) * sizeof gone);
			all->one[i] = gone;
			all->n++;
		}
	}
}

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *p = getenv(name);

	return p != NULL ? strtoull(p, NULL, 10) : otherwise;
}

static void
both_say_the_same(void **state)
{
	const uint64_t seed = number_of("MODEL_SEED", 1);
	const uint64_t most = number_of("MODEL_STEPS", 1000000);
	static struct doings all;
	uint64_t steps = 0, sessions = 0, messages = 0;

	(void)state;
	model = must_alloc(sizeof *model);
	for (; steps < most; sessions++) {
		doings_make(&all, seed + sessions);
		if (run(&all)) {
			steps += pair.steps;
			messages += model->messages;
			continue;
		}
		shrink(&all);
		(void)run(&all);
		doings_print(&all);
		fail_msg("seed %llu: %s", (unsigned long long)(seed + sessions),
			 pair.fault);
	}
	printf("%llu steps, %llu sessions, %llu messages, %llu in TLS, %llu "
	       "authenticated, %llu looked at, %llu abandoned\n",
	       (unsigned long long)steps, (unsigned long long)sessions,
	       (unsigned long long)messages, (unsigned long long)pair.secured,
	       (unsigned long long)pair.authenticated,
	       (unsigned long long)pair.verified,
	       (unsigned long long)pair.abandoned);
	assert_true(messages > steps / 100 && pair.secured > sessions / 100);
	assert_true(pair.authenticated > 0 && pair.verified > 0 &&
		    pair.abandoned > 0);
	free(model);
}

#define REST                                                                   \
	"instance=a hostname=mtq.example\n"                                    \
	"tls c {cert=\"file:/c\" key=\"file:/k\"}\n"                           \
	"source s {from_ip=192.0.2.0/24 dkim=log}\nrelay r {host=c.d}\n"       \
	"classify {priority=1 by_header=X-Type}\n"

static int
begin(void **state)
{
	static const char *const text[2] = {
	    "accounts=\"file:/a\"\n" REST
	    "listen l {address=127.0.0.1:1 max_message_size=200kb\n"
	    " max_recipients=100 max_received=3 max_errors=8\n"
	    " max_idle_commands=20 tls=optional}\n",
	    REST "listen l {address=127.0.0.1:1 max_message_size=4kb\n"
		 " max_recipients=100 max_received=1 max_errors=2\n"
		 " max_idle_commands=10 max_line=2000 tls=required}\n"};

	(void)state;
	pair.accounts = account_box_accounts(ACCOUNT_ROUNDS_LEAST);
	for (int i = 0; i < 2; i++) {
		struct bytes report = {0};

		settings[i] =
		    settings_parse("t", text[i], strlen(text[i]), &report);
		if (settings[i] == NULL)
			fprintf(stderr, "%.*s", (int)report.n,
				(char *)report.data);
		bytes_free(&report);
		if (settings[i] == NULL)
			return 1;
	}
	return 0;
}

static int
end(void **state)
{
	(void)state;
	settings_free(settings[0]);
	settings_free(settings[1]);
	accounts_free(pair.accounts);
	bytes_free(&pair.out);
	bytes_free(&pair.rest);
	bytes_free(&pair.heard);
	bytes_free(&pair.body);
	bytes_free(&pair.offered);
	bytes_free(&pair.envelope);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(both_say_the_same, begin, end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
