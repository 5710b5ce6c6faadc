/* Lookups by libunbound against an nsd with zones signed in every right and
 * wrong way (tests/zones.py): who is tried, in which order, and what DNSSEC
 * says of it. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "delivery/dns.h"
#include "delivery/resolve.h"

enum { PATIENCE_MS = 60 * 1000, TEXT_MOST = 8192 };

static struct world {
	char folder[64];
	pid_t zones;
	int to, from;
	char forward[64], anchor[128];
	char *forwards[1], *anchors[1];
	struct dns_settings settings;
	struct loop *loop;
	struct resolver *resolver, *deaf, *bare; /* end with the process */
	size_t open;                             /* lookups under way */
	bool running;
	struct timer patience;
} world;

/* --- nsd behind tests/zones.py: it ends when our end of the pipe does ----- */

static void
zones_start(struct world *w)
{
	int in[2], out[2];
	FILE *f;

	snprintf(w->folder, sizeof w->folder, "/tmp/mtq-zones-XXXXXX");
	must(mkdtemp(w->folder) != NULL);
	must(pipe(in) == 0 && pipe(out) == 0);
	w->zones = fork();
	must(w->zones >= 0);
	if (w->zones == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execl("/usr/bin/python3", "python3", "tests/zones.py",
		      w->folder, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	w->to = in[1];
	w->from = out[0];
	f = fdopen(w->from, "r");
	must(f != NULL);
	must(fscanf(f, "%63s %127s", w->forward, w->anchor) == 2);
	fclose(f);
}

static void
too_slow(struct timer *t)
{
	(void)t;
	fail_msg("a lookup does not end");
}

static int
world_open(void **state)
{
	struct world *w = &world;

	zones_start(w);
	w->forwards[0] = w->forward;
	w->anchors[0] = w->anchor;
	w->settings.forward = (struct texts){w->forwards, 1};
	w->settings.trust_anchor = (struct texts){w->anchors, 1};
	w->loop = loop_open();
	w->resolver = resolver_open(w->loop, &w->settings);
	timer_open(w->loop, &w->patience, too_slow);
	*state = w;
	return 0;
}

static int
world_close(void **state)
{
	struct world *w = *state;
	char command[128];

	close(w->to);
	must(waitpid(w->zones, NULL, 0) == w->zones);
	snprintf(command, sizeof command, "rm -r %s", w->folder);
	return system(command);
}

static void
done(struct lookup *l)
{
	(void)l;
	if (--world.open == 0 && world.running)
		loop_stop(world.loop);
}

static void
await(struct world *w)
{
	timer_start(&w->patience, PATIENCE_MS);
	w->running = true;
	if (w->open > 0)
		loop_run(w->loop);
	w->running = false;
	timer_stop(&w->patience);
}

/* --- results as text ------------------------------------------------------ */

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
#define S(id, code, kind, blame, text) [STATUS_##id] = #id,
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

/* --- rows ----------------------------------------------------------------- */

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
		print_message("%s: %s\n", r->name, got);
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
	    {"no such domain, not signed", "absent.insecure", DIRECT,
	     "NO_DOMAIN (absent.insecure.mtqt)"},
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

static struct lookup
look(struct world *w, const char *host, const struct question *like)
{
	struct lookup l = {.done = done};
	struct question q = *like;

	q.host = host;
	q.port = 25;
	w->open = 1;
	resolve_start(w->resolver, &l, &q);
	await(w);
	return l;
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
	assert_in_range(l.ttl_s, 1, 300);
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

static size_t
resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t size, resident;

	must(f != NULL && fscanf(f, "%zu %zu", &size, &resident) == 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* 2,000 domains at once: more than may be with libunbound.  What is kept of
 * each is small, and dropping gives it back. */
static void
memory(void **state)
{
	enum { N = 2000, ROUNDS = 5, GROWTH_KB = 8 * 1024 };
	struct world *w = *state;
	struct lookup *l = must_alloc(N * sizeof *l);
	size_t kb[ROUNDS];

	assert_true(sizeof *l <= 192);
	for (size_t round = 0; round < ROUNDS; round++) {
		w->open = N;
		for (size_t i = 0; i < N; i++) {
			char host[64];

			snprintf(host, sizeof host, "r%zu-%zu.wild.secure.mtqt",
				 round, i);
			l[i].done = done;
			resolve_start(w->resolver, &l[i],
				      &(struct question){.host = host,
							 .port = 25,
							 .tlsa = true,
							 .direct = true});
		}
		await(w);
		for (size_t i = 0; i < N; i++) {
			assert_int_equal(l[i].n, 2);
			assert_null(l[i].search);
		}
		kb[round] = resident_kb();
		for (size_t i = 0; i < N; i++)
			resolve_drop(&l[i], NULL);
	}
	free(l);
	print_message("resident after each 2,000: %zu %zu %zu %zu %zu KB\n",
		      kb[0], kb[1], kb[2], kb[3], kb[4]);
	/* The caches of libunbound fill up to 8 MB; nothing else grows.  (A
	 * sanitizer keeps what was freed.) */
#ifndef __SANITIZE_ADDRESS__
	assert_true(kb[ROUNDS - 1] < kb[1] + GROWTH_KB);
#endif
}

/* Servers that never answer: a bound port that nobody reads. */
static void
deadlines(void **state)
{
	static const struct {
		const char *host;
		enum lookup_kind how;
		const char *detail;
	} row[] = {
	    {"secure.mtqt", LOOKUP_AUTO, "no answer for the MX record"},
	    {"mx1.secure.mtqt", LOOKUP_HOST,
	     "mx1.secure.mtqt: no answer in time"},
	};
	struct world *w = *state;
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	char forward[64], *forwards[] = {forward};
	struct dns_settings settings = w->settings;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct lookup l[countof(row)] = {{.done = done}, {.done = done}};
	struct resolver *r;

	must(fd >= 0 && bind(fd, (void *)&sa, sizeof sa) == 0 &&
	     getsockname(fd, (void *)&sa, &len) == 0);
	snprintf(forward, sizeof forward, "127.0.0.1@%u", ntohs(sa.sin_port));
	settings.forward = (struct texts){forwards, 1};
	r = w->deaf = resolver_open(w->loop, &settings);
	w->open = countof(row);
	for (size_t i = 0; i < countof(row); i++)
		resolve_start(r, &l[i],
			      &(struct question){.host = row[i].host,
						 .port = 25,
						 .how = row[i].how,
						 .tlsa = true,
						 .deadline_ms = 200});
	await(w);
	for (size_t i = 0; i < countof(row); i++) {
		assert_int_equal(l[i].n, 0);
		assert_int_equal(l[i].status, STATUS_DNS_FAILED);
		assert_string_equal(l[i].detail, row[i].detail);
		resolve_drop(&l[i], NULL);
	}
	close(fd);
}

/* A resolver that can't be set up puts mail off, and recovers by a reload. */
static void
anchors(void **state)
{
	struct world *w = *state;
	char missing_file[] = "/nonexistent/anchor";
	char *missing[] = {missing_file};
	struct dns_settings settings = w->settings;
	struct lookup l = {.done = done};
	struct question q = {.host = "secure.mtqt", .port = 25, .tlsa = true};
	struct resolver *r;

	settings.trust_anchor = (struct texts){missing, 1};
	r = w->bare = resolver_open(w->loop, &settings);
	w->open = 1;
	resolve_start(r, &l, &q);
	await(w);
	assert_int_equal(l.status, STATUS_DNS_FAILED);
	resolver_configure(r, &w->settings);
	w->open = 1;
	resolve_start(r, &l, &q);
	await(w);
	assert_int_equal(l.n, 2);
	assert_true(l.target[0].secure);
	resolve_drop(&l, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states),    cmocka_unit_test(tlsa_states),
	    cmocka_unit_test(aliases),   cmocka_unit_test(exchangers),
	    cmocka_unit_test(limits),    cmocka_unit_test(drops),
	    cmocka_unit_test(deadlines), cmocka_unit_test(anchors),
	    cmocka_unit_test(memory)};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, world_open, world_close);
}
