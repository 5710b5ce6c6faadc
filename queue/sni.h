/*
 * sni - which of our certificates is for the name that a client asks for (Server
 * Name Indication, RFC 6066 3).
 *
 * The library knows certificates by the exact names in them; wildcards are
 * ours: "*.example.com" is for one label in its place (RFC 6125 6.4.3).
 *
 * Owner    sni_free.
 */
#ifndef MTQ_SNI_H
#define MTQ_SNI_H

#include "daemon/x509.h"

enum { SNI_NAMES_MOST = 8192 };

struct sni {
	struct sni_name {
		char *name; /* lower case; a wildcard without its "*" */
		bool wildcard;
		unsigned certificate;
	} * at;
	size_t n;
};
/* All names of our certificate number `certificate`. */
void sni_add(struct sni *s, const struct x509 *x, unsigned certificate);
enum sni_answer { SNI_NONE, SNI_EXACT, SNI_WILDCARD };
/* SNI_WILDCARD: *out_certificate is the one; an exact name comes first. */
enum sni_answer sni_find(const struct sni *s, const char *name, size_t n,
			 unsigned *out_certificate) MUST_USE;
void sni_free(struct sni *s);

#endif
