#include <stdlib.h>
#include <string.h>

#include "daemon/dkim_keys.h"
#include "daemon/log.h"
#include "daemon/settings_auth.h"
#include "daemon/settings_table.h"
#include "daemon/supervisor_private.h"

/* --- from the configuration ------------------------------------------------- */

/* What one reading of the references makes. */
struct fetch {
	struct supervisor *v;
	const struct settings *s;
	struct secrets *set;
	struct err *e;
};

static const char ENVIRONMENT[] = "env"; /* no relay: v->environment's */

/* A variable is taken once and then taken out of the environment: whom we
 * start would inherit it. */
static bool
read_env(struct supervisor *v, const char *ref, bool whole, struct bytes *out,
	 struct err *e)
{
	const struct secret *known =
	    secret_find(v->environment, ENVIRONMENT, ref);

	if (known != NULL) {
		bytes_add(out, known->value, known->n);
		return true;
	}
	if (!secret_fetch(ref, whole, out, e))
		return false;
	secrets_put(v->environment, ENVIRONMENT, ref, out->data, out->n);
	secret_forget(ref);
	return true;
}

bool
supervisor_secrets_read(struct supervisor *v, const char *ref, bool whole,
			struct bytes *out, struct err *e)
{
	return strncmp(ref, "env:", 4) == 0 ? read_env(v, ref, whole, out, e)
					    : secret_fetch(ref, whole, out, e);
}

/* One secret of a block; `key` is where it stands. */
static bool
fetch_one(struct fetch *f, enum block_kind kind, const void *block,
	  const char *key, const char *what, const char *ref, bool whole)
{
	struct settings_place p = settings_place(f->s, kind, block, key);
	const char *title = ((const struct block_head *)block)->title;
	struct bytes value = {0};
	bool ok = supervisor_secrets_read(f->v, ref, whole, &value, f->e);

	if (ok)
		secrets_put(f->set, title, what, value.data, value.n);
	else
		err_add(f->e, "%s:%u: %s %s: %s from %s", p.file, p.line,
			settings_blocks[kind].name, title, what, ref);
	secret_wipe(value.data, value.room);
	bytes_free(&value);
	return ok;
}

static bool
is_command(const char *ref)
{
	return strncmp(ref, "cmd:", 4) == 0;
}

/* Only what is used: a credential that is kept unused need not be there. */
static bool
fetch_relay(struct fetch *f, const struct relay_settings *r)
{
	static const char *const passwords[AUTH_PASSWORDS] = {"password",
							      "password2"};
	struct auth_settings a;
	bool ok = true;

	if (!r->enabled || r->deliver == DELIVER_MAILDIR)
		return true;
	if (*r->client_key != '\0')
		ok = fetch_one(f, BLOCK_relay, r, "client_key", "client_key",
			       r->client_key, true);
	if (!auth_of(r, &a) || !a.enabled)
		return ok;
	for (size_t i = 0; ok && i < AUTH_PASSWORDS; i++)
		if (a.password[i] != NULL)
			ok = fetch_one(f, BLOCK_relay, r, "auth", passwords[i],
				       a.password[i], false);
	if (ok && a.token != NULL && !is_command(a.token))
		ok = fetch_one(f, BLOCK_relay, r, "auth", "token", a.token,
			       false);
	return ok;
}

bool
supervisor_secrets_fetch(struct supervisor *v, const struct settings *s,
			 struct secrets **out, struct err *e)
{
	struct fetch f = {v, s, secrets_open(), e};
	bool ok = true;

	if (v->environment == NULL)
		v->environment = secrets_open();
	for (size_t i = 0; ok && i < s->nrelays; i++)
		ok = fetch_relay(&f, &s->relays[i]);
	for (size_t i = 0; ok && i < s->ndkims; i++)
		ok = fetch_one(&f, BLOCK_dkim, &s->dkims[i], "key", "dkim_key",
			       s->dkims[i].key, true);
	ok = ok && dkim_keys_check(s, f.set, e);
	ok = ok && supervisor_files_fetch(v, s, f.set, e);
	if (ok)
		*out = f.set;
	else
		secrets_free(f.set);
	return ok;
}

