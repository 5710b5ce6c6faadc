#include "queue/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base64.h"

enum { ROUNDS_DIGITS = 7, FIELDS = 4 };
static const char scheme[] = "SCRAM-SHA-256$";
static const char key_word[] = "key:";

bool
account_is_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') &&
		    (c < 'A' || c > 'Z') &&
		    (c == '\0' || strchr(".-_@+", c) == NULL))
			return false;
	}
	return t.n > 0 && t.n <= ACCOUNT_NAME;
}

/* --- one line ------------------------------------------------------------- */

/* The next word of a line; n 0: there is none. */
static struct text
next_word(struct text *line)
{
	struct text word = {line->p, 0};

	while (word.n < line->n && line->p[word.n] != ' ')
		word.n++;
	line->p += word.n;
	line->n -= word.n;
	while (line->n > 0 && *line->p == ' ') {
		line->p++;
		line->n--;
	}
	return word;
}

/* Up to the mark, which is eaten; false: there is none. */
static bool
up_to(struct text *t, char mark, struct text *out)
{
	const char *at = memchr(t->p, mark, t->n);

	if (at == NULL)
		return false;
	*out = (struct text){t->p, (size_t)(at - t->p)};
	t->p += out->n + 1;
	t->n -= out->n + 1;
	return true;
}

static bool
read_rounds(struct text t, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < t.n && t.n <= ROUNDS_DIGITS; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		*out = *out * 10 + (unsigned)(t.p[i] - '0');
	}
	return *out >= ACCOUNT_ROUNDS_LEAST && *out <= ACCOUNT_ROUNDS_MOST;
}

static bool
read_key(struct text t, unsigned char out[MAC_SIZE])
{
	size_t n;

	return base64_read(t, out, MAC_SIZE, &n) && n == MAC_SIZE;
}

/* NULL, or what is wrong with it. */
static const char *
read_verifier(struct text t, struct account *a, struct account_proof *p)
{
	struct text rounds, salt, stored;

	if (t.n < sizeof scheme - 1 ||
	    memcmp(t.p, scheme, sizeof scheme - 1) != 0)
		return "the password is not kept as SCRAM-SHA-256$...";
	t.p += sizeof scheme - 1;
	t.n -= sizeof scheme - 1;
	if (!up_to(&t, ':', &rounds) || !up_to(&t, '$', &salt) ||
	    !up_to(&t, ':', &stored))
		return "it should be SCRAM-SHA-256$ROUNDS:SALT$KEY:KEY";
	if (!read_rounds(rounds, &a->rounds))
		return "rounds are a number from 4096 to 1000000";
	if (!base64_read(salt, a->salt, ACCOUNT_SALT_MOST, &a->nsalt) ||
	    a->nsalt < ACCOUNT_SALT)
		return "the salt is 16 to 64 octets in base64";
	if (!read_key(stored, p->stored) || !read_key(t, p->server))
		return "each key is 32 octets in base64";
	return NULL;
}

/* "2026-12-01T00:00:00Z" */
static bool
read_stamp(struct text t, int64_t *out)
{
	char text[ACCOUNT_STAMP], again[ACCOUNT_STAMP];
	struct tm tm = {.tm_isdst = 0};

	if (t.n != sizeof text - 1)
		return false;
	text_copy(t, text, sizeof text);
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out = (int64_t)timegm(&tm) * SECOND_US;
	account_stamp(*out, again); /* there is no February 30 */
	return strcmp(text, again) == 0;
}

/* One line without its end; NULL, or what is wrong. */
static const char *
read_line(struct text line, struct account *a, struct account_password *p)
{
	struct text word[FIELDS];
	const char *why;

	for (size_t i = 0; i < FIELDS; i++)
		word[i] = next_word(&line);
	if (line.n > 0 || word[FIELDS - 1].n == 0)
		return "it should be: name, password's keys, created, not "
		       "after";
	if (!account_is_name(word[0]))
		return "a name has letters, digits and .-_@+, 128 at most";
	text_copy(word[0], a->name, sizeof a->name);
	why = read_verifier(word[1], a, &p->proof);
	if (why != NULL)
		return why;
	p->not_after_us = ACCOUNT_FOREVER;
	if (!read_stamp(word[2], &p->created_us) ||
	    (!text_is(word[3], "-") && !read_stamp(word[3], &p->not_after_us)))
		return "times are as 2026-12-01T00:00:00Z";
	return NULL;
}

/* --- the file ------------------------------------------------------------- */

