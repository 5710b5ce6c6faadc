#include "queue/wall.h"

#include <string.h>
#include <strings.h>

#include "daemon/pattern.h"

enum {
	/* Unless the reply says how long. */
	RATE_WAIT_S = 5,
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	/* A remote may not slow us for longer than this without being seen as
	 * closed, nor close us for longer than a day, nor have us ask about
	 * its limit more often than each minute. */
	RATE_WAIT_MOST_S = 300,
	QUOTA_WAIT_LEAST_S = 60,
};

/* Facts, "Replies that mean quota" (issue 3, 6).  code 0: any; status "": any;
 * words as in a pattern. */
#define WALLS(W)                                                                 \
	W(SES, 454, "", "throttling failure*message quota exceeded", QUOTA,      \
	  RESET, HOUR_S / 4) /* frees bit by bit */                              \
	W(SES, 454, "", "maximum sending rate exceeded", RATE, WAIT, 2)          \
	W(GOOGLE, 550, "5.4.5", "daily", QUOTA, RESET, DAY_S)                    \
	W(GOOGLE, 550, "5.7.1", "daily*limit exceeded", QUOTA, RESET, DAY_S)     \
	W(GOOGLE, 450, "4.2.1", "peak*relay limit exceeded", QUOTA, WAIT,        \
	  HOUR_S / 4)                                                            \
	W(EXCHANGE, 550, "5.7.232", "", QUOTA, RESET, HOUR_S)                    \
	W(EXCHANGE, 550, "5.7.233", "", QUOTA, RESET, HOUR_S)                    \
	W(EXCHANGE, 0, "", "submissionquotaexceeded", QUOTA, RESET, HOUR_S)      \
	W(EXCHANGE, 0, "", "submission quota*exceeded", QUOTA, RESET, HOUR_S)    \
	W(EXCHANGE, 432, "4.3.2", "concurrent connections limit", RATE, WAIT,    \
	  RATE_WAIT_S)                                                           \
	W(EXCHANGE, 432, "4.3.2", "sender thread limit", RATE, WAIT,             \
	  RATE_WAIT_S)                                                           \
	W(EXCHANGE, 550, "", "sender throttled due to continuous", QUOTA,        \
	  WAIT, HOUR_S)                                                          \
	W(SENDGRID, 451, "", "maximum credits exceeded", QUOTA, UTC_DAY, 0)      \
	/* Whoever says these can hardly mean anything else: Plesk, outMail,   \
	 * msndr. */ \
	W(NONE, 0, "",                                                           \
	  "limit on the number of allowed outgoing messages was exceeded",       \
	  QUOTA, WAIT, HOUR_S)                                                   \
	W(NONE, 0, "", "exceeded your outmail quota", QUOTA, WAIT, HOUR_S)       \
	W(NONE, 0, "", "too many messages*try again in", RATE, WAIT,             \
	  RATE_WAIT_S)

