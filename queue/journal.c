#include "queue/journal.h"
#include "daemon/log.h"
#include "queue/journal_row.h"

#include <string.h>

/* The third writer of id_next: no entry has the number of a message. */
enum { JOURNAL_WRITER = 2 };

WIRE_CODEC(journal_entry, ENTRY_FIELDS)

/* The octets of the longest entry, and of its longest texts. */
#define ROOM_u8(most)                 1
#define ROOM_u16(most)                2
#define ROOM_u32(most)                4
#define ROOM_u64(most)                8
#define ROOM_text(most)               (4 + (most))
#define ROOM_FIELD(kind, name, most)  +ROOM_##kind(most)
#define CLEAN_u8(most)                0
#define CLEAN_u16(most)               0
#define CLEAN_u32(most)               0
#define CLEAN_u64(most)               0
#define CLEAN_text(most)              ((most) + 1)
#define CLEAN_FIELD(kind, name, most) +CLEAN_##kind(most)
enum {
	ENTRY_ROOM = RECORD_SEAL ENTRY_FIELDS(ROOM_FIELD),
	CLEAN_ROOM = 0 ENTRY_FIELDS(CLEAN_FIELD),
};

/* Where texts go that may not stay as they came. */
struct clean {
	size_t n;
	char room[CLEAN_ROOM];
};

const char *
journal_word(enum journal_kind k)
{
	switch (k) {
#define K(id, word, what)                                                      \
	case JOURNAL_##id:                                                     \
		return word;
		JOURNAL_KINDS(K)
#undef K
	case JOURNAL_KIND_COUNT:
		break;
	}
	must_failed("a kind of entry", __FILE__, __LINE__);
}

uint64_t
journal_from(int64_t at_us)
{
	return id_next(0, at_us, JOURNAL_WRITER);
}

bool
journal_number_valid(uint64_t number)
{
	return id_valid(number) && number % ID_WRITERS == JOURNAL_WRITER;
}

static bool
is_plain(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < ' ' || t.p[i] > '~')
			return false;
	return true;
}

/* Cut, and harmless in a terminal, whatever it was: who wrote it need not have
 * thought of it. */
static struct text
clean_text(struct clean *c, struct text t, size_t most)
{
	const char *out = c->room + c->n;

	if (t.n <= most && is_plain(t))
		return t;
	log_safe(t.p, t.n, c->room + c->n, most + 1);
	t = text_of(out);
	c->n += t.n + 1;
	return t;
}

/* What is out of its range is not known: a time before 1970, a code that no
 * server may give. */
static uint64_t
within(uint64_t v, uint64_t most)
{
	return v <= most ? v : 0;
}

#define FIT_u8(x, most)             x = (uint8_t)within(x, most)
#define FIT_u16(x, most)            x = (uint16_t)within(x, most)
#define FIT_u32(x, most)            x = (uint32_t)within(x, most)
#define FIT_u64(x, most)            x = within(x, most)
#define FIT_text(x, most)           x = clean_text(c, x, most)
#define FIT_FIELD(kind, name, most) FIT_##kind(x->name, most);

static void
fit(struct journal_entry *x, struct clean *c)
{
	ENTRY_FIELDS(FIT_FIELD)
}

bool
journal_add(struct txn *t, const struct journal_entry *x, uint64_t *number,
	    struct err *e)
{
	struct state_record *s = txn_state(t);
	struct journal_entry own = *x;
	unsigned char key[KEY_ENTRY], row[ENTRY_ROOM];
	struct bytes b = {.data = row, .room = sizeof row};
	struct clean clean;
	uint64_t n;
	void *room;

	must(x->kind < JOURNAL_KIND_COUNT);
	clean.n = 0;
	fit(&own, &clean);
	/* In its place at once it may not be: texts may lie in the map. */
	record_seal_begin(&b);
	journal_entry_encode(&b, &own);
	record_seal_end(&b, 0);
	must(b.data == row);
	n = id_next(s->last_entry, (int64_t)own.at_us, JOURNAL_WRITER);
	put_be64(key, n);
	if (!txn_append(t, STORE_JOURNAL, key, sizeof key, b.n, &room, e))
		return false;
	memcpy(room, row, b.n);
	s->last_entry = n;
	s->entries++;
	s->entry_bytes += sizeof key + b.n;
	s->withheld_total += x->kind == JOURNAL_WITHHELD;
	*number = n;
	return true;
}

bool
journal_ended(struct txn *t, uint64_t message, uint32_t rcpt, uint64_t number,
	      struct err *e)
{
	struct state_record *s = txn_state(t);
	unsigned char key[KEY_RECIPIENT], row[HISTORY_ROW];
	struct bytes b = {.data = row, .room = sizeof row};
	struct history_record h = {.entry = number};
	uint64_t before, after;

