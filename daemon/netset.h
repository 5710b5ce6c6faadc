/*
 * netset - networks under a name: "@zoho-eu" in from_ip is what stands in
 * FOLDER/zoho-eu.conf.
 *
 *	# as of 2026-07-12		must be given: lists like these grow old
 *	# source: https://...		where it was published
 *	185.20.209.0/24			one network a line; # begins a comment
 *
 * Networks inside each other and neighbours become one.
 *
 * Owner    all lives in the arena of netsets_make.
 * Errors   lines in a struct report.
 * Source   docs/salesforce.md, docs/zoho.md
 */
#ifndef MTQ_NETSET_H
#define MTQ_NETSET_H

#include "daemon/arena.h"
#include "daemon/net.h"
#include "daemon/report.h"

enum {
	NETSETS_MOST = 64,         /* different ones of a configuration */
	NETSET_OCTETS = 256 << 10, /* of one file */
	NETSET_NETWORKS = 10000,   /* of one set */
	NETSET_NAME = 64,
	NETSET_OLD_DAYS = 180, /* then somebody should look whether it holds */
};

struct netset {
	const char *name; /* without @ */
	const char *file;
	const char *source; /* "" if the file says nothing */
	char as_of[sizeof "2026-07-12"];
	unsigned as_of_line;
	struct networks nets; /* merged */
};
struct netsets {
	struct arena *arena;
	struct netset set[NETSETS_MOST];
	size_t n;
};

struct netsets *netsets_make(struct arena *a);
/* The set of this name, read at its first use; NULL: told at file:line.  The
 * first of the folders that has it counts. */
const struct netset *netset_find(struct netsets *all, char *const *folder,
				 size_t nfolders, const char *name,
				 struct report *r, const char *file,
				 unsigned line);
/* Sorted; what lies inside of another is gone, neighbours are one. */
void netset_merge(struct networks *l);
/* Whole days between its date and now; -1: its date is still to come. */
int netset_age_days(const struct netset *s, int64_t now_us);
/* A warning for each set that is old. */
void netsets_tell_ages(const struct netsets *all, int64_t now_us,
		       struct report *r);

#endif
