#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "queue/client_private.h"
#include "queue/door.h"
#include "queue/sasl_server.h"

enum {
	NAME_SHOWN = 128,
};

bool
clients_sasl_open(struct clients *all, struct err *e)
{
	unsigned char salt[MAC_SIZE];

	if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
		err_set(e, ERR_SYSTEM, "getrandom: %m");
		return false;
	}
	all->sasl.guess = guess_open(salt);
	mac_make((struct text){(const char *)salt, sizeof salt},
		 text_of("passwords"), all->sasl.known.key);
	secret_wipe(salt, sizeof salt);
	return true;
}

static struct guess_who
who_is(const struct client *c)
{
	return (struct guess_who){
	    .address = c->key,
	    .account = sasl_server_name(session_sasl(c->session))};
}

/* As fail2ban knows it; blanks would end the name for it.  Who was only put off
 * may be right: fail2ban does not count that. */
static void
log_failure(const struct client *c)
{
	const struct sasl_server *x = session_sasl(c->session);
	const bool tried = sasl_server_result(x) == SASL_SERVER_NO;
	const char *name = sasl_server_name(x);
	char shown[NAME_SHOWN];

	log_safe(name, strlen(name), shown, sizeof shown);
	for (char *p = shown; *p != '\0'; p++)
		if (*p == ' ' || *p == ',' || *p == '[')
			*p = '?';
	log_event(EVENT_AUTH_FAILED, NULL,
		  "warning: unknown[%s]: SASL %s authentication %s: (%s), "
		  "sasl_username=%s",
		  c->text, sasl_server_mechanism(x),
		  tried ? "failed" : "put off", sasl_server_reason(x), shown);
}

/* The step is made: the session says what follows. */
static void
finish(struct client *c)
{
	const struct sasl_server *x = session_sasl(c->session);
	const struct guess_who w = who_is(c);
	struct client_sasl *d = &c->all->sasl;

	if (sasl_server_result(x) == SASL_SERVER_YES && c->sasl_tagged)
		sasl_known_put(&d->known, c->sasl_tag, sasl_server_stored(x));
	if (sasl_server_result(x) == SASL_SERVER_YES && c->sasl_decides)
		guess_right(d->guess, &w, now_steady_us());
	if (sasl_server_result(x) == SASL_SERVER_NO && c->sasl_decides)
		guess_wrong(d->guess, &c->all->settings->guard, &w,
			    now_steady_us());
	if (sasl_server_result(x) == SASL_SERVER_NO ||
	    sasl_server_result(x) == SASL_SERVER_BUSY)
		log_failure(c);
	secret_wipe(c->sasl_tag, sizeof c->sasl_tag);
	c->sasl_tagged = false;
	c->sasl_decides = false;
	c->sasl = false;
	c->waits = SESSION_MORE;
	session_sasl_done(c->session);
}

static void
work(void *arg)
{
	struct client *c = arg;

	if (sasl_server_result(session_sasl(c->session)) == SASL_SERVER_BUSY)
		return; /* put off while it waited */
	sasl_server_step(session_sasl(c->session), c->all->sasl.accounts,
			 c->sasl_now_us);
}

static void
go_on(struct client *c)
{
	if (c->life != LIFE_GONE) {
		client_go_on(c);
		return;
	}
	client_forsake(c);
	client_release(c);
}

static void start(struct clients *all);

static void
done(void *arg)
{
	struct client *c = arg;
	struct clients *all = c->all;
	struct client_sasl *d = &all->sasl;

	d->running--;
	for (size_t i = 0; i < d->running; i++)
		if (d->runs[i] == c)
			d->runs[i] = d->runs[d->running];
	finish(c);
	go_on(c); /* it may be gone now */
	start(all);
}

/* Sessions of accounts that are gone are nobody's from their next message on. */
static void
take_over(struct clients *all)
{
	struct client_sasl *d = &all->sasl;
	struct account_look look;

	accounts_free(d->accounts);
	d->accounts = d->next;
	d->next = NULL;
	for (struct client *c = all->first; c != NULL; c = c->next) {
		const char *name = session_claims(c->session);

		if (*name == '\0' || door_is_local(name))
			continue;
		accounts_look(d->accounts, text_of(name), now_us(), &look);
		if (!look.live)
			session_account_gone(c->session);
	}
}

