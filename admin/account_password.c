#include "admin/account_password.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/base64.h"
#include "daemon/secret.h"
#include "queue/accounts.h"

enum { GENERATED = 18 }; /* octets: 144 bits in 24 letters */

/* One line, without its end; a longer one than allowed is cut one octet
 * behind the limit, which is seen later. */
static bool
read_line(int fd, struct bytes *out)
{
	char c = '\0';
	ssize_t n = 0;

	bytes_reserve(out, ACCOUNT_PASSWORD + 2);
	while (out->n <= ACCOUNT_PASSWORD && (n = read(fd, &c, 1)) == 1 &&
	       c != '\n')
		bytes_add(out, &c, 1);
	if (out->n > 0 && out->data[out->n - 1] == '\r')
		out->n--;
	return n >= 0;
}

static bool
ask(int tty, const char *prompt, struct bytes *out)
{
	struct termios was, quiet;
	bool ok = tcgetattr(tty, &was) == 0;

	quiet = was;
	quiet.c_lflag &= (tcflag_t) ~(unsigned)ECHO;
	ok = ok && tcsetattr(tty, TCSAFLUSH, &quiet) == 0;
	ok =
	    ok && write(tty, prompt, strlen(prompt)) > 0 && read_line(tty, out);
	(void)tcsetattr(tty, TCSAFLUSH, &was);
	(void)!write(tty, "\n", 1);
	return ok;
}

static bool
ask_twice(struct bytes *out, struct err *e)
{
	struct bytes again = {0};
	bool same;

	if (!ask(STDIN_FILENO, "New password: ", out) ||
	    !ask(STDIN_FILENO, "Once more: ", &again)) {
		err_set(e, ERR_SYSTEM, "the terminal: %m");
		return false;
	}
	same = again.n == out->n && memcmp(again.data, out->data, out->n) == 0;
	secret_wipe(again.data, again.n);
	bytes_free(&again);
	if (!same)
		err_set(e, ERR_CONFIG, "these are two passwords");
	return same;
}

static bool
generate(struct bytes *out, struct err *e)
{
	unsigned char raw[GENERATED];

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		err_set(e, ERR_SYSTEM, "getrandom: %m");
		return false;
	}
	bytes_reserve(out, BASE64_SIZE(sizeof raw) + 1);
	base64_add(out, raw, sizeof raw);
	/* Letters that no CRM's form takes amiss. */
	for (size_t i = 0; i < out->n; i++)
		out->data[i] = out->data[i] == '+'   ? '-'
			       : out->data[i] == '/' ? '_'
						     : out->data[i];
	secret_wipe(raw, sizeof raw);
	return true;
}

static bool
from_file(const char *path, struct bytes *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok = fd >= 0 && read_line(fd, out);

	if (!ok)
		err_set(e, ERR_SYSTEM, "%s: %m", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
is_good(const struct bytes *b, struct err *e)
{
	if (memchr(b->data, 0, b->n) != NULL)
		err_set(e, ERR_CONFIG, "a password holds no NUL");
	else if (b->n < ACCOUNT_PASSWORD_LEAST)
		err_set(e, ERR_CONFIG, "a password has at least %d octets",
			ACCOUNT_PASSWORD_LEAST);
	else if (b->n > ACCOUNT_PASSWORD)
		err_set(e, ERR_CONFIG, "a password has at most %d octets",
			ACCOUNT_PASSWORD);
	else
		return true;
	return false;
}

bool
account_password_get(const struct account_password_from *from,
		     struct bytes *out, struct err *e)
{
	bool ok;

	if (from->generate) {
		ok = generate(out, e);
	} else if (from->file != NULL) {
		ok = from_file(from->file, out, e);
	} else if (isatty(STDIN_FILENO)) {
		ok = ask_twice(out, e);
	} else {
		ok = read_line(STDIN_FILENO, out);
		if (!ok)
			err_set(e, ERR_SYSTEM, "stdin: %m");
	}
	ok = ok && is_good(out, e);
	bytes_u8(out, 0);
	out->n--;
	return ok;
}
