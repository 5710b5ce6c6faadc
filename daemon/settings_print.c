#include <string.h>

#include "daemon/preset.h"
#include "daemon/profile.h"

enum {
	ORIGIN_COLUMN = 48, /* where the comments begin, if there is room */
};

/* "# /etc/mtq/mtq.conf:12" behind what stands on the line since `from`. */
static void
print_origin(const struct settings_item *item, size_t from, struct bytes *out)
{
	const struct conf_node *n = item->node;
	size_t width = out->n - from;

	do
		bytes_u8(out, ' ');
	while (++width < ORIGIN_COLUMN);
	bytes_add_text(out, "# ");
	if (n == NULL) {
		bytes_add_text(out, item->preset ? item->preset : "default");
		return;
	}
	for (const char *p = n->file; *p != '\0'; p++)
		bytes_u8(out, *p >= ' ' && *p <= '~' ? (uint8_t)*p : '?');
	bytes_printf(out, ":%u", n->line);
	if (item->preset != NULL)
		bytes_printf(out, ", %s", item->preset);
}

void
settings_walk(const struct settings *s,
	      void (*fn)(const struct settings_item *item, void *arg),
	      void *arg)
{
	const struct block_head *head;

	for (int kind = 0; kind < BLOCK_COUNT; kind++) {
		const struct block_row *b = &settings_blocks[kind];
		struct settings_item item = {.block = b};

		for (size_t i = 0;
		     (head = settings_block(s, (enum block_kind)kind, i));
		     i++) {
			item.title = kind == BLOCK_global ? "" : head->title;
			for (size_t k = 0; k < b->nkeys; k++) {
				item.key = &b->key[k];
				item.value = (const char *)(const void *)head +
					     item.key->offset;
				item.node =
				    settings_node(s, (enum block_kind)kind,
						  head, item.key->name);
				item.preset = preset_origin(
				    s, (enum block_kind)kind, head, item.key);
				if (item.preset == NULL)
					item.preset = profile_origin(
					    s, (enum block_kind)kind, head,
					    item.key);
				item.first = k == 0;
				item.last = k + 1 == b->nkeys;
				fn(&item, arg);
			}
		}
	}
}

struct print {
	struct bytes *out;
	bool origins;
};

static void
print_item(const struct settings_item *item, void *arg)
{
	const struct print *p = arg;
	struct bytes *out = p->out;
	bool block = *item->block->name != '\0';
	size_t from;

	if (block && item->first) {
		bytes_printf(out, "\n%s", item->block->name);
		if (item->block->titled)
			bytes_printf(out, " \"%s\"", item->title);
		bytes_add_text(out, " {\n");
	}
	from = out->n;
	bytes_printf(out, "%s%s%s", block ? "    " : "", item->key->name,
		     value_is_block(item->key->kind) ? " " : " = ");
	value_print(item->key->kind, item->value, out);
	if (p->origins)
		print_origin(item, from, out);
	bytes_add_text(out, "\n");
	if (block && item->last)
		bytes_add_text(out, "}\n");
}

void
settings_print(const struct settings *s, bool origins, struct bytes *out)
{
	struct print p = {out, origins};

	settings_walk(s, print_item, &p);
}
