/*
 * render - writes reports that somebody else asks for: tests/dsn_parse.py says
 * what shall be in them, and has them read by parsers that are not ours.
 *
 * stdin    lines "key value", texts in hexadecimal; "rcpt" begins a recipient,
 *          "end" the writing: then the original's octets follow in one line.
 * stdout   for each report a line with its length and its octets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/dsn.h"

enum { LINE_MOST = 1 << 20, TEXTS_MOST = 16 * DSN_RECIPIENTS_MOST };

static char line[LINE_MOST];
static char *kept[TEXTS_MOST]; /* texts of the report at hand */
static size_t nkept;
static struct dsn_recipient rcpt[DSN_RECIPIENTS_MOST];

/* The octets that hexadecimal digits stand for; they live until the report is
 * written. */
static struct text
unhex(const char *s)
{
	size_t n = strlen(s) / 2;
	char *p = must_alloc(n + 1);
	unsigned c;

	for (size_t i = 0; i < n; i++) {
		must(sscanf(s + 2 * i, "%2x", &c) == 1);
		p[i] = (char)c;
	}
	must(nkept < TEXTS_MOST);
	kept[nkept++] = p;
	return (struct text){p, n};
}

static int64_t
number(const char *s)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	must(errno == 0 && end > s && *end == '\0');
	return v;
}

static bool
take_recipient(struct dsn_recipient *r, const char *key, const char *value)
{
	const struct {
		const char *key;
		struct text *at;
	} text[] = {{"address", &r->address},
		    {"orcpt", &r->orcpt},
		    {"status", &r->status},
		    {"reply", &r->reply},
		    {"remote", &r->remote}};

	for (size_t i = 0; i < countof(text); i++)
		if (strcmp(key, text[i].key) == 0) {
			*text[i].at = unhex(value);
			return true;
		}
	if (strcmp(key, "code") == 0)
		r->code = (uint16_t)number(value);
	else if (strcmp(key, "last_us") == 0)
		r->last_us = number(value);
	else if (strcmp(key, "until_us") == 0)
		r->until_us = number(value);
	else
		return false;
	return true;
}

static bool
take(struct dsn *d, const char *key, const char *value)
{
	const struct {
		const char *key;
		struct text *at;
	} text[] = {{"hostname", &d->hostname}, {"id", &d->id},
		    {"original", &d->original}, {"to", &d->to},
		    {"envid", &d->envid},       {"subject", &d->subject},
		    {"client", &d->client},     {"message_id", &d->message_id}};
	const struct {
		const char *key;
		bool *at;
	} flag[] = {{"full", &d->full},
		    {"eightbit", &d->eightbit},
		    {"utf8", &d->utf8},
		    {"foreign", &d->foreign}};

	for (size_t i = 0; i < countof(text); i++)
		if (strcmp(key, text[i].key) == 0) {
			*text[i].at = unhex(value);
			return true;
		}
	for (size_t i = 0; i < countof(flag); i++)
		if (strcmp(key, flag[i].key) == 0) {
			*flag[i].at = number(value) != 0;
			return true;
		}
	if (strcmp(key, "action") == 0)
		d->action = (enum dsn_action)number(value);
	else if (strcmp(key, "now_us") == 0)
		d->now_us = number(value);
	else if (strcmp(key, "arrival_us") == 0)
		d->arrival_us = number(value);
	else
		return false;
	return true;
}

static void
render(const struct dsn *d, struct text original)
{
	struct bytes b = {0};

	dsn_head(d, &b);
	bytes_add(&b, original.p,
		  d->full ? original.n
			  : dsn_header_octets((const unsigned char *)original.p,
					      original.n));
	dsn_tail(d, &b);
	printf("%zu\n", b.n);
	must(fwrite(b.data, 1, b.n, stdout) == b.n);
	bytes_free(&b);
	while (nkept > 0)
		free(kept[--nkept]);
}

int
main(void)
{
	struct dsn d = {.recipient = rcpt};

	while (fgets(line, sizeof line, stdin) != NULL) {
		char *value;

		line[strcspn(line, "\n")] = '\0';
		value = line + strcspn(line, " ");
		if (*value != '\0')
			*value++ = '\0';
		if (strcmp(line, "end") == 0) {
			render(&d, unhex(value));
			d = (struct dsn){.recipient = rcpt};
		} else if (strcmp(line, "rcpt") == 0) {
			must(d.n < DSN_RECIPIENTS_MOST);
			rcpt[d.n++] = (struct dsn_recipient){.code = 0};
		} else {
			must(take(&d, line, value) ||
			     (d.n > 0 &&
			      take_recipient(&rcpt[d.n - 1], line, value)));
		}
	}
	return fflush(stdout) == 0 && !ferror(stdin) ? 0 : 1;
}
