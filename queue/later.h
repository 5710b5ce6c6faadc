/*
 * later - log lines that wait for a commit: what did not happen is not told.
 *
 * Owner    zeroed memory is an empty one; its bytes are the caller's to free.
 */
#ifndef MTQ_LATER_H
#define MTQ_LATER_H

#include "daemon/bytes.h"
#include "daemon/event.h"

/* Log lines that wait for a commit. */
struct later {
	struct bytes lines; /* u8 event, u64 id, text */
};
void later_add(struct later *l, enum event ev, uint64_t id, const char *fmt,
	       ...) PRINTF(4, 5);
void later_log(struct later *l); /* all of them, then forgets them */
void later_forget(struct later *l);

#endif
