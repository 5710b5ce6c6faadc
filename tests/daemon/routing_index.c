/* The index finds what looking at every route would find, and sooner. */
#include "daemon/routing.h"

#include <stdio.h>
#include <time.h>

#include "tests/daemon/expect.h"

enum { MANY = 1000, DOMAINS = 10, ASKS = 20000 };

static bool
slow_domain(const char *pattern, const char *domain)
{
	size_t n = strlen(domain), m = strlen(pattern);

	if (strcmp(pattern, "*") == 0)
		return true;
	if (pattern[0] != '*')
		return strcmp(pattern, domain) == 0;
	return n > m - 1 && strcmp(domain + n - (m - 1), pattern + 1) == 0;
}

static bool
slow_domains(const struct texts *t, const char *domain)
{
	for (size_t i = 0; i < t->n; i++)
		if (slow_domain(t->item[i], domain))
			return true;
	return t->n == 0;
}

static bool
slow_texts(const struct texts *t, const char *word)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->item[i], word) == 0)
			return true;
	return t->n == 0;
}

static const struct route_settings *
slow(const struct settings *s, const char *from, const char *to,
     const char *source, const char *type)
{
	const struct route_settings *best = NULL;

	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route_settings *r = &s->routes[i];

		if (r->enabled && slow_domains(&r->from, from) &&
		    slow_domains(&r->to, to) &&
		    slow_texts(&r->source, source) &&
		    slow_texts(&r->type, type) &&
		    (best == NULL || r->priority < best->priority))
			best = r;
	}
	return best;
}

static uint32_t seed;

static uint32_t
draw(uint32_t n)
{
	seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (seed >> 8) % n;
}

/* Some of few names, so that routes overlap. */
static void
draw_domain(char *out, size_t size)
{
	static const char *const end[] = {"com", "net", "example", "co.uk"};
	static const char *const sub[] = {"", "", "mail.", "a.b.", "de."};

	snprintf(out, size, "%sd%u.%s", sub[draw(countof(sub))],
		 (unsigned)draw(400), end[draw(countof(end))]);
}

static void
draw_list(struct bytes *b, const char *key, uint32_t n)
{
	char domain[64];

	bytes_printf(b, " %s = [", key);
	for (uint32_t i = 0; i < n; i++) {
		draw_domain(domain, sizeof domain);
		bytes_printf(b, "%s%s%s", i ? ", " : "",
			     draw(3) == 0 ? "*." : "", domain);
	}
	if (draw(50) == 0)
		bytes_printf(b, "%s%s", n ? ", " : "", draw(2) ? "*" : "*.com");
	bytes_add_text(b, "]");
}

static void
draw_file(struct bytes *b)
{
	static const char *const type[] = {"mass", "workflow", "individual",
					   "[mass, workflow]"};

	bytes_add_text(b, GOOD "source zoho { from_ip = 198.51.100.0/24 }\n");
	for (unsigned i = 0; i < MANY; i++) {
		bytes_printf(b, "route r%u { priority = %u via = out", i,
			     (i * 7919 + 13) % 100003 + 1);
		if (draw(4) > 0)
			draw_list(b, "from", draw(2 * DOMAINS));
		if (draw(2) > 0)
			draw_list(b, "to", draw(DOMAINS));
		if (draw(3) == 0)
			bytes_printf(b, " type = %s", type[draw(4)]);
		if (draw(4) == 0)
			bytes_printf(b, " source = %s",
				     draw(2) ? "crm" : "zoho");
		if (draw(20) == 0)
			bytes_add_text(b, " enabled = no");
		bytes_add_text(b, " }\n");
	}
}

static void
compare(const struct settings *s, unsigned *none)
{
	char from[64], to[64], author[80], recipient[80];
	const char *source = draw(2) ? "crm" : "zoho";
	const struct route_settings *want;
	struct routing_answer a;
	struct routing_ask ask;
	unsigned type = draw(3);

	draw_domain(from, sizeof from);
	draw_domain(to, sizeof to);
	snprintf(author, sizeof author, "x@%s", from);
	snprintf(recipient, sizeof recipient, "y@%s", to);
	ask = (struct routing_ask){.recipient = text_of(recipient),
				   .source = text_of(source),
				   .type = type};
	*(draw(2) ? &ask.author : &ask.sender) = text_of(author);
	routing_find(s, &ask, &a);
	want = slow(s, from, to, source, s->types[type].title);
	*none += want == NULL;
	if (a.route != want)
		fail_msg("%s to %s, %s, %s: %s, not %s", from, to, source,
			 s->types[type].title, a.route ? a.route->title : "-",
			 want ? want->title : "-");
}

static void
like_looking_at_every_route(void **state)
{
	(void)state;
	for (seed = 1; seed < 4; seed++) {
		struct bytes text = {0}, report = {0};
		unsigned none = 0, kept = seed;
		struct settings *s;

		draw_file(&text);
		s = settings_parse("f", (char *)text.data, text.n, &report);
		bytes_u8(&report, 0);
		if (s == NULL)
			fail_msg("%s", (char *)report.data);
		for (unsigned i = 0; i < ASKS / 4; i++)
			compare(s, &none);
		settings_free(s);
		bytes_free(&text);
		bytes_free(&report);
		seed = kept;
	}
}

/* 1,000 routes with 10,000 domains: looking at each of them would take some
 * 50 us for one message, here it is 0.3.  CPU time, so that a busy machine
 * changes little; the sanitizers may take ten times as long. */
static void
cost(void **state)
{
	enum { COST_ASKS = 100000, MOST_S = 2 };
	struct bytes text = {0}, report = {0};
	struct settings *s;
	unsigned none = 0;
	clock_t begun;

	(void)state;
	bytes_add_text(&text, GOOD);
	for (unsigned i = 0; i < MANY; i++) {
		bytes_printf(&text,
			     "route r%u { priority = %u via = out %s = [", i,
			     i + 1, i % 2 ? "from" : "to");
		for (unsigned j = 0; j < DOMAINS; j++)
			bytes_printf(&text, "%s%sd%u.x%u.example",
				     j ? ", " : "", j % 2 ? "*." : "", i, j);
		bytes_add_text(&text, "] }\n");
	}
	s = settings_parse("f", (char *)text.data, text.n, &report);
	assert_non_null(s);
	begun = clock();
	for (unsigned i = 0; i < COST_ASKS; i++) {
		char author[64], recipient[64];
		struct routing_ask ask = {.source = text_of("crm")};
		struct routing_answer a;

		snprintf(author, sizeof author, "a@d%u.x0.example", i % MANY);
		snprintf(recipient, sizeof recipient, "b@mail.d%u.x%u.example",
			 i * 7 % MANY, i % DOMAINS);
		ask.author = text_of(author);
		ask.recipient = text_of(recipient);
		routing_find(s, &ask, &a);
		none += a.route == NULL;
	}
	assert_true(clock() - begun < MOST_S * CLOCKS_PER_SEC);
	assert_true(none > COST_ASKS / 10 && none < COST_ASKS);
	settings_free(s);
	bytes_free(&text);
	bytes_free(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(like_looking_at_every_route),
	    cmocka_unit_test(cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
