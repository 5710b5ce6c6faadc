#include "queue/mime.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
mime_is(struct text t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

struct text
mime_trim(struct text t)
{
	while (t.n > 0 && blank(*t.p)) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

bool
mime_line(struct text *rest, struct text *line)
{
	const char *lf;
	size_t n;

	if (rest->n == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->n);
	n = lf != NULL ? (size_t)(lf - rest->p) + 1 : rest->n;
	*line = (struct text){rest->p, n - (lf != NULL)};
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	rest->p += n;
	rest->n -= n;
	return true;
}

/* Octets of the field's name in front of its colon; 0: it is no field. */
static size_t
name_length(struct text line)
{
	size_t n = 0, colon;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f &&
	       line.p[n] != ':')
		n++;
	for (colon = n; colon < line.n && blank(line.p[colon]);)
		colon++;
	return colon < line.n && line.p[colon] == ':' ? n : 0;
}

bool
mime_field(struct text *rest, struct text *name, struct text *value)
{
	struct text line;
	size_t n = 0;

	while (n == 0) {
		if (rest->n > 1 && rest->p[0] == '-' && rest->p[1] == '-')
			return false; /* a boundary: the empty line is missing */
		if (!mime_line(rest, &line) || line.n == 0)
			return false;
		n = name_length(line);
	}
	*name = (struct text){line.p, n};
	value->p = (const char *)memchr(line.p, ':', line.n) + 1;
	while (rest->n > 0 && blank(*rest->p))
		if (!mime_line(rest, &line))
			break;
	value->n = (size_t)(line.p + line.n - value->p);
	return true;
}

void
mime_value(struct text value, char *out, size_t size)
{
	struct text line;
	size_t at = 0;

	out[0] = '\0';
	while (at + 1 < size && mime_line(&value, &line)) {
		line = mime_trim(line);
		if (line.n == 0)
			continue;
		if (at > 0)
			out[at++] = ' ';
		if (at + 1 < size)
			log_safe(line.p, line.n, out + at, size - at);
		out[size - 1] = '\0';
		at += strnlen(out + at, size - at);
	}
	out[min_of(at, size - 1)] = '\0';
}

/* --- Content-Type ----------------------------------------------------------
 */

/* Takes "; name=value" off the front of *rest; a quoted value loses its quotes
 * and backslashes. */
static bool
parameter(struct text *rest, struct text *name, char *value, size_t size)
{
	const char *p = rest->p, *end = p + rest->n;
	size_t n = 0;
	bool quoted;

	while (p < end && (*p == ';' || blank(*p)))
		p++;
	name->p = p;
	while (p < end && *p != '=' && *p != ';')
		p++;
	name->n = (size_t)(p - name->p);
	*name = mime_trim(*name);
	if (p < end && *p == '=')
		p++;
	while (p < end && blank(*p))
		p++;
	quoted = p < end && *p == '"';
	if (quoted)
		p++;
	while (p < end && (quoted ? *p != '"' : *p != ';' && !blank(*p))) {
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		if (n + 1 < size)
			value[n++] = *p;
		p++;
	}
	value[n] = '\0';
	while (p < end && *p != ';') /* the quote, a comment */
		p++;
	rest->n = (size_t)(end - p);
	rest->p = p;
	return name->n > 0;
}

static void
lower(struct text t, char *out, size_t size)
{
	text_copy(t, out, size);
	for (; *out != '\0'; out++)
		if (*out >= 'A' && *out <= 'Z')
			*out = (char)(*out + 32);
}

static void
content_type(struct text field, struct mime_part *part,
	     char boundary[MIME_BOUNDARY + 1])
{
	char flat[MIME_VALUE], value[MIME_BOUNDARY + 1];
	struct text rest, name;
	size_t n;

	mime_value(field, flat, sizeof flat);
	n = strcspn(flat, "; \t(");
	lower((struct text){flat, n}, part->type, sizeof part->type);
	rest = text_of(flat + n);
	while (rest.n > 0 && parameter(&rest, &name, value, sizeof value)) {
		if (mime_is(name, "boundary"))
			memcpy(boundary, value, sizeof value);
		else if (mime_is(name, "report-type"))
			lower(text_of(value), part->report_type,
			      sizeof part->report_type);
	}
}

static void
encoding(struct text field, struct mime_part *part)
{
	char value[32];

	mime_value(field, value, sizeof value);
	if (strcasecmp(value, "base64") == 0)
		part->encoding = MIME_BASE64;
	else if (strcasecmp(value, "quoted-printable") == 0)
		part->encoding = MIME_QUOTED;
}

/* --- the walk --------------------------------------------------------------
 */

void
mime_begin(struct mime_walk *w, struct text message)
{
	w->rest = message;
	w->depth = w->parts = 0;
}

/* Is the line a delimiter of a multipart we are in?  An outer one ends those
 * inside it; *close: it is the last of its own. */
static bool
is_boundary(struct mime_walk *w, struct text line, bool *close)
{
	if (line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
		return false;
	while (line.n > 0 && blank(line.p[line.n - 1]))
		line.n--;
	for (unsigned i = w->depth; i > 0; i--) {
		const size_t n = w->boundary[i - 1].n;

		if (line.n < n + 2 ||
		    memcmp(line.p + 2, w->boundary[i - 1].text, n) != 0)
			continue;
		*close = line.n == n + 4 && line.p[n + 2] == '-' &&
			 line.p[n + 3] == '-';
		if (line.n != n + 2 && !*close)
			continue;
		w->depth = *close ? i - 1 : i;
		return true;
	}
	return false;
}

/* The octets up to the next part; an epilogue is nobody's. */
static struct text
body(struct mime_walk *w)
{
	struct text t = {w->rest.p, 0}, line;
	bool mine = true, close = false;

	while (mime_line(&w->rest, &line)) {
		if (is_boundary(w, line, &close)) {
			mine = false;
			if (!close)
				break;
		} else if (mine) {
			t.n = (size_t)(w->rest.p - t.p);
		}
	}
	return t;
}

static void
enter(struct mime_walk *w, const char *boundary)
{
	const size_t n = strlen(boundary);

	if (n == 0 || w->depth == MIME_DEPTH)
		return;
	memcpy(w->boundary[w->depth].text, boundary, n + 1);
	w->boundary[w->depth++].n = n;
}

bool
mime_next(struct mime_walk *w, struct mime_part *out)
{
	char boundary[MIME_BOUNDARY + 1] = "";
	struct text name, value;

	if (w->rest.n == 0 || w->parts == MIME_PARTS)
		return false;
	w->parts++;
	*out = (struct mime_part){.type = "text/plain", .header = w->rest};
	while (mime_field(&w->rest, &name, &value)) {
		if (mime_is(name, "Content-Type"))
			content_type(value, out, boundary);
		else if (mime_is(name, "Content-Transfer-Encoding"))
			encoding(value, out);
	}
	out->header.n = (size_t)(w->rest.p - out->header.p);
	if (strncmp(out->type, "multipart/", 10) == 0)
		enter(w, boundary);
	out->body = body(w);
	return true;
}

/* --- transfer encodings ----------------------------------------------------
 */

static int
hex(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) % 16 : -1;
}

/* RFC 2045 6.7; what is no escape stays. */
static void
unquote(struct text in, struct bytes *out)
{
	struct text line;

	while (mime_line(&in, &line)) {
		bool soft;

		while (line.n > 0 && blank(line.p[line.n - 1]))
			line.n--;
		soft = line.n > 0 && line.p[line.n - 1] == '=';
		line.n -= soft;
		for (size_t i = 0; i < line.n; i++) {
			int hi = -1, lo = -1;
			unsigned char c = (unsigned char)line.p[i];

			if (c == '=' && line.n - i > 2) {
				hi = hex(line.p[i + 1]);
				lo = hex(line.p[i + 2]);
			}
			if (hi >= 0 && lo >= 0) {
				c = (unsigned char)(hi * 16 + lo);
				i += 2;
			}
			bytes_u8(out, c);
		}
		if (!soft)
			bytes_add(out, "\n", 1);
	}
}

/* RFC 2045 6.8; octets that are none of its letters are passed over. */
static void
unbase64(struct text in, struct bytes *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				      "opqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < in.n && in.p[i] != '='; i++) {
		const char *at =
		    in.p[i] != '\0' ? strchr(letters, in.p[i]) : NULL;

		if (at == NULL)
			continue;
		bits = (bits << 6 | (uint32_t)(at - letters)) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			bytes_u8(out, (uint8_t)(bits >> n));
		}
	}
}

void
mime_body(const struct mime_part *part, struct bytes *out)
{
	switch (part->encoding) {
	case MIME_PLAIN:
		bytes_add(out, part->body.p, part->body.n);
		break;
	case MIME_QUOTED:
		unquote(part->body, out);
		break;
	case MIME_BASE64:
		unbase64(part->body, out);
		break;
	}
}
