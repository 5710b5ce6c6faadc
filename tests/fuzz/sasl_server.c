/* Any lines as a client's side of AUTH, to every mechanism.  First octet: the
 * mechanism, whether there is a binding, whether lines are base64 already; then
 * lines.  Oracles: it ends; who does not know a password never gets in; what is
 * said is base64 of a bounded length; the same lines to the same name get the
 * same result whether the account exists or not. */
#include <string.h>

#include "queue/sasl_server.h"
#include "tests/queue/account_box.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const enum mechanism mechanisms[] = {MECHANISM_PLAIN, MECHANISM_LOGIN,
					    MECHANISM_SCRAM_SHA_256,
					    MECHANISM_SCRAM_SHA_256_PLUS};
enum { INPUT_MOST = 20000, RESULTS = SASL_SERVER_STEPS + 1 };

static void
check_said(const struct sasl_server *x)
{
	static unsigned char raw[SASL_SERVER_LINE];
	struct text said = sasl_server_said(x);
	size_t n;

	must(said.n <= SASL_SERVER_LINE);
	must(base64_read(said, raw, sizeof raw, &n));
	must(strlen(sasl_server_name(x)) <= SASL_SERVER_NAME);
	must(strlen(sasl_server_reason(x)) < SASL_SERVER_REASON);
}

/* The results of each line; how many there are. */
static unsigned
converse(const struct accounts *a, const uint8_t *p, size_t n,
	 enum sasl_server_result out[RESULTS])
{
	const unsigned char how = p[0];
	struct sasl_server *x = sasl_server_open(
	    mechanisms[how & 3], (const unsigned char *)"bound",
	    how & 4 ? 5 : 0, (how & 8) != 0);
	unsigned lines = 0;
	bool more = true;

	p++;
	n--;
	while (more) {
		const uint8_t *end = n == 0 ? NULL : memchr(p, '\n', n);
		size_t k = end == NULL ? n : (size_t)(end - p);
		struct bytes line = {0};

		if (how & 16)
			bytes_add(&line, p, k);
		else
			base64_add(&line, p, k);
		more =
		    n > 0 && sasl_server_take(
				 x, (struct text){(char *)line.data, line.n});
		bytes_free(&line);
		if (!more)
			break;
		must(lines < RESULTS);
		sasl_server_step(x, a, BOX_NOW);
		check_said(x);
		out[lines++] = sasl_server_result(x);
		more = sasl_server_result(x) == SASL_SERVER_MORE;
		k += end != NULL;
		p += k;
		n -= k;
	}
	/* The only password is not to be found by a fuzzer. */
	must(sasl_server_result(x) != SASL_SERVER_YES);
	sasl_server_close(x);
	return lines;
}

static struct accounts *
box(const char *name)
{
	struct bytes file = {0};
	struct accounts *a;

	account_box_begin(&file);
	account_box_line(&file, name, "9f 86d081 884c7d65 9a2feaa0c55ad015",
			 ACCOUNT_ROUNDS_LEAST, ACCOUNT_FOREVER);
	a = account_box_read(&file);
	bytes_free(&file);
	return a;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct accounts *with, *without;
	enum sasl_server_result one[RESULTS], two[RESULTS];
	unsigned lines;

	if (with == NULL) {
		with = box("a");
		without = box("somebody.else");
	}
	if (n == 0 || n > INPUT_MOST)
		return 0;
	lines = converse(with, p, n, one);
	must(converse(without, p, n, two) == lines);
	must(memcmp(one, two, lines * sizeof one[0]) == 0);
	return 0;
}
