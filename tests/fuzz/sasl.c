/* Any octets as a server's challenges, to every mechanism.  First octet: the
 * mechanism and whether there is a binding; then lines.  Oracles: an exchange
 * ends; what is kept for people is clean; a SCRAM server that could not know
 * the password proves nothing; a line of ours is base64 of a bounded length. */
#include <string.h>

#include "delivery/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
clean(const char *text)
{
	for (; *text != '\0'; text++)
		must((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void
check_line(const struct bytes *line)
{
	must(line->n <= SASL_LINE_MOST);
	for (size_t i = 0; i < line->n; i++)
		must(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
			    "yz0123456789+/=",
			    line->data[i]) != NULL &&
		     line->data[i] != '\0');
}

static void
converse(struct sasl *s, const char *p, size_t n)
{
	struct bytes line = {0};
	char why[160] = "";
	bool ok = sasl_first(s, &line, why);
	unsigned turns = 0;

	check_line(&line);
	while (ok && n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t k = end == NULL ? n : (size_t)(end - p);

		line.n = 0;
		ok = sasl_next(s, p, k, &line, why);
		must(!ok || ++turns <= SASL_STEPS_MOST);
		check_line(&line);
		k += end != NULL;
		p += k;
		n -= k;
	}
	clean(why);
	clean(sasl_error(s));
	must(!sasl_told(s, sasl_error(s)));
	bytes_free(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct secret password = {(char *)(uintptr_t) "s3cret-pw",
					       9};
	static const struct secret token = {(char *)(uintptr_t) "tok3n-canary",
					    12};
	struct sasl_account a = {.user = "crm",
				 .password = &password,
				 .token = &token,
				 .host = "mx.example",
				 .port = 587,
				 .certificate = true};
	enum mechanism m;
	char why[160];
	struct sasl *s;

	if (n == 0)
		return 0;
	m = (enum mechanism)((p[0] & 0x7f) % MECHANISM_COUNT);
	a.nbinding = p[0] & 0x80 ? 32 : 0;
	s = sasl_open(m, &a);
	must(s != NULL);
	converse(s, (const char *)p + 1, n - 1);
	must(!sasl_proved(s, why) ||
	     strncmp(mechanism_name(m), "SCRAM", 5) != 0);
	sasl_close(s);
	return 0;
}
