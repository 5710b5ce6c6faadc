#include "daemon/archive_to.h"

#include <stdio.h>
#include <string.h>

static const char MAILDIR[] = "maildir:";

const char *
archive_folder(const struct archive_settings *a)
{
	const size_t n = sizeof MAILDIR - 1;

	return strncmp(a->to, MAILDIR, n) == 0 ? a->to + n : NULL;
}

void
archive_relay(const struct archive_settings *a, char out[ARCHIVE_RELAY])
{
	snprintf(out, ARCHIVE_RELAY, "archive-%s", a->title);
}

bool
archive_has(const struct settings *s, const char *relay)
{
	char name[ARCHIVE_RELAY];

	for (size_t i = 0; i < s->narchives; i++) {
		archive_relay(&s->archives[i], name);
		if (archive_folder(&s->archives[i]) != NULL &&
		    strcmp(name, relay) == 0)
			return true;
	}
	return false;
}
