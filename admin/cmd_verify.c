#include "admin/cmd_queue.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "queue/verify.h"

static void
show_progress(void *arg, const struct verify_report *r)
{
	(void)arg;
	fprintf(stderr, "\rmtq: %" PRIu64 " messages read", r->messages);
}

static void
print(const struct command *c, const struct verify_report *r, const char *lie)
{
	const struct {
		const char *name, *words;
		uint64_t n;
	} row[] = {
	    {"messages", "messages", r->messages},
	    {"recipients", "recipients", r->recipients},
	    {"chunks", "chunks of bodies", r->chunks},
	    {"body_bytes", "octets of bodies", r->body_bytes},
	    {"due_rows", "rows in due", r->due_rows},
	    {"partials", "unfinished messages", r->partials},
	    {"entries", "entries of the journal", r->entries},
	};

	if (!c->json) {
		for (size_t i = 0; i < countof(row); i++)
			printf("%12" PRIu64 "  %s\n", row[i].n, row[i].words);
		return;
	}
	printf("{\"good\": %s", lie == NULL ? "true" : "false");
	for (size_t i = 0; i < countof(row); i++)
		printf(", \"%s\": %" PRIu64, row[i].name, row[i].n);
	printf("}\n");
}

/* EXIT_DONE: we may look into it. */
static int
look(const struct command *c, const char *path, enum store_mode mode)
{
	if (mode != STORE_COPY)
		return queue_look(c, path);
	if (access(path, R_OK) == 0 || errno != EACCES)
		return EXIT_DONE; /* what else is wrong, opening it says */
	return command_say(c, EXIT_NOPERM, "%s: %s", path, strerror(errno));
}

/* 0: there is no lie in it; 1: there is, and here it is. */
static int
verify(struct command *c, const char *path, enum store_mode mode,
       uint64_t map_bytes)
{
	struct verify_report r = {0};
	struct err e = {0};
	struct store *s;
	bool progress = isatty(STDERR_FILENO) == 1, good;
	int code = look(c, path, mode);

	if (code != EXIT_DONE)
		return code;
	s = store_open(path, mode, map_bytes, NULL, &e);
	good = s != NULL &&
	       verify_store(s, &r, progress ? show_progress : NULL, NULL, &e);
	store_close(s);
	if (progress && r.messages > 0)
		fprintf(stderr, "\r\033[K");
	if (good || e.kind == ERR_DAMAGED)
		print(c, &r, good ? NULL : e.text);
	if (good)
		return EXIT_DONE;
	if (e.kind != ERR_DAMAGED)
		return command_fail(c, &e);
	return command_say(c, EXIT_NO, "%s", e.text);
}

int
cmd_verify(struct command *c)
{
	static const struct option options[] = {
	    {"file", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
	const struct settings *s;
	const char *file = NULL;
	int o;

	while ((o = getopt_long(c->argc + 1, c->argv - 1, "", options, NULL)) !=
	       -1) {
		if (o != 'f')
			return command_usage(c, NULL);
		file = optarg;
	}
	optind--; /* counts argv[-1] */
	if (c->argc - optind > (file == NULL))
		return command_usage(c, NULL);
	if (file != NULL)
		return verify(c, file, STORE_COPY, 0);
	if (optind < c->argc)
		return verify(c, c->argv[optind], STORE_READ, 0);
	s = command_settings(c);
	if (s == NULL)
		return EXIT_CONFIG;
	return verify(c, s->state_dir, STORE_READ, s->queue.map_size_bytes);
}
