/*
 * mtq-receiver - the process around clients and the committer: accepts,
 * counts, watches the room, rings the scheduler's bell.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/jail.h"
#include "daemon/log.h"
#include "daemon/role.h"
#include "queue/client.h"

enum {
	TICK_MS = 200,       /* how exactly deadlines are kept */
	ROOM_EVERY = 5,      /* ticks between looks at the room */
	READERS_EVERY = 150, /* ticks between looks for dead readers */
	ACCEPT_MOST = 64,    /* connections a round and listener */
	BUCKETS = 1024,
	LISTENERS_MOST = 64,
};

/* Sessions of one client address: IPv6 by its /64. */
struct visitor {
	unsigned char address[16];
	unsigned n;
	struct visitor *next;
};

struct listener {
	struct receiver *receiver;
	int fd;
	unsigned place; /* in settings->listens */
	struct watch watch;
	bool paused;
};

struct receiver {
	struct role *role;
	struct store *store;
	struct door door;
	int bell_fd;
	struct listener *listener[LISTENERS_MOST];
	size_t nlisteners;
	unsigned sessions[LISTENERS_MOST]; /* by place */
	struct visitor *bucket[BUCKETS];
	uint64_t seed;
	struct timer tick;
	unsigned ticks;
	struct commit_item clean; /* remains of the last life */
	uint64_t cleaned;
	bool cleaning;
};

static struct receiver the_receiver;

static void
address_of(const struct sockaddr *peer, unsigned char out[16])
{
	const struct sockaddr_in6 *six = (const void *)peer;
	const struct sockaddr_in *four = (const void *)peer;

	memset(out, 0, 16);
	if (peer->sa_family == AF_INET) {
		out[10] = out[11] = 0xff;
		memcpy(out + 12, &four->sin_addr, 4);
	} else {
		memcpy(out, &six->sin6_addr, 8); /* its /64 */
	}
}

static struct visitor **
visitor_place(struct receiver *r, const unsigned char address[16])
{
	uint64_t h = r->seed;
	struct visitor **p;

	for (size_t i = 0; i < 16; i++)
		h = (h ^ address[i]) * UINT64_C(0x100000001b3);
	p = &r->bucket[(h >> 20) % BUCKETS];
	while (*p != NULL && memcmp((*p)->address, address, 16) != 0)
		p = &(*p)->next;
	return p;
}

static void
client_gone(struct door *d, unsigned listen, const unsigned char address[16])
{
	struct receiver *r = container_of(d, struct receiver, door);
	struct visitor **p = visitor_place(r, address), *v = *p;

	if (r->sessions[listen] > 0)
		r->sessions[listen]--;
	must(v != NULL && v->n > 0);
	if (--v->n == 0) {
		*p = v->next;
		free(v);
	}
}

static void
message_accepted(struct door *d)
{
	struct receiver *r = container_of(d, struct receiver, door);
	uint64_t one = 1;

	/* Full means it has not been read yet: the scheduler will come. */
	(void)!write(r->bell_fd, &one, sizeof one);
}

static void
look_at_room(struct receiver *r)
{
	const struct queue_settings *q = &r->role->settings->queue;
	enum session_room room = SESSION_ROOM;
	struct store_room now = {0};
	struct err e;

	if (!store_room(r->store, &now, &e)) {
		log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
		room = SESSION_NO_ROOM;
	} else if (now.used_bytes >=
		       now.map_bytes / 100 * q->high_water_percent ||
		   now.disk_free_bytes < q->min_free_bytes) {
		room = SESSION_NO_ROOM;
	}
	if (room == r->door.room)
		return;
	r->door.room = room;
	if (room == SESSION_NO_ROOM)
		log_event(EVENT_QUEUE_FULL, NULL,
			  "the queue is full: %llu of %llu MB in use, %llu MB "
			  "free on the disk; new mail gets 452 4.3.1",
			  (unsigned long long)now.used_bytes >> 20,
			  (unsigned long long)now.map_bytes >> 20,
			  (unsigned long long)now.disk_free_bytes >> 20);
	else
		log_event(EVENT_QUEUE_ROOM, NULL,
			  "there is room again: new mail is taken");
}

static void
no_room(struct door *d)
{
	struct receiver *r = container_of(d, struct receiver, door);

	look_at_room(r);
}

