/*
 * sign_load - the keys that sign, from the configuration and the secrets.
 *
 * Errors   a key that can't be loaded is there all the same, broken, and logged:
 *          its mail waits.
 */
#ifndef MTQ_SIGN_LOAD_H
#define MTQ_SIGN_LOAD_H

#include "daemon/secret.h"
#include "delivery/sign.h"

/* It reads a time zone, and sets TZ for it: in the loop only. */
void sign_keys_load(struct sign_keys *k, const struct settings *s,
		    const struct secrets *secrets);
void sign_keys_free(struct sign_keys *k);

#endif
