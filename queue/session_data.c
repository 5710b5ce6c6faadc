#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/now.h"
#include "queue/session_private.h"

/* A CR that waits for its LF and a line end we add must still fit. */
enum { CHUNK_FULL = CHUNK_MOST - 4 };

/* Our trace field (RFC 5321 4.4) is the first thing of what we keep. */
static void
trace(struct session *s)
{
	bool six = strchr(s->client, ':') != NULL;
	char id[ID_TEXT + 1], date[NOW_RFC5322_SIZE];

	id_text(s->id, id);
	now_rfc5322(s->now_us, date);
	bytes_printf(&s->chunk, "Received: from %s ([%s%s])\r\n", s->helo,
		     six ? "IPv6:" : "", s->client);
	if (s->tls.on)
		bytes_printf(&s->chunk, "\t(using %s)\r\n", s->tls.words);
	bytes_printf(&s->chunk, "\tby %s (mtq) with %s id %s", s->hostname,
		     session_protocol(s), id);
	if (s->nrcpt == 1)
		bytes_printf(&s->chunk, "\r\n\tfor <%.*s>",
			     (int)s->rcpt[0].naddress,
			     (const char *)s->texts.data + s->rcpt[0].address);
	bytes_printf(&s->chunk, ";\r\n\t%s\r\n", date);
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
	session_header_begin(s);
	session_dkim_begin(s);
	if (s->back.n == 0 || s->back.forward)
		trace(s);
	s->size_bytes = s->chunk.n;
}

void
session_spoil(struct session *s, enum flaw flaw)
{
	if (s->flaw == FLAW_NONE)
		s->flaw = flaw;
	s->chunk.n = 0; /* nothing of it will be kept */
}

/* True if an octet above 127 is among them; eight at a time. */
static bool
beyond_ascii(const unsigned char *p, size_t n)
{
	uint64_t word, all = 0;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		all |= word;
	}
	for (; n > 0; n--)
		all |= *p++;
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

/* Octets of the message as they will leave again. */
static void
keep(struct session *s, const unsigned char *p, size_t n)
{
	if (n == 0)
		return;
	s->content_bytes += n;
	if (s->content_bytes > s->limits.size_bytes)
		session_spoil(s, FLAW_BIG);
	if (s->flaw != FLAW_NONE)
		return;
	if (s->back.n > 0 && !session_back_keep(s, p, n))
		return;
	if (!s->eightbit)
		s->eightbit = beyond_ascii(p, n);
	if (s->dkim != NULL)
		dkim_add(s->dkim, p, n);
	bytes_add(&s->chunk, p, n);
	s->size_bytes += n;
}

/* Octets of a line without its end; their keeping is another matter. */
static void
line_octets(struct session *s, const unsigned char *p, size_t n)
{
	if (n == 0)
		return;
	s->at_start = false;
	s->line_octets += n;
	if (s->header.inside)
		session_header_octets(s, p, n);
	if (s->line_octets > s->limits.line)
		session_spoil(s, FLAW_LINE);
}

static void
line_end(struct session *s)
{
	if (s->header.inside)
		session_header_line(s);
	s->line_octets = 0;
	s->at_start = true;
	s->dot = false;
}

/* Is the line that has just ended the one that ends DATA? */
static bool
final_dot(const struct session *s)
{
	return s->dot && s->line_octets == 0;
}

/* How far an eater came. */
enum eaten {
	EATEN,     /* all that was given */
	EATEN_DOT, /* and the final dot's line ended */
	EATEN_BAD, /* up to a bare CR, bare LF or NUL */
};

/* The octet that a CR waited for; the CR itself is not kept yet. */
static enum eaten
after_cr(struct session *s, unsigned char c)
{
	if (c != '\n')
		return EATEN_BAD;
	s->cr = false;
	if (final_dot(s))
		return EATEN_DOT;
	keep(s, (const unsigned char *)"\r\n", 2);
	line_end(s);
	return EATEN;
}

/*
 * Eats octets of lines from *at to `end`.  What needs no change is kept in long
 * runs: memchr finds the line ends, memcpy takes many lines at once.
 */
static enum eaten
eat_lines(struct session *s, const unsigned char **at, const unsigned char *end,
	  bool stuffed)
{
	const unsigned char *p = *at, *run = p, *lf, *cr, *stop;
	enum eaten r = EATEN;

	while (p < end) {
		if (s->at_start && stuffed && *p == '.' && !s->dot) {
			keep(s, run, (size_t)(p - run));
			s->dot = true;
			s->at_start = false;
			run = ++p;
			continue;
		}
		lf = memchr(p, '\n', (size_t)(end - p));
		stop = lf != NULL ? lf : end;
		cr = memchr(p, '\r', (size_t)(stop - p));
		if ((lf != NULL || cr != NULL) &&
		    (cr == NULL || cr + 1 != stop)) {
			r = EATEN_BAD;
			break;
		}
		line_octets(s, p, (size_t)((cr != NULL ? cr : stop) - p));
		if (lf == NULL) {
			s->cr = cr != NULL;
			p = s->cr ? cr : end;
			break;
		}
		p = lf + 1;
		if (final_dot(s)) {
			*at = p;
			return EATEN_DOT; /* its run is empty */
		}
		line_end(s);
	}
	keep(s, run, (size_t)(p - run));
	*at = s->cr ? p + 1 : p;
	return r;
}

