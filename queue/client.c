#include "queue/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/net.h"
#include "daemon/now.h"
#include "queue/client_private.h"

enum {
	SLOWEST_BYTES_S = 10 * 1000, /* data_timeout grows by size at this */
	REST_KEPT = 4096,            /* octets of room for the unread rest */
};

static const unsigned char nothing[1];

void
client_address_text(const struct sockaddr *peer, char out[CLIENT_TEXT])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned char a[16];
	bool v4;

	must(net_address(peer, a));
	v4 = memcmp(a, mapped, sizeof mapped) == 0;
	must(inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a + 12 : a, out,
		       CLIENT_TEXT) != NULL);
}

void
client_release(struct client *c)
{
	struct clients *all = c->all;

	if (c->watching || c->items > 0 || c->sasl)
		return;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		all->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	all->n--;
	all->memory_bytes -= c->memory_bytes;
	client_unlend(c);
	session_free(c->session);
	bytes_free(&c->rest);
	bytes_free(&c->out);
	free(c);
}

static void
watch_closed(struct watch *w)
{
	struct client *c = container_of(w, struct client, watch);

	c->watching = false;
	client_release(c);
}

/* The client itself stays until the loop and the
 * committer have let it go. */
void
client_hang_up(struct client *c)
{
	if (c->life == LIFE_GONE)
		return;
	c->life = LIFE_GONE;
	client_tls_end(c);
	c->gate->sessions--;
	c->gate = NULL; /* it may go before we do */
	crowd_leave(&c->all->crowd, c->key);
	watch_close(&c->watch, watch_closed);
	close(c->fd);
	client_forsake(c);
}

static void
log_refusals(struct client *c)
{
	const char *text;

	while ((text = session_refusal(c->session)) != NULL)
		log_event(EVENT_REFUSED, "NOQUEUE", "reject: %s", text);
	while ((text = session_verdict(c->session)) != NULL)
		log_event(EVENT_VERDICT, "NOQUEUE", "verdict=%s", text);
}

/*
 * The last words are written.  Closing a socket with unread octets resets the
 * connection, and the reset can overtake our reply: so what still comes is read
 * and thrown away for a moment, unless the client has said good-bye itself.
 */
static void
linger(struct client *c)
{
	if (session_quit(c->session)) {
		client_hang_up(c);
		return;
	}
	c->life = LIFE_LINGERING;
	bytes_free(&c->rest);
	c->deadline_us = now_steady_us() + CLIENT_LINGER_S * SECOND_US;
	if (c->tls != NULL)
		tls_server_bye(c->tls);
	if (shutdown(c->fd, SHUT_WR) != 0) /* the client is gone already */
		client_hang_up(c);
	else
		watch_for(&c->watch, LOOP_READ);
}

/* True when nothing is left to write. */
static bool
write_out(struct client *c)
{
	c->replied = c->replied || c->out.n > 0;
	while (c->out_done < c->out.n) {
		ssize_t n = client_send(c, c->out.data + c->out_done,
					c->out.n - c->out_done);

		if (n >= 0) {
			c->out_done += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return false;
		} else if (errno != EINTR) {
			client_hang_up(c);
			return false;
		}
	}
	c->out.n = c->out_done = 0;
	return true;
}

/*
 * The time of a request starts with our reply to the one before; octets that
 * trickle in don't stretch it.  A message has a time of its own, from its first
 * octet to its last, however it is cut into BDATs.
 */
static void
set_deadlines(struct client *c)
{
	const struct listen_settings *l = &c->gate->limits;
	uint64_t message = session_id(c->session);
	uint64_t slowest_s = l->max_message_size_bytes / SLOWEST_BYTES_S;
	int64_t now;

	if (!c->replied && message == c->message)
		return;
	now = now_steady_us();
	if (c->replied)
		c->deadline_us = now + l->command_timeout_us;
	c->replied = false;
	if (message == c->message)
		return;
	c->message = message;
	c->message_begun_us = now;
	c->message_deadline_us =
	    message == 0
		? 0
		: now + l->data_timeout_us + (int64_t)slowest_s * SECOND_US;
}

/* May the session be given octets now? */
static bool
hungry(const struct client *c)
{
	return c->life == LIFE_TALKING && c->waits == SESSION_MORE &&
	       c->items < client_chunks_most(c->all);
}

/* Feeds the session until it can't go on; returns how much it ate. */
static size_t
feed(struct client *c, const unsigned char *p, size_t n)
{
	struct clients *all = c->all;
	enum session_step step = SESSION_CHUNK;
	const int64_t now = now_us();
	size_t at = 0;

	while (step != SESSION_MORE && hungry(c)) {
		uint64_t id = id_next(all->last_id, now, 0);
		size_t k = n - at;

		client_lend(c);
		step = session_feed(c->session, p + at, &k, id, now,
				    client_room(all));
		at += k;
		/* The number is spent if a message began with it. */
		if (session_id(c->session) == id)
			all->last_id = id;
		client_unlend(c);
		switch (step) {
		case SESSION_MORE:
			break;
		case SESSION_WRITE:
			if (!write_out(c))
				return at;
			break;
		case SESSION_CHUNK:
			client_put_chunk(c);
			break;
		case SESSION_ACCEPT:
		case SESSION_RETURNED:
		case SESSION_ABANDON:
			client_finish(c, step);
			break;
		case SESSION_STARTTLS:
			client_starttls(c, n - at);
			break;
		case SESSION_SASL:
			client_sasl(c);
			break;
		case SESSION_VERIFY:
			client_verify(c);
			break;
		case SESSION_CLOSE:
			c->life = LIFE_CLOSING;
			break;
		}
	}
	return at;
}

