#include "queue/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "queue/peer_user.h"

enum {
	ACCEPT_MOST = 64, /* connections a round and socket */
	LOAD_FROM = 5,    /* max_connections whose use is load */
};

struct listener {
	struct listener *next;
	struct listeners *all;
	struct gate *gate;
	const struct listen_settings *listen;
	int fd;
	struct watch watch;
	bool resting; /* no descriptors were left; until the next tick */
};

static void
turn_away(const struct listener *l, int fd, const struct sockaddr *peer,
	  const char *status, const char *why)
{
	const char *host = l->all->clients->settings->hostname;
	char from[CLIENT_TEXT], line[512];
	int n = snprintf(line, sizeof line, "421 %s %s Error: %s\r\n", status,
			 host, why);

	client_address_text(peer, from);
	/* One try: who is not let in gets no buffer, nor a handshake. */
	if (n > 0 && l->listen->tls != LISTEN_TLS_IMPLICIT)
		(void)!send(fd, line, min_of((size_t)n, sizeof line - 1),
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	log_event(EVENT_REFUSED, "NOQUEUE",
		  "reject: CONNECT from unknown[%s]: 421 %s %s Error: %s", from,
		  status, host, why);
}

static void
welcome(struct listener *l, int fd, const struct sockaddr *peer)
{
	struct clients *clients = l->all->clients;
	unsigned char addr[16], key[CROWD_KEY];
	char user[PEER_USER];

	if (!net_address(peer, addr) ||
	    (peer->sa_family == AF_UNIX && !peer_user(fd, user))) {
		close(fd);
		return;
	}
	crowd_key(addr, key);
	if (l->gate->sessions >= l->listen->max_connections)
		turn_away(l, fd, peer, "4.7.0", "too many connections");
	else if (crowd_count(&clients->crowd, key) >=
		 load_share(&clients->load,
			    l->listen->max_connections_per_address))
		turn_away(l, fd, peer, "4.7.0",
			  "too many connections from your address");
	else if (clients->memory_bytes >= clients->settings->guard.memory_bytes)
		turn_away(l, fd, peer, "4.3.2", "overloaded");
	else
		client_open(clients, l->gate, fd, peer, l->listen,
			    peer->sa_family == AF_UNIX ? user : NULL);
}

/*
 * No descriptor is left for the connection at the head of the line.  With the
 * spare one it is taken off and closed, so that it learns at once, and we
 * listen again at the next tick.
 */
static void
rest(struct listener *l)
{
	struct listeners *all = l->all;
	int fd;

	log_event(EVENT_NOTE, NULL, "accept: %m; pausing");
	if (all->spare_fd >= 0) {
		close(all->spare_fd);
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		all->spare_fd = eventfd(0, EFD_CLOEXEC);
	}
	l->resting = true;
	watch_for(&l->watch, 0);
}

static void
on_arrival(struct watch *w, int events)
{
	struct listener *l = container_of(w, struct listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPT_MOST; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t n = sizeof peer;
		int fd = accept4(l->fd, (struct sockaddr *)&peer, &n,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			welcome(l, fd, (struct sockaddr *)&peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			rest(l);
		/* Other errors are of one connection, or mean "no more". */
		return;
	}
}

static void
closed(struct watch *w)
{
	free(container_of(w, struct listener, watch));
}

void
listeners_close(struct listeners *all)
{
	while (all->first != NULL) {
		struct listener *l = all->first;

		all->first = l->next;
		watch_close(&l->watch, closed);
		close(l->fd);
	}
	for (struct gate *g = all->gates; g != NULL; g = g->next)
		g->open = false;
}

bool
listeners_begin(struct listeners *all, struct clients *clients, struct err *e)
{
	all->clients = clients;
	all->spare_fd = eventfd(0, EFD_CLOEXEC);
	if (all->spare_fd < 0)
		err_set(e, ERR_SYSTEM, "eventfd: %m");
	return all->spare_fd >= 0;
}

bool
listeners_open(struct listeners *all, const int *fds, unsigned n, struct err *e)
{
	const struct settings *s = all->clients->settings;
	size_t want = 0, at = 0;

	for (size_t i = 0; i < s->nlistens; i++)
		want += s->listens[i].address.n;
	if (n != want) {
		err_set(e, ERR_PEER, "mtqd sent %u sockets for %zu addresses",
			n, want);
		return false;
	}
	for (size_t i = 0; i < s->nlistens; i++)
		for (size_t j = 0; j < s->listens[i].address.n; j++) {
			struct listener *l = must_alloc(sizeof *l);

			l->all = all;
			l->listen = &s->listens[i];
			l->gate = gate_of(&all->gates, l->listen);
			l->fd = fds[at++];
			l->next = all->first;
			all->first = l;
			watch_open(all->clients->loop, &l->watch, l->fd,
				   on_arrival);
			watch_for(&l->watch, LOOP_READ);
		}
	return true;
}

static struct listener *
find_unix(const struct listeners *all)
{
	for (struct listener *l = all->first; l != NULL; l = l->next)
		for (size_t i = 0; i < l->listen->address.n; i++)
			if (net_unix_path(&l->listen->address.at[i]) != NULL)
				return l;
	return NULL;
}

const struct listen_settings *
listeners_unix(const struct listeners *all)
{
	const struct listener *l = find_unix(all);

	return l != NULL ? l->listen : NULL;
}

bool
listeners_local(struct listeners *all, int fd, const char *user)
{
	const struct sockaddr peer = {.sa_family = AF_UNIX};
	struct listener *l = find_unix(all);

	if (l == NULL || l->gate->sessions >= l->listen->max_connections)
		return false;
	client_open(all->clients, l->gate, fd, &peer, l->listen, user);
	return true;
}

/* The listener that has most of its sessions.  Where only a few may come, one
 * is a large part already, and no load. */
static void
measure(const struct listeners *all)
{
	struct load_use *u = &all->clients->use;
	uint64_t used = 0, most = 1;

	for (const struct gate *g = all->gates; g != NULL; g = g->next)
		if (g->limits.max_connections >= LOAD_FROM &&
		    g->sessions * most > used * g->limits.max_connections) {
			used = g->sessions;
			most = g->limits.max_connections;
		}
	u->used[LOAD_SESSIONS] = used;
	u->most[LOAD_SESSIONS] = most;
}

void
listeners_certificates(struct listeners *all, const struct secrets *set)
{
	struct gate *last = NULL; /* a listener has many addresses */
	struct err e;

	for (struct listener *l = all->first; l != NULL; l = l->next) {
		if (l->gate == last)
			continue;
		last = l->gate;
		/* Of a new configuration the secrets come first: what the old
		 * one shows may not be among them. */
		if (!gate_certificates(l->gate, all->clients->settings,
				       l->listen, set, &e) &&
		    (e.kind != ERR_PEER || l->gate->tls == NULL))
			log_event(EVENT_NOTE, NULL,
				  "listen %s: %s; the certificates read before "
				  "are used",
				  l->listen->title, e.text);
	}
	clients_certificates(all->clients);
}

void
listeners_tick(struct listeners *all)
{
	for (struct listener *l = all->first; l != NULL; l = l->next)
		if (l->resting) {
			l->resting = false;
			watch_for(&l->watch, LOOP_READ);
		}
	gates_forget(&all->gates);
	measure(all);
}
