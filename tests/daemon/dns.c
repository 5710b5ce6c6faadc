/* Answers' octets: names we could connect to, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/dns.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		const char *wire;
		size_t n;
		const char *text; /* NULL: refused */
	} row[] = {
	    {"two labels", "\2mx\7example\0", 12, "mx.example"},
	    {"the root", "\0", 1, ""},
	    {"nothing at all", "", 0, NULL},
	    {"no end", "\2mx", 3, NULL},
	    {"a label past the end", "\5mx\0", 4, NULL},
	    {"a compression pointer", "\300\14", 2, NULL},
	    {"octets after the end", "\2mx\0x", 5, NULL},
	    {"a dot in a label", "\3a.b\0", 5, NULL},
	    {"a blank in a label", "\3a b\0", 5, NULL},
	    {"a NUL in a label", "\3a\0b\0", 5, NULL},
	    {"an underscore", "\4_tcp\0", 6, "_tcp"},
	};
	char out[DNS_NAME_TEXT];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		bool ok =
		    dns_name((const unsigned char *)row[i].wire, row[i].n, out);

		if (ok != (row[i].text != NULL) ||
		    (ok && strcmp(out, row[i].text) != 0))
			fail_msg("%s: %s", row[i].name, ok ? out : "refused");
	}
}

static struct dns_mx
mx_of(unsigned preference, const char *host)
{
	struct dns_mx mx = {.preference = (uint16_t)preference};

	snprintf(mx.host, sizeof mx.host, "%s", host);
	return mx;
}

/* "10 a, 20 b" as records, in that order. */
static struct dns_hosts
hosts_of(const char *list, uint64_t salt)
{
	struct dns_hosts h = {.salt = salt};
	unsigned preference;
	char host[64];
	int n;

	while (sscanf(list, "%u %63[^,]%n", &preference, host, &n) == 2) {
		struct dns_mx mx =
		    mx_of(preference, strcmp(host, ".") == 0 ? "" : host);

		dns_hosts_add(&h, &mx);
		list += n;
		list += strspn(list, ", ");
	}
	return h;
}

static void
exchangers_octets(void **state)
{
	struct dns_mx one;

	(void)state;
	assert_true(dns_mx((const unsigned char *)"\1\0\2mx\0", 6, &one));
	assert_int_equal(one.preference, 256);
	assert_string_equal(one.host, "mx");
	assert_false(dns_mx((const unsigned char *)"\0\1", 2, &one));
}

