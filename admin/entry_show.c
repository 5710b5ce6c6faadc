#include "admin/entry_show.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "queue/category.h"

/* What an entry may tell of; its kind decides (groups_of). */
enum {
	ALWAYS = 1,
	MAIL = 2,      /* a message */
	MANY = 4,      /* all its recipients */
	ONE = 8,       /* one of them */
	REPLY = 16,    /* what somebody said to it */
	ATTEMPT = 32,  /* an attempt with its times */
	NEXT = 64,     /* there will be another one */
	ADDRESS = 128, /* an address, whatever mail was to it */
	THING = 256,   /* a quota or a relay */
	UNTIL = 512,
	PERSON = 1024,
};

/*	name, kind, group */
#define EVENT_SHOWN(F)                                                         \
	F(event, TEXT, ALWAYS)                                                 \
	F(time, TIME, ALWAYS)                                                  \
	F(kind, TEXT, ALWAYS)                                                  \
	F(queue_id, TEXT, MAIL | ADDRESS)                                      \
	F(previous, TEXT, ONE | ADDRESS)                                       \
	F(sender, TEXT, MAIL)                                                  \
	F(recipient, TEXT, ONE | ADDRESS)                                      \
	F(recipients, COUNT, MANY)                                             \
	F(message_id, TEXT, MAIL)                                              \
	F(type, TEXT, MAIL | THING)                                            \
	F(source, TEXT, MAIL)                                                  \
	F(arrival_time, TIME, MAIL)                                            \
	F(size, COUNT, MAIL)                                                   \
	F(name, TEXT, THING)                                                   \
	F(relay, TEXT, REPLY | ADDRESS)                                        \
	F(remote, TEXT, REPLY)                                                 \
	F(status, TEXT, REPLY | ADDRESS)                                       \
	F(code, COUNT, REPLY | ADDRESS)                                        \
	F(category, TEXT, REPLY | ADDRESS)                                     \
	F(reply, TEXT, REPLY | ADDRESS | THING)                                \
	F(security, TEXT, ATTEMPT)                                             \
	F(attempts, COUNT, REPLY)                                              \
	F(queued_ms, MS, ATTEMPT)                                              \
	F(in_worker_ms, MS, ATTEMPT)                                           \
	F(connect_ms, MS, ATTEMPT)                                             \
	F(transmit_ms, MS, ATTEMPT)                                            \
	F(next_attempt, TIME, NEXT)                                            \
	F(until, TIME, UNTIL)                                                  \
	F(who, TEXT, PERSON)                                                   \
	F(detail, TEXT, ALWAYS)

#define F(name, kind, group) AT_##name,
enum { EVENT_SHOWN(F) AT_COUNT };
#undef F
static const struct {
	struct show_field field;
	unsigned groups;
} shown[] = {
#define F(name, kind, group) {{#name, NULL, SHOW_##kind, false}, group},
    EVENT_SHOWN(F)
#undef F
};

/* For attempts: a list in an object that names the message. */
#define F(name, kind, group) {#name, NULL, SHOW_##kind, false},
const struct show_field entry_fields[] = {EVENT_SHOWN(F)};
#undef F
const size_t entry_nfields = AT_COUNT;
static_assert((int)AT_COUNT <= (int)ENTRY_VALUES,
	      "room for the values of an entry");

static unsigned
groups_of(enum journal_kind kind)
{
	switch (kind) {
	case JOURNAL_ACCEPTED:
		return MAIL | MANY;
	case JOURNAL_DELIVERED:
		return MAIL | ONE | REPLY | ATTEMPT;
	case JOURNAL_DEFERRED:
	case JOURNAL_IN_DOUBT:
		return MAIL | ONE | REPLY | ATTEMPT | NEXT;
	case JOURNAL_BOUNCED:
	case JOURNAL_EXPIRED:
		return MAIL | ONE | REPLY | ATTEMPT | PERSON;
	case JOURNAL_HELD:
	case JOURNAL_RELEASED:
	case JOURNAL_DROPPED:
		return MAIL | ONE | REPLY | PERSON;
	case JOURNAL_DELAYED:
	case JOURNAL_REPORTED:
	case JOURNAL_WITHHELD:
		return MAIL | ONE;
	case JOURNAL_RETURNED:
	case JOURNAL_COMPLAINT:
		return MAIL | ONE | REPLY;
	case JOURNAL_SUPPRESSED:
	case JOURNAL_UNSUPPRESSED:
		return ADDRESS | UNTIL | PERSON;
	case JOURNAL_QUOTA:
	case JOURNAL_RELAY:
		return THING | UNTIL | PERSON;
	case JOURNAL_KIND_COUNT:
		break;
	}
	return 0;
}

