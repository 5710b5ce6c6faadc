#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "queue/door.h"

#define BASE                                                                   \
	"instance=a hostname=mtq.example accounts=file:/a\n"                   \
	"tls main {cert=file:/c key=file:/k}\n"                                \
	"listen plain {address=[127.0.0.1:1, \"[::1]:1\"]}\n"                  \
	"listen start {address=127.0.0.1:2 tls=optional client_cert=log}\n"    \
	"listen open {address=127.0.0.1:3 insecure_auth=yes}\n"                \
	"relay r {host=c.d}\n"

static const char *const source[] = {
    "source wide {from_ip=[192.0.2.0/24, \"2001:db8::/32\"]}\n",
    "source near {from_ip=192.0.2.128/25}\n",
    "source host {from_ip=192.0.2.130 listener=plain}\n",
    "source zero {from_ip=10.0.0.0/8}\n",
    "source user {auth_user=[joe, ann] listener=[start, open]}\n",
    "source userhere {auth_user=joe from_ip=192.0.2.0/24 listener=start}\n",
    "source cert {client_cert=[\"*.crm.example\", a.example] "
    "listener=start}\n",
    "source both {client_cert=a.example auth_user=sue listener=start}\n",
};

static struct settings *
settings_in_order(size_t first, bool back)
{
	struct bytes text = {0}, report = {0};
	struct settings *s;
	const size_t n = countof(source);

	bytes_add_text(&text, BASE);
	for (size_t i = 0; i < n; i++) {
		size_t k = (first + i) % n;

		bytes_add_text(&text, source[back ? n - 1 - k : k]);
	}
	s = settings_parse("f", (char *)text.data, text.n, &report);
	if (s == NULL)
		fail_msg("%.*s", (int)report.n, (char *)report.data);
	bytes_free(&text);
	bytes_free(&report);
	return s;
}

static void
peer_of(const char *text, unsigned char out[16])
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	const struct sockaddr *sa = (struct sockaddr *)&in6;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		sa = (struct sockaddr *)&in;
	else
		assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	assert_true(net_address(sa, out));
}

/* `could`: a authenticate, t use TLS first. */
static const struct {
	const char *name, *peer;
	const char *listener;
	const char *certificate, *account;
	bool tls;
	const char *source, *could;
} row[] = {
    {"by network", "192.0.2.7", "plain", .source = "wide"},
    {"the narrower network", "192.0.2.129", "plain", .source = "near"},
    {"one address", "192.0.2.130", "plain", .source = "host"},
    {"one address, on another listener", "192.0.2.130", "start",
     .source = "near", .could = "at"},
    {"nobody", "192.0.3.7", "plain", .source = NULL},
    {"first address of a network", "192.0.2.0", "plain", .source = "wide"},
    {"last address of a network", "192.0.2.255", "plain", .source = "near"},
    {"one below", "192.0.1.255", "plain", .source = NULL},
    {"one above", "192.0.3.0", "plain", .source = NULL},
    {"IPv4 in IPv6", "::ffff:192.0.2.7", "plain", .source = "wide"},
    {"IPv4-compatible IPv6 is none", "::192.0.2.7", "plain", .source = NULL},
    {"IPv6", "2001:db8:ffff::1", "plain", .source = "wide"},
    {"IPv6 behind the network", "2001:db9::1", "plain", .source = NULL},
    {"6to4 of ours is another address", "2002:c000:0207::1", "plain",
     .source = NULL},
    {"NAT64 of ours is another address", "64:ff9b::192.0.2.7", "plain",
     .source = NULL},
    {"the octets of a number with a zero", "10.0.0.1", "plain",
     .source = "zero"},
    {"that number read as octal", "8.0.0.1", "plain", .source = NULL},
    {"loopback is nobody of itself", "127.0.0.1", "plain", .source = NULL},
    {"IPv6 loopback too", "::1", "plain", .source = NULL},

    {"a stranger may authenticate", "203.0.113.1", "start", .could = "at"},
    {"inside TLS without more TLS", "203.0.113.1", "start", .tls = true,
     .could = "a"},
    {"without TLS where that is allowed", "203.0.113.1", "open", .could = "a"},
    {"an account", "203.0.113.1", "start", .tls = true, .account = "ann",
     .source = "user"},
    {"an account in another case is another", "203.0.113.1", "start",
     .tls = true, .account = "Ann"},
    {"an account that no source names", "203.0.113.1", "start", .tls = true,
     .account = "tom"},
    {"the start of an account", "203.0.113.1", "start", .tls = true,
     .account = "an"},
    {"an account on a listener of others", "203.0.113.1", "plain",
     .account = "ann"},
    {"an account before a network", "192.0.2.129", "start", .tls = true,
     .account = "ann", .source = "user", .could = ""},
    {"an account and its network", "192.0.2.129", "start", .tls = true,
     .account = "joe", .source = "userhere"},
    {"an account outside of its network", "203.0.113.1", "start", .tls = true,
     .account = "joe", .source = "user"},
    {"a network's client with a strange account", "192.0.2.7", "start",
     .tls = true, .account = "tom", .source = "wide"},

    {"a certificate", "203.0.113.1", "start", .tls = true,
     .certificate = "x.crm.example", .source = "cert", .could = "a"},
    {"the second of its names", "203.0.113.1", "start", .tls = true,
     .certificate = "y.example a.example", .source = "cert", .could = "a"},
    {"letter case of a certificate", "203.0.113.1", "start", .tls = true,
     .certificate = "X.CRM.Example", .source = "cert", .could = "a"},
    {"the domain itself is no subdomain", "203.0.113.1", "start", .tls = true,
     .certificate = "crm.example", .could = "a"},
    {"an end of a label is none", "203.0.113.1", "start", .tls = true,
     .certificate = "xcrm.example", .could = "a"},
    {"the name inside of another", "203.0.113.1", "start", .tls = true,
     .certificate = "a.example.evil.example", .could = "a"},
    {"a subdomain of an exact name", "203.0.113.1", "start", .tls = true,
     .certificate = "x.a.example", .could = "a"},
    {"a certificate before a network", "192.0.2.7", "start", .tls = true,
     .certificate = "a.example", .source = "cert", .could = "a"},
    {"an account before a certificate", "192.0.2.7", "start", .tls = true,
     .certificate = "a.example", .account = "ann", .source = "user"},
    {"both are more than one of them", "192.0.2.7", "start", .tls = true,
     .certificate = "a.example", .account = "sue", .source = "both"},
    {"one of both is not both", "203.0.113.1", "start", .tls = true,
     .account = "sue"},
};

