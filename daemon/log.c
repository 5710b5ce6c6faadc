#include "daemon/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/bytes.h"

enum {
	LINE_MOST = 4096,
	BUFFER_MOST = 1 << 20, /* unwritten octets before lines are dropped */
	LEVEL_INFO = 6,        /* syslog(3) */
	LEVEL_NOTICE = 5,
	LEVEL_WARNING = 4,
	LEVEL_ERROR = 3,
};

static const int level_of[EVENT_COUNT] = {
#define E(id, level, what) [EVENT_##id] = LEVEL_##level,
    EVENTS(E)
#undef E
};

/* The one log of the process. */
static struct {
	char ident[32];
	struct bytes out;
	uint64_t dropped;
	bool journal;
	int64_t second; /* the second that `stamp` spells */
	char stamp[NOW_RFC3339_SIZE];
} the_log = {.ident = "mtq"};

/* Does journald read our stderr?  $JOURNAL_STREAM is "dev:inode" of it. */
static bool
stderr_is_journal(void)
{
	const char *v = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return v != NULL && sscanf(v, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void
log_open(const char *ident)
{
	snprintf(the_log.ident, sizeof the_log.ident, "%s", ident);
	the_log.journal = stderr_is_journal();
}

static void
begin_line(char *line, size_t size, enum event ev)
{
	int64_t now = now_us();

	if (the_log.journal) {
		snprintf(line, size, "<%d>", level_of[ev]);
		return;
	}
	if (now / 1000 != the_log.second) { /* spelled once a millisecond */
		the_log.second = now / 1000;
		now_rfc3339(now, the_log.stamp);
	}
	snprintf(line, size, "%s ", the_log.stamp);
}

static void
add_line(const char *line, size_t n)
{
	if (the_log.out.n + n > BUFFER_MOST)
		the_log.dropped++;
	else
		bytes_add(&the_log.out, line, n);
}

void
log_event(enum event ev, const char *id, const char *fmt, ...)
{
	char line[LINE_MOST];
	size_t at;
	va_list ap;
	int n;

	begin_line(line, sizeof line, ev);
	at = strlen(line);
	n = snprintf(line + at, sizeof line - at, "mtq/%s[%d]: %s%s%s",
		     the_log.ident, (int)getpid(),
		     level_of[ev] <= LEVEL_WARNING ? "warning: " : "",
		     id != NULL ? id : "", id != NULL ? ": " : "");
	must(n > 0);
	at += (size_t)n;
	va_start(ap, fmt);
	n = vsnprintf(line + at, sizeof line - at - 1, fmt, ap);
	va_end(ap);
	must(n >= 0);
	at = min_of(at + (size_t)n, sizeof line - 2);
	line[at++] = '\n';
	add_line(line, at);
}

void
log_flush(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	while (the_log.out.n > 0 && poll(&p, 1, 0) == 1 &&
	       (p.revents & POLLOUT)) {
		/* A pipe that polls writable takes PIPE_BUF without blocking. */
		size_t n = min_of(the_log.out.n, (size_t)4096);
		ssize_t done;

		if (n < the_log.out.n || the_log.journal)
			for (size_t i = n; i > 0; i--) /* whole lines */
				if (the_log.out.data[i - 1] == '\n') {
					n = i;
					break;
				}
		done = write(STDERR_FILENO, the_log.out.data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		bytes_cut(&the_log.out, (size_t)done);
	}
	if (the_log.dropped > 0 && the_log.out.n < BUFFER_MOST / 2) {
		uint64_t n = the_log.dropped;

		the_log.dropped = 0;
		log_event(EVENT_LOG_DROPPED, NULL,
			  "%llu log lines lost: stderr is not read",
			  (unsigned long long)n);
	}
}

/* Octets of the well-formed UTF-8 character at p that may be shown; 0 if it is
 * malformed (RFC 3629), a control or one that turns the direction of text. */
static size_t
utf8_shown(const unsigned char *p, size_t left)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0x7fU >> n);
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0xa0 || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || c == 0x061c)
		return 0;
	return n;
}

const char *
log_safe(const char *p, size_t n, char *out, size_t size)
{
	size_t at = 0;

	must(size > 0);
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)p[i];
		size_t k = 1;

		if (c >= 0x80) {
			k = utf8_shown((const unsigned char *)p + i, n - i);
			c = k == 0 ? '?' : c;
		} else if (c < 0x20 || c == 0x7f) {
			c = '?';
		}
		if (at + max_of(k, 1) >= size)
			break;
		if (k <= 1) {
			out[at++] = (char)c;
			i++;
			continue;
		}
		memcpy(out + at, p + i, k);
		at += k;
		i += k;
	}
	out[at] = '\0';
	return out;
}
