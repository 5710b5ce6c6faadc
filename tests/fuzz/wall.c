/* Any reply against any pattern.  Oracles: nothing is read past the end; a wait
 * is within its bounds; case does not matter; no wall where there is no code. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/wall.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A NUL-terminated copy of up to `most` octets that a log may have. */
static char *
take(const uint8_t **p, size_t *n, size_t most)
{
	const uint8_t *end = memchr(*p, '\n', *n);
	size_t all = end != NULL ? (size_t)(end - *p) : *n;
	size_t k = all < most ? all : most;
	char *s = must_alloc(k + 1);

	for (size_t i = 0; i < k; i++)
		s[i] = (*p)[i] < ' ' || (*p)[i] > '~' ? '?' : (char)(*p)[i];
	*p += all + (end != NULL);
	*n -= all + (end != NULL);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct verdict v = {.kind = VERDICT_FAIL};
	struct relay_settings r = {.provider = PROVIDER_NONE};
	char *pattern, *status, *reply;
	struct wall a, b;

	if (n < 2)
		return 0;
	r.provider = (enum provider_kind)(p[0] % PROVIDER_COUNT);
	v.kind = (enum verdict_kind)(p[1] % VERDICT_COUNT);
	p += 2;
	n -= 2;
	pattern = take(&p, &n, 300);
	status = take(&p, &n, sizeof v.status - 1);
	reply = take(&p, &n, sizeof v.reply - 1);
	r.quota_replies = (struct texts){&pattern, 1};
	snprintf(v.status, sizeof v.status, "%s", status);
	snprintf(v.reply, sizeof v.reply, "%s", reply);
	v.code = (uint16_t)(strtoul(reply, NULL, 10) % 1000);
	a = wall_of(&r, &v);
	for (char *c = v.reply; *c != '\0'; c++)
		if (strncmp(c, " (in reply to ", 14) == 0)
			break; /* these are ours, never capitals */
		else
			*c = (char)toupper((unsigned char)*c);
	b = wall_of(&r, &v);
	must(a.kind == b.kind && a.until == b.until && a.wait_s == b.wait_s);
	must(a.kind == WALL_NONE || (v.code >= 400 && v.code < 600));
	must(a.kind == WALL_NONE || v.kind != VERDICT_SENT);
	must(a.wait_s >= 0 && a.wait_s <= DAY_US / SECOND_US);
	free(pattern);
	free(status);
	free(reply);
	return 0;
}
