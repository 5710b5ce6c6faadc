#include "queue/dkim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue/dkim_header.h"
#include "queue/dkim_key.h"

enum { QUESTION_MOST = 2 * DKIM_NAME + 16 };

/* One DKIM-Signature field. */
struct signature {
	enum dkim_kind kind;     /* NONE: not decided yet */
	struct dkim_field field; /* its texts are gone when the header is */
	char domain[DKIM_NAME], selector[DKIM_NAME];
	unsigned char hash[DKIM_HASH]; /* what is signed */
	bool aligned;
	unsigned bits;
	char words[DKIM_WORDS];
	char question[QUESTION_MOST];
};

struct dkim {
	struct bytes block; /* the header, until it has ended */
	bool in_body;
	const char *unread; /* why nothing is verified; NULL: it is */
	bool wanted[2];     /* a body hash, by canonicalization */
	struct dkim_body body[2];
	unsigned char body_hash[2][DKIM_HASH];
	struct signature *signature; /* DKIM_TRIED at most */
	size_t n, seen;
	size_t asked[DKIM_TRIED]; /* those that need a key */
	size_t nasked;
	char from[DKIM_NAME];
};

const char *
dkim_word(enum dkim_kind k)
{
	static const char *const words[] = {
#define X(id, word) [DKIM_##id] = word,
	    DKIM_KINDS(X)
#undef X
	};

	return words[k];
}

struct dkim *
dkim_open(void)
{
	return must_alloc(sizeof(struct dkim));
}

void
dkim_close(struct dkim *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < countof(v->body); i++)
		if (v->wanted[i])
			dkim_body_drop(&v->body[i]);
	free(v->signature);
	bytes_free(&v->block);
	free(v);
}

/* --- the header ------------------------------------------------------------- */

static void
decide(struct signature *s, enum dkim_kind k, const char *words)
{
	s->kind = k;
	snprintf(s->words, sizeof s->words, "%s", words);
}

static enum dkim_kind
kind_of(enum dkim_fault f)
{
	switch (f) {
	case DKIM_FAULT_NONE:
		return DKIM_NONE;
	case DKIM_FAULT_MALFORMED:
	case DKIM_FAULT_VERSION:
	case DKIM_FAULT_ALGORITHM:
	case DKIM_FAULT_CANON:
	case DKIM_FAULT_QUERY:
	case DKIM_FAULT_IDENTITY:
		return DKIM_NEUTRAL;
	case DKIM_FAULT_SHA1:
	case DKIM_FAULT_LENGTH:
	case DKIM_FAULT_FROM:
		return DKIM_POLICY;
	case DKIM_FAULT_EXPIRED:
	case DKIM_FAULT_FUTURE:
		return DKIM_FAIL;
	}
	must(false);
	return DKIM_NEUTRAL;
}

static void
read_signature(struct dkim *v, const struct dkim_header *h, size_t at)
{
	const char *twice = NULL;
	struct signature *s;
	enum dkim_fault f;

	v->signature = must_realloc(v->signature, (v->n + 1) * sizeof *s);
	s = &v->signature[v->n++];
	memset(s, 0, sizeof *s);
	f = dkim_field_read(h->line[at].value, &s->field);

	text_copy(s->field.domain, s->domain, sizeof s->domain);
	text_copy(s->field.selector, s->selector, sizeof s->selector);
	if (f != DKIM_FAULT_NONE) {
		decide(s, kind_of(f), dkim_fault_words(f));
		return;
	}
	if (!dkim_header_hash(h, at, &s->field, s->hash, &twice)) {
		s->kind = DKIM_POLICY;
		snprintf(s->words, sizeof s->words,
			 "a second %s is not signed (h=)", twice);
		return;
	}
	v->wanted[s->field.body] = true;
}

