#include "queue/archive.h"

#include <stdio.h>
#include <string.h>

#include "daemon/archive_to.h"
#include "daemon/log.h"
#include "daemon/now.h"
#include "queue/lane.h"

enum { STEPS_MOST = 64 }; /* entries behind the end of a recipient */

static bool
wanted(const struct texts *list, struct text t)
{
	bool in = list->n == 0;

	for (size_t i = 0; i < list->n && !in; i++)
		in = text_is(t, list->item[i]);
	return in;
}

bool
archive_recipient(const struct settings *s, size_t at, struct text type,
		  struct text source, char memory[ARCHIVE_TEXT],
		  struct ledger_recipient *out)
{
	const struct archive_settings *a = &s->archives[at];
	const struct message_record m = {.type = type};
	struct recipient_record r = {.archive = 1};
	struct routing_ask ask;
	char relay[ARCHIVE_RELAY];
	struct lane lane;
	int n;

	/* Mail that came back to us has no source and is not what we sent. */
	if (source.n == 0 || !wanted(&a->type, type) ||
	    !wanted(&a->source, source))
		return false;
	archive_relay(a, relay);
	if (archive_folder(a) == NULL)
		n = snprintf(memory, ARCHIVE_TEXT, "%s", a->to);
	else
		n = snprintf(memory, ARCHIVE_TEXT, "%s@%.120s%s", a->title,
			     s->hostname, relay);
	must(n > 0 && n < ARCHIVE_TEXT);
	r.address = (struct text){memory, (size_t)n};
	if (archive_folder(a) != NULL) {
		r.address.n -= strlen(relay);
		r.orcpt = text_of(memory + r.address.n);
	}
	ask = lane_ask(s, &m, &r);
	lane = lane_of(s, &ask);
	*out = (struct ledger_recipient){.address = r.address,
					 .orcpt = r.orcpt,
					 .notify = NOTIFY_NEVER,
					 .lane = lane_pack(&lane)};
	return true;
}

/* --- the fields ------------------------------------------------------------- */

/* A text from outside as it may stand in a header: printable ASCII. */
static void
put(struct bytes *out, struct text t, size_t most)
{
	for (size_t i = 0; i < t.n && i < most; i++) {
		unsigned char c = (unsigned char)t.p[i];

		bytes_u8(out, c >= 0x20 && c < 0x7f ? c : '?');
	}
}

static void
put_time(struct bytes *out, const char *name, uint64_t us)
{
	char date[NOW_RFC3339_SIZE];

	now_rfc3339((int64_t)us, date);
	bytes_printf(out, ";\r\n\t%s=%s", name, date);
}

static void
put_pair(struct bytes *out, const char *name, struct text t, size_t most)
{
	if (t.n == 0)
		return;
	bytes_printf(out, ";\r\n\t%s=", name);
	put(out, t, most);
}

static void
put_message(struct bytes *out, uint64_t id, const struct message_record *m,
	    uint32_t nrcpt)
{
	char word[ID_TEXT + 1];

	id_text(id, word);
	bytes_printf(out, "X-MTQ-Archive: id=%s", word);
	put_time(out, "arrived", m->arrival_us);
	put_pair(out, "type", m->type, SIZE_MAX);
	put_pair(out, "source", m->source, SIZE_MAX);
	put_pair(out, "listener", m->listener, SIZE_MAX);
	put_pair(out, "client", m->client, SIZE_MAX);
	put_pair(out, "account", m->account, SIZE_MAX);
	bytes_printf(out, ";\r\n\trecipients=%u\r\nX-MTQ-Sender: <", nrcpt);
	put(out, m->sender, SIZE_MAX);
	bytes_add_text(out, ">\r\n");
}

/* What became of it; the journal's words. */
static void
put_recipient(struct bytes *out, const struct journal_entry *x)
{
	bytes_add_text(out, "X-MTQ-Recipient: <");
	put(out, x->address, SIZE_MAX);
	bytes_printf(out, ">; %s", journal_word((enum journal_kind)x->kind));
	put_time(out, "at", x->at_us);
	put_pair(out, "status", x->status, SIZE_MAX);
	put_pair(out, "relay", x->relay, SIZE_MAX);
	put_pair(out, "remote", x->remote, SIZE_MAX);
	put_pair(out, "reply", x->reply, ARCHIVE_REPLY);
	bytes_add_text(out, "\r\n");
}

static bool
is_end(const struct journal_entry *x)
{
	return x->kind == JOURNAL_DELIVERED || x->kind == JOURNAL_BOUNCED ||
	       x->kind == JOURNAL_EXPIRED || x->kind == JOURNAL_DROPPED;
}

/* The entry that says how a recipient has ended: what was told of it later (a
 * report, a suppression) stands behind it.  False with ERR_NONE: it is
 * forgotten. */
static bool
end_of(struct txn *t, uint64_t id, uint32_t rcpt, struct journal_entry *x,
       struct err *e)
{
	struct recipient_record r;
	uint64_t number;

	e->kind = ERR_NONE;
	if (ledger_recipient(t, id, rcpt, &r, e))
		number = r.entry;
	else if (e->kind != ERR_NONE ||
		 !journal_history(t, id, rcpt, &number, e))
		return false;
	for (int i = 0; i < STEPS_MOST; i++, number = x->previous) {
		if (!journal_get(t, number, x, e))
			return false;
		if (is_end(x))
			return true;
	}
	e->kind = ERR_NONE;
	return false;
}

bool
archive_front(struct txn *t, uint64_t id, struct bytes *out, struct err *e)
{
	struct message_record m;
	struct journal_entry x;
	uint32_t n, told = 0;

	e->kind = ERR_NONE;
	if (!ledger_message(t, id, &m, e))
		return false;
	n = m.recipients - m.copies;
	put_message(out, id, &m, n);
	for (uint32_t i = 0; i < n && told < ARCHIVE_RECIPIENTS; i++) {
		if (end_of(t, id, i, &x, e)) {
			put_recipient(out, &x);
			told++;
		} else if (e->kind != ERR_NONE) {
			return false;
		}
	}
	if (told < n)
		bytes_printf(out, "X-MTQ-More: %u recipients more\r\n",
			     n - told);
	return true;
}
