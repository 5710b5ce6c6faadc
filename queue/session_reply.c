#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/session_private.h"

void
session_say(struct session *s, const char *fmt, ...)
{
	char line[SESSION_LINE_MOST];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 2, fmt, ap);
	va_end(ap);
	must(n >= 0);
	bytes_add_text(s->out, line);
	bytes_add(s->out, "\r\n", 2);
}

void
session_close(struct session *s)
{
	s->closing = true;
	if (s->chunks > 0)
		s->abandon = true;
}

static void
note(struct session *s, const char *during, const char *text)
{
	char sender[ADDRESS_MOST + 1] = "", clean[SESSION_LINE_MOST];

	if (s->nsender > 0)
		log_safe((const char *)s->texts.data + s->sender, s->nsender,
			 sender, sizeof sender);
	log_safe(text, strlen(text), clean, sizeof clean);
	snprintf(s->refusal, sizeof s->refusal,
		 "%s from unknown[%s]: %.300s; from=<%.200s> proto=%s "
		 "helo=<%.100s>",
		 during, s->client, clean, sender,
		 s->hello == HELLO_EHLO ? "ESMTP" : "SMTP", s->helo);
	s->refused = true;
}

void
session_refuse(struct session *s, const char *during, const char *fmt, ...)
{
	char line[SESSION_LINE_MOST];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 2, fmt, ap);
	va_end(ap);
	must(n >= 0);
	note(s, during, line);
	bytes_add_text(s->out, line);
	bytes_add(s->out, "\r\n", 2);
	if (s->closing || ++s->errors <= s->config.listen->max_errors)
		return;
	session_say(s, "421 4.7.0 %s Error: too many errors",
		    s->config.settings->hostname);
	session_close(s);
}

void
session_reset(struct session *s)
{
	s->mail = false;
	s->texts.n = 0;
	s->nsender = 0;
	s->envid[0] = '\0';
	s->flags = 0;
	s->nrcpt = 0;
	s->id = 0;
	s->chunk.n = 0;
	s->chunks = 0;
	s->size_bytes = s->content_bytes = 0;
	s->crc = 0;
	s->flaw = FLAW_NONE;
	s->bdat = s->last = false;
	s->left = 0;
	s->mode = MODE_COMMAND;
	free(s->given);
	s->given = NULL;
}
