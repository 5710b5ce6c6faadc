#include "tests/daemon/expect.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "tests/daemon/same.h"

static const char full[] =
    "instance = eu-1\nhostname = \"[IPv6:2001:db8::1]\"\n"
    "state_dir = /srv/mtq\nuser = mtq  no_match = crm  workers = 1\n"
    "queue { map_size = 3gb high_water = 70% min_free = 0mb }\n"
    "dns { forward = [127.0.0.1@5353, \"::1\"] }\n"
    "listen smtp { address = [\"0.0.0.0:25\", \"[::]:25\"]\n"
    "    max_message_size = 1kb max_recipients = 50k }\n"
    "listen inner { address = \"127.0.0.1:10025\" }\n"
    "source crm { from_ip = [192.0.2.0/24, 2001:db8::/32] }\n"
    "source own { from_ip = [::ffff:127.0.0.0/104] listener = inner }\n"
    "source near { from_ip = 192.0.2.128/25 }\n"
    "relay crm { host = crm.example port = 587 lookup = host }\n"
    "relay box { deliver = maildir dir = \"/srv/a b\" }\n"
    "retry normal { intervals = [90s, 1h] lifetime = 36h }\n";

/* Every key of types, rules, quotas, routes and expectations. */
static const char routed[] =
    "instance=a hostname=a.b zone=Asia/Kathmandu no_match=crm\n"
    "listen l { address = 127.0.0.1:1 }\n"
    "source s { from_ip = 192.0.2.0/24 }\n"
    "type mass { weight = 2 lifetime = 1d retry = slow }\n"
    "type other { }\n"
    "classify { priority = 1 by_header = X-T map { \"N L\" = mass } }\n"
    "classify { priority = 3 type = other }\n"
    "classify { priority = 2 type = mass source = s listener = [l]\n"
    "    header { List-Id = \"*\" Precedence = [bulk, 'a \"b'] }\n"
    "    sender = [x@a.b, *.c.d] larger_than = 3mb }\n"
    "quota day { limit = 5k unit = messages zone = Etc/UTC spread = yes\n"
    "    cap { mass = 4k } reserve { other = 300; mass = 0 }\n"
    "    release = 0% ramp { from = 5 to = 2k over = 9d start = 2026-1-1 } }\n"
    "quota roll { limit = 2G unit = bytes window = rolling period = 90min }\n"
    "relay out { host = b.c enabled = no quota = [day, roll] rate = 30/min\n"
    "    provider = ses quota_replies = [\"550 *a*\"] rate_replies = [] }\n"
    "relay crm { host = c.d role = crm rate = 1/h }\n"
    "route r { priority = 9 from = [*.a.b, a.b] to = x.y source = s\n"
    "    type = mass via { mass = [out, crm] } on_unreachable = bounce }\n"
    "route q { priority = 8 via = out enabled = no on_exhausted = crm }\n"
    "expect e { from = a@a.b to = b@x.y type = mass source = s\n"
    "    relay = out route = r }\n"
    "retry slow { jitter = 5% lifetime = 3h }\n";

static void
values(void **state)
{
	struct bytes report = {0};
	struct settings *s = parse(full, &report);

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->instance, "eu-1");
	assert_string_equal(s->control_path, "/srv/mtq/control.sock");
	assert_int_equal(s->workers, 1);
	assert_int_equal(s->watchdog_us, 10 * SECOND_US);
	assert_true(s->queue.map_size_bytes == UINT64_C(3) << 30);
	assert_int_equal(s->queue.high_water_percent, 70);
	assert_int_equal(s->queue.min_free_bytes, 0);
	assert_int_equal(s->dns.trust_anchor.n, 0);
	assert_int_equal(s->dns.forward.n, 2);
	assert_string_equal(s->dns.forward.item[0], "127.0.0.1@5353");
	assert_int_equal(s->nlistens, 2);
	assert_string_equal(s->listens[0].title, "smtp");
	assert_int_equal(s->listens[0].line, 7);
	assert_int_equal(s->listens[0].address.n, 2);
	assert_int_equal(s->listens[0].address.at[1].sa.ss_family, AF_INET6);
	assert_int_equal(s->listens[0].max_message_size_bytes, 1024);
	assert_int_equal(s->listens[0].max_recipients, 50000);
	assert_int_equal(s->listens[1].max_recipients, 1000);
	assert_int_equal(s->sources[1].from_ip.net[0].bits, 104);
	assert_ptr_equal(s->no_match_relay, &s->relays[0]);
	assert_ptr_equal(settings_relay(s, "box"), &s->relays[1]);
	assert_null(settings_relay(s, "none"));
	assert_int_equal(s->relays[0].lookup, LOOKUP_HOST);
	assert_int_equal(s->relays[1].deliver, DELIVER_MAILDIR);
	assert_string_equal(s->relays[1].dir, "/srv/a b");
	assert_ptr_equal(s->normal_retry, &s->retries[0]);
	assert_int_equal(s->normal_retry->intervals.n, 2);
	assert_int_equal(s->normal_retry->intervals.us[0], 90 * SECOND_US);
	assert_int_equal(s->normal_retry->lifetime_us, 36 * HOUR_US);
	settings_free(s);
	bytes_free(&report);
}

