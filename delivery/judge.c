#include "delivery/judge.h"

#include <stdio.h>
#include <string.h>

static const char *
command_of(enum stage s)
{
	switch (s) {
	case STAGE_EHLO:
		return "EHLO command";
	case STAGE_HELO:
		return "HELO command";
	case STAGE_STARTTLS:
		return "STARTTLS command";
	case STAGE_AUTH:
		return "AUTH command";
	case STAGE_MAIL:
		return "MAIL FROM command";
	case STAGE_RCPT:
		return "RCPT TO command";
	case STAGE_DATA:
		return "DATA command";
	case STAGE_DOT:
		return "end of DATA command";
	case STAGE_NONE:
	case STAGE_LOOKUP:
	case STAGE_CONNECT:
	case STAGE_GREETING:
	case STAGE_BODY:
	case STAGE_RSET:
	case STAGE_QUIT:
	case STAGE_FILE:
	case STAGE_TLS:
	case STAGE_COUNT:
		break;
	}
	return NULL;
}

struct verdict
judge_reply(const struct reply *r, enum stage stage, enum verdict_blame blame,
	    const char *remote)
{
	struct verdict v = {.stage = stage, .code = r->code, .blame = blame};
	const char *command = command_of(stage);

	switch (r->code / 100) {
	case 2:
		v.kind = VERDICT_SENT;
		v.blame = BLAME_NOBODY;
		break;
	case 5:
		v.kind = VERDICT_FAIL;
		break;
	default:
		v.kind = VERDICT_DEFER;
		break;
	}
	if (r->status[0] != '\0')
		memcpy(v.status, r->status, sizeof v.status);
	else
		snprintf(v.status, sizeof v.status, "%u.0.0",
			 r->code / 100U == 3 ? 4U : r->code / 100U % 10);
	if (v.kind == VERDICT_SENT || command == NULL)
		snprintf(v.reply, sizeof v.reply, "%s", r->text);
	else
		snprintf(v.reply, sizeof v.reply, "%.450s (in reply to %s)",
			 r->text, command);
	snprintf(v.remote, sizeof v.remote, "%s", remote);
	return v;
}

struct verdict
judge_host(const struct reply *r, enum stage stage, const char *remote)
{
	struct verdict v = judge_reply(r, stage, BLAME_HOST, remote);

	v.kind = VERDICT_DEFER;
	v.status[0] = '4';
	return v;
}
