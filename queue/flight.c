#include "queue/flight.h"

#include <stdlib.h>
#include <string.h>

static struct flight **
place(struct flights *f, uint64_t job)
{
	struct flight **p = &f->bucket[job % FLIGHT_BUCKETS];

	while (*p != NULL && (*p)->job != job)
		p = &(*p)->next;
	return p;
}

struct flight *
flight_add(struct flights *f, uint64_t job, uint32_t nrcpt,
	   const uint32_t *rcpt)
{
	size_t size = sizeof(struct flight) + nrcpt * sizeof rcpt[0];
	struct flight *x = must_alloc(size);
	struct flight **head = &f->bucket[job % FLIGHT_BUCKETS];

	x->job = job;
	x->nrcpt = nrcpt;
	memcpy(x->rcpt, rcpt, nrcpt * sizeof rcpt[0]);
	x->next = *head;
	*head = x;
	f->n++;
	return x;
}

struct flight *
flight_find(struct flights *f, uint64_t job)
{
	return *place(f, job);
}

struct flight *
flight_of(struct flights *f, unsigned worker)
{
	for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
		for (struct flight *x = f->bucket[i]; x != NULL; x = x->next)
			if (x->worker == worker)
				return x;
	return NULL;
}

uint32_t
flight_count(const struct flights *f, unsigned worker)
{
	uint32_t n = 0;

	for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
		for (struct flight *x = f->bucket[i]; x != NULL; x = x->next)
			n += x->worker == worker;
	return n;
}

bool
flight_take(struct flight *x, uint32_t rcpt)
{
	for (uint32_t i = 0; i < x->nrcpt; i++)
		if (x->rcpt[i] == rcpt) {
			x->rcpt[i] = x->rcpt[--x->nrcpt];
			return true;
		}
	return false;
}

void
flight_remove(struct flights *f, struct flight *x)
{
	struct flight **p = place(f, x->job);

	must(*p == x);
	*p = x->next;
	f->n--;
	free(x);
}

void
flight_clear(struct flights *f)
{
	for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
		while (f->bucket[i] != NULL)
			flight_remove(f, f->bucket[i]);
}
