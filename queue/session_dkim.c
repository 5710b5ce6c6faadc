/* Signatures of the message: hashed as it streams by, checked before the 250,
 * when its source asks for it. */
#include <string.h>

#include "queue/session_private.h"

void
session_dkim_begin(struct session *s)
{
	const struct source_settings *source = session_source(s);

	session_dkim_reset(s);
	if (s->back.n == 0 && source != NULL && source->dkim != DKIM_GATE_OFF)
		s->dkim = dkim_open();
}

void
session_dkim_reset(struct session *s)
{
	dkim_close(s->dkim);
	s->dkim = NULL;
	s->dkim_answered = s->dkim_looked = false;
	s->dkim_result = (struct dkim_result){.kind = DKIM_NONE};
}

/* The domain whose signature counts: of the first address of the first From. */
static struct text
author_domain(const struct session *s, char author[ADDRESS_MOST + 1])
{
	const struct header *h = &s->header;
	const char *at;

	mailbox_first((struct text){(const char *)h->from.data, h->from.n},
		      !h->from_cut, author);
	at = strrchr(author, '@');
	return text_of(at != NULL ? at + 1 : "");
}

enum session_step
session_dkim_end(struct session *s)
{
	char author[ADDRESS_MOST + 1];

	if (s->dkim == NULL)
		return session_door_end(s);
	if (dkim_end(s->dkim, author_domain(s, author), s->now_us / SECOND_US) >
	    0)
		/* Whoever shares the CRM's networks could keep the resolver
		 * busy by mail that we would not take anyway. */
		return session_door_shuts(s) ? SESSION_MORE : SESSION_VERIFY;
	session_verified(s);
	return session_dkim_go_on(s);
}

struct dkim *
session_dkim(struct session *s)
{
	return s->dkim;
}

void
session_verified(struct session *s)
{
	must(s->mode == MODE_WAIT && s->dkim != NULL);
	dkim_judge(s->dkim, &s->dkim_result);
	dkim_close(s->dkim);
	s->dkim = NULL;
	s->dkim_answered = s->dkim_looked = true;
}

const struct dkim_result *
session_dkim_result(const struct session *s)
{
	return s->dkim_looked ? &s->dkim_result : NULL;
}

enum session_step
session_dkim_go_on(struct session *s)
{
	if (!s->dkim_answered)
		return SESSION_MORE;
	s->dkim_answered = false;
	return session_door_end(s);
}