static void
read_header(struct dkim *v)
{
	struct text name = text_of("DKIM-Signature");
	struct dkim_header h;

	if (!dkim_header_read(
		(struct text){(const char *)v->block.data, v->block.n}, &h))
		v->unread = "the header can't be read";
	for (size_t i = 0; v->unread == NULL && i < h.n; i++) {
		if (h.line[i].name.n != name.n ||
		    strncasecmp(h.line[i].name.p, name.p, name.n) != 0)
			continue;
		if (v->seen++ < DKIM_TRIED)
			read_signature(v, &h, i);
	}
	dkim_header_free(&h);
	bytes_free(&v->block);
	for (size_t i = 0; i < countof(v->body); i++)
		if (v->wanted[i])
			dkim_body_begin(&v->body[i], (enum dkim_canon)i);
}

/* Returns how many octets belong to the header. */
static size_t
add_header(struct dkim *v, const unsigned char *p, size_t n)
{
	size_t before = v->block.n, k, end;

	k = min_of(n, (size_t)DKIM_HEADER_MOST - before);
	bytes_add(&v->block, p, k);
	end = dkim_header_end(&v->block, before);
	if (end > 0) {
		k = end - before;
		v->block.n = end - 2; /* without the empty line */
		v->in_body = true;
		read_header(v);
	} else if (v->block.n == DKIM_HEADER_MOST) {
		v->unread = "the header is too long";
		v->in_body = true;
		bytes_free(&v->block);
	}
	return k;
}

void
dkim_add(struct dkim *v, const unsigned char *p, size_t n)
{
	if (n > 0 && !v->in_body) {
		size_t k = add_header(v, p, n);

		p += k;
		n -= k;
	}
	if (n == 0)
		return;
	for (size_t i = 0; i < countof(v->body); i++)
		if (v->wanted[i])
			dkim_body_add(&v->body[i], p, n);
}

/* --- questions and answers -------------------------------------------------- */

bool
dkim_aligned(struct text signer, struct text from)
{
	if (!dkim_name(signer, 2) || from.n < signer.n ||
	    strncasecmp(from.p + from.n - signer.n, signer.p, signer.n) != 0)
		return false;
	return from.n == signer.n || from.p[from.n - signer.n - 1] == '.';
}

static void
ask(struct dkim *v, size_t i, int64_t now_s)
{
	struct signature *s = &v->signature[i];
	enum dkim_fault f = dkim_field_when(&s->field, now_s);
	const unsigned char *body = v->body_hash[s->field.body];

	if (f != DKIM_FAULT_NONE) {
		decide(s, kind_of(f), dkim_fault_words(f));
		return;
	}
	if (memcmp(body, s->field.hash, DKIM_HASH) != 0) {
		decide(s, DKIM_FAIL, "the body was changed");
		return;
	}
	snprintf(s->question, sizeof s->question, "%s._domainkey.%s",
		 s->selector, s->domain);
	if (!dkim_name(text_of(s->question), 4)) {
		decide(s, DKIM_NEUTRAL, "its key has no possible name");
		return;
	}
	v->asked[v->nasked++] = i;
}

size_t
dkim_end(struct dkim *v, struct text from, int64_t now_s)
{
	if (!v->in_body) { /* no empty line: all of it is header */
		v->in_body = true;
		read_header(v);
	}
	for (size_t i = 0; i < countof(v->body); i++)
		if (v->wanted[i])
			dkim_body_end(&v->body[i], v->body_hash[i]);
	if (from.n < sizeof v->from)
		text_copy(from, v->from, sizeof v->from);
	for (size_t i = 0; i < v->n; i++) {
		struct signature *s = &v->signature[i];

		s->aligned = dkim_aligned(text_of(s->domain), text_of(v->from));
		if (s->aligned && s->kind == DKIM_NONE)
			ask(v, i, now_s);
	}
	return v->nasked;
}

size_t
dkim_questions(const struct dkim *v)
{
	return v->nasked;
}

size_t
dkim_memory(const struct dkim *v)
{
	if (v == NULL)
		return 0;
	return sizeof *v + v->block.room + v->n * sizeof *v->signature;
}

const char *
dkim_name_at(const struct dkim *v, size_t i)
{
	must(i < v->nasked);
	return v->signature[v->asked[i]].question;
}

