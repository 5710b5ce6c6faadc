#include "tests/crash/promises.h"

#include <string.h>

#include "queue/record.h"

/* A delivery may be heard of before the reply to the submitter. */
static struct promise *
promise_of(struct promises *p, uint64_t id)
{
	for (size_t i = p->n; i-- > 0;)
		if (p->open[i].id == id)
			return &p->open[i];
	if (p->n == PROMISES_MOST)
		return NULL;
	p->open[p->n] = (struct promise){.id = id};
	return &p->open[p->n++];
}

/* The words after the id: " for N". */
static uint32_t
recipients_of(const char *p, const char *end)
{
	static const char words[] = " for ";
	size_t n = sizeof words - 1;

	if ((size_t)(end - p) <= n || memcmp(p, words, n) != 0 || p[n] < '1' ||
	    p[n] > '9')
		return 1;
	return (uint32_t)(p[n] - '0');
}

static bool
hear(struct promises *all, const char *p, const char *end, const char *what,
     bool made)
{
	while ((p = memmem(p, (size_t)(end - p), what, strlen(what))) != NULL) {
		struct promise *one;
		uint64_t id;

		p += strlen(what);
		if (end - p < ID_TEXT || !id_parse(p, ID_TEXT, &id))
			continue;
		p += ID_TEXT;
		one = promise_of(all, id);
		if (one == NULL)
			return false;
		if (made)
			one->recipients = recipients_of(p, end);
		all->made += made;
		one->delivered += !made;
		if (one->recipients > 0 && one->delivered >= one->recipients)
			*one = all->open[--all->n];
	}
	return true;
}

bool
promises_hear(struct promises *p, const char *text, size_t n)
{
	return hear(p, text, text + n, "delivered as ", false) &&
	       hear(p, text, text + n, "queued as ", true);
}
