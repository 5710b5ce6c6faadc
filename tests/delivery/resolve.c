/* Lookups by libunbound against an nsd with zones signed in every right and
 * wrong way (tests/zones.py): who is tried, in which order, and what DNSSEC
 * says of it. */
#include "daemon/dns.h"
#include "tests/delivery/lookups.h"

enum { TEXT_MOST = 8192 };

/* "HOST ADDRESS [s] [usable[/RECORDS][@BASE]]", commas between; or
 * "STATUS (detail)". */
static void
print_target(const struct target *t, char *out, size_t size)
{
	char tlsa[400] = "", n[32] = "", base[300] = "";

	if (t->tlsa != NULL) {
		if (t->tlsa->n > 0)
			snprintf(n, sizeof n, "/%zu", t->tlsa->n);
		if (strcmp(t->tlsa->base, t->host) != 0)
			snprintf(base, sizeof base, "@%s", t->tlsa->base);
		snprintf(tlsa, sizeof tlsa, " %s%s%s",
			 tlsa_word(t->tlsa->state), n, base);
	}
	snprintf(out, size, "%s %s%s%s", t->host, t->text,
		 t->secure ? " s" : "", tlsa);
}

static void
print(const struct lookup *l, char out[TEXT_MOST])
{
	static const char *const word[] = {
#define S(id, code, kind, blame, category, text) [STATUS_##id] = #id,
	    STATUSES(S)
#undef S
	};
	size_t n = 0;

	if (l->n == 0) {
		must(l->status < STATUS_COUNT);
		snprintf(out, TEXT_MOST, "%s (%s)", word[l->status], l->detail);
		return;
	}
	out[0] = '\0';
	for (size_t i = 0; i < l->n; i++) {
		n += (size_t)snprintf(out + n, TEXT_MOST - n, "%s",
				      i > 0 ? ", " : "");
		print_target(&l->target[i], out + n, TEXT_MOST - n);
		n += strlen(out + n);
	}
}

enum { DIRECT = 1, TLSA = 2, PRIVATE = 4, STRICT = 8, HOST = 16, MX = 32 };
struct row {
	const char *name;
	const char *host; /* without .mtqt when it is a name */
	unsigned flags;
	const char *want; /* ends in '*': only what stands before it */
};

static struct question
question_of(const struct row *r, const char *host)
{
	return (struct question){
	    .host = host,
	    .port = 25,
	    .how = r->flags & HOST ? LOOKUP_HOST
		   : r->flags & MX ? LOOKUP_MX
				   : LOOKUP_AUTO,
	    .tlsa = r->flags & TLSA,
	    .direct = r->flags & DIRECT,
	    .allow_private = r->flags & PRIVATE,
	    .strict_cname = r->flags & STRICT,
	    .hostname = "me.mtqt",
	};
}

static void
check(struct world *w, const struct row *r)
{
	char host[256], got[TEXT_MOST];
	struct lookup l = {.done = done};
	size_t n = strcspn(r->want, "*");
	struct question q;

	snprintf(host, sizeof host, "%s%s", r->host,
		 strchr("[9", r->host[0]) != NULL ? "" : ".mtqt");
	q = question_of(r, host);
	w->open = 1;
	resolve_start(w->resolver, &l, &q);
	memset(host, 'x', sizeof host - 1); /* it was copied */
	await(w);
	print(&l, got);
	if (getenv("SHOW") != NULL)
		print_message("%s: %s (%u s)\n", r->name, got, l.ttl_s);
	else if (strncmp(got, r->want, n) != 0 ||
		 (r->want[n] == '\0' && got[n] != '\0'))
		fail_msg("%s (%s): %s", r->name, r->host, got);
	resolve_drop(&l, NULL);
}

static void
check_all(struct world *w, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(w, &row[i]);
}

#define MX1(zone, mark)                                                        \
	"mx1." zone ".mtqt 2a00::1" mark ", mx1." zone ".mtqt 9.0.0.1" mark
