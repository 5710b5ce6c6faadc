#include "queue/maildrop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "queue/drop_file.h"
#include "queue/peer_user.h"

enum {
	NAME_MOST = 128,
	STALE_S = 24 * 3600, /* a tmp- file this old is nobody's */
	TOLD_S = 3600,       /* between two lines about files that wait */
};

enum drop_end {
	DROP_NOTHING, /* the folder has none */
	DROP_TAKEN,
	DROP_LATER,
	DROP_REFUSED,
	DROP_BAD, /* it is no message */
};

/* A file while its message is handed over. */
#define BUSY "busy-"

struct maildrop {
	struct listeners *listeners;
	int64_t due_us;
	bool busy;

	/* of the file that is taken in; the pool thread's while it runs */
	char folder[4096];
	size_t most;
	int64_t now_s;
	char name[NAME_MOST]; /* "": a round begins */
	uid_t owner;
	char *data;
	struct submission mail;
	int fd; /* our end of the session */
	enum drop_end end;
	bool held;       /* it has the name that says so */
	bool taken_back; /* what an earlier life of ours held */
	bool stuck;      /* it could not be put away */
	bool later;      /* one of this round was not taken */
	int64_t told_s;  /* when somebody was told of one that has to wait */
	char words[SUBMISSION_WORDS];
};

struct maildrop *
maildrop_open(struct listeners *l)
{
	struct maildrop *d = must_alloc(sizeof *d);

	d->listeners = l;
	d->fd = -1;
	return d;
}

bool
maildrop_busy(const struct maildrop *d)
{
	return d->busy;
}

/* --- on the pool thread ----------------------------------------------------- */

static bool
bad(struct maildrop *d, const char *why)
{
	d->end = DROP_BAD;
	snprintf(d->words, sizeof d->words, "%s", why);
	return false;
}

