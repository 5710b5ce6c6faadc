/* Mail that came back: between its session and the committer. */
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/client_private.h"

bool
client_judge_returned(struct client *c, struct err *e)
{
	struct clients *all = c->all;
	struct session_returned r = {.nwho = 0};
	struct txn *t;
	bool ok;

	session_returned(c->session, &r);
	c->returned = must_alloc(r.nwho * sizeof c->returned[0]);
	c->nreturned = r.nwho;
	e->kind = ERR_NONE;
	t = store_begin(all->store, false, e);
	ok = t != NULL;
	for (unsigned i = 0; ok && i < r.nwho; i++)
		ok = returned_look(t, all->settings, &r.who[i], r.report,
				   r.null_sender, &c->returned[i], e);
	store_abort(t);
	if (ok)
		return true;
	free(c->returned);
	c->returned = NULL;
	return false;
}

static void
log_one(const struct client *c, const struct returned_job *j)
{
	const struct verdict *v = &j->verdict;
	char id[ID_TEXT + 1], to[ADDRESS_MOST * 3 + 1];

	id_text(j->who.message, id);
	log_safe(j->address, strlen(j->address), to, sizeof to);
	log_event(EVENT_RETURNED, id,
		  "returned=%s, to=<%s>, from=unknown[%s], remote=%s, dsn=%s "
		  "(%s)%s",
		  returned_word(j->kind), to, c->text,
		  v->remote[0] != '\0' ? v->remote : "none",
		  v->status[0] != '\0' ? v->status : "none", v->reply,
		  j->dropped ? ", not recorded: too many" : "");
	if (j->suppressed)
		log_event(EVENT_SUPPRESSED, id,
			  "<%s> is on the suppression list from now on: %s", to,
			  j->kind == RETURNED_COMPLAINT ? "complaint"
							: v->status);
}

void
client_log_returned(const struct client *c)
{
	for (size_t i = 0; i < c->nreturned; i++)
		log_one(c, &c->returned[i]);
}
