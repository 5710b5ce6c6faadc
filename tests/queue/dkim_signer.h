/*
 * dkim_signer - messages signed as a row of a table says, and what is said of
 * them; tests/queue/dkim*.c.
 */
#ifndef MTQ_TESTS_DKIM_SIGNER_H
#define MTQ_TESTS_DKIM_SIGNER_H

#include <string.h>

#include "daemon/base64.h"
#include "queue/dkim.h"
#include "queue/dkim_header.h"
#include "tests/queue/dkim_keys.h"
#include "tests/queue/dkim_rfcs.h"

enum { NOW_S = 1800000000 };

/* What is said of the whole message; octets go in pieces of `cut`. */
static inline void
check(const struct bytes *message, size_t cut, const char *from,
      const struct answer *a, struct dkim_result *out)
{
	struct dkim *v = dkim_open();
	size_t n;

	for (size_t at = 0; at < message->n; at += cut)
		dkim_add(v, message->data + at, min_of(cut, message->n - at));
	n = dkim_end(v, text_of(from), NOW_S);
	for (size_t i = 0; i < n; i++)
		dkim_answer(v, i, a);
	dkim_judge(v, out);
	dkim_close(v);
}

enum say {
	SAY_KEY,     /* `record`, or the key's own */
	SAY_TWICE,   /* two records */
	SAY_NOTHING, /* no such name */
	SAY_FAILURE,
	SAY_SILENCE,
};
struct row {
	const char *name;
	const char *tags; /* behind "v=1; a=; c=; d=; s=;" */
	const char *a, *c, *d, *s, *h;
	const char *header, *body; /* what is signed */
	const char *from;          /* whose mail it is */
	const char *top;           /* put above, once it is signed */
	const char *old, *new;     /* changed, once it is signed */
	const char *pem;
	const char *record; /* "K": the public half, base64 */
	enum say say;
	enum dkim_kind kind;
	const char *words; /* the beginning of them */
};

static const char header[] = "From: a@example.com\r\nTo: b@example.net\r\n"
			     "Subject: s\r\n";

static inline const char *
or_else(const char *p, const char *usual)
{
	return p != NULL ? p : usual;
}

/* Changes the first `old` to `new`. */
static inline void
change(struct bytes *m, const char *old, const char *new)
{
	char *at = memmem(m->data, m->n, old, strlen(old));
	struct bytes b = {0};
	size_t k;

	assert_non_null(at);
	k = (size_t)(at - (char *)m->data);
	bytes_add(&b, m->data, k);
	bytes_add_text(&b, new);
	bytes_add(&b, m->data + k + strlen(old), m->n - k - strlen(old));
	bytes_free(m);
	*m = b;
}

static inline void
body_hash(struct bytes *out, enum dkim_canon c, const char *body)
{
	unsigned char hash[DKIM_HASH];
	struct dkim_body b;

	dkim_body_begin(&b, c);
	dkim_body_add(&b, (const unsigned char *)body, strlen(body));
	dkim_body_end(&b, hash);
	base64_add(out, hash, sizeof hash);
}

/* Puts a signature in front of header and body. */
static inline void
sign(const struct row *r, struct pkey *key, struct bytes *out)
{
	const char *c = or_else(r->c, "relaxed/relaxed");
	const char *slash = strchr(c, '/');
	const char *body = or_else(r->body, "Hello\r\n");
	struct dkim_field f = {0};
	unsigned char hash[DKIM_HASH], sig[PKEY_SIGNATURE_MOST];
	struct bytes b64 = {0};
	struct dkim_header h;
	const char *twice;

	bytes_printf(out, "DKIM-Signature: v=1; a=%s; c=%s; d=%s; s=%s;\r\n\t",
		     or_else(r->a, pkey_kind(key) == PKEY_RSA
				       ? "rsa-sha256"
				       : "ed25519-sha256"),
		     c, or_else(r->d, "example.com"), or_else(r->s, "s1"));
	f.header = strncmp(c, "relaxed", 7) == 0 ? DKIM_RELAXED : DKIM_SIMPLE;
	f.names = text_of(or_else(r->h, "from:to:subject"));
	bytes_printf(out, "h=%.*s; %s; bh=", (int)f.names.n, f.names.p,
		     or_else(r->tags, "q=dns/txt"));
	body_hash(out,
		  slash != NULL && strcmp(slash, "/relaxed") == 0 ? DKIM_RELAXED
								  : DKIM_SIMPLE,
		  body);
	bytes_add_text(out, "; b=AAAA\r\n");
	bytes_add_text(out, or_else(r->header, header));
	assert_true(dkim_header_read(
	    (struct text){(const char *)out->data, out->n}, &h));
	(void)!dkim_header_hash(&h, 0, &f, hash, &twice);
	base64_add(&b64, sig, pkey_sign(key, hash, sig));
	bytes_u8(&b64, 0);
	dkim_header_free(&h);
	bytes_add_text(out, "\r\n");
	bytes_add_text(out, body);
	change(out, "AAAA", (const char *)b64.data);
	bytes_free(&b64);
}

static inline void
record_of(const struct row *r, const struct pkey *key, struct bytes *out)
{
	const char *t = or_else(r->record, pkey_kind(key) == PKEY_RSA
					       ? "v=DKIM1; k=rsa; p=K"
					       : "v=DKIM1; k=ed25519; p=K");
	const char *k = strstr(t, "p=K");
	struct bytes p = {0}, b64 = {0};

	assert_true(pkey_published(key, &p));
	base64_add(&b64, p.data, p.n);
	if (k == NULL)
		bytes_add_text(out, t);
	else
		bytes_printf(out, "%.*sp=%.*s%s", (int)(k - t), t, (int)b64.n,
			     (char *)b64.data, k + 3);
	bytes_u8(out, 0);
	bytes_free(&p);
	bytes_free(&b64);
}

#endif
