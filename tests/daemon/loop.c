#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/loop.h"

enum { DEADLINE_MS = 10 * 1000 };

/* Two ends of a TCP connection; only TCP knows resets. */
static void
connect_two(int fd[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(door >= 0);
	assert_int_equal(bind(door, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&at, &n), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&at, n), 0);
	fd[1] = accept(door, NULL, NULL);
	assert_true(fd[1] >= 0);
	assert_int_equal(close(door), 0);
}

static void
reset_it(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
	assert_int_equal(close(fd), 0);
}

struct reader_end {
	struct loop *loop;
	struct watch watch;
	struct timer late;
	int fd;
	size_t got;
	bool ended;
};

/* Reads an octet a time, so that the error comes while some are left. */
static void
read_one(struct watch *w, int events)
{
	struct reader_end *r = container_of(w, struct reader_end, watch);
	char c;
	ssize_t n = recv(r->fd, &c, 1, MSG_DONTWAIT);

	assert_true(events & LOOP_READ);
	if (n > 0) {
		r->got++;
		return;
	}
	r->ended = n == 0 || errno != EAGAIN;
	if (r->ended)
		loop_stop(r->loop);
}

static void
too_late(struct timer *t)
{
	loop_stop(container_of(t, struct reader_end, late)->loop);
}

/* libuv stops to watch at an error; we must hear of it all the same once the
 * octets before it are read, or a session would live for ever. */
static void
a_reset_is_heard_behind_octets(void **state)
{
	struct reader_end r = {.got = 0};
	int fd[2];

	(void)state;
	connect_two(fd);
	r.fd = fd[1];
	r.loop = loop_open();
	watch_open(r.loop, &r.watch, r.fd, read_one);
	watch_for(&r.watch, LOOP_READ);
	timer_open(r.loop, &r.late, too_late);
	timer_start(&r.late, DEADLINE_MS);
	assert_int_equal(send(fd[0], "octets", 6, 0), 6);
	reset_it(fd[0]);
	loop_run(r.loop);
	assert_true(r.ended);
	assert_true(r.got == 6 || r.got == 0); /* the kernel may drop them */
	watch_close(&r.watch, NULL);
	timer_close(&r.late, NULL);
	loop_close(r.loop);
	assert_int_equal(close(r.fd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reset_is_heard_behind_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
