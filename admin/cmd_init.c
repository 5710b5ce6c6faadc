#include "admin/command.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/jail.h"
#include "queue/store.h"

/* As mtqd does at its first start: the folder and all in it are the daemon's
 * user's, whoever runs this. */
static bool
prepare_folder(const struct settings *s, struct err *e)
{
	const struct passwd *pw;

	if (mkdir(s->state_dir, 0700) != 0 && errno != EEXIST) {
		err_set(e, ERR_SYSTEM, "%s: %m", s->state_dir);
		return false;
	}
	if (geteuid() != 0 || s->user[0] == '\0')
		return true;
	pw = getpwnam(s->user);
	if (pw == NULL) {
		err_set(e, ERR_CONFIG, "user %s: there is no such user",
			s->user);
		return false;
	}
	if (chown(s->state_dir, pw->pw_uid, pw->pw_gid) != 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", s->state_dir);
		return false;
	}
	return jail_drop(s->user, e);
}

int
cmd_init(struct command *c)
{
	const struct settings *s;
	struct err e = {0};

	if (c->argc != 0)
		return command_usage(c, NULL);
	s = command_settings(c);
	if (s == NULL)
		return EXIT_CONFIG;
	if (store_exists(s->state_dir))
		return command_say(c, EXIT_NO, "%s has a queue already",
				   s->state_dir);
	if (!prepare_folder(s, &e) ||
	    !store_create(s->state_dir, s->queue.map_size_bytes, s->instance,
			  c->now_us, &e))
		return command_fail(c, &e);
	return command_say(c, EXIT_DONE, "made an empty queue in %s",
			   s->state_dir);
}
