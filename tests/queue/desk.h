/*
 * desk - a box with a book on it: three quotas of three units, charged by the
 * relay `out`.
 */
#ifndef MTQ_TESTS_DESK_H
#define MTQ_TESTS_DESK_H

#include "tests/queue/box.h"

#include "queue/book.h"
#include "queue/book_row.h"

#include <inttypes.h>

#define HEAD                                                                   \
	"instance = a\nhostname = a.example\nno_match = out\n"                 \
	"bounce { enabled = no }\n"                                            \
	"listen in { address = 127.0.0.1:25 }\n"                               \
	"source crm { from_ip = 192.0.2.0/24 }\n"
#define TYPES "type mass { }\ntype workflow { }\n"
#define QUOTAS                                                                 \
	"quota r { limit = 100 }\nquota m { limit = 10 unit = messages }\n"    \
	"quota b { limit = 9000 unit = bytes }\n"
#define OUT   "relay out { host = mail.example quota = [r, m, b] }\n"
#define SPARE "relay spare { host = mail.example }\n"

enum { RELAY_OUT, RELAY_SPARE };
enum { MASS, WORKFLOW };
enum { QUOTA_R, QUOTA_M, QUOTA_B };

struct desk {
	struct box box;
	struct settings *s;
	struct book *b;
	int64_t now_us;
};

static inline struct settings *
settings_of(const char *text)
{
	struct bytes report = {0};
	struct settings *s = settings_parse("f", text, strlen(text), &report);

	if (s == NULL)
		fail_msg("%.*s", (int)report.n, (char *)report.data);
	bytes_free(&report);
	return s;
}

static inline void
desk_reopen(struct desk *d, const char *text)
{
	book_close(d->b);
	settings_free(d->s);
	d->s = settings_of(text);
	box_read(&d->box);
	d->b = book_open(d->box.t, d->s, d->now_us, &d->box.e);
	box_end(&d->box);
	assert_non_null(d->b);
}

static inline void
desk_open(struct desk *d, const char *text)
{
	*d = (struct desk){.now_us = BOX_NOW};
	box_make(&d->box);
	desk_reopen(d, text);
}

static inline void
desk_close(struct desk *d)
{
	book_close(d->b);
	settings_free(d->s);
	box_remove(&d->box);
}

static inline void
begin(struct desk *d)
{
	bool changed;

	box_begin(&d->box);
	yes(&d->box, book_turn(d->b, d->box.t, d->now_us, &changed, &d->box.e));
}

static inline void
commit(struct desk *d)
{
	yes(&d->box, book_flush(d->b, d->box.t, d->now_us, &d->box.e));
	box_commit(&d->box);
	book_committed(d->b);
}

static inline void
charge(struct desk *d, uint64_t job, uint32_t nrcpt, uint64_t size)
{
	yes(&d->box, book_charge(d->b, d->box.t, job, RELAY_OUT, MASS, nrcpt,
				 size, d->now_us, &d->box.e));
}

static inline void
settle(struct desk *d, uint64_t job, enum book_end end)
{
	yes(&d->box,
	    book_settle(d->b, d->box.t, job, end, d->now_us, &d->box.e));
}

static inline uint64_t
rows(struct desk *d, enum store_db db)
{
	const void *k, *v;
	size_t nk, nv;
	uint64_t n = 0;
	bool more;

	box_read(&d->box);
	for (more = txn_seek(d->box.t, db, "", 1, &k, &nk, &v, &nv, &d->box.e);
	     more; more = txn_next(d->box.t, db, &k, &nk, &v, &nv, &d->box.e))
		n++;
	box_end(&d->box);
	return n;
}

#endif
