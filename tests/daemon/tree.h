/*
 * tree - what the configuration reader made of a file, as one line.
 */
#ifndef MTQ_TESTS_DAEMON_TREE_H
#define MTQ_TESTS_DAEMON_TREE_H

#include "daemon/conf.h"

/* The tree as one line: key:line=[item,item] name"title"{kids}. */
static inline void
dump(const struct conf_node *first, struct bytes *out)
{
	const struct conf_node *n = first;

	while (n != NULL) {
		bytes_printf(out, "%s:%u", n->key, n->line);
		if (n->title != NULL)
			bytes_printf(out, "\"%s\"", n->title);
		bytes_add_text(out, n->list ? "=[" : n->block ? "{" : "=");
		for (size_t i = 0; i < n->nitems; i++)
			bytes_printf(out, "%s%s", i ? "," : "", n->item[i]);
		bytes_add_text(out, n->list ? "]" : "");
		if (n->block && n->kid != NULL) {
			n = n->kid;
			continue;
		}
		bytes_add_text(out, n->block ? "}" : "");
		while (n->next == NULL && n->parent != NULL) {
			n = n->parent;
			bytes_add_text(out, "}");
		}
		n = n->next;
		bytes_add_text(out, n ? " " : "");
	}
}

#endif
