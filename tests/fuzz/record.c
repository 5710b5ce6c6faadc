/*
 * What the database gives us is bytes from outside too: a damaged record must
 * be refused or be a record that writes itself back the same.
 */
#include <string.h>

#include "queue/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* older: octets of the empty tail (daemon/wire.h) that an older mtq left out */
#define ROUND_TRIP(kind, p, len, b, older)                                     \
	do {                                                                   \
		struct kind##_record r;                                        \
		(b)->n = 0;                                                    \
		if (!kind##_record_decode(&r, p, len))                         \
			break;                                                 \
		kind##_record_encode(b, &r);                                   \
		must((b)->n == (len) || (b)->n == (len) + (older));            \
		must(memcmp((b)->data, p, (len)) == 0);                        \
		kind##_seal(b, &r);                                            \
		must(kind##_open((b)->data, (b)->n, &r, &e));                  \
		(b)->data[0] ^= 1;                                             \
		must(!kind##_open((b)->data, (b)->n, &r, &e));                 \
	} while (0)

/* Any key that is read is one that we could have written. */
static void
keys(const uint8_t *data, size_t size)
{
	unsigned char k[KEY_DUE];
	char text[ID_TEXT + 1];
	struct due_key d;
	uint64_t id;

	if (key_due_parse(data, size, &d)) {
		key_due(k, &d);
		must(memcmp(k, data, KEY_DUE) == 0);
	}
	if (id_parse((const char *)data, size, &id)) {
		id_text(id, text);
		must(memcmp(text, data, ID_TEXT) == 0);
		if (id < UINT64_MAX / 64) /* the last years of the calendar */
			must(id_next(id, 0, 0) > id);
	}
}

/* What is in the journal is what journal_add wrote, or no entry. */
static void
entry(const uint8_t *data, size_t size, struct bytes *b)
{
	struct journal_entry x;

	if (!journal_entry_decode(&x, data, size))
		return;
	must(journal_word((enum journal_kind)x.kind) != NULL);
	journal_entry_encode(b, &x);
	must(b->n == size && memcmp(b->data, data, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = {0};
	const unsigned char *p;
	struct message_record m;
	struct err e;
	size_t n;

	if (size == 0)
		return 0;
	bytes_reserve(&b, 1);
	switch (data[0] % 9) {
	case 0:
		ROUND_TRIP(message, data + 1, size - 1, &b, 0);
		break;
	case 1:
		ROUND_TRIP(recipient, data + 1, size - 1, &b, 4);
		break;
	case 2:
		ROUND_TRIP(state, data + 1, size - 1, &b, 0);
		break;
	case 3:
		keys(data + 1, size - 1);
		break;
	case 6:
		ROUND_TRIP(reader, data + 1, size - 1, &b, 0);
		break;
	case 7:
		ROUND_TRIP(history, data + 1, size - 1, &b, 0);
		break;
	case 8:
		entry(data + 1, size - 1, &b);
		break;
	case 5:
		ROUND_TRIP(suppress, data + 1, size - 1, &b, 0);
		break;
	case 4: /* the seal itself */
		if (record_open(data + 1, size - 1, "fuzz", &p, &n, &e))
			must(n + 5 == size - 1);
		if (message_open(data + 1, size - 1, &m, &e))
			must(m.sender.n <= 254);
		break;
	}
	bytes_free(&b);
	return 0;
}
