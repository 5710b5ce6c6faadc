/*
 * verify - reads the whole queue and believes nothing: every checksum, every
 * reference between tables, every counter of the state record.
 *
 * Errors   false with ERR_DAMAGED and the first lie found; the report counts
 *          what was read.  Reads in one transaction: on a busy queue it makes
 *          the file grow for as long as it runs.
 */
#ifndef MTQ_VERIFY_H
#define MTQ_VERIFY_H

#include "queue/store.h"

struct verify_report {
	uint64_t messages, chunks, body_bytes, recipients, due_rows, partials,
	    suppressed, entries;
};
/* progress may be NULL; called every 1,000 messages. */
bool verify_store(struct store *s, struct verify_report *out,
		  void (*progress)(void *arg, const struct verify_report *),
		  void *arg, struct err *e) MUST_USE;

#endif
