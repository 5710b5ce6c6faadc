/* dialogue_private - what dialogue.c and dialogue_setup.c share. */
#ifndef MTQ_DIALOGUE_PRIVATE_H
#define MTQ_DIALOGUE_PRIVATE_H

#include "delivery/dialogue.h"

/* dialogue.c */
struct verdict dialogue_ours(const struct dialogue *d, enum status s,
			     const char *detail);
enum dialogue_step dialogue_give_up(struct dialogue *d,
				    const struct verdict *v);
void dialogue_ask(struct dialogue *d, enum dialogue_state next);
/* The set-up is through: READY, and on with the task that waits. */
enum dialogue_step dialogue_ready(struct dialogue *d);

/* dialogue_write.c */
void dialogue_write_mail(struct dialogue *d);
void dialogue_write_rcpt(struct dialogue *d, uint32_t i);
void dialogue_write_data(struct dialogue *d);

/* dialogue_setup.c: replies in the states before READY. */
enum dialogue_step dialogue_setup_reply(struct dialogue *d,
					const struct reply *r);

#endif
