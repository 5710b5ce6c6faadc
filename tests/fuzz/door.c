/* What the door sees of a header is what a simple reader sees, who has all of it
 * in memory: fields, the first author field, whether it is odd.  All authors
 * begin with the one that routes and quotas go by. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue/door_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { LINE = 1024, INPUT = 1 << 14 };

static const char *const singles[] = {
#define F(id, name) name,
    DOOR_SINGLES(F)
#undef F
};

/* One field, its lines put together again. */
struct plain {
	char name[INPUT], value[INPUT];
	size_t nvalue;
	bool blank_before_colon, blanks_above;
};

struct naive {
	unsigned seen[countof(singles)];
	unsigned lk;
	char from[INPUT], lk_value[INPUT];
	size_t nfrom, nlk;
	bool odd, blank_above;
};

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
all_blank(const char *p, size_t n)
{
	while (n > 0 && blank(p[n - 1]))
		n--;
	return n == 0;
}

static void
field(struct naive *r, const struct plain *f)
{
	bool counts = strcasecmp(f->name, "DKIM-Signature") == 0;

	for (size_t i = 0; i < countof(singles); i++) {
		if (strcasecmp(f->name, singles[i]) != 0)
			continue;
		counts = true;
		if (i == DOOR_FROM && r->seen[i] == 0) {
			memcpy(r->from, f->value, f->nvalue);
			r->nfrom = f->nvalue;
		}
		r->odd = r->odd || r->seen[i] > 0;
		r->seen[i]++;
	}
	if (strcasecmp(f->name, DOOR_APP) == 0)
		counts = true;
	if (strcasecmp(f->name, DOOR_LK) == 0) {
		counts = true;
		if (r->lk++ == 0) {
			memcpy(r->lk_value, f->value, f->nvalue);
			r->nlk = f->nvalue;
		}
	}
	r->odd = r->odd || (counts && (f->blank_before_colon ||
				       f->blanks_above || r->blank_above));
	r->blank_above = r->blank_above || f->blank_before_colon;
}

/* "Name: value" */
static bool
begins(struct plain *f, const char *p, size_t n, bool blanks)
{
	const char *colon = n > 0 ? memchr(p, ':', n) : NULL;
	size_t k = 0;

	if (colon == NULL)
		return false;
	k = (size_t)(colon - p);
	f->blank_before_colon = k > 0 && blank(p[k - 1]);
	while (k > 0 && blank(p[k - 1]))
		k--;
	for (size_t i = 0; i < k; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return false;
	memcpy(f->name, p, k);
	f->name[k] = '\0';
	f->nvalue = n - (size_t)(colon + 1 - p);
	memcpy(f->value, colon + 1, f->nvalue);
	f->blanks_above = blanks;
	return k > 0;
}

static void
read_all(struct naive *r, const char *p, size_t n)
{
	static struct plain f;
	bool open = false, blanks = false;

	memset(r, 0, sizeof *r);
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t k = end != NULL ? (size_t)(end - p) : n;
		bool folded = k > 0 && blank(p[0]);

		if (k == 0)
			break;
		blanks = blanks || all_blank(p, k);
		if (folded && open) {
			memcpy(f.value + f.nvalue, p, k);
			f.nvalue += k;
		} else {
			if (open)
				field(r, &f);
			open = !folded && begins(&f, p, k, blanks);
			if (!open) {
				r->odd = true;
				break;
			}
		}
		k += end != NULL;
		p += k;
		n -= k;
	}
	if (open)
		field(r, &f);
}

struct first {
	char address[ADDRESS_MOST + 1];
	size_t n;
};

static bool
see(void *arg, const char *address)
{
	struct first *f = arg;

	if (f->n++ == 0)
		memcpy(f->address, address, strlen(address) + 1);
	return true;
}

static void
authors(const char *from, size_t n)
{
	struct text t = {from, n};
	char one[ADDRESS_MOST + 1];
	struct first f = {.n = 0};
	size_t all = mailbox_all(t, true, see, &f);

	must(all == 0 || all == f.n);
	mailbox_first(t, true, one);
	must(all == 0 || strcmp(f.address, one) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct naive r;
	static struct door_header h;
	const struct door_field *lk;
	const char *p = (const char *)data;
	size_t longest = 0, rest = n;

	if (n == 0 || n > INPUT || memchr(p, '\0', n) != NULL)
		return 0;
	door_header_begin(&h, NULL);
	for (const char *at = p; rest > 0;) {
		const char *end = memchr(at, '\n', rest);
		size_t k = end != NULL ? (size_t)(end - at) : rest;

		longest = max_of(longest, k);
		door_header_line(&h, at, min_of(k, (size_t)LINE), k >= LINE);
		k += end != NULL;
		at += k;
		rest -= k;
	}
	if (longest >= LINE) /* what is cut is another matter */
		return 0;
	read_all(&r, p, n);
	must((h.odd[0] != '\0') == r.odd);
	must(memcmp(h.single, r.seen, sizeof r.seen) == 0);
	must(h.from_cut == (r.nfrom > MAILBOX_FIELD));
	must(h.nfrom == min_of(r.nfrom, (size_t)MAILBOX_FIELD));
	must(h.nfrom == 0 || memcmp(h.from, r.from, h.nfrom) == 0);
	lk = door_header_field(&h, DOOR_LK);
	must(lk != NULL && lk->seen == r.lk);
	must(lk->n == min_of(r.nlk, (size_t)DOOR_VALUE));
	must(lk->cut == (r.nlk > DOOR_VALUE));
	must(lk->n == 0 || memcmp(lk->value, r.lk_value, lk->n) == 0);
	authors(h.from, h.nfrom);
	return 0;
}