/* --- tokens ----------------------------------------------------------------- */

/* The same command for the same relay goes on where it was. */
static void
keep_token(struct supervisor *v, const struct token_source *old,
	   struct token_source *new, const struct secrets *was)
{
	const struct secret *value = secret_find(was, old->relay, "token");

	if (strcmp(old->relay, new->relay) != 0 ||
	    strcmp(old->ref, new->ref) != 0)
		return;
	new->times = old->times;
	new->asked = old->asked;
	if (new->command && value != NULL)
		secrets_put(v->secrets, new->relay, "token", value->value,
			    value->n);
}

static void
add_token(struct supervisor *v, const struct relay_settings *r, const char *ref,
	  int64_t now_us)
{
	struct token_source *t = &v->token[v->ntokens++];

	must(v->ntokens <= SETTINGS_RELAYS);
	*t = (struct token_source){.relay = must_strdup(r->title),
				   .ref = must_strdup(ref),
				   .command = is_command(ref),
				   .times = token_begin(now_us)};
	if (!t->command)
		token_got(&t->times, 0, now_us);
}

void
supervisor_secrets_take(struct supervisor *v, struct secrets *set,
			int64_t now_us)
{
	struct token_source old[SETTINGS_RELAYS];
	struct secrets *was = v->secrets;
	size_t nold = v->ntokens;

	memcpy(old, v->token, nold * sizeof *old);
	run_done(&v->run); /* it is asked again if it still counts */
	v->secrets = set;
	v->ntokens = 0;
	for (size_t i = 0; i < v->settings->nrelays; i++) {
		const struct relay_settings *r = &v->settings->relays[i];
		struct auth_settings a;

		/* A variable of ours does not change. */
		if (r->enabled && r->deliver == DELIVER_SMTP &&
		    auth_of(r, &a) && a.enabled && a.token != NULL &&
		    strncmp(a.token, "env:", 4) != 0)
			add_token(v, r, a.token, now_us);
	}
	for (size_t i = 0; i < nold; i++) {
		for (size_t j = 0; j < v->ntokens; j++)
			keep_token(v, &old[i], &v->token[j], was);
		free(old[i].relay);
		free(old[i].ref);
	}
	secrets_free(was);
	if (!secrets_locked(set))
		log_event(EVENT_JAIL, NULL,
			  "secrets can't all be locked in memory and may reach "
			  "the swap: RLIMIT_MEMLOCK is too low");
}

/* A token is new, which only workers have. */
static void
send_all(struct supervisor *v)
{
	for (size_t i = 0; i < v->nchildren; i++)
		if (v->child[i].open && v->child[i].pid > 0 &&
		    v->child[i].kind == ROLE_WORKER)
			supervisor_secrets_send(v, &v->child[i]);
}

static void
failed(struct supervisor *v, struct token_source *t, const char *why,
       int64_t now_us)
{
	const bool some = secret_find(v->secrets, t->relay, "token") != NULL;

	t->asked = true;
	token_failed(&t->times, now_us);
	log_event(EVENT_TOKEN_FAILED, NULL,
		  "relay %s: token from %s: %s; asked again in %d s%s",
		  t->relay, t->ref, why,
		  (int)((t->times.due_us - now_us) / SECOND_US),
		  some ? ", the old one is used" : "; there is none");
}

