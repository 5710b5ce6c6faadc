/* mtq queue show: one message, for somebody who wants to know. */
#include "admin/cmd_queue.h"

#include <stdlib.h>
#include <string.h>

#include "admin/verdict_words.h"
#include "daemon/log.h"

enum {
	LINE_MOST = 65536,    /* octets of one line for a terminal; then it is
			      broken */
	RECEIVED_MOST = 4096, /* our Received field is shorter */
};

/*	name, heading, kind, cut */
#define CARD(F)                                                                \
	F(id, "Queue id", TEXT, 0)                                             \
	F(from, "From", TEXT, 0)                                               \
	F(subject, "Subject", TEXT, 0)                                         \
	F(message_id, "Message-ID", TEXT, 0)                                   \
	F(arrived, "Arrived", TIME, 0)                                         \
	F(size, "Size", SIZE, 0)                                               \
	F(client, "Client", TEXT, 0)                                           \
	F(account, "Account", TEXT, 0)                                         \
	F(tls, "TLS", TEXT, 0)                                                 \
	F(source, "Source", TEXT, 0)                                           \
	F(type, "Type", TEXT, 0)                                               \
	F(declared, "Declared", TEXT, 0)                                       \
	F(envid, "Envelope id", TEXT, 0)                                       \
	F(left, "Recipients", TEXT, 0)

#define TABLE(F)                                                               \
	F(address, "RECIPIENT", TEXT, 0)                                       \
	F(state, "STATE", TEXT, 0)                                             \
	F(relay, "RELAY", TEXT, 0)                                             \
	F(tries, "TRIES", COUNT, 0)                                            \
	F(next, "NEXT", TIME, 0)                                               \
	F(status, "STATUS", TEXT, 0)                                           \
	F(category, "CATEGORY", TEXT, 0)                                       \
	F(security, "SECURITY", TEXT, 0)                                       \
	F(reason, "REASON", TEXT, 0)

#define F(name, heading, kind, cut) CARD_##name,
enum { CARD(F) CARD_COUNT };
#undef F
#define F(name, heading, kind, cut) TABLE_##name,
enum { TABLE(F) TABLE_COUNT };
#undef F
#define F(name, heading, kind, cut) {NULL, heading, SHOW_##kind, cut},
static const struct show_field card_fields[] = {CARD(F)};
static const struct show_field table_fields[] = {TABLE(F)};
#undef F

static struct show_value
filled(struct text t)
{
	return t.n > 0 ? show_text(t) : show_none();
}

/* The begin of the body, where our Received field stands. */
static bool
take_begin(void *arg, const unsigned char *p, size_t n)
{
	struct bytes *b = arg;

	bytes_add(b, p, min_of(n, RECEIVED_MOST - b->n));
	return b->n < RECEIVED_MOST;
}

/* "TLSv1.3 with cipher ..." of "\t(using ...)" in our field (session_data.c);
 * "" for a message that came without TLS. */
static struct text
tls_of(const struct bytes *begin)
{
	static const char mark[] = "\r\n\t(using ";
	const char *p = (const char *)begin->data, *at, *end;
	size_t n = 0;

	for (;;) { /* the field ends at a line that does not begin with a tab */
		const char *line = memmem(p + n, begin->n - n, "\r\n", 2);

		if (line == NULL)
			return text_of("");
		n = (size_t)(line - p) + 2;
		if (n == begin->n || p[n] != '\t')
			break;
	}
	at = memmem(p, n, mark, sizeof mark - 1);
	if (at == NULL)
		return text_of("");
	at += sizeof mark - 1;
	end = memchr(at, '\r', n - (size_t)(at - p));
	return end != NULL && end > at
		   ? (struct text){at, (size_t)(end - at) - 1}
		   : text_of("");
}

static void
print_card(const struct command *c, const struct queue_message *m,
	   const struct bytes *begin)
{
	const struct message_record *r = &m->record;
	struct show_value v[CARD_COUNT] = {{0}};
	char id[ID_TEXT + 1];
	char *client = must_printf("%.*s [%.*s], listener %.*s", (int)r->helo.n,
				   r->helo.p, (int)r->client.n, r->client.p,
				   (int)r->listener.n, r->listener.p);
	char *declared =
	    must_printf("%s%s", r->flags & MESSAGE_8BIT ? "8BITMIME " : "",
			r->flags & MESSAGE_SMTPUTF8 ? "SMTPUTF8" : "");
	char *left = must_printf("%zu of %u still here", m->nrcpt,
				 (unsigned)r->recipients);

	id_text(m->id, id);
	v[CARD_id] = show_word(id);
	v[CARD_from] = r->sender.n > 0 ? show_text(r->sender) : show_word("<>");
	v[CARD_subject] = filled(r->subject);
	v[CARD_message_id] = filled(r->message_id);
	v[CARD_arrived] = show_time((int64_t)r->arrival_us);
	v[CARD_size] = show_count(r->size_bytes);
	v[CARD_client] = show_word(client);
	v[CARD_account] = filled(r->account);
	v[CARD_tls] = filled(tls_of(begin));
	v[CARD_source] = filled(r->source);
	v[CARD_type] = filled(r->type);
	v[CARD_declared] = filled(text_of(declared));
	v[CARD_envid] = filled(r->envid);
	v[CARD_left] = show_word(left);
	show_card(stdout, card_fields, CARD_COUNT, v, c->now_us);
	free(client);
	free(declared);
	free(left);
}

