/* Any octets as the server of one transaction.  Oracles: every recipient has
 * exactly one verdict; nobody is SENT without a body and a 2xx after its dot; the
 * body is sent at most once; its end stands in what was written exactly once; a
 * dot that was not sent delivers nothing.  With terms: no MAIL before TLS where
 * it must be, and no octet of the password but where the channel was checked. */
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

static bool
wrote(const struct peer *p, const char *what)
{
	return p->out.n > 0 &&
	       memmem(p->out.data, p->out.n, what, strlen(what)) != NULL;
}

enum { TLS = 1, MUST = 2, NAME = 4, AUTH = 8, INSECURE = 16, VERIFIED = 32 };

static void
check_terms(const struct peer *p, unsigned bits)
{
	bool checked = p->secured > 0 && (bits & VERIFIED) && (bits & NAME);

	must(p->secured <= 1);
	must(!(bits & MUST) || p->secured == 1 || !wrote(p, "MAIL FROM"));
	must(checked || (bits & INSECURE) ||
	     (!wrote(p, "AGNybQBzM2NyZXQ=") && !wrote(p, "czNjcmV0")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	char value[] = "s3cret";
	const struct secret password = {value, 6};
	struct dialogue_terms terms = {
	    .auth = {.enabled = true,
		     .order = {MECHANISM_SCRAM_SHA_256, MECHANISM_CRAM_MD5,
			       MECHANISM_PLAIN, MECHANISM_LOGIN},
		     .norder = 4},
	    .account = {.user = "crm", .password = &password, .host = "peer"}};
	struct peer p;
	uint32_t rcpts, flags;

	if (n < 3)
		return 0;
	rcpts = in[0] % 5 + 1;
	flags = in[1] & 31;
	terms.policy =
	    (struct policy){.tls = in[2] & TLS,
			    .must = (in[2] & TLS) && (in[2] & MUST),
			    .check = in[2] & NAME ? CHECK_NAME : CHECK_NOTHING,
			    .insecure_auth = in[2] & INSECURE};
	terms.wants_auth = in[2] & AUTH;
	peer_open_with(&p,
		       peer_task(rcpts, flags, in[1] & 32 ? "" : "a@from.test"),
		       &terms);
	p.verified = in[2] & VERIFIED;
	p.holds = in[1] & 64;
	peer_says(&p, in + 3, n - 3);
	peer_lost(&p);
	check_terms(&p, terms.policy.must ? in[2] : in[2] & ~(unsigned)MUST);
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
