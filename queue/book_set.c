#include "queue/book_private.h"
#include "daemon/log.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char LEAST[1]; /* no key is smaller */

static struct amend *
amend_find(struct amends *a, const char *quota, const char *type)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->item[i].quota, quota) == 0 &&
		    strcmp(a->item[i].type, type) == 0)
			return &a->item[i];
	return NULL;
}

static struct amend *
amend_add(struct amends *a)
{
	a->item = must_realloc(a->item, (a->n + 1) * sizeof a->item[0]);
	a->item[a->n] = (struct amend){0};
	return &a->item[a->n++];
}

static void
amends_copy(const struct amends *from, struct amends *to)
{
	size_t bytes = from->n * sizeof from->item[0];

	to->item = must_realloc(to->item, bytes + 1);
	if (bytes > 0)
		memcpy(to->item, from->item, bytes);
	to->n = from->n;
}

static void
touch_amends(struct book *b)
{
	if (!b->amends_touched)
		amends_copy(&b->amends, &b->amends_were);
	b->amends_touched = true;
}

static void
amend_terms(const struct book *b, const struct amend *a)
{
	size_t quota = names_find(&b->quotas, text_of(a->quota));
	size_t type = names_find(&b->types, text_of(a->type));
	struct quota_terms *t;

	if (a->over || quota >= b->settings->nquotas)
		return;
	t = &b->slot[quota]->terms;
	if (a->type[0] == '\0') {
		t->limit = a->limit;
		t->limit_set = true;
	} else if (type < b->settings->ntypes) {
		t->cap[type] = a->limit;
		t->cap_set[type] = true;
	}
}

void
book_terms_again(struct book *b, int64_t now_us)
{
	for (size_t i = 0; i < b->settings->nquotas; i++)
		quota_terms_of(b->settings, &b->settings->quotas[i],
			       &b->slot[i]->terms);
	for (size_t i = 0; i < b->amends.n; i++)
		amend_terms(b, &b->amends.item[i]);
	for (size_t i = 0; i < b->settings->nquotas; i++)
		quota_today(&b->slot[i]->terms, now_us);
}

/* An override that is over; its row stays until the next flush. */
static bool
is_over(const struct amend *a, int64_t now_us)
{
	return a->until_us != 0 && a->until_us <= now_us;
}

bool
book_load_amends(struct book *b, struct txn *t, int64_t now_us, struct err *e)
{
	const void *k, *v;
	size_t nk, nv;
	bool more;

	for (more = txn_seek(t, STORE_OVERRIDE, LEAST, sizeof LEAST, &k, &nk,
			     &v, &nv, e);
	     more; more = txn_next(t, STORE_OVERRIDE, &k, &nk, &v, &nv, e)) {
		struct override_record r;
		struct text quota, type;
		struct amend *a;

		if (!override_key_parse(k, nk, &quota, &type)) {
			err_set(e, ERR_DAMAGED, "a key of the table override");
			return false;
		}
		a = amend_add(&b->amends);
		if (!override_open(v, nv, &r, e))
			return false;
		a->limit = r.limit;
		a->until_us = (int64_t)r.until_us;
		a->set_us = (int64_t)r.set_us;
		text_copy(quota, a->quota, sizeof a->quota);
		text_copy(type, a->type, sizeof a->type);
		text_copy(r.who, a->who, sizeof a->who);
		text_copy(r.why, a->why, sizeof a->why);
		a->over = is_over(a, now_us);
	}
	return e->kind == ERR_NONE;
}

static bool
end_amends(struct amends *a, int64_t now_us)
{
	bool any = false;

	for (size_t i = 0; i < a->n; i++) {
		if (a->item[i].over || !is_over(&a->item[i], now_us))
			continue;
		a->item[i].over = true;
		any = true;
	}
	return any;
}

/* What ended has ended: neither a clock set back nor an undo brings it back. */
bool
book_ends(struct book *b, int64_t now_us)
{
	bool any = end_amends(&b->amends, now_us);

	if (b->amends_touched)
		end_amends(&b->amends_were, now_us);
	if (any)
		book_terms_again(b, now_us);
	return any;
}

