#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/session_private.h"

/* A reply without its end, cut if it is too long. */
static void format(char line[REFUSAL_MOST], const char *fmt, va_list ap)
    PRINTF(2, 0);
static void
format(char line[REFUSAL_MOST], const char *fmt, va_list ap)
{
	must(vsnprintf(line, REFUSAL_MOST, fmt, ap) >= 0);
}

void
session_say(struct session *s, const char *fmt, ...)
{
	char line[REFUSAL_MOST];
	va_list ap;

	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	bytes_add_text(s->out, line);
	bytes_add(s->out, "\r\n", 2);
}

static void
add_note(struct notes *n, const char *text)
{
	if (n->texts.n + strlen(text) < REFUSALS_MOST)
		bytes_add(&n->texts, text, strlen(text) + 1);
}

void
session_note_verdict(struct session *s, const char *words)
{
	char text[TITLE_MOST + DOOR_VERDICT + 32];

	snprintf(text, sizeof text, "refused, source=%s, %s", s->source, words);
	add_note(&s->verdicts, text);
}

/* "RCPT from unknown[192.0.2.1]: 554 ...", as fail2ban and people know it. */
static void
note(struct session *s, const char *during, const char *reply)
{
	char sender[ADDRESS_MOST + 1] = "", clean[REFUSAL_MOST];
	char text[2 * REFUSAL_MOST];

	if (s->mail && s->nsender > 0)
		log_safe((const char *)s->texts.data + s->sender, s->nsender,
			 sender, sizeof sender);
	log_safe(reply, strlen(reply), clean, sizeof clean);
	snprintf(text, sizeof text,
		 "%s from unknown[%s]: %.480s; from=<%s> proto=%s helo=<%s>",
		 during, s->client, clean, sender, session_protocol(s),
		 s->helo);
	add_note(&s->refusals, text);
}

static void
refuse(struct session *s, const char *during, const char *reply)
{
	note(s, during, reply);
	session_say(s, "%s", reply);
	/* "Not now" is no mistake of the client (RFC 5321 4.5.3.1.10). */
	if (reply[0] == '5')
		s->errors++;
}

void
session_refuse(struct session *s, const char *during, const char *fmt, ...)
{
	char line[REFUSAL_MOST];
	va_list ap;

	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	if (line[0] == '5' && s->errors >= s->limits.errors) {
		session_refuse_close(s, during,
				     "421 4.7.0 %s Error: too many errors",
				     s->hostname);
		return;
	}
	refuse(s, during, line);
}

void
session_decline(struct session *s, const char *during, const char *fmt, ...)
{
	char line[REFUSAL_MOST];
	va_list ap;

	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	note(s, during, line);
	session_say(s, "%s", line);
}

void
session_refuse_close(struct session *s, const char *during, const char *fmt,
		     ...)
{
	char line[REFUSAL_MOST];
	va_list ap;

	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	refuse(s, during, line);
	session_close(s);
}

void
session_close(struct session *s)
{
	s->closing = true;
	session_reset(s);
}

void
session_reset(struct session *s)
{
	if (s->chunks > 0)
		s->abandon_id = s->id;
	s->mail = false;
	session_auth_reset(s);
	s->texts.n = 0;
	s->nsender = 0;
	s->envid[0] = '\0';
	s->flags = 0;
	s->nrcpt = 0;
	s->ndeclined = 0;
	s->id = 0;
	s->chunk.n = 0;
	s->chunks = 0;
	s->flaw = FLAW_NONE;
	s->bdat = s->last = false;
	s->left = 0;
	s->mode = MODE_COMMAND;
	session_back_reset(s);
	session_door_reset(s);
	session_dkim_reset(s);
	free(s->given);
	s->given = NULL;
	if (s->texts.room <= KEPT_ROOM)
		return;
	/* After a message with many recipients, not for the whole session. */
	bytes_free(&s->texts);
	free(s->rcpt);
	free(s->order);
	s->rcpt = NULL;
	s->order = NULL;
	s->rcpt_room = 0;
}