static void
turn_away(struct receiver *r, int fd, const struct sockaddr *peer,
	  const char *why)
{
	char line[512];
	unsigned char a[16];
	int n = snprintf(line, sizeof line, "421 4.7.0 %s Error: %s\r\n",
			 r->role->settings->hostname, why);

	address_of(peer, a);
	(void)!send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	if (peer->sa_family == AF_INET)
		log_event(EVENT_REFUSED, NULL,
			  "NOQUEUE: reject: CONNECT from unknown[%u.%u.%u.%u]: "
			  "421 4.7.0 %s",
			  a[12], a[13], a[14], a[15], why);
	else
		log_event(EVENT_REFUSED, NULL,
			  "NOQUEUE: reject: CONNECT from unknown[IPv6]: "
			  "421 4.7.0 %s",
			  why);
}

static void
welcome(struct receiver *r, struct listener *l, int fd,
	const struct sockaddr *peer)
{
	const struct listen_settings *s = &r->role->settings->listens[l->place];
	unsigned char address[16];
	struct visitor **p, *v;

	address_of(peer, address);
	p = visitor_place(r, address);
	v = *p;
	if (r->sessions[l->place] >= s->max_connections) {
		turn_away(r, fd, peer, "too many connections");
		return;
	}
	if (v != NULL && v->n >= s->max_connections_per_address) {
		turn_away(r, fd, peer,
			  "too many connections from your address");
		return;
	}
	if (v == NULL) {
		v = *p = must_alloc(sizeof *v);
		memcpy(v->address, address, sizeof v->address);
	}
	v->n++;
	r->sessions[l->place]++;
	client_open(&r->door, fd, l->place, peer, address, now_steady_us());
}

static void
arrivals(struct watch *w, int events)
{
	struct listener *l = container_of(w, struct listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPT_MOST; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof sa;
		int fd = accept4(l->fd, (struct sockaddr *)&sa, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			welcome(l->receiver, l, fd, (struct sockaddr *)&sa);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			/* Until the next tick: somebody will have left. */
			log_event(EVENT_NOTE, NULL, "accept: %m");
			l->paused = true;
			watch_for(&l->watch, 0);
		}
		return;
	}
}

static void
listener_closed(struct watch *w)
{
	struct listener *l = container_of(w, struct listener, watch);

	close(l->fd);
	free(l);
}

static void
close_listeners(struct receiver *r)
{
	for (size_t i = 0; i < r->nlisteners; i++)
		watch_close(&r->listener[i]->watch, listener_closed);
	r->nlisteners = 0;
}

/* The descriptors come in the order of all addresses of all listens. */
static bool
open_listeners(struct receiver *r, const int *fds, unsigned n, struct err *e)
{
	const struct settings *s = r->role->settings;
	unsigned at = 0;

	for (unsigned i = 0; i < s->nlistens; i++)
		for (size_t j = 0; j < s->listens[i].address.n; j++) {
			struct listener *l = must_alloc(sizeof *l);

			if (at == n || r->nlisteners == LISTENERS_MOST) {
				free(l);
				err_set(e, ERR_PEER, "too few sockets");
				return false;
			}
			*l = (struct listener){
			    .receiver = r, .fd = fds[at++], .place = i};
			watch_open(r->role->loop, &l->watch, l->fd, arrivals);
			watch_for(&l->watch, LOOP_READ);
			r->listener[r->nlisteners++] = l;
		}
	if (at == n)
		return true;
	err_set(e, ERR_PEER, "too many sockets");
	return false;
}

static void clean_next(struct receiver *r);

static void
cleaned_one(struct commit_item *i)
{
	struct receiver *r = container_of(i, struct receiver, clean);

	r->cleaning = false;
	if (!i->ok) {
		log_event(EVENT_STORE_FAILED, NULL, "%s", i->err.text);
		return;
	}
	r->cleaned++;
	clean_next(r);
}

/* Messages that were never whole when we last ended, one after the other. */
static void
clean_next(struct receiver *r)
{
	struct err e;
	struct txn *t = store_begin(r->store, false, &e);
	bool found = false;
	uint64_t id = 0;

	if (t != NULL) {
		found = ledger_partial(t, r->clean.id + 1, &id, &e);
		store_abort(t);
	}
	if (found && id < r->door.last_id) {
		r->clean = (struct commit_item){
		    .kind = COMMIT_ABANDON, .id = id, .done = cleaned_one};
		r->cleaning = true;
		committer_put(r->door.committer, &r->clean);
	} else if (r->cleaned > 0) {
		log_event(EVENT_CLEANED, NULL,
			  "removed what was left of %llu messages that were "
			  "never whole",
			  (unsigned long long)r->cleaned);
		r->cleaned = 0;
	}
}

