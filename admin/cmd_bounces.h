/*
 * cmd_bounces - `mtq bounces`: what its options say, and the two ways to show
 * failures.
 */
#ifndef MTQ_CMD_BOUNCES_H
#define MTQ_CMD_BOUNCES_H

#include "admin/bounce_sums.h"
#include "admin/command.h"
#include "admin/entries.h"

enum { BOUNCES_LIMIT = 100, BOUNCES_MOST = 1 << 20 };

struct bounces_options {
	int64_t since_us;
	unsigned categories; /* bits of enum category_kind; 0: all */
	const char *domain;  /* pattern; NULL: all */
	const char *type;    /* the same */
	const char *relay;   /* the same */
	uint64_t limit;      /* 0: none */
	enum bounce_by by;   /* BOUNCE_BY_COUNT: each for itself */
};

/* What to end with; r says which are meant. */
int bounces_list(struct command *c, const struct bounces_options *o,
		 struct entries *r);
int bounces_sum(struct command *c, const struct bounces_options *o,
		struct entries *r);

#endif
