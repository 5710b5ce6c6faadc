#include "admin/account_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base64.h"
#include "daemon/file.h"

static const char heading[] =
    "# Accounts of mtq, made by `mtq account` (docs/accounts.md).  Passwords\n"
    "# are not in here, only what proves them.\n";

static bool
lock_folder(struct account_file *f, struct err *e)
{
	const char *slash = strrchr(f->path, '/');
	char folder[PATH_MAX] = ".";

	if (slash != NULL)
		snprintf(folder, sizeof folder, "%.*s",
			 (int)min_of(slash - f->path + 1, (ptrdiff_t)PATH_MAX),
			 f->path);
	f->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->lock < 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", folder);
		return false;
	}
	while (flock(f->lock, LOCK_EX) != 0)
		if (errno != EINTR) {
			err_set(e, ERR_SYSTEM, "lock %s: %m", folder);
			return false;
		}
	return true;
}

/* The key that invents what strangers are told of names that are not there. */
static bool
begin_new(struct account_file *f, struct err *e)
{
	unsigned char key[MAC_SIZE];

	if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key) {
		err_set(e, ERR_SYSTEM, "getrandom: %m");
		return false;
	}
	f->is_new = true;
	bytes_add_text(&f->text, heading);
	bytes_add_text(&f->text, "key: ");
	base64_add(&f->text, key, sizeof key);
	bytes_add_text(&f->text, "\n");
	return true;
}

static bool
parse(struct account_file *f, struct err *e)
{
	struct accounts *a =
	    accounts_read((const char *)f->text.data, f->text.n, e);

	if (a == NULL) {
		err_add(e, "%s", f->path);
		return false;
	}
	accounts_free(f->accounts);
	f->accounts = a;
	return true;
}

bool
account_file_open(struct account_file *f, const char *path, bool change,
		  struct err *e)
{
	char *text;
	size_t n = 0;

	*f = (struct account_file){.path = path, .lock = -1};
	if (change && !lock_folder(f, e))
		return false;
	text = file_read(path, ACCOUNTS_BYTES, &n);
	if (text != NULL) {
		bytes_add(&f->text, text, n);
		free(text);
		return parse(f, e);
	}
	if (errno != ENOENT || !change) {
		err_set(e, ERR_SYSTEM, "%s: %m", path);
		return false;
	}
	return begin_new(f, e) && parse(f, e);
}

void
account_file_close(struct account_file *f)
{
	if (f->lock >= 0)
		close(f->lock);
	bytes_free(&f->text);
	accounts_free(f->accounts);
	*f = (struct account_file){.lock = -1};
}

bool
account_file_put(struct account_file *f, const char *name,
		 const struct account *a, struct err *e)
{
	const char *p = (const char *)f->text.data;
	size_t left = f->text.n, nname = strlen(name);
	struct bytes fresh = {0};

	while (left > 0) {
		const char *end = memchr(p, '\n', left);
		size_t n = end == NULL ? left : (size_t)(end - p) + 1;

		if (n <= nname || memcmp(p, name, nname) != 0 ||
		    p[nname] != ' ') {
			bytes_add(&fresh, p, n);
			if (end == NULL)
				bytes_add_text(&fresh, "\n");
		}
		p += n;
		left -= n;
	}
	for (unsigned i = 0; a != NULL && i < a->npasswords; i++)
		account_line(a, &a->password[i], &fresh);
	bytes_free(&f->text);
	f->text = fresh;
	return parse(f, e); /* what we write can be read */
}

/* Those who could read the old one, and nobody else. */
static bool
same_owner(const struct account_file *f, int fd)
{
	struct stat old;

	if (!f->is_new && stat(f->path, &old) == 0)
		return fchown(fd, old.st_uid, old.st_gid) == 0 &&
		       fchmod(fd, old.st_mode & 0640) == 0;
	/* The folder's group is mtqd's where it is not root. */
	if (fstat(f->lock, &old) == 0 && old.st_gid != getegid())
		(void)!fchown(fd, (uid_t)-1, old.st_gid);
	return fchmod(fd, 0640) == 0;
}

bool
account_file_write(struct account_file *f, struct err *e)
{
	char *fresh = must_printf("%s.XXXXXX", f->path);
	int fd = mkostemp(fresh, O_CLOEXEC);
	bool ok = fd >= 0;

	if (!ok)
		err_set(e, ERR_SYSTEM, "%s: %m", fresh);
	if (ok &&
	    (!same_owner(f, fd) ||
	     !file_write_all(fd, f->text.data, f->text.n) || fsync(fd) != 0 ||
	     rename(fresh, f->path) != 0 || fsync(f->lock) != 0)) {
		err_set(e, ERR_SYSTEM, "write %s: %m", f->path);
		(void)unlink(fresh);
		ok = false;
	}
	if (fd >= 0)
		close(fd);
	free(fresh);
	return ok;
}
