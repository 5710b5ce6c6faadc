/*
 * sink - an SMTP server that takes everything and counts it.
 *
 *	sink -p PORT [-b ADDRESS] [-l LOG] [-d NTH] [-f NTH] [-x NTH] [-u]
 *	     [-c CHAIN -k KEY [-a PLAIN]]
 *
 * -l writes "SEQ TIME_US ID" (CLOCK_MONOTONIC) for every message: SEQ from X-Seq,
 * ID the queue id in the topmost Received field ("-" if there is none).
 * -d answers every NTH RCPT with 450, -f with 550, -x drops the connection after
 * every NTH final dot without a reply (the message is counted as taken).  -u: each
 * line is in the file before the message is answered.  -c: STARTTLS with these
 * PEM files, and nothing else before it; -a: mail only after AUTH PLAIN with
 * these octets (base64).
 * Prints one JSON object on SIGTERM.
 */
#include <getopt.h>
#include <signal.h>

#include "bench/sink_tls.h"

enum { CLIENTS_MOST = 4096, BUFFER = 65536 };

struct client {
	int fd;
	gnutls_session_t tls; /* NULL: in clear */
	bool shaking;         /* the handshake is under way */
	bool known;           /* AUTH was right */
	bool data;
	bool header;
	int64_t seq;
	char id[24];
	size_t nin;
	char in[BUFFER];
	size_t nout;
	char out[8192];
};

static struct {
	int epoll, listener;
	uint64_t messages, connections, octets, rcpts, dots;
	unsigned defer, refuse, drop;
	int64_t first_us, last_us;
	FILE *log;
	unsigned open, most_open;
	bool at_once; /* lines reach the log before the answer leaves */
	const char *chain, *key, *plain;
	uint64_t auths;
} g;
static volatile sig_atomic_t ended;

static void
on_term(int signo)
{
	(void)signo;
	ended = 1;
}

static void
leave(struct client *c)
{
	if (c->tls != NULL)
		gnutls_deinit(c->tls);
	close(c->fd);
	free(c);
	g.open--;
}

static void
say(struct client *c, const char *line)
{
	size_t n = strlen(line);

	if (c->nout + n <= sizeof c->out) {
		memcpy(c->out + c->nout, line, n);
		c->nout += n;
	}
}

static void
note(struct client *c)
{
	g.last_us = tool_now_us();
	if (g.messages++ == 0)
		g.first_us = g.last_us;
	if (g.log != NULL)
		fprintf(g.log, "%lld %lld %s\n", (long long)c->seq,
			(long long)g.last_us, c->id[0] != '\0' ? c->id : "-");
	if (g.log != NULL && g.at_once)
		fflush(g.log);
}

static void
rcpt(struct client *c)
{
	g.rcpts++;
	if (g.defer > 0 && g.rcpts % g.defer == 0)
		say(c, "450 4.2.1 later\r\n");
	else if (g.refuse > 0 && g.rcpts % g.refuse == 0)
		say(c, "550 5.1.1 nobody\r\n");
	else
		say(c, "250 2.1.5 Ok\r\n");
}

static void
ehlo(struct client *c)
{
	say(c, "250-sink.example.net\r\n250-PIPELINING\r\n"
	       "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n");
	if (g.chain != NULL && c->tls == NULL)
		say(c, "250-STARTTLS\r\n");
	else if (g.plain != NULL)
		say(c, "250-AUTH PLAIN\r\n");
	say(c, "250 SIZE 104857600\r\n");
}

static bool
answer(struct client *c)
{
	size_t n = c->nout;

	c->nout = 0;
	return n == 0 || tls_send(c->tls, c->fd, c->out, n);
}

static void
starttls(struct client *c)
{
	say(c, "220 2.0.0 go ahead\r\n");
	(void)answer(c);
	c->tls = tls_start(c->fd);
	c->shaking = true;
}

