#include <stdlib.h>
#include <string.h>

#include "daemon/archive_to.h"
#include "daemon/preset.h"
#include "daemon/profile.h"
#include "daemon/routing.h"
#include "daemon/settings_check.h"
#include "daemon/settings_doubts.h"
#include "daemon/settings_expects.h"
#include "daemon/settings_near.h"
#include "daemon/settings_networks.h"

struct load {
	struct settings *s;
	struct report *report;
	const char *name; /* the main file */
	bool file;        /* not from memory */
	bool whole;       /* the syntax was clean: what is missing is missing */
};

#define error_at(l, n, ...)                                                    \
	report_error((l)->report, (n)->file, (n)->line, __VA_ARGS__)

/* A key that this block does not have: says where it belongs, or what may
 * have been meant. */
static void
unknown_key(struct load *l, enum block_kind kind, const struct conf_node *n)
{
	const char *in = settings_blocks[kind].name, *best;

	for (int i = 0; i < BLOCK_COUNT; i++) {
		if (settings_key(&settings_blocks[i], n->key) == NULL)
			continue;
		if (i == BLOCK_global)
			error_at(l, n, "%s stands outside of blocks, not in %s",
				 n->key, in);
		else
			error_at(l, n, "%s stands in a %s block, not %s%s",
				 n->key, settings_blocks[i].name,
				 *in ? "in " : "outside of blocks", in);
		return;
	}
	best = settings_near(kind, n->key);
	error_at(l, n, "unknown key %.100s%s%s%s%s%s", n->key,
		 *in ? " in " : "", in, best ? " (did you mean " : "",
		 best ? best : "", best ? "?)" : "");
}

/* The names of a key that is written as a block. */
static bool
read_names(struct load *l, struct conf_node *n, struct value_text *text)
{
	struct value_named *named;
	size_t room = 0;

	for (const struct conf_node *i = n->kid; i != NULL; i = i->next)
		room++;
	named = arena_alloc(&l->s->memory->arena, room * sizeof *named);
	text->named = named;
	for (const struct conf_node *i = n->kid; i != NULL; i = i->next) {
		if (i->block)
			error_at(l, i, "%.100s can't be a block in %s", i->key,
				 n->key);
		if (i->block || i->broken || i->same_as != NULL) {
			n->broken = true;
			return false;
		}
		named[text->nnamed++] =
		    (struct value_named){i->key, i->item, i->nitems, i->list};
	}
	return true;
}

static void
read_key(struct load *l, enum block_kind kind, struct conf_node *n, void *block)
{
	const struct key_row *k = settings_key(&settings_blocks[kind], n->key);
	struct value_text text = {.item = n->item,
				  .n = n->nitems,
				  .list = n->list,
				  .block = n->block};
	char why[VALUE_WHY];

	if (k == NULL) {
		if (settings_kind(n->key) != BLOCK_COUNT)
			error_at(l, n, "%s is a block: write %s%s { ... }",
				 n->key, n->key,
				 settings_blocks[settings_kind(n->key)].titled
				     ? " \"NAME\""
				     : "");
		else
			unknown_key(l, kind, n);
		return;
	}
	if (n->block && !read_names(l, n, &text))
		return;
	if (k->kind == VALUE_networks && l->file &&
	    settings_networks_named(n->item, n->nitems)) {
		n->broken = !settings_networks_read(
		    l->s, block, n->item, n->nitems, "",
		    (struct settings_place){n->file, n->line}, l->report);
		return;
	}
	if (value_parse(k->kind, &text, k->least, k->most, &l->s->memory->arena,
			(char *)block + k->offset, why))
		return;
	error_at(l, n, "%s: %s", n->key, why);
	n->broken = true;
}

/* A block where only keys can stand. */
static void
misplaced_block(struct load *l, enum block_kind kind, const struct conf_node *n)
{
	if (settings_key(&settings_blocks[kind], n->key) != NULL)
		error_at(l, n, "%s is a key: write %s = VALUE", n->key, n->key);
	else
		error_at(
		    l, n,
		    "%.100s can't stand in %s; is the '{' of line %u closed?",
		    n->key, settings_blocks[kind].name, n->parent->line);
}

static bool
is_given(const struct conf_node *first, const struct key_row *k)
{
	for (const struct conf_node *n = first; n != NULL; n = n->next)
		if ((!n->block || value_is_block(k->kind)) &&
		    strcmp(n->key, k->name) == 0)
			return true;
	return false;
}

static bool
is_block_key(enum block_kind kind, const struct conf_node *n)
{
	const struct key_row *k = settings_key(&settings_blocks[kind], n->key);

	return k != NULL && n->title == NULL && value_is_block(k->kind);
}

/* The keys of one block; for BLOCK_global `head` is NULL. */
static void
read_block(struct load *l, enum block_kind kind, const struct conf_node *head,
	   struct conf_node *first, void *block)
{
	const struct block_row *b = &settings_blocks[kind];

