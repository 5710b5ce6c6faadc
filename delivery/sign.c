#include "delivery/sign.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "daemon/now.h"
#include "delivery/idna.h"
#include "delivery/sign_private.h"
#include "queue/mailbox.h"

/* --- which keys ------------------------------------------------------------- */

static bool
is_due(const struct sign_key *k, int64_t now_us)
{
	return k->from_us <= now_us && now_us < k->until_us;
}

int64_t
sign_next_change(const struct sign_keys *k, int64_t now_us)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < k->n; i++) {
		if (k->key[i].from_us > now_us)
			next = min_of(next, k->key[i].from_us);
		if (k->key[i].until_us > now_us)
			next = min_of(next, k->key[i].until_us);
	}
	return next;
}

/* Is the domain this one, or below it? */
static bool
is_in(const char *domain, const char *of)
{
	size_t n = strlen(domain), m = strlen(of);

	return n >= m && strcasecmp(domain + n - m, of) == 0 &&
	       (n == m || domain[n - m - 1] == '.');
}

static bool
same_kind(const struct sign_key *a, const struct sign_key *b)
{
	return a->key != NULL && b->key != NULL &&
	       pkey_kind(a->key) == pkey_kind(b->key);
}

/* One key of a kind signs: the one that began last.  A broken one, whose kind
 * nobody knows, is among them, so that it is noticed. */
static void
choose(struct sign *s, const struct sign_key *k)
{
	for (size_t i = 0; i < s->nchosen; i++) {
		const struct sign_key *c = s->chosen[i];

		if (!same_kind(c, k) && (c->key != NULL || k->key != NULL))
			continue;
		if (k->from_us >= c->from_us)
			s->chosen[i] = k;
		return;
	}
	if (s->nchosen < SIGN_CHOSEN_MOST)
		s->chosen[s->nchosen++] = k;
	else if (k->key == NULL)
		s->chosen[0] = k; /* the mail waits, whatever the others do */
}

/* The keys of the closest domain, all of them. */
static const char *
closest(const struct sign *s, const char *domain)
{
	const char *best = NULL;

	for (size_t i = 0; i < s->keys->n; i++) {
		const struct sign_key *k = &s->keys->key[i];

		if (is_due(k, s->now_us) && is_in(domain, k->domain) &&
		    (best == NULL || strlen(k->domain) > strlen(best)))
			best = k->domain;
	}
	return best;
}

/* The domain of header From as DNS has it; false: there is none. */
static bool
from_domain(struct text field, char out[IDNA_NAME_MOST + 1])
{
	char address[ADDRESS_MOST + 1], *at;
	struct bytes value = {0};

	sign_unfold(field, &value);
	mailbox_first((struct text){(char *)value.data,
				    min_of(value.n, (size_t)MAILBOX_FIELD)},
		      value.n <= MAILBOX_FIELD, address);
	bytes_free(&value);
	at = strrchr(address, '@');
	return at != NULL && idna_ascii(at + 1, out, IDNA_NAME_MOST + 1);
}

static void
decide(struct sign *s)
{
	char domain[IDNA_NAME_MOST + 1];
	struct sign_field from = {0};
	const char *best;
	size_t n = sign_count(&s->header, "From", &from);

	if (n == 0 || !from_domain(from.value, domain))
		return;
	best = closest(s, domain);
	if (best == NULL)
		return;
	if (n > 1) { /* RFC 6376 8.15: whose mail is it? */
		s->note = "it has several header fields From";
		return;
	}
	for (size_t i = 0; i < s->keys->n; i++) {
		const struct sign_key *k = &s->keys->key[i];

		if (!is_due(k, s->now_us) || strcasecmp(k->domain, best) != 0)
			continue;
		if (k->when == SIGN_WHEN_MISSING &&
		    sign_has(&s->header, k->domain))
			continue;
		choose(s, k);
	}
}

/* --- the message ------------------------------------------------------------ */

void
sign_begin(struct sign *s, const struct sign_keys *k, int64_t now_us,
	   bool rewritten)
{
	*s = (struct sign){.keys = k,
			   .now_us = now_us,
			   .rewritten = rewritten,
			   .inside = true,
			   .note = ""};
}

/* Octets up to and with the empty line that ends the header, of those that
 * were added at `from`; 0: it has not come. */
static size_t
header_end(const struct bytes *b, size_t from)
{
	const unsigned char *p;

	if (b->n >= 2 && memcmp(b->data, "\r\n", 2) == 0)
		return 2; /* no header at all */
	from -= min_of(from, (size_t)3);
	p = memmem(b->data + from, b->n - from, "\r\n\r\n", 4);
	return p != NULL ? (size_t)(p - b->data) + 4 : 0;
}

static void
end_header(struct sign *s)
{
	s->inside = false;
	decide(s);
	if (s->nchosen > 0)
		dkim_body_begin(&s->body, DKIM_RELAXED);
}

bool
sign_add(struct sign *s, const unsigned char *p, size_t n)
{
	size_t before = s->header.n, end;

	if (!s->inside) {
		if (s->nchosen > 0)
			dkim_body_add(&s->body, p, n);
		return s->nchosen > 0;
	}
	bytes_add(&s->header, p, n);
	end = header_end(&s->header, before);
	if (end == 0 && s->header.n <= SIGN_HEADER_MOST)
		return true;
	if (end == 0 || end > SIGN_HEADER_MOST) {
		s->inside = false;
		s->note = "its header is too large";
		return false;
	}
	s->header.n = end;
	end_header(s);
	if (s->nchosen > 0)
		dkim_body_add(&s->body, p + (end - before), n - (end - before));
	return s->nchosen > 0;
}

bool
sign_end(struct sign *s, struct bytes *out, struct err *e)
{
	unsigned char hash[DKIM_HASH];
	size_t before = out->n;

	if (s->inside)
		end_header(s); /* and no body */
	if (s->nchosen == 0)
		return true;
	dkim_body_end(&s->body, hash);
	for (size_t i = 0; i < s->nchosen; i++)
		if (!sign_put(s, s->chosen[i], hash, out, e)) {
			out->n = before;
			return false;
		}
	return true;
}

void
sign_done(struct sign *s)
{
	bytes_free(&s->header);
	dkim_body_drop(&s->body);
}
