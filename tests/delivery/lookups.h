/*
 * lookups - a resolver in a loop, and behind it an nsd that tests/zones.py
 * starts.
 */
#ifndef MTQ_TESTS_LOOKUPS_H
#define MTQ_TESTS_LOOKUPS_H

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

#include "delivery/resolve.h"

enum { PATIENCE_MS = 60 * 1000 };

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

static inline void
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

static inline void
too_slow(struct timer *t)
{
	(void)t;
	fail_msg("a lookup does not end");
}

static inline int
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

static inline int
world_close(void **state)
{
	struct world *w = *state;
	char command[128];

	close(w->to);
	must(waitpid(w->zones, NULL, 0) == w->zones);
	snprintf(command, sizeof command, "rm -r %s", w->folder);
	return system(command);
}

static inline void
done(struct lookup *l)
{
	(void)l;
	if (--world.open == 0 && world.running)
		loop_stop(world.loop);
}

static inline void
await(struct world *w)
{
	timer_start(&w->patience, PATIENCE_MS);
	w->running = true;
	if (w->open > 0)
		loop_run(w->loop);
	w->running = false;
	timer_stop(&w->patience);
}

static inline struct lookup
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

#endif
