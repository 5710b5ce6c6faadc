#include "queue/record.h"

#include <string.h>

WIRE_CODEC(message_record, MESSAGE_FIELDS)
WIRE_CODEC(recipient_record, RECIPIENT_FIELDS)
WIRE_CODEC(charge_record, CHARGE_FIELDS)
WIRE_CODEC(spent_record, SPENT_FIELDS)
WIRE_CODEC(counter_record, COUNTER_FIELDS)
WIRE_CODEC(override_record, OVERRIDE_FIELDS)
WIRE_CODEC(gate_record, GATE_FIELDS)
WIRE_CODEC(suppress_record, SUPPRESS_FIELDS)
WIRE_CODEC(reader_record, READER_FIELDS)
WIRE_CODEC(history_record, HISTORY_FIELDS)
WIRE_CODEC(state_record, STATE_FIELDS)

const char *
recipient_state_word(enum recipient_state s)
{
	switch (s) {
#define S(id, word, what)                                                      \
	case RECIPIENT_##id:                                                   \
		return word;
		RECIPIENT_STATES(S)
#undef S
	case RECIPIENT_STATE_COUNT:
		break;
	}
	must_failed("a recipient's state", __FILE__, __LINE__);
}

/* The header's place is kept free first, so that a record is encoded where it
 * stays: no second buffer, no copy. */
size_t
record_seal_begin(struct bytes *b)
{
	static const unsigned char room[RECORD_SEAL] = {RECORD_VERSION};
	size_t at = b->n;

	bytes_add(b, room, sizeof room);
	return at;
}

void
record_seal_end(struct bytes *b, size_t at)
{
	size_t from = at + RECORD_SEAL;

	put_le32(b->data + at + 1, crc32c(0, b->data + from, b->n - from));
}

void
record_seal(struct bytes *b, const struct bytes *encoded)
{
	size_t at = record_seal_begin(b);

	if (encoded->n > 0)
		bytes_add(b, encoded->data, encoded->n);
	record_seal_end(b, at);
}

bool
record_open(const void *data, size_t size, const char *what,
	    const unsigned char **p, size_t *n, struct err *e)
{
	const unsigned char *d = data;

	if (size < RECORD_SEAL) {
		err_set(e, ERR_DAMAGED, "the %s record is cut short", what);
		return false;
	}
	if (d[0] != RECORD_VERSION) {
		err_set(e, ERR_DAMAGED,
			"the %s record has version %u, this mtq knows %d", what,
			d[0], RECORD_VERSION);
		return false;
	}
	if (get_le32(d + 1) != crc32c(0, d + RECORD_SEAL, size - RECORD_SEAL)) {
		err_set(e, ERR_DAMAGED,
			"the checksum of the %s record is wrong", what);
		return false;
	}
	*p = d + RECORD_SEAL;
	*n = size - RECORD_SEAL;
	return true;
}

static bool
no_sense(const char *what, struct err *e)
{
	err_set(e, ERR_DAMAGED, "the %s record makes no sense", what);
	return false;
}

