#include <string.h>

#include "daemon/log.h"
#include "queue/client_private.h"

enum {
	TRIM_ROOM = 16 * 1024, /* a buffer smaller than that may stay */
	TRIM_PART = 8,         /* so little of it is in use */
	FDS_OTHER = 32,        /* descriptors that are no connections */
};

void
client_weigh(struct client *c)
{
	struct clients *all = c->all;
	size_t now = sizeof *c + c->rest.room + c->out.room +
		     c->items * (size_t)CHUNK_MOST + session_memory(c->session);

	if (c->tls != NULL)
		now += CLIENT_TLS_BYTES;
	all->memory_bytes += now - c->memory_bytes;
	c->memory_bytes = now;
}

enum session_room
client_room(const struct clients *all)
{
	if (all->memory_bytes >= all->settings->guard.memory_bytes)
		return SESSION_NO_MEMORY;
	if (all->room == SESSION_ROOM && all->load.high)
		return SESSION_SHED;
	return all->room;
}

unsigned
client_chunks_most(const struct clients *all)
{
	return client_room(all) == SESSION_NO_MEMORY ? 1 : CLIENT_CHUNKS_MOST;
}

/* A large buffer that holds little becomes a small one. */
static void
trim(struct bytes *b)
{
	struct bytes small = {0};

	if (b->room < TRIM_ROOM || b->n > b->room / TRIM_PART)
		return;
	bytes_add(&small, b->data, b->n);
	bytes_free(b);
	*b = small;
}

/* Whoever is slow holds no more than what came; whoever is not has filled its
 * chunk before we look. */
void
client_trim(struct client *c)
{
	trim(session_chunk(c->session));
	trim(&c->rest);
	if (c->out_done == 0)
		trim(&c->out);
	client_weigh(c);
}

/* So much earlier a high load ends our patience. */
static int64_t
hurry_us_of(const struct client *c)
{
	const struct listen_settings *l = &c->gate->limits;
	const int64_t most_us =
	    c->life == LIFE_SHAKING ? l->tls_timeout_us : l->command_timeout_us;

	if (c->life == LIFE_LINGERING)
		return 0;
	if (c->life != LIFE_SHAKING && !session_idle(c->session) &&
	    c->out_done == c->out.n)
		return 0;
	return most_us - load_patience(&c->all->load, most_us);
}

bool
client_too_late(const struct client *c, int64_t now)
{
	const struct load *load = &c->all->load;
	const int64_t hurry_us = hurry_us_of(c);

	if (c->life != LIFE_TALKING || c->out_done < c->out.n)
		return now > c->deadline_us - hurry_us;
	if (c->waits != SESSION_MORE || c->items > 0)
		return false; /* it waits for us */
	if (c->message_deadline_us != 0 && now > c->message_deadline_us)
		return true;
	if (c->message_deadline_us != 0 &&
	    !load_fast_enough(load, session_octets(c->session),
			      now - c->message_begun_us))
		return true;
	return !session_in_data(c->session) && now > c->deadline_us - hurry_us;
}

void
clients_measure(struct clients *all, int64_t steady_us)
{
	struct load_use *u = &all->use;
	const struct settings *s = all->settings;

	u->used[LOAD_MEMORY] = all->memory_bytes;
	u->most[LOAD_MEMORY] = s->guard.memory_bytes;
	u->used[LOAD_DESCRIPTORS] = all->n + FDS_OTHER;
	u->most[LOAD_DESCRIPTORS] = all->fds_most;
	u->used[LOAD_DISK] =
	    (uint64_t)committer_stuck_us(all->committer, steady_us);
	u->most[LOAD_DISK] = (uint64_t)s->watchdog_us / 2;
	if (!load_update(&all->load, u, s->guard.shed_at_percent))
		return;
	if (all->load.high)
		log_event(EVENT_OVERLOAD, NULL,
			  "%u%% in use: %s; mail of the lightest types gets "
			  "451 4.3.2, idle clients get %u s",
			  all->load.percent, load_words(all->load.worst),
			  LOAD_PATIENCE_S);
	else
		log_event(EVENT_RELAXED, NULL, "%u%% in use: all mail is taken",
			  all->load.percent);
}
