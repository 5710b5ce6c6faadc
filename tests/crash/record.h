/*
 * record - the log that tests/crash/recorder.c writes and replay.c reads: what
 * a run did to the queue file, and what it promised, in the order it happened.
 *
 * One O_APPEND write per entry, so that the order across processes is the
 * log's.  An entry for octets or a promise is written before the call, one for
 * a sync after it has returned.
 */
#ifndef MTQ_TESTS_CRASH_RECORD_H
#define MTQ_TESTS_CRASH_RECORD_H

#include <stdint.h>

enum entry_type {
	ENTRY_WRITE = 1, /* octets for the page cache */
	ENTRY_DSYNC = 2, /* octets that are on the disk when the call returns */
	ENTRY_SYNC = 3,  /* all that was written before is on the disk */
	ENTRY_SAID = 4,  /* a reply left us: "... queued as ID", "delivered as
			    ID" */
	ENTRY_CUT = 5,   /* the file has the length `offset` now */
};

struct entry {
	uint32_t type;
	uint32_t pid;
	uint64_t offset;
	uint64_t length; /* of the octets that follow */
};

enum { ENTRY_MOST = 8 << 20 };

#endif
