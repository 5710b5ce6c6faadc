/*
 * jail_fence - the files a process may open, the TCP ports it may connect to,
 * and whom it may signal, as a fence in the kernel (Landlock).
 *
 * Versions  files are fenced from Linux 5.13 on, truncating them from 6.2,
 *           TCP ports from 6.7, devices from 6.10, signals and abstract
 *           sockets from 6.12.  What is younger than the kernel is left out,
 *           and jail_fence_missing says it.
 * Source    landlock(7)
 */
#ifndef MTQ_JAIL_FENCE_H
#define MTQ_JAIL_FENCE_H

#include "daemon/err.h"

enum jail_access { JAIL_READ, JAIL_WRITE }; /* WRITE includes READ */
struct jail_path {
	const char *path; /* a file or a folder with all below it */
	enum jail_access access;
	bool optional; /* need not exist */
};

/* From here on only these paths to open, only these ports to connect to by
 * TCP, none to listen on, and signals to nobody else.  This thread and those
 * that it starts. */
bool jail_fence(const struct jail_path *paths, size_t npaths,
		const uint16_t *ports, size_t nports, struct err *e) MUST_USE;
/* Signals only to what this process started: for mtqd, whose commands need
 * files that we can't know. */
bool jail_fence_signals(struct err *e) MUST_USE;
/* What this kernel can't fence; NULL: all of it can be. */
const char *jail_fence_missing(void);

#endif
