/*
 * store_private - what store.c and store_open.c share; nobody else's.
 */
#ifndef MTQ_STORE_PRIVATE_H
#define MTQ_STORE_PRIVATE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "queue/env.h"
#include "queue/store.h"

enum { INSTANCE_MOST = 64 };

struct store {
	struct env *env;
	enum store_mode mode;
	pid_t pid;
	size_t page_bytes;
	char instance[INSTANCE_MOST + 1];
	struct txn write;
	struct txn read; /* kept and renewed: begin and end cost no slot */
	atomic_bool read_busy; /* readers of two threads may come at once */
	struct bytes scratch;
};

/* The state record as it lies there. */
bool store_state_row(struct txn *t, const void **p, size_t *n,
		     struct err *e) MUST_USE;

#endif
