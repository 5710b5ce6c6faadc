/* What scripts give to sendmail becomes lines that SMTP takes, and no recipient
 * comes from anywhere but a field of the header. */
#include <string.h>

#include "admin/compose.h"
#include "queue/address.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static void
lines(const struct bytes *b)
{
	size_t line = 0;

	for (size_t i = 0; i < b->n; i++) {
		must(b->data[i] != '\0');
		if (b->data[i] == '\r') {
			must(i + 1 < b->n && b->data[i + 1] == '\n');
			continue;
		}
		if (b->data[i] == '\n') {
			must(i > 0 && b->data[i - 1] == '\r');
			line = 0;
			continue;
		}
		must(++line <= COMPOSE_LINE);
	}
	must(b->n >= 2 && memcmp(b->data + b->n - 2, "\r\n", 2) == 0);
}

int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct compose_ask a = {.p = p + (n > 0),
				.n = n - (n > 0),
				.dot_ends = n > 0 && (p[0] & 1) != 0,
				.take_recipients = n > 0 && (p[0] & 2) != 0,
				.from = "me@here.test",
				.full_name = "A \"B\" \\ C",
				.domain = "here.test",
				.date = "Sat, 21 Nov 2026 07:12:24 +0000",
				.message_id = "<1@here.test>"};
	struct composed m;

	if (compose(&a, &m)) {
		const char *r = (const char *)m.recipients.data;

		lines(&m.message);
		for (size_t i = 0; i < m.nrecipients; i++) {
			struct address address;
			const char *why;

			must(address_parse(r, strlen(r), true, &address, &why));
			r += strlen(r) + 1;
		}
		must(a.take_recipients || m.nrecipients == 0);
	}
	composed_free(&m);
	return 0;
}
