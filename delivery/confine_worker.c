#include "delivery/confine_worker.h"

#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/zone.h"
#include "delivery/maildir.h"
#include "queue/confine.h"

static const char *const certificates[] = {"/etc/ssl",
					   "/usr/share/ca-certificates",
					   "/usr/local/share/ca-certificates"};

static void
add_relay(struct confine *c, const struct relay_settings *r)
{
	struct err e;

	if (r->deliver != DELIVER_MAILDIR) {
		confine_port(c, r->port);
		confine_folder_of(c, r->ca_file);
		confine_folder_of(c, r->client_cert);
	} else if (maildir_make(r->dir, &e)) {
		confine_path(c, r->dir, JAIL_WRITE, false);
	} else {
		log_event(EVENT_NOTE, NULL, "relay %s: %s", r->title, e.text);
	}
}

bool
confine_worker(const struct settings *s, struct err *e)
{
	struct confine *c = must_alloc(sizeof *c);
	bool ok;

	c->any_port = true;
	confine_queue(c, s, JAIL_READ);
	for (size_t i = 0; i < countof(certificates); i++)
		confine_path(c, certificates[i], JAIL_READ, true);
	confine_dns(c, &s->dns);
	/* A reload asks again when the days of DKIM keys begin (signer.c). */
	confine_path(c, ZONE_FILES, JAIL_READ, true);
	for (size_t i = 0; i < s->nrelays; i++)
		add_relay(c, &s->relays[i]);
	ok = confine_close(c, JAIL_WORKER, e);
	confine_done(c);
	free(c);
	return ok;
}
