#include "queue/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/now.h"

enum {
	BUFFER_KEPT = 16 * 1024,     /* of a chunk, for the next message */
	SLOWEST_BYTES_S = 10 * 1000, /* data_timeout grows by size at this */
};

struct client {
	struct door *door;
	struct session *session;
	struct session_config config;
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];
	unsigned listen;
	char listen_title[65]; /* to be found again after a reload */
	char source_title[65];
	int fd;
	struct watch watch;
	struct bytes rest; /* read, not yet eaten */
	struct bytes out;
	size_t out_done;
	int64_t deadline_us;
	bool in_data;   /* the deadline is data_timeout's */
	unsigned items; /* with the committer */
	bool waits;     /* for the commit of its message */
	bool closing;   /* close when `out` is written */
	bool was_data;  /* the client may still be sending a message */
	bool draining;
	bool gone; /* closed; waits for its items */
	bool watch_closed;
	struct commit_item accept;
	struct client *prev, *next;
};

struct chunk_item {
	struct commit_item item;
	struct client *client;
};

static void handle(struct client *c, int64_t now_us);

static void
unref(struct client *c)
{
	if (!c->watch_closed || c->items > 0)
		return;
	session_free(c->session);
	bytes_free(&c->rest);
	bytes_free(&c->out);
	bytes_free(&c->accept.data);
	free(c);
}

static void
watch_gone(struct watch *w)
{
	struct client *c = container_of(w, struct client, watch);

	close(c->fd);
	c->watch_closed = true;
	unref(c);
}

static void put_abandon(struct client *c);

static void
close_client(struct client *c)
{
	struct door *d = c->door;

	if (c->gone)
		return;
	c->gone = true;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		d->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	d->n--;
	/* Chunks of a message that will never be whole. */
	if (!c->waits && session_chunks(c->session) > 0)
		put_abandon(c);
	d->gone(d, c->listen, c->address);
	watch_close(&c->watch, watch_gone);
}

static void
set_deadline(struct client *c, int64_t now_us)
{
	const struct listen_settings *l = c->config.listen;
	bool data = session_in_data(c->session);

	/* A request's time, not a read's: it starts with our reply to the one
	 * before, and within one message it stays. */
	if (data == c->in_data && (data || c->out.n == c->out_done))
		return;
	c->in_data = data;
	if (data)
		c->deadline_us =
		    now_us + l->data_timeout_us +
		    (int64_t)(l->max_message_size_bytes / SLOWEST_BYTES_S) *
			SECOND_US;
	else
		c->deadline_us = now_us + l->command_timeout_us;
}

static void
begin_drain(struct client *c, int64_t now_us)
{
	int unread = 0;

	if (!c->was_data && ioctl(c->fd, FIONREAD, &unread) == 0 &&
	    unread == 0) {
		close_client(c);
		return;
	}
	/* Closing now would reset the connection and take our last words with
	 * it: what still comes is read and thrown away for a moment. */
	c->draining = true;
	c->deadline_us = now_us + CLIENT_DRAIN_US;
	(void)shutdown(c->fd, SHUT_WR);
	watch_for(&c->watch, LOOP_READ);
}

static bool
may_read(const struct client *c)
{
	return !c->waits && c->items < CLIENT_CHUNKS_MOST &&
	       c->out.n == c->out_done;
}

static void
log_refusal(struct client *c)
{
	const char *text = session_refusal(c->session);

	if (text != NULL)
		log_event(EVENT_REFUSED, NULL, "NOQUEUE: reject: %s", text);
}

static void
write_out(struct client *c, int64_t now_us)
{
	while (c->out_done < c->out.n) {
		ssize_t n =
		    send(c->fd, c->out.data + c->out_done,
			 c->out.n - c->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch_for(&c->watch, LOOP_WRITE);
			return;
		}
		if (n < 0) {
			close_client(c);
			return;
		}
		c->out_done += (size_t)n;
	}
	c->out.n = c->out_done = 0;
	if (c->closing)
		begin_drain(c, now_us);
	else
		/* Also while the committer has it: most clients wait too, and
		 * the kernel is asked again only if one does not. */
		watch_for(&c->watch, LOOP_READ);
}

static void
chunk_done(struct commit_item *i)
{
	struct chunk_item *x = container_of(i, struct chunk_item, item);
	struct client *c = x->client;

	if (!i->ok) {
		log_event(EVENT_STORE_FAILED, NULL, "%s", i->err.text);
		if (i->err.kind == ERR_FULL)
			c->door->full(c->door);
	}
	c->items--;
	if (!c->gone && i->kind == COMMIT_CHUNK && !i->ok) {
		/* The message can't be whole any more: what is there goes, and
		 * the client is told at once. */
		put_abandon(c);
		session_failed(c->session, &i->err);
		c->was_data = c->closing = true;
		write_out(c, now_steady_us());
	} else if (!c->gone) {
		handle(c, now_steady_us());
	}
	bytes_free(&i->data);
	unref(c);
	free(x);
}

