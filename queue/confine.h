/*
 * confine - what the receiver and the scheduler may touch, taken from the
 * configuration they start with; and what whoever asks the DNS needs.
 *
 * The table of docs/security.md, "Least privilege", says the same, and
 * tests/system/test_escape.py tries it.
 *
 * Errors   err as jail_close sets it.
 */
#ifndef MTQ_CONFINE_H
#define MTQ_CONFINE_H

#include "daemon/jail.h"
#include "daemon/settings.h"

enum {
	CONFINE_PATHS_MOST = 1200,
	CONFINE_PORTS_MOST = 320,
};

/* The fence is about what stood there when it was closed, not about names. */
struct confine_seen {
	bool there;
	uint64_t device, inode;
};

/* A jail being made up, with memory of its own: zeroed at first. */
struct confine {
	struct jail_path path[CONFINE_PATHS_MOST];
	struct confine_seen seen[CONFINE_PATHS_MOST]; /* of the same path */
	size_t npaths;
	uint16_t port[CONFINE_PORTS_MOST];
	size_t nports;
};

/* What does not fit is not allowed. */
void confine_path(struct confine *c, const char *path, enum jail_access access,
		  bool optional);
/* The folder of a file that may be replaced by another of that name. */
void confine_folder_of(struct confine *c, const char *file);
/* STATE_DIR to read, and in it queue.mdb and its lock. */
void confine_queue(struct confine *c, const struct settings *s,
		   enum jail_access access);
void confine_port(struct confine *c, uint64_t port);
/* The resolver's files, the trust anchors, the servers' ports. */
void confine_dns(struct confine *c, const struct dns_settings *s);
/* Remembers what stands at each path; confine_close does it, too. */
void confine_look(struct confine *c);
bool confine_close(struct confine *c, enum jail_who who,
		   struct err *e) MUST_USE;
/* Is all of `b` in `a`?  Not if another file or folder stands at a path now, or
 * the first one. */
bool confine_covers(const struct confine *a, const struct confine *b);
void confine_free(struct confine *c);

/* What this process may touch from now on; NULL: e says why not. */
struct confine *confine_receiver(const struct settings *s,
				 struct err *e) MUST_USE;
/* Could a receiver that was confined to `c` work with these settings? */
bool confine_receiver_covers(const struct confine *c, const struct settings *s);
bool confine_scheduler(const struct settings *s, struct err *e) MUST_USE;

#endif
