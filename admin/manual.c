#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "daemon/file.h"
#include "daemon/settings.h"

/* `mtq manual` prints what the key table says, for `make manual` and for the
 * check that the printed files still match it.  Not for users: it reads the
 * source tree it stands in. */

#define FRAME "docs/man/mtq.conf.5.in"
#define PLACE "@KEYS@\n"

enum { FRAME_MOST = 1 << 20 };

/* mtq.conf(5): the frame, with the keys in their place. */
static bool
print_page(struct bytes *out, struct err *e)
{
	size_t n = 0;
	char *frame = file_read(FRAME, FRAME_MOST, &n), *place;

	if (frame == NULL) {
		err_set(e, ERR_SYSTEM, FRAME ": %s", strerror(errno));
		return false;
	}
	place = strstr(frame, PLACE);
	if (place == NULL) {
		err_set(e, ERR_SYSTEM, FRAME ": no line %.6s", PLACE);
		free(frame);
		return false;
	}
	bytes_add(out, frame, (size_t)(place - frame));
	settings_print_manual(out);
	bytes_add_text(out, place + strlen(PLACE));
	free(frame);
	return true;
}

int
cmd_manual(struct command *c)
{
	struct bytes out = {0};
	struct err e = {0};
	int rc = EXIT_DONE;

	if (c->argc != 1)
		return command_usage(c, NULL);
	if (strcmp(c->argv[0], "sample") == 0)
		settings_print_sample(&out);
	else if (strcmp(c->argv[0], "keys") != 0)
		return command_usage(c, NULL);
	else if (!print_page(&out, &e))
		rc = command_fail(c, &e);
	if (out.n > 0)
		fwrite(out.data, 1, out.n, stdout);
	bytes_free(&out);
	return rc;
}