#define BOGUS "DNS_FAILED (the MX answer is bogus: *"

/* Bogus is a failure at every step, and is told from "not signed". */
static void
states(void **state)
{
	static const struct row row[] = {
	    {"a signed domain", "secure", TLSA | DIRECT,
	     MX1("secure", " s usable/1")},
	    {"nobody asked for TLSA", "secure", DIRECT, MX1("secure", " s")},
	    {"a domain that isn't signed", "insecure", TLSA | DIRECT,
	     MX1("insecure", "")},
	    {"damaged signatures", "bogus", TLSA | DIRECT, BOGUS},
	    {"expired signatures", "expired", TLSA | DIRECT, BOGUS},
	    {"signatures of tomorrow", "future", TLSA | DIRECT, BOGUS},
	    {"a DS and no signature", "unsigned", TLSA | DIRECT, BOGUS},
	    {"the DS of another key", "wrongds", TLSA | DIRECT, BOGUS},
	    {"servers that fail", "broken", TLSA | DIRECT,
	     "DNS_FAILED (the MX answer is a server failure (rcode 2))"},
	    {"bogus for a relay too", "bogus", 0, BOGUS},
	    {"bogus addresses of a host", "mx1.bogus", HOST,
	     "DNS_FAILED (mx1.bogus.mtqt: the address answer is bogus: *"},
	    {"a bogus MX beside good addresses", "badmx", DIRECT, BOGUS},
	    {"no proof that there is no MX", "onlya.stripped", DIRECT, BOGUS},
	    {"a bogus denial of MX", "plain.baddenial", DIRECT, BOGUS},
	    {"a bogus denial of MX, for a relay", "plain.baddenial", 0, BOGUS},
	    {"one host's addresses are bogus", "two.secure", TLSA | DIRECT,
	     "plain.secure.mtqt 9.0.0.2 s none"},
	    {"all hosts' addresses are bogus", "allbad.secure", TLSA | DIRECT,
	     "DNS_FAILED (mx1.bogus.mtqt: the address answer is bogus: *"},
	    {"AAAA is good, A is bogus", "bada", DIRECT,
	     "mx1.bada.mtqt 2a00::1 s"},
	    {"a secure MX to an insecure host", "intoinsecure.secure",
	     TLSA | DIRECT, MX1("insecure", "")},
	    {"an insecure MX to a secure host", "intosecure.insecure",
	     TLSA | DIRECT, MX1("secure", "")},
	    {"a host whose servers fail", "intobroken.secure", DIRECT,
	     "DNS_FAILED (mx.broken.mtqt: the address answer is a server "
	     "failure (rcode 2))"},
	};

	check_all(*state, row, countof(row));
}

