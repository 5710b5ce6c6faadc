/*
 * explain_type - the type of a message, and the rule that gives it, in words.
 *
 * Of a message in the queue the rules ask for header fields: they are read from
 * the first chunk of its body, as the receiver read them (queue/session.h).
 *
 * Owner    plain values; struct explain_fields holds the texts of its fields.
 */
#ifndef MTQ_EXPLAIN_TYPE_H
#define MTQ_EXPLAIN_TYPE_H

#include "admin/sentence.h"
#include "queue/classify.h"

struct explain_fields {
	struct classify_field field[CLASSIFY_FIELDS];
	size_t n;
	char value[CLASSIFY_FIELDS][CLASSIFY_VALUE + 1];
};
/* The fields that rules name, in the begin of a stored body. */
void explain_fields(const struct settings *s, const unsigned char *p, size_t n,
		    struct explain_fields *out);
/* The type by the rules; `rule`: "by the rule with priority 20". */
unsigned explain_type(const struct settings *s, const struct classify_ask *ask,
		      struct sentence *rule);
/* The same of a message that was given a type; what the rules say today is told
 * if it is another one. */
unsigned explain_given_type(const struct settings *s, struct text given,
			    const struct classify_ask *ask,
			    struct sentence *rule);

#endif