static void
print_recipients(const struct command *c, const struct queue_message *m)
{
	struct show *s =
	    show_open(stdout, false, table_fields, TABLE_COUNT, c->now_us);

	fputc('\n', stdout);
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct recipient_record *r = &m->rcpt[i].record;
		struct show_value v[TABLE_COUNT] = {{0}};

		v[TABLE_address] = show_text(r->address);
		v[TABLE_state] = show_word(
		    recipient_state_word((enum recipient_state)r->state));
		v[TABLE_relay] = show_text(r->relay);
		v[TABLE_tries] = show_count(r->attempts);
		if (r->state == RECIPIENT_WAITING)
			v[TABLE_next] = show_time((int64_t)r->due_us);
		v[TABLE_status] = show_text(r->status);
		v[TABLE_category] = entry_category(r->category);
		v[TABLE_security] = filled(r->security);
		v[TABLE_reason] = show_text(r->reason);
		show_row(s, v);
	}
	show_close(s);
}

/* --- the message's own octets --------------------------------------------- */

struct text_out {
	bool headers;  /* only up to the empty line */
	bool terminal; /* clean each line */
	bool ended;
	struct bytes line;
};

/* A program gets the line as it is, a terminal without its controls. */
static void
put_line(struct text_out *o, size_t n)
{
	const char *p = (const char *)o->line.data;
	char *safe;

	if (!o->terminal) {
		fwrite(p, 1, n, stdout);
		return;
	}
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	safe = must_alloc(n + 1);
	for (size_t i = 0; i < n; i++)
		o->line.data[i] = p[i] == '\t' ? ' ' : o->line.data[i];
	puts(log_safe(p, n, safe, n + 1));
	free(safe);
}

static bool
take_text(void *arg, const unsigned char *p, size_t n)
{
	struct text_out *o = arg;

	while (n > 0 && !o->ended) {
		const unsigned char *end = memchr(p, '\n', n);
		size_t k = end != NULL ? (size_t)(end - p) + 1 : n;

		bytes_add(&o->line, p, k);
		p += k;
		n -= k;
		if (end == NULL && o->line.n < LINE_MOST)
			continue;
		o->ended =
		    o->headers && o->line.n == 2 && o->line.data[0] == '\r';
		put_line(o, o->line.n);
		o->line.n = 0;
	}
	return !o->ended && !ferror(stdout);
}

static bool
print_text(const struct command *c, const struct queue_options *o,
	   struct store *store, const struct queue_message *m, struct err *e)
{
	struct text_out out = {.headers = o->headers, .terminal = c->terminal};
	bool ok =
	    queue_body_read(store, m->id, m->record.chunks, take_text, &out, e);

	if (ok && !out.ended && out.line.n > 0)
		put_line(&out, out.line.n);
	bytes_free(&out.line);
	return ok;
}

static bool
print_all(struct command *c, struct store *store, const struct queue_message *m,
	  struct err *e)
{
	struct queue_steps steps;
	struct bytes begin = {0};

	if (!c->json) {
		if (!queue_body_read(store, m->id, min_of(m->record.chunks, 1U),
				     take_begin, &begin, e)) {
			bytes_free(&begin);
			return false;
		}
		print_card(c, m, &begin);
		bytes_free(&begin);
		print_recipients(c, m);
		if (m->record.verdict.n > 0) {
			fputc('\n', stdout);
			verdict_words_print(stdout, m->record.verdict,
					    c->now_us);
		}
		return queue_steps_print(c, store, m, e);
	}
	if (!queue_steps_read(store, m, &steps, e))
		return false;
	queue_print_json(c, m, &steps);
	queue_steps_free(&steps);
	return true;
}

static int
print_message(struct command *c, const struct queue_options *o,
	      struct store *store, uint64_t id, const char *text)
{
	struct err e = {.kind = ERR_NONE}, gone = {.kind = ERR_NONE};
	struct queue_message m;
	bool ok;

	if (!queue_message_read(store, id, &m, &e))
		return e.kind == ERR_NONE
			   ? command_say(c, EXIT_NO, "%s is not in the queue",
					 text)
			   : command_fail(c, &e);
	ok = o->headers || o->body ? print_text(c, o, store, &m, &e)
				   : print_all(c, store, &m, &e);
	queue_message_free(&m);
	if (ok)
		return EXIT_DONE;
	/* It may have been delivered between two of its chunks. */
	if (!queue_message_read(store, id, &m, &gone) && gone.kind == ERR_NONE)
		return command_say(c, EXIT_NO, "%s left the queue meanwhile",
				   text);
	queue_message_free(&m);
	return command_fail(c, &e);
}

int
queue_show(struct command *c, const struct queue_options *o)
{
	struct store *store;
	uint64_t id;
	int code;

	if (o->argc != 1 || (o->headers && o->body))
		return command_usage(c, NULL);
	if (c->json && (o->headers || o->body))
		return command_say(c, EXIT_USAGE,
				   "--headers and --body print the message's "
				   "own octets, not JSON");
	if (!queue_id(c, o->argv[0], &id))
		return EXIT_USAGE;
	store = queue_open(c, &code);
	if (store == NULL)
		return code;
	code = print_message(c, o, store, id, o->argv[0]);
	store_close(store);
	return code;
}
