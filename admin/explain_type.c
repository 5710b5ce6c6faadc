#include "admin/explain_type.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Adds a line of a field, unfolded (RFC 5322 2.2.3) and made safe. */
static void
keep(char out[CLASSIFY_VALUE + 1], struct text t)
{
	size_t at = strlen(out);

	while (t.n > 0 && is_blank(*t.p)) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && is_blank(t.p[t.n - 1]))
		t.n--;
	if (t.n == 0)
		return;
	if (at > 0 && at < CLASSIFY_VALUE)
		out[at++] = ' ';
	log_safe(t.p, t.n, out + at, CLASSIFY_VALUE + 1 - at);
}

/* A line without its end; *t begins with the next one.  False at an empty one,
 * which ends the header. */
static bool
next_line(struct text *t, struct text *line)
{
	const char *end = t->n > 0 ? memchr(t->p, '\n', t->n) : NULL;

	if (end == NULL)
		return false;
	*line = (struct text){t->p, (size_t)(end - t->p)};
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	if (line->n == 0)
		return false;
	t->n -= (size_t)(end + 1 - t->p);
	t->p = end + 1;
	return true;
}

/* Octets of a field's name; 0: it is no field, so the header ends here.
 * *value is behind the colon. */
static size_t
name_length(struct text line, struct text *value)
{
	size_t n = 0, colon;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f &&
	       line.p[n] != ':')
		n++;
	colon = n;
	while (colon < line.n && is_blank(line.p[colon]))
		colon++;
	if (colon == line.n || line.p[colon] != ':')
		return 0;
	*value = (struct text){line.p + colon + 1, line.n - colon - 1};
	return n;
}

/* The place of a field by its name; out->n: none that is asked for, or it was
 * there before: the first counts. */
static size_t
field_of(const struct explain_fields *out, const char *name, size_t n)
{
	size_t i = 0;

	while (i < out->n && (strlen(out->field[i].name) != n ||
			      strncasecmp(name, out->field[i].name, n) != 0))
		i++;
	if (i < out->n && out->field[i].value != NULL)
		return out->n;
	return i;
}

void
explain_fields(const struct settings *s, const unsigned char *p, size_t n,
	       struct explain_fields *out)
{
	struct text rest = {(const char *)p, n}, line, value;
	const char *name[CLASSIFY_FIELDS];
	size_t at, length;

	*out = (struct explain_fields){.n = classify_names(s, name)};
	for (size_t i = 0; i < out->n; i++)
		out->field[i].name = name[i];
	at = out->n;
	while (next_line(&rest, &line)) {
		if (is_blank(*line.p)) {
			if (at < out->n)
				keep(out->value[at], line);
			continue;
		}
		length = name_length(line, &value);
		if (length == 0)
			break;
		at = field_of(out, line.p, length);
		if (at == out->n)
			continue;
		out->field[at].value = out->value[at];
		keep(out->value[at], value);
	}
}

unsigned
explain_type(const struct settings *s, const struct classify_ask *ask,
	     struct sentence *rule)
{
	struct classify_answer a;

	classify(s, ask, &a);
	if (a.rule != NULL)
		sentence_add(rule, "by the rule with priority %" PRIu64,
			     a.rule->priority);
	else
		sentence_add(rule, "no rule takes this mail");
	return a.type;
}

unsigned
explain_given_type(const struct settings *s, struct text given,
		   const struct classify_ask *ask, struct sentence *rule)
{
	struct sentence today = {.n = 0};
	const unsigned type = routing_type(s, given);
	const unsigned now = explain_type(s, ask, &today);

	if (text_is(given, s->types[type].title)) {
		sentence_add(rule, "given when it was accepted");
	} else {
		sentence_add(rule, "it was accepted as ");
		sentence_quote(rule, given);
		sentence_add(rule, ", which the configuration no longer has");
	}
	if (now == type)
		sentence_add(rule, " (today: %s)", today.text);
	else
		sentence_add(rule, " (today it would be %s: %s)",
			     s->types[now].title, today.text);
	return type;
}
