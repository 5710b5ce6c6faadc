#include "daemon/conf.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/inputs.h"

struct parser {
	struct conf *conf;
	struct inputs inputs;
	struct report *report;
	struct conf_node **node; /* all, in the order they were read */
	size_t nnodes;
	struct conf_node *last; /* at the top, over all files */
};

#define error_at(p, n, ...)                                                    \
	report_error((p)->report, (n)->file, (n)->line, __VA_ARGS__)

static void
include(struct parser *p, struct input *in)
{
	struct scan *s = &in->scan;
	char *pattern = scan_text(s, "a file name");

	if (pattern == NULL || !scan_value_ends(s)) {
		scan_resync(s);
		return;
	}
	if (in->block != NULL)
		report_error(p->report, s->file, s->line,
			     "include stands outside of blocks");
	else if (p->inputs.memory)
		report_error(p->report, s->file, s->line,
			     "include works in files only");
	else if (in->includes == INPUTS_DEPTH)
		report_error(p->report, s->file, s->line,
			     "more than %d includes inside each other",
			     INPUTS_DEPTH);
	else
		inputs_include(&p->inputs, in, pattern);
}

/* Appends to the open block, or at the top. */
static struct conf_node *
new_node(struct parser *p, struct input *in, char *key, unsigned line)
{
	struct conf_node *n = arena_alloc(&p->conf->arena, sizeof *n);

	n->key = key;
	n->line = line;
	n->file = in->scan.file;
	n->parent = in->block;
	n->place = (unsigned)p->nnodes;
	p->node[p->nnodes++] = n;
	if (in->block == NULL) {
		*(p->last ? &p->last->next : &p->conf->first) = n;
		p->last = n;
	} else {
		*(in->block->last_kid ? &in->block->last_kid->next
				      : &in->block->kid) = n;
		in->block->last_kid = n;
	}
	return n;
}

/* What a key may hold: one value, or a list of them. */
struct items {
	char **item;
	size_t n;
	size_t room;
};

static bool
add_item(struct scan *s, struct items *list)
{
	char *one = scan_text(s, "a value");

	if (one == NULL)
		return false;
	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 4;
		list->item =
		    must_realloc(list->item, list->room * sizeof *list->item);
	}
	list->item[list->n++] = one;
	return true;
}

/* From behind '[' to behind ']'; false after an error. */
static bool
list_values(struct parser *p, const struct conf_node *n, struct scan *s,
	    struct items *list)
{
	int c;

	while ((c = scan_next(s)) != ']') {
		if (c == 0) {
			error_at(p, n, "%s: this '[' is never closed", n->key);
			return false;
		}
		if (list->n == CONF_ITEMS) {
			error_at(p, n, "%s: more than %d values", n->key,
				 CONF_ITEMS);
			return false;
		}
		if (!add_item(s, list))
			return false;
		c = scan_next(s);
		if (c == ',') {
			s->p++;
		} else if (c != ']' && c != 0) {
			report_error(p->report, s->file, s->line,
				     "%s: ',' or ']' expected in the list",
				     n->key);
			return false;
		}
	}
	s->p++;
	return true;
}

/* What stands behind '='. */
static void
values(struct parser *p, struct scan *s, struct conf_node *n)
{
	struct items list = {0};
	bool ok;

	n->list = scan_peek(s) == '[';
	s->p += n->list;
	ok = n->list ? list_values(p, n, s, &list) : add_item(s, &list);
	if (!ok && n->list)
		scan_resync_list(s);
	else if (!ok || !scan_value_ends(s))
		scan_resync(s);
	n->broken = !ok;
	n->nitems = list.n;
	n->item = arena_alloc(s->arena, list.n * sizeof *n->item);
	if (list.n > 0)
		memcpy(n->item, list.item, list.n * sizeof *n->item);
	free(list.item);
}

static void
open_block(struct parser *p, struct input *in, struct conf_node *n)
{
	n->block = true;
	if (in->depth == CONF_DEPTH) {
		error_at(p, n, "more than %d blocks inside each other",
			 CONF_DEPTH);
		p->inputs.full = true;
		return;
	}
	in->depth++;
	in->block = n;
}

static void
close_block(struct parser *p, struct input *in)
{
	if (in->block == NULL) {
		report_error(p->report, in->scan.file, in->scan.line,
			     "'}' without '{'");
		return;
	}
	in->depth--;
	in->block = in->block->parent;
}

