/* connection_private - what the files of connection share. */
#ifndef MTQ_CONNECTION_PRIVATE_H
#define MTQ_CONNECTION_PRIVATE_H

#include "delivery/connection.h"

/* connection.c */
void connection_mark(struct connection *c); /* there is something to write */
void connection_drop(struct connection *c);
/* It is no use any more; whoever has no verdict gets this one. */
void connection_fail(struct connection *c, enum status why, const char *detail);
void connection_await(struct connection *c, int64_t now_us); /* the deadline */
void connection_take(struct connection *c, struct task *t, int64_t now_us);
/* Every reply that has come; false when the connection is gone. */
bool connection_replies(struct connection *c, const unsigned char *p,
			size_t left, int64_t now_us);
void connection_event(struct watch *w, int events);

/* connection_io.c */
/* More of the body while there is room; false: it is gone. */
bool connection_fill(struct connection *c);
void connection_read(struct connection *c, int64_t now_us);
void connection_go(struct outgoing *o, int64_t now_us);

#endif
