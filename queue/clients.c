#include "daemon/now.h"
#include "queue/client_private.h"

/* A session that waits for the client is told; one that can't be told, because
 * it does not read or is between clear and TLS, just ends. */
static void
end_late(struct client *c)
{
	if (c->life == LIFE_SHAKING) {
		client_tls_late(c);
	} else if (c->life != LIFE_TALKING || c->out_done < c->out.n) {
		client_hang_up(c);
	} else {
		bytes_free(&c->rest);
		session_timeout(c->session);
		client_go_on(c);
	}
}

void
clients_tick(struct clients *all, int64_t steady_us)
{
	struct client *next;

	for (struct client *c = all->first; c != NULL; c = next) {
		next = c->next; /* only c itself can go meanwhile */
		client_verify_tick(c, steady_us);
		if (c->life == LIFE_GONE)
			continue;
		client_trim(c);
		if (client_too_late(c, steady_us))
			end_late(c);
	}
}

void
clients_stop(struct clients *all)
{
	struct client *next;

	all->stopping = true;
	for (struct client *c = all->first; c != NULL; c = next) {
		next = c->next;
		session_stop(c->session);
		if (c->life == LIFE_SHAKING || c->life == LIFE_SECURING)
			client_hang_up(c); /* no words fit in between */
		else
			client_go_on(c);
	}
}

void
clients_certificates(struct clients *all)
{
	for (struct client *c = all->first; c != NULL; c = c->next)
		if (c->gate != NULL)
			session_offer_tls(c->session, c->gate->tls != NULL);
}

void
clients_reconfigure(struct clients *all)
{
	for (struct client *c = all->first; c != NULL; c = c->next)
		session_reconfigure(c->session, all->settings,
				    c->gate != NULL ? &c->gate->limits : NULL);
	clients_dkim(all);
	clients_certificates(all);
}
