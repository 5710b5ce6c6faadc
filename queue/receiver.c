/*
 * mtq-receiver - the process around clients and the committer: listens, counts
 * sessions, watches the room, cleans up what an earlier life has left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "daemon/role.h"
#include "queue/confine.h"
#include "queue/listener.h"
#include "queue/maildrop.h"

enum {
	TICK_MS = 200,  /* how exactly deadlines are kept */
	ROOM_EVERY = 5, /* ticks between two looks at the room */
};

struct receiver {
	struct role *role;
	struct store *store;
	struct clients clients;
	struct listeners listeners;
	struct maildrop *maildrop;
	struct confine *confine;
	struct timer tick;
	uint64_t ticks;
	struct commit room;
	bool room_asked;
	struct commit clean;
};

static struct receiver the_receiver;

static struct receiver *
receiver_of(struct clients *all)
{
	return container_of(all, struct receiver, clients);
}

static void
set_room(struct receiver *r, enum session_room room, const char *why)
{
	if (room == r->clients.room)
		return;
	r->clients.room = room;
	if (room == SESSION_NO_ROOM)
		log_event(EVENT_QUEUE_FULL, NULL, "new mail gets 452 4.3.1: %s",
			  why);
	else
		log_event(EVENT_QUEUE_ROOM, NULL, "new mail is taken again");
}

static void
room_known(struct commit *i)
{
	struct receiver *r = i->owner;
	const struct queue_settings *q = &r->role->settings->queue;
	const struct store_room *now = &i->room;
	char why[256];

	r->clients.use.used[LOAD_QUEUE] = now->used_bytes;
	r->clients.use.most[LOAD_QUEUE] =
	    now->map_bytes / 100 * q->high_water_percent;
	r->room_asked = false;
	if (i->err.kind != ERR_NONE) {
		log_event(EVENT_STORE_FAILED, NULL, "%s", i->err.text);
		set_room(r, SESSION_NO_ROOM, "its room is not known");
		return;
	}
	snprintf(why, sizeof why,
		 "%llu of %llu MB of the queue are in use, %llu MB of the disk "
		 "are free",
		 (unsigned long long)now->used_bytes >> 20,
		 (unsigned long long)now->map_bytes >> 20,
		 (unsigned long long)now->disk_free_bytes >> 20);
	if (now->used_bytes >= now->map_bytes / 100 * q->high_water_percent ||
	    now->disk_free_bytes < q->min_free_bytes)
		set_room(r, SESSION_NO_ROOM, why);
	else
		set_room(r, SESSION_ROOM, why);
}

static void
ask_room(struct receiver *r)
{
	if (r->room_asked)
		return;
	r->room_asked = true;
	r->room.kind = COMMIT_ROOM;
	r->room.done = room_known;
	r->room.owner = r;
	r->room.count++;
	committer_put(r->clients.committer, &r->room);
}

static void
was_full(struct clients *all)
{
	set_room(receiver_of(all), SESSION_NO_ROOM, "a commit found no room");
}

static void
on_tick(struct timer *t)
{
	struct receiver *r = container_of(t, struct receiver, tick);

	timer_start(t, TICK_MS);
	clients_tick(&r->clients, now_steady_us());
	listeners_tick(&r->listeners);
	if (!r->role->stopping)
		maildrop_tick(r->maildrop, now_steady_us());
	clients_measure(&r->clients, now_steady_us());
	if (!r->role->stopping && ++r->ticks % ROOM_EVERY == 0)
		ask_room(r);
}

static void
cleaned(struct commit *i)
{
	if (i->err.kind != ERR_NONE)
		log_event(EVENT_STORE_FAILED, NULL, "%s", i->err.text);
	if (i->count > 0)
		log_event(EVENT_CLEANED, NULL,
			  "removed what was left of %llu messages that were "
			  "never whole",
			  (unsigned long long)i->count);
}

/* Numbers go on where the queue's last one was; what was never whole of older
 * ones goes. */
static bool
begin(struct receiver *r, struct err *e)
{
	struct txn *t = store_begin(r->store, false, e);
	bool ok = t != NULL && return_key_read(t, &r->clients.key, e);

	if (t != NULL)
		r->clients.last_id = txn_state(t)->last_id;
	store_abort(t);
	if (!ok)
		return false;
	r->clean = (struct commit){
	    .kind = COMMIT_CLEAN, .id = r->clients.last_id, .done = cleaned};
	committer_put(r->clients.committer, &r->clean);
	ask_room(r);
	return true;
}

