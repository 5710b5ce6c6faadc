#include "admin/relay_test_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/relay_test_auth.h"
#include "admin/relay_test_mail.h"
#include "admin/relay_test_step.h"
#include "admin/relay_test_tls.h"
#include "daemon/now.h"

struct host {
	struct relay_test *t;
	const struct target *g;
	const char *domain;
	char remote[VERDICT_REMOTE_MOST]; /* "host[address]:port" */
	struct relay_test_wire wire;
	struct relay_test_offer offer;
	struct relay_test_seen seen;
	struct policy policy;        /* for looking: DANE is never in the way */
	struct relay_test_mode mode; /* the policy in force, once known */
};

/* --- connection and greeting ---------------------------------------------- */

static enum relay_test_end
lost(struct host *h, const char *name, int64_t began_us, const char *why)
{
	snprintf(h->t->why, sizeof h->t->why, "%s: %s", h->remote, why);
	relay_test_tell(h->t->json, name, STEP_NOT, now_steady_us() - began_us,
			"%s", h->t->why);
	return TEST_NEXT;
}

static enum relay_test_end
dial(struct host *h)
{
	const int64_t began_us = now_steady_us();

	if (!relay_test_wire_open(&h->wire, h->g,
				  h->t->relay->connect_timeout_us))
		return lost(h, "tcp", began_us, h->wire.why);
	relay_test_tell(h->t->json, "tcp", STEP_OK, now_steady_us() - began_us,
			"%s", h->remote);
	return TEST_GOES;
}

static enum relay_test_end
greet(struct host *h)
{
	struct relay_test_wire *w = &h->wire;
	const int64_t began_us = now_steady_us();

	if (!relay_test_wire_reply(w, "the greeting", NULL, NULL,
				   h->t->relay->command_timeout_us))
		return lost(h, "banner", began_us, w->why);
	if (w->reply.code / 100 != 2)
		return lost(h, "banner", began_us, w->reply.text);
	relay_test_tell(h->t->json, "banner", STEP_OK,
			now_steady_us() - began_us, "%s", w->reply.text);
	return TEST_GOES;
}

static enum relay_test_end
hello(struct host *h)
{
	return relay_test_offer(h->t, &h->wire, &h->offer) ? TEST_GOES
							   : TEST_NEXT;
}

/* --- TLS ------------------------------------------------------------------ */

/* False: no TLS comes after it. */
static bool
start_tls(struct host *h)
{
	struct relay_test_wire *w = &h->wire;
	const int64_t began_us = now_steady_us();
	const bool heard =
	    relay_test_wire_say(w, "STARTTLS", "the reply to STARTTLS",
				h->t->relay->command_timeout_us);

	if (heard && w->reply.code == 220) {
		relay_test_tell(h->t->json, "starttls", STEP_OK,
				now_steady_us() - began_us, "%s",
				w->reply.text);
		return true;
	}
	if (heard) /* the words outlive what comes next */
		snprintf(w->why, sizeof w->why, "STARTTLS: %.200s",
			 w->reply.text);
	h->seen.shaken_why = w->why;
	relay_test_tell(h->t->json, "starttls", STEP_NOT,
			now_steady_us() - began_us, "%s", w->why);
	return false;
}

static bool
handshake(struct host *h)
{
	return relay_test_tls(h->t, &h->wire, h->g, h->domain, h->policy.check,
			      &h->seen);
}

/* What the settings in force make of what was seen. */
static void
judge(struct host *h)
{
	h->mode = relay_test_mode(h->t->relay, &h->seen);
	relay_test_tell_modes(h->t, &h->seen);
	if (!h->mode.pass)
		snprintf(h->t->why, sizeof h->t->why, "%s: %s", h->remote,
			 h->mode.why);
}

/* Up to the EHLO that counts.  TEST_GOES: there is a connection, and h->mode
 * says whether mail may use it. */
