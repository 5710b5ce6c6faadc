#include "admin/verdict_words.h"

#include <string.h>

#include "admin/show.h"

static const struct show_field fields[] = {
    {"check", "CHECK", SHOW_TEXT, false},
    {"result", "RESULT", SHOW_TEXT, false},
    {"detail", "DETAIL", SHOW_TEXT, true},
};

/* Does "name=" stand at p? */
static bool
begins(const char *p, size_t n)
{
	size_t k = 0;

	while (k < n && p[k] != '=' && p[k] != ' ' && p[k] != '(')
		k++;
	return k > 0 && k < n && p[k] == '=';
}

/* Octets of the first check: up to a blank outside of brackets that the next
 * check stands behind. */
static size_t
length(struct text t)
{
	unsigned depth = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '(')
			depth++;
		else if (t.p[i] == ')' && depth > 0)
			depth--;
		else if (t.p[i] == ' ' && depth == 0 &&
			 begins(t.p + i + 1, t.n - i - 1))
			return i;
	}
	return t.n;
}

bool
verdict_word_next(struct text *rest, struct verdict_word *out)
{
	const char *equals, *bracket;
	struct text one;

	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = (struct text){rest->p + 1, rest->n - 1};
	if (rest->n == 0)
		return false;
	one = (struct text){rest->p, length(*rest)};
	*rest = (struct text){rest->p + one.n, rest->n - one.n};
	*out = (struct verdict_word){.check = one};
	equals = memchr(one.p, '=', one.n);
	if (equals == NULL)
		return true;
	out->check.n = (size_t)(equals - one.p);
	out->result = (struct text){equals + 1, one.n - out->check.n - 1};
	bracket = memchr(out->result.p, '(', out->result.n);
	if (bracket == NULL || one.p[one.n - 1] != ')')
		return true;
	out->detail =
	    (struct text){bracket + 1, (size_t)(one.p + one.n - bracket) - 2};
	out->result.n = (size_t)(bracket - out->result.p);
	return true;
}

void
verdict_words_print(FILE *out, struct text verdict, int64_t now_us)
{
	struct show *s = show_open(out, false, fields, countof(fields), now_us);
	struct verdict_word w;

	while (verdict_word_next(&verdict, &w)) {
		const struct show_value value[] = {
		    show_text(w.check), show_text(w.result),
		    w.detail.n > 0 ? show_text(w.detail) : show_none()};

		show_row(s, value);
	}
	show_close(s);
}
