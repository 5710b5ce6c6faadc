/*
 * anchor - the keys in a trust anchor file.
 *
 * A file of DS and DNSKEY records as they stand in a zone (dns-root-data), or
 * one that another program keeps current by RFC 5011 (unbound, unbound-anchor:
 * "autotrust"): of that one only the keys in the states VALID and MISSING count,
 * not those on trial or revoked.
 *
 * Source   RFC 5011 4.2; docs/decisions/0010-dnssec.md
 */
#ifndef MTQ_ANCHOR_H
#define MTQ_ANCHOR_H

#include "daemon/base.h"

enum {
	ANCHOR_WHY = 128,
	ANCHOR_FILE_MOST = 64 * 1024, /* octets */
	ANCHOR_KEYS_MOST = 100,       /* of one file */
};

/* Calls `add` with each record as text until it says false.  False: the file
 * can't be read, holds no key that counts, or `add` said it. */
bool anchor_read(const char *path, bool (*add)(void *arg, const char *record),
		 void *arg, char why[ANCHOR_WHY]) MUST_USE;
/* Another number when the file may have changed, or is another; mixes `h`. */
uint64_t anchor_stamp(const char *path, uint64_t h) MUST_USE;

#endif
