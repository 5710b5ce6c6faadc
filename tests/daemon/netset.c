/* Network sets: what is read, merged and told of files with networks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/netset.h"

static char folder[] = "/tmp/mtq-netset-XXXXXX";

#define OF "# as of 2026-07-12\n"

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.conf", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
take_away(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s.conf", folder, name);
	unlink(path);
}

/* The set as one line, or what the report says, "DIR" for the folder. */
static void
look(const char *name, char *const *dirs, size_t ndirs, char *out, size_t size)
{
	struct bytes says = {0}, line = {0};
	struct report r = {.out = &says};
	struct arena arena = {NULL};
	const struct netset *set;
	const char *p;

	set = netset_find(netsets_make(&arena), dirs, ndirs, name, &r, "f", 7);
	for (size_t i = 0; set != NULL && i < set->nets.n; i++) {
		bytes_add_text(&line, i ? " " : "");
		net_print_network(&set->nets.net[i], &line);
	}
	if (set != NULL)
		assert_int_equal(says.n, 0);
	else
		bytes_add(&line, says.data, says.n);
	bytes_u8(&line, 0);
	p = (const char *)line.data;
	for (size_t n = 0; n + 1 < size; n++) {
		size_t k = strlen(folder);
		bool dir = strncmp(p, folder, k) == 0;

		out[n] = dir ? 'D' : *p;
		out[n + 1] = '\0';
		if (*p == '\0')
			break;
		p += dir ? k : 1;
	}
	bytes_free(&line);
	bytes_free(&says);
	arena_free(&arena);
}

static void
sets(void **state)
{
	static const struct {
		const char *name, *text, *says;
	} row[] = {
	    {"one network", OF "192.0.2.0/24\n", "192.0.2.0/24"},
	    {"comments, blanks and CRLF",
	     OF "\r\n  192.0.2.0/24  # office\r\n\t\r\n#x\n2001:db8::/32\r\n",
	     "192.0.2.0/24 2001:db8::/32"},
	    {"no newline at the end", OF "192.0.2.1", "192.0.2.1"},
	    {"one inside another",
	     OF "192.0.2.7\n192.0.2.0/24\n192.0.2.128/25\n", "192.0.2.0/24"},
	    {"doubles", OF "192.0.2.7\n192.0.2.7\n", "192.0.2.7"},
	    {"neighbours are one", OF "198.51.100.0/25\n198.51.100.128/25\n",
	     "198.51.100.0/24"},
	    {"neighbours that are no halves stay two",
	     OF "192.0.1.0/24\n192.0.2.0/24\n", "192.0.1.0/24 192.0.2.0/24"},
	    {"a half and a quarter stay two",
	     OF "198.51.100.0/25\n198.51.100.128/26\n",
	     "198.51.100.0/25 198.51.100.128/26"},
	    {"four become one",
	     OF "10.0.3.0/24\n10.0.1.0/24\n10.0.0.0/24\n10.0.2.0/24\n",
	     "10.0.0.0/22"},
	    {"never wider than a network may be", OF "10.0.0.0/8\n11.0.0.0/8\n",
	     "10.0.0.0/8 11.0.0.0/8"},
	    {"IPv6 neighbours", OF "2001:db8:1::/48\n2001:db8::/48\n",
	     "2001:db8::/47"},
	    {"no date", "192.0.2.0/24\n",
	     "D/a.conf: a line \"# as of 2026-11-21\" must say how old the "
	     "list is\n"},
	    {"a wrong date", "# as of 2026-02-30\n192.0.2.0/24\n",
	     "D/a.conf:1: '2026-02-30' is no date as 2026-11-21\n"},
	    {"nothing in it", OF, "D/a.conf: there is no network in it\n"},
	    {"a name", OF "mail.example.com\n",
	     "D/a.conf:2: 'mail.example.com' is not a network; write "
	     "192.0.2.0/24 or 2001:db8::/32\n"},
	    {"everybody", OF "0.0.0.0/0\n",
	     "D/a.conf:2: '0.0.0.0/0' holds everybody: an open relay; name "
	     "the networks that may hand us mail\n"},
	    {"two errors are told at once", OF "1.2.3\n10.0.0.1/8\n",
	     "D/a.conf:2: '1.2.3' is not a network; write 192.0.2.0/24 or "
	     "2001:db8::/32\n"
	     "D/a.conf:3: '10.0.0.1/8' has bits beyond its length; is one "
	     "address meant, or the network?\n"},
	};
	char *dirs[] = {folder};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char says[1024];

		put("a", row[i].text);
		look("a", dirs, 1, says, sizeof says);
		if (strcmp(says, row[i].says) != 0)
			fail_msg("%s: it says\n%s\nwanted\n%s", row[i].name,
				 says, row[i].says);
	}
	take_away("a");
}

