#include "queue/confine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DNS_PORT = 53 };

/* What a resolver reads: where to ask, names of our own, the root's keys. */
static const char *const dns_files[] = {"/etc/resolv.conf", "/etc/hosts",
					"/usr/share/dns", "/dev/urandom"};

/* What does not fit is not allowed. */
static void
own_path(struct confine *c, char *path, enum jail_access access, bool optional)
{
	if (c->npaths < CONFINE_PATHS_MOST)
		c->path[c->npaths++] =
		    (struct jail_path){path, access, optional};
	else
		free(path);
}

void
confine_path(struct confine *c, const char *path, enum jail_access access,
	     bool optional)
{
	own_path(c, must_strdup(path), access, optional);
}

static void
folder_of(struct confine *c, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash != NULL && slash != file)
		own_path(c, must_printf("%.*s", (int)(slash - file), file),
			 JAIL_READ, true);
}

void
confine_folder_of(struct confine *c, const char *file)
{
	/* A link leads elsewhere, as those of certbot do. */
	char *there = realpath(file, NULL);

	folder_of(c, file);
	if (there != NULL && strcmp(there, file) != 0)
		folder_of(c, there);
	free(there);
}

void
confine_queue(struct confine *c, const struct settings *s,
	      enum jail_access access)
{
	confine_path(c, s->state_dir, JAIL_READ, false);
	own_path(c, must_printf("%s/queue.mdb", s->state_dir), access, false);
	/* Who reads is seen there by who writes. */
	own_path(c, must_printf("%s/queue.mdb-lock", s->state_dir), JAIL_WRITE,
		 false);
}

void
confine_port(struct confine *c, uint64_t port)
{
	for (size_t i = 0; i < c->nports; i++)
		if (c->port[i] == port)
			return;
	if (port > 0 && port <= UINT16_MAX && c->nports < CONFINE_PORTS_MOST)
		c->port[c->nports++] = (uint16_t)port;
}

void
confine_dns(struct confine *c, const struct dns_settings *s)
{
	for (size_t i = 0; i < countof(dns_files); i++)
		confine_path(c, dns_files[i], JAIL_READ, true);
	for (size_t i = 0; i < s->trust_anchor.n; i++)
		confine_folder_of(c, s->trust_anchor.item[i]);
	confine_port(c, DNS_PORT);
	for (size_t i = 0; i < s->forward.n; i++) {
		const char *at = strchr(s->forward.item[i], '@');

		if (at != NULL)
			confine_port(c, strtoul(at + 1, NULL, 10));
	}
}

static struct confine_seen
look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct confine_seen){.there = false};
	return (struct confine_seen){true, st.st_dev, st.st_ino};
}

void
confine_look(struct confine *c)
{
	for (size_t i = 0; i < c->npaths; i++)
		c->seen[i] = look_at(c->path[i].path);
}

/* It looks first: what changes before the fence is closed is found to be
 * another one later, and not taken for the one that is allowed. */
bool
confine_close(struct confine *c, enum jail_who who, struct err *e)
{
	const struct jail j = {.who = who,
			       .paths = c->path,
			       .npaths = c->npaths,
			       .ports = c->port,
			       .nports = c->nports};

	confine_look(c);
	return jail_close(&j, e);
}

/* What is not there now needs no rule. */
static bool
is_still(const struct confine_seen *then, const struct confine_seen *now)
{
	return !now->there || (then->there && then->device == now->device &&
			       then->inode == now->inode);
}

static bool
has_path(const struct confine *c, const struct jail_path *p)
{
	struct confine_seen now = look_at(p->path);

	for (size_t i = 0; i < c->npaths; i++)
		if (c->path[i].access >= p->access &&
		    strcmp(c->path[i].path, p->path) == 0 &&
		    (!p->optional || is_still(&c->seen[i], &now)))
			return true;
	return false;
}

static bool
has_port(const struct confine *c, uint16_t port)
{
	for (size_t i = 0; i < c->nports; i++)
		if (c->port[i] == port)
			return true;
	return false;
}

bool
confine_covers(const struct confine *a, const struct confine *b)
{
	for (size_t i = 0; i < b->npaths; i++)
		if (!has_path(a, &b->path[i]))
			return false;
	for (size_t i = 0; i < b->nports; i++)
		if (!has_port(a, b->port[i]))
			return false;
	return true;
}

void
confine_free(struct confine *c)
{
	for (size_t i = 0; i < c->npaths; i++)
		free((char *)(uintptr_t)c->path[i].path);
	free(c);
}

static struct confine *
receivers(const struct settings *s)
{
	struct confine *c = must_alloc(sizeof *c);

	confine_queue(c, s, JAIL_WRITE);
	confine_dns(c, &s->dns);
	/* Names of users who come by a Unix socket, and what they left. */
	confine_path(c, "/etc/passwd", JAIL_READ, true);
	if (*s->maildrop != '\0')
		confine_path(c, s->maildrop, JAIL_WRITE, true);
	return c;
}

struct confine *
confine_receiver(const struct settings *s, struct err *e)
{
	struct confine *c = receivers(s);

	if (confine_close(c, JAIL_RECEIVER, e))
		return c;
	confine_free(c);
	return NULL;
}

bool
confine_receiver_covers(const struct confine *c, const struct settings *s)
{
	struct confine *new = receivers(s);
	bool covers = confine_covers(c, new);

	confine_free(new);
	return covers;
}

/* It makes the queue where there is none: the folder, that is. */
bool
confine_scheduler(const struct settings *s, struct err *e)
{
	struct confine *c = must_alloc(sizeof *c);
	bool ok;

	confine_path(c, s->state_dir, JAIL_WRITE, false);
	ok = confine_close(c, JAIL_SCHEDULER, e);
	confine_free(c);
	return ok;
}
