#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/account_look.h"
#include "admin/command.h"
#include "admin/show.h"
#include "daemon/certificates.h"
#include "daemon/dkim_keys.h"
#include "daemon/file.h"
#include "daemon/inputs.h"
#include "daemon/now.h"
#include "daemon/netset.h"
#include "daemon/settings.h"

/* One line of a report, "FILE:LINE: warning: TEXT", taken apart. */
struct message {
	const char *file;
	size_t nfile;
	unsigned line; /* 0: the file as a whole */
	bool warning;
	const char *text;
	size_t ntext;
};

/* The file name ends at the first ": "; before it may stand its line. */
static bool
take_apart(const char *p, size_t n, struct message *m)
{
	static const char mark[] = "warning: ";
	const char *end = memmem(p, n, ": ", 2), *digit;
	unsigned times = 1;

	*m = (struct message){.file = p};
	if (end == NULL)
		return false;
	for (digit = end; digit > p && digit[-1] >= '0' && digit[-1] <= '9';
	     digit--) {
		m->line += (unsigned)(digit[-1] - '0') * times;
		times *= 10;
	}
	if (digit == end || digit == p || digit[-1] != ':') {
		m->line = 0;
		digit = end + 1;
	}
	m->nfile = (size_t)(digit - 1 - p);
	m->text = end + 2;
	m->ntext = n - (size_t)(m->text - p);
	m->warning = m->ntext >= strlen(mark) &&
		     memcmp(m->text, mark, strlen(mark)) == 0;
	if (m->warning) {
		m->text += strlen(mark);
		m->ntext -= strlen(mark);
	}
	return true;
}

static const struct show_field message_fields[] = {
    {"file", NULL, SHOW_TEXT, false},
    {"line", NULL, SHOW_COUNT, false},
    {"severity", NULL, SHOW_TEXT, false},
    {"text", NULL, SHOW_TEXT, false},
};

/* Counts the warnings of the report; with `out`, each message is an object. */
static unsigned
walk(const struct bytes *report, FILE *out)
{
	const char *p = (const char *)report->data;
	size_t left = report->n;
	unsigned warnings = 0;

	while (left > 0) {
		const char *end = memchr(p, '\n', left);
		size_t n = end ? (size_t)(end - p) : left;
		struct message m;

		if (!take_apart(p, n, &m)) /* "and 3 more" */
			m = (struct message){.text = p, .ntext = n, .file = ""};
		warnings += m.warning;
		if (out != NULL) {
			const struct show_value value[] = {
			    show_text((struct text){m.file, m.nfile}),
			    m.line ? show_count(m.line) : show_none(),
			    show_word(m.warning ? "warning" : "error"),
			    show_text((struct text){m.text, m.ntext}),
			};

			show_json(out, message_fields, countof(value), value);
		}
		p += n + (end != NULL);
		left -= n + (end != NULL);
	}
	return warnings;
}

/* How old the sets of networks are that the configuration names. */
static void
print_sets(const struct settings *s, int64_t now_us)
{
	for (size_t i = 0; s->netsets != NULL && i < s->netsets->n; i++) {
		const struct netset *set = &s->netsets->set[i];
		int days = netset_age_days(set, now_us);

		printf("%s: @%s, %zu network%s as of %s", set->file, set->name,
		       set->nets.n, set->nets.n == 1 ? "" : "s", set->as_of);
		if (days >= 0)
			printf(", %d day%s ago", days, days == 1 ? "" : "s");
		putchar('\n');
	}
}

/* A file that isn't there is not one with errors. */
static bool
is_readable(const char *path)
{
	size_t n;
	char *text = file_read(path, INPUTS_OCTETS, &n);
	bool ok = text != NULL || errno == EFBIG;

	free(text);
	return ok;
}

/* What only whoever has these libraries can tell: certificates, keys and
 * accounts. */
static bool
look(const struct settings *s, struct bytes *report)
{
	struct report r = {.out = report};

	certificates_look(s, now_us() / SECOND_US, &r);
	dkim_keys_look(s, &r);
	account_look(s, &r);
	report_end(&r);
	return r.errors == 0;
}

int
cmd_check(struct command *c)
{
	const char *path = c->argc > 0 ? c->argv[0] : c->path;
	struct bytes report = {0};
	unsigned warnings;
	struct settings *s;
	bool ok;

	if (c->argc > 1)
		return command_usage(c, NULL);
	if (!is_readable(path))
		return command_say(c, EXIT_CONFIG, "%s: can't read: %s", path,
				   errno == EINVAL ? "not a file"
						   : strerror(errno));
	s = settings_load(path, &report);
	ok = s != NULL && look(s, &report);
	if (ok && s->netsets != NULL) {
		struct report r = {.out = &report};

		netsets_tell_ages(s->netsets, c->now_us, &r);
	}
	if (ok && !c->json)
		print_sets(s, c->now_us);
	settings_free(s);
	warnings = walk(&report, c->json ? stdout : NULL);
	if (report.n > 0 && !c->json) {
		fflush(stdout);
		fwrite(report.data, 1, report.n, stderr);
	}
	if (ok && !c->json)
		printf("%s: ok, %u warning%s\n", path, warnings,
		       warnings == 1 ? "" : "s");
	bytes_free(&report);
	return ok ? EXIT_DONE : EXIT_NO;
}