/* The accounts file, as mtqd handed it over. */
static void
take_accounts(struct receiver *r)
{
	const struct secret *file =
	    r->role->secrets == NULL
		? NULL
		: secret_find(r->role->secrets, "", "accounts");

	if (file != NULL)
		clients_accounts(&r->clients, file->value, file->n);
}

static bool
start(struct role *role, const int *fds, unsigned nfds, struct err *e)
{
	struct receiver *r = &the_receiver;
	const struct settings *s = role->settings;
	uint64_t *salt = &r->clients.crowd.salt;
	struct rlimit files;

	r->role = role;
	if (nfds < 1) {
		err_set(e, ERR_PEER, "mtqd sent no bell");
		return false;
	}
	if (getrandom(salt, sizeof *salt, 0) != (ssize_t)sizeof *salt) {
		err_set(e, ERR_SYSTEM, "getrandom: %m");
		return false;
	}
	if (!listeners_begin(&r->listeners, &r->clients, e))
		return false;
	r->confine = confine_receiver(s, e);
	if (r->confine == NULL)
		return false;
	r->store = store_open(s->state_dir, STORE_WRITE,
			      s->queue.map_size_bytes, s->instance, e);
	if (r->store == NULL)
		return false;
	r->clients.loop = role->loop;
	r->clients.store = r->store;
	r->clients.settings = s;
	if (!clients_sasl_open(&r->clients, e))
		return false;
	take_accounts(r);
	clients_dkim(&r->clients);
	r->clients.full = was_full;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		r->clients.fds_most = files.rlim_cur;
	r->clients.committer =
	    committer_open(role->loop, r->store, fds[nfds - 1]);
	if (!begin(r, e) || !listeners_open(&r->listeners, fds, nfds - 1, e))
		return false;
	listeners_certificates(&r->listeners, role->secrets);
	r->maildrop = maildrop_open(&r->listeners);
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
	bool ok;

	(void)old;
	/* Unlike a worker it would have to send its clients away. */
	if (!confine_receiver_covers(r->confine, role->settings))
		log_event(
		    EVENT_NOTE, NULL,
		    "the maildrop, a resolver's port or one of its files "
		    "is new: the receiver may use it when mtqd is started "
		    "again");
	r->clients.settings = role->settings;
	listeners_close(&r->listeners);
	if (nfds < 1)
		err_set(&e, ERR_PEER, "mtqd sent no bell");
	ok = nfds >= 1 && listeners_open(&r->listeners, fds, nfds - 1, &e);
	listeners_certificates(&r->listeners, role->secrets);
	clients_reconfigure(&r->clients); /* the old settings go in any case */
	if (!ok) {
		log_event(EVENT_FATAL, NULL, "%s", e.text);
		role_done(role, err_exit(&e));
		return;
	}
	close(fds[nfds - 1]); /* the bell, which we have */
	if (role->stopping)
		listeners_close(&r->listeners);
}

static void
stop(struct role *role)
{
	struct receiver *r = &the_receiver;

	(void)role;
	listeners_close(&r->listeners);
	clients_stop(&r->clients);
}

/* Somebody changed an account or a password. */
static void
renewed(struct role *role)
{
	take_accounts(&the_receiver);
	listeners_certificates(&the_receiver.listeners, role->secrets);
}

/* Half the watchdog's time at one batch: then we give no more signs of life,
 * and mtqd starts a receiver whose disk may answer. */
static bool
alive(struct role *role)
{
	return committer_alive(the_receiver.clients.committer, now_steady_us(),
			       role->settings->watchdog_us / 2);
}

static void
after(struct role *role)
{
	struct receiver *r = &the_receiver;

	if (r->clients.committer == NULL)
		return;
	committer_flush(r->clients.committer);
	if (role->stopping && r->clients.n == 0 &&
	    committer_pending(r->clients.committer) == 0)
		role_done(role, EXIT_DONE);
}

int
main(void)
{
	static const struct role_ops ops = {.start = start,
					    .reload = reload,
					    .secrets = renewed,
					    .stop = stop,
					    .alive = alive,
					    .after = after};

	return role_main(ROLE_RECEIVER, &ops);
}
