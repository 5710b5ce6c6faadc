/* mtq send, and sendmail: one message from standard input, handed to mtqd by its
 * Unix socket, or left in the maildrop while mtqd is not there. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/command.h"
#include "admin/compose.h"
#include "admin/mailq.h"
#include "admin/sendmail.h"
#include "daemon/net.h"
#include "daemon/now.h"
#include "daemon/sockets.h"
#include "queue/drop_file.h"
#include "queue/session_args.h"

enum {
	ARGUMENTS_MOST = 512,
	STDIN_BLOCK = 64 * 1024,
	MAIL_MOST = 1 << 30, /* octets, when no listener says less */
};

struct send {
	struct command *c;
	const struct settings *s;
	const struct listen_settings *listen; /* the Unix socket's; NULL */
	const char *path;                     /* of it */
	struct sendmail_options o;
	char user[320];
	char from[320];
	char mail_arguments[ARGUMENTS_MOST];
	char rcpt_arguments[ARGUMENTS_MOST];
};

static int
fail(const struct send *x, int code, const char *why)
{
	return command_say(x->c, code, "%s", why);
}

/* An address as it was given; one without a domain is of this host. */
static bool
qualify(const struct send *x, const char *given, char out[320])
{
	const char *domain = x->s != NULL ? x->s->hostname : "localhost";
	size_t n = strlen(given);
	int k;

	if (n >= 2 && given[0] == '<' && given[n - 1] == '>') {
		given++;
		n -= 2;
	}
	if (n == 0)
		k = 0, out[0] = '\0';
	else if (memchr(given, '@', n) != NULL)
		k = snprintf(out, 320, "%.*s", (int)min_of(n, (size_t)330),
			     given);
	else
		k = snprintf(out, 320, "%.*s@%s", (int)min_of(n, (size_t)330),
			     given, domain);
	for (const char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '<' ||
		    *c == '>')
			return false;
	return k >= 0 && k < 320;
}

/* --- the way to mtqd -------------------------------------------------------- */

static void
find_socket(struct send *x)
{
	for (size_t i = 0; x->s != NULL && i < x->s->nlistens; i++)
		for (size_t j = 0; j < x->s->listens[i].address.n; j++) {
			const struct socket_at *at =
			    &x->s->listens[i].address.at[j];

			if (x->path != NULL || net_unix_path(at) == NULL)
				continue;
			x->path = net_unix_path(at);
			x->listen = &x->s->listens[i];
		}
}

static int
connect_blocking(const char *path, struct err *e)
{
	int fd = sockets_connect(path, e), flags;

	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		return fd;
	err_set(e, ERR_SYSTEM, "%s: %m", path);
	close(fd);
	return -1;
}

/* Not now: into the maildrop, if there is one. */
static int
leave(const struct send *x, const struct submission *m, const char *why)
{
	struct err e;

	if (*x->s->maildrop == '\0')
		return command_say(
		    x->c, EX_TEMPFAIL,
		    "%s; nothing was sent (with the key maildrop "
		    "it would wait)",
		    why);
	if (drop_file_write(x->s->maildrop, m, &e))
		return EXIT_DONE;
	return command_say(x->c, EX_TEMPFAIL, "%s; and %s", why, e.text);
}

static int
hand_over(const struct send *x, const struct submission *m)
{
	char words[SUBMISSION_WORDS];
	struct err e;
	int fd = connect_blocking(x->path, &e);

	if (fd < 0)
		return leave(x, m, e.text);
	switch (submission_talk(fd, "localhost", m, words)) {
	case SUBMISSION_DONE:
		close(fd);
		if (x->c->json || x->o.tell)
			printf("%s\n", words);
		return EXIT_DONE;
	case SUBMISSION_LATER:
		close(fd);
		return leave(x, m, words);
	case SUBMISSION_REFUSED:
		break;
	}
	close(fd);
	return command_say(
	    x->c, strstr(words, " 5.7.") != NULL ? EX_NOPERM : EX_DATAERR,
	    "refused, nothing was sent: %s", words);
}

