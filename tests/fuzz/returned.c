/* Any octets as a message that came back: what is read out of it is bounded,
 * harmless in a log or a terminal, and the same each time. */
#include <stdlib.h>
#include <string.h>

#include "queue/address.h"
#include "queue/returned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
harmless(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	must(n < size);
	for (size_t i = 0; i < n; i++)
		must((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void
is_address(const char *text)
{
	struct address a;
	const char *why;

	must(*text == '\0' ||
	     address_parse(text, strlen(text), true, &a, &why) ||
	     strchr(text, '?') != NULL);
}

static void
check(const struct returned *r)
{
	must(r->kind < RETURNED_KIND_COUNT && r->nrcpt <= RETURNED_RECIPIENTS);
	harmless(r->reporter, sizeof r->reporter);
	harmless(r->envid, sizeof r->envid);
	harmless(r->feedback, sizeof r->feedback);
	harmless(r->subject, sizeof r->subject);
	harmless(r->message_id, sizeof r->message_id);
	must(r->kind != RETURNED_COMPLAINT || r->feedback[0] != '\0');
	must(r->kind != RETURNED_OTHER || r->nrcpt == 0);
	for (unsigned i = 0; i < r->nrcpt; i++) {
		const struct returned_rcpt *x = &r->rcpt[i];

		must(x->kind != RETURNED_OTHER && x->kind != RETURNED_AUTO);
		harmless(x->final, sizeof x->final);
		harmless(x->original, sizeof x->original);
		harmless(x->remote, sizeof x->remote);
		harmless(x->status, sizeof x->status);
		harmless(x->reply, sizeof x->reply);
		is_address(x->final);
		is_address(x->original);
		must(x->code == 0 || (x->code >= 400 && x->code <= 559));
		must(x->status[0] == '\0' ||
		     strchr("245", x->status[0]) != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct returned *one = must_alloc(sizeof *one);
	struct returned *two = must_alloc(sizeof *two);
	unsigned char *copy = must_alloc(n + 1);
	bool named;

	memcpy(copy, data, n);
	returned_parse((struct text){(const char *)copy, n}, one);
	check(one);
	(void)returned_about(one, text_of("bob@example.com"), &named);
	must(named ==
	     (returned_about(one, text_of("BOB@example.com"), &named) != NULL &&
	      named));
	returned_parse((struct text){(const char *)copy, n}, two);
	must(memcmp(one, two, sizeof *one) == 0);
	free(copy);
	free(one);
	free(two);
	return 0;
}
