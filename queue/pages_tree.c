#include "queue/pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* mdb.c: mp_flags, MDB_node, mn_flags. */
enum {
	IS_BRANCH = 0x01,
	IS_LEAF = 0x02,
	IS_OVERFLOW = 0x04,
	NODE_HEADER = 8,
	NODE_BIG = 0x01,  /* the data lies in overflow pages */
	NODE_TREE = 0x02, /* the data is an MDB_db */
	KEY_MOST = 511,   /* MDB_MAXKEYSIZE */
};
static const uint64_t NO_PAGE = UINT64_MAX;

struct key {
	size_t n;
	unsigned char p[KEY_MOST];
};

struct level {
	unsigned char *page;
	unsigned keys;
	unsigned at; /* the next node to look at */
};

struct check {
	int fd;
	size_t page_bytes;
	uint64_t last_page;
	uint64_t file_pages; /* whole ones that are there */
	unsigned char *seen; /* a bit for each page */
	unsigned char *page[PAGES_DEPTH_MOST];
	struct pages_tree named[PAGES_NAMED_MOST];
	unsigned nnamed;
	uint64_t number; /* of the page looked at, for the error */
	struct err *e;
};

enum kind { FREE_LIST, MAIN_TREE, NAMED_TREE };

struct tree {
	struct check *c;
	const struct pages_tree *db;
	enum kind kind;
	struct level level[PAGES_DEPTH_MOST];
	unsigned depth; /* levels in use */
	uint64_t branch, leaf, overflow, entries;
	struct key last;  /* of the leaves, in order */
	struct key floor; /* what the branch above promised */
};

static bool
wrong(struct check *c, const char *what)
{
	err_set(c->e, ERR_DAMAGED, "page %" PRIu64 ": %s", c->number, what);
	return false;
}

/* Marks n pages from `first`: each may be used or free once. */
static bool
mark(struct check *c, uint64_t first, uint64_t n)
{
	if (first < 2 || first > c->last_page || n > c->last_page - first + 1) {
		err_set(c->e, ERR_DAMAGED,
			"page %" PRIu64 " leads to page %" PRIu64
			", which is not in the file",
			c->number, first);
		return false;
	}
	for (uint64_t i = first; i < first + n; i++) {
		unsigned char bit = (unsigned char)(1U << (i & 7));

		if (c->seen[i >> 3] & bit) {
			err_set(c->e, ERR_DAMAGED,
				"page %" PRIu64 " is used twice", i);
			return false;
		}
		c->seen[i >> 3] |= bit;
	}
	return true;
}

/* As mark, for pages that hold something: they must be there. */
static bool
mark_used(struct check *c, uint64_t first, uint64_t n)
{
	if (!mark(c, first, n))
		return false;
	if (first + n <= c->file_pages)
		return true;
	err_set(c->e, ERR_DAMAGED,
		"the file has %" PRIu64 " pages; page %" PRIu64 " is missing",
		c->file_pages, first + n - 1);
	return false;
}

static bool
read_page(struct check *c, uint64_t number, unsigned char *to, size_t n)
{
	if (!pages_read(c->fd, to, n, number * c->page_bytes)) {
		c->number = number;
		return wrong(c, "can't be read");
	}
	c->number = number;
	if (pages_number(to, 8) != number)
		return wrong(c, "carries another page's number");
	return true;
}

static int
compare(const struct tree *t, const struct key *a, const struct key *b)
{
	int d;

	if (t->kind == FREE_LIST) { /* MDB_INTEGERKEY, 8 octets each */
		uint64_t x = pages_number(a->p, 8), y = pages_number(b->p, 8);

		return x < y ? -1 : x > y;
	}
	d = memcmp(a->p, b->p, min_of(a->n, b->n));
	if (d != 0)
		return d;
	return a->n < b->n ? -1 : a->n > b->n;
}

