#include "queue/disk.h"
#include "queue/store_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BEGIN_TRIES = 3, /* of a reader */
	TURNS = 2,       /* commits after which freed pages are free */
};
static const char STATE_KEY[] = "state";

bool
store_state_row(struct txn *t, const void **p, size_t *n, struct err *e)
{
	if (txn_get(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, p, n, e))
		return true;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED, "there is no state record");
	return false;
}

/* Compared at every begin: a torn meta page shows as a state record of another
 * transaction (facts/attacks.md 0.7). */
static bool
read_state(struct txn *t, struct err *e)
{
	struct store *s = t->store;
	uint64_t last = txn_id(t) - t->write;
	const void *p;
	size_t n;

	if (!store_state_row(t, &p, &n, e) || !state_open(p, n, &t->state, e))
		return false;
	if (s->instance[0] == '\0')
		text_copy(t->state.instance, s->instance, sizeof s->instance);
	if (!text_is(t->state.instance, s->instance)) {
		err_set(e, ERR_DAMAGED, "the instance has changed");
		return false;
	}
	t->state.instance = text_of(s->instance); /* outlives this page */
	if (t->state.txn != last) {
		err_set(e, ERR_DAMAGED,
			"the state record is of transaction %" PRIu64
			", the file is at %" PRIu64,
			t->state.txn, last);
		return false;
	}
	if (t->state.last_id != 0 && !id_valid(t->state.last_id)) {
		err_set(e, ERR_DAMAGED, "the state record's last id");
		return false;
	}
	if ((t->state.last_entry != 0 && !id_valid(t->state.last_entry)) ||
	    t->state.entry_removed > t->state.last_entry) {
		err_set(e, ERR_DAMAGED, "the state record's last entry");
		return false;
	}
	t->before = t->state;
	return true;
}

static struct txn *
begin(struct store *s, bool write, struct err *e)
{
	struct txn *t = &s->write;

	must(getpid() == s->pid);
	if (write) {
		must(s->mode == STORE_WRITE && t->handle == NULL);
	} else if (atomic_exchange(&s->read_busy, true)) {
		t = must_alloc(sizeof *t);
	} else {
		t = &s->read;
	}
	t->env = s->env;
	t->store = s;
	if (!txn_begin(t, write, e)) {
		if (t == &s->read)
			s->read_busy = false;
		else if (!write)
			free(t);
		return NULL;
	}
	if (!read_state(t, e)) {
		store_abort(t);
		return NULL;
	}
	return t;
}

/* A reader that is stopped for a moment between two looks of LMDB at the meta
 * page may find the roots of a commit two later (mdb_txn_renew0 copies them
 * without a lock), which read_state notices: a second look has the truth. */
struct txn *
store_begin(struct store *s, bool write, struct err *e)
{
	struct txn *t = begin(s, write, e);

	for (int i = 1; t == NULL && !write && i < BEGIN_TRIES; i++)
		t = begin(s, write, e);
	return t;
}

void
store_abort(struct txn *t)
{
	if (t == NULL)
		return;
	if (t == &t->store->read) {
		txn_pause(t);
		t->store->read_busy = false;
		return;
	}
	txn_end(t);
	if (!t->write)
		free(t);
}

bool
store_commit(struct txn *t, struct err *e)
{
	struct bytes *b = &t->store->scratch;

	if (!t->write || (!t->changed && memcmp(&t->state, &t->before,
						sizeof t->state) == 0)) {
		store_abort(t);
		return true;
	}
	t->state.txn = txn_id(t);
	state_seal(b, &t->state);
	if (!txn_put(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, b->data,
		     b->n, e)) {
		store_abort(t);
		return false;
	}
	return txn_commit(t, e);
}

bool
store_turn(struct store *s, struct err *e)
{
	for (int i = 0; i < TURNS; i++) {
		struct txn *t = store_begin(s, true, e);

		if (t == NULL)
			return false;
		t->changed = true;
		if (!store_commit(t, e))
			return false;
	}
	return true;
}

struct state_record *
txn_state(struct txn *t)
{
	return &t->state;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	must(s->write.handle == NULL && !s->read_busy);
	txn_drop_paused(&s->read);
	env_close(s->env);
	bytes_free(&s->scratch);
	free(s);
}

bool
store_map_bytes(struct store *s, uint64_t *bytes, struct err *e)
{
	uint64_t pages;

	return env_size(s->env, bytes, &pages, e);
}

bool
store_room(struct store *s, struct store_room *out, struct err *e)
{
	struct store_room r = {0};
	struct txn *t = store_begin(s, false, e);
	uint64_t pages = 0, unused = 0;
	struct stat st;
	bool ok;

	if (t == NULL)
		return false;
	ok = env_size(s->env, &r.map_bytes, &pages, e) &&
	     txn_free_pages(t, &unused, e);
	store_abort(t);
	if (!ok)
		return false;
	if (fstat(env_fd(s->env), &st) != 0) {
		err_set(e, ERR_SYSTEM, "size of the queue: %m");
		return false;
	}
	r.used_bytes = (pages > unused ? pages - unused : 0) * s->page_bytes;
	r.file_bytes = (uint64_t)st.st_size;
	if (!disk_free(env_fd(s->env), &r.disk_free_bytes, e))
		return false;
	*out = r;
	return true;
}

bool
store_clear_readers(struct store *s, unsigned *n, struct err *e)
{
	return env_clear_readers(s->env, n, e);
}

bool
store_copy(struct store *s, int fd, struct err *e)
{
	return env_copy(s->env, fd, e);
}

const char *
store_version(void)
{
	return env_version();
}
