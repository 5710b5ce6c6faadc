#include "queue/later.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/record.h"

enum { LINE_MOST = 2048 };

void
later_add(struct later *l, enum event ev, uint64_t id, const char *fmt, ...)
{
	char line[LINE_MOST];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	must(n >= 0);
	bytes_u8(&l->lines, (uint8_t)ev);
	bytes_u64(&l->lines, id);
	bytes_text(&l->lines, line, strlen(line));
}

void
later_log(struct later *l)
{
	struct reader r = reader_of(l->lines.data, l->lines.n);

	while (r.ok && r.p < r.end) {
		enum event ev = (enum event)read_u8(&r);
		uint64_t id = read_u64(&r);
		char text[ID_TEXT + 1] = "";
		size_t n;
		const char *p = read_text(&r, LINE_MOST, &n);

		must(r.ok);
		if (id != 0)
			id_text(id, text);
		log_event(ev, id != 0 ? text : NULL, "%.*s", (int)n, p);
	}
	later_forget(l);
}

void
later_forget(struct later *l)
{
	l->lines.n = 0;
}
