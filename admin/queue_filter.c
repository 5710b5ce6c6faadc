#include "admin/queue_filter.h"

#include <string.h>
#include <strings.h>

#include "daemon/values.h"

/* ASCII only: a domain's case is defined for nothing else, and other
 * alphabets have no length that stays. */
static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Goes back to the last star only: at most length times length steps. */
bool
queue_filter_glob(const char *pattern, const char *p, size_t n)
{
	const char *star = NULL;
	size_t i = 0, from = 0;

	while (i < n) {
		if (*pattern == '*') {
			star = ++pattern;
			from = i;
		} else if (*pattern != '\0' && lower(*pattern) == lower(p[i])) {
			pattern++;
			i++;
		} else if (star != NULL) {
			pattern = star;
			i = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
add_states(struct queue_filter *f, const char *value, struct err *e)
{
	const char *word = value;
	size_t n;

	do {
		int s = 0;

		n = strcspn(word, ",");
		while (s < RECIPIENT_STATE_COUNT) {
			const char *w =
			    recipient_state_word((enum recipient_state)s);

			if (strlen(w) == n && memcmp(w, word, n) == 0)
				break;
			s++;
		}
		if (s == RECIPIENT_STATE_COUNT) {
			err_set(e, ERR_CONFIG,
				"--state %.40s: the states are active, "
				"waiting, held, failed and parked",
				value);
			return false;
		}
		f->states |= 1U << s;
		word += n;
	} while (*word++ == ',');
	return true;
}

static bool
add_older(struct queue_filter *f, char *value, int64_t now_us, struct err *e)
{
	const struct value_text text = {.item = &value, .n = 1};
	struct arena a = {NULL};
	char why[VALUE_WHY];
	int64_t us;
	bool ok = value_parse(VALUE_duration, &text, NULL, NULL, &a, &us, why);

	arena_free(&a);
	if (!ok)
		err_set(e, ERR_CONFIG, "--older %.40s: %s", value, why);
	else /* never 0, which means that it was not given */
		f->before_us = max_of(now_us - us, INT64_C(1));
	return ok;
}

/* "<a@b>" is meant as a@b, and "<>" as the null sender. */
static bool
add_address(const char **place, const char *name, char *value, struct err *e)
{
	size_t n = strlen(value);

	if (n >= 2 && value[0] == '<' && value[n - 1] == '>') {
		value[n - 1] = '\0';
		value++;
	} else if (n == 0) {
		err_set(e, ERR_CONFIG, "--%s: nothing given%s", name,
			strcmp(name, "from") == 0 ? "; the null sender is <>"
						  : "");
		return false;
	}
	*place = value;
	return true;
}

bool
queue_filter_add(struct queue_filter *f, const char *name, char *value,
		 int64_t now_us, struct err *e)
{
	f->any = true;
	if (strcmp(name, "state") == 0)
		return add_states(f, value, e);
	if (strcmp(name, "from") == 0)
		return add_address(&f->from, name, value, e);
	if (strcmp(name, "to") == 0)
		return add_address(&f->to, name, value, e);
	if (strcmp(name, "domain") == 0)
		return add_address(&f->domain, name,
				   *value == '@' ? value + 1 : value, e);
	if (strcmp(name, "relay") == 0)
		return add_address(&f->relay, name, value, e);
	if (strcmp(name, "type") == 0)
		return add_address(&f->type, name, value, e);
	must(strcmp(name, "older") == 0);
	return add_older(f, value, now_us, e);
}

bool
queue_filter_state(const struct queue_filter *f, enum recipient_state s)
{
	return f->states == 0 || (f->states & 1U << s) != 0;
}

static bool
fits(const char *pattern, struct text t)
{
	return pattern == NULL || queue_filter_glob(pattern, t.p, t.n);
}

static bool
is_same(const char *word, struct text t)
{
	return word == NULL || (strlen(word) == t.n && //
				strncasecmp(word, t.p, t.n) == 0);
}

/* What stands behind the last @; a quoted local part may hold others. */
static struct text
domain_of(struct text address)
{
	const char *at = memrchr(address.p, '@', address.n);

	if (at == NULL)
		return (struct text){address.p + address.n, 0};
	at++;
	return (struct text){at, (size_t)(address.p + address.n - at)};
}

bool
queue_filter_match(const struct queue_filter *f, const struct message_record *m,
		   const struct recipient_record *r)
{
	return queue_filter_state(f, (enum recipient_state)r->state) &&
	       (f->before_us == 0 || (int64_t)m->arrival_us < f->before_us) &&
	       is_same(f->exactly, r->address) && fits(f->from, m->sender) &&
	       fits(f->to, r->address) && fits(f->relay, r->relay) &&
	       fits(f->type, m->type) &&
	       (f->domain == NULL || fits(f->domain, domain_of(r->address)));
}
