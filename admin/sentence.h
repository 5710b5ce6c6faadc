/*
 * sentence - words that are put together piece by piece.
 *
 * Owner    plain values; what does not fit is cut.
 */
#ifndef MTQ_SENTENCE_H
#define MTQ_SENTENCE_H

#include "daemon/wire.h"

enum { SENTENCE_MOST = 2048 };

struct sentence {
	char text[SENTENCE_MOST]; /* ends in NUL */
	size_t n;
};
void sentence_add(struct sentence *s, const char *fmt, ...) PRINTF(2, 3);
/* Text from outside, made harmless. */
void sentence_quote(struct sentence *s, struct text t);

#endif
