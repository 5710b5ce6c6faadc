#include "admin/relay_test_secret.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "admin/relay_test_step.h"
#include "daemon/now.h"
#include "daemon/run.h"
#include "daemon/token.h"

enum { LOOK_EVERY_MS = 20 }; /* at a command that runs */

static const char COMMAND[] = "cmd:";

/* The command is run as mtqd runs it, and what it prints goes nowhere else. */
static bool
fetch_command(const char *command, struct bytes *out, struct err *e)
{
	struct run r = {.pid = 0};
	enum run_state state = RUN_BUSY;
	struct text token;
	int64_t life_s;
	char why[160];

	if (!run_start(&r, command, now_steady_us(), e))
		return false;
	while ((state = run_poll(&r, now_steady_us(), e)) == RUN_BUSY)
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	if (state == RUN_OK && token_parse(r.out, r.n, &token, &life_s, why)) {
		bytes_add(out, token.p, token.n);
	} else if (state == RUN_OK) {
		err_set(e, ERR_CONFIG, "%s", why);
		state = RUN_FAILED;
	}
	run_done(&r);
	return state == RUN_OK;
}

/* `ref` may be NULL or "": nothing is referred to. */
static void
fetch(struct relay_test *t, const char *what, const char *ref, bool whole)
{
	const int64_t began_us = now_steady_us();
	struct bytes value = {0};
	struct err e = {.kind = ERR_NONE};
	bool ok;

	if (ref == NULL || *ref == '\0')
		return;
	if (strncmp(ref, COMMAND, strlen(COMMAND)) == 0)
		ok = fetch_command(ref + strlen(COMMAND), &value, &e);
	else
		ok = secret_fetch(ref, whole, &value, &e);
	if (ok) {
		secrets_put(t->secrets, t->relay->title, what, value.data,
			    value.n);
		relay_test_tell(t->json, "secret", STEP_OK,
				now_steady_us() - began_us, "%s: %s is there",
				what, ref);
	} else {
		t->secret_missing = true;
		snprintf(t->why, sizeof t->why, "%s: %.100s: %.300s", what, ref,
			 e.text);
		relay_test_tell(t->json, "secret", STEP_NOT,
				now_steady_us() - began_us, "%s", t->why);
	}
	secret_wipe(value.data, value.room);
	bytes_free(&value);
}

static void
fetch_auth(struct relay_test *t)
{
	const struct auth_settings *a = &t->auth;

	t->has_auth = auth_of(t->relay, &t->auth);
	if (!t->has_auth)
		return;
	if (!a->enabled)
		relay_test_tell(t->json, "secret", STEP_NOTE, -1,
				"the credential is stored, not used "
				"(enabled = no)");
	fetch(t, "password", a->password[0], false);
	fetch(t, "password2", a->password[1], false);
	fetch(t, "token", a->token, false);
	/* What is not used can't be missed. */
	if (!a->enabled)
		t->secret_missing = false;
}

static bool
open_trust(struct relay_test *t)
{
	const char *file = t->relay->ca_file;
	const int64_t began_us = now_steady_us();
	struct err e = {.kind = ERR_NONE};

	t->trust = trust_open(file, &e);
	if (t->trust == NULL)
		snprintf(t->why, sizeof t->why, "%s", e.text);
	if (t->trust == NULL || *file != '\0')
		relay_test_tell(t->json, "ca",
				t->trust != NULL ? STEP_OK : STEP_NOT,
				now_steady_us() - began_us, "%s",
				t->trust != NULL ? file : e.text);
	return t->trust != NULL || *file == '\0';
}

static bool
open_setup(struct relay_test *t)
{
	const struct relay_settings *r = t->relay;
	const struct secret *key =
	    secret_find(t->secrets, r->title, "client_key");
	const int64_t began_us = now_steady_us();
	struct err e = {.kind = ERR_NONE};

	t->setup = tls_setup_open(t->trust, r->client_cert, key, &e);
	if (t->setup != NULL) {
		if (tls_setup_has_certificate(t->setup))
			relay_test_tell(t->json, "client_cert", STEP_OK,
					now_steady_us() - began_us,
					"%s with its key", r->client_cert);
		return true;
	}
	snprintf(t->why, sizeof t->why, "%s", e.text);
	relay_test_tell(t->json, "client_cert", STEP_NOT,
			now_steady_us() - began_us, "%s", t->why);
	t->setup = tls_setup_open(t->trust, "", NULL, &e);
	return false;
}

bool
relay_test_secrets(struct relay_test *t)
{
	bool trusts, shows;

	t->secrets = secrets_open();
	fetch_auth(t);
	fetch(t, "client_key", t->relay->client_key, true);
	trusts = open_trust(t);
	shows = open_setup(t);
	return trusts && shows && !t->secret_missing;
}

void
relay_test_forget(struct relay_test *t)
{
	tls_setup_free(t->setup);
	if (t->trust != NULL)
		trust_free(t->trust);
	secrets_free(t->secrets);
}