/* Without a retry block there is one, with the defaults. */
static void
defaults(void **state)
{
	struct bytes report = {0};
	struct settings *s = parse(GOOD, &report);

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->control_path, "/var/lib/mtq/control.sock");
	assert_int_equal(s->nretries, 1);
	assert_string_equal(s->normal_retry->title, "normal");
	assert_int_equal(s->normal_retry->line, 0);
	assert_int_equal(s->normal_retry->intervals.n, 6);
	assert_int_equal(s->normal_retry->intervals.us[5], 2 * HOUR_US);
	assert_ptr_equal(s->no_match_relay, s->relays);
	assert_int_equal(s->relays[0].port, 25);
	settings_free(s);
	bytes_free(&report);
}

/* True when the text is taken; then print(parse(print)) is the print. */
static bool
round_trip(const char *text, size_t n)
{
	struct bytes report = {0}, one = {0}, two = {0};
	struct settings *s = settings_parse("f", text, n, &report), *t = NULL;
	bool taken = s != NULL;

	if (taken) {
		settings_print(s, false, &one);
		t = settings_parse("g", (char *)one.data, one.n, &report);
		assert_non_null(t);
		check_same(s, t);
		settings_print(t, false, &two);
		assert_int_equal(one.n, two.n);
		assert_memory_equal(one.data, two.data, one.n);
	} else {
		assert_true(report.n > 0);
	}
	settings_free(s);
	settings_free(t);
	bytes_free(&report);
	bytes_free(&one);
	bytes_free(&two);
	return taken;
}

/* A file cut off in a line is refused: nothing is read from half of one. */
static void
check_prefixes(const char *text, size_t n)
{
	assert_true(round_trip(text, n));
	for (size_t i = 0; i < n; i++)
		if (round_trip(text, i)) /* blocks we can do without */
			assert_int_equal(text[i - 1], '\n');
}

static void
every_prefix(void **state)
{
	(void)state;
	check_prefixes(full, sizeof full - 1);
	check_prefixes(routed, sizeof routed - 1);
}

/* Any octet changed: refused with a message, or taken and printed exactly. */
static void
check_octets(const char *text, size_t n)
{
	static const char with[] = "\0\n #\"'{}[]=,;\\a1.:/\x80";
	char *copy = must_strdup(text);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < sizeof with - 1; j++) {
			copy[i] = with[j];
			round_trip(copy, n);
		}
		copy[i] = text[i];
	}
	free(copy);
}

static void
every_octet(void **state)
{
	(void)state;
	check_octets(full, sizeof full - 1);
	check_octets(routed, sizeof routed - 1);
}

static void
origins(void **state)
{
	struct bytes report = {0}, out = {0};
	struct settings *s = parse(GOOD, &report);

	(void)state;
	assert_non_null(s);
	settings_print(s, true, &out);
	bytes_u8(&out, 0);
	assert_non_null(
	    strstr((char *)out.data,
		   "hostname = a.example                            # f:2\n"));
	assert_non_null(strstr(
	    (char *)out.data,
	    "workers = 2                                     # default\n"));
	assert_non_null(
	    strstr((char *)out.data,
		   "    host = mail.example                         # f:5\n"));
	settings_free(s);
	bytes_free(&report);
	bytes_free(&out);
}

/* "#key" becomes "key"; blocks that begin with '#' stay shut, or open too. */
static void
open_sample(const struct bytes *sample, bool blocks, struct bytes *out)
{
	bool shut = false;

	for (size_t i = 0; i < sample->n; i++) {
		const char *p = (const char *)sample->data + i;
		bool fresh = i == 0 || p[-1] == '\n';

		if (*p != '#' || i + 1 == sample->n ||
		    ((p[1] < 'a' || p[1] > 'z') && p[1] != '}')) {
			bytes_u8(out, sample->data[i]);
			continue;
		}
		if (fresh && !blocks &&
		    memchr(p, '{', strcspn(p, "\n")) != NULL)
			shut = true;
		if (shut)
			bytes_u8(out, '#');
		if (p[1] == '}')
			shut = false;
	}
}

/* The sample is taken as it is, and says the defaults that hold. */
static void
sample(void **state)
{
	struct bytes text = {0}, report = {0}, one = {0}, two = {0};
	struct bytes keys = {0}, all = {0};
	struct settings *s, *t, *u;

	(void)state;
	settings_print_sample(&text);
	bytes_u8(&text, 0);
	assert_null(strstr((char *)text.data, "\"NAME\""));
	text.n--;
	open_sample(&text, false, &keys);
	open_sample(&text, true, &all);
	s = settings_parse("f", (char *)text.data, text.n, &report);
	t = settings_parse("f", (char *)keys.data, keys.n, &report);
	if (report.n > 0)
		fail_msg("%.*s", (int)report.n, (char *)report.data);
	assert_non_null(s);
	assert_non_null(t);
	settings_print(s, false, &one);
	settings_print(t, false, &two);
	assert_int_equal(one.n, two.n);
	assert_memory_equal(one.data, two.data, one.n);
	u = settings_parse("f", (char *)all.data, all.n, &report);
	assert_non_null(u);
	assert_int_equal(u->ntypes + u->nclassifies + u->nquotas + u->nroutes +
			     u->nexpects + u->nreplies,
			 6);
	settings_free(s);
	settings_free(t);
	settings_free(u);
	bytes_free(&text);
	bytes_free(&report);
	bytes_free(&one);
	bytes_free(&two);
	bytes_free(&keys);
	bytes_free(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),       cmocka_unit_test(defaults),
	    cmocka_unit_test(every_prefix), cmocka_unit_test(every_octet),
	    cmocka_unit_test(origins),      cmocka_unit_test(sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
