/* months_reports - see tests/sim/months.h. */
#include "tests/sim/months.h"

/* Who would be told of a letter's fate; EVERYBODY: nobody. */
static size_t
whom(const struct letter *l)
{
	if (l->crm || strcmp(months_type[l->type], "quiet") == 0)
		return EVERYBODY;
	return l->sender == NOBODY ? (size_t)POSTMASTER : l->sender;
}

bool
months_is_owed(const struct letter *l, const struct person *p, enum told what)
{
	size_t to = whom(l);

	if (to == EVERYBODY)
		return false;
	switch (what) {
	case TOLD_FAILED:
		if (l->sender == NOBODY) /* and no report about itself */
			return p->address != POSTMASTER;
		return p->notify == 0 || (p->notify & NOTIFY_FAILURE);
	case TOLD_DELAYED:
		return l->sender != NOBODY && m.delay_after_us > 0 &&
		       (p->notify == 0 || (p->notify & NOTIFY_DELAY));
	case TOLD_SENT:
		return l->sender != NOBODY && (p->notify & NOTIFY_SUCCESS) &&
		       !p->passed;
	case TOLD_COUNT:
		break;
	}
	return false;
}

/* The whole body, for reading as a string. */
static char *
body_of(struct txn *t, uint64_t id, const struct message_record *r)
{
	struct bytes b = {0};
	struct err e;

	for (uint32_t i = 0; i < r->chunks; i++) {
		const unsigned char *p;
		size_t n;

		CHECK(ledger_body(t, id, i, &p, &n, &e), "%s", e.text);
		bytes_add(&b, p, n);
	}
	bytes_u8(&b, 0);
	return (char *)b.data;
}

/* The value behind `name` at or after *at, up to the line's end. */
static bool
field(char **at, const char *name, char *out, size_t size)
{
	char *p = strstr(*at, name);
	size_t n;

	if (p == NULL)
		return false;
	p += strlen(name);
	p += strspn(p, " ");
	n = strcspn(p, "\r\n");
	CHECK(n < size, "a long value of %s", name);
	snprintf(out, size, "%.*s", (int)n, p);
	*at = p + n;
	return true;
}

/* Without the original: that may be a report, too. */
static char *
status_part(char *body)
{
	char *p = strstr(body, "Content-Type: message/delivery-status"), *end;

	CHECK(p != NULL && (end = strstr(p, "\r\n--=_mtq_")) != NULL,
	      "a report without its part for programs");
	*end = '\0';
	return p;
}

static enum told
told_by(const char *action)
{
	if (strcmp(action, "failed") == 0)
		return TOLD_FAILED;
	if (strcmp(action, "delayed") == 0)
		return TOLD_DELAYED;
	CHECK(strcmp(action, "relayed") == 0 ||
		  strcmp(action, "delivered") == 0,
	      "an action of no kind: %s", action);
	return TOLD_SENT;
}

static void
count_person(struct letter *l, const char *address, enum told what)
{
	size_t at = months_address_at(address, strlen(address));

	for (uint32_t i = 0; i < l->n; i++) {
		struct person *p = &l->to[i];

		if (p->address != at)
			continue;
		CHECK(months_is_owed(l, p, what),
		      "a report of kind %d that nobody wants, about %s",
		      (int)what, address);
		CHECK(what != TOLD_DELAYED ||
			  (m.step_us - l->arrival_us >= m.delay_after_us &&
			   p->told[what] == 0),
		      "told of a delay too early, or twice: %s", address);
		p->told[what]++;
		months_touch(l);
		return;
	}
	CHECK(false, "a report about %s, who was not asked for", address);
}

/* RATE in a window of an hour; so in any hour no more than twice that. */
static void
count_rate(size_t to)
{
	int64_t *last = m.reported_us[to - ADDRESSES];

	memmove(last + 1, last, 2 * RATE * sizeof last[0]);
	last[0] = m.step_us;
	CHECK(!m.limited || last[2 * RATE] == 0 ||
		  m.step_us - last[2 * RATE] >= HOUR_US,
	      "more reports to one sender than an hour allows");
}

static void
read_one(struct txn *t, uint64_t id)
{
	char word[64], address[64], *body, *at;
	struct message_record r;
	struct recipient_record to;
	struct letter *about, *own;
	enum told what = TOLD_COUNT;
	uint64_t of;
	struct err e;

	CHECK(ledger_message(t, id, &r, &e) &&
		  ledger_recipient(t, id, 0, &to, &e),
	      "%s", e.text);
	CHECK(r.sender.n == 0 && r.recipients == 1, "a report from somebody");
	at = body = body_of(t, id, &r);
	CHECK(field(&at, "Queue ID:", word, sizeof word) &&
		  id_parse(word, strlen(word), &of),
	      "a report about nothing");
	about = months_letter(of);
	CHECK(about != NULL, "a report about no message of ours");
	CHECK(months_address_at(to.address.p, to.address.n) == whom(about),
	      "a report to somebody else");
	at = status_part(at);
	while (
	    field(&at, "Final-Recipient: rfc822;", address, sizeof address)) {
		CHECK(field(&at, "Action:", word, sizeof word), "no action");
		what = told_by(word);
		count_person(about, address, what);
	}
	CHECK(what != TOLD_COUNT, "a report about nobody");
	own = months_add(id);
	own->report = true;
	own->sender = NOBODY;
	own->n = 1;
	own->arrival_us = (int64_t)r.arrival_us;
	own->to[0] = (struct person){.address = (uint16_t)whom(about),
				     .notify = NOTIFY_NEVER,
				     .allowed = 1};
	while (own->type < TYPES - 1 &&
	       !text_is(r.type, months_type[own->type]))
		own->type++;
	months_touch(own);
	m.reports[what]++;
	if (whom(about) != POSTMASTER)
		count_rate(whom(about));
	free(body);
}

/* Messages that we did not put into the queue. */
void
months_read_reports(struct txn *t)
{
	unsigned char k[KEY_MESSAGE];
	const void *key, *value;
	size_t nkey, nvalue;
	struct err e;

	for (;;) {
		key_message(k, m.last_id + 1);
		e.kind = ERR_NONE;
		if (!txn_seek(t, STORE_MESSAGE, k, sizeof k, &key, &nkey,
			      &value, &nvalue, &e)) {
			CHECK(e.kind == ERR_NONE, "%s", e.text);
			return;
		}
		read_one(t, get_be64(key));
	}
}
