#include "queue/verify.h"
#include "queue/book.h"
#include "queue/journal.h"
#include "queue/ledger_row.h"
#include "queue/return_key.h"
#include "queue/suppress.h"

#include <inttypes.h>
#include <string.h>

enum { PROGRESS_EVERY = 1000 }; /* messages */

/* One table, read from its start to its end. */
struct side {
	enum store_db db;
	bool more;
	const unsigned char *key;
	const void *val;
	size_t nval;
};

struct audit {
	struct txn *t;
	struct verify_report report;
	struct side message, body, recipient, partial;
	uint64_t state[RECIPIENT_STATE_COUNT]; /* recipients by state */
	struct err *e;
};

static size_t
key_size(enum store_db db)
{
	switch (db) {
	case STORE_MESSAGE:
	case STORE_PARTIAL:
		return KEY_MESSAGE;
	case STORE_BODY:
		return KEY_BODY;
	case STORE_RECIPIENT:
		return KEY_RECIPIENT;
	case STORE_DUE:
		return KEY_DUE;
	case STORE_STATE:
	case STORE_CHARGE:
	case STORE_SPENT:
	case STORE_COUNTER:
	case STORE_OVERRIDE:
	case STORE_GATE:
	case STORE_SUPPRESS:
	case STORE_JOURNAL:
	case STORE_HISTORY:
	case STORE_READER:
	case STORE_DB_COUNT:
		break;
	}
	must_failed("a table with a key of fixed size", __FILE__, __LINE__);
}

static bool
step(struct audit *a, struct side *s, bool first)
{
	static const unsigned char least[1];
	const void *key = NULL;
	size_t nkey = 0;

	s->more =
	    first ? txn_seek(a->t, s->db, least, sizeof least, &key, &nkey,
			     &s->val, &s->nval, a->e)
		  : txn_next(a->t, s->db, &key, &nkey, &s->val, &s->nval, a->e);
	if (!s->more)
		return a->e->kind == ERR_NONE;
	if (nkey != key_size(s->db))
		return row_damaged(a->e, 0, "a key of another length");
	s->key = key;
	return s->db == STORE_DUE || id_valid(get_be64(s->key)) ||
	       row_damaged(a->e, 0, "a key that is no id");
}

/* A chunk of a message that has not been accepted yet. */
static bool
partial_chunk(struct audit *a, struct side *b, uint64_t id)
{
	uint32_t chunk = get_be32(b->key + 8);
	const unsigned char *p;
	size_t n;

	if (!a->partial.more || get_be64(a->partial.key) != id)
		return row_damaged(a->e, id, "a body without a message");
	if (!row_chunk(id, chunk, b->val, b->nval, &p, &n, a->e))
		return false;
	a->report.chunks++;
	a->report.body_bytes += n;
	return step(a, b, false);
}

static bool
check_body(struct audit *a, uint64_t id, const struct message_record *m)
{
	struct side *b = &a->body;
	uint64_t octets = 0;
	uint32_t crc = 0, chunks = 0;

	while (b->more && get_be64(b->key) == id) {
		const unsigned char *p;
		size_t n;

		if (get_be32(b->key + 8) != chunks)
			return row_damaged(a->e, id, "a chunk is missing");
		if (!row_chunk(id, chunks, b->val, b->nval, &p, &n, a->e))
			return false;
		crc = crc32c(crc, p, n);
		octets += n;
		chunks++;
		if (!step(a, b, false))
			return false;
	}
	a->report.chunks += chunks;
	a->report.body_bytes += octets;
	if (chunks != m->chunks || octets != m->size_bytes)
		return row_damaged(a->e, id, "the body is not whole");
	return crc == m->body_crc ||
	       row_damaged(a->e, id, "the checksum of the body is wrong");
}

