/*
 * conf - the syntax of mtq.conf: text in, a tree of keys and blocks out.
 *
 *	key = value			a word or a "text" or a 'text'
 *	key = [value, value]		a list, over several lines if need be
 *	block "title" { ... }		the title only where the block has one
 *	include FILE			at the top; * ? [ ] match, sorted by name
 *	# comment			at the start or after a blank
 *
 * Values are texts here; what they mean is the key table's business.  All
 * that is wrong is reported in one go, with file and line; nothing is guessed
 * and nothing is read silently.  Outside of comments the file is ASCII.
 *
 * Owner    struct conf owns nodes, texts and file names; conf_free.
 * Errors   lines in a struct report; the tree then holds what was clear.
 * Source   docs/decisions/0002-own-configuration-reader.md
 */
#ifndef MTQ_CONF_H
#define MTQ_CONF_H

#include "daemon/arena.h"
#include "daemon/report.h"

enum {
	CONF_DEPTH = 8,      /* blocks inside each other */
	CONF_NODES = 200000, /* keys and blocks; 10,000 routes with every
				key are 110,000 */
	CONF_ITEMS = 10000,  /* values of one list */
};

struct conf_node {
	struct conf_node *next; /* in the same block */
	struct conf_node *parent;
	struct conf_node *kid; /* of a block: what it holds */
	struct conf_node *last_kid;
	const struct conf_node *same_as; /* a double of this one */
	char *key;
	char *title; /* NULL: none */
	const char *file;
	unsigned line;
	unsigned place; /* counts nodes in the order they were read */
	bool block;
	bool list;
	bool broken; /* reported already: don't look at its value */
	char **item;
	size_t nitems;
};

struct conf {
	struct arena arena;
	struct conf_node *first;
	bool whole; /* the syntax was clean: what is missing is missing */
};

/* Both count what is wrong in r->errors; conf_free afterwards in any case. */
void conf_load(struct conf *c, const char *path, struct report *r);
/* From memory; `include` is refused. */
void conf_parse(struct conf *c, const char *name, const char *text, size_t n,
		struct report *r);
void conf_free(struct conf *c);

/* s as a value of the file: as it is, or in quotes. */
void conf_print_text(struct bytes *out, const char *s);

#endif