/* seal(encode()) and decode(open()) of one kind. */
#define SEALED(kind)                                                           \
	void kind##_seal(struct bytes *b, const struct kind##_record *r)       \
	{                                                                      \
		b->n = 0;                                                      \
		record_seal_begin(b);                                          \
		kind##_record_encode(b, r);                                    \
		record_seal_end(b, 0);                                         \
	}                                                                      \
	bool kind##_open(const void *data, size_t size,                        \
			 struct kind##_record *r, struct err *e)               \
	{                                                                      \
		const unsigned char *p;                                        \
		size_t n;                                                      \
                                                                               \
		if (!record_open(data, size, #kind, &p, &n, e))                \
			return false;                                          \
		return kind##_record_decode(r, p, n) || no_sense(#kind, e);    \
	}
SEALED(message)
SEALED(recipient)
SEALED(charge)
SEALED(spent)
SEALED(counter)
SEALED(override)
SEALED(gate)
SEALED(suppress)
SEALED(reader)
SEALED(history)
SEALED(state)

void
key_message(unsigned char k[KEY_MESSAGE], uint64_t id)
{
	put_be64(k, id);
}

void
key_body(unsigned char k[KEY_BODY], uint64_t id, uint32_t chunk)
{
	put_be64(k, id);
	put_be32(k + 8, chunk);
}

void
key_recipient(unsigned char k[KEY_RECIPIENT], uint64_t id, uint32_t rcpt)
{
	put_be64(k, id);
	put_be32(k + 8, rcpt);
}

/* A time before 1970 sorts as 1970: "at or after INT64_MIN" is the start. */
void
key_due(unsigned char k[KEY_DUE], const struct due_key *d)
{
	must((unsigned)d->state < RECIPIENT_STATE_COUNT);
	k[0] = (unsigned char)d->state;
	put_be64(k + 1, d->lane);
	put_be64(k + 9, d->due_us < 0 ? 0 : (uint64_t)d->due_us);
	put_be64(k + 17, d->id);
	put_be32(k + 25, d->rcpt);
}

void
key_due_of(unsigned char k[KEY_DUE], uint64_t id, uint32_t rcpt,
	   const struct recipient_record *r)
{
	struct due_key d = {
	    .state = (enum recipient_state)r->state, .id = id, .rcpt = rcpt};

	if (d.state == RECIPIENT_WAITING) {
		d.lane = r->lane;
		d.due_us = (int64_t)r->due_us;
	}
	key_due(k, &d);
}

bool
key_due_parse(const void *k, size_t n, struct due_key *d)
{
	const unsigned char *p = k;
	uint64_t due;

	if (n != KEY_DUE || p[0] >= RECIPIENT_STATE_COUNT)
		return false;
	due = get_be64(p + 9);
	if (due > INT64_MAX)
		return false;
	d->state = (enum recipient_state)p[0];
	d->lane = get_be64(p + 1);
	d->due_us = (int64_t)due;
	d->id = get_be64(p + 17);
	d->rcpt = get_be32(p + 25);
	return true;
}

/* No vowels, so that no id spells a word.  31^12 is 2^59.4: enough for the
 * microseconds of 6,000 years times ID_WRITERS. */
static const char id_letters[] = "0123456789BCDFGHJKLMNPQRSTVWXYZ";
enum { ID_BASE = sizeof id_letters - 1 };
static const uint64_t ID_MOST = UINT64_C(787662783788549760); /* 31^12 - 1 */

void
id_text(uint64_t id, char out[ID_TEXT + 1])
{
	must(id <= ID_MOST);
	out[ID_TEXT] = '\0';
	for (unsigned i = ID_TEXT; i-- > 0; id /= ID_BASE)
		out[i] = id_letters[id % ID_BASE];
}

bool
id_parse(const char *p, size_t n, uint64_t *id)
{
	uint64_t v = 0;

	if (n != ID_TEXT)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *at = memchr(id_letters, p[i], ID_BASE);

		if (at == NULL)
			return false;
		v = v * ID_BASE + (uint64_t)(at - id_letters);
	}
	*id = v;
	return true;
}

bool
id_valid(uint64_t id)
{
	return id > 0 && id <= ID_MOST;
}

uint64_t
id_next(uint64_t last, int64_t now_us, unsigned writer)
{
	uint64_t t = now_us > 0 ? (uint64_t)now_us : 0;
	uint64_t id;

	must(writer < ID_WRITERS);
	/* Of a clock that is mad; there is room to go on behind it. */
	if (t > ID_MOST / ID_WRITERS / 2)
		t = ID_MOST / ID_WRITERS / 2;
	id = t * ID_WRITERS + writer;
	if (id <= last) /* the clock went back, or a busy microsecond */
		id = (last / ID_WRITERS + 1) * ID_WRITERS + writer;
	must(id_valid(id));
	return id;
}
