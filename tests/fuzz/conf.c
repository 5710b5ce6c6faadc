/* The configuration reader: any octets are refused with a message, or taken;
 * what is taken prints as a file that reads back to the same. */
#include <stdint.h>
#include <string.h>

#include "daemon/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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
	/* Most inputs lack what every file needs; so that the checks behind
	 * that are reached, it stands in front. */
	static const char front[] = "instance=a hostname=a.b\n"
				    "listen l {address=127.0.0.1:1}\n"
				    "source s {from_ip=[::1, 1.1.1.1]}\n";
	struct bytes report = {0}, text = {0}, one = {0}, two = {0};
	struct settings *s, *t = NULL;

	if (n > 0 && data[0] == '+') {
		bytes_add_text(&text, front);
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
