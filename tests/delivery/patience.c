/* Whom a relay gives up when all its places are taken: slow set-ups beyond half
 * of the places, the oldest first, and only while mail waits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "delivery/patience.h"

enum { MOST = 8 };

static char gone[MOST + 1];

/* Instead of connection.c's. */
void
connection_give_up(struct connection *c, int64_t steady_us)
{
	(void)steady_us;
	assert_false(c->dead);
	c->dead = true;
	gone[strlen(gone)] = c->host[0];
}

/* Seconds a set-up has lasted; W: it works. */
enum { W = -1 };

static void
who_goes(void **state)
{
	static const struct {
		const char *what;
		uint32_t share;
		bool hungry, smtp;
		int age_s[MOST]; /* of connections a, b, ...; 0: none */
		const char *gone;
	} row[] = {
	    {"all slow", 4, true, false, {40, 30, 20, 11}, "ab"},
	    {"in any order of age they were opened in",
	     4,
	     true,
	     false,
	     {300, 300, 12, 11},
	     "ab"},
	    {"half may be slow", 4, true, false, {40, 30, W, W}, ""},
	    {"one more than half", 4, true, false, {40, W, 30, 20}, "a"},
	    {"young ones are not slow", 4, true, false, {9, 8, 7, 6}, ""},
	    {"the young stay", 4, true, false, {40, 30, 20, 1}, "a"},
	    {"nobody waits for a place", 4, false, false, {40, 30, 20, 11}, ""},
	    {"there are places", 5, true, false, {40, 30, 20, 11}, ""},
	    {"one place", 1, true, false, {10}, "a"},
	    {"a relay of one host", 4, true, true, {40, 30, 20, 11}, ""},
	    {"the share was cut", 2, true, false, {40, 30, 20, 11}, "abc"},
	    {"no share any more", 0, true, false, {40, 1}, "a"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		static struct connection c[MOST];
		static int pool; /* stands for one that waits */
		struct relay_settings s = {.deliver = row[i].smtp ? DELIVER_SMTP
								  : DELIVER_MX};
		struct egress g = {.s = &s, .share = row[i].share};
		int64_t now_us = 1000 * SECOND_US;

		memset(gone, 0, sizeof gone);
		memset(c, 0, sizeof c);
		if (row[i].hungry)
			g.hungry = (struct pool *)&pool;
		for (size_t j = 0; j < MOST && row[i].age_s[j] != 0; j++) {
			c[j].dialogue.set_up = row[i].age_s[j] == W;
			c[j].began_us = now_us - row[i].age_s[j] * SECOND_US;
			c[j].host[0] = (char)('a' + j);
			c[j].next = g.open;
			if (g.open != NULL)
				g.open->prev = &c[j];
			g.open = &c[j];
			g.nopen++;
		}
		patience_tick(&g, now_us);
		if (strcmp(gone, row[i].gone) != 0)
			fail_msg("%s: %s", row[i].what, gone);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(who_goes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
