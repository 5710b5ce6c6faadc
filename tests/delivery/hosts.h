/* hosts - mail servers at 127.0.0.1, .2 ... on one port, each with a manner of
 * its own, one thread a connection; they count what they see. */
#ifndef MTQ_TESTS_HOSTS_H
#define MTQ_TESTS_HOSTS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOSTS_MOST = 5, HOST_PATIENCE_MS = 20 * 1000, HOST_LINE_MOST = 1024 };

enum manner {
	GONE,       /* nobody listens */
	UP,         /* takes everything, knows no TLS */
	BUSY,       /* 421 as greeting */
	FULL,       /* 421 as greeting while one connection is there */
	HANGS_UP,   /* says nothing and closes */
	SILENT,     /* says nothing and stays */
	DRIPS,      /* one octet of the greeting now and then */
	TLS_BROKEN, /* offers STARTTLS, then no TLS follows */
	TLS_454,    /* offers STARTTLS, then 454 */
	TLS_EARLY,  /* says 220 to STARTTLS before it was asked */
	ONE_ONLY,   /* 421 to the second MAIL of a connection */
	LEAVES,     /* closes when it has taken a message */
	MUTE_QUIT,  /* as UP, but QUIT has no answer */
	SMALL_SIZE, /* takes only small messages */
	WANTS_OLD,  /* AUTH PLAIN: the password "old" */
	WANTS_NEW,  /* "new" */
	NEW_SLOWLY, /* "new", and takes its time to say so */
	AUTH_454,   /* AUTH PLAIN is put off */
};

struct mail_host {
	enum manner manner;
	struct mail_hosts *all;
	char address[16];
	int listener;
	pthread_t thread;
	atomic_uint connections, now, peak, messages, auths;
	atomic_uint wrong; /* commands out of order */
};
struct mail_hosts {
	struct mail_host host[HOSTS_MOST];
	size_t n;
	uint16_t port;
	atomic_uint now, peak; /* of all */
	atomic_bool over;
};
struct mail_session {
	struct mail_host *host;
	int fd;
	unsigned taken;
	char in[4096];
	size_t n;
};

static inline void
host_say(struct mail_session *s, const char *words)
{
	(void)!send(s->fd, words, strlen(words), MSG_NOSIGNAL);
}

/* A line without its CRLF; false: it has gone. */
static inline bool
host_line(struct mail_session *s, char line[HOST_LINE_MOST])
{
	char *nl;

	while ((nl = memchr(s->in, '\n', s->n)) == NULL) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		ssize_t k;

		if (s->n == sizeof s->in) /* of a message: what it is does not
					     matter */
			s->n = 2;
		if (poll(&p, 1, HOST_PATIENCE_MS) != 1)
			return false;
		k = recv(s->fd, s->in + s->n, sizeof s->in - s->n, 0);
		if (k <= 0)
			return false;
		s->n += (size_t)k;
	}
	snprintf(line, HOST_LINE_MOST, "%.*s",
		 (int)(nl - s->in > 0 ? nl - s->in - 1 : 0), s->in);
	s->n -= (size_t)(nl + 1 - s->in);
	memmove(s->in, nl + 1, s->n);
	return true;
}

static inline void
host_stay(struct mail_session *s, int each_ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	char buffer[512];

	for (int ms = 0; ms < HOST_PATIENCE_MS && !s->host->all->over;
	     ms += each_ms) {
		if (poll(&p, 1, each_ms) == 1 &&
		    recv(s->fd, buffer, sizeof buffer, 0) <= 0)
			return;
		if (s->host->manner == DRIPS)
			host_say(s, "2");
	}
}

static inline void
host_auth(struct mail_session *s, const char *words)
{
	static const char *const right[] = {
	    [WANTS_OLD] = "AUTH PLAIN AHVzZXIAb2xk",
	    [WANTS_NEW] = "AUTH PLAIN AHVzZXIAbmV3",
	    [NEW_SLOWLY] = "AUTH PLAIN AHVzZXIAbmV3"};
	enum manner m = s->host->manner;

	s->host->auths++;
	if (m == NEW_SLOWLY)
		(void)poll(NULL, 0, 60);
	if (m == AUTH_454)
		host_say(s, "454 4.7.0 later\r\n");
	else if (strcmp(words, right[m]) == 0)
		host_say(s, "235 2.7.0 in\r\n");
	else
		host_say(s, "535 5.7.8 no\r\n");
}

static inline void
host_hello(struct mail_session *s)
{
	switch (s->host->manner) {
	case TLS_BROKEN:
	case TLS_454:
		host_say(s, "250-host\r\n250 STARTTLS\r\n");
		break;
	case TLS_EARLY:
		host_say(s, "250-host\r\n250 STARTTLS\r\n220 go\r\n");
		break;
	case SMALL_SIZE:
		host_say(s, "250-host\r\n250 SIZE 10\r\n");
		break;
	case WANTS_OLD:
	case WANTS_NEW:
	case NEW_SLOWLY:
	case AUTH_454:
		host_say(s, "250-host\r\n250 AUTH PLAIN\r\n");
		break;
	case GONE:
	case UP:
	case BUSY:
	case FULL:
	case HANGS_UP:
	case SILENT:
	case DRIPS:
	case ONE_ONLY:
	case LEAVES:
	case MUTE_QUIT:
		host_say(s, "250 host\r\n");
		break;
	}
}

