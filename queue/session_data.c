#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "queue/session_private.h"

enum { CHUNK_FULL = CHUNK_MOST - 4 }; /* room for one more line end */

static const char *
protocol(const struct session *s)
{
	if (s->hello != HELLO_EHLO)
		return "SMTP";
	return s->flags & MESSAGE_SMTPUTF8 ? "UTF8SMTP" : "ESMTP";
}

/* Our trace field (RFC 5321 4.4) is the first line of what we keep. */
static void
trace(struct session *s)
{
	bool six = strchr(s->client, ':') != NULL;
	char id[ID_TEXT + 1], date[NOW_RFC5322_SIZE];

	id_text(s->id, id);
	now_rfc5322(s->now_us, date);
	bytes_printf(&s->chunk, "Received: from %s (unknown [%s%s])\r\n",
		     s->helo, six ? "IPv6:" : "", s->client);
	bytes_printf(&s->chunk, "\tby %s (mtq) with %s id %s",
		     s->config.settings->hostname, protocol(s), id);
	if (s->nrcpt == 1)
		bytes_printf(&s->chunk, "\r\n\tfor <%.*s>",
			     (int)s->rcpt[0].naddress,
			     (const char *)s->texts.data + s->rcpt[0].address);
	bytes_printf(&s->chunk, "; %s\r\n", date);
}

void
session_begin_message(struct session *s)
{
	s->id = s->next_id;
	s->chunk.n = 0;
	s->chunks = 0;
	s->content_bytes = 0;
	s->crc = 0;
	s->flaw = FLAW_NONE;
	s->line_octets = 0;
	s->at_start = true;
	s->dot = s->cr = s->eightbit = false;
	s->header = (struct header){.inside = true};
	trace(s);
	s->size_bytes = s->chunk.n;
}

static void
spoil(struct session *s, enum flaw flaw)
{
	if (s->flaw == FLAW_NONE)
		s->flaw = flaw;
	s->chunk.n = 0; /* nothing of it will be kept */
}

/* A folded field is one text; what can't be shown is '?'. */
static void
keep_field(char *out, const char *p, size_t n)
{
	size_t at = strlen(out);
	char clean[TEXT_KEPT + 1];

	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	log_safe(p, n, clean, sizeof clean);
	if (at > 0 && at < TEXT_KEPT)
		out[at++] = ' ';
	snprintf(out + at, TEXT_KEPT + 1 - at, "%.*s", (int)(TEXT_KEPT - at),
		 clean);
}

static bool
field(const struct header *h, const char *name)
{
	size_t n = strlen(name);

	return h->n >= n && strncasecmp(h->line, name, n) == 0;
}

/* A header line is whole: its field is counted or kept. */
static void
header_line(struct session *s)
{
	struct header *h = &s->header;

	if (h->n == 0) {
		h->inside = false;
		return;
	}
	if (h->line[0] == ' ' || h->line[0] == '\t') {
		if (h->keep != NULL)
			keep_field(h->keep, h->line, h->n);
		return;
	}
	h->keep = NULL;
	if (field(h, "Received:")) {
		if (++h->received > s->config.listen->max_received)
			spoil(s, FLAW_LOOP);
	} else if (field(h, "Message-ID:") && h->message_id[0] == '\0') {
		h->keep = h->message_id;
		keep_field(h->keep, h->line + 11, h->n - 11);
	} else if (field(h, "Subject:") && h->subject[0] == '\0') {
		h->keep = h->subject;
		keep_field(h->keep, h->line + 8, h->n - 8);
	}
}

static void
header_octets(struct header *h, const unsigned char *p, size_t n)
{
	n = min_of(n, sizeof h->line - h->n);
	memcpy(h->line + h->n, p, n);
	h->n += n;
}

static bool
beyond_ascii(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x80)
			return true;
	return false;
}

/* Octets of a line without its end. */
static void
content(struct session *s, const unsigned char *p, size_t n)
{
	if (n == 0)
		return;
	s->line_octets += n;
	s->content_bytes += n;
	if (!s->eightbit)
		s->eightbit = beyond_ascii(p, n);
	if (s->header.inside)
		header_octets(&s->header, p, n);
	if (s->line_octets > s->config.listen->max_line)
		spoil(s, FLAW_LINE);
	if (s->content_bytes > s->config.listen->max_message_size_bytes)
		spoil(s, FLAW_BIG);
	if (s->flaw != FLAW_NONE)
		return;
	bytes_add(&s->chunk, p, n);
	s->size_bytes += n;
}

static void
line_end(struct session *s)
{
	s->content_bytes += 2;
	if (s->flaw == FLAW_NONE) {
		bytes_add(&s->chunk, "\r\n", 2);
		s->size_bytes += 2;
	}
	if (s->header.inside) {
		header_line(s);
		s->header.n = 0;
	}
	s->line_octets = 0;
	s->at_start = true;
	s->dot = false;
}

/* Bare CR, bare LF or NUL: nobody may ever read this message in two ways. */
static void
bare(struct session *s)
{
	spoil(s, FLAW_BARE);
	session_refuse(s, "END-OF-MESSAGE",
		       "550 5.5.2 %s Error: bare CR, LF or NUL received",
		       s->config.settings->hostname);
	session_close(s);
}

/* One piece of a line, [p, p + n), its LF included if it has one.  False: it
 * is not clean. */
static bool
clean_piece(struct session *s, const unsigned char *p, size_t n, bool ended)
{
	size_t body = ended ? n - 1 : n;

	if (s->cr && body > 0)
		return false; /* CR without LF */
	if (memchr(p, '\0', body) != NULL)
		return false;
	if (ended && !s->cr && (body == 0 || p[body - 1] != '\r'))
		return false; /* LF without CR */
	if (body > 0 && memchr(p, '\r', body - 1) != NULL)
		return false;
	return true;
}