/* Pushes the page as the lowest level. */
static bool
enter(struct tree *t, uint64_t number)
{
	struct check *c = t->c;
	struct level *l = &t->level[t->depth];
	bool branch = t->depth + 1 < t->db->depth;
	unsigned lower, upper;

	if (!mark_used(c, number, 1))
		return false;
	if (c->page[t->depth] == NULL)
		c->page[t->depth] = must_alloc(c->page_bytes);
	l->page = c->page[t->depth];
	if (!read_page(c, number, l->page, c->page_bytes))
		return false;
	if (pages_number(l->page + 10, 2) != (branch ? IS_BRANCH : IS_LEAF))
		return wrong(c, "is not of the kind its place asks for");
	lower = (unsigned)pages_number(l->page + 12, 2);
	upper = (unsigned)pages_number(l->page + 14, 2);
	if (lower < PAGES_HEADER || lower % 2 != 0 || lower > upper ||
	    upper > c->page_bytes)
		return wrong(c, "has impossible bounds");
	l->keys = (lower - PAGES_HEADER) / 2;
	l->at = 0;
	if (l->keys == 0 || (branch && l->keys < 2))
		return wrong(c, "has too few keys");
	if (branch)
		t->branch++;
	else
		t->leaf++;
	t->depth++;
	return true;
}

/* The node the level points at: its place, and its key. */
static bool
node_at(struct tree *t, struct level *l, const unsigned char **node,
	struct key *key)
{
	struct check *c = t->c;
	size_t at = pages_number(l->page + PAGES_HEADER + 2 * l->at, 2);
	size_t end = PAGES_HEADER + 2 * (size_t)l->keys;

	if (at < end || at % 2 != 0 || at + NODE_HEADER > c->page_bytes)
		return wrong(c, "has a node outside the page");
	*node = l->page + at;
	key->n = pages_number(*node + 6, 2);
	if (key->n > KEY_MOST || at + NODE_HEADER + key->n > c->page_bytes)
		return wrong(c, "has a key outside the page");
	memcpy(key->p, *node + NODE_HEADER, key->n);
	return true;
}

/* Data in overflow pages: marks them; their number goes to *first. */
static bool
overflow(struct tree *t, const unsigned char *data, uint64_t n, uint64_t *first)
{
	struct check *c = t->c;
	unsigned char head[PAGES_HEADER];
	uint64_t from = c->number, pages, want;

	*first = pages_number(data, 8);
	if (*first < 2 || *first > c->last_page)
		return wrong(c, "leads outside the file");
	if (!read_page(c, *first, head, sizeof head))
		return false;
	pages = pages_number(head + 12, 4);
	want = (PAGES_HEADER - 1 + n) / c->page_bytes + 1;
	if (pages_number(head + 10, 2) != IS_OVERFLOW || pages < want)
		return wrong(c, "is no overflow page, or too short");
	t->overflow += pages;
	if (!mark_used(c, *first, pages))
		return false;
	c->number = from;
	return true;
}

/* A row of the free list: a count, then page numbers. */
static bool
free_row(struct tree *t, const unsigned char *p, uint64_t n)
{
	uint64_t count;

	if (n < 8 || n % 8 != 0)
		return wrong(t->c, "has an impossible row of free pages");
	count = pages_number(p, 8);
	if (count > n / 8 - 1)
		return wrong(t->c, "has an impossible row of free pages");
	for (uint64_t i = 1; i <= count; i++)
		if (!mark(t->c, pages_number(p + 8 * i, 8), 1))
			return false;
	return true;
}

static bool
free_row_apart(struct tree *t, uint64_t first, uint64_t n)
{
	struct check *c = t->c;
	unsigned char *p;
	bool ok;

	if (n / c->page_bytes > c->last_page)
		return wrong(c, "has a row larger than the file");
	p = must_alloc(n);
	ok = pages_read(c->fd, p, n, first * c->page_bytes + PAGES_HEADER)
		 ? free_row(t, p, n)
		 : wrong(c, "can't be read");
	free(p);
	return ok;
}

static bool
named_tree(struct check *c, const unsigned char *data, uint64_t n)
{
	struct pages_tree db;

	if (n != PAGES_TREE_BYTES || c->nnamed == PAGES_NAMED_MOST)
		return wrong(c, "has a table that makes no sense");
	db = pages_tree_of(data);
	if (db.depth > PAGES_DEPTH_MOST ||
	    (db.root == NO_PAGE) != (db.depth == 0) || db.flags != 0)
		return wrong(c, "has a table of impossible shape");
	c->named[c->nnamed++] = db;
	return true;
}

