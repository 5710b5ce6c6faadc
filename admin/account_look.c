#include "admin/account_look.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "admin/account_file.h"
#include "daemon/settings_table.h"

/* Nobody can ever be this source. */
static void
look_at_source(const struct settings *s, const struct source_settings *source,
	       const struct account_file *f, struct report *r)
{
	struct settings_place p =
	    settings_place(s, BLOCK_source, source, "auth_user");

	for (size_t i = 0; i < source->auth_user.n; i++)
		if (accounts_find(f->accounts,
				  text_of(source->auth_user.item[i])) == NULL)
			report_warning(r, p.file, p.line,
				       "auth_user: there is no account %.128s "
				       "in %s (mtq account add)",
				       source->auth_user.item[i], f->path);
}

void
account_look(const struct settings *s, struct report *r)
{
	static const char scheme[] = "file:";
	struct settings_place p;
	const char *path = s->accounts + sizeof scheme - 1;
	struct account_file f;
	struct err e;

	/* Credentials are there only where mtqd is started. */
	if (strncmp(s->accounts, scheme, sizeof scheme - 1) != 0)
		return;
	p = settings_place(s, BLOCK_global, s, "accounts");
	if (access(path, R_OK) != 0 && errno == EACCES) {
		report_warning(r, p.file, p.line,
			       "accounts: you may not read %s", path);
		return;
	}
	if (!account_file_open(&f, path, false, &e))
		report_error(r, p.file, p.line, "accounts: %s", e.text);
	for (size_t i = 0; f.accounts != NULL && i < s->nsources; i++)
		look_at_source(s, &s->sources[i], &f, r);
	account_file_close(&f);
}
