#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/file.h"

enum {
	NAME_MOST = 64, /* of a relay, and of "password2" */
	REFERENCE_MOST = 1024,
	MAGIC = 0x5173746d, /* "mtsQ": a set in its memory file */
};
/* All values of a full set, with their names. */
#define FILE_MOST ((uint64_t)SECRETS_MOST * (SECRET_MOST + 256))

struct entry {
	char relay[NAME_MOST + 1];
	char what[NAME_MOST + 1];
	struct secret secret;
	size_t room; /* whole pages behind secret.value */
};

struct secrets {
	struct entry *entry;
	size_t n;
	bool locked; /* all of them */
};

void
secret_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

/* --- a set ------------------------------------------------------------------ */

struct secrets *
secrets_open(void)
{
	struct secrets *s = must_alloc(sizeof *s);

	s->locked = true;
	return s;
}

/* Whole pages of its own: munmap leaves nothing behind in a heap. */
static void
give_back(struct entry *x)
{
	if (x->room == 0)
		return;
	secret_wipe(x->secret.value, x->room);
	must(munmap(x->secret.value, x->room) == 0);
	x->room = 0;
}

void
secrets_free(struct secrets *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		give_back(&s->entry[i]);
	free(s->entry);
	free(s);
}

/* Not in a core, not in the swap, not in a child before its exec.  A low
 * RLIMIT_MEMLOCK is no reason to send no mail: secrets_locked tells of it. */
