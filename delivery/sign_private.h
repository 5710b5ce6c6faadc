/* sign_private - what sign.c and sign_field.c share. */
#ifndef MTQ_SIGN_PRIVATE_H
#define MTQ_SIGN_PRIVATE_H

#include "delivery/sign.h"

/* One header field, borrowed. */
struct sign_field {
	struct text name;
	struct text value; /* behind the colon, with its folds */
	struct text whole; /* with its last line end, if it has one */
};

/* sign_field.c */
/* Walks: *at is 0 at the beginning.  False: no field is left.  Lines that are
 * no field are passed over. */
bool sign_next(const struct bytes *header, size_t *at, struct sign_field *out);
bool sign_is(const struct sign_field *f, const char *name);
/* How many there are; the first one goes to *first. */
size_t sign_count(const struct bytes *header, const char *name,
		  struct sign_field *first);
/* Is there a DKIM-Signature of this domain? */
bool sign_has(const struct bytes *header, const char *domain);
void sign_unfold(struct text value, struct bytes *out);

/* sign_put.c: one DKIM-Signature field. */
bool sign_put(const struct sign *s, const struct sign_key *k,
	      const unsigned char body_hash[DKIM_HASH], struct bytes *out,
	      struct err *e) MUST_USE;

#endif