/* The last entry about it is there, or is forgotten. */
static bool
check_entry(struct audit *a, uint64_t id, uint32_t rcpt, uint64_t entry)
{
	struct journal_entry x;

	if (entry <= txn_state(a->t)->entry_removed)
		return true;
	if (!journal_get(a->t, entry, &x, a->e))
		return row_missing(a->e, id, "a recipient's entry is missing");
	return (x.message == id &&
		(x.rcpt == rcpt || x.kind == JOURNAL_ACCEPTED)) ||
	       row_damaged(a->e, id, "a recipient's entry is another's");
}

static bool
check_recipients(struct audit *a, uint64_t id, const struct message_record *m)
{
	struct side *s = &a->recipient;
	uint32_t count = 0;

	while (s->more && get_be64(s->key) == id) {
		uint32_t rcpt = get_be32(s->key + 8);
		struct recipient_record r;
		unsigned char due[KEY_DUE];
		const void *val;
		size_t nval;

		if (!recipient_open(s->val, s->nval, &r, a->e))
			return row_damaged(a->e, id, a->e->text);
		if (rcpt >= m->recipients)
			return row_damaged(a->e, id, "a recipient too many");
		if (r.archive != (rcpt >= m->recipients - m->copies))
			return row_damaged(a->e, id,
					   "a recipient is taken for a copy, "
					   "or a copy for one");
		key_due_of(due, id, rcpt, &r);
		if (!txn_get(a->t, STORE_DUE, due, sizeof due, &val, &nval,
			     a->e))
			return row_missing(a->e, id,
					   "a recipient has no row in due");
		if (!check_entry(a, id, rcpt, r.entry))
			return false;
		a->state[r.state]++;
		count++;
		if (!step(a, s, false))
			return false;
	}
	a->report.recipients += count;
	return count > 0 || row_damaged(a->e, id, "no recipient is left");
}

/* Everything up to the message, then the message with all that is its. */
static bool
check_message(struct audit *a)
{
	uint64_t id = get_be64(a->message.key);
	struct message_record m;

	if (!message_open(a->message.val, a->message.nval, &m, a->e))
		return row_damaged(a->e, id, a->e->text);
	if (id > txn_state(a->t)->last_id)
		return row_damaged(a->e, id, "newer than the last id");
	if (a->partial.more && get_be64(a->partial.key) == id)
		return row_damaged(a->e, id, "both accepted and partial");
	if (a->recipient.more && get_be64(a->recipient.key) < id)
		return row_damaged(a->e, get_be64(a->recipient.key),
				   "recipients without a message");
	a->report.messages++;
	return check_body(a, id, &m) && check_recipients(a, id, &m) &&
	       step(a, &a->message, false);
}

static bool
check_partial(struct audit *a)
{
	uint64_t id = get_be64(a->partial.key);
	const unsigned char *p;
	size_t n;

	if (!record_open(a->partial.val, a->partial.nval, "partial", &p, &n,
			 a->e))
		return row_damaged(a->e, id, a->e->text);
	if (n != sizeof(uint64_t))
		return row_damaged(a->e, id, "a partial row of another length");
	if (id > txn_state(a->t)->last_id)
		return row_damaged(a->e, id, "newer than the last id");
	while (a->body.more && get_be64(a->body.key) == id)
		if (!partial_chunk(a, &a->body, id))
			return false;
	a->report.partials++;
	return step(a, &a->partial, false);
}

/* Messages and partials together, by id: each owns the chunks of its id. */
static bool
check_all(struct audit *a,
	  void (*progress)(void *, const struct verify_report *), void *arg)
{
	while (a->message.more || a->partial.more) {
		uint64_t m =
		    a->message.more ? get_be64(a->message.key) : UINT64_MAX;
		uint64_t p =
		    a->partial.more ? get_be64(a->partial.key) : UINT64_MAX;

		if (a->body.more && get_be64(a->body.key) < min_of(m, p))
			break;
		if (m <= p ? !check_message(a) : !check_partial(a))
			return false;
		if (progress != NULL &&
		    a->report.messages % PROGRESS_EVERY == 0)
			progress(arg, &a->report);
	}
	if (a->body.more)
		return row_damaged(a->e, get_be64(a->body.key),
				   "a body without a message");
	if (a->recipient.more)
		return row_damaged(a->e, get_be64(a->recipient.key),
				   "recipients without a message");
	return true;
}

