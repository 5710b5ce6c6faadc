#include "admin/sentence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"

void
sentence_add(struct sentence *s, const char *fmt, ...)
{
	const size_t room = sizeof s->text - s->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->text + s->n, room, fmt, ap);
	va_end(ap);
	must(n >= 0);
	s->n += min_of((size_t)n, room - 1);
}

void
sentence_quote(struct sentence *s, struct text t)
{
	log_safe(t.p, t.n, s->text + s->n, sizeof s->text - s->n);
	s->n += strlen(s->text + s->n);
}
