/*
 * box - a small queue in a folder of its own, for the tests of what lies in it.
 *
 * Everything here ends the test on failure; the texts are the same in every
 * message, so that a test can compare.
 */
#ifndef MTQ_TESTS_BOX_H
#define MTQ_TESTS_BOX_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/ledger.h"
#include "queue/verify.h"

enum { BOX_MAP = 8 << 20, BOX_BODY_MOST = 4 * CHUNK_MOST };
static const int64_t BOX_NOW = INT64_C(1795246544000000);

struct box {
	char dir[64];
	char file[96];
	struct store *store;
	struct txn *t;
	struct err e;
	uint64_t last;
	uint64_t lane;   /* for box_accept; 0: LANE_DEFAULT */
	uint32_t copies; /* the same: the last so many are archives */
};

/* The call must answer yes. */
#define yes(b, call)                                                           \
	do {                                                                   \
		if (!(call))                                                   \
			fail_msg("%s: %s", #call, (b)->e.text);                \
	} while (0)

static inline void
box_open(struct box *b, enum store_mode mode)
{
	b->store = store_open(b->dir, mode, BOX_MAP, "test", &b->e);
	if (b->store == NULL)
		fail_msg("%s", b->e.text);
}

static inline void
box_make(struct box *b)
{
	*b = (struct box){0};
	snprintf(b->dir, sizeof b->dir, "%s/mtq-box-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->file, sizeof b->file, "%s/queue.mdb", b->dir);
	yes(b, store_create(b->dir, BOX_MAP, "test", BOX_NOW, &b->e));
	box_open(b, STORE_WRITE);
}

static inline void
box_close(struct box *b)
{
	store_close(b->store);
	b->store = NULL;
}

static inline void
box_remove(struct box *b)
{
	char lock[128];

	box_close(b);
	snprintf(lock, sizeof lock, "%s-lock", b->file);
	assert_int_equal(unlink(b->file), 0);
	assert_true(unlink(lock) == 0 || access(lock, F_OK) != 0);
	assert_int_equal(rmdir(b->dir), 0);
}

static inline void
box_begin(struct box *b)
{
	b->t = store_begin(b->store, true, &b->e);
	if (b->t == NULL)
		fail_msg("%s", b->e.text);
}

static inline void
box_commit(struct box *b)
{
	yes(b, store_commit(b->t, &b->e));
	b->t = NULL;
}

static inline void
box_read(struct box *b)
{
	b->t = store_begin(b->store, false, &b->e);
	if (b->t == NULL)
		fail_msg("%s", b->e.text);
}

static inline void
box_end(struct box *b)
{
	store_abort(b->t);
	b->t = NULL;
}

static inline struct message_record
box_message(const void *body, size_t n, uint32_t nrcpt)
{
	return (struct message_record){
	    .arrival_us = (uint64_t)BOX_NOW,
	    .size_bytes = n,
	    .chunks = (uint32_t)(n == 0 ? 1 : (n - 1) / CHUNK_MOST + 1),
	    .body_crc = crc32c(0, body, n),
	    .recipients = nrcpt,
	    .sender = text_of("sender@example.com"),
	    .type = text_of("mass"),
	    .source = text_of("crm"),
	    .client = text_of("192.0.2.7"),
	    .helo = text_of("crm.example.com"),
	    .subject = text_of("Offer for you")};
}

/* A body whose octets depend on the id. */
static inline void
box_body(uint64_t id, unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)('!' + (id + i * 7) % 90);
}

/* Puts a message into the open transaction; returns its id. */
static inline uint64_t
box_accept(struct box *b, size_t size, uint32_t nrcpt, bool apart)
{
	static unsigned char body[BOX_BODY_MOST];
	struct ledger_recipient r[8];
	struct message_record m;
	uint64_t id = id_next(b->last, BOX_NOW, 0);

	assert_true(size <= sizeof body && nrcpt <= countof(r));
	b->last = id;
	box_body(id, body, size);
	m = box_message(body, size, nrcpt);
	m.copies = (uint8_t)b->copies;
	for (uint32_t i = 0; i < nrcpt; i++)
		r[i] = (struct ledger_recipient){
		    .address = text_of("reader@example.net"),
		    .lane = b->lane != 0 ? b->lane : LANE_DEFAULT,
		};
	for (uint32_t i = 0; i < m.chunks; i++) {
		size_t at = (size_t)i * CHUNK_MOST;

		yes(b, ledger_chunk(b->t, id, i, body + at,
				    min_of(size - at, (size_t)CHUNK_MOST),
				    apart, BOX_NOW, &b->e));
	}
	yes(b, ledger_accept(b->t, id, &m, r, nrcpt, apart, &b->e));
	return id;
}

static inline void
box_claim(struct box *b, uint64_t id, uint32_t rcpt)
{
	struct recipient_record r;

	yes(b, ledger_recipient(b->t, id, rcpt, &r, &b->e));
	yes(b, ledger_claim(b->t, r.lane,
			    &(struct ledger_due){id, rcpt, (int64_t)r.due_us},
			    0, NULL, BOX_NOW + SECOND_US, &b->e));
}

static inline enum ledger_answer
box_settle(struct box *b, uint64_t id, uint32_t rcpt, enum verdict_kind kind,
	   bool *gone)
{
	struct verdict v = {.kind = kind,
			    .code = 450,
			    .status = "4.2.0",
			    .reply = "450 4.2.0 try later",
			    .remote = "mx.example.net[192.0.2.1]:25"};
	struct ledger_settled s;
	enum ledger_answer a;

	struct ledger_again again = {.at_us = BOX_NOW + HOUR_US,
				     .attempt = true};

	yes(b, ledger_settle(b->t, id, rcpt, &v, "corp",
			     BOX_NOW + 2 * SECOND_US, &again, &a, &s, &b->e));
	*gone = s.message_gone;
	bytes_free(&s.memory);
	return a;
}

/* The store must be without a lie. */
static inline struct verify_report
box_verify(struct box *b)
{
	struct verify_report r;

	yes(b, verify_store(b->store, &r, NULL, NULL, &b->e));
	return r;
}

/* One number over every row of every table. */
static inline bool
box_digest(struct store *s, uint32_t *out, struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	uint32_t crc = 0;

	if (t == NULL)
		return false;
	for (int db = 0; db < STORE_DB_COUNT; db++) {
		const void *k, *v;
		size_t nk, nv;
		bool more =
		    txn_seek(t, (enum store_db)db, "", 1, &k, &nk, &v, &nv, e);

		for (; more; more = txn_next(t, (enum store_db)db, &k, &nk, &v,
					     &nv, e)) {
			crc = crc32c(crc, k, nk);
			if (nv > 0)
				crc = crc32c(crc, v, nv);
		}
		if (e->kind != ERR_NONE) {
			store_abort(t);
			return false;
		}
	}
	store_abort(t);
	*out = crc;
	return true;
}

#endif