/* --- what is sent ----------------------------------------------------------- */

static bool
read_stdin(struct bytes *b, size_t most)
{
	for (;;) {
		ssize_t k;

		bytes_reserve(b, STDIN_BLOCK);
		k = read(STDIN_FILENO, b->data + b->n, STDIN_BLOCK);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 || b->n > most)
			return false;
		if (k == 0)
			return true;
		b->n += (size_t)k;
	}
}

static void
add(char out[ARGUMENTS_MOST], const char *name, const char *value)
{
	size_t n = strlen(out);

	snprintf(out + n, ARGUMENTS_MOST - n, " %s=%s", name, value);
}

static bool
arguments(struct send *x, bool eightbit)
{
	uint8_t flags;

	if (eightbit)
		add(x->mail_arguments, "BODY", "8BITMIME");
	if (x->o.ret != NULL)
		add(x->mail_arguments, "RET",
		    strcmp(x->o.ret, "hdrs") == 0 ? "HDRS" : "FULL");
	if (x->o.envid != NULL) {
		if (!session_args_xtext(text_of(x->o.envid)) ||
		    strlen(x->o.envid) > SESSION_ARGS_ENVID)
			return false;
		add(x->mail_arguments, "ENVID", x->o.envid);
	}
	if (x->o.notify == NULL)
		return true;
	if (!session_args_notify(text_of(x->o.notify), &flags))
		return false;
	add(x->rcpt_arguments, "NOTIFY", x->o.notify);
	return true;
}

/* The arguments, then those of the header (-t). */
static int
deliver(struct send *x, const struct composed *m)
{
	const size_t n = (size_t)x->o.argc + m->nrecipients;
	char(*given)[320] = must_alloc((n + 1) * sizeof *given);
	const char **rcpt = must_alloc((n + 1) * sizeof *rcpt);
	const char *at = (const char *)m->recipients.data;
	int code = EXIT_DONE;

	for (size_t i = 0; i < n && code == EXIT_DONE; i++) {
		const char *text = i < (size_t)x->o.argc ? x->o.argv[i] : at;

		if (i >= (size_t)x->o.argc)
			at += strlen(at) + 1;
		rcpt[i] = given[i];
		if (!qualify(x, text, given[i]) || given[i][0] == '\0')
			code = command_say(x->c, EX_DATAERR,
					   "'%.200s' is no address", text);
	}
	if (code == EXIT_DONE && n == 0)
		code = fail(x, EX_USAGE,
			    "no recipient: name one, or -t takes those of the "
			    "header");
	if (code == EXIT_DONE)
		code = hand_over(
		    x, &(struct submission){.sender = x->from,
					    .rcpt = rcpt,
					    .nrcpt = n,
					    .mail_arguments = x->mail_arguments,
					    .rcpt_arguments = x->rcpt_arguments,
					    .message = m->message.data,
					    .n = m->message.n});
	free(given);
	free(rcpt);
	return code;
}

static int
send_one(struct send *x, const struct bytes *in)
{
	char date[NOW_RFC5322_SIZE], id[400];
	struct composed m;
	uint64_t some;
	int code;

	if (getrandom(&some, sizeof some, 0) != (ssize_t)sizeof some)
		return fail(x, EX_TEMPFAIL, "getrandom failed");
	now_rfc5322(x->c->now_us, date);
	snprintf(id, sizeof id, "<%llx.%016llx@%s>",
		 (unsigned long long)x->c->now_us, (unsigned long long)some,
		 x->s->hostname);
	if (!compose(&(struct compose_ask){.p = in->data,
					   .n = in->n,
					   .dot_ends = !x->o.ignore_dots,
					   .take_recipients = x->o.from_header,
					   .from = *x->from != '\0' ? x->from
								    : x->user,
					   .full_name = x->o.full_name,
					   .domain = x->s->hostname,
					   .date = date,
					   .message_id = id},
		     &m))
		code = fail(x, EX_DATAERR, m.why);
	else if (!arguments(x, m.eightbit))
		code = fail(x, EX_USAGE,
			    "-N is never, or some of success,failure,delay; -V "
			    "is xtext of 100 octets at most");
	else
		code = deliver(x, &m);
	composed_free(&m);
	return code;
}

