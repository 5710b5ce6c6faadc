/*
 * same - are two settings the same, value by value?  Not by their print: what
 * it forgets, it forgets twice.
 */
#ifndef MTQ_TESTS_DAEMON_SAME_H
#define MTQ_TESTS_DAEMON_SAME_H

#include "daemon/routing.h"
#include "daemon/settings_table.h"

static inline bool
same_texts(const struct texts *a, const struct texts *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	return a->n == b->n;
}

static inline bool
same_lists(const struct lists *a, const struct lists *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->item[i].name, b->item[i].name) != 0 ||
		    !same_texts(&a->item[i].value, &b->item[i].value))
			return false;
	return a->n == b->n;
}

static inline bool
same_counts(const struct counts *a, const struct counts *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->item[i].name, b->item[i].name) != 0 ||
		    a->item[i].count != b->item[i].count)
			return false;
	return a->n == b->n;
}

/* The rest is plain numbers, and lists of them. */
static inline bool
same_value(enum value_kind kind, const void *a, const void *b)
{
	const struct durations *d = a, *e = b;
	const struct networks *n = a, *m = b;
	const struct sockets *s = a, *t = b;

	switch (kind) {
	case VALUE_text:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	case VALUE_flag:
		return *(const bool *)a == *(const bool *)b;
	case VALUE_count:
	case VALUE_size:
	case VALUE_duration:
	case VALUE_percent:
		return memcmp(a, b, sizeof(uint64_t)) == 0;
	case VALUE_words:
		return same_texts(a, b);
	case VALUE_durations:
		return d->n == e->n && memcmp(d->us, e->us, d->n * 8) == 0;
	case VALUE_sockets:
		return s->n == t->n &&
		       (s->n == 0 || strcmp(s->at->text, t->at->text) == 0);
	case VALUE_networks:
		return n->n == m->n &&
		       memcmp(n->net, m->net, n->n * sizeof *n->net) == 0;
	case VALUE_rate:
		return memcmp(a, b, sizeof(struct rate)) == 0;
	case VALUE_counts:
		return same_counts(a, b);
	case VALUE_lists:
		return same_lists(a, b);
	case VALUE_deliver:
	case VALUE_lookup:
	case VALUE_tls:
	case VALUE_tls_start:
	case VALUE_dane:
	case VALUE_authority:
	case VALUE_at_rcpt:
	case VALUE_in_doubt:
	case VALUE_then:
	case VALUE_category:
	case VALUE_unit:
	case VALUE_window:
	case VALUE_duty:
	case VALUE_listen_tls:
	case VALUE_client_cert:
	case VALUE_dkim_gate:
	case VALUE_profile:
	case VALUE_sign_when:
	case VALUE_provider:
		return memcmp(a, b, sizeof(enum deliver_kind)) == 0;
	case VALUE_COUNT:
		break;
	}
	return false;
}

/* The same values, and mail would be sorted alike. */
static inline void
check_same(const struct settings *s, const struct settings *t)
{
	const struct block_head *a, *b;

	for (int kind = 0; kind < BLOCK_COUNT; kind++) {
		const struct block_row *row = &settings_blocks[kind];

		size_t i = 0;

		for (; (a = settings_block(s, (enum block_kind)kind, i)); i++) {
			b = settings_block(t, (enum block_kind)kind, i);
			assert_non_null(b);
			if (kind != BLOCK_global)
				assert_string_equal(a->title, b->title);
			for (size_t k = 0; k < row->nkeys; k++)
				if (!same_value(
					row->key[k].kind,
					(const char *)a + row->key[k].offset,
					(const char *)b + row->key[k].offset))
					fail_msg("%s %s", row->name,
						 row->key[k].name);
		}
		assert_null(settings_block(t, (enum block_kind)kind, i));
	}
	assert_int_equal(routing_epoch(s), routing_epoch(t));
	assert_int_equal(routing_ways(s), routing_ways(t));
}

#endif
