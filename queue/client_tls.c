#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "queue/client_private.h"

static_assert((int)TLS_SERVER_WORDS == SESSION_TLS_WORDS &&
		  (int)PEER_NAMES == SESSION_TLS_NAMES,
	      "what a handshake tells fits into the session");

enum { RECORD_MOST = 1 << 14 }; /* octets of one (RFC 8446 5.1) */

ssize_t
client_send(struct client *c, const void *p, size_t n)
{
	if (c->tls != NULL)
		return tls_server_send(c->tls, p, n);
	return send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t
client_recv(struct client *c, unsigned char *p, size_t n)
{
	size_t at = 0;
	ssize_t got;

	if (c->tls == NULL)
		return recv(c->fd, p, n, MSG_DONTWAIT);
	do {
		got = tls_server_recv(c->tls, p + at, n - at);
		if (got <= 0) /* what it says it will say again */
			return at > 0 ? (ssize_t)at : got;
		at += (size_t)got;
	} while (n - at >= RECORD_MOST && tls_server_pending(c->tls));
	return (ssize_t)at;
}

bool
client_pending(const struct client *c)
{
	return c->life == LIFE_TALKING && c->tls != NULL &&
	       tls_server_pending(c->tls);
}

void
client_tls_end(struct client *c)
{
	tls_server_close(c->tls);
	c->tls = NULL;
	if (c->keys != NULL)
		c->keys->sessions--;
	c->keys = NULL;
}

static void
failed(struct client *c, const char *why)
{
	log_event(EVENT_TLS_FAILED, NULL,
		  "TLS handshake with unknown[%s] failed: %s", c->text, why);
	client_hang_up(c);
}

void
client_tls_late(struct client *c)
{
	failed(c, "it took too long");
}

static void
done(struct client *c)
{
	struct tls_server_told told;
	const struct peer_certificate *client = &told.client;
	struct session_tls tls = {.on = true};

	tls_server_told(c->tls, now_us() / SECOND_US, &told);
	tls.certified = told.client.holds;
	memcpy(tls.words, told.words, sizeof tls.words);
	memcpy(tls.names, told.client.names, sizeof tls.names);
	tls.nbinding = min_of(told.nbinding, sizeof tls.binding);
	memcpy(tls.binding, told.binding, tls.nbinding);
	log_event(EVENT_TLS, NULL, "client=unknown[%s], %s%s%s%s", c->text,
		  told.words, told.resumed ? ", resumed" : "",
		  client->words[0] == '\0' ? ""
		  : client->holds          ? ", client certificate holds: "
					   : ", client certificate: ",
		  client->words);
	c->life = LIFE_TALKING;
	c->replied = true; /* the time for the next command begins */
	session_secured(c->session, &tls);
	client_go_on(c);
}

void
client_shake(struct client *c)
{
	switch (tls_server_handshake(c->tls)) {
	case TLS_SERVER_DONE:
		done(c);
		break;
	case TLS_SERVER_READ:
		watch_for(&c->watch, LOOP_READ);
		break;
	case TLS_SERVER_WRITE:
		watch_for(&c->watch, LOOP_WRITE);
		break;
	case TLS_SERVER_FAILED:
		failed(c, tls_server_why(c->tls));
		break;
	}
}

/*
 * What is already there, behind STARTTLS, was sent before our 220 could be
 * read: by somebody who does not listen to answers, or on the way into a
 * session that is to be secure (attacks.md A3).
 */
void
client_starttls(struct client *c, size_t unread)
{
	char octet;

	/* What c->rest still holds was the command itself, in two pieces. */
	if (unread > 0 || recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		failed(c, "octets came behind STARTTLS");
	else
		c->life = LIFE_SECURING;
}

/* Nothing waits to be written: from here on every octet belongs to TLS. */
void
client_secure(struct client *c)
{
	if (c->gate->tls == NULL) {
		failed(c, "there is no certificate");
		return;
	}
	bytes_free(&c->rest);
	c->life = LIFE_SHAKING;
	c->keys = c->gate->tls;
	c->keys->sessions++;
	c->tls = tls_server_open(c->keys->setup, c->fd);
	c->deadline_us = now_steady_us() + c->gate->limits.tls_timeout_us;
	client_weigh(c);
	client_shake(c);
}
