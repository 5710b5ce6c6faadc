#include "queue/category_table.h"

#include <ctype.h>
#include <string.h>

#include "daemon/pattern.h"
#include "queue/category_rows.h"

/* What RFC 5321 4.2.3 and others mean by a code, from..to, at a stage. */
#define CATEGORY_CODES(C)                                                      \
	C(530, 530, COUNT, AUTHENTICATION) /* RFC 4954 6 */                    \
	C(534, 538, COUNT, AUTHENTICATION)                                     \
	C(0, 599, LOOKUP, NETWORK)                                             \
	C(0, 599, CONNECT, NETWORK)                                            \
	C(0, 599, STARTTLS, NETWORK)                                           \
	C(0, 599, TLS, NETWORK)                                                \
	C(0, 599, FILE, SYSTEM)                                                \
	C(0, 599, AUTH, AUTHENTICATION)                                        \
	C(521, 521, COUNT, BAD_ADDRESS) /* RFC 7504: takes no mail, ever */    \
	C(556, 556, COUNT, BAD_ADDRESS)                                        \
	C(500, 504, COUNT, SYSTEM)                                             \
	C(552, 552, RCPT, MAILBOX_FULL)                                        \
	C(552, 552, COUNT, CONTENT) /* RFC 1870 6.1 */                         \
	C(500, 599, GREETING, BLOCKED)                                         \
	C(500, 599, EHLO, BLOCKED)                                             \
	C(500, 599, HELO, BLOCKED)                                             \
	C(500, 599, MAIL, POLICY)                                              \
	C(550, 551, RCPT, BAD_ADDRESS)                                         \
	C(553, 553, RCPT, BAD_ADDRESS)                                         \
	C(500, 599, RCPT, POLICY)                                              \
	C(500, 599, DATA, POLICY)                                              \
	C(500, 599, BODY, CONTENT)                                             \
	C(500, 599, DOT, CONTENT)                                              \
	C(421, 421, COUNT, SYSTEM)                                             \
	C(451, 452, COUNT, SYSTEM)

static const struct {
	const char *status;
	const char *words;
	enum category_kind category;
} table[] = {
#define R(status, words, category) {status, words, CATEGORY_##category},
    CATEGORY_ROWS(R)
#undef R
};

static const struct {
	uint16_t from, to;
	enum stage stage; /* COUNT: any */
	enum category_kind category;
} code_row[] = {
#define C(from, to, stage, category)                                           \
	{from, to, STAGE_##stage, CATEGORY_##category},
    CATEGORY_CODES(C)
#undef C
};

/* Which pairs of letters a text has, nearly: most rows of the table are passed
 * over by that, in a third of the time. */
enum { PAIRS = 1024 };

static unsigned
pair(const char *p)
{
	return ((unsigned)tolower((unsigned char)p[0]) * 33 +
		(unsigned)tolower((unsigned char)p[1])) %
	       PAIRS;
}

static void
pairs_of(const char *text, bool has[PAIRS])
{
	memset(has, 0, PAIRS * sizeof *has);
	for (; text[0] != '\0' && text[1] != '\0'; text++)
		has[pair(text)] = true;
}

static bool
is_status(const char *status, const char *row)
{
	size_t n = strlen(row);

	if (n == 0)
		return true;
	return status[0] != '\0' && (row[0] == 'x' || row[0] == status[0]) &&
	       strncmp(status + 1, row + 1, n - 1) == 0 &&
	       (status[n] == '.' || status[n] == '\0');
}

/* Nobody knew the recipients yet: it is the sender who "does not exist".  And
 * what AUTH ends with is about the credential, unless it is a limit. */
static enum category_kind
at_stage(enum category_kind c, const struct verdict *v)
{
	bool early = v->stage == STAGE_GREETING || v->stage == STAGE_EHLO ||
		     v->stage == STAGE_HELO || v->stage == STAGE_MAIL;

	if (v->stage == STAGE_AUTH && c != CATEGORY_QUOTA &&
	    c != CATEGORY_BLOCKED)
		return CATEGORY_AUTHENTICATION;
	return early && c == CATEGORY_BAD_ADDRESS ? CATEGORY_POLICY : c;
}

enum category_kind
category_table_find(const struct verdict *v, const char *text)
{
	bool has[PAIRS];

	pairs_of(text, has);
	for (size_t i = 0; i < countof(table); i++) {
		const char *words = table[i].words;

		if (is_status(v->status, table[i].status) &&
		    (words[0] == '\0' ||
		     (has[pair(words)] && pattern_has(text, words))))
			return at_stage(table[i].category, v);
	}
	for (size_t i = 0; i < countof(code_row); i++)
		if (v->code >= code_row[i].from && v->code <= code_row[i].to &&
		    (code_row[i].stage == STAGE_COUNT ||
		     code_row[i].stage == v->stage))
			return code_row[i].category;
	return CATEGORY_OTHER;
}
