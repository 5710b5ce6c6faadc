/* One DKIM-Signature field: which header fields it covers, its text, its b=. */
#include <inttypes.h>
#include <string.h>

#include "daemon/base64.h"
#include "delivery/sign_private.h"

enum {
	WIDTH = 76, /* columns that folding aims at (RFC 5322 2.1.1) */
	FOLD_BASE64 = 72,
};

/* How often a name stands in h= beyond what is there: one more makes a field
 * that is added later break the signature (RFC 6376 5.4.2, 8.15). */
enum cover {
	COVER_ALL,    /* each that is there */
	COVER_MORE,   /* and one more, if there is any */
	COVER_ALWAYS, /* and one more, also if there is none */
};

/* What people are shown and programs act upon (RFC 6376 5.4.1; RFC 8058 4).
 * Nothing that a next hop writes itself: Received, Return-Path, Sender. */
static const struct {
	const char *name;
	enum cover cover;
	bool trace; /* some relays put in their own */
} row[] = {
    {"From", COVER_ALWAYS, false},
    {"Subject", COVER_ALWAYS, false},
    {"Reply-To", COVER_ALWAYS, false},
    {"To", COVER_MORE, false},
    {"Cc", COVER_MORE, false},
    {"Date", COVER_MORE, true},
    {"Message-ID", COVER_MORE, true},
    {"In-Reply-To", COVER_ALL, false},
    {"References", COVER_ALL, false},
    {"MIME-Version", COVER_MORE, false},
    {"Content-Type", COVER_MORE, false},
    {"Content-Transfer-Encoding", COVER_MORE, false},
    {"Content-Disposition", COVER_MORE, false},
    {"Auto-Submitted", COVER_ALL, false},
    {"Feedback-ID", COVER_ALL, false},
    {"List-Id", COVER_ALL, false},
    {"List-Help", COVER_ALL, false},
    {"List-Post", COVER_ALL, false},
    {"List-Owner", COVER_ALL, false},
    {"List-Archive", COVER_ALL, false},
    {"List-Subscribe", COVER_ALL, false},
    {"List-Unsubscribe", COVER_ALL, false},
    {"List-Unsubscribe-Post", COVER_ALL, false},
};

/* What is being written. */
struct put {
	const struct sign *sign;
	struct bytes field;
	struct bytes data; /* what is hashed */
	size_t column;
	size_t listed;
};

static void
list(struct put *p, const char *name)
{
	size_t n = strlen(name);

	if (p->listed > 0) {
		bytes_add_text(&p->field, ":");
		p->column++;
	}
	if (p->column + n + 1 > WIDTH) {
		bytes_add_text(&p->field, "\r\n\t ");
		p->column = 9;
	}
	bytes_add_text(&p->field, name);
	p->column += n;
	p->listed++;
}

/* Those of one name, the last one first (RFC 6376 5.4.2). */
static void
cover(struct put *p, const char *name, enum cover how)
{
	struct text found[SIGN_LISTED_MOST];
	struct sign_field f;
	size_t at = 0, n = 0;

	while (sign_next(&p->sign->header, &at, &f))
		if (sign_is(&f, name)) {
			/* The last ones, if there are too many. */
			if (n == countof(found))
				memmove(found, found + 1, --n * sizeof *found);
			found[n++] = f.whole;
		}
	if (how == COVER_ALWAYS || (how == COVER_MORE && n > 0))
		list(p, name);
	while (n-- > 0 && p->listed < SIGN_LISTED_MOST) {
		list(p, name);
		dkim_canon_header(DKIM_RELAXED, found[n].p, found[n].n, true,
				  &p->data);
	}
}

/* The value of b=, folded. */
static void
add_signature(struct bytes *out, const unsigned char *p, size_t n)
{
	struct bytes text = {0};

	base64_add(&text, p, n);
	for (size_t i = 0; i < text.n; i += FOLD_BASE64) {
		if (i > 0)
			bytes_add_text(out, "\r\n\t");
		bytes_add(out, text.data + i,
			  min_of(text.n - i, (size_t)FOLD_BASE64));
	}
	bytes_free(&text);
}

/* All of the field but the value of b=, its last tag. */
static void
write_field(struct put *p, const struct sign_key *k,
	    const unsigned char body_hash[DKIM_HASH])
{
	const char *kind =
	    pkey_kind(k->key) == PKEY_ED25519 ? "ed25519" : "rsa";

	bytes_printf(&p->field,
		     "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed;\r\n"
		     "\td=%s; s=%s;\r\n\tt=%" PRId64 ";\r\n\th=",
		     kind, k->domain, k->selector, p->sign->now_us / SECOND_US);
	p->column = 10;
	for (size_t i = 0; i < countof(row); i++)
		if (!row[i].trace || !p->sign->rewritten)
			cover(p, row[i].name, row[i].cover);
	bytes_add_text(&p->field, ";\r\n\tbh=");
	base64_add(&p->field, body_hash, DKIM_HASH);
	bytes_add_text(&p->field, ";\r\n\tb=");
}

static bool
unusable(const struct sign_key *k, const char *why, struct err *e)
{
	err_set(e, ERR_CONFIG, "dkim %.64s: %s", k->title, why);
	return false;
}

bool
sign_put(const struct sign *s, const struct sign_key *k,
	 const unsigned char body_hash[DKIM_HASH], struct bytes *out,
	 struct err *e)
{
	unsigned char hash[DIGEST_MOST], signature[PKEY_SIGNATURE_MOST];
	struct put p = {.sign = s};
	size_t n;

	if (k->key == NULL)
		return unusable(k, k->why, e);
	write_field(&p, k, body_hash);
	dkim_canon_header(DKIM_RELAXED, (const char *)p.field.data, p.field.n,
			  false, &p.data);
	must(digest_of(DIGEST_SHA256, p.data.data, p.data.n, hash) ==
	     PKEY_HASH);
	n = pkey_sign(k->key, hash, signature);
	if (n > 0) {
		add_signature(&p.field, signature, n);
		bytes_add_text(&p.field, "\r\n");
		bytes_add(out, p.field.data, p.field.n);
	}
	bytes_free(&p.field);
	bytes_free(&p.data);
	return n > 0 || unusable(k, "the key does not sign", e);
}