bool
book_flush_amends(struct book *b, struct txn *t, struct err *e)
{
	for (size_t i = b->amends.n; i-- > 0;) {
		struct amend *a = &b->amends.item[i];
		unsigned char k[BOOK_KEY];

		if (!a->over)
			continue;
		touch_amends(b);
		if (!txn_del(
			t, STORE_OVERRIDE, k,
			override_key(k, text_of(a->quota), text_of(a->type)),
			e))
			return false;
		*a = b->amends.item[--b->amends.n];
	}
	return true;
}

bool
book_override(struct book *b, struct txn *t, const char *quota,
	      const char *type, uint64_t limit, int64_t until_us,
	      const char *who, const char *why, int64_t now_us, struct err *e)
{
	const char *kind = type == NULL ? "" : type;
	struct override_record r;
	unsigned char k[BOOK_KEY];
	struct amend *a;
	size_t n;

	e->kind = ERR_NONE;
	if (names_find(&b->quotas, text_of(quota)) >= b->settings->nquotas)
		return false;
	if (kind[0] != '\0' &&
	    names_find(&b->types, text_of(kind)) >= b->settings->ntypes)
		return false;
	touch_amends(b);
	a = amend_find(&b->amends, quota, kind);
	if (a == NULL)
		a = amend_add(&b->amends);
	*a = (struct amend){.limit = limit,
			    .until_us = max_of(until_us, 0),
			    .set_us = max_of(now_us, 0)};
	text_copy(text_of(quota), a->quota, sizeof a->quota);
	text_copy(text_of(kind), a->type, sizeof a->type);
	log_safe(who, strlen(who), a->who, sizeof a->who);
	log_safe(why, strlen(why), a->why, sizeof a->why);
	r = (struct override_record){.limit = a->limit,
				     .until_us = (uint64_t)a->until_us,
				     .set_us = (uint64_t)a->set_us,
				     .who = text_of(a->who),
				     .why = text_of(a->why)};
	override_seal(&b->scratch, &r);
	n = override_key(k, text_of(quota), text_of(kind));
	book_terms_again(b, now_us);
	return txn_put(t, STORE_OVERRIDE, k, n, b->scratch.data, b->scratch.n,
		       e);
}

bool
book_unset(struct book *b, struct txn *t, const char *quota, const char *type,
	   struct err *e)
{
	const char *kind = type == NULL ? "" : type;
	struct amend *a = amend_find(&b->amends, quota, kind);
	unsigned char k[BOOK_KEY];

	e->kind = ERR_NONE;
	if (a == NULL || a->over)
		return false;
	touch_amends(b);
	*a = b->amends.item[--b->amends.n];
	book_terms_again(b, b->turned_us);
	return txn_del(t, STORE_OVERRIDE, k,
		       override_key(k, text_of(quota), text_of(kind)), e);
}

/* The i-th that is not over. */
static const struct amend *
amend_at(const struct book *b, size_t i)
{
	for (size_t k = 0; k < b->amends.n; k++)
		if (!b->amends.item[k].over && i-- == 0)
			return &b->amends.item[k];
	must_failed("an override of this number", __FILE__, __LINE__);
}

size_t
book_overrides(const struct book *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->amends.n; i++)
		n += !b->amends.item[i].over;
	return n;
}

struct override
book_override_at(const struct book *b, size_t i)
{
	const struct amend *a = amend_at(b, i);

	return (struct override){.quota = a->quota,
				 .type = a->type,
				 .limit = a->limit,
				 .until_us = a->until_us,
				 .set_us = a->set_us,
				 .who = a->who,
				 .why = a->why};
}

void
book_undo_amends(struct book *b)
{
	if (!b->amends_touched)
		return;
	amends_copy(&b->amends_were, &b->amends);
	b->amends_touched = false;
	book_terms_again(b, b->turned_us);
}
