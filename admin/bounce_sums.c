#include "admin/bounce_sums.h"

#include <stdlib.h>
#include <string.h>

#include "admin/entry_show.h"
#include "daemon/log.h"
#include "queue/category.h"

enum { SLOTS_FIRST = 256 };

const char *
bounce_by_word(enum bounce_by by)
{
	static const char *const words[BOUNCE_BY_COUNT] = {
#define B(id, word) word,
	    BOUNCE_BYS(B)
#undef B
	};

	must(by < BOUNCE_BY_COUNT);
	return words[by];
}

bool
bounce_is_one(enum journal_kind kind)
{
	return kind == JOURNAL_BOUNCED || kind == JOURNAL_EXPIRED ||
	       kind == JOURNAL_RETURNED || kind == JOURNAL_COMPLAINT;
}

struct text
bounce_domain(struct text address)
{
	const char *at =
	    address.n > 0 ? memrchr(address.p, '@', address.n) : NULL;

	if (at == NULL)
		return (struct text){"", 0};
	at++;
	return (struct text){at, (size_t)(address.p + address.n - at)};
}

/* --- one sum for each name ------------------------------------------------ */

static struct text
name_of(enum bounce_by by, const struct journal_entry *x)
{
	switch (by) {
	case BOUNCE_BY_DOMAIN:
		return bounce_domain(x->address);
	case BOUNCE_BY_CATEGORY:
		return text_of(
		    x->category < CATEGORY_COUNT
			? category_word((enum category_kind)x->category)
			: "");
	case BOUNCE_BY_RELAY:
		return x->relay;
	case BOUNCE_BY_TYPE:
		return x->type;
	case BOUNCE_BY_COUNT:
		break;
	}
	must_failed("a kind of sum", __FILE__, __LINE__);
}

/* Small letters, cleaned for people. */
static void
write_name(struct text t, char out[ADDRESS_DOMAIN_MOST + 1])
{
	log_safe(t.p, t.n, out, ADDRESS_DOMAIN_MOST + 1);
	for (char *c = out; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
}

/* The slot of the name, or the free one where it belongs. */
static uint32_t *
find_slot(const struct bounce_sums *s, const char *name)
{
	size_t i = crc32c(0, name, strlen(name));

	for (;; i++) {
		uint32_t *slot = &s->slot[i & (s->nslots - 1)];

		if (*slot == 0 || strcmp(s->at[*slot - 1]->name, name) == 0)
			return slot;
	}
}

/* There are always twice as many slots as names. */
static void
grow(struct bounce_sums *s)
{
	if (s->n == s->room) {
		s->room = max_of((size_t)64, 2 * s->room);
		s->at = must_realloc(s->at, s->room * sizeof *s->at);
	}
	if (2 * (s->n + 1) <= s->nslots)
		return;
	s->nslots = max_of((size_t)SLOTS_FIRST, 2 * s->nslots);
	free(s->slot);
	s->slot = must_alloc(s->nslots * sizeof *s->slot);
	for (size_t i = 0; i < s->n; i++)
		*find_slot(s, s->at[i]->name) = (uint32_t)i + 1;
}

static struct bounce_sum *
sum_of(struct bounce_sums *s, const char *name)
{
	uint32_t *slot;

	grow(s);
	slot = find_slot(s, name);
	if (*slot == 0 && s->n >= SUMS_MOST)
		slot = find_slot(s, name = "");
	if (*slot == 0) {
		s->at[s->n] = must_alloc(sizeof **s->at);
		text_copy(text_of(name), s->at[s->n]->name,
			  sizeof s->at[s->n]->name);
		*slot = (uint32_t)++s->n;
	}
	return s->at[*slot - 1];
}

void
bounce_sums_add(struct bounce_sums *s, enum bounce_by by,
		const struct journal_entry *x)
{
	char name[ADDRESS_DOMAIN_MOST + 1];
	struct text words = entry_words(x);
	struct bounce_sum *sum;

	write_name(name_of(by, x), name);
	sum = sum_of(s, name);
	sum->failures++;
	sum->bounced += x->kind == JOURNAL_BOUNCED;
	sum->expired += x->kind == JOURNAL_EXPIRED;
	sum->returned += x->kind == JOURNAL_RETURNED;
	sum->complaints += x->kind == JOURNAL_COMPLAINT;
	if (x->category < CATEGORY_COUNT)
		sum->category[x->category]++;
	if ((int64_t)x->at_us < sum->last_us)
		return;
	sum->last_us = (int64_t)x->at_us;
	log_safe(x->status.p, x->status.n, sum->status, sizeof sum->status);
	log_safe(words.p, words.n, sum->words, sizeof sum->words);
}

static int
compare(const void *pa, const void *pb)
{
	const struct bounce_sum *a = *(struct bounce_sum *const *)pa;
	const struct bounce_sum *b = *(struct bounce_sum *const *)pb;

	if (a->failures != b->failures)
		return a->failures > b->failures ? -1 : 1;
	return strcmp(a->name, b->name);
}

void
bounce_sums_sort(struct bounce_sums *s)
{
	if (s->n > 0)
		qsort(s->at, s->n, sizeof(struct bounce_sum *), compare);
	free(s->slot);
	s->slot = NULL;
	s->nslots = 0;
}

void
bounce_sums_free(struct bounce_sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->at[i]);
	free(s->at);
	free(s->slot);
	*s = (struct bounce_sums){.n = 0};
}