	for (size_t i = 0; i < b->nkeys; i++) {
		const struct key_row *k = &b->key[i];

		settings_default(k, block, &l->s->memory->arena);
		if (k->def != NULL || !l->whole || is_given(first, k))
			continue;
		if (head != NULL)
			error_at(l, head, "%s%s%s needs %s", b->name,
				 head->title ? " " : "",
				 head->title ? head->title : "", k->name);
		else
			report_error(l->report, l->name, 0, "%s must be given",
				     k->name);
	}
	for (struct conf_node *n = first; n != NULL; n = n->next) {
		if (n->same_as != NULL || n->broken)
			continue;
		if (!n->block || is_block_key(kind, n))
			read_key(l, kind, n, block);
		else if (kind != BLOCK_global)
			misplaced_block(l, kind, n);
	}
}

/* Does this node at the top begin a block we know, rightly written? */
static bool
is_good_head(struct load *l, const struct conf_node *n)
{
	enum block_kind kind = settings_kind(n->key);
	const char *best;

	if (!n->block || n->same_as != NULL || n->broken)
		return false;
	for (const struct conf_node *i = l->s->memory->conf.first;
	     kind < BLOCK_COUNT && !settings_blocks[kind].many && i != n;
	     i = i->next)
		if (n->title == NULL && i->block && i->title == NULL &&
		    strcmp(i->key, n->key) == 0) {
			error_at(l, n, "%s is already at %s:%u", n->key,
				 i->file, i->line);
			return false;
		}
	if (settings_key(&settings_blocks[BLOCK_global], n->key) != NULL) {
		error_at(l, n, "%s is a key: write %s = VALUE", n->key, n->key);
		return false;
	}
	if (kind == BLOCK_COUNT) {
		best = settings_near(BLOCK_global, n->key);
		error_at(l, n, "unknown block %.100s%s%s%s", n->key,
			 best ? " (did you mean " : "", best ? best : "",
			 best ? "?)" : "");
		return false;
	}
	if (settings_blocks[kind].titled && n->title == NULL)
		error_at(l, n, "%s needs a name: write %s \"NAME\" { ... }",
			 n->key, n->key);
	else if (!settings_blocks[kind].titled && n->title != NULL)
		error_at(l, n, "%s has no name: write %s { ... }", n->key,
			 n->key);
	else if (n->title != NULL && !settings_is_name(n->title))
		error_at(
		    l, n,
		    "%s: the name '%.100s' is not 1 to 64 of A-Z a-z 0-9 . _ -",
		    n->key, n->title);
	else
		return true;
	return false;
}

/* Fills one block from its node; NULL: the defaults alone. */
static void
fill(struct load *l, enum block_kind kind, const struct conf_node *n,
     const char *title, void *block)
{
	struct block_head head = {0};

	head.title = arena_text(&l->s->memory->arena, title, strlen(title));
	head.file = n ? n->file : l->name;
	head.line = n ? n->line : 0;
	head.node = n;
	memcpy(block, &head, sizeof head);
	read_block(l, kind, n, n ? n->kid : NULL, block);
}

static void *
member(const struct settings *s, enum block_kind kind, size_t i)
{
	return (void *)settings_block(s, kind, i);
}

/* The types of a file that names none. */
static void
default_types(struct load *l)
{
	static const struct {
		const char *name;
		uint64_t weight;
	} types[] = {{"individual", 6}, {"workflow", 3}, {"mass", 1}};

	settings_make(l->s, BLOCK_type, countof(types));
	for (size_t i = 0; i < countof(types); i++) {
		fill(l, BLOCK_type, NULL, types[i].name, &l->s->types[i]);
		l->s->types[i].weight = types[i].weight;
	}
}

/* All blocks of one kind.  `heads` are the good heads of all kinds. */
static void
read_kind(struct load *l, enum block_kind kind, struct conf_node *const *heads,
	  size_t nheads)
{
	const struct block_row *b = &settings_blocks[kind];
	const struct conf_node *only = NULL;
	bool normal = false;
	size_t n = 0;

	for (size_t i = 0; i < nheads; i++)
		if (strcmp(heads[i]->key, b->name) == 0) {
			only = heads[i];
			normal = normal || (only->title != NULL &&
					    strcmp(only->title, "normal") == 0);
			n++;
		}
	if (!b->many) {
		fill(l, kind, only, "", (char *)l->s + b->place);
		return;
	}
	if (kind == BLOCK_type && n == 0) {
		default_types(l);
		return;
	}
	normal = normal || kind != BLOCK_retry;
	settings_make(l->s, kind, n + !normal);
	n = 0;
	for (size_t i = 0; i < nheads; i++)
		if (strcmp(heads[i]->key, b->name) == 0)
			fill(l, kind, heads[i],
			     heads[i]->title != NULL ? heads[i]->title : "",
			     member(l->s, kind, n++));
	if (!normal) /* all mail needs it */
		fill(l, kind, NULL, "normal", member(l->s, kind, n));
}

