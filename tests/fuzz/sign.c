/* Any octets as a message that is signed.  Oracles: the pieces it comes in
 * change nothing; what was made is header fields, each line short; our own
 * verifier takes it, unless the message has what it refuses to look at. */
#include <stdlib.h>
#include <string.h>

#include "tests/delivery/sign_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct sign_key key;

static void
begin(void)
{
	if (key.key != NULL)
		return;
	key.domain = must_strdup("a.test");
	key.selector = must_strdup("s");
	key.title = must_strdup("t");
	key.when = SIGN_WHEN_ALWAYS;
	key.from_us = INT64_MIN;
	key.until_us = INT64_MAX;
	key.key = sign_pem(dkim_ed25519);
}

static void
look_at_lines(const struct bytes *b)
{
	size_t column = 0;

	must(b->n > 16 && memcmp(b->data, "DKIM-Signature: ", 16) == 0);
	must(memcmp(b->data + b->n - 2, "\r\n", 2) == 0);
	for (size_t i = 0; i < b->n; i++) {
		must(b->data[i] == '\r' || b->data[i] == '\n' ||
		     b->data[i] == '\t' ||
		     (b->data[i] >= ' ' && b->data[i] < 0x7f));
		column = b->data[i] == '\n' ? 0 : column + 1;
		must(column < 200);
	}
}

/* Mail that was accepted has no other line ends, and no NUL. */
static bool
is_mail(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' ||
		    (p[i] == '\n' && (i == 0 || p[i - 1] != '\r')) ||
		    (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')))
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes whole = {0}, cut = {0}, m = {0};
	const struct sign_keys keys = {&key, 1};
	const char *note;
	struct err e;
	enum dkim_kind kind;

	begin();
	bytes_add_text(&m, "From: a@a.test\r\n");
	if (n > 0)
		bytes_add(&m, p, n);
	must(sign_all(&keys, m.data, m.n, m.n, &whole, &note, &e));
	must(sign_all(&keys, m.data, m.n, 1 + n % 17, &cut, &note, &e));
	must(whole.n == cut.n &&
	     (cut.n == 0 || memcmp(whole.data, cut.data, cut.n) == 0));
	if (whole.n > 0) {
		look_at_lines(&whole);
		kind = sign_verified(&key, "a.test", &whole, m.data, m.n);
		if (is_mail(p, n) && m.n < DKIM_HEADER_MOST / 2)
			must(kind != DKIM_FAIL && kind != DKIM_NONE);
	}
	bytes_free(&whole);
	bytes_free(&cut);
	bytes_free(&m);
	return 0;
}