static void
tlsa_states(void **state)
{
	static const struct row row[] = {
	    {"no TLSA, and that is proved", "plain.secure", TLSA | HOST,
	     "plain.secure.mtqt 9.0.0.2 s none"},
	    {"TLSA of a configured host", "mx1.secure", TLSA | HOST,
	     MX1("secure", " s usable/1")},
	    {"no TLSA, proved by NSEC3", "plain.nsec3", TLSA | HOST,
	     "plain.nsec3.mtqt 9.0.0.2 s none"},
	    {"a domain signed with NSEC3", "nsec3", TLSA | DIRECT,
	     MX1("nsec3", " s usable/1")},
	    {"a bogus TLSA", "mx1.badtlsa", TLSA | HOST,
	     MX1("badtlsa", " s failed")},
	    {"a bogus TLSA of one host of two", "badtlsa", TLSA | DIRECT,
	     MX1("badtlsa", " s failed") ", plain.badtlsa.mtqt 9.0.0.2 s "
					 "none"},
	    {"a bogus proof that there is none", "plain.baddenial", TLSA | HOST,
	     "plain.baddenial.mtqt 9.0.0.2 s failed"},
	    {"only usages for the web", "unusable.secure", TLSA | HOST,
	     "unusable.secure.mtqt 9.0.0.6 s unusable*"},
	    {"one of two counts", "mixed.secure", TLSA | HOST,
	     "mixed.secure.mtqt 9.0.0.7 s usable/1"},
	    {"TLSA behind a signed CNAME", "tlsaalias.secure", TLSA | HOST,
	     "tlsaalias.secure.mtqt 9.0.0.8 s usable/1"},
	    {"a CNAME to TLSA that isn't signed", "tlsaout.secure", TLSA | HOST,
	     "tlsaout.secure.mtqt 9.0.0.9 s none"},
	    {"TLSA is a loop of CNAMEs", "tlsaloop.secure", TLSA | HOST,
	     "tlsaloop.secure.mtqt 9.0.0.10 s failed"},
	    {"a CNAME to a bogus TLSA", "tlsabad.secure", TLSA | HOST,
	     "tlsabad.secure.mtqt 9.0.0.11 s failed"},
	    {"the servers of TLSA fail", "tlsabroken.secure", TLSA | HOST,
	     "tlsabroken.secure.mtqt 9.0.0.12 s failed"},
	    {"more records than we look at", "tlsamany.secure", TLSA | HOST,
	     "tlsamany.secure.mtqt 9.0.0.13 s usable/16"},
	    {"a relay without MX record", "implicit.secure", TLSA,
	     "implicit.secure.mtqt 9.0.0.4 s usable/1"},
	    {"a domain without MX record", "implicit.secure", TLSA | DIRECT,
	     "implicit.secure.mtqt 9.0.0.4 s usable/1"},
	    {"an address has no TLSA", "9.0.0.1", TLSA, "9.0.0.1 9.0.0.1"},
	};

	check_all(*state, row, countof(row));
}

static void
aliases(void **state)
{
	static const struct row row[] = {
	    {"TLSA at the end of a CNAME", "alias.secure", TLSA | HOST,
	     "alias.secure.mtqt 2a00::1 s usable/1@mx1.secure.mtqt, "
	     "alias.secure.mtqt 9.0.0.1 s usable/1@mx1.secure.mtqt"},
	    {"TLSA at the end of two", "second.secure", TLSA | HOST,
	     "second.secure.mtqt 2a00::1 s usable/1@mx1.secure.mtqt, "
	     "second.secure.mtqt 9.0.0.1 s usable/1@mx1.secure.mtqt"},
	    {"none at the end, one at the name", "aliasown.secure", TLSA | HOST,
	     "aliasown.secure.mtqt 9.0.0.2 s usable/1"},
	    {"out of what is signed", "out.secure", TLSA | HOST,
	     "out.secure.mtqt 2a00::1 none, out.secure.mtqt 9.0.0.1 none"},
	    {"out, with TLSA at the name", "outtlsa.secure", TLSA | HOST,
	     "outtlsa.secure.mtqt 2a00::1 usable/1, "
	     "outtlsa.secure.mtqt 9.0.0.1 usable/1"},
	    {"an MX to such a name", "viaout.secure", TLSA | DIRECT,
	     "outtlsa.secure.mtqt 2a00::1 usable/1, "
	     "outtlsa.secure.mtqt 9.0.0.1 usable/1"},
	    {"into what is bogus", "intobad.secure", TLSA | HOST,
	     "DNS_FAILED (intobad.secure.mtqt: the address answer is bogus*"},
	    {"a loop", "loop.secure", TLSA | HOST,
	     "DNS_FAILED (loop.secure.mtqt: the address answer is *"},
	    {"an MX to an alias", "viaalias.secure", DIRECT,
	     "alias.secure.mtqt 2a00::1 s, alias.secure.mtqt 9.0.0.1 s"},
	    {"strict: an MX to an alias", "viaalias.secure", DIRECT | STRICT,
	     "NO_HOST (alias.secure.mtqt: an alias (CNAME))"},
	    {"strict: a host that is none", "mx1.secure", HOST | STRICT,
	     MX1("secure", " s")},
	    {"a domain that is an alias", "domainalias.secure", DIRECT,
	     MX1("secure", " s") ", plain.secure.mtqt 9.0.0.2 s, "
				 "mx3.secure.mtqt 9.0.0.3 s"},
	};

	check_all(*state, row, countof(row));
}

