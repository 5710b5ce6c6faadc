/*
 * sink - an SMTP server that takes everything and counts it.
 *
 *	sink -p PORT [-b ADDRESS] [-l LOG] [-d NTH] [-f NTH] [-x NTH] [-u]
 *
 * -l writes "SEQ TIME_US ID" (CLOCK_MONOTONIC) for every message: SEQ from X-Seq,
 * ID the queue id in the topmost Received field ("-" if there is none).
 * -d answers every NTH RCPT with 450, -f with 550, -x drops the connection after
 * every NTH final dot without a reply (the message is counted as taken).  -u: each
 * line is in the file before the message is answered.
 * Prints one JSON object on SIGTERM.
 */
#include <getopt.h>
#include <signal.h>

#include "bench/tool.h"

enum { CLIENTS_MOST = 4096, BUFFER = 65536 };

struct client {
	int fd;
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

/* False: the connection is over. */
static bool
command(struct client *c, const char *p)
{
	if (strncasecmp(p, "EHLO", 4) == 0)
		say(c, "250-sink.example.net\r\n250-PIPELINING\r\n"
		       "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
		       "250 SIZE 104857600\r\n");
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

/* The end of the message at or after `from`; 0 if it is not there yet. */
static char *
find_end(char *p, size_t n)
{
	char *end = p + n, *dot = p;

	while ((dot = memchr(dot, '.', (size_t)(end - dot))) != NULL) {
		if (end - dot >= 3 && dot[1] == '\r' && dot[2] == '\n' &&
		    dot - p >= 2 && dot[-1] == '\n' && dot[-2] == '\r')
			return dot + 3;
		dot++;
	}
	return NULL;
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
		dot = find_end(p, (size_t)(end - p));
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

static void
on_client(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->nin, BUFFER - c->nin, 0);
	bool goes_on;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		leave(c);
		return;
	}
	c->nin += (size_t)n;
	goes_on = eat(c);
	if (c->nout > 0 &&
	    send(c->fd, c->out, c->nout, MSG_NOSIGNAL) != (ssize_t)c->nout)
		goes_on = false;
	c->nout = 0;
	if (!goes_on)
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
	       "\"most_open\": %u, \"first_us\": %lld, \"last_us\": %lld}\n",
	       (unsigned long long)g.messages,
	       (unsigned long long)g.connections, (unsigned long long)g.octets,
	       g.most_open, (long long)g.first_us, (long long)g.last_us);
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

	while ((o = getopt(argc, argv, "p:b:l:d:f:x:u")) != -1)
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
		default:
			return 64;
		}
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
