#include "queue/suppress.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"

WIRE_CODEC(suppress_entry, SUPPRESS_ENTRY_FIELDS)

const char *
suppress_origin_word(enum suppress_origin o)
{
	switch (o) {
#define O(id, word)                                                            \
	case SUPPRESS_##id:                                                    \
		return word;
		SUPPRESS_ORIGINS(O)
#undef O
	case SUPPRESS_ORIGIN_COUNT:
		break;
	}
	must_failed("an origin", __FILE__, __LINE__);
}

/* --- keys ------------------------------------------------------------------
 */

static size_t
put_lower(unsigned char *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		out[i] = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
	}
	return t.n;
}

size_t
suppress_key(struct text address, unsigned char key[SUPPRESS_KEY])
{
	struct address a = {.local = {"", 0}};
	const char *why;
	size_t n;

	if (address.n > 1 && address.p[0] == '@') {
		a.domain = (struct text){address.p + 1, address.n - 1};
		if (a.domain.p[0] == '[' ||
		    !address_domain(a.domain.p, a.domain.n, true))
			return 0;
	} else if (!address_parse(address.p, address.n, true, &a, &why)) {
		return 0;
	}
	n = put_lower(key, a.domain);
	key[n++] = '@';
	return n + put_lower(key + n, a.local);
}

bool
suppress_address(const void *key, size_t n, char out[SUPPRESS_ADDRESS + 1])
{
	const char *p = key;
	const char *at = memchr(p, '@', n);
	size_t domain = at != NULL ? (size_t)(at - p) : 0;
	size_t local = n - domain - 1;

	if (domain == 0 || n > SUPPRESS_KEY)
		return false;
	memcpy(out, at + 1, local);
	out[local] = '@';
	memcpy(out + local + 1, p, domain);
	out[n] = '\0';
	return true;
}

/* --- looking up ------------------------------------------------------------
 */

/* A row as it stands; false with ERR_NONE: there is none. */
static bool
row_of(struct txn *t, const unsigned char *key, size_t n,
       struct suppress_record *out, struct err *e)
{
	const void *val;
	size_t nval;

	e->kind = ERR_NONE;
	return txn_get(t, STORE_SUPPRESS, key, n, &val, &nval, e) &&
	       suppress_open(val, nval, out, e);
}

bool
suppress_is_over(const struct suppress_record *r, int64_t now_us)
{
	return r->until_us != 0 && (int64_t)r->until_us <= now_us;
}

static bool
holds(const struct suppress_record *r, int64_t now_us)
{
	return !r->counting && !suppress_is_over(r, now_us);
}

bool
suppress_find(struct txn *t, struct text address, int64_t now_us, bool *found,
	      struct suppress_record *out, struct err *e)
{
	unsigned char key[SUPPRESS_KEY];
	size_t n = suppress_key(address, key);
	const unsigned char *at;

	*found = false;
	if (n == 0)
		return true; /* not in the list, whatever it is */
	*found = row_of(t, key, n, out, e) && holds(out, now_us);
	if (*found || e->kind != ERR_NONE)
		return *found;
	at = memchr(key, '@', n);
	must(at != NULL);
	*found = row_of(t, key, (size_t)(at - key) + 1, out, e) &&
		 holds(out, now_us);
	return *found || e->kind == ERR_NONE;
}

/* --- batches ---------------------------------------------------------------
 */

void
suppress_entry_add(struct bytes *batch, const struct suppress_entry *s)
{
	size_t at = batch->n;

	bytes_u32(batch, 0);
	suppress_entry_encode(batch, s);
	put_le32(batch->data + at, (uint32_t)(batch->n - at - 4));
}

bool
suppress_entry_take(struct reader *batch, struct suppress_entry *s)
{
	uint32_t n;
	const unsigned char *p;

	if (batch->p == batch->end)
		return false;
	n = read_u32(batch);
	p = batch->p;
	if (!batch->ok || n > (size_t)(batch->end - p)) {
		batch->ok = false;
		return false;
	}
	batch->p += n;
	batch->ok = suppress_entry_decode(s, p, n);
	return batch->ok;
}