static inline bool
host_message(struct mail_session *s)
{
	char line[HOST_LINE_MOST];

	host_say(s, "354 go\r\n");
	do
		if (!host_line(s, line))
			return false;
	while (strcmp(line, ".") != 0);
	s->host->messages++;
	s->taken++;
	host_say(s, "250 2.0.0 taken\r\n");
	return s->host->manner != LEAVES;
}

static inline bool
host_command(struct mail_session *s, const char *line)
{
	if (strncmp(line, "EHLO ", 5) == 0) {
		host_hello(s);
	} else if (strcmp(line, "STARTTLS") == 0) {
		host_say(s, s->host->manner == TLS_454 ? "454 4.7.0 no\r\n"
						       : "220 go\r\n");
		if (s->host->manner == TLS_454)
			return true;
		host_say(s, "this is no TLS, but as long as a record\r\n");
		host_stay(s, 20);
		return false;
	} else if (strncmp(line, "AUTH ", 5) == 0) {
		host_auth(s, line);
	} else if (strncmp(line, "MAIL ", 5) == 0) {
		if (s->host->manner == ONE_ONLY && s->taken > 0) {
			host_say(s, "421 4.7.0 one is enough\r\n");
			return false;
		}
		host_say(s, "250 2.1.0 ok\r\n");
	} else if (strcmp(line, "DATA") == 0) {
		return host_message(s);
	} else if (strcmp(line, "QUIT") == 0) {
		if (s->host->manner == MUTE_QUIT)
			host_stay(s, 20);
		else
			host_say(s, "221 2.0.0 bye\r\n");
		return false;
	} else if (strncmp(line, "RCPT ", 5) == 0 ||
		   strcmp(line, "RSET") == 0) {
		host_say(s, "250 2.1.5 ok\r\n");
	} else {
		s->host->wrong++;
		host_say(s, "502 5.5.1 what\r\n");
	}
	return true;
}

static inline void
host_talk(struct mail_session *s, unsigned now)
{
	char line[HOST_LINE_MOST];

	switch (s->host->manner) {
	case BUSY:
		host_say(s, "421 4.3.2 busy\r\n");
		return;
	case FULL:
		if (now > 1) {
			host_say(s, "421 4.7.0 too many connections\r\n");
			return;
		}
		break;
	case HANGS_UP:
		return;
	case SILENT:
	case DRIPS:
		host_stay(s, 20);
		return;
	default:
		break;
	}
	host_say(s, "220 host\r\n");
	while (host_line(s, line) && host_command(s, line))
		;
}

static inline void *
host_session(void *arg)
{
	struct mail_session *s = arg;
	struct mail_host *h = s->host;
	unsigned now = ++h->now, all = ++h->all->now;

	if (now > h->peak)
		h->peak = now;
	if (all > h->all->peak)
		h->all->peak = all;
	host_talk(s, now);
	h->now--;
	close(s->fd);
	free(s);
	h->all->now--; /* last: hosts_close waits for it */
	return NULL;
}

static inline void *
host_serve(void *arg)
{
	struct mail_host *h = arg;
	pthread_attr_t attr;
	pthread_t t;
	int fd;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while ((fd = accept(h->listener, NULL, NULL)) >= 0) {
		struct mail_session *s = must_alloc(sizeof *s);

		s->host = h;
		s->fd = fd;
		h->connections++;
		must(pthread_create(&t, &attr, host_session, s) == 0);
	}
	pthread_attr_destroy(&attr);
	return NULL;
}

static inline bool
host_listen(struct mail_host *h, uint16_t *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(*port)};
	socklen_t n = sizeof sa;
	int one = 1;

	must(inet_pton(AF_INET, h->address, &sa.sin_addr) == 1);
	h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &one,
			sizeof one) == 0);
	if (bind(h->listener, (struct sockaddr *)&sa, sizeof sa) != 0) {
		close(h->listener);
		h->listener = -1;
		return false;
	}
	must(getsockname(h->listener, (struct sockaddr *)&sa, &n) == 0);
	*port = ntohs(sa.sin_port);
	if (h->manner == GONE)
		return true; /* bound, so that nobody else listens there */
	must(listen(h->listener, 256) == 0);
	must(pthread_create(&h->thread, NULL, host_serve, h) == 0);
	return true;
}

static inline void
hosts_open(struct mail_hosts *x, const enum manner *manner, size_t n)
{
	*x = (struct mail_hosts){.n = n};
	for (size_t i = 0; i < n; i++) {
		struct mail_host *h = &x->host[i];

		h->manner = manner[i];
		h->all = x;
		snprintf(h->address, sizeof h->address, "127.0.0.%u",
			 (unsigned)i + 1);
		must(host_listen(h, &x->port));
	}
}

static inline void
hosts_close(struct mail_hosts *x)
{
	x->over = true;
	for (size_t i = 0; i < x->n; i++) {
		shutdown(x->host[i].listener, SHUT_RDWR);
		if (x->host[i].manner != GONE)
			pthread_join(x->host[i].thread, NULL);
		close(x->host[i].listener);
	}
	while (x->now > 0)
		(void)poll(NULL, 0, 1);
}

#endif