static const struct wall_row {
	enum provider_kind provider; /* NONE: every relay's */
	uint16_t code;
	const char *status;
	const char *words;
	struct wall wall;
} wall_row[] = {
#define W(provider, code, status, words, kind, until, wait_s)                  \
	{PROVIDER_##provider,                                                  \
	 code,                                                                 \
	 status,                                                               \
	 words,                                                                \
	 {WALL_##kind, WALL_##until, wait_s}},
    WALLS(W)
#undef W
};

/* A limit of the one who gets the mail.  RFC 3463 3.3: X.2.2 is a full mailbox;
 * Exchange says 5.2.2 of senders too, and names its own errors after others'
 * mailboxes. */
static const struct {
	const char *status; /* of any class; "": any */
	const char *words, *unless;
} never_row[] = {
    {"x.2.2", "", "submission quota"},
    {"", "mailbox full", "sender throttled"},
    {"", "mailbox is full", "sender throttled"},
    {"", "mailbox*over quota", "submission quota"},
    {"", "mailbox quota exceeded", "submission quota"},
    {"", "user is over quota", "submission quota"},
    {"", "trying to contact is receiving mail", "sender throttled"},
    {"", "recipient thread limit", "sender throttled"},
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
after(const char *text, const char *piece)
{
	const char *at = strcasestr(text, piece);

	return at == NULL ? NULL : at + strlen(piece);
}

/* "try again in 92 seconds"; 0 if nothing of the kind is said. */
static int64_t
wait_said_s(const char *text)
{
	static const struct {
		const char *word;
		int64_t s;
	} unit[] = {{"sec", 1}, {"min", 60}, {"hour", HOUR_S}};
	static const char *const lead[] = {"try again in", "retry in",
					   "try again after", "retry after"};
	const char *p = NULL;
	int64_t n = 0;

	for (size_t i = 0; p == NULL && i < countof(lead); i++)
		p = after(text, lead[i]);
	if (p == NULL)
		return 0;
	p += strspn(p, " ");
	for (; is_digit(*p); p++)
		n = min_of(n * 10 + (*p - '0'), (int64_t)DAY_S);
	p += strspn(p, " ");
	for (size_t i = 0; i < countof(unit); i++)
		if (strncasecmp(p, unit[i].word, strlen(unit[i].word)) == 0)
			return min_of(n * unit[i].s, (int64_t)DAY_S);
	return 0;
}

/* But for its class, which says less than the code: of a refusal that concerns
 * the host it is always 4. */
static bool
is_status(const struct verdict *v, const char *status)
{
	return v->status[0] != '\0' && strcmp(v->status + 1, status + 1) == 0;
}

static bool
never(const struct verdict *v, const char *text)
{
	for (size_t i = 0; i < countof(never_row); i++)
		if ((never_row[i].status[0] == '\0' ||
		     is_status(v, never_row[i].status)) &&
		    pattern_has(text, never_row[i].words) &&
		    !pattern_has(text, never_row[i].unless))
			return true;
	return false;
}

/* One of the relay's own patterns. */
static bool
says(const struct texts *patterns, const struct verdict *v, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (pattern_matches(patterns->item[i], v->code, text))
			return true;
	return false;
}

/* Exchange Online has two words: with the preset and without it. */
static enum provider_kind
who_replies(enum provider_kind p)
{
	return p == PROVIDER_M365 ? PROVIDER_EXCHANGE : p;
}

static struct wall
look_up(const struct relay_settings *r, const struct verdict *v,
	const char *text)
{
	if (says(&r->quota_replies, v, text))
		return (struct wall){WALL_QUOTA, WALL_RESET, HOUR_S};
	if (says(&r->rate_replies, v, text))
		return (struct wall){WALL_RATE, WALL_WAIT, RATE_WAIT_S};
	for (size_t i = 0; i < countof(wall_row); i++) {
		const struct wall_row *w = &wall_row[i];

		if ((w->provider == PROVIDER_NONE ||
		     w->provider == who_replies(r->provider)) &&
		    (w->code == 0 || w->code == v->code) &&
		    (w->status[0] == '\0' || is_status(v, w->status)) &&
		    pattern_has(text, w->words))
			return w->wall;
	}
	return (struct wall){.kind = WALL_NONE};
}

struct wall
wall_of(const struct relay_settings *r, const struct verdict *v)
{
	char text[VERDICT_REPLY_MOST];
	int64_t said_s;
	struct wall w;

	if (v->kind == VERDICT_SENT || v->code < 400 || v->code > 599)
		return (struct wall){.kind = WALL_NONE};
	pattern_unfold(v->reply, v->code, v->status, text);
	if (never(v, text))
		return (struct wall){.kind = WALL_NONE};
	w = look_up(r, v, text);
	said_s = wait_said_s(text);
	if (w.kind == WALL_NONE || said_s == 0)
		return w;
	/* Who knows better than the provider? */
	w.until = WALL_WAIT;
	w.wait_s = said_s;
	if (w.kind == WALL_RATE && said_s > RATE_WAIT_MOST_S)
		w.kind = WALL_QUOTA;
	if (w.kind == WALL_QUOTA)
		w.wait_s = max_of(w.wait_s, (int64_t)QUOTA_WAIT_LEAST_S);
	return w;
}