static void
try_record(struct signature *s, struct text record)
{
	struct pkey *key = NULL;
	enum dkim_key_fault f =
	    dkim_key_read(record, &s->field, &key, &s->bits);

	if (f != DKIM_KEY_NONE) {
		decide(s, dkim_key_policy(f) ? DKIM_POLICY : DKIM_FAIL,
		       dkim_key_words(f));
		return;
	}
	if (pkey_verify(key, s->hash, s->field.signature, s->field.nsignature))
		decide(s, DKIM_PASS, "");
	else
		decide(s, DKIM_FAIL, "a signed field was changed");
	pkey_free(key);
}

void
dkim_answer(struct dkim *v, size_t i, const struct answer *a)
{
	struct signature *s;
	struct bytes record = {0};

	must(i < v->nasked);
	s = &v->signature[v->asked[i]];
	if (a == NULL) {
		decide(s, DKIM_TEMPORARY, "no answer from the DNS in time");
	} else if (a->failed) {
		s->kind = DKIM_TEMPORARY;
		snprintf(s->words, sizeof s->words, "the DNS gave %s", a->why);
	} else if (a->n == 0) {
		decide(s, DKIM_FAIL, "no key at s= of d=");
	} else if (a->n > 1) {
		decide(s, DKIM_FAIL, dkim_key_words(DKIM_KEY_SEVERAL));
	} else if (!dkim_key_join((const unsigned char *)a->data[0],
				  (size_t)max_of(a->size[0], 0), &record)) {
		decide(s, DKIM_FAIL, dkim_key_words(DKIM_KEY_LONG));
	} else {
		try_record(s,
			   (struct text){(const char *)record.data, record.n});
	}
	bytes_free(&record);
}

/* --- the result ------------------------------------------------------------- */

/* Which of two signatures says more: a pass; then what could be one later;
 * then what the domain that counts has to put right. */
static unsigned
rank(const struct signature *s)
{
	if (!s->aligned)
		return s->domain[0] != '\0' ? 1 : 2;
	switch (s->kind) {
	case DKIM_NEUTRAL:
		return 3;
	case DKIM_POLICY:
		return 4;
	case DKIM_FAIL:
		return 5;
	case DKIM_NONE: /* nobody has answered for it */
	case DKIM_TEMPORARY:
		return 6;
	case DKIM_PASS:
		return s->bits >= DKIM_BITS_WEAK ||
			       s->field.kind == PKEY_ED25519
			   ? 8
			   : 7;
	}
	must(false);
	return 0;
}

static void
explain(const struct dkim *v, const struct signature *s,
	struct dkim_result *out)
{
	const char *more =
	    v->seen > DKIM_TRIED ? "; only the first 10 signatures count" : "";

	out->kind = s->kind;
	snprintf(out->domain, sizeof out->domain, "%s", s->domain);
	snprintf(out->selector, sizeof out->selector, "%s", s->selector);
	snprintf(out->algorithm, sizeof out->algorithm, "%s",
		 s->field.algorithm);
	out->bits = s->bits;
	out->weak = s->bits > 0 && s->field.kind == PKEY_RSA &&
		    s->bits < DKIM_BITS_WEAK;
	if (s->kind == DKIM_PASS)
		return;
	if (!s->aligned && s->domain[0] != '\0') {
		out->kind = DKIM_POLICY;
		snprintf(out->words, sizeof out->words,
			 "signed by another domain than From's%s", more);
		return;
	}
	if (s->kind == DKIM_NONE) /* never open */
		out->kind = DKIM_TEMPORARY;
	snprintf(out->words, sizeof out->words, "%.110s%s", s->words, more);
}

void
dkim_judge(const struct dkim *v, struct dkim_result *out)
{
	const struct signature *best = NULL;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < v->n; i++)
		if (best == NULL || rank(&v->signature[i]) > rank(best))
			best = &v->signature[i];
	if (v->unread != NULL) {
		out->kind = DKIM_NEUTRAL;
		snprintf(out->words, sizeof out->words, "%s", v->unread);
	} else if (best == NULL) {
		snprintf(out->words, sizeof out->words, "not signed");
	} else if (v->from[0] == '\0') {
		out->kind = DKIM_NEUTRAL;
		snprintf(out->words, sizeof out->words,
			 "From has no address that a signature could be of");
	} else {
		explain(v, best, out);
	}
}