static enum relay_test_end
approach(struct host *h)
{
	enum relay_test_end end = dial(h);
	bool secured;

	if (end != TEST_GOES)
		return end;
	if (h->seen.implicit) {
		secured = handshake(h);
		judge(h);
		if (!secured)
			return TEST_NEXT;
		end = greet(h);
		return end == TEST_GOES ? hello(h) : end;
	}
	end = greet(h);
	if (end == TEST_GOES)
		end = hello(h);
	if (end != TEST_GOES)
		return end;
	h->seen.offered = h->offer.starttls;
	if (!h->seen.offered) {
		judge(h);
		return TEST_GOES;
	}
	secured = start_tls(h) && handshake(h);
	judge(h);
	/* What was offered in clear counts for nothing (RFC 3207 4.2). */
	return secured ? hello(h) : TEST_NEXT;
}

/* Mail goes in clear though TLS was looked at: with tls = off, or behind a
 * handshake that fails. */
static enum relay_test_end
approach_in_clear(struct host *h)
{
	enum relay_test_end end;

	relay_test_wire_close(&h->wire);
	relay_test_tell(h->t->json, "again", STEP_NOTE, -1,
			"mail goes without TLS: a connection as it would be");
	end = dial(h);
	if (end == TEST_GOES)
		end = greet(h);
	return end == TEST_GOES ? hello(h) : end;
}

/* --- the whole walk ------------------------------------------------------- */

static enum relay_test_end
hand_over(struct host *h)
{
	char auth[128];
	enum relay_test_end end =
	    relay_test_auth(h->t, &h->wire, h->g, &h->offer, auth);

	if (end == TEST_GOES)
		end = relay_test_mail(h->t, &h->wire, &h->offer);
	if (end == TEST_GOES)
		snprintf(h->t->why, sizeof h->t->why, "through %s, %s%s%s",
			 h->remote, h->mode.why, auth[0] != '\0' ? ", " : "",
			 auth);
	return end;
}

/* A host that says nothing to QUIT is not waited for: it took its part. */
static void
leave(struct host *h)
{
	const int64_t within_us =
	    min_of(h->t->relay->command_timeout_us, 10 * SECOND_US);
	const int64_t began_us = now_steady_us();
	struct relay_test_wire *w = &h->wire;
	const bool heard =
	    relay_test_wire_say(w, "QUIT", "the reply to QUIT", within_us);

	relay_test_tell(h->t->json, "quit", heard ? STEP_OK : STEP_NOTE,
			now_steady_us() - began_us, "%s",
			heard ? w->reply.text : w->why);
}

/* Looking at TLS is worth it in every mode; only the settings in force decide
 * about mail. */
static void
set_out(struct host *h)
{
	struct relay_settings look = *h->t->relay;

	look.dane = DANE_NO;
	if (look.tls == TLS_OFF && look.port != 465)
		look.tls = TLS_PREFERRED;
	must(policy_for(&look, TLSA_NONE, &h->policy) == STATUS_COUNT);
	h->seen = (struct relay_test_seen){
	    .implicit = h->policy.implicit,
	    .offered = h->policy.implicit,
	    .shaken_why = "",
	    .tlsa = h->g->tlsa != NULL ? h->g->tlsa->state : TLSA_NONE,
	    .tlsa_why = h->g->tlsa != NULL ? h->g->tlsa->why : "",
	    .auth = h->t->has_auth && h->t->auth.enabled};
	/* The check in force, for the handshake with a client certificate. */
	if (policy_for(h->t->relay, h->seen.tlsa, &h->policy) != STATUS_COUNT)
		h->policy.check = CHECK_NOTHING;
}

enum relay_test_end
relay_test_host(struct relay_test *t, const struct target *g,
		const char *domain)
{
	struct host *h = must_alloc(sizeof *h);
	enum relay_test_end end;

	h->t = t;
	h->g = g;
	h->domain = domain;
	h->wire.fd = -1;
	snprintf(h->remote, sizeof h->remote, "%.200s[%s]:%u", g->host, g->text,
		 (unsigned)t->relay->port);
	set_out(h);
	end = approach(h);
	if (h->mode.pass && !h->mode.tls && h->seen.offered)
		end = approach_in_clear(h);
	if (end == TEST_GOES && !h->mode.pass) {
		leave(h);
		end = TEST_NEXT;
	} else if (end == TEST_GOES) {
		end = hand_over(h);
		leave(h);
	}
	relay_test_wire_close(&h->wire);
	free(h);
	return end;
}
