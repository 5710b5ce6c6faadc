#include "daemon/inputs.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/file.h"

void
inputs_open(struct inputs *ins, struct arena *a, struct report *r)
{
	*ins = (struct inputs){.arena = a, .report = r};
	ins->at = must_alloc(INPUTS_FILES * sizeof *ins->at);
}

void
inputs_close(struct inputs *ins)
{
	while (ins->n > 0)
		inputs_pop(ins);
	free(ins->at);
}

static struct input *
push(struct inputs *ins, const char *name, const struct input *from)
{
	struct input *in = &ins->at[ins->n++];

	must(ins->files < INPUTS_FILES);
	ins->files++;
	*in = (struct input){0};
	if (from != NULL) {
		in->from_file = from->scan.file;
		in->from_line = from->scan.line;
		in->includes = from->includes + 1;
	}
	in->scan.arena = ins->arena;
	in->scan.report = ins->report;
	in->scan.file = arena_text(ins->arena, name, strlen(name));
	in->scan.line = 1;
	return in;
}

/* Gives the file its text. */
static void
begin(struct inputs *ins, struct input *in, char *text, size_t n)
{
	unsigned line = 1;

	in->text = text;
	in->scan.p = text;
	in->scan.end = text + n;
	ins->octets += n;
	if (!scan_check(&in->scan)) {
		in->scan.p = in->scan.end;
		return;
	}
	if (n == 0 || text[n - 1] == '\n')
		return;
	for (size_t i = 0; i < n; i++)
		line += text[i] == '\n';
	report_error(ins->report, in->scan.file, line,
		     "no newline at the end: is the file cut off?");
}

static bool
read_input(struct inputs *ins, struct input *in)
{
	size_t n = 0;
	char *text = file_read(in->scan.file, INPUTS_OCTETS - ins->octets, &n);
	const char *why;

	if (text != NULL) {
		begin(ins, in, text, n);
		return true;
	}
	why = errno == EINVAL  ? "not a file"
	      : errno == EFBIG ? "the configuration is over 4 MB"
			       : strerror(errno);
	if (in->from_file != NULL)
		report_error(ins->report, in->from_file, in->from_line,
			     "can't read %s: %s", in->scan.file, why);
	else
		report_error(ins->report, in->scan.file, 0, "can't read: %s",
			     why);
	return false;
}

void
inputs_push_file(struct inputs *ins, const char *path)
{
	push(ins, path, NULL);
}

void
inputs_push_text(struct inputs *ins, const char *name, const char *text,
		 size_t n)
{
	struct input *in = push(ins, name, NULL);

	ins->memory = true;
	if (n > INPUTS_MEMORY) {
		report_error(ins->report, name, 0,
			     "the configuration is over 8 MB");
		n = 0;
	}
	in->text = must_alloc(n + 1);
	if (n > 0)
		memcpy(in->text, text, n);
	begin(ins, in, in->text, n);
}

struct input *
inputs_top(struct inputs *ins)
{
	while (ins->n > 0 && !ins->full) {
		struct input *in = &ins->at[ins->n - 1];

		if (in->text != NULL || read_input(ins, in))
			return in;
		inputs_pop(ins);
	}
	return NULL;
}

void
inputs_pop(struct inputs *ins)
{
	must(ins->n > 0);
	free(ins->at[--ins->n].text);
}

/* Last first, so that the first is read first. */
static void
push_all(struct inputs *ins, const struct input *from, const glob_t *g)
{
	if (g->gl_pathc > INPUTS_FILES - ins->files) {
		report_error(ins->report, from->scan.file, from->scan.line,
			     "include: more than %d files", INPUTS_FILES);
		ins->full = true;
		return;
	}
	for (size_t i = g->gl_pathc; i-- > 0;)
		push(ins, g->gl_pathv[i], from);
}

void
inputs_include(struct inputs *ins, const struct input *in, const char *pattern)
{
	const char *file = in->scan.file, *slash = strrchr(file, '/');
	char *path;
	glob_t g = {0};
	int rc;

	if (*pattern == '/' || slash == NULL)
		path = must_strdup(pattern);
	else /* relative to the file that says it */
		path =
		    must_printf("%.*s/%s", (int)(slash - file), file, pattern);
	rc = glob(path, GLOB_ERR, NULL, &g);
	if (rc == 0)
		push_all(ins, in, &g);
	else if (rc != GLOB_NOMATCH)
		report_error(ins->report, file, in->scan.line,
			     "include: can't list %s", path);
	else if (strpbrk(path, "*?[") == NULL)
		report_error(ins->report, file, in->scan.line,
			     "include: there is no %s", path);
	globfree(&g);
	free(path);
}
