/* pool_private - what the files of pool share. */
#ifndef MTQ_POOL_PRIVATE_H
#define MTQ_POOL_PRIVATE_H

#include "delivery/pool.h"

/* A target that failed lately: by its name and address, since a new lookup may
 * list others, in another order. */
struct attempt {
	char host[256], address[64];
	int64_t rests_until_us;
	bool no_tls;   /* TLS was to be had, and failed */
	bool no_clear; /* without it as well */
};

struct pool {
	struct egress *egress;
	struct resolver *resolver;
	const struct pool_ops *ops;
	void *arg;
	char *destination;

	struct task *waiting, **tail;
	size_t under_way;        /* tasks that a connection or a thread has */
	struct connection *open; /* this destination's */
	uint32_t nopen;
	uint32_t files; /* deliveries into the Maildir under way */
	struct lookup lookup;
	bool looking, found;
	bool outdated; /* the lookup under way asks for what was replaced */
	int64_t found_until_us;
	struct attempt *failed;
	size_t nfailed;
	struct verdict trouble; /* of the last target that failed */
	int64_t used_us;
	bool stopping;
	bool is_hungry;
	struct pool *hungry; /* the next one */
};

/* pool.c */
/* The first task; clear: the first that may go without TLS. */
struct task *pool_take(struct pool *p, bool clear);
/* Back to the front: it was first. */
void pool_put_back(struct pool *p, struct task *t);
/* A task that was taken has its verdicts. */
void pool_finish(struct pool *p, struct task *t);
/* Every task that waits gets this verdict. */
void pool_fail_waiting(struct pool *p, const struct verdict *v);
void pool_get_hungry(struct pool *p);
/* Somebody waits for the place of a connection that has nothing to do. */
bool pool_is_in_the_way(struct egress *g) MUST_USE;

/* pool_target.c */
void pool_look_up(struct pool *p);
/* What failed is forgotten, and so is what was found. */
void pool_forget(struct pool *p);
/* Opens connections while there is work, room, and a target. */
void pool_connect(struct pool *p, int64_t steady_us);

#endif
