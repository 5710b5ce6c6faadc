/*
 * category_table - what a mail server's reply is about, by its words and codes.
 *
 * Pure: one table, in the order in which it is read.  Words that leave no doubt
 * come first, for servers put any status on a refusal; then the status, then
 * vaguer words, at last the bare code and where in the dialogue it came.
 *
 * Source   RFC 3463, 5248, 7372, 7504, 7505, 8616; the providers' own pages on
 *          their replies (Google 3726730, Microsoft 5.7.x, Yahoo error codes).
 */
#ifndef MTQ_CATEGORY_TABLE_H
#define MTQ_CATEGORY_TABLE_H

#include "queue/status.h"

/* text: v->reply, unfolded (daemon/pattern.h).  Never NONE. */
enum category_kind category_table_find(const struct verdict *v,
				       const char *text);

#endif