	if (number <= s->entry_removed)
		return true; /* forgotten already, and so is this */
	key_recipient(key, message, rcpt);
	history_seal(&b, &h);
	must(b.data == row && b.n == sizeof row);
	if (!txn_rows(t, STORE_HISTORY, &before, e) ||
	    !txn_put(t, STORE_HISTORY, key, sizeof key, row, sizeof row, e) ||
	    !txn_rows(t, STORE_HISTORY, &after, e))
		return false;
	if (after > before)
		s->entry_bytes += sizeof key + sizeof row;
	return true;
}

/* --- the oldest ones go ----------------------------------------------------
 */

struct limits {
	int64_t old_us; /* what is not younger may go */
	uint64_t max_bytes;
	bool asked;    /* read_by_all is known */
	uint64_t read; /* ... then: up to where */
};
struct oldest {
	uint64_t number;
	size_t bytes;
	struct journal_entry entry;
};

/* False with ERR_NONE: there is none. */
static bool
oldest_entry(struct txn *t, struct oldest *o, struct err *e)
{
	static const unsigned char least[KEY_ENTRY];
	const void *key, *val;
	size_t nkey, nval;

	e->kind = ERR_NONE;
	if (!txn_seek(t, STORE_JOURNAL, least, sizeof least, &key, &nkey, &val,
		      &nval, e))
		return false;
	o->bytes = nkey + nval;
	return journal_row(key, nkey, val, nval, &o->number, &o->entry, e);
}

/* Up to where all readers have read; all of it without any. */
static bool
read_by_all(struct txn *t, uint64_t *number, struct err *e)
{
	struct text name = {.p = "", .n = 0};
	struct reader_record r;

	*number = UINT64_MAX;
	while (journal_reader_next(t, name, &name, &r, e))
		*number = min_of(*number, r.entry);
	return e->kind == ERR_NONE;
}

/* *may: the oldest one has to go. */
static bool
look(struct txn *t, struct limits *l, struct oldest *o, bool *may,
     struct err *e)
{
	const struct state_record *s = txn_state(t);

	*may = false;
	if (!oldest_entry(t, o, e))
		return e->kind == ERR_NONE;
	if (s->entry_bytes > l->max_bytes) {
		*may = true;
		return true;
	}
	if ((int64_t)o->entry.at_us > l->old_us)
		return true;
	if (!l->asked && !read_by_all(t, &l->read, e))
		return false;
	l->asked = true;
	*may = o->number <= l->read;
	return true;
}

/* Its row in `history` names an entry that goes: then it has to go too.  One
 * that names a later one stays (it came back after it was delivered). */
static bool
forget_history(struct txn *t, const struct oldest *o, struct err *e)
{
	struct state_record *s = txn_state(t);
	unsigned char key[KEY_RECIPIENT];
	uint64_t named;

	if (o->entry.message == 0 || o->entry.kind == JOURNAL_ACCEPTED)
		return true;
	if (!journal_history(t, o->entry.message, o->entry.rcpt, &named, e))
		return e->kind == ERR_NONE;
	if (named != o->number)
		return true;
	key_recipient(key, o->entry.message, o->entry.rcpt);
	s->entry_bytes -= min_of(s->entry_bytes, sizeof key + HISTORY_ROW);
	return txn_del(t, STORE_HISTORY, key, sizeof key, e);
}

static bool
remove_oldest(struct txn *t, const struct oldest *o, struct err *e)
{
	struct state_record *s = txn_state(t);
	unsigned char key[KEY_ENTRY];

	if (s->entries == 0 || s->entry_bytes < o->bytes) {
		err_set(e, ERR_DAMAGED,
			"the state record counts too few entries");
		return false;
	}
	put_be64(key, o->number);
	if (!forget_history(t, o, e) ||
	    !txn_del(t, STORE_JOURNAL, key, sizeof key, e))
		return false;
	s->entries--;
	s->entry_bytes -= min_of(s->entry_bytes, o->bytes);
	s->entry_removed = o->number;
	return true;
}

bool
journal_may_prune(struct txn *t, int64_t keep_us, uint64_t max_bytes,
		  int64_t now_us, bool *may, struct err *e)
{
	struct limits l = {.old_us = now_us - keep_us, .max_bytes = max_bytes};
	struct oldest o;

	return look(t, &l, &o, may, e);
}

bool
journal_prune(struct txn *t, int64_t keep_us, uint64_t max_bytes,
	      int64_t now_us, unsigned most, bool *more, struct err *e)
{
	struct limits l = {.old_us = now_us - keep_us, .max_bytes = max_bytes};
	struct oldest o;

	for (unsigned i = 0;; i++) {
		if (!look(t, &l, &o, more, e))
			return false;
		if (!*more || i == most)
			return true;
		if (!remove_oldest(t, &o, e))
			return false;
	}
}
