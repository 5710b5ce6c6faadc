/*
 * screen - what `mtq status` has found out, and how it looks.
 */
#ifndef MTQ_SCREEN_H
#define MTQ_SCREEN_H

#include "admin/command.h"
#include "admin/queue_oldest.h"
#include "admin/readers.h"
#include "admin/waits.h"
#include "daemon/roles_file.h"

enum { SCREEN_PROBLEMS = 16 + JOURNAL_READERS_MOST + ROLES_FILE_MOST };

struct screen {
	struct command *c;
	const struct settings *settings;
	int pid; /* of mtqd; 0: it is stopped */
	struct role_line role[ROLES_FILE_MOST];
	size_t nroles;
	bool queue; /* what follows was read */
	struct state_record state;
	char instance[65];
	struct store_room room;
	struct queue_oldest oldest;
	struct waits waits;
	int64_t journal_us; /* of its oldest entry; 0: it has none */
	struct readers readers;
	uint64_t suppressed; /* rows of the suppression list */
	char *problem[SCREEN_PROBLEMS];
	size_t nproblems;
};
/* A screen, or one object. */
void screen_print(const struct screen *s);

#endif