/* Relays for archives that have none. */
static void
add_archive_relays(struct load *l)
{
	struct settings *s = l->s;
	struct relay_settings *old = s->relays;
	const size_t n = s->nrelays;
	char name[ARCHIVE_RELAY];
	size_t more = 0;

	for (size_t i = 0; i < s->narchives; i++) {
		archive_relay(&s->archives[i], name);
		more += archive_folder(&s->archives[i]) != NULL &&
			settings_relay(s, name) == NULL;
	}
	if (more == 0 || s->narchives > SETTINGS_ARCHIVES)
		return;
	settings_make(s, BLOCK_relay, n + more);
	memcpy(s->relays, old, n * sizeof *old);
	for (size_t i = 0, at = n; i < s->narchives; i++) {
		const char *folder = archive_folder(&s->archives[i]);
		struct relay_settings *r = &s->relays[at];

		archive_relay(&s->archives[i], name);
		s->nrelays = at; /* those that have a name by now */
		if (folder == NULL || settings_relay(s, name) != NULL)
			continue;
		fill(l, BLOCK_relay, NULL, name, r);
		r->deliver = DELIVER_MAILDIR;
		r->dir = arena_text(&s->memory->arena, folder, strlen(folder));
		at++;
	}
	s->nrelays = n + more;
}

static const struct relay_settings *
no_match_relay(const struct settings *s)
{
	for (size_t i = 0; *s->no_match == '\0' && i < s->nrelays; i++)
		if (!archive_has(s, s->relays[i].title))
			return &s->relays[i];
	return settings_relay(s, s->no_match);
}

/* What follows from values that are right. */
static void
resolve(struct load *l)
{
	struct settings *s = l->s;
	char *path;

	s->no_match_relay = no_match_relay(s);
	for (size_t i = 0; i < s->nretries; i++)
		if (strcmp(s->retries[i].title, "normal") == 0)
			s->normal_retry = &s->retries[i];
	must(s->no_match_relay != NULL && s->normal_retry != NULL);
	path = *s->control ? must_strdup(s->control)
			   : must_printf("%s/control.sock", s->state_dir);
	s->control_path = arena_text(&s->memory->arena, path, strlen(path));
	free(path);
	s->routing = routing_make(s, &s->memory->arena);
	if (s->routing == NULL) {
		report_error(l->report, l->name, 0,
			     "the routes have more than %d different lists of "
			     "relays",
			     ROUTING_WAYS);
		return;
	}
	settings_doubts_tell(s, l->name, l->report);
	settings_expects_prove(s, l->report);
}

static struct settings *
finish(struct load *l)
{
	struct settings *s = l->s;
	struct conf_node *first = s->memory->conf.first, **heads;
	size_t n = 0, nheads = 0;

	l->whole = s->memory->conf.whole;
	for (const struct conf_node *i = first; i != NULL; i = i->next)
		n++;
	heads = must_alloc(n * sizeof *heads);
	for (struct conf_node *i = first; i != NULL; i = i->next)
		if (is_good_head(l, i))
			heads[nheads++] = i;
	read_block(l, BLOCK_global, NULL, first, s);
	for (int kind = BLOCK_global + 1; kind < BLOCK_COUNT; kind++)
		read_kind(l, (enum block_kind)kind, heads, nheads);
	free(heads);
	add_archive_relays(l);
	for (size_t i = 0; i < s->nrelays; i++)
		preset_apply(s, &s->relays[i]);
	for (size_t i = 0; i < s->nsources; i++)
		profile_apply(s, &s->sources[i], l->file, l->report);
	if (l->whole)
		settings_check(s, l->name, l->report);
	if (l->whole && l->file)
		settings_look(s, l->report);
	if (l->report->errors == 0)
		resolve(l);
	report_end(l->report);
	if (l->report->errors == 0)
		return s;
	settings_free(s);
	return NULL;
}

/* The roles read what settings_print writes, with every default. */
static bool
prints_well(const struct settings *s, struct bytes *report)
{
	struct bytes text = {0}, says = {0};
	struct report r = {.out = report};
	struct settings *again;
	bool ok;

	settings_print(s, false, &text);
	again = settings_parse("print", (const char *)text.data, text.n, &says);
	ok = again != NULL && routing_epoch(again) == routing_epoch(s);
	if (!ok)
		report_error(&r, s->memory->conf.first->file, 0,
			     "with every default written out this is too "
			     "large: %.*s",
			     (int)min_of(says.n, (size_t)200),
			     (const char *)says.data);
	settings_free(again);
	bytes_free(&text);
	bytes_free(&says);
	return ok;
}

struct settings *
settings_load(const char *path, struct bytes *report)
{
	struct report r = {.out = report};
	struct load l = {settings_new(), &r, path, true, false};
	struct settings *s;

	conf_load(&l.s->memory->conf, path, &r);
	s = finish(&l);
	if (s == NULL || prints_well(s, report))
		return s;
	settings_free(s);
	return NULL;
}

struct settings *
settings_parse(const char *name, const char *text, size_t n,
	       struct bytes *report)
{
	struct report r = {.out = report};
	struct load l = {settings_new(), &r, name, false, false};

	conf_parse(&l.s->memory->conf, name, text, n, &r);
	return finish(&l);
}
