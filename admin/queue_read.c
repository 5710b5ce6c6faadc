#include "admin/queue_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/ledger.h"

enum { RECIPIENTS_MOST = 50100 }; /* MESSAGE_FIELDS */

static const enum recipient_state turns[RECIPIENT_STATE_COUNT] = {
    RECIPIENT_CLAIMED, RECIPIENT_WAITING, RECIPIENT_HELD, RECIPIENT_FAILED,
    RECIPIENT_PARKED};

static void
begin_state(struct queue_scan *s)
{
	memset(s->from, 0, sizeof s->from);
	s->from[0] = (unsigned char)turns[s->turn];
}

void
queue_scan_init(struct queue_scan *s, struct store *store,
		const struct queue_filter *f, bool messages)
{
	*s = (struct queue_scan){
	    .store = store, .filter = f, .messages = messages};
	begin_state(s);
}

/* The key behind this one. */
static void
step_over(unsigned char key[KEY_DUE])
{
	for (size_t i = KEY_DUE; i-- > 0;)
		if (++key[i] != 0)
			return;
}

static unsigned
turn_of(enum recipient_state state)
{
	unsigned i = 0;

	while (turns[i] != state)
		i++;
	return i;
}

/* Does recipient a come before b of the same message? */
static bool
before(uint64_t id, uint32_t a, const struct recipient_record *ra, uint32_t b,
       const struct recipient_record *rb)
{
	unsigned char ka[KEY_DUE], kb[KEY_DUE];
	unsigned ta = turn_of((enum recipient_state)ra->state);
	unsigned tb = turn_of((enum recipient_state)rb->state);

	if (ta != tb)
		return ta < tb;
	key_due_of(ka, id, a, ra);
	key_due_of(kb, id, b, rb);
	return memcmp(ka, kb, sizeof ka) < 0;
}

/* The recipient of the message at or after *rcpt: by txn_seek the first time,
 * by txn_next afterwards. */
static bool
next_recipient(struct txn *t, bool first, uint64_t id, uint32_t *rcpt,
	       struct recipient_record *r, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	const void *key, *val;
	size_t nkey, nval;
	bool found;

	key_recipient(k, id, *rcpt);
	found = first
		    ? txn_seek(t, STORE_RECIPIENT, k, sizeof k, &key, &nkey,
			       &val, &nval, e)
		    : txn_next(t, STORE_RECIPIENT, &key, &nkey, &val, &nval, e);
	if (!found)
		return false;
	if (nkey != KEY_RECIPIENT || get_be64(key) != id) {
		e->kind = ERR_NONE;
		return false;
	}
	*rcpt = get_be32((const unsigned char *)key + 8);
	return recipient_open(val, nval, r, e);
}

/* Is there one of the same message that matches and was listed before?  Most
 * often the very first recipient answers that; only the row that is listed
 * looks at all of them. */
static bool
listed_before(struct queue_scan *s, struct txn *t, const struct due_key *d,
	      const struct message_record *m, const struct recipient_record *r,
	      bool *out, struct err *e)
{
	struct recipient_record other;
	uint32_t rcpt = 0;

	*out = false;
	for (uint32_t i = 0; i < RECIPIENTS_MOST; i++) {
		if (!next_recipient(t, i == 0, d->id, &rcpt, &other, e))
			return e->kind == ERR_NONE;
		if (rcpt != d->rcpt &&
		    queue_filter_match(s->filter, m, &other) &&
		    before(d->id, rcpt, &other, d->rcpt, r)) {
			*out = true;
			return true;
		}
	}
	return true;
}

static bool
look_at(struct queue_scan *s, struct txn *t, const struct due_key *d,
	struct err *e)
{
	struct message_record m;
	struct recipient_record r;
	bool listed = false;

	if (!ledger_message(t, d->id, &m, e) ||
	    !ledger_recipient(t, d->id, d->rcpt, &r, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED,
				"a row of the table due stands for nothing; "
				"mtq verify says more");
		return false;
	}
	if (!queue_filter_match(s->filter, &m, &r))
		return true;
	if (s->messages && m.recipients > 1 &&
	    !listed_before(s, t, d, &m, &r, &listed, e))
		return false;
	if (!listed)
		s->hit[s->n++] = (struct queue_hit){.id = d->id,
						    .rcpt = d->rcpt,
						    .state = d->state,
						    .archive = r.archive};
	return true;
}

/* Rows of the state whose turn it is; *done: there are no more. */
static bool
scan_state(struct queue_scan *s, struct txn *t, unsigned *left, bool *done,
	   struct err *e)
{
	const void *key, *val;
	size_t nkey, nval;
	struct due_key d;
	bool first = true;