static void
who(struct send *x, char name[64])
{
	const struct passwd *p = getpwuid(getuid());

	if (p != NULL)
		snprintf(name, 64, "%.63s", p->pw_name);
	else
		snprintf(name, 64, "uid%u", (unsigned)getuid());
	(void)x;
}

static int
send_mail(struct send *x)
{
	struct bytes in = {0};
	char name[64], own[320];
	int code;

	who(x, name);
	if (!qualify(x, name, own))
		return fail(x, EX_OSERR, "who you are is no address");
	memcpy(x->user, own, sizeof own);
	if (!qualify(x, x->o.sender != NULL ? x->o.sender : name, x->from))
		return command_say(x->c, EX_USAGE, "-f: '%.200s' is no address",
				   x->o.sender);
	if (!read_stdin(&in, x->listen->max_message_size_bytes))
		code = fail(x, EX_DATAERR,
			    "the message can't be read, or is larger than "
			    "max_message_size");
	else
		code = send_one(x, &in);
	bytes_free(&in);
	return code;
}

/* -bs: whoever calls us speaks SMTP himself. */
static int
relay_stdin(struct send *x)
{
	struct err e;
	int fd = connect_blocking(x->path, &e);
	/* Nothing goes there before the greeting has come. */
	struct pollfd p[2] = {{-1, POLLIN, 0}, {fd, POLLIN, 0}};
	bool greeted = false;
	char block[8192];

	if (fd < 0)
		return command_fail(x->c, &e);
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		ssize_t n;

		if (p[0].revents != 0) {
			n = read(STDIN_FILENO, block, sizeof block);
			if (n <= 0) {
				(void)shutdown(fd, SHUT_WR);
				p[0].fd = -1;
			} else if (send(fd, block, (size_t)n, MSG_NOSIGNAL) !=
				   n) {
				break;
			}
		}
		if (p[1].revents != 0) {
			n = recv(fd, block, sizeof block, 0);
			if (n <= 0 ||
			    write(STDOUT_FILENO, block, (size_t)n) != n)
				break;
			if (!greeted)
				p[0].fd = STDIN_FILENO;
			greeted = true;
		}
	}
	close(fd);
	return EXIT_DONE;
}

static int
run(struct command *c, bool sendmail)
{
	struct send x = {.c = c};

	if (!sendmail_options(c->argc + 1, c->argv - 1, &x.o))
		return sendmail ? command_say(c, EX_USAGE, "%s", x.o.why)
				: command_usage(c, NULL);
	x.o.tell = !sendmail;
	if (x.o.mode == SENDMAIL_ALIASES)
		return EXIT_DONE; /* there are none */
	if (x.o.mode == SENDMAIL_QUEUE)
		return mailq(c);
	if (x.o.mode == SENDMAIL_FLUSH)
		return mailq_flush(c);
	x.s = command_settings(c);
	if (x.s == NULL)
		return EX_CONFIG;
	find_socket(&x);
	if (x.path == NULL)
		return command_say(c, EX_CONFIG,
				   "%s: no listener has a Unix socket: write "
				   "listen \"local\" { address = "
				   "unix:/run/mtq/submit.sock }",
				   c->path);
	return x.o.mode == SENDMAIL_SMTP ? relay_stdin(&x) : send_mail(&x);
}

int
cmd_send(struct command *c)
{
	return run(c, false);
}

int
sendmail_main(struct command *c)
{
	return run(c, true);
}