enum try { TRY_NOW, TRY_LATER, TRY_NEVER };

/* Only a step that says right or wrong waits for others. */
static enum try
may_try(struct client *c)
{
	struct sasl_server *x = session_sasl(c->session);
	struct client_sasl *d = &c->all->sasl;
	struct guess_who runs[CLIENT_SASL_RUNNING];
	const struct guess_who w = who_is(c);

	if (d->accounts == NULL) {
		sasl_server_put_off(x, "no accounts are known");
		return TRY_NEVER;
	}
	for (size_t i = 0; i < d->running; i++)
		runs[i] = who_is(d->runs[i]);
	switch (guess_ask(d->guess, &c->all->settings->guard, &w, runs,
			  c->sasl_decides ? d->running : 0, now_steady_us())) {
	case GUESS_GO:
		return TRY_NOW;
	case GUESS_WAIT:
		return TRY_LATER;
	case GUESS_ADDRESS_SPENT:
		sasl_server_put_off(x, "too many failures from this address");
		break;
	case GUESS_ACCOUNT_SPENT:
		sasl_server_put_off(x, "too many failures as this account");
		break;
	}
	return TRY_NEVER;
}

/* Begins what may run.  New accounts come into force while nothing runs. */
static void
start(struct clients *all)
{
	struct client_sasl *d = &all->sasl;

	if (d->next != NULL && d->running == 0)
		take_over(all);
	while (d->next == NULL && d->first != NULL &&
	       d->running < countof(d->runs)) {
		struct client *c = d->first;

		if (c->life != LIFE_GONE && may_try(c) == TRY_LATER)
			return; /* so do all behind it: one step */
		d->first = c->sasl_next;
		if (c->life == LIFE_GONE) { /* it has tried nothing */
			c->sasl = c->sasl_decides = c->sasl_tagged = false;
			secret_wipe(c->sasl_tag, sizeof c->sasl_tag);
			c->waits = SESSION_MORE;
			client_forsake(c);
			client_release(c);
			continue;
		}
		d->runs[d->running++] = c;
		c->sasl_now_us = now_us();
		loop_work(all->loop, work, done, c);
	}
}

/* Only a password that was not right before has to be computed. */
static bool
is_cheap(struct client *c)
{
	struct client_sasl *d = &c->all->sasl;
	struct sasl_server *x = session_sasl(c->session);
	const unsigned char *stored;

	c->sasl_now_us = now_us();
	if (!c->sasl_tagged)
		return true;
	stored = sasl_known_find(&d->known, c->sasl_tag);
	return stored != NULL &&
	       sasl_server_presume(x, d->accounts, c->sasl_now_us, stored);
}

void
client_sasl(struct client *c)
{
	struct client_sasl *d = &c->all->sasl;
	struct sasl_server *x = session_sasl(c->session);
	struct text key = {(const char *)d->known.key, MAC_SIZE};
	struct client **last = &d->first;
	enum try t;

	if (d->next != NULL && d->running == 0)
		take_over(c->all);
	c->sasl = true;
	c->waits = SESSION_SASL;
	c->sasl_decides = sasl_server_decides(x);
	c->sasl_tagged = sasl_server_tag(x, key, c->sasl_tag);
	t = may_try(c);
	if (t == TRY_NOW && is_cheap(c))
		work(c);
	else if (t != TRY_NEVER) {
		while (*last != NULL)
			last = &(*last)->sasl_next;
		c->sasl_next = NULL;
		*last = c;
		start(c->all);
		return;
	}
	finish(c);
}

void
clients_accounts(struct clients *all, const char *p, size_t n)
{
	unsigned char hash[DIGEST_MOST];
	size_t nhash = digest_of(DIGEST_SHA256, p, n, hash);
	struct accounts *fresh;
	struct err e;

	/* It comes again with each new certificate. */
	if (memcmp(hash, all->sasl.hash, nhash) == 0)
		return;
	memcpy(all->sasl.hash, hash, nhash);
	fresh = accounts_read(p, n, &e);
	if (fresh == NULL) {
		log_event(EVENT_ACCOUNTS, NULL,
			  "accounts: %s; those before stay in force", e.text);
		return;
	}
	log_event(EVENT_ACCOUNTS, NULL, "%zu accounts are in force", fresh->n);
	accounts_free(all->sasl.next);
	all->sasl.next = fresh;
	start(all);
}