static void
on_tick(struct timer *t)
{
	struct receiver *r = container_of(t, struct receiver, tick);
	unsigned dead;
	struct err e;

	timer_start(t, TICK_MS);
	clients_tick(&r->door, now_steady_us());
	for (size_t i = 0; i < r->nlisteners; i++)
		if (r->listener[i]->paused) {
			r->listener[i]->paused = false;
			watch_for(&r->listener[i]->watch, LOOP_READ);
		}
	if (++r->ticks % ROOM_EVERY == 0)
		look_at_room(r);
	if (r->ticks % READERS_EVERY == 0 &&
	    !store_clear_readers(r->store, &dead, &e))
		log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
}

static bool
first_id(struct receiver *r, struct err *e)
{
	struct txn *t = store_begin(r->store, false, e);

	if (t == NULL)
		return false;
	r->door.last_id = txn_state(t)->last_id;
	store_abort(t);
	/* Everything older than this is of an earlier life. */
	r->door.last_id = id_next(r->door.last_id, now_us(), 0);
	return true;
}

static bool
start(struct role *role, const int *fds, unsigned nfds, struct err *e)
{
	struct receiver *r = &the_receiver;
	const struct settings *s = role->settings;
	const struct jail_path paths[] = {
	    {.path = s->state_dir, .access = JAIL_WRITE}};

	if (nfds < 2) {
		err_set(e, ERR_PEER, "mtqd sent no sockets");
		return false;
	}
	r->role = role;
	r->bell_fd = fds[nfds - 1];
	if (getrandom(&r->seed, sizeof r->seed, 0) != sizeof r->seed) {
		err_set(e, ERR_SYSTEM, "getrandom: %m");
		return false;
	}
	if (!jail_close(paths, countof(paths), e))
		return false;
	r->store = store_open(s->state_dir, STORE_WRITE,
			      s->queue.map_size_bytes, s->instance, e);
	if (r->store == NULL || !first_id(r, e))
		return false;
	r->door.loop = role->loop;
	r->door.committer = committer_open(role->loop, r->store);
	r->door.settings = s;
	r->door.scratch = must_alloc(CLIENT_SCRATCH);
	r->door.accepted = message_accepted;
	r->door.full = no_room;
	r->door.gone = client_gone;
	look_at_room(r);
	clean_next(r);
	if (!open_listeners(r, fds, nfds - 1, e))
		return false;
	timer_open(role->loop, &r->tick, on_tick);
	timer_start(&r->tick, TICK_MS);
	return true;
}

static void
reload(struct role *role, const struct settings *old, const int *fds,
       unsigned nfds)
{
	struct receiver *r = &the_receiver;
	struct err e;

	(void)old;
	close_listeners(r);
	clients_reconfigure(&r->door, role->settings);
	memset(r->sessions, 0, sizeof r->sessions);
	clients_count(&r->door, r->sessions);
	if (nfds < 1 || !open_listeners(r, fds, nfds - 1, &e)) {
		log_event(EVENT_FATAL, NULL, "%s", e.text);
		role_done(role, EXIT_AGAIN);
		return;
	}
	close(fds[nfds - 1]); /* the bell again */
}

static void
stop(struct role *role)
{
	struct receiver *r = &the_receiver;

	(void)role;
	close_listeners(r);
	clients_stop(&r->door);
}

/* The committer hangs when it is at one transaction for half the watchdog's
 * time: then we give no more signs of life and are killed. */
static bool
alive(struct role *role)
{
	int64_t since_us = committer_since_us(the_receiver.door.committer);

	return since_us == 0 ||
	       now_steady_us() - since_us < role->settings->watchdog_us / 2;
}

static void
after_round(struct role *role)
{
	struct receiver *r = &the_receiver;

	if (role->stopping && r->door.n == 0 &&
	    committer_pending(r->door.committer) == 0)
		role_done(role, EXIT_DONE);
}

int
main(void)
{
	static const struct role_ops ops = {.start = start,
					    .reload = reload,
					    .stop = stop,
					    .alive = alive,
					    .after = after_round};

	return role_main(ROLE_RECEIVER, &ops);
}
