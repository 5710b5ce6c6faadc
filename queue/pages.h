/*
 * pages - the file under LMDB, read as octets: is it whole, and does every
 * page keep the rules that LMDB takes for granted?  LMDB 0.9 has no checksums
 * and follows whatever number it finds; a file cut short or a flipped bit ends
 * in SIGBUS there.  Here it ends in a sentence.
 *
 * Everything is read with pread, so that nothing in a file can hurt the reader.
 *
 * Errors   ERR_DAMAGED: the page and what is wrong with it; ERR_SYSTEM: no
 *          such file, or it can't be read.
 * Source   lmdb 0.9.24, mdb.c: struct MDB_page, MDB_meta, MDB_db, MDB_node.
 */
#ifndef MTQ_PAGES_H
#define MTQ_PAGES_H

#include "daemon/err.h"

enum {
	PAGES_TREE_BYTES = 48, /* sizeof(MDB_db) */
	PAGES_HEADER = 16,     /* PAGEHDRSZ */
	PAGES_TREES = 2,       /* roots in a meta page: free list, main */
	PAGES_DEPTH_MOST = 32, /* CURSOR_STACK of mdb.c */
	PAGES_NAMED_MOST = 16, /* named trees we look into */
};

struct pages_tree { /* MDB_db */
	uint32_t pad;
	uint16_t flags;
	uint16_t depth;
	uint64_t branch_pages;
	uint64_t leaf_pages;
	uint64_t overflow_pages;
	uint64_t entries;
	uint64_t root;
};
struct pages_meta { /* MDB_meta */
	uint64_t map_bytes;
	uint64_t last_page;
	uint64_t txn;
	struct pages_tree tree[PAGES_TREES];
};
struct pages {
	size_t page_bytes;
	uint64_t file_bytes;
	bool cut; /* ends before the last page: pages_check must find out
		     whether a used one is missing */
	struct pages_meta meta[2];
	unsigned newest; /* index into meta */
};

/* Before LMDB opens the file: both meta pages make sense, and the file is as
 * long as the newest says. */
bool pages_preflight(int fd, struct pages *out, struct err *e) MUST_USE;
/* Every page reachable from p->meta[which]: its kind, its bounds, the order of
 * its keys, the counts of its tree; no page twice, none both used and free.
 * The caller holds a read transaction of that meta page's number, so that
 * nobody writes over what we read. */
enum pages_reach {
	PAGES_ALL,
	PAGES_ROOTS, /* the free list and each table's root, at every open;
			a table of one page whole */
};
bool pages_check(int fd, const struct pages *p, unsigned which,
		 enum pages_reach reach, struct err *e) MUST_USE;

/* n octets at offset `at`; false at the end of the file. */
bool pages_read(int fd, void *to, size_t n, uint64_t at) MUST_USE;
/* A little-endian number of 1 to 8 octets. */
uint64_t pages_number(const unsigned char *p, unsigned octets);
struct pages_tree pages_tree_of(const unsigned char p[PAGES_TREE_BYTES]);

#endif
