/*
 * Any octets as a message, and as a key record.  Oracles: the pieces a message
 * comes in change nothing; what passes by the keys of RFC 8463 has its one From
 * and its body; canonical forms are those of a simple reference; nothing is read
 * outside (the sanitizers see it).
 */
#include <stdlib.h>
#include <string.h>

#include "queue/dkim.h"
#include "queue/dkim_header.h"
#include "queue/dkim_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char ED[] =
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char FROM[] = "from:Joe SixPack <joe@football.example.com>";

/* --- a reference of RFC 6376 3.4.4, line by line ----------------------------- */

static bool
blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static void
add_line(struct bytes *out, const uint8_t *p, size_t n, bool relaxed)
{
	while (relaxed && n > 0 && blank(p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (relaxed && blank(p[i])) {
			if (i == 0 || !blank(p[i - 1]))
				bytes_u8(out, ' ');
			continue;
		}
		bytes_u8(out, p[i]);
	}
	bytes_add(out, "\r\n", 2);
}

static void
reference(const uint8_t *p, size_t n, bool relaxed, unsigned char hash[32])
{
	unsigned char all[DIGEST_MOST];
	struct bytes out = {0};

	for (size_t at = 0; at < n;) {
		const uint8_t *end = memmem(p + at, n - at, "\r\n", 2);
		size_t k = end != NULL ? (size_t)(end - p) - at : n - at;

		add_line(&out, p + at, k, relaxed);
		at += end != NULL ? k + 2 : k;
	}
	while (out.n >= 4 && memcmp(out.data + out.n - 4, "\r\n\r\n", 4) == 0)
		out.n -= 2;
	if (out.n == 2 && memcmp(out.data, "\r\n", 2) == 0)
		out.n = 0;
	if (out.n == 0 && !relaxed)
		bytes_add(&out, "\r\n", 2);
	digest_of(DIGEST_SHA256, out.data, out.n, all);
	memcpy(hash, all, 32);
	bytes_free(&out);
}

static void
look_at_bodies(const uint8_t *p, size_t n)
{
	for (int relaxed = 0; relaxed < 2; relaxed++) {
		unsigned char want[32], got[32];
		struct dkim_body b;

		dkim_body_begin(&b, relaxed ? DKIM_RELAXED : DKIM_SIMPLE);
		for (size_t at = 0, k; at < n; at += k) {
			k = min_of(n - at, 1 + (p[at] & 7u));
			dkim_body_add(&b, p + at, k);
		}
		dkim_body_end(&b, got);
		reference(p, n, relaxed, want);
		must(memcmp(got, want, sizeof got) == 0);
	}
}

/* --- messages ---------------------------------------------------------------- */

static void
verify(const uint8_t *p, size_t n, size_t cut, struct dkim_result *out)
{
	unsigned char rdata[1 + sizeof ED];
	char *data[] = {(char *)rdata};
	int size[] = {sizeof ED};
	struct answer a = {.n = 1, .data = data, .size = size};
	struct dkim *v = dkim_open();
	size_t asked;

	rdata[0] = sizeof ED - 1;
	memcpy(rdata + 1, ED, sizeof ED - 1);
	for (size_t at = 0; at < n; at += cut)
		dkim_add(v, p + at, min_of(cut, n - at));
	asked = dkim_end(v, text_of("football.example.com"), 1800000000);
	must(asked <= DKIM_TRIED && asked == dkim_questions(v));
	for (size_t i = 0; i < asked; i++) {
		must(strstr(dkim_name_at(v, i), "._domainkey.") != NULL);
		dkim_answer(v, i, &a);
	}
	dkim_judge(v, out);
	dkim_close(v);
}

/* Its fields named From, in their canonical form. */
static void
look_at_from(const uint8_t *p, size_t n)
{
	const uint8_t *end = memmem(p, n, "\r\n\r\n", 4);
	struct dkim_header h;
	size_t found = 0;

	must(dkim_header_read(
	    (struct text){(const char *)p,
			  end != NULL ? (size_t)(end - p) + 2 : n},
	    &h));
	for (size_t i = 0; i < h.n; i++) {
		struct bytes b = {0};

		if (!dkim_same(h.line[i].name, "from"))
			continue;
		found++;
		dkim_canon_header(DKIM_RELAXED, h.line[i].all.p,
				  h.line[i].all.n, false, &b);
		must(b.n == sizeof FROM - 1 && memcmp(b.data, FROM, b.n) == 0);
		bytes_free(&b);
	}
	must(found == 1);
	dkim_header_free(&h);
}

/* --- records ----------------------------------------------------------------- */

static void
look_at_record(const uint8_t *p, size_t n)
{
	const struct dkim_field f = {.kind =
					 n % 2 == 0 ? PKEY_RSA : PKEY_ED25519};
	struct bytes record = {0};
	struct pkey *key = NULL;
	unsigned bits;

	if (dkim_key_join(p, n, &record))
		must(record.n <= DKIM_RECORD_MOST);
	bytes_free(&record);
	if (dkim_key_read((struct text){(const char *)p, n}, &f, &key, &bits) ==
	    DKIM_KEY_NONE)
		must(
		    key != NULL && pkey_kind(key) == f.kind &&
		    (f.kind == PKEY_ED25519 || (bits >= 1024 && bits <= 4096)));
	else
		must(key == NULL);
	pkey_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dkim_result whole, cut;
	uint8_t *copy = must_alloc(n + !n); /* its end is the end of memory */

	if (n > 0)
		memcpy(copy, p, n);
	verify(copy, n, n + !n, &whole);
	verify(copy, n, 1 + n % 13, &cut);
	must(whole.kind == cut.kind && strcmp(whole.words, cut.words) == 0 &&
	     strcmp(whole.domain, cut.domain) == 0);
	must((whole.kind == DKIM_PASS) == (whole.words[0] == '\0'));
	if (whole.kind == DKIM_PASS)
		look_at_from(copy, n);
	look_at_bodies(copy, n);
	look_at_record(copy, n);
	free(copy);
	return 0;
}
