#include "queue/mailbox.h"

#include <string.h>

/* What is read, and the words that may become a local part. */
struct input {
	const unsigned char *p, *end;
	char local[ADDRESS_LOCAL_MOST + 1]; /* without its quotes */
	size_t nlocal;
	size_t words;
	bool joined; /* a dot between each two words, none elsewhere */
	bool dot;    /* the last was a dot */
	bool fits;   /* `local` holds all of it */
};

static bool
atext(unsigned char c) /* RFC 5322 3.2.3, RFC 6532 3.2 */
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int
next(const struct input *in)
{
	return in->p < in->end ? *in->p : -1;
}

/* A comment, with those in it; false if it has no end. */
static bool
skip_comment(struct input *in)
{
	size_t depth = 0;

	do {
		switch (next(in)) {
		case -1:
			return false;
		case '(':
			depth++;
			break;
		case ')':
			depth--;
			break;
		case '\\':
			in->p++;
			break;
		default:
			break;
		}
		in->p += in->p < in->end;
	} while (depth > 0);
	return true;
}

/* Blanks and comments (CFWS). */
static bool
skip(struct input *in)
{
	for (;;) {
		while (next(in) == ' ' || next(in) == '\t')
			in->p++;
		if (next(in) != '(')
			return true;
		if (!skip_comment(in))
			return false;
	}
}

static void
add(struct input *in, unsigned char c)
{
	if (in->nlocal < sizeof in->local)
		in->local[in->nlocal++] = (char)c;
	else
		in->fits = false;
}

static bool
read_quoted(struct input *in)
{
	for (in->p++; next(in) != '"'; in->p++) {
		if (next(in) == '\\')
			in->p++;
		if (next(in) < 0)
			return false;
		add(in, *in->p);
	}
	in->p++;
	return true;
}

/* Words and dots up to something else: a display name, a group's name or a
 * local part; what follows will tell. */
static bool
read_words(struct input *in)
{
	in->nlocal = in->words = 0;
	in->joined = in->fits = true;
	in->dot = true; /* a word may come */
	for (;;) {
		if (!skip(in))
			return false;
		if (next(in) == '.') {
			in->joined = in->joined && !in->dot;
			in->dot = true;
			add(in, '.');
			in->p++;
			continue;
		}
		if (next(in) != '"' && !(next(in) >= 0 && atext(*in->p)))
			break;
		in->joined = in->joined && in->dot;
		in->dot = false;
		in->words++;
		if (next(in) == '"') {
			if (!read_quoted(in))
				return false;
			continue;
		}
		while (next(in) >= 0 && atext(*in->p))
			add(in, *in->p++);
	}
	return true;
}

static bool
put(char out[ADDRESS_MOST + 1], size_t *n, unsigned char c)
{
	if (*n == ADDRESS_MOST)
		return false;
	out[(*n)++] = (char)c;
	return true;
}

/* "[192.0.2.1]", without blanks. */
static bool
read_literal(struct input *in, char out[ADDRESS_MOST + 1], size_t *n)
{
	unsigned char c = 0;

	while (c != ']') {
		if (next(in) < 0)
			return false;
		c = *in->p++;
		if (c != ' ' && c != '\t' && !put(out, n, c))
			return false;
	}
	return true;
}

/* Labels with dots between them, or a literal; whether it is well-formed is
 * seen later. */
static bool
read_domain(struct input *in, char out[ADDRESS_MOST + 1], size_t *n)
{
	*n = 0;
	if (!skip(in))
		return false;
	if (next(in) == '[')
		return read_literal(in, out, n) && skip(in);
	for (;;) {
		while (next(in) >= 0 && atext(*in->p))
			if (!put(out, n, *in->p++))
				return false;
		if (!skip(in))
			return false;
		if (next(in) != '.')
			return true;
		if (!put(out, n, *in->p++) || !skip(in))
			return false;
	}
}

/* Local part and domain as RFC 5321 writes them; false: they are none. */
static bool
write_address(const struct input *in, const char *domain, size_t ndomain,
	      char out[ADDRESS_MOST + 1])
{
	char text[2 * (ADDRESS_LOCAL_MOST + 1) + 3 + ADDRESS_MOST];
	struct address a;
	const char *why;
	size_t n = 0;

	if (!in->fits || !in->joined || in->words == 0 || in->dot)
		return false;
	/* Half an encoded word, a comma in which came first: RFC 2047 5. */
	if (in->nlocal >= 2 && memcmp(in->local, "=?", 2) == 0)
		return false;
	/* Quotes that the local part itself has would be taken for ours. */
	for (int quoted = in->local[0] == '"'; quoted < 2; quoted++) {
		n = 0;
		if (quoted)
			text[n++] = '"';
		for (size_t i = 0; i < in->nlocal; i++) {
			char c = in->local[i];

			if (quoted && (c == '"' || c == '\\'))
				text[n++] = '\\';
			text[n++] = c;
		}
		if (quoted)
			text[n++] = '"';
		text[n++] = '@';
		memcpy(text + n, domain, ndomain);
		n += ndomain;
		if (!address_parse(text, n, true, &a, &why))
			continue;
		text_copy((struct text){text, n}, out, ADDRESS_MOST + 1);
		return true;
	}
	return false;
}