static void
exchangers(void **state)
{
	static const struct row row[] = {
	    {"by preference", "order.secure", 0,
	     MX1("secure", " s") ", plain.secure.mtqt 9.0.0.2 s, "
				 "mx3.secure.mtqt 9.0.0.3 s"},
	    {"a host: no MX is asked for", "order.secure", HOST,
	     "NO_HOST (order.secure.mtqt)"},
	    {"MX only, and there is none", "plain.secure", MX,
	     "NO_HOST (no MX record)"},
	    {"null MX", "null.secure", DIRECT, "NULL_MX (null.secure.mtqt)"},
	    {"null MX of a relay's name", "null.secure", 0,
	     "NO_HOST (null.secure.mtqt)"},
	    {"null MX, a relay by MX", "null.secure", MX,
	     "NO_HOST (no MX record is usable)"},
	    {"null MX that is not alone", "nullplus.secure", DIRECT,
	     MX1("secure", " s")},
	    {"no such domain", "absent.secure", DIRECT,
	     "NO_DOMAIN (absent.secure.mtqt)"},
	    {"no such domain, by NSEC3", "absent.nsec3", DIRECT,
	     "NO_DOMAIN (absent.nsec3.mtqt)"},
	    {"no such domain, not signed", "absent.insecure", DIRECT,
	     "NO_DOMAIN (absent.insecure.mtqt)"},
	    {"an empty label", "a..b", DIRECT,
	     "DNS_FAILED (the MX answer is an error: syntax error)"},
	    {"a name beyond ASCII, by its A-label", "B\303\274cher.secure",
	     DIRECT, MX1("secure", " s")},
	    {"a host beyond ASCII", "\303\274.secure", HOST,
	     "xn--tda.secure.mtqt 9.0.0.31 s"},
	    {"beyond ASCII, and no such domain", "absent.\303\274", DIRECT,
	     "NO_DOMAIN (absent.xn--tda.mtqt)"},
	    {"a name that isn't UTF-8", "b\374cher", DIRECT,
	     "NO_DOMAIN (a name that can't be asked for)"},
	    {"a host that isn't UTF-8", "b\374cher", HOST,
	     "NO_HOST (a name that can't be asked for)"},
	    {"a name with a sign in it", "b\357\274\217\303\274", DIRECT,
	     "NO_DOMAIN (a name that can't be asked for)"},
	    {"no such relay", "absent.secure", 0,
	     "NO_HOST (absent.secure.mtqt)"},
	    {"a denial that isn't proved", "absent.stripped", DIRECT, BOGUS},
	    {"an MX to nowhere", "nowhere.secure", DIRECT,
	     "NO_HOST (missing.secure.mtqt)"},
	    {"an MX to a name without address", "noaddress.secure", DIRECT,
	     "NO_HOST (notes.secure.mtqt)"},
	    {"an MX that is no host name", "badname.secure", DIRECT,
	     "NO_HOST (no MX record is usable)"},
	    {"we are the best MX", "own.secure", DIRECT, "OWN_MX (me.mtqt)"},
	    {"we are the second", "ownlast.secure", DIRECT,
	     MX1("secure", " s")},
	    {"a relay may list us", "own.secure", 0, MX1("secure", " s")},
	    {"private addresses only", "private.secure", DIRECT,
	     "PRIVATE (host10.secure.mtqt)"},
	    {"private ones are allowed", "private.secure", DIRECT | PRIVATE,
	     "host10.secure.mtqt 10.0.0.1 s, host127.secure.mtqt ::1 s, "
	     "host127.secure.mtqt 127.0.0.1 s"},
	    {"a relay may be private", "host10.secure", 0,
	     "host10.secure.mtqt 10.0.0.1 s"},
	    {"one of two is private", "partly.secure", DIRECT,
	     "plain.secure.mtqt 9.0.0.2 s"},
	    {"private, and one that failed", "privatebad.secure", DIRECT,
	     "DNS_FAILED (mx1.bogus.mtqt: *"},
	    {"a v4-mapped address", "mapped.secure", DIRECT,
	     "mapped.secure.mtqt 9.0.0.5 s"},
	    {"a private literal", "[127.0.0.1]", DIRECT, "PRIVATE ()"},
	    {"a public literal", "[IPv6:2a00::1]", DIRECT, "2a00::1 2a00::1"},
	    {"a private literal as relay", "[::1]", 0, "::1 ::1"},
	};

	check_all(*state, row, countof(row));
}

