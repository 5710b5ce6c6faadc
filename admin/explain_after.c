#include "admin/explain_after.h"

#include <string.h>

#include "admin/moment.h"
#include "queue/return_path.h"
#include "queue/suppress.h"

static void
explain_sender(const struct settings *s, const struct relay_settings *r,
	       const struct routing_ask *ask, bool assumed,
	       struct sentence *out)
{
	const struct return_path_ask what = {.mode = r->return_path,
					     .domain = s->returns.domain,
					     .sender = ask->sender,
					     .author = ask->author};
	char sender[ADDRESS_MOST + 1];
	const char *why;

	if (return_path_single(r->return_path, ask->sender)) {
		sentence_add(out,
			     "one of ours in %s for each recipient "
			     "(return_path = verp)",
			     s->returns.domain);
		return;
	}
	why = return_path_make(&what, sender);
	if (assumed && text_is(ask->sender, sender)) {
		sentence_add(out,
			     "the one that the client gives "
			     "(return_path = %s)",
			     r->return_path);
		return;
	}
	sentence_add(out, "<");
	sentence_quote(out, text_of(sender));
	sentence_add(
	    out, ">%s (return_path = %s)%s%s",
	    text_is(ask->sender, sender) ? ", as the client gave it" : "",
	    r->return_path, why != NULL ? ": " : "", why != NULL ? why : "");
}

static void
explain_doubt(const struct type_settings *type, struct sentence *out)
{
	switch (type->in_doubt) {
	case IN_DOUBT_RESEND:
		sentence_add(out, "sent again, perhaps twice "
				  "(in_doubt = resend)");
		return;
	case IN_DOUBT_HOLD:
		sentence_add(out, "kept back for a person (in_doubt = hold)");
		return;
	case IN_DOUBT_ASSUME_SENT:
		sentence_add(out,
			     "taken as delivered (in_doubt = assume-sent)");
		return;
	case IN_DOUBT_COUNT:
		break;
	}
	must_failed("a policy for what is in doubt", __FILE__, __LINE__);
}

void
explain_after(const struct settings *s, const struct relay_settings *relay,
	      const struct routing_ask *ask, bool assumed,
	      struct explain_after *out)
{
	*out = (struct explain_after){.sender = {.n = 0}};
	if (relay != NULL)
		explain_sender(s, relay, ask, assumed, &out->sender);
	explain_doubt(&s->types[ask->type], &out->doubt);
}

bool
explain_suppressed(struct txn *t, const struct text *to, size_t nto,
		   int64_t now_us, struct sentence *out, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < nto; i++) {
		struct suppress_record r;
		char until[MOMENT_TEXT];
		bool found;

		if (!suppress_find(t, to[i], now_us, &found, &r, e))
			return false;
		if (!found || n++ > 0)
			continue;
		sentence_quote(out, to[i]);
		sentence_add(
		    out, " is on the suppression list, by %s: ",
		    suppress_origin_word((enum suppress_origin)r.origin));
		sentence_quote(out, r.reason);
		if (r.until_us != 0)
			sentence_add(out, ", until %s",
				     moment_text((int64_t)r.until_us, until));
	}
	if (n > 1)
		sentence_add(out, "; and %zu more of these", n - 1);
	return true;
}