/* --- values --------------------------------------------------------------- */

static struct show_value
filled(struct text t)
{
	return t.n > 0 ? show_text(t) : show_none();
}

static struct show_value
moment(uint64_t us)
{
	return us > 0 ? show_time((int64_t)us) : show_none();
}

static struct show_value
number(uint64_t id, char text[ID_TEXT + 1])
{
	if (!id_valid(id))
		return show_none();
	id_text(id, text);
	return show_word(text);
}

struct show_value
entry_category(unsigned category)
{
	return category > CATEGORY_NONE && category < CATEGORY_COUNT
		   ? show_word(category_word((enum category_kind)category))
		   : show_none();
}

static void
fill_mail(const struct journal_entry *x, struct entry_ids *ids,
	  struct show_value *v)
{
	v[AT_queue_id] = number(x->message, ids->queue);
	v[AT_previous] = number(x->previous, ids->previous);
	v[AT_sender] = show_text(x->sender); /* "" is the null sender */
	v[AT_recipient] = filled(x->address);
	v[AT_recipients] = show_count(x->rcpt);
	v[AT_message_id] = filled(x->message_id);
	v[AT_type] = filled(x->type);
	v[AT_source] = filled(x->source);
	v[AT_arrival_time] = moment(x->arrival_us);
	v[AT_size] =
	    x->size_bytes > 0 ? show_count(x->size_bytes) : show_none();
}

static void
fill_attempt(const struct journal_entry *x, struct show_value *v)
{
	v[AT_name] = filled(x->relay);
	v[AT_relay] = filled(x->relay);
	v[AT_remote] = filled(x->remote);
	v[AT_status] = filled(x->status);
	v[AT_code] = x->code > 0 ? show_count(x->code) : show_none();
	v[AT_category] = entry_category(x->category);
	v[AT_reply] = filled(x->reply);
	v[AT_security] = filled(x->security);
	v[AT_attempts] = show_count(x->attempts);
	v[AT_queued_ms] = show_ms((int64_t)x->queued_us);
	v[AT_in_worker_ms] = show_ms(x->in_worker_us);
	v[AT_connect_ms] = show_ms(x->connect_us);
	v[AT_transmit_ms] = show_ms(x->transmit_us);
	v[AT_next_attempt] = moment(x->next_us);
}

void
entry_show_fill(const struct entry *e, struct entry_ids *ids,
		struct show_value *v)
{
	const struct journal_entry *x = &e->x;
	unsigned groups = groups_of((enum journal_kind)x->kind);

	fill_mail(x, ids, v);
	fill_attempt(x, v);
	v[AT_event] = number(e->number, ids->event);
	v[AT_time] = show_time((int64_t)x->at_us);
	v[AT_kind] = show_word(journal_word((enum journal_kind)x->kind));
	v[AT_until] = moment(x->next_us);
	v[AT_who] = filled(x->who);
	v[AT_detail] = filled(x->detail);
	for (size_t i = 0; i < AT_COUNT; i++)
		if (((groups | ALWAYS) & shown[i].groups) == 0)
			v[i] = show_none();
}

void
entry_show_event(FILE *out, const struct entry *e)
{
	struct show_field field[AT_COUNT];
	struct show_value all[AT_COUNT], v[AT_COUNT];
	struct entry_ids ids;
	unsigned groups = ALWAYS | groups_of((enum journal_kind)e->x.kind);
	size_t n = 0;

	entry_show_fill(e, &ids, all);
	for (size_t i = 0; i < AT_COUNT; i++)
		if ((shown[i].groups & groups) != 0) {
			field[n] = shown[i].field;
			v[n++] = all[i];
		}
	show_json(out, field, n, v);
}

/* --- for people ----------------------------------------------------------- */

const char *
entry_delays(const struct journal_entry *x, char out[ENTRY_DELAYS])
{
	bool attempt =
	    (groups_of((enum journal_kind)x->kind) & ATTEMPT) != 0 &&
	    (x->queued_us | x->in_worker_us | x->connect_us | x->transmit_us);

	out[0] = '\0';
	if (attempt)
		snprintf(out, ENTRY_DELAYS, "%.2f/%.2f/%.2f/%.2f",
			 (double)x->queued_us / (double)SECOND_US,
			 (double)x->in_worker_us / (double)SECOND_US,
			 (double)x->connect_us / (double)SECOND_US,
			 (double)x->transmit_us / (double)SECOND_US);
	return out;
}

struct text
entry_words(const struct journal_entry *x)
{
	if (x->reply.n > 0)
		return x->reply;
	return x->detail.n > 0 ? x->detail : x->who;
}