/* Puts a password where its name is, or a new account at the end. */
static const char *
put(struct accounts *a, const struct account *fresh,
    const struct account_password *p)
{
	struct account *old = NULL;

	for (size_t i = 0; i < a->n && old == NULL; i++)
		if (strcmp(a->account[i].name, fresh->name) == 0)
			old = &a->account[i];
	if (old == NULL && a->n == ACCOUNTS_MOST)
		return "there are more than 1000 accounts";
	if (old == NULL) {
		old = &a->account[a->n++];
		*old = *fresh;
	}
	if (old->npasswords == ACCOUNT_PASSWORDS)
		return "this account has two passwords already";
	if (old->rounds != fresh->rounds || old->nsalt != fresh->nsalt ||
	    memcmp(old->salt, fresh->salt, fresh->nsalt) != 0)
		return "both passwords of an account have the same salt and "
		       "rounds";
	old->password[old->npasswords++] = *p;
	return NULL;
}

static const char *
take_line(struct accounts *a, struct text line, bool *keyed)
{
	struct account_password p = {.created_us = 0};
	struct account fresh = {.npasswords = 0};
	struct text rest = line;
	const char *why;

	if (line.n == 0 || *line.p == '#')
		return NULL;
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] > '~')
			return "only printable ASCII";
	if (text_is(next_word(&rest), key_word)) {
		if (*keyed || !read_key(rest, a->key))
			return "key: is there once, 32 octets in base64";
		*keyed = true;
		return NULL;
	}
	why = read_line(line, &fresh, &p);
	return why != NULL ? why : put(a, &fresh, &p);
}

static int
by_name(const void *x, const void *y)
{
	const struct account *a = x, *b = y;

	return strcmp(a->name, b->name);
}

struct accounts *
accounts_read(const char *p, size_t n, struct err *e)
{
	struct accounts *a = must_alloc(sizeof *a);
	bool keyed = false;
	unsigned line = 0;

	a->account = must_alloc(ACCOUNTS_MOST * sizeof a->account[0]);
	if (n > ACCOUNTS_BYTES) {
		err_set(e, ERR_CONFIG, "over %d octets", ACCOUNTS_BYTES);
		goto fail;
	}
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t k = end == NULL ? n : (size_t)(end - p);
		const char *why = take_line(a, (struct text){p, k}, &keyed);

		line++;
		if (why != NULL) {
			err_set(e, ERR_CONFIG, "line %u: %s", line, why);
			goto fail;
		}
		k += end != NULL;
		p += k;
		n -= k;
	}
	if (!keyed) {
		err_set(e, ERR_CONFIG, "there is no line key:");
		goto fail;
	}
	qsort(a->account, a->n, sizeof a->account[0], by_name);
	for (size_t i = 0; i < a->n; i++)
		mac_make((struct text){(const char *)a->key, MAC_SIZE},
			 text_of(a->account[i].name), a->account[i].tag);
	a->account =
	    must_realloc(a->account, (a->n + 1) * sizeof a->account[0]);
	return a;
fail:
	accounts_free(a);
	return NULL;
}

void
accounts_free(struct accounts *a)
{
	if (a == NULL)
		return;
	free(a->account);
	secret_wipe(a->key, sizeof a->key);
	free(a);
}

const struct account *
accounts_find(const struct accounts *a, struct text name)
{
	for (size_t i = 0; i < a->n; i++)
		if (text_is(name, a->account[i].name))
			return &a->account[i];
	return NULL;
}

/* --- writing -------------------------------------------------------------- */

void
account_stamp(int64_t us, char out[ACCOUNT_STAMP])
{
	time_t t = (time_t)(us / SECOND_US);
	struct tm tm;

	out[0] = '\0'; /* a year of five digits */
	if (gmtime_r(&t, &tm) != NULL &&
	    strftime(out, ACCOUNT_STAMP, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

void
account_line(const struct account *a, const struct account_password *p,
	     struct bytes *out)
{
	char created[ACCOUNT_STAMP], not_after[ACCOUNT_STAMP] = "-";

	account_stamp(p->created_us, created);
	if (p->not_after_us != ACCOUNT_FOREVER)
		account_stamp(p->not_after_us, not_after);
	bytes_printf(out, "%s %s%u:", a->name, scheme, a->rounds);
	base64_add(out, a->salt, a->nsalt);
	bytes_add_text(out, "$");
	base64_add(out, p->proof.stored, sizeof p->proof.stored);
	bytes_add_text(out, ":");
	base64_add(out, p->proof.server, sizeof p->proof.server);
	bytes_printf(out, " %s %s\n", created, not_after);
}