/* True: the workers must be told. */
static bool
got(struct supervisor *v, struct token_source *t, const char *p, size_t n,
    int64_t life_s, int64_t now_us)
{
	const struct secret *old = secret_find(v->secrets, t->relay, "token");
	bool same = old != NULL && old->n == n && memcmp(old->value, p, n) == 0;

	t->asked = true;
	token_got(&t->times, life_s, now_us);
	if (same)
		return false;
	secrets_put(v->secrets, t->relay, "token", p, n);
	if (life_s > 0)
		log_event(EVENT_TOKEN, NULL,
			  "relay %s: a new token, good for %d s", t->relay,
			  (int)life_s);
	else
		log_event(EVENT_TOKEN, NULL, "relay %s: a new token", t->relay);
	return true;
}

static bool
look_at_file(struct supervisor *v, struct token_source *t, int64_t now_us)
{
	struct bytes value = {0};
	bool changed = false;
	struct err e;

	if (secret_fetch(t->ref, false, &value, &e))
		changed =
		    got(v, t, (const char *)value.data, value.n, 0, now_us);
	else
		failed(v, t, e.text, now_us);
	secret_wipe(value.data, value.room);
	bytes_free(&value);
	return changed;
}

/* The command that runs has ended, or not yet. */
static bool
poll_command(struct supervisor *v, int64_t now_us)
{
	struct token_source *t = &v->token[v->running];
	bool changed = false;
	struct text token;
	int64_t life_s;
	char why[160];
	struct err e;

	switch (run_poll(&v->run, now_us, &e)) {
	case RUN_BUSY:
		return false;
	case RUN_OK:
		if (token_parse(v->run.out, v->run.n, &token, &life_s, why))
			changed = got(v, t, token.p, token.n, life_s, now_us);
		else
			failed(v, t, why, now_us);
		break;
	case RUN_FAILED:
		failed(v, t, e.text, now_us);
		break;
	}
	run_done(&v->run);
	return changed;
}

/* The one that is due for longest. */
static struct token_source *
next_due(struct supervisor *v, int64_t now_us)
{
	struct token_source *best = NULL;

	for (size_t i = 0; i < v->ntokens; i++)
		if (v->token[i].times.due_us <= now_us &&
		    (best == NULL ||
		     v->token[i].times.due_us < best->times.due_us))
			best = &v->token[i];
	return best;
}

static bool
expire(struct supervisor *v, int64_t now_us)
{
	bool changed = false;

	for (size_t i = 0; i < v->ntokens; i++) {
		struct token_source *t = &v->token[i];

		if (!token_expired(&t->times, now_us))
			continue;
		secrets_drop(v->secrets, t->relay, "token");
		t->times.expires_us = INT64_MIN;
		changed = true;
	}
	return changed;
}

void
supervisor_secrets_tick(struct supervisor *v, int64_t now_us)
{
	bool changed = expire(v, now_us);
	struct token_source *t;
	struct err e;

	if (v->run.pid > 0)
		changed = poll_command(v, now_us) || changed;
	t = v->run.pid > 0 ? NULL : next_due(v, now_us);
	if (t != NULL && !t->command)
		changed = look_at_file(v, t, now_us) || changed;
	else if (t != NULL &&
		 run_start(&v->run, t->ref + strlen("cmd:"), now_us, &e))
		v->running = (size_t)(t - v->token);
	else if (t != NULL)
		failed(v, t, e.text, now_us);
	if (changed)
		send_all(v);
}

bool
supervisor_secrets_wait(const struct supervisor *v)
{
	for (size_t i = 0; i < v->ntokens; i++)
		if (v->token[i].command && !v->token[i].asked)
			return true;
	return false;
}

void
supervisor_secrets_refused(struct supervisor *v, const char *relay, size_t n,
			   int64_t now_us)
{
	for (size_t i = 0; i < v->ntokens; i++) {
		struct token_source *t = &v->token[i];

		if (strlen(t->relay) == n && memcmp(t->relay, relay, n) == 0 &&
		    token_refused(&t->times, now_us))
			log_event(EVENT_TOKEN_FAILED, NULL,
				  "relay %s refused its token; a new one is "
				  "asked from %s",
				  t->relay, t->ref);
	}
}