/* One key or the head of one block. */
static void
item(struct parser *p, struct input *in)
{
	struct scan *s = &in->scan;
	unsigned line = s->line;
	char *key = scan_text(s, "a key");
	struct conf_node *n;
	int c;

	if (key == NULL) {
		scan_resync(s);
		return;
	}
	if (strcmp(key, "include") == 0 && scan_peek(s) != '=') {
		include(p, in);
		return;
	}
	if (p->nnodes == CONF_NODES) {
		report_error(p->report, s->file, line,
			     "more than %d keys and blocks", CONF_NODES);
		p->inputs.full = true;
		return;
	}
	n = new_node(p, in, key, line);
	c = scan_peek(s);
	if (c != '=' && c != '{') {
		n->title = scan_text(s, "'=', '{' or a title");
		c = n->title ? scan_peek(s) : 0;
		if (n->title != NULL && c != '{')
			error_at(p, n,
				 "'=' expected after %s, or '{' after "
				 "%s %s",
				 key, key, n->title);
		if (c != '{') {
			n->broken = true;
			scan_resync(s);
			return;
		}
	}
	s->p++;
	if (c == '{')
		open_block(p, in, n);
	else
		values(p, s, n);
}

/* Up to the end of one file, or to an include that stands before the rest. */
static void
read_input(struct parser *p, struct input *in)
{
	size_t files = p->inputs.files;
	int c;

	while (p->inputs.files == files && !p->inputs.full) {
		c = scan_next(&in->scan);
		if (c == 0)
			break;
		if (c != ';' && c != '}') {
			item(p, in);
			continue;
		}
		in->scan.p++;
		if (c == '}')
			close_block(p, in);
	}
	if (p->inputs.files != files || p->inputs.full)
		return;
	for (; in->block != NULL; in->block = in->block->parent)
		error_at(p, in->block, "%s: this '{' is never closed",
			 in->block->key);
	inputs_pop(&p->inputs);
}

static int
node_order(const void *a, const void *b)
{
	const struct conf_node *x = *(struct conf_node *const *)a;
	const struct conf_node *y = *(struct conf_node *const *)b;
	unsigned px = x->parent ? x->parent->place + 1 : 0;
	unsigned py = y->parent ? y->parent->place + 1 : 0;
	int rc;

	if (px != py)
		return px < py ? -1 : 1;
	if ((rc = strcmp(x->key, y->key)) != 0)
		return rc;
	rc = strcmp(x->title ? x->title : "", y->title ? y->title : "");
	if (rc != 0)
		return rc;
	return x->place < y->place ? -1 : x->place > y->place;
}

static bool
same_name(const struct conf_node *a, const struct conf_node *b)
{
	/* Blocks without a title: whoever knows them says if one is enough. */
	if (a->parent == NULL && a->block && b->block && a->title == NULL &&
	    b->title == NULL)
		return false;
	return a->parent == b->parent && strcmp(a->key, b->key) == 0 &&
	       strcmp(a->title ? a->title : "", b->title ? b->title : "") == 0;
}

/* Names are unique within their block: nothing has meaning by position.  The
 * sort finds them, the second pass tells in the order of the file. */
static void
find_doubles(struct parser *p)
{
	struct conf_node **sorted, *first = NULL;

	if (p->nnodes == 0)
		return;
	sorted = must_alloc(p->nnodes * sizeof *sorted);
	memcpy(sorted, p->node, p->nnodes * sizeof *sorted);
	qsort(sorted, p->nnodes, sizeof *sorted, node_order);
	for (size_t i = 0; i < p->nnodes; i++) {
		if (first != NULL && same_name(first, sorted[i]))
			sorted[i]->same_as = first;
		else
			first = sorted[i];
	}
	for (size_t i = 0; i < p->nnodes; i++) {
		const struct conf_node *n = p->node[i];

		if (n->same_as != NULL)
			error_at(p, n, "%s%s%s is already at %s:%u", n->key,
				 n->title ? " " : "", n->title ? n->title : "",
				 n->same_as->file, n->same_as->line);
	}
	free(sorted);
}

static void
parse(struct parser *p)
{
	struct input *in;

	p->node = must_alloc(CONF_NODES * sizeof *p->node);
	while ((in = inputs_top(&p->inputs)) != NULL)
		read_input(p, in);
	inputs_close(&p->inputs);
	p->conf->whole = p->report->errors == 0;
	find_doubles(p);
	free(p->node);
}

void
conf_load(struct conf *c, const char *path, struct report *r)
{
	struct parser p = {.conf = c, .report = r};

	*c = (struct conf){0};
	inputs_open(&p.inputs, &c->arena, r);
	inputs_push_file(&p.inputs, path);
	parse(&p);
}

void
conf_parse(struct conf *c, const char *name, const char *text, size_t n,
	   struct report *r)
{
	struct parser p = {.conf = c, .report = r};

	*c = (struct conf){0};
	inputs_open(&p.inputs, &c->arena, r);
	inputs_push_text(&p.inputs, name, text, n);
	parse(&p);
}

void
conf_free(struct conf *c)
{
	arena_free(&c->arena);
	c->first = NULL;
}

void
conf_print_text(struct bytes *out, const char *s)
{
	bool word = *s != '\0';

	for (const char *p = s; *p != '\0'; p++)
		word = word && scan_is_word((unsigned char)*p);
	if (word) {
		bytes_add_text(out, s);
		return;
	}
	bytes_u8(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			bytes_u8(out, '\\');
		bytes_u8(out, (uint8_t)*s);
	}
	bytes_u8(out, '"');
}
