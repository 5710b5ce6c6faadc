/*
 * signer - jobs get their DKIM signatures before they go to a pool.  Bodies are
 * read and hashed, and signatures made, on the loop's thread pool: an RSA
 * signature takes longer than everything else that is done for a mail.  Never
 * more at a time than this worker's share of the processors.
 *
 * What was made for a message is kept for a while, so that its other
 * transactions and the next attempts don't ask for it again; those that come
 * while it is being made wait for it.
 *
 * Owner    a task given to signer_sign is the signer's until `done`.
 */
#ifndef MTQ_SIGNER_H
#define MTQ_SIGNER_H

#include "daemon/loop.h"
#include "daemon/secret.h"
#include "daemon/settings.h"
#include "delivery/task.h"
#include "queue/store.h"

struct signer;
struct signer_ops {
	/* task.fields has what goes in front of the message, perhaps nothing;
	 * or every recipient has a verdict (failed).  The task is the user's
	 * again; may be called before signer_sign returns. */
	void (*done)(void *arg, struct task *t, bool failed);
};

/* `store` must outlive it. */
struct signer *signer_open(struct loop *l, struct store *store,
			   const struct signer_ops *ops, void *arg);
/* At start and with each new configuration, when its secrets have come.  In the
 * loop: it reads a time zone. */
void signer_configure(struct signer *g, const struct settings *s,
		      const struct secrets *secrets);
/* `rewritten`: the relay puts in its own Date and Message-ID.  now_us: wall
 * clock. */
void signer_sign(struct signer *g, struct task *t, bool rewritten,
		 int64_t now_us);
/* Tasks that wait for a signature. */
size_t signer_busy(const struct signer *g);

#endif
