/* The resolver as a process lives with it: silent servers, keys and servers
 * that change, memory. */
#include <arpa/inet.h>

#include "tests/delivery/lookups.h"

/* A key that signs nothing here. */
static const char OTHER_KEY[] =
    "mtqt. IN DS 1 13 2 0123456789abcdef0123456789abcdef"
    "0123456789abcdef0123456789abcdef\n";

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
copy_file(const char *from, const char *to)
{
	char text[1024] = "";
	FILE *f = fopen(from, "r");

	must(f != NULL && fread(text, 1, sizeof text - 1, f) > 0);
	fclose(f);
	write_file(to, text);
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

/* Keys and servers that change under way hold from the next question on. */
static void
reloads(void **state)
{
	struct world *w = *state;
	char path[128];
	char *files[] = {path};
	struct dns_settings settings = w->settings;
	struct question q = {.port = 25, .tlsa = true};
	struct lookup open = {.done = done}, l;
	struct resolver *r = w->resolver;

	snprintf(path, sizeof path, "%s/other.ds", w->folder);
	write_file(path, OTHER_KEY);
	settings.trust_anchor = (struct texts){files, 1};
	q.host = "order.secure.mtqt";
	w->open = 1;
	resolve_start(r, &open, &q); /* the MX goes to the old context */
	resolver_configure(r, &settings);
	await(w);
	assert_non_null(strstr(open.detail, "the address answer is bogus"));
	resolve_drop(&open, NULL);
	l = look(w, "order.secure.mtqt", &q);
	assert_int_equal(l.status, STATUS_DNS_FAILED);
	assert_non_null(strstr(l.detail, "the MX answer is bogus"));
	resolve_drop(&l, NULL);
	/* The same path, another file: a program keeps it current. */
	copy_file(w->anchor, path);
	resolver_configure(r, &settings);
	l = look(w, "order.secure.mtqt", &q);
	assert_int_equal(l.n, 4);
	assert_true(l.target[0].secure);
	resolve_drop(&l, NULL);
	/* A file that is gone: better the keys we had. */
	must(unlink(path) == 0);
	resolver_configure(r, &settings);
	l = look(w, "secure.mtqt", &q);
	assert_int_equal(l.n, 2);
	resolve_drop(&l, NULL);
	/* Dropped while the context it is in goes. */
	w->open = 1;
	q.host = "dropped.secure.mtqt";
	resolve_start(r, &open, &q);
	resolver_configure(r, &w->settings);
	resolve_drop(&open, NULL);
	w->open = 0;
	l = look(w, "secure.mtqt", &q);
	assert_int_equal(l.n, 2);
	resolve_drop(&l, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(deadlines), cmocka_unit_test(anchors),
	    cmocka_unit_test(reloads), cmocka_unit_test(memory)};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, world_open, world_close);
}
