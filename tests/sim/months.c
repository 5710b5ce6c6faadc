/*
 * months - months of mail that fails, waits, is lost on the way and is told of:
 * one report for each failure, an end for each recipient, and a journal that says
 * so.
 *
 *	months WORLDS [FIRST [PROCESSES]]
 *
 * After every commit each recipient that it touched is compared with the world;
 * a broken promise prints the seed, which repeats the world.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/months.h"

struct months m;

static void
clean(void)
{
	dispatch_close(m.dispatch);
	store_close(m.store);
	settings_free(m.settings);
	for (int i = 0; i < 2; i++) {
		char *path =
		    must_printf("%s/queue.mdb%s", m.dir, i ? "-lock" : "");

		unlink(path);
		free(path);
	}
	rmdir(m.dir);
}

static void
design(uint64_t seed)
{
	static const int64_t delay_min[] = {240, 24 * 60, 0, 30};

	memset(&m, 0, sizeof m);
	m.seed = m.state = seed;
	m.now_us = m.begun_us = INT64_C(1795000000) * SECOND_US;
	m.steady_us = SECOND_US;
	m.limited = seed % 4 == 3;
	m.has_reader = seed % 2 == 1;
	m.forgets_to_ack = seed % 4 == 1;
	m.big = seed % 3 != 0;
	m.deaf_postmaster = seed % 5 == 0;
	m.bounces_to_list = (unsigned)(seed % 3);
	m.delay_after_us = delay_min[seed % 5 % 4] * MINUTE_US;
	m.keep_us = (seed % 2 == 0 ? 7 : 30) * DAY_US;
}

static void
run(uint64_t seed)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct err e;

	design(seed);
	snprintf(m.dir, sizeof m.dir, "%s/mtq-months-XXXXXX", base);
	CHECK(mkdtemp(m.dir) != NULL, "mkdtemp");
	months_configure();
	CHECK(store_create(m.dir, 1 << 30, "months", m.now_us, &e), "%s",
	      e.text);
	months_open();
	while (m.now_us < m.begun_us + DAYS * DAY_US)
		months_event();
	months_drain();
	clean();
}

/* What one process did, for the sum over all. */
struct total {
	uint64_t worlds, letters, entries, events, sent, crashes, failures;
	uint64_t reports[TOLD_COUNT], refused, expired, suppressed, poisoned;
	uint64_t doubts, pruned, withheld;
};

static void
add(struct total *t)
{
	t->worlds++;
	t->letters += m.nletters;
	t->entries += m.nnumbers;
	t->events += m.events;
	t->sent += m.sent;
	t->crashes += m.crashes;
	t->failures += m.failures;
	for (size_t i = 0; i < TOLD_COUNT; i++)
		t->reports[i] += m.reports[i];
	t->refused += m.refused;
	t->expired += m.expired;
	t->suppressed += m.suppressed;
	t->poisoned += m.poisoned;
	t->doubts += m.doubts;
	t->pruned += m.pruned;
	t->withheld += m.withheld;
}

static void
say(const struct total *t)
{
	printf("months: %" PRIu64 " worlds of %d days: %" PRIu64
	       " messages, %" PRIu64 " sent, %" PRIu64 " refused, %" PRIu64
	       " expired, %" PRIu64 " suppressed, %" PRIu64
	       " held as poison, %" PRIu64 " in doubt; told of %" PRIu64
	       " failures, %" PRIu64 " delays, %" PRIu64 " deliveries, %" PRIu64
	       " not told for the rate; %" PRIu64 " entries, %" PRIu64
	       " forgotten; %" PRIu64 " crashes, %" PRIu64 " failed commits\n",
	       t->worlds, DAYS, t->letters, t->sent, t->refused, t->expired,
	       t->suppressed, t->poisoned, t->doubts, t->reports[TOLD_FAILED],
	       t->reports[TOLD_DELAYED], t->reports[TOLD_SENT], t->withheld,
	       t->entries, t->pruned, t->crashes, t->failures);
}

/* Some of the seeds, in a process of its own; the sum goes through the pipe. */
static void
begin(uint64_t first, uint64_t end, uint64_t by, int out)
{
	struct total t = {0};
	pid_t pid = fork();

	must(pid >= 0);
	if (pid != 0)
		return;
	for (uint64_t seed = first; seed < end; seed += by) {
		run(seed);
		add(&t);
	}
	_exit(write(out, &t, sizeof t) == (ssize_t)sizeof t ? 0 : 1);
}

int
main(int argc, char **argv)
{
	uint64_t worlds = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t by = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	uint64_t *all, *one;
	struct total sum = {0}, t;
	int ends[2], status, bad = 0;

	signal(SIGXFSZ, SIG_IGN); /* as jail_begin does */
	if (getenv("MONTHS_LOG") == NULL &&
	    freopen("/dev/null", "w", stderr) == NULL)
		return 2;
	must(pipe(ends) == 0);
	for (uint64_t i = 0; i < by; i++)
		begin(first + i, first + worlds, by, ends[1]);
	close(ends[1]);
	while (wait(&status) > 0)
		bad |= status;
	all = (uint64_t *)&sum;
	one = (uint64_t *)&t;
	while (read(ends[0], &t, sizeof t) == (ssize_t)sizeof t)
		for (size_t i = 0; i < sizeof t / sizeof *one; i++)
			all[i] += one[i];
	say(&sum);
	return bad == 0 ? 0 : 1;
}
