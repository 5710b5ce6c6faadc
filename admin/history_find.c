#include "admin/history_find.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/entries.h"
#include "admin/queue_read.h"

static struct text
without_brackets(struct text t)
{
	if (t.n >= 2 && t.p[0] == '<' && t.p[t.n - 1] == '>')
		t = (struct text){t.p + 1, t.n - 2};
	return t;
}

bool
history_ask_parse(struct history_ask *a, const char *text)
{
	struct text t = text_of(text), bare = without_brackets(t);

	if (bare.n < t.n) {
		a->message_id = bare;
		return bare.n > 0;
	}
	a->address = text;
	a->nkey = suppress_key(t, a->key);
	return a->nkey > 0 && t.p[0] != '@';
}

bool
history_of_return_path(struct store *s, const struct settings *settings,
		       const char *text, int64_t now_us,
		       enum return_path_answer *answer, struct return_path *out,
		       struct err *e)
{
	const char *domain = settings->returns.domain, *why;
	struct return_key key;
	struct address a;
	struct txn *t;
	bool ok;

	*answer = RETURN_PATH_FOREIGN;
	if (!address_parse(text, strlen(text), true, &a, &why) ||
	    a.domain.n == 0 || a.domain.n != strlen(domain) ||
	    strncasecmp(a.domain.p, domain, a.domain.n) != 0)
		return true;
	t = store_begin(s, false, e);
	ok = t != NULL && return_key_read(t, &key, e);
	store_abort(t);
	if (!ok)
		return false;
	*answer = return_path_parse(a.local, &key, settings->returns.expires_us,
				    now_us, out);
	return_key_wipe(&key);
	return true;
}

static bool
is_address(const struct history_ask *a, struct text t)
{
	unsigned char key[SUPPRESS_KEY];

	/* Both keys are as long as the addresses. */
	return t.n == a->nkey && suppress_key(t, key) == a->nkey &&
	       memcmp(key, a->key, a->nkey) == 0;
}

static bool
is_wanted(const void *arg, const struct journal_entry *x)
{
	const struct history_ask *a = arg;
	struct text id = without_brackets(x->message_id);

	if (x->message == 0)
		return false;
	if (a->message_id.n > 0)
		return id.n == a->message_id.n &&
		       memcmp(id.p, a->message_id.p, id.n) == 0;
	return x->kind != JOURNAL_ACCEPTED && is_address(a, x->address);
}

/* --- what was found ------------------------------------------------------- */

static int
compare(const void *pa, const void *pb)
{
	const struct history_target *a = pa, *b = pb;

	if (a->message != b->message)
		return a->message < b->message ? -1 : 1;
	return a->rcpt < b->rcpt ? -1 : a->rcpt > b->rcpt;
}

/* In order, each once. */
static void
tidy(struct history_found *f)
{
	size_t n = 0;

	if (f->n > 0)
		qsort(f->at, f->n, sizeof *f->at, compare);
	for (size_t i = 0; i < f->n; i++)
		if (n == 0 || compare(&f->at[n - 1], &f->at[i]) != 0)
			f->at[n++] = f->at[i];
	f->n = n;
}

static bool
add(struct history_found *f, uint64_t message, uint32_t rcpt, struct err *e)
{
	const struct history_target t = {.message = message, .rcpt = rcpt};

	/* The attempts of one recipient often follow each other. */
	if (f->n > 0 && compare(&f->at[f->n - 1], &t) == 0)
		return true;
	if (f->n == f->room) {
		tidy(f);
		if (f->n >= HISTORY_FOUND_MOST) {
			err_set(e, ERR_SYSTEM,
				"more than %d recipients; --since makes them "
				"fewer",
				HISTORY_FOUND_MOST);
			return false;
		}
		f->room = max_of((size_t)64, 2 * f->n);
		f->at = must_realloc(f->at, f->room * sizeof *f->at);
	}
	f->at[f->n++] = t;
	return true;
}

void
history_found_free(struct history_found *f)
{
	free(f->at);
	*f = (struct history_found){.at = NULL};
}

/* --- looking -------------------------------------------------------------- */

static bool
look_into_journal(struct store *s, const struct history_ask *a,
		  struct history_found *f, struct err *e)
{
	struct entries *r = must_alloc(sizeof *r);
	bool ok = true, all = a->message_id.n > 0;

	*r = (struct entries){.store = s, .wanted = is_wanted, .arg = a};
	if (a->since_us > 0)
		r->at = journal_from(a->since_us) - 1;
	while (ok && !r->ended) {
		ok = entries_page(r, e);
		for (size_t i = 0; ok && i < r->n; i++)
			ok = add(f, r->entry[i].x.message,
				 all ? UINT32_MAX : r->entry[i].x.rcpt, e);
		if (ok && a->progress != NULL)
			a->progress(a->arg, (int64_t)(r->at / ID_WRITERS),
				    f->n);
	}
	entries_done(r);
	free(r);
	return ok;
}

/* What was never tried is in no entry by its address. */
static bool
look_into_queue(struct store *s, const struct history_ask *a,
		struct history_found *f, struct err *e)
{
	const struct queue_filter filter = {.any = true, .exactly = a->address};
	struct queue_scan *scan = must_alloc(sizeof *scan);
	bool ok = true;

	queue_scan_init(scan, s, &filter, false);
	while (ok && !scan->ended) {
		ok = queue_scan_page(scan, e);
		for (size_t i = 0; ok && i < scan->n; i++)
			ok = add(f, scan->hit[i].id, scan->hit[i].rcpt, e);
	}
	free(scan);
	return ok;
}

bool
history_find(struct store *s, const struct history_ask *a,
	     struct history_found *out, struct err *e)
{
	bool ok;

	*out = (struct history_found){.at = NULL};
	ok = look_into_journal(s, a, out, e) &&
	     (a->message_id.n > 0 || look_into_queue(s, a, out, e));
	tidy(out);
	if (!ok)
		history_found_free(out);
	return ok;
}