/* "@a,@b:" in front of an address (obs-route): read and forgotten. */
static bool
skip_route(struct input *in)
{
	char domain[ADDRESS_MOST + 1];
	bool comma = true, any = false;
	size_t n;

	if (next(in) != '@' && next(in) != ',')
		return true;
	while (next(in) != ':') {
		if (next(in) == '@' && comma) {
			in->p++;
			if (!read_domain(in, domain, &n) || n == 0)
				return false;
			comma = false;
			any = true;
		} else if (next(in) == ',') {
			in->p++;
			comma = true;
		} else {
			return false;
		}
		if (!skip(in))
			return false;
	}
	in->p++;
	return any;
}

/* The "@domain" that belongs to the words read; in_angle: then ">". */
static bool
read_address(struct input *in, bool in_angle, char out[ADDRESS_MOST + 1])
{
	char domain[ADDRESS_MOST + 1];
	size_t n;

	if (next(in) != '@')
		return false;
	in->p++;
	if (!read_domain(in, domain, &n))
		return false;
	if (in_angle) {
		if (next(in) != '>')
			return false;
		in->p++;
	}
	return write_address(in, domain, n, out);
}

/* Is the mailbox followed by nothing, or by the next one? */
static bool
ends(struct input *in, bool grouped, bool whole)
{
	if (!skip(in))
		return false;
	if (next(in) < 0)
		return whole && !grouped;
	return next(in) == (grouped ? ';' : ',') || next(in) == ',';
}

/* What parts mailboxes: a group begins or ends, or there is an empty place
 * between commas (obs-mbox-list). */
static bool
step(struct input *in, bool named, bool *grouped)
{
	int c = next(in);

	if (c != ',' && c != ':' && c != ';')
		return false;
	if ((c == ':') != named || (c != ',' && (c == ':') == *grouped))
		return false;
	in->p++;
	if (c == ',')
		return true;
	*grouped = c == ':';
	return *grouped || (skip(in) && next(in) == ',');
}

static bool
find(struct input *in, bool whole, char out[ADDRESS_MOST + 1])
{
	bool grouped = false;

	do {
		if (!read_words(in))
			return false;
		if (next(in) == '@')
			return read_address(in, false, out) &&
			       ends(in, grouped, whole);
		if (next(in) == '<') {
			in->p++;
			return skip(in) && skip_route(in) && read_words(in) &&
			       read_address(in, true, out) &&
			       ends(in, grouped, whole);
		}
	} while (step(in, in->nlocal > 0, &grouped));
	return false;
}

/* The address of the words that were just read; false: it is none. */
static bool
read_one(struct input *in, char out[ADDRESS_MOST + 1])
{
	if (next(in) == '@')
		return read_address(in, false, out);
	in->p++; /* '<' */
	return skip(in) && skip_route(in) && read_words(in) &&
	       read_address(in, true, out);
}

/* What may follow a mailbox: the end, the next one, the end of its group. */
static bool
part(struct input *in, bool *grouped)
{
	if (!skip(in))
		return false;
	if (next(in) == ';' && *grouped) {
		*grouped = false;
		in->p++;
		if (!skip(in))
			return false;
	}
	if (next(in) == ',')
		in->p++;
	else
		return next(in) < 0;
	return true;
}

size_t
mailbox_all(struct text field, bool whole,
	    bool (*see)(void *arg, const char *address), void *arg)
{
	char address[ADDRESS_MOST + 1];
	struct input in = {.p = (const unsigned char *)field.p};
	bool grouped = false;
	size_t n = 0;

	if (field.n == 0 || field.n > MAILBOX_FIELD || !whole)
		return 0;
	in.end = in.p + field.n;
	while (read_words(&in)) {
		const bool empty = in.words == 0 && in.nlocal == 0;
		int c = next(&in);

		if (c < 0)
			return empty && !grouped ? n : 0;
		if (c == ':' && !grouped && in.nlocal > 0) {
			grouped = true;
			in.p++;
			continue;
		}
		if ((c == ',' || c == ';') && empty) {
			if (!part(&in, &grouped))
				return 0;
			continue;
		}
		if ((c != '@' && c != '<') || !read_one(&in, address) ||
		    !part(&in, &grouped))
			return 0;
		n++;
		if (!see(arg, address))
			return n;
	}
	return 0;
}

void
mailbox_first(struct text field, bool whole, char out[ADDRESS_MOST + 1])
{
	size_t n = min_of(field.n, (size_t)MAILBOX_FIELD);
	struct input in = {.p = (const unsigned char *)field.p};

	if (n > 0)
		in.end = in.p + n;
	if (n == 0 || !find(&in, whole && n == field.n, out))
		out[0] = '\0';
}