/* Where a set is looked for, and what is said when it is nowhere. */
static void
folders(void **state)
{
	static char nowhere[] = "/nonexistent/mtq";
	char *dirs[] = {nowhere, folder};
	char says[1024];

	(void)state;
	look("a", dirs, 1, says, sizeof says);
	assert_string_equal(says,
			    "f:7: there is no set @a: no file NAME.conf is in "
			    "/nonexistent/mtq (network_sets)\n");
	put("crm", OF "192.0.2.0/24\n");
	put("zoho-x", OF "192.0.2.0/24\n");
	look("crm", dirs, 2, says, sizeof says);
	assert_string_equal(says, "192.0.2.0/24");
	look("sales", dirs, 2, says, sizeof says);
	assert_string_equal(says,
			    "f:7: there is no set @sales in /nonexistent/mtq; "
			    "there are crm, zoho-x\n");
	look("../crm", dirs, 2, says, sizeof says);
	assert_string_equal(says, "f:7: '@../crm' is not a set's name: "
				  "letters, digits, _ and -\n");
	take_away("crm");
	take_away("zoho-x");
}

/* How old a set is, and when somebody should look. */
static void
ages(void **state)
{
	static const struct {
		const char *name;
		int64_t days; /* since 2026-07-12 00:00 UTC */
		int age;
		const char *says;
	} row[] = {
	    {"today", 0, 0, ""},
	    {"the last good day", 180, 180, ""},
	    {"too old", 181, 181,
	     "/a.conf:1: warning: the networks of @a are 181 days old: compare "
	     "them with https://example.com/ips and set the new date\n"},
	    {"the clock is behind", -1, -1,
	     "/a.conf:1: warning: the date of @a is still to come\n"},
	};
	const int64_t then_us = INT64_C(20646) * DAY_US;
	char *dirs[] = {folder};

	(void)state;
	put("a", OF "# source: https://example.com/ips\n192.0.2.0/24\n");
	for (size_t i = 0; i < countof(row); i++) {
		int64_t at_us = then_us + row[i].days * DAY_US + 5;
		struct bytes says = {0};
		struct report r = {.out = &says};
		struct arena arena = {NULL};
		struct netsets *all = netsets_make(&arena);
		const struct netset *set =
		    netset_find(all, dirs, 1, "a", &r, "f", 7);

		assert_non_null(set);
		assert_int_equal(netset_age_days(set, at_us), row[i].age);
		netsets_tell_ages(all, at_us, &r);
		bytes_u8(&says, 0);
		if (says.n > 1)
			assert_string_equal((char *)says.data + strlen(folder),
					    row[i].says);
		else
			assert_string_equal("", row[i].says);
		bytes_free(&says);
		arena_free(&arena);
	}
	take_away("a");
}

/* The sets we ship: how many networks are left of each. */
static void
shipped(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} row[] = {{"zoho-us", 9}, {"zoho-eu", 7}, {"zoho-in", 7},
		   {"zoho-au", 4}, {"zoho-cn", 8}, {"salesforce", 14}};
	static char dir[] = "etc/networks";
	char *dirs[] = {dir};
	struct bytes says = {0};
	struct report r = {.out = &says};
	struct arena arena = {NULL};
	struct netsets *all = netsets_make(&arena);

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		const struct netset *set =
		    netset_find(all, dirs, 1, row[i].name, &r, "f", 1);

		assert_non_null(set);
		if (set->nets.n != row[i].n)
			fail_msg("%s: %zu networks", row[i].name, set->nets.n);
		assert_true(*set->source != '\0');
	}
	assert_int_equal(says.n, 0);
	arena_free(&arena);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sets),
	    cmocka_unit_test(folders),
	    cmocka_unit_test(ages),
	    cmocka_unit_test(shipped),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
