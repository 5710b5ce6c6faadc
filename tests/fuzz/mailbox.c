/* Whoever is read out of a From is a valid address, and reading that address
 * again gives the same. */
#include <string.h>

#include "queue/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char out[ADDRESS_MOST + 1], again[ADDRESS_MOST + 1];
	struct address a;
	const char *why;
	bool whole;

	if (n == 0)
		return 0;
	whole = data[0] != '-';
	mailbox_first((struct text){(const char *)data + 1, n - 1}, whole, out);
	if (out[0] == '\0')
		return 0;
	must(address_parse(out, strlen(out), true, &a, &why));
	mailbox_first(text_of(out), true, again);
	must(strcmp(out, again) == 0);
	/* What is not seen can only take the answer away. */
	mailbox_first((struct text){(const char *)data + 1, n - 1}, true,
		      again);
	must(strcmp(out, again) == 0);
	return 0;
}
