/* Signing keys of one test, and our own verifier's word on what they make. */
#ifndef MTQ_TESTS_SIGN_WORLD_H
#define MTQ_TESTS_SIGN_WORLD_H

#include <string.h>

#include "daemon/base64.h"
#include "delivery/sign.h"
#include "queue/dkim.h"
#include "tests/queue/dkim_keys.h"

enum { SIGN_NOW_S = 1800000000, SIGN_WORLD_KEYS = 8 };
#define SIGN_NOW_US (SIGN_NOW_S * SECOND_US)

static struct pkey *
sign_pem(const char *pem)
{
	struct err e;
	struct pkey *k = pkey_private(pem, strlen(pem), &e);

	must(k != NULL);
	return k;
}

/* The fields that a message gets, fed in pieces; false: it can't be signed. */
static bool
sign_all(const struct sign_keys *keys, const void *p, size_t n, size_t piece,
	 struct bytes *out, const char **note, struct err *e)
{
	const unsigned char *at = p;
	struct sign s;
	bool more = true, ok;

	sign_begin(&s, keys, SIGN_NOW_US, false);
	for (size_t i = 0; more && i < n; i += piece)
		more = sign_add(&s, at + i, min_of(piece, n - i));
	ok = sign_end(&s, out, e);
	*note = s.note;
	sign_done(&s);
	return ok;
}

/* What our verifier says of a message signed by this key alone. */
static enum dkim_kind
sign_verified(const struct sign_key *k, const char *from,
	      const struct bytes *fields, const void *p, size_t n)
{
	struct bytes record = {0}, public = {0}, text = {0};
	struct dkim *v = dkim_open();
	struct dkim_result result;
	char *data[2] = {NULL, NULL};
	int size[2];
	struct answer a = {.n = 1, .data = data, .size = size};

	must(pkey_published(k->key, &public));
	bytes_printf(&record, "v=DKIM1; k=%s; p=",
		     pkey_kind(k->key) == PKEY_RSA ? "rsa" : "ed25519");
	base64_add(&record, public.data, public.n);
	for (size_t i = 0; i < record.n; i += 255) {
		size_t part = min_of(record.n - i, (size_t)255);

		bytes_u8(&text, (uint8_t)part);
		bytes_add(&text, record.data + i, part);
	}
	data[0] = (char *)text.data;
	size[0] = (int)text.n;
	dkim_add(v, fields->data, fields->n);
	if (n > 0)
		dkim_add(v, p, n);
	n = dkim_end(v, text_of(from), SIGN_NOW_S);
	for (size_t i = 0; i < n; i++)
		dkim_answer(v, i, &a);
	dkim_judge(v, &result);
	dkim_close(v);
	bytes_free(&record);
	bytes_free(&public);
	bytes_free(&text);
	return result.kind;
}

#endif
