#include "queue/category.h"

#include <string.h>

#include "daemon/pattern.h"
#include "queue/category_table.h"

const char *
category_word(enum category_kind c)
{
	switch (c) {
#define W(id, word)                                                            \
	case CATEGORY_##id:                                                    \
		return word;
		CATEGORY_WORDS(W)
#undef W
	case CATEGORY_COUNT:
		break;
	}
	must_failed("a category", __FILE__, __LINE__);
}

const char *
category_text(enum category_kind c)
{
	switch (c) {
	case CATEGORY_NONE:
		return "nothing is wrong with it";
	case CATEGORY_BAD_ADDRESS:
		return "the mailbox or the domain does not exist";
	case CATEGORY_MAILBOX_FULL:
		return "the mailbox is full";
	case CATEGORY_BLOCKED:
		return "our host, network or domain has a bad reputation there";
	case CATEGORY_POLICY:
		return "a rule forbids it, theirs or ours";
	case CATEGORY_QUOTA:
		return "a limit on how much may be sent is reached";
	case CATEGORY_CONTENT:
		return "what is in the message is not taken";
	case CATEGORY_NETWORK:
		return "no usable connection to the server";
	case CATEGORY_AUTHENTICATION:
		return "it was not proven who sends: SPF, DKIM, DMARC, reverse "
		       "DNS or our credential";
	case CATEGORY_EXPIRED:
		return "the time allowed ran out";
	case CATEGORY_SUPPRESSED:
		return "the address is on our suppression list";
	case CATEGORY_SYSTEM:
		return "a mail server has trouble of its own, theirs or ours";
	case CATEGORY_OTHER:
		return "for a reason that the reply does not tell";
	case CATEGORY_COUNT:
		break;
	}
	must_failed("a category", __FILE__, __LINE__);
}

static bool
has_text(const struct texts *list, const char *item)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], item) == 0)
			return true;
	return false;
}

static bool
is_about(const struct reply_settings *r, const char *relay,
	 const struct verdict *v, const char *text)
{
	if (r->relay.n > 0 && !has_text(&r->relay, relay))
		return false;
	for (size_t i = 0; i < r->match.n; i++)
		if (pattern_matches(r->match.item[i], v->code, text))
			return true;
	return false;
}

static const struct reply_settings *
block_of(const struct settings *s, const char *relay, const struct verdict *v,
	 const char *text)
{
	const struct reply_settings *first = NULL;

	for (size_t i = 0; i < s->nreplies; i++)
		if ((first == NULL ||
		     s->replies[i].priority < first->priority) &&
		    is_about(&s->replies[i], relay, v, text))
			first = &s->replies[i];
	return first;
}

/* The status follows, so that a report of a delay never says 5.1.1. */
static void
turn(struct verdict *v, enum then_kind then)
{
	enum verdict_kind kind = v->kind;

	switch (then) {
	case THEN_AS_IS:
	case THEN_COUNT:
		return;
	case THEN_RETRY:
		kind = VERDICT_DEFER;
		break;
	case THEN_FAIL:
		kind = VERDICT_FAIL;
		break;
	}
	if (kind == v->kind)
		return;
	v->kind = kind;
	if (v->status[0] != '\0')
		v->status[0] = kind == VERDICT_FAIL ? '5' : '4';
}

/* Who is called spam@ or abuse@ says nothing of the mail: words with an @ in
 * them go. */
static void
drop_addresses(char *text)
{
	static const char ends[] = " <>()[]'\",;:";
	char *out = text;

	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, ends);

		if (memchr(p, '@', n) == NULL) {
			memmove(out, p, n);
			out += n;
		}
		p += n;
		if (*p != '\0')
			*out++ = *p++;
	}
	*out = '\0';
}

void
category_judge(const struct settings *s, const char *relay, struct verdict *v)
{
	char text[VERDICT_REPLY_MOST];
	const struct reply_settings *block;

	v->category = CATEGORY_NONE;
	if (v->kind == VERDICT_SENT)
		return;
	v->category = status_category(v);
	if (v->category != CATEGORY_NONE)
		return;
	pattern_unfold(v->reply, v->code, v->status, text);
	block = block_of(s, relay, v, text);
	drop_addresses(text);
	if (block != NULL && block->category != CATEGORY_NONE)
		v->category = block->category;
	else
		v->category = category_table_find(v, text);
	/* What AUTH ends with is the relay's affair, not the mail's. */
	if (block != NULL && v->stage != STAGE_AUTH)
		turn(v, block->then);
}
