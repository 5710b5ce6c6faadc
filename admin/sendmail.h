/*
 * sendmail - the options that scripts give to sendmail(8), and its main.
 *
 *	-t -i -oi -f -r -F -N -R -V -bm -bs -bp -bi -q	as in mtq-sendmail(8)
 *	-B -O -o* -h -L -m -n -U -v -X -A* -C -G		taken, without effect
 *
 * Pure but for getopt's own variables.
 */
#ifndef MTQ_SENDMAIL_H
#define MTQ_SENDMAIL_H

#include "admin/command.h"

enum sendmail_mode {
	SENDMAIL_SEND,
	SENDMAIL_SMTP,    /* -bs */
	SENDMAIL_QUEUE,   /* -bp, mailq */
	SENDMAIL_ALIASES, /* -bi, newaliases */
	SENDMAIL_FLUSH,   /* -q */
};

struct sendmail_options {
	enum sendmail_mode mode;
	bool from_header;                 /* -t */
	bool ignore_dots;                 /* -i */
	bool tell;                        /* the reply goes to stdout */
	const char *sender;               /* -f; NULL: who calls */
	const char *full_name;            /* -F; "" */
	const char *notify, *ret, *envid; /* NULL: not given */
	int argc;                         /* recipients */
	char **argv;
	char why[128]; /* when it is false */
};

/* argv[0] is not looked at. */
bool sendmail_options(int argc, char **argv,
		      struct sendmail_options *out) MUST_USE;
/* Called as sendmail, mailq or newaliases (by the last part of its name)? */
bool sendmail_called(const char *argv0, enum sendmail_mode *mode) MUST_USE;
int sendmail_main(struct command *c);

#endif
