/*
 * inputs - the files of one configuration: the main one and what it includes.
 *
 * A stack: an included file is read to its end before the one that named it
 * goes on, so that nodes come in the order a reader of the file expects.
 *
 * Owner    inputs_open/inputs_close; an input is valid until its inputs_pop.
 * Errors   go to the report; `full` says that reading stops here.
 */
#ifndef MTQ_INPUTS_H
#define MTQ_INPUTS_H

#include "daemon/scan.h"

enum {
	INPUTS_OCTETS = 4 << 20, /* of all files together */
	INPUTS_MEMORY = 8 << 20, /* of a text from memory: files with every
				    default written out */
	INPUTS_FILES = 256,      /* with everything included */
	INPUTS_DEPTH = 8,        /* includes inside each other */
};

struct conf_node;
struct input {
	struct scan scan;
	char *text;            /* what scan walks over; NULL: not read yet */
	const char *from_file; /* the include line; NULL: the main file */
	unsigned from_line;
	unsigned includes;       /* how many files it is inside of */
	struct conf_node *block; /* the open block; NULL: none */
	unsigned depth;          /* how many blocks are open */
};

struct inputs {
	struct arena *arena;
	struct report *report;
	struct input *at; /* the last one is being read */
	size_t n;
	size_t files;  /* ever pushed */
	size_t octets; /* ever read */
	bool memory;   /* no files: include is refused */
	bool full;     /* a limit of the whole was passed */
};

void inputs_open(struct inputs *ins, struct arena *a, struct report *r);
void inputs_close(struct inputs *ins);
void inputs_push_file(struct inputs *ins, const char *path);
void inputs_push_text(struct inputs *ins, const char *name, const char *text,
		      size_t n);
/* The file to read from, with its text; NULL when all were read. */
struct input *inputs_top(struct inputs *ins) MUST_USE;
void inputs_pop(struct inputs *ins);
/* `in` said "include PATTERN"; false after an error. */
void inputs_include(struct inputs *ins, const struct input *in,
		    const char *pattern);

#endif
