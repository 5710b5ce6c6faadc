/* The configuration reader: any octets are refused with a message, or taken;
 * what is taken prints as a file that reads back to the same. */
#include <stdint.h>
#include <string.h>

#include "daemon/routing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Most inputs lack what every file needs; so that the checks behind that are
 * reached, it stands in front of those that begin with '+'.  '*' has relays,
 * quotas and types to route by, too. */
static void
add_front(struct bytes *text, uint8_t mark)
{
	if (mark == '+' || mark == '*')
		bytes_add_text(text, "instance=a hostname=a.b\n"
				     "listen l {address=127.0.0.1:1}\n"
				     "source s {from_ip=[::1, 1.1.1.1]}\n");
	if (mark == '*')
		bytes_add_text(text,
			       "quota q {limit=9} quota p {limit=8}\n"
			       "relay a {host=a.c quota=q} no_match=a\n"
			       "relay b {host=b.c quota=[p, q]}\n"
			       "relay crm {host=c.c role=crm}\n"
			       "type m {} type n {} type individual {}\n");
}

/* Whom would this mail go to?  Any answer will do, but there is one. */
static void
ask(const struct settings *s, const uint8_t *data, size_t n)
{
	size_t half = n / 2;
	struct routing_ask one = {
	    .author = {(const char *)data, half},
	    .recipient = {(const char *)data + half, n - half},
	    .source = text_of("s")};
	struct routing_answer a;

	for (; one.type < s->ntypes; one.type++) {
		routing_find(s, &one, &a);
		must(routing_way(s, a.way)->n > 0);
	}
}

/* Mistakes are told in printable ASCII, whatever the file holds. */
static void
check_report(const struct bytes *report)
{
	for (size_t i = 0; i < report->n; i++)
		must(report->data[i] == '\n' ||
		     (report->data[i] >= ' ' && report->data[i] <= '~'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes report = {0}, text = {0}, one = {0}, two = {0};
	struct settings *s, *t = NULL;

	if (n > 0 && (data[0] == '+' || data[0] == '*')) {
		add_front(&text, data[0]);
		data++;
		n--;
	}
	bytes_add(&text, data, n);
	s = settings_parse("f", (const char *)text.data, text.n, &report);
	check_report(&report);
	must(s != NULL || report.n > 0);
	if (s != NULL) {
		settings_print(s, false, &one);
		report.n = 0;
		t = settings_parse("g", (const char *)one.data, one.n, &report);
		must(t != NULL);
		must(routing_epoch(s) == routing_epoch(t));
		ask(s, data, n);
		settings_print(t, false, &two);
		must(one.n == two.n && memcmp(one.data, two.data, one.n) == 0);
		settings_print(t, true, &two);
	}
	settings_free(s);
	settings_free(t);
	bytes_free(&report);
	bytes_free(&text);
	bytes_free(&one);
	bytes_free(&two);
	return 0;
}
