#include "queue/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* mdb.c: MDB_MAGIC, MDB_DATA_VERSION, P_META, and where the fields
 * lie on a machine with 64-bit words of either kind we build for. */
enum {
	META_BYTES = 8 + 8 + 8 + 2 * 48 + 8 + 8,
	MAGIC_VERSION = 1,
	FLAG_META = 0x08,
	PAGE_LEAST = 512,
	PAGE_MOST = 65536,
};
static const uint32_t MAGIC = 0xBEEFC0DE;
static const uint64_t NO_PAGE = UINT64_MAX; /* P_INVALID */

bool
pages_read(int fd, void *buffer, size_t n, uint64_t at)
{
	char *to = buffer;

	while (n > 0) {
		ssize_t got = pread(fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return true;
}

uint64_t
pages_number(const unsigned char *p, unsigned octets)
{
	uint64_t v = 0;

	for (unsigned i = octets; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

struct pages_tree
pages_tree_of(const unsigned char p[PAGES_TREE_BYTES])
{
	return (struct pages_tree){
	    .pad = (uint32_t)pages_number(p, 4),
	    .flags = (uint16_t)pages_number(p + 4, 2),
	    .depth = (uint16_t)pages_number(p + 6, 2),
	    .branch_pages = pages_number(p + 8, 8),
	    .leaf_pages = pages_number(p + 16, 8),
	    .overflow_pages = pages_number(p + 24, 8),
	    .entries = pages_number(p + 32, 8),
	    .root = pages_number(p + 40, 8),
	};
}

/* The meta page at offset `at`; its page size goes to *psize. */
static bool
meta_read(int fd, uint64_t at, unsigned which, struct pages_meta *m,
	  size_t *psize, struct err *e)
{
	unsigned char p[PAGES_HEADER + META_BYTES];
	const unsigned char *q = p + PAGES_HEADER;
	const char *wrong = NULL;

	if (!pages_read(fd, p, sizeof p, at)) {
		err_set(e, ERR_DAMAGED, "the file is cut short at its start");
		return false;
	}
	m->map_bytes = pages_number(q + 16, 8);
	m->tree[0] = pages_tree_of(q + 24);
	m->tree[1] = pages_tree_of(q + 72);
	m->last_page = pages_number(q + 120, 8);
	m->txn = pages_number(q + 128, 8);
	*psize = m->tree[0].pad;
	if ((pages_number(p + 10, 2) & FLAG_META) == 0 ||
	    pages_number(p, 8) != which)
		wrong = "is no meta page";
	else if (pages_number(q, 4) != MAGIC)
		wrong = "has not LMDB's magic number";
	else if (pages_number(q + 4, 4) != MAGIC_VERSION)
		wrong = "is of another LMDB version";
	else if (*psize < PAGE_LEAST || *psize > PAGE_MOST ||
		 (*psize & (*psize - 1)) != 0)
		wrong = "has an impossible page size";
	else if (m->last_page < 1 || m->last_page >= m->map_bytes / *psize)
		wrong = "has an impossible last page";
	for (unsigned i = 0; i < PAGES_TREES && wrong == NULL; i++) {
		const struct pages_tree *t = &m->tree[i];

		if (t->root != NO_PAGE &&
		    (t->root < 2 || t->root > m->last_page))
			wrong = "has a root outside the file";
		else if (t->depth > PAGES_DEPTH_MOST ||
			 (t->root == NO_PAGE) != (t->depth == 0))
			wrong = "has a tree of impossible depth";
	}
	if (wrong != NULL)
		err_set(e, ERR_DAMAGED, "page %u %s", which, wrong);
	return wrong == NULL;
}

bool
pages_preflight(int fd, struct pages *out, struct err *e)
{
	struct pages p = {0};
	const struct pages_meta *m;
	struct stat st;
	size_t other;

	if (fstat(fd, &st) != 0) {
		err_set(e, ERR_SYSTEM, "%m");
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_DAMAGED, "it is not a plain file");
		return false;
	}
	p.file_bytes = (uint64_t)st.st_size;
	if (p.file_bytes == 0) {
		err_set(e, ERR_DAMAGED, "the file is empty");
		return false;
	}
	if (!meta_read(fd, 0, 0, &p.meta[0], &p.page_bytes, e) ||
	    !meta_read(fd, p.page_bytes, 1, &p.meta[1], &other, e))
		return false;
	if (other != p.page_bytes) {
		err_set(e, ERR_DAMAGED, "the meta pages disagree on page size");
		return false;
	}
	p.newest = p.meta[1].txn > p.meta[0].txn;
	m = &p.meta[p.newest];
	/* Pages that a transaction took and gave back are never written: a file
	 * may end before the last page when only free ones are missing. */
	p.cut = p.file_bytes / p.page_bytes <= m->last_page;
	*out = p;
	return true;
}
