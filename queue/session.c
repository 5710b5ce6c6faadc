#include "queue/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/session_private.h"

static void
configure(struct session *s, const struct settings *all,
	  const struct listen_settings *l)
{
	s->settings = all;
	session_watch(s);
	snprintf(s->hostname, sizeof s->hostname, "%s", all->hostname);
	if (l == NULL) /* they stay as they were */
		return;
	s->limits =
	    (struct session_limits){.size_bytes = l->max_message_size_bytes,
				    .recipients = l->max_recipients,
				    .line = l->max_line,
				    .received = l->max_received,
				    .errors = l->max_errors,
				    .idle_commands = l->max_idle_commands,
				    .tls = l->tls,
				    .client_cert = l->client_cert};
}

struct session *
session_open(const struct session_config *c, struct bytes *out)
{
	struct session *s = must_alloc(sizeof *s);

	s->out = out;
	s->suppressed = c->suppressed;
	s->returns = c->returns;
	s->arg = c->arg;
	configure(s, c->settings, c->listen);
	snprintf(s->listener, sizeof s->listener, "%s", c->listen->title);
	snprintf(s->client, sizeof s->client, "%s", c->client);
	memcpy(s->peer, c->peer, sizeof s->peer);
	if (c->account != NULL) {
		snprintf(s->account, sizeof s->account, "%s", c->account);
		snprintf(s->auth.method, sizeof s->auth.method, "EXTERNAL");
	}
	session_auth_configure(s, c->settings);
	session_who(s);
	if (!session_welcome(s)) {
		session_refuse_close(s, "CONNECT",
				     "554 5.7.1 %s: %s may not use this server",
				     s->hostname, s->client);
		return s;
	}
	if (s->limits.tls != LISTEN_TLS_IMPLICIT)
		session_greet(s);
	return s;
}

void
session_spoke_first(struct session *s)
{
	if (s->closing)
		return;
	s->out->n = 0; /* instead of the greeting */
	session_refuse_close(s, "CONNECT",
			     "503 5.5.1 %s Error: commands before the greeting",
			     s->hostname);
}

void
session_reconfigure(struct session *s, const struct settings *all,
		    const struct listen_settings *l)
{
	configure(s, all, l);
	session_auth_configure(s, all);
	s->who_due = true; /* what is begun ends as who began it */
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	bytes_free(&s->texts);
	bytes_free(&s->chunk);
	bytes_free(&s->refusals.texts);
	bytes_free(&s->verdicts.texts);
	free(s->rcpt);
	free(s->order);
	free(s->given);
	free(s->watched);
	session_back_reset(s);
	session_door_reset(s);
	session_dkim_reset(s);
	bytes_free(&s->header.from);
	session_auth_free(s);
	free(s);
}

struct bytes *
session_chunk(struct session *s)
{
	return &s->chunk;
}

uint32_t
session_chunks(const struct session *s)
{
	return s->chunks;
}

uint64_t
session_id(const struct session *s)
{
	return s->abandon_id != 0 ? s->abandon_id : s->id;
}

void
session_chunk_taken(struct session *s)
{
	s->chunks++;
	s->chunk.n = 0;
}

void
session_chunk_failed(struct session *s, const struct err *e)
{
	if (s->id != 0)
		session_spoil(s, e->kind == ERR_FULL ? FLAW_FULL : FLAW_STORE);
}

bool
session_in_data(const struct session *s)
{
	return s->mode != MODE_COMMAND && s->mode != MODE_SASL;
}

bool
session_idle(const struct session *s)
{
	return !s->mail && (s->mode == MODE_COMMAND || s->mode == MODE_SASL);
}

bool
session_quit(const struct session *s)
{
	return s->quit;
}

static const char *
next_note(struct notes *n)
{
	const char *text = (const char *)n->texts.data + n->told;

	if (n->told < n->texts.n) {
		n->told += strlen(text) + 1;
		return text;
	}
	if (n->texts.n > 0)
		bytes_free(&n->texts);
	n->told = 0;
	return NULL;
}

const char *
session_refusal(struct session *s)
{
	return next_note(&s->refusals);
}

const char *
session_verdict(struct session *s)
{
	return next_note(&s->verdicts);
}

