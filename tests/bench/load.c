/*
 * load - N SMTP sessions that send messages as fast as the server takes them.
 *
 *	load -p PORT [-s SESSIONS] [-n MESSAGES] [-z OCTETS] [-k PER_CONNECTION]
 *	     [-P] [-a ACKS] [-r] [-t SECONDS] [-T TYPE]... [-D DOMAINS [-O FIRST] -F
 *	     SUFFIX] [-S] [-A PLAIN] [-H FILE]
 *
 * Each message has a number of its own in X-Seq; of several -T the number's rest
 * chooses what X-Mail-Type says.  With -D message N goes to b@dK.SUFFIX, K being
 * FIRST + N modulo DOMAINS; else all to b@example.net.  -P pipelines MAIL, RCPT and
 * DATA where the server offers it.  -a writes "SEQ ID" for every 250; -r sends
 * what was not answered again over a new connection until -t is over.
 * -H: the fields of this file stand in front of each message (a signature).
 * -S: STARTTLS; -A: then AUTH PLAIN with these octets (base64).
 * SIGTERM: begins nothing new and ends when what was begun is answered.
 * Prints one JSON object.
 */
#include <getopt.h>
#include <signal.h>

#include "bench/load_tls.h"
#include "bench/tool.h"

enum {
	SESSIONS_MOST = 1000,
	BUFFER = 16384,
	BACKOFF_US = 20000,
	TYPES_MOST = 16,
	HEAD_MOST = 4096,
};

enum state {
	CONNECTING,
	GREETING,
	EHLO,
	STARTTLS,
	SHAKING,
	AUTH,
	MAIL,
	RCPT,
	DATA,
	DOT,
	QUIT,
	WAITING
};

struct session {
	int fd;
	gnutls_session_t tls; /* NULL: in clear */
	bool authenticated;
	enum state state;
	int64_t seq;   /* -1: none */
	unsigned sent; /* over this connection */
	unsigned owed; /* replies to pipelined commands still to come */
	bool pipelining;
	int64_t dot_us;
	int64_t again_us; /* WAITING */
	const char *out;
	size_t nout;
	char *body; /* header of its own, then the shared text */
	size_t nbody;
	char in[BUFFER];
	size_t nin;
	char command[256];
};

static struct {
	int port, sessions, epoll;
	int64_t messages, next, done, failed, refused, lost;
	size_t size;
	unsigned per_connection;
	bool pipeline, retry;
	FILE *acks;
	int64_t end_us;
	uint32_t *wait_us;
	int64_t *again; /* numbers to send again */
	size_t nagain;
	char *text;
	size_t ntext;
	const char *type[TYPES_MOST];
	int ntypes;
	int64_t domains, domain; /* how many (0: one), the first */
	const char *suffix;
	bool secure;
	const char *plain;
	char head[HEAD_MOST + 1]; /* header fields in front of each message */
} g = {.sessions = 50, .messages = 10000, .size = 10240, .per_connection = 1};

static volatile sig_atomic_t ended;

static void
on_term(int signo)
{
	(void)signo;
	ended = 1;
}

static void go(struct session *s);

static void
want(struct session *s, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = s};

	if (epoll_ctl(g.epoll, EPOLL_CTL_MOD, s->fd, &e) != 0)
		tool_die("epoll_ctl");
}

/* A line of base64-like text, so that no size is flattered by zeroes. */
static void
make_text(void)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t x = 12345;

	g.text = malloc(g.size + 100);
	while (g.ntext + 74 < g.size) {
		for (int i = 0; i < 72; i++) {
			x = x * 1664525 + 1013904223;
			g.text[g.ntext++] = alphabet[x >> 26];
		}
		memcpy(g.text + g.ntext, "\r\n", 2);
		g.ntext += 2;
	}
	memcpy(g.text + g.ntext, ".\r\n", 3);
	g.ntext += 3;
}

static bool
take_number(struct session *s)
{
	if (g.nagain > 0)
		s->seq = g.again[--g.nagain];
	else if (g.next < g.messages)
		s->seq = g.next++;
	else
		return false;
	return true;
}

