/*
 * expect - a configuration and what mtq says about it, word for word.
 */
#ifndef MTQ_TESTS_DAEMON_EXPECT_H
#define MTQ_TESTS_DAEMON_EXPECT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/settings.h"

/* The least that is right; cases put their lines behind it. */
#define NAMES  "instance = a\nhostname = a.example\n"
#define LISTEN "listen in { address = 127.0.0.1:25 }\n"
#define SOURCE "source crm { from_ip = 192.0.2.0/24 }\n"
#define RELAY  "relay out { host = mail.example }\n"
#define GOOD   NAMES LISTEN SOURCE RELAY /* 5 lines */

static inline struct settings *
parse(const char *text, struct bytes *report)
{
	struct settings *s;

	s = settings_parse("f", text, strlen(text), report);
	bytes_u8(report, 0);
	return s;
}

/* What the text says, and whether there are settings then. */
static inline void
expect(const char *name, const char *text, const char *says, bool good)
{
	struct bytes report = {0};
	struct settings *s = parse(text, &report);

	if (strcmp((char *)report.data, says) != 0)
		fail_msg("%s: it says\n%swanted\n%s", name, (char *)report.data,
			 says);
	if ((s != NULL) != good)
		fail_msg("%s: %s", name, good ? "refused" : "taken");
	settings_free(s);
	bytes_free(&report);
}

struct row {
	const char *name;
	const char *text;
	const char *says;
};

static inline void
expect_all(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(row[i].name, row[i].text, row[i].says, false);
}

#endif
