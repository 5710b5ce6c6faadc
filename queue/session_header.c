#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/session_private.h"

void
session_header_octets(struct session *s, const unsigned char *p, size_t n)
{
	struct header *h = &s->header;

	n = min_of(n, sizeof h->line - h->n);
	if (n > 0)
		memcpy(h->line + h->n, p, n);
	h->n += n;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Adds a line of a field, unfolded (RFC 5322 2.2.3) and made safe, to what is
 * kept of it. */
static void
keep_field(char out[TEXT_KEPT + 1], const char *p, size_t n)
{
	size_t at = strlen(out);

	while (n > 0 && blank(*p)) {
		p++;
		n--;
	}
	while (n > 0 && blank(p[n - 1]))
		n--;
	if (n == 0)
		return;
	if (at > 0 && at < TEXT_KEPT)
		out[at++] = ' ';
	log_safe(p, n, out + at, TEXT_KEPT + 1 - at);
}

static bool
named(const struct header *h, size_t n, const char *word, size_t nword)
{
	return n == nword && strncasecmp(h->line, word, n) == 0;
}
#define NAMED(h, n, word) named(h, n, word, sizeof(word) - 1)

static void
keep_from(struct header *h, const char *p, size_t n)
{
	size_t k = min_of(n, MAILBOX_FIELD - h->from.n);

	if (h->from_cut) /* nothing behind a gap */
		return;
	h->from_cut = k < n || h->n == sizeof h->line;
	bytes_add(&h->from, p, k);
}

/* A line of the field that is at hand. */
static void
keep_line(struct header *h, const char *p, size_t n)
{
	if (h->keep != NULL)
		keep_field(h->keep, p, n);
	if (h->watch != NULL)
		keep_field(h->watch, p, n);
	if (h->in_from)
		keep_from(h, p, n);
}

/* Of several fields of one name the first counts. */
static char *
watched(struct session *s, size_t n)
{
	for (size_t i = 0; i < s->watched->n; i++) {
		struct watched_field *w = &s->watched->field[i];

		if (!named(&s->header, n, w->name, w->nname))
			continue;
		if (w->seen)
			return NULL;
		w->seen = true;
		return w->value;
	}
	return NULL;
}

void
session_header_line(struct session *s)
{
	struct header *h = &s->header;
	size_t value = 0, n;

	door_header_line(&s->door->header, h->line, h->n,
			 h->n == sizeof h->line);
	if (h->n > 0 && blank(h->line[0])) {
		keep_line(h, h->line, h->n);
		h->n = 0;
		return;
	}
	n = door_header_name(h->line, h->n, &value);
	h->inside = n > 0;
	h->keep = NULL;
	h->watch = s->watched != NULL && n > 0 ? watched(s, n) : NULL;
	h->in_from = false;
	if (NAMED(h, n, "Received")) {
		if (++h->received > s->limits.received)
			session_spoil(s, FLAW_LOOP);
	} else if (NAMED(h, n, "From")) {
		h->in_from = !h->from_seen;
		h->from_seen = true;
	} else if (NAMED(h, n, "Message-ID") && h->message_id[0] == '\0') {
		h->keep = h->message_id;
	} else if (NAMED(h, n, "Subject") && h->subject[0] == '\0') {
		h->keep = h->subject;
	}
	if (n > 0)
		keep_line(h, h->line + value, h->n - value);
	h->n = 0;
}

void
session_header_begin(struct session *s)
{
	struct header *h = &s->header;

	h->inside = true;
	h->n = 0;
	h->keep = h->watch = NULL;
	h->in_from = h->from_seen = h->from_cut = false;
	h->from.n = 0;
	h->received = 0;
	h->message_id[0] = h->subject[0] = '\0';
	session_door_begin(s);
	for (size_t i = 0; s->watched != NULL && i < s->watched->n; i++) {
		s->watched->field[i].seen = false;
		s->watched->field[i].value[0] = '\0';
	}
}