/* Who may put anything into his zone does not decide how much we do. */
static void
limits(void **state)
{
	struct question q = {.direct = true, .tlsa = true};
	struct lookup l = look(*state, "many.secure.mtqt", &q);

	assert_int_equal(l.n, DNS_HOSTS_MOST); /* of 100, the best */
	for (size_t i = 0; i < l.n; i++) {
		char want[64];

		snprintf(want, sizeof want, "mx%zu.many.secure.mtqt", 100 - i);
		assert_string_equal(l.target[i].host, want);
	}
	assert_in_range(l.ttl_s, 200, RESOLVE_TTL_MOST_S);
	resolve_drop(&l, NULL);
	l = look(*state, "badtlsa.mtqt", &q); /* what failed is asked soon */
	assert_in_range(l.ttl_s, 1, 30);
	resolve_drop(&l, NULL);
	l = look(*state, "two.secure.mtqt", &q);
	assert_in_range(l.ttl_s, 1, 30);
	resolve_drop(&l, NULL);
	l = look(*state, "crowd.secure.mtqt", &q);
	assert_int_equal(l.n, RESOLVE_PER_HOST_MOST); /* of 30 */
	resolve_drop(&l, NULL);
	l = look(*state, "broad.secure.mtqt", &q);
	assert_int_equal(l.n, RESOLVE_ADDRESSES_MOST); /* of 60 */
	resolve_drop(&l, NULL);
	l = look(*state, "tlsamany.secure.mtqt", &q);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.target[0].tlsa->n, TLSA_MOST); /* of 40 */
	assert_string_equal(l.target[0].tlsa->why,
			    "only 16 of 40 records are looked at");
	resolve_drop(&l, NULL);
}

static void
fail_done(struct lookup *l)
{
	(void)l;
	fail_msg("done was called after a drop");
}

static void
gone(struct lookup *l)
{
	assert_null(l->target);
	assert_null(l->search);
	world.open--;
}

/* A lookup may be dropped at any step, and used again. */
static void
drops(void **state)
{
	struct world *w = *state;
	struct question q = {.host = "dropped.secure.mtqt",
			     .port = 25,
			     .direct = true,
			     .tlsa = true};
	struct lookup l = {.done = fail_done};

	resolve_drop(&l, NULL); /* never started */
	resolve_start(w->resolver, &l, &q);
	w->open = 1;
	resolve_drop(&l, gone);
	assert_int_equal(w->open, 0);
	l = look(w, "secure.mtqt", &q);
	assert_int_equal(l.n, 2);
	assert_ptr_equal(l.target[0].tlsa, l.target[1].tlsa);
	q.host = "plain.secure.mtqt"; /* again, without a drop */
	w->open = 1;
	resolve_start(w->resolver, &l, &q);
	assert_int_equal(l.n, 0);
	await(w);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.target[0].text, "9.0.0.2");
	resolve_drop(&l, gone);
	assert_int_equal(l.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states),  cmocka_unit_test(tlsa_states),
	    cmocka_unit_test(aliases), cmocka_unit_test(exchangers),
	    cmocka_unit_test(limits),  cmocka_unit_test(drops)};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, world_open, world_close);
}
