/* Any octets as an accounts file.  Oracles: what is taken is written again to a
 * file that is taken, with the same accounts; all of them are found, and a name
 * that is not there never is; what is refused is refused in clean words. */
#include <string.h>

#include "daemon/base64.h"
#include "queue/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const int64_t NOW = INT64_C(1795246544000000);

static void
same(const struct accounts *a, const struct accounts *b)
{
	must(a->n == b->n && memcmp(a->key, b->key, sizeof a->key) == 0);
	for (size_t i = 0; i < a->n; i++) {
		const struct account *x = &a->account[i], *y = &b->account[i];

		must(strcmp(x->name, y->name) == 0 && x->rounds == y->rounds);
		must(x->nsalt == y->nsalt && x->npasswords == y->npasswords);
		must(memcmp(x->salt, y->salt, x->nsalt) == 0);
		for (unsigned j = 0; j < x->npasswords; j++)
			must(memcmp(&x->password[j], &y->password[j],
				    sizeof x->password[j]) == 0);
	}
}

static void
look(const struct accounts *a)
{
	struct account_look l;

	for (size_t i = 0; i < a->n; i++) {
		const struct account *x = &a->account[i];

		must(account_is_name(text_of(x->name)));
		must(accounts_find(a, text_of(x->name)) == x);
		accounts_look(a, text_of(x->name), NOW, &l);
		must(l.known && l.rounds == x->rounds && l.nsalt == x->nsalt);
	}
	accounts_look(a, text_of("not a name"), NOW, &l);
	must(!l.known && !l.live && l.nsalt == ACCOUNT_SALT);
	must(l.rounds >= ACCOUNT_ROUNDS_LEAST &&
	     l.rounds <= ACCOUNT_ROUNDS_MOST);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct accounts *a, *again;
	struct bytes out = {0};
	struct err e;

	a = accounts_read((const char *)p, n, &e);
	if (a == NULL) {
		must(e.kind == ERR_CONFIG && e.text[0] != '\0');
		for (const char *c = e.text; *c != '\0'; c++)
			must(*c >= ' ' && *c <= '~');
		return 0;
	}
	look(a);
	bytes_add_text(&out, "key: ");
	base64_add(&out, a->key, sizeof a->key);
	bytes_add_text(&out, "\n");
	for (size_t i = 0; i < a->n; i++)
		for (unsigned j = 0; j < a->account[i].npasswords; j++)
			account_line(&a->account[i], &a->account[i].password[j],
				     &out);
	if (out.n <= ACCOUNTS_BYTES) {
		again = accounts_read((const char *)out.data, out.n, &e);
		must(again != NULL);
		same(a, again);
		accounts_free(again);
	}
	bytes_free(&out);
	accounts_free(a);
	return 0;
}
