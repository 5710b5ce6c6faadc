#include "tests/queue/box.h"

#include <sys/eventfd.h>

#include "queue/committer.h"

enum { BATCH_MOST = 400, LARGE_CHUNKS = 3 * COMMIT_REMOVALS + 5 };

static unsigned char octets[CHUNK_MOST];

/* An item with a message of its own; free with let_go. */
struct piece {
	struct commit item;
	struct message_record message;
	struct ledger_recipient rcpt;
};

static struct piece *
piece_of(enum commit_kind kind, uint64_t id, uint32_t chunk, size_t n)
{
	struct piece *p = must_alloc(sizeof *p);

	p->item.kind = kind;
	p->item.id = id;
	p->item.chunk = chunk;
	p->item.now_us = BOX_NOW;
	bytes_add(&p->item.body, octets, n);
	p->message = box_message(octets, n, 1);
	p->message.chunks = chunk + 1;
	p->message.size_bytes += (uint64_t)chunk * n;
	p->rcpt = (struct ledger_recipient){.address = text_of("b@example.net"),
					    .orcpt = text_of(""),
					    .lane = LANE_DEFAULT};
	if (kind == COMMIT_ACCEPT) {
		p->item.message = &p->message;
		p->item.rcpt = &p->rcpt;
		p->item.nrcpt = 1;
		p->item.apart = chunk > 0;
	}
	return p;
}

static void
let_go(struct piece *p)
{
	bytes_free(&p->item.body);
	free(p);
}

/* Writes one item until it has nothing more to do. */
static enum err_kind
write_one(struct box *b, struct piece *p)
{
	enum err_kind kind;
	unsigned times = 0;

	p->item.next = NULL;
	do
		committer_write(b->store, &p->item);
	while (p->item.again && ++times < BATCH_MOST);
	kind = p->item.err.kind;
	let_go(p);
	return kind;
}

static uint64_t
next_id(struct box *b)
{
	b->last = id_next(b->last, BOX_NOW, 0);
	return b->last;
}

/* One item that can't be written must not take the others with it. */
static void
one_bad_item_stands_alone(void **state)
{
	static const struct {
		const char *name;
		size_t n, bad; /* bad == n: none */
	} row[] = {
	    {"alone and good", 1, 1},
	    {"alone and bad", 1, 0},
	    {"the first of many", 5, 0},
	    {"one in the middle", 9, 4},
	    {"the last", 7, 6},
	    {"none of a full batch", COMMIT_MESSAGES, COMMIT_MESSAGES},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct piece *p[COMMIT_MESSAGES] = {NULL};
		struct verify_report r;
		struct box b;

		box_make(&b);
		for (size_t j = 0; j < row[i].n; j++) {
			p[j] = piece_of(COMMIT_ACCEPT, next_id(&b), 0, 100 + j);
			/* There is no partial row that it could remove. */
			p[j]->item.apart = j == row[i].bad;
			if (j > 0)
				p[j - 1]->item.next = &p[j]->item;
		}
		committer_write(b.store, &p[0]->item);
		for (size_t j = 0; j < row[i].n; j++) {
			if ((p[j]->item.err.kind == ERR_NONE) !=
			    (j != row[i].bad))
				fail_msg("%s: item %zu: %s", row[i].name, j,
					 p[j]->item.err.text);
			let_go(p[j]);
		}
		r = box_verify(&b);
		if (r.messages != row[i].n - (row[i].bad < row[i].n))
			fail_msg("%s: %llu messages", row[i].name,
				 (unsigned long long)r.messages);
		box_remove(&b);
	}
}

static void
put_chunks(struct box *b, uint64_t id, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(
		    write_one(b, piece_of(COMMIT_CHUNK, id, i, 1000)),
		    ERR_NONE);
}

/* A body that came in chunks is one message, or nothing at all. */
static void
chunks_become_a_message_or_go(void **state)
{
	struct verify_report r;
	struct piece *p;
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	id = next_id(&b);
	put_chunks(&b, id, 3);
	p = piece_of(COMMIT_ACCEPT, id, 3, 1000);
	p->message.body_crc = 0;
	for (int i = 0; i < 4; i++)
		p->message.body_crc = crc32c(p->message.body_crc, octets, 1000);
	assert_int_equal(write_one(&b, p), ERR_NONE);
	r = box_verify(&b);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.chunks, 4);
	assert_int_equal(r.partials, 0);

	id = next_id(&b);
	put_chunks(&b, id, LARGE_CHUNKS);
	assert_int_equal(box_verify(&b).partials, 1);
	p = piece_of(COMMIT_ABANDON, id, 0, 0);
	committer_write(b.store, &p->item);
	assert_true(p->item.again); /* bounded: not all in one transaction */
	assert_int_equal(write_one(&b, p), ERR_NONE);
	r = box_verify(&b);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.chunks, 4);
	assert_int_equal(r.partials, 0);
	/* Twice does no harm. */
	assert_int_equal(write_one(&b, piece_of(COMMIT_ABANDON, id, 0, 0)),
			 ERR_NONE);
	box_remove(&b);
}

