/* Any reply against any `reply` block.  Oracles: nothing is read past the end;
 * case does not matter; a failure has a category, what was sent has none; only
 * a block changes the kind, and the status goes with it; nothing else changes. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/category.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A NUL-terminated copy of up to `most` octets that a record may have. */
static char *
take(const uint8_t **p, size_t *n, size_t most)
{
	const uint8_t *end = memchr(*p, '\n', *n);
	size_t all = end != NULL ? (size_t)(end - *p) : *n;
	size_t k = all < most ? all : most;
	char *s = must_alloc(k + 1);

	for (size_t i = 0; i < k; i++)
		s[i] = (*p)[i] < ' ' || (*p)[i] == 127 ? '?' : (char)(*p)[i];
	*p += all + (end != NULL);
	*n -= all + (end != NULL);
	return s;
}

static void
shout(char *s)
{
	for (; *s != '\0'; s++)
		if (strncmp(s, " (in reply to ", 14) == 0)
			return; /* these are ours, never capitals */
		else
			*s = (char)toupper((unsigned char)*s);
}

static void
look(const struct settings *s, const struct verdict *before)
{
	const struct reply_settings *block = &s->replies[0];
	struct verdict a = *before, b = *before;

	category_judge(s, "r", &a);
	must((a.category == CATEGORY_NONE) == (a.kind == VERDICT_SENT));
	must(strcmp(a.reply, before->reply) == 0 && a.code == before->code &&
	     a.blame == before->blame && a.stage == before->stage);
	must(strcmp(a.status, before->status) == 0 ||
	     strcmp(a.status + 1, before->status + 1) == 0);
	if (a.kind != before->kind) {
		must(before->kind != VERDICT_SENT && a.code >= 400);
		must(a.kind == (block->then == THEN_RETRY ? VERDICT_DEFER
							  : VERDICT_FAIL));
		must(block->then != THEN_AS_IS && a.stage != STAGE_AUTH);
	} else {
		must(strcmp(a.status, before->status) == 0);
	}
	shout(b.reply);
	category_judge(s, "r", &b);
	/* Words of our own are known as they are written only. */
	must(status_category(before) != CATEGORY_NONE ||
	     (a.category == b.category && a.kind == b.kind));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct verdict v = {.kind = VERDICT_FAIL};
	struct reply_settings block = {.priority = 1};
	struct settings s = {.replies = &block, .nreplies = 1};
	char *pattern, *status, *reply;

	if (n < 4)
		return 0;
	v.kind = (enum verdict_kind)(p[0] % VERDICT_COUNT);
	v.stage = (enum stage)(p[1] % STAGE_COUNT);
	block.then = (enum then_kind)(p[2] % THEN_COUNT);
	block.category = (enum category_kind)(p[3] % CATEGORY_COUNT);
	p += 4;
	n -= 4;
	pattern = take(&p, &n, 300);
	status = take(&p, &n, sizeof v.status - 1);
	reply = take(&p, &n, sizeof v.reply - 1);
	block.match = (struct texts){&pattern, 1};
	snprintf(v.status, sizeof v.status, "%s", status);
	snprintf(v.reply, sizeof v.reply, "%s", reply);
	v.code = (uint16_t)(strtoul(reply, NULL, 10) % 1000);
	look(&s, &v);
	free(pattern);
	free(status);
	free(reply);
	return 0;
}
