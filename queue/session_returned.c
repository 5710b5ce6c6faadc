/*
 * Mail that comes back.  Every client may send to a return path of ours, since
 * the servers that send reports are not known before; nobody without a `source`
 * may send anywhere else.  Such a message is not queued: what it says is
 * recorded.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/session_private.h"

enum { SHOWN_MOST = 200 };

static bool
is_returns_domain(const struct session *s, struct text domain)
{
	const char *ours = s->settings->returns.domain;

	return s->returns != NULL && ours[0] != '\0' &&
	       domain.n == strlen(ours) &&
	       strncasecmp(domain.p, ours, domain.n) == 0;
}

static void
refuse(struct session *s, const struct address *a, const char *code,
       const char *why)
{
	char shown[SHOWN_MOST];

	log_safe(a->local.p, a->local.n + 1 + a->domain.n, shown, sizeof shown);
	for (char *p = shown; *p != '\0'; p++) /* replies are ASCII */
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	session_refuse(s, "RCPT", "%s <%s>: %s", code, shown, why);
}

static bool
is_there(const struct back *b, const struct return_path *who)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->who[i].message == who->message &&
		    b->who[i].rcpt == who->rcpt)
			return true;
	return false;
}

static void
take(struct session *s, const struct return_path *who)
{
	struct back *b = &s->back;

	if (is_there(b, who)) {
		s->idle_commands++; /* asking for ever is not allowed */
		session_say(s, "250 2.1.5 Ok");
	} else if (b->n == SESSION_RETURNS_MOST ||
		   b->n >= s->limits.recipients) {
		session_refuse(s, "RCPT",
			       "452 4.5.3 Error: too many recipients");
	} else {
		b->forward = s->settings->returns.forward[0] != '\0';
		b->who[b->n++] = *who;
		session_say(s, "250 2.1.5 Ok");
	}
}

static void
to_us(struct session *s, const struct address *a)
{
	struct return_path who;

	if (s->nrcpt > 0) {
		refuse(s, a, "452 4.5.3", "it needs a transaction of its own");
		return;
	}
	switch (s->returns(s->arg, a->local, s->now_us, &who)) {
	case RETURN_PATH_OURS:
		take(s, &who);
		break;
	case RETURN_PATH_OLD:
		refuse(s, a, "550 5.1.1", "this address has expired");
		break;
	case RETURN_PATH_FORGED:
	case RETURN_PATH_FOREIGN:
		refuse(s, a, "550 5.1.1", "no such address");
		break;
	}
}

bool
session_back_rcpt(struct session *s, const struct address *a)
{
	if (is_returns_domain(s, a->domain))
		to_us(s, a);
	else if (s->source[0] == '\0' &&
		 (s->could_secure || s->could_authenticate))
		session_refuse_nobody(s, "RCPT");
	else if (s->source[0] == '\0')
		refuse(s, a, "550 5.7.1", "relaying denied");
	else if (s->back.n > 0)
		refuse(s, a, "452 4.5.3", "it needs a transaction of its own");
	else
		return false;
	return true;
}

bool
session_back_keep(struct session *s, const unsigned char *p, size_t n)
{
	struct bytes *copy = &s->back.copy;

	bytes_add(copy, p, min_of(n, RETURNED_OCTETS - copy->n));
	return s->back.forward;
}

/* Now it is mail to a person.  Nobody is told if it fails: who wrote it may have
 * forged his address. */
static void
forward(struct session *s)
{
	const struct text to = text_of(s->settings->returns.forward);
	const char *at = memrchr(to.p, '@', to.n);

	must(at != NULL); /* settings_check */
	session_back_reset(s);
	s->nsender = 0;
	s->envid[0] = '\0';
	if (s->rcpt_room == 0) {
		s->rcpt_room = 1;
		s->rcpt = must_realloc(s->rcpt, sizeof s->rcpt[0]);
		s->order = must_realloc(s->order, sizeof s->order[0]);
	}
	s->order[0] = 0;
	s->rcpt[0] = (struct session_rcpt){.address = session_keep(s, to),
					   .naddress = (uint32_t)to.n,
					   .nlocal = (uint32_t)(at - to.p),
					   .notify = NOTIFY_NEVER};
	s->nrcpt = 1;
}

enum session_step
session_back_end(struct session *s)
{
	struct back *b = &s->back;

	b->report = must_alloc(sizeof *b->report);
	returned_parse((struct text){(const char *)b->copy.data, b->copy.n},
		       b->report);
	if (!b->forward || b->report->kind != RETURNED_OTHER ||
	    s->settings->returns.forward[0] == '\0')
		return SESSION_RETURNED;
	forward(s);
	return SESSION_ACCEPT;
}

void
session_returned(const struct session *s, struct session_returned *out)
{
	must(s->mode == MODE_WAIT && s->back.n > 0);
	*out = (struct session_returned){.who = s->back.who,
					 .nwho = s->back.n,
					 .report = s->back.report,
					 .null_sender = s->nsender == 0};
}

void
session_back_reset(struct session *s)
{
	struct back *b = &s->back;

	b->n = 0;
	b->forward = false;
	bytes_free(&b->copy);
	free(b->report);
	b->report = NULL;
}
