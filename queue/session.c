#include "queue/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/session_private.h"

/*	verb	may be followed by pipelined commands */
#define VERBS(V)                                                               \
	V(EHLO, false)                                                         \
	V(HELO, false)                                                         \
	V(MAIL, true)                                                          \
	V(RCPT, true)                                                          \
	V(DATA, false)                                                         \
	V(BDAT, true)                                                          \
	V(RSET, true)                                                          \
	V(NOOP, true)                                                          \
	V(VRFY, true)                                                          \
	V(EXPN, true)                                                          \
	V(HELP, true)                                                          \
	V(QUIT, true)
enum verb {
#define V(id, more) VERB_##id,
	VERBS(V)
#undef V
	    VERB_COUNT
};
static const char *const verb_word[VERB_COUNT] = {
#define V(id, more) [VERB_##id] = #id,
    VERBS(V)
#undef V
};
static const bool verb_more[VERB_COUNT] = {
#define V(id, more) [VERB_##id] = more,
    VERBS(V)
#undef V
};

struct session *
session_open(const struct session_config *c, struct bytes *out)
{
	struct session *s = must_alloc(sizeof *s);

	s->config = *c;
	s->out = out;
	snprintf(s->client, sizeof s->client, "%s", c->client);
	s->config.client = s->client;
	snprintf(s->listener, sizeof s->listener, "%s", c->listen->title);
	if (c->source != NULL) {
		snprintf(s->source, sizeof s->source, "%s", c->source->title);
		session_say(s, "220 %s ESMTP mtq", c->settings->hostname);
		return s;
	}
	session_refuse(s, "CONNECT",
		       "554 5.7.1 %s: your address %s may not use this server",
		       c->settings->hostname, s->client);
	s->closing = true;
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	bytes_free(&s->texts);
	bytes_free(&s->chunk);
	free(s->rcpt);
	free(s->given);
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
	return s->id;
}

void
session_chunk_taken(struct session *s)
{
	s->chunks++;
}

bool
session_in_data(const struct session *s)
{
	return s->mode != MODE_COMMAND;
}

bool
session_idle(const struct session *s)
{
	return !s->mail && s->mode == MODE_COMMAND;
}

const char *
session_refusal(struct session *s)
{
	if (!s->refused)
		return NULL;
	s->refused = false;
	return s->refusal;
}

void
session_message(struct session *s, struct session_message *out)
{
	const char *t = (const char *)s->texts.data;
	struct message_record *m = &out->record;

	free(s->given);
	s->given = must_alloc(s->nrcpt * sizeof s->given[0]);
	for (uint32_t i = 0; i < s->nrcpt; i++) {
		const struct session_rcpt *r = &s->rcpt[i];

		s->given[i] = (struct ledger_recipient){
		    .address = {t + r->address, r->naddress},
		    .orcpt = {r->norcpt > 0 ? t + r->orcpt : "", r->norcpt},
		    .notify = r->notify,
		    .lane = LANE_DEFAULT};
	}
	*m = (struct message_record){
	    .size_bytes = s->size_bytes,
	    .chunks = s->chunks + 1,
	    .body_crc = s->crc,
	    .recipients = s->nrcpt,
	    .flags = s->flags | (s->eightbit ? MESSAGE_HAS_8BIT : 0U),
	    .sender = {t + s->sender, s->nsender},
	    .type = text_of("mail"),
	    .source = text_of(s->source),
	    .listener = text_of(s->listener),
	    .client = text_of(s->client),
	    .helo = text_of(s->helo),
	    .envid = text_of(s->envid),
	    .message_id = text_of(s->header.message_id),
	    .subject = text_of(s->header.subject)};
	out->rcpt = s->given;
	out->nrcpt = s->nrcpt;
	out->apart = s->chunks > 0;
}

void
session_accepted(struct session *s, const struct err *e)
{
	char id[ID_TEXT + 1];

	id_text(s->id, id);
	s->idle_commands = 0;
	if (e == NULL)
		session_say(s, "250 2.0.0 Ok: queued as %s", id);
	else if (e->kind == ERR_FULL)
		session_say(s, "452 4.3.1 Insufficient system storage");
	else
		session_say(s, "451 4.3.0 Error: queue file write error");
	session_reset(s);
}

void
session_failed(struct session *s, const struct err *e)
{
	session_accepted(s, e);
	session_close(s);
}

void
session_reconfigure(struct session *s, const struct session_config *c)
{
	s->config = *c;
	s->config.client = s->client;
}

void
session_abandoned(struct session *s)
{
	s->abandon = false;
	session_reset(s);
}

