#include <string.h>

#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/supervisor_private.h"

void
supervisor_set_workers(struct supervisor *v, size_t n)
{
	size_t want = FIRST_WORKER + n;

	for (size_t i = FIRST_WORKER; i < max_of(want, v->nchildren); i++) {
		struct child *c = &v->child[i];

		if (i >= want && c->state != CHILD_ENDED)
			supervisor_stop_child(c);
		else if (i < want &&
			 (i >= v->nchildren || c->state == CHILD_ENDED) &&
			 !c->open)
			child_init(c, ROLE_WORKER,
				   (unsigned)(i - FIRST_WORKER + 1),
				   now_steady_us());
	}
	v->nchildren = max_of(v->nchildren, want);
}

/* What can't change while we run; NULL if nothing of that did. */
static const char *
fixed_key(const struct settings *a, const struct settings *b)
{
	if (strcmp(a->state_dir, b->state_dir) != 0)
		return "state_dir";
	if (strcmp(a->instance, b->instance) != 0)
		return "instance";
	if (strcmp(a->user, b->user) != 0)
		return "user";
	if (strcmp(a->control_path, b->control_path) != 0)
		return "control";
	if (a->queue.map_size_bytes != b->queue.map_size_bytes)
		return "queue map_size";
	return NULL;
}

void
supervisor_log_lines(enum event ev, const struct bytes *report)
{
	const char *p = (const char *)report->data, *end = p + report->n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl != NULL ? (size_t)(nl - p) : (size_t)(end - p);
		char line[1024];

		log_event(ev, NULL, "%s", log_safe(p, n, line, sizeof line));
		p += n + 1;
	}
}

/* The new settings are in force; everybody is told. */
static void
take_over(struct supervisor *v, struct settings *s,
	  const struct sockets_set *set, struct secrets *secrets)
{
	struct sockets_set old = v->listeners;

	settings_free(v->settings);
	v->settings = s;
	v->listeners = *set;
	v->epoch++;
	supervisor_secrets_take(v, secrets, now_steady_us());
	for (size_t i = 0; i < v->nchildren; i++)
		if (v->child[i].open && v->child[i].pid > 0) {
			supervisor_secrets_send(v, &v->child[i]);
			supervisor_configure(v, &v->child[i], -1);
		}
	sockets_leave(&old, set);
	supervisor_set_workers(v, (size_t)s->workers);
	log_event(EVENT_RELOADED, NULL, "reloaded %s", v->path);
	supervisor_files_doubts(v);
}

void
supervisor_reload(struct supervisor *v)
{
	struct bytes report = {0};
	struct settings *s = settings_load(v->path, &report);
	const char *fixed;
	struct secrets *secrets = NULL;
	struct sockets_set set;
	struct err e = {.kind = ERR_NONE};

	notify_send("RELOADING=1");
	if (s == NULL) {
		supervisor_log_lines(EVENT_RELOAD_REFUSED, &report);
		log_event(EVENT_RELOAD_REFUSED, NULL,
			  "%s has errors; the old configuration stays",
			  v->path);
	} else if ((fixed = fixed_key(v->settings, s)) != NULL) {
		log_event(EVENT_RELOAD_REFUSED, NULL,
			  "%s changes %s, which needs a restart of mtqd; the "
			  "old configuration stays",
			  v->path, fixed);
		settings_free(s);
	} else if (!supervisor_secrets_fetch(v, s, &secrets, &e) ||
		   !sockets_bind(s, &v->listeners, &set, &e)) {
		log_event(EVENT_RELOAD_REFUSED, NULL,
			  "%s; the old configuration stays", e.text);
		secrets_free(secrets);
		settings_free(s);
	} else {
		take_over(v, s, &set, secrets);
	}
	bytes_free(&report);
	notify_send("READY=1");
}
