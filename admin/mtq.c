/* mtq - the window's main(): what holds for every subcommand, then one of
 * them. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/command.h"
#include "admin/mailq.h"
#include "admin/sendmail.h"
#include "daemon/file.h"
#include "daemon/now.h"

struct row {
	const char *name;
	int (*run)(struct command *c);
	const char *arguments;
	const char *help;
};
static const struct row rows[] = {
#define C(name, arguments, help) {#name, cmd_##name, arguments, help},
    COMMANDS(C)
#undef C
};

static void
print_help(FILE *out)
{
	fprintf(out, "usage: mtq [-c FILE] [--json] [--no-color] COMMAND ...\n"
		     "\n");
	for (size_t i = 0; i < countof(rows); i++)
		if (strcmp(rows[i].name, "manual") != 0)
			fprintf(out, "  %-8s %.*s\n", rows[i].name,
				(int)strcspn(rows[i].help, "\n"), rows[i].help);
	fprintf(out,
		"  help     how a command is called\n"
		"\n"
		"  -c FILE     configuration (default: $MTQ_CONFIG or " //
		MTQ_SYSCONFDIR "/mtq.conf)\n"
		"  --json      one object a line, stable names\n"
		"  --no-color  also: NO_COLOR in the environment\n"
		"  --version\n");
}

static const struct row *
find_row(const char *name)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	fprintf(stderr, "mtq: there is no command %s; mtq help lists them\n",
		name);
	return NULL;
}

static int
help_about(struct command *c, const struct row *row)
{
	c->name = row->name;
	c->arguments = row->arguments;
	command_help(c, stdout);
	printf("%s\n", row->help);
	return EXIT_DONE;
}

/* --json and --no-color may stand anywhere before "--".  True: somebody asked
 * for help. */
static bool
take_common(struct command *c)
{
	bool help = false, ended = false;
	int kept = 0;

	for (int i = 0; i < c->argc; i++) {
		char *a = c->argv[i];

		ended = ended || strcmp(a, "--") == 0;
		if (!ended && strcmp(a, "--json") == 0)
			c->json = true;
		else if (!ended && strcmp(a, "--no-color") == 0)
			c->color = false;
		else if (!ended &&
			 (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0))
			help = true;
		else
			c->argv[kept++] = a;
	}
	c->argc = kept;
	c->argv[kept] = NULL;
	return help;
}

static int
run_command(struct command *c, int argc, char **argv)
{
	const struct row *row;
	bool help = strcmp(argv[0], "help") == 0;

	if (help && argc == 1) {
		print_help(stdout);
		return EXIT_DONE;
	}
	row = find_row(argv[help]);
	if (row == NULL)
		return EXIT_USAGE;
	if (help)
		return help_about(c, row);
	c->name = row->name;
	c->arguments = row->arguments;
	c->argc = argc - 1;
	c->argv = argv + 1;
	if (take_common(c))
		return help_about(c, row);
	optind = 0; /* getopt_long starts afresh in the command */
	return row->run(c);
}

/* What was printed must have arrived: a full disk is no success. */
static int
finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "mtq: writing the output: %s\n", strerror(errno));
	return code == EXIT_DONE ? EXIT_AGAIN : code;
}

/* Called as sendmail, mailq or newaliases: their options, not ours. */
static int
run_sendmail(struct command *c, enum sendmail_mode mode, int argc, char **argv)
{
	if (c->path == NULL || *c->path == '\0')
		c->path = MTQ_SYSCONFDIR "/mtq.conf";
	c->name = "sendmail";
	c->arguments = "";
	c->argc = argc - 1;
	c->argv = argv + 1;
	if (mode == SENDMAIL_QUEUE)
		return mailq(c);
	return mode == SENDMAIL_ALIASES ? EXIT_DONE : sendmail_main(c);
}

enum { OPTION_JSON = 256, OPTION_NO_COLOR, OPTION_VERSION };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"no-color", no_argument, NULL, OPTION_NO_COLOR},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

int
main(int argc, char **argv)
{
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	struct command c = {.path = getenv("MTQ_CONFIG"), .now_us = now_us()};
	enum sendmail_mode mode;
	int o;

	if (!file_fill_standard(O_RDONLY))
		return EXIT_AGAIN;
	/* Without it UTF-8 would be shown as \xc3\xbc; the C locale of a cron
	 * job does not know better. */
	if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	c.terminal = isatty(STDOUT_FILENO);
	c.color = c.terminal && (plain == NULL || *plain == '\0') &&
		  term != NULL && strcmp(term, "dumb") != 0;
	if (argc > 0 && sendmail_called(argv[0], &mode)) {
		o = finish(run_sendmail(&c, mode, argc, argv));
		settings_free(c.settings);
		return o;
	}
	while ((o = getopt_long(argc, argv, "+c:h", options, NULL)) != -1)
		switch (o) {
		case 'c':
			c.path = optarg;
			break;
		case OPTION_JSON:
			c.json = true;
			break;
		case OPTION_NO_COLOR:
			c.color = false;
			break;
		case OPTION_VERSION:
			printf("mtq %s\n", MTQ_VERSION);
			return finish(EXIT_DONE);
		case 'h':
			print_help(stdout);
			return finish(EXIT_DONE);
		default:
			print_help(stderr);
			return EXIT_USAGE;
		}
	if (c.path == NULL || *c.path == '\0')
		c.path = MTQ_SYSCONFDIR "/mtq.conf";
	if (optind == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	o = finish(run_command(&c, argc - optind, argv + optind));
	settings_free(c.settings);
	return o;
}