bool
suppress_batch_valid(struct text batch)
{
	struct reader r = reader_of(batch.p, batch.n);
	unsigned char key[SUPPRESS_KEY];
	struct suppress_entry s;
	unsigned n = 0;

	while (suppress_entry_take(&r, &s))
		if (++n > SUPPRESS_BATCH || suppress_key(s.address, key) == 0)
			return false;
	return r.ok && n > 0;
}

/* --- writing ---------------------------------------------------------------
 */

static bool
put_row(struct txn *t, const unsigned char *key, size_t n,
	const struct suppress_record *r, struct err *e)
{
	struct bytes b = {0};
	bool ok;

	suppress_seal(&b, r);
	ok = txn_put(t, STORE_SUPPRESS, key, n, b.data, b.n, e);
	bytes_free(&b);
	return ok;
}

static bool
same_text(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool
says_the_same(const struct suppress_record *a, const struct suppress_record *b)
{
	return a->origin == b->origin && a->counting == b->counting &&
	       a->until_us == b->until_us && same_text(a->reason, b->reason) &&
	       same_text(a->evidence, b->evidence);
}

static bool
add_one(struct txn *t, const struct suppress_entry *s, const char *who,
	int64_t now_us, uint32_t *changed, struct err *e)
{
	char reason[SUPPRESS_REASON + 1], evidence[SUPPRESS_EVIDENCE + 1];
	unsigned char key[SUPPRESS_KEY];
	size_t n = suppress_key(s->address, key);
	struct suppress_record old, r = {.origin = s->origin,
					 .since_us = s->since_us,
					 .until_us = s->until_us,
					 .who = text_of(who)};
	bool there = row_of(t, key, n, &old, e);

	if (!there && e->kind != ERR_NONE)
		return false;
	log_safe(s->reason.p, s->reason.n, reason, sizeof reason);
	log_safe(s->evidence.p, s->evidence.n, evidence, sizeof evidence);
	r.reason = text_of(reason);
	r.evidence = text_of(evidence);
	if (r.since_us == 0)
		r.since_us = (uint64_t)now_us;
	if (suppress_is_over(&r, now_us) ||
	    (there && holds(&old, now_us) &&
	     (old.origin > r.origin || says_the_same(&old, &r))))
		return true;
	++*changed;
	return put_row(t, key, n, &r, e);
}

bool
suppress_add(struct txn *t, struct text batch, const char *who, int64_t now_us,
	     uint32_t *changed, struct err *e)
{
	struct reader r = reader_of(batch.p, batch.n);
	struct suppress_entry s;

	*changed = 0;
	while (suppress_entry_take(&r, &s))
		if (!add_one(t, &s, who, now_us, changed, e))
			return false;
	return true;
}

bool
suppress_remove(struct txn *t, struct text batch, uint32_t *changed,
		struct err *e)
{
	struct reader r = reader_of(batch.p, batch.n);
	struct suppress_entry s;

	*changed = 0;
	while (suppress_entry_take(&r, &s)) {
		unsigned char key[SUPPRESS_KEY];
		size_t n = suppress_key(s.address, key);
		struct suppress_record old;

		if (!row_of(t, key, n, &old, e)) {
			if (e->kind != ERR_NONE)
				return false;
			continue;
		}
		if (!txn_del(t, STORE_SUPPRESS, key, n, e))
			return false;
		++*changed;
	}
	return true;
}

/* --- what bounces teach ----------------------------------------------------
 */

/* "There is no such mailbox or domain", as RFC 3463 3.2 and 3.3 number it;
 * 5.1.10 is RFC 7505's, and what Exchange Online says of an unknown one. */
static bool
blames_address(const char *status)
{
	static const char *const code[] = {"5.1.1", "5.1.2",  "5.1.3",
					   "5.1.6", "5.1.10", "5.2.1"};

	for (size_t i = 0; i < countof(code); i++)
		if (strcmp(status, code[i]) == 0)
			return true;
	return false;
}

/* Servers that call a policy 5.1.1 are common; their words tell.  More of them
 * than make another category: who is in doubt gets mail. */
static bool
blames_something_else(const char *reply)
{
	static const char *const word[] = {
	    "spam",      "polic",       "reputation",     "blocked",
	    "blacklist", "blocklist",   "block list",     "denylist",
	    "quota",     "full",        "over limit",     "rate limit",
	    "too many",  "throttl",     "dmarc",          "dkim",
	    "spf",       "authenticat", "greylist",       "try again",
	    "temporar",  "relay",       "not authorized", "access denied"};

	for (size_t i = 0; i < countof(word); i++)
		if (strcasestr(reply, word[i]) != NULL)
			return true;
	return false;
}

bool
suppress_is_hard(const struct verdict *v)
{
	return v->kind == VERDICT_FAIL && v->blame == BLAME_RECIPIENT &&
	       (v->category == CATEGORY_NONE ||
		v->category == CATEGORY_BAD_ADDRESS) &&
	       blames_address(v->status) && !blames_something_else(v->reply);
}

bool
suppress_bounced(struct txn *t, const struct settings *s, struct text address,
		 const struct verdict *v, int64_t now_us, bool *added,
		 struct err *e)
{
	return suppress_failed(t, &s->suppress, address, v, now_us, added, e);
}

bool
suppress_failed(struct txn *t, const struct suppress_settings *s,
		struct text address, const struct verdict *v, int64_t now_us,
		bool *added, struct err *e)
{
	unsigned char key[SUPPRESS_KEY];
	struct suppress_record old, r = {.origin = SUPPRESS_BOUNCE,
					 .bounces = 1,
					 .since_us = (uint64_t)now_us,
					 .reason = text_of("hard bounce"),
					 .who = text_of("mtq"),
					 .evidence = text_of(v->reply)};
	size_t n = suppress_key(address, key);

	*added = false;
	if (s->hard_bounce_after == 0 || n == 0 || !suppress_is_hard(v))
		return true;
	if (row_of(t, key, n, &old, e)) {
		if (holds(&old, now_us) && old.origin != SUPPRESS_BOUNCE)
			return true;
		if (!suppress_is_over(&old, now_us) &&
		    old.origin == SUPPRESS_BOUNCE) {
			r.bounces = old.bounces + (old.bounces < UINT32_MAX);
			r.since_us = old.since_us;
		}
		*added = !holds(&old, now_us);
	} else if (e->kind == ERR_NONE) {
		*added = true;
	} else {
		return false;
	}
	r.evidence.n = min_of(r.evidence.n, (size_t)SUPPRESS_EVIDENCE);
	r.until_us = (uint64_t)(now_us + s->hard_bounce_ttl_us);
	r.counting = r.bounces < s->hard_bounce_after;
	*added = *added && !r.counting;
	return put_row(t, key, n, &r, e);
}

/* A person's word stands, and an import that lasts as long. */
static bool
lasts(const struct suppress_record *old, const struct suppress_record *r)
{
	return old->origin == SUPPRESS_MANUAL ||
	       (old->origin == SUPPRESS_IMPORT &&
		(old->until_us == 0 || old->until_us >= r->until_us));
}

bool
suppress_complained(struct txn *t, const struct suppress_settings *s,
		    struct text address, const struct verdict *v,
		    int64_t now_us, bool *added, struct err *e)
{
	unsigned char key[SUPPRESS_KEY];
	struct suppress_record old,
	    r = {.origin = SUPPRESS_COMPLAINT,
		 .since_us = (uint64_t)now_us,
		 .until_us = (uint64_t)(now_us + s->complaint_ttl_us),
		 .reason = text_of("complaint"),
		 .who = text_of("mtq"),
		 .evidence = text_of(v->reply)};
	size_t n = suppress_key(address, key);

	*added = false;
	if (!s->complaint || n == 0)
		return true;
	if (row_of(t, key, n, &old, e)) {
		if (holds(&old, now_us) && lasts(&old, &r))
			return true;
		*added = !holds(&old, now_us);
		if (!*added && old.origin == SUPPRESS_COMPLAINT)
			r.since_us = old.since_us;
	} else if (e->kind == ERR_NONE) {
		*added = true;
	} else {
		return false;
	}
	r.evidence.n = min_of(r.evidence.n, (size_t)SUPPRESS_EVIDENCE);
	return put_row(t, key, n, &r, e);
}
