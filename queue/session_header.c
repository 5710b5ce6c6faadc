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

/* Adds a line of a field, unfolded (RFC 5322 2.2.3) and made safe, to what is
 * kept of it. */
static void
keep_field(char out[TEXT_KEPT + 1], const char *p, size_t n)
{
	size_t at = strlen(out);

	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	if (at > 0 && at < TEXT_KEPT)
		out[at++] = ' ';
	log_safe(p, n, out + at, TEXT_KEPT + 1 - at);
}

/* The text behind the field's name, or NULL if it is another field. */
static const char *
field(const struct header *h, const char *name)
{
	size_t n = strlen(name);

	return h->n >= n && strncasecmp(h->line, name, n) == 0 ? h->line + n
							       : NULL;
}

/* A field's name (RFC 5322 2.2), so that the lines of a message without a
 * header are not taken for one. */
static bool
has_name(const struct header *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->line[i] == ':')
			return i > 0;
		if (h->line[i] <= ' ' || h->line[i] == 0x7f)
			return false;
	}
	return false;
}

void
session_header_line(struct session *s)
{
	struct header *h = &s->header;
	const char *end = h->line + h->n, *v;

	if (h->n > 0 && (h->line[0] == ' ' || h->line[0] == '\t')) {
		if (h->keep != NULL)
			keep_field(h->keep, h->line, h->n);
		h->n = 0;
		return;
	}
	h->keep = NULL;
	h->inside = has_name(h);
	if (field(h, "Received:") != NULL) {
		if (++h->received > s->limits.received)
			session_spoil(s, FLAW_LOOP);
	} else if ((v = field(h, "Message-ID:")) != NULL &&
		   h->message_id[0] == '\0') {
		h->keep = h->message_id;
		keep_field(h->keep, v, (size_t)(end - v));
	} else if ((v = field(h, "Subject:")) != NULL &&
		   h->subject[0] == '\0') {
		h->keep = h->subject;
		keep_field(h->keep, v, (size_t)(end - v));
	}
	h->n = 0;
}
