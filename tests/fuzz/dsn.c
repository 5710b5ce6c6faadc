/* Any octets as everything in a report that comes from outside: read back it
 * has exactly the planned fields, parts and recipients, and nothing else. */
#include "tests/queue/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RECIPIENTS = 4, TEXT_MOST = 1100 };

static struct text
take(struct reader *r)
{
	size_t n = read_u8(r), left = (size_t)(r->end - r->p);
	struct text t;

	if (n >= 200) /* long ones, too */
		n = 200 + (n - 200) * 17;
	t.n = min_of(n, left);
	t.p = (const char *)r->p;
	r->p += t.n;
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r = reader_of(data, n);
	struct dsn_recipient rcpt[RECIPIENTS];
	static struct report_reader back;
	uint8_t bits = read_u8(&r), codes = read_u8(&r);
	struct dsn d = {.action = bits & 3,
			.full = bits & 4,
			.eightbit = bits & 8,
			.utf8 = bits & 16,
			.foreign = codes & 64,
			.hostname = text_of("mx1.example.com"),
			.id = text_of("0M5RTX2BK7QD"),
			.original = text_of("0M5RTX2BK7QC"),
			.now_us = 1795244544000000,
			.arrival_us = bits & 32 ? 1795244000000000 : 0,
			.recipient = rcpt,
			.n = 1 + (codes & 3)};
	const char *wrong;

	d.to = take(&r);
	d.envid = take(&r);
	d.subject = take(&r);
	d.client = take(&r);
	for (size_t i = 0; i < d.n; i++) {
		rcpt[i] = (struct dsn_recipient){
		    .code = codes >> (i + 2) & 1 ? 550 : 0,
		    .last_us = bits & 64 ? d.now_us - 1 : 0,
		    .until_us = bits & 128 ? d.now_us + DAY_US : 0};
		rcpt[i].address = take(&r);
		rcpt[i].orcpt = take(&r);
		rcpt[i].status = take(&r);
		rcpt[i].reply = take(&r);
		rcpt[i].remote = take(&r);
	}
	d.message_id = take(&r);
	wrong = report_wrong(&d, (struct text){"", 0}, &back);
	if (wrong != NULL)
		fprintf(stderr, "%s: %s: [%s], planned [%s]\n", wrong,
			back.name, back.value, back.plan);
	must(wrong == NULL);
	return 0;
}
