/*
 * settings_table - daemon/keys.h as rows to walk over: where each key's value
 * lies in struct settings, and how it is read and printed.
 *
 * Whoever reads, checks or prints "every key" walks these rows; nobody else
 * has a list of keys.
 */
#ifndef MTQ_SETTINGS_TABLE_H
#define MTQ_SETTINGS_TABLE_H

#include "daemon/settings.h"

struct key_row {
	const char *name;
	enum value_kind kind;
	const char *def; /* NULL: must be given */
	const char *least;
	const char *most;
	const char *doc;
	size_t offset; /* of the member in its block's struct */
};

enum block_kind {
	BLOCK_global, /* keys outside of blocks: struct settings itself */
#define B(block, titled, keys, doc) BLOCK_##block,
	BLOCKS(B)
#undef B
	    BLOCK_COUNT
};

struct block_row {
	const char *name; /* "" for the global keys */
	bool titled;      /* has a name */
	bool many;        /* there can be many of it */
	const struct key_row *key;
	size_t nkeys;
	const char *doc;
	size_t size;  /* of its struct */
	size_t place; /* in struct settings: the block, or a pointer to many */
	size_t count; /* in struct settings: how many; 0: exactly one */
};
extern const struct block_row settings_blocks[BLOCK_COUNT];

/* How each block's struct begins. */
struct block_head {
	char *title;
	const char *file;
	unsigned line;
	const struct conf_node *node;
};

/* NULL: the block has no such key. */
const struct key_row *settings_key(const struct block_row *b,
				   const char *name) MUST_USE;
/* BLOCK_COUNT: there is no such block. */
enum block_kind settings_kind(const char *name) MUST_USE;
/* The i-th block of a kind, NULL after the last.  BLOCK_global: s itself. */
const void *settings_block(const struct settings *s, enum block_kind kind,
			   size_t i) MUST_USE;
/* Makes room for n blocks of a kind that can be many. */
void settings_make(struct settings *s, enum block_kind kind, size_t n);
/* Writes a key's default into its block. */
void settings_default(const struct key_row *k, void *block, struct arena *a);
/* The node that gave a block (key NULL) or a key; NULL: a default.  `block` is
 * the block's struct. */
const struct conf_node *settings_node(const struct settings *s,
				      enum block_kind kind, const void *block,
				      const char *key) MUST_USE;
/* The same for values worth a further look: NULL also when the value was
 * wrong in itself. */
const struct conf_node *settings_given(const struct settings *s,
				       enum block_kind kind, const void *block,
				       const char *key) MUST_USE;

/* True if the value was wrong in itself: what the member holds is no guide. */
bool settings_broken(const struct settings *s, enum block_kind kind,
		     const void *block, const char *key) MUST_USE;

/* Where to complain: at the key, else at its block. */
struct settings_place {
	const char *file;
	unsigned line;
};
struct settings_place settings_place(const struct settings *s,
				     enum block_kind kind, const void *block,
				     const char *key) MUST_USE;

/* One key of one block, as `mtq config show` lists them. */
struct settings_item {
	const struct block_row *block;
	const char *title; /* "" for blocks without one */
	const struct key_row *key;
	const void *value;            /* for value_print */
	const struct conf_node *node; /* NULL: not from the file */
	const char *preset;           /* "provider m365": from it, or (with a
					 node) in part; NULL: not */
	bool first;                   /* of its block */
	bool last;
};
/* In the order of the table, blocks of one kind in the order of the file.
 * (settings_print.c) */
void settings_walk(const struct settings *s,
		   void (*fn)(const struct settings_item *item, void *arg),
		   void *arg);

#endif
