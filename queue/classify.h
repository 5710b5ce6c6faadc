/*
 * classify - the mail type of a message, by the classify rules.  Pure.
 *
 * The rule with the smallest priority whose conditions all hold decides; mail
 * that no rule takes gets routing_type(s, "").  A header selects a type; it
 * never grants anything.
 *
 * Headers  the session asks classify_wants for each field it sees and keeps
 *          the (cleaned, unfolded) values of those that some rule names.
 */
#ifndef MTQ_CLASSIFY_H
#define MTQ_CLASSIFY_H

#include "daemon/routing.h"

enum {
	CLASSIFY_FIELDS = 32, /* header names of all rules */
	CLASSIFY_VALUE = 255, /* octets of a value that are compared */
};
struct classify_field {
	const char *name;  /* as in the configuration */
	const char *value; /* NULL: the message has no such field; of several
			      the first counts */
};
struct classify_ask {
	const struct classify_field *field;
	size_t nfields;
	struct text author, sender; /* header From, envelope */
	struct text source, listener;
	struct text account; /* empty: not authenticated */
	uint64_t size_bytes;
};
struct classify_answer {
	const struct classify_settings *rule; /* NULL: none matched */
	unsigned type;                        /* place in settings->types */
};
/* Names of header fields that rules look at; each once. */
size_t classify_names(const struct settings *s,
		      const char *name[CLASSIFY_FIELDS]);
void classify(const struct settings *s, const struct classify_ask *a,
	      struct classify_answer *out);

#endif
