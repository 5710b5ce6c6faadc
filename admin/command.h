/*
 * command - the subcommands of mtq: one row each, and what every one of them
 * is given.  Adding one is a row here and admin/cmd_NAME.c with
 * `int cmd_NAME(struct command *c)`, whose result is the exit code (DESIGN 2).
 *
 * Owner    main() in mtq.c owns struct command; settings are loaded at the
 *          first command_settings() and live until the process ends.
 * Errors   every message goes to stderr as "mtq: ..."; stdout has data only.
 */
#ifndef MTQ_COMMAND_H
#define MTQ_COMMAND_H

#include <stdio.h>

#include "daemon/err.h"
#include "daemon/settings.h"

/*	name, arguments, what it does.  Lines end in \n except the last; the
 *	first line of "what it does" stands in the list of commands. */
#define COMMANDS(C)                                                            \
	C(init, "",                                                            \
	  "make an empty queue; mtqd does it too at its first start")          \
	C(verify, "[DIR | --file FILE]",                                       \
	  "read the whole queue: every checksum, reference and counter")       \
	C(backup, "FILE", "copy the queue into a new file while it is used")   \
	C(status, "[--check]",                                                 \
	  "one screen: what runs, what waits, what is wrong now")              \
	C(queue,                                                               \
	  "list [FILTER...] [--limit N]\n"                                     \
	  "show ID [--headers | --body]\n"                                     \
	  "hold [--reason TEXT] ID... | - | FILTER... | --all\n"               \
	  "release ID... | - | FILTER... | --all\n"                            \
	  "retry ID... | - | FILTER... | --all\n"                              \
	  "drop [--yes] ID... | - | FILTER... | --all\n"                       \
	  "bounce [--yes] [--reason TEXT] ID... | - | FILTER... | --all",      \
	  "look at messages and change what happens to them\n"                 \
	  "FILTER: --state WORD[,WORD]  --from ADDRESS  --to ADDRESS  "        \
	  "--domain DOMAIN\n"                                                  \
	  "        --relay NAME  --type TYPE  --older TIME;  * stands for "    \
	  "anything, all "                                                     \
	  "must hold")                                                         \
	C(events,                                                              \
	  "[--follow] [--from EVENT|oldest|now | --reader NAME] "              \
	  "[--kind KIND[,KIND]]... [--limit N]\n"                              \
	  "ack EVENT [--reader NAME]\n"                                        \
	  "readers\n"                                                          \
	  "forget NAME",                                                       \
	  "every change of mail as JSON lines, in order; and who has read "    \
	  "how far\n"                                                          \
	  "--reader goes on behind what NAME has acknowledged; ack without "   \
	  "it is for the reader default")                                      \
	C(history, "[--since TIME] [--attempts] ID | <MESSAGE-ID> | ADDRESS",  \
	  "what became of a message, or of all mail to an address\n"           \
	  "--attempts: each attempt, not only how it ended")                   \
	C(bounces,                                                             \
	  "[--since TIME] [--category WORD[,WORD]] [--domain DOMAIN] "         \
	  "[--type TYPE] [--relay NAME] [--limit N] "                          \
	  "[--by domain|category|relay|type]",                                 \
	  "mail that failed, came back or was complained about\n"              \
	  "since a day ago unless --since says otherwise; the newest last")    \
	C(suppress,                                                            \
	  "list [--domain DOMAIN] [--reason TEXT] [--limit N]\n"               \
	  "add [--reason TEXT] [--until TIME] ADDRESS|@DOMAIN...\n"            \
	  "remove ADDRESS|@DOMAIN...\n"                                        \
	  "import [--format csv|json|ses|sendgrid|mailgun|postmark] "          \
	  "[--reason TEXT] [--until TIME] FILE|-\n"                            \
	  "export [--format csv|json]",                                        \
	  "addresses and domains that get no mail: why, who says so, how "     \
	  "long")                                                              \
	C(send,                                                                \
	  "[-t] [-i] [-f SENDER] [-F NAME] [-N NOTIFY] [-R full|hdrs] "        \
	  "[-V ENVID] [RECIPIENT...]",                                         \
	  "hand over one message from standard input; also as sendmail, "      \
	  "mailq\n"                                                            \
	  "-t: to whom To, Cc and Bcc say; -i: a lone dot is no end")          \
	C(account,                                                             \
	  "list\n"                                                             \
	  "add [--generate | --password-file FILE] [--not-after TIME] NAME\n"  \
	  "passwd [--generate | --password-file FILE] [--not-after TIME] "     \
	  "[--old-not-after TIME | --replace] NAME\n"                          \
	  "remove NAME",                                                       \
	  "who may authenticate here; passwords are never shown\n"             \
	  "--file FILE: another accounts file than the configuration's")       \
	C(quota,                                                               \
	  "[NAME]\n"                                                           \
	  "set NAME [TYPE] NUMBER [--until TIME] [--reason TEXT]\n"            \
	  "unset NAME [TYPE]\n"                                                \
	  "audit",                                                             \
	  "what may still leave, and what was changed at run time\n"           \
	  "audit recomputes every counter; 1 if one differs")                  \
	C(relay,                                                               \
	  "[NAME]\n"                                                           \
	  "pause NAME [--until TIME] [--reason TEXT]\n"                        \
	  "resume NAME\n"                                                      \
	  "test NAME [--to ADDRESS [--send]] [--from ADDRESS] [--all] "        \
	  "[--second]",                                                        \
	  "which relays take mail now, and why others don't\n"                 \
	  "test walks the way to a relay, step by step; 1 if mail would not "  \
	  "go\n"                                                               \
	  "TIME: 2026-11-22, \"2026-11-22 08:00\", 18:00, tomorrow, 2h, 3d")   \
	C(explain,                                                             \
	  "ID\n"                                                               \
	  "--to ADDRESS [--from ADDRESS] [--type TYPE] [--source NAME] "       \
	  "[--listener NAME] [--header \"NAME: VALUE\"]... [--size SIZE] "     \
	  "[--lookup]\n"                                                       \
	  "--client IP [--message FILE] [--auth USER] [--tls] [--cert NAME] "  \
	  "[--listener NAME] [--port N] [--helo NAME] [--from ADDRESS] "       \
	  "[--to ADDRESS] [--no-dns]",                                         \
	  "which relay takes this mail, by which rule and route, and why not " \
	  "another\n"                                                          \
	  "--lookup asks DNS how the relay's hosts must be spoken to\n"        \
	  "--client: what our door says to a client and its message; 1 if it " \
	  "is refused")                                                        \
	C(forecast, "[ID | --type TYPE]",                                      \
	  "when what waits will go, when quotas will be full, what expires")   \
	C(dkim, "[NAME]",                                                      \
	  "the keys that sign mail, and whether the DNS has them\n"            \
	  "NAME: also the record that is to be published")                     \
	C(check, "[FILE]",                                                     \
	  "every error and doubt of a configuration, with file and line")      \
	C(config, "show", "the values in force, and where each came from")     \
	C(manual, "sample | keys", "print what the key table says (for make)")

