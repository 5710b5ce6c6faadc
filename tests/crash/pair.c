/*
 * pair - a receiver and a scheduler with nothing around them: two processes
 * that write one small queue through the store and the ledger, as the real ones
 * do, while tests/crash/recorder.c watches.
 *
 *	pair DIR MESSAGES SEED [early]
 *
 * The queue is made if there is none; MESSAGES = 0 does only that.
 *
 * What a submitter and a relay would be told goes to a socket: "250 ... queued
 * as ID for N", "250 ... delivered as ID".  `early` says the first before the
 * commit: the mistake that the replay must find out.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/now.h"
#include "queue/ledger.h"

enum {
	MAP_BYTES = 4 << 20,
	CREDITS = 24, /* messages in the queue: the file stays small */
	BATCH_MOST = 4,
	CLAIMS_MOST = 6,
	BODY_MOST = 2 * CHUNK_MOST + 9000,
	JOURNAL_BYTES = 24 << 10, /* some dozen messages */
	PRUNE_MOST = 40,
};

struct side {
	const char *dir;
	unsigned messages;
	uint64_t seed;
	bool early;
	int bell[2];   /* receiver -> scheduler: a message has come */
	int credit[2]; /* scheduler -> receiver: one has gone */
	int world;     /* what the world is told */
	struct store *store;
	struct err e;
};

static void
stop(const struct err *e)
{
	fprintf(stderr, "pair: %s\n", e->text);
	_exit(1);
}

static uint64_t
roll(struct side *s, uint64_t most)
{
	s->seed =
	    s->seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (s->seed >> 33) % most;
}

static void
say(struct side *s, uint64_t id, const char *what, uint32_t n)
{
	char id_words[ID_TEXT + 1], line[80];
	int len;

	id_text(id, id_words);
	len = snprintf(line, sizeof line, "250 2.0.0 Ok: %s as %s for %u\r\n",
		       what, id_words, n);
	must(write(s->world, line, (size_t)len) == len);
}

/* The other may have done its share and be gone. */
static void
signal_other(int fd)
{
	must(write(fd, "", 1) == 1 || errno == EPIPE);
}

static struct txn *
begin(struct side *s)
{
	struct txn *t = store_begin(s->store, true, &s->e);

	if (t == NULL)
		stop(&s->e);
	return t;
}

static void
commit(struct side *s, struct txn *t)
{
	if (!store_commit(t, &s->e))
		stop(&s->e);
}

static void
chunks(struct side *s, struct txn **t, uint64_t id, const unsigned char *body,
       size_t size, bool apart)
{
	size_t at = 0;
	uint32_t i = 0;

	do {
		size_t n = min_of(size - at, (size_t)CHUNK_MOST);

		if (!ledger_chunk(*t, id, i++, body + at, n, apart, now_us(),
				  &s->e))
			stop(&s->e);
		at += n;
		if (apart) {
			commit(s, *t);
			*t = begin(s);
		}
	} while (at < size);
}

static void
abandon(struct side *s, struct txn **t, uint64_t id)
{
	bool more = true;

	while (more) {
		if (!ledger_abandon(*t, id, 1, &more, &s->e))
			stop(&s->e);
		commit(s, *t);
		*t = begin(s);
	}
}

static uint32_t
accept_one(struct side *s, struct txn **t, uint64_t id)
{
	static unsigned char body[BODY_MOST];
	uint64_t kind = roll(s, 30);
	size_t size = kind == 0 ? BODY_MOST : 200 + roll(s, 6000);
	uint32_t n = (uint32_t)(1 + roll(s, 3));
	struct ledger_recipient r[3];
	struct message_record m = {.arrival_us = (uint64_t)now_us(),
				   .size_bytes = size,
				   .chunks =
				       (uint32_t)((size - 1) / CHUNK_MOST + 1),
				   .recipients = n,
				   .sender = text_of("a@example.com"),
				   .subject = text_of("crash")};
	bool apart = kind <= 2;

	for (size_t i = 0; i < size; i++)
		body[i] = (unsigned char)(id + i);
	m.body_crc = crc32c(0, body, size);
	for (uint32_t i = 0; i < n; i++)
		r[i] = (struct ledger_recipient){
		    .address = text_of("b@example.net"),
		    .lane = LANE_DEFAULT,
		};
	chunks(s, t, id, body, size, apart);
	if (kind == 2) { /* the client went away */
		abandon(s, t, id);
		return 0;
	}
	if (!ledger_accept(*t, id, &m, r, n, apart, &s->e))
		stop(&s->e);
	return n;
}

