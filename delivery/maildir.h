/*
 * maildir - a message into a Maildir: tmp/, synced, then new/, synced.  What
 * blocks runs on the loop's thread pool; the body is read in the loop, one
 * chunk at a time.  The rename into new/ is what the final dot is in SMTP: it is
 * announced before, and task.dot_sent says whether it happened.
 *
 * The file begins with Return-Path and one Delivered-To a recipient (RFC 5321
 * 4.4); line ends are LF, as Maildir readers expect.
 *
 * Source   https://cr.yp.to/proto/maildir.html
 */
#ifndef MTQ_MAILDIR_H
#define MTQ_MAILDIR_H

#include "delivery/body.h"
#include "delivery/outlet.h"
#include "delivery/task.h"

/* Makes the folder and its tmp, new, cur. */
bool maildir_make(const char *dir, struct err *e) MUST_USE;
/* Every recipient has a verdict when `done` is called. */
void maildir_deliver(struct outlet *o, const char *dir, struct task *t,
		     int64_t now_us, void (*done)(void *arg, struct task *t),
		     void *arg);

#endif