/* Whatever the order of the answer: the best first, each once, no loop. */
static void
exchangers(void **state)
{
	static const struct {
		const char *name;
		const char *list;
		const char *self; /* "": not asked */
		const char *want; /* hosts in order */
		size_t null;
	} row[] = {
	    {"by preference", "30 c, 10 a, 20 b", "", "a b c", 0},
	    {"a host twice, the better one", "30 a, 20 b, 10 A.", "", "A. b",
	     0},
	    {"a host twice, the worse one after", "10 a, 20 b, 30 a", "", "a b",
	     0},
	    {"a null MX alone", "0 .", "", "", 1},
	    {"a null MX among others", "0 ., 10 a", "", "a", 1},
	    {"we are not in it", "10 a, 20 b", "me", "a b", 0},
	    {"we are the best", "10 me, 20 b", "me", "", 0},
	    {"we are in the middle", "10 a, 20 me, 30 c", "me", "a", 0},
	    {"an equal one goes too", "10 a, 20 b, 20 me, 20 c", "me", "a", 0},
	    {"our name in capitals", "10 a, 20 ME", "me", "a", 0},
	    {"nobody", "", "me", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		for (uint64_t salt = 0; salt < 20; salt++) {
			struct dns_hosts h = hosts_of(row[i].list, salt);
			char got[256] = "";
			size_t n = h.n;

			if (row[i].self[0] != '\0' &&
			    dns_hosts_without(&h, row[i].self) != (h.n < n))
				fail_msg("%s: what went", row[i].name);
			for (size_t k = 0; k < h.n; k++) {
				strcat(got, k > 0 ? " " : "");
				strcat(got, h.mx[k].host);
			}
			if (strcmp(got, row[i].want) != 0 ||
			    h.null != row[i].null)
				fail_msg("%s: '%s'", row[i].name, got);
		}
}

/* Equal ones take turns; of too many, the best stay. */
static void
exchangers_many(void **state)
{
	unsigned first[3] = {0};
	struct dns_hosts h = {.salt = 7};

	(void)state;
	for (uint64_t salt = 0; salt < 300; salt++) {
		struct dns_hosts equal = hosts_of(
		    "5 a, 5 b, 5 c", salt * UINT64_C(0x9e3779b97f4a7c15));

		first[equal.mx[0].host[0] - 'a']++;
	}
	for (size_t i = 0; i < 3; i++)
		assert_in_range(first[i], 60, 140);
	for (unsigned i = 0; i < 1000; i++) {
		struct dns_mx mx = mx_of(5000 - i, "");

		snprintf(mx.host, sizeof mx.host, "mx%u", i);
		dns_hosts_add(&h, &mx);
	}
	assert_int_equal(h.seen, 1000);
	assert_int_equal(h.n, DNS_HOSTS_MOST);
	for (size_t i = 0; i < h.n; i++)
		assert_int_equal(h.mx[i].preference, 4001 + i);
}

static void
literals(void **state)
{
	static const struct {
		const char *host;
		size_t n; /* octets; 0: a name */
		bool is_public;
	} row[] = {
	    {"9.9.9.9", 4, true},
	    {"[9.9.9.9]", 4, true},
	    {"[2620:fe::fe]", 16, true},
	    {"[IPv6:2620:fe::fe]", 16, true},
	    {"[ipv6:2620:fe::fe]", 16, true},
	    {"2620:fe::fe", 0, false},
	    {"[IPv6:9.9.9.9]", 0, false},
	    {"9.9.9", 0, false},
	    {"9.9.9.9.", 0, false},
	    {"[]", 0, false},
	    {"", 0, false},
	    {"[", 0, false},
	    {"mx.example", 0, false},
	    {"[mx.example]", 0, false},
	    {"0.1.2.3", 4, false},
	    {"10.0.0.1", 4, false},
	    {"11.0.0.0", 4, true},
	    {"100.63.255.255", 4, true},
	    {"100.64.0.0", 4, false},
	    {"100.127.255.255", 4, false},
	    {"100.128.0.0", 4, true},
	    {"127.9.9.9", 4, false},
	    {"169.254.169.254", 4, false},
	    {"172.15.255.255", 4, true},
	    {"172.16.0.0", 4, false},
	    {"172.31.255.255", 4, false},
	    {"172.32.0.0", 4, true},
	    {"192.0.2.1", 4, false},
	    {"192.168.255.1", 4, false},
	    {"192.169.0.0", 4, true},
	    {"198.18.0.1", 4, false},
	    {"198.51.100.7", 4, false},
	    {"203.0.113.7", 4, false},
	    {"224.0.0.1", 4, false},
	    {"255.255.255.255", 4, false},
	    {"[::]", 16, false},
	    {"[::1]", 16, false},
	    {"[::ffff:9.9.9.9]", 16, false},
	    {"[64:ff9b::909:909]", 16, false},
	    {"[2001::1]", 16, false},
	    {"[2001:db8::1]", 16, false},
	    {"[2002:909:909::1]", 16, false},
	    {"[2a00::1]", 16, true},
	    {"[fc00::1]", 16, false},
	    {"[fdff::1]", 16, false},
	    {"[fe80::1]", 16, false},
	    {"[fec0::1]", 16, false},
	    {"[ff02::1]", 16, false},
	};
	unsigned char out[16];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = dns_literal(row[i].host, out);

		if (n != row[i].n ||
		    (n > 0 && dns_public(out, n) != row[i].is_public))
			fail_msg("%s: %zu octets", row[i].host, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names), cmocka_unit_test(exchangers_octets),
	    cmocka_unit_test(exchangers), cmocka_unit_test(exchangers_many),
	    cmocka_unit_test(literals)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