/* Every recipient has its row; if the rows are as many, there is no other. */
static bool
check_due(struct audit *a)
{
	struct side s = {.db = STORE_DUE};
	bool first = true;

	for (;; first = false) {
		struct due_key d;

		if (!step(a, &s, first))
			return false;
		if (!s.more)
			break;
		if (!key_due_parse(s.key, KEY_DUE, &d) || s.nval != 0)
			return row_damaged(a->e, 0, "a row of due");
		a->report.due_rows++;
	}
	if (a->report.due_rows == a->report.recipients)
		return true;
	err_set(a->e, ERR_DAMAGED,
		"%" PRIu64 " rows in due for %" PRIu64 " recipients",
		a->report.due_rows, a->report.recipients);
	return false;
}

static bool
check_counters(struct audit *a)
{
	const struct state_record *s = txn_state(a->t);
	const struct {
		const char *name;
		uint64_t says, is;
	} c[] = {
	    {"messages", s->messages, a->report.messages},
	    {"body_bytes", s->body_bytes, a->report.body_bytes},
	    {"waiting", s->waiting, a->state[RECIPIENT_WAITING]},
	    {"claimed", s->claimed, a->state[RECIPIENT_CLAIMED]},
	    {"held", s->held, a->state[RECIPIENT_HELD]},
	    {"failed", s->failed, a->state[RECIPIENT_FAILED]},
	    {"parked", s->parked, a->state[RECIPIENT_PARKED]},
	    {"partials", s->partials, a->report.partials},
	    {"accepted_total - sent_total - dropped_total",
	     s->accepted_total - s->sent_total - s->dropped_total,
	     a->report.recipients},
	};

	for (size_t i = 0; i < countof(c); i++) {
		if (c[i].says == c[i].is)
			continue;
		err_set(a->e, ERR_DAMAGED,
			"the state record says %s = %" PRIu64
			", counted %" PRIu64,
			c[i].name, c[i].says, c[i].is);
		return false;
	}
	return true;
}

/* The tables of the quotas' book; the first difference is the lie. */
static bool
check_book(struct audit *a)
{
	struct bytes report = {0};
	uint64_t differences;
	bool ok = book_audit(a->t, NULL, 0, &report, &differences, a->e);

	if (ok && differences > 0) {
		const char *end = memchr(report.data, '\n', report.n);

		err_set(a->e, ERR_DAMAGED, "%.*s",
			(int)(end - (const char *)report.data),
			(const char *)report.data);
		ok = false;
	}
	bytes_free(&report);
	return ok;
}

static bool
check_key(struct audit *a)
{
	struct return_key k;

	if (!return_key_read(a->t, &k, a->e))
		return false;
	return_key_wipe(&k);
	return true;
}

bool
verify_store(struct store *s, struct verify_report *out,
	     void (*progress)(void *arg, const struct verify_report *),
	     void *arg, struct err *e)
{
	struct audit a = {.message.db = STORE_MESSAGE,
			  .body.db = STORE_BODY,
			  .recipient.db = STORE_RECIPIENT,
			  .partial.db = STORE_PARTIAL,
			  .e = e};
	bool ok;

	*out = a.report;
	if (!store_check(s, e))
		return false;
	a.t = store_begin(s, false, e);
	if (a.t == NULL)
		return false;
	ok = step(&a, &a.message, true) && step(&a, &a.body, true) &&
	     step(&a, &a.recipient, true) && step(&a, &a.partial, true) &&
	     check_all(&a, progress, arg) && check_due(&a) &&
	     check_counters(&a) && check_key(&a) && check_book(&a) &&
	     suppress_verify(a.t, &a.report.suppressed, e) &&
	     journal_verify(a.t, &a.report.entries, e);
	*out = a.report;
	store_abort(a.t);
	return ok;
}
