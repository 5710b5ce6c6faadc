#include "daemon/routing.h"

#include <stdio.h>

#include "tests/daemon/expect.h"

/* "example.com" is that domain only, "*.example.com" its subdomains only. */
static void
wildcards(void **state)
{
	static const struct {
		const char *list; /* of `to` */
		const char *recipient;
		bool claimed;
	} table[] = {
	    {"example.com", "x@example.com", true},
	    {"example.com", "x@EXAMPLE.Com", true},
	    {"EXAMPLE.com", "x@example.com", true},
	    {"example.com", "x@mail.example.com", false},
	    {"example.com", "x@notexample.com", false},
	    {"example.com", "x@example.com.evil.net", false},
	    {"example.com", "x@com", false},
	    {"*.example.com", "x@example.com", false},
	    {"*.example.com", "x@mail.example.com", true},
	    {"*.example.com", "x@a.b.c.example.com", true},
	    {"*.Example.COM", "x@a.eXample.com", true},
	    {"*.example.com", "x@notexample.com", false},
	    {"*.example.com", "x@.example.com", false},
	    {"*.com", "x@example.com", true},
	    {"*.com", "x@com", false},
	    {"[example.com, *.example.com]", "x@example.com", true},
	    {"[example.com, *.example.com]", "x@a.example.com", true},
	    {"[a.net, example.com]", "x@example.com", true},
	    {"[a.net, b.net]", "x@example.com", false},
	    {"\"*\"", "x@example.com", true},
	    {"\"*\"", "", true},
	    {"[a.net, \"*\"]", "x@example.com", true},
	    {"[]", "x@example.com", true},
	    {"[]", "", true},
	    {"*.com", "", false},
	    {"example.com", "postmaster", false},
	    {"example.com", "x@", false},
	    {"example.com", "\"a@b.net\"@example.com", true},
	    {"b.net", "\"a@b.net\"@example.com", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		char text[512];
		struct bytes report = {0};
		struct routing_answer a;
		struct settings *s;

		snprintf(text, sizeof text,
			 GOOD "route r { priority = 1 to = %s via = out }\n",
			 table[i].list);
		s = parse(text, &report);
		if (s == NULL)
			fail_msg("%s: %s", table[i].list, (char *)report.data);
		routing_find(s,
			     &(struct routing_ask){
				 .recipient = text_of(table[i].recipient)},
			     &a);
		if ((a.route != NULL) != table[i].claimed)
			fail_msg("%s: %s", table[i].list, table[i].recipient);
		settings_free(s);
		bytes_free(&report);
	}
}

static const char company[] = GOOD
    "relay ses { host = a.example }  relay crm { host = b.example role = crm }"
    "\nno_match = crm\n"
    "type individual { }  type mass { }  type workflow { }\n"
    "source zoho { from_ip = 198.51.100.0/24 }\n"
    "route last { priority = 900 via { * = out } }\n"
    "route own { priority = 10 from = example.com to = partner.example\n"
    "    via { mass = [ses, out]  * = [out, ses] } on_exhausted = crm }\n"
    "route off { priority = 5 enabled = no via = ses }\n"
    "route sub { priority = 20 from = *.example.com type = [mass, workflow]\n"
    "    via { mass = ses } on_unreachable = bounce on_exhausted = bounce }\n"
    "route zoho { priority = 30 source = zoho via { workflow = [ses, out] }\n"
    "    on_unreachable = crm on_exhausted = crm }\n"
    "route same { priority = 40 to = [a.net, b.net] via = out }\n";

/* Writes "route: relays exhausted unreachable". */
static void
describe(const struct settings *s, const struct routing_answer *a, char *out,
	 size_t size)
{
	static const char word[] = "nwbr"; /* next, wait, bounce, relay */
	const struct way *w = routing_way(s, a->way);
	size_t n = (size_t)snprintf(out, size,
				    "%s:", a->route ? a->route->title : "-");

	for (size_t i = 0; i < w->n; i++)
		n += (size_t)snprintf(out + n, size - n, " %s",
				      s->relays[w->relay[i]].title);
	snprintf(out + n, size - n, " %c%c", word[w->exhausted],
		 word[w->unreachable]);
}

/* The smallest priority of those that claim decides, wherever it stands. */
static void
priorities(void **state)
{
	static const struct {
		const char *name, *author, *sender, *recipient, *source, *type;
		const char *says;
	} table[] = {
	    {"the last resort", "a@x.net", "", "b@y.net", "crm", "mass",
	     "last: out wn"},
	    {"from and to", "a@example.com", "", "b@partner.example", "crm",
	     "mass", "own: ses out rn"},
	    {"a type by the star", "a@example.com", "", "b@partner.example",
	     "crm", "workflow", "own: out ses rn"},
	    {"from alone is not enough", "a@example.com", "", "b@y.net", "crm",
	     "mass", "last: out wn"},
	    {"to alone is not enough", "a@x.net", "", "b@partner.example",
	     "crm", "mass", "last: out wn"},
	    {"the author counts, not the envelope", "a@x.net", "a@example.com",
	     "b@partner.example", "crm", "mass", "last: out wn"},
	    {"without an author the envelope", "", "a@example.com",
	     "b@partner.example", "crm", "mass", "own: ses out rn"},
	    {"a bounce", "", "", "b@partner.example", "crm", "mass",
	     "last: out wn"},
	    {"a subdomain", "a@de.example.com", "", "b@y.net", "crm", "mass",
	     "sub: ses bb"},
	    {"a type without a list goes to no_match", "a@de.example.com", "",
	     "b@y.net", "crm", "workflow", "sub: crm ww"},
	    {"a type the route is not for", "a@de.example.com", "", "b@y.net",
	     "crm", "individual", "last: out wn"},
	    {"by source", "a@x.net", "", "b@y.net", "zoho", "workflow",
	     "zoho: ses out rr"},
	    {"domain before source", "a@a.example.com", "", "b@y.net", "zoho",
	     "mass", "sub: ses bb"},
	    {"source before domain", "a@x.net", "", "b@b.net", "zoho", "mass",
	     "zoho: crm ww"},
	    {"to", "a@x.net", "", "b@b.net", "crm", "mass", "same: out wn"},
	};
	struct bytes report = {0};
	struct settings *s = parse(company, &report);

	(void)state;
	if (s == NULL)
		fail_msg("%s", (char *)report.data);
	for (size_t i = 0; i < countof(table); i++) {
		struct routing_ask ask = {
		    .author = text_of(table[i].author),
		    .sender = text_of(table[i].sender),
		    .recipient = text_of(table[i].recipient),
		    .source = text_of(table[i].source),
		    .type = routing_type(s, text_of(table[i].type))};
		struct routing_answer a;
		char says[128];

		routing_find(s, &ask, &a);
		describe(s, &a, says, sizeof says);
		if (strcmp(says, table[i].says) != 0)
			fail_msg("%s: %s", table[i].name, says);
	}
	/* Way 0, own's two, sub's, zoho's; last and same share one. */
	assert_int_equal(routing_ways(s), 6);
	assert_int_equal(routing_way(s, 0)->n, 1);
	settings_free(s);
	bytes_free(&report);
}

/* Bound to one relay: no route, no trigger, no no_match brings it to another. */
static void
only_one(void **state)
{
	static const struct {
		const char *name, *only, *says;
	} table[] = {
	    {"a sandbox's relay", "sink", "-: sink ww"},
	    {"of another source", "box", "-: box ww"},
	    {"a relay that nobody is bound to leads nowhere", "ses", "-: ww"},
	    {"a relay that is no more, too", "gone", "-: ww"},
	    {"and no name", "", "-: ww"},
	};
	struct bytes report = {0};
	struct settings *s = parse(
	    GOOD
	    "relay ses { host = a.example } relay sink { host = b.example }\n"
	    "relay box { host = c.example }  no_match = out\n"
	    "source one { from_ip = 192.0.2.0/28 sandbox_relay = sink }\n"
	    "source two { from_ip = 192.0.2.16/28 sandbox_relay = box }\n"
	    "source three { from_ip = 192.0.2.32/28 sandbox_relay = sink }\n"
	    "route all { priority = 1 via = ses on_exhausted = wait }\n",
	    &report);

	(void)state;
	if (s == NULL)
		fail_msg("%s", (char *)report.data);
	for (size_t i = 0; i < countof(table); i++) {
		struct routing_ask ask = {.recipient = text_of("a@b.example"),
					  .only = text_of(table[i].only)};
		struct routing_answer a;
		char says[128];

		routing_find(s, &ask, &a);
		describe(s, &a, says, sizeof says);
		if (strcmp(says, table[i].says) != 0)
			fail_msg("%s: %s", table[i].name, says);
	}
	settings_free(s);
	bytes_free(&report);
}

static uint32_t
epoch_of(const char *text)
{
	struct bytes report = {0};
	struct settings *s = parse(text, &report);
	uint32_t epoch;

	if (s == NULL)
		fail_msg("%s: %s", text, (char *)report.data);
	epoch = routing_epoch(s);
	assert_int_not_equal(epoch, 0);
	settings_free(s);
	bytes_free(&report);
	return epoch;
}

/* Mail that waits is sorted again when, and only when, it could go another
 * way. */
static void
epochs(void **state)
{
#define TWO   GOOD "relay b { host = b.example }\nno_match = out\n"
#define ROUTE "route r { priority = 2 from = a.net via = [out, b] }\n"
#define SANDBOXES(one, two)                                                    \
	"source s1 { from_ip = 192.0.2.0/28 sandbox_relay = \"" one            \
	"\" }\nsource s2 { from_ip = 192.0.2.16/28 sandbox_relay = \"" two     \
	"\" }\n"
#define SECOND "route q { priority = 3 from = b.net via = b }\n"
	static const struct {
		const char *name, *one, *two;
		bool same;
	} table[] = {
	    {"the same", TWO ROUTE, TWO ROUTE, true},
	    {"another order in the file", TWO ROUTE SECOND, TWO SECOND ROUTE,
	     true},
	    {"other priorities in the same order", TWO ROUTE SECOND,
	     TWO "route r { priority = 7 from = a.net via = [out, b] }\n"
		 "route q { priority = 9 from = b.net via = b }\n",
	     true},
	    {"the other order", TWO ROUTE SECOND,
	     TWO
	     "route r { priority = 4 from = a.net via = [out, b] }\n" SECOND,
	     false},
	    {"a port", GOOD,
	     NAMES LISTEN SOURCE "relay out { host = c.example port = 26 }\n",
	     true},
	    {"a quota", GOOD,
	     NAMES LISTEN SOURCE "relay out { host = c.example quota = q }\n"
				 "quota q { limit = 5 }\n",
	     true},
	    {"a relay before the others", GOOD,
	     NAMES LISTEN SOURCE "relay a { host = a.net }\n" RELAY
				 "no_match = out\n",
	     true},
	    {"another no_match", TWO,
	     GOOD "relay b { host = b.example }\nno_match = b\n", false},
	    {"one more route", TWO ROUTE, TWO ROUTE SECOND, false},
	    {"a route switched off", TWO ROUTE,
	     TWO ROUTE
	     "route q { priority = 3 from = b.net enabled = no via = b }\n",
	     true},
	    {"another domain", TWO ROUTE,
	     TWO "route r { priority = 2 from = b.net via = [out, b] }\n",
	     false},
	    {"from, not to", TWO ROUTE,
	     TWO "route r { priority = 2 to = a.net via = [out, b] }\n", false},
	    {"another order of relays", TWO ROUTE,
	     TWO "route r { priority = 2 from = a.net via = [b, out] }\n",
	     false},
	    {"another trigger", TWO ROUTE,
	     TWO "route r { priority = 2 from = a.net via = [out, b]\n"
		 "on_exhausted = bounce }\n",
	     false},
	    {"whose sandbox a relay is", TWO SANDBOXES("out", "b"),
	     TWO SANDBOXES("b", "out"), false},
	    {"a sandbox that is no more", TWO SANDBOXES("out", "out"),
	     TWO SANDBOXES("out", ""), false},
	    {"a type's place", GOOD "type a { } type b { }\n",
	     GOOD "type b { } type a { }\n", false},
	    {"a type's weight", GOOD "type a { } type b { }\n",
	     GOOD "type a { } type b { weight = 3 }\n", true},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		if ((epoch_of(table[i].one) == epoch_of(table[i].two)) !=
		    table[i].same)
			fail_msg("%s", table[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wildcards),
	    cmocka_unit_test(priorities),
	    cmocka_unit_test(only_one),
	    cmocka_unit_test(epochs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
