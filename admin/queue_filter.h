/*
 * queue_filter - which recipients a person means.  Pure.
 *
 *	--state WORD[,WORD]	active, waiting, held, failed,
 *				parked
 *	--from ADDRESS		the envelope sender; <> is the null sender
 *	--to ADDRESS		the recipient
 *	--domain DOMAIN		of the recipient
 *	--relay NAME		of the last attempt
 *	--type TYPE		the mail type
 *	--older TIME		accepted longer ago, as 2h or 3d
 *
 * All that are given must hold.  * in an address, domain or name stands for
 * any number of characters; letters are compared without case.
 *
 * Owner    texts are borrowed from the command line.
 * Errors   false with a sentence for the person.
 */
#ifndef MTQ_QUEUE_FILTER_H
#define MTQ_QUEUE_FILTER_H

#include "queue/record.h"

#define QUEUE_FILTERS(F)                                                       \
	F(state, "WORD[,WORD]")                                                \
	F(from, "ADDRESS")                                                     \
	F(to, "ADDRESS")                                                       \
	F(domain, "DOMAIN")                                                    \
	F(relay, "NAME")                                                       \
	F(type, "TYPE")                                                        \
	F(older, "TIME")

struct queue_filter {
	bool any;        /* something was given */
	unsigned states; /* bits of enum recipient_state; 0: all */
	const char *from;
	const char *to;
	const char *domain;
	const char *relay;
	const char *type;
	const char *exactly; /* the recipient, a * being a * */
	int64_t before_us;   /* accepted before; 0: not given */
};

/* One option, `name` without its dashes. */
bool queue_filter_add(struct queue_filter *f, const char *name, char *value,
		      int64_t now_us, struct err *e) MUST_USE;
bool queue_filter_state(const struct queue_filter *f, enum recipient_state s);
bool queue_filter_match(const struct queue_filter *f,
			const struct message_record *m,
			const struct recipient_record *r);
/* Does p[0..n) match the pattern, where * is any number of characters? */
bool queue_filter_glob(const char *pattern, const char *p, size_t n);

#endif
