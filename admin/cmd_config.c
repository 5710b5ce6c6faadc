#include <string.h>

#include "admin/command.h"
#include "admin/plain_json.h"
#include "daemon/settings_table.h"

/* One key as a JSON object on a line; the value as the file spells it. */
static void
item_json(const struct settings_item *item, void *arg)
{
	struct bytes *out = arg, value = {0};
	const struct conf_node *n = item->node;

	value_print(item->key->kind, item->value, &value);
	bytes_add_text(out, "{\"block\": ");
	plain_json(out, item->block->name, strlen(item->block->name));
	bytes_add_text(out, ", \"name\": ");
	plain_json(out, item->title, strlen(item->title));
	bytes_add_text(out, ", \"key\": ");
	plain_json(out, item->key->name, strlen(item->key->name));
	bytes_add_text(out, ", \"value\": ");
	plain_json(out, (const char *)value.data, value.n);
	if (n != NULL) {
		bytes_add_text(out, ", \"file\": ");
		plain_json(out, n->file, strlen(n->file));
		bytes_printf(out, ", \"line\": %u", n->line);
	}
	bytes_printf(out, ", \"default\": %s}\n", n ? "false" : "true");
	bytes_free(&value);
}

int
cmd_config(struct command *c)
{
	const struct settings *s;
	struct bytes out = {0};
	int rc = EXIT_DONE;

	if (c->argc != 1 || strcmp(c->argv[0], "show") != 0)
		return command_usage(c, NULL);
	s = command_settings(c);
	if (s == NULL)
		return EXIT_CONFIG;
	if (c->json)
		settings_walk(s, item_json, &out);
	else
		settings_print(s, true, &out);
	if (fwrite(out.data, 1, out.n, stdout) != out.n)
		rc = EXIT_AGAIN;
	bytes_free(&out);
	return rc;
}
