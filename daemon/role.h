/*
 * role - how one of our processes lives: started by mtqd with one channel on
 * descriptor 3, it gets its configuration and descriptors as messages, beats
 * every ROLE_BEAT_MS, reloads and stops when told, and ends when mtqd ends.
 *
 * The same CONFIG message serves start and reload: a sealed memfd with the
 * checked configuration as text (the output of `mtq config show`), then the
 * role's own descriptors in the order of ROLES.
 *
 * Source   docs/decisions/0003-exec-per-role.md
 */
#ifndef MTQ_ROLE_H
#define MTQ_ROLE_H

#include "daemon/err.h"
#include "daemon/secret.h"
#include "daemon/settings.h"
#include "daemon/wire.h"

/*	name		descriptors beside the configuration.  The bell is one
 *	eventfd: the receiver rings it after a commit, the scheduler listens. */
#define ROLES(R)                                                               \
	R(RECEIVER, "receiver",                                                \
	  "listening sockets in `address` order, then the bell")               \
	R(SCHEDULER, "scheduler", "job socket, control socket, the bell")      \
	R(WORKER, "worker", "one connection to the job socket")

enum role_kind {
#define R(id, name, fds) ROLE_##id,
	ROLES(R)
#undef R
	    ROLE_COUNT
};
const char *role_name(enum role_kind k);

enum {
	ROLE_FD = 3,        /* the channel to mtqd */
	ROLE_BEAT_MS = 250, /* how often a living role says so */
};

/* Frames on the channel between mtqd and a role. */
enum role_frame {
	ROLE_CONFIG =
	    1,          /* mtqd -> role, with descriptors; payload: u32 epoch */
	ROLE_STOP = 2,  /* mtqd -> role: finish what is begun, then exit 0 */
	ROLE_READY = 3, /* role -> mtqd: it serves (payload: u32 epoch) */
	ROLE_BEAT = 4,  /* role -> mtqd */
	/* mtqd -> worker or receiver, with one descriptor (secrets_read): before
	 * the first CONFIG, before each later one, and whenever one is new. */
	ROLE_SECRETS = 5,
	/* worker -> mtqd: a relay refused its token; payload: its name */
	ROLE_REFUSED = 6,
};

struct role {
	enum role_kind kind;
	const struct role_ops *ops;
	struct loop *loop;
	struct settings *settings; /* in force; replaced on reload */
	struct secrets *secrets;   /* the newest; the scheduler has none */
	uint32_t epoch; /* counts configurations since mtqd's start */
	struct channel channel;
	struct timer beat;
	bool stopping;
	int exit_code;
};

struct role_ops {
	/* The first configuration is in role->settings, the role's descriptors
	 * in fds[0..nfds), now owned by it.  False ends the process with
	 * err_exit(e).  The jail is closed by the role itself, as soon as it
	 * has opened what it needs. */
	bool (*start)(struct role *r, const int *fds, unsigned nfds,
		      struct err *e);
	/* role->settings is the new configuration, `old` the one before, freed
	 * on return.  fds as in start. */
	void (*reload)(struct role *r, const struct settings *old,
		       const int *fds, unsigned nfds);
	/* role->secrets are new; those before are freed when this returns: who
	 * borrowed from them borrows again or ends.  Not called for the first
	 * ones, which are there before start.  May be NULL. */
	void (*secrets)(struct role *r);
	/* Finish; call role_done when nothing is under way. */
	void (*stop)(struct role *r);
	/* Before each beat: false when the role's own threads hang.  May be
	 * NULL. */
	bool (*alive)(struct role *r);
	/* After each round of the loop, before the channel to mtqd and the log
	 * are flushed: the place for batched writes.  May be NULL. */
	void (*after)(struct role *r);
};

/* The whole of a role's main(): returns its exit code.  Prepares the process
 * (signals, rlimits, not dumpable, no new privileges, dies with its parent).
 */
int role_main(enum role_kind kind, const struct role_ops *ops);
void role_done(struct role *r, int exit_code);
/* The relay refused the token: mtqd gets another one, if there is one to be
 * had, and hands it over. */
void role_refused(struct role *r, const char *relay);

#endif