/* After a crash: what was never whole goes, what is being received stays. */
static void
remains_are_cleaned(void **state)
{
	struct verify_report r;
	struct piece *p;
	struct box b;
	uint64_t limit;

	(void)state;
	box_make(&b);
	put_chunks(&b, next_id(&b), 2);
	put_chunks(&b, next_id(&b), LARGE_CHUNKS);
	limit = next_id(&b);
	put_chunks(&b, limit, 1);
	put_chunks(&b, next_id(&b), 2); /* of this life */
	p = piece_of(COMMIT_CLEAN, limit, 0, 0);
	do {
		committer_write(b.store, &p->item);
		assert_int_equal(p->item.err.kind, ERR_NONE);
	} while (p->item.again);
	assert_int_equal(p->item.count, 3);
	let_go(p);
	r = box_verify(&b);
	assert_int_equal(r.partials, 1);
	assert_int_equal(r.chunks, 2);
	box_remove(&b);
}

/* A full map says so, keeps what it has, and drains. */
static void
a_full_queue_refuses_and_drains(void **state)
{
	enum err_kind kind = ERR_NONE;
	struct verify_report r;
	uint64_t id, taken = 0;
	struct box b;

	(void)state;
	box_make(&b);
	id = next_id(&b);
	put_chunks(&b, id, 1);
	for (int i = 0; i < BATCH_MOST && kind == ERR_NONE; i++) {
		kind = write_one(
		    &b, piece_of(COMMIT_ACCEPT, next_id(&b), 0, sizeof octets));
		taken += kind == ERR_NONE;
	}
	assert_int_equal(kind, ERR_FULL);
	r = box_verify(&b);
	assert_int_equal(r.messages, taken);
	assert_int_equal(write_one(&b, piece_of(COMMIT_ABANDON, id, 0, 0)),
			 ERR_NONE);
	assert_int_equal(box_verify(&b).partials, 0);
	box_remove(&b);
}

static void
the_room_is_known(void **state)
{
	struct piece *p = piece_of(COMMIT_ROOM, 0, 0, 0);
	struct box b;

	(void)state;
	box_make(&b);
	for (p->item.count = 0; p->item.count < 2; p->item.count++) {
		committer_write(b.store, &p->item);
		assert_int_equal(p->item.err.kind, ERR_NONE);
		assert_int_equal(p->item.room.map_bytes, BOX_MAP);
		assert_true(p->item.room.used_bytes > 0);
		assert_true(p->item.room.disk_free_bytes > 0);
	}
	let_go(p);
	box_remove(&b);
}

/* The thread: every item comes back once, in order, and the bell has rung. */

struct world {
	struct loop *loop;
	struct committer *committer;
	struct box box;
	size_t put, back;
	uint64_t last_back;
	bool quick; /* all at once, or one after the other */
};

static void put_next(struct world *w);

static void
came_back(struct commit *i)
{
	struct world *w = i->owner;

	assert_int_equal(i->err.kind, ERR_NONE);
	assert_true(i->id > w->last_back);
	w->last_back = i->id;
	w->back++;
	let_go(container_of(i, struct piece, item));
	if (w->back == BATCH_MOST)
		loop_stop(w->loop);
	else if (!w->quick)
		put_next(w);
}

static void
put_next(struct world *w)
{
	struct piece *p =
	    piece_of(COMMIT_ACCEPT, next_id(&w->box), 0, 10 + w->put);

	p->item.done = came_back;
	p->item.owner = w;
	w->put++;
	committer_put(w->committer, &p->item);
}

static void
flush(void *arg)
{
	struct world *w = arg;

	committer_flush(w->committer);
}

static void
run_world(bool quick)
{
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct world w = {.quick = quick};
	uint64_t rung = 0;

	assert_true(bell >= 0);
	box_make(&w.box);
	w.loop = loop_open();
	w.committer = committer_open(w.loop, w.box.store, bell);
	loop_after(w.loop, flush, &w);
	put_next(&w);
	while (quick && w.put < BATCH_MOST)
		put_next(&w);
	loop_run(w.loop);
	assert_int_equal(w.back, BATCH_MOST);
	assert_int_equal(committer_pending(w.committer), 0);
	assert_true(committer_alive(w.committer, 0, 1));
	assert_true(committer_alive(w.committer, HOUR_US, 1)); /* it rests */
	committer_close(w.committer);
	loop_close(w.loop);
	assert_int_equal(read(bell, &rung, sizeof rung), sizeof rung);
	assert_true(rung > 0 && rung <= BATCH_MOST);
	if (!quick)
		assert_int_equal(rung, BATCH_MOST);
	else /* group commit: far fewer transactions than messages */
		assert_true(rung <= BATCH_MOST / COMMIT_MESSAGES + 2);
	assert_int_equal(close(bell), 0);
	assert_int_equal(box_verify(&w.box).messages, BATCH_MOST);
	box_remove(&w.box);
}

static void
everything_comes_back(void **state)
{
	(void)state;
	run_world(true);
	run_world(false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_bad_item_stands_alone),
	    cmocka_unit_test(chunks_become_a_message_or_go),
	    cmocka_unit_test(remains_are_cleaned),
	    cmocka_unit_test(a_full_queue_refuses_and_drains),
	    cmocka_unit_test(the_room_is_known),
	    cmocka_unit_test(everything_comes_back),
	};

	memset(octets, 'x', sizeof octets);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
