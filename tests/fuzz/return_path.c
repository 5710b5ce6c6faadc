/* Any local part at our bounce domain, and any mail that leaves.  Oracles: what
 * is taken as ours is what we would write for that recipient, octet for octet
 * but for case; what we write is an address and is taken; null stays null. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue/return_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct return_key KEY = {{'m', 't', 'q'}};
#define EXPIRES_US (30 * DAY_US)

/* A copy of the octets up to a line end, so that reading past them is seen. */
static char *
take(const uint8_t **p, size_t *n, size_t *len)
{
	const uint8_t *end = memchr(*p, '\n', *n);
	char *s;

	*len = end != NULL ? (size_t)(end - *p) : *n;
	s = must_alloc(*len + !*len);
	if (*len > 0)
		memcpy(s, *p, *len);
	*p += *len + (end != NULL);
	*n -= *len + (end != NULL);
	return s;
}

static void
check_back(struct text local, const struct return_path *r)
{
	char out[ADDRESS_MOST + 1];
	struct return_path_ask ask = {.mode = "verp",
				      .domain = "r.example",
				      .sender = {"a@b.example", 11},
				      .who = *r,
				      .key = &KEY};

	must(return_path_make(&ask, out) == NULL);
	must(local.n == RETURN_PATH_LOCAL);
	must(strncasecmp(local.p, out, local.n) == 0 && out[local.n] == '@');
}

static void
check_make(const char *mode, struct text sender, struct text author, bool utf8,
	   const struct return_path *who)
{
	char out[ADDRESS_MOST + 1];
	struct return_path_ask ask = {.mode = mode,
				      .domain = "r.example",
				      .sender = sender,
				      .author = author,
				      .utf8 = utf8,
				      .who = *who,
				      .key = &KEY};
	const char *why = return_path_make(&ask, out), *not_one;
	bool same = text_is(sender, out);
	struct return_path back;
	struct address a;

	if (sender.n == 0 || strcmp(mode, "keep") == 0 || why != NULL) {
		must(same);
		return;
	}
	must(address_parse(out, strlen(out), utf8, &a, &not_one));
	if (strcmp(mode, "from") == 0)
		must(text_is(author, out));
	if (strcmp(mode, "verp") != 0)
		return;
	must(return_path_parse(a.local, &KEY, EXPIRES_US, who->arrival_us,
			       &back) == RETURN_PATH_OURS);
	must(back.message == who->message && back.rcpt == who->rcpt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const modes[] = {"keep", "from", "b@c.example",
					    "verp"};
	struct return_path r, who = {0};
	char *local, *sender, *author;
	struct text l, s, a;
	bool utf8;

	if (n < 13)
		return 0;
	memcpy(&who.message, p, sizeof who.message);
	memcpy(&who.rcpt, p + 8, sizeof who.rcpt);
	who.arrival_us = INT64_C(1795246544000000) + (int64_t)who.rcpt;
	utf8 = p[12] & 1;
	p += 13;
	n -= 13;
	local = take(&p, &n, &l.n);
	sender = take(&p, &n, &s.n);
	author = take(&p, &n, &a.n);
	l.p = local;
	s.p = sender;
	a.p = author;
	switch (return_path_parse(l, &KEY, EXPIRES_US, who.arrival_us, &r)) {
	case RETURN_PATH_OURS:
	case RETURN_PATH_OLD:
		check_back(l, &r);
		break;
	case RETURN_PATH_FORGED:
	case RETURN_PATH_FOREIGN:
		break;
	}
	(void)!return_path_is_crm(s);
	/* what a record can hold */
	if (s.n <= ADDRESS_MOST && memchr(sender, '\0', s.n) == NULL &&
	    a.n <= ADDRESS_MOST && memchr(author, '\0', a.n) == NULL)
		for (size_t i = 0; i < countof(modes); i++)
			check_make(modes[i], s, a, utf8, &who);
	free(local);
	free(sender);
	free(author);
	return 0;
}
