#include "daemon/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
}

void
err_add(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->text - 3];
	va_list ap;
	int n;

	snprintf(old, sizeof old, "%.508s", e->text);
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->text)
		snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", old);
}

int
err_exit(const struct err *e)
{
	switch (e->kind) {
	case ERR_NONE:
		return EXIT_DONE;
	case ERR_CONFIG:
		return EXIT_CONFIG;
	case ERR_STORE:
	case ERR_DAMAGED:
		return EXIT_SOFTWARE;
	case ERR_SYSTEM:
	case ERR_FULL:
	case ERR_PEER:
		return EXIT_AGAIN;
	}
	return EXIT_SOFTWARE;
}