static void
give_back(struct session *s)
{
	if (s->seq < 0)
		return;
	if (g.retry)
		g.again[g.nagain++] = s->seq;
	else
		g.failed++;
	s->seq = -1;
}

static void
start(struct session *s)
{
	struct sockaddr_in sa = tool_address(g.port);
	struct epoll_event e = {.events = EPOLLOUT, .data.ptr = s};

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		tool_die("socket");
	tool_nodelay(s->fd);
	s->state = CONNECTING;
	s->authenticated = false;
	s->sent = s->owed = 0;
	s->nin = s->nout = 0;
	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, s->fd, &e) != 0)
		tool_die("epoll_ctl");
	if (connect(s->fd, (struct sockaddr *)&sa, sizeof sa) != 0 &&
	    errno != EINPROGRESS)
		g.lost++; /* epoll tells of it again */
}

static void
end(struct session *s, bool failed)
{
	if (s->tls != NULL)
		gnutls_deinit(s->tls);
	s->tls = NULL;
	close(s->fd);
	s->fd = -1;
	if (failed) {
		g.lost++;
		give_back(s);
	}
	s->state = WAITING;
	s->again_us = failed ? tool_now_us() + BACKOFF_US : 0;
	if (!failed && (g.next < g.messages || g.nagain > 0))
		start(s);
}

