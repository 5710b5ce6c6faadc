#include "daemon/report.h"

#include <stdarg.h>
#include <stdio.h>

/* Words of the file stand in messages, and messages go to terminals. */
static void
add_clean(struct bytes *out, const char *s)
{
	for (; *s != '\0'; s++)
		bytes_u8(out, *s >= ' ' && *s <= '~' ? (uint8_t)*s : '?');
}

PRINTF(5, 0)
static void
add(struct report *r, const char *file, unsigned line, const char *mark,
    const char *fmt, va_list ap)
{
	char text[REPORT_LINE];

	if (r->errors + r->warnings > REPORT_MOST) {
		r->left_out++;
		return;
	}
	vsnprintf(text, sizeof text, fmt, ap);
	add_clean(r->out, file);
	if (line > 0)
		bytes_printf(r->out, ":%u", line);
	bytes_printf(r->out, ": %s", mark);
	add_clean(r->out, text);
	bytes_add_text(r->out, "\n");
}

void
report_error(struct report *r, const char *file, unsigned line, const char *fmt,
	     ...)
{
	va_list ap;

	r->errors++;
	va_start(ap, fmt);
	add(r, file, line, "", fmt, ap);
	va_end(ap);
}

void
report_warning(struct report *r, const char *file, unsigned line,
	       const char *fmt, ...)
{
	va_list ap;

	r->warnings++;
	va_start(ap, fmt);
	add(r, file, line, "warning: ", fmt, ap);
	va_end(ap);
}

void
report_end(struct report *r)
{
	if (r->left_out > 0)
		bytes_printf(r->out, "and %u more\n", r->left_out);
	r->left_out = 0;
}
