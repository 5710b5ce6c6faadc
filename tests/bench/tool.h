/* tool - what load and sink share: time, sockets, numbers.  Loopback only. */
#ifndef MTQ_BENCH_TOOL_H
#define MTQ_BENCH_TOOL_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline int64_t
tool_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline void
tool_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static inline struct sockaddr_in
tool_address(int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};

	return sa;
}

static inline void
tool_nodelay(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static inline int
tool_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The value below which `share` of the n sorted ones lie. */
static inline uint32_t
tool_part(const uint32_t *v, size_t n, double share)
{
	return n == 0 ? 0 : v[(size_t)((double)(n - 1) * share)];
}

/* The end of the message at or after `from`; 0 if it is not there yet. */
static inline char *
tool_find_end(char *p, size_t n)
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

#endif