static void
check(const struct settings *s, size_t i)
{
	struct door_client c = {
	    .tls = row[i].tls,
	    .names = row[i].certificate != NULL ? row[i].certificate : "",
	    .account = row[i].account != NULL ? row[i].account : ""};
	struct door_answer a;
	char could[3] = "";

	for (size_t j = 0; j < s->nlistens; j++)
		if (strcmp(s->listens[j].title, row[i].listener) == 0)
			c.listen = &s->listens[j];
	peer_of(row[i].peer, c.peer);
	door_who(s, &c, &a);
	if (row[i].source == NULL
		? a.source != NULL
		: a.source == NULL ||
		      strcmp(a.source->title, row[i].source) != 0)
		fail_msg("%s: %s", row[i].name,
			 a.source != NULL ? a.source->title : "nobody");
	snprintf(could, sizeof could, "%s%s", a.could_authenticate ? "a" : "",
		 a.could_secure ? "t" : "");
	if (strcmp(could, row[i].could != NULL ? row[i].could : "") != 0)
		fail_msg("%s: could %s", row[i].name, could);
}

/* In each order of the blocks the answers are the same. */
static void
who(void **state)
{
	(void)state;
	for (size_t first = 0; first < countof(source); first++) {
		for (int back = 0; back < 2; back++) {
			struct settings *s = settings_in_order(first, back);

			for (size_t i = 0; i < countof(row); i++)
				check(s, i);
			settings_free(s);
		}
	}
}

static void
domains(void **state)
{
	static const struct {
		const char *pattern, *domain;
		bool is;
	} table[] = {
	    {"example.com", "example.com", true},
	    {"example.com", "EXAMPLE.Com", true},
	    {"example.com", "www.example.com", false},
	    {"example.com", "example.com.", false},
	    {"example.com", "example.co", false},
	    {"example.com", "", false},
	    {"*.example.com", "a.example.com", true},
	    {"*.example.com", "a.b.example.com", true},
	    {"*.Example.com", "a.exaMple.com", true},
	    {"*.example.com", "example.com", false},
	    {"*.example.com", ".example.com", false},
	    {"*.example.com", "aexample.com", false},
	    {"*.example.com", "a.example.com.evil.org", false},
	    {"*.example.com", "", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		if (door_domain_is(table[i].pattern, table[i].domain,
				   strlen(table[i].domain)) != table[i].is)
			fail_msg("%s %s", table[i].pattern, table[i].domain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who),
	    cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
