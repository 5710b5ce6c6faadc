/* A file of the maildrop: what is read of it can end no command of ours. */
#include <stdlib.h>
#include <string.h>

#include "queue/drop_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

static void
plain(const char *s)
{
	for (; *s != '\0'; s++)
		must((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int
LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	char *copy = must_alloc(n + 1);
	struct submission m;
	struct err e;

	if (n > 0)
		memcpy(copy, p, n);
	if (drop_file_parse(copy, n, &m, &e)) {
		must(m.nrcpt > 0 && m.nrcpt <= DROP_RECIPIENTS);
		plain(m.sender);
		plain(m.mail_arguments);
		plain(m.rcpt_arguments);
		for (size_t i = 0; i < m.nrcpt; i++)
			plain(m.rcpt[i]);
		must(m.message >= (unsigned char *)copy &&
		     m.message + m.n == (unsigned char *)copy + n);
		free((void *)m.rcpt);
	}
	free(copy);
	return 0;
}
