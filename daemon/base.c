#include "daemon/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
must_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "mtq: %s:%d: our mistake: %s\n", file, line, what);
	abort();
}

void *
must_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	must(p != NULL);
	return p;
}

void *
must_realloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	must(p != NULL);
	return p;
}

char *
must_strdup(const char *s)
{
	char *p = strdup(s);

	must(p != NULL);
	return p;
}

char *
must_printf(const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;

	va_start(ap, fmt);
	must(vasprintf(&p, fmt, ap) >= 0);
	va_end(ap);
	return p;
}