/* Eats one piece; true when the line was the one that ends DATA. */
static bool
eat_piece(struct session *s, const unsigned char *p, size_t n, bool ended,
	  bool stuffed)
{
	size_t body = ended ? n - 1 : n;

	if (s->at_start && body > 0 && p[0] != '\r') {
		s->at_start = false;
		if (stuffed && p[0] == '.') {
			s->dot = true;
			p++;
			body--;
		}
	}
	s->cr = !ended && body > 0 && p[body - 1] == '\r';
	if (body > 0 && p[body - 1] == '\r')
		body--;
	content(s, p, body);
	if (!ended)
		return false;
	s->cr = false;
	if (stuffed && s->dot && s->line_octets == 0)
		return true;
	line_end(s);
	return false;
}

/* As far as the chunk has room; *n becomes what was eaten. */
static enum session_step
eat(struct session *s, const unsigned char *p, size_t *n, bool stuffed,
    bool *ended)
{
	size_t at = 0;

	*ended = false;
	while (at < *n) {
		size_t room = CHUNK_FULL - s->chunk.n;
		size_t left, piece;
		const unsigned char *lf;

		if (s->chunk.n >= CHUNK_FULL) {
			*n = at;
			return SESSION_CHUNK;
		}
		left = min_of(*n - at, room);
		lf = memchr(p + at, '\n', left);
		piece = lf != NULL ? (size_t)(lf - (p + at)) + 1 : left;
		if (!clean_piece(s, p + at, piece, lf != NULL)) {
			*n = at + piece;
			bare(s);
			return SESSION_MORE;
		}
		*ended = eat_piece(s, p + at, piece, lf != NULL, stuffed);
		at += piece;
		if (*ended)
			break;
	}
	*n = at;
	return SESSION_MORE;
}

enum session_step
session_data(struct session *s, const unsigned char *p, size_t *n)
{
	bool ended;
	enum session_step step = eat(s, p, n, true, &ended);

	return ended ? session_message_end(s) : step;
}

static void
refuse_flaw(struct session *s)
{
	const char *during = "END-OF-MESSAGE";

	switch (s->flaw) {
	case FLAW_BIG:
		session_refuse(s, during,
			       "552 5.3.4 Error: message file too big");
		break;
	case FLAW_LINE:
		session_refuse(s, during,
			       "550 5.6.0 Error: a line is too long");
		break;
	case FLAW_LOOP:
		session_refuse(s, during, "554 5.4.6 Error: too many hops");
		break;
	case FLAW_NONE:
	case FLAW_BARE: /* the session is closing */
		break;
	}
}

enum session_step
session_message_end(struct session *s)
{
	s->mode = MODE_COMMAND;
	if (s->flaw == FLAW_NONE) {
		s->crc = crc32c(s->crc, s->chunk.data, s->chunk.n);
		return SESSION_ACCEPT;
	}
	refuse_flaw(s);
	if (s->chunks > 0) {
		s->abandon = true;
		return SESSION_ABANDON;
	}
	session_reset(s);
	return SESSION_MORE;
}

static enum session_step
bdat_end(struct session *s, uint64_t octets)
{
	s->mode = MODE_COMMAND;
	if (!s->last) {
		session_say(s, "250 2.0.0 %llu octets received",
			    (unsigned long long)octets);
		return SESSION_MORE;
	}
	if (s->cr) {
		bare(s);
		return SESSION_MORE;
	}
	return session_message_end(s);
}

enum session_step
session_bdat(struct session *s, const unsigned char *p, size_t *n)
{
	enum session_step step;
	bool ended;

	*n = (size_t)min_of((uint64_t)*n, s->left);
	if (s->mode == MODE_SWALLOW) {
		s->left -= *n;
		if (s->left == 0)
			s->mode = MODE_COMMAND;
		return SESSION_MORE;
	}
	step = eat(s, p, n, false, &ended);
	s->left -= *n;
	if (step != SESSION_MORE || s->left > 0 || s->closing)
		return step;
	return bdat_end(s, s->content_bytes);
}

/* "SIZE [LAST]" */
static bool
bdat_size(const char *p, size_t n, uint64_t *size, bool *last)
{
	size_t i = 0;

	*size = 0;
	while (i < n && isdigit((unsigned char)p[i])) {
		if (*size > UINT64_MAX / 100)
			return false;
		*size = *size * 10 + (uint64_t)(p[i++] - '0');
	}
	*last = n - i == 5 && strncasecmp(p + i, " LAST", 5) == 0;
	return i > 0 && (i == n || *last);
}

void
session_bdat_command(struct session *s, const char *p, size_t n)
{
	uint64_t size;
	bool last, first = !s->bdat;

	if (!bdat_size(p, n, &size, &last)) {
		/* Where its octets end is not known: nothing after them can be
		 * told from a command. */
		session_refuse(s, "BDAT", "501 5.5.4 Syntax: BDAT size [LAST]");
		session_close(s);
		return;
	}
	if (!s->mail || s->nrcpt == 0) {
		session_refuse(s, "BDAT", "503 5.5.1 need RCPT command");
		s->mode = size > 0 ? MODE_SWALLOW : MODE_COMMAND;
		s->left = size;
		return;
	}
	if (first)
		session_begin_message(s);
	s->bdat = true;
	s->last = last;
	s->left = size;
	s->mode = MODE_BDAT;
	if (size > 0)
		return;
	/* BDAT 0 LAST ends the message in session_feed; BDAT 0 just counts. */
	if (!last)
		(void)bdat_end(s, 0);
}