/* A file of its own, that nobody else can still write through another name. */
static bool
read_file(struct maildrop *d, int folder)
{
	struct err e;
	struct stat st;
	size_t n = 0;
	int fd = openat(folder, d->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return bad(d, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (uint64_t)st.st_size > d->most) {
		close(fd);
		return bad(d, "it is no plain file of a size we take");
	}
	d->owner = st.st_uid;
	d->data = must_alloc((size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t k = read(fd, d->data + n, (size_t)st.st_size - n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	close(fd);
	if (n != (size_t)st.st_size)
		return bad(d, "it can't be read");
	return drop_file_parse(d->data, n, &d->mail, &e) || bad(d, e.text);
}

/* Who was killed while writing left it; nobody will finish it. */
static void
forget_stale(const struct maildrop *d, int folder, const char *name)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_mtime < d->now_s - STALE_S)
		(void)unlinkat(folder, name, 0);
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Links, folders and the like are nobody's mail, and stay. */
static bool
is_plain(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_nlink == 1;
}

/* The next one by name behind the one before, so that none that has to wait
 * keeps the others waiting. */
static bool
find(struct maildrop *d, DIR *dir)
{
	const struct dirent *x;
	char best[NAME_MOST] = "";

	/* What was put away is only passed over. */
	for (int i = 0; i < MAILDROP_LOOK && (x = readdir(dir)) != NULL;) {
		const char *name = x->d_name;

		if (begins(name, DROP_UNDER_WAY))
			forget_stale(d, dirfd(dir), name);
		i += begins(name, DROP_WHOLE);
		if (begins(name, DROP_WHOLE) && strlen(name) < sizeof best &&
		    strcmp(name, d->name) > 0 &&
		    (*best == '\0' || strcmp(name, best) < 0) &&
		    is_plain(dirfd(dir), name))
			snprintf(best, sizeof best, "%s", name);
	}
	memcpy(d->name, best, sizeof d->name);
	return *best != '\0';
}

/* From one first part of its name to another.  False: d->stuck, and why is in
 * the words. */
static bool
move(struct maildrop *d, const char *from, const char *to)
{
	const char *rest = d->name + strlen(DROP_WHOLE);
	char a[sizeof d->folder + NAME_MOST + 16], b[sizeof a];
	size_t n = strlen(d->words);

	snprintf(a, sizeof a, "%s/%s%s", d->folder, from, rest);
	snprintf(b, sizeof b, "%s/%s%s", d->folder, to, rest);
	if (to[0] == '\0' ? unlink(a) == 0 : rename(a, b) == 0)
		return true;
	d->stuck = true;
	snprintf(d->words + n, sizeof d->words - n, "%s%s: %s",
		 n > 0 ? "; then: " : "", a, strerror(errno));
	return false;
}

/* After a crash nobody knows whether they were taken: perhaps twice. */
static void
take_back(struct maildrop *d, DIR *dir)
{
	const struct dirent *x;
	char name[NAME_MOST];

	while ((x = readdir(dir)) != NULL) {
		if (!begins(x->d_name, BUSY) ||
		    strlen(x->d_name) >= sizeof name)
			continue;
		snprintf(name, sizeof name, DROP_WHOLE "%s",
			 x->d_name + strlen(BUSY));
		if (renameat(dirfd(dir), x->d_name, dirfd(dir), name) != 0)
			return;
	}
	d->taken_back = true;
	rewinddir(dir);
}

/* A file that can't be renamed now could not be removed later, and would come in
 * again and again: it is not handed over. */
static void
look(void *arg)
{
	struct maildrop *d = arg;
	DIR *dir = opendir(d->folder);

	d->end = DROP_NOTHING;
	d->words[0] = '\0';
	if (dir == NULL)
		return;
	if (!d->taken_back)
		take_back(d, dir);
	if (find(d, dir)) {
		d->end = DROP_LATER;
		if (read_file(d, dirfd(dir)))
			d->held = move(d, DROP_WHOLE, BUSY);
	}
	closedir(dir);
}

/* What was taken goes; what was not keeps its octets under another name, which
 * no look finds; what has to wait gets its own back. */
static void
put_away(struct maildrop *d)
{
	const char *from = d->held ? BUSY : DROP_WHOLE;

	switch (d->end) {
	case DROP_NOTHING:
		break;
	case DROP_TAKEN:
		(void)move(d, from, "");
		break;
	case DROP_LATER:
		if (d->held)
			(void)move(d, from, DROP_WHOLE);
		break;
	case DROP_REFUSED:
		(void)move(d, from, "refused-");
		break;
	case DROP_BAD:
		(void)move(d, from, "bad-");
		break;
	}
	d->held = false;
}

static void
hand_over(void *arg)
{
	struct maildrop *d = arg;

	if (d->fd >= 0) {
		switch (
		    submission_talk(d->fd, "localhost", &d->mail, d->words)) {
		case SUBMISSION_DONE:
			d->end = DROP_TAKEN;
			break;
		case SUBMISSION_LATER:
			d->end = DROP_LATER;
			break;
		case SUBMISSION_REFUSED:
			d->end = DROP_REFUSED;
			break;
		}
		close(d->fd);
		d->fd = -1;
	}
	put_away(d);
}

/* --- in the loop ------------------------------------------------------------ */

static void
done(void *arg)
{
	struct maildrop *d = arg;
	const bool round = d->end == DROP_NOTHING;

	if (d->end == DROP_TAKEN && d->stuck)
		log_event(EVENT_MAILDROP, "NOQUEUE",
			  "%s was taken in and stays as " BUSY ": %s", d->name,
			  d->words);
	if (d->end == DROP_LATER && d->now_s - d->told_s >= TOLD_S) {
		d->told_s = d->now_s;
		log_event(EVENT_MAILDROP, "NOQUEUE",
			  "%s of user %u has to wait: %s", d->name,
			  (unsigned)d->owner, d->words);
	}
	if (d->end == DROP_REFUSED || d->end == DROP_BAD)
		log_event(EVENT_MAILDROP, "NOQUEUE",
			  "a message of user %u was %s: kept as %s%s: %s",
			  (unsigned)d->owner,
			  d->end == DROP_BAD ? "no message" : "refused",
			  d->end == DROP_BAD ? "bad-" : "refused-",
			  d->name + strlen(DROP_WHOLE), d->words);
	free(d->data);
	free((void *)d->mail.rcpt);
	d->data = NULL;
	d->mail = (struct submission){.sender = NULL};
	d->busy = false;
	d->later = d->later || d->end == DROP_LATER || d->stuck;
	d->due_us = 0; /* on to the next one */
	if (!round)
		return;
	d->due_us = now_steady_us() +
		    (d->later ? MAILDROP_AGAIN_US : MAILDROP_EVERY_US);
	d->later = false;
}

/* The file is in memory: a session for it, as its owner. */
static void
found(void *arg)
{
	struct maildrop *d = arg;
	char user[PEER_USER];
	int pair[2];

	if (!d->held) {
		if (d->end == DROP_NOTHING || d->end == DROP_LATER)
			done(d);
		else
			loop_work(d->listeners->clients->loop, hand_over, done,
				  d);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		if (peer_user_name(d->owner, user) &&
		    listeners_local(d->listeners, pair[0], user)) {
			d->fd = pair[1];
		} else {
			close(pair[0]);
			close(pair[1]);
		}
	}
	loop_work(d->listeners->clients->loop, hand_over, done, d);
}

void
maildrop_tick(struct maildrop *d, int64_t steady_us)
{
	const struct settings *s = d->listeners->clients->settings;
	const struct listen_settings *l = listeners_unix(d->listeners);

	if (d->busy || steady_us < d->due_us || *s->maildrop == '\0' ||
	    l == NULL || d->listeners->clients->stopping)
		return;
	d->busy = true;
	d->stuck = false;
	snprintf(d->folder, sizeof d->folder, "%s", s->maildrop);
	d->most = l->max_message_size_bytes + DROP_ENVELOPE;
	d->now_s = now_us() / SECOND_US;
	loop_work(d->listeners->clients->loop, look, found, d);
}
