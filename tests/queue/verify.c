#include "tests/queue/box.h"

#include <sys/mman.h>
#include <sys/wait.h>

/* Two messages, one of several chunks, and one that was never finished. */
static void
furnish(struct box *b)
{
	enum ledger_answer a;
	uint32_t changed;
	uint64_t id;
	bool gone;

	box_make(b);
	box_begin(b);
	box_accept(b, CHUNK_MOST + 300, 3, false);
	box_claim(b, b->last, 1);
	box_commit(b);
	box_begin(b);
	id = box_accept(b, 900, 1, false);
	yes(b, ledger_order(b->t, id, 0, LEDGER_HOLD, "root", BOX_NOW, &a,
			    &changed, &gone, &b->e));
	box_commit(b);
	box_begin(b);
	b->last = id_next(b->last, BOX_NOW, 0);
	yes(b, ledger_chunk(b->t, b->last, 0, "abc", 3, true, BOX_NOW, &b->e));
	box_commit(b);
	box_verify(b);
}

/* A row written or removed behind the ledger's back. */
enum lie {
	DEL_MESSAGE,
	DEL_CHUNK,
	DEL_RECIPIENT,
	DEL_DUE,
	DEL_PARTIAL,
	CHUNK_OF_NOBODY,
	RECIPIENT_OF_NOBODY,
	DUE_OF_NOBODY,
	CHUNK_SWAPPED,
	COUNT_WAITING,
	COUNT_MESSAGES,
	COUNT_BODY,
	LAST_ID,
	DEL_ENTRY,
	ENTRY_OF_ANOTHER,
	DEL_KEY,
};

static void
miscount(struct state_record *s, enum lie lie, uint64_t id)
{
	s->waiting -= lie == COUNT_WAITING;
	s->failed += lie == COUNT_WAITING;
	s->messages += lie == COUNT_MESSAGES;
	s->body_bytes += lie == COUNT_BODY;
	if (lie == LAST_ID)
		s->last_id = id;
}

/* The recipient's chain is cut: its entry is gone, or is the next message's. */
static void
cut_chain(struct box *b, enum lie lie, uint64_t id)
{
	struct recipient_record r, next;
	unsigned char k[KEY_RECIPIENT];
	struct bytes row = {0};

	yes(b, ledger_recipient(b->t, id, 0, &r, &b->e));
	if (lie == DEL_ENTRY) {
		put_be64(k, r.entry);
		yes(b, txn_del(b->t, STORE_JOURNAL, k, 8, &b->e));
		txn_state(b->t)->entries--;
		return;
	}
	yes(b, ledger_recipient(b->t, id_next(id, 0, 0), 0, &next, &b->e));
	r.entry = next.entry;
	recipient_seal(&row, &r);
	key_recipient(k, id, 0);
	yes(b, txn_put(b->t, STORE_RECIPIENT, k, sizeof k, row.data, row.n,
		       &b->e));
	bytes_free(&row);
}