static void
take_pages(struct secrets *s, struct entry *x, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (n + 1 + page - 1) / page * page;
	void *p = mmap(NULL, room, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	must(madvise(p, room, MADV_DONTDUMP) == 0);
	must(madvise(p, room, MADV_DONTFORK) == 0);
	if (mlock(p, room) != 0)
		s->locked = false;
	x->secret.value = p;
	x->room = room;
}

static struct entry *
find(const struct secrets *s, const char *relay, const char *what)
{
	for (size_t i = 0; s != NULL && i < s->n; i++)
		if (strcmp(s->entry[i].relay, relay) == 0 &&
		    strcmp(s->entry[i].what, what) == 0)
			return &s->entry[i];
	return NULL;
}

void
secrets_put(struct secrets *s, const char *relay, const char *what,
	    const void *value, size_t n)
{
	struct entry *x = find(s, relay, what);

	must(n <= SECRET_MOST);
	must(strlen(relay) <= NAME_MOST && strlen(what) <= NAME_MOST);
	if (x == NULL) {
		must(s->n < SECRETS_MOST);
		s->entry =
		    must_realloc(s->entry, (s->n + 1) * sizeof *s->entry);
		x = &s->entry[s->n++];
		*x = (struct entry){.room = 0};
		memcpy(x->relay, relay, strlen(relay));
		memcpy(x->what, what, strlen(what));
	}
	give_back(x);
	take_pages(s, x, n);
	memcpy(x->secret.value, value, n);
	x->secret.value[n] = '\0';
	x->secret.n = n;
}

void
secrets_drop(struct secrets *s, const char *relay, const char *what)
{
	struct entry *x = find(s, relay, what);

	if (x == NULL)
		return;
	give_back(x);
	*x = s->entry[--s->n];
}

const struct secret *
secret_find(const struct secrets *s, const char *relay, const char *what)
{
	const struct entry *x = find(s, relay, what);

	return x != NULL ? &x->secret : NULL;
}

bool
secrets_locked(const struct secrets *s)
{
	return s->locked;
}

/* --- as a memory file ------------------------------------------------------- */

/* Names go through a buffer; values go straight from their pages. */
static bool
put_entry(int fd, const struct entry *x)
{
	struct bytes b = {0};
	bool ok;

	bytes_text(&b, x->relay, strlen(x->relay));
	bytes_text(&b, x->what, strlen(x->what));
	bytes_u32(&b, (uint32_t)x->secret.n);
	ok = file_write_all(fd, b.data, b.n) &&
	     file_write_all(fd, x->secret.value, x->secret.n);
	bytes_free(&b);
	return ok;
}

int
secrets_write(const struct secrets *s, struct err *e)
{
	return secrets_write_some(s, NULL, e);
}

int
secrets_write_some(const struct secrets *s, bool (*wanted)(const char *what),
		   struct err *e)
{
	int fd = memfd_create("mtq-secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	unsigned char head[8];
	uint32_t n = 0;
	bool ok;

	for (size_t i = 0; i < s->n; i++)
		n += wanted == NULL || wanted(s->entry[i].what);
	put_le32(head, MAGIC);
	put_le32(head + 4, n);
	ok = fd >= 0 && file_write_all(fd, head, sizeof head);
	for (size_t i = 0; ok && i < s->n; i++)
		if (wanted == NULL || wanted(s->entry[i].what))
			ok = put_entry(fd, &s->entry[i]);
	if (ok && fcntl(fd, F_ADD_SEALS,
			F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
			    F_SEAL_WRITE) == 0)
		return fd;
	err_set(e, ERR_SYSTEM, "hand over secrets: %m");
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
take_entry(struct reader *r, struct secrets *s)
{
	char relay[NAME_MOST + 1], what[NAME_MOST + 1];
	struct text t;
	uint32_t n;

	t.p = read_text(r, NAME_MOST, &t.n);
	if (!r->ok || memchr(t.p, '\0', t.n) != NULL)
		return false;
	text_copy(t, relay, sizeof relay);
	t.p = read_text(r, NAME_MOST, &t.n);
	if (!r->ok || memchr(t.p, '\0', t.n) != NULL)
		return false;
	text_copy(t, what, sizeof what);
	n = read_u32(r);
	if (!r->ok || n > SECRET_MOST || n > (size_t)(r->end - r->p))
		return false;
	secrets_put(s, relay, what, r->p, n);
	r->p += n;
	return true;
}

struct secrets *
secrets_read(int fd, struct err *e)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct secrets *s = NULL;
	struct reader r;
	struct stat st;
	uint32_t n;
	void *p;

	/* A file that may shrink under us would end us by SIGBUS. */
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 8 ||
	    (uint64_t)st.st_size > FILE_MOST ||
	    (fcntl(fd, F_GET_SEALS) & seals) != seals) {
		err_set(e, ERR_PEER, "mtqd sent no secrets");
		return NULL;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		err_set(e, ERR_SYSTEM, "read the secrets: %m");
		return NULL;
	}
	(void)madvise(p, (size_t)st.st_size, MADV_DONTDUMP);
	r = reader_of(p, (size_t)st.st_size);
	s = secrets_open();
	if (read_u32(&r) != MAGIC)
		r.ok = false;
	n = read_u32(&r);
	if (n > SECRETS_MOST)
		r.ok = false;
	for (uint32_t i = 0; r.ok && i < n; i++)
		r.ok = take_entry(&r, s);
	if (!r.ok || r.p != r.end) {
		err_set(e, ERR_PEER, "mtqd's secrets are malformed");
		secrets_free(s);
		s = NULL;
	}
	must(munmap(p, (size_t)st.st_size) == 0);
	return s;
}

/* --- references ------------------------------------------------------------- */

enum reference_kind { REF_FILE, REF_CRED, REF_ENV, REF_CMD, REF_NONE };
static const char *const prefix[] = {"file:", "cred:", "env:", "cmd:"};

/* What stands behind the prefix goes to *rest. */
static enum reference_kind
kind_of(const char *ref, const char **rest)
{
	for (size_t i = 0; i < countof(prefix); i++)
		if (strncmp(ref, prefix[i], strlen(prefix[i])) == 0) {
			*rest = ref + strlen(prefix[i]);
			return (enum reference_kind)i;
		}
	*rest = ref;
	return REF_NONE;
}

static bool
is_name(const char *s, const char *also)
{
	for (; *s != '\0'; s++)
		if (!((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
		      (*s >= '0' && *s <= '9') || strchr(also, *s) != NULL))
			return false;
	return true;
}

/* Never with the text itself: somebody may have written the password. */
static bool
wrong(char why[160], const char *text)
{
	memcpy(why, text, min_of(strlen(text) + 1, (size_t)160));
	why[159] = '\0';
	return false;
}

bool
secret_reference(const char *ref, bool token, char why[160])
{
	const char *rest;

	why[0] = '\0';
	if (strlen(ref) > REFERENCE_MOST)
		return wrong(why, "is too long for a reference");
	switch (kind_of(ref, &rest)) {
	case REF_FILE:
		if (rest[0] == '/' && rest[1] != '\0')
			return true;
		return wrong(why, "needs a path that begins with /, as "
				  "file:/etc/mtq/secret");
	case REF_CRED:
		if (*rest != '\0' && is_name(rest, "._-") && *rest != '.')
			return true;
		return wrong(why, "needs the name of a systemd credential, "
				  "as cred:relay-password");
	case REF_ENV:
		if (*rest != '\0' && strlen(ref) <= NAME_MOST &&
		    is_name(rest, "_") && !(*rest >= '0' && *rest <= '9'))
			return true;
		return wrong(why, "needs the name of a variable, as "
				  "env:RELAY_PASSWORD");
	case REF_CMD:
		if (!token)
			return wrong(why, "is a command: only a token can come "
					  "from one");
		if (rest[0] == '/' && rest[1] != '\0' && rest[1] != ' ')
			return true;
		return wrong(why, "needs a program's path that begins with /, "
				  "as cmd:/usr/local/bin/token");
	case REF_NONE:
		break;
	}
	return wrong(why,
		     token ? "is no reference: write file:/PATH, cred:NAME, "
			     "env:NAME or cmd:/PATH; the token itself never "
			     "stands here"
			   : "is no reference: write file:/PATH, cred:NAME or "
			     "env:NAME; the secret itself never stands here");
}

/* Reads until its end into memory reserved before: a buffer that grows would
 * leave copies behind. */
static bool
read_all(int fd, struct bytes *out)
{
	ssize_t n;

	bytes_reserve(out, SECRET_MOST + 1);
	while (out->n <= SECRET_MOST) {
		n = read(fd, out->data + out->n, SECRET_MOST + 1 - out->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		out->n += (size_t)n;
	}
	errno = EFBIG;
	return false;
}

static bool
fetch_file(const char *path, bool public, struct bytes *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	bool ok = false;

	if (fd < 0 || fstat(fd, &st) != 0)
		err_set(e, ERR_CONFIG, "%m");
	else if (!S_ISREG(st.st_mode))
		err_set(e, ERR_CONFIG, "it is not a file");
	else if (st.st_mode & (public ? S_IWOTH : S_IROTH | S_IWOTH))
		err_set(e, ERR_CONFIG,
			"its mode is %04o: everybody may %schange it; "
			"chmod %s it",
			(unsigned)(st.st_mode & 07777),
			public ? "" : "read or ", public ? "o-w" : "o=");
	else if (!read_all(fd, out))
		err_set(e, ERR_CONFIG, "%m");
	else
		ok = true;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
fetch_cred(const char *name, bool public, struct bytes *out, struct err *e)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	bool ok;

	if (dir == NULL || *dir != '/') {
		err_set(e, ERR_CONFIG,
			"systemd gave us no credentials "
			"($CREDENTIALS_DIRECTORY is not set); see "
			"LoadCredential= in systemd.exec(5)");
		return false;
	}
	path = must_printf("%s/%s", dir, name);
	ok = fetch_file(path, public, out, e);
	free(path);
	return ok;
}

static bool
fetch_env(const char *name, struct bytes *out, struct err *e)
{
	const char *value = getenv(name);

	if (value == NULL) {
		err_set(e, ERR_CONFIG, "the variable is not set");
		return false;
	}
	if (strlen(value) > SECRET_MOST) {
		err_set(e, ERR_CONFIG, "it is too long");
		return false;
	}
	bytes_add(out, value, strlen(value));
	return true;
}

/* The first line, unless the whole was asked for. */
static bool
trim(struct bytes *out, bool whole, struct err *e)
{
	const unsigned char *nl;

	if (!whole && out->n > 0 &&
	    (nl = memchr(out->data, '\n', out->n)) != NULL) {
		out->n = (size_t)(nl - out->data);
		if (out->n > 0 && out->data[out->n - 1] == '\r')
			out->n--;
	}
	if (out->n == 0)
		err_set(e, ERR_CONFIG, "it is empty");
	else if (memchr(out->data, '\0', out->n) != NULL)
		err_set(e, ERR_CONFIG, "it holds a NUL");
	else
		return true;
	return false;
}

static bool
fetch(const char *ref, bool whole, bool public, struct bytes *out,
      struct err *e)
{
	const char *rest;
	bool ok = false;

	switch (kind_of(ref, &rest)) {
	case REF_FILE:
		ok = fetch_file(rest, public, out, e);
		break;
	case REF_CRED:
		ok = fetch_cred(rest, public, out, e);
		break;
	case REF_ENV:
		ok = fetch_env(rest, out, e);
		break;
	case REF_CMD:
	case REF_NONE:
		err_set(e, ERR_CONFIG, "it is not file:, cred: or env:");
		break;
	}
	if (ok && trim(out, whole, e))
		return true;
	secret_wipe(out->data, out->room);
	out->n = 0;
	return false;
}

bool
secret_fetch(const char *ref, bool whole, struct bytes *out, struct err *e)
{
	return fetch(ref, whole, false, out, e);
}

bool
secret_fetch_public(const char *ref, struct bytes *out, struct err *e)
{
	return fetch(ref, true, true, out, e);
}

void
secret_forget(const char *ref)
{
	const char *rest;
	char *value;

	if (kind_of(ref, &rest) != REF_ENV || (value = getenv(rest)) == NULL)
		return;
	secret_wipe(value, strlen(value));
	must(unsetenv(rest) == 0);
}
