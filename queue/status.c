#include "queue/status.h"

#include <stdio.h>
#include <string.h>

const char *
stage_text(enum stage s)
{
	switch (s) {
#define S(id, text)                                                            \
	case STAGE_##id:                                                       \
		return text;
		STAGES(S)
#undef S
	case STAGE_COUNT:
		break;
	}
	must_failed("a stage", __FILE__, __LINE__);
}

static const struct {
	const char *code;
	enum verdict_kind kind;
	enum verdict_blame blame;
	enum category_kind category;
	const char *text;
} row[] = {
#define S(id, code, kind, blame, category, text)                               \
	[STATUS_##id] = {code, VERDICT_##kind, BLAME_##blame,                  \
			 CATEGORY_##category, text},
    STATUSES(S)
#undef S
};

struct verdict
verdict_of(enum status s, enum stage stage, const char *detail)
{
	struct verdict v = {.stage = stage};

	must((unsigned)s < STATUS_COUNT);
	v.kind = row[s].kind;
	v.blame = row[s].blame;
	snprintf(v.status, sizeof v.status, "%s", row[s].code);
	if (detail != NULL && detail[0] != '\0')
		snprintf(v.reply, sizeof v.reply, "%s (%s)", row[s].text,
			 detail);
	else
		snprintf(v.reply, sizeof v.reply, "%s", row[s].text);
	return v;
}

enum category_kind
status_category(const struct verdict *v)
{
	for (size_t i = 0; v->code == 0 && i < countof(row); i++) {
		size_t n = strlen(row[i].text);

		if (strcmp(v->status, row[i].code) == 0 &&
		    strncmp(v->reply, row[i].text, n) == 0 &&
		    (v->reply[n] == '\0' || v->reply[n] == ' '))
			return row[i].category;
	}
	return CATEGORY_NONE;
}

const char *
verdict_word(enum verdict_kind k)
{
	switch (k) {
	case VERDICT_SENT:
		return "sent";
	case VERDICT_DEFER:
		return "deferred";
	case VERDICT_FAIL:
		return "bounced";
	case VERDICT_COUNT:
		break;
	}
	must_failed("a verdict", __FILE__, __LINE__);
}
