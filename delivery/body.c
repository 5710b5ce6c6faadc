#include "delivery/body.h"

#include <string.h>

struct body
body_of(struct store *s, const struct job *j)
{
	return (struct body){.store = s,
			     .id = j->message,
			     .size_bytes = j->size_bytes,
			     .chunks = j->chunks};
}

/* Against the message's own record: what was sent is what was accepted. */
static bool
all_there(struct body *b, struct txn *t, struct err *e)
{
	struct message_record m;

	if (!ledger_message(t, b->id, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "the message is not there");
		return false;
	}
	if (m.body_crc == b->crc && m.size_bytes == b->seen_bytes &&
	    b->size_bytes == b->seen_bytes)
		return true;
	err_set(e, ERR_DAMAGED, "the checksum of the body is wrong");
	return false;
}

bool
body_next(struct body *b,
	  void (*put)(void *arg, const unsigned char *p, size_t n), void *arg,
	  bool *more, struct err *e)
{
	struct txn *t = store_begin(b->store, false, e);
	const unsigned char *p;
	bool ok = false;
	size_t n;

	if (t == NULL)
		return false;
	if (!ledger_body(t, b->id, b->next, &p, &n, e))
		goto out;
	b->crc = crc32c(b->crc, p, n);
	b->seen_bytes += n;
	put(arg, p, n);
	*more = ++b->next < b->chunks;
	ok = *more || all_there(b, t, e);
out:
	store_abort(t);
	return ok;
}

void
body_stuff(struct bytes *out, const unsigned char *p, size_t n,
	   bool *line_start)
{
	const unsigned char *end = p + n;

	while (p < end) {
		const unsigned char *nl, *stop;

		if (*line_start && *p == '.')
			bytes_add(out, ".", 1);
		/* On to the next line that begins with a dot. */
		for (stop = p; stop < end; stop = nl + 1) {
			nl = memchr(stop, '\n', (size_t)(end - stop));
			if (nl == NULL) {
				stop = end;
				break;
			}
			if (nl + 1 < end && nl[1] == '.') {
				stop = nl + 1;
				break;
			}
		}
		bytes_add(out, p, (size_t)(stop - p));
		*line_start = stop[-1] == '\n';
		p = stop;
	}
}
