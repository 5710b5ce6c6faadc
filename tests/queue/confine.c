#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/confine.h"
#include "tests/queue/talker.h"

#define FRONT                                                                  \
	"instance=a hostname=a.b\nlisten l {address=127.0.0.1:1}\n"            \
	"source s {from_ip=192.0.2.0/24}\nrelay r {host=c.d}\n"

static bool
has_port(const struct confine *c, uint16_t port)
{
	for (size_t i = 0; i < c->nports; i++)
		if (c->port[i] == port)
			return true;
	return false;
}

/* A resolver on another port than 53, in either family. */
static void
ports_of_resolvers(void **state)
{
	struct confine *c = must_alloc(sizeof *c);
	struct settings *s = talker_settings(
	    FRONT "dns {forward=[127.0.0.1@5353, ::1@5354, 192.0.2.1]}\n");

	(void)state;
	confine_dns(c, &s->dns);
	assert_int_equal(c->nports, 3);
	assert_true(has_port(c, 53) && has_port(c, 5353) && has_port(c, 5354));
	settings_free(s);
	confine_free(c);
}

static struct confine *
confine_of(const char *path, enum jail_access access, uint16_t port)
{
	struct confine *c = must_alloc(sizeof *c);

	confine_path(c, "/both", JAIL_READ, false);
	if (path != NULL)
		confine_path(c, path, access, true);
	confine_port(c, 25);
	confine_port(c, port);
	return c;
}

/* May a process that was confined so do what the other one needs? */
static void
covers(void **state)
{
	static const struct {
		const char *name;
		const char *has;
		enum jail_access access;
		uint16_t port;
		const char *needs;
		enum jail_access needs_access;
		uint16_t needs_port;
		bool covers;
	} cases[] = {
	    {"the same", "/a", JAIL_READ, 26, "/a", JAIL_READ, 26, true},
	    {"less", "/a", JAIL_READ, 26, NULL, JAIL_READ, 25, true},
	    {"to read only", "/a", JAIL_WRITE, 25, "/a", JAIL_READ, 25, true},
	    {"to write, too", "/a", JAIL_READ, 25, "/a", JAIL_WRITE, 25, false},
	    {"another", "/a", JAIL_READ, 25, "/b", JAIL_READ, 25, false},
	    {"one more", NULL, JAIL_READ, 25, "/a", JAIL_READ, 25, false},
	    {"a port more", "/a", JAIL_READ, 25, "/a", JAIL_READ, 26, false},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct confine *a =
		    confine_of(cases[i].has, cases[i].access, cases[i].port);
		struct confine *b = confine_of(
		    cases[i].needs, cases[i].needs_access, cases[i].needs_port);

		if (confine_covers(a, b) != cases[i].covers)
			fail_msg("%s", cases[i].name);
		confine_free(a);
		confine_free(b);
	}
}

/* A path is allowed for what stood there, not for its name. */
static void
covers_what_was_there(void **state)
{
	char dir[] = "/tmp/mtq-confine-XXXXXX", path[64], away[64];
	struct confine *a, *b;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/box", dir);
	snprintf(away, sizeof away, "%s/away", dir);
	a = confine_of(path, JAIL_WRITE, 25);
	b = confine_of(path, JAIL_WRITE, 25);
	confine_look(a);
	assert_true(confine_covers(a, b)); /* not there, then and now */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(confine_covers(a, b)); /* it came later */
	confine_look(a);
	assert_true(confine_covers(a, b));
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(confine_covers(a, b)); /* another one */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rename(away, path), 0);
	assert_true(confine_covers(a, b)); /* the same again */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	confine_free(a);
	confine_free(b);
}

/* What does not fit is not allowed, and nothing is written behind the end. */
static void
too_much(void **state)
{
	struct confine *c = must_alloc(sizeof *c);

	(void)state;
	for (unsigned i = 0; i < CONFINE_PATHS_MOST + 10; i++) {
		confine_path(c, "/x", JAIL_READ, false);
		confine_port(c, 1000 + i);
	}
	confine_port(c, 0);
	confine_port(c, 65536);
	assert_int_equal(c->npaths, CONFINE_PATHS_MOST);
	assert_int_equal(c->nports, CONFINE_PORTS_MOST);
	confine_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ports_of_resolvers),
	    cmocka_unit_test(covers),
	    cmocka_unit_test(covers_what_was_there),
	    cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