static void
auth(struct client *c, const char *p)
{
	g.auths++;
	c->known = strncasecmp(p, "AUTH PLAIN ", 11) == 0 &&
		   strcspn(p + 11, "\r") == strlen(g.plain) &&
		   strncmp(p + 11, g.plain, strlen(g.plain)) == 0;
	say(c, c->known ? "235 2.7.0 Ok\r\n" : "535 5.7.8 no\r\n");
}

/* False: the connection is over. */
static bool
command(struct client *c, const char *p)
{
	if (strncasecmp(p, "EHLO", 4) == 0)
		ehlo(c);
	else if (strncasecmp(p, "STARTTLS", 8) == 0 && g.chain != NULL &&
		 c->tls == NULL)
		starttls(c);
	else if (strncasecmp(p, "AUTH", 4) == 0 && g.plain != NULL &&
		 c->tls != NULL)
		auth(c, p);
	else if (strncasecmp(p, "MAIL", 4) == 0 &&
		 ((g.chain != NULL && c->tls == NULL) ||
		  (g.plain != NULL && !c->known)))
		say(c, "530 5.7.0 not yet\r\n");
	else if (strncasecmp(p, "MAIL", 4) == 0)
		say(c, "250 2.1.0 Ok\r\n");
	else if (strncasecmp(p, "RCPT", 4) == 0)
		rcpt(c);
	else if (strncasecmp(p, "DATA", 4) == 0) {
		say(c, "354 go\r\n");
		c->data = c->header = true;
		c->seq = -1;
		c->id[0] = '\0';
	} else if (strncasecmp(p, "QUIT", 4) == 0) {
		say(c, "221 2.0.0 bye\r\n");
		return false;
	} else {
		say(c, "250 2.0.0 Ok\r\n");
	}
	return true;
}

static void
look_for_seq(struct client *c, const char *p, size_t n)
{
	const char *at;

	if (!c->header)
		return;
	at = c->id[0] == '\0' ? memmem(p, n, " id ", 4) : NULL;
	if (at != NULL && at + 4 + sizeof c->id < p + n) {
		size_t k = strspn(at + 4, "0123456789ABCDEFGHIJKLMNOPQRSTUV"
					  "WXYZ");

		snprintf(c->id, sizeof c->id, "%.*s", (int)k, at + 4);
	}
	at = memmem(p, n, "\r\nX-Seq: ", 9);
	if (at != NULL)
		c->seq = atoll(at + 9);
	if (memmem(p, n, "\r\n\r\n", 4) != NULL)
		c->header = false;
}

/* What is in the buffer; false: over. */
static bool
eat(struct client *c)
{
	char *p = c->in, *end = c->in + c->nin, *lf, *dot;

	while (p < end) {
		if (!c->data) {
			lf = memchr(p, '\n', (size_t)(end - p));
			if (lf == NULL)
				break;
			*lf = '\0';
			if (!command(c, p))
				return false;
			p = lf + 1;
			continue;
		}
		look_for_seq(c, p, (size_t)(end - p));
		/* CRLF of the line before belongs to the pattern. */
		dot = tool_find_end(p, (size_t)(end - p));
		if (dot == NULL) {
			size_t keep = c->header ? 2048 : 4;

			if ((size_t)(end - p) > keep) {
				g.octets += (size_t)(end - p) - keep;
				p = end - keep;
			}
			break;
		}
		g.octets += (size_t)(dot - p);
		p = dot;
		c->data = false;
		note(c);
		if (g.drop > 0 && ++g.dots % g.drop == 0)
			return false;
		say(c, "250 2.0.0 Ok: sunk\r\n");
	}
	c->nin = (size_t)(end - p);
	memmove(c->in, p, c->nin);
	return true;
}

