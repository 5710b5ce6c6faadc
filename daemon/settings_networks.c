#include "daemon/settings_networks.h"

#include <string.h>

/* What of a source came from sets. */
struct networks_note {
	const struct networks_note *next;
	const struct source_settings *source;
	const char *words;
};

bool
settings_networks_named(char *const *item, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (item[i][0] == '@')
			return true;
	return false;
}

static void
note(struct settings *s, const struct source_settings *source,
     const struct bytes *words)
{
	struct arena *a = &s->memory->arena;
	struct networks_note *new = arena_alloc(a, sizeof *new);

	*new = (struct networks_note){
	    .next = s->network_notes,
	    .source = source,
	    .words = arena_text(a, (const char *)words->data, words->n)};
	s->network_notes = new;
}

static void
append(struct networks *to, const struct network *net, size_t n,
       struct arena *a)
{
	struct network *room = arena_alloc(a, (to->n + n) * sizeof *room);

	if (to->n > 0)
		memcpy(room, to->net, to->n * sizeof *room);
	if (n > 0)
		memcpy(room + to->n, net, n * sizeof *room);
	to->net = room;
	to->n += n;
}

static bool
read_set(struct settings *s, const char *name, struct networks *to,
	 struct bytes *words, struct settings_place at, struct report *r)
{
	struct arena *a = &s->memory->arena;
	const struct netset *set;

	if (s->netsets == NULL)
		s->netsets = netsets_make(a);
	set = netset_find(s->netsets, s->network_sets.item, s->network_sets.n,
			  name, r, at.file, at.line);
	if (set == NULL)
		return false;
	append(to, set->nets.net, set->nets.n, a);
	bytes_printf(words, "%s@%s of %s (%s)", words->n ? ", " : "", set->name,
		     set->as_of, set->file);
	return true;
}

bool
settings_networks_read(struct settings *s, struct source_settings *source,
		       char *const *item, size_t n, const char *by,
		       struct settings_place at, struct report *r)
{
	struct networks all = {.n = 0};
	struct bytes words = {0};
	char why[NET_WHY];
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		struct network net;

		if (item[i][0] == '@') {
			ok =
			    read_set(s, item[i] + 1, &all, &words, at, r) && ok;
		} else if (net_parse_network(item[i], &net, why)) {
			append(&all, &net, 1, &s->memory->arena);
		} else {
			report_error(r, at.file, at.line,
				     "from_ip: '%.100s' %s", item[i], why);
			ok = false;
		}
	}
	if (ok) {
		struct bytes told = {0};

		netset_merge(&all);
		source->from_ip = all;
		bytes_printf(&told, "%s%.*s", by, (int)words.n,
			     (const char *)words.data);
		note(s, source, &told);
		bytes_free(&told);
	}
	bytes_free(&words);
	return ok;
}

const char *
settings_networks_origin(const struct settings *s,
			 const struct source_settings *source)
{
	const struct networks_note *i = s->network_notes;

	while (i != NULL && i->source != source)
		i = i->next;
	return i != NULL ? i->words : NULL;
}
