/*
 * run - a command of the administrator's as a child of mtqd: started, polled,
 * killed when it takes too long.  Nothing here blocks.
 *
 * There is no shell: the text is cut at blanks.  The command gets an empty
 * stdin and our environment; what it writes to stderr is dropped, as it might
 * be the secret.
 *
 * Owner    run_start / run_poll until it is not RUN_BUSY; then run_done, which
 *          wipes the output.
 * Unit     microseconds of the steady clock.
 */
#ifndef MTQ_RUN_H
#define MTQ_RUN_H

#include <sys/types.h>

#include "daemon/err.h"

enum {
	RUN_OUTPUT_MOST = 64 * 1024,
	RUN_WORDS_MOST = 32, /* of the command */
	RUN_WITHIN_S = 30,
};

enum run_state { RUN_BUSY, RUN_OK, RUN_FAILED };

struct run {
	pid_t pid; /* 0: none */
	int fd;
	int64_t deadline_us;
	unsigned char *out; /* RUN_OUTPUT_MOST + 1 octets */
	size_t n;
	bool killed, too_much;
};

bool run_start(struct run *r, const char *command, int64_t now_us,
	       struct err *e) MUST_USE;
/* RUN_OK: r->out[0..n) is all it printed.  RUN_FAILED: e says why. */
enum run_state run_poll(struct run *r, int64_t now_us, struct err *e);
/* Kills it, with its children, if it still runs. */
void run_done(struct run *r);

#endif
