/* Any octets as the server of one transaction.  Oracles: every recipient has
 * exactly one verdict; nobody is SENT without a body and a 2xx after its dot; the
 * body is sent at most once; its end stands in what was written exactly once; a
 * dot that was not sent delivers nothing. */
#include "tests/delivery/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned
ends(const struct bytes *b)
{
	unsigned found = 0;

	for (size_t i = 0; i + 5 <= b->n; i++)
		found += memcmp(b->data + i, "\r\n.\r\n", 5) == 0;
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct peer p;
	uint32_t rcpts, flags;

	if (n < 2)
		return 0;
	rcpts = in[0] % 5 + 1;
	flags = in[1] & 31;
	peer_open(&p, peer_task(rcpts, flags, in[1] & 32 ? "" : "a@from.test"));
	p.holds = in[1] & 64;
	peer_says(&p, in + 2, n - 2);
	peer_lost(&p);
	must(p.bodies <= 1 && p.done <= 1);
	must(ends(&p.out) <= 1);
	must(p.task->dot_sent == (p.bodies == 1 && !p.holds));
	for (uint32_t i = 0; i < p.task->n; i++) {
		const struct verdict *v = &p.task->verdict[i];

		must(p.task->judged[i]);
		must(v->kind != VERDICT_SENT ||
		     (p.task->dot_sent && p.bodies == 1 &&
		      v->stage == STAGE_DOT && v->code / 100 == 2));
		must(v->kind == VERDICT_SENT || v->status[0] == '4' ||
		     v->status[0] == '5');
		must((v->kind == VERDICT_FAIL) == (v->status[0] == '5') ||
		     v->kind == VERDICT_SENT || v->kind == VERDICT_DEFER);
	}
	peer_close(&p);
	return 0;
}
