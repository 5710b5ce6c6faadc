#include "queue/sni.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
sni_add(struct sni *s, const struct x509 *x, unsigned certificate)
{
	struct x509_name name;
	enum x509_alt kind;

	for (unsigned i = 0; s->n < SNI_NAMES_MOST; i++) {
		struct sni_name *to;
		bool wildcard;

		kind = x509_alt_at(x, i, &name);
		if (kind == X509_ALT_END)
			break;
		if (kind != X509_ALT_DNS || name.n == 0 ||
		    name.n >= sizeof name.p)
			continue;
		name.p[name.n] = '\0';
		wildcard = name.n > 2 && name.p[0] == '*' && name.p[1] == '.';
		s->at = must_realloc(s->at, (s->n + 1) * sizeof *s->at);
		to = &s->at[s->n++];
		*to = (struct sni_name){
		    .name = must_strdup(name.p + (wildcard ? 1 : 0)),
		    .wildcard = wildcard,
		    .certificate = certificate};
	}
}

enum sni_answer
sni_find(const struct sni *s, const char *name, size_t n,
	 unsigned *out_certificate)
{
	const char *dot = memchr(name, '.', n);
	size_t rest = dot != NULL ? n - (size_t)(dot - name) : 0;
	enum sni_answer answer = SNI_NONE;

	for (size_t i = 0; i < s->n; i++) {
		const struct sni_name *x = &s->at[i];
		size_t len = strlen(x->name);

		if (!x->wildcard && len == n &&
		    strncasecmp(x->name, name, n) == 0)
			return SNI_EXACT;
		if (answer == SNI_NONE && x->wildcard && dot != name &&
		    len == rest && rest > 0 &&
		    strncasecmp(x->name, dot, rest) == 0) {
			answer = SNI_WILDCARD;
			*out_certificate = x->certificate;
		}
	}
	return answer;
}

void
sni_free(struct sni *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->at[i].name);
	free(s->at);
	*s = (struct sni){.n = 0};
}
