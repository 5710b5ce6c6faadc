/*
 * years - relay-years of the real dispatcher in all zones of tzdata: quotas of
 * every kind, rates, routes, walls, pauses, limits changed at run time, reloads,
 * workers that fail and die, crashes, clocks that jump.
 *
 *	years WORLDS [FIRST [PROCESSES]]
 *
 * After every step the books of the remote and of the scheduler are compared;
 * a broken promise prints the seed, which repeats the world.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/now.h"
#include "tests/sim/years.h"

struct years y;

const char *
years_time(int64_t us)
{
	static char text[NOW_RFC3339_SIZE];

	now_rfc3339(us, text);
	return text;
}

static void
choose_time(void)
{
	int64_t at_us = INT64_C(1767225600) * SECOND_US + /* 2026-01-01 */
			(int64_t)chance(10 * 365) * DAY_US;

	for (size_t i = 0; i < ZONES_A_WORLD; i++)
		y.zone[i] = (y.seed * ZONES_A_WORLD + i) % years_zones();
	if (chance(4) != 0)
		at_us = years_near_change(y.zone[chance(ZONES_A_WORLD)], at_us);
	y.now_us = y.begun_us = y.latest_us =
	    at_us + (int64_t)chance(24 * 60) * MINUTE_US;
	years_calendar(y.begun_us - 70 * DAY_US,
		       y.begun_us + (DAYS + 80) * DAY_US);
}

static void
clean(void)
{
	dispatch_close(y.dispatch);
	store_close(y.store);
	settings_free(y.settings);
	for (int i = 0; i < 2; i++) {
		char *path =
		    must_printf("%s/queue.mdb%s", y.dir, i ? "-lock" : "");

		unlink(path);
		free(path);
	}
	rmdir(y.dir);
}

static void
run(uint64_t seed)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct err e;

	memset(&y, 0, sizeof y);
	y.seed = y.state = seed;
	choose_time();
	snprintf(y.dir, sizeof y.dir, "%s/mtq-years-XXXXXX", base);
	CHECK(mkdtemp(y.dir) != NULL, "mkdtemp");
	years_design();
	years_configure();
	CHECK(store_create(y.dir, 64 << 20, "years", y.now_us, &e), "%s",
	      e.text);
	years_open();
	while (y.steady_us < DAYS * DAY_US)
		years_event();
	y.relay_days = (double)y.steady_us / (double)DAY_US * RELAYS_AT_ONCE;
	years_drain();
	clean();
}

/* What one process did, for the sum over all. */
struct total {
	uint64_t worlds, events, jobs, sent, doubts, crashes, jumps, reloads;
	uint64_t walls, permits, compared, looks;
	double relay_days;
};

static void
add(struct total *t)
{
	t->worlds++;
	t->events += y.events;
	t->jobs += y.jobs;
	t->sent += y.sent;
	t->doubts += y.doubts;
	t->crashes += y.crashes;
	t->jumps += y.jumps;
	t->reloads += y.reloads;
	t->walls += y.walls;
	t->permits += y.permits;
	t->compared += y.compared;
	t->looks += y.looks;
	t->relay_days += y.relay_days;
}

static void
say(const struct total *t)
{
	size_t zones = years_zones();

	printf("years: %" PRIu64 " worlds, %.0f relay-years, %" PRIu64
	       " of %zu zones: %" PRIu64 " events, %" PRIu64 " jobs, %" PRIu64
	       " sent, %" PRIu64 " in doubt, %" PRIu64 " walls, %" PRIu64
	       " permits, %" PRIu64 " crashes, %" PRIu64
	       " clock jumps, %" PRIu64 " reloads; books compared %" PRIu64
	       " times, %" PRIu64 " looks for mail left lying\n",
	       t->worlds, t->relay_days / 365.25,
	       min_of(t->worlds * ZONES_A_WORLD, zones), zones, t->events,
	       t->jobs, t->sent, t->doubts, t->walls, t->permits, t->crashes,
	       t->jumps, t->reloads, t->compared, t->looks);
}

/* Some of the seeds, in a process of its own; the sum goes through the pipe. */
static pid_t
begin(uint64_t first, uint64_t end, uint64_t by, int out)
{
	struct total t = {0};
	pid_t pid = fork();

	must(pid >= 0);
	if (pid != 0)
		return pid;
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
	struct total sum = {0}, t;
	int ends[2], status, bad = 0;

	signal(SIGXFSZ, SIG_IGN); /* as jail_begin does */
	if (getenv("YEARS_LOG") == NULL &&
	    freopen("/dev/null", "w", stderr) == NULL)
		return 2;
	(void)years_zones();
	must(pipe(ends) == 0);
	for (uint64_t i = 0; i < by; i++)
		begin(first + i, first + worlds, by, ends[1]);
	close(ends[1]);
	while (wait(&status) > 0)
		bad |= status;
	while (read(ends[0], &t, sizeof t) == (ssize_t)sizeof t) {
		sum.worlds += t.worlds;
		sum.events += t.events;
		sum.jobs += t.jobs;
		sum.sent += t.sent;
		sum.doubts += t.doubts;
		sum.crashes += t.crashes;
		sum.jumps += t.jumps;
		sum.reloads += t.reloads;
		sum.walls += t.walls;
		sum.permits += t.permits;
		sum.compared += t.compared;
		sum.looks += t.looks;
		sum.relay_days += t.relay_days;
	}
	say(&sum);
	return bad == 0 ? 0 : 1;
}
