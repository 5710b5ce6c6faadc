#include "daemon/settings_archives.h"

#include <string.h>

#include "daemon/archive_to.h"
#include "daemon/settings_types.h"

#define error_at(r, p, ...) report_error(r, (p).file, (p).line, __VA_ARGS__)

enum { RELAY_NAME = 64 }; /* octets of a block's name */

static void
check_to(const struct settings *s, const struct archive_settings *a,
	 struct report *r)
{
	const struct conf_node *given =
	    settings_given(s, BLOCK_archive, a, "to");
	struct settings_place p = settings_place(s, BLOCK_archive, a, "to");
	const char *folder = archive_folder(a), *at;
	const struct relay_settings *relay;
	char name[ARCHIVE_RELAY];

	if (given == NULL) /* told already */
		return;
	if (folder == NULL) {
		at = strrchr(a->to, '@');
		if (at == NULL || at == a->to || !net_is_domain(at + 1) ||
		    strpbrk(a->to, " \t<>\"") != NULL ||
		    strlen(a->to) > SETTINGS_ARCHIVE_TO)
			error_at(r, p,
				 "to: '%.100s' is neither maildir:/folder nor "
				 "an address",
				 a->to);
		return;
	}
	archive_relay(a, name);
	if (strlen(name) > RELAY_NAME)
		error_at(
		    r, p,
		    "to: the relay of this archive would be %s, whose name "
		    "is longer than %d; give the archive a shorter one",
		    name, RELAY_NAME);
	relay = settings_relay(s, name);
	if (folder[0] != '/')
		error_at(r, p, "to: the folder '%.100s' must begin with /",
			 folder);
	else if (relay != NULL && relay->deliver != DELIVER_MAILDIR)
		error_at(r, p,
			 "to: relay %.64s of %s:%u carries this archive's "
			 "copies and needs deliver = maildir",
			 name, relay->file, relay->line);
}

static void
check_source(const struct settings *s, const struct archive_settings *a,
	     const char *name, struct report *r)
{
	for (size_t i = 0; i < s->nsources; i++)
		if (strcmp(s->sources[i].title, name) == 0)
			return;
	error_at(r, settings_place(s, BLOCK_archive, a, "source"),
		 "source: there is no source %.100s", name);
}

void
settings_archives_check(const struct settings *s, const char *name,
			struct report *r)
{
	if (s->narchives > SETTINGS_ARCHIVES) {
		report_error(r, name, 0, "%zu archives; there may be %d",
			     s->narchives, SETTINGS_ARCHIVES);
		return;
	}
	for (size_t i = 0; i < s->narchives; i++) {
		const struct archive_settings *a = &s->archives[i];

		check_to(s, a, r);
		for (size_t j = 0; j < a->type.n; j++)
			settings_types_known(s, BLOCK_archive, a, "type",
					     a->type.item[j], r);
		for (size_t j = 0; j < a->source.n; j++)
			check_source(s, a, a->source.item[j], r);
	}
}
