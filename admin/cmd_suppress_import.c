/* mtq suppress import: a file streams through, a batch at a time. */
#include "admin/cmd_suppress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BAD_TOLD = 10,          /* lines that are named; all are counted */
	PROGRESS_EVERY = 10000, /* records */
};

struct import {
	struct command *c;
	const struct suppress_options *o;
	struct suppress_stream stream;
	bool terminal; /* stderr is one */
	uint64_t records, bad;
};

static void
progress(const struct import *i)
{
	if (i->terminal && i->records % PROGRESS_EVERY == 0)
		fprintf(stderr, "\r%" PRIu64 " read, %" PRIu64 " changed",
			i->records, i->stream.changed);
}

/* One record; a line that can't be used is named and passed over, a column
 * that is not known ends it before anything is sent. */
static bool
take(struct import *i, const struct fields *f, int *code, struct err *e)
{
	char evidence[SUPPRESS_FORM_TEXT];
	struct suppress_entry x;

	i->records++;
	if (!suppress_form_read(i->o->form, f, &x, evidence, e)) {
		*code = EXIT_NO;
		if (strstr(e->text, "a column this format") != NULL)
			return false;
		if (i->bad++ < BAD_TOLD)
			command_say(i->c, EXIT_NO, "%s", e->text);
		return true;
	}
	if (i->o->reason != NULL)
		x.reason = text_of(i->o->reason);
	if (i->o->until_us != 0)
		x.until_us = (uint64_t)i->o->until_us;
	progress(i);
	return suppress_stream_put(&i->stream, &x, code, e);
}

static int
run(struct import *i, FILE *in)
{
	struct fields_file *f = fields_open(in);
	struct fields *record = must_alloc(sizeof *record);
	struct err e = {.kind = ERR_NONE};
	int code = EXIT_NO;
	bool ok = fields_heading(f, record, &e) &&
		  suppress_form_heading(i->o->form, record, &e);

	while (ok && fields_next(f, record, &e))
		ok = take(i, record, &code, &e);
	ok = ok && e.kind == ERR_NONE &&
	     suppress_stream_finish(&i->stream, &code, &e);
	if (i->terminal && i->records >= PROGRESS_EVERY)
		fprintf(stderr, "\n");
	if (!ok)
		code = command_say(i->c, code, "%s", e.text);
	else if (ferror(in))
		code = command_say(i->c, EXIT_NO, "the file can't be read: %s",
				   strerror(errno));
	else if (i->bad > 0)
		code = command_say(i->c, EXIT_NO,
				   "%" PRIu64 " records could not be used",
				   i->bad);
	else
		code = EXIT_DONE;
	fields_close(f);
	free(record);
	return code;
}

int
suppress_import(struct command *c, const struct suppress_options *o)
{
	struct import i = {
	    .c = c, .o = o, .terminal = isatty(STDERR_FILENO) == 1};
	bool is_stdin = o->argc == 1 && strcmp(o->argv[0], "-") == 0;
	FILE *in = stdin;
	int code;

	if (o->argc != 1 || o->domain != NULL)
		return command_usage(c, NULL);
	if (!is_stdin && (in = fopen(o->argv[0], "re")) == NULL)
		return command_say(c, EXIT_NO, "%s: %s", o->argv[0],
				   strerror(errno));
	if (suppress_stream_open(c, &i.stream, CHANGE_SUPPRESS_ADD, &code)) {
		code = run(&i, in);
		if (!c->json)
			printf("%" PRIu64 " records read, %" PRIu64
			       " addresses added or changed\n",
			       i.records, i.stream.changed);
		suppress_stream_close(&i.stream);
	}
	if (!is_stdin)
		fclose(in);
	return code;
}
