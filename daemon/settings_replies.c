#include "daemon/settings_replies.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/pattern.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)
#define here(s, reply, key)   settings_place(s, BLOCK_reply, reply, key)
#define is_given(s, reply, key)                                                \
	(settings_given(s, BLOCK_reply, reply, key) != NULL)

static void
check_match(const struct settings *s, const struct reply_settings *reply,
	    struct report *r)
{
	if (!is_given(s, reply, "match"))
		return; /* told already */
	if (reply->match.n == 0)
		error_at(r, here(s, reply, "match"),
			 "match: the list is empty");
	for (size_t i = 0; i < reply->match.n; i++)
		if (!pattern_is(reply->match.item[i]))
			error_at(
			    r, here(s, reply, "match"),
			    "match: '%.100s' is not a code from 400 to 599 "
			    "and words, as \"550 5.7.1 *spam*\"",
			    reply->match.item[i]);
}

static void
check_relays(const struct settings *s, const struct reply_settings *reply,
	     struct report *r)
{
	for (size_t i = 0; i < reply->relay.n; i++)
		if (settings_relay(s, reply->relay.item[i]) == NULL)
			error_at(r, here(s, reply, "relay"),
				 "relay: there is no relay %.100s",
				 reply->relay.item[i]);
}

/* Compares block i with all before it. */
static void
check_priority(const struct settings *s, size_t i, struct report *r)
{
	const struct reply_settings *reply = &s->replies[i];

	if (!is_given(s, reply, "priority"))
		return;
	for (size_t j = 0; j < i; j++)
		if (s->replies[j].priority == reply->priority) {
			error_at(r, here(s, reply, "priority"),
				 "priority: %" PRIu64
				 " is taken by the reply %s of %s:%u",
				 reply->priority, s->replies[j].title,
				 s->replies[j].file, s->replies[j].line);
			return;
		}
}

void
settings_replies_check(const struct settings *s, const char *name,
		       struct report *r)
{
	if (s->nreplies > SETTINGS_REPLIES) {
		report_error(r, name, 0, "%zu reply blocks; there may be %d",
			     s->nreplies, SETTINGS_REPLIES);
		return;
	}
	for (size_t i = 0; i < s->nreplies; i++) {
		const struct reply_settings *reply = &s->replies[i];

		check_match(s, reply, r);
		check_relays(s, reply, r);
		check_priority(s, i, r);
		if (reply->category == CATEGORY_NONE &&
		    reply->then == THEN_AS_IS &&
		    !settings_broken(s, BLOCK_reply, reply, "category") &&
		    !settings_broken(s, BLOCK_reply, reply, "then"))
			warning_at(r, here(s, reply, NULL),
				   "reply %s changes nothing: it has neither "
				   "category nor then",
				   reply->title);
	}
}