static void
flush(struct session *s)
{
	while (s->nout > 0) {
		ssize_t n = s->tls != NULL
				? load_tls_send(s->tls, s->out, s->nout)
				: send(s->fd, s->out, s->nout, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			want(s, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) {
			end(s, true);
			return;
		}
		s->out += n;
		s->nout -= (size_t)n;
		if (s->nout == 0 && s->state == DOT)
			s->dot_us = tool_now_us();
	}
}

static void
put(struct session *s, const char *p, size_t n)
{
	s->out = p;
	s->nout = n;
	flush(s);
}

static void
say(struct session *s, enum state next, const char *line)
{
	s->state = next;
	s->owed = 1;
	put(s, line, strlen(line));
}

static void
send_body(struct session *s)
{
	int n = snprintf(s->body, HEAD_MOST + 512,
			 "%sFrom: crm@example.com\r\nTo: b@example.net\r\n"
			 "Subject: message %lld\r\nMessage-ID: <%lld@load>\r\n"
			 "X-Seq: %lld\r\n%s%s%s\r\n",
			 g.head, (long long)s->seq, (long long)s->seq,
			 (long long)s->seq, g.ntypes > 0 ? "X-Mail-Type: " : "",
			 g.ntypes > 0 ? g.type[s->seq % g.ntypes] : "",
			 g.ntypes > 0 ? "\r\n" : "");

	memcpy(s->body + n, g.text, g.ntext);
	s->state = DOT;
	s->owed = 1;
	put(s, s->body, (size_t)n + g.ntext);
}

/* `before`, RCPT, `after`; in the session's memory until it is sent. */
static const char *
rcpt(struct session *s, const char *before, const char *after)
{
	if (g.domains > 0)
		snprintf(s->command, sizeof s->command,
			 "%sRCPT TO:<b@d%lld.%s>\r\n%s", before,
			 (long long)(g.domain + s->seq % g.domains), g.suffix,
			 after);
	else
		snprintf(s->command, sizeof s->command,
			 "%sRCPT TO:<b@example.net>\r\n%s", before, after);
	return s->command;
}

static void
begin(struct session *s)
{
	const char *all;

	if (s->sent >= g.per_connection || !take_number(s)) {
		say(s, QUIT, "QUIT\r\n");
		return;
	}
	s->sent++;
	if (g.pipeline && s->pipelining) {
		s->state = MAIL;
		s->owed = 3;
		all = rcpt(s, "MAIL FROM:<crm@example.com>\r\n", "DATA\r\n");
		put(s, all, strlen(all));
	} else {
		say(s, MAIL, "MAIL FROM:<crm@example.com>\r\n");
	}
}

static void
accepted(struct session *s, const char *line)
{
	const char *id = strstr(line, "queued as ");

	g.wait_us[g.done++] = (uint32_t)(tool_now_us() - s->dot_us);
	if (g.acks != NULL)
		fprintf(g.acks, "%lld %.20s\n", (long long)s->seq,
			id != NULL ? id + 10 : "-");
	s->seq = -1;
	begin(s);
}

/* EHLO is answered: what comes before mail? */
static void
ready(struct session *s)
{
	static char line[600];

	if (g.secure && s->tls == NULL) {
		say(s, STARTTLS, "STARTTLS\r\n");
	} else if (g.plain != NULL && !s->authenticated) {
		snprintf(line, sizeof line, "AUTH PLAIN %.500s\r\n", g.plain);
		say(s, AUTH, line);
	} else {
		begin(s);
	}
}

static void
shake(struct session *s)
{
	int done = load_tls_shake(s->tls);

	if (done < 0)
		end(s, true);
	else if (done > 0)
		say(s, EHLO, "EHLO load.example.com\r\n");
	else
		want(s, gnutls_record_get_direction(s->tls) == 1
			    ? EPOLLIN | EPOLLOUT
			    : EPOLLIN);
}

/* One reply, its last line. */
static void
reply(struct session *s, const char *line)
{
	int code = atoi(line);

	s->owed--;
	switch (s->state) {
	case GREETING:
		if (code == 220) {
			say(s, EHLO, "EHLO load.example.com\r\n");
			return;
		}
		break;
	case EHLO:
		if (code == 250) {
			ready(s);
			return;
		}
		break;
	case STARTTLS:
		if (code == 220) {
			s->tls = load_tls_open(s->fd);
			s->state = SHAKING;
			shake(s);
			return;
		}
		break;
	case AUTH:
		if (code == 235) {
			s->authenticated = true;
			begin(s);
			return;
		}
		break;
	case MAIL:
		if (code == 250) {
			s->state = RCPT;
			if (s->owed == 0)
				say(s, RCPT, rcpt(s, "", ""));
			return;
		}
		break;
	case RCPT:
		if (code == 250) {
			s->state = DATA;
			if (s->owed == 0)
				say(s, DATA, "DATA\r\n");
			return;
		}
		break;
	case DATA:
		if (code == 354) {
			send_body(s);
			return;
		}
		break;
	case DOT:
		if (code == 250) {
			accepted(s, line);
			return;
		}
		break;
	case QUIT:
		end(s, false);
		return;
	case CONNECTING:
	case SHAKING:
	case WAITING:
		break;
	}
	g.refused++;
	end(s, true);
}

static void
take_in(struct session *s)
{
	ssize_t n =
	    s->tls != NULL
		? load_tls_recv(s->tls, s->in + s->nin, BUFFER - 1 - s->nin)
		: recv(s->fd, s->in + s->nin, BUFFER - 1 - s->nin, 0);
	char *line = s->in, *lf;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(s, s->state != QUIT);
		return;
	}
	s->nin += (size_t)n;
	s->in[s->nin] = '\0';
	while (s->fd >= 0 && (lf = strchr(line, '\n')) != NULL) {
		*lf = '\0';
		if (s->state == EHLO && strstr(line, "PIPELINING") != NULL)
			s->pipelining = true;
		if (strlen(line) > 3 && line[3] == ' ')
			reply(s, line);
		line = lf + 1;
	}
	if (s->fd < 0 || s->state == CONNECTING)
		return;
	s->nin = (size_t)(s->in + s->nin - line);
	memmove(s->in, line, s->nin);
}

static void
on_event(struct session *s, uint32_t events)
{
	if (s->state == CONNECTING) {
		int error = 0;
		socklen_t len = sizeof error;

		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0 || (events & EPOLLERR)) {
			end(s, true);
			return;
		}
		s->state = GREETING;
		s->owed = 1;
		want(s, EPOLLIN);
		return;
	}
	if (s->state == SHAKING) {
		shake(s);
		return;
	}
	if (events & EPOLLOUT) {
		want(s, EPOLLIN);
		flush(s);
	}
	if (s->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		take_in(s);
}

static void
go(struct session *s)
{
	if (s->state == WAITING && (g.next < g.messages || g.nagain > 0) &&
	    tool_now_us() >= s->again_us)
		start(s);
}