static void
receiver(struct side *s)
{
	unsigned credits = CREDITS, done = 0;
	uint64_t last = 0;
	char c;

	while (done < s->messages) {
		unsigned want = (unsigned)(1 + roll(s, BATCH_MOST)), got = 0;
		uint64_t id[BATCH_MOST];
		uint32_t n[BATCH_MOST];
		struct txn *t;

		for (; credits < want; credits++)
			if (read(s->credit[0], &c, 1) != 1)
				_exit(1);
		t = begin(s);
		for (unsigned i = 0; i < want; i++) {
			last = id_next(last, now_us(), 0);
			n[got] = accept_one(s, &t, last);
			id[got] = last;
			if (n[got] > 0)
				got++;
		}
		for (unsigned i = 0; s->early && i < got; i++)
			say(s, id[i], "queued", n[i]);
		commit(s, t);
		for (unsigned i = 0; i < got; i++) {
			if (!s->early)
				say(s, id[i], "queued", n[i]);
			signal_other(s->bell[1]);
		}
		credits -= got;
		done += got;
	}
}

/* What the relay says of one recipient, and the settling of it. */
static void
settle(struct side *s, struct txn *t, const struct ledger_due *d)
{
	struct verdict v = {.kind = VERDICT_SENT, .status = "2.0.0"};
	struct ledger_settled out;
	enum ledger_answer a;
	struct ledger_again again = {.at_us = now_us(), .attempt = true};
	uint64_t luck = roll(s, 20);
	uint32_t changed;
	bool gone;

	if (luck < 3)
		v.kind = VERDICT_DEFER;
	else if (luck == 3)
		v.kind = VERDICT_FAIL;
	if (v.kind != VERDICT_DEFER)
		say(s, d->id, "delivered", 1);
	if (!ledger_settle(t, d->id, d->rcpt, &v, "sink", now_us(), &again, &a,
			   &out, &s->e))
		stop(&s->e);
	gone = out.message_gone;
	bytes_free(&out.memory);
	must(a == LEDGER_DONE);
	if (v.kind == VERDICT_FAIL &&
	    !ledger_order(t, d->id, d->rcpt, LEDGER_DROP, "pair", now_us(), &a,
			  &changed, &gone, &s->e))
		stop(&s->e);
	if (gone)
		signal_other(s->credit[1]);
}

/* One round of claims, then their settling, as two commits; false when
 * nothing waits. */
static bool
work(struct side *s)
{
	struct ledger_due d[CLAIMS_MOST], from = {.due_us = INT64_MIN};
	struct txn *t = begin(s);
	unsigned n = 0;
	bool more;

	for (; n < CLAIMS_MOST; n++) {
		if (!ledger_first(t, LANE_DEFAULT, &from, &d[n], &s->e)) {
			if (s->e.kind != ERR_NONE)
				stop(&s->e);
			break;
		}
		if (!ledger_claim(t, LANE_DEFAULT, &d[n], 0, NULL, now_us(),
				  &s->e))
			stop(&s->e);
	}
	commit(s, t);
	if (n == 0)
		return false;
	t = begin(s);
	for (unsigned i = 0; i < n; i++)
		settle(s, t, &d[i]);
	if (!journal_prune(t, DAY_US, JOURNAL_BYTES, now_us(), PRUNE_MOST,
			   &more, &s->e))
		stop(&s->e);
	commit(s, t);
	return true;
}

static void
scheduler(struct side *s)
{
	char c[64];

	while (read(s->bell[0], c, sizeof c) > 0)
		while (work(s))
			continue;
}

static pid_t
start(struct side *s, void (*role)(struct side *s), int theirs, int theirs2)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid > 0)
		return pid;
	close(theirs);
	close(theirs2);
	s->store = store_open(s->dir, STORE_WRITE, MAP_BYTES, "pair", &s->e);
	if (s->store == NULL)
		stop(&s->e);
	role(s);
	store_close(s->store);
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct side s = {0};
	int world[2], status = 0, bad = 0;
	char drain[4096];

	if (argc < 4) {
		fprintf(stderr, "usage: pair DIR MESSAGES SEED [early]\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	s.dir = argv[1];
	s.messages = (unsigned)strtoul(argv[2], NULL, 10);
	s.seed = strtoull(argv[3], NULL, 10);
	s.early = argc > 4 && strcmp(argv[4], "early") == 0;
	if (!store_exists(s.dir) &&
	    !store_create(s.dir, MAP_BYTES, "pair", now_us(), &s.e))
		stop(&s.e);
	if (s.messages == 0)
		return 0;
	must(pipe(s.bell) == 0 && pipe(s.credit) == 0 &&
	     socketpair(AF_UNIX, SOCK_STREAM, 0, world) == 0);
	s.world = world[1];
	start(&s, receiver, s.bell[0], s.credit[1]);
	start(&s, scheduler, s.bell[1], s.credit[0]);
	close(s.bell[0]);
	close(s.bell[1]);
	close(s.credit[0]);
	close(s.credit[1]);
	close(world[1]);
	while (read(world[0], drain, sizeof drain) > 0)
		continue;
	while (wait(&status) > 0)
		bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	return bad != 0;
}
