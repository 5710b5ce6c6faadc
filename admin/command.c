#include "admin/command.h"

#include <stdarg.h>
#include <string.h>

const struct settings *
command_settings(struct command *c)
{
	struct bytes report = {0};

	if (c->settings != NULL)
		return c->settings;
	c->settings = settings_load(c->path, &report);
	/* Doubts are what `mtq check` is for; here they would only be in the
	 * way. */
	if (c->settings == NULL)
		fwrite(report.data, 1, report.n, stderr);
	bytes_free(&report);
	return c->settings;
}

void
command_help(const struct command *c, FILE *out)
{
	const char *lead = "usage:", *line = c->arguments;
	size_t n;

	do {
		n = strcspn(line, "\n");
		fprintf(out, "%s mtq %s%s%.*s\n", lead, c->name,
			n > 0 ? " " : "", (int)n, line);
		lead = "      ";
		line += n;
	} while (*line++ == '\n');
}

int
command_usage(const struct command *c, const char *usage)
{
	if (usage == NULL)
		command_help(c, stderr);
	else
		fprintf(stderr, "usage: mtq %s\n", usage);
	return EXIT_USAGE;
}

int
command_say(const struct command *c, int code, const char *fmt, ...)
{
	va_list ap;

	(void)c;
	fputs("mtq: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

int
command_fail(const struct command *c, const struct err *e)
{
	return command_say(c, err_exit(e), "%s", e->text);
}

bool
command_limit(struct command *c, char *text, const char *most, uint64_t *out)
{
	const struct value_text value = {.item = &text, .n = 1};
	struct arena a = {NULL};
	char why[VALUE_WHY];
	bool ok = value_parse(VALUE_count, &value, NULL, most, &a, out, why);

	arena_free(&a);
	if (!ok)
		command_say(c, EXIT_USAGE, "--limit %.40s: %s", text, why);
	return ok;
}
