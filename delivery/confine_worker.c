#include "delivery/confine_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/zone.h"
#include "delivery/maildir.h"

static const char *const certificates[] = {"/etc/ssl",
					   "/usr/share/ca-certificates",
					   "/usr/local/share/ca-certificates"};

/* SMTP, implicit TLS, submission, and what providers have beside them. */
static const uint16_t ports[] = {25, 465, 587, 2525};

static void
add_relay(struct confine *c, const struct relay_settings *r)
{
	if (r->deliver == DELIVER_MAILDIR) {
		confine_path(c, r->dir, JAIL_WRITE, true);
		return;
	}
	confine_port(c, r->port);
	confine_folder_of(c, r->ca_file);
	confine_folder_of(c, r->client_cert);
}

static void
make_folder(const struct relay_settings *r)
{
	struct err e;

	if (r->deliver == DELIVER_MAILDIR && !maildir_make(r->dir, &e))
		log_event(EVENT_NOTE, NULL, "relay %s: %s", r->title, e.text);
}

/* A worker makes a Maildir before its jail is closed, and no later: it was moved
 * away, or its parent is there now, so another worker could. */
static bool
could_be_made(const struct relay_settings *r)
{
	const char *slash = strrchr(r->dir, '/');
	struct stat st;
	char *parent;
	bool ok;

	if (r->deliver != DELIVER_MAILDIR || slash == NULL ||
	    stat(r->dir, &st) == 0 || errno != ENOENT)
		return false;
	parent = must_printf("%.*s/", (int)(slash - r->dir), r->dir);
	ok = access(parent, W_OK | X_OK) == 0;
	free(parent);
	return ok;
}

static struct confine *
needs_of(const struct settings *s)
{
	struct confine *c = must_alloc(sizeof *c);

	confine_queue(c, s, JAIL_READ);
	for (size_t i = 0; i < countof(certificates); i++)
		confine_path(c, certificates[i], JAIL_READ, true);
	for (size_t i = 0; i < countof(ports); i++)
		confine_port(c, ports[i]);
	confine_dns(c, &s->dns);
	for (size_t i = 0; i < s->nrelays; i++)
		add_relay(c, &s->relays[i]);
	return c;
}

struct confine *
confine_worker(const struct settings *s, struct err *e)
{
	struct confine *c = needs_of(s);

	for (size_t i = 0; i < s->nrelays; i++)
		make_folder(&s->relays[i]);
	if (confine_close(c, JAIL_WORKER, e))
		return c;
	confine_free(c);
	return NULL;
}

bool
confine_worker_covers(const struct confine *c, const struct settings *s)
{
	struct confine *new = needs_of(s);
	bool covers = confine_covers(c, new);

	for (size_t i = 0; covers && i < s->nrelays; i++)
		covers = !could_be_made(&s->relays[i]);
	confine_free(new);
	return covers;
}
