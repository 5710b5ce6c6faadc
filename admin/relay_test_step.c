#include "admin/relay_test_step.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*	name, kind */
#define STEP_SHOWN(F)                                                          \
	F(step, TEXT)                                                          \
	F(ok, FLAG)                                                            \
	F(ms, MS)                                                              \
	F(said, TEXT)
#define F(name, kind) AT_##name,
enum { STEP_SHOWN(F) AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field step_fields[] = {STEP_SHOWN(F)};
#undef F

static void
print_json(const struct relay_test_step *s)
{
	struct show_field field[AT_COUNT + STEP_FIELDS_MOST];
	struct show_value value[AT_COUNT + STEP_FIELDS_MOST] = {{0}};

	must(s->n <= STEP_FIELDS_MOST);
	memcpy(field, step_fields, sizeof step_fields);
	value[AT_step] = show_word(s->name);
	if (s->how != STEP_NOTE)
		value[AT_ok] = show_flag(s->how == STEP_OK);
	if (s->us >= 0)
		value[AT_ms] = show_ms(s->us);
	value[AT_said] = show_word(s->said.text);
	for (size_t i = 0; i < s->n; i++) {
		field[AT_COUNT + i] = s->field[i];
		value[AT_COUNT + i] = s->value[i];
	}
	show_json(stdout, field, AT_COUNT + s->n, value);
}

static const char *
mark(enum relay_test_how how)
{
	switch (how) {
	case STEP_OK:
		return "ok";
	case STEP_NOT:
		return "FAIL";
	case STEP_NOTE:
		return "-";
	}
	must_failed("a step", __FILE__, __LINE__);
}

static void
print_text(const struct relay_test_step *s)
{
	const char *p = (const char *)s->more.data;
	size_t left = s->more.n;

	if (s->us >= 0)
		printf("%-4s %8.1f ms  %-9s %s\n", mark(s->how),
		       (double)s->us / 1000, s->name, s->said.text);
	else
		printf("%-4s %11s  %-9s %s\n", mark(s->how), "", s->name,
		       s->said.text);
	while (left > 0) {
		const char *nl = memchr(p, '\n', left);
		size_t n = nl != NULL ? (size_t)(nl - p) : left;

		printf("%28s%.*s\n", "", (int)n, p);
		n += nl != NULL;
		p += n;
		left -= n;
	}
}

void
relay_test_step(bool json, struct relay_test_step *s)
{
	if (json)
		print_json(s);
	else
		print_text(s);
	(void)fflush(stdout); /* the next step may take its time; an error
				 stays in ferror(stdout) */
	bytes_free(&s->more);
}

void
relay_test_tell(bool json, const char *name, enum relay_test_how how,
		int64_t us, const char *fmt, ...)
{
	struct relay_test_step s = {.name = name, .how = how, .us = us};
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s.said.text, sizeof s.said.text, fmt, ap);
	va_end(ap);
	must(n >= 0);
	s.said.n = min_of((size_t)n, sizeof s.said.text - 1);
	relay_test_step(json, &s);
}