/* Bare CR, bare LF or NUL: nobody may read this message in two ways. */
static void
bare(struct session *s)
{
	session_refuse_close(s, "END-OF-MESSAGE",
			     "550 5.5.2 %s Error: bare CR, LF or NUL received",
			     s->hostname);
}

/* As far as the chunk has room; *n becomes what was eaten. */
static enum session_step
eat(struct session *s, const unsigned char *p, size_t *n, bool stuffed,
    bool *ended)
{
	const unsigned char *at = p, *nul;
	size_t most = *n;
	enum eaten r = EATEN;

	*ended = false;
	if (s->flaw == FLAW_NONE) {
		if (s->chunk.n >= CHUNK_FULL) {
			*n = 0;
			s->crc = crc32c(s->crc, s->chunk.data, s->chunk.n);
			return SESSION_CHUNK;
		}
		most = min_of(most, CHUNK_FULL - s->chunk.n);
	}
	if (most > 0 && s->cr)
		r = after_cr(s, *at++);
	nul = most > 0 ? memchr(at, '\0', (size_t)(p + most - at)) : NULL;
	if (r == EATEN)
		r = eat_lines(s, &at, nul != NULL ? nul : p + most, stuffed);
	*n = (size_t)(at - p);
	*ended = r == EATEN_DOT;
	if (r == EATEN_BAD || (r == EATEN && nul != NULL))
		bare(s);
	else if (s->content_bytes > s->limits.size_bytes + DRAIN_MOST)
		session_refuse_close(s, "END-OF-MESSAGE",
				     "552 5.3.4 Error: message file too big");
	return SESSION_MORE;
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
			       "550 5.6.0 Error: a line has more than %llu "
			       "octets",
			       (unsigned long long)s->limits.line);
		break;
	case FLAW_LOOP:
		session_refuse(s, during, "554 5.4.6 Error: too many hops");
		break;
	case FLAW_FULL:
		session_refuse(s, during,
			       "452 4.3.1 Insufficient system storage");
		break;
	case FLAW_STORE:
		session_refuse(s, during,
			       "451 4.3.0 Error: queue file write error");
		break;
	case FLAW_NONE:
		break;
	}
}

static enum session_step
message_end(struct session *s)
{
	if (s->flaw == FLAW_NONE) {
		s->crc = crc32c(s->crc, s->chunk.data, s->chunk.n);
		s->mode = MODE_WAIT;
		return s->back.n > 0 ? session_back_end(s)
				     : session_dkim_end(s);
	}
	refuse_flaw(s);
	session_reset(s);
	return SESSION_MORE;
}

enum session_step
session_data(struct session *s, const unsigned char *p, size_t *n)
{
	bool ended;
	enum session_step step = eat(s, p, n, true, &ended);

	return ended ? message_end(s) : step;
}

/* All octets of a BDAT command have come. */
static enum session_step
bdat_end(struct session *s)
{
	s->mode = MODE_COMMAND;
	if (s->last && s->cr) {
		bare(s);
		return SESSION_MORE;
	}
	if (s->last) {
		/* The queue keeps lines: the last one gets its end (RFC 5321
		 * 4.1.1.4 asks the same of DATA). */
		if (!s->at_start) {
			keep(s, (const unsigned char *)"\r\n", 2);
			line_end(s);
		}
		return message_end(s);
	}
	if (s->flaw != FLAW_NONE) { /* RFC 3030 2: only RSET helps now */
		refuse_flaw(s);
		session_reset(s);
		return SESSION_MORE;
	}
	session_say(s, "250 2.0.0 Ok: %llu octets",
		    (unsigned long long)s->bdat_bytes);
	return SESSION_MORE;
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
	if (s->closing)
		return SESSION_MORE;
	s->left -= *n;
	if (step != SESSION_MORE || s->left > 0)
		return step;
	return bdat_end(s);
}

/* "SIZE" or "SIZE LAST" */
static bool
bdat_size(const char *p, size_t n, uint64_t *size, bool *last)
{
	size_t i = 0;

	*size = 0;
	while (i < n && p[i] >= '0' && p[i] <= '9') {
		if (*size > UINT64_MAX / 100)
			return false;
		*size = *size * 10 + (uint64_t)(p[i++] - '0');
	}
	*last = n - i == 5 && strncasecmp(p + i, " LAST", 5) == 0;
	return i > 0 && (i == n || *last);
}

enum session_step
session_bdat_command(struct session *s, const char *p, size_t n)
{
	uint64_t size;
	bool last;

	if (!bdat_size(p, n, &size, &last)) {
		/* Where its octets end is not known: nothing after them can be
		 * told from a command. */
		session_refuse_close(s, "BDAT",
				     "501 5.5.4 Syntax: BDAT size [LAST]");
		return SESSION_MORE;
	}
	if (size > s->limits.size_bytes + DRAIN_MOST) {
		session_refuse_close(s, "BDAT",
				     "552 5.3.4 Error: message file too big");
		return SESSION_MORE;
	}
	if (!s->mail || (s->nrcpt == 0 && s->back.n == 0)) {
		/* Its octets come all the same (RFC 3030 2). */
		session_refuse(s, "BDAT", "503 5.5.1 Error: need RCPT command");
		if (!s->closing && size > 0) {
			s->mode = MODE_SWALLOW;
			s->left = size;
		}
		return SESSION_MORE;
	}
	if (!s->bdat)
		session_begin_message(s);
	s->bdat = true;
	s->last = last;
	s->left = s->bdat_bytes = size;
	s->mode = MODE_BDAT;
	return size > 0 ? SESSION_MORE : bdat_end(s);
}
