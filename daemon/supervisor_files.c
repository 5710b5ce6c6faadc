#include <string.h>
#include <unistd.h>

#include "daemon/certificates.h"
#include "daemon/dkim_keys.h"
#include "daemon/log.h"
#include "daemon/now.h"
#include "daemon/settings_table.h"
#include "daemon/supervisor_private.h"

enum { LOOK_US = 5 * SECOND_US }; /* between two looks at the files */

/* Whose secret this is; a new word here without a role goes to nobody. */
static const struct {
	const char *what;
	enum role_kind role;
} owners[] = {
    {"password", ROLE_WORKER},   {"password2", ROLE_WORKER},
    {"token", ROLE_WORKER},      {"client_key", ROLE_WORKER},
    {"dkim_key", ROLE_WORKER},   {"tls_cert", ROLE_RECEIVER},
    {"tls_key", ROLE_RECEIVER},  {"client_ca", ROLE_RECEIVER},
    {"accounts", ROLE_RECEIVER},
};

static bool
is_of(const char *what, enum role_kind role)
{
	for (size_t i = 0; i < countof(owners); i++)
		if (strcmp(owners[i].what, what) == 0)
			return owners[i].role == role;
	return false;
}

static bool
is_workers(const char *what)
{
	return is_of(what, ROLE_WORKER);
}

static bool
is_receivers(const char *what)
{
	return is_of(what, ROLE_RECEIVER);
}

void
supervisor_secrets_send(struct supervisor *v, struct child *c)
{
	struct err e;
	int fd;

	if (c->kind == ROLE_SCHEDULER)
		return;
	fd = secrets_write_some(
	    v->secrets, c->kind == ROLE_WORKER ? is_workers : is_receivers, &e);
	if (fd < 0) {
		log_event(EVENT_NOTE, NULL, "%s", e.text);
		return;
	}
	channel_send_fds(&c->channel, ROLE_SECRETS, NULL, &fd, 1);
	close(fd);
}

/* --- what the receiver needs ------------------------------------------------ */

static bool
fetch(void *arg, const char *ref, bool public, struct bytes *out, struct err *e)
{
	struct supervisor *v = arg;

	return public ? secret_fetch_public(ref, out, e)
		      : supervisor_secrets_read(v, ref, true, out, e);
}

static bool
fetch_accounts(struct supervisor *v, const struct settings *s,
	       struct secrets *set, struct err *e)
{
	struct settings_place p;
	struct bytes value = {0};
	bool ok;

	if (*s->accounts == '\0')
		return true;
	p = settings_place(s, BLOCK_global, s, "accounts");
	ok = supervisor_secrets_read(v, s->accounts, true, &value, e);
	if (ok)
		secrets_put(set, "", "accounts", value.data, value.n);
	else
		err_add(e, "%s:%u: accounts from %s", p.file, p.line,
			s->accounts);
	secret_wipe(value.data, value.room);
	bytes_free(&value);
	return ok;
}

bool
supervisor_files_fetch(struct supervisor *v, const struct settings *s,
		       struct secrets *set, struct err *e)
{
	const struct certificates_source from = {fetch, v};

	return certificates_fetch(s, &from, set, e) &&
	       fetch_accounts(v, s, set, e);
}

void
supervisor_files_doubts(const struct supervisor *v)
{
	struct bytes text = {0};
	struct report rep = {.out = &text};

	certificates_doubts(v->settings, v->secrets, now_us() / SECOND_US,
			    &rep);
	dkim_keys_doubts(v->settings, v->secrets, &rep);
	report_end(&rep);
	if (text.n > 0)
		supervisor_log_lines(EVENT_NOTE, &text);
	bytes_free(&text);
}

/* Takes one secret of the new set; true if it is another than before. */
static bool
replace(struct supervisor *v, const struct secrets *set, const char *title,
	const char *what)
{
	const struct secret *new = secret_find(set, title, what);
	const struct secret *old = secret_find(v->secrets, title, what);

	if (new == NULL ||
	    (old != NULL &&
	     old->n == new->n &&memcmp(old->value, new->value, new->n) == 0))
		return false;
	secrets_put(v->secrets, title, what, new->value, new->n);
	return true;
}

static bool
replace_all(struct supervisor *v, const struct secrets *set)
{
	const struct settings *s = v->settings;
	bool changed = false;

	for (size_t i = 0; i < s->ncertificates; i++) {
		const char *title = s->certificates[i].title;
		bool cert = replace(v, set, title, "tls_cert");
		bool key = replace(v, set, title, "tls_key");

		if (cert || key)
			log_event(EVENT_NOTE, NULL, "tls %s: a new certificate",
				  title);
		changed = changed || cert || key;
	}
	for (size_t i = 0; i < s->nlistens; i++)
		if (replace(v, set, s->listens[i].title, "client_ca")) {
			log_event(EVENT_NOTE, NULL, "listen %s: new client_ca",
				  s->listens[i].title);
			changed = true;
		}
	if (replace(v, set, "", "accounts")) {
		log_event(EVENT_NOTE, NULL, "accounts: the file is new");
		changed = true;
	}
	return changed;
}

void
supervisor_files_tick(struct supervisor *v, int64_t now_us)
{
	struct child *c = &v->child[RECEIVER];
	struct secrets *set;
	struct err e = {.kind = ERR_NONE};

	if (now_us < v->look_us || v->stop != STOP_NOT)
		return;
	v->look_us = now_us + LOOK_US;
	set = secrets_open();
	/* Told once: it may be half of a change, or stay so for days. */
	if (!supervisor_files_fetch(v, v->settings, set, &e)) {
		if (!v->look_failed)
			log_event(EVENT_NOTE, NULL,
				  "%s; what was read before is used", e.text);
		v->look_failed = true;
	} else {
		v->look_failed = false;
		if (replace_all(v, set) && c->open && c->pid > 0)
			supervisor_secrets_send(v, c);
	}
	secrets_free(set);
}