struct command {
	const char *name;      /* of the row */
	const char *arguments; /* of the row */
	const char *path;      /* the configuration file */
	bool json;             /* --json: one object a line */
	bool color;            /* stdout is a terminal that may be coloured */
	bool terminal;         /* stdout is a terminal */
	int64_t now_us;        /* wall clock at the start */
	/* What stood after the name; --json and --no-color are taken out.
	 * argv[-1] is the name, so that getopt_long(argc + 1, argv - 1, ...)
	 * reads options. */
	int argc;
	char **argv;
	struct settings *settings;
};

#define C(name, arguments, help) int cmd_##name(struct command *c);
COMMANDS(C)
#undef C

/* The configuration; NULL when it is wrong: its errors are on stderr then, and
 * the command ends with EXIT_CONFIG. */
const struct settings *command_settings(struct command *c) MUST_USE;
/* "usage: mtq USAGE" (NULL: the row's own) on stderr; returns EXIT_USAGE. */
int command_usage(const struct command *c, const char *usage);
/* "mtq: ..." on stderr; returns `code`. */
int command_say(const struct command *c, int code, const char *fmt, ...)
    PRINTF(3, 4);
/* The same with e's text and its exit code. */
int command_fail(const struct command *c, const struct err *e);
/* The number behind --limit, at most `most` (as in a configuration; NULL: any).
 * False: it was told what is wrong; EXIT_USAGE. */
bool command_limit(struct command *c, char *text, const char *most,
		   uint64_t *out) MUST_USE;
/* "usage: mtq NAME ARGUMENTS", one line each. */
void command_help(const struct command *c, FILE *out);

#endif
