#include "queue/drop_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/file.h"

static const char FIRST[] = "mtq-drop 1";

static void
put_line(struct bytes *b, char what, const char *text)
{
	bytes_u8(b, (uint8_t)what);
	bytes_u8(b, ' ');
	bytes_add_text(b, text);
	bytes_u8(b, '\n');
}

static bool
write_file(int fd, const struct submission *m)
{
	struct bytes b = {0};
	bool ok;

	bytes_printf(&b, "%s\n", FIRST);
	put_line(&b, 'F', m->sender);
	for (size_t i = 0; i < m->nrcpt; i++)
		put_line(&b, 'T', m->rcpt[i]);
	if (*m->mail_arguments != '\0')
		put_line(&b, 'M', m->mail_arguments);
	if (*m->rcpt_arguments != '\0')
		put_line(&b, 'R', m->rcpt_arguments);
	bytes_u8(&b, '\n');
	ok = file_write_all(fd, b.data, b.n) &&
	     file_write_all(fd, m->message, m->n) && fsync(fd) == 0;
	bytes_free(&b);
	return ok;
}

static bool
sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	/* Who may put files into a folder, but not list it, can't open it to
	 * sync it: then all that is written is synced. */
	if (fd < 0) {
		sync();
		return true;
	}
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

bool
drop_file_write(const char *folder, const struct submission *m, struct err *e)
{
	char tmp[4096], whole[4096];
	uint64_t name[2];
	int fd = -1;

	if (getrandom(name, sizeof name, 0) != (ssize_t)sizeof name) {
		err_set(e, ERR_SYSTEM, "getrandom: %m");
		return false;
	}
	/* 128 bits nobody can guess: others may not list the folder, but could
	 * open a file whose name they know. */
	if (snprintf(tmp, sizeof tmp, "%s/" DROP_UNDER_WAY "%016llx%016llx",
		     folder, (unsigned long long)name[0],
		     (unsigned long long)name[1]) >= (int)sizeof tmp ||
	    snprintf(whole, sizeof whole, "%s/" DROP_WHOLE "%016llx%016llx",
		     folder, (unsigned long long)name[0],
		     (unsigned long long)name[1]) >= (int)sizeof whole) {
		err_set(e, ERR_CONFIG, "%.200s: the path is too long", folder);
		return false;
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0644);
	if (fd < 0)
		goto fail;
	/* umask does not matter: mtq must be able to read it. */
	if (fchmod(fd, 0644) != 0 || !write_file(fd, m) ||
	    rename(tmp, whole) != 0 || !sync_folder(folder))
		goto fail;
	close(fd);
	return true;
fail:
	err_set(e, ERR_SYSTEM, "leave the message in %s: %m", folder);
	if (fd >= 0) {
		close(fd);
		(void)unlink(tmp);
	}
	return false;
}

/* The next line of the envelope; NULL: it does not end, or a NUL is in it. */
static char *
next_line(char **p, char *end)
{
	char *begin = *p;
	char *nl = memchr(begin, '\n', (size_t)(end - begin));

	if (nl == NULL || memchr(begin, '\0', (size_t)(nl - begin)) != NULL)
		return NULL;
	*nl = '\0';
	*p = nl + 1;
	return begin;
}

static bool
bad(struct err *e, const char *what)
{
	err_set(e, ERR_CONFIG, "%s", what);
	return false;
}

static bool
take_line(struct submission *m, const char **rcpt, char *line, bool *sender,
	  struct err *e)
{
	const char *text = line + 2;

	if (line[0] == '\0' || line[1] != ' ')
		return bad(e, "a line of the envelope makes no sense");
	/* They become commands of a session of ours. */
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return bad(e, "a control character in the envelope");
	switch (line[0]) {
	case 'F':
		if (*sender)
			return bad(e, "two senders");
		*sender = true;
		m->sender = text;
		return true;
	case 'T':
		if (m->nrcpt == DROP_RECIPIENTS)
			return bad(e, "too many recipients");
		rcpt[m->nrcpt++] = text;
		return true;
	case 'M':
		m->mail_arguments = text;
		return true;
	case 'R':
		m->rcpt_arguments = text;
		return true;
	default:
		return bad(e, "a line of the envelope makes no sense");
	}
}

bool
drop_file_parse(char *p, size_t n, struct submission *m, struct err *e)
{
	char *end = p + n, *stop = p + min_of(n, (size_t)DROP_ENVELOPE), *line;
	const char **rcpt;
	bool sender = false;

	*m = (struct submission){.mail_arguments = "", .rcpt_arguments = ""};
	line = next_line(&p, stop);
	if (line == NULL || strcmp(line, FIRST) != 0)
		return bad(e, "it is not a message of mtq send");
	rcpt = must_alloc(DROP_RECIPIENTS * sizeof *rcpt);
	m->rcpt = rcpt;
	while ((line = next_line(&p, stop)) != NULL && *line != '\0')
		if (!take_line(m, rcpt, line, &sender, e))
			goto fail;
	if (line == NULL || !sender || m->nrcpt == 0) {
		bad(e, "its envelope is not whole");
		goto fail;
	}
	m->message = (const unsigned char *)p;
	m->n = (size_t)(end - p);
	if (m->n < 2 || memcmp(end - 2, "\r\n", 2) != 0) {
		bad(e, "its last line has no end");
		goto fail;
	}
	return true;
fail:
	free(rcpt);
	m->rcpt = NULL;
	return false;
}
