#include "queue/peer_certificate.h"

#include <stdio.h>
#include <string.h>

/* Its names as one text; what is no plain host name is left out. */
static void
gather_names(const struct x509 *x, char out[PEER_NAMES])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*";
	struct x509_name name;
	enum x509_alt kind;
	size_t n = 0;

	for (unsigned i = 0; n < PEER_NAMES; i++) {
		kind = x509_alt_at(x, i, &name);
		if (kind == X509_ALT_END)
			break;
		if (kind != X509_ALT_DNS || name.n == 0 ||
		    name.n >= sizeof name.p || n + name.n + 2 > PEER_NAMES)
			continue;
		name.p[name.n] = '\0';
		if (strspn(name.p, plain) != name.n)
			continue;
		n += (size_t)snprintf(out + n, PEER_NAMES - n, "%s%s",
				      n > 0 ? " " : "", name.p);
	}
}

static const char *const fault_words[] = {
    [X509_HOLDS] = "",
    [X509_FORGED] = "a signature is not its issuer's",
    [X509_UNKNOWN_CA] = "not signed by a CA of client_ca",
    [X509_EXPIRED] = "expired",
    [X509_NOT_YET] = "not valid yet",
    [X509_WEAK] = "a weak key or signature",
    [X509_WRONG_USE] = "not for a client",
    [X509_BROKEN] = "the chain does not hold",
};

void
peer_certificate_look(const struct trust *t, const struct peer_chain *c,
		      int64_t now_s, struct peer_certificate *out)
{
	struct x509 *chain[X509_CHAIN_MOST] = {NULL};
	enum x509_fault f = X509_BROKEN;
	size_t i = 0;

	*out = (struct peer_certificate){.holds = false};
	if (c->count == 0) {
		snprintf(out->words, sizeof out->words, "no certificate");
		return;
	}
	for (; i < c->count && i < X509_CHAIN_MOST; i++) {
		chain[i] = x509_load(c->der[i], c->n[i]);
		if (chain[i] == NULL)
			break;
	}
	if (i == c->count)
		f = x509_verify(t, chain, i, now_s, X509_FOR_CLIENT);
	out->holds = f == X509_HOLDS;
	if (out->holds) {
		gather_names(chain[0], out->names);
		x509_subject(chain[0], out->words, sizeof out->words);
	} else {
		snprintf(out->words, sizeof out->words, "%s", fault_words[f]);
	}
	for (i = 0; i < X509_CHAIN_MOST; i++)
		x509_free(chain[i]);
}
