/*
 * loop - one thread's event loop: descriptors, timers, a bell other threads
 * may ring, and work for a thread pool.  The only user of libuv.
 *
 * Sockets are ours: callers read(2), writev(2) and close(2) them, the loop only
 * says when.  A watch must be closed before its descriptor.
 *
 * Owner    watch, timer and bell live in the caller's memory.  After *_close
 *          that memory must stay until `closed` was called (NULL: the caller
 *          promises that the loop itself ends first).
 * Unit     milliseconds, at least 1 (libuv 1.44: a 0 ms timer armed again in
 *          its own callback starves all I/O).
 * Errors   a call libuv refuses is our mistake: must().
 */
#ifndef MTQ_LOOP_H
#define MTQ_LOOP_H

#include "daemon/base.h"

struct loop;

struct loop *loop_open(void);
void loop_run(struct loop *l); /* until loop_stop or nothing is left */
void loop_stop(struct loop *l);
void loop_close(struct loop *l);
/* Called once after each round of callbacks, before the loop sleeps: the
 * place to flush logs and batched writes.  One per loop. */
void loop_after(struct loop *l, void (*fn)(void *arg), void *arg);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* libuv's own structs, so big as they are in 1.44; loop.c asserts it. */
enum { LOOP_POLL_WORDS = 20, LOOP_TIMER_WORDS = 19, LOOP_BELL_WORDS = 16 };

struct watch {
	void (*fn)(struct watch *w, int events); /* LOOP_READ|LOOP_WRITE; an
						    error wakes both */
	void (*closed)(struct watch *w);
	int events; /* watched now */
	void *poll[LOOP_POLL_WORDS];
};
/* fd becomes non-blocking.  events = 0 watches nothing for now. */
void watch_open(struct loop *l, struct watch *w, int fd,
		void (*fn)(struct watch *w, int events));
void watch_for(struct watch *w, int events);
void watch_close(struct watch *w, void (*closed)(struct watch *w));

struct timer {
	void (*fn)(struct timer *t);
	void (*closed)(struct timer *t);
	void *timer[LOOP_TIMER_WORDS];
};
void timer_open(struct loop *l, struct timer *t, void (*fn)(struct timer *t));
void timer_start(struct timer *t, uint64_t ms); /* once; replaces the old */
void timer_stop(struct timer *t);
void timer_close(struct timer *t, void (*closed)(struct timer *t));

struct bell {
	void (*fn)(struct bell *b);
	void (*closed)(struct bell *b);
	void *async[LOOP_BELL_WORDS];
};
void bell_open(struct loop *l, struct bell *b, void (*fn)(struct bell *b));
void bell_ring(struct bell *b); /* from any thread; rings merge */
void bell_close(struct bell *b, void (*closed)(struct bell *b));

/* Signals arrive in the loop. */
void loop_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo),
		 void *arg);

/* Runs `work` on a pool thread, then `done` in the loop.  For calls that block
 * on a disk (Maildir delivery).  Both get `arg`. */
void loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg),
	       void *arg);

#endif