static void
tell(struct box *b, enum lie lie, uint64_t id)
{
	struct state_record *s = txn_state(b->t);
	unsigned char k[KEY_DUE];
	const void *v;
	size_t n;

	key_recipient(k, id, 0); /* the same octets as a body's key */
	switch (lie) {
	case DEL_MESSAGE:
		s->messages--;
		yes(b, txn_del(b->t, STORE_MESSAGE, k, KEY_MESSAGE, &b->e));
		return;
	case DEL_CHUNK:
		yes(b, txn_del(b->t, STORE_BODY, k, KEY_BODY, &b->e));
		return;
	case DEL_RECIPIENT:
		yes(b, txn_del(b->t, STORE_RECIPIENT, k, KEY_BODY, &b->e));
		return;
	case DEL_DUE:
	case DUE_OF_NOBODY:
		key_due(k, &(struct due_key){
			       RECIPIENT_WAITING, LANE_DEFAULT,
			       lie == DEL_DUE ? BOX_NOW : BOX_NOW + 1, id, 0});
		if (lie == DEL_DUE)
			yes(b, txn_del(b->t, STORE_DUE, k, KEY_DUE, &b->e));
		else
			yes(b, txn_put(b->t, STORE_DUE, k, KEY_DUE, NULL, 0,
				       &b->e));
		return;
	case DEL_PARTIAL:
		key_message(k, b->last);
		s->partials--;
		yes(b, txn_del(b->t, STORE_PARTIAL, k, KEY_MESSAGE, &b->e));
		return;
	case CHUNK_OF_NOBODY:
		yes(b, ledger_chunk(b->t, id + 1, 0, "x", 1, false, BOX_NOW,
				    &b->e));
		return;
	case RECIPIENT_OF_NOBODY:
		yes(b,
		    txn_get(b->t, STORE_RECIPIENT, k, KEY_BODY, &v, &n, &b->e));
		key_recipient(k, id + 1, 0);
		yes(b,
		    txn_put(b->t, STORE_RECIPIENT, k, KEY_BODY, v, n, &b->e));
		return;
	case CHUNK_SWAPPED: /* a whole chunk with a right checksum, elsewhere */
		key_body(k, id, 0);
		yes(b, txn_get(b->t, STORE_BODY, k, KEY_BODY, &v, &n, &b->e));
		key_body(k, id, 1);
		yes(b, txn_put(b->t, STORE_BODY, k, KEY_BODY, v, n, &b->e));
		return;
	case COUNT_WAITING:
	case COUNT_MESSAGES:
	case COUNT_BODY:
	case LAST_ID:
		miscount(s, lie, id);
		return;
	case DEL_ENTRY:
	case ENTRY_OF_ANOTHER:
		cut_chain(b, lie, id);
		return;
	case DEL_KEY:
		yes(b, txn_del(b->t, STORE_STATE, "returns", 7, &b->e));
		return;
	}
}

