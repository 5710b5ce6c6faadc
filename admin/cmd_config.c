#include <string.h>

#include "admin/command.h"
#include "admin/show.h"
#include "daemon/settings_table.h"

static const struct show_field item_fields[] = {
    {"block", NULL, SHOW_TEXT, false},   {"name", NULL, SHOW_TEXT, false},
    {"key", NULL, SHOW_TEXT, false},     {"value", NULL, SHOW_TEXT, false},
    {"file", NULL, SHOW_TEXT, false},    {"line", NULL, SHOW_COUNT, false},
    {"default", NULL, SHOW_FLAG, false}, {"preset", NULL, SHOW_TEXT, false},
};

static struct show_value
word_or_none(const char *s)
{
	return *s ? show_word(s) : show_none();
}

/* One key as an object; the value as the file spells it, a text without its
 * quotes. */
static void
item_json(const struct settings_item *item, void *arg)
{
	const struct conf_node *n = item->node;
	struct bytes text = {0};

	if (item->key->kind == VALUE_text)
		bytes_add_text(&text, *(char *const *)item->value);
	else
		value_print(item->key->kind, item->value, &text);
	const struct show_value value[] = {
	    word_or_none(item->block->name),
	    word_or_none(item->title),
	    show_word(item->key->name),
	    show_text((struct text){(const char *)text.data, text.n}),
	    n ? show_word(n->file) : show_none(),
	    n ? show_count(n->line) : show_none(),
	    show_flag(n == NULL && item->preset == NULL),
	    item->preset ? show_word(item->preset) : show_none(),
	};
	show_json(arg, item_fields, countof(value), value);
	bytes_free(&text);
}

int
cmd_config(struct command *c)
{
	const struct settings *s;
	struct bytes out = {0};

	if (c->argc != 1 || strcmp(c->argv[0], "show") != 0)
		return command_usage(c, NULL);
	s = command_settings(c);
	if (s == NULL)
		return EXIT_CONFIG;
	if (c->json) {
		settings_walk(s, item_json, stdout);
		return EXIT_DONE;
	}
	settings_print(s, true, &out);
	fwrite(out.data, 1, out.n, stdout);
	bytes_free(&out);
	return EXIT_DONE;
}
