#include "admin/cmd_queue.h"

#include <inttypes.h>
#include <unistd.h>

#include "queue/verify.h"

/* The copy must stand alone: it is opened and read like any other queue. */
static bool
verify_copy(const char *path, struct verify_report *r, struct err *e)
{
	struct store *s = store_open(path, STORE_COPY, 0, NULL, e);
	bool good = s != NULL && verify_store(s, r, NULL, NULL, e);

	store_close(s);
	return good;
}

int
cmd_backup(struct command *c)
{
	const struct settings *conf;
	struct verify_report r = {0};
	struct err e = {0};
	struct store *s;
	bool copied;
	int code;

	if (c->argc != 1 || c->argv[0][0] == '-')
		return command_usage(c, NULL);
	conf = command_settings(c);
	if (conf == NULL)
		return EXIT_CONFIG;
	code = queue_look(c, conf->state_dir);
	if (code != EXIT_DONE)
		return code;
	s = store_open(conf->state_dir, STORE_READ, conf->queue.map_size_bytes,
		       conf->instance, &e);
	if (s == NULL)
		return command_fail(c, &e);
	if (access(c->argv[0], F_OK) == 0) {
		store_close(s);
		return command_say(c, EXIT_NO,
				   "%s is there already; a backup never goes "
				   "over a file",
				   c->argv[0]);
	}
	copied = store_backup(s, c->argv[0], &e);
	store_close(s);
	if (!copied)
		return command_fail(c, &e);
	if (!verify_copy(c->argv[0], &r, &e))
		return command_say(c, EXIT_NO,
				   "the copy was made, but it is not good: %s",
				   e.text);
	if (c->json)
		printf("{\"messages\": %" PRIu64 ", \"recipients\": %" PRIu64
		       "}\n",
		       r.messages, r.recipients);
	return command_say(c, EXIT_DONE,
			   "%s: %" PRIu64 " messages, %" PRIu64
			   " recipients, verified",
			   c->argv[0], r.messages, r.recipients);
}
