/*
 * certificates - our own, as their files have them: that they can be read, that
 * each key belongs to its certificate, and whether one ends soon.
 *
 * Fetched are, into a set of secrets: "tls_cert" and "tls_key" under the title
 * of each block `tls` that a listener shows, and "client_ca" under the title of
 * each listener that asks clients for certificates.
 *
 * Errors   begin with FILE:LINE of the key.
 */
#ifndef MTQ_CERTIFICATES_H
#define MTQ_CERTIFICATES_H

#include "daemon/report.h"
#include "daemon/secret.h"
#include "daemon/settings.h"

enum { CERTIFICATES_SOON_DAYS = 14 };

/* Where a reference's value comes from; NULL: secret_fetch. */
struct certificates_source {
	bool (*fetch)(void *arg, const char *ref, bool public,
		      struct bytes *out, struct err *e);
	void *arg;
};
bool certificates_fetch(const struct settings *s,
			const struct certificates_source *from,
			struct secrets *set, struct err *e) MUST_USE;
/* Of those in the set, the ones that have ended or soon will. */
void certificates_doubts(const struct settings *s, const struct secrets *set,
			 int64_t now_s, struct report *rep);
/* What `mtq check` says: both of the above.  What the caller itself may not
 * read is a doubt, mtqd may. */
void certificates_look(const struct settings *s, int64_t now_s,
		       struct report *rep);

#endif