/* False: over. */
static bool
go_on(struct client *c)
{
	ssize_t n;

	if (c->shaking) {
		int done = tls_shake(c->tls);

		c->shaking = done == 0;
		if (done <= 0)
			return done == 0;
	}
	/* A record may be here whole: epoll would not tell of it. */
	do {
		n = tls_recv(c->tls, c->fd, c->in + c->nin, BUFFER - c->nin);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		c->nin += (size_t)n;
		if (!eat(c)) {
			(void)answer(c);
			return false;
		}
		if (!answer(c))
			return false;
	} while (c->tls != NULL && !c->shaking);
	return true;
}

static void
on_client(struct client *c)
{
	if (!go_on(c))
		leave(c);
}

static void
on_listener(void)
{
	for (;;) {
		int fd = accept4(g.listener, NULL, NULL, SOCK_NONBLOCK);
		struct client *c;
		struct epoll_event e = {.events = EPOLLIN};

		if (fd < 0)
			return;
		tool_nodelay(fd);
		c = malloc(sizeof *c);
		c->fd = fd;
		c->tls = NULL;
		c->shaking = c->known = false;
		c->data = false;
		c->id[0] = '\0';
		c->nin = c->nout = 0;
		e.data.ptr = c;
		if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &e) != 0)
			tool_die("epoll_ctl");
		g.connections++;
		if (++g.open > g.most_open)
			g.most_open = g.open;
		(void)!send(fd, "220 sink.example.net ESMTP\r\n", 28,
			    MSG_NOSIGNAL);
	}
}

static void
report(void)
{
	printf("{\"messages\": %llu, \"connections\": %llu, \"octets\": %llu, "
	       "\"most_open\": %u, \"first_us\": %lld, \"last_us\": %lld, "
	       "\"handshakes\": %llu, \"resumed\": %llu, \"auths\": %llu}\n",
	       (unsigned long long)g.messages,
	       (unsigned long long)g.connections, (unsigned long long)g.octets,
	       g.most_open, (long long)g.first_us, (long long)g.last_us,
	       (unsigned long long)tls.handshakes,
	       (unsigned long long)tls.resumed, (unsigned long long)g.auths);
	if (g.log != NULL)
		fclose(g.log);
}

int
main(int argc, char **argv)
{
	struct epoll_event event[256], e = {.events = EPOLLIN};
	struct sigaction sa = {.sa_handler = on_term};
	const char *address = "127.0.0.1";
	struct sockaddr_in at;
	int o, port = 0, one = 1;

	while ((o = getopt(argc, argv, "p:b:l:d:f:x:uc:k:a:")) != -1)
		switch (o) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'b':
			address = optarg;
			break;
		case 'l':
			g.log = fopen(optarg, "w");
			if (g.log == NULL)
				tool_die(optarg);
			break;
		case 'd':
			g.defer = (unsigned)atoi(optarg);
			break;
		case 'f':
			g.refuse = (unsigned)atoi(optarg);
			break;
		case 'x':
			g.drop = (unsigned)atoi(optarg);
			break;
		case 'u':
			g.at_once = true;
			break;
		case 'c':
			g.chain = optarg;
			break;
		case 'k':
			g.key = optarg;
			break;
		case 'a':
			g.plain = optarg;
			break;
		default:
			return 64;
		}
	if ((g.chain == NULL) != (g.key == NULL) ||
	    (g.plain != NULL && g.chain == NULL))
		return 64;
	if (g.chain != NULL)
		tls_load(g.chain, g.key);
	sigaction(SIGTERM, &sa, NULL);
	at = tool_address(port);
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return 64;
	g.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(g.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(g.listener, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(g.listener, 1024) != 0)
		tool_die("listen");
	g.epoll = epoll_create1(0);
	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, g.listener, &e) != 0)
		tool_die("epoll_ctl");
	while (!ended) {
		int n = epoll_wait(g.epoll, event, 256, 1000);

		for (int i = 0; i < n; i++)
			if (event[i].data.ptr == NULL)
				on_listener();
			else
				on_client(event[i].data.ptr);
		if (n <= 0 && g.log != NULL)
			fflush(g.log);
	}
	report();
	return 0;
}
