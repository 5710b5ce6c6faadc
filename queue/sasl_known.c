#include "queue/sasl_known.h"

#include <string.h>

const unsigned char *
sasl_known_find(const struct sasl_known *k, const unsigned char tag[MAC_SIZE])
{
	for (size_t i = 0; i < k->n; i++)
		if (mac_equal(k->one[i].tag, tag, MAC_SIZE))
			return k->one[i].stored;
	return NULL;
}

void
sasl_known_put(struct sasl_known *k, const unsigned char tag[MAC_SIZE],
	       const unsigned char stored[MAC_SIZE])
{
	size_t at = 0;

	while (at < k->n && memcmp(k->one[at].tag, tag, MAC_SIZE) != 0)
		at++;
	if (at == SASL_KNOWN_MOST) {
		at = k->next;
		k->next = (k->next + 1) % SASL_KNOWN_MOST;
	} else if (at == k->n) {
		k->n++;
	}
	memcpy(k->one[at].tag, tag, MAC_SIZE);
	memcpy(k->one[at].stored, stored, MAC_SIZE);
}
