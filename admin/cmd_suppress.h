/*
 * cmd_suppress - `mtq suppress VERB`: the options its verbs share, and the
 * verbs.
 */
#ifndef MTQ_CMD_SUPPRESS_H
#define MTQ_CMD_SUPPRESS_H

#include "admin/command.h"
#include "admin/order.h"
#include "admin/suppress_form.h"
#include "queue/suppress.h"

enum { SUPPRESS_LIST_LIMIT = 100 };

struct suppress_options {
	const char *domain; /* NULL: all */
	const char *reason; /* NULL: as it comes */
	int64_t until_us;   /* 0: for good */
	uint64_t limit;     /* 0: none */
	enum suppress_form form;
	bool form_given;
	int argc; /* what is left */
	char **argv;
};

int suppress_list(struct command *c, const struct suppress_options *o);
int suppress_export(struct command *c, const struct suppress_options *o);
int suppress_import(struct command *c, const struct suppress_options *o);

/* Entries on their way to mtqd, in batches; zeroed memory and an order. */
struct suppress_stream {
	struct order *order;
	enum control_change_kind change;
	struct bytes batch;
	unsigned nbatch;  /* entries in it */
	unsigned ahead;   /* batches without an answer */
	uint64_t changed; /* so far, as mtqd says */
	uint64_t refused; /* batches that mtqd did not understand: never */
};
/* False: nobody listens; *code is what to end with, why is on stderr. */
bool suppress_stream_open(struct command *c, struct suppress_stream *s,
			  enum control_change_kind change, int *code) MUST_USE;
bool suppress_stream_put(struct suppress_stream *s,
			 const struct suppress_entry *x, int *code,
			 struct err *e) MUST_USE;
bool suppress_stream_finish(struct suppress_stream *s, int *code,
			    struct err *e) MUST_USE;
void suppress_stream_close(struct suppress_stream *s);

#endif