void
session_timeout(struct session *s)
{
	if (s->closing)
		return;
	session_say(s, "421 4.4.2 %s Error: timeout exceeded",
		    s->config.settings->hostname);
	session_close(s);
}

void
session_stop(struct session *s)
{
	if (s->closing)
		return;
	session_say(s, "421 4.3.2 %s Service shutting down",
		    s->config.settings->hostname);
	session_close(s);
}

/* The transaction goes; chunks of it that are stored are removed first. */
static void
drop(struct session *s)
{
	if (s->chunks > 0)
		s->abandon = true;
	else
		session_reset(s);
}

static void
hello(struct session *s, enum verb v, const char *p, size_t n)
{
	while (n > 0 && p[n - 1] == ' ')
		n--;
	if (!address_domain(p, n, false)) {
		session_refuse(s, verb_word[v], "501 5.5.4 Syntax: %s hostname",
			       verb_word[v]);
		return;
	}
	drop(s); /* RFC 5321 4.1.4 */
	memcpy(s->helo, p, n);
	s->helo[n] = '\0';
	s->hello = v == VERB_EHLO ? HELLO_EHLO : HELLO_HELO;
	if (v == VERB_HELO) {
		session_say(s, "250 %s", s->config.settings->hostname);
		return;
	}
	session_say(s, "250-%s", s->config.settings->hostname);
	session_say(s, "250-PIPELINING");
	session_say(
	    s, "250-SIZE %llu",
	    (unsigned long long)s->config.listen->max_message_size_bytes);
	session_say(s, "250-8BITMIME");
	session_say(s, "250-SMTPUTF8");
	session_say(s, "250-CHUNKING");
	session_say(s, "250-ENHANCEDSTATUSCODES");
	session_say(s, "250 DSN");
}

static void
data(struct session *s, size_t n)
{
	if (n > 0) {
		session_refuse(s, "DATA", "501 5.5.4 Syntax: DATA");
		return;
	}
	if (!s->mail || s->bdat) {
		session_refuse(s, "DATA", "503 5.5.1 need MAIL command");
		return;
	}
	if (s->nrcpt == 0) {
		session_refuse(s, "DATA", "554 5.5.1 no valid recipients");
		return;
	}
	session_say(s, "354 End data with <CR><LF>.<CR><LF>");
	session_begin_message(s);
	s->mode = MODE_DATA;
}

static void
bye(struct session *s)
{
	session_say(s, "221 2.0.0 Bye");
	session_close(s);
}

/* NOOP and its like cost us and give nothing (attacks.md 0). */
static bool
idle_command(struct session *s, enum verb v)
{
	switch (v) {
	case VERB_EHLO:
	case VERB_HELO:
	case VERB_RSET:
	case VERB_NOOP:
	case VERB_VRFY:
	case VERB_EXPN:
	case VERB_HELP:
		break;
	case VERB_MAIL:
	case VERB_RCPT:
	case VERB_DATA:
	case VERB_BDAT:
	case VERB_QUIT:
	case VERB_COUNT:
		return false;
	}
	if (++s->idle_commands <= s->config.listen->max_idle_commands)
		return false;
	session_say(s, "421 4.7.0 %s Error: too many commands without mail",
		    s->config.settings->hostname);
	session_close(s);
	return true;
}

static void
execute(struct session *s, enum verb v, const char *p, size_t n)
{
	if (idle_command(s, v))
		return;
	switch (v) {
	case VERB_EHLO:
	case VERB_HELO:
		hello(s, v, p, n);
		break;
	case VERB_MAIL:
		session_mail(s, p, n);
		break;
	case VERB_RCPT:
		session_rcpt(s, p, n);
		break;
	case VERB_DATA:
		data(s, n);
		break;
	case VERB_BDAT:
		session_bdat_command(s, p, n);
		break;
	case VERB_RSET:
		drop(s);
		session_say(s, "250 2.0.0 Ok");
		break;
	case VERB_NOOP:
		session_say(s, "250 2.0.0 Ok");
		break;
	case VERB_VRFY:
		session_say(s, "252 2.1.5 send some mail, we will try");
		break;
	case VERB_EXPN:
		session_refuse(s, "EXPN", "502 5.5.1 EXPN is not offered");
		break;
	case VERB_HELP:
		session_say(s, "214 2.0.0 see mtq(8)");
		break;
	case VERB_QUIT:
		bye(s);
		break;
	case VERB_COUNT:
		break;
	}
}

/* Another protocol talks to us, perhaps made to by a browser (attacks.md A13).
 */
