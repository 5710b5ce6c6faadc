/* Any octets as a server's replies.  Oracles: nothing is read past the end; what
 * is kept for people is clean; how the octets are cut does not matter. */
#include <string.h>

#include "delivery/ehlo.h"
#include "delivery/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct seen {
	unsigned whole;
	bool bad;
	uint32_t codes;
};

static void
take(struct seen *s, struct reply *r, enum reply_step step)
{
	static struct ehlo offers;

	for (const char *c = r->text; *c != '\0'; c++)
		must((unsigned char)*c >= ' ' && *c != 0x7f);
	must(strlen(r->status) < sizeof r->status);
	if (step == REPLY_LINE || step == REPLY_WHOLE)
		ehlo_line(&offers, r->line, r->nline);
	if (step == REPLY_BAD)
		s->bad = true;
	if (step != REPLY_WHOLE)
		return;
	must(r->code >= 200 && r->code <= 599);
	s->whole++;
	s->codes = s->codes * 31 + r->code;
	reply_begin(r);
}

static struct seen
feed(const uint8_t *p, size_t n, size_t most)
{
	static struct reply r;
	struct seen s = {0};
	size_t at = 0;

	reply_begin(&r);
	while (at < n && !s.bad) {
		size_t k = n - at < most ? n - at : most;
		enum reply_step step = reply_feed(&r, p + at, &k);

		must(k > 0 && k <= n - at);
		at += k;
		take(&s, &r, step);
	}
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole = feed(p, n, n), cut = feed(p, n, 1);

	must(whole.whole == cut.whole && whole.codes == cut.codes &&
	     whole.bad == cut.bad);
	return 0;
}