/* While the committer works we go on watching, since most clients wait too;
 * on_event stops it for one that does not. */
static void
watch_what_is_due(struct client *c)
{
	int want = LOOP_READ;

	if (c->out_done < c->out.n)
		want = LOOP_WRITE;
	else if (hungry(c) && client_pending(c))
		want = LOOP_READ | LOOP_WRITE; /* at once */
	else if (!hungry(c) && (c->watch.events & LOOP_WRITE) == 0)
		return;
	if (c->watch.events != want)
		watch_for(&c->watch, want);
}

/* Octets have come, or the session may go on; p is not in c->rest. */
static void
handle(struct client *c, const unsigned char *p, size_t n)
{
	size_t ate;
	bool done;

	if (c->rest.n > 0) {
		bytes_add(&c->rest, p, n);
		ate = feed(c, c->rest.data, c->rest.n);
		bytes_cut(&c->rest, ate);
		if (c->rest.n == 0 && c->rest.room > REST_KEPT)
			bytes_free(&c->rest);
	} else {
		ate = feed(c, p, n);
		bytes_add(&c->rest, p + ate, n - ate);
	}
	client_weigh(c);
	log_refusals(c);
	if (c->life == LIFE_GONE)
		return;
	done = write_out(c);
	if (c->life == LIFE_GONE)
		return;
	set_deadlines(c);
	if (done && c->life == LIFE_CLOSING)
		linger(c);
	else if (done && c->life == LIFE_SECURING)
		client_secure(c);
	else
		watch_what_is_due(c);
}

void
client_go_on(struct client *c)
{
	if (c->life == LIFE_TALKING)
		handle(c, nothing, 0);
}

static void
read_some(struct client *c)
{
	unsigned char *scratch = c->all->scratch;
	ssize_t n = client_recv(c, scratch, CLIENTS_SCRATCH);

	if (n > 0)
		handle(c, scratch, (size_t)n);
	else if (n == 0 ||
		 (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		client_hang_up(c);
	else
		watch_what_is_due(c);
}

/* What still comes is not looked at, nor deciphered. */
static void
throw_away(struct client *c)
{
	ssize_t n = recv(c->fd, c->all->scratch, CLIENTS_SCRATCH, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
		       errno != EINTR))
		client_hang_up(c);
}

static void
on_event(struct watch *w, int events)
{
	struct client *c = container_of(w, struct client, watch);

	if (c->life == LIFE_SHAKING) {
		client_shake(c);
	} else if ((events & LOOP_WRITE) && (c->watch.events & LOOP_WRITE)) {
		if (!write_out(c))
			return;
		if (c->life == LIFE_CLOSING)
			linger(c);
		else if (c->life == LIFE_SECURING)
			client_secure(c);
		else if (hungry(c) && client_pending(c))
			read_some(c);
		else
			handle(c, nothing, 0);
	} else if (c->life == LIFE_LINGERING) {
		throw_away(c);
	} else if (hungry(c)) {
		read_some(c);
	} else {
		watch_for(&c->watch, 0);
	}
}

/* Octets that were there before our greeting are meant for somebody who does
 * not listen to answers (attacks.md A4). */
static bool
spoke_first(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void
client_open(struct clients *all, struct gate *g, int fd,
	    const struct sockaddr *peer, const struct listen_settings *l,
	    const char *user)
{
	struct client *c = must_alloc(sizeof *c);
	struct session_config config = {.settings = all->settings,
					.listen = l,
					.client = c->text,
					.account = user,
					.suppressed = client_suppressed,
					.returns = client_returns,
					.arg = all};
	unsigned char addr[16];
	int one = 1;

	must(net_address(peer, addr));
	crowd_key(addr, c->key);
	client_address_text(peer, c->text);
	/* A failure costs milliseconds, no mail; a Unix socket has none. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->all = all;
	c->fd = fd;
	c->gate = g;
	c->waits = SESSION_MORE;
	g->sessions++;
	crowd_enter(&all->crowd, c->key);
	memcpy(config.peer, addr, sizeof config.peer);
	c->session = session_open(&config, &c->out);
	session_offer_tls(c->session, g->tls != NULL);
	if (l->tls != LISTEN_TLS_IMPLICIT && spoke_first(fd))
		session_spoke_first(c->session);
	c->next = all->first;
	if (c->next != NULL)
		c->next->prev = c;
	all->first = c;
	all->n++;
	c->watching = true;
	watch_open(all->loop, &c->watch, fd, on_event);
	if (l->tls == LISTEN_TLS_IMPLICIT && c->out.n == 0)
		client_secure(c);
	else
		handle(c, nothing, 0);
}
