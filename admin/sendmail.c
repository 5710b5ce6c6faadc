#include "admin/sendmail.h"

#include <getopt.h>
#include <string.h>

bool
sendmail_called(const char *argv0, enum sendmail_mode *mode)
{
	static const struct {
		const char *name;
		enum sendmail_mode mode;
	} row[] = {{"sendmail", SENDMAIL_SEND},
		   {"mailq", SENDMAIL_QUEUE},
		   {"newaliases", SENDMAIL_ALIASES}};
	const char *slash = strrchr(argv0, '/');
	const char *name = slash != NULL ? slash + 1 : argv0;

	for (size_t i = 0; i < countof(row); i++)
		if (strcmp(name, row[i].name) == 0) {
			*mode = row[i].mode;
			return true;
		}
	return false;
}

static bool
wrong(struct sendmail_options *o, const char *why)
{
	snprintf(o->why, sizeof o->why, "%s", why);
	return false;
}

static bool
take_mode(struct sendmail_options *o, const char *arg)
{
	switch (arg[0]) {
	case 'm':
		o->mode = SENDMAIL_SEND;
		return true;
	case 's':
		o->mode = SENDMAIL_SMTP;
		return true;
	case 'p':
		o->mode = SENDMAIL_QUEUE;
		return true;
	case 'i':
	case 'I':
		o->mode = SENDMAIL_ALIASES;
		return true;
	case 'd':
	case 'D':
		return wrong(o, "-bd: the server is mtqd");
	default:
		return wrong(o, "-b: only m, s, p and i are known");
	}
}

/* -q, -qf, -qI..., -qR...: what waits is tried now; -q15m is about a daemon. */
static void
take_flush(struct sendmail_options *o, const char *arg)
{
	if (arg == NULL || arg[0] < '0' || arg[0] > '9')
		o->mode = SENDMAIL_FLUSH;
}

static bool
take(struct sendmail_options *o, int option, const char *arg)
{
	switch (option) {
	case 't':
		o->from_header = true;
		return true;
	case 'i':
		o->ignore_dots = true;
		return true;
	case 'o': /* -oi; all other ones have no effect here */
		o->ignore_dots =
		    o->ignore_dots || (arg[0] == 'i' && arg[1] == '\0');
		return true;
	case 'f':
	case 'r':
		o->sender = arg;
		return true;
	case 'F':
		o->full_name = arg;
		return true;
	case 'N':
		o->notify = arg;
		return true;
	case 'R':
		if (strcmp(arg, "full") != 0 && strcmp(arg, "hdrs") != 0)
			return wrong(o, "-R: full or hdrs");
		o->ret = arg;
		return true;
	case 'V':
		o->envid = arg;
		return true;
	case 'b':
		return take_mode(o, arg);
	case 'q':
		take_flush(o, arg);
		return true;
	case '?':
		return wrong(o, "an option that sendmail does not have, or one "
				"without its value");
	default: /* known, and without effect */
		return true;
	}
}

bool
sendmail_options(int argc, char **argv, struct sendmail_options *out)
{
	int option;

	*out = (struct sendmail_options){.full_name = ""};
	optind = 0;
	opterr = 0;
	while ((option = getopt(
		    argc, argv,
		    "+A:B:C:F:GL:N:O:R:UV:X:b:f:h:imno:p:q::r:tv")) != -1)
		if (!take(out, option, optarg))
			return false;
	out->argc = argc - optind;
	out->argv = argv + optind;
	return true;
}