	*done = false;
	while (s->n<QUEUE_PAGE && * left> 0) {
		bool found =
		    first ? txn_seek(t, STORE_DUE, s->from, sizeof s->from,
				     &key, &nkey, &val, &nval, e)
			  : txn_next(t, STORE_DUE, &key, &nkey, &val, &nval, e);

		first = false;
		if (!found && e->kind != ERR_NONE)
			return false;
		if (!found || nkey != KEY_DUE ||
		    *(const unsigned char *)key != turns[s->turn]) {
			*done = true;
			return true;
		}
		memcpy(s->from, key, KEY_DUE);
		if (!key_due_parse(key, nkey, &d)) {
			err_set(e, ERR_DAMAGED,
				"a key of the table due makes "
				"no sense");
			return false;
		}
		step_over(s->from);
		(*left)--;
		s->looked++;
		if (!look_at(s, t, &d, e))
			return false;
	}
	return true;
}

bool
queue_scan_page(struct queue_scan *s, struct err *e)
{
	struct txn *t = store_begin(s->store, false, e);
	unsigned left = QUEUE_LOOK;
	bool ok = true, done;

	s->n = 0;
	if (t == NULL)
		return false;
	while (ok && !s->ended && s->n < QUEUE_PAGE && left > 0) {
		done = !queue_filter_state(s->filter, turns[s->turn]);
		if (!done)
			ok = scan_state(s, t, &left, &done, e);
		if (ok && done) {
			s->ended = ++s->turn == countof(turns);
			if (!s->ended)
				begin_state(s);
		}
	}
	store_abort(t);
	return ok;
}

/* --- one message ---------------------------------------------------------- */

static void
keep(struct arena *a, struct text *t)
{
	t->p = arena_text(a, t->p, t->n);
}

static void
keep_message(struct arena *a, struct message_record *m)
{
#define KEEP_u64(name)
#define KEEP_u32(name)
#define KEEP_u8(name)
#define KEEP_text(name)     keep(a, &m->name);
#define F(kind, name, most) KEEP_##kind(name)
	MESSAGE_FIELDS(F)
#undef F
#undef KEEP_text
}

static void
keep_recipient(struct arena *a, struct recipient_record *r)
{
#define KEEP_text(name)     keep(a, &r->name);
#define KEEP_tail(name)     keep(a, &r->name);
#define F(kind, name, most) KEEP_##kind(name)
	RECIPIENT_FIELDS(F)
#undef F
#undef KEEP_tail
#undef KEEP_text
}

static bool
read_recipients(struct txn *t, struct queue_message *m, struct err *e)
{
	uint32_t rcpt = 0;

	e->kind = ERR_NONE;
	m->rcpt = arena_alloc(&m->memory,
			      (m->record.recipients + 1) * sizeof *m->rcpt);
	while (m->nrcpt < m->record.recipients) {
		struct queue_recipient *q = &m->rcpt[m->nrcpt];

		if (!next_recipient(t, m->nrcpt == 0, m->id, &rcpt, &q->record,
				    e))
			break;
		q->rcpt = rcpt;
		keep_recipient(&m->memory, &q->record);
		m->nrcpt++;
	}
	if (m->nrcpt > 0)
		return e->kind == ERR_NONE;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED,
			"a message has no recipient; mtq "
			"verify says more");
	return false;
}

bool
queue_message_read(struct store *store, uint64_t id, struct queue_message *out,
		   struct err *e)
{
	struct txn *t = store_begin(store, false, e);
	bool ok;

	*out = (struct queue_message){.id = id};
	if (t == NULL)
		return false;
	ok = ledger_message(t, id, &out->record, e);
	if (ok) {
		keep_message(&out->memory, &out->record);
		ok = read_recipients(t, out, e);
	}
	store_abort(t);
	if (!ok)
		queue_message_free(out);
	return ok;
}

void
queue_message_free(struct queue_message *m)
{
	arena_free(&m->memory);
	*m = (struct queue_message){.id = 0};
}

/* The chunk is copied out, so that a slow reader of ours holds no snapshot. */
bool
queue_body_read(struct store *store, uint64_t id, uint32_t chunks,
		bool (*take)(void *arg, const unsigned char *p, size_t n),
		void *arg, struct err *e)
{
	unsigned char *copy = must_alloc(CHUNK_MOST);
	bool ok = true, more = true;

	for (uint32_t i = 0; ok && more && i < chunks; i++) {
		struct txn *t = store_begin(store, false, e);
		const unsigned char *p = NULL;
		size_t n = 0;

		ok = t != NULL && ledger_body(t, id, i, &p, &n, e);
		if (ok)
			memcpy(copy, p, min_of(n, (size_t)CHUNK_MOST));
		store_abort(t);
		more = ok && take(arg, copy, n);
	}
	free(copy);
	return ok;
}

bool
queue_readable(const char *state_dir)
{
	char *file = must_printf("%s/queue.mdb", state_dir);
	char *lock = must_printf("%s/queue.mdb-lock", state_dir);
	bool denied = (access(state_dir, X_OK) != 0 && errno == EACCES) ||
		      (access(file, R_OK) != 0 && errno == EACCES) ||
		      (access(lock, R_OK | W_OK) != 0 && errno == EACCES);

	free(file);
	free(lock);
	return !denied;
}