static struct chunk_item *
new_item(struct client *c, enum commit_kind kind)
{
	struct chunk_item *x = must_alloc(sizeof *x);

	x->client = c;
	x->item.kind = kind;
	x->item.id = session_id(c->session);
	x->item.now_us = now_us();
	x->item.done = chunk_done;
	c->items++;
	return x;
}

static void
put_abandon(struct client *c)
{
	committer_put(c->door->committer, &new_item(c, COMMIT_ABANDON)->item);
}

static void
put_chunk(struct client *c)
{
	struct chunk_item *x = new_item(c, COMMIT_CHUNK);
	struct bytes *b = session_chunk(c->session);

	x->item.chunk = session_chunks(c->session);
	x->item.data = *b;
	*b = (struct bytes){.n = 0};
	session_chunk_taken(c->session);
	committer_put(c->door->committer, &x->item);
}

/* What the log says of a message that is ours now, in Postfix's words. */
static void
log_queued(const struct client *c, const struct session_message *m)
{
	char id[ID_TEXT + 1], text[800];

	id_text(session_id(c->session), id);
	log_event(EVENT_CLIENT, id, "client=unknown[%s]", c->text);
	log_event(EVENT_MESSAGE_ID, id, "message-id=%.*s",
		  (int)m->record.message_id.n, m->record.message_id.p);
	log_event(
	    EVENT_QUEUED, id, "from=<%s>, size=%llu, nrcpt=%u (queue active)",
	    log_safe(m->record.sender.p, m->record.sender.n, text, sizeof text),
	    (unsigned long long)m->record.size_bytes, m->nrcpt);
}

static void
accept_done(struct commit_item *i)
{
	struct client *c = container_of(i, struct client, accept);
	struct bytes *b = session_chunk(c->session);

	c->items--;
	c->waits = false;
	if (i->ok) {
		log_queued(c, &i->message);
		c->door->accepted(c->door);
	} else {
		log_event(EVENT_STORE_FAILED, NULL, "%s", i->err.text);
		if (i->err.kind == ERR_FULL)
			c->door->full(c->door);
		if (i->message.apart)
			put_abandon(c);
	}
	/* The buffer serves the next message. */
	if (i->data.room <= BUFFER_KEPT && b->room == 0) {
		*b = i->data;
		b->n = 0;
		i->data = (struct bytes){.n = 0};
	}
	bytes_free(&i->data);
	session_accepted(c->session, i->ok ? NULL : &i->err);
	if (c->gone) { /* it did not wait; the message is ours all the same */
		unref(c);
		return;
	}
	if (c->door->stopping && session_idle(c->session)) {
		session_stop(c->session);
		c->closing = true;
	}
	handle(c, now_steady_us());
}

static void
put_accept(struct client *c)
{
	struct commit_item *i = &c->accept;
	struct bytes *b = session_chunk(c->session);

	session_message(c->session, &i->message);
	i->kind = COMMIT_ACCEPT;
	i->id = session_id(c->session);
	i->chunk = session_chunks(c->session);
	i->now_us = now_us();
	i->data = *b;
	i->done = accept_done;
	*b = (struct bytes){.n = 0};
	c->items++;
	c->waits = true;
	committer_put(c->door->committer, i);
}

/* Feeds what was read; false when the session can't take more now. */
static bool
feed(struct client *c, const unsigned char *p, size_t *n)
{
	struct door *d = c->door;
	uint64_t id = id_next(d->last_id, now_us(), 0);
	enum session_step step =
	    session_feed(c->session, p, n, id, now_us(), d->room);

	/* The session took the number when a message began. */
	if (session_id(c->session) == id)
		d->last_id = id;
	switch (step) {
	case SESSION_MORE:
		return true;
	case SESSION_WRITE:
		return false;
	case SESSION_CHUNK:
		put_chunk(c);
		return true;
	case SESSION_ACCEPT:
		put_accept(c);
		return false;
	case SESSION_ABANDON:
		put_abandon(c);
		session_abandoned(c->session);
		return true;
	case SESSION_CLOSE:
		c->was_data |= c->in_data;
		c->closing = true;
		return false;
	}
	return false;
}

/* As far as the session goes with these octets; the rest is kept. */
static void
eat(struct client *c, const unsigned char *p, size_t n)
{
	size_t at = 0;

	while (!c->closing && !c->waits && c->items < CLIENT_CHUNKS_MOST) {
		size_t k = n - at;
		bool more = feed(c, p + at, &k);

		at += k;
		if (!more)
			break;
		if (k == 0 && at <= n)
			break;
	}
	if (p == c->rest.data) {
		bytes_cut(&c->rest, at);
	} else if (at < n) {
		bytes_add(&c->rest, p + at, n - at);
	}
}

/* After anything that may let the session go on. */
static void
handle(struct client *c, int64_t now_us)
{
	if (c->rest.n > 0 && !c->closing && may_read(c))
		eat(c, c->rest.data, c->rest.n);
	if (c->rest.n == 0)
		bytes_free(&c->rest); /* idle connections cost little */
	log_refusal(c);
	set_deadline(c, now_us);
	write_out(c, now_us);
}