static void
report(int64_t begun_us)
{
	double s = (double)(tool_now_us() - begun_us) / 1e6;
	size_t n = (size_t)g.done;

	qsort(g.wait_us, n, sizeof g.wait_us[0], tool_compare);
	printf("{\"sent\": %lld, \"failed\": %lld, \"refused\": %lld, "
	       "\"lost_connections\": %lld, \"seconds\": %.3f, "
	       "\"per_second\": %.1f, \"dot_p50_us\": %u, \"dot_p99_us\": %u, "
	       "\"dot_max_us\": %u}\n",
	       (long long)g.done, (long long)g.failed, (long long)g.refused,
	       (long long)g.lost, s, (double)g.done / s,
	       tool_part(g.wait_us, n, 0.5), tool_part(g.wait_us, n, 0.99),
	       tool_part(g.wait_us, n, 1.0));
}

static void
read_head(const char *path)
{
	FILE *f = fopen(path, "r");

	if (f == NULL || fread(g.head, 1, HEAD_MOST, f) == 0)
		tool_die(path);
	fclose(f);
}

static void
options(int argc, char **argv)
{
	int64_t seconds = 60;
	int o;

	while ((o = getopt(argc, argv, "p:s:n:z:k:Pa:rt:T:D:O:F:SA:H:")) != -1)
		switch (o) {
		case 'p':
			g.port = atoi(optarg);
			break;
		case 's':
			g.sessions = atoi(optarg);
			break;
		case 'n':
			g.messages = atoll(optarg);
			break;
		case 'z':
			g.size = (size_t)atoll(optarg);
			break;
		case 'k':
			g.per_connection = (unsigned)atoi(optarg);
			break;
		case 'P':
			g.pipeline = true;
			break;
		case 'a':
			g.acks = fopen(optarg, "w");
			if (g.acks == NULL)
				tool_die(optarg);
			setvbuf(g.acks, NULL, _IOLBF, 0);
			break;
		case 'r':
			g.retry = true;
			break;
		case 't':
			seconds = atoll(optarg);
			break;
		case 'T':
			if (g.ntypes == TYPES_MOST || strlen(optarg) > 100)
				exit(64);
			g.type[g.ntypes++] = optarg;
			break;
		case 'D':
			g.domains = atoll(optarg);
			break;
		case 'O':
			g.domain = atoll(optarg);
			break;
		case 'F':
			g.suffix = optarg;
			break;
		case 'S':
			g.secure = true;
			break;
		case 'A':
			g.plain = optarg;
			break;
		case 'H':
			read_head(optarg);
			break;
		default:
			exit(64);
		}
	if (g.port <= 0 || g.sessions < 1 || g.sessions > SESSIONS_MOST ||
	    (g.domains > 0 && (g.suffix == NULL || strlen(g.suffix) > 100)))
		exit(64);
	g.end_us = tool_now_us() + seconds * 1000000;
}

int
main(int argc, char **argv)
{
	static struct session session[SESSIONS_MOST];
	struct epoll_event event[256];
	int64_t begun_us;

	options(argc, argv);
	signal(SIGTERM, on_term);
	make_text();
	g.wait_us = calloc((size_t)g.messages + 1, sizeof g.wait_us[0]);
	g.again = calloc((size_t)g.messages + SESSIONS_MOST, sizeof g.again[0]);
	g.epoll = epoll_create1(0);
	begun_us = tool_now_us();
	for (int i = 0; i < g.sessions; i++) {
		session[i].seq = -1;
		session[i].body = malloc(HEAD_MOST + 512 + g.ntext);
		session[i].state = WAITING;
		go(&session[i]);
	}
	while (g.done + g.failed < g.messages && tool_now_us() < g.end_us) {
		int n = epoll_wait(g.epoll, event, 256, 10);

		if (ended && g.messages > g.next)
			g.messages = g.next;

		for (int i = 0; i < n; i++)
			on_event(event[i].data.ptr, event[i].events);
		if (n < 256)
			for (int i = 0; i < g.sessions; i++)
				go(&session[i]);
	}
	report(begun_us);
	return g.done == g.messages ? 0 : 1;
}