static void
every_lie(void **state)
{
	static const struct {
		const char *name;
		enum lie lie;
		const char *text;
	} rows[] = {
	    {"a message is gone", DEL_MESSAGE, "without a message"},
	    {"a chunk is gone", DEL_CHUNK, "chunk"},
	    {"a recipient is gone", DEL_RECIPIENT, "due"},
	    {"a due row is gone", DEL_DUE, "no row in due"},
	    {"a partial row is gone", DEL_PARTIAL, "without a message"},
	    {"a chunk of nobody", CHUNK_OF_NOBODY, "without a message"},
	    {"a recipient of nobody", RECIPIENT_OF_NOBODY, "without a message"},
	    {"a due row of nobody", DUE_OF_NOBODY, "rows in due"},
	    {"a chunk in another's place", CHUNK_SWAPPED, "checksum"},
	    {"one state counted as another", COUNT_WAITING, "waiting"},
	    {"a message too many counted", COUNT_MESSAGES, "messages"},
	    {"an octet too many counted", COUNT_BODY, "body_bytes"},
	    {"a last id of yesterday", LAST_ID, "last id"},
	    {"a recipient's entry is gone", DEL_ENTRY, "entry is missing"},
	    {"a recipient's entry is another's", ENTRY_OF_ANOTHER, "another's"},
	    {"the key of the return paths is gone", DEL_KEY, "the key"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct verify_report r;
		struct box b;

		print_message("%s\n", rows[i].name);
		furnish(&b);
		box_begin(&b);
		tell(&b, rows[i].lie, id_next(0, BOX_NOW, 0));
		box_commit(&b);
		assert_false(verify_store(b.store, &r, NULL, NULL, &b.e));
		assert_int_equal(b.e.kind, ERR_DAMAGED);
		print_message("  %s\n", b.e.text);
		assert_non_null(strstr(b.e.text, rows[i].text));
		box_remove(&b);
	}
}

/* Opens the file as it is now: 1 if a lie was found, 0 if all is as it was, 2
 * if something else came out and nobody said so. */
static int
look(struct box *b, enum store_mode mode, uint32_t want)
{
	struct verify_report r;
	struct store *s = store_open(b->file, mode, BOX_MAP, "test", &b->e);
	uint32_t got = 0;
	int answer = 1;

	if (s == NULL)
		return 1;
	if (verify_store(s, &r, NULL, NULL, &b->e))
		answer = !box_digest(s, &got, &b->e) || got != want ? 2 : 0;
	store_close(s);
	return answer;
}

struct tally {
	unsigned seen, harmless, silent;
};

static void
count(struct tally *t, int answer, off_t at, int bit)
{
	t->harmless += answer == 0;
	t->seen += answer == 1;
	t->silent += answer == 2;
	if (answer == 2)
		print_message("octet %ld, bit %d: nobody said so\n", (long)at,
			      bit);
}

/* Every octet of a small queue, one flipped bit at a time: the lie is found,
 * or it lay in a place that nobody reads. */
static void
every_octet(void **state)
{
	struct tally t = {0};
	struct stat st;
	struct box b;
	uint32_t want = 0;
	int fd;

	(void)state;
	furnish(&b);
	yes(&b, box_digest(b.store, &want, &b.e));
	box_close(&b);
	fd = open(b.file, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	/* the long body is looked at now and then, all else octet by octet */
	for (off_t at = 0; at < st.st_size; at += at % 4096 < 2048 ? 7 : 11) {
		int bit = (int)(at / 3 % 8);
		unsigned char c, d;

		assert_int_equal(pread(fd, &c, 1, at), 1);
		d = c ^ (unsigned char)(1U << bit);
		assert_int_equal(pwrite(fd, &d, 1, at), 1);
		count(&t, look(&b, STORE_COPY, want), at, bit);
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
	}
	close(fd);
	assert_int_equal(look(&b, STORE_COPY, want), 0);
	print_message("%u seen, %u harmless, %u silent\n", t.seen, t.harmless,
		      t.silent);
	assert_true(t.seen + t.harmless >= 5000 && t.silent == 0);
	assert_true(t.seen > 2000);
	box_remove(&b);
}

/* The places of one page that say where everything else is. */
static void
flip_page(struct box *b, int fd, off_t page, uint32_t want, struct tally *t)
{
	static const enum store_mode modes[] = {STORE_READ, STORE_WRITE};

	for (off_t i = 0; i < 160; i += page < 8192 ? 1 : 3) {
		unsigned char c, d;

		assert_int_equal(pread(fd, &c, 1, page + i), 1);
		d = c ^ (unsigned char)(1U << i % 8);
		assert_int_equal(pwrite(fd, &d, 1, page + i), 1);
		count(t, look(b, modes[i % 2], want), page + i, (int)(i % 8));
		assert_int_equal(pwrite(fd, &c, 1, page + i), 1);
	}
}

/* As it is found on a running host: opened with its lock, by readers and
 * writers, whose open looks at less.  SIGBUS would show as a death. */
static void
meta_and_roots_alive(void **state)
{
	struct tally *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stat st;
	struct box b;
	uint32_t want = 0;
	int fd;

	(void)state;
	assert_true(t != MAP_FAILED);
	furnish(&b);
	yes(&b, box_digest(b.store, &want, &b.e));
	box_close(&b);
	fd = open(b.file, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	for (off_t page = 0; page < st.st_size; page += 4096) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			flip_page(&b, fd, page, want, t);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("page %ld: died", (long)(page / 4096));
	}
	close(fd);
	print_message("%u seen, %u harmless, %u silent\n", t->seen, t->harmless,
		      t->silent);
	assert_true(t->silent == 0 && t->seen > 500);
	assert_int_equal(munmap(t, sizeof *t), 0);
	box_remove(&b);
}

/* Cut at each page: refused at the door, whatever is missing. */
static void
every_cut(void **state)
{
	struct stat st;
	struct box b;
	uint32_t want = 0;
	char *whole;
	int fd;

	(void)state;
	furnish(&b);
	yes(&b, box_digest(b.store, &want, &b.e));
	box_close(&b);
	fd = open(b.file, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	whole = must_alloc((size_t)st.st_size);
	assert_true(pread(fd, whole, (size_t)st.st_size, 0) == st.st_size);
	for (off_t size = 0; size < st.st_size; size += 4096) {
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(look(&b, STORE_COPY, want), 1);
		assert_int_equal(look(&b, STORE_READ, want), 1);
		assert_true(pwrite(fd, whole, (size_t)st.st_size, 0) ==
			    st.st_size);
	}
	assert_int_equal(look(&b, STORE_COPY, want), 0);
	free(whole);
	close(fd);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_lie),
	    cmocka_unit_test(every_octet),
	    cmocka_unit_test(meta_and_roots_alive),
	    cmocka_unit_test(every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