static bool
leaf_node(struct tree *t, const unsigned char *node, const struct key *key)
{
	struct check *c = t->c;
	const unsigned char *data = node + NODE_HEADER + key->n;
	size_t at = (size_t)(data - t->level[t->depth - 1].page);
	uint64_t n = pages_number(node, 4), first;
	unsigned flags = (unsigned)pages_number(node + 4, 2);
	bool big = flags == NODE_BIG;

	if (flags != (t->kind == MAIN_TREE ? NODE_TREE : 0) && !big)
		return wrong(c, "has a node of an unknown kind");
	if (key->n == 0 || (t->kind == FREE_LIST && key->n != 8))
		return wrong(c, "has a key of impossible length");
	if (at + (big ? 8 : n) > c->page_bytes)
		return wrong(c, "has data outside the page");
	if ((t->entries > 0 && compare(t, &t->last, key) >= 0) ||
	    (t->floor.n > 0 && compare(t, key, &t->floor) < 0))
		return wrong(c, "has keys out of order");
	t->last = *key;
	t->floor.n = 0;
	t->entries++;
	if (big && !overflow(t, data, n, &first))
		return false;
	switch (t->kind) {
	case FREE_LIST:
		return big ? free_row_apart(t, first, n) : free_row(t, data, n);
	case MAIN_TREE:
		return !big && named_tree(c, data, n);
	case NAMED_TREE:
		break;
	}
	return true;
}

/* Goes down by the branch's next node; its key is a floor for what follows. */
static bool
branch_node(struct tree *t, const unsigned char *node, const struct key *key,
	    bool leftmost)
{
	uint64_t child = pages_number(node, 4) | pages_number(node + 4, 2)
						     << 32;

	if (!leftmost) { /* the leftmost key of a branch is not used */
		if (key->n == 0 || (t->kind == FREE_LIST && key->n != 8) ||
		    (t->entries > 0 && compare(t, &t->last, key) >= 0))
			return wrong(t->c, "has keys out of order");
		t->floor = *key;
	}
	return enter(t, child);
}

static bool
check_tree(struct check *c, const struct pages_tree *db, enum kind kind)
{
	struct tree t = {.c = c, .db = db, .kind = kind};

	if (db->root != NO_PAGE && !enter(&t, db->root))
		return false;
	while (t.depth > 0) {
		struct level *l = &t.level[t.depth - 1];
		const unsigned char *node = NULL;
		struct key key;
		bool ok;

		if (l->at == l->keys) {
			t.depth--;
			continue;
		}
		c->number = pages_number(l->page, 8);
		if (!node_at(&t, l, &node, &key))
			return false;
		l->at++;
		if (t.depth == db->depth)
			ok = leaf_node(&t, node, &key);
		else
			ok = branch_node(&t, node, &key, l->at == 1);
		if (!ok)
			return false;
	}
	if (t.branch == db->branch_pages && t.leaf == db->leaf_pages &&
	    t.overflow == db->overflow_pages && t.entries == db->entries)
		return true;
	c->number = db->root;
	return wrong(c, "is the root of a tree with other counts");
}

static bool
check_root(struct check *c, const struct pages_tree *db)
{
	struct tree t = {.c = c, .db = db, .kind = NAMED_TREE};

	return db->root == NO_PAGE || enter(&t, db->root);
}

bool
pages_check(int fd, const struct pages *p, unsigned which,
	    enum pages_reach reach, struct err *e)
{
	const struct pages_meta *m = &p->meta[which];
	struct check c = {.fd = fd,
			  .page_bytes = p->page_bytes,
			  .last_page = m->last_page,
			  .file_pages = p->file_bytes / p->page_bytes,
			  .e = e};
	bool ok;

	c.seen = must_alloc((size_t)(m->last_page / 8 + 1));
	ok = check_tree(&c, &m->tree[0], FREE_LIST) &&
	     check_tree(&c, &m->tree[1], MAIN_TREE);
	for (unsigned i = 0; ok && i < c.nnamed; i++)
		ok = reach == PAGES_ALL || c.named[i].depth <= 1
			 ? check_tree(&c, &c.named[i], NAMED_TREE)
			 : check_root(&c, &c.named[i]);
	for (unsigned i = 0; i < PAGES_DEPTH_MOST; i++)
		free(c.page[i]);
	free(c.seen);
	return ok;
}