void
session_message(struct session *s, struct session_message *out)
{
	const char *t = (const char *)s->texts.data;
	const size_t archives = s->settings->narchives;
	uint8_t copies;

	must(s->mode == MODE_WAIT && s->nrcpt > 0);
	free(s->given);
	s->given = must_alloc((s->nrcpt + archives) * sizeof s->given[0] +
			      archives * ARCHIVE_TEXT);
	for (uint32_t i = 0; i < s->nrcpt; i++) {
		const struct session_rcpt *r = &s->rcpt[i];

		s->given[i] = (struct ledger_recipient){
		    .address = {t + r->address, r->naddress},
		    .orcpt = {t + r->orcpt, r->norcpt},
		    .notify = r->notify};
	}
	session_sort(s);
	copies = session_copies(s);
	out->record = (struct message_record){
	    .size_bytes = s->size_bytes,
	    .chunks = s->chunks + 1,
	    .body_crc = s->crc,
	    .recipients = s->nrcpt + copies,
	    .copies = copies,
	    .flags = s->flags | (s->eightbit ? MESSAGE_HAS_8BIT : 0U),
	    .sender = {t + s->sender, s->nsender},
	    .author = text_of(s->author),
	    .type = text_of(s->type),
	    .source = text_of(s->source),
	    .listener = text_of(s->listener),
	    .client = text_of(s->client),
	    .helo = text_of(s->helo),
	    .envid = text_of(s->envid),
	    .message_id = text_of(s->header.message_id),
	    .subject = text_of(s->header.subject),
	    .account = text_of(s->account),
	    .verdict = text_of(s->door->verdict.words)};
	if (s->door->verdict.sandbox)
		out->record.flags |= MESSAGE_SANDBOX;
	out->rcpt = s->given;
	out->nrcpt = s->nrcpt + copies;
	out->apart = s->chunks > 0;
}

void
session_accepted(struct session *s, const struct err *e)
{
	char id[ID_TEXT + 1];

	must(s->mode == MODE_WAIT);
	id_text(s->id, id);
	if (e == NULL) {
		s->idle_commands = 0;
		if (s->back.n == 0)
			s->chunks = 0; /* nothing to remove: it is accepted */
		session_say(s, "250 2.0.0 Ok: %s%s",
			    s->back.n == 0 ? "queued as " : "recorded",
			    s->back.n == 0 ? id : "");
	} else if (e->kind == ERR_FULL) {
		session_refuse(s, "END-OF-MESSAGE",
			       "452 4.3.1 Insufficient system storage");
	} else {
		session_refuse(s, "END-OF-MESSAGE",
			       "451 4.3.0 Error: queue file write error");
	}
	session_reset(s);
}

void
session_abandoned(struct session *s)
{
	s->abandon_id = 0;
}

void
session_timeout(struct session *s)
{
	if (!s->closing)
		session_refuse_close(s, "TIMEOUT",
				     "421 4.4.2 %s Error: timeout exceeded",
				     s->hostname);
}

void
session_stop(struct session *s)
{
	s->stopping = true;
}

/* What must happen before more octets are looked at. */
static enum session_step
due(struct session *s)
{
	if (s->stopping && !s->closing && session_idle(s)) {
		session_say(s, "421 4.3.2 %s Service shutting down",
			    s->hostname);
		session_close(s);
	}
	if (s->abandon_id != 0)
		return SESSION_ABANDON;
	if (s->closing)
		return SESSION_CLOSE;
	return s->out->n > SESSION_OUT_MOST ? SESSION_WRITE : SESSION_MORE;
}

static enum session_step
eat(struct session *s, const unsigned char *p, size_t *n)
{
	switch (s->mode) {
	case MODE_COMMAND:
		return session_command_line(s, p, n);
	case MODE_DATA:
		return session_data(s, p, n);
	case MODE_BDAT:
	case MODE_SWALLOW:
		return session_bdat(s, p, n);
	case MODE_SASL:
		return session_auth_line(s, p, n);
	case MODE_WAIT:
	case MODE_SECURE:
	case MODE_SASL_WAIT:
		break;
	}
	/* session_accepted, secured or sasl_done comes first */
	must(s->mode != MODE_WAIT && s->mode != MODE_SECURE &&
	     s->mode != MODE_SASL_WAIT);
	return SESSION_MORE;
}

enum session_step
session_feed(struct session *s, const unsigned char *p, size_t *n, uint64_t id,
	     int64_t now_us, enum session_room room)
{
	enum session_step step = due(s);
	size_t at = 0, k = 1;

	s->next_id = id;
	s->now_us = now_us;
	s->room = room;
	if (step == SESSION_MORE) {
		step = session_dkim_go_on(s);
		step = step == SESSION_MORE ? due(s) : step;
	}
	while (step == SESSION_MORE && at < *n && k > 0) {
		k = *n - at;
		step = eat(s, p + at, &k);
		at += k;
		if (step == SESSION_MORE)
			step = due(s);
	}
	*n = at;
	return step;
}
