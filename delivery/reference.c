#include "delivery/reference.h"

#include <string.h>

static void
add_name(struct certificate_names *n, const char *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (strcmp(n->name[i], name) == 0)
			return;
	if (*name != '\0' && n->n < CERTIFICATE_NAMES_MOST)
		n->name[n->n++] = name;
}

struct certificate_names
reference_names(const struct relay_settings *r, const struct target *t,
		const char *domain, enum policy_check check)
{
	const char *from = r->deliver == DELIVER_MX ? domain : r->host;
	struct certificate_names n = {.allow_cn = r->allow_cn};

	if (check == CHECK_DANE) {
		add_name(&n, t->tlsa->base);
		add_name(&n, t->host);
		if (t->secure)
			add_name(&n, from);
	} else if (*r->tls_name != '\0') {
		add_name(&n, r->tls_name);
	} else {
		add_name(&n, t->host);
		add_name(&n, from);
	}
	return n;
}