static bool
foreign(const char *p, size_t n)
{
	static const char *const word[] = {"GET",     "POST",    "HEAD", "PUT",
					   "OPTIONS", "CONNECT", "PATCH"};

	if (n > 0 && (unsigned char)p[0] == 0x16)
		return true; /* a TLS ClientHello */
	for (size_t i = 0; i < countof(word); i++) {
		size_t k = strlen(word[i]);

		if (n > k && strncasecmp(p, word[i], k) == 0 && p[k] == ' ')
			return true;
	}
	return false;
}

/* One command line without its CRLF; `more`: octets came with it. */
static void
command(struct session *s, const char *p, size_t n, bool more)
{
	size_t verb = 0, arg;

	while (verb < n && p[verb] != ' ')
		verb++;
	arg = verb;
	while (arg < n && p[arg] == ' ')
		arg++;
	for (int v = 0; v < VERB_COUNT; v++) {
		if (verb != strlen(verb_word[v]) ||
		    strncasecmp(p, verb_word[v], verb) != 0)
			continue;
		if (more && !verb_more[v]) {
			session_refuse(s, verb_word[v],
				       "503 5.5.1 %s must be the last command "
				       "of a group",
				       verb_word[v]);
			session_close(s);
			return;
		}
		execute(s, (enum verb)v, p + arg, n - arg);
		return;
	}
	if (foreign(p, n)) {
		session_refuse(s, "UNKNOWN", "500 5.5.1 this is SMTP");
		session_close(s);
		return;
	}
	session_refuse(s, "UNKNOWN", "500 5.5.2 command not known");
}

/* A line with a bare LF, CR or NUL in it is two lines to somebody. */
static bool
clean_line(const unsigned char *p, size_t n)
{
	return n >= 2 && p[n - 2] == '\r' && memchr(p, '\r', n - 2) == NULL &&
	       memchr(p, '\0', n) == NULL;
}

static enum session_step
command_line(struct session *s, const unsigned char *p, size_t *n)
{
	const unsigned char *lf = memchr(p, '\n', *n);
	size_t line = lf != NULL ? (size_t)(lf - p) + 1 : *n;
	size_t all = *n;

	if (lf == NULL && !s->resync && line <= SESSION_LINE_MOST) {
		*n = 0; /* the caller keeps it until the rest has come */
		if (line > 0 && foreign((const char *)p, line)) {
			session_refuse(s, "UNKNOWN", "500 5.5.1 this is SMTP");
			session_close(s);
		}
		return SESSION_MORE;
	}
	*n = line;
	if (s->resync || line > SESSION_LINE_MOST) {
		if (!s->resync)
			session_refuse(s, "UNKNOWN",
				       "500 5.5.2 the line is too long");
		s->resync = lf == NULL;
		return SESSION_MORE;
	}
	if (!clean_line(p, line)) {
		session_refuse(s, "UNKNOWN",
			       "521 5.5.2 %s Error: bare CR, LF or NUL "
			       "received",
			       s->config.settings->hostname);
		session_close(s);
		return SESSION_MORE;
	}
	command(s, (const char *)p, line - 2, line < all);
	return SESSION_MORE;
}

/* What one call of session_feed meets first. */
static enum session_step
due(const struct session *s)
{
	if (s->abandon)
		return SESSION_ABANDON;
	if (s->closing)
		return SESSION_CLOSE;
	return s->out->n > SESSION_OUT_MOST ? SESSION_WRITE : SESSION_MORE;
}

enum session_step
session_feed(struct session *s, const unsigned char *p, size_t *n, uint64_t id,
	     int64_t now_us, enum session_room room)
{
	enum session_step step = SESSION_MORE;
	size_t at = 0;

	s->next_id = id;
	s->now_us = now_us;
	s->room = room;
	while ((step = due(s)) == SESSION_MORE) {
		size_t k = *n - at;

		switch (s->mode) {
		case MODE_COMMAND:
			step =
			    k > 0 ? command_line(s, p + at, &k) : SESSION_MORE;
			break;
		case MODE_DATA:
			step = session_data(s, p + at, &k);
			break;
		case MODE_BDAT:
			step = session_bdat(s, p + at, &k);
			break;
		case MODE_SWALLOW:
			step = session_bdat(s, p + at, &k);
			break;
		}
		at += k;
		if (step == SESSION_CHUNK)
			s->crc = crc32c(s->crc, s->chunk.data, s->chunk.n);
		if (step != SESSION_MORE || (k == 0 && due(s) == SESSION_MORE))
			break;
		if (at == *n && s->mode != MODE_BDAT && due(s) == SESSION_MORE)
			break;
	}
	*n = at;
	return step == SESSION_MORE ? due(s) : step;
}