static void
read_some(struct client *c, int64_t now_us)
{
	ssize_t n = recv(c->fd, c->door->scratch, CLIENT_SCRATCH, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_client(c);
		return;
	}
	if (c->draining)
		return;
	if (c->rest.n > 0) {
		bytes_add(&c->rest, c->door->scratch, (size_t)n);
	} else {
		eat(c, c->door->scratch, (size_t)n);
	}
	handle(c, now_us);
}

static void
on_event(struct watch *w, int events)
{
	struct client *c = container_of(w, struct client, watch);
	int64_t now_us = now_steady_us();

	if (events & LOOP_WRITE) {
		write_out(c, now_us);
		if (!c->gone && !c->closing && c->out.n == 0)
			handle(c, now_us);
	}
	if ((events & LOOP_READ) && !c->gone) {
		if (c->draining || (may_read(c) && !c->closing))
			read_some(c, now_us);
		else
			watch_for(&c->watch,
				  c->out.n > c->out_done ? LOOP_WRITE : 0);
	}
}

static void
address_text(const struct sockaddr *peer, char out[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in6 *six = (const void *)peer;
	const struct sockaddr_in *four = (const void *)peer;

	if (peer->sa_family == AF_INET)
		must(inet_ntop(AF_INET, &four->sin_addr, out,
			       INET6_ADDRSTRLEN) != NULL);
	else
		must(inet_ntop(AF_INET6, &six->sin6_addr, out,
			       INET6_ADDRSTRLEN) != NULL);
}

void
client_open(struct door *d, int fd, unsigned listen,
	    const struct sockaddr *peer, const unsigned char address[16],
	    int64_t steady_us)
{
	struct client *c = must_alloc(sizeof *c);
	const struct listen_settings *l = &d->settings->listens[listen];
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->door = d;
	c->fd = fd;
	c->listen = listen;
	memcpy(c->address, address, sizeof c->address);
	address_text(peer, c->text);
	c->config = (struct session_config){
	    .settings = d->settings,
	    .listen = l,
	    .source = settings_source(d->settings, l, peer),
	    .client = c->text};
	snprintf(c->listen_title, sizeof c->listen_title, "%s", l->title);
	if (c->config.source != NULL)
		snprintf(c->source_title, sizeof c->source_title, "%s",
			 c->config.source->title);
	c->session = session_open(&c->config, &c->out);
	c->closing = c->config.source == NULL;
	c->next = d->first;
	if (d->first != NULL)
		d->first->prev = c;
	d->first = c;
	d->n++;
	c->deadline_us = steady_us + l->command_timeout_us;
	watch_open(d->loop, &c->watch, fd, on_event);
	handle(c, steady_us);
}

void
clients_tick(struct door *d, int64_t steady_us)
{
	struct client *next;

	for (struct client *c = d->first; c != NULL; c = next) {
		next = c->next;
		if (steady_us < c->deadline_us || c->waits)
			continue;
		if (c->draining || c->closing || c->out.n > c->out_done) {
			close_client(c); /* it does not read our reply */
			continue;
		}
		c->was_data = c->in_data;
		session_timeout(c->session);
		c->closing = true;
		c->deadline_us = steady_us + CLIENT_DRAIN_US;
		if (session_chunks(c->session) > 0) {
			put_abandon(c);
			session_abandoned(c->session);
		}
		write_out(c, steady_us);
	}
}

void
clients_stop(struct door *d)
{
	int64_t now_us = now_steady_us();
	struct client *next;

	d->stopping = true;
	for (struct client *c = d->first; c != NULL; c = next) {
		next = c->next;
		if (c->waits || c->closing || !session_idle(c->session))
			continue;
		session_stop(c->session);
		c->closing = true;
		write_out(c, now_us);
	}
}

static const struct listen_settings *
find_listen(const struct settings *s, const char *title, unsigned *place)
{
	for (unsigned i = 0; i < s->nlistens; i++)
		if (strcmp(s->listens[i].title, title) == 0) {
			*place = i;
			return &s->listens[i];
		}
	return NULL;
}

static const struct source_settings *
find_source(const struct settings *s, const char *title)
{
	for (size_t i = 0; i < s->nsources; i++)
		if (strcmp(s->sources[i].title, title) == 0)
			return &s->sources[i];
	return NULL;
}

void
clients_reconfigure(struct door *d, const struct settings *s)
{
	int64_t now_us = now_steady_us();
	struct client *next;

	d->settings = s;
	for (struct client *c = d->first; c != NULL; c = next) {
		const struct listen_settings *l =
		    find_listen(s, c->listen_title, &c->listen);
		const struct source_settings *source =
		    find_source(s, c->source_title);

		next = c->next;
		c->config.settings = s;
		c->config.listen = l != NULL ? l : &s->listens[0];
		c->config.source = source;
		session_reconfigure(c->session, &c->config);
		if ((l == NULL || source == NULL) && !c->closing && !c->waits) {
			session_stop(c->session);
			c->closing = true;
			write_out(c, now_us);
		}
	}
}

void
clients_count(const struct door *d, unsigned *by_listen)
{
	for (const struct client *c = d->first; c != NULL; c = c->next)
		by_listen[c->listen]++;
}
